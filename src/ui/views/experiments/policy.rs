//! What another policy would have earned on a log: which column is what, which policy is asked about, and the answer.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::strategy::causal::Base;
use crate::strategy::policy::{Columns, Mapping, PolicyValue, Wanted};
use crate::strategy::study::PolicyAsked;
use crate::strategy::words;
use crate::ui::widgets::{basic, chart, figure, scenario_card, sheet};
use crate::ui::{Action, Cx, theme};

/// The fields; what is missing, if nothing can be said yet. `name` is what the study is called.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, name: &str, asked: &mut PolicyAsked) -> Result<(), &'static str> {
    let Columns { action, reward, propensity, position, context } = &mut asked.columns;
    egui::Grid::new("policy").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.action", action, form::any, false);
        form::column(ui, cx, "experiments.reward", reward, form::countable, false);
        form::maybe(ui, cx, "experiments.propensity", propensity, form::countable);
        form::maybe(ui, cx, "experiments.position", position, form::any);
        form::several(ui, cx, "experiments.context", context, form::any);
        if !action.is_empty() {
            target(ui, cx, name, action, &mut asked.target);
        }
        form::amount(ui, cx, "experiments.clip", &mut asked.clip, false);
    });
    egui::CollapsingHeader::new(cx.t("experiments.more")).id_salt("policy-more").show(ui, |ui| {
        egui::Grid::new("policy-more").num_columns(2).show(ui, |ui| {
            let kinds = [Base::Logistic, Base::Gbdt].map(|b| (b, words::base(b)));
            form::one_of(ui, cx, "experiments.reward_model", &mut asked.model, kinds);
            form::whole(ui, cx, "experiments.seed", &mut asked.seed);
        });
    });
    if action.is_empty() || reward.is_empty() { Err("experiments.hint_action") } else { Ok(()) }
}

/// Which policy is asked about, and what it needs to be told.
fn target(ui: &mut Ui, cx: &mut Cx<'_>, name: &str, action: &str, wanted: &mut Wanted) {
    ui.label(RichText::new(cx.t("studies.target")).color(cx.tokens.weak)).on_hover_text(cx.t("studies.target_help"));
    ui.horizontal_wrapped(|ui| {
        let choice =
            |ui: &mut Ui, on: bool, key: &str, help: &str| ui.selectable_label(on, cx.t(key)).on_hover_text(cx.t(help)).clicked() && !on;
        if choice(ui, *wanted == Wanted::Uniform, "studies.target_uniform", "studies.target_uniform_help") {
            *wanted = Wanted::Uniform;
        }
        let always = matches!(wanted, Wanted::Always(_));
        if choice(ui, always, "studies.target_always", "studies.target_always_help") {
            *wanted = Wanted::Always(form::levels(cx, action).first().cloned().unwrap_or_default());
        }
        if choice(ui, *wanted == Wanted::Best, "studies.target_best", "studies.target_best_help") {
            *wanted = Wanted::Best;
        }
        if choice(ui, matches!(wanted, Wanted::File(_)), "studies.target_file", "studies.target_file_help") {
            cx.send(Action::ChooseTarget(name.to_owned()));
        }
    });
    ui.end_row();
    match wanted {
        Wanted::Always(chosen) => form::level(ui, cx, "studies.target_action", action, chosen),
        Wanted::File(path) => {
            ui.label(RichText::new(cx.t("studies.target_path")).color(cx.tokens.weak));
            ui.horizontal(|ui| {
                let full = path.display().to_string();
                ui.label(basic::shorten(&full, 48)).on_hover_text(&full);
                if ui.button(cx.t("studies.target_other")).clicked() {
                    cx.send(Action::ChooseTarget(name.to_owned()));
                }
            });
            ui.end_row();
        }
        _ => {}
    }
}

/// Which column looks like what, and why; the columns, if the analyst takes them.
pub fn proposed(ui: &mut Ui, cx: &mut Cx<'_>, m: &Mapping) -> Option<Columns> {
    ui.add_space(theme::SPACE);
    basic::section(ui, cx.t("studies.mapping"));
    sheet::ui(ui, "mapping", &words::proposals(m, cx.lang()), 3);
    ui.add_space(theme::SPACE);
    let enough = m.action.is_some() && m.reward.is_some();
    let taken = ui.add_enabled_ui(enough, |ui| basic::primary(ui, cx.t("studies.mapping_take")).clicked()).inner;
    taken.then(|| m.columns())
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
    ui.add(egui::Label::new(words::policy_says(v, lang)).wrap());
    ui.add(egui::Label::new(RichText::new(v.reason.say(lang)).size(theme::SMALL).color(cx.tokens.weak)).wrap());
    for w in &v.warnings {
        basic::warning(ui, &w.say(lang));
    }
    for (key, caption, c) in words::policy_pictures(v, lang) {
        chart::ui(ui, cx, twins, key, &caption, &c);
    }
    ui.add_space(theme::SPACE);
    for n in &v.methods {
        basic::caption(ui, &n.say(lang));
    }
}
