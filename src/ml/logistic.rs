//! Logistic regression with an L2 penalty, and its twin for amounts, ridge regression.
//!
//! Minimises ½·l2·‖w‖² + Σ wᵢ·lossᵢ, intercept free. Numbers are z-scored with the train mean and population deviation,
//! true/false columns stay 0 and 1, categories become one column per level (all kept, unscaled). A missing number counts as
//! the train mean; a missing or unseen category as none of the levels.
//!
//! linfa's L-BFGS makes the first approach. It stops early and takes no row weights, so our own Newton steps finish the
//! work until the gradient vanishes; they alone serve weighted rows, amounts and designs too large to write out.

use linfa::traits::Fit as _;
use ndarray::{Array1, Array2};

use super::file::{NamedTensor, TensorData, take};
use super::model::{Additive, Model, ModelCard, Structure, sigmoid};
use super::spec::{ModelSpec, Weighting};
use super::train::{TrainData, balanced_weights, blank_card};
use crate::base::progress::CurvePoint;
use crate::base::{JobCtx, Notice, Result};
use crate::data::{Feature, FeatureKind, FeatureMatrix};
use rayon::prelude::*;

/// Rows per piece of a parallel sum; fixed, so that the sum has one order at any thread count.
const CHUNK: usize = 4096;
/// Cells up to which the design is written out for linfa.
const LINFA_CELLS: usize = 20_000_000;
/// Columns up to which Newton factors the whole Hessian; beyond it conjugate gradients take over.
const DENSE_COLUMNS: usize = 800;
/// Most Newton steps.
const STEPS: u32 = 100;

/// A fitted logistic (or ridge) regression, one set of weights per outcome.
#[derive(Clone, Debug)]
pub struct LogisticModel {
    card: ModelCard,
    design: Design,
    /// `outcomes × columns`.
    weights: Vec<f64>,
    intercepts: Vec<f64>,
}

/// How features become columns.
#[derive(Clone, Debug, PartialEq)]
struct Design {
    /// First column of each feature.
    first: Vec<usize>,
    /// Levels of each feature; 0 for a number.
    levels: Vec<usize>,
    /// Train mean of each number, 0 for a category.
    mean: Vec<f64>,
    /// What a number is divided by after the mean is taken off; 1 for booleans, which keep their 0 and 1.
    scale: Vec<f64>,
    /// What is taken off: the mean, or 0 for booleans.
    shift: Vec<f64>,
    /// Train mean of every column, after scaling.
    centre: Vec<f64>,
}

impl Design {
    fn new(features: &[Feature]) -> Self {
        let levels: Vec<usize> = features.iter().map(|f| f.levels().len()).collect();
        let mut at = 0;
        let first = features
            .iter()
            .zip(&levels)
            .map(|(f, l)| {
                let here = at;
                at += if f.is_categorical() { *l } else { 1 };
                here
            })
            .collect();
        let n = features.len();
        Self { first, levels, mean: vec![0.0; n], scale: vec![1.0; n], shift: vec![0.0; n], centre: vec![0.0; at] }
    }

