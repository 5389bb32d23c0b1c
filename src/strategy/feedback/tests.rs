//! Rows that moved by known amounts, and rows that did not.

use super::*;
use crate::base::rng::Rng;
use crate::data::{Encoder, Roles, Table, table::Values};
use crate::ml::train::train;
use crate::ml::{ModelKind, ModelSpec, OutcomeKind};

/// A shop: price and channel, one of which decides. `moved` raises the price and brings a channel that nobody knew; `turned`
/// turns round what the price does.
fn table(rows: usize, seed: u64, moved: bool, turned: bool) -> Table {
    let mut r: Rng = rng::rng(seed, "feedback-shop");
    let (mut price, mut channel, mut noise, mut bought) = (vec![], vec![], vec![], vec![]);
    for i in 0..rows {
        let p = rng::normal(&mut r) + if moved { 0.8 } else { 0.0 };
        let c = if moved && i % 10 == 0 { "radio" } else { ["web", "app", "shop"][rng::below(&mut r, 3)] };
        let m = if turned { 1.5 * p } else { -1.5 * p } + if c == "app" { 1.0 } else { 0.0 };
        bought.push(Some(i64::from(rng::unit(&mut r) < crate::ml::model::sigmoid(m))));
        price.push(Some(p));
        noise.push(if i % 9 == 0 { None } else { Some(rng::normal(&mut r)) });
        channel.push(Some(c.to_owned()));
    }
    let columns = vec![
        ("price", Values::Numbers(price)),
        ("channel", Values::Texts(channel)),
        ("noise", Values::Numbers(noise)),
        ("bought", Values::Integers(bought)),
    ];
    Table::from_columns(columns.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()).unwrap()
}

fn rows(model: &dyn Model, table: &Table) -> Rows {
    let (x, _) = model.card().encoder.encode_raw(table).unwrap();
    Rows { x, y: vec![table.numbers(table.column("bought").unwrap())], data: Fingerprint::of(b"shop") }
}

fn trained(kind: ModelKind, table: &Table) -> Arc<dyn Model> {
    let names: Vec<String> = ["price", "channel", "noise"].map(str::to_owned).to_vec();
    let all: Vec<usize> = (0..table.n_rows()).collect();
    let encoder = Encoder::fit(table, &names, &Roles::default(), &all, Default::default()).unwrap();
    let (x, _) = encoder.encode(table).unwrap();
    let kind_of = OutcomeKind::Binary { positive: "1".into(), negative: "0".into() };
    let data = TrainData {
        x,
        y: vec![table.numbers(table.column("bought").unwrap())],
        parts: (0..table.n_rows()).map(|i| if i % 4 == 3 { Part::Test } else { Part::Train }).collect(),
        outcomes: vec![Outcome { name: "bought".into(), kind: kind_of, base_rate: 0.5 }],
        encoder,
        data: Fingerprint::default(),
        warnings: vec![],
    };
    train(&ModelSpec::new("Trees", kind), &data, &JobCtx::quiet()).unwrap()
}

fn settings() -> Settings {
    Settings { name: "Trees, version 2".into(), held: 0.5, seed: 1 }
}

#[test]
fn what_moved_is_found_and_what_did_not_is_not() {
    let old = table(3_000, 1, false, false);
    let model = trained(ModelKind::Gbdt, &old);
    let before = rows(&*model, &old);
    let fed = |new: &Table| run(&*model, Some(&before), &rows(&*model, new), &settings(), &JobCtx::quiet()).unwrap();
    let (same, _) = fed(&table(2_000, 2, false, false));
    assert!(same.drift.iter().all(|d| d.size == Size::Steady), "{:?}", same.drift);
    let outcome = same.outcome.unwrap();
    assert!(outcome.interval.0 < 0.0 && outcome.interval.1 > 0.0 && same.calibration.unwrap().holds);
    assert_eq!(same.compared.unwrap().verdict, Verdict::Same);
    let (moved, _) = fed(&table(2_000, 2, true, false));
    let of = |name: &str| moved.drift.iter().find(|d| d.feature == name).unwrap();
    // A normal amount moved by 0.8 of its spread: the index is about 0.64, the distance 2Φ(0.4) − 1 = 0.31.
    assert!((of("price").psi - 0.64).abs() < 0.15 && (of("price").statistic - 0.311).abs() < 0.04, "{:?}", of("price"));
    assert_eq!((of("price").size, of("noise").size), (Size::Large, Size::Steady));
    assert!(of("channel").adjusted < 1e-6 && of("channel").bins.iter().any(|b| b.label == "…" && (b.new - 0.1).abs() < 0.01));
    for d in &moved.drift {
        let (a, b) = d.bins.iter().fold((0.0, 0.0), |s, b| (s.0 + b.old, s.1 + b.new));
        assert!((a - 1.0).abs() < 1e-9 && (b - 1.0).abs() < 1e-9 && d.adjusted >= d.p);
    }
    assert!(moved.outcome.unwrap().interval.1 < 0.0, "dearer, so fewer buy");
}

