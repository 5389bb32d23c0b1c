//! Attention maps: where a Transformer looked, beside what the gradient says of it and what was tested: every token taken
//! out, every head silenced. Where it looked is not why.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::fault;
use crate::ml::Model;
use crate::ml::model::{Attention, Embedded, Network, Scale, Structure};

use super::method::check;
use super::summary::spearman;

/// Below this rank correlation of where it looked with what was tested, attention is not to be read as a reason.
pub const AGREES: f64 = 0.3;
/// Rows whose attention is read in one call.
const CALL: usize = 64;

/// A head, by layer and number in it, both from 0.
pub type Head = (usize, usize);

/// How a head stands on the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Heard like any other.
    Sounds,
    /// Silenced by hand.
    Muted,
    /// One of those that alone are heard.
    Solo,
    /// Silenced because others are heard alone.
    Aside,
}

/// Heads that the analyst silences, as on a mixing desk: a muted one is silent; while any is solo, all others are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    muted: BTreeSet<Head>,
    solo: BTreeSet<Head>,
}

impl Desk {
    /// Mutes a head, or lets it sound again.
    pub fn mute(&mut self, head: Head) {
        if !self.muted.remove(&head) {
            self.muted.insert(head);
            self.solo.remove(&head);
        }
    }
    /// Lets a head sound alone (with others that do), or no longer.
    pub fn solo(&mut self, head: Head) {
        if !self.solo.remove(&head) {
            self.solo.insert(head);
            self.muted.remove(&head);
        }
    }
    /// How a head stands.
    pub fn standing(&self, head: Head) -> Standing {
        if self.muted.contains(&head) {
            Standing::Muted
        } else if self.solo.contains(&head) {
            Standing::Solo
        } else if self.solo.is_empty() {
            Standing::Sounds
        } else {
            Standing::Aside
        }
    }
    /// The silent heads of a network of that size, in order.
    pub fn silent(&self, layers: usize, heads: usize) -> Vec<Head> {
        let all = (0..layers).flat_map(|l| (0..heads).map(move |h| (l, h)));
        all.filter(|h| matches!(self.standing(*h), Standing::Muted | Standing::Aside)).collect()
    }
    /// Whether nobody is silenced.
    pub fn is_clear(&self) -> bool {
        self.muted.is_empty() && self.solo.is_empty()
    }
}

/// Attention of one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Attention multiplied through the layers (mean over the heads that are not silent, half of every token kept),
    /// `query × key`.
    #[serde(default)]
    pub rollout: Vec<f32>,
    /// The positive part of gradient × attention multiplied through the layers, `query × key`.
    #[serde(default)]
    pub gradient_rollout: Vec<f32>,
    /// Output of the row.
    #[serde(default)]
    pub output: f64,
    /// What it changes by when a token is taken out (set to its average): with minus without.
    #[serde(default)]
    pub tested: Vec<f64>,
    /// The same for each head that is silenced, `layers × heads`.
    #[serde(default)]
    pub tested_heads: Vec<f64>,
    /// Heads that were silenced together, and left out of both rollouts.
    #[serde(default)]
    pub silent: Vec<Head>,
    /// Output with those heads silenced together, from a pass of its own; `None` if no head is silent.
    #[serde(default)]
    pub silenced: Option<f64>,
    /// Scale of the tested effects.
    #[serde(default)]
    pub scale: Scale,
    /// Rank correlation between raw attention on the class token's row (mean over heads and layers) and the size of the
    /// features' tested effects; the badge shows when it is below .3.
    pub agreement: Option<f64>,
}

impl AttentionMap {
    /// The weights of one head, `tokens × tokens`.
    pub fn head(&self, layer: usize, head: usize) -> &[f32] {
        let n = self.tokens.len() * self.tokens.len();
        let at = (layer * self.heads + head) * n;
        &self.weights[at..at + n]
    }
    /// What the heads of this set change, one by one and added up: not what they change together.
    pub fn one_by_one(&self) -> f64 {
        self.silent.iter().filter_map(|(l, h)| self.tested_heads.get(l * self.heads + h)).sum()
    }
    /// Share of its look that the class token gave each token: mean over layers and heads.
    pub fn looked(&self) -> Vec<f64> {
        let n = self.tokens.len();
        let mut out = vec![0.0; n];
        let all = (self.layers * self.heads).max(1) as f64;
        for head in self.weights.chunks_exact((n * n).max(1)) {
            out.iter_mut().zip(head).for_each(|(o, w)| *o += f64::from(*w) / all);
        }
        out
    }
    /// Gradient × attention of one head.
    pub fn head_gradient(&self, layer: usize, head: usize) -> &[f32] {
        let n = self.tokens.len() * self.tokens.len();
        let at = (layer * self.heads + head) * n;
        &self.gradient[at..at + n]
    }
}

