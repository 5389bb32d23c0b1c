//! Experiments: read a test, plan one, find out what spending gives, share out a budget. The recipe keeps every question
//! as a study; a study on screen is answered by itself.
//!
//! - [`test`] reads an experiment; [`size`] says how many people one needs; [`curves`] finds spending curves; [`budget`]
//!   shares money out; [`uplift`] says whom a treatment helps, [`policy`] what another policy would have earned,
//!   [`customers`] what they are worth; [`feedback`] sets new rows beside a model; [`bandit`] tries policies on simulated users; [`form`] holds the fields that they are made of.

mod bandit;
mod budget;
mod curves;
mod customers;
mod feedback;
mod form;
mod policy;
mod size;
mod test;
#[cfg(test)]
mod tests;
mod uplift;

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::why::{inset, standing};
use crate::base::progress::Preview;
use crate::session::state::{Ask, Command, Finding, NamedStudy, Status, Study};
use crate::strategy::bandit::Live;
use crate::ui::widgets::{basic, figure};
use crate::ui::{Cx, View, theme};

/// What the room remembers.
#[derive(Default)]
pub struct ExperimentsView {
    /// The study on screen, by name; the calculator if none.
    shown: Option<String>,
    renaming: Option<String>,
    size: size::Calculator,
    twins: figure::Twins,
    /// The last good answer, shown while a new one is computed.
    last: Option<(String, Arc<Finding>)>,
    /// How the trial on screen stands while it runs, or stood when it was stopped.
    live: Option<(Study, Preview)>,
}

/// Kinds of studies that can be begun, in the order of the work.
const KINDS: [(&str, &str, fn() -> Study); 7] = [
    ("experiments.new_test", "experiments.new_test_help", || Study::Experiment(Default::default())),
    ("experiments.new_uplift", "experiments.new_uplift_help", || Study::Uplift(Default::default())),
    ("experiments.new_policy", "experiments.new_policy_help", || Study::Policy(Default::default())),
    ("experiments.new_customers", "experiments.new_customers_help", || Study::Customers(Default::default())),
    ("experiments.new_curves", "experiments.new_curves_help", || Study::Curves(Default::default())),
    ("experiments.new_budget", "experiments.new_budget_help", budget::blank),
    ("experiments.new_trial", "experiments.new_trial_help", || Study::Bandit(Default::default())),
];

impl View for ExperimentsView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let studies: Vec<NamedStudy> = cx.session.recipe.iter().flat_map(|r| r.studies.clone()).collect();
        let shown = self.shown.clone().and_then(|name| studies.iter().find(|s| s.name == name).cloned());
        let frame = egui::Frame::new().inner_margin(egui::Margin { right: 12, ..egui::Margin::ZERO });
        egui::Panel::left("studies").frame(frame).default_size(208.0).size_range(160.0..=320.0).show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| self.list(ui, cx, &studies, shown.as_ref()));
        });
        let frame = egui::Frame::new().inner_margin(egui::Margin { left: 12, ..egui::Margin::ZERO });
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                inset(ui, |ui| {
                    ui.set_max_width(ui.available_width().min(900.0));
                    match shown {
                        Some(study) => self.study(ui, cx, &study, &studies),
                        None => self.size.ui(ui, cx),
                    }
                });
            });
        });
    }
}

impl ExperimentsView {
    fn list(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, studies: &[NamedStudy], shown: Option<&NamedStudy>) {
        basic::title(ui, cx.t("ui.room_experiments"));
        ui.add_space(theme::SPACE);
        let width = ui.available_width();
        let entry = |ui: &mut Ui, on: bool, text: &str| {
            let button = egui::Button::selectable(on, basic::shorten(text, 26)).min_size(egui::vec2(width, theme::ROW));
            ui.add(button).on_hover_text(text).clicked()
        };
        if entry(ui, shown.is_none(), cx.t("experiments.size")) {
            self.shown = None;
        }
        for s in studies {
            if entry(ui, shown.is_some_and(|x| x.name == s.name), &s.name) {
                (self.shown, self.renaming) = (Some(s.name.clone()), None);
            }
        }
        basic::section(ui, cx.t("experiments.new"));
        for (key, help, make) in KINDS {
            if ui.add(egui::Button::new(cx.t(key)).min_size(egui::vec2(width, 0.0))).on_hover_text(cx.t(help)).clicked() {
                self.begin(cx, cx.t(key), make(), studies);
            }
        }
    }

    /// Adds a study under a free name and shows it.
    fn begin(&mut self, cx: &mut Cx<'_>, name: &str, ask: Study, studies: &[NamedStudy]) {
        let taken: Vec<&str> = studies.iter().map(|s| s.name.as_str()).collect();
        let name = super::whatif::moves::free_name(name, &taken);
        cx.command(Command::AddStudy(NamedStudy { name: name.clone(), ask }));
        (self.shown, self.renaming) = (Some(name), None);
    }

