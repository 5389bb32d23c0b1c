use super::estimators::{self, METHODS, Rows, shrunk, switched};
use super::generator::TwoSided;
use super::reward::Predicted;
use super::*;
use crate::base::rng;
use crate::data::Table;
use crate::data::table::Values;
use proptest::prelude::*;
use rayon::prelude::*;

fn quick(seed: u64) -> Settings {
    Settings { folds: 2, replicates: 400, seed, ..Settings::default() }
}

fn value(e: &Estimates, name: &str) -> f64 {
    e[name].value.unwrap()
}

/// A small log with a made-up model, and its estimates.
fn small(w: &[f64], r: &[f64], q: &[f64], v: &[f64]) -> Estimates {
    let p = Predicted { direct: v.to_vec(), factual: q.to_vec(), projector: None };
    estimators::all(&Rows { reward: r, weight: w, direct: Some(&p), robust: Some(&p) }, &quick(1), None, &JobCtx::quiet()).unwrap()
}

#[test]
fn formulas_agree_with_sums_by_hand() {
    // Three rows: w = 2, ½, 0; r = 1, 0, 1; q = ½, ¼, ½; v = 0.4, 0.2, 0.6.
    let e = small(&[2.0, 0.5, 0.0], &[1.0, 0.0, 1.0], &[0.5, 0.25, 0.5], &[0.4, 0.2, 0.6]);
    let near = |name: &str, x: f64| assert!((value(&e, name) - x).abs() < 1e-12, "{name}: {} against {x}", value(&e, name));
    near("ips", 2.0 / 3.0);
    near("snips", 2.0 / 2.5);
    near("dm", 0.4);
    // w(r − q) = 1, −0.125, 0.
    near("dr", 0.4 + 0.875 / 3.0);
    near("sndr", 0.4 + 0.875 / 2.5);
    near("mrdr", 0.4 + 0.875 / 3.0);
    // The standard error of IPS: terms 2, 0, 0.
    let sd = ((2.0f64 - 2.0 / 3.0).powi(2) + 2.0 * (2.0f64 / 3.0).powi(2)).sqrt() / 3.0f64.sqrt();
    assert!((e["ips"].se.unwrap() - sd / 3.0f64.sqrt()).abs() < 1e-12);
    assert_eq!(METHODS.map(|m| e.contains_key(m)), [true; 8]);
}

/// What obp 0.5.7 says of twelve rows (seed 3 of numpy's generator), at τ = 1.5 and λ = 2; its inputs to six decimals.
#[test]
fn another_program_gives_the_same_values() {
    let w = [1.719834, 0.337465, 0.91992, 0.033994, 5.113366, 0.128578, 0.517028, 0.098628, 0.557243, 0.160868, 1.541922, 1.024239];
    let r = [1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0];
    let q = [0.52305, 0.19815, 0.480747, 0.52775, 0.205232, 0.380473, 0.348852, 0.921427, 0.947141, 0.813164, 0.820139, 0.342717];
    let v = [0.54776, 0.291288, 0.55352, 0.148859, 0.337485, 0.859471, 0.420997, 0.467044, 0.766732, 0.81371, 0.728948, 0.370606];
    let e = small(&w, &r, &q, &v);
    for (name, want) in [("ips", 0.4006611), ("snips", 0.3956142), ("dm", 0.5255349), ("dr", 0.5036607), ("sndr", 0.5039362)] {
        assert!((value(&e, name) - want).abs() < 2e-6, "{name}: {}", value(&e, name));
    }
    let partly = |change: &dyn Fn(f64) -> f64| (0..12).map(|i| v[i] + change(w[i]) * (r[i] - q[i])).sum::<f64>() / 12.0;
    assert!((partly(&|w| switched(w, 1.5)) - 0.6281394).abs() < 2e-6 && (partly(&|w| shrunk(w, 2.0)) - 0.5715553).abs() < 2e-6);
    // Its tuning scores put τ = 10 and λ = 0.3 first among these.
    let p = Predicted { direct: v.to_vec(), factual: q.to_vec(), projector: None };
    let rows = Rows { reward: &r, weight: &w, direct: Some(&p), robust: None };
    let among = [0.3, 1.0, 1.5, 10.0];
    assert_eq!((estimators::choose(&rows, &p, &among, switched), estimators::choose(&rows, &p, &among, shrunk)), (10.0, 0.3));
}

