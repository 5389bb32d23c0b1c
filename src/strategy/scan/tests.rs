//! Planted leaks are found, and columns that are none are let be.

use super::*;
use crate::base::rng::{self, Rng};
use crate::data::table::Values;
use crate::ml::OutcomeKind;

/// A shop that a scan reads: two honest causes and noise, to which tests add columns.
struct Shop {
    y: Vec<f64>,
    columns: Vec<(String, Values)>,
    r: Rng,
}

fn numbers(v: &[f64]) -> Values {
    Values::Numbers(v.iter().map(|x| Some(*x).filter(|x| !x.is_nan())).collect())
}

impl Shop {
    fn new(n: usize, seed: u64) -> Self {
        let mut r = rng::rng(seed, "shop");
        let mut normal = |n: usize| (0..n).map(|_| rng::normal(&mut r)).collect::<Vec<_>>();
        let (a, b, noise, luck) = (normal(n), normal(n), normal(n), normal(n));
        let y = (0..n).map(|i| f64::from(u8::from(0.5 * a[i] + 0.4 * b[i] + luck[i] > 1.0))).collect();
        let columns = [("pages", &a), ("minutes", &b), ("noise", &noise)].map(|(name, v)| (name.to_owned(), numbers(v))).to_vec();
        Self { y, columns, r }
    }

    fn n(&self) -> usize {
        self.y.len()
    }

    fn add(&mut self, name: &str, f: impl Fn(usize, &mut Rng, f64) -> f64) {
        let v: Vec<f64> = (0..self.n()).map(|i| f(i, &mut self.r, self.y[i])).collect();
        self.columns.push((name.to_owned(), numbers(&v)));
    }

    fn scan(self, roles: &[(&str, Role)]) -> LeakScan {
        self.ask(roles, &JobCtx::quiet()).unwrap()
    }

    fn ask(self, roles: &[(&str, Role)], ctx: &JobCtx) -> Result<LeakScan> {
        let table = Table::from_columns(self.columns).unwrap();
        let mut all = Roles::default();
        all.of.extend(roles.iter().map(|(n, r)| ((*n).to_owned(), *r)));
        let features = all.features(&table);
        let binary = self.y.iter().all(|y| *y == 0.0 || *y == 1.0);
        let kind = if binary { OutcomeKind::Binary { positive: "1".into(), negative: "0".into() } } else { OutcomeKind::Number };
        let outcome = Outcome { name: "bought".into(), kind, base_rate: 0.2 };
        let parts = vec![Part::Train; self.y.len()];
        let (y, data) = (&self.y[..], &Fingerprint::default());
        let input =
            Input { raw: &table, table: &table, roles: &all, features: &features, outcome: &outcome, y, parts: &parts, data, seed: 1 };
        scan(&input, ctx)
    }
}

fn of<'a>(s: &'a LeakScan, name: &str) -> &'a ColumnFinding {
    s.columns.iter().find(|c| c.column == name).unwrap()
}

fn code(f: &ColumnFinding) -> &str {
    &f.reasons[0].code
}

#[test]
fn a_copy_of_the_outcome_is_found_and_causes_are_let_be() {
    let mut shop = Shop::new(1_500, 1);
    shop.add("copy", |_, r, y| 4.0 * y + rng::normal(r));
    let s = shop.scan(&[]);
    let copy = of(&s, "copy");
    assert_eq!((copy.proposed, copy.light, code(copy)), (LeverType::Proxy, Light::Bad, "scan.cliff"), "{copy:?}");
    assert!(copy.alone.unwrap().low > 0.9 && copy.loss.unwrap().low > 0.05);
    for honest in ["pages", "minutes", "noise"] {
        let f = of(&s, honest);
        assert_eq!((f.proposed, f.light, f.firm), (LeverType::Context, Light::Ok, false), "{f:?}");
    }
    // The sentence holds its numbers, in both languages.
    for lang in [crate::base::Lang::En, crate::base::Lang::Zh] {
        let text = copy.sentence(lang);
        assert!(text.contains(&say::shown(&copy.alone.unwrap())) && !text.contains('{'), "{text}");
        assert!(!s.sentence(lang).contains('{'));
    }
    let again: LeakScan = serde_json::from_str(&serde_json::to_string(&s).unwrap()).unwrap();
    assert_eq!(again, s);
}

