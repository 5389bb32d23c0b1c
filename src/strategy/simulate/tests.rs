//! Scenarios on a table and a model whose numbers are known.

use super::*;
use crate::data::prepare::{self, FillWith, Step};
use crate::data::table::Values;
use crate::data::{FittedPrepare, Part, Roles};
use crate::ml::model::sigmoid;
use crate::recommend::rank::tests::{Formula, formula};
use crate::strategy::scenario::Setting;
use crate::strategy::{Grade, LeverStatus};

mod frontier;
mod versus;

const N: i64 = 60;

/// age 20–79, pages 0–9, one of three channels.
pub(super) fn table() -> Table {
    let channel = |i: i64| ["ads", "mail", "search"][(i % 3) as usize].to_owned();
    Table::from_columns(vec![
        ("age".into(), Values::Integers((0..N).map(|i| Some(20 + i)).collect())),
        ("pages".into(), Values::Integers((0..N).map(|i| Some(i % 10)).collect())),
        ("channel".into(), Values::Texts((0..N).map(|i| Some(channel(i))).collect())),
    ])
    .unwrap()
}

pub(super) fn margin(r: &[f64]) -> f64 {
    -2.0 + 0.01 * r[0] + 0.2 * r[1] * (1.0 + r[2])
}

pub(super) fn model() -> Formula {
    formula(&table(), &["age", "pages", "channel"], &Roles::default(), FittedPrepare::default(), margin)
}

pub(super) fn levers(locked: &str) -> Vec<Lever> {
    let status = |c: &str| if c == locked { LeverStatus::Locked } else { LeverStatus::Free };
    let lever = |(feature, c): (usize, &str)| Lever { column: c.into(), feature, status: status(c), reason: None, drop: None };
    ["age", "pages", "channel"].into_iter().enumerate().map(lever).collect()
}

pub(super) fn scenario(set: &[(&str, &str)]) -> Scenario {
    Scenario {
        name: "s".into(),
        set: set.iter().map(|(c, v)| ((*c).to_owned(), Setting::Text((*v).to_owned()))).collect(),
        ..Scenario::default()
    }
}

fn run(scenarios: &[Scenario]) -> Result<Simulation> {
    run_on(&model(), &table(), scenarios, &levers(""))
}

fn run_on(model: &Formula, raw: &Table, scenarios: &[Scenario], levers: &[Lever]) -> Result<Simulation> {
    let x = model.card.encoder.encode_raw(raw).unwrap().0;
    let options = SimulateOptions::default();
    let baseline = Baseline::of(model, x, &JobCtx::quiet())?;
    simulate(model, raw, &baseline, scenarios, levers, Besides::default(), &Fingerprint::default(), &options, &JobCtx::quiet())
        .and_then(strict)
}

/// A recipe without studies.
pub(super) fn no_test(_: &str, _: &crate::strategy::tested::Tested, _: Option<&str>) -> Result<Measured> {
    panic!("nothing is measured")
}

/// Or why one of them has no answer.
fn strict(out: Simulation) -> Result<Simulation> {
    match out.unanswered.first() {
        Some(lost) => Err(crate::base::Fault(lost.fault.clone())),
        None => Ok(out),
    }
}

/// On the table, with these options.
pub(super) fn run_with(model: &dyn Model, scenarios: &[Scenario], options: &SimulateOptions) -> Result<Simulation> {
    let (raw, ctx) = (table(), JobCtx::quiet());
    let baseline = Baseline::of(model, model.card().encoder.encode_raw(&raw)?.0, &ctx)?;
    simulate(model, &raw, &baseline, scenarios, &levers(""), Besides::default(), &Fingerprint::default(), options, &ctx).and_then(strict)
}

/// The model's formula on the table, row by row.
fn by_hand(rows: impl Iterator<Item = i64>, change: fn(&mut [f64; 3])) -> f64 {
    rows.map(|i| {
        let mut r = [20.0 + i as f64, (i % 10) as f64, (i % 3) as f64];
        change(&mut r);
        sigmoid(margin(&r))
    })
    .sum()
}

pub(super) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn no_settings_give_the_baseline_to_the_bit() {
    let mut same = scenario(&[]);
    same.value_per_conversion = Some(40.0);
    let out = run(&[same]).unwrap();
    let (mut a, b) = (out.scenarios[0].clone(), out.scenarios[1].clone());
    a.name.clone_from(&b.name);
    a.book.clone_from(&b.book);
    assert_eq!(a, b);
    assert_eq!(out.differences[0].conversions, Estimate { value: 0.0, low: 0.0, high: 0.0, covers: Covers::Sample });
    assert!(out.differences[0].drivers.is_empty());
}

