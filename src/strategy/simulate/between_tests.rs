//! What drives two scenarios apart where a study measured the effect of one or both, against every order by hand.

use std::cell::RefCell;

use super::between::{Between, Player};
use super::tests::{levers, model, near, no_test, run_with, scenario, table};
use super::*;
use crate::strategy::Grade;
use crate::strategy::tested::Tested;

/// What two arms do, by whose people: in two segments and for everybody nothing is the same.
fn measured(arm: &str, segment: Option<&str>) -> Measured {
    let (before, effect) = match (arm, segment) {
        ("mail", None) => (0.30, 0.05),
        ("mail", Some("channel = 'mail'")) => (0.25, 0.12),
        ("call", None) => (0.30, 0.15),
        ("call", Some("channel = 'mail'")) => (0.25, 0.02),
        other => panic!("nobody asks for {other:?}"),
    };
    Measured {
        outcome: model().card.outcomes[0].name.clone(),
        before: (before, 0.01),
        effect,
        low: effect - 0.01,
        high: effect + 0.01,
        people: (100, 100),
        grade: Grade::A,
        reason: note!("strategy.grade_model_only"),
        notes: Vec::new(),
    }
}

fn terms(name: &str, text: &str) -> Scenario {
    toml::from_str(&format!("name = \"{name}\"\n{text}")).unwrap()
}

fn tested(arm: &str, s: Scenario) -> Scenario {
    Scenario { tested: Some(Tested { study: "t".into(), arm: arm.into() }), ..s }
}

/// What a scenario adds and earns by itself.
fn worth(s: &Scenario, options: &SimulateOptions) -> (f64, f64) {
    let found = [s.tested.as_ref().map(|t| Ok(measured(&t.arm, s.segment.as_deref())))];
    let (m, raw, ctx) = (model(), table(), JobCtx::quiet());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &ctx).unwrap();
    let besides = Besides { also: &[], measured: &found };
    let out = simulate(&m, &raw, &baseline, std::slice::from_ref(s), &levers(""), besides, &Fingerprint::default(), options, &ctx).unwrap();
    (out.differences[0].conversions.value, out.differences[0].profit.unwrap().value)
}

fn told(a: &Scenario, b: &Scenario, options: &SimulateOptions) -> Result<Between> {
    let (m, raw, ctx) = (model(), table(), JobCtx::quiet());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &ctx).unwrap();
    let measure = |_: &str, t: &Tested, segment: Option<&str>| Ok(measured(&t.arm, segment));
    between(&m, &raw, &baseline, [a, b], &levers(""), options, &measure, &ctx)
}

/// Every mixture as a scenario of its own, and every order in which the one becomes the other.
fn by_hand(a: &Scenario, b: &Scenario, players: &[Player], options: &SimulateOptions) -> Vec<(f64, f64)> {
    let take = |s: &mut Scenario, p: &Player| match p {
        Player::Source => (s.tested.clone_from(&b.tested), s.set.clone_from(&b.set)).0,
        Player::Segment => s.segment.clone_from(&b.segment),
        Player::Value => s.value_per_conversion = b.value_per_conversion,
        Player::Contact => s.cost_per_contact = b.cost_per_contact,
        Player::Offer => s.cost_per_conversion = b.cost_per_conversion,
        Player::Capacity => s.capacity = b.capacity,
        Player::First => s.first = b.first,
        other => panic!("{other:?} does not differ"),
    };
    let m = players.len();
    let all: Vec<(f64, f64)> = (0..1usize << m)
        .map(|set| {
            let mut s = a.clone();
            players.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).for_each(|(_, p)| take(&mut s, p));
            worth(&s, options)
        })
        .collect();
    let mut phi = vec![(0.0, 0.0); m];
    let mut orders: Vec<Vec<usize>> = vec![vec![]];
    for p in 0..m {
        orders = orders.iter().flat_map(|o| (0..=o.len()).map(move |at| [&o[..at], &[p], &o[at..]].concat())).collect();
    }
    for order in &orders {
        let mut set = 0;
        for &p in order {
            let next = set | 1 << p;
            phi[p].0 += (all[next].0 - all[set].0) / orders.len() as f64;
            phi[p].1 += (all[next].1 - all[set].1) / orders.len() as f64;
            set = next;
        }
    }
    phi
}

