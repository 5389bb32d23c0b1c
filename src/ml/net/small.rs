//! A small network that learns while it is used: one score for each thing that may be shown, and below the scores the numbers
//! that it made of a person.
//!
//! The backward pass is burn's, as everywhere here. Reading a person is plain arithmetic in a fixed order: a network of this
//! size is read faster than it is sent to a device.

use super::lanes;
use super::params::{AdamW, Params};
use super::pass::{self, Want};
use super::shape::Shape;
use crate::base::{Result, rng};
use crate::ml::device::{self, Place};
use crate::ml::model::sigmoid;
use crate::ml::spec::DeviceChoice;

/// Hidden layers.
const LAYERS: usize = 2;
/// How fast a weight is forgotten.
const DECAY: f32 = 1e-3;

/// The network and its memory of past steps.
pub struct SmallNet {
    shape: Shape,
    params: Params,
    adam: AdamW,
    place: Place,
}

/// Something that was seen: a person, what was chosen, and what came of it.
pub struct Seen<'a> {
    /// What was known of the person.
    pub person: &'a [f32],
    /// What was shown.
    pub chosen: usize,
    /// Whether it was rewarded.
    pub reward: f32,
}

impl SmallNet {
    /// A network that knows nothing yet.
    pub fn new(inputs: usize, hidden: usize, outputs: usize, seed: u64) -> Result<Self> {
        let shape = Shape {
            transformer: false,
            features: inputs,
            width: 1,
            layers: LAYERS,
            heads: 1,
            hidden,
            outcomes: outputs,
            temperature: 1.0,
            residual: true,
            every_query: false,
        };
        let mut params = Params::default();
        shape.initial(&mut params, &mut rng::rng(seed, "small-net"));
        let adam = AdamW::new(params.values.len(), DECAY);
        Ok(Self { adam, shape, params, place: device::open(&DeviceChoice::Cpu)? })
    }

    /// What the last hidden layer makes of a person, with a one before it.
    pub fn features(&self, person: &[f32]) -> Vec<f64> {
        let mut x: Vec<f32> = self.layer(0, person);
        for l in 1..LAYERS {
            let more = self.layer(l, &x);
            x.iter_mut().zip(more).for_each(|(x, m)| *x += m);
        }
        std::iter::once(1.0).chain(x.into_iter().map(f64::from)).collect()
    }

    fn layer(&self, l: usize, x: &[f32]) -> Vec<f32> {
        let (weight, bias) = (self.params.get(&format!("layer{l}.weight")), self.params.get(&format!("layer{l}.bias")));
        let mut out = bias.to_vec();
        for (v, row) in x.iter().zip(weight.chunks_exact(bias.len())) {
            out.iter_mut().zip(row).for_each(|(o, w)| *o += v * w);
        }
        out.iter_mut().for_each(|o| *o = o.max(0.0));
        out
    }

    /// One step on some of what was seen: only the score of what was chosen learns. Returns the mean loss before it.
    pub fn learn(&mut self, batch: &[Seen<'_>], rate: f32) -> Result<f64> {
        let outputs = self.shape.outcomes;
        let mut loss = 0.0;
        let input = batch.iter().flat_map(|s| s.person.iter().copied()).collect();
        let want = Want { params: true, ..Want::default() };
        let pass = pass::run(&self.place.device, &self.shape, &self.params, input, None, want, |raw| {
            let mut slope = vec![0.0f32; raw.len()];
            for (i, s) in batch.iter().enumerate() {
                let (m, y) = (f64::from(raw[i * outputs + s.chosen]), f64::from(s.reward));
                loss += m.max(0.0) + (-m.abs()).exp().ln_1p() - y * m;
                slope[i * outputs + s.chosen] = ((sigmoid(m) - y) / batch.len() as f64) as f32;
            }
            slope
        })?;
        let mut gradient = pass.params;
        self.adam.step(&mut self.params, &mut gradient, rate);
        Ok(loss / batch.len().max(1) as f64)
    }
}

/// Does pieces of work side by side, each on one thread and in an order that does not depend on the number of cores: so
/// networks in them give the same bits on any machine.
pub fn side_by_side<T: Send>(pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    lanes::each(pieces, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores by the network's own forward pass on the device.
    fn scores(net: &SmallNet, person: &[f32]) -> Vec<f32> {
        pass::run(&net.place.device, &net.shape, &net.params, person.to_vec(), None, Want::default(), |_| vec![]).unwrap().outputs
    }

    #[test]
    fn it_learns_what_no_straight_line_can_say_and_reads_people_as_the_device_does() {
        let people: Vec<[f32; 3]> = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]].map(|[a, b]| [1.0, a, b]).to_vec();
        let mut net = SmallNet::new(3, 16, 2, 1).unwrap();
        let seen = |i: usize| {
            let (person, chosen) = (&people[i % 4], (i / 4) % 2);
            Seen { person, chosen, reward: f32::from(u8::from((person[1] * person[2] > 0.0) == (chosen == 0))) }
        };
        let batch: Vec<Seen<'_>> = (0..8).map(seen).collect();
        let first = net.learn(&batch, 0.01).unwrap();
        for _ in 0..300 {
            net.learn(&batch, 0.01).unwrap();
        }
        let last = net.learn(&batch, 0.01).unwrap();
        assert!(first > 0.4 && last < 0.05, "{first} {last}");
        for p in &people {
            let (score, x) = (scores(&net, p), net.features(p));
            assert_eq!(score[0] > score[1], p[1] * p[2] > 0.0);
            let head = |o: usize| {
                let dot: f64 = x[1..].iter().zip(net.params.get("head.weight").chunks_exact(2)).map(|(x, w)| x * f64::from(w[o])).sum();
                dot + f64::from(net.params.get("head.bias")[o])
            };
            assert!((0..2).all(|o| (head(o) - f64::from(score[o])).abs() < 1e-4), "{score:?}");
        }
    }

    #[test]
    fn what_was_not_chosen_does_not_learn() {
        let mut net = SmallNet::new(2, 4, 3, 2).unwrap();
        let before = net.params.get("head.bias").to_vec();
        net.learn(&[Seen { person: &[1.0, 0.5], chosen: 1, reward: 1.0 }], 0.1).unwrap();
        let after = net.params.get("head.bias");
        assert!(after[0] == before[0] && after[2] == before[2] && after[1] > before[1], "{before:?} {after:?}");
    }
}
