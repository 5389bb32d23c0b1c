//! Signed bars around zero: what drives a difference, and by how much. They sum to the whole, which is said below them.

use eframe::egui::{self, Align2, Painter, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::ink;
use crate::ui::theme::{ROW, Tokens};

/// One bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// How much it adds.
    pub amount: f64,
    /// The amount as shown.
    pub shown: String,
    /// What a tooltip says besides.
    pub help: String,
    /// Its interval, where it has one.
    pub interval: Option<(f64, f64)>,
    /// What stands behind the amount, such as the number of rows.
    pub beside: String,
    /// Whether little stands behind it, so that it is drawn pale.
    pub faint: bool,
    /// What it is for the brushed rows, drawn as a diamond.
    pub brushed: Option<f64>,
}

/// Places of the bars, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Amount to place; zero is always on it.
    pub axis: Axis,
    /// One line per bar.
    pub rows: Vec<Rect>,
    /// Where names end.
    pub names_right: f32,
    /// Width of the column behind the amounts.
    pub beside: f32,
}

/// Width of the column with the amounts.
const FIGURES: f32 = 84.0;
/// Width of what stands behind them, if something does.
const BESIDE: f32 = 120.0;

/// Lays bars out in a width.
pub fn lay_out(bars: &[Bar], width: f32) -> Layout {
    let width = width.max(120.0);
    let names_right = (width * 0.4).min(240.0);
    let beside = if bars.iter().all(|b| b.beside.is_empty()) { 0.0 } else { BESIDE.min(width * 0.25) };
    let ends = bars
        .iter()
        .flat_map(|b| b.interval.map_or([b.amount; 2], |(low, high)| [low, high]))
        .chain(bars.iter().map(|b| b.amount))
        .chain(bars.iter().filter_map(|b| b.brushed));
    let axis = Axis::spanning(ends.chain([0.0]), names_right + 6.0, width - FIGURES - beside - 4.0, 0.02);
    let rows: Vec<_> = (0..bars.len()).map(|i| Rect::from_min_size(pos2(0.0, i as f32 * ROW), vec2(width, ROW))).collect();
    Layout { size: vec2(width, rows.len() as f32 * ROW), axis, rows, names_right, beside }
}

/// Draws them in the width that is there.
pub fn ui(ui: &mut Ui, bars: &[Bar], title: &str) {
    draw(ui, bars, title, None, Sense::hover());
}

/// The same as buttons, of which one may be selected; returns the one that was clicked.
pub fn pick(ui: &mut Ui, bars: &[Bar], title: &str, selected: Option<usize>) -> Option<usize> {
    draw(ui, bars, title, selected, Sense::click()).clicked
}

/// What the analyst did to bars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Touch {
    /// Bar under the pointer, or with the keyboard's focus.
    pub hovered: Option<usize>,
    /// Bar clicked.
    pub clicked: Option<usize>,
    /// Whether Shift was held at the click.
    pub shift: bool,
}

/// The same, with what is pointed at and whether Shift was held.
pub fn touch(ui: &mut Ui, bars: &[Bar], title: &str, selected: Option<usize>) -> Touch {
    draw(ui, bars, title, selected, Sense::click())
}

fn draw(ui: &mut Ui, bars: &[Bar], title: &str, selected: Option<usize>, sense: Sense) -> Touch {
    let l = lay_out(bars, ui.available_width());
    let (rect, whole) = ui.allocate_exact_size(l.size, Sense::hover());
    whole.widget_info(|| {
        let lines: Vec<_> = bars.iter().map(|b| format!("{}: {}", b.name, b.shown)).collect();
        WidgetInfo::labeled(Role::Image, true, format!("{title}: {}", lines.join("; ")))
    });
    let offset = rect.min.to_vec2();
    let mut clicked = None;
    let mut hovered = None;
    for (i, (row, bar)) in l.rows.iter().zip(bars).enumerate() {
        let response = ui.interact(row.translate(offset), whole.id.with(i), sense);
        if sense.senses_click() {
            let name = format!("{}: {}", bar.name, bar.shown);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected == Some(i), &name));
            clicked = clicked.or(response.clicked().then_some(i));
            hovered = hovered.or((response.hovered() || response.has_focus()).then_some(i));
        }
        response.on_hover_ui(|ui| {
            ui.label(egui::RichText::new(&bar.name).strong());
            ui.label(&bar.shown);
            for text in [&bar.beside, &bar.help].into_iter().filter(|t| !t.is_empty()) {
                ui.label(text);
            }
        });
    }
    if ui.is_rect_visible(rect) {
        paint(ui.painter(), Tokens::of(ui.ctx()), bars, &l, offset, (hovered, selected));
    }
    Touch { hovered, clicked, shift: ui.input(|i| i.modifiers.shift) }
}

