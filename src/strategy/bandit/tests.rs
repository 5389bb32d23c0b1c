//! Worlds whose best choice is known, and logs from which they are fitted.

use super::run::{Settings, outcomes, run};
use super::world::{Asked, World, wilson};
use super::*;
use crate::base::{Fingerprint, JobCtx, rng};
use crate::data::table::Values;
use crate::data::{FeatureMatrix, Table};
use crate::ml::ModelKind;

/// Two kinds of people, three things: one is best for half of them, one for the other half, one is second best for all.
fn world() -> World {
    let people = 200;
    let seen = FeatureMatrix { n_features: 2, values: (0..people).flat_map(|i| [1.0, if i % 2 == 0 { 1.0 } else { -1.0 }]).collect() };
    let of = |i: usize| if i.is_multiple_of(2) { [0.30, 0.05, 0.20] } else { [0.05, 0.30, 0.20] };
    World { actions: ["a", "b", "c"].map(str::to_owned).to_vec(), seen, chances: vec![(0..people).flat_map(of).collect()], returns: None }
}

fn played(s: &Settings) -> Vec<Outcome> {
    outcomes(&world(), s, 1, &JobCtx::quiet()).unwrap()
}

fn of(all: &[Outcome], p: Policy) -> &Outcome {
    all.iter().find(|o| o.policy == p).unwrap()
}

#[test]
fn policies_find_what_they_can_find() {
    let all = played(&Settings { rounds: 8_000, ..Settings::default() });
    // Showing everything equally often earns the mean and regrets the rest, exactly in the long run.
    let even = of(&all, Policy::Uniform);
    assert!((even.reward.mean - 11.0 / 60.0).abs() < 0.003 && (even.regret.mean / 8_000.0 - (0.3 - 11.0 / 60.0)).abs() < 0.003);
    assert!(even.lift.mean.abs() < 1e-12);
    // Without looking at people the third thing is best; who looks, gives each what they like.
    for p in [Policy::Thompson, Policy::EpsilonGreedy] {
        let found = of(&all, p);
        assert!(found.shares[2] > 0.7 && found.reward.mean < 0.205, "{found:?}");
    }
    for p in [Policy::LinUcb, Policy::LinThompson] {
        let found = of(&all, p);
        assert!(found.reward.mean > 0.27 && found.regret.mean < 0.25 * even.regret.mean, "{found:?}");
        // Regret flattens: the second half costs less than the first.
        assert!(found.curve[49] - found.curve[24] < found.curve[24], "{:?}", found.curve);
    }
    assert!(matches!(all[0].policy, Policy::LinUcb | Policy::LinThompson | Policy::NeuralLinear));
    let net = of(&all, Policy::NeuralLinear);
    assert!(net.reward.mean > 0.25 && net.curve[49] - net.curve[24] < net.curve[24], "{net:?}");
    // The same seed, the same numbers.
    assert_eq!(all, played(&Settings { rounds: 8_000, ..Settings::default() }));
}

/// People who like the one thing if two things known of them agree, and the other if they do not; ten more that are known of
/// them mean nothing. Features drawn at random would not do here: what matters has to be learned.
fn crossed() -> World {
    let people = 400;
    let sign = |even: bool| if even { 1.0 } else { -1.0 };
    let mut r = rng::rng(6, "crossed");
    let noise: Vec<f64> = (0..10 * people).map(|_| sign(rng::unit(&mut r) < 0.5)).collect();
    let signs = |i: usize| [1.0, sign(i.is_multiple_of(2)), sign((i / 2).is_multiple_of(2))];
    let values = (0..people).flat_map(|i| signs(i).into_iter().chain(noise[10 * i..10 * (i + 1)].iter().copied())).collect();
    let seen = FeatureMatrix { n_features: 13, values };
    let of = |i: usize| if signs(i)[1] * signs(i)[2] > 0.0 { [0.4, 0.1] } else { [0.1, 0.4] };
    World { actions: ["a", "b"].map(str::to_owned).to_vec(), seen, chances: vec![(0..people).flat_map(of).collect()], returns: None }
}

