//! Attention heatmaps: thumbnails of every head, and one head large with its tokens on both axes.
//!
//! [`model`] makes one texture a head, once; [`layout`] says where cells stand; [`paint`] draws. Nothing here grows with
//! the number of cells after the texture was made: hovering is arithmetic.

pub mod layout;
pub mod model;
pub mod paint;

use std::sync::Arc;

use eframe::egui::{self, Role, Sense, Ui, WidgetInfo, vec2};

use crate::base::{Lang, tr, tr_with};
use crate::explain::AttentionMap;
use crate::ui::theme::{SMALL, Tokens};

pub use model::{Head, Layer, Textures};

/// A weight as exact as it is.
fn exact(w: f32) -> String {
    if w.is_nan() { "–".to_owned() } else { format!("{w:.5}") }
}

/// Thumbnails of all heads; returns the one that was clicked.
pub fn thumbnails(ui: &mut Ui, map: &Arc<AttentionMap>, textures: &mut Textures, what: Layer, selected: Head, lang: Lang) -> Option<Head> {
    let (rects, size) = layout::thumbnails(map.layers, map.heads, ui.available_width());
    let (area, whole) = ui.allocate_exact_size(size, Sense::hover());
    let t = Tokens::of(ui.ctx());
    let mut clicked = None;
    for (i, rect) in rects.iter().enumerate() {
        let at = Head { layer: i / map.heads.max(1), head: i % map.heads.max(1) };
        let rect = rect.translate(area.min.to_vec2());
        let response = ui.interact(rect, whole.id.with((what == Layer::Raw, i)), Sense::click());
        let name = head_name(at, what, lang);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, at == selected, &name));
        if response.clicked() {
            clicked = Some(at);
        }
        if ui.is_rect_visible(rect) {
            if let Some((id, _)) = textures.get(ui.ctx(), map, what, at) {
                paint::texture(ui.painter(), id, rect);
            }
            paint::frame(ui.painter(), t, rect, at == selected, response.hovered());
        }
        response.on_hover_ui(|ui| {
            ui.label(name);
            let own = model::weights(map, what, at).unwrap_or_default().iter().copied().fold(0.0, f32::max);
            ui.label(tr_with(lang, "why.largest_weight", &[("weight", &exact(own))]));
        });
    }
    clicked
}

/// A head's name.
pub fn head_name(at: Head, what: Layer, lang: Lang) -> String {
    let key = match what {
        Layer::Raw => "why.head_name",
        Layer::Gradient => "why.head_name_gradient",
        Layer::Rollout => return tr(lang, "why.method_attention_rollout").to_owned(),
        Layer::GradientRollout => return tr(lang, "why.attention_gradient_rollout").to_owned(),
    };
    tr_with(lang, key, &[("layer", &(at.layer + 1)), ("head", &(at.head + 1))])
}

/// One head large; `twin` marks the cell hovered in the picture beside it. Returns the hovered cell.
pub fn map(
    ui: &mut Ui,
    map: &Arc<AttentionMap>,
    textures: &mut Textures,
    what: Layer,
    at: Head,
    twin: Option<(usize, usize)>,
    lang: Lang,
) -> Option<(usize, usize)> {
    let longest = map.tokens.iter().map(|t| t.chars().count()).max().unwrap_or(0);
    let l = layout::lay_out(map.tokens.len(), ui.available_width(), (longest as f32 * 6.5 + 6.0).clamp(24.0, 110.0));
    let (rect, response) = ui.allocate_exact_size(l.size, Sense::hover());
    let t = Tokens::of(ui.ctx());
    let values = model::weights(map, what, at);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(map, what, at, lang)));
    let offset = rect.min.to_vec2();
    let hovered = response.hover_pos().and_then(|p| l.cell_at(p - offset));
    let texture = textures.get(ui.ctx(), map, what, at);
    if ui.is_rect_visible(rect) {
        paint::map(ui.painter(), t, &l, offset, texture.map(|x| x.0), &map.tokens, hovered.or(twin));
    }
    if let Some((_, most)) = texture {
        ui.horizontal(|ui| {
            let small = |s: String| egui::RichText::new(s).size(SMALL).color(t.weak);
            ui.label(small("0".to_owned()));
            let (ramp, _) = ui.allocate_exact_size(vec2(96.0, 8.0), Sense::hover());
            paint::ramp(ui.painter(), t, ramp);
            ui.label(small(exact(most)));
        });
    } else {
        ui.label(tr(lang, "why.no_map"));
    }
    if let (Some((q, k)), Some(values)) = (hovered, values) {
        let weight = values.get(q * map.tokens.len() + k).copied().unwrap_or(f32::NAN);
        response.on_hover_ui_at_pointer(|ui| {
            ui.label(egui::RichText::new(exact(weight)).strong());
            ui.label(tr_with(lang, "why.query_key", &[("query", &map.tokens[q]), ("key", &map.tokens[k])]));
        });
    }
    hovered
}

