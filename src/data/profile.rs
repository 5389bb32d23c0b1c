//! What is in a column: missing, distinct, range, histogram, top values, target rate.

use serde::{Deserialize, Serialize};

use super::roles::Role;
use super::table::ColumnType;
use crate::base::Notice;

/// A whole table's profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Rows.
    pub rows: usize,
    /// Rows that repeat an earlier row in every column.
    pub duplicate_rows: usize,
    /// One per column, in file order.
    pub columns: Vec<ColumnProfile>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// One column's profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Role.
    pub role: Role,
    /// Whether its numbers are codes.
    pub categorical: bool,
    /// Missing cells (empty, null, NaN).
    pub missing: usize,
    /// Distinct present values.
    pub distinct: usize,
    /// Smallest value (numbers; dates as days or seconds since 1970).
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Mean (numbers; share of true for booleans).
    pub mean: Option<f64>,
    /// Population standard deviation.
    pub sd: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Equal-width bins from min to max (numbers and times), at most 40; with the target rate per bin if there is a yes/no target.
    pub histogram: Vec<Bin>,
    /// Most frequent values, at most 12.
    pub top: Vec<TopValue>,
    /// Infinite cells.
    pub infinite: usize,
    /// Warnings of this column.
    pub warnings: Vec<Notice>,
}

/// One histogram bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Rows.
    pub count: usize,
    /// Share of positives among them.
    pub target_rate: Option<f64>,
}

/// One frequent value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopValue {
    /// As written.
    pub value: String,
    /// Rows.
    pub count: usize,
    /// Share of positives among them.
    pub target_rate: Option<f64>,
}
