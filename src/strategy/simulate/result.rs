//! What a simulation says: plain results that the window draws, the report prints and the command line writes.

use serde::{Deserialize, Serialize};

use super::between::Between;
use super::frontier::Frontier;
use crate::base::{Fingerprint, Notice};
use crate::strategy::evidence::Grade;
use crate::strategy::news::News;
use crate::strategy::sensitivity::Sensitivity;
use crate::strategy::terms::{Book, Terms};

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
    /// Which people happened to be in the data, and which model the training gave.
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
    /// People it is about: everybody in the segment.
    #[serde(default)]
    pub people: f64,
    /// People reached: fewer where capacity or budget end before the people do.
    pub reach: Estimate,
    /// Expected conversions (yes/no) or total amount (number).
    pub conversions: Estimate,
    /// Expected rate or mean per person.
    pub rate: Estimate,
    /// Conversions × value per conversion; of bad news, cases avoided × what one saves. `None` without that assumption.
    pub revenue: Option<Estimate>,
    /// Contacts × cost + conversions of those reached × cost + fixed cost, nothing for the baseline; `None` without any of
    /// these assumptions.
    pub cost: Option<Estimate>,
    /// Revenue × margin − cost; of bad news beside doing nothing.
    pub profit: Option<Estimate>,
    /// Expected share of people who stay, by the model that was named for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Estimate>,
    /// Expected satisfaction per person, by the model that was named for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<Estimate>,
    /// Return on what the scenario costs: (its revenue − that of doing nothing − its cost) / its cost. What people would have
    /// bought anyway is no return.
    pub roi: Option<Estimate>,
    /// The assumptions behind it.
    pub money: Terms,
    /// What is known of its people for any other terms; `None` for the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book: Option<Book>,
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
    /// Change in what revenue leaves, less the scenario's cost.
    pub profit: Option<Estimate>,
    /// Change in the share who stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Estimate>,
    /// Change in satisfaction per person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<Estimate>,
    /// Which levers drive the change in conversions: exact Shapley values over the levers moved; they sum to the change.
    pub drivers: Vec<(String, f64)>,
}

/// One scenario beyond another: what it adds less what the other adds, on the same draws of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The one.
    pub name: String,
    /// The other.
    pub against: String,
    /// People reached beyond the other's.
    pub reach: Estimate,
    /// Conversions added beyond the other's.
    pub conversions: Estimate,
    /// Revenue added beyond the other's, where both have a value per conversion.
    #[serde(default)]
    pub revenue: Option<Estimate>,
    /// Cost beyond the other's, where both have any.
    #[serde(default)]
    pub cost: Option<Estimate>,
    /// Profit beyond the other's, where both have a value per conversion.
    pub profit: Option<Estimate>,
    /// Return on cost beyond the other's, where both have one.
    #[serde(default)]
    pub roi: Option<Estimate>,
    /// Share of everybody in the data that stays beyond the other's, where scenarios are judged by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Estimate>,
    /// Satisfaction beyond the other's, as a mean over everybody in the data, where scenarios are judged by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<Estimate>,
}

impl Pair {
    /// The same, the other way round.
    pub fn turned(&self) -> Self {
        let turn = |e: Estimate| e.scaled(-1.0, 0.0);
        Self {
            name: self.against.clone(),
            against: self.name.clone(),
            reach: turn(self.reach),
            conversions: turn(self.conversions),
            revenue: self.revenue.map(turn),
            cost: self.cost.map(turn),
            profit: self.profit.map(turn),
            roi: self.roi.map(turn),
            retention: self.retention.map(turn),
            satisfaction: self.satisfaction.map(turn),
        }
    }
}

/// A scenario that could not be answered; the others were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unanswered {
    /// Its place among the scenarios that were asked, from nought.
    pub at: usize,
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub fault: Notice,
}

/// A scenario in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Placed<'a> {
    /// Its place among the results; the baseline is the first.
    Answered(usize),
    /// Why there is none.
    Unanswered(&'a Unanswered),
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
    /// Where it is one of several classes: which class is counted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Whether it is an amount: then conversions are a total, and the rate is a mean and no share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub amount: bool,
    /// What one conversion, or one case, is called.
    #[serde(default)]
    pub case: String,
    /// Whether the outcome is good news; where it is bad, fewer is better, and money counts the cases avoided. What the
    /// outcome does keeps its own sign.
    #[serde(default)]
    pub news: News,
    /// Baseline first, then the scenarios in their order.
    pub scenarios: Vec<ScenarioResult>,
    /// Scenarios that could not be answered, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<Unanswered>,
    /// One per scenario but the baseline.
    pub differences: Vec<Difference>,
    /// Every scenario against every one before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
    /// What drives the difference of the two best, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// What each amount of money earns in the best scenario, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontier: Option<Frontier>,
    /// What the profit of each scenario hangs on, where a value per conversion was entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<Sensitivity>,
    /// What the analyst assumed, in words.
    pub assumptions: Vec<Notice>,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Replicates of the bootstrap.
    pub replicates: u32,
    /// How many times the model was trained again, for bands that cover which model the training gave; 0 where they do not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retrained: u32,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Simulation {
    /// The baseline and every scenario that was asked, in their order.
    pub fn placed(&self) -> Vec<Placed<'_>> {
        let mut out: Vec<Placed<'_>> = (0..self.scenarios.len()).map(Placed::Answered).collect();
        for u in &self.unanswered {
            out.insert((u.at + 1).min(out.len()), Placed::Unanswered(u));
        }
        out
    }
}

impl Estimate {
    /// A number that is not estimated.
    pub fn exact(value: f64) -> Self {
        Self { value, low: value, high: value, covers: Covers::Sample }
    }

    /// Times `by`, plus `plus`.
    pub fn scaled(self, by: f64, plus: f64) -> Self {
        let (a, b) = (self.low * by + plus, self.high * by + plus);
        Self { value: self.value * by + plus, low: a.min(b), high: a.max(b), covers: self.covers }
    }
}