#[test]
fn a_network_finds_what_no_line_can_say_and_loses_little_where_a_line_does() {
    let s = Settings { rounds: 6_000, policies: vec![Policy::LinThompson, Policy::NeuralLinear], ..Settings::default() };
    let all = outcomes(&crossed(), &s, 1, &JobCtx::quiet()).unwrap();
    let (line, net) = (of(&all, Policy::LinThompson), of(&all, Policy::NeuralLinear));
    assert!(line.reward.high < 0.27 && net.reward.low > 0.34, "{line:?} {net:?}");
    let all = played(&s);
    let (line, net) = (of(&all, Policy::LinThompson), of(&all, Policy::NeuralLinear));
    assert!(net.reward.mean > 0.93 * line.reward.mean, "{line:?} {net:?}");
    // One after the other on one thread, or side by side: the same bits.
    let s = Settings { rounds: 1_000, seeds: 2, policies: vec![Policy::NeuralLinear], ..s };
    let world = crossed();
    let curve = |seed: u64| {
        let mut run = super::play::Run::new(&world, 0, Policy::NeuralLinear, &s, seed).unwrap();
        (0..super::run::POINTS).for_each(|_| run.step().unwrap());
        run.curve
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| [curve(1), curve(2)]);
    let mean: Vec<f64> = alone[0].iter().zip(&alone[1]).map(|(a, b)| (a + b) / 2.0).collect();
    assert_eq!(outcomes(&world, &s, 1, &JobCtx::quiet()).unwrap()[0].curve, mean);
}

#[test]
fn fatigue_drift_and_leaving_are_felt() {
    let base = Settings { rounds: 4_000, policies: vec![Policy::Uniform], ..Settings::default() };
    let plain = played(&base);
    let tired = played(&Settings { fatigue: 0.2, ..base.clone() });
    assert!(tired[0].reward.mean < 0.6 * plain[0].reward.mean);
    let drifted = played(&Settings { drift: 3.0, ..base.clone() });
    assert!((drifted[0].reward.mean - plain[0].reward.mean).abs() > 0.01);
    let left = played(&Settings { leaving: 0.02, ..base.clone() });
    assert!(plain[0].retention.mean == 1.0 && left[0].retention.mean < 0.9 && left[0].retention.mean > 0.4);
    // Everybody leaves at last, and nothing breaks.
    let gone = played(&Settings { leaving: 0.9, ..base });
    assert!(gone[0].retention.mean == 0.0 && gone[0].curve.len() == 50);
}

/// A log of the same world, shown at random.
fn log(n: usize) -> Table {
    let w = world();
    let mut r = rng::rng(4, "log");
    let (mut shown, mut won, mut kind) = (vec![], vec![], vec![]);
    for i in 0..n {
        let (person, a) = (i % 200, rng::below(&mut r, 3));
        shown.push(Some(w.actions[a].clone()));
        won.push(Some(i64::from(rng::unit(&mut r) < w.chances[0][person * 3 + a])));
        kind.push(Some(if person % 2 == 0 { "even" } else { "odd" }.to_owned()));
    }
    let columns = vec![("shown", Values::Texts(shown)), ("won", Values::Integers(won)), ("kind", Values::Texts(kind))];
    Table::from_columns(columns.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()).unwrap()
}

fn asked() -> Asked {
    Asked { action: "shown".into(), reward: "won".into(), context: vec!["kind".into()], ensemble: 3, ..Asked::default() }
}

