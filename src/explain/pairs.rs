//! Features that act together: the pairs with the largest interactions in trees, and for any explanation the partner whose
//! values part the effects of a feature.

use serde::{Deserialize, Serialize};

use super::attribution::{Attribution, Method};
use super::method::methods;
use super::players::Players;
use super::trees;
use crate::base::{JobCtx, Result};
use crate::data::{Feature, FeatureMatrix};
use crate::fault;
use crate::ml::Model;
use crate::ml::ensemble::TreeEnsemble;

/// Rows whose interactions are added up.
pub const MOST_ROWS: usize = 400;
/// Most features: pairs grow with their square.
const MOST_FEATURES: usize = 200;
/// Pairs that are named.
const NAMED: usize = 12;
/// Rows of a piece; each holds features² numbers.
const PIECE: usize = 50;
/// Parts of a feature's values within which partners are compared.
const PARTS: usize = 6;

/// Two features and what they do together beyond what each does alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The one.
    pub a: String,
    /// The other.
    pub b: String,
    /// Mean size of their joint part, both halves, on the margin.
    pub size: f64,
    /// 95 % interval of that mean over rows.
    pub low: f64,
    /// Its other end.
    pub high: f64,
}

/// The strongest pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// Strongest first.
    pub pairs: Vec<Pair>,
    /// Share of all attribution (mean sizes, main effects and pairs) that is joint.
    pub joint: f64,
    /// Rows used.
    pub rows: usize,
}

/// Whether the pairs of a model are known exactly: trees whose output is their sum.
pub fn known(model: &dyn Model) -> bool {
    methods(&model.structure()).contains(&Method::Interactions)
}

/// Adds up the interactions of trees over rows.
pub fn pairs(e: &TreeEnsemble, features: &[Feature], x: &FeatureMatrix, output: usize, ctx: &JobCtx) -> Result<Pairs> {
    let (n, m) = (x.n_rows(), features.len());
    if n == 0 || m == 0 {
        return Err(fault!("explain.no_rows"));
    }
    if m > MOST_FEATURES {
        return Err(fault!("explain.pairs_too_many", n = m, most = MOST_FEATURES));
    }
    let players = Players::single(features);
    let (mut sum, mut squares, mut own) = (vec![0.0; m * m], vec![0.0; m * m], 0.0);
    ctx.stage("explain.stage_pairs", n as u64);
    for from in (0..n).step_by(PIECE) {
        ctx.check()?;
        let rows: Vec<usize> = (from..(from + PIECE).min(n)).collect();
        let found = trees::interactions(e, &x.select(&rows), output, &players, &ctx.without_stage())?;
        for square in found.chunks_exact(m * m) {
            for i in 0..m {
                own += square[i * m + i].abs();
                for j in i + 1..m {
                    let both = 2.0 * square[i * m + j].abs();
                    sum[i * m + j] += both;
                    squares[i * m + j] += both * both;
                }
            }
        }
        ctx.at((from + rows.len()) as u64);
    }
    let k = n as f64;
    let mut all: Vec<(usize, f64)> = sum.iter().copied().enumerate().filter(|(_, s)| *s > 0.0).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let together: f64 = all.iter().map(|(_, s)| s).sum();
    let pair = |(at, s): (usize, f64)| {
        let mean = s / k;
        let half = 1.96 * ((squares[at] / k - mean * mean).max(0.0) / k).sqrt();
        Pair {
            a: features[at / m].name.clone(),
            b: features[at % m].name.clone(),
            size: mean,
            low: (mean - half).max(0.0),
            high: mean + half,
        }
    };
    let joint = if together + own > 0.0 { together / (together + own) } else { 0.0 };
    Ok(Pairs { pairs: all.into_iter().take(NAMED).map(pair).collect(), joint, rows: n })
}

/// A partner that parts a feature's effects.
#[derive(Clone, Debug, PartialEq)]
pub struct Partner {
    /// Index of the partner.
    pub feature: usize,
    /// Which rows have much of it, or its more frequent level; `None` where it is missing.
    pub high: Vec<Option<bool>>,
    /// What `high` means, as a value: at least this much, or this level.
    pub from: f64,
    /// Difference of the mean effects of both sides at equal values of the feature, mean size.
    pub gap: f64,
    /// The same with its sign, the side of `high` less the other: its size is that of `gap` where it goes one way everywhere.
    pub more: f64,
}

