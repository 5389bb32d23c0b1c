//! What the scenarios give: one headline for the scenario on the bench, and all of them as cards side by side.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use crate::base::{Lang, numbers, tr};
use crate::strategy::simulate::Placed;
use crate::strategy::{Scenario, Simulation};
use crate::ui::widgets::scenario_card::{self, Figure};
use crate::ui::widgets::{basic, figure};
use crate::ui::{Cx, theme};

/// The scenario on the bench in one line: from what to what.
pub fn headline(ui: &mut Ui, cx: &Cx<'_>, model: &str, s: &Scenario) {
    let Some(sim) = cx.session.simulation(model) else { return };
    if let Some(lost) = sim.unanswered.iter().find(|u| u.name == s.name) {
        basic::warning(ui, &lost.fault.say(cx.lang()));
    }
    let found = sim.differences.iter().zip(sim.scenarios.iter().skip(1)).find(|(d, _)| d.name == s.name);
    let Some((difference, result)) = found.filter(|_| !s.set.is_empty() || s.tested.is_some()) else { return };
    let rate = !sim.amount;
    ui.add_space(theme::SPACE);
    ui.horizontal_wrapped(|ui| {
        if !sim.class.is_empty() {
            ui.label(RichText::new(cx.tw("why.of_class", &[("outcome", &sim.outcome), ("class", &sim.class)])).color(cx.tokens.weak));
        }
        let before = Figure::Rate.show(result.rate.value - difference.rate.value, rate);
        let after = Figure::Rate.show(result.rate.value, rate);
        let change = Figure::Rate.show_change(difference.rate.value, rate);
        // Whether it is for the better; which way it goes, the sign says.
        let colour = if difference.rate.value * sim.news.sign() >= 0.0 { cx.tokens.good } else { cx.tokens.error };
        ui.label(RichText::new(cx.tw("why.from_to", &[("from", &before), ("to", &after)])).size(theme::TITLE));
        ui.label(RichText::new(change).size(theme::TITLE).color(colour));
        scenario_card::grade_chip(ui, result.grade, &result.reason.say(cx.lang()), cx.lang());
    });
}

/// Cards, their table, and what they rest on.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, model: &str, twins: &mut figure::Twins) {
    let session = cx.session;
    let Some(sim): Option<&Arc<Simulation>> = session.simulation(model) else { return };
    let (rate, lang) = (!sim.amount, cx.lang());
    let reach = sim.scenarios.first().map_or(0.0, |b| b.reach.value);
    let caption = cx.tw(
        "why.scenarios_caption",
        &[("n", &numbers::fixed(reach, 0)), ("model", &sim.model_name), ("replicates", &numbers::count(i64::from(sim.replicates)))],
    );
    if !sim.news.is_good() {
        basic::caption(ui, &cx.tw("why.news_fewer", &[("case", &sim.case)]));
    }
    let source = figure::Source { table: Box::new(|| table(sim, rate, lang)), csv: Some(Box::new(|| csv(sim))), svg: None };
    figure::ui(ui, cx, twins, "why.scenarios", &caption, &source, |ui, _| {
        egui::ScrollArea::horizontal().id_salt("cards").auto_shrink([false, true]).show(ui, |ui| {
            ui.horizontal_top(|ui| {
                for (at, place) in sim.placed().into_iter().enumerate() {
                    ui.push_id(at, |ui| {
                        ui.vertical(|ui| match place {
                            Placed::Answered(i) => scenario_card::ui(ui, sim, i, rate, lang),
                            Placed::Unanswered(u) => scenario_card::unanswered(ui, u, lang),
                        })
                    });
                }
            });
        });
    });
    if !sim.assumptions.is_empty() {
        let title = cx.tw("why.assumed", &[("n", &sim.assumptions.len())]);
        egui::CollapsingHeader::new(title).id_salt("assumed").show(ui, |ui| {
            for notice in &sim.assumptions {
                basic::caption(ui, &notice.say(lang));
            }
        });
    }
    for notice in &sim.warnings {
        basic::warning(ui, &notice.say(lang));
    }
}

fn table(sim: &Simulation, rate: bool, lang: Lang) -> figure::Table {
    let mut header = vec![tr(lang, "why.figure").to_owned()];
    header.extend(sim.scenarios.iter().enumerate().map(|(i, s)| if i == 0 { tr(lang, "why.baseline").to_owned() } else { s.name.clone() }));
    let mut rows = Vec::new();
    for f in Figure::ALL {
        if sim.scenarios.iter().all(|r| f.of(r).is_none()) {
            continue;
        }
        let mut row = vec![tr(lang, sim.news.word(f.key(rate))).to_owned()];
        row.extend(sim.scenarios.iter().map(|r| f.of(r).map_or_else(|| "–".to_owned(), |e| f.show(e.value, rate))));
        rows.push(row);
    }
    let mut grades = vec![tr(lang, "why.grade_column").to_owned()];
    grades.extend(sim.scenarios.iter().map(|r| format!("{:?}", r.grade)));
    rows.push(grades);
    figure::Table { header, rows }
}

fn csv(sim: &Simulation) -> figure::Table {
    let header = ["scenario", "figure", "value", "low", "high", "grade"].map(str::to_owned).to_vec();
    let line = |r: &crate::strategy::ScenarioResult, f: Figure| {
        let name = format!("{f:?}").to_lowercase();
        f.of(r).map(|e| vec![r.name.clone(), name, e.value.to_string(), e.low.to_string(), e.high.to_string(), format!("{:?}", r.grade)])
    };
    let rows = sim.scenarios.iter().flat_map(|r| Figure::ALL.into_iter().filter_map(move |f| line(r, f))).collect();
    figure::Table { header, rows }
}
