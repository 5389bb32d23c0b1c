//! What the analyst wants of a budget, as read from a TOML file or made in the window.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::curve::Curve;
use crate::base::Result;
use crate::fault;

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Goal {
    /// The most response for at most the budget.
    Fixed,
    /// The most response while all spending together returns this much for each unit spent.
    TargetRoi {
        /// Value of the response over spending.
        target: f64,
    },
    /// Spend wherever the next unit still returns this much.
    TargetMarginalRoi {
        /// Value of the next unit.
        target: f64,
    },
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What spending gives.
    pub curve: Curve,
    /// Other curves that the data allow as well (bootstrap): they make the bands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draws: Vec<Curve>,
    /// Least spending.
    #[serde(default)]
    pub floor: f64,
    /// Most spending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<f64>,
    /// What is spent today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<f64>,
    /// Largest spending seen in the data; above it the curve is a guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<f64>,
}

/// A condition on several channels: a weighted sum within bounds. A group's budget has weights of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// Channel and weight.
    pub terms: BTreeMap<String, f64>,
    /// Least value of the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Most value of the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

/// A budget and everything said about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Most spending in all; none for a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// What is to be reached.
    #[serde(default = "fixed")]
    pub goal: Goal,
    /// Money that one unit of response is worth, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Channels.
    #[serde(rename = "channel")]
    pub channels: Vec<Channel>,
    /// Conditions.
    #[serde(default, rename = "condition", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

fn fixed() -> Goal {
    Goal::Fixed
}

/// Most channels.
const MOST: usize = 200;

impl Budget {
    /// Reads a plan.
    pub fn read(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| fault!("budget.unreadable", reason = e.message()))
    }

    /// Takes a channel out, and out of every condition.
    pub fn remove_channel(&mut self, i: usize) {
        let gone = self.channels.remove(i).name;
        for c in &mut self.conditions {
            c.terms.remove(&gone);
        }
    }

    /// Gives a channel another name, in the conditions too.
    pub fn rename_channel(&mut self, i: usize, name: &str) {
        let before = std::mem::replace(&mut self.channels[i].name, name.to_owned());
        for c in &mut self.conditions {
            if let Some(weight) = c.terms.remove(&before) {
                c.terms.insert(name.to_owned(), weight);
            }
        }
    }

    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<()> {
        if self.channels.is_empty() || self.channels.len() > MOST {
            return Err(fault!("budget.channels", count = self.channels.len(), most = MOST));
        }
        let fine = |v: f64| v.is_finite() && v >= 0.0;
        if let Some(b) = self.budget.filter(|b| !fine(*b)) {
            return Err(fault!("budget.bad_budget", budget = b));
        }
        for (i, c) in self.channels.iter().enumerate() {
            c.curve.check(&c.name)?;
            c.draws.iter().try_for_each(|d| d.check(&c.name))?;
            if self.channels[..i].iter().any(|o| o.name == c.name) {
                return Err(fault!("budget.twice", channel = &c.name));
            }
            if !fine(c.floor) || c.cap.is_some_and(|cap| !fine(cap)) {
                return Err(fault!("budget.bad_bounds", channel = &c.name));
            }
            if let Some(cap) = c.cap.filter(|cap| *cap < c.floor) {
                return Err(fault!("budget.floor_over_cap", channel = &c.name, floor = c.floor, cap = cap));
            }
        }
        for condition in &self.conditions {
            if let Some(unknown) = condition.terms.keys().find(|k| self.channels.iter().all(|c| c.name != **k)) {
                return Err(fault!("budget.no_channel", condition = &condition.name, channel = unknown));
            }
            let bounds = [condition.at_least, condition.at_most];
            let bad = |v: &f64| !v.is_finite();
            if bounds.iter().all(Option::is_none) || bounds.iter().flatten().chain(condition.terms.values()).any(bad) {
                return Err(fault!("budget.bad_condition", condition = &condition.name));
            }
        }
        match self.goal {
            Goal::Fixed if self.budget.is_none() => Err(fault!("budget.no_budget")),
            Goal::TargetRoi { target } | Goal::TargetMarginalRoi { target } if !(target > 0.0 && target.is_finite()) => {
                Err(fault!("budget.bad_target", target = target))
            }
            Goal::TargetRoi { .. } | Goal::TargetMarginalRoi { .. } if self.value.is_none() => Err(fault!("budget.no_value")),
            _ if self.value.is_some_and(|v| !(v > 0.0 && v.is_finite())) => Err(fault!("budget.bad_value")),
            _ => Ok(()),
        }
    }
}
