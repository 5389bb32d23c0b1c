//! Dependence: what each value (or level) of one feature does, on average and for most rows.

use eframe::egui::{Align2, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::units::Unit;
use super::{brush, density, ink};
use crate::base::{Lang, numbers, tr_with};
use crate::explain::summary::{DependenceBin, Importance};
use crate::ui::theme::Tokens;

/// Height of the picture itself.
const HEIGHT: f32 = 180.0;
/// Width of the column with the vertical axis' numbers.
const FIGURES: f32 = 52.0;

/// Places of the bins, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Value to x (levels: their index).
    pub x: Axis,
    /// Effect to y; `left` is the lower end.
    pub y: Axis,
    /// Middle of each bin.
    pub middles: Vec<f32>,
}

/// Lays bins out in a width; levels get even places.
pub fn lay_out(bins: &[DependenceBin], levels: bool, width: f32) -> Layout {
    let width = width.max(160.0);
    let (left, right) = (FIGURES + 8.0, width - 8.0);
    let y = Axis::spanning(bins.iter().flat_map(|b| [b.low, b.mean, b.high]).chain([0.0]), HEIGHT - 4.0, HEIGHT, 0.06);
    // Upwards: the axis runs from the lower edge to the upper one.
    let y = Axis { left: HEIGHT - density::HEIGHT - 4.0, right: 4.0, ..y };
    let n = bins.len().max(1) as f64;
    let x = if levels { Axis { low: 0.0, high: n, left, right } } else { Axis::spanning(bins.iter().map(|b| b.x), left, right, 0.03) };
    let middles = bins.iter().enumerate().map(|(i, b)| x.at(if levels { i as f64 + 0.5 } else { b.x })).collect();
    Layout { size: vec2(width, HEIGHT + ink::X_AXIS), x, y, middles }
}

impl Layout {
    /// The bin nearest to a place.
    pub fn nearest(&self, at: f32) -> Option<usize> {
        let far = |i: &usize| (self.middles[*i] - at).abs();
        (0..self.middles.len()).min_by(|a, b| far(a).total_cmp(&far(b)))
    }
}

/// What the analyst did, as bins by their number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Touch {
    /// Bin under the pointer, or where the keys led.
    pub hovered: Option<usize>,
    /// First and last bin of a stretch that was drawn with Shift held, or the one that was clicked.
    pub many: Option<(usize, usize)>,
}

/// Draws it in the width that is there; `rows` are marked ones, by their bin and effect.
pub fn ui(ui: &mut Ui, of: &Importance, levels: bool, unit: Unit, lang: Lang, rows: &[(usize, f64)]) -> Touch {
    let bins = &of.dependence;
    let l = lay_out(bins, levels, ui.available_width());
    let (rect, response) = ui.allocate_exact_size(l.size, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(of, unit, lang)));
    let offset = rect.min.to_vec2();
    let walked = brush::walk(ui, &response, 1, |_| bins.len()).map(|(_, at)| at);
    let hovered = response.hover_pos().and_then(|p| l.nearest(p.x - offset.x)).or(walked);
    let area = brush::area(ui, &response);
    if ui.is_rect_visible(rect) {
        let t = Tokens::of(ui.ctx());
        paint(ui.painter(), t, of, &l, offset, levels, (unit, lang), hovered);
        for (bin, effect) in rows {
            let Some(x) = l.middles.get(*bin) else { continue };
            ui.painter().circle_stroke(pos2(*x, l.y.at(*effect)) + offset, 3.0, Stroke::new(1.0, t.text));
        }
        if let Some((area, _)) = area {
            brush::paint(ui, Rect::from_x_y_ranges(area.x_range(), rect.top()..=rect.top() + HEIGHT));
        }
        brush::focus(ui, &response, rect);
    }
    if let Some((i, bin)) = hovered.and_then(|i| Some((i, bins.get(i)?))) {
        let mut said = vec![
            format!("{} = {}", of.name, bin.label),
            tr_with(lang, "why.bin_mean", &[("mean", &unit.exact(bin.mean))]),
            tr_with(lang, "why.bin_band", &[("low", &unit.effect(bin.low)), ("high", &unit.effect(bin.high))]),
            tr_with(lang, "why.bin_rows", &[("rows", &numbers::count(bin.rows as i64))]),
        ];
        if let Some((low, high)) = bin.interval {
            said.insert(2, tr_with(lang, "why.interval", &[("low", &unit.effect(low)), ("high", &unit.effect(high))]));
        }
        brush::tip(ui, &response, pos2(l.middles[i], l.y.at(bin.mean)) + offset, &said);
    }
    let stretch = area
        .filter(|(_, done)| *done)
        .and_then(|(area, _)| Some((l.nearest(area.left() - offset.x)?, l.nearest(area.right() - offset.x)?)));
    Touch { hovered, many: stretch.or(hovered.filter(|_| response.clicked()).map(|i| (i, i))) }
}

