//! What if? Levers moved for one row, a segment or everybody; scenarios side by side with what the model expects then.
//!
//! The scenario on the bench is edited in a copy. A scenario that is not in the recipe yet is the session's draft and is
//! simulated while its levers move; one of the recipe is written back when the analyst lets go, as one undo step.
//!
//! - [`scenarios`] names and keeps them; [`levers`] moves; [`terms`] takes what the analyst assumes, [`shared`] what all
//!   scenarios share; [`results`] shows; [`compare`] sets two against each other; [`earns`] what money
//!   earns; [`hangs_on`] says what the advice hangs on.

mod compare;
mod earns;
mod hangs_on;
pub(super) mod levers;
pub mod moves;
mod results;
mod scenarios;
mod shared;
mod terms;
#[cfg(test)]
mod tests;

use eframe::egui::{self, RichText, Ui};

use crate::session::ledger;
use crate::session::state::{Ask, Command, Selection};
use crate::strategy::Scenario;
use crate::strategy::tested::Tested;
use crate::ui::widgets::{basic, figure};
use crate::ui::{Action, Cx, Room, View, theme};

use super::why;

/// What the room remembers.
#[derive(Default)]
pub struct WhatIfView {
    bench: Option<Bench>,
    segment: String,
    segment_fault: Option<String>,
    segment_open: bool,
    renaming: Option<String>,
    terms: terms::Fields,
    shared: shared::Shared,
    compare: compare::Compare,
    levers: levers::Levers,
    hangs_on: hangs_on::HangsOn,
    twins: figure::Twins,
}

/// The scenario on the bench.
struct Bench {
    /// Its name in the recipe; `None` for the draft.
    name: Option<String>,
    /// As the session has it.
    source: Scenario,
    /// As it is being edited.
    copy: Scenario,
    /// What was last sent, so that a refusal is not sent again.
    sent: Option<Scenario>,
}

impl View for WhatIfView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let Some((name, model)) = session.model() else {
            return basic::empty(ui, cx.t("why.no_model_title"), cx.t("why.no_model"), |ui| {
                if basic::primary(ui, cx.t("why.go_to_models")).clicked() {
                    cx.send(Action::Go(Room::Models));
                }
            });
        };
        let (name, model) = (name.to_owned(), model.clone());
        let (levers_ask, ask) = (Ask::Levers(name.clone()), Ask::Simulate(name.clone()));
        cx.want(levers_ask.clone());
        cx.want(ask.clone());
        let mut bench = self.take_bench(cx, &name);
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            why::inset(ui, |ui| {
                self.scenarios(ui, cx, &mut bench, &name);
                class_picker(ui, cx, &model);
                self.whom(ui, cx, &mut bench.copy);
                results::headline(ui, cx, &name, &bench.copy);
                why::standing(ui, cx, &levers_ask);
                effect_from(ui, cx, &mut bench.copy);
                if bench.copy.tested.is_none() {
                    basic::section(ui, cx.t("why.levers_title")).on_hover_text(cx.t("why.levers_help"));
                    basic::anchored(ui, "levers", |ui| self.levers.ui(ui, cx, &name, &model, &mut bench.copy));
                }
                basic::section(ui, cx.t("why.money_title")).on_hover_text(cx.t("why.money_help"));
                basic::anchored(ui, "terms", |ui| self.terms.ui(ui, cx, counted(cx, &model), &mut bench.copy));
                basic::anchored(ui, "shared", |ui| self.shared.ui(ui, cx, counted(cx, &model)));
                band(ui, cx, &model);
                why::standing(ui, cx, &ask);
                basic::anchored(ui, "results", |ui| results::ui(ui, cx, &name, &mut self.twins));
                if let Some(sim) = cx.session.simulation(&name) {
                    basic::anchored(ui, "compare", |ui| self.compare.ui(ui, cx, &name, sim, &mut self.twins));
                    basic::anchored(ui, "earns", |ui| earns::ui(ui, cx, &name, &bench.copy, &mut self.twins));
                    basic::anchored(ui, "hangs-on", |ui| self.hangs_on.ui(ui, cx, sim, &bench.copy.name, &mut self.twins));
                }
                ui.add_space(theme::SECTION);
            })
        });
        let held = ui.input(|i| i.pointer.any_down());
        let busy = session.job(&ask).is_some();
        self.give_back(cx, bench, held, busy);
    }
}

