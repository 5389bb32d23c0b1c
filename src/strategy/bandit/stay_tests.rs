//! Logs of people whose chance of coming back is known, and what policies make of it.

use super::returns::{self, Hazard, Visit};
use super::run::{Settings, Tried, run};
use super::world::Asked;
use super::*;
use crate::base::{Fingerprint, JobCtx, rng};
use crate::data::Table;
use crate::data::table::Values;
use crate::ml::model::sigmoid;

/// Log-odds of coming back on any day, and what a reward adds to it.
const LEVEL: f64 = -2.5;
const REWARD: f64 = 1.2;
const DAYS: i64 = 90;

/// Two kinds of people who like different things of three; shown one at random on each visit; back by the known chance,
/// to whose log-odds `later` is added for those who came after the middle of the log.
fn log(people: usize, later: f64) -> Table {
    let mut r = rng::rng(11, "stay-log");
    let (mut who, mut when, mut shown, mut won, mut kind) = (vec![], vec![], vec![], vec![], vec![]);
    for i in 0..people {
        let mut day = rng::below(&mut r, 75) as i64;
        let later = if day > DAYS / 2 { later } else { 0.0 };
        let even = i % 2 == 0;
        while day < DAYS {
            let a = rng::below(&mut r, 3);
            let p = [[0.6, 0.1, 0.3], [0.1, 0.6, 0.3]][usize::from(!even)][a];
            let rewarded = rng::unit(&mut r) < p;
            who.push(Some(format!("u{i}")));
            when.push(Some(day));
            shown.push(Some(["a", "b", "c"][a].to_owned()));
            won.push(Some(i64::from(rewarded)));
            kind.push(Some(if even { "even" } else { "odd" }.to_owned()));
            let back = sigmoid(LEVEL + if rewarded { REWARD } else { 0.0 } + later);
            day += 1;
            while day < DAYS && rng::unit(&mut r) >= back {
                day += 1;
            }
        }
    }
    let columns = vec![
        ("who", Values::Texts(who)),
        ("day", Values::Integers(when)),
        ("shown", Values::Texts(shown)),
        ("won", Values::Integers(won)),
        ("kind", Values::Texts(kind)),
    ];
    Table::from_columns(columns.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()).unwrap()
}

fn visits(table: &Table) -> (Vec<Visit>, u32) {
    let won = table.numbers(table.column("won").unwrap());
    let (codes, _) = table.codes(table.column("shown").unwrap());
    let rewarded: Vec<Option<usize>> = won.iter().zip(&codes).map(|(w, c)| (*w > 0.5).then_some(*c as usize)).collect();
    returns::visits(table, "who", "day", &rewarded).unwrap()
}

fn asked() -> Asked {
    Asked {
        action: "shown".into(),
        reward: "won".into(),
        context: vec!["kind".into()],
        user: Some("who".into()),
        time: Some("day".into()),
        ensemble: 3,
        ..Asked::default()
    }
}