fn check(a: &Scenario, b: &Scenario, players: &[Player], options: &SimulateOptions) {
    let (found, by_hand) = (told(a, b, options).unwrap(), by_hand(a, b, players, options));
    assert_eq!(found.parts.len(), players.len(), "{:?}", found.parts);
    for part in &found.parts {
        let (c, p) = by_hand[players.iter().position(|p| *p == part.player).unwrap()];
        assert!(near(part.conversions, c) && near(part.profit.unwrap(), p), "{part:?} against {c} {p}");
    }
    let (one, other) = (worth(b, options), worth(a, options));
    assert!(near(found.conversions, one.0 - other.0) && near(found.profit.unwrap(), one.1 - other.1));
    assert!(near(found.parts.iter().map(|p| p.profit.unwrap()).sum::<f64>(), found.profit.unwrap()));
    assert!(near(found.parts.iter().map(|p| p.conversions).sum::<f64>(), found.conversions));
}

#[test]
fn levers_of_a_model_against_what_a_study_measured() {
    let a = Scenario {
        set: scenario(&[("pages", "+2"), ("channel", "search")]).set,
        ..terms("a", "value_per_conversion = 40.0\ncost_per_contact = 0.5\ncost_per_conversion = 2.0\ncapacity = 30.0\nfirst = \"gain\"")
    };
    let b = tested("mail", terms("b", "value_per_conversion = 25.0\ncost_per_contact = 0.2\ncost_per_conversion = 2.0\ncapacity = 10.0"));
    let mail = Scenario { segment: Some("channel = 'mail'".into()), ..b.clone() };
    let money = [Player::Source, Player::Segment, Player::Value, Player::Contact, Player::Capacity, Player::First];
    let good = SimulateOptions::default();
    let bad = SimulateOptions { news: News::Bad, ..SimulateOptions::default() };
    for options in [&good, &bad] {
        check(&a, &mail, &money, options);
        check(&mail, &a, &money, options);
        check(&a, &b, &money.iter().filter(|p| **p != Player::Segment).cloned().collect::<Vec<_>>(), options);
    }
}

#[test]
fn two_that_studies_measured() {
    let money = "value_per_conversion = 40.0\ncost_per_contact = 0.5\n";
    let (mail, call) = (tested("mail", terms("m", money)), tested("call", terms("c", &format!("{money}cost_per_conversion = 1.0"))));
    let there = Scenario { segment: Some("channel = 'mail'".into()), ..call.clone() };
    let options = SimulateOptions::default();
    check(&mail, &there, &[Player::Source, Player::Segment, Player::Offer], &options);
    check(&mail, &call, &[Player::Source, Player::Offer], &options);
    check(&call, &there, &[Player::Segment], &options);
    assert!(told(&call, &call, &options).unwrap().parts.is_empty());
}

#[test]
fn only_what_is_needed_is_measured_and_one_row_is_refused() {
    let money = "value_per_conversion = 40.0\n";
    let plain = Scenario { set: scenario(&[("pages", "+2")]).set, ..terms("p", money) };
    let mail = tested("mail", Scenario { segment: Some(" channel = 'mail'".into()), ..terms("m", money) });
    let (m, raw, ctx) = (model(), table(), JobCtx::quiet());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &ctx).unwrap();
    let asked = RefCell::new(Vec::new());
    let measure = |name: &str, t: &Tested, segment: Option<&str>| {
        asked.borrow_mut().push((name.to_owned(), segment.map(str::to_owned)));
        Ok(measured(&t.arm, segment))
    };
    let ask = |a: &Scenario, b: &Scenario| between(&m, &raw, &baseline, [a, b], &levers(""), &SimulateOptions::default(), &measure, &ctx);
    ask(&plain, &mail).unwrap();
    assert_eq!(*asked.borrow(), [("m".to_owned(), None), ("m".to_owned(), Some("channel = 'mail'".to_owned()))]);
    let one = Scenario { row: Some(7), ..plain.clone() };
    assert_eq!(ask(&one, &mail).unwrap_err().0.code, "strategy.tested_row");
    // Where the study cannot measure the other one's people, the reason is the study's.
    let fails = |_: &str, _: &Tested, segment: Option<&str>| match segment {
        None => Err(fault!("uplift.one_arm", column = "mail", value = "none")),
        some => Ok(measured("mail", some.map(str::trim))),
    };
    let out = between(&m, &raw, &baseline, [&plain, &mail], &levers(""), &SimulateOptions::default(), &fails, &ctx);
    assert_eq!(out.unwrap_err().0.code, "uplift.one_arm");
    // Two of a model ask no study.
    let more = Scenario { set: scenario(&[("pages", "+3")]).set, ..plain.clone() };
    between(&m, &raw, &baseline, [&plain, &more], &levers(""), &SimulateOptions::default(), &no_test, &ctx).unwrap();
    assert!(run_with(&m, &[plain], &SimulateOptions::default()).is_ok());
}