#[test]
fn totals_and_money_by_hand() {
    let mut s = scenario(&[("pages", "+2")]);
    s.segment = Some("channel = 'mail'".into());
    (s.value_per_conversion, s.cost_per_contact, s.fixed_cost) = (Some(40.0), Some(0.5), Some(10.0));
    let out = run(&[s]).unwrap();
    let mail = || (0..N).filter(|i| i % 3 == 1);
    let (before, after) = (by_hand(mail(), |_| {}), by_hand(mail(), |r| r[1] += 2.0));
    let [base, result] = out.scenarios.as_slice() else { panic!() };
    assert!(near(base.conversions.value, before) && near(result.conversions.value, after));
    assert!(near(result.rate.value, after / 20.0) && result.reach.value == 20.0);
    assert!(near(result.revenue.unwrap().value, 40.0 * after) && near(result.cost.unwrap().value, 20.0));
    assert!(near(result.profit.unwrap().value, 40.0 * after - 20.0));
    assert!(near(result.roi.unwrap().value, (40.0 * (after - before) - 20.0) / 20.0), "what comes anyway is no return");
    // Doing nothing costs nothing.
    assert!(near(base.cost.unwrap().value, 0.0) && near(base.profit.unwrap().value, 40.0 * before) && base.roi.is_none());
    let d = &out.differences[0];
    assert!(near(d.revenue.unwrap().value, 40.0 * (after - before)));
    assert!(near(d.profit.unwrap().value, 40.0 * (after - before) - 20.0));
    assert!(near(d.conversions.value, after - before));
    assert_eq!(d.drivers.len(), 1);
    assert!(near(d.drivers[0].1, d.conversions.value));
    assert!(d.conversions.low > 0.0 && d.conversions.low < d.conversions.value && d.conversions.value < d.conversions.high);
    assert!(result.conversions.low < after && after < result.conversions.high);
    // Paired: the change is known better than either total.
    assert!(d.conversions.high - d.conversions.low < result.conversions.high - result.conversions.low);
    assert_eq!(out.assumptions.len(), 4);
}

/// Outcomes that have nothing to do with what the model says: its opinion of a change is graded as what it is.
#[test]
fn a_model_that_guesses_has_no_opinion() {
    use crate::base::rng;
    use crate::ml::metrics::{binary, number};
    let mut r = rng::rng(12, "null outcomes");
    let s = [scenario(&[("pages", "5")]), Scenario { name: "nothing".into(), ..Scenario::default() }];
    let (raw, mut m) = (table(), model());
    let (mut winners, n) = (0, 300);
    for k in 0..200 {
        let p: Vec<f64> = (0..n).map(|_| rng::unit(&mut r)).collect();
        let null: Vec<f64> = (0..n).map(|_| f64::from(rng::unit(&mut r) < 0.3)).collect();
        let real: Vec<f64> = p.iter().map(|p| f64::from(rng::unit(&mut r) < 0.2 + 0.6 * p)).collect();
        let graded = |m: &Formula| {
            let out = run_on(m, &raw, &s, &levers("")).unwrap();
            assert_eq!(out.scenarios[2].grade, Grade::C, "nothing is moved, nothing is claimed");
            (out.scenarios[1].grade, out.scenarios[1].reason.code.clone())
        };
        m.card.evaluation = vec![binary("y", &p, &null, 0.5)];
        let found = graded(&m);
        winners += u32::from(found.0 != Grade::D);
        assert!(found.0 == Grade::C || found.1 == "strategy.grade_blind", "{found:?}");
        if k % 20 == 0 {
            m.card.evaluation = vec![binary("y", &p, &real, 0.5)];
            assert_eq!(graded(&m).0, Grade::C);
        }
    }
    assert!(winners <= 16, "{winners} of 200");
    let noise: Vec<f64> = (0..n).map(|_| rng::normal(&mut r)).collect();
    let said: Vec<f64> = (0..n).map(|_| 0.1 * rng::normal(&mut r)).collect();
    m.card.evaluation = vec![number("y", &said, &noise)];
    assert_eq!(run_on(&m, &raw, &s, &levers("")).unwrap().scenarios[1].reason.code, "strategy.grade_blind_amount");
}

#[test]
fn money_without_costs_is_said() {
    let codes = |text: &str| -> Vec<String> { run(&[push(text)]).unwrap().scenarios[1].warnings.iter().map(|w| w.code.clone()).collect() };
    let has = |text: &str, code: &str| codes(text).iter().any(|c| c == code);
    assert!(has("value_per_conversion = 40.0", "strategy.no_costs"));
    assert!(!has("value_per_conversion = 40.0\ncost_per_contact = 0.1", "strategy.no_costs") && !has("", "strategy.no_costs"));
    assert!(has("budget = 5.0", "strategy.budget_free") && has("budget = 5.0\nfixed_cost = 1.0", "strategy.budget_free"));
    assert!(!has("budget = 5.0\ncost_per_contact = 0.1", "strategy.budget_free"));
}

#[test]
fn no_cost_no_roi() {
    let mut s = scenario(&[("pages", "3")]);
    s.value_per_conversion = Some(40.0);
    let free = run(&[s.clone()]).unwrap();
    assert!(free.scenarios[1].profit.is_some() && free.scenarios[1].cost.is_none() && free.scenarios[1].roi.is_none());
    s.cost_per_contact = Some(0.0);
    assert!(run(&[s]).unwrap().scenarios[1].roi.is_none());
    let plain = run(&[scenario(&[("pages", "3")])]).unwrap();
    assert!(plain.scenarios[1].revenue.is_none() && plain.scenarios[1].profit.is_none());
}

#[test]
fn drivers_are_the_shapley_values_of_the_moves() {
    let out = run(&[scenario(&[("pages", "*1.5"), ("channel", "search"), ("age", "+10%")])]).unwrap();
    let pages = |r: &mut [f64; 3]| r[1] = (r[1] * 1.5).round();
    // All six orders of the three moves, one by one.
    let worth = |set: usize| -> f64 {
        (0..N)
            .map(|i| {
                let mut r = [20.0 + i as f64, (i % 10) as f64, (i % 3) as f64];
                if set & 1 != 0 {
                    r[0] = (r[0] * 1.1).round();
                }
                if set & 2 != 0 {
                    r[2] = 2.0;
                }
                if set & 4 != 0 {
                    pages(&mut r);
                }
                sigmoid(margin(&r))
            })
            .sum()
    };
    let mut phi = [0.0; 3];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut set = 0;
        for p in order {
            phi[p] += (worth(set | 1 << p) - worth(set)) / 6.0;
            set |= 1 << p;
        }
    }
    let d = &out.differences[0];
    let names: Vec<&str> = d.drivers.iter().map(|x| x.0.as_str()).collect();
    assert_eq!(names, ["age", "channel", "pages"]);
    for (k, (_, v)) in d.drivers.iter().enumerate() {
        assert!(near(*v, phi[k]), "{k}: {v} against {}", phi[k]);
    }
    assert!(near(d.drivers.iter().map(|x| x.1).sum::<f64>(), d.conversions.value));
}

