//! A matrix of signed numbers as colours: many rows by feature (a force plot of a crowd), or two features against each
//! other. One texture, made once per content; hover is exact; down differs from up in
//! colour, by its stripes and in the words of the hover.

use eframe::egui::{
    self, Align2, ColorImage, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};

use super::{brush, ink};
pub use crate::explain::crowd::Matrix;
use crate::ui::theme::{SMALL, Tokens};

/// A texture with what it was made of.
#[derive(Default)]
pub struct Cache {
    key: Option<(u64, bool)>,
    texture: Option<TextureHandle>,
}

/// Cells along x that a texture holds; more are averaged.
const MOST_ACROSS: usize = 2_048;
/// Height of a line.
const LINE: f32 = 22.0;
/// Names along x need so much room.
const NAME: f32 = 64.0;

/// Layers of a line in the texture: two of them are pale where a number is below 0, so that its sign is seen without colour.
const LAYERS: usize = 6;
/// Share of the most from which stripes are drawn: below, both colours are nearly none.
const STRIPED: f64 = 0.04;
/// How pale a stripe is.
const PALE: f32 = 0.6;
/// Most pixels of a texture from top to bottom.
const MOST_HIGH: usize = 4_096;

/// A column of [`LAYERS`] pixels per cell; a pixel stands for several cells where there are more than a texture takes.
pub fn image(m: &Matrix, t: &Tokens) -> ColorImage {
    let width = m.across.clamp(1, MOST_ACROSS);
    let lines = m.lines.len().max(1);
    let most = if m.most > 0.0 { m.most } else { 1.0 };
    let layers = if lines * LAYERS > MOST_HIGH { 1 } else { LAYERS };
    let mut pixels = Vec::with_capacity(width * lines * layers);
    for l in 0..lines {
        let (first, mut below) = (pixels.len(), Vec::with_capacity(width));
        for x in 0..width {
            let (from, to) = (x * m.across / width, ((x + 1) * m.across / width).max(x * m.across / width + 1));
            let cells = m.values.get(l * m.across + from..(l * m.across + to).min(m.values.len())).unwrap_or_default();
            let mean = cells.iter().sum::<f64>() / cells.len().max(1) as f64;
            let weight = m.weight.get(l * m.across + from).copied().unwrap_or(1.0);
            let colour = t.diverging(mean / most);
            pixels.push(if weight <= 0.0 { t.surface.lerp_to_gamma(t.faint, 0.35) } else { colour });
            below.push(weight > 0.0 && mean / most < -STRIPED);
        }
        for layer in 1..layers {
            let stripe = layer % 3 == 1;
            for x in 0..width {
                let colour = pixels[first + x];
                pixels.push(if stripe && below[x] { colour.lerp_to_gamma(t.surface, PALE) } else { colour });
            }
        }
    }
    ColorImage::new([width, lines * layers], pixels)
}

/// Where the pointer is: line and place.
pub type Cell = (usize, usize);

/// Places along x that are marked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marked {
    /// Many, by a tick below.
    pub many: Vec<usize>,
    /// One, by a line through all.
    pub one: Option<usize>,
    /// Single cells, by a frame.
    pub cells: Vec<Cell>,
}

/// What the analyst did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touch {
    /// Cell under the pointer, or where the keys led.
    pub hovered: Option<Cell>,
    /// Cell clicked.
    pub clicked: Option<Cell>,
    /// First and last place of a stretch that was drawn with Shift held.
    pub many: Option<(usize, usize)>,
    /// First and last line of the same.
    pub lines: Option<(usize, usize)>,
}

