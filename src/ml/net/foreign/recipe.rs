//! What weights alone do not say: the recipe of a network, as a TOML file beside them or in their metadata. It names the
//! network's kind and sizes as a model of ours has them, how each feature becomes numbers, and what comes out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::inputs::Input;
use super::super::shape_of;
use super::super::{Net, Shape};
use crate::base::{Fault, Result};
use crate::data::features::QUANTILES;
use crate::data::{Feature, FeatureKind};
use crate::fault;
use crate::ml::model::{ModelCard, Outcome, OutcomeKind};
use crate::ml::spec::{ModelKind, ModelSpec};

/// Version of the recipe that this program writes, and the newest that it reads.
const VERSION: u32 = 1;
/// Most features; files that name more are damaged.
const MOST_FEATURES: usize = 1 << 16;
/// Most numbers of a row on their way into the first layer.
const MOST_INPUTS: usize = 1 << 20;

/// The whole recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetRecipe {
    /// Version of this schema.
    pub version: u32,
    /// The model's name; the file's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `dnn` or `transformer`.
    pub kind: ModelKind,
    /// Layers.
    pub layers: u32,
    /// Numbers of a hidden layer (dnn) or of a token (transformer).
    pub width: u32,
    /// Attention heads (transformer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<u32>,
    /// Numbers of a layer's inner part (transformer); twice the width if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u32>,
    /// Numbers of a feature's token (dnn with tokens); 16 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<u32>,
    /// Attention temperature (transformer); 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// How features enter: through the table `embed`, or as they are.
    #[serde(default)]
    pub inputs: Way,
    /// Whether each layer after the first adds to what it got (dnn).
    #[serde(default = "yes")]
    pub residual: bool,
    /// How a layer's matrix lies.
    #[serde(default)]
    pub weights: Layout,
    /// Names in the file of layers that are called otherwise there: `layer0 = "fc1"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The features, in the order of the network's inputs.
    #[serde(rename = "feature")]
    pub features: Vec<FeatureRecipe>,
    /// The outcomes, in the order of its outputs.
    #[serde(rename = "outcome")]
    pub outcomes: Vec<OutcomeRecipe>,
}

/// How features enter the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Each through its rows of the table `embed`.
    #[default]
    Tokens,
    /// A number as (value − mean) / sd, a category as one column per level (dnn).
    Columns,
}

/// How a layer's matrix lies in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// Inputs × outputs, as burn holds them.
    #[default]
    #[serde(rename = "in-out")]
    InOut,
    /// Outputs × inputs, as PyTorch holds them.
    #[serde(rename = "out-in")]
    OutIn,
}

/// What a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureType {
    /// An amount.
    Number,
    /// A count.
    Whole,
    /// True or false.
    YesNo,
    /// One of some levels.
    Category,
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureRecipe {
    /// Column name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: FeatureType,
    /// Levels, in the order of their numbers (category).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Share of each level, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<f64>,
    /// What is taken off the value, after the logarithm if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// What it is divided by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Whether it goes through sign(x) · ln(1 + |x|) first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
    /// Ends of the bins that its table has rows for, after the logarithm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<f64>,
    /// Smallest value that training saw; three standard deviations below the mean if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value that training saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// 0, 1, 5, 25, 50, 75, 95, 99 and 100 % quantiles, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
    /// Mean of the values themselves, where it differs from `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Standard deviation of the values themselves, where it differs from `sd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// Share of rows without a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<f64>,
}

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeType {
    /// The log-odds of yes.
    YesNo,
    /// The score of one class among those of the same name.
    Class,
    /// An amount.
    Number,
}

/// One outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRecipe {
    /// Target column.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: OutcomeType,
    /// The value that counts as yes (yes-no).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// The other value (yes-no).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
    /// Which class (class).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What the output is multiplied by (number); 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// What is added then (number); 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Share of yes, or mean, over the rows that trained it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

fn yes() -> bool {
    true
}

