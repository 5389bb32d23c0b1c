//! Before the start: how many people, what effect they would show, how long it takes; and whether the split came out as planned.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use super::z;
use crate::base::Result;
use crate::fault;

/// What a plan starts from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Rate, or mean, without the change.
    pub baseline: f64,
    /// Deviation of one person's amount; `None` for a rate.
    pub sd: Option<f64>,
    /// Chance of a false alarm, two-sided.
    pub alpha: f64,
    /// Chance of seeing the effect if it is there.
    pub power: f64,
    /// Arms, the control among them.
    pub arms: u32,
    /// People a day, all arms together.
    pub per_day: Option<f64>,
}

/// How many people an effect needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// What it starts from.
    pub plan: Plan,
    /// Rate, or mean, with the change.
    pub target: f64,
    /// The effect, absolute.
    pub effect: f64,
    /// The effect, relative to the baseline.
    pub relative: f64,
    /// People an arm, each arm with its own variance.
    pub per_arm: u64,
    /// People an arm, pooled variance under no effect.
    pub per_arm_pooled: u64,
    /// People in all.
    pub total: u64,
    /// Days, where the people a day are known.
    pub days: Option<u64>,
}

/// What a number of people would show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detectable {
    /// What it starts from.
    pub plan: Plan,
    /// People an arm.
    pub per_arm: u64,
    /// Smallest effect seen with the plan's power, absolute.
    pub effect: f64,
    /// The same, relative to the baseline.
    pub relative: f64,
}

impl Plan {
    fn check(&self) -> Result<()> {
        let rate = self.sd.is_none();
        if rate && !(self.baseline > 0.0 && self.baseline < 1.0) {
            return Err(fault!("experiment.bad_baseline", baseline = self.baseline));
        }
        if !self.baseline.is_finite() || self.sd.is_some_and(|s| !(s > 0.0 && s.is_finite())) {
            return Err(fault!("experiment.bad_sd", sd = self.sd.unwrap_or(f64::NAN)));
        }
        for (what, share) in [("alpha", self.alpha), ("power", self.power)] {
            if !(share > 0.0 && share < 1.0) {
                return Err(fault!("experiment.bad_share", what = what, share = share));
            }
        }
        if self.arms < 2 || self.per_day.is_some_and(|d| d.is_nan() || d <= 0.0) {
            return Err(fault!("experiment.bad_traffic"));
        }
        Ok(())
    }

    /// Variance of one person at a rate or mean.
    fn variance(&self, at: f64) -> f64 {
        self.sd.map_or(at * (1.0 - at), |s| s * s)
    }

    /// People needed to see the baseline become `target`.
    pub fn size(&self, target: f64) -> Result<Size> {
        self.check()?;
        let effect = target - self.baseline;
        if effect == 0.0 || !target.is_finite() || (self.sd.is_none() && !(0.0..=1.0).contains(&target)) {
            return Err(fault!("experiment.bad_target", target = target));
        }
        let (za, zb) = (z(1.0 - self.alpha / 2.0), z(self.power));
        let own = self.variance(self.baseline) + self.variance(target);
        let middle = self.variance(f64::midpoint(self.baseline, target));
        let whole = |n: f64| n.ceil().clamp(2.0, 1e15) as u64;
        let per_arm = whole((za + zb) * (za + zb) * own / (effect * effect));
        let pooled = za * (2.0 * middle).sqrt() + zb * own.sqrt();
        let total = per_arm.saturating_mul(u64::from(self.arms));
        Ok(Size {
            plan: *self,
            target,
            effect,
            relative: effect / self.baseline.abs(),
            per_arm,
            per_arm_pooled: whole(pooled * pooled / (effect * effect)),
            total,
            days: self.per_day.map(|d| (total as f64 / d).ceil() as u64),
        })
    }

    /// Smallest increase that so many people an arm show. The target's own variance moves with it, so it is bisected.
    pub fn detectable(&self, per_arm: u64) -> Result<Detectable> {
        self.check()?;
        if per_arm < 2 {
            return Err(fault!("experiment.few_people", n = per_arm));
        }
        let needs = |effect: f64| {
            let zs = z(1.0 - self.alpha / 2.0) + z(self.power);
            zs * zs * (self.variance(self.baseline) + self.variance(self.baseline + effect)) / (effect * effect)
        };
        let mut high = if self.sd.is_none() { 1.0 - self.baseline } else { self.variance(0.0).sqrt() * 100.0 };
        if needs(high) > per_arm as f64 {
            return Err(fault!("experiment.never_seen", n = per_arm));
        }
        let mut low = 0.0;
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if needs(middle) > per_arm as f64 { low = middle } else { high = middle }
        }
        Ok(Detectable { plan: *self, per_arm, effect: high, relative: high / self.baseline.abs() })
    }
}

/// Whether people were split as planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Srm {
    /// People an arm.
    pub counts: Vec<u64>,
    /// People expected.
    pub expected: Vec<f64>,
    /// χ² statistic.
    pub chi2: f64,
    /// p-value.
    pub p: f64,
    /// Whether the split may be believed.
    pub ok: bool,
}

/// Below this p-value a split is not what was planned: such chance happens once in a thousand experiments.
pub const SRM_ALARM: f64 = 0.001;

/// Tests counts against planned weights (equal ones if none are given).
pub fn srm(counts: &[u64], weights: Option<&[f64]>) -> Result<Srm> {
    let k = counts.len();
    let n: u64 = counts.iter().sum();
    if k < 2 || n == 0 {
        return Err(fault!("experiment.no_arms"));
    }
    let even = vec![1.0; k];
    let weights = weights.unwrap_or(&even);
    let whole: f64 = weights.iter().sum();
    if weights.len() != k || weights.iter().any(|w| !(*w > 0.0 && w.is_finite())) {
        return Err(fault!("experiment.bad_weights", arms = k, weights = weights.len()));
    }
    let expected: Vec<f64> = weights.iter().map(|w| n as f64 * w / whole).collect();
    let chi2: f64 = counts.iter().zip(&expected).map(|(c, e)| (*c as f64 - e).powi(2) / e).sum();
    let p = ChiSquared::new((k - 1) as f64).map_or(f64::NAN, |d| d.sf(chi2));
    Ok(Srm { counts: counts.to_vec(), expected, chi2, p, ok: p >= SRM_ALARM })
}
