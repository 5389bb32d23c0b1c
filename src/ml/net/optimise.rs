//! The training loop: AdamW with warm-up and cosine decay, early stopping on the validation loss, best weights restored.
//!
//! Each batch is cut into [`REPLICAS`] parts that run side by side on the CPU; their gradients are summed in order. The
//! number is a value of the model, not the number of cores, so the same recipe gives the same bits on any machine.

use super::params::{AdamW, CLASS, EMBED};
use super::pass::{self, Noise, Want};
use super::{Net, lanes};
use crate::base::progress::CurvePoint;
use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::ml::model::sigmoid;
use crate::ml::spec::{ModelSpec, Weighting};
use crate::ml::train::TrainData;

/// Parts of a batch that run side by side.
pub(super) const REPLICAS: usize = 4;
/// Epochs without a better validation loss before training stops.
const PATIENCE: u32 = 8;
/// Share of cells hidden in training, so that missing and unseen have a meaning.
const HIDDEN: f64 = 0.01;

/// Targets as the loss takes them: one per outcome and row, standardised where it is an amount.
pub(super) struct Loss {
    binary: Vec<bool>,
    /// `outcomes × all rows`.
    y: Vec<Vec<f64>>,
    /// Weight of a no and of a yes.
    weights: Vec<(f64, f64)>,
    /// How much each row counts besides; all alike if empty.
    rows: Vec<f64>,
}

impl Loss {
    pub(super) fn new(net: &Net, spec: &ModelSpec, data: &TrainData, train: &[usize], rows: Option<&[f64]>) -> Self {
        let binary: Vec<bool> = data.outcomes.iter().map(super::super::model::Outcome::is_binary).collect();
        let y = data.y.iter().zip(&net.targets).map(|(y, (mean, sd))| y.iter().map(|v| (v - mean) / sd).collect()).collect();
        let weights = data
            .y
            .iter()
            .zip(&binary)
            .map(|(y, binary)| if *binary && spec.weight == Weighting::Balanced { balance(y, train) } else { (1.0, 1.0) });
        Self { weights: weights.collect(), binary, y, rows: rows.unwrap_or_default().to_vec() }
    }

    fn weight(&self, o: usize, row: usize) -> f64 {
        let y = self.y[o][row];
        let own = self.rows.get(row).copied().unwrap_or(1.0);
        match self.binary[o] {
            _ if y.is_nan() => 0.0,
            true if y > 0.5 => own * self.weights[o].1,
            _ => own * self.weights[o].0,
        }
    }

    /// Total weight of each outcome over some rows.
    fn totals(&self, rows: &[usize]) -> Vec<f64> {
        (0..self.y.len()).map(|o| rows.iter().map(|&r| self.weight(o, r)).sum()).collect()
    }

    /// Loss of some rows and its gradient at the raw outputs, both as shares of the given totals; missing targets count nothing.
    fn of(&self, raw: &[f32], rows: &[usize], totals: &[f64]) -> (f64, Vec<f32>) {
        let n = self.y.len();
        let mut loss = 0.0;
        let mut slope = vec![0.0f32; raw.len()];
        for (i, &row) in rows.iter().enumerate() {
            for o in 0..n {
                let weight = self.weight(o, row);
                if weight == 0.0 {
                    continue;
                }
                let share = weight / (totals[o] * n as f64);
                let (m, y) = (f64::from(raw[i * n + o]), self.y[o][row]);
                if self.binary[o] {
                    // log(1 + e^m) − y·m, without overflow.
                    loss += share * (m.max(0.0) + (-m.abs()).exp().ln_1p() - y * m);
                    slope[i * n + o] = (share * (sigmoid(m) - y)) as f32;
                } else {
                    loss += share * 0.5 * (m - y).powi(2);
                    slope[i * n + o] = (share * (m - y)) as f32;
                }
            }
        }
        (loss, slope)
    }
}

/// Weights under which both classes count equally.
fn balance(y: &[f64], train: &[usize]) -> (f64, f64) {
    let known = train.iter().filter(|&&r| !y[r].is_nan()).count() as f64;
    let yes = train.iter().filter(|&&r| y[r] > 0.5).count() as f64;
    if yes == 0.0 || yes == known { (1.0, 1.0) } else { (known / (2.0 * (known - yes)), known / (2.0 * yes)) }
}

