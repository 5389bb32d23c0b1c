//! A test read from the data: who got what, what came of it, what to do.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::base::{Lang, numbers};
use crate::report::studies;
use crate::strategy::experiment::Reading;
use crate::strategy::experiment::decide::Word;
use crate::strategy::experiment::many::Correction;
use crate::strategy::experiment::read::{Asked, Metric, MetricReading};
use crate::strategy::words;
use crate::ui::widgets::{basic, dots, figure, scenario_card};
use crate::ui::{Cx, theme};

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
        () => Ok(()),
    }
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, r: &Reading, twins: &mut figure::Twins) {
    let lang = cx.lang();
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
    let lines: Vec<dots::Line> =
        r.metrics.iter().flat_map(|m| m.comparisons.iter().map(move |c| (m, c))).filter_map(line(r, lang)).collect();
    let title = cx.t("experiments.effects");
    let source = figure::Source {
        table: Box::new(|| words::reading(r, lang).into()),
        csv: None,
        svg: Some(Box::new(move || studies::reading(r, title, lang))),
    };
    let series = [cx.t("experiments.fixed").to_owned(), cx.t("experiments.anytime").to_owned()];
    figure::ui(ui, cx, twins, "experiments.effects", &caption, &source, |ui, cx| {
        dots::legend(ui, &series);
        dots::ui(ui, cx.t("experiments.effects"), &lines, &series, &words::signed_percent, cx.t("experiments.relative_axis"), None);
    });
    for m in &r.metrics {
        for c in &m.comparisons {
            ui.add(egui::Label::new(words::comparison(m, c, &r.asked.control, lang)).wrap());
        }
    }
    health(ui, cx, r);
    for w in &r.warnings {
        basic::warning(ui, &w.say(lang));
    }
}

/// One line of the picture: a metric, and the variant where there are several.
fn line(r: &Reading, lang: Lang) -> impl Fn((&MetricReading, &crate::strategy::experiment::read::Comparison)) -> Option<dots::Line> + '_ {
    move |(m, c)| {
        let (fixed, any) = (c.relative?, c.anytime?);
        let metric = words::metric(m, lang);
        let name = if r.arms.len() > 2 { format!("{}: {metric}", c.variant) } else { metric };
        Some(dots::Line { name, marks: vec![(fixed.effect, fixed.ci.0, fixed.ci.1), (any.effect, any.ci.0, any.ci.1)] })
    }
}

/// Whether the numbers may be believed at all.
fn health(ui: &mut Ui, cx: &Cx<'_>, r: &Reading) {
    basic::section(ui, cx.t("experiments.health"));
    let counts: Vec<String> = r.arms.iter().zip(&r.srm.counts).map(|(a, n)| format!("{a} {}", numbers::count(*n as i64))).collect();
    let colour = |ok: bool| if ok { cx.tokens.good } else { cx.tokens.error };
    ui.horizontal_wrapped(|ui| {
        basic::chip(ui, cx.t("experiments.split"), colour(r.srm.ok), cx.t("experiments.split_help"));
        ui.label(format!("{} · p {}", counts.join(" · "), numbers::fixed(r.srm.p, 4)));
    });
    for b in &r.balance {
        ui.horizontal_wrapped(|ui| {
            basic::chip(ui, cx.t("experiments.balance"), colour(b.p_adjusted >= 0.01), cx.t("experiments.balance_help"));
            ui.label(format!("{} · {} · p {}", b.column, numbers::fixed(b.difference, 3), numbers::fixed(b.p_adjusted, 4)));
        });
    }
    if r.balance.is_empty() {
        basic::caption(ui, cx.t("experiments.no_balance"));
    }
}
