//! Pixels of an attention map.

use std::borrow::Cow;

use eframe::egui::epaint::TextShape;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{Align2, Color32, FontId, Painter, Rect, Stroke, StrokeKind, TextureId, Vec2, pos2, vec2};

use super::layout::Layout;
use crate::ui::theme::{SMALL, Tokens};
use crate::ui::widgets::ink;

const WHOLE: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };

/// A texture in its place; a silent head's is faint.
pub fn texture(p: &Painter, id: TextureId, rect: Rect, silent: bool) {
    p.image(id, rect, WHOLE, if silent { Color32::WHITE.gamma_multiply(0.25) } else { Color32::WHITE });
}

/// A frame around a thumbnail.
pub fn frame(p: &Painter, t: &Tokens, rect: Rect, selected: bool, hovered: bool) {
    let (width, colour) = if selected { (2.0, t.accent) } else { (1.0, if hovered { t.text } else { t.rule }) };
    p.rect_stroke(rect, 0.0, Stroke::new(width, colour), StrokeKind::Outside);
}

/// The large map with its names; the hovered cell's line and column are marked.
pub fn map(p: &Painter, t: &Tokens, l: &Layout, offset: Vec2, id: Option<TextureId>, tokens: &[String], hovered: Option<(usize, usize)>) {
    let grid = l.grid.translate(offset);
    match id {
        Some(id) => drop(p.image(id, grid, l.texture(), Color32::WHITE)),
        None => drop(p.rect_filled(grid, 0.0, t.missing)),
    }
    let strong = |i: usize, axis: Option<usize>| if axis == Some(i) { t.text } else { t.weak };
    let (query, key) = (hovered.map(|h| h.0), hovered.map(|h| h.1));
    let near = |i: usize, axis: Option<usize>| axis.is_some_and(|h| h != i && h.abs_diff(i) < l.label_every);
    let named = |i: usize, axis: Option<usize>| axis == Some(i) || (i.is_multiple_of(l.label_every) && !near(i, axis));
    let along = |i: usize, first: f32| (i as f32 + 0.5 - first) * l.cell;
    // Names of tokens whose middle is in view; a half cell at the edge is not named.
    let inside = |at: f32| (0.0..=grid.width()).contains(&at);
    for i in l.visible(l.first.y) {
        let at = along(i, l.first.y);
        if named(i, query) && inside(at) {
            let (y, token) = (grid.top() + at, &tokens[i]);
            let place = Rect::from_min_max(pos2(offset.x, y - 8.0), pos2(grid.left() - 4.0, y + 8.0));
            let token = apart(p, i, token, place.width());
            ink::text(p, place, Align2::RIGHT_CENTER, &token, strong(i, query));
        }
    }
    for i in l.visible(l.first.x) {
        let at = along(i, l.first.x);
        if named(i, key) && inside(at) {
            let room = l.grid.top() - 4.0;
            upwards(p, pos2(grid.left() + at, grid.top() - 4.0), room, &apart(p, i, &tokens[i], room), strong(i, key));
        }
    }
    if let Some((q, k)) = hovered.filter(|(q, k)| l.cell_rect(*q, *k).is_positive()) {
        let cell = l.cell_rect(q, k).translate(offset);
        let line = Rect::from_min_max(pos2(grid.left(), cell.top()), pos2(grid.right(), cell.bottom()));
        let column = Rect::from_min_max(pos2(cell.left(), grid.top()), pos2(cell.right(), grid.bottom()));
        for r in [line, column] {
            p.rect_stroke(r, 0.0, Stroke::new(1.0, t.soft(t.text, 0.5)), StrokeKind::Outside);
        }
        p.rect_stroke(cell, 0.0, Stroke::new(2.0, t.text), StrokeKind::Outside);
    }
}

/// A name as it fits. One that is cut says which token it is by its place, so that two that differ in the middle alone stay
/// apart; the whole of it stands in the hover and in the table.
fn apart<'a>(p: &Painter, i: usize, token: &'a str, room: f32) -> Cow<'a, str> {
    let font = FontId::proportional(SMALL);
    match ink::middle(p, token, &font, room) {
        Cow::Borrowed(whole) => Cow::Borrowed(whole),
        Cow::Owned(_) => {
            let place = format!("{} ", i + 1);
            let wide = p.layout_no_wrap(place.clone(), font.clone(), Color32::PLACEHOLDER).size().x;
            Cow::Owned(place + &ink::middle(p, token, &font, room - wide - 1.0))
        }
    }
}

/// A name that reads upwards from `foot`.
fn upwards(p: &Painter, foot: eframe::egui::Pos2, room: f32, text: &str, colour: Color32) {
    let font = FontId::proportional(SMALL);
    let shown = ink::middle(p, text, &font, room.max(8.0)).into_owned();
    let mut job = LayoutJob::simple_singleline(shown, font, colour);
    job.wrap = TextWrapping::truncate_at_width(room.max(8.0));
    let galley = p.layout_job(job);
    let at = foot - vec2(galley.size().y / 2.0, 0.0);
    p.add(TextShape::new(at, galley, colour).with_angle(-std::f32::consts::FRAC_PI_2));
}

/// The colours from nothing to the most.
pub fn ramp(p: &Painter, t: &Tokens, rect: Rect) {
    let step = rect.width() / 24.0;
    for i in 0..24 {
        let min = pos2(rect.left() + i as f32 * step, rect.top());
        p.rect_filled(Rect::from_min_size(min, vec2(step + 0.5, rect.height())), 0.0, t.sequential(f64::from(i) / 23.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui;

    #[test]
    fn names_that_differ_in_the_middle_alone_stay_apart() {
        let (mut shown, mut short) = (Vec::new(), String::new());
        let _ = egui::Context::default().run_ui(egui::RawInput::default(), |ui| {
            let name = |which: &str| format!("visits_to_the_page_{which}_in_the_last_thirty_days");
            shown =
                ["mobile", "tablet"].iter().enumerate().map(|(i, w)| apart(ui.painter(), i + 6, &name(w), 104.0).into_owned()).collect();
            short = apart(ui.painter(), 3, "Month", 104.0).into_owned();
            let fits = |t: &String| ui.painter().layout_no_wrap(t.clone(), FontId::proportional(SMALL), Color32::WHITE).size().x <= 104.0;
            assert!(shown.iter().all(fits), "{shown:?}");
        });
        assert!(shown[0] != shown[1] && shown[0].starts_with("7 visits") && shown[1].ends_with("days"), "{shown:?}");
        assert_eq!(short, "Month");
    }
}
