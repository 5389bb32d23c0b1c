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
