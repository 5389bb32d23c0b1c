//! The session: everything the analyst has open, as plain values. No window, no threads.
//!
//! The flow: a view sends an [`Action`](crate::ui::Action); [`Session::apply`] edits the recipe (one undo step each);
//! [`Session::next_tasks`] hands out the work that is now missing; a lane in [`crate::jobs`] does it; [`Session::finish`]
//! takes the result. Every result is kept with the [`Key`] of what it was computed from. When the recipe moves on, the
//! result is *stale*: it stays on screen, greyed, until the new one is there. Undo makes it fresh again by itself,
//! because the key matches again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Recipe;
pub use super::deeper::{Answer, Question, Sides};

use super::task::{DeviceLine, Progress};
use crate::base::{Fault, Fingerprint, Lang, Notice};
use crate::data::{Loaded, Profile, Role, Roles};
use crate::explain::{AttentionMap, ExplainOptions};
use crate::ml::{Model, ModelSpec};
use crate::recommend::Ranking;
use crate::strategy::simulate::{Between, Frontier};
use crate::strategy::{Baseline, Lever, Scenario, Simulation};

pub use super::command::{Command, History};
pub use super::pipeline::{Prepared, Why, WhyRows};
pub use crate::strategy::study::{Finding, NamedStudy, Study};

/// What a result was computed from: equal keys, equal result.
pub type Key = Fingerprint;

/// A result with the key of its inputs.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    /// The result.
    pub value: T,
    /// What it was computed from.
    pub key: Key,
}

/// One question about *why*, for some rows of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct WhyRequest {
    /// Name of the model.
    pub model: String,
    /// Which rows.
    pub rows: WhyRows,
    /// Method, scale, outcome.
    pub options: ExplainOptions,
    /// The group to compare with, by its condition (`all` for everyone); the training average if absent.
    pub against: Option<String>,
}

/// Work that a view may ask for. Asking again for what is there, running or failed costs nothing, so a view simply asks
/// in every frame in which it wants to show the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// First rows of the data file (asked by the session itself).
    Preview,
    /// The whole data file (asked by the session itself).
    Load,
    /// Column profile (asked by the session itself).
    Profile,
    /// Preparation and split (asked by the session itself).
    Prepare,
    /// What the files of imported models hold now (asked by the session itself).
    ModelFiles,
    /// Trains the model of that name. Never asked for by drawing: only by a click.
    Train(String),
    /// Attributions of some rows. The answer: [`Session::why`].
    Why(WhyRequest),
    /// Attention of one line of the file, with some heads silenced together. The answer: [`Session::attention`].
    Attention {
        /// Name of the model.
        model: String,
        /// Line in the file.
        line: u32,
        /// Index of the outcome.
        outcome: usize,
        /// Layers and heads that are silent.
        silent: Vec<(usize, usize)>,
    },
    /// A question that goes deeper. The answer: [`Session::answer`].
    Deeper(Question),
    /// Which columns may be moved, and which are outcome proxies, for a model. The answer: [`Session::levers`].
    Levers(String),
    /// Which columns give the outcome away, and what moving each would mean. By a click. The answer: [`Session::scan`].
    Scan,
    /// All scenarios of the recipe and the draft, answered by a model. The answer: [`Session::simulation`].
    Simulate(String),
    /// What drives the difference of the second scenario to the first. The answer: [`Session::between`].
    Between {
        /// Name of the model.
        model: String,
        /// The scenarios, by name; the draft may be one of them.
        two: [String; 2],
    },
    /// What each amount of money earns in a scenario. The answer: [`Session::frontier`].
    Frontier {
        /// Name of the model.
        model: String,
        /// The scenario; the draft may be it.
        scenario: String,
    },
    /// All items for one person (`COL=VALUE`). The answer: [`Session::ranking`].
    Rank {
        /// Name of the model.
        model: String,
        /// The person, as a condition on the log.
        person: String,
    },
    /// A study of the data. The answer: [`Session::finding`].
    Study(Box<Study>),
    /// Reads a project. By a click only, like all below.
    OpenProject(PathBuf),
    /// Reads an autosave as unsaved work.
    Recover(PathBuf),
    /// Writes the project.
    SaveProject(PathBuf),
    /// Writes the project where a restart after a crash finds it.
    Autosave,
    /// Writes a model as `.whymodel`.
    SaveModel {
        /// Its name.
        name: String,
        /// Where.
        path: PathBuf,
    },
    /// Reads a `.whymodel`.
    LoadModel(PathBuf),
    /// Writes the report.
    Report {
        /// `html` or `json`.
        format: String,
        /// Where.
        path: PathBuf,
        /// The day, as shown.
        made: String,
    },
    /// Writes a text.
    WriteText {
        /// Where.
        path: PathBuf,
        /// Content.
        text: String,
    },
    /// Writes a picture as PNG.
    WritePicture {
        /// Where.
        path: PathBuf,
        /// Width in pixels.
        width: u32,
        /// Red, green, blue, opacity of each pixel, line after line.
        rgba: Arc<[u8]>,
    },
    /// Lists the devices.
    Devices,
}

