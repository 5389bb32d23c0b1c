//! Were the treated like the untreated before the treatment? Tests that can say no, and the size of the differences.

use super::nuisance::fold_of;
use super::space::Design;
use super::stats::{holm, rank_sum, same_shares, upper};
use super::study::Pair;
use super::{Base, base::Space};
use crate::base::{JobCtx, Result};
use crate::data::{Feature, FeatureMatrix};

/// Below this p the treatment is held to depend on what was known before.
pub const ALPHA: f64 = 0.01;
/// Below this p the groups have the wrong sizes.
pub const SRM_ALPHA: f64 = 0.001;
/// An AUC that a randomised test must be able to tell from a coin before its silence counts.
const LEAST_AUC: f64 = 0.6;

/// What the tests of independence said.
#[derive(Clone, Debug, PartialEq)]
pub struct Independence {
    /// AUC of a classifier that guesses the treatment, on rows that it did not see: the larger of line and trees.
    pub auc: f64,
    /// P over all tests, corrected for their number.
    pub p: f64,
    /// The feature that differs most, with its corrected p.
    pub worst: Option<(String, f64)>,
    /// Whether there are rows enough for a silent test to mean anything.
    pub powerful: bool,
}

/// Guesses the treatment with a line and with trees, each on the half that it did not see, and compares every feature.
pub fn independence(pair: &Pair, columns: &[usize], rows: &[usize], line: &Space, seed: u64, ctx: &JobCtx) -> Result<Independence> {
    let treated: Vec<bool> = rows.iter().map(|&r| pair.treated(r)).collect();
    let trees = Space::of(pair, columns, Base::Gbdt, seed)?;
    let mut families = Vec::new();
    let mut best = 0.5f64;
    for space in [line, &trees] {
        let (mut p, mut sum) = (1.0f64, 0.0);
        for fold in 0..2 {
            let (own, other) = fold_of(rows, fold);
            let model = space.fit(&other, &pair.w, None, true, ctx)?;
            let guess = model.predict(space, &own, ctx)?;
            let truth: Vec<bool> = own.iter().map(|&r| pair.treated(r)).collect();
            let (auc, z) = rank_sum(&guess, &truth);
            // Labels that do not depend on the features are in random order beside guesses made without them, so the
            // rank sum has its permutation distribution; two folds, two tries.
            p = p.min(2.0 * upper(z));
            sum += auc;
        }
        best = best.max(sum / 2.0);
        families.push(p.min(1.0));
    }
    let of_features: Vec<f64> = columns
        .iter()
        .map(|&f| {
            let values: Vec<f64> = rows.iter().map(|&r| pair.x.row(r)[f]).collect();
            compare(&values, pair.features[f].is_categorical().then(|| pair.features[f].levels().len()), &treated)
        })
        .collect();
    let adjusted = holm(&of_features);
    let worst = (0..columns.len()).filter(|i| !adjusted[*i].is_nan()).min_by(|a, b| adjusted[*a].total_cmp(&adjusted[*b]));
    families.push(worst.map_or(1.0, |i| adjusted[i]));
    let least = families.iter().copied().fold(1.0f64, f64::min);
    let n1 = treated.iter().filter(|t| **t).count() as f64;
    let n0 = treated.len() as f64 - n1;
    let spread = ((n1 + n0 + 1.0) / (12.0 * n1 * n0)).sqrt();
    Ok(Independence {
        auc: best,
        p: (least * families.len() as f64).min(1.0),
        worst: worst.map(|i| (pair.features[columns[i]].name.clone(), adjusted[i])),
        // Half the rows test at a time.
        powerful: 0.5 + 2.6 * spread * std::f64::consts::SQRT_2 <= LEAST_AUC,
    })
}

