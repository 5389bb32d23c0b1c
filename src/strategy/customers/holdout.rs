//! Expected against actual: what the fitted model said of the time after the observed one, where the log goes on.

use serde::Serialize;

use super::purchases::{self, Purchases};
use super::summary::{Customers, Unit};

/// Customers with so many repeat purchases and more are one group.
const MOST: usize = 7;

/// One group: customers with the same number of repeat purchases so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Repeat purchases; the last group holds this many and more.
    pub frequency: usize,
    /// Customers.
    pub customers: usize,
    /// Purchases that came, per customer.
    pub actual: f64,
    /// Purchases that were expected, per customer.
    pub expected: f64,
}

/// The check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// How long the log goes on, in units.
    pub time: f64,
    /// Purchases that came.
    pub actual: f64,
    /// Purchases that were expected.
    pub expected: f64,
    /// Mean absolute error per customer.
    pub mae: f64,
    /// Correlation over customers.
    pub correlation: Option<f64>,
    /// By repeat purchases so far.
    pub groups: Vec<Group>,
}

/// Compares; `None` where the log ends with the observed time.
pub fn check(customers: &Customers, model: &Purchases, unit: Unit) -> Option<Check> {
    let (_, until) = customers.period?;
    let time = (customers.end - until) as f64 / unit.days();
    if time <= 0.0 {
        return None;
    }
    let p = model.parameters();
    let actual: Vec<f64> = customers.days.iter().map(|d| d.iter().filter(|(day, _)| *day > until).count() as f64).collect();
    let expected: Vec<f64> = customers.list.iter().map(|c| purchases::expected(c, p, time)).collect();
    let n = actual.len() as f64;
    let (ma, me) = (actual.iter().sum::<f64>() / n, expected.iter().sum::<f64>() / n);
    let (mut aa, mut ee, mut ae) = (0.0, 0.0, 0.0);
    for (a, e) in actual.iter().zip(&expected) {
        aa += (a - ma).powi(2);
        ee += (e - me).powi(2);
        ae += (a - ma) * (e - me);
    }
    let groups = (0..=MOST)
        .filter_map(|k| {
            let rows: Vec<usize> = (0..actual.len()).filter(|i| (customers.list[*i].frequency as usize).min(MOST) == k).collect();
            let mean = |v: &[f64]| rows.iter().map(|i| v[*i]).sum::<f64>() / rows.len() as f64;
            (!rows.is_empty()).then(|| Group { frequency: k, customers: rows.len(), actual: mean(&actual), expected: mean(&expected) })
        })
        .collect();
    Some(Check {
        time,
        actual: actual.iter().sum(),
        expected: expected.iter().sum(),
        mae: actual.iter().zip(&expected).map(|(a, e)| (a - e).abs()).sum::<f64>() / n,
        correlation: (aa > 0.0 && ee > 0.0).then(|| ae / (aa * ee).sqrt()),
        groups,
    })
}
