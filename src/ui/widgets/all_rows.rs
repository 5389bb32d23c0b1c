//! All rows as a texture: one feature's values across, its effects upwards, as bright as there are rows; and the strongest
//! features as piles of rows along one axis of effects. Textures are made once per result; hovering is exact.

use eframe::egui::{
    self, Align2, Color32, ColorImage, Pos2, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2,
    vec2,
};

use super::axis::Axis;
use super::units::Unit;
use super::{brush, ink};
use crate::base::{Lang, numbers, tr_with};
use crate::explain::density::{Cell, Density, Holds, OfFeature, share};
use crate::explain::words::density_column as label;
use crate::ui::theme::{SMALL, Tokens};

const HEIGHT: f32 = 220.0;
const FIGURES: f32 = 60.0;
/// Height of a line of piles, on screen and in pixels of its texture.
const LINE: f32 = 26.0;
const PIXELS: usize = 17;
/// Pixels that a texture may be wide.
const MOST_ACROSS: usize = 2_048;

/// A texture with what it was made of.
#[derive(Default)]
pub struct Cache {
    key: Option<(u64, bool)>,
    texture: Option<TextureHandle>,
}

impl Cache {
    fn get(&mut self, ui: &Ui, key: u64, dark: bool, image: impl FnOnce() -> ColorImage) -> Option<egui::TextureId> {
        if self.key != Some((key, dark)) || self.texture.is_none() {
            self.texture = Some(ui.ctx().load_texture("density", image(), TextureOptions::NEAREST));
            self.key = Some((key, dark));
        }
        self.texture.as_ref().map(TextureHandle::id)
    }
}

/// What the analyst did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touch {
    /// Cell under the pointer, or where the keys led.
    pub hovered: Option<Cell>,
    /// Cell clicked.
    pub clicked: Option<Cell>,
    /// First and last column of a stretch that was drawn with Shift held.
    pub many: Option<(usize, usize)>,
}

/// Places along x, in columns: those that are no values of their own stand apart, one place to the right.
fn place(of: &OfFeature, column: usize) -> usize {
    let apart = |c: &Holds| !matches!(c, Holds::Numbers | Holds::Level);
    column + usize::from(of.columns.get(column).is_some_and(|c| apart(&c.holds)) && !apart(&of.columns[0].holds))
}

fn places(of: &OfFeature) -> usize {
    of.columns.len().checked_sub(1).map_or(1, |last| place(of, last) + 1)
}

/// A pixel per cell; nothing where no row is.
pub fn image(of: &OfFeature, t: &Tokens) -> ColorImage {
    let (width, height) = (places(of), of.bins.max(1) as usize);
    let mut pixels = vec![Color32::TRANSPARENT; width * height];
    let most = of.most();
    for c in &of.cells {
        // Upwards is more.
        let line = height - 1 - (c.bin as usize).min(height - 1);
        pixels[line * width + place(of, c.column as usize)] = t.sequential(share(c.rows, most));
    }
    ColorImage::new([width, height], pixels)
}

