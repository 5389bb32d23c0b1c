//! The loop closes: new rows beside the project's own, and what its scenarios, rankings and tests advise before and after.

use std::path::Path;
use std::sync::Arc;

use super::Recipe;
use super::pipeline::{self, Prepared};
use crate::base::{JobCtx, Result};
use crate::data::{Loaded, Part};
use crate::ml::Model;
use crate::strategy::feedback::{self, Advice, Feedback, Rows, Settings, schema};
use crate::strategy::study::{Finding, Study};
use crate::strategy::{study, words};

/// Items named first.
const FIRST: usize = 3;

/// A project's rows as a model reads them: those that it trained on, unless the project split them otherwise.
pub fn old_rows(prepared: &Prepared, model: &dyn Model) -> Result<Rows> {
    let train = pipeline::positions(&prepared.parts, Part::Train);
    let table = prepared.raw.select_rows(&train);
    rows(model, &table, &prepared.loaded)
}

/// Rows of any table that has the model's columns, with outcomes where it has those.
pub fn rows(model: &dyn Model, table: &crate::data::Table, loaded: &Loaded) -> Result<Rows> {
    let (x, _) = model.card().encoder.encode_raw(table)?;
    let y: Result<Vec<Vec<f64>>> = model.card().outcomes.iter().map(|o| pipeline::known_outcome(table, o)).collect();
    // A file without the outcome still says what moved.
    Ok(Rows { x, y: y.unwrap_or_default(), data: loaded.fingerprint.clone() })
}

/// Reads new rows back in. With the project they are beside, also what its advice was and is.
pub fn read(
    model: &dyn Model,
    old: Option<&Rows>,
    project: Option<(&Recipe, &Path, &Prepared)>,
    new: &Arc<Loaded>,
    settings: &Settings,
    ctx: &JobCtx,
) -> Result<(Feedback, Option<Arc<dyn Model>>)> {
    let columns = schema::check(model.card(), &new.table)?;
    let fed = rows(model, &new.table, new)?;
    let (mut found, version) = feedback::run(model, old, &fed, settings, ctx)?;
    found.columns = columns;
    if let Some((recipe, folder, prepared)) = project {
        found.advice = advice((recipe, folder), prepared, new, (model, version.as_deref().unwrap_or(model)), &mut found.warnings, ctx)?;
    }
    Ok((found, version))
}

/// What the old version says on the old rows, and what the new one says on the new rows.
fn advice(
    (recipe, folder): (&Recipe, &Path),
    prepared: &Prepared,
    new: &Arc<Loaded>,
    (old, next): (&dyn Model, &dyn Model),
    warnings: &mut Vec<crate::base::Notice>,
    ctx: &JobCtx,
) -> Result<Vec<Advice>> {
    let mut out = Vec::new();
    for s in &recipe.studies {
        if let Study::Experiment(_) = &s.ask {
            let said = |loaded: &Loaded| study::answer(&s.ask, loaded, ctx).map(|f| decided(&f));
            push(&mut out, "study", &s.name, said(&prepared.loaded), said(new), warnings)?;
        }
    }
    let answers = !recipe.scenarios.is_empty() || recipe.recommend.is_some();
    if !answers {
        return Ok(out);
    }
    let later = match pipeline::prepare(recipe, new, ctx) {
        Ok(later) => later,
        Err(fault) if fault.is_cancelled() => return Err(fault),
        Err(fault) => {
            warnings.push(fault.0);
            return Ok(out);
        }
    };
    if !recipe.scenarios.is_empty() {
        let best = |prepared: &Prepared, model: &dyn Model| best_scenario(recipe, prepared, model, ctx);
        push(&mut out, "scenario", "", best(prepared, old), best(&later, next), warnings)?;
    }
    if let Some(person) = recipe.recommend.as_ref().map(|r| r.person.clone()) {
        let first = |prepared: &Prepared, model: &dyn Model| {
            let ranking = pipeline::rank(recipe, folder, prepared, model, &person, ctx)?;
            Ok(ranking.items.iter().take(FIRST).map(|i| i.item.clone()).collect::<Vec<_>>().join(", "))
        };
        push(&mut out, "items", &person, first(prepared, old), first(&later, next), warnings)?;
    }
    Ok(out)
}

/// Adds one piece of advice; what could not be asked on either side becomes a warning.
fn push(
    out: &mut Vec<Advice>,
    kind: &str,
    name: &str,
    before: Result<String>,
    after: Result<String>,
    warnings: &mut Vec<crate::base::Notice>,
) -> Result<()> {
    match (before, after) {
        (Ok(before), Ok(after)) => {
            let changed = before != after;
            out.push(Advice { kind: kind.to_owned(), name: name.to_owned(), before, after, changed });
        }
        (Err(fault), _) | (_, Err(fault)) if fault.is_cancelled() => return Err(fault),
        (Err(fault), _) | (_, Err(fault)) => warnings.push(fault.0),
    }
    Ok(())
}

/// The scenario that earns most; with no money entered, the one that converts most. Empty where leaving all as it is does.
fn best_scenario(recipe: &Recipe, prepared: &Prepared, model: &dyn Model, ctx: &JobCtx) -> Result<String> {
    let levers = pipeline::levers(recipe, prepared, model, ctx)?;
    let baseline = pipeline::baseline(prepared, model, ctx)?;
    let found = pipeline::simulate(recipe, prepared, model, &baseline, &recipe.scenarios, &levers, ctx)?;
    let money = found.scenarios.iter().all(|s| s.profit.is_some());
    let worth = |s: &crate::strategy::simulate::ScenarioResult| match s.profit {
        Some(p) if money => p.value,
        _ => s.conversions.value,
    };
    let first = found.scenarios.iter().enumerate().max_by(|a, b| worth(a.1).total_cmp(&worth(b.1)).then(b.0.cmp(&a.0)));
    Ok(first.filter(|(i, _)| *i > 0).map(|(_, s)| s.name.clone()).unwrap_or_default())
}

/// What a test says to do, arm by arm; the words are the catalogue's keys, so that both languages read them.
fn decided(found: &Finding) -> String {
    let Finding::Experiment(reading) = found else { return String::new() };
    let one = |d: &crate::strategy::experiment::decide::Decision| format!("{}: {}", d.variant, words::word_key(d.word));
    reading.decisions.iter().map(one).collect::<Vec<_>>().join("; ")
}
