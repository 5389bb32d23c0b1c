//! The table: named, typed columns with missing values, on polars inside and plain slices outside.
//!
//! Row numbers are 0-based and follow the file; they survive every preparation step (see [`Table::file_row`]), so that a
//! prediction or an explanation can always be traced to its line. A NaN never stands in a column: it is a missing cell.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use polars::prelude::{
    BooleanChunked, ChunkedArray, Column, DataFrame, DataType, Float64Chunked, IdxCa, Int64Chunked, Series, StringChunked, TimeUnit,
};
use polars::prelude::{IntoColumn as _, IntoSeries as _};
use serde::{Deserialize, Serialize};

use crate::base::{Fault, Result};
use crate::fault;

pub mod calendar;
pub mod keys;

use keys::{Hashed, Key};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Whole numbers.
    Integer,
    /// Numbers with a fraction.
    Number,
    /// True or false.
    Boolean,
    /// Words, codes, sentences.
    Text,
    /// A calendar day.
    Date,
    /// A moment.
    Datetime,
}

/// A table in memory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) frame: DataFrame,
    /// Line of each row in the file it came from, when rows were removed; `None` means row i is line i.
    pub(super) file_rows: Option<Arc<Vec<u32>>>,
}

/// The cells of a new column; `None` is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Numbers; NaN is missing too.
    Numbers(Vec<Option<f64>>),
    /// True or false.
    Booleans(Vec<Option<bool>>),
    /// Words.
    Texts(Vec<Option<String>>),
    /// Days since 1970.
    Dates(Vec<Option<i32>>),
    /// Microseconds since 1970.
    Moments(Vec<Option<i64>>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Integers(v) | Self::Moments(v) => v.len(),
            Self::Numbers(v) => v.len(),
            Self::Booleans(v) => v.len(),
            Self::Texts(v) => v.len(),
            Self::Dates(v) => v.len(),
        }
    }
    fn into_column(self, name: &str) -> Column {
        let name = name.into();
        match self {
            Self::Integers(v) => named(v.into_iter().collect::<Int64Chunked>(), name).into_series(),
            Self::Numbers(v) => named(v.into_iter().map(|x| x.filter(|x| !x.is_nan())).collect::<Float64Chunked>(), name).into_series(),
            Self::Booleans(v) => named(v.into_iter().collect::<BooleanChunked>(), name).into_series(),
            Self::Texts(v) => named(v.into_iter().collect::<StringChunked>(), name).into_series(),
            Self::Dates(v) => named(v.into_iter().collect::<polars::prelude::Int32Chunked>(), name).into_date().into_series(),
            Self::Moments(v) => {
                named(v.into_iter().collect::<Int64Chunked>(), name).into_datetime(TimeUnit::Microseconds, None).into_series()
            }
        }
        .into_column()
    }
}

fn named<T: polars::prelude::PolarsDataType>(mut array: ChunkedArray<T>, name: polars::prelude::PlSmallStr) -> ChunkedArray<T> {
    array.rename(name);
    array
}

