//! When people come back, from a log that says who came and when: the chance of a visit on each day after the last one.
//!
//! A discrete-time hazard: log-odds of coming back on day *d* = a level for the stretch of days that *d* lies in, plus what
//! a reward adds, plus what each rewarded thing adds to that (drawn towards nothing), plus how often the person was there
//! before. Days after which the log ends count as days without a visit so far, not as people who stayed away. Rows of one
//! person on one day are one visit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::world::wilson;
use crate::base::rng::{self, Rng};
use crate::base::{JobCtx, Notice, Result};
use crate::data::{ColumnType, Table};
use crate::ml::logistic::cholesky_solve;
use crate::ml::model::sigmoid;
use crate::strategy::customers::summary;
use crate::{fault, note};

/// First days of the stretches in which the chance is level.
const STARTS: [u32; 18] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 22, 31, 46, 61, 91, 121, 181, 366];
/// Visits of a person beyond which one more tells nothing new.
const MOST_VISITS: u32 = 50;
/// Returns, and visits without one, that a log must hold.
const FEWEST: usize = 50;
/// Days within which people are asked to be back.
pub const WINDOWS: [u32; 2] = [7, 30];
/// Things shown to a person on one visit at most.
const MOST_SHOWN: usize = 10;

/// A day on which a person was there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// Whose.
    pub user: usize,
    /// Which of theirs, from 1.
    pub number: u32,
    /// What was rewarded, if anything was.
    pub rewarded: Option<usize>,
    /// Days until the next visit.
    pub back: Option<u32>,
    /// Days that the log goes on.
    pub after: u32,
}

impl Visit {
    /// Days on which a return could have been seen.
    fn watched(&self) -> u32 {
        self.back.unwrap_or(self.after)
    }
}

/// One model of when people come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hazard {
    /// Log-odds of each stretch of days.
    pub level: Vec<f64>,
    /// What a reward adds.
    pub rewarded: f64,
    /// What it adds, or takes, that the visit is the first in the log.
    pub first: f64,
    /// What the logarithm of the visit's number adds.
    pub number: f64,
    /// What each thing adds if it was what was rewarded.
    pub of: Vec<f64>,
}

impl Hazard {
    fn shift(&self, rewarded: Option<usize>, number: u32) -> f64 {
        let reward = rewarded.map_or(0.0, |a| self.rewarded + self.of.get(a).copied().unwrap_or(0.0));
        let number = number.clamp(1, MOST_VISITS);
        reward + self.number * f64::from(number).ln() + if number == 1 { self.first } else { 0.0 }
    }

    /// The chance of being back within so many days.
    pub fn within(&self, days: u32, rewarded: Option<usize>, number: u32) -> f64 {
        let shift = self.shift(rewarded, number);
        let mut away = 1.0;
        for (k, level) in self.level.iter().enumerate() {
            away *= (1.0 - sigmoid(level + shift)).powi(inside(k, days) as i32);
        }
        1.0 - away
    }

    /// The day of the next visit for a number drawn from 0 to 1; none if it lies beyond `most` days.
    pub fn draw(&self, luck: f64, rewarded: Option<usize>, number: u32, most: u32) -> Option<u32> {
        let shift = self.shift(rewarded, number);
        // Away for longer than d days while the product of the chances of staying away exceeds the drawn number.
        let mut left = (1.0 - luck).max(1e-300).ln();
        for (k, level) in self.level.iter().enumerate() {
            let days = inside(k, most);
            let each = (-sigmoid(level + shift)).ln_1p().min(-1e-12);
            let needed = (left / each).floor();
            if needed < f64::from(days) {
                return Some(STARTS[k] + needed as u32);
            }
            left -= each * f64::from(days);
        }
        None
    }
}

/// Days of a stretch up to a day.
fn inside(k: usize, to: u32) -> u32 {
    let end = STARTS.get(k + 1).map_or(u32::MAX, |s| s - 1);
    (end.min(to) + 1).saturating_sub(STARTS[k])
}

