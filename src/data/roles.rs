//! Roles: what a column is for. Columns have roles, not fixed names, so any table with an outcome works.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The outcome to predict.
    Target,
    /// What a model may use.
    Feature,
    /// Who acted; an identifier, never a feature.
    User,
    /// What was shown or bought.
    Item,
    /// When.
    Time,
    /// What kind of event.
    Event,
    /// What was done to the person (e-mail, discount).
    Treatment,
    /// Probability with which the logged choice was made.
    Propensity,
    /// Money earned; an outcome, never a feature.
    Value,
    /// Money spent.
    Cost,
    /// Free text; used by a named encoder or visibly ignored.
    Text,
    /// About a protected trait; never a feature, never exported unless the analyst says so.
    Sensitive,
    /// Left out.
    Ignore,
}

impl Role {
    /// All roles, in the order of the menu.
    pub const ALL: [Self; 13] = [
        Self::Target,
        Self::Feature,
        Self::User,
        Self::Item,
        Self::Time,
        Self::Event,
        Self::Treatment,
        Self::Propensity,
        Self::Value,
        Self::Cost,
        Self::Text,
        Self::Sensitive,
        Self::Ignore,
    ];
}

/// The role of every column, and which numeric columns are really codes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roles {
    /// Column name to role.
    pub of: BTreeMap<String, Role>,
    /// Columns whose numbers are codes, not amounts.
    pub categorical: std::collections::BTreeSet<String>,
    /// Columns that a scenario may move.
    pub levers: std::collections::BTreeSet<String>,
}
