//! What customers are worth: who is likely to come back, how often, for how much.

use eframe::egui::{self, Ui};

use super::form;
use crate::strategy::customers::{Unit, Valuation};
use crate::strategy::study::CustomersAsked;
use crate::strategy::words;
use crate::ui::widgets::{basic, chart, figure, sheet};
use crate::ui::{Cx, theme};

/// The fields; what is missing, if nothing can be said yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut CustomersAsked) -> Result<(), &'static str> {
    let (mut discount, mut margin) = (Some(asked.discount), Some(asked.margin));
    let mut listed = !asked.summary.is_empty();
    egui::Grid::new("customers").num_columns(2).show(ui, |ui| {
        let rows = [(false, "experiments.row_purchase"), (true, "experiments.row_customer")];
        form::one_of(ui, cx, "experiments.one_row", &mut listed, rows);
        if listed == asked.summary.is_empty() {
            asked.summary = if listed { vec![String::new(); 3] } else { Vec::new() };
        }
        form::column(ui, cx, "experiments.person", &mut asked.id, form::any, listed);
        if listed {
            summary(ui, cx, &mut asked.summary);
        } else {
            form::column(ui, cx, "experiments.bought_on", &mut asked.date, form::any, false);
            form::maybe(ui, cx, "experiments.paid", &mut asked.amount, form::countable);
        }
        let units = [(Unit::Day, "experiments.unit_day"), (Unit::Week, "experiments.unit_week"), (Unit::Month, "experiments.unit_month")];
        form::one_of(ui, cx, "experiments.unit", &mut asked.unit, units);
        form::amount(ui, cx, "experiments.horizon", &mut asked.horizon, false);
        if !listed {
            form::written(ui, cx, "studies.until", &mut asked.until, "1997-09-30");
        }
        if form::amount(ui, cx, "experiments.discount", &mut discount, true) {
            asked.discount = discount.unwrap_or(0.1);
        }
        if form::amount(ui, cx, "experiments.margin", &mut margin, true) {
            asked.margin = margin.unwrap_or(1.0);
        }
    });
    if !listed {
        egui::CollapsingHeader::new(cx.t("experiments.more")).id_salt("customers-more").show(ui, |ui| {
            egui::Grid::new("customers-more").num_columns(2).show(ui, |ui| {
                let mut decimals = asked.decimals.map(f64::from);
                if form::amount(ui, cx, "experiments.decimals", &mut decimals, false) {
                    asked.decimals = decimals.map(|d| d.clamp(0.0, 9.0).round() as u32);
                }
            });
        });
    }
    match () {
        () if listed && asked.summary.iter().take(3).any(String::is_empty) => Err("experiments.hint_summary"),
        () if !listed && (asked.id.is_empty() || asked.date.is_empty()) => Err("experiments.hint_customers"),
        () => Ok(()),
    }
}

/// The columns of a file that holds one line per customer; what is spent may be absent.
fn summary(ui: &mut Ui, cx: &Cx<'_>, columns: &mut Vec<String>) {
    columns.resize(4, String::new());
    let names = ["experiments.sum_repeats", "experiments.sum_last", "experiments.sum_age", "experiments.sum_spend"];
    for (i, (key, chosen)) in names.into_iter().zip(columns.iter_mut()).enumerate() {
        form::column(ui, cx, key, chosen, form::countable, i == 3);
    }
    if columns[3].is_empty() {
        columns.pop();
    }
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
