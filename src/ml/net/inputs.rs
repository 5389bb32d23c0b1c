//! The input layer: every feature becomes one token of `width` numbers, the sum of the table rows that its value activates.
//!
//! All tables lie in one parameter, `embed`, one block per feature. A number activates its bias row, a row scaled by its
//! z-score (after a signed logarithm where the train rows are heavy-tailed; clipped at ±8) and one row per train-quantile
//! bin that it passes, the last one in part: a piecewise-linear curve that training shapes freely. A category activates
//! its bias row and its level's row. Missing and unseen have a row of their own.
//!
//! This is plain arithmetic on vectors, the same bits on every machine; the tensor library sees only finished tokens.

use crate::data::{Feature, FeatureKind, FeatureMatrix};

/// Most bins of the piecewise-linear curve of one number.
const BINS: usize = 12;
/// Skewness from which a number goes through a signed logarithm first.
const HEAVY_TAIL: f64 = 2.0;
/// Where z-scores are clipped.
const CLIP: f64 = 8.0;

/// How one feature is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    /// A number.
    Number {
        /// Through a signed logarithm first.
        log: bool,
        /// Train mean and standard deviation, after the logarithm.
        mean: f64,
        /// See `mean`.
        sd: f64,
        /// Bin edges, after the logarithm; fewer than two mean no bins.
        edges: Vec<f64>,
    },
    /// A level index below `levels`.
    Category {
        /// Levels that training knew.
        levels: usize,
    },
}

impl Input {
    /// Rows of the feature's table: bias, missing (or unseen), then the rest.
    fn rows(&self) -> usize {
        2 + match self {
            Self::Number { edges, .. } => 1 + edges.len().saturating_sub(1),
            Self::Category { levels } => *levels,
        }
    }

    /// As numbers for the model file.
    pub fn to_numbers(&self) -> Vec<f64> {
        match self {
            Self::Category { levels } => vec![0.0, *levels as f64],
            Self::Number { log, mean, sd, edges } => {
                let mut out = vec![1.0, f64::from(u8::from(*log)), *mean, *sd];
                out.extend(edges);
                out
            }
        }
    }

    /// The inverse of [`Input::to_numbers`]; `None` for numbers that it never writes.
    pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
        match numbers {
            [kind, levels] if *kind == 0.0 && *levels >= 0.0 && *levels < 1e9 => Some(Self::Category { levels: *levels as usize }),
            [kind, log, mean, sd, edges @ ..] if *kind == 1.0 => {
                let good = sd.is_finite() && *sd > 0.0 && mean.is_finite() && edges.windows(2).all(|w| w[0] < w[1]);
                good.then(|| Self::Number { log: *log == 1.0, mean: *mean, sd: *sd, edges: edges.to_vec() })
            }
            _ => None,
        }
    }
}

/// The input layer of one model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inputs {
    /// One per feature, in file order.
    pub features: Vec<Input>,
    /// First table row of each feature; the last entry is the total.
    starts: Vec<usize>,
}

/// The table rows that some data rows activate, and how strongly.
pub(super) struct Active {
    /// Where the entries of token t begin; one more entry than tokens.
    starts: Vec<u32>,
    entries: Vec<(u32, f32)>,
}

impl Inputs {
    /// From its parts.
    pub fn new(features: Vec<Input>) -> Self {
        let mut starts = vec![0];
        for f in &features {
            starts.push(starts.last().copied().unwrap_or(0) + f.rows());
        }
        Self { features, starts }
    }

    /// Learns means, tails and bins from the train rows.
    pub fn fit(features: &[Feature], x: &FeatureMatrix, train: &[usize]) -> Self {
        Self::new(features.iter().enumerate().map(|(j, f)| fit_one(f, x, train, j)).collect())
    }

    /// Rows of the joint table.
    pub fn table_rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// First values of the table: small random rows.
    pub fn initial(&self, width: usize, rng: &mut crate::base::rng::Rng) -> Vec<f32> {
        let bound = 1.0 / (width as f64).sqrt();
        let mut out = Vec::with_capacity(self.table_rows() * width);
        for f in &self.features {
            for row in 0..f.rows() {
                // The second row stands for missing or unseen: zero until training meets one, so that the token is the bias.
                out.extend((0..width).map(|_| if row == 1 { 0.0 } else { ((crate::base::rng::unit(rng) * 2.0 - 1.0) * bound) as f32 }));
            }
        }
        out
    }