/// A column by its type, borrowed. Dates as days, moments as microseconds.
pub(super) enum Cells<'a> {
    Integer(&'a Int64Chunked),
    Number(&'a Float64Chunked),
    Boolean(&'a BooleanChunked),
    Text(&'a StringChunked),
    Date(&'a polars::prelude::Int32Chunked),
    Moment(&'a Int64Chunked),
    /// A type the table never makes; every cell counts as missing.
    Other(usize),
}

impl Cells<'_> {
    fn show(&self, row: usize) -> Option<String> {
        match self {
            Self::Integer(a) => a.get(row).map(|x| x.to_string()),
            Self::Number(a) => a.get(row).filter(|x| !x.is_nan()).map(show_number),
            Self::Boolean(a) => a.get(row).map(|x| show_boolean(x).to_owned()),
            Self::Text(a) => a.get(row).map(str::to_owned),
            Self::Date(a) => a.get(row).map(|x| calendar::show_date(i64::from(x))),
            Self::Moment(a) => a.get(row).map(calendar::show_moment),
            Self::Other(_) => None,
        }
    }
}

/// A number as a file would write it: the shortest digits that read back the same.
pub fn show_number(x: f64) -> String {
    let size = x.abs();
    if size != 0.0 && size.is_finite() && !(1e-5..1e16).contains(&size) { format!("{x:e}") } else { format!("{x}") }
}

fn show_boolean(x: bool) -> &'static str {
    if x { "true" } else { "false" }
}

impl Table {
    /// From columns of equal length.
    pub fn from_columns(columns: Vec<(String, Values)>) -> Result<Self> {
        let rows = columns.first().map_or(0, |(_, v)| v.len());
        let mut seen = BTreeSet::new();
        for (name, values) in &columns {
            if values.len() != rows {
                return Err(fault!("data.wrong_length", column = name, rows = rows, given = values.len()));
            }
            if !seen.insert(name.clone()) {
                return Err(fault!("data.twice", column = name));
            }
        }
        Self::from_polars(rows, columns.into_iter().map(|(n, v)| v.into_column(&n)).collect())
    }

    /// From polars columns whose types are already ours.
    pub(super) fn from_polars(rows: usize, columns: Vec<Column>) -> Result<Self> {
        let frame = DataFrame::new(rows, columns).map_err(|e| fault!("data.inside", reason = e.to_string()))?;
        Ok(Self { frame, file_rows: None })
    }

    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.frame.height()
    }
    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.frame.width()
    }
    /// Column names in file order.
    pub fn names(&self) -> Vec<String> {
        self.frame.columns().iter().map(|c| c.name().to_string()).collect()
    }
    /// Name of column `i`; empty if there is no such column.
    pub fn name(&self, i: usize) -> &str {
        self.frame.columns().get(i).map_or("", |c| c.name().as_str())
    }
    /// Position of a column.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.frame.columns().iter().position(|c| c.name().as_str() == name)
    }
    /// Position of a column, or a fault that names it and the nearest name that exists.
    pub fn column(&self, name: &str) -> Result<usize> {
        self.index_of(name).ok_or_else(|| {
            let near = self.frame.columns().iter().map(|c| c.name().as_str()).min_by_key(|n| distance(n, name));
            match near {
                Some(near) => fault!("data.no_column", column = name, nearest = near),
                None => fault!("data.no_columns", column = name),
            }
        })
    }
    /// What column `i` holds.
    pub fn column_type(&self, i: usize) -> ColumnType {
        match self.frame.columns().get(i).map(Column::dtype) {
            Some(DataType::Int64) => ColumnType::Integer,
            Some(DataType::Float64) => ColumnType::Number,
            Some(DataType::Boolean) => ColumnType::Boolean,
            Some(DataType::Date) => ColumnType::Date,
            Some(DataType::Datetime(..)) => ColumnType::Datetime,
            _ => ColumnType::Text,
        }
    }

    pub(super) fn series(&self, i: usize) -> Option<&Series> {
        self.frame.columns().get(i).map(Column::as_materialized_series)
    }

    pub(super) fn data(&self, i: usize) -> Cells<'_> {
        let other = Cells::Other(self.n_rows());
        let Some(s) = self.series(i) else { return other };
        match s.dtype() {
            DataType::Int64 => s.i64().map_or(other, Cells::Integer),
            DataType::Float64 => s.f64().map_or(other, Cells::Number),
            DataType::Boolean => s.bool().map_or(other, Cells::Boolean),
            DataType::String => s.str().map_or(other, Cells::Text),
            DataType::Date => s.date().map_or(other, |a| Cells::Date(&a.phys)),
            DataType::Datetime(..) => s.datetime().map_or(other, |a| Cells::Moment(&a.phys)),
            _ => other,
        }
    }

    /// Column `i` as numbers: NaN is missing, true is 1; dates are days, moments seconds since 1970; a text is parsed.
    pub fn numbers(&self, i: usize) -> Vec<f64> {
        match self.data(i) {
            Cells::Integer(a) => a.iter().map(|x| x.map_or(f64::NAN, |x| x as f64)).collect(),
            Cells::Number(a) => a.iter().map(|x| x.unwrap_or(f64::NAN)).collect(),
            Cells::Boolean(a) => a.iter().map(|x| x.map_or(f64::NAN, f64::from)).collect(),
            Cells::Text(a) => a.iter().map(|x| x.and_then(|s| s.trim().parse().ok()).unwrap_or(f64::NAN)).collect(),
            Cells::Date(a) => a.iter().map(|x| x.map_or(f64::NAN, f64::from)).collect(),
            Cells::Moment(a) => a.iter().map(|x| x.map_or(f64::NAN, |x| x as f64 / 1e6)).collect(),
            Cells::Other(n) => vec![f64::NAN; n],
        }
    }

    /// Column `i` as codes into its sorted levels (by number if all are numbers); −1 is missing.
    pub fn codes(&self, i: usize) -> (Vec<i32>, Vec<String>) {
        match self.data(i) {
            Cells::Integer(a) => coded(a.iter(), |x| *x, |x| x.to_string()),
            Cells::Moment(a) => coded(a.iter(), |x| *x, |x| calendar::show_moment(*x)),
            Cells::Date(a) => coded(a.iter().map(|x| x.map(i64::from)), |x| *x, |x| calendar::show_date(*x)),
            Cells::Boolean(a) => coded(a.iter().map(|x| x.map(i64::from)), |x| *x, |x| show_boolean(*x != 0).to_owned()),
            Cells::Number(a) => coded(
                a.iter().map(|x| x.filter(|x| !x.is_nan()).map(|x| if x == 0.0 { 0 } else { x.to_bits() })),
                |b| Ordered(f64::from_bits(*b)),
                |b| show_number(f64::from_bits(*b)),
            ),
            Cells::Text(a) => coded_text(a),
            Cells::Other(n) => (vec![-1; n], Vec::new()),
        }
    }

    /// Which cells of column `i` are missing.
    pub fn missing(&self, i: usize) -> Vec<bool> {
        match self.data(i) {
            Cells::Integer(a) | Cells::Moment(a) => a.iter().map(|x| x.is_none()).collect(),
            Cells::Number(a) => a.iter().map(|x| x.is_none_or(f64::is_nan)).collect(),
            Cells::Boolean(a) => a.iter().map(|x| x.is_none()).collect(),
            Cells::Text(a) => a.iter().map(|x| x.is_none()).collect(),
            Cells::Date(a) => a.iter().map(|x| x.is_none()).collect(),
            Cells::Other(n) => vec![true; n],
        }
    }

    /// One cell as a file would write it; `None` is missing (or outside the table).
    pub fn cell(&self, row: usize, i: usize) -> Option<String> {
        if row < self.n_rows() { self.data(i).show(row) } else { None }
    }

    /// Some cells of a column, for a visible part of a table.
    pub fn cells(&self, rows: Range<usize>, i: usize) -> Vec<Option<String>> {
        let data = self.data(i);
        let n = self.n_rows();
        rows.map(|r| if r < n { data.show(r) } else { None }).collect()
    }

    /// Some rows, in the order given; they remember their line in the file. A row outside the table is left out.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let n = self.n_rows();
        let inside: Vec<u32> = rows.iter().filter(|r| **r < n).map(|r| *r as u32).collect();
        let file_rows = inside.iter().map(|r| self.file_row(*r as usize)).collect();
        let frame = match self.frame.take(&IdxCa::from_vec("rows".into(), inside)) {
            Ok(mut frame) => {
                frame.rechunk_mut();
                frame
            }
            // Every index was checked above, so this does not happen; the frame without rows is the honest remainder.
            Err(_) => return Self { frame: self.frame.clear(), file_rows: Some(Arc::default()) },
        };
        Self { frame, file_rows: Some(Arc::new(file_rows)) }
    }

    /// The table without some columns; names that it does not have are passed over.
    pub fn drop_columns(&self, names: &[String]) -> Self {
        Self { frame: self.frame.drop_many(names.iter().map(String::as_str)), file_rows: self.file_rows.clone() }
    }

    /// The table with a column of numbers, replaced or appended. A whole-number, true/false or time column stays one if the
    /// values allow it; NaN is missing.
    pub fn with_numbers(&self, name: &str, values: &[f64]) -> Result<Self> {
        let whole = || values.iter().all(|x| x.is_nan() || (x.fract() == 0.0 && x.abs() < 9.0e15));
        let some = |x: &f64| if x.is_nan() { None } else { Some(*x) };
        let old = self.index_of(name).map(|i| self.column_type(i));
        let new = match old {
            Some(ColumnType::Integer) if whole() => Values::Integers(values.iter().map(|x| some(x).map(|x| x as i64)).collect()),
            Some(ColumnType::Boolean) if values.iter().all(|x| x.is_nan() || *x == 0.0 || *x == 1.0) => {
                Values::Booleans(values.iter().map(|x| some(x).map(|x| x == 1.0)).collect())
            }
            Some(ColumnType::Date) if whole() && values.iter().all(|x| x.is_nan() || x.abs() <= 2.0e9) => {
                Values::Dates(values.iter().map(|x| some(x).map(|x| x as i32)).collect())
            }
            Some(ColumnType::Datetime) if values.iter().all(|x| x.is_nan() || x.abs() <= 9.0e12) => {
                Values::Moments(values.iter().map(|x| some(x).map(|x| (x * 1e6).round() as i64)).collect())
            }
            _ => Values::Numbers(values.iter().map(some).collect()),
        };
        self.with_values(name, new)
    }

    /// The table with a true/false column, replaced or appended.
    pub fn with_booleans(&self, name: &str, values: &[bool]) -> Result<Self> {
        self.with_values(name, Values::Booleans(values.iter().map(|x| Some(*x)).collect()))
    }

    /// The table with a text column, replaced or appended.
    pub fn with_texts(&self, name: &str, values: &[Option<String>]) -> Result<Self> {
        self.with_values(name, Values::Texts(values.to_vec()))
    }

    /// The table with a column, replaced or appended.
    pub fn with_values(&self, name: &str, values: Values) -> Result<Self> {
        if values.len() != self.n_rows() && self.n_columns() > 0 {
            return Err(fault!("data.wrong_length", column = name, rows = self.n_rows(), given = values.len()));
        }
        let mut columns = self.frame.columns().to_vec();
        let rows = values.len();
        let column = values.into_column(name);
        match self.index_of(name) {
            Some(i) => columns[i] = column,
            None => columns.push(column),
        }
        Ok(Self { file_rows: self.file_rows.clone(), ..Self::from_polars(rows, columns)? })
    }

    /// Line of row `i` in the file it came from, 0-based.
    pub fn file_row(&self, i: usize) -> u32 {
        match &self.file_rows {
            Some(rows) => rows.get(i).copied().unwrap_or(u32::MAX),
            None => i as u32,
        }
    }

    /// A 128-bit hash of the cells of each row: equal rows have equal keys, and different rows different ones for all practical
    /// purposes. Missing cells are equal to each other.
    pub fn row_keys(&self, columns: &[usize]) -> Vec<u128> {
        let mut keys = vec![Key::START; self.n_rows()];
        for &c in columns {
            match self.data(c) {
                Cells::Integer(a) | Cells::Moment(a) => mix(&mut keys, a.iter(), |k, x| k.bits(x as u64)),
                Cells::Number(a) => mix(&mut keys, a.iter().map(|x| x.filter(|x| !x.is_nan())), |k, x| k.number(x)),
                Cells::Boolean(a) => mix(&mut keys, a.iter(), |k, x| k.bits(u64::from(x))),
                Cells::Date(a) => mix(&mut keys, a.iter(), |k, x| k.bits(x as u64)),
                Cells::Text(a) => mix(&mut keys, a.iter(), |k, x| k.text(x)),
                Cells::Other(_) => keys.iter_mut().for_each(Key::missing),
            }
        }
        keys.into_iter().map(Key::finish).collect()
    }

    /// Bytes that the cells take in memory, about.
    pub fn memory_bytes(&self) -> usize {
        self.frame.estimated_size() + self.file_rows.as_ref().map_or(0, |r| r.len() * 4)
    }
}

