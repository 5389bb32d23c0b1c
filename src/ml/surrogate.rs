//! Simple models of other models, for the layers that explain: a sparse line around one row, a small tree over many.

use linfa::prelude::*;
use linfa_elasticnet::ElasticNet;
use linfa_trees::{DecisionTree, SplitQuality, TreeNode};
use ndarray::{Array1, Array2};

use crate::base::Result;
use crate::data::{Feature, FeatureMatrix};
use crate::fault;

/// A sparse linear fit.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseFit {
    /// Value where every input is 0.
    pub intercept: f64,
    /// One per input; many are exactly 0.
    pub coefficients: Vec<f64>,
    /// Weighted share of the variance explained.
    pub r2: f64,
}

/// Weighted elastic net of `y` on `x` (`rows × columns`). `penalty` is a share of the spread of `y`.
///
/// The library's fit takes no weights and centres without them: weighted means are taken off first, rows scaled by √w,
/// and no intercept fitted.
pub fn sparse_linear(x: &[f64], columns: usize, y: &[f64], weights: &[f64], penalty: f64) -> Result<SparseFit> {
    let n = y.len();
    let failed = |reason: String| fault!("ml.surrogate_failed", reason = reason);
    if columns == 0 || n == 0 || x.len() != n * columns || weights.len() != n {
        return Err(failed("no rows".to_owned()));
    }
    let total: f64 = weights.iter().sum();
    let mean = |f: &dyn Fn(usize) -> f64| (0..n).map(|i| weights[i] * f(i)).sum::<f64>() / total;
    let middle = mean(&|i| y[i]);
    let centres: Vec<f64> = (0..columns).map(|j| mean(&|i| x[i * columns + j])).collect();
    let variance = mean(&|i| (y[i] - middle).powi(2));
    if variance <= 0.0 || variance.is_nan() {
        return Ok(SparseFit { intercept: middle, coefficients: vec![0.0; columns], r2: 1.0 });
    }
    let root = |i: usize| (weights[i] * n as f64 / total).sqrt();
    let inputs = Array2::from_shape_fn((n, columns), |(i, j)| (x[i * columns + j] - centres[j]) * root(i));
    let targets = Array1::from_shape_fn(n, |i| (y[i] - middle) * root(i));
    let fit = ElasticNet::params()
        .with_intercept(false)
        .penalty(penalty * variance.sqrt())
        .l1_ratio(0.9)
        .max_iterations(2_000)
        .fit(&Dataset::new(inputs, targets))
        .map_err(|e| failed(e.to_string()))?;
    let coefficients: Vec<f64> = fit.hyperplane().to_vec();
    let intercept = middle - coefficients.iter().zip(&centres).map(|(c, m)| c * m).sum::<f64>();
    let predicted = |i: usize| intercept + (0..columns).map(|j| coefficients[j] * x[i * columns + j]).sum::<f64>();
    let rest = mean(&|i| (y[i] - predicted(i)).powi(2));
    Ok(SparseFit { intercept, coefficients, r2: 1.0 - rest / variance })
}

/// A node of a small tree, in words' reach: a question about one feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Is the number below the threshold? Missing counts as below everything.
    Below(usize, f64),
    /// Is the category not this level?
    Not(usize, usize),
}

/// A small decision tree; node 0 is the root, children stand behind their parent.
#[derive(Clone, Debug, PartialEq)]
pub struct SmallTree {
    /// Question with the children for yes and no, or the decision.
    pub nodes: Vec<SmallNode>,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub enum SmallNode {
    /// Asks, and goes to the first node for yes, to the second for no.
    Ask(Question, usize, usize),
    /// Decides.
    Decide(bool),
}

/// Levels of a category that a small tree may ask for.
const MOST_LEVELS: usize = 12;

impl SmallTree {
    /// Fits a tree to yes/no decisions.
    pub fn fit(features: &[Feature], x: &FeatureMatrix, yes: &[bool], depth: usize) -> Result<Self> {
        let failed = |reason: String| fault!("ml.surrogate_failed", reason = reason);
        let mut columns: Vec<(usize, Option<usize>)> = Vec::new();
        for (f, feature) in features.iter().enumerate() {
            if feature.is_categorical() {
                let mut levels: Vec<usize> = (0..feature.levels().len()).collect();
                levels.sort_by(|a, b| feature.shares[*b].total_cmp(&feature.shares[*a]));
                columns.extend(levels.into_iter().take(MOST_LEVELS).map(|l| (f, Some(l))));
            } else {
                columns.push((f, None));
            }
        }
        let n = x.n_rows();
        if n == 0 || columns.is_empty() || yes.len() != n {
            return Err(failed("no rows".to_owned()));
        }
        let lowest = |f: usize| (0..n).map(|i| x.row(i)[f]).filter(|v| v.is_finite()).fold(0.0f64, f64::min) - 1.0;
        let low: Vec<f64> = columns.iter().map(|(f, _)| lowest(*f)).collect();
        let inputs = Array2::from_shape_fn((n, columns.len()), |(i, c)| match columns[c] {
            (f, None) => Some(x.row(i)[f]).filter(|v| v.is_finite()).unwrap_or(low[c]),
            (f, Some(l)) => f64::from(u8::from(x.row(i)[f] == l as f64)),
        });
        let data = Dataset::new(inputs, Array1::from_iter(yes.iter().map(|y| usize::from(*y))));
        let least = (n as f32 / 100.0).max(2.0);
        let tree = DecisionTree::params()
            .split_quality(SplitQuality::Gini)
            .max_depth(Some(depth))
            .min_weight_leaf(least)
            .fit(&data)
            .map_err(|e| failed(e.to_string()))?;
        let mut out = Self { nodes: Vec::new() };
        out.take(tree.root_node(), &columns);
        Ok(out)
    }