    /// Which table rows the given data rows activate. `hide(i, j)` treats a cell as missing (training's noise).
    pub fn active(&self, x: &FeatureMatrix, rows: &[usize], mut hide: impl FnMut() -> bool) -> Active {
        let mut starts = Vec::with_capacity(rows.len() * self.len() + 1);
        let mut entries = Vec::with_capacity(rows.len() * self.len() * 4);
        starts.push(0);
        for &r in rows {
            for (j, (f, &value)) in self.features.iter().zip(x.row(r)).enumerate() {
                let first = self.starts[j] as u32;
                entries.push((first, 1.0));
                if hide() {
                    entries.push((first + 1, 1.0))
                } else {
                    f.activate(value, first, &mut entries)
                }
                starts.push(entries.len() as u32);
            }
        }
        Active { starts, entries }
    }
}

impl Input {
    fn activate(&self, value: f64, first: u32, entries: &mut Vec<(u32, f32)>) {
        match self {
            Self::Category { levels } => {
                let known = value >= 0.0 && value < *levels as f64;
                entries.push((if known { first + 2 + value as u32 } else { first + 1 }, 1.0));
            }
            Self::Number { .. } if !value.is_finite() => entries.push((first + 1, 1.0)),
            Self::Number { log, mean, sd, edges } => {
                let v = transform(*log, value);
                entries.push((first + 2, ((v - mean) / sd).clamp(-CLIP, CLIP) as f32));
                for (t, w) in edges.windows(2).enumerate() {
                    if v <= w[0] {
                        break;
                    }
                    entries.push((first + 3 + t as u32, ((v - w[0]) / (w[1] - w[0])).min(1.0) as f32));
                }
            }
        }
    }
}

impl Active {
    /// Writes the tokens: token t of a row goes to `out[row · stride + offset + t · width]`.
    pub fn embed(&self, table: &[f32], width: usize, features: usize, stride: usize, offset: usize, out: &mut [f32]) {
        for t in 0..self.starts.len() - 1 {
            let at = (t / features) * stride + offset + (t % features) * width;
            let token = &mut out[at..at + width];
            for &(row, v) in &self.entries[self.starts[t] as usize..self.starts[t + 1] as usize] {
                let from = row as usize * width;
                for (o, w) in token.iter_mut().zip(&table[from..from + width]) {
                    *o += v * w;
                }
            }
        }
    }

    /// Adds the table's gradient, given the gradient at the tokens in the layout of [`Active::embed`].
    pub fn embed_backward(&self, grad: &[f32], width: usize, features: usize, stride: usize, offset: usize, table_grad: &mut [f32]) {
        for t in 0..self.starts.len() - 1 {
            let at = (t / features) * stride + offset + (t % features) * width;
            let token = &grad[at..at + width];
            for &(row, v) in &self.entries[self.starts[t] as usize..self.starts[t + 1] as usize] {
                let to = row as usize * width;
                for (g, o) in table_grad[to..to + width].iter_mut().zip(token) {
                    *g += v * o;
                }
            }
        }
    }
}

fn transform(log: bool, v: f64) -> f64 {
    if log { v.signum() * v.abs().ln_1p() } else { v }
}

fn fit_one(feature: &Feature, x: &FeatureMatrix, train: &[usize], j: usize) -> Input {
    if let FeatureKind::Categorical { levels } = &feature.kind {
        return Input::Category { levels: levels.len() };
    }
    let mut values: Vec<f64> = train.iter().map(|&r| x.row(r)[j]).filter(|v| v.is_finite()).collect();
    let log = moments(&values).2.abs() > HEAVY_TAIL;
    values.iter_mut().for_each(|v| *v = transform(log, *v));
    let (mean, sd, _) = moments(&values);
    Input::Number { log, mean, sd: if sd > 1e-12 { sd } else { 1.0 }, edges: edges(values) }
}

fn moments(values: &[f64]) -> (f64, f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0, 0.0);
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let centred = |p: i32| values.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
    let sd = centred(2).sqrt();
    (mean, sd, if sd > 1e-12 { centred(3) / sd.powi(3) } else { 0.0 })
}

