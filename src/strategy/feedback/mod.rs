//! New rows are in: do they look like those that the model learned from, does it still say what happens, is a version that also
//! learned from them better, and what would it advise now?
//!
//! - [`schema`] says what the new file has and lacks; [`drift`] what moved, column by column;
//! - [`compare`] puts old and new version side by side on new rows that neither learned from.
//!
//! The old model is never changed: a new version stands beside it.

pub mod compare;
pub mod drift;
pub mod schema;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use compare::{Compared, Verdict};
pub use drift::{Drift, Size};

use crate::base::{Fingerprint, JobCtx, Notice, Result, rng};
use crate::data::{FeatureMatrix, Part};
use crate::explain::{self, ExplainOptions};
use crate::ml::train::TrainData;
use crate::ml::{Model, Outcome, further, metrics};
use crate::note;
use crate::strategy::experiment;

/// Rows that the importance of columns is read from.
const EXPLAINED: usize = 300;
/// Groups of rows by what was predicted.
const GROUPS: usize = 10;
/// Fewest new rows of which anything is said.
pub const FEWEST: usize = 40;

/// Rows as the model reads them, with what came of them: one vector an outcome, empty where the file does not say.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Cells.
    pub x: FeatureMatrix,
    /// Outcomes.
    pub y: Vec<Vec<f64>>,
    /// Where they come from.
    pub data: Fingerprint,
}

/// How it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the new version.
    pub name: String,
    /// Share of the new rows that neither version learns from.
    pub held: f64,
    /// Seed.
    pub seed: u64,
}

/// A mean before and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The outcome.
    pub outcome: String,
    /// Rate or mean over old rows.
    pub old: f64,
    /// Over new rows.
    pub new: f64,
    /// New minus old.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// Whether it is an amount.
    pub amount: bool,
}

/// What was predicted of the new rows, and what came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Mean prediction.
    pub predicted: f64,
    /// What came.
    pub observed: f64,
    /// 95 % interval of what came.
    pub interval: (f64, f64),
    /// Whether the prediction is inside.
    pub holds: bool,
    /// Rows by what was predicted of them, from least to most.
    pub groups: Vec<Group>,
}

/// Rows of which about the same was predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Rows.
    pub rows: usize,
    /// Mean prediction.
    pub predicted: f64,
    /// What came.
    pub observed: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
}

/// How much of all effects is a column's, before and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// The column.
    pub feature: String,
    /// Share of all effects in the old version.
    pub old: f64,
    /// In the new one.
    pub new: f64,
}

/// What was advised, and is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// `scenario`, `items` or `study`.
    pub kind: String,
    /// Which.
    pub name: String,
    /// Before.
    pub before: String,
    /// Now.
    pub after: String,
    /// Whether it changed.
    pub changed: bool,
}

/// What new rows come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// The model.
    pub model: String,
    /// Its weights.
    pub fingerprint: Fingerprint,
    /// The new rows.
    pub data: Fingerprint,
    /// How many.
    pub rows: usize,
    /// What the file has and lacks.
    pub columns: Vec<Notice>,
    /// What moved; empty without old rows.
    pub drift: Vec<Drift>,
    /// How the outcome moved.
    pub outcome: Option<Moved>,
    /// Whether the old version still says what happens.
    pub calibration: Option<Kept>,
    /// The new version, where there is one.
    pub version: Option<String>,
    /// Old against new version.
    pub compared: Option<Compared>,
    /// What each column counts for.
    pub importance: Vec<Shift>,
    /// What changed in the advice.
    pub advice: Vec<Advice>,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Reads new rows back in: what moved, whether the model holds, and a new version that learned from some of them.
