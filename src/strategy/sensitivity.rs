//! What the advice hangs on: profit while one assumption moves and the others stay (tornado), where each assumption would
//! have to be for the scenario to earn nothing (break-even), and two of them together.

use serde::{Deserialize, Serialize};

use super::simulate::Simulation;

/// Something that the profit is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumption {
    /// Conversions that the scenario adds; its range is its interval.
    Effect,
    /// Money earned per conversion.
    Value,
    /// Money spent per person reached.
    Contact,
    /// Money spent once.
    Fixed,
}

impl Assumption {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Effect, Self::Value, Self::Contact, Self::Fixed];
    /// Catalogue key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Effect => "strategy.assume_name_effect",
            Self::Value => "strategy.assume_name_value",
            Self::Contact => "strategy.assume_name_contact",
            Self::Fixed => "strategy.assume_name_fixed",
        }
    }
}

/// Share by which a money assumption is moved either way; nobody knows how far it may be off.
pub const EITHER_WAY: f64 = 0.25;
/// Steps of the two-way map on each side.
const STEPS: usize = 11;

/// Profit of a scenario as its assumptions make it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct World {
    effect: f64,
    value: f64,
    contact: f64,
    fixed: f64,
    reach: f64,
}

impl World {
    fn get(&self, a: Assumption) -> f64 {
        match a {
            Assumption::Effect => self.effect,
            Assumption::Value => self.value,
            Assumption::Contact => self.contact,
            Assumption::Fixed => self.fixed,
        }
    }
    fn with(mut self, a: Assumption, to: f64) -> Self {
        match a {
            Assumption::Effect => self.effect = to,
            Assumption::Value => self.value = to,
            Assumption::Contact => self.contact = to,
            Assumption::Fixed => self.fixed = to,
        }
        self
    }
    fn profit(&self) -> f64 {
        self.effect * self.value - self.reach * self.contact - self.fixed
    }
    /// Where the assumption would have to be for a profit of nothing; none where it cannot be.
    fn break_even(&self, a: Assumption) -> Option<f64> {
        let cost = self.reach * self.contact + self.fixed;
        let found = match a {
            Assumption::Effect => cost / self.value,
            Assumption::Value => cost / self.effect,
            Assumption::Contact => (self.effect * self.value - self.fixed) / self.reach,
            Assumption::Fixed => self.effect * self.value - self.reach * self.contact,
        };
        (found.is_finite() && (found >= 0.0 || a == Assumption::Effect)).then_some(found)
    }
}

/// One assumption moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Swing {
    /// Which.
    pub assumption: Assumption,
    /// As assumed, or as estimated.
    pub at: f64,
    /// Moved down.
    pub low: f64,
    /// Moved up.
    pub high: f64,
    /// Profit at the lower end.
    pub profit_low: f64,
    /// Profit at the upper end.
    pub profit_high: f64,
    /// Where the profit would be nothing.
    pub break_even: Option<f64>,
}

/// What the profit of a scenario hangs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The scenario.
    pub scenario: String,
    /// Profit beside doing nothing, as assumed.
    pub profit: f64,
    /// Every assumption, the one that moves the profit most first.
    pub swings: Vec<Swing>,
}

/// Two assumptions moved together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoWay {
    /// Across.
    pub x: Assumption,
    /// Upwards.
    pub y: Assumption,
    /// Values across.
    pub xs: Vec<f64>,
    /// Values upwards.
    pub ys: Vec<f64>,
    /// Profit, `ys × xs`.
    pub profit: Vec<f64>,
}

/// The scenario's numbers and the interval of its effect; `None` before a value per conversion is entered.
fn world(sim: &Simulation, scenario: &str) -> Option<(World, (f64, f64))> {
    let difference = sim.differences.iter().find(|d| d.name == scenario)?;
    let result = sim.scenarios.iter().skip(1).find(|s| s.name == scenario)?;
    let money = result.money;
    let world = World {
        effect: difference.conversions.value,
        value: money.value_per_conversion?,
        contact: money.cost_per_contact.unwrap_or(0.0),
        fixed: money.fixed_cost.unwrap_or(0.0),
        reach: result.reach.value,
    };
    Some((world, (difference.conversions.low, difference.conversions.high)))
}

fn range(world: &World, effect: (f64, f64), a: Assumption) -> (f64, f64) {
    let at = world.get(a);
    if a == Assumption::Effect { effect } else { (at * (1.0 - EITHER_WAY), at * (1.0 + EITHER_WAY)) }
}

/// Every assumption moved by itself.
pub fn sensitivity(sim: &Simulation, scenario: &str) -> Option<Sensitivity> {
    let (world, effect) = world(sim, scenario)?;
    let swing = |a: Assumption| {
        let (low, high) = range(&world, effect, a);
        Swing {
            assumption: a,
            at: world.get(a),
            low,
            high,
            profit_low: world.with(a, low).profit(),
            profit_high: world.with(a, high).profit(),
            break_even: world.break_even(a),
        }
    };
    // An assumption that was not entered is none.
    let mut swings: Vec<Swing> =
        Assumption::ALL.into_iter().filter(|a| *a == Assumption::Effect || world.get(*a) != 0.0).map(swing).collect();
    let span = |s: &Swing| (s.profit_high - s.profit_low).abs();
    swings.sort_by(|a, b| span(b).total_cmp(&span(a)));
    Some(Sensitivity { scenario: scenario.to_owned(), profit: world.profit(), swings })
}

/// Two assumptions moved together, over their ranges and half as much again.
pub fn two_way(sim: &Simulation, scenario: &str, x: Assumption, y: Assumption) -> Option<TwoWay> {
    let (world, effect) = world(sim, scenario)?;
    let steps = |a: Assumption| -> Vec<f64> {
        let (low, high) = range(&world, effect, a);
        let (low, high) = (low - 0.5 * (high - low), high + 0.5 * (high - low));
        (0..STEPS).map(|i| low + (high - low) * i as f64 / (STEPS - 1) as f64).collect()
    };
    let (xs, ys) = (steps(x), steps(y));
    let profit = ys.iter().flat_map(|v| xs.iter().map(move |u| (u, v))).map(|(u, v)| world.with(x, *u).with(y, *v).profit()).collect();
    Some(TwoWay { x, y, xs, ys, profit })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: World = World { effect: 50.0, value: 40.0, contact: 0.5, fixed: 300.0, reach: 1_000.0 };

    #[test]
    fn profit_is_what_is_earned_less_what_is_spent() {
        assert_eq!(PUSH.profit(), 50.0 * 40.0 - 500.0 - 300.0);
        for a in Assumption::ALL {
            let at = PUSH.break_even(a).unwrap();
            assert!(PUSH.with(a, at).profit().abs() < 1e-9, "{a:?}");
        }
        // Nothing breaks even where nobody is won over, and no cost is below nothing.
        assert_eq!(World { effect: 0.0, ..PUSH }.break_even(Assumption::Value), None);
        assert_eq!(World { effect: 1.0, ..PUSH }.break_even(Assumption::Fixed), None);
    }
}