impl Partner {
    /// Whether the sides differ in one direction, all but a tenth of the way.
    pub fn one_way(&self) -> bool {
        self.more.abs() >= 0.9 * self.gap
    }
}

/// The partner of a feature among all others, at rows that are explained one by one; `None` where none parts them.
pub fn partner(a: &Attribution, features: &[Feature], of: usize) -> Option<Partner> {
    let (n, m) = (a.rows.len(), a.n_features());
    if n < 4 * PARTS || of >= m || features.len() != m {
        return None;
    }
    // Rows with like values of the feature stand in one part: levels, or quantiles of a number.
    let mut order: Vec<usize> = (0..n).filter(|i| !a.input(*i)[of].is_nan()).collect();
    order.sort_by(|i, j| a.input(*i)[of].total_cmp(&a.input(*j)[of]));
    let alike = |i: &usize, j: &usize| a.input(*i)[of] == a.input(*j)[of];
    let parts: Vec<&[usize]> = if features[of].is_categorical() {
        order.chunk_by(alike).collect()
    } else {
        order.chunks(order.len().div_ceil(PARTS).max(1)).collect()
    };
    let sides = |g: usize| -> Option<(f64, Vec<Option<bool>>)> {
        let values: Vec<f64> = (0..n).map(|i| a.input(i)[g]).collect();
        let mut known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        known.sort_by(f64::total_cmp);
        let (first, last) = (*known.first()?, *known.last()?);
        if first == last {
            return None;
        }
        if features[g].is_categorical() {
            let most = known.chunk_by(|x, y| x == y).max_by_key(|c| c.len())?[0];
            return Some((most, values.iter().map(|v| (!v.is_nan()).then_some(*v == most)).collect()));
        }
        let middle = known[known.len() / 2];
        // The lowest value may be that of most rows.
        let from = if middle > first { middle } else { *known.iter().find(|v| **v > first)? };
        Some((from, values.iter().map(|v| (!v.is_nan()).then_some(*v >= from)).collect()))
    };
    let gap = |high: &[Option<bool>]| {
        let (mut all, mut signed, mut weight) = (0.0f64, 0.0f64, 0.0f64);
        for part in &parts {
            let mut side = [(0.0f64, 0.0f64); 2];
            for i in *part {
                if let Some(h) = high[*i] {
                    let s = &mut side[usize::from(h)];
                    *s = (s.0 + 1.0, s.1 + a.row(*i)[of]);
                }
            }
            let [(k, low), (l, top)] = side;
            if k >= 3.0 && l >= 3.0 {
                let w = k.min(l);
                all += w * (top / l - low / k).abs();
                signed += w * (top / l - low / k);
                weight += w;
            }
        }
        if weight > 0.0 { (all / weight, signed / weight) } else { (0.0, 0.0) }
    };
    (0..m)
        .filter(|g| *g != of)
        .filter_map(|g| {
            let (from, high) = sides(g)?;
            let (gap, more) = gap(&high);
            (gap > 0.0).then_some(Partner { feature: g, high, from, gap, more })
        })
        .max_by(|a, b| a.gap.total_cmp(&b.gap).then(b.feature.cmp(&a.feature)))
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::super::tree_shap::tests::{random_ensemble, random_row};
    use super::*;
    use crate::base::rng;
    use crate::ml::ensemble::{Link, Missing, Node, Test, Tree};
    use crate::ml::model::Scale;

    fn split(feature: u32, at: f64, left: u32, right: u32, cover: f64) -> Node {
        Node::Split { feature, test: Test::LessEqual(at), missing: Missing::None, default_left: true, left, right, cover }
    }

    fn leaf(value: f64, cover: f64) -> Node {
        Node::Leaf { value, cover }
    }

    #[test]
    fn only_what_acts_together_is_a_pair() {
        // 1 if both a and b are high; c counts for itself.
        let both = Tree {
            nodes: vec![split(0, 0.5, 1, 2, 4.0), leaf(0.0, 2.0), split(1, 0.5, 3, 4, 2.0), leaf(0.0, 1.0), leaf(1.0, 1.0)],
            output: 0,
            weight: 1.0,
        };
        let alone = Tree { nodes: vec![split(2, 0.5, 1, 2, 4.0), leaf(0.0, 2.0), leaf(3.0, 2.0)], output: 0, weight: 1.0 };
        let e = TreeEnsemble { n_features: 3, n_outputs: 1, intercept: vec![0.0], link: Link::Identity, trees: vec![both, alone] };
        let x = FeatureMatrix { n_features: 3, values: (0..8).flat_map(|k| [0, 1, 2].map(|b| f64::from(k >> b & 1))).collect() };
        let features = ["a", "b", "c"].map(|n| feature(n, &[]));
        let p = pairs(&e, &features, &x, 0, &JobCtx::quiet()).unwrap();
        assert_eq!(p.pairs.len(), 1);
        // By hand: v(ab) − v(a) − v(b) + v() = ±1/4 in every row.
        assert!((p.pairs[0].a.as_str(), p.pairs[0].b.as_str()) == ("a", "b") && (p.pairs[0].size - 0.25).abs() < 1e-12, "{p:?}");
        assert!(p.pairs[0].high - p.pairs[0].low < 1e-6 && p.joint > 0.0 && p.joint < 0.2);
    }

    #[test]
    fn pieces_add_up_to_the_whole() {
        let e = random_ensemble(5, 6, 10, 4, 1);
        let mut rng = rng::rng(3, "pairs");
        let x = FeatureMatrix { n_features: 6, values: (0..120).flat_map(|_| random_row(&mut rng, 6)).collect() };
        let features: Vec<Feature> = (0..6).map(|i| feature(&format!("f{i}"), &[])).collect();
        let p = pairs(&e, &features, &x, 0, &JobCtx::quiet()).unwrap();
        let whole = trees::interactions(&e, &x, 0, &Players::single(&features), &JobCtx::quiet()).unwrap();
        for pair in &p.pairs {
            let at = |n: &str| features.iter().position(|f| f.name == n).unwrap();
            let (i, j) = (at(&pair.a), at(&pair.b));
            let mean = whole.chunks(36).map(|s| s[i * 6 + j].abs() + s[j * 6 + i].abs()).sum::<f64>() / 120.0;
            assert!((mean - pair.size).abs() < 1e-9);
        }
        assert!(p.pairs.windows(2).all(|w| w[0].size >= w[1].size));
    }

    #[test]
    fn the_partner_that_turns_an_effect_round_is_found() {
        let mut rng = rng::rng(4, "partner");
        let n = 400;
        let features = [feature("a", &[]), feature("b", &[]), feature("kind", &["x", "y", "z"])];
        let rows: Vec<[f64; 3]> = (0..n).map(|_| [rng::unit(&mut rng), rng::unit(&mut rng), rng::below(&mut rng, 3) as f64]).collect();
        let made = |phi: &dyn Fn(&[f64; 3]) -> f64| {
            let values = rows.iter().flat_map(|r| [phi(r), 0.0, 0.0]).collect();
            attribution(&features, rows.iter().flatten().copied().collect(), values, 0.0, Scale::Margin)
        };
        let by_kind = partner(&made(&|r| if r[2] == 1.0 { r[0] } else { -r[0] }), &features, 0).unwrap();
        // Where kind is “y” or is not, whichever is meant by high: the sign says which.
        let y_is_high = by_kind.from == 1.0;
        assert!(by_kind.feature == 2 && by_kind.one_way() && (by_kind.more > 0.0) == y_is_high, "{} {}", by_kind.more, by_kind.gap);
        let by_number = partner(&made(&|r| if r[1] > 0.5 { r[0] } else { -r[0] }), &features, 0).unwrap();
        assert!(by_number.feature == 1 && (by_number.from - 0.5).abs() < 0.1 && by_number.gap > 0.7, "{}", by_number.gap);
        assert!(partner(&made(&|r| r[0].floor()), &features, 0).is_none());
    }
}
