//! What looks wrong in a table that was read: numbers kept as text, dates in more than one order, infinite numbers.

use std::path::Path;

use polars::prelude::StringChunked;
use rayon::prelude::*;

use super::cell;
use crate::base::Notice;
use crate::data::table::calendar::Written;
use crate::data::table::{Cells, Table};
use crate::note;

/// Warnings by column, in file order.
pub fn warnings(path: &Path, table: &Table) -> Vec<Notice> {
    let each: Vec<Option<Notice>> = (0..table.n_columns()).into_par_iter().map(|c| column(path, table, c)).collect();
    each.into_iter().flatten().collect()
}

fn column(path: &Path, table: &Table, c: usize) -> Option<Notice> {
    let name = table.name(c);
    match table.data(c) {
        Cells::Number(a) => {
            let count = a.iter().filter(|x| x.is_some_and(f64::is_infinite)).count();
            let row = a.iter().position(|x| x.is_some_and(f64::is_infinite))?;
            Some(note!("data.infinite", file = path, column = name, count = count, row = row))
        }
        Cells::Text(a) => numbers_as_text(path, name, a).or_else(|| mixed_dates(path, name, a)),
        _ => None,
    }
}

/// Looks at some cells first: a column of words is left after a thousand of them.
fn mostly(a: &StringChunked, is: impl Fn(&str) -> bool) -> bool {
    let step = (a.len() / 1_000).max(1);
    let some = a.iter().step_by(step).flatten();
    let (hits, n) = some.fold((0usize, 0usize), |(h, n), s| (h + usize::from(is(s)), n + 1));
    // A very sparse column may show nothing in the sample; then all of it is looked at.
    n == 0 || hits * 10 >= n * 8
}

fn is_number(s: &str) -> bool {
    s.as_bytes().first().is_some_and(|b| !b.is_ascii_alphabetic()) && s.parse::<f64>().is_ok()
}

fn numbers_as_text(path: &Path, name: &str, a: &StringChunked) -> Option<Notice> {
    if !mostly(a, cell::reads_as_number) {
        return None;
    }
    let (mut present, mut odd, mut signed, mut first) = (0usize, 0usize, 0usize, None);
    for (row, s) in a.iter().enumerate().filter_map(|(r, s)| s.map(|s| (r, s))) {
        present += 1;
        if !is_number(s) {
            odd += 1;
            signed += usize::from(cell::reads_as_number(s));
            first.get_or_insert((row, s));
        }
    }
    // All cells are numbers: codes with leading zeros or very long ones, kept as text on purpose.
    let (row, value) = first?;
    let value: String = value.chars().take(40).collect();
    if signed * 10 >= present * 9 {
        Some(note!("data.numbers_with_signs", file = path, column = name, count = signed, row = row, value = value))
    } else if (present - odd) * 10 >= present * 9 {
        Some(note!("data.numbers_as_text", file = path, column = name, count = odd, row = row, value = value))
    } else {
        None
    }
}

fn mixed_dates(path: &Path, name: &str, a: &StringChunked) -> Option<Notice> {
    if !mostly(a, |s| Written::parse(s).is_some()) {
        return None;
    }
    let (mut orders, mut count, mut first, mut present) = (None, 0usize, None, 0usize);
    for (row, s) in a.iter().enumerate().filter_map(|(r, s)| s.map(|s| (r, s))) {
        present += 1;
        let fits = match (Written::parse(s), orders) {
            (Some(w), None) => {
                orders = Some(w.orders);
                true
            }
            (Some(w), Some(o)) if w.orders & o != 0 => {
                orders = Some(w.orders & o);
                true
            }
            _ => false,
        };
        if !fits {
            count += 1;
            first.get_or_insert((row, s));
        }
    }
    let (row, value) = first.filter(|_| present > 1)?;
    let value: String = value.chars().take(40).collect();
    Some(note!("data.mixed_dates", file = path, column = name, count = count, row = row, value = value))
}
