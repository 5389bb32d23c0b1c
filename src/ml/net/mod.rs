//! Networks on burn: a deep network for behaviour and a Transformer over feature tokens for content effect, with one
//! output per outcome.
//!
//! - [`inputs`]: cells → tokens, in plain arithmetic; [`shape`]: the two networks; [`pass`]: forward and backward on a device;
//! - [`params`]: the learned numbers and AdamW, on the host; [`optimise`]: the training loop; [`lanes`]: CPU work in
//!   one-thread pieces whose number does not depend on the machine; [`small`]: a network that learns while it is used;
//! - [`gradients`]: what explanation asks of a network; [`stored`]: to and from a model file's tensors; [`foreign`]: weights of others.
//!
//! On the CPU the same spec and data give the same bits, whatever the number of cores.

mod foreign;
mod gradients;
mod inputs;
mod lanes;
mod optimise;
mod params;
mod pass;
mod shape;
mod small;
mod speed;
mod stored;
#[cfg(test)]
mod tests;

use super::device::{self, Place};
use super::file::NamedTensor;
use super::model::{Model, ModelCard, Network, PartSizes, Structure};
use super::spec::{ModelKind, ModelSpec};
use super::train::{TrainData, blank_card, check_width};
use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use inputs::{Active, Inputs};
use params::{CLASS, EMBED, Params};
use pass::{Pass, Want};
use shape::Shape;

pub use foreign::{export, import};
pub use small::{Seen, SmallNet, side_by_side};
pub use speed::{SpeedModel, training_speed};

/// Rows per pass when predicting: small enough to stay in the cache.
const CHUNK: usize = 128;

/// A trained network.
pub struct NetModel {
    card: ModelCard,
    net: Net,
}

/// The network itself: everything that computing needs.
struct Net {
    shape: Shape,
    inputs: Inputs,
    params: Params,
    /// Mean and standard deviation of each amount over the train rows; 0 and 1 for yes/no.
    targets: Vec<(f64, f64)>,
    /// Mean token of every feature over the train rows, side by side.
    reference: Vec<f32>,
    /// Replicas that shared each training step, in a fixed order.
    replicas: usize,
    place: Place,
}

impl Net {
    /// Network inputs of some rows: the class token first, then the features' tokens.
    fn input(&self, active: &Active, rows: usize) -> Vec<f32> {
        let s = &self.shape;
        let mut out = vec![0.0; rows * s.input_floats()];
        let class = self.params.get(CLASS);
        for row in out.chunks_exact_mut(s.input_floats()) {
            row[..class.len()].copy_from_slice(class);
        }
        active.embed(self.params.get(EMBED), s.width, s.features, s.input_floats(), class.len(), &mut out);
        out
    }

    /// Network inputs from features' tokens alone.
    fn with_class(&self, features: &[f32]) -> Vec<f32> {
        let class = self.params.get(CLASS);
        let per_row = self.shape.features * self.shape.width;
        let mut out = Vec::with_capacity(features.len() / per_row.max(1) * self.shape.input_floats());
        for row in features.chunks_exact(per_row) {
            out.extend_from_slice(class);
            out.extend_from_slice(row);
        }
        out
    }

    /// One pass without dropout.
    fn run(&self, input: Vec<f32>, want: Want<'_>, at_outputs: impl FnOnce(&[f32]) -> Vec<f32>) -> Result<Pass> {
        pass::run(&self.place.device, &self.shape, &self.params, input, None, want, at_outputs)
    }

