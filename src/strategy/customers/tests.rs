use super::summary::{Columns, from_log, from_summary, rounded};
use super::*;
use crate::data::Table;
use crate::data::table::Values;
use statrs::function::beta::ln_beta;
use statrs::function::gamma::ln_gamma;

fn gamma(r: &mut rng::Rng, shape: f64) -> f64 {
    // Marsaglia and Tsang; a shape below 1 is lifted and brought back.
    if shape < 1.0 {
        let u = 1.0 - rng::unit(r);
        return gamma(r, shape + 1.0) * u.powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    loop {
        let x = rng::normal(r);
        let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
        if v > 0.0 && (1.0 - rng::unit(r)).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Customers as the two models make them, with purchases after the observed time.
fn simulated(n: usize, [r, alpha, a, b]: [f64; 4], [p, q, v]: [f64; 3], after: f64, seed: u64) -> (Vec<Customer>, Vec<f64>) {
    let mut random = rng::rng(seed, "customers");
    let (mut list, mut later) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let rate = gamma(&mut random, r) / alpha;
        let (x, y) = (gamma(&mut random, a), gamma(&mut random, b));
        let leave = x / (x + y);
        let nu = gamma(&mut random, q) / v;
        let age = 30.0 + 10.0 * rng::unit(&mut random);
        let (mut t, mut count, mut last, mut money, mut next) = (0.0, 0.0, 0.0, 0.0, 0.0);
        loop {
            t += -(1.0 - rng::unit(&mut random)).ln() / rate;
            if t > age + after {
                break;
            }
            if t <= age {
                count += 1.0;
                last = t;
                money += gamma(&mut random, p) / nu;
            } else {
                next += 1.0;
            }
            if rng::unit(&mut random) < leave {
                break;
            }
        }
        list.push(Customer { frequency: count, recency: last, age, spend: (count > 0.0).then_some(money / count) });
        later.push(next);
    }
    (list, later)
}

const TRUE: [f64; 4] = [0.8, 6.0, 0.8, 2.5];
const MONEY: [f64; 3] = [6.0, 4.0, 15.0];

/// Trapezoid rule on a fine grid of the substitution u → u²(3 − 2u), which tames both ends.
fn integral(f: impl Fn(f64) -> f64) -> f64 {
    let n = 20_000;
    (1..n)
        .map(|i| {
            let u = f64::from(i) / f64::from(n);
            f(u * u * (3.0 - 2.0 * u)) * 6.0 * u * (1.0 - u)
        })
        .sum::<f64>()
        / f64::from(n)
}

#[test]
fn the_likelihood_is_the_one_of_the_story() {
    // The story, integrated: dropping out p ~ Beta(a, b), rate λ ~ Gamma(r, α) with the rate integrated in closed form.
    let [r, alpha, a, b] = [0.7, 5.0, 1.6, 2.4];
    for (x, tx, t) in [(0.0, 0.0, 20.0), (1.0, 3.0, 20.0), (4.0, 18.0, 20.0), (12.0, 30.0, 31.0)] {
        let c = Customer { frequency: x, recency: tx, age: t, spend: None };
        let rate = |time: f64| (ln_gamma(r + x) - ln_gamma(r) + r * f64::ln(alpha) - (r + x) * f64::ln(alpha + time)).exp();
        let slow = integral(|p| {
            let density = ((a - 1.0) * p.ln() + (b - 1.0) * (1.0 - p).ln() - ln_beta(a, b)).exp();
            let stayed = (1.0 - p).powf(x) * rate(t);
            let left = if x > 0.0 { p * (1.0 - p).powf(x - 1.0) * rate(tx) } else { 0.0 };
            density * (stayed + left)
        });
        let (fast, gradient) = purchases::log_likelihood(&c, [r, alpha, a, b]);
        assert!((fast - slow.ln()).abs() < 1e-6, "{x}: {fast} against {}", slow.ln());
        // The gradient against differences.
        for k in 0..4 {
            let at = |by: f64| {
                let mut p = [r, alpha, a, b];
                p[k] += by;
                purchases::log_likelihood(&c, p).0
            };
            assert!(((at(1e-5) - at(-1e-5)) / 2e-5 - gradient[k]).abs() < 1e-6, "{x} {k}");
        }
        // Purchases to come, by the same story among those still there.
        for time in [1.0, 30.0, 400.0] {
            let alive = integral(|p| {
                let density = ((a - 1.0) * p.ln() + (b + x - 1.0) * (1.0 - p).ln() - ln_beta(a, b + x)).exp();
                density * (1.0 - (-(r + x) * f64::ln_1p(p * time / (alpha + t))).exp()) / p
            });
            let want = alive * purchases::alive(&c, [r, alpha, a, b]);
            let got = purchases::expected(&c, [r, alpha, a, b], time);
            assert!((got / want - 1.0).abs() < 1e-5, "{x} {time}: {got} against {want}");
        }
    }
    // Gamma-Gamma: the mean of x purchases given ν is Gamma(px, xν); ν ~ Gamma(q, v) integrated over u = ν/(1 + ν).
    let [p, q, v] = [2.0, 3.0, 1.5];
    for (x, m) in [(1.0, 0.7), (5.0, 2.0)] {
        let slow = integral(|u: f64| {
            let nu = u / (1.0 - u);
            let own = p * x * f64::ln(x * nu) + (p * x - 1.0) * f64::ln(m) - x * nu * m - ln_gamma(p * x);
            let over = q * f64::ln(v) + (q - 1.0) * nu.ln() - v * nu - ln_gamma(q);
            (own + over).exp() / (1.0 - u).powi(2)
        });
        let (fast, gradient) = spend::log_likelihood(x, m, [p, q, v]);
        assert!((fast - slow.ln()).abs() < 1e-6, "{fast} against {}", slow.ln());
        for k in 0..3 {
            let at = |by: f64| {
                let mut all = [p, q, v];
                all[k] += by;
                spend::log_likelihood(x, m, all).0
            };
            assert!(((at(1e-5) - at(-1e-5)) / 2e-5 - gradient[k]).abs() < 1e-6, "{x} {k}");
        }
    }
}

#[test]
fn customers_who_drop_out_alike_are_valued_too() {
    let c = Customer { frequency: 3.0, recency: 15.0, age: 25.0, spend: None };
    for (a, b) in [(59.0, 400.0), (61.0, 400.0), (90.0, 20.0)] {
        let [r, alpha] = [0.7, 5.0];
        let alive = integral(|p| {
            let density = ((a - 1.0) * p.ln() + (b + 2.0) * (1.0 - p).ln() - ln_beta(a, b + 3.0)).exp();
            density * (1.0 - (-(r + 3.0) * f64::ln_1p(p * 40.0 / (alpha + 25.0))).exp()) / p
        });
        let got = purchases::expected(&c, [r, alpha, a, b], 40.0) / purchases::alive(&c, [r, alpha, a, b]);
        assert!((got / alive - 1.0).abs() < 1e-4, "{a} {b}: {got} against {alive}");
    }
    // Everybody with the same chance of leaving: a and b run away together, and a figure still stands.
    let far = purchases::expected(&c, [0.7, 5.0, 2.4e5, 1.4e7], 40.0);
    assert!(far.is_finite() && far > 0.0);
}

#[test]
fn expected_purchases_hold_at_the_awkward_places() {
    let c = |x: f64| Customer { frequency: x, recency: if x > 0.0 { 20.0 } else { 0.0 }, age: 25.0, spend: None };
    for x in [0.0, 1.0, 3.0, 5_000.0] {
        // a = 1 and a + b + x = 1 are limits, not ends; long horizons and busy customers neither overflow nor fall.
        for (a, b) in [(1.0, 2.0), (0.4, 0.6), (0.3, 0.7), (0.9, 5.0), (3.0, 0.5)] {
            let near = |a: f64, b: f64| purchases::expected(&c(x), [0.5, 5.0, a, b], 40.0);
            let (here, beside) = (near(a, b), near(a + 1e-4, b + 1e-4));
            assert!(here.is_finite() && here >= 0.0 && (here - beside).abs() <= 2e-3 * (1.0 + here), "{x} {a} {b}: {here} {beside}");
            let mut before = 0.0;
            for time in [0.0, 1.0, 10.0, 100.0, 1_000.0] {
                let now = purchases::expected(&c(x), [0.5, 5.0, a, b], time);
                assert!(now >= before - 1e-9 && now.is_finite(), "{x} {a} {b} {time}: {now} after {before}");
                before = now;
            }
        }
    }
}

#[test]
fn simulated_customers_give_their_parameters_back() {
    let (list, later) = simulated(6_000, TRUE, MONEY, 30.0, 1);
    let fitted = purchases::fit(&list, &JobCtx::quiet()).unwrap();
    assert!(fitted.converged && !fitted.at_edge);
    let se = fitted.se_log.unwrap();
    for (k, (got, want)) in fitted.parameters().into_iter().zip(TRUE).enumerate() {
        assert!((got.ln() - want.ln()).abs() < 3.5 * se[k] && se[k] < 0.3, "{k}: {got} against {want}, {se:?}");
    }
    // What was expected of the time after comes.
    let expected: f64 = list.iter().map(|c| purchases::expected(c, fitted.parameters(), 30.0)).sum();
    let actual: f64 = later.iter().sum();
    assert!((expected / actual - 1.0).abs() < 0.06, "{expected} against {actual}");
    let money = spend::fit(&list, &JobCtx::quiet()).unwrap();
    let se = money.se_log.unwrap();
    for (k, (got, want)) in money.parameters().into_iter().zip(MONEY).enumerate() {
        assert!((got.ln() - want.ln()).abs() < 3.5 * se[k], "{k}: {got} against {want}, {se:?}");
    }
    assert!(money.converged, "{money:?}");
    assert!((money.mean_spend.unwrap() / (6.0 * 15.0 / 3.0) - 1.0).abs() < 0.05, "{money:?}");
    // Nobody is drawn beyond the own average or everybody's.
    for c in list.iter().filter(|c| c.frequency > 0.0).take(200) {
        let (own, all) = (c.spend.unwrap(), money.mean_spend.unwrap());
        let e = spend::expected(c, money.parameters()).unwrap();
        assert!(own.min(all) - 1e-9 <= e && e <= own.max(all) + 1e-9);
    }
}

#[test]
fn totals_bands_and_segments_add_up() {
    let (list, _) = simulated(1_500, TRUE, MONEY, 0.0, 2);
    let names = (0..list.len()).map(|i| i.to_string()).collect();
    let customers = Customers { names, list, amounts: true, ..Customers::default() };
    let v = value(&customers, &Fingerprint::default(), &Settings::default(), &JobCtx::quiet()).unwrap();
    let sum: f64 = v.each.iter().map(|e| e.2.purchases).sum();
    assert!((sum - v.purchases.value).abs() < 1e-6);
    assert!((v.segments.iter().map(|s| s.purchases).sum::<f64>() - sum).abs() < 1e-6);
    assert_eq!(v.segments.iter().map(|s| s.customers).sum::<usize>(), 1_500);
    let worth = v.value.unwrap();
    assert!(worth.low.unwrap() < worth.value && worth.value < worth.high.unwrap());
    // Without discount a purchase is worth its spend; with it, less.
    let flat = value(&customers, &Fingerprint::default(), &Settings { discount: 0.0, ..Settings::default() }, &JobCtx::quiet()).unwrap();
    let by_hand: f64 = flat.each.iter().map(|e| e.2.purchases * e.2.spend.unwrap()).sum();
    assert!((flat.value.unwrap().value / by_hand - 1.0).abs() < 1e-9 && worth.value < by_hand && worth.value > 0.9 * by_hand);
    // The same seed, the same bits.
    let again = value(&customers, &Fingerprint::default(), &Settings::default(), &JobCtx::quiet()).unwrap();
    assert_eq!(serde_json::to_string(&v).unwrap(), serde_json::to_string(&again).unwrap());
    for s in [Settings { horizon: 0.0, ..Settings::default() }, Settings { discount: f64::NAN, ..Settings::default() }] {
        assert_eq!(value(&customers, &Fingerprint::default(), &s, &JobCtx::quiet()).unwrap_err().0.code, "value.setting");
    }
}

fn log(rows: &[(&str, i64, f64)]) -> Table {
    let texts = rows.iter().map(|r| (!r.0.is_empty()).then(|| r.0.to_owned())).collect();
    Table::from_columns(vec![
        ("who".to_owned(), Values::Texts(texts)),
        ("when".to_owned(), Values::Integers(rows.iter().map(|r| (r.1 > 0).then_some(r.1)).collect())),
        ("paid".to_owned(), Values::Numbers(rows.iter().map(|r| Some(r.2)).collect())),
    ])
    .unwrap()
}

fn columns() -> Columns<'static> {
    let today = calendar::days(2025, 1, 1).unwrap();
    Columns { id: "who", date: "when", amount: Some("paid"), until: None, today, unit: Unit::Day, decimals: None }
}

const LOG: [(&str, i64, f64); 6] =
    [("a", 20240101, 10.0), ("a", 20240111, 6.0), ("a", 20240111, 2.0), ("a", 20240121, 5.0), ("b", 20240103, 1.0), ("c", 20240125, 1.0)];

#[test]
fn purchases_of_a_day_are_one_and_the_first_does_not_count() {
    let c = from_log(&log(&LOG), &columns()).unwrap();
    assert_eq!(c.list[0], Customer { frequency: 2.0, recency: 20.0, age: 24.0, spend: Some(6.5) });
    assert_eq!(c.list[1], Customer { frequency: 0.0, recency: 0.0, age: 22.0, spend: None });
    // What lies after the observed time is kept for the check, and who came later is left out and counted.
    let early = from_log(&log(&LOG), &Columns { until: calendar::days(2024, 1, 15), ..columns() }).unwrap();
    assert_eq!(early.list, [Customer { frequency: 1.0, recency: 10.0, age: 14.0, spend: Some(8.0) }, Customer { age: 12.0, ..c.list[1] }]);
    assert_eq!((early.warnings[0].code.as_str(), early.end - early.period.unwrap().1), ("value.later_customers", 10));
    // Dates as words read as the same days.
    let words: Vec<Option<String>> = LOG.iter().map(|r| Some(format!("2024-01-{:02}", r.1 % 100))).collect();
    let t = log(&LOG).with_texts("when", &words).unwrap();
    assert_eq!(from_log(&t, &columns()).unwrap(), c);
    assert_eq!([rounded(22.345, 2), rounded(1.004, 2), rounded(2.5, 0)], [22.35, 1.0, 3.0]);
}

#[test]
fn bad_customer_data_get_one_sentence() {
    let code = |r: Result<Customers>| match r {
        Ok(_) => "fine".to_owned(),
        Err(f) => {
            assert!(!f.to_string().contains('{'), "an open place in: {f}");
            f.0.code
        }
    };
    let with = |k: usize, row: (&'static str, i64, f64)| {
        let mut rows = LOG;
        rows[k] = row;
        code(from_log(&log(&rows), &columns()))
    };
    assert_eq!(with(4, ("b", 20240103, 1.0)), "fine");
    assert_eq!(with(4, ("b", 20990101, 1.0)), "value.date_future");
    assert_eq!(with(4, ("b", 20241301, 1.0)), "value.date_unreadable");
    assert_eq!(with(4, ("b", 0, 1.0)), "value.date_unreadable");
    assert_eq!(with(4, ("b", 20240103, -1.0)), "value.amount_negative");
    assert_eq!(with(4, ("b", 20240103, f64::NAN)), "value.amount_missing");
    assert_eq!(with(4, ("", 20240103, 1.0)), "value.id_missing");
    assert_eq!(code(from_log(&log(&LOG[3..]), &columns())), "value.nobody_returned");
    assert_eq!(code(from_log(&log(&[]), &columns())), "value.no_rows");
    assert_eq!(code(from_log(&log(&LOG), &Columns { until: Some(0), ..columns() })), "value.until_early");
    assert_eq!(code(from_log(&log(&LOG), &Columns { date: "whem", ..columns() })), "data.no_column");

    let summary = |x: f64, tx: f64, t: f64, m: f64| {
        let of = |a: f64, b: f64| Values::Numbers(vec![Some(a), Some(b)]);
        let t = Table::from_columns(vec![
            ("x".to_owned(), of(2.0, x)),
            ("tx".to_owned(), of(5.0, tx)),
            ("t".to_owned(), of(9.0, t)),
            ("m".to_owned(), of(4.0, m)),
        ]);
        code(from_summary(&t.unwrap(), &["x", "tx", "t", "m"].map(str::to_owned), None))
    };
    assert_eq!(summary(1.0, 3.0, 9.0, 2.0), "fine");
    assert_eq!(summary(0.5, 3.0, 9.0, 2.0), "value.summary_number");
    assert_eq!(summary(-1.0, 3.0, 9.0, 2.0), "value.summary_number");
    assert_eq!(summary(1.0, f64::NAN, 9.0, 2.0), "value.summary_number");
    assert_eq!(summary(1.0, 3.0, f64::INFINITY, 2.0), "value.summary_number");
    assert_eq!(summary(1.0, 10.0, 9.0, 2.0), "value.recency_after_age");
    assert_eq!(summary(0.0, 1.0, 9.0, 2.0), "value.recency_alone");
    assert_eq!(summary(1.0, 3.0, 9.0, -2.0), "value.amount_negative");
    assert_eq!(code(from_summary(&log(&LOG), &["paid".to_owned()], None)), "value.summary_columns");

    // Amounts that are all the same fit no spread: purchases are still valued, spend is left out and says why.
    let list: Vec<Customer> = simulated(300, TRUE, MONEY, 0.0, 3).0;
    let same = list.iter().map(|c| Customer { spend: c.spend.map(|_| 5.0), ..*c }).collect();
    let customers = Customers { names: vec![String::new(); 300], list: same, amounts: true, ..Customers::default() };
    let v = value(&customers, &Fingerprint::default(), &Settings::default(), &JobCtx::quiet()).unwrap();
    assert!(v.value.is_none() && v.warnings.iter().any(|w| w.code == "value.same_spend"));
}

#[test]
fn what_came_is_set_beside_what_was_expected() {
    // Customers of the models as a log of days, half of it observed.
    let (list, _) = simulated(800, [1.0, 8.0, 0.5, 3.0], MONEY, 0.0, 4);
    let start = calendar::days(2023, 1, 1).unwrap();
    let mut random = rng::rng(1, "days");
    let mut customers = Customers { period: Some((start, start + 280)), end: start + 350, ..Customers::default() };
    for c in list {
        customers.list.push(c);
        customers.first.push(start);
        let came = usize::from(rng::unit(&mut random) < 0.3);
        customers.days.push((0..came).map(|k| (start + 300 + k as i64, 1.0)).collect());
        customers.names.push(String::new());
    }
    let v = value(&customers, &Fingerprint::default(), &Settings::default(), &JobCtx::quiet()).unwrap();
    let check = v.check.unwrap();
    assert_eq!((check.time, check.groups.iter().map(|g| g.customers).sum::<usize>()), (10.0, 800));
    let expected: f64 = customers.list.iter().map(|c| purchases::expected(c, v.bg_nbd.parameters(), 10.0)).sum();
    assert!(
        (check.expected - expected).abs() < 1e-9 && (check.actual - customers.days.iter().map(Vec::len).sum::<usize>() as f64).abs() < 1e-9
    );
}