    fn fit(features: &[Feature], x: &FeatureMatrix, rows: &[usize]) -> Self {
        let mut out = Self::new(features);
        let all = rows.len().max(1) as f64;
        for (j, feature) in features.iter().enumerate() {
            let values = rows.iter().map(|&r| x.row(r)[j]);
            match &feature.kind {
                FeatureKind::Categorical { .. } => {
                    for v in values {
                        if let Some(c) = level(v, out.levels[j]) {
                            out.centre[out.first[j] + c] += 1.0 / all;
                        }
                    }
                }
                FeatureKind::Numeric { boolean, .. } => {
                    let finite: Vec<f64> = values.filter(|v| v.is_finite()).collect();
                    let n = finite.len().max(1) as f64;
                    let mean = finite.iter().sum::<f64>() / n;
                    let sd = (finite.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
                    out.mean[j] = mean;
                    if *boolean {
                        out.centre[out.first[j]] = mean;
                    } else {
                        out.shift[j] = mean;
                        // A constant column carries nothing; it becomes 0 everywhere.
                        out.scale[j] = if sd > 1e-12 * mean.abs().max(1e-300) { sd } else { f64::INFINITY };
                    }
                }
            }
        }
        out
    }

    fn columns(&self) -> usize {
        self.centre.len()
    }

    /// Column and value of what a feature's value makes; `None` where it adds nothing.
    fn place(&self, feature: usize, value: f64) -> Option<(usize, f64)> {
        let first = self.first[feature];
        if self.is_category(feature) {
            return level(value, self.levels[feature]).map(|c| (first + c, 1.0));
        }
        let value = if value.is_finite() { value } else { self.mean[feature] };
        Some((first, (value - self.shift[feature]) / self.scale[feature]))
    }

    fn is_category(&self, feature: usize) -> bool {
        let next = self.first.get(feature + 1).copied().unwrap_or(self.centre.len());
        self.levels[feature] > 0 || next == self.first[feature]
    }

    /// Sparse rows: exactly one entry per feature; what adds nothing is (0, 0.0).
    fn sparse(&self, x: &FeatureMatrix, rows: &[usize]) -> Sparse {
        let width = self.first.len();
        let entries = rows
            .par_iter()
            .flat_map_iter(|&r| x.row(r).iter().enumerate().map(|(j, v)| self.place(j, *v).map_or((0, 0.0), |(c, v)| (c as u32, v))))
            .collect();
        Sparse { width, columns: self.columns(), entries }
    }
}

fn level(value: f64, levels: usize) -> Option<usize> {
    (value >= 0.0 && (value as usize) < levels).then_some(value as usize)
}

/// Encoded rows.
struct Sparse {
    width: usize,
    columns: usize,
    entries: Vec<(u32, f64)>,
}

/// The problem that Newton solves: rows, answers, weights, penalty.
struct Problem<'a> {
    x: &'a Sparse,
    y: &'a [f64],
    weight: &'a [f64],
    l2: f64,
    logistic: bool,
}

/// Value, gradient and curvature at a point.
struct Local {
    value: f64,
    gradient: Vec<f64>,
    /// wᵢ·loss″ per row.
    curve: Vec<f64>,
}

