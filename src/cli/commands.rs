//! What each headless command does: pipeline in, text or JSON out.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Command, Output, Train};
use crate::base::{Fault, JobCtx, Lang, Notice, Result, clock, numbers, tr};
use crate::data::read;
use crate::fault;
use crate::ml::metrics::Figures;
use crate::ml::{Model, ModelCard, OutcomeKind};
use crate::recommend;
use crate::session::recipe::{Recipe, SplitSection};
use crate::session::{ledger, pipeline, run};
use crate::strategy::Scenario;

/// What a command has to say.
pub struct Said {
    /// Results, for stdout.
    pub out: String,
    /// Warnings, for stderr; with `--json` they are among the results.
    pub warnings: Vec<Notice>,
    /// What could not be done beside the rest that was: for stderr, and the exit status is 1.
    pub faults: Vec<Notice>,
}

impl Said {
    fn but(self, faults: Vec<Notice>) -> Self {
        Self { faults, ..self }
    }
}

/// Executes a command.
pub fn execute(command: &Command, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    match command {
        Command::Profile { data, target, scan, positive, treatment, reading, json } => {
            let mut recipe = Recipe::for_file(data);
            recipe.data.read = reading.options();
            recipe.roles.target = target.iter().cloned().collect();
            recipe.roles.positive.clone_from(positive);
            recipe.roles.treatment = treatment.iter().cloned().collect();
            profile(&recipe, *scan, lang, *json, ctx)
        }
        Command::Train(t) => train(t, lang, ctx),
        Command::Import { file, target, recipe, out, json } => {
            let model = crate::ml::import::import_with(file, target.as_deref(), recipe.as_deref())?;
            crate::ml::file::save(&*model, out)?;
            let card = model.card();
            let trees = match model.structure() {
                crate::ml::model::Structure::Trees(e) => e.trees.len(),
                _ => 0,
            };
            let names: Vec<&str> = card.features().iter().map(|f| f.name.as_str()).collect();
            let value = json!({ "model": card.spec.name, "target": card.outcomes[0].name, "trees": trees, "features": names, "out": out, "fingerprint": card.fingerprint, "warnings": said(&card.warnings, lang) });
            let text = format!("{}: {} → {}", tr(lang, "cli.features"), names.join(", "), out.display());
            Ok(text_or_json(*json, value, &card.warnings, &text))
        }
        Command::Export { model, out, json } => {
            let model = crate::ml::import::open(model)?;
            let recipe = crate::ml::net::export(&*model, out)?;
            let value = json!({ "model": model.card().spec.name, "weights": out, "recipe": recipe });
            Ok(text_or_json(*json, value, &[], &format!("{}\n{}", out.display(), recipe.display())))
        }
        Command::Predict { model, data, out, reading, json } => {
            let model = crate::ml::import::open(model)?;
            let loaded = read::open(data, &reading.options(), ctx)?;
            let mut warnings = loaded.warnings.clone();
            warnings.extend(run::predictions(&*model, &loaded.table, None, None, out, ctx)?);
            let value = json!({ "rows": loaded.table.n_rows(), "out": out, "model": model.card().fingerprint, "data": loaded.fingerprint, "reading": loaded.reading, "warnings": said(&warnings, lang) });
            Ok(text_or_json(*json, value, &warnings, &format!("{} → {}", numbers::count(loaded.table.n_rows() as i64), out.display())))
        }
        Command::Explain(e) => super::why::explain(e, lang, ctx),
        Command::Effect(e) => super::why::effect(e, lang, ctx),
        Command::Surrogate { model, data, class, depth, seed, out, reading, json } => {
            super::why::surrogate((model, data), class.as_deref(), (*depth as usize, *seed), out, (reading, lang), *json, ctx)
        }
        Command::Counterfactual(e) => super::why::counterfactual(e, lang, ctx),
        Command::Ask(e) => super::why::ask(e, lang, ctx),
        Command::Contrast(e) => super::why::contrast(e, lang, ctx),
        Command::Importance(e) => super::why::importance(e, lang, ctx),
        Command::Rank { model, data, person, items, out, reading, json } => {
            let model = crate::ml::import::open(model)?;
            let loaded = read::open(data, &reading.options(), ctx)?;
            let items = items.as_ref().map(|p| read::open(p, &reading.options(), ctx)).transpose()?;
            let roles = crate::data::Roles::detect(&loaded.table);
            let ranking =
                recommend::rank::rank(&*model, &loaded.table, &roles, person, items.as_ref().map(|i| &i.table), &loaded.fingerprint, ctx)?;
            run::write_ranking(&ranking, out)?;
            let mut text: String = ranking.reason.iter().map(|n| n.say(lang) + "\n").collect();
            for i in ranking.items.iter().take(10) {
                text += &format!("{:>3}  {:<12} {}\n", i.rank, i.item, numbers::plain(i.predicted));
            }
            Ok(text_or_json(*json, to_value(&ranking)?, &ranking.warnings, text.trim_end()))
        }
        Command::Simulate { recipe, scenario, model, class, compare, retrain, out, json } => {
            let mut parsed = Recipe::open(recipe)?;
            parsed.simulate.retrain = retrain.unwrap_or(parsed.simulate.retrain);
            if class.is_some() {
                parsed.simulate.class.clone_from(class);
            }
            let two = compare.as_deref().and_then(|c| <[String; 2]>::try_from(c.to_vec()).ok());
            simulate(parsed, recipe, (scenario.as_deref(), model.as_deref(), two), out, lang, *json, ctx)
        }
        Command::Experiment { what } => super::experiment::experiment(what, lang, ctx),
        Command::Bandit(e) => super::bandit::bandit(e, lang, ctx),
        Command::Feedback(e) => super::feedback::feedback(e, lang, ctx),
        Command::Budget(e) => super::budget::budget(e, lang, ctx),
        Command::Curves(e) => super::budget::curves(e, lang, ctx),
        Command::Uplift(u) => super::uplift::uplift(u, lang, ctx),
        Command::Policy(p) => super::policy::policy(p, lang, ctx),
        Command::Customers(c) => super::customers::customers(c, lang, ctx),
        Command::Run { recipe, out, json } => {
            let parsed = Recipe::open(recipe)?;
            let summary = run::run(&parsed, folder_of(recipe), out, lang, &clock::today(), ctx).map_err(|f| moved(f, recipe, &parsed))?;
            let value = json!({ "out": out, "files": summary.files, "warnings": said(&summary.warnings, lang) });
            let files: Vec<String> = summary.files.iter().map(|f| out.join(f).display().to_string()).collect();
            Ok(text_or_json(*json, value, &summary.warnings, &files.join("\n")).but(summary.faults))
        }
        Command::Report { project, format, out, json } => {
            if let Some(f) = format.iter().find(|f| !run::FORMATS.contains(&f.as_str())) {
                return Err(fault!("session.no_such_format", format = f, formats = run::FORMATS.join(", ")));
            }
            std::fs::create_dir_all(out).map_err(|e| Fault::io(out, &e))?;
            let recipe = Recipe::open(project)?;
            let gathered = run::gather(&recipe, folder_of(project), ctx).map_err(|f| moved(f, project, &recipe))?;
            let report = run::report(&recipe, &gathered, lang, &clock::today());
            let mut files = Vec::new();
            for f in format {
                let path = out.join(format!("report.{f}"));
                run::write_report(&report, f, &path)?;
                files.push(path);
            }
            let shown: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            let value = json!({ "files": files, "warnings": said(&report.notices, lang) });
            Ok(text_or_json(*json, value, &report.notices, &shown.join("\n")).but(run::faults(&report.simulations)))
        }
    }
}

