//! What do I tell others? What a report will hold, its title, what it must not hold, and where it goes.

#[cfg(test)]
mod tests;

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::data::Role;
use crate::session::recipe::{ExplainSection, Recipe, ReportSection};
use crate::session::state::{Ask, Command};
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, Room, View, strip, theme};

/// The formats, in their order.
const FORMATS: [(&str, &str); 2] = [("html", "why.format_html"), ("json", "why.format_json")];

/// What the room remembers.
#[derive(Default)]
pub struct ReportView {
    title: Option<String>,
}

impl View for ReportView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(recipe) = &cx.session.recipe else { return };
        if cx.session.models.is_empty() && recipe.studies.is_empty() {
            return basic::empty(ui, cx.t("why.report_empty_title"), cx.t("why.report_empty"), |ui| {
                if basic::primary(ui, cx.t("why.go_to_models")).clicked() {
                    cx.send(Action::Go(Room::Models));
                }
            });
        }
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(720.0);
            basic::title(ui, cx.t("why.report_title"));
            self.settings(ui, cx, recipe);
            export(ui, cx, &recipe.report);
            if !cx.session.models.is_empty() {
                parts(ui, cx, &recipe.explain);
            }
            basic::section(ui, cx.t("why.report_holds"));
            for (name, what, there) in sections(cx, recipe) {
                ui.horizontal(|ui| {
                    let colour = if there { cx.tokens.text } else { cx.tokens.weak };
                    let (rect, _) = ui.allocate_exact_size(egui::vec2(10.0, theme::BODY), egui::Sense::hover());
                    if there {
                        ui.painter().circle_filled(rect.center(), 3.0, cx.tokens.accent);
                    } else {
                        ui.painter().circle_stroke(rect.center(), 3.0, egui::Stroke::new(1.0, cx.tokens.faint));
                    }
                    basic::line(ui, 160.0, theme::ROW, name, theme::BODY, colour);
                    ui.add(egui::Label::new(RichText::new(what).size(theme::SMALL).color(cx.tokens.weak)).wrap());
                });
            }
        });
    }
}

impl ReportView {
    fn settings(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, recipe: &Recipe) {
        let report = &recipe.report;
        let set = |cx: &mut Cx<'_>, new: ReportSection| cx.command(Command::SetReport(new));
        ui.add_space(theme::SPACE);
        ui.horizontal(|ui| {
            let label = ui.label(cx.t("why.report_name"));
            let mut text = self.title.clone().unwrap_or_else(|| report.title.clone().unwrap_or_default());
            let hint = cx.session.name().unwrap_or_default();
            let response = ui.add(egui::TextEdit::singleline(&mut text).desired_width(360.0).hint_text(hint)).labelled_by(label.id);
            if response.changed() {
                self.title = Some(text.clone());
            }
            if response.lost_focus()
                && let Some(typed) = self.title.take()
            {
                let title = Some(typed.trim().to_owned()).filter(|t| !t.is_empty());
                if title != report.title {
                    set(cx, ReportSection { title, ..report.clone() });
                }
            }
        });
        let mut include = report.include_sensitive;
        let response = ui.checkbox(&mut include, cx.t("why.include_sensitive")).on_hover_text(cx.t("why.include_sensitive_help"));
        if response.changed() {
            set(cx, ReportSection { include_sensitive: include, ..report.clone() });
        }
        let sensitive = cx.session.columns_with(Role::Sensitive);
        if include && !sensitive.is_empty() {
            basic::warning(ui, &cx.tw("why.sensitive_leave", &[("columns", &sensitive.join(", "))]));
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t("why.formats")).color(cx.tokens.weak)).on_hover_text(cx.t("why.formats_help"));
            for (format, key) in FORMATS {
                let mut on = report.formats.iter().any(|f| f == format);
                if ui.checkbox(&mut on, cx.t(key)).changed() {
                    let mut formats = report.formats.clone();
                    formats.retain(|f| f != format);
                    if on {
                        formats.push(format.to_owned());
                    }
                    set(cx, ReportSection { formats, ..report.clone() });
                }
            }
        });
    }
}

/// A part of *Why* that the report holds when it is asked for: its words, and whether it is.
type Part = (&'static str, &'static str, fn(&mut ExplainSection) -> &mut bool);

/// All of them, in the order of the report.
const PARTS: [Part; 12] = [
    ("why.everyone", "why.part_everyone_help", |e| &mut e.everyone),
    ("why.pairs", "why.part_pairs_help", |e| &mut e.pairs),
    ("why.effect_pdp", "why.effect_pdp_help", |e| &mut e.pdp),
    ("why.effect_ice", "why.effect_ice_help", |e| &mut e.ice),
    ("why.part_map", "why.part_map_help", |e| &mut e.map),
    ("why.shuffled", "why.part_shuffled_help", |e| &mut e.shuffled),
    ("why.crowd", "why.part_crowd_help", |e| &mut e.crowd),
    ("why.paths", "why.part_paths_help", |e| &mut e.paths),
    ("why.typical", "why.part_typical_help", |e| &mut e.typical),
    ("report.segments", "why.part_segments_help", |e| &mut e.segments),
    ("why.surrogate", "why.part_surrogate_help", |e| &mut e.surrogate),
    ("why.density", "why.part_density_help", |e| &mut e.density),
];

/// What else the report says of why; each part costs some time when it is written.
fn parts(ui: &mut Ui, cx: &mut Cx<'_>, explain: &ExplainSection) {
    basic::section(ui, cx.t("why.report_parts"));
    basic::caption(ui, cx.t("why.report_parts_help"));
    for two in PARTS.chunks(2) {
        ui.columns(2, |columns| {
            for (ui, (key, help, of)) in columns.iter_mut().zip(two) {
                let mut new = explain.clone();
                let mut on = *of(&mut new);
                if ui.checkbox(&mut on, cx.t(key)).on_hover_text(cx.t(help)).changed() {
                    *of(&mut new) = on;
                    cx.command(Command::SetExplain(new));
                }
            }
        });
    }
}