impl Ask {
    /// Whether a newer question of the same kind makes this one pointless, so that it is stopped.
    pub(super) fn gives_way_to(&self, newer: &Self) -> bool {
        match (self, newer) {
            (Self::Why(a), Self::Why(b)) => a.model == b.model && a.options == b.options && kind(&a.rows) == kind(&b.rows),
            (Self::Deeper(a), Self::Deeper(b)) => a.like(b),
            // Only the study on screen is asked for.
            (Self::Study(_), Self::Study(_)) => true,
            (Self::Attention { .. }, Self::Attention { .. }) | (Self::Rank { .. }, Self::Rank { .. }) => true,
            (Self::Preview | Self::Load, Self::Preview | Self::Load) => *self == *newer,
            _ => self == newer,
        }
    }
    /// Whether a failure is said by the pane that asked, and needs no message besides.
    pub(super) fn fails_in_its_pane(&self) -> bool {
        matches!(
            self,
            Self::Why(_)
                | Self::Deeper(_)
                | Self::Study(_)
                | Self::Attention { .. }
                | Self::Levers(_)
                | Self::Scan
                | Self::Simulate(_)
                | Self::Between { .. }
                | Self::Frontier { .. }
                | Self::Rank { .. }
                | Self::Prepare
                | Self::Load
        )
    }
    /// Whether only a click asks for it; then it may be asked again whatever came of it before.
    pub(super) fn is_click(&self) -> bool {
        !self.fails_in_its_pane() && !matches!(self, Self::Preview | Self::Profile | Self::ModelFiles)
    }
}

/// Rows one by one, or many at once: the two kinds are shown side by side and do not displace each other.
fn kind(rows: &WhyRows) -> bool {
    matches!(rows, WhyRows::Line(_))
}

/// How an [`Ask`] stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Nobody asked yet, or its inputs are not there.
    Empty,
    /// Waiting or running.
    Running,
    /// The answer belongs to the recipe as it is.
    Ready,
    /// The answer belongs to an earlier recipe.
    Stale,
    /// It went wrong; asking again with [`Session::retry`] tries again.
    Failed(Fault),
}

/// The one selection that all panes share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Primary row: line in the file.
    pub row: Option<u32>,
    /// More rows (brushed in a picture), sorted.
    pub rows: Vec<u32>,
    /// The condition that the brush stands for, where it was drawn over a feature's values.
    pub brush: Option<String>,
    /// Pinned rows.
    pub pinned: Vec<u32>,
    /// A condition such as `VisitorType = 'Returning_Visitor'`; everybody if absent.
    pub segment: Option<String>,
    /// A column or feature, by name.
    pub feature: Option<String>,
    /// The model that Why and What-if speak of; the first trained one if absent (see [`Session::model`]).
    pub model: Option<String>,
    /// Index of the outcome of that model.
    pub outcome: usize,
    /// A scenario by name.
    pub scenario: Option<String>,
    /// A recommended item.
    pub item: Option<String>,
}

/// A running job as the job strip shows it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// What it answers.
    pub ask: Ask,
    /// What its answer will be computed from.
    pub key: Key,
    /// Whether it writes the analyst's work.
    pub saving: bool,
    /// Stops or holds it.
    pub token: crate::base::CancelToken,
}