#[test]
fn what_is_outside_or_never_occurs_is_graded_d() {
    let grade =
        |s: Scenario| run(&[s]).map(|o| (o.scenarios[1].grade, o.scenarios[1].reason.code.clone(), o.scenarios[1].outside)).unwrap();
    assert_eq!(grade(scenario(&[("pages", "5")])), (Grade::C, "strategy.grade_model_only".into(), 0.0));
    let (g, code, outside) = grade(scenario(&[("pages", "+1")]));
    assert_eq!((g, code.as_str()), (Grade::D, "strategy.grade_outside"));
    assert!(near(outside, 0.1), "pages 9 + 1 in six of sixty rows");
    // 300 rows in which pages above 0 are seen by one channel only.
    let n = 300;
    let pages = |i: i64| if i % 3 == 0 { 1 + i % 5 } else { 0 };
    let raw = Table::from_columns(vec![
        ("pages".into(), Values::Integers((0..n).map(|i| Some(pages(i))).collect())),
        ("channel".into(), Values::Texts((0..n).map(|i| Some(["ads", "mail", "search"][(i % 3) as usize].to_owned())).collect())),
    ])
    .unwrap();
    let m = formula(&raw, &["pages", "channel"], &Roles::default(), FittedPrepare::default(), |r| r[0] - 2.0);
    let lever = Lever { column: "pages".into(), feature: 0, status: LeverStatus::Free, reason: None, drop: None };
    let out = run_on(&m, &raw, &[scenario(&[("pages", "4")])], std::slice::from_ref(&lever)).unwrap();
    assert_eq!((out.scenarios[1].grade, out.scenarios[1].outside), (Grade::D, 0.0));
    assert_eq!(out.scenarios[1].reason.code, "strategy.grade_apart");
    let mut ads = scenario(&[("pages", "4")]);
    ads.segment = Some("channel = ads".into());
    assert_eq!(run_on(&m, &raw, &[ads], &[lever]).unwrap().scenarios[1].grade, Grade::C);
}

#[test]
fn what_cannot_be_simulated_is_refused_by_name() {
    let code = |s: Scenario, locked: &str| run_on(&model(), &table(), &[s], &levers(locked)).unwrap_err().0.code;
    assert_eq!(code(scenario(&[("pages", "3")]), "pages"), "strategy.locked");
    assert_eq!(code(scenario(&[("pagess", "3")]), ""), "strategy.no_lever");
    assert_eq!(code(scenario(&[("channel", "radio")]), ""), "strategy.no_level");
    for bad in ["many", "nan", "inf", "1e999", "", "+", "%"] {
        assert_eq!(code(scenario(&[("pages", bad)]), ""), "strategy.bad_setting", "{bad}");
    }
    let segment = |text: &str| Scenario { segment: Some(text.into()), ..scenario(&[]) };
    assert_eq!(code(segment("age > 100"), ""), "strategy.empty_segment");
    assert_eq!(code(segment("aeg > 1"), ""), "data.no_column");
    assert_eq!(code(Scenario { row: Some(999), ..scenario(&[]) }, ""), "strategy.no_row");
    assert_eq!(code(Scenario { fixed_cost: Some(f64::NAN), ..scenario(&[]) }, ""), "strategy.bad_money");
    let f = run(&[scenario(&[("pagess", "3")])]).unwrap_err().to_string();
    assert!(f.contains("“pagess”") && f.contains("“pages”"), "{f}");
    // An overridden lock is let through, and every number says so.
    let mut s = scenario(&[("pages", "3")]);
    s.overridden = vec!["pages".into()];
    let out = run_on(&model(), &table(), &[s], &levers("pages")).unwrap();
    assert_eq!(out.scenarios[1].reason.code, "strategy.grade_proxy");
    assert!(out.scenarios[1].warnings.iter().any(|w| w.code == "strategy.overridden"));
}