/// The value over every log that the policies could have written, weighted by its probability: unbiased without a draw.
#[test]
fn ips_and_dr_are_unbiased_over_all_logs_that_could_be() {
    let (logging, target) = ([0.7, 0.2, 0.1], [0.1, 0.3, 0.6]);
    let chance = [0.2, 0.5, 0.9];
    let truth: f64 = (0..3).map(|a| target[a] * chance[a]).sum();
    // A wrong model, the same for all rows.
    let model = [0.6, 0.1, 0.4];
    let v: f64 = (0..3).map(|a| target[a] * model[a]).sum();
    let rows = 3;
    let (mut ips, mut dr, mut total) = (0.0, 0.0, 0.0);
    for world in 0..6usize.pow(rows) {
        let (mut w, mut r, mut q, mut p, mut left) = (vec![], vec![], vec![], 1.0, world);
        for _ in 0..rows {
            let (a, yes) = (left % 6 / 2, left % 2);
            left /= 6;
            p *= logging[a] * if yes == 1 { chance[a] } else { 1.0 - chance[a] };
            w.push(target[a] / logging[a]);
            r.push(yes as f64);
            q.push(model[a]);
        }
        let e = small(&w, &r, &q, &vec![v; rows as usize]);
        ips += p * value(&e, "ips");
        dr += p * value(&e, "dr");
        total += p;
    }
    assert!((total - 1.0).abs() < 1e-12);
    assert!((ips - truth).abs() < 1e-12 && (dr - truth).abs() < 1e-12, "{ips} {dr} {truth}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_must_hold_of_any_log(rows in prop::collection::vec((0.01f64..20.0, 0u8..2, 0.0f64..1.0, 0.0f64..1.0), 5..60), scale in 0.1f64..10.0) {
        let w: Vec<f64> = rows.iter().map(|r| r.0).collect();
        let r: Vec<f64> = rows.iter().map(|r| f64::from(r.1)).collect();
        let q: Vec<f64> = rows.iter().map(|r| r.2).collect();
        let v: Vec<f64> = rows.iter().map(|r| r.3).collect();
        let e = small(&w, &r, &q, &v);
        // Self-normalised estimates do not feel the scale of the weights.
        let scaled: Vec<f64> = w.iter().map(|w| w * scale).collect();
        let f = small(&scaled, &r, &q, &v);
        prop_assert!((value(&e, "snips") - value(&f, "snips")).abs() < 1e-9);
        prop_assert!((value(&e, "sndr") - value(&f, "sndr")).abs() < 1e-9);
        prop_assert!((value(&f, "ips") / scale - value(&e, "ips")).abs() < 1e-9);
        // Where the rewards are what the model says, every doubly robust estimate is the direct one.
        let g = small(&w, &q, &q, &v);
        for name in ["dr", "sndr", "switch_dr", "dr_os", "mrdr"] {
            prop_assert!((value(&g, name) - value(&g, "dm")).abs() < 1e-9, "{name}");
        }
        // A model that says nothing leaves IPS.
        let h = small(&w, &r, &vec![0.0; w.len()], &vec![0.0; w.len()]);
        prop_assert!((value(&h, "dr") - value(&h, "ips")).abs() < 1e-9 && (value(&h, "sndr") - value(&h, "snips")).abs() < 1e-9);
        // The order of the rows is nothing.
        let back = |x: &[f64]| x.iter().rev().copied().collect::<Vec<f64>>();
        let turned = small(&back(&w), &back(&r), &back(&q), &back(&v));
        for name in ["ips", "snips", "dm", "dr", "sndr"] {
            prop_assert!((value(&e, name) - value(&turned, name)).abs() < 1e-9, "{name}");
            prop_assert!((e[name].se.unwrap_or(0.0) - turned[name].se.unwrap_or(0.0)).abs() < 1e-9, "{name}");
        }
        // SNIPS lies between the smallest and the largest reward; every interval holds its value.
        prop_assert!((0.0..=1.0).contains(&value(&e, "snips")));
        for (name, e) in &e {
            if let (Some(x), Some((a, b))) = (e.value, e.ci) {
                prop_assert!(a <= x && x <= b, "{name}");
            }
            if let (Some((a, b)), Some((c, d))) = (e.ci_bernstein, e.ci_normal) {
                prop_assert!(a <= c && d <= b, "{name}: Bernstein is the wider");
            }
        }
    }

    #[test]
    fn the_ends_of_switch_and_shrinkage(w in 0.001f64..1e6) {
        prop_assert_eq!(switched(w, f64::INFINITY), w);
        prop_assert_eq!(switched(w, -1.0), 0.0);
        prop_assert_eq!(shrunk(w, f64::INFINITY), w);
        prop_assert_eq!(shrunk(w, 0.0), 0.0);
        prop_assert!(shrunk(w, 50.0) <= w && shrunk(w, 50.0) <= 50f64.sqrt() / 2.0 + 1e-12);
    }
}

