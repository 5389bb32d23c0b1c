//! What an outcome does as one or two features change: partial dependence (PDP), one curve per row (ICE), and accumulated
//! local effects (ALE), which stay where the data are and so are the default.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, JobCtx, Notice, Result, rng};
use crate::data::{Feature, FeatureMatrix};
use crate::ml::Model;
use crate::ml::model::Scale;
use crate::{fault, note};

use super::ale;
use super::method::{check, predictions};

/// Most levels of a category on a curve.
const MOST_LEVELS: usize = 30;
/// Rows with a curve of their own.
const ICE_ROWS: usize = 100;

/// Which effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Mean output with the feature set, whatever the rest of the row.
    Pdp,
    /// The same for single rows.
    Ice,
    /// Local changes summed up, where rows are.
    #[default]
    Ale,
}

/// How to compute it.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Which outcome.
    pub outcome: usize,
    /// On which scale.
    pub scale: Scale,
    /// Points on a curve, or bins.
    pub points: usize,
    /// Rows used at most.
    pub most_rows: usize,
    /// Seed of the sample of rows.
    pub seed: u64,
    /// A row that gets a curve of its own besides the sample (ICE): its line and its features.
    pub also: Option<(u32, Vec<f64>)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { outcome: 0, scale: Scale::Probability, points: 20, most_rows: 5_000, seed: 1, also: None }
    }
}

/// One point of a curve or one cell of a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Value of the feature; the level's index for a category.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub value: f64,
    /// The value as shown.
    pub label: String,
    /// Value of the second feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_2: Option<f64>,
    /// The second value as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_2: Option<String>,
    /// Line of the row (ICE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// Output (PDP, ICE), or difference from the average (ALE).
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub effect: f64,
    /// 95 % interval over rows.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub low: f64,
    /// Its other end.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub high: f64,
    /// Share of the rows at or nearest to this point.
    pub density: f64,
}

/// An effect of one or two features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectCurve {
    /// The feature.
    pub feature: String,
    /// The second one, for a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_2: Option<String>,
    /// Which effect.
    pub kind: Kind,
    /// Its scale.
    pub scale: Scale,
    /// Which outcome.
    pub outcome: String,
    /// Whether the feature is a category.
    pub categorical: bool,
    /// The points, in the feature's order; a map goes through the second feature first.
    pub points: Vec<Point>,
    /// The line of the row that was asked for besides the sample (ICE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<u32>,
    /// Rows used.
    pub rows: usize,
    /// Mean output of those rows.
    pub mean: f64,
    /// Seed of the sample.
    pub seed: u64,
    /// Which model.
    pub model: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// At most `most` of `n` rows, in order, the same for the same seed.
pub fn sample(n: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..n).collect();
    if n > most {
        rng::shuffle(&mut rng::rng(seed, "effect rows"), &mut rows);
        rows.truncate(most);
        rows.sort_unstable();
    }
    rows
}

/// Asks the model about rows in which features are set.
pub(super) struct Ask<'a> {
    pub model: &'a dyn Model,
    pub x: &'a FeatureMatrix,
    pub outcome: usize,
    pub scale: Scale,
}

impl Ask<'_> {
    /// Outputs of some rows with features set per row.
    pub fn with(&self, rows: &[usize], set: impl Fn(usize, &mut [f64]), ctx: &JobCtx) -> Result<Vec<f64>> {
        let mut x = self.x.select(rows);
        let m = x.n_features.max(1);
        for (i, row) in x.values.chunks_exact_mut(m).enumerate() {
            set(i, row);
        }
        predictions(self.model, &x, self.outcome, self.scale, &ctx.without_stage())
    }
}

