//! RFM segments in plain words: how recently, how often and for how much people bought, each scored 1 to 5 by rank.
//!
//! The rules read recency and frequency; the amount says how much a segment is about. Customers alike get the same score.

use serde::Serialize;

use super::Expected;
use super::summary::Customer;

/// The segments, best first.
pub const SEGMENTS: [&str; 7] = ["best", "loyal", "promising", "new", "slipping", "must_not_lose", "asleep"];

/// Scores of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scores {
    /// 5 bought most recently.
    pub recency: u8,
    /// 5 bought most often.
    pub frequency: u8,
    /// 5 spent most per purchase; 0 where amounts are not known.
    pub amount: u8,
}

impl Scores {
    /// The segment that the scores put a customer in; `returned` says whether there was a second purchase.
    pub fn segment(self, returned: bool) -> &'static str {
        match (self.recency, self.frequency) {
            (4.., _) if !returned => "new",
            (4.., 4..) => "best",
            (3.., 4..) => "loyal",
            (3.., _) if returned => "promising",
            (..=2, 5) => "must_not_lose",
            _ if returned || self.recency == 3 => "slipping",
            _ => "asleep",
        }
    }
}

/// Score 1 to 5 of each value by its middle rank; more is better.
pub fn score(values: &[f64]) -> Vec<u8> {
    let n = values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
    let mut out = vec![0; n];
    let mut from = 0;
    while from < n {
        let mut to = from + 1;
        while to < n && values[order[to]] == values[order[from]] {
            to += 1;
        }
        let middle = (from + to) as f64 / 2.0 / n as f64;
        let score = ((middle * 5.0).ceil() as u8).clamp(1, 5);
        order[from..to].iter().for_each(|i| out[*i] = score);
        from = to;
    }
    out
}

/// Scores of all customers.
pub fn scores(customers: &[Customer], amounts: bool) -> Vec<Scores> {
    let silence: Vec<f64> = customers.iter().map(|c| -(c.age - c.recency)).collect();
    let often: Vec<f64> = customers.iter().map(|c| c.frequency).collect();
    let (recency, frequency) = (score(&silence), score(&often));
    let amount =
        if amounts { score(&customers.iter().map(|c| c.spend.unwrap_or(0.0)).collect::<Vec<_>>()) } else { vec![0; customers.len()] };
    (0..customers.len()).map(|i| Scores { recency: recency[i], frequency: frequency[i], amount: amount[i] }).collect()
}

/// Customers with the same scores of recency and frequency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GridCell {
    /// 5 bought most recently.
    pub recency: u8,
    /// 5 bought most often.
    pub frequency: u8,
    /// Customers.
    pub customers: usize,
    /// Purchases within the horizon, all together.
    pub purchases: f64,
    /// Value within the horizon, all together.
    pub value: Option<f64>,
}

/// The cells that somebody is in, by recency and frequency.
pub fn grid(each: &[(Scores, &'static str, Expected)]) -> Vec<GridCell> {
    let cell = |recency: u8, frequency: u8| {
        let here = || each.iter().filter(move |e| (e.0.recency, e.0.frequency) == (recency, frequency)).map(|e| e.2);
        let customers = here().count();
        (customers > 0).then(|| GridCell {
            recency,
            frequency,
            customers,
            purchases: here().map(|e| e.purchases).sum(),
            value: here().try_fold(0.0, |sum, e| e.value.map(|v| sum + v)),
        })
    };
    (1..=5).flat_map(|r| (1..=5).map(move |f| (r, f))).filter_map(|(r, f)| cell(r, f)).collect()
}

/// A tenth of the customers, ranked by value, or by purchases where value is not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tenth {
    /// Customers.
    pub customers: usize,
    /// The least that one of them is worth.
    pub low: f64,
    /// The most.
    pub high: f64,
    /// All of them together.
    pub total: f64,
    /// Share of all customers' total.
    pub share: f64,
}

/// Tenths of customers, best first; fewer where there are fewer than ten.
pub fn tenths(each: &[(Scores, &'static str, Expected)]) -> Vec<Tenth> {
    let known = each.iter().all(|e| e.2.value.is_some());
    let mut worth: Vec<f64> = each.iter().map(|e| if known { e.2.value.unwrap_or(0.0) } else { e.2.purchases }).collect();
    worth.sort_unstable_by(|a, b| b.total_cmp(a));
    let all: f64 = worth.iter().sum();
    let parts = worth.len().min(10);
    (0..parts)
        .map(|k| {
            let part = &worth[k * worth.len() / parts..(k + 1) * worth.len() / parts];
            let total: f64 = part.iter().sum();
            let share = if all > 0.0 { total / all } else { 0.0 };
            Tenth { customers: part.len(), low: part[part.len() - 1], high: part[0], total, share }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_and_the_tenths_hold_everybody_once() {
        let of = |recency, frequency, v: f64| {
            let expected = Expected { alive: None, purchases: v, spend: Some(2.0), value: Some(2.0 * v) };
            (Scores { recency, frequency, amount: 1 }, "best", expected)
        };
        let each: Vec<_> = (0..23).map(|i| of(1 + (i % 5) as u8, 1 + (i % 3) as u8, f64::from(i))).collect();
        let cells = grid(&each);
        assert_eq!((cells.len(), cells.iter().map(|c| c.customers).sum::<usize>()), (15, 23));
        let total: f64 = cells.iter().filter_map(|c| c.value).sum();
        assert_eq!(total, 2.0 * 253.0);
        let parts = tenths(&each);
        assert_eq!((parts.len(), parts.iter().map(|t| t.customers).sum::<usize>()), (10, 23));
        assert!((parts.iter().map(|t| t.share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(parts.windows(2).all(|w| w[0].low >= w[1].high), "{parts:?}");
        assert_eq!((parts[0].high, parts[9].low), (44.0, 0.0));
        assert!(tenths(&[]).is_empty() && tenths(&each[..3]).len() == 3);
    }

    #[test]
    fn scores_are_fifths_and_equals_share_them() {
        assert_eq!(score(&[1.0, 2.0, 3.0, 4.0, 5.0]), [1, 2, 3, 4, 5]);
        assert_eq!(score(&[7.0; 4]), [3; 4]);
        assert_eq!(score(&[0.0, 0.0, 0.0, 9.0]), [2, 2, 2, 5]);
        assert!(score(&[]).is_empty());
        let s = |recency, frequency| Scores { recency, frequency, amount: 0 };
        assert_eq!(s(5, 5).segment(true), "best");
        assert_eq!(s(5, 1).segment(false), "new");
        assert_eq!(s(1, 5).segment(true), "must_not_lose");
        assert_eq!(s(1, 1).segment(false), "asleep");
        // Every pair of scores lands in a segment that is named.
        for (r, f) in (1..=5).flat_map(|r| (1..=5).map(move |f| (r, f))) {
            for returned in [false, true] {
                assert!(SEGMENTS.contains(&s(r, f).segment(returned)));
            }
        }
    }
}
