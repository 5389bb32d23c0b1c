//! Figures beside other programs and by hand, learners on data with known effects, coverage, null data, confounded data,
//! policies, and what is refused.

use super::curve::Figures;
use super::*;
use crate::base::rng::{self, Rng};
use crate::data::table::Values;
use crate::data::{Split, Table};
use crate::strategy::causal::Ask;

fn quick() -> Options {
    Options { replicates: 200, shuffles: 200, depth: 0, ..Options::default() }
}

/// Sixty people by arithmetic, so that another program can make the same: outcome, treatment, a score with ties and one without.
fn sixty() -> (Vec<f64>, Vec<bool>, Vec<f64>, Vec<f64>) {
    let i = |i: usize| (i * 37) % 19;
    let treated: Vec<bool> = (0..60).map(|k| (k * 7 + 3) % 5 < 2).collect();
    let y = (0..60).map(|k| f64::from((k * k * 3 + k * 5) % 11 + 3 * usize::from(treated[k] && i(k) as f64 / 19.0 > 0.4) > 6)).collect();
    (y, treated, (0..60).map(|k| i(k) as f64 / 19.0).collect(), (0..60).map(|k| ((k * 37) % 61) as f64 / 61.0).collect())
}

fn ranked(score: &[f64], y: &[f64], treated: &[bool]) -> Ranked {
    Ranked::new(score, y, treated, &vec![1.0; y.len()], y)
}

#[test]
fn figures_are_those_of_the_programs_they_are_named_after() {
    let (y, treated, tied, single) = sixty();
    // scikit-uplift 0.5.1: qini_auc_score, uplift_auc_score, uplift_at_k(strategy="overall", k=0.3).
    let (qini, auuc) = curve::scikit_uplift(&ranked(&tied, &y, &treated), None);
    assert!((qini + 0.193_123_040_793_394_68).abs() < 1e-12 && (auuc + 0.219_932_250_107_728_25).abs() < 1e-12, "{qini} {auuc}");
    let r = ranked(&single, &y, &treated);
    let (qini, auuc) = curve::scikit_uplift(&r, None);
    assert!((qini - 0.047_418_564_083_111_98).abs() < 1e-12 && (auuc + 0.036_075_815_042_835_82).abs() < 1e-12, "{qini} {auuc}");
    assert!(r.figures(None, 0.3).at_k.abs() < 1e-12);
    let flipped: Vec<f64> = y.iter().map(|y| 1.0 - y).collect();
    let (qini, auuc) = curve::scikit_uplift(&ranked(&single, &flipped, &treated), None);
    assert!((qini + 0.032_039_570_326_427_05).abs() < 1e-12 && (auuc - 0.031_154_071_652_286_952).abs() < 1e-12, "{qini} {auuc}");
    // CausalML 0.18's definition, computed with pandas.
    assert!((curve::causalml_auuc(&r, None) - CAUSALML).abs() < 1e-12, "{}", curve::causalml_auuc(&r, None));
}
const CAUSALML: f64 = 0.4341546377075337;

/// The per-capita Qini and AUTOC from their definitions, every rank counted anew.
fn by_definition(r: &Ranked) -> (f64, f64) {
    let n = r.len();
    let gain = |k: usize| {
        let of = |treated: bool| (0..k).filter(|&i| r.treated[i] == treated).fold((0.0, 0.0), |(y, n), i| (y + r.y[i], n + 1.0));
        let ((yt, nt), (yc, nc)) = (of(true), of(false));
        if nc > 0.0 { yt - yc * nt / nc } else { yt }
    };
    let g: Vec<f64> = (0..=n).map(|k| gain(k) / n as f64).collect();
    let area: f64 = g.windows(2).map(|w| (w[0] + w[1]) / 2.0 / n as f64).sum();
    let mean = |k: usize| r.robust[..k].iter().sum::<f64>() / k as f64;
    let autoc = (1..=n).map(|k| mean(k) - mean(n)).sum::<f64>() / n as f64;
    (area - g[n] / 2.0, autoc)
}

