//! The reward model of the direct and the doubly robust methods: what each action would bring in each row.
//!
//! Logistic regression for rewards of 0 and 1, linear for amounts, or boosted trees; cross-fitted, so that no row is
//! predicted by a model that has seen it. MRDR fits the same model with the row weights π(a)·(1 − p) / p², which lowers the
//! variance of the doubly robust estimate rather than the error of the model. Of a linear model the influence of each row
//! it learned from is known ([`Projector`]), which gives an interval to what rests on the model alone.

use std::sync::Arc;

use rayon::prelude::*;

use super::Settings;
use super::log::Log;
use super::target::Target;
use crate::base::{Fingerprint, JobCtx, Notice, Result, rng};
use crate::data::{Encoder, Feature, FeatureKind, FeatureMatrix, Part};
use crate::ml::model::sigmoid;
use crate::ml::train::TrainData;
use crate::ml::{Model, ModelKind, ModelSpec, Outcome, OutcomeKind, logistic};
use crate::note;

/// Rows per piece of a parallel loop; fixed, so that sums have one order at any thread count.
const CHUNK: usize = 4_096;
/// Predictions of a model beyond which it is not asked (rows × actions).
const MOST_PREDICTIONS: usize = 4_000_000_000;
/// The same for trees, which are slower to ask.
const MOST_TREE_PREDICTIONS: usize = 400_000_000;
/// Columns of a linear model up to which the influence of each row is worked out.
const MOST_COLUMNS: usize = 400;

/// What a reward model says of every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Expected reward under the target policy.
    pub direct: Vec<f64>,
    /// Expected reward of the logged action.
    pub factual: Vec<f64>,
    /// How much the residual of each row moves the model; `None` where it is not known.
    pub projector: Option<Projector>,
}

/// The reward models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Models {
    /// Fitted as usual.
    pub plain: Option<Predicted>,
    /// Fitted for MRDR.
    pub mrdr: Option<Predicted>,
    /// What was left out and why.
    pub warnings: Vec<Notice>,
}

/// Fits both models and asks them.
pub fn models(log: &Log, target: &Target, propensity: &[f64], settings: &Settings, ctx: &JobCtx) -> Result<Models> {
    let cells = if log.features.is_empty() { log.rows() } else { log.rows().saturating_mul(target.names.len()) };
    let most = if settings.model == ModelKind::Gbdt { MOST_TREE_PREDICTIONS } else { MOST_PREDICTIONS };
    if cells > most {
        let warning = note!("policy.too_many_predictions", rows = log.rows(), actions = target.names.len());
        return Ok(Models { warnings: vec![warning], ..Models::default() });
    }
    let data = train_data(log);
    ctx.stage("policy.stage_models", 2 * settings.folds as u64);
    let even = vec![1.0; log.rows()];
    let plain = cross_fit(log, target, &data, &even, settings.model, settings, 0, ctx)?;
    let mut weights: Vec<f64> =
        propensity.iter().enumerate().map(|(i, p)| target.probability(i, log.action[i]) * (1.0 - p) / (p * p)).collect();
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    let mut warnings = Vec::new();
    let mrdr = if mean > 0.0 && mean.is_finite() {
        weights.iter_mut().for_each(|w| *w /= mean);
        Some(cross_fit(log, target, &data, &weights, ModelKind::Logistic, settings, settings.folds as u64, ctx)?)
    } else {
        warnings.push(note!("policy.no_mrdr"));
        None
    };
    Ok(Models { plain: Some(plain), mrdr, warnings })
}

/// Context first, the action last.
pub(super) fn train_data(log: &Log) -> TrainData {
    let n = log.rows();
    let m = log.features.len() + 1;
    let mut values = Vec::with_capacity(n * m);
    for i in 0..n {
        if m > 1 {
            values.extend_from_slice(log.context.row(i));
        }
        values.push(f64::from(log.action[i]));
    }
    let action = Feature {
        name: log.columns.action.clone(),
        kind: FeatureKind::Categorical { levels: log.names.clone() },
        mean: 0.0,
        sd: 0.0,
        range: (0.0, 0.0),
        quantiles: Vec::new(),
        shares: vec![1.0 / log.names.len() as f64; log.names.len()],
        missing: 0.0,
    };
    let kind =
        if log.is_binary() { OutcomeKind::Binary { positive: "1".to_owned(), negative: "0".to_owned() } } else { OutcomeKind::Number };
    let features: Vec<Feature> = log.features.iter().cloned().chain([action]).collect();
    TrainData {
        x: FeatureMatrix { n_features: m, values },
        y: vec![log.reward.clone()],
        parts: vec![Part::Train; n],
        outcomes: vec![Outcome { name: log.columns.reward.clone(), kind, base_rate: 0.0 }],
        encoder: Encoder { features, ..Encoder::default() },
        data: Fingerprint::default(),
        warnings: Vec::new(),
    }
}

