//! The traits that every model meets, and the card that says what it is.
//!
//! The layers above never learn which library stands behind a model: they ask [`Model::structure`] for a plain view.

use serde::{Deserialize, Serialize};

use super::ensemble::TreeEnsemble;
use super::file::NamedTensor;
use super::metrics::Evaluation;
use super::spec::ModelSpec;
use super::standing::{self, Changed, Standing};
use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::{Encoder, Feature, FeatureMatrix};

/// What kind of outcome a target is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum OutcomeKind {
    /// Yes or no; the model gives the probability of `positive`.
    Binary {
        /// The value that counts as yes.
        positive: String,
        /// The other value, where the data named one.
        negative: String,
    },
    /// One of several classes: this outcome is the probability of one of them, its neighbours those of the others.
    Class {
        /// The class.
        class: String,
    },
    /// An amount.
    Number,
}

/// One thing a model predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Target column.
    pub name: String,
    /// Yes/no or amount.
    #[serde(flatten)]
    pub kind: OutcomeKind,
    /// Share of positives, or mean, over the train rows.
    pub base_rate: f64,
}

impl Outcome {
    /// Whether the outcome is a probability.
    pub fn is_binary(&self) -> bool {
        matches!(self.kind, OutcomeKind::Binary { .. } | OutcomeKind::Class { .. })
    }
    /// Whether it is the probability of one class among several that sum to 1.
    pub fn is_class(&self) -> bool {
        matches!(self.kind, OutcomeKind::Class { .. })
    }
    /// What it is called where several stand side by side: the target, with the class where there is one.
    pub fn label(&self) -> String {
        match &self.kind {
            OutcomeKind::Class { class } => format!("{}: {class}", self.name),
            _ => self.name.clone(),
        }
    }
    /// Target and class, where the outcome says whether a target is this one of its classes: “target = class”.
    pub fn against_rest(&self) -> Option<(&str, &str)> {
        let OutcomeKind::Binary { positive, negative } = &self.kind else { return None };
        let target = self.name.strip_suffix(positive.as_str())?.strip_suffix(" = ")?;
        (negative.is_empty() && !target.is_empty()).then_some((target, positive.as_str()))
    }
    /// The class, where it is one of several.
    pub fn class(&self) -> &str {
        if let OutcomeKind::Class { class } = &self.kind { class } else { "" }
    }
}

/// Rows per part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSizes {
    /// Rows that fitted.
    pub train: usize,
    /// Rows that stopped training early.
    pub validation: usize,
    /// Held-out rows.
    pub test: usize,
}

/// Everything about a model but its numbers; travels in the file and into every result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// What was asked for.
    pub spec: ModelSpec,
    /// What it predicts.
    pub outcomes: Vec<Outcome>,
    /// How rows become numbers, with summaries of the train rows.
    pub encoder: Encoder,
    /// Figures on the held-out rows, one per outcome.
    pub evaluation: Vec<Evaluation>,
    /// Rows per part.
    pub rows: PartSizes,
    /// Where it was trained, as shown to people.
    pub device: String,
    /// Training time.
    pub seconds: f64,
    /// The data it learned from.
    pub data: Fingerprint,
    /// The weights themselves.
    pub fingerprint: Fingerprint,
    /// Training curve.
    pub curve: Vec<crate::base::progress::CurvePoint>,
    /// Half-width of the 90 % split-conformal band on the validation residuals, where a validation part exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<f64>,
    /// What the analyst should know of it.
    pub warnings: Vec<Notice>,
}

impl ModelCard {
    /// The input features.
    pub fn features(&self) -> &[Feature] {
        &self.encoder.features
    }
    /// The target and its classes, where every outcome is one of them: sharing one probability, or each asked against the rest.
    pub fn classes(&self) -> Option<(&str, Vec<&str>)> {
        let first = self.outcomes.first()?;
        if first.is_class() {
            let all = self.outcomes.iter().map(|o| o.is_class().then(|| o.class())).collect::<Option<_>>();
            return all.map(|classes| (first.name.as_str(), classes));
        }
        let target = first.against_rest()?.0;
        let all = self.outcomes.iter().map(|o| o.against_rest().filter(|(t, _)| *t == target).map(|(_, class)| class));
        let classes: Vec<&str> = all.collect::<Option<_>>()?;
        (classes.len() > 1).then_some((target, classes))
    }
    /// Index of the class, or else the outcome, of that name.
    pub fn outcome_named(&self, name: &str) -> Option<usize> {
        let all = &self.outcomes;
        all.iter().position(|o| o.is_class() && o.class() == name).or_else(|| all.iter().position(|o| o.name == name))
    }
    /// Names by which [`Self::outcome_named`] finds them.
    pub fn outcome_names(&self) -> String {
        let names: Vec<&str> = self.outcomes.iter().map(|o| if o.is_class() { o.class() } else { o.name.as_str() }).collect();
        names.join(", ")
    }
    /// The margins of one row as one outcome is shown: a probability, or an amount.
    pub fn shown(&self, margins: &[f64], outcome: usize) -> f64 {
        match &self.outcomes[outcome].kind {
            OutcomeKind::Binary { .. } => sigmoid(margins[outcome]),
            OutcomeKind::Number => margins[outcome],
            OutcomeKind::Class { .. } => {
                // Classes of one target stand side by side.
                let first = self.outcomes.iter().position(Outcome::is_class).unwrap_or(outcome);
                let last = self.outcomes.iter().rposition(Outcome::is_class).unwrap_or(outcome);
                class_share(&margins[first..=last], outcome - first)
            }
        }
    }
}

