//! The scenarios by name: choose, keep, rename, duplicate, remove.

use eframe::egui::{self, Ui};

use super::{Bench, WhatIfView, moves};
use crate::session::state::Command;
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx};

impl WhatIfView {
    /// The line of names and what can be done with the one on the bench.
    pub(super) fn scenarios(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, bench: &mut Bench, model: &str) {
        let session = cx.session;
        let names: Vec<String> = session.recipe.iter().flat_map(|r| &r.scenarios).map(|s| s.name.clone()).collect();
        ui.horizontal_wrapped(|ui| {
            for name in &names {
                let selected = bench.name.as_deref() == Some(name);
                let response = ui.selectable_label(selected, basic::shorten(name, 24)).on_hover_text(name);
                if response.clicked() && !selected {
                    self.renaming = None;
                    cx.select(|s| s.scenario = Some(name.clone()));
                }
            }
            let draft = cx.tw("why.draft", &[("name", &basic::shorten(&draft_name(cx, bench, model), 24))]);
            if ui.selectable_label(bench.name.is_none(), draft).on_hover_text(cx.t("why.draft_help")).clicked() {
                self.renaming = None;
                cx.select(|s| s.scenario = None);
            }
        });
        ui.horizontal_wrapped(|ui| match bench.name.clone() {
            None => {
                let can = !bench.copy.set.is_empty() || bench.copy.tested.is_some();
                let keep = egui::Button::new(cx.t("why.keep_scenario"));
                if ui.add_enabled(can, keep).on_disabled_hover_text(cx.t("why.keep_nothing")).clicked() {
                    let scenario = bench.copy.clone();
                    cx.command(Command::AddScenario(scenario.clone()));
                    cx.send(Action::Draft(None));
                    cx.select(|s| s.scenario = Some(scenario.name));
                }
                if can && ui.button(cx.t("why.clear_draft")).clicked() {
                    cx.send(Action::Draft(None));
                }
            }
            Some(name) => {
                if ui.button(cx.t("why.duplicate")).clicked() {
                    let mut copy = bench.copy.clone();
                    let taken: Vec<&str> = names.iter().map(String::as_str).collect();
                    copy.name = moves::free_name(&name, &taken);
                    let new = copy.name.clone();
                    cx.command(Command::AddScenario(copy));
                    cx.select(|s| s.scenario = Some(new));
                }
                if ui.button(cx.t("why.rename")).clicked() {
                    self.renaming = Some(name.clone());
                }
                if ui.button(cx.t("why.remove")).clicked() {
                    cx.command(Command::RemoveScenario { name });
                    cx.select(|s| s.scenario = None);
                }
            }
        });
        self.rename(ui, cx, bench, &names);
    }

    fn rename(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, bench: &mut Bench, names: &[String]) {
        let (Some(text), Some(old)) = (&mut self.renaming, bench.name.clone()) else { return };
        let mut done = false;
        let mut taken = false;
        ui.horizontal(|ui| {
            let label = ui.label(cx.t("why.new_name"));
            let response = ui.add(egui::TextEdit::singleline(text).desired_width(180.0)).labelled_by(label.id);
            let wanted = text.trim().to_owned();
            taken = wanted != old && names.contains(&wanted);
            let enter = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let ok = ui.add_enabled(!taken && !wanted.is_empty(), egui::Button::new(cx.t("why.rename_ok"))).clicked();
            if (enter || ok) && !taken && !wanted.is_empty() {
                let mut scenario = bench.copy.clone();
                scenario.name.clone_from(&wanted);
                cx.command(Command::ReplaceScenario { name: old.clone(), scenario });
                cx.select(|s| s.scenario = Some(wanted));
                done = true;
            }
            done |= ui.button(cx.t("why.rename_cancel")).clicked();
        });
        if taken {
            basic::warning(ui, cx.t("why.name_taken"));
        }
        if done {
            self.renaming = None;
        }
    }
}

/// The draft's name while another scenario is on the bench.
fn draft_name(cx: &Cx<'_>, bench: &Bench, model: &str) -> String {
    match (&bench.name, &cx.session.draft) {
        (None, _) => bench.copy.name.clone(),
        (Some(_), Some(d)) => d.name.clone(),
        (Some(_), None) => moves::blank(cx, model).name,
    }
}
