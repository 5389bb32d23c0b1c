//! Splits: which rows train, which validate, which test. Test rows are read once.

use serde::{Deserialize, Serialize};

/// The part a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Fits the model.
    Train,
    /// A share of train that stops training early and calibrates.
    Validation,
    /// Held out.
    Test,
}

/// How to split; written `random:0.3`, `time:COL`, `column:COL`, `group:COL,0.3`, `modulo:10,7`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Split {
    /// A random share tests.
    Random {
        /// Share of rows that test.
        test: f64,
    },
    /// The latest share tests.
    Time {
        /// Column with the moment.
        column: String,
        /// Share of rows that test.
        #[serde(default = "default_test")]
        test: f64,
    },
    /// A column says it: train, validation or test (or true/1 for test).
    Column {
        /// The column.
        column: String,
    },
    /// A random share of the groups tests; a group (a user) is never in both.
    Group {
        /// Column with the group.
        column: String,
        /// Share of groups that test.
        #[serde(default = "default_test")]
        test: f64,
    },
    /// Row i (0-based, file order, before any filter) tests when `i mod of ≥ test_from`.
    Modulo {
        /// The divisor.
        of: u32,
        /// The first remainder that tests.
        test_from: u32,
    },
}

/// The share that tests unless the analyst says otherwise.
pub fn default_test() -> f64 {
    0.3
}