#[test]
fn two_copies_that_hide_each_other_are_both_found() {
    // Loose copies, alike in nothing but the answer, and exact twins.
    let mut shop = Shop::new(2_000, 2);
    shop.add("copy_1", |_, r, y| 4.0 * y + rng::normal(r));
    shop.add("copy_2", |_, r, y| 4.0 * y + rng::normal(r));
    let s = shop.scan(&[]);
    for (one, other) in [("copy_1", "copy_2"), ("copy_2", "copy_1")] {
        let f = of(&s, one);
        assert_eq!((f.proposed, code(f), &f.with[..]), (LeverType::Proxy, "scan.cliff_together", &[other.to_owned()][..]), "{f:?}");
    }
    assert!(s.columns.iter().filter(|c| !c.column.starts_with("copy")).all(|c| c.light == Light::Ok), "{s:?}");
    let mut shop = Shop::new(1_500, 3);
    shop.add("euro", |_, r, y| 2.0 * y + rng::normal(r));
    let Values::Numbers(euro) = shop.columns.last().unwrap().1.clone() else { panic!() };
    shop.add("dollar", |i, _, _| euro[i].unwrap() * 1.1 + 3.0);
    let s = shop.scan(&[]);
    for twin in ["euro", "dollar"] {
        assert_eq!((of(&s, twin).proposed, of(&s, twin).with.len()), (LeverType::Proxy, 1), "{s:?}");
    }
}

#[test]
fn what_is_written_afterwards_is_found_by_when_it_is_filled() {
    let mut shop = Shop::new(1_200, 4);
    shop.add("rating", |_, r, y| if y > 0.5 && rng::unit(r) < 0.6 { rng::normal(r) } else { f64::NAN });
    shop.add("gaps", |_, r, _| if rng::unit(r) < 0.5 { rng::normal(r) } else { f64::NAN });
    // Times: one of the outcome itself, one after it, one before.
    let day = |f: &dyn Fn(usize) -> Option<i32>, n: usize| Values::Dates((0..n).map(f).collect());
    let (y, n) = (shop.y.clone(), shop.n());
    shop.columns.push(("paid_on".into(), day(&|i| (y[i] > 0.5).then_some(1_000 + i as i32 % 50), n)));
    shop.columns.push(("sent_on".into(), day(&|i| Some(1_003 + i as i32 % 50), n)));
    shop.columns.push(("seen_on".into(), day(&|i| Some(990 + i as i32 % 50), n)));
    let times = ["paid_on", "sent_on", "seen_on"].map(|t| (t, Role::Time));
    let s = shop.scan(&[&times[..], &[("spent", Role::Value)]].concat());
    for (name, why) in [("rating", "scan.filled_after"), ("paid_on", "scan.filled_after"), ("sent_on", "scan.later")] {
        let f = of(&s, name);
        assert_eq!((f.proposed, f.light, code(f)), (LeverType::Proxy, Light::Bad, why), "{f:?}");
    }
    assert_eq!((of(&s, "gaps").light, of(&s, "seen_on").light, code(of(&s, "seen_on"))), (Light::Ok, Light::Ok, "scan.role_time"));
}

#[test]
fn the_length_of_the_call_is_found() {
    // Skewed lengths that grow with the yes, as the telephone records of a bank have them.
    let mut shop = Shop::new(3_000, 5);
    shop.add("seconds_called", |_, r, y| (5.0 + 1.1 * y + 0.8 * rng::normal(r)).exp().round());
    let s = shop.scan(&[]);
    let f = of(&s, "seconds_called");
    assert_eq!((f.proposed, f.light > Light::Ok), (LeverType::Proxy, true), "{f:?}");
}