#[test]
fn per_capita_qini_and_autoc_are_what_their_definitions_say() {
    let (y, treated, tied, single) = sixty();
    for score in [tied, single] {
        let r = ranked(&score, &y, &treated);
        let (f, (qini, autoc)) = (r.figures(None, 0.3), by_definition(&r));
        assert!((f.qini - qini).abs() < 1e-14 && (f.autoc - autoc).abs() < 1e-14);
        // Everybody twice ranks as everybody once, but for the steps being half as wide.
        let twice = r.figures(Some(&[2; 60]), 0.3);
        assert!((twice.qini - f.qini).abs() < 0.01 && twice.gains[curve::POINTS] == f.gains[curve::POINTS]);
        // A replicate is the list in which people stand as often as they were drawn.
        let counts: Vec<u8> = (0..60).map(|i| (i % 3) as u8).collect();
        let who: Vec<usize> = (0..60).flat_map(|i| std::iter::repeat_n(i, i % 3)).collect();
        let pick = |v: &[f64]| who.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        let t: Vec<bool> = who.iter().map(|&i| r.treated[i]).collect();
        let drawn = Ranked::new(&pick(&r.score), &pick(&r.y), &t, &pick(&r.weight), &pick(&r.robust));
        assert_eq!(r.figures(Some(&counts), 0.3), drawn.figures(None, 0.3));
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        let (a, b) = (r.named(Some(&counts), true), drawn.named(None, true));
        assert!(near(a.qini, b.qini) && near(a.auuc, b.auuc) && near(a.auuc_causalml, b.auuc_causalml), "{a:?} {b:?}");
        let once = r.named(Some(&[1; 60]), true);
        assert!(once == r.named(None, true) && !near(once.qini, a.qini));
    }
}

/// A test of so many people with a feature that decides how well the treatment works. Returns the table and the true effect.
fn trial(n: usize, seed: u64, binary: bool, r: &mut Rng, chance: impl Fn(f64, f64) -> f64, effect: impl Fn(f64) -> f64) -> (Table, f64) {
    let _ = seed;
    let (mut x, mut c, mut w, mut y, mut truth) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0.0);
    while x.len() < n {
        let (a, b) = (rng::below(r, 5) as f64 / 4.0, rng::unit(r));
        let treated = rng::unit(r) < chance(a, b);
        let level = 0.2 + 0.4 * b + if treated { effect(a) } else { 0.0 };
        truth += effect(a) / n as f64;
        x.push(Some(a));
        c.push(Some(b));
        w.push(Some(if treated { "mail" } else { "none" }.to_owned()));
        y.push(Some(if binary { f64::from(rng::unit(r) < level) } else { level + 0.3 * rng::normal(r) }));
    }
    let whole: Vec<Option<i64>> = y.iter().map(|v| v.map(|v| v as i64)).collect();
    let outcome = if binary { Values::Integers(whole) } else { Values::Numbers(y) };
    let columns = vec![
        ("age".into(), Values::Numbers(x)),
        ("habit".into(), Values::Numbers(c)),
        ("sent".into(), Values::Texts(w)),
        ("bought".into(), outcome),
    ];
    (Table::from_columns(columns).unwrap(), truth)
}

fn ask() -> Ask {
    Ask {
        treatment: "sent".into(),
        outcome: "bought".into(),
        control: "none".into(),
        features: Some(vec!["age".into(), "habit".into()]),
        split: Some(Split::Modulo { of: 10, test_from: 5 }),
        seed: 1,
        ..Ask::default()
    }
}

fn read(table: &Table) -> Study {
    Study::of(table, &ask()).unwrap()
}