/// Draws one feature. `show` writes a value of it; columns with marked rows get a tick.
pub fn ui(
    ui: &mut Ui,
    of: &OfFeature,
    (all, unit, lang): (u64, Unit, Lang),
    (cache, key): (&mut Cache, u64),
    title: &str,
    (marked, one): (&[usize], Option<usize>),
    show: &dyn Fn(f64) -> String,
) -> Touch {
    let width = ui.available_width().max(220.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT + ink::X_AXIS), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let grid = Rect::from_min_max(pos2(rect.left() + FIGURES + 8.0, rect.top() + 4.0), pos2(rect.right() - 8.0, rect.top() + HEIGHT));
    let (n, bins) = (places(of), of.bins.max(1));
    let (step, tall) = (grid.width() / n as f32, grid.height() / bins as f32);
    let y = Axis { low: of.bin_from(0), high: of.bin_from(bins), left: grid.bottom(), right: grid.top() };
    let middle =
        |c: &Cell| pos2(grid.left() + (place(of, c.column as usize) as f32 + 0.5) * step, grid.bottom() - (c.bin as f32 + 0.5) * tall);
    let column_at = |x: f32| {
        let at = ((x - grid.left()) / step).max(0.0) as usize;
        (0..of.columns.len()).min_by_key(|c| place(of, *c).abs_diff(at))
    };
    let cell_at = |p: Pos2| -> Option<Cell> {
        let at = grid.contains(p).then(|| ((p.x - grid.left()) / step) as usize)?;
        let column = column_at(p.x).filter(|c| place(of, *c) == at)?;
        of.cell(column as u32, (((grid.bottom() - p.y) / tall) as u32).min(bins - 1)).copied()
    };
    // Cells line by line from the top, for the keys; only where they are used.
    let mut lines: std::collections::BTreeMap<std::cmp::Reverse<u32>, Vec<Cell>> = std::collections::BTreeMap::new();
    for c in of.cells.iter().filter(|_| response.has_focus()) {
        lines.entry(std::cmp::Reverse(c.bin)).or_default().push(*c);
    }
    let lines: Vec<Vec<Cell>> = lines.into_values().collect();
    let walked = brush::walk(ui, &response, lines.len(), |l| lines[l].len()).map(|(l, at)| lines[l][at]);
    let hovered = response.hover_pos().and_then(cell_at).or(walked);
    let area = brush::area(ui, &response);
    if ui.is_rect_visible(rect) {
        let t = Tokens::of(ui.ctx());
        let texture = cache.get(ui, key, t.dark, || image(of, t));
        let p = ui.painter();
        for tick in y.ticks(6) {
            let at = y.at(tick);
            p.hline(grid.x_range(), at, Stroke::new(1.0, t.rule));
            let figures = Rect::from_min_max(pos2(rect.left(), at - 8.0), pos2(rect.left() + FIGURES, at + 8.0));
            ink::text(p, figures, Align2::RIGHT_CENTER, &unit.effect(tick), t.weak);
        }
        if let Some(texture) = texture {
            p.image(texture, grid, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)), Color32::WHITE);
        }
        if y.low < 0.0 && y.high > 0.0 {
            p.hline(grid.x_range(), y.at(0.0), Stroke::new(1.0, t.text));
        }
        for (c, width) in marked.iter().map(|c| (*c, 2.0)).chain(one.map(|c| (c, 4.0))) {
            let at = grid.left() + (place(of, c) as f32 + 0.5) * step;
            p.vline(at, grid.bottom()..=grid.bottom() + 4.0, Stroke::new(width, if width > 3.0 { t.text } else { t.accent }));
        }
        foot(p, t, of, &grid, step, show);
        let name = Rect::from_min_max(pos2(grid.left(), grid.bottom() + 16.0), pos2(grid.right(), grid.bottom() + 32.0));
        ink::text(p, name, Align2::CENTER_CENTER, &of.name, t.weak);
        if let Some(c) = &hovered {
            p.rect_stroke(
                Rect::from_center_size(middle(c), vec2(step, tall).max(vec2(3.0, 3.0))),
                0.0,
                Stroke::new(1.5, t.text),
                StrokeKind::Outside,
            );
        }
        if let Some((area, _)) = area {
            brush::paint(ui, Rect::from_x_y_ranges(area.x_range(), grid.y_range()).intersect(grid));
        }
        brush::focus(ui, &response, rect);
    }
    if let Some(c) = &hovered {
        let values = match of.columns[c.column as usize].holds {
            Holds::Numbers if c.value_low < c.value_high => format!("{} – {}", show(c.value_low), show(c.value_high)),
            Holds::Numbers => show(c.value_low),
            _ => label(of, c.column as usize, lang),
        };
        brush::tip(ui, &response, middle(c), &said(format!("{} = {values}", of.name), c, all, unit, lang));
    }
    let many = area.filter(|(area, done)| *done && area.intersects(grid) && !of.columns.is_empty());
    let many = many.and_then(|(area, _)| Some((column_at(area.left())?, column_at(area.right())?)));
    Touch { hovered, clicked: hovered.filter(|_| response.clicked()), many }
}

