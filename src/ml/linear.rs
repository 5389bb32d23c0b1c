//! Plain fits on a dense matrix, for those who estimate effects: logistic and ridge coefficients, and least squares with
//! standard errors. No card, no evaluation, nothing that a model file would hold; the columns stand as they are given.

use rayon::prelude::*;

use super::model::sigmoid;
use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;

/// Rows per piece of a parallel sum; fixed, so that the sum has one order at any thread count.
const CHUNK: usize = 8_192;
/// A pivot below this share of its column's own square is a column that others already say.
const DEPENDENT: f64 = 1e-10;

/// A line: the prediction is intercept + x·weights, through the logistic function where the outcome is yes/no.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// One per column.
    pub weights: Vec<f64>,
    /// Where every column is 0.
    pub intercept: f64,
    /// Whether the prediction is a probability.
    pub logistic: bool,
}

impl Line {
    /// The prediction for a margin.
    pub fn shown(&self, margin: f64) -> f64 {
        if self.logistic { sigmoid(margin) } else { margin }
    }
    /// Margin of one row.
    pub fn margin(&self, row: &[f64]) -> f64 {
        self.intercept + row.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f64>()
    }
    /// Predictions of some rows.
    pub fn predict(&self, x: &FeatureMatrix, rows: &[usize]) -> Vec<f64> {
        rows.par_iter().with_min_len(CHUNK).map(|&r| self.shown(self.margin(x.row(r)))).collect()
    }
}

/// Minimises ½·l2·‖weights‖² + Σ weight·loss over `rows`; the intercept is free. `y` and `weight` are as long as `x`.
pub fn penalised(
    x: &FeatureMatrix,
    rows: &[usize],
    y: &[f64],
    weight: Option<&[f64]>,
    l2: f64,
    logistic: bool,
    ctx: &JobCtx,
) -> Result<Line> {
    let (mut weights, _) = super::logistic::solve(x, rows, (y, weight), l2, logistic, ctx)?;
    let intercept = weights.pop().unwrap_or_default();
    Ok(Line { weights, intercept, logistic })
}

/// Least squares with what is needed to judge its coefficients.
#[derive(Clone, Debug, PartialEq)]
pub struct LeastSquares {
    /// The fitted line; a column that the columns before it already say has the weight 0.
    pub line: Line,
    /// Classical standard error of each weight; NaN for a column that others say.
    pub errors: Vec<f64>,
    /// Degrees of freedom left.
    pub freedom: f64,
}

/// Fits `y` on the columns of `x` and an intercept, over `rows`; `weight` (as long as `x`) counts a row more or less often.
pub fn least_squares(x: &FeatureMatrix, rows: &[usize], y: &[f64], weight: Option<&[f64]>) -> LeastSquares {
    let p = x.n_features;
    let size = p + 1;
    // The intercept comes first, so that constant columns are the ones to be dropped.
    let parts: Vec<(Vec<f64>, Vec<f64>, f64)> = rows
        .par_chunks(CHUNK)
        .map(|chunk| {
            let (mut gram, mut right, mut square) = (vec![0.0; size * size], vec![0.0; size], 0.0);
            for &r in chunk {
                let (row, w) = (x.row(r), weight.map_or(1.0, |w| w[r]));
                gram[0] += w;
                right[0] += w * y[r];
                square += w * y[r] * y[r];
                for (j, a) in row.iter().enumerate() {
                    let wa = w * a;
                    let line = &mut gram[(j + 1) * size..(j + 2) * size];
                    line[0] += wa;
                    for (slot, b) in line[1..].iter_mut().zip(&row[..=j]) {
                        *slot += wa * b;
                    }
                    right[j + 1] += wa * y[r];
                }
            }
            (gram, right, square)
        })
        .collect();
    let (mut gram, mut right, mut square) = (vec![0.0; size * size], vec![0.0; size], 0.0);
    for (g, r, s) in parts {
        gram.iter_mut().zip(&g).for_each(|(a, b)| *a += b);
        right.iter_mut().zip(&r).for_each(|(a, b)| *a += b);
        square += s;
    }
    let factor = Factor::of(&gram, size);
    let beta = factor.solve(&right);
    let kept = factor.kept.iter().filter(|k| **k).count() as f64;
    let freedom = (rows.len() as f64 - kept).max(0.0);
    let explained: f64 = beta.iter().zip(&right).map(|(b, r)| b * r).sum();
    let variance = if freedom > 0.0 { (square - explained).max(0.0) / freedom } else { f64::NAN };
    let inverse = factor.inverse_diagonal();
    let errors = (1..size).map(|j| if factor.kept[j] { (variance * inverse[j]).sqrt() } else { f64::NAN }).collect();
    LeastSquares { line: Line { weights: beta[1..].to_vec(), intercept: beta[0], logistic: false }, errors, freedom }
}

/// The lower Cholesky factor of a symmetric matrix; columns that the ones before them already say are left out.
struct Factor {
    lower: Vec<f64>,
    kept: Vec<bool>,
    size: usize,
}