/// The strongest weights in words.
pub fn summary(map: &AttentionMap, what: Layer, at: Head, lang: Lang) -> String {
    let n = map.tokens.len();
    // Bounded: the first line (the class token) says what the prediction looks at.
    let values = model::weights(map, what, at).unwrap_or_default();
    let mut order: Vec<usize> = (0..n.min(values.len())).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    let top: Vec<_> = order.iter().take(5).map(|&i| format!("{}: {}", map.tokens[i], exact(values[i]))).collect();
    tr_with(lang, "why.map_summary", &[("head", &head_name(at, what, lang)), ("top", &top.join("; "))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    pub(crate) fn example(layers: usize, heads: usize, n: usize) -> Arc<AttentionMap> {
        let weights = (0..layers * heads * n * n).map(|i| (i % n) as f32 / (n * n) as f32).collect::<Vec<_>>();
        let tokens = (0..n).map(|i| if i == 0 { "[class]".to_owned() } else { format!("token {i}") }).collect();
        Arc::new(AttentionMap {
            row: 3,
            layers,
            heads,
            tokens,
            gradient: weights.clone(),
            weights,
            agreement: Some(0.1),
            ..AttentionMap::default()
        })
    }

    #[test]
    fn colours_follow_weights() {
        let t = &crate::ui::theme::LIGHT;
        let img = model::image(&[0.0, 0.5, 1.0, f32::NAN], 2, 1.0, t);
        assert_eq!(img.pixels[0], t.sequential(0.0));
        assert_eq!(img.pixels[2], t.sequential(1.0));
        assert_eq!(img.pixels[3], t.missing);
        assert_eq!(model::image(&[0.0; 4], 2, 0.0, t).pixels[1], t.sequential(0.0), "all zero is not bright");
    }

    #[test]
    fn a_cut_map_is_no_panic() {
        let mut m = (*example(1, 2, 3)).clone();
        m.weights.truncate(5);
        assert_eq!(model::weights(&m, Layer::Raw, Head { layer: 0, head: 1 }), None);
        assert_eq!(model::weights(&m, Layer::Gradient, Head { layer: 7, head: 0 }), None);
        assert!(!summary(&m, Layer::Raw, Head { layer: 0, head: 1 }, Lang::En).is_empty());
    }

    #[test]
    fn textures_are_made_once_and_hover_reads_the_cell() {
        let m = example(2, 2, 6);
        let textures = std::cell::RefCell::new(Textures::default());
        let seen = std::cell::RefCell::new((None, None));
        let mut h = Harness::builder().with_size([400.0, 600.0]).build_ui(|ui| {
            let mut x = textures.borrow_mut();
            if let Some(c) = thumbnails(ui, &m, &mut x, Layer::Raw, Head::default(), Lang::En) {
                seen.borrow_mut().0 = Some(c);
            }
            let hovered = map(ui, &m, &mut x, Layer::Raw, Head::default(), None, Lang::En);
            if hovered.is_some() {
                seen.borrow_mut().1 = hovered;
            }
        });
        h.run();
        let after_first = textures.borrow().made();
        assert_eq!(after_first, 4, "one texture a head");
        h.run_steps(3);
        assert_eq!(textures.borrow().made(), after_first, "never again");
        let second = head_name(Head { layer: 1, head: 0 }, Layer::Raw, Lang::En);
        h.get_by_label(&second).click();
        h.run();
        assert_eq!(seen.borrow().0, Some(Head { layer: 1, head: 0 }));
        let area = h.get_by_label(&summary(&m, Layer::Raw, Head::default(), Lang::En)).rect();
        h.hover_at(area.max - vec2(3.0, 3.0));
        h.run();
        assert_eq!(seen.borrow().1, Some((5, 5)));
    }
}
