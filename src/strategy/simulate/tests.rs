//! Scenarios on a table and a model whose numbers are known.

use super::*;
use crate::data::prepare::{self, FillWith, Step};
use crate::data::table::Values;
use crate::data::{FittedPrepare, Part, Roles};
use crate::ml::model::sigmoid;
use crate::recommend::rank::tests::{Formula, formula};
use crate::strategy::LeverStatus;
use crate::strategy::scenario::Setting;

const N: i64 = 60;

/// age 20–79, pages 0–9, one of three channels.
fn table() -> Table {
    let channel = |i: i64| ["ads", "mail", "search"][(i % 3) as usize].to_owned();
    Table::from_columns(vec![
        ("age".into(), Values::Integers((0..N).map(|i| Some(20 + i)).collect())),
        ("pages".into(), Values::Integers((0..N).map(|i| Some(i % 10)).collect())),
        ("channel".into(), Values::Texts((0..N).map(|i| Some(channel(i))).collect())),
    ])
    .unwrap()
}

fn margin(r: &[f64]) -> f64 {
    -2.0 + 0.01 * r[0] + 0.2 * r[1] * (1.0 + r[2])
}

fn model() -> Formula {
    formula(&table(), &["age", "pages", "channel"], &Roles::default(), FittedPrepare::default(), margin)
}

fn levers(locked: &str) -> Vec<Lever> {
    let status = |c: &str| if c == locked { LeverStatus::Locked } else { LeverStatus::Free };
    let lever = |(feature, c): (usize, &str)| Lever { column: c.into(), feature, status: status(c), reason: None, drop: None };
    ["age", "pages", "channel"].into_iter().enumerate().map(lever).collect()
}

fn scenario(set: &[(&str, &str)]) -> Scenario {
    Scenario {
        name: "s".into(),
        segment: None,
        row: None,
        model: None,
        set: set.iter().map(|(c, v)| ((*c).to_owned(), Setting::Text((*v).to_owned()))).collect(),
        value_per_conversion: None,
        cost_per_contact: None,
        fixed_cost: None,
        overridden: Vec::new(),
    }
}

fn run(scenarios: &[Scenario]) -> Result<Simulation> {
    run_on(&model(), &table(), scenarios, &levers(""))
}

fn run_on(model: &Formula, raw: &Table, scenarios: &[Scenario], levers: &[Lever]) -> Result<Simulation> {
    let x = model.card.encoder.encode_raw(raw).unwrap().0;
    let options = SimulateOptions::default();
    let baseline = Baseline::of(model, x, &JobCtx::quiet())?;
    simulate(model, raw, &baseline, scenarios, levers, &Fingerprint::default(), &options, &JobCtx::quiet())
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

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn no_settings_give_the_baseline_to_the_bit() {
    let mut same = scenario(&[]);
    same.value_per_conversion = Some(40.0);
    let out = run(&[same]).unwrap();
    let (mut a, b) = (out.scenarios[0].clone(), out.scenarios[1].clone());
    a.name.clone_from(&b.name);
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
    let ask = |s: &[Scenario], l: &[Lever]| simulate(&m, &raw, &baseline, s, l, &Fingerprint::default(), &SimulateOptions::default(), &ctx);
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
    assert!(ask(&[scenario(&[("pages", "+20%"), ("age", "30")])], &levers("pages")).is_err());
    let short = Baseline::of(&m, x.select(&[0]), &ctx).unwrap();
    let options = SimulateOptions::default();
    assert!(simulate(&m, &raw, &short, &[], &levers(""), &Fingerprint::default(), &options, &ctx).is_err());
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
        let out =
            simulate(&model, &raw, &baseline, std::slice::from_ref(&s), &levers(""), &Fingerprint::default(), &options, &JobCtx::quiet())
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
