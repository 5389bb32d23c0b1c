//! Exact Shapley values of an additive model on the margin: what each feature adds to the base.

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::model::Additive;

/// Attributions of all rows, `rows × features`.
pub fn margins(a: &dyn Additive, x: &FeatureMatrix, outcome: usize, ctx: &JobCtx) -> Result<Vec<f64>> {
    let mut out = Vec::with_capacity(x.values.len());
    ctx.stage("explain.stage_trees", x.n_rows() as u64);
    for i in 0..x.n_rows() {
        if i % 4096 == 0 {
            ctx.check()?;
            ctx.at(i as u64);
        }
        out.extend(x.row(i).iter().enumerate().map(|(f, v)| a.contribution(f, *v, outcome)));
    }
    Ok(out)
}
