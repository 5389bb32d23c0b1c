//! Groups: up to three side by side, and a few typical rows that stand for all.

use eframe::egui::{Label, RichText, Ui};

use super::pairs::fold;
use super::rows::{Words, condition};
use super::{Subject, standing};
use crate::base::numbers;
use crate::explain::cohorts::MOST;
use crate::explain::words;
use crate::ml::model::Scale;
use crate::session::state::{Answer, Ask, Question, Why, WhyRows};
use crate::ui::Cx;
use crate::ui::widgets::dots::{self, Line};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Features that are drawn; the table has all.
const FEATURES: usize = 10;

/// The words around a group's condition.
const GROUP: Words = Words { label: "why.cohort_add", help: "why.cohort_add_help", hint: "why.group_hint" };

/// What the pane remembers: conditions, empty for everyone.
#[derive(Default)]
pub struct CohortsPane {
    chosen: Vec<String>,
    text: String,
    fault: Option<String>,
}

impl CohortsPane {
    /// Draws both folds.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Why, rows: &WhyRows, twins: &mut figure::Twins) {
        fold(ui, cx, "why.cohorts", |ui, cx| self.side_by_side(ui, cx, subject, twins));
        fold(ui, cx, "why.typical", |ui, cx| typical(ui, cx, subject, why, rows));
    }

    fn side_by_side(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
        let everyone = cx.t("why.against_everyone").to_owned();
        let named = |c: &str| if c.is_empty() { everyone.clone() } else { c.to_owned() };
        let mut gone = None;
        for (i, c) in self.chosen.iter().enumerate() {
            ui.horizontal_wrapped(|ui| {
                ui.add(Label::new(named(c)).wrap());
                let name = cx.tw("why.cohort_remove", &[("group", &named(c))]);
                if ui.small_button("✕").on_hover_text(&name).clicked() {
                    gone = Some(i);
                }
            });
        }
        if let Some(i) = gone {
            self.chosen.remove(i);
        }
        let segment = cx.session.selection.segment.clone();
        if self.chosen.len() < MOST {
            ui.horizontal_wrapped(|ui| {
                if !self.chosen.iter().any(String::is_empty) && ui.button(&everyone).clicked() {
                    self.chosen.push(String::new());
                }
                if let Some(s) = segment.filter(|s| !self.chosen.contains(s))
                    && ui.button(cx.t("why.cohort_segment")).on_hover_text(&s).clicked()
                {
                    self.chosen.push(s);
                }
            });
            if let Some(Some(text)) = condition(ui, cx, "why-cohort", &GROUP, &mut self.text, &mut self.fault, None)
                && !self.chosen.contains(&text)
            {
                self.chosen.push(text);
                self.text.clear();
            }
        }
        if self.chosen.len() < 2 {
            basic::caption(ui, cx.t("why.cohorts_two"));
            return;
        }
        let question = Question::Cohorts {
            model: subject.name.to_owned(),
            options: subject.options.clone(),
            against: subject.against.clone(),
            conditions: self.chosen.clone(),
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
            .map(|c| {
                let words: [(&str, &dyn std::fmt::Display); 5] = [
                    ("group", &named(&c.condition)),
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
        let short: Vec<String> = found.cohorts.iter().map(|c| named(&c.condition)).collect();
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
        let source = figure::Source { table: Box::new(table), csv: None, svg: None };
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
