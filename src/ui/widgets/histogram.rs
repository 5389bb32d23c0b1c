//! Small distributions: bars for counts, a line for the target rate above them.

use eframe::egui::{self, Rect, Response, Sense, Stroke, Ui};

use crate::base::numbers;
use crate::data::ColumnProfile;
use crate::ui::theme::Tokens;

/// One bar: label, rows, target rate.
struct Bar {
    label: String,
    count: usize,
    rate: Option<f64>,
}

fn bars(column: &ColumnProfile) -> Vec<Bar> {
    if column.histogram.is_empty() || column.categorical {
        let bar = |t: &crate::data::profile::TopValue| Bar { label: t.value.clone(), count: t.count, rate: t.target_rate };
        return column.top.iter().map(bar).collect();
    }
    let bar = |b: &crate::data::profile::Bin| Bar {
        label: format!("{} – {}", numbers::plain(b.low), numbers::plain(b.high)),
        count: b.count,
        rate: b.target_rate,
    };
    column.histogram.iter().map(bar).collect()
}

/// Counts only, as small as a word.
pub fn mini(ui: &mut Ui, size: egui::Vec2, column: &ColumnProfile) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    if ui.is_rect_visible(rect) {
        let tokens = Tokens::of(ui.ctx());
        paint_bars(ui, rect, &bars(column), tokens.faint, None);
    }
    response
}

/// Counts with the target rate as a line; hovering reads a bar.
pub fn large(ui: &mut Ui, height: f32, column: &ColumnProfile, rows_word: &str, rate_word: &str, summary: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, summary));
    let bars = bars(column);
    let hovered = response.hover_pos().map(|p| ((p.x - rect.left()) / rect.width() * bars.len() as f32) as usize);
    paint_bars(ui, rect, &bars, tokens.faint, hovered);
    let top = bars.iter().filter_map(|b| b.rate).fold(0.0_f64, f64::max);
    if top > 0.0 {
        let w = rect.width() / bars.len() as f32;
        let points: Vec<_> = bars
            .iter()
            .enumerate()
            .filter_map(|(i, b)| {
                let y = rect.bottom() - (b.rate? / top) as f32 * rect.height() * 0.95;
                Some(egui::pos2(rect.left() + (i as f32 + 0.5) * w, y))
            })
            .collect();
        for p in &points {
            ui.painter().circle_filled(*p, 2.0, tokens.accent);
        }
        ui.painter().add(egui::Shape::line(points, Stroke::new(1.5, tokens.accent)));
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, tokens.rule));
    match hovered.and_then(|i| bars.get(i)) {
        Some(b) => {
            let rate = b.rate.map(|r| format!("\n{} {rate_word}", numbers::percent(r))).unwrap_or_default();
            response.on_hover_text_at_pointer(format!("{}\n{} {rows_word}{rate}", b.label, numbers::count(b.count as i64)))
        }
        None => response,
    }
}

fn paint_bars(ui: &Ui, rect: Rect, bars: &[Bar], colour: egui::Color32, hovered: Option<usize>) {
    let tokens = Tokens::of(ui.ctx());
    let most = bars.iter().map(|b| b.count).max().unwrap_or(0).max(1) as f32;
    let w = rect.width() / bars.len().max(1) as f32;
    for (i, b) in bars.iter().enumerate() {
        if b.count == 0 {
            continue;
        }
        // A rare value is still seen.
        let h = (b.count as f32 / most * rect.height()).max(1.0);
        let left = rect.left() + i as f32 * w;
        let gap = if w > 3.0 { 1.0 } else { 0.0 };
        let bar = Rect::from_min_max(egui::pos2(left, rect.bottom() - h), egui::pos2(left + w - gap, rect.bottom()));
        ui.painter().rect_filled(bar, 0.0, if hovered == Some(i) { tokens.weak } else { colour });
    }
}
