//! Where a Transformer looked, what the test says of it, and what silent heads change together.

use super::{FOR, effect, level, list, size};
use crate::base::numbers::{fixed, percent};
use crate::base::{Lang, tr, tr_with};
use crate::explain::attention::{AGREES, AttentionMap, Head};

/// Heads that are named one by one.
const HEADS: usize = 4;

/// Where the model looked most, which features count most when they are taken out, and whether the two agree.
pub fn attention(map: &AttentionMap, lang: Lang) -> String {
    let n = map.tokens.len();
    let order = |of: &[f64]| {
        let mut order: Vec<usize> = (1..n.min(of.len())).filter(|i| of[*i] != 0.0 && of[*i].is_finite()).collect();
        order.sort_by(|a, b| of[*b].abs().total_cmp(&of[*a].abs()).then(a.cmp(b)));
        order.truncate(FOR);
        order
    };
    let looked = map.looked();
    let seen: Vec<String> = order(&looked)
        .into_iter()
        .map(|i| tr_with(lang, "explain.attention_seen", &[("token", &map.tokens[i]), ("share", &percent(looked[i]))]))
        .collect();
    let tested: Vec<String> = order(&map.tested)
        .into_iter()
        .map(|i| {
            let key = if map.tested[i] > 0.0 { "explain.attention_adds" } else { "explain.attention_takes" };
            tr_with(lang, key, &[("token", &map.tokens[i]), ("size", &size(map.tested[i], map.scale, lang))])
        })
        .collect();
    let mut out = String::new();
    if !seen.is_empty() {
        out += &tr_with(lang, "explain.attention_looked", &[("list", &list(&seen, lang))]);
    }
    if !tested.is_empty() {
        out += &tr_with(lang, "explain.attention_tested", &[("list", &list(&tested, lang))]);
    }
    if let Some(r) = map.agreement {
        let key = if r < AGREES { "explain.attention_disagree" } else { "explain.attention_agree" };
        out += &tr_with(lang, key, &[("r", &fixed(r, 2))]);
    }
    out.trim().to_owned()
}

/// Some heads by name, or how many of all they are.
pub fn heads(some: &[Head], all: usize, lang: Lang) -> String {
    if some.len() > HEADS {
        return tr_with(lang, "explain.heads_of", &[("n", &some.len()), ("all", &all)]);
    }
    let named: Vec<String> =
        some.iter().map(|(l, h)| tr_with(lang, "explain.head_named", &[("layer", &(l + 1)), ("head", &(h + 1))])).collect();
    list(&named, lang)
}

