//! Scenarios against each other, held against the subtraction of their answers and against every replicate by hand.

use super::*;
use crate::base::rng;
use crate::data::features::quantile;

/// One scenario by hand: whom it is about, its prices, and what share of them is reached.
struct Hand {
    about: fn(i64) -> bool,
    value: f64,
    margin: f64,
    contact: f64,
    offer: f64,
    fixed: f64,
    capacity: f64,
}

/// Conversions added, revenue, cost, profit and ROI when person i was drawn `times[i]` times.
fn figures(h: &Hand, times: &[f64]) -> [f64; 5] {
    let people = (0..N).filter(|i| (h.about)(*i)).count() as f64;
    let reached = h.capacity.min(people);
    let (mut added, mut offers) = (0.0, 0.0);
    for i in (0..N).filter(|i| (h.about)(*i)) {
        let (before, after) = (by_hand(i..=i, |_| {}), by_hand(i..=i, |r| r[1] += 2.0));
        added += times[i as usize] * reached / people * (after - before);
        offers += times[i as usize] * reached / people * after * h.offer;
    }
    let cost = reached * h.contact + h.fixed + offers;
    let profit = added * h.value * h.margin - cost;
    [added, added * h.value, cost, profit, profit / cost]
}

fn of(p: &Pair) -> [Estimate; 5] {
    [p.conversions, p.revenue.unwrap(), p.cost.unwrap(), p.profit.unwrap(), p.roi.unwrap()]
}

#[test]
fn every_band_is_that_of_the_differences_in_every_replicate() {
    let everybody = Hand { about: |_| true, value: 40.0, margin: 1.0, contact: 0.5, offer: 2.0, fixed: 0.0, capacity: 1e9 };
    let mail = Hand { about: |i| i % 3 == 1, value: 25.0, margin: 0.8, contact: 0.0, offer: 1.5, fixed: 3.0, capacity: 12.0 };
    let old = Hand { about: |i| i >= 40, value: 40.0, margin: 1.0, contact: 0.75, offer: 0.0, fixed: 1.0, capacity: 1e9 };
    let mut all = [
        push("value_per_conversion = 40.0\ncost_per_contact = 0.5\ncost_per_conversion = 2.0"),
        push(
            "value_per_conversion = 25.0\nmargin = 0.8\nfixed_cost = 3.0\ncost_per_conversion = 1.5\ncapacity = 12.0\nwhere = \"channel = 'mail'\"",
        ),
        push("value_per_conversion = 40.0\ncost_per_contact = 0.75\nfixed_cost = 1.0\nwhere = \"age >= 60\""),
    ];
    for (s, name) in all.iter_mut().zip(["everybody", "mail", "old"]) {
        s.name = name.into();
    }
    let out = run(&all).unwrap();
    let options = SimulateOptions::default();
    let hands = [&everybody, &mail, &old];
    // The same people in every replicate for all three: what they have in common cancels out.
    let mut random = rng::rng(options.seed, "bootstrap");
    let replicates: Vec<Vec<f64>> = (0..options.replicates)
        .map(|_| {
            let mut times = vec![0.0; N as usize];
            (0..N).for_each(|_| times[rng::below(&mut random, N as usize)] += 1.0);
            times
        })
        .collect();
    assert_eq!(out.pairs.len(), 3);
    for (p, (j, i)) in out.pairs.iter().zip([(1, 0), (2, 0), (2, 1)]) {
        assert_eq!((p.name.as_str(), p.against.as_str()), (all[j].name.as_str(), all[i].name.as_str()));
        let whole = vec![1.0; N as usize];
        let (b, a) = (figures(hands[j], &whole), figures(hands[i], &whole));
        for (f, found) in of(p).into_iter().enumerate() {
            let mut each: Vec<f64> = replicates.iter().map(|t| figures(hands[j], t)[f] - figures(hands[i], t)[f]).collect();
            each.sort_by(f64::total_cmp);
            assert!(near(found.value, b[f] - a[f]), "{f}: {found:?}");
            assert!(near(found.low, quantile(&each, 0.025)) && near(found.high, quantile(&each, 0.975)), "{f}: {found:?}");
        }
    }
    // ROI alone is a ratio of one draw, too.
    let roi = out.scenarios[1].roi.unwrap();
    let mut each: Vec<f64> = replicates.iter().map(|t| figures(&everybody, t)[4]).collect();
    each.sort_by(f64::total_cmp);
    assert!(near(roi.low, quantile(&each, 0.025)) && near(roi.high, quantile(&each, 0.975)), "{roi:?}");
}

#[test]
fn a_difference_is_the_subtraction_of_the_two_answers() {
    let mut random = rng::rng(7, "terms");
    for round in 0..30 {
        let mut all: Vec<Scenario> = (0..3)
            .map(|k| {
                let mut text = String::new();
                let mut maybe = |chance: f64, key: &str, most: f64| {
                    if rng::unit(&mut random) < chance {
                        text += &format!("{key} = {:.3}\n", most * (0.05 + rng::unit(&mut random)));
                    }
                };
                maybe(0.8, "value_per_conversion", 40.0);
                maybe(0.6, "cost_per_contact", 1.0);
                maybe(0.5, "cost_per_conversion", 3.0);
                maybe(0.3, "fixed_cost", 20.0);
                maybe(0.4, "capacity", 60.0);
                if rng::unit(&mut random) < 0.5 {
                    text += "first = \"gain\"\n";
                }
                text += ["", "where = \"channel = 'mail'\"\n", "where = \"age < 50\"\n"][rng::below(&mut random, 3)];
                Scenario { name: format!("{k}"), ..push(&text) }
            })
            .collect();
        all[2].set.insert("age".into(), Setting::Text("+5".into()));
        for options in [SimulateOptions::default(), SimulateOptions { news: News::Bad, ..SimulateOptions::default() }] {
            let out = run_with(&model(), &all, &options).unwrap();
            for p in &out.pairs {
                let at = |name: &str| out.differences.iter().position(|d| d.name == name).unwrap();
                let of = |k: usize| {
                    let (r, d) = (&out.scenarios[k + 1], &out.differences[k]);
                    [Some(r.reach), Some(d.conversions), d.revenue, r.cost, d.profit, r.roi]
                };
                let (b, a) = (of(at(&p.name)), of(at(&p.against)));
                let said = [Some(p.reach), Some(p.conversions), p.revenue, p.cost, p.profit, p.roi];
                for (f, found) in said.into_iter().enumerate() {
                    match (b[f], a[f], found) {
                        (Some(b), Some(a), Some(e)) => {
                            assert!(near(e.value, b.value - a.value), "{round} {f}: {e:?}");
                            assert!(e.low <= e.value && e.value <= e.high, "{round} {f}: {e:?}");
                        }
                        (Some(_), Some(_), None) | (_, _, Some(_)) => panic!("{round} {f}: {b:?} {a:?} {found:?}"),
                        _ => {}
                    }
                }
                assert_eq!(p.turned().turned(), *p);
            }
        }
    }
}
