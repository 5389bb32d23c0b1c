//! Features together: which pairs act jointly, and whose values part the effects of a feature.

use super::{FOR, list, size};
use crate::base::numbers::{count, percent};
use crate::base::{Lang, tr_with};
use crate::explain::pairs::{Pairs, Partner};
use crate::ml::model::Scale;

/// The pairs that do most together beyond what each does alone.
pub fn pairs(p: &Pairs, lang: Lang) -> String {
    let rows = count(p.rows as i64);
    let item = |x: &crate::explain::pairs::Pair| {
        tr_with(lang, "explain.pairs_item", &[("a", &x.a), ("b", &x.b), ("size", &size(x.size, Scale::Margin, lang))])
    };
    let named: Vec<String> = p.pairs.iter().take(FOR).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 3] = [("rows", &rows), ("share", &percent(p.joint)), ("list", &list(&named, lang))];
    tr_with(lang, if named.is_empty() { "explain.pairs_none" } else { "explain.pairs_said" }, &fields)
}

/// How a partner's two sides part a feature's effect at like values of it; `high` and `low` say in words what the sides are.
pub fn parted(p: &Partner, feature: &str, (high, low): (&str, &str), scale: Scale, lang: Lang) -> String {
    let key = if p.one_way() { if p.more > 0.0 { "explain.parted_more" } else { "explain.parted_less" } } else { "explain.parted_both" };
    // One way, the mean difference has a sign, and it is said; else only its size can be.
    let gap = size(if p.one_way() { p.more } else { p.gap }, scale, lang);
    tr_with(lang, key, &[("feature", &feature), ("high", &high), ("low", &low), ("gap", &gap)])
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::pairs::{Pair, partner};
    use crate::explain::summary::tests::{attribution, feature};

    #[test]
    fn pairs_are_read_back() {
        let mut rng = rng::rng(21, "pairs said");
        for _ in 0..200 {
            let n = rng::below(&mut rng, 6);
            let names = scan::names(&mut rng, 2 * n);
            let mut all: Vec<Pair> = (0..n)
                .map(|i| {
                    let size = scan::value(&mut rng, Scale::Margin).abs() + 1e-3;
                    Pair { a: names[2 * i].clone(), b: names[2 * i + 1].clone(), size, low: size, high: size }
                })
                .collect();
            all.sort_by(|a, b| b.size.total_cmp(&a.size));
            let p = Pairs { pairs: all, joint: rng::unit(&mut rng), rows: 400 };
            for lang in scan::LANGS {
                let text = pairs(&p, lang);
                if n == 0 {
                    scan::must(
                        if lang == Lang::En {
                            "No two features act together in these 400 rows{}"
                        } else {
                            "在这 400 行中没有共同起作用的特征{}"
                        },
                        &text,
                    );
                    continue;
                }
                let (list, share) = if lang == Lang::En {
                    let s = scan::must("Acting together most: {}. Joint parts are {} of all that the model does over 400 rows.", &text);
                    (s[0].clone(), s[1].clone())
                } else {
                    let s = scan::must("共同作用最强的是 {}。在 400 行中，共同部分占模型全部作用的 {}。", &text);
                    (s[0].clone(), s[1].clone())
                };
                scan::is(&share, p.joint, Scale::Probability);
                let items = scan::items(&list, lang);
                assert_eq!(items.len(), n.min(FOR));
                for (text, x) in items.iter().zip(&p.pairs) {
                    let parts = scan::must(if lang == Lang::En { "{} with {} ({})" } else { "{} 与 {}（{}）" }, text);
                    assert_eq!((&parts[0], &parts[1]), (&x.a, &x.b));
                    scan::is_size(&parts[2], x.size, Scale::Margin);
                }
            }
        }
    }

    /// Higher where the partner is high, lower there, or now one and now the other: said as it was planted.
    #[test]
    fn which_side_is_higher_is_said() {
        let mut rng = rng::rng(22, "parted said");
        let features = [feature("a", &[]), feature("b", &[]), feature("c", &[])];
        for i in 0..90 {
            let scale = scan::scale(&mut rng);
            let size = if scale == Scale::Probability { 0.05 + 0.2 * rng::unit(&mut rng) } else { 0.5 + 20.0 * rng::unit(&mut rng) };
            let n = 300;
            let (mut inputs, mut values) = (Vec::new(), Vec::new());
            for _ in 0..n {
                let row = [rng::unit(&mut rng), rng::unit(&mut rng), rng::unit(&mut rng)];
                let way = match i % 3 {
                    0 => 1.0,
                    1 => -1.0,
                    _ => {
                        if row[0] < 0.5 {
                            1.0
                        } else {
                            -1.0
                        }
                    }
                };
                inputs.extend(row);
                values.extend([if row[1] >= 0.5 { way * size } else { 0.0 }, 0.0, 0.0]);
            }
            let a = attribution(&features, inputs, values, 0.3, scale);
            let found = partner(&a, &features, 0).unwrap();
            assert_eq!(found.feature, 1);
            for lang in scan::LANGS {
                let text = parted(&found, "a", ("b ≥ 0.5", "b < 0.5"), scale, lang);
                let pattern = match (lang, i % 3) {
                    (Lang::En, 0) => "At like values of a, its effect is {} higher where b ≥ 0.5 than where b < 0.5.",
                    (Lang::En, 1) => "At like values of a, its effect is {} lower where b ≥ 0.5 than where b < 0.5.",
                    (Lang::En, _) => {
                        "At like values of a, its effect differs by {} between rows where b ≥ 0.5 and rows where b < 0.5: higher at some values, lower at others."
                    }
                    (Lang::Zh, 0) => "在 a 取值相近时，b ≥ 0.5 的行其影响比 b < 0.5 的行高 {}。",
                    (Lang::Zh, 1) => "在 a 取值相近时，b ≥ 0.5 的行其影响比 b < 0.5 的行低 {}。",
                    (Lang::Zh, _) => "在 a 取值相近时，b ≥ 0.5 的行与 b < 0.5 的行其影响相差 {}：在某些取值处较高，在另一些取值处较低。",
                };
                let said = scan::must(pattern, &text);
                scan::is_size(&said[0], if i % 3 == 2 { found.gap } else { found.more }, scale);
                // The planted difference, but for the rows between one half and the middle value found.
                let meant = if scale == Scale::Probability { 100.0 * size } else { size };
                assert!((scan::number(&said[0]) / meant - 1.0).abs() < 0.35, "{text} {meant}");
            }
        }
    }
}
