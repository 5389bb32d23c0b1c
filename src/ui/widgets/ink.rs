//! Painting that several pictures share: text cut to its place, signs, axes. The only shared file that touches the painter.

use eframe::egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, text::LayoutJob, text::TextWrapping, vec2};

use super::axis::Axis;
use crate::ui::theme::{self, Tokens};

/// Writes one line within `rect`, cut with an ellipsis where it is too long; whether it was cut.
pub fn text(painter: &Painter, rect: Rect, align: Align2, text: &str, colour: Color32) -> bool {
    if rect.width() < 4.0 {
        return !text.is_empty();
    }
    let mut job = LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(theme::SMALL), colour);
    job.wrap = TextWrapping::truncate_at_width(rect.width());
    let galley = painter.layout_job(job);
    let place = align.align_size_within_rect(galley.size(), rect);
    let cut = galley.elided;
    painter.galley(place.min, galley, colour);
    cut
}

/// A bar from one place to another whose end is a tip, so that its direction is readable without colour.
pub fn arrow_bar(from: f32, to: f32, top: f32, bottom: f32, colour: Color32) -> Shape {
    let tip = (to - from).abs().min((bottom - top) * 0.45) * (to - from).signum();
    let middle = (top + bottom) / 2.0;
    let shoulder = to - tip;
    let points = if (shoulder - from).abs() < 0.5 {
        vec![pos2(from, top), pos2(to, middle), pos2(from, bottom)]
    } else {
        vec![pos2(from, top), pos2(shoulder, top), pos2(to, middle), pos2(shoulder, bottom), pos2(from, bottom)]
    };
    Shape::convex_polygon(points, colour, Stroke::NONE)
}

/// A small triangle that points up or down: more of it raises or lowers.
pub fn triangle(centre: Pos2, up: bool, colour: Color32) -> Shape {
    let s = if up { -1.0 } else { 1.0 };
    let points = vec![centre + vec2(0.0, 4.0 * s), centre + vec2(-4.0, -3.0 * s), centre + vec2(4.0, -3.0 * s)];
    Shape::convex_polygon(points, colour, Stroke::NONE)
}

/// A horizontal axis below a picture: thin lines through it at round values, numbers and the unit's name under it.
pub fn x_axis(painter: &Painter, tokens: &Tokens, axis: &Axis, top: f32, bottom: f32, show: impl Fn(f64) -> String, name: &str) {
    let most = ((axis.right - axis.left) / 64.0) as usize;
    for tick in axis.ticks(most.clamp(3, 8)) {
        let x = axis.at(tick);
        painter.vline(x, top..=bottom, Stroke::new(1.0, tokens.rule));
        painter.text(pos2(x, bottom + 2.0), Align2::CENTER_TOP, show(tick), FontId::proportional(theme::SMALL), tokens.weak);
    }
    let line = Rect::from_min_max(pos2(axis.left, bottom + 16.0), pos2(axis.right, bottom + 32.0));
    text(painter, line, Align2::CENTER_TOP, name, tokens.weak);
}

/// Height that [`x_axis`] needs below the picture.
pub const X_AXIS: f32 = 34.0;

/// An interval: a thin line with end marks.
pub fn whisker(painter: &Painter, left: f32, right: f32, y: f32, colour: Color32) {
    let stroke = Stroke::new(1.0, colour);
    painter.hline(left..=right, y, stroke);
    for x in [left, right] {
        painter.vline(x, y - 3.0..=y + 3.0, stroke);
    }
}
