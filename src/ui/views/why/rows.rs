//! Whom to explain: the test rows, everybody or a segment; and which row alone.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::Subject;
use crate::base::numbers;
use crate::data::Segment;
use crate::session::state::{Why, WhyRows};
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// What the picker remembers.
#[derive(Default)]
pub struct Picker {
    everybody: bool,
    /// Brushed rows that are explained as a group of their own.
    these: Option<Arc<[u32]>>,
    segment: String,
    segment_fault: Option<String>,
    line: String,
    line_fault: bool,
    lowest_first: bool,
    /// Rows by prediction, of the answer they were sorted for.
    order: Option<(Arc<Why>, bool, Vec<u32>)>,
}

impl Picker {
    /// The rows to explain together.
    pub fn rows(&self, cx: &Cx<'_>) -> WhyRows {
        match &cx.session.selection.segment {
            Some(text) => WhyRows::Segment(text.clone()),
            None if self.these.is_some() => WhyRows::These(self.these.clone().unwrap_or_default()),
            None if self.everybody => WhyRows::All,
            None => WhyRows::Test,
        }
    }

    /// The first row of the list.
    pub fn first(&self) -> Option<u32> {
        let (why, _, order) = self.order.as_ref()?;
        order.first().and_then(|i| why.attribution.rows.get(*i as usize)).copied()
    }

    /// Test rows, everybody, or a segment by its condition.
    pub fn whom(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let segment = cx.session.selection.segment.clone();
        let narrow = ui.available_width() < NARROW;
        if narrow {
            self.line(ui, cx);
        }
        ui.horizontal_wrapped(|ui| {
            if !narrow {
                self.line(ui, cx);
            }
            for (everybody, key, help) in [(false, "why.test_rows", "why.test_rows_help"), (true, "why.everybody", "why.everybody_help")] {
                let selected = segment.is_none() && self.these.is_none() && self.everybody == everybody;
                if ui.selectable_label(selected, cx.t(key)).on_hover_text(cx.t(help)).clicked() {
                    self.everybody = everybody;
                    self.these = None;
                    self.segment_fault = None;
                    cx.select(|s| s.segment = None);
                }
            }
        });
        self.brushed(ui, cx);
        if self.line_fault {
            let last = numbers::count(cx.session.loaded.as_ref().map_or(0, |l| l.value.table.n_rows()) as i64);
            basic::warning(ui, &cx.tw("why.no_such_row", &[("given", &self.line.trim()), ("last", &last)]));
        }
        let edited = condition(ui, cx, "why-segment", &SEGMENT, &mut self.segment, &mut self.segment_fault, segment.as_deref());
        if let Some(text) = edited {
            cx.select(|s| s.segment = text);
        }
    }

