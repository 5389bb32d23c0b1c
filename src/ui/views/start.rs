//! The start page: open data, recent projects, samples.

use eframe::egui;

use crate::ui::{Cx, View};

/// The room's own state.
#[derive(Default)]
pub struct StartView {}

impl View for StartView {
    fn ui(&mut self, _ui: &mut egui::Ui, _cx: &mut Cx<'_>) {}
}
