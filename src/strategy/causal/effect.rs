//! Plain differences between the treated and the untreated, with their intervals.

use serde::{Deserialize, Serialize};

use super::stats::{Z95, two_sided};

/// A difference of two means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Treated people.
    pub treated: usize,
    /// Untreated people.
    pub control: usize,
    /// Mean outcome of the treated.
    pub mean_treated: f64,
    /// Mean outcome of the untreated.
    pub mean_control: f64,
    /// The difference.
    pub ate: f64,
    /// Its standard error (each group its own spread).
    pub se: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Test score: two shares pooled, or Welch's for amounts.
    pub z: f64,
    /// Two-sided p of it.
    pub p: f64,
}

#[derive(Clone, Copy, Default)]
struct Group {
    n: f64,
    mean: f64,
    square: f64,
}

impl Group {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n.max(1.0);
        Self { n, mean, square: values.map(|v| (v - mean) * (v - mean)).sum() }
    }
}

/// The difference of `y` between treated and untreated among `rows`. Shares get Newcombe's interval, amounts Welch's.
pub fn difference(y: &[f64], w: &[f64], rows: &[usize], binary: bool) -> Difference {
    let of = |treated: bool| Group::of(rows.iter().filter(move |r| (w[**r] > 0.5) == treated).map(|&r| y[r]));
    let (a, b) = (of(true), of(false));
    let ate = a.mean - b.mean;
    let spread = |g: Group| if binary { g.mean * (1.0 - g.mean) / g.n } else { g.square / (g.n - 1.0) / g.n };
    let se = (spread(a) + spread(b)).sqrt();
    let (low, high, z) = if binary {
        let (la, ha) = wilson(a);
        let (lb, hb) = wilson(b);
        let pooled = (a.mean * a.n + b.mean * b.n) / (a.n + b.n);
        let z = ate / (pooled * (1.0 - pooled) * (1.0 / a.n + 1.0 / b.n)).sqrt();
        (ate - (a.mean - la).hypot(hb - b.mean), ate + (ha - a.mean).hypot(b.mean - lb), z)
    } else {
        (ate - Z95 * se, ate + Z95 * se, ate / se)
    };
    Difference {
        treated: a.n as usize,
        control: b.n as usize,
        mean_treated: a.mean,
        mean_control: b.mean,
        ate,
        se,
        low,
        high,
        z,
        p: two_sided(z),
    }
}

fn wilson(g: Group) -> (f64, f64) {
    crate::ml::metrics::wilson((g.mean * g.n).round() as usize, g.n as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcombe_as_published() {
        // Newcombe 1998, table II, (a): 56/70 − 48/80, his method 10 without continuity correction: 0.0524 … 0.3339.
        let y: Vec<f64> = (0..150).map(|i| f64::from(if i < 70 { i < 56 } else { i < 118 })).collect();
        let w: Vec<f64> = (0..150).map(|i| f64::from(i < 70)).collect();
        let d = difference(&y, &w, &(0..150).collect::<Vec<_>>(), true);
        assert!((d.low - 0.0524).abs() < 5e-5 && (d.high - 0.3339).abs() < 5e-5, "{d:?}");
        assert_eq!((d.treated, d.control), (70, 80));
    }

    #[test]
    fn amounts_by_hand() {
        let d = difference(&[3.0, 5.0, 1.0, 2.0, 3.0], &[1.0, 1.0, 0.0, 0.0, 0.0], &[0, 1, 2, 3, 4], false);
        // Variances 2/2 and 1/3.
        assert!((d.ate - 2.0).abs() < 1e-12 && (d.se - (4.0f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
