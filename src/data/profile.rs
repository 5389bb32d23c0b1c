//! What is in a column: missing, distinct, range, histogram, top values, target rate.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::roles::{Role, Roles};
use super::table::keys::{self, Hashed, Key};
use super::table::{Cells, ColumnType, Table};
use crate::base::{JobCtx, Notice, Result, numbers};
use crate::{fault, note};

/// Most bins of a histogram.
const BINS: usize = 40;
/// Most frequent values shown.
const TOP: usize = 12;

/// A whole table's profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Rows.
    pub rows: usize,
    /// Rows that repeat an earlier row in every column.
    pub duplicate_rows: usize,
    /// One per column, in file order.
    pub columns: Vec<ColumnProfile>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// One column's profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Role.
    pub role: Role,
    /// Whether its numbers are codes.
    pub categorical: bool,
    /// Missing cells (empty, null, NaN).
    pub missing: usize,
    /// Distinct present values.
    pub distinct: usize,
    /// Smallest value (numbers; dates as days or seconds since 1970).
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Mean (numbers; share of true for booleans).
    pub mean: Option<f64>,
    /// Population standard deviation.
    pub sd: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Equal-width bins from min to max (numbers and times), at most 40; with the target rate per bin if there is a yes/no target.
    pub histogram: Vec<Bin>,
    /// Most frequent values, at most 12.
    pub top: Vec<TopValue>,
    /// Infinite cells.
    pub infinite: usize,
    /// Warnings of this column.
    pub warnings: Vec<Notice>,
}

impl ColumnProfile {
    /// A number of this column as people write it: times count from 1970 and are shown as days.
    pub fn shown(&self, v: f64) -> String {
        let day = match self.kind {
            ColumnType::Date => v,
            ColumnType::Datetime => (v / 86_400.0).floor(),
            _ => return numbers::plain(v),
        };
        let (y, m, d) = crate::base::clock::date_of_days(day as i64);
        format!("{y:04}-{m:02}-{d:02}")
    }
}

/// One histogram bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Rows.
    pub count: usize,
    /// Share of positives among them.
    pub target_rate: Option<f64>,
}

/// One frequent value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopValue {
    /// As written.
    pub value: String,
    /// Rows.
    pub count: usize,
    /// Share of positives among them.
    pub target_rate: Option<f64>,
}

/// Whether each row counts as yes; `None` where the target is missing.
type Yes = Vec<Option<bool>>;

/// Describes every column. `positive` is the target column and the value that counts as yes, for target rates.
pub fn profile(table: &Table, roles: &Roles, positive: Option<(&str, &str)>, ctx: &JobCtx) -> Result<Profile> {
    let n = table.n_columns();
    ctx.stage("data.stage_profile", n as u64);
    let yes = match positive {
        Some((column, value)) => Some(yes(table, column, value)?),
        None => None,
    };
    let done = AtomicU64::new(0);
    let describe = || {
        (0..n)
            .into_par_iter()
            .map(|c| {
                ctx.check()?;
                let described = describe(table, roles, c, yes.as_ref());
                ctx.at(done.fetch_add(1, Ordering::Relaxed) + 1);
                Ok(described)
            })
            .collect::<Result<Vec<_>>>()
    };
    let all: Vec<usize> = (0..n).collect();
    let repeats = || if n == 0 { 0 } else { keys::repeats(table.row_keys(&all)) };
    let (columns, duplicate_rows) = rayon::join(describe, repeats);
    let columns = columns?;
    ctx.check()?;
    let rows = table.n_rows();
    let mut warnings = Vec::new();
    if rows == 0 {
        warnings.push(note!("data.profile_no_rows"));
    }
    if rows == 1 {
        warnings.push(note!("data.profile_one_row"));
    }
    if duplicate_rows > 0 {
        warnings.push(note!("data.profile_duplicates", count = duplicate_rows, share = share(duplicate_rows, rows)));
    }
    if let (Some((column, value)), Some(yes)) = (positive, &yes) {
        let known = yes.iter().flatten().count();
        let hits = yes.iter().flatten().filter(|y| **y).count();
        if known > 0 && (hits == 0 || hits == known) {
            warnings.push(note!("data.profile_one_class", column = column, value = value, count = hits, rows = known));
        }
    }
    Ok(Profile { rows, duplicate_rows, columns, warnings })
}