#[test]
fn a_fault_of_one_scenario_leaves_the_others_their_answers() {
    let named =
        |name: &str, s: Scenario| Scenario { name: name.into(), value_per_conversion: Some(40.0), cost_per_contact: Some(0.5), ..s };
    let empty = named("empty", Scenario { segment: Some("age > 100".into()), ..scenario(&[("pages", "3")]) });
    let locked = named("locked", scenario(&[("age", "30")]));
    let (one, two) = (named("one", scenario(&[("pages", "3")])), named("two", scenario(&[("pages", "+2"), ("channel", "mail")])));
    let (m, raw, ctx) = (model(), table(), JobCtx::quiet());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &ctx).unwrap();
    let ask = |all: &[Scenario], measured: &[Option<Result<Measured>>]| {
        let (options, data) = (SimulateOptions::default(), Fingerprint::default());
        simulate(&m, &raw, &baseline, all, &levers("age"), Besides { also: &[], measured }, &data, &options, &ctx).unwrap()
    };
    let out = ask(&[empty.clone(), one.clone(), locked, two.clone()], &[]);
    let lost: Vec<(usize, &str, &str)> = out.unanswered.iter().map(|u| (u.at, u.name.as_str(), u.fault.code.as_str())).collect();
    assert_eq!(lost, [(0, "empty", "strategy.empty_segment"), (2, "locked", "strategy.locked")]);
    let places: Vec<Option<usize>> = out.placed().iter().map(|p| if let Placed::Answered(i) = p { Some(*i) } else { None }).collect();
    assert_eq!(places, [Some(0), None, Some(1), None, Some(2)]);
    // Whoever has an answer has the one that they have without the others.
    let alone = ask(&[one.clone(), two], &[]);
    assert!(alone.unanswered.is_empty());
    assert_eq!((&out.scenarios, &out.differences, &out.pairs), (&alone.scenarios, &alone.differences, &alone.pairs));
    assert_eq!((&out.sensitivity, &out.assumptions), (&alone.sensitivity, &alone.assumptions));
    // A study that measured nothing is a fault of its scenario alone, and nobody with an answer leaves the baseline.
    let tested =
        Scenario { tested: Some(crate::strategy::tested::Tested::default()), set: Default::default(), ..named("tested", one.clone()) };
    let out = ask(&[tested, one], &[Some(Err(fault!("uplift.one_arm", column = "mail", value = "none"))), None]);
    assert_eq!((out.unanswered[0].fault.code.as_str(), out.differences[0].name.as_str()), ("uplift.one_arm", "one"));
    assert_eq!(ask(&[empty], &[]).scenarios.len(), 1);
}

#[test]
fn one_row_has_no_interval_but_the_models_own() {
    let one = Scenario { row: Some(7), ..scenario(&[("pages", "9")]) };
    let out = run(std::slice::from_ref(&one)).unwrap();
    let r = &out.scenarios[1];
    let p = by_hand(7..8, |r| r[1] = 9.0);
    assert_eq!((r.reach.value, r.rate.low, r.rate.high), (1.0, r.rate.value, r.rate.value));
    assert!(near(r.rate.value, p) && r.warnings.iter().any(|w| w.code == "strategy.one_row"));
    let mut amounts = model();
    amounts.card.outcomes[0].kind = crate::ml::OutcomeKind::Number;
    amounts.card.conformal = Some(0.5);
    let out = run_on(&amounts, &table(), &[one], &levers("")).unwrap();
    let r = &out.scenarios[1];
    assert!(near(r.rate.high - r.rate.value, 0.5) && near(r.rate.value - r.rate.low, 0.5) && r.rate.covers == Covers::Outcome);
}

#[test]
fn moves_act_on_the_raw_value_and_pass_through_preparation() {
    let raw = Table::from_columns(vec![(
        "pages".into(),
        Values::Numbers((0..40).map(|i| if i % 4 == 0 { None } else { Some(f64::from(i)) }).collect()),
    )])
    .unwrap();
    let of = vec!["pages".to_owned()];
    let steps = [
        Step::Fill { columns: of.clone(), with: FillWith::Flag, value: None },
        Step::Clip { columns: of.clone(), lower: None, upper: Some(30.0) },
        Step::Fill { columns: of.clone(), with: FillWith::Constant, value: Some("7".into()) },
        Step::Normalise { columns: of, method: prepare::Normalisation::MinMax },
    ];
    let fitted = prepare::fit(&steps, &raw, &[Part::Train; 40], &JobCtx::quiet()).unwrap();
    let m = formula(&fitted.table, &["pages", "pages_missing"], &Roles::default(), fitted.fitted.clone(), |r| r[0] + 100.0 * r[1]);
    let lever = [Lever { column: "pages".into(), feature: 0, status: LeverStatus::Free, reason: None, drop: None }];
    let total = |s: Scenario| run_on(&m, &raw, &[s], &lever).unwrap().scenarios[1].conversions.value;
    let pass = |v: f64| (v.min(30.0) - 1.0) / 29.0;
    let grown: f64 = (0..40).map(|i| if i % 4 == 0 { sigmoid(pass(7.0) + 100.0) } else { sigmoid(pass(f64::from(i) * 1.5)) }).sum();
    assert!(near(total(scenario(&[("pages", "+50%")])), grown), "missing cells stay missing under a relative move");
    assert!(near(total(scenario(&[("pages", "10")])), 40.0 * sigmoid(pass(10.0))), "a cell that is set is not missing any more");
}

#[test]
fn a_known_baseline_changes_no_bit() {
    let (m, raw) = (model(), table());
    let x = m.card.encoder.encode_raw(&raw).unwrap().0;
    let ctx = JobCtx::quiet();
    let baseline = Baseline::of(&m, x.clone(), &ctx).unwrap();
    let ask = |s: &[Scenario], l: &[Lever]| {
        simulate(&m, &raw, &baseline, s, l, Besides::default(), &Fingerprint::default(), &SimulateOptions::default(), &ctx)
    };
    let mail = Scenario { segment: Some("channel = 'mail'".into()), ..scenario(&[("age", "30")]) };
    let steps = [
        vec![scenario(&[("pages", "+10%"), ("age", "30")])],
        vec![scenario(&[("pages", "+10%"), ("age", "30")]), mail.clone()],
        // The same scenario beside another baseline: its own numbers stay, what is said of them does not.
        vec![mail, scenario(&[("pages", "+10%"), ("age", "30")])],
        vec![scenario(&[("pages", "+20%"), ("age", "30")])],
    ];
    for s in steps {
        assert_eq!(ask(&s, &levers("")).unwrap(), run(&s).unwrap());
    }
    // A lock that is set later is not passed over.
    assert!(ask(&[scenario(&[("pages", "+20%"), ("age", "30")])], &levers("pages")).and_then(strict).is_err());
    let short = Baseline::of(&m, x.select(&[0]), &ctx).unwrap();
    let options = SimulateOptions::default();
    assert!(simulate(&m, &raw, &short, &[], &levers(""), Besides::default(), &Fingerprint::default(), &options, &ctx).is_err());
}