pub fn run(model: &dyn Model, old: Option<&Rows>, new: &Rows, s: &Settings, ctx: &JobCtx) -> Result<(Feedback, Option<Arc<dyn Model>>)> {
    let card = model.card();
    let mut out = Feedback {
        model: card.spec.name.clone(),
        fingerprint: card.fingerprint.clone(),
        data: new.data.clone(),
        rows: new.x.n_rows(),
        columns: Vec::new(),
        drift: Vec::new(),
        outcome: None,
        calibration: None,
        version: None,
        compared: None,
        importance: Vec::new(),
        advice: Vec::new(),
        warnings: Vec::new(),
    };
    if card.classes().is_some() {
        return Err(crate::fault!("feedback.classes", model = &card.spec.name));
    }
    if new.x.n_rows() < FEWEST {
        return Err(crate::fault!("feedback.few", rows = new.x.n_rows(), least = FEWEST));
    }
    ctx.stage("feedback.stage_drift", 4);
    match old {
        Some(old) => out.drift = drift::drift(card.features(), &columns(&old.x), &columns(&new.x)),
        None => out.warnings.push(note!("feedback.no_old")),
    }
    ctx.at(1);
    ctx.check()?;
    let Some(y) = new.y.first() else {
        out.warnings.push(note!("feedback.no_outcome", column = card.outcomes.first().map_or("", |o| o.name.as_str())));
        return Ok((out, None));
    };
    let (outcome, n) = (&card.outcomes[0], card.outcomes.len());
    out.outcome = old.and_then(|o| moved(outcome, o.y.first()?, y));
    let known: Vec<usize> = (0..y.len()).filter(|r| y[*r].is_finite()).collect();
    if known.len() < FEWEST {
        out.warnings.push(note!("feedback.few_outcomes", column = &outcome.name, rows = known.len()));
        return Ok((out, None));
    }
    let predicted: Vec<f64> = model.predict(&new.x, ctx)?.into_iter().step_by(n).collect();
    out.calibration = Some(kept(outcome, &known, &predicted, y));
    ctx.at(2);
    let Some(next) = version(model, old, new, &known, s, &mut out, ctx)? else { return Ok((out, None)) };
    let (version, held) = next;
    let of = |p: &[f64]| -> Vec<f64> { held.iter().map(|r| p[*r]).collect() };
    let after: Vec<f64> = version.predict(&new.x, ctx)?.into_iter().step_by(n).collect();
    out.compared = Some(compare::compare(&of(&predicted), &of(&after), &of(y), outcome.is_binary(), s.seed));
    ctx.at(3);
    out.importance = importance(model, &*version, &new.x, &held, s.seed, &mut out.warnings, ctx)?;
    out.version = Some(s.name.clone());
    ctx.at(4);
    Ok((out, Some(version)))
}

/// The matrix by columns.
fn columns(x: &FeatureMatrix) -> Vec<Vec<f64>> {
    (0..x.n_features).map(|j| x.values.iter().skip(j).step_by(x.n_features).copied().collect()).collect()
}

/// How an outcome moved, where both sides know it.
fn moved(outcome: &Outcome, old: &[f64], new: &[f64]) -> Option<Moved> {
    let known = |v: &[f64]| v.iter().copied().filter(|x| x.is_finite()).collect::<Vec<f64>>();
    let (a, b) = (known(old), known(new));
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(&a), mean(&b));
    let difference = mb - ma;
    let half = |below: f64, above: f64| (difference - below, difference + above);
    let interval = if outcome.is_binary() {
        // Newcombe's hybrid of two Wilson intervals.
        let wilson = |m: f64, n: usize| metrics::wilson((m * n as f64).round() as usize, n);
        let ((la, ua), (lb, ub)) = (wilson(ma, a.len()), wilson(mb, b.len()));
        half((mb - lb).hypot(ua - ma), (ub - mb).hypot(ma - la))
    } else {
        let variance = |v: &[f64], m: f64| v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (v.len() - 1) as f64 / v.len() as f64;
        let se = experiment::z(0.975) * (variance(&a, ma) + variance(&b, mb)).sqrt();
        half(se, se)
    };
    Some(Moved { outcome: outcome.label(), old: ma, new: mb, difference, interval, amount: !outcome.is_binary() })
}

