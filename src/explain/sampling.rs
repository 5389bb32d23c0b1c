//! Shapley values of any model: every coalition where players are few, else paired orders or paired KernelSHAP, with
//! 95 % intervals and a rule that says when it is enough.

use crate::base::{JobCtx, Result, coalition, rng};
use crate::data::FeatureMatrix;
use crate::fault;

use super::game::Game;

/// Most players whose coalitions are all tried.
pub const MOST_EXACT: usize = 16;
/// Most passes over the group that paired orders make.
const MOST_PASSES: usize = 10;
/// Groups of the jackknife behind KernelSHAP's intervals.
const GROUPS: usize = 12;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All coalitions.
    Exact,
    /// Orders in antithetic pairs.
    Orders,
    /// Coalitions in complementary pairs and a regression, with a budget of coalitions per row.
    Kernel(usize),
    /// As `Kernel`, weighted by closeness to the row, without the demand that values add up, and sparse.
    Local(usize),
}

/// Explains rows one after the other; each row alone decides its numbers.
pub fn explain(game: &Game<'_>, x: &FeatureMatrix, rows: &[u32], way: Way, seed: u64, ctx: &JobCtx) -> Result<Sampled> {
    let m = game.players.count();
    if way == Way::Exact && m > MOST_EXACT {
        return Err(fault!("explain.too_many_players", players = m, most = MOST_EXACT));
    }
    let base = game.base(ctx)?;
    ctx.stage("explain.stage_sampling", x.n_rows() as u64);
    let (mut values, mut half_width, mut calls) = (Vec::with_capacity(rows.len() * m), Vec::new(), 0);
    for i in 0..x.n_rows() {
        ctx.check()?;
        let mut rng = rng::rng(seed, &format!("sampling {}", rows.get(i).copied().unwrap_or(i as u32)));
        let row = x.row(i);
        let one = match way {
            Way::Exact => One { values: exact(game, row, ctx)?, width: Vec::new(), calls: game.reference.n_rows() << m },
            Way::Orders => orders(game, row, &mut rng, ctx)?,
            Way::Kernel(budget) => kernel(game, row, budget, base, &mut rng, ctx)?,
            Way::Local(budget) => super::lime::local(game, row, budget, &mut rng, ctx)?,
        };
        values.extend(one.values);
        half_width.extend(one.width);
        calls = calls.max(one.calls);
        ctx.at(i as u64 + 1);
    }
    if half_width.iter().all(|w| *w == 0.0) {
        half_width.clear();
    }
    Ok(Sampled { values, half_width, base, calls })
}

/// One row's values.
pub struct One {
    /// Per player.
    pub values: Vec<f64>,
    /// 95 % half-width per player; empty when exact.
    pub width: Vec<f64>,
    /// Predictions asked.
    pub calls: usize,
}

fn exact(game: &Game<'_>, row: &[f64], ctx: &JobCtx) -> Result<Vec<f64>> {
    let m = game.players.count();
    let v = game.worths(row, 1 << m, |c, p| c >> p & 1 == 1, ctx)?;
    Ok(coalition::shapley(m, &v))
}

/// Orders in pairs, one pair per row of the group, so that every whole pass adds up exactly.
fn orders(game: &Game<'_>, row: &[f64], rng: &mut rng::Rng, ctx: &JobCtx) -> Result<One> {
    let (m, n) = (game.players.count(), game.reference.n_rows());
    let quiet = ctx.without_stage();
    let (mut sum, mut squares) = (vec![0.0; m], vec![0.0; m]);
    let mut order: Vec<usize> = (0..m).collect();
    let mut pairs = 0usize;
    let mut calls = 0;
    for pass in 0..MOST_PASSES {
        ctx.check()?;
        // Worths along an order and its reverse: two paths of m + 1 points for each row of the group.
        let (mut values, mut all) = (Vec::with_capacity(n * 2 * (m + 1) * row.len()), Vec::with_capacity(n));
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
        let mut whole = 0.0;
        for (order, v) in all.iter().zip(v.chunks_exact(2 * (m + 1))) {
            let (forth, back) = v.split_at(m + 1);
            whole += (forth[m] - forth[0]) / n as f64;
            for k in 0..m {
                let j = order[k];
                let pair = 0.5 * (forth[k + 1] - forth[k] + back[m - k] - back[m - k - 1]);
                sum[j] += pair;
                squares[j] += pair * pair;
            }
        }
        pairs += n;
        let total = pairs as f64;
        let width = |j: usize| 1.96 * ((squares[j] / total - (sum[j] / total).powi(2)).max(0.0) / (total - 1.0).max(1.0)).sqrt();
        let widths: Vec<f64> = (0..m).map(width).collect();
        // One per cent of the whole difference is finer than anything shown.
        let enough = widths.iter().all(|w| *w <= (0.01 * f64::abs(whole)).max(1e-3)) && pairs >= 32;
        if enough || pass + 1 == MOST_PASSES {
            return Ok(One { values: sum.iter().map(|s| s / total).collect(), width: widths, calls });
        }
    }
    Ok(One { values: vec![0.0; m], width: vec![0.0; m], calls })
}

/// A coalition with its weight and worth; `group` of the jackknife, or none if it was not drawn by chance.
pub(super) struct Drawn {
    pub known: Vec<bool>,
    pub weight: f64,
    pub group: Option<usize>,
}

