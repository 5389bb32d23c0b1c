//! Files of the session: project, autosave, models, report. What is written here is whole or not there.
//!
//! A project NAME.whybench keeps its models in NAME.whybench.d/; each is written once, under a name that only these
//! weights from these inputs have. So the project file, which is written last, always finds the models that it names: a save
//! that is cut off in between leaves the old project with its old models. With a model goes the key of what it was computed
//! from, so that after opening it is known which models still belong to the recipe.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::project::{Project, SavedModel, autosave_folder};
use super::recipe::Recipe;
use super::run;
use super::state::{Ask, Kept, Key, Session};
use super::task::{Done, Lane, Opened, Work};
use crate::base::{Fault, Fingerprint, Notice, Result};
use crate::ml::{Model, ModelKind};

/// Where a project keeps the keys of its models.
const KEYS: &str = "model_keys";
/// Where an autosave keeps the file it belongs to, and the folder of its paths.
const ORIGIN: &str = "autosave_of";
const FOLDER: &str = "autosave_folder";

pub(super) fn work(session: &Session, ask: &Ask) -> Option<(Lane, bool, Work)> {
    match ask.clone() {
        Ask::OpenProject(path) => Some((Lane::Compute, false, Box::new(move |_| open(&path).map(opened)))),
        Ask::Recover(path) => Some((Lane::Compute, false, Box::new(move |_| recover(&path).map(opened)))),
        Ask::SaveProject(path) => {
            let snapshot = Snapshot::of(session, path)?;
            let lane = snapshot.lane();
            let work: Work = Box::new(move |_| snapshot.write().map(|path| Done::Saved(Some(path))));
            Some((lane, true, work))
        }
        Ask::Autosave => {
            let path = autosave_path(session)?;
            let mut snapshot = Snapshot::of(session, path)?;
            let origin = session.project.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
            snapshot.ui.insert(ORIGIN.to_owned(), toml::Value::String(origin));
            snapshot.ui.insert(FOLDER.to_owned(), toml::Value::String(session.folder.display().to_string()));
            let lane = snapshot.lane();
            let work: Work = Box::new(move |_| {
                if let Some(folder) = snapshot.path.parent() {
                    std::fs::create_dir_all(folder).map_err(|e| Fault::io(folder, &e))?;
                }
                snapshot.write().map(|_| Done::Saved(None))
            });
            Some((lane, true, work))
        }
        Ask::SaveModel { name, path } => {
            let model = session.models.get(&name)?.value.clone();
            let work: Work = Box::new(move |_| {
                crate::ml::file::save(&*model, &path)?;
                Ok(Done::Saved(Some(path)))
            });
            Some((Lane::Compute, true, work))
        }
        Ask::LoadModel(path) => Some((Lane::Compute, false, Box::new(move |_| crate::ml::import::open(&path).map(Done::Model)))),
        Ask::Report { format, path, made } => {
            let recipe = session.recipe.clone()?;
            let folder = session.folder.clone();
            let profile = (*session.profile.as_ref()?.value).clone();
            let prepared = session.prepared.as_ref()?.value.clone();
            // Models of the recipe that are trained, in its order; what follows from them is computed by the pipeline.
            let models: Vec<_> = recipe.models.iter().filter_map(|m| session.models.get(&m.name)).map(|kept| kept.value.clone()).collect();
            // New rows may be set beside a model that is no part of the recipe: opened, or a version that was kept.
            let apart = session.models.iter().filter(|(name, _)| recipe.models.iter().all(|m| m.name != **name));
            let others: Vec<_> = apart.map(|(_, kept)| kept.value.clone()).collect();
            let lang = session.lang;
            let work: Work = Box::new(move |ctx| {
                if models.is_empty() && recipe.studies.is_empty() {
                    return Err(crate::fault!("session.nothing_trained"));
                }
                let mut recipe = recipe;
                let trained = |name: &String| models.iter().any(|m| m.card().spec.name == *name);
                recipe.models.retain(|m| trained(&m.name));
                recipe.scenarios.retain(|s| s.model.as_ref().is_none_or(trained));
                if models.is_empty() {
                    // What is left are the studies, which need no model.
                    (recipe.scenarios, recipe.recommend) = (Vec::new(), None);
                }
                if recipe.explain.model.as_ref().is_some_and(|m| !trained(m)) {
                    // The methods were those of a model that is not there; each other model has its own.
                    (recipe.explain.model, recipe.explain.methods) = (None, Vec::new());
                }
                if let Some(r) = &mut recipe.recommend {
                    r.model = r.model.take().filter(trained);
                }
                let gathered = run::complete(&recipe, &folder, profile, prepared, models, &others, ctx)?;
                run::write_report(&run::report(&recipe, &gathered, lang, &made), &format, &path)?;
                Ok(Done::Saved(Some(path)))
            });
            Some((Lane::Compute, true, work))
        }
        _ => None,
    }
}