/// Attention maps of rows `x` (whose lines in the file are `rows`), with some heads silenced together; a fault if the model
/// is not a Transformer.
pub fn maps(
    model: &dyn Model,
    x: &FeatureMatrix,
    rows: &[u32],
    outcome: usize,
    silent: &[Head],
    ctx: &JobCtx,
) -> Result<Vec<AttentionMap>> {
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
        ctx.stage("explain.stage_attention", rows.len() as u64);
        ctx.check()?;
        let all = net.attention(&part, outcome, true)?.ok_or_else(none)?;
        let (outputs, tested) = without_tokens(net, &part, outcome, scale)?;
        if all.len() != to - from || outputs.len() != all.len() {
            return Err(wrong());
        }
        let (layers, per_layer) = all.first().map_or((0, 0), |a| (a.layers, a.heads));
        if let Some((l, h)) = silent.iter().find(|(l, h)| *l >= layers || *h >= per_layer) {
            return Err(fault!("explain.no_such_head", layer = *l, head = *h, layers = layers, heads = per_layer));
        }
        // One pass for each head alone, and one for the silent ones together.
        let mut alone = Vec::with_capacity(layers * per_layer);
        for h in 0..layers * per_layer {
            ctx.check()?;
            alone.push(net.silenced(&part, outcome, scale, &[(h / per_layer, h % per_layer)])?);
        }
        let together = if silent.is_empty() { Vec::new() } else { net.silenced(&part, outcome, scale, silent)? };
        for (i, a) in all.into_iter().enumerate() {
            let cells = a.layers * a.heads * a.tokens * a.tokens;
            if a.tokens != names.len() || a.weights.len() != cells || a.gradients.len() != cells {
                return Err(wrong());
            }
            let tested = &tested[i * x.n_features..(i + 1) * x.n_features];
            let sizes: Vec<f64> = tested.iter().map(|v| v.abs()).collect();
            out.push(AttentionMap {
                row: rows[from + i],
                layers: a.layers,
                heads: a.heads,
                tokens: labels(model, &names, part.row(i)),
                gradient: a.weights.iter().zip(&a.gradients).map(|(w, g)| (w * g).abs()).collect(),
                rollout: rollout(&a, silent),
                gradient_rollout: gradient_rollout(&a, silent),
                output: outputs[i],
                tested: std::iter::once(0.0).chain(tested.iter().copied()).collect(),
                tested_heads: alone.iter().filter_map(|without| Some(outputs[i] - without.get(i)?)).collect(),
                silent: silent.to_vec(),
                silenced: together.get(i).copied(),
                scale,
                agreement: agreement(&a, &sizes),
                weights: a.weights,
            });
        }
        ctx.at(to as u64);
    }
    Ok(out)
}

/// Outputs of rows, and what each feature's token changes: the output minus the output with the token at its average.
fn without_tokens(net: &dyn Network, x: &FeatureMatrix, outcome: usize, scale: Scale) -> Result<(Vec<f64>, Vec<f64>)> {
    let embedded = net.embed(x)?;
    let (width, parts, average) = (embedded.width, embedded.parts.clone(), net.reference());
    if average.len() != width || parts.len() != x.n_features {
        return Err(fault!("explain.network_shape"));
    }
    let call =
        |values: Vec<f32>| Ok::<_, crate::base::Fault>(net.gradient(&Embedded { values, width, parts: parts.clone() }, outcome, scale)?.0);
    let outputs = call(embedded.values.clone())?;
    let mut changes = Vec::with_capacity(outputs.len() * parts.len());
    for (row, output) in embedded.values.chunks_exact(width.max(1)).zip(&outputs) {
        let mut values = Vec::with_capacity(parts.len() * width);
        for part in &parts {
            let at = values.len();
            values.extend_from_slice(row);
            values[at + part.start..at + part.end].copy_from_slice(&average[part.clone()]);
        }
        changes.extend(call(values)?.iter().map(|without| output - without));
    }
    Ok((outputs, changes))
}

/// Multiplies square matrices `a · b`.
fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for i in 0..n {
        for k in 0..n {
            let v = a[i * n + k];
            for j in 0..n {
                out[i * n + j] += v * b[k * n + j];
            }
        }
    }
    out
}

/// Mean over the heads of one layer that are not silent of `f(weight, gradient)`; `None` if all are.
fn mean_head(a: &Attention, layer: usize, silent: &[Head], f: impl Fn(f64, f64) -> f64) -> Option<Vec<f64>> {
    let n = a.tokens * a.tokens;
    let mut out = vec![0.0; n];
    let heard: Vec<usize> = (0..a.heads).filter(|h| !silent.contains(&(layer, *h))).collect();
    for h in &heard {
        let at = (layer * a.heads + h) * n;
        for (i, o) in out.iter_mut().enumerate() {
            let gradient = a.gradients.get(at + i).copied().unwrap_or(0.0);
            *o += f(f64::from(a.weights[at + i]), f64::from(gradient)) / heard.len() as f64;
        }
    }
    (!heard.is_empty()).then_some(out)
}

/// Attention rollout: every layer keeps half of each token and mixes in what its heads look at; a silent layer passes on.
fn rollout(a: &Attention, silent: &[Head]) -> Vec<f32> {
    let n = a.tokens;
    let mut all: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    for l in 0..a.layers {
        let Some(mut one) = mean_head(a, l, silent, |w, _| 0.5 * w) else { continue };
        (0..n).for_each(|i| one[i * n + i] += 0.5);
        all = product(&one, &all, n);
    }
    all.iter().map(|v| *v as f32).collect()
}

/// The same with what raises the output only: R ← R + mean over heads of max(0, gradient × attention) · R.
fn gradient_rollout(a: &Attention, silent: &[Head]) -> Vec<f32> {
    let n = a.tokens;
    let mut all: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    for l in 0..a.layers {
        let Some(mean) = mean_head(a, l, silent, |w, g| (w * g).max(0.0)) else { continue };
        let more = product(&mean, &all, n);
        all.iter_mut().zip(&more).for_each(|(a, m)| *a += m);
    }
    // The identity that the sum began with says nothing.
    all.iter().enumerate().map(|(i, v)| (v - f64::from(u8::from(i / n == i % n))) as f32).collect()
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

/// Rank correlation of where the class token looks (mean over layers and heads) with the sizes of the tested effects.
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