#[test]
fn every_learner_finds_who_responds() {
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(1, "learners");
    for binary in [false, true] {
        let (table, _) = trial(4_000, 1, binary, &mut r, |_, _| 0.5, |a| 0.4 * a);
        let pair = read(&table).pair(1);
        for base in [Base::Logistic, Base::Gbdt, Base::Dnn] {
            let space = Space::of(&pair, &[0, 1], base, 1).unwrap();
            let n = nuisances(&pair, &space, None, &ctx).unwrap();
            for learner in Learner::ALL {
                // Without the product a line gives everybody nearly the same effect; the class transformation is for yes/no.
                if (learner == Learner::S && base.is_line()) || (learner == Learner::ClassTransform && !binary) {
                    continue;
                }
                let e = learner::effects(learner, &pair, &space, &n, &pair.test, &ctx).unwrap();
                let mean = |age: f64| {
                    let own: Vec<f64> = e.iter().zip(&pair.test).filter(|(_, r)| pair.x.row(**r)[0] == age).map(|(e, _)| *e).collect();
                    own.iter().sum::<f64>() / own.len() as f64
                };
                let (low, high) = (mean(0.0), mean(1.0));
                // Trees and networks on two thousand rows are rougher than the line that is true here.
                let near = if base.is_line() { 0.1 } else { 0.17 };
                assert!(low.abs() < near && (high - 0.4).abs() < near, "{learner:?} {base:?} {binary}: {low} {high}");
            }
        }
    }
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(3, "coverage");
    let runs = 300;
    for binary in [true, false] {
        let (mut plain, mut robust) = (0, 0);
        for run in 0..runs {
            // Three in ten are treated; the effect differs from person to person.
            let (table, _) = trial(500, run, binary, &mut r, |_, _| 0.3, |a| 0.3 * a - 0.05);
            let pair = read(&table).pair(1);
            let all: Vec<usize> = (0..pair.y.len()).collect();
            let d = difference(&pair.y, &pair.w, &all, binary);
            // Half of 0.3 on average, less 0.05.
            plain += usize::from(d.low <= 0.1 && 0.1 <= d.high);
            let space = Space::of(&pair, &[0, 1], Base::Logistic, 1).unwrap();
            let n = nuisances(&pair, &space, None, &ctx).unwrap();
            let a = aipw(&n.scores(&pair, &pair.train));
            robust += usize::from(a.low <= 0.1 && 0.1 <= a.high);
        }
        for (name, hits) in [("difference", plain), ("aipw", robust)] {
            let share = hits as f64 / runs as f64;
            assert!((0.92..=0.98).contains(&share), "{name}, yes/no {binary}: {share}");
        }
    }
}

#[test]
fn null_data_is_seldom_called_targetable() {
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(9, "null");
    let (table, _) = trial(800, 1, true, &mut r, |_, _| 0.5, |a| 0.4 * a);
    let study = read(&table);
    let mut winners = 0;
    for run in 0..200 {
        let mut pair = study.pair(1);
        rng::shuffle(&mut r, &mut pair.y);
        let ranking = rank(&pair, &Options { seed: run, ..quick() }, &ctx);
        winners += usize::from(ranking.is_clear(ranking.p));
    }
    assert!(winners <= 16, "{winners} of 200");
    // More people, as they are: clear.
    let (table, _) = trial(3_000, 1, true, &mut r, |_, _| 0.5, |a| 0.4 * a);
    let ranking = rank(&read(&table).pair(1), &quick(), &ctx);
    assert!(ranking.is_clear(ranking.p), "{:?} {}", ranking.qini, ranking.p);
}

fn rank(pair: &Pair, o: &Options, ctx: &JobCtx) -> Ranking {
    let space = Space::of(pair, &[0, 1], o.base, o.seed).unwrap();
    let n = nuisances(pair, &space, None, ctx).unwrap();
    let score = learner::effects(o.learner, pair, &space, &n, &pair.test, ctx).unwrap();
    let y: Vec<f64> = pair.test.iter().map(|&r| pair.y[r]).collect();
    let treated: Vec<bool> = pair.test.iter().map(|&r| pair.treated(r)).collect();
    judge(&Ranked::new(&score, &y, &treated, &vec![1.0; y.len()], &n.scores(pair, &pair.test)), pair.binary, o, ctx).unwrap()
}

#[test]
fn a_constant_score_ranks_nobody_however_the_file_is_sorted() {
    let y: Vec<f64> = (0..400).map(|i| f64::from(i < 200 && i % 2 == 0)).collect();
    let treated: Vec<bool> = (0..400).map(|i| i % 2 == 0).collect();
    let r = ranked(&[0.1; 400], &y, &treated);
    let ranking = judge(&r, true, &quick(), &JobCtx::quiet()).unwrap();
    assert!(ranking.qini.low > 0.0 && ranking.p < 0.05, "the file's order alone looks like a find");
    assert!(ranking.by_file_order && !ranking.is_clear(ranking.p));
}

