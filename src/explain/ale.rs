//! Accumulated local effects: within each bin, what the output does when the feature crosses it, averaged over the rows
//! that lie in it, and summed along the axis. Unlike partial dependence it never asks about rows that do not exist.
//!
//! Categories have no order of their own: levels stand beside those whose rows are most alike in the other features.

use crate::base::{JobCtx, Result};
use crate::data::{Feature, FeatureMatrix};

use super::effect::{Ask, Point, densities};

/// A feature's axis: places in order, and for each row the gaps between neighbouring places that it speaks for.
struct Axis {
    places: Vec<f64>,
    /// Place of each row in the order (category), or its gap (number); none where missing.
    at: Vec<Option<usize>>,
    category: bool,
}

impl Axis {
    fn new(feature: &Feature, x: &FeatureMatrix, f: usize, grid: &[f64]) -> Self {
        let n = x.n_rows();
        let category = feature.is_categorical();
        let places = if category { in_order(x, f, grid) } else { grid.to_vec() };
        let at = (0..n)
            .map(|i| {
                let v = x.row(i)[f];
                if category {
                    places.iter().position(|p| *p == v)
                } else if v.is_nan() {
                    None
                } else {
                    // Gap k lies between places k and k + 1, upper end included; the lowest place belongs to the first gap.
                    Some(places[1..places.len() - 1].partition_point(|p| *p < v))
                }
            })
            .collect();
        Self { places, at, category }
    }

    /// Gaps that row `i` speaks for.
    fn gaps(&self, i: usize) -> impl Iterator<Item = usize> + use<> {
        let last = self.places.len() - 1;
        let (from, to) = match self.at[i] {
            None => (1, 0),
            // A level speaks for the step to it and for the step from it.
            Some(k) if self.category => (k.saturating_sub(1), k.min(last - 1)),
            Some(k) => (k, k),
        };
        from..to + usize::from(from <= to)
    }
}

/// Levels in an order in which neighbours are alike: the first axis of the distances between their rows.
fn in_order(x: &FeatureMatrix, f: usize, levels: &[f64]) -> Vec<f64> {
    let k = levels.len();
    if k < 3 {
        return levels.to_vec();
    }
    // Rows of a level as the ranks of their other features, in tenths: distances between distributions.
    const TENTHS: usize = 10;
    let n = x.n_rows();
    let mut distance = vec![0.0; k * k];
    for other in (0..x.n_features).filter(|o| *o != f) {
        let mut sorted: Vec<f64> = (0..n).map(|i| x.row(i)[other]).filter(|v| !v.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() {
            continue;
        }
        let edges: Vec<f64> = (1..TENTHS).map(|t| sorted[t * sorted.len() / TENTHS]).collect();
        let mut shares = vec![[0.0; TENTHS]; k];
        for i in 0..n {
            let Some(level) = levels.iter().position(|l| *l == x.row(i)[f]) else { continue };
            shares[level][edges.partition_point(|e| *e <= x.row(i)[other])] += 1.0;
        }
        for s in &mut shares {
            let all: f64 = s.iter().sum::<f64>().max(1.0);
            let mut sum = 0.0;
            for v in s.iter_mut() {
                sum += *v / all;
                *v = sum;
            }
        }
        for a in 0..k {
            for b in 0..k {
                distance[a * k + b] += (0..TENTHS).map(|t| (shares[a][t] - shares[b][t]).abs()).fold(0.0, f64::max);
            }
        }
    }
    // Classical scaling: the largest axis of the doubly centred squares, by power iteration.
    let square = |a: usize, b: usize| distance[a * k + b].powi(2);
    let mean: Vec<f64> = (0..k).map(|a| (0..k).map(|b| square(a, b)).sum::<f64>() / k as f64).collect();
    let all = mean.iter().sum::<f64>() / k as f64;
    let centred = |a: usize, b: usize| -0.5 * (square(a, b) - mean[a] - mean[b] + all);
    let mut axis: Vec<f64> = (0..k).map(|a| 1.0 + a as f64).collect();
    for _ in 0..200 {
        let next: Vec<f64> = (0..k).map(|a| (0..k).map(|b| centred(a, b) * axis[b]).sum()).collect();
        let size = next.iter().map(|v: &f64| v * v).sum::<f64>().sqrt();
        if size < 1e-12 {
            return levels.to_vec();
        }
        axis = next.iter().map(|v| v / size).collect();
    }
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|a, b| axis[*a].total_cmp(&axis[*b]).then(a.cmp(b)));
    order.into_iter().map(|a| levels[a]).collect()
}

