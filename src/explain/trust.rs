//! How far may an explanation be trusted? Checks that do not take the explainer's word for it: does it add up, does taking
//! out what it names do more than taking out features by chance, do the signs agree with what happens, which features are
//! twins of each other, which bars cannot be told apart. Every measure stands beside its random control.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Notice, Result, rng};
use crate::data::{Feature, FeatureMatrix};
use crate::ml::Model;
use crate::ml::model::Structure;
use crate::{fault, note};

use super::attribution::Attribution;
use super::method::predictions;
use super::summary::spearman;

/// How much is tried.
struct Budget {
    /// Rows that are tested.
    rows: usize,
    /// Reference rows whose values take the place of what is taken out.
    others: usize,
    /// Random orders per row.
    controls: usize,
}

/// What a model that answers at once is asked.
const FULL: Budget = Budget { rows: 100, others: 16, controls: 5 };
/// What a network is asked, whose every answer costs.
const SPARING: Budget = Budget { rows: 40, others: 4, controls: 3 };

/// Steps of a curve: shares of the features taken out.
const STEPS: usize = 10;
/// Rank correlation from which two features are twins.
const TWINS: f64 = 0.8;
/// Rows that they are looked for in.
const TWIN_ROWS: usize = 2_000;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Cannot be told, or not quite.
    Doubtful,
    /// Not to be shown as fact.
    Failed,
}

/// Output as features are taken out (or put in), mean over rows: the share of the way that is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Shares of the features that were taken out, from 0 to 1.
    pub steps: Vec<f64>,
    /// In the order that the explanation names.
    pub named: Vec<f64>,
    /// In random order.
    pub chance: Vec<f64>,
    /// Area between the two, mean over rows, with its 95 % interval; above 0 is better than chance.
    pub area: f64,
    /// Low end.
    pub low: f64,
    /// High end.
    pub high: f64,
}

/// One check with its verdict in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name: `adds-up`, `tells-apart`, `deletion`, `insertion`, `signs`, `stable`.
    pub name: String,
    /// How it came out.
    pub verdict: Verdict,
    /// In words, with its numbers.
    pub said: Notice,
}

/// Two features that say nearly the same; what one gets, the other might have got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Twins {
    /// The one (index into the attribution's features).
    pub a: usize,
    /// The other.
    pub b: usize,
    /// How closely their values go together: rank correlation of numbers, else the correlation ratio or Cramér's V.
    pub correlation: f64,
}

/// Everything that was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// The checks, in a fixed order.
    pub checks: Vec<Check>,
    /// Features taken out, strongest first.
    pub deletion: Option<Curve>,
    /// Features put in, strongest first.
    pub insertion: Option<Curve>,
    /// How much of the distance to the output is closed by the strongest features alone, whichever way they push. Drawn, and
    /// no check: where features push both ways, a right explanation need not beat chance here (4 of 50 did not).
    #[serde(default)]
    pub sufficiency: Option<Curve>,
    /// Correlated pairs.
    pub twins: Vec<Twins>,
    /// For each bar but the first, in order of importance: whether it cannot be told from the one before it.
    pub tied: Vec<bool>,
    /// Rows tested.
    pub rows: usize,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl Trust {
    /// The worst verdict.
    pub fn verdict(&self) -> Verdict {
        self.checks.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Doubtful)
    }
}

fn named(name: &str, verdict: Verdict, said: Notice) -> Check {
    Check { name: name.to_owned(), verdict, said }
}

