//! What if? Levers, scenarios side by side, what drives the difference.

use eframe::egui;

use crate::ui::{Cx, View};

/// The room's own state.
#[derive(Default)]
pub struct WhatIfView {}

impl View for WhatIfView {
    fn ui(&mut self, _ui: &mut egui::Ui, _cx: &mut Cx<'_>) {}
}
