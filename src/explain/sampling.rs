//! Shapley values of any model: every coalition where players are few, else paired orders, paired coalitions
//! ([`super::kernel`]) or a proxy of trees that is put right by orders ([`super::proxy`]); with 95 % intervals, a rule that
//! says when it is enough, and progress counted in predictions, so that the time left can be told within one row.

use crate::base::{JobCtx, Result, coalition, rng};
use crate::data::FeatureMatrix;
use crate::fault;

use super::game::{Game, Meter};
use super::{kernel, lime, proxy};

/// Most players whose coalitions are all tried.
pub const MOST_EXACT: usize = 16;
/// Most passes over the group that paired orders make.
pub(super) const MOST_PASSES: usize = 10;

/// Values of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// `rows × players`.
    pub values: Vec<f64>,
    /// 95 % half-widths, same layout; empty when exact.
    pub half_width: Vec<f64>,
    /// Worth of nothing.
    pub base: f64,
    /// Predictions asked per row, at most.
    pub calls: usize,
}

/// Which way to sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way<'a> {
    /// All coalitions.
    Exact,
    /// Orders in antithetic pairs.
    Orders,
    /// Coalitions in complementary pairs and a regression, with a budget of coalitions per row.
    Kernel(usize),
    /// As `Kernel`, weighted by closeness to the row, without the demand that values add up, and sparse.
    Local(usize),
    /// Trees trained on what the model says of mixtures of these rows with the group, and orders for what they miss.
    Proxy(&'a FeatureMatrix),
}

/// A way with what it prepares once for all rows.
enum Ready {
    Exact,
    Orders,
    Kernel(kernel::Plan),
    Local(usize),
    Proxy(Box<proxy::Proxy>),
}

/// Explains rows one after the other; each row alone decides its numbers.
pub fn explain(game: &Game<'_>, x: &FeatureMatrix, rows: &[u32], way: Way<'_>, seed: u64, ctx: &JobCtx) -> Result<Sampled> {
    let m = game.players.count();
    let base = game.base(ctx)?;
    let ready = match way {
        Way::Exact if m > MOST_EXACT => return Err(fault!("explain.too_many_players", players = m, most = MOST_EXACT)),
        Way::Exact => Ready::Exact,
        Way::Orders => Ready::Orders,
        Way::Kernel(budget) => Ready::Kernel(kernel::Plan::new(m, budget, seed, ctx)?),
        Way::Local(budget) => Ready::Local(budget),
        Way::Proxy(donors) => Ready::Proxy(Box::new(proxy::Proxy::new(game, donors, proxy::Size::default(), seed, ctx)?)),
    };
    let n = game.reference.n_rows();
    let most = match &ready {
        Ready::Exact => n << m,
        Ready::Orders | Ready::Proxy(_) => MOST_PASSES * calls_of_pass(m, n),
        Ready::Kernel(plan) => plan.coalitions() * n,
        Ready::Local(budget) => lime::most(m, *budget),
    };
    ctx.stage("explain.stage_sampling", (x.n_rows() * most) as u64);
    let outputs = game.outputs(x, &ctx.without_stage())?;
    let (mut values, mut half_width, mut calls) = (Vec::with_capacity(rows.len() * m), Vec::new(), 0);
    for i in 0..x.n_rows() {
        ctx.check()?;
        let meter = Meter { ctx, before: (i * most) as u64 };
        let mut rng = rng::rng(seed, &format!("sampling {}", rows.get(i).copied().unwrap_or(i as u32)));
        let (row, whole) = (x.row(i), outputs[i] - base);
        let one = match &ready {
            Ready::Exact => One { values: exact(game, row, &meter)?, width: Vec::new(), calls: n << m },
            Ready::Orders => orders(game, row, whole, MOST_PASSES, &mut rng, &meter)?,
            Ready::Kernel(plan) => plan.row(game, row, whole, &mut rng, &meter)?,
            Ready::Local(budget) => lime::local(game, row, whole, *budget, &mut rng, &meter)?,
            Ready::Proxy(proxy) => proxy.row(game, row, whole, MOST_PASSES, &mut rng, &meter)?,
        };
        values.extend(one.values);
        half_width.extend(one.width);
        calls = calls.max(one.calls);
        meter.at(most);
    }
    if half_width.iter().all(|w| *w == 0.0) {
        half_width.clear();
    }
    Ok(Sampled { values, half_width, base, calls })
}

