//! The formulas, on plain slices: w the weight π(a)/p of each row, r its reward, q the model's reward of the logged action,
//! v the model's reward under the target policy.
//!
//! | name | value |
//! |---|---|
//! | IPS | mean w·r |
//! | SNIPS | Σ w·r / Σ w |
//! | DM | mean v |
//! | DR | mean v + w·(r − q) |
//! | SNDR | mean v + Σ w·(r − q) / Σ w |
//! | Switch-DR | mean v + w·1{w ≤ τ}·(r − q) |
//! | DR-OS | mean v + λw/(w² + λ)·(r − q) (optimistic shrinkage) |
//! | MRDR | DR with the model fitted for it |
//!
//! τ and λ are chosen by the estimated mean squared error with a high-probability bound on the bias (Su et al. 2020).

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::Settings;
use super::reward::Predicted;
use crate::base::{JobCtx, Notice, Result, numbers, rng};
use crate::data::features::quantile;
use crate::note;

/// What the intervals miss.
pub const ALPHA: f64 = 0.05;
/// Rows up to which each is resampled alone; more are dealt into as many blocks.
const BLOCKS: usize = 1_000;
/// Standard errors of the bias of the direct method from which it is detected.
const DETECTED: f64 = 1.96;
/// Share of the weights that the reward model may miss before the direct method has no interval.
const MOST_UNCHECKED: f64 = 0.01;
/// Rows per piece of a parallel sum.
const CHUNK: usize = 16_384;

/// One estimate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean reward per row; absent where it is refused.
    pub value: Option<f64>,
    /// Standard error.
    pub se: Option<f64>,
    /// 95 % interval: bootstrap percentile.
    pub ci: Option<(f64, f64)>,
    /// 95 % interval: value ± 1.96 standard errors.
    pub ci_normal: Option<(f64, f64)>,
    /// 95 % interval: empirical Bernstein, with the largest observed weight as the bound.
    pub ci_bernstein: Option<(f64, f64)>,
    /// τ of Switch-DR, λ of DR-OS; absent is infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<f64>,
    /// Why there is no value, or no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Notice>,
}

/// Estimates by method: ips, snips, dm, dr, sndr, switch_dr, dr_os, mrdr.
pub type Estimates = BTreeMap<String, Estimate>;

/// The methods in the order in which they are shown.
pub const METHODS: [&str; 8] = ["ips", "snips", "dm", "dr", "sndr", "switch_dr", "dr_os", "mrdr"];

/// What the formulas read.
pub struct Rows<'a> {
    /// r.
    pub reward: &'a [f64],
    /// w.
    pub weight: &'a [f64],
    /// v and q of the usual model.
    pub direct: Option<&'a Predicted>,
    /// v and q of MRDR's model.
    pub robust: Option<&'a Predicted>,
}

/// What each interval is, in words.
pub fn methods(settings: &Settings) -> Vec<Notice> {
    vec![
        note!("policy.method_bootstrap", replicates = settings.replicates, seed = settings.seed),
        note!("policy.method_normal"),
        note!("policy.method_bernstein"),
        note!("policy.method_settings"),
    ]
}

/// λw/(w² + λ); an infinite λ shrinks nothing.
pub fn shrunk(w: f64, lambda: f64) -> f64 {
    if lambda.is_infinite() { w } else { lambda * w / (w * w + lambda) }
}

/// w where it is at most τ, else 0.
pub fn switched(w: f64, tau: f64) -> f64 {
    if w <= tau { w } else { 0.0 }
}

fn mean(v: impl Iterator<Item = f64>, n: usize) -> f64 {
    v.sum::<f64>() / n.max(1) as f64
}

/// The setting among `candidates` with the smallest estimated mean squared error; `change` is the weight it makes of w.
pub fn choose(rows: &Rows<'_>, p: &Predicted, candidates: &[f64], change: fn(f64, f64) -> f64) -> f64 {
    let n = rows.weight.len();
    let square = mean(rows.weight.iter().map(|w| w * w), n);
    let largest = rows.weight.iter().copied().fold(0.0, f64::max);
    let log = (2.0 / ALPHA).ln();
    let slack = (2.0 * square * log / n as f64).sqrt() + 2.0 * largest * log / (3.0 * n as f64);
    let risk = |s: f64| {
        let term = |i: usize| p.direct[i] + change(rows.weight[i], s) * (rows.reward[i] - p.factual[i]);
        let centre = mean((0..n).map(term), n);
        let variance = mean((0..n).map(|i| (term(i) - centre).powi(2)), n) / n as f64;
        let bias = mean((0..n).map(|i| (rows.weight[i] - change(rows.weight[i], s)) * (rows.reward[i] - p.factual[i])), n).abs();
        variance + (bias + slack).powi(2)
    };
    let risks: Vec<f64> = candidates.par_iter().map(|s| risk(*s)).collect();
    // Of equals the one that changes least, which stands last.
    (0..candidates.len()).rev().min_by(|a, b| risks[*a].total_cmp(&risks[*b])).map_or(f64::INFINITY, |k| candidates[k])
}

