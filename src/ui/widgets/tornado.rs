//! A tornado: how far the result goes when one assumption at a time is moved down or up, the widest first.

use eframe::egui::{self, Align2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::ink;
use crate::ui::theme::{ROW, Tokens};

/// One assumption.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Result with the assumption moved down.
    pub low: f64,
    /// Result with it moved up.
    pub high: f64,
    /// What a tooltip says.
    pub help: Vec<String>,
}

/// Places of the bars, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Result to place.
    pub axis: Axis,
    /// Where names end.
    pub names_right: f32,
}

/// Lays bars out in a width, around the result as it is; nothing earned is always on the axis.
pub fn lay_out(bars: &[Bar], at: f64, width: f32) -> Layout {
    let width = width.max(200.0);
    let names_right = (width * 0.36).min(220.0);
    let ends = bars.iter().flat_map(|b| [b.low, b.high]).chain([at, 0.0]);
    let axis = Axis::spanning(ends, names_right + 10.0, width - 16.0, 0.04);
    Layout { size: vec2(width, ROW * bars.len() as f32 + ink::X_AXIS), axis, names_right }
}

/// Draws them. A bar towards more of the assumption is filled, the other side is hollow, so that no colour is needed.
pub fn ui(ui: &mut Ui, title: &str, bars: &[Bar], at: f64, show: &dyn Fn(f64) -> String, axis_name: &str) {
    let l = lay_out(bars, at, ui.available_width());
    let (rect, whole) = ui.allocate_exact_size(l.size, Sense::hover());
    whole.widget_info(|| {
        let lines: Vec<String> = bars.iter().map(|b| format!("{}: {} … {}", b.name, show(b.low), show(b.high))).collect();
        WidgetInfo::labeled(Role::Image, true, format!("{title}: {}", lines.join("; ")))
    });
    let offset = rect.min.to_vec2();
    for (i, bar) in bars.iter().enumerate() {
        let row = Rect::from_min_size(rect.min + vec2(0.0, ROW * i as f32), vec2(l.size.x, ROW));
        ui.interact(row, whole.id.with(i), Sense::hover()).on_hover_ui(|ui| {
            ui.label(egui::RichText::new(&bar.name).strong());
            bar.help.iter().for_each(|h| drop(ui.label(h)));
        });
    }
    if !ui.is_rect_visible(rect) {
        return;
    }
    let (p, t) = (ui.painter(), Tokens::of(ui.ctx()));
    let axis = Axis { left: l.axis.left + offset.x, right: l.axis.right + offset.x, ..l.axis };
    let bottom = offset.y + ROW * bars.len() as f32;
    ink::x_axis(p, t, &axis, offset.y, bottom, show, axis_name);
    p.vline(axis.at(0.0), offset.y..=bottom, Stroke::new(1.0, t.faint));
    for (i, bar) in bars.iter().enumerate() {
        let row = Rect::from_min_size(pos2(offset.x, offset.y + ROW * i as f32), vec2(l.size.x, ROW));
        let names = Rect::from_min_max(row.min, pos2(offset.x + l.names_right, row.bottom()));
        ink::text(p, names.shrink2(vec2(4.0, 0.0)), Align2::RIGHT_CENTER, &bar.name, t.text);
        let centre = axis.at(at);
        for (end, more) in [(bar.low, false), (bar.high, true)] {
            let end = axis.at(end);
            let side = Rect::from_x_y_ranges(centre.min(end)..=centre.max(end), row.top() + 5.0..=row.bottom() - 5.0);
            if more {
                p.rect_filled(side, 1.0, t.accent);
            } else {
                p.rect_filled(side, 1.0, t.accent_soft);
                p.rect_stroke(side, 1.0, Stroke::new(1.0, t.accent), egui::StrokeKind::Inside);
            }
        }
    }
    p.vline(axis.at(at), offset.y..=bottom, Stroke::new(1.5, t.text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_and_nothing_earned_are_on_the_axis() {
        let bar = |low, high| Bar { name: "b".into(), low, high, help: vec![] };
        let l = lay_out(&[bar(-200.0, 900.0), bar(300.0, 100.0)], 250.0, 500.0);
        for v in [-200.0, 900.0, 0.0, 250.0] {
            assert!((l.axis.left..=l.axis.right).contains(&l.axis.at(v)), "{v}");
        }
        assert!(l.axis.at(300.0) > l.axis.at(250.0) && l.axis.left > l.names_right);
    }
}
