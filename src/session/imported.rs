//! Models of a recipe that come from files: another program's, or one of ours. They are read, held against the data, and
//! judged on the held-out rows; nothing is trained.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pipeline::{self, Prepared};
use super::state::{Ask, Kept, Status};
use super::{Recipe, Session};
use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::{FeatureMatrix, Role};
use crate::ml::metrics::Evaluation;
use crate::ml::train::TrainData;
use crate::ml::{Model, ModelKind, ModelSpec, Outcome, import};
use crate::{fault, note};

/// A model as its line of the recipe says: trained, or read from its file, whose path is relative to the recipe's folder.
pub fn model(prepared: &Prepared, spec: &ModelSpec, folder: &Path, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    match (&spec.file, spec.kind) {
        (Some(file), ModelKind::Import) => read(prepared, spec, &folder.join(file), ctx),
        (None, ModelKind::Import) => Err(fault!("session.import_no_file", model = &spec.name)),
        (Some(_), kind) => Err(fault!("session.import_kind", model = &spec.name, kind = kind.name())),
        (None, _) => pipeline::train(prepared, spec, ctx),
    }
}

/// Files of the models that a recipe imports; none if it imports none.
pub(super) fn files(recipe: &Recipe) -> Option<Vec<PathBuf>> {
    let files: Vec<PathBuf> = recipe.models.iter().filter(|m| m.kind == ModelKind::Import).filter_map(|m| m.file.clone()).collect();
    (!files.is_empty()).then_some(files)
}

/// What they hold now; one that is not there is left out.
pub(super) fn fingerprints(files: &[PathBuf], folder: &Path) -> BTreeMap<PathBuf, Fingerprint> {
    let of = |file: &PathBuf| Fingerprint::of_reader(std::fs::File::open(folder.join(file)).ok()?).ok();
    files.iter().filter_map(|file| Some((file.clone(), of(file)?))).collect()
}

impl Session {
    /// Files may have changed while the analyst was elsewhere: those of imported models are looked at again.
    pub fn look_again(&mut self) {
        self.looks += 1;
    }

    /// A model whose file holds something else now is taken away with all that was said of it, and read again; so nothing
    /// of the old one is shown as if it were of the new one.
    pub(super) fn keep_model_files(&mut self, now: Kept<Arc<BTreeMap<PathBuf, Fingerprint>>>) {
        let before = self.model_files.replace(now.clone());
        let Some(recipe) = &self.recipe else { return };
        let other = |file: &PathBuf| now.value.get(file).is_some_and(|now| before.as_ref().and_then(|b| b.value.get(file)) != Some(now));
        let imports = recipe.models.iter().filter(|m| m.kind == ModelKind::Import && m.file.as_ref().is_some_and(other));
        let names: Vec<String> = imports.map(|m| m.name.clone()).filter(|name| self.models.contains_key(name)).collect();
        self.unread.extend(names);
        self.read_again();
    }

    /// Reads again what stands in line for it, as soon as it is known whether it has to be.
    pub(super) fn read_again(&mut self) {
        for name in std::mem::take(&mut self.unread) {
            match self.status(&Ask::Train(name.clone())) {
                Status::Stale => {
                    self.models.remove(&name);
                    self.say(note!("ui.import_changed", model = &name), false);
                    self.unasked.insert(name.clone());
                    self.want(Ask::Train(name));
                }
                // The data are still being read.
                Status::Empty => drop(self.unread.insert(name)),
                _ => {}
            }
        }
    }
}

