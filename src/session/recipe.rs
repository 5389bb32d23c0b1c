//! The recipe: what to load, which roles, which steps, which models, which scenarios. Declarative, versioned; unknown
//! keys are refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Fault, Result};
use crate::data::{LeverType, ReadOptions, Role, Roles, Split, Step};
use crate::explain::counterfactual::Rules;
use crate::fault;
use crate::ml::model::Scale;
use crate::ml::{ModelSpec, Outcome};
use crate::strategy::news::{self, News};
use crate::strategy::study::NamedStudy;
use crate::strategy::{Channel, Scenario};

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
    /// How the what-ifs are answered.
    #[serde(default, skip_serializing_if = "SimulateSection::is_default")]
    pub simulate: SimulateSection,
    /// Experiments, spending curves, budgets.
    #[serde(default, rename = "study", skip_serializing_if = "Vec::is_empty")]
    pub studies: Vec<NamedStudy>,
    /// Logged recommendations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommend: Option<RecommendSection>,
    /// What to report.
    #[serde(default)]
    pub report: ReportSection,
    /// What a project adds to a recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectSection>,
}

/// What a project adds to a recipe: its saved models and what the window remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectSection {
    /// Models beside the project.
    #[serde(rename = "model", skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<super::project::SavedModel>,
    /// What the window remembers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub window: BTreeMap<String, toml::Value>,
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
    #[serde(deserialize_with = "names")]
    pub target: Vec<String>,
    /// The value of a text target that counts as yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Features that detection would leave out.
    #[serde(deserialize_with = "names")]
    pub feature: Vec<String>,
    /// Left out.
    #[serde(deserialize_with = "names")]
    pub ignore: Vec<String>,
    /// Columns that a scenario may move.
    #[serde(deserialize_with = "names")]
    pub lever: Vec<String>,
    /// Columns that describe people or the situation.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<String>,
    /// Columns that the treatment changes.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub mediator: Vec<String>,
    /// Outcome proxies.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub proxy: Vec<String>,
    /// Columns that name rows or people.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub identifier: Vec<String>,
    /// Numbers that are codes.
    #[serde(deserialize_with = "names")]
    pub categorical: Vec<String>,
    /// Codes that are numbers after all.
    #[serde(deserialize_with = "names")]
    pub numeric: Vec<String>,
    /// Who.
    #[serde(deserialize_with = "names")]
    pub user: Vec<String>,
    /// What.
    #[serde(deserialize_with = "names")]
    pub item: Vec<String>,
    /// When.
    #[serde(deserialize_with = "names")]
    pub time: Vec<String>,
    /// What kind of event.
    #[serde(deserialize_with = "names")]
    pub event: Vec<String>,
    /// What was done.
    #[serde(deserialize_with = "names")]
    pub treatment: Vec<String>,
    /// Logged probability.
    #[serde(deserialize_with = "names")]
    pub propensity: Vec<String>,
    /// Money earned.
    #[serde(deserialize_with = "names")]
    pub value: Vec<String>,
    /// Money spent.
    #[serde(deserialize_with = "names")]
    pub cost: Vec<String>,
    /// Free text.
    #[serde(deserialize_with = "names")]
    pub text: Vec<String>,
    /// Protected traits.
    #[serde(deserialize_with = "names")]
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
    /// Which classes, or which outcomes, of a model that has several: one name or a list, a section of the report each; the
    /// first if absent.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<String>,
    /// Methods by their command-line names; the model's own if empty.
    pub methods: Vec<String>,
    /// Scale of the files that a run writes: `margin` (the default, log-odds) or `probability`. Window and report always
    /// show probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Half-open range of lines; a sample of the test rows if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<(u32, u32)>,
    /// Group that methods with a reference compare with: a condition, or `all`; everyone if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Lines shown one by one in the report.
    pub show: Vec<u32>,
    /// Train each model three times again, on redrawn rows, to see whether its reasons stay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stability: bool,
    /// Explain every row of the data, not a sample only, and report the sums.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// Report which pairs of features act together beyond what each does alone. For trees.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pairs: bool,
    /// Report what the outcome is when every row is set to a value of the strongest features (partial dependence).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pdp: bool,
    /// The same for single rows, one line each.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ice: bool,
    /// Report a map of the two features that act together most; of the two strongest where that is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub map: bool,
    /// Two features each of which the report draws such a map.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<(String, String)>,
    /// Report how much worse the model predicts when the values of a feature are shuffled.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shuffled: bool,
    /// Report a few rows whose reasons stand for those of all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub typical: bool,
    /// Groups that the report sets side by side, up to three conditions; `all` is everyone, who also stand beside a lone group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cohorts: Vec<String>,
    /// Report the segments in which the model errs more than elsewhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub segments: bool,
    /// Report the model as a few questions: a small tree that decides as it does, and how often.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub surrogate: bool,
    /// Report how values and effects of the strongest features spread over every row of the data.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub density: bool,
    /// Report the explained rows beside one another, feature by feature.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crowd: bool,
    /// Report the ways of the explained rows from the base value to their outputs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paths: bool,
    /// Features whose levels the report lists: categories, yes or no, or groups that are one-hot sets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Columns that explanations speak of as one, by the group's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// What may change, and how, where the smallest change is looked for; as a file of rules says it.
    #[serde(skip_serializing_if = "Rules::is_free")]
    pub rules: Rules,
    /// Differences that the report explains.
    #[serde(rename = "contrast", skip_serializing_if = "Vec::is_empty")]
    pub contrasts: Vec<ContrastSpec>,
}

