//! Experiments: how many people, whether the split is sound, and what the outcome says — at the end or at any time.
//!
//! - [`plan`] sample size, smallest detectable effect, duration, sample-ratio mismatch.
//! - [`moments`] what a reading needs of an arm: a few sums; [`effect`] the fixed and the anytime-valid reading of two arms;
//!   [`bayes`] chance to win and expected loss; [`many`] corrections for many comparisons.
//! - [`read`](mod@read) a whole table: every arm and metric, raw, adjusted (CUPED) and winsorised; [`daily`] how the
//!   answer grew; [`decide`] what to do next.
//!
//! The formulas are those of GrowthBook's statistics engine (delta method for relative effects, Welch's degrees of freedom,
//! asymptotic confidence sequences after Waudby-Smith et al. 2023) and, where rates are exact, Beta posteriors.

pub mod bayes;
pub mod daily;
pub mod decide;
pub mod effect;
pub mod many;
pub mod moments;
pub mod plan;
pub mod read;
#[cfg(test)]
mod tests;

pub use decide::Decision;
pub use effect::Effect;
pub use moments::Moments;
pub use read::{Asked, Reading, read};

use statrs::distribution::{ContinuousCDF as _, Normal};

/// Quantile of the standard normal distribution.
pub(crate) fn z(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// Distribution function of the standard normal distribution.
pub(crate) fn phi(x: f64) -> f64 {
    Normal::standard().cdf(x)
}
