//! Policies tried on simulated users.

use eframe::egui::{self, Ui};
use egui_plot::{Line, LineStyle, Plot, PlotPoints};

use super::form;
use crate::base::numbers;
use crate::strategy::bandit::run::POINTS;
use crate::strategy::bandit::{Live, Policy, Trial, Tried};
use crate::strategy::words;
use crate::ui::widgets::{basic, dots, figure, scenario_card};
use crate::ui::{Cx, theme};

/// The fields; what is missing, if nothing can be tried yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, trial: &mut Trial) -> Result<(), &'static str> {
    let s = &mut trial.settings;
    let (mut rounds, mut fatigue, mut drift, mut leaving) = (Some(s.rounds as f64), Some(s.fatigue), Some(s.drift), Some(s.leaving));
    egui::Grid::new("trial").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.action", &mut trial.log.action, form::any, false);
        form::column(ui, cx, "experiments.reward", &mut trial.log.reward, form::countable, false);
        form::several(ui, cx, "experiments.context", &mut trial.log.context, form::any);
        form::maybe(ui, cx, "experiments.log_user", &mut trial.log.user, form::any);
        form::maybe(ui, cx, "experiments.log_time", &mut trial.log.time, form::any);
        if form::amount(ui, cx, "experiments.rounds", &mut rounds, false) {
            s.rounds = rounds.map_or(10_000, |r| r.clamp(100.0, 1e6) as usize);
        }
        if trial.log.user.is_some() && trial.log.time.is_some() {
            let mut days = Some(f64::from(s.horizon));
            if form::amount(ui, cx, "experiments.horizon_days", &mut days, false) {
                s.horizon = days.map_or(30, |d| d.clamp(1.0, 3_650.0) as u32);
            }
        }
        for (key, value, percent, to) in [
            ("experiments.fatigue", &mut fatigue, true, &mut s.fatigue),
            ("experiments.drift", &mut drift, false, &mut s.drift),
            ("experiments.leaving", &mut leaving, true, &mut s.leaving),
        ] {
            if form::amount(ui, cx, key, value, percent) {
                *to = value.unwrap_or(0.0);
            }
        }
    });
    match () {
        () if trial.log.action.is_empty() || trial.log.reward.is_empty() => Err("experiments.hint_action"),
        () if trial.log.context.is_empty() => Err("experiments.hint_context"),
        () => Ok(()),
    }
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, t: &Tried, twins: &mut figure::Twins) {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    ui.horizontal_wrapped(|ui| {
        scenario_card::grade_chip(ui, t.grade, &t.reason.say(lang), lang);
        basic::caption(ui, &t.reason.say(lang));
    });
    ui.add(egui::Label::new(words::tried(t, lang)).wrap());
    if let Some(stayed) = words::stayed(t, lang) {
        ui.add(egui::Label::new(stayed).wrap());
    }
    if !t.outcomes.is_empty() {
        pictures(ui, cx, t, twins);
    }
    basic::section(ui, cx.t("experiments.replay"));
    let r = &t.replay;
    let expected: Vec<String> = r.expected.iter().map(|e| numbers::percent(*e)).collect();
    let fields: [(&str, &dyn std::fmt::Display); 4] = [
        ("logged", &numbers::percent(r.logged)),
        ("low", &numbers::percent(r.interval.0)),
        ("high", &numbers::percent(r.interval.1)),
        ("expected", &expected.join(", ")),
    ];
    ui.add(egui::Label::new(cx.tw("experiments.replay_words", &fields)).wrap());
    for said in words::returned(t, lang) {
        ui.add(egui::Label::new(said).wrap());
    }
    for w in &t.warnings {
        basic::caption(ui, &w.say(lang));
    }
}

fn pictures(ui: &mut Ui, cx: &mut Cx<'_>, t: &Tried, twins: &mut figure::Twins) {
    let lang = cx.lang();
    let caption = cx.tw(
        "experiments.trial_caption",
        &[("models", &t.replay.expected.len()), ("seeds", &t.settings.seeds), ("rounds", &numbers::count(t.settings.rounds as i64))],
    );
    let lines: Vec<dots::Line> = t
        .outcomes
        .iter()
        .map(|o| dots::Line { name: cx.t(o.policy.key()).to_owned(), marks: vec![(o.lift.mean, o.lift.low, o.lift.high)] })
        .collect();
    let source = figure::Source { table: Box::new(|| words::policies(t, lang).into()), csv: None, svg: None };
    figure::ui(ui, cx, twins, "experiments.trial", &caption, &source, |ui, cx| {
        dots::ui(ui, cx.t("experiments.trial"), &lines, &[String::new()], &numbers::points, cx.t("experiments.trial_axis"), None);
    });
    stays(ui, cx, t, twins);
    let curves: Vec<(Policy, &[f64])> = t.outcomes.iter().map(|o| (o.policy, o.curve.as_slice())).collect();
    regret(ui, cx, &curves, t.settings.rounds, cx.t("experiments.regret_caption"), twins);
}