/// Mean with its 95 % interval over rows.
fn interval(v: &[f64]) -> (f64, f64, f64) {
    let n = v.len().max(1) as f64;
    let mean = v.iter().sum::<f64>() / n;
    let sd = (v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
    let half = 1.96 * sd / n.sqrt();
    (mean, mean - half, mean + half)
}

/// Checks an attribution of rows `x` against what the model does. `reference` holds rows whose values stand in for what is
/// taken out.
pub fn check(model: &dyn Model, x: &FeatureMatrix, a: &Attribution, reference: &FeatureMatrix, seed: u64, ctx: &JobCtx) -> Result<Trust> {
    let (n, m) = (a.rows.len(), a.n_features());
    if x.n_rows() != n || reference.n_rows() == 0 || n == 0 {
        return Err(fault!("explain.no_rows"));
    }
    let members: Vec<Vec<usize>> = if a.members.is_empty() { (0..m).map(|f| vec![f]).collect() } else { a.members.clone() };
    ctx.stage("explain.stage_trust", 5);
    let mut rng = rng::rng(seed, "trust");
    let mut rows: Vec<usize> = (0..n).collect();
    let budget = if matches!(model.structure(), Structure::Network(_) | Structure::Opaque) { SPARING } else { FULL };
    if n > budget.rows {
        rng::shuffle(&mut rng, &mut rows);
        rows.truncate(budget.rows);
        rows.sort_unstable();
    }
    let mut checks = vec![adds_up(model, x, a, &rows, ctx)?, tells_apart(a)];
    // Features that the model never asks for change nothing, whoever takes them out; without any other there is no test.
    let work = Work { model, x, a, reference, members: &members, budget };
    ctx.check()?;
    let (deletion, signs) = work.deletion(&rows, &mut rng, ctx)?;
    ctx.at(1);
    ctx.check()?;
    let insertion = work.insertion(&rows, &mut rng, ctx)?;
    ctx.at(2);
    ctx.check()?;
    let sufficiency = work.sufficiency(&rows, &mut rng, ctx)?;
    ctx.at(3);
    checks.push(verdict_of("deletion", &deletion));
    checks.push(verdict_of("insertion", &insertion));
    checks.push(signs);
    let twins = twins(x, model.card().features(), &members, m, &mut rng);
    ctx.at(4);
    let tied = super::summary::ties(a, seed);
    Ok(Trust {
        checks,
        deletion: Some(deletion),
        insertion: Some(insertion),
        sufficiency: Some(sufficiency),
        twins,
        tied,
        rows: rows.len(),
        seed,
    })
}

/// Base and bars against what the model says now: neither the gaps nor the predictions that came with them are believed.
fn adds_up(model: &dyn Model, x: &FeatureMatrix, a: &Attribution, rows: &[usize], ctx: &JobCtx) -> Result<Check> {
    let asked = FeatureMatrix { n_features: x.n_features, values: rows.iter().flat_map(|i| x.row(*i).iter().copied()).collect() };
    let fresh = predictions(model, &asked, a.outcome_index, a.scale, &ctx.without_stage())?;
    let worst = |(i, now): (&usize, &f64)| (now - a.base - a.row(*i).iter().sum::<f64>()).abs() / (now - a.base).abs().max(0.01);
    let largest = rows.iter().zip(&fresh).map(worst).fold(0.0, |x: f64, y| if y.is_nan() { f64::INFINITY } else { x.max(y) });
    let verdict = if largest <= 0.01 {
        Verdict::Ok
    } else if largest <= 0.05 {
        Verdict::Doubtful
    } else {
        Verdict::Failed
    };
    let share = crate::base::numbers::percent(if largest < 1e-6 { 0.0 } else { largest });
    Ok(named("adds-up", verdict, note!("explain.trust_adds_up", share = share)))
}

/// An explanation that gives all features the same says nothing.
fn tells_apart(a: &Attribution) -> Check {
    let (n, m) = (a.rows.len(), a.n_features());
    let same = |r: &[f64]| {
        let (low, high) = r.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        // No difference to explain is no fault of the explanation.
        high - low <= 1e-9 * r.iter().fold(1e-12f64, |s, v| s.max(v.abs())) && high.abs() > 0.0
    };
    let flat = (0..n).filter(|&i| m > 1 && same(a.row(i))).count() as f64 / n as f64;
    let verdict = if flat <= 0.01 { Verdict::Ok } else { Verdict::Failed };
    let key = if verdict == Verdict::Ok { "explain.trust_apart" } else { "explain.trust_apart_not" };
    named("tells-apart", verdict, Notice::new(key).with("share", crate::base::numbers::percent(flat)))
}

pub(super) fn verdict_of(name: &'static str, c: &Curve) -> Check {
    let verdict = if c.low > 0.0 {
        Verdict::Ok
    } else if c.area > 0.0 {
        Verdict::Doubtful
    } else {
        Verdict::Failed
    };
    let key = match (name, verdict) {
        ("deletion", Verdict::Ok) => "explain.trust_deletion",
        ("deletion", _) => "explain.trust_deletion_not",
        (_, Verdict::Ok) => "explain.trust_insertion",
        _ => "explain.trust_insertion_not",
    };
    let show = |v: f64| crate::base::numbers::fixed(v * 100.0, 1);
    named(name, verdict, Notice::new(key).with("area", show(c.area)).with("low", show(c.low)).with("high", show(c.high)))
}

struct Work<'a> {
    model: &'a dyn Model,
    x: &'a FeatureMatrix,
    a: &'a Attribution,
    reference: &'a FeatureMatrix,
    members: &'a [Vec<usize>],
    budget: Budget,
}

