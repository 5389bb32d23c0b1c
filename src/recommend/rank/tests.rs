//! The ranking on a small log and a model whose numbers are known.

use super::*;
use crate::base::{Lang, rng};
use crate::data::table::Values;
use crate::data::{Encoder, FittedPrepare, Role};
use crate::ml::file::NamedTensor;
use crate::ml::model::{ModelCard, PartSizes, Structure, sigmoid};
use crate::ml::{ModelKind, ModelSpec};

/// A model by a formula on one encoded row (a margin).
pub(crate) struct Formula {
    pub(crate) card: ModelCard,
    pub(crate) f: fn(&[f64]) -> f64,
}

impl Model for Formula {
    fn card(&self) -> &ModelCard {
        &self.card
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.card
    }
    fn margins(&self, x: &FeatureMatrix, _: &JobCtx) -> Result<Vec<f64>> {
        Ok((0..x.n_rows()).map(|i| (self.f)(x.row(i))).collect())
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Opaque
    }
    fn tensors(&self) -> Vec<NamedTensor> {
        Vec::new()
    }
}

fn texts(v: &[&str]) -> Values {
    Values::Texts(v.iter().map(|s| Some((*s).to_owned())).collect())
}
fn ints(v: &[i64]) -> Values {
    Values::Integers(v.iter().map(|x| Some(*x)).collect())
}

/// Items 2, 9, 10; price belongs to the item; hour to the moment; two people.
fn log() -> Table {
    Table::from_columns(vec![
        ("when".into(), ints(&[5, 1, 2, 3, 4, 6])),
        ("who".into(), texts(&["a", "a", "b", "b", "a", "b"])),
        ("item_id".into(), ints(&[9, 10, 9, 10, 2, 2])),
        ("price".into(), ints(&[30, 20, 30, 20, 50, 50])),
        ("hour".into(), ints(&[7, 8, 9, 10, 11, 12])),
        ("user_item_seen".into(), ints(&[1, 4, 0, 2, 3, 0])),
        ("click".into(), ints(&[1, 0, 0, 0, 0, 1])),
    ])
    .unwrap()
}

fn roles() -> Roles {
    let mut r = Roles::default();
    for (name, role) in [("when", Role::Time), ("who", Role::User), ("item_id", Role::Item), ("click", Role::Target)] {
        r.of.insert(name.into(), role);
    }
    r
}

fn model(log: &Table, names: &[&str], f: fn(&[f64]) -> f64) -> Formula {
    formula(log, names, &roles(), FittedPrepare::default(), f)
}

/// A model of `click` on the named columns of a prepared table.
pub(crate) fn formula(table: &Table, names: &[&str], roles: &Roles, prepare: FittedPrepare, f: fn(&[f64]) -> f64) -> Formula {
    let names: Vec<String> = names.iter().map(|s| (*s).to_owned()).collect();
    let train: Vec<usize> = (0..table.n_rows()).collect();
    let encoder = Encoder::fit(table, &names, roles, &train, prepare).unwrap();
    Formula {
        card: ModelCard {
            spec: ModelSpec::new("m", ModelKind::Gbdt),
            outcomes: vec![Outcome {
                name: "click".into(),
                kind: OutcomeKind::Binary { positive: "1".into(), negative: "0".into() },
                base_rate: 0.3,
            }],
            encoder,
            evaluation: Vec::new(),
            rows: PartSizes::default(),
            device: "CPU".into(),
            seconds: 0.0,
            data: Fingerprint::default(),
            fingerprint: Fingerprint::of(b"m"),
            curve: Vec::new(),
            conformal: None,
            warnings: Vec::new(),
        },
        f,
    }
}

fn run(m: &Formula, log: &Table, person: &str, items: Option<&Table>) -> Result<Ranking> {
    rank(m, log, &roles(), person, items, &Fingerprint::default(), &JobCtx::quiet())
}

fn codes(r: &Ranking) -> Vec<&str> {
    r.warnings.iter().map(|w| w.code.as_str()).collect()
}