/// How a trial stands: its curves as they grow, or as far as they came before it was stopped.
pub fn live(ui: &mut Ui, cx: &mut Cx<'_>, trial: &Trial, live: &Live, stopped: bool, twins: &mut figure::Twins) {
    let points = live.curves.first().map_or(0, |(_, c)| c.len());
    let fields: [(&str, &dyn std::fmt::Display); 4] = [
        ("rounds", &numbers::count((trial.settings.rounds * points / POINTS) as i64)),
        ("of", &numbers::count(trial.settings.rounds as i64)),
        ("runs", &live.runs.0),
        ("all", &live.runs.1),
    ];
    let caption = cx.tw(if stopped { "experiments.live_stopped" } else { "experiments.live" }, &fields);
    let curves: Vec<(Policy, &[f64])> = live.curves.iter().map(|(p, c)| (*p, c.as_slice())).collect();
    regret(ui, cx, &curves, trial.settings.rounds, &caption, twins);
}

/// Rewards missed on the way. A policy keeps its colour, whatever the order; the axis is of the whole run from the beginning.
fn regret(ui: &mut Ui, cx: &mut Cx<'_>, curves: &[(Policy, &[f64])], rounds: usize, caption: &str, twins: &mut figure::Twins) {
    let step = rounds as f64 / POINTS as f64;
    let names: Vec<&'static str> = curves.iter().map(|(p, _)| cx.t(p.key())).collect();
    let table = || {
        let header = std::iter::once(cx.t("experiments.round_axis")).chain(names.iter().copied()).map(str::to_owned).collect();
        let points = curves.first().map_or(0, |(_, c)| c.len());
        let round = |i: usize| (rounds * (i + 1) / POINTS).to_string();
        let row = |i: usize| std::iter::once(round(i)).chain(curves.iter().map(|(_, c)| numbers::plain(c[i]))).collect();
        figure::Table { header, rows: (0..points).map(row).collect() }
    };
    let table = table();
    let source = figure::Source { table: Box::new(move || table.clone()), csv: None, svg: None };
    let style = |policy: &Policy| {
        let at = Policy::ALL.iter().position(|p| p == policy).unwrap_or(0);
        // There are more policies than colours; the second round of colours is dashed.
        (at, if at < COLOURS { LineStyle::Solid } else { LineStyle::Dashed { length: 6.0 } })
    };
    figure::ui(ui, cx, twins, "experiments.regret", caption, &source, |ui, cx| {
        // Above the plot: inside, it would lie on curves that are still growing.
        egui::Grid::new("regret legend").num_columns(2).spacing([24.0, 2.0]).show(ui, |ui| {
            for (k, ((policy, _), name)) in curves.iter().zip(&names).enumerate() {
                let (at, line) = style(policy);
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(egui::vec2(18.0, theme::ROW), egui::Sense::hover());
                    let stroke = egui::Stroke::new(2.0, cx.tokens.series(at));
                    let ends = [rect.left_center(), rect.right_center()];
                    match line {
                        LineStyle::Solid => drop(ui.painter().line_segment(ends, stroke)),
                        _ => ui.painter().extend(egui::Shape::dashed_line(&ends, stroke, 5.0, 3.0)),
                    }
                    ui.label(egui::RichText::new(*name).size(theme::SMALL).color(cx.tokens.weak));
                });
                if k % 2 == 1 {
                    ui.end_row();
                }
            }
        });
        Plot::new("regret")
            .height(260.0)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .include_y(0.0)
            .include_x(0.0)
            .include_x(rounds as f64)
            .show_grid(false)
            .x_axis_label(cx.t("experiments.round_axis"))
            .show(ui, |p| {
                for ((policy, curve), name) in curves.iter().zip(&names) {
                    let (at, line) = style(policy);
                    let points: PlotPoints<'_> = curve.iter().enumerate().map(|(k, v)| [step * (k + 1) as f64, *v]).collect();
                    p.line(Line::new(*name, points).color(cx.tokens.series(at)).style(line).width(1.5));
                }
            });
    });
}

/// Colours of lines that are told apart.
const COLOURS: usize = 6;

/// Who comes back under which policy.
fn stays(ui: &mut Ui, cx: &mut Cx<'_>, t: &Tried, twins: &mut figure::Twins) {
    let lang = cx.lang();
    let kept: Vec<_> = t.outcomes.iter().filter_map(|o| Some((o, o.stay.as_ref()?))).collect();
    let Some((_, first)) = kept.first() else { return };
    let names: Vec<String> = first.back.iter().map(|b| cx.tw("bandit.head_back", &[("days", &b.days)])).collect();
    let line = |(o, s): &(&crate::strategy::bandit::Outcome, &crate::strategy::bandit::Stay)| dots::Line {
        name: cx.t(o.policy.key()).to_owned(),
        marks: s.back.iter().map(|b| (b.share.mean, b.share.low, b.share.high)).collect(),
    };
    let lines: Vec<dots::Line> = kept.iter().map(line).collect();
    let caption = cx.tw("experiments.stays_caption", &[("models", &t.replay.expected.len()), ("seeds", &t.settings.seeds)]);
    let source = figure::Source { table: Box::new(|| words::stays(t, lang).into()), csv: None, svg: None };
    figure::ui(ui, cx, twins, "experiments.stays", &caption, &source, |ui, cx| {
        dots::legend(ui, &names);
        dots::ui(ui, cx.t("experiments.stays"), &lines, &names, &numbers::percent, cx.t("experiments.stays_axis"), None);
    });
}
