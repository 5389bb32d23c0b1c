//! Attention maps: where a Transformer looked, beside what the gradient says of it. Where it looked is not why.

use serde::{Deserialize, Serialize};

/// Attention of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionMap {
    /// Line of the row in the file.
    pub row: u32,
    /// Layers.
    pub layers: usize,
    /// Heads per layer.
    pub heads: usize,
    /// Token names on both axes: the class token, then features with their value.
    pub tokens: Vec<String>,
    /// `layers × heads × query × key`; each query's weights sum to 1.
    pub weights: Vec<f32>,
    /// |gradient × attention|, same layout, normalised by nothing.
    pub gradient: Vec<f32>,
    /// Rank correlation between raw attention on the class token's row (mean over heads and layers) and the size of the
    /// features' attributions; the badge shows when it is below .3.
    pub agreement: Option<f64>,
}

impl AttentionMap {
    /// The weights of one head, `tokens × tokens`.
    pub fn head(&self, layer: usize, head: usize) -> &[f32] {
        let n = self.tokens.len() * self.tokens.len();
        let at = (layer * self.heads + head) * n;
        &self.weights[at..at + n]
    }
    /// Gradient × attention of one head.
    pub fn head_gradient(&self, layer: usize, head: usize) -> &[f32] {
        let n = self.tokens.len() * self.tokens.len();
        let at = (layer * self.heads + head) * n;
        &self.gradient[at..at + n]
    }
}