pub(super) fn folder_of(recipe: &Path) -> &Path {
    recipe.parent().unwrap_or(Path::new(""))
}

/// A project's data that are not where it says: which project, and how to lead it there.
pub(super) fn moved(fault: Fault, project: &Path, recipe: &Recipe) -> Fault {
    let data = folder_of(project).join(&recipe.data.path);
    if fault.0.code == "base.file_not_found" && !data.exists() {
        return fault!("cli.data_moved", file = &data, project = project);
    }
    fault
}

pub(super) fn to_value<T: serde::Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| fault!("cli.not_json", reason = e.to_string()))
}

/// Warnings for JSON: code, fields, and the sentence.
pub(super) fn said(warnings: &[Notice], lang: Lang) -> Vec<Value> {
    warnings.iter().map(|w| json!({ "code": w.code, "fields": w.fields, "text": w.say(lang) })).collect()
}

pub(super) fn text_or_json(json: bool, value: Value, warnings: &[Notice], text: &str) -> Said {
    if json {
        return Said { out: format!("{value}\n"), warnings: Vec::new(), faults: Vec::new() };
    }
    Said { out: format!("{text}\n"), warnings: warnings.to_vec(), faults: Vec::new() }
}

/// A study's answer: into its file where one is named, with its warnings spoken, and as JSON or text.
pub(super) fn reported(output: &Output, mut value: Value, warnings: &[Notice], text: &str, lang: Lang) -> Result<Said> {
    if let Some(map) = value.as_object_mut() {
        map.insert("warnings".to_owned(), Value::from(said(warnings, lang)));
    }
    if let Some(path) = &output.out {
        run::write_json(path, &value)?;
    }
    Ok(text_or_json(output.json, value, warnings, text.trim_end()))
}

