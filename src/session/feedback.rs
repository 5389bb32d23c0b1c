//! The loop closes: new rows beside the project's own, and what its scenarios, rankings and tests advise before and after.

use std::path::Path;
use std::sync::Arc;

use super::Recipe;
use super::pipeline::{self, Prepared};
use super::state::{Kept, Key, Session};
use super::task::Done;
use crate::base::{JobCtx, Result, tr_with};
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

/// What the window asks for: reads the file, and sets it beside the project's own rows where these are there.
pub(super) fn task(
    model: &dyn Model,
    name: String,
    beside: Option<(Recipe, Arc<Prepared>)>,
    folder: &Path,
    path: &Path,
    ctx: &JobCtx,
) -> Result<Done> {
    let read = beside.as_ref().map(|(r, _)| r.data.read.clone()).unwrap_or_default();
    let new = Arc::new(crate::data::read::open(path, &read, ctx)?);
    let old = beside.as_ref().map(|(_, p)| old_rows(p, model)).transpose()?;
    let project = beside.as_ref().map(|(r, p)| (r, folder, &**p));
    let settings = Settings { name, held: 0.5, seed: model.card().spec.seed };
    self::read(model, old.as_ref(), project, &new, &settings, ctx).map(|(found, version)| Done::Fed(Arc::new(found), version))
}

impl Session {
    /// A free name for the next version of a model.
    pub(super) fn free_version(&self, model: &str) -> String {
        // Version 2 of “Trees” goes on as version 3, not as “Trees, version 2, version 2”.
        let named = |base: &str, n: usize| tr_with(self.lang, "feedback.version", &[("model", &base), ("n", &n)]);
        let base = (2..100).find_map(|n| model.strip_suffix(named("", n).as_str())).unwrap_or(model);
        let taken = |n: &String| self.models.contains_key(n) || self.spec(n).is_some();
        (2..).map(|n| named(base, n)).find(|n| !taken(n)).unwrap_or_default()
    }

    /// Keeps the new version beside the old one, and shows it.
    pub fn keep_version(&mut self) {
        let Some(version) = self.fed.as_ref().filter(|f| f.kept.is_none()).and_then(|f| f.version.clone()) else { return };
        let name = version.card().spec.name.clone();
        if self.models.contains_key(&name) || self.spec(&name).is_some() {
            return;
        }
        self.imported.insert(name.clone());
        self.models.insert(name.clone(), Kept { value: version, key: Key::default() });
        self.said_kept(Some(name));
    }

    /// Takes the version that was kept out again; the old one is what it was.
    pub fn drop_version(&mut self) {
        let Some(name) = self.fed.as_ref().and_then(|f| f.kept.clone()) else { return };
        self.imported.remove(&name);
        self.models.remove(&name);
        self.said_kept(None);
    }

    fn said_kept(&mut self, name: Option<String>) {
        if let Some(fed) = &mut self.fed {
            fed.kept = name;
        }
        self.dirty = self.recipe.is_some();
        self.revision += 1;
        self.refresh();
    }
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

/// The scenario that earns most; with no money entered, the one that converts most, or least where that is bad news. Empty where leaving all as it is does.
fn best_scenario(recipe: &Recipe, prepared: &Prepared, model: &dyn Model, ctx: &JobCtx) -> Result<String> {
    let levers = pipeline::levers(recipe, prepared, model, ctx)?;
    let baseline = pipeline::baseline(prepared, model, ctx)?;
    let found = super::ledger::simulate(recipe, prepared, (model, &baseline), &[], &recipe.scenarios, &levers, ctx)?;
    // The best of those that could be answered is not the best.
    if let Some(lost) = found.unanswered.into_iter().next() {
        return Err(crate::base::Fault(lost.fault));
    }
    let money = found.scenarios.iter().all(|s| s.profit.is_some());
    let worth = |s: &crate::strategy::simulate::ScenarioResult| match s.profit {
        Some(p) if money => p.value,
        _ => found.news.sign() * s.conversions.value,
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
