//! What a leaf gives to the players on its path, for the pattern of a row: three rules with one shape.

use crate::data::FeatureMatrix;

use super::super::tree_shap::gauss_legendre;
use super::paths::{Bits, LANES, Leaf, Paths, columns};

/// A rule that turns a pattern at a leaf into values for the leaf's targets.
pub trait Rule: Sync {
    /// Places in the result that a leaf adds to, given the players on its path.
    fn targets(&self, players: &[u32]) -> Vec<u32>;
    /// The values for a pattern, one per target.
    fn fill(&self, tree: usize, leaf: usize, of: &Leaf, pattern: u64, out: &mut [f64]);
}

/// Path-dependent Shapley values: the unknown follow the training rows. φ_j = v ∫ (o_j − z_j) Π_{k≠j} (z_k + t (o_k − z_k)) dt.
pub struct PathDependent {
    rules: Vec<Vec<(f64, f64)>>,
}

impl PathDependent {
    /// Quadratures for every path length up to the most players on a path.
    pub fn new(most: usize) -> Self {
        Self { rules: (0..=most).map(|d| gauss_legendre(d.div_ceil(2))).collect() }
    }
}

impl Rule for PathDependent {
    fn targets(&self, players: &[u32]) -> Vec<u32> {
        players.to_vec()
    }
    fn fill(&self, _tree: usize, _leaf: usize, of: &Leaf, pattern: u64, out: &mut [f64]) {
        let d = of.z.len();
        out.fill(0.0);
        let mut before = [1.0; 64];
        for &(t, w) in &self.rules[d] {
            let factor = |k: usize| {
                let (o, z) = ((pattern >> k & 1) as f64, of.z[k]);
                z + t * (o - z)
            };
            for k in 0..d {
                before[k + 1] = before[k] * factor(k);
            }
            let mut after = w * of.value;
            for k in (0..d).rev() {
                out[k] += ((pattern >> k & 1) as f64 - of.z[k]) * before[k] * after;
                after *= factor(k);
            }
        }
    }
}

/// Patterns of a reference group at every leaf, with the share of the group that has each.
pub struct Group {
    /// Per tree (in the order of the paths), per leaf.
    shares: Vec<Vec<Vec<(u64, f64)>>>,
    /// 1 / (d · C(d − 1, k)): Shapley's weight of a coalition of k among d.
    weights: Vec<Vec<f64>>,
}

impl Group {
    /// Runs the group's rows through the trees.
    pub fn new(paths: &[Paths], x: &FeatureMatrix) -> Self {
        use rayon::prelude::*;
        let n = x.n_rows();
        let shares = paths
            .par_iter()
            .map(|p| {
                let mut seen: Vec<std::collections::BTreeMap<u64, u32>> = vec![Default::default(); p.leaves.len()];
                let (mut cells, mut turns, mut work) = (Vec::new(), Vec::new(), Vec::new());
                for from in (0..n).step_by(LANES) {
                    let rows: Vec<&[f64]> = (from..n.min(from + LANES)).map(|i| x.row(i)).collect();
                    columns(&rows, x.n_features, &mut cells);
                    p.turns(&cells, &mut turns);
                    p.patterns(&turns, &mut work, |leaf, patterns: &Bits| {
                        for pattern in &patterns[..rows.len()] {
                            *seen[leaf].entry(*pattern).or_default() += 1;
                        }
                    });
                }
                seen.into_iter().map(|m| m.into_iter().map(|(k, c)| (k, f64::from(c) / n as f64)).collect()).collect()
            })
            .collect();
        Self { shares, weights: weights() }
    }

    /// Share of the group that follows, at a leaf, all players outside `known`.
    pub fn follows(&self, tree: usize, leaf: usize, players: usize, known: u64) -> f64 {
        let full = (1u64 << players) - 1;
        self.shares[tree][leaf].iter().filter(|(p, _)| (p | known) & full == full).map(|(_, s)| s).sum()
    }
}