fn opened(o: Opened) -> Done {
    Done::Opened(Box::new(o))
}

/// What is written, taken at one moment.
struct Snapshot {
    path: PathBuf,
    recipe: Recipe,
    ui: BTreeMap<String, toml::Value>,
    models: Vec<(String, Key, Arc<dyn Model>)>,
    written: BTreeMap<PathBuf, Fingerprint>,
}

impl Snapshot {
    fn of(session: &Session, path: PathBuf) -> Option<Self> {
        let mut recipe = session.recipe.clone()?;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        recipe.data.path = relative_to(&folder, &session.folder.join(&recipe.data.path));
        for file in recipe.models.iter_mut().filter_map(|m| m.file.as_mut()) {
            *file = relative_to(&folder, &session.folder.join(&*file));
        }
        if let Some(recommend) = &mut recipe.recommend
            && let Some(items) = &mut recommend.items
        {
            *items = relative_to(&folder, &session.folder.join(&*items));
        }
        move_feedback(&mut recipe, &session.folder, &folder);
        if let Some(loaded) = session.loaded.as_ref().filter(|l| !l.value.preview) {
            recipe.data.fingerprint = Some(loaded.value.fingerprint.0.clone());
        }
        let models = session.models.iter().map(|(n, k)| (n.clone(), k.key.clone(), k.value.clone())).collect();
        Some(Self { path, recipe, ui: BTreeMap::new(), models, written: session.written.clone() })
    }

    fn folder(&self) -> PathBuf {
        models_folder(&self.path)
    }

    /// Writing a network reads its weights from the device, which one thread owns.
    fn lane(&self) -> Lane {
        let folder = self.folder();
        let unwritten = |(name, key, model): &(String, Key, Arc<dyn Model>)| {
            let network = matches!(model.card().spec.kind, ModelKind::Dnn | ModelKind::Transformer);
            network && !self.has_written(&folder.join(model_of(name, key, &model.card().fingerprint)), &model.card().fingerprint)
        };
        if self.models.iter().any(unwritten) { Lane::Compute } else { Lane::Io }
    }

    fn has_written(&self, file: &Path, fingerprint: &Fingerprint) -> bool {
        self.written.get(file) == Some(fingerprint) && file.is_file()
    }

    fn write(mut self) -> Result<PathBuf> {
        let (models, keys) = self.write_models()?;
        let replaced = Project::open(&self.path).map(|old| old.models).unwrap_or_default();
        self.ui.insert(KEYS.to_owned(), toml::Value::Table(keys));
        let project = Project { version: super::recipe::VERSION, recipe: self.recipe, ui: self.ui, models };
        project.save(&self.path)?;
        // Models that only the old project named; a file that somebody else put there, or that cannot go, stays.
        let (folder, beside) = (models_folder(&self.path), self.path.parent().unwrap_or(Path::new("")));
        for old in replaced.iter().filter(|old| project.models.iter().all(|new| new.file != old.file)) {
            let file = beside.join(&old.file);
            if file.parent() == Some(&folder) {
                drop(std::fs::remove_file(file));
            }
        }
        Ok(self.path)
    }