/// The numbers of a cell, exactly those of the rows in it.
fn said(first: String, c: &Cell, all: u64, unit: Unit, lang: Lang) -> Vec<String> {
    let percent = numbers::percent(c.rows as f64 / all.max(1) as f64);
    let rows = tr_with(lang, "why.density_rows", &[("rows", &numbers::count(c.rows as i64)), ("share", &percent)]);
    let ends: [(&str, &dyn std::fmt::Display); 2] = [("low", &unit.exact(c.effect_low)), ("high", &unit.exact(c.effect_high))];
    let row = numbers::count(i64::from(c.row) + 1);
    vec![first, rows, tr_with(lang, "why.density_effects", &ends), tr_with(lang, "why.density_first", &[("row", &row)])]
}

/// Values under the columns, as many as there is room for.
fn foot(p: &egui::Painter, t: &Tokens, of: &OfFeature, grid: &Rect, step: f32, show: &dyn Fn(f64) -> String) {
    let levels = of.columns.iter().any(|c| c.holds == Holds::Level);
    let every = ((if levels { 48.0 } else { 60.0 }) / step).ceil().max(1.0) as usize;
    for (i, c) in of.columns.iter().enumerate() {
        let apart = !matches!(c.holds, Holds::Numbers | Holds::Level);
        if !apart && i % every != 0 {
            continue;
        }
        let x = grid.left() + (place(of, i) as f32 + 0.5) * step;
        let half = (step * every as f32 / 2.0 - 1.0).max(8.0);
        let place = Rect::from_min_max(pos2(x - half, grid.bottom() + 3.0), pos2(x + half, grid.bottom() + 17.0));
        let text = if c.holds == Holds::Numbers { show(c.low) } else { c.label.clone() };
        ink::text(p, place, Align2::CENTER_CENTER, &text, t.weak);
    }
}

/// Brightness in numbers of rows.
pub fn legend(ui: &mut Ui, most: u64, lang: Lang) {
    let t = Tokens::of(ui.ctx());
    let small = |s: String| egui::RichText::new(s).size(SMALL).color(t.weak);
    ui.horizontal(|ui| {
        ui.label(small(tr_with(lang, "why.density_legend_one", &[("n", &1)])));
        let (ramp, _) = ui.allocate_exact_size(vec2(120.0, 8.0), Sense::hover());
        for i in 0..24 {
            let min = pos2(ramp.left() + i as f32 * 5.0, ramp.top());
            ui.painter().rect_filled(Rect::from_min_size(min, vec2(5.5, 8.0)), 0.0, t.sequential(f64::from(i) / 23.0));
        }
        ui.label(small(tr_with(lang, "why.density_legend", &[("n", &numbers::count(most as i64))])));
    });
}

/// Piles of rows along one axis of effects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swarm {
    /// How wide a pile is.
    pub step: f64,
    /// The first pile begins at so many steps.
    pub lowest: i64,
    /// Piles from the lowest to the highest of all features.
    pub across: usize,
    /// Name, index of the feature, and its piles: place, rows in it, and where their values stand among all (0 to 1).
    pub lines: Vec<(String, usize, Vec<(usize, Cell, f64)>)>,
    /// Rows in the highest pile.
    pub most: u64,
}