/// A share of people back within some days: as logged for people that no model was fitted on, and as each model expects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Back {
    /// Within how many days.
    pub days: u32,
    /// Whether it is of first visits only, or of all.
    pub first: bool,
    /// Visits with that many days after them in the log.
    pub visits: usize,
    /// Share of them followed by another.
    pub logged: f64,
    /// Its interval: 95 % for all shares together.
    pub interval: (f64, f64),
    /// The same share as each model expects it.
    pub expected: Vec<f64>,
}

impl Back {
    /// Whether every model is inside the interval.
    pub fn holds(&self) -> bool {
        self.expected.iter().all(|e| (self.interval.0..=self.interval.1).contains(e))
    }
}

/// Whether, and how, people come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    /// People in the log.
    pub people: usize,
    /// Visits in it.
    pub visits: usize,
    /// Days that it spans.
    pub span: u32,
    /// Things shown to a person on one visit, in the simulation as on average in the log.
    pub shown: usize,
    /// Odds of coming back on a day after a reward against the odds without one, in each model.
    pub odds: Vec<f64>,
    /// What the log says and what the models expect.
    pub check: Vec<Back>,
    /// Why nothing may be said of returns, where the models do not give the log back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Notice>,
    /// The models; not part of a result.
    #[serde(skip)]
    pub models: Vec<Hazard>,
}

/// The visits of a log. `rewarded` says what was rewarded in each row, if anything.
pub fn visits(table: &Table, user: &str, time: &str, rewarded: &[Option<usize>]) -> Result<(Vec<Visit>, u32)> {
    let (who, people) = table.codes(table.column(user)?);
    let days = days_of(table, time)?;
    let mut seen: Vec<BTreeMap<i64, Option<usize>>> = vec![BTreeMap::new(); people.len()];
    let (mut start, mut end) = (i64::MAX, i64::MIN);
    for (row, day) in days.iter().enumerate() {
        let (Ok(user), true) = (usize::try_from(who[row]), day.is_finite()) else { continue };
        let day = *day as i64;
        let what = seen[user].entry(day).or_default();
        *what = what.or(rewarded[row]);
        (start, end) = (start.min(day), end.max(day));
    }
    let mut out = Vec::new();
    for (user, days) in seen.iter().enumerate() {
        let mut next = days.keys().skip(1);
        for (k, (day, what)) in days.iter().enumerate() {
            let back = next.next().map(|n| (n - day) as u32);
            out.push(Visit { user, number: k as u32 + 1, rewarded: *what, back, after: (end - day) as u32 });
        }
    }
    Ok((out, u32::try_from(end.saturating_sub(start)).unwrap_or(0)))
}

/// Days of a column: as written, or as seconds since 1970, or as a count of days.
fn days_of(table: &Table, time: &str) -> Result<Vec<f64>> {
    let column = table.column(time)?;
    let days = summary::days(table, column);
    if days.iter().any(|d| d.is_finite()) {
        return Ok(days);
    }
    let numbers = table.numbers(column);
    let all = |low: f64, high: f64| numbers.iter().filter(|v| v.is_finite()).all(|v| (low..=high).contains(v));
    let numeric = matches!(table.column_type(column), ColumnType::Integer | ColumnType::Number);
    if numeric && numbers.iter().any(|v| v.is_finite()) {
        if all(1e8, 4.3e9) {
            return Ok(numbers.into_iter().map(|v| (v / 86_400.0).floor()).collect());
        }
        if all(0.0, 40_000.0) {
            return Ok(numbers.into_iter().map(f64::floor).collect());
        }
    }
    Err(fault!("bandit.no_days", column = time))
}