/// 500 logs of a bandit, each evaluated whole: model, cross-fit, bootstrap.
fn five_hundred(bandit: TwoSided) -> Vec<Estimates> {
    evaluated(bandit, true)
}

/// The same; without the column the propensities are estimated from what the log says of people.
fn evaluated(bandit: TwoSided, logged: bool) -> Vec<Estimates> {
    (0..500u64)
        .into_par_iter()
        .map(|seed| {
            let mut log = bandit.log(seed);
            log.propensity = log.propensity.filter(|_| logged);
            evaluate(&log, &Target::uniform(&log), &quick(seed), &JobCtx::quiet()).unwrap().estimators
        })
        .collect()
}

/// The 95 % interval holds the truth in 92 to 98 % of the runs that give one, Bernstein's in at least 95 %, and the values are
/// right on average.
fn holds(runs: &[Estimates], name: &str, truth: f64) {
    let given: Vec<&Estimate> = runs.iter().map(|r| &r[name]).filter(|e| e.ci.is_some()).collect();
    let n = given.len() as f64;
    assert!(n >= 450.0, "{name} was refused in {} of 500 runs", 500.0 - n);
    let covered = given.iter().filter(|e| e.ci.is_some_and(|(a, b)| a <= truth && truth <= b)).count() as f64 / n;
    println!("{name}: {:.1} % of {n} runs", 100.0 * covered);
    assert!((0.92..=0.98).contains(&covered), "{name}: {covered}");
    let wide: Vec<(f64, f64)> = given.iter().filter_map(|e| e.ci_bernstein).collect();
    let held = wide.iter().filter(|(a, b)| *a <= truth && truth <= *b).count();
    assert!(held as f64 >= 0.95 * wide.len() as f64, "{name}: Bernstein");
    let mean = given.iter().map(|e| e.value.unwrap()).sum::<f64>() / n;
    let error = given.iter().map(|e| e.se.unwrap().powi(2)).sum::<f64>().sqrt() / n;
    assert!((mean - truth).abs() < 4.0 * error, "{name}: {mean} against {truth} ± {error}");
}

#[test]
fn weighted_values_are_right_on_average_and_their_intervals_hold_the_truth() {
    let bandit = TwoSided::default();
    let runs = five_hundred(bandit);
    METHODS.into_iter().filter(|m| *m != "dm").for_each(|m| holds(&runs, m, bandit.truth()));
    // The log prefers, and a model of main effects does not imply its weights: nobody can vouch for the model alone.
    let open = |e: &Estimates| e["dm"].ci.is_none() && e["dm"].value.is_some() && e["dm"].refused.is_some();
    assert!(runs.iter().all(open), "{:?}", runs[0]["dm"]);
}

#[test]
fn intervals_hold_the_truth_where_propensities_are_estimated_too() {
    let bandit = TwoSided::default();
    let runs = evaluated(bandit, false);
    // Plain IPS has nothing that makes up for weights whose mean is not 1, and says so instead of an interval.
    let said = |e: &Estimates| e["ips"].ci.is_none() && e["ips"].refused.as_ref().is_some_and(|r| r.code == "policy.ips_estimated");
    assert!(runs.iter().all(said), "{:?}", runs[0]["ips"]);
    METHODS.into_iter().filter(|m| !["dm", "ips"].contains(m)).for_each(|m| holds(&runs, m, bandit.truth()));
}

