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
            ui.set_max_width(480.0);
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
    let tokens = Tokens::of(ui.ctx());
    let response = egui::Frame::new()
        .fill(tokens.soft(colour, 0.14))
        .corner_radius(4)
        .inner_margin(egui::Margin::symmetric(6, 1))
        .show(ui, |ui| ui.label(RichText::new(text).size(theme::SMALL).color(colour)))
        .inner;
    if help.is_empty() { response } else { response.on_hover_text(help) }
}