fn paint(p: &Painter, t: &Tokens, bars: &[Bar], l: &Layout, offset: Vec2, marks: (Option<usize>, Option<usize>)) {
    let zero = l.axis.at(0.0) + offset.x;
    p.vline(zero, offset.y..=offset.y + l.size.y, Stroke::new(1.0, t.faint));
    for (i, (row, bar)) in l.rows.iter().zip(bars).enumerate() {
        let row = row.translate(offset);
        if marks.1 == Some(i) {
            p.rect_filled(row, 3.0, t.accent_soft);
        } else if marks.0 == Some(i) {
            p.rect_filled(row, 3.0, t.hover);
        }
        let names = Rect::from_min_max(row.min, pos2(offset.x + l.names_right, row.bottom()));
        ink::text(p, names, Align2::RIGHT_CENTER, &bar.name, t.text);
        let end = l.axis.at(if bar.amount.is_finite() { bar.amount } else { 0.0 }) + offset.x;
        let colour = if bar.amount >= 0.0 { t.up } else { t.down };
        let colour = if bar.faint { t.soft(colour, 0.45) } else { colour };
        if (end - zero).abs() >= 0.5 {
            p.add(ink::arrow_bar(zero, end, row.top() + 5.0, row.bottom() - 5.0, colour));
        }
        if let Some((low, high)) = bar.interval {
            ink::whisker(p, l.axis.at(low) + offset.x, l.axis.at(high) + offset.x, row.center().y, t.text);
        }
        if let Some(v) = bar.brushed {
            p.add(ink::diamond(pos2(l.axis.at(v) + offset.x, row.center().y), t));
        }
        let (from, to) = (row.right() - l.beside - FIGURES, row.right() - l.beside);
        let figures = Rect::from_min_max(pos2(from, row.top()), pos2(to, row.bottom()));
        ink::text(p, figures, Align2::RIGHT_CENTER, &bar.shown, if bar.faint { t.weak } else { t.text });
        ink::text(p, Rect::from_min_max(pos2(to + 8.0, row.top()), row.max), Align2::RIGHT_CENTER, &bar.beside, t.weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_go_to_their_sides() {
        let bar = |amount: f64| Bar { name: "b".into(), amount, ..Bar::default() };
        let bars = [bar(2.0), bar(-1.0), bar(0.0), bar(f64::NAN)];
        let l = lay_out(&bars, 300.0);
        let zero = l.axis.at(0.0);
        assert!(l.axis.at(2.0) > zero && l.axis.at(-1.0) < zero);
        assert!((l.axis.at(2.0) - zero) / (zero - l.axis.at(-1.0)) > 1.99, "lengths are in proportion");
        assert!(l.axis.at(2.0) <= 300.0 - FIGURES && l.axis.at(-1.0) >= l.names_right);
        let wide = [Bar { interval: Some((-4.0, 9.0)), beside: "12 rows".into(), ..bar(2.0) }];
        let w = lay_out(&wide, 400.0);
        assert!(w.axis.low <= -4.0 && w.axis.high >= 9.0 && w.axis.at(9.0) <= 400.0 - FIGURES - w.beside && w.beside > 0.0);
        assert_eq!(lay_out(&[], 300.0).rows.len(), 0);
        let only_up = lay_out(&[bar(1.0)], 300.0);
        assert!(only_up.axis.at(0.0) >= only_up.axis.left);
    }
}
