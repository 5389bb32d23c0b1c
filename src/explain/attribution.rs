//! An attribution: how much each feature moved each row's output away from the base value. One plain value that the
//! window draws, the report prints, the command line writes and the tests check.

use serde::{Deserialize, Serialize};

use super::reference::ReferenceNote;
use crate::base::{Fingerprint, Notice};
use crate::data::Feature;
use crate::ml::model::Scale;

/// How it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact path-dependent Shapley values of trees.
    TreeShap,
    /// Exact Shapley values of trees against a reference group.
    TreeShapReference,
    /// Pairwise interactions of trees (a table of its own).
    Interactions,
    /// Exact Shapley values of an additive model.
    LinearShap,
    /// Every coalition of few players, for any model.
    ExactShap,
    /// Coalitions in pairs and a regression, for any model.
    KernelShap,
    /// Orders in antithetic pairs, for any model.
    PermutationShap,
    /// Exact values of trees that imitate the model, and orders for what they miss; for any model.
    ProxyShap,
    /// A sparse line around the row, for any model.
    Lime,
    /// Integrated Gradients at the embedding output.
    IntegratedGradients,
    /// Integrated Gradients from every row of a reference group.
    ExpectedGradients,
    /// Attention weights (never alone).
    Attention,
    /// Gradient × attention.
    AttentionGradient,
    /// Attention multiplied through the layers.
    AttentionRollout,
    /// What changes when a token is taken out.
    AttentionTested,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 15] = [
        Self::TreeShap,
        Self::TreeShapReference,
        Self::Interactions,
        Self::LinearShap,
        Self::ExactShap,
        Self::KernelShap,
        Self::PermutationShap,
        Self::ProxyShap,
        Self::Lime,
        Self::IntegratedGradients,
        Self::ExpectedGradients,
        Self::Attention,
        Self::AttentionGradient,
        Self::AttentionRollout,
        Self::AttentionTested,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TreeShap => "tree-shap",
            Self::TreeShapReference => "tree-shap-reference",
            Self::Interactions => "interactions",
            Self::LinearShap => "linear-shap",
            Self::ExactShap => "exact-shap",
            Self::KernelShap => "kernel-shap",
            Self::PermutationShap => "permutation-shap",
            Self::ProxyShap => "proxy-shap",
            Self::Lime => "lime",
            Self::IntegratedGradients => "integrated-gradients",
            Self::ExpectedGradients => "expected-gradients",
            Self::Attention => "attention",
            Self::AttentionGradient => "attention-gradient",
            Self::AttentionRollout => "attention-rollout",
            Self::AttentionTested => "attention-tested",
        }
    }

    /// Whether it shows where a Transformer looks, as a map of its own.
    pub fn is_attention(self) -> bool {
        matches!(self, Self::Attention | Self::AttentionGradient | Self::AttentionRollout | Self::AttentionTested)
    }

    /// Whether it compares with the rows of a group, and so needs one.
    pub fn needs_reference(self) -> bool {
        matches!(
            self,
            Self::TreeShapReference
                | Self::ExactShap
                | Self::KernelShap
                | Self::PermutationShap
                | Self::ProxyShap
                | Self::Lime
                | Self::ExpectedGradients
        )
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
    /// The class explained, where there are several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Index of the outcome in the model.
    pub outcome_index: usize,
    /// Whether the outcome is an amount: its margin is the amount itself, and no log-odds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub amount: bool,
    /// Whether every value is exact (else see `half_width` and `gap`).
    pub exact: bool,
    /// Feature names, in file order; groups of features stand where their first one stands.
    pub features: Vec<String>,
    /// Where features are grouped: the features behind each name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Vec<usize>>,
    /// The group that the row is compared with, where the method compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceNote>,
    /// Rows explained: line in the file, 0-based.
    pub rows: Vec<u32>,
    /// Feature values of those rows as in the matrix, `rows × features` (for colour and words); NaN for a group of several.
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

/// Past this share left unexplained nothing is drawn as fact.
const NO_FACT: f64 = 0.05;

impl Attribution {
    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.features.len()
    }
    /// What share of a row's distance from the base is left unexplained, where that is too much for its bars to be drawn as
    /// fact.
    pub fn unexplained(&self, i: usize) -> Option<f64> {
        let (gap, all) = (self.gaps.get(i)?.abs(), (self.predictions.get(i)? - self.base).abs().max(0.01));
        (gap > NO_FACT * all).then_some(gap / all)
    }
    /// How many rows are so; none where that is no more of them than a twentieth.
    pub fn rows_unexplained(&self) -> Option<usize> {
        let n = (0..self.rows.len()).filter(|i| self.unexplained(*i).is_some()).count();
        (n as f64 > NO_FACT * self.rows.len() as f64).then_some(n)
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

    /// The feature behind an attribution; `None` for a group of several.
    pub fn feature<'a>(&self, at: usize, features: &'a [Feature]) -> Option<&'a Feature> {
        match self.members.get(at).map(Vec::as_slice) {
            None if self.members.is_empty() => features.get(at),
            Some([one]) => features.get(*one),
            _ => None,
        }
    }

    /// The features of a group of several; empty for a lone one.
    pub fn group(&self, at: usize) -> &[usize] {
        self.members.get(at).map_or(&[][..], |m| if m.len() > 1 { m } else { &[] })
    }

    /// The value behind an attribution as the analyst would write it; “…” for a group of several features.
    pub fn input_shown(&self, i: usize, at: usize, features: &[Feature]) -> String {
        if !self.group(at).is_empty() {
            return "…".to_owned();
        }
        self.feature(at, features).map_or_else(|| crate::base::numbers::plain(self.input(i)[at]), |f| f.show(self.input(i)[at]))
    }
}