/// Coalitions for a regression: whole sizes first, as far as the budget allows, then complementary pairs by chance.
fn draw(m: usize, budget: usize, rng: &mut rng::Rng) -> Vec<Drawn> {
    let mut out = Vec::new();
    // Sizes s and m − s go together; the weight of all coalitions of a size.
    let of_size = |s: usize| (m as f64 - 1.0) / (s as f64 * (m - s) as f64);
    let both = |s: usize| if 2 * s == m { 1.0 } else { 2.0 };
    let mut left: Vec<usize> = (1..=m / 2).collect();
    let total = |sizes: &[usize]| sizes.iter().map(|s| both(*s) * of_size(*s)).sum::<f64>();
    let mut budget = budget;
    while let Some(&s) = left.first() {
        let count = both(s) * binomial(m, s);
        // A size is worth trying whole when chance would draw at least half as many coalitions of it.
        if count > budget as f64 || count > 2.0 * budget as f64 * both(s) * of_size(s) / total(&left) {
            break;
        }
        let weight = both(s) * of_size(s) / count;
        subsets(m, s, &mut |chosen| {
            let known: Vec<bool> = (0..m).map(|p| chosen.contains(&p)).collect();
            if 2 * s != m {
                out.push(Drawn { known: known.iter().map(|k| !k).collect(), weight, group: None });
            }
            out.push(Drawn { known, weight, group: None });
        });
        budget -= count as usize;
        left.remove(0);
    }
    let pairs = budget / 2;
    if left.is_empty() || pairs == 0 {
        return out;
    }
    // Sizes are drawn evenly: a coalition then comes as often as it has leverage on the regression, and its weight makes up
    // for the difference. Fewer errors than drawing by weight, for the same number of questions (Musco and Witter, 2024).
    let mut players: Vec<usize> = (0..m).collect();
    let mut seen: std::collections::BTreeSet<Vec<bool>> = std::collections::BTreeSet::new();
    let mut chosen: Vec<(usize, Vec<bool>)> = Vec::with_capacity(pairs);
    while chosen.len() < pairs {
        let s = left[rng::below(rng, left.len())];
        let mut known = vec![false; m];
        // The same coalition again says nothing new; where few are left it may come again.
        for _ in 0..8 {
            rng::shuffle(rng, &mut players);
            known.fill(false);
            players[..s].iter().for_each(|p| known[*p] = true);
            if seen.insert(known.clone()) {
                break;
            }
        }
        seen.insert(known.iter().map(|k| !k).collect());
        chosen.push((s, known));
    }
    let mut of: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    chosen.iter().for_each(|(s, _)| *of.entry(*s).or_default() += 1);
    for (k, (s, known)) in chosen.into_iter().enumerate() {
        // The coalitions drawn of a size share the weight of all of that size.
        let weight = both(s) * of_size(s) / (2 * of[&s]) as f64;
        out.push(Drawn { known: known.iter().map(|k| !k).collect(), weight, group: Some(k % GROUPS) });
        out.push(Drawn { known, weight, group: Some(k % GROUPS) });
    }
    out
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>().round()
}

fn subsets(m: usize, s: usize, found: &mut impl FnMut(&[usize])) {
    let mut chosen: Vec<usize> = (0..s).collect();
    loop {
        found(&chosen);
        let Some(at) = (0..s).rev().find(|&i| chosen[i] < m - s + i) else { return };
        chosen[at] += 1;
        for i in at + 1..s {
            chosen[i] = chosen[i - 1] + 1;
        }
    }
}

fn kernel(game: &Game<'_>, row: &[f64], budget: usize, base: f64, rng: &mut rng::Rng, ctx: &JobCtx) -> Result<One> {
    let m = game.players.count();
    let whole = game.worths(row, 1, |_, _| true, ctx)?[0] - base;
    if m < 2 {
        return Ok(One { values: vec![whole; m], width: vec![0.0; m], calls: 1 });
    }
    let drawn = draw(m, budget.max(2 * m), rng);
    let v = game.worths(row, drawn.len(), |c, p| drawn[c].known[p], ctx)?;
    let worth: Vec<f64> = v.iter().map(|v| v - base).collect();
    let values = regress(m, &drawn, &worth, whole, None);
    let chance = drawn.iter().any(|d| d.group.is_some());
    let width = if chance {
        let out: Vec<Vec<f64>> = (0..GROUPS).map(|g| regress(m, &drawn, &worth, whole, Some(g))).collect();
        (0..m)
            .map(|j| {
                let mean = out.iter().map(|o| o[j]).sum::<f64>() / GROUPS as f64;
                let spread = out.iter().map(|o| (o[j] - mean).powi(2)).sum::<f64>();
                // t quantile of GROUPS − 1 = 11 degrees of freedom.
                2.201 * (spread * (GROUPS as f64 - 1.0) / GROUPS as f64).sqrt()
            })
            .collect()
    } else {
        vec![0.0; m]
    };
    Ok(One { values, width, calls: (drawn.len() + 1) * game.reference.n_rows() })
}

/// Weighted least squares under the demand that the values sum to `whole`: the last player is what the others leave.
fn regress(m: usize, drawn: &[Drawn], worth: &[f64], whole: f64, without: Option<usize>) -> Vec<f64> {
    let n = m - 1;
    let (mut a, mut b) = (vec![0.0; n * n], vec![0.0; n]);
    let mut line = vec![0.0; n];
    for (d, y) in drawn.iter().zip(worth) {
        if without.is_some() && d.group == without {
            continue;
        }
        let last = f64::from(u8::from(d.known[n]));
        for j in 0..n {
            line[j] = f64::from(u8::from(d.known[j])) - last;
        }
        let y = y - last * whole;
        for i in 0..n {
            if line[i] == 0.0 {
                continue;
            }
            let w = d.weight * line[i];
            b[i] += w * y;
            for j in 0..=i {
                a[i * n + j] += w * line[j];
            }
        }
    }
    let mut values = solve(n, &mut a, &b);
    values.push(whole - values.iter().sum::<f64>());
    values
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