/// One row's values.
#[derive(Debug)]
pub struct One {
    /// Per player.
    pub values: Vec<f64>,
    /// 95 % half-width per player; empty when exact.
    pub width: Vec<f64>,
    /// Predictions asked.
    pub calls: usize,
}

fn exact(game: &Game<'_>, row: &[f64], meter: &Meter<'_>) -> Result<Vec<f64>> {
    let m = game.players.count();
    let v = game.worths_told(row, 1 << m, |c, p| c >> p & 1 == 1, meter)?;
    Ok(coalition::shapley(m, &v))
}

/// Predictions of one pass: an order and its reverse for every row of the group, from nothing known to all known.
pub(super) fn calls_of_pass(players: usize, group: usize) -> usize {
    2 * group * (players + 1)
}

/// Whether intervals are fine enough to stop: one per cent of the whole difference is finer than anything shown.
pub(super) fn enough(widths: &[f64], whole: f64) -> bool {
    widths.iter().all(|w| *w <= (0.01 * whole.abs()).max(1e-3))
}

/// Orders in pairs, one pair per row of the group, so that every whole pass adds up exactly. `whole` is the distance from
/// the base that the intervals are measured by.
pub(super) fn orders(game: &Game<'_>, row: &[f64], whole: f64, most: usize, rng: &mut rng::Rng, meter: &Meter<'_>) -> Result<One> {
    let (m, n) = (game.players.count(), game.reference.n_rows());
    let quiet = meter.ctx.without_stage();
    let (mut sum, mut squares) = (vec![0.0; m], vec![0.0; m]);
    let mut order: Vec<usize> = (0..m).collect();
    let mut pairs = 0usize;
    let mut calls = 0;
    let mut widths = vec![0.0; m];
    for _ in 0..most {
        meter.ctx.check()?;
        // Worths along an order and its reverse: two paths of m + 1 points for each row of the group.
        let (mut values, mut all) = (Vec::with_capacity(calls_of_pass(m, n) * row.len()), Vec::with_capacity(n));
        for b in 0..n {
            rng::shuffle(rng, &mut order);
            for reversed in [false, true] {
                let mut known = vec![false; m];
                game.mix(row, b, |p| known[p], &mut values);
                for k in 0..m {
                    known[if reversed { order[m - 1 - k] } else { order[k] }] = true;
                    game.mix(row, b, |p| known[p], &mut values);
                }
            }
            all.push(order.clone());
        }
        let v = game.outputs(&FeatureMatrix { n_features: row.len(), values }, &quiet)?;
        calls += v.len();
        meter.at(calls);
        for (order, v) in all.iter().zip(v.chunks_exact(2 * (m + 1))) {
            let (forth, back) = v.split_at(m + 1);
            for k in 0..m {
                let j = order[k];
                let pair = 0.5 * (forth[k + 1] - forth[k] + back[m - k] - back[m - k - 1]);
                sum[j] += pair;
                squares[j] += pair * pair;
            }
        }
        pairs += n;
        let total = pairs as f64;
        for (j, w) in widths.iter_mut().enumerate() {
            *w = 1.96 * ((squares[j] / total - (sum[j] / total).powi(2)).max(0.0) / (total - 1.0).max(1.0)).sqrt();
        }
        if pairs >= 32 && enough(&widths, whole) {
            break;
        }
    }
    Ok(One { values: sum.iter().map(|s| s / pairs.max(1) as f64).collect(), width: widths, calls })
}