/// A model that predicts.
pub trait Model: Send + Sync {
    /// What it is.
    fn card(&self) -> &ModelCard;
    /// For changing name, evaluation or fingerprint once they are known.
    fn card_mut(&mut self) -> &mut ModelCard;
    /// Margins (log-odds for a yes/no outcome, the amount itself for a number), row-major `rows × outcomes`.
    fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>>;
    /// What explanation may look at.
    fn structure(&self) -> Structure<'_>;
    /// Every learned number, named: what the model file holds and what the fingerprint covers.
    fn tensors(&self) -> Vec<NamedTensor>;

    /// What it says of all rows as they are; a model that can, keeps what makes [`Model::margins_moved`] quick.
    fn standing(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Standing> {
        Ok(self.margins(x, ctx)?.into())
    }

    /// Margins of some `rows` of `x` after some of their features moved, `standing` as [`Model::standing`] said of all of `x`.
    fn margins_moved(
        &self,
        x: &FeatureMatrix,
        _standing: &Standing,
        rows: &[usize],
        changed: &[Changed],
        ctx: &JobCtx,
    ) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(rows.len() * self.card().outcomes.len());
        for (_, _, after) in standing::pieces(x, rows, changed) {
            out.extend(self.margins(&after, ctx)?);
        }
        Ok(out)
    }

    /// Shown values: probabilities or amounts, row-major `rows × outcomes`.
    fn predict(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        let mut out = self.margins(x, ctx)?;
        let outcomes = &self.card().outcomes;
        for (i, v) in out.iter_mut().enumerate() {
            let outcome = &outcomes[i % outcomes.len()];
            if outcome.is_binary() && !outcome.is_class() {
                *v = sigmoid(*v);
            }
        }
        // Classes of one target stand side by side.
        let classes: Vec<usize> = (0..outcomes.len()).filter(|o| outcomes[*o].is_class()).collect();
        if let (Some(first), Some(last)) = (classes.first(), classes.last()) {
            out.chunks_exact_mut(outcomes.len()).for_each(|row| softmax(&mut row[*first..=*last]));
        }
        Ok(out)
    }
}

/// The plain view of a model that explanation works on.
pub enum Structure<'a> {
    /// Margin = base + Σ contribution(feature, value).
    Additive(&'a dyn Additive),
    /// Trees over the input features.
    Trees(&'a TreeEnsemble),
    /// Nothing that could be looked into: it is asked.
    Opaque,
    /// A network with gradients (and attention, if it is a Transformer).
    Network(&'a dyn Network),
}

/// An additive model: exact to explain.
pub trait Additive: Send + Sync {
    /// Margin where every feature contributes its train mean.
    fn base(&self, outcome: usize) -> f64;
    /// What this value of this feature adds to the base on the margin.
    fn contribution(&self, feature: usize, value: f64, outcome: usize) -> f64;
}

/// Which scale an output or an explanation is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Log-odds, or the amount.
    Margin,
    /// Probability.
    #[default]
    Probability,
}

/// Inputs after the embedding layer: `rows × width`, the features side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// Values, row-major.
    pub values: Vec<f32>,
    /// Width of one row.
    pub width: usize,
    /// Where each feature's numbers lie within a row.
    pub parts: Vec<std::ops::Range<usize>>,
}

/// Attention weights of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Layers.
    pub layers: usize,
    /// Heads per layer.
    pub heads: usize,
    /// Tokens on both axes.
    pub tokens: usize,
    /// Weights, `layers × heads × tokens(query) × tokens(key)`.
    pub weights: Vec<f32>,
    /// Gradient of the chosen output with respect to each weight, same layout (empty unless asked for).
    pub gradients: Vec<f32>,
}

/// What gradient and attention methods need of a network. Frozen: no dropout, no weight gradients.
pub trait Network: Send + Sync {
    /// Embeds rows.
    fn embed(&self, x: &FeatureMatrix) -> Result<Embedded>;
    /// Outputs at embedded rows and their gradient with respect to `embedded.values` (same layout).
    fn gradient(&self, embedded: &Embedded, outcome: usize, scale: Scale) -> Result<(Vec<f64>, Vec<f32>)>;
    /// Names of the tokens on the attention axes (a class token first, then features); empty without attention.
    fn tokens(&self) -> Vec<String>;
    /// Attention of each row; `None` for a network without.
    fn attention(&self, x: &FeatureMatrix, outcome: usize, gradients: bool) -> Result<Option<Vec<Attention>>>;
    /// Outputs of each row with these attention heads (layer, head) silenced together; empty without attention.
    fn silenced(&self, _x: &FeatureMatrix, _outcome: usize, _scale: Scale, _heads: &[(usize, usize)]) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }
    /// A named reference input: the train mean in embedding space of every feature, `width` numbers.
    fn reference(&self) -> Vec<f32>;
}

/// Scores to probabilities that sum to 1, without overflow.
pub fn softmax(scores: &mut [f64]) {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|s| *s = (*s - most).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s /= sum);
}

/// The probability of one class by the scores of all, without overflow.
pub fn class_share(scores: &[f64], class: usize) -> f64 {
    let others = scores.iter().enumerate().filter(|(k, _)| *k != class);
    1.0 / (1.0 + others.map(|(_, s)| (s - scores[class]).exp()).sum::<f64>())
}

/// 1 / (1 + e^−m), without overflow.
pub fn sigmoid(m: f64) -> f64 {
    if m >= 0.0 {
        1.0 / (1.0 + (-m).exp())
    } else {
        let e = m.exp();
        e / (1.0 + e)
    }
}
