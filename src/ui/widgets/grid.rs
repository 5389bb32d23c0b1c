//! A small grid of cells whose colour says how much and whose words say it exactly; at most a few hundred cells.

use eframe::egui::{Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::{brush, ink};
use crate::strategy::words::chart::Grid;
use crate::ui::theme::{self, DARK, LIGHT, Tokens};

/// Height of a line.
const LINE: f32 = 38.0;
/// Height of the line with the columns' names, and of the one with what they are.
const HEAD: f32 = 20.0;

/// Draws it in the width that is there; `title` is what a screen reader calls it.
pub fn ui(ui: &mut Ui, title: &str, g: &Grid) {
    let t = Tokens::of(ui.ctx());
    let width = ui.available_width().max(200.0);
    let columns = g.columns.len().max(1);
    let names = ink::names_width(g.rows.iter().chain([&g.row_name]).map(String::as_str), 64.0, width);
    let step = ((width - names - 2.0) / columns as f32).min(150.0);
    let size = vec2(width, 2.0 * HEAD + LINE * g.rows.len() as f32);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let corner = pos2(rect.left() + names, rect.top() + HEAD);
    let at = |r: usize, k: usize| Rect::from_min_size(corner + vec2(k as f32 * step, r as f32 * LINE), vec2(step, LINE));
    let under = response.hover_pos().and_then(|p| {
        let (k, r) = ((p.x - corner.x) / step, (p.y - corner.y) / LINE);
        (k >= 0.0 && r >= 0.0 && (k as usize) < g.columns.len() && (r as usize) < g.rows.len()).then_some((r as usize, k as usize))
    });
    let hovered = under.or_else(|| brush::walk(ui, &response, g.rows.len(), |_| g.columns.len()));
    if ui.is_rect_visible(rect) {
        let p = ui.painter();
        let line = |left: f32, right: f32, top: f32| Rect::from_min_max(pos2(left, top), pos2(right, top + HEAD));
        ink::text(p, line(rect.left(), corner.x - 6.0, rect.top()), Align2::RIGHT_CENTER, &g.row_name, t.weak);
        for (k, name) in g.columns.iter().enumerate() {
            let left = corner.x + k as f32 * step;
            ink::text(p, line(left, left + step, rect.top()), Align2::CENTER_CENTER, name, t.text);
        }
        let end = corner.x + step * columns as f32;
        ink::text(p, line(corner.x, end, corner.y + LINE * g.rows.len() as f32), Align2::CENTER_CENTER, &g.column_name, t.weak);
        for (r, name) in g.rows.iter().enumerate() {
            let own = at(r, 0);
            let place = Rect::from_min_max(pos2(rect.left(), own.top()), pos2(corner.x - 6.0, own.bottom()));
            ink::label(p, place, Align2::RIGHT_CENTER, name, t.text);
            for k in 0..g.columns.len() {
                let place = at(r, k).shrink(1.0);
                let Some(Some(cell)) = g.cells.get(r * g.columns.len() + k) else {
                    p.rect_stroke(place, 2.0, Stroke::new(1.0, t.rule), StrokeKind::Inside);
                    continue;
                };
                let fill = t.sequential(cell.level);
                p.rect_filled(place, 2.0, fill);
                // What is written has to be read on its colour, whatever the theme.
                let ink = if fill.intensity() > 0.5 { LIGHT.text } else { DARK.text };
                let n = cell.lines.len() as f32;
                for (i, text) in cell.lines.iter().enumerate() {
                    let y = place.center().y + (i as f32 - (n - 1.0) / 2.0) * 15.0;
                    let size = if i == 0 { theme::SMALL } else { theme::TINY };
                    let shown = ink::middle(p, text, &FontId::proportional(size), place.width() - 4.0);
                    p.text(pos2(place.center().x, y), Align2::CENTER_CENTER, shown, FontId::proportional(size), ink);
                }
            }
        }
        brush::focus(ui, &response, rect);
        if let Some((r, k)) = hovered {
            p.rect_stroke(at(r, k), 2.0, Stroke::new(1.5, t.text), StrokeKind::Inside);
        }
    }
    if let Some((r, k)) = hovered
        && let Some(Some(cell)) = g.cells.get(r * g.columns.len() + k)
    {
        brush::tip(ui, &response, at(r, k).center(), &cell.help.split('\n').map(str::to_owned).collect::<Vec<_>>());
    }
}