/// A sentence for the analyst, until dismissed.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its number, to dismiss it by.
    pub id: u64,
    /// The sentence.
    pub notice: Notice,
    /// Whether something went wrong.
    pub is_fault: bool,
}

/// Everything the analyst has open.
pub struct Session {
    /// The recipe; change it only through [`Session::apply`].
    pub recipe: Option<Recipe>,
    /// The folder that paths in the recipe are relative to.
    pub folder: PathBuf,
    /// Where the project was saved; `None` before the first save.
    pub project: Option<PathBuf>,
    /// Whether the recipe or a model changed since the last save.
    pub dirty: bool,
    /// Every edit so far.
    pub history: History,
    /// Language of the screen.
    pub lang: Lang,
    /// The data: first rows, then all.
    pub loaded: Option<Kept<Arc<Loaded>>>,
    /// Roles as detected.
    pub detected: Arc<Roles>,
    /// Roles as detected and changed.
    pub roles: Option<Arc<Roles>>,
    /// Profile of the columns.
    pub profile: Option<Kept<Arc<Profile>>>,
    /// What the files of imported models held when they were last looked at, by their path in the recipe.
    pub(super) model_files: Option<Kept<Arc<BTreeMap<PathBuf, Fingerprint>>>>,
    /// How often they were to be looked at.
    pub(super) looks: u64,
    /// Prepared and split rows.
    pub prepared: Option<Kept<Arc<Prepared>>>,
    /// Trained and loaded models, by name.
    pub models: BTreeMap<String, Kept<Arc<dyn Model>>>,
    /// Recent answers to *why*, newest last.
    pub whys: Vec<(WhyRequest, Kept<Arc<Why>>)>,
    /// Recent answers to deeper questions, newest last.
    pub answers: Vec<(Question, Kept<Arc<Answer>>)>,
    /// Recent attention maps, newest last.
    pub attentions: Vec<(Ask, Kept<Arc<AttentionMap>>)>,
    /// Recent answers to studies, newest last.
    pub findings: Vec<(Study, Kept<Arc<Finding>>)>,
    /// Versions that learned from new rows, by name, whether kept or not.
    pub versions: BTreeMap<String, Arc<dyn Model>>,
    /// Versions that a study of the recipe keeps.
    pub(super) kept: BTreeSet<String>,
    /// What the leak scan found.
    pub scan: Option<Kept<Arc<crate::strategy::LeakScan>>>,
    /// Levers, by model.
    pub levers: BTreeMap<String, Kept<Arc<Vec<Lever>>>>,
    /// What the scenarios give, by model.
    pub simulations: BTreeMap<String, Kept<Arc<Simulation>>>,
    /// What the last models asked say of all rows as they are; kept, so that a lever moves only what it touches.
    pub(super) baselines: Vec<Kept<Arc<Baseline>>>,
    /// What drives the difference of the last two scenarios asked about.
    pub between: Option<(Ask, Kept<Arc<Between>>)>,
    /// What each amount of money earns in the last scenario asked about.
    pub frontier: Option<(Ask, Kept<Arc<Frontier>>)>,
    /// The last ranking.
    pub ranking: Option<(Ask, Kept<Arc<Ranking>>)>,
    /// A scenario being edited that is not in the recipe yet; simulated after the recipe's own.
    pub draft: Option<Scenario>,
    /// The one selection.
    pub selection: Selection,
    /// What is running.
    pub jobs: Vec<Job>,
    /// Sentences on screen.
    pub messages: Vec<Message>,
    /// How the running jobs stand, by their number.
    pub progress: BTreeMap<u64, Progress>,
    /// The devices of this machine, once listed.
    pub devices: Vec<DeviceLine>,
    /// Where the last report went.
    pub report_written: Option<PathBuf>,
    /// What failed, so that drawing does not ask again in every frame.
    pub failed: Vec<(Ask, Key, Fault)>,
    /// Models that came from files and belong to no line of the recipe.
    pub imported: BTreeSet<String>,
    /// A sample project that is being opened: its models are trained at once, so that every room has something to show.
    pub sample: Option<PathBuf>,
    /// Models that are trained without a click; they are no work of the analyst's that could be lost.
    pub(super) unasked: BTreeSet<String>,
    /// Imported models whose file may hold something else than when they were read.
    pub(super) unread: BTreeSet<String>,
    /// Counts edits; a save is of one of them.
    pub revision: u64,
    /// The edit that is being saved.
    pub(super) saving: u64,
    /// Model files beside the project as last written, by path: whose numbers they hold.
    pub(super) written: BTreeMap<PathBuf, Fingerprint>,
    pub(super) wanted: Vec<Ask>,
    pub(super) keys: Keys,
    pub(super) next_id: u64,
}

