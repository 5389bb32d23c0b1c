//! How fast training runs here: one Transformer of given sizes on made-up rows, for benches.

use super::inputs::{Input, Inputs};
use super::optimise::{self, Loss};
use super::params::{AdamW, Params};
use super::shape::Shape;
use super::{Net, first_params};
use crate::base::{Fingerprint, Result, rng};
use crate::data::{Encoder, FeatureMatrix, Part};
use crate::ml::device;
use crate::ml::model::{Outcome, OutcomeKind};
use crate::ml::spec::{DeviceChoice, ModelKind, ModelSpec};
use crate::ml::train::TrainData;

/// Sizes of the Transformer that is timed.
#[derive(Clone, Copy, Debug)]
pub struct SpeedModel {
    /// Tokens of a row, the class token included.
    pub tokens: usize,
    /// Numbers per token.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Heads.
    pub heads: usize,
    /// Hidden numbers of the feed-forward part.
    pub hidden: usize,
    /// Rows per step.
    pub batch: usize,
    /// Parts of a batch that run side by side.
    pub replicas: usize,
    /// Compute every query of the last layer, as a plain implementation does, though only the class token is read.
    pub every_query: bool,
}

/// Training samples per second: forward, backward and update, without dropout, after one warm-up step.
pub fn training_speed(model: &SpeedModel, device: &DeviceChoice, steps: usize) -> Result<f64> {
    let features = model.tokens - 1;
    let shape = Shape {
        transformer: true,
        features,
        width: model.width,
        layers: model.layers,
        heads: model.heads,
        hidden: model.hidden,
        outcomes: 1,
        temperature: 1.0,
        residual: true,
        every_query: model.every_query,
    };
    let inputs = Inputs::new((0..features).map(|_| Input::Number { log: false, mean: 0.0, sd: 1.0, edges: Vec::new() }).collect());
    let mut params = Params::default();
    first_params(&mut params, &shape, &inputs, 1);
    let place = device::open(device)?;
    let mut net = Net { shape, inputs, params, targets: vec![(0.0, 1.0)], reference: Vec::new(), replicas: model.replicas, place };
    let mut random = rng::rng(1, "net.speed");
    let x = FeatureMatrix { n_features: features, values: (0..model.batch * features).map(|_| rng::normal(&mut random)).collect() };
    let y = (0..model.batch).map(|i| f64::from(u8::from(x.row(i)[0] > 0.0))).collect();
    let kind = OutcomeKind::Binary { positive: "1".to_owned(), negative: "0".to_owned() };
    let data = TrainData {
        x,
        y: vec![y],
        parts: vec![Part::Train; model.batch],
        outcomes: vec![Outcome { name: "y".to_owned(), kind, base_rate: 0.5 }],
        encoder: Encoder::default(),
        data: Fingerprint::default(),
        warnings: Vec::new(),
    };
    let rows: Vec<usize> = (0..model.batch).collect();
    let loss = Loss::new(&net, &ModelSpec::new("speed", ModelKind::Transformer), &data, &rows, None);
    let mut adam = AdamW::new(net.params.values.len(), 0.01);
    let mut clock = std::time::Instant::now();
    for step in 0..=steps {
        if step == 1 {
            clock = std::time::Instant::now();
        }
        let (_, mut grad) = optimise::batch_gradient(&net, &loss, &data.x, &rows, step as u64, 0.0)?;
        adam.step(&mut net.params, &mut grad, 1e-3);
    }
    Ok((steps * model.batch) as f64 / clock.elapsed().as_secs_f64())
}