/// Places at which a feature is looked at: levels by frequency for a category, quantiles for a number.
pub(super) fn places(feature: &Feature, x: &FeatureMatrix, at: usize, points: usize) -> Vec<f64> {
    let mut values: Vec<f64> =
        (0..x.n_rows()).map(|i| x.row(i)[at]).filter(|v| v.is_finite() && (!feature.is_categorical() || *v >= 0.0)).collect();
    values.sort_by(f64::total_cmp);
    if feature.is_categorical() {
        let mut runs: Vec<(usize, f64)> = values.chunk_by(|a, b| a == b).map(|r| (r.len(), r[0])).collect();
        runs.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
        runs.truncate(MOST_LEVELS);
        let mut out: Vec<f64> = runs.into_iter().map(|r| r.1).collect();
        out.sort_by(f64::total_cmp);
        return out;
    }
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= points {
        return distinct;
    }
    let last = values.len() - 1;
    let mut out: Vec<f64> = (0..points).map(|k| values[(k as f64 / (points - 1) as f64 * last as f64).round() as usize]).collect();
    out.dedup();
    out
}

/// Share of the rows nearest to each place.
pub(super) fn densities(values: impl Iterator<Item = f64>, places: &[f64]) -> Vec<f64> {
    let (mut counts, mut all) = (vec![0usize; places.len()], 0usize);
    for v in values.filter(|v| v.is_finite()) {
        let nearest = (0..places.len()).min_by(|a, b| (places[*a] - v).abs().total_cmp(&(places[*b] - v).abs()));
        if let Some(k) = nearest {
            counts[k] += 1;
            all += 1;
        }
    }
    counts.into_iter().map(|c| c as f64 / all.max(1) as f64).collect()
}

/// The effect of one or two features over rows `x` (whose lines in the file are `lines`).
pub fn effect(
    model: &dyn Model,
    x: &FeatureMatrix,
    lines: &[u32],
    chosen: &[usize],
    kind: Kind,
    options: &Options,
    ctx: &JobCtx,
) -> Result<EffectCurve> {
    check(model, x, lines, options.outcome)?;
    let card = model.card();
    let features = card.features();
    let outcome = &card.outcomes[options.outcome];
    let scale = if outcome.is_binary() { options.scale } else { Scale::Margin };
    let (&first, second) = match chosen {
        [a] => (a, None),
        [a, b] if a != b => (a, Some(*b)),
        _ => return Err(fault!("explain.effect_features", count = chosen.len())),
    };
    if first >= features.len() || second.is_some_and(|b| b >= features.len()) {
        return Err(fault!("explain.effect_features", count = chosen.len()));
    }
    if x.n_rows() == 0 {
        return Err(fault!("explain.no_rows"));
    }
    let ask = Ask { model, x, outcome: options.outcome, scale };
    let all: Vec<usize> = (0..x.n_rows()).collect();
    let outputs = ask.with(&all, |_, _| {}, ctx)?;
    let mean = outputs.iter().sum::<f64>() / outputs.len() as f64;
    let mut warnings = Vec::new();
    let missing = (0..x.n_rows()).filter(|&i| x.row(i)[first].is_nan() || second.is_some_and(|b| x.row(i)[b].is_nan())).count();
    if missing > 0 && kind == Kind::Ale {
        warnings.push(note!("explain.effect_missing", rows = missing, feature = &features[first].name));
    }
    let grid = places(&features[first], x, first, options.points.max(2));
    if grid.len() < 2 {
        return Err(fault!("explain.effect_constant", feature = &features[first].name));
    }
    ctx.stage("explain.stage_effect", grid.len() as u64);
    let mut also = None;
    let points = match (kind, second) {
        (Kind::Ale, None) => ale::one(&ask, &features[first], first, &grid, ctx)?,
        (Kind::Ale, Some(b)) => {
            let other = places(&features[b], x, b, options.points.clamp(2, 20));
            if other.len() < 2 {
                return Err(fault!("explain.effect_constant", feature = &features[b].name));
            }
            let coarse = places(&features[first], x, first, options.points.clamp(2, 20));
            ale::two(&ask, [&features[first], &features[b]], [first, b], [&coarse, &other], ctx)?
        }
        (_, Some(b)) if kind == Kind::Pdp => {
            let other = places(&features[b], x, b, options.points.clamp(2, 12));
            let coarse = places(&features[first], x, first, options.points.clamp(2, 12));
            two_means(&ask, [&features[first], &features[b]], [first, b], [&coarse, &other], ctx)?
        }
        (_, Some(_)) => return Err(fault!("explain.effect_ice_two")),
        (Kind::Pdp, None) => means(&ask, &features[first], first, &grid, ctx)?,
        (Kind::Ice, None) => {
            let rows = sample(x.n_rows(), ICE_ROWS, options.seed);
            let mut drawn: Vec<u32> = rows.iter().map(|r| lines[*r]).collect();
            let mut chosen = x.select(&rows);
            if let Some((line, row)) = options.also.as_ref().filter(|(line, row)| row.len() == x.n_features && !drawn.contains(line)) {
                drawn.push(*line);
                chosen.values.extend_from_slice(row);
                also = Some(*line);
            }
            let density = densities((0..x.n_rows()).map(|i| x.row(i)[first]), &grid);
            curves(&Ask { x: &chosen, ..ask }, &features[first], first, (&grid, &density), &drawn, ctx)?
        }
    };
    if kind != Kind::Ale {
        warnings.push(note!("explain.effect_unlikely", feature = &features[first].name));
    }
    Ok(EffectCurve {
        feature: features[first].name.clone(),
        feature_2: second.map(|b| features[b].name.clone()),
        kind,
        scale,
        outcome: outcome.label(),
        categorical: features[first].is_categorical(),
        points,
        also,
        rows: x.n_rows(),
        mean,
        seed: options.seed,
        model: card.fingerprint.clone(),
        warnings,
    })
}

