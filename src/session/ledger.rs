//! The scenario ledger: what a recipe's what-ifs give, which other models they are judged by, and what drives the difference
//! between two of them.

use std::sync::Arc;

use super::pipeline::{self, Prepared};
use super::recipe::{Recipe, SimulateSection};
use crate::base::{Fingerprint, JobCtx, Result};
use crate::data::{ColumnType, Role};
use crate::ml::{Model, ModelKind, ModelSpec, Outcome};
use crate::strategy::scenario::Setting;
use crate::strategy::simulate::{self, Also, AlsoWhat, Besides, Between, Frontier, SimulateOptions};
use crate::strategy::study::{self, Study};
use crate::strategy::tested::{self, Measured, Tested};
use crate::strategy::{Baseline, Lever, Scenario, Simulation};
use crate::{fault, note};

/// A model, and what it says of all rows as they are.
pub type Seat = (Arc<dyn Model>, Arc<Baseline>);

/// The outcomes that scenarios are also judged by.
fn also(section: &SimulateSection) -> impl Iterator<Item = (AlsoWhat, &String)> {
    [(AlsoWhat::Retention, &section.retention), (AlsoWhat::Satisfaction, &section.satisfaction)]
        .into_iter()
        .filter_map(|(what, column)| Some((what, column.as_ref()?)))
}

/// The other models that scenarios of `model` are judged by: the first that knows each outcome which it does not know itself.
pub fn others<'a>(recipe: &Recipe, model: &dyn Model, all: impl Iterator<Item = &'a Arc<dyn Model>> + Clone) -> Vec<Arc<dyn Model>> {
    let mut out: Vec<Arc<dyn Model>> = Vec::new();
    for (_, column) in also(&recipe.simulate).filter(|(_, c)| model.card().outcome_named(c).is_none()) {
        let found = all.clone().find(|m| m.card().outcome_named(column).is_some());
        if let Some(m) = found.filter(|m| !out.iter().any(|o| o.card().spec.name == m.card().spec.name)) {
            out.push(m.clone());
        }
    }
    out
}

/// Models with what they say of all rows.
pub fn seats(models: &[Arc<dyn Model>], prepared: &Prepared, ctx: &JobCtx) -> Result<Vec<Seat>> {
    models.iter().map(|m| Ok((m.clone(), Arc::new(pipeline::baseline(prepared, &**m, ctx)?)))).collect()
}

/// Days that the data cover: as the recipe says, else from the first to the last day of the column that says when.
pub fn period(recipe: &Recipe, prepared: &Prepared) -> Option<f64> {
    if recipe.simulate.period_days.is_some() {
        return recipe.simulate.period_days;
    }
    let raw = &prepared.raw;
    let at = (0..raw.n_columns()).find(|i| prepared.roles.role(raw.name(*i)) == Role::Time)?;
    let per_day = match raw.column_type(at) {
        ColumnType::Date => 1.0,
        ColumnType::Datetime => 86_400.0,
        _ => return None,
    };
    let days = raw.numbers(at).into_iter().filter(|v| v.is_finite()).map(|v| (v / per_day).floor());
    let (low, high) = days.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), d| (a.min(d), b.max(d)));
    (high >= low).then_some(high - low + 1.0)
}

fn options(recipe: &Recipe, prepared: &Prepared, model: &dyn Model) -> Result<SimulateOptions> {
    let SimulateSection { seed, replicates, class, channels, .. } = &recipe.simulate;
    let card = model.card();
    let unknown = |class: &String| fault!("strategy.no_class", model = &card.spec.name, class = class, known = card.outcome_names());
    let outcome = match class {
        Some(class) if card.outcomes.len() > 1 => card.outcome_named(class).ok_or_else(|| unknown(class))?,
        _ => 0,
    };
    let period = period(recipe, prepared);
    let (news, guessed) = recipe.simulate.news(&card.outcomes[outcome])?;
    Ok(SimulateOptions {
        seed: *seed,
        replicates: *replicates,
        outcome,
        channels: channels.clone(),
        period,
        news,
        guessed,
        figures_only: false,
    })
}