impl Problem<'_> {
    fn rows(&self, chunk: usize) -> impl Iterator<Item = (usize, &[(u32, f64)])> {
        let from = chunk * CHUNK;
        let to = (from + CHUNK).min(self.y.len());
        (from..to).map(|i| (i, &self.x.entries[i * self.x.width..(i + 1) * self.x.width]))
    }
    fn chunks(&self) -> usize {
        self.y.len().div_ceil(CHUNK)
    }

    /// Loss of one row and its first two derivatives by the margin.
    fn row(&self, i: usize, margin: f64) -> (f64, f64, f64) {
        let (y, w) = (self.y[i], self.weight[i]);
        if self.logistic {
            let p = sigmoid(margin);
            // log(1 + e^m) − y·m without overflow.
            let loss = margin.max(0.0) + (-margin.abs()).exp().ln_1p() - y * margin;
            (w * loss, w * (p - y), w * p * (1.0 - p))
        } else {
            (w * 0.5 * (margin - y) * (margin - y), w * (margin - y), w)
        }
    }

    fn margin(row: &[(u32, f64)], beta: &[f64]) -> f64 {
        row.iter().map(|(c, v)| beta[*c as usize] * v).sum::<f64>() + beta[beta.len() - 1]
    }

    fn value(&self, beta: &[f64]) -> f64 {
        let parts: Vec<f64> =
            (0..self.chunks()).into_par_iter().map(|c| self.rows(c).map(|(i, row)| self.row(i, Self::margin(row, beta)).0).sum()).collect();
        let n = beta.len() - 1;
        parts.iter().sum::<f64>() + 0.5 * self.l2 * beta[..n].iter().map(|b| b * b).sum::<f64>()
    }

    fn local(&self, beta: &[f64]) -> Local {
        let n = beta.len() - 1;
        let parts: Vec<(f64, Vec<f64>, Vec<f64>)> = (0..self.chunks())
            .into_par_iter()
            .map(|c| {
                let (mut value, mut g, mut curve) = (0.0, vec![0.0; n + 1], Vec::with_capacity(CHUNK));
                for (i, row) in self.rows(c) {
                    let (loss, first, second) = self.row(i, Self::margin(row, beta));
                    value += loss;
                    for (c, v) in row {
                        g[*c as usize] += first * v;
                    }
                    g[n] += first;
                    curve.push(second);
                }
                (value, g, curve)
            })
            .collect();
        let mut out = Local {
            value: 0.5 * self.l2 * beta[..n].iter().map(|b| b * b).sum::<f64>(),
            gradient: beta.iter().enumerate().map(|(j, b)| if j < n { self.l2 * b } else { 0.0 }).collect(),
            curve: Vec::with_capacity(self.y.len()),
        };
        for (value, g, curve) in parts {
            out.value += value;
            for (a, b) in out.gradient.iter_mut().zip(&g) {
                *a += b;
            }
            out.curve.extend(curve);
        }
        out
    }

    /// The Newton direction −H⁻¹g.
    fn direction(&self, local: &Local) -> Vec<f64> {
        let size = self.x.columns + 1;
        let solution = if size <= DENSE_COLUMNS { self.solve_dense(local) } else { self.solve_cg(local) };
        debug_assert_eq!(solution.len(), size);
        solution.into_iter().map(|s| -s).collect()
    }

    fn solve_dense(&self, local: &Local) -> Vec<f64> {
        let size = self.x.columns + 1;
        // Few, large pieces: each carries a whole matrix.
        let per = self.chunks().div_ceil(8).max(1);
        let parts: Vec<Vec<f64>> = (0..self.chunks().div_ceil(per))
            .into_par_iter()
            .map(|p| {
                let mut h = vec![0.0; size * size];
                for c in p * per..((p + 1) * per).min(self.chunks()) {
                    for (i, row) in self.rows(c) {
                        let curve = local.curve[i];
                        for (k, &(a, u)) in row.iter().enumerate() {
                            let (a, u) = (a as usize, u * curve);
                            if u == 0.0 {
                                continue;
                            }
                            for &(b, v) in &row[..=k] {
                                let b = b as usize;
                                h[a.max(b) * size + a.min(b)] += u * v;
                            }
                            h[(size - 1) * size + a] += u;
                        }
                        h[size * size - 1] += curve;
                    }
                }
                h
            })
            .collect();
        let mut h = vec![0.0; size * size];
        for part in parts {
            for (a, b) in h.iter_mut().zip(&part) {
                *a += b;
            }
        }
        for j in 0..size - 1 {
            h[j * size + j] += self.l2;
        }
        cholesky_solve(&mut h, &local.gradient)
    }

    fn times_hessian(&self, local: &Local, v: &[f64]) -> Vec<f64> {
        let n = v.len() - 1;
        let parts: Vec<Vec<f64>> = (0..self.chunks())
            .into_par_iter()
            .map(|c| {
                let mut out = vec![0.0; n + 1];
                for (i, row) in self.rows(c) {
                    let along = local.curve[i] * Self::margin(row, v);
                    for (c, x) in row {
                        out[*c as usize] += along * x;
                    }
                    out[n] += along;
                }
                out
            })
            .collect();
        let mut out: Vec<f64> = v.iter().enumerate().map(|(j, b)| if j < n { self.l2 * b } else { 0.0 }).collect();
        for part in parts {
            for (a, b) in out.iter_mut().zip(&part) {
                *a += b;
            }
        }
        out
    }

    fn solve_cg(&self, local: &Local) -> Vec<f64> {
        let size = self.x.columns + 1;
        let mut diagonal = vec![self.l2 + 1e-12; size];
        for (i, curve) in local.curve.iter().enumerate() {
            for (c, v) in &self.x.entries[i * self.x.width..(i + 1) * self.x.width] {
                diagonal[*c as usize] += curve * v * v;
            }
            diagonal[size - 1] += curve;
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut x = vec![0.0; size];
        let mut r = local.gradient.clone();
        let mut z: Vec<f64> = r.iter().zip(&diagonal).map(|(r, d)| r / d).collect();
        let mut p = z.clone();
        let mut rz = dot(&r, &z);
        let stop = 1e-20 * rz;
        for _ in 0..500 {
            if rz <= stop || !rz.is_finite() {
                break;
            }
            let hp = self.times_hessian(local, &p);
            let alpha = rz / dot(&p, &hp);
            if !alpha.is_finite() {
                break;
            }
            for j in 0..size {
                x[j] += alpha * p[j];
                r[j] -= alpha * hp[j];
                z[j] = r[j] / diagonal[j];
            }
            let next = dot(&r, &z);
            let beta = next / rz;
            rz = next;
            for j in 0..size {
                p[j] = z[j] + beta * p[j];
            }
        }
        x
    }

    /// How small the gradient must be: far below what moves a fourth decimal of any figure.
    fn tolerance(&self) -> f64 {
        1e-8 * self.weight.iter().sum::<f64>().max(1.0)
            * if self.logistic { 1.0 } else { self.y.iter().fold(1e-12, |m: f64, y| m.max(y.abs())) }
    }

    /// Newton with step halving from `beta`; says whether the gradient vanished.
    fn newton(&self, beta: &mut Vec<f64>, ctx: &JobCtx, mut report: impl FnMut(u32, f64)) -> Result<bool> {
        let tolerance = self.tolerance();
        let mut local = self.local(beta);
        for step in 1..=STEPS {
            ctx.check()?;
            report(step, local.value);
            let norm = local.gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            if norm <= tolerance {
                return Ok(true);
            }
            let direction = self.direction(&local);
            let slope: f64 = direction.iter().zip(&local.gradient).map(|(d, g)| d * g).sum();
            let mut length = 1.0;
            let better = loop {
                let next: Vec<f64> = beta.iter().zip(&direction).map(|(b, d)| b + length * d).collect();
                let value = self.value(&next);
                if value <= local.value + 1e-4 * length * slope {
                    break Some(next);
                }
                length *= 0.5;
                if length < 1e-8 {
                    break None;
                }
            };
            // No step lowers the sum any more: rounding has the last word.
            let Some(next) = better else { return Ok(norm <= 1e3 * tolerance) };
            *beta = next;
            local = self.local(beta);
        }
        Ok(false)
    }
}

