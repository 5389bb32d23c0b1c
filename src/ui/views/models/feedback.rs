//! New data: what moved, whether the model still holds, the version that learned from it, and what changed in the advice.

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::session::state::{Ask, Finding, Status, Study};
use crate::strategy::feedback::{Feedback, Verdict};
use crate::strategy::study::FeedbackAsked;
use crate::strategy::words::feedback as words;
use crate::ui::views::why::standing;
use crate::ui::widgets::{basic, dots, figure};
use crate::ui::{Action, Cx, theme};

/// Columns in a picture.
const SHOWN: usize = 12;

/// What the panel remembers.
#[derive(Default)]
pub(super) struct FeedbackPanel {
    twins: figure::Twins,
}

impl FeedbackPanel {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, name: &str) {
        if !cx.session.models.contains_key(name) {
            return;
        }
        basic::section(ui, cx.t("feedback.title"));
        basic::caption(ui, cx.t("feedback.help"));
        ui.add_space(theme::SPACE);
        if ui.button(cx.t("feedback.read")).clicked() {
            cx.send(Action::NewData(name.to_owned()));
        }
        let session = cx.session;
        let mine = |a: &FeedbackAsked| session.beside(a).as_deref() == Some(name) || a.version.as_deref() == Some(name);
        let Some((study, asked)) = session.feedbacks().rev().find(|(_, a)| mine(a)) else { return };
        let ask = Ask::Study(Box::new(Study::Feedback(asked.clone()).question()));
        ui.add_space(theme::SPACE);
        standing(ui, cx, &ask);
        // It trains a version, so a project that is opened again waits for a click.
        if matches!(session.status(&ask), Status::Empty | Status::Stale) {
            let file = asked.file.file_name().unwrap_or_default().to_string_lossy();
            if ui.button(cx.tw("feedback.again", &[("file", &file)])).clicked() {
                cx.want(ask);
            }
        }
        if let Some(Finding::Feedback(f)) = session.finding(&Study::Feedback(asked.clone()).question()).map(|f| &**f) {
            result(ui, cx, (study, asked), f, &mut self.twins);
        }
    }
}

/// What the new rows came to, for a study of that name.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, (study, asked): (&str, &FeedbackAsked), f: &Feedback, twins: &mut figure::Twins) {
    let lang = cx.lang();
    let file = asked.file.file_name().unwrap_or_default().to_string_lossy();
    basic::caption(ui, &cx.tw("feedback.of", &[("file", &file), ("rows", &numbers::count(f.rows as i64)), ("model", &f.model)]));
    ui.add_space(theme::SPACE);
    let say = |ui: &mut Ui, text: Option<String>, off: bool| {
        let Some(text) = text else { return };
        if off { drop(basic::warning(ui, &text)) } else { drop(ui.add(egui::Label::new(text).wrap())) }
    };
    say(ui, words::calibration(f, lang), f.calibration.as_ref().is_some_and(|k| !k.holds));
    say(ui, words::outcome(f, lang), false);
    say(ui, words::compared(f, lang), f.compared.as_ref().is_some_and(|c| c.verdict == Verdict::Worse));
    version(ui, cx, study, asked);
    for a in &f.advice {
        say(ui, Some(words::advice(a, lang)), a.changed);
    }
    say(ui, words::drift(f, lang), false);
    for n in f.columns.iter().chain(&f.warnings) {
        basic::caption(ui, &n.say(lang));
    }
    if !f.drift.is_empty() {
        let lines: Vec<dots::Line> = f.drift.iter().take(SHOWN).map(|d| line(&d.feature, &[d.psi])).collect();
        let source = figure::Source { table: Box::new(|| words::drifts(f, lang).into()), csv: None, svg: None };
        figure::ui(ui, cx, twins, "feedback.drifts", cx.t("feedback.drifts_caption"), &source, |ui, cx| {
            let axis = cx.t("feedback.head_psi");
            dots::ui(ui, cx.t("feedback.drifts"), &lines, &[String::new()], &|v| numbers::fixed(v, 2), axis, None);
        });
    }
    if let Some(k) = &f.calibration {
        let show = if words::amount(f) { numbers::plain } else { numbers::percent };
        let group = |(i, g): (usize, &crate::strategy::feedback::Group)| dots::Line {
            name: cx.tw("feedback.group", &[("n", &(i + 1))]),
            marks: vec![(g.predicted, g.predicted, g.predicted), (g.observed, g.interval.0, g.interval.1)],
        };
        let lines: Vec<dots::Line> = k.groups.iter().enumerate().map(group).collect();
        let series = [cx.t("feedback.predicted").to_owned(), cx.t("feedback.observed").to_owned()];
        let source = figure::Source { table: Box::new(|| words::groups(f, lang).into()), csv: None, svg: None };
        figure::ui(ui, cx, twins, "feedback.groups", cx.t("feedback.groups_caption"), &source, |ui, cx| {
            let axis = f.outcome.as_ref().map_or("", |o| o.outcome.as_str());
            dots::legend(ui, &series);
            dots::ui(ui, cx.t("feedback.groups"), &lines, &series, &show, axis, None);
        });
    }
    if !f.importance.is_empty() {
        let lines: Vec<dots::Line> = f.importance.iter().take(SHOWN).map(|s| line(&s.feature, &[s.old, s.new])).collect();
        let source = figure::Source { table: Box::new(|| words::shifts(f, lang).into()), csv: None, svg: None };
        let series = [cx.t("feedback.head_before").to_owned(), cx.t("feedback.head_now").to_owned()];
        figure::ui(ui, cx, twins, "feedback.shifts", cx.t("feedback.shifts_caption"), &source, |ui, cx| {
            dots::legend(ui, &series);
            dots::ui(ui, cx.t("feedback.shifts"), &lines, &series, &numbers::percent, cx.t("feedback.shifts_axis"), None);
        });
    }
}

/// Keeps the new version, or takes it back.
fn version(ui: &mut Ui, cx: &mut Cx<'_>, study: &str, asked: &FeedbackAsked) {
    let Some(name) = asked.version.as_ref().filter(|n| cx.session.versions.contains_key(*n)) else { return };
    ui.horizontal(|ui| {
        if asked.keep {
            ui.label(RichText::new(cx.tw("feedback.kept", &[("name", name)])).color(cx.tokens.weak));
            if ui.button(cx.t("feedback.take_back")).on_hover_text(cx.t("feedback.take_back_help")).clicked() {
                cx.send(Action::KeepVersion { study: study.to_owned(), keep: false });
            }
        } else if ui.button(cx.tw("feedback.keep", &[("name", name)])).on_hover_text(cx.t("feedback.keep_help")).clicked() {
            cx.send(Action::KeepVersion { study: study.to_owned(), keep: true });
        }
    });
}

/// Values without an interval.
fn line(name: &str, values: &[f64]) -> dots::Line {
    dots::Line { name: name.to_owned(), marks: values.iter().map(|v| (*v, *v, *v)).collect() }
}