#[test]
fn people_fitted_from_a_log_behave_as_it_did() {
    let settings = Settings { rounds: 4_000, seeds: 2, ..Settings::default() };
    let found = run(&log(6_000), &asked(), &settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    assert!(found.replay.holds && found.refused.is_none() && found.grade == crate::strategy::Grade::C, "{:?}", found.replay);
    assert!(matches!(found.outcomes[0].policy, Policy::LinUcb | Policy::LinThompson | Policy::NeuralLinear), "{:?}", found.outcomes[0]);
    assert!(found.outcomes[0].reward.mean > 0.24);
    // Main effects alone cannot tell the two kinds apart: no policy gains from looking at people then.
    let plain = Asked { base: ModelKind::Logistic, ..asked() };
    let found = run(&log(6_000), &plain, &settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    assert!(found.outcomes.iter().all(|o| o.reward.mean < 0.22), "{:?}", found.outcomes[0]);
}

#[test]
fn logs_that_say_nothing_are_refused_in_a_sentence() {
    let refused = |table: &Table, asked: &Asked, settings: &Settings, code: &str| {
        let fault = run(table, asked, settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap_err();
        assert_eq!(fault.0.code, code, "{fault}");
    };
    let (log, plain) = (log(600), Settings::default());
    refused(&log, &Asked { action: "show".into(), ..asked() }, &plain, "data.no_column");
    refused(&log, &Asked { action: "won".into(), reward: "kind".into(), context: vec![], ..asked() }, &plain, "bandit.reward");
    refused(&log, &Asked { context: vec!["won".into()], ..asked() }, &plain, "bandit.context_twice");
    refused(&log.select_rows(&[0, 1, 2, 3, 4, 5]), &asked(), &plain, "bandit.few_rewards");
    refused(&log, &asked(), &Settings { rounds: 5, ..plain.clone() }, "bandit.settings");
    refused(&log, &asked(), &Settings { fatigue: 1.5, ..plain.clone() }, "bandit.settings");
    let many = Values::Integers((0..600).map(|i| Some(i % 150)).collect());
    refused(&log.with_values("shown", many).unwrap(), &asked(), &plain, "bandit.actions");
}

/// Rewards that hang on the person or on nothing, never on what was shown: nobody is called the winner, and where what was
/// shown does matter, somebody is.
#[test]
fn nobody_wins_where_it_does_not_matter_what_is_shown() {
    let log = |seed: u64, n: usize, matters: bool, person: bool| {
        let mut r = rng::rng(seed, "null log");
        let (mut shown, mut kind, mut won) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..n {
            let (a, k) = (rng::below(&mut r, 4), rng::below(&mut r, 2));
            let p = 0.2 + if person { 0.2 * k as f64 } else { 0.0 } + if matters && a == 1 { 0.2 } else { 0.0 };
            shown.push(Some(["a", "b", "c", "d"][a].to_owned()));
            kind.push(Some(["x", "y"][k].to_owned()));
            won.push(Some(i64::from(rng::unit(&mut r) < p)));
        }
        let columns = [("shown", Values::Texts(shown)), ("kind", Values::Texts(kind)), ("won", Values::Integers(won))];
        Table::from_columns(columns.map(|(n, v)| (n.to_owned(), v)).into()).unwrap()
    };
    let tells = |seed: u64, n: usize, matters: bool, base: ModelKind| {
        let asked = Asked { seed, ensemble: 2, base, ..asked() };
        let (_, replay, _) =
            super::world::fit(&log(seed, n, matters, seed.is_multiple_of(2)), &asked, &Fingerprint::default(), &JobCtx::quiet()).unwrap();
        replay.tells()
    };
    let wins = (0..200).filter(|s| tells(*s, 800, false, ModelKind::Logistic)).count();
    assert!(wins <= 16, "{wins} of 200");
    let wins = (0..20).filter(|s| tells(*s, 800, false, ModelKind::Gbdt)).count();
    assert!(wins <= 3, "{wins} of 20 by trees");
    let found = (0..20).filter(|s| tells(*s, 10_000, true, ModelKind::Logistic)).count();
    assert!(found >= 18, "{found} of 20 are told");
    // The sentence follows, whatever the simulated lift.
    let table = log(4, 4_000, false, true);
    let settings = Settings { rounds: 200, seeds: 2, policies: vec![Policy::Thompson], ..Settings::default() };
    let mut tried = run(&table, &asked(), &settings, &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    let best = &mut tried.outcomes[0].lift;
    (best.low, best.mean, best.high) = (0.01, 0.02, 0.03);
    tried.replay.told = (0.0, -0.01, 0.01);
    let blind = crate::strategy::words::tried(&tried, crate::base::Lang::En);
    tried.replay.told = (0.02, 0.01, 0.03);
    let clear = crate::strategy::words::tried(&tried, crate::base::Lang::En);
    assert!(blind.contains("may be chance") && clear.contains("earns most"), "{blind} / {clear}");
}

/// A model that knows its own rows by heart and nothing else is not asked about them.
#[test]
fn no_model_speaks_for_the_rows_that_taught_it() {
    use crate::data::{FittedPrepare, Roles};
    use crate::ml::Model;
    use crate::recommend::rank::tests::formula;
    let n = 600;
    let numbers = |of: fn(i64) -> i64| Values::Integers((0..n).map(|i| Some(of(i))).collect());
    let table = Table::from_columns(vec![("id".to_owned(), numbers(|i| i)), ("shown".to_owned(), numbers(|i| i % 3))]).unwrap();
    // Even rows were learned: asked what was really shown to them, it says what came of it.
    let by_heart = |r: &[f64]| match (r[0] as i64, r[1] as i64) {
        (i, shown) if i % 2 == 0 && shown == i % 3 => {
            if i / 6 % 2 == 0 {
                3.0
            } else {
                -3.0
            }
        }
        _ => -0.5,
    };
    let model = formula(&table, &["id", "shown"], &Roles::default(), FittedPrepare::default(), by_heart);
    let x = model.card().encoder.encode_raw(&table).unwrap().0;
    let y: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i / 6 % 2 == 0))).collect();
    let models: Vec<std::sync::Arc<dyn Model>> = vec![std::sync::Arc::new(model)];
    let shares = [(0.0, 1.0 / 3.0), (1.0, 1.0 / 3.0), (2.0, 1.0 / 3.0)];
    let rows: Vec<usize> = (0..n as usize).collect();
    let of = |taught: fn(usize) -> bool| {
        super::world::told(&models, (&x, &y), &rows, &[rows.iter().map(|r| taught(*r)).collect()], (1, &shares), &JobCtx::quiet()).unwrap()
    };
    let honest = of(|r| r % 2 == 0);
    assert!(honest.0.abs() < 1e-12 && honest.1.abs() < 1e-12, "{honest:?}");
    assert!(of(|_| false).1 > 0.1, "asked about its own rows it would look clever");
}

/// Trees too few to split on what was shown: all actions are alike, which is said.
#[test]
fn models_that_tell_nothing_apart_say_so() {
    let n = 400;
    let mut r = rng::rng(9, "alike");
    let shown = (0..n).map(|_| Some(format!("item {}", rng::below(&mut r, 40)))).collect();
    let won = (0..n).map(|i| Some(i64::from(i % 33 == 0))).collect();
    let kind = (0..n).map(|i| Some(["x", "y"][i % 2].to_owned())).collect();
    let columns = [("shown", Values::Texts(shown)), ("kind", Values::Texts(kind)), ("won", Values::Integers(won))];
    let table = Table::from_columns(columns.map(|(n, v)| (n.to_owned(), v)).into()).unwrap();
    let (world, replay, said) = super::world::fit(&table, &asked(), &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    let alike = world.chances.iter().all(|c| c.chunks(40).all(|row| row.iter().all(|p| (p - row[0]).abs() < 1e-12)));
    assert!(alike && !replay.tells() && said.iter().any(|w| w.code == "bandit.alike"), "{said:?}");
    let (_, _, said) = super::world::fit(&log(6_000), &asked(), &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    assert!(said.iter().all(|w| w.code != "bandit.alike"));
}

#[test]
fn wilsons_interval_is_the_published_one() {
    // Newcombe 1998, table I: 81 of 263.
    let (low, high) = wilson(81.0, 263.0, 0.05);
    assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
}

#[test]
fn whoever_looks_sees_the_curves_grow() {
    use super::run::{Live, POINTS};
    use crate::base::progress::{Preview, ProgressSink};
    use std::sync::{Arc, Mutex};
    #[derive(Default)]
    struct Looks(Mutex<Vec<Preview>>);
    impl ProgressSink for Looks {
        fn stage(&self, _: &'static str, _: u64) {}
        fn at(&self, _: u64) {}
        fn looks(&self) -> bool {
            true
        }
        fn preview(&self, so_far: Preview) {
            self.0.lock().unwrap().push(so_far);
        }
    }
    let looks = Arc::new(Looks::default());
    let s = Settings { rounds: 1_000, seeds: 25, policies: vec![Policy::LinUcb], ..Settings::default() };
    let done = outcomes(&world(), &s, 1, &JobCtx::new(looks.clone(), Default::default())).unwrap();
    let seen: Vec<Live> = looks.0.lock().unwrap().iter().map(|p| p.0.downcast_ref::<Live>().unwrap().clone()).collect();
    // Twenty runs together grow point by point; while the other five play, the finished ones stand.
    assert_eq!(seen.len(), 2 * POINTS);
    assert!(seen.iter().take(POINTS).enumerate().all(|(i, l)| l.curves[0].1.len() == i + 1 && l.runs == (20, 25)));
    assert!(seen.iter().skip(POINTS).all(|l| l.curves == seen[POINTS - 1].curves));
    assert!(seen[0].curves.len() == 1 && seen[0].curves[0].0 == Policy::LinUcb);
    assert!((seen[POINTS - 1].curves[0].1[POINTS - 1] - done[0].regret.mean).abs() < 0.2 * done[0].regret.mean);
    // What is asked for decides what is seen, looked at or not.
    assert_eq!(done, outcomes(&world(), &s, 1, &JobCtx::quiet()).unwrap());
}
