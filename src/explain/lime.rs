//! A local surrogate in the manner of LIME: a sparse line through what the model says around one row, where players keep
//! the row's value or take one of the group. Good for a glance; what it does not explain is shown as its gap.

use crate::base::{Result, rng};
use crate::data::FeatureMatrix;
use crate::ml::surrogate::sparse_linear;

use super::game::{Game, Meter};
use super::sampling::{One, enough};

/// Width of the kernel, on the share of players that changed.
const WIDTH: f64 = 0.5;
/// L1 penalty, as a share of the spread of what the model says nearby.
const PENALTY: f64 = 0.01;
/// Fits on resampled neighbours behind the intervals.
const REPLICATES: usize = 20;

/// Neighbours that are asked before anybody looks whether it is enough; then twice as many, and again.
const FIRST: usize = 256;

/// Neighbours asked per row at most.
pub(super) fn most(players: usize, budget: usize) -> usize {
    budget.max(4 * players)
}

/// Explains one row; every neighbour takes what changes from one row of the group. Asks until the intervals are as fine as
/// anything shown, measured by `whole`, the distance from the base, or the budget is spent.
pub(super) fn local(game: &Game<'_>, row: &[f64], whole: f64, budget: usize, rng: &mut rng::Rng, meter: &Meter<'_>) -> Result<One> {
    let (m, n) = (game.players.count(), game.reference.n_rows());
    let most = most(m, budget);
    let quiet = meter.ctx.without_stage();
    // Neighbours and replicates do not share their chance: how often it was looked decides nothing of what is asked.
    let mut again = rng::rng(rng::below(rng, 1 << 32) as u64, "replicates");
    let (mut x, mut y, mut weights) = (Vec::with_capacity(most * m), Vec::with_capacity(most), Vec::with_capacity(most));
    let mut count = FIRST.max(4 * m).min(most);
    loop {
        meter.ctx.check()?;
        let mut values = Vec::with_capacity((count - weights.len()) * row.len());
        for i in weights.len()..count {
            // The row itself comes first; else each player changes with a chance that differs from neighbour to neighbour.
            let share = if i == 0 { 0.0 } else { rng::unit(rng) };
            let known: Vec<bool> = (0..m).map(|_| rng::unit(rng) >= share).collect();
            let theirs = rng::below(rng, n);
            game.mix(row, theirs, |p| known[p], &mut values);
            let changed = known.iter().filter(|k| !**k).count() as f64 / m.max(1) as f64;
            weights.push((-(changed / WIDTH).powi(2)).exp());
            x.extend(known.iter().map(|k| f64::from(u8::from(*k))));
        }
        y.extend(game.outputs(&FeatureMatrix { n_features: row.len(), values }, &quiet)?);
        meter.at(count);
        let values = sparse_linear(&x, m, &y, &weights, PENALTY)?.coefficients;
        let width = widths(&x, m, &y, &weights, &mut again)?;
        if count == most || enough(&width, whole) {
            return Ok(One { values, width, calls: count });
        }
        count = (2 * count).min(most);
    }
}

/// 95 % half-widths from fits on resampled neighbours.
fn widths(x: &[f64], m: usize, y: &[f64], weights: &[f64], rng: &mut rng::Rng) -> Result<Vec<f64>> {
    let mut spread = vec![(0.0, 0.0); m];
    for _ in 0..REPLICATES {
        let again: Vec<f64> = weights.iter().map(|w| w * poisson(rng)).collect();
        let one = sparse_linear(x, m, y, &again, PENALTY)?;
        for (s, c) in spread.iter_mut().zip(&one.coefficients) {
            *s = (s.0 + c, s.1 + c * c);
        }
    }
    let k = REPLICATES as f64;
    Ok(spread.iter().map(|(s, q)| 1.96 * ((q / k - (s / k).powi(2)).max(0.0) * k / (k - 1.0)).sqrt()).collect())
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

#[cfg(test)]
mod tests {
    use super::super::Players;
    use super::super::tests::formula;
    use super::*;
    use crate::base::JobCtx;
    use crate::ml::Model as _;
    use crate::ml::model::Scale;

    fn line(x: &[f64]) -> f64 {
        3.0 * x[0] - 2.0 * x[1] + x[2]
    }

    fn asked(group: &FeatureMatrix, row: &[f64], budget: usize) -> One {
        let model = formula(3, line);
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let ctx = JobCtx::quiet();
        let whole = line(row) - game.base(&ctx).unwrap();
        local(&game, row, whole, budget, &mut rng::rng(2, "lime"), &Meter { ctx: &ctx, before: 0 }).unwrap()
    }

    /// Against one row a line is a line, and that is seen soon; against rows that differ it takes more, and no more than
    /// it takes; a budget that is too small is spent.
    #[test]
    fn it_asks_until_it_is_enough() {
        let (row, one) = ([1.0, 1.0, 1.0], FeatureMatrix { n_features: 3, values: vec![0.0; 3] });
        let sure = asked(&one, &row, 50_000);
        assert!(sure.calls <= 4 * FIRST, "{}", sure.calls);
        // The penalty takes a little of each.
        assert!(sure.values.iter().zip([3.0, -2.0, 1.0]).all(|(v, want)| (v - want).abs() < 0.15), "{sure:?}");

        let mut rng = rng::rng(3, "group");
        let group = FeatureMatrix { n_features: 3, values: (0..60).map(|_| 0.2 * rng::normal(&mut rng)).collect() };
        let most = 1 << 16;
        let long = asked(&group, &row, most);
        assert!(long.calls > sure.calls && long.calls < most && long.calls.is_power_of_two(), "{}", long.calls);
        let widest = |o: &One| o.width.iter().copied().fold(0.0, f64::max);
        let short = asked(&group, &row, long.calls / 2);
        assert_eq!(short.calls, long.calls / 2, "half of it was not enough");
        assert!(widest(&long) <= 0.01 * 2.2 && widest(&short) > widest(&long), "{} {}", widest(&short), widest(&long));
        // With the budget that was enough, it is the same answer: how much there was left to spend changes nothing.
        let same = asked(&group, &row, long.calls);
        assert_eq!((same.values, same.width), (long.values, long.width));
        // Few are never too few to fit a line on.
        assert_eq!(asked(&group, &row, 1).calls, 12);
    }

    /// The intervals hold what a line through very many neighbours says.
    #[test]
    fn the_intervals_hold() {
        let mut rng = rng::rng(4, "group");
        let group = FeatureMatrix { n_features: 3, values: (0..60).map(|_| rng::normal(&mut rng)).collect() };
        let model = formula(3, line);
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: &group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let ctx = JobCtx::quiet();
        let ask =
            |budget, seed| local(&game, &[1.0, 1.0, 1.0], 0.0, budget, &mut rng::rng(seed, "l"), &Meter { ctx: &ctx, before: 0 }).unwrap();
        let truth = ask(1 << 16, 1).values;
        let within = (2..62)
            .map(|seed| ask(512, seed))
            .map(|o| o.values.iter().zip(&truth).zip(&o.width).filter(|((a, b), w)| (*a - *b).abs() <= **w).count())
            .sum::<usize>();
        eprintln!("{within} of 180");
        assert!((158..=179).contains(&within), "{within} of 180 hold");
    }
}