/// Everything random in training, from the seed.
fn mix(seed: u64, a: u64, b: u64) -> u64 {
    let mut z = seed ^ a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    z = (z ^ (z >> 31)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    z ^ (z >> 33)
}

/// One batch: loss, and gradient of every parameter, over fixed parts in a fixed order.
pub(super) fn batch_gradient(
    net: &Net,
    loss: &Loss,
    x: &FeatureMatrix,
    rows: &[usize],
    noise: u64,
    dropout: f64,
) -> Result<(f64, Vec<f32>)> {
    let totals = loss.totals(rows);
    let replicas = if net.place.cpu { net.replicas } else { 1 };
    let size = rows.len().div_ceil(replicas);
    let parts: Vec<&[usize]> = rows.chunks(size.max(1)).collect();
    let results = lanes_or_here(net, parts.len(), |i| part_gradient(net, loss, x, parts[i], &totals, mix(noise, i as u64, 1), dropout));
    let (mut total, mut grad) = (0.0, Vec::new());
    for result in results {
        let (loss, part) = result?;
        total += loss;
        if grad.is_empty() {
            grad = part;
        } else {
            grad.iter_mut().zip(&part).for_each(|(g, p)| *g += p);
        }
    }
    Ok((total, grad))
}

fn lanes_or_here<T: Send>(net: &Net, n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if net.place.cpu { lanes::each(n, work) } else { (0..n).map(work).collect() }
}

fn part_gradient(
    net: &Net,
    loss: &Loss,
    x: &FeatureMatrix,
    rows: &[usize],
    totals: &[f64],
    noise: u64,
    dropout: f64,
) -> Result<(f64, Vec<f32>)> {
    let mut hide = rng::rng(noise, "net.hide");
    let active = net.inputs.active(x, rows, || dropout > 0.0 && rng::unit(&mut hide) < HIDDEN);
    let input = net.input(&active, rows.len());
    let mut total = 0.0;
    let drops = (dropout > 0.0).then(|| Noise::new(noise, dropout));
    let want = Want { params: true, tokens: true, ..Want::default() };
    let pass = pass::run(&net.place.device, &net.shape, &net.params, input, drops, want, |raw| {
        let (value, slope) = loss.of(raw, rows, totals);
        total = value;
        slope
    })?;
    let mut grad = pass.params;
    let (s, floats) = (&net.shape, net.shape.input_floats());
    let class = net.params.piece(CLASS).map_or(0..0, super::params::Piece::range);
    for row in pass.tokens.chunks_exact(floats) {
        grad[class.clone()].iter_mut().zip(row).for_each(|(g, t)| *g += t);
    }
    if let Some(table) = net.params.piece(EMBED) {
        active.embed_backward(&pass.tokens, s.width, s.features, floats, class.len(), &mut grad[table.range()]);
    }
    Ok((total, grad))
}

/// Rate at a step: linear warm-up, then a cosine down to a fiftieth.
fn rate(peak: f64, step: usize, warm: usize, total: usize) -> f64 {
    if step < warm {
        return peak * (step + 1) as f64 / warm as f64;
    }
    let t = (step - warm) as f64 / (total - warm).max(1) as f64;
    peak * (0.02 + 0.98 * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()))
}

/// Trains `net` in place and returns the curve. A network that is `new` begins at the base rate; one that goes on keeps its
/// weights where no epoch makes the validation loss better than it was.
pub(super) fn train(
    net: &mut Net,
    spec: &ModelSpec,
    data: &TrainData,
    (train, validation): (&[usize], &[usize]),
    weights: Option<&[f64]>,
    new: bool,
    ctx: &JobCtx,
) -> Result<Vec<CurvePoint>> {
    let transformer = net.shape.transformer;
    let loss = Loss::new(net, spec, data, train, weights);
    if new {
        start_at_base_rate(net, &loss, data, train);
    }
    let epochs = spec.epochs.unwrap_or(spec.kind.defaults().epochs).max(1) as usize;
    let batch = (spec.batch.unwrap_or(spec.kind.defaults().batch) as usize).clamp(1, 1 << 16);
    let peak = spec.learning_rate.unwrap_or(spec.kind.defaults().learning_rate);
    let dropout = if transformer { 0.1 } else { 0.2 };
    let steps = train.len().div_ceil(batch);
    let total = epochs * steps;
    let warm = (total / 20).clamp(1, 200);
    let mut adam = AdamW::new(net.params.values.len(), 0.01);
    let mut order = train.to_vec();
    let mut shuffle = rng::rng(spec.seed, "net.shuffle");
    let (mut curve, mut best, mut best_at) = (Vec::new(), None::<(f64, Vec<f32>)>, 0);
    if !new && !validation.is_empty() {
        best = Some((evaluate(net, &loss, &data.x, validation)?, net.params.values.clone()));
    }
    ctx.stage("ml.stage_network", total as u64);
    for epoch in 0..epochs {
        rng::shuffle(&mut shuffle, &mut order);
        let mut sum = 0.0;
        for (b, rows) in order.chunks(batch).enumerate() {
            ctx.check()?;
            let step = epoch * steps + b;
            let (value, mut grad) = batch_gradient(net, &loss, &data.x, rows, mix(spec.seed, step as u64, 7), dropout)?;
            if !value.is_finite() {
                return Err(crate::fault!("ml.net_diverged", model = &spec.name, epoch = epoch + 1));
            }
            sum += value * rows.len() as f64;
            adam.step(&mut net.params, &mut grad, rate(peak, step, warm, total) as f32);
            ctx.at(step as u64 + 1);
        }
        let held = if validation.is_empty() { None } else { Some(evaluate(net, &loss, &data.x, validation)?) };
        let point = CurvePoint { step: epoch as u32 + 1, train: sum / train.len() as f64, validation: held };
        ctx.curve(point);
        curve.push(point);
        if let Some(value) = held {
            if best.as_ref().is_none_or(|(b, _)| value < *b) {
                best = Some((value, net.params.values.clone()));
                best_at = point.step;
            } else if point.step - best_at >= PATIENCE {
                break;
            }
        }
    }
    if let Some((_, values)) = best {
        net.params.values = values;
    }
    Ok(curve)
}

