//! Curves with bands over a common axis: what each is, and its interval, under the pointer.

use eframe::egui::{self, Align2, Color32, FontId, Mesh, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::{brush, ink};
use crate::strategy::words::chart::{Curve, Lines, Part, Point};
use crate::ui::theme::{self, Tokens};

/// Height of the picture itself.
const HEIGHT: f32 = 220.0;
/// Height of the line with the upright axis' name.
const HEAD: f32 = 18.0;
/// Width of the column with the upright axis' numbers.
const FIGURES: f32 = 64.0;
/// Room at the right for half of the last number along.
const RIGHT: f32 = 36.0;
/// How near the pointer must be to a curve.
const NEAR: f32 = 24.0;

/// Places of the curves, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Place along.
    pub x: Axis,
    /// Amount upright, upwards.
    pub y: Axis,
}

/// Lays curves out in a width; zero and the bands of what is compared are always on the axis.
pub fn lay_out(l: &Lines, width: f32) -> Layout {
    let points = || l.curves.iter().flat_map(|c| c.points.iter().map(move |p| (c.part, p)));
    let band = |(part, p): (Part, &Point)| p.band.filter(|_| part == Part::Main).map_or([p.value; 3], |(a, b)| [a, p.value, b]);
    let x = Axis::spanning(points().map(|(_, p)| p.x), FIGURES, width.max(200.0) - RIGHT, 0.0);
    let y = Axis::spanning(points().flat_map(band).chain([0.0]), 0.0, 1.0, 0.02);
    Layout { x, y: Axis { left: HEAD + HEIGHT, right: HEAD + 4.0, ..y } }
}

impl Layout {
    fn place(&self, x: f64, v: f64) -> Pos2 {
        pos2(self.x.at(x), self.y.at(v.clamp(self.y.low, self.y.high)))
    }

    /// Corners of a curve: where an amount holds until the next one, a step is two of them.
    fn corners(&self, c: &Curve, steps: bool, of: impl Fn(&Point) -> f64) -> Vec<Pos2> {
        let mut out: Vec<Pos2> = Vec::with_capacity(c.points.len());
        for p in &c.points {
            let at = self.place(p.x, of(p));
            if let (true, Some(before)) = (steps, out.last().copied()) {
                out.push(pos2(at.x, before.y));
            }
            out.push(at);
        }
        out
    }

    /// The curve and its point nearest to a place, if one is near enough; what the picture is about goes first.
    pub fn nearest(&self, l: &Lines, at: Pos2) -> Option<(usize, usize)> {
        let all = l.curves.iter().enumerate().flat_map(|(k, c)| c.points.iter().enumerate().map(move |(i, p)| (k, i, c.part, p)));
        let far = all.map(|(k, i, part, p)| {
            let away = self.place(p.x, p.value) - at;
            let favour = if part == Part::Main { 6.0 } else { 0.0 };
            // Along the curve the pointer may be between two points.
            (k, i, (away.y.abs() - favour).max(0.0) + 0.7 * away.x.abs(), away)
        });
        far.filter(|f| f.3.y.abs() <= NEAR).min_by(|a, b| a.2.total_cmp(&b.2)).map(|f| (f.0, f.1))
    }
}

/// Colour of the k-th curve; what is compared side by side gets one each.
fn colour(t: &Tokens, l: &Lines, k: usize) -> Color32 {
    match l.curves[k].part {
        Part::Main => match l.curves[..k].iter().filter(|c| c.part == Part::Main).count() {
            0 => t.accent,
            before => t.series(before),
        },
        Part::Other => t.weak,
        Part::Reference => t.warn,
    }
}

/// Names of the curves that have one of their own, with their strokes.
pub fn legend(ui: &mut Ui, l: &Lines) {
    ui.horizontal_wrapped(|ui| {
        let t = Tokens::of(ui.ctx());
        for (k, c) in l.curves.iter().enumerate().filter(|(_, c)| c.part != Part::Other && !c.name.is_empty()) {
            let (rect, _) = ui.allocate_exact_size(vec2(22.0, 14.0), Sense::hover());
            let ends = [rect.left_center(), rect.right_center()];
            stroke(ui.painter(), &ends, c.part, Stroke::new(2.0, colour(t, l, k)));
            ui.label(egui::RichText::new(&c.name).size(theme::SMALL));
            ui.add_space(theme::SPACE);
        }
    });
}

fn stroke(p: &Painter, places: &[Pos2], part: Part, stroke: Stroke) {
    if part == Part::Reference {
        p.extend(Shape::dashed_line(places, stroke, 6.0, 4.0));
    } else {
        p.add(Shape::line(places.to_vec(), stroke));
    }
}