#[test]
fn amounts_have_leaks_too() {
    let mut shop = Shop::new(1_200, 6);
    shop.y = (0..1_200).map(|_| 50.0 + 10.0 * rng::normal(&mut shop.r)).collect();
    let y = shop.y.clone();
    shop.add("cause", |i, r, _| y[i] + 12.0 * rng::normal(r));
    shop.add("tax", |i, r, _| 0.19 * y[i] + 0.2 * rng::normal(r));
    let s = shop.scan(&[]);
    assert_eq!((s.metric, of(&s, "tax").light, of(&s, "tax").proposed), (Metric::R2, Light::Bad, LeverType::Proxy), "{s:?}");
    assert_eq!((of(&s, "cause").light, of(&s, "noise").light), (Light::Ok, Light::Ok), "{s:?}");
}

#[test]
fn roles_codes_people_and_treatments_say_what_a_column_is() {
    let mut shop = Shop::new(2_400, 7);
    let n = shop.n();
    let arm: Vec<f64> = (0..n).map(|_| rng::below(&mut shop.r, 2) as f64).collect();
    let y = shop.y.clone();
    shop.add("mailed", |i, _, _| arm[i]);
    shop.add("visits_after", |i, r, _| 0.8 * arm[i] + 0.5 * y[i] + rng::normal(r));
    shop.add("idle_after", |i, r, _| 0.8 * arm[i] + rng::normal(r));
    shop.add("age", |i, _, _| ((i / 3) % 60) as f64);
    shop.add("who", |i, _, _| (i / 3) as f64);
    let codes = Values::Texts((0..n).map(|i| Some(format!("o-{}", (i * 7_919) % 99_991))).collect());
    shop.columns.push(("order".into(), codes));
    shop.add("revenue", |_, r, y| y * rng::unit(r));
    shop.add("spent_on_ads", |_, r, _| rng::unit(r));
    let roles =
        [("mailed", Role::Treatment), ("who", Role::User), ("revenue", Role::Value), ("spent_on_ads", Role::Cost), ("order", Role::Ignore)];
    let s = shop.scan(&roles);
    assert_eq!(s.treatment.as_deref(), Some("mailed"));
    for (name, kind, why) in [
        ("mailed", LeverType::Lever, "scan.role_lever"),
        ("spent_on_ads", LeverType::Lever, "scan.role_lever"),
        ("visits_after", LeverType::Mediator, "scan.mediator"),
        ("age", LeverType::Context, "scan.person"),
        ("who", LeverType::Identifier, "scan.role_user"),
        ("order", LeverType::Identifier, "scan.identifier"),
        ("revenue", LeverType::Proxy, "scan.role_after"),
        ("pages", LeverType::Context, "scan.context"),
    ] {
        let f = of(&s, name);
        assert_eq!((f.proposed, code(f)), (kind, why), "{f:?}");
    }
    // A strong mediator falls off a cliff, too; the experiment decides.
    let mut shop = Shop::new(2_400, 17);
    let mailed: Vec<f64> = (0..shop.n()).map(|_| rng::below(&mut shop.r, 2) as f64).collect();
    shop.add("mailed", |i, _, _| mailed[i]);
    shop.add("visits_after", |i, r, y| 0.8 * mailed[i] + 1.1 * y + rng::normal(r));
    let strong = shop.scan(&[("mailed", Role::Treatment)]);
    let f = of(&strong, "visits_after");
    assert!(f.loss.unwrap().value > 0.05 && f.proposed == LeverType::Mediator && f.light == Light::Warn, "{f:?}");
    assert_ne!(of(&s, "idle_after").proposed, LeverType::Mediator, "it is on the way to nothing");
}

#[test]
fn the_analyst_is_contradicted_only_where_something_speaks() {
    let mut shop = Shop::new(1_200, 8);
    shop.add("copy", |_, r, y| 4.0 * y + rng::normal(r));
    let s = shop.scan(&[]);
    let (copy, pages) = (of(&s, "copy"), of(&s, "pages"));
    assert_eq!((pages.proposal(Some(LeverType::Lever)), pages.proposal(None)), (LeverType::Lever, LeverType::Context));
    assert!(!pages.is_new(Some(LeverType::Lever)) && pages.is_new(None));
    assert!(copy.proposal(Some(LeverType::Lever)) == LeverType::Proxy && copy.is_new(Some(LeverType::Lever)));
    assert!(!copy.is_new(Some(LeverType::Proxy)));
}

