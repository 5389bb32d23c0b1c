//! An attribution: how much each feature moved each row's output away from the base value. One plain value that the
//! window draws, the report prints, the command line writes and the tests check.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, Notice};
use crate::ml::model::Scale;

/// How it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact path-dependent Shapley values of trees.
    TreeShap,
    /// Exact Shapley values of an additive model.
    LinearShap,
    /// Integrated Gradients at the embedding output.
    IntegratedGradients,
    /// Attention weights (never alone).
    Attention,
    /// Gradient × attention.
    AttentionGradient,
}

impl Method {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TreeShap => "tree-shap",
            Self::LinearShap => "linear-shap",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Attention => "attention",
            Self::AttentionGradient => "attention-gradient",
        }
    }
}

/// Attributions of some rows for one outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// How.
    pub method: Method,
    /// Log-odds / amount, or probability.
    pub scale: Scale,
    /// The outcome explained (target column).
    pub outcome: String,
    /// Index of the outcome in the model.
    pub outcome_index: usize,
    /// Whether every value is exact (else see `half_width` and `gap`).
    pub exact: bool,
    /// Feature names, in file order.
    pub features: Vec<String>,
    /// Rows explained: line in the file, 0-based.
    pub rows: Vec<u32>,
    /// Feature values of those rows as in the matrix, `rows × features` (for colour and words).
    #[serde(deserialize_with = "crate::base::nan::many")]
    pub inputs: Vec<f64>,
    /// Attributions, `rows × features`.
    #[serde(deserialize_with = "crate::base::nan::many")]
    pub values: Vec<f64>,
    /// Output where nothing is known of the row.
    pub base: f64,
    /// What the base is, in words (catalogue notice): the train average, a named reference …
    pub base_note: Notice,
    /// Output per row.
    #[serde(deserialize_with = "crate::base::nan::many")]
    pub predictions: Vec<f64>,
    /// prediction − base − Σ values per row: what is left unexplained.
    #[serde(deserialize_with = "crate::base::nan::many")]
    pub gaps: Vec<f64>,
    /// 95 % half-width per value where sampling was used; empty when exact.
    pub half_width: Vec<f64>,
    /// Seed where sampling was used.
    pub seed: u64,
    /// Which model.
    pub model: Fingerprint,
    /// Which data.
    pub data: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

impl Attribution {
    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.features.len()
    }
    /// Attributions of the i-th explained row.
    pub fn row(&self, i: usize) -> &[f64] {
        let n = self.n_features();
        &self.values[i * n..(i + 1) * n]
    }
    /// Inputs of the i-th explained row.
    pub fn input(&self, i: usize) -> &[f64] {
        let n = self.n_features();
        &self.inputs[i * n..(i + 1) * n]
    }
}
