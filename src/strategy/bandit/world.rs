//! A world of people from a log: for every person and everything that may be shown, how likely a reward is — by several
//! models, each fitted to rows drawn anew, so that their disagreement shows what the log does not tell.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::returns::{self, Returns};
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers, rng};
use crate::data::{ColumnType, Encoder, FeatureMatrix, FittedPrepare, Part, Roles, Table};
use crate::ml::train::{TrainData, train};
use crate::ml::{Model, ModelKind, ModelSpec, Outcome, OutcomeKind};
use crate::strategy::experiment;
use crate::{fault, note};

/// Which columns of a log are what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// What was shown.
    pub action: String,
    /// What came of it: yes or no.
    pub reward: String,
    /// What was known of the person.
    pub context: Vec<String>,
    /// Who it was shown to, where the log says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When, where the log says so: with both, people of the simulation come back or stay away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Models in the ensemble.
    pub ensemble: usize,
    /// Kind of model: `gbdt` or `logistic`.
    pub base: ModelKind,
    /// Seed.
    pub seed: u64,
}

impl Default for Asked {
    fn default() -> Self {
        let (action, reward) = (String::new(), String::new());
        Self { action, reward, context: Vec::new(), user: None, time: None, ensemble: 5, base: ModelKind::Gbdt, seed: 1 }
    }
}

/// People drawn from the log.
pub const PEOPLE: usize = 1_000;
/// Most things that may be shown.
pub const MOST_ACTIONS: usize = 100;
/// Rows that are asked whether knowing what was shown helps, at most.
const MOST_TOLD: usize = 20_000;
/// Rows that a model of the ensemble is fitted on at most.
const MOST_ROWS: usize = 50_000;

/// People, and what each model expects of them.
#[derive(Clone, Debug)]
pub struct World {
    /// What may be shown.
    pub actions: Vec<String>,
    /// What a policy sees of each person: `people × width`, standardised, a constant first.
    pub seen: FeatureMatrix,
    /// Chance of a reward, `people × actions`, one for each model.
    pub chances: Vec<Vec<f64>>,
    /// Whether, and when, people come back; absent where the log does not say.
    pub returns: Option<Returns>,
}

impl World {
    /// People in it.
    pub fn people(&self) -> usize {
        self.seen.n_rows()
    }
}

/// Whether the models give the log's own rate back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Rate of rewards in rows that no model was fitted on.
    pub logged: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// The same rate as each model expects it.
    pub expected: Vec<f64>,
    /// Rows that were held out.
    pub rows: usize,
    /// Whether every model is inside.
    pub holds: bool,
    /// Log-loss that is saved by knowing what was shown, beside knowing the person only, on rows that did not teach the models
    /// asked: the mean and its 95 % interval. Where the interval holds 0, what the models say of single actions may be chance.
    #[serde(default)]
    pub told: (f64, f64, f64),
}

impl Replay {
    /// Whether the models tell what is shown apart beyond chance.
    pub fn tells(&self) -> bool {
        self.told.1 > 0.0
    }
}