fn profile(recipe: &Recipe, scan: bool, lang: Lang, json: bool, ctx: &JobCtx) -> Result<Said> {
    let loaded = std::sync::Arc::new(pipeline::load(recipe, Path::new(""), ctx)?);
    let profile = pipeline::profile(recipe, &loaded, ctx)?;
    let mut value = to_value(&profile)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("reading".to_owned(), to_value(&loaded.reading)?);
        map.insert("fingerprint".to_owned(), to_value(&loaded.fingerprint)?);
        map.insert("warnings".to_owned(), Value::from(said(&profile.warnings, lang)));
    }
    let mut text = format!("{}: {}\n", tr(lang, "cli.rows"), numbers::count(profile.rows as i64));
    let head = ["cli.column", "cli.type", "cli.role", "cli.missing", "cli.distinct", "cli.range"].map(|k| tr(lang, k).to_owned());
    let mut rows = vec![head.to_vec()];
    for c in &profile.columns {
        let range = match (c.min, c.max) {
            (Some(a), Some(b)) if !c.categorical => format!("{} … {}", c.shown(a), c.shown(b)),
            _ => c.top.iter().take(3).map(|t| t.value.clone()).collect::<Vec<_>>().join(", "),
        };
        let name = |v: Result<Value>| v.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        rows.push(vec![
            c.name.clone(),
            name(to_value(&c.kind)),
            name(to_value(&c.role)),
            numbers::count(c.missing as i64),
            numbers::count(c.distinct as i64),
            range,
        ]);
    }
    text += &table(&rows);
    let mut warnings = profile.warnings.clone();
    if scan {
        let found = pipeline::scan(&pipeline::prepare(recipe, &loaded, ctx)?, ctx)?;
        value["scan"] = super::scan::json(&found, lang)?;
        text += &format!("\n{}", super::scan::text(&found, lang));
        warnings.extend(found.warnings);
    }
    Ok(text_or_json(json, value, &warnings, text.trim_end()))
}

/// Columns side by side, padded to their widest cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |j: usize| rows.iter().filter_map(|r| r.get(j)).map(|c| c.chars().count()).max().unwrap_or(0).min(40);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}")).collect();
        out += line.join("  ").trim_end();
        out.push('\n');
    }
    out
}

fn train(t: &Train, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let mut recipe = Recipe::for_file(&t.data);
    recipe.data.read = t.reading.options();
    recipe.roles.target = t.target.clone();
    recipe.roles.positive = t.positive.clone();
    recipe.roles.ignore = t.ignore.clone();
    recipe.roles.categorical = t.categorical.clone();
    recipe.split = SplitSection { split: crate::data::Split::parse(&t.split)?, seed: t.seed };
    let stem = t.out.file_stem().map_or_else(|| "model".to_owned(), |s| s.to_string_lossy().into_owned());
    let mut spec = crate::ml::ModelSpec::new(&stem, t.model);
    (spec.seed, spec.weight, spec.device, spec.epochs) = (t.seed, t.weight, t.device.clone(), t.epochs);
    let loaded = std::sync::Arc::new(pipeline::load(&recipe, Path::new(""), ctx)?);
    let prepared = pipeline::prepare(&recipe, &loaded, ctx)?;
    let model = pipeline::train(&prepared, &spec, ctx)?;
    crate::ml::file::save(&*model, &t.out)?;
    if let Some(path) = &t.predictions {
        run::write_predictions(&*model, &prepared, path, ctx)?;
    }
    let card = model.card();
    let mut warnings = loaded.warnings.clone();
    warnings.extend(card.warnings.iter().filter(|w| !loaded.warnings.contains(w)).cloned());
    Ok(text_or_json(t.json, trained(card, &warnings, lang)?, &warnings, &trained_text(card, lang)))
}

