//! A test read from the data: who got what, what came of it, what to do.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::base::numbers;
use crate::strategy::experiment::Reading;
use crate::strategy::experiment::decide::Word;
use crate::strategy::experiment::many::Correction;
use crate::strategy::experiment::read::{Asked, Metric};
use crate::strategy::words;
use crate::ui::widgets::{basic, chart, figure, scenario_card};
use crate::ui::{Cx, theme};

/// Arms of which planned shares are asked, at most.
const MOST_SHARES: usize = 12;

/// The fields; what is missing, if it cannot be read yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut Asked) -> Result<(), &'static str> {
    let names = |asked: &Asked, guardrail| -> Vec<String> {
        asked.metrics.iter().filter(|m| m.guardrail == guardrail).map(|m| m.column.clone()).collect()
    };
    let (mut goals, mut guards) = (names(asked, false), names(asked, true));
    let mut lower: Vec<String> = asked.metrics.iter().filter(|m| m.lower_is_better).map(|m| m.column.clone()).collect();
    let before = asked.variant.clone();
    egui::Grid::new("test").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.variant", &mut asked.variant, form::any, false);
        if asked.variant != before {
            asked.control.clear();
        }
        if !asked.variant.is_empty() {
            form::level(ui, cx, "experiments.control", &asked.variant.clone(), &mut asked.control);
        }
        form::several(ui, cx, "experiments.goals", &mut goals, form::countable);
        form::several(ui, cx, "experiments.guardrails", &mut guards, form::countable);
        form::amount(ui, cx, "experiments.mde", &mut asked.mde, true);
    });
    egui::CollapsingHeader::new(cx.t("experiments.more")).id_salt("test-more").show(ui, |ui| {
        egui::Grid::new("test-more").num_columns(2).show(ui, |ui| {
            form::several(ui, cx, "experiments.lower", &mut lower, form::countable);
            form::maybe(ui, cx, "experiments.covariate", &mut asked.covariate, form::countable);
            form::several(ui, cx, "experiments.before", &mut asked.before, form::any);
            form::maybe(ui, cx, "experiments.person", &mut asked.id, form::any);
            form::maybe(ui, cx, "experiments.day", &mut asked.date, form::dated);
            shares(ui, cx, asked);
            form::amount(ui, cx, "experiments.winsorise", &mut asked.winsorise, true);
            let mut alpha = Some(asked.alpha);
            if form::amount(ui, cx, "experiments.alpha", &mut alpha, true) {
                asked.alpha = alpha.unwrap_or(0.05);
            }
            let mut tuning = Some(asked.tuning);
            if form::amount(ui, cx, "experiments.tuning", &mut tuning, false) {
                asked.tuning = tuning.unwrap_or(crate::strategy::experiment::effect::TUNING);
            }
            ui.label(RichText::new(cx.t("experiments.correction")).color(cx.tokens.weak))
                .on_hover_text(cx.t("experiments.correction_help"));
            ui.horizontal(|ui| {
                for (how, key) in [
                    (Correction::Holm, "experiments.holm"),
                    (Correction::Bh, "experiments.bh"),
                    (Correction::None, "experiments.uncorrected"),
                ] {
                    if ui.selectable_label(asked.correction == how, cx.t(key)).clicked() {
                        asked.correction = how;
                    }
                }
            });
            ui.end_row();
        });
    });
    guards.retain(|g| !goals.contains(g));
    let metric = |guardrail| {
        let lower = lower.clone();
        move |c: &String| Metric { column: c.clone(), guardrail, lower_is_better: lower.contains(c) }
    };
    asked.metrics = goals.iter().map(metric(false)).chain(guards.iter().map(metric(true))).collect();
    match () {
        () if asked.variant.is_empty() => Err("experiments.hint_variant"),
        () if asked.control.is_empty() => Err("experiments.hint_control"),
        () if goals.is_empty() => Err("experiments.hint_goal"),
        () if !asked.shares.is_empty() && asked.shares.len() < form::levels(cx, &asked.variant).len() => Err("experiments.planned_all"),
        () => Ok(()),
    }
}

