//! Integrated Gradients at the embedding output, along the straight line from the reference to the row, by Gauss–Legendre.
//!
//! φ_f = Σ over f's numbers of (x − x′) ∫₀¹ ∂output/∂x (x′ + t (x − x′)) dt. The sum of all φ must be output − base;
//! rows that miss it by more than the accepted gap get twice the nodes, and only those.

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::fault;
use crate::ml::model::{Embedded, Network, Scale};

use super::tree_shap::gauss_legendre;

/// Fewest and most nodes.
const NODES: (usize, usize) = (8, 256);
/// Embedded rows per call of the network.
const CALL: usize = 512;

/// What the integration gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Integrated {
    /// `rows × features`.
    pub values: Vec<f64>,
    /// Output at the reference.
    pub base: f64,
    /// Output per row.
    pub outputs: Vec<f64>,
    /// Nodes used per row.
    pub nodes: Vec<usize>,
    /// Rows whose gap stayed above the limit.
    pub open: usize,
}

/// Integrates for all rows; `gap` is the accepted share of max(|output − base|, 0.01).
pub fn integrated(net: &dyn Network, x: &FeatureMatrix, outcome: usize, scale: Scale, gap: f64, ctx: &JobCtx) -> Result<Integrated> {
    let embedded = net.embed(x)?;
    let (width, rows, m) = (embedded.width, x.n_rows(), embedded.parts.len());
    let reference = net.reference();
    let wrong = || fault!("explain.network_shape");
    if reference.len() != width || embedded.values.len() != rows * width || m != x.n_features {
        return Err(wrong());
    }
    let call = |values: Vec<f32>| -> Result<(Vec<f64>, Vec<f32>)> {
        let n = values.len() / width.max(1);
        let (out, gradient) = net.gradient(&Embedded { values, width, parts: embedded.parts.clone() }, outcome, scale)?;
        if out.len() == n && gradient.len() == n * width { Ok((out, gradient)) } else { Err(wrong()) }
    };
    let base = call(reference.clone())?.0.first().copied().ok_or_else(wrong)?;
    let mut outputs = Vec::with_capacity(rows);
    for chunk in embedded.values.chunks(CALL * width.max(1)) {
        ctx.check()?;
        outputs.extend(call(chunk.to_vec())?.0);
    }
    let mut values = vec![0.0; rows * m];
    let mut used = vec![0; rows];
    let mut pending: Vec<usize> = (0..rows).collect();
    let mut nodes = NODES.0;
    loop {
        ctx.stage("explain.stage_gradients", pending.len() as u64);
        let rule = gauss_legendre(nodes);
        for (done, group) in pending.chunks((CALL / nodes).max(1)).enumerate() {
            ctx.check()?;
            let mut points = Vec::with_capacity(group.len() * nodes * width);
            for &r in group {
                let row = &embedded.values[r * width..(r + 1) * width];
                for &(t, _) in &rule {
                    let t = t as f32;
                    points.extend(row.iter().zip(&reference).map(|(x, z)| z + t * (x - z)));
                }
            }
            let (_, gradient) = call(points)?;
            for (&r, gradient) in group.iter().zip(gradient.chunks(nodes * width.max(1))) {
                used[r] = nodes;
                for (f, part) in embedded.parts.iter().enumerate() {
                    let mut sum = 0.0;
                    for at in part.clone() {
                        let mean: f64 = rule.iter().enumerate().map(|(q, (_, w))| w * f64::from(gradient[q * width + at])).sum();
                        sum += mean * f64::from(embedded.values[r * width + at] - reference[at]);
                    }
                    values[r * m + f] = sum;
                }
            }
            ctx.at(((done + 1) * (CALL / nodes).max(1)).min(pending.len()) as u64);
        }
        pending.retain(|&r| {
            let change = outputs[r] - base;
            let rest = change - values[r * m..(r + 1) * m].iter().sum::<f64>();
            rest.is_nan() || rest.abs() > gap * change.abs().max(0.01)
        });
        if pending.is_empty() || nodes >= NODES.1 {
            return Ok(Integrated { values, base, outputs, nodes: used, open: pending.len() });
        }
        nodes *= 2;
    }
}

/// Expected gradients: Integrated Gradients from every row of a group, averaged; the base is the group's mean output.
pub fn expected(
    net: &dyn Network,
    x: &FeatureMatrix,
    group: &FeatureMatrix,
    outcome: usize,
    scale: Scale,
    gap: f64,
    ctx: &JobCtx,
) -> Result<Integrated> {
    let (embedded, starts) = (net.embed(x)?, net.embed(group)?);
    let (width, rows, m, n) = (embedded.width, x.n_rows(), embedded.parts.len(), group.n_rows());
    if starts.width != width || m != x.n_features || n == 0 || embedded.values.len() != rows * width {
        return Err(fault!("explain.network_shape"));
    }
    let call = |values: Vec<f32>| net.gradient(&Embedded { values, width, parts: embedded.parts.clone() }, outcome, scale);
    let base = call(starts.values.clone())?.0.iter().sum::<f64>() / n as f64;
    let (mut values, mut outputs, mut used, mut open) = (vec![0.0; rows * m], Vec::with_capacity(rows), Vec::new(), 0);
    ctx.stage("explain.stage_gradients", rows as u64);
    for r in 0..rows {
        let row = &embedded.values[r * width..(r + 1) * width];
        let output = call(row.to_vec())?.0.first().copied().ok_or_else(|| fault!("explain.network_shape"))?;
        let mut nodes = 4;
        loop {
            let rule = gauss_legendre(nodes);
            let phi = &mut values[r * m..(r + 1) * m];
            phi.fill(0.0);
            for some in starts.values.chunks((CALL / nodes).max(1) * width) {
                ctx.check()?;
                let mut points = Vec::with_capacity(some.len() * nodes);
                for start in some.chunks_exact(width) {
                    for &(t, _) in &rule {
                        let t = t as f32;
                        points.extend(row.iter().zip(start).map(|(x, z)| z + t * (x - z)));
                    }
                }
                let (_, gradient) = call(points)?;
                for (start, gradient) in some.chunks_exact(width).zip(gradient.chunks(nodes * width)) {
                    for (f, part) in embedded.parts.iter().enumerate() {
                        for at in part.clone() {
                            let mean: f64 = rule.iter().enumerate().map(|(q, (_, w))| w * f64::from(gradient[q * width + at])).sum();
                            phi[f] += mean * f64::from(row[at] - start[at]) / n as f64;
                        }
                    }
                }
            }
            let rest = output - base - phi.iter().sum::<f64>();
            let small = rest.abs() <= gap * (output - base).abs().max(0.01);
            if small || nodes >= 32 {
                used.push(nodes);
                open += usize::from(!small);
                break;
            }
            nodes *= 2;
        }
        outputs.push(output);
        ctx.at(r as u64 + 1);
    }
    Ok(Integrated { values, base, outputs, nodes: used, open })
}