/// Solves H·s = g for a symmetric H given by its lower triangle; a pivot that vanished is lifted a little.
pub(crate) fn cholesky_solve(h: &mut [f64], g: &[f64]) -> Vec<f64> {
    let n = g.len();
    let largest = (0..n).map(|j| h[j * n + j]).fold(0.0f64, f64::max).max(1e-300);
    for j in 0..n {
        let (before, rest) = h.split_at_mut((j + 1) * n);
        let row = &mut before[j * n..];
        let mut pivot = row[j] - row[..j].iter().map(|v| v * v).sum::<f64>();
        if pivot <= 1e-12 * largest {
            pivot = 1e-9 * largest;
        }
        let root = pivot.sqrt();
        row[j] = root;
        let row = &before[j * n..j * n + j];
        for below in rest.chunks_mut(n) {
            let s: f64 = below[..j].iter().zip(row).map(|(a, b)| a * b).sum();
            below[j] = (below[j] - s) / root;
        }
    }
    let mut s = g.to_vec();
    for j in 0..n {
        let known: f64 = (0..j).map(|k| h[j * n + k] * s[k]).sum();
        s[j] = (s[j] - known) / h[j * n + j];
    }
    for j in (0..n).rev() {
        let known: f64 = (j + 1..n).map(|k| h[k * n + j] * s[k]).sum();
        s[j] = (s[j] - known) / h[j * n + j];
    }
    s
}

/// linfa's approach from zero; `None` where it cannot begin or fails (Newton then starts from zero).
fn first_approach(problem: &Problem<'_>) -> Option<Vec<f64>> {
    let (n, columns) = (problem.y.len(), problem.x.columns);
    if n * columns > LINFA_CELLS || !problem.logistic || columns == 0 {
        return None;
    }
    let mut dense = Array2::<f64>::zeros((n, columns));
    for (i, row) in problem.x.entries.chunks(problem.x.width).enumerate() {
        for (c, v) in row {
            dense[[i, *c as usize]] += v;
        }
    }
    let answers: Array1<bool> = problem.y.iter().map(|y| *y > 0.5).collect();
    let fitted = linfa_logistic::LogisticRegression::default()
        .alpha(problem.l2)
        .gradient_tolerance(1e-5)
        .max_iterations(200)
        .fit(&linfa::Dataset::new(dense, answers))
        .ok()?;
    // linfa calls the larger class positive, whatever it means.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    let beta: Vec<f64> = fitted.params().iter().chain(std::iter::once(&fitted.intercept())).map(|b| sign * b).collect();
    beta.iter().all(|b| b.is_finite()).then_some(beta)
}

