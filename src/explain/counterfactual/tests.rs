//! The proven minimum against every combination of choices, on small ensembles.

use super::super::tests::{formula, trees_model};
use super::super::tree_shap::tests::{random_ensemble, random_row};
use super::*;
use crate::base::rng;

fn quick() -> Rules {
    Rules { seconds: Some(20.0), ..Rules::default() }
}

/// The cheapest of all combinations of choices that is as wished.
fn brute(model: &dyn Model, e: &crate::ml::TreeEnsemble, row: &[f64], wish: Wish, rules: &Rules) -> Option<f64> {
    let features = model.card().features();
    let choices = Choices::of_trees(features, e, 0, row, rules);
    let mut best: Option<f64> = None;
    let mut at = vec![0usize; row.len()];
    loop {
        let other: Vec<f64> = at.iter().zip(&choices.of).map(|(k, c)| c[*k].0).collect();
        let cost: f64 = at.iter().zip(&choices.of).map(|(k, c)| c[*k].1).sum();
        let changed = at.iter().filter(|k| **k > 0).count();
        let ok = rules.most_changes.is_none_or(|m| changed <= m) && rules.budget.is_none_or(|b| cost <= b);
        let p = crate::ml::model::sigmoid(e.margins(&other)[0]);
        if ok && wish.met(p) && best.is_none_or(|b| cost < b) {
            best = Some(cost);
        }
        let Some(f) = (0..row.len()).find(|&f| at[f] + 1 < choices.of[f].len()) else { return best };
        at[f] += 1;
        at[..f].fill(0);
    }
}

#[test]
fn the_minimum_is_the_minimum() {
    let mut rng = rng::rng(41, "counterfactual");
    let (mut found, mut impossible) = (0, 0);
    for seed in 0..60 {
        let m = 2 + seed as usize % 3;
        let e = random_ensemble(seed, m, 4, 3, 1);
        let model = trees_model(e.clone());
        let row = random_row(&mut rng, m);
        let p = crate::ml::model::sigmoid(e.margins(&row)[0]);
        let wish = Wish::flip(p, if seed % 2 == 0 { 0.5 } else { (p + 0.1).min(0.9) });
        let range = (0..m).map(|f| (format!("f{f}"), (-5.0, 9.0))).collect();
        let wide = Rules { range, ..quick() };
        let rules = match seed % 4 {
            1 => Rules { locked: vec!["f0".into()], ..wide },
            2 => Rules { only_up: vec!["f1".into()], most_changes: Some(1), ..wide },
            3 => Rules { step: [("f1".to_owned(), 0.5)].into(), budget: Some(1.5), ..wide },
            _ => wide,
        };
        let want = brute(&model, &e, &row, wish, &rules);
        match counterfactual(&model, &row, 0, wish, &rules, None, &JobCtx::quiet()) {
            Ok(c) => {
                let want = want.expect("brute force found none");
                assert!((c.cost - want).abs() < 1e-9 && c.certified, "seed {seed}: {} {want} {c:?}", c.cost);
                assert!(wish.met(c.to) && c.changes.iter().all(|x| x.feature != "f0" || seed % 4 != 1));
                assert!(seed % 4 != 2 || (c.changes.len() == 1 && c.changes.iter().all(|x| x.feature != "f1" || x.to > x.from)));
                found += 1;
            }
            Err(fault) => {
                assert!(want.is_none(), "seed {seed}: {} but {want:?}", fault.0.code);
                impossible += 1;
            }
        }
    }
    assert!(found >= 20 && impossible >= 3, "{found} {impossible}");
}

#[test]
fn other_models_are_verified() {
    let model = formula(3, |x| 2.0 * x[0] - x[1] + 0.1 * x[2]);
    let row = [0.1, 0.9, 0.5];
    let reference = FeatureMatrix { n_features: 3, values: vec![1.0, 0.2, 0.5, 0.1, 0.9, 0.5, 0.7, 0.1, 0.0] };
    let c = counterfactual(&model, &row, 0, Wish::AtLeast(0.4), &quick(), Some(&reference), &JobCtx::quiet()).unwrap();
    assert!(!c.certified && c.search == Search::GreedyVerified && c.to >= 0.4 && c.to < 0.41, "{c:?}");
    // The steepest feature does it alone: 0.5 of its span of 1.
    assert!(c.changes.len() == 1 && c.changes[0].feature == "f0" && (c.cost - 0.5125).abs() < 0.05, "{c:?}");
    let real = c.real.unwrap();
    assert!(real.at == 0 && real.differs == 2 && (real.cost - 1.602).abs() < 1e-9, "{real:?}");
    // The wish may point down, and a locked feature stays.
    let rules = Rules { locked: vec!["f1".into()], ..quick() };
    let c = counterfactual(&model, &[0.9, 0.1, 0.5], 0, Wish::Below(0.5), &rules, None, &JobCtx::quiet()).unwrap();
    assert!(c.to < 0.5 && c.changes.iter().all(|x| x.feature != "f1"));
}

/// Says more of a row among many than of the row alone.
struct Fickle<M>(M);
impl<M: Model> Model for Fickle<M> {
    fn card(&self) -> &crate::ml::ModelCard {
        self.0.card()
    }
    fn card_mut(&mut self) -> &mut crate::ml::ModelCard {
        self.0.card_mut()
    }
    fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        let more = if x.n_rows() > 1 { 0.3 } else { 0.0 };
        Ok(self.0.margins(x, ctx)?.into_iter().map(|v| v + more).collect())
    }
    fn structure(&self) -> Structure<'_> {
        self.0.structure()
    }
    fn tensors(&self) -> Vec<crate::ml::file::NamedTensor> {
        self.0.tensors()
    }
}

#[test]
fn an_answer_that_the_model_takes_back_is_none() {
    // Among many rows every value of f0 from 0.7 on seems to do; alone none does, the range ends at 1.
    let model = Fickle(formula(1, |x| x[0]));
    let c = counterfactual(&model, &[0.1], 0, Wish::AtLeast(1.1), &quick(), None, &JobCtx::quiet());
    assert_eq!(c.map(|c| c.to).unwrap_err().0.code, "explain.no_change_found");
    // What is found is said to be verified, not proven.
    let honest = formula(1, |x| x[0]);
    let c = counterfactual(&honest, &[0.1], 0, Wish::AtLeast(0.4), &quick(), None, &JobCtx::quiet()).unwrap();
    let said = super::super::words::change(&c, crate::base::Lang::En);
    assert!(said.contains("Verified by asking the model") && said.contains("not proven"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let model = formula(2, |x| x[0]);
    let run =
        |wish, rules: &Rules| counterfactual(&model, &[0.5, 0.5], 0, wish, rules, None, &JobCtx::quiet()).map(|_| ()).unwrap_err().0.code;
    assert_eq!(run(Wish::AtLeast(0.2), &quick()), "explain.already_so");
    assert_eq!(run(Wish::AtLeast(9.0), &quick()), "explain.no_change_found");
    assert_eq!(run(Wish::AtLeast(0.9), &Rules { locked: vec!["nothing".into()], ..quick() }), "explain.rules_feature");
    assert_eq!(run(Wish::AtLeast(0.9), &Rules { step: [("f0".to_owned(), -1.0)].into(), ..quick() }), "explain.rules_number");
}
