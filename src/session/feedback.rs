//! The loop closes: new rows beside the project's own, and what its scenarios, rankings and tests advise before and after.

use std::path::Path;
use std::sync::Arc;

use super::Recipe;
use super::pipeline::{self, Prepared};
use super::state::{Ask, Command, Kept, Key, NamedStudy, Session};
use crate::base::{JobCtx, Lang, Result, tr_with};
use crate::data::{Loaded, Part};
use crate::fault;
use crate::ml::Model;
use crate::strategy::feedback::{self, Advice, Feedback, Rows, Settings, schema};
use crate::strategy::study::{FeedbackAsked, Finding, Studied, Study};
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

/// Answers a study of a recipe, with the models that it may set new rows beside; and the version that the recipe keeps.
pub fn answer(
    ask: &Study,
    project: (&Recipe, &Path),
    prepared: &Prepared,
    models: &[Arc<dyn Model>],
    ctx: &JobCtx,
) -> Result<(Finding, Option<Arc<dyn Model>>)> {
    let Study::Feedback(asked) = ask else { return study::answer(ask, &prepared.loaded, ctx).map(|f| (f, None)) };
    let found = match &asked.model {
        Some(name) => models.iter().find(|m| m.card().spec.name == *name),
        None => models.first(),
    };
    let model = match (found, &asked.model) {
        (Some(model), _) => model,
        (None, Some(name)) if !models.is_empty() => return Err(fault!("session.no_model", name = name)),
        _ => return Err(fault!("session.no_models")),
    };
    let (found, version) = beside(&**model, asked, project, prepared, ctx)?;
    Ok((Finding::Feedback(Box::new(found)), version.filter(|_| asked.keep)))
}

/// Answers all studies of a recipe; and the versions that it keeps.
pub fn answer_all(
    project: (&Recipe, &Path),
    prepared: &Prepared,
    models: &[Arc<dyn Model>],
    ctx: &JobCtx,
) -> Result<(Vec<Studied>, Vec<Arc<dyn Model>>)> {
    let mut versions = Vec::new();
    let studies = study::all(&project.0.studies, |ask| {
        let (found, version) = answer(ask, project, prepared, models, ctx)?;
        versions.extend(version);
        Ok(found)
    })?;
    Ok((studies, versions))
}

/// Reads the file that is asked about, and sets it beside the project's own rows.
pub(super) fn beside(
    model: &dyn Model,
    asked: &FeedbackAsked,
    (recipe, folder): (&Recipe, &Path),
    prepared: &Prepared,
    ctx: &JobCtx,
) -> Result<(Feedback, Option<Arc<dyn Model>>)> {
    if !(0.1..=0.9).contains(&asked.held) {
        return Err(fault!("feedback.held", share = asked.held));
    }
    let new = Arc::new(crate::data::read::open(&folder.join(&asked.file), &recipe.data.read, ctx)?);
    let old = old_rows(prepared, model)?;
    let name = asked.version.clone().unwrap_or_else(|| version_of(&model.card().spec.name, 2, Lang::En));
    let settings = Settings { name, held: asked.held, seed: asked.seed };
    let (mut found, version) = read(model, Some(&old), Some((recipe, folder, prepared)), &new, &settings, ctx)?;
    let mut warnings = new.warnings.clone();
    warnings.append(&mut found.warnings);
    found.warnings = warnings;
    Ok((found, version))
}

/// What the n-th version of a model is called.
pub fn version_of(model: &str, n: usize, lang: Lang) -> String {
    tr_with(lang, "feedback.version", &[("model", &model), ("n", &n)])
}

impl Session {
    /// A free name for the next version of a model.
    fn free_version(&self, model: &str) -> String {
        // Version 2 of “Trees” goes on as version 3, not as “Trees, version 2, version 2”.
        let base = (2..100).find_map(|n| model.strip_suffix(version_of("", n, self.lang).as_str())).unwrap_or(model);
        let asked = |n: &String| self.feedbacks().any(|(_, a)| a.version.as_ref() == Some(n));
        let taken = |n: &String| self.models.contains_key(n) || self.spec(n).is_some() || asked(n);
        (2..).map(|n| version_of(base, n, self.lang)).find(|n| !taken(n)).unwrap_or_default()
    }

    /// The recipe's studies of new rows, by name.
    pub fn feedbacks(&self) -> impl DoubleEndedIterator<Item = (&String, &FeedbackAsked)> {
        self.recipe.iter().flat_map(|r| &r.studies).filter_map(|s| match &s.ask {
            Study::Feedback(asked) => Some((&s.name, asked)),
            _ => None,
        })
    }

