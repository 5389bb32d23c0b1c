//! The session: everything the analyst has open, as plain values. No window, no threads.
//!
//! The flow: a view sends an [`Action`](crate::ui::Action); [`Session::apply`] edits the recipe (one undo step each);
//! [`Session::next_tasks`] hands out the work that is now missing; a lane in [`crate::jobs`] does it; [`Session::finish`]
//! takes the result. Every result is kept with the [`Key`] of what it was computed from. When the recipe moves on, the
//! result is *stale*: it stays on screen, greyed, until the new one is there. Undo makes it fresh again by itself,
//! because the key matches again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Recipe;
use crate::base::{Fault, Fingerprint, Lang, Notice};
use crate::data::{Loaded, Profile, Roles};
use crate::explain::{AttentionMap, ExplainOptions};
use crate::ml::Model;
use crate::recommend::Ranking;
use crate::strategy::{Lever, Scenario, Simulation};

pub use super::shim::{Command, Prepared, Why, WhyRows};

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
    /// Trains the model of that name. Never asked for by drawing: only by a click.
    Train(String),
    /// Attributions of some rows. The answer: [`Session::why`].
    Why(WhyRequest),
    /// Attention of one line of the file. The answer: [`Session::attention`].
    Attention {
        /// Name of the model.
        model: String,
        /// Line in the file.
        line: u32,
        /// Index of the outcome.
        outcome: usize,
    },
    /// Which columns may be moved, and which are outcome proxies, for a model. The answer: [`Session::levers`].
    Levers(String),
    /// All scenarios of the recipe and the draft, answered by a model. The answer: [`Session::simulation`].
    Simulate(String),
    /// All items for one person (`COL=VALUE`). The answer: [`Session::ranking`].
    Rank {
        /// Name of the model.
        model: String,
        /// The person, as a condition on the log.
        person: String,
    },
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
    /// More rows (shift-drag in a beeswarm).
    pub rows: Vec<u32>,
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
    /// Language of the screen.
    pub lang: Lang,
    /// The data: first rows, then all.
    pub loaded: Option<Kept<Arc<Loaded>>>,
    /// Roles as detected and changed.
    pub roles: Option<Arc<Roles>>,
    /// Profile of the columns.
    pub profile: Option<Kept<Arc<Profile>>>,
    /// Prepared and split rows.
    pub prepared: Option<Kept<Arc<Prepared>>>,
    /// Trained and loaded models, by name.
    pub models: BTreeMap<String, Kept<Arc<dyn Model>>>,
    /// Recent answers to *why*, newest last.
    pub whys: Vec<(WhyRequest, Kept<Arc<Why>>)>,
    /// Recent attention maps, newest last.
    pub attentions: Vec<(Ask, Kept<Arc<AttentionMap>>)>,
    /// Levers, by model.
    pub levers: BTreeMap<String, Kept<Arc<Vec<Lever>>>>,
    /// What the scenarios give, by model.
    pub simulations: BTreeMap<String, Kept<Arc<Simulation>>>,
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
    /// What failed, so that drawing does not ask again in every frame.
    pub failed: Vec<(Ask, Key, Fault)>,
    wanted: Vec<Ask>,
}

impl Session {
    /// Nothing open.
    pub fn new(lang: Lang) -> Self {
        Self {
            recipe: None,
            folder: PathBuf::new(),
            project: None,
            dirty: false,
            lang,
            loaded: None,
            roles: None,
            profile: None,
            prepared: None,
            models: BTreeMap::new(),
            whys: Vec::new(),
            attentions: Vec::new(),
            levers: BTreeMap::new(),
            simulations: BTreeMap::new(),
            ranking: None,
            draft: None,
            selection: Selection::default(),
            jobs: Vec::new(),
            messages: Vec::new(),
            failed: Vec::new(),
            wanted: Vec::new(),
        }
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

    /// The last good attention map for that model, line and outcome.
    pub fn attention(&self, model: &str, line: u32, outcome: usize) -> Option<&Arc<AttentionMap>> {
        let ask = Ask::Attention { model: model.to_owned(), line, outcome };
        self.attentions.iter().rev().find(|(a, _)| *a == ask).map(|(_, k)| &k.value)
    }

    /// The last good levers of a model.
    pub fn levers(&self, model: &str) -> Option<&Arc<Vec<Lever>>> {
        self.levers.get(model).map(|k| &k.value)
    }

    /// The last good simulation by a model.
    pub fn simulation(&self, model: &str) -> Option<&Arc<Simulation>> {
        self.simulations.get(model).map(|k| &k.value)
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

    /// How an answer stands.
    pub fn status(&self, ask: &Ask) -> Status {
        if self.jobs.iter().any(|j| j.ask == *ask) {
            return Status::Running;
        }
        Status::Empty
    }

    /// Forgets that it failed, so that asking tries again.
    pub fn retry(&mut self, ask: &Ask) {
        self.failed.retain(|(a, _, _)| a != ask);
    }
}
