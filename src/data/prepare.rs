//! Preparation: a visible list of steps, fitted on the train rows only, each saying what it changes.

use serde::{Deserialize, Serialize};

use crate::base::Notice;

/// One step of the recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Keeps the first of rows that agree in all columns (or in those named).
    Deduplicate {
        /// Columns compared; all if empty.
        #[serde(default)]
        columns: Vec<String>,
    },
    /// Fills missing cells.
    Fill {
        /// Which columns.
        columns: Vec<String>,
        /// With what.
        with: FillWith,
        /// The constant, for `with = "constant"`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Removes rows beyond the limits (clip = drop nothing, set to the limit: see winsorise).
    Clip {
        /// Which columns.
        columns: Vec<String>,
        /// Smallest value kept as it is; smaller ones become it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lower: Option<f64>,
        /// Largest value kept as it is; larger ones become it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upper: Option<f64>,
    },
    /// Sets values beyond train quantiles to those quantiles.
    Winsorise {
        /// Which columns.
        columns: Vec<String>,
        /// Lower quantile, 0 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lower: Option<f64>,
        /// Upper quantile, 1 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upper: Option<f64>,
    },
    /// Rescales numbers with train summaries.
    Normalise {
        /// Which columns.
        columns: Vec<String>,
        /// To what.
        #[serde(default)]
        method: Normalisation,
    },
    /// Removes columns.
    Drop {
        /// Which columns.
        columns: Vec<String>,
    },
}

/// What fills a missing cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FillWith {
    /// The train median (numbers).
    Median,
    /// The most frequent train value.
    Mode,
    /// A constant.
    Constant,
    /// Nothing is filled; a true/false column `NAME_missing` is added instead.
    Flag,
}

/// How numbers are rescaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Mean 0, standard deviation 1.
    #[default]
    ZScore,
    /// From 0 to 1.
    MinMax,
}

/// A step with what it learned from the train rows; applies to rows it has never seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedStep {
    /// The step.
    pub step: Step,
    /// What it learned, one entry per column: a fill value as written, or the numbers it needs.
    pub learned: std::collections::BTreeMap<String, Learned>,
}

/// What a step learned about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Learned {
    /// Two numbers: limits, or centre and scale.
    Pair(f64, f64),
    /// A value to fill.
    Value(String),
}

/// All fitted steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FittedPrepare {
    /// The steps.
    pub steps: Vec<FittedStep>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepEffect {
    /// The step.
    pub step: Step,
    /// In words.
    pub title: Notice,
    /// Rows before and after.
    pub rows: (usize, usize),
    /// Cells it changed.
    pub cells: usize,
    /// Rows in which it changed a cell, or that it removed.
    pub rows_changed: usize,
    /// Per column: name, missing, mean, min and max before and after.
    pub columns: Vec<ColumnChange>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// A column before and after a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnChange {
    /// Column.
    pub name: String,
    /// Cells changed.
    pub cells: usize,
    /// Before: missing cells, mean, min, max.
    pub before: (usize, Option<f64>, Option<f64>, Option<f64>),
    /// After.
    pub after: (usize, Option<f64>, Option<f64>, Option<f64>),
}