#[test]
fn the_direct_method_holds_where_the_log_chose_evenly_even_with_a_wrong_model() {
    let bandit = TwoSided { preference: 0.0, twisted: true, ..TwoSided::default() };
    let runs = five_hundred(bandit);
    METHODS.into_iter().for_each(|m| holds(&runs, m, bandit.truth()));
}

#[test]
fn a_model_that_cannot_be_right_is_found_out_and_the_others_still_hold() {
    let bandit = TwoSided { rows: 20_000, preference: 2.5, twisted: true, ..TwoSided::default() };
    let truth = bandit.value(&[0.0, 0.0, 0.0, 0.0, 1.0]);
    let log = bandit.log(3);
    // The last action went to people who buy anyway; a model that knows nothing of them takes that for its doing.
    let blind = Log { features: Vec::new(), context: crate::data::FeatureMatrix::default(), ..log.clone() };
    let p = evaluate(&blind, &Target::same("last", &blind, vec![(4, 1.0)]), &quick(1), &JobCtx::quiet()).unwrap();
    assert_eq!(p.estimators["dm"].refused.as_ref().unwrap().code, "policy.dm_biased", "{:?}", p.estimators["dm"]);
    assert!(p.estimators["dm"].ci.is_none() && (value(&p.estimators, "dm") - truth).abs() > 0.01);
    for name in ["ips", "snips", "dr", "sndr"] {
        assert!((value(&p.estimators, name) - truth).abs() < 4.0 * p.estimators[name].se.unwrap(), "{name}");
    }
    assert_eq!(p.grade, Grade::A);
}

#[test]
fn one_row_that_carries_everything_is_refused() {
    // As in a log where an action of chance one in a million was taken once.
    let mut log = TwoSided { rows: 10_000, actions: 46, ..TwoSided::default() }.log(1);
    if let Some(p) = &mut log.propensity {
        p[17] = 1e-6;
    }
    let p = evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap();
    assert!(p.refused && p.ess < 5.0 && p.max_weight > 20_000.0 && p.grade == Grade::D);
    assert_eq!(p.reason.code, "policy.refused_ess");
    for (name, e) in &p.estimators {
        assert!(e.ci.is_none() && (name == "dm" || e.value.is_none()), "{name}");
    }
    // Cut down, the same log speaks again, and says what was cut.
    let cut = evaluate(&log, &Target::uniform(&log), &Settings { clip: Some(50.0), ..quick(1) }, &JobCtx::quiet()).unwrap();
    assert!(!cut.refused && cut.max_weight <= 50.0);
    assert_eq!(cut.warnings[0].code, "policy.clipped");
}

#[test]
fn a_handful_of_rewarded_rows_is_no_evidence() {
    // Every action equally likely, so each row weighs 1 and the effective rewarded rows are those rewarded.
    let mut log = TwoSided { rows: 6_000, ..TwoSided::default() }.log(4);
    let k = log.names.len() as u32;
    log.action = (0..6_000).map(|i| i % k).collect();
    log.propensity = Some(vec![1.0 / f64::from(k); 6_000]);
    let rewarded = |log: &Log, rows: usize| Log { reward: (0..6_000).map(|i| f64::from(u8::from(i < rows))).collect(), ..log.clone() };
    let asked = |log: &Log| evaluate(log, &Target::uniform(log), &quick(1), &JobCtx::quiet()).unwrap();
    for (rows, grade) in [(0, Grade::D), (3, Grade::D), (9, Grade::D), (10, Grade::A), (300, Grade::A)] {
        let p = asked(&rewarded(&log, rows));
        assert!((p.rewarded - rows as f64).abs() < 1e-9 && p.grade == grade, "{rows}: {} {:?}", p.rewarded, p.grade);
        assert_eq!(p.reason.code == "policy.few_rewarded", grade == Grade::D, "{rows}");
    }
    // Many rewards, but the policy in question shows only what was rewarded four times.
    let mut many = rewarded(&log, 3_000);
    let mut left = 4;
    for (r, a) in many.reward.iter_mut().zip(&many.action) {
        if *a == 0 && *r > 0.0 {
            *r = f64::from(u8::from(left > 0));
            left = (left - 1).max(0);
        }
    }
    let p = evaluate(&many, &Target::same("first", &many, vec![(0, 1.0)]), &quick(1), &JobCtx::quiet()).unwrap();
    assert!((p.rewarded - 4.0).abs() < 1e-9 && p.grade == Grade::D && !p.refused, "{} {:?}", p.rewarded, p.reason);
    // Amounts count by what they weigh: one that is a hundred times the others carries the sum alone.
    let mut amounts = rewarded(&log, 30);
    amounts.reward[7] = 1_000.0;
    assert!(asked(&amounts).rewarded < 2.0 && asked(&amounts).grade == Grade::D);
}