/// The outcome that the scenarios count.
fn counted<'m>(cx: &Cx<'_>, model: &'m std::sync::Arc<dyn crate::ml::Model>) -> &'m crate::ml::Outcome {
    let card = model.card();
    let class = cx.session.recipe.as_ref().and_then(|r| r.simulate.class.as_deref());
    let at = class.filter(|_| card.outcomes.len() > 1).and_then(|c| card.outcome_named(c)).unwrap_or(0);
    &card.outcomes[at]
}

/// Which class, or which outcome, the scenarios count, where a model has several.
fn class_picker(ui: &mut Ui, cx: &mut Cx<'_>, model: &std::sync::Arc<dyn crate::ml::Model>) {
    let card = model.card();
    let Some(simulate) = cx.session.recipe.as_ref().map(|r| &r.simulate).filter(|_| card.outcomes.len() > 1) else { return };
    let shown = match &simulate.class {
        Some(class) => card.outcome_named(class).map_or_else(|| class.clone(), |o| card.outcomes[o].label()),
        None => card.outcomes[0].label(),
    };
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(cx.t("why.counted")).color(cx.tokens.weak)).on_hover_text(cx.t("why.counted_help"));
        let combo = egui::ComboBox::from_id_salt("whatif-outcome").selected_text(basic::shorten(&shown, 40)).show_ui(ui, |ui| {
            for o in &card.outcomes {
                if ui.selectable_label(o.label() == shown, o.label()).clicked() {
                    chosen = Some(if o.is_class() { o.class().to_owned() } else { o.name.clone() });
                }
            }
        });
        why::name_it(&combo.response, cx.t("why.counted"), &shown);
    });
    if let Some(class) = chosen {
        cx.command(Command::SetSimulate(crate::session::recipe::SimulateSection { class: Some(class), ..simulate.clone() }));
    }
}

/// Times that a model is trained again where the tick is set.
const RETRAIN: u32 = 20;

/// Whether the bands cover which model the training gave; a model that was not trained here cannot be trained again.
fn band(ui: &mut Ui, cx: &mut Cx<'_>, model: &std::sync::Arc<dyn crate::ml::Model>) {
    let Some(section) = cx.session.recipe.as_ref().map(|r| r.simulate.clone()) else { return };
    let card = model.card();
    let can = cx.session.loaded.as_ref().is_some_and(|l| l.value.fingerprint == card.data);
    let mut on = section.retrain > 0;
    let times = if on { section.retrain } else { RETRAIN };
    let tick = egui::Checkbox::new(&mut on, cx.tw("why.model_band", &[("times", &times)]));
    let response = ui.add_enabled(can, tick).on_hover_text(cx.t("why.model_band_help"));
    if response.on_disabled_hover_text(cx.t("why.model_band_cannot")).clicked() {
        let retrain = if on { RETRAIN } else { 0 };
        cx.command(Command::SetSimulate(crate::session::recipe::SimulateSection { retrain, ..section }));
    }
}

/// Where the effect comes from, once there is a study that measured one: the model, or an arm of the study.
fn effect_from(ui: &mut Ui, cx: &Cx<'_>, s: &mut Scenario) {
    let Some(recipe) = cx.session.recipe.as_ref() else { return };
    let mut known: Vec<Tested> = Vec::new();
    for (study, asked) in ledger::measuring(recipe) {
        let column = cx.session.profile.as_ref().and_then(|p| p.value.columns.iter().find(|c| c.name == asked.column));
        // The values of a category; a yes/no number has two.
        let ends = |c: &crate::data::ColumnProfile| [c.min, c.max].into_iter().flatten().map(|v| v.to_string()).collect::<Vec<_>>();
        let values = |c: &crate::data::ColumnProfile| {
            if c.top.is_empty() && c.distinct == 2 { ends(c) } else { c.top.iter().map(|t| t.value.clone()).collect() }
        };
        let arms = column.into_iter().flat_map(values).filter(|v| *v != asked.control);
        known.extend(arms.map(|arm| Tested { study: study.clone(), arm: arm.clone() }));
    }
    if known.is_empty() && s.tested.is_none() {
        return;
    }
    let words = |t: &Tested| cx.tw("why.effect_study", &[("study", &t.study), ("arm", &t.arm)]);
    let shown = s.tested.as_ref().map_or_else(|| cx.t("why.effect_model").to_owned(), words);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(cx.t("why.effect_from")).color(cx.tokens.weak)).on_hover_text(cx.t("why.effect_from_help"));
        let combo = egui::ComboBox::from_id_salt("effect-from").selected_text(basic::shorten(&shown, 36)).show_ui(ui, |ui| {
            if ui.selectable_label(s.tested.is_none(), cx.t("why.effect_model")).clicked() {
                s.tested = None;
            }
            for t in &known {
                if ui.selectable_label(s.tested.as_ref() == Some(t), words(t)).clicked() {
                    s.tested = Some(t.clone());
                    s.set.clear();
                    s.row = None;
                }
            }
        });
        why::name_it(&combo.response, cx.t("why.effect_from"), &shown);
    });
}