#[test]
fn a_study_of_the_recipe_says_how_deep_and_what_is_good() {
    use crate::strategy::study::{UpliftAsked, ask_of};
    let read = |text: &str| toml::from_str::<UpliftAsked>(text).unwrap();
    let plain = read("treatment = \"t\"");
    assert_eq!((plain.depth, ask_of(&plain).positive), (Options::default().depth, None));
    assert!(!toml::to_string(&plain).unwrap().contains("depth"));
    let asked = read("treatment = \"t\"\ndepth = 3\npositive = \"yes\"");
    assert_eq!((asked.depth, ask_of(&asked).positive.as_deref()), (3, Some("yes")));
    assert_eq!(read(&toml::to_string(&asked).unwrap()), asked);
}

#[test]
fn randomised_data_are_graded_a_and_thinned_data_are_not() {
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(5, "grades");
    let (table, truth) = trial(3_000, 1, true, &mut r, |_, _| 0.5, |a| 0.2 * a);
    let found = analyse(&read(&table), &quick(), &ctx).unwrap();
    let arm = &found.arms[0];
    assert_eq!(arm.grade, Grade::A, "{:?}", arm.reason);
    assert!(arm.targetable && arm.effect.method == "difference" && arm.effect.low < truth && truth < arm.effect.high);

    let distance = |a: &ArmResult| a.checks.iter().find(|c| c.name == "distance").map(|c| c.status);
    assert_eq!(distance(arm), Some(Light::Ok));

    // Thinned: the treated with a strong habit stay, most of the others go. Habit drives the outcome, too.
    let (table, truth) = trial(3_000, 2, true, &mut r, |_, habit| 0.15 + 0.7 * habit, |a| 0.2 * a);
    let naive = analyse(&read(&table), &quick(), &ctx).unwrap();
    let arm = &naive.arms[0];
    assert_eq!((arm.grade, arm.reason.code.as_str()), (Grade::C, "uplift.grade_c_dependent"));
    assert!(arm.ci[0] > truth, "the naive interval misses the truth: {:?} {truth}", arm.ci);
    assert!(!arm.targetable && arm.verdict.code == "uplift.verdict_unsupported" && naive.policy.is_none());
    assert!(arm.checks.iter().any(|c| c.name == "propensity_auc" && c.status != Light::Ok));

    let study = Study::of(&table, &Ask { adjust: vec!["habit".into()], ..ask() }).unwrap();
    let adjusted = &analyse(&study, &quick(), &ctx).unwrap().arms[0];
    assert_eq!(adjusted.grade, Grade::B, "{:?}", adjusted.reason);
    assert!(adjusted.effect.method == "aipw" && adjusted.effect.low < truth && truth < adjusted.effect.high, "{:?}", adjusted.effect);
    let smd = |name: &str| adjusted.checks.iter().find(|c| c.name == name).unwrap().value;
    assert!(smd("smd_before") > 0.5 && smd("smd_after") < 0.1);

    // Adjusting for what did not decide it is no adjustment.
    let study = Study::of(&table, &Ask { adjust: vec!["age".into()], ..ask() }).unwrap();
    assert_eq!(analyse(&study, &quick(), &ctx).unwrap().arms[0].reason.code, "uplift.grade_c_unbalanced");
    // A negative control that shares the confounder gives an incomplete adjustment away.
    let lone = Ask { features: Some(vec!["age".into()]), adjust: vec!["age".into()], negative: vec!["habit".into()], ..ask() };
    let blind = &analyse(&Study::of(&table, &lone).unwrap(), &quick(), &ctx).unwrap().arms[0];
    assert!(blind.checks.iter().any(|c| c.name == "negative_control:habit" && c.status == Light::Bad));
    assert_eq!(blind.reason.code, "uplift.grade_c_negative");

    // Habits that only one group has.
    let (table, _) = trial(3_000, 3, true, &mut r, |_, habit| if habit > 0.5 { 0.999 } else { 0.5 }, |a| 0.2 * a);
    let study = Study::of(&table, &Ask { adjust: vec!["habit".into()], ..ask() }).unwrap();
    let apart = &analyse(&study, &quick(), &ctx).unwrap().arms[0];
    assert_eq!((apart.grade, distance(apart)), (Grade::D, Some(Light::Bad)));
}

