//! Many comparisons at once: p-values that keep their promise.

use serde::{Deserialize, Serialize};

/// How p-values are corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Correction {
    /// Not at all.
    None,
    /// Holm: the chance of any false alarm.
    #[default]
    Holm,
    /// Benjamini–Hochberg: the share of false alarms among alarms.
    Bh,
}

/// Corrected p-values, in the order given.
pub fn adjust(p: &[f64], how: Correction) -> Vec<f64> {
    let m = p.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut out = p.to_vec();
    match how {
        Correction::None => {}
        Correction::Holm => {
            let mut least: f64 = 0.0;
            for (rank, &i) in order.iter().enumerate() {
                least = least.max(p[i] * (m - rank) as f64).min(1.0);
                out[i] = least;
            }
        }
        Correction::Bh => {
            let mut most: f64 = 1.0;
            for (rank, &i) in order.iter().enumerate().rev() {
                most = most.min(p[i] * m as f64 / (rank + 1) as f64);
                out[i] = most;
            }
        }
    }
    out
}