    fn study(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, study: &NamedStudy, studies: &[NamedStudy]) {
        self.head(ui, cx, study, studies);
        let mut edited = study.clone();
        let complete = basic::anchored(ui, ("study", &study.name), |ui| match &mut edited.ask {
            Study::Experiment(asked) => test::form(ui, cx, asked),
            Study::Curves(asked) => curves::form(ui, cx, asked),
            Study::Budget(plan) => budget::form(ui, cx, plan),
            Study::Bandit(trial) => bandit::form(ui, cx, trial),
            Study::Uplift(asked) => uplift::form(ui, cx, asked),
            Study::Policy(asked) => policy::form(ui, cx, &study.name, asked),
            Study::Customers(asked) => customers::form(ui, cx, asked),
            Study::Feedback(asked) => feedback::form(ui, cx, asked),
        });
        if edited != *study {
            cx.command(Command::ReplaceStudy { name: study.name.clone(), study: edited });
        }
        if let Err(hint) = complete {
            basic::caption(ui, cx.t(hint));
            self.propose(ui, cx, study);
            return;
        }
        let ask = Ask::Study(Box::new(study.ask.question()));
        cx.want(ask.clone());
        ui.add_space(theme::SPACE);
        standing(ui, cx, &ask);
        if self.live(ui, cx, study, &ask) {
            return;
        }
        if let Some(found) = cx.session.finding(&study.ask.question()) {
            self.last = Some((study.name.clone(), found.clone()));
        }
        let Some(found) = self.last.as_ref().filter(|(name, _)| *name == study.name).map(|(_, f)| f.clone()) else { return };
        match &*found {
            Finding::Experiment(reading) => test::result(ui, cx, &study.name, reading, &mut self.twins),
            Finding::Curves { fit, plan } => {
                if curves::result(ui, cx, fit, &mut self.twins) {
                    self.begin(cx, cx.t("experiments.new_budget"), Study::Budget((**plan).clone()), studies);
                }
            }
            Finding::Budget(a) => budget::result(ui, cx, a, &mut self.twins),
            Finding::Bandit(t) => bandit::result(ui, cx, t, &mut self.twins),
            Finding::Uplift(r) => uplift::result(ui, cx, study, r, &mut self.twins),
            Finding::Policy(v) => policy::result(ui, cx, v, &mut self.twins),
            Finding::Mapping(_) => {}
            Finding::Customers(v) => customers::result(ui, cx, v, &mut self.twins),
            Finding::Feedback(f) => {
                if let Study::Feedback(asked) = &study.ask {
                    super::models::feedback::result(ui, cx, (&study.name, asked), f, &mut self.twins);
                }
            }
        }
    }

    /// Which column of a log is what, as long as nobody has said so.
    fn propose(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, study: &NamedStudy) {
        let Study::Policy(asked) = &study.ask else { return };
        let nothing = Study::Policy(Default::default());
        cx.want(Ask::Study(Box::new(nothing.clone())));
        let Some(found) = cx.session.finding(&nothing).cloned() else { return };
        let Finding::Mapping(mapping) = &*found else { return };
        if let Some(columns) = policy::proposed(ui, cx, mapping) {
            let ask = Study::Policy(crate::strategy::study::PolicyAsked { columns, ..asked.clone() });
            cx.command(Command::ReplaceStudy { name: study.name.clone(), study: NamedStudy { name: study.name.clone(), ask } });
        }
    }

    /// What a study has so far, while it runs or after it was stopped; whether there is any.
    fn live(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, study: &NamedStudy, ask: &Ask) -> bool {
        let running = cx.session.job(ask).and_then(|j| cx.session.progress.get(&j.id));
        if let Some(preview) = running.and_then(|p| p.preview.clone()) {
            self.live = Some((study.ask.clone(), preview));
        }
        let stopped = matches!(cx.session.status(ask), Status::Failed(fault) if fault.is_cancelled());
        let shown = self.live.as_ref().filter(|(of, _)| *of == study.ask && (running.is_some() || stopped));
        match (&study.ask, shown.map(|(_, p)| p.0.downcast_ref::<Live>())) {
            (Study::Bandit(trial), Some(Some(live))) => {
                bandit::live(ui, cx, trial, live, stopped, &mut self.twins);
                true
            }
            _ => false,
        }
    }

    /// The name, and what can be done with the study.
    fn head(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, study: &NamedStudy, studies: &[NamedStudy]) {
        let mut renamed = None;
        ui.horizontal_wrapped(|ui| match &mut self.renaming {
            Some(text) => {
                let label = ui.label(cx.t("why.new_name"));
                let response = ui.add(egui::TextEdit::singleline(text).desired_width(240.0)).labelled_by(label.id);
                let wanted = text.trim().to_owned();
                let free = !wanted.is_empty() && (wanted == study.name || studies.iter().all(|s| s.name != wanted));
                let enter = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                let ok = ui.add_enabled(free, egui::Button::new(cx.t("why.rename_ok"))).on_disabled_hover_text(cx.t("why.name_taken"));
                if (enter || ok.clicked()) && free {
                    renamed = Some(Some(wanted));
                }
                if ui.button(cx.t("why.rename_cancel")).clicked() {
                    renamed = Some(None);
                }
            }
            None => {
                ui.add(egui::Label::new(RichText::new(&study.name).size(theme::TITLE)).wrap());
                if ui.button(cx.t("why.rename")).clicked() {
                    self.renaming = Some(study.name.clone());
                }
                if ui.button(cx.t("why.remove")).clicked() {
                    cx.command(Command::RemoveStudy { name: study.name.clone() });
                    self.shown = None;
                }
            }
        });
        if let Some(end) = renamed {
            self.renaming = None;
            if let Some(name) = end.filter(|n| *n != study.name) {
                let new = NamedStudy { name: name.clone(), ..study.clone() };
                cx.command(Command::ReplaceStudy { name: study.name.clone(), study: new });
                self.shown = Some(name);
            }
        }
    }
}
