//! What an attention picture shows: one head's weights as an image, drawn once and kept as a texture.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{self, ColorImage, TextureHandle, TextureOptions};

use crate::explain::AttentionMap;
use crate::ui::theme::Tokens;

/// Which numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Cells with the largest numbers, largest first; what is masked is left out.
pub fn strongest(weights: &[f32], most: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..weights.len()).filter(|i| !weights[*i].is_nan()).collect();
    let before = |a: &usize, b: &usize| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b));
    if all.len() > most {
        all.select_nth_unstable_by(most, before);
        all.truncate(most);
    }
    all.sort_by(before);
    all
}

/// The largest number that the colours reach: of this head for raw attention (each query's weights sum to 1 anyway), of
/// all heads for gradients, so that heads without effect look empty. In a large map it is what one cell in a hundred
/// exceeds: a few bright cells among hundreds of thousands would leave all others dark.
pub fn most(map: &AttentionMap, what: Layer, at: Head) -> f32 {
    let all = match what {
        Layer::Gradient => &map.gradient,
        _ => weights(map, what, at).unwrap_or_default(),
    };
    let highest = all.iter().copied().filter(|w| w.is_finite()).fold(0.0, f32::max);
    if !is_large(map) {
        return highest;
    }
    let mut sorted: Vec<f32> = all.iter().copied().filter(|w| w.is_finite()).collect();
    let at = sorted.len().saturating_sub(1) * 99 / 100;
    let bright = if sorted.is_empty() { 0.0 } else { *sorted.select_nth_unstable_by(at, f32::total_cmp).1 };
    if bright > 0.0 { bright } else { highest }
}

/// Whether a map has so many cells that its brightest colour stands for the highest hundredth of them.
pub fn is_large(map: &AttentionMap) -> bool {
    map.tokens.len() > POOLED
}

/// Shades between nothing and the most: more than an eye tells apart, and far fewer than a map has cells.
const SHADES: usize = 511;
/// Side from which a thumbnail has an image of its own.
const POOLED: usize = 112;

/// An image with one pixel per weight.
pub fn image(weights: &[f32], tokens: usize, most: f32, t: &Tokens) -> ColorImage {
    let most = if most > 0.0 { most } else { 1.0 };
    let shades: Vec<_> = (0..=SHADES).map(|i| t.sequential(i as f64 / SHADES as f64)).collect();
    let shade = |w: &f32| if w.is_nan() { t.missing } else { shades[((w / most).clamp(0.0, 1.0) * SHADES as f32).round() as usize] };
    ColorImage::new([tokens, tokens], weights.iter().map(shade).collect())
}

/// A smaller square whose every number is the largest of those it stands for: a few bright cells stay visible however small
/// the picture. What is missing everywhere stays missing.
pub fn pooled(weights: &[f32], tokens: usize, side: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; side * side];
    for (i, w) in weights.iter().enumerate() {
        let (q, k) = (i / tokens * side / tokens, i % tokens * side / tokens);
        let o = &mut out[q * side + k];
        *o = o.max(*w);
    }
    out
}

/// Textures of one map in one theme; made when first seen, and dropped with the map.
#[derive(Default)]
pub struct Textures {
    of: Option<(Arc<AttentionMap>, bool)>,
    made: BTreeMap<(Layer, Head, bool), (TextureHandle, f32)>,
}

impl Textures {
    /// The texture of one head and the number at its brightest colour.
    pub fn get(&mut self, ctx: &egui::Context, map: &Arc<AttentionMap>, what: Layer, at: Head) -> Option<(egui::TextureId, f32)> {
        self.of_size(ctx, map, what, at, false)
    }
    /// The texture of one head for a thumbnail: that of the map itself, unless it has many more cells than a thumbnail has
    /// pixels.
    pub fn small(&mut self, ctx: &egui::Context, map: &Arc<AttentionMap>, what: Layer, at: Head) -> Option<(egui::TextureId, f32)> {
        self.of_size(ctx, map, what, at, is_large(map))
    }
    fn of_size(
        &mut self,
        ctx: &egui::Context,
        map: &Arc<AttentionMap>,
        what: Layer,
        at: Head,
        small: bool,
    ) -> Option<(egui::TextureId, f32)> {
        let t = Tokens::of(ctx);
        let same = self.of.as_ref().is_some_and(|(m, dark)| Arc::ptr_eq(m, map) && *dark == t.dark);
        if !same {
            self.made.clear();
            self.of = Some((map.clone(), t.dark));
        }
        if let Some((texture, most)) = self.made.get(&(what, at, small)) {
            return Some((texture.id(), *most));
        }
        let side = map.tokens.len();
        let values = weights(map, what, at)?;
        if side == 0 || side > ctx.input(|i| i.max_texture_side) {
            return None;
        }
        let most = most(map, what, at);
        let name = format!("attention-{what:?}-{}-{}-{small}", at.layer, at.head);
        let picture = if small { image(&pooled(values, side, POOLED / 2), POOLED / 2, most, t) } else { image(values, side, most, t) };
        let texture = ctx.load_texture(name, picture, TextureOptions::NEAREST);
        let id = texture.id();
        self.made.insert((what, at, small), (texture, most));
        Some((id, most))
    }
    /// How many textures were made for the map on screen.
    pub fn made(&self) -> usize {
        self.made.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_cells_come_first() {
        let weights = [0.1, f32::NAN, 0.4, 0.0, 0.4];
        assert_eq!(strongest(&weights, 3), [2, 4, 0]);
        assert_eq!(strongest(&weights, usize::MAX), [2, 4, 0, 3]);
    }

    #[test]
    fn a_large_map_is_not_left_dark_by_its_brightest_cell() {
        let map = |n: usize, weights: Vec<f32>| AttentionMap {
            layers: 1,
            heads: 1,
            tokens: (0..n).map(|i| format!("t{i}")).collect(),
            weights,
            ..AttentionMap::default()
        };
        let at = Head::default();
        let weights = |n: usize| (0..n * n).map(|i| if i == 7 { 0.9 } else { 0.001 * (i % 100) as f32 / 99.0 }).collect::<Vec<f32>>();
        let large = map(120, weights(120));
        let bright = most(&large, Layer::Raw, at);
        assert!((0.0009..=0.001).contains(&bright), "{bright}");
        assert_eq!(most(&map(20, weights(20)), Layer::Raw, at), 0.9, "a small map reaches its highest");
        let mut lone = vec![0.0; 120 * 120];
        lone[3] = 0.4;
        assert_eq!(most(&map(120, lone), Layer::Raw, at), 0.4, "almost all nothing: the highest");
        assert_eq!(most(&map(120, vec![]), Layer::Raw, at), 0.0);
    }
}