/// Draws it; `key` changes when the content does.
pub fn ui(
    ui: &mut Ui,
    m: &Matrix,
    cache: &mut Cache,
    key: u64,
    title: &str,
    tall: Option<f32>,
    marked: &Marked,
    hover: impl Fn(Cell) -> Vec<String>,
) -> Touch {
    let t = Tokens::of(ui.ctx());
    let width = ui.available_width().max(160.0);
    let longest = m.lines.iter().map(|l| l.chars().count()).max().unwrap_or(0) as f32;
    let usual = (longest * 6.6 + 8.0).clamp(40.0, (width * 0.34).min(220.0));
    let names = ink::names_width(m.lines.iter().map(String::as_str), usual, width);
    let line = tall.map_or(LINE, |h| (h / m.lines.len().max(1) as f32).clamp(8.0, 40.0));
    let foot = if m.places.is_empty() { 4.0 } else { 18.0 };
    let size = vec2(width, line * m.lines.len() as f32 + foot);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let grid = Rect::from_min_max(pos2(rect.left() + names, rect.top()), pos2(rect.right() - 4.0, rect.bottom() - foot));
    let cell_at = |p: egui::Pos2| -> Option<Cell> {
        if !grid.contains(p) || m.lines.is_empty() || m.across == 0 {
            return None;
        }
        let l = ((p.y - grid.top()) / line) as usize;
        let x = ((p.x - grid.left()) / grid.width() * m.across as f32) as usize;
        Some((l.min(m.lines.len() - 1), x.min(m.across - 1)))
    };
    let walked = brush::walk(ui, &response, m.lines.len(), |_| m.across);
    let hovered = response.hover_pos().and_then(cell_at).or(walked);
    let area = brush::area(ui, &response);
    let blocks = tall.is_some();
    let clicked = response.clicked().then_some(hovered).flatten();
    if ui.is_rect_visible(rect) {
        if cache.key != Some((key, t.dark)) || cache.texture.is_none() {
            cache.texture = Some(ui.ctx().load_texture("matrix", image(m, t), TextureOptions::NEAREST));
            cache.key = Some((key, t.dark));
        }
        let p = ui.painter();
        if let Some(texture) = &cache.texture {
            p.image(texture.id(), grid, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), egui::Color32::WHITE);
        }
        p.rect_stroke(grid, 0.0, Stroke::new(1.0, t.rule), StrokeKind::Outside);
        let every = (14.0 / line).ceil().max(1.0) as usize;
        for (i, name) in m.lines.iter().enumerate().step_by(every) {
            let y = grid.top() + (i as f32 + 0.5) * line;
            let half = (line * every as f32 / 2.0).max(8.0);
            let place = Rect::from_min_max(pos2(rect.left(), y - half), pos2(grid.left() - 6.0, y + half));
            let colour = if hovered.is_some_and(|h| h.0 == i) { t.text } else { t.weak };
            ink::label(p, place, Align2::RIGHT_CENTER, name, colour);
        }
        let step = grid.width() / m.across.max(1) as f32;
        let every = (NAME / step).ceil().max(1.0) as usize;
        for (i, name) in m.places.iter().enumerate().step_by(every) {
            let x = grid.left() + (i as f32 + 0.5) * step;
            let half = (step * every as f32 / 2.0).min(NAME);
            let place = Rect::from_min_max(pos2(x - half, grid.bottom() + 2.0), pos2(x + half, rect.bottom()));
            ink::text(p, place, Align2::CENTER_CENTER, name, t.weak);
        }
        for x in &marked.many {
            let at = grid.left() + (*x as f32 + 0.5) * step;
            p.vline(at, grid.bottom() - 3.0..=grid.bottom() + 3.0, Stroke::new(step.clamp(1.0, 3.0), t.accent));
        }
        if let Some(x) = marked.one {
            p.vline(grid.left() + (x as f32 + 0.5) * step, grid.y_range(), Stroke::new(step.clamp(1.0, 2.0), t.text));
        }
        for (l, x) in &marked.cells {
            let min = pos2(grid.left() + *x as f32 * step, grid.top() + *l as f32 * line);
            p.rect_stroke(Rect::from_min_size(min, vec2(step, line)), 0.0, Stroke::new(2.0, t.accent), StrokeKind::Inside);
        }
        if let Some((area, _)) = area {
            // A crowd is brushed in stretches, a field in blocks.
            let tall = if blocks { area.y_range() } else { grid.y_range() };
            brush::paint(ui, Rect::from_x_y_ranges(area.x_range(), tall).intersect(grid));
        }
        brush::focus(ui, &response, rect);
        if let Some((l, x)) = hovered {
            let min = pos2(grid.left() + x as f32 * step, grid.top() + l as f32 * line);
            p.rect_stroke(Rect::from_min_size(min, vec2(step.max(2.0), line)), 0.0, Stroke::new(1.5, t.text), StrokeKind::Outside);
        }
    }
    let step = grid.width() / m.across.max(1) as f32;
    if let Some((l, x)) = hovered {
        let middle = pos2(grid.left() + (x as f32 + 0.5) * step, grid.top() + (l as f32 + 0.5) * line);
        brush::tip(ui, &response, middle, &hover((l, x)));
    } else if let Some(p) = response.hover_pos().filter(|p| p.x < grid.left()) {
        // The whole of a name that may be too long for its place.
        if let Some(name) = m.lines.get(((p.y - grid.top()).max(0.0) / line) as usize) {
            brush::tip(ui, &response, p, std::slice::from_ref(name));
        }
    }
    let drawn = area.filter(|(area, done)| *done && m.across > 0 && !m.lines.is_empty() && area.intersects(grid)).map(|(area, _)| area);
    let place = |x: f32| (((x - grid.left()) / step).max(0.0) as usize).min(m.across - 1);
    let line_at = |y: f32| (((y - grid.top()) / line).max(0.0) as usize).min(m.lines.len() - 1);
    let many = drawn.map(|area| (place(area.left()), place(area.right())));
    Touch { hovered, clicked, many, lines: drawn.map(|area| (line_at(area.top()), line_at(area.bottom()))) }
}

