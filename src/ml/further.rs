//! Training that goes on: a model that learned from old rows learns from new ones, and the old one stays as it was.
//!
//! Boosted trees add trees on top of what they say already, networks go on from their weights for a few careful epochs. A
//! logistic regression is fitted anew: it has one best answer for old and new rows together.

use std::sync::Arc;

use super::model::{Model, Structure};
use super::net::NetModel;
use super::spec::{ModelKind, ModelSpec};
use super::train::{TrainData, training_parts};
use super::trees::{self, TreeModel};
use super::{file, logistic};
use crate::base::{JobCtx, Result};
use crate::data::Part;
use crate::{fault, note};

/// Most epochs that a network goes on for.
pub const EPOCHS: u32 = 15;
/// How much more carefully than at first.
const SLOWER: f64 = 0.5;

/// Whether this kind of model goes on from what it learned; else it is fitted anew on old and new rows together.
pub fn goes_on(kind: ModelKind) -> bool {
    matches!(kind, ModelKind::Gbdt | ModelKind::Dnn | ModelKind::Transformer)
}

/// A new version of a model, by the rows of `data` that are for training: new ones where the kind [`goes_on`], all where it
/// does not. `data` must be encoded by the old model's own encoder.
pub fn further(old: &dyn Model, name: &str, data: &TrainData, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    let card = old.card();
    if card.outcomes.iter().any(super::Outcome::is_class) {
        return Err(fault!("ml.further_classes", model = &card.spec.name));
    }
    let spec = ModelSpec { name: name.to_owned(), ..card.spec.clone() };
    let (rows, validation) = training_parts(&spec, data);
    if rows.len() < super::train::FEWEST_ROWS {
        return Err(fault!("ml.further_few", model = &card.spec.name, rows = rows.len(), least = super::train::FEWEST_ROWS));
    }
    let mut model: Box<dyn Model> = match (spec.kind, old.structure()) {
        (ModelKind::Gbdt, Structure::Trees(ensemble)) => {
            let all: Vec<usize> = (0..data.parts.len()).collect();
            let margins = old.margins(&data.x.select(&all), ctx)?;
            let (grown, curve) = trees::go_on(&spec, ensemble, &margins, data, &rows, &validation, ctx)?;
            let mut card = card.clone();
            card.curve = curve;
            Box::new(TreeModel::new(card, grown))
        }
        (ModelKind::Dnn | ModelKind::Transformer, _) => {
            let mut model = NetModel::restore(card.clone(), &old.tensors())?;
            let peak = spec.learning_rate.unwrap_or(spec.kind.defaults().learning_rate) * SLOWER;
            let slower = ModelSpec { epochs: Some(EPOCHS), learning_rate: Some(peak), ..spec.clone() };
            model.go_on(&slower, data, &rows, &validation, ctx)?;
            Box::new(model)
        }
        (ModelKind::Logistic, _) => Box::new(logistic::fit(&spec, data, &rows, ctx)?),
        _ => return Err(fault!("ml.further_kind", model = &card.spec.name)),
    };
    let fingerprint = file::fingerprint(&model.tensors());
    let new = model.card_mut();
    new.spec = spec;
    new.data = data.data.clone();
    new.encoder.clone_from(&data.encoder);
    new.rows = super::model::PartSizes { train: rows.len(), validation: validation.len(), test: 0 };
    new.rows.test = data.parts.iter().filter(|p| **p == Part::Test).count();
    new.conformal = None;
    new.evaluation = Vec::new();
    // What was said of the old rows is not said of these.
    new.warnings = vec![note!("ml.further_from", model = &card.spec.name, rows = rows.len() + validation.len())];
    new.fingerprint = fingerprint;
    Ok(Arc::from(model))
}

#[cfg(test)]
mod tests {
    use super::super::train::{sample, train};
    use super::*;
    use crate::base::rng;

    /// The sample, in which what `a` does has turned round.
    fn turned(rows: usize, seed: u64) -> TrainData {
        let mut d = sample::only(sample::data(rows, seed), 0);
        let mut r = rng::rng(seed, "turned");
        for i in 0..rows {
            let m = -1.5 * d.x.row(i)[0] + 0.5;
            d.y[0][i] = f64::from(u8::from(rng::unit(&mut r) < crate::ml::model::sigmoid(m)));
        }
        d
    }

    fn loss(model: &dyn Model, d: &TrainData) -> f64 {
        let rows: Vec<usize> = (0..d.parts.len()).filter(|r| d.parts[*r] == Part::Test).collect();
        let m = model.margins(&d.x.select(&rows), &JobCtx::quiet()).unwrap();
        let of = |(r, m): (&usize, &f64)| m.max(0.0) + (-m.abs()).exp().ln_1p() - d.y[0][*r] * m;
        rows.iter().zip(&m).map(of).sum::<f64>() / rows.len() as f64
    }

    #[test]
    fn what_has_turned_round_is_learned_and_the_old_model_stays() {
        for kind in [ModelKind::Gbdt, ModelKind::Dnn] {
            let mut spec = ModelSpec::new("m", kind);
            spec.epochs = Some(if kind == ModelKind::Gbdt { 60 } else { 6 });
            let old = train(&spec, &sample::only(sample::data(1_200, 3), 0), &JobCtx::quiet()).unwrap();
            let (before, new) = (old.card().fingerprint.clone(), turned(1_600, 5));
            let next = further(&*old, "m, version 2", &new, &JobCtx::quiet()).unwrap();
            assert!(loss(&*next, &new) < loss(&*old, &new) - 0.1, "{kind:?}: {} {}", loss(&*next, &new), loss(&*old, &new));
            // From scratch on as few rows is not better by much: it went on, and forgot what no longer holds.
            assert!(loss(&*next, &new) < 0.66, "{kind:?} {}", loss(&*next, &new));
            assert_eq!(file::fingerprint(&old.tensors()), before);
            assert!(next.card().fingerprint != before && next.card().spec.name == "m, version 2");
            // The same rows again give the same bits.
            assert_eq!(further(&*old, "m, version 2", &new, &JobCtx::quiet()).unwrap().card().fingerprint, next.card().fingerprint);
        }
    }

    #[test]
    fn rows_like_the_old_ones_change_little() {
        let d = sample::only(sample::data(4_000, 3), 0);
        let old = train(&ModelSpec::new("m", ModelKind::Gbdt), &d, &JobCtx::quiet()).unwrap();
        let again = sample::only(sample::data(1_600, 77), 0);
        let next = further(&*old, "m 2", &again, &JobCtx::quiet()).unwrap();
        assert!((loss(&*next, &again) - loss(&*old, &again)).abs() < 0.02);
        let (Structure::Trees(a), Structure::Trees(b)) = (old.structure(), next.structure()) else { panic!() };
        // Trees stand on those that were there.
        assert!(b.trees.len() >= a.trees.len() && b.trees[..a.trees.len()] == a.trees[..] && a.intercept == b.intercept);
    }

    #[test]
    fn too_little_to_learn_from_is_refused() {
        let d = sample::only(sample::data(400, 3), 0);
        let old = train(&ModelSpec::new("m", ModelKind::Logistic), &d, &JobCtx::quiet()).unwrap();
        let mut few = d.clone();
        few.parts.iter_mut().skip(5).for_each(|p| *p = Part::Test);
        assert_eq!(further(&*old, "n", &few, &JobCtx::quiet()).err().unwrap().0.code, "ml.further_few");
        let all = further(&*old, "n", &d, &JobCtx::quiet()).unwrap();
        assert_eq!(all.card().fingerprint, old.card().fingerprint, "the same rows, the same answer");
    }
}
