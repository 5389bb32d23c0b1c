//! A small minimiser: BFGS with exact gradients, for a handful of parameters on the log scale, and the curvature at the end.

/// Where the search ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The point.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Whether the gradient vanished.
    pub converged: bool,
}

/// Steps at most.
const STEPS: usize = 500;

/// Minimises `f`, which gives its value and its gradient; a value that is not finite counts as a wall.
pub fn minimise(f: impl Fn(&[f64]) -> (f64, Vec<f64>), start: &[f64]) -> Minimum {
    let n = start.len();
    let mut x = start.to_vec();
    let (mut value, mut gradient) = f(&x);
    let identity = || (0..n * n).map(|k| if k % (n + 1) == 0 { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    let mut inverse = identity();
    let scale = value.abs().max(1.0);
    let mut converged = false;
    for _ in 0..STEPS {
        let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        if largest <= 1e-9 * scale {
            converged = true;
            break;
        }
        let mut direction: Vec<f64> = (0..n).map(|i| -(0..n).map(|j| inverse[i * n + j] * gradient[j]).sum::<f64>()).collect();
        let mut slope: f64 = direction.iter().zip(&gradient).map(|(d, g)| d * g).sum();
        if slope.is_nan() || slope >= 0.0 {
            inverse = identity();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -gradient.iter().map(|g| g * g).sum::<f64>();
        }
        // On the log scale a step of more than two is a leap in the dark.
        let longest = direction.iter().fold(0.0f64, |m, d| m.max(d.abs()));
        let mut step = if longest > 2.0 { 2.0 / longest } else { 1.0 };
        let next = loop {
            let y: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            let (v, g) = f(&y);
            if v.is_finite() && g.iter().all(|g| g.is_finite()) && v <= value + 1e-4 * step * slope {
                break Some((y, v, g));
            }
            step *= 0.5;
            if step < 1e-14 {
                break None;
            }
        };
        let Some((y, v, g)) = next else {
            // Rounding has the last word.
            converged = largest <= 1e-6 * scale;
            break;
        };
        let s: Vec<f64> = y.iter().zip(&x).map(|(a, b)| a - b).collect();
        let d: Vec<f64> = g.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let sd: f64 = s.iter().zip(&d).map(|(a, b)| a * b).sum();
        if sd > 1e-12 {
            let hd: Vec<f64> = (0..n).map(|i| (0..n).map(|j| inverse[i * n + j] * d[j]).sum()).collect();
            let dhd: f64 = d.iter().zip(&hd).map(|(a, b)| a * b).sum();
            for i in 0..n {
                for j in 0..n {
                    inverse[i * n + j] += (1.0 + dhd / sd) * s[i] * s[j] / sd - (hd[i] * s[j] + s[i] * hd[j]) / sd;
                }
            }
        }
        // A step that gains nothing any more ends the search: rounding has the last word.
        let gained = value - v > 1e-15 * scale;
        (x, value, gradient) = (y, v, g);
        if !gained {
            converged = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs())) <= 1e-6 * scale;
            break;
        }
    }
    Minimum { at: x, value, converged }
}

/// The covariance of the parameters: the inverse of the curvature, by central differences of the gradient. `None` where
/// the minimum has a flat direction.
pub fn covariance(f: impl Fn(&[f64]) -> (f64, Vec<f64>), at: &[f64]) -> Option<Vec<f64>> {
    let n = at.len();
    let mut h = vec![0.0; n * n];
    for j in 0..n {
        let shifted = |by: f64| {
            let mut y = at.to_vec();
            y[j] += by;
            f(&y).1
        };
        let step = 1e-4;
        let (up, down) = (shifted(step), shifted(-step));
        for i in 0..n {
            h[i * n + j] = (up[i] - down[i]) / (2.0 * step);
        }
    }
    let symmetric: Vec<f64> = (0..n * n).map(|k| 0.5 * (h[k] + h[k % n * n + k / n])).collect();
    let lower = cholesky(&symmetric, n)?;
    let mut out = vec![0.0; n * n];
    for c in 0..n {
        let mut y = vec![0.0; n];
        for i in 0..n {
            let known: f64 = (0..i).map(|k| lower[i * n + k] * y[k]).sum();
            y[i] = (f64::from(u8::from(i == c)) - known) / lower[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|k| lower[k * n + i] * out[k * n + c]).sum();
            out[i * n + c] = (y[i] - known) / lower[i * n + i];
        }
    }
    out.iter().all(|v| v.is_finite()).then_some(out)
}

/// The lower factor of a positive definite matrix.
pub fn cholesky(m: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let rest = m[i * n + j] - (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum::<f64>();
            if i == j {
                if rest.is_nan() || rest <= 1e-10 * m[i * n + i].abs().max(1e-12) {
                    return None;
                }
                l[i * n + i] = rest.sqrt();
            } else {
                l[i * n + j] = rest / l[j * n + j];
            }
        }
    }
    Some(l)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        // Rosenbrock: minimum 0 at (1, 1), curvature known.
        let f = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
        };
        let m = minimise(f, &[-1.2, 1.0]);
        assert!(m.converged && m.value < 1e-12 && (m.at[0] - 1.0).abs() < 1e-5, "{m:?}");
        let c = covariance(f, &m.at).unwrap();
        // The inverse of [[802, −400], [−400, 200]].
        for (got, want) in c.iter().zip([0.5, 1.0, 1.0, 2.005]) {
            assert!((got / want - 1.0).abs() < 1e-3, "{c:?}");
        }
        assert!(cholesky(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
    }
}
