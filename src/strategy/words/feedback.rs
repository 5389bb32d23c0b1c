//! What new rows come to, in words.

use super::{Sheet, sheet};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::feedback::{Advice, Feedback, Size};

/// Columns named in a sentence.
const NAMED: usize = 3;

/// What moved, in a sentence.
pub fn drift(f: &Feedback, lang: Lang) -> Option<String> {
    if f.drift.is_empty() {
        return None;
    }
    let moved: Vec<&str> = f.drift.iter().filter(|d| d.size > Size::Steady).map(|d| d.feature.as_str()).collect();
    let clear = f.drift.iter().filter(|d| d.size > Size::Little).count();
    let key = if moved.is_empty() { "feedback.says_steady" } else { "feedback.says_drift" };
    let names = moved.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    Some(tr_with(lang, key, &[("moved", &clear), ("little", &(moved.len() - clear)), ("all", &f.drift.len()), ("names", &names)]))
}

/// How the outcome moved, in a sentence.
pub fn outcome(f: &Feedback, lang: Lang) -> Option<String> {
    let m = f.outcome.as_ref()?;
    let (show, gap): (fn(f64) -> String, fn(f64) -> String) =
        if m.amount { (numbers::plain, numbers::plain) } else { (numbers::percent, numbers::points) };
    let fields: [(&str, &dyn std::fmt::Display); 6] = [
        ("outcome", &m.outcome),
        ("old", &show(m.old)),
        ("new", &show(m.new)),
        ("difference", &gap(m.difference)),
        ("low", &gap(m.interval.0)),
        ("high", &gap(m.interval.1)),
    ];
    Some(tr_with(lang, "feedback.says_outcome", &fields))
}

/// Whether the model still says what happens, in a sentence.
pub fn calibration(f: &Feedback, lang: Lang) -> Option<String> {
    let k = f.calibration.as_ref()?;
    let show: fn(f64) -> String = if amount(f) { numbers::plain } else { numbers::percent };
    let key = if k.holds { "feedback.says_holds" } else { "feedback.says_off" };
    let fields: [(&str, &dyn std::fmt::Display); 4] =
        [("predicted", &show(k.predicted)), ("observed", &show(k.observed)), ("low", &show(k.interval.0)), ("high", &show(k.interval.1))];
    Some(tr_with(lang, key, &fields))
}

/// Whether the outcome is an amount.
pub fn amount(f: &Feedback) -> bool {
    f.outcome.as_ref().map_or_else(|| f.compared.as_ref().is_some_and(|c| c.measure != "log-loss"), |o| o.amount)
}

/// Old against new version, in a sentence.
pub fn compared(f: &Feedback, lang: Lang) -> Option<String> {
    let c = f.compared.as_ref()?;
    let measure = if c.measure == "log-loss" { "feedback.log_loss" } else { "feedback.squared_error" };
    let fields: [(&str, &dyn std::fmt::Display); 8] = [
        ("verdict", &tr(lang, c.verdict.key())),
        ("rows", &numbers::count(c.rows as i64)),
        ("measure", &tr(lang, measure)),
        ("old", &numbers::plain(c.old)),
        ("new", &numbers::plain(c.new)),
        ("difference", &numbers::plain(c.difference)),
        ("low", &numbers::plain(c.interval.0)),
        ("high", &numbers::plain(c.interval.1)),
    ];
    Some(tr_with(lang, "feedback.says_compared", &fields))
}

/// What changed in one piece of advice, in a sentence.
pub fn advice(a: &Advice, lang: Lang) -> String {
    let name = match a.kind.as_str() {
        "scenario" => tr(lang, "feedback.advice_best").to_owned(),
        "items" => tr_with(lang, "feedback.advice_items", &[("person", &a.name)]),
        _ => a.name.clone(),
    };
    let said = |text: &str| match a.kind.as_str() {
        _ if text.is_empty() => tr(lang, "feedback.nothing").to_owned(),
        // Arm by arm, the word as the catalogue's key.
        "study" => {
            let arm = |part: &str| part.rsplit_once(": ").map_or_else(|| part.to_owned(), |(arm, key)| format!("{arm}: {}", tr(lang, key)));
            text.split("; ").map(arm).collect::<Vec<_>>().join("; ")
        }
        _ => text.to_owned(),
    };
    let key = if a.changed { "feedback.advice_changed" } else { "feedback.advice_same" };
    tr_with(lang, key, &[("name", &name), ("before", &said(&a.before)), ("after", &said(&a.after))])
}

/// Every sentence, in the order of the work.
pub fn sentences(f: &Feedback, lang: Lang) -> Vec<String> {
    let columns = f.columns.iter().map(|n| n.say(lang));
    let main = [drift(f, lang), outcome(f, lang), calibration(f, lang), compared(f, lang)];
    columns.chain(main.into_iter().flatten()).chain(f.advice.iter().map(|a| advice(a, lang))).collect()
}

/// How far each column moved.
pub fn drifts(f: &Feedback, lang: Lang) -> Sheet {
    let row = |d: &crate::strategy::feedback::Drift| {
        vec![d.feature.clone(), tr(lang, d.size.key()).to_owned(), numbers::fixed(d.psi, 3), numbers::fixed(d.adjusted, 4)]
    };
    sheet(lang, &["feedback.head_column", "feedback.head_size", "feedback.head_psi", "feedback.head_p"], f.drift.iter().map(row).collect())
}

/// What each column counts for, before and now.
pub fn shifts(f: &Feedback, lang: Lang) -> Sheet {
    let row = |s: &crate::strategy::feedback::Shift| vec![s.feature.clone(), numbers::percent(s.old), numbers::percent(s.new)];
    sheet(lang, &["feedback.head_column", "feedback.head_before", "feedback.head_now"], f.importance.iter().map(row).collect())
}

/// What was predicted, and what came, by group.
pub fn groups(f: &Feedback, lang: Lang) -> Sheet {
    let show: fn(f64) -> String = if amount(f) { numbers::plain } else { numbers::percent };
    let groups = f.calibration.iter().flat_map(|k| &k.groups).enumerate();
    let row = |(i, g): (usize, &crate::strategy::feedback::Group)| {
        let came = format!("{} ({} … {})", show(g.observed), show(g.interval.0), show(g.interval.1));
        vec![tr_with(lang, "feedback.group", &[("n", &(i + 1))]), numbers::count(g.rows as i64), show(g.predicted), came]
    };
    let head = ["feedback.groups", "feedback.head_rows", "feedback.predicted", "feedback.observed"];
    sheet(lang, &head, groups.map(row).collect())
}
