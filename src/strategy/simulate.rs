//! What a scenario does to the expected outcome, beside the baseline.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::evidence::{Grade, grade};
use super::lever::Lever;
use super::resample::Resample;
use super::scenario::{Money, Move, Scenario};
use super::support::{self, Apart, Changed};
use crate::base::coalition::shapley;
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers};
use crate::data::prepare::FillWith;
use crate::data::{FeatureKind, Segment, Step, Table};
use crate::ml::Model;
use crate::{fault, note};

/// A number with its interval and what the interval covers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What the interval covers: the sampling of people, the model, or single outcomes.
    pub covers: Covers,
}

/// What an interval covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Covers {
    /// Which people happened to be in the data (95 % bootstrap over rows).
    Sample,
    /// Which model the training gave.
    Model,
    /// What single outcomes may be.
    Outcome,
}

/// One scenario's expected result (the baseline is one without settings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Its name.
    pub name: String,
    /// The evidence grade.
    pub grade: Grade,
    /// Why this grade.
    pub reason: Notice,
    /// People in the segment.
    pub reach: Estimate,
    /// Expected conversions (yes/no) or total amount (number).
    pub conversions: Estimate,
    /// Expected rate or mean per person.
    pub rate: Estimate,
    /// Conversions × value per conversion; `None` without that assumption.
    pub revenue: Option<Estimate>,
    /// Contacts × cost + fixed cost, nothing for the baseline; `None` without that assumption.
    pub cost: Option<Estimate>,
    /// Revenue − cost.
    pub profit: Option<Estimate>,
    /// Return on what the scenario costs: (its revenue − that of doing nothing − its cost) / its cost. What people would have
    /// bought anyway is no return.
    pub roi: Option<Estimate>,
    /// The money assumptions behind it.
    pub money: Money,
    /// Share of reached rows whose changed values lie outside what training saw.
    pub outside: f64,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Scenario minus baseline, person by person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The scenario.
    pub name: String,
    /// Change in expected conversions.
    pub conversions: Estimate,
    /// Change in the rate.
    pub rate: Estimate,
    /// Change in revenue.
    pub revenue: Option<Estimate>,
    /// Change in revenue less the scenario's cost.
    pub profit: Option<Estimate>,
    /// Which levers drive the change in conversions: exact Shapley values over the levers moved; they sum to the change.
    pub drivers: Vec<(String, f64)>,
}

/// Everything a simulation says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// Which model answered.
    pub model_name: String,
    /// Its weights.
    pub model: Fingerprint,
    /// On which data.
    pub data: Fingerprint,
    /// The outcome.
    pub outcome: String,
    /// Where it is one of several classes: which class is counted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Baseline first, then the scenarios in their order.
    pub scenarios: Vec<ScenarioResult>,
    /// One per scenario but the baseline.
    pub differences: Vec<Difference>,
    /// What the analyst assumed, in words.
    pub assumptions: Vec<Notice>,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Replicates of the bootstrap.
    pub replicates: u32,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Settings of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SimulateOptions {
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Replicates of the bootstrap.
    pub replicates: u32,
    /// Which outcome of the model.
    pub outcome: usize,
}

impl Default for SimulateOptions {
    fn default() -> Self {
        Self { seed: 1, replicates: 400, outcome: 0 }
    }
}

/// Most levers that drivers are computed for: 2^10 coalitions.
const MOST_DRIVERS: usize = 10;

/// Rows that are moved together; enough for every core, few enough to stay near it.
const CHUNK: usize = 65_536;

