//! The entry: which method explains which model, for which rows, on which scale.

use crate::base::{Fingerprint, JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::Model;
use crate::ml::model::Scale;

use super::attribution::{Attribution, Method};

/// What to explain and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainOptions {
    /// The method; the model's own exact or default one if `None`.
    pub method: Option<Method>,
    /// Log-odds or probability.
    pub scale: Scale,
    /// Which outcome.
    pub outcome: usize,
    /// Seed where sampling is needed.
    pub seed: u64,
    /// Largest accepted completeness gap of Integrated Gradients, as a share of max(|Δp|, 0.01).
    pub gap: f64,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self { method: None, scale: Scale::Probability, outcome: 0, seed: 1, gap: 0.01 }
    }
}

/// Explains rows `x` (whose lines in the file are `rows`) of `model`.
pub fn explain(
    model: &dyn Model,
    x: &FeatureMatrix,
    rows: &[u32],
    data: &Fingerprint,
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<Attribution> {
    let _ = (model, x, rows, data, options, ctx);
    Err(crate::fault!("explain.unsupported"))
}