#[test]
fn wrong_probabilities_are_refused_or_found_out() {
    let mut log = TwoSided { rows: 5_000, ..TwoSided::default() }.log(1);
    let honest = evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap();
    assert!(!honest.refused && honest.grade == Grade::A && (honest.mean_weight - 1.0).abs() < 0.1);
    let right = log.propensity.clone().unwrap();
    // A constant column: the mean weight is far from 1.
    log.propensity = Some(vec![0.9; 5_000]);
    let p = evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap();
    assert_eq!((p.refused, p.reason.code.as_str()), (true, "policy.refused_mean"));
    // Half of one action's probabilities: the mean hardly shows it, the action does.
    log.propensity = Some(right.iter().zip(&log.action).map(|(p, a)| if *a == 2 { p * 0.7 } else { *p }).collect());
    let p = evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap();
    assert_eq!((p.grade, p.reason.code.as_str()), (Grade::C, "policy.grade_wrong_propensity"));
    assert_eq!(p.reason.fields["action"], crate::base::Field::Text("a00002".into()));
    // Without the column they are estimated, and the grade says so.
    log.propensity = None;
    let p = evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap();
    assert_eq!((p.propensity, p.grade), (Chosen::EstimatedFromContext, Grade::B));
    assert!((value(&p.estimators, "dr") - TwoSided::default().truth()).abs() < 4.0 * p.estimators["dr"].se.unwrap());
    log.features.clear();
    let p = evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap();
    assert_eq!((p.propensity, p.grade), (Chosen::EstimatedShares, Grade::C));
}

#[test]
fn trees_may_be_the_model_and_ten_thousand_actions_are_survived() {
    let log = TwoSided { rows: 1_500, ..TwoSided::default() }.log(2);
    let trees = Settings { model: ModelKind::Gbdt, ..quick(1) };
    let p = evaluate(&log, &Target::uniform(&log), &trees, &JobCtx::quiet()).unwrap();
    assert_eq!(p.estimators["dm"].refused.as_ref().unwrap().code, "policy.dm_no_interval");
    assert!((value(&p.estimators, "dr") - TwoSided::default().truth()).abs() < 0.1);

    let (n, k) = (30_000, 10_000);
    let mut r = rng::rng(1, "many");
    let many = Log {
        action: (0..n).map(|i| (i % k) as u32).collect(),
        names: (0..k).map(|a| format!("a{a:05}")).collect(),
        reward: (0..n).map(|_| f64::from(u8::from(rng::unit(&mut r) < 0.3))).collect(),
        propensity: Some(vec![1.0 / k as f64; n]),
        features: Vec::new(),
        context: crate::data::FeatureMatrix::default(),
        columns: Columns { action: "a".into(), reward: "r".into(), ..Columns::default() },
        data: Fingerprint::default(),
    };
    many.check().unwrap();
    let p = evaluate(&many, &Target::uniform(&many), &quick(1), &JobCtx::quiet()).unwrap();
    assert!(!p.refused && (value(&p.estimators, "ips") - 0.3).abs() < 0.02 && p.support.left_out == 9_000);
}

#[test]
fn the_same_bits_twice() {
    let log = TwoSided::default().log(5);
    let once = || serde_json::to_string(&evaluate(&log, &Target::uniform(&log), &quick(1), &JobCtx::quiet()).unwrap()).unwrap();
    let first = once();
    assert_eq!(first, once());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(first, one.install(once));
}