/// The parts of a cross-fit: sizes differ by one at most.
pub fn parts(rows: usize, folds: usize, seed: u64) -> Vec<u8> {
    let mut out: Vec<u8> = (0..rows).map(|i| (i % folds) as u8).collect();
    rng::shuffle(&mut rng::rng(seed, "policy-parts"), &mut out);
    out
}

/// A fitted model of one part, ready to be asked about any action.
enum Asked {
    /// The rewards it learned from were all the same.
    Constant(f64),
    /// Margin = base + what the context adds + what the action adds.
    Additive { model: Box<logistic::LogisticModel>, base: f64, action: Vec<f64>, binary: bool },
    /// Anything else is asked row by row.
    Any(Arc<dyn Model>),
}

fn cross_fit(
    log: &Log,
    target: &Target,
    data: &TrainData,
    weights: &[f64],
    kind: ModelKind,
    settings: &Settings,
    done: u64,
    ctx: &JobCtx,
) -> Result<Predicted> {
    let n = log.rows();
    let folds = settings.folds.clamp(2, 20).min(n.max(2));
    let part = parts(n, folds, settings.seed);
    let spec = ModelSpec { seed: settings.seed, ..ModelSpec::new("reward", kind) };
    let mut out = Predicted { direct: vec![0.0; n], factual: vec![0.0; n], projector: None };
    let layout = Layout::new(&data.encoder.features);
    let known = kind == ModelKind::Logistic && done == 0 && layout.columns <= MOST_COLUMNS && target.names.len() == log.names.len();
    let mut slopes = vec![0.0; layout.columns];
    for fold in 0..folds {
        ctx.check()?;
        let train: Vec<usize> = (0..n).filter(|i| usize::from(part[*i]) != fold && weights[*i] > 0.0).collect();
        let held: Vec<usize> = (0..n).filter(|i| usize::from(part[*i]) == fold).collect();
        let asked = fit(log, target, data, weights, &train, &spec, ctx)?;
        let answers = ask(&asked, log, target, data, &held, ctx)?;
        if known {
            let g = gradient(&asked, target, data, &layout, &held);
            slopes.iter_mut().zip(g).for_each(|(x, y)| *x += y);
        }
        for (i, (direct, factual)) in held.into_iter().zip(answers) {
            out.direct[i] = direct;
            out.factual[i] = factual;
        }
        ctx.at(done + fold as u64 + 1);
    }
    if known {
        out.projector = Some(Projector::new(log, data.clone(), layout, &out.factual, slopes));
    }
    Ok(out)
}

fn fit(log: &Log, target: &Target, data: &TrainData, weights: &[f64], train: &[usize], spec: &ModelSpec, ctx: &JobCtx) -> Result<Asked> {
    let first = train.first().map_or(0.0, |r| log.reward[*r]);
    if train.len() < crate::ml::train::FEWEST_ROWS || train.iter().all(|r| log.reward[*r] == first) {
        let mean = train.iter().map(|r| log.reward[*r]).sum::<f64>() / train.len().max(1) as f64;
        return Ok(Asked::Constant(mean));
    }
    let quiet = ctx.without_stage();
    if spec.kind != ModelKind::Logistic {
        let mut own = data.clone();
        own.parts.fill(Part::Test);
        train.iter().for_each(|r| own.parts[*r] = Part::Train);
        return Ok(Asked::Any(crate::ml::train::train(spec, &own, &quiet)?));
    }
    let model = logistic::fit_weighted(spec, data, train, weights, &quiet)?;
    let column = data.x.n_features - 1;
    let (base, action) = {
        let crate::ml::model::Structure::Additive(view) = model.structure() else { return Ok(Asked::Constant(first)) };
        (view.base(0), (0..target.names.len()).map(|a| view.contribution(column, a as f64, 0)).collect())
    };
    Ok(Asked::Additive { model: Box::new(model), base, action, binary: log.is_binary() })
}

