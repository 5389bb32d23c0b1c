//! What would have to change: the smallest change that flips this row, with what may not change, and a way to try it in
//! What-if; and why this row and not a pinned one.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::{Subject, standing};
use crate::base::numbers;
use crate::explain::counterfactual::Rules;
use crate::explain::words;
use crate::session::state::{Answer, Ask, Question};
use crate::ui::views::whatif::levers::is_declared;
use crate::ui::views::whatif::moves;
use crate::ui::widgets::signed_bars::{self, Bar};
use crate::ui::widgets::{basic, figure};
use crate::ui::{Action, Cx, Room};

/// Bars of a contrast.
const MOST: usize = 10;

/// What the pane remembers.
#[derive(Default)]
pub struct ChangePane {
    rules: Rules,
    /// The level that is asked for, and the one being dragged or typed.
    level: Option<f64>,
    typed: Option<f64>,
    last: Option<(u32, String, Arc<Answer>)>,
    contrast: Option<Arc<Answer>>,
}

impl ChangePane {
    /// Draws both for a row.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: u32, twins: &mut figure::Twins) {
        self.change(ui, cx, subject, row);
        self.pinned(ui, cx, subject, row, twins);
    }

    fn change(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: u32) {
        basic::section(ui, cx.t("why.change"));
        // A rule for a feature that another model does not have would be refused.
        let features = subject.model.card().features();
        self.rules.locked.retain(|l| features.iter().any(|f| f.name == *l));
        let mut rules = self.rules.clone();
        rules.seconds = 5.0;
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
        let locked = self.rules.locked.clone();
        if !locked.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(cx.t("why.change_kept")).color(cx.tokens.weak));
                for name in &locked {
                    if ui.button(format!("{} ✕", basic::shorten(name, 24))).on_hover_text(cx.t("why.change_free")).clicked() {
                        self.rules.locked.retain(|l| l != name);
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
                    self.rules.locked.push(c.feature.clone());
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

    /// This row against the first pinned one.
    fn pinned(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: u32, twins: &mut figure::Twins) {
        let Some(against) = cx.session.selection.pinned.iter().copied().find(|p| *p != row) else { return };
        basic::section(ui, &cx.tw("why.contrast_with", &[("row", &numbers::count(i64::from(against) + 1))]));
        let question = Question::Contrast {
            model: subject.name.to_owned(),
            line: row,
            against,
            outcome: subject.outcome,
            scale: subject.options.scale,
        };
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        if let Some(answer) = cx.session.answer(&question) {
            self.contrast = Some(answer.clone());
        }
        let Some(answer) = self.contrast.clone() else { return };
        let Answer::Contrast(c) = &*answer else { return };
        ui.add(egui::Label::new(words::contrast(c, cx.lang())).wrap());
        let unit = subject.unit;
        let mut order: Vec<usize> = (0..c.values.len()).filter(|&f| c.values[f] != 0.0).collect();
        order.sort_by(|a, b| c.values[*b].abs().total_cmp(&c.values[*a].abs()));
        let bars: Vec<Bar> = order
            .iter()
            .take(MOST)
            .map(|&f| Bar {
                name: c.features[f].clone(),
                amount: c.values[f],
                shown: unit.effect(c.values[f]),
                help: format!("{} → {}", c.from[f].clone().unwrap_or_default(), c.to[f].clone().unwrap_or_default()),
            })
            .collect();
        let table = || figure::Table {
            header: vec![cx_t(cx.lang(), "why.feature"), c.b.clone(), c.a.clone(), unit.effect_name(cx.lang()).to_owned()],
            rows: order
                .iter()
                .map(|&f| {
                    vec![
                        c.features[f].clone(),
                        c.from[f].clone().unwrap_or_default(),
                        c.to[f].clone().unwrap_or_default(),
                        unit.effect(c.values[f]),
                    ]
                })
                .collect(),
        };
        let made = table();
        let source = figure::Source {
            table: Box::new(|| made.clone()),
            csv: None,
            svg: Some(Box::new(|| {
                let rows: Vec<_> = order.iter().take(MOST).map(|&f| (c.features[f].clone(), c.values[f], None)).collect();
                crate::report::svg::bars(&format!("{} ≠ {}", c.a, c.b), &rows, |x| unit.effect(x))
            })),
        };
        let title = words::contrast(c, cx.lang());
        figure::ui(ui, cx, twins, "why.contrast_bars", "", &source, |ui, _| signed_bars::ui(ui, &bars, &title));
    }
}

fn cx_t(lang: crate::base::Lang, key: &'static str) -> String {
    crate::base::tr(lang, key).to_owned()
}
