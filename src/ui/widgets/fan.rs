//! Curves of single rows along a feature, with their mean and the selected row; at most a hundred lines of twenty points.

use eframe::egui::{Align2, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::brush::{self, Marks};
use super::units::Unit;
use super::{density, ink};
use crate::base::{Lang, numbers, tr_with};
use crate::explain::effect::Fan;
use crate::ui::theme::Tokens;

/// Height of the picture itself.
const HEIGHT: f32 = 200.0;
/// Width of the column with the vertical axis' numbers.
const FIGURES: f32 = 56.0;
/// How near the pointer must be to a line.
const NEAR: f32 = 6.0;

/// Places of the lines, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Value to x (levels: even places).
    pub x: Axis,
    /// Output to y, upwards.
    pub y: Axis,
    /// Place of each value.
    pub middles: Vec<f32>,
}

/// Lays a fan out in a width.
pub fn lay_out(fan: &Fan, levels: bool, width: f32) -> Layout {
    let width = width.max(200.0);
    let (left, right) = (FIGURES + 8.0, width - 8.0);
    let values = || fan.lines.iter().flat_map(|(_, v)| v.iter().copied()).chain(fan.mean.iter().copied());
    let y = Axis { left: HEIGHT - density::HEIGHT - 4.0, right: 4.0, ..Axis::spanning(values(), 0.0, 1.0, 0.04) };
    let n = fan.places.len().max(1) as f64;
    let x =
        if levels { Axis { low: 0.0, high: n, left, right } } else { Axis::spanning(fan.places.iter().map(|p| p.0), left, right, 0.02) };
    let middles = fan.places.iter().enumerate().map(|(i, p)| x.at(if levels { i as f64 + 0.5 } else { p.0 })).collect();
    Layout { size: vec2(width, HEIGHT + ink::X_AXIS), x, y, middles }
}

impl Layout {
    /// Rows whose lines run through a rectangle, sorted.
    pub fn rows_in(&self, fan: &Fan, area: Rect) -> Vec<u32> {
        let inside = |values: &[f64]| {
            let points: Vec<Pos2> = self.middles.iter().zip(values).map(|(x, v)| pos2(*x, self.y.at(*v))).collect();
            points.windows(2).any(|w| through(area, w[0], w[1])) || points.iter().any(|p| area.contains(*p))
        };
        let mut rows: Vec<u32> = fan.lines.iter().filter(|(_, v)| inside(v)).map(|(row, _)| *row).collect();
        rows.sort_unstable();
        rows
    }

    /// The line nearest to a place, if one is near enough.
    pub fn nearest(&self, fan: &Fan, at: Pos2) -> Option<usize> {
        let far = |values: &[f64]| -> f32 {
            let points: Vec<Pos2> = self.middles.iter().zip(values).map(|(x, v)| pos2(*x, self.y.at(*v))).collect();
            points.windows(2).map(|w| apart(at, w[0], w[1])).fold(f32::INFINITY, f32::min)
        };
        let all = fan.lines.iter().enumerate().map(|(i, (_, v))| (i, far(v)));
        all.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, d)| *d <= NEAR).map(|(i, _)| i)
    }
}

/// Whether a line between two points runs through a rectangle.
fn through(area: Rect, a: Pos2, b: Pos2) -> bool {
    let corners = [area.left_top(), area.right_top(), area.right_bottom(), area.left_bottom()];
    let side = |p: Pos2| ((b - a).rot90().dot(p - a)).total_cmp(&0.0);
    let parted = corners.iter().any(|c| side(*c) != side(corners[0]));
    area.contains(a) || area.contains(b) || parted && area.intersects(Rect::from_two_pos(a, b))
}

/// Distance of a point from a line between two others.
fn apart(at: Pos2, a: Pos2, b: Pos2) -> f32 {
    let way = b - a;
    let share = if way.length_sq() > 0.0 { ((at - a).dot(way) / way.length_sq()).clamp(0.0, 1.0) } else { 0.0 };
    at.distance(a + way * share)
}

