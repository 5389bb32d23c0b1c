//! What an effect needs to know first: the outcome expected with and without treatment, and the chance of treatment.
//!
//! Train rows get them from models that did not see them (two folds: rows at even and at odd places among the train rows);
//! test rows from models of all train rows.

use serde::{Deserialize, Serialize};

use super::base::{Fitted, Space};
use super::study::Pair;
use crate::base::{JobCtx, Result};

/// Propensities are kept this far from 0 and 1, so that no single row carries the estimate.
pub const CLIP: f64 = 0.01;

/// Cross-fitted expectations of every row of a pair.
pub struct Nuisance {
    /// Outcome expected without treatment.
    pub mu0: Vec<f64>,
    /// Outcome expected with treatment.
    pub mu1: Vec<f64>,
    /// Chance of treatment.
    pub e: Vec<f64>,
    /// Models of all train rows: without and with treatment.
    pub full: (Fitted, Fitted),
}

/// A doubly robust estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aipw {
    /// Mean effect per person.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Rows that it rests on.
    pub n: usize,
}

/// Models of the outcome that [`nuisances`] fits; it reports after each.
pub const FITS: u64 = 6;

/// Outcomes from `space`; propensities from `confounders`, or the train share of the treated where there are none.
pub fn nuisances(pair: &Pair, space: &Space, confounders: Option<&Space>, ctx: &JobCtx) -> Result<Nuisance> {
    let n = pair.y.len();
    let (mut mu0, mut mu1) = (vec![f64::NAN; n], vec![f64::NAN; n]);
    let done = std::cell::Cell::new(0);
    let fit = |rows: &[usize]| -> Result<(Fitted, Fitted)> {
        let (treated, control): (Vec<usize>, Vec<usize>) = rows.iter().partition(|r| pair.treated(**r));
        let of = |rows: &[usize]| {
            let fitted = space.fit(rows, &pair.y, None, pair.binary, ctx);
            done.set(done.get() + 1);
            ctx.at(done.get());
            fitted
        };
        Ok((of(&control)?, of(&treated)?))
    };
    let mut fill = |(m0, m1): &(Fitted, Fitted), rows: &[usize]| -> Result<()> {
        for (model, slots) in [(m0, &mut mu0), (m1, &mut mu1)] {
            for (r, v) in rows.iter().zip(model.predict(space, rows, ctx)?) {
                slots[*r] = v;
            }
        }
        Ok(())
    };
    for fold in 0..2 {
        let (own, other) = fold_of(&pair.train, fold);
        fill(&fit(&other)?, &own)?;
    }
    let full = fit(&pair.train)?;
    fill(&full, &pair.test)?;
    let e = match confounders {
        None => vec![pair.share(); n],
        Some(c) => propensity(pair, c, ctx)?,
    };
    Ok(Nuisance { mu0, mu1, e, full })
}

/// The rows at even (fold 0) or odd places, and the others.
pub fn fold_of(rows: &[usize], fold: usize) -> (Vec<usize>, Vec<usize>) {
    let own = rows.iter().skip(fold).step_by(2).copied().collect();
    let other = rows.iter().skip(1 - fold).step_by(2).copied().collect();
    (own, other)
}

/// The chance of treatment, cross-fitted over the train rows, for the test rows from all train rows; kept off 0 and 1.
pub fn propensity(pair: &Pair, space: &Space, ctx: &JobCtx) -> Result<Vec<f64>> {
    let mut e = vec![pair.share(); pair.y.len()];
    let mut fill = |from: &[usize], to: &[usize]| -> Result<()> {
        let model = space.fit(from, &pair.w, None, true, ctx)?;
        for (r, p) in to.iter().zip(model.predict(space, to, ctx)?) {
            e[*r] = p.clamp(CLIP, 1.0 - CLIP);
        }
        Ok(())
    };
    for fold in 0..2 {
        let (own, other) = fold_of(&pair.train, fold);
        fill(&other, &own)?;
    }
    fill(&pair.train, &pair.test)?;
    Ok(e)
}

impl Nuisance {
    /// Doubly robust score of one row: its mean over people is the effect if either the outcomes or the propensities are right.
    pub fn score(&self, pair: &Pair, r: usize) -> f64 {
        let (mu0, mu1, e) = (self.mu0[r], self.mu1[r], self.e[r]);
        let residual = if pair.treated(r) { (pair.y[r] - mu1) / e } else { -(pair.y[r] - mu0) / (1.0 - e) };
        mu1 - mu0 + residual
    }

    /// Scores of some rows.
    pub fn scores(&self, pair: &Pair, rows: &[usize]) -> Vec<f64> {
        rows.iter().map(|&r| self.score(pair, r)).collect()
    }
}

/// Mean of doubly robust scores with its standard error.
pub fn aipw(scores: &[f64]) -> Aipw {
    let n = scores.len().max(1) as f64;
    let value = scores.iter().sum::<f64>() / n;
    let se = (scores.iter().map(|s| (s - value) * (s - value)).sum::<f64>() / n).sqrt() / n.sqrt();
    Aipw { value, se, low: value - super::stats::Z95 * se, high: value + super::stats::Z95 * se, n: scores.len() }
}