/// Keys of the recipe as it is; recomputed when it changes, not when it is drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub data: Key,
    pub profile: Key,
    pub prepare: Key,
    pub levers: Key,
    pub scenarios: Key,
}

impl Session {
    /// Nothing open.
    pub fn new(lang: Lang) -> Self {
        Self {
            recipe: None,
            folder: PathBuf::new(),
            project: None,
            dirty: false,
            history: History::default(),
            lang,
            loaded: None,
            detected: Arc::default(),
            roles: None,
            profile: None,
            model_files: None,
            looks: 0,
            prepared: None,
            models: BTreeMap::new(),
            whys: Vec::new(),
            answers: Vec::new(),
            attentions: Vec::new(),
            findings: Vec::new(),
            versions: BTreeMap::new(),
            kept: BTreeSet::new(),
            scan: None,
            levers: BTreeMap::new(),
            simulations: BTreeMap::new(),
            baselines: Vec::new(),
            between: None,
            frontier: None,
            ranking: None,
            draft: None,
            selection: Selection::default(),
            jobs: Vec::new(),
            messages: Vec::new(),
            progress: BTreeMap::new(),
            devices: Vec::new(),
            report_written: None,
            failed: Vec::new(),
            imported: BTreeSet::new(),
            sample: None,
            unasked: BTreeSet::new(),
            unread: BTreeSet::new(),
            revision: 0,
            saving: 0,
            written: BTreeMap::new(),
            wanted: Vec::new(),
            keys: Keys::default(),
            next_id: 1,
        }
    }

    /// Closes what is open; keeps the language, the devices and the messages.
    pub fn close(&mut self) {
        for job in &self.jobs {
            if !job.saving {
                job.token.cancel();
            }
        }
        let fresh = Self::new(self.lang);
        let old = std::mem::replace(self, fresh);
        self.devices = old.devices;
        self.messages = old.messages;
        self.next_id = old.next_id;
        self.revision = old.revision + 1;
        // What is still being written goes on, and is heard of.
        self.jobs = old.jobs.into_iter().filter(|j| j.saving).collect();
    }

    /// Starts a new project on a data file.
    pub fn open_data(&mut self, path: &Path) {
        // A model that was opened before any data is what the data are opened for.
        let alone = self.recipe.is_none();
        let (models, imported) = (std::mem::take(&mut self.models), std::mem::take(&mut self.imported));
        self.close();
        if alone {
            (self.models, self.imported) = (models, imported);
        }
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let name = path.file_name().map(PathBuf::from).unwrap_or_else(|| path.to_path_buf());
        self.recipe = Some(Recipe::for_file(&name));
        self.folder = folder;
        self.touched();
    }

    /// Says where the data file is now; everything else of the project stays.
    pub fn find_data(&mut self, path: &Path) {
        let Some(recipe) = &mut self.recipe else { return };
        let before = recipe.clone();
        recipe.data.path = super::files::relative_to(&self.folder, path);
        if *recipe != before {
            self.history.push(before, &Command::OpenData { path: path.to_path_buf() });
            self.touched();
        }
    }

    /// Says which file holds the policy that a study is about; beside the data it is named without its folder.
    pub fn set_target(&mut self, study: &str, path: &Path) {
        let Some(recipe) = &self.recipe else { return };
        let Some(found) = recipe.studies.iter().find(|s| s.name == study) else { return };
        let Study::Policy(asked) = &found.ask else { return };
        let beside = self.folder.join(&recipe.data.path);
        let path = super::files::relative_to(beside.parent().unwrap_or(&self.folder), path);
        let ask = crate::strategy::study::PolicyAsked { target: crate::strategy::policy::Wanted::File(path), ..asked.clone() };
        let command =
            Command::ReplaceStudy { name: study.to_owned(), study: NamedStudy { name: study.to_owned(), ask: Study::Policy(ask) } };
        self.apply(&command);
    }