/// What the scenarios do. `others` are the models of [`others`].
pub fn simulate(
    recipe: &Recipe,
    prepared: &Prepared,
    (model, baseline): (&dyn Model, &Baseline),
    others: &[Seat],
    scenarios: &[Scenario],
    levers: &[Lever],
    ctx: &JobCtx,
) -> Result<Simulation> {
    let options = options(recipe, prepared, model)?;
    let (mut judged, mut missing) = (Vec::new(), Vec::new());
    for (what, column) in also(&recipe.simulate) {
        let own = model.card().outcome_named(column).map(|o| (model, baseline, o));
        let theirs = || others.iter().find_map(|(m, b)| Some((&**m, &**b, m.card().outcome_named(column)?)));
        match own.or_else(theirs) {
            Some((model, baseline, outcome)) => judged.push(Also { what, model, baseline, outcome }),
            None => missing.push(note!("strategy.also_missing", column = column)),
        }
    }
    let data = &prepared.loaded.fingerprint;
    // What a lever says in words is a study's arm, and nothing is left to move.
    let resolved: Vec<Result<Scenario>> = scenarios.iter().map(|s| resolved(recipe, s)).collect();
    let scenarios: Vec<Scenario> = scenarios.iter().zip(&resolved).map(|(s, r)| r.as_ref().unwrap_or(s).clone()).collect();
    let outcome = &model.card().outcomes[options.outcome];
    let measured: Vec<Option<Result<Measured>>> = resolved
        .into_iter()
        .map(|s| match s {
            Ok(s) => {
                let t = s.tested.as_ref()?;
                Some(measure(recipe, prepared, (baseline, outcome), &s.name, t, s.segment.as_deref(), ctx))
            }
            Err(fault) => Some(Err(fault)),
        })
        .collect();
    let raw = &prepared.raw;
    let mut out =
        simulate::simulate(model, raw, baseline, &scenarios, levers, Besides { also: &judged, measured: &measured }, data, &options, ctx)?;
    out.warnings.extend(missing);
    if recipe.simulate.retrain > 0 && scenarios.iter().any(|s| s.tested.is_none()) {
        match versions(recipe, prepared, (model, baseline), &scenarios, levers, &measured, &options, ctx) {
            Ok(versions) => simulate::widen(&mut out, versions, &scenarios),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            // The answers stand; what their bands do not cover is said.
            Err(fault) => out.warnings.push(fault.0),
        }
    }
    Ok(out)
}

/// What the same scenarios give with the model trained again, each time with another seed and on rows drawn anew.
fn versions(
    recipe: &Recipe,
    prepared: &Prepared,
    (model, baseline): (&dyn Model, &Baseline),
    scenarios: &[Scenario],
    levers: &[Lever],
    measured: &[Option<Result<Measured>>],
    options: &SimulateOptions,
    ctx: &JobCtx,
) -> Result<Vec<Simulation>> {
    let card = model.card();
    let cannot = || fault!("strategy.model_band_not", model = &card.spec.name);
    let kind = card.spec.kind;
    if card.data != prepared.loaded.fingerprint || prepared.outcomes.is_empty() || matches!(kind, ModelKind::Import | ModelKind::Onnx) {
        return Err(cannot());
    }
    let data = pipeline::train_data(prepared)?;
    let times = u64::from(recipe.simulate.retrain);
    let options = SimulateOptions { figures_only: true, ..options.clone() };
    let quiet = ctx.without_stage();
    ctx.stage("session.stage_again", times);
    let mut out = Vec::new();
    for k in 1..=times {
        let spec = ModelSpec { seed: card.spec.seed + k, ..card.spec.clone() };
        let again = || {
            let again = crate::ml::train::train(&spec, &super::deeper::redrawn(&data, spec.seed), &quiet)?;
            if again.card().encoder == card.encoder { Ok(again) } else { Err(cannot()) }
        };
        let version = baseline.version(k, again, &quiet)?;
        let (model, baseline) = &*version;
        let besides = Besides { also: &[], measured };
        out.push(simulate::simulate(&**model, &prepared.raw, baseline, scenarios, levers, besides, &card.data, &options, &quiet)?);
        ctx.at(k);
        ctx.check()?;
    }
    Ok(out)
}

/// A scenario whose effect a study measured, with the arm that its lever says in words; others as they are.
fn resolved(recipe: &Recipe, s: &Scenario) -> Result<Scenario> {
    let Some(t) = s.tested.as_ref().filter(|_| !s.set.is_empty()) else { return Ok(s.clone()) };
    let Some((_, arms)) = measuring(recipe).find(|(name, _)| **name == t.study) else { return Ok(s.clone()) };
    let value = match s.set.get(arms.column).filter(|_| s.set.len() == 1) {
        None => return Ok(s.clone()),
        // Yes and no of a column of numbers.
        Some(Setting::Flag(yes)) if arms.control.parse::<f64>().is_ok() => u8::from(*yes).to_string(),
        Some(value) => value.to_string(),
    };
    if !t.arm.is_empty() && t.arm != value {
        return Err(fault!("strategy.tested_other_arm", name = &s.name, column = arms.column, value = value, arm = &t.arm));
    }
    let tested = Some(Tested { arm: value, ..t.clone() });
    Ok(Scenario { tested, set: std::collections::BTreeMap::new(), ..s.clone() })
}

/// What a study of the recipe measured among the people of a condition, for a scenario.
fn measure(
    recipe: &Recipe,
    prepared: &Prepared,
    (baseline, outcome): (&Baseline, &Outcome),
    name: &str,
    t: &Tested,
    segment: Option<&str>,
    ctx: &JobCtx,
) -> Result<Measured> {
    let loaded = &prepared.loaded;
    match recipe.studies.iter().find(|n| n.name == t.study).map(|n| &n.ask) {
        Some(Study::Uplift(asked)) => {
            let question = Fingerprint::of_value(&(&loaded.fingerprint, asked, t, segment));
            baseline.measured(question, || tested::measure(&loaded.table, &study::ask_of(asked), asked.base, &t.arm, segment, ctx))
        }
        Some(Study::Experiment(asked)) => {
            let question = Fingerprint::of_value(&(&loaded.fingerprint, asked, t, segment, outcome));
            baseline.measured(question, || tested::of_experiment(loaded, asked, (name, &t.arm), outcome, segment, ctx))
        }
        _ => {
            let known = measuring(recipe).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            Err(fault!("strategy.tested_study", name = name, study = &t.study, known = if known.is_empty() { "–" } else { &known }))
        }
    }
}

