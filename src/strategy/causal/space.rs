//! The columns that a causal learner works on.
//!
//! One rule for every linear learner: a number is one column, with missing cells at the mean; a category with k levels is
//! k − 1 columns, the first level in order being what the others are compared with (a missing or unseen level counts as it);
//! then every column is z-scored with mean and population deviation of the train rows. Trees read the features as they are.

use rayon::prelude::*;

use crate::base::Result;
use crate::data::{Feature, FeatureMatrix};
use crate::fault;

/// Cells up to which the columns are written out.
const MOST_CELLS: usize = 400_000_000;

/// One column of the design.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Column {
    feature: usize,
    /// The level that it stands for; none for a number.
    level: Option<usize>,
    mean: f64,
    sd: f64,
}

/// Columns that were fitted to some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    columns: Vec<Column>,
}

impl Design {
    /// Learns means and deviations of the columns of `chosen` features from `train` rows.
    pub fn fit(features: &[Feature], chosen: &[usize], x: &FeatureMatrix, train: &[usize]) -> Result<Self> {
        let mut columns = Vec::new();
        for &f in chosen {
            match features[f].levels().len() {
                _ if !features[f].is_categorical() => columns.push((f, None)),
                k => columns.extend((1..k).map(|l| (f, Some(l)))),
            }
        }
        if columns.len().saturating_mul(x.n_rows()) > MOST_CELLS {
            let widest = chosen.iter().max_by_key(|f| features[**f].levels().len()).map_or("", |f| features[*f].name.as_str());
            return Err(fault!("uplift.too_wide", columns = columns.len(), rows = x.n_rows(), column = widest));
        }
        let columns = columns
            .into_par_iter()
            .map(|(feature, level)| {
                let value = |r: usize| raw(x.row(r)[feature], level);
                let known = || train.iter().map(|&r| value(r)).filter(|v| v.is_finite());
                let n = known().count().max(1) as f64;
                let mean = known().sum::<f64>() / n;
                let sd = (known().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
                // A constant column carries nothing; it becomes 0 everywhere.
                Column { feature, level, mean, sd: if sd > 1e-12 * mean.abs().max(1e-300) { sd } else { f64::INFINITY } }
            })
            .collect();
        Ok(Self { columns })
    }

    /// The scaled columns of every row.
    pub fn matrix(&self, x: &FeatureMatrix) -> FeatureMatrix {
        let p = self.columns.len();
        let mut values = vec![0.0; x.n_rows() * p];
        values.par_chunks_mut(p.max(1) * 4_096).enumerate().for_each(|(c, part)| {
            for (i, row) in part.chunks_mut(p.max(1)).enumerate() {
                let source = x.row(c * 4_096 + i);
                for (slot, column) in row.iter_mut().zip(&self.columns) {
                    let v = raw(source[column.feature], column.level);
                    *slot = if v.is_finite() { (v - column.mean) / column.sd } else { 0.0 };
                }
            }
        });
        FeatureMatrix { n_features: p, values }
    }

    /// What the columns stand for: the feature, and the level where there is one.
    pub fn names(&self, features: &[Feature]) -> Vec<String> {
        let name = |c: &Column| {
            let feature = &features[c.feature];
            c.level.map_or_else(|| feature.name.clone(), |l| format!("{}={}", feature.name, feature.levels()[l]))
        };
        self.columns.iter().map(name).collect()
    }

    /// The feature behind each column.
    pub fn features(&self) -> Vec<usize> {
        self.columns.iter().map(|c| c.feature).collect()
    }
}

fn raw(value: f64, level: Option<usize>) -> f64 {
    match level {
        None => value,
        Some(l) => f64::from(u8::from(value == l as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::train::sample::{category, numeric};

    #[test]
    fn k_levels_become_k_minus_one_scaled_columns() {
        let features = [numeric("n", false), category("c", 3), numeric("flag", true), numeric("same", false)];
        let values = vec![1.0, 0.0, 0.0, 5.0, 3.0, 1.0, 1.0, 5.0, f64::NAN, 2.0, 1.0, 5.0, 9.0, -1.0, 0.0, 5.0];
        let x = FeatureMatrix { n_features: 4, values };
        let design = Design::fit(&features, &[0, 1, 2, 3], &x, &[0, 1, 2]).unwrap();
        assert_eq!(design.names(&features), ["n", "c=l001", "c=l002", "flag", "same"]);
        let z = design.matrix(&x);
        let root2 = 2f64.sqrt();
        let want = [
            [-1.0, -root2 / 2.0, -root2 / 2.0, -root2, 0.0],
            [1.0, root2, -root2 / 2.0, root2 / 2.0, 0.0],
            // A missing number is the mean.
            [0.0, -root2 / 2.0, root2, root2 / 2.0, 0.0],
            // An unseen level counts as the first.
            [7.0, -root2 / 2.0, -root2 / 2.0, -root2, 0.0],
        ];
        for (r, want) in want.iter().enumerate() {
            assert!(z.row(r).iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{r}: {:?}", z.row(r));
        }
    }
}
