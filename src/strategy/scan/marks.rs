//! What the cells themselves give away, without any model: cells that are filled only once the outcome is known, times that
//! come after it, codes that name rows, values that stay with a person.

use std::collections::BTreeMap;

use crate::data::{ColumnType, Table};
use crate::strategy::causal::stats::same_shares;

/// Share of rows of one answer in which a column that is written afterwards may still be filled.
const STRAY: f64 = 0.02;
/// Share of rows of the other answer in which it is filled at least.
const FILLED: f64 = 0.05;
/// P below which the pattern is no chance; there are many columns.
const SURE: f64 = 1e-6;
/// Rows of each answer that a pattern needs.
const FEWEST: usize = 20;
/// Share of rows with both times in which the later one is later.
const LATER: f64 = 0.95;
/// Share of different values from which a code names rows.
const UNIQUE: f64 = 0.9;
/// Share of people whose values never change.
const STEADY: f64 = 0.95;

/// A column that is filled for one answer only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::strategy) struct Filled {
    /// Share of filled cells where the outcome is yes.
    pub(in crate::strategy) yes: f64,
    /// Where it is no.
    pub(in crate::strategy) no: f64,
}

/// Whether a column is filled for one answer only; `y` is 1, 0 or NaN.
pub(in crate::strategy) fn filled_after(missing: &[bool], y: &[f64]) -> Option<Filled> {
    let mut counts = [[0.0f64; 2]; 2];
    for (m, y) in missing.iter().zip(y).filter(|(_, y)| !y.is_nan()) {
        counts[usize::from(*y > 0.5)][usize::from(!*m)] += 1.0;
    }
    let [no, yes] = counts;
    let (n0, n1) = (no[0] + no[1], yes[0] + yes[1]);
    if n0 < FEWEST as f64 || n1 < FEWEST as f64 {
        return None;
    }
    let found = Filled { yes: yes[1] / n1, no: no[1] / n0 };
    let (low, high) = (found.yes.min(found.no), found.yes.max(found.no));
    (low <= STRAY && high >= FILLED && high >= 10.0 * low && same_shares(&no, &yes) < SURE).then_some(found)
}

/// Share of rows with both times in which the first comes after the second, and their number, where that is nearly always.
pub(super) fn later(time: &[f64], outcome: &[f64]) -> Option<(f64, usize)> {
    let both: Vec<bool> = time.iter().zip(outcome).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(a, b)| a > b).collect();
    let share = both.iter().filter(|l| **l).count() as f64 / both.len().max(1) as f64;
    (both.len() >= FEWEST && share >= LATER).then_some((share, both.len()))
}

/// How many different values a column holds among how many filled cells, where it names rows: codes and words that hardly
/// ever repeat, and running numbers.
pub(super) fn names_rows(table: &Table, column: usize, categorical: bool) -> Option<(usize, usize)> {
    let kind = table.column_type(column);
    let words = kind == ColumnType::Text || (categorical && kind == ColumnType::Integer);
    if !words && kind != ColumnType::Integer {
        return None;
    }
    let (codes, levels) = table.codes(column);
    let filled = codes.iter().filter(|c| **c >= 0).count();
    if filled < 50 {
        return None;
    }
    let distinct = levels.len();
    // Amounts hardly repeat either, but they do not fill their range like numbers that are handed out one by one.
    let running = || {
        let of = |l: Option<&String>| l.and_then(|l| l.parse::<f64>().ok());
        let (first, last) = (of(levels.first()), of(levels.last()));
        distinct == filled && first.zip(last).is_some_and(|(a, b)| b - a + 1.0 <= 1.25 * table_span(table, filled))
    };
    let names = if words { distinct as f64 >= UNIQUE * filled as f64 } else { running() };
    names.then_some((distinct, filled))
}

/// How far apart the first and the last of the rows stand in the file: rows may be a sample.
fn table_span(table: &Table, filled: usize) -> f64 {
    let n = table.n_rows();
    let span = if n == 0 { 0 } else { table.file_row(n - 1) - table.file_row(0) + 1 };
    f64::from(span).max(filled as f64)
}

