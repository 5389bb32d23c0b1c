//! Every policy against the same people, in every model of the ensemble and for several seeds: rewards, regret, who stays.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::policies::{Learner, Policy};
use super::world::{Asked, Replay, World, fit};
use crate::base::{Fingerprint, JobCtx, Notice, Result, rng};
use crate::data::Table;
use crate::data::features::quantile;
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
}

impl Default for Settings {
    fn default() -> Self {
        Self { rounds: 10_000, seeds: 4, policies: Policy::ALL.to_vec(), fatigue: 0.0, drift: 0.0, leaving: 0.0 }
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
    /// One a policy, the most rewarding first.
    pub outcomes: Vec<Outcome>,
    /// Always C: the opinion of models.
    pub grade: Grade,
    /// Why.
    pub reason: Notice,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Points of a curve.
pub const POINTS: usize = 50;

/// Fits people to a log and tries policies against them.
pub fn run(table: &Table, asked: &Asked, settings: &Settings, data: &Fingerprint, ctx: &JobCtx) -> Result<Tried> {
    check(settings)?;
    let (world, replay, warnings) = fit(table, asked, data, ctx)?;
    let refused = (!replay.holds).then(|| {
        let show = crate::base::numbers::percent;
        let outside = replay.expected.iter().copied().find(|e| !(replay.interval.0..=replay.interval.1).contains(e)).unwrap_or(f64::NAN);
        note!("bandit.refused", expected = show(outside), low = show(replay.interval.0), high = show(replay.interval.1))
    });
    let outcomes = if refused.is_some() { Vec::new() } else { outcomes(&world, settings, asked.seed, ctx)? };
    Ok(Tried {
        asked: asked.clone(),
        settings: settings.clone(),
        data: data.clone(),
        actions: world.actions,
        replay,
        refused,
        outcomes,
        grade: Grade::C,
        reason: note!("bandit.grade"),
        warnings,
    })
}

fn check(s: &Settings) -> Result<()> {
    let share = |v: f64| (0.0..1.0).contains(&v);
    let fine = (100..=1_000_000).contains(&s.rounds) && (1..=200).contains(&s.seeds) && !s.policies.is_empty();
    if fine && share(s.fatigue) && share(s.leaving) && s.drift.is_finite() { Ok(()) } else { Err(fault!("bandit.settings")) }
}

/// One run of one policy.
struct Played {
    reward: f64,
    regret: f64,
    retention: f64,
    curve: Vec<f64>,
    shares: Vec<f64>,
}

/// Lets every policy play in every model and for every seed.
pub fn outcomes(world: &World, s: &Settings, seed: u64, ctx: &JobCtx) -> Result<Vec<Outcome>> {
    let mut policies = s.policies.clone();
    policies.sort();
    policies.dedup();
    ctx.stage("bandit.stage_run", (policies.len() + 1) as u64);
    let runs: Vec<(usize, u64)> = (0..world.chances.len()).flat_map(|m| (0..s.seeds).map(move |k| (m, k))).collect();
    let all = |policy: Policy| -> Vec<Played> { runs.par_iter().map(|(m, k)| play(world, *m, policy, s, seed + k)).collect() };
    let even: Vec<f64> = all(Policy::Uniform).iter().map(|p| p.reward).collect();
    ctx.at(1);
    let mut out = Vec::new();
    for (i, policy) in policies.into_iter().enumerate() {
        ctx.check()?;
        let played = all(policy);
        let of = |f: &dyn Fn(&Played) -> f64| spread(played.iter().map(f).collect());
        let mean_of = |f: &dyn Fn(&Played) -> f64| played.iter().map(f).sum::<f64>() / played.len() as f64;
        out.push(Outcome {
            policy,
            reward: of(&|p| p.reward),
            lift: spread(played.iter().zip(&even).map(|(p, e)| p.reward - e).collect()),
            regret: of(&|p| p.regret),
            retention: of(&|p| p.retention),
            curve: (0..POINTS).map(|t| mean_of(&|p| p.curve[t])).collect(),
            shares: (0..world.actions.len()).map(|a| mean_of(&|p| p.shares[a])).collect(),
        });
        ctx.at(i as u64 + 2);
    }
    out.sort_by(|a, b| b.reward.mean.total_cmp(&a.reward.mean));
    Ok(out)
}

fn spread(mut v: Vec<f64>) -> Spread {
    v.sort_unstable_by(f64::total_cmp);
    Spread { mean: v.iter().sum::<f64>() / v.len().max(1) as f64, low: quantile(&v, 0.05), high: quantile(&v, 0.95) }
}

/// One policy in one model. People come in an order, and luck falls, that depend on the seed alone, so that policies are
/// compared on the same people.
fn play(world: &World, model: usize, policy: Policy, s: &Settings, seed: u64) -> Played {
    let (people, k) = (world.people(), world.actions.len());
    let mut order = rng::rng(seed, "bandit-order");
    let mut luck = rng::rng(seed, "bandit-luck");
    let mut random = rng::rng(seed, policy.name());
    // Every second thing gains over the run, the others lose.
    let drifts: Vec<f64> = (0..k).map(|a| if a % 2 == 0 { s.drift } else { -s.drift }).collect();
    let mut seen_before = vec![0u16; if s.fatigue > 0.0 { people * k } else { 0 }];
    let mut here: Vec<usize> = (0..people).collect();
    let mut learner = Learner::new(policy, k, world.seen.n_features, s.rounds);
    let mut out = Played { reward: 0.0, regret: 0.0, retention: 1.0, curve: Vec::with_capacity(POINTS), shares: vec![0.0; k] };
    let last = s.rounds - (s.rounds / 10).max(1);
    for t in 0..s.rounds {
        if t == (out.curve.len() + 1) * s.rounds / POINTS - 1 || here.is_empty() {
            out.curve.push(out.regret);
        }
        if here.is_empty() {
            break;
        }
        let at = rng::below(&mut order, here.len());
        let person = here[at];
        let now = t as f64 / s.rounds as f64;
        let chance = |a: usize| {
            let p = world.chances[model][person * k + a].clamp(1e-9, 1.0 - 1e-9);
            let moved = if s.drift == 0.0 { p } else { crate::ml::model::sigmoid((p / (1.0 - p)).ln() + drifts[a] * now) };
            if s.fatigue > 0.0 { moved * (1.0 - s.fatigue).powi(i32::from(seen_before[person * k + a])) } else { moved }
        };
        let view = world.seen.row(person);
        let action = learner.choose(view, &mut random);
        let p = chance(action);
        let ideal = (0..k).map(chance).fold(0.0, f64::max);
        let reward = f64::from(u8::from(rng::unit(&mut luck) < p));
        learner.learn(view, action, reward);
        out.reward += p;
        out.regret += ideal - p;
        if t >= last {
            out.shares[action] += 1.0;
        }
        if let Some(n) = seen_before.get_mut(person * k + action) {
            *n = n.saturating_add(1);
        }
        if s.leaving > 0.0 && rng::unit(&mut luck) < s.leaving * if reward > 0.0 { 0.5 } else { 1.0 } {
            here.swap_remove(at);
        }
    }
    out.curve.resize(POINTS, out.regret);
    out.reward /= s.rounds as f64;
    out.retention = here.len() as f64 / people as f64;
    let shown: f64 = out.shares.iter().sum();
    out.shares.iter_mut().for_each(|v| *v /= shown.max(1.0));
    out
}
