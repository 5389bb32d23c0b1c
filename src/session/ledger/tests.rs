//! Scenarios of a recipe as the pipeline answers them.

use std::path::Path;

use super::*;
use crate::base::rng;
use crate::strategy::Grade;
use crate::strategy::experiment::Reading;
use crate::strategy::study::Finding;

const RECIPE: &str = r#"
version = 1
[data]
path = "mail.csv"
[roles]
target = ["bought"]
lever = ["mail"]
[[model]]
name = "line"
kind = "logistic"
[simulate]
replicates = 20
[[study]]
name = "spring"
[study.ask.experiment]
variant = "mail"
control = "none"
before = ["age"]
metrics = [{ column = "bought" }, { column = "paid" }]
[[scenario]]
name = "By mail"
tested = { study = "spring", arm = "mail" }
"#;

/// A coin says who gets mail (one person in `every` is lost to it where that is asked); it sells.
fn folder(lose: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "person,age,mail,bought,paid,word\n".to_owned();
    let mut r = rng::rng(11, "mail");
    for i in 0..4_000 {
        let (age, mail) = (20 + rng::below(&mut r, 50), rng::below(&mut r, 2) == 1);
        if mail && lose > 0 && rng::below(&mut r, lose) == 0 {
            continue;
        }
        let bought = rng::unit(&mut r) < 0.2 + 0.002 * age as f64 + if mail { 0.1 } else { 0.0 };
        let (mail, bought) = (if mail { "mail" } else { "none" }, u8::from(bought));
        text += &format!("{},{age},{mail},{bought},{},{}\n", i / 2, i % 7, ["no", "yes"][usize::from(bought)]);
    }
    std::fs::write(folder.path().join("mail.csv"), text).unwrap();
    folder
}

/// What a recipe's scenarios give, and what its first study says where it can be answered.
fn answered(folder: &tempfile::TempDir, text: &str) -> (Simulation, Option<Reading>) {
    let ctx = JobCtx::quiet();
    let recipe = Recipe::parse(text, Path::new("recipe.toml")).unwrap();
    let loaded = Arc::new(pipeline::load(&recipe, folder.path(), &ctx).unwrap());
    let prepared = pipeline::prepare(&recipe, &loaded, &ctx).unwrap();
    let model = pipeline::train(&prepared, &recipe.models[0], &ctx).unwrap();
    let baseline = pipeline::baseline(&prepared, &*model, &ctx).unwrap();
    let levers = pipeline::levers(&recipe, &prepared, &*model, &ctx).unwrap();
    let found = simulate(&recipe, &prepared, (&*model, &baseline), &[], &recipe.scenarios, &levers, &ctx).unwrap();
    let study = recipe.studies.first().and_then(|s| study::answer(&s.ask, &loaded, &ctx).ok());
    let reading = study.and_then(|f| match f {
        Finding::Experiment(r) => Some(*r),
        _ => None,
    });
    (found, reading)
}

fn fault_of(sim: &Simulation) -> &str {
    assert_eq!((sim.unanswered.len(), sim.differences.len()), (1, 0));
    &sim.unanswered[0].fault.code
}

