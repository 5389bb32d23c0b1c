//! What each amount of money earns in a scenario, and where more of it stops paying for itself.

use eframe::egui::Ui;

use crate::session::state::Ask;
use crate::strategy::{Scenario, words};
use crate::ui::Cx;
use crate::ui::views::why;
use crate::ui::widgets::{basic, chart, figure};

/// Draws it for a scenario with a value per conversion whose people have an order.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, model: &str, scenario: &Scenario, twins: &mut figure::Twins) {
    let answered = cx.session.simulation(model).and_then(|s| s.differences.iter().find(|d| d.name == scenario.name));
    if scenario.tested.is_some() || scenario.row.is_some() || answered.is_none_or(|d| d.profit.is_none()) {
        return;
    }
    let ask = Ask::Frontier { model: model.to_owned(), scenario: scenario.name.clone() };
    cx.want(ask.clone());
    why::standing(ui, cx, &ask);
    if let Some(found) = cx.session.frontier(&ask).cloned() {
        let lang = cx.lang();
        let caption = cx.t("strategy.frontier_caption").to_owned();
        chart::ui(ui, cx, twins, "strategy.frontier_title", &caption, &words::frontier_chart(&found, lang));
        basic::caption(ui, &words::frontier_says(&found, lang));
    }
}
