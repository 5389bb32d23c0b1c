//! What stands behind a learner: a line (logistic, or ridge for amounts), boosted trees or a network, fitted to chosen rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::space::Design;
use super::study::Pair;
use crate::base::{Fingerprint, JobCtx, Result};
use crate::data::{Encoder, Feature, FeatureKind, FeatureMatrix, Part};
use crate::ml::linear::{self, Line};
use crate::ml::train::{TrainData, train_weighted};
use crate::ml::{DeviceChoice, Model, ModelKind, ModelSpec, Outcome, OutcomeKind};

/// L2 penalty of a line: ½‖w‖² + Σ loss.
const L2: f64 = 1.0;
/// Rows below which trees or a network would only learn noise; the mean stands in.
const FEWEST: usize = 20;
/// Steps that a network takes in one pass over the rows, as far as its batches may be so small or so large.
const STEPS: usize = 16;
const BATCH: std::ops::RangeInclusive<usize> = 32..=256;

/// Which models stand behind a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// L2 logistic regression; ridge regression for amounts.
    #[default]
    Logistic,
    /// Gradient-boosted trees.
    Gbdt,
    /// A small deep network.
    #[serde(alias = "network")]
    Dnn,
    /// A small Transformer over the columns.
    Transformer,
}

impl Base {
    /// All, in the order of the command line.
    pub const ALL: [Self; 4] = [Self::Logistic, Self::Gbdt, Self::Dnn, Self::Transformer];

    /// Whether it is a line: it reads scaled columns, and knows no product that is not among its columns.
    pub const fn is_line(self) -> bool {
        matches!(self, Self::Logistic)
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Gbdt => "gbdt",
            Self::Dnn => "dnn",
            Self::Transformer => "transformer",
        }
    }
}

/// Columns, and which models are fitted on them.
#[derive(Clone, Debug)]
pub struct Space {
    base: Base,
    seed: u64,
    /// What trees and networks need to know of the columns; empty for a line.
    features: Vec<Feature>,
    /// One row per row of the pair.
    pub x: FeatureMatrix,
}

/// What was fitted.
pub enum Fitted {
    /// The same for everybody: the outcome never varied among the rows.
    Constant(f64),
    /// A line.
    Line(Line),
    /// Trees or a network.
    Model(Arc<dyn Model>),
}

impl Space {
    /// The columns of `chosen` features of a pair.
    pub fn of(pair: &Pair, chosen: &[usize], base: Base, seed: u64) -> Result<Self> {
        Self::new((&pair.features, &pair.x), &pair.train, chosen, base, seed)
    }

    /// The columns of `chosen` features, for a line scaled by the train rows.
    pub fn new((features, x): (&[Feature], &FeatureMatrix), train: &[usize], chosen: &[usize], base: Base, seed: u64) -> Result<Self> {
        Ok(match base {
            Base::Logistic => {
                let design = Design::fit(features, chosen, x, train)?;
                Self { base, seed, features: Vec::new(), x: design.matrix(x) }
            }
            Base::Gbdt | Base::Dnn | Base::Transformer => {
                let own: Vec<Feature> = chosen.iter().map(|f| features[*f].clone()).collect();
                let values = (0..x.n_rows()).flat_map(|r| chosen.iter().map(move |f| x.row(r)[*f])).collect();
                Self { base, seed, x: FeatureMatrix { n_features: chosen.len(), values }, features: own }
            }
        })
    }

    /// Which models.
    pub const fn base(&self) -> Base {
        self.base
    }

    /// The same columns with more behind them, for `rows` only. `more` gives the added values of a row.
    pub fn with(&self, rows: &[usize], names: &[&str], more: impl Fn(usize) -> Vec<f64>) -> Self {
        let width = self.x.n_features + names.len();
        let mut values = Vec::with_capacity(rows.len() * width);
        for &r in rows {
            values.extend_from_slice(self.x.row(r));
            values.extend(more(r));
        }
        let mut features = self.features.clone();
        if !self.base.is_line() {
            features.extend(names.iter().map(|n| added(n)));
        }
        Self { base: self.base, seed: self.seed, features, x: FeatureMatrix { n_features: width, values } }
    }