/// Fits on `rows`; each outcome on those of them where it is known.
pub fn fit(spec: &ModelSpec, data: &TrainData, rows: &[usize], ctx: &JobCtx) -> Result<LogisticModel> {
    fit_by(spec, data, rows, None, ctx)
}

/// The same with a weight for every row of the data. Newton's steps alone do it, which is also quicker on small data.
pub fn fit_weighted(spec: &ModelSpec, data: &TrainData, rows: &[usize], weights: &[f64], ctx: &JobCtx) -> Result<LogisticModel> {
    fit_by(spec, data, rows, Some(weights), ctx)
}

fn fit_by(spec: &ModelSpec, data: &TrainData, rows: &[usize], weights: Option<&[f64]>, ctx: &JobCtx) -> Result<LogisticModel> {
    ctx.stage("ml.stage_fitting", data.outcomes.len() as u64);
    let features = &data.encoder.features;
    let design = Design::fit(features, &data.x, rows);
    let l2 = spec.l2.unwrap_or(spec.kind.defaults().l2);
    let mut card = blank_card(spec, data);
    let (mut fitted, mut intercepts) = (Vec::new(), Vec::new());
    for (k, outcome) in data.outcomes.iter().enumerate() {
        ctx.check()?;
        let known: Vec<usize> = rows.iter().copied().filter(|&r| data.y[k][r].is_finite()).collect();
        let y: Vec<f64> = known.iter().map(|&r| data.y[k][r]).collect();
        let weight = match weights {
            Some(w) => known.iter().map(|&r| w[r]).collect(),
            None if spec.weight == Weighting::Balanced && outcome.is_binary() => balanced_weights(&y),
            None => vec![1.0; y.len()],
        };
        let x = design.sparse(&data.x, &known);
        let problem = Problem { x: &x, y: &y, weight: &weight, l2, logistic: outcome.is_binary() };
        let start = if spec.weight == Weighting::None && weights.is_none() { first_approach(&problem) } else { None };
        let mut beta = start.unwrap_or_else(|| vec![0.0; design.columns() + 1]);
        let total: f64 = weight.iter().sum::<f64>().max(1.0);
        let mut points = Vec::new();
        let converged = problem.newton(&mut beta, ctx, |step, value| {
            let point = CurvePoint { step, train: value / total, validation: None };
            if k == 0 {
                ctx.curve(point);
            }
            points.push(point);
        })?;
        if !converged {
            card.warnings.push(Notice::new("ml.not_converged").with("column", &outcome.name));
        }
        if k == 0 {
            card.curve = points;
        }
        intercepts.push(beta.pop().unwrap_or_default());
        fitted.extend(beta);
        ctx.at(k as u64 + 1);
    }
    Ok(LogisticModel { card, design, weights: fitted, intercepts })
}

/// Coefficients, the intercept last, of a fit to chosen rows of a matrix whose columns stand as they are; `y` and `weight` are
/// as long as the matrix. Says too whether the gradient vanished.
pub(super) fn solve(
    x: &FeatureMatrix,
    rows: &[usize],
    (y, weight): (&[f64], Option<&[f64]>),
    l2: f64,
    logistic: bool,
    ctx: &JobCtx,
) -> Result<(Vec<f64>, bool)> {
    let columns = x.n_features;
    let entries = rows.par_iter().flat_map_iter(|&r| x.row(r).iter().enumerate().map(|(j, v)| (j as u32, *v))).collect();
    let sparse = Sparse { width: columns, columns, entries };
    let y: Vec<f64> = rows.iter().map(|&r| y[r]).collect();
    let weight: Vec<f64> = rows.iter().map(|&r| weight.map_or(1.0, |w| w[r])).collect();
    let problem = Problem { x: &sparse, y: &y, weight: &weight, l2, logistic };
    let mut beta = vec![0.0; columns + 1];
    let converged = problem.newton(&mut beta, ctx, |_, _| ())?;
    Ok((beta, converged))
}

