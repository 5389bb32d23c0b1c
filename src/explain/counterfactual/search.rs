//! For models that cannot be taken apart: steps that gain most for their cost, then every step shrunk as far as the wish
//! allows. Each answer is what the model itself says; that nothing smaller exists is not claimed.

use crate::base::{JobCtx, Result};
use crate::data::{Feature, FeatureMatrix};

use super::choices::{self, Choices};
use super::{Answer, Rules, Wish};

/// Bisections when a step is shrunk.
const HALVINGS: usize = 12;

/// Finds a small change that the model confirms.
pub(super) fn smallest(
    row: &[f64],
    features: &[Feature],
    choices: &Choices,
    wish: Wish,
    rules: &Rules,
    outputs: &dyn Fn(&FeatureMatrix) -> Result<Vec<f64>>,
    ctx: &JobCtx,
) -> Result<Answer> {
    let n = row.len();
    let most = rules.most_changes.unwrap_or(n).min(n);
    let limit = rules.budget.unwrap_or(f64::INFINITY);
    let ask = |rows: &[Vec<f64>]| outputs(&FeatureMatrix { n_features: n, values: rows.concat() });
    let cost = |other: &[f64]| -> f64 { (0..n).map(|f| choices::cost(&features[f], row[f], other[f], rules)).sum() };
    // More is better, whichever way the wish points.
    let score = |v: f64| match wish {
        Wish::AtLeast(t) => v.min(t),
        Wish::Below(t) => -v.max(t - 1e-12),
    };
    let mut nodes = 0;
    let mut here = row.to_vec();
    let mut now = ask(&[here.clone()])?[0];
    while !wish.met(now) {
        ctx.check()?;
        let changed = (0..n).filter(|&f| here[f].to_bits() != row[f].to_bits()).count();
        let mut tries: Vec<Vec<f64>> = Vec::new();
        for f in 0..n {
            if here[f].to_bits() == row[f].to_bits() && changed >= most {
                continue;
            }
            for (v, _) in choices.of[f].iter().filter(|(v, _)| v.to_bits() != here[f].to_bits()) {
                let mut other = here.clone();
                other[f] = *v;
                if cost(&other) <= limit {
                    tries.push(other);
                }
            }
        }
        if tries.is_empty() {
            return Ok(Answer { row: None, lower_bound: 0.0, nodes });
        }
        let found = ask(&tries)?;
        nodes += tries.len();
        let paid = cost(&here);
        let rate = |i: usize| (score(found[i]) - score(now)) / (cost(&tries[i]) - paid).max(1e-6);
        let Some(best) = (0..tries.len()).filter(|&i| score(found[i]) > score(now) + 1e-12).max_by(|a, b| rate(*a).total_cmp(&rate(*b)))
        else {
            return Ok(Answer { row: None, lower_bound: 0.0, nodes });
        };
        (here, now) = (tries[best].clone(), found[best]);
        ctx.at(nodes as u64);
    }
    // Take back what is not needed, and shrink the rest, dearest first; twice, as one step frees another.
    for _ in 0..2 {
        let mut order: Vec<usize> = (0..n).filter(|&f| here[f].to_bits() != row[f].to_bits()).collect();
        order.sort_by(|a, b| {
            choices::cost(&features[*b], row[*b], here[*b], rules).total_cmp(&choices::cost(&features[*a], row[*a], here[*a], rules))
        });
        for f in order {
            ctx.check()?;
            let mut other = here.clone();
            other[f] = row[f];
            nodes += 1;
            if wish.met(ask(&[other.clone()])?[0]) {
                here = other;
                continue;
            }
            let free = !features[f].is_categorical() && !rules.step.contains_key(&features[f].name);
            if !free {
                continue;
            }
            let (mut near, mut far) = (row[f], here[f]);
            for _ in 0..HALVINGS {
                let middle = whole(&features[f], 0.5 * (near + far), far);
                other[f] = middle;
                nodes += 1;
                if wish.met(ask(&[other.clone()])?[0]) {
                    far = middle;
                } else {
                    near = middle;
                }
            }
            here[f] = far;
        }
    }
    Ok(Answer { row: Some(here), lower_bound: 0.0, nodes })
}

/// Whole numbers stay whole, rounded towards the end that is known to do.
fn whole(feature: &Feature, v: f64, towards: f64) -> f64 {
    match feature.kind {
        crate::data::FeatureKind::Numeric { integer, boolean } if integer || boolean => {
            if towards > v {
                v.ceil()
            } else {
                v.floor()
            }
        }
        _ => v,
    }
}
