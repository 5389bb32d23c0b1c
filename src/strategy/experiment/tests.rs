//! Published figures, brute force, and promises kept over many simulated experiments.

use super::bayes::Prior;
use super::decide::Word;
use super::effect::Way;
use super::many::{Correction, adjust};
use super::moments::{Together, cuped};
use super::plan::{Plan, srm};
use super::read::{Asked, Metric, Version, read};
use super::*;
use crate::base::{Fingerprint, JobCtx, rng};
use crate::data::Table;
use crate::data::table::Values;
use crate::strategy::Grade;

fn near(found: f64, known: f64, within: f64) {
    assert!((found - known).abs() <= within, "{found} is not {known}");
}

/// The vectors of GrowthBook's own tests of its statistics engine.
fn vectors(n: f64) -> (Moments, Moments) {
    (Moments::of_sums(1396.87, 52377.9767, n).unwrap(), Moments::of_sums(2422.7, 134698.29, 3461.0).unwrap())
}

#[test]
fn fixed_and_sequential_readings_are_the_published_ones() {
    let (a, b) = vectors(3407.0);
    let relative = effect::judge(&a, &b, effect::relative(&a, &b).unwrap(), Way::Fixed, 0.05).unwrap();
    near(relative.effect, 0.70732, 5e-6);
    near(relative.ci.0, -0.03526, 5e-6);
    near(relative.ci.1, 1.44989, 5e-6);
    near(relative.p, 0.06191, 5e-6);
    let absolute = effect::judge(&a, &b, effect::absolute(&a, &b), Way::Fixed, 0.05).unwrap();
    near(absolute.effect, 0.29, 5e-6);
    near(absolute.ci.0, 0.04538, 5e-6);
    near(absolute.ci.1, 0.53462, 5e-6);
    near(absolute.p, 0.02016, 5e-6);
    let (a, b) = vectors(3000.0);
    let any = effect::judge(&a, &b, effect::relative(&a, &b).unwrap(), Way::Sequential { tuning: 1000.0 }, 0.05).unwrap();
    near(any.effect, 0.50336, 5e-6);
    near(any.ci.0, -0.55844, 5e-6);
    near(any.ci.1, 1.56516, 5e-6);
}

#[test]
fn a_sequential_p_value_and_interval_say_the_same() {
    let mut random = rng::rng(7, "same");
    for _ in 0..500 {
        let a = Moments { n: 50.0 + 5_000.0 * rng::unit(&mut random), mean: 1.0, variance: 1.0 };
        let b = Moments { n: 50.0 + 5_000.0 * rng::unit(&mut random), mean: 1.0 + 0.3 * rng::normal(&mut random), variance: 2.0 };
        let alpha = 0.01 + 0.2 * rng::unit(&mut random);
        for way in [Way::Fixed, Way::Sequential { tuning: 700.0 }] {
            let e = effect::judge(&a, &b, effect::absolute(&a, &b), way, alpha).unwrap();
            assert_eq!(e.p < alpha, e.ci.0 > 0.0 || e.ci.1 < 0.0, "{e:?} at {alpha}");
        }
    }
}

#[test]
fn bayesian_readings_are_the_published_and_the_exact_ones() {
    let (a, b) = (Moments::of_rate(49.0, 100.0).unwrap(), Moments::of_rate(51.0, 100.0).unwrap());
    let flat = bayes::relative(&a, &b, None, 0.05).unwrap();
    near(flat.effect, 0.04082, 5e-6);
    near(flat.ci.0, -0.24779, 5e-6);
    near(flat.ci.1, 0.32943, 5e-6);
    near(flat.chance_to_win, 0.60918, 5e-6);
    // A narrow prior at zero pulls the effect in; a wide one leaves it.
    let prior = |sd| bayes::relative(&a, &b, Some(Prior { mean: 0.0, sd }), 0.05).unwrap();
    assert!(prior(0.01).effect < 0.001 && (prior(1e3).effect - flat.effect).abs() < 1e-6);
    near(bayes::rates((49.0, 100.0), (51.0, 100.0)).unwrap().chance_to_win, 0.610771, 5e-7);
    let r = bayes::rates((120.0, 1000.0), (150.0, 1000.0)).unwrap();
    near(r.chance_to_win, 0.975068, 5e-7);
    near(r.loss_of_variant, 0.000144, 5e-7);
    // By turning the two round, chances sum to one and losses change places.
    let turned = bayes::rates((150.0, 1000.0), (120.0, 1000.0)).unwrap();
    near(turned.chance_to_win, 1.0 - r.chance_to_win, 1e-9);
    near(turned.loss_of_control, r.loss_of_variant, 1e-9);
    // The smallest posteriors, where the answer is known: both flat.
    near(bayes::rates((0.0, 1.0), (1.0, 1.0)).unwrap().chance_to_win, 5.0 / 6.0, 1e-6);
}

