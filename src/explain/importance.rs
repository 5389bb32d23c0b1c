//! Permutation importance: how much worse the model predicts when a feature's values are dealt out anew among the rows.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::fault;
use crate::ml::Model;
use crate::ml::model::Scale;

use super::method::{check, predictions};
use super::players::Players;

/// Most rows that are shuffled.
pub const MOST_ROWS: usize = 20_000;

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shuffled {
    /// Its name.
    pub name: String,
    /// Loss added, mean over the shuffles.
    pub mean: f64,
    /// 2.5 % of the shuffles add less.
    pub low: f64,
    /// 2.5 % of the shuffles add more.
    pub high: f64,
}

/// All features, most important first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermutationImportance {
    /// `log_loss` for a yes/no outcome, `mse` for an amount.
    pub loss: String,
    /// Loss of the rows as they are.
    pub base: f64,
    /// Loss added per feature.
    pub features: Vec<Shuffled>,
    /// Rows used.
    pub rows: usize,
    /// Shuffles per feature.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: u64,
    /// Which outcome.
    pub outcome: String,
    /// Which model.
    pub model: Fingerprint,
}

/// Shuffles every player in turn; `y` holds the outcome of the rows, without gaps.
pub fn permutation(
    model: &dyn Model,
    x: &FeatureMatrix,
    y: &[f64],
    outcome: usize,
    players: &Players,
    repeats: usize,
    seed: u64,
    ctx: &JobCtx,
) -> Result<PermutationImportance> {
    let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
    check(model, x, &lines, outcome)?;
    if x.n_rows() == 0 || y.len() != x.n_rows() {
        return Err(fault!("explain.no_rows"));
    }
    let card = model.card();
    let binary = card.outcomes[outcome].is_binary();
    let loss = |p: &[f64]| {
        let one = |(p, y): (&f64, &f64)| {
            if binary {
                let p = p.clamp(1e-15, 1.0 - 1e-15);
                -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
            } else {
                (p - y).powi(2)
            }
        };
        p.iter().zip(y).map(one).sum::<f64>() / y.len() as f64
    };
    let quiet = ctx.without_stage();
    let base = loss(&predictions(model, x, outcome, Scale::Probability, &quiet)?);
    ctx.stage("explain.stage_shuffling", (players.count() * repeats) as u64);
    let mut features = Vec::with_capacity(players.count());
    for (p, name) in players.names.iter().enumerate() {
        let members = players.members(p);
        let mut added = Vec::with_capacity(repeats);
        for k in 0..repeats {
            ctx.check()?;
            let mut order: Vec<usize> = (0..x.n_rows()).collect();
            rng::shuffle(&mut rng::rng(seed, &format!("shuffle {p} {k}")), &mut order);
            let mut moved = x.clone();
            for (i, from) in order.iter().enumerate() {
                for f in &members {
                    moved.values[i * x.n_features + f] = x.row(*from)[*f];
                }
            }
            added.push(loss(&predictions(model, &moved, outcome, Scale::Probability, &quiet)?) - base);
            ctx.at((p * repeats + k + 1) as u64);
        }
        added.sort_by(f64::total_cmp);
        let at = |q: f64| added[((added.len() - 1) as f64 * q).round() as usize];
        let mean = added.iter().sum::<f64>() / added.len() as f64;
        features.push(Shuffled { name: name.clone(), mean, low: at(0.025), high: at(0.975) });
    }
    features.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(PermutationImportance {
        loss: if binary { "log_loss" } else { "mse" }.to_owned(),
        base,
        features,
        rows: x.n_rows(),
        repeats,
        seed,
        outcome: card.outcomes[outcome].label(),
        model: card.fingerprint.clone(),
    })
}