/// Solves a symmetric positive system given by its lower half; directions that nothing speaks of stay 0.
pub(super) fn solve(n: usize, a: &mut [f64], b: &[f64]) -> Vec<f64> {
    let trace = (0..n).map(|i| a[i * n + i]).fold(0.0, f64::max);
    let mut x = b.to_vec();
    let mut dead = vec![false; n];
    for i in 0..n {
        for j in 0..i {
            let mut s = a[i * n + j];
            for k in 0..j {
                s -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = if dead[j] { 0.0 } else { s / a[j * n + j] };
        }
        let mut s = a[i * n + i];
        for k in 0..i {
            s -= a[i * n + k] * a[i * n + k];
        }
        dead[i] = s.is_nan() || s <= 1e-12 * trace;
        a[i * n + i] = if dead[i] { 1.0 } else { s.sqrt() };
    }
    for i in 0..n {
        for k in 0..i {
            x[i] -= a[i * n + k] * x[k];
        }
        x[i] = if dead[i] { 0.0 } else { x[i] / a[i * n + i] };
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            x[i] -= a[k * n + i] * x[k];
        }
        x[i] = if dead[i] { 0.0 } else { x[i] / a[i * n + i] };
    }
    x
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Players;
    use super::super::tests::formula;
    use super::*;
    use crate::ml::Model as _;
    use crate::ml::model::Scale;

    /// Values and half-widths of a game by hand: every player's step in every order and its reverse, their mean, and 1.96
    /// times its standard error. The draws are those of [`orders`].
    pub(in super::super) fn by_hand(
        f: &dyn Fn(&[f64]) -> f64,
        group: &FeatureMatrix,
        row: &[f64],
        passes: usize,
        rng: &mut rng::Rng,
    ) -> Vec<(f64, f64)> {
        let m = row.len();
        let mut order: Vec<usize> = (0..m).collect();
        let mut steps: Vec<Vec<f64>> = vec![Vec::new(); m];
        for _ in 0..passes {
            for b in 0..group.n_rows() {
                rng::shuffle(rng, &mut order);
                let mut gains = vec![0.0; m];
                for order in [order.clone(), order.iter().rev().copied().collect()] {
                    let mut x = group.row(b).to_vec();
                    for j in order {
                        let before = f(&x);
                        x[j] = row[j];
                        gains[j] += 0.5 * (f(&x) - before);
                    }
                }
                steps.iter_mut().zip(gains).for_each(|(s, g)| s.push(g));
            }
        }
        steps
            .iter()
            .map(|s| {
                let n = s.len() as f64;
                let mean = s.iter().sum::<f64>() / n;
                let variance = s.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
                (mean, 1.96 * (variance / n).sqrt())
            })
            .collect()
    }

    fn bent(x: &[f64]) -> f64 {
        x[0] * x[1] + (x[2] + x[3]).tanh() * x[0] + 0.5 * x[3]
    }

    #[test]
    fn orders_and_their_intervals_are_those_by_hand() {
        let model = formula(4, bent);
        let mut r = rng::rng(9, "rows");
        let mut drawn = |n: usize| FeatureMatrix { n_features: 4, values: (0..n * 4).map(|_| rng::normal(&mut r)).collect() };
        let (group, row) = (drawn(7), drawn(1));
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: &group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let ctx = JobCtx::quiet();
        let one = orders(&game, row.row(0), 0.0, 3, &mut rng::rng(1, "o"), &Meter { ctx: &ctx, before: 0 }).unwrap();
        let want = by_hand(&bent, &group, row.row(0), 3, &mut rng::rng(1, "o"));
        for (j, (value, width)) in want.into_iter().enumerate() {
            assert!((one.values[j] - value).abs() < 1e-12 && (one.width[j] - width).abs() < 1e-12 && width > 0.01, "{j} {one:?}");
        }
        assert_eq!(one.calls, 3 * 2 * 7 * 5);
    }
}
