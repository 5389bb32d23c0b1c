//! Where everything of an attention map stands, and which part of it is in view. Pure geometry; the hovered cell is
//! arithmetic, never a search.

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Least distance between two names.
pub const LABEL: f32 = 12.0;
/// Fewest cells across when zoomed in.
const CLOSEST: f32 = 8.0;
/// Largest side of a cell of a whole map.
const CELL: f32 = 28.0;

/// The part of a map that is in view: a square of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct View {
    /// Its top left corner, in cells: column and line.
    at: Vec2,
    /// Its side, in cells; nothing for the whole map.
    span: Option<f32>,
}

impl View {
    /// Side in cells of a map of so many tokens.
    pub fn span(&self, tokens: usize) -> f32 {
        let n = tokens.max(1) as f32;
        self.span.map_or(n, |s| s.clamp(CLOSEST.min(n), n))
    }
    /// Top left corner in cells, such that the view stays on the map.
    pub fn at(&self, tokens: usize) -> Vec2 {
        let most = tokens.max(1) as f32 - self.span(tokens);
        self.at.clamp(Vec2::ZERO, Vec2::splat(most.max(0.0)))
    }
    /// Whether all of the map is in view.
    pub fn is_whole(&self, tokens: usize) -> bool {
        self.span(tokens) >= tokens.max(1) as f32
    }
    /// Nearer (a factor above 1) or farther; the place `about`, in cells, stays where it is.
    pub fn zoom(&mut self, factor: f32, about: Vec2, tokens: usize) {
        if !factor.is_finite() || factor <= 0.0 {
            return;
        }
        let (old, at) = (self.span(tokens), self.at(tokens));
        self.span = Some(old / factor);
        let new = self.span(tokens);
        self.at = about - (about - at) * (new / old);
        self.at = self.at(tokens);
        if self.is_whole(tokens) {
            *self = Self::default();
        }
    }
    /// Moves the view by so many cells.
    pub fn pan(&mut self, by: Vec2, tokens: usize) {
        self.at = self.at(tokens) + by;
        self.at = self.at(tokens);
    }
}

/// Places of a large map, relative to its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Where the cells in view are.
    pub grid: Rect,
    /// Tokens on each axis.
    pub tokens: usize,
    /// Side of a cell as it is drawn.
    pub cell: f32,
    /// Every how many tokens one is named.
    pub label_every: usize,
    /// Column and line at the grid's top left corner, in cells.
    pub first: Vec2,
    /// Cells across the grid.
    pub span: f32,
}

/// Lays a map of `tokens × tokens` out in a width; `labels` is the room that names need at the left and above.
pub fn lay_out(tokens: usize, width: f32, labels: f32, view: View) -> Layout {
    let labels = labels.min(width * 0.45).max(0.0);
    let n = tokens.max(1);
    let side = ((width - labels).max(16.0) / n as f32).min(CELL) * tokens as f32;
    let span = view.span(tokens);
    let cell = if tokens == 0 { CELL } else { side / span };
    let grid = Rect::from_min_size(pos2(labels, labels), vec2(side, side));
    Layout { size: vec2(labels + side, labels + side), grid, tokens, cell, label_every: every(LABEL / cell), first: view.at(tokens), span }
}

/// The next round number: names stand at every 1st, 2nd, 5th, 10th, …
fn every(least: f32) -> usize {
    let mut step = 1;
    loop {
        for k in [1, 2, 5] {
            if (k * step) as f32 >= least {
                return k * step;
            }
        }
        step *= 10;
    }
}

impl Layout {
    /// A place on the map, in cells: column and line.
    pub fn in_cells(&self, at: Pos2) -> Vec2 {
        self.first + (at - self.grid.min) / self.cell
    }
    /// The cell at a place: query (line) and key (column).
    pub fn cell_at(&self, at: Pos2) -> Option<(usize, usize)> {
        if self.tokens == 0 || !self.grid.contains(at) {
            return None;
        }
        // On the far edge itself the last cell is meant.
        let c = self.in_cells(at);
        Some(((c.y as usize).min(self.tokens - 1), (c.x as usize).min(self.tokens - 1)))
    }
    /// The token whose name stands beside a place left of the grid or above it.
    pub fn name_at(&self, at: Pos2) -> Option<usize> {
        let c = self.in_cells(at);
        let (left, above) = (at.x < self.grid.left(), at.y < self.grid.top());
        let along = match (left, above) {
            (true, false) if at.y <= self.grid.bottom() => c.y,
            (false, true) if at.x <= self.grid.right() => c.x,
            _ => return None,
        };
        (along >= 0.0 && (along as usize) < self.tokens).then_some(along as usize)
    }
    /// Place of a cell, as far as it is in view.
    pub fn cell_rect(&self, query: usize, key: usize) -> Rect {
        let min = self.grid.min + (vec2(key as f32, query as f32) - self.first) * self.cell;
        Rect::from_min_size(min, Vec2::splat(self.cell)).intersect(self.grid)
    }
    /// Tokens of which something is in view along an axis that begins at `first`.
    pub fn visible(&self, first: f32) -> std::ops::Range<usize> {
        let end = ((first + self.span).ceil() as usize).min(self.tokens);
        (first.floor() as usize).min(end)..end
    }
    /// The part of the texture that the grid shows.
    pub fn texture(&self) -> Rect {
        let n = self.tokens.max(1) as f32;
        Rect::from_min_size((self.first / n).to_pos2(), Vec2::splat(self.span / n))
    }
}

