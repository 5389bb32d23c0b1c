//! Training: one entry for every kind of model.
//!
//! [`train`] checks what was asked for, fits, evaluates on the held-out rows and fills the card. Everything that can be
//! said against the data is said before a minute of training is spent.

use std::sync::Arc;
use std::time::Instant;

use super::metrics;
use super::model::{Model, ModelCard, Outcome, OutcomeKind, PartSizes};
use super::spec::{DeviceChoice, ModelKind, ModelSpec, Weighting};
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers, rng};
use crate::data::{Encoder, FeatureMatrix, Part};
use crate::{fault, note};

/// Fewest rows that a model is fitted on.
pub const FEWEST_ROWS: usize = 10;
/// Share of the train rows that stops training early where the split names none.
pub const VALIDATION_SHARE: f64 = 0.15;
/// Below this share of the rarer class the imbalance is stated.
const IMBALANCE: f64 = 0.1;
/// Threshold of the headline accuracy and F1.
const THRESHOLD: f64 = 0.5;
/// What the conformal band covers.
const COVERAGE: f64 = 0.9;

/// Everything that training reads.
#[derive(Clone, Debug)]
pub struct TrainData {
    /// Encoded rows.
    pub x: FeatureMatrix,
    /// Targets, one vector per outcome (0/1 or amounts); NaN is missing.
    pub y: Vec<Vec<f64>>,
    /// Part of each row.
    pub parts: Vec<Part>,
    /// What is predicted.
    pub outcomes: Vec<Outcome>,
    /// How the rows were encoded.
    pub encoder: Encoder,
    /// The data's fingerprint.
    pub data: Fingerprint,
    /// What the analyst should know of the data, copied into the card.
    pub warnings: Vec<Notice>,
}

/// Checks the spec, fits, evaluates on the test rows, fills the card.
pub fn train(spec: &ModelSpec, data: &TrainData, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    check_spec(spec, &data.outcomes)?;
    let mut warnings = check_data(spec, data)?;
    let started = Instant::now();
    let (rows, validation) = training_parts(spec, data);
    let mut model: Box<dyn Model> = match spec.kind {
        ModelKind::Logistic => Box::new(super::logistic::fit(spec, data, &rows, ctx)?),
        ModelKind::Gbdt => Box::new(super::trees::fit(spec, data, &rows, &validation, ctx)?),
        ModelKind::Dnn | ModelKind::Transformer => return Err(fault!("ml.networks_later")),
    };
    let seconds = started.elapsed().as_secs_f64();
    ctx.stage("ml.stage_evaluating", 1);
    let test: Vec<usize> = with_target(data, Part::Test);
    if test.is_empty() {
        warnings.push(note!("ml.no_test_rows", model = &spec.name));
    }
    let evaluation = evaluate(model.as_ref(), data, &test, ctx)?;
    let conformal = match data.outcomes.first() {
        Some(o) if !o.is_binary() && !validation.is_empty() => conformal(model.as_ref(), data, &validation, ctx)?,
        _ => None,
    };
    let fingerprint = super::file::fingerprint(&model.tensors());
    let card = model.card_mut();
    let fitting = std::mem::take(&mut card.warnings);
    card.warnings = data.warnings.iter().cloned().chain(warnings).chain(fitting).collect();
    card.evaluation = evaluation;
    card.rows = PartSizes { train: rows.len(), validation: validation.len(), test: test.len() };
    card.seconds = seconds;
    card.fingerprint = fingerprint;
    card.conformal = conformal;
    ctx.at(1);
    Ok(Arc::from(model))
}

/// A card with what is known before fitting; warnings in it are those of the fit.
pub(crate) fn blank_card(spec: &ModelSpec, data: &TrainData) -> ModelCard {
    ModelCard {
        spec: spec.clone(),
        outcomes: data.outcomes.clone(),
        encoder: data.encoder.clone(),
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: "CPU".to_owned(),
        seconds: 0.0,
        data: data.data.clone(),
        fingerprint: Fingerprint::default(),
        curve: Vec::new(),
        conformal: None,
        warnings: Vec::new(),
    }
}