fn table(columns: &[(&str, Values)]) -> Table {
    Table::from_columns(columns.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect()).unwrap()
}
fn texts(v: &[&str]) -> Values {
    Values::Texts(v.iter().map(|s| (!s.is_empty()).then(|| (*s).to_owned())).collect())
}
fn numbers(v: &[f64]) -> Values {
    Values::Numbers(v.iter().map(|x| Some(*x)).collect())
}

fn columns() -> Columns {
    Columns { action: "item".into(), reward: "click".into(), propensity: Some("p".into()), position: Some("slot".into()), context: vec![] }
}
fn logged() -> Table {
    table(&[
        ("item", texts(&["a", "b", "a", "c"])),
        ("click", numbers(&[0.0, 1.0, 1.0, 0.0])),
        ("p", numbers(&[0.5, 0.25, 0.5, 0.25])),
        ("slot", numbers(&[1.0, 2.0, 1.0, 2.0])),
    ])
}

#[test]
fn bad_logs_get_one_sentence() {
    let code = |t: &Table, c: &Columns| match Log::read(t, c, &Fingerprint::default()) {
        Ok(_) => "fine".to_owned(),
        Err(f) => {
            assert!(!f.to_string().contains('{'), "an open place in: {f}");
            f.0.code
        }
    };
    let with = |name: &str, v: Values| code(&logged().with_values(name, v).unwrap(), &columns());
    assert_eq!(code(&logged(), &columns()), "fine");
    assert_eq!(with("p", numbers(&[0.5, 0.0, 0.5, 0.25])), "policy.propensity_zero");
    assert_eq!(with("p", numbers(&[0.5, -0.1, 0.5, 0.25])), "policy.propensity_zero");
    assert_eq!(with("p", numbers(&[0.5, 25.0, 0.5, 0.25])), "policy.propensity_above_one");
    assert_eq!(with("p", numbers(&[0.5, f64::NAN, 0.5, 0.25])), "policy.propensity_missing");
    assert_eq!(with("p", numbers(&[0.5, f64::INFINITY, 0.5, 0.25])), "policy.propensity_above_one");
    assert_eq!(with("click", numbers(&[1.0; 4])), "policy.constant_reward");
    assert_eq!(with("click", numbers(&[1.0, f64::NAN, 0.0, 0.0])), "policy.reward_missing");
    assert_eq!(with("click", numbers(&[1.0, f64::INFINITY, 0.0, 0.0])), "policy.reward_missing");
    assert_eq!(with("click", texts(&["good", "bad", "bad", "bad"])), "policy.reward_words");
    assert_eq!(with("click", texts(&["yes", "no", "no", "no"])), "fine");
    assert_eq!(with("item", texts(&["a", "", "a", "c"])), "policy.action_missing");
    assert_eq!(with("item", texts(&["a"; 4])), "policy.one_action");
    assert_eq!(code(&logged(), &Columns { reward: "item".into(), ..columns() }), "policy.column_twice");
    assert_eq!(code(&logged(), &Columns { reward: "clack".into(), ..columns() }), "data.no_column");
    assert_eq!(code(&logged().select_rows(&[]), &columns()), "policy.no_rows");
    let ids: Vec<String> = (0..200).map(|i| format!("u{i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let clicks: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
    let t = table(&[("item", texts(&ids)), ("click", numbers(&clicks))]);
    assert_eq!(code(&t, &Columns { propensity: None, position: None, ..columns() }), "policy.too_many_actions");
}

#[test]
fn a_target_comes_in_four_shapes() {
    let (data, log) = (logged(), Log::read(&logged(), &columns(), &Fingerprint::default()).unwrap());
    let read = |t: &Table| Target::read("t.csv", t, &log, &data);
    let same = read(&table(&[("item", texts(&["b", "a"])), ("probability", numbers(&[0.25, 0.75]))])).unwrap();
    assert_eq!([0, 1, 2].map(|a| same.probability(3, a)), [0.75, 0.25, 0.0]);
    let by_slot = read(&table(&[("slot", numbers(&[1.0, 2.0])), ("action", texts(&["a", "c"])), ("prob", numbers(&[1.0, 1.0]))])).unwrap();
    assert_eq!([0, 1, 2, 3].map(|i| by_slot.probability(i, 0)), [1.0, 0.0, 1.0, 0.0]);
    let by_row = read(&table(&[
        ("row", numbers(&[3.0, 0.0, 1.0, 2.0, 2.0])),
        ("action", texts(&["c", "a", "b", "a", "c"])),
        ("p", numbers(&[1.0, 1.0, 1.0, 0.5, 0.5])),
    ]))
    .unwrap();
    assert_eq!([0, 1, 2, 3].map(|i| by_row.probability(i, 2)), [0.0, 0.0, 0.5, 1.0]);
    let wide = read(&table(&[("a", numbers(&[0.2])), ("b", numbers(&[0.3])), ("c", numbers(&[0.5]))])).unwrap();
    assert_eq!([0, 1, 2].map(|a| wide.probability(2, a)), [0.2, 0.3, 0.5]);
    let new = read(&table(&[("item", texts(&["a", "z"])), ("probability", numbers(&[0.5, 0.5]))])).unwrap();
    assert_eq!((new.names.len(), new.probability(0, 3)), (4, 0.5));
    let p = evaluate(&log, &new, &quick(1), &JobCtx::quiet()).unwrap();
    assert_eq!((p.reason.code.as_str(), p.support.actions[0].action.as_str(), p.support.never), ("policy.refused_never", "z", 0.5));

    let code = |t: Table| {
        let f = read(&t).unwrap_err();
        assert!(!f.to_string().contains('{'), "an open place in: {f}");
        f.0.code
    };
    let pairs = |a: &[&str], p: &[f64]| table(&[("action", texts(a)), ("probability", numbers(p))]);
    assert_eq!(code(pairs(&["x", "y"], &[0.5, 0.5])), "policy.other_actions");
    assert_eq!(code(pairs(&["a", "b"], &[0.5, 0.2])), "policy.target_sum_all");
    let half = table(&[("slot", numbers(&[1.0, 2.0])), ("action", texts(&["a", "c"])), ("p", numbers(&[1.0, 0.5]))]);
    assert_eq!(code(half), "policy.target_sum");
    assert_eq!(code(pairs(&["a", "b"], &[1.5, -0.5])), "policy.target_probability");
    assert_eq!(code(pairs(&["a", "b"], &[0.5, f64::NAN])), "policy.target_probability");
    assert_eq!(code(pairs(&["a", "a"], &[0.5, 0.5])), "policy.target_twice");
    assert_eq!(code(pairs(&[], &[])), "policy.target_empty");
    assert_eq!(code(table(&[("x", numbers(&[1.0])), ("y", numbers(&[1.0]))])), "policy.other_actions");
    assert_eq!(code(table(&[("x", texts(&["1"]))])), "policy.target_shape");
    assert_eq!(code(table(&[("a", numbers(&[0.5, 0.5])), ("b", numbers(&[0.5, 0.5]))])), "policy.target_rows");
    let keyed = |name: &str, v: &[f64]| table(&[(name, numbers(v)), ("action", texts(&["a"])), ("p", numbers(&[1.0]))]);
    assert_eq!(code(keyed("slot", &[1.0])), "policy.target_context");
    assert_eq!(code(keyed("age", &[1.0])), "policy.target_column");
    assert_eq!(code(keyed("row", &[9.0])), "policy.target_row");
}

#[test]
fn a_trained_model_takes_the_action_it_expects_most_of() {
    use crate::data::{Encoder, FittedPrepare, Roles};
    use crate::ml::{Outcome, OutcomeKind};
    // Action b pays for the old, a for the young; c never.
    let n = 600;
    let old = |i: usize| i % 2 == 1;
    let pays = |i: usize| matches!((["a", "b", "c"][i % 3], old(i)), ("a", false) | ("b", true));
    let data = table(&[
        ("item", texts(&(0..n).map(|i| ["a", "b", "c"][i % 3]).collect::<Vec<_>>())),
        ("click", numbers(&(0..n).map(|i| f64::from(u8::from(pays(i)))).collect::<Vec<_>>())),
        ("age", texts(&(0..n).map(|i| if old(i) { "old" } else { "young" }).collect::<Vec<_>>())),
    ]);
    let log =
        Log::read(&data, &Columns { propensity: None, position: None, context: vec!["age".into()], ..columns() }, &Fingerprint::default());
    let log = log.unwrap();
    let all: Vec<usize> = (0..n).collect();
    let fit = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|s| (*s).to_owned()).collect();
        let encoder = Encoder::fit(&data, &names, &Roles::default(), &all, FittedPrepare::default()).unwrap();
        let (x, _) = encoder.encode(&data).unwrap();
        let kind = OutcomeKind::Binary { positive: "1".into(), negative: "0".into() };
        let outcomes = vec![Outcome { name: "click".into(), kind, base_rate: 0.0 }];
        let parts = vec![crate::data::Part::Train; n];
        let y = vec![log.reward.clone()];
        let data = crate::ml::train::TrainData { x, y, parts, outcomes, encoder, data: Fingerprint::default(), warnings: vec![] };
        crate::ml::train::train(&crate::ml::ModelSpec::new("m", ModelKind::Gbdt), &data, &JobCtx::quiet()).unwrap()
    };
    let model = fit(&["item", "age"]);
    let target = Target::greedy("m", &*model, &log, &data, &JobCtx::quiet()).unwrap();
    for i in 0..n {
        assert_eq!(target.probability(i, u32::from(old(i))), 1.0, "{i}");
        assert_eq!((target.probability(i, u32::from(!old(i))), target.probability(i, 2)), (0.0, 0.0));
    }
    // Actions that the model never saw: some are said, and where it knows none there is no policy.
    let renamed = |names: &[&str]| Log { names: names.iter().map(|n| (*n).to_owned()).collect(), ..log.clone() };
    let some = Target::greedy("m", &*model, &renamed(&[&log.names[0], "x", "y"]), &data, &JobCtx::quiet()).unwrap();
    assert_eq!(some.notices[0].code, "policy.model_some_actions");
    assert!((0..n).all(|i| some.probability(i, 0) == 1.0) && target.notices.is_empty());
    let mut told = target.clone();
    told.notices.clone_from(&some.notices);
    let said = evaluate(&log, &told, &quick(1), &JobCtx::quiet()).unwrap();
    assert!(said.warnings.contains(&some.notices[0]));
    let none = Target::greedy("m", &*model, &renamed(&["x", "y", "z"]), &data, &JobCtx::quiet()).unwrap_err();
    assert_eq!(none.0.code, "policy.model_no_action");
    let blind = fit(&["age"]);
    let refused = Target::greedy("m", &*blind, &log, &data, &JobCtx::quiet()).unwrap_err();
    assert_eq!(refused.0.code, "policy.model_blind");
}