    /// What was brushed, as a group of its own: the rows, or everyone whose value lies where the brush was.
    fn brushed(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let selection = &cx.session.selection;
        if selection.rows.is_empty() && self.these.is_none() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            if let Some(these) = &self.these {
                let text = cx.tw("why.brushed_rows", &[("n", &numbers::count(these.len() as i64))]);
                drop(ui.selectable_label(selection.segment.is_none(), text));
            }
            let fresh = !selection.rows.is_empty() && self.these.as_deref() != Some(selection.rows.as_slice());
            if fresh {
                let text = cx.tw("why.brushed_rows", &[("n", &numbers::count(selection.rows.len() as i64))]);
                if ui.selectable_label(false, text).on_hover_text(cx.t("why.brushed_rows_help")).clicked() {
                    self.these = Some(selection.rows.as_slice().into());
                    cx.select(|s| s.segment = None);
                }
            }
            if let Some(condition) = selection.brush.as_ref().filter(|b| selection.segment.as_ref() != Some(b)) {
                let text = cx.tw("why.brushed_where", &[("condition", &basic::shorten(condition, 48))]);
                if ui.selectable_label(false, text).on_hover_text(condition).clicked() {
                    let condition = condition.clone();
                    cx.select(|s| s.segment = Some(condition));
                }
            }
            if !selection.rows.is_empty() && basic::icon(ui, basic::Icon::Close, cx.t("why.brushed_clear"), true).clicked() {
                super::lit::brush(cx, Vec::new(), None);
            }
        });
    }

    /// A row by its number, with the next and the previous one.
    fn line(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let rows = cx.session.loaded.as_ref().map_or(0, |l| l.value.table.n_rows());
        let selected = cx.session.selection.row;
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new(cx.t("why.row")).color(cx.tokens.weak));
            let id = ui.make_persistent_id("why-line");
            if !ui.memory(|m| m.has_focus(id)) && !self.line_fault {
                self.line = selected.map_or_else(String::new, |r| (u64::from(r) + 1).to_string());
            }
            let field = egui::TextEdit::singleline(&mut self.line).id(id).desired_width(72.0).hint_text(cx.t("why.row_hint"));
            let response = ui.add(field).labelled_by(label.id);
            if response.lost_focus() {
                let wanted = parse_line(&self.line, rows);
                self.line_fault = wanted.is_none() && !self.line.trim().is_empty();
                if let Some(row) = wanted {
                    cx.select(|s| s.row = Some(row));
                }
            }
            if response.changed() {
                self.line_fault = false;
            }
            let current = selected.or(self.first());
            for (icon, key, step) in [(basic::Icon::Up, "why.previous_row", -1i64), (basic::Icon::Down, "why.next_row", 1)] {
                let next = current.and_then(|c| self.neighbour(c, step)).or_else(|| step_line(current, step, rows));
                if basic::icon(ui, icon, cx.t(key), next.is_some()).clicked() {
                    self.line_fault = false;
                    cx.select(|s| s.row = next);
                }
            }
        });
    }

    /// The next or previous row in the order of the list.
    fn neighbour(&self, row: u32, step: i64) -> Option<u32> {
        let (why, _, order) = self.order.as_ref()?;
        let at = order.iter().position(|i| why.attribution.rows.get(*i as usize) == Some(&row))?;
        let next = usize::try_from(at as i64 + step).ok()?;
        why.attribution.rows.get(*order.get(next)? as usize).copied()
    }

    /// The explained rows by prediction; only what is seen is drawn.
    pub fn list(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: Option<&Arc<Why>>, height: f32) {
        let Some(why) = why else { return };
        let Some((_, _, order)) = &self.order else { return };
        let a = &why.attribution;
        ui.horizontal(|ui| {
            let n = numbers::count(a.rows.len() as i64);
            basic::caption(ui, &cx.tw("why.rows_by_prediction", &[("n", &n)]));
            let key = if self.lowest_first { "why.highest_first" } else { "why.lowest_first" };
            let icon = if self.lowest_first { basic::Icon::Down } else { basic::Icon::Up };
            if basic::icon(ui, icon, cx.t(key), true).clicked() {
                self.lowest_first = !self.lowest_first;
                ui.ctx().request_repaint();
            }
        });
        let selection = &cx.session.selection;
        let (selected, pinned, hovered) = (selection.row.or(self.first()), &selection.pinned, cx.hovered.row);
        let mut clicked = None;
        let height = (height - theme::ROW).max(3.0 * theme::ROW);
        let area = egui::ScrollArea::vertical().id_salt("why-row-list").max_height(height).auto_shrink([false, true]);
        ui.spacing_mut().item_spacing.y = 0.0;
        area.show_rows(ui, theme::ROW, order.len(), |ui, range| {
            for &i in &order[range] {
                let (row, prediction) = (a.rows[i as usize], a.predictions[i as usize]);
                let number = cx.tw("why.row_n", &[("row", &numbers::count(i64::from(row) + 1))]);
                let pin = if pinned.contains(&row) { " •" } else { "" };
                let mut text = RichText::new(format!("{number}{pin}")).size(theme::SMALL);
                if hovered == Some(row) || selection.rows.binary_search(&row).is_ok() {
                    text = text.color(cx.tokens.accent);
                }
                let figure = RichText::new(subject.unit.level(prediction)).size(theme::SMALL).color(cx.tokens.weak);
                let button = egui::Button::selectable(selected == Some(row), text)
                    .right_text(figure)
                    .min_size(egui::vec2(ui.available_width(), theme::ROW));
                let response = ui.push_id(row, |ui| ui.add(button)).inner;
                if response.hovered() {
                    cx.hover.row = Some(row);
                }
                if response.clicked() {
                    clicked = Some(row);
                }
            }
        });
        if let Some(row) = clicked {
            self.line_fault = false;
            cx.select(|s| s.row = Some(row));
        }
    }

    /// Puts the rows of an answer in order; once per answer, not per frame.
    pub fn sort(&mut self, why: &Arc<Why>) {
        let same = self.order.as_ref().is_some_and(|(w, l, _)| Arc::ptr_eq(w, why) && *l == self.lowest_first);
        if same {
            return;
        }
        let p = &why.attribution.predictions;
        let mut order: Vec<u32> = (0..p.len().min(why.attribution.rows.len()) as u32).collect();
        order.sort_by(|&a, &b| p[b as usize].total_cmp(&p[a as usize]).then(a.cmp(&b)));
        if self.lowest_first {
            order.reverse();
        }
        self.order = Some((why.clone(), self.lowest_first, order));
    }
}

