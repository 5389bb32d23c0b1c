//! Groups: up to three side by side, and a few typical rows that stand for all.

use std::sync::Arc;

use eframe::egui::{Label, RichText, Ui};

use super::pairs::fold;
use super::rows::{Words, condition};
use super::{Subject, standing};
use crate::base::numbers;
use crate::explain::cohorts::MOST;
use crate::explain::words;
use crate::ml::model::Scale;
use crate::session::recipe::ExplainSection;
use crate::session::state::{Answer, Ask, Command, Question, Why, WhyRows};
use crate::ui::Cx;
use crate::ui::widgets::dots::{self, Line};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Features that are drawn; the table has all.
const FEATURES: usize = 10;

/// The words around a group's condition.
const GROUP: Words = Words { label: "why.cohort_add", help: "why.cohort_add_help", hint: "why.group_hint" };

/// What the pane remembers: conditions, empty for everyone; rows that were brushed, as the last group.
#[derive(Default)]
pub struct CohortsPane {
    chosen: Vec<String>,
    picked: Option<Arc<[u32]>>,
    text: String,
    fault: Option<String>,
}

impl CohortsPane {
    /// Draws both folds.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Why, rows: &WhyRows, twins: &mut figure::Twins) {
        fold(ui, cx, "why.cohorts", |ui, cx| self.side_by_side(ui, cx, subject, twins));
        fold(ui, cx, "why.typical", |ui, cx| typical(ui, cx, subject, why, rows));
    }

    /// What the groups are called, in their order.
    fn names(&self, cx: &Cx<'_>) -> Vec<String> {
        let named = |c: &String| if c.is_empty() { cx.t("why.against_everyone").to_owned() } else { c.clone() };
        self.chosen.iter().map(named).chain(self.picked.as_ref().map(|rows| picked_name(cx, rows.len()))).collect()
    }

    fn side_by_side(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
        let everyone = cx.t("why.against_everyone").to_owned();
        let names = self.names(cx);
        let mut gone = None;
        for (i, name) in names.iter().enumerate() {
            ui.horizontal_wrapped(|ui| {
                ui.add(Label::new(name).wrap());
                let help = cx.tw("why.cohort_remove", &[("group", name)]);
                if basic::icon(ui, basic::Icon::Close, &help, true).clicked() {
                    gone = Some(i);
                }
            });
        }
        if let Some(i) = gone {
            if i < self.chosen.len() { drop(self.chosen.remove(i)) } else { self.picked = None }
        }
        let segment = cx.session.selection.segment.clone();
        let brushed = &cx.session.selection.rows;
        let room = self.chosen.len() + usize::from(self.picked.is_some()) < MOST;
        ui.horizontal_wrapped(|ui| {
            if room && !self.chosen.iter().any(String::is_empty) && ui.button(&everyone).clicked() {
                self.chosen.push(String::new());
            }
            if room
                && let Some(s) = segment.filter(|s| !self.chosen.contains(s))
                && ui.button(cx.t("why.cohort_segment")).on_hover_text(&s).clicked()
            {
                self.chosen.push(s);
            }
            // What is brushed now takes the place of what was brushed before.
            if (room || self.picked.is_some())
                && !brushed.is_empty()
                && self.picked.as_deref() != Some(brushed.as_slice())
                && ui.button(picked_name(cx, brushed.len())).on_hover_text(cx.t("why.cohort_brushed_help")).clicked()
            {
                self.picked = Some(brushed.as_slice().into());
            }
        });
        if room
            && let Some(Some(text)) = condition(ui, cx, "why-cohort", &GROUP, &mut self.text, &mut self.fault, None)
            && !self.chosen.contains(&text)
        {
            self.chosen.push(text);
            self.text.clear();
        }
        if self.chosen.len() + usize::from(self.picked.is_some()) < 2 {
            basic::caption(ui, cx.t("why.cohorts_two"));
            return;
        }
        self.to_report(ui, cx);
        let short = self.names(cx);
        let question = Question::Cohorts {
            model: subject.name.to_owned(),
            options: subject.options.clone(),
            against: subject.against.clone(),
            conditions: self.chosen.clone(),
            picked: self.picked.clone(),
        };
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        let Some(answer) = cx.session.answer(&question).cloned() else { return };
        let Answer::Cohorts(found) = &*answer else { return };
        let unit = subject.unit;
        let lang = cx.lang();
        let series: Vec<String> = found
            .cohorts
            .iter()
            .zip(&short)
            .map(|(c, name)| {
                let words: [(&str, &dyn std::fmt::Display); 5] = [
                    ("group", name),
                    ("rows", &numbers::count(c.rows as i64)),
                    ("mean", &unit.level(c.mean.0)),
                    ("low", &unit.level(c.mean.1)),
                    ("high", &unit.level(c.mean.2)),
                ];
                cx.tw("why.cohort_line", &words)
            })
            .collect();
        let lines: Vec<Line> = found
            .features
            .iter()
            .enumerate()
            .map(|(f, name)| Line { name: name.clone(), marks: found.cohorts.iter().map(|c| c.effects[f]).collect() })
            .collect();
        ui.add(Label::new(words::cohorts(found, &short, scale_of(unit), lang)).wrap());
        let show = |v: f64| unit.effect(v);
        let table = || figure::Table {
            header: std::iter::once(crate::base::tr(lang, "why.feature").to_owned()).chain(short.iter().cloned()).collect(),
            rows: lines
                .iter()
                .map(|l| {
                    let cell = |m: &dots::Mark| format!("{} ({} … {})", show(m.0), show(m.1), show(m.2));
                    std::iter::once(l.name.clone()).chain(l.marks.iter().map(cell)).collect()
                })
                .collect(),
        };
        let csv = || figure::Table {
            header: std::iter::once("feature".to_owned())
                .chain(short.iter().flat_map(|s| [s.clone(), format!("{s} low"), format!("{s} high")]))
                .collect(),
            rows: lines
                .iter()
                .map(|l| {
                    std::iter::once(l.name.clone()).chain(l.marks.iter().flat_map(|m| [m.0, m.1, m.2].map(|v| v.to_string()))).collect()
                })
                .collect(),
        };
        let picture = || {
            let rows: Vec<_> = lines.iter().take(FEATURES).map(|l| (l.name.clone(), l.marks.clone())).collect();
            crate::report::svg::dots(crate::base::tr(lang, "why.cohorts_title"), &rows, &series, show)
        };
        let source = figure::Source { table: Box::new(table), csv: Some(Box::new(csv)), svg: Some(Box::new(picture)) };
        let selected = cx.session.selection.feature.clone();
        let clicked = figure::ui(ui, cx, twins, "why.cohorts_title", cx.t("why.cohorts_caption"), &source, |ui, cx| {
            dots::legend(ui, &series);
            let shown = &lines[..lines.len().min(FEATURES)];
            dots::ui(ui, cx.t("why.cohorts_title"), shown, &short, &show, unit.effect_name(lang), selected.as_deref())
        });
        drop(source);
        if let Some(Some(i)) = clicked {
            let name = lines[i].name.clone();
            cx.select(|s| s.feature = Some(name));
        }
    }
}

