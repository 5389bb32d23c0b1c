//! A scenario whose effect a test measured: its people and terms are counted like any other's, what it adds is the test's.

use super::SimulateOptions;
use super::answer::{Answered, Sums, ends, roi, unpriced};
use super::plan::Plan;
use super::result::{Covers, Difference, Estimate, ScenarioResult};
use super::world::World;
use crate::base::Result;
use crate::strategy::causal::stats::Z95;
use crate::strategy::scenario::Scenario;
use crate::strategy::terms::{Book, First, Knot, Terms};
use crate::strategy::tested::Measured;
use crate::{fault, note};

/// Whether what was measured is what the model is asked about.
pub(super) fn fits(world: &World<'_>, scenario: &Scenario, found: &Measured) -> Result<()> {
    let outcome = &world.model.card().outcomes[world.outcome];
    if found.outcome != outcome.name {
        return Err(fault!("strategy.tested_outcome", name = &scenario.name, measured = &found.outcome, outcome = &outcome.name));
    }
    Ok(())
}

/// So many people, all alike.
pub(super) fn book(n: f64, found: &Measured) -> Book {
    let nobody = Knot { rows: 0.0, before: 0.0, gain: 0.0 };
    Book { knots: vec![nobody, Knot { rows: n, before: n * found.before.0, gain: n * found.effect }] }
}

/// One scenario, as measured; `alone` where scenarios are also judged by outcomes that the test did not measure.
pub(super) fn answer(
    world: &World<'_>,
    scenario: &Scenario,
    plan: &Plan,
    found: &Measured,
    alone: bool,
    options: &SimulateOptions,
) -> Answered {
    let n = plan.rows.len() as f64;
    let t = Terms { first: First::Chance, ..plan.terms };
    let book = book(n, found);
    let rows = book.reached(&t, 1.0);
    let people = n * t.people_per_row();
    // People who get it: the effect of each is the test's, and so is what is not known of it.
    let reached = rows * t.people_per_row();
    let get = reached * t.arrives();
    let added = estimate(get * found.effect, get * found.low, get * found.high);
    let half = Z95 * people * found.before.1;
    let value = people * found.before.0 + added.value;
    let conversions = around(value, half.hypot(value_below(added)), half.hypot(value_above(added)));
    let contacts = reached * t.cost_per_contact.unwrap_or(0.0) + t.fixed_cost.unwrap_or(0.0);
    let offer = t.cost_per_conversion.unwrap_or(0.0);
    // Takers of the offer: with bad news those to whom it does not happen, so that they move against the outcome.
    let (sign, takers) = (t.news.sign(), t.takers(get, get * (found.before.0 + found.effect)));
    let moved = added.scaled(offer * sign, 0.0);
    let offers = around(offer * takers, value_below(moved), value_above(moved));
    let cost = t.costs().then(|| offers.scaled(1.0, contacts));
    // The offer of a conversion is paid out of it, so both move together.
    let extra = t.worth_added().map(|w| added.scaled(w - offer * sign, -contacts - offer * t.takers(get, get * found.before.0)));
    let mut warnings =
        vec![note!("strategy.tested_people", treated = found.people.0, control = found.people.1), note!("strategy.tested_same")];
    warnings.extend(found.notes.iter().cloned());
    if !plan.terms.first.is_chance() {
        warnings.push(note!("strategy.tested_by_chance"));
    }
    if alone {
        warnings.push(note!("strategy.tested_alone"));
    }
    warnings.extend(unpriced(&t));
    warnings.extend(ends(&t, people, reached));
    let per_person = 1.0 / people.max(f64::MIN_POSITIVE);
    let result = ScenarioResult {
        name: scenario.name.clone(),
        grade: found.grade,
        reason: found.reason.clone(),
        people,
        reach: Estimate::exact(reached),
        conversions,
        rate: conversions.scaled(per_person, 0.0),
        revenue: t.value_per_conversion.map(|v| if t.news.is_good() { conversions.scaled(v, 0.0) } else { added.scaled(-v, 0.0) }),
        cost,
        profit: t.worth().map(|w| conversions.scaled(w, -cost.map_or(0.0, |c| c.value))).filter(|_| t.news.is_good()).or(extra),
        retention: None,
        satisfaction: None,
        roi: roi(extra, cost),
        money: t,
        book: Some(book),
        outside: 0.0,
        warnings,
    };
    let difference = Difference {
        name: scenario.name.clone(),
        conversions: added,
        rate: added.scaled(per_person, 0.0),
        revenue: t.value_added().map(|v| added.scaled(v, 0.0)),
        profit: extra,
        retention: None,
        satisfaction: None,
        drivers: Vec::new(),
    };
    // Beside others its own uncertainty is added to theirs: who is in the data says nothing about what a test measured.
    let all = world.baseline.resample(world.baseline.x.n_rows(), options.replicates, options.seed);
    let each = |total: f64| all.sums(&plan.rows, &vec![total / n.max(1.0); plan.rows.len()], 1.0);
    let sums = Sums {
        conversions: each(added.value),
        offers: if offer > 0.0 { each(offers.value) } else { Vec::new() },
        known: contacts,
        value: t.value_added(),
        worth: t.worth_added(),
        also: [Vec::new(), Vec::new()],
        measured: true,
    };
    Answered { result, difference, sums }
}

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high, covers: Covers::Sample }
}

fn around(value: f64, below: f64, above: f64) -> Estimate {
    estimate(value, value - below, value + above)
}

fn value_below(e: Estimate) -> f64 {
    e.value - e.low
}

fn value_above(e: Estimate) -> f64 {
    e.high - e.value
}