#[test]
fn an_experiment_hands_its_figures_on_unchanged() {
    let folder = folder(0);
    let (sim, reading) = answered(&folder, RECIPE);
    let (d, s, reading) = (&sim.differences[0], &sim.scenarios[1], reading.unwrap());
    let bought = &reading.metrics[0];
    let any = bought.comparisons[0].anytime_absolute.unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    // One person's share of what everybody adds is the experiment's difference, with its interval.
    near(d.rate.value, any.effect);
    near(d.rate.low, any.ci.0);
    near(d.rate.high, any.ci.1);
    near(s.rate.value, bought.arms[0].mean + any.effect);
    assert_eq!((s.grade, s.reason.clone()), (Grade::A, reading.reason.clone()));
    let said = |sim: &Simulation, code: &str| sim.scenarios[1].warnings.iter().any(|w| w.code == code);
    assert!(said(&sim, "strategy.tested_any_time") && any.effect > 0.05 && d.rate.low > 0.0);

    // At the planned number of people the verdict takes its one look, and so does the scenario. Clear already at any time,
    // the look is not needed; so the effect is a small one here, seen with a planned size that is just reached.
    let at = reading.metrics[0].arms.iter().map(|a| a.n).min().unwrap();
    let plan = |mde: f64| {
        let text = RECIPE.replace("before = [\"age\"]", &format!("before = [\"age\"]\nalpha = 0.000001\nmde = {mde}"));
        answered(&folder, &text)
    };
    let need = |mde: f64| {
        let plan = crate::strategy::experiment::plan::Plan {
            baseline: bought.arms[0].mean,
            sd: None,
            alpha: 0.000_001,
            power: 0.8,
            arms: 2,
            per_day: None,
        };
        plan.size(bought.arms[0].mean * (1.0 + mde)).unwrap().per_arm
    };
    let mde = (1..4_000).map(|i| f64::from(i) / 4_000.0).find(|mde| need(*mde) <= at).unwrap();
    let (sim, reading) = plan(mde);
    let fixed = reading.unwrap().metrics[0].comparisons[0].absolute.unwrap();
    near(sim.differences[0].rate.low, fixed.ci.0);
    near(sim.differences[0].rate.high, fixed.ci.1);
    assert!(said(&sim, "strategy.tested_once") && fixed.ci.0 > any.ci.0 - 1.0);
    // Past it, and before it, only what holds at any time.
    for mde in [0.9, 0.02] {
        let (sim, reading) = plan(mde);
        let any = reading.unwrap().metrics[0].comparisons[0].anytime_absolute.unwrap();
        near(sim.differences[0].rate.low, any.ci.0);
        assert!(said(&sim, "strategy.tested_any_time"));
    }
}

