//! What pictures of rows share: the marks of the one selection, the rectangle that Shift draws, and the keys that walk from
//! mark to mark, so that a picture can be read and used without a pointer.

use eframe::egui::{self, EventFilter, Key, Pos2, Rect, Response, Stroke, StrokeKind, Tooltip, Ui};

use crate::ui::theme::Tokens;

/// Which rows are marked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks<'a> {
    /// Primary row.
    pub row: Option<u32>,
    /// Rows that were brushed, sorted.
    pub rows: &'a [u32],
    /// Row under the pointer, here or in another pane.
    pub hovered: Option<u32>,
    /// Rows that share what is under the pointer, sorted.
    pub lit: &'a [u32],
}

impl Marks<'_> {
    /// Whether a row was brushed, or shares what is under the pointer.
    pub fn many(&self, row: u32) -> bool {
        self.rows.binary_search(&row).is_ok() || self.lit.binary_search(&row).is_ok()
    }
    /// Whether it is the selected row or the one under the pointer.
    pub fn one(&self, row: u32) -> bool {
        self.row == Some(row) || self.hovered == Some(row)
    }
}

/// The rectangle that is being drawn with Shift held, and whether it was let go now.
pub fn area(ui: &Ui, response: &Response) -> Option<(Rect, bool)> {
    if !response.dragged() && !response.drag_stopped() {
        return None;
    }
    let (begin, shift) = ui.input(|i| (i.pointer.press_origin(), i.modifiers.shift));
    let kept = response.id.with("begin");
    if response.drag_started() && shift {
        ui.data_mut(|d| d.insert_temp(kept, begin.unwrap_or_default()));
    }
    let begin: Pos2 = ui.data(|d| d.get_temp(kept))?;
    if response.drag_stopped() {
        ui.data_mut(|d| d.remove::<Pos2>(kept));
    }
    Some((Rect::from_two_pos(begin, response.interact_pointer_pos()?), response.drag_stopped()))
}

/// Draws the rectangle.
pub fn paint(ui: &Ui, area: Rect) {
    let t = Tokens::of(ui.ctx());
    ui.painter().rect(area, 0.0, t.soft(t.accent, 0.15), Stroke::new(1.0, t.accent), StrokeKind::Inside);
}

/// Where the arrow keys have walked to among `lines` with so many places each; nothing while the picture has no focus, or
/// the pointer is on it. Enter is a click of the response.
pub fn walk(ui: &Ui, response: &Response, lines: usize, places: impl Fn(usize) -> usize) -> Option<(usize, usize)> {
    if !response.has_focus() || lines == 0 {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    if response.hovered() {
        return None;
    }
    let kept = response.id.with("walk");
    let (line, place) = ui.data(|d| d.get_temp::<(usize, usize)>(kept)).unwrap_or_default();
    let pressed = |key: Key| ui.input(|i| i.num_presses(key));
    let (mut line, mut place) = (line.min(lines - 1), place);
    line = (line + pressed(Key::ArrowDown)).saturating_sub(pressed(Key::ArrowUp)).min(lines - 1);
    place = (place + pressed(Key::ArrowRight)).saturating_sub(pressed(Key::ArrowLeft));
    if pressed(Key::Home) > 0 {
        place = 0;
    }
    let last = places(line).checked_sub(1)?;
    if pressed(Key::End) > 0 {
        place = last;
    }
    place = place.min(last);
    ui.data_mut(|d| d.insert_temp(kept, (line, place)));
    Some((line, place))
}

/// A frame around what has the focus.
pub fn focus(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 3.0, Stroke::new(1.5, Tokens::of(ui.ctx()).accent), StrokeKind::Inside);
    }
}

/// Says what a mark is: beside the pointer, or beside the mark where the keys led to it. The first line is strong.
pub fn tip(ui: &Ui, response: &Response, at: Pos2, lines: &[String]) {
    let said = |ui: &mut Ui| {
        for (i, text) in lines.iter().enumerate() {
            let text = egui::RichText::new(text);
            ui.label(if i == 0 { text.strong() } else { text });
        }
    };
    if response.hovered() {
        response.clone().on_hover_ui_at_pointer(said);
    } else if response.has_focus() {
        let beside = Rect::from_center_size(at, egui::vec2(12.0, 12.0));
        Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, beside).show(said);
    }
}