    /// Works through `n` items in pieces, in order: on the CPU's lanes, or one after the other on a GPU.
    fn pieces<T: Send>(
        &self,
        n: usize,
        size: usize,
        ctx: &JobCtx,
        work: impl Fn(std::ops::Range<usize>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        device::guard(&self.place.name, || {
            let ranges: Vec<_> = (0..n.div_ceil(size)).map(|i| i * size..((i + 1) * size).min(n)).collect();
            let mut out = Vec::with_capacity(ranges.len());
            // Between groups the analyst may stop the work.
            for group in ranges.chunks(if self.place.cpu { 32 } else { 1 }) {
                ctx.check()?;
                if self.place.cpu {
                    for piece in lanes::each(group.len(), |i| work(group[i].clone())) {
                        out.push(piece?);
                    }
                } else {
                    out.push(work(group[0].clone())?);
                }
                ctx.at(group.last().map_or(0, |r| r.end) as u64);
            }
            Ok(out)
        })
    }

    /// Raw outputs of some rows.
    fn outputs(&self, x: &FeatureMatrix, rows: &[usize], ctx: &JobCtx) -> Result<Vec<f32>> {
        let parts = self.pieces(rows.len(), CHUNK, ctx, |range| {
            let rows = &rows[range];
            let input = self.input(&self.inputs.active(x, rows, || false), rows.len());
            Ok(self.run(input, Want::default(), |_| Vec::new())?.outputs)
        })?;
        Ok(parts.concat())
    }

    /// Raw output → margin.
    fn margin(&self, raw: f32, outcome: usize) -> f64 {
        let (mean, sd) = self.targets[outcome];
        mean + sd * f64::from(raw)
    }
}

/// Trains a deep network or a Transformer. `train` and `validation` are row indices of `data.x`; without validation rows
/// every epoch runs and the last weights stay.
pub fn fit(spec: &ModelSpec, data: &TrainData, train: &[usize], validation: &[usize], ctx: &JobCtx) -> Result<NetModel> {
    fit_weighted(spec, data, (train, validation), None, ctx)
}

/// The same where `weights` says how much each row of the data counts.
pub fn fit_weighted(
    spec: &ModelSpec,
    data: &TrainData,
    (train, validation): (&[usize], &[usize]),
    weights: Option<&[f64]>,
    ctx: &JobCtx,
) -> Result<NetModel> {
    let clock = std::time::Instant::now();
    let place = device::open(&spec.device)?;
    let shape = shape_of(spec, data.encoder.features.len(), data.outcomes.len())?;
    if train.is_empty() || shape.features == 0 || data.outcomes.is_empty() {
        return Err(crate::fault!("ml.net_nothing_to_learn", model = &spec.name, rows = train.len(), features = shape.features));
    }
    let inputs = Inputs::fit(&data.encoder.features, &data.x, train);
    let mut params = Params::default();
    first_params(&mut params, &shape, &inputs, spec.seed);
    let targets: Vec<(f64, f64)> =
        data.outcomes.iter().zip(&data.y).map(|(o, y)| if o.is_binary() { (0.0, 1.0) } else { spread(y, train) }).collect();
    let device = place.name.clone();
    let mut net = Net { shape, inputs, params, targets, reference: Vec::new(), replicas: optimise::REPLICAS, place };
    let curve = device::guard(&device, || optimise::train(&mut net, spec, data, (train, validation), weights, true, ctx))?;
    net.reference = mean_token(&net, &data.x, train);
    let rows = PartSizes { train: train.len(), validation: validation.len(), test: 0 };
    let card = ModelCard { rows, device, seconds: clock.elapsed().as_secs_f64(), curve, ..blank_card(spec, data) };
    Ok(NetModel { card, net })
}

impl NetModel {
    /// Goes on learning from where the weights stand.
    pub(in crate::ml) fn go_on(&mut self, spec: &ModelSpec, data: &TrainData, rows: &[usize], held: &[usize], ctx: &JobCtx) -> Result<()> {
        let device = self.net.place.name.clone();
        let net = &mut self.net;
        self.card.curve = device::guard(&device, || optimise::train(net, spec, data, (rows, held), None, false, ctx))?;
        self.card.device = device;
        Ok(())
    }
}

/// Sizes from the spec, with this kind's defaults.
fn shape_of(spec: &ModelSpec, features: usize, outcomes: usize) -> Result<Shape> {
    let transformer = spec.kind == ModelKind::Transformer;
    let or = |x: Option<u32>, default: u32| x.unwrap_or(default) as usize;
    let usual = spec.kind.defaults();
    let wide = or(spec.width, usual.width);
    let (width, hidden) = if transformer { (wide, 2 * wide) } else { (16, wide) };
    let heads = if transformer { or(spec.heads, usual.heads) } else { 1 };
    let layers = or(spec.layers, usual.layers);
    let temperature = spec.temperature.unwrap_or(usual.temperature);
    if width == 0 || hidden == 0 || layers == 0 || layers > 64 || width > 4096 || hidden > 8192 {
        return Err(crate::fault!("ml.net_bad_size", model = &spec.name, width = wide, layers = layers));
    }
    if heads == 0 || !width.is_multiple_of(heads) {
        return Err(crate::fault!("ml.net_bad_heads", model = &spec.name, width = width, heads = heads));
    }
    if !temperature.is_finite() || temperature <= 0.0 {
        return Err(crate::fault!(
            "ml.setting_range",
            model = &spec.name,
            setting = "temperature",
            value = temperature,
            low = 0.01,
            high = 100.0
        ));
    }
    Ok(Shape { transformer, features, width, layers, heads, hidden, outcomes, temperature, residual: true, every_query: false })
}

fn first_params(params: &mut Params, shape: &Shape, inputs: &Inputs, seed: u64) {
    let mut rng = rng::rng(seed, "net.init");
    params.push(EMBED, &[inputs.table_rows(), shape.width], inputs.initial(shape.width, &mut rng));
    if shape.transformer {
        params.push(CLASS, &[shape.width], (0..shape.width).map(|_| (rng::normal(&mut rng) * 0.1) as f32).collect());
    }
    shape.initial(params, &mut rng);
}

/// Mean and standard deviation of an amount over the train rows.
fn spread(y: &[f64], train: &[usize]) -> (f64, f64) {
    let known: Vec<f64> = train.iter().map(|&r| y[r]).filter(|v| v.is_finite()).collect();
    let n = known.len().max(1) as f64;
    let mean = known.iter().sum::<f64>() / n;
    let sd = (known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if sd > 1e-12 { sd } else { 1.0 })
}

/// The mean token of every feature over some rows, summed in row order in f64.
fn mean_token(net: &Net, x: &FeatureMatrix, rows: &[usize]) -> Vec<f32> {
    let s = &net.shape;
    let per_row = s.features * s.width;
    let mut sum = vec![0.0f64; per_row];
    for rows in rows.chunks(1024) {
        let mut tokens = vec![0.0; rows.len() * per_row];
        net.inputs.active(x, rows, || false).embed(net.params.get(EMBED), s.width, s.features, per_row, 0, &mut tokens);
        for row in tokens.chunks_exact(per_row) {
            sum.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v));
        }
    }
    sum.iter().map(|s| (s / rows.len().max(1) as f64) as f32).collect()
}

impl Model for NetModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.card
    }
    fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        check_width(&self.card, x)?;
        let rows: Vec<usize> = (0..x.n_rows()).collect();
        let raw = self.net.outputs(x, &rows, ctx)?;
        let n = self.net.shape.outcomes;
        Ok(raw.iter().enumerate().map(|(i, &v)| self.net.margin(v, i % n)).collect())
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Network(self as &dyn Network)
    }
    fn tensors(&self) -> Vec<NamedTensor> {
        stored::tensors(&self.net)
    }
}