#[test]
fn noise_is_not_accused() {
    // Three columns of noise in each of 200 data sets, beside nothing else and beside honest causes.
    let (mut accused, mut columns) = (0, 0);
    for seed in 0..200 {
        let mut shop = Shop::new(300, 100 + seed);
        if seed % 2 == 0 {
            let y = std::mem::take(&mut shop.y);
            shop.y = y.iter().map(|_| f64::from(u8::from(rng::unit(&mut shop.r) < 0.3))).collect();
            shop.columns.retain(|c| c.0 == "noise");
        }
        shop.add("gaps", |_, r, _| if rng::unit(r) < 0.9 { f64::NAN } else { rng::normal(r) });
        shop.add("coin", |_, r, _| rng::below(r, 2) as f64);
        let s = shop.scan(&[]);
        for name in ["noise", "gaps", "coin"] {
            columns += 1;
            let f = of(&s, name);
            accused += usize::from(f.light != Light::Ok || f.proposed != LeverType::Context);
        }
    }
    assert!(columns == 600 && accused <= 6, "{accused} of {columns} columns of noise were accused");
}

#[test]
fn too_few_rows_are_said_and_nothing_is_invented() {
    let mut shop = Shop::new(30, 9);
    shop.y = (0..30).map(|i| f64::from(u8::from(i == 3))).collect();
    let s = shop.scan(&[]);
    assert!(s.whole.is_none() && s.warnings.iter().any(|w| w.code == "scan.few"), "{s:?}");
    assert!(s.columns.iter().all(|c| c.alone.is_none() && c.loss.is_none() && c.light == Light::Ok));
    let shop = Shop { y: vec![], columns: vec![("a".into(), numbers(&[]))], r: rng::rng(1, "none") };
    assert_eq!(shop.scan(&[]).columns.len(), 1);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_a_stop_stops() {
    let make = || {
        let mut shop = Shop::new(600, 10);
        shop.add("copy", |_, r, y| 4.0 * y + rng::normal(r));
        shop
    };
    let (a, b) = (make().scan(&[]), make().scan(&[]));
    assert_eq!(serde_json::to_string(&a).unwrap(), serde_json::to_string(&b).unwrap());
    let ctx = JobCtx::quiet();
    ctx.token().cancel();
    assert!(make().ask(&[], &ctx).unwrap_err().is_cancelled());
    // Of a rare answer all rows are kept, of the common one a sample; in file order.
    let y: Vec<f64> = (0..60_000).map(|i| f64::from(u8::from(i % 500 == 0))).collect();
    let known: Vec<usize> = (0..60_000).collect();
    let rows = sample(&known, &y, true, 5, 1);
    assert_eq!((rows.len(), rows.iter().filter(|r| y[**r] > 0.5).count()), (MOST_ROWS, 120));
    assert!(rows.windows(2).all(|w| w[0] < w[1]));
    // A person is in one half only.
    let person: Vec<i32> = (0..900).map(|i| i / 4).collect();
    let parts = halves(900, Some(person.clone()), 1);
    assert!((1..900).all(|i| person[i] != person[i - 1] || parts[i] == parts[i - 1]));
}

#[test]
fn a_leak_is_found_in_a_wide_file() {
    let mut shop = Shop::new(400, 11);
    for j in 0..260 {
        shop.add(&format!("x{j}"), |_, r, _| rng::normal(r));
    }
    shop.add("copy", |_, r, y| 4.0 * y + rng::normal(r));
    let s = shop.scan(&[]);
    assert!(s.warnings.iter().any(|w| w.code == "scan.wide"), "{:?}", s.warnings);
    assert_eq!((of(&s, "copy").proposed, of(&s, "copy").light), (LeverType::Proxy, Light::Bad));
    assert!(s.columns.iter().all(|c| c.alone.is_some()), "every column is judged alone");
    let accused: Vec<&str> = s.columns.iter().filter(|c| c.light != Light::Ok).map(|c| c.column.as_str()).collect();
    assert_eq!(accused, ["copy"]);
}
