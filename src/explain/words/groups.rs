//! Rows and groups set side by side: groups whose effects differ, rows that stand for others, segments unlike the rest.

use super::{FOR, effect, level};
use crate::base::numbers::{count, fixed, percent, plain};
use crate::base::{Lang, tr, tr_with};
use crate::explain::cohorts::Cohorts;
use crate::explain::segments::Segment;
use crate::explain::typical::TypicalRow;
use crate::ml::model::Scale;

/// Which features' effects clearly differ between groups, and in which group they are highest and lowest. `named` says what
/// the groups are called.
pub fn cohorts(c: &Cohorts, named: &[String], scale: Scale, lang: Lang) -> String {
    let mean = |g: usize, f: usize| c.cohorts[g].effects[f].0;
    let item = |f: usize| {
        let groups = 0..c.cohorts.len().min(named.len());
        let high = groups.clone().reduce(|a, b| if mean(b, f) > mean(a, f) { b } else { a }).unwrap_or(0);
        let low = groups.reduce(|a, b| if mean(b, f) < mean(a, f) { b } else { a }).unwrap_or(0);
        let fields: [(&str, &dyn std::fmt::Display); 5] = [
            ("feature", &c.features[f]),
            ("high", &named[high]),
            ("most", &effect(mean(high, f), scale, lang)),
            ("low", &named[low]),
            ("least", &effect(mean(low, f), scale, lang)),
        ];
        tr_with(lang, "explain.cohorts_item", &fields)
    };
    let apart: Vec<String> = (0..c.features.len()).filter(|f| c.apart[*f]).take(FOR).map(item).collect();
    if apart.is_empty() || named.is_empty() {
        return tr(lang, "explain.cohorts_same").to_owned();
    }
    let list = apart.join(tr(lang, "explain.but"));
    tr_with(lang, "explain.cohorts_differ", &[("list", &list)])
}

/// What a typical row stands for.
pub fn typical(r: &TypicalRow, scale: Scale, lang: Lang) -> String {
    let fields: [(&str, &dyn std::fmt::Display); 4] = [
        ("row", &count(i64::from(r.row) + 1)),
        ("share", &percent(r.share)),
        ("prediction", &level(r.prediction, scale)),
        ("mean", &level(r.mean, scale)),
    ];
    tr_with(lang, "explain.typical_line", &fields)
}

