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
fn a_small_change_is_seen_as_one() {
    let numbers = super::super::summary::tests::feature("f0", &[]);
    assert_eq!(apart(&numbers, 0.5, 2.0), (numbers.show(0.5), numbers.show(2.0)));
    let said = apart(&numbers, 0.008_333_333_333, 0.008_333_332_8);
    assert!(said.0 != said.1 && said.0.starts_with("0.00833333") && said.0.len() < 14, "{said:?}");
    let tiny = apart(&numbers, 0.0, f64::MIN_POSITIVE);
    assert_ne!(tiny.0, tiny.1);
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

/// What a numeric feature may become: every threshold of the trees and its neighbours, the ends of the range, and every whole
/// step; or every level. By a plain reading of the rules, not by [`Choices`].
fn may_become(feature: &Feature, e: &crate::ml::TreeEnsemble, f: usize, here: f64, rules: &Rules) -> Vec<f64> {
    use crate::ml::ensemble::{Node, Test};
    let name = &feature.name;
    if here.is_nan() || rules.locked.contains(name) {
        return vec![here];
    }
    if feature.is_categorical() {
        let fits = |l: &usize| rules.one_of.get(name).is_none_or(|o| o.contains(&feature.levels()[*l]));
        return [here].into_iter().chain((0..feature.levels().len()).filter(fits).map(|l| l as f64)).collect();
    }
    let (low, high) = rules.range.get(name).copied().unwrap_or(feature.range);
    // Zero may count as missing, so it is a place of its own.
    let mut values = vec![low, high, 0.0, f64::MIN_POSITIVE, -f64::MIN_POSITIVE];
    for node in e.trees.iter().flat_map(|t| &t.nodes) {
        match node {
            Node::Split { feature, test: Test::LessF32(t) | Test::LessEqual(t), .. } if *feature as usize == f => {
                values.extend([f64::from(*t as f32), *t, t.next_up(), f64::from((*t as f32).next_down())]);
            }
            _ => {}
        }
    }
    if let Some(step) = rules.step.get(name) {
        values = (-200..=200).map(|k| here + f64::from(k) * step).collect();
    }
    let way = |v: &f64| (*v < here && !rules.only_up.contains(name)) || (*v > here && !rules.only_down.contains(name));
    [here].into_iter().chain(values.into_iter().filter(|v| way(v) && *v >= low && *v <= high)).collect()
}

/// The least cost of all rows that keep the rules and are as wished, with and without the budget.
fn by_hand(
    features: &[Feature],
    e: &crate::ml::TreeEnsemble,
    row: &[f64],
    met: impl Fn(&[f64]) -> bool,
    rules: &Rules,
) -> [Option<f64>; 2] {
    let values: Vec<Vec<f64>> = (0..row.len()).map(|f| may_become(&features[f], e, f, row[f], rules)).collect();
    let cost = |f: usize, v: f64| {
        let price = rules.price.get(&features[f].name).copied().unwrap_or(1.0);
        let (low, high) = features[f].range;
        let size = if features[f].is_categorical() { 1.0 } else { (v - row[f]).abs() / (high - low) };
        if v == row[f] || v.is_nan() { 0.0 } else { size * price + 1e-3 }
    };
    let mut best = [None; 2];
    let mut at = vec![0usize; row.len()];
    loop {
        let other: Vec<f64> = at.iter().zip(&values).map(|(k, v)| v[*k]).collect();
        let costs: Vec<f64> = other.iter().enumerate().map(|(f, v)| cost(f, *v)).collect();
        let (all, changed) = (costs.iter().sum::<f64>(), costs.iter().filter(|c| **c > 0.0).count());
        if rules.most_changes.is_none_or(|m| changed <= m) && met(&other) {
            for (best, limit) in best.iter_mut().zip([rules.budget, None]) {
                if limit.is_none_or(|b| all <= b) && best.is_none_or(|b| all < b) {
                    *best = Some(all);
                }
            }
        }
        let Some(f) = (0..row.len()).find(|&f| at[f] + 1 < values[f].len()) else { return best };
        at[f] += 1;
        at[..f].fill(0);
    }
}

/// Rules drawn at random for two numbers and a category.
fn drawn(rng: &mut rng::Rng) -> Rules {
    let mut rules = Rules { seconds: Some(20.0), ..Rules::default() };
    let mut yes = |share: f64| rng::unit(rng) < share;
    for name in ["f0", "f2"] {
        if yes(0.25) {
            rules.only_down.push(name.into());
        } else if yes(0.25) {
            rules.only_up.push(name.into());
        }
        if yes(0.3) {
            rules.step.insert(name.into(), 0.75);
        }
        rules.range.insert(name.into(), if yes(0.3) { (1.0, 3.5) } else { (-5.0, 9.0) });
    }
    if yes(0.6) {
        let some = ["a", "b", "c", "d", "e"].iter().filter(|_| yes(0.5)).map(ToString::to_string).collect();
        rules.one_of.insert("f1".into(), some);
    }
    for name in ["f0", "f1", "f2"] {
        if yes(0.4) {
            rules.price.insert(name.into(), if yes(0.5) { 4.0 } else { 0.2 });
        }
    }
    rules.most_changes = yes(0.3).then_some(if yes(0.5) { 1 } else { 2 });
    rules.budget = yes(0.4).then_some(if yes(0.5) { 0.6 } else { 1.4 });
    rules
}

/// A model with two numbers and a category, and a row of it.
fn mixed(seed: u64, outputs: usize, rng: &mut rng::Rng) -> (crate::ml::TreeEnsemble, Vec<Feature>, Vec<f64>) {
    use crate::ml::ensemble::{Node, Test};
    let mut e = random_ensemble(seed, 3, 3 * outputs, 3, outputs);
    for node in e.trees.iter_mut().flat_map(|t| &mut t.nodes) {
        // No tree asks a number whether it is one of a set.
        match node {
            Node::Split { feature, test: test @ Test::In(_), .. } if *feature != 1 => *test = Test::LessEqual(2.5),
            _ => {}
        }
    }
    let feature = super::super::summary::tests::feature;
    let features = vec![feature("f0", &[]), feature("f1", &["a", "b", "c", "d", "e"]), feature("f2", &[])];
    let mut row = random_row(rng, 3);
    row[1] = rng::below(rng, 5) as f64;
    (e, features, row)
}

#[test]
fn every_rule_is_kept_and_the_minimum_is_still_the_minimum() {
    let mut rng = rng::rng(43, "rules");
    let (mut found, mut none, mut dear) = (0, 0, 0);
    for seed in 0..240 {
        let (e, features, row) = mixed(seed, 1, &mut rng);
        let mut model = trees_model(e.clone());
        model.card_mut().encoder.features = features.clone();
        let p = crate::ml::model::sigmoid(e.margins(&row)[0]);
        let wish = Wish::flip(p, if seed % 2 == 0 { 0.5 } else { (p + 0.08).min(0.9) });
        let rules = drawn(&mut rng);
        let met = |x: &[f64]| wish.met(crate::ml::model::sigmoid(e.margins(x)[0]));
        let [want, at_any_price] = by_hand(&features, &e, &row, met, &rules);
        match counterfactual(&model, &row, 0, wish, &rules, None, &JobCtx::quiet()) {
            Ok(c) => {
                let want = want.unwrap_or_else(|| panic!("seed {seed}: none by hand, {c:?}"));
                assert!((c.cost - want).abs() < 1e-6 && c.certified, "seed {seed}: {} {want} {c:?} {rules:?}", c.cost);
                assert!(c.rules == rules && c.lower_bound <= c.cost);
                found += 1;
            }
            Err(fault) if fault.0.code == "explain.no_change_in_time" => {
                // The budget is what forbids it; and what is said to be the least cost must be no more than that.
                assert!(want.is_none() && rules.budget.is_some(), "seed {seed}: {want:?}");
                let said: f64 = fault.0.fields["bound"].to_string().parse().unwrap();
                assert!(at_any_price.is_none_or(|c| said <= c + 1e-3 * c), "seed {seed}: {said} but {at_any_price:?} {rules:?}");
                dear += 1;
            }
            Err(fault) => {
                assert!(want.is_none() && at_any_price.is_none(), "seed {seed}: {} but {want:?} {at_any_price:?} {rules:?}", fault.0.code);
                none += 1;
            }
        }
    }
    assert!(found >= 60 && none >= 20 && dear >= 10, "{found} {none} {dear}");
}

/// Many trees over many numbers, and a wish that needs many of them to give way.
fn hard() -> (impl Model, Vec<f64>, Wish, Rules) {
    let mut e = random_ensemble(5, 12, 120, 4, 1);
    e.trees.iter_mut().for_each(|t| t.weight *= 0.05);
    let row = vec![1.3; 12];
    let odds = e.margins(&row)[0] + HARD;
    let range = (0..12).map(|f| (format!("f{f}"), (-5.0, 9.0))).collect();
    (trees_model(e), row, Wish::AtLeast(crate::ml::model::sigmoid(odds)), Rules { range, ..Rules::default() })
}

/// Log-odds that are asked for above those of the row.
const HARD: f64 = 2.0;

#[test]
fn when_time_runs_out_the_gap_is_proven_and_said() {
    let (model, row, wish, free) = hard();
    let run = |seconds| {
        let rules = free.clone().within(seconds);
        counterfactual(&model, &row, 0, wish, &rules, None, &JobCtx::quiet()).unwrap()
    };
    let (short, long) = (run(0.01), run(1.5));
    eprintln!("{} ≥ {} at once, {} ≥ {} later, {} nodes", short.cost, short.lower_bound, long.cost, long.lower_bound, long.nodes);
    assert!(!short.certified && short.lower_bound > 0.0 && short.lower_bound < short.cost - 1e-6, "{short:?}");
    let notice = short.warnings.iter().find(|w| w.code == "explain.change_gap").expect("the gap is a warning");
    assert!(notice.say(crate::base::Lang::En).contains("Time ran out"));
    assert!(super::super::words::change(&short, crate::base::Lang::En).contains("Nothing that costs less than"));
    // Whatever is found later costs no less than was proven at once, and what is proven only grows.
    assert!(long.cost <= short.cost + 1e-9 && long.cost >= short.lower_bound - 1e-9 && long.lower_bound >= short.lower_bound - 1e-9);
    assert!(long.nodes > 2 * short.nodes && wish.met(short.to) && wish.met(long.to));
}

#[test]
fn when_time_runs_out_with_nothing_found_the_least_cost_is_said() {
    let (model, row, wish, free) = hard();
    let run = |rules: &Rules| counterfactual(&model, &row, 0, wish, rules, None, &JobCtx::quiet());
    let known = run(&free.clone().within(1.5)).unwrap();
    // A budget that the bound does not reach in time and no answer meets.
    let rules = Rules { seconds: Some(0.01), budget: Some(known.lower_bound * 0.999), ..free };
    let fault = run(&rules).map(|c| c.cost).unwrap_err();
    assert_eq!(fault.0.code, "explain.no_change_in_time");
    let bound: f64 = fault.0.fields["bound"].to_string().parse().unwrap();
    assert!(bound > 0.0 && bound <= known.cost, "{bound} {}", known.cost);
}

/// A model of one class of three, from trees.
fn of_classes(e: crate::ml::TreeEnsemble, features: Vec<Feature>) -> impl Model {
    use crate::ml::{Outcome, OutcomeKind};
    let mut model = trees_model(e);
    let class = |c: &str| Outcome { name: "segment".into(), kind: OutcomeKind::Class { class: c.into() }, base_rate: 0.3 };
    model.card_mut().outcomes = ["a", "b", "c"].map(class).to_vec();
    model.card_mut().encoder.features = features;
    model
}

#[test]
fn the_minimum_for_a_class_of_several_is_the_minimum() {
    let mut rng = rng::rng(44, "classes");
    let (mut up, mut down, mut none) = (0, 0, 0);
    for seed in 0..180 {
        let (mut e, features, row) = mixed(seed, 3, &mut rng);
        e.link = crate::ml::ensemble::Link::Softmax;
        e.trees.iter_mut().for_each(|t| t.weight *= if seed % 2 == 0 { 1.0 } else { 0.3 });
        let chance = |x: &[f64]| {
            let mut scores = e.margins(x);
            crate::ml::model::softmax(&mut scores);
            scores[1]
        };
        let now = chance(&row);
        let wish = match seed % 3 {
            0 => Wish::flip(now, 0.5),
            1 => Wish::AtLeast(now + 0.3 * (1.0 - now)),
            _ => Wish::Below(0.7 * now),
        };
        let rules = drawn(&mut rng);
        let [want, at_any_price] = by_hand(&features, &e, &row, |x| wish.met(chance(x)), &rules);
        let model = of_classes(e.clone(), features);
        match counterfactual(&model, &row, 1, wish, &rules, None, &JobCtx::quiet()) {
            Ok(c) => {
                let want = want.unwrap_or_else(|| panic!("seed {seed}: none by hand, {c:?}"));
                assert!((c.cost - want).abs() < 1e-6 && c.certified, "seed {seed}: {} {want} {c:?}", c.cost);
                assert!(wish.met(c.to) && c.search == Search::BranchAndBound && c.warnings.is_empty());
                *(if matches!(wish, Wish::Below(_)) { &mut down } else { &mut up }) += 1;
            }
            Err(fault) => {
                assert!(want.is_none(), "seed {seed}: {} but {want:?} {rules:?}", fault.0.code);
                let proven = fault.0.code == "explain.no_change_exists";
                assert!(!proven || at_any_price.is_none(), "seed {seed}: {at_any_price:?}");
                none += 1;
            }
        }
    }
    assert!(up >= 25 && down >= 25 && none >= 20, "{up} {down} {none}");
}

#[test]
fn of_many_classes_the_gap_is_proven_in_the_time_there_is() {
    let mut e = random_ensemble(6, 12, 180, 4, 3);
    e.link = crate::ml::ensemble::Link::Softmax;
    e.trees.iter_mut().for_each(|t| t.weight *= 0.05);
    let row = vec![1.3; 12];
    let feature = super::super::summary::tests::feature;
    let model = of_classes(e, (0..12).map(|f| feature(&format!("f{f}"), &[])).collect());
    let range: std::collections::BTreeMap<_, _> = (0..12).map(|f| (format!("f{f}"), (-5.0, 9.0))).collect();
    let x = FeatureMatrix { n_features: 12, values: row.clone() };
    let now = model.predict(&x, &JobCtx::quiet()).unwrap()[1];
    let at = |odds: f64| crate::ml::model::sigmoid((now / (1.0 - now)).ln() + odds);
    for wish in [Wish::AtLeast(at(1.5)), Wish::Below(at(-1.5))] {
        let run = |seconds| {
            let rules = Rules { seconds: Some(seconds), range: range.clone(), ..Rules::default() };
            counterfactual(&model, &row, 1, wish, &rules, None, &JobCtx::quiet()).unwrap()
        };
        let (short, long) = (run(0.01), run(1.0));
        eprintln!("{} ≥ {} at once, {} ≥ {} later, {} nodes", short.cost, short.lower_bound, long.cost, long.lower_bound, long.nodes);
        assert!(long.lower_bound > 0.0 && long.lower_bound >= short.lower_bound - 1e-9 && long.cost <= short.cost + 1e-9);
        assert!(!short.certified && short.warnings.iter().any(|w| w.code == "explain.change_gap"));
    }
}

/// More trees than a first try sees through: what the bounds rule out must not hold the answer.
#[test]
fn bounds_rule_out_nothing_that_is_the_minimum() {
    let mut rng = rng::rng(45, "bounds");
    let (mut found, mut harder) = (0, 0);
    for seed in 0..90u64 {
        let classes = seed % 3 > 0;
        let outputs = if classes { 3 } else { 1 };
        let mut e = random_ensemble(1_000 + seed, 3, 14 * outputs.min(2), 3, outputs);
        e.trees.iter_mut().for_each(|t| t.weight *= 0.4);
        if classes {
            e.link = crate::ml::ensemble::Link::Softmax;
        }
        let feature = super::super::summary::tests::feature;
        let features: Vec<Feature> = (0..3).map(|f| feature(&format!("f{f}"), &[])).collect();
        let row: Vec<f64> = (0..3).map(|_| 4.0 * rng::unit(&mut rng)).collect();
        let of = |x: &[f64]| {
            let mut scores = e.margins(x);
            if classes {
                crate::ml::model::softmax(&mut scores);
                scores[1]
            } else {
                crate::ml::model::sigmoid(scores[0])
            }
        };
        let odds = (of(&row) / (1.0 - of(&row))).ln();
        let range = (0..3).map(|f| (format!("f{f}"), (-5.0, 9.0))).collect();
        let price = [("f1".to_owned(), 0.5 + 2.0 * rng::unit(&mut rng))].into();
        let rules = Rules { range, price, ..quick() };
        let choices = Choices::of_trees(&features, &e, usize::from(classes), &row, &rules);
        // Every row that the trees can tell apart, with its cost.
        let mut all: Vec<(f64, f64)> = Vec::new();
        for a in &choices.of[0] {
            for b in &choices.of[1] {
                all.extend(choices.of[2].iter().map(|c| (a.1 + b.1 + c.1, of(&[a.0, b.0, c.0]))));
            }
        }
        let model: Box<dyn Model> = if classes { Box::new(of_classes(e.clone(), features)) } else { Box::new(trees_model(e.clone())) };
        // Nine tenths of the way to the best, or to the worst, that there is.
        let up = seed % 2 == 0;
        let ends = all.iter().map(|(_, p)| (p / (1.0 - p)).ln()).fold(odds, if up { f64::max } else { f64::min });
        let level = crate::ml::model::sigmoid(odds + 0.9 * (ends - odds));
        let wish = if up { Wish::AtLeast(level) } else { Wish::Below(level) };
        let want = all.iter().filter(|(_, p)| wish.met(*p)).map(|(c, _)| *c).fold(f64::INFINITY, f64::min);
        let Ok(c) = counterfactual(&*model, &row, usize::from(classes), wish, &rules, None, &JobCtx::quiet()) else {
            assert!(want.is_infinite(), "seed {seed}: {want}");
            continue;
        };
        assert!((c.cost - want).abs() < 1e-9 && c.certified, "seed {seed}: {} {want} {}", c.cost, c.lower_bound);
        found += 1;
        harder += usize::from(c.nodes > 10);
    }
    assert!(found >= 80 && harder >= 30, "{found} {harder}");
}