#[test]
fn people_of_a_condition_are_read_apart() {
    let folder = folder(0);
    let (sim, _) = answered(&folder, &RECIPE.replace("name = \"By mail\"", "name = \"By mail\"\nwhere = \"age >= 45\""));
    let old: Vec<String> = std::fs::read_to_string(folder.path().join("mail.csv")).unwrap().lines().skip(1).map(str::to_owned).collect();
    let rate = |arm: &str| {
        let of: Vec<f64> = old
            .iter()
            .map(|l| l.split(',').collect::<Vec<_>>())
            .filter(|c| c[1].parse::<u32>().unwrap() >= 45 && c[2] == arm)
            .map(|c| c[3].parse().unwrap())
            .collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    assert!((sim.differences[0].rate.value - (rate("mail") - rate("none"))).abs() < 1e-9);
}

#[test]
fn a_broken_split_or_an_untested_one_is_no_grade_a() {
    // A fifth of those who were to get mail are lost.
    let (sim, reading) = answered(&folder(5), RECIPE);
    assert_eq!((sim.scenarios[1].grade, sim.scenarios[1].reason.code.as_str()), (Grade::D, "experiment.ill_split"));
    assert!(!reading.unwrap().srm.ok);
    let (sim, _) = answered(&folder(0), &RECIPE.replace("before = [\"age\"]\n", ""));
    assert_eq!((sim.scenarios[1].grade, sim.scenarios[1].reason.code.as_str()), (Grade::C, "experiment.grade_split"));
}

#[test]
fn what_was_not_measured_is_refused() {
    let folder = folder(0);
    let code = |from: &str, to: &str| {
        let text = RECIPE.replace(from, to);
        assert_ne!(text, RECIPE);
        let sim = answered(&folder, &text).0;
        let fault = fault_of(&sim).to_owned();
        assert!(!sim.unanswered[0].fault.say(crate::base::Lang::En).contains('{'));
        fault
    };
    // Another outcome, an amount, a yes that is no 1, an arm that is none, rows that are no people, a lever beside it.
    assert_eq!(code("{ column = \"bought\" }, ", ""), "strategy.tested_outcome");
    assert_eq!(code("target = [\"bought\"]", "target = [\"paid\"]"), "strategy.tested_yes_no");
    assert_eq!(code("target = [\"bought\"]", "target = [\"bought\"]\npositive = \"0\""), "strategy.tested_yes_no");
    assert_eq!(code("arm = \"mail\"", "arm = \"post\""), "strategy.tested_arm");
    assert_eq!(code("control = \"none\"", "control = \"none\"\nid = \"person\""), "strategy.tested_rows");
    assert_eq!(code("study = \"spring\"", "study = \"autumn\""), "strategy.tested_study");
    let levers = RECIPE.replace("lever = [\"mail\"]", "lever = [\"mail\", \"age\"]");
    let sim = answered(&folder, &format!("{levers}set = {{ age = \"+1\" }}\n")).0;
    assert_eq!(fault_of(&sim), "strategy.tested_set");
}

#[test]
fn a_lever_names_the_arm() {
    let folder = folder(0);
    let (named, _) = answered(&folder, RECIPE);
    let lever = RECIPE.replace(", arm = \"mail\"", "") + "set = { mail = \"mail\" }\n";
    let (by_lever, _) = answered(&folder, &lever);
    assert_eq!(by_lever.differences[0], named.differences[0]);
    let both = RECIPE.to_owned() + "set = { mail = \"none\" }\n";
    assert_eq!(fault_of(&answered(&folder, &both).0), "strategy.tested_other_arm");
}

/// Visits; mail sells to a quarter more at every age. With the true mean effect of mail to everybody.
fn visits(n: usize, seed: u64) -> (tempfile::TempDir, f64) {
    let folder = tempfile::tempdir().unwrap();
    let mut r = rng::rng(seed, "visits");
    let (mut text, mut without) = ("age,pages,mail,bought\n".to_owned(), 0);
    for _ in 0..n {
        let (age, pages, mail) = (20 + rng::below(&mut r, 50), rng::below(&mut r, 9), rng::below(&mut r, 2));
        let chance = 0.1 + 0.005 * age as f64 + 0.02 * pages as f64 + 0.25 * mail as f64;
        text += &format!("{age},{pages},{mail},{}\n", u8::from(rng::unit(&mut r) < chance));
        without += 1 - mail;
    }
    std::fs::write(folder.path().join("mail.csv"), text).unwrap();
    (folder, 0.25 * without as f64 / n as f64)
}

const TREES: &str = r#"
version = 1
[data]
path = "mail.csv"
[roles]
target = ["bought"]
lever = ["mail", "pages"]
[split]
kind = "modulo"
of = 10
test_from = 8
[[model]]
name = "trees"
kind = "gbdt"
depth = 2
epochs = 80
learning_rate = 0.2
[simulate]
replicates = 200
[[scenario]]
name = "Mail to all"
set = { mail = 1 }
[[scenario]]
name = "More pages"
set = { pages = "+1" }
value_per_conversion = 10.0
cost_per_contact = 0.1
"#;

fn again(times: u32) -> String {
    TREES.replace("replicates = 200", &format!("replicates = 200\nretrain = {times}"))
}

#[test]
fn bands_with_the_models_own_uncertainty_cover_the_true_effect() {
    let sets = 40;
    let (mut plain, mut wide) = (0, 0);
    for seed in 0..sets {
        let (folder, truth) = visits(1_200, seed);
        let [without, with] = [answered(&folder, TREES).0, answered(&folder, &again(8)).0].map(|s| s.differences[0].rate);
        assert!(with.value == without.value && with.low < without.low && with.high > without.high, "{with:?} {without:?}");
        plain += u32::from(without.low <= truth && truth <= without.high);
        wide += u32::from(with.low <= truth && truth <= with.high);
    }
    assert!(wide >= 35 && plain <= 25, "{wide} with, {plain} without, of {sets}");
}

#[test]
fn the_model_is_trained_again_for_its_bands_and_only_for_them() {
    let (folder, _) = visits(500, 1);
    let (without, with) = (answered(&folder, TREES).0, answered(&folder, &again(6)).0);
    assert_eq!((without.retrained, with.retrained), (0, 6));
    let said = with.assumptions.iter().find(|a| a.code == "strategy.model_band").unwrap();
    assert!(said.say(crate::base::Lang::En).contains(" 6 times"));
    // Every number stays, its band is wider, and says what it covers.
    for (a, b) in without.scenarios.iter().zip(&with.scenarios) {
        assert_eq!((a.rate.value, &a.name, a.grade), (b.rate.value, &b.name, b.grade));
        assert!(b.rate.high - b.rate.low > a.rate.high - a.rate.low && b.rate.covers == simulate::Covers::Model);
    }
    assert_eq!(
        (without.differences[1].drivers.clone(), with.pairs[0].conversions.value),
        (with.differences[1].drivers.clone(), without.pairs[0].conversions.value)
    );
    let width = |e: simulate::Estimate| e.high - e.low;
    assert!(width(with.pairs[0].conversions) > width(without.pairs[0].conversions));
    let profit = |s: &Simulation| s.differences[1].profit.unwrap();
    assert!(width(profit(&with)) > width(profit(&without)) && profit(&with).value == profit(&without).value);
    // What is known exactly stays so, and the same recipe gives the same bits.
    assert_eq!(with.scenarios[1].reach, without.scenarios[1].reach);
    assert_eq!(answered(&folder, &again(6)).0, with);
    assert_ne!(answered(&folder, &again(7)).0.differences[0].rate, with.differences[0].rate);
}

#[test]
fn what_a_study_measured_needs_no_training_and_a_foreign_model_says_that_it_cannot() {
    let folder = folder(0);
    let text = |times: &str| RECIPE.replace("replicates = 20", &format!("replicates = 20{times}"));
    let (plain, asked) = (answered(&folder, &text("")).0, answered(&folder, &text("\nretrain = 5")).0);
    assert_eq!(plain, asked, "only a test is asked, and it hangs on no training");
    // Beside a scenario that the model answers, the tested one keeps its band.
    let lever = "\n[[scenario]]\nname = \"Model\"\nset = { mail = \"mail\" }\n";
    let both = answered(&folder, &(text("\nretrain = 5") + lever)).0;
    assert_eq!(both.differences[0], plain.differences[0]);
    assert_eq!((both.retrained, both.differences[1].rate.covers), (5, simulate::Covers::Model));

    // A model of other data.
    let ctx = JobCtx::quiet();
    let recipe = Recipe::parse(&(text("\nretrain = 5") + lever), Path::new("recipe.toml")).unwrap();
    let loaded = Arc::new(pipeline::load(&recipe, folder.path(), &ctx).unwrap());
    let prepared = pipeline::prepare(&recipe, &loaded, &ctx).unwrap();
    let mut model = pipeline::train(&prepared, &recipe.models[0], &ctx).unwrap();
    Arc::get_mut(&mut model).unwrap().card_mut().data = Fingerprint::of(b"elsewhere");
    let baseline = pipeline::baseline(&prepared, &*model, &ctx).unwrap();
    let levers = pipeline::levers(&recipe, &prepared, &*model, &ctx).unwrap();
    let found = simulate(&recipe, &prepared, (&*model, &baseline), &[], &recipe.scenarios, &levers, &ctx).unwrap();
    assert!(found.warnings.iter().any(|w| w.code == "strategy.model_band_not") && found.retrained == 0);
    assert_eq!(found.differences[1].rate.covers, simulate::Covers::Sample);
    assert!(Recipe::parse(&text("\nretrain = 3"), Path::new("recipe.toml")).unwrap_err().to_string().contains("5 to 200"));
}

#[test]
fn versions_are_trained_once_and_can_be_stopped() {
    let (folder, _) = visits(500, 2);
    let ctx = JobCtx::quiet();
    let recipe = Recipe::parse(&again(5), Path::new("recipe.toml")).unwrap();
    let loaded = Arc::new(pipeline::load(&recipe, folder.path(), &ctx).unwrap());
    let prepared = pipeline::prepare(&recipe, &loaded, &ctx).unwrap();
    let model = pipeline::train(&prepared, &recipe.models[0], &ctx).unwrap();
    let baseline = pipeline::baseline(&prepared, &*model, &ctx).unwrap();
    let levers = pipeline::levers(&recipe, &prepared, &*model, &ctx).unwrap();
    let ask = || simulate(&recipe, &prepared, (&*model, &baseline), &[], &recipe.scenarios, &levers, &ctx);
    let first = ask().unwrap();
    // The second time nothing is trained.
    for k in 1..=5 {
        baseline.version(k, || panic!("trained twice"), &ctx).unwrap();
    }
    assert_eq!(ask().unwrap(), first);
    ctx.token().cancel();
    assert!(ask().unwrap_err().is_cancelled());
}

/// Visits of January, June and November; in November twice as many buy, and most at the end of the week.
fn seasons() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut r = rng::rng(31, "seasons");
    let mut text = "day,born,pages,bought\n".to_owned();
    for _ in 0..1_500 {
        let (month, day, pages) = ([1, 6, 11][rng::below(&mut r, 3)], 1 + rng::below(&mut r, 28), rng::below(&mut r, 9));
        let chance = 0.15 + 0.02 * pages as f64 + if month == 11 { 0.3 } else { 0.0 };
        let born = 1960 + rng::below(&mut r, 40);
        text += &format!("2024-{month:02}-{day:02},{born}-03-01,{pages},{}\n", u8::from(rng::unit(&mut r) < chance));
    }
    std::fs::write(folder.path().join("mail.csv"), text).unwrap();
    folder
}

