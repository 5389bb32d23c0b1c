//! How many people an experiment needs, or what a number of people shows: a calculator that is always there.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::base::numbers;
use crate::strategy::experiment::plan::Plan;
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// What is entered.
pub struct Calculator {
    baseline: Option<f64>,
    amounts: bool,
    sd: Option<f64>,
    change: Option<f64>,
    /// Whether the number of people is given, and the change asked for.
    given: bool,
    people: Option<f64>,
    per_day: Option<f64>,
    arms: u32,
    alpha: Option<f64>,
    power: Option<f64>,
}

impl Default for Calculator {
    fn default() -> Self {
        Self {
            baseline: Some(0.05),
            amounts: false,
            sd: None,
            change: Some(0.2),
            given: false,
            people: Some(1_000.0),
            per_day: None,
            arms: 2,
            alpha: Some(0.05),
            power: Some(0.8),
        }
    }
}

impl Calculator {
    /// Draws the fields and the answer.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        basic::title(ui, cx.t("experiments.size"));
        basic::caption(ui, cx.t("experiments.size_about"));
        ui.add_space(theme::SPACE);
        ui.horizontal(|ui| {
            for (amounts, key) in [(false, "experiments.of_rate"), (true, "experiments.of_amount")] {
                if ui.selectable_label(self.amounts == amounts, cx.t(key)).clicked() && self.amounts != amounts {
                    (self.amounts, self.baseline, self.sd) = (amounts, None, None);
                }
            }
        });
        ui.horizontal_wrapped(|ui| {
            for (given, key) in [(false, "experiments.asks_people"), (true, "experiments.asks_change")] {
                if ui.selectable_label(self.given == given, cx.t(key)).clicked() {
                    self.given = given;
                }
            }
        });
        egui::Grid::new("size").num_columns(2).show(ui, |ui| {
            form::amount(ui, cx, if self.amounts { "experiments.mean" } else { "experiments.rate" }, &mut self.baseline, !self.amounts);
            if self.amounts {
                form::amount(ui, cx, "experiments.sd", &mut self.sd, false);
            }
            if self.given {
                form::amount(ui, cx, "experiments.people_an_arm", &mut self.people, false);
            } else {
                form::amount(ui, cx, "experiments.change", &mut self.change, true);
                form::amount(ui, cx, "experiments.per_day", &mut self.per_day, false);
            }
            let label = ui.label(RichText::new(cx.t("experiments.arms")).color(cx.tokens.weak));
            ui.add(egui::DragValue::new(&mut self.arms).range(2..=20)).labelled_by(label.id);
            ui.end_row();
            form::amount(ui, cx, "experiments.alpha", &mut self.alpha, true);
            form::amount(ui, cx, "experiments.power", &mut self.power, true);
        });
        let asked = if self.given { self.people } else { self.change };
        let (Some(baseline), Some(asked)) = (self.baseline, asked) else {
            basic::caption(ui, cx.t("experiments.size_hint"));
            return;
        };
        if self.amounts && self.sd.is_none() {
            basic::caption(ui, cx.t("experiments.size_hint"));
            return;
        }
        let plan = Plan {
            baseline,
            sd: self.sd.filter(|_| self.amounts),
            alpha: self.alpha.unwrap_or(0.05),
            power: self.power.unwrap_or(0.8),
            arms: self.arms,
            per_day: self.per_day,
        };
        ui.add_space(theme::SECTION);
        if self.given {
            return self.shows(ui, cx, &plan, asked.max(0.0) as u64);
        }
        match plan.size(baseline * (1.0 + asked)) {
            Ok(size) => {
                let each = numbers::count(size.per_arm as i64);
                ui.label(RichText::new(cx.tw("experiments.size_answer", &[("n", &each)])).size(theme::TITLE));
                let shown = |v: f64| if self.amounts { numbers::plain(v) } else { numbers::percent(v) };
                let fields: [(&str, &dyn std::fmt::Display); 4] = [
                    ("from", &shown(baseline)),
                    ("to", &shown(size.target)),
                    ("total", &numbers::count(size.total as i64)),
                    ("power", &numbers::percent(plan.power)),
                ];
                ui.add(egui::Label::new(cx.tw("experiments.size_words", &fields)).wrap());
                if let Some(days) = size.days {
                    ui.label(cx.tw("experiments.size_days", &[("days", &numbers::count(days as i64))]));
                }
                basic::caption(ui, &cx.tw("experiments.size_caption", &[("pooled", &numbers::count(size.per_arm_pooled as i64))]));
            }
            Err(fault) => drop(basic::warning(ui, &fault.say(cx.lang()))),
        }
    }

    /// The smallest change that so many people an arm show.
    fn shows(&self, ui: &mut Ui, cx: &Cx<'_>, plan: &Plan, people: u64) {
        match plan.detectable(people) {
            Ok(found) => {
                let shown = |v: f64| if self.amounts { numbers::signed(v) } else { numbers::points(v) };
                let relative = numbers::percent(found.relative);
                ui.label(RichText::new(cx.tw("experiments.shows_answer", &[("relative", &relative)])).size(theme::TITLE));
                let fields: [(&str, &dyn std::fmt::Display); 3] =
                    [("n", &numbers::count(people as i64)), ("effect", &shown(found.effect)), ("power", &numbers::percent(plan.power))];
                ui.add(egui::Label::new(cx.tw("experiments.shows_words", &fields)).wrap());
            }
            Err(fault) => drop(basic::warning(ui, &fault.say(cx.lang()))),
        }
    }
}
