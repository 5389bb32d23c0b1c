//! Ranking of items for one person by predicted outcome, and why the first stands before the second.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, Notice};

/// Items for one person, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The person, as asked for.
    pub person: String,
    /// The outcome ranked by.
    pub outcome: String,
    /// All items, best first.
    pub items: Vec<RankedItem>,
    /// Features that differ in effect between the first and the second item: name, effect on the gap in probability
    /// (first − second); they sum to the gap of the predictions up to `gap`.
    pub against_second: Vec<Contrast>,
    /// What is left unexplained of that difference.
    pub gap: f64,
    /// The reason in words (English and Chinese rendered from it).
    pub reason: Vec<Notice>,
    /// Which model.
    pub model: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedItem {
    /// 1 is best; ties share the better rank.
    pub rank: usize,
    /// The item's identifier.
    pub item: String,
    /// Predicted probability or amount.
    pub predicted: f64,
    /// Times it was shown in the log.
    pub impressions: usize,
    /// Observed rate in the log, where it was shown.
    pub observed: Option<f64>,
    /// Its features as shown, name and value.
    pub features: Vec<(String, String)>,
}

/// One reason why A stands before B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// Feature name.
    pub feature: String,
    /// Its value for the first.
    pub first: String,
    /// Its value for the second.
    pub second: String,
    /// Effect on the difference of the predictions.
    pub effect: f64,
}
