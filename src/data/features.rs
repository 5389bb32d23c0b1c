//! Features: a fitted encoder turns table rows into the plain matrix that every model reads.
//!
//! One column per input feature, in file order: a number as it is, a category as the index of its level. Models make
//! what they need of it (one-hot, embeddings, bins) themselves, so that an attribution always speaks of the analyst's own
//! columns. Missing is NaN; a level that training never saw is [`UNSEEN`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::prepare::FittedPrepare;
use super::roles::Roles;
use super::table::{ColumnType, Table};
use crate::base::{Notice, Result};
use crate::{fault, note};

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
    pub prepare: FittedPrepare,
    /// The input features, in file order.
    pub features: Vec<Feature>,
}

/// Most levels of a category that get a code of their own.
pub const MOST_LEVELS: usize = 1_000;
/// Quantiles are taken over at most this many evenly spaced train rows.
const QUANTILE_ROWS: usize = 100_000;
/// The quantiles that a feature keeps.
pub const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

impl Encoder {
    /// Learns levels and summaries of the named columns from the train rows of a prepared table.
    pub fn fit(table: &Table, names: &[String], roles: &Roles, train: &[usize], prepare: FittedPrepare) -> Result<Self> {
        if names.is_empty() {
            return Err(fault!("data.no_features"));
        }
        let mut at: Vec<(usize, &String)> = names.iter().map(|n| table.column(n).map(|i| (i, n))).collect::<Result<_>>()?;
        at.sort_unstable();
        at.dedup();
        let features = at
            .into_iter()
            .map(|(i, name)| if roles.is_categorical(table, name) { categorical(table, i, train) } else { numeric(table, i, train) })
            .collect();
        Ok(Self { prepare, features })
    }

    /// The matrix of a table that is already prepared. Says what could not be read as training knew it.
    pub fn encode(&self, prepared: &Table) -> Result<(FeatureMatrix, Vec<Notice>)> {
        let (n, m) = (prepared.n_rows(), self.features.len());
        let mut values = vec![f64::NAN; n * m];
        let mut notices = Vec::new();
        for (j, feature) in self.features.iter().enumerate() {
            let i = prepared.column(&feature.name)?;
            match &feature.kind {
                FeatureKind::Numeric { .. } => {
                    let mut infinite = 0;
                    for (row, x) in prepared.numbers(i).into_iter().enumerate() {
                        infinite += usize::from(x.is_infinite());
                        values[row * m + j] = if x.is_finite() { x } else { f64::NAN };
                    }
                    if infinite > 0 {
                        notices.push(note!("data.encode_infinite", column = &feature.name, count = infinite));
                    }
                }
                FeatureKind::Categorical { levels } => {
                    let index: BTreeMap<&str, usize> = levels.iter().enumerate().map(|(k, l)| (l.as_str(), k)).collect();
                    let (codes, here) = prepared.codes(i);
                    let code: Vec<f64> = here.iter().map(|l| index.get(l.as_str()).map_or(UNSEEN, |k| *k as f64)).collect();
                    let mut unseen = 0;
                    for (row, c) in codes.into_iter().enumerate() {
                        if let Ok(c) = usize::try_from(c) {
                            values[row * m + j] = code[c];
                            unseen += usize::from(code[c] == UNSEEN);
                        }
                    }
                    if unseen > 0 {
                        notices.push(note!("data.encode_unseen", column = &feature.name, count = unseen));
                    }
                }
            }
        }
        Ok((FeatureMatrix { n_features: m, values }, notices))
    }

    /// The matrix of a table as it comes from a file: preparation first.
    pub fn encode_raw(&self, raw: &Table) -> Result<(FeatureMatrix, Vec<Notice>)> {
        self.encode(&self.prepare.apply(raw)?)
    }

    /// Position of a feature, or a fault with the nearest name.
    pub fn feature(&self, name: &str) -> Result<usize> {
        self.features.iter().position(|f| f.name == name).ok_or_else(|| {
            let near = self.features.iter().min_by_key(|f| super::table::distance(&f.name, name));
            fault!("data.no_feature", feature = name, nearest = near.map_or("", |f| f.name.as_str()))
        })
    }
}

