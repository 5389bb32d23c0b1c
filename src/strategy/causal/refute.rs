//! Attempts to prove an effect wrong: treatments that were never given, outcomes that cannot have changed, and how strong
//! something unseen would have to be.

use super::stats::{Z95, holm, t95, two_sided};
use super::study::{Aside, Pair};
use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::ml::linear::least_squares;

/// Shuffled treatments.
const SHUFFLES: usize = 200;

/// A difference that ought to be none.
#[derive(Clone, Debug, PartialEq)]
pub struct Placebo {
    /// The column that stands in for the outcome.
    pub column: String,
    /// The difference, in standard deviations of the column.
    pub value: f64,
    /// Its p, corrected for the number of columns tried.
    pub p: f64,
}

/// Share of shuffled treatments that seem to have an effect at 95 %; about one in twenty should.
pub fn placebo_treatment(pair: &Pair, rows: &[usize], z: &FeatureMatrix, seed: u64, ctx: &JobCtx) -> Result<f64> {
    let line = least_squares(z, rows, &pair.y, None).line;
    // What the features do not say of the outcome: they cannot stand in the way of a shuffled treatment.
    let rest: Vec<f64> = rows.iter().map(|&r| pair.y[r] - line.margin(z.row(r))).collect();
    let mut treated: Vec<bool> = rows.iter().map(|&r| pair.treated(r)).collect();
    let mut random = rng::rng(seed, "placebo");
    let mut beyond = 0;
    for _ in 0..SHUFFLES {
        ctx.check()?;
        rng::shuffle(&mut random, &mut treated);
        let (difference, se) = weighted_difference(&rest, &treated, None);
        beyond += usize::from((difference / se).abs() > Z95);
    }
    Ok(beyond as f64 / SHUFFLES as f64)
}

/// Difference of weighted means between treated and untreated, with its standard error; NaN values are left out.
fn weighted_difference(values: &[f64], treated: &[bool], weight: Option<&[f64]>) -> (f64, f64) {
    let group = |which: bool| {
        let own = || {
            values.iter().zip(treated).enumerate().filter(move |(_, (v, t))| **t == which && !v.is_nan()).map(|(i, (v, _))| {
                let w = weight.map_or(1.0, |w| w[i]);
                (*v, w)
            })
        };
        let (sum, all) = own().fold((0.0, 0.0), |(s, a), (v, w)| (s + w * v, a + w));
        let mean = sum / all;
        let square: f64 = own().map(|(v, w)| (w * (v - mean)).powi(2)).sum();
        (mean, square / (all * all))
    };
    let (a, b) = (group(true), group(false));
    (a.0 - b.0, (a.1 + b.1).sqrt())
}

/// Each column as an outcome that the treatment cannot have changed.
pub fn placebo_outcomes(pair: &Pair, rows: &[usize], columns: &[Aside], weight: Option<&[f64]>) -> Vec<Placebo> {
    let treated: Vec<bool> = rows.iter().map(|&r| pair.treated(r)).collect();
    let mut out: Vec<Placebo> = columns
        .iter()
        .map(|c| {
            let mut values: Vec<f64> = rows.iter().map(|&r| c.values[r]).collect();
            if let Some(levels) = c.levels {
                // A category is looked at through its most frequent level.
                let mut counts = vec![0usize; levels];
                values.iter().filter(|v| v.is_finite()).for_each(|v| counts[*v as usize] += 1);
                let most = counts.iter().enumerate().max_by_key(|(l, n)| (**n, std::cmp::Reverse(*l))).map_or(0, |(l, _)| l);
                values.iter_mut().filter(|v| v.is_finite()).for_each(|v| *v = f64::from(u8::from(*v as usize == most)));
            }
            let (difference, se) = weighted_difference(&values, &treated, weight);
            let known: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
            let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
            let sd = (known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / known.len().max(1) as f64).sqrt();
            let p = if se > 0.0 { two_sided(difference / se) } else { 1.0 };
            Placebo { column: c.name.clone(), value: if sd > 0.0 { difference / sd } else { 0.0 }, p }
        })
        .collect();
    let adjusted = holm(&out.iter().map(|p| p.p).collect::<Vec<_>>());
    out.iter_mut().zip(adjusted).for_each(|(o, p)| o.p = p);
    out
}

/// How strong an unseen confounder would have to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Robustness {
    /// Share of what is left of treatment and outcome that it would have to explain to take the whole effect away.
    pub value: f64,
    /// The same, to take away its being clear at 95 %; 0 if it is not clear as it is.
    pub clear: f64,
    /// What the strongest measured feature explains of both, at least.
    pub strongest: f64,
    /// That feature, by the number of its column.
    pub feature: Option<usize>,
}

/// Robustness value of the treatment's coefficient in a regression on the columns of `z` (Cinelli and Hazlett 2020).
pub fn robustness(pair: &Pair, rows: &[usize], z: &FeatureMatrix) -> Robustness {
    let p = z.n_features;
    let mut values = Vec::with_capacity(rows.len() * (p + 1));
    for &r in rows {
        values.push(pair.w[r]);
        values.extend_from_slice(z.row(r));
    }
    let x = FeatureMatrix { n_features: p + 1, values };
    let y: Vec<f64> = rows.iter().map(|&r| pair.y[r]).collect();
    let all: Vec<usize> = (0..rows.len()).collect();
    let outcome = least_squares(&x, &all, &y, None);
    let treatment = least_squares(z, rows, &pair.w, None);
    let partial = |t: f64, freedom: f64| if t.is_nan() { 0.0 } else { t * t / (t * t + freedom) };
    let t = outcome.line.weights[0] / outcome.errors[0];
    let of = |f: f64| if f <= 0.0 || f.is_nan() { 0.0 } else { 0.5 * ((f.powi(4) + 4.0 * f * f).sqrt() - f * f) };
    let f = t.abs() / outcome.freedom.sqrt();
    let clear = f - t95(outcome.freedom - 1.0) / (outcome.freedom - 1.0).sqrt();
    let strength = |j: usize| {
        let of_outcome = partial(outcome.line.weights[j + 1] / outcome.errors[j + 1], outcome.freedom);
        of_outcome.min(partial(treatment.line.weights[j] / treatment.errors[j], treatment.freedom))
    };
    let feature = (0..p).max_by(|a, b| strength(*a).total_cmp(&strength(*b)));
    Robustness { value: of(f), clear: of(clear), strongest: feature.map_or(0.0, strength), feature }
}

/// The column of `z` that says most of the outcome.
pub fn strongest(pair: &Pair, rows: &[usize], z: &FeatureMatrix) -> Option<usize> {
    let fit = least_squares(z, rows, &pair.y, None);
    let t = |j: usize| (fit.line.weights[j] / fit.errors[j]).abs();
    (0..z.n_features).filter(|j| t(*j).is_finite()).max_by(|a, b| t(*a).total_cmp(&t(*b)))
}