impl LogisticModel {
    /// Restores a model from its file.
    pub fn from_tensors(card: ModelCard, tensors: &[NamedTensor]) -> Result<Self> {
        let mut design = Design::new(&card.encoder.features);
        let (n, columns, outcomes) = (design.first.len(), design.columns(), card.outcomes.len());
        design.mean = take::f64s(tensors, "mean", n)?;
        design.scale = take::f64s(tensors, "scale", n)?;
        design.shift = take::f64s(tensors, "shift", n)?;
        design.centre = take::f64s(tensors, "centre", columns)?;
        let weights = take::f64s(tensors, "weights", outcomes * columns)?;
        let intercepts = take::f64s(tensors, "intercepts", outcomes)?;
        Ok(Self { card, design, weights, intercepts })
    }

    fn row_margin(&self, row: &[f64], outcome: usize) -> f64 {
        let columns = self.design.columns();
        let w = &self.weights[outcome * columns..(outcome + 1) * columns];
        let mut sum = self.intercepts[outcome];
        for (j, v) in row.iter().enumerate() {
            if let Some((c, v)) = self.design.place(j, *v) {
                sum += w[c] * v;
            }
        }
        sum
    }
}

impl Model for LogisticModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.card
    }
    fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        super::train::check_width(&self.card, x)?;
        ctx.check()?;
        let k = self.intercepts.len();
        let mut out = vec![0.0; x.n_rows() * k];
        out.par_chunks_mut(CHUNK * k).enumerate().for_each(|(c, part)| {
            for (i, slot) in part.iter_mut().enumerate() {
                *slot = self.row_margin(x.row(c * CHUNK + i / k), i % k);
            }
        });
        Ok(out)
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Additive(self)
    }
    fn tensors(&self) -> Vec<NamedTensor> {
        let d = &self.design;
        let vector = |name: &str, v: &[f64]| NamedTensor { name: name.to_owned(), shape: vec![v.len()], data: TensorData::F64(v.to_vec()) };
        vec![
            vector("mean", &d.mean),
            vector("scale", &d.scale),
            vector("shift", &d.shift),
            vector("centre", &d.centre),
            NamedTensor {
                name: "weights".into(),
                shape: vec![self.intercepts.len(), d.columns()],
                data: TensorData::F64(self.weights.clone()),
            },
            vector("intercepts", &self.intercepts),
        ]
    }
}