/// Bin edges with about equally many train rows between them. One value that many rows share (zero, mostly) counts as
/// one bin's worth at most, so that the others keep theirs.
fn edges(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let mut distinct: Vec<(f64, f64)> = Vec::new();
    for v in values {
        match distinct.last_mut() {
            Some((last, n)) if *last == v => *n += 1.0,
            _ => distinct.push((v, 1.0)),
        }
    }
    let (Some(first), Some(last)) = (distinct.first().copied(), distinct.last().copied()) else { return Vec::new() };
    if distinct.len() < 3 {
        return Vec::new();
    }
    let cap = distinct.iter().map(|d| d.1).sum::<f64>() / BINS as f64;
    let total: f64 = distinct.iter().map(|d| d.1.min(cap)).sum();
    let (mut out, mut seen) = (vec![first.0], 0.0);
    for &(v, n) in &distinct {
        seen += n.min(cap);
        let due = seen / total * BINS as f64 >= out.len() as f64;
        if due && v > out[out.len() - 1] && v < last.0 {
            out.push(v);
        }
    }
    out.push(last.0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(inputs: &Inputs, table: &[f32], width: usize, row: Vec<f64>) -> Vec<f32> {
        let x = FeatureMatrix { n_features: row.len(), values: row };
        let mut out = vec![0.0; inputs.len() * width];
        inputs.active(&x, &[0], || false).embed(table, width, inputs.len(), inputs.len() * width, 0, &mut out);
        out
    }

    #[test]
    fn tokens_are_sums_of_active_rows() {
        let number = Input::Number { log: false, mean: 1.0, sd: 2.0, edges: vec![0.0, 1.0, 3.0] };
        let inputs = Inputs::new(vec![number, Input::Category { levels: 2 }]);
        // Width 1: bias, missing, z, two bins; then bias, unseen, two levels.
        let table = [100.0, 10.0, 1.0, 0.5, 0.25, 7.0, 3.0, 1.0, 2.0];
        for (row, expected) in [
            (vec![2.0, 1.0], [100.0 + 0.5 + 0.5 + 0.125, 9.0]),
            (vec![f64::NAN, f64::NAN], [110.0, 10.0]),
            (vec![0.0, -1.0], [100.0 - 0.5, 10.0]),
            (vec![1e9, 0.0], [100.0 + 8.0 + 0.5 + 0.25, 8.0]),
            (vec![f64::INFINITY, 2.0], [110.0, 10.0]),
        ] {
            assert_eq!(tokens(&inputs, &table, 1, row.clone()), expected, "{row:?}");
        }
    }

    #[test]
    fn the_table_gradient_is_the_transpose() {
        let number = Input::Number { log: true, mean: 0.0, sd: 1.0, edges: vec![0.0, 1.0, 3.0] };
        let inputs = Inputs::new(vec![number, Input::Category { levels: 3 }]);
        let x = FeatureMatrix { n_features: 2, values: vec![2.0, 1.0, -4.0, 2.0] };
        let (width, stride) = (2, 5);
        let mut table: Vec<f32> = (0..inputs.table_rows() * width).map(|i| i as f32 * 0.1).collect();
        let weight: Vec<f32> = (0..10).map(|i| (i as f32).sin()).collect();
        let active = inputs.active(&x, &[0, 1], || false);
        let value = |table: &[f32]| {
            let mut out = vec![0.0; 10];
            active.embed(table, width, 2, stride, 1, &mut out);
            out.iter().zip(&weight).map(|(a, b)| a * b).sum::<f32>()
        };
        let mut grad = vec![0.0; table.len()];
        active.embed_backward(&weight, width, 2, stride, 1, &mut grad);
        for i in 0..table.len() {
            let old = table[i];
            let base = value(&table);
            table[i] = old + 1.0;
            assert!((value(&table) - base - grad[i]).abs() < 1e-4, "{i}");
            table[i] = old;
        }
        assert!(grad.iter().any(|g| *g != 0.0));
    }

    #[test]
    fn bins_leave_room_beside_a_common_value() {
        let mut values = vec![0.0; 900];
        values.extend((1..=100).map(f64::from));
        let edges = edges(values);
        assert_eq!(edges[0], 0.0);
        assert_eq!(*edges.last().unwrap(), 100.0);
        assert!(edges.len() > BINS / 2, "{edges:?}");
        assert!(edges.windows(2).all(|w| w[0] < w[1]));
        assert!(super::edges(vec![1.0; 50]).is_empty());
    }

    #[test]
    fn numbers_bring_an_input_back() {
        for input in [Input::Category { levels: 7 }, Input::Number { log: true, mean: 0.5, sd: 2.0, edges: vec![0.0, 1.0] }] {
            assert_eq!(Input::from_numbers(&input.to_numbers()), Some(input));
        }
        assert_eq!(Input::from_numbers(&[1.0, 0.0, 0.0, f64::NAN]), None);
        assert_eq!(Input::from_numbers(&[]), None);
    }
}