/// Wilson's interval of a rate.
pub fn wilson(successes: f64, n: f64, alpha: f64) -> (f64, f64) {
    let z = experiment::z(1.0 - alpha / 2.0);
    let (p, z2) = (successes / n, z * z);
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Fits the ensemble and draws the people. The answer holds the replay check; a world that fails it must not be used.
pub fn fit(table: &Table, asked: &Asked, data: &Fingerprint, ctx: &JobCtx) -> Result<(World, Replay, Vec<Notice>)> {
    let (action, reward) = (table.column(&asked.action)?, table.column(&asked.reward)?);
    for c in &asked.context {
        table.column(c)?;
        if *c == asked.action || *c == asked.reward || Some(c) == asked.user.as_ref() {
            return Err(fault!("bandit.context_twice", column = c));
        }
    }
    let (codes, actions) = table.codes(action);
    if actions.len() < 2 || actions.len() > MOST_ACTIONS {
        return Err(fault!("bandit.actions", column = &asked.action, count = actions.len(), most = MOST_ACTIONS));
    }
    let y = table.numbers(reward);
    if table.column_type(reward) == ColumnType::Text || y.iter().any(|v| v.is_finite() && *v != 0.0 && *v != 1.0) {
        return Err(fault!("bandit.reward", column = &asked.reward));
    }
    let known: Vec<usize> = (0..y.len()).filter(|r| y[*r].is_finite() && codes[*r] >= 0).collect();
    let won = known.iter().filter(|r| y[**r] > 0.5).count();
    if won < 10 || known.len() - won < 10 || !(1..=50).contains(&asked.ensemble) {
        return Err(fault!("bandit.few_rewards", column = &asked.reward, rewards = won, rows = known.len()));
    }
    // What was shown is one of the features, a category whatever its type, so that every model can be asked about all of it.
    let shown: Vec<Option<String>> = codes.iter().map(|c| usize::try_from(*c).ok().map(|c| actions[c].clone())).collect();
    let table = table.with_texts(&asked.action, &shown)?;
    let mut names = asked.context.clone();
    names.push(asked.action.clone());
    // As many rewards in a hundred rows on either side: what is checked is the models, not the luck of the draw.
    let (mut held, mut fitted) = (Vec::new(), Vec::new());
    let mut random = rng::rng(asked.seed, "bandit-halves");
    for rewarded in [true, false] {
        let mut some: Vec<usize> = known.iter().copied().filter(|r| (y[*r] > 0.5) == rewarded).collect();
        rng::shuffle(&mut random, &mut some);
        let (out, kept) = some.split_at(some.len() / 4);
        held.extend_from_slice(out);
        fitted.extend_from_slice(kept);
    }
    let encoder = Encoder::fit(&table, &names, &Roles::default(), &fitted, FittedPrepare::default())?;
    let (x, notices) = encoder.encode(&table)?;
    let at =
        encoder.features.iter().position(|f| f.name == asked.action).ok_or_else(|| fault!("bandit.lost_action", column = &asked.action))?;
    let place: Vec<Option<f64>> =
        actions.iter().map(|a| encoder.features[at].levels().iter().position(|l| l == a).map(|p| p as f64)).collect();
    ctx.stage("bandit.stage_fit", asked.ensemble as u64);
    let mut models: Vec<Arc<dyn Model>> = Vec::new();
    let mut taught: Vec<Vec<bool>> = Vec::new();
    for member in 0..asked.ensemble {
        ctx.check()?;
        let mut random = rng::rng(asked.seed + member as u64, "bandit-ensemble");
        let n = fitted.len().min(MOST_ROWS);
        let rows: Vec<usize> = (0..n).map(|_| fitted[rng::below(&mut random, fitted.len())]).collect();
        let mut seen = vec![false; y.len()];
        rows.iter().for_each(|r| seen[*r] = true);
        taught.push(seen);
        let outcome = Outcome {
            name: asked.reward.clone(),
            kind: OutcomeKind::Binary { positive: "1".into(), negative: "0".into() },
            base_rate: won as f64 / known.len() as f64,
        };
        let data = TrainData {
            x: x.select(&rows),
            y: vec![rows.iter().map(|r| y[*r]).collect()],
            parts: vec![Part::Train; rows.len()],
            outcomes: vec![outcome],
            encoder: encoder.clone(),
            data: data.clone(),
            warnings: Vec::new(),
        };
        let spec = ModelSpec { seed: asked.seed + member as u64, ..ModelSpec::new("people", asked.base) };
        models.push(train(&spec, &data, &ctx.without_stage())?);
        ctx.at(member as u64 + 1);
    }
    let count = |a: usize| fitted.iter().filter(|r| codes[**r] == a as i32).count() as f64 / fitted.len().max(1) as f64;
    let shares: Vec<(f64, f64)> = place.iter().enumerate().map(|(a, p)| (p.unwrap_or(f64::NAN), count(a))).collect();
    let mut asked_about = known.clone();
    rng::shuffle(&mut random, &mut asked_about);
    asked_about.truncate(MOST_TOLD);
    let told = told(&models, (&x, &y), &asked_about, &taught, (at, &shares), ctx)?;
    let replay = replay(&models, &x.select(&held), &held.iter().map(|r| y[*r]).collect::<Vec<_>>(), told, ctx)?;
    let mut drawn = rng::rng(asked.seed, "bandit-people");
    let people: Vec<usize> = (0..PEOPLE.min(known.len())).map(|_| known[rng::below(&mut drawn, known.len())]).collect();
    let mut chances = Vec::new();
    for model in &models {
        let mut all = vec![0.0; people.len() * actions.len()];
        for (a, place) in place.iter().enumerate() {
            ctx.check()?;
            let mut asked = x.select(&people);
            asked.values.iter_mut().skip(at).step_by(x.n_features).for_each(|v| *v = place.unwrap_or(f64::NAN));
            for (i, p) in model.predict(&asked, ctx)?.into_iter().enumerate() {
                all[i * actions.len() + a] = p;
            }
        }
        chances.push(all);
    }
    let returns = returns_of(&table, asked, &codes, &y, actions.len(), ctx)?;
    let mut warnings = notices;
    if replay.holds {
        warnings.push(note!("bandit.replays", logged = numbers::percent(replay.logged)));
    }
    // Where no model tells the actions apart, no way of choosing can be better than another.
    let same = |row: &[f64]| row.iter().all(|p| (p - row[0]).abs() < 1e-12);
    if chances.iter().all(|c: &Vec<f64>| c.chunks(actions.len()).all(same)) {
        warnings.push(note!("bandit.alike", rewards = won));
    }
    Ok((World { actions, seen: seen(&encoder, &x, at, &people), chances, returns }, replay, warnings))
}

/// When people come back, where the log says who came and when.
fn returns_of(table: &Table, asked: &Asked, codes: &[i32], y: &[f64], actions: usize, ctx: &JobCtx) -> Result<Option<Returns>> {
    let (Some(user), Some(time)) = (&asked.user, &asked.time) else { return Ok(None) };
    let rewarded: Vec<Option<usize>> = codes.iter().zip(y).map(|(c, y)| usize::try_from(*c).ok().filter(|_| *y > 0.5)).collect();
    let (visits, span) = returns::visits(table, user, time, &rewarded)?;
    returns::fit(&visits, span, table.n_rows(), actions, asked.ensemble, asked.seed, ctx).map(Some)
}

/// How much log-loss is saved by knowing what was shown. Every row is asked of the models that it did not teach: the rows
/// held out of all, the others of those whose draw left them out, so that few rows are spared and none speaks for itself.
/// `shown` is the feature that says what was shown, and each of its values with how often it was.
pub(super) fn told(
    models: &[Arc<dyn Model>],
    (x, y): (&FeatureMatrix, &[f64]),
    rows: &[usize],
    taught: &[Vec<bool>],
    shown: (usize, &[(f64, f64)]),
    ctx: &JobCtx,
) -> Result<(f64, f64, f64)> {
    let (mut knowing, mut blind, mut asked) = (vec![0.0; rows.len()], vec![0.0; rows.len()], vec![0.0; rows.len()]);
    for (m, taught) in models.iter().zip(taught) {
        let own: Vec<usize> = (0..rows.len()).filter(|i| !taught[rows[*i]]).collect();
        let mut some = x.select(&own.iter().map(|i| rows[*i]).collect::<Vec<_>>());
        own.iter().zip(m.predict(&some, ctx)?).for_each(|(i, p)| (knowing[*i], asked[*i]) = (knowing[*i] + p, asked[*i] + 1.0));
        for (value, share) in shown.1.iter().filter(|s| s.1 > 0.0) {
            ctx.check()?;
            some.values.iter_mut().skip(shown.0).step_by(x.n_features).for_each(|v| *v = *value);
            own.iter().zip(m.predict(&some, ctx)?).for_each(|(i, p)| blind[*i] += share * p);
        }
    }
    let loss = |p: f64, y: f64| -if y > 0.5 { p.max(1e-9).ln() } else { (1.0 - p).max(1e-9).ln() };
    let saved: Vec<f64> = (0..rows.len())
        .filter(|i| asked[*i] > 0.0)
        .map(|i| loss(blind[i] / asked[i], y[rows[i]]) - loss(knowing[i] / asked[i], y[rows[i]]))
        .collect();
    let n = saved.len() as f64;
    let mean = saved.iter().sum::<f64>() / n;
    let error = (saved.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n / (n - 1.0).max(1.0)).sqrt();
    let half = experiment::z(0.975) * error;
    Ok((mean, mean - half, mean + half))
}

fn replay(models: &[Arc<dyn Model>], x: &FeatureMatrix, y: &[f64], told: (f64, f64, f64), ctx: &JobCtx) -> Result<Replay> {
    let n = y.len() as f64;
    let won: f64 = y.iter().sum();
    let interval = wilson(won, n, 0.05);
    let mut expected = Vec::new();
    for m in models {
        expected.push(m.predict(x, ctx)?.iter().sum::<f64>() / n);
    }
    let holds = expected.iter().all(|e| (interval.0..=interval.1).contains(e));
    Ok(Replay { logged: won / n, interval, expected, rows: y.len(), holds, told })
}

/// What a policy sees: numbers standardised, levels as one column each, at most thirty of them.
fn seen(encoder: &Encoder, x: &FeatureMatrix, action: usize, people: &[usize]) -> FeatureMatrix {
    const MOST: usize = 30;
    let mut columns: Vec<Vec<f64>> = vec![vec![1.0; people.len()]];
    for (j, f) in encoder.features.iter().enumerate().filter(|(j, _)| *j != action) {
        let values = people.iter().map(|r| x.row(*r)[j]);
        if f.is_categorical() {
            for level in 0..f.levels().len() {
                columns.push(values.clone().map(|v| f64::from(u8::from(v == level as f64))).collect());
            }
        } else {
            let sd = if f.sd > 0.0 { f.sd } else { 1.0 };
            columns.push(values.map(|v| if v.is_nan() { 0.0 } else { ((v - f.mean) / sd).clamp(-4.0, 4.0) }).collect());
        }
    }
    columns.truncate(MOST);
    let values = (0..people.len()).flat_map(|i| columns.iter().map(move |c| c[i])).collect();
    FeatureMatrix { n_features: columns.len(), values }
}