    /// The models, before the project that names them; and what each was computed from.
    fn write_models(&self) -> Result<(Vec<SavedModel>, toml::map::Map<String, toml::Value>)> {
        let folder = self.folder();
        if !self.models.is_empty() {
            std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&folder, &e))?;
        }
        let mut saved = Vec::new();
        let mut keys = toml::map::Map::new();
        for (name, key, model) in &self.models {
            let fingerprint = model.card().fingerprint.clone();
            let file = model_of(name, key, &fingerprint);
            let target = folder.join(&file);
            if !self.has_written(&target, &fingerprint) {
                crate::ml::file::save(&**model, &target)?;
            }
            let file = folder.file_name().map(|f| Path::new(f).join(&file)).unwrap_or_else(|| file.into());
            saved.push(SavedModel { name: name.clone(), file, fingerprint });
            keys.insert(name.clone(), toml::Value::String(key.0.clone()));
        }
        Ok((saved, keys))
    }
}

/// The folder of a project's models.
fn models_folder(project: &Path) -> PathBuf {
    let mut name = project.as_os_str().to_owned();
    name.push(".d");
    name.into()
}

/// The file of a model: its name as far as every file system takes it, and, where that changed it, a mark that keeps
/// two such names apart.
fn model_file(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "-_ ".contains(c) { c } else { '_' }).take(80).collect();
    if plain == name { format!("{plain}.whymodel") } else { format!("{plain}-{}.whymodel", &Fingerprint::of(name.as_bytes()).0[..8]) }
}

/// The file of a model with just these weights, computed from just this: its evaluation belongs to that, too.
fn model_of(name: &str, key: &Key, weights: &Fingerprint) -> String {
    let mark = Fingerprint::of(format!("{}{}", key.0, weights.0).as_bytes());
    format!("{}-{}.whymodel", model_file(name).trim_end_matches(".whymodel"), &mark.0[..12])
}

/// A path as a project in `folder` writes it: relative inside the folder, else whole.
pub(super) fn relative_to(folder: &Path, path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    whole.strip_prefix(&folder).map_or(whole.clone(), Path::to_path_buf)
}

/// Files of new rows are found from another folder, too.
fn move_feedback(recipe: &mut Recipe, from: &Path, to: &Path) {
    for study in &mut recipe.studies {
        if let crate::strategy::study::Study::Feedback(asked) = &mut study.ask {
            asked.file = relative_to(to, &from.join(&asked.file));
        }
    }
}

fn open(path: &Path) -> Result<Opened> {
    let project = Project::open(path)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let (models, warnings) = models_of(&project, &folder);
    Ok(Opened { path: Some(path.to_path_buf()), folder, recipe: project.recipe, models, warnings, recovered: false })
}

fn recover(path: &Path) -> Result<Opened> {
    let project = Project::open(path)?;
    let beside = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let text = |key: &str| project.ui.get(key).and_then(toml::Value::as_str).filter(|s| !s.is_empty()).map(PathBuf::from);
    let (origin, folder) = (text(ORIGIN), text(FOLDER).unwrap_or_else(|| beside.clone()));
    let (models, warnings) = models_of(&project, &beside);
    let mut recipe = project.recipe.clone();
    recipe.data.path = relative_to(&folder, &beside.join(&recipe.data.path));
    move_feedback(&mut recipe, &beside, &folder);
    Ok(Opened { path: origin, folder, recipe, models, warnings, recovered: true })
}

type Models = Vec<(String, Option<String>, Arc<dyn Model>)>;

