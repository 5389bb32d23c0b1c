//! When the weights cannot carry a number, and what the number is worth where they can.

use super::Chosen;
use super::log::Log;
use super::support::Support;
use crate::base::{Notice, numbers};
use crate::note;
use crate::strategy::evidence::Grade;

/// Fewest effective rows on which a weighted estimate is given.
pub const FEWEST: f64 = 100.0;
/// Target probability on actions the log never took, beyond which nothing weighted is given.
pub const MOST_UNSUPPORTED: f64 = 0.05;
/// Target probability on actions the log hardly took, beyond which a random log is not graded A.
pub const MOST_THIN: f64 = 0.1;
/// How far the mean weight may be from 1 whatever its error.
pub const FAR: f64 = 0.5;
/// How far it may be where chance alone does not explain it.
pub const OFF: f64 = 0.2;
/// Standard errors from which chance does not explain it.
const SURE: f64 = 3.0;
/// The same for one action among many: its logged probabilities do not add up.
const SURE_OF_ACTION: f64 = 4.5;
/// Effective rewarded rows, (Σw·r)² / Σ(w·r)², below which a number is no evidence whatever the log is: its interval is drawn
/// from the same handful of rows, so it cannot know how far chance would have moved it. Ten, as one asks of events per
/// parameter; the relative standard error of a mean that hangs on k equal rows is about 1/√k, 32 % at ten.
pub const FEW_REWARDED: f64 = 10.0;

/// The judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// (Σw)² / Σw².
    pub ess: f64,
    /// Largest weight.
    pub max_weight: f64,
    /// Mean weight.
    pub mean_weight: f64,
    /// Its standard error.
    pub mean_weight_se: f64,
    /// (Σw·r)² / Σ(w·r)².
    pub rewarded: f64,
    /// Why no weighted estimate is given.
    pub refused: Option<Notice>,
    /// The grade.
    pub grade: Grade,
    /// Its reason.
    pub reason: Notice,
    /// What else to know.
    pub warnings: Vec<Notice>,
}

/// Kish's effective sample size.
pub fn effective(weights: impl Iterator<Item = f64>) -> f64 {
    let (sum, squares) = weights.fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// Judges the weights of a log.
pub fn judge(log: &Log, propensity: &[f64], weights: &[f64], support: &Support, chosen: Chosen) -> Verdict {
    let n = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / n;
    let se = (weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n).sqrt() / n.sqrt();
    let ess = effective(weights.iter().copied());
    let max = weights.iter().copied().fold(0.0, f64::max);
    let rewarded = effective(weights.iter().zip(&log.reward).map(|(w, r)| w * r.abs()));
    let off = (mean - 1.0).abs();
    let refused = if support.never > MOST_UNSUPPORTED {
        let worst = support.actions.first().map_or("", |a| a.action.as_str());
        Some(note!("policy.refused_never", share = numbers::percent(support.never), action = worst))
    } else if ess < FEWEST {
        let shown = numbers::fixed(ess, 1);
        Some(note!("policy.refused_ess", ess = shown, rows = weights.len(), least = FEWEST, weight = numbers::plain(max)))
    } else if off > FAR || (off > OFF && off > SURE * se) {
        Some(note!("policy.refused_mean", mean = numbers::fixed(mean, 3), se = numbers::fixed(se, 3)))
    } else {
        None
    };
    let mut warnings = Vec::new();
    if support.never > 0.0 && refused.is_none() {
        warnings.push(note!("policy.some_never", share = numbers::percent(support.never)));
    }
    if support.hardly > 0.0 {
        warnings.push(note!("policy.some_hardly", share = numbers::percent(support.hardly)));
    }
    if se > 0.0 && off > SURE * se && refused.is_none() {
        warnings.push(note!("policy.mean_off", mean = numbers::fixed(mean, 3), se = numbers::fixed(se, 3)));
    }
    let wrong = if chosen == Chosen::Logged { wrong_action(log, propensity) } else { None };
    let (grade, reason) = match (&refused, &wrong, chosen) {
        (Some(why), _, _) => (Grade::D, why.clone()),
        (None, _, _) if rewarded < FEW_REWARDED => {
            (Grade::D, note!("policy.few_rewarded", rows = numbers::fixed(rewarded, 1), least = FEW_REWARDED))
        }
        (None, Some((action, sum)), _) => {
            (Grade::C, note!("policy.grade_wrong_propensity", action = action, sum = numbers::fixed(*sum, 2)))
        }
        (None, None, Chosen::Logged) if support.hardly > MOST_THIN => {
            (Grade::B, note!("policy.grade_thin", share = numbers::percent(support.hardly)))
        }
        (None, None, Chosen::Logged) => (Grade::A, note!("policy.grade_logged")),
        (None, None, Chosen::EstimatedFromContext) => (Grade::B, note!("policy.grade_estimated", columns = log.columns.context.join(", "))),
        (None, None, Chosen::EstimatedShares) => (Grade::C, note!("policy.grade_shares")),
    };
    Verdict { ess, max_weight: max, mean_weight: mean, mean_weight_se: se, rewarded, refused, grade, reason, warnings }
}

/// An action whose logged probabilities contradict how often it was taken: the mean of 1{a}/p over all rows is 1 where they
/// are right.
fn wrong_action(log: &Log, propensity: &[f64]) -> Option<(String, f64)> {
    let n = log.rows() as f64;
    let k = log.names.len();
    let (mut sum, mut squares) = (vec![0.0; k], vec![0.0; k]);
    for (a, p) in log.action.iter().zip(propensity) {
        sum[*a as usize] += 1.0 / p;
        squares[*a as usize] += 1.0 / (p * p);
    }
    let off = |a: usize| {
        // On the log scale, where a few rows that happen to lack the tiny probabilities do not look like proof.
        let ess = if squares[a] > 0.0 { sum[a] * sum[a] / squares[a] } else { 0.0 };
        let spread = squares[a] / n > (sum[a] / n).powi(2);
        if ess >= 30.0 && spread { (sum[a] / n).ln().abs() * ess.sqrt() } else { 0.0 }
    };
    let worst = (0..k).max_by(|a, b| off(*a).total_cmp(&off(*b)).then(b.cmp(a)))?;
    (off(worst) > SURE_OF_ACTION).then(|| (log.names[worst].clone(), sum[worst] / n))
}
