//! The reference group of an explanation: “compared with whom?”. Everyone, those who did not buy, last month, another
//! segment: rows from which the features that are not known yet are taken.

use serde::{Deserialize, Serialize};

use crate::base::rng;
use crate::data::FeatureMatrix;

/// Most rows of a group that tables of trees take in.
pub const MOST_TREES: usize = 20_000;
/// Most rows of a group where every one of them costs a prediction.
pub const MOST_PREDICTED: usize = 100;

/// A group of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The group's name or condition, as the analyst wrote it; empty for everyone.
    pub label: String,
    /// Its rows, as the model reads them.
    pub x: FeatureMatrix,
    /// How many rows the group had before a sample was drawn.
    pub of: usize,
}

/// What a result says of its reference group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceNote {
    /// The group's name or condition; empty for everyone.
    pub label: String,
    /// Rows used.
    pub rows: usize,
    /// Rows of the group.
    pub of: usize,
}

impl Reference {
    /// At most `most` of the rows, the same for the same seed.
    pub fn limited(&self, most: usize, seed: u64) -> Self {
        if self.x.n_rows() <= most {
            return self.clone();
        }
        let mut rows: Vec<usize> = (0..self.x.n_rows()).collect();
        rng::shuffle(&mut rng::rng(seed, "reference"), &mut rows);
        rows.truncate(most);
        rows.sort_unstable();
        Self { label: self.label.clone(), x: self.x.select(&rows), of: self.of }
    }

    /// What to say of it.
    pub fn note(&self) -> ReferenceNote {
        ReferenceNote { label: self.label.clone(), rows: self.x.n_rows(), of: self.of }
    }
}