/// Reads the models; one that cannot be read is a warning, not the end of the project.
fn models_of(project: &Project, folder: &Path) -> (Models, Vec<Notice>) {
    let (mut models, mut warnings) = (Vec::new(), Vec::new());
    let keys = project.ui.get(KEYS).and_then(toml::Value::as_table);
    for saved in &project.models {
        match crate::ml::file::load(&folder.join(&saved.file)) {
            Ok(model) => {
                // Other weights than those that were saved were computed from something else.
                let same = model.card().fingerprint == saved.fingerprint;
                let key = keys.filter(|_| same).and_then(|k| k.get(&saved.name)).and_then(toml::Value::as_str).map(str::to_owned);
                models.push((saved.name.clone(), key, model));
            }
            Err(fault) => {
                warnings.push(crate::note!("ui.model_not_read", name = &saved.name, reason = fault.to_string()));
            }
        }
    }
    (models, warnings)
}

impl Session {
    /// Takes what came of a file.
    pub(super) fn keep_file(&mut self, ask: Ask, done: Done) {
        match (ask, done) {
            (_, Done::Opened(o)) => self.keep_opened(*o),
            (_, Done::Model(model)) => self.keep_loaded_model(model),
            (Ask::SaveProject(_), Done::Saved(Some(path))) => {
                let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
                if let Some(recipe) = &mut self.recipe {
                    let data = self.folder.join(&recipe.data.path);
                    recipe.data.path = relative_to(&folder, &data);
                    for file in recipe.models.iter_mut().filter_map(|m| m.file.as_mut()) {
                        *file = relative_to(&folder, &self.folder.join(&*file));
                    }
                    if let Some(loaded) = self.loaded.as_ref().filter(|l| !l.value.preview) {
                        recipe.data.fingerprint = Some(loaded.value.fingerprint.0.clone());
                    }
                }
                let models = models_folder(&path);
                for (name, kept) in &self.models {
                    let fingerprint = kept.value.card().fingerprint.clone();
                    self.written.insert(models.join(model_of(name, &kept.key, &fingerprint)), fingerprint);
                }
                self.folder = folder;
                self.dirty = self.revision != self.saving;
                self.say(crate::note!("ui.saved", file = &path), false);
                self.project = Some(path);
                self.refresh();
            }
            (Ask::Report { .. }, Done::Saved(Some(path))) => {
                self.say(crate::note!("ui.written", file = &path), false);
                self.report_written = Some(path);
            }
            (_, Done::Saved(Some(path))) => self.say(crate::note!("ui.written", file = &path), false),
            _ => {}
        }
    }

    fn keep_opened(&mut self, o: Opened) {
        let is_sample = self.sample.is_some() && self.sample == o.path;
        self.close();
        let names: Vec<String> = o.recipe.models.iter().map(|m| m.name.clone()).collect();
        if let Some(project) = o.path.as_ref().filter(|_| !o.recovered) {
            let folder = models_folder(project);
            for (name, key, model) in &o.models {
                let fingerprint = model.card().fingerprint.clone();
                let key = Fingerprint(key.clone().unwrap_or_default());
                self.written.insert(folder.join(model_of(name, &key, &fingerprint)), fingerprint);
            }
        }
        for (name, key, value) in o.models {
            if !names.contains(&name) {
                self.imported.insert(name.clone());
            }
            self.models.insert(name, Kept { value, key: Fingerprint(key.unwrap_or_default()) });
        }
        let untrained: Vec<_> = names.into_iter().filter(|n| is_sample && !self.models.contains_key(n)).collect();
        for name in untrained {
            self.want(Ask::Train(name.clone()));
            self.unasked.insert(name);
        }
        // What-if begins with what the analyst kept, not with a blank sheet.
        self.selection.scenario = o.recipe.scenarios.first().map(|s| s.name.clone());
        self.recipe = Some(o.recipe);
        self.folder = o.folder;
        self.project = o.path;
        self.dirty = o.recovered;
        for warning in o.warnings {
            self.say(warning, true);
        }
        self.refresh();
    }