impl CohortsPane {
    /// Whether the report sets these groups side by side; rows that were picked have no condition that it could name.
    fn to_report(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(explain) = cx.session.recipe.as_ref().map(|r| r.explain.clone()).filter(|_| self.picked.is_none()) else { return };
        let groups: Vec<String> = self.chosen.iter().map(|c| if c.is_empty() { "all".to_owned() } else { c.clone() }).collect();
        let there = explain.cohorts == groups;
        let key = if there { "why.in_report" } else { "why.cohorts_to_report" };
        if ui.selectable_label(there, cx.t(key)).on_hover_text(cx.t("why.cohorts_to_report_help")).clicked() {
            let cohorts = if there { Vec::new() } else { groups };
            cx.command(Command::SetExplain(ExplainSection { cohorts, ..explain }));
        }
    }
}

fn picked_name(cx: &Cx<'_>, n: usize) -> String {
    cx.tw("why.brushed_rows", &[("n", &numbers::count(n as i64))])
}

/// The scale on which a unit's numbers are written.
fn scale_of(unit: Unit) -> Scale {
    if unit == Unit::Probability { Scale::Probability } else { Scale::Margin }
}

/// A few rows whose reasons stand for those of all.
fn typical(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Why, rows: &WhyRows) {
    let question = Question::Typical {
        model: subject.name.to_owned(),
        rows: rows.clone(),
        options: subject.options.clone(),
        against: subject.against.clone(),
    };
    let ask = Ask::Deeper(question.clone());
    cx.want(ask.clone());
    standing(ui, cx, &ask);
    let Some(answer) = cx.session.answer(&question).cloned() else { return };
    let Answer::Typical(found) = &*answer else { return };
    let features = subject.model.card().features();
    let lang = cx.lang();
    for r in &found.rows {
        let line = words::typical(r, scale_of(subject.unit), lang);
        if ui.selectable_label(cx.session.selection.row == Some(r.row), RichText::new(line).strong()).clicked() {
            let row = r.row;
            cx.select(|s| s.row = Some(row));
        }
        // The answer may be a newer one than what is tested, never an older one.
        if why.attribution.rows.get(r.at) == Some(&r.row) {
            basic::caption(ui, &words::sentence(&why.attribution, r.at, features, lang));
        }
    }
    if !found.unlike.is_empty() {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.typical_unlike")).color(cx.tokens.weak));
            for row in found.unlike.iter().filter_map(|at| why.attribution.rows.get(*at)) {
                let name = cx.tw("why.row_n", &[("row", &numbers::count(i64::from(*row) + 1))]);
                if ui.link(name).clicked() {
                    cx.select(|s| s.row = Some(*row));
                }
            }
        });
    }
    let words: [(&str, &dyn std::fmt::Display); 2] =
        [("rows", &numbers::count(found.compared as i64)), ("covered", &numbers::percent(found.covered))];
    basic::caption(ui, &cx.tw("why.typical_caption", &words));
}
