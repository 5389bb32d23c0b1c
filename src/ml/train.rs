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
    train_weighted(spec, data, None, ctx)
}

/// The same where rows do not count alike: one weight a row, for trees and networks.
pub fn train_weighted(spec: &ModelSpec, data: &TrainData, weights: Option<&[f64]>, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    check_spec(spec, &data.outcomes)?;
    let mut warnings = check_data(spec, data)?;
    let started = Instant::now();
    let (rows, validation) = training_parts(spec, data);
    let mut model: Box<dyn Model> = match spec.kind {
        ModelKind::Logistic if weights.is_some() => return Err(fault!("ml.no_row_weights", model = &spec.name)),
        ModelKind::Logistic => Box::new(super::logistic::fit(spec, data, &rows, ctx)?),
        ModelKind::Gbdt => Box::new(super::trees::fit_weighted(spec, data, (&rows, &validation), weights, ctx)?),
        ModelKind::Onnx | ModelKind::Import => return Err(fault!("ml.onnx_not_trained")),
        ModelKind::Dnn | ModelKind::Transformer => Box::new(super::net::fit_weighted(spec, data, (&rows, &validation), weights, ctx)?),
    };
    let seconds = started.elapsed().as_secs_f64();
    ctx.stage("ml.stage_evaluating", 1);
    let test: Vec<usize> = with_target(data, Part::Test);
    if test.is_empty() {
        warnings.push(note!("ml.no_test_rows", model = &spec.name));
    }
    let evaluation = evaluate(model.as_ref(), data, &test, ctx)?;
    let conformal = match data.outcomes.first() {
        // Trees measure theirs before the refit.
        _ if spec.kind == ModelKind::Gbdt => model.card().conformal,
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
        encoder: finite(data.encoder.clone()),
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

/// Summaries of a column without a single number are undefined; JSON cannot hold that, so they become 0.
fn finite(mut encoder: Encoder) -> Encoder {
    for f in &mut encoder.features {
        let summaries = [&mut f.mean, &mut f.sd, &mut f.range.0, &mut f.range.1, &mut f.missing];
        for v in summaries.into_iter().chain(&mut f.quantiles).chain(&mut f.shares) {
            if !v.is_finite() {
                *v = 0.0;
            }
        }
    }
    encoder
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

/// Judges a model that was not trained here on the held-out rows; nothing where there are none.
pub fn judge(model: &dyn Model, data: &TrainData, ctx: &JobCtx) -> Result<Vec<metrics::Evaluation>> {
    let test = with_target(data, Part::Test);
    if test.is_empty() { Ok(Vec::new()) } else { evaluate(model, data, &test, ctx) }
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

/// Half-width of the split-conformal band of the first outcome on rows that did not fit.
fn conformal(model: &dyn Model, data: &TrainData, rows: &[usize], ctx: &JobCtx) -> Result<Option<f64>> {
    let known: Vec<usize> = rows.iter().copied().filter(|&r| data.y[0][r].is_finite()).collect();
    let p = model.predict(&data.x.select(&known), ctx)?;
    let k = data.outcomes.len();
    let residuals = known.iter().enumerate().map(|(i, &r)| (data.y[0][r] - p[i * k]).abs()).collect();
    Ok(conformal_quantile(residuals))
}

/// The residual that 90 % of new rows stay within; `None` if the rows are too few to say.
pub(super) fn conformal_quantile(mut residuals: Vec<f64>) -> Option<f64> {
    residuals.sort_by(f64::total_cmp);
    let rank = ((residuals.len() + 1) as f64 * COVERAGE).ceil() as usize;
    residuals.get(rank.checked_sub(1)?).copied()
}

/// Which settings a kind knows.
fn knows(kind: ModelKind) -> &'static [&'static str] {
    match kind {
        ModelKind::Logistic => &["l2"],
        ModelKind::Onnx | ModelKind::Import => &[],
        ModelKind::Gbdt => &["epochs", "depth", "learning_rate"],
        ModelKind::Dnn => &["epochs", "learning_rate", "width", "layers", "batch"],
        ModelKind::Transformer => &["epochs", "learning_rate", "width", "layers", "heads", "batch", "temperature"],
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
        ("temperature", spec.temperature, 0.01, 100.0),
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

/// Small generated data for the tests of this layer.
#[cfg(test)]
pub(crate) mod sample {
    use super::*;
    use crate::data::{Feature, FeatureKind};

    /// A numeric feature.
    pub(crate) fn numeric(name: &str, boolean: bool) -> Feature {
        let kind = FeatureKind::Numeric { integer: boolean, boolean };
        Feature { name: name.into(), kind, mean: 0.0, sd: 1.0, range: (-3.0, 3.0), quantiles: vec![0.0; 9], shares: vec![], missing: 0.0 }
    }
    /// A categorical feature.
    pub(crate) fn category(name: &str, levels: usize) -> Feature {
        let levels: Vec<String> = (0..levels).map(|l| format!("l{l:03}")).collect();
        let shares = vec![1.0 / levels.len() as f64; levels.len()];
        Feature { kind: FeatureKind::Categorical { levels }, shares, ..numeric(name, false) }
    }
    /// A yes/no outcome.
    pub(crate) fn yes_no(name: &str) -> Outcome {
        Outcome { name: name.into(), kind: OutcomeKind::Binary { positive: "yes".into(), negative: "no".into() }, base_rate: 0.5 }
    }
    /// Features: two numbers (the second with gaps), a boolean, a small and a large category; two outcomes, buy (yes/no)
    /// and spend (an amount, unknown for every 50th row). Every fourth row tests.
    pub(crate) fn data(rows: usize, seed: u64) -> TrainData {
        let mut r = rng::rng(seed, "sample");
        let (mut values, mut buy, mut spend) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..rows {
            let (a, b) = (rng::normal(&mut r), rng::normal(&mut r));
            let (flag, small, large) = (rng::below(&mut r, 2) as f64, rng::below(&mut r, 4), rng::below(&mut r, 90));
            let gap = rng::unit(&mut r) < 0.1;
            let m =
                1.5 * a - if gap { 1.0 } else { b * b } + flag * a + [0.0, 1.0, -1.0, 0.5][small] + if large % 3 == 0 { 1.0 } else { 0.0 };
            values.extend([a, if gap { f64::NAN } else { b }, flag, small as f64, large as f64]);
            buy.push(f64::from(rng::unit(&mut r) < crate::ml::model::sigmoid(m)));
            spend.push(if i % 50 == 0 { f64::NAN } else { 20.0 + 5.0 * m + rng::normal(&mut r) });
        }
        let features = vec![numeric("a", false), numeric("b", false), numeric("flag", true), category("small", 4), category("large", 90)];
        TrainData {
            x: FeatureMatrix { n_features: 5, values },
            y: vec![buy, spend],
            parts: (0..rows).map(|i| if i % 4 == 3 { Part::Test } else { Part::Train }).collect(),
            outcomes: vec![yes_no("buy"), Outcome { name: "spend".into(), kind: OutcomeKind::Number, base_rate: 20.0 }],
            encoder: Encoder { features, ..Encoder::default() },
            data: Fingerprint::of(b"sample"),
            warnings: vec![],
        }
    }
    /// The same with only one of the outcomes.
    pub(crate) fn only(mut d: TrainData, outcome: usize) -> TrainData {
        d.y = vec![d.y.swap_remove(outcome)];
        d.outcomes = vec![d.outcomes.swap_remove(outcome)];
        d
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(e: Result<Arc<dyn Model>>) -> String {
        match e {
            Ok(_) => "fine".into(),
            Err(f) => {
                assert!(!f.to_string().contains('{'), "an open place in: {f}");
                f.0.code
            }
        }
    }
    fn try_train(change: impl Fn(&mut ModelSpec, &mut TrainData)) -> String {
        let (mut spec, mut d) = (ModelSpec::new("m", ModelKind::Logistic), sample::only(sample::data(80, 1), 0));
        change(&mut spec, &mut d);
        code(train(&spec, &d, &JobCtx::quiet()))
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        assert_eq!(try_train(|_, _| ()), "fine");
        assert_eq!(try_train(|s, _| s.depth = Some(3)), "ml.setting_unknown");
        assert_eq!(try_train(|s, _| s.l2 = Some(-1.0)), "ml.setting_range");
        assert_eq!(try_train(|s, _| s.l2 = Some(f64::NAN)), "ml.setting_range");
        assert_eq!(try_train(|s, _| s.device = DeviceChoice::Gpu), "ml.cpu_only");
        assert_eq!(try_train(|_, d| d.y[0].fill(0.0)), "ml.one_class");
        assert_eq!(try_train(|_, d| d.y[0].fill(f64::NAN)), "ml.too_few_rows");
        assert_eq!(try_train(|_, d| d.parts.fill(Part::Test)), "ml.too_few_rows");
        assert_eq!(try_train(|_, d| d.outcomes.clear()), "ml.no_target");
        assert_eq!(try_train(|_, d| *d = TrainData { encoder: Encoder::default(), ..d.clone() }), "ml.no_features");
        let mut trees = ModelSpec::new("t", ModelKind::Gbdt);
        trees.depth = Some(17);
        assert_eq!(check_spec(&trees, &[]).unwrap_err().0.code, "ml.setting_range");
        trees.depth = None;
        trees.heads = Some(2);
        assert_eq!(check_spec(&trees, &[]).unwrap_err().0.code, "ml.setting_unknown");
        let mut l = ModelSpec::new("l", ModelKind::Logistic);
        l.weight = Weighting::Balanced;
        assert_eq!(code(train(&l, &sample::only(sample::data(80, 1), 1), &JobCtx::quiet())), "ml.balanced_needs_classes");
    }

    #[test]
    fn the_card_says_what_happened() {
        let mut d = sample::only(sample::data(400, 2), 0);
        for r in 0..400 {
            d.y[0][r] = if r % 10 == 1 { f64::NAN } else { f64::from(r % 25 == 0 || r % 25 == 3) };
        }
        let m = train(&ModelSpec::new("m", ModelKind::Gbdt), &d, &JobCtx::quiet()).unwrap();
        let card = m.card();
        assert_eq!(card.rows.train + card.rows.validation + card.rows.test, 360);
        assert_eq!(card.rows.test, card.evaluation[0].rows);
        assert!(card.evaluation[0].auc().is_some() && !card.curve.is_empty() && card.fingerprint.0.len() == 64);
        let codes: Vec<&str> = card.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["ml.target_missing", "ml.imbalance"]);
        assert_eq!(card.warnings[0].fields["rows"], crate::base::Field::Int(40));
        // A column without a single number, and no test rows: still a model, and one that can be saved.
        d.parts.fill(Part::Train);
        d.encoder.features[1].mean = f64::NAN;
        (0..400).for_each(|r| d.x.values[r * 5 + 1] = f64::NAN);
        for kind in [ModelKind::Logistic, ModelKind::Gbdt] {
            let dir = tempfile::tempdir().unwrap();
            let m = train(&ModelSpec::new("m", kind), &d, &JobCtx::quiet()).unwrap();
            crate::ml::file::save(m.as_ref(), &dir.path().join("m.whymodel")).unwrap();
            assert!(crate::ml::file::load(&dir.path().join("m.whymodel")).is_ok());
        }
        let m = train(&ModelSpec::new("m", ModelKind::Gbdt), &d, &JobCtx::quiet()).unwrap();
        assert!(m.card().warnings.iter().any(|w| w.code == "ml.no_test_rows"));
        assert_eq!(m.card().evaluation[0].rows, 0);
    }

    #[test]
    fn validation_is_carved_with_the_same_share_and_by_seed() {
        let d = sample::only(sample::data(2000, 3), 0);
        let mut spec = ModelSpec::new("m", ModelKind::Gbdt);
        let (train, held) = training_parts(&spec, &d);
        assert_eq!(train.len() + held.len(), 1500);
        assert!((held.len() as f64 - 225.0).abs() <= 1.0);
        assert!(train.iter().all(|r| d.parts[*r] == Part::Train && !held.contains(r)));
        let share = |rows: &[usize]| rows.iter().map(|&r| d.y[0][r]).sum::<f64>() / rows.len() as f64;
        assert!((share(&train) - share(&held)).abs() < 0.005);
        assert_eq!(training_parts(&spec, &d).1, held);
        spec.seed = 2;
        assert_ne!(training_parts(&spec, &d).1, held);
        let mut named = d.clone();
        named.parts[0] = Part::Validation;
        assert_eq!(training_parts(&spec, &named).1, vec![0]);
        assert_eq!(training_parts(&ModelSpec::new("l", ModelKind::Logistic), &d).1, Vec::<usize>::new());
    }

    #[test]
    fn the_conformal_band_covers_what_it_says() {
        assert_eq!(conformal_quantile((1..=9).map(f64::from).collect()), Some(9.0));
        assert_eq!(conformal_quantile((1..=8).map(f64::from).collect()), None);
        assert_eq!(conformal_quantile((1..=99).map(f64::from).collect()), Some(90.0));
        let d = sample::only(sample::data(3000, 4), 1);
        let m = train(&ModelSpec::new("m", ModelKind::Gbdt), &d, &JobCtx::quiet()).unwrap();
        let half = m.card().conformal.unwrap();
        let test: Vec<usize> = (0..3000).filter(|&r| d.parts[r] == Part::Test && d.y[0][r].is_finite()).collect();
        let p = m.predict(&d.x.select(&test), &JobCtx::quiet()).unwrap();
        let inside = test.iter().zip(&p).filter(|(r, p)| (d.y[0][**r] - **p).abs() <= half).count() as f64 / test.len() as f64;
        assert!((0.85..0.96).contains(&inside), "{inside}");
    }

    #[test]
    fn a_cancelled_job_stops() {
        let ctx = JobCtx::quiet();
        ctx.token().cancel();
        for kind in [ModelKind::Logistic, ModelKind::Gbdt] {
            let e = train(&ModelSpec::new("m", kind), &sample::data(200, 1), &ctx).err().unwrap();
            assert!(e.is_cancelled());
        }
    }
}
