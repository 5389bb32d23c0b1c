//! The report as a value: every result it prints, and nothing that needs computing.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, Lang, Notice};
use crate::data::{Profile, Reading, Roles, Split, StepEffect};
use crate::explain::beside::Beside;
use crate::explain::cohorts::Cohorts;
use crate::explain::contrast::Contrast;
use crate::explain::crowd::{Crowd, Paths};
use crate::explain::density::Density;
use crate::explain::effect::EffectCurve;
use crate::explain::everyone::Everyone;
use crate::explain::importance::PermutationImportance;
use crate::explain::inside::Inside;
use crate::explain::levels::Levels;
use crate::explain::pairs::Pairs;
use crate::explain::segments::Segments;
use crate::explain::surrogate::Surrogate;
use crate::explain::trust::{Stability, Trust};
use crate::explain::typical::Typical;
use crate::explain::{AttentionMap, Attribution, Summary};
use crate::ml::ModelCard;
use crate::strategy::{Lever, Simulation};

/// Everything a report says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Title, usually the project's name.
    pub title: String,
    /// Language of the words.
    pub lang: Lang,
    /// Program version.
    pub version: String,
    /// The day it was made (given by the caller; the core reads no clock).
    pub made: String,
    /// Data file, as the recipe names it.
    pub data_path: String,
    /// Exactly these bytes.
    pub data: Fingerprint,
    /// How the file was read.
    pub reading: Reading,
    /// What is in it.
    pub profile: Profile,
    /// What the columns are for.
    pub roles: Roles,
    /// What each preparation step did.
    pub prepare: Vec<StepEffect>,
    /// How rows were split.
    pub split: Split,
    /// Every trained model.
    pub models: Vec<ModelCard>,
    /// Why: one section per explained model.
    pub why: Vec<WhySection>,
    /// Ranking with its reasons, where a recommendation was explained.
    pub rankings: Vec<crate::recommend::Ranking>,
    /// What if.
    pub simulations: Vec<Simulation>,
    /// Which columns give the outcome away, and what moving each would mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<crate::strategy::LeakScan>,
    /// Levers and proxies.
    pub levers: Vec<Lever>,
    /// Experiments, spending curves, budgets.
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub studies: Vec<crate::strategy::study::Studied>,
    /// The recipe, as TOML, with which anybody can re-check this report.
    pub recipe: String,
    /// Checks and limits in words.
    pub notices: Vec<Notice>,
}

/// Why, for one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhySection {
    /// The model's name.
    pub model: String,
    /// Many rows.
    pub summary: Summary,
    /// Rows shown one by one (a few), as an attribution of just those rows.
    pub rows: Attribution,
    /// The feature values of those rows as shown, `rows × features`.
    pub shown: Vec<String>,
    /// Their sentences, in the report's language.
    pub sentences: Vec<String>,
    /// Attention of the first of those rows, for a Transformer.
    pub attention: Option<AttentionMap>,
    /// For each of those rows, what would have to change, in the report's language; or why nothing was found.
    #[serde(default)]
    pub changes: Vec<String>,
    /// The rules that those changes keep, in the report's language; empty where everything may change.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rules: String,
    /// The changes themselves, row by row; nothing where none was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub smallest: Vec<Option<crate::explain::counterfactual::Counterfactual>>,
    /// What the outcome does along the strongest features.
    #[serde(default)]
    pub effects: Vec<EffectCurve>,
    /// How far the explanation holds.
    #[serde(default)]
    pub trust: Option<Trust>,
    /// Whether the reasons stay when the model is trained again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<Stability>,
    /// Every row of the data added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<Everyone>,
    /// Differences that the recipe asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrasts: Vec<Contrast>,
    /// Levels of the features that the recipe names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Levels>,
    /// What is in each group of features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Inside>,
    /// In how many of the rows that are summed up too much is left unexplained for a picture of them to be drawn as fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unexplained: Option<usize>,
    /// What else the recipe asks for.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
    /// What is said of these, in the report's language.
    #[serde(default)]
    pub said: Said,
}

/// What a recipe asks for besides, each for itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parts {
    /// Several methods on the same rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Beside>,
    /// Features that act together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Pairs>,
    /// Further curves along the strongest features: partial dependence, single rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<EffectCurve>,
    /// Maps of two features.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<EffectCurve>,
    /// What the model loses without a feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffled: Option<PermutationImportance>,
    /// Rows that stand for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typical: Option<Typical>,
    /// Lines of the rows that none of them stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlike: Vec<u32>,
    /// Groups side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cohorts: Option<Cohorts>,
    /// Where the model errs unlike elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Segments>,
    /// The model in a few questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surrogate: Option<Surrogate>,
    /// Every row of the data, binned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density: Option<Density>,
    /// The explained rows beside one another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowd: Option<Crowd>,
    /// Their ways to the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Paths>,
    /// What could not be answered for this model: the key of the recipe, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<(String, Notice)>,
}

impl Parts {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Sentences, one per contrast, per feature with levels, and per group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// Of the differences.
    pub contrasts: Vec<String>,
    /// Of the levels.
    pub levels: Vec<String>,
    /// Of the groups.
    pub inside: Vec<String>,
    /// Of the typical rows, each row by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub typical: Vec<String>,
}
