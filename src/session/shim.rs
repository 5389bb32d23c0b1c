//! Shapes of the pipeline and the commands as agreed, for as long as their own files do not hold them yet.
//! Everybody names them through [`super::state`]; this file goes away when they land.
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
    Err(crate::fault!("ui.not_yet"))
}
