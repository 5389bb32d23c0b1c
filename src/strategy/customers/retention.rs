//! Who comes back: by month of the first purchase (cohorts), pooled, and how long the second purchase takes (Kaplan–Meier).

use std::collections::BTreeMap;

use serde::Serialize;

use super::summary::Customers;
use crate::data::table::calendar;

/// Cohorts and months shown at most.
const MOST: usize = 36;
/// Points of the curve of second purchases.
const POINTS: usize = 60;

/// A share with its 95 % interval (Wilson).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Of so many customers.
    pub of: usize,
    /// The share.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// `hits` of `of`.
    pub fn new(hits: usize, of: usize) -> Self {
        let (n, z) = (of.max(1) as f64, 1.959_964);
        let p = hits as f64 / n;
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        Self { of, value: p, low: (middle - half).clamp(0.0, p), high: (middle + half).clamp(p, 1.0) }
    }
}

/// Customers who first bought in one month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cohort {
    /// The month, as 1997-01.
    pub month: String,
    /// Customers.
    pub customers: usize,
    /// Share who bought in the first, second, … month after it; months that are not over are left out.
    pub retained: Vec<Share>,
}

/// One step of a Kaplan–Meier curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Days since the first purchase.
    pub days: i64,
    /// Customers who had not returned and were still observed.
    pub at_risk: usize,
    /// Share who had come back by then.
    pub returned: f64,
    /// Lower end of its 95 % interval (Greenwood, log-log).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Retention.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Retention {
    /// By month of the first purchase.
    pub cohorts: Vec<Cohort>,
    /// All cohorts together.
    pub pooled: Vec<Share>,
    /// Time to the second purchase.
    pub second_purchase: Vec<Step>,
}

fn month(day: i64) -> i64 {
    let (y, m, _) = calendar::civil(day);
    y * 12 + i64::from(m) - 1
}

/// Retention of customers with dates.
pub fn retention(customers: &Customers) -> Retention {
    let Some((_, until)) = customers.period else { return Retention::default() };
    // A month counts once its last day is seen.
    let whole = if month(until + 1) == month(until) { month(until) - 1 } else { month(until) };
    let mut of: BTreeMap<i64, (usize, Vec<usize>)> = BTreeMap::new();
    for (first, days) in customers.first.iter().zip(&customers.days) {
        let start = month(*first);
        let months = usize::try_from(whole - start).unwrap_or(0).min(MOST);
        let cohort = of.entry(start).or_insert_with(|| (0, vec![0; months]));
        cohort.0 += 1;
        let mut seen = vec![false; months];
        for (day, _) in days.iter().filter(|(d, _)| *d <= until) {
            if let Some(k) = usize::try_from(month(*day) - start).ok().filter(|k| (1..=months).contains(k)) {
                seen[k - 1] = true;
            }
        }
        seen.iter().zip(&mut cohort.1).for_each(|(s, n)| *n += usize::from(*s));
    }
    let longest = of.values().map(|(_, m)| m.len()).max().unwrap_or(0);
    let pooled = (0..longest)
        .map(|k| {
            let with = of.values().filter(|(_, m)| m.len() > k);
            let (hits, all) = with.fold((0, 0), |(h, a), (n, m)| (h + m[k], a + n));
            Share::new(hits, all)
        })
        .collect();
    let skip = of.len().saturating_sub(MOST);
    let cohorts = of
        .into_iter()
        .skip(skip)
        .map(|(m, (n, hits))| Cohort {
            month: format!("{:04}-{:02}", m.div_euclid(12), m.rem_euclid(12) + 1),
            customers: n,
            retained: hits.into_iter().map(|h| Share::new(h, n)).collect(),
        })
        .collect();
    let waits = customers.first.iter().zip(&customers.days).map(|(first, days)| match days.get(1) {
        Some((second, _)) if *second <= until => (second - first, true),
        _ => (until - first, false),
    });
    Retention { cohorts, pooled, second_purchase: thinned(kaplan_meier(waits.collect())) }
}

