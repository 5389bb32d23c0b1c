//! Where everything of a waterfall stands, relative to its top left corner. Pure geometry.

use eframe::egui::{Rect, Vec2, pos2, vec2};

use super::model::Waterfall;
use crate::ui::theme::{self, ROW};
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::ink::{self, X_AXIS};

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

/// Room that a value takes beside its name.
pub fn for_value(value: &str, width: f32) -> f32 {
    if value.is_empty() { 0.0 } else { (value.chars().count() as f32 * 7.5 + 4.0).min(width * 0.45) }
}

/// How high a row must be for its name not to be cut: a long one takes several lines of small letters.
fn height(name: &str, value: &str, width: f32) -> f32 {
    let room = (width - for_value(value, width) - 4.0).max(40.0);
    // Chinese letters are as wide as they are high.
    let wide = |small: f32| name.chars().map(|c| if c.is_ascii() { 0.58 * small } else { small }).sum::<f32>();
    if wide(theme::SMALL) <= room {
        return ROW;
    }
    let lines = (wide(theme::TINY) * 1.06 / room).ceil().min(8.0);
    (lines * ink::TINY_LINE + 4.0).max(ROW)
}

/// Lays a waterfall out in a width; what it is set against has its place on the axis, too.
pub fn lay_out(w: &Waterfall, before: Option<&Waterfall>, width: f32) -> Layout {
    let width = width.max(160.0);
    let names_right = (width * 0.38).min(260.0);
    let numbers_left = width - NUMBERS;
    let all = || std::iter::once(w).chain(before);
    let ends = all().flat_map(|w| w.steps.iter().flat_map(|s| [s.from, s.to]).chain([w.base, w.prediction]));
    let axis = Axis::spanning(ends, names_right + 8.0, numbers_left - 8.0, 0.04);
    let mut bottom = 0.0;
    let mut row = |height: f32| {
        bottom += height;
        Rect::from_min_size(pos2(0.0, bottom - height), vec2(width, height))
    };
    let mut rows = vec![row(ROW)];
    rows.extend(w.steps.iter().map(|s| row(height(&s.name, &s.value, names_right - 8.0))));
    rows.push(row(ROW));
    let bars = w.steps.iter().map(|s| (axis.at(s.from), axis.at(s.to))).collect();
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
