//! What to train: the model's kind and its settings, as the recipe and the command line give them.

use serde::{Deserialize, Serialize};

/// Kinds of model: four that are trained here, and one that is only asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// L2 logistic regression (linfa); linear regression for a number.
    Logistic,
    /// Gradient-boosted trees (hessboost).
    Gbdt,
    /// Deep network for behaviour (burn).
    Dnn,
    /// Transformer over feature tokens for content effect (burn).
    Transformer,
    /// An imported ONNX model.
    Onnx,
    /// A model of a recipe that is read from a file; the model itself is of another kind.
    Import,
}

impl ModelKind {
    /// The kinds that can be trained, simplest first.
    pub const ALL: [Self; 4] = [Self::Logistic, Self::Gbdt, Self::Dnn, Self::Transformer];
    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Gbdt => "gbdt",
            Self::Dnn => "dnn",
            Self::Transformer => "transformer",
            Self::Onnx => "onnx",
            Self::Import => "import",
        }
    }
}

/// Where tensors live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// Any real GPU; an error if there is none.
    Gpu,
    /// A GPU by (part of) its name; a software rasteriser only answers to this.
    Named(String),
}

impl From<DeviceChoice> for String {
    fn from(d: DeviceChoice) -> Self {
        match d {
            DeviceChoice::Auto => "auto".into(),
            DeviceChoice::Cpu => "cpu".into(),
            DeviceChoice::Gpu => "gpu".into(),
            DeviceChoice::Named(n) => format!("gpu:{n}"),
        }
    }
}
impl TryFrom<String> for DeviceChoice {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        match s.as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            _ => match s.strip_prefix("gpu:") {
                Some(n) if !n.is_empty() => Ok(Self::Named(n.to_owned())),
                _ => Err(format!("“{s}” is not a device; use auto, cpu, gpu or gpu:NAME")),
            },
        }
    }
}

/// How class imbalance is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// Every row counts once; probabilities stay calibrated.
    #[default]
    None,
    /// Classes count equally; stated, because probabilities then overstate the rare class.
    Balanced,
}

/// One model of the recipe. Settings that a kind does not know are refused when it is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The analyst's name for it.
    pub name: String,
    /// Its kind.
    pub kind: ModelKind,
    /// Seed of everything random in it.
    #[serde(default = "one")]
    pub seed: u64,
    /// Class weights.
    #[serde(default)]
    pub weight: Weighting,
    /// Where it trains (networks).
    #[serde(default)]
    pub device: DeviceChoice,
    /// Most passes over the train rows (networks) or rounds (trees); the kind's own default if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// L2 penalty of the logistic regression: ½·l2·‖w‖² + Σ log-loss; 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// Most splits from root to leaf (trees).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Step size (trees and networks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Width of a layer or token (networks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Number of layers (networks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<u32>,
    /// Attention heads (Transformer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<u32>,
    /// Rows per step (networks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Attention temperature β (Transformer): weights are softmax(β · q·k / √head width); 1 if absent, more is sharper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The file that the model is read from, relative to the recipe (kind `import`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<std::path::PathBuf>,
}

/// What a kind of model uses where its settings say nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Defaults {
    /// Passes or rounds at most.
    pub epochs: u32,
    /// L2 penalty.
    pub l2: f64,
    /// Splits from root to leaf.
    pub depth: u32,
    /// Step size.
    pub learning_rate: f64,
    /// Width of a layer or token.
    pub width: u32,
    /// Layers.
    pub layers: u32,
    /// Attention heads.
    pub heads: u32,
    /// Rows per step.
    pub batch: u32,
    /// Attention temperature.
    pub temperature: f64,
}

impl ModelKind {
    /// Its defaults.
    pub const fn defaults(self) -> Defaults {
        let network =
            Defaults { epochs: 40, l2: 1.0, depth: 5, learning_rate: 1e-3, width: 128, layers: 3, heads: 1, batch: 256, temperature: 1.0 };
        match self {
            Self::Logistic | Self::Dnn | Self::Onnx | Self::Import => network,
            Self::Gbdt => Defaults { epochs: 400, learning_rate: 0.08, ..network },
            Self::Transformer => Defaults { width: 32, layers: 2, heads: 4, ..network },
        }
    }
}

fn one() -> u64 {
    1
}

impl ModelSpec {
    /// A model of a kind with every setting at its default.
    pub fn new(name: &str, kind: ModelKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            seed: 1,
            weight: Weighting::None,
            device: DeviceChoice::Auto,
            epochs: None,
            l2: None,
            depth: None,
            learning_rate: None,
            width: None,
            layers: None,
            heads: None,
            batch: None,
            temperature: None,
            file: None,
        }
    }
}
