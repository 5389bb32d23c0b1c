//! What another policy would have earned on a log.

use eframe::egui::{self, Ui};

use super::form;
use crate::base::numbers;
use crate::strategy::policy::{Columns, PolicyValue};
use crate::strategy::study::PolicyAsked;
use crate::strategy::words;
use crate::ui::widgets::{basic, dots, figure, scenario_card};
use crate::ui::{Cx, theme};

/// The fields; what is missing, if nothing can be said yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut PolicyAsked) -> Result<(), &'static str> {
    let Columns { action, reward, propensity, position, context } = &mut asked.columns;
    egui::Grid::new("policy").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.action", action, form::any, false);
        form::column(ui, cx, "experiments.reward", reward, form::countable, false);
        form::maybe(ui, cx, "experiments.propensity", propensity, form::countable);
        form::maybe(ui, cx, "experiments.position", position, form::any);
        form::several(ui, cx, "experiments.context", context, form::any);
        form::amount(ui, cx, "experiments.clip", &mut asked.clip, false);
    });
    if action.is_empty() || reward.is_empty() { Err("experiments.hint_action") } else { Ok(()) }
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, v: &PolicyValue, twins: &mut figure::Twins) {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    ui.horizontal_wrapped(|ui| {
        scenario_card::grade_chip(ui, v.grade, &v.reason.say(lang), lang);
        if v.refused {
            basic::chip(ui, cx.t("experiments.refused"), cx.tokens.error, "");
        }
    });
    ui.add(egui::Label::new(v.reason.say(lang)).wrap());
    let estimates = words::estimates(v);
    let lines: Vec<dots::Line> = estimates
        .iter()
        .filter_map(|(name, e)| {
            let (low, high) = e.ci.or(e.ci_normal).unwrap_or((f64::NAN, f64::NAN));
            Some(dots::Line { name: (*name).to_owned(), marks: vec![(e.value?, low, high)] })
        })
        .collect();
    let caption = cx.tw(
        "experiments.policy_caption",
        &[
            ("n", &numbers::count(v.rows as i64)),
            ("ess", &numbers::fixed(v.ess, 1)),
            ("max", &numbers::plain(v.max_weight)),
            ("mean", &numbers::fixed(v.mean_weight, 3)),
        ],
    );
    let source = figure::Source { table: Box::new(|| words::policy_values(v, lang).into()), csv: None, svg: None };
    figure::ui(ui, cx, twins, "experiments.policy_value", &caption, &source, |ui, cx| {
        dots::ui(ui, cx.t("experiments.policy_value"), &lines, &[String::new()], &numbers::plain, cx.t("experiments.reward_axis"), None);
    });
    for n in &v.methods {
        basic::caption(ui, &n.say(lang));
    }
    for w in &v.warnings {
        basic::warning(ui, &w.say(lang));
    }
}