fn tried(table: &Table, settings: &Settings) -> Tried {
    run(table, &asked(), settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap()
}

#[test]
fn the_chance_of_coming_back_is_found_although_the_log_ends() {
    let (all, span) = visits(&log(1_500, 0.0));
    assert_eq!(i64::from(span), DAYS - 1);
    assert!(all.iter().filter(|v| v.back.is_none()).count() > 800, "everybody is cut off once");
    let h = returns::hazard(&all, &vec![1.0; 1_500], 3);
    assert!((h.rewarded + h.of.iter().sum::<f64>() / 3.0 - REWARD).abs() < 0.1, "{h:?}");
    for (days, rewarded) in [(1, None), (7, None), (30, None), (1, Some(0)), (7, Some(1)), (30, Some(2))] {
        let p = sigmoid(LEVEL + if rewarded.is_some() { REWARD } else { 0.0 });
        let truth = 1.0 - (1.0 - p).powi(days);
        let found = h.within(days as u32, rewarded, 2);
        assert!((found - truth).abs() < 0.03, "within {days}: {found} for {truth}");
    }
    // Whoever leaves out those who were not back when the log ended finds them back far too often.
    let naive: Vec<&Visit> = all.iter().filter(|v| v.rewarded.is_none() && v.back.is_some()).collect();
    let naive = naive.iter().filter(|v| v.back <= Some(7)).count() as f64 / naive.len() as f64;
    assert!(naive > h.within(7, None, 2) + 0.05, "{naive}");
}

#[test]
fn levels_are_those_of_the_life_table() {
    // Nothing rewarded, every visit of equal standing: each stretch's chance is returns over days watched.
    let gaps = [Some(1), Some(1), Some(2), Some(9), None, Some(16), None, Some(2), Some(3), Some(8)];
    let visit = |i: usize| Visit { user: i, number: 1, rewarded: None, back: gaps[i % 10], after: 20 };
    let all: Vec<Visit> = (0..5_000).map(visit).collect();
    let h = returns::hazard(&all, &vec![1.0; 5_000], 2);
    let table = |from: u32, to: u32| {
        let watched: u32 = all.iter().map(|v| (v.back.unwrap_or(20).min(to) + 1).saturating_sub(from)).sum();
        all.iter().filter(|v| v.back.is_some_and(|b| (from..=to).contains(&b))).count() as f64 / f64::from(watched)
    };
    for (k, from, to) in [(0, 1, 1), (1, 2, 2), (2, 3, 3), (7, 8, 9), (9, 15, 21)] {
        assert!((sigmoid(h.level[k] + h.first) - table(from, to)).abs() < 2e-3, "from day {from}");
    }
    // Drawn days follow the same chances.
    for days in [1, 2, 7, 14, 20] {
        let drawn = (0..20_000).filter(|i| h.draw((f64::from(*i) + 0.5) / 20_000.0, None, 1, 20).is_some_and(|d| d <= days)).count();
        assert!((drawn as f64 / 20_000.0 - h.within(days, None, 1)).abs() < 1e-3, "{days}");
    }
    assert!(h.draw(0.999_999, None, 1, 20).is_none());
}

#[test]
fn policies_that_show_what_people_like_keep_more_of_them() {
    let settings = Settings { rounds: 2_000, seeds: 2, policies: vec![Policy::Uniform, Policy::LinUcb], ..Settings::default() };
    let found = tried(&log(1_500, 0.0), &settings);
    let r = found.returns.as_ref().unwrap();
    assert!(r.refused.is_none() && r.check.len() == 4 && r.check.iter().all(returns::Back::holds), "{r:?}");
    assert!(r.odds.iter().all(|o| (1.5..6.0).contains(o)), "{:?}", r.odds);
    let stay = |p: Policy| found.outcomes.iter().find(|o| o.policy == p).and_then(|o| o.stay.clone()).unwrap();
    let (even, best) = (stay(Policy::Uniform), stay(Policy::LinUcb));
    // Shown at random a third of visits is rewarded: what is back within seven days is known.
    let within = |reward: f64| 1.0 - (1.0 - sigmoid(LEVEL + reward)).powi(7);
    let truth = within(REWARD) / 3.0 + within(0.0) * 2.0 / 3.0;
    assert_eq!(even.back.iter().map(|b| b.days).collect::<Vec<_>>(), [7, 30]);
    assert!((even.back[0].share.mean - truth).abs() < 0.04, "{} {truth}", even.back[0].share.mean);
    assert!(even.lift.mean.abs() < 1e-12 && best.lift.low > 0.5, "{:?}", best.lift);
    assert!(best.back[0].share.low > even.back[0].share.high && best.visits.low > even.visits.high, "{best:?} {even:?}");
    assert!(best.active.mean > even.active.mean + 0.05, "{best:?} {even:?}");
    // The same seed, the same numbers.
    assert_eq!(found, tried(&log(1_500, 0.0), &settings));
    // Beyond the log nobody is followed.
    let cut = tried(&log(1_500, 0.0), &Settings { horizon: 400, ..settings });
    assert!(cut.warnings.iter().any(|w| w.code == "bandit.horizon_cut"));
}

#[test]
fn returns_that_the_models_do_not_give_back_are_not_used() {
    let settings = Settings { rounds: 500, seeds: 1, policies: vec![Policy::Uniform], ..Settings::default() };
    let says = |found: &Tried, code: &str| {
        assert!(found.warnings.iter().any(|w| w.code == code), "{:?}", found.warnings);
        assert!(found.outcomes.iter().all(|o| o.stay.is_none()) && !found.outcomes.is_empty());
    };
    // Those who came late do not come back at all: what is expected of everybody is not what the early ones did.
    let found = tried(&log(1_500, -4.0), &settings);
    says(&found, "bandit.returns_refused");
    assert!(found.returns.unwrap().refused.is_some());
    let short = log(1_500, 0.0);
    let days = short.numbers(short.column("day").unwrap());
    let early: Vec<u32> = (0..days.len() as u32).filter(|r| days[*r as usize] < 10.0).collect();
    let early: Vec<usize> = early.into_iter().map(|r| r as usize).collect();
    says(&tried(&short.select_rows(&early), &settings), "bandit.returns_short");
    says(&tried(&log(60, 0.0), &settings), "bandit.returns_few");
    // Without columns of who and when, that is what the analyst hears.
    let plain = Asked { user: None, ..asked() };
    let found = run(&short, &plain, &settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    says(&found, "bandit.no_returns");
    let wrong = |a: Asked, code: &str| {
        let fault = run(&short, &a, &settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap_err();
        assert_eq!(fault.0.code, code);
    };
    wrong(Asked { time: Some("kind".into()), ..asked() }, "bandit.no_days");
    wrong(Asked { user: Some("whom".into()), ..asked() }, "data.no_column");
    wrong(Asked { context: vec!["who".into()], ..asked() }, "bandit.context_twice");
}

#[test]
fn a_hazard_without_end_never_breaks() {
    let h = Hazard { level: vec![-40.0; 18], rewarded: 0.0, first: 0.0, number: 0.0, of: vec![] };
    assert!(h.draw(0.5, Some(3), 1, u32::MAX / 2).is_none() && h.within(30, None, 1) < 1e-12);
    let h = Hazard { level: vec![40.0; 18], ..h };
    assert_eq!(h.draw(0.999, None, 9, 30), Some(1));
}
