//! What the advice hangs on: profit while one assumption moves and the others stay (tornado), where each assumption would
//! have to be for the scenario to earn nothing (break-even), and two of them together.

use serde::{Deserialize, Serialize};

use super::simulate::Simulation;
use super::terms::{Book, Terms};

/// Something that the profit is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumption {
    /// Conversions that the scenario adds; its range is its interval.
    Effect,
    /// Money earned per conversion.
    Value,
    /// Share of it that is left.
    Margin,
    /// Money spent per person reached.
    Contact,
    /// Money spent per conversion of those reached.
    Offer,
    /// Money spent once.
    Fixed,
    /// Share of contacts that arrive.
    Delivered,
    /// Most people who can be reached.
    Capacity,
    /// Most money that may be spent.
    Budget,
    /// How long it runs, as a share of what the data cover.
    Days,
}

impl Assumption {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Effect,
        Self::Value,
        Self::Margin,
        Self::Contact,
        Self::Offer,
        Self::Fixed,
        Self::Delivered,
        Self::Capacity,
        Self::Budget,
        Self::Days,
    ];
    /// Catalogue key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Effect => "strategy.assume_name_effect",
            Self::Value => "strategy.assume_name_value",
            Self::Margin => "strategy.assume_name_margin",
            Self::Contact => "strategy.assume_name_contact",
            Self::Offer => "strategy.assume_name_offer",
            Self::Fixed => "strategy.assume_name_fixed",
            Self::Delivered => "strategy.assume_name_delivered",
            Self::Capacity => "strategy.assume_name_capacity",
            Self::Budget => "strategy.assume_name_budget",
            Self::Days => "strategy.assume_name_days",
        }
    }
    /// Whether it is a share, which is nothing below zero and above one.
    pub fn is_share(self) -> bool {
        matches!(self, Self::Margin | Self::Delivered)
    }
}

/// Share by which a money assumption is moved either way; nobody knows how far it may be off.
pub const EITHER_WAY: f64 = 0.25;
/// Steps of the two-way map on each side.
const STEPS: usize = 11;

/// Profit of a scenario beside doing nothing, as its assumptions make it: who is reached is counted anew each time.
#[derive(Clone, Debug, PartialEq)]
struct World {
    terms: Terms,
    book: Book,
    /// Conversions added as estimated.
    effect: f64,
    /// Times what the model expects.
    times: f64,
}