/// The buttons that write, how the writing goes, and where it went.
fn export(ui: &mut Ui, cx: &mut Cx<'_>, report: &ReportSection) {
    let job = cx.session.jobs.iter().find(|j| matches!(j.ask, Ask::Report { .. }) && !j.token.is_cancelled());
    ui.add_space(theme::SPACE);
    ui.horizontal(|ui| {
        for (format, key) in FORMATS {
            if !report.formats.iter().any(|f| f == format) {
                continue;
            }
            let text = cx.tw("why.write_as", &[("format", &cx.t(key))]);
            ui.add_enabled_ui(job.is_none(), |ui| {
                if basic::primary(ui, &text).clicked() {
                    cx.send(Action::ExportReport(format.to_owned()));
                }
            });
        }
        if report.formats.is_empty() {
            basic::caption(ui, cx.t("why.no_format"));
        }
        if let Some(job) = job {
            let live = cx.session.progress.get(&job.id);
            let words = strip::words(cx, live, job.token.is_paused());
            let share = live.filter(|p| p.total > 0).map(|p| (p.done as f32 / p.total as f32).min(1.0));
            basic::bar(ui, 120.0, share, &words);
            basic::caption(ui, &words);
        }
    });
    if let Some(path) = &cx.session.report_written {
        ui.horizontal(|ui| {
            let shown = path.display().to_string();
            ui.add(egui::Label::new(cx.tw("why.report_at", &[("file", &shown)])).truncate()).on_hover_text(&shown);
            for (target, key) in [(Some(path.as_path()), "why.open_report"), (path.parent(), "why.open_folder")] {
                let Some(target) = target else { continue };
                if ui.button(cx.t(key)).clicked() {
                    ui.ctx().open_url(egui::OpenUrl::new_tab(file_url(target)));
                }
            }
        });
    }
}

/// A path as a link that the desktop opens.
fn file_url(path: &std::path::Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut url = String::from("file://");
    let text = whole.to_string_lossy().replace('\\', "/");
    if !text.starts_with('/') {
        url.push('/');
    }
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b':' => url.push(b as char),
            _ => url.push_str(&format!("%{b:02X}")),
        }
    }
    url
}

/// What the report will hold: name, what is in it, whether it is there.
fn sections(cx: &Cx<'_>, recipe: &Recipe) -> Vec<(&'static str, String, bool)> {
    let s = cx.session;
    let count = |n: usize| numbers::count(n as i64);
    let names = |all: Vec<&str>| basic::shorten(&all.join(", "), 120);
    let rows = s.loaded.as_ref().map_or(0, |l| l.value.table.n_rows());
    let file = recipe.data.path.display().to_string();
    let shown: Vec<String> = recipe.explain.show.iter().map(|r| count(*r as usize + 1)).collect();
    let rows_shown = if shown.is_empty() {
        cx.t("why.section_why_default").to_owned()
    } else {
        cx.tw("why.section_why_rows", &[("rows", &shown.join(", "))])
    };
    let e = &recipe.explain;
    let more: [(&str, &dyn std::fmt::Display); 3] =
        [("groups", &e.groups.len()), ("levels", &e.levels.len()), ("contrasts", &e.contrasts.len())];
    let asked = !(e.groups.is_empty() && e.levels.is_empty() && e.contrasts.is_empty());
    let rows_shown = if asked { format!("{rows_shown} · {}", cx.tw("why.section_why_more", &more)) } else { rows_shown };
    let added: [(&str, &dyn std::fmt::Display); 2] = [("cohorts", &e.cohorts.len()), ("maps", &e.maps.len())];
    let asked = !(e.cohorts.is_empty() && e.maps.is_empty());
    let rows_shown = if asked { format!("{rows_shown} · {}", cx.tw("why.section_why_added", &added)) } else { rows_shown };
    let person = recipe.recommend.as_ref().map(|r| r.person.clone()).filter(|p| !p.is_empty());
    let absent = || cx.t("why.section_absent").to_owned();
    vec![
        (cx.t("why.section_data"), cx.tw("why.section_data_is", &[("file", &file), ("rows", &count(rows))]), rows > 0),
        (cx.t("why.section_prepare"), cx.tw("why.section_prepare_is", &[("n", &recipe.prepare.len())]), true),
        (cx.t("why.section_models"), names(s.models.keys().map(String::as_str).collect()), !s.models.is_empty()),
        (cx.t("why.section_why"), rows_shown, !s.models.is_empty()),
        (cx.t("why.section_ranking"), person.clone().unwrap_or_else(absent), person.is_some()),
        (
            cx.t("why.section_scenarios"),
            if recipe.scenarios.is_empty() { absent() } else { names(recipe.scenarios.iter().map(|x| x.name.as_str()).collect()) },
            !recipe.scenarios.is_empty(),
        ),
        (
            cx.t("studies.section"),
            if recipe.studies.is_empty() { absent() } else { names(recipe.studies.iter().map(|x| x.name.as_str()).collect()) },
            !recipe.studies.is_empty(),
        ),
        (cx.t("why.section_checks"), cx.t("why.section_checks_is").to_owned(), true),
        (cx.t("why.section_reproduce"), cx.t("why.section_reproduce_is").to_owned(), true),
    ]
}

#[cfg(test)]
mod url_tests {
    #[test]
    fn paths_become_links() {
        assert_eq!(super::file_url(std::path::Path::new("/a b/报告.html")), "file:///a%20b/%E6%8A%A5%E5%91%8A.html");
    }
}