    /// The project's name on screen: its file, else the data file, without the ending.
    pub fn name(&self) -> Option<String> {
        let data = self.recipe.as_ref().map(|r| &r.data.path);
        self.project.as_ref().or(data)?.file_stem().map(|s| s.to_string_lossy().into_owned())
    }

    /// Edits the recipe; one undo step. A command that does not fit leaves everything as it was and says why.
    pub fn apply(&mut self, command: &Command) {
        if let Command::OpenData { path } = command {
            self.open_data(path);
            return;
        }
        let Some(recipe) = &mut self.recipe else { return };
        let before = recipe.clone();
        match command.apply(recipe, &self.detected) {
            Ok(_) if *recipe == before => {}
            Ok(_) => {
                self.history.push(before, command);
                self.touched();
            }
            Err(fault) => {
                *recipe = before;
                self.say_fault(&fault);
            }
        }
    }

    /// Takes the last edit back.
    pub fn undo(&mut self) {
        if let Some(recipe) = &mut self.recipe
            && self.history.undo(recipe).is_some()
        {
            self.touched();
        }
    }

    /// Makes it again.
    pub fn redo(&mut self) {
        if let Some(recipe) = &mut self.recipe
            && self.history.redo(recipe).is_some()
        {
            self.touched();
        }
    }

    /// The recipe changed.
    pub(super) fn touched(&mut self) {
        self.dirty = true;
        self.revision += 1;
        self.refresh();
    }

    /// Recomputes roles and keys after the recipe or the data changed.
    pub(super) fn refresh(&mut self) {
        self.shelve();
        let Some(recipe) = &self.recipe else { return };
        self.roles = self.loaded.as_ref().map(|_| Arc::new(recipe.roles.over(&self.detected)));
        let full = self.loaded.as_ref().filter(|l| !l.value.preview);
        let content = full.map(|l| &l.value.fingerprint);
        let roles = {
            let mut r = recipe.roles.clone();
            // What moving a column means changes nothing that a model reads.
            for list in [&mut r.lever, &mut r.context, &mut r.mediator, &mut r.proxy, &mut r.identifier] {
                list.clear();
            }
            r
        };
        self.keys = Keys {
            data: Key::of_value(&(self.folder.join(&recipe.data.path), &recipe.data.read)),
            profile: Key::of_value(&(content, &recipe.data.read, &roles)),
            prepare: Key::of_value(&(content, &recipe.data.read, &roles, &recipe.prepare, &recipe.split)),
            levers: Key::of_value(&recipe.roles.types()),
            scenarios: {
                // A scenario that takes its effect from a study hangs on the studies as well.
                let tested = recipe.scenarios.iter().chain(&self.draft).any(|s| s.tested.is_some());
                Key::of_value(&(&recipe.scenarios, &recipe.simulate, &self.draft, tested.then_some(&recipe.studies)))
            },
        };
    }

    /// Replaces the scenario being edited.
    pub fn set_draft(&mut self, draft: Option<Scenario>) {
        if self.draft != draft {
            self.draft = draft;
            self.refresh();
        }
    }

    /// Shows a sentence; the same sentence stands once.
    pub fn say(&mut self, notice: Notice, is_fault: bool) {
        self.messages.retain(|m| m.notice != notice);
        let id = self.take_id();
        self.messages.push(Message { id, notice, is_fault });
        if self.messages.len() > 5 {
            self.messages.remove(0);
        }
    }

