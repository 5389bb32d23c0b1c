//! The two networks as functions of tokens and weights: a multi-layer network over all tokens side by side, and a
//! Transformer with a class token.

use burn::tensor::activation::{relu, softmax};
use burn::tensor::module::{layer_norm, linear};
use burn::tensor::{Device, Tensor};

use super::params::Params;
use super::pass::{Forward, Noise, Want, Weights};
use crate::base::rng::Rng;

/// The network's kind and sizes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// Transformer, or the plain deep network.
    pub transformer: bool,
    /// Features (tokens without the class token).
    pub features: usize,
    /// Numbers per token.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads (Transformer).
    pub heads: usize,
    /// Hidden numbers of a layer.
    pub hidden: usize,
    /// Outputs.
    pub outcomes: usize,
    /// Attention temperature β: weights are softmax(β · q·k / √head width). 1 is the usual attention; more makes it sharper.
    pub temperature: f64,
    /// Whether each layer after the first adds to what it got (deep network); those of others may not.
    pub residual: bool,
    /// Whether the last layer works on every query although only the class token's is read (for comparisons).
    pub every_query: bool,
}

const EPSILON: f64 = 1e-5;

impl Shape {
    /// Tokens of a row as the network takes them, the class token included.
    pub fn tokens(&self) -> usize {
        self.features + usize::from(self.transformer)
    }
    /// Floats of a row as the network takes it.
    pub fn input_floats(&self) -> usize {
        self.tokens() * self.width
    }

    /// Appends the seeded first weights.
    pub fn initial(&self, params: &mut Params, rng: &mut Rng) {
        if !self.transformer {
            params.push_linear("layer0", self.features * self.width, self.hidden, 1.4, rng);
            for l in 1..self.layers {
                params.push_linear(&format!("layer{l}"), self.hidden, self.hidden, 1.0, rng);
            }
            params.push_linear("head", self.hidden, self.outcomes, 0.5, rng);
            return;
        }
        let d = self.width;
        for l in 0..self.layers {
            params.push_norm(&format!("layer{l}.norm1"), d);
            for name in ["query", "key", "value", "out"] {
                params.push_linear(&format!("layer{l}.{name}"), d, d, if name == "out" { 0.5 } else { 1.0 }, rng);
            }
            params.push_norm(&format!("layer{l}.norm2"), d);
            params.push_linear(&format!("layer{l}.up"), d, self.hidden, 1.4, rng);
            params.push_linear(&format!("layer{l}.down"), self.hidden, d, 0.5, rng);
        }
        params.push_norm("final", d);
        params.push_linear("head", d, self.outcomes, 0.5, rng);
    }

    /// Forward, `input` being `rows × input floats`.
    pub fn forward(&self, w: &Weights, input: Tensor<2>, noise: Option<Noise>, want: Want<'_>) -> Forward {
        if self.transformer { self.transformer(w, input, noise, want) } else { self.deep(w, input, noise) }
    }

    fn deep(&self, w: &Weights, input: Tensor<2>, mut noise: Option<Noise>) -> Forward {
        let mut drop = |x: Tensor<2>| match &mut noise {
            Some(n) => n.apply(x),
            None => x,
        };
        let mut x = drop(relu(affine(w, "layer0", input)));
        for l in 1..self.layers {
            let more = drop(relu(affine(w, &format!("layer{l}"), x.clone())));
            x = if self.residual { x + more } else { more };
        }
        Forward { outputs: affine(w, "head", x), attention: Vec::new(), probes: Vec::new() }
    }

    fn transformer(&self, w: &Weights, input: Tensor<2>, mut noise: Option<Noise>, want: Want<'_>) -> Forward {
        let (rows, t, d, heads) = (input.dims()[0], self.tokens(), self.width, self.heads);
        let per_head = d / heads;
        let scale = self.temperature / (per_head as f64).sqrt();
        let device: Device = input.device();
        let mut x = input.reshape([rows, t, d]);
        let (mut attention, mut probes) = (Vec::new(), Vec::new());
        for l in 0..self.layers {
            let name = |part: &str| format!("layer{l}.{part}");
            // Only the class token is read at the end, so the last layer asks for nothing else.
            let class_only = l + 1 == self.layers && !self.every_query && !want.attention && !want.attention_gradient;
            let queries = if class_only { 1 } else { t };
            let split = |x: Tensor<3>, n: usize| x.reshape([rows, n, heads, per_head]).swap_dims(1, 2);
            let n = norm(w, &name("norm1"), x.clone());
            let asked = if class_only { n.clone().narrow(1, 0, 1) } else { n.clone() };
            let q = split(affine(w, &name("query"), asked) * scale, queries);
            let k = split(affine(w, &name("key"), n.clone()), t);
            let v = split(affine(w, &name("value"), n), t);
            let mut a = softmax(q.matmul(k.swap_dims(2, 3)), 3);
            if want.attention {
                attention.push(a.clone());
            }
            if want.attention_gradient {
                let probe = Tensor::<4>::zeros([rows, heads, queries, t], &device).require_grad();
                a = a + probe.clone();
                probes.push(probe);
            }
            let mut gathered = a.matmul(v);
            for (_, head) in want.silent.iter().filter(|(layer, head)| *layer == l && *head < heads) {
                let silent = Tensor::<4>::zeros([rows, 1, queries, per_head], &device);
                gathered = gathered.slice_assign([0..rows, *head..head + 1, 0..queries, 0..per_head], silent);
            }
            let seen = gathered.swap_dims(1, 2).reshape([rows, queries, d]);
            if class_only {
                x = x.narrow(1, 0, 1);
            }
            x = x + affine(w, &name("out"), seen);
            let hidden = relu(affine(w, &name("up"), norm(w, &name("norm2"), x.clone())));
            let hidden = match &mut noise {
                Some(n) => n.apply(hidden),
                None => hidden,
            };
            x = x + affine(w, &name("down"), hidden);
        }
        let class = x.narrow(1, 0, 1).reshape([rows, d]);
        Forward { outputs: affine(w, "head", norm(w, "final", class)), attention, probes }
    }
}

fn affine<const D: usize>(w: &Weights, name: &str, x: Tensor<D>) -> Tensor<D> {
    linear(x, w.matrix(&format!("{name}.weight")), Some(w.vector(&format!("{name}.bias"))))
}

fn norm<const D: usize>(w: &Weights, name: &str, x: Tensor<D>) -> Tensor<D> {
    layer_norm(x, w.vector(&format!("{name}.gain")), Some(w.vector(&format!("{name}.bias"))), EPSILON)
}