/// Thresholds to choose from: quantiles of the weights, and none.
fn candidates(weights: &[f64], square: bool) -> Vec<f64> {
    let step = weights.len().div_ceil(100_000).max(1);
    let mut sorted: Vec<f64> = weights.iter().copied().step_by(step).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut out: Vec<f64> = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999].iter().map(|q| quantile(&sorted, *q)).collect();
    if square {
        out.iter_mut().for_each(|v| *v *= *v);
        let last = out.last().copied().unwrap_or(1.0);
        out.extend([10.0 * last, 100.0 * last, 1_000.0 * last]);
    }
    out.retain(|v| *v > 0.0);
    out.dedup();
    out.push(f64::INFINITY);
    out
}

/// One method: its terms per row, and its value from their sums.
struct Method {
    name: &'static str,
    /// Mean of the first, plus the ratio of the sums of the second and third.
    plus: Option<Vec<f64>>,
    over: Option<Vec<f64>>,
    by: Option<Vec<f64>>,
    /// Added to the influence, not to the value: what the fit of the model adds to the spread.
    spread: Option<Vec<f64>>,
    /// Largest distance between two terms, where Bernstein's inequality applies.
    range: Option<f64>,
    setting: Option<f64>,
    refused: Option<Notice>,
}

impl Method {
    fn new(name: &'static str) -> Self {
        Self { name, plus: None, over: None, by: None, spread: None, range: None, setting: None, refused: None }
    }
}

fn spread_of(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
}

/// All methods with their intervals; `refused` says why no weighted estimate is given.
pub fn all(rows: &Rows<'_>, settings: &Settings, refused: Option<&Notice>, ctx: &JobCtx) -> Result<Estimates> {
    let (w, r) = (rows.weight, rows.reward);
    let n = w.len();
    let largest = w.iter().copied().fold(0.0, f64::max);
    let (low, high) = spread_of(r.iter().copied());
    let mut list: Vec<Method> = Vec::new();
    let zip = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    if refused.is_none() {
        let mut ips = Method::new("ips");
        ips.plus = Some(zip(&|i| w[i] * r[i]));
        ips.range = Some(largest * (high.max(0.0) - low.min(0.0)));
        list.push(ips);
        let mut snips = Method::new("snips");
        snips.over = Some(zip(&|i| w[i] * r[i]));
        snips.by = Some(w.to_vec());
        list.push(snips);
    }
    if let Some(p) = rows.direct {
        ctx.check()?;
        let rest = |i: usize| r[i] - p.factual[i];
        let mut dm = Method::new("dm");
        dm.plus = Some(p.direct.clone());
        dm.refused = doubt(rows, p, refused, &|_| 0.0);
        if let (Some(own), None) = (&p.projector, &dm.refused) {
            let u = own.pull(None);
            let left = unchecked(w, &u);
            // Chance alone parts the two by about one row's share per column of the model.
            if left > MOST_UNCHECKED + 2.0 * own.width() as f64 / n as f64 {
                dm.refused = Some(note!("policy.dm_model_only", share = numbers::percent(left.min(1.0))));
            }
            dm.spread = Some(zip(&|i| u[i] * rest(i)));
        }
        list.push(dm);
        if refused.is_none() {
            let (least, most) = spread_of(p.direct.iter().copied());
            let (under, over) = spread_of((0..n).map(rest));
            let range = |top: f64| Some(most - least + top * (over.max(0.0) - under.min(0.0)));
            let doubly = |name, change: &dyn Fn(f64) -> f64| {
                let mut m = Method::new(name);
                m.plus = Some(zip(&|i| p.direct[i] + change(w[i]) * rest(i)));
                m.range = range(w.iter().map(|w| change(*w)).fold(0.0, f64::max));
                m
            };
            list.push(doubly("dr", &|w| w));
            let mut sndr = Method::new("sndr");
            sndr.plus = Some(p.direct.clone());
            sndr.over = Some(zip(&|i| w[i] * rest(i)));
            sndr.by = Some(w.to_vec());
            list.push(sndr);
            let tau = choose(rows, p, &candidates(w, false), switched);
            let lambda = choose(rows, p, &candidates(w, true), shrunk);
            let finite = |s: f64| s.is_finite().then_some(s);
            let partly = |name, setting: f64, change: &dyn Fn(f64) -> f64| {
                let mut m = Method { setting: finite(setting), ..doubly(name, change) };
                if setting.is_finite() {
                    m.refused = doubt(rows, p, None, change);
                    if let (Some(own), None) = (&p.projector, &m.refused) {
                        let u = own.pull(Some(&zip(&|i| change(w[i]))));
                        m.spread = Some(zip(&|i| u[i] * rest(i)));
                    }
                    // What is left to the model has no bound that the weights could give.
                    m.range = None;
                }
                m
            };
            list.push(partly("switch_dr", tau, &|w| switched(w, tau)));
            list.push(partly("dr_os", lambda, &|w| shrunk(w, lambda)));
        }
    }
    if let (Some(p), None) = (rows.robust, refused) {
        let mut mrdr = Method::new("mrdr");
        mrdr.plus = Some(zip(&|i| p.direct[i] + w[i] * (r[i] - p.factual[i])));
        let (least, most) = spread_of(p.direct.iter().copied());
        let (under, over) = spread_of((0..n).map(|i| r[i] - p.factual[i]));
        mrdr.range = Some(most - least + largest * (over.max(0.0) - under.min(0.0)));
        list.push(mrdr);
    }
    ctx.check()?;
    let mut out: Estimates = estimate(&list, n, settings);
    for name in METHODS {
        let why = refused.cloned().unwrap_or_else(|| note!("policy.no_model"));
        out.entry(name.to_owned()).or_insert_with(|| Estimate { refused: Some(why), ..Estimate::default() });
    }
    Ok(out)
}

