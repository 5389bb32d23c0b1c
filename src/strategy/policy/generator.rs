//! A log whose true answer is known: the *two-sided bandit*.
//!
//! Every row is a person with two numbers x₁, x₂ ~ N(0, 1) and one of three places. The chance of a reward for action a is
//! σ(−1 + 0.5·x₁ − 0.3·x₂·s + 0.2·place + 0.8·a/(K−1)) with s = 1, or −1 for odd a where `twisted`, which no additive model
//! can fit. The log prefers actions by softmax(`preference`·x₁·(2a/(K−1) − 1)) mixed with `explore` of uniform chance, and
//! says the probability. The true value of a policy is the mean of the chances over the people drawn from the
//! same distribution, by averaging over a grid: nothing of it is estimated from the log.

use super::log::{Columns, Log};
use crate::base::{Fingerprint, rng};
use crate::data::{Feature, FeatureKind, FeatureMatrix};
use crate::ml::model::{sigmoid, softmax};

/// What kind of log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoSided {
    /// Rows.
    pub rows: usize,
    /// Actions, two or more.
    pub actions: usize,
    /// How strongly the log prefers.
    pub preference: f64,
    /// Share of uniform chance in the log's choice.
    pub explore: f64,
    /// Whether odd actions answer to x₂ the other way round.
    pub twisted: bool,
}

impl Default for TwoSided {
    fn default() -> Self {
        Self { rows: 1_000, actions: 5, preference: 1.0, explore: 0.3, twisted: false }
    }
}

impl TwoSided {
    fn chance(&self, x: (f64, f64), place: usize, action: usize) -> f64 {
        let sign = if self.twisted && action % 2 == 1 { -1.0 } else { 1.0 };
        let along = action as f64 / (self.actions - 1) as f64;
        sigmoid(-1.0 + 0.5 * x.0 - 0.3 * sign * x.1 + 0.2 * place as f64 + 0.8 * along)
    }

    /// Probability of each action for a person.
    fn choice(&self, x: f64) -> Vec<f64> {
        let k = self.actions as f64;
        let mut p: Vec<f64> = (0..self.actions).map(|a| self.preference * x * (2.0 * a as f64 / (k - 1.0) - 1.0)).collect();
        softmax(&mut p);
        p.iter_mut().for_each(|p| *p = (1.0 - self.explore) * *p + self.explore / k);
        p
    }

    /// The value of the uniform policy.
    pub fn truth(&self) -> f64 {
        self.value(&vec![1.0 / self.actions as f64; self.actions])
    }

    /// The value of a policy that gives every person the same chances of the actions.
    pub fn value(&self, policy: &[f64]) -> f64 {
        // A grid over both numbers by the trapezoid rule, which for a smooth function of normals is as good as exact.
        let grid: Vec<f64> = (-80..=80).map(|i| f64::from(i) * 0.1).collect();
        let density: Vec<f64> = grid.iter().map(|x| (-0.5 * x * x).exp()).collect();
        let total: f64 = density.iter().sum();
        let mut value = 0.0;
        for (i, x) in grid.iter().enumerate() {
            for (j, y) in grid.iter().enumerate() {
                let mut mean = 0.0;
                for place in 0..3 {
                    mean += policy.iter().enumerate().map(|(a, p)| p * self.chance((*x, *y), place, a)).sum::<f64>();
                }
                value += density[i] * density[j] * mean / 3.0;
            }
        }
        value / (total * total)
    }

    /// A log.
    pub fn log(&self, seed: u64) -> Log {
        let mut r = rng::rng(seed, "two-sided-bandit");
        let (mut action, mut reward, mut propensity, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rows {
            let x = (rng::normal(&mut r), rng::normal(&mut r));
            let place = rng::below(&mut r, 3);
            let p = self.choice(x.0);
            let mut left = rng::unit(&mut r);
            let taken = p.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            let taken = taken.unwrap_or(self.actions - 1);
            action.push(taken as u32);
            propensity.push(p[taken]);
            reward.push(f64::from(u8::from(rng::unit(&mut r) < self.chance(x, place, taken))));
            values.extend([place as f64, x.0, x.1]);
        }
        let number = |name: &str| Feature {
            name: name.to_owned(),
            kind: FeatureKind::Numeric { integer: false, boolean: false },
            mean: 0.0,
            sd: 1.0,
            range: (-4.0, 4.0),
            quantiles: vec![0.0; 9],
            shares: Vec::new(),
            missing: 0.0,
        };
        let levels = ["top", "middle", "bottom"].map(str::to_owned).to_vec();
        let place = Feature { kind: FeatureKind::Categorical { levels }, shares: vec![1.0 / 3.0; 3], ..number("place") };
        Log {
            action,
            names: (0..self.actions).map(|a| format!("a{a:05}")).collect(),
            reward,
            propensity: Some(propensity),
            features: vec![place, number("x1"), number("x2")],
            context: FeatureMatrix { n_features: 3, values },
            columns: Columns {
                action: "action".into(),
                reward: "reward".into(),
                propensity: Some("propensity".into()),
                position: Some("place".into()),
                context: vec!["x1".into(), "x2".into()],
            },
            data: Fingerprint::default(),
        }
    }
}