fn read(prepared: &Prepared, spec: &ModelSpec, path: &Path, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    let ours = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("whymodel"));
    let target = prepared.outcomes.first().map(|o| o.name.clone()).or_else(|| prepared.roles.with_role(Role::Target).into_iter().next());
    let model = if ours { import::open(path)? } else { import::import(path, target.as_deref())? };
    let raw = &prepared.raw;
    // What steps of preparation make is made of the data, and missed by these steps.
    let plain = model.card().encoder.prepare.steps.is_empty();
    let names = model.card().features().iter().map(|f| f.name.as_str());
    let lacks: Vec<&str> = names.filter(|c| plain && raw.column(c).is_err()).collect();
    if !lacks.is_empty() {
        return Err(fault!("session.import_columns", model = &spec.name, file = path, columns = lacks.join(", ")));
    }
    let all: Vec<usize> = (0..raw.n_rows()).collect();
    let (x, _, mut notices) = pipeline::matrix(raw, &all, &*model)?;
    // Nothing in another program's file says which rows were held out.
    notices.extend((!ours).then(|| note!("session.import_seen")));
    let card = model.card();
    if card.classes().is_some() {
        let (evaluation, notice) = judged_by_class(prepared, &*model, x, ctx)?;
        notices.extend(notice);
        return Ok(named(model, spec, evaluation, notices, None));
    }
    let data = pipeline::train_data(prepared)?;
    let same =
        card.outcomes.len() == data.outcomes.len() && card.outcomes.iter().zip(&data.outcomes).all(|(a, b)| a.is_binary() == b.is_binary());
    if !same {
        let (has, wants) = (card.outcomes.len(), data.outcomes.len());
        return Err(fault!("session.import_outcome", model = &spec.name, file = path, has = has, wants = wants));
    }
    let outcomes = data.outcomes.clone();
    let evaluation = crate::ml::train::judge(&*model, &TrainData { x, ..data }, ctx)?;
    // Such files know numbers, not what they are called here.
    Ok(named(model, spec, evaluation, notices, (!ours).then_some(outcomes)))
}

/// The model with what this recipe knows of it.
fn named(
    mut model: Arc<dyn Model>,
    spec: &ModelSpec,
    evaluation: Vec<Evaluation>,
    notices: Vec<Notice>,
    outcomes: Option<Vec<Outcome>>,
) -> Arc<dyn Model> {
    // Just read, so nobody else holds it.
    if let Some(model) = Arc::get_mut(&mut model) {
        let card = model.card_mut();
        card.spec.name.clone_from(&spec.name);
        card.evaluation = evaluation;
        card.warnings.extend(notices);
        if let Some(outcomes) = outcomes {
            card.outcomes = outcomes;
        }
    }
    model
}

/// How well each class is told from the others on the held-out rows, where the data call the classes as the file does; a
/// file often knows them as 0, 1, 2 only, and which of them is whom is not to be guessed.
fn judged_by_class(prepared: &Prepared, model: &dyn Model, x: FeatureMatrix, ctx: &JobCtx) -> Result<(Vec<Evaluation>, Option<Notice>)> {
    let card = model.card();
    let y = card.outcomes.iter().map(|o| pipeline::known_outcome(&prepared.raw, o)).collect::<Result<Vec<_>>>();
    // Every row that says anything says one of these classes, and every class is said.
    let fits = |y: &Vec<Vec<f64>>| {
        let rows = prepared.raw.n_rows();
        let each = |r: usize| y[0][r].is_nan() || (y.iter().map(|of| of[r]).sum::<f64>() - 1.0).abs() < 1e-9;
        y.iter().all(|of| of.contains(&1.0)) && (0..rows).all(each)
    };
    let Some(y) = y.ok().filter(fits) else {
        let (column, classes) = card.classes().map_or_else(Default::default, |(t, c)| (t.to_owned(), c.join(", ")));
        let notice = note!("session.import_classes", model = &card.spec.name, column = column, classes = classes);
        return Ok((Vec::new(), Some(notice)));
    };
    let data = TrainData {
        x,
        y,
        parts: prepared.parts.clone(),
        outcomes: card.outcomes.clone(),
        encoder: card.encoder.clone(),
        data: prepared.loaded.fingerprint.clone(),
        warnings: Vec::new(),
    };
    let mut found = crate::ml::train::judge(model, &data, ctx)?;
    for (e, of) in found.iter_mut().zip(&card.outcomes) {
        e.target = of.label();
    }
    Ok((found, None))
}