#[test]
fn sizes_splits_and_corrections_are_the_published_ones() {
    let plan = |baseline| Plan { baseline, sd: None, alpha: 0.05, power: 0.8, arms: 2, per_day: Some(500.0) };
    let s = plan(0.05).size(0.06).unwrap();
    assert_eq!((s.per_arm, s.per_arm_pooled, s.days), (8_155, 8_158, Some(33)));
    let s = plan(0.2).size(0.25).unwrap();
    assert_eq!((s.per_arm, s.per_arm_pooled), (1_091, 1_094));
    // What a size needs, that size shows.
    near(plan(0.2).detectable(1_091).unwrap().effect, 0.05, 5e-5);
    let amount = Plan { sd: Some(30.0), ..plan(10.0) };
    near(amount.detectable(amount.size(11.0).unwrap().per_arm).unwrap().effect, 1.0, 1e-3);
    near(srm(&[50_000, 50_600], None).unwrap().p, 0.0585, 5e-5);
    let s = srm(&[10_000, 10_300], None).unwrap();
    near(s.p, 0.0352, 5e-5);
    assert!(s.ok && !srm(&[10_000, 10_700], None).unwrap().ok && srm(&[20_000, 10_050], Some(&[2.0, 1.0])).unwrap().ok);
    // By hand: Holm multiplies by what is left and never falls, Benjamini–Hochberg divides by the rank and never rises.
    let p = [0.01, 0.04, 0.03, 0.005];
    let close = |found: Vec<f64>, known: [f64; 4]| found.iter().zip(known).for_each(|(f, k)| near(*f, k, 1e-12));
    close(adjust(&p, Correction::Holm), [0.03, 0.06, 0.06, 0.02]);
    close(adjust(&p, Correction::Bh), [0.02, 0.04, 0.04, 0.02]);
    close(adjust(&p, Correction::None), p);
}

#[test]
fn looking_every_day_raises_few_false_alarms() {
    let (mut any, mut fixed) = (0, 0);
    for run in 0..2_000u64 {
        let mut random = rng::rng(run, "a-a");
        let (mut sums, mut n) = ([(0.0, 0.0); 2], 0.0);
        let mut alarms = (false, false);
        for _ in 0..28 {
            // A day of forty people an arm: their sum and squares, drawn one by one.
            n += 40.0;
            for s in &mut sums {
                for _ in 0..40 {
                    let v = 10.0 + 4.0 * rng::normal(&mut random);
                    *s = (s.0 + v, s.1 + v * v);
                }
            }
            let arms = sums.map(|(s, q)| Moments::of_sums(s, q, n).unwrap());
            let of = |way| effect::judge(&arms[0], &arms[1], effect::absolute(&arms[0], &arms[1]), way, 0.05).unwrap().p < 0.05;
            alarms.0 |= of(Way::Sequential { tuning: 1_000.0 });
            alarms.1 |= of(Way::Fixed);
        }
        any += u32::from(alarms.0);
        fixed += u32::from(alarms.1);
    }
    assert!(any <= 120, "{any} of 2,000 alarms at any time");
    // The same looks at the fixed reading show what the promise is worth.
    assert!(fixed > 400, "{fixed} of 2,000 alarms of the fixed reading");
}

