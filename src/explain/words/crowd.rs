//! Many rows beside one another, their ways to the output, and several methods on the same rows.

use super::{effect, level, list};
use crate::base::numbers::{count, fixed};
use crate::base::{Lang, tr, tr_with};
use crate::explain::beside::{Beside, SAME, SIMILAR};
use crate::explain::crowd::{Crowd, Neighbours, Paths};
use crate::ml::model::Scale;

/// Features named for each end of a crowd.
const ENDS: usize = 2;

/// What moves the rows with the highest outputs, and those with the lowest.
pub fn crowd(c: &Crowd, scale: Scale, lang: Lang) -> String {
    let (Some(low), Some(high)) = (c.groups.first(), c.groups.last()) else { return String::new() };
    let named = |g: &Neighbours| {
        let mut by: Vec<usize> = (0..g.effects.len()).collect();
        by.sort_by(|a, b| g.effects[*b].abs().total_cmp(&g.effects[*a].abs()).then(a.cmp(b)));
        let item = |f: &usize| {
            tr_with(lang, "explain.crowd_item", &[("feature", &c.matrix.lines[*f]), ("effect", &effect(g.effects[*f], scale, lang))])
        };
        list(&by.iter().take(ENDS).map(item).collect::<Vec<_>>(), lang)
    };
    let fields: [(&str, &dyn std::fmt::Display); 6] = [
        ("n", &count(high.rows as i64)),
        ("top", &level(high.output, scale)),
        ("high", &named(high)),
        ("m", &count(low.rows as i64)),
        ("bottom", &level(low.output, scale)),
        ("low", &named(low)),
    ];
    tr_with(lang, "explain.crowd_said", &fields)
}

/// Where the ways of rows part most: at the feature whose effects spread widest.
pub fn paths(p: &Paths, scale: Scale, lang: Lang) -> String {
    let moves = |k: usize| p.lines.iter().filter_map(move |(_, l)| Some(l.get(k + 1)? - l.get(k)?));
    let spread = |k: usize| {
        let n = moves(k).count().max(1) as f64;
        let mean = moves(k).sum::<f64>() / n;
        moves(k).map(|m| (m - mean).powi(2)).sum::<f64>() / n
    };
    // The features that share the first step are no one feature.
    let own = usize::from(p.others > 0)..p.steps.len();
    let Some(k) = own.reduce(|a, b| if spread(b) >= spread(a) { b } else { a }) else { return String::new() };
    let (low, high) = moves(k).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), m| (a.min(m), b.max(m)));
    let fields: [(&str, &dyn std::fmt::Display); 5] = [
        ("rows", &count(p.lines.len() as i64)),
        ("base", &level(p.base, scale)),
        ("feature", &p.steps[k]),
        ("low", &effect(low, scale, lang)),
        ("high", &effect(high, scale, lang)),
    ];
    tr_with(lang, "explain.paths_said", &fields)
}