/// Mean and 95 % half-width.
fn mean_of(v: &[f64]) -> (f64, f64) {
    let n = v.len().max(1) as f64;
    let mean = v.iter().sum::<f64>() / n;
    let variance = v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, 1.96 * (variance / n).sqrt())
}

fn means(ask: &Ask<'_>, feature: &Feature, at: usize, grid: &[f64], ctx: &JobCtx) -> Result<Vec<Point>> {
    let density = densities((0..ask.x.n_rows()).map(|i| ask.x.row(i)[at]), grid);
    let all: Vec<usize> = (0..ask.x.n_rows()).collect();
    grid.iter()
        .zip(density)
        .enumerate()
        .map(|(k, (&value, density))| {
            ctx.check()?;
            let (effect, half) = mean_of(&ask.with(&all, |_, row| row[at] = value, ctx)?);
            ctx.at(k as u64 + 1);
            Ok(Point { value, label: feature.show(value), effect, low: effect - half, high: effect + half, density, ..Point::default() })
        })
        .collect()
}

fn curves(
    ask: &Ask<'_>,
    feature: &Feature,
    at: usize,
    (grid, density): (&[f64], &[f64]),
    lines: &[u32],
    ctx: &JobCtx,
) -> Result<Vec<Point>> {
    let rows: Vec<usize> = (0..lines.len()).collect();
    let mut out = vec![Point::default(); rows.len() * grid.len()];
    for (k, &value) in grid.iter().enumerate() {
        ctx.check()?;
        for (i, effect) in ask.with(&rows, |_, row| row[at] = value, ctx)?.into_iter().enumerate() {
            let (row, label) = (Some(lines[i]), feature.show(value));
            out[i * grid.len() + k] =
                Point { value, label, row, effect, low: f64::NAN, high: f64::NAN, density: density[k], ..Point::default() };
        }
        ctx.at(k as u64 + 1);
    }
    Ok(out)
}

/// One place of a fan: value, its label, and the share of the rows nearest to it.
pub type Place = (f64, String, f64);