/// Direct and factual prediction of each of the rows.
fn ask(asked: &Asked, log: &Log, target: &Target, data: &TrainData, rows: &[usize], ctx: &JobCtx) -> Result<Vec<(f64, f64)>> {
    match asked {
        Asked::Constant(c) => Ok(vec![(*c, *c); rows.len()]),
        Asked::Additive { model, base, action, binary } => {
            use crate::ml::model::Additive as _;
            let shown = |m: f64| if *binary { sigmoid(m) } else { m };
            let context = data.x.n_features - 1;
            if context == 0 {
                // Everybody is alike, so each action and each distribution is asked once.
                let q: Vec<f64> = action.iter().map(|a| shown(base + a)).collect();
                let v: Vec<f64> = (0..target.distributions())
                    .into_par_iter()
                    .map(|d| target.entries(d).iter().map(|(a, p)| p * q[*a as usize]).sum())
                    .collect();
                return Ok(rows.iter().map(|i| (v[target.distribution(*i)], q[log.action[*i] as usize])).collect());
            }
            Ok(rows
                .par_iter()
                .map(|&i| {
                    let x = data.x.row(i);
                    let own: f64 = base + (0..context).map(|j| model.contribution(j, x[j], 0)).sum::<f64>();
                    let direct = target.row(i).iter().map(|(a, p)| p * shown(own + action[*a as usize])).sum();
                    (direct, shown(own + action[log.action[i] as usize]))
                })
                .collect())
        }
        Asked::Any(model) => {
            let mut out = Vec::with_capacity(rows.len());
            let m = data.x.n_features;
            for chunk in rows.chunks(CHUNK.div_ceil(target.names.len().clamp(1, 64)).max(64)) {
                ctx.check()?;
                let mut values = Vec::new();
                for &i in chunk {
                    let mut push = |a: u32| {
                        values.extend_from_slice(data.x.row(i));
                        let last = values.len() - 1;
                        // An action that the log never showed is unknown to the model.
                        values[last] = if (a as usize) < log.names.len() { f64::from(a) } else { crate::data::features::UNSEEN };
                    };
                    push(log.action[i]);
                    target.row(i).iter().for_each(|(a, _)| push(*a));
                }
                let p = model.predict(&FeatureMatrix { n_features: m, values }, ctx)?;
                let mut at = 0;
                for &i in chunk {
                    let row = target.row(i);
                    let direct = row.iter().enumerate().map(|(k, (_, w))| w * p[at + 1 + k]).sum();
                    out.push((direct, p[at]));
                    at += 1 + row.len();
                }
            }
            Ok(out)
        }
    }
}

/// Where the columns of the linear model lie: the constant, numbers, a column per level of each category, the actions.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    first: Vec<usize>,
    columns: usize,
    actions: usize,
}

impl Layout {
    fn new(features: &[Feature]) -> Self {
        let mut at = 1;
        let mut first = Vec::with_capacity(features.len());
        for f in features {
            first.push(at);
            at += if f.is_categorical() { f.levels().len() } else { 1 };
        }
        let actions = first.last().copied().unwrap_or(1);
        Self { first, columns: at, actions }
    }

    /// The columns of a row without its action, the constant first.
    fn context(&self, features: &[Feature], x: &[f64], out: &mut Vec<(usize, f64)>) {
        out.clear();
        out.push((0, 1.0));
        for (j, f) in features.iter().enumerate().take(features.len() - 1) {
            let v = x[j];
            if f.is_categorical() {
                if v >= 0.0 && (v as usize) < f.levels().len() {
                    out.push((self.first[j] + v as usize, 1.0));
                }
            } else if v.is_finite() {
                let scaled = (v - f.mean) / if f.sd > 0.0 { f.sd } else { 1.0 };
                out.push((self.first[j], scaled));
            }
        }
    }
}

/// What the direct estimate (times the rows) gains per unit of each weight of the linear model, over `rows`.
fn gradient(asked: &Asked, target: &Target, data: &TrainData, layout: &Layout, rows: &[usize]) -> Vec<f64> {
    use crate::ml::model::Additive as _;
    let Asked::Additive { model, base, action, binary } = asked else { return vec![0.0; layout.columns] };
    let features = &data.encoder.features;
    let context = features.len() - 1;
    let parts: Vec<Vec<f64>> = rows
        .par_chunks(piece(rows.len()))
        .map(|chunk| {
            let mut g = vec![0.0; layout.columns];
            let mut z = Vec::new();
            for &i in chunk {
                let x = data.x.row(i);
                let own: f64 = base + (0..context).map(|j| model.contribution(j, x[j], 0)).sum::<f64>();
                let mut all = 0.0;
                for (a, p) in target.row(i) {
                    let q = if *binary { sigmoid(own + action[*a as usize]) } else { 0.0 };
                    let s = if *binary { p * q * (1.0 - q) } else { *p };
                    g[layout.actions + *a as usize] += s;
                    all += s;
                }
                layout.context(features, x, &mut z);
                z.iter().for_each(|(c, v)| g[*c] += all * v);
            }
            g
        })
        .collect();
    let mut g = vec![0.0; layout.columns];
    for part in parts {
        g.iter_mut().zip(part).for_each(|(x, y)| *x += y);
    }
    g
}