#[test]
fn columns_are_proposed_by_name_and_content() {
    let n = 60;
    let t = table(&[
        ("timestamp", texts(&vec!["x"; n])),
        ("item_id", Values::Integers((0..n).map(|i| Some(i as i64 % 6)).collect())),
        ("position", Values::Integers((0..n).map(|i| Some(1 + i as i64 % 3)).collect())),
        ("click", Values::Integers((0..n).map(|i| Some(i64::from(i % 7 == 0))).collect())),
        ("propensity_score", numbers(&(0..n).map(|i| 0.1 + 0.01 * (i % 9) as f64).collect::<Vec<_>>())),
        ("user_feature_0", texts(&(0..n).map(|i| if i % 2 == 0 { "u" } else { "v" }).collect::<Vec<_>>())),
    ]);
    let m = mapping::propose(&t);
    let of = |p: &Option<mapping::Proposal>| p.as_ref().map(|p| p.column.clone()).unwrap_or_default();
    assert_eq!([of(&m.action), of(&m.reward), of(&m.propensity), of(&m.position)], ["item_id", "click", "propensity_score", "position"]);
    assert_eq!(m.context, ["user_feature_0"]);
    // A column of another name with the right contents; a click above 1 is no probability.
    let bare = table(&[
        ("shown", texts(&(0..n).map(|i| ["red", "blue", "green"][i % 3]).collect::<Vec<_>>())),
        ("x1", numbers(&(0..n).map(|i| 0.2 + 0.01 * (i % 9) as f64).collect::<Vec<_>>())),
        ("y", Values::Integers((0..n).map(|i| Some(i64::from(i % 4 == 0))).collect())),
    ]);
    let m = mapping::propose(&bare);
    assert_eq!([of(&m.action), of(&m.reward), of(&m.propensity), of(&m.position)], ["shown", "y", "x1", ""]);
}