/// What a recipe says, ready to be filled with weights.
pub struct Plan {
    /// Sizes.
    pub shape: Shape,
    /// How cells become tokens.
    pub inputs: Vec<Input>,
    /// Name, features and outcomes.
    pub spec: ModelSpec,
    /// The features as the card has them.
    pub features: Vec<Feature>,
    /// The outcomes.
    pub outcomes: Vec<Outcome>,
    /// Mean and standard deviation of each amount.
    pub targets: Vec<(f64, f64)>,
}

/// In the way of columns a number must not be clipped, whatever the network's own tokens do: the table's row is as much
/// larger as the z-score is smaller, by a power of two, which costs no digit.
pub const UNCLIPPED: f64 = 1_048_576.0;

impl NetRecipe {
    /// Reads a recipe; `file` is named in faults.
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let bad = |reason: String| fault!("ml.net_recipe", file = file, reason = reason);
        let version = text.parse::<toml::Table>().ok().and_then(|t| t.get("version").and_then(toml::Value::as_integer));
        if let Some(version) = version.filter(|v| *v > i64::from(VERSION)) {
            return Err(fault!("ml.model_newer", file = file, version = version, known = VERSION));
        }
        toml::from_str(text).map_err(|e| bad(e.message().lines().next().unwrap_or_default().to_owned()))
    }

    /// The recipe as a file holds it.
    pub fn to_toml(&self, file: &Path) -> Result<String> {
        toml::to_string(self).map_err(|e| fault!("ml.net_recipe", file = file, reason = e.to_string()))
    }

    /// Sizes, inputs and card, or the first thing that does not fit.
    pub fn plan(&self, file: &Path, stem: &str) -> Result<Plan> {
        let bad = |reason: String| -> Fault { fault!("ml.net_recipe", file = file, reason = reason) };
        let columns = self.inputs == Way::Columns;
        let transformer = match self.kind {
            ModelKind::Dnn => false,
            ModelKind::Transformer if columns || !self.residual => return Err(bad("inputs, residual".to_owned())),
            ModelKind::Transformer => true,
            other => return Err(bad(format!("kind = {}", other.name()))),
        };
        if self.features.is_empty() || self.features.len() > MOST_FEATURES || self.outcomes.is_empty() || self.outcomes.len() > 1_000 {
            return Err(bad("feature, outcome".to_owned()));
        }
        let name = self.name.clone().unwrap_or_else(|| stem.to_owned());
        let mut spec = ModelSpec::new(&name, self.kind);
        // The same bits on every machine: a network that comes from elsewhere is compared with what it said there.
        spec.device = crate::ml::DeviceChoice::Cpu;
        (spec.layers, spec.width) = (Some(self.layers), Some(self.width));
        if transformer {
            (spec.heads, spec.temperature) = (self.heads, self.temperature);
        }
        let mut shape = shape_of(&spec, self.features.len(), self.outcomes.len())?;
        shape.residual = self.residual;
        let inputs: Vec<Input> =
            self.features.iter().map(|f| f.input(columns).ok_or_else(|| bad(f.name.clone()))).collect::<Result<_>>()?;
        let size = |n: Option<u32>, usual: usize| match n {
            None => Ok(usual),
            Some(n) if (1..=8_192).contains(&n) => Ok(n as usize),
            Some(n) => Err(bad(n.to_string())),
        };
        if transformer {
            shape.hidden = size(self.hidden, shape.hidden)?;
        } else if columns {
            let widest = inputs.iter().map(|i| if let Input::Category { levels } = i { *levels } else { 1 }).max();
            shape.width = widest.unwrap_or(1).max(1);
        } else {
            shape.width = size(self.token, shape.width)?;
        }
        if shape.features.saturating_mul(shape.width) > MOST_INPUTS {
            return Err(bad(format!("{} × {}", shape.features, shape.width)));
        }
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = self.features.iter().find(|f| !names.insert(&f.name)) {
            return Err(bad(twice.name.clone()));
        }
        let outcomes: Vec<Outcome> = self.outcomes.iter().map(|o| o.outcome().ok_or_else(|| bad(o.name.clone()))).collect::<Result<_>>()?;
        let classes = outcomes.iter().filter(|o| o.is_class()).count();
        if classes > 0 && (classes != outcomes.len() || classes < 2 || outcomes.iter().any(|o| o.name != outcomes[0].name)) {
            return Err(bad("class".to_owned()));
        }
        let targets: Vec<(f64, f64)> = self.outcomes.iter().map(|o| (o.mean.unwrap_or(0.0), o.sd.unwrap_or(1.0))).collect();
        if let Some(at) = targets.iter().position(|(mean, sd)| !mean.is_finite() || !sd.is_finite() || *sd <= 0.0) {
            return Err(bad(self.outcomes[at].name.clone()));
        }
        Ok(Plan { shape, inputs, spec, features: self.features.iter().map(FeatureRecipe::feature).collect(), outcomes, targets })
    }

    /// The recipe of a network of ours.
    pub fn of(card: &ModelCard, net: &Net) -> Self {
        let s = &net.shape;
        let number = |f: &Feature, input: &Input| FeatureRecipe {
            name: f.name.clone(),
            kind: match f.kind {
                FeatureKind::Categorical { .. } => FeatureType::Category,
                FeatureKind::Numeric { boolean: true, .. } => FeatureType::YesNo,
                FeatureKind::Numeric { integer: true, .. } => FeatureType::Whole,
                FeatureKind::Numeric { .. } => FeatureType::Number,
            },
            levels: f.levels().to_vec(),
            shares: f.shares.clone(),
            mean: if let Input::Number { mean, .. } = input { Some(*mean) } else { None },
            sd: if let Input::Number { sd, .. } = input { Some(*sd) } else { None },
            log: matches!(input, Input::Number { log: true, .. }),
            edges: if let Input::Number { edges, .. } = input { edges.clone() } else { Vec::new() },
            min: (!f.is_categorical()).then_some(f.range.0),
            max: (!f.is_categorical()).then_some(f.range.1),
            quantiles: if f.is_categorical() { Vec::new() } else { f.quantiles.clone() },
            average: (!f.is_categorical()).then_some(f.mean),
            spread: (!f.is_categorical()).then_some(f.sd),
            missing: Some(f.missing).filter(|m| *m > 0.0),
        };
        let outcome = |(o, (mean, sd)): (&Outcome, &(f64, f64))| {
            let amount = o.kind == OutcomeKind::Number;
            let (kind, positive, negative) = match &o.kind {
                OutcomeKind::Binary { positive, negative } => (OutcomeType::YesNo, Some(positive.clone()), Some(negative.clone())),
                OutcomeKind::Class { .. } => (OutcomeType::Class, None, None),
                OutcomeKind::Number => (OutcomeType::Number, None, None),
            };
            OutcomeRecipe {
                name: o.name.clone(),
                kind,
                positive,
                negative,
                class: o.is_class().then(|| o.class().to_owned()),
                sd: amount.then_some(*sd),
                mean: amount.then_some(*mean),
                rate: Some(o.base_rate),
            }
        };
        Self {
            version: VERSION,
            name: Some(card.spec.name.clone()),
            kind: if s.transformer { ModelKind::Transformer } else { ModelKind::Dnn },
            layers: s.layers as u32,
            width: if s.transformer { s.width } else { s.hidden } as u32,
            heads: s.transformer.then_some(s.heads as u32),
            hidden: s.transformer.then_some(s.hidden as u32),
            token: (!s.transformer).then_some(s.width as u32),
            temperature: s.transformer.then_some(s.temperature),
            inputs: Way::Tokens,
            residual: s.residual,
            weights: Layout::InOut,
            names: BTreeMap::new(),
            features: card.features().iter().zip(&net.inputs.features).map(|(f, i)| number(f, i)).collect(),
            outcomes: card.outcomes.iter().zip(&net.targets).map(outcome).collect(),
        }
    }
}

