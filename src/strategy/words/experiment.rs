//! An experiment in words, tables and pictures.

use super::chart::{Chart, Curve, Dots, Lines, Part, Point, Show};
use super::{Sheet, sheet, signed_percent};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::experiment::decide::Word;
use crate::strategy::experiment::read::{Comparison, MetricReading, Version};
use crate::strategy::experiment::{Effect, Reading};

/// The catalogue key of a decision.
pub fn word_key(word: Word) -> &'static str {
    match word {
        Word::Unhealthy => "experiment.word_unhealthy",
        Word::RollBack => "experiment.word_roll_back",
        Word::Ship => "experiment.word_ship",
        Word::Ready => "experiment.word_ready",
        Word::DaysLeft => "experiment.word_days_left",
    }
}

/// The catalogue key of how a metric was made.
pub fn version_key(version: Version) -> &'static str {
    match version {
        Version::Raw => "experiment.version_raw",
        Version::Cuped => "experiment.version_cuped",
        Version::Winsorised => "experiment.version_winsorised",
    }
}

/// A p-value; one that is nothing to four decimals is said to be less than that.
pub fn p_value(p: f64) -> String {
    if p < 0.000_05 { "< 0.0001".to_owned() } else { numbers::fixed(p, 4) }
}

/// A metric's name, with how it was made where that is not as it is.
pub fn metric(m: &MetricReading, lang: Lang) -> String {
    if m.version == Version::Raw { m.metric.clone() } else { format!("{} ({})", m.metric, tr(lang, version_key(m.version))) }
}

/// A mean as it is read: an adjusted rate is no rate to the engine, but still one to people.
fn level(r: &Reading, m: &MetricReading, v: f64) -> String {
    let rate = r.metrics.iter().any(|other| other.metric == m.metric && other.rate);
    if rate { numbers::percent(v) } else { numbers::plain(v) }
}

fn mean(m: &MetricReading, arm: &str) -> f64 {
    m.arms.iter().find(|a| a.name == arm).map_or(f64::NAN, |a| a.mean)
}

/// One comparison in a sentence: from what to what, the band, and whether it is clear.
pub fn comparison(r: &Reading, m: &MetricReading, c: &Comparison, lang: Lang) -> String {
    let control = &r.asked.control;
    let (from, to) = (level(r, m, mean(m, control)), level(r, m, mean(m, &c.variant)));
    let name = metric(m, lang);
    let Some(e) = &c.absolute else {
        return tr_with(lang, "experiment.says_nothing", &[("metric", &name), ("from", &from)]);
    };
    let relative = c.relative.as_ref().map_or_else(String::new, |r| signed_percent(r.effect));
    let band = c.relative.as_ref().map_or_else(String::new, |r| format!("{} … {}", signed_percent(r.ci.0), signed_percent(r.ci.1)));
    let clear = c.p_adjusted.unwrap_or(e.p) < 0.05;
    let key = match (clear, e.effect >= 0.0) {
        (true, true) => "experiment.says_more",
        (true, false) => "experiment.says_less",
        (false, _) => "experiment.says_unclear",
    };
    let chance = c.bayes.as_ref().map_or_else(|| "–".to_owned(), |b| numbers::percent(b.chance_to_win));
    tr_with(
        lang,
        key,
        &[
            ("metric", &name),
            ("variant", &c.variant),
            ("control", control),
            ("from", &from),
            ("to", &to),
            ("relative", &relative),
            ("band", &band),
            ("p", &p_value(c.p_adjusted.unwrap_or(e.p))),
            ("chance", &chance),
        ],
    )
}

/// Every comparison of an experiment as a table.
pub fn reading(r: &Reading, lang: Lang) -> Sheet {
    let dash = || "–".to_owned();
    let band = |e: &Option<Effect>| e.as_ref().map_or_else(dash, |e| format!("{} … {}", signed_percent(e.ci.0), signed_percent(e.ci.1)));
    let mut rows = Vec::new();
    for m in &r.metrics {
        for c in &m.comparisons {
            rows.push(vec![
                metric(m, lang),
                c.variant.clone(),
                level(r, m, mean(m, &r.asked.control)),
                level(r, m, mean(m, &c.variant)),
                c.relative.as_ref().map_or_else(dash, |e| signed_percent(e.effect)),
                band(&c.relative),
                band(&c.anytime),
                c.absolute.as_ref().map_or_else(dash, |e| p_value(c.p_adjusted.unwrap_or(e.p))),
                c.bayes.as_ref().map_or_else(dash, |b| numbers::percent(b.chance_to_win)),
            ]);
        }
    }
    let head = ["metric", "arm", "control", "variant", "effect", "fixed", "anytime", "p", "chance"];
    let head: Vec<String> = head.iter().map(|h| format!("experiment.head_{h}")).collect();
    sheet(lang, &head.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}

/// Every difference with both of its intervals.
pub fn differences(r: &Reading, lang: Lang) -> Chart {
    let row = |(m, c): (&MetricReading, &Comparison)| {
        let (fixed, any) = (c.relative?, c.anytime?);
        let name = metric(m, lang);
        let name = if r.arms.len() > 2 { format!("{}: {name}", c.variant) } else { name };
        Some((name, vec![(fixed.effect, fixed.ci.0, fixed.ci.1), (any.effect, any.ci.0, any.ci.1)]))
    };
    Chart::Dots(Dots {
        axis: tr(lang, "experiments.relative_axis").to_owned(),
        show: Show::SignedPercent,
        series: vec![tr(lang, "experiments.fixed").to_owned(), tr(lang, "experiments.anytime").to_owned()],
        rows: r.metrics.iter().flat_map(|m| m.comparisons.iter().map(move |c| (m, c))).filter_map(row).collect(),
    })
}

/// Variants whose bands are drawn together.
const SIDE_BY_SIDE: usize = 4;

/// How the answer grew day by day, a picture per metric with all variants in it; nothing where the rows have no days.
pub fn daily(r: &Reading, lang: Lang) -> Vec<(String, Chart)> {
    let mut names: Vec<&str> = r.daily.iter().map(|p| p.metric.as_str()).collect();
    names.dedup();
    let of = |name: &str| {
        let paths = || r.daily.iter().filter(|p| p.metric == name);
        let curve = |(k, p): (usize, &crate::strategy::experiment::daily::Path)| Curve {
            name: p.variant.clone(),
            // More would hide each other; they show their bands under the pointer.
            part: if k < SIDE_BY_SIDE { Part::Main } else { Part::Other },
            points: p.days.iter().map(|d| Point { x: d.number as f64, value: d.effect, band: Some((d.low, d.high)) }).collect(),
        };
        let chart = Chart::Lines(Lines {
            x_name: tr(lang, "studies.daily_axis").to_owned(),
            y_name: tr_with(lang, "studies.daily_of", &[("metric", &name)]),
            x: Show::Date,
            y: Show::SignedPercent,
            curves: paths().enumerate().map(curve).collect(),
            ..Lines::default()
        });
        let shown: Vec<&str> = paths().map(|p| p.variant.as_str()).collect();
        let share = format!("{} %", numbers::plain(100.0 * (1.0 - r.asked.alpha)));
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("variants", &shown.join(", ")), ("control", &r.asked.control), ("share", &share)];
        let key = if shown.len() > SIDE_BY_SIDE { "studies.daily_captions" } else { "studies.daily_caption" };
        (tr_with(lang, key, &fields), chart)
    };
    names.into_iter().map(of).collect()
}
