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

/// Adds pieces up.
#[derive(Default)]
pub struct Adder {
    found: Option<Everyone>,
    sums: Vec<Sums>,
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
                .map(|n| OfAll { name: n.clone(), mean_abs: 0.0, low: 0.0, high: 0.0, mean: 0.0, up: 0.0, down: 0.0 })
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
        for row in a.values.chunks_exact(m.max(1)) {
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
        found.features.sort_by(|a, b| b.mean_abs.total_cmp(&a.mean_abs));
        Ok(found)
    }

    /// The means, in the order of the attributions.
    pub(super) fn finish_in_order(self) -> Result<Everyone> {
        let mut found = self.found.filter(|f| f.rows > 0).ok_or_else(|| fault!("explain.no_rows"))?;
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