/// A difference to explain: why the one and not the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ContrastSpec {
    /// Two rows, by their lines.
    Rows {
        /// The one.
        row: u32,
        /// The other.
        against: u32,
    },
    /// Two groups of rows, by their conditions; `all` is everyone.
    Groups {
        /// The one.
        group: String,
        /// The other.
        against: String,
    },
    /// Two models on the same rows.
    Models {
        /// The one.
        model: String,
        /// The other.
        against: String,
        /// The row, by its line; the rows that are explained if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row: Option<u32>,
    },
}

impl ContrastSpec {
    /// The models that it names.
    pub(super) fn models(&mut self) -> impl Iterator<Item = &mut String> {
        let (a, b) = if let Self::Models { model, against, .. } = self { (Some(model), Some(against)) } else { (None, None) };
        a.into_iter().chain(b)
    }
}

/// Whether groups have names and columns, and no column is in two.
pub(super) fn check_groups(groups: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let mut owner: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, columns) in groups {
        if name.trim().is_empty() || columns.len() < 2 {
            return Err(fault!("session.group_small", group = name));
        }
        for column in columns {
            if let Some(other) = owner.insert(column, name) {
                return Err(fault!("explain.group_twice", feature = column, group = name, other = other));
            }
        }
    }
    Ok(())
}

/// How the what-ifs are answered: the bootstrap over people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulateSection {
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Replicates of the bootstrap, 20 to 20,000.
    #[serde(deserialize_with = "replicates")]
    pub replicates: u32,
    /// How many times the model is trained again, so that bands cover which model the training gave; 0, or 5 to 200.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "retrain")]
    pub retrain: u32,
    /// Which class, or which outcome, of a model that has several; the first if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Outcomes of which more is better, by column or class; what is in neither list is guessed from its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub good_news: Vec<String>,
    /// Outcomes of which less is better.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bad_news: Vec<String>,
    /// Days that the data cover, where no column says when.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "days")]
    pub period_days: Option<f64>,
    /// Outcome of any model that says whether people stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// Outcome of any model that says how satisfied people are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<String>,
    /// Where people are reached.
    #[serde(rename = "channel", skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
}