/// The effect of one feature, as the difference from the average over the rows.
pub(super) fn one(ask: &Ask<'_>, feature: &Feature, f: usize, grid: &[f64], ctx: &JobCtx) -> Result<Vec<Point>> {
    let axis = Axis::new(feature, ask.x, f, grid);
    let places = &axis.places;
    let pairs: Vec<(usize, usize)> = (0..ask.x.n_rows()).flat_map(|i| axis.gaps(i).map(move |g| (i, g))).collect();
    let rows: Vec<usize> = pairs.iter().map(|p| p.0).collect();
    ctx.check()?;
    let low = ask.with(&rows, |i, row| row[f] = places[pairs[i].1], ctx)?;
    let high = ask.with(&rows, |i, row| row[f] = places[pairs[i].1 + 1], ctx)?;
    let gaps = places.len() - 1;
    let (mut n, mut sum, mut squares) = (vec![0.0; gaps], vec![0.0; gaps], vec![0.0; gaps]);
    for ((_, g), (l, h)) in pairs.iter().zip(low.iter().zip(&high)) {
        n[*g] += 1.0;
        sum[*g] += h - l;
        squares[*g] += (h - l).powi(2);
    }
    let mut effect = vec![0.0; places.len()];
    let mut variance = vec![0.0; places.len()];
    for g in 0..gaps {
        let k = f64::max(n[g], 1.0);
        let mean = sum[g] / k;
        effect[g + 1] = effect[g] + mean;
        variance[g + 1] = variance[g] + (squares[g] / k - mean * mean).max(0.0) / k;
    }
    let density = densities((0..ask.x.n_rows()).map(|i| ask.x.row(i)[f]), places);
    // Centred over the rows: on a gap the mean of its ends, on a level the level itself.
    let centre = if axis.category {
        effect.iter().zip(&density).map(|(e, d)| e * d).sum::<f64>()
    } else {
        (0..gaps).map(|g| n[g] * 0.5 * (effect[g] + effect[g + 1])).sum::<f64>() / n.iter().sum::<f64>().max(1.0)
    };
    // The band is widest where it is farthest from the middle of the data; the middle itself is where it begins.
    let middle = variance.iter().zip(&density).map(|(v, d)| v * d).sum::<f64>();
    Ok((0..places.len())
        .map(|k| {
            let (e, half) = (effect[k] - centre, 1.96 * (variance[k] - middle).abs().sqrt());
            Point {
                value: places[k],
                label: feature.show(places[k]),
                effect: e,
                low: e - half,
                high: e + half,
                density: density[k],
                ..Point::default()
            }
        })
        .collect())
}

