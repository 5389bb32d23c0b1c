//! Features: a fitted encoder turns table rows into the plain matrix that every model reads.
//!
//! One column per input feature, in file order: a number as it is, a category as the index of its level. Models make
//! what they need of it (one-hot, embeddings, bins) themselves, so that an attribution always speaks of the analyst's own
//! columns. Missing is NaN; a level that training never saw is [`UNSEEN`].

use serde::{Deserialize, Serialize};

/// Code of a category that was not in the training rows.
pub const UNSEEN: f64 = -1.0;

/// How a feature is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FeatureKind {
    /// An amount; booleans are 0 and 1 with `boolean` set, dates are days since 1970.
    Numeric {
        /// Whole numbers only.
        integer: bool,
        /// Only 0 and 1, from a true/false column.
        boolean: bool,
    },
    /// A code: the value is an index into `levels`.
    Categorical {
        /// Level names, sorted; as the file writes them.
        levels: Vec<String>,
    },
}

/// One input feature with the summary that explanations and levers need without the training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Column name.
    pub name: String,
    /// Amount or code.
    #[serde(flatten)]
    pub kind: FeatureKind,
    /// Mean over the train rows (numeric; NaN-free).
    pub mean: f64,
    /// Population standard deviation over the train rows (numeric).
    pub sd: f64,
    /// Smallest and largest value in the train rows (numeric).
    pub range: (f64, f64),
    /// 0, 1, 5, 25, 50, 75, 95, 99, 100 % quantiles over the train rows (numeric).
    pub quantiles: Vec<f64>,
    /// Share of train rows per level (categorical), in the order of `levels`.
    pub shares: Vec<f64>,
    /// Share of train rows in which it is missing.
    pub missing: f64,
}

impl Feature {
    /// The levels of a categorical feature; empty for a numeric one.
    pub fn levels(&self) -> &[String] {
        match &self.kind {
            FeatureKind::Categorical { levels } => levels,
            FeatureKind::Numeric { .. } => &[],
        }
    }
    /// Whether the value is an index into levels.
    pub fn is_categorical(&self) -> bool {
        matches!(self.kind, FeatureKind::Categorical { .. })
    }
    /// A matrix value as the analyst would write it.
    pub fn show(&self, value: f64) -> String {
        if value.is_nan() {
            return "–".to_owned();
        }
        match &self.kind {
            FeatureKind::Categorical { levels } => {
                levels.get(value as usize).filter(|_| value >= 0.0).cloned().unwrap_or_else(|| "?".to_owned())
            }
            FeatureKind::Numeric { boolean: true, .. } => if value > 0.5 { "true" } else { "false" }.to_owned(),
            FeatureKind::Numeric { .. } => crate::base::numbers::plain(value),
        }
    }
    /// What the analyst wrote as a matrix value; NaN for an empty text, `None` if it does not fit the feature.
    pub fn parse(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        if text.is_empty() {
            return Some(f64::NAN);
        }
        match &self.kind {
            FeatureKind::Categorical { levels } => levels.iter().position(|l| l == text).map(|i| i as f64),
            FeatureKind::Numeric { boolean: true, .. } => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" | "t" | "y" => Some(1.0),
                "false" | "no" | "0" | "f" | "n" => Some(0.0),
                _ => None,
            },
            FeatureKind::Numeric { .. } => text.parse().ok().filter(|x: &f64| x.is_finite()),
        }
    }
}

/// Rows × features, row-major, f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureMatrix {
    /// Number of columns.
    pub n_features: usize,
    /// `rows × n_features` values.
    pub values: Vec<f64>,
}

impl FeatureMatrix {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.len().checked_div(self.n_features).unwrap_or(0)
    }
    /// One row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n_features..(i + 1) * self.n_features]
    }
    /// Some rows, in the order given.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut values = Vec::with_capacity(rows.len() * self.n_features);
        for &r in rows {
            values.extend_from_slice(self.row(r));
        }
        Self { n_features: self.n_features, values }
    }
}

/// The fitted encoder: prepared table → matrix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// Preparation that comes first.
    pub prepare: super::prepare::FittedPrepare,
    /// The input features, in file order.
    pub features: Vec<Feature>,
}
