//! What customers are worth: who is likely to come back, how often, for how much.

use eframe::egui::{self, Ui};

use super::form;
use crate::strategy::customers::Valuation;
use crate::strategy::study::CustomersAsked;
use crate::strategy::words;
use crate::ui::widgets::{basic, chart, figure, sheet};
use crate::ui::{Cx, theme};

/// The fields; what is missing, if nothing can be said yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut CustomersAsked) -> Result<(), &'static str> {
    let (mut discount, mut margin) = (Some(asked.discount), Some(asked.margin));
    egui::Grid::new("customers").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.person", &mut asked.id, form::any, false);
        form::column(ui, cx, "experiments.bought_on", &mut asked.date, form::any, false);
        form::maybe(ui, cx, "experiments.paid", &mut asked.amount, form::countable);
        form::amount(ui, cx, "experiments.horizon", &mut asked.horizon, false);
        form::written(ui, cx, "studies.until", &mut asked.until, "1997-09-30");
        if form::amount(ui, cx, "experiments.discount", &mut discount, true) {
            asked.discount = discount.unwrap_or(0.1);
        }
        if form::amount(ui, cx, "experiments.margin", &mut margin, true) {
            asked.margin = margin.unwrap_or(1.0);
        }
    });
    if asked.id.is_empty() || asked.date.is_empty() { Err("experiments.hint_customers") } else { Ok(()) }
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, v: &Valuation, twins: &mut figure::Twins) {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    ui.add(egui::Label::new(words::valuation(v, lang)).wrap());
    basic::section(ui, cx.t("studies.segments"));
    sheet::ui(ui, "segments", &words::segments(v, lang), 1);
    for (key, caption, chart) in words::pictures(v, lang) {
        chart::ui(ui, cx, twins, key, &caption, &chart);
    }
    ui.add_space(theme::SPACE);
    for n in &v.methods {
        basic::caption(ui, &n.say(lang));
    }
    for w in &v.warnings {
        basic::warning(ui, &w.say(lang));
    }
}
