//! Beeswarm: one line per feature, one dot per sampled row; where it stands is the effect, its colour the feature's value.

use eframe::egui::{self, Align2, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::brush::{self, Marks};
use super::ink;
use super::units::Unit;
use crate::base::{Lang, numbers, tr, tr_with};
use crate::explain::summary::{Dot, Importance};
use crate::ui::theme::Tokens;

/// Lines that are shown.
pub const MOST: usize = 10;
/// Height of a line.
const LINE: f32 = 32.0;
/// How near the pointer must be to a dot.
const NEAR: f32 = 6.0;

/// Places of the swarm, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Effect to place.
    pub axis: Axis,
    /// Lines shown.
    pub lines: usize,
    /// Where names end.
    pub names_right: f32,
}

/// Lays a swarm out in a width.
pub fn lay_out(all: &[Importance], width: f32) -> Layout {
    let width = width.max(160.0);
    let shown = &all[..all.len().min(MOST)];
    let names_right = ink::names_width(shown.iter().map(|i| i.name.as_str()), (width * 0.32).min(220.0), width);
    let values = shown.iter().flat_map(|i| i.dots.iter().map(|d| d.value)).chain([0.0]);
    let axis = Axis::spanning(values, names_right + 12.0, width - 12.0, 0.03);
    Layout { size: vec2(width, shown.len() as f32 * LINE + ink::X_AXIS), axis, lines: shown.len(), names_right }
}

impl Layout {
    /// Place of a dot on a line.
    pub fn place(&self, line: usize, dot: &Dot) -> Pos2 {
        let offset = if dot.offset.is_finite() { dot.offset.clamp(-1.0, 1.0) } else { 0.0 };
        pos2(self.axis.at(dot.value), (line as f32 + 0.5) * LINE + offset as f32 * LINE * 0.42)
    }
    /// The dot nearest to a place, if one is near: its line, and its index there.
    pub fn nearest(&self, all: &[Importance], at: Pos2) -> Option<(usize, usize)> {
        let line = (at.y / LINE).floor();
        if line < 0.0 || line as usize >= self.lines {
            return None;
        }
        let line = line as usize;
        let far = |d: &Dot| self.place(line, d).distance(at);
        let best = all[line].dots.iter().enumerate().min_by(|a, b| far(a.1).total_cmp(&far(b.1)))?;
        (far(best.1) <= NEAR).then_some((line, best.0))
    }
    /// The line whose name is at a place.
    pub fn name_at(&self, at: Pos2) -> Option<usize> {
        (at.x < self.names_right && at.y >= 0.0).then(|| (at.y / LINE) as usize).filter(|line| *line < self.lines)
    }
    /// Rows whose dots lie in a rectangle, in file order, each once.
    pub fn rows_in(&self, all: &[Importance], area: Rect) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.lines)
            .flat_map(|line| all[line].dots.iter().filter(move |d| area.contains(self.place(line, d))).map(|d| d.row))
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

/// What the analyst did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touch {
    /// Feature and row under the pointer.
    pub hovered: Option<(usize, u32)>,
    /// Feature and row clicked.
    pub clicked: Option<(usize, u32)>,
    /// Rows in a rectangle that was drawn with Shift held.
    pub many: Option<Vec<u32>>,
}

/// Draws it in the width that is there.
pub fn ui(ui: &mut Ui, all: &[Importance], unit: Unit, lang: Lang, marks: Marks<'_>) -> Touch {
    let l = lay_out(all, ui.available_width());
    let (rect, response) = ui.allocate_exact_size(l.size, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(all, lang)));
    let offset = rect.min.to_vec2();
    let mut touch = Touch::default();
    let walked = brush::walk(ui, &response, l.lines, |line| all[line].dots.len()).map(|(line, place)| {
        let mut order: Vec<usize> = (0..all[line].dots.len()).collect();
        order.sort_by(|a, b| all[line].dots[*a].value.total_cmp(&all[line].dots[*b].value));
        (line, order[place])
    });
    let under = response.hover_pos().and_then(|p| l.nearest(all, p - offset)).or(walked);
    if let Some((line, d)) = under {
        let (bar, dot) = (&all[line], &all[line].dots[d]);
        touch.hovered = Some((bar.feature, dot.row));
        if response.clicked() {
            touch.clicked = touch.hovered;
        }
        let row = numbers::count(i64::from(dot.row) + 1);
        let value = if dot.input.is_nan() { "–".to_owned() } else { numbers::plain(dot.input) };
        let said = [tr_with(lang, "why.row_n", &[("row", &row)]), format!("{} = {value}", bar.name), unit.exact(dot.value)];
        brush::tip(ui, &response, l.place(line, dot) + offset, &said);
    } else if let Some(line) = response.hover_pos().and_then(|p| l.name_at(p - offset)) {
        brush::tip(ui, &response, rect.min, &[all[line].name.clone(), super::bars::direction_words(&all[line], lang)]);
    }
    let area = brush::area(ui, &response);
    if let Some((area, true)) = area {
        touch.many = Some(l.rows_in(all, area.translate(-offset)));
    }
    if ui.is_rect_visible(rect) {
        let t = Tokens::of(ui.ctx());
        paint(ui.painter(), t, all, &l, offset, (unit, lang), marks);
        if let Some((area, _)) = area {
            brush::paint(ui, area);
        }
        brush::focus(ui, &response, rect);
    }
    touch
}