impl Swarm {
    /// Of all features: their bins are powers of two high, so those of one fit into those of another.
    pub fn of(d: &Density) -> Self {
        let mut step = d.features.iter().map(|f| f.step).fold(0.0, f64::max);
        if step <= 0.0 {
            return Self::default();
        }
        let ends = |step: f64| {
            let at = |v: f64| (v / step).floor() as i64;
            let low = d.features.iter().map(|f| at(f.bin_from(0))).min().unwrap_or(0);
            (low, d.features.iter().map(|f| at(f.bin_from(f.bins.saturating_sub(1)))).max().unwrap_or(low))
        };
        while (ends(step).1 - ends(step).0) as usize >= MOST_ACROSS {
            step *= 2.0;
        }
        let (lowest, highest) = ends(step);
        let line = |f: &OfFeature| {
            let last = f.columns.iter().filter(|c| matches!(c.holds, Holds::Numbers | Holds::Level)).count().saturating_sub(1).max(1);
            let mut piles: std::collections::BTreeMap<usize, (Cell, f64)> = std::collections::BTreeMap::new();
            for c in &f.cells {
                let at = ((f.bin_from(c.bin) / step).floor() as i64 - lowest) as usize;
                let known = matches!(f.columns[c.column as usize].holds, Holds::Numbers | Holds::Level);
                let rank = if known { f64::from(c.column) / last as f64 * c.rows as f64 } else { f64::NAN };
                let pile = piles.entry(at).or_insert((Cell { rows: 0, ..*c }, 0.0));
                *pile = (pile.0.and(c), pile.1 + rank);
            }
            let piles = piles.into_iter().map(|(at, (c, sum))| (at, c, sum / c.rows as f64)).collect();
            (f.name.clone(), f.feature, piles)
        };
        let lines: Vec<(String, usize, Vec<(usize, Cell, f64)>)> = d.features.iter().map(line).collect();
        let most = lines.iter().flat_map(|l| l.2.iter().map(|p| p.1.rows)).max().unwrap_or(1);
        Self { step, lowest, across: (highest - lowest + 1) as usize, lines, most }
    }
}

/// Each pile as high as the logarithm of its rows, in the colour of their values.
pub fn swarm_image(s: &Swarm, t: &Tokens) -> ColorImage {
    let (width, height) = (s.across.max(1), (s.lines.len() * PIXELS).max(1));
    let mut pixels = vec![Color32::TRANSPARENT; width * height];
    for (line, (_, _, piles)) in s.lines.iter().enumerate() {
        for (at, cell, rank) in piles {
            let half = (share(cell.rows, s.most) * (PIXELS / 2) as f64).round() as usize;
            let middle = line * PIXELS + PIXELS / 2;
            for y in middle - half.min(PIXELS / 2 - 1)..=middle + half.min(PIXELS / 2 - 1) {
                pixels[y * width + at] = t.sequential(*rank);
            }
        }
    }
    ColorImage::new([width, height], pixels)
}

/// What the analyst did to the piles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SwarmTouch {
    /// Pile under the pointer, or where the keys led, with its feature.
    pub hovered: Option<(usize, Cell)>,
    /// Pile clicked.
    pub clicked: Option<(usize, Cell)>,
    /// Features whose lines a rectangle drawn with Shift held goes over, and the effects that it spans.
    pub many: Option<(Vec<usize>, f64, f64)>,
}

impl Swarm {
    /// The pile that an effect of a feature lies in: line and place along the axis.
    pub fn place(&self, feature: usize, effect: f64) -> Option<(usize, usize)> {
        let line = self.lines.iter().position(|l| l.1 == feature)?;
        let at = (effect / self.step).floor() - self.lowest as f64;
        (self.step > 0.0 && at >= 0.0 && at < self.across as f64).then_some((line, at as usize))
    }
}

