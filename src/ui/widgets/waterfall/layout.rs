//! Where everything of a waterfall stands, relative to its top left corner. Pure geometry.

use eframe::egui::{Rect, Vec2, pos2, vec2};

use super::model::Waterfall;
use crate::ui::theme::ROW;
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::ink::X_AXIS;

/// Places of a waterfall.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Output to place.
    pub axis: Axis,
    /// One per line: base, steps, prediction.
    pub rows: Vec<Rect>,
    /// One per step: from x, to x.
    pub bars: Vec<(f32, f32)>,
    /// Where names end and bars begin.
    pub names_right: f32,
    /// Where bars end and numbers begin.
    pub numbers_left: f32,
    /// Lower end of the bars.
    pub bottom: f32,
}

/// Width of the column with signed numbers.
const NUMBERS: f32 = 76.0;

/// Lays a waterfall out in a width; what it is set against has its place on the axis, too.
pub fn lay_out(w: &Waterfall, before: Option<&Waterfall>, width: f32) -> Layout {
    let width = width.max(160.0);
    let names_right = (width * 0.38).min(260.0);
    let numbers_left = width - NUMBERS;
    let all = || std::iter::once(w).chain(before);
    let ends = all().flat_map(|w| w.steps.iter().flat_map(|s| [s.from, s.to]).chain([w.base, w.prediction]));
    let axis = Axis::spanning(ends, names_right + 8.0, numbers_left - 8.0, 0.04);
    let lines = w.steps.len() + 2;
    let rows = (0..lines).map(|i| Rect::from_min_size(pos2(0.0, i as f32 * ROW), vec2(width, ROW))).collect();
    let bars = w.steps.iter().map(|s| (axis.at(s.from), axis.at(s.to))).collect();
    let bottom = lines as f32 * ROW;
    Layout { size: vec2(width, bottom + X_AXIS), axis, rows, bars, names_right, numbers_left, bottom }
}

/// How far a drag by `dx` moves a feature with this range: the width of the picture is the whole range.
pub fn dragged_value(start: f64, dx: f32, plot_width: f32, range: (f64, f64)) -> f64 {
    let (low, high) = range;
    if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) || plot_width <= 0.0 {
        return start;
    }
    let start = if start.is_finite() { start } else { low };
    (start + f64::from(dx) / f64::from(plot_width) * (high - low)).clamp(low.min(start), high.max(start))
}
