//! Waterfall: how the features carry one prediction from the base value to where it is.
//!
//! [`model`] says what is shown, [`layout`] where, [`paint`] draws. Hovering reads exactly, a click selects a feature,
//! dragging a bar asks for another value of that feature.

pub mod layout;
pub mod model;
pub mod paint;

use eframe::egui::{self, CursorIcon, Role, Sense, Ui, WidgetInfo};

use crate::base::{Lang, tr_with};
use crate::ui::theme::Tokens;
use crate::ui::widgets::units::Unit;

pub use model::{Kind, Step, Waterfall};
pub use paint::Marks;

/// A bar that is being dragged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drag {
    /// The feature.
    pub feature: usize,
    /// How far since it began, as a share of the picture's width (right is positive).
    pub share: f32,
    /// Whether it was let go now.
    pub released: bool,
}

/// What the analyst did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Touch {
    /// Feature under the pointer.
    pub hovered: Option<usize>,
    /// Feature clicked.
    pub clicked: Option<usize>,
    /// Bar dragged, or moved by the arrow keys.
    pub drag: Option<Drag>,
    /// Bar that was clicked twice: its feature is put back.
    pub put_back: Option<usize>,
}

/// How far an arrow key moves a bar, as a share of the picture's width.
const NUDGE: f32 = 0.02;

/// Draws it in the width that is there, with what it was before as thin lines. `help` ends the tooltip of a feature's bar.
pub fn ui(
    ui: &mut Ui,
    (w, before): (&Waterfall, Option<&Waterfall>),
    unit: Unit,
    lang: Lang,
    marks: Marks,
    help: &dyn Fn(usize) -> String,
) -> Touch {
    let l = layout::lay_out(w, before, ui.available_width());
    let (rect, whole) = ui.allocate_exact_size(l.size, Sense::hover());
    whole.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(w, unit, lang)));
    let mut touch = Touch::default();
    let offset = rect.min.to_vec2();
    for (i, step) in w.steps.iter().enumerate() {
        let row = l.rows[i + 1].translate(offset);
        let Kind::Feature(feature) = step.kind else {
            ui.interact(row, whole.id.with(("rest", i)), Sense::hover()).on_hover_ui(|ui| tooltip(ui, step, unit, lang, ""));
            continue;
        };
        let response = ui.interact(row, whole.id.with(("bar", feature)), Sense::click_and_drag());
        let selected = marks.selected == Some(feature);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, line(step, unit, lang)));
        if response.hovered() {
            touch.hovered = Some(feature);
        }
        if response.clicked() {
            touch.clicked = Some(feature);
        }
        if response.double_clicked() {
            touch.put_back = Some(feature);
        }
        if response.has_focus() {
            let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            let pressed = |key| ui.input(|i| i.num_presses(key)) as f32;
            let share = NUDGE * (pressed(egui::Key::ArrowRight) - pressed(egui::Key::ArrowLeft));
            if share != 0.0 {
                touch.drag = Some(Drag { feature, share, released: true });
            }
            ui.painter().rect_stroke(row, 3.0, egui::Stroke::new(1.5, Tokens::of(ui.ctx()).accent), egui::StrokeKind::Inside);
        }
        if response.dragged() || response.drag_stopped() {
            // In the frame of the release the pointer no longer says where it was pressed, so that is kept from before.
            let pressed = ui.input(|i| i.pointer.press_origin());
            if let Some(at) = pressed {
                ui.data_mut(|d| d.insert_temp(response.id, at));
            }
            let begin = pressed.or_else(|| ui.data(|d| d.get_temp(response.id))).or(response.interact_pointer_pos());
            let now = response.interact_pointer_pos().or(begin);
            if let (Some(begin), Some(now)) = (begin, now) {
                let share = (now.x - begin.x) / (l.axis.right - l.axis.left).max(1.0);
                touch.drag = Some(Drag { feature, share, released: response.drag_stopped() });
            }
        }
        response.on_hover_cursor(CursorIcon::ResizeHorizontal).on_hover_ui(|ui| tooltip(ui, step, unit, lang, &help(feature)));
    }
    if ui.is_rect_visible(rect) {
        let t = Tokens::of(ui.ctx());
        paint::paint(ui.painter(), t, w, &l, offset, unit, lang, marks);
        if let Some(before) = before {
            paint::before(ui.painter(), t, before, &l, offset);
        }
    }
    touch
}

fn tooltip(ui: &mut Ui, step: &Step, unit: Unit, lang: Lang, help: &str) {
    let (name, value) = paint::words(&step.kind, &step.name, &step.value, lang);
    ui.label(egui::RichText::new(if value.is_empty() { name } else { format!("{name} = {value}") }).strong());
    ui.label(unit.exact(step.amount));
    if let Some(half) = step.half_width {
        ui.label(format!("± {}", unit.exact(half).trim_start_matches('+')));
    }
    ui.label(tr_with(lang, "why.from_to", &[("from", &unit.level(step.from)), ("to", &unit.level(step.to))]));
    if !help.is_empty() {
        ui.label(egui::RichText::new(help).small().weak());
    }
}

/// One step as a line of text.
pub fn line(step: &Step, unit: Unit, lang: Lang) -> String {
    let (name, value) = paint::words(&step.kind, &step.name, &step.value, lang);
    let name = if value.is_empty() { name } else { format!("{name} = {value}") };
    format!("{name}: {}", unit.effect(step.amount))
}

/// The picture in words.
pub fn summary(w: &Waterfall, unit: Unit, lang: Lang) -> String {
    let steps: Vec<_> = w.steps.iter().map(|s| line(s, unit, lang)).collect();
    tr_with(
        lang,
        "why.waterfall_summary",
        &[("base", &unit.level(w.base)), ("prediction", &unit.level(w.prediction)), ("steps", &steps.join("; "))],
    )
}

#[cfg(test)]
mod tests;
