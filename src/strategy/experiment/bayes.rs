//! The Bayesian reading: how likely the variant is better, and what choosing it may cost.
//!
//! Rates are exact (Beta posteriors under a flat prior); relative effects of any metric are normal, as in GrowthBook's
//! engine, under a flat prior or a normal one that the analyst enters.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, Continuous as _, ContinuousCDF as _};

use super::moments::Moments;
use super::{effect, phi, z};
use crate::base::Result;
use crate::fault;

/// What is believed of the relative effect before: normal with this mean and deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

/// The reading of a relative effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// Posterior mean of the relative effect.
    pub effect: f64,
    /// Credible interval.
    pub ci: (f64, f64),
    /// Chance that the variant is better.
    pub chance_to_win: f64,
    /// Expected relative loss if the variant is chosen.
    pub expected_loss: f64,
    /// The prior; flat if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
}

/// The exact reading of two rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Chance that the variant's rate is higher.
    pub chance_to_win: f64,
    /// Expected loss, in rate, of choosing the variant.
    pub loss_of_variant: f64,
    /// Expected loss, in rate, of staying with the control.
    pub loss_of_control: f64,
}

/// Reads the relative effect; `None` where the control's mean is zero or nothing varies.
pub fn relative(control: &Moments, variant: &Moments, prior: Option<Prior>, alpha: f64) -> Option<Belief> {
    let (mut mean, mut variance) = effect::relative(control, variant)?;
    if !(variance > 0.0 && variance.is_finite()) {
        return None;
    }
    if let Some(p) = prior {
        let (data, before) = (1.0 / variance, 1.0 / (p.sd * p.sd));
        mean = (mean * data + p.mean * before) / (data + before);
        variance = 1.0 / (data + before);
    }
    let sd = variance.sqrt();
    let half = z(1.0 - alpha / 2.0) * sd;
    let t = mean / sd;
    let density = (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt();
    Some(Belief {
        effect: mean,
        ci: (mean - half, mean + half),
        chance_to_win: phi(t),
        expected_loss: (sd * density - mean * phi(-t)).max(0.0),
        prior,
    })
}

/// Points of Simpson's rule; the integrand is smooth on the stretch that carries it.
const POINTS: usize = 4_000;

/// P(Beta(c, d) > Beta(a, b)).
fn beats((a, b): (f64, f64), (c, d): (f64, f64)) -> Result<f64> {
    let beta = |a, b| Beta::new(a, b).map_err(|_| fault!("experiment.bad_rate", conversions = a - 1.0, n = a + b - 2.0));
    let (first, second) = (beta(a, b)?, beta(c, d)?);
    // Twelve deviations around the mean hold all but 1e-30 of it.
    let mean = c / (c + d);
    let sd = (mean * (1.0 - mean) / (c + d + 1.0)).sqrt();
    let (low, high) = ((mean - 12.0 * sd).max(0.0), (mean + 12.0 * sd).min(1.0));
    let step = (high - low) / POINTS as f64;
    let at = |i: usize| {
        let x = low + step * i as f64;
        second.pdf(x) * first.cdf(x)
    };
    let weight = |i: usize| {
        if i == 0 || i == POINTS {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    let sum: f64 = (0..=POINTS).map(|i| weight(i) * at(i)).sum();
    Ok((sum * step / 3.0).clamp(0.0, 1.0))
}

/// Two rates under flat priors: conversions and people of each.
pub fn rates(control: (f64, f64), variant: (f64, f64)) -> Result<Rates> {
    for (conversions, n) in [control, variant] {
        if !(n >= 1.0 && n.is_finite() && (0.0..=n).contains(&conversions)) {
            return Err(fault!("experiment.bad_rate", conversions = conversions, n = n));
        }
    }
    let of = |(s, n): (f64, f64)| (s + 1.0, n - s + 1.0);
    let (a, b) = of(control);
    let (c, d) = of(variant);
    let chance = beats((a, b), (c, d))?;
    // E[max(A − B, 0)] = E[A]·P(A' > B) − E[B]·P(A > B'), where a prime has one success more.
    let (mean_a, mean_b) = (a / (a + b), c / (c + d));
    let loss = mean_a * (1.0 - beats((a + 1.0, b), (c, d))?) - mean_b * (1.0 - beats((a, b), (c + 1.0, d))?);
    Ok(Rates { chance_to_win: chance, loss_of_variant: loss.max(0.0), loss_of_control: (loss + mean_b - mean_a).max(0.0) })
}