impl Additive for LogisticModel {
    fn base(&self, outcome: usize) -> f64 {
        let columns = self.design.columns();
        let w = &self.weights[outcome * columns..(outcome + 1) * columns];
        self.intercepts[outcome] + w.iter().zip(&self.design.centre).map(|(w, c)| w * c).sum::<f64>()
    }
    fn contribution(&self, feature: usize, value: f64, outcome: usize) -> f64 {
        let d = &self.design;
        let w = &self.weights[outcome * d.columns()..(outcome + 1) * d.columns()];
        let here = d.place(feature, value).map_or(0.0, |(c, v)| w[c] * v);
        let first = d.first[feature];
        let count = if d.is_category(feature) { d.levels[feature] } else { 1 };
        here - (first..first + count).map(|c| w[c] * d.centre[c]).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::train::{sample, train};
    use super::*;
    use crate::ml::spec::ModelKind;

    fn fitted(spec: &ModelSpec, d: &TrainData) -> LogisticModel {
        let rows: Vec<usize> = (0..d.parts.len()).filter(|&r| d.parts[r] == crate::data::Part::Train).collect();
        fit(spec, d, &rows, &JobCtx::quiet()).unwrap()
    }

    /// Gradient of ½·l2·‖w‖² + Σ w·loss at the fitted weights, written out by hand on a dense design.
    fn gradient(m: &LogisticModel, d: &TrainData, k: usize, l2: f64, weight: impl Fn(f64) -> f64) -> Vec<f64> {
        let columns = m.design.columns();
        let w = &m.weights[k * columns..(k + 1) * columns];
        let mut g: Vec<f64> = w.iter().map(|w| l2 * w).chain([0.0]).collect();
        for r in 0..d.parts.len() {
            let y = d.y[k][r];
            if d.parts[r] != crate::data::Part::Train || y.is_nan() {
                continue;
            }
            let mut row = vec![0.0; columns];
            for (j, v) in d.x.row(r).iter().enumerate() {
                if let Some((c, v)) = m.design.place(j, *v) {
                    row[c] = v;
                }
            }
            let margin = m.intercepts[k] + row.iter().zip(w).map(|(a, b)| a * b).sum::<f64>();
            let error = weight(y) * if d.outcomes[k].is_binary() { sigmoid(margin) - y } else { margin - y };
            row.iter().zip(&mut g).for_each(|(x, g)| *g += error * x);
            g[columns] += error;
        }
        g
    }

    #[test]
    fn the_gradient_vanishes_for_every_kind_of_fit() {
        let d = sample::data(1200, 7);
        let mut spec = ModelSpec::new("l", ModelKind::Logistic);
        let m = fitted(&spec, &d);
        for k in 0..2 {
            let largest = gradient(&m, &d, k, 1.0, |_| 1.0).iter().fold(0.0f64, |a, g| a.max(g.abs()));
            assert!(largest < 1e-3, "outcome {k}: {largest}");
        }
        spec.weight = Weighting::Balanced;
        spec.l2 = Some(5.0);
        let d = sample::only(d, 0);
        let m = fitted(&spec, &d);
        let train: Vec<f64> = (0..1200).filter(|r| r % 4 != 3).map(|r| d.y[0][r]).collect();
        let yes = train.iter().sum::<f64>();
        let n = train.len() as f64;
        let g = gradient(&m, &d, 0, 5.0, |y| if y > 0.5 { n / 2.0 / yes } else { n / 2.0 / (n - yes) });
        assert!(g.iter().all(|g| g.abs() < 1e-3), "{g:?}");
    }

    #[test]
    fn newton_and_conjugate_gradients_agree_with_linfa() {
        let d = sample::only(sample::data(600, 8), 0);
        let design = Design::fit(&d.encoder.features, &d.x, &(0..600).collect::<Vec<_>>());
        let x = design.sparse(&d.x, &(0..600).collect::<Vec<_>>());
        let problem = Problem { x: &x, y: &d.y[0], weight: &[1.0; 600], l2: 1.0, logistic: true };
        let mut newton = vec![0.0; design.columns() + 1];
        assert!(problem.newton(&mut newton, &JobCtx::quiet(), |_, _| ()).unwrap());
        let linfa = first_approach(&problem).expect("linfa fits this");
        for (a, b) in newton.iter().zip(&linfa) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
        let local = problem.local(&vec![0.1; newton.len()]);
        for (a, b) in problem.solve_dense(&local).iter().zip(problem.solve_cg(&local)) {
            assert!((a - b).abs() < 1e-8, "{a} {b}");
        }
    }

    #[test]
    fn base_and_contributions_add_up_and_base_is_the_mean() {
        let d = sample::data(500, 9);
        let m = fitted(&ModelSpec::new("l", ModelKind::Logistic), &d);
        let margins = m.margins(&d.x, &JobCtx::quiet()).unwrap();
        for k in 0..2 {
            let (mut mean, mut n) = (0.0, 0.0);
            for r in 0..500 {
                let sum = m.base(k) + (0..5).map(|j| m.contribution(j, d.x.row(r)[j], k)).sum::<f64>();
                assert!((sum - margins[r * 2 + k]).abs() < 1e-9);
                if r % 4 != 3 {
                    mean += margins[r * 2 + k];
                    n += 1.0;
                }
            }
            assert!((mean / n - m.base(k)).abs() < 1e-9);
        }
        // A missing number counts as the mean, an unseen category as no level.
        let own: f64 = m.contribution(1, f64::NAN, 0);
        assert!(own.abs() < 1e-12);
        assert_eq!(m.contribution(3, f64::NAN, 0), m.contribution(3, crate::data::features::UNSEEN, 0));
        assert_eq!(m.contribution(3, 4.0, 0), m.contribution(3, f64::NAN, 0));
    }

    #[test]
    fn separable_constant_and_infinite_columns_do_no_harm() {
        let mut d = sample::only(sample::data(100, 10), 0);
        for r in 0..100 {
            d.y[0][r] = f64::from(d.x.values[r * 5] > 0.0);
            d.x.values[r * 5 + 1] = 7.0;
        }
        d.x.values[0] = f64::INFINITY;
        let mut spec = ModelSpec::new("l", ModelKind::Logistic);
        spec.l2 = Some(0.0);
        let m = train(&spec, &d, &JobCtx::quiet()).unwrap();
        assert!(m.margins(&d.x, &JobCtx::quiet()).unwrap().iter().all(|v| v.is_finite()));
    }
}