#[test]
fn adjusting_for_the_confounder_covers_the_truth_again_and_again() {
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(8, "thinned");
    let (mut hits, mut naive) = (0, 0);
    for run in 0..200 {
        let (table, _) = trial(800, run, true, &mut r, |_, habit| 0.2 + 0.6 * habit, |a| 0.2 * a);
        let pair = read(&table).pair(1);
        let (space, confounders) =
            (Space::of(&pair, &[0, 1], Base::Logistic, 1).unwrap(), Space::of(&pair, &[1], Base::Logistic, 1).unwrap());
        let n = nuisances(&pair, &space, Some(&confounders), &ctx).unwrap();
        let a = aipw(&n.scores(&pair, &pair.train));
        hits += usize::from(a.low <= 0.1 && 0.1 <= a.high);
        let all: Vec<usize> = (0..pair.y.len()).collect();
        let d = difference(&pair.y, &pair.w, &all, true);
        naive += usize::from(d.low <= 0.1 && 0.1 <= d.high);
    }
    assert!((183..=197).contains(&hits) && naive < 100, "adjusted {hits}, naive {naive} of 200");
}

/// Three arms: what `gain` says each arm brings to a person of an age and a region.
fn three(n: usize, seed: u64, gain: impl Fn(usize, f64, bool) -> f64) -> Study {
    let mut r = rng::rng(seed, "three");
    let (mut age, mut region, mut sent, mut bought) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let (a, south, arm) = (rng::below(&mut r, 60) as f64 + 18.0, rng::unit(&mut r) < 0.5, rng::below(&mut r, 3));
        age.push(Some(a));
        region.push(Some(if south { "south" } else { "north" }.to_owned()));
        sent.push(Some(["none", "red", "blue"][arm].to_owned()));
        bought.push(Some(i64::from(rng::unit(&mut r) < 0.3 + gain(arm, a, south))));
    }
    let columns = vec![
        ("age".into(), Values::Numbers(age)),
        ("region".into(), Values::Texts(region)),
        ("sent".into(), Values::Texts(sent)),
        ("bought".into(), Values::Integers(bought)),
    ];
    let features = Some(vec!["age".into(), "region".into()]);
    Study::of(&Table::from_columns(columns).unwrap(), &Ask { features, ..ask() }).unwrap()
}

#[test]
fn the_policy_is_what_held_out_people_support() {
    let ctx = JobCtx::quiet();
    let with_policy = Options { depth: 2, ..quick() };
    // Blue works better in everybody, and nothing else does anything.
    let found = analyse(&three(6_000, 1, |arm, _, _| [0.0, 0.05, 0.2][arm]), &with_policy, &ctx).unwrap();
    let p = found.policy.unwrap();
    let best = &p.candidates[p.recommended];
    assert_eq!((best.kind, best.arm.as_deref()), (policy::Kind::Everybody, Some("blue")), "{p:?}");
    // Nothing works, but a model that picks its own best always hopes for something.
    let found = analyse(&three(3_000, 2, |_, _, _| 0.0), &with_policy, &ctx).unwrap();
    let p = found.policy.unwrap();
    let model = p.candidates.last().unwrap();
    assert_eq!(p.recommended, 0);
    assert!(model.claimed.unwrap() > p.candidates[0].value && model.claimed.unwrap() > model.value, "{p:?}");
    // Red for the south, blue for the north.
    let found = analyse(
        &three(6_000, 3, |arm, _, south| if arm == 1 + usize::from(!south) { 0.25 } else { -0.1 * arm.min(1) as f64 }),
        &with_policy,
        &ctx,
    );
    let p = found.unwrap().policy.unwrap();
    assert_eq!(p.candidates[p.recommended].kind, policy::Kind::Tree, "{:?}", p.reason);
    let of_region = |r: &policy::Rule| {
        let region = "region".to_owned();
        r.conditions == [tree::Condition::Is { feature: region.clone(), level: "south".into() }]
            || r.conditions == [tree::Condition::IsNot { feature: region, level: "north".into() }]
    };
    assert!(p.rules.iter().any(|r| r.arm == "red" && of_region(r)), "{:?}", p.rules);
    // With a contact that costs more than it can earn, nobody is treated.
    let money = Some(Money { value: 1.0, contact: 0.5, conversion: 0.0 });
    let found = analyse(&three(3_000, 3, |arm, _, _| [0.0, 0.05, 0.2][arm]), &Options { money, ..with_policy }, &ctx).unwrap();
    assert_eq!(found.policy.unwrap().recommended, 0);
    assert!(found.arms.iter().all(|a| a.earnings.as_ref().unwrap().advice.code == "uplift.money_nobody"));
}