/// Whether what was predicted came.
fn kept(outcome: &Outcome, known: &[usize], predicted: &[f64], y: &[f64]) -> Kept {
    let group = |rows: &[usize]| {
        let n = rows.len() as f64;
        let mean = |v: &[f64]| rows.iter().map(|r| v[*r]).sum::<f64>() / n;
        let observed = mean(y);
        let interval = if outcome.is_binary() {
            metrics::wilson((observed * n).round() as usize, rows.len())
        } else {
            let se = (rows.iter().map(|r| (y[*r] - observed).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n).sqrt();
            (observed - experiment::z(0.975) * se, observed + experiment::z(0.975) * se)
        };
        Group { rows: rows.len(), predicted: mean(predicted), observed, interval }
    };
    let mut order = known.to_vec();
    order.sort_by(|a, b| predicted[*a].total_cmp(&predicted[*b]));
    let groups = (0..GROUPS).map(|g| &order[g * order.len() / GROUPS..(g + 1) * order.len() / GROUPS]).filter(|g| !g.is_empty());
    let all = group(&order);
    let holds = (all.interval.0..=all.interval.1).contains(&all.predicted);
    Kept { predicted: all.predicted, observed: all.observed, interval: all.interval, holds, groups: groups.map(group).collect() }
}

/// A version that learned from some of the new rows, and the rows that it did not see. Nothing where this kind of model cannot.
fn version(
    model: &dyn Model,
    old: Option<&Rows>,
    new: &Rows,
    known: &[usize],
    s: &Settings,
    out: &mut Feedback,
    ctx: &JobCtx,
) -> Result<Option<(Arc<dyn Model>, Vec<usize>)>> {
    let card = model.card();
    let anew = !further::goes_on(card.spec.kind);
    if anew && old.is_none() {
        out.warnings.push(note!("feedback.needs_old", model = &card.spec.name));
        return Ok(None);
    }
    let mut mixed = known.to_vec();
    rng::shuffle(&mut rng::rng(s.seed, "feedback-split"), &mut mixed);
    let (held, _) = mixed.split_at((mixed.len() as f64 * s.held).round() as usize);
    let mut held = held.to_vec();
    held.sort_unstable();
    let mut parts = vec![Part::Train; new.x.n_rows()];
    held.iter().for_each(|r| parts[*r] = Part::Test);
    let (mut x, mut y) = (new.x.clone(), new.y.clone());
    if let Some(old) = old.filter(|_| anew) {
        x.values.extend_from_slice(&old.x.values);
        y.iter_mut().zip(&old.y).for_each(|(y, o)| y.extend_from_slice(o));
        parts.resize(x.n_rows(), Part::Train);
    }
    let data = TrainData {
        x,
        y,
        parts,
        outcomes: card.outcomes.clone(),
        encoder: card.encoder.clone(),
        data: new.data.clone(),
        warnings: Vec::new(),
    };
    match further::further(model, &s.name, &data, ctx) {
        Ok(version) => Ok(Some((version, held))),
        Err(fault) if fault.is_cancelled() => Err(fault),
        Err(fault) => {
            out.warnings.push(fault.0);
            Ok(None)
        }
    }
}

/// What each column counts for, in either version, on the same new rows.
fn importance(
    old: &dyn Model,
    new: &dyn Model,
    x: &FeatureMatrix,
    held: &[usize],
    seed: u64,
    warnings: &mut Vec<Notice>,
    ctx: &JobCtx,
) -> Result<Vec<Shift>> {
    let rows: Vec<usize> = held.iter().copied().take(EXPLAINED).collect();
    let lines: Vec<u32> = rows.iter().map(|r| *r as u32).collect();
    let x = x.select(&rows);
    let options = ExplainOptions { seed, ..ExplainOptions::default() };
    let mut shares = Vec::new();
    for model in [old, new] {
        let found = match explain::explain(model, &x, &lines, &Fingerprint::default(), &options, &ctx.without_stage()) {
            Ok(found) => found,
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => {
                warnings.push(fault.0);
                return Ok(Vec::new());
            }
        };
        let n = model.card().features().len();
        let mut sums = vec![0.0; n];
        explain::summary::summarise(&found, model.card().features(), seed).importance.iter().for_each(|i| sums[i.feature] = i.mean_abs);
        let all = sums.iter().sum::<f64>().max(1e-300);
        shares.push(sums.into_iter().map(|v| v / all).collect::<Vec<f64>>());
    }
    let features = old.card().features().iter().zip(shares[0].iter().zip(&shares[1]));
    let mut out: Vec<Shift> = features.map(|(f, (old, new))| Shift { feature: f.name.clone(), old: *old, new: *new }).collect();
    out.sort_by(|a, b| b.old.max(b.new).total_cmp(&a.old.max(a.new)));
    Ok(out)
}
