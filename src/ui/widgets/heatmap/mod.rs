//! Attention heatmaps: tiles of every head, and one head large with its tokens on both axes.
//!
//! [`model`] makes one texture a head, once; [`layout`] says where cells stand and which are in view; [`paint`] draws;
//! [`heads`] are the tiles with their switches. Nothing here grows with the number of cells after the texture was made:
//! hovering is arithmetic.

pub mod heads;
pub mod layout;
pub mod model;
pub mod paint;

use std::sync::Arc;

use eframe::egui::{self, Role, Sense, Ui, WidgetInfo, vec2};

use crate::base::{Lang, tr, tr_with};
use crate::explain::AttentionMap;
use crate::ui::theme::{SMALL, Tokens};

pub use layout::View;
pub use model::{Head, Layer, Textures};

/// A weight as exact as it is.
fn exact(w: f32) -> String {
    if w.is_nan() { "–".to_owned() } else { format!("{w:.5}") }
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

/// One head large; `twin` marks the cell hovered in the picture beside it, and `view` is the part in view, shared with it.
/// Scrolling over a map that is too dense to read zooms (over any map with Ctrl held), dragging moves, a double click shows
/// all again; with the keyboard +, −, the arrows and Home do the same. Returns the hovered cell.
pub fn map(
    ui: &mut Ui,
    map: &Arc<AttentionMap>,
    textures: &mut Textures,
    (what, at): (Layer, Head),
    twin: Option<(usize, usize)>,
    view: &mut View,
    lang: Lang,
) -> Option<(usize, usize)> {
    let n = map.tokens.len();
    let longest = map.tokens.iter().map(|t| t.chars().count()).max().unwrap_or(0);
    let room = (longest as f32 * 6.5 + 6.0).clamp(24.0, 110.0);
    let width = ui.available_width();
    let l = layout::lay_out(n, width, room, *view);
    let (rect, response) = ui.allocate_exact_size(l.size, Sense::click_and_drag());
    let t = Tokens::of(ui.ctx());
    let values = model::weights(map, what, at);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(map, what, at, lang)));
    let offset = rect.min.to_vec2();
    let dense = layout::lay_out(n, width, room, View::default()).cell < layout::LABEL;
    move_view(ui, &response, &l, offset, dense, view);
    // What was moved shows at once, not a frame later.
    let l = layout::lay_out(n, width, room, *view);
    let hovered = response.hover_pos().and_then(|p| l.cell_at(p - offset));
    let texture = textures.get(ui.ctx(), map, what, at);
    if ui.is_rect_visible(rect) {
        paint::map(ui.painter(), t, &l, offset, texture.map(|x| x.0), &map.tokens, hovered.or(twin));
        if response.has_focus() {
            paint::frame(ui.painter(), t, l.grid.translate(offset), true, false);
        }
    }
    if let Some((_, most)) = texture {
        ui.horizontal(|ui| {
            let small = |s: String| egui::RichText::new(s).size(SMALL).color(t.weak);
            ui.label(small("0".to_owned()));
            let (ramp, _) = ui.allocate_exact_size(vec2(96.0, 8.0), Sense::hover());
            paint::ramp(ui.painter(), t, ramp);
            ui.label(small(if model::is_large(map) { format!("≥ {}", exact(most)) } else { exact(most) }));
            if !view.is_whole(n) && ui.small_button(tr(lang, "why.map_whole")).clicked() {
                *view = View::default();
            }
        });
        if dense {
            ui.label(egui::RichText::new(tr(lang, "why.map_hint")).size(SMALL).color(t.weak));
        }
    } else {
        ui.label(tr(lang, "why.no_map"));
    }
    let named = response.hover_pos().and_then(|p| l.name_at(p - offset));
    if let (Some((q, k)), Some(values)) = (hovered, values) {
        let weight = values.get(q * n + k).copied().unwrap_or(f32::NAN);
        response.on_hover_ui_at_pointer(|ui| {
            ui.label(egui::RichText::new(exact(weight)).strong());
            ui.label(tr_with(lang, "why.query_key", &[("query", &map.tokens[q]), ("key", &map.tokens[k])]));
            if weight.is_nan() {
                ui.label(tr(lang, "why.map_masked"));
            }
        });
    } else if let Some((i, token)) = named.and_then(|i| Some((i, map.tokens.get(i)?))) {
        // A name beside the map may be cut; here it is whole, with its place.
        response.on_hover_ui_at_pointer(|ui| drop(ui.label(format!("{} {token}", i + 1))));
    }
    hovered
}