    /// The model that a study sets new rows beside, by name.
    pub fn beside(&self, asked: &FeedbackAsked) -> Option<String> {
        asked.model.clone().or_else(|| self.recipe.as_ref()?.models.first().map(|m| m.name.clone()))
    }

    /// Sets a file of new rows beside a model: a study of the recipe, asked at once.
    pub fn new_data(&mut self, model: &str, path: &Path) {
        let file = super::files::relative_to(&self.folder, path);
        let known = self.feedbacks().find(|(_, a)| a.file == file && a.model.as_deref() == Some(model)).map(|(_, a)| a.clone());
        let asked = known.unwrap_or_else(|| {
            let (version, model) = (Some(self.free_version(model)), Some(model.to_owned()));
            let said = tr_with(self.lang, "feedback.study", &[("file", &path.file_name().unwrap_or_default().to_string_lossy())]);
            let taken = |n: &String| self.recipe.iter().flat_map(|r| &r.studies).any(|s| s.name == *n);
            let name = (1..).map(|i| if i == 1 { said.clone() } else { format!("{said} {i}") }).find(|n| !taken(n)).unwrap_or_default();
            let asked = FeedbackAsked { file, model, version, ..FeedbackAsked::default() };
            self.apply(&Command::AddStudy(NamedStudy { name, ask: Study::Feedback(asked.clone()) }));
            asked
        });
        self.want(Ask::Study(Box::new(Study::Feedback(asked).question())));
    }

    /// Keeps the version of a study beside the old model, or takes it out again: an edit like any other.
    pub fn keep_version(&mut self, study: &str, keep: bool) {
        let Some((name, asked)) = self.feedbacks().find(|(n, _)| *n == study) else { return };
        let (name, ask) = (name.clone(), Study::Feedback(FeedbackAsked { keep, ..asked.clone() }));
        self.apply(&Command::ReplaceStudy { name: name.clone(), study: NamedStudy { name, ask } });
    }

    /// Models stand as the recipe says: versions that are kept beside the others, those taken back on the shelf, so that
    /// undo finds them again.
    pub(super) fn shelve(&mut self) {
        let asked: Vec<(String, bool)> = self.feedbacks().filter_map(|(_, a)| Some((a.version.clone()?, a.keep))).collect();
        for (name, keep) in asked {
            if keep {
                if !self.models.contains_key(&name)
                    && self.spec(&name).is_none()
                    && let Some(value) = self.versions.get(&name).cloned()
                {
                    self.imported.insert(name.clone());
                    self.models.insert(name.clone(), Kept { value, key: Key::default() });
                }
                self.kept.insert(name);
            } else if self.kept.remove(&name)
                && self.imported.remove(&name)
                && let Some(model) = self.models.remove(&name)
            {
                self.versions.insert(name, model.value);
            }
        }
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
    // Which scenario is best hangs on no band.
    let simulate = super::recipe::SimulateSection { retrain: 0, ..recipe.simulate.clone() };
    let recipe = &Recipe { simulate, ..recipe.clone() };
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

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;
    use crate::report::html;

    /// A shop in which Pages decide, and a later one in which they say the opposite.
    fn shop(folder: &Path) -> Recipe {
        let table = |turned: bool| {
            let mut text = String::from("Pages,Month,Revenue\n");
            for i in 0..400 {
                let (pages, month) = ((i * 13) % 40, ["Feb", "Nov", "Dec"][i % 3]);
                let bought = ((pages > 20) != turned) != ((i * 7 + i / 5) % 11 < 2);
                let what = if bought { "TRUE" } else { "FALSE" };
                text.push_str(&format!("{pages},{month},{what}\n"));
            }
            text
        };
        std::fs::write(folder.join("old.csv"), table(false)).unwrap();
        std::fs::write(folder.join("new.csv"), table(true)).unwrap();
        let text = "version = 1\n[data]\npath = \"old.csv\"\n[roles]\ntarget = \"Revenue\"\n[[model]]\nname = \"trees\"\nkind = \"gbdt\"\n\
            [[study]]\nname = \"June\"\n[study.ask.feedback]\nfile = \"new.csv\"\n[report]\nformats = [\"html\", \"json\"]\n";
        let recipe = Recipe::parse(text, Path::new("r.toml")).unwrap();
        assert_eq!(Recipe::parse(&recipe.to_toml().unwrap(), Path::new("r.toml")).unwrap(), recipe);
        recipe
    }

    #[test]
    fn a_run_answers_new_data_and_the_report_prints_them() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = shop(folder.path());
        let g = run::gather(&recipe, folder.path(), &JobCtx::quiet()).unwrap();
        let Some(Finding::Feedback(f)) = &g.studies[0].finding else { panic!("{:?}", g.studies[0].fault) };
        assert!(!f.calibration.as_ref().unwrap().holds || f.compared.as_ref().unwrap().verdict == feedback::Verdict::Better);
        assert_eq!((f.version.as_deref(), f.drift.len(), f.importance.len()), (Some("trees, version 2"), 2, 2));
        let page = html::render(&run::report(&recipe, &g, Lang::En, "today"));
        for says in ["The new version is better", "400 new rows, beside “trees”", "Index (PSI)", "Tenth 10", "What each column counts for"]
        {
            assert!(page.contains(says), "{says}");
        }
        assert!(g.versions.is_empty(), "nobody said that it is kept");
        // What is kept is written beside the other models.
        let mut keeps = recipe.clone();
        if let Study::Feedback(asked) = &mut keeps.studies[0].ask {
            asked.keep = true;
        }
        let out = tempfile::tempdir().unwrap();
        let summary = run::run(&keeps, folder.path(), out.path(), Lang::En, "today", &JobCtx::quiet()).unwrap();
        let file = summary.files.iter().find(|f| f.to_string_lossy().contains("version")).expect("a version is written");
        assert_eq!(crate::ml::file::load(&out.path().join(file)).unwrap().card().spec.name, "trees, version 2");
        // The same numbers as the question asked by itself.
        let model = &*g.models[0];
        let Study::Feedback(asked) = &recipe.studies[0].ask else { unreachable!() };
        let (alone, version) = beside(model, asked, (&recipe, folder.path()), &g.prepared, &JobCtx::quiet()).unwrap();
        assert_eq!(alone, **f);
        assert!(version.is_some());
    }