    /// Shows what went wrong; a stop at the analyst's request is no error.
    pub fn say_fault(&mut self, fault: &Fault) {
        if !fault.is_cancelled() {
            self.say(fault.0.clone(), true);
        }
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The line of the recipe that describes a model.
    pub fn spec(&self, name: &str) -> Option<&ModelSpec> {
        self.recipe.as_ref()?.models.iter().find(|m| m.name == name)
    }

    /// Columns with a role, by name.
    pub fn columns_with(&self, role: Role) -> Vec<String> {
        self.roles.iter().flat_map(|r| &r.of).filter(|(_, r)| **r == role).map(|(n, _)| n.clone()).collect()
    }

    /// The model that Why and What-if speak of: the selected one, else the recipe's first that is trained, else any.
    pub fn model(&self) -> Option<(&str, &Arc<dyn Model>)> {
        let of = |name: &str| self.models.get_key_value(name).map(|(n, k)| (n.as_str(), &k.value));
        self.selection
            .model
            .as_deref()
            .and_then(of)
            .or_else(|| self.recipe.iter().flat_map(|r| &r.models).find_map(|m| of(&m.name)))
            .or_else(|| self.models.iter().next().map(|(n, k)| (n.as_str(), &k.value)))
    }

    /// The last good answer to a *why*, fresh or stale (ask [`Session::status`] which).
    pub fn why(&self, request: &WhyRequest) -> Option<&Arc<Why>> {
        self.whys.iter().rev().find(|(r, _)| r == request).map(|(_, k)| &k.value)
    }

    /// The answer to a deeper question; stale ones too.
    pub fn answer(&self, question: &Question) -> Option<&Arc<Answer>> {
        self.answers.iter().rev().find(|(q, _)| q == question).map(|(_, k)| &k.value)
    }

    /// The answer to a study; stale ones too.
    pub fn finding(&self, study: &Study) -> Option<&Arc<Finding>> {
        self.findings.iter().rev().find(|(s, _)| s == study).map(|(_, k)| &k.value)
    }

    /// The last good attention map that answers this.
    pub fn attention(&self, ask: &Ask) -> Option<&Arc<AttentionMap>> {
        self.attentions.iter().rev().find(|(a, _)| a == ask).map(|(_, k)| &k.value)
    }

    /// The last good levers of a model.
    pub fn levers(&self, model: &str) -> Option<&Arc<Vec<Lever>>> {
        self.levers.get(model).map(|k| &k.value)
    }

    /// The last good simulation by a model.
    pub fn simulation(&self, model: &str) -> Option<&Arc<Simulation>> {
        self.simulations.get(model).map(|k| &k.value)
    }

    /// What drives the difference that was asked about last, if it is this one.
    pub fn between(&self, ask: &Ask) -> Option<&Arc<Between>> {
        self.between.as_ref().filter(|(a, _)| a == ask).map(|(_, k)| &k.value)
    }

    /// What each amount of money earns in the scenario that was asked about last, if it is this one.
    pub fn frontier(&self, ask: &Ask) -> Option<&Arc<Frontier>> {
        self.frontier.as_ref().filter(|(a, _)| a == ask).map(|(_, k)| &k.value)
    }

    /// The last good ranking.
    pub fn ranking(&self) -> Option<&Arc<Ranking>> {
        self.ranking.as_ref().map(|(_, k)| &k.value)
    }

    /// Asks for work; see [`Ask`].
    pub fn want(&mut self, ask: Ask) {
        if !self.wanted.contains(&ask) {
            self.wanted.push(ask);
        }
    }

    /// Forgets that it failed, so that asking tries again.
    pub fn retry(&mut self, ask: &Ask) {
        self.failed.retain(|(a, _, _)| a != ask);
    }

    /// Stops a job at the analyst's wish. What a pane asks for in every frame then stands as stopped, so that it does not begin
    /// anew by itself.
    pub fn stop(&mut self, id: u64) {
        let Some(job) = self.jobs.iter().find(|j| j.id == id) else { return };
        job.token.cancel();
        let (ask, key) = (job.ask.clone(), job.key.clone());
        if ask.fails_in_its_pane() && !matches!(ask, Ask::Load | Ask::Prepare) {
            self.failed.retain(|(a, _, _)| *a != ask);
            self.failed.push((ask, key, Fault::cancelled()));
        }
    }

    /// The job that answers, if it is waiting or running.
    pub fn job(&self, ask: &Ask) -> Option<&Job> {
        self.jobs.iter().find(|j| j.ask == *ask && !j.token.is_cancelled())
    }
}
