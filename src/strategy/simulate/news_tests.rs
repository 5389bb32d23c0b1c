//! An outcome that is bad news: what is said of it is what is said of its opposite, which is good news.

use super::tests::{levers, model, near, no_test, push, run_with, scenario, table};
use super::*;
use crate::ml::OutcomeKind;
use crate::recommend::rank::tests::Formula;
use crate::strategy::sensitivity::{Assumption, two_way};

/// The same people asked whether they stay: every margin with the other sign.
struct Opposite(Formula);

impl Model for Opposite {
    fn card(&self) -> &crate::ml::ModelCard {
        &self.0.card
    }
    fn card_mut(&mut self) -> &mut crate::ml::ModelCard {
        &mut self.0.card
    }
    fn margins(&self, x: &crate::data::FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        Ok(self.0.margins(x, ctx)?.into_iter().map(|m| -m).collect())
    }
    fn structure(&self) -> crate::ml::model::Structure<'_> {
        crate::ml::model::Structure::Opaque
    }
    fn tensors(&self) -> Vec<crate::ml::file::NamedTensor> {
        Vec::new()
    }
}

fn bad() -> SimulateOptions {
    SimulateOptions { news: News::Bad, ..SimulateOptions::default() }
}

/// Two scenarios with everything that money can hang on; the second reaches the best first.
fn asked(more: &str) -> Vec<Scenario> {
    let money = "value_per_conversion = 40.0\ncost_per_contact = 0.5\nfixed_cost = 10.0\nmargin = 0.5\ncost_per_conversion = 3.0\n";
    let mut two = vec![push(money), push(&format!("{money}{more}"))];
    two[1].name = "best".into();
    two[1].set = scenario(&[("pages", "*0.5"), ("channel", "ads"), ("age", "+5%")]).set;
    two
}

fn same(a: Estimate, b: Estimate) {
    for (x, y) in [(a.value, b.value), (a.low, b.low), (a.high, b.high)] {
        assert!(near(x, y), "{a:?} against {b:?}");
    }
}

fn turned(a: Estimate) -> Estimate {
    a.scaled(-1.0, 0.0)
}

#[test]
fn bad_news_is_the_opposite_of_good_news() {
    for more in ["capacity = 15.0\nfirst = \"gain\"", "budget = 60.0\nfirst = \"gain\"", "budget = 60.0", ""] {
        let leave = run_with(&model(), &asked(more), &bad()).unwrap();
        let stay = run_with(&Opposite(model()), &asked(more), &SimulateOptions::default()).unwrap();
        for (l, s) in leave.scenarios.iter().zip(&stay.scenarios).skip(1) {
            same(l.reach, s.reach);
            same(l.cost.unwrap(), s.cost.unwrap());
            same(l.roi.unwrap(), s.roi.unwrap());
            assert!(near(l.rate.value, 1.0 - s.rate.value), "the outcome keeps its own share");
        }
        for (l, s) in leave.differences.iter().zip(&stay.differences) {
            same(l.profit.unwrap(), s.profit.unwrap());
            same(l.revenue.unwrap(), s.revenue.unwrap());
            same(l.conversions, turned(s.conversions));
            for (x, y) in l.drivers.iter().zip(&s.drivers) {
                assert!(x.0 == y.0 && near(x.1, -y.1));
            }
        }
        same(leave.pairs[0].profit.unwrap(), stay.pairs[0].profit.unwrap());
        same(leave.pairs[0].conversions, turned(stay.pairs[0].conversions));
        for (l, s) in leave.sensitivity.iter().zip(&stay.sensitivity) {
            assert!(near(l.profit, s.profit));
            for x in &l.swings {
                let y = s.swings.iter().find(|y| y.assumption == x.assumption).unwrap();
                // Of the effect the ends change places with its sign.
                let effect = x.assumption == Assumption::Effect;
                let (low, high, sign) = if effect { (y.profit_high, y.profit_low, -1.0) } else { (y.profit_low, y.profit_high, 1.0) };
                assert!(near(x.at, sign * y.at) && near(x.profit_low, low) && near(x.profit_high, high), "{x:?} against {y:?}");
                match (x.break_even, y.break_even) {
                    (Some(a), Some(b)) => assert!((a - sign * b).abs() < 1e-6, "{x:?} against {y:?}"),
                    (a, b) => assert_eq!(a, b),
                }
            }
            let map = |sim: &Simulation| two_way(sim, &l.scenario, Assumption::Value, Assumption::Contact).unwrap().profit;
            assert!(map(&leave).iter().zip(map(&stay)).all(|(a, b)| near(*a, b)));
        }
    }
}