/// The program's own word, asked every day of an experiment whose arms are alike, with a plan that is reached on the way.
#[test]
fn asking_for_the_word_every_day_raises_few_false_alarms() {
    let (runs, days, daily) = (200, 20, 30);
    let mut alarms = 0;
    for run in 0..runs {
        let mut r = rng::rng(run, "words");
        let n = days * daily * 2;
        let arm = (0..n).map(|i| Some(if i % 2 == 1 { "B" } else { "A" }.to_owned())).collect();
        let amount = (0..n).map(|_| Some(10.0 + 4.0 * rng::normal(&mut r))).collect();
        let day = (0..n).map(|i| Some((i / (2 * daily)) as i32)).collect();
        let columns = [("arm", Values::Texts(arm)), ("amount", Values::Numbers(amount)), ("day", Values::Dates(day))];
        let table = Table::from_columns(columns.map(|(n, v)| (n.to_owned(), v)).into()).unwrap();
        let ask = Asked { date: Some("day".into()), mde: Some(0.08), ..asked("amount") };
        let alarm = |d: usize| {
            let rows: Vec<usize> = (0..(d + 1) * 2 * daily).collect();
            let word = reading(&table.select_rows(&rows), &ask).unwrap().decisions[0].word;
            matches!(word, Word::Ship | Word::RollBack)
        };
        alarms += u32::from((0..days).any(alarm));
    }
    assert!(alarms <= 16, "{alarms} of {runs} alarms");
    assert!(alarms > 0, "the look is taken");
}

#[test]
fn adjusting_removes_the_variance_that_the_covariate_explains_and_no_effect() {
    let mut random = rng::rng(3, "cuped");
    let mut arm = |shift: f64| {
        let x: Vec<f64> = (0..20_000).map(|_| rng::normal(&mut random)).collect();
        let y: Vec<f64> = x.iter().map(|x| 5.0 + 2.0 * x + shift + rng::normal(&mut random)).collect();
        (y, x)
    };
    let arms = [arm(0.0), arm(0.1)];
    let together = arms.each_ref().map(|(y, x)| Together::of_values(y, x));
    let (m, removed) = cuped(&together).unwrap();
    // Of a variance of 5 the covariate explains 4.
    near(removed, 0.8, 0.01);
    near(m[0].variance, 1.0, 0.03);
    near(m[1].mean - m[0].mean, 0.1, 0.03);
    assert!(cuped(&arms.each_ref().map(|(y, _)| Together::of_values(y, &vec![1.0; y.len()]))).is_none());
}

/// People by arm, with an amount, a rate, what was known before, a day, and who they are.
fn people(n: usize, lift: f64, tilt: f64) -> Table {
    let mut r = rng::rng(11, "people");
    let (mut arm, mut amount, mut bought, mut before, mut day) = (vec![], vec![], vec![], vec![], vec![]);
    for i in 0..n {
        let variant = i % 2 == 1;
        let x = rng::normal(&mut r) + if variant { tilt } else { 0.0 };
        let y = 20.0 + 3.0 * x + rng::normal(&mut r) + if variant { lift } else { 0.0 };
        arm.push(Some(if variant { "B" } else { "A" }.to_owned()));
        bought.push(Some(y > 20.0));
        amount.push(Some(if i == 0 { 9_000.0 } else { y }));
        before.push(Some(x));
        day.push(Some((i * 10 / n.max(1)) as i32));
    }
    let columns = [
        ("arm", Values::Texts(arm)),
        ("amount", Values::Numbers(amount)),
        ("bought", Values::Booleans(bought)),
        ("before", Values::Numbers(before)),
        ("day", Values::Dates(day)),
        ("person", Values::Integers((0..n as i64).map(Some).collect())),
    ];
    Table::from_columns(columns.map(|(n, v)| (n.to_owned(), v)).into()).unwrap()
}

fn asked(metric: &str) -> Asked {
    Asked {
        variant: "arm".into(),
        control: "A".into(),
        metrics: vec![Metric { column: metric.into(), guardrail: false, lower_is_better: false }],
        ..Asked::default()
    }
}

