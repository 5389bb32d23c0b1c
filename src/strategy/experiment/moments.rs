//! What a reading needs of an arm: how many people, their mean and spread, and how the metric goes with a covariate.

use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::fault;

/// One arm's metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// People.
    pub n: f64,
    /// Mean per person.
    pub mean: f64,
    /// Variance per person: p(1 − p) of a rate, else with n − 1 below.
    pub variance: f64,
}

/// How a metric goes with what was known before: sums within one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Together {
    /// People.
    pub n: f64,
    /// Mean of the metric.
    pub y: f64,
    /// Mean of the covariate.
    pub x: f64,
    /// Sum of squares of the metric around its mean.
    pub yy: f64,
    /// The same of the covariate.
    pub xx: f64,
    /// Sum of products around the means.
    pub xy: f64,
}

impl Moments {
    /// From a sum, a sum of squares and a number of people.
    pub fn of_sums(sum: f64, squares: f64, n: f64) -> Result<Self> {
        if !(n >= 2.0 && sum.is_finite() && squares.is_finite()) {
            return Err(fault!("experiment.few_people", n = n));
        }
        let mean = sum / n;
        let variance = (squares - sum * mean) / (n - 1.0);
        if variance < -1e-9 * squares.abs().max(1.0) {
            return Err(fault!("experiment.bad_sums", sum = sum, squares = squares));
        }
        Ok(Self { n, mean, variance: variance.max(0.0) })
    }

    /// From conversions among people.
    pub fn of_rate(conversions: f64, n: f64) -> Result<Self> {
        if !(n >= 2.0 && (0.0..=n).contains(&conversions)) {
            return Err(fault!("experiment.bad_rate", conversions = conversions, n = n));
        }
        let p = conversions / n;
        Ok(Self { n, mean: p, variance: p * (1.0 - p) })
    }

    /// From one number per person. Two passes, so that a large mean costs no digits.
    pub fn of_values(values: &[f64], rate: bool) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n.max(1.0);
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let variance = if rate { mean * (1.0 - mean) } else { squares / (n - 1.0).max(1.0) };
        Self { n, mean, variance }
    }

    /// Variance of the mean.
    pub fn of_mean(&self) -> f64 {
        self.variance / self.n.max(1.0)
    }
}

impl Together {
    /// From a metric and a covariate per person.
    pub fn of_values(y: &[f64], x: &[f64]) -> Self {
        let n = y.len() as f64;
        let (my, mx) = (y.iter().sum::<f64>() / n.max(1.0), x.iter().sum::<f64>() / n.max(1.0));
        let mut out = Self { n, y: my, x: mx, ..Self::default() };
        for (y, x) in y.iter().zip(x) {
            let (dy, dx) = (y - my, x - mx);
            out.yy += dy * dy;
            out.xx += dx * dx;
            out.xy += dx * dy;
        }
        out
    }
}

/// CUPED (Deng et al. 2013): every arm's mean less θ times how far its covariate lies from the overall mean, θ the slope
/// within arms. Gives the arms, and the share of variance that went away.
pub fn cuped(arms: &[Together]) -> Option<(Vec<Moments>, f64)> {
    let (xy, xx, yy) = arms.iter().fold((0.0, 0.0, 0.0), |s, a| (s.0 + a.xy, s.1 + a.xx, s.2 + a.yy));
    let all: f64 = arms.iter().map(|a| a.n).sum();
    if !(xx > 0.0 && yy > 0.0 && all > 0.0) {
        return None;
    }
    let theta = xy / xx;
    let centre = arms.iter().map(|a| a.n * a.x).sum::<f64>() / all;
    let adjusted = arms.iter().map(|a| Moments {
        n: a.n,
        mean: a.y - theta * (a.x - centre),
        variance: ((a.yy - 2.0 * theta * a.xy + theta * theta * a.xx) / (a.n - 1.0).max(1.0)).max(0.0),
    });
    Some((adjusted.collect(), xy * xy / (xx * yy)))
}
