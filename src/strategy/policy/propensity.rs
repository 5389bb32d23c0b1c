//! How the log chose, where it does not say: each action's share, or its probability given the context.
//!
//! With context, one logistic regression per action, cross-fitted in two parts and scaled so that the probabilities of a row
//! sum to 1. Estimated probabilities rest on the assumption that the context holds everything that moved the choice.

use rayon::prelude::*;

use super::log::Log;
use super::{Settings, reward};
use crate::base::{Fingerprint, JobCtx, Result};
use crate::data::{Encoder, Part};
use crate::fault;
use crate::ml::model::sigmoid;
use crate::ml::train::TrainData;
use crate::ml::{Model as _, ModelKind, ModelSpec, Outcome, OutcomeKind, logistic};

/// Actions up to which probabilities are estimated from a context.
pub const MOST_ACTIONS: usize = 100;
/// No estimated probability is taken to be smaller.
const LEAST: f64 = 1e-6;

/// Probability of the logged action in each row.
pub fn estimate(log: &Log, settings: &Settings, ctx: &JobCtx) -> Result<Vec<f64>> {
    let (n, k) = (log.rows(), log.names.len());
    let mut counts = vec![0usize; k];
    log.action.iter().for_each(|a| counts[*a as usize] += 1);
    if log.features.is_empty() {
        return Ok(log.action.iter().map(|a| counts[*a as usize] as f64 / n as f64).collect());
    }
    if k > MOST_ACTIONS {
        return Err(fault!("policy.estimate_many", column = &log.columns.action, actions = k, most = MOST_ACTIONS));
    }
    let part = reward::parts(n, 2, settings.seed);
    let outcome = |a: usize| Outcome {
        name: log.names[a].clone(),
        kind: OutcomeKind::Binary { positive: log.names[a].clone(), negative: String::new() },
        base_rate: 0.0,
    };
    let data = TrainData {
        x: log.context.clone(),
        y: (0..k).map(|a| log.action.iter().map(|b| f64::from(u8::from(*b as usize == a))).collect()).collect(),
        parts: vec![Part::Train; n],
        outcomes: (0..k).map(outcome).collect(),
        encoder: Encoder { features: log.features.clone(), ..Encoder::default() },
        data: Fingerprint::default(),
        warnings: Vec::new(),
    };
    let even = vec![1.0; n];
    let spec = ModelSpec::new("propensity", ModelKind::Logistic);
    let mut out = vec![0.0; n];
    ctx.stage("policy.stage_propensity", 2);
    for fold in 0..2u8 {
        let train: Vec<usize> = (0..n).filter(|i| part[*i] != fold).collect();
        let held: Vec<usize> = (0..n).filter(|i| part[*i] == fold).collect();
        let model = logistic::fit_weighted(&spec, &data, &train, &even, &ctx.without_stage())?;
        let margins = model.margins(&data.x.select(&held), ctx)?;
        let p: Vec<f64> = held
            .par_iter()
            .zip(margins.par_chunks(k))
            .map(|(i, row)| {
                let all: f64 = row.iter().map(|m| sigmoid(*m)).sum();
                (sigmoid(row[log.action[*i] as usize]) / all).max(LEAST)
            })
            .collect();
        held.iter().zip(p).for_each(|(i, p)| out[*i] = p);
        ctx.at(u64::from(fold) + 1);
    }
    Ok(out)
}
