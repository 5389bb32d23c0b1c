//! Exact Shapley values of an additive model on the margin: what each feature adds to the base. Against a reference group
//! the base is the group's mean margin, and a feature adds what it gives more than to the group.

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::model::Additive;

/// Attributions of all rows (`rows × features`) and the base.
pub fn margins(
    a: &dyn Additive,
    x: &FeatureMatrix,
    group: Option<&FeatureMatrix>,
    outcome: usize,
    ctx: &JobCtx,
) -> Result<(Vec<f64>, f64)> {
    let m = x.n_features;
    let mut means = vec![0.0; m];
    if let Some(group) = group {
        for (f, mean) in means.iter_mut().enumerate() {
            *mean = (0..group.n_rows()).map(|i| a.contribution(f, group.row(i)[f], outcome)).sum::<f64>() / group.n_rows().max(1) as f64;
        }
    }
    let mut out = Vec::with_capacity(x.values.len());
    ctx.stage("explain.stage_trees", x.n_rows() as u64);
    for i in 0..x.n_rows() {
        if i % 4096 == 0 {
            ctx.check()?;
            ctx.at(i as u64);
        }
        out.extend(x.row(i).iter().enumerate().map(|(f, v)| a.contribution(f, *v, outcome) - means[f]));
    }
    Ok((out, a.base(outcome) + means.iter().sum::<f64>()))
}