/// Where a study holds what was done to people.
#[derive(Clone, Copy, Debug)]
pub struct Arms<'a> {
    /// The column.
    pub column: &'a str,
    /// The value that means nothing was done.
    pub control: &'a str,
}

/// The recipe's studies that measure an effect, by name: uplift and experiments.
pub fn measuring(recipe: &Recipe) -> impl Iterator<Item = (&String, Arms<'_>)> {
    recipe.studies.iter().filter_map(|s| match &s.ask {
        Study::Uplift(asked) => Some((&s.name, Arms { column: &asked.treatment, control: &asked.control })),
        Study::Experiment(asked) => Some((&s.name, Arms { column: &asked.variant, control: &asked.control })),
        _ => None,
    })
}

/// What drives the difference of the second scenario to the first.
pub fn between(
    recipe: &Recipe,
    prepared: &Prepared,
    (model, baseline): (&dyn Model, &Baseline),
    two: [&Scenario; 2],
    levers: &[Lever],
    ctx: &JobCtx,
) -> Result<Between> {
    let options = options(recipe, prepared, model)?;
    let with = (baseline, &model.card().outcomes[options.outcome]);
    let measure = |name: &str, t: &Tested, segment: Option<&str>| measure(recipe, prepared, with, name, t, segment, ctx);
    let [a, b] = [resolved(recipe, two[0])?, resolved(recipe, two[1])?];
    simulate::between(model, &prepared.raw, baseline, [&a, &b], levers, &options, &measure, ctx)
}

/// What each amount of money earns in a scenario.
pub fn frontier(
    recipe: &Recipe,
    prepared: &Prepared,
    (model, baseline): (&dyn Model, &Baseline),
    scenario: &Scenario,
    levers: &[Lever],
    ctx: &JobCtx,
) -> Result<Frontier> {
    simulate::frontier(model, &prepared.raw, baseline, scenario, levers, &options(recipe, prepared, model)?, ctx)
}

/// Adds what each amount of money earns in the best scenario that the model answers, where it has a value per conversion.
pub fn add_frontier(
    sim: &mut Simulation,
    recipe: &Recipe,
    prepared: &Prepared,
    asked: (&dyn Model, &Baseline),
    (scenarios, levers): (&[Scenario], &[Lever]),
    ctx: &JobCtx,
) -> Result<()> {
    let best = ranked(sim).into_iter().filter(|d| d.profit.is_some()).find_map(|d| {
        let asked = scenarios.iter().find(|s| s.name == d.name)?;
        asked.tested.is_none().then_some(asked)
    });
    if let Some(best) = best {
        match frontier(recipe, prepared, asked, best, levers, ctx) {
            Ok(found) => sim.frontier = Some(found),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => sim.warnings.push(fault.0),
        }
    }
    Ok(())
}

/// Adds what drives the difference of two scenarios: the ones that are named, else the two best. Where two of the best
/// differ in too much to be told, that is said and keeps nothing else from being told.
pub fn set_against(
    sim: &mut Simulation,
    named: Option<&[String; 2]>,
    recipe: &Recipe,
    prepared: &Prepared,
    asked: (&dyn Model, &Baseline),
    (scenarios, levers): (&[Scenario], &[Lever]),
    ctx: &JobCtx,
) -> Result<()> {
    let Some(two) = named.cloned().or_else(|| best_two(sim)) else { return Ok(()) };
    let of = |name: &String| scenarios.iter().find(|s| s.name == *name).ok_or_else(|| fault!("session.no_scenario", name = name));
    let (a, b) = (of(&two[0])?, of(&two[1])?);
    match between(recipe, prepared, asked, [a, b], levers, ctx) {
        Ok(found) => sim.between = Some(found),
        Err(fault) if fault.is_cancelled() || named.is_some() => return Err(fault),
        Err(fault) => sim.warnings.push(fault.0),
    }
    Ok(())
}

/// The two scenarios that a report sets against each other: the best and the one after it, by profit where all have one,
/// else by conversions added, or cases avoided where they are bad news.
pub fn best_two(sim: &Simulation) -> Option<[String; 2]> {
    match ranked(sim)[..] {
        [first, second, ..] => Some([second.name.clone(), first.name.clone()]),
        _ => None,
    }
}

/// The scenarios from the best on.
fn ranked(sim: &Simulation) -> Vec<&simulate::Difference> {
    let money = sim.differences.iter().all(|d| d.profit.is_some());
    let worth = |d: &simulate::Difference| {
        if money { d.profit.map_or(f64::NEG_INFINITY, |p| p.value) } else { sim.news.sign() * d.conversions.value }
    };
    let mut order: Vec<&simulate::Difference> = sim.differences.iter().collect();
    order.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
    order
}

#[cfg(test)]
mod tests;
