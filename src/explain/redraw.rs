//! Whether an explanation stays when the group that it compares with is drawn anew: many methods can afford a hundred rows
//! of a group only, and no interval of theirs covers which hundred.

use std::sync::Arc;

use super::attribution::Attribution;
use super::method::ExplainOptions;
use super::reference::Reference;
use super::trust::{self, Check, Verdict};
use crate::base::numbers::{fixed, percent};
use crate::base::{Fingerprint, JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::ml::Model;
use crate::note;

/// Rows that are explained again.
const ROWS: usize = 8;
/// Times the group is drawn anew.
const DRAWS: u64 = 4;

/// Explains some of the rows of `whole` again against other draws of its group, and says how alike the answers are; `None`
/// where the method compares with nobody. `options` are those of `whole`, with the whole group.
pub fn stays(
    model: &dyn Model,
    x: &FeatureMatrix,
    whole: &Attribution,
    data: &Fingerprint,
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<Option<Check>> {
    let (Some(used), Some(group)) = (&whole.reference, &options.reference) else { return Ok(None) };
    let n = whole.rows.len();
    let some: Vec<usize> = (0..n.min(ROWS)).map(|k| k * n / n.min(ROWS)).collect();
    let (few, lines) = (x.select(&some), some.iter().map(|i| whole.rows[*i]).collect::<Vec<u32>>());
    let quiet = ctx.without_stage();
    ctx.stage("explain.stage_redraw", DRAWS + 1);
    let mut versions = Vec::new();
    for k in 0..=DRAWS {
        let mut asked = options.clone();
        if k > 0 {
            asked.reference = Some(Arc::new(drawn(group, used.rows, options.seed + k)));
        }
        versions.push(super::explain(model, &few, &lines, data, &asked, &quiet)?);
        ctx.at(k + 1);
        ctx.check()?;
    }
    let found = trust::stability(&versions)?;
    let code = if found.verdict == Verdict::Ok { "explain.trust_stable" } else { "explain.trust_stable_not" };
    let said = note!(
        "explain.trust_stable",
        draws = DRAWS,
        rows = used.rows,
        top = found.top,
        shared = percent(found.shared),
        alike = fixed(found.rows, 2)
    );
    Ok(Some(Check { name: "stable".to_owned(), verdict: found.verdict, said: crate::base::Notice { code: code.to_owned(), ..said } }))
}

/// So many rows of a group, drawn with replacement.
fn drawn(group: &Reference, rows: usize, seed: u64) -> Reference {
    let mut random = rng::rng(seed, "redraw");
    let picked: Vec<usize> = (0..rows).map(|_| rng::below(&mut random, group.x.n_rows())).collect();
    Reference { label: group.label.clone(), x: group.x.select(&picked), of: group.of }
}

#[cfg(test)]
mod tests {
    use super::super::attribution::Method;
    use super::super::tests::{line_model, lines, trees_model};
    use super::super::tree_shap::tests::random_ensemble;
    use super::*;
    use crate::ml::model::Scale;

    const M: usize = 8;

    /// Rows around zero; a few of the group far away in one feature each, which decide where its mean lies.
    fn rows(n: usize, seed: u64, far: f64) -> FeatureMatrix {
        let mut r = rng::rng(seed, "redraw test");
        let mut values: Vec<f64> = (0..n * M).map(|_| rng::normal(&mut r)).collect();
        for i in 0..n / 50 {
            values[i * 50 * M + i % M] += far;
        }
        FeatureMatrix { n_features: M, values }
    }

    fn check(model: &dyn Model, far: f64, method: Method, scale: Scale) -> Option<Check> {
        let group = Reference { label: String::new(), x: rows(2_000, 1, far), of: 2_000 };
        let options = ExplainOptions { method: Some(method), scale, reference: Some(Arc::new(group)), ..ExplainOptions::default() };
        let (x, ctx) = (rows(40, 2, 0.0), JobCtx::quiet());
        let data = Fingerprint::of(b"redraw");
        let whole = super::super::explain(model, &x, &lines(40), &data, &options, &ctx).unwrap();
        stays(model, &x, &whole, &data, &options, &ctx).unwrap()
    }

    #[test]
    fn a_group_that_is_alike_gives_the_same_and_a_few_far_rows_do_not() {
        let m = line_model((1..=M).map(|i| i as f64).collect());
        for method in [Method::PermutationShap, Method::KernelShap] {
            let good = check(&m, 0.0, method, Scale::Margin).unwrap();
            assert_eq!((good.verdict, good.said.code.as_str()), (Verdict::Ok, "explain.trust_stable"), "{:?}", good.said);
            let bad = check(&m, 400.0, method, Scale::Margin).unwrap();
            assert!(bad.verdict != Verdict::Ok && bad.said.code == "explain.trust_stable_not", "{:?}", bad.said);
        }
    }

    #[test]
    fn trees_against_a_group_stay_and_without_one_there_is_nothing_to_draw() {
        let m = trees_model(random_ensemble(3, M, 20, 4, 1));
        assert!(check(&m, 0.0, Method::TreeShapReference, Scale::Margin).is_some_and(|c| c.verdict == Verdict::Ok));
        assert_eq!(check(&m, 0.0, Method::TreeShap, Scale::Margin), None);
    }
}