#[cfg(test)]
mod tests {
    use super::super::{Recipe, run};
    use super::*;
    use crate::base::Lang;

    fn recipe(file: &str) -> String {
        format!(
            "version = 1\n[data]\npath = \"d.csv\"\n[roles]\ntarget = [\"bought\"]\nlever = [\"a\"]\n[split]\nkind = \"modulo\"\nof = 10\ntest_from = 6\n\
             [[model]]\nname = \"theirs\"\nkind = \"import\"\nfile = \"{file}\"\n[explain]\nmodel = \"theirs\"\nrows = [0, 20]\n\
             [[scenario]]\nname = \"S\"\nset = {{ a = 1.0 }}\n"
        )
    }

    fn data(columns: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut text = format!("{columns},bought\n");
        let word = |i: usize| ["ads", "mail", "search", "social"][i % 4];
        for i in 0..200usize {
            let cells: Vec<String> = columns
                .split(',')
                .map(|c| match c {
                    "c" => word(i * 7).to_owned(),
                    _ => format!("{:.2}", ((i * 13 + c.len() * 5) % 17) as f64 / 4.0 - 2.0),
                })
                .collect();
            text.push_str(&format!("{},{}\n", cells.join(","), if i % 3 == 0 { "yes" } else { "no" }));
        }
        std::fs::write(folder.path().join("d.csv"), text).unwrap();
        folder
    }

    fn gathered(folder: &Path, file: &str) -> Result<run::Gathered> {
        let recipe = Recipe::parse(&recipe(file), Path::new("r.toml"))?;
        run::gather(&recipe, folder, &JobCtx::quiet())
    }

    #[test]
    fn a_recipe_uses_models_of_other_programs() {
        let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
        let folder = data("a,b,c,d");
        let binary = |e: &std::fs::DirEntry| {
            let name = e.file_name().to_string_lossy().into_owned();
            name.contains("binary") && [".json", ".txt", ".ubj"].iter().any(|end| name.ends_with(end))
        };
        let files: Vec<_> = std::fs::read_dir(&given).unwrap().flatten().filter(binary).collect();
        assert!(files.len() >= 2, "{files:?}");
        for file in files {
            let name = file.file_name().to_string_lossy().into_owned();
            std::fs::copy(file.path(), folder.path().join(&name)).unwrap();
            let g = gathered(folder.path(), &name).unwrap_or_else(|e| panic!("{name}: {}", e.say(Lang::En)));
            let (model, why) = (&g.models[0], &g.whys[0].why);
            // The numbers are the file's own, called as the recipe calls them, and judged on the held-out rows.
            let theirs = import::import(&file.path(), None).unwrap();
            let p = theirs.predict(&why.matrix, &JobCtx::quiet()).unwrap();
            assert_eq!((model.card().spec.name.as_str(), model.card().outcomes[0].name.as_str()), ("theirs", "bought"));
            assert!(
                why.attribution.rows.len() == 20 && why.attribution.predictions.iter().zip(&p).all(|(a, b)| (a - b).abs() < 1e-12),
                "{name}"
            );
            assert_eq!(model.card().fingerprint, theirs.card().fingerprint, "what it was read from is kept");
            assert_eq!(model.card().outcomes, g.prepared.outcomes, "yes and no are called as the data call them");
            assert_eq!(model.card().evaluation.len(), 1);
            assert!(model.card().warnings.iter().any(|w| w.code == "session.import_seen"), "its own test rows are not known");
            let html = run::report(&Recipe::parse(&recipe(&name), Path::new("r.toml")).unwrap(), &g, Lang::En, "2026-01-01");
            assert_eq!(html.models[0].spec.name, "theirs");
        }
    }

