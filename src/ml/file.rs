//! `.whymodel`: a model in one file, weights as safetensors, everything else beside them as versioned JSON.

use std::path::Path;
use std::sync::Arc;

use super::model::Model;
use crate::base::Result;

/// The numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit whole numbers.
    I64(Vec<i64>),
}

/// A named tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name, unique within the model.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub data: TensorData,
}

/// Writes a model, in one step.
pub fn save(_model: &dyn Model, path: &Path) -> Result<()> {
    Err(crate::fault!("ml.not_a_model", file = path))
}

/// Reads a model.
pub fn load(path: &Path) -> Result<Arc<dyn Model>> {
    Err(crate::fault!("ml.not_a_model", file = path))
}