fn trained(card: &ModelCard, warnings: &[Notice], lang: Lang) -> Result<Value> {
    let mut targets = Vec::new();
    for (outcome, e) in card.outcomes.iter().zip(&card.evaluation) {
        let kind = match outcome.kind {
            OutcomeKind::Binary { .. } => "binary",
            OutcomeKind::Class { .. } => "class",
            OutcomeKind::Number => "number",
        };
        targets.push(json!({ "name": outcome.name, "kind": kind, "outcome": to_value(outcome)?, "test": to_value(&e.figures)? }));
    }
    let first = targets.first().map_or(Value::Null, |t| t["test"].clone());
    Ok(json!({
        "model": card.spec.kind.name(),
        "name": card.spec.name,
        "targets": targets,
        "test": first,
        "rows": to_value(&card.rows)?,
        "seconds": card.seconds,
        "device": card.device,
        "seed": card.spec.seed,
        "fingerprint": card.fingerprint,
        "data": card.data,
        "warnings": said(warnings, lang),
    }))
}

fn trained_text(card: &ModelCard, lang: Lang) -> String {
    let mut rows =
        vec![vec![tr(lang, "cli.rows").to_owned(), format!("{} / {} / {}", card.rows.train, card.rows.validation, card.rows.test)]];
    let f = |x: f64| numbers::fixed(x, 4);
    let o = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), f);
    for e in &card.evaluation {
        rows.push(vec![tr(lang, "cli.target").to_owned(), e.target.clone()]);
        match &e.figures {
            Figures::Binary(b) => {
                let interval = b.auc_interval.map_or_else(String::new, |(a, z)| format!("  [{} … {}]", f(a), f(z)));
                rows.push(vec!["AUC".into(), o(b.auc) + &interval]);
                rows.push(vec![tr(lang, "cli.average_precision").to_owned(), o(b.average_precision)]);
                rows.push(vec![tr(lang, "cli.log_loss").to_owned(), f(b.log_loss)]);
                rows.push(vec![tr(lang, "cli.accuracy").to_owned(), f(b.accuracy)]);
                rows.push(vec!["F1".into(), f(b.f1)]);
                rows.push(vec!["ECE".into(), f(b.ece)]);
            }
            Figures::Number(n) => {
                rows.push(vec!["RMSE".into(), f(n.rmse)]);
                rows.push(vec!["MAE".into(), f(n.mae)]);
                rows.push(vec!["R²".into(), o(n.r2)]);
            }
        }
    }
    rows.push(vec![tr(lang, "cli.device").to_owned(), card.device.clone()]);
    rows.push(vec![tr(lang, "cli.time").to_owned(), numbers::duration(card.seconds)]);
    rows.push(vec![tr(lang, "cli.fingerprint").to_owned(), card.fingerprint.short().to_owned()]);
    table(&rows).trim_end().to_owned()
}

