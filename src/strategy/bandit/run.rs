//! Every policy against the same people, in every model of the ensemble and for several seeds: rewards, regret, who stays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::play::Run;
use super::policies::Policy;
use super::returns::Returns;
use super::stay::{self, Kept, Lived, Stay};
use super::world::{Asked, Replay, World, fit};
use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::Table;
use crate::data::features::quantile;
use crate::ml::net::side_by_side;
use crate::strategy::Grade;
use crate::{fault, note};

/// What is assumed beyond the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Rounds: one person, one thing shown.
    pub rounds: usize,
    /// Runs in each model.
    pub seeds: u64,
    /// Policies that are tried.
    pub policies: Vec<Policy>,
    /// Share by which the chance of a reward falls each time a person sees the same thing again.
    pub fatigue: f64,
    /// How far the chances drift over the whole run: log-odds, up for some things and down for others.
    pub drift: f64,
    /// Chance that a person leaves for good after a visit without reward; a reward halves it.
    pub leaving: f64,
    /// Days for which people are followed after their first visit, where the log says when people come back.
    pub horizon: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rounds: 10_000, seeds: 4, policies: Policy::ALL.to_vec(), fatigue: 0.0, drift: 0.0, leaving: 0.0, horizon: 30 }
    }
}

/// A trial as a recipe holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trial {
    /// Columns of the log.
    pub log: Asked,
    /// What is assumed.
    pub settings: Settings,
}

/// A mean with the spread over models and seeds (5 to 95 %).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a policy came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The policy.
    pub policy: Policy,
    /// Rewards per round.
    pub reward: Spread,
    /// Rewards per round more than showing everything equally often, run by run.
    pub lift: Spread,
    /// Rewards lost against whoever knows every chance, over the whole run.
    pub regret: Spread,
    /// Share of people who are still there at the end.
    pub retention: Spread,
    /// Regret so far, at equal steps of the run, mean over models and seeds.
    pub curve: Vec<f64>,
    /// How often each thing was shown in the last tenth of the run.
    pub shares: Vec<f64>,
    /// What comes of people who come back, or do not; absent where the log does not say when people return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay: Option<Stay>,
}

/// Everything that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Columns of the log.
    pub asked: Asked,
    /// What was assumed.
    pub settings: Settings,
    /// On which data.
    pub data: Fingerprint,
    /// What may be shown.
    pub actions: Vec<String>,
    /// Whether the people behave as the logged ones did.
    pub replay: Replay,
    /// Why no policy was tried, where the people do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Notice>,
    /// Whether, and when, people come back; absent without columns of who and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Returns>,
    /// One a policy, the most rewarding first.
    pub outcomes: Vec<Outcome>,
    /// Always C: the opinion of models.
    pub grade: Grade,
    /// Why.
    pub reason: Notice,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// How a trial stands while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Rewards missed so far by each policy, mean over the runs so far.
    pub curves: Vec<(Policy, Vec<f64>)>,
    /// Runs that these stand for, and how many there will be.
    pub runs: (usize, usize),
}

/// Points of a curve.
pub const POINTS: usize = 50;

/// Fits people to a log and tries policies against them.
pub fn run(table: &Table, asked: &Asked, settings: &Settings, data: &Fingerprint, ctx: &JobCtx) -> Result<Tried> {
    check(settings)?;
    let (mut world, replay, mut warnings) = fit(table, asked, data, ctx)?;
    let refused = (!replay.holds).then(|| {
        let show = crate::base::numbers::percent;
        let outside = replay.expected.iter().copied().find(|e| !(replay.interval.0..=replay.interval.1).contains(e)).unwrap_or(f64::NAN);
        note!("bandit.refused", expected = show(outside), low = show(replay.interval.0), high = show(replay.interval.1))
    });
    let returns = world.returns.clone();
    match &returns {
        None => warnings.push(note!("bandit.no_returns")),
        Some(r) => {
            if let Some(why) = &r.refused {
                warnings.push(why.clone());
                world.returns = None;
            } else if stay::horizon(settings, r) < settings.horizon {
                warnings.push(note!("bandit.horizon_cut", asked = settings.horizon, days = r.span));
            }
        }
    }
    let outcomes = if refused.is_some() { Vec::new() } else { outcomes(&world, settings, asked.seed, ctx)? };
    Ok(Tried {
        asked: asked.clone(),
        settings: settings.clone(),
        data: data.clone(),
        actions: world.actions,
        replay,
        refused,
        returns,
        outcomes,
        grade: Grade::C,
        reason: note!("bandit.grade"),
        warnings,
    })
}

fn check(s: &Settings) -> Result<()> {
    let share = |v: f64| (0.0..1.0).contains(&v);
    let fine =
        (1..=3_650).contains(&s.horizon) && (100..=1_000_000).contains(&s.rounds) && (1..=200).contains(&s.seeds) && !s.policies.is_empty();
    if fine && share(s.fatigue) && share(s.leaving) && s.drift.is_finite() { Ok(()) } else { Err(fault!("bandit.settings")) }
}

/// Runs that are played side by side; more are played after them.
const TOGETHER: usize = 20;