#[test]
fn what_drives_two_scenarios_apart_is_the_opposite_as_well() {
    let two = asked("capacity = 15.0\nfirst = \"gain\"");
    let raw = table();
    let told = |m: &dyn Model, options: &SimulateOptions| {
        let baseline = Baseline::of(m, m.card().encoder.encode_raw(&raw).unwrap().0, &JobCtx::quiet()).unwrap();
        between(m, &raw, &baseline, [&two[0], &two[1]], &levers(""), options, &no_test, &JobCtx::quiet()).unwrap()
    };
    let (leave, stay) = (told(&model(), &bad()), told(&Opposite(model()), &SimulateOptions::default()));
    assert!(near(leave.profit.unwrap(), stay.profit.unwrap()) && near(leave.conversions, -stay.conversions));
    assert_eq!(leave.parts.len(), stay.parts.len());
    for l in &leave.parts {
        let s = stay.parts.iter().find(|s| s.player == l.player).unwrap();
        assert!(near(l.profit.unwrap(), s.profit.unwrap()) && near(l.conversions, -s.conversions), "{l:?} against {s:?}");
    }
}

#[test]
fn cases_avoided_are_what_is_earned() {
    // Fewer pages, fewer cases: by hand for the fifteen whose chance falls most.
    let mut s = push("value_per_conversion = 100.0\ncost_per_contact = 0.5\ncapacity = 15.0\nfirst = \"gain\"");
    s.set = scenario(&[("pages", "0")]).set;
    let out = run_with(&model(), std::slice::from_ref(&s), &bad()).unwrap();
    let (m, raw) = (model(), table());
    let x = m.card.encoder.encode_raw(&raw).unwrap().0;
    let of = |pages: Option<f64>| -> Vec<f64> {
        (0..x.n_rows())
            .map(|i| crate::ml::model::sigmoid(super::tests::margin(&[x.row(i)[0], pages.unwrap_or(x.row(i)[1]), x.row(i)[2]])))
            .collect()
    };
    let mut falls: Vec<f64> = of(None).iter().zip(of(Some(0.0))).map(|(b, a)| b - a).collect();
    falls.sort_by(|a, b| b.total_cmp(a));
    let avoided: f64 = falls[..15].iter().sum();
    let (r, d) = (&out.scenarios[1], &out.differences[0]);
    assert!(avoided > 1.0 && near(d.conversions.value, -avoided), "cases keep their own sign");
    assert!(near(r.revenue.unwrap().value, 100.0 * avoided) && near(r.profit.unwrap().value, 100.0 * avoided - 7.5));
    assert_eq!(
        (out.scenarios[0].revenue.unwrap().value, out.scenarios[0].profit.unwrap().value),
        (0.0, 0.0),
        "doing nothing avoids nothing"
    );
    assert!(near(r.roi.unwrap().value, (100.0 * avoided - 7.5) / 7.5));
    assert!(r.warnings.iter().any(|w| w.code == "strategy.best_first_fall"));
    assert!(out.assumptions.iter().any(|w| w.code == "strategy.news_bad"));
    // More cases earn less than nothing.
    s.set = scenario(&[("pages", "9")]).set;
    let worse = run_with(&model(), &[s], &bad()).unwrap();
    assert!(worse.differences[0].conversions.value > 0.0 && worse.differences[0].profit.unwrap().value < -7.5);
}

#[test]
fn an_amount_that_is_bad_news_has_nobody_to_be_spared() {
    let mut m = model();
    m.card.outcomes[0].kind = OutcomeKind::Number;
    let mut s = push("value_per_conversion = 2.0");
    s.set = scenario(&[("pages", "0")]).set;
    let out = run_with(&m, std::slice::from_ref(&s), &bad()).unwrap();
    let d = &out.differences[0];
    assert!(d.conversions.value < 0.0 && near(d.profit.unwrap().value, -2.0 * d.conversions.value));
    s.cost_per_conversion = Some(1.0);
    assert_eq!(run_with(&m, &[s], &bad()).unwrap_err().0.code, "strategy.bad_offer_amount");
}