/// Three classes whose scores are formulas.
struct Classes(Formula);

fn scores(r: &[f64]) -> [f64; 3] {
    [margin(r), 0.5 - 0.1 * r[1], 0.02 * r[0] - r[2]]
}

impl Model for Classes {
    fn card(&self) -> &crate::ml::ModelCard {
        &self.0.card
    }
    fn card_mut(&mut self) -> &mut crate::ml::ModelCard {
        &mut self.0.card
    }
    fn margins(&self, x: &crate::data::FeatureMatrix, _: &JobCtx) -> Result<Vec<f64>> {
        Ok((0..x.n_rows()).flat_map(|i| scores(x.row(i))).collect())
    }
    fn structure(&self) -> crate::ml::model::Structure<'_> {
        crate::ml::model::Structure::Opaque
    }
    fn tensors(&self) -> Vec<crate::ml::file::NamedTensor> {
        Vec::new()
    }
}

#[test]
fn a_class_is_counted_by_its_probability() {
    let mut model = Classes(model());
    let class =
        |c: &str| crate::ml::Outcome { name: "tier".into(), kind: crate::ml::OutcomeKind::Class { class: c.into() }, base_rate: 0.3 };
    model.0.card.outcomes = ["gold", "silver", "none"].map(class).to_vec();
    let raw = table();
    let x = model.0.card.encoder.encode_raw(&raw).unwrap().0;
    let baseline = Baseline::of(&model, x, &JobCtx::quiet()).unwrap();
    let mut s = scenario(&[("pages", "+2"), ("channel", "search")]);
    s.segment = Some("channel = 'mail'".into());
    let mut sums = [0.0; 2];
    for outcome in 0..3 {
        let options = SimulateOptions { outcome, ..SimulateOptions::default() };
        let out = simulate(
            &model,
            &raw,
            &baseline,
            std::slice::from_ref(&s),
            &levers(""),
            Besides::default(),
            &Fingerprint::default(),
            &options,
            &JobCtx::quiet(),
        )
        .unwrap();
        assert_eq!((out.outcome.as_str(), out.class.as_str()), ("tier", ["gold", "silver", "none"][outcome]));
        assert_eq!(out.assumptions[0].code, "strategy.class_counted");
        // Mail people, by hand, after the moves of a set of levers (pages 1, channel 2).
        let worth = |set: usize| -> f64 {
            (0..N)
                .filter(|i| i % 3 == 1)
                .map(|i| {
                    let pages = (i % 10) as f64 + if set & 1 == 1 { 2.0 } else { 0.0 };
                    let e = scores(&[20.0 + i as f64, pages, if set & 2 == 2 { 2.0 } else { 1.0 }]).map(f64::exp);
                    e[outcome] / e.iter().sum::<f64>()
                })
                .sum()
        };
        assert!(near(out.scenarios[0].conversions.value, worth(0)) && near(out.scenarios[1].conversions.value, worth(3)));
        let d = &out.differences[0];
        assert!(near(d.conversions.value, worth(3) - worth(0)));
        let pages = 0.5 * (worth(1) - worth(0) + worth(3) - worth(2));
        let drivers: std::collections::BTreeMap<_, _> = d.drivers.iter().cloned().collect();
        assert!(near(drivers["pages"], pages) && near(drivers["channel"], worth(3) - worth(0) - pages));
        sums[0] += out.scenarios[0].conversions.value;
        sums[1] += out.scenarios[1].conversions.value;
    }
    // Everybody is of some class.
    assert!(near(sums[0], 20.0) && near(sums[1], 20.0), "{sums:?}");
}

/// Mail people or everybody, with and without two more pages; all the terms there are.
pub(super) fn push(text: &str) -> Scenario {
    toml::from_str("name = \"push\"\n[set]\npages = \"+2\"\n")
        .map(|s: Scenario| {
            let terms: Scenario = toml::from_str(&format!("name = \"push\"\n{text}")).unwrap();
            Scenario { set: s.set, ..terms }
        })
        .unwrap()
}

