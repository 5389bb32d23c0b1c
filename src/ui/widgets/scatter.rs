//! Rows as points: a feature's value across, its effect upwards, and on which side of another feature each row lies, told
//! apart by shape as well as colour.

use eframe::egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2};

use super::axis::Axis;
use super::brush::{self, Marks};
use super::ink;
use super::units::Unit;
use crate::base::numbers;
use crate::ui::theme::Tokens;

const HEIGHT: f32 = 200.0;
const FIGURES: f32 = 56.0;
/// How near the pointer must be to a point.
const NEAR: f32 = 7.0;
/// Room for a level's name.
const NAME: f32 = 56.0;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Line in the file.
    pub row: u32,
    /// The feature's value; levels are moved aside a little, so that rows do not hide each other.
    pub x: f64,
    /// Its effect.
    pub y: f64,
    /// Whether the other feature is on its upper side; `None` where it is missing.
    pub high: Option<bool>,
}

/// What the analyst did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touch {
    /// Row under the pointer, or where the keys led.
    pub hovered: Option<u32>,
    /// Row clicked.
    pub clicked: Option<u32>,
    /// Rows in a rectangle that was drawn with Shift held.
    pub many: Option<Vec<u32>>,
}

/// Draws them. `levels` names the places of a category.
pub fn ui(
    ui: &mut Ui,
    title: &str,
    points: &[Point],
    levels: Option<&[String]>,
    (x_name, unit): (&str, Unit),
    marks: Marks<'_>,
    hover: impl Fn(&Point) -> Vec<String>,
) -> Touch {
    let width = ui.available_width().max(200.0);
    let (rect, response) = ui.allocate_exact_size(eframe::egui::vec2(width, HEIGHT + ink::X_AXIS), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let t = Tokens::of(ui.ctx());
    let (left, right) = (rect.left() + FIGURES + 8.0, rect.right() - 8.0);
    let x = match levels {
        Some(names) => Axis { low: -0.5, high: names.len().max(1) as f64 - 0.5, left, right },
        None => Axis::spanning(points.iter().map(|p| p.x), left, right, 0.02),
    };
    let y = Axis::spanning(points.iter().map(|p| p.y).chain([0.0]), 0.0, 1.0, 0.05);
    let y = Axis { left: rect.top() + HEIGHT, right: rect.top() + 4.0, ..y };
    let place = |p: &Point| pos2(x.at(p.x), y.at(p.y));
    let walked = brush::walk(ui, &response, 1, |_| points.len()).map(|(_, at)| {
        let mut order: Vec<&Point> = points.iter().collect();
        order.sort_by(|a, b| a.x.total_cmp(&b.x));
        *order[at]
    });
    let near = response.hover_pos().and_then(|at| {
        let best = points.iter().min_by(|a, b| place(a).distance(at).total_cmp(&place(b).distance(at)))?;
        (place(best).distance(at) <= NEAR).then_some(*best)
    });
    let near = near.or(walked);
    let area = brush::area(ui, &response);
    if ui.is_rect_visible(rect) {
        let p = ui.painter();
        for tick in y.ticks(5) {
            let at = y.at(tick);
            p.hline(left..=right, at, Stroke::new(1.0, t.rule));
            let figures = Rect::from_min_max(pos2(rect.left(), at - 8.0), pos2(rect.left() + FIGURES, at + 8.0));
            ink::text(p, figures, Align2::RIGHT_CENTER, &unit.effect(tick), t.weak);
        }
        p.hline(left..=right, y.at(0.0), Stroke::new(1.0, t.faint));
        for point in points {
            match point.high {
                Some(high) => drop(p.add(ink::triangle(place(point), high, if high { t.up } else { t.down }))),
                None => drop(p.circle_stroke(place(point), 2.5, Stroke::new(1.0, t.weak))),
            }
        }
        for point in points.iter().filter(|p| marks.many(p.row)) {
            p.circle_stroke(place(point), 5.5, Stroke::new(1.0, t.accent));
        }
        for point in points.iter().filter(|p| marks.one(p.row) || near.is_some_and(|n| n.row == p.row)) {
            p.circle_stroke(place(point), 6.5, Stroke::new(1.5, t.text));
        }
        match levels {
            Some(names) => {
                let step = (right - left) / names.len().max(1) as f32;
                let every = (NAME / step).ceil().max(1.0) as usize;
                for (i, name) in names.iter().enumerate().step_by(every) {
                    let at = x.at(i as f64);
                    let half = step * every as f32 / 2.0;
                    let place = Rect::from_min_max(pos2(at - half, rect.top() + HEIGHT), pos2(at + half, rect.top() + HEIGHT + 16.0));
                    ink::text(p, place, Align2::CENTER_CENTER, name, t.weak);
                }
                let place = Rect::from_min_max(pos2(left, rect.top() + HEIGHT + 16.0), pos2(right, rect.top() + HEIGHT + 32.0));
                ink::text(p, place, Align2::CENTER_CENTER, x_name, t.weak);
            }
            None => ink::x_axis(p, t, &x, rect.top() + HEIGHT, rect.top() + HEIGHT, numbers::plain, x_name),
        }
        if let Some((area, _)) = area {
            brush::paint(ui, area);
        }
        brush::focus(ui, &response, rect);
    }
    if let Some(found) = &near {
        brush::tip(ui, &response, place(found), &hover(found));
    }
    let many = area.filter(|(_, done)| *done).map(|(area, _)| {
        let mut rows: Vec<u32> = points.iter().filter(|p| area.contains(place(p))).map(|p| p.row).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    });
    Touch { hovered: near.map(|n| n.row), clicked: near.filter(|_| response.clicked()).map(|n| n.row), many }
}
