//! What money earns, held against the same scenario simulated with every capacity there is.

use super::*;
use crate::strategy::simulate::{Frontier, frontier};

fn found(s: &Scenario) -> Result<Frontier> {
    let (m, raw, ctx) = (model(), table(), JobCtx::quiet());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &ctx)?;
    frontier(&m, &raw, &baseline, s, &levers(""), &SimulateOptions::default(), &ctx)
}

#[test]
fn every_point_is_the_scenario_with_that_capacity() {
    for text in [
        "value_per_conversion = 30.0\ncost_per_contact = 1.6",
        "value_per_conversion = 30.0\nmargin = 0.5\ncost_per_contact = 0.7\ncost_per_conversion = 2.0\nfixed_cost = 3.0",
        "value_per_conversion = 30.0\ncost_per_contact = 0.4\nfixed_cost = 500.0",
    ] {
        let at = |capacity: usize, first: &str| {
            let s = push(&format!("{text}\ncapacity = {capacity}.0\nfirst = \"{first}\""));
            let out = run(std::slice::from_ref(&s)).unwrap();
            (out.differences[0].clone(), out.scenarios[1].clone())
        };
        let f = found(&push(text)).unwrap();
        let n = f.best_first.last().unwrap().people as usize;
        let mut top: f64 = 0.0;
        for k in 1..=n {
            let (d, r) = at(k, "gain");
            top = top.max(d.profit.unwrap().value);
            if let Some(p) = f.best_first.iter().find(|p| p.people == k as f64) {
                assert!(near(p.conversions.value, d.conversions.value) && near(p.cost, r.cost.unwrap().value), "{k}");
                let (a, b) = (p.profit, d.profit.unwrap());
                assert!(near(a.value, b.value) && near(a.low, b.low) && near(a.high, b.high), "{k}: {a:?} {b:?}");
            }
            if let Some(p) = f.by_chance.iter().find(|p| p.people == k as f64) {
                let (d, r) = at(k, "chance");
                assert!(near(p.profit.value, d.profit.unwrap().value) && near(p.cost, r.cost.unwrap().value), "{k}");
            }
        }
        let best = f.best_first[f.best];
        assert!(near(best.profit.value, top), "{text}: {} is not {top}", best.profit.value);
        assert_eq!(f.best == 0, top == 0.0, "nobody is reached where nobody pays");
        assert_eq!((f.best_first[0].cost, f.best_first[0].profit.value), (0.0, 0.0));
    }
}

#[test]
fn the_plan_stands_where_its_own_limits_put_it() {
    let text = "value_per_conversion = 30.0\ncost_per_contact = 0.7\ncost_per_conversion = 2.0\nbudget = 25.0";
    for first in ["gain", "chance"] {
        let s = push(&format!("{text}\nfirst = \"{first}\""));
        let (f, out) = (found(&s).unwrap(), run(std::slice::from_ref(&s)).unwrap());
        assert!(near(f.planned.people, out.scenarios[1].reach.value) && near(f.planned.cost, 25.0), "{first}: {:?}", f.planned);
        assert!(near(f.planned.profit.value, out.differences[0].profit.unwrap().value), "{first}");
        assert!(f.planned.people.fract() > 0.0 && f.planned.people < N as f64, "a limit in the middle of a person is tried");
    }
}

#[test]
fn without_a_value_money_earns_nothing() {
    assert_eq!(found(&push("cost_per_contact = 0.7")).unwrap_err().0.code, "strategy.frontier_value");
}