    /// Fits `y` (as long as `x`) on `rows`; `yes_no` says whether it is a probability that is fitted.
    pub fn fit(&self, rows: &[usize], y: &[f64], weight: Option<&[f64]>, yes_no: bool, ctx: &JobCtx) -> Result<Fitted> {
        ctx.check()?;
        let first = rows.first().map_or(0.0, |r| y[*r]);
        if rows.iter().all(|&r| y[r] == first) {
            return Ok(Fitted::Constant(first));
        }
        if self.base.is_line() {
            return linear::penalised(&self.x, rows, y, weight, L2, yes_no, ctx).map(Fitted::Line);
        }
        let of = |yes: bool| rows.iter().filter(|r| (y[**r] > 0.5) == yes).count();
        if rows.len() < FEWEST || (yes_no && of(true).min(of(false)) < 3) {
            let of = |r: usize| weight.map_or(1.0, |w| w[r]);
            let total: f64 = rows.iter().map(|&r| of(r)).sum();
            return Ok(Fitted::Constant(rows.iter().map(|&r| of(r) * y[r]).sum::<f64>() / total.max(f64::MIN_POSITIVE)));
        }
        self.model(rows, y, weight, yes_no, ctx).map(Fitted::Model)
    }

    /// Fits an effect: least squares without a penalty for a line, trees or a network of amounts otherwise.
    pub fn fit_effect(&self, rows: &[usize], y: &[f64], weight: Option<&[f64]>, ctx: &JobCtx) -> Result<Fitted> {
        ctx.check()?;
        if self.base.is_line() {
            return Ok(Fitted::Line(linear::least_squares(&self.x, rows, y, weight).line));
        }
        self.fit(rows, y, weight, false, ctx)
    }

    fn spec(&self, rows: usize) -> ModelSpec {
        if self.base == Base::Gbdt {
            let spec = ModelSpec::new("effect", ModelKind::Gbdt);
            return ModelSpec { seed: self.seed, depth: Some(4), epochs: Some(200), learning_rate: Some(0.08), ..spec };
        }
        // Many of these are fitted to few rows each, so they are small; and on the CPU, so that every machine says the same.
        let (kind, layers, width) = if self.base == Base::Transformer { (ModelKind::Transformer, 1, 16) } else { (ModelKind::Dnn, 2, 32) };
        ModelSpec {
            seed: self.seed,
            device: DeviceChoice::Cpu,
            layers: Some(layers),
            width: Some(width),
            learning_rate: Some(3e-3),
            batch: Some((rows / STEPS).clamp(*BATCH.start(), *BATCH.end()) as u32),
            ..ModelSpec::new("effect", kind)
        }
    }

    fn model(&self, rows: &[usize], y: &[f64], weight: Option<&[f64]>, yes_no: bool, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
        let spec = self.spec(rows.len());
        let kind = if yes_no { OutcomeKind::Binary { positive: "1".into(), negative: "0".into() } } else { OutcomeKind::Number };
        let data = TrainData {
            x: self.x.select(rows),
            y: vec![rows.iter().map(|&r| y[r]).collect()],
            parts: vec![Part::Train; rows.len()],
            outcomes: vec![Outcome { name: "outcome".into(), kind, base_rate: 0.0 }],
            encoder: Encoder { features: self.features.clone(), ..Encoder::default() },
            data: Fingerprint::default(),
            warnings: Vec::new(),
        };
        // One on average: trees hold the weight of a leaf against a fixed least.
        let weight = weight.map(|w| {
            let mean = rows.iter().map(|&r| w[r]).sum::<f64>() / rows.len().max(1) as f64;
            rows.iter().map(|&r| w[r] / mean.max(f64::MIN_POSITIVE)).collect::<Vec<f64>>()
        });
        train_weighted(&spec, &data, weight.as_deref(), &ctx.without_stage())
    }
}

impl Fitted {
    /// Predictions of some rows of a space.
    pub fn predict(&self, space: &Space, rows: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
        match self {
            Self::Constant(c) => Ok(vec![*c; rows.len()]),
            Self::Line(line) => Ok(line.predict(&space.x, rows)),
            // A network would report its own rows as steps of the larger stage.
            Self::Model(model) => model.predict(&space.x.select(rows), &ctx.without_stage()),
        }
    }
}

/// A column that a learner adds, as trees and networks know it.
fn added(name: &str) -> Feature {
    Feature {
        name: name.to_owned(),
        kind: FeatureKind::Numeric { integer: false, boolean: true },
        mean: 0.0,
        sd: 1.0,
        range: (0.0, 1.0),
        quantiles: vec![0.0; crate::data::features::QUANTILES.len()],
        shares: Vec::new(),
        missing: 0.0,
    }
}
