//! What money earns in a scenario: its profit when only so many people are reached, from nobody to everybody, the best
//! first or by chance. Where more money stops paying for itself is the frontier's best point.

use serde::{Deserialize, Serialize};

use super::result::{Covers, Estimate};
use super::{SimulateOptions, plan, world};
use crate::base::{JobCtx, Result};
use crate::data::Table;
use crate::fault;
use crate::ml::Model;
use crate::strategy::baseline::Baseline;
use crate::strategy::lever::Lever;
use crate::strategy::scenario::Scenario;
use crate::strategy::terms::{Book, First, Terms};

/// Points of a curve, besides the best one.
const POINTS: usize = 50;

/// So many people reached, and what that costs and gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// People reached.
    pub people: f64,
    /// Money spent.
    pub cost: f64,
    /// Conversions added.
    pub conversions: Estimate,
    /// Profit beside doing nothing.
    pub profit: Estimate,
}

/// What money earns in one scenario; its own budget and capacity are set aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontier {
    /// The scenario.
    pub scenario: String,
    /// Those of whom the model expects the best change are reached first.
    pub best_first: Vec<Spent>,
    /// Whoever comes.
    pub by_chance: Vec<Spent>,
    /// The place in `best_first` beyond which more money earns no more.
    pub best: usize,
    /// The scenario as it is planned, with its own limits and its own order.
    pub planned: Spent,
}

/// What money earns in a scenario with a value per conversion.
pub fn frontier(
    model: &dyn Model,
    raw: &Table,
    baseline: &Baseline,
    scenario: &Scenario,
    levers: &[Lever],
    options: &SimulateOptions,
    ctx: &JobCtx,
) -> Result<Frontier> {
    if scenario.tested.is_some() {
        return Err(fault!("strategy.tested_frontier", name = &scenario.name));
    }
    let world = world(model, raw, baseline, options, ctx)?;
    let plan = plan(scenario, model, raw, levers, options)?;
    let Some(worth) = plan.terms.worth_added() else { return Err(fault!("strategy.frontier_value", name = &scenario.name)) };
    ctx.stage("strategy.stage_frontier", 0);
    let before = world.shown(&plan.rows);
    let after = world.after(&plan.rows, &plan.moves, false)?.shown;
    let n = before.len();
    let free = Terms { budget: None, capacity: None, ..plan.terms };
    let (per_row, arrives) = (free.people_per_row(), free.arrives());
    let offer = free.cost_per_conversion.unwrap_or(0.0);
    let known =
        |rows: f64| if rows > 0.0 { free.fixed_cost.unwrap_or(0.0) + rows * per_row * free.cost_per_contact.unwrap_or(0.0) } else { 0.0 };
    // Of one person who is reached: conversions added, and what they leave once their own cost is paid.
    let gain = |i: usize| per_row * arrives * (after[i] - before[i]);
    let paid = |i: usize| per_row * arrives * free.takers(1.0, after[i]) * offer;
    let (book, order) = Book::new(&before, &after, if free.news.is_good() { First::Gain } else { First::Fall });

    // The best place among all people, not only among the points that are drawn.
    let (mut sum, mut top, mut best_rows) = (0.0, 0.0, 0);
    let contact = per_row * free.cost_per_contact.unwrap_or(0.0);
    for (k, &i) in order.iter().enumerate() {
        sum += worth * gain(i as usize) - paid(i as usize) - contact;
        if sum - free.fixed_cost.unwrap_or(0.0) > top {
            (top, best_rows) = (sum - free.fixed_cost.unwrap_or(0.0), k + 1);
        }
    }
    let t = plan.terms;
    let limited = (t.capacity.is_some() || t.budget.is_some()) && !t.first.is_chance();
    let ends = if limited { book.reached(&t, 1.0) } else { 0.0 };
    let marked = [best_rows, ends.floor() as usize, ends.ceil() as usize];
    let mut stops: Vec<usize> = (0..=POINTS).map(|p| p * n / POINTS).chain(marked).collect();
    stops.sort_unstable();
    stops.dedup();

    let draws = world.baseline.resample(n, options.replicates, options.seed);
    let estimate = |(value, low, high): (f64, f64, f64)| Estimate { value, low, high, covers: Covers::Sample };
    let blocks = draws.blocks();
    let (mut added, mut left, mut spent) = (vec![0.0; blocks], vec![0.0; blocks], 0.0);
    let (mut sums, mut costs, mut reached) = (Vec::new(), Vec::new(), 0);
    for &stop in &stops {
        for &i in &order[reached..stop] {
            let (i, block) = (i as usize, draws.block(i as usize));
            added[block] += gain(i);
            left[block] += worth * gain(i) - paid(i);
            spent += paid(i);
        }
        reached = stop;
        ctx.check()?;
        sums.extend([added.clone(), left.clone()]);
        costs.push(spent + known(stop as f64));
    }
    let found = draws.totals(&sums);
    let point = |rows: f64, cost: f64, conversions: Estimate, left: Estimate| Spent {
        people: rows * per_row,
        cost,
        conversions,
        profit: left.scaled(1.0, -known(rows)),
    };
    let best_first: Vec<Spent> = stops
        .iter()
        .zip(&costs)
        .zip(found.chunks_exact(2))
        .map(|((rows, cost), two)| point(*rows as f64, *cost, estimate(two[0]), estimate(two[1])))
        .collect();
    // By chance everybody counts for the share that is reached.
    let last = found.len() - 2;
    let (all, all_left) = (estimate(found[last]), estimate(found[last + 1]));
    let by_share = |rows: f64| {
        let share = rows / (n as f64).max(1.0);
        point(rows, spent * share + known(rows), all.scaled(share, 0.0), all_left.scaled(share, 0.0))
    };
    let by_chance: Vec<Spent> = (0..=POINTS).map(|p| by_share((p * n / POINTS) as f64)).collect();
    let planned =
        if limited { along(&best_first, ends * per_row) } else { by_share(Book::new(&before, &after, First::Chance).0.reached(&t, 1.0)) };
    let best = stops.iter().position(|s| *s == best_rows).unwrap_or(0);
    Ok(Frontier { scenario: scenario.name.clone(), best_first, by_chance, best, planned })
}

/// The curve at so many people, between its points in a straight line.
fn along(curve: &[Spent], people: f64) -> Spent {
    let k = curve.partition_point(|s| s.people < people).clamp(1, curve.len().max(2) - 1);
    let (Some(a), Some(b)) = (curve.get(k - 1), curve.get(k)) else { return curve[0] };
    let t = ((people - a.people) / (b.people - a.people)).clamp(0.0, 1.0);
    let line = |a: f64, b: f64| a + t * (b - a);
    let between =
        |a: Estimate, b: Estimate| Estimate { value: line(a.value, b.value), low: line(a.low, b.low), high: line(a.high, b.high), ..a };
    Spent { people, cost: line(a.cost, b.cost), conversions: between(a.conversions, b.conversions), profit: between(a.profit, b.profit) }
}
