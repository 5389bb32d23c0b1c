//! The learned numbers of a network: one flat vector, named pieces of it, and the AdamW that moves them.
//!
//! They live on the host, as `f32`: seeded initialisation and every update give the same bits on every machine, and a
//! device gets a copy per step. The models here are small; the copy is far cheaper than the step.

use std::collections::BTreeMap;

use crate::base::rng::{Rng, unit};

/// A named piece of the vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// Its name.
    pub name: String,
    /// Its shape: one or two dimensions.
    pub shape: Vec<usize>,
    /// Where it begins.
    pub start: usize,
}

impl Piece {
    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
    /// Its range in the vector.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.len()
    }
    /// Whether the device needs it; the input layer stays on the host.
    pub fn on_device(&self) -> bool {
        self.name != EMBED && self.name != CLASS
    }
    /// Whether weight decay applies: to matrices, not to biases, gains and tables.
    fn decays(&self) -> bool {
        self.shape.len() == 2 && self.name != EMBED
    }
}

/// Name of the input layer's table.
pub(super) const EMBED: &str = "embed";
/// Name of the class token, a vector that the host places before the features.
pub(super) const CLASS: &str = "class";

/// Named parameters in one vector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Params {
    /// The pieces, in the order of the vector.
    pub pieces: Vec<Piece>,
    /// The numbers.
    pub values: Vec<f32>,
    index: BTreeMap<String, usize>,
}

impl Params {
    /// Appends a piece.
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        let name = name.into();
        self.index.insert(name.clone(), self.pieces.len());
        self.pieces.push(Piece { name, shape: shape.to_vec(), start: self.values.len() });
        self.values.extend(values);
    }

    /// Appends the weight (uniform, scaled by the width of its input) and bias (zero) of a linear layer.
    pub fn push_linear(&mut self, name: &str, from: usize, to: usize, gain: f64, rng: &mut Rng) {
        let bound = gain * (3.0 / from as f64).sqrt();
        self.push(format!("{name}.weight"), &[from, to], (0..from * to).map(|_| ((unit(rng) * 2.0 - 1.0) * bound) as f32).collect());
        self.push(format!("{name}.bias"), &[to], vec![0.0; to]);
    }

    /// Appends gain (one) and bias (zero) of a layer normalisation.
    pub fn push_norm(&mut self, name: &str, width: usize) {
        self.push(format!("{name}.gain"), &[width], vec![1.0; width]);
        self.push(format!("{name}.bias"), &[width], vec![0.0; width]);
    }

    /// A piece by name.
    pub fn piece(&self, name: &str) -> Option<&Piece> {
        self.index.get(name).map(|&i| &self.pieces[i])
    }

    /// The numbers of a piece; empty if there is none of that name.
    pub fn get(&self, name: &str) -> &[f32] {
        self.piece(name).map_or(&[], |p| &self.values[p.range()])
    }
}

/// AdamW: adaptive steps with decoupled weight decay.
pub(super) struct AdamW {
    mean: Vec<f32>,
    square: Vec<f32>,
    step: i32,
    decay: f32,
}

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;

impl AdamW {
    /// For a vector of `n` numbers.
    pub fn new(n: usize, decay: f32) -> Self {
        Self { mean: vec![0.0; n], square: vec![0.0; n], step: 0, decay }
    }

    /// One step against the gradient; the gradient's norm is clipped at 1 first.
    pub fn step(&mut self, params: &mut Params, grad: &mut [f32], rate: f32) {
        self.step += 1;
        let norm = grad.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        let clip = if norm > 1.0 { (1.0 / norm) as f32 } else { 1.0 };
        let (c1, c2) = (1.0 - BETA1.powi(self.step), 1.0 - BETA2.powi(self.step));
        for piece in &params.pieces {
            let decay = if piece.decays() { 1.0 - rate * self.decay } else { 1.0 };
            for i in piece.range() {
                let g = grad[i] * clip;
                self.mean[i] = BETA1 * self.mean[i] + (1.0 - BETA1) * g;
                self.square[i] = BETA2 * self.square[i] + (1.0 - BETA2) * g * g;
                let step = self.mean[i] / c1 / ((self.square[i] / c2).sqrt() + 1e-8);
                params.values[i] = params.values[i] * decay - rate * step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adamw_moves_by_hand_values() {
        let mut params = Params::default();
        params.push("a", &[1, 2], vec![1.0, -1.0]);
        params.push("b", &[1], vec![0.0]);
        let mut adam = AdamW::new(3, 0.1);
        adam.step(&mut params, &mut [0.5, 0.0, -0.25], 0.01);
        // The first step of Adam is the sign of the gradient times the rate; matrices also decay by rate · decay.
        for (got, want) in params.values.iter().zip([0.999 - 0.01, -0.999, 0.01]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn adamw_finds_a_minimum() {
        let mut params = Params::default();
        params.push("a", &[2], vec![3.0, -2.0]);
        let mut adam = AdamW::new(2, 0.0);
        for _ in 0..4000 {
            let mut grad = [2.0 * (params.values[0] - 1.0), 2.0 * (params.values[1] - 0.5)];
            adam.step(&mut params, &mut grad, 0.01);
        }
        assert!((params.values[0] - 1.0).abs() < 1e-2 && (params.values[1] - 0.5).abs() < 1e-2, "{:?}", params.values);
    }
}
