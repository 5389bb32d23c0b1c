//! Several methods on the same rows, beside one another: how large each says a feature's effect is, and whether they put the
//! features into the same order.

use serde::{Deserialize, Serialize};

use super::attribution::{Attribution, Method};
use super::summary::spearman;
use crate::base::Result;
use crate::fault;
use crate::ml::model::Scale;

/// Rows that are explained by every method: some ask the model thousands of times a row.
pub const MOST_ROWS: usize = 100;
/// Features whose places at the top are compared.
pub const TOP: usize = 5;
/// Rank correlation from which the order counts as the same.
pub const SAME: f64 = 0.9;
/// Rank correlation from which it counts as similar.
pub const SIMILAR: f64 = 0.7;

/// What one method says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfMethod {
    /// The method.
    pub method: Method,
    /// Whether its values are exact.
    pub exact: bool,
    /// Mean size of each feature's effect with its 95 % interval over rows, in the order of [`Beside::features`].
    pub sizes: Vec<(f64, f64, f64)>,
    /// In how many rows it leaves too much unexplained to be taken for fact.
    pub unexplained: Option<usize>,
}

/// How far two of them agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Which, by their places.
    pub of: (usize, usize),
    /// Rank correlation of the sizes over the features; `None` where one method tells no feature from another.
    pub rank: Option<f64>,
    /// Features that both have among their first [`TOP`].
    pub shared: usize,
}

/// Methods beside one another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Names, the largest effect of the first method first.
    pub features: Vec<String>,
    /// The methods, in the order asked for.
    pub methods: Vec<OfMethod>,
    /// Every two of them.
    pub agreements: Vec<Agreement>,
    /// Features that are compared at the top.
    pub top: usize,
    /// Rows that all of them explained.
    pub rows: usize,
    /// The scale.
    pub scale: Scale,
}

impl Beside {
    /// The two that agree least, where that can be said.
    pub fn least(&self) -> Option<(&Agreement, f64)> {
        let known = self.agreements.iter().filter_map(|a| a.rank.map(|r| (a, r)));
        known.min_by(|x, y| x.1.total_cmp(&y.1))
    }
    /// The feature that every method has first.
    pub fn first(&self) -> Option<&str> {
        let best = |m: &OfMethod| (0..m.sizes.len()).reduce(|a, b| if m.sizes[b].0 > m.sizes[a].0 { b } else { a });
        let first = self.methods.first().and_then(best)?;
        self.methods.iter().all(|m| best(m) == Some(first)).then(|| self.features[first].as_str())
    }
}

/// Sets methods beside one another; every attribution must be of the same rows, model, outcome and scale.
pub fn beside(of: &[Attribution]) -> Result<Beside> {
    let Some(first) = of.first().filter(|a| !a.rows.is_empty()) else { return Err(fault!("explain.no_rows")) };
    let same = |a: &Attribution| {
        a.features == first.features
            && a.rows == first.rows
            && a.scale == first.scale
            && a.model == first.model
            && a.outcome_index == first.outcome_index
    };
    if !of.iter().all(same) {
        return Err(fault!("explain.contrast_features"));
    }
    let (n, m) = (first.rows.len(), first.n_features());
    let size = |a: &Attribution, f: usize| {
        let mean = (0..n).map(|i| a.row(i)[f].abs()).sum::<f64>() / n as f64;
        let variance = (0..n).map(|i| (a.row(i)[f].abs() - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0).max(1.0);
        let half = 1.96 * (variance / n as f64).sqrt();
        (mean, (mean - half).max(0.0), mean + half)
    };
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|x, y| size(first, *y).0.total_cmp(&size(first, *x).0).then(x.cmp(y)));
    let methods: Vec<OfMethod> = of
        .iter()
        .map(|a| OfMethod {
            method: a.method,
            exact: a.exact,
            sizes: order.iter().map(|f| size(a, *f)).collect(),
            unexplained: a.rows_unexplained(),
        })
        .collect();
    let top = TOP.min(m);
    let firsts = |o: &OfMethod| -> Vec<usize> {
        let mut by: Vec<usize> = (0..m).collect();
        by.sort_by(|x, y| o.sizes[*y].0.total_cmp(&o.sizes[*x].0).then(x.cmp(y)));
        by.truncate(top);
        by
    };
    let mut agreements = Vec::new();
    for (i, a) in methods.iter().enumerate() {
        for (j, b) in methods.iter().enumerate().skip(i + 1) {
            let sizes = |o: &OfMethod| o.sizes.iter().map(|s| s.0).collect::<Vec<f64>>();
            let theirs = firsts(b);
            let shared = firsts(a).iter().filter(|f| theirs.contains(f)).count();
            agreements.push(Agreement { of: (i, j), rank: spearman(&sizes(a), &sizes(b)), shared });
        }
    }
    let features = order.iter().map(|f| first.features[*f].clone()).collect();
    Ok(Beside { features, methods, agreements, top, rows: n, scale: first.scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::summary::tests::{attribution, feature};

    #[test]
    fn orders_are_compared_by_rank() {
        let f = ["a", "b", "c", "d"].map(|n| feature(n, &[]));
        let of = |sizes: [f64; 4], method| {
            let values = (0..20).flat_map(|i| sizes.map(|s| if i % 2 == 0 { s } else { -s })).collect();
            Attribution { method, ..attribution(&f, vec![0.0; 80], values, 0.0, Scale::Margin) }
        };
        let same = of([0.1, 2.0, 1.0, 0.5], Method::KernelShap);
        let turned = of([2.0, 0.1, 0.5, 1.0], Method::Lime);
        let b = beside(&[of([0.2, 0.9, 0.8, 0.7], Method::TreeShap), same.clone(), turned]).unwrap();
        assert_eq!(b.features, ["b", "c", "d", "a"]);
        assert!(b.methods[1].sizes.iter().zip([2.0, 1.0, 0.5, 0.1]).all(|(s, v)| (s.0 - v).abs() < 1e-12));
        let ranks: Vec<f64> = b.agreements.iter().map(|a| a.rank.unwrap()).collect();
        assert!((ranks[0] - 1.0).abs() < 1e-12 && (ranks[1] + 1.0).abs() < 1e-12 && (ranks[2] + 1.0).abs() < 1e-12, "{ranks:?}");
        assert_eq!((b.least().unwrap().0.of, b.first()), ((0, 1 + 1), None));
        assert_eq!(beside(&[same.clone(), same.clone()]).unwrap().first(), Some("b"));
        // Other rows are another question.
        let other = Attribution { rows: (100..120).collect(), ..same.clone() };
        assert!(beside(&[same, other]).is_err() && beside(&[]).is_err());
    }
}