#[test]
fn limits_costs_and_days_by_hand() {
    let money = "value_per_conversion = 40.0\nmargin = 0.5\ncost_per_contact = 0.5\ncost_per_conversion = 3.0\nfixed_cost = 10.0\n";
    let all = |change: fn(&mut [f64; 3])| (0..N).map(move |i| by_hand(i..=i, change)).collect::<Vec<f64>>();
    let (before, after) = (all(|_| {}), all(|r| r[1] += 2.0));
    let (b, a): (f64, f64) = (before.iter().sum(), after.iter().sum());
    // By chance: a quarter of everybody is reached.
    let out = run(&[push(&format!("{money}capacity = 15.0"))]).unwrap();
    let (r, d) = (&out.scenarios[1], &out.differences[0]);
    assert!(near(r.reach.value, 15.0) && near(r.people, 60.0));
    assert!(near(d.conversions.value, 0.25 * (a - b)) && near(r.conversions.value, b + 0.25 * (a - b)));
    let cost = 15.0 * 0.5 + 10.0 + 3.0 * 0.25 * a;
    assert!(near(r.cost.unwrap().value, cost) && near(r.profit.unwrap().value, 20.0 * (b + 0.25 * (a - b)) - cost));
    assert!(near(d.profit.unwrap().value, 20.0 * 0.25 * (a - b) - cost));
    assert!(near(r.roi.unwrap().value, d.profit.unwrap().value / cost));
    assert!(r.warnings.iter().any(|w| w.code == "strategy.reach_capacity"));
    assert!(near(d.drivers[0].1, d.conversions.value));
    // The cost of conversions moves with them, so it has a band as well.
    let c = r.cost.unwrap();
    assert!(c.low < c.value && c.value < c.high);

    // The best first: the fifteen who gain most.
    let out = run(&[push(&format!("{money}capacity = 15.0\nfirst = \"gain\""))]).unwrap();
    let mut gains: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    gains.sort_by(|a, b| b.total_cmp(a));
    assert!(near(out.differences[0].conversions.value, gains[..15].iter().sum::<f64>()));
    assert!(out.scenarios[1].warnings.iter().any(|w| w.code == "strategy.best_first"));

    // A budget pays for as many as it pays for.
    let out = run(&[push(&format!("{money}budget = 25.0"))]).unwrap();
    let rows = 15.0 / (0.5 + 3.0 * a / 60.0);
    assert!((out.scenarios[1].reach.value - rows).abs() < 1e-6 && (out.scenarios[1].cost.unwrap().value - 25.0).abs() < 1e-6);
    assert!(out.scenarios[1].warnings.iter().any(|w| w.code == "strategy.reach_budget"));

    // Through a channel that loses every tenth, for half of the days that the data cover: half the people.
    let mail = Channel { name: "mail".into(), delivered: Some(0.9), cost_per_contact: Some(0.1), ..Channel::default() };
    let options = SimulateOptions { channels: vec![mail], period: Some(28.0), ..SimulateOptions::default() };
    let (m, raw) = (model(), table());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &JobCtx::quiet()).unwrap();
    let s = push("value_per_conversion = 40.0\nchannel = \"mail\"\ndays = 14.0");
    let out =
        simulate(&m, &raw, &baseline, &[s], &levers(""), Besides::default(), &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap();
    let (r, d) = (&out.scenarios[1], &out.differences[0]);
    assert!(near(r.people, 30.0) && near(r.reach.value, 30.0) && near(r.cost.unwrap().value, 3.0));
    assert!(near(out.scenarios[0].conversions.value, b / 2.0) && near(d.conversions.value, 0.9 * (a - b) / 2.0));
    assert!(near(r.rate.value, (b + 0.9 * (a - b)) / 60.0), "days change how many, not how likely");
    // A capacity is of people, not of rows: ten of the thirty who come by in that time.
    let s = push("value_per_conversion = 40.0\ndays = 14.0\ncapacity = 10.0");
    let none = Besides::default();
    let out = simulate(&m, &raw, &baseline, &[s], &levers(""), none, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap();
    assert!(near(out.scenarios[1].reach.value, 10.0) && near(out.differences[0].conversions.value, (a - b) / 6.0));
}

#[test]
fn scenarios_are_compared_on_the_same_people() {
    let money = "value_per_conversion = 40.0\ncost_per_contact = 0.5\n";
    let (mut one, mut two, mut three) = (push(money), push(money), push(&format!("{money}where = \"channel = 'mail'\"")));
    (one.name, two.name, three.name) = ("one".into(), "two".into(), "three".into());
    let out = run(&[one, two, three]).unwrap();
    let names: Vec<(&str, &str)> = out.pairs.iter().map(|p| (p.name.as_str(), p.against.as_str())).collect();
    assert_eq!(names, [("two", "one"), ("three", "one"), ("three", "two")]);
    let zero = &out.pairs[0];
    assert_eq!((zero.conversions.low, zero.conversions.high, zero.profit.unwrap().low), (0.0, 0.0, 0.0), "the same scenario is no other");
    let p = &out.pairs[1];
    let d = &out.differences;
    assert!(near(p.conversions.value, d[2].conversions.value - d[0].conversions.value));
    assert!(near(p.profit.unwrap().value, d[2].profit.unwrap().value - d[0].profit.unwrap().value));
    // What the people have in common cancels: everybody less the mail people are forty, not a hundred.
    assert!(
        p.conversions.high - p.conversions.low
            < d[0].conversions.high - d[0].conversions.low + d[2].conversions.high - d[2].conversions.low
    );
    assert!(p.conversions.low < p.conversions.value && p.conversions.value < p.conversions.high);
}

#[test]
fn what_drives_the_difference_of_two_is_shared_by_shapley() {
    let mut a = push("value_per_conversion = 40.0\ncost_per_contact = 0.5\ncapacity = 30.0\nfirst = \"gain\"");
    a.name = "a".into();
    let mut b =
        push("value_per_conversion = 25.0\nwhere = \"channel = 'mail'\"\ncost_per_contact = 0.2\ncapacity = 30.0\nfirst = \"gain\"");
    b.name = "b".into();
    b.set = [("pages", "*1.5"), ("age", "+10%")].map(|(c, v)| (c.to_owned(), Setting::Text(v.to_owned()))).into();
    let (m, raw) = (model(), table());
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &JobCtx::quiet()).unwrap();
    let options = SimulateOptions::default();
    let found = between(&m, &raw, &baseline, [&a, &b], &levers(""), &options, &no_test, &JobCtx::quiet()).unwrap();
    // Every mixture as a scenario of its own, and every order in which one becomes the other.
    let players = ["age", "pages", "who", "value", "contact"];
    let mixture = |set: usize| -> (f64, f64) {
        let mut s = a.clone();
        for (i, p) in players.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1) {
            let _ = i;
            match *p {
                "who" => s.segment.clone_from(&b.segment),
                "value" => s.value_per_conversion = b.value_per_conversion,
                "contact" => s.cost_per_contact = b.cost_per_contact,
                column => drop(s.set.insert(column.to_owned(), b.set[column].clone())),
            }
        }
        let out = run(&[s]).unwrap();
        (out.differences[0].conversions.value, out.differences[0].profit.unwrap().value)
    };
    let worth: Vec<(f64, f64)> = (0..32).map(mixture).collect();
    let mut phi = [(0.0, 0.0); 5];
    let mut orders = vec![vec![]];
    for p in 0..5 {
        orders = orders
            .into_iter()
            .flat_map(|o: Vec<usize>| {
                (0..=o.len()).map(move |at| {
                    let mut o = o.clone();
                    o.insert(at, p);
                    o
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in &orders {
        let mut set = 0;
        for &p in order {
            let next = set | 1 << p;
            phi[p].0 += (worth[next].0 - worth[set].0) / 120.0;
            phi[p].1 += (worth[next].1 - worth[set].1) / 120.0;
            set = next;
        }
    }
    use between::Player;
    let of = |p: &Player| match p {
        Player::Lever(c) => players.iter().position(|x| x == c).unwrap(),
        Player::Segment => 2,
        Player::Value => 3,
        Player::Contact => 4,
        other => panic!("{other:?} does not differ"),
    };
    assert_eq!(found.parts.len(), 5);
    for part in &found.parts {
        let (c, p) = phi[of(&part.player)];
        assert!(near(part.conversions, c) && near(part.profit.unwrap(), p), "{part:?} against {c} {p}");
    }
    assert!(near(found.conversions, worth[31].0 - worth[0].0) && near(found.profit.unwrap(), worth[31].1 - worth[0].1));
    assert!(near(found.parts.iter().map(|p| p.profit.unwrap()).sum::<f64>(), found.profit.unwrap()));
}

#[test]
fn scenarios_are_also_judged_by_who_stays() {
    let (m, raw) = (model(), table());
    // Who stays hangs on pages and age alone; the other model knows no channel.
    let stays = formula(&raw, &["age", "pages"], &Roles::default(), FittedPrepare::default(), |r| 1.0 - 0.02 * r[0] + 0.1 * r[1]);
    let of = |m: &Formula| Baseline::of(m, m.card.encoder.encode_raw(&raw).unwrap().0, &JobCtx::quiet()).unwrap();
    let (baseline, other) = (of(&m), of(&stays));
    let also = [Also { what: AlsoWhat::Retention, model: &stays, baseline: &other, outcome: 0 }];
    let ask_all = |s: &[Scenario]| {
        let (options, data) = (SimulateOptions::default(), Fingerprint::default());
        simulate(&m, &raw, &baseline, s, &levers(""), Besides { also: &also, measured: &[] }, &data, &options, &JobCtx::quiet()).unwrap()
    };
    let ask = |s: &Scenario| ask_all(std::slice::from_ref(s));
    let mean = |more: f64| (0..N).map(|i| sigmoid(1.0 - 0.02 * (20.0 + i as f64) + 0.1 * ((i % 10) as f64 + more))).sum::<f64>() / 60.0;
    let out = ask(&scenario(&[("pages", "+2"), ("channel", "search")]));
    let (kept, change) = (out.scenarios[1].retention.unwrap(), out.differences[0].retention.unwrap());
    assert!(near(out.scenarios[0].retention.unwrap().value, mean(0.0)) && near(kept.value, mean(2.0)));
    assert!(near(change.value, mean(2.0) - mean(0.0)) && change.low < change.value && change.value < change.high);
    assert!(out.scenarios[1].satisfaction.is_none());
    let unknown = out.scenarios[1].warnings.iter().find(|w| w.code == "strategy.also_unknown").unwrap();
    assert_eq!(unknown.fields["columns"].to_string(), "channel");
    // Half of them are reached: half of the change.
    let out = ask(&Scenario { capacity: Some(30.0), ..scenario(&[("pages", "+2")]) });
    assert!(near(out.differences[0].retention.unwrap().value, (mean(2.0) - mean(0.0)) / 2.0));
    // Two of them against each other: over everybody, whomever each is for. The same against itself is nothing, surely.
    let named = |name: &str, s: Scenario| Scenario { name: name.into(), ..s };
    let few = Scenario { segment: Some("age < 50".into()), ..scenario(&[("pages", "+2")]) };
    let all = [named("all", scenario(&[("pages", "+2")])), named("few", few), named("again", scenario(&[("pages", "+2")]))];
    let out = ask_all(&all);
    let pair = |name: &str, against: &str| out.pairs.iter().find(|p| p.name == name && p.against == against).unwrap().retention.unwrap();
    let part: f64 = (0..30)
        .map(|i| {
            let z = 1.0 - 0.02 * (20.0 + i as f64) + 0.1 * (i % 10) as f64;
            sigmoid(z + 0.2) - sigmoid(z)
        })
        .sum();
    let less = pair("few", "all");
    assert!(near(less.value, part / 60.0 - (mean(2.0) - mean(0.0))) && less.low < less.value && less.value < less.high, "{less:?}");
    assert_eq!((pair("again", "all").low, pair("again", "all").high), (0.0, 0.0));
    assert!(out.pairs.iter().all(|p| p.satisfaction.is_none()));
}

#[test]
fn a_scenario_may_take_its_effect_from_a_test() {
    // Mail won by a coin; it adds a quarter among the old and nothing among the young.
    let n = 4_000usize;
    let mut r = crate::base::rng::rng(3, "tested");
    let (mut age, mut mail, mut buys) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let old = crate::base::rng::below(&mut r, 2) == 1;
        let treated = crate::base::rng::below(&mut r, 2) == 1;
        let p = if old && treated { 0.55 } else { 0.3 };
        age.push(Some(if old { 60 } else { 30 } + crate::base::rng::below(&mut r, 9) as i64));
        mail.push(Some(if treated { "mail" } else { "none" }.to_owned()));
        buys.push(Some(i64::from(crate::base::rng::unit(&mut r) < p)));
    }
    let raw = Table::from_columns(vec![
        ("age".into(), Values::Integers(age.clone())),
        ("mail".into(), Values::Texts(mail.clone())),
        ("buys".into(), Values::Integers(buys.clone())),
    ])
    .unwrap();
    let mut m = formula(&raw, &["age", "mail"], &Roles::default(), FittedPrepare::default(), |_| -0.5);
    m.card.outcomes[0].name = "buys".into();
    let ask = crate::strategy::causal::Ask {
        treatment: "mail".into(),
        outcome: "buys".into(),
        control: "none".into(),
        ..crate::strategy::causal::Ask::default()
    };
    let ctx = JobCtx::quiet();
    let measure = |segment: Option<&str>, arm: &str| {
        crate::strategy::tested::measure(&raw, &ask, crate::strategy::causal::Base::Logistic, arm, segment, &ctx)
    };
    let old = measure(Some("age >= 60"), "mail").unwrap();
    // The difference of the two groups of old people, by hand.
    let rate = |arm: &str| {
        let of: Vec<i64> =
            (0..n).filter(|i| age[*i].unwrap() >= 60 && mail[*i].as_deref() == Some(arm)).map(|i| buys[i].unwrap()).collect();
        of.iter().sum::<i64>() as f64 / of.len() as f64
    };
    assert_eq!(old.grade, Grade::A, "{:?}", old.reason);
    assert!(near(old.effect, rate("mail") - rate("none")) && near(old.before.0, rate("none")));
    assert!(old.low > 0.15 && old.high < 0.35, "{old:?}");
    assert_eq!(measure(None, "post").unwrap_err().0.code, "strategy.tested_arm");

    let tested = |segment: &str, text: &str| Scenario {
        set: std::collections::BTreeMap::new(),
        segment: Some(segment.into()),
        tested: Some(crate::strategy::tested::Tested { study: "t".into(), arm: "mail".into() }),
        ..push(text)
    };
    let s = tested("age >= 60", "value_per_conversion = 10.0\ncost_per_contact = 0.5\ncost_per_conversion = 1.0\ncapacity = 500.0");
    let young = measure(Some("age < 60"), "mail").unwrap();
    let other = Scenario { name: "young".into(), ..tested("age < 60", "value_per_conversion = 10.0\ncost_per_contact = 0.5") };
    let baseline = Baseline::of(&m, m.card.encoder.encode_raw(&raw).unwrap().0, &ctx).unwrap();
    let (options, data) = (SimulateOptions::default(), Fingerprint::default());
    let all = [s.clone(), other];
    let found = [Some(Ok(old.clone())), Some(Ok(young))];
    let out = simulate(&m, &raw, &baseline, &all, &[], Besides { also: &[], measured: &found }, &data, &options, &ctx).unwrap();
    let (r, d) = (&out.scenarios[1], &out.differences[0]);
    assert_eq!((r.grade, r.reach.value), (Grade::A, 500.0));
    assert!(near(d.conversions.value, 500.0 * old.effect) && near(d.conversions.low, 500.0 * old.low));
    let cost = 500.0 * 0.5 + 500.0 * (old.before.0 + old.effect);
    assert!(near(r.cost.unwrap().value, cost) && near(d.profit.unwrap().value, 10.0 * 500.0 * old.effect - cost));
    // The band of the difference to another test's effect is at least as wide as either.
    let (pair, young) = (&out.pairs[0], &out.differences[1]);
    assert!(near(pair.conversions.value, young.conversions.value - d.conversions.value));
    let width = |e: Estimate| e.high - e.low;
    assert!(width(pair.conversions) > width(young.conversions) && width(pair.conversions) > width(d.conversions));
    assert!(pair.profit.is_some_and(|p| near(p.value, young.profit.unwrap().value - d.profit.unwrap().value)));
    // What a test cannot give is said: an order of people, and outcomes that it did not measure.
    let first = Scenario { first: crate::strategy::First::Gain, ..s.clone() };
    let said = |s: &Scenario| {
        let besides = Besides { also: &[], measured: &found[..1] };
        let out = simulate(&m, &raw, &baseline, std::slice::from_ref(s), &[], besides, &data, &options, &ctx).unwrap();
        out.scenarios[1].warnings.iter().any(|w| w.code == "strategy.tested_by_chance")
    };
    assert!(said(&first) && !said(&s));
    // No levers beside it, no other outcome.
    let both = Scenario { set: scenario(&[("age", "30")]).set, ..s.clone() };
    let code = |s: &Scenario| {
        simulate(&m, &raw, &baseline, std::slice::from_ref(s), &[], Besides { also: &[], measured: &found[..1] }, &data, &options, &ctx)
            .and_then(strict)
            .unwrap_err()
            .0
            .code
    };
    assert_eq!(code(&both), "strategy.tested_set");
    m.card.outcomes[0].name = "visits".into();
    let code = simulate(
        &m,
        &raw,
        &baseline,
        &[s],
        &[],
        Besides { also: &[], measured: &found[..1] },
        &data,
        &SimulateOptions { seed: 2, ..options },
        &ctx,
    )
    .and_then(strict)
    .unwrap_err()
    .0
    .code;
    assert_eq!(code, "strategy.tested_outcome");
}