/// How many of a hundred people each arm was planned to get; equally many where nothing is entered.
fn shares(ui: &mut Ui, cx: &Cx<'_>, asked: &mut Asked) {
    let arms = form::levels(cx, &asked.variant);
    // As long as the column is not known, nothing that was entered is taken away.
    if arms.len() < 2 || arms.len() > MOST_SHARES {
        return;
    }
    form::shares(ui, cx, &arms, &mut asked.shares);
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, r: &Reading, twins: &mut figure::Twins) {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    // A broken split makes every number below worthless, so its light comes first.
    split(ui, cx, r);
    for d in &r.decisions {
        ui.add_space(theme::SPACE);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(basic::shorten(&d.variant, 32)).size(theme::BODY).strong()).on_hover_text(&d.variant);
            let colour = match d.word {
                Word::Ship => cx.tokens.good,
                Word::Unhealthy | Word::RollBack => cx.tokens.error,
                Word::Ready | Word::DaysLeft => cx.tokens.warn,
            };
            basic::chip(ui, cx.t(words::word_key(d.word)), colour, "");
            scenario_card::grade_chip(ui, r.grade, &r.reason.say(lang), lang);
        });
        ui.add(egui::Label::new(d.reason.say(lang)).wrap());
    }
    let people = numbers::count(r.people as i64);
    let caption = cx.tw(
        "experiments.caption",
        &[("n", &people), ("control", &r.asked.control), ("share", &format!("{} %", numbers::plain(100.0 * (1.0 - r.asked.alpha))))],
    );
    chart::ui(ui, cx, twins, "experiments.effects", &caption, &words::differences(r, lang));
    for m in &r.metrics {
        for c in &m.comparisons {
            ui.add(egui::Label::new(words::comparison(r, m, c, lang)).wrap());
        }
    }
    for ((caption, c), key) in words::daily(r, lang).iter().zip(DAILY) {
        chart::ui(ui, cx, twins, key, caption, c);
    }
    health(ui, cx, r);
    for w in &r.warnings {
        basic::warning(ui, &w.say(lang));
    }
}

/// Titles of the paths of days, one per metric; more than so many are in the report and the JSON.
const DAILY: [&str; 4] = ["studies.daily", "studies.daily_2", "studies.daily_3", "studies.daily_4"];

/// Whether the arms have the sizes that were planned.
fn split(ui: &mut Ui, cx: &Cx<'_>, r: &Reading) {
    let counts: Vec<String> = r.arms.iter().zip(&r.srm.counts).map(|(a, n)| format!("{a} {}", numbers::count(*n as i64))).collect();
    let (key, colour) = if r.srm.ok { ("studies.split_ok", cx.tokens.good) } else { ("studies.split_bad", cx.tokens.error) };
    ui.horizontal_wrapped(|ui| {
        basic::chip(ui, cx.t(key), colour, cx.t("experiments.split_help"));
        ui.label(format!("{} · p {}", counts.join(" · "), words::p_value(r.srm.p)));
    });
}

/// Whether the arms were alike before the start.
fn health(ui: &mut Ui, cx: &Cx<'_>, r: &Reading) {
    basic::section(ui, cx.t("experiments.health"));
    let colour = |ok: bool| if ok { cx.tokens.good } else { cx.tokens.error };
    for b in &r.balance {
        ui.horizontal_wrapped(|ui| {
            basic::chip(ui, cx.t("experiments.balance"), colour(b.p_adjusted >= 0.01), cx.t("experiments.balance_help"));
            ui.label(format!("{} · {} · p {}", b.column, numbers::fixed(b.difference, 3), words::p_value(b.p_adjusted)));
        });
    }
    if r.balance.is_empty() {
        basic::caption(ui, cx.t("experiments.no_balance"));
    }
}
