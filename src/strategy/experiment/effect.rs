//! Two arms against each other: absolute and relative difference, read once at the end or at any time.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::moments::Moments;
use super::phi;

/// A difference with its interval and p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The difference.
    pub effect: f64,
    /// Its standard error.
    pub se: f64,
    /// Ends of the interval.
    pub ci: (f64, f64),
    /// p-value against no difference.
    pub p: f64,
}

/// How two arms are read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Once, when the planned number of people is there: Welch's t.
    Fixed,
    /// At any time, as often as wished: an asymptotic confidence sequence, narrowest near `tuning` people.
    Sequential {
        /// People (both arms) where the interval is narrowest.
        tuning: f64,
    },
}

/// People at which a sequential interval is narrowest, where nothing else is said.
pub const TUNING: f64 = 5_000.0;

/// Difference of the means, with its variance.
pub fn absolute(control: &Moments, variant: &Moments) -> (f64, f64) {
    (variant.mean - control.mean, variant.of_mean() + control.of_mean())
}

/// Relative difference by the delta method, with its variance; `None` where the control's mean is zero.
pub fn relative(control: &Moments, variant: &Moments) -> Option<(f64, f64)> {
    let (a, b) = (control.mean, variant.mean);
    if a == 0.0 {
        return None;
    }
    Some(((b - a) / a.abs(), variant.of_mean() / (a * a) + control.of_mean() * b * b / (a * a * a * a)))
}

/// Welch–Satterthwaite degrees of freedom.
fn degrees(a: &Moments, b: &Moments) -> f64 {
    let (va, vb) = (a.of_mean(), b.of_mean());
    let below = va * va / (a.n - 1.0).max(1.0) + vb * vb / (b.n - 1.0).max(1.0);
    if below > 0.0 { (va + vb) * (va + vb) / below } else { (a.n + b.n - 2.0).max(1.0) }
}

/// Reads a difference of given variance between two arms at level `alpha`; `None` where nothing varies.
pub fn judge(control: &Moments, variant: &Moments, (effect, variance): (f64, f64), way: Way, alpha: f64) -> Option<Effect> {
    if !(variance > 0.0 && variance.is_finite() && effect.is_finite()) {
        return None;
    }
    let se = variance.sqrt();
    let (half, p) = match way {
        Way::Fixed => {
            let t = StudentsT::new(0.0, 1.0, degrees(control, variant)).ok()?;
            (t.inverse_cdf(1.0 - alpha / 2.0) * se, (2.0 * t.sf((effect / se).abs())).min(1.0))
        }
        Way::Sequential { tuning } => {
            let n = control.n + variant.n;
            let log = -2.0 * alpha.ln();
            // ρ makes the interval narrowest at the tuning number of people.
            let rho2 = (log + (1.0 + log).ln()) / tuning.max(1.0);
            let grown = n * rho2 + 1.0;
            let half = se * n.sqrt() * (2.0 * grown / (n * n * rho2) * (grown.sqrt() / alpha).ln()).sqrt();
            // The e-value of the same mixture; its inverse is a p-value at every time at once.
            let t = effect / se;
            (half, (grown.sqrt() * (-t * t * n * rho2 / (2.0 * grown)).exp()).min(1.0))
        }
    };
    Some(Effect { effect, se, ci: (effect - half, effect + half), p })
}

/// A large-sample interval, for tests of balance.
pub fn normal_p(effect: f64, variance: f64) -> f64 {
    if variance > 0.0 { (2.0 * phi(-(effect / variance.sqrt()).abs())).min(1.0) } else { 1.0 }
}
