//! Estimates with their intervals, one line per name; up to three series side by side, told apart by shape as well as colour.

use eframe::egui::{self, Align2, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::ink;
use crate::ui::theme::{ROW, Tokens};

/// A value with both ends of its interval.
pub type Mark = (f64, f64, f64);

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is of.
    pub name: String,
    /// One mark per series.
    pub marks: Vec<Mark>,
}

/// Places of the marks, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Value to place; zero is always on it.
    pub axis: Axis,
    /// Height of a line.
    pub height: f32,
    /// Where names end.
    pub names_right: f32,
}

/// Lays lines out in a width.
pub fn lay_out(lines: &[Line], series: usize, width: f32) -> Layout {
    let width = width.max(200.0);
    // As much as the longest name needs, up to half of the width.
    let longest = lines.iter().map(|l| l.name.chars().count()).max().unwrap_or(0) as f32;
    let names_right = (longest * 7.0 + 12.0).clamp(60.0, width * 0.5);
    let figures = if series > 1 { 12.0 } else { 84.0 };
    let ends = lines.iter().flat_map(|l| l.marks.iter().flat_map(|m| [m.0, m.1, m.2])).filter(|v| v.is_finite()).chain([0.0]);
    let axis = Axis::spanning(ends, names_right + 14.0, width - figures, 0.02);
    let height = ROW.max(12.0 * series as f32 + 4.0);
    Layout { size: vec2(width, height * lines.len() as f32 + ink::X_AXIS), axis, height, names_right }
}

fn colour(t: &Tokens, series: usize) -> egui::Color32 {
    [t.accent, t.warn, t.good][series.min(2)]
}

/// A circle, a diamond or a square.
fn mark(series: usize, at: Pos2, colour: egui::Color32) -> Shape {
    const R: f32 = 4.5;
    match series {
        0 => Shape::circle_filled(at, R, colour),
        1 => {
            let points = vec![at + vec2(0.0, -R - 1.0), at + vec2(R + 1.0, 0.0), at + vec2(0.0, R + 1.0), at + vec2(-R - 1.0, 0.0)];
            Shape::convex_polygon(points, colour, Stroke::NONE)
        }
        _ => Shape::rect_filled(Rect::from_center_size(at, Vec2::splat(2.0 * R - 1.0)), 0.0, colour),
    }
}

/// Names of the series with their shapes.
pub fn legend(ui: &mut Ui, series: &[String]) {
    for (i, name) in series.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
            let t = Tokens::of(ui.ctx());
            ui.painter().add(mark(i, rect.center(), colour(t, i)));
            ui.add(egui::Label::new(name).wrap());
        });
    }
}

/// Draws the lines; returns the one that was clicked. `selected` is marked.
pub fn ui(
    ui: &mut Ui,
    title: &str,
    lines: &[Line],
    series: &[String],
    show: &dyn Fn(f64) -> String,
    axis_name: &str,
    selected: Option<&str>,
) -> Option<usize> {
    draw(ui, title, lines, (series, &[]), show, axis_name, selected)
}

/// The same of one series in order; a bracket joins a line with the one before it where words say that their
/// order is not certain.
pub fn tied(
    ui: &mut Ui,
    title: &str,
    lines: &[Line],
    tied: &[Option<String>],
    show: &dyn Fn(f64) -> String,
    axis_name: &str,
    selected: Option<&str>,
) -> Option<usize> {
    draw(ui, title, lines, (&[], tied), show, axis_name, selected)
}