/// Draws them in the width that is there; `title` is what a screen reader calls it.
pub fn ui(ui: &mut Ui, title: &str, l: &Lines) {
    let width = ui.available_width();
    let layout = lay_out(l, width);
    let (rect, response) = ui.allocate_exact_size(vec2(width.max(200.0), HEAD + HEIGHT + ink::X_AXIS), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let offset = rect.min.to_vec2();
    let main = l.curves.iter().position(|c| c.part == Part::Main).unwrap_or(0);
    let walked =
        brush::walk(ui, &response, l.curves.len().min(1), |_| l.curves.get(main).map_or(0, |c| c.points.len())).map(|w| (main, w.1));
    let near = response.hover_pos().and_then(|p| layout.nearest(l, p - offset)).or(walked);
    if ui.is_rect_visible(rect) {
        paint(ui.painter(), Tokens::of(ui.ctx()), l, &layout, rect, near);
        brush::focus(ui, &response, rect);
    }
    if let Some((c, p)) = near.and_then(|(k, i)| Some((l.curves.get(k)?, l.curves.get(k)?.points.get(i)?))) {
        let band = p.band.map_or_else(String::new, |(a, b)| format!(" ({} … {})", l.y.of(a), l.y.of(b)));
        let said = [c.name.clone(), format!("{}: {}", l.x_name, l.x.of(p.x)), format!("{}: {}{band}", l.y_name, l.y.of(p.value))];
        brush::tip(ui, &response, layout.place(p.x, p.value) + offset, &said);
    }
}

fn paint(p: &Painter, t: &Tokens, l: &Lines, layout: &Layout, rect: Rect, near: Option<(usize, usize)>) {
    let offset = rect.min.to_vec2();
    let (top, bottom) = (rect.top() + HEAD, rect.top() + HEAD + HEIGHT);
    let x = Axis { left: layout.x.left + offset.x, right: layout.x.right + offset.x, ..layout.x };
    ink::x_axis(p, t, &x, top, bottom, |v| l.x.of(v), &l.x_name);
    for v in layout.y.ticks(5) {
        let y = layout.y.at(v) + offset.y;
        p.hline(x.left..=x.right, y, Stroke::new(1.0, t.rule));
        p.text(pos2(x.left - 6.0, y), Align2::RIGHT_CENTER, l.y.of(v), FontId::proportional(theme::SMALL), t.weak);
    }
    let head = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + HEAD));
    ink::text(p, head, Align2::LEFT_CENTER, &l.y_name, t.weak);
    let lit = near.map(|n| n.0);
    // Where several bands overlap each has to let the others through.
    let faint = if l.curves.iter().filter(|c| c.part == Part::Main).count() > 1 { 0.1 } else { 0.18 };
    let shown = |k: usize, c: &Curve| c.part == Part::Main || lit == Some(k);
    for (k, c) in l.curves.iter().enumerate().filter(|(k, c)| shown(*k, c) && c.points.iter().any(|p| p.band.is_some())) {
        let edge = |high: bool| {
            let of = move |p: &Point| p.band.map_or(p.value, |b| if high { b.1 } else { b.0 });
            layout.corners(c, l.steps, of)
        };
        let fill = t.soft(colour(t, l, k), if lit == Some(k) { 0.3 } else { faint });
        p.add(band(&edge(false), &edge(true), offset, fill));
    }
    // What the picture is about lies on top.
    let rank = |part: Part| [Part::Other, Part::Reference, Part::Main].iter().position(|x| *x == part);
    let mut order: Vec<usize> = (0..l.curves.len()).collect();
    order.sort_by_key(|k| (lit == Some(*k), rank(l.curves[*k].part)));
    for k in order {
        let c = &l.curves[k];
        let places: Vec<Pos2> = layout.corners(c, l.steps, |p| p.value).into_iter().map(|q| q + offset).collect();
        let own = colour(t, l, k);
        let line = match (c.part, lit == Some(k)) {
            (Part::Other, false) => Stroke::new(1.0, t.soft(own, 0.35)),
            (Part::Other, true) => Stroke::new(2.0, t.text),
            _ => Stroke::new(2.0, own),
        };
        match places.as_slice() {
            [one] => drop(p.circle_filled(*one, 3.0, line.color)),
            _ => stroke(p, &places, c.part, line),
        }
    }
    if let Some(point) = near.and_then(|(k, i)| l.curves.get(k)?.points.get(i)) {
        p.circle_stroke(layout.place(point.x, point.value) + offset, 4.0, Stroke::new(1.5, t.text));
    }
}

/// The area between two edges with the same corners; one mesh, so that no seams show.
fn band(low: &[Pos2], high: &[Pos2], offset: egui::Vec2, colour: Color32) -> Shape {
    let mut mesh = Mesh::default();
    for (a, b) in low.iter().zip(high) {
        mesh.colored_vertex(*a + offset, colour);
        mesh.colored_vertex(*b + offset, colour);
    }
    for i in 1..low.len() as u32 {
        let k = 2 * (i - 1);
        mesh.add_triangle(k, k + 1, k + 2);
        mesh.add_triangle(k + 1, k + 2, k + 3);
    }
    Shape::mesh(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(steps: bool) -> Lines {
        let curve = |name: &str, part, v: f64| {
            let point = |x: f64| Point { x, value: v + x, band: Some((v + x - 1.0, v + x + 2.0)) };
            Curve { name: name.into(), part, points: (1..=4).map(|x| point(f64::from(x))).collect() }
        };
        Lines { steps, curves: vec![curve("other", Part::Other, 0.0), curve("all", Part::Main, 5.0)], ..Lines::default() }
    }

    #[test]
    fn zero_and_bands_are_on_the_axis_and_the_nearest_point_is_found() {
        let l = example(false);
        let layout = lay_out(&l, 500.0);
        assert!(layout.y.low <= 0.0 && layout.y.high >= 11.0, "{layout:?}");
        assert!(layout.y.at(9.0) < layout.y.at(1.0), "more is higher");
        assert_eq!(layout.nearest(&l, layout.place(2.0, 7.0)), Some((1, 1)));
        assert_eq!(layout.nearest(&l, layout.place(3.0, 3.0)), Some((0, 2)));
        assert_eq!(layout.nearest(&l, pos2(layout.x.at(1.0), layout.y.at(11.0) - 200.0)), None);
        let steps = layout.corners(&l.curves[1], true, |p| p.value);
        assert_eq!(steps.len(), 7);
        assert_eq!((steps[1].x, steps[1].y), (steps[2].x, steps[0].y));
        assert_eq!(lay_out(&Lines::default(), 10.0).x.left, FIGURES);
    }
}
