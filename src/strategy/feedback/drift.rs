//! What moved between the rows that a model learned from and new ones, column by column.
//!
//! How far: the population stability index over the same bins on both sides; below 0.1 it means nothing, above 0.25 a lot.
//! Whether chance could do it: Kolmogorov–Smirnov for amounts, chi-square for codes, Holm over all columns together.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use crate::data::Feature;
use crate::data::features::quantile;
use crate::strategy::experiment::many::{Correction, adjust};

/// Index above which a column moved, and moved a lot.
pub const MOVED: f64 = 0.1;
/// See [`MOVED`].
pub const MOVED_A_LOT: f64 = 0.25;
/// Corrected p below which chance alone is not believed.
pub const ALPHA: f64 = 0.05;
/// Bins of an amount.
const BINS: usize = 10;
/// Levels that a picture shows.
const LEVELS: usize = 12;

/// How far a column moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Not, or not more than chance.
    Steady,
    /// Beyond chance, but little.
    Little,
    /// Beyond chance and clearly.
    Clear,
    /// Beyond chance and a lot.
    Large,
}

impl Size {
    /// Catalogue key of its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::Steady => "feedback.steady",
            Self::Little => "feedback.little",
            Self::Clear => "feedback.clear",
            Self::Large => "feedback.large",
        }
    }
}

/// Shares of one bin before and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// What is in it; empty for missing.
    pub label: String,
    /// Share of old rows.
    pub old: f64,
    /// Share of new rows.
    pub new: f64,
}

/// How a column moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The column.
    pub feature: String,
    /// Population stability index.
    pub psi: f64,
    /// `ks` or `chi-square`.
    pub test: String,
    /// Its statistic.
    pub statistic: f64,
    /// Its p-value.
    pub p: f64,
    /// The same, corrected for all columns.
    pub adjusted: f64,
    /// How far, in a word.
    pub size: Size,
    /// Bins; the missing ones last.
    pub bins: Vec<Bin>,
}

/// How all columns moved, the farthest first. `old` and `new` hold a column each, codes as the encoder writes them.
pub fn drift(features: &[Feature], old: &[Vec<f64>], new: &[Vec<f64>]) -> Vec<Drift> {
    let one =
        |(f, (old, new)): (&Feature, (&Vec<f64>, &Vec<f64>))| if f.is_categorical() { codes(f, old, new) } else { amounts(f, old, new) };
    let mut out: Vec<Drift> = features.iter().zip(old.iter().zip(new)).map(one).collect();
    let adjusted = adjust(&out.iter().map(|d| d.p).collect::<Vec<_>>(), Correction::Holm);
    for (d, p) in out.iter_mut().zip(adjusted) {
        d.adjusted = p;
        d.size = match () {
            () if p >= ALPHA => Size::Steady,
            () if d.psi >= MOVED_A_LOT => Size::Large,
            () if d.psi >= MOVED => Size::Clear,
            () => Size::Little,
        };
    }
    out.sort_by(|a, b| b.size.cmp(&a.size).then(b.psi.total_cmp(&a.psi)));
    out
}

fn amounts(f: &Feature, old: &[f64], new: &[f64]) -> Drift {
    let known = |v: &[f64]| {
        let mut v: Vec<f64> = v.iter().copied().filter(|x| x.is_finite()).collect();
        v.sort_unstable_by(f64::total_cmp);
        v
    };
    let (a, b) = (known(old), known(new));
    // Bins that hold about equally many old rows; a value that many rows share is one bin.
    let mut cuts: Vec<f64> = (1..BINS).map(|k| quantile(&a, k as f64 / BINS as f64)).filter(|c| c.is_finite()).collect();
    cuts.dedup();
    let count = |v: &[f64]| {
        let mut counts = vec![0.0; cuts.len() + 1];
        v.iter().for_each(|x| counts[cuts.partition_point(|c| c < x)] += 1.0);
        counts
    };
    let (mut before, mut now) = (count(&a), count(&b));
    let ends = |k: usize| match (k.checked_sub(1).and_then(|k| cuts.get(k)), cuts.get(k)) {
        (None, Some(to)) => format!("≤ {}", f.show(*to)),
        (Some(from), Some(to)) => format!("{} … {}", f.show(*from), f.show(*to)),
        (Some(from), None) => format!("> {}", f.show(*from)),
        (None, None) => String::from("–"),
    };
    let mut labels: Vec<String> = (0..before.len()).map(ends).collect();
    let (statistic, mut p) = kolmogorov(&a, &b);
    let missing = (old.len() - a.len(), new.len() - b.len());
    if missing != (0, 0) {
        // That a column is missing more often is a move of its own; two questions, twice the p.
        let (_, gone) = chi_square(&[a.len() as f64, missing.0 as f64], &[b.len() as f64, missing.1 as f64]);
        p = (2.0 * p.min(gone)).min(1.0);
        before.push(missing.0 as f64);
        now.push(missing.1 as f64);
        labels.push(String::new());
    }
    found(f, "ks", (statistic, p), &before, &now, labels)
}

