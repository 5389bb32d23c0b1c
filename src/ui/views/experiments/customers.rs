//! What customers are worth: who is likely to come back, how often, for how much.

use eframe::egui::{self, Ui};

use super::form;
use crate::base::numbers;
use crate::strategy::customers::Valuation;
use crate::strategy::study::CustomersAsked;
use crate::strategy::words;
use crate::ui::widgets::{basic, dots, figure};
use crate::ui::{Cx, theme};

/// The fields; what is missing, if nothing can be said yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut CustomersAsked) -> Result<(), &'static str> {
    let (mut discount, mut margin) = (Some(asked.discount), Some(asked.margin));
    egui::Grid::new("customers").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.person", &mut asked.id, form::any, false);
        form::column(ui, cx, "experiments.bought_on", &mut asked.date, form::any, false);
        form::maybe(ui, cx, "experiments.paid", &mut asked.amount, form::countable);
        form::amount(ui, cx, "experiments.horizon", &mut asked.horizon, false);
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
    let lines: Vec<dots::Line> = v
        .segments
        .iter()
        .filter_map(|s| Some(dots::Line { name: words::segment(s.segment, lang).to_owned(), marks: vec![(s.alive?, f64::NAN, f64::NAN)] }))
        .collect();
    let caption = cx.tw(
        "experiments.customers_caption",
        &[("n", &numbers::count(v.customers as i64)), ("repeaters", &numbers::count(v.repeaters as i64))],
    );
    let source = figure::Source { table: Box::new(|| words::segments(v, lang).into()), csv: None, svg: None };
    figure::ui(ui, cx, twins, "experiments.segments", &caption, &source, |ui, cx| {
        dots::ui(ui, cx.t("experiments.segments"), &lines, &[String::new()], &numbers::percent, cx.t("value.alive"), None);
    });
    let table = words::segments(v, lang);
    egui::ScrollArea::horizontal().id_salt("segments").auto_shrink([false, true]).show(ui, |ui| {
        egui::Grid::new("segments").striped(true).show(ui, |ui| {
            for h in &table.head {
                basic::caption(ui, h);
            }
            ui.end_row();
            for row in &table.rows {
                row.iter().for_each(|c| drop(ui.label(c)));
                ui.end_row();
            }
        });
    });
    for n in &v.methods {
        basic::caption(ui, &n.say(lang));
    }
    for w in &v.warnings {
        basic::warning(ui, &w.say(lang));
    }
}
