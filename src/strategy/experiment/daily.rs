//! How the answer grew day by day: after each day, the relative difference of everything seen until then, with the interval
//! that holds at all days together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::effect::{self, Way};
use super::moments::Moments;
use crate::base::{JobCtx, Result};
use crate::data::table::calendar;

/// People of an arm from whom on a day is shown; the interval is for many.
const FEWEST: f64 = 30.0;
/// Days shown; of more, even ones and the last.
const MOST: usize = 240;

/// What was known after a day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// Days since 1970-01-01.
    pub number: i64,
    /// People of both arms until then.
    pub people: u64,
    /// Relative difference until then.
    pub effect: f64,
    /// Lower end of the interval that holds at any time.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The path of one metric of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Column.
    pub metric: String,
    /// The variant.
    pub variant: String,
    /// First day, as written.
    pub from: String,
    /// Last day.
    pub until: String,
    /// Day by day.
    pub days: Vec<Day>,
}

/// A row as the path reads it: day, person, and what it adds.
pub(super) type Entry = (i64, usize, f64);

/// What one metric is read with.
pub(super) struct Metric<'a> {
    /// Column.
    pub name: &'a str,
    /// Whether a person's value is whether any row says yes; else their sum.
    pub yes_no: bool,
    /// Whether it is a rate, whose variance is p(1 − p).
    pub rate: bool,
}

/// Sums of an arm around a common value.
#[derive(Clone, Copy, Default)]
struct Sums {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, v: f64, sign: f64) {
        self.n += sign;
        self.sum += sign * v;
        self.squares += sign * v * v;
    }

    fn moments(&self, centre: f64, rate: bool) -> Moments {
        let off = self.sum / self.n.max(1.0);
        let mean = centre + off;
        let variance = if rate { mean * (1.0 - mean) } else { ((self.squares - self.sum * off) / (self.n - 1.0).max(1.0)).max(0.0) };
        Moments { n: self.n, mean, variance }
    }
}

/// The paths of a metric, one per variant. `entries` are its known rows in any order, `arm` the arm of each person.
pub(super) fn paths(
    metric: &Metric<'_>,
    mut entries: Vec<Entry>,
    arm: &[usize],
    arms: &[String],
    tuning: f64,
    alpha: f64,
    ctx: &JobCtx,
) -> Result<Vec<Path>> {
    ctx.check()?;
    entries.sort_unstable_by_key(|e| e.0);
    // Sums around the middle, so that a large mean costs no digits.
    let centre = entries.iter().map(|e| e.2).sum::<f64>() / entries.len().max(1) as f64;
    let mut value: Vec<f64> = vec![f64::NAN; arm.len()];
    let mut sums = vec![Sums::default(); arms.len()];
    let mut after: BTreeMap<i64, Vec<Sums>> = BTreeMap::new();
    for part in entries.chunk_by(|a, b| a.0 == b.0) {
        for (_, person, v) in part {
            let old = value[*person];
            let new = match (old.is_nan(), metric.yes_no) {
                (true, _) => *v,
                (_, true) => old.max(*v),
                _ => old + v,
            };
            let own = &mut sums[arm[*person]];
            if !old.is_nan() {
                own.add(old - centre, -1.0);
            }
            own.add(new - centre, 1.0);
            value[*person] = new;
        }
        after.insert(part[0].0, sums.clone());
    }
    let days: Vec<(&i64, &Vec<Sums>)> = after.iter().collect();
    let step = days.len().div_ceil(MOST).max(1);
    let shown: Vec<usize> = (0..days.len()).filter(|i| (days.len() - 1 - i).is_multiple_of(step)).collect();
    let path = |k: usize| {
        let day = |i: &usize| {
            let (number, sums) = days[*i];
            let (control, variant) = (sums[0].moments(centre, metric.rate), sums[k].moments(centre, metric.rate));
            if control.n.min(variant.n) < FEWEST {
                return None;
            }
            let e = effect::judge(&control, &variant, effect::relative(&control, &variant)?, Way::Sequential { tuning }, alpha)?;
            Some(Day { number: *number, people: (control.n + variant.n) as u64, effect: e.effect, low: e.ci.0, high: e.ci.1 })
        };
        let days: Vec<Day> = shown.iter().filter_map(day).collect();
        let written = |d: Option<&Day>| d.map_or_else(String::new, |d| calendar::show_date(d.number));
        Path { metric: metric.name.to_owned(), variant: arms[k].clone(), from: written(days.first()), until: written(days.last()), days }
    };
    Ok((1..arms.len()).map(path).filter(|p| p.days.len() > 1).collect())
}
