//! One line per customer from a log of purchases: how often they came back, when last, since when they are known, and what
//! a purchase brought. Or the same read from a file that holds it already.

use std::collections::BTreeMap;

use crate::base::{Notice, Result, numbers};
use crate::data::table::calendar;
use crate::data::{ColumnType, Table};
use crate::{fault, note};

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// A twelfth of 365.25 days.
    Month,
}

impl Unit {
    /// Its length.
    pub fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
            Self::Month => 365.25 / 12.0,
        }
    }
    /// How many make a year.
    pub fn per_year(self) -> f64 {
        match self {
            Self::Day => 365.25,
            Self::Week => 52.0,
            Self::Month => 12.0,
        }
    }
}

/// What the models read of a customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Customer {
    /// Repeat purchases: days with a purchase after the first.
    pub frequency: f64,
    /// Time of the last purchase since the first.
    pub recency: f64,
    /// Time since the first purchase.
    pub age: f64,
    /// Average amount of a repeat purchase, where amounts are known and there was one.
    pub spend: Option<f64>,
}

/// All customers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Customers {
    /// Who they are.
    pub names: Vec<String>,
    /// What the models read.
    pub list: Vec<Customer>,
    /// Day of the first purchase, where the log says it.
    pub first: Vec<i64>,
    /// Days with purchases and amounts, one list per customer, in order; empty for a summary.
    pub days: Vec<Vec<(i64, f64)>>,
    /// First day of the log and last day of the observed time.
    pub period: Option<(i64, i64)>,
    /// Last day of the log.
    pub end: i64,
    /// Whether amounts are known.
    pub amounts: bool,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// Which columns, and what of the log counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns<'a> {
    /// Who.
    pub id: &'a str,
    /// When.
    pub date: &'a str,
    /// How much.
    pub amount: Option<&'a str>,
    /// Last day that the models see; the last of the log if absent.
    pub until: Option<i64>,
    /// Today, beyond which no purchase can lie.
    pub today: i64,
    /// Unit of time.
    pub unit: Unit,
    /// Decimals to which average spends are rounded (half up), as published summaries are.
    pub decimals: Option<u32>,
}

/// A day as an analyst writes it, such as 1997-09-30.
pub fn day(text: &str) -> Result<i64> {
    let read = calendar::Written::parse(text.trim()).and_then(|w| w.days(calendar::Order::YearFirst));
    read.ok_or_else(|| fault!("value.bad_until", given = text))
}

/// The days of a column: dates, moments, words such as 2024-03-01, or numbers such as 20240301. NaN where there is none.
pub fn days(table: &Table, column: usize) -> Vec<f64> {
    let packed = |v: f64| {
        let v = v as i64;
        let day = calendar::days(v / 10_000, (v / 100 % 100) as u32, (v % 100) as u32);
        day.map_or(f64::NAN, |d| d as f64)
    };
    match table.column_type(column) {
        ColumnType::Date => table.numbers(column),
        ColumnType::Datetime => table.numbers(column).into_iter().map(|s| (s / calendar::DAY as f64).floor()).collect(),
        ColumnType::Integer => {
            let inside = |v: f64| (18_000_101.0..=22_001_231.0).contains(&v);
            table.numbers(column).into_iter().map(|v| if inside(v) { packed(v) } else { f64::NAN }).collect()
        }
        ColumnType::Text => {
            let (codes, levels) = table.codes(column);
            let known: Vec<f64> = levels
                .iter()
                .map(|l| {
                    let written = calendar::Written::parse(l.trim());
                    written.and_then(|w| w.days(calendar::Order::YearFirst)).map_or(f64::NAN, |d| d as f64)
                })
                .collect();
            codes.into_iter().map(|c| usize::try_from(c).map_or(f64::NAN, |c| known[c])).collect()
        }
        _ => vec![f64::NAN; table.n_rows()],
    }
}

/// Half up, as spreadsheets round; a hair is forgiven to what binary fractions cannot hold.
pub fn rounded(x: f64, decimals: u32) -> f64 {
    let by = 10f64.powi(decimals.min(9) as i32);
    (x * by + 0.5 + 1e-9).floor() / by
}