fn draw(
    ui: &mut Ui,
    title: &str,
    lines: &[Line],
    (series, tied): (&[String], &[Option<String>]),
    show: &dyn Fn(f64) -> String,
    axis_name: &str,
    selected: Option<&str>,
) -> Option<usize> {
    let is_tied = |i: usize| i > 0 && tied.get(i).is_some_and(Option::is_some);
    let n = series.len().max(1);
    let l = lay_out(lines, n, ui.available_width());
    let (rect, whole) = ui.allocate_exact_size(l.size, Sense::hover());
    whole.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let mut clicked = None;
    let mut hovered = None;
    let said = |line: &Line| -> Vec<String> {
        let one = |(i, m): (usize, &Mark)| {
            let band = if m.1.is_finite() && m.1 < m.2 { format!(" ({} … {})", show(m.1), show(m.2)) } else { String::new() };
            let name = series.get(i).filter(|s| !s.is_empty()).map_or_else(String::new, |s| format!("{s}: "));
            format!("{name}{}{band}", show(m.0))
        };
        line.marks.iter().enumerate().map(one).collect()
    };
    for (i, line) in lines.iter().enumerate() {
        let row = Rect::from_min_size(rect.min + vec2(0.0, l.height * i as f32), vec2(l.size.x, l.height));
        let response = ui.interact(row, whole.id.with(i), Sense::click());
        // Who does not see the bracket hears it.
        let text = format!("{}{}: {}", if is_tied(i) { "≈ " } else { "" }, line.name, said(line).join("; "));
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected == Some(&line.name), &text));
        if response.clicked() {
            clicked = Some(i);
        }
        if response.hovered() {
            hovered = Some(i);
        }
        response.on_hover_ui(|ui| {
            ui.label(egui::RichText::new(&line.name).strong());
            said(line).iter().for_each(|s| drop(ui.label(s)));
            if let Some(Some(words)) = tied.get(i) {
                ui.label(words);
            }
        });
    }
    if ui.is_rect_visible(rect) {
        let (t, offset) = (Tokens::of(ui.ctx()), rect.min.to_vec2());
        paint(ui.painter(), t, lines, (&l, offset), n, show, axis_name, (hovered, selected));
        for i in (1..lines.len()).filter(|i| is_tied(*i)) {
            // In front of the axis, from the middle of the line above to the middle of this one.
            let (x, y) = (l.names_right + 3.0 + offset.x, offset.y + l.height * (i as f32 + 0.5));
            let (top, foot) = (y - l.height + 3.0, y - 3.0);
            let line = [pos2(x + 4.0, top), pos2(x, top), pos2(x, foot), pos2(x + 4.0, foot)];
            ui.painter().line(line.to_vec(), Stroke::new(1.5, t.text));
        }
    }
    clicked
}

fn paint(
    p: &Painter,
    t: &Tokens,
    lines: &[Line],
    (l, offset): (&Layout, Vec2),
    series: usize,
    show: &dyn Fn(f64) -> String,
    axis_name: &str,
    marks: (Option<usize>, Option<&str>),
) {
    let axis = Axis { left: l.axis.left + offset.x, right: l.axis.right + offset.x, ..l.axis };
    let bottom = offset.y + l.height * lines.len() as f32;
    ink::x_axis(p, t, &axis, offset.y, bottom, show, axis_name);
    p.vline(axis.at(0.0), offset.y..=bottom, Stroke::new(1.0, t.faint));
    for (i, line) in lines.iter().enumerate() {
        let row = Rect::from_min_size(pos2(offset.x, offset.y + l.height * i as f32), vec2(l.size.x, l.height));
        if marks.1 == Some(&line.name) {
            p.rect_filled(row, 3.0, t.accent_soft);
        } else if marks.0 == Some(i) {
            p.rect_filled(row, 3.0, t.hover);
        }
        let names = Rect::from_min_max(row.min, pos2(offset.x + l.names_right, row.bottom()));
        ink::label(p, names.shrink2(vec2(4.0, 0.0)), Align2::RIGHT_CENTER, &line.name, t.text);
        for (k, m) in line.marks.iter().enumerate() {
            let y = row.top() + row.height() * (k as f32 + 0.5) / series as f32;
            if m.1.is_finite() && m.2.is_finite() {
                ink::whisker(p, axis.at(m.1), axis.at(m.2), y, t.weak);
            }
            if m.0.is_finite() {
                p.add(mark(k, pos2(axis.at(m.0), y), colour(t, k)));
            }
        }
        if let ([m], 1) = (line.marks.as_slice(), series) {
            let figures = Rect::from_min_max(pos2(axis.right + 8.0, row.top()), row.max);
            ink::text(p, figures, Align2::RIGHT_CENTER, &show(m.0), t.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_order_and_zero_is_seen() {
        let line = |v: f64| Line { name: "a".to_owned(), marks: vec![(v, v - 1.0, v + 1.0), (-v, f64::NEG_INFINITY, f64::INFINITY)] };
        let l = lay_out(&[line(2.0), line(5.0)], 2, 400.0);
        assert!(l.axis.at(2.0) < l.axis.at(5.0) && l.axis.low <= -5.0 && l.axis.high >= 6.0);
        assert!(l.axis.at(0.0) > l.names_right && l.axis.at(6.0) <= 400.0 && l.height >= 28.0);
        assert!(lay_out(&[], 1, 50.0).size.x >= 200.0);
    }
}