impl Default for SimulateSection {
    fn default() -> Self {
        Self {
            seed: 1,
            replicates: 400,
            retrain: 0,
            class: None,
            good_news: Vec::new(),
            bad_news: Vec::new(),
            period_days: None,
            retention: None,
            satisfaction: None,
            channels: Vec::new(),
        }
    }
}

impl SimulateSection {
    /// Whether an outcome is good news, and whether its name had to be asked.
    pub fn news(&self, outcome: &Outcome) -> Result<(News, bool)> {
        let listed = news::listed(outcome);
        let among = |names: &[String]| names.iter().any(|n| n == listed);
        match (among(&self.good_news), among(&self.bad_news)) {
            (true, true) => Err(fault!("strategy.news_both", listed = listed)),
            (true, false) => Ok((News::Good, false)),
            (false, true) => Ok((News::Bad, false)),
            (false, false) => Ok((News::guess(outcome), true)),
        }
    }

    /// The same section once the analyst said what an outcome is.
    pub fn saying(mut self, listed: &str, news: News) -> Self {
        for (of, names) in [(News::Good, &mut self.good_news), (News::Bad, &mut self.bad_news)] {
            names.retain(|n| n != listed);
            if of == news {
                names.push(listed.to_owned());
            }
        }
        self
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Days that data can cover.
fn days<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        Some(d) if !d.is_finite() || d <= 0.0 => Err(serde::de::Error::custom(format!("period_days is {d}; use more than 0"))),
        d => Ok(d),
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Fewer than five answers say nothing of how much they differ.
fn retrain<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<u32, D::Error> {
    let n = u32::deserialize(from)?;
    if n == 0 || RETRAIN.contains(&n) { Ok(n) } else { Err(serde::de::Error::custom(format!("retrain is {n}; use 0, or 5 to 200"))) }
}

/// How many times a model may be trained again for its bands.
pub const RETRAIN: std::ops::RangeInclusive<u32> = 5..=200;

/// Fewer replicates than twenty have no 95 % interval; more than this only cost time.
fn replicates<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<u32, D::Error> {
    let n = u32::deserialize(from)?;
    if (20..=20_000).contains(&n) { Ok(n) } else { Err(serde::de::Error::custom(format!("replicates is {n}; use 20 to 20000"))) }
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

impl RolesSection {
    /// Detected roles with what the recipe says over them. Columns that the data does not have are passed over here;
    /// [`super::pipeline::roles`] refuses them by name.
    pub fn over(&self, detected: &Roles) -> Roles {
        let mut roles = detected.clone();
        if !self.target.is_empty() {
            // Naming the outcomes replaces the detected one, which still tells what came after if its name says so.
            for (name, role) in roles.of.iter_mut().filter(|(_, r)| **r == Role::Target) {
                *role = if crate::data::roles::named_like_outcome(name) { Role::Ignore } else { Role::Feature };
            }
        }
        for (role, names) in super::command::lists(&mut self.clone()) {
            for name in names {
                if let Some(r) = roles.of.get_mut(name) {
                    *r = role;
                }
            }
        }
        for name in &self.target {
            if let Some(r) = roles.of.get_mut(name) {
                *r = Role::Target;
            }
        }
        roles.categorical.extend(self.categorical.iter().cloned());
        for name in &self.numeric {
            roles.categorical.remove(name);
        }
        roles.levers.extend(self.lever.iter().cloned());
        for (kind, names) in self.types() {
            if kind != LeverType::Lever {
                roles.types.extend(names.iter().map(|n| (n.clone(), kind)));
            }
        }
        roles
    }

    /// What moving columns would mean, type by type.
    pub fn types(&self) -> [(LeverType, &Vec<String>); 5] {
        [
            (LeverType::Lever, &self.lever),
            (LeverType::Context, &self.context),
            (LeverType::Mediator, &self.mediator),
            (LeverType::Proxy, &self.proxy),
            (LeverType::Identifier, &self.identifier),
        ]
    }

    /// Says what moving a column would mean; nothing any more if absent.
    pub(super) fn set_type(&mut self, column: &str, kind: Option<LeverType>) {
        let Self { lever, context, mediator, proxy, identifier, .. } = self;
        for (own, list) in LeverType::ALL.into_iter().zip([lever, context, mediator, proxy, identifier]) {
            let stays = kind == Some(own);
            if !stays {
                list.retain(|c| c != column);
            } else if !list.iter().any(|c| c == column) {
                list.push(column.to_owned());
            }
        }
    }

    /// A column that is said to be two things.
    fn twice(&self) -> Option<(&str, LeverType, LeverType)> {
        let mut seen: BTreeMap<&str, LeverType> = BTreeMap::new();
        for (kind, names) in self.types() {
            for name in names {
                if let Some(other) = seen.insert(name, kind).filter(|other| *other != kind) {
                    return Some((name, other, kind));
                }
            }
        }
        None
    }
}

impl Recipe {
    /// The recipe of a data file that nobody has described yet.
    pub fn for_file(path: &Path) -> Self {
        Self {
            version: VERSION,
            data: DataSection { path: path.to_owned(), fingerprint: None, read: ReadOptions::default() },
            roles: RolesSection::default(),
            prepare: Vec::new(),
            split: default_split(),
            models: Vec::new(),
            explain: ExplainSection::default(),
            scenarios: Vec::new(),
            simulate: SimulateSection::default(),
            studies: Vec::new(),
            recommend: None,
            report: ReportSection::default(),
            project: None,
        }
    }

    /// Reads a recipe; `file` is named in faults.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        // The version comes first: a newer file may have keys that this program must not call wrong.
        let version = text.parse::<toml::Table>().ok().and_then(|t| t.get("version").and_then(toml::Value::as_integer));
        if let Some(version) = version.filter(|v| *v > i64::from(VERSION)) {
            return Err(fault!("session.recipe_newer", file = file, version = version, known = VERSION));
        }
        let recipe: Self = toml::from_str(text).map_err(|e| {
            let from = e.span().map_or(1, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            let line = line_of_key(text, from, e.message()).unwrap_or(from);
            fault!("session.recipe_invalid", file = file, line = line.to_string(), reason = e.message())
        })?;
        let mut names = std::collections::BTreeSet::new();
        for model in &recipe.models {
            if !names.insert(&model.name) {
                return Err(fault!("session.model_twice", file = file, model = &model.name));
            }
        }
        check_groups(&recipe.explain.groups)?;
        recipe.explain.rules.check_numbers()?;
        if let Some((column, one, other)) = recipe.roles.twice() {
            let word = |k: LeverType| format!("{k:?}").to_lowercase();
            return Err(fault!("session.type_twice", file = file, column = column, one = word(one), other = word(other)));
        }
        Ok(recipe)
    }

    /// Opens a recipe or project file.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Fault::io(path, &e))?;
        let text = String::from_utf8(bytes).map_err(|_| fault!("session.recipe_not_text", file = path))?;
        Self::parse(&text, path)
    }

    /// The recipe as a file holds it.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| fault!("session.recipe_not_writable", reason = e.to_string()))
    }
}

/// The line of a key that is refused. Where the kind of a section decides its keys, the parser knows only where the
/// section begins, so the key is looked for from there on.
fn line_of_key(text: &str, from: usize, message: &str) -> Option<usize> {
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    let names = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.match_indices(key).any(|(at, _)| {
            let before = line[..at].trim_end_matches(['"', '\'']).chars().next_back();
            let after = line[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
            before.is_none_or(|c| c.is_whitespace() || "{,.[".contains(c)) && (after.starts_with(['=', '.', ']']))
        })
    };
    text.lines().enumerate().skip(from - 1).find(|(_, line)| names(line)).map(|(i, _)| i + 1)
}

/// Column names: a list, or one name alone.
fn names<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Vec<String>, D::Error> {
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a column name or a list of column names")
        }
        fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Self::Value, E> {
            Ok(vec![name.to_owned()])
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(name) = list.next_element()? {
                out.push(name);
            }
            Ok(out)
        }
    }
    from.deserialize_any(Names)
}