#[test]
fn items_are_ranked_in_the_situation_of_the_persons_newest_row() {
    // Features: item_id (levels 2, 9, 10), price, hour, user_item_seen.
    let log = log();
    let m = model(&log, &["item_id", "price", "hour", "user_item_seen"], |r| -0.05 * r[1] + 0.1 * r[2] + 0.2 * r[3]);
    let out = run(&m, &log, "who=a", None).unwrap();
    // The newest row of a is line 0 (when = 5, hour 7). Pairs of a: item 9 → 1, item 10 → 4, item 2 → 3.
    let p = |price: f64, seen: f64| sigmoid(-0.05 * price + 0.1 * 7.0 + 0.2 * seen);
    let got: Vec<(usize, &str, f64, usize)> = out.items.iter().map(|i| (i.rank, i.item.as_str(), i.predicted, i.impressions)).collect();
    assert_eq!(got, [(1, "10", p(20.0, 4.0), 2), (2, "9", p(30.0, 1.0), 2), (3, "2", p(50.0, 3.0), 2)]);
    let observed: Vec<Option<f64>> = out.items.iter().map(|i| i.observed).collect();
    assert_eq!(observed, [Some(0.0), Some(0.5), Some(0.5)]);
    let of: Vec<&str> = out.items[0].features.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(of, ["item_id", "price", "user_item_seen"], "what belongs to the moment is not shown as the item's");
    // First against second by hand: the game of price and seen on the probability.
    let (price, seen) = {
        let v = |a: f64, b: f64| p(a, b);
        let (none, x, y, all) = (v(30.0, 1.0), v(20.0, 1.0), v(30.0, 4.0), v(20.0, 4.0));
        ((x - none + all - y) / 2.0, (y - none + all - x) / 2.0)
    };
    let effect = |name: &str| out.against_second.iter().find(|c| c.feature == name).map(|c| c.effect).unwrap();
    assert!((effect("price") - price).abs() < 1e-15 && (effect("user_item_seen") - seen).abs() < 1e-15);
    assert_eq!(effect("item_id"), 0.0, "the item itself does nothing in this model");
    assert!(!out.against_second.iter().any(|c| c.feature == "hour"));
    assert!(out.gap.abs() < 1e-15);
    let first = &out.against_second[0];
    assert_eq!((first.feature.as_str(), first.first.as_str(), first.second.as_str()), ("user_item_seen", "4", "1"));
    let said: Vec<&str> = out.reason.iter().map(|r| r.code.as_str()).collect();
    assert_eq!(said, ["recommend.reason_first", "recommend.reason_for", "recommend.reason_for"]);
    assert!(out.reason[1].say(Lang::En).starts_with("user_item_seen = 4 instead of 1"));
    assert!(codes(&out).contains(&"recommend.pairs_logged") && codes(&out).contains(&"recommend.few"));
    // b was never shown item 9 later than item 2; its newest row is line 5.
    let b = run(&m, &log, "who = 'b'", None).unwrap();
    assert_eq!(b.warnings[0].fields["row"], crate::base::Field::Int(5));
}

#[test]
fn ties_share_a_rank_in_the_order_of_numbers() {
    let log = log();
    let m = model(&log, &["item_id", "hour"], |r| f64::from(u8::from(r[0] == 1.0)));
    let out = run(&m, &log, "who=a", None).unwrap();
    let got: Vec<(usize, &str)> = out.items.iter().map(|i| (i.rank, i.item.as_str())).collect();
    assert_eq!(got, [(1, "9"), (2, "2"), (2, "10")]);
    // A model that reads nothing of the item says so.
    let m = model(&log, &["hour"], |r| r[0]);
    let out = run(&m, &log, "who=a", None).unwrap();
    assert!(codes(&out).contains(&"recommend.item_blind"));
    assert_eq!(out.reason[0].code, "recommend.tie");
    assert!(out.items.iter().all(|i| i.rank == 1));
}

#[test]
fn an_items_file_brings_items_and_columns_of_its_own() {
    let log = log();
    let m = model(&log, &["item_id", "price"], |r| -0.1 * r[1]);
    let items = Table::from_columns(vec![
        ("item_id".into(), ints(&[10, 77])),
        ("price".into(), ints(&[20, 5])),
        ("colour".into(), texts(&["red", "blue"])),
    ])
    .unwrap();
    let out = run(&m, &log, "who=a", Some(&items)).unwrap();
    let got: Vec<(&str, f64, usize, Option<f64>)> =
        out.items.iter().map(|i| (i.item.as_str(), i.predicted, i.impressions, i.observed)).collect();
    assert_eq!(got, [("77", sigmoid(-0.5), 0, None), ("10", sigmoid(-2.0), 2, Some(0.0))]);
    assert!(out.items[0].features.contains(&("colour".to_owned(), "blue".to_owned())));
    assert!(codes(&out).contains(&"recommend.never_shown") && codes(&out).contains(&"recommend.unknown_items"));
}