impl Work<'_> {
    /// Outputs along orders: for each order, the row after 0, 1, …, [`STEPS`] shares of it were exchanged for reference
    /// values, mean over the stand-ins. `from_row` begins with the row, else with the stand-ins.
    fn along(&self, row: usize, orders: &[Vec<usize>], others: &[usize], from_row: bool, ctx: &JobCtx) -> Result<Vec<Vec<f64>>> {
        let m = self.members.len();
        let mine = self.x.row(row);
        let mut values = Vec::new();
        for order in orders {
            for step in 0..=STEPS {
                let count = (step * m).div_ceil(STEPS);
                for &other in others {
                    let theirs = self.reference.row(other);
                    let (start, end) = if from_row { (mine, theirs) } else { (theirs, mine) };
                    let at = values.len();
                    values.extend_from_slice(start);
                    for f in order[..count].iter().flat_map(|p| &self.members[*p]) {
                        values[at + f] = end[*f];
                    }
                }
            }
        }
        let x = FeatureMatrix { n_features: mine.len(), values };
        let p = predictions(self.model, &x, self.a.outcome_index, self.a.scale, &ctx.without_stage())?;
        let k = others.len();
        let mean: Vec<f64> = p.chunks_exact(k).map(|c| c.iter().sum::<f64>() / k as f64).collect();
        Ok(mean.chunks_exact(STEPS + 1).map(<[f64]>::to_vec).collect())
    }

    fn others(&self, rng: &mut rng::Rng) -> Vec<usize> {
        (0..self.budget.others).map(|_| rng::below(rng, self.reference.n_rows())).collect()
    }

    /// Players from the strongest push towards the row's output to the strongest push away from it.
    fn order(&self, i: usize, up: bool, rng: &mut rng::Rng) -> Vec<usize> {
        let phi = self.a.row(i);
        let towards = |p: usize| if up { phi[p] } else { -phi[p] };
        // What the explanation does not tell apart comes in any order.
        let mut order = self.random(rng);
        order.sort_by(|a, b| towards(*b).total_cmp(&towards(*a)));
        order
    }

    fn random(&self, rng: &mut rng::Rng) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        rng::shuffle(rng, &mut order);
        order
    }

    /// Takes features out, the strongest for the outcome first; and asks of each sign whether taking the feature out
    /// alone moves the output the other way.
    fn deletion(&self, rows: &[usize], rng: &mut rng::Rng, ctx: &JobCtx) -> Result<(Curve, Check)> {
        let mut curve = Sum::default();
        let (mut right, mut all) = (Vec::new(), 0.0);
        let scale = self.a.values.iter().fold(0.0f64, |s, v| s.max(v.abs())).max(1e-12);
        for &i in rows {
            ctx.check()?;
            let others = self.others(rng);
            let up = self.a.predictions[i] >= self.a.base;
            let mut orders = vec![self.order(i, up, rng)];
            orders.extend((0..self.budget.controls).map(|_| self.random(rng)));
            let found = self.along(i, &orders, &others, true, ctx)?;
            curve.add(&found, if up { 1.0 } else { -1.0 });
            // One at a time.
            let alone = self.alone(i, &others, ctx)?;
            let phi = self.a.row(i);
            let (mut agree, mut weight) = (0.0, 0.0);
            for (p, change) in alone.iter().enumerate() {
                let size = phi[p].abs() * change.abs();
                // What neither says anything about is no witness.
                if phi[p].abs() > 1e-3 * scale && change.abs() > 1e-6 * scale {
                    agree += if (phi[p] > 0.0) == (*change > 0.0) { size } else { -size };
                    weight += size;
                }
            }
            if weight > 0.0 {
                right.push(agree / weight);
                all += 1.0;
            }
        }
        let (mean, low, high) = interval(&right);
        let verdict = if all < 1.0 {
            Verdict::Doubtful
        } else if low > 0.2 {
            Verdict::Ok
        } else if high > 0.2 {
            Verdict::Doubtful
        } else {
            Verdict::Failed
        };
        let key = if verdict == Verdict::Ok { "explain.trust_signs" } else { "explain.trust_signs_not" };
        let share = |v: f64| crate::base::numbers::percent((1.0 + v) / 2.0);
        let signs = named("signs", verdict, Notice::new(key).with("share", share(mean)).with("low", share(low)).with("high", share(high)));
        Ok((curve.curve(), signs))
    }

    /// Output minus the output with one player exchanged.
    fn alone(&self, row: usize, others: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
        let mine = self.x.row(row);
        let mut values = Vec::new();
        for members in self.members {
            for &other in others {
                let at = values.len();
                values.extend_from_slice(mine);
                members.iter().for_each(|f| values[at + f] = self.reference.row(other)[*f]);
            }
        }
        let x = FeatureMatrix { n_features: mine.len(), values };
        let p = predictions(self.model, &x, self.a.outcome_index, self.a.scale, &ctx.without_stage())?;
        let k = others.len();
        Ok(p.chunks_exact(k).map(|c| self.a.predictions[row] - c.iter().sum::<f64>() / k as f64).collect())
    }

    /// Puts features of the row into reference rows, the strongest for the outcome first.
    fn insertion(&self, rows: &[usize], rng: &mut rng::Rng, ctx: &JobCtx) -> Result<Curve> {
        let mut curve = Sum::default();
        for &i in rows {
            ctx.check()?;
            let others = self.others(rng);
            let up = self.a.predictions[i] >= self.a.base;
            let mut orders = vec![self.order(i, up, rng)];
            orders.extend((0..self.budget.controls).map(|_| self.random(rng)));
            let found = self.along(i, &orders, &others, false, ctx)?;
            // Turned round: what is gained here is lost there.
            curve.add(&found, if up { -1.0 } else { 1.0 });
        }
        Ok(curve.curve())
    }

    /// Keeps the strongest features of the row alone, whichever way they push: how near does that come to its output?
    fn sufficiency(&self, rows: &[usize], rng: &mut rng::Rng, ctx: &JobCtx) -> Result<Curve> {
        let mut curve = Sum::default();
        for &i in rows {
            ctx.check()?;
            let others = self.others(rng);
            let phi = self.a.row(i);
            let mut strongest = self.random(rng);
            strongest.sort_by(|a, b| phi[*b].abs().total_cmp(&phi[*a].abs()));
            let mut orders = vec![strongest];
            orders.extend((0..self.budget.controls).map(|_| self.random(rng)));
            let mut found = self.along(i, &orders, &others, false, ctx)?;
            for outputs in &mut found {
                let end = outputs[STEPS];
                outputs.iter_mut().for_each(|v| *v = (*v - end).abs());
            }
            curve.add(&found, 1.0);
        }
        Ok(curve.curve())
    }
}