/// P that a column is the same among treated and untreated: ranks of numbers, shares of levels; missing cells count too.
pub fn compare(values: &[f64], levels: Option<usize>, treated: &[bool]) -> f64 {
    let table = |bins: usize, bin: &dyn Fn(f64) -> usize| {
        let mut counts = vec![vec![0.0; bins]; 2];
        for (v, t) in values.iter().zip(treated) {
            counts[usize::from(*t)][bin(*v)] += 1.0;
        }
        same_shares(&counts[0], &counts[1])
    };
    if let Some(levels) = levels {
        return table(levels + 1, &|v| if v.is_finite() && v >= 0.0 { (v as usize).min(levels) } else { levels });
    }
    let (_, z) = rank_sum(values, treated);
    let ranks = super::stats::two_sided(z);
    if values.iter().any(|v| v.is_nan()) {
        let gaps = table(2, &|v| usize::from(v.is_nan()));
        return if ranks.is_nan() { gaps } else { (2.0 * ranks.min(gaps)).min(1.0) };
    }
    ranks
}

/// Largest standardised mean difference over the columns of a design, and its column; with weights or without.
pub fn largest_difference(
    features: &[Feature],
    design: &Design,
    z: &FeatureMatrix,
    pair: &Pair,
    rows: &[usize],
    weight: Option<&[f64]>,
) -> (f64, String) {
    let p = z.n_features;
    let mut sums = vec![[0.0f64; 6]; p];
    for (i, &r) in rows.iter().enumerate() {
        let w = weight.map_or(1.0, |w| w[i]);
        let at = if pair.treated(r) { 0 } else { 3 };
        for (slot, v) in sums.iter_mut().zip(z.row(r)) {
            slot[at] += w;
            slot[at + 1] += w * v;
            // The spread is that of the groups as they are, before and after, so that only the means move.
            slot[at + 2] += v * v;
        }
    }
    let (mut n1, mut n0) = (0.0f64, 0.0f64);
    rows.iter().for_each(|&r| if pair.treated(r) { n1 += 1.0 } else { n0 += 1.0 });
    let mut plain = vec![[0.0f64; 2]; p];
    for &r in rows {
        let at = usize::from(!pair.treated(r));
        for (slot, v) in plain.iter_mut().zip(z.row(r)) {
            slot[at] += v;
        }
    }
    let names = design.names(features);
    let mut out = (0.0, String::new());
    for (j, s) in sums.iter().enumerate() {
        let variance = |square: f64, sum: f64, n: f64| (square / n - (sum / n).powi(2)).max(0.0);
        let spread = ((variance(s[2], plain[j][0], n1) + variance(s[5], plain[j][1], n0)) / 2.0).sqrt();
        let difference = (s[1] / s[0] - s[4] / s[3]).abs();
        let smd = if spread > 0.0 {
            difference / spread
        } else if difference > 1e-12 {
            f64::INFINITY
        } else {
            0.0
        };
        if smd > out.0 {
            out = (smd, names[j].clone());
        }
    }
    out
}

/// P that the groups have the sizes that were planned. Without a plan the nearest plain split is taken: equal, thirds, or a
/// multiple of five per cent; the share is returned with it.
pub fn sample_ratio(control: usize, treated: usize, planned: Option<f64>) -> (f64, f64) {
    let (n0, n1) = (control as f64, treated as f64);
    let n = n0 + n1;
    let p = |share: f64| {
        let x = (n1 - n * share).powi(2) / (n * share) + (n0 - n * (1.0 - share)).powi(2) / (n * (1.0 - share));
        super::stats::chi_squared(x, 1.0)
    };
    if let Some(share) = planned {
        return (share, p(share));
    }
    // An equal split that fits is taken before any other.
    let half = p(0.5);
    if half >= SRM_ALPHA {
        return (0.5, half);
    }
    let plain = (1..20).map(|k| f64::from(k) / 20.0).chain([1.0 / 3.0, 2.0 / 3.0, 0.01, 0.02, 0.98, 0.99]);
    plain.map(|s| (s, p(s))).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0.5, half))
}
