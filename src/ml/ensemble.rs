//! The neutral tree form that prediction and explanation work on, whoever trained the trees.
//!
//! Nodes are stored flat, tree after tree; a split's features are the encoder's input features, so a one-hot column of
//! the trainer has become a category split on the analyst's own column. Values and covers are f64.

use serde::{Deserialize, Serialize};

use super::file::{NamedTensor, TensorData, take};
use super::model::sigmoid;
use crate::base::{Fault, Result};
use crate::fault;

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
    /// The logarithm of an amount to the amount.
    Log,
}

impl Link {
    /// A score as it is shown, where it can be shown by itself.
    pub fn shown(self, score: f64) -> f64 {
        match self {
            Self::Identity | Self::Softmax => score,
            Self::Logit => sigmoid(score),
            Self::Log => score.exp(),
        }
    }
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
    /// Whether it is known how many rows passed each node; without, trees are compared with a group only.
    pub fn has_covers(&self) -> bool {
        self.trees.is_empty() || self.trees.iter().any(|t| t.nodes.first().is_some_and(|n| n.cover() > 0.0))
    }
    /// Scores of one row, one per output: what the trees add up to.
    pub fn margins(&self, row: &[f64]) -> Vec<f64> {
        let mut out = self.intercept.clone();
        for tree in &self.trees {
            out[tree.output as usize] += tree.weight * tree.value(row);
        }
        out
    }
}

/// Codes of node kinds in a model file.
const LEAF: i64 = 0;
const LESS_F32: i64 = 1;
const LESS_EQUAL: i64 = 2;
const IN: i64 = 3;

impl TreeEnsemble {
    /// The ensemble as flat arrays; [`Self::from_tensors`] gives the same ensemble back, bit for bit.
    pub fn to_tensors(&self) -> Vec<NamedTensor> {
        // Per node: kind, feature, left, right, missing, default left, first and last word of its set; and value, cover.
        let (mut ints, mut floats, mut words) = (Vec::new(), Vec::new(), Vec::new());
        let (mut trees, mut weights) = (Vec::new(), Vec::new());
        for tree in &self.trees {
            trees.extend([tree.nodes.len() as i64, i64::from(tree.output)]);
            weights.push(tree.weight);
            for node in &tree.nodes {
                match node {
                    Node::Leaf { value, cover } => {
                        ints.extend([LEAF, 0, 0, 0, 0, 0, 0, 0]);
                        floats.extend([*value, *cover]);
                    }
                    Node::Split { feature, test, missing, default_left, left, right, cover } => {
                        let from = words.len() as i64;
                        let (kind, value) = match test {
                            Test::LessF32(t) => (LESS_F32, *t),
                            Test::LessEqual(t) => (LESS_EQUAL, *t),
                            Test::In(set) => {
                                words.extend(set.iter().map(|w| w.cast_signed()));
                                (IN, 0.0)
                            }
                        };
                        let missing = match missing {
                            Missing::None => 0,
                            Missing::Nan => 1,
                            Missing::Zero => 2,
                        };
                        let (left, right) = (i64::from(*left), i64::from(*right));
                        ints.extend([kind, i64::from(*feature), left, right, missing, i64::from(*default_left), from, words.len() as i64]);
                        floats.extend([value, *cover]);
                    }
                }
            }
        }
        let link = match self.link {
            Link::Identity => 0,
            Link::Logit => 1,
            Link::Softmax => 2,
            Link::Log => 3,
        };
        let ints_of = |name: &str, shape: Vec<usize>, v: Vec<i64>| NamedTensor { name: name.to_owned(), shape, data: TensorData::I64(v) };
        let floats_of = |name: &str, shape: Vec<usize>, v: Vec<f64>| NamedTensor { name: name.to_owned(), shape, data: TensorData::F64(v) };
        vec![
            ints_of("trees.shape", vec![3], vec![self.n_features as i64, self.n_outputs as i64, link]),
            floats_of("trees.intercept", vec![self.intercept.len()], self.intercept.clone()),
            ints_of("trees.trees", vec![self.trees.len(), 2], trees),
            floats_of("trees.weights", vec![weights.len()], weights),
            ints_of("trees.nodes", vec![ints.len() / 8, 8], ints),
            floats_of("trees.values", vec![floats.len() / 2, 2], floats),
            ints_of("trees.sets", vec![words.len()], words),
        ]
    }

