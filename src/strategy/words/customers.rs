//! What customers are worth, in words and tables.

use super::chart::{Cell, Chart, Curve, Dots, Grid, Lines, Part, Point, Show};
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

/// Who comes back: by month of the first purchase thin, all together with its band.
pub fn retention(v: &Valuation, lang: Lang) -> Chart {
    let points = |shares: &[crate::strategy::customers::retention::Share]| {
        let one = |(k, s): (usize, &crate::strategy::customers::retention::Share)| Point {
            x: (k + 1) as f64,
            value: s.value,
            band: Some((s.low, s.high)),
        };
        shares.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let of = |c: &crate::strategy::customers::retention::Cohort| Curve {
        name: tr_with(lang, "studies.cohort", &[("month", &c.month), ("n", &numbers::count(c.customers as i64))]),
        part: Part::Other,
        points: points(&c.retained),
    };
    let pooled = Curve { name: tr(lang, "studies.all_cohorts").to_owned(), part: Part::Main, points: points(&v.retention.pooled) };
    let cohorts = v.retention.cohorts.iter().filter(|c| !c.retained.is_empty()).map(of);
    Chart::Lines(Lines {
        x_name: tr(lang, "studies.months_after").to_owned(),
        y_name: tr(lang, "studies.share_buying").to_owned(),
        y: Show::Percent,
        curves: if v.retention.pooled.is_empty() { Vec::new() } else { cohorts.chain([pooled]).collect() },
        ..Lines::default()
    })
}

/// How long the second purchase takes.
pub fn second_purchase(v: &Valuation, lang: Lang) -> Chart {
    let steps = &v.retention.second_purchase;
    let start = Point { x: 0.0, value: 0.0, band: Some((0.0, 0.0)) };
    let points = steps.iter().map(|s| Point { x: s.days as f64, value: s.returned, band: Some((s.low, s.high)) });
    let curve =
        Curve { name: tr(lang, "studies.came_back").to_owned(), part: Part::Main, points: std::iter::once(start).chain(points).collect() };
    Chart::Lines(Lines {
        x_name: tr(lang, "studies.days_after").to_owned(),
        y_name: tr(lang, "studies.share_back").to_owned(),
        y: Show::Percent,
        steps: true,
        curves: if steps.is_empty() { Vec::new() } else { vec![curve] },
        ..Lines::default()
    })
}

/// Customers by how recently and how often they bought, with what they are worth.
pub fn rfm(v: &Valuation, lang: Lang) -> Chart {
    let most = v.grid.iter().map(|c| c.customers).max().unwrap_or(1) as f64;
    let cell = |recency: u8, frequency: u8| {
        let c = v.grid.iter().find(|c| (c.recency, c.frequency) == (recency, frequency))?;
        let worth = c.value.map_or_else(
            || tr_with(lang, "studies.cell_purchases", &[("purchases", &numbers::plain(c.purchases))]),
            |value| tr_with(lang, "studies.cell_value", &[("value", &numbers::plain(value))]),
        );
        let n = numbers::count(c.customers as i64);
        let help = tr_with(
            lang,
            "studies.cell_help",
            &[
                ("recency", &recency),
                ("frequency", &frequency),
                ("n", &n),
                ("share", &numbers::percent(c.customers as f64 / v.customers.max(1) as f64)),
                ("worth", &worth),
            ],
        );
        // Counts of customers differ by orders of magnitude.
        Some(Cell { level: (c.customers as f64 / most).sqrt(), lines: vec![n, worth], help })
    };
    let row = |c: &crate::strategy::customers::GridCell| {
        vec![
            c.recency.to_string(),
            c.frequency.to_string(),
            numbers::count(c.customers as i64),
            numbers::fixed(c.purchases, 1),
            shown(c.value, numbers::plain),
        ]
    };
    let head = ["studies.recency", "studies.frequency", "value.customers", "value.purchases", "value.worth"];
    Chart::Grid(Grid {
        row_name: tr(lang, "studies.recency").to_owned(),
        column_name: tr(lang, "studies.frequency_axis").to_owned(),
        rows: [5u8, 4, 3, 2, 1].iter().map(|r| tr(lang, RECENCY[usize::from(*r) - 1]).to_owned()).collect(),
        columns: [1u8, 2, 3, 4, 5].iter().map(|f| tr(lang, FREQUENCY[usize::from(*f) - 1]).to_owned()).collect(),
        cells: (1..=5).rev().flat_map(|r| (1..=5).map(move |f| (r, f))).map(|(r, f)| cell(r, f)).collect(),
        sheet: sheet(lang, &head, v.grid.iter().map(row).collect()),
    })
}

const RECENCY: [&str; 5] = ["studies.recent_1", "studies.recent_2", "studies.recent_3", "studies.recent_4", "studies.recent_5"];
const FREQUENCY: [&str; 5] = ["studies.often_1", "studies.often_2", "studies.often_3", "studies.often_4", "studies.often_5"];

/// Which part of what is to come lies with which tenth of the customers.
pub fn tenths(v: &Valuation, lang: Lang) -> Chart {
    let name = |k: usize| match k {
        0 => tr(lang, "studies.best_tenth").to_owned(),
        _ => tr_with(lang, "studies.tenth", &[("k", &(k + 1))]),
    };
    let row = |(k, t): (usize, &crate::strategy::customers::Tenth)| {
        // What is less than a thousandth of a unit is nothing to anybody.
        let shown = |v: f64| numbers::plain((v * 1e3).round() / 1e3);
        let range = format!("{} … {}", shown(t.low), shown(t.high));
        (format!("{} ({range})", name(k)), vec![(t.share, f64::NAN, f64::NAN)])
    };
    let axis = if v.value.is_some() { "studies.share_of_value" } else { "studies.share_of_purchases" };
    Chart::Dots(Dots {
        axis: tr(lang, axis).to_owned(),
        show: Show::Percent,
        series: vec![String::new()],
        rows: v.tenths.iter().enumerate().map(row).collect(),
    })
}

/// What was expected beside what came, by how often customers had bought before.
pub fn expected(v: &Valuation, lang: Lang) -> Chart {
    let Some(check) = &v.check else { return Chart::Dots(Dots::default()) };
    let last = check.groups.last().map_or(0, |g| g.frequency);
    let row = |g: &crate::strategy::customers::holdout::Group| {
        let key = match g.frequency {
            0 => "studies.bought_once",
            f if f == last && f >= 7 => "studies.repeats_more",
            _ => "studies.repeats",
        };
        let name = tr_with(lang, key, &[("k", &g.frequency), ("n", &numbers::count(g.customers as i64))]);
        (name, vec![(g.actual, f64::NAN, f64::NAN), (g.expected, f64::NAN, f64::NAN)])
    };
    Chart::Dots(Dots {
        axis: tr(lang, "studies.purchases_each").to_owned(),
        show: Show::Plain,
        series: vec![tr(lang, "studies.came").to_owned(), tr(lang, "studies.was_expected").to_owned()],
        rows: check.groups.iter().map(row).collect(),
    })
}

/// How far what came was from what was expected, in a sentence; none where the log ends with the observed time.
pub fn checked(v: &Valuation, lang: Lang) -> Option<String> {
    let c = v.check.as_ref()?;
    let fields: [(&str, &dyn std::fmt::Display); 5] = [
        ("time", &numbers::plain(c.time)),
        ("actual", &numbers::count(c.actual as i64)),
        ("expected", &numbers::fixed(c.expected, 0)),
        ("off", &super::signed_percent(if c.actual > 0.0 { c.expected / c.actual - 1.0 } else { f64::NAN })),
        ("mae", &numbers::fixed(c.mae, 2)),
    ];
    Some(tr_with(lang, "studies.check", &fields))
}

/// The pictures of a valuation in the order in which they are read, with the keys of their titles and their captions.
pub fn pictures(v: &Valuation, lang: Lang) -> Vec<(&'static str, String, Chart)> {
    let n = numbers::count(v.customers as i64);
    let caption = |key: &str| tr_with(lang, key, &[("n", &n)]);
    vec![
        ("studies.rfm", caption("studies.rfm_caption"), rfm(v, lang)),
        ("studies.tenths", caption(if v.value.is_some() { "studies.tenths_caption" } else { "studies.tenths_purchases" }), tenths(v, lang)),
        ("studies.retention", caption("studies.retention_caption"), retention(v, lang)),
        ("studies.second", caption("studies.second_caption"), second_purchase(v, lang)),
        ("studies.holdout", checked(v, lang).unwrap_or_default(), expected(v, lang)),
    ]
}
