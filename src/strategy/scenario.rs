//! A scenario: for whom, which levers to which values, and the money assumptions that the analyst entered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A value that a lever is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// True or false.
    Flag(bool),
    /// An amount.
    Number(f64),
    /// A level, or a change such as `+10%`, `*1.2`, `+3`.
    Text(String),
}

/// One named what-if.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// For whom: a condition such as `VisitorType = 'Returning_Visitor'`; everybody if absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// One line of the file instead of a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// Which model answers; the recipe's first if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Lever to value.
    #[serde(default)]
    pub set: BTreeMap<String, Setting>,
    /// Money earned per conversion, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_per_conversion: Option<f64>,
    /// Money spent per person reached, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_contact: Option<f64>,
    /// Money spent once, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_cost: Option<f64>,
    /// Outcome proxies that the analyst unlocked for this scenario.
    #[serde(default, rename = "override", skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
}

/// The money assumptions of a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// Per conversion.
    pub value_per_conversion: Option<f64>,
    /// Per person reached.
    pub cost_per_contact: Option<f64>,
    /// Once.
    pub fixed_cost: Option<f64>,
}