/// Simulates the baseline and every scenario. `raw` holds the rows before preparation, `baseline` the same rows as the
/// model reads them. What was answered before on this baseline is not computed again.
pub fn simulate(
    model: &dyn Model,
    raw: &Table,
    baseline: &Baseline,
    scenarios: &[Scenario],
    levers: &[Lever],
    data: &Fingerprint,
    options: &SimulateOptions,
    ctx: &JobCtx,
) -> Result<Simulation> {
    let card = model.card();
    let outcome = card.outcomes.get(options.outcome).ok_or_else(|| fault!("strategy.no_outcome", number = options.outcome))?;
    let plans: Vec<Plan> = scenarios.iter().map(|s| Plan::read(s, model, raw, levers)).collect::<Result<_>>()?;
    ctx.stage("strategy.stage_simulating", scenarios.len() as u64 + 1);
    let n = baseline.x.n_rows();
    if raw.n_rows() != n || baseline.margins.len() != n * card.outcomes.len() {
        return Err(fault!("strategy.other_rows", model = &card.spec.name));
    }
    let world = World { model, raw, baseline, outcome: options.outcome, binary: outcome.is_binary(), options, ctx };

    // The baseline is everybody of the first scenario's segment: what the scenarios are compared with. Each difference is
    // taken within its own scenario's segment.
    let shared = plans.first().map_or_else(|| (0..n).collect(), |p| p.rows.clone());
    let money = scenarios.first().map(Scenario::money).unwrap_or_default();
    // Doing nothing costs nothing: the campaign's cost is the scenario's.
    let idle = Money { cost_per_contact: money.cost_per_contact.map(|_| 0.0), fixed_cost: money.fixed_cost.map(|_| 0.0), ..money };
    let before = world.shown(&shared);
    let mut results = vec![world.result("", &world.draws(shared.len()), &before, idle, &Moved::default(), &[])];
    let mut differences = Vec::new();
    for (k, (scenario, plan)) in scenarios.iter().zip(&plans).enumerate() {
        ctx.check()?;
        let question = Fingerprint::of_value(&(scenario, levers, options, plan.rows != shared));
        let (result, difference) = match baseline.answered(&question) {
            Some(answer) => answer,
            None => {
                let answer = world.answer(scenario, plan, plan.rows != shared, (plan.rows == shared).then_some(&before))?;
                baseline.keep(question, answer.clone());
                answer
            }
        };
        results.push(result);
        differences.push(difference);
        ctx.at(k as u64 + 2);
    }
    let mut assumptions = Vec::new();
    if outcome.is_class() {
        assumptions.push(note!("strategy.class_counted", class = outcome.class(), outcome = &outcome.name));
    }
    if results[0].cost.is_some() {
        assumptions.push(note!("strategy.assume_idle"));
    }
    for s in scenarios {
        let entered = [
            ("strategy.assume_value", s.value_per_conversion),
            ("strategy.assume_cost", s.cost_per_contact),
            ("strategy.assume_fixed", s.fixed_cost),
        ];
        for (code, amount) in entered {
            if let Some(amount) = amount {
                assumptions.push(Notice::new(code).with("name", &s.name).with("amount", numbers::plain(amount)));
            }
        }
    }
    let mut warnings = vec![note!("strategy.not_causal")];
    if !levers.is_empty() && levers.iter().all(|l| l.drop.is_none()) {
        warnings.push(note!("strategy.proxies_unchecked"));
    }
    if card.spec.weight == crate::ml::Weighting::Balanced {
        warnings.push(note!("strategy.balanced"));
    }
    Ok(Simulation {
        model_name: card.spec.name.clone(),
        model: card.fingerprint.clone(),
        data: data.clone(),
        outcome: outcome.name.clone(),
        class: outcome.class().to_owned(),
        scenarios: results,
        differences,
        assumptions,
        seed: options.seed,
        replicates: options.replicates,
        warnings,
    })
}

/// A scenario checked against the model, the data and the locks.
struct Plan {
    rows: Vec<usize>,
    moves: Vec<(usize, Move)>,
    overridden: Vec<String>,
}