fn simulate(
    mut recipe: Recipe,
    path: &Path,
    (only, answering, two): (Option<&str>, Option<&Path>, Option<[String; 2]>),
    out: &Path,
    lang: Lang,
    json: bool,
    ctx: &JobCtx,
) -> Result<Said> {
    if let Some(name) = only {
        if !recipe.scenarios.iter().any(|s| s.name == name) {
            return Err(fault!("session.no_scenario", name = name));
        }
        recipe.scenarios.retain(|s| s.name == name);
    }
    if recipe.scenarios.is_empty() {
        return Err(fault!("cli.no_scenarios", file = path));
    }
    let loaded = pipeline::load(&recipe, folder_of(path), ctx).map_err(|f| moved(f, path, &recipe))?;
    let changed = run::changed_data(&recipe, &loaded);
    let prepared = pipeline::prepare(&recipe, &std::sync::Arc::new(loaded), ctx)?;
    let mut simulations = Vec::new();
    let mut done: Vec<String> = Vec::new();
    let mut apart: Vec<Notice> = Vec::new();
    // Models are trained once, those that scenarios are also judged by included.
    let mut trained: Vec<std::sync::Arc<dyn Model>> = Vec::new();
    let judged = recipe.simulate.retention.is_some() || recipe.simulate.satisfaction.is_some();
    for spec in recipe.models.iter().filter(|_| judged) {
        trained.push(crate::session::imported::model(&prepared, spec, folder_of(path), ctx)?);
    }
    let all = trained.clone();
    let mut answer = |model: &dyn Model, scenarios: &[Scenario]| -> Result<()> {
        let levers = pipeline::levers(&recipe, &prepared, model, ctx)?;
        let seats = ledger::seats(&ledger::others(&recipe, model, all.iter()), &prepared, ctx)?;
        let baseline = pipeline::baseline(&prepared, model, ctx)?;
        let asked = (model, &baseline);
        let mut found = ledger::simulate(&recipe, &prepared, asked, &seats, scenarios, &levers, ctx)?;
        // Two of which one has no answer are not set against each other; why is said once.
        let here = two.as_ref().filter(|t| t.iter().all(|n| scenarios.iter().any(|s| s.name == *n)));
        if here.is_none_or(|t| t.iter().all(|n| found.differences.iter().any(|d| d.name == *n))) {
            match ledger::set_against(&mut found, here, &recipe, &prepared, asked, (scenarios, &levers), ctx) {
                Err(fault) if fault.is_cancelled() => return Err(fault),
                Err(fault) => apart.push(fault.0),
                Ok(()) => {}
            }
        }
        ledger::add_frontier(&mut found, &recipe, &prepared, asked, (scenarios, &levers), ctx)?;
        simulations.push(found);
        Ok(())
    };
    if let Some(lost) = two.iter().flatten().find(|n| !recipe.scenarios.iter().any(|s| s.name == **n)) {
        return Err(fault!("session.no_scenario", name = lost));
    }
    if let Some(file) = answering {
        answer(&*crate::ml::import::open(file)?, &recipe.scenarios)?;
    }
    for scenario in recipe.scenarios.iter().filter(|_| answering.is_none()) {
        let spec = match &scenario.model {
            Some(name) => recipe.models.iter().find(|m| m.name == *name).ok_or_else(|| fault!("session.no_model", name = name))?,
            None => recipe.models.first().ok_or_else(|| fault!("session.no_models"))?,
        };
        if done.contains(&spec.name) {
            continue;
        }
        done.push(spec.name.clone());
        let first = recipe.models.first().map(|m| m.name.clone());
        let mine: Vec<_> =
            recipe.scenarios.iter().filter(|s| s.model.clone().or_else(|| first.clone()).as_ref() == Some(&spec.name)).cloned().collect();
        let model = match trained.iter().find(|m| m.card().spec.name == spec.name) {
            Some(model) => model.clone(),
            None => crate::session::imported::model(&prepared, spec, folder_of(path), ctx)?,
        };
        answer(&*model, &mine)?;
    }
    let joined = run::joined(&simulations).ok_or_else(|| fault!("cli.no_scenarios", file = path))?;
    if joined.differences.is_empty() {
        return Ok(Said { out: String::new(), warnings: Vec::new(), faults: run::faults(&simulations) });
    }
    run::write_json(out, &joined)?;
    let text = super::simulated::text(&joined, lang);
    // Said beside the result, not in it: the file holds the same bits as that of a run.
    let warnings: Vec<Notice> = changed.into_iter().chain(joined.warnings.iter().cloned()).collect();
    let mut value = to_value(&joined)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("warnings".to_owned(), to_value(&warnings)?);
    }
    let faults = run::faults(&simulations).into_iter().chain(apart).collect();
    Ok(text_or_json(json, value, &warnings, text.trim_end()).but(faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["a".to_owned(), "b".to_owned()], vec!["long".to_owned(), "c".to_owned()]];
        assert_eq!(table(&rows), "a     b\nlong  c\n");
    }
}
