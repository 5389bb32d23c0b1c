//! All rows, whatever their number: sums of attributions, taken piece after piece, so that memory does not grow with the rows.

use serde::{Deserialize, Serialize};

use super::attribution::{Attribution, Method};
use crate::base::{Fingerprint, Result};
use crate::fault;
use crate::ml::model::Scale;

/// What a feature does to all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfAll {
    /// Its name.
    pub name: String,
    /// Mean size of its attribution.
    pub mean_abs: f64,
    /// 95 % interval of that mean, the rows taken as a sample.
    pub low: f64,
    /// Its other end.
    pub high: f64,
    /// Mean attribution, signed.
    pub mean: f64,
    /// Share of the rows that it lifts.
    pub up: f64,
    /// Share of the rows that it lowers.
    pub down: f64,
    /// Whether the rows, taken as a sample, do not say that the feature before it is stronger: the interval of the paired
    /// difference row by row holds zero. Between features that were weak in the first rows, the widest such interval counts.
    #[serde(default)]
    pub tied: bool,
}

/// What the features do to all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Everyone {
    /// Largest mean size first.
    pub features: Vec<OfAll>,
    /// Rows explained.
    pub rows: u64,
    /// Mean output.
    pub mean: f64,
    /// What a row starts from.
    pub base: f64,
    /// Largest |output − base − attributions| of a row.
    pub largest_gap: f64,
    /// Unit of all of it.
    pub scale: Scale,
    /// How the rows were explained.
    pub method: Method,
    /// Which outcome.
    pub outcome: String,
    /// Which model.
    pub model: Fingerprint,
    /// Which data.
    pub data: Fingerprint,
}

#[derive(Clone, Default)]
struct Sums {
    size: f64,
    square: f64,
    signed: f64,
    up: u64,
    down: u64,
}

/// Features whose differences are taken row by row; the strongest of the first piece. All pairs of all would cost too much.
const PAIRED: usize = 24;

/// Adds pieces up.
#[derive(Default)]
pub struct Adder {
    found: Option<Everyone>,
    sums: Vec<Sums>,
    /// Features that are compared row by row.
    paired: Vec<usize>,
    /// Sums of products of their sizes, `paired × paired`, filled where the first is before the second.
    products: Vec<f64>,
}

impl Adder {
    /// One more piece of rows, explained as the others were.
    pub fn add(&mut self, a: &Attribution) {
        let m = a.n_features();
        self.sums.resize(m, Sums::default());
        let found = self.found.get_or_insert_with(|| Everyone {
            features: a
                .features
                .iter()
                .map(|n| OfAll { name: n.clone(), mean_abs: 0.0, low: 0.0, high: 0.0, mean: 0.0, up: 0.0, down: 0.0, tied: false })
                .collect(),
            rows: 0,
            mean: 0.0,
            base: a.base,
            largest_gap: 0.0,
            scale: a.scale,
            method: a.method,
            outcome: a.outcome.clone(),
            model: a.model.clone(),
            data: a.data.clone(),
        });
        found.rows += a.rows.len() as u64;
        found.mean += a.predictions.iter().sum::<f64>();
        found.largest_gap = a.gaps.iter().fold(found.largest_gap, |most, g| most.max(g.abs()));
        if self.paired.is_empty() && !a.rows.is_empty() {
            let sizes: Vec<f64> = (0..m).map(|f| (0..a.rows.len()).map(|i| a.row(i)[f].abs()).sum()).collect();
            self.paired = (0..m).collect();
            self.paired.sort_by(|x, y| sizes[*y].total_cmp(&sizes[*x]));
            self.paired.truncate(PAIRED);
            self.products = vec![0.0; self.paired.len() * self.paired.len()];
        }
        let k = self.paired.len();
        for row in a.values.chunks_exact(m.max(1)) {
            for (i, f) in self.paired.iter().enumerate() {
                let size = row[*f].abs();
                for (j, g) in self.paired.iter().enumerate().skip(i + 1) {
                    self.products[i * k + j] += size * row[*g].abs();
                }
            }
            for (s, v) in self.sums.iter_mut().zip(row) {
                s.size += v.abs();
                s.square += v * v;
                s.signed += v;
                s.up += u64::from(*v > 0.0);
                s.down += u64::from(*v < 0.0);
            }
        }
    }

    /// The means, largest first.
    pub fn finish(self) -> Result<Everyone> {
        let mut found = self.finish_in_order()?;
        let mut order: Vec<usize> = (0..found.features.len()).collect();
        order.sort_by(|a, b| found.features[*b].mean_abs.total_cmp(&found.features[*a].mean_abs));
        let tied: Vec<bool> = order.windows(2).map(|w| self.tied(w[0], w[1], found.rows as f64)).collect();
        found.features = order.iter().map(|f| found.features[*f].clone()).collect();
        found.features.iter_mut().skip(1).zip(tied).for_each(|(f, tied)| f.tied = tied);
        Ok(found)
    }