/// Draws the piles; `marked` are places of rows, by line and place along the axis.
pub fn swarm(
    ui: &mut Ui,
    s: &Swarm,
    (all, unit, lang): (u64, Unit, Lang),
    (cache, key): (&mut Cache, u64),
    title: &str,
    (selected, marked): (Option<usize>, &[(usize, usize)]),
) -> SwarmTouch {
    let width = ui.available_width().max(220.0);
    let longest = s.lines.iter().map(|l| l.0.chars().count()).max().unwrap_or(0) as f32;
    let names = (longest * 7.0 + 12.0).clamp(60.0, width * 0.4);
    let height = LINE * s.lines.len() as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height + ink::X_AXIS), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title));
    let grid = Rect::from_min_max(pos2(rect.left() + names + 12.0, rect.top()), pos2(rect.right() - 12.0, rect.top() + height));
    let step = grid.width() / s.across.max(1) as f32;
    let axis = Axis {
        low: s.lowest as f64 * s.step,
        high: (s.lowest + s.across.max(1) as i64) as f64 * s.step,
        left: grid.left(),
        right: grid.right(),
    };
    let pile_at = |p: Pos2| {
        let line = grid.contains(p).then(|| ((p.y - grid.top()) / LINE) as usize).filter(|l| *l < s.lines.len())?;
        let at = ((p.x - grid.left()) / step) as usize;
        Some((line, s.lines[line].2.iter().position(|pile| pile.0 == at)?))
    };
    let walked = brush::walk(ui, &response, s.lines.len(), |l| s.lines[l].2.len());
    let hovered = response.hover_pos().and_then(pile_at).or(walked);
    let middle = |(line, at): (usize, usize)| {
        pos2(grid.left() + (s.lines[line].2[at].0 as f32 + 0.5) * step, grid.top() + (line as f32 + 0.5) * LINE)
    };
    let area = brush::area(ui, &response);
    if ui.is_rect_visible(rect) {
        let t = Tokens::of(ui.ctx());
        let texture = cache.get(ui, key, t.dark, || swarm_image(s, t));
        let p = ui.painter();
        for (line, (name, feature, _)) in s.lines.iter().enumerate() {
            let top = grid.top() + line as f32 * LINE;
            if selected == Some(*feature) {
                p.rect_filled(Rect::from_min_size(pos2(rect.left(), top), vec2(width, LINE)), 3.0, t.accent_soft);
            }
            let room = Rect::from_min_max(pos2(rect.left(), top), pos2(rect.left() + names, top + LINE));
            ink::label(p, room, Align2::RIGHT_CENTER, name, t.text);
        }
        ink::x_axis(p, t, &axis, grid.top(), grid.bottom(), |v| unit.tick(v), unit.effect_name(lang));
        p.vline(axis.at(0.0), grid.y_range(), Stroke::new(1.0, t.faint));
        if let Some(texture) = texture {
            p.image(texture, grid, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)), Color32::WHITE);
        }
        for (line, at) in marked {
            let foot = pos2(grid.left() + (*at as f32 + 0.5) * step, grid.top() + (*line as f32 + 1.0) * LINE - 4.0);
            p.add(ink::diamond(foot, t));
        }
        if let Some((area, _)) = area {
            brush::paint(ui, area.intersect(grid));
        }
        if let Some(at) = hovered {
            p.rect_stroke(
                Rect::from_center_size(middle(at), vec2(step.max(3.0), LINE - 4.0)),
                0.0,
                Stroke::new(1.5, t.text),
                StrokeKind::Outside,
            );
        }
        brush::focus(ui, &response, rect);
    }
    let pile = hovered.map(|(line, at)| (s.lines[line].1, s.lines[line].2[at].1));
    if let (Some(at), Some((_, cell))) = (hovered, &pile) {
        brush::tip(ui, &response, middle(at), &said(s.lines[at.0].0.clone(), cell, all, unit, lang));
    } else if let Some(at) = response.hover_pos().filter(|p| p.x < grid.left())
        && let Some((name, ..)) = s.lines.get(((at.y - grid.top()).max(0.0) / LINE) as usize)
    {
        brush::tip(ui, &response, at, std::slice::from_ref(name));
    }
    let many = area.filter(|(area, done)| *done && area.intersects(grid) && !s.lines.is_empty()).map(|(area, _)| {
        let line = |y: f32| (((y - grid.top()) / LINE).max(0.0) as usize).min(s.lines.len() - 1);
        let at = |x: f32| axis.low + f64::from((x - grid.left()) / grid.width()) * (axis.high - axis.low);
        (s.lines[line(area.top())..=line(area.bottom())].iter().map(|l| l.1).collect(), at(area.left()), at(area.right()))
    });
    SwarmTouch { hovered: pile, clicked: pile.filter(|_| response.clicked()), many }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::explain::density::Gatherer;
    use crate::explain::summary::tests::{attribution, feature};
    use crate::ml::model::Scale;
    use crate::ui::theme::LIGHT;

    /// 400 rows of a number with gaps and of a category.
    pub(crate) fn example() -> Density {
        let f = [feature("a", &[]), feature("b", &["x", "y"])];
        let inputs = (0..400).flat_map(|i| [if i < 40 { f64::NAN } else { f64::from(i % 5) }, f64::from(i % 2)]).collect();
        let effects = (0..400).flat_map(|i| [f64::from(i % 5) - 2.0, 0.01 * f64::from(i % 2)]).collect();
        let a = attribution(&f, inputs, effects, 0.0, Scale::Margin);
        let mut g = Gatherer::new(&a, &f);
        g.add(&a);
        g.finish(&a, &f).unwrap()
    }

    #[test]
    fn pixels_are_cells_and_missing_stands_apart() {
        let d = example();
        let of = &d.features[0];
        assert_eq!((of.name.as_str(), of.columns.len()), ("a", 6));
        let i = image(of, &LIGHT);
        assert_eq!(i.size, [7, of.bins as usize], "a gap before those that miss it");
        let filled = i.pixels.iter().filter(|p| **p != Color32::TRANSPARENT).count();
        assert_eq!(filled, of.cells.len());
        let gap = (0..i.size[1]).all(|y| i.pixels[y * 7 + 5] == Color32::TRANSPARENT);
        assert!(gap && (0..i.size[1]).any(|y| i.pixels[y * 7 + 6] != Color32::TRANSPARENT));
        // More effect stands higher: the lowest value has the lowest effect.
        assert!(i.pixels[(i.size[1] - 1) * 7] != Color32::TRANSPARENT && i.pixels[4] != Color32::TRANSPARENT);
        assert_eq!((share(1, 100), share(100, 100), share(10, 100), share(5, 1)), (0.0, 1.0, 0.5, 1.0));
    }

    #[test]
    fn piles_hold_every_row_of_every_feature() {
        let d = example();
        let s = Swarm::of(&d);
        assert_eq!(s.lines.len(), 2);
        for ((name, _, piles), of) in s.lines.iter().zip(&d.features) {
            assert_eq!((name, piles.iter().map(|p| p.1.rows).sum::<u64>()), (&of.name, 400));
            assert!(piles.iter().all(|p| p.0 < s.across));
            for (at, cell, _) in piles {
                let from = (s.lowest + *at as i64) as f64 * s.step;
                assert!(cell.effect_low >= from && cell.effect_high < from + s.step, "{name} {cell:?}");
            }
        }
        for (feature, effect) in [(0, -2.0), (0, 1.0), (1, 0.01)] {
            let (line, at) = s.place(feature, effect).unwrap();
            let pile = s.lines[line].2.iter().find(|p| p.0 == at).unwrap();
            assert!(pile.1.effect_low <= effect && effect <= pile.1.effect_high, "{feature} {effect} {pile:?}");
        }
        assert_eq!((s.place(0, 99.0), s.place(7, 0.0)), (None, None));
        let i = swarm_image(&s, &LIGHT);
        assert_eq!(i.size, [s.across, 2 * PIXELS]);
        assert_eq!(swarm_image(&Swarm::default(), &LIGHT).size, [1, 1]);
        assert_eq!(Swarm::of(&Density { features: vec![], ..d }), Swarm::default());
    }
}
