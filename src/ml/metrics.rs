//! Evaluation on held-out rows: how good, how well calibrated, where the threshold lies.

use serde::{Deserialize, Serialize};

/// Figures of one outcome on one part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Target column.
    pub target: String,
    /// Rows evaluated.
    pub rows: usize,
    /// Positives among them (yes/no).
    pub positives: usize,
    /// The figures.
    pub figures: Figures,
    /// For a movable threshold: counts at each of the distinct thresholds, thinned to at most 1,001 points (yes/no).
    pub thresholds: Vec<ThresholdPoint>,
    /// Calibration bins (yes/no).
    pub calibration: Vec<CalibrationBin>,
    /// Cumulative gain: share of rows contacted, share of positives reached; 101 points (yes/no).
    pub gain: Vec<(f64, f64)>,
}

/// The headline figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figures {
    /// Of a yes/no outcome.
    Binary(BinaryFigures),
    /// Of an amount.
    Number(NumberFigures),
}

/// Of a yes/no outcome; `None` where it is not defined (one class only).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinaryFigures {
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Its 95 % interval (DeLong).
    pub auc_interval: Option<(f64, f64)>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Mean log-loss.
    pub log_loss: f64,
    /// Share of right answers at the threshold.
    pub accuracy: f64,
    /// F1 at the threshold.
    pub f1: f64,
    /// Expected calibration error, 10 equal-width bins.
    pub ece: f64,
    /// The threshold.
    pub threshold: f64,
}

/// Of an amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberFigures {
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Share of variance explained; `None` for a constant target.
    pub r2: Option<f64>,
}

/// The confusion matrix at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPoint {
    /// Predicted positive when p ≥ this.
    pub threshold: f64,
    /// Right yes.
    pub true_positives: usize,
    /// Wrong yes.
    pub false_positives: usize,
    /// Right no.
    pub true_negatives: usize,
    /// Wrong no.
    pub false_negatives: usize,
}

/// One bin of the calibration curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
    /// 95 % interval of that share (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Rows in the bin.
    pub rows: usize,
}