#[test]
fn a_model_that_no_longer_holds_is_said_so_and_the_version_that_learned_is_better() {
    let old = table(2_400, 1, false, false);
    for kind in [ModelKind::Gbdt, ModelKind::Logistic] {
        let model = trained(kind, &old);
        let before = rows(&*model, &old);
        let new = rows(&*model, &table(4_000, 5, true, true));
        let (found, version) = run(&*model, Some(&before), &new, &settings(), &JobCtx::quiet()).unwrap();
        let kept = found.calibration.unwrap();
        assert!(!kept.holds && kept.groups.len() == 10 && kept.groups.iter().map(|g| g.rows).sum::<usize>() == 4_000, "{kept:?}");
        let compared = found.compared.unwrap();
        assert!(compared.verdict == Verdict::Better && compared.rows == 2_000 && compared.difference < -0.2, "{kind:?} {compared:?}");
        assert!((compared.new - compared.old - compared.difference).abs() < 1e-9);
        assert!(compared.auc.unwrap().1 > compared.auc.unwrap().0);
        assert_eq!((found.version.as_deref(), version.unwrap().card().spec.name.as_str()), (Some("Trees, version 2"), "Trees, version 2"));
        let all = found.importance.iter().fold((0.0, 0.0), |s, i| (s.0 + i.old, s.1 + i.new));
        assert!((all.0 - 1.0).abs() < 1e-9 && (all.1 - 1.0).abs() < 1e-9 && found.importance.len() == 3);
        // Fitted on both, what the price did before and does now cancels; trees that went on know better.
        let price = found.importance.iter().find(|i| i.feature == "price").unwrap();
        assert!(price.old > 0.5 && (kind == ModelKind::Gbdt || price.new < 0.3), "{kind:?} {price:?}");
    }
}

#[test]
fn what_is_not_there_is_said() {
    let old = table(800, 1, false, false);
    let model = trained(ModelKind::Logistic, &old);
    let new = rows(&*model, &table(600, 2, false, false));
    let codes = |f: &Feedback| f.warnings.iter().map(|w| w.code.clone()).collect::<Vec<_>>();
    let (found, version) = run(&*model, None, &new, &settings(), &JobCtx::quiet()).unwrap();
    assert!(codes(&found) == ["feedback.no_old", "feedback.needs_old"] && version.is_none() && found.drift.is_empty());
    assert!(found.calibration.is_some());
    let (found, version) = run(&*model, Some(&new), &Rows { y: vec![], ..new.clone() }, &settings(), &JobCtx::quiet()).unwrap();
    assert!(codes(&found) == ["feedback.no_outcome"] && version.is_none() && found.drift.len() == 3);
    let few = Rows { x: new.x.select(&[0, 1, 2]), y: vec![vec![1.0, 0.0, 1.0]], ..new };
    assert_eq!(run(&*model, None, &few, &settings(), &JobCtx::quiet()).err().unwrap().0.code, "feedback.few");
    // Columns: one sentence a finding.
    let moved = table(500, 2, true, false);
    let says: Vec<String> = schema::check(model.card(), &moved).unwrap().iter().map(|n| n.code.clone()).collect();
    assert_eq!(says, ["feedback.new_levels"]);
    let fault = schema::check(model.card(), &moved.drop_columns(&["price".into(), "noise".into()])).err().unwrap();
    assert!(fault.0.code == "feedback.missing" && fault.to_string().contains("price, noise"), "{fault}");
    let words = moved.with_texts("price", &vec![Some("cheap".to_owned()); 500]).unwrap().with_numbers("more", &[1.0; 500]).unwrap();
    let says: Vec<String> = schema::check(model.card(), &words).unwrap().iter().map(|n| n.code.clone()).collect();
    assert_eq!(says, ["feedback.not_numbers", "feedback.new_levels", "feedback.unread"]);
}

#[test]
fn tests_of_drift_agree_with_published_ones() {
    use super::drift::{chi_square, kolmogorov, psi};
    // scipy.stats.ks_2samp(range(1, 11), [x + 3.5 for x in range(1, 11)]): D = 0.4.
    let a: Vec<f64> = (1..=10).map(f64::from).collect();
    let b: Vec<f64> = a.iter().map(|x| x + 3.5).collect();
    assert!((kolmogorov(&a, &b).0 - 0.4).abs() < 1e-12);
    assert_eq!(kolmogorov(&a, &a), (0.0, 1.0));
    // R: chisq.test(rbind(c(30, 20, 50), c(20, 40, 40)), correct = FALSE): X² = 9.7778, p = 0.007530.
    let (x2, p) = chi_square(&[30.0, 20.0, 50.0], &[20.0, 40.0, 40.0]);
    assert!((x2 - 9.777_8).abs() < 1e-3 && (p - 0.007_530).abs() < 1e-5, "{x2} {p}");
    // Brute force: 0.5 · ln(0.5 / 0.25) + … on large counts, where the half row does not matter.
    let want = (0.5f64 - 0.25) * (0.5f64 / 0.25).ln() + (0.5f64 - 0.75) * (0.5f64 / 0.75).ln();
    assert!((psi(&[25e6, 75e6], &[50e6, 50e6]) - want).abs() < 1e-6);
    // Under no drift the p-values are even: a fifth below 0.2.
    let mut r = rng::rng(3, "even");
    let below = (0..400)
        .filter(|_| {
            let mut draw = |n: usize| {
                let mut v: Vec<f64> = (0..n).map(|_| rng::normal(&mut r)).collect();
                v.sort_unstable_by(f64::total_cmp);
                v
            };
            kolmogorov(&draw(200), &draw(150)).1 < 0.2
        })
        .count();
    assert!((50..110).contains(&below), "{below}");
}

#[test]
fn a_model_of_several_classes_is_refused_in_one_sentence() {
    let old = table(400, 1, false, false);
    let mut model = trained(ModelKind::Gbdt, &old);
    let card = Arc::get_mut(&mut model).unwrap().card_mut();
    let class = |class: &str| Outcome { kind: OutcomeKind::Class { class: class.into() }, ..card.outcomes[0].clone() };
    card.outcomes = vec![class("silver"), class("gold")];
    let fault = run(&*model, None, &rows(&*model, &old), &settings(), &JobCtx::quiet()).err().unwrap();
    assert_eq!(fault.0.code, "feedback.classes");
}