/// Treatments that do nothing, again and again: the policy hardly ever recommends one.
#[test]
fn null_data_seldom_recommend_anybody() {
    let (runs, options) = (200, Options { depth: 1, replicates: 20, shuffles: 20, ..quick() });
    let winner = |seed: u64| {
        let found = analyse(&three(600, 100 + seed, |_, _, _| 0.0), &Options { seed, ..options.clone() }, &JobCtx::quiet()).unwrap();
        usize::from(found.policy.is_some_and(|p| p.recommended > 0))
    };
    let winners: usize = (0..runs).map(winner).sum();
    assert!(winners <= 16, "{winners} of {runs}");
}

#[test]
fn money_decides_how_many_are_contacted() {
    // The first half earns 2 each, the second loses 1; every score is what it says.
    let n = 2_000;
    let robust: Vec<f64> = (0..n).map(|i| if i < n / 2 { 3.0 } else { 0.0 }).collect();
    let score: Vec<f64> = (0..n).map(|i| (n - i) as f64 / n as f64).collect();
    let treated: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
    let r = Ranked::new(&score, &robust, &treated, &vec![1.0; n], &robust);
    let e = money::earnings(&r, Money { value: 1.0, contact: 1.0, conversion: 0.0 }, 100, 1, &JobCtx::quiet()).unwrap();
    assert!((e.everybody.profit - 0.5).abs() < 1e-9 && (e.best_share.profit - 1.0).abs() < 0.01, "{e:?}");
    assert!(e.optimum.low <= 0.5 && 0.5 <= e.optimum.high && e.optimum.high - e.optimum.low < 0.1);
    assert_eq!(e.advice.code, "uplift.money_share");
}

