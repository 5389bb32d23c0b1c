//! What customers are worth, in words and tables.

use super::{Sheet, sheet};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::customers::{Band, Valuation};

/// The name of a segment.
pub fn segment(name: &str, lang: Lang) -> &'static str {
    match name {
        "best" => tr(lang, "value.best"),
        "loyal" => tr(lang, "value.loyal"),
        "promising" => tr(lang, "value.promising"),
        "new" => tr(lang, "value.new"),
        "slipping" => tr(lang, "value.slipping"),
        "must_not_lose" => tr(lang, "value.must_not_lose"),
        _ => tr(lang, "value.asleep"),
    }
}

fn shown(v: Option<f64>, show: fn(f64) -> String) -> String {
    v.map_or_else(|| "–".to_owned(), show)
}

fn band(b: &Band) -> String {
    match (b.low, b.high) {
        (Some(l), Some(h)) => format!("{} ({} … {})", numbers::plain(b.value), numbers::plain(l), numbers::plain(h)),
        _ => numbers::plain(b.value),
    }
}

/// All customers in a sentence.
pub fn valuation(v: &Valuation, lang: Lang) -> String {
    let fields: [(&str, &dyn std::fmt::Display); 5] = [
        ("n", &numbers::count(v.customers as i64)),
        ("repeaters", &numbers::count(v.repeaters as i64)),
        ("purchases", &band(&v.purchases)),
        ("horizon", &numbers::plain(v.settings.horizon)),
        ("value", &v.value.as_ref().map_or_else(|| "–".to_owned(), band)),
    ];
    tr_with(lang, if v.value.is_some() { "value.says_all" } else { "value.says_purchases" }, &fields)
}

/// Segments as a table.
pub fn segments(v: &Valuation, lang: Lang) -> Sheet {
    let row = |s: &crate::strategy::customers::Segment| {
        vec![
            segment(s.segment, lang).to_owned(),
            numbers::count(s.customers as i64),
            numbers::percent(s.share),
            numbers::fixed(s.frequency, 2),
            shown(s.alive, numbers::percent),
            numbers::fixed(s.purchases, 1),
            shown(s.value, numbers::plain),
        ]
    };
    let head = ["value.segment", "value.customers", "value.share", "value.repeats", "value.alive", "value.purchases", "value.worth"];
    sheet(lang, &head, v.segments.iter().map(row).collect())
}
