//! What would another policy have earned? Off-policy evaluation of a log that says which action was shown, with which
//! probability, and what came of it.
//!
//! - [`log`] reads the log, [`mapping`] proposes which column is what, [`asked`] and [`target`] are
//!   the policy in question.
//! - [`reward`] predicts the reward of every action (cross-fitted), [`propensity`] estimates how the log chose where it
//!   does not say; [`estimators`] holds the formulas, [`support`] what the log cannot know, [`verdict`] when to refuse.
//! - [`generator`] makes logs whose true answer is known; the tests hold every interval to it.

use serde::Serialize;

use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers};
use crate::ml::ModelKind;
use crate::note;
use crate::strategy::evidence::Grade;

pub mod asked;
pub mod estimators;
pub mod generator;
pub mod log;
pub mod mapping;
pub mod propensity;
pub mod reward;
pub mod support;
pub mod target;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use asked::Wanted;
pub use estimators::{Estimate, Estimates};
pub use log::{Columns, Log};
pub use mapping::Mapping;
pub use support::Support;
pub use target::Target;

/// Settings of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Weights above this are cut down to it.
    pub clip: Option<f64>,
    /// Kind of reward model: logistic (linear for amounts) or trees.
    pub model: ModelKind,
    /// Parts of the cross-fit.
    pub folds: usize,
    /// Bootstrap replicates.
    pub replicates: u32,
    /// Seed of the parts and of the bootstrap.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { clip: None, model: ModelKind::Logistic, folds: 3, replicates: 1_000, seed: 1 }
    }
}

/// How the probabilities of the logged actions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// The log says them.
    Logged,
    /// Estimated from the context.
    EstimatedFromContext,
    /// Each action's share of the log: whom an action was shown to is taken not to matter.
    EstimatedShares,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyValue {
    /// The log's fingerprint.
    pub data: Fingerprint,
    /// Rows of the log.
    pub rows: usize,
    /// Actions that the log or the target policy knows.
    pub actions: usize,
    /// Which column is what.
    pub columns: Columns,
    /// The target policy, named.
    pub target: String,
    /// How the probabilities of the logged actions are known.
    pub propensity: Chosen,
    /// Mean reward of the log as it is.
    pub logged: Estimate,
    /// The target policy's mean reward per row, one estimate per method.
    pub estimators: Estimates,
    /// Kish's effective sample size of the weights: (Σw)² / Σw².
    pub ess: f64,
    /// Largest weight.
    pub max_weight: f64,
    /// Mean weight; 1 where the probabilities are right and every action is supported.
    pub mean_weight: f64,
    /// Its standard error.
    pub mean_weight_se: f64,
    /// Effective number of rewarded rows: (Σw·r)² / Σ(w·r)².
    pub rewarded: f64,
    /// Whether no weighted estimate is given.
    pub refused: bool,
    /// How far the numbers may be trusted.
    pub grade: Grade,
    /// Why this grade, or why it was refused.
    pub reason: Notice,
    /// What the log knows of each action.
    pub support: Support,
    /// What each interval is.
    pub methods: Vec<Notice>,
    /// Settings.
    pub settings: Settings,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// Values the target policy on the log.
pub fn evaluate(log: &Log, target: &Target, settings: &Settings, ctx: &JobCtx) -> Result<PolicyValue> {
    let mut warnings = Vec::new();
    let (chosen, estimated) = match &log.propensity {
        Some(_) => (Chosen::Logged, None),
        None => {
            let how = if log.features.is_empty() { Chosen::EstimatedShares } else { Chosen::EstimatedFromContext };
            (how, Some(propensity::estimate(log, settings, ctx)?))
        }
    };
    let propensity = log.propensity.as_deref().or(estimated.as_deref()).unwrap_or_default();
    let raw: Vec<f64> = (0..log.rows()).map(|i| target.probability(i, log.action[i]) / propensity[i]).collect();
    let weights: Vec<f64> = match settings.clip {
        Some(most) => raw.iter().map(|w| w.min(most)).collect(),
        None => raw.clone(),
    };
    if let Some(most) = settings.clip {
        let cut = raw.iter().filter(|w| **w > most).count();
        let (before, after): (f64, f64) = (raw.iter().sum(), weights.iter().sum());
        let lost = if before > 0.0 { 1.0 - after / before } else { 0.0 };
        warnings.push(note!("policy.clipped", rows = cut, most = most, lost = numbers::percent(lost)));
    }
    warnings.extend(target.notices.iter().cloned());
    let support = support::map(log, target, propensity, &weights);
    let verdict = verdict::judge(log, propensity, &weights, &support, chosen);
    warnings.extend(verdict.warnings.iter().cloned());
    let models = reward::models(log, target, propensity, settings, ctx)?;
    warnings.extend(models.warnings.iter().cloned());
    ctx.stage("policy.stage_intervals", 1);
    let rows = estimators::Rows { reward: &log.reward, weight: &weights, direct: models.plain.as_ref(), robust: models.mrdr.as_ref() };
    let mut estimators = estimators::all(&rows, settings, verdict.refused.as_ref(), ctx)?;
    // Estimated propensities leave the weights a mean that is not 1, and nothing in plain IPS makes up for it: its interval
    // held the truth in 89 % of logs, those of the others in 93 % and more.
    if chosen != Chosen::Logged
        && let Some(ips) = estimators.get_mut("ips").filter(|e| e.refused.is_none())
    {
        (ips.ci, ips.ci_normal, ips.ci_bernstein) = (None, None, None);
        ips.refused = Some(note!("policy.ips_estimated"));
    }
    ctx.at(1);
    Ok(PolicyValue {
        data: log.data.clone(),
        rows: log.rows(),
        actions: target.names.len(),
        columns: log.columns.clone(),
        target: target.label.clone(),
        propensity: chosen,
        logged: estimators::logged(&log.reward, settings),
        estimators,
        ess: verdict.ess,
        max_weight: verdict.max_weight,
        mean_weight: verdict.mean_weight,
        mean_weight_se: verdict.mean_weight_se,
        rewarded: verdict.rewarded,
        refused: verdict.refused.is_some(),
        grade: verdict.grade,
        reason: verdict.reason,
        support,
        methods: estimators::methods(settings),
        settings: settings.clone(),
        warnings,
    })
}