    /// Whether the rows do not say that the one feature is stronger than the other, which is no longer than it.
    fn tied(&self, strong: usize, weak: usize, n: f64) -> bool {
        if n < 2.0 {
            return true;
        }
        let (a, b) = (&self.sums[strong], &self.sums[weak]);
        let (x, y) = (a.size / n, b.size / n);
        let spread = |s: &Sums, mean: f64| (s.square - n * mean * mean).max(0.0) / (n - 1.0);
        let place = |f: usize| self.paired.iter().position(|p| *p == f);
        let variance = match place(strong).zip(place(weak)) {
            Some((i, j)) => {
                let product = self.products[i.min(j) * self.paired.len() + i.max(j)];
                spread(a, x) + spread(b, y) - 2.0 * (product - n * x * y) / (n - 1.0)
            }
            // How they go together is not known; nothing could spread more than two that go against each other.
            None => (spread(a, x).sqrt() + spread(b, y).sqrt()).powi(2),
        };
        x - y <= 1.96 * (variance.max(0.0) / n).sqrt()
    }

    /// The means, in the order of the attributions.
    pub(super) fn finish_in_order(&self) -> Result<Everyone> {
        let mut found = self.found.clone().filter(|f| f.rows > 0).ok_or_else(|| fault!("explain.no_rows"))?;
        let n = found.rows as f64;
        found.mean /= n;
        for (f, s) in found.features.iter_mut().zip(&self.sums) {
            f.mean_abs = s.size / n;
            let width = 1.96 * ((s.square / n - f.mean_abs * f.mean_abs).max(0.0) / n).sqrt();
            (f.low, f.high) = ((f.mean_abs - width).max(0.0), f.mean_abs + width);
            (f.mean, f.up, f.down) = (s.signed / n, s.up as f64 / n, s.down as f64 / n);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::*;
    use crate::base::rng;

    /// Rows of `m` features: sizes around a level of each, with a part that all share.
    fn rows(n: usize, levels: &[f64], shared: f64, own: f64, seed: u64) -> Attribution {
        let mut rng = rng::rng(seed, "all rows tied");
        let f: Vec<_> = (0..levels.len()).map(|i| feature(&format!("f{i}"), &[])).collect();
        let mut values = Vec::new();
        for _ in 0..n {
            let common = shared * rng::normal(&mut rng);
            values.extend(levels.iter().map(|l| (l + common + own * rng::normal(&mut rng)).max(0.0)));
        }
        attribution(&f, vec![0.0; values.len()], values, 0.0, Scale::Margin)
    }

    fn summed(pieces: &[Attribution]) -> Everyone {
        let mut all = Adder::default();
        pieces.iter().for_each(|a| all.add(a));
        all.finish().unwrap()
    }

    #[test]
    fn ties_are_those_of_paired_differences() {
        for seed in 0..40 {
            let a = rows(300, &[3.0, 2.99, 2.9, 2.0], 0.5, 0.2, seed);
            let e = summed(std::slice::from_ref(&a));
            // Brute force: the differences, row by row.
            for w in e.features.windows(2) {
                let at = |f: &OfAll| a.features.iter().position(|n| *n == f.name).unwrap();
                let gaps: Vec<f64> = (0..300).map(|i| a.row(i)[at(&w[0])].abs() - a.row(i)[at(&w[1])].abs()).collect();
                let mean = gaps.iter().sum::<f64>() / 300.0;
                let sd = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / 299.0).sqrt();
                let margin = mean - 1.96 * sd / 300f64.sqrt();
                assert!(margin.abs() < 1e-9 || w[1].tied == (margin <= 0.0), "{seed}: {margin} {:?}", w[1]);
            }
            assert!(!e.features[3].tied && !e.features[0].tied, "far apart, and nothing stands before the first");
        }
        // What all features share widens each interval and no difference: .05 apart is told apart although the bands overlap.
        let e = summed(&[rows(4_000, &[3.0, 2.95], 0.9, 0.1, 7)]);
        assert!(e.features[0].low < e.features[1].high && !e.features[1].tied);
    }

    #[test]
    fn pieces_and_weak_features_do_not_change_what_is_tied() {
        let a = rows(2_000, &[1.0, 0.999, 0.5], 0.1, 0.3, 3);
        let halves = [
            super::super::brushed::only(&a, &(0..700).collect::<Vec<_>>()),
            super::super::brushed::only(&a, &(700..2_000).collect::<Vec<_>>()),
        ];
        let tied = |e: &Everyone| e.features.iter().map(|f| (f.name.clone(), f.tied)).collect::<Vec<_>>();
        assert_eq!(tied(&summed(&[a])), tied(&summed(&halves)));
        // More features than are compared row by row: those equal in truth stay tied, those far apart do not.
        let levels: Vec<f64> = (0..40).map(|i| if i < 38 { 100.0 - i as f64 } else { 1.0 }).collect();
        let e = summed(&[rows(500, &levels, 0.0, 0.1, 9)]);
        assert!(e.features[..38].iter().all(|f| !f.tied) && e.features[39].tied && !e.features[38].tied);
        assert!(summed(&[rows(1, &[2.0, 1.0], 0.0, 0.1, 1)]).features[1].tied, "one row says nothing of others");
    }
}