/// The share of the weights (by squares) that the model's own, implied ones miss. Where it is nothing, the direct estimate is
/// right whatever the model misses; where it is not, the error of the model stays in it, and no interval covers that.
fn unchecked(weight: &[f64], implied: &[f64]) -> f64 {
    let off: f64 = weight.iter().zip(implied).map(|(w, u)| (w - u).powi(2)).sum();
    off / weight.iter().map(|w| w * w).sum::<f64>().max(f64::MIN_POSITIVE)
}

/// Why an estimate that leaves something to the model has no interval: the model's error is seen, cannot be tested, or is not
/// known. `kept` is the part of each weight that corrects the model; the rest is left to it.
fn doubt(rows: &Rows<'_>, p: &Predicted, refused: Option<&Notice>, kept: &dyn Fn(f64) -> f64) -> Option<Notice> {
    if refused.is_some() {
        return Some(note!("policy.dm_untested"));
    }
    if p.projector.is_none() {
        return Some(note!("policy.dm_no_interval"));
    }
    let n = rows.weight.len();
    let term = |i: usize| (rows.weight[i] - kept(rows.weight[i])) * (rows.reward[i] - p.factual[i]);
    let bias = mean((0..n).map(term), n);
    let se = (mean((0..n).map(|i| (term(i) - bias).powi(2)), n) / n as f64).sqrt();
    (bias.abs() > DETECTED * se).then(|| note!("policy.dm_biased", bias = bias, se = se))
}

/// The log's own mean.
pub fn logged(reward: &[f64], settings: &Settings) -> Estimate {
    let mut own = Method::new("logged");
    let (low, high) = spread_of(reward.iter().copied());
    own.plus = Some(reward.to_vec());
    own.range = Some(high - low);
    estimate(&[own], reward.len(), settings).remove("logged").unwrap_or_default()
}