/// Zooms and moves by pointer and keys.
fn move_view(ui: &Ui, response: &egui::Response, l: &layout::Layout, offset: egui::Vec2, dense: bool, view: &mut View) {
    let n = l.tokens;
    if response.double_clicked() {
        *view = View::default();
    }
    if response.dragged() && l.cell > 0.0 {
        view.pan(-response.drag_delta() / l.cell, n);
    }
    if let Some(p) = response.hover_pos().filter(|p| l.grid.translate(offset).contains(*p)) {
        let about = l.in_cells(p - offset);
        let (pinch, scroll) = ui.input(|i| (i.zoom_delta(), i.smooth_scroll_delta().y));
        if pinch != 1.0 {
            view.zoom(pinch, about, n);
        } else if dense && scroll != 0.0 && (scroll > 0.0 || !view.is_whole(n)) {
            // Farther than all of it there is nothing: then the page scrolls on.
            view.zoom((scroll / 160.0).exp(), about, n);
            ui.input_mut(|i| i.smooth_scroll_delta = egui::Vec2::ZERO);
        }
    }
    if response.has_focus() {
        let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..egui::EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let middle = view.at(n) + egui::Vec2::splat(view.span(n) / 2.0);
        let step = view.span(n) / 8.0;
        ui.input(|i| {
            let pressed = |k| i.key_pressed(k);
            if pressed(egui::Key::Plus) || pressed(egui::Key::Equals) {
                view.zoom(1.5, middle, n);
            }
            if pressed(egui::Key::Minus) {
                view.zoom(1.0 / 1.5, middle, n);
            }
            if pressed(egui::Key::Home) {
                *view = View::default();
            }
            for (key, by) in [
                (egui::Key::ArrowLeft, vec2(-step, 0.0)),
                (egui::Key::ArrowRight, vec2(step, 0.0)),
                (egui::Key::ArrowUp, vec2(0.0, -step)),
                (egui::Key::ArrowDown, vec2(0.0, step)),
            ] {
                if pressed(key) {
                    view.pan(by, n);
                }
            }
        });
    }
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
    fn what_is_not_looked_at_has_the_colour_of_missing() {
        // A causal map: nobody looks ahead, and the last two tokens are padding.
        let t = &crate::ui::theme::DARK;
        let n = 200;
        let values: Vec<f32> =
            (0..n * n).map(|i| if i % n > i / n || i / n >= n - 2 { f32::NAN } else { 1.0 / (i / n + 1) as f32 }).collect();
        let whole = model::image(&values, n, 1.0, t);
        assert!(values.iter().zip(&whole.pixels).all(|(v, p)| v.is_nan() == (*p == t.missing)));
        let small = model::pooled(&values, n, 50);
        assert!(small[1].is_nan() && small[0] == 1.0 && !small[50 * 49].is_nan(), "a part of its lines is there");
        let image = model::image(&small, 50, 1.0, t);
        assert!(small.iter().zip(&image.pixels).all(|(v, p)| v.is_nan() == (*p == t.missing)));
        // One bright cell is not lost in a small picture.
        let mut one = vec![0.0; n * n];
        one[123 * n + 77] = 0.9;
        assert_eq!(model::pooled(&one, n, 56).iter().filter(|v| **v == 0.9).count(), 1);
    }

    #[test]
    fn textures_are_made_once_and_hover_reads_the_cell() {
        let m = example(2, 2, 6);
        let textures = std::cell::RefCell::new(Textures::default());
        let seen = std::cell::RefCell::new((None, None));
        let desk = crate::explain::attention::Desk::default();
        let mut h = Harness::builder().with_size([400.0, 700.0]).build_ui(|ui| {
            let mut x = textures.borrow_mut();
            let tiles = heads::Tiles { desk: &desk, selected: Head::default(), what: Layer::Raw, by_effect: false };
            if let Some(c) = heads::ui(ui, &m, &mut x, &tiles, crate::ui::widgets::units::Unit::Probability, Lang::En) {
                seen.borrow_mut().0 = Some(c);
            }
            let hovered = map(ui, &m, &mut x, (Layer::Raw, Head::default()), None, &mut View::default(), Lang::En);
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
        assert_eq!(seen.borrow().0, Some(heads::Pressed::Look(Head { layer: 1, head: 0 })));
        let area = h.get_by_label(&summary(&m, Layer::Raw, Head::default(), Lang::En)).rect();
        h.hover_at(area.max - vec2(3.0, 3.0));
        h.run();
        assert_eq!(seen.borrow().1, Some((5, 5)));
    }

    /// A dense map in a real frame: scrolling zooms about the pointer, what is hovered is what the matrix holds there, a drag
    /// moves, a double click brings everything back; and the page scrolls where the map has no use for it.
    #[test]
    fn a_large_map_zooms_moves_and_comes_back() {
        struct State {
            view: View,
            hovered: Option<(usize, usize)>,
            textures: Textures,
        }
        let n = 512;
        let m = example(1, 1, n);
        let said = summary(&m, Layer::Raw, Head::default(), Lang::En);
        let state = State { view: View::default(), hovered: None, textures: Textures::default() };
        let mut h = Harness::builder().with_size([460.0, 620.0]).build_ui_state(
            |ui, s: &mut State| {
                s.hovered = map(ui, &m, &mut s.textures, (Layer::Raw, Head::default()), None, &mut s.view, Lang::En);
            },
            state,
        );
        h.run();
        let area = h.get_by_label(&said).rect();
        let layout_of = |h: &Harness<'_, State>| {
            let longest = m.tokens.iter().map(|t| t.chars().count()).max().unwrap();
            layout::lay_out(n, 460.0 - 2.0 * area.left(), longest as f32 * 6.5 + 6.0, h.state().view)
        };
        let place = area.min + vec2(300.0, 260.0);
        h.hover_at(place);
        h.run();
        let before = h.state().hovered.unwrap();
        assert_eq!(layout_of(&h).cell_at(place - area.min.to_vec2()), Some(before));
        for _ in 0..3 {
            h.event(egui::Event::MouseWheel {
                source: egui::MouseWheelSource::Unknown,
                unit: egui::MouseWheelUnit::Point,
                delta: vec2(0.0, 120.0),
                phase: egui::TouchPhase::Move,
                modifiers: egui::Modifiers::NONE,
            });
            h.run_steps(12);
        }
        let (zoomed, after) = (h.state().view, h.state().hovered.unwrap());
        assert!(zoomed.span(n) < 200.0, "{zoomed:?}");
        assert!(before.0.abs_diff(after.0) <= 1 && before.1.abs_diff(after.1) <= 1, "{before:?} {after:?}");
        h.get_by_label(crate::base::tr(Lang::En, "why.map_whole"));
        // By drag the map moves with the pointer.
        h.drag_at(place);
        h.run();
        h.hover_at(place - vec2(40.0, 0.0));
        h.run();
        h.drop_at(place - vec2(40.0, 0.0));
        h.run();
        let moved = h.state().view;
        assert!(moved.at(n).x > zoomed.at(n).x && (moved.at(n).y - zoomed.at(n).y).abs() < 0.01, "{zoomed:?} {moved:?}");
        h.get_by_label(crate::base::tr(Lang::En, "why.map_whole")).click();
        h.run();
        assert_eq!(h.state().view, View::default());
        // Keys do the same.
        h.get_by_label(&said).focus();
        h.run();
        h.key_press(egui::Key::Plus);
        h.key_press(egui::Key::ArrowDown);
        h.run();
        assert!(h.state().view.span(n) < 400.0 && h.state().view.at(n).y > 80.0, "{:?}", h.state().view);
        h.key_press(egui::Key::Home);
        h.run();
        assert_eq!(h.state().view, View::default());
    }
}
