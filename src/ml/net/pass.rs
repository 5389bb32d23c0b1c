//! One pass through a network on a device: tokens in, outputs out, and back again where gradients are wanted.
//!
//! The caller turns outputs into the gradient at the outputs (a loss, or one output of interest), so that training,
//! explanation and attention share this one path. Tokens, weights and gradients cross as plain vectors.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use super::params::Params;
use super::shape::Shape;
use crate::base::Result;

/// Weights on a device, by name.
pub(super) struct Weights {
    one: BTreeMap<String, Tensor<1>>,
    two: BTreeMap<String, Tensor<2>>,
}

impl Weights {
    /// Uploads every piece but the input layer's table.
    pub fn new(params: &Params, device: &Device, learn: bool) -> Self {
        let (mut one, mut two) = (BTreeMap::new(), BTreeMap::new());
        for piece in params.pieces.iter().filter(|p| p.on_device()) {
            let data = TensorData::new(params.values[piece.range()].to_vec(), piece.shape.clone());
            if piece.shape.len() == 1 {
                one.insert(piece.name.clone(), Tensor::<1>::from_data(data, device).set_require_grad(learn));
            } else {
                two.insert(piece.name.clone(), Tensor::<2>::from_data(data, device).set_require_grad(learn));
            }
        }
        Self { one, two }
    }
    /// A vector.
    pub fn vector(&self, name: &str) -> Tensor<1> {
        self.one[name].clone()
    }
    /// A matrix.
    pub fn matrix(&self, name: &str) -> Tensor<2> {
        self.two[name].clone()
    }
}

/// What a pass should bring back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Want<'a> {
    /// The gradient at the parameters.
    pub params: bool,
    /// The gradient at the tokens.
    pub tokens: bool,
    /// Attention weights of every layer, all queries.
    pub attention: bool,
    /// The gradient at the attention weights.
    pub attention_gradient: bool,
    /// Layers and heads that are silenced: what they gather is replaced by zeros.
    pub silent: &'a [(usize, usize)],
}

impl Want<'_> {
    fn backward(self) -> bool {
        self.params || self.tokens || self.attention_gradient
    }
}

/// What a pass brought back; empty where it was not wanted.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Raw outputs, `rows × outcomes`.
    pub outputs: Vec<f32>,
    /// Gradient at the parameters, in the layout of [`Params::values`]; the input table's piece is zero.
    pub params: Vec<f32>,
    /// Gradient at the tokens, `rows × token floats of a row`.
    pub tokens: Vec<f32>,
    /// Attention per layer, `rows × heads × tokens × tokens`.
    pub attention: Vec<Vec<f32>>,
    /// Its gradient, same layout.
    pub attention_gradient: Vec<Vec<f32>>,
}

/// What the forward functions hand back.
pub(super) struct Forward {
    /// `rows × outcomes`.
    pub outputs: Tensor<2>,
    /// Attention per layer, `rows × heads × tokens × tokens`; empty unless asked for.
    pub attention: Vec<Tensor<4>>,
    /// Zeros added to the attention: leaves whose gradient is the attention's.
    pub probes: Vec<Tensor<4>>,
}

/// Seeded dropout: masks come from the host, so that they are the same everywhere.
pub(super) struct Noise {
    state: u64,
    rate: f64,
}

impl Noise {
    /// Masks of one step and replica; each number is dropped with probability `rate`.
    pub fn new(seed: u64, rate: f64) -> Self {
        Self { state: seed, rate }
    }

    /// Drops some numbers and scales the others up.
    pub fn apply<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        if self.rate <= 0.0 {
            return x;
        }
        let dims = x.dims();
        let n: usize = dims.iter().product();
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let limit = (self.rate * 65536.0) as u64;
        let mut mask = Vec::with_capacity(n + 4);
        while mask.len() < n {
            let bits = self.next();
            mask.extend((0..4).map(|k| if (bits >> (16 * k)) & 0xffff < limit { 0.0 } else { keep }));
        }
        mask.truncate(n);
        let mask = Tensor::<D>::from_data(TensorData::new(mask, dims), &x.device());
        x * mask
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Runs a network forward, and backward where `want` asks for it. `tokens` holds `rows` inputs as the network takes them;
/// `at_outputs` turns the outputs into the gradient at the outputs.
pub(super) fn run(
    device: &Device,
    shape: &Shape,
    params: &Params,
    tokens: Vec<f32>,
    noise: Option<Noise>,
    want: Want<'_>,
    at_outputs: impl FnOnce(&[f32]) -> Vec<f32>,
) -> Result<Pass> {
    let width = shape.input_floats();
    let rows = tokens.len() / width;
    let back = want.backward();
    let device = if back { device.clone().autodiff() } else { device.clone() };
    let weights = Weights::new(params, &device, want.params);
    let input = Tensor::<2>::from_data(TensorData::new(tokens, [rows, width]), &device).set_require_grad(want.tokens);
    let forward = shape.forward(&weights, input.clone(), noise, want);
    let mut pass = Pass { outputs: numbers(forward.outputs.clone())?, ..Pass::default() };
    if want.attention {
        pass.attention = forward.attention.iter().map(|a| numbers(a.clone())).collect::<Result<_>>()?;
    }
    if !back {
        return Ok(pass);
    }
    let slope = Tensor::<2>::from_data(TensorData::new(at_outputs(&pass.outputs), forward.outputs.dims()), &device);
    let mut gradients = (forward.outputs * slope).sum().backward();
    if want.tokens {
        pass.tokens = input.grad_remove(&mut gradients).map_or_else(|| Ok(vec![0.0; rows * width]), numbers)?;
    }
    for probe in forward.probes {
        let n = probe.shape().num_elements();
        pass.attention_gradient.push(probe.grad_remove(&mut gradients).map_or_else(|| Ok(vec![0.0; n]), numbers)?);
    }
    if want.params {
        // One download for all pieces.
        let pieces: Vec<Tensor<1>> = params
            .pieces
            .iter()
            .map(|p| match p.shape.len() {
                _ if !p.on_device() => Tensor::zeros([p.len()], &device.clone().inner()),
                1 => weights.one[&p.name].grad_remove(&mut gradients).unwrap_or_else(|| Tensor::zeros([p.len()], &device.clone().inner())),
                _ => weights.two[&p.name]
                    .grad_remove(&mut gradients)
                    .map_or_else(|| Tensor::zeros([p.len()], &device.clone().inner()), |g| g.reshape([p.len()])),
            })
            .collect();
        pass.params = numbers(Tensor::cat(pieces, 0))?;
    }
    Ok(pass)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|e| crate::fault!("ml.device_failed", device = "burn", reason = format!("{e:?}")))
}