fn numeric(table: &Table, i: usize, train: &[usize]) -> Feature {
    let all = table.numbers(i);
    let kind = table.column_type(i);
    let present: Vec<f64> = train.iter().map(|&r| all[r]).filter(|x| x.is_finite()).collect();
    let n = present.len() as f64;
    let (mean, sd) = if present.is_empty() {
        (0.0, 0.0)
    } else {
        let mean = present.iter().sum::<f64>() / n;
        (mean, (present.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
    };
    let range = present.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
    let step = present.len().div_ceil(QUANTILE_ROWS).max(1);
    let mut sorted: Vec<f64> = present.iter().copied().step_by(step).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut quantiles: Vec<f64> = QUANTILES.iter().map(|q| quantile(&sorted, *q)).collect();
    if let ([first, .., last], false) = (quantiles.as_mut_slice(), present.is_empty()) {
        (*first, *last) = range;
    }
    Feature {
        name: table.name(i).to_owned(),
        kind: FeatureKind::Numeric { integer: kind == ColumnType::Integer, boolean: kind == ColumnType::Boolean },
        mean,
        sd,
        range: if present.is_empty() { (0.0, 0.0) } else { range },
        quantiles: if present.is_empty() { vec![0.0; QUANTILES.len()] } else { quantiles },
        shares: Vec::new(),
        missing: if train.is_empty() { 0.0 } else { 1.0 - n / train.len() as f64 },
    }
}

fn categorical(table: &Table, i: usize, train: &[usize]) -> Feature {
    let (codes, names) = table.codes(i);
    let mut counts = vec![0usize; names.len()];
    for &r in train {
        if let Ok(c) = usize::try_from(codes[r]) {
            counts[c] += 1;
        }
    }
    let mut kept: Vec<usize> = (0..names.len()).filter(|c| counts[*c] > 0).collect();
    if kept.len() > MOST_LEVELS {
        kept.sort_by_key(|c| (std::cmp::Reverse(counts[*c]), *c));
        kept.truncate(MOST_LEVELS);
        kept.sort_unstable();
    }
    let total = train.len().max(1) as f64;
    let present: usize = counts.iter().sum();
    Feature {
        name: table.name(i).to_owned(),
        kind: FeatureKind::Categorical { levels: kept.iter().map(|c| names[*c].clone()).collect() },
        mean: 0.0,
        sd: 0.0,
        range: (0.0, 0.0),
        quantiles: Vec::new(),
        shares: kept.iter().map(|c| counts[*c] as f64 / total).collect(),
        missing: 1.0 - present as f64 / total,
    }
}

/// Linear interpolation between order statistics, as numpy does; NaN for none.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    if low == high { sorted[low] } else { sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64) }
}

#[cfg(test)]
mod tests {
    use super::super::table::Values;
    use super::*;

    #[test]
    fn levels_and_summaries_come_from_the_train_rows_only() {
        let table = Table::from_columns(vec![
            ("x".into(), Values::Numbers(vec![Some(1.0), Some(3.0), None, Some(100.0)])),
            ("c".into(), Values::Texts(["b", "a", "b", "z"].map(|s| Some(s.to_owned())).to_vec())),
            ("f".into(), Values::Booleans(vec![Some(true), Some(false), Some(true), Some(true)])),
        ])
        .unwrap();
        let names = ["x", "c", "f"].map(str::to_owned);
        let encoder = Encoder::fit(&table, &names, &Roles::default(), &[0, 1, 2], FittedPrepare::default()).unwrap();
        let [x, c, f] = encoder.features.as_slice() else { panic!() };
        assert_eq!((x.mean, x.sd, x.range), (2.0, 1.0, (1.0, 3.0)));
        assert!((x.missing - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(c.levels(), ["a", "b"]);
        assert_eq!(f.kind, FeatureKind::Numeric { integer: false, boolean: true });
        let (matrix, notices) = encoder.encode(&table).unwrap();
        assert_eq!(matrix.row(0), [1.0, 1.0, 1.0]);
        assert!(matrix.row(2)[0].is_nan());
        assert_eq!(matrix.row(3), [100.0, UNSEEN, 1.0]);
        assert_eq!(notices.len(), 1);
        let fault = encoder.encode(&table.drop_columns(&["c".to_owned()])).unwrap_err();
        assert!(fault.to_string().contains('c'));
    }

    #[test]
    fn quantiles_match_numpy() {
        let v = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&v, 0.5), 3.0);
        assert_eq!(quantile(&v, 0.25), 1.75);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