    fn keep_loaded_model(&mut self, model: Arc<dyn Model>) {
        let wanted = model.card().spec.name.clone();
        let taken = |n: &str| self.models.contains_key(n) || self.spec(n).is_some();
        let name = (1..)
            .map(|i| if i == 1 { wanted.clone() } else { format!("{wanted} {i}") })
            .find(|n| !taken(n))
            .unwrap_or_else(|| wanted.clone());
        if name == wanted {
            self.say(crate::note!("ui.model_loaded", model = &name), false);
        } else {
            self.say(crate::note!("ui.model_renamed", name = &wanted, new = &name), false);
        }
        self.imported.insert(name.clone());
        self.selection.model = Some(name.clone());
        self.models.insert(name, Kept { value: model, key: Key::default() });
        self.dirty = self.recipe.is_some();
        self.revision += 1;
    }
}

/// Where the open project is autosaved: one place per project or data file.
pub fn autosave_path(session: &Session) -> Option<PathBuf> {
    let recipe = session.recipe.as_ref()?;
    let origin = session.project.clone().unwrap_or_else(|| session.folder.join(&recipe.data.path));
    let mark = Fingerprint::of(origin.as_os_str().as_encoded_bytes());
    let name = model_file(&session.name()?).replace(".whymodel", "");
    Some(autosave_folder()?.join(format!("{name}-{}.whybench", &mark.0[..8])))
}