/// Curves of rows as they come.
#[derive(Default)]
struct Sum {
    named: Vec<f64>,
    chance: Vec<f64>,
    areas: Vec<f64>,
    sizes: f64,
}

impl Sum {
    /// `found` holds the named order first, then the controls; `sign` says which way is down.
    fn add(&mut self, found: &[Vec<f64>], sign: f64) {
        let lost = |v: &[f64]| -> Vec<f64> { v.iter().map(|x| sign * (v[0] - x)).collect() };
        let named = lost(&found[0]);
        let mut chance = vec![0.0; named.len()];
        for c in &found[1..] {
            chance.iter_mut().zip(lost(c)).for_each(|(s, v)| *s += v / (found.len() - 1) as f64);
        }
        let size = named.iter().chain(&chance).fold(0.0f64, |s, v| s.max(v.abs()));
        if size <= 1e-12 {
            return;
        }
        let k = named.len() as f64 - 1.0;
        // The ends are the same in both, so the sum is the area. Rows count by how far they move.
        self.areas.push(named.iter().zip(&chance).map(|(a, b)| a - b).sum::<f64>() / k);
        self.named.resize(named.len(), 0.0);
        self.chance.resize(named.len(), 0.0);
        self.named.iter_mut().zip(&named).for_each(|(s, v)| *s += v);
        self.chance.iter_mut().zip(&chance).for_each(|(s, v)| *s += v);
        self.sizes += size;
    }