/// Share of people whose cells of a column are all the same, over people with several rows. `person` is −1 where unknown.
pub(super) fn steady(person: &[i32], codes: &[i32]) -> Option<(f64, usize)> {
    // First value of each person, rows, and whether all were that.
    let mut of: BTreeMap<i32, (i32, usize, bool)> = BTreeMap::new();
    for (p, c) in person.iter().zip(codes).filter(|(p, c)| **p >= 0 && **c >= 0) {
        let entry = of.entry(*p).or_insert((*c, 0, true));
        entry.1 += 1;
        entry.2 &= entry.0 == *c;
    }
    let several: Vec<bool> = of.values().filter(|(_, n, _)| *n > 1).map(|(_, _, same)| *same).collect();
    let share = several.iter().filter(|s| **s).count() as f64 / several.len().max(1) as f64;
    let varied = codes.iter().any(|c| *c >= 0 && codes.first().is_some_and(|f| f != c));
    (several.len() >= FEWEST && share >= STEADY && varied).then_some((share, several.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;
    use crate::data::table::Values;

    #[test]
    fn only_a_pattern_that_follows_the_answer_is_one() {
        let y: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i % 5 == 0))).collect();
        let of = |f: &dyn Fn(usize) -> bool| filled_after(&(0..400).map(f).collect::<Vec<_>>(), &y);
        // Filled where yes; filled where no; half of the yes; always; by chance; a little more often where yes.
        assert_eq!(of(&|i| i % 5 != 0), Some(Filled { yes: 1.0, no: 0.0 }));
        assert_eq!(of(&|i| i % 5 == 0), Some(Filled { yes: 0.0, no: 1.0 }));
        assert_eq!(of(&|i| i % 10 != 0), Some(Filled { yes: 0.5, no: 0.0 }));
        assert_eq!(of(&|_| false), None);
        assert_eq!(of(&|i| i % 3 == 0), None);
        assert_eq!(of(&|i| i % 5 != 0 && i % 10 != 3), None);
        // Rare by chance in every row: a thousand draws, none accused.
        let mut r = rng::rng(1, "filled");
        for _ in 0..1_000 {
            let missing: Vec<bool> = (0..400).map(|_| rng::unit(&mut r) > 0.04).collect();
            assert_eq!(filled_after(&missing, &y), None);
        }
        assert_eq!(filled_after(&[true, false], &[0.0, 1.0]), None, "two rows are no pattern");
    }

    #[test]
    fn codes_and_running_numbers_name_rows_and_amounts_do_not() {
        let mut r = rng::rng(2, "codes");
        let n = 500i64;
        let mut order: Vec<i64> = (1_000..1_000 + n).collect();
        rng::shuffle(&mut r, &mut order);
        let amounts: Vec<Option<i64>> = (0..n).map(|_| Some((rng::unit(&mut r) * 1e9) as i64)).collect();
        let table = Table::from_columns(vec![
            ("order".into(), Values::Integers(order.iter().map(|o| Some(*o)).collect())),
            ("cents".into(), Values::Integers(amounts)),
            ("token".into(), Values::Texts((0..n).map(|i| Some(format!("t{}", i * 7))).collect())),
            ("city".into(), Values::Texts((0..n).map(|i| Some(format!("c{}", i % 40))).collect())),
            ("price".into(), Values::Numbers((0..n).map(|i| Some(i as f64 + 0.5)).collect())),
        ])
        .unwrap();
        let named: Vec<bool> = (0..5).map(|c| names_rows(&table, c, false).is_some()).collect();
        assert_eq!(named, [true, false, true, false, false]);
        assert!(names_rows(&table, 1, true).is_some(), "an amount that the analyst calls a code is a code");
        // A sample of a running number is one still.
        let some: Vec<usize> = (0..n as usize).filter(|i| i % 4 == 0).collect();
        assert!(names_rows(&table.select_rows(&some), 0, false).is_some());
    }

    #[test]
    fn what_stays_with_a_person_is_seen() {
        let person: Vec<i32> = (0..120).map(|i| i / 3).collect();
        let age: Vec<i32> = person.iter().map(|p| p % 7).collect();
        assert_eq!(steady(&person, &age), Some((1.0, 40)));
        assert_eq!(steady(&person, &(0..120).map(|i| i % 2).collect::<Vec<_>>()), None);
        assert_eq!(steady(&person, &[3; 120]), None, "what is the same for all describes nobody");
        assert_eq!(steady(&(0..120).collect::<Vec<_>>(), &[1; 120]), None, "nobody has two rows");
    }

    #[test]
    fn a_time_is_later_only_if_it_nearly_always_is() {
        let outcome: Vec<f64> = (0..50).map(|i| if i % 2 == 0 { f64::from(i) } else { f64::NAN }).collect();
        assert_eq!(later(&(0..50).map(|i| f64::from(i) + 1.0).collect::<Vec<_>>(), &outcome), Some((1.0, 25)));
        assert_eq!(later(&(0..50).map(f64::from).collect::<Vec<_>>(), &outcome), None);
    }
}