/// Fits one model for each of `members`, on people drawn anew, and checks all against people that none was fitted on.
pub fn fit(all: &[Visit], span: u32, rows: usize, actions: usize, members: usize, seed: u64, ctx: &JobCtx) -> Result<Returns> {
    let people = all.iter().map(|v| v.user + 1).max().unwrap_or(0);
    let mut order: Vec<usize> = (0..people).collect();
    rng::shuffle(&mut rng::rng(seed, "return-halves"), &mut order);
    let mut held = vec![false; people];
    order.iter().take(people / 4).for_each(|u| held[*u] = true);
    let shown = ((rows as f64 / all.len().max(1) as f64).round() as usize).clamp(1, MOST_SHOWN);
    let (odds, check, models) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = Returns { people, visits: all.len(), span, shown, odds, check, refused: None, models };
    let back = |wanted: bool| all.iter().filter(|v| held[v.user] == wanted && v.back.is_some()).count();
    let away = |wanted: bool| all.iter().filter(|v| held[v.user] == wanted && v.back.is_none() && v.after > 0).count();
    let windows: Vec<u32> = WINDOWS.into_iter().filter(|w| 2 * w <= span + 1).collect();
    if windows.is_empty() {
        out.refused = Some(note!("bandit.returns_short", days = span + 1, needed = 2 * WINDOWS[0]));
        return Ok(out);
    }
    if back(false) < FEWEST || away(false) < FEWEST || back(true) < FEWEST / 5 {
        out.refused = Some(note!("bandit.returns_few", people = people, visits = all.len(), needed = FEWEST));
        return Ok(out);
    }
    let fitted: Vec<usize> = (0..people).filter(|u| !held[*u]).collect();
    for member in 0..members {
        ctx.check()?;
        let mut random = rng::rng(seed + member as u64, "return-ensemble");
        let mut weight = vec![0.0; people];
        (0..fitted.len()).for_each(|_| weight[fitted[rng::below(&mut random, fitted.len())]] += 1.0);
        let hazard = hazard(all, &weight, actions);
        out.odds.push(hazard.rewarded.exp());
        out.models.push(hazard);
    }
    let out_of: Vec<&Visit> = all.iter().filter(|v| held[v.user]).collect();
    let alpha = 0.05 / (2 * windows.len()) as f64;
    for days in windows {
        for first in [true, false] {
            let asked: Vec<&Visit> = out_of.iter().copied().filter(|v| v.after >= days && (!first || v.number == 1)).collect();
            out.check.push(back_within(&asked, days, first, &out.models, alpha));
        }
    }
    out.refused = out.check.iter().find(|b| !b.holds()).map(|b| {
        let show = crate::base::numbers::percent;
        let outside = b.expected.iter().copied().find(|e| !(b.interval.0..=b.interval.1).contains(e)).unwrap_or(f64::NAN);
        let (low, high) = (show(b.interval.0), show(b.interval.1));
        note!("bandit.returns_refused", days = b.days, expected = show(outside), low = low, high = high)
    });
    Ok(out)
}

/// The share of visits followed by another within some days, logged and expected. Visits of one person go together, so that
/// the interval counts people, not visits.
fn back_within(asked: &[&Visit], days: u32, first: bool, models: &[Hazard], alpha: f64) -> Back {
    let mut of: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for v in asked {
        let sums = of.entry(v.user).or_default();
        sums.0 += f64::from(u8::from(v.back.is_some_and(|b| b <= days)));
        sums.1 += 1.0;
    }
    let n = asked.len() as f64;
    let yes: f64 = of.values().map(|s| s.0).sum();
    let logged = yes / n.max(1.0);
    // How much less than as many independent visits they tell.
    let spread: f64 = of.values().map(|(y, n)| (y - logged * n).powi(2)).sum();
    let alone = n * logged * (1.0 - logged);
    let effect = if alone > 0.0 { (spread / alone).max(1.0) } else { 1.0 };
    let interval = if asked.is_empty() { (0.0, 1.0) } else { wilson(yes / effect, n / effect, alpha) };
    let mean = |m: &Hazard| asked.iter().map(|v| m.within(days, v.rewarded, v.number)).sum::<f64>() / n.max(1.0);
    Back { days, first, visits: asked.len(), logged, interval, expected: models.iter().map(mean).collect() }
}