/// Faults unless a matrix has the columns that the model learned.
pub(crate) fn check_width(card: &ModelCard, x: &FeatureMatrix) -> Result<()> {
    let known = card.features().len();
    if x.n_features == known {
        Ok(())
    } else {
        Err(fault!("ml.feature_count", model = &card.spec.name, expected = known, found = x.n_features))
    }
}

/// Weights that let both classes count the same and sum to the number of rows.
pub(crate) fn balanced_weights(y: &[f64]) -> Vec<f64> {
    let yes = y.iter().filter(|y| **y > 0.5).count();
    let no = y.len() - yes;
    let of = |n: usize| y.len() as f64 / (2 * n.max(1)) as f64;
    y.iter().map(|y| if *y > 0.5 { of(yes) } else { of(no) }).collect()
}

/// Rows of a part where at least one outcome is known, in row order.
fn with_target(data: &TrainData, part: Part) -> Vec<usize> {
    (0..data.parts.len()).filter(|&r| data.parts[r] == part && data.y.iter().any(|y| y[r].is_finite())).collect()
}

/// Rows that fit and rows that stop early. Logistic fits on all train rows. The others use the validation part, or carve
/// 15 % out of train by seed, with the same share of each class of the first outcome.
pub(crate) fn training_parts(spec: &ModelSpec, data: &TrainData) -> (Vec<usize>, Vec<usize>) {
    let train = with_target(data, Part::Train);
    let validation = with_target(data, Part::Validation);
    if spec.kind == ModelKind::Logistic || !validation.is_empty() {
        return (train, validation);
    }
    let mut rng = rng::rng(spec.seed, "validation");
    let stratum = |r: usize| match data.outcomes.first() {
        Some(o) if o.is_binary() => data.y[0][r] > 0.5,
        _ => false,
    };
    let mut carved = vec![false; data.parts.len()];
    for class in [false, true] {
        let mut rows: Vec<usize> = train.iter().copied().filter(|&r| stratum(r) == class).collect();
        rng::shuffle(&mut rng, &mut rows);
        let count = (rows.len() as f64 * VALIDATION_SHARE).round() as usize;
        for r in &rows[..count] {
            carved[*r] = true;
        }
    }
    train.into_iter().partition(|r| !carved[*r])
}

fn evaluate(model: &dyn Model, data: &TrainData, rows: &[usize], ctx: &JobCtx) -> Result<Vec<metrics::Evaluation>> {
    let k = data.outcomes.len();
    let p = model.predict(&data.x.select(rows), ctx)?;
    Ok(data
        .outcomes
        .iter()
        .enumerate()
        .map(|(o, outcome)| {
            let p: Vec<f64> = p.iter().skip(o).step_by(k).copied().collect();
            let y: Vec<f64> = rows.iter().map(|&r| if data.y[o][r].is_finite() { data.y[o][r] } else { f64::NAN }).collect();
            if outcome.is_binary() { metrics::binary(&outcome.name, &p, &y, THRESHOLD) } else { metrics::number(&outcome.name, &p, &y) }
        })
        .collect())
}

/// Half-width of the split-conformal band on rows that did not fit; `None` if they are too few for it.
fn conformal(model: &dyn Model, data: &TrainData, rows: &[usize], ctx: &JobCtx) -> Result<Option<f64>> {
    let known: Vec<usize> = rows.iter().copied().filter(|&r| data.y[0][r].is_finite()).collect();
    let p = model.predict(&data.x.select(&known), ctx)?;
    let k = data.outcomes.len();
    let residuals = known.iter().enumerate().map(|(i, &r)| (data.y[0][r] - p[i * k]).abs()).collect();
    Ok(conformal_quantile(residuals))
}

fn conformal_quantile(mut residuals: Vec<f64>) -> Option<f64> {
    residuals.sort_by(f64::total_cmp);
    let rank = ((residuals.len() + 1) as f64 * COVERAGE).ceil() as usize;
    residuals.get(rank.checked_sub(1)?).copied()
}