/// Autosaves that a run left behind, newest first.
pub fn recoverable() -> Vec<PathBuf> {
    let Some(entries) = autosave_folder().and_then(|f| std::fs::read_dir(f).ok()) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|e| {
            let e = e.ok()?;
            let path = e.path();
            (path.extension()? == "whybench").then(|| e.metadata().and_then(|m| m.modified()).ok().map(|t| (t, path)))?
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Removes an autosave with its models.
pub fn discard(path: &Path) -> std::io::Result<()> {
    let folder = models_folder(path);
    if folder.is_dir() {
        std::fs::remove_dir_all(folder)?;
    }
    if path.exists() { std::fs::remove_file(path) } else { Ok(()) }
}

/// A picture as the bytes of a PNG file.
pub(super) fn png(width: u32, rgba: &[u8]) -> Result<Vec<u8>> {
    let wrong = |e: &dyn std::fmt::Display| crate::fault!("session.no_picture", reason = e.to_string());
    let height = u32::try_from(rgba.len() / 4).unwrap_or(0).checked_div(width).unwrap_or(0);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|e| wrong(&e))?;
    writer.write_image_data(rgba).map_err(|e| wrong(&e))?;
    writer.finish().map_err(|e| wrong(&e))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Lang;

    #[test]
    fn model_files_keep_names_apart() {
        assert_eq!(model_file("Trees 2"), "Trees 2.whymodel");
        assert_ne!(model_file("a/b"), model_file("a:b"));
        assert!(!model_file("a/b").contains('/'));
    }

    #[test]
    fn paths_are_relative_inside_the_folder_only() {
        assert_eq!(relative_to(Path::new("/p"), Path::new("/p/d/a.csv")), PathBuf::from("d/a.csv"));
        assert_eq!(relative_to(Path::new("/p"), Path::new("/q/a.csv")), PathBuf::from("/q/a.csv"));
    }

    #[test]
    fn a_project_is_saved_moved_and_opened() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("shop.csv");
        std::fs::write(&data, "a,y\n1,0\n2,1\n3,0\n").unwrap();
        let mut s = Session::new(Lang::En);
        s.open_data(&data);
        s.settle();
        assert!(s.dirty);
        let elsewhere = folder.path().join("projects");
        std::fs::create_dir(&elsewhere).unwrap();
        let path = elsewhere.join("mine.whybench");
        s.want(Ask::SaveProject(path.clone()));
        let loaded_before = s.loaded.as_ref().unwrap().value.clone();
        s.settle();
        assert!(!s.dirty);
        assert_eq!(s.name().as_deref(), Some("mine"));
        assert!(Arc::ptr_eq(&loaded_before, &s.loaded.as_ref().unwrap().value), "saving elsewhere does not read the data again");

        let mut t = Session::new(Lang::En);
        t.want(Ask::OpenProject(path));
        t.settle();
        assert_eq!(t.recipe, s.recipe);
        assert!(!t.dirty);
        assert_eq!(t.loaded.as_ref().unwrap().value.table.n_rows(), 3);

        std::fs::write(&data, "a,y\n1,0\n2,1\n3,0\n4,1\n").unwrap();
        let mut u = Session::new(Lang::En);
        u.want(Ask::OpenProject(elsewhere.join("mine.whybench")));
        u.settle();
        assert!(u.messages.iter().any(|m| m.notice.code == "ui.data_changed"), "{:?}", u.messages);
    }

    #[test]
    fn a_sample_is_ready_in_one_click_and_is_nobodys_unsaved_work() {
        let folder = tempfile::tempdir().unwrap();
        let rows: String = (0..60).map(|i| format!("{i},{}\n", u8::from(i % 3 == 0))).collect();
        std::fs::write(folder.path().join("shop.csv"), format!("a,y\n{rows}")).unwrap();
        let path = folder.path().join("shop.whybench");
        let recipe = "version = 1\n[data]\npath = \"shop.csv\"\n[roles]\ntarget = [\"y\"]\n[[model]]\nname = \"m\"\nkind = \"logistic\"\n\
                      [[scenario]]\nname = \"Push\"\nset = { a = 3 }\n";
        std::fs::write(&path, recipe).unwrap();
        let open = |sample: Option<PathBuf>| {
            let mut s = Session::new(Lang::En);
            s.sample = sample;
            s.want(Ask::OpenProject(path.clone()));
            s.settle();
            s
        };
        let s = open(Some(path.clone()));
        assert!(s.models.contains_key("m") && !s.dirty, "{:?}", s.messages);
        assert_eq!(s.selection.scenario.as_deref(), Some("Push"));
        assert!(open(None).models.is_empty(), "the analyst's own project trains by a click only");
    }

    #[test]
    fn a_model_without_data_waits_for_them_and_needs_no_outcome() {
        use crate::session::state::{Status, WhyRequest, WhyRows};
        let folder = tempfile::tempdir().unwrap();
        let rows: String = (0..80).map(|i| format!("{},{},{}\n", i % 9, i % 4, u8::from(i % 9 > 4))).collect();
        let data = folder.path().join("shop.csv");
        std::fs::write(&data, format!("a,b,y\n{rows}")).unwrap();
        let project = folder.path().join("shop.whybench");
        std::fs::write(
            &project,
            "version = 1\n[data]\npath = \"shop.csv\"\n[roles]\ntarget = [\"y\"]\n[[model]]\nname = \"m\"\nkind = \"gbdt\"\n",
        )
        .unwrap();
        let mut s = Session::new(Lang::En);
        s.want(Ask::OpenProject(project));
        s.settle();
        s.want(Ask::Train("m".into()));
        s.settle();
        let file = folder.path().join("m.whymodel");
        s.want(Ask::SaveModel { name: "m".into(), path: file.clone() });
        s.settle();

        let people = folder.path().join("people.csv");
        std::fs::write(&people, "a,b\n1,2\n8,3\n").unwrap();
        let mut s = Session::new(Lang::En);
        s.want(Ask::LoadModel(file));
        s.settle();
        assert!(s.recipe.is_none() && s.models.contains_key("m"));
        s.open_data(&people);
        s.settle();
        let why = WhyRequest { model: "m".into(), rows: WhyRows::All, options: crate::explain::ExplainOptions::default(), against: None };
        s.want(Ask::Why(why.clone()));
        s.want(Ask::Levers("m".into()));
        s.settle();
        let mut draft =
            Recipe::parse("version = 1\n[data]\npath = \"x\"\n[[scenario]]\nname = \"s\"\nset = { a = 8 }", Path::new("x")).unwrap();
        s.set_draft(draft.scenarios.pop());
        s.want(Ask::Simulate("m".into()));
        s.settle();
        assert_eq!(s.status(&Ask::Why(why.clone())), Status::Ready);
        let p = &s.why(&why).unwrap().attribution.predictions;
        assert!(p[1] > p[0] + 0.3, "{p:?}");
        let sim = s.simulation("m").unwrap_or_else(|| panic!("{:?}", s.failed));
        assert!(sim.warnings.iter().any(|w| w.code == "strategy.proxies_unchecked"));
        s.open_data(&people);
        assert!(s.models.is_empty(), "other data are another project");
    }

    #[test]
    fn a_save_that_is_cut_off_leaves_the_old_project_with_its_old_models() {
        let folder = tempfile::tempdir().unwrap();
        let rows: String = (0..60).map(|i| format!("{i},{}\n", u8::from(i % 3 == 0))).collect();
        std::fs::write(folder.path().join("shop.csv"), format!("a,y\n{rows}")).unwrap();
        let path = folder.path().join("shop.whybench");
        let recipe = |seed: u32| {
            format!(
                "version = 1\n[data]\npath = \"shop.csv\"\n[roles]\ntarget = [\"y\"]\n[split]\nkind = \"random\"\ntest = 0.3\nseed = {seed}\n\
                 [[model]]\nname = \"m\"\nkind = \"logistic\"\n"
            )
        };
        let trained = |seed: u32| {
            let mut s = Session::new(Lang::En);
            let at = folder.path().join(format!("seed{seed}.toml"));
            std::fs::write(&at, recipe(seed)).unwrap();
            s.want(Ask::OpenProject(at));
            s.settle();
            s.want(Ask::Train("m".to_owned()));
            s.settle();
            s
        };
        let opened = || {
            let mut s = Session::new(Lang::En);
            s.want(Ask::OpenProject(path.clone()));
            s.settle();
            s
        };
        let (mut first, mut second) = (trained(1), trained(2));
        let weights = |s: &Session| s.models["m"].value.card().fingerprint.clone();
        assert_ne!(weights(&first), weights(&second), "there is something to mix up");
        first.want(Ask::SaveProject(path.clone()));
        first.settle();
        let before = std::fs::read(&path).unwrap();

        // The power goes after the models and before the project.
        Snapshot::of(&second, path.clone()).unwrap().write_models().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let s = opened();
        assert_eq!(weights(&s), weights(&first));
        assert_eq!(s.recipe.as_ref().unwrap().split.seed, 1);
        assert!(s.messages.iter().all(|m| !m.is_fault), "{:?}", s.messages);

        second.want(Ask::SaveProject(path.clone()));
        second.settle();
        let s = opened();
        assert_eq!((weights(&s), s.recipe.as_ref().unwrap().split.seed), (weights(&second), 2));
        assert_eq!(std::fs::read_dir(models_folder(&path)).unwrap().count(), 1, "what nobody names any more is gone");
    }

    #[test]
    fn a_broken_project_leaves_what_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.whybench");
        std::fs::write(&bad, "version = ").unwrap();
        let data = folder.path().join("shop.csv");
        std::fs::write(&data, "a,y\n1,0\n2,1\n").unwrap();
        let mut s = Session::new(Lang::En);
        s.open_data(&data);
        s.want(Ask::OpenProject(bad));
        s.settle();
        assert_eq!(s.name().as_deref(), Some("shop"));
        assert!(s.messages.iter().any(|m| m.is_fault));
    }
}