fn mix<T>(keys: &mut [Key], cells: impl Iterator<Item = Option<T>>, take: impl Fn(&mut Key, T)) {
    for (k, x) in keys.iter_mut().zip(cells) {
        match x {
            Some(x) => take(k, x),
            None => k.missing(),
        }
    }
}

#[derive(PartialEq)]
struct Ordered(f64);
impl Eq for Ordered {}
impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn coded<T: Copy + Eq + std::hash::Hash, O: Ord>(
    cells: impl Iterator<Item = Option<T>>,
    order: impl Fn(&T) -> O,
    show: impl Fn(&T) -> String,
) -> (Vec<i32>, Vec<String>) {
    let mut first: HashMap<T, i32, Hashed> = HashMap::default();
    let mut levels: Vec<T> = Vec::new();
    let codes: Vec<i32> = cells
        .map(|x| {
            x.map_or(-1, |x| {
                *first.entry(x).or_insert_with(|| {
                    levels.push(x);
                    levels.len() as i32 - 1
                })
            })
        })
        .collect();
    let mut sorted: Vec<usize> = (0..levels.len()).collect();
    sorted.sort_by_key(|i| order(&levels[*i]));
    (recode(codes, &sorted), sorted.iter().map(|i| show(&levels[*i])).collect())
}

