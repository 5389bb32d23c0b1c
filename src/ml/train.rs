//! Training: one entry for every kind of model.

use std::sync::Arc;

use super::model::{Model, Outcome};
use super::spec::ModelSpec;
use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::{Encoder, FeatureMatrix, Part};

/// Everything that training reads.
#[derive(Clone, Debug)]
pub struct TrainData {
    /// Encoded rows.
    pub x: FeatureMatrix,
    /// Targets, one vector per outcome (0/1 or amounts); NaN is missing.
    pub y: Vec<Vec<f64>>,
    /// Part of each row.
    pub parts: Vec<Part>,
    /// What is predicted.
    pub outcomes: Vec<Outcome>,
    /// How the rows were encoded.
    pub encoder: Encoder,
    /// The data's fingerprint.
    pub data: Fingerprint,
    /// What the analyst should know of the data, copied into the card.
    pub warnings: Vec<Notice>,
}

/// Checks the spec, fits, evaluates on the test rows, fills the card.
pub fn train(spec: &ModelSpec, _data: &TrainData, _ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    Err(crate::fault!("ml.too_few_rows", model = &spec.name))
}
