//! The project file: a recipe with its models beside it, `NAME.whybench` and `NAME.whybench.d/`.
//!
//! Recipe and project share one schema, so `whybench run` takes either. Written in one step; see [`super::files`] for what
//! the session saves and recovers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::recipe::{ProjectSection, Recipe, VERSION};
use crate::base::{Fingerprint, Result, file};

/// A model that a project keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedModel {
    /// Its name in the recipe.
    pub name: String,
    /// Its file, relative to the project.
    pub file: PathBuf,
    /// Its weights.
    pub fingerprint: Fingerprint,
}

/// A project as the file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Schema version.
    pub version: u32,
    /// The recipe.
    pub recipe: Recipe,
    /// What the window remembers.
    pub ui: BTreeMap<String, toml::Value>,
    /// Its models.
    pub models: Vec<SavedModel>,
}

impl Project {
    /// Writes the file in one step.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut recipe = self.recipe.clone();
        recipe.version = VERSION;
        recipe.project = Some(ProjectSection { models: self.models.clone(), window: self.ui.clone() });
        file::write_atomic(path, recipe.to_toml()?.as_bytes())
    }

    /// Reads a project, or a recipe as a project without models.
    pub fn open(path: &Path) -> Result<Self> {
        let mut recipe = Recipe::open(path)?;
        let ProjectSection { models, window } = recipe.project.take().unwrap_or_default();
        Ok(Self { version: recipe.version, recipe, ui: window, models })
    }
}

/// Where work that nobody saved yet is kept.
pub fn autosave_folder() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "whybench")?.data_local_dir().join("autosave"))
}