fn share(part: usize, of: usize) -> String {
    crate::base::numbers::percent(part as f64 / of.max(1) as f64)
}

/// Which rows have the positive value; `1`, `1.0` and `true`, `TRUE` are the same.
fn yes(table: &Table, column: &str, value: &str) -> Result<Yes> {
    let (codes, levels) = table.codes(table.column(column)?);
    let number = value.trim().parse::<f64>().ok();
    let same =
        |level: &String| level == value || (number.is_some() && level.parse::<f64>().ok() == number) || level.eq_ignore_ascii_case(value);
    let positive = levels.iter().position(|l| l == value).or_else(|| levels.iter().position(same));
    match positive {
        Some(p) => Ok(codes.into_iter().map(|c| (c >= 0).then_some(c == p as i32)).collect()),
        // A table without any target value (no rows, all missing) is described all the same.
        None if levels.is_empty() => Ok(vec![None; codes.len()]),
        None => {
            let some: Vec<&str> = levels.iter().take(5).map(String::as_str).collect();
            Err(fault!("data.no_such_value", column = column, value = value, values = some.join(", ")))
        }
    }
}

/// How often one value stands, and with what outcome.
#[derive(Clone, Copy)]
struct Tally {
    first: usize,
    count: usize,
    known: usize,
    hits: usize,
}

impl Tally {
    fn rate(&self) -> Option<f64> {
        (self.known > 0).then(|| self.hits as f64 / self.known as f64)
    }
}

fn tally<T: Eq + Hash>(cells: impl Iterator<Item = Option<T>>, yes: Option<&Yes>) -> Vec<Tally> {
    let mut place: HashMap<T, usize, Hashed> = HashMap::default();
    let mut all: Vec<Tally> = Vec::new();
    for (row, cell) in cells.enumerate() {
        let Some(cell) = cell else { continue };
        let i = *place.entry(cell).or_insert(all.len());
        if i == all.len() {
            all.push(Tally { first: row, count: 0, known: 0, hits: 0 });
        }
        let t = &mut all[i];
        t.count += 1;
        if let Some(y) = yes.and_then(|y| y[row]) {
            t.known += 1;
            t.hits += usize::from(y);
        }
    }
    all
}

fn describe(table: &Table, roles: &Roles, c: usize, yes: Option<&Yes>) -> ColumnProfile {
    let name = table.name(c).to_owned();
    let kind = table.column_type(c);
    let rows = table.n_rows();
    let mut tallies = match table.data(c) {
        Cells::Integer(a) | Cells::Moment(a) => tally(a.iter(), yes),
        Cells::Number(a) => tally(a.iter().map(|x| x.filter(|x| !x.is_nan()).map(|x| if x == 0.0 { 0 } else { x.to_bits() })), yes),
        Cells::Boolean(a) => tally(a.iter().map(|x| x.map(i64::from)), yes),
        Cells::Date(a) => tally(a.iter().map(|x| x.map(i64::from)), yes),
        Cells::Text(a) => tally(
            a.iter().map(|x| {
                x.map(|s| {
                    let mut key = Key::START;
                    key.text(s);
                    key.finish()
                })
            }),
            yes,
        ),
        Cells::Other(_) => Vec::new(),
    };
    let present: usize = tallies.iter().map(|t| t.count).sum();
    let distinct = tallies.len();
    let order = |t: &Tally| (std::cmp::Reverse(t.count), t.first);
    if tallies.len() > TOP {
        tallies.select_nth_unstable_by_key(TOP - 1, order);
        tallies.truncate(TOP);
    }
    tallies.sort_unstable_by_key(order);
    let top = tallies
        .iter()
        .map(|t| TopValue { value: table.cell(t.first, c).unwrap_or_default(), count: t.count, target_rate: t.rate() })
        .collect();
    let mut out = ColumnProfile {
        role: roles.of.get(&name).copied().unwrap_or(Role::Feature),
        categorical: roles.categorical.contains(&name),
        name,
        kind,
        missing: rows - present,
        distinct,
        min: None,
        max: None,
        mean: None,
        sd: None,
        median: None,
        histogram: Vec::new(),
        top,
        infinite: 0,
        warnings: Vec::new(),
    };
    if kind != ColumnType::Text {
        measure(&mut out, &table.numbers(c), yes);
    }
    warn(&mut out, rows);
    out
}