#[test]
fn one_column_per_item_is_a_vector_of_the_person() {
    let mut columns = vec![
        ("who".to_owned(), texts(&["a", "b", "a", "b"])),
        ("item_id".to_owned(), ints(&[0, 1, 1, 0])),
        ("click".to_owned(), ints(&[1, 0, 0, 0])),
    ];
    for k in 0..2 {
        columns.push((format!("user-item_affinity_{k}"), ints(&[k, 5, 7 + k, 6])));
    }
    let log = Table::from_columns(columns).unwrap();
    let m = model(&log, &["item_id", "user-item_affinity_0", "user-item_affinity_1"], |r| r[0] + r[1] + 10.0 * r[2]);
    let out = run(&m, &log, "who=a", None).unwrap();
    // a's newest row is line 2: 7 and 8, whichever item is shown.
    assert_eq!(out.items[0].predicted, sigmoid(1.0 + 7.0 + 80.0));
    assert_eq!(out.items[1].predicted, sigmoid(7.0 + 80.0));
    assert!(codes(&out).contains(&"recommend.pairs_of_person"));
    let [only] = out.against_second.as_slice() else { panic!("{:?}", out.against_second) };
    assert_eq!(only.feature, "item_id");
}

#[test]
fn many_differing_features_are_sampled_and_still_add_up() {
    let mut r = rng::rng(1, "test");
    let mut columns = vec![("who".to_owned(), texts(&["a"; 6])), ("item_id".to_owned(), ints(&[0, 1, 2, 0, 1, 2]))];
    for k in 0..15 {
        let v: Vec<i64> = (0..3).map(|_| rng::below(&mut r, 1_000) as i64).collect();
        columns.push((format!("f{k:02}"), ints(&[v[0], v[1], v[2], v[0], v[1], v[2]])));
    }
    let log = Table::from_columns(columns).unwrap();
    let names: Vec<String> = (0..15).map(|k| format!("f{k:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let m = model(&log, &names, |r| r.iter().enumerate().map(|(k, x)| (x / 1e3 - 0.5) * (1.0 + k as f64 * 0.2)).sum::<f64>());
    let out = run(&m, &log, "who=a", None).unwrap();
    assert!(codes(&out).contains(&"recommend.sampled"));
    assert_eq!(out.against_second.len(), 15);
    assert!(out.gap.abs() < 1e-12, "{}", out.gap);
    assert_eq!(run(&m, &log, "who=a", None).unwrap(), out, "the same draws every time");
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let log = log();
    let m = model(&log, &["item_id", "hour"], |r| r[0]);
    assert_eq!(run(&m, &log, "who=a and hour > 100", None).unwrap_err().0.code, "recommend.no_such_person");
    let none = Roles::default();
    let f = rank(&m, &log, &none, "who=a", None, &Fingerprint::default(), &JobCtx::quiet()).unwrap_err();
    assert_eq!(f.0.code, "recommend.no_item_column");
    let f = run(&m, &log.drop_columns(&["hour".into()]), "who=a", None).unwrap_err();
    assert!(f.to_string().contains("hour"), "{f}");
    assert!(run(&m, &log, "nobody=a", None).unwrap_err().to_string().contains("nobody"));
}

#[test]
fn any_two_items_are_set_against_each_other() {
    let log = log();
    let model = model(&log, &["price", "hour", "user_item_seen"], |x| 0.05 * x[0] - 0.1 * x[1] + 0.3 * x[2] * (x[0] / 10.0));
    let of = |a: &str, b: &str| between(&model, (&log, &roles()), "who = 'a'", None, (a, b), &ExplainOptions::default(), &JobCtx::quiet());
    let ranking = rank(&model, &log, &roles(), "who = 'a'", None, &Fingerprint::default(), &JobCtx::quiet()).unwrap();
    let (first, second, last) = (&ranking.items[0], &ranking.items[1], &ranking.items[2]);
    // The same as what the ranking says of its first two.
    let c = of(&first.item, &second.item).unwrap();
    assert!((c.value - first.predicted).abs() < 1e-12 && (c.base - second.predicted).abs() < 1e-12 && c.gap.abs() < 1e-9);
    assert_eq!((c.a.as_str(), c.b.as_str()), (&*format!("item_id = {}", first.item), &*format!("item_id = {}", second.item)));
    for reason in &ranking.against_second {
        let at = c.features.iter().position(|f| *f == reason.feature).unwrap();
        assert!((c.values[at] - reason.effect).abs() < 1e-9, "{}", reason.feature);
    }
    let c = of(&last.item, &first.item).unwrap();
    assert!((c.values.iter().sum::<f64>() - (last.predicted - first.predicted)).abs() < 1e-9);
    assert_eq!(of("9", "77").unwrap_err().0.code, "recommend.no_such_item");
}
