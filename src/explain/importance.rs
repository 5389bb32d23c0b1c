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
    /// Whether the rows do not say that the model loses more without the feature before it: the interval of the paired
    /// difference row by row holds zero.
    #[serde(default)]
    pub tied: bool,
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
    let losses = |p: &[f64]| -> Vec<f64> {
        let one = |(p, y): (&f64, &f64)| {
            if binary {
                let p = p.clamp(1e-15, 1.0 - 1e-15);
                -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
            } else {
                (p - y).powi(2)
            }
        };
        p.iter().zip(y).map(one).collect()
    };
    let mean_of = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let quiet = ctx.without_stage();
    let as_is = losses(&predictions(model, x, outcome, Scale::Probability, &quiet)?);
    let base = mean_of(&as_is);
    ctx.stage("explain.stage_shuffling", (players.count() * repeats) as u64);
    // Each feature with what every row loses, over all shuffles.
    let mut found: Vec<(Shuffled, Vec<f64>)> = Vec::with_capacity(players.count());
    for (p, name) in players.names.iter().enumerate() {
        let members = players.members(p);
        let mut added = Vec::with_capacity(repeats);
        let mut by_row = vec![0.0; y.len()];
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
            let now = losses(&predictions(model, &moved, outcome, Scale::Probability, &quiet)?);
            by_row.iter_mut().zip(&now).zip(&as_is).for_each(|((sum, now), was)| *sum += (now - was) / repeats as f64);
            added.push(mean_of(&now) - base);
            ctx.at((p * repeats + k + 1) as u64);
        }
        added.sort_by(f64::total_cmp);
        let at = |q: f64| added[((added.len() - 1) as f64 * q).round() as usize];
        let mean = added.iter().sum::<f64>() / added.len() as f64;
        found.push((Shuffled { name: name.clone(), mean, low: at(0.025), high: at(0.975), tied: false }, by_row));
    }
    found.sort_by(|a, b| b.0.mean.total_cmp(&a.0.mean));
    let ties: Vec<bool> = found.windows(2).map(|w| tied(&w[0].1, &w[1].1)).collect();
    let mut features: Vec<Shuffled> = found.into_iter().map(|(f, _)| f).collect();
    features.iter_mut().skip(1).zip(ties).for_each(|(f, tied)| f.tied = tied);
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

/// Whether the rows do not say that the first lose more than the second.
fn tied(a: &[f64], b: &[f64]) -> bool {
    let n = a.len() as f64;
    let mean = a.iter().zip(b).map(|(a, b)| a - b).sum::<f64>() / n;
    let variance = a.iter().zip(b).map(|(a, b)| (a - b - mean).powi(2)).sum::<f64>() / (n - 1.0);
    n < 2.0 || mean <= 1.96 * (variance / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::tied;

    #[test]
    fn what_differs_in_every_row_is_told_apart() {
        // Row by row the first lose 0.1 more, though rows differ among each other by far more than that.
        let a: Vec<f64> = (0..50).map(|i| f64::from(i) + 0.1 + 0.01 * f64::from(i % 2)).collect();
        let b: Vec<f64> = (0..50).map(f64::from).collect();
        assert!(!tied(&a, &b) && tied(&b, &b));
        // As often more as less: nothing is said. One row says nothing.
        let c: Vec<f64> = (0..50).map(|i| f64::from(i) + if i % 2 == 0 { 1.0 } else { -0.9 }).collect();
        assert!(tied(&c, &b) && tied(&[2.0], &[1.0]));
    }
}
