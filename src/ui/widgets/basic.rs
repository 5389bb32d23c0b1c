//! Small things in one look: titles, captions, empty screens, chips.

use eframe::egui::{self, Response, RichText, Ui};

use crate::ui::theme::{self, Tokens};

/// A section's title, with a thin rule above unless it is the first.
pub fn section(ui: &mut Ui, title: &str) -> Response {
    ui.add_space(theme::SECTION);
    ui.label(RichText::new(title).size(theme::BODY).strong())
}

/// A caption under a picture: n, method, grade.
pub fn caption(ui: &mut Ui, text: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    ui.label(RichText::new(text).size(theme::SMALL).color(tokens.weak))
}

/// An empty screen says what to do next: a title, a sentence, and what `add` puts below (usually one button).
pub fn empty<R>(ui: &mut Ui, title: &str, sentence: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let tokens = Tokens::of(ui.ctx());
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).max(theme::SECTION));
        ui.label(RichText::new(title).size(theme::TITLE));
        ui.add_space(theme::TIGHT);
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - 2.0 * theme::SECTION).min(480.0));
            ui.label(RichText::new(sentence).color(tokens.weak));
        });
        ui.add_space(theme::SECTION);
        add(ui)
    })
    .inner
}

/// The one button that a screen is about.
pub fn primary(ui: &mut Ui, text: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    ui.add(egui::Button::new(RichText::new(text).color(tokens.on_accent)).fill(tokens.accent))
}

/// A small word in a frame, such as a grade or a state, in a colour of meaning; `help` is its tooltip.
pub fn chip(ui: &mut Ui, text: &str, colour: egui::Color32, help: &str) -> Response {
    // Laid out first, so that a row of chips breaks between them and not inside one.
    let tokens = Tokens::of(ui.ctx());
    let margin = egui::vec2(6.0, 3.0);
    let most = (ui.max_rect().width() - 2.0 * margin.x).max(48.0);
    let galley = ui.painter().layout(text.to_owned(), egui::FontId::proportional(theme::SMALL), colour, most);
    let (rect, response) = ui.allocate_exact_size(galley.size() + 2.0 * margin, egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
    if ui.is_rect_visible(rect) {
        ui.painter().rect_filled(rect, 4.0, tokens.soft(colour, 0.14));
        ui.painter().galley(rect.min + margin, galley, colour);
    }
    if help.is_empty() { response } else { response.on_hover_text(help) }
}

/// The first `n` characters of a long name with an ellipsis; show the whole as a tooltip.
pub fn shorten(text: &str, n: usize) -> String {
    let count = text.chars().count();
    if count <= n { text.to_owned() } else { super::ink::ends(text, count, n.saturating_sub(1)) }
}

/// Painted signs, so that no font has to hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Back.
    Undo,
    /// Forth.
    Redo,
    /// Hold.
    Pause,
    /// Go on.
    Play,
    /// Stop.
    Stop,
    /// Dismiss, remove.
    Close,
    /// Earlier in a list.
    Up,
    /// Later in a list.
    Down,
    /// Light theme.
    Sun,
    /// Dark theme.
    Moon,
    /// The inspector.
    Side,
}

/// A small button with a painted sign; `name` is its accessible name and tooltip.
pub fn icon(ui: &mut Ui, icon: Icon, name: &str, enabled: bool) -> Response {
    let size = egui::vec2(7.0 * theme::GRID, 7.0 * theme::GRID);
    let sense = if enabled { egui::Sense::click() } else { egui::Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    if ui.is_rect_visible(rect) {
        let tokens = Tokens::of(ui.ctx());
        if enabled && (response.hovered() || response.has_focus()) {
            ui.painter().rect_filled(rect, 5.0, tokens.hover);
        }
        let colour = if enabled { tokens.text } else { tokens.faint };
        paint_icon(ui.painter(), icon, rect.shrink(8.0), egui::Stroke::new(1.5, colour));
    }
    response.on_hover_text(name)
}

fn paint_icon(painter: &egui::Painter, icon: Icon, r: egui::Rect, stroke: egui::Stroke) {
    let at = |x: f32, y: f32| egui::pos2(r.left() + x * r.width(), r.top() + y * r.height());
    let line = |points: &[(f32, f32)]| {
        painter.add(egui::Shape::line(points.iter().map(|&(x, y)| at(x, y)).collect(), stroke));
    };
    let arc = |mirrored: bool| {
        let points = (0..=12).map(|i| {
            let a = -std::f32::consts::FRAC_PI_2 + std::f32::consts::PI * i as f32 / 12.0;
            let x = 0.55 + 0.4 * a.cos();
            (if mirrored { 1.0 - x } else { x }, 0.6 + 0.32 * a.sin())
        });
        let mut all = vec![(if mirrored { 0.95 } else { 0.05 }, 0.28)];
        all.extend(points);
        all
    };
    match icon {
        Icon::Undo => {
            line(&arc(false));
            line(&[(0.3, 0.02), (0.05, 0.28), (0.3, 0.54)]);
        }
        Icon::Redo => {
            line(&arc(true));
            line(&[(0.7, 0.02), (0.95, 0.28), (0.7, 0.54)]);
        }
        Icon::Pause => {
            line(&[(0.3, 0.1), (0.3, 0.9)]);
            line(&[(0.7, 0.1), (0.7, 0.9)]);
        }
        Icon::Play => line(&[(0.25, 0.05), (0.85, 0.5), (0.25, 0.95), (0.25, 0.05)]),
        Icon::Stop => line(&[(0.15, 0.15), (0.85, 0.15), (0.85, 0.85), (0.15, 0.85), (0.15, 0.15)]),
        Icon::Close => {
            line(&[(0.15, 0.15), (0.85, 0.85)]);
            line(&[(0.85, 0.15), (0.15, 0.85)]);
        }
        Icon::Up => line(&[(0.15, 0.65), (0.5, 0.3), (0.85, 0.65)]),
        Icon::Down => line(&[(0.15, 0.35), (0.5, 0.7), (0.85, 0.35)]),
        Icon::Sun => {
            painter.circle_stroke(r.center(), r.width() * 0.22, stroke);
            for i in 0..8 {
                let a = std::f32::consts::TAU * i as f32 / 8.0;
                let (x, y) = (a.cos(), a.sin());
                line(&[(0.5 + 0.36 * x, 0.5 + 0.36 * y), (0.5 + 0.5 * x, 0.5 + 0.5 * y)]);
            }
        }
        Icon::Moon => {
            let outer = (0..=16).map(|i| {
                let a = 0.6 + (std::f32::consts::TAU - 1.9) * i as f32 / 16.0;
                (0.5 + 0.45 * a.cos(), 0.5 + 0.45 * a.sin())
            });
            let mut points: Vec<_> = outer.collect();
            points.push((0.55, 0.35));
            if let Some(first) = points.first().copied() {
                points.push(first);
            }
            line(&points);
        }
        Icon::Side => {
            line(&[(0.02, 0.1), (0.98, 0.1), (0.98, 0.9), (0.02, 0.9), (0.02, 0.1)]);
            line(&[(0.62, 0.1), (0.62, 0.9)]);
        }
    }
}

/// A thin progress bar; without a share it is empty, with its words as accessible value. It never asks for repaints.
pub fn bar(ui: &mut Ui, width: f32, share: Option<f32>, words: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, theme::GRID), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, words));
    let tokens = Tokens::of(ui.ctx());
    ui.painter().rect_filled(rect, 2.0, tokens.rule);
    if let Some(share) = share {
        let filled = egui::Rect::from_min_size(rect.min, egui::vec2(rect.width() * share, rect.height()));
        ui.painter().rect_filled(filled, 2.0, tokens.accent);
    }
    response
}

