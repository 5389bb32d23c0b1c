//! Many rows at once: what moves the outcome most, which bars are about equal, what every row says together, and what the
//! model loses without a feature.

use super::{FOR, level, list, size};
use crate::base::numbers::{count, percent, plain, signed};
use crate::base::{Lang, tr, tr_with};
use crate::explain::attribution::Attribution;
use crate::explain::everyone::Everyone;
use crate::explain::importance::PermutationImportance;
use crate::explain::summary::Summary;

/// Most names of one run of bars that are about equal.
const EQUAL: usize = 5;

/// Many rows in one or two sentences: the strongest features, and which of them matter about equally.
pub fn overview(s: &Summary, a: &Attribution, lang: Lang) -> String {
    let rows = count(s.rows as i64);
    let named: Vec<String> = s
        .importance
        .iter()
        .take(FOR)
        .filter(|i| i.mean_abs > 0.0)
        .map(|i| {
            let key = match i.direction {
                Some(d) if d > 0.3 => "explain.overview_up",
                Some(d) if d < -0.3 => "explain.overview_down",
                _ => "explain.overview_item",
            };
            tr_with(lang, key, &[("feature", &i.name), ("effect", &size(i.mean_abs, a.scale, lang))])
        })
        .collect();
    if named.is_empty() {
        return tr_with(lang, "explain.nothing", &[("outcome", &a.outcome), ("base", &level(a.base, a.scale)), ("rows", &rows)]);
    }
    let mut out = tr_with(lang, "explain.overview", &[("rows", &rows), ("outcome", &a.outcome), ("list", &list(&named, lang))]);
    if let Some(equal) = ties(s, FOR, lang) {
        out += if lang == Lang::En { " " } else { "" };
        out += &equal;
    }
    out
}

/// Which bars, beginning within the first `top`, cannot be told from their neighbours: “A and B matter about equally.”
pub fn ties(s: &Summary, top: usize, lang: Lang) -> Option<String> {
    let bars = s.importance.iter().take_while(|i| i.mean_abs > 0.0).map(|i| (i.name.as_str(), i.tied));
    equal(&bars.collect::<Vec<_>>(), top, lang)
}

/// The same of any bars: their names, and whether each is tied with the one before.
fn equal(bars: &[(&str, bool)], top: usize, lang: Lang) -> Option<String> {
    let mut said = Vec::new();
    let mut from = 0;
    for i in 1..=bars.len() {
        if bars.get(i).is_some_and(|b| b.1) {
            continue;
        }
        if i - from > 1 && from < top {
            let mut names: Vec<String> = bars[from..i].iter().take(EQUAL).map(|b| b.0.to_owned()).collect();
            if i - from > EQUAL {
                names.push(tr_with(lang, "explain.tied_more", &[("n", &(i - from - EQUAL))]));
            }
            // In a run of three the ends may well differ: only neighbours were compared.
            let key = if i - from == 2 { "explain.tied_two" } else { "explain.tied_run" };
            said.push(tr_with(lang, key, &[("list", &list(&names, lang))]));
        }
        from = i;
    }
    (!said.is_empty()).then(|| said.join(if lang == Lang::En { " " } else { "" }))
}

/// Every row of the data in one sentence.
pub fn everyone(e: &Everyone, lang: Lang) -> String {
    let rows = count(e.rows as i64);
    let item = |f: &crate::explain::everyone::OfAll| {
        let fields: [(&str, &dyn std::fmt::Display); 4] =
            [("feature", &f.name), ("size", &size(f.mean_abs, e.scale, lang)), ("up", &percent(f.up)), ("down", &percent(f.down))];
        tr_with(lang, "explain.everyone_item", &fields)
    };
    let named: Vec<String> = e.features.iter().take(FOR).filter(|f| f.mean_abs > 0.0).map(item).collect();
    if named.is_empty() {
        return tr_with(lang, "explain.nothing", &[("outcome", &e.outcome), ("base", &level(e.base, e.scale)), ("rows", &rows)]);
    }
    // Separated by more than a comma: every item holds commas of its own.
    let list = named.join(tr(lang, "explain.but"));
    let said = tr_with(lang, "explain.everyone_said", &[("rows", &rows), ("outcome", &e.outcome), ("list", &list)]);
    let bars: Vec<_> = e.features.iter().take_while(|f| f.mean_abs > 0.0).map(|f| (f.name.as_str(), f.tied)).collect();
    with_ties(said, &bars, lang)
}