fn coded_text(a: &StringChunked) -> (Vec<i32>, Vec<String>) {
    // The key stands for the text: 128 bits, so that a long text is hashed once and never compared.
    let mut first: HashMap<u128, i32, Hashed> = HashMap::default();
    let mut levels: Vec<&str> = Vec::new();
    let codes: Vec<i32> = a
        .iter()
        .map(|x| {
            x.map_or(-1, |s| {
                let mut key = Key::START;
                key.text(s);
                *first.entry(key.finish()).or_insert_with(|| {
                    levels.push(s);
                    levels.len() as i32 - 1
                })
            })
        })
        .collect();
    let numbers: Option<Vec<f64>> = levels.iter().map(|s| s.trim().parse::<f64>().ok().filter(|x| !x.is_nan())).collect();
    let mut sorted: Vec<usize> = (0..levels.len()).collect();
    match numbers {
        Some(v) => sorted.sort_by(|i, j| v[*i].total_cmp(&v[*j]).then_with(|| levels[*i].cmp(levels[*j]))),
        None => sorted.sort_by_key(|i| levels[*i]),
    }
    (recode(codes, &sorted), sorted.iter().map(|i| levels[*i].to_owned()).collect())
}

fn recode(mut codes: Vec<i32>, sorted: &[usize]) -> Vec<i32> {
    let mut place = vec![0i32; sorted.len()];
    for (new, old) in sorted.iter().enumerate() {
        place[*old] = new as i32;
    }
    for c in &mut codes {
        if *c >= 0 {
            *c = place[*c as usize];
        }
    }
    codes
}

/// Edits between two names, ignoring case; long names are compared by their beginnings.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().take(64).collect();
    let b: Vec<char> = b.to_lowercase().chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = cost;
        }
    }
    row[b.len()]
}

/// A fault of polars while it worked on a file.
pub(super) fn polars_fault(path: &std::path::Path, error: &polars::prelude::PolarsError) -> Fault {
    match error {
        polars::prelude::PolarsError::IO { error, .. } => Fault::io(path, error),
        other => fault!("data.damaged", file = path, reason = other.to_string()),
    }
}

#[cfg(test)]
mod tests;
