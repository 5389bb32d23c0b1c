//! The report: what it will say, and where to write it.

use eframe::egui;

use crate::ui::{Cx, View};

/// The room's own state.
#[derive(Default)]
pub struct ReportView {}

impl View for ReportView {
    fn ui(&mut self, _ui: &mut egui::Ui, _cx: &mut Cx<'_>) {}
}
