//! What do I have? Reading options, the table, a profile per column.

use eframe::egui;

use crate::ui::{Cx, View};

/// The room's own state.
#[derive(Default)]
pub struct DataView {}

impl View for DataView {
    fn ui(&mut self, _ui: &mut egui::Ui, _cx: &mut Cx<'_>) {}
}