/// The curve of those who came back; each wait says whether it ended in a purchase or with the end of the log.
pub fn kaplan_meier(mut waits: Vec<(i64, bool)>) -> Vec<Step> {
    waits.sort_unstable();
    let mut out = Vec::new();
    let (mut left, mut greenwood) = (1.0, 0.0);
    let mut from = 0;
    while from < waits.len() {
        let day = waits[from].0;
        let to = from + waits[from..].iter().take_while(|w| w.0 == day).count();
        let events = waits[from..to].iter().filter(|w| w.1).count();
        let at_risk = waits.len() - from;
        if events > 0 {
            let (d, n) = (events as f64, at_risk as f64);
            left *= 1.0 - d / n;
            greenwood += if d < n { d / (n * (n - d)) } else { 0.0 };
            let (low, high) = if left > 0.0 && left < 1.0 {
                // On the scale ln(−ln S), which keeps the interval inside 0 and 1.
                let half = 1.959_964 * greenwood.sqrt() / f64::ln(left).abs();
                (left.powf(half.exp()), left.powf((-half).exp()))
            } else {
                (left, left)
            };
            out.push(Step { days: day, at_risk, returned: 1.0 - left, low: 1.0 - high, high: 1.0 - low });
        }
        from = to;
    }
    out
}

/// At most so many points, the last among them.
fn thinned(steps: Vec<Step>) -> Vec<Step> {
    let every = steps.len().div_ceil(POINTS).max(1);
    let last = steps.len().saturating_sub(1);
    steps.into_iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last).map(|(_, s)| s).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_one_of_the_textbook() {
        // Freireich's 6-MP arm: remission times, + censored; S(6) = .857, S(10) = .753, S(23) = .448.
        let waits = [
            (6, true),
            (6, true),
            (6, true),
            (6, false),
            (7, true),
            (9, false),
            (10, true),
            (10, false),
            (11, false),
            (13, true),
            (16, true),
            (17, false),
            (19, false),
            (20, false),
            (22, true),
            (23, true),
            (25, false),
            (32, false),
            (32, false),
            (34, false),
            (35, false),
        ];
        let steps = kaplan_meier(waits.to_vec());
        let left = |day: i64| 1.0 - steps.iter().rfind(|s| s.days <= day).unwrap().returned;
        for (day, want) in [(6, 0.857), (7, 0.807), (10, 0.753), (13, 0.690), (16, 0.627), (22, 0.538), (23, 0.448)] {
            assert!((left(day) - want).abs() < 0.0006, "{day}: {}", left(day));
        }
        for s in &steps {
            assert!(0.0 <= s.low && s.low <= s.returned && s.returned <= s.high && s.high <= 1.0, "{s:?}");
        }
    }

    #[test]
    fn months_that_are_not_over_are_left_out() {
        let day = |y, m, d| calendar::days(y, m, d).unwrap();
        let customers = Customers {
            first: vec![day(2024, 1, 5), day(2024, 1, 31), day(2024, 2, 1)],
            days: vec![
                vec![(day(2024, 1, 5), 1.0), (day(2024, 2, 9), 1.0), (day(2024, 2, 19), 1.0)],
                vec![(day(2024, 1, 31), 1.0)],
                vec![(day(2024, 2, 1), 1.0), (day(2024, 3, 1), 1.0), (day(2024, 4, 2), 1.0)],
            ],
            period: Some((day(2024, 1, 5), day(2024, 4, 15))),
            ..Customers::default()
        };
        let r = retention(&customers);
        let of = |k: usize| r.cohorts[k].retained.iter().map(|s| s.value).collect::<Vec<_>>();
        assert_eq!((of(0), of(1)), (vec![0.5, 0.0], vec![1.0]));
        assert_eq!((r.cohorts[0].month.as_str(), r.pooled[0].of, r.pooled[0].value), ("2024-01", 3, 2.0 / 3.0));
        let s = Share::new(0, 10);
        assert!(s.low == 0.0 && (s.high - 0.2775).abs() < 1e-3);
    }
}