/// The line that a number in words stands for: the first row is 1.
fn parse_line(text: &str, rows: usize) -> Option<u32> {
    let n: u64 = text.trim().replace([',', ' '], "").parse().ok()?;
    (n >= 1 && n <= rows as u64).then(|| u32::try_from(n - 1).ok()).flatten()
}

fn step_line(row: Option<u32>, step: i64, rows: usize) -> Option<u32> {
    let next = row.map_or(0, |r| i64::from(r) + step);
    (next >= 0 && next < rows as i64).then_some(next as u32)
}

/// Catalogue keys around a condition's field.
pub(in crate::ui::views) struct Words {
    pub label: &'static str,
    pub help: &'static str,
    pub hint: &'static str,
}

/// Below this width each control has a line of its own.
pub(super) const NARROW: f32 = 320.0;

/// The words around a segment.
pub(in crate::ui::views) const SEGMENT: Words = Words { label: "why.segment", help: "why.segment_help", hint: "why.segment_hint" };

/// A field for a condition such as `VisitorType = 'Returning_Visitor'`. When it was edited: the new condition, or `None`
/// for everybody. A condition that cannot be read stays in the field with the reason under it.
pub(in crate::ui::views) fn condition(
    ui: &mut Ui,
    cx: &Cx<'_>,
    id: &str,
    words: &Words,
    text: &mut String,
    fault: &mut Option<String>,
    current: Option<&str>,
) -> Option<Option<String>> {
    let id = ui.make_persistent_id(id);
    if !ui.memory(|m| m.has_focus(id)) && fault.is_none() {
        current.unwrap_or_default().clone_into(text);
    }
    let response = ui
        .horizontal(|ui| {
            let label = ui.label(RichText::new(cx.t(words.label)).color(cx.tokens.weak)).on_hover_text(cx.t(words.help));
            let field = egui::TextEdit::singleline(text).id(id).desired_width(f32::INFINITY).hint_text(cx.t(words.hint));
            ui.add(field).labelled_by(label.id)
        })
        .inner;
    let mut edited = None;
    if response.changed() {
        *fault = None;
    }
    if response.lost_focus() {
        let wanted = text.trim();
        if wanted.is_empty() {
            *fault = None;
            edited = current.is_some().then_some(None);
        } else if Some(wanted) != current {
            match check(cx, wanted) {
                Ok(()) => {
                    *fault = None;
                    edited = Some(Some(wanted.to_owned()));
                }
                Err(said) => *fault = Some(said),
            }
        }
    }
    if let Some(said) = fault {
        basic::warning(ui, said);
    }
    edited
}

/// Whether a condition can be read.
fn check(cx: &Cx<'_>, text: &str) -> Result<(), String> {
    Segment::parse(text).map(drop).map_err(|f| f.say(cx.lang()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_numbers_are_read_as_written() {
        for (text, rows, expected) in [
            ("1", 10, Some(0)),
            (" 10 ", 10, Some(9)),
            ("11", 10, None),
            ("0", 10, None),
            ("x", 10, None),
            ("1,234", 2000, Some(1233)),
            ("", 5, None),
        ] {
            assert_eq!(parse_line(text, rows), expected, "{text}");
        }
        assert_eq!(step_line(Some(0), -1, 10), None);
        assert_eq!(step_line(Some(9), 1, 10), None);
        assert_eq!(step_line(None, 1, 10), Some(0));
        assert_eq!(step_line(None, 1, 0), None);
    }
}