impl FeatureRecipe {
    /// How its cells are read; `None` where something is missing or out of place.
    fn input(&self, columns: bool) -> Option<Input> {
        if self.name.is_empty() {
            return None;
        }
        if self.kind == FeatureType::Category {
            let mut levels: Vec<&String> = self.levels.iter().collect();
            levels.sort();
            levels.dedup();
            let shares =
                self.shares.is_empty() || (self.shares.len() == levels.len() && self.shares.iter().all(|s| (0.0..=1.0).contains(s)));
            return (shares && !levels.is_empty() && levels.len() == self.levels.len()).then_some(Input::Category { levels: levels.len() });
        }
        let (mean, sd) = (self.mean?, self.sd? * if columns { UNCLIPPED } else { 1.0 });
        let known =
            [self.min, self.max, self.average, self.spread, self.missing].into_iter().flatten().chain(self.quantiles.iter().copied());
        let fine = sd.is_finite() && sd > 0.0 && mean.is_finite() && known.into_iter().all(f64::is_finite);
        let rising = self.edges.iter().all(|e| e.is_finite()) && self.edges.windows(2).all(|w| w[0] < w[1]);
        let few = self.levels.is_empty() && self.edges.len() <= 4_096 && (!columns || self.edges.is_empty());
        let known = self.quantiles.is_empty() || self.quantiles.len() == QUANTILES.len();
        (fine && rising && few && known).then(|| Input::Number { log: self.log, mean, sd, edges: self.edges.clone() })
    }