/// Summaries of the finite numbers.
fn measure(out: &mut ColumnProfile, numbers: &[f64], yes: Option<&Yes>) {
    out.infinite = numbers.iter().filter(|x| x.is_infinite()).count();
    let mut finite: Vec<f64> = numbers.iter().copied().filter(|x| x.is_finite()).collect();
    let n = finite.len();
    if n == 0 {
        return;
    }
    let (mut low, mut high, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    for x in &finite {
        low = low.min(*x);
        high = high.max(*x);
        sum += x / n as f64;
    }
    // From the mean outwards, so that a large offset costs no digits.
    let mean = sum + finite.iter().map(|x| x - sum).sum::<f64>() / n as f64;
    let sd = (finite.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64).sqrt();
    (out.min, out.max, out.mean, out.sd) = (Some(low), Some(high), Some(mean), Some(sd));
    let (below, middle, _) = finite.select_nth_unstable_by(n / 2, f64::total_cmp);
    let middle = *middle;
    out.median = Some(if n % 2 == 1 {
        middle
    } else {
        let before = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        before / 2.0 + middle / 2.0
    });
    if out.kind != ColumnType::Boolean {
        out.histogram = histogram(numbers, low, high, out.kind, out.distinct, yes);
    }
}

fn histogram(numbers: &[f64], low: f64, high: f64, kind: ColumnType, distinct: usize, yes: Option<&Yes>) -> Vec<Bin> {
    let range = high - low;
    let bins = if range <= 0.0 || !range.is_finite() {
        1
    } else if kind == ColumnType::Integer || kind == ColumnType::Date {
        // As many bins as whole numbers, so that each has its own where there are few.
        (range + 1.0).min(BINS as f64) as usize
    } else {
        BINS.min(distinct.max(1))
    };
    let mut counts = vec![(0usize, 0usize, 0usize); bins];
    let scale = if range > 0.0 && range.is_finite() { bins as f64 / range } else { 0.0 };
    for (row, x) in numbers.iter().enumerate().filter(|(_, x)| x.is_finite()) {
        let bin = (((x - low) * scale) as usize).min(bins - 1);
        let (count, known, hits) = &mut counts[bin];
        *count += 1;
        if let Some(y) = yes.and_then(|y| y[row]) {
            *known += 1;
            *hits += usize::from(y);
        }
    }
    let width = range / bins as f64;
    let edge = |i: usize| if i == bins { high } else { low + width * i as f64 };
    counts
        .into_iter()
        .enumerate()
        .map(|(i, (count, known, hits))| Bin {
            low: edge(i),
            high: edge(i + 1),
            count,
            target_rate: (known > 0).then(|| hits as f64 / known as f64),
        })
        .collect()
}

fn warn(out: &mut ColumnProfile, rows: usize) {
    let present = rows - out.missing;
    let name = out.name.as_str();
    let mut add = Vec::new();
    if rows > 0 && present == 0 {
        add.push(note!("data.column_all_missing", column = name, rows = rows));
    } else if present > 1 && out.distinct == 1 {
        let value: String = out.top.first().map_or("", |t| t.value.as_str()).chars().take(60).collect();
        add.push(note!("data.column_constant", column = name, value = value));
    }
    if present > 0 && out.missing * 2 > rows {
        add.push(note!("data.column_mostly_missing", column = name, count = out.missing, share = share(out.missing, rows)));
    }
    if out.infinite > 0 {
        add.push(note!("data.column_infinite", column = name, count = out.infinite));
    }
    if out.role == Role::Feature {
        if out.kind == ColumnType::Text && present >= 50 && out.distinct * 2 > present {
            add.push(note!("data.column_many_values", column = name, distinct = out.distinct));
        }
        if out.kind == ColumnType::Integer && !out.categorical && (3..=12).contains(&out.distinct) && present >= 100 {
            add.push(note!("data.column_maybe_codes", column = name, distinct = out.distinct));
        }
    }
    out.warnings = add;
}

#[cfg(test)]
mod tests;