/// What a fan is drawn with besides its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What it shows, in words.
    pub title: &'a str,
    /// The feature's name.
    pub name: &'a str,
    /// Whether it is a category.
    pub levels: bool,
    /// Whether the lines are differences from their first value.
    pub centred: bool,
    /// Unit of the output.
    pub unit: Unit,
    /// Language of the words.
    pub lang: Lang,
    /// Rows that are marked.
    pub marks: Marks<'a>,
}

/// What the analyst did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touch {
    /// Row under the pointer, or where the keys led.
    pub hovered: Option<u32>,
    /// Row clicked.
    pub clicked: Option<u32>,
    /// Rows whose lines run through a rectangle that was drawn with Shift held, sorted.
    pub many: Option<Vec<u32>>,
}

impl Look<'_> {
    fn show(&self, v: f64) -> String {
        if self.centred { self.unit.effect(v) } else { self.unit.level(v) }
    }
}

/// Draws it.
pub fn ui(ui: &mut Ui, fan: &Fan, look: &Look<'_>) -> Touch {
    let l = lay_out(fan, look.levels, ui.available_width());
    let (rect, response) = ui.allocate_exact_size(l.size, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, look.title));
    let offset = rect.min.to_vec2();
    // The keys walk from the lowest end to the highest.
    let mut order: Vec<usize> = if response.has_focus() { (0..fan.lines.len()).collect() } else { Vec::new() };
    let end = |i: &usize| fan.lines[*i].1.last().copied().unwrap_or_default();
    order.sort_by(|a, b| end(b).total_cmp(&end(a)));
    let walked = brush::walk(ui, &response, order.len(), |_| 1).map(|(line, _)| order[line]);
    let near = response.hover_pos().and_then(|p| l.nearest(fan, p - offset)).or(walked);
    let area = brush::area(ui, &response);
    if ui.is_rect_visible(rect) {
        paint(ui, fan, look, &l, offset, near);
        if let Some((area, _)) = area {
            brush::paint(ui, area.intersect(rect));
        }
        brush::focus(ui, &response, rect);
    }
    let many = area.filter(|(_, done)| *done).map(|(area, _)| l.rows_in(fan, area.translate(-offset)));
    let Some((row, values)) = near.and_then(|i| fan.lines.get(i)) else { return Touch { many, ..Touch::default() } };
    let mut said = vec![tr_with(look.lang, "why.row_n", &[("row", &numbers::count(i64::from(*row) + 1))])];
    let ends = fan.places.first().zip(fan.places.last()).zip(values.first().zip(values.last()));
    if let Some(((a, b), (from, to))) = ends {
        said.push(format!("{} = {}: {}", look.name, a.1, look.show(*from)));
        said.push(format!("{} = {}: {}", look.name, b.1, look.show(*to)));
    }
    let at = pos2(l.middles.last().copied().unwrap_or_default(), values.last().map_or(0.0, |v| l.y.at(*v))) + offset;
    brush::tip(ui, &response, at, &said);
    Touch { hovered: Some(*row), clicked: response.clicked().then_some(*row), many }
}