    #[test]
    fn what_cannot_be_set_beside_a_model_is_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let said = |recipe: &Recipe| {
            let g = run::gather(recipe, folder.path(), &JobCtx::quiet()).unwrap();
            g.studies[0].fault.as_ref().map(|n| n.say(Lang::En)).unwrap()
        };
        let recipe = shop(folder.path());
        let asked = |change: fn(&mut FeedbackAsked)| {
            let mut recipe = recipe.clone();
            let Study::Feedback(asked) = &mut recipe.studies[0].ask else { unreachable!() };
            change(asked);
            recipe
        };
        assert!(said(&asked(|a| a.model = Some("nobody".into()))).contains("nobody"));
        assert!(said(&asked(|a| a.file = "gone.csv".into())).contains("gone.csv"));
        assert!(said(&asked(|a| a.held = 0.99)).contains("0.1 to 0.9"));
        assert!(said(&Recipe { models: vec![], ..recipe.clone() }).contains("model"));
    }

    #[test]
    fn a_kept_version_stays_with_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = shop(folder.path());
        let project = folder.path().join("p.whybench");
        std::fs::write(&project, recipe.to_toml().unwrap()).unwrap();
        let mut s = Session::new(Lang::En);
        s.want(Ask::OpenProject(project.clone()));
        s.settle();
        s.want(Ask::Train("trees".into()));
        s.settle();
        s.new_data("trees", &folder.path().join("new.csv"));
        s.settle();
        let (study, version) = ("New data: new.csv".to_owned(), "trees, version 2".to_owned());
        let asked = s.feedbacks().find(|(n, _)| **n == study).map(|(_, a)| a.clone()).unwrap();
        assert_eq!((asked.file.clone(), asked.version), ("new.csv".into(), Some(version.clone())));
        s.keep_version(&study, true);
        assert!(s.models.contains_key(&version));
        // Saved elsewhere, the new rows are still found.
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let moved = folder.path().join("sub/p.whybench");
        s.want(Ask::SaveProject(moved.clone()));
        s.settle();
        let mut s = Session::new(Lang::En);
        s.want(Ask::OpenProject(moved));
        s.settle();
        let there = s.feedbacks().all(|(_, a)| s.folder.join(&a.file).is_file());
        assert!(there && s.models.contains_key(&version) && s.imported.contains(&version));
        s.keep_version(&study, false);
        assert!(!s.models.contains_key(&version) && s.models.contains_key("trees"));
        s.undo();
        assert!(s.models.contains_key(&version));
    }
}