/// Curves of single rows in one picture, and their mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Fan {
    /// The places, in the feature's order.
    pub places: Vec<Place>,
    /// Line of each row, and its output at each place.
    pub lines: Vec<(u32, Vec<f64>)>,
    /// Mean of the sampled rows' curves.
    pub mean: Vec<f64>,
    /// Sampled rows whose output rises by more than a hundredth of the fan's height from the first place to the last.
    pub up: usize,
    /// Those whose output falls.
    pub down: usize,
    /// Sampled rows.
    pub sampled: usize,
    /// Mean distance between a sampled row's highest and lowest output.
    pub spread: f64,
}

impl Fan {
    /// The lowest and the highest line at a place.
    pub fn ends(&self, place: usize) -> (f64, f64) {
        let at = self.lines.iter().filter_map(|(_, v)| v.get(place)).filter(|v| v.is_finite());
        at.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)))
    }
}

impl EffectCurve {
    /// The curves of single rows; each less its first value where they are centred, so that all begin at zero and only
    /// what they do from there on differs. `None` for another kind of effect.
    pub fn fan(&self, centred: bool) -> Option<Fan> {
        let curves: Vec<&[Point]> = self.points.chunk_by(|a, b| a.row == b.row).collect();
        let first = curves.first().filter(|_| self.kind == Kind::Ice)?;
        let places: Vec<Place> = first.iter().map(|p| (p.value, p.label.clone(), p.density)).collect();
        let line = |c: &&[Point]| -> Option<(u32, Vec<f64>)> {
            let from = if centred { c.first()?.effect } else { 0.0 };
            (c.len() == places.len()).then(|| (c[0].row.unwrap_or_default(), c.iter().map(|p| p.effect - from).collect()))
        };
        let lines: Vec<(u32, Vec<f64>)> = curves.iter().map(line).collect::<Option<_>>()?;
        let sampled: Vec<&Vec<f64>> = lines.iter().filter(|(row, _)| Some(*row) != self.also).map(|(_, v)| v).collect();
        let n = sampled.len().max(1) as f64;
        let mean = (0..places.len()).map(|k| sampled.iter().map(|v| v[k]).sum::<f64>() / n).collect();
        let all = || sampled.iter().flat_map(|v| v.iter().copied()).filter(|v| v.is_finite());
        let worth = 0.01 * (all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min)).max(0.0);
        let ways: Vec<f64> = sampled.iter().map(|v| v[v.len() - 1] - v[0]).collect();
        let (up, down) = (ways.iter().filter(|w| **w > worth).count(), ways.iter().filter(|w| **w < -worth).count());
        let end = |v: &[f64], of: fn(f64, f64) -> f64, from: f64| v.iter().copied().fold(from, of);
        let apart = |v: &&Vec<f64>| end(v, f64::max, f64::NEG_INFINITY) - end(v, f64::min, f64::INFINITY);
        let spread = sampled.iter().map(apart).sum::<f64>() / n;
        Some(Fan { places, mean, up, down, sampled: sampled.len(), spread, lines })
    }
}

fn two_means(ask: &Ask<'_>, features: [&Feature; 2], at: [usize; 2], grids: [&[f64]; 2], ctx: &JobCtx) -> Result<Vec<Point>> {
    let rows = sample(ask.x.n_rows(), 1_000, 1);
    let density: Vec<Vec<f64>> = (0..2).map(|k| densities((0..ask.x.n_rows()).map(|i| ask.x.row(i)[at[k]]), grids[k])).collect();
    let mut out = Vec::new();
    for (i, &a) in grids[0].iter().enumerate() {
        for (j, &b) in grids[1].iter().enumerate() {
            ctx.check()?;
            let set = |_: usize, row: &mut [f64]| (row[at[0]], row[at[1]]) = (a, b);
            let (effect, half) = mean_of(&ask.with(&rows, set, ctx)?);
            out.push(Point {
                value: a,
                label: features[0].show(a),
                value_2: Some(b),
                label_2: Some(features[1].show(b)),
                row: None,
                effect,
                low: effect - half,
                high: effect + half,
                density: density[0][i] * density[1][j],
            });
        }
        ctx.at(i as u64 + 1);
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