    fn curve(self) -> Curve {
        let size = self.sizes.max(1e-12);
        let per_row = self.areas.len() as f64 / size;
        let (area, low, high) = interval(&self.areas.iter().map(|a| a * per_row).collect::<Vec<_>>());
        let steps = (0..=STEPS).map(|s| s as f64 / STEPS as f64).collect();
        let mean = |v: Vec<f64>| v.into_iter().map(|x| x / size).collect();
        Curve { steps, named: mean(self.named), chance: mean(self.chance), area, low, high }
    }
}

/// Pairs of lone features whose values go together.
fn twins(x: &FeatureMatrix, features: &[Feature], members: &[Vec<usize>], m: usize, rng: &mut rng::Rng) -> Vec<Twins> {
    let mut rows: Vec<usize> = (0..x.n_rows()).collect();
    if rows.len() > TWIN_ROWS {
        rng::shuffle(rng, &mut rows);
        rows.truncate(TWIN_ROWS);
    }
    let column = |p: usize| -> Option<(Vec<f64>, bool)> {
        let [f] = members[p][..] else { return None };
        let kinds = features.get(f).is_some_and(|f| f.is_categorical() && f.levels().len() > 2);
        Some((rows.iter().map(|i| x.row(*i)[f]).collect(), kinds))
    };
    // More than so many pairs would cost more than they tell.
    let columns: Vec<Option<(Vec<f64>, bool)>> = (0..m.min(60)).map(column).collect();
    let mut out = Vec::new();
    for a in 0..columns.len() {
        for b in a + 1..columns.len() {
            if let (Some((u, u_kinds)), Some((v, v_kinds))) = (&columns[a], &columns[b])
                && u.len() >= 10
                && let Some(r) = match (u_kinds, v_kinds) {
                    (false, false) => spearman(u, v),
                    // The codes of categories have no order.
                    (true, false) => correlation_ratio(u, v),
                    (false, true) => correlation_ratio(v, u),
                    (true, true) => cramer(u, v),
                }
                && r.abs() >= TWINS
            {
                out.push(Twins { a, b, correlation: r });
            }
        }
    }
    out.sort_by(|x, y| y.correlation.abs().total_cmp(&x.correlation.abs()));
    out
}

/// Key of a value; missing values are a kind of their own.
fn kind(v: f64) -> i64 {
    if v.is_nan() { -1 } else { v as i64 }
}

/// How much of the spread of the numbers' ranks lies between the kinds: the root of η², with what chance alone yields taken off.
fn correlation_ratio(kinds: &[f64], numbers: &[f64]) -> Option<f64> {
    let keep: Vec<usize> = (0..kinds.len()).filter(|i| !numbers[*i].is_nan()).collect();
    let ranks = super::summary::ranks(&keep.iter().map(|i| numbers[*i]).collect::<Vec<_>>());
    let n = ranks.len() as f64;
    let mean = ranks.iter().sum::<f64>() / n.max(1.0);
    let mut groups: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for (i, r) in keep.iter().zip(&ranks) {
        let g = groups.entry(kind(kinds[*i])).or_default();
        *g = (g.0 + 1.0, g.1 + r);
    }
    let total: f64 = ranks.iter().map(|r| (r - mean).powi(2)).sum();
    let between: f64 = groups.values().map(|(k, sum)| k * (sum / k - mean).powi(2)).sum();
    let k = groups.len() as f64;
    if total <= 0.0 || n <= k {
        return None;
    }
    let within = (total - between) / (n - k);
    Some(((between - (k - 1.0) * within).max(0.0) / total).sqrt())
}

