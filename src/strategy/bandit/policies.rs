//! Ways of choosing what to show, each learning from its own rewards only.

use serde::{Deserialize, Serialize};

use super::deep::Deep;
use crate::base::Result;
use crate::base::rng::{self, Rng};

/// A way of choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Everything equally often, all the time: the A/B test.
    Uniform,
    /// Everything equally often for a tenth of the time, then the best.
    ExploreThenCommit,
    /// The best so far, but one time in ten anything.
    EpsilonGreedy,
    /// The best that may still be hoped for (UCB1).
    Ucb,
    /// As often as each may be the best (Beta–Bernoulli).
    Thompson,
    /// The best that may be hoped for with this person (LinUCB, one ridge regression a thing).
    LinUcb,
    /// As often as each may be the best with this person (linear Thompson sampling).
    LinThompson,
    /// Linear Thompson sampling on what a network makes of this person (neural linear).
    NeuralLinear,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Uniform,
        Self::ExploreThenCommit,
        Self::EpsilonGreedy,
        Self::Ucb,
        Self::Thompson,
        Self::LinUcb,
        Self::LinThompson,
        Self::NeuralLinear,
    ];
    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::ExploreThenCommit => "explore-then-commit",
            Self::EpsilonGreedy => "epsilon-greedy",
            Self::Ucb => "ucb",
            Self::Thompson => "thompson",
            Self::LinUcb => "lin-ucb",
            Self::LinThompson => "lin-thompson",
            Self::NeuralLinear => "neural-linear",
        }
    }
    /// Catalogue key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Uniform => "bandit.uniform",
            Self::ExploreThenCommit => "bandit.explore_then_commit",
            Self::EpsilonGreedy => "bandit.epsilon_greedy",
            Self::Ucb => "bandit.ucb",
            Self::Thompson => "bandit.thompson",
            Self::LinUcb => "bandit.lin_ucb",
            Self::LinThompson => "bandit.lin_thompson",
            Self::NeuralLinear => "bandit.neural_linear",
        }
    }
}

/// Exploration of ε-greedy, and of the first part of explore-then-commit.
const TENTH: f64 = 0.1;
/// Width of LinUCB's confidence, and of linear Thompson's posterior.
const ALPHA: f64 = 0.5;

/// A policy at work.
pub struct Learner {
    policy: Policy,
    rounds: usize,
    shown: Vec<f64>,
    won: Vec<f64>,
    time: f64,
    linear: Vec<Ridge>,
    deep: Option<Deep>,
}

/// One ridge regression that is updated row by row: the inverse of its matrix, and its answers.
#[derive(Clone)]
pub(super) struct Ridge {
    width: usize,
    inverse: Vec<f64>,
    b: Vec<f64>,
    theta: Vec<f64>,
}

impl Ridge {
    pub(super) fn new(width: usize) -> Self {
        let mut inverse = vec![0.0; width * width];
        (0..width).for_each(|i| inverse[i * width + i] = 1.0);
        Self { width, inverse, b: vec![0.0; width], theta: vec![0.0; width] }
    }
    fn times(&self, x: &[f64]) -> Vec<f64> {
        self.inverse.chunks(self.width).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    }
    pub(super) fn mean(&self, x: &[f64]) -> f64 {
        self.theta.iter().zip(x).map(|(a, b)| a * b).sum()
    }
    pub(super) fn deviation(&self, x: &[f64]) -> f64 {
        self.times(x).iter().zip(x).map(|(a, b)| a * b).sum::<f64>().max(0.0).sqrt()
    }
    /// Sherman–Morrison.
    pub(super) fn learn(&mut self, x: &[f64], reward: f64) {
        let u = self.times(x);
        let below = 1.0 + u.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
        for (row, ui) in self.inverse.chunks_mut(self.width).zip(&u) {
            row.iter_mut().zip(&u).for_each(|(a, uj)| *a -= ui * uj / below);
        }
        self.b.iter_mut().zip(x).for_each(|(b, x)| *b += reward * x);
        self.theta = self.times(&self.b.clone());
    }
}

impl Learner {
    /// A policy that knows nothing yet.
    pub fn new(policy: Policy, actions: usize, width: usize, rounds: usize, seed: u64) -> Result<Self> {
        let linear = if matches!(policy, Policy::LinUcb | Policy::LinThompson) { vec![Ridge::new(width); actions] } else { Vec::new() };
        let deep = if policy == Policy::NeuralLinear { Some(Deep::new(actions, width, seed)?) } else { None };
        Ok(Self { policy, rounds, shown: vec![0.0; actions], won: vec![0.0; actions], time: 0.0, linear, deep })
    }

    /// What to show to this person.
    pub fn choose(&mut self, person: &[f64], random: &mut Rng) -> usize {
        let n = self.shown.len();
        self.time += 1.0;
        let any = |random: &mut Rng| rng::below(random, n);
        let rate = |a: usize| if self.shown[a] > 0.0 { self.won[a] / self.shown[a] } else { f64::INFINITY };
        match self.policy {
            Policy::Uniform => any(random),
            Policy::ExploreThenCommit if self.time <= TENTH * self.rounds as f64 => any(random),
            Policy::ExploreThenCommit => best(n, rate),
            Policy::EpsilonGreedy if rng::unit(random) < TENTH => any(random),
            Policy::EpsilonGreedy => best(n, rate),
            Policy::Ucb => best(n, |a| rate(a) + (2.0 * self.time.ln() / self.shown[a].max(1e-12)).sqrt()),
            Policy::Thompson => {
                let drawn: Vec<f64> = (0..n).map(|a| beta(1.0 + self.won[a], 1.0 + self.shown[a] - self.won[a], random)).collect();
                best(n, |a| drawn[a])
            }
            Policy::LinUcb => best(n, |a| self.linear[a].mean(person) + ALPHA * self.linear[a].deviation(person)),
            Policy::LinThompson => drawn(&self.linear, person, random),
            Policy::NeuralLinear => self.deep.as_ref().map_or(0, |d| drawn(&d.linear, &d.features(person), random)),
        }
    }

    /// What came of it.
    pub fn learn(&mut self, person: &[f64], action: usize, reward: f64) -> Result<()> {
        self.shown[action] += 1.0;
        self.won[action] += reward;
        if let Some(r) = self.linear.get_mut(action) {
            r.learn(person, reward);
        }
        self.deep.as_mut().map_or(Ok(()), |d| d.learn(person, action, reward))
    }
}

/// The best by one draw from what each may be worth to this person.
fn drawn(linear: &[Ridge], person: &[f64], random: &mut Rng) -> usize {
    let drawn: Vec<f64> = linear.iter().map(|r| r.mean(person) + ALPHA * r.deviation(person) * rng::normal(random)).collect();
    best(drawn.len(), |a| drawn[a])
}

/// The first of the largest.
fn best(n: usize, of: impl Fn(usize) -> f64) -> usize {
    (0..n).fold((0, f64::NEG_INFINITY), |b, a| if of(a) > b.1 { (a, of(a)) } else { b }).0
}

/// Draws from a Beta distribution by two Gamma draws.
fn beta(a: f64, b: f64, random: &mut Rng) -> f64 {
    let (x, y) = (gamma(a, random), gamma(b, random));
    x / (x + y)
}

/// Draws from a Gamma distribution of shape 1 or more (Marsaglia and Tsang 2000).
fn gamma(shape: f64, random: &mut Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = rng::normal(random);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - rng::unit(random)).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}
