//! What a scenario does to the expected outcome, beside the baseline.

use serde::{Deserialize, Serialize};

use super::evidence::Grade;
use super::scenario::Money;
use crate::base::{Fingerprint, Notice};

/// A number with its interval and what the interval covers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What the interval covers: the sampling of people, the model, or single outcomes.
    pub covers: Covers,
}

/// What an interval covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Covers {
    /// Which people happened to be in the data (95 % bootstrap over rows).
    Sample,
    /// Which model the training gave.
    Model,
    /// What single outcomes may be.
    Outcome,
}

/// One scenario's expected result (the baseline is one without settings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Its name.
    pub name: String,
    /// The evidence grade.
    pub grade: Grade,
    /// Why this grade.
    pub reason: Notice,
    /// People in the segment.
    pub reach: Estimate,
    /// Expected conversions (yes/no) or total amount (number).
    pub conversions: Estimate,
    /// Expected rate or mean per person.
    pub rate: Estimate,
    /// Conversions × value per conversion; `None` without that assumption.
    pub revenue: Option<Estimate>,
    /// Contacts × cost + fixed cost; `None` without that assumption.
    pub cost: Option<Estimate>,
    /// Revenue − cost.
    pub profit: Option<Estimate>,
    /// Profit / cost.
    pub roi: Option<Estimate>,
    /// The money assumptions behind it.
    pub money: Money,
    /// Share of reached rows whose changed values lie outside what training saw.
    pub outside: f64,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Scenario minus baseline, person by person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The scenario.
    pub name: String,
    /// Change in expected conversions.
    pub conversions: Estimate,
    /// Change in the rate.
    pub rate: Estimate,
    /// Change in revenue.
    pub revenue: Option<Estimate>,
    /// Change in profit.
    pub profit: Option<Estimate>,
    /// Which levers drive the change in conversions: exact Shapley values over the levers moved; they sum to the change.
    pub drivers: Vec<(String, f64)>,
}

/// Everything a simulation says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// Which model answered.
    pub model_name: String,
    /// Its weights.
    pub model: Fingerprint,
    /// On which data.
    pub data: Fingerprint,
    /// The outcome.
    pub outcome: String,
    /// Baseline first, then the scenarios in their order.
    pub scenarios: Vec<ScenarioResult>,
    /// One per scenario but the baseline.
    pub differences: Vec<Difference>,
    /// What the analyst assumed, in words.
    pub assumptions: Vec<Notice>,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Replicates of the bootstrap.
    pub replicates: u32,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}