/// Width and height of a head's tile, its thumbnail, and the space between tiles.
pub const TILE: Vec2 = vec2(84.0, 106.0);
const THUMB: f32 = 56.0;
const GAP: f32 = 6.0;

/// Places of one head's tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    /// All of it.
    pub whole: Rect,
    /// The small map.
    pub thumb: Rect,
    /// Its name and figure.
    pub name: Rect,
    /// The switch that mutes it.
    pub mute: Rect,
    /// The switch that lets it sound alone.
    pub solo: Rect,
}

/// Places of the tiles of `count` heads in their order, and the space they take. With `lines` each line begins anew after
/// so many (the heads of a layer); else they follow each other.
pub fn tiles(count: usize, lines: Option<usize>, width: f32) -> (Vec<Tile>, Vec2) {
    let fit = (((width + GAP) / (TILE.x + GAP)) as usize).max(1);
    let (mut out, mut at) = (Vec::with_capacity(count), pos2(0.0, 0.0));
    let mut size = Vec2::ZERO;
    let mut column = 0;
    for i in 0..count {
        if i > 0 && (column == fit || lines.is_some_and(|l| i.is_multiple_of(l.max(1)))) {
            (at, column) = (pos2(0.0, at.y + TILE.y + GAP), 0);
        }
        let whole = Rect::from_min_size(at, TILE);
        let thumb = Rect::from_min_size(at + vec2((TILE.x - THUMB) / 2.0, 2.0), Vec2::splat(THUMB));
        let name = Rect::from_min_size(at + vec2(0.0, THUMB + 4.0), vec2(TILE.x, 16.0));
        let switch = |k: f32| Rect::from_min_size(at + vec2(k * (TILE.x / 2.0) + 1.0, THUMB + 21.0), vec2(TILE.x / 2.0 - 2.0, 28.0));
        out.push(Tile { whole, thumb, name, mute: switch(0.0), solo: switch(1.0) });
        size = size.max(whole.max.to_vec2());
        at.x += TILE.x + GAP;
        column += 1;
    }
    (out, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    #[test]
    fn the_hovered_cell_is_the_painted_one() {
        for n in [1, 2, 17, 512] {
            let l = lay_out(n, 400.0, 90.0, View::default());
            for (q, k) in [(0, 0), (n - 1, 0), (0, n - 1), (n / 2, n / 3), (n - 1, n - 1)] {
                assert_eq!(l.cell_at(l.cell_rect(q, k).center()), Some((q, k)), "{n} tokens");
            }
            assert_eq!(l.cell_at(l.grid.min - vec2(0.5, 0.5)), None);
            assert_eq!(l.cell_at(l.grid.max + vec2(0.5, 0.5)), None);
            assert!(l.size.x <= 400.5, "{n} tokens leave the pane");
            assert!(l.cell * l.label_every as f32 >= LABEL);
        }
        let none = lay_out(0, 400.0, 90.0, View::default());
        assert_eq!(none.cell_at(none.grid.min + vec2(1.0, 1.0)), None);
    }

    /// Every cell of a map of 512 × 512, at many zooms: the value under the middle of the cell is the matrix's, and so is
    /// the colour that the texture shows there. Wherever the pointer is, hover and texture name the same cell.
    #[test]
    fn every_hovered_value_is_the_matrix_value_at_any_zoom() {
        let n = 512usize;
        let mut rng = rng::rng(5, "map");
        let values: Vec<f32> = (0..n * n).map(|_| rng::unit(&mut rng) as f32).collect();
        let mut views = vec![View::default()];
        let mut view = View::default();
        for _ in 0..40 {
            let about = vec2(rng::unit(&mut rng) as f32, rng::unit(&mut rng) as f32) * n as f32;
            view.zoom(0.5 + 2.0 * rng::unit(&mut rng) as f32, about, n);
            view.pan(vec2(rng::normal(&mut rng) as f32, rng::normal(&mut rng) as f32) * 20.0, n);
            views.push(view);
        }
        assert!(views.iter().any(|v| v.span(n) < 40.0) && views.iter().filter(|v| v.is_whole(n)).count() < 20);
        let mut seen = vec![false; n * n];
        for view in &views {
            let l = lay_out(n, 431.0, 97.0, *view);
            let texel = |p: Pos2| {
                let uv = l.texture();
                let t = (uv.min.to_vec2() + (p - l.grid.min) / l.grid.size() * uv.size()) * n as f32;
                (t.y, t.x)
            };
            for q in l.visible(l.first.y) {
                for k in l.visible(l.first.x) {
                    let middle = l.cell_rect(q, k).center();
                    let Some(found) = l.cell_at(middle) else { panic!("{q} {k} {view:?}") };
                    // A sliver at the edge may round to its neighbour; whole cells never do.
                    if l.cell_rect(q, k).width().min(l.cell_rect(q, k).height()) > 0.02 * l.cell {
                        assert_eq!(values[found.0 * n + found.1], values[q * n + k], "{view:?}");
                        let (y, x) = texel(middle);
                        assert_eq!((y as usize, x as usize), (q, k), "the texture shows another cell: {view:?}");
                        seen[q * n + k] = true;
                    }
                }
            }
            for _ in 0..2_000 {
                let p = l.grid.min + vec2(rng::unit(&mut rng) as f32, rng::unit(&mut rng) as f32) * l.grid.size();
                let ((q, k), (y, x)) = (l.cell_at(p).unwrap(), texel(p));
                assert!((y - q as f32 - 0.5).abs() < 0.51 && (x - k as f32 - 0.5).abs() < 0.51, "{p:?} {view:?}");
            }
        }
        assert!(seen.iter().all(|s| *s), "all cells were looked at");
    }

    #[test]
    fn zooming_keeps_the_place_and_never_leaves_the_map() {
        let mut rng = rng::rng(8, "zoom");
        for n in [3usize, 17, 200, 512] {
            let mut view = View::default();
            for _ in 0..200 {
                let l = lay_out(n, 400.0, 80.0, view);
                let p = l.grid.min + vec2(rng::unit(&mut rng) as f32, rng::unit(&mut rng) as f32) * l.grid.size();
                let about = l.in_cells(p);
                view.zoom((rng::normal(&mut rng) as f32 * 0.4).exp(), about, n);
                let after = lay_out(n, 400.0, 80.0, view);
                let (at, span) = (view.at(n), view.span(n));
                assert!(at.x >= 0.0 && at.y >= 0.0 && at.x + span <= n as f32 + 1e-3 && at.y + span <= n as f32 + 1e-3);
                // Unless the edge is in the way, what is under the pointer stays under it.
                let free = |a: f32| a > 1e-3 && a + span < n as f32 - 1e-3;
                let moved = after.in_cells(p) - about;
                assert!(!free(at.x) || moved.x.abs() < 0.02, "{moved:?}");
                assert!(!free(at.y) || moved.y.abs() < 0.02, "{moved:?}");
                assert!(after.cell * after.label_every as f32 >= LABEL - 1e-3);
                view.pan(vec2(rng::normal(&mut rng) as f32, rng::normal(&mut rng) as f32) * 5.0, n);
            }
            view.zoom(1e-6, Vec2::ZERO, n);
            assert_eq!(view, View::default());
            view.zoom(f32::NAN, Vec2::ZERO, n);
            view.zoom(1e9, Vec2::splat(n as f32), n);
            assert!(view.span(n) >= CLOSEST.min(n as f32));
        }
    }

    #[test]
    fn names_stand_beside_their_lines() {
        let mut view = View::default();
        view.zoom(4.0, vec2(100.0, 300.0), 512);
        let l = lay_out(512, 420.0, 90.0, view);
        for i in l.visible(l.first.y).filter(|i| l.cell_rect(*i, l.first.x as usize + 1).height() > 0.5 * l.cell) {
            let y = l.cell_rect(i, l.first.x as usize + 1).center().y;
            assert_eq!(l.name_at(pos2(10.0, y)), Some(i));
        }
        for k in l.visible(l.first.x).filter(|k| l.cell_rect(l.first.y as usize + 1, *k).width() > 0.5 * l.cell) {
            let x = l.cell_rect(l.first.y as usize + 1, k).center().x;
            assert_eq!(l.name_at(pos2(x, 10.0)), Some(k));
        }
        assert!(l.name_at(pos2(10.0, 10.0)).is_none() && l.name_at(l.grid.center()).is_none());
        assert_eq!([every(0.3), every(1.0), every(1.1), every(15.36), every(120.0)], [1, 1, 2, 20, 200]);
    }

    #[test]
    fn tiles_do_not_overlap() {
        for (heads, lines, width) in [(24, Some(8), 380.0), (24, None, 380.0), (8, Some(4), 380.0), (3, None, 20.0)] {
            let (all, size) = tiles(heads, lines, width);
            assert_eq!(all.len(), heads);
            for (i, a) in all.iter().enumerate() {
                assert!(a.whole.right() <= size.x + 0.01 && a.whole.bottom() <= size.y + 0.01);
                for part in [a.thumb, a.name, a.mute, a.solo] {
                    assert!(a.whole.expand(0.01).contains_rect(part));
                }
                assert!(!a.mute.shrink(0.1).intersects(a.solo) && !a.thumb.intersects(a.name));
                for b in &all[i + 1..] {
                    assert!(!a.whole.shrink(0.1).intersects(b.whole));
                }
            }
            assert!(size.x <= width.max(TILE.x));
        }
        // Four heads of a layer stand in a line of a narrow pane.
        assert_eq!(tiles(8, Some(4), 380.0).0[4].whole.left(), 0.0);
        assert_eq!(tiles(8, Some(4), 380.0).0[3].whole.top(), 0.0);
        assert!(tiles(0, None, 300.0).0.is_empty());
    }
}
