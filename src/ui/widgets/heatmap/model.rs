//! What an attention picture shows: one head's weights as an image, drawn once and kept as a texture.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{self, ColorImage, TextureHandle, TextureOptions};

use crate::explain::AttentionMap;
use crate::ui::theme::Tokens;

/// Which numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Attention weights as they are.
    Raw,
    /// |gradient × attention|.
    Gradient,
    /// Attention through all layers.
    Rollout,
    /// The positive part of gradient × attention through all layers.
    GradientRollout,
}

impl Layer {
    /// Whether it has one map per head; the others are of all heads together.
    pub fn by_head(self) -> bool {
        matches!(self, Self::Raw | Self::Gradient)
    }
}

/// One head, by its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// Layer, from 0.
    pub layer: usize,
    /// Head, from 0.
    pub head: usize,
}

/// The numbers of one head, if the map has them.
pub fn weights(map: &AttentionMap, what: Layer, at: Head) -> Option<&[f32]> {
    let n = map.tokens.len() * map.tokens.len();
    let all = match what {
        Layer::Raw => &map.weights,
        Layer::Gradient => &map.gradient,
        Layer::Rollout => return map.rollout.get(..n).filter(|r| !r.is_empty()),
        Layer::GradientRollout => return map.gradient_rollout.get(..n).filter(|r| !r.is_empty()),
    };
    let begin = (at.layer * map.heads + at.head) * n;
    (at.layer < map.layers && at.head < map.heads).then(|| all.get(begin..begin + n)).flatten()
}

/// The largest number that the colours reach: of this head for raw attention (each query's weights sum to 1 anyway), of
/// all heads for gradients, so that heads without effect look empty.
pub fn most(map: &AttentionMap, what: Layer, at: Head) -> f32 {
    let all = match what {
        Layer::Gradient => &map.gradient,
        _ => weights(map, what, at).unwrap_or_default(),
    };
    all.iter().copied().filter(|w| w.is_finite()).fold(0.0, f32::max)
}

/// An image with one pixel per weight.
pub fn image(weights: &[f32], tokens: usize, most: f32, t: &Tokens) -> ColorImage {
    let most = if most > 0.0 { most } else { 1.0 };
    let pixels = weights.iter().map(|w| t.sequential(f64::from(w / most))).collect();
    ColorImage::new([tokens, tokens], pixels)
}

/// Textures of one map in one theme; made when first seen, and dropped with the map.
#[derive(Default)]
pub struct Textures {
    of: Option<(Arc<AttentionMap>, bool)>,
    made: BTreeMap<(Layer, Head), (TextureHandle, f32)>,
}

impl Textures {
    /// The texture of one head and the number at its brightest colour.
    pub fn get(&mut self, ctx: &egui::Context, map: &Arc<AttentionMap>, what: Layer, at: Head) -> Option<(egui::TextureId, f32)> {
        let t = Tokens::of(ctx);
        let same = self.of.as_ref().is_some_and(|(m, dark)| Arc::ptr_eq(m, map) && *dark == t.dark);
        if !same {
            self.made.clear();
            self.of = Some((map.clone(), t.dark));
        }
        if let Some((texture, most)) = self.made.get(&(what, at)) {
            return Some((texture.id(), *most));
        }
        let side = map.tokens.len();
        let values = weights(map, what, at)?;
        if side == 0 || side > ctx.input(|i| i.max_texture_side) {
            return None;
        }
        let most = most(map, what, at);
        let name = format!("attention-{what:?}-{}-{}", at.layer, at.head);
        let texture = ctx.load_texture(name, image(values, side, most, t), TextureOptions::NEAREST);
        let id = texture.id();
        self.made.insert((what, at), (texture, most));
        Some((id, most))
    }
    /// How many textures were made for the map on screen.
    pub fn made(&self) -> usize {
        self.made.len()
    }
}