const SEASON: &str = r#"
version = 1
[data]
path = "mail.csv"
[roles]
target = ["bought"]
[[prepare]]
step = "calendar"
columns = ["day"]
[[model]]
name = "line"
kind = "logistic"
[simulate]
replicates = 50
[[scenario]]
name = "Black Friday"
start = "2026-11-27"
"#;

#[test]
fn a_first_day_sets_the_season_of_everybody() {
    let folder = seasons();
    let (sim, _) = answered(&folder, SEASON);
    let by_hand = SEASON.replace("start = \"2026-11-27\"", "set = { day_month = \"11\", day_weekday = \"5\" }");
    let (levers, _) = answered(&folder, &by_hand);
    let d = &sim.differences[0];
    assert_eq!((&d.conversions, &d.drivers), (&levers.differences[0].conversions, &levers.differences[0].drivers));
    // Two thirds of the people come in another month, of which 30 points less buy.
    assert!((d.rate.value - 0.2).abs() < 0.06, "{:?}", d.rate);
    assert_eq!(sim.scenarios[1].grade, Grade::C);
    let said = |sim: &Simulation, code: &str| {
        let all = sim.scenarios[1].warnings.iter().chain(&sim.assumptions);
        let found: Vec<String> = all.filter(|w| w.code == code).map(|w| w.say(crate::base::Lang::En)).collect();
        found.concat()
    };
    assert!(said(&sim, "strategy.start_season").contains("day_month = 11, day_weekday = 5"));
    assert!(said(&sim, "strategy.assume_season").contains("2026-11-27"));

    // A campaign of two weeks has every day of the week; what is set as a lever stays as it was set.
    let (long, _) = answered(&folder, &(SEASON.to_owned() + "days = 14.0\n"));
    assert_eq!(long.differences[0].drivers.len(), 1);
    let (mixed, _) = answered(&folder, &(SEASON.to_owned() + "set = { day_month = \"06\", pages = \"+1\" }\n"));
    let names: Vec<&str> = mixed.differences[0].drivers.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["day_month", "pages", "day_weekday"]);
    assert!(!said(&mixed, "strategy.start_season").contains("day_month"));
}