/// Which settings a kind knows.
fn knows(kind: ModelKind) -> &'static [&'static str] {
    match kind {
        ModelKind::Logistic => &["l2"],
        ModelKind::Gbdt => &["epochs", "depth", "learning_rate"],
        ModelKind::Dnn => &["epochs", "learning_rate", "width", "layers", "batch"],
        ModelKind::Transformer => &["epochs", "learning_rate", "width", "layers", "heads", "batch"],
    }
}

/// Refuses settings that the kind does not know, and values that make no sense, by name.
pub fn check_spec(spec: &ModelSpec, outcomes: &[Outcome]) -> Result<()> {
    let whole = |v: Option<u32>| v.map(f64::from);
    let given = [
        ("epochs", whole(spec.epochs), 1.0, 100_000.0),
        ("l2", spec.l2, 0.0, 1e12),
        ("depth", whole(spec.depth), 1.0, 16.0),
        ("learning_rate", spec.learning_rate, 1e-6, 1.0),
        ("width", whole(spec.width), 1.0, 4096.0),
        ("layers", whole(spec.layers), 1.0, 64.0),
        ("heads", whole(spec.heads), 1.0, 64.0),
        ("batch", whole(spec.batch), 1.0, 1_000_000.0),
    ];
    for (setting, value, low, high) in given {
        let Some(value) = value else { continue };
        if !knows(spec.kind).contains(&setting) {
            return Err(fault!(
                "ml.setting_unknown",
                model = &spec.name,
                kind = spec.kind.name(),
                setting = setting,
                known = knows(spec.kind).join(", ")
            ));
        }
        if !(low..=high).contains(&value) {
            return Err(fault!("ml.setting_range", model = &spec.name, setting = setting, value = value, low = low, high = high));
        }
    }
    if matches!(spec.kind, ModelKind::Logistic | ModelKind::Gbdt) && matches!(spec.device, DeviceChoice::Gpu | DeviceChoice::Named(_)) {
        return Err(fault!("ml.cpu_only", model = &spec.name, kind = spec.kind.name()));
    }
    if spec.weight == Weighting::Balanced && !outcomes.is_empty() && !outcomes.iter().any(Outcome::is_binary) {
        return Err(fault!("ml.balanced_needs_classes", model = &spec.name));
    }
    Ok(())
}

/// Says what is wrong with the data as a fault, what is doubtful as warnings.
fn check_data(spec: &ModelSpec, data: &TrainData) -> Result<Vec<Notice>> {
    let mut warnings = Vec::new();
    if data.outcomes.is_empty() {
        return Err(fault!("ml.no_target", model = &spec.name));
    }
    if data.encoder.features.is_empty() {
        return Err(fault!("ml.no_features", model = &spec.name));
    }
    for (outcome, y) in data.outcomes.iter().zip(&data.y) {
        let missing = y.iter().filter(|v| !v.is_finite()).count();
        if missing > 0 {
            warnings.push(note!("ml.target_missing", column = &outcome.name, rows = missing));
        }
        let known: Vec<f64> = y.iter().zip(&data.parts).filter(|(v, p)| **p == Part::Train && v.is_finite()).map(|(v, _)| *v).collect();
        if known.len() < FEWEST_ROWS {
            return Err(fault!("ml.too_few_rows", model = &spec.name, column = &outcome.name, rows = known.len(), least = FEWEST_ROWS));
        }
        let OutcomeKind::Binary { positive, negative } = &outcome.kind else { continue };
        let yes = known.iter().filter(|v| **v > 0.5).count();
        if yes == 0 || yes == known.len() {
            let only = if yes == 0 { negative } else { positive };
            return Err(fault!("ml.one_class", column = &outcome.name, value = only, rows = known.len()));
        }
        let share = yes as f64 / known.len() as f64;
        if share.min(1.0 - share) < IMBALANCE {
            let (value, share) = if share < 0.5 { (positive, share) } else { (negative, 1.0 - share) };
            warnings.push(note!("ml.imbalance", column = &outcome.name, value = value, share = numbers::percent(share)));
        }
        if spec.weight == Weighting::Balanced {
            warnings.push(note!("ml.balanced", column = &outcome.name, share = numbers::percent(share)));
        }
    }
    Ok(warnings)
}
