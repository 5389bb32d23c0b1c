//! Work to be done outside the window's thread: what it answers, where it runs, and what it gives.

use std::path::PathBuf;
use std::sync::Arc;

use super::Recipe;
use super::state::{Ask, Kept, Prepared, Why};
use crate::base::progress::{CurvePoint, Preview};
use crate::base::{CancelToken, JobCtx, Result};
use crate::data::{Loaded, Profile, Roles};
use crate::explain::AttentionMap;
use crate::ml::Model;
use crate::recommend::Ranking;
use crate::strategy::simulate::{Between, Frontier};
use crate::strategy::{Baseline, Lever, Simulation};

/// Which thread does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Files.
    Io,
    /// Everything that computes or touches the tensor device.
    Compute,
}

/// What a lane runs.
pub type Work = Box<dyn FnOnce(&JobCtx) -> Result<Done> + Send>;

/// One piece of work with shared inputs.
pub struct Task {
    /// Its number, as in [`super::state::Job`].
    pub id: u64,
    /// What it answers.
    pub ask: Ask,
    /// Where it runs.
    pub lane: Lane,
    /// Whether it writes the analyst's work, and so is finished even while the program ends.
    pub saving: bool,
    /// Stops or holds it.
    pub token: CancelToken,
    /// The work.
    pub work: Work,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("id", &self.id).field("ask", &self.ask).field("lane", &self.lane).finish_non_exhaustive()
    }
}

/// What a task gives.
pub enum Done {
    /// First rows or the whole file, and the roles that its columns seem to have.
    Loaded(Arc<Loaded>, Arc<Roles>),
    /// Profile of the columns.
    Profile(Arc<Profile>),
    /// Prepared rows.
    Prepared(Arc<Prepared>),
    /// What the files of imported models hold, by their path in the recipe; absent if they are.
    ModelFiles(Arc<std::collections::BTreeMap<PathBuf, crate::base::Fingerprint>>),
    /// A trained model.
    Trained(Arc<dyn Model>),
    /// Attributions.
    Why(Arc<Why>),
    /// The answer to a deeper question.
    Deeper(Arc<super::deeper::Answer>),
    /// The answer to a study.
    Finding(Arc<crate::strategy::study::Finding>),
    /// What new rows came to, and the version that learned from them.
    Fed(Arc<crate::strategy::study::Finding>, Option<Arc<dyn Model>>),
    /// Attention of one row.
    Attention(Arc<AttentionMap>),
    /// What the leak scan found.
    Scan(Arc<crate::strategy::LeakScan>),
    /// Levers.
    Levers(Arc<Vec<Lever>>),
    /// Scenarios, and what they were compared with.
    Simulation(Arc<Simulation>, Vec<Kept<Arc<Baseline>>>),
    /// What drives the difference of two scenarios, and what they were compared with.
    Between(Arc<Between>, Kept<Arc<Baseline>>),
    /// What money earns, and what the model says of all rows.
    Frontier(Arc<Frontier>, Kept<Arc<Baseline>>),
    /// Ranked items.
    Ranking(Arc<Ranking>),
    /// A project was read: its recipe, its folder, its models with the key each was saved under.
    Opened(Box<Opened>),
    /// A model file was read.
    Model(Arc<dyn Model>),
    /// Something was written; the path, if the analyst should hear of it.
    Saved(Option<PathBuf>),
    /// The devices of this machine.
    Devices(Vec<DeviceLine>),
}

/// A project as read from its file.
pub struct Opened {
    /// The project's file; `None` when it was recovered and has none.
    pub path: Option<PathBuf>,
    /// Folder that its paths are relative to.
    pub folder: PathBuf,
    /// The recipe.
    pub recipe: Recipe,
    /// Its models: name, what each was computed from (if the project says so), the model.
    pub models: Vec<(String, Option<String>, Arc<dyn Model>)>,
    /// What could not be read, in words.
    pub warnings: Vec<crate::base::Notice>,
    /// Whether it comes from an autosave, and so is unsaved work.
    pub recovered: bool,
}

/// A device as the device chip and the model settings list it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceLine {
    /// Its name.
    pub name: String,
    /// `CPU`, `Vulkan`, …
    pub backend: String,
    /// Whether it is a software rasteriser.
    pub software: bool,
    /// How a recipe names it.
    pub choice: crate::ml::DeviceChoice,
    /// Its memory in bytes, where that is known.
    pub memory: Option<u64>,
}

/// How a running task stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Catalogue key of the stage.
    pub stage: &'static str,
    /// How far.
    pub done: u64,
    /// Of how much; 0 if unknown.
    pub total: u64,
    /// Seconds that the stage still needs, once that can be guessed.
    pub seconds_left: Option<f64>,
    /// Training curve so far.
    pub curve: Arc<[CurvePoint]>,
    /// What it has so far, where it shows that.
    pub preview: Option<Preview>,
}