fn paint(p: &Painter, t: &Tokens, all: &[Importance], l: &Layout, offset: Vec2, words: (Unit, Lang), marks: Marks<'_>) {
    let (unit, lang) = words;
    let axis = Axis { left: l.axis.left + offset.x, right: l.axis.right + offset.x, ..l.axis };
    let bottom = offset.y + l.lines as f32 * LINE;
    ink::x_axis(p, t, &axis, offset.y, bottom, |v| unit.tick(v), unit.effect_name(lang));
    p.vline(axis.at(0.0), offset.y..=bottom, Stroke::new(1.0, t.faint));
    for (line, bar) in all.iter().take(l.lines).enumerate() {
        let top = offset.y + line as f32 * LINE;
        let names = Rect::from_min_max(pos2(offset.x, top), pos2(offset.x + l.names_right, top + LINE));
        ink::label(p, names, Align2::RIGHT_CENTER, &bar.name, t.text);
        for dot in &bar.dots {
            p.circle_filled(l.place(line, dot) + offset, 2.5, t.sequential(dot.rank));
        }
        for dot in bar.dots.iter().filter(|d| marks.many(d.row)) {
            p.circle_stroke(l.place(line, dot) + offset, 3.5, Stroke::new(1.0, t.accent));
        }
        for (row, width) in [(marks.hovered, 1.0), (marks.row, 2.0)] {
            for dot in bar.dots.iter().filter(|d| Some(d.row) == row) {
                p.circle_stroke(l.place(line, dot) + offset, 5.0, Stroke::new(width, t.text));
            }
        }
    }
}

/// What the dots' colours mean, as a line below the picture.
pub fn legend(ui: &mut Ui, lang: Lang) {
    let t = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        let small = |s: &str| egui::RichText::new(s).size(crate::ui::theme::SMALL).color(t.weak);
        ui.label(small(tr(lang, "why.value_low")));
        let (rect, _) = ui.allocate_exact_size(vec2(80.0, 8.0), Sense::hover());
        for i in 0..16 {
            let x = rect.left() + i as f32 * 5.0;
            ui.painter().rect_filled(Rect::from_min_size(pos2(x, rect.top()), vec2(5.0, 8.0)), 0.0, t.sequential(f64::from(i) / 15.0));
        }
        ui.label(small(tr(lang, "why.value_high")));
        let (rect, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 3.0, t.missing);
        ui.label(small(tr(lang, "why.value_missing")));
    });
}

/// The picture in words.
pub fn summary(all: &[Importance], lang: Lang) -> String {
    let lines: Vec<_> = all.iter().take(MOST).map(|b| format!("{}: {}", b.name, super::bars::direction_words(b, lang))).collect();
    tr_with(lang, "why.beeswarm_summary", &[("lines", &lines.join("; "))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::examples;

    #[test]
    fn a_dot_is_found_where_it_is_painted() {
        let s = examples::summary(12);
        let l = lay_out(&s.importance, 500.0);
        assert_eq!(l.lines, MOST);
        for line in [0, 9] {
            for d in [0, 20, 49] {
                let at = l.place(line, &s.importance[line].dots[d]);
                let (found, near) = l.nearest(&s.importance, at + vec2(0.2, 0.2)).unwrap();
                assert_eq!(found, line);
                assert!(l.place(line, &s.importance[line].dots[near]).distance(at) < 1.0);
            }
        }
        assert_eq!(l.nearest(&s.importance, pos2(-50.0, 16.0)), None);
        assert_eq!(l.nearest(&s.importance, pos2(100.0, 5000.0)), None);
        assert_eq!(l.nearest(&s.importance, pos2(100.0, -1.0)), None);
    }

    #[test]
    fn a_rectangle_holds_rows_once() {
        let s = examples::summary(3);
        let l = lay_out(&s.importance, 500.0);
        let all = l.rows_in(&s.importance, Rect::EVERYTHING);
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        assert!(l.rows_in(&s.importance, Rect::NOTHING).is_empty());
    }

    #[test]
    fn nothing_is_drawn_too() {
        let l = lay_out(&[], 0.0);
        assert_eq!((l.lines, l.nearest(&[], pos2(5.0, 5.0))), (0, None));
        let mut s = examples::summary(1);
        s.importance[0].dots.clear();
        assert_eq!(lay_out(&s.importance, 300.0).nearest(&s.importance, pos2(150.0, 10.0)), None);
    }
}