/// Colours from the strongest down to the strongest up, with their numbers.
pub fn legend(ui: &mut Ui, low: &str, high: &str) {
    let t = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new(low).size(SMALL).color(t.weak));
        let (ramp, _) = ui.allocate_exact_size(vec2(120.0, 8.0), Sense::hover());
        let step = ramp.width() / 24.0;
        for i in 0..24 {
            let min = pos2(ramp.left() + i as f32 * step, ramp.top());
            let (at, whole) = (f64::from(i) / 11.5 - 1.0, vec2(step + 0.5, 8.0));
            ui.painter().rect_filled(Rect::from_min_size(min, whole), 0.0, t.diverging(at));
            if at < -STRIPED {
                let pale = t.diverging(at).lerp_to_gamma(t.surface, PALE);
                let stripe = Rect::from_min_size(min + vec2(0.0, 3.0), vec2(whole.x, 2.0));
                ui.painter().rect_filled(stripe, 0.0, pale);
            }
        }
        ui.label(egui::RichText::new(high).size(SMALL).color(t.weak));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::LIGHT;

    #[test]
    fn cells_have_their_colours_and_crowds_are_averaged() {
        let m = Matrix {
            lines: vec!["a".into(), "b".into()],
            places: vec![],
            across: 2,
            values: vec![1.0, -1.0, 0.0, f64::NAN],
            weight: vec![],
            most: 1.0,
        };
        let i = image(&m, &LIGHT);
        assert_eq!(i.size, [2, 2 * LAYERS]);
        let column = |l: usize, x: usize| (0..LAYERS).map(|s| i.pixels[2 * (l * LAYERS + s) + x]).collect::<Vec<_>>();
        let plain = |l, x, colour| column(l, x).iter().all(|c| *c == colour);
        assert!(plain(0, 0, LIGHT.up) && plain(1, 0, LIGHT.surface) && plain(1, 1, LIGHT.missing));
        // What is below 0 is striped: its sign is seen without colour.
        let down = column(0, 1);
        assert!(down[0] == LIGHT.down && down.iter().filter(|c| **c != LIGHT.down).count() == 2, "{down:?}");
        let wide =
            Matrix { lines: vec!["a".into()], places: vec![], across: 100_000, values: vec![0.5; 100_000], weight: vec![], most: 1.0 };
        let i = image(&wide, &LIGHT);
        assert!(i.size == [MOST_ACROSS, LAYERS] && i.pixels.iter().all(|p| *p == LIGHT.diverging(0.5)));
        let none = Matrix { lines: vec![], places: vec![], across: 0, values: vec![], weight: vec![], most: 0.0 };
        assert_eq!(image(&none, &LIGHT).size, [1, LAYERS]);
    }
}