impl Plan {
    fn read(scenario: &Scenario, model: &dyn Model, raw: &Table, levers: &[Lever]) -> Result<Self> {
        for (what, amount) in [
            ("value_per_conversion", scenario.value_per_conversion),
            ("cost_per_contact", scenario.cost_per_contact),
            ("fixed_cost", scenario.fixed_cost),
        ] {
            if amount.is_some_and(|a| !a.is_finite() || a < 0.0) {
                return Err(fault!("strategy.bad_money", name = &scenario.name, what = what, amount = amount.unwrap_or_default()));
            }
        }
        let rows = match (&scenario.row, &scenario.segment) {
            (Some(line), _) => {
                // Lines ascend, so a bisection finds it.
                let (mut low, mut high) = (0, raw.n_rows());
                while low < high {
                    let middle = usize::midpoint(low, high);
                    if raw.file_row(middle) < *line { low = middle + 1 } else { high = middle }
                }
                if low >= raw.n_rows() || raw.file_row(low) != *line {
                    return Err(fault!("strategy.no_row", name = &scenario.name, row = *line));
                }
                vec![low]
            }
            (None, Some(text)) if !text.trim().is_empty() => Segment::parse(text)?.rows(raw)?,
            _ => (0..raw.n_rows()).collect(),
        };
        if rows.is_empty() {
            return Err(fault!("strategy.empty_segment", name = &scenario.name, segment = scenario.segment.clone().unwrap_or_default()));
        }
        let mut moves = Vec::new();
        let mut overridden = Vec::new();
        for (column, setting) in &scenario.set {
            let lever = levers.iter().find(|l| l.column == *column).ok_or_else(|| {
                let near = levers.iter().min_by_key(|l| crate::data::table::distance(&l.column, column));
                fault!("strategy.no_lever", name = &scenario.name, column = column, nearest = near.map_or("–", |l| l.column.as_str()))
            })?;
            if lever.is_opened(&scenario.name, &scenario.overridden)? {
                overridden.push(column.clone());
            }
            moves.push((lever.feature, setting.read(&model.card().features()[lever.feature])?));
        }
        Ok(Self { rows, moves, overridden })
    }
}

/// People after some moves.
#[derive(Default)]
struct Moved {
    /// Probabilities or amounts.
    shown: Vec<f64>,
    /// Whether any lever moved.
    any: bool,
    /// Share of people with a value outside what training saw.
    outside: f64,
    /// People with values that never occur together.
    apart: Option<Apart>,
}

struct World<'a> {
    model: &'a dyn Model,
    raw: &'a Table,
    baseline: &'a Baseline,
    outcome: usize,
    binary: bool,
    options: &'a SimulateOptions,
    ctx: &'a JobCtx,
}

