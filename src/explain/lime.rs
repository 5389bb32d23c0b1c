//! A local surrogate in the manner of LIME: a sparse line through what the model says around one row, where players keep
//! the row's value or take one of the group. Good for a glance; what it does not explain is shown as its gap.

use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::ml::surrogate::sparse_linear;

use super::game::Game;
use super::sampling::One;

/// Width of the kernel, on the share of players that changed.
const WIDTH: f64 = 0.5;
/// L1 penalty, as a share of the spread of what the model says nearby.
const PENALTY: f64 = 0.01;
/// Fits on resampled neighbours behind the intervals.
const REPLICATES: usize = 20;

/// Explains one row; every neighbour takes what changes from one row of the group.
pub(super) fn local(game: &Game<'_>, row: &[f64], budget: usize, rng: &mut rng::Rng, ctx: &JobCtx) -> Result<One> {
    let (m, n) = (game.players.count(), game.reference.n_rows());
    let count = budget.max(4 * m);
    let (mut x, mut values, mut weights) = (Vec::with_capacity(count * m), Vec::new(), Vec::with_capacity(count));
    for i in 0..count {
        // The row itself comes first; else each player changes with a chance that differs from neighbour to neighbour.
        let share = if i == 0 { 0.0 } else { rng::unit(rng) };
        let known: Vec<bool> = (0..m).map(|_| rng::unit(rng) >= share).collect();
        let theirs = rng::below(rng, n);
        game.mix(row, theirs, |p| known[p], &mut values);
        let changed = known.iter().filter(|k| !**k).count() as f64 / m.max(1) as f64;
        weights.push((-(changed / WIDTH).powi(2)).exp());
        x.extend(known.iter().map(|k| f64::from(u8::from(*k))));
    }
    let y = game.outputs(&FeatureMatrix { n_features: row.len(), values }, &ctx.without_stage())?;
    let fit = sparse_linear(&x, m, &y, &weights, PENALTY)?;
    let mut spread = vec![(0.0, 0.0); m];
    for _ in 0..REPLICATES {
        let mut again = weights.clone();
        again.iter_mut().for_each(|w| *w *= poisson(rng));
        let one = sparse_linear(&x, m, &y, &again, PENALTY)?;
        for (s, c) in spread.iter_mut().zip(&one.coefficients) {
            *s = (s.0 + c, s.1 + c * c);
        }
    }
    let k = REPLICATES as f64;
    let width = spread.iter().map(|(s, q)| 1.96 * ((q / k - (s / k).powi(2)).max(0.0) * k / (k - 1.0)).sqrt()).collect();
    Ok(One { values: fit.coefficients, width, calls: count })
}

/// A Poisson number of mean 1: how often a row is drawn.
fn poisson(rng: &mut rng::Rng) -> f64 {
    let limit = (-1.0f64).exp();
    let (mut k, mut p) = (0.0, rng::unit(rng));
    while p > limit {
        k += 1.0;
        p *= rng::unit(rng);
    }
    k
}