fn one() -> u64 {
    1
}

/// A random 30 % tests, seed 1.
pub fn default_split() -> SplitSection {
    SplitSection { split: Split::Random { test: 0.3 }, seed: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
version = 1
[data]
path = "online_shoppers_intention.csv"
[roles]
target = ["Revenue"]
ignore = ["Region"]
lever = ["SpecialDay"]
categorical = ["OperatingSystems", "Browser", "TrafficType"]
[[prepare]]
step = "winsorise"
columns = ["ProductRelated_Duration"]
upper = 0.99
[split]
kind = "modulo"
of = 10
test_from = 7
[[model]]
name = "trees"
kind = "gbdt"
seed = 1
[explain]
model = "trees"
methods = ["tree-shap"]
rows = [0, 2000]
[[scenario]]
name = "Holiday push"
where = "VisitorType = 'Returning_Visitor'"
set = { SpecialDay = 0.8 }
value_per_conversion = 40.0
cost_per_contact = 0.05
[report]
formats = ["html", "json"]
"#;

    #[test]
    fn the_example_is_read_and_written_back() {
        let recipe = Recipe::parse(EXAMPLE, Path::new("r.toml")).unwrap();
        assert_eq!(recipe.split.split, Split::Modulo { of: 10, test_from: 7 });
        assert_eq!(recipe.explain.rows, Some((0, 2000)));
        let text = recipe.to_toml().unwrap();
        assert_eq!(Recipe::parse(&text, Path::new("r.toml")).unwrap(), recipe, "{text}");
    }

    #[test]
    fn the_bootstrap_is_part_of_the_recipe() {
        let read = |line: &str| Recipe::parse(&EXAMPLE.replace("[report]", &format!("[simulate]\n{line}\n[report]")), Path::new("r.toml"));
        let recipe = read("seed = 7\nreplicates = 50\nclass = \"gold\"").unwrap();
        assert_eq!(recipe.simulate, SimulateSection { seed: 7, replicates: 50, class: Some("gold".into()), ..SimulateSection::default() });
        assert_eq!(Recipe::parse(&recipe.to_toml().unwrap(), Path::new("r.toml")).unwrap(), recipe);
        let fault = read("replicates = 3").unwrap_err().to_string();
        assert!(fault.contains("20 to 20000"), "{fault}");
    }

    #[test]
    fn groups_and_contrasts_are_part_of_the_recipe() {
        let read = |more: &str| Recipe::parse(&EXAMPLE.replace("[[scenario]]", &format!("{more}\n[[scenario]]")), Path::new("r.toml"));
        let recipe = read(
            "levels = [\"Month\"]\n[explain.groups]\nPages = [\"Administrative\", \"Informational\"]\n\
             [[explain.contrast]]\nkind = \"rows\"\nrow = 4\nagainst = 9\n\
             [[explain.contrast]]\nkind = \"groups\"\ngroup = \"Month = 'Nov'\"\nagainst = \"all\"\n\
             [[explain.contrast]]\nkind = \"models\"\nmodel = \"trees\"\nagainst = \"line\"",
        )
        .unwrap();
        assert_eq!((recipe.explain.groups["Pages"].len(), recipe.explain.contrasts.len()), (2, 3));
        assert_eq!(recipe.explain.contrasts[0], ContrastSpec::Rows { row: 4, against: 9 });
        assert_eq!(Recipe::parse(&recipe.to_toml().unwrap(), Path::new("r.toml")).unwrap(), recipe);
        // What a project without them holds is what it held before.
        let plain = Recipe::parse(EXAMPLE, Path::new("r.toml")).unwrap().to_toml().unwrap();
        assert!(!plain.contains("groups") && !plain.contains("contrast") && !plain.contains("levels"), "{plain}");
        for (more, says) in [
            ("[explain.groups]\nPages = [\"a\", \"b\"]\nTime = [\"c\", \"a\"]", "a"),
            ("[explain.groups]\nPages = [\"a\"]", "Pages"),
            ("[[explain.contrast]]\nkind = \"rows\"\nrow = 4\nagainst = 9\nodd = 1", "odd"),
            ("[[explain.contrast]]\nkind = \"items\"\nrow = 4", "items"),
        ] {
            let fault = read(more).unwrap_err().to_string();
            assert!(fault.contains(says), "{fault}");
        }
    }

    #[test]
    fn one_name_may_stand_without_a_list() {
        let one = EXAMPLE.replace("[\"Revenue\"]", "\"Revenue\"").replace("[\"Region\"]", "\"Region\"");
        assert_ne!(one, EXAMPLE);
        let read = |text: &str| Recipe::parse(text, Path::new("r.toml"));
        assert_eq!(read(&one).unwrap(), read(EXAMPLE).unwrap());
        let fault = read(&EXAMPLE.replace("[\"Region\"]", "3")).unwrap_err().to_string();
        assert!(fault.contains("line 7") && fault.contains("column name"), "{fault}");
    }

    #[test]
    fn a_refused_key_is_found_by_its_line() {
        for (from, to) in [
            ("test_from = 7", "test_from = 7\nodd = 1"),
            ("upper = 0.99", "upper = 0.99\nodd = 1"),
            ("path =", "odd = 1\npath ="),
            ("cost_per_contact = 0.05", "cost_per_contact = 0.05\nodd = 1"),
        ] {
            let text = EXAMPLE.replace(from, to);
            let line = text.lines().position(|l| l == "odd = 1").unwrap() + 1;
            let fault = Recipe::parse(&text, Path::new("r.toml")).unwrap_err().to_string();
            assert!(fault.contains(&format!("line {line}:")), "{line}: {fault}");
        }
    }

    #[test]
    fn unknown_keys_and_newer_versions_are_refused_by_name() {
        for (from, to, says) in [
            ("[report]", "[report]\ncolour = 1", "colour"),
            ("upper = 0.99", "uper = 0.99", "uper"),
            ("test_from = 7", "test_from = 7\nodd = 1", "odd"),
            ("kind = \"gbdt\"", "kind = \"forest\"", "forest"),
            ("version = 1", "version = 99", "99"),
        ] {
            let fault = Recipe::parse(&EXAMPLE.replace(from, to), Path::new("r.toml")).unwrap_err().to_string();
            assert!(fault.contains(says) && fault.contains("r.toml"), "{fault}");
        }
    }

    #[test]
    fn what_an_outcome_is_is_said_or_guessed() {
        let outcome = |name: &str| Outcome { name: name.into(), kind: crate::ml::OutcomeKind::Number, base_rate: 0.0 };
        let section = |text: &str| toml::from_str::<SimulateSection>(text).unwrap();
        let none = section("");
        assert_eq!(none.news(&outcome("Churn")).unwrap(), (News::Bad, true));
        assert_eq!(none.news(&outcome("Revenue")).unwrap(), (News::Good, true));
        let said = section("good_news = [\"Churn\"]\nbad_news = [\"Revenue\"]");
        assert_eq!(said.news(&outcome("Churn")).unwrap(), (News::Good, false));
        assert_eq!(said.news(&outcome("Revenue")).unwrap(), (News::Bad, false));
        let both = section("good_news = [\"Churn\"]\nbad_news = [\"Churn\"]");
        assert_eq!(both.news(&outcome("Churn")).unwrap_err().0.code, "strategy.news_both");
        assert_eq!(both.saying("Churn", News::Bad).news(&outcome("Churn")).unwrap(), (News::Bad, false));
    }
}