#[test]
fn the_same_seed_gives_the_same_bits_at_any_thread_count() {
    let study = three(900, 4, |arm, a, _| 0.004 * arm as f64 * (a - 40.0));
    let o = Options { depth: 2, money: Some(Money { value: 2.0, contact: 0.1, conversion: 0.0 }), ..quick() };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        serde_json::to_string(&pool.install(|| analyse(&study, &o, &JobCtx::quiet()).unwrap())).unwrap()
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn bootstrap_replicates_scatter_as_wide_as_new_samples_do() {
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(12, "spread");
    let sample = |r: &mut Rng| {
        let (score, treated): (Vec<f64>, Vec<bool>) = (0..500).map(|_| (rng::unit(r), rng::unit(r) < 0.5)).unzip();
        let y: Vec<f64> = score.iter().zip(&treated).map(|(s, t)| f64::from(rng::unit(r) < 0.2 + if *t { 0.4 * s } else { 0.0 })).collect();
        ranked(&score, &y, &treated)
    };
    let sd = |v: &[Figures]| {
        let mean = v.iter().map(|f| f.qini).sum::<f64>() / v.len() as f64;
        (v.iter().map(|f| (f.qini - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt()
    };
    let fresh: Vec<Figures> = (0..600).map(|_| sample(&mut r).figures(None, 0.3)).collect();
    let redrawn: f64 = (0..10).map(|s| sd(&sample(&mut r).bootstrap(0.3, None, 400, s, &ctx).unwrap())).sum::<f64>() / 10.0;
    assert!((redrawn / sd(&fresh) - 1.0).abs() < 0.12, "{redrawn} against {}", sd(&fresh));
}

#[test]
fn bad_input_is_refused_in_one_sentence() {
    let mut r = rng::rng(2, "bad");
    let (table, _) = trial(200, 1, true, &mut r, |_, _| 0.5, |a| 0.2 * a);
    let refused = |change: &dyn Fn(&mut Ask), code: &str| {
        let mut a = ask();
        change(&mut a);
        let fault = Study::of(&table, &a).unwrap_err();
        assert_eq!(fault.0.code, code, "{fault}");
        let text = fault.to_string();
        assert!(text.len() > 30 && !text.contains('{'), "{text}");
    };
    refused(&|a| a.outcome = "sent".into(), "uplift.same_column");
    refused(&|a| a.control = "nobody".into(), "uplift.no_control");
    refused(&|a| a.treatment = "sen".into(), "data.no_column");
    refused(&|a| a.filter = Some("sent = 'mail'".into()), "uplift.arm_empty");
    refused(&|a| a.filter = Some("sent = 'none'".into()), "uplift.one_arm");
    refused(&|a| a.split = Some(Split::Modulo { of: 20, test_from: 19 }), "uplift.arm_small");
    refused(&|a| a.treatment = "habit".into(), "uplift.too_many_arms");
    refused(&|a| a.filter = Some("bought = 1".into()), "uplift.constant_outcome");
    refused(&|a| a.adjust = vec!["bought".into()], "uplift.not_a_feature");
    refused(&|a| a.negative = vec!["age".into()], "uplift.negative_used");
    refused(&|a| a.times = Some(("habit".into(), "age".into())), "uplift.treated_after");
    refused(&|a| a.ratio = vec![("mail".into(), 1.0)], "uplift.ratio_missing");
    refused(&|a| a.ratio = vec![("mail".into(), 0.0), ("none".into(), 1.0)], "uplift.ratio_value");
    // A coupon that is written down only when somebody bought cannot have made anybody buy.
    let bought = table.numbers(table.index_of("bought").unwrap());
    let coupon = |r: usize| (bought[r] > 0.5).then(|| ["mail", "none"][r % 2].to_owned());
    let late = table.with_texts("coupon", &(0..table.n_rows()).map(coupon).collect::<Vec<_>>()).unwrap();
    let fault = Study::of(&late, &Ask { treatment: "coupon".into(), ..ask() }).unwrap_err();
    assert_eq!(fault.0.code, "uplift.treatment_after", "{fault}");
    let more = |o: Options| analyse(&read(&table), &o, &JobCtx::quiet()).unwrap_err().0.code;
    assert_eq!(more(Options { k: 1.0, ..quick() }), "uplift.bad_share");
    assert_eq!(more(Options { by: vec!["zip".into()], ..quick() }), "uplift.no_group_column");
    assert_eq!(more(Options { by: vec!["habit".into()], ..quick() }), "uplift.many_groups");
    // Missing and infinite outcomes are left out and said, not fed to anybody.
    let mut y = table.numbers(3);
    (y[0], y[1]) = (f64::NAN, f64::INFINITY);
    let study = Study::of(&table.with_values("bought", Values::Numbers(y.iter().map(|v| Some(*v)).collect())).unwrap(), &ask()).unwrap();
    assert_eq!((study.dropped, study.y.len()), (2, 198));
    assert!(study.warnings.iter().any(|w| w.code == "uplift.rows_dropped"));
}

#[test]
fn every_light_has_its_words() {
    let words = crate::base::text::catalogue();
    let names = [
        "attrition",
        "auc",
        "smd_before",
        "smd_after",
        "overlap",
        "effective",
        "heaviest",
        "calibration",
        "placebo_treatment",
        "placebo_outcome",
        "negative",
    ];
    for name in names {
        for end in ["ok", "bad"] {
            assert!(words.contains_key(&format!("uplift.check_{name}_{end}")), "{name}_{end}");
        }
    }
}

#[test]
fn a_network_behind_the_doubly_robust_learner_finds_an_effect_that_no_line_can() {
    // The treatment works in the middle of the range and harms at its ends.
    let effect = |a: f64| 0.4 - 1.6 * (a - 0.5).abs();
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(21, "network");
    let (table, _) = trial(6_000, 1, false, &mut r, |_, _| 0.5, effect);
    let pair = read(&table).pair(1);
    let truth: Vec<f64> = pair.test.iter().map(|&r| effect(pair.x.row(r)[0])).collect();
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let off = |e: &[f64]| (e.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / truth.len() as f64).sqrt();
    let constant = off(&vec![mean; truth.len()]);
    let found = |base, seed| {
        let space = Space::of(&pair, &[0, 1], base, seed).unwrap();
        let n = nuisances(&pair, &space, None, &ctx).unwrap();
        learner::effects(Learner::Dr, &pair, &space, &n, &pair.test, &ctx).unwrap()
    };
    let network = found(Base::Dnn, 1);
    // Even the true mean effect, given to everybody, is further off; a line can do no better than that.
    assert!(off(&network) < 0.5 * constant, "{} of {constant}", off(&network));
    assert!(off(&found(Base::Logistic, 1)) > 0.9 * constant);
    // The same seed says the same, another seed something else.
    assert_eq!(network, found(Base::Dnn, 1));
    assert_ne!(network, found(Base::Dnn, 2));
}

#[test]
fn the_mean_effect_is_the_same_over_a_network_as_over_trees() {
    // As in Hillstrom's test: a rare outcome, a third without mail, and columns of counts and amounts.
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(22, "hillstrom");
    let (table, truth) = trial(6_000, 1, true, &mut r, |_, _| 2.0 / 3.0, |a| 0.06 * a + 0.02);
    let pair = read(&table).pair(1);
    let of = |base| {
        let space = Space::of(&pair, &[0, 1], base, 1).unwrap();
        aipw(&nuisances(&pair, &space, None, &ctx).unwrap().scores(&pair, &(0..pair.y.len()).collect::<Vec<_>>()))
    };
    let trees = of(Base::Gbdt);
    for network in [of(Base::Dnn), of(Base::Transformer)] {
        assert!(trees.low < network.value && network.value < trees.high, "{network:?} {trees:?}");
        assert!(network.low < truth && truth < network.high && network.value != trees.value, "{network:?} {truth}");
    }
}

#[test]
fn a_network_stops_when_it_is_told_to() {
    let mut r = rng::rng(23, "stop");
    let (table, _) = trial(2_000, 1, true, &mut r, |_, _| 0.5, |a| 0.4 * a);
    let pair = read(&table).pair(1);
    let space = Space::of(&pair, &[0, 1], Base::Dnn, 1).unwrap();
    let ctx = JobCtx::quiet();
    ctx.token().cancel();
    assert!(nuisances(&pair, &space, None, &ctx).err().is_some_and(|f| f.is_cancelled()));
}

#[test]
fn weights_reach_trees_and_networks() {
    // Four in five are treated, so the R-learner and the class transformation have to weigh people; the effect has a peak that
    // no line follows.
    let effect = |a: f64| 0.35 - 1.2 * (a - 0.5).abs();
    let ctx = JobCtx::quiet();
    let mut r = rng::rng(24, "weights");
    for (learner, binary) in [(Learner::R, false), (Learner::ClassTransform, true)] {
        let (table, _) = trial(12_000, 1, binary, &mut r, |_, _| 0.8, effect);
        let pair = read(&table).pair(1);
        for base in [Base::Gbdt, Base::Dnn] {
            let space = Space::of(&pair, &[0, 1], base, 1).unwrap();
            let n = nuisances(&pair, &space, None, &ctx).unwrap();
            let e = learner::effects(learner, &pair, &space, &n, &pair.test, &ctx).unwrap();
            let mean = |age: f64| {
                let own: Vec<f64> = e.iter().zip(&pair.test).filter(|(_, r)| pair.x.row(**r)[0] == age).map(|(e, _)| *e).collect();
                own.iter().sum::<f64>() / own.len() as f64
            };
            for age in [0.0, 0.5, 1.0] {
                assert!((mean(age) - effect(age)).abs() < 0.12, "{learner:?} {base:?} at {age}: {} of {}", mean(age), effect(age));
            }
        }
    }
}