fn paint(p: &Painter, t: &Tokens, of: &Importance, l: &Layout, offset: Vec2, levels: bool, words: (Unit, Lang), hovered: Option<usize>) {
    let (unit, _) = words;
    let bins = &of.dependence;
    let at = |x: f32, v: f64| pos2(x, l.y.at(v)) + offset;
    let (left, right) = (l.x.left + offset.x, l.x.right + offset.x);
    for tick in l.y.ticks(5) {
        let y = l.y.at(tick) + offset.y;
        p.hline(left..=right, y, Stroke::new(1.0, t.rule));
        let figures = Rect::from_min_max(pos2(offset.x, y - 8.0), pos2(offset.x + FIGURES, y + 8.0));
        ink::text(p, figures, Align2::RIGHT_CENTER, &unit.effect(tick), t.weak);
    }
    p.hline(left..=right, l.y.at(0.0) + offset.y, Stroke::new(1.0, t.faint));
    // What has no place on the axis, such as a missing value, is no part of a line along it.
    let placed = |i: &usize| levels || bins[*i].x.is_finite();
    let finite: Vec<usize> = (0..bins.len()).filter(|&i| bins[i].mean.is_finite()).filter(placed).collect();
    let rows: f64 = finite.iter().map(|&i| bins[i].rows as f64).sum();
    let middles: Vec<f32> = finite.iter().map(|&i| l.middles[i] + offset.x).collect();
    let shares: Vec<f64> = finite.iter().map(|&i| bins[i].rows as f64 / rows.max(1.0)).collect();
    density::paint(p, t, &density::cells(&middles, &shares, levels, (left, right)), offset.y + HEIGHT - density::HEIGHT);
    if levels {
        let half = ((right - left) / bins.len().max(1) as f32 * 0.3).min(14.0);
        for &i in &finite {
            let (bin, x) = (&bins[i], l.middles[i]);
            let bar = Rect::from_two_pos(at(x - half, 0.0), at(x + half, bin.mean));
            p.rect_filled(bar, 0.0, if bin.mean >= 0.0 { t.up } else { t.down });
            let (low, high) = (at(x, bin.low), at(x, bin.high));
            p.vline(low.x, high.y..=low.y, Stroke::new(1.0, t.text));
        }
    } else {
        for pair in finite.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let (x, w) = (l.middles[a], l.middles[b]);
            let band: Vec<Pos2> = vec![at(x, bins[a].low), at(x, bins[a].high), at(w, bins[b].high), at(w, bins[b].low)];
            p.add(Shape::convex_polygon(band, t.soft(t.accent, 0.22), Stroke::NONE));
        }
        p.line(finite.iter().map(|&i| at(l.middles[i], bins[i].mean)).collect(), Stroke::new(2.0, t.accent));
        for &i in &finite {
            p.circle_filled(at(l.middles[i], bins[i].mean), 2.5, t.accent);
        }
    }
    if let Some(i) = hovered {
        p.vline(l.middles[i] + offset.x, offset.y..=offset.y + HEIGHT, Stroke::new(1.0, t.weak));
    }
    // Labels only where there is room for one.
    let room = ((right - left) / if levels { 44.0 } else { 72.0 }).max(1.0) as usize;
    let every = bins.len().div_ceil(room).max(1);
    if levels {
        for (i, bin) in bins.iter().enumerate().step_by(every) {
            let x = l.middles[i] + offset.x;
            // As much as lies between two labels.
            let half = (right - left) / bins.len().max(1) as f32 * every as f32 / 2.0 - 1.0;
            let place = Rect::from_min_max(pos2(x - half, offset.y + HEIGHT), pos2(x + half, offset.y + HEIGHT + 16.0));
            ink::text(p, place, Align2::CENTER_CENTER, &bin.label, t.weak);
        }
        let place = Rect::from_min_max(pos2(left, offset.y + HEIGHT + 16.0), pos2(right, offset.y + HEIGHT + 32.0));
        ink::text(p, place, Align2::CENTER_CENTER, &of.name, t.weak);
    } else {
        let x = Axis { left, right, ..l.x };
        ink::x_axis(p, t, &x, offset.y + HEIGHT, offset.y + HEIGHT, numbers::plain, &of.name);
    }
}

/// The picture in words.
pub fn summary(of: &Importance, unit: Unit, lang: Lang) -> String {
    let bins: Vec<_> = of.dependence.iter().map(|b| format!("{}: {}", b.label, unit.effect(b.mean))).collect();
    tr_with(lang, "why.dependence_summary", &[("feature", &of.name), ("bins", &bins.join("; "))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::examples;

    #[test]
    fn more_effect_stands_higher_and_bins_are_found() {
        let s = examples::summary(1);
        let bins = &s.importance[0].dependence;
        for levels in [true, false] {
            let l = lay_out(bins, levels, 300.0);
            assert!(l.y.at(bins[4].mean) < l.y.at(bins[0].mean));
            assert!(l.middles.windows(2).all(|w| w[0] < w[1]));
            for (i, m) in l.middles.iter().enumerate() {
                assert_eq!(l.nearest(*m), Some(i));
                assert!(*m >= l.x.left && *m <= l.x.right);
            }
        }
        assert_eq!(lay_out(&[], false, 300.0).nearest(5.0), None);
    }
}
