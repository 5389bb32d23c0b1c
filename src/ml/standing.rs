//! People as they are, kept so that a model is quick to say what a change of some features makes of them.

use super::predictor::Leaves;
use crate::data::FeatureMatrix;

/// Rows that are changed together where a model has to read them anew; few enough to stay near the processor.
const CHUNK: usize = 65_536;

/// A feature that is moved, and its new value for each of some rows.
#[derive(Debug)]
pub struct Changed {
    /// The feature.
    pub feature: usize,
    /// One value per row.
    pub values: Vec<f64>,
}

/// What a model says of rows as they are, and what it keeps about them.
pub struct Standing {
    /// Margins of the rows, `rows × outcomes`.
    pub margins: Vec<f64>,
    pub(super) leaves: Option<Leaves>,
}

impl From<Vec<f64>> for Standing {
    fn from(margins: Vec<f64>) -> Self {
        Self { margins, leaves: None }
    }
}

/// Some of `rows` as they are and as the change makes them, piece by piece: where in `rows` a piece begins, before, after.
pub(super) fn pieces<'a>(
    x: &'a FeatureMatrix,
    rows: &'a [usize],
    changed: &'a [Changed],
) -> impl Iterator<Item = (&'a [usize], FeatureMatrix, FeatureMatrix)> {
    rows.chunks(CHUNK).enumerate().map(move |(at, some)| {
        let before = x.select(some);
        let mut after = before.clone();
        for c in changed {
            let new = &c.values[at * CHUNK..at * CHUNK + some.len()];
            after.values.iter_mut().skip(c.feature).step_by(x.n_features).zip(new).for_each(|(cell, v)| *cell = *v);
        }
        (some, before, after)
    })
}

/// The margins of some rows, one after the other.
pub(super) fn of_rows(margins: &[f64], outcomes: usize, rows: &[usize]) -> Vec<f64> {
    rows.iter().flat_map(|&r| margins[r * outcomes..(r + 1) * outcomes].iter().copied()).collect()
}