impl Factor {
    fn of(gram: &[f64], size: usize) -> Self {
        let mut lower = gram.to_vec();
        let mut kept = vec![true; size];
        for j in 0..size {
            let own = lower[j * size + j];
            for k in 0..=j {
                if k < j && !kept[k] {
                    lower[j * size + k] = 0.0;
                    continue;
                }
                let (a, b) = (&lower[j * size..j * size + k], &lower[k * size..k * size + k]);
                let left = lower[j * size + k] - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                if k < j {
                    lower[j * size + k] = left / lower[k * size + k];
                } else if left > DEPENDENT * own && left > 0.0 {
                    lower[j * size + j] = left.sqrt();
                } else {
                    kept[j] = false;
                    lower[j * size + j] = 1.0;
                }
            }
        }
        Self { lower, kept, size }
    }

    fn forward(&self, right: &[f64]) -> Vec<f64> {
        let n = self.size;
        let mut s = vec![0.0; n];
        for j in 0..n {
            if self.kept[j] {
                let known: f64 = (0..j).map(|k| self.lower[j * n + k] * s[k]).sum();
                s[j] = (right[j] - known) / self.lower[j * n + j];
            }
        }
        s
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = self.size;
        let mut s = self.forward(right);
        for j in (0..n).rev() {
            if !self.kept[j] {
                s[j] = 0.0;
                continue;
            }
            let known: f64 = (j + 1..n).filter(|k| self.kept[*k]).map(|k| self.lower[k * n + j] * s[k]).sum();
            s[j] = (s[j] - known) / self.lower[j * n + j];
        }
        s
    }

    fn inverse_diagonal(&self) -> Vec<f64> {
        let n = self.size;
        (0..n)
            .into_par_iter()
            .map(|j| {
                let mut unit = vec![0.0; n];
                unit[j] = 1.0;
                self.forward(&unit).iter().map(|s| s * s).sum()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    fn sample(n: usize) -> (FeatureMatrix, Vec<f64>) {
        let mut r = rng::rng(4, "linear");
        let (mut values, mut y) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let (a, b) = (rng::normal(&mut r), rng::normal(&mut r));
            // The third column is said by the first two, the fourth is constant.
            values.extend([a, b, a - 2.0 * b, 3.0]);
            y.push(1.0 + 2.0 * a - b + 0.5 * rng::normal(&mut r));
        }
        (FeatureMatrix { n_features: 4, values }, y)
    }

    #[test]
    fn least_squares_finds_the_line_and_its_errors_and_drops_what_is_said_twice() {
        let (x, y) = sample(4_000);
        let rows: Vec<usize> = (0..4_000).collect();
        let fit = least_squares(&x, &rows, &y, None);
        for (got, want) in fit.line.weights.iter().chain([&fit.line.intercept]).zip([2.0, -1.0, 0.0, 0.0, 1.0]) {
            assert!((got - want).abs() < 0.03, "{fit:?}");
        }
        assert_eq!(fit.freedom, 3_997.0);
        // σ/√n for a standard normal column.
        assert!((fit.errors[0] - 0.5 / 4_000f64.sqrt()).abs() < 4e-4 && fit.errors[2].is_nan() && fit.errors[3].is_nan());
        // Residuals are orthogonal to every column.
        for j in 0..4 {
            let dot: f64 = rows.iter().map(|&r| (y[r] - fit.line.margin(x.row(r))) * x.row(r)[j]).sum();
            assert!(dot.abs() < 1e-7, "{dot}");
        }
        // A weight of two is the row twice.
        let weight: Vec<f64> = rows.iter().map(|r| f64::from(1 + (r % 2) as u32)).collect();
        let twice: Vec<usize> = rows.iter().copied().chain(rows.iter().copied().filter(|r| r % 2 == 1)).collect();
        let (a, b) = (least_squares(&x, &rows, &y, Some(&weight)), least_squares(&x, &twice, &y, None));
        assert!(a.line.weights.iter().zip(&b.line.weights).all(|(a, b)| (a - b).abs() < 1e-10));
    }

    #[test]
    fn the_penalised_gradient_vanishes() {
        let (x, y) = sample(500);
        let rows: Vec<usize> = (0..500).filter(|r| r % 3 != 0).collect();
        let yes: Vec<f64> = y.iter().map(|y| f64::from(*y > 1.0)).collect();
        for (y, logistic) in [(&y, false), (&yes, true)] {
            let line = penalised(&x, &rows, y, None, 2.0, logistic, &JobCtx::quiet()).unwrap();
            let p = line.predict(&x, &rows);
            for j in 0..4 {
                let g: f64 = rows.iter().zip(&p).map(|(&r, p)| (p - y[r]) * x.row(r)[j]).sum::<f64>() + 2.0 * line.weights[j];
                assert!(g.abs() < 1e-3, "{g}");
            }
        }
    }
}
