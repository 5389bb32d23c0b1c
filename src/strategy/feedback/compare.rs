//! Old model against new one on rows that neither learned from: whether what a row costs differs, row by row.

use serde::{Deserialize, Serialize};

use crate::base::rng;
use crate::data::features::quantile;
use crate::ml::metrics;

/// Times that the rows are drawn anew.
const DRAWS: usize = 1_000;

/// Which of two models is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The new one.
    Better,
    /// The rows do not say.
    Same,
    /// The old one.
    Worse,
}

impl Verdict {
    /// Catalogue key of its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::Better => "feedback.better",
            Self::Same => "feedback.same",
            Self::Worse => "feedback.worse",
        }
    }
}

/// Two models on the same held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Rows.
    pub rows: usize,
    /// `log-loss`, or `squared-error`.
    pub measure: String,
    /// Mean loss of the old model.
    pub old: f64,
    /// Mean loss of the new one.
    pub new: f64,
    /// New minus old: below nothing, the new one is better.
    pub difference: f64,
    /// 95 % interval of that, rows drawn anew in pairs.
    pub interval: (f64, f64),
    /// Share of pairs put in the right order by either (yes/no only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<(f64, f64)>,
    /// What that comes to.
    pub verdict: Verdict,
}

/// What a row costs: log-loss of a probability, or the squared error.
fn loss(p: f64, y: f64, binary: bool) -> f64 {
    if !binary {
        return (p - y).powi(2);
    }
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    if y > 0.5 { -p.ln() } else { -(1.0 - p).ln() }
}

/// Compares two models' predictions of rows whose outcome is known.
pub fn compare(old: &[f64], new: &[f64], y: &[f64], binary: bool, seed: u64) -> Compared {
    let n = y.len();
    let of = |p: &[f64]| -> Vec<f64> { p.iter().zip(y).map(|(p, y)| loss(*p, *y, binary)).collect() };
    let (a, b) = (of(old), of(new));
    let difference: Vec<f64> = b.iter().zip(&a).map(|(b, a)| b - a).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
    let mut random = rng::rng(seed, "feedback-compare");
    let mut drawn: Vec<f64> =
        (0..DRAWS).map(|_| (0..n).map(|_| difference[rng::below(&mut random, n)]).sum::<f64>() / n.max(1) as f64).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let interval = if n == 0 { (0.0, 0.0) } else { (quantile(&drawn, 0.025), quantile(&drawn, 0.975)) };
    let verdict = match () {
        () if interval.1 < 0.0 => Verdict::Better,
        () if interval.0 > 0.0 => Verdict::Worse,
        () => Verdict::Same,
    };
    let order = |p: &[f64]| metrics::binary("", p, y, 0.5).auc();
    let auc = if binary { order(old).zip(order(new)) } else { None };
    let measure = if binary { "log-loss" } else { "squared-error" }.to_owned();
    Compared { rows: n, measure, old: mean(&a), new: mean(&b), difference: mean(&difference), interval, auc, verdict }
}