/// Lets every policy play in every model and for every seed.
pub fn outcomes(world: &World, s: &Settings, seed: u64, ctx: &JobCtx) -> Result<Vec<Outcome>> {
    let mut policies = s.policies.clone();
    policies.sort();
    policies.dedup();
    let asked = policies.clone();
    // Whatever is asked for, everything is measured against showing everything equally often.
    if !policies.contains(&Policy::Uniform) {
        policies.push(Policy::Uniform);
    }
    let runs: Vec<(usize, u64)> = (0..world.chances.len()).flat_map(|m| (0..s.seeds).map(move |k| (m, k))).collect();
    let batches = runs.len().div_ceil(TOGETHER);
    ctx.stage("bandit.stage_run", (batches * POINTS) as u64);
    let mut played: Vec<Vec<Played>> = vec![Vec::new(); policies.len()];
    for (i, batch) in runs.chunks(TOGETHER).enumerate() {
        let mut live = Vec::new();
        for p in &policies {
            for (m, k) in batch {
                live.push(Mutex::new(Run::new(world, *m, *p, s, seed + k)?));
            }
        }
        for point in 0..POINTS {
            ctx.check()?;
            side_by_side(live.len(), |i| held(&live[i]).step()).into_iter().collect::<Result<()>>()?;
            ctx.at((i * POINTS + point + 1) as u64);
            ctx.preview(|| so_far(&asked, &policies, &played, &live, (runs.len(), batch.len())));
        }
        for (of, runs) in played.iter_mut().zip(live.chunks(batch.len())) {
            of.extend(runs.iter().map(|r| Played::of(&held(r))));
        }
    }
    let lived = lived(world, &policies, &runs, s, seed, ctx)?;
    let even = policies.iter().position(|p| *p == Policy::Uniform).unwrap_or(0);
    let mut out: Vec<Outcome> = Vec::new();
    for (i, policy) in policies.iter().enumerate().filter(|(_, p)| asked.contains(p)) {
        let stay = world.returns.as_ref().filter(|_| !lived.is_empty()).map(|r| stay(&lived[i], &lived[even], &stay::windows(s, r)));
        out.push(Outcome { stay, ..outcome(*policy, &played[i], &played[even]) });
    }
    out.sort_by(|a, b| b.reward.mean.total_cmp(&a.reward.mean));
    Ok(out)
}

/// The curves so far: of the finished runs, or of the first ones while none is finished.
fn so_far(asked: &[Policy], policies: &[Policy], played: &[Vec<Played>], live: &[Mutex<Run<'_>>], (all, batch): (usize, usize)) -> Live {
    let mean = |curves: Vec<Vec<f64>>| -> Vec<f64> {
        let points = curves.iter().map(Vec::len).min().unwrap_or(0);
        (0..points).map(|t| curves.iter().map(|c| c[t]).sum::<f64>() / curves.len() as f64).collect()
    };
    let of = |i: usize| match played[i].as_slice() {
        [] => mean(live[i * batch..(i + 1) * batch].iter().map(|r| held(r).curve.clone()).collect()),
        done => mean(done.iter().map(|p| p.curve.clone()).collect()),
    };
    let curves = policies.iter().enumerate().filter(|(_, p)| asked.contains(p)).map(|(i, p)| (*p, of(i))).collect();
    Live { curves, runs: (played.first().map_or(0, Vec::len).max(batch), all) }
}

fn held<T>(run: &Mutex<T>) -> MutexGuard<'_, T> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One finished run of one policy.
#[derive(Clone)]
struct Played {
    reward: f64,
    regret: f64,
    retention: f64,
    curve: Vec<f64>,
    shares: Vec<f64>,
}

impl Played {
    fn of(r: &Run<'_>) -> Self {
        Self { reward: r.reward(), regret: r.regret(), retention: r.retention(), curve: r.curve.clone(), shares: r.shares() }
    }
}

fn outcome(policy: Policy, played: &[Played], even: &[Played]) -> Outcome {
    let of = |f: &dyn Fn(&Played) -> f64| spread(played.iter().map(f).collect());
    let means = |f: &dyn Fn(&Played) -> &Vec<f64>| -> Vec<f64> {
        let n = played.first().map_or(0, |p| f(p).len());
        (0..n).map(|i| played.iter().map(|p| f(p)[i]).sum::<f64>() / played.len() as f64).collect()
    };
    Outcome {
        policy,
        reward: of(&|p| p.reward),
        lift: spread(played.iter().zip(even).map(|(p, e)| p.reward - e.reward).collect()),
        regret: of(&|p| p.regret),
        retention: of(&|p| p.retention),
        curve: means(&|p| &p.curve),
        shares: means(&|p| &p.shares),
        stay: None,
    }
}

/// Lets people come back, where the log says when they do: one list of runs a policy, or nothing.
fn lived(world: &World, policies: &[Policy], runs: &[(usize, u64)], s: &Settings, seed: u64, ctx: &JobCtx) -> Result<Vec<Vec<Lived>>> {
    let Some(returns) = &world.returns else { return Ok(Vec::new()) };
    ctx.stage("bandit.stage_stay", policies.len() as u64);
    let mut out = Vec::new();
    for (i, policy) in policies.iter().enumerate() {
        ctx.check()?;
        let live = |i: usize| stay::live(world, returns, runs[i].0, *policy, s, seed + runs[i].1);
        out.push(side_by_side(runs.len(), live).into_iter().collect::<Result<_>>()?);
        ctx.at(i as u64 + 1);
    }
    Ok(out)
}

fn stay(lived: &[Lived], even: &[Lived], windows: &[u32]) -> Stay {
    let of = |f: &dyn Fn(&Lived) -> f64| spread(lived.iter().map(f).collect());
    Stay {
        reward: of(&|l| l.reward),
        lift: spread(lived.iter().zip(even).map(|(l, e)| l.reward - e.reward).collect()),
        visits: of(&|l| l.visits),
        back: windows.iter().enumerate().map(|(w, days)| Kept { days: *days, share: of(&|l| l.back[w]) }).collect(),
        active: of(&|l| l.active),
    }
}

fn spread(mut v: Vec<f64>) -> Spread {
    v.sort_unstable_by(f64::total_cmp);
    Spread { mean: v.iter().sum::<f64>() / v.len().max(1) as f64, low: quantile(&v, 0.05), high: quantile(&v, 0.95) }
}
