//! A whole model in a few questions: a small tree that decides as the model does, with the share of rows in which it does.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, JobCtx, Result, rng};
use crate::data::{Feature, FeatureMatrix};
use crate::fault;
use crate::ml::Model;
use crate::ml::model::Scale;
use crate::ml::surrogate::{Question, SmallNode, SmallTree};

use super::method::{check, predictions};

/// What a tree has to add to saying the usual, as a share of the rows, to be worth reading.
pub const WORTH: f64 = 0.02;

/// One end of the tree: the conditions on the way to it, and what is decided there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The conditions, as segments are written; empty for a tree without questions.
    pub when: Vec<String>,
    /// What the tree decides: at or above the threshold.
    pub yes: bool,
    /// Share of the held-out rows that end here.
    pub share: f64,
    /// Share of those in which the model decides the same.
    pub agrees: f64,
    /// Mean output of the model there.
    pub mean: f64,
}

/// The tree in words, and how far it may stand for the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surrogate {
    /// The ends, largest first.
    pub rules: Vec<Rule>,
    /// Output from which the model's decision counts as yes.
    pub threshold: f64,
    /// Share of held-out rows in which tree and model agree.
    pub fidelity: f64,
    /// The same for always saying what is more frequent: a tree is worth what it adds to this.
    pub usual: f64,
    /// Rows that fitted, and rows held out.
    pub rows: (usize, usize),
    /// Which outcome.
    pub outcome: String,
    /// Which model.
    pub model: Fingerprint,
}

/// Fits a tree of that depth to the model's decisions on half of the rows, and measures it on the other half.
pub fn surrogate(model: &dyn Model, x: &FeatureMatrix, outcome: usize, depth: usize, seed: u64, ctx: &JobCtx) -> Result<Surrogate> {
    let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
    check(model, x, &lines, outcome)?;
    if x.n_rows() < 20 {
        return Err(fault!("explain.no_rows"));
    }
    let card = model.card();
    let of = &card.outcomes[outcome];
    ctx.stage("explain.stage_surrogate", 2);
    let p = predictions(model, x, outcome, Scale::Probability, &ctx.without_stage())?;
    // A rare outcome is never above one half: then the more likely half of the rows is told from the other.
    let mut sorted = p.clone();
    sorted.sort_by(f64::total_cmp);
    let above = |t: f64| p.iter().filter(|v| **v >= t).count() as f64 / p.len() as f64;
    let threshold = if of.is_binary() && (0.02..=0.98).contains(&above(0.5)) { 0.5 } else { sorted[sorted.len() / 2] };
    let yes: Vec<bool> = p.iter().map(|v| *v >= threshold).collect();
    let mut order: Vec<usize> = (0..p.len()).collect();
    rng::shuffle(&mut rng::rng(seed, "surrogate"), &mut order);
    let (fit, held) = order.split_at(p.len() / 2);
    ctx.at(1);
    ctx.check()?;
    let tree = SmallTree::fit(card.features(), &x.select(fit), &fit.iter().map(|i| yes[*i]).collect::<Vec<_>>(), depth)?;
    let same = held.iter().filter(|i| tree.decide(x.row(**i)) == yes[**i]).count() as f64 / held.len() as f64;
    let said = held.iter().filter(|i| yes[**i]).count() as f64 / held.len() as f64;
    let mut rules = Vec::new();
    let mut todo = vec![(0usize, Vec::<String>::new())];
    while let Some((at, when)) = todo.pop() {
        match &tree.nodes[at] {
            SmallNode::Ask(question, first, second) => {
                let (a, b) = conditions(question, card.features());
                for (child, condition) in [(*second, b), (*first, a)] {
                    let mut when = when.clone();
                    when.push(condition);
                    todo.push((child, when));
                }
            }
            SmallNode::Decide(decided) => {
                let here: Vec<usize> = held.iter().copied().filter(|i| tree.leaf(x.row(*i)) == at).collect();
                let n = here.len().max(1) as f64;
                rules.push(Rule {
                    when,
                    yes: *decided,
                    share: here.len() as f64 / held.len() as f64,
                    agrees: here.iter().filter(|i| yes[**i] == *decided).count() as f64 / n,
                    mean: here.iter().map(|i| p[*i]).sum::<f64>() / n,
                });
            }
        }
    }
    rules.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(Surrogate {
        rules,
        threshold,
        fidelity: same,
        usual: said.max(1.0 - said),
        rows: (fit.len(), held.len()),
        outcome: of.label(),
        model: card.fingerprint.clone(),
    })
}

/// A question's yes and no, as conditions.
fn conditions(q: &Question, features: &[Feature]) -> (String, String) {
    match q {
        Question::Below(f, t) => {
            let shown = features[*f].show(*t);
            (format!("{} ≤ {shown}", features[*f].name), format!("{} > {shown}", features[*f].name))
        }
        Question::Not(f, l) => {
            let level = &features[*f].levels()[*l];
            (format!("{} ≠ {level}", features[*f].name), format!("{} = {level}", features[*f].name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::formula;
    use super::*;

    #[test]
    fn a_model_of_two_questions_is_two_questions() {
        let model = formula(3, |x| if x[0] > 0.7 && x[2] <= 0.5 { 10.0 } else { 1.0 });
        let mut rng = rng::rng(81, "surrogate");
        let x = FeatureMatrix { n_features: 3, values: (0..6_000).map(|_| rng::unit(&mut rng)).collect() };
        let s = surrogate(&model, &x, 0, 3, 1, &JobCtx::quiet()).unwrap();
        // The median is 1, so everything is at or above it: one answer, no question.
        assert!(s.fidelity == 1.0 && s.usual == 1.0 && s.rules.len() == 1 && s.rules[0].when.is_empty(), "{s:?}");
        let model = formula(3, |x| if x[0] > 0.3 && x[2] <= 0.8 { 10.0 + x[1] } else { x[1] });
        let s = surrogate(&model, &x, 0, 3, 1, &JobCtx::quiet()).unwrap();
        assert!(s.fidelity > 0.85 && s.fidelity > s.usual + 0.3, "{s:?}");
        assert!((s.rules.iter().map(|r| r.share).sum::<f64>() - 1.0).abs() < 1e-9);
        let yes: Vec<&Rule> = s.rules.iter().filter(|r| r.yes && r.share > 0.1).collect();
        assert!(
            !yes.is_empty() && yes.iter().all(|r| r.when.iter().any(|w| w.starts_with("f0 > 0.3") || w.starts_with("f0 > 0.29"))),
            "{s:?}"
        );
        assert!(surrogate(&model, &x.select(&[1, 2]), 0, 3, 1, &JobCtx::quiet()).is_err());
    }
}