    /// The window's session: nothing that was said of a model stays once its file holds another one, neither while the
    /// project is open nor after it was closed.
    #[test]
    fn a_file_that_changed_is_read_again_and_its_answers_go() {
        use super::super::state::{WhyRequest, WhyRows};
        let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
        // The same trees, and the same trees from another start.
        let beside = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(given.join("xgb_binary.json")).unwrap();
        let files = [beside.path().join("0.json"), beside.path().join("1.json")];
        let other = text.replace("\"base_score\":\"[4.2666668E-1]\"", "\"base_score\":\"[3E-1]\"");
        assert_ne!(text, other);
        std::fs::write(&files[0], &text).unwrap();
        std::fs::write(&files[1], other).unwrap();
        let folder = data("a,b,c,d");
        let (theirs, project) = (folder.path().join("theirs.json"), folder.path().join("p.whybench"));
        let put = |i: usize| std::fs::copy(&files[i], &theirs).map(|_| ()).unwrap();
        put(0);
        std::fs::write(&project, recipe("theirs.json")).unwrap();
        let open = |s: &mut Session| {
            s.want(Ask::OpenProject(project.clone()));
            s.settle();
        };
        let holds = |s: &Session, i: usize| {
            let want = import::import(&files[i], None).unwrap().card().fingerprint.clone();
            s.models.get("theirs").is_some_and(|m| m.value.card().fingerprint == want) && s.model_status("theirs") == Status::Ready
        };
        let why = WhyRequest { model: "theirs".into(), rows: WhyRows::Line(0), options: Default::default(), against: None };
        let said = |s: &Session| s.messages.iter().filter(|m| m.notice.code == "ui.import_changed").count();
        let mut s = Session::new(Lang::En);
        open(&mut s);
        s.want(Ask::Train("theirs".into()));
        s.settle();
        s.want(Ask::Why(why.clone()));
        s.settle();
        assert!(holds(&s, 0) && s.status(&Ask::Why(why.clone())) == Status::Ready, "{:?}", s.messages);
        // Looked at again and unchanged: all stays. Changed: read again, and the answer is no longer current.
        s.look_again();
        s.settle();
        assert!(holds(&s, 0) && s.status(&Ask::Why(why.clone())) == Status::Ready && said(&s) == 0);
        put(1);
        s.look_again();
        s.settle();
        assert!(holds(&s, 1) && s.status(&Ask::Why(why.clone())) == Status::Stale && said(&s) == 1, "{:?}", s.messages);
        s.want(Ask::SaveProject(project.clone()));
        s.settle();
        // Closed, and opened as it was: what was kept is current, nothing is read. Then with another file.
        let mut s = Session::new(Lang::En);
        open(&mut s);
        assert!(holds(&s, 1) && said(&s) == 0, "{:?}", s.messages);
        put(0);
        let mut s = Session::new(Lang::En);
        open(&mut s);
        assert!(holds(&s, 0) && said(&s) == 1, "{:?}", s.messages);
        // Gone: the model that was kept stays, and is called out of date.
        s.want(Ask::SaveProject(project.clone()));
        s.settle();
        std::fs::remove_file(&theirs).unwrap();
        let mut s = Session::new(Lang::En);
        open(&mut s);
        assert!(s.models.contains_key("theirs") && s.model_status("theirs") == Status::Stale);
    }

