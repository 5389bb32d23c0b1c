//! Shapes of the pipeline, the commands and the project file as agreed, for as long as their own files do not hold them
//! yet. Only [`super::state`], `super::flow` and `super::files` name this file: when `pipeline`, `command` and `project`
//! land, their three `use super::shim` lines turn to those, `for_file` becomes `Recipe::for_file`, and this file goes away.
#![allow(dead_code, missing_docs, unused_variables, clippy::too_many_arguments)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Recipe;
use super::recipe::{ExplainSection, RecommendSection, ReportSection, SplitSection};
use crate::base::{JobCtx, Notice, Result};
use crate::data::{FeatureMatrix, FittedPrepare, Loaded, Part, Profile, ReadOptions, Role, Roles, Step, StepEffect, Table};
use crate::explain::{AttentionMap, Attribution, ExplainOptions, Summary};
use crate::ml::{Model, ModelSpec, Outcome};
use crate::recommend::Ranking;
use crate::strategy::{Lever, Scenario, Simulation};

pub struct Prepared {
    pub loaded: Arc<Loaded>,
    pub roles: Roles,
    pub raw: Table,
    pub table: Table,
    pub parts: Vec<Part>,
    pub fitted: FittedPrepare,
    pub effects: Vec<StepEffect>,
    pub outcomes: Vec<Outcome>,
    pub y: Vec<Vec<f64>>,
    pub features: Vec<String>,
    pub warnings: Vec<Notice>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WhyRows {
    Line(u32),
    Lines(u32, u32),
    Segment(String),
    Test,
    All,
}

pub struct Why {
    pub model: String,
    pub attribution: Attribution,
    pub summary: Summary,
    pub matrix: FeatureMatrix,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    OpenData { path: PathBuf },
    SetRead(ReadOptions),
    SetRole { column: String, role: Role },
    SetCategorical { column: String, yes: bool },
    SetLever { column: String, yes: bool },
    SetPositive(Option<String>),
    AddStep { at: usize, step: Step },
    ReplaceStep { at: usize, step: Step },
    RemoveStep { at: usize },
    MoveStep { from: usize, to: usize },
    SetSplit(SplitSection),
    AddModel(ModelSpec),
    ReplaceModel { name: String, spec: ModelSpec },
    RemoveModel { name: String },
    AddScenario(Scenario),
    ReplaceScenario { name: String, scenario: Scenario },
    RemoveScenario { name: String },
    SetExplain(ExplainSection),
    SetRecommend(Option<RecommendSection>),
    SetReport(ReportSection),
}

pub fn why(prepared: &Prepared, model: &dyn Model, rows: &WhyRows, options: &ExplainOptions, ctx: &JobCtx) -> Result<Why> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn attention(prepared: &Prepared, model: &dyn Model, line: u32, outcome: usize, ctx: &JobCtx) -> Result<AttentionMap> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn levers(recipe: &Recipe, prepared: &Prepared, model: &dyn Model, ctx: &JobCtx) -> Result<Vec<Lever>> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn simulate(
    recipe: &Recipe,
    prepared: &Prepared,
    model: &dyn Model,
    scenarios: &[Scenario],
    levers: &[Lever],
    ctx: &JobCtx,
) -> Result<Simulation> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn rank(recipe: &Recipe, folder: &Path, prepared: &Prepared, model: &dyn Model, person: &str, ctx: &JobCtx) -> Result<Ranking> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn profile(recipe: &Recipe, loaded: &Loaded, ctx: &JobCtx) -> Result<Profile> {
    crate::data::profile::profile(&loaded.table, &Roles::detect(&loaded.table), None, ctx)
}

pub fn load(recipe: &Recipe, folder: &Path, ctx: &JobCtx) -> Result<Loaded> {
    crate::data::read::open(&folder.join(&recipe.data.path), &recipe.data.read, ctx)
}
pub fn roles(recipe: &Recipe, table: &Table) -> Result<Roles> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn prepare(recipe: &Recipe, loaded: &Arc<Loaded>, ctx: &JobCtx) -> Result<Prepared> {
    Err(crate::fault!("ui.not_yet"))
}
pub fn train(prepared: &Prepared, spec: &ModelSpec, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    Err(crate::fault!("ui.not_yet"))
}
pub struct Changed;
impl Command {
    pub fn apply(&self, recipe: &mut Recipe, detected: &Roles) -> Result<Changed> {
        match self.clone() {
            Self::AddStep { at, step } => recipe.prepare.insert(at, step),
            Self::ReplaceStep { at, step } => recipe.prepare[at] = step,
            Self::RemoveStep { at } => drop(recipe.prepare.remove(at)),
            Self::MoveStep { from, to } => recipe.prepare.swap(from, to),
            Self::SetSplit(s) => recipe.split = s,
            Self::AddModel(m) => recipe.models.push(m),
            Self::ReplaceModel { name, spec } => {
                for m in recipe.models.iter_mut().filter(|m| m.name == name) {
                    *m = spec.clone();
                }
            }
            Self::RemoveModel { name } => recipe.models.retain(|m| m.name != name),
            Self::SetRead(r) => recipe.data.read = r,
            Self::SetRole { column, role: Role::Ignore } => recipe.roles.ignore.push(column),
            _ => return Err(crate::fault!("ui.not_yet")),
        }
        Ok(Changed)
    }
    pub fn title(&self) -> Notice {
        Notice::new("ui.not_yet")
    }
}
#[derive(Default)]
pub struct History {
    undo: Vec<Recipe>,
    redo: Vec<Recipe>,
}
impl History {
    pub fn push(&mut self, before: Recipe, title: Notice) {
        self.undo.push(before);
        self.redo.clear();
    }
    pub fn undo(&mut self, recipe: &mut Recipe) -> Option<Changed> {
        let before = self.undo.pop()?;
        self.redo.push(std::mem::replace(recipe, before));
        Some(Changed)
    }
    pub fn redo(&mut self, recipe: &mut Recipe) -> Option<Changed> {
        let after = self.redo.pop()?;
        self.undo.push(std::mem::replace(recipe, after));
        Some(Changed)
    }
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }
}

pub fn for_file(path: &Path) -> Recipe {
    Recipe {
        version: 1,
        data: super::recipe::DataSection { path: path.to_owned(), fingerprint: None, read: ReadOptions::default() },
        roles: super::recipe::RolesSection::default(),
        prepare: vec![],
        split: super::recipe::default_split(),
        models: vec![],
        explain: ExplainSection::default(),
        scenarios: vec![],
        recommend: None,
        report: ReportSection::default(),
    }
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SavedModel {
    pub name: String,
    pub file: PathBuf,
    pub fingerprint: crate::base::Fingerprint,
}
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Project {
    pub version: u32,
    pub recipe: Recipe,
    #[serde(default)]
    pub ui: std::collections::BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub models: Vec<SavedModel>,
}
impl Project {
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).map_err(|e| crate::fault!("base.io", file = path, reason = e.to_string()))?;
        crate::base::file::write_atomic(path, text.as_bytes())
    }
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| crate::base::Fault::io(path, &e))?;
        toml::from_str(&text).map_err(|e| crate::fault!("base.io", file = path, reason = e.to_string()))
    }
}
pub fn autosave_folder() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "whybench")?.data_local_dir().join("autosave"))
}
