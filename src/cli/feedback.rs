//! `whybench feedback`: new rows, or the outcome of an experiment, read back in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::args::Reading;
use super::commands::{Said, folder_of, moved, said, table, text_or_json, to_value};
use crate::base::{JobCtx, Lang, Result, numbers};
use crate::data::read;
use crate::ml::Model;
use crate::session::{Recipe, feedback, pipeline, run};
use crate::strategy::feedback::Settings;
use crate::strategy::words;
use crate::{fault, note};

/// `whybench feedback`.
#[derive(Debug, Args)]
pub struct Feedback {
    /// Project or recipe, or a model (.whymodel) alone
    #[arg(value_name = "PROJECT|MODEL")]
    pub target: PathBuf,
    /// The new rows, with what came of them
    pub data: PathBuf,
    /// Model of the project: its name, or a .whymodel file; the first of the recipe if absent
    #[arg(long, value_name = "NAME|FILE")]
    pub model: Option<String>,
    /// Data that a model given alone learned from: without it nothing is said of what moved
    #[arg(long, value_name = "DATA")]
    pub old: Option<PathBuf>,
    /// Share of the new rows that the new version does not learn from
    #[arg(long, default_value_t = 0.5, value_parser = share)]
    pub held: f64,
    /// Name of the new version
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the new version goes
    #[arg(long, value_name = "MODEL.whymodel")]
    pub out: Option<PathBuf>,
    /// Where the result goes
    #[arg(long, value_name = "FILE.json")]
    pub result: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn share(text: &str) -> std::result::Result<f64, String> {
    text.parse::<f64>().ok().filter(|v| (0.1..=0.9).contains(v)).ok_or_else(|| "a share from 0.1 to 0.9".to_owned())
}

fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "whymodel")
}

/// Executes it.
pub(super) fn feedback(e: &Feedback, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let new = Arc::new(read::open(&e.data, &e.reading.options(), ctx)?);
    let named = |model: &dyn Model| e.name.clone().unwrap_or_else(|| feedback::version_of(&model.card().spec.name, 2, lang));
    let settings = |model: &dyn Model| Settings { name: named(model), held: e.held, seed: e.seed };
    let mut warnings = new.warnings.clone();
    let (mut found, version) = if is_model(&e.target) {
        let model = crate::ml::file::load(&e.target)?;
        let old = match &e.old {
            Some(path) => {
                let loaded = read::open(path, &e.reading.options(), ctx)?;
                Some(feedback::rows(&*model, &loaded.table, &loaded)?)
            }
            None => None,
        };
        feedback::read(&*model, old.as_ref(), None, &new, &settings(&*model), ctx)?
    } else {
        let recipe = Recipe::open(&e.target)?;
        let folder = folder_of(&e.target);
        let loaded = pipeline::load(&recipe, folder, ctx).map_err(|f| moved(f, &e.target, &recipe))?;
        warnings.extend(run::changed_data(&recipe, &loaded));
        let prepared = pipeline::prepare(&recipe, &Arc::new(loaded), ctx)?;
        let model = match &e.model {
            Some(file) if is_model(Path::new(file)) => crate::ml::file::load(Path::new(file))?,
            name => {
                let wanted = |n: &String| recipe.models.iter().find(|m| m.name == *n).ok_or_else(|| fault!("session.no_model", name = n));
                let spec = match name {
                    Some(name) => wanted(name)?,
                    None => recipe.models.first().ok_or_else(|| fault!("session.no_models"))?,
                };
                pipeline::train(&prepared, spec, ctx)?
            }
        };
        let old = feedback::old_rows(&prepared, &*model)?;
        feedback::read(&*model, Some(&old), Some((&recipe, folder, &prepared)), &new, &settings(&*model), ctx)?
    };
    warnings.append(&mut found.warnings);
    found.warnings = warnings;
    match (&e.out, &version) {
        (Some(out), Some(version)) => crate::ml::file::save(&**version, out)?,
        (Some(out), None) => found.warnings.push(note!("feedback.nothing_written", file = out)),
        _ => {}
    }
    let mut value = to_value(&found)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("columns".to_owned(), Value::from(said(&found.columns, lang)));
        map.insert("warnings".to_owned(), Value::from(said(&found.warnings, lang)));
        map.insert("said".to_owned(), Value::from(words::feedback::sentences(&found, lang)));
    }
    if let Some(result) = &e.result {
        run::write_json(result, &value)?;
    }
    let mut text = words::feedback::sentences(&found, lang).join("\n");
    for sheet in [words::feedback::drifts(&found, lang), words::feedback::shifts(&found, lang)] {
        if !sheet.rows.is_empty() {
            let lines: Vec<Vec<String>> = std::iter::once(sheet.head).chain(sheet.rows.into_iter().take(12)).collect();
            text = format!("{text}\n\n{}", table(&lines).trim_end());
        }
    }
    let text = format!("{} ({})\n{text}", found.model, numbers::count(found.rows as i64));
    Ok(text_or_json(e.json, value, &found.warnings, &text))
}