/// Shapley's weights of coalitions: `weights[d][k]` for k of the other d − 1 players.
fn weights() -> Vec<Vec<f64>> {
    (0..=64usize)
        .map(|d| {
            let mut w = vec![0.0; d];
            for k in 0..d {
                w[k] = if k == 0 { 1.0 / d as f64 } else { w[k - 1] * k as f64 / (d - k) as f64 };
            }
            w
        })
        .collect()
}

/// Shapley values against a reference group: the unknown come from the group's rows, one after the other.
///
/// For one reference row a leaf counts only if every player is followed by the row or by the reference. Players that only
/// the row follows (a of them) must be known, those that only the reference follows (b) must not; everybody else is idle.
pub struct Against<'a> {
    /// The group.
    pub group: &'a Group,
}

impl Rule for Against<'_> {
    fn targets(&self, players: &[u32]) -> Vec<u32> {
        players.to_vec()
    }
    fn fill(&self, tree: usize, leaf: usize, of: &Leaf, pattern: u64, out: &mut [f64]) {
        let d = of.z.len();
        let full = (1u64 << d) - 1;
        out.fill(0.0);
        for &(theirs, share) in &self.group.shares[tree][leaf] {
            if (pattern | theirs) != full {
                continue;
            }
            let (only, not) = (pattern & !theirs, theirs & !pattern);
            let (a, b) = (only.count_ones() as usize, not.count_ones() as usize);
            if a > 0 {
                let gain = share * of.value * self.group.weights[a + b][a - 1];
                each(only, |k| out[k] += gain);
            }
            if b > 0 {
                let loss = share * of.value * self.group.weights[a + b][a];
                each(not, |k| out[k] -= loss);
            }
        }
    }
}

fn each(mut bits: u64, mut f: impl FnMut(usize)) {
    while bits != 0 {
        f(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// Path-dependent pairwise interactions: v/2 ∫ (o_i − z_i)(o_j − z_j) Π_{k≠i,j} (z_k + t (o_k − z_k)) dt for a pair. Pair
/// (i, j), i < j, of m players has the target i · m + j.
pub struct Pairs {
    /// Number of players.
    pub players: usize,
    rules: Vec<Vec<(f64, f64)>>,
}

impl Pairs {
    /// Quadratures for every path length up to the most players on a path.
    pub fn new(players: usize, most: usize) -> Self {
        // The integrand's degree is d − 2.
        Self { players, rules: (0..=most).map(|d| gauss_legendre(d.saturating_sub(1).div_ceil(2))).collect() }
    }
}

impl Rule for Pairs {
    fn targets(&self, players: &[u32]) -> Vec<u32> {
        let m = self.players as u32;
        let mut out = Vec::with_capacity(players.len() * players.len() / 2);
        for (i, a) in players.iter().enumerate() {
            out.extend(players[i + 1..].iter().map(|b| a.min(b) * m + a.max(b)));
        }
        out
    }
    fn fill(&self, _tree: usize, _leaf: usize, of: &Leaf, pattern: u64, out: &mut [f64]) {
        let d = of.z.len();
        out.fill(0.0);
        let mut factor = [1.0; 64];
        for &(t, w) in &self.rules[d] {
            for k in 0..d {
                let (o, z) = ((pattern >> k & 1) as f64, of.z[k]);
                factor[k] = z + t * (o - z);
            }
            let gain = |k: usize| (pattern >> k & 1) as f64 - of.z[k];
            let mut at = 0;
            for i in 0..d {
                // Products of everybody but i and j, from both ends.
                let mut before = 0.5 * w * of.value * gain(i) * factor[..i].iter().product::<f64>();
                let mut after = [1.0; 65];
                for j in (i + 1..d).rev() {
                    after[j] = after[j + 1] * factor[j];
                }
                for j in i + 1..d {
                    out[at] += before * gain(j) * after[j + 1];
                    before *= factor[j];
                    at += 1;
                }
            }
        }
    }
}
