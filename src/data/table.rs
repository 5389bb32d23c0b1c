//! The table: named, typed columns with missing values, on polars inside and plain slices outside.
//!
//! Row numbers are 0-based and follow the file; they survive every preparation step (see [`Table::file_rows`]), so that a
//! prediction or an explanation can always be traced to its line.

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Whole numbers.
    Integer,
    /// Numbers with a fraction.
    Number,
    /// True or false.
    Boolean,
    /// Words, codes, sentences.
    Text,
    /// A calendar day.
    Date,
    /// A moment.
    Datetime,
}

/// A table in memory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) frame: polars::prelude::DataFrame,
    /// Line of each row in the file it came from, when rows were removed; `None` means row i is line i.
    pub(super) file_rows: Option<std::sync::Arc<Vec<u32>>>,
}