fn reading(table: &Table, asked: &Asked) -> crate::base::Result<Reading> {
    read(table, asked, &Fingerprint::default(), &JobCtx::quiet())
}

#[test]
fn a_table_is_read_in_every_version_and_decided() {
    let table = people(4_000, 1.0, 0.0);
    let full =
        Asked { covariate: Some("before".into()), winsorise: Some(0.99), date: Some("day".into()), mde: Some(0.02), ..asked("amount") };
    let found = reading(&table, &full).unwrap();
    assert_eq!((found.grade, found.days, found.people, found.arms.join(",")), (Grade::A, Some(10), 4_000, "A,B".into()));
    let versions: Vec<Version> = found.metrics.iter().map(|m| m.version).collect();
    assert_eq!(versions, [Version::Raw, Version::Cuped, Version::Winsorised]);
    let absolute = |m: usize| found.metrics[m].comparisons[0].absolute.unwrap();
    // One bill of 9,000 drowns the raw reading, not the winsorised one.
    assert!(absolute(0).ci.0 < 0.0 && absolute(2).ci.0 > 0.0 && absolute(2).ci.1 < 2.0, "{:?}", absolute(2));
    assert!(!found.metrics[0].decides && found.metrics[1].decides && !found.metrics[2].decides);
    // The rate, with nothing odd in it, is decided at once; what is worse is rolled back.
    let rate = reading(&table, &asked("bought")).unwrap();
    assert_eq!(rate.decisions[0].word, Word::Ship);
    let lower = Metric { lower_is_better: true, ..asked("bought").metrics[0].clone() };
    assert_eq!(reading(&table, &Asked { metrics: vec![lower], ..asked("bought") }).unwrap().decisions[0].word, Word::RollBack);
    // No effect: first people are missing, and how many a day come is known; in the end nothing is clear.
    let none = people(4_000, 0.0, 0.0);
    let planned = |mde| reading(&none, &Asked { mde: Some(mde), date: Some("day".into()), ..asked("bought") }).unwrap();
    let waiting = &planned(0.02).decisions[0];
    assert_eq!(waiting.word, Word::DaysLeft);
    assert_eq!(waiting.days_left, waiting.people_left.map(|p| p.div_ceil(200)));
    assert_eq!(planned(0.2).decisions[0].word, Word::Ready);
}

#[test]
fn what_is_broken_is_said_to_be_unhealthy() {
    let split = people(4_000, 0.5, 0.0).select_rows(&(0..4_000).filter(|i| i % 2 == 0 || i % 3 == 0).collect::<Vec<_>>());
    let found = reading(&split, &asked("bought")).unwrap();
    assert_eq!((found.grade, found.decisions[0].word, found.srm.ok), (Grade::D, Word::Unhealthy, false));
    // As planned, it is sound.
    let shares = [("A".to_owned(), 3.0), ("B".to_owned(), 1.0)].into();
    assert!(reading(&split, &Asked { shares, ..asked("bought") }).unwrap().srm.ok);
    // People differed before the start.
    let tilted = reading(&people(4_000, 0.0, 0.3), &Asked { before: vec!["before".into()], ..asked("bought") }).unwrap();
    assert_eq!((tilted.grade, tilted.reason.code.as_str()), (Grade::D, "experiment.ill_balance"));
    assert_eq!(reading(&people(4_000, 0.0, 0.0), &Asked { before: vec!["before".into()], ..asked("bought") }).unwrap().grade, Grade::A);
}