/// A state beside a name: a ring for empty, a dot for ready, a half for running, a warning ring for stale.
pub fn status_dot(ui: &Ui, tokens: &Tokens, beside: egui::Rect, status: &crate::session::state::Status) {
    use crate::session::state::Status;
    let centre = egui::pos2(beside.right() - 12.0, beside.center().y);
    let colour = tokens.of_status(status);
    let painter = ui.painter();
    match status {
        Status::Empty => {}
        Status::Ready => drop(painter.circle_filled(centre, 3.0, colour)),
        Status::Stale => drop(painter.circle_stroke(centre, 3.0, egui::Stroke::new(1.5, colour))),
        Status::Failed(_) => {
            let d = 3.0;
            for (a, b) in [((-d, -d), (d, d)), ((-d, d), (d, -d))] {
                let ends = [centre + egui::vec2(a.0, a.1), centre + egui::vec2(b.0, b.1)];
                painter.line_segment(ends, egui::Stroke::new(1.5, colour));
            }
        }
        Status::Running => {
            let points = (0..=12)
                .map(|i| {
                    let a = std::f32::consts::TAU * 0.75 * i as f32 / 12.0;
                    centre + egui::vec2(a.cos(), a.sin()) * 3.5
                })
                .collect();
            painter.add(egui::Shape::line(points, egui::Stroke::new(1.5, colour)));
        }
    }
}

/// A thin horizontal rule.
pub fn rule(ui: &mut Ui) {
    let tokens = Tokens::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, egui::Stroke::new(1.0, tokens.rule));
}

/// A room's head: what it answers, as a title.
pub fn title(ui: &mut Ui, text: &str) -> Response {
    ui.label(RichText::new(text).size(theme::TITLE))
}

/// A label at the left and a number at the right, on one line.
pub fn fact(ui: &mut Ui, label: &str, value: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    let size = egui::vec2(ui.available_width(), 4.0 * theme::GRID);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.set_min_width(size.x);
        let value = ui.add(egui::Label::new(RichText::new(value).size(theme::SMALL)).truncate());
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            name(ui, label, theme::SMALL, tokens.weak);
        });
        value
    })
    .inner
}

/// A sentence that warns, with its mark.
pub fn warning(ui: &mut Ui, text: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(8.0, theme::BODY + 2.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 3.0, tokens.warn);
        ui.add(egui::Label::new(RichText::new(text).size(theme::SMALL)).wrap())
    })
    .inner
}

/// One line of text at the left of a box of that width, cut in its middle where it is too long.
pub fn line(ui: &mut Ui, width: f32, height: f32, text: &str, size: f32, colour: egui::Color32) -> Response {
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(egui::vec2(width, height), layout, |ui| {
        ui.set_min_width(width);
        name(ui, text, size, colour)
    })
    .inner
}

/// A name in the width that is there, cut in its middle; the whole name is what it is called.
pub fn name(ui: &mut Ui, text: &str, size: f32, colour: egui::Color32) -> Response {
    let shown = super::ink::middle(ui.painter(), text, &egui::FontId::proportional(size), ui.available_width());
    let label = egui::Label::new(RichText::new(shown).size(size).color(colour)).truncate().selectable(false);
    let response = ui.add(label);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
    response
}

/// Keeps the names of what `add` draws apart from what stands above it: a sentence that appears there must not take the
/// slider under the pointer, or the field that is typed into, away from the analyst.
pub fn anchored<R>(ui: &mut Ui, name: impl std::hash::Hash + std::fmt::Debug, add: impl FnOnce(&mut Ui) -> R) -> R {
    let id = ui.scope_id().with(name);
    ui.scope_builder(egui::UiBuilder::new().scope_id(id), add).inner
}