impl World<'_> {
    /// One scenario beside the same people as they are (`before`, if they were asked already).
    fn answer(
        &self,
        scenario: &Scenario,
        plan: &Plan,
        other_people: bool,
        before: Option<&Vec<f64>>,
    ) -> Result<(ScenarioResult, Difference)> {
        let draws = self.draws(plan.rows.len());
        let own;
        let before = match before {
            Some(before) => before,
            None => {
                own = self.shown(&plan.rows);
                &own
            }
        };
        let after = self.after(plan, usize::MAX, before)?;
        let mut result = self.result(&scenario.name, &draws, &after.shown, scenario.money(), &after, &plan.overridden);
        if plan.moves.len() > MOST_DRIVERS {
            result.warnings.push(note!("strategy.many_levers", count = plan.moves.len(), most = MOST_DRIVERS));
        }
        if other_people {
            result.warnings.push(note!("strategy.other_segment"));
        }
        let difference = self.difference(scenario, plan, &draws, before, &after.shown, &result)?;
        result.roi = match (difference.profit, result.cost) {
            (Some(extra), Some(cost)) if cost.value > 0.0 => Some(scaled(extra, 1.0 / cost.value, 0.0)),
            _ => None,
        };
        Ok((result, difference))
    }

    /// Probabilities or amounts of some rows as they are.
    fn shown(&self, rows: &[usize]) -> Vec<f64> {
        let k = self.model.card().outcomes.len();
        let card = self.model.card();
        rows.par_iter().map(|&r| card.shown(&self.baseline.margins[r * k..(r + 1) * k], self.outcome)).collect()
    }

    fn draws(&self, people: usize) -> Arc<Resample> {
        self.baseline.resample(people, self.options.replicates, self.options.seed)
    }

    /// People after the moves of the bit set `which`; all of them together are also asked whether such people occur.
    fn after(&self, plan: &Plan, which: usize, before: &[f64]) -> Result<Moved> {
        let moves: Vec<&(usize, Move)> =
            plan.moves.iter().enumerate().filter(|(i, _)| which >> (*i).min(63) & 1 == 1).map(|(_, m)| m).collect();
        if moves.is_empty() {
            return Ok(Moved { shown: before.to_vec(), ..Moved::default() });
        }
        let (changed, outside) = self.changes(plan, &moves)?;
        let features = self.model.card().features();
        let which_changed: Vec<usize> = changed.iter().map(|c| c.feature).collect();
        let k = self.model.card().outcomes.len();
        let mut shown = Vec::with_capacity(plan.rows.len());
        for (at, rows) in plan.rows.chunks(CHUNK).enumerate() {
            self.ctx.check()?;
            let as_is = self.baseline.x.select(rows);
            let mut x = as_is.clone();
            for c in &changed {
                let new = &c.values[at * CHUNK..at * CHUNK + rows.len()];
                x.values.iter_mut().skip(c.feature).step_by(x.n_features).zip(new).for_each(|(cell, v)| *cell = *v);
            }
            let base: Vec<f64> = rows.iter().flat_map(|&r| self.baseline.margins[r * k..(r + 1) * k].iter().copied()).collect();
            let margins = self.model.margins_changed(&x, &as_is, &which_changed, &base, self.ctx)?;
            shown.extend(margins.chunks_exact(k).map(|m| self.model.card().shown(m, self.outcome)));
        }
        let moved: Vec<usize> = moves.iter().map(|(j, _)| *j).collect();
        let apart = if which == usize::MAX {
            support::apart(features, &self.baseline.binned, &plan.rows, &changed, &moved, &self.baseline.x)
        } else {
            None
        };
        Ok(Moved { shown, any: true, outside, apart })
    }

    /// What the moves make of the people's features, and the share of people who leave what training saw.
    fn changes(&self, plan: &Plan, moves: &[&(usize, Move)]) -> Result<(Vec<Changed>, f64)> {
        let card = self.model.card();
        let prepare = &card.encoder.prepare;
        let touched = prepare.touched();
        let mut leaves = vec![false; plan.rows.len()];
        let mut changed: Vec<Changed> = Vec::new();
        let mut change = |feature: usize, values: Vec<f64>| {
            changed.retain(|c: &Changed| c.feature != feature);
            changed.push(Changed { feature, values });
        };
        for (j, step) in moves {
            let feature = &card.features()[*j];
            // A cell that is set is not missing any more: its flag goes with it.
            if let Some(flag) = self.flag_of(&feature.name).filter(|_| matches!(step, Move::To(_))) {
                change(flag, vec![0.0; plan.rows.len()]);
            }
            if feature.is_categorical() {
                if let Move::To(level) = step {
                    change(*j, vec![*level; plan.rows.len()]);
                }
                continue;
            }
            let slack = (feature.range.1 - feature.range.0).abs() * 1e-9;
            let is_out = |now: f64| now < feature.range.0 - slack || now > feature.range.1 + slack;
            let values: Vec<f64> = if let Move::To(_) = step {
                vec![prepare.apply_value(&feature.name, step.apply(f64::NAN)); plan.rows.len()]
            } else {
                let raw = self.raw.numbers(self.raw.column(&feature.name)?);
                // Counts stay whole numbers unless preparation rescaled them.
                let whole = matches!(feature.kind, FeatureKind::Numeric { integer: true, .. }) && !touched.contains(feature.name.as_str());
                let moved = |r: &usize| {
                    let now = prepare.apply_value(&feature.name, step.apply(raw[*r]));
                    if whole { now.round() } else { now }
                };
                plan.rows.par_iter().map(moved).collect()
            };
            leaves.iter_mut().zip(&values).for_each(|(l, v)| *l |= is_out(*v));
            change(*j, values);
        }
        Ok((changed, leaves.iter().filter(|l| **l).count() as f64 / leaves.len().max(1) as f64))
    }

    /// The feature that says where a column is missing, if preparation added one.
    fn flag_of(&self, column: &str) -> Option<usize> {
        let name = format!("{column}_missing");
        let card = self.model.card();
        let added = card
            .encoder
            .prepare
            .steps
            .iter()
            .any(|s| matches!(&s.step, Step::Fill { columns, with: FillWith::Flag, .. } if columns.iter().any(|c| c == column)));
        card.features().iter().position(|f| added && f.name == name)
    }

    /// Sum over people with its bootstrap interval; one person has none.
    fn total(&self, draws: &Resample, values: &[f64]) -> Estimate {
        let (value, low, high) = draws.total(values);
        Estimate { value, low, high, covers: Covers::Sample }
    }

    /// Half-width of the band in which one person's amount falls nine times out of ten, where the model measured it.
    fn band(&self, people: usize) -> Option<f64> {
        self.model.card().conformal.filter(|_| people == 1 && !self.binary && self.outcome == 0)
    }

    fn result(&self, name: &str, draws: &Resample, shown: &[f64], money: Money, moved: &Moved, overridden: &[String]) -> ScenarioResult {
        let n = shown.len() as f64;
        let mut conversions = self.total(draws, shown);
        let band = self.band(shown.len());
        if let Some(half) = band {
            let value = conversions.value;
            conversions = Estimate { value, low: value - half, high: value + half, covers: Covers::Outcome };
        }
        let cost = (money.cost_per_contact.is_some() || money.fixed_cost.is_some())
            .then(|| exact(n * money.cost_per_contact.unwrap_or(0.0) + money.fixed_cost.unwrap_or(0.0)));
        let revenue = money.value_per_conversion.map(|v| scaled(conversions, v, 0.0));
        let profit = revenue.map(|r| scaled(r, 1.0, -cost.map_or(0.0, |c| c.value)));
        let (grade, reason) = grade(moved.outside, moved.apart.as_ref(), moved.any, overridden);
        let mut warnings = Vec::new();
        if shown.len() == 1 {
            warnings.push(if band.is_some() { note!("strategy.one_row_band") } else { note!("strategy.one_row") });
        }
        if !overridden.is_empty() {
            warnings.push(note!("strategy.overridden", columns = overridden.join(", ")));
        }
        ScenarioResult {
            name: name.to_owned(),
            grade,
            reason,
            reach: exact(n),
            conversions,
            rate: scaled(conversions, 1.0 / n.max(1.0), 0.0),
            revenue,
            cost,
            profit,
            roi: None,
            money,
            outside: moved.outside,
            warnings,
        }
    }

    fn difference(
        &self,
        scenario: &Scenario,
        plan: &Plan,
        draws: &Resample,
        before: &[f64],
        after: &[f64],
        result: &ScenarioResult,
    ) -> Result<Difference> {
        let gap: Vec<f64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
        let conversions = self.total(draws, &gap);
        let money = scenario.money();
        let revenue = money.value_per_conversion.map(|v| scaled(conversions, v, 0.0));
        Ok(Difference {
            name: scenario.name.clone(),
            conversions,
            rate: scaled(conversions, 1.0 / (gap.len() as f64).max(1.0), 0.0),
            revenue,
            // Doing nothing costs nothing, so the campaign has to earn its whole cost.
            profit: revenue.map(|r| scaled(r, 1.0, -result.cost.map_or(0.0, |c| c.value))),
            drivers: self.drivers(plan, before, after)?,
        })
    }

    /// Exact Shapley values over the moved levers; the game is the total with a subset of the moves made.
    fn drivers(&self, plan: &Plan, before: &[f64], after: &[f64]) -> Result<Vec<(String, f64)>> {
        let m = plan.moves.len();
        let name = |i: usize| self.model.card().features()[plan.moves[i].0].name.clone();
        if m == 0 || m > MOST_DRIVERS {
            return Ok(Vec::new());
        }
        let full = (1usize << m) - 1;
        let mut v = vec![0.0; full + 1];
        for (set, slot) in v.iter_mut().enumerate() {
            *slot = if set == 0 {
                before.iter().sum()
            } else if set == full {
                after.iter().sum()
            } else {
                self.after(plan, set, before)?.shown.iter().sum()
            };
        }
        Ok(shapley(m, &v).into_iter().enumerate().map(|(i, phi)| (name(i), phi)).collect())
    }
}

fn exact(value: f64) -> Estimate {
    Estimate { value, low: value, high: value, covers: Covers::Sample }
}

fn scaled(e: Estimate, by: f64, plus: f64) -> Estimate {
    let (a, b) = (e.low * by + plus, e.high * by + plus);
    Estimate { value: e.value * by + plus, low: a.min(b), high: a.max(b), covers: e.covers }
}

#[cfg(test)]
mod tests;
