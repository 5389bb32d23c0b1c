//! Where the data are: a strip under an axis, dark where many rows lie, pale where few do, so that nobody reads a curve
//! where there is nothing to read.

use eframe::egui::{Painter, Rect, pos2};

use crate::ui::theme::Tokens;

/// Height of the strip.
pub const HEIGHT: f32 = 6.0;

/// One piece of the strip: from, to, and how dense it is, 0 to 1.
pub type Cell = (f32, f32, f32);

/// The strip between `left` and `right` over places in order, each with the share of the rows nearest to it. Levels stand
/// for themselves; along a number a share counts for the width that it spreads over.
pub fn cells(middles: &[f32], shares: &[f64], levels: bool, (left, right): (f32, f32)) -> Vec<Cell> {
    let n = middles.len().min(shares.len());
    let between = |a: usize, b: usize| (middles[a] + middles[b]) / 2.0;
    let raw: Vec<(f32, f32, f64)> = (0..n)
        .map(|i| {
            let from = if i == 0 { left } else { between(i - 1, i) };
            let to = if i + 1 == n { right } else { between(i, i + 1) };
            let width = f64::from((to - from).max(1.0));
            (from, to.max(from), if levels { shares[i] } else { shares[i] / width })
        })
        .collect();
    let most = raw.iter().map(|c| c.2).filter(|d| d.is_finite()).fold(0.0, f64::max);
    // The square root keeps thin places visible beside a place where half of the rows lie.
    let strength = |d: f64| if most > 0.0 && d.is_finite() { (d / most).max(0.0).sqrt() as f32 } else { 0.0 };
    raw.into_iter().map(|(from, to, d)| (from, to, strength(d))).collect()
}

/// Paints it with its upper edge at `top`.
pub fn paint(p: &Painter, t: &Tokens, cells: &[Cell], top: f32) {
    for (from, to, strength) in cells {
        let rect = Rect::from_min_max(pos2(*from, top), pos2(*to, top + HEIGHT));
        p.rect_filled(rect, 0.0, t.soft(t.weak, 0.06 + 0.74 * strength));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_is_dark_where_rows_are() {
        // Three quantiles: two close to each other, one far off; equal shares, so the near ones are denser.
        let c = cells(&[10.0, 12.0, 90.0], &[1.0 / 3.0; 3], false, (0.0, 100.0));
        assert!(c[0].0 == 0.0 && c[2].1 == 100.0 && c.windows(2).all(|w| w[0].1 == w[1].0), "no gap, no overlap: {c:?}");
        assert!(c[0].2 > c[2].2 && c.iter().map(|c| c.2).fold(0.0, f32::max) == 1.0);
        let levels = cells(&[25.0, 75.0], &[0.9, 0.1], true, (0.0, 100.0));
        assert!(levels[0].2 == 1.0 && (levels[1].2 - (1.0f32 / 9.0).sqrt()).abs() < 1e-6);
        assert!(cells(&[], &[], true, (0.0, 1.0)).is_empty());
        assert!(cells(&[1.0], &[f64::NAN], false, (0.0, 2.0)).iter().all(|c| c.2 == 0.0));
    }
}
