//! The strip at the bottom: what is running, how far, how long, hold and stop; and the last message. Faults stand above
//! it until they are dismissed.

use eframe::egui::{self, RichText, Ui};

use super::{Action, Cx, theme, widgets::basic};
use crate::base::numbers;
use crate::session::state::{Ask, Job, Message, Question, Study};
use crate::session::task::Progress;

/// Draws the strip.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal_centered(|ui| {
        let session = cx.session;
        // The job that makes progress now is the one with a stage; the others wait for their lane.
        let shown = session.jobs.iter().find(|j| session.progress.contains_key(&j.id)).or_else(|| session.jobs.first());
        match shown {
            Some(job) => self::job(ui, cx, job),
            None => {
                let last = session.messages.iter().rev().find(|m| !m.is_fault);
                let text = last.map_or_else(|| cx.t("ui.idle").to_owned(), |m| m.notice.say(cx.lang()));
                ui.add(egui::Label::new(RichText::new(&text).size(theme::SMALL).color(cx.tokens.weak)).truncate()).on_hover_text(text);
            }
        }
    });
}

fn job(ui: &mut Ui, cx: &mut Cx<'_>, job: &Job) {
    let cancelling = job.token.is_cancelled();
    let progress = cx.session.progress.get(&job.id);
    ui.label(RichText::new(title(cx, &job.ask)).size(theme::SMALL).strong());
    let words = if cancelling { cx.t("ui.cancelling").to_owned() } else { words(cx, progress, job.token.is_paused()) };
    let share = progress.filter(|p| p.total > 0).map(|p| (p.done as f32 / p.total as f32).min(1.0));
    basic::bar(ui, 160.0, share, &words);
    ui.label(RichText::new(&words).size(theme::SMALL).color(cx.tokens.weak));
    if !cancelling && !job.saving {
        let paused = job.token.is_paused();
        let (icon, name) = if paused { (basic::Icon::Play, "ui.resume") } else { (basic::Icon::Pause, "ui.pause") };
        if basic::icon(ui, icon, cx.t(name), true).clicked() {
            cx.send(Action::Pause(job.id, !paused));
        }
        if basic::icon(ui, basic::Icon::Stop, cx.t("ui.stop"), true).clicked() {
            cx.send(Action::Cancel(job.id));
        }
    }
    let others = cx.session.jobs.len() - 1;
    if others > 0 {
        let names: Vec<_> = cx.session.jobs.iter().filter(|j| j.id != job.id).map(|j| title(cx, &j.ask)).collect();
        ui.label(RichText::new(cx.tw("ui.more_waiting", &[("n", &others)])).size(theme::SMALL).color(cx.tokens.weak))
            .on_hover_text(names.join("\n"));
    }
}

/// How a job stands, in words: stage, n of m, time left.
pub fn words(cx: &Cx<'_>, progress: Option<&Progress>, paused: bool) -> String {
    let Some(p) = progress else { return cx.t("ui.waiting").to_owned() };
    let mut parts = Vec::new();
    if !p.stage.is_empty() {
        parts.push(cx.t(p.stage).to_owned());
    }
    if p.total > 0 {
        let (done, total) = (numbers::count(p.done as i64), numbers::count(p.total as i64));
        parts.push(cx.tw("ui.n_of_m", &[("n", &done), ("m", &total)]));
    }
    if paused {
        parts.push(cx.t("ui.paused").to_owned());
    } else if let Some(s) = p.seconds_left {
        parts.push(cx.tw("ui.time_left", &[("time", &numbers::duration(s))]));
    }
    parts.join(" · ")
}

/// What a job is, in words.
pub fn title(cx: &Cx<'_>, ask: &Ask) -> String {
    let (key, name) = match ask {
        Ask::Study(s) if let Study::Feedback(asked) = &**s => ("ui.job_feedback", cx.session.beside(asked).unwrap_or_default()),
        Ask::Study(_) => ("ui.job_study", String::new()),
        Ask::Preview | Ask::Load => ("ui.job_load", String::new()),
        Ask::Profile => ("ui.job_profile", String::new()),
        Ask::Prepare => ("ui.job_prepare", String::new()),
        Ask::Train(name) => ("ui.job_train", name.clone()),
        Ask::Why(r) => ("ui.job_why", r.model.clone()),
        Ask::Deeper(q) => (deeper(q), String::new()),
        Ask::Attention { .. } => ("ui.job_attention", String::new()),
        Ask::Levers(_) => ("ui.job_levers", String::new()),
        Ask::Scan => ("ui.job_scan", String::new()),
        Ask::Simulate(_) => ("ui.job_simulate", String::new()),
        Ask::Between { .. } => ("ui.job_between", String::new()),
        Ask::Frontier { .. } => ("ui.job_frontier", String::new()),
        Ask::Rank { .. } => ("ui.job_rank", String::new()),
        Ask::OpenProject(_) | Ask::Recover(_) | Ask::LoadModel(_) | Ask::ModelFiles => ("ui.job_open", String::new()),
        Ask::SaveProject(_) | Ask::Autosave | Ask::SaveModel { .. } | Ask::WriteText { .. } | Ask::WritePicture { .. } => {
            ("ui.job_save", String::new())
        }
        Ask::Report { .. } => ("ui.job_report", String::new()),
        Ask::Devices => ("ui.job_devices", String::new()),
    };
    cx.tw(key, &[("name", &name)])
}

fn deeper(question: &Question) -> &'static str {
    match question {
        Question::Effect { .. } => "ui.job_effect",
        Question::Change { .. } => "ui.job_change",
        Question::Contrast { .. } => "ui.job_contrast",
        Question::Trust { .. } => "ui.job_trust",
        Question::Segments { .. } => "ui.job_segments",
        Question::Surrogate { .. } => "ui.job_surrogate",
        Question::Stability { .. } => "ui.job_stability",
        Question::Everyone { .. } | Question::Density { .. } => "ui.job_everyone",
        Question::Moved { .. } => "ui.job_moved",
        Question::Pairs { .. } => "ui.job_pairs",
        Question::Shuffled { .. } => "ui.job_shuffled",
        Question::Typical { .. } => "ui.job_typical",
        Question::Cohorts { .. } => "ui.job_cohorts",
    }
}

/// Draws the faults, newest last, each with a way to dismiss it.
pub fn faults(ui: &mut Ui, cx: &mut Cx<'_>) {
    let faults: Vec<&Message> = cx.session.messages.iter().filter(|m| m.is_fault).collect();
    for message in faults {
        let text = message.notice.say(cx.lang());
        egui::Frame::new().fill(cx.tokens.soft(cx.tokens.error, 0.12)).inner_margin(egui::Margin::symmetric(12, 6)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
                    if basic::icon(ui, basic::Icon::Close, cx.t("ui.dismiss"), true).clicked() {
                        cx.send(Action::Dismiss(message.id));
                    }
                    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                        ui.add(egui::Label::new(RichText::new(text).color(cx.tokens.text)).wrap());
                    });
                });
            });
        });
    }
}