/// Cramér's V of two kinds, with Bergsma's correction for chance.
fn cramer(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (mut cells, mut rows, mut columns) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (u, v) in a.iter().zip(b).map(|(u, v)| (kind(*u), kind(*v))) {
        *cells.entry((u, v)).or_insert(0.0) += 1.0;
        *rows.entry(u).or_insert(0.0) += 1.0;
        *columns.entry(v).or_insert(0.0) += 1.0;
    }
    let phi: f64 = cells.iter().map(|((u, v), o): (_, &f64)| o * o / (rows[u] * columns[v])).sum::<f64>() - 1.0;
    let (r, c) = (rows.len() as f64, columns.len() as f64);
    if r < 2.0 || c < 2.0 || n < 2.0 {
        return None;
    }
    let fair = |k: f64| k - (k - 1.0).powi(2) / (n - 1.0);
    let most = (fair(r) - 1.0).min(fair(c) - 1.0);
    (most > 0.0).then(|| ((phi - (r - 1.0) * (c - 1.0) / (n - 1.0)).max(0.0) / most).sqrt().min(1.0))
}

/// How much attributions of the same rows differ from one training to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// Per feature, most important first: name, mean over the versions of its mean |φ|, standard deviation over them.
    pub spread: Vec<(String, f64, f64)>,
    /// How many of the strongest features are compared: five, or half of them where there are few.
    pub top: usize,
    /// Mean share of them that two versions have in common.
    pub shared: f64,
    /// Mean rank correlation of importance between versions.
    pub ranks: f64,
    /// Mean over rows of the correlation of one row's values between versions.
    pub rows: f64,
    /// Versions compared.
    pub versions: usize,
    /// How it came out.
    pub verdict: Verdict,
}

/// Correlation of two rows of values: 1 if they say the same but for a factor.
fn alike(a: &[f64], b: &[f64]) -> Option<f64> {
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(x, y)| x * y).sum::<f64>();
    let (aa, bb) = (dot(a, a), dot(b, b));
    (aa > 0.0 && bb > 0.0).then(|| dot(a, b) / (aa * bb).sqrt())
}

