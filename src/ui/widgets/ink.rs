//! Painting that several pictures share: text cut to its place, signs, axes. The only shared file that touches the painter.

use std::borrow::Cow;

use eframe::egui::{Align, Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, text::LayoutJob, text::TextWrapping, vec2};

use super::axis::Axis;
use crate::ui::theme::{self, Tokens};

/// Writes one line within `rect`, cut with an ellipsis where it is too long; whether it was cut.
pub fn text(painter: &Painter, rect: Rect, align: Align2, text: &str, colour: Color32) -> bool {
    if rect.width() < 4.0 {
        return !text.is_empty();
    }
    let font = FontId::proportional(theme::SMALL);
    let shown = middle(painter, text, &font, rect.width());
    let cut = matches!(shown, Cow::Owned(_));
    let mut job = LayoutJob::simple_singleline(shown.into_owned(), font, colour);
    job.wrap = TextWrapping::truncate_at_width(rect.width());
    let galley = painter.layout_job(job);
    let place = align.align_size_within_rect(galley.size(), rect);
    painter.galley(place.min, galley, colour);
    cut
}

/// Width of a column of names: `usual`, or nearly half of the picture where one of them would not fit into it.
pub fn names_width<'a>(names: impl Iterator<Item = &'a str>, usual: f32, width: f32) -> f32 {
    let longest = names.map(|n| n.chars().map(|c| if c.is_ascii() { 7.0 } else { 12.0 }).sum::<f32>()).fold(0.0, f32::max);
    if longest + 8.0 > usual { (longest + 8.0).min(width * 0.48).max(usual) } else { usual }
}

/// Height of a line of the smallest letters.
pub const TINY_LINE: f32 = 12.5;

/// Writes a name, in lines of smaller letters where one is too short for it; what does not fit even there keeps both
/// its ends.
pub fn label(painter: &Painter, rect: Rect, align: Align2, name: &str, colour: Color32) {
    let font = FontId::proportional(theme::SMALL);
    let long = name.chars().count() > 400;
    if long || rect.width() < 40.0 || painter.layout_no_wrap(name.to_owned(), font, Color32::PLACEHOLDER).size().x <= rect.width() {
        text(painter, rect, align, name, colour);
        return;
    }
    let mut job = LayoutJob::simple(name.to_owned(), FontId::proportional(theme::TINY), colour, rect.width());
    let rows = ((rect.height() + 2.0) / TINY_LINE).max(2.0) as usize;
    job.wrap = TextWrapping { max_width: rect.width(), max_rows: rows, break_anywhere: true, ..TextWrapping::default() };
    job.halign = align.x();
    let galley = painter.layout_job(job);
    if galley.elided || galley.size().y > rect.height() + 2.0 {
        text(painter, rect, align, name, colour);
        return;
    }
    let x = match align.x() {
        Align::Min => rect.left(),
        Align::Center => rect.center().x,
        Align::Max => rect.right(),
    };
    painter.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, colour);
}

/// The text, or as much of its two ends as fits: names of columns that differ at their end alone stay apart.
pub fn middle<'a>(painter: &Painter, text: &'a str, font: &FontId, width: f32) -> Cow<'a, str> {
    let wide = |t: String| painter.layout_no_wrap(t, font.clone(), Color32::PLACEHOLDER).size().x;
    let n = text.chars().count();
    // Nothing as long as this fits, and measuring it would cost more than drawing all the others.
    let whole = if n > 400 { f32::INFINITY } else { wide(text.to_owned()) };
    if whole <= width {
        return Cow::Borrowed(text);
    }
    let (mut low, mut high) = (0, n.saturating_sub(1).min(400));
    while low < high {
        let keep = (low + high).div_ceil(2);
        if wide(ends(text, n, keep)) <= width { low = keep } else { high = keep - 1 }
    }
    Cow::Owned(ends(text, n, low))
}

/// So many characters of both ends, with an ellipsis between.
pub fn ends(text: &str, n: usize, keep: usize) -> String {
    let head = keep.div_ceil(2);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(n - (keep - head))).collect()
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

/// A diamond with a rim, that is seen on bars of any colour: what was brushed.
pub fn diamond(at: Pos2, t: &Tokens) -> Shape {
    const R: f32 = 6.0;
    let points = vec![at + vec2(0.0, -R), at + vec2(R, 0.0), at + vec2(0.0, R), at + vec2(-R, 0.0)];
    Shape::convex_polygon(points, t.warn, Stroke::new(1.5, t.surface))
}

/// The key of the diamonds: what they stand for.
pub fn diamond_key(ui: &mut eframe::egui::Ui, says: &str) {
    ui.horizontal_wrapped(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), eframe::egui::Sense::hover());
        ui.painter().add(diamond(rect.center(), Tokens::of(ui.ctx())));
        ui.add(eframe::egui::Label::new(eframe::egui::RichText::new(says).size(theme::SMALL)).wrap());
    });
}

/// A horizontal axis below a picture: thin lines through it at round values, numbers and the unit's name under it.
pub fn x_axis(painter: &Painter, tokens: &Tokens, axis: &Axis, top: f32, bottom: f32, show: impl Fn(f64) -> String, name: &str) {
    let most = ((axis.right - axis.left) / 64.0) as usize;
    for tick in axis.ticks(most.clamp(3, 8)) {
        let x = axis.at(tick);
        painter.vline(x, top..=bottom, Stroke::new(1.0, tokens.rule));
        painter.text(pos2(x, bottom + 2.0), Align2::CENTER_TOP, show(tick), FontId::proportional(theme::SMALL), tokens.weak);
    }
    let mut line = Rect::from_min_max(pos2(axis.left, bottom + 16.0), pos2(axis.right, bottom + 32.0));
    let wide = painter.layout_no_wrap(name.to_owned(), FontId::proportional(theme::SMALL), tokens.weak).size().x;
    if wide > line.width() {
        // Below the names there is room for what is longer than the axis.
        line.min.x = (line.right() - wide - 2.0).max(painter.clip_rect().left());
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui;

    #[test]
    fn a_long_name_keeps_both_ends_and_fits() {
        let ctx = egui::Context::default();
        let font = FontId::proportional(theme::SMALL);
        let (mut a, mut b, mut short, mut wide) = (String::new(), String::new(), String::new(), 0.0);
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            let long = "Time_on_page_of_the_newsletter_landing_page_";
            let p = ui.painter();
            a = middle(p, &format!("{long}mobile"), &font, 120.0).into_owned();
            b = middle(p, &format!("{long}desktop"), &font, 120.0).into_owned();
            short = middle(p, "Month", &font, 120.0).into_owned();
            wide = p.layout_no_wrap(a.clone(), font.clone(), Color32::PLACEHOLDER).size().x;
        });
        assert!(a != b && a.starts_with("Time") && a.ends_with("mobile") && a.contains('…'), "{a} {b}");
        assert!(wide > 60.0 && wide <= 120.0, "{wide}");
        assert_eq!(short, "Month");
        assert_eq!(ends("数据分析", 4, 2), "数…析");
    }
}