/// Loss over held-out rows, without noise.
fn evaluate(net: &Net, loss: &Loss, x: &FeatureMatrix, rows: &[usize]) -> Result<f64> {
    let raw = net.outputs(x, rows, &JobCtx::quiet())?;
    Ok(loss.of(&raw, rows, &loss.totals(rows)).0)
}

/// The first prediction is the (weighted) train share of yes, so that the first epochs do not learn it.
fn start_at_base_rate(net: &mut Net, loss: &Loss, data: &TrainData, train: &[usize]) {
    let Some(range) = net.params.piece("head.bias").map(super::params::Piece::range) else { return };
    for (o, at) in range.enumerate() {
        if data.outcomes[o].is_binary() {
            let of = |yes: bool| {
                train.iter().filter(|&&r| !data.y[o][r].is_nan() && (data.y[o][r] > 0.5) == yes).map(|&r| loss.weight(o, r)).sum::<f64>()
            };
            let (yes, no) = (of(true) + 0.5, of(false) + 0.5);
            net.params.values[at] = (yes / no).ln() as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_warms_up_and_decays() {
        let r: Vec<f64> = (0..100).map(|s| rate(1.0, s, 10, 100)).collect();
        assert!(r[0] < 0.2 && (r[9] - 1.0).abs() < 1e-12 && r[99] < 0.03);
        assert!(r[10..].windows(2).all(|w| w[1] <= w[0]));
    }

    #[test]
    fn the_loss_masks_missing_targets_and_its_slope_is_its_derivative() {
        let loss = Loss {
            binary: vec![true, false],
            y: vec![vec![1.0, f64::NAN, 0.0], vec![0.5, -1.0, f64::NAN]],
            weights: vec![(0.5, 2.0), (1.0, 1.0)],
            rows: vec![],
        };
        let rows = [0, 1, 2];
        let totals = loss.totals(&rows);
        assert_eq!(totals, [2.5, 2.0]);
        let raw = [0.3f32, 0.1, 2.0, -0.5, -0.7, 9.0];
        let (_, slope) = loss.of(&raw, &rows, &totals);
        assert_eq!((slope[2], slope[5]), (0.0, 0.0), "missing");
        for i in 0..6 {
            let (mut up, mut down) = (raw, raw);
            up[i] += 1e-2;
            down[i] -= 1e-2;
            let numeric = (loss.of(&up, &rows, &totals).0 - loss.of(&down, &rows, &totals).0) / 2e-2;
            assert!((numeric - f64::from(slope[i])).abs() < 1e-5, "{i}: {numeric} {}", slope[i]);
        }
    }

    #[test]
    fn a_row_that_counts_twice_is_a_row_that_is_there_twice() {
        let of = |y: Vec<f64>, rows: Vec<f64>| Loss { binary: vec![true], y: vec![y], weights: vec![(1.0, 1.0)], rows };
        let (twice, once) = (of(vec![1.0, 0.0, 1.0], vec![1.0, 2.0, 0.5]), of(vec![1.0, 0.0, 0.0, 1.0], vec![1.0, 1.0, 1.0, 0.5]));
        let (a, b) = (
            twice.of(&[0.3, 0.8, -1.0], &[0, 1, 2], &twice.totals(&[0, 1, 2])),
            once.of(&[0.3, 0.8, 0.8, -1.0], &[0, 1, 2, 3], &once.totals(&[0, 1, 2, 3])),
        );
        assert!((a.0 - b.0).abs() < 1e-12 && (a.1[1] - 2.0 * b.1[1]).abs() < 1e-6 && a.1[0] == b.1[0]);
    }
}