/// Newton's way to the most likely hazard, rows of equal covariates together. The levels and what things add are drawn
/// towards their common mean, as if one row in a few said so, so that an empty stretch of days means nothing.
pub fn hazard(all: &[Visit], weight: &[f64], actions: usize) -> Hazard {
    let stretches = STARTS.len();
    // (stretch, what was rewarded, number of the visit) → (days watched, returns)
    let mut cells: BTreeMap<(usize, Option<usize>, u32), (f64, f64)> = BTreeMap::new();
    for v in all.iter().filter(|v| weight[v.user] > 0.0) {
        let (watched, w) = (v.watched(), weight[v.user]);
        for k in 0..stretches {
            let days = inside(k, watched);
            if days == 0 {
                break;
            }
            let cell = cells.entry((k, v.rewarded, v.number.min(MOST_VISITS))).or_default();
            cell.0 += w * f64::from(days);
            let here = v.back.is_some() && STARTS.get(k + 1).is_none_or(|next| *next > watched);
            cell.1 += if here { w } else { 0.0 };
        }
    }
    // Common level, levels, rewarded, first, number, things.
    let at = |k: usize| 1 + k;
    let (rewarded, first, number) = (at(stretches), at(stretches) + 1, at(stretches) + 2);
    let p = number + 1 + actions;
    let mut ridge = vec![1e-6; p];
    (0..stretches).for_each(|k| ridge[at(k)] = 0.5);
    ridge[number + 1..].iter_mut().for_each(|r| *r = 4.0);
    ridge[first] = 1e-3;
    let mut beta = vec![0.0; p];
    let (days, returns) = cells.values().fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1));
    beta[0] = ((returns + 0.5) / (days - returns + 0.5)).ln();
    for _ in 0..50 {
        let mut h = vec![0.0; p * p];
        let mut gradient: Vec<f64> = beta.iter().zip(&ridge).map(|(b, r)| -b * r).collect();
        gradient[0] = 0.0;
        (0..p).for_each(|j| h[j * p + j] = ridge[j]);
        for ((k, what, n), (days, returns)) in &cells {
            let mut x: Vec<(usize, f64)> = vec![(0, 1.0), (at(*k), 1.0)];
            if let Some(a) = what {
                x.push((rewarded, 1.0));
                x.push((number + 1 + a, 1.0));
            }
            x.push((number, f64::from(*n).ln()));
            if *n == 1 {
                x.push((first, 1.0));
            }
            let m = sigmoid(x.iter().map(|(j, v)| beta[*j] * v).sum());
            let (slope, bend) = (returns - days * m, days * m * (1.0 - m));
            for (j, v) in &x {
                gradient[*j] += slope * v;
                for (i, u) in x.iter().filter(|(i, _)| i <= j) {
                    h[j * p + i] += bend * u * v;
                }
            }
        }
        let step = cholesky_solve(&mut h, &gradient);
        // A step is never longer than a few log-odds, so that a stretch without returns does not throw the others off.
        let longest = step.iter().fold(0.0f64, |m, s| m.max(s.abs()));
        let scale = if longest > 2.0 { 2.0 / longest } else { 1.0 };
        beta.iter_mut().zip(&step).for_each(|(b, s)| *b += scale * s);
        if longest < 1e-9 {
            break;
        }
    }
    Hazard {
        level: (0..stretches).map(|k| beta[0] + beta[at(k)]).collect(),
        rewarded: beta[rewarded],
        first: beta[first],
        number: beta[number],
        of: beta[number + 1..].to_vec(),
    }
}

/// A person's draws in a simulation: the same for every policy, so that policies meet the same people.
pub fn luck(seed: u64, person: usize, visit: u32) -> f64 {
    let mut r: Rng = rng::rng(seed ^ (person as u64) << 20 ^ u64::from(visit) << 44, "return-luck");
    rng::unit(&mut r)
}
