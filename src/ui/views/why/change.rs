//! What would have to change: the smallest change that flips this row, with what may not change, and a way to try it in
//! What-if.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::rules::Editor;
use super::{Subject, standing};
use crate::base::numbers;
use crate::explain::words;
use crate::session::state::{Answer, Ask, Command, Question};
use crate::ui::views::whatif::levers::is_declared;
use crate::ui::views::whatif::moves;
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, Room};

/// Seconds of a search in the window, where the rules do not say.
const SECONDS: f64 = 5.0;

/// What the pane remembers.
#[derive(Default)]
pub struct ChangePane {
    rules: Editor,
    /// The level that is asked for, and the one being dragged or typed.
    level: Option<f64>,
    typed: Option<f64>,
    last: Option<(u32, String, Arc<Answer>)>,
}

impl ChangePane {
    /// Draws it for a row.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: u32) {
        basic::section(ui, cx.t("why.change"));
        let features = subject.model.card().features();
        let kept = cx.session.recipe.as_ref().map(|r| r.explain.rules.clone()).unwrap_or_default();
        // A rule for a feature that only another model has would be refused.
        let rules = kept.clone().for_features(features).within(SECONDS);
        let outcome = subject.model.card().outcomes.get(subject.outcome);
        let chance = outcome.is_some_and(crate::ml::Outcome::is_binary);
        let usual = if chance { 0.5 } else { outcome.map_or(0.0, |o| o.base_rate) };
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new(cx.t("why.change_to")).color(cx.tokens.weak)).on_hover_text(cx.t("why.change_to_help"));
            // Shown in per cent, kept as a share.
            let times = if chance { 100.0 } else { 1.0 };
            let mut shown = self.typed.or(self.level).unwrap_or(usual) * times;
            let field = egui::DragValue::new(&mut shown).speed(if chance { 0.5 } else { usual.abs().max(1.0) * 0.01 }).max_decimals(2);
            let field = if chance { field.range(0.01..=99.99).suffix(" %") } else { field };
            let response = ui.add(field).labelled_by(label.id);
            if response.changed() {
                self.typed = Some(shown / times);
            }
            // While it is dragged or typed nothing is asked: the search may take seconds.
            if !response.dragged() && !response.has_focus() {
                self.level = self.typed.or(self.level);
            }
        });
        let level = self.level.filter(|l| !chance || (0.0..1.0).contains(l));
        let question = Question::Change { model: subject.name.to_owned(), line: row, outcome: subject.outcome, level, rules };
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        if let Some(answer) = cx.session.answer(&question) {
            self.last = Some((row, subject.name.to_owned(), answer.clone()));
        }
        self.rules.ui(ui, cx, features);
        let locked: Vec<&String> = kept.locked.iter().filter(|l| features.iter().any(|f| f.name == **l)).collect();
        if !locked.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(cx.t("why.change_kept")).color(cx.tokens.weak));
                for name in locked {
                    if ui.button(format!("{} ✕", basic::shorten(name, 24))).on_hover_text(cx.t("why.change_free")).clicked() {
                        let mut rules = kept.clone();
                        rules.locked.retain(|l| l != name);
                        cx.command(Command::SetRules(rules));
                    }
                }
            });
        }
        let shown = self.last.clone().filter(|(r, m, _)| *r == row && m == subject.name);
        let Some((_, _, answer)) = shown else { return };
        let Answer::Change(found, real) = &*answer else { return };
        ui.add(egui::Label::new(words::change(found, cx.lang())).wrap());
        for c in &found.changes {
            ui.horizontal(|ui| {
                let step = format!("{}: {} → {}", basic::shorten(&c.feature, 32), c.from_shown, c.to_shown);
                ui.label(RichText::new(step).strong()).on_hover_text(&c.feature);
                let name = cx.tw("why.change_keep", &[("feature", &c.feature)]);
                if ui.small_button(cx.t("why.change_keep_short")).on_hover_text(name).clicked() {
                    let mut rules = kept.clone();
                    rules.locked.push(c.feature.clone());
                    cx.command(Command::SetRules(rules));
                }
            });
        }
        ui.horizontal_wrapped(|ui| {
            let declared = found.changes.iter().all(|c| is_declared(cx.session, &c.feature));
            let help = cx.t(if declared { "why.change_try_help" } else { "why.change_try_not" });
            if ui
                .add_enabled(declared && !found.changes.is_empty(), egui::Button::new(cx.t("why.change_try")))
                .on_hover_text(help)
                .on_disabled_hover_text(help)
                .clicked()
            {
                let mut draft = moves::draft_for_row(cx, subject.name, row);
                for c in &found.changes {
                    if let Some(feature) = features.get(c.index) {
                        draft.set.insert(c.feature.clone(), moves::setting(feature, c.to));
                    }
                }
                cx.send(Action::Draft(Some(draft)));
                cx.want(Ask::Simulate(subject.name.to_owned()));
                cx.send(Action::Go(Room::WhatIf));
            }
            if let Some(real) = real {
                let n = numbers::count(i64::from(*real) + 1);
                if ui.button(cx.tw("why.change_real_row", &[("row", &n)])).on_hover_text(cx.t("why.change_real_help")).clicked() {
                    cx.select(|s| s.row = Some(*real));
                }
            }
        });
        basic::caption(ui, cx.t("why.change_caption"));
        for notice in &found.warnings {
            basic::warning(ui, &notice.say(cx.lang()));
        }
    }
}
