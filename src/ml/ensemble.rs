//! The neutral tree form that prediction and explanation work on, whoever trained the trees.
//!
//! Nodes are stored flat, tree after tree; a split's features are the encoder's input features, so a one-hot column of
//! the trainer has become a category split on the analyst's own column. Values and covers are f64.

use serde::{Deserialize, Serialize};

/// How a split sends a present value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Test {
    /// Left when `(value as f32) < threshold as f32` (XGBoost's comparison).
    LessF32(f64),
    /// Left when `value <= threshold` in f64 (LightGBM's comparison).
    LessEqual(f64),
    /// Left when the category index is in the set (a bitset over 64-bit words); unseen categories go right.
    In(Vec<u64>),
}

/// Which values count as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// None: NaN is compared as 0.
    None,
    /// NaN.
    Nan,
    /// Zero and NaN.
    Zero,
}

/// A node: a split or a leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// An inner node.
    Split {
        /// Index of the input feature.
        feature: u32,
        /// Where present values go.
        test: Test,
        /// Which values count as missing here.
        missing: Missing,
        /// Where missing values go.
        default_left: bool,
        /// Index of the left child in the same tree.
        left: u32,
        /// Index of the right child in the same tree.
        right: u32,
        /// Training weight that passed.
        cover: f64,
    },
    /// A leaf with one value per output it feeds (usually one).
    Leaf {
        /// The value, on the margin.
        value: f64,
        /// Training weight that ended here.
        cover: f64,
    },
}

/// One tree; node 0 is its root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Which output it adds to.
    pub output: u32,
    /// Its weight (DART); 1 otherwise.
    pub weight: f64,
}

/// From the margin to what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// A number as it is.
    Identity,
    /// Log-odds to a probability.
    Logit,
    /// Scores to class probabilities.
    Softmax,
}

/// A whole model of trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeEnsemble {
    /// Number of input features.
    pub n_features: usize,
    /// Number of outputs.
    pub n_outputs: usize,
    /// What is added per output before any tree, on the margin.
    pub intercept: Vec<f64>,
    /// How the margin is shown.
    pub link: Link,
    /// The trees.
    pub trees: Vec<Tree>,
}

impl Node {
    /// Training weight that reached this node.
    pub fn cover(&self) -> f64 {
        match self {
            Self::Split { cover, .. } | Self::Leaf { cover, .. } => *cover,
        }
    }
    /// For a split: whether `value` goes left.
    pub fn goes_left(&self, value: f64) -> bool {
        let Self::Split { test, missing, default_left, .. } = self else { return true };
        let is_missing = match missing {
            Missing::None => false,
            Missing::Nan => value.is_nan(),
            Missing::Zero => value.is_nan() || value == 0.0,
        };
        if is_missing {
            return *default_left;
        }
        let value = if value.is_nan() { 0.0 } else { value };
        match test {
            Test::LessF32(t) => (value as f32) < (*t as f32),
            Test::LessEqual(t) => value <= *t,
            Test::In(set) => value >= 0.0 && set.get(value as usize / 64).is_some_and(|w| w >> (value as usize % 64) & 1 == 1),
        }
    }
}

impl Tree {
    /// The value of the leaf that a row reaches.
    pub fn value(&self, row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf { value, .. } => return *value,
                node @ Node::Split { feature, left, right, .. } => {
                    at = if node.goes_left(row[*feature as usize]) { *left } else { *right } as usize;
                }
            }
        }
    }
}

impl TreeEnsemble {
    /// Margins of one row, one per output.
    pub fn margins(&self, row: &[f64]) -> Vec<f64> {
        let mut out = self.intercept.clone();
        for tree in &self.trees {
            out[tree.output as usize] += tree.weight * tree.value(row);
        }
        out
    }
}