fn paint(ui: &Ui, fan: &Fan, look: &Look<'_>, l: &Layout, offset: Vec2, near: Option<usize>) {
    let (p, t) = (ui.painter(), Tokens::of(ui.ctx()));
    let (left, right) = (l.x.left + offset.x, l.x.right + offset.x);
    for tick in l.y.ticks(5) {
        let y = l.y.at(tick) + offset.y;
        p.hline(left..=right, y, Stroke::new(1.0, t.rule));
        let figures = Rect::from_min_max(pos2(offset.x, y - 8.0), pos2(offset.x + FIGURES, y + 8.0));
        ink::text(p, figures, Align2::RIGHT_CENTER, &look.show(tick), t.weak);
    }
    let line = |values: &[f64]| -> Vec<Pos2> {
        l.middles.iter().zip(values).filter(|(_, v)| v.is_finite()).map(|(x, v)| pos2(*x, l.y.at(*v)) + offset).collect()
    };
    for (_, values) in &fan.lines {
        p.add(Shape::line(line(values), Stroke::new(1.0, t.soft(t.weak, 0.35))));
    }
    let strong = |values: &[f64], width: f32, colour| {
        p.add(Shape::line(line(values), Stroke::new(width, colour)));
    };
    strong(&fan.mean, 2.5, t.accent);
    for (_, values) in fan.lines.iter().filter(|(row, _)| look.marks.many(*row)) {
        strong(values, 1.5, t.accent);
    }
    // The selected row is told by its dots as well as by its colour.
    if let Some((_, values)) = fan.lines.iter().find(|(row, _)| look.marks.one(*row)) {
        strong(values, 2.0, t.up);
        for at in line(values) {
            p.circle_filled(at, 2.5, t.up);
        }
    }
    if let Some((_, values)) = near.and_then(|i| fan.lines.get(i)) {
        strong(values, 1.5, t.text);
    }
    let shares: Vec<f64> = fan.places.iter().map(|p| p.2).collect();
    let strip: Vec<density::Cell> = density::cells(&l.middles, &shares, look.levels, (l.x.left, l.x.right));
    let strip: Vec<density::Cell> = strip.into_iter().map(|(a, b, s)| (a + offset.x, b + offset.x, s)).collect();
    density::paint(p, t, &strip, offset.y + HEIGHT - density::HEIGHT);
    if look.levels {
        let room = ((right - left) / 52.0).max(1.0) as usize;
        let every = fan.places.len().div_ceil(room).max(1);
        let half = (right - left) / fan.places.len().max(1) as f32 * every as f32 / 2.0 - 1.0;
        for (i, place) in fan.places.iter().enumerate().step_by(every) {
            let x = l.middles[i] + offset.x;
            let rect = Rect::from_min_max(pos2(x - half, offset.y + HEIGHT), pos2(x + half, offset.y + HEIGHT + 16.0));
            ink::text(p, rect, Align2::CENTER_CENTER, &place.1, t.weak);
        }
        let name = Rect::from_min_max(pos2(left, offset.y + HEIGHT + 16.0), pos2(right, offset.y + HEIGHT + 32.0));
        ink::text(p, name, Align2::CENTER_CENTER, look.name, t.weak);
    } else {
        let x = Axis { left, right, ..l.x };
        ink::x_axis(p, t, &x, offset.y + HEIGHT, offset.y + HEIGHT, numbers::plain, look.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_outputs_stand_higher_and_the_nearest_line_is_found() {
        let places = (0..5).map(|i| (f64::from(i), i.to_string(), 0.2)).collect();
        let lines = vec![(7, vec![0.0, 0.1, 0.2, 0.3, 0.4]), (9, vec![1.0, 0.9, 0.8, 0.7, 0.6])];
        let fan = Fan { places, mean: vec![0.5; 5], lines, up: 1, down: 1, sampled: 2, spread: 0.4 };
        for levels in [true, false] {
            let l = lay_out(&fan, levels, 400.0);
            assert!(l.y.at(1.0) < l.y.at(0.0) && l.middles.windows(2).all(|w| w[0] < w[1]));
            assert!(l.middles.iter().all(|x| *x >= l.x.left && *x <= l.x.right));
            let on = |line: usize, k: usize| pos2(l.middles[k], l.y.at(fan.lines[line].1[k]));
            assert_eq!(l.nearest(&fan, on(0, 1)), Some(0));
            assert_eq!(l.nearest(&fan, on(1, 0) + vec2(2.0, 3.0)), Some(1));
            let around = |at: Pos2| l.rows_in(&fan, Rect::from_center_size(at, vec2(4.0, 4.0)));
            assert_eq!((around(on(0, 1)), around(on(1, 3))), (vec![7], vec![9]));
            let half = (on(1, 0) + on(1, 1).to_vec2()).to_vec2() / 2.0;
            assert_eq!(around(half.to_pos2()), [9], "between two values, too");
            assert_eq!(l.rows_in(&fan, Rect::EVERYTHING), [7, 9]);
            assert_eq!(around(pos2(l.middles[0], (l.y.at(0.0) + l.y.at(1.0)) / 2.0)), [0u32; 0]);
            assert_eq!(l.nearest(&fan, pos2(l.middles[0], (l.y.at(0.0) + l.y.at(1.0)) / 2.0)), None, "between the lines is no line");
        }
        assert!((apart(pos2(0.0, 5.0), pos2(-1.0, 0.0), pos2(1.0, 0.0)) - 5.0).abs() < 1e-6);
    }
}