    #[test]
    fn models_of_classes_are_explained_class_by_class() {
        let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
        let folder = data("a,b,c,d");
        let table = std::fs::read_to_string(folder.path().join("d.csv")).unwrap();
        let with = |words: [&str; 3]| -> String {
            let line = |(i, l): (usize, &str)| match i {
                0 => l.replace("bought", "kind"),
                _ => format!("{},{}", l.rsplit_once(',').unwrap().0, words[(i * 7) % 3]),
            };
            table.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
        };
        let asked = |file: &str, more: &str| {
            let text = recipe(file).replace("bought", "kind").replace("[explain]", &format!("[explain]\n{more}"));
            Recipe::parse(&text.split("[[scenario]]").next().unwrap().replace("lever", "context"), Path::new("r.toml"))
        };
        let gathered = |file: &str, more: &str| run::gather(&asked(file, more)?, folder.path(), &JobCtx::quiet());
        for file in ["lgb_classes.txt", "xgb_classes.json", "lgb_ova.txt"] {
            std::fs::copy(given.join(file), folder.path().join(file)).unwrap();
            // Words that the file does not know: no class is called one of them, and nothing is judged.
            std::fs::write(folder.path().join("d.csv"), with(["red", "green", "blue"])).unwrap();
            let g = gathered(file, "").unwrap_or_else(|e| panic!("{file}: {}", e.say(Lang::En)));
            let card = g.models[0].card();
            assert!(card.evaluation.is_empty() && card.warnings.iter().any(|n| n.code == "session.import_classes"), "{file}");
            assert_eq!(g.whys.len(), 1);
            // The names of the file: judged against the others, and explained where the recipe says so.
            std::fs::write(folder.path().join("d.csv"), with(["0", "1", "2"])).unwrap();
            let g = gathered(file, if file == "lgb_ova.txt" { "class = \"kind = 2\"" } else { "class = [\"2\", \"0\"]" });
            let g = g.unwrap_or_else(|e| panic!("{file}: {}", e.say(Lang::En)));
            let model = &g.models[0];
            assert_eq!(model.card().evaluation.len(), 3, "{file}");
            let at: Vec<usize> = g.whys.iter().map(|w| w.why.attribution.outcome_index).collect();
            assert_eq!(at, if file == "lgb_ova.txt" { vec![2] } else { vec![2, 0] });
            for w in &g.whys {
                let a = &w.why.attribution;
                let p = model.predict(&w.why.matrix, &JobCtx::quiet()).unwrap();
                assert!(a.predictions.iter().enumerate().all(|(i, v)| (p[i * 3 + a.outcome_index] - v).abs() < 1e-9), "{file}");
                assert_eq!(w.effects.first().map(|c| c.outcome.clone()), Some(a.outcome.clone()), "curves are of that class too");
            }
            let made = run::report(&asked(file, "").unwrap(), &g, Lang::En, "2026-01-01");
            let page = crate::report::html::render(&made);
            assert!(made.why.iter().all(|w| page.contains(&format!("theirs · {}</h3>", w.rows.outcome))), "{file}");
        }
        let fault = gathered("xgb_classes.json", "class = \"gold\"").err().unwrap();
        assert!(fault.0.code == "session.no_class" && fault.say(Lang::En).contains("0, 1, 2"), "{}", fault.say(Lang::En));
        // Files of several classes do not overwrite each other.
        let out = folder.path().join("out");
        run::run(&asked("xgb_classes.json", "class = [\"2\", \"0\"]").unwrap(), folder.path(), &out, Lang::En, "d", &JobCtx::quiet())
            .unwrap();
        assert_eq!(std::fs::read_dir(out.join("explanations")).unwrap().count(), 2);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
        let file = std::fs::read_dir(&given).unwrap().flatten().map(|e| e.file_name().to_string_lossy().into_owned());
        let file = file.filter(|n| n.contains("binary") && n.ends_with(".json")).min().unwrap();
        let folder = data("a,b");
        std::fs::copy(given.join(&file), folder.path().join(&file)).unwrap();
        let said = |f: &str| gathered(folder.path(), f).err().map(|e| e.say(Lang::En)).unwrap();
        let text = said(&file);
        assert!(text.contains("theirs") && text.contains("c, d"), "{text}");
        assert!(said("gone.json").contains("gone.json"));
        let parsed = |text: &str| Recipe::parse(text, Path::new("r.toml")).unwrap();
        for (text, code) in [
            (recipe(&file).replace(&format!("file = \"{file}\"\n"), ""), "session.import_no_file"),
            (recipe(&file).replace("kind = \"import\"", "kind = \"gbdt\""), "session.import_kind"),
        ] {
            let fault = run::gather(&parsed(&text), folder.path(), &JobCtx::quiet()).err().unwrap();
            assert_eq!(fault.0.code, code, "{}", fault.say(Lang::En));
        }
    }
}
