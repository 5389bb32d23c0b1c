//! A second opinion: the Transformer's forward pass in plain `f64`, from nothing but its saved tensors.

use crate::ml::file::{NamedTensor, TensorData};

fn get(tensors: &[NamedTensor], name: &str) -> Vec<f64> {
    match &tensors.iter().find(|t| t.name == name).unwrap().data {
        TensorData::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        TensorData::F64(v) => v.clone(),
        TensorData::I64(_) => unreachable!(),
    }
}

fn affine(tensors: &[NamedTensor], name: &str, x: &[f64]) -> Vec<f64> {
    let (w, mut out) = (get(tensors, &format!("net.weight.{name}.weight")), get(tensors, &format!("net.weight.{name}.bias")));
    let n = out.len();
    for (i, v) in x.iter().enumerate() {
        for (j, o) in out.iter_mut().enumerate() {
            *o += v * w[i * n + j];
        }
    }
    out
}

fn norm(tensors: &[NamedTensor], name: &str, x: &[f64]) -> Vec<f64> {
    let (gain, bias) = (get(tensors, &format!("net.weight.{name}.gain")), get(tensors, &format!("net.weight.{name}.bias")));
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64;
    x.iter().enumerate().map(|(i, v)| (v - mean) / (var + 1e-5).sqrt() * gain[i] + bias[i]).collect()
}

/// Tokens of one row, read off the saved transforms and table.
fn tokens(tensors: &[NamedTensor], row: &[f64], d: usize) -> Vec<Vec<f64>> {
    let table = get(tensors, "net.weight.embed");
    let mut at = 0;
    let mut out = vec![get(tensors, "net.weight.class")];
    for (j, &value) in row.iter().enumerate() {
        let input = get(tensors, &format!("net.input.{j:05}"));
        let mut active = vec![(0, 1.0)];
        let rows = if input[0] == 0.0 {
            active.push((if value.is_nan() || value < 0.0 { 1 } else { 2 + value as usize }, 1.0));
            2 + input[1] as usize
        } else {
            let edges = &input[4..];
            if value.is_nan() {
                active.push((1, 1.0));
            } else {
                let v = if input[1] == 1.0 { value.signum() * value.abs().ln_1p() } else { value };
                active.push((2, ((v - input[2]) / input[3]).clamp(-8.0, 8.0)));
                for b in 0..edges.len().saturating_sub(1) {
                    active.push((3 + b, ((v - edges[b]) / (edges[b + 1] - edges[b])).clamp(0.0, 1.0)));
                }
            }
            3 + edges.len().saturating_sub(1)
        };
        out.push((0..d).map(|k| active.iter().map(|(r, v)| v * table[(at + r) * d + k]).sum()).collect());
        at += rows;
    }
    out
}

/// Margins, and attention as layers × heads × queries × keys; `nudge` adds to one attention weight.
pub fn forward(tensors: &[NamedTensor], row: &[f64], temperature: f64, nudge: Option<(usize, f64)>) -> (Vec<f64>, Vec<f64>) {
    forward_with(tensors, row, temperature, nudge, &|_, _| false)
}

/// The same with heads of which nothing arrives.
pub fn forward_with(
    tensors: &[NamedTensor],
    row: &[f64],
    temperature: f64,
    nudge: Option<(usize, f64)>,
    silent: &dyn Fn(usize, usize) -> bool,
) -> (Vec<f64>, Vec<f64>) {
    let sizes = get(tensors, "net.sizes");
    let (d, layers, heads) = (sizes[3] as usize, sizes[4] as usize, sizes[5] as usize);
    let per_head = d / heads;
    let mut x = tokens(tensors, row, d);
    let t = x.len();
    let mut attention = Vec::new();
    for l in 0..layers {
        let name = |part: &str| format!("layer{l}.{part}");
        let n: Vec<Vec<f64>> = x.iter().map(|v| norm(tensors, &name("norm1"), v)).collect();
        let [q, k, v] = ["query", "key", "value"].map(|p| n.iter().map(|x| affine(tensors, &name(p), x)).collect::<Vec<_>>());
        let mut seen = vec![vec![0.0; d]; t];
        for h in 0..heads {
            let at = h * per_head..(h + 1) * per_head;
            for i in 0..t {
                let dot = |j: usize| q[i][at.clone()].iter().zip(&k[j][at.clone()]).map(|(a, b)| a * b).sum::<f64>();
                let scores: Vec<f64> = (0..t).map(|j| (temperature * dot(j) / (per_head as f64).sqrt()).exp()).collect();
                let total: f64 = scores.iter().sum();
                for (j, s) in scores.iter().enumerate() {
                    let mut a = s / total;
                    attention.push(a);
                    if let Some((which, by)) = nudge
                        && which == attention.len() - 1
                    {
                        a += by;
                    }
                    for c in at.clone().filter(|_| !silent(l, h)) {
                        seen[i][c] += a * v[j][c];
                    }
                }
            }
        }
        for i in 0..t {
            let add = affine(tensors, &name("out"), &seen[i]);
            x[i].iter_mut().zip(add).for_each(|(x, a)| *x += a);
            let mut hidden = affine(tensors, &name("up"), &norm(tensors, &name("norm2"), &x[i]));
            hidden.iter_mut().for_each(|v| *v = v.max(0.0));
            let add = affine(tensors, &name("down"), &hidden);
            x[i].iter_mut().zip(add).for_each(|(x, a)| *x += a);
        }
    }
    let raw = affine(tensors, "head", &norm(tensors, "final", &x[0]));
    let targets = get(tensors, "net.targets");
    (raw.iter().enumerate().map(|(o, r)| targets[2 * o] + targets[2 * o + 1] * r).collect(), attention)
}
