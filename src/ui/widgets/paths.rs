//! Decision paths: each row as a line from the base value, feature after feature, to its output. Where lines part, a
//! feature decides.

use eframe::egui::{Align2, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::brush::{self, Marks};
use super::ink;
use super::units::Unit;
use crate::base::Lang;
pub use crate::explain::crowd::Paths;
use crate::ui::theme::Tokens;

/// Height of a step.
const STEP: f32 = 22.0;

/// What the analyst did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touch {
    /// Row of the line under the pointer, or where the keys led.
    pub hovered: Option<u32>,
    /// Row of the line clicked.
    pub clicked: Option<u32>,
    /// Rows whose lines pass through a rectangle that was drawn with Shift held.
    pub many: Option<Vec<u32>>,
}

/// Draws them.
pub fn ui(ui: &mut Ui, paths: &Paths, unit: Unit, lang: Lang, marks: Marks<'_>) -> Touch {
    let t = Tokens::of(ui.ctx());
    let width = ui.available_width().max(200.0);
    let names = ink::names_width(paths.steps.iter().map(String::as_str), (width * 0.3).min(200.0), width);
    let height = STEP * paths.steps.len() as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height + ink::X_AXIS), Sense::click_and_drag());
    let said = crate::base::tr_with(lang, "why.paths_said", &[("n", &paths.lines.len()), ("base", &unit.level(paths.base))]);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
    let values = paths.lines.iter().flat_map(|l| l.1.iter().copied()).chain([paths.base]);
    let axis = Axis::spanning(values, names + 8.0, width - 12.0, 0.03);
    let offset = rect.min.to_vec2();
    let place = |k: usize, v: f64| pos2(axis.at(v), height - k as f32 * STEP) + offset;
    let pointer = response.hover_pos();
    let near = pointer.and_then(|p| {
        let k = (((height - (p.y - rect.top())) / STEP).clamp(0.0, paths.steps.len() as f32)).floor() as usize;
        let share = (height - (p.y - rect.top())) / STEP - k as f32;
        let far = |l: &(u32, Vec<f64>)| {
            let (a, b) = (l.1.get(k).copied()?, l.1.get(k + 1).or(l.1.get(k)).copied()?);
            Some((axis.at(a + (b - a) * f64::from(share)) + offset.x - p.x).abs())
        };
        let best = paths.lines.iter().filter_map(|l| Some((far(l)?, l.0))).min_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 < 12.0).then_some(best.1)
    });
    let walked = brush::walk(ui, &response, 1, |_| paths.lines.len()).map(|(_, at)| paths.lines[at].0);
    let near = near.or(walked);
    let area = brush::area(ui, &response);
    if ui.is_rect_visible(rect) {
        let p = ui.painter();
        for (k, name) in paths.steps.iter().enumerate() {
            let y = rect.top() + height - (k as f32 + 0.5) * STEP;
            let room = Rect::from_min_max(pos2(rect.left(), y - STEP / 2.0), pos2(rect.left() + names, y + STEP / 2.0));
            ink::label(p, room, Align2::RIGHT_CENTER, name, t.weak);
            let line = rect.top() + height - k as f32 * STEP;
            p.hline(rect.left() + names + 8.0..=rect.right() - 12.0, line, Stroke::new(1.0, t.rule));
        }
        let base = axis.at(paths.base) + offset.x;
        p.vline(base, rect.top()..=rect.top() + height, Stroke::new(1.0, t.faint));
        let strong = |row: u32| Some(row) == near || marks.one(row) || marks.many(row);
        for (front, lines) in [(false, &paths.lines), (true, &paths.lines)] {
            for (row, line) in lines.iter().filter(|l| strong(l.0) == front) {
                let up = line.last().copied().unwrap_or(paths.base) >= paths.base;
                let colour = if up { t.up } else { t.down };
                let width = if marks.one(*row) || Some(*row) == near { 2.5 } else { 1.5 };
                let stroke = if front { Stroke::new(width, colour) } else { Stroke::new(1.0, t.soft(colour, 0.35)) };
                p.add(Shape::line(line.iter().enumerate().map(|(k, v)| place(k, *v)).collect(), stroke));
                if front && Some(*row) == marks.row {
                    let end = place(line.len() - 1, line.last().copied().unwrap_or(paths.base));
                    p.circle_filled(end, 4.0, colour);
                }
            }
        }
        let shown = Axis { left: axis.left + offset.x, right: axis.right + offset.x, ..axis };
        ink::x_axis(p, t, &shown, rect.top() + height, rect.top() + height, |x| unit.tick(x), unit.level_name(lang));
        if let Some((area, _)) = area {
            brush::paint(ui, area);
        }
        brush::focus(ui, &response, rect);
    }
    if let Some(row) = near {
        let end = paths.lines.iter().find(|l| l.0 == row).and_then(|l| l.1.last().copied()).unwrap_or(paths.base);
        let number = crate::base::numbers::count(i64::from(row) + 1);
        let said = [crate::base::tr_with(lang, "why.row_n", &[("row", &number)]), unit.level(end)];
        brush::tip(ui, &response, place(paths.steps.len(), end), &said);
    } else if let Some(p) = pointer.filter(|p| p.x < rect.left() + names) {
        // The whole of a name that may be too long for its place.
        let k = ((height - (p.y - rect.top())) / STEP).max(0.0) as usize;
        if let Some(name) = paths.steps.get(k) {
            brush::tip(ui, &response, p, std::slice::from_ref(name));
        }
    }
    let many = area.filter(|(_, done)| *done).map(|(area, _)| {
        let passes = |line: &[f64]| line.windows(2).enumerate().any(|(k, w)| crosses(area, place(k, w[0]), place(k + 1, w[1])));
        let mut rows: Vec<u32> = paths.lines.iter().filter(|l| passes(&l.1)).map(|l| l.0).collect();
        rows.sort_unstable();
        rows
    });
    Touch { hovered: near, clicked: near.filter(|_| response.clicked()), many }
}

/// Whether a straight line touches a rectangle.
fn crosses(area: Rect, a: Pos2, b: Pos2) -> bool {
    let d = b - a;
    // The part of the line that lies between the edges, in each direction; the two must overlap.
    let part = |from: f32, step: f32, low: f32, high: f32| {
        if step.abs() < 1e-6 {
            return if (low..=high).contains(&from) { (0.0, 1.0) } else { (1.0, 0.0) };
        }
        let (s, t) = ((low - from) / step, (high - from) / step);
        (s.min(t), s.max(t))
    };
    let (x, y) = (part(a.x, d.x, area.left(), area.right()), part(a.y, d.y, area.top(), area.bottom()));
    x.0.max(y.0).max(0.0) <= x.1.min(y.1).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_only_passes_touches_too() {
        let area = Rect::from_min_max(pos2(10.0, 10.0), pos2(20.0, 20.0));
        assert!(crosses(area, pos2(0.0, 0.0), pos2(30.0, 30.0)), "neither end lies inside");
        assert!(crosses(area, pos2(15.0, 15.0), pos2(40.0, 90.0)) && crosses(area, pos2(15.0, 0.0), pos2(15.0, 30.0)));
        assert!(!crosses(area, pos2(0.0, 0.0), pos2(9.0, 30.0)) && !crosses(area, pos2(0.0, 25.0), pos2(30.0, 25.0)));
        assert!(!crosses(area, pos2(0.0, 30.0), pos2(9.0, 10.0)) && !crosses(area, pos2(25.0, 25.0), pos2(40.0, 40.0)));
    }
}