/// What the prediction becomes with the silent heads silenced together; `None` if none is silent.
pub fn silenced(map: &AttentionMap, lang: Lang) -> Option<String> {
    let without = map.silenced?;
    let (change, alone) = (effect(without - map.output, map.scale, lang), effect(-map.one_by_one(), map.scale, lang));
    let fields: [(&str, &dyn std::fmt::Display); 5] = [
        ("heads", &heads(&map.silent, map.layers * map.heads, lang)),
        ("before", &level(map.output, map.scale)),
        ("after", &level(without, map.scale)),
        ("change", &change),
        ("alone", &alone),
    ];
    let key = if map.silent.len() == 1 { "explain.silenced_one" } else { "explain.silenced_said" };
    let mut out = tr_with(lang, key, &fields);
    if map.silent.len() == map.layers * map.heads {
        out += tr(lang, "explain.silenced_all");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::ml::model::Scale;

    fn made(rng: &mut rng::Rng, scale: Scale) -> AttentionMap {
        let (layers, heads, features) = (1 + rng::below(rng, 3), 1 + rng::below(rng, 4), 1 + rng::below(rng, 6));
        let n = features + 1;
        let mut weights = Vec::new();
        for _ in 0..layers * heads * n {
            let line: Vec<f32> = (0..n).map(|_| rng::unit(rng) as f32 + 0.01).collect();
            let sum: f32 = line.iter().sum();
            weights.extend(line.iter().map(|w| w / sum));
        }
        let names = scan::names(rng, features);
        let level = |rng: &mut rng::Rng| if scale == Scale::Probability { rng::unit(rng) } else { scan::value(rng, scale) };
        AttentionMap {
            layers,
            heads,
            tokens: std::iter::once("[class]".to_owned()).chain(names.iter().map(|n| format!("{n} = 3"))).collect(),
            weights,
            output: level(rng),
            tested: std::iter::once(0.0).chain((0..features).map(|_| scan::value(rng, scale))).collect(),
            tested_heads: (0..layers * heads).map(|_| scan::value(rng, scale)).collect(),
            scale,
            agreement: (rng::below(rng, 4) > 0).then(|| 2.0 * rng::unit(rng) - 1.0),
            ..AttentionMap::default()
        }
    }

    #[test]
    fn where_it_looked_and_what_was_tested_is_read_back() {
        let mut rng = rng::rng(71, "attention said");
        let mut badges = [0; 3];
        for _ in 0..300 {
            let scale = scan::scale(&mut rng);
            let map = made(&mut rng, scale);
            let n = map.tokens.len();
            // Brute force: the class token's line of every head.
            let looked: Vec<f64> = (0..n)
                .map(|k| {
                    let all = (0..map.layers).flat_map(|l| (0..map.heads).map(move |h| (l, h)));
                    all.map(|(l, h)| f64::from(map.head(l, h)[k])).sum::<f64>() / (map.layers * map.heads) as f64
                })
                .collect();
            let by = |of: &[f64]| {
                let mut order: Vec<usize> = (1..n).collect();
                order.sort_by(|a, b| of[*b].abs().total_cmp(&of[*a].abs()));
                order.truncate(3);
                order
            };
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let mut pattern = if en {
                    "The model looked most at {}. Taken out one by one, what counts most is {}.".to_owned()
                } else {
                    "模型最关注 {}。逐个移除后，影响最大的是 {}。".to_owned()
                };
                let badge = map.agreement.map_or(0, |r| if r < 0.3 { 1 } else { 2 });
                badges[badge] += 1;
                pattern += match (badge, en) {
                    (0, _) => "",
                    (1, true) => " The two orders disagree (rank correlation {}): do not read attention as a reason.",
                    (1, false) => "两者的顺序不一致（秩相关 {}）：不要把注意力当作原因。",
                    (_, true) => " The two orders agree (rank correlation {}).",
                    (_, false) => "两者的顺序一致（秩相关 {}）。",
                };
                let said = scan::must(&pattern, &attention(&map, lang));
                let item = if en { "{} ({})" } else { "{}（{}）" };
                let seen = scan::items(&said[0], lang);
                assert_eq!(seen.len(), (n - 1).min(3));
                for (text, i) in seen.iter().zip(by(&looked)) {
                    let parts = scan::must(item, text);
                    assert_eq!(parts[0], map.tokens[i]);
                    scan::is(&parts[1], looked[i], Scale::Probability);
                }
                let tested = scan::items(&said[1], lang);
                for (text, i) in tested.iter().zip(by(&map.tested)) {
                    let (up, down) = if en { ("{} (adds {})", "{} (takes away {})") } else { ("{}（增加 {}）", "{}（减少 {}）") };
                    let parts = scan::must(if map.tested[i] > 0.0 { up } else { down }, text);
                    assert_eq!(parts[0], map.tokens[i]);
                    scan::is_size(&parts[1], map.tested[i], scale);
                }
                if let Some(r) = map.agreement {
                    assert!((scan::number(&said[2]) - r).abs() <= 0.00501);
                }
            }
        }
        assert!(badges.iter().all(|b| *b > 60), "{badges:?}");
    }

    #[test]
    fn what_silent_heads_change_together_is_read_back() {
        let mut rng = rng::rng(72, "silenced said");
        for _ in 0..300 {
            let scale = scan::scale(&mut rng);
            let mut map = made(&mut rng, scale);
            let all = map.layers * map.heads;
            let k = 1 + rng::below(&mut rng, all);
            let mut order: Vec<usize> = (0..all).collect();
            rng::shuffle(&mut rng, &mut order);
            let mut silent: Vec<Head> = order[..k].iter().map(|i| (i / map.heads, i % map.heads)).collect();
            silent.sort_unstable();
            let without = map.output + 0.3 * scan::value(&mut rng, scale);
            assert!(silenced(&map, Lang::En).is_none());
            (map.silent, map.silenced) = (silent.clone(), Some(without));
            let alone: f64 = silent.iter().map(|(l, h)| -map.tested_heads[l * map.heads + h]).sum();
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let mut pattern = match (k == 1, en) {
                    (true, true) => "With {} silenced, the prediction goes from {} to {} ({}).".to_owned(),
                    (true, false) => "静默 {} 后，预测由 {} 变为 {}（{}）。".to_owned(),
                    (false, true) => {
                        "With {} silenced together, the prediction goes from {} to {} ({}); what they change one by one adds up to {}."
                            .to_owned()
                    }
                    (false, false) => "同时静默 {} 后，预测由 {} 变为 {}（{}）；逐个静默的变化之和为 {}。".to_owned(),
                };
                if k == all {
                    pattern += if en {
                        " No head is heard, so only what the model says without looking at any feature is left."
                    } else {
                        "没有任何头发声，仅剩模型不看任何特征时的输出。"
                    };
                }
                let said = scan::must(&pattern, &silenced(&map, lang).unwrap());
                scan::is(&said[1], map.output, scale);
                scan::is(&said[2], without, scale);
                scan::is_signed(&said[3], without - map.output, scale);
                if k > 1 {
                    scan::is_signed(&said[4], alone, scale);
                }
                if k > 4 {
                    let counted = scan::must(if en { "{} of {} heads" } else { "{} 个头中的 {} 个" }, &said[0]);
                    let want = if en { [k, all] } else { [all, k] };
                    assert_eq!(counted.iter().map(|c| c.parse().unwrap()).collect::<Vec<usize>>(), want);
                } else {
                    let named: Vec<Head> = scan::items(&said[0], lang)
                        .iter()
                        .map(|text| {
                            let p = scan::must(if en { "layer {} head {}" } else { "第 {} 层第 {} 头" }, text);
                            (p[0].parse::<usize>().unwrap() - 1, p[1].parse::<usize>().unwrap() - 1)
                        })
                        .collect();
                    assert_eq!(named, silent);
                }
            }
        }
    }
}
