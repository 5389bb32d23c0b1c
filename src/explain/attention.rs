//! Attention maps: where a Transformer looked, beside what the gradient says of it. Where it looked is not why.

use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::fault;
use crate::ml::Model;
use crate::ml::model::{Attention, Scale, Structure};

use super::gradients::integrated;
use super::method::check;
use super::summary::spearman;

/// Rows whose attention is read in one call.
const CALL: usize = 64;

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

/// Attention maps of rows `x` (whose lines in the file are `rows`); a fault if the model is not a Transformer.
pub fn maps(model: &dyn Model, x: &FeatureMatrix, rows: &[u32], outcome: usize, ctx: &JobCtx) -> Result<Vec<AttentionMap>> {
    check(model, x, rows, outcome)?;
    let card = model.card();
    let none = || fault!("explain.no_attention", model = &card.spec.name, kind = card.spec.kind.name());
    let wrong = || fault!("explain.network_shape");
    let Structure::Network(net) = model.structure() else { return Err(none()) };
    let names = net.tokens();
    if names.is_empty() {
        return Err(none());
    }
    let scale = if card.outcomes[outcome].is_binary() { Scale::Probability } else { Scale::Margin };
    let mut out = Vec::with_capacity(rows.len());
    for from in (0..rows.len()).step_by(CALL) {
        let to = rows.len().min(from + CALL);
        let part = x.select(&(from..to).collect::<Vec<_>>());
        let sizes = integrated(net, &part, outcome, scale, 0.05, ctx)?.values;
        ctx.stage("explain.stage_attention", rows.len() as u64);
        ctx.check()?;
        let all = net.attention(&part, outcome, true)?.ok_or_else(none)?;
        if all.len() != to - from {
            return Err(wrong());
        }
        for (i, a) in all.into_iter().enumerate() {
            let cells = a.layers * a.heads * a.tokens * a.tokens;
            if a.tokens != names.len() || a.weights.len() != cells || a.gradients.len() != cells {
                return Err(wrong());
            }
            let labels = labels(model, &names, part.row(i));
            let sizes: Vec<f64> = sizes[i * x.n_features..(i + 1) * x.n_features].iter().map(|v| v.abs()).collect();
            let agreement = agreement(&a, &sizes);
            let gradient = a.weights.iter().zip(&a.gradients).map(|(w, g)| (w * g).abs()).collect();
            let (layers, heads, weights) = (a.layers, a.heads, a.weights);
            out.push(AttentionMap { row: rows[from + i], layers, heads, tokens: labels, weights, gradient, agreement });
        }
        ctx.at(to as u64);
    }
    Ok(out)
}

/// “feature = value” for every feature token; the class token keeps its name.
fn labels(model: &dyn Model, names: &[String], row: &[f64]) -> Vec<String> {
    let features = model.card().features();
    let label = |(i, name): (usize, &String)| match i.checked_sub(1).and_then(|f| Some((features.get(f)?, row.get(f)?))) {
        Some((feature, value)) => format!("{} = {}", feature.name, feature.show(*value)),
        None => name.clone(),
    };
    names.iter().enumerate().map(label).collect()
}

/// Rank correlation of where the class token looks (mean over layers and heads) with the sizes of the attributions.
fn agreement(a: &Attention, sizes: &[f64]) -> Option<f64> {
    if a.tokens != sizes.len() + 1 {
        return None;
    }
    let n = a.tokens;
    let mut looked = vec![0.0; sizes.len()];
    for head in a.weights.chunks(n * n) {
        for (l, w) in looked.iter_mut().zip(&head[1..n]) {
            *l += f64::from(*w);
        }
    }
    if sizes.len() < 3 { None } else { spearman(&looked, sizes) }
}