    /// Reads what [`Self::to_tensors`] wrote, and checks that every walk through every tree ends in a leaf.
    pub fn from_tensors(tensors: &[NamedTensor]) -> Result<Self> {
        let wrong = |name: &str| -> Fault { fault!("ml.model_tensor", tensor = name) };
        let &[n_features, n_outputs, link] = take::i64s(tensors, "trees.shape")? else { return Err(wrong("trees.shape")) };
        let n_outputs = usize::try_from(n_outputs).map_err(|_e| wrong("trees.shape"))?;
        let n_features = usize::try_from(n_features).map_err(|_e| wrong("trees.shape"))?;
        let link = match link {
            0 => Link::Identity,
            1 => Link::Logit,
            2 => Link::Softmax,
            3 => Link::Log,
            _ => return Err(wrong("trees.shape")),
        };
        let sets = take::i64s(tensors, "trees.sets")?;
        let ints = take::i64s(tensors, "trees.nodes")?;
        let floats = take::any_f64s(tensors, "trees.values")?;
        let heads = take::i64s(tensors, "trees.trees")?;
        let weights = take::f64s(tensors, "trees.weights", heads.len() / 2)?;
        let intercept = take::f64s(tensors, "trees.intercept", n_outputs)?;
        if ints.len() % 8 != 0 || floats.len() != ints.len() / 4 {
            return Err(wrong("trees.nodes"));
        }
        let mut all = ints.chunks_exact(8).zip(floats.chunks_exact(2));
        let mut trees = Vec::with_capacity(weights.len());
        for (head, weight) in heads.chunks_exact(2).zip(weights) {
            let size = usize::try_from(head[0]).map_err(|_e| wrong("trees.trees"))?;
            let output = u32::try_from(head[1]).ok().filter(|o| (*o as usize) < n_outputs).ok_or_else(|| wrong("trees.trees"))?;
            let mut nodes = Vec::new();
            for at in 0..size {
                let (i, f) = all.next().ok_or_else(|| wrong("trees.nodes"))?;
                nodes.push(node_of(i, f, sets, at, size, n_features).ok_or_else(|| wrong("trees.nodes"))?);
            }
            if nodes.is_empty() {
                return Err(wrong("trees.trees"));
            }
            trees.push(Tree { nodes, output, weight });
        }
        if all.next().is_some() {
            return Err(wrong("trees.nodes"));
        }
        Ok(Self { n_features, n_outputs, intercept, link, trees })
    }
}

/// Children stand behind their parent, so no walk can turn in a circle.
fn node_of(i: &[i64], f: &[f64], sets: &[i64], at: usize, size: usize, n_features: usize) -> Option<Node> {
    let &[kind, feature, left, right, missing, default_left, from, to] = i else { return None };
    let &[value, cover] = f else { return None };
    if kind == LEAF {
        return Some(Node::Leaf { value, cover });
    }
    let child = |c: i64| u32::try_from(c).ok().filter(|c| (*c as usize) > at && (*c as usize) < size);
    let test = match kind {
        LESS_F32 => Test::LessF32(value),
        LESS_EQUAL => Test::LessEqual(value),
        IN => Test::In(sets.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?.iter().map(|w| w.cast_unsigned()).collect()),
        _ => return None,
    };
    let missing = match missing {
        0 => Missing::None,
        1 => Missing::Nan,
        2 => Missing::Zero,
        _ => return None,
    };
    let feature = u32::try_from(feature).ok().filter(|f| (*f as usize) < n_features)?;
    Some(Node::Split { feature, test, missing, default_left: default_left != 0, left: child(left)?, right: child(right)?, cover })
}
