//! The recipe: what to load, which roles, which steps, which models, which scenarios. Declarative, versioned; unknown
//! keys are refused by name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::read::ReadOptions;
use crate::data::{Split, Step};
use crate::ml::ModelSpec;
use crate::strategy::Scenario;

/// Version of the schema that this program writes.
pub const VERSION: u32 = 1;

/// A whole recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Schema version.
    pub version: u32,
    /// The data.
    pub data: DataSection,
    /// What columns are for, where it differs from what is detected.
    #[serde(default)]
    pub roles: RolesSection,
    /// Preparation steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<Step>,
    /// How rows are split.
    #[serde(default = "default_split")]
    pub split: SplitSection,
    /// Models to train.
    #[serde(default, rename = "model", skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelSpec>,
    /// What to explain.
    #[serde(default)]
    pub explain: ExplainSection,
    /// What-ifs.
    #[serde(default, rename = "scenario", skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Scenario>,
    /// Logged recommendations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommend: Option<RecommendSection>,
    /// What to report.
    #[serde(default)]
    pub report: ReportSection,
}

/// The data file and how to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// The file, relative to the recipe.
    pub path: PathBuf,
    /// SHA-256 of the file when the project was saved; a different file is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// How to read it, where it differs from what is detected.
    #[serde(default)]
    pub read: ReadOptions,
}

/// Roles that differ from what is detected; column names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolesSection {
    /// Outcomes, the main one first.
    pub target: Vec<String>,
    /// The value of a text target that counts as yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Features that detection would leave out.
    pub feature: Vec<String>,
    /// Left out.
    pub ignore: Vec<String>,
    /// Columns that a scenario may move.
    pub lever: Vec<String>,
    /// Numbers that are codes.
    pub categorical: Vec<String>,
    /// Codes that are numbers after all.
    pub numeric: Vec<String>,
    /// Who.
    pub user: Vec<String>,
    /// What.
    pub item: Vec<String>,
    /// When.
    pub time: Vec<String>,
    /// What kind of event.
    pub event: Vec<String>,
    /// What was done.
    pub treatment: Vec<String>,
    /// Logged probability.
    pub propensity: Vec<String>,
    /// Money earned.
    pub value: Vec<String>,
    /// Money spent.
    pub cost: Vec<String>,
    /// Free text.
    pub text: Vec<String>,
    /// Protected traits.
    pub sensitive: Vec<String>,
}

/// The split and its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSection {
    /// How.
    #[serde(flatten)]
    pub split: Split,
    /// Seed of the random kinds.
    #[serde(default = "one")]
    pub seed: u64,
}

/// What to explain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExplainSection {
    /// Which model; the first if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Methods by their command-line names; the model's own if empty.
    pub methods: Vec<String>,
    /// Half-open range of lines; a sample of the test rows if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<(u32, u32)>,
    /// Lines shown one by one in the report.
    pub show: Vec<u32>,
}

/// Logged recommendations: whom to rank for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecommendSection {
    /// The person, as a condition on the log: `COL=VALUE`.
    pub person: String,
    /// File with the items' features, relative to the recipe; items and features of the log if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<PathBuf>,
    /// Which model; the first if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// What to report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSection {
    /// `html`, `json`.
    pub formats: Vec<String>,
    /// Title; the file's name if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether sensitive columns may appear.
    pub include_sensitive: bool,
}

impl Default for ReportSection {
    fn default() -> Self {
        Self { formats: vec!["html".to_owned(), "json".to_owned()], title: None, include_sensitive: false }
    }
}

fn one() -> u64 {
    1
}

/// A random 30 % tests, seed 1.
pub fn default_split() -> SplitSection {
    SplitSection { split: Split::Random { test: 0.3 }, seed: 1 }
}
