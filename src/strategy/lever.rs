//! Levers: the columns that a scenario may move, and the ones it must not.

use serde::{Deserialize, Serialize};

use crate::base::Notice;

/// A column that a scenario may move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lever {
    /// Column name.
    pub column: String,
    /// Index of the feature.
    pub feature: usize,
    /// Free, or locked as an outcome proxy.
    pub status: LeverStatus,
    /// Why it is locked, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Notice>,
    /// AUC (or R²) that the model loses without it, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<f64>,
}

/// Whether a lever may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeverStatus {
    /// May be moved.
    Free,
    /// An outcome proxy: locked until the analyst overrides it.
    Locked,
    /// Locked, and overridden by the analyst; every result then says so.
    Overridden,
}
