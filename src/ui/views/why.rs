//! Why? One sentence, a waterfall, importance, beeswarm, dependence, attention.

use eframe::egui;

use crate::ui::{Cx, View};

/// The room's own state.
#[derive(Default)]
pub struct WhyView {}

impl View for WhyView {
    fn ui(&mut self, _ui: &mut egui::Ui, _cx: &mut Cx<'_>) {}
}