/// Values, standard errors and intervals of some methods on the same draws, so that their differences are paired.
fn estimate(list: &[Method], n: usize, settings: &Settings) -> Estimates {
    let columns: Vec<&[f64]> = list.iter().flat_map(|m| [&m.plus, &m.over, &m.by, &m.spread]).flatten().map(Vec::as_slice).collect();
    let draws = draws(&columns, n, settings);
    let total: Vec<f64> =
        columns.iter().map(|c| c.par_chunks(CHUNK).map(|p| p.iter().sum::<f64>()).collect::<Vec<_>>().iter().sum()).collect();
    let mut out = Estimates::new();
    let mut at = 0;
    for m in list {
        let mut take = |v: &Option<Vec<f64>>| {
            v.as_ref().map(|_| {
                at += 1;
                at - 1
            })
        };
        let (plus, over, by, spread) = (take(&m.plus), take(&m.over), take(&m.by), take(&m.spread));
        let size = n as f64;
        let value = |s: &dyn Fn(usize) -> f64| {
            let first = plus.map_or(0.0, |c| s(c) / size);
            let ratio = match (over, by) {
                (Some(o), Some(b)) if s(b) != 0.0 => s(o) / s(b),
                (Some(_), Some(_)) => f64::NAN,
                _ => 0.0,
            };
            first + ratio
        };
        let point = value(&|c| total[c]);
        if !point.is_finite() {
            out.insert(m.name.to_owned(), Estimate { refused: Some(note!("policy.no_weight")), ..Estimate::default() });
            continue;
        }
        if m.refused.is_some() {
            let bare = Estimate { value: Some(point), setting: m.setting, refused: m.refused.clone(), ..Estimate::default() };
            out.insert(m.name.to_owned(), bare);
            continue;
        }
        let centre = plus.map_or(0.0, |c| total[c] / size);
        let weight = by.map_or(1.0, |c| total[c] / size);
        let ratio = point - centre;
        let influence = |i: usize| {
            plus.map_or(0.0, |c| columns[c][i] - centre)
                + spread.map_or(0.0, |c| columns[c][i])
                + over.zip(by).map_or(0.0, |(o, b)| (columns[o][i] - ratio * columns[b][i]) / weight)
        };
        let squares: f64 = (0..n)
            .into_par_iter()
            .chunks(CHUNK)
            .map(|rows| rows.into_iter().map(|i| influence(i).powi(2)).sum::<f64>())
            .collect::<Vec<_>>()
            .iter()
            .sum();
        let variance = squares / size;
        let se = (variance / size).sqrt();
        let drift = spread.map_or(0.0, |c| total[c] / size);
        let mut replicates: Vec<f64> = draws
            .chunks(columns.len().max(1))
            .map(|s| value(&|c| s[c]) + spread.map_or(0.0, |c| s[c] / size) - drift)
            .filter(|v| v.is_finite())
            .collect();
        replicates.sort_unstable_by(f64::total_cmp);
        let ci = (n > 1 && !replicates.is_empty())
            .then(|| (quantile(&replicates, ALPHA / 2.0).min(point), quantile(&replicates, 1.0 - ALPHA / 2.0).max(point)));
        let bernstein = m.range.filter(|_| n > 1).map(|range| {
            // Maurer and Pontil 2009, both sides: ln(4/α) for half of α on each.
            let log = (4.0 / ALPHA).ln();
            let sample = variance * size / (size - 1.0);
            let half = (2.0 * sample * log / size).sqrt() + 7.0 * range * log / (3.0 * (size - 1.0));
            (point - half, point + half)
        });
        out.insert(
            m.name.to_owned(),
            Estimate {
                value: Some(point),
                se: Some(se),
                ci,
                ci_normal: Some((point - 1.959_964 * se, point + 1.959_964 * se)),
                ci_bernstein: bernstein,
                setting: m.setting,
                refused: None,
            },
        );
    }
    out
}

/// Sums of all columns in each bootstrap replicate, scaled to all rows; replicate after replicate. More than a thousand rows
/// are dealt at random into a thousand blocks of equal size, which are resampled instead.
fn draws(columns: &[&[f64]], n: usize, settings: &Settings) -> Vec<f64> {
    let (m, blocks) = (columns.len(), n.min(BLOCKS));
    if n < 2 || m == 0 {
        return Vec::new();
    }
    let mut of: Vec<u32> = (0..n).map(|i| (i % blocks) as u32).collect();
    if blocks < n {
        rng::shuffle(&mut rng::rng(settings.seed, "policy-blocks"), &mut of);
    }
    let sums: Vec<Vec<f64>> = columns
        .par_iter()
        .map(|column| {
            let mut sums = vec![0.0; blocks];
            of.iter().zip(*column).for_each(|(b, v)| sums[*b as usize] += v);
            sums
        })
        .collect();
    let mut sizes = vec![0.0; blocks];
    of.iter().for_each(|b| sizes[*b as usize] += 1.0);
    // Block after block, so that a draw reads one stretch of memory.
    let rows: Vec<f64> = (0..blocks).flat_map(|b| sums.iter().map(move |s| s[b])).collect();
    let mut random = rng::rng(settings.seed, "policy-bootstrap");
    let picks: Vec<u64> = (0..settings.replicates.max(1)).map(|_| rng::below(&mut random, usize::MAX) as u64).collect();
    picks
        .par_iter()
        .flat_map_iter(|seed| {
            let mut random = rng::rng(*seed, "policy-replicate");
            let (mut sum, mut size) = (vec![0.0; m], 0.0);
            for _ in 0..blocks {
                let b = rng::below(&mut random, blocks);
                size += sizes[b];
                sum.iter_mut().zip(&rows[b * m..(b + 1) * m]).for_each(|(s, v)| *s += v);
            }
            sum.into_iter().map(move |s| s * (n as f64 / size)).collect::<Vec<_>>()
        })
        .collect()
}
