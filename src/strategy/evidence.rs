//! The evidence grade, computed from the data and the checks.

use serde::{Deserialize, Serialize};

/// How far a number may be trusted as an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Randomised.
    A,
    /// Adjusted, with overlap shown.
    B,
    /// The model's opinion only.
    C,
    /// Outside what the data supports.
    D,
}