#[test]
fn rows_of_one_person_are_added_up() {
    let text = |v: &[&str]| Values::Texts(v.iter().map(|s| Some((*s).to_owned())).collect());
    let columns = vec![
        ("who".to_owned(), text(&["a", "a", "b", "c", "c", "d", "e", "e"])),
        ("arm".to_owned(), text(&["x", "x", "x", "y", "y", "y", "x", "y"])),
        ("spend".to_owned(), Values::Numbers([1.0, 2.0, 5.0, 4.0, 4.0, 2.0, 9.0, 9.0].map(Some).into())),
    ];
    let table = Table::from_columns(columns).unwrap();
    let ask = Asked { variant: "arm".into(), control: "x".into(), id: Some("who".into()), ..asked("spend") };
    let found = reading(&table, &ask).unwrap();
    let means: Vec<(u64, f64)> = found.metrics[0].arms.iter().map(|a| (a.n, a.mean)).collect();
    assert_eq!(means, [(2, 4.0), (2, 5.0)]);
    // The one who saw both is left out, and one in five is too many.
    assert!(found.warnings.iter().any(|w| w.code == "experiment.shared"));
    assert_eq!(found.decisions[0].word, Word::Unhealthy);
}

#[test]
fn the_path_of_days_is_what_a_reading_of_each_day_says() {
    let table = people(4_000, 1.0, 0.0);
    // Every person comes back once, later or on the same day.
    let mut rows: Vec<usize> = (0..4_000).collect();
    rows.extend((0..4_000).map(|i| i / 2 * 2 % 4_000));
    let table = table.select_rows(&rows);
    let day = table.numbers(table.column("day").unwrap());
    for metric in ["amount", "bought"] {
        let ask = Asked { date: Some("day".into()), id: Some("person".into()), ..asked(metric) };
        let found = reading(&table, &ask).unwrap();
        let path = &found.daily[0];
        assert_eq!((path.metric.as_str(), path.variant.as_str(), path.days.len()), (metric, "B", 10));
        for (k, d) in path.days.iter().enumerate() {
            let until: Vec<usize> = (0..rows.len()).filter(|r| day[*r] <= k as f64).collect();
            let then = reading(&table.select_rows(&until), &ask).unwrap();
            let any = then.metrics[0].comparisons[0].anytime.unwrap();
            assert_eq!((d.number, d.people), (k as i64, then.people));
            near(d.effect, any.effect, 1e-9);
            near(d.low, any.ci.0, 1e-9);
            near(d.high, any.ci.1, 1e-9);
        }
    }
    assert!(reading(&table, &asked("amount")).unwrap().daily.is_empty());
}

#[test]
fn impossible_questions_are_refused_in_a_sentence() {
    let table = people(200, 0.0, 0.0);
    let refused = |ask: Asked, code: &str| {
        let fault = reading(&table, &ask).unwrap_err();
        assert_eq!(fault.0.code, code, "{fault}");
    };
    refused(Asked { control: "C".into(), ..asked("bought") }, "experiment.no_control");
    refused(Asked { variant: "person".into(), control: "1".into(), ..asked("bought") }, "experiment.many_arms");
    refused(asked("arm"), "experiment.metric_twice");
    refused(Asked { metrics: vec![], ..asked("bought") }, "experiment.no_metric");
    refused(Asked { date: Some("amount".into()), ..asked("bought") }, "experiment.not_a_date");
    refused(Asked { alpha: 0.0, ..asked("bought") }, "experiment.bad_share");
    refused(Asked { shares: [("Z".to_owned(), 1.0)].into(), ..asked("bought") }, "experiment.no_arm");
    let one = table.select_rows(&(0..200).filter(|i| i % 2 == 0 || *i == 1).collect::<Vec<_>>());
    assert_eq!(reading(&one, &asked("bought")).unwrap_err().0.code, "experiment.empty_arm");
    let nobody = table.select_rows(&[]);
    assert!(reading(&nobody, &asked("bought")).is_err());
    for bad in [Moments::of_rate(5.0, 4.0), Moments::of_sums(1.0, f64::NAN, 9.0), Moments::of_sums(30.0, 1.0, 3.0)] {
        assert!(bad.is_err());
    }
    let plan = Plan { baseline: 0.1, sd: None, alpha: 0.05, power: 0.8, arms: 2, per_day: None };
    assert!(plan.size(0.1).is_err() && plan.size(1.2).is_err() && plan.detectable(1).is_err());
    assert!(Plan { baseline: 12.0, ..plan }.size(13.0).is_err() && srm(&[5], None).is_err() && srm(&[1, 1], Some(&[1.0])).is_err());
}