impl World {
    /// As assumed; `None` where it was not.
    fn get(&self, a: Assumption) -> Option<f64> {
        let t = &self.terms;
        match a {
            Assumption::Effect => Some(self.effect * self.times),
            Assumption::Value => t.value_per_conversion,
            Assumption::Margin => t.margin,
            Assumption::Contact => t.cost_per_contact,
            Assumption::Offer => t.cost_per_conversion,
            Assumption::Fixed => t.fixed_cost,
            Assumption::Delivered => t.delivered,
            Assumption::Capacity => t.capacity,
            Assumption::Budget => t.budget,
            Assumption::Days => t.share_of_period,
        }
    }
    fn with(&self, a: Assumption, to: f64) -> Self {
        let mut out = self.clone();
        let t = &mut out.terms;
        match a {
            Assumption::Effect => out.times = if self.effect == 0.0 { 1.0 } else { to / self.effect },
            Assumption::Value => t.value_per_conversion = Some(to),
            Assumption::Margin => t.margin = Some(to),
            Assumption::Contact => t.cost_per_contact = Some(to),
            Assumption::Offer => t.cost_per_conversion = Some(to),
            Assumption::Fixed => t.fixed_cost = Some(to),
            Assumption::Delivered => t.delivered = Some(to),
            Assumption::Capacity => t.capacity = Some(to),
            Assumption::Budget => t.budget = Some(to),
            Assumption::Days => t.share_of_period = Some(to),
        }
        out
    }
    fn profit(&self) -> f64 {
        // A budget that does not even pay what is paid once reaches nobody.
        self.book.outcome(&self.terms, self.times).1.unwrap_or(f64::NAN)
    }
    /// Where an assumption may be at all.
    fn domain(&self, a: Assumption) -> (f64, f64) {
        match a {
            Assumption::Effect => (f64::NEG_INFINITY, f64::INFINITY),
            _ if a.is_share() => (0.0, 1.0),
            _ => (0.0, f64::INFINITY),
        }
    }
    /// Where the assumption would have to be for a profit of nothing; the nearest such place, none where there is none.
    fn break_even(&self, a: Assumption) -> Option<f64> {
        let at = self.get(a)?;
        if a == Assumption::Effect && self.effect == 0.0 {
            return None;
        }
        let (low, high) = self.domain(a);
        let (profit, scale) = (self.profit(), self.profit().abs().max(1.0));
        let of = |x: f64| self.with(a, x).profit();
        // Most assumptions act in a straight line, whose root is known wherever it lies; a limit that binds bends it here.
        let step = if at == 0.0 { 1.0 } else { at * 0.01 };
        let straight = [step, -step].map(|d| at - profit / ((of(at + d) - profit) / d));
        let on_it = |root: &f64| root.is_finite() && (low..=high).contains(root) && of(*root).abs() <= 1e-9 * scale;
        // Further away it may bend anywhere: the nearest change of sign, up to ten times as far.
        let far = at.abs().max(1.0) * 10.0;
        let (from, to) = (low.max(at - far), high.min(at + far));
        let place = |k: usize| from + (to - from) * k as f64 / 400.0;
        let off = |x: f64| (x - at).abs();
        let turns = (0..400).filter(|k| (of(place(*k)) > 0.0) != (of(place(k + 1)) > 0.0));
        let bent = turns.min_by(|a, b| off(place(*a)).total_cmp(&off(place(*b)))).map(|k| {
            let (mut x, mut y) = (place(k), place(k + 1));
            let above = of(x) > 0.0;
            for _ in 0..80 {
                let middle = f64::midpoint(x, y);
                if (of(middle) > 0.0) == above { x = middle } else { y = middle }
            }
            f64::midpoint(x, y)
        });
        let found = straight.into_iter().filter(on_it).chain(bent).min_by(|a, b| off(*a).total_cmp(&off(*b)));
        // What a search leaves beside nothing is nothing.
        found.map(|root| if root.abs() < 1e-9 * at.abs() { 0.0 } else { root })
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
    /// The first two of them together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<TwoWay>,
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
    result.money.value_per_conversion?;
    let world = World { terms: result.money, book: result.book.clone()?, effect: difference.conversions.value, times: 1.0 };
    Some((world, (difference.conversions.low, difference.conversions.high)))
}

fn range(world: &World, effect: (f64, f64), a: Assumption) -> (f64, f64) {
    let at = world.get(a).unwrap_or_default();
    if a == Assumption::Effect {
        return effect;
    }
    let (low, high) = world.domain(a);
    ((at * (1.0 - EITHER_WAY)).max(low), (at * (1.0 + EITHER_WAY)).min(high))
}

/// Every assumption moved by itself.
pub fn sensitivity(sim: &Simulation, scenario: &str) -> Option<Sensitivity> {
    let (world, effect) = world(sim, scenario)?;
    let swing = |a: Assumption| {
        let (low, high) = range(&world, effect, a);
        Swing {
            assumption: a,
            at: world.get(a).unwrap_or_default(),
            low,
            high,
            profit_low: world.with(a, low).profit(),
            profit_high: world.with(a, high).profit(),
            break_even: world.break_even(a),
        }
    };
    // An assumption that was not entered is none.
    let mut swings: Vec<Swing> =
        Assumption::ALL.into_iter().filter(|a| *a == Assumption::Effect || world.get(*a).is_some_and(|v| v != 0.0)).map(swing).collect();
    let span = |s: &Swing| (s.profit_high - s.profit_low).abs();
    swings.sort_by(|a, b| span(b).total_cmp(&span(a)));
    let together = match &swings[..] {
        [x, y, ..] => two_way(sim, scenario, x.assumption, y.assumption),
        _ => None,
    };
    Some(Sensitivity { scenario: scenario.to_owned(), profit: world.profit(), swings, together })
}

/// Two assumptions moved together, over their ranges and half as much again.
pub fn two_way(sim: &Simulation, scenario: &str, x: Assumption, y: Assumption) -> Option<TwoWay> {
    let (world, effect) = world(sim, scenario)?;
    let steps = |a: Assumption| -> Vec<f64> {
        let (low, high) = range(&world, effect, a);
        let (least, most) = world.domain(a);
        let (low, high) = ((low - 0.5 * (high - low)).max(least), (high + 0.5 * (high - low)).min(most));
        (0..STEPS).map(|i| low + (high - low) * i as f64 / (STEPS - 1) as f64).collect()
    };
    let (xs, ys) = (steps(x), steps(y));
    let profit = ys.iter().flat_map(|v| xs.iter().map(move |u| (u, v))).map(|(u, v)| world.with(x, *u).with(y, *v).profit()).collect();
    Some(TwoWay { x, y, xs, ys, profit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::terms::{First, Knot};

    /// A thousand people, a hundred buy anyway, fifty more with the push.
    fn push() -> World {
        let book = Book { knots: vec![Knot { rows: 0.0, before: 0.0, gain: 0.0 }, Knot { rows: 1_000.0, before: 100.0, gain: 50.0 }] };
        let terms = Terms { value_per_conversion: Some(40.0), cost_per_contact: Some(0.5), fixed_cost: Some(300.0), ..Terms::default() };
        World { terms, book, effect: 50.0, times: 1.0 }
    }

    #[test]
    fn profit_is_what_is_earned_less_what_is_spent() {
        let w = push();
        assert!((w.profit() - (50.0 * 40.0 - 500.0 - 300.0)).abs() < 1e-9);
        for (a, at) in [(Assumption::Effect, 20.0), (Assumption::Value, 16.0), (Assumption::Contact, 1.7), (Assumption::Fixed, 1_500.0)] {
            let found = w.break_even(a).unwrap();
            assert!((found - at).abs() < 1e-6 && w.with(a, found).profit().abs() < 1e-6, "{a:?}: {found}");
        }
        // What was not assumed has no break-even; nothing breaks even where nobody is won over.
        assert_eq!(w.break_even(Assumption::Budget), None);
        let lost = World { effect: 0.0, book: Book { knots: vec![w.book.knots[0], Knot { gain: 0.0, ..w.book.knots[1] }] }, ..w };
        assert_eq!(lost.break_even(Assumption::Value), None);
    }

    #[test]
    fn a_limit_that_binds_is_counted_anew() {
        // The best first: 40 of the 50 are won among the first 200 people.
        let knot = |rows: f64, gain: f64| Knot { rows, before: rows / 10.0, gain };
        let book = Book { knots: vec![knot(0.0, 0.0), knot(200.0, 40.0), knot(1_000.0, 50.0)] };
        let terms = Terms { capacity: Some(200.0), cost_per_conversion: Some(2.0), margin: Some(0.5), first: First::Gain, ..push().terms };
        let w = World { terms, book, effect: 40.0, times: 1.0 };
        assert!((w.profit() - (40.0 * 20.0 - 100.0 - 300.0 - 2.0 * 60.0)).abs() < 1e-9);
        // A conversion leaves 20: the people beyond cost more than they bring.
        assert!(w.with(Assumption::Capacity, 400.0).profit() < w.profit());
        // Within the first 200 profit is a straight line through −300.
        let even = w.break_even(Assumption::Capacity).unwrap();
        assert!((even - 200.0 * 300.0 / (w.profit() + 300.0)).abs() < 1e-6, "{even}");
        // Beyond the bend the straight line leads away; the nearer place lies round the corner.
        let beyond = w.with(Assumption::Capacity, 300.0);
        let back = beyond.break_even(Assumption::Capacity).unwrap();
        assert!((back - even).abs() < 1e-6, "{back}");
        // Whoever pays nothing once earns nothing with nobody, and the search does not leave dust there.
        let free = World { terms: Terms { fixed_cost: None, ..w.terms }, ..w.clone() };
        assert_eq!(free.with(Assumption::Capacity, 150.0).break_even(Assumption::Capacity), Some(0.0));
        assert!(w.break_even(Assumption::Margin).is_some_and(|m| m > 0.0 && m < 0.5));
    }
}