#[test]
fn a_season_that_nobody_saw_is_grade_d_and_one_that_nobody_knows_moves_nothing() {
    let folder = seasons();
    let (march, _) = answered(&folder, &SEASON.replace("2026-11-27", "2026-03-02"));
    let s = &march.scenarios[1];
    assert_eq!((s.grade, s.outside), (Grade::D, 1.0));
    assert!(s.warnings.iter().any(|w| w.code == "strategy.start_unseen" && w.fields["value"].to_string() == "03"));
    // Without calendar parts, and with those of several dates, the day is for the reader.
    let none = SEASON.replace("[[prepare]]\nstep = \"calendar\"\ncolumns = [\"day\"]\n", "");
    let several = SEASON.replace("columns = [\"day\"]", "columns = [\"day\", \"born\"]");
    for (text, code) in [(none, "strategy.assume_start_parts"), (several, "strategy.start_several")] {
        let (sim, _) = answered(&folder, &text);
        assert_eq!((sim.differences[0].conversions.value, sim.scenarios[1].outside), (0.0, 0.0));
        assert!(sim.scenarios[1].warnings.iter().chain(&sim.assumptions).any(|w| w.code == code), "{code}");
    }
    // What a study measured hangs on no date, and no step of preparation would change that.
    let tested = RECIPE.to_owned() + "start = \"2026-11-27\"\n";
    let (sim, _) = answered(&self::folder(0), &tested);
    assert!(sim.assumptions.iter().any(|w| w.code == "strategy.assume_start"));
    assert_eq!(sim.differences, answered(&self::folder(0), RECIPE).0.differences);
}