/// A segment in which the model errs, or reasons, unlike elsewhere.
pub fn segment(s: &Segment, reasons: bool, lang: Lang) -> String {
    let p = if s.p < 0.01 { "< 0.01".to_owned() } else { format!("= {}", fixed(s.p, 2)) };
    let key = match (reasons, s.mean.total_cmp(&s.rest)) {
        (true, _) => "explain.segment_reasons",
        (false, std::cmp::Ordering::Less) => "explain.segment_less",
        (false, _) => "explain.segment_more",
    };
    let fields: [(&str, &dyn std::fmt::Display); 4] =
        [("rows", &count(s.rows as i64)), ("mean", &plain(s.mean)), ("rest", &plain(s.rest)), ("p", &p)];
    tr_with(lang, key, &fields)
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::cohorts::Cohort;

    #[test]
    fn groups_are_read_back() {
        let mut rng = rng::rng(31, "cohorts said");
        for _ in 0..200 {
            let (n, groups, scale) = (1 + rng::below(&mut rng, 6), 2 + rng::below(&mut rng, 2), scan::scale(&mut rng));
            let names: Vec<String> = (0..groups).map(|g| format!("Region = {g}")).collect();
            let cohorts_of = (0..groups).map(|g| Cohort {
                condition: names[g].clone(),
                rows: 10,
                mean: (0.0, 0.0, 0.0),
                effects: (0..n).map(|_| (scan::value(&mut rng, scale), 0.0, 0.0)).collect(),
            });
            let cohorts_of: Vec<Cohort> = cohorts_of.collect();
            let apart: Vec<bool> = (0..n).map(|_| rng::below(&mut rng, 3) > 0).collect();
            let c = Cohorts { features: scan::names(&mut rng, n), cohorts: cohorts_of, apart: apart.clone() };
            let clear: Vec<usize> = (0..n).filter(|f| apart[*f]).collect();
            for lang in scan::LANGS {
                let text = cohorts(&c, &names, scale, lang);
                if clear.is_empty() {
                    let same = ["No feature’s effect differs clearly between these groups.", "各特征的影响在这些人群之间没有明显差异。"];
                    assert_eq!(text, same[usize::from(lang == Lang::Zh)]);
                    continue;
                }
                let (whole, item, between) = if lang == Lang::En {
                    (
                        "Clearly different between these groups, the largest difference first: {}.",
                        "{} (highest in {}: {}, lowest in {}: {})",
                        "; ",
                    )
                } else {
                    ("在这些人群之间影响明显不同的特征（差异大的在前）：{}。", "{}（在“{}”中最高：{}，在“{}”中最低：{}）", "；")
                };
                let said = scan::must(whole, &text);
                let items: Vec<&str> = said[0].split(between).collect();
                assert_eq!(items.len(), clear.len().min(FOR));
                for (text, f) in items.iter().zip(&clear) {
                    let parts = scan::must(item, text);
                    let all: Vec<f64> = c.cohorts.iter().map(|g| g.effects[*f].0).collect();
                    let (most, least) = all.iter().fold((f64::MIN, f64::MAX), |(a, b), v| (a.max(*v), b.min(*v)));
                    assert_eq!(parts[0], c.features[*f]);
                    assert_eq!(all[names.iter().position(|n| *n == parts[1]).unwrap()], most);
                    assert_eq!(all[names.iter().position(|n| *n == parts[3]).unwrap()], least);
                    scan::is_signed(&parts[2], most, scale);
                    scan::is_signed(&parts[4], least, scale);
                }
            }
        }
    }

    #[test]
    fn typical_rows_and_segments_are_read_back() {
        let mut rng = rng::rng(32, "rows said");
        for i in 0..300 {
            let scale = scan::scale(&mut rng);
            let level = |rng: &mut rng::Rng| if scale == Scale::Probability { rng::unit(rng) } else { scan::value(rng, scale) };
            let r = TypicalRow {
                at: 0,
                row: rng::below(&mut rng, 100_000) as u32,
                share: rng::unit(&mut rng),
                prediction: level(&mut rng),
                mean: level(&mut rng),
            };
            let (mean, rest) = (rng::unit(&mut rng) * 3.0, rng::unit(&mut rng) * 3.0);
            let p = if i % 3 == 0 { 0.002 } else { 0.05 * rng::unit(&mut rng) };
            let s = Segment { condition: "x = 1".into(), rows: 50 + rng::below(&mut rng, 5_000), mean, rest, low: 0.0, high: 0.0, p };
            for lang in scan::LANGS {
                let said = scan::must(
                    if lang == Lang::En {
                        "Row {} stands for {} of the rows (its output {}, theirs {} on average)"
                    } else {
                        "第 {} 行代表 {} 的行（其输出为 {}，所代表行平均为 {}）"
                    },
                    &typical(&r, scale, lang),
                );
                assert_eq!(scan::number(&said[0]) as u32, r.row + 1);
                scan::is(&said[1], r.share, Scale::Probability);
                scan::is(&said[2], r.prediction, scale);
                scan::is(&said[3], r.mean, scale);
                let said = scan::must(
                    match (lang, mean < rest) {
                        (Lang::En, true) => "{} rows; the model errs less there: loss {} instead of {} elsewhere (p {})",
                        (Lang::En, false) => "{} rows; the model errs more there: loss {} instead of {} elsewhere (p {})",
                        (Lang::Zh, true) => "{} 行；模型在此误差更小：损失 {}，其余为 {}（p {}）",
                        (Lang::Zh, false) => "{} 行；模型在此误差更大：损失 {}，其余为 {}（p {}）",
                    },
                    &segment(&s, false, lang),
                );
                assert_eq!(scan::number(&said[0]) as usize, s.rows);
                scan::is(&said[1], mean, Scale::Margin);
                scan::is(&said[2], rest, Scale::Margin);
                let reasons = scan::must(
                    if lang == Lang::En {
                        "{} rows; the model’s reasons are unlike those elsewhere (p {})"
                    } else {
                        "{} 行；模型的理由与其他行不同（p {}）"
                    },
                    &segment(&s, true, lang),
                );
                for said in [&said[3], &reasons[1]] {
                    match said.strip_prefix("< ") {
                        Some(limit) => assert!(p < scan::number(limit)),
                        None => assert!((scan::number(said.strip_prefix("= ").unwrap()) - p).abs() <= 0.0051 && p >= 0.01),
                    }
                }
            }
        }
    }
}
