//! Response curves: what a channel gives for what is spent in it. All rise, and flatten out.

use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::fault;

/// A shape of diminishing returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// β · tanh(λx / 2).
    #[default]
    Tanh,
    /// β · x^s / (1/λ^s + x^s): half of β is reached at x = 1/λ; S-shaped above a slope of 1.
    Hill,
    /// β · ln(1 + λx), which never ends.
    Log,
}

/// One curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Its shape.
    #[serde(default)]
    pub shape: Shape,
    /// What it rises to (of a logarithm: how fast it rises).
    pub beta: f64,
    /// How soon it flattens, per unit of spending.
    pub lambda: f64,
    /// Slope of a Hill curve; 1 if absent.
    #[serde(default = "one")]
    pub slope: f64,
}

fn one() -> f64 {
    1.0
}

impl Curve {
    /// Whether the numbers make a curve.
    pub fn check(&self, channel: &str) -> Result<()> {
        let fine = |v: f64| v > 0.0 && v.is_finite();
        if self.beta >= 0.0 && self.beta.is_finite() && fine(self.lambda) && fine(self.slope) {
            Ok(())
        } else {
            Err(fault!("budget.bad_curve", channel = channel))
        }
    }

    /// The response to spending `x`.
    pub fn at(&self, x: f64) -> f64 {
        let x = x.max(0.0);
        match self.shape {
            Shape::Tanh => self.beta * (self.lambda * x / 2.0).tanh(),
            Shape::Hill => {
                let u = (self.lambda * x).powf(self.slope);
                if u.is_infinite() { self.beta } else { self.beta * u / (1.0 + u) }
            }
            Shape::Log => self.beta * (self.lambda * x).ln_1p(),
        }
    }

    /// What the next unit of spending adds.
    pub fn marginal(&self, x: f64) -> f64 {
        let x = x.max(0.0);
        match self.shape {
            Shape::Tanh => {
                let t = (self.lambda * x / 2.0).tanh();
                self.beta * self.lambda / 2.0 * (1.0 - t * t)
            }
            Shape::Hill => {
                // A slope below 1 is infinitely steep at nothing; the first thousandth part of 1/λ stands for it.
                let v = (self.lambda * x).max(if self.slope < 1.0 { 1e-3 } else { 0.0 });
                let u = v.powf(self.slope);
                self.beta * self.slope * self.lambda * v.powf(self.slope - 1.0) / ((1.0 + u) * (1.0 + u))
            }
            Shape::Log => self.beta * self.lambda / (1.0 + self.lambda * x),
        }
    }

    /// How fast the marginal response falls (negative where the curve bends down).
    pub fn bend(&self, x: f64) -> f64 {
        let step = 1e-4 / self.lambda;
        let low = (x - step).max(0.0);
        (self.marginal(x + step) - self.marginal(low)) / (x + step - low)
    }

    /// The most that one unit of spending returns on average, whatever is spent.
    pub fn best_return(&self) -> f64 {
        if self.inflection() == 0.0 {
            return self.marginal(0.0);
        }
        // The average of an S is best a little beyond its bend.
        (1..=400).map(|i| f64::from(i) / 50.0 / self.lambda).map(|x| self.at(x) / x).fold(0.0, f64::max)
    }

    /// The most that a next unit adds anywhere from `floor` on.
    pub fn steepest(&self, floor: f64) -> f64 {
        self.marginal(floor.max(self.inflection()))
    }

    /// Spending from which returns diminish: 0 but for an S.
    pub fn inflection(&self) -> f64 {
        if self.shape == Shape::Hill && self.slope > 1.0 {
            ((self.slope - 1.0) / (self.slope + 1.0)).powf(1.0 / self.slope) / self.lambda
        } else {
            0.0
        }
    }
}