fn codes(f: &Feature, old: &[f64], new: &[f64]) -> Drift {
    let n = f.levels().len();
    // Levels, then what training never saw, then missing.
    let count = |v: &[f64]| {
        let mut counts = vec![0.0; n + 2];
        v.iter().for_each(|x| {
            counts[if x.is_nan() {
                n + 1
            } else if *x < 0.0 {
                n
            } else {
                (*x as usize).min(n)
            }] += 1.0
        });
        counts
    };
    let (before, now) = (count(old), count(new));
    let tested = chi_square(&before, &now);
    // The picture shows the most frequent levels, the others together.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| (before[*b] + now[*b]).total_cmp(&(before[*a] + now[*a])));
    let (shown, rest) = order.split_at(n.min(LEVELS));
    let mut rows: Vec<(String, f64, f64)> = shown.iter().map(|l| (f.levels()[*l].clone(), before[*l], now[*l])).collect();
    let sum = |of: &[f64]| rest.iter().map(|l| of[*l]).sum::<f64>();
    rows.push(("…".to_owned(), sum(&before) + before[n], sum(&now) + now[n]));
    rows.push((String::new(), before[n + 1], now[n + 1]));
    rows.retain(|(_, a, b)| a + b > 0.0);
    let labels = rows.iter().map(|r| r.0.clone()).collect();
    let (a, b): (Vec<f64>, Vec<f64>) = rows.iter().map(|r| (r.1, r.2)).unzip();
    found(f, "chi-square", tested, &a, &b, labels)
}

fn found(f: &Feature, test: &str, (statistic, p): (f64, f64), before: &[f64], now: &[f64], labels: Vec<String>) -> Drift {
    let shares = |counts: &[f64]| {
        let sum = counts.iter().sum::<f64>().max(1.0);
        counts.iter().map(|c| c / sum).collect::<Vec<f64>>()
    };
    let bins: Vec<Bin> =
        labels.into_iter().zip(shares(before).into_iter().zip(shares(now))).map(|(label, (old, new))| Bin { label, old, new }).collect();
    Drift { feature: f.name.clone(), psi: psi(before, now), test: test.to_owned(), statistic, p, adjusted: p, size: Size::Steady, bins }
}

/// Population stability index of two rows of counts; half a row is added to each, so that an empty bin is no infinity.
pub fn psi(before: &[f64], now: &[f64]) -> f64 {
    let share = |counts: &[f64], c: f64| (c + 0.5) / (counts.iter().sum::<f64>() + 0.5 * counts.len() as f64);
    before
        .iter()
        .zip(now)
        .map(|(a, b)| {
            let (a, b) = (share(before, *a), share(now, *b));
            (b - a) * (b / a).ln()
        })
        .sum()
}

/// Two-sample Kolmogorov–Smirnov on sorted values: the largest distance and its p-value (asymptotic, with Stephens' term).
pub fn kolmogorov(a: &[f64], b: &[f64]) -> (f64, f64) {
    if a.is_empty() || b.is_empty() {
        return (0.0, 1.0);
    }
    let (mut i, mut j, mut far) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let at = a[i].min(b[j]);
        while i < a.len() && a[i] <= at {
            i += 1;
        }
        while j < b.len() && b[j] <= at {
            j += 1;
        }
        far = far.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    let n = (a.len() as f64 * b.len() as f64 / (a.len() + b.len()) as f64).sqrt();
    let t = (n + 0.12 + 0.11 / n) * far;
    if t < 0.2 {
        return (far, 1.0);
    }
    let p: f64 = (1..=100).map(|k| f64::from(2 * (k % 2) - 1) * (-2.0 * f64::from(k * k) * t * t).exp()).sum();
    (far, (2.0 * p).clamp(0.0, 1.0))
}

/// Whether two rows of counts come from the same shares; cells of fewer than five expected rows count together.
pub fn chi_square(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (na, nb) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    if na == 0.0 || nb == 0.0 {
        return (0.0, 1.0);
    }
    let least = na.min(nb) / (na + nb);
    let (mut cells, mut few) = (Vec::new(), (0.0, 0.0));
    for (x, y) in a.iter().zip(b) {
        if (x + y) * least >= 5.0 { cells.push((*x, *y)) } else { few = (few.0 + x, few.1 + y) }
    }
    // What nobody saw before is told even by few rows.
    if few.0 + few.1 > 0.0 {
        cells.push(few);
    }
    let of = |(x, y): &(f64, f64)| {
        let (ea, eb) = ((x + y) * na / (na + nb), (x + y) * nb / (na + nb));
        (x - ea).powi(2) / ea + (y - eb).powi(2) / eb
    };
    let statistic: f64 = cells.iter().map(of).sum();
    let p = if cells.len() < 2 { 1.0 } else { ChiSquared::new((cells.len() - 1) as f64).map_or(1.0, |d| d.sf(statistic)) };
    (statistic, p)
}
