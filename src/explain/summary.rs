//! Many rows at once: importance bars, beeswarm, dependence. All drawn from bins and samples whose size does not grow
//! with the rows.

use serde::{Deserialize, Serialize};

/// What a set of explained rows looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows summarised.
    pub rows: usize,
    /// Features by mean |attribution|, largest first.
    pub importance: Vec<Importance>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Index of the feature.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Mean absolute attribution.
    pub mean_abs: f64,
    /// 95 % interval of that mean (bootstrap over rows).
    pub interval: (f64, f64),
    /// Mean signed attribution.
    pub mean: f64,
    /// Rank correlation of value and attribution: does more of it push up? `None` for categories and constants.
    pub direction: Option<f64>,
    /// Beeswarm: up to 300 sampled dots.
    pub dots: Vec<Dot>,
    /// Dependence: bins of the value (or levels), with mean attribution and a 10–90 % band.
    pub dependence: Vec<DependenceBin>,
}

/// One row in a beeswarm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dot {
    /// Line in the file.
    pub row: u32,
    /// Attribution.
    pub value: f64,
    /// Position of the feature's value among all rows, 0 to 1 (colour); NaN for missing.
    pub rank: f64,
    /// Vertical place within the swarm, −1 to 1.
    pub offset: f64,
    /// The feature's value.
    pub input: f64,
}

/// One bin of a dependence curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependenceBin {
    /// The level or the range, as shown.
    pub label: String,
    /// Middle of the bin (numeric) or the level's index.
    pub x: f64,
    /// Rows in it.
    pub rows: usize,
    /// Mean attribution.
    pub mean: f64,
    /// 10 % quantile.
    pub low: f64,
    /// 90 % quantile.
    pub high: f64,
}
