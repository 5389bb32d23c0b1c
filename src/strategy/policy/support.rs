//! The support map: which actions of the target policy the log never took, or hardly ever.

use serde::Serialize;

use super::log::Log;
use super::target::Target;

/// Rows below which an action counts as hardly taken.
const FEW: usize = 10;
/// Effective rows below which it does.
const FEW_EFFECTIVE: f64 = 5.0;
/// Actions listed; of more, those that the target wants most and the log knows least.
pub const LISTED: usize = 1_000;

/// How well the log knows an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The log never took it.
    Never,
    /// A handful of rows.
    Hardly,
    /// Enough to say something.
    Enough,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionSupport {
    /// The action.
    pub action: String,
    /// Rows in which the log took it.
    pub rows: usize,
    /// Mean probability that the target policy gives it.
    pub target: f64,
    /// Smallest probability with which the log took it.
    pub least_propensity: Option<f64>,
    /// Largest weight of one of its rows.
    pub most_weight: f64,
    /// Effective rows of its weights.
    pub ess: f64,
    /// How well the log knows it.
    pub known: Known,
}

/// The map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Support {
    /// Probability that the target gives to actions the log never took.
    pub never: f64,
    /// Probability that it gives to actions the log hardly took.
    pub hardly: f64,
    /// The actions, least known first.
    pub actions: Vec<ActionSupport>,
    /// Actions not listed.
    pub left_out: usize,
}

/// Draws the map.
pub fn map(log: &Log, target: &Target, propensity: &[f64], weights: &[f64]) -> Support {
    let k = target.names.len();
    let mut rows = vec![0usize; k];
    let mut least = vec![f64::INFINITY; k];
    let (mut most, mut sum, mut squares) = (vec![0.0f64; k], vec![0.0; k], vec![0.0; k]);
    for (i, a) in log.action.iter().enumerate() {
        let a = *a as usize;
        rows[a] += 1;
        least[a] = least[a].min(propensity[i]);
        most[a] = most[a].max(weights[i]);
        sum[a] += weights[i];
        squares[a] += weights[i] * weights[i];
    }
    // How often each distribution is asked for, so that a policy shared by all rows is walked once.
    let mut asked = vec![0usize; target.distributions()];
    (0..log.rows()).for_each(|i| asked[target.distribution(i)] += 1);
    let mut wanted = vec![0.0; k];
    for (d, times) in asked.iter().enumerate().filter(|(_, t)| **t > 0) {
        let share = *times as f64 / log.rows() as f64;
        target.entries(d).iter().for_each(|(a, p)| wanted[*a as usize] += share * p);
    }
    let mut actions: Vec<ActionSupport> = (0..k)
        .map(|a| {
            let ess = if squares[a] > 0.0 { sum[a] * sum[a] / squares[a] } else { 0.0 };
            let known = match rows[a] {
                0 => Known::Never,
                // An action that the target does not want needs no weight.
                r if r < FEW || (wanted[a] > 0.0 && ess < FEW_EFFECTIVE) => Known::Hardly,
                _ => Known::Enough,
            };
            ActionSupport {
                action: target.names[a].clone(),
                rows: rows[a],
                target: wanted[a],
                least_propensity: (rows[a] > 0).then_some(least[a]),
                most_weight: most[a],
                ess,
                known,
            }
        })
        .collect();
    let of = |known: Known| actions.iter().filter(|a| a.known == known).fold(0.0, |sum, a| sum + a.target);
    let (never, hardly) = (of(Known::Never), of(Known::Hardly));
    actions.sort_by(|a, b| a.known.cmp(&b.known).then(b.target.total_cmp(&a.target)).then(a.rows.cmp(&b.rows)));
    let left_out = actions.len().saturating_sub(LISTED);
    actions.truncate(LISTED);
    Support { never, hardly, actions, left_out }
}