    /// As the card has it.
    fn feature(&self) -> Feature {
        let back = |v: f64| if self.log { v.signum() * v.abs().exp_m1() } else { v };
        let n = self.levels.len();
        let kind = match self.kind {
            FeatureType::Category => FeatureKind::Categorical { levels: self.levels.clone() },
            FeatureType::YesNo => FeatureKind::Numeric { integer: true, boolean: true },
            kind => FeatureKind::Numeric { integer: kind == FeatureType::Whole, boolean: false },
        };
        let (mean, sd) = (self.mean.unwrap_or(0.0), self.sd.unwrap_or(0.0));
        let (low, high) = if self.kind == FeatureType::YesNo { (0.0, 1.0) } else { (back(mean - 3.0 * sd), back(mean + 3.0 * sd)) };
        let (low, high) = (self.min.unwrap_or(low), self.max.unwrap_or(high));
        let quantiles = match (self.kind, self.quantiles.is_empty()) {
            (FeatureType::Category, _) => Vec::new(),
            (_, false) => self.quantiles.clone(),
            _ => QUANTILES.iter().map(|q| low + q * (high - low)).collect(),
        };
        Feature {
            name: self.name.clone(),
            kind,
            mean: self.average.unwrap_or_else(|| back(mean)),
            sd: self.spread.unwrap_or(sd),
            range: if n > 0 { (0.0, 0.0) } else { (low, high) },
            quantiles,
            shares: if self.shares.is_empty() { vec![1.0 / n.max(1) as f64; n] } else { self.shares.clone() },
            missing: self.missing.unwrap_or(0.0),
        }
    }
}

impl OutcomeRecipe {
    fn outcome(&self) -> Option<Outcome> {
        let amount = self.kind == OutcomeType::Number;
        if self.name.is_empty() || (!amount && (self.mean.is_some() || self.sd.is_some())) || self.rate.is_some_and(|r| !r.is_finite()) {
            return None;
        }
        let kind = match self.kind {
            OutcomeType::YesNo => OutcomeKind::Binary {
                positive: self.positive.clone().unwrap_or_else(|| "1".to_owned()),
                negative: self.negative.clone().unwrap_or_else(|| "0".to_owned()),
            },
            OutcomeType::Class => OutcomeKind::Class { class: self.class.clone()? },
            OutcomeType::Number => OutcomeKind::Number,
        };
        Some(Outcome { name: self.name.clone(), kind, base_rate: self.rate.unwrap_or(0.0) })
    }
}
