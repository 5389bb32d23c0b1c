//! Two groups on the chances of a model that answers quickly: rows of the one are paired with rows of the other, each row
//! about as often as any of its group, and every pair plays the game from the one row to the other along an order and its
//! reverse. The mean over pairs is the mean over rows of either group, so the shares sum to the difference of the means.

use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::explain::game::Game;

/// So many pairs are all of them.
const ALL: usize = 40_000;
/// Pairs that are drawn, at least, where there are more.
const PAIRS: usize = 20_000;
/// Pairs asked about in one call.
const CALL: usize = 256;

/// Shares of a difference.
pub struct Shares {
    /// Per player.
    pub values: Vec<f64>,
    /// 95 % half-widths: pairs and orders are drawn.
    pub half_width: Vec<f64>,
    /// Predictions asked.
    pub calls: usize,
}

/// Which rows meet: places in A and in B.
fn pairs(a: usize, b: usize, seed: u64) -> Vec<(usize, usize)> {
    if a.saturating_mul(b) <= ALL {
        return (0..a).flat_map(|i| (0..b).map(move |j| (i, j))).collect();
    }
    // The larger group goes through whole times; of the smaller one, rows differ by one use at most.
    let most = a.max(b);
    let n = most * PAIRS.div_ceil(most);
    let mut rng = rng::rng(seed, "pairs of groups");
    let mut turns = |of: usize| {
        let mut out = Vec::with_capacity(n + of);
        while out.len() < n {
            let mut turn: Vec<usize> = (0..of).collect();
            rng::shuffle(&mut rng, &mut turn);
            out.extend(turn);
        }
        out.truncate(n);
        out
    };
    let (x, y) = (turns(a), turns(b));
    x.into_iter().zip(y).collect()
}

/// Shares of the players in the mean output of A's rows less that of B's, which are the game's reference.
pub fn shares(game: &Game<'_>, a: &FeatureMatrix, seed: u64, ctx: &JobCtx) -> Result<Shares> {
    let m = game.players.count();
    let pairs = pairs(a.n_rows(), game.reference.n_rows(), seed);
    let mut rng = rng::rng(seed, "orders of groups");
    let (mut sum, mut squares) = (vec![0.0; m], vec![0.0; m]);
    let quiet = ctx.without_stage();
    ctx.stage("explain.stage_contrast", pairs.len() as u64);
    let mut order: Vec<usize> = (0..m).collect();
    let (mut done, mut calls) = (0, 0);
    for some in pairs.chunks(CALL) {
        ctx.check()?;
        let mut values = Vec::with_capacity(some.len() * 2 * (m + 1) * a.n_features);
        let mut orders = Vec::with_capacity(some.len());
        for (i, j) in some {
            rng::shuffle(&mut rng, &mut order);
            for reversed in [false, true] {
                let mut known = vec![false; m];
                game.mix(a.row(*i), *j, |p| known[p], &mut values);
                for k in 0..m {
                    known[if reversed { order[m - 1 - k] } else { order[k] }] = true;
                    game.mix(a.row(*i), *j, |p| known[p], &mut values);
                }
            }
            orders.push(order.clone());
        }
        let out = game.outputs(&FeatureMatrix { n_features: a.n_features, values }, &quiet)?;
        calls += out.len();
        for (order, v) in orders.iter().zip(out.chunks_exact(2 * (m + 1))) {
            let (forth, back) = v.split_at(m + 1);
            for (k, p) in order.iter().enumerate() {
                let share = 0.5 * (forth[k + 1] - forth[k] + back[m - k] - back[m - k - 1]);
                sum[*p] += share;
                squares[*p] += share * share;
            }
        }
        done += some.len();
        ctx.at(done as u64);
    }
    let n = done as f64;
    let width = |p: usize| 1.96 * ((squares[p] / n - (sum[p] / n).powi(2)).max(0.0) / (n - 1.0).max(1.0)).sqrt();
    Ok(Shares { half_width: (0..m).map(width).collect(), values: sum.iter().map(|s| s / n).collect(), calls })
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn every_row_meets_about_as_many() {
        for (a, b) in [(3, 5), (200, 200), (300, 700), (5_000, 90), (7, 30_000)] {
            let met = pairs(a, b, 1);
            let uses = |n: usize, of: fn(&(usize, usize)) -> usize| {
                let mut uses = vec![0usize; n];
                met.iter().for_each(|p| uses[of(p)] += 1);
                (uses.iter().min().copied().unwrap_or(0), uses.iter().max().copied().unwrap_or(0))
            };
            let (x, y) = (uses(a, |p| p.0), uses(b, |p| p.1));
            assert!(x.0 > 0 && y.0 > 0 && x.1 - x.0 <= 1 && y.1 - y.0 <= 1, "{a} {b}: {x:?} {y:?}");
            let larger = if a >= b { x } else { y };
            assert_eq!(larger.0, larger.1, "{a} {b}");
            assert!(met.len() == a * b || met.len() >= 20_000);
        }
        assert_ne!(pairs(300, 700, 1), pairs(300, 700, 2));
    }
}
