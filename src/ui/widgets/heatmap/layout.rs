//! Where everything of an attention map stands. Pure geometry; the hovered cell is arithmetic, never a search.

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Places of a large map, relative to its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// The cells, all of them.
    pub grid: Rect,
    /// Tokens on each axis.
    pub tokens: usize,
    /// Side of a cell.
    pub cell: f32,
    /// Every how many tokens one is named.
    pub label_every: usize,
}

/// Least distance between two names.
const LABEL: f32 = 12.0;

/// Lays a map of `tokens × tokens` out in a width; `labels` is the room that names need at the left and above.
pub fn lay_out(tokens: usize, width: f32, labels: f32) -> Layout {
    let labels = labels.min(width * 0.45).max(0.0);
    let n = tokens.max(1);
    let cell = ((width - labels).max(16.0) / n as f32).min(28.0);
    let side = cell * tokens as f32;
    let grid = Rect::from_min_size(pos2(labels, labels), vec2(side, side));
    let label_every = (LABEL / cell).ceil().max(1.0) as usize;
    Layout { size: vec2(labels + side, labels + side), grid, tokens, cell, label_every }
}

impl Layout {
    /// The cell at a place: query (line) and key (column).
    pub fn cell_at(&self, at: Pos2) -> Option<(usize, usize)> {
        let (x, y) = (at.x - self.grid.left(), at.y - self.grid.top());
        if x < 0.0 || y < 0.0 {
            return None;
        }
        let (query, key) = ((y / self.cell) as usize, (x / self.cell) as usize);
        (query < self.tokens && key < self.tokens).then_some((query, key))
    }
    /// Place of a cell.
    pub fn cell_rect(&self, query: usize, key: usize) -> Rect {
        let min = self.grid.min + vec2(key as f32, query as f32) * self.cell;
        Rect::from_min_size(min, Vec2::splat(self.cell))
    }
}

/// Places of the thumbnails, one line per layer, and the space they take.
pub fn thumbnails(layers: usize, heads: usize, width: f32) -> (Vec<Rect>, Vec2) {
    const GAP: f32 = 4.0;
    let columns = heads.max(1) as f32;
    let side = ((width - GAP * (columns - 1.0)) / columns).clamp(12.0, 56.0);
    let rects = (0..layers * heads)
        .map(|i| {
            let (layer, head) = (i / heads.max(1), i % heads.max(1));
            Rect::from_min_size(pos2(head as f32, layer as f32) * (side + GAP), Vec2::splat(side))
        })
        .collect();
    let extent = |n: usize| if n == 0 { 0.0 } else { n as f32 * (side + GAP) - GAP };
    (rects, vec2(extent(heads), extent(layers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hovered_cell_is_the_painted_one() {
        for n in [1, 2, 17, 512] {
            let l = lay_out(n, 400.0, 90.0);
            for (q, k) in [(0, 0), (n - 1, 0), (0, n - 1), (n / 2, n / 3), (n - 1, n - 1)] {
                assert_eq!(l.cell_at(l.cell_rect(q, k).center()), Some((q, k)), "{n} tokens");
            }
            assert_eq!(l.cell_at(l.grid.min - vec2(0.5, 0.5)), None);
            assert_eq!(l.cell_at(l.grid.max + vec2(0.5, 0.5)), None);
            assert!(l.size.x <= 400.5, "{n} tokens leave the pane");
            assert!(l.cell * l.label_every as f32 >= LABEL);
        }
        let none = lay_out(0, 400.0, 90.0);
        assert_eq!(none.cell_at(none.grid.min + vec2(1.0, 1.0)), None);
    }

    #[test]
    fn thumbnails_do_not_overlap() {
        let (rects, size) = thumbnails(3, 8, 300.0);
        assert_eq!(rects.len(), 24);
        for (i, a) in rects.iter().enumerate() {
            assert!(a.right() <= size.x + 0.01 && a.bottom() <= size.y + 0.01);
            for b in &rects[i + 1..] {
                assert!(!a.shrink(0.1).intersects(*b));
            }
        }
        assert!(thumbnails(0, 0, 300.0).0.is_empty());
    }
}