/// Reads a log of purchases.
pub fn from_log(table: &Table, columns: &Columns<'_>) -> Result<Customers> {
    let id = table.column(columns.id)?;
    let date = table.column(columns.date)?;
    let amount = columns.amount.map(|a| table.column(a)).transpose()?;
    if table.n_rows() == 0 {
        return Err(fault!("value.no_rows", column = columns.id));
    }
    let (codes, names) = table.codes(id);
    let when = days(table, date);
    let spent = amount.map(|a| table.numbers(a));
    let mut of: Vec<BTreeMap<i64, f64>> = vec![BTreeMap::new(); names.len()];
    let (mut start, mut end) = (i64::MAX, i64::MIN);
    for (row, code) in codes.iter().enumerate() {
        let line = table.file_row(row);
        let Ok(who) = usize::try_from(*code) else { return Err(fault!("value.id_missing", column = columns.id, row = line)) };
        if !when[row].is_finite() {
            let shown = table.cell(row, date).unwrap_or_else(|| "–".to_owned());
            return Err(fault!("value.date_unreadable", column = columns.date, row = line, value = shown));
        }
        let day = when[row] as i64;
        if day > columns.today {
            return Err(fault!("value.date_future", column = columns.date, row = line, date = calendar::show_date(day)));
        }
        let money = spent.as_ref().map_or(0.0, |s| s[row]);
        if let Some(name) = columns.amount {
            if !money.is_finite() {
                return Err(fault!("value.amount_missing", column = name, row = line));
            }
            if money < 0.0 {
                return Err(fault!("value.amount_negative", column = name, row = line, amount = money));
            }
        }
        *of[who].entry(day).or_default() += money;
        start = start.min(day);
        end = end.max(day);
    }
    let until = columns.until.unwrap_or(end);
    if until < start {
        let (until, start) = (calendar::show_date(until), calendar::show_date(start));
        return Err(fault!("value.until_early", until = until, start = start));
    }
    let mut out = Customers { period: Some((start, until)), end, amounts: spent.is_some(), ..Customers::default() };
    let mut later = 0;
    for (name, days) in names.into_iter().zip(of) {
        let Some((&first, _)) = days.first_key_value() else { continue };
        if first > until {
            later += 1;
            continue;
        }
        let seen: Vec<(i64, f64)> = days.range(..=until).map(|(d, m)| (*d, *m)).collect();
        let last = seen.last().map_or(first, |(d, _)| *d);
        let repeats = seen.len() - 1;
        let spend = (repeats > 0 && spent.is_some()).then(|| {
            let mean = seen[1..].iter().map(|(_, m)| m).sum::<f64>() / repeats as f64;
            columns.decimals.map_or(mean, |d| rounded(mean, d))
        });
        let unit = columns.unit.days();
        out.list.push(Customer {
            frequency: repeats as f64,
            recency: (last - first) as f64 / unit,
            age: (until - first) as f64 / unit,
            spend,
        });
        out.names.push(name);
        out.first.push(first);
        out.days.push(days.into_iter().collect());
    }
    if later > 0 {
        out.warnings.push(note!("value.later_customers", customers = later));
    }
    check(&out)?;
    Ok(out)
}

/// Reads a file that holds frequency, recency and age of each customer, and perhaps the average spend.
pub fn from_summary(table: &Table, columns: &[String], id: Option<&str>) -> Result<Customers> {
    let [x, tx, t] = match columns {
        [x, tx, t] | [x, tx, t, _] => [x, tx, t].map(|c| table.column(c)),
        _ => return Err(fault!("value.summary_columns", given = columns.join(", "))),
    };
    let (fx, ftx, ft) = (x?, tx?, t?);
    let spend = columns.get(3).map(|c| table.column(c)).transpose()?;
    let id = id.map(|c| table.column(c)).transpose()?;
    if table.n_rows() == 0 {
        return Err(fault!("value.no_rows", column = &columns[0]));
    }
    let (x, tx, t) = (table.numbers(fx), table.numbers(ftx), table.numbers(ft));
    let money = spend.map(|s| table.numbers(s));
    let mut out = Customers { amounts: money.is_some(), ..Customers::default() };
    for row in 0..table.n_rows() {
        let line = table.file_row(row);
        let bad = |c: &String, v: f64| fault!("value.summary_number", column = c, row = line, value = numbers::plain(v));
        if !(x[row] >= 0.0 && x[row].fract() == 0.0) {
            return Err(bad(&columns[0], x[row]));
        }
        if !(tx[row] >= 0.0 && tx[row].is_finite()) {
            return Err(bad(&columns[1], tx[row]));
        }
        if !(t[row] >= 0.0 && t[row].is_finite()) {
            return Err(bad(&columns[2], t[row]));
        }
        if tx[row] > t[row] {
            return Err(fault!("value.recency_after_age", row = line, recency = tx[row], age = t[row]));
        }
        if x[row] == 0.0 && tx[row] > 0.0 {
            return Err(fault!("value.recency_alone", row = line, recency = tx[row]));
        }
        let spend = match &money {
            Some(m) if x[row] > 0.0 => {
                if !m[row].is_finite() {
                    return Err(fault!("value.amount_missing", column = &columns[3], row = line));
                }
                if m[row] < 0.0 {
                    return Err(fault!("value.amount_negative", column = &columns[3], row = line, amount = m[row]));
                }
                Some(m[row])
            }
            _ => None,
        };
        out.list.push(Customer { frequency: x[row], recency: tx[row], age: t[row], spend });
        out.names.push(id.and_then(|i| table.cell(row, i)).unwrap_or_else(|| row.to_string()));
    }
    check(&out)?;
    Ok(out)
}

fn check(customers: &Customers) -> Result<()> {
    if customers.list.is_empty() {
        return Err(fault!("value.no_customers"));
    }
    if customers.list.iter().all(|c| c.frequency == 0.0) {
        return Err(fault!("value.nobody_returned", customers = customers.list.len()));
    }
    if customers.list.iter().all(|c| c.age == 0.0) {
        return Err(fault!("value.no_time"));
    }
    Ok(())
}
