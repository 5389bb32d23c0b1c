//! Pixels of a waterfall.

use eframe::egui::{Align2, Painter, Rect, Stroke, Vec2, pos2};

use super::layout::Layout;
use super::model::{Kind, Waterfall};
use crate::base::{Lang, tr, tr_with};
use crate::ui::theme::Tokens;
use crate::ui::widgets::ink;
use crate::ui::widgets::units::Unit;

/// What is marked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// Feature under the pointer, here or in another pane.
    pub hovered: Option<usize>,
    /// Selected feature.
    pub selected: Option<usize>,
}

/// Paints it at `offset`.
pub fn paint(painter: &Painter, t: &Tokens, w: &Waterfall, l: &Layout, offset: Vec2, unit: Unit, lang: Lang, marks: Marks) {
    let axis = crate::ui::widgets::axis::Axis { left: l.axis.left + offset.x, right: l.axis.right + offset.x, ..l.axis };
    ink::x_axis(painter, t, &axis, offset.y, offset.y + l.bottom, |v| unit.tick(v), unit.level_name(lang));
    let last = l.rows.len() - 1;
    for (i, row) in l.rows.iter().enumerate() {
        let row = row.translate(offset);
        let step = i.checked_sub(1).and_then(|s| w.steps.get(s));
        let feature = step.and_then(|s| if let Kind::Feature(f) = s.kind { Some(f) } else { None });
        if feature.is_some() && feature == marks.selected {
            painter.rect_filled(row, 3.0, t.accent_soft);
        } else if feature.is_some() && feature == marks.hovered {
            painter.rect_filled(row, 3.0, t.hover);
        }
        let names = Rect::from_min_max(row.min, pos2(offset.x + l.names_right, row.bottom()));
        let figures = Rect::from_min_max(pos2(offset.x + l.numbers_left, row.top()), row.max);
        match step {
            None => {
                let (label, level) = if i == 0 { (tr(lang, "why.base"), w.base) } else { (tr(lang, "why.prediction"), w.prediction) };
                ink::text(painter, names.shrink2(Vec2::new(4.0, 0.0)), Align2::RIGHT_CENTER, label, t.text);
                ink::text(painter, figures, Align2::RIGHT_CENTER, &unit.level(level), t.text);
                let x = axis.at(level);
                painter.vline(x, row.top() + 3.0..=row.bottom() - 3.0, Stroke::new(3.0, if i == 0 { t.weak } else { t.accent }));
            }
            Some(step) => {
                let (name, value) = words(&step.kind, &step.name, &step.value, lang);
                let name_colour = if feature.is_some() { t.text } else { t.weak };
                paint_name(painter, t, names, &name, &value, name_colour);
                ink::text(painter, figures, Align2::RIGHT_CENTER, &unit.effect(step.amount), t.text);
                let (from, to) = l.bars[i - 1];
                let (from, to) = (from + offset.x, to + offset.x);
                let colour = match step.kind {
                    Kind::Unexplained => t.missing,
                    _ if step.amount >= 0.0 => t.up,
                    _ => t.down,
                };
                if (to - from).abs() >= 0.5 {
                    painter.add(ink::arrow_bar(from, to, row.center().y - 8.0, row.center().y + 8.0, colour));
                } else {
                    painter.vline(to, row.center().y - 8.0..=row.center().y + 8.0, Stroke::new(1.0, colour));
                }
                if let Some(half) = step.half_width.filter(|h| *h > 0.0) {
                    let (a, b) = (axis.at(step.to - half), axis.at(step.to + half));
                    ink::whisker(painter, a, b, row.center().y, t.text);
                }
            }
        }
        if i < last {
            // The level reached is handed to the next line.
            let level = step.map_or(w.base, |s| s.to);
            painter.vline(axis.at(level), row.bottom() - 4.0..=row.bottom() + 4.0, Stroke::new(1.0, t.faint));
        }
    }
}

/// What it was before: a thin line along the lower edge of each bar, and a mark where the prediction stood.
pub fn before(painter: &Painter, t: &Tokens, before: &Waterfall, l: &Layout, offset: Vec2) {
    let x = |v: f64| l.axis.at(v) + offset.x;
    for (step, row) in before.steps.iter().zip(l.rows.iter().skip(1)) {
        let y = row.bottom() + offset.y - 2.5;
        painter.hline(x(step.from).min(x(step.to))..=x(step.from).max(x(step.to)), y, Stroke::new(2.0, t.faint));
    }
    if let Some(row) = l.rows.last() {
        let row = row.translate(offset);
        painter.vline(x(before.prediction), row.top() + 5.0..=row.bottom() - 5.0, Stroke::new(2.0, t.faint));
    }
}

/// A name at the left and its value at the right; the value keeps its place, the name is cut first.
fn paint_name(painter: &Painter, t: &Tokens, rect: Rect, name: &str, value: &str, colour: eframe::egui::Color32) {
    let rect = rect.shrink2(Vec2::new(4.0, 0.0));
    if value.is_empty() {
        ink::label(painter, rect, Align2::RIGHT_CENTER, name, colour);
        return;
    }
    let split = rect.right() - super::layout::for_value(value, rect.width());
    ink::label(painter, Rect::from_min_max(rect.min, pos2(split - 4.0, rect.bottom())), Align2::RIGHT_CENTER, name, colour);
    ink::label(painter, Rect::from_min_max(pos2(split, rect.top()), rect.max), Align2::RIGHT_CENTER, value, t.weak);
}

/// Name and value of a step in words.
pub fn words(kind: &Kind, name: &str, value: &str, lang: Lang) -> (String, String) {
    match kind {
        Kind::Feature(_) => (name.to_owned(), value.to_owned()),
        Kind::Others(n) => (tr_with(lang, "why.others", &[("n", n)]), String::new()),
        Kind::Unexplained => (tr(lang, "why.unexplained").to_owned(), String::new()),
    }
}