/// Compares attributions of the same rows by several versions of a model or of a reference.
pub fn stability(versions: &[Attribution]) -> Result<Stability> {
    let Some(first) = versions.first().filter(|f| !f.rows.is_empty()) else { return Err(fault!("explain.no_rows")) };
    if versions.len() < 2 || versions.iter().any(|v| v.features != first.features || v.rows != first.rows || v.scale != first.scale) {
        return Err(fault!("explain.contrast_features"));
    }
    let (n, m) = (first.rows.len(), first.n_features());
    let importance: Vec<Vec<f64>> =
        versions.iter().map(|a| (0..m).map(|f| (0..n).map(|i| a.row(i)[f].abs()).sum::<f64>() / n as f64).collect()).collect();
    let k = versions.len() as f64;
    let mut spread: Vec<(String, f64, f64)> = (0..m)
        .map(|f| {
            let mean = importance.iter().map(|v| v[f]).sum::<f64>() / k;
            let variance = importance.iter().map(|v| (v[f] - mean).powi(2)).sum::<f64>() / (k - 1.0);
            (first.features[f].clone(), mean, variance.sqrt())
        })
        .collect();
    spread.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    // Of few features the five strongest would always be the same.
    let most = 5.min(m.div_ceil(2)).max(1);
    let top = |v: &[f64]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by(|a, b| v[*b].total_cmp(&v[*a]).then(a.cmp(b)));
        order.truncate(most);
        order
    };
    let (mut shared, mut ranks, mut pairs, mut rows) = (0.0, 0.0, 0.0, Vec::new());
    for i in 0..versions.len() {
        for j in i + 1..versions.len() {
            let (a, b) = (top(&importance[i]), top(&importance[j]));
            shared += a.iter().filter(|f| b.contains(f)).count() as f64 / most as f64;
            ranks += spearman(&importance[i], &importance[j]).unwrap_or(1.0);
            pairs += 1.0;
            rows.extend((0..n).filter_map(|r| alike(versions[i].row(r), versions[j].row(r))));
        }
    }
    let (shared, ranks) = (shared / pairs, ranks / pairs);
    let rows = if rows.is_empty() { 1.0 } else { rows.iter().sum::<f64>() / rows.len() as f64 };
    let worst = shared.min(ranks).min(rows);
    let verdict = if worst >= 0.8 {
        Verdict::Ok
    } else if worst >= 0.5 {
        Verdict::Doubtful
    } else {
        Verdict::Failed
    };
    Ok(Stability { spread, top: most, shared, ranks, rows, versions: versions.len(), verdict })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line_model, trees_model};
    use super::super::tree_shap::tests::random_ensemble;
    use super::*;
    use crate::base::Fingerprint;
    use crate::explain::{ExplainOptions, explain};
    use crate::ml::model::Scale;

    const M: usize = 8;

    /// Numbers of width 4 around a middle: trees split around 2, the base of a line is at 0.
    fn draw(rng: &mut rng::Rng, n: usize, middle: f64) -> FeatureMatrix {
        FeatureMatrix { n_features: M, values: (0..n * M).map(|_| middle + rng::unit(rng) * 4.0 - 2.0).collect() }
    }

    fn explained(model: &dyn Model, x: &FeatureMatrix, scale: Scale) -> Attribution {
        let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
        let options = ExplainOptions { scale, ..ExplainOptions::default() };
        explain(model, x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap()
    }

    fn sound(seed: u64) -> (Box<dyn Model>, FeatureMatrix, FeatureMatrix, Attribution) {
        let mut rng = rng::rng(seed, "sound");
        let model: Box<dyn Model> = if seed.is_multiple_of(2) {
            Box::new(trees_model(random_ensemble(seed, M, 20, 3, 1)))
        } else {
            Box::new(line_model((0..M).map(|_| rng::normal(&mut rng)).collect()))
        };
        let middle = if seed.is_multiple_of(2) { 2.0 } else { 0.0 };
        let (x, reference) = (draw(&mut rng, 80, middle), draw(&mut rng, 200, middle));
        let scale = if seed % 4 < 2 { Scale::Margin } else { Scale::Probability };
        let a = explained(&*model, &x, scale);
        (model, x, reference, a)
    }

    #[test]
    fn a_broken_explainer_is_flagged_and_a_right_one_passes() {
        let (mut passed, mut doubts) = (0, Vec::new());
        for seed in 0..50 {
            let (model, x, reference, a) = sound(seed);
            let verdict = |a: &Attribution| check(&*model, &x, a, &reference, seed, &JobCtx::quiet()).unwrap().verdict();
            let checks = check(&*model, &x, &a, &reference, seed, &JobCtx::quiet()).unwrap().checks;
            let wrong: Vec<String> = checks.iter().filter(|c| c.verdict != Verdict::Ok).map(|c| format!("{seed}: {:?}", c.said)).collect();
            passed += usize::from(wrong.is_empty());
            doubts.extend(wrong);
            let mut rng = rng::rng(seed, "break");
            // Dealt out among the features of each row; the same for all features; turned round.
            let mut shuffled = a.clone();
            shuffled.values.chunks_mut(M).for_each(|r| rng::shuffle(&mut rng, r));
            let mut constant = a.clone();
            constant.values.chunks_mut(M).for_each(|r| {
                let mean = r.iter().sum::<f64>() / M as f64;
                r.fill(mean);
            });
            let mut turned = a.clone();
            turned.values.iter_mut().for_each(|v| *v = -*v);
            // A shift over all rows, and one profile for every row.
            let n = a.rows.len();
            let mut shifted = a.clone();
            let mut profile = a.clone();
            for i in 0..n {
                for f in 0..M {
                    shifted.values[i * M + f] = a.row((i + 1) % n)[f];
                    profile.values[i * M + f] = (0..n).map(|r| a.row(r)[f]).sum::<f64>() / n as f64;
                }
            }
            let all = [("shuffled", &shuffled), ("constant", &constant), ("turned", &turned), ("shifted", &shifted), ("profile", &profile)];
            for (name, broken) in all {
                assert!(verdict(broken) > Verdict::Ok, "{name} passes with seed {seed}");
            }
        }
        assert!(passed >= 48, "{passed} of 50 right explanations pass: {doubts:#?}");
    }

    #[test]
    fn twins_and_ties_are_seen() {
        let mut rng = rng::rng(61, "twins");
        let model = line_model(vec![1.0, 1.0, 0.5, 3.0, 0.0, 0.0, 0.0, 0.0]);
        let mut x = draw(&mut rng, 200, 0.0);
        x.values.chunks_mut(M).for_each(|r| r[5] = -r[3] + 0.01 * r[0]);
        let a = explained(&model, &x, Scale::Margin);
        let t = check(&model, &x, &a, &x, 1, &JobCtx::quiet()).unwrap();
        assert!(t.twins.len() == 1 && (t.twins[0].a, t.twins[0].b) == (3, 5) && t.twins[0].correlation < -0.9, "{:?}", t.twins);
        // 3 > {0, 1} > 2 > nothing: only 0 and 1 cannot be told apart, nor can the features that do nothing.
        assert_eq!(t.tied, [false, true, false, false, true, true, true]);
        let d = t.deletion.unwrap();
        assert!(d.low > 0.05 && d.named[0] == 0.0 && (d.named[STEPS] - d.chance[STEPS]).abs() < 1e-9, "{d:?}");
    }

    #[test]
    fn what_comes_with_an_explanation_is_not_believed() {
        let (model, x, reference, a) = sound(1);
        let adds_up = |a: &Attribution| check(&*model, &x, a, &reference, 1, &JobCtx::quiet()).unwrap().checks[0].verdict;
        assert_eq!(adds_up(&a), Verdict::Ok);
        let mut more = a.clone();
        more.values[0] += 1.0;
        let mut base = a.clone();
        base.base += 0.5;
        let mut predictions = a.clone();
        for (i, p) in predictions.predictions.iter_mut().enumerate() {
            *p += 0.5;
            predictions.values[i * M] += 0.5;
        }
        for wrong in [&more, &base, &predictions] {
            assert_eq!(adds_up(wrong), Verdict::Failed, "its gaps still say 0");
        }
    }

    #[test]
    fn kinds_have_no_order() {
        let mut rng = rng::rng(9, "kinds");
        // Kind 0 high, 1 low, 2 in the middle: no rank correlation, yet one says the other.
        let kinds: Vec<f64> = (0..600).map(|_| rng::below(&mut rng, 3) as f64).collect();
        let numbers: Vec<f64> = kinds.iter().map(|k| [2.0, 0.0, 1.0][*k as usize] + 0.2 * rng::unit(&mut rng)).collect();
        assert!(correlation_ratio(&kinds, &numbers).unwrap() > 0.9);
        let other: Vec<f64> = kinds.iter().map(|k| [5.0, 9.0, 7.0][*k as usize]).collect();
        assert!((cramer(&kinds, &other).unwrap() - 1.0).abs() < 1e-9);
        // Chance alone, with many kinds: nothing is left after the correction.
        let many = |rng: &mut rng::Rng| (0..600).map(|_| rng::below(rng, 40) as f64).collect::<Vec<_>>();
        let (a, b) = (many(&mut rng), many(&mut rng));
        let noise: Vec<f64> = (0..600).map(|_| rng::unit(&mut rng)).collect();
        assert!(cramer(&a, &b).unwrap() < 0.2 && correlation_ratio(&a, &noise).unwrap() < 0.25);
    }

    #[test]
    fn versions_are_compared() {
        let mut rng = rng::rng(62, "versions");
        let x = draw(&mut rng, 50, 2.0);
        let one = explained(&line_model(vec![5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0]), &x, Scale::Margin);
        let near = explained(&line_model(vec![5.1, 4.1, 2.9, 2.1, 1.0, 0.1, 0.0, 0.0]), &x, Scale::Margin);
        let far = explained(&line_model(vec![0.0, 0.0, 0.1, 0.0, 1.0, 6.0, 5.0, 4.0]), &x, Scale::Margin);
        let same = stability(&[one.clone(), near]).unwrap();
        assert!(same.verdict == Verdict::Ok && same.shared == 1.0 && same.top == 4 && same.spread[0].2 < 0.3, "{same:?}");
        let wrong = stability(&[one.clone(), far]).unwrap();
        assert!(wrong.verdict == Verdict::Failed && wrong.rows < 0.5, "{wrong:?}");
        // Two features only, and the other one counts.
        let few = |w: Vec<f64>| {
            let x = FeatureMatrix { n_features: 2, values: x.values.clone() };
            explained(&line_model(w), &x, Scale::Margin)
        };
        assert_eq!(stability(&[few(vec![3.0, 0.1]), few(vec![0.1, 3.0])]).unwrap().verdict, Verdict::Failed);
        // The same importance by other signs.
        assert_eq!(stability(&[few(vec![3.0, 1.0]), few(vec![-3.0, -1.0])]).unwrap().verdict, Verdict::Failed);
        assert!(stability(&[one]).is_err());
    }
}