    fn take(&mut self, node: &TreeNode<f64, usize>, columns: &[(usize, Option<usize>)]) -> usize {
        let at = self.nodes.len();
        let children: Vec<&TreeNode<f64, usize>> = node.children().into_iter().filter_map(|c| c.as_deref()).collect();
        let (true, &[left, right]) = (!node.is_leaf(), &children[..]) else {
            self.nodes.push(SmallNode::Decide(node.prediction().unwrap_or(0) == 1));
            return at;
        };
        let (column, threshold, _) = node.split();
        self.nodes.push(SmallNode::Decide(false));
        let question = match columns[column] {
            (f, None) => Question::Below(f, threshold),
            (f, Some(l)) => Question::Not(f, l),
        };
        let yes = self.take(left, columns);
        let no = self.take(right, columns);
        self.nodes[at] = SmallNode::Ask(question, yes, no);
        at
    }

    /// Where a row ends.
    pub fn leaf(&self, row: &[f64]) -> usize {
        let mut at = 0;
        while let SmallNode::Ask(question, yes, no) = &self.nodes[at] {
            let is = match question {
                Question::Below(f, t) => row[*f].is_nan() || row[*f] <= *t,
                Question::Not(f, l) => row[*f] != *l as f64,
            };
            at = if is { *yes } else { *no };
        }
        at
    }

    /// What a row is decided to be.
    pub fn decide(&self, row: &[f64]) -> bool {
        matches!(self.nodes[self.leaf(row)], SmallNode::Decide(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;
    use crate::data::FeatureKind;

    #[test]
    fn a_sparse_line_finds_the_columns_that_matter() {
        let mut rng = rng::rng(1, "sparse");
        let (n, m) = (400, 6);
        let x: Vec<f64> = (0..n * m).map(|_| rng::unit(&mut rng)).collect();
        let w: Vec<f64> = (0..n).map(|_| 0.2 + rng::unit(&mut rng)).collect();
        let y: Vec<f64> = x.chunks(m).map(|r| 1.0 + 2.0 * r[1] - 3.0 * r[4]).collect();
        let fit = sparse_linear(&x, m, &y, &w, 0.005).unwrap();
        assert!((fit.coefficients[1] - 2.0).abs() < 0.15 && (fit.coefficients[4] + 3.0).abs() < 0.15, "{fit:?}");
        assert!([0, 2, 3, 5].iter().all(|j| fit.coefficients[*j].abs() < 0.02) && fit.r2 > 0.98, "{fit:?}");
        // Weights count: rows of weight 0 may say what they like.
        let mut odd = y.clone();
        let w: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 2 == 0))).collect();
        (0..n).filter(|i| i % 2 == 1).for_each(|i| odd[i] = 100.0);
        let again = sparse_linear(&x, m, &odd, &w, 0.005).unwrap();
        assert!((again.coefficients[1] - 2.0).abs() < 0.2 && again.r2 > 0.97, "{again:?}");
    }

    #[test]
    fn a_small_tree_decides_as_it_was_told() {
        let numeric = FeatureKind::Numeric { integer: false, boolean: false };
        let level = FeatureKind::Categorical { levels: vec!["a".into(), "b".into(), "c".into()] };
        let feature = |kind: FeatureKind| Feature {
            name: "x".into(),
            kind,
            mean: 0.0,
            sd: 1.0,
            range: (0.0, 1.0),
            quantiles: vec![],
            shares: vec![0.3, 0.3, 0.4],
            missing: 0.0,
        };
        let features = [feature(numeric), feature(level)];
        let mut rng = rng::rng(2, "small");
        let values: Vec<f64> = (0..600).flat_map(|_| [rng::unit(&mut rng), rng::below(&mut rng, 3) as f64]).collect();
        let x = FeatureMatrix { n_features: 2, values };
        let yes: Vec<bool> = (0..600).map(|i| x.row(i)[0] > 0.6 && x.row(i)[1] == 1.0).collect();
        let tree = SmallTree::fit(&features, &x, &yes, 3).unwrap();
        let right = (0..600).filter(|&i| tree.decide(x.row(i)) == yes[i]).count();
        assert!(right >= 594, "{right} {tree:?}");
    }
}
