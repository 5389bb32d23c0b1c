//! Groups side by side: what the model predicts for each, and what each feature does in each, with its uncertainty. The
//! features whose effect differs most between groups come first.

use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use crate::base::Result;
use crate::fault;

/// Most groups on screen.
pub const MOST: usize = 3;

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// Its condition; empty for everyone.
    pub condition: String,
    /// Rows explained.
    pub rows: usize,
    /// Mean output, with its 95 % interval over rows.
    pub mean: (f64, f64, f64),
    /// Mean signed effect of each feature, with its 95 % interval, in the order of [`Cohorts::features`].
    pub effects: Vec<(f64, f64, f64)>,
}

/// Groups side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohorts {
    /// Names, the largest difference between groups first.
    pub features: Vec<String>,
    /// The groups, in the order asked for.
    pub cohorts: Vec<Cohort>,
    /// Whether the intervals of the two farthest groups stay apart, feature by feature.
    pub apart: Vec<bool>,
}

fn interval(v: impl Iterator<Item = f64> + Clone) -> (f64, f64, f64) {
    let (n, sum) = v.clone().fold((0.0f64, 0.0), |(n, s), x| (n + 1.0, s + x));
    let mean = sum / n.max(1.0);
    let variance = v.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let half = if n > 1.0 { 1.96 * (variance / n).sqrt() } else { f64::INFINITY };
    (mean, mean - half, mean + half)
}

/// Sets groups side by side; every attribution must be of the same model, outcome and scale.
pub fn cohorts(of: &[(String, Attribution)]) -> Result<Cohorts> {
    let Some((_, first)) = of.first() else { return Err(fault!("explain.no_rows")) };
    let same = |a: &Attribution| {
        a.features == first.features && a.scale == first.scale && a.model == first.model && a.outcome_index == first.outcome_index
    };
    if of.iter().any(|(_, a)| a.rows.is_empty()) {
        return Err(fault!("explain.no_rows"));
    }
    if !of.iter().all(|(_, a)| same(a)) {
        return Err(fault!("explain.contrast_features"));
    }
    let m = first.n_features();
    let effect = |a: &Attribution, f: usize| interval((0..a.rows.len()).map(|i| a.row(i)[f]));
    let all: Vec<Vec<(f64, f64, f64)>> = of.iter().map(|(_, a)| (0..m).map(|f| effect(a, f)).collect()).collect();
    let ends = |f: usize| {
        let by = |x: &&Vec<(f64, f64, f64)>, y: &&Vec<(f64, f64, f64)>| x[f].0.total_cmp(&y[f].0);
        all.iter().min_by(by).map(|v| v[f]).zip(all.iter().max_by(by).map(|v| v[f]))
    };
    let spread = |f: usize| ends(f).map_or(0.0, |(low, high)| high.0 - low.0);
    let size = |f: usize| all.iter().map(|v| v[f].0.abs()).fold(0.0, f64::max);
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|a, b| spread(*b).total_cmp(&spread(*a)).then(size(*b).total_cmp(&size(*a))).then(a.cmp(b)));
    let cohorts = of.iter().zip(&all).map(|((condition, a), effects)| Cohort {
        condition: condition.clone(),
        rows: a.rows.len(),
        mean: interval(a.predictions.iter().copied()),
        effects: order.iter().map(|f| effects[*f]).collect(),
    });
    Ok(Cohorts {
        features: order.iter().map(|f| first.features[*f].clone()).collect(),
        cohorts: cohorts.collect(),
        apart: order.iter().map(|f| ends(*f).is_some_and(|(low, high)| low.2 < high.1)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::*;
    use crate::ml::model::Scale;

    #[test]
    fn the_largest_difference_stands_first() {
        let features = [feature("a", &[]), feature("b", &[])];
        let of = |rows: &[[f64; 2]]| {
            let values = rows.iter().flatten().copied().collect();
            attribution(&features, vec![0.0; rows.len() * 2], values, 1.0, Scale::Margin)
        };
        let one = of(&[[1.0, 2.0], [1.2, 2.2], [0.8, 1.8], [1.0, 2.0]]);
        let two = of(&[[1.1, -2.0], [0.9, -2.1], [1.0, -1.9], [1.0, -2.0]]);
        let c = cohorts(&[("x = 1".to_owned(), one.clone()), ("x = 2".to_owned(), two)]).unwrap();
        assert_eq!((c.features.join(" "), c.apart.clone()), ("b a".to_owned(), vec![true, false]));
        assert!((c.cohorts[0].effects[0].0 - 2.0).abs() < 1e-12 && (c.cohorts[1].effects[0].0 + 2.0).abs() < 1e-12);
        // Mean output is base and bars.
        assert!((c.cohorts[0].mean.0 - 4.0).abs() < 1e-12, "{:?}", c.cohorts[0].mean);
        // By hand: sd of b in the first group is √(.08/3), its half-width 1.96·sd/2.
        let half = 1.96 * (0.08f64 / 3.0).sqrt() / 2.0;
        assert!((c.cohorts[0].effects[0].2 - 2.0 - half).abs() < 1e-12);
        let mut other = one.clone();
        other.scale = Scale::Probability;
        assert!(cohorts(&[(String::new(), one), (String::new(), other)]).is_err());
        assert!(cohorts(&[]).is_err());
    }
}
