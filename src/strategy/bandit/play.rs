//! One policy in one model of the people, as far as wanted at a time.

use super::policies::{Learner, Policy};
use super::run::{POINTS, Settings};
use super::world::World;
use crate::base::Result;
use crate::base::rng::{self, Rng};
use crate::ml::model::sigmoid;

/// What a person would do now, whatever brought them here.
pub(super) struct Tastes<'a> {
    world: &'a World,
    model: usize,
    fatigue: f64,
    /// Every second thing gains over the run, the others lose.
    drift: f64,
    seen_before: Vec<u16>,
}

impl<'a> Tastes<'a> {
    pub(super) fn new(world: &'a World, model: usize, s: &Settings) -> Self {
        let cells = if s.fatigue > 0.0 { world.people() * world.actions.len() } else { 0 };
        Self { world, model, fatigue: s.fatigue, drift: s.drift, seen_before: vec![0; cells] }
    }

    /// Chance of a reward when the run is over by the share `now`.
    pub(super) fn chance(&self, person: usize, action: usize, now: f64) -> f64 {
        let at = person * self.world.actions.len() + action;
        let p = self.world.chances[self.model][at].clamp(1e-9, 1.0 - 1e-9);
        let drift = if action.is_multiple_of(2) { self.drift } else { -self.drift };
        let moved = if drift == 0.0 { p } else { sigmoid((p / (1.0 - p)).ln() + drift * now) };
        if self.fatigue > 0.0 { moved * (1.0 - self.fatigue).powi(i32::from(self.seen_before[at])) } else { moved }
    }

    /// The person has seen it.
    pub(super) fn shown(&mut self, person: usize, action: usize) {
        if let Some(n) = self.seen_before.get_mut(person * self.world.actions.len() + action) {
            *n = n.saturating_add(1);
        }
    }
}

/// Whether a person leaves for good, as the analyst assumes.
pub(super) fn leaves(s: &Settings, rewarded: bool, luck: &mut Rng) -> bool {
    s.leaving > 0.0 && rng::unit(luck) < s.leaving * if rewarded { 0.5 } else { 1.0 }
}

/// A run of one policy. People come in an order, and luck falls, that depend on the seed alone, so that policies are compared
/// on the same people.
pub(super) struct Run<'a> {
    world: &'a World,
    s: &'a Settings,
    tastes: Tastes<'a>,
    learner: Learner,
    order: Rng,
    luck: Rng,
    random: Rng,
    here: Vec<usize>,
    t: usize,
    won: f64,
    regret: f64,
    shown: Vec<f64>,
    /// Regret so far, at each of [`POINTS`] steps that the run came to.
    pub(super) curve: Vec<f64>,
}

impl<'a> Run<'a> {
    pub(super) fn new(world: &'a World, model: usize, policy: Policy, s: &'a Settings, seed: u64) -> Result<Self> {
        let k = world.actions.len();
        Ok(Self {
            world,
            s,
            tastes: Tastes::new(world, model, s),
            learner: Learner::new(policy, k, world.seen.n_features, s.rounds, seed)?,
            order: rng::rng(seed, "bandit-order"),
            luck: rng::rng(seed, "bandit-luck"),
            random: rng::rng(seed, policy.name()),
            here: (0..world.people()).collect(),
            t: 0,
            won: 0.0,
            regret: 0.0,
            shown: vec![0.0; k],
            curve: Vec::with_capacity(POINTS),
        })
    }

    /// Goes on to the end of the step that the curve lacks next.
    pub(super) fn step(&mut self) -> Result<()> {
        let end = (self.curve.len() + 1) * self.s.rounds / POINTS;
        while self.t < end && !self.here.is_empty() {
            self.round()?;
            self.t += 1;
        }
        self.curve.push(self.regret);
        Ok(())
    }

    fn round(&mut self) -> Result<()> {
        let k = self.world.actions.len();
        let at = rng::below(&mut self.order, self.here.len());
        let person = self.here[at];
        let now = self.t as f64 / self.s.rounds as f64;
        let view = self.world.seen.row(person);
        let action = self.learner.choose(view, &mut self.random);
        let p = self.tastes.chance(person, action, now);
        let ideal = (0..k).map(|a| self.tastes.chance(person, a, now)).fold(0.0, f64::max);
        let rewarded = rng::unit(&mut self.luck) < p;
        self.learner.learn(view, action, f64::from(u8::from(rewarded)))?;
        self.won += p;
        self.regret += ideal - p;
        if self.t >= self.s.rounds - (self.s.rounds / 10).max(1) {
            self.shown[action] += 1.0;
        }
        self.tastes.shown(person, action);
        if leaves(self.s, rewarded, &mut self.luck) {
            self.here.swap_remove(at);
        }
        Ok(())
    }

    /// Rewards per round of the whole run.
    pub(super) fn reward(&self) -> f64 {
        self.won / self.s.rounds as f64
    }
    /// Rewards lost so far.
    pub(super) fn regret(&self) -> f64 {
        self.regret
    }
    /// Share of people who are still there.
    pub(super) fn retention(&self) -> f64 {
        self.here.len() as f64 / self.world.people() as f64
    }
    /// How often each thing was shown in the last tenth.
    pub(super) fn shares(&self) -> Vec<f64> {
        let shown: f64 = self.shown.iter().sum();
        self.shown.iter().map(|v| v / shown.max(1.0)).collect()
    }
}