/// What two features do together beyond what each does alone, on the places of both.
pub(super) fn two(ask: &Ask<'_>, features: [&Feature; 2], f: [usize; 2], grids: [&[f64]; 2], ctx: &JobCtx) -> Result<Vec<Point>> {
    let axes: Vec<Axis> = (0..2).map(|k| Axis::new(features[k], ask.x, f[k], grids[k])).collect();
    let (a, b) = (axes[0].places.len() - 1, axes[1].places.len() - 1);
    let cells: Vec<(usize, usize, usize)> = (0..ask.x.n_rows())
        .flat_map(|i| {
            axes[0].gaps(i).flat_map({
                let second = &axes[1];
                move |g| second.gaps(i).map(move |h| (i, g, h))
            })
        })
        .collect();
    let rows: Vec<usize> = cells.iter().map(|c| c.0).collect();
    let corner = |up: usize, right: usize| {
        ask.with(
            &rows,
            |i, row| {
                row[f[0]] = axes[0].places[cells[i].1 + up];
                row[f[1]] = axes[1].places[cells[i].2 + right];
            },
            ctx,
        )
    };
    ctx.check()?;
    let (ll, lh, hl, hh) = (corner(0, 0)?, corner(0, 1)?, corner(1, 0)?, corner(1, 1)?);
    let (mut n, mut mean) = (vec![0.0; a * b], vec![0.0; a * b]);
    for (i, (_, g, h)) in cells.iter().enumerate() {
        n[g * b + h] += 1.0;
        mean[g * b + h] += hh[i] - hl[i] - lh[i] + ll[i];
    }
    (0..a * b).for_each(|c| mean[c] /= f64::max(n[c], 1.0));
    fill_empty(&n, &mut mean, a, b);
    // Sums along both axes, on the corners.
    let w = b + 1;
    let mut sum = vec![0.0; (a + 1) * w];
    for g in 0..a {
        for h in 0..b {
            sum[(g + 1) * w + h + 1] = sum[g * w + h + 1] + sum[(g + 1) * w + h] - sum[g * w + h] + mean[g * b + h];
        }
    }
    // Take off what each feature does alone within these sums, weighted by the rows, then the mean.
    let mut alone = [vec![0.0; a + 1], vec![0.0; b + 1]];
    for g in 0..a {
        let all: f64 = (0..b).map(|h| n[g * b + h]).sum::<f64>().max(1e-12);
        let step = |h: usize| 0.5 * (sum[(g + 1) * w + h] - sum[g * w + h] + sum[(g + 1) * w + h + 1] - sum[g * w + h + 1]);
        alone[0][g + 1] = alone[0][g] + (0..b).map(|h| n[g * b + h] * step(h)).sum::<f64>() / all;
    }
    for h in 0..b {
        let all: f64 = (0..a).map(|g| n[g * b + h]).sum::<f64>().max(1e-12);
        let step = |g: usize| 0.5 * (sum[g * w + h + 1] - sum[g * w + h] + sum[(g + 1) * w + h + 1] - sum[(g + 1) * w + h]);
        alone[1][h + 1] = alone[1][h] + (0..a).map(|g| n[g * b + h] * step(g)).sum::<f64>() / all;
    }
    for g in 0..=a {
        for h in 0..=b {
            sum[g * w + h] -= alone[0][g] + alone[1][h];
        }
    }
    let at_cell = |g: usize, h: usize| 0.25 * (sum[g * w + h] + sum[(g + 1) * w + h] + sum[g * w + h + 1] + sum[(g + 1) * w + h + 1]);
    let total = n.iter().sum::<f64>().max(1.0);
    let centre = (0..a * b).map(|c| n[c] * at_cell(c / b, c % b)).sum::<f64>() / total;
    // Rows around a corner: those of the cells that touch it.
    let around = |g: usize, h: usize| {
        let near = |k: usize, most: usize| k.saturating_sub(1)..(k + 1).min(most);
        near(g, a).flat_map(|i| near(h, b).map(move |j| i * b + j)).map(|c| n[c]).sum::<f64>() / (4.0 * total)
    };
    let mut out = Vec::with_capacity((a + 1) * w);
    for g in 0..=a {
        for h in 0..=b {
            let (va, vb) = (axes[0].places[g], axes[1].places[h]);
            out.push(Point {
                value: va,
                label: features[0].show(va),
                value_2: Some(vb),
                label_2: Some(features[1].show(vb)),
                row: None,
                effect: sum[g * w + h] - centre,
                low: f64::NAN,
                high: f64::NAN,
                density: around(g, h),
            });
        }
    }
    Ok(out)
}

/// Cells without rows take the value of the nearest cell that has some.
fn fill_empty(n: &[f64], mean: &mut [f64], a: usize, b: usize) {
    let full: Vec<usize> = (0..a * b).filter(|c| n[*c] > 0.0).collect();
    for c in (0..a * b).filter(|c| n[*c] == 0.0) {
        let far = |o: &usize| {
            let (g, h) = ((o / b) as f64 - (c / b) as f64, (o % b) as f64 - (c % b) as f64);
            (g / a as f64).powi(2) + (h / b as f64).powi(2)
        };
        if let Some(nearest) = full.iter().min_by(|x, y| far(x).total_cmp(&far(y))) {
            mean[c] = mean[*nearest];
        }
    }
}