impl WhatIfView {
    /// The scenario that is selected, else the draft, else a blank one.
    fn take_bench(&mut self, cx: &Cx<'_>, model: &str) -> Bench {
        let wanted = cx.session.selection.scenario.as_deref();
        let kept = cx.session.recipe.iter().flat_map(|r| &r.scenarios).find(|s| Some(s.name.as_str()) == wanted);
        let (name, source) = match kept {
            Some(s) => (Some(s.name.clone()), s.clone()),
            None => (None, cx.session.draft.clone().unwrap_or_else(|| moves::blank(cx, model))),
        };
        match self.bench.take() {
            // Nothing changed behind the analyst's back: the copy goes on.
            Some(b) if b.name == name && b.source == source => b,
            // The session took over what was edited here.
            Some(b) if b.name == name && b.copy == source => Bench { source, sent: None, ..b },
            _ => {
                self.terms.forget();
                Bench { name, copy: source.clone(), source, sent: None }
            }
        }
    }

    /// Sends what was edited: the draft while levers move, a scenario of the recipe once they are let go.
    fn give_back(&mut self, cx: &mut Cx<'_>, mut bench: Bench, held: bool, busy: bool) {
        let changed = bench.copy != bench.source && bench.sent.as_ref() != Some(&bench.copy);
        let now = match &bench.name {
            Some(_) => !held,
            None => !held || !busy,
        };
        if changed && now {
            bench.sent = Some(bench.copy.clone());
            match &bench.name {
                Some(name) => cx.command(Command::ReplaceScenario { name: name.clone(), scenario: bench.copy.clone() }),
                None => cx.send(Action::Draft(Some(bench.copy.clone()))),
            }
        }
        self.bench = Some(bench);
    }

    /// For whom: one row, a segment, everybody.
    fn whom(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Scenario) {
        let row = cx.session.selection.row;
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.for_whom")).color(cx.tokens.weak));
            let number = |r: u32| crate::base::numbers::count(i64::from(r) + 1);
            let of_row = match s.row.or(row) {
                Some(r) => cx.tw("why.row_n", &[("row", &number(r))]),
                None => cx.t("why.selected_row").to_owned(),
            };
            let can = s.row.or(row).is_some();
            let help = cx.t("why.selected_row_help");
            let response = ui.add_enabled(can, egui::Button::selectable(s.row.is_some(), of_row)).on_hover_text(help);
            if response.on_disabled_hover_text(help).clicked() {
                (s.row, s.segment) = (s.row.or(row), None);
                self.segment_open = false;
            }
            let in_segment = s.row.is_none() && (s.segment.is_some() || self.segment_open);
            if ui.selectable_label(in_segment, cx.t("why.segment")).on_hover_text(cx.t("why.segment_help")).clicked() {
                s.row = None;
                s.segment = s.segment.take().or_else(|| cx.session.selection.segment.clone());
                self.segment_open = true;
            }
            if ui.selectable_label(s.row.is_none() && !in_segment, cx.t("why.everybody")).clicked() {
                (s.row, s.segment) = (None, None);
                (self.segment_open, self.segment_fault) = (false, None);
            }
        });
        // The selection moved on: offer to follow it.
        if let (Some(of), Some(selected)) = (s.row, row)
            && of != selected
        {
            let number = crate::base::numbers::count(i64::from(selected) + 1);
            if ui.button(cx.tw("why.use_row", &[("row", &number)])).clicked() {
                s.row = Some(selected);
            }
        }
        if s.row.is_none() && (s.segment.is_some() || self.segment_open) {
            let current = s.segment.clone();
            let edited = why::rows::condition(
                ui,
                cx,
                "whatif-segment",
                &why::rows::SEGMENT,
                &mut self.segment,
                &mut self.segment_fault,
                current.as_deref(),
            );
            if let Some(text) = edited {
                // One selection drives both rooms.
                let shared = text.clone();
                cx.select(|sel: &mut Selection| sel.segment = shared);
                s.segment = text;
            }
        }
    }
}