/// A sentence, and which of its bars are about equal.
fn with_ties(said: String, bars: &[(&str, bool)], lang: Lang) -> String {
    match equal(bars, FOR, lang) {
        Some(equal) => format!("{said}{}{equal}", if lang == Lang::En { " " } else { "" }),
        None => said,
    }
}

/// What the model loses without a feature.
pub fn shuffled(p: &PermutationImportance, lang: Lang) -> String {
    let loss = tr(lang, if p.loss == "mse" { "explain.loss_mse" } else { "explain.loss_log" });
    // What a deal in forty does not raise costs nothing that could be seen.
    let costs: Vec<_> = p.features.iter().filter(|f| f.low > 0.0).collect();
    let item = |f: &&crate::explain::importance::Shuffled| {
        tr_with(lang, "explain.shuffled_item", &[("feature", &f.name), ("more", &signed(f.mean))])
    };
    let named: Vec<String> = costs.iter().take(FOR).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 6] = [
        ("loss", &loss),
        ("base", &plain(p.base)),
        ("rows", &count(p.rows as i64)),
        ("list", &list(&named, lang)),
        ("none", &(p.features.len() - costs.len())),
        ("all", &p.features.len()),
    ];
    let said = tr_with(lang, if named.is_empty() { "explain.shuffled_none" } else { "explain.shuffled_said" }, &fields);
    // Among those that cost something; a run ends where the costs do.
    let bars: Vec<_> = p.features.iter().take_while(|f| f.low > 0.0).map(|f| (f.name.as_str(), f.tied)).collect();
    with_ties(said, &bars, lang)
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::{Fingerprint, rng};
    use crate::explain::Method;
    use crate::explain::everyone::OfAll;
    use crate::explain::importance::Shuffled;
    use crate::explain::summary::summarise;
    use crate::explain::summary::tests::{attribution, feature};
    use crate::ml::model::Scale;

    #[test]
    fn many_rows_read_well() {
        let f = vec![feature("a", &[]), feature("b", &["x", "y"])];
        let inputs = vec![1.0, 0.0, 2.0, 1.0, 3.0, 0.0];
        let a = attribution(&f, inputs, vec![-0.1, 0.02, 0.0, -0.01, 0.1, 0.0], 0.3, Scale::Probability);
        let mut s = summarise(&a, &f, 1);
        s.importance[1].tied = false;
        assert_eq!(
            overview(&s, &a, Lang::En),
            "Over 3 rows, Revenue is moved most by a (6.7 pp, more of it raises the outcome) and b (1.0 pp) (average size of the effect per row)."
        );
        assert!(overview(&s, &a, Lang::Zh).contains("a（6.7 个百分点，值越大结果越高）"));
        s.importance[1].tied = true;
        assert!(overview(&s, &a, Lang::En).ends_with(" a and b matter about equally: their order is not certain."));
        let nothing = attribution(&f[..1], vec![f64::NAN], vec![0.0], 0.2, Scale::Probability);
        let s = summarise(&nothing, &f[..1], 1);
        assert!(overview(&s, &nothing, Lang::En).starts_with("No feature moves Revenue"));
    }

    #[test]
    fn an_overview_says_sizes_directions_order_and_ties() {
        let mut rng = rng::rng(11, "overview said");
        let (mut runs, mut directions) = (0, [0; 3]);
        for _ in 0..200 {
            let (n, scale) = (1 + rng::below(&mut rng, 7), scan::scale(&mut rng));
            let names = scan::names(&mut rng, n);
            let f: Vec<_> = names.iter().map(|n| feature(n, &[])).collect();
            // Some rise with their value, some fall, some do neither; some rows are few, so that bars are tied.
            let slopes: Vec<f64> = (0..n).map(|_| [1.0, -1.0, 0.0][rng::below(&mut rng, 3)]).collect();
            let sizes: Vec<f64> = (0..n).map(|_| scan::value(&mut rng, scale).abs() + 1e-3).collect();
            let rows = 12 + rng::below(&mut rng, 1_500);
            let inputs: Vec<f64> = (0..rows * n).map(|_| rng::unit(&mut rng) - 0.5).collect();
            let values = (0..rows * n)
                .map(|i| sizes[i % n] * if slopes[i % n] == 0.0 { rng::normal(&mut rng) } else { slopes[i % n] * inputs[i] })
                .collect();
            let a = attribution(&f, inputs, values, 0.3, scale);
            let s = summarise(&a, &f, 1);
            for lang in scan::LANGS {
                let text = overview(&s, &a, lang);
                let (first, end) = if lang == Lang::En {
                    ("Over {} rows, Revenue is moved most by {} (average size of the effect per row).{}", " ")
                } else {
                    ("在 {} 行中，对 Revenue 影响最大的是 {}（每行影响大小的平均值）。{}", "")
                };
                let said = scan::must(first, &text);
                assert_eq!(scan::number(&said[0]) as usize, rows);
                let (opens, closes) = if lang == Lang::En { (" (", ")") } else { ("（", "）") };
                let (up, down) = if lang == Lang::En {
                    (", more of it raises the outcome", ", more of it lowers the outcome")
                } else {
                    ("，值越大结果越高", "，值越大结果越低")
                };
                // Strongest first, every one with the size and the direction of its own numbers.
                let mut order: Vec<usize> = (0..n).collect();
                let mean = |f: usize| (0..rows).map(|i| a.row(i)[f].abs()).sum::<f64>() / rows as f64;
                order.sort_by(|x, y| mean(*y).total_cmp(&mean(*x)));
                let mut rest = said[1].as_str();
                for (k, f) in order.iter().take(FOR).enumerate() {
                    let at = rest.find(opens).unwrap();
                    let name = rest[..at].trim_start_matches(", ").trim_start_matches('、');
                    let name = name.trim_start_matches(" and ").trim_start_matches("和 ");
                    assert_eq!(name, names[*f], "{text}: place {k}");
                    let inner = &rest[at + opens.len()..];
                    let close = inner.find(closes).unwrap();
                    let words = &inner[..close];
                    let of = if slopes[*f] == 0.0 {
                        0
                    } else if slopes[*f] > 0.0 {
                        1
                    } else {
                        2
                    };
                    let figure =
                        words.strip_suffix(up).map(|w| (w, 1)).or_else(|| words.strip_suffix(down).map(|w| (w, 2))).unwrap_or((words, 0));
                    scan::is_size(figure.0, mean(*f), scale);
                    // Chance may lend a direction to what has none in a few rows; never the other one.
                    assert!(figure.1 == of || (of == 0 && rows < 300), "{text}");
                    directions[figure.1] += 1;
                    rest = &inner[close + closes.len()..];
                }
                assert!(rest.is_empty(), "{text}");
                // Runs of tied bars that begin among the first three, in their order and whole.
                let mut want: Vec<Vec<&str>> = Vec::new();
                for (k, f) in order.iter().enumerate() {
                    if k > 0 && s.importance[k].tied { want.last_mut().unwrap().push(&names[*f]) } else { want.push(vec![&names[*f]]) }
                }
                let mut begin = 0;
                want.retain(|w| {
                    let keep = w.len() > 1 && begin < FOR;
                    begin += w.len();
                    keep
                });
                let mut tail = said[2].as_str();
                for run in &want {
                    let pattern = match (lang, run.len()) {
                        (Lang::En, 2) => "{} matter about equally: their order is not certain.{}",
                        (Lang::En, _) => "{} each matter about as much as the next: their order is not certain.{}",
                        (Lang::Zh, 2) => "{} 的重要性大致相当：先后顺序并不确定。{}",
                        (Lang::Zh, _) => "{} 相邻两项的重要性大致相当：先后顺序并不确定。{}",
                    };
                    let parts = scan::must(pattern, tail.strip_prefix(end).unwrap_or(tail));
                    let mut said = scan::items(&parts[0], lang);
                    if run.len() > 5 {
                        let more = said.pop().unwrap();
                        let pattern = if lang == Lang::En { "{} more" } else { "另外 {} 项" };
                        assert_eq!(scan::must(pattern, &more)[0], (run.len() - 5).to_string());
                    }
                    assert_eq!(said, run[..run.len().min(5)], "{text}");
                    tail = &tail[tail.len() - parts[1].len()..];
                    runs += 1;
                }
                assert!(tail.is_empty(), "{text}");
            }
        }
        assert!(runs > 40 && directions.iter().all(|d| *d > 100), "{runs} {directions:?}");
    }

    #[test]
    fn everyone_is_read_back() {
        let mut rng = rng::rng(12, "everyone said");
        for _ in 0..200 {
            let (n, scale) = (1 + rng::below(&mut rng, 6), scan::scale(&mut rng));
            let names = scan::names(&mut rng, n);
            let mut features: Vec<OfAll> = names
                .iter()
                .map(|name| {
                    let (size, up) = (scan::value(&mut rng, scale).abs() + 1e-3, rng::unit(&mut rng));
                    OfAll {
                        name: name.clone(),
                        mean_abs: size,
                        low: size,
                        high: size,
                        mean: 0.0,
                        up,
                        down: (1.0 - up) * rng::unit(&mut rng),
                        tied: false,
                    }
                })
                .collect();
            features.sort_by(|a, b| b.mean_abs.total_cmp(&a.mean_abs));
            let rows = 1 + rng::below(&mut rng, 2_000_000) as u64;
            let print = Fingerprint::default;
            let e = Everyone {
                features,
                rows,
                mean: 0.0,
                base: 0.2,
                largest_gap: 0.0,
                scale,
                method: Method::TreeShap,
                outcome: "Revenue".into(),
                model: print(),
                data: print(),
            };
            for lang in scan::LANGS {
                let text = everyone(&e, lang);
                let (whole, item, between) = if lang == Lang::En {
                    ("Over all {} rows, Revenue is moved most by {}.", "{} ({} per row on average, up in {} of the rows, down in {})", "; ")
                } else {
                    ("在全部 {} 行中，对 Revenue 影响最大的是 {}。", "{}（平均每行 {}，在 {} 的行中推高，在 {} 的行中拉低）", "；")
                };
                let said = scan::must(whole, &text);
                assert_eq!(scan::number(&said[0]) as u64, rows);
                let items: Vec<&str> = said[1].split(between).collect();
                assert_eq!(items.len(), n.min(FOR));
                for (text, f) in items.iter().zip(&e.features) {
                    let parts = scan::must(item, text);
                    assert_eq!(parts[0], f.name);
                    scan::is_size(&parts[1], f.mean_abs, scale);
                    scan::is(&parts[2], f.up, Scale::Probability);
                    scan::is(&parts[3], f.down, Scale::Probability);
                }
            }
        }
    }

    #[test]
    fn what_is_lost_without_a_feature_is_read_back() {
        let mut rng = rng::rng(13, "shuffled said");
        let mut nothing = 0;
        for i in 0..200 {
            let n = 1 + rng::below(&mut rng, 6);
            let names = scan::names(&mut rng, n);
            let mut features: Vec<Shuffled> = names
                .iter()
                .map(|name| {
                    let (mean, half) = (0.02 * rng::normal(&mut rng), 0.02 * rng::unit(&mut rng));
                    Shuffled { name: name.clone(), mean, low: mean - half, high: mean + half, tied: false }
                })
                .collect();
            features.sort_by(|a, b| b.mean.total_cmp(&a.mean));
            let base = 0.1 + rng::unit(&mut rng);
            let p = PermutationImportance {
                loss: if i % 2 == 0 { "mse" } else { "log_loss" }.into(),
                base,
                features,
                rows: 1_500,
                repeats: 8,
                seed: 1,
                outcome: "Revenue".into(),
                model: Fingerprint::default(),
            };
            // Brute force: who costs something, dearest first.
            let costs: Vec<&Shuffled> = p.features.iter().filter(|f| f.low > 0.0).collect();
            for lang in scan::LANGS {
                let text = shuffled(&p, lang);
                let loss = match (lang, i % 2) {
                    (Lang::En, 0) => "mean squared error",
                    (Lang::En, _) => "log loss",
                    (Lang::Zh, 0) => "均方误差",
                    (Lang::Zh, _) => "对数损失",
                };
                if costs.is_empty() {
                    let pattern = if lang == Lang::En {
                        "No feature’s values raise the {} of {} beyond chance when they are shuffled over {} rows."
                    } else {
                        "在 1,500 行中打乱任一特征的取值，{} {} 的增加都无法与偶然区分{}。"
                    };
                    let said = scan::must(pattern, &text);
                    assert_eq!(said[0], loss);
                    scan::is(&said[1], base, Scale::Margin);
                    nothing += 1;
                    continue;
                }
                let said = if lang == Lang::En {
                    let s = scan::must(
                        "The model loses most without {}: so much the {} rises above {} when a feature’s values are shuffled over {} rows. For {} of {} features no rise can be told from chance.",
                        &text,
                    );
                    [s[0].clone(), s[1].clone(), s[2].clone(), s[3].clone(), s[4].clone(), s[5].clone()]
                } else {
                    let s = scan::must(
                        "缺少 {} 时模型损失最大：在 {} 行中打乱该特征的取值后，{}比 {} 增加的量。{} 个特征中有 {} 个的增加无法与偶然区分。",
                        &text,
                    );
                    [s[0].clone(), s[2].clone(), s[3].clone(), s[1].clone(), s[5].clone(), s[4].clone()]
                };
                assert_eq!((said[1].as_str(), said[3].as_str()), (loss, "1,500"));
                scan::is(&said[2], base, Scale::Margin);
                assert_eq!((said[4].parse(), said[5].parse()), (Ok(n - costs.len()), Ok(n)));
                let items = scan::items(&said[0], lang);
                assert_eq!(items.len(), costs.len().min(FOR));
                for (text, f) in items.iter().zip(&costs) {
                    let parts = scan::must(if lang == Lang::En { "{} ({})" } else { "{}（{}）" }, text);
                    assert_eq!(parts[0], f.name);
                    scan::is_signed(&parts[1], f.mean, Scale::Margin);
                }
            }
        }
        assert!(nothing > 5 && nothing < 300, "{nothing}");
    }

    #[test]
    fn ties_are_said_of_all_rows_and_of_shuffled_ones() {
        let of = |name: &str, size: f64, tied| OfAll {
            name: name.into(),
            mean_abs: size,
            low: 0.0,
            high: 1.0,
            mean: 0.0,
            up: 0.5,
            down: 0.5,
            tied,
        };
        let print = Fingerprint::default;
        let e = Everyone {
            features: vec![of("a", 3.0, false), of("b", 2.9, true), of("c", 1.0, false), of("d", 0.0, true)],
            rows: 10,
            mean: 0.0,
            base: 0.2,
            largest_gap: 0.0,
            scale: Scale::Margin,
            method: Method::TreeShap,
            outcome: "Revenue".into(),
            model: print(),
            data: print(),
        };
        assert!(everyone(&e, Lang::En).ends_with(". a and b matter about equally: their order is not certain."));
        assert!(everyone(&e, Lang::Zh).ends_with("。a和 b 的重要性大致相当：先后顺序并不确定。"), "{}", everyone(&e, Lang::Zh));
        let of = |name: &str, mean: f64, low, tied| Shuffled { name: name.into(), mean, low, high: mean + 1.0, tied };
        let p = PermutationImportance {
            loss: "mse".into(),
            base: 1.0,
            features: vec![of("a", 3.0, 2.0, false), of("b", 2.0, 1.0, false), of("c", 1.9, 1.0, true), of("d", 0.1, -1.0, true)],
            rows: 10,
            repeats: 8,
            seed: 1,
            outcome: "y".into(),
            model: print(),
        };
        // What costs nothing is not told to be as important as what does.
        assert!(
            shuffled(&p, Lang::En).ends_with(". b and c matter about equally: their order is not certain."),
            "{}",
            shuffled(&p, Lang::En)
        );
    }
}