/// Large pieces where each carries a matrix; their number does not depend on the machine.
fn piece(rows: usize) -> usize {
    rows.div_ceil(16).max(CHUNK)
}

/// What a linear reward model owes to each row it learned from: by the sandwich of its (penalised) fit, the residual of row i
/// moves the mean of any smooth figure of the model by dᵀ H⁻¹ zᵢ, with d the gradient of the figure and H the curvature.
#[derive(Clone, Debug, PartialEq)]
pub struct Projector {
    layout: Layout,
    features: Vec<Feature>,
    x: FeatureMatrix,
    action: Vec<u32>,
    /// Curvature of the prediction of the logged action.
    slope: Vec<f64>,
    /// Gradient of the direct estimate, times the rows.
    direct: Vec<f64>,
    /// Lower triangle of H.
    curvature: Vec<f64>,
}

impl Projector {
    fn new(log: &Log, data: TrainData, layout: Layout, factual: &[f64], direct: Vec<f64>) -> Self {
        let d = layout.columns;
        let binary = log.is_binary();
        let slope: Vec<f64> = factual.iter().map(|q| if binary { q * (1.0 - q) } else { 1.0 }).collect();
        let mut out = Self {
            layout,
            features: data.encoder.features,
            x: data.x,
            action: log.action.clone(),
            slope,
            direct,
            curvature: vec![0.0; d * d],
        };
        let h = out.sum(d * d, |i, z, h| {
            for (k, (a, u)) in z.iter().enumerate() {
                for (b, v) in &z[..=k] {
                    h[(*a).max(*b) * d + (*a).min(*b)] += out.slope[i] * u * v;
                }
            }
        });
        out.curvature = h;
        // The penalty of the fit; it leaves the constant free.
        for j in 1..d {
            out.curvature[j * d + j] += 1.0;
        }
        out
    }

    /// Columns of the model.
    pub fn width(&self) -> usize {
        self.layout.columns
    }

    /// The columns of a row with its logged action.
    fn columns(&self, i: usize, z: &mut Vec<(usize, f64)>) {
        self.layout.context(&self.features, self.x.row(i), z);
        z.push((self.layout.actions + self.action[i] as usize, 1.0));
    }

    /// A sum over rows in large pieces, in one order at any thread count.
    fn sum(&self, size: usize, add: impl Fn(usize, &[(usize, f64)], &mut [f64]) + Sync) -> Vec<f64> {
        let rows: Vec<usize> = (0..self.action.len()).collect();
        let parts: Vec<Vec<f64>> = rows
            .par_chunks(piece(rows.len()))
            .map(|chunk| {
                let (mut out, mut z) = (vec![0.0; size], Vec::new());
                for &i in chunk {
                    self.columns(i, &mut z);
                    add(i, &z, &mut out);
                }
                out
            })
            .collect();
        let mut out = vec![0.0; size];
        for part in parts {
            out.iter_mut().zip(part).for_each(|(x, y)| *x += y);
        }
        out
    }

    /// How far the residual of each row moves the mean of v − kept·q (the direct estimate where nothing is `kept`): what the
    /// fit of the model adds to an estimate that corrects only a part of it.
    pub fn pull(&self, kept: Option<&[f64]>) -> Vec<f64> {
        let d = self.layout.columns;
        let mut gradient = self.direct.clone();
        if let Some(kept) = kept {
            let corrected = self.sum(d, |i, z, g| z.iter().for_each(|(c, v)| g[*c] += kept[i] * self.slope[i] * v));
            gradient.iter_mut().zip(corrected).for_each(|(x, y)| *x -= y);
        }
        let u = logistic::cholesky_solve(&mut self.curvature.clone(), &gradient);
        let mut out = vec![0.0; self.action.len()];
        out.par_chunks_mut(CHUNK).enumerate().for_each(|(c, part)| {
            let mut z = Vec::new();
            for (k, slot) in part.iter_mut().enumerate() {
                self.columns(c * CHUNK + k, &mut z);
                *slot = z.iter().map(|(c, v)| u[*c] * v).sum();
            }
        });
        out
    }
}