/// Whether several methods put the features into the same order, the two that agree least first.
pub fn beside(b: &Beside, lang: Lang) -> String {
    let named = |i: usize| tr(lang, &format!("why.method_{}", b.methods[i].method.name().replace('-', "_")));
    let rows = count(b.rows as i64);
    let Some((least, rank)) = b.least() else { return tr_with(lang, "explain.beside_none", &[("rows", &rows)]) };
    let key = match rank {
        r if r >= SAME => "explain.beside_same",
        r if r >= SIMILAR => "explain.beside_similar",
        _ => "explain.beside_differ",
    };
    let fields: [(&str, &dyn std::fmt::Display); 7] = [
        ("n", &b.methods.len()),
        ("rows", &rows),
        ("a", &named(least.of.0)),
        ("b", &named(least.of.1)),
        ("rank", &fixed(rank, 2)),
        ("shared", &least.shared),
        ("top", &b.top),
    ];
    let first = match b.first() {
        Some(feature) => tr_with(lang, "explain.beside_first", &[("feature", &feature)]),
        None => tr(lang, "explain.beside_no_first").to_owned(),
    };
    format!("{}{}{first}", tr_with(lang, key, &fields), if lang == Lang::En { " " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::Method;
    use crate::explain::beside::{Agreement, OfMethod};
    use crate::explain::crowd::Matrix;

    #[test]
    fn the_ends_of_a_crowd_are_read_back() {
        let mut rng = rng::rng(41, "crowd said");
        for _ in 0..100 {
            let (n, scale) = (2 + rng::below(&mut rng, 4), scan::scale(&mut rng));
            let group = |rng: &mut rng::Rng, rows| Neighbours {
                rows,
                output: if scale == Scale::Probability { rng::unit(rng) } else { scan::value(rng, scale) },
                effects: (0..n).map(|_| scan::value(rng, scale)).collect(),
            };
            let groups = vec![group(&mut rng, 7), group(&mut rng, 8), group(&mut rng, 9)];
            let c = Crowd { matrix: Matrix { lines: scan::names(&mut rng, n), ..Matrix::default() }, rows: vec![], groups };
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let said = scan::must(
                    if en {
                        "The 9 rows with the highest outputs ({} on average) are moved most by {}; the 7 rows with the lowest ({}) by {}."
                    } else {
                        "输出最高的 9 行（平均 {}）受影响最大的是 {}；输出最低的 7 行（平均 {}）则是 {}。"
                    },
                    &crowd(&c, scale, lang),
                );
                for (level, list, g) in [(&said[0], &said[1], &c.groups[2]), (&said[2], &said[3], &c.groups[0])] {
                    scan::is(level, g.output, scale);
                    let mut sizes: Vec<f64> = g.effects.iter().map(|e| e.abs()).collect();
                    sizes.sort_by(|a, b| b.total_cmp(a));
                    let items = scan::items(list, lang);
                    assert_eq!(items.len(), 2);
                    for (k, item) in items.iter().enumerate() {
                        let parts = scan::must(if en { "{} ({})" } else { "{}（{}）" }, item);
                        let f = c.matrix.lines.iter().position(|l| *l == parts[0]).unwrap();
                        assert_eq!(g.effects[f].abs(), sizes[k]);
                        scan::is_signed(&parts[1], g.effects[f], scale);
                    }
                }
            }
        }
    }

    #[test]
    fn the_step_that_parts_is_named() {
        // The rest moves the rows most, but is no one feature; then “b”.
        let lines = vec![(0, vec![0.2, 1.2, 1.3, 1.2]), (1, vec![0.2, -0.8, -1.0, -1.0])];
        let p = Paths { steps: vec!["rest".into(), "b".into(), "c".into()], lines, base: 0.2, others: 4 };
        assert_eq!(
            paths(&p, Scale::Probability, Lang::En),
            "2 rows on their way from the base of 20.0 % part most at b, which moves them by −20.0 pp to +10.0 pp."
        );
        assert!(paths(&p, Scale::Margin, Lang::Zh).contains("b"));
        let all = Paths { others: 0, ..p };
        assert!(paths(&all, Scale::Margin, Lang::En).contains("at rest"));
    }

    #[test]
    fn agreement_is_said_by_its_size() {
        let of = |method| OfMethod { method, exact: true, sizes: vec![(2.0, 1.0, 3.0), (1.0, 0.5, 1.5)], unexplained: None };
        let b = |rank| Beside {
            features: vec!["a".into(), "b".into()],
            methods: vec![of(Method::TreeShap), of(Method::KernelShap)],
            agreements: vec![Agreement { of: (0, 1), rank, shared: 1 }],
            top: 2,
            rows: 50,
            scale: Scale::Margin,
        };
        for (rank, en, zh) in [
            (Some(0.95), "nearly the same order", "几乎相同"),
            (Some(0.75), "a similar order", "相近"),
            (Some(-0.2), "do not agree", "不一致"),
            (None, "cannot be compared", "无法比较"),
        ] {
            let (x, y) = (beside(&b(rank), Lang::En), beside(&b(rank), Lang::Zh));
            assert!(x.contains(en) && y.contains(zh), "{x} {y}");
            assert_eq!(x.contains("KernelSHAP") && x.contains("names a first"), rank.is_some(), "{x}");
            assert!(rank.is_none_or(|r| x.contains(&fixed(r, 2)) && y.contains(&fixed(r, 2))), "{x}");
        }
        let mut other = b(Some(0.95));
        other.methods[1].sizes.reverse();
        assert!(beside(&other, Lang::En).contains("not name the same feature first"));
    }
}
