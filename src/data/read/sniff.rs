//! What a text file's first part says about it: delimiter, quote, header, decimal sign, column names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::cell::{self, Kind};
use super::records::{self, Dialect};
use super::{Dates, Header, Quote, ReadOptions};
use crate::base::{Notice, Result};
use crate::data::table::calendar::Order;
use crate::{fault, note};

/// Records looked at.
const SAMPLE: usize = 400;

/// How to read a text file.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Fields.
    pub dialect: Dialect,
    /// Whether the first record names the columns.
    pub header: bool,
    /// `.` or `,`.
    pub decimal: u8,
    /// Orders of a date that count where a cell does not tell its own.
    pub dates: u8,
    /// Column names, unique.
    pub names: Vec<String>,
    /// Which of these were detected.
    pub detected: Vec<String>,
    /// Renamed and unnamed columns.
    pub warnings: Vec<Notice>,
}

type Record = Vec<String>;

fn sample(text: &str, dialect: Dialect, last: bool, most: usize) -> Vec<Record> {
    let mut out = Vec::new();
    records::scan(text, dialect, last, |fields, _| {
        if !records::is_blank(fields) {
            out.push(fields.iter().map(|s| s.meant(text, dialect.quote).into_owned()).collect());
        }
        out.len() < most
    });
    out
}

/// Looks at the beginning of a file; `last` if that is all of it.
pub fn sniff(path: &Path, text: &str, last: bool, options: &ReadOptions) -> Result<Shape> {
    let mut detected = Vec::new();
    let mut found = |name: &str| detected.push(name.to_owned());
    let quote = match options.quote {
        Some(Quote::Double) => Some(b'"'),
        Some(Quote::Single) => Some(b'\''),
        Some(Quote::None) => None,
        None => Some(if looks_single_quoted(text) { b'\'' } else { b'"' }),
    };
    let delimiter = match options.delimiter {
        Some(c) if c.is_ascii() && c != '\n' && c != '\r' && c != '"' => c as u8,
        Some(c) => return Err(fault!("data.bad_delimiter", file = path, delimiter = c)),
        None => {
            found("delimiter");
            find_delimiter(text, quote, last)
        }
    };
    if options.quote.is_none() {
        found("quote");
    }
    let dialect = Dialect { delimiter, quote };
    let mut rows = sample(text, dialect, last, SAMPLE);
    if rows.is_empty() && !last {
        // One record is longer than the sample.
        return Err(fault!("data.record_too_long", file = path, line = 1));
    }
    if rows.is_empty() {
        return Err(fault!("data.nothing_in_it", file = path));
    }
    let decimal = match options.decimal {
        Some('.') => b'.',
        Some(',') => b',',
        Some(c) => return Err(fault!("data.bad_decimal", file = path, decimal = c)),
        None => {
            found("decimal");
            if delimiter != b',' && has_decimal_commas(&rows) { b',' } else { b'.' }
        }
    };
    let header = match options.header {
        Header::Yes => true,
        Header::No => false,
        Header::Auto => {
            found("header");
            has_header(&rows, decimal)
        }
    };
    let first = if header { rows.remove(0) } else { Vec::new() };
    let (usual, n) = most_common(rows.iter().map(Vec::len)).unwrap_or((first.len(), rows.len()));
    // Some rows that are too long do not make a column; most rows do.
    let width = if header && n * 2 <= rows.len() { first.len() } else { usual.max(first.len()) }.max(1);
    let (names, warnings) = names(path, &first, width, header);
    let dates = match options.dates {
        None => Order::EVERY,
        Some(Dates::Dmy) => Order::YearFirst.bit() | Order::DayFirst.bit(),
        Some(Dates::Mdy) => Order::YearFirst.bit() | Order::MonthFirst.bit(),
    };
    Ok(Shape { dialect, header, decimal, dates, names, detected, warnings })
}

/// Whether fields stand in `'single quotes'`, and none in double ones.
fn looks_single_quoted(text: &str) -> bool {
    let part = text.get(..text.len().min(20_000)).unwrap_or(text);
    if part.contains('"') {
        return false;
    }
    let between: usize = ["','", "';'", "'\t'", "'|'"].iter().map(|p| part.matches(p).count()).sum();
    between > part.lines().count() / 2 && between > 1
}

fn most_common(counts: impl Iterator<Item = usize>) -> Option<(usize, usize)> {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    for c in counts {
        *seen.entry(c).or_default() += 1;
    }
    seen.into_iter().max_by_key(|(width, n)| (*n, *width))
}

fn find_delimiter(text: &str, quote: Option<u8>, last: bool) -> u8 {
    let mut best = (0.0, b',');
    for delimiter in *b",;\t|" {
        let rows = sample(text, Dialect { delimiter, quote }, last, 200);
        let Some((width, n)) = most_common(rows.iter().map(Vec::len)) else { continue };
        let first = rows.first().map_or(0, Vec::len);
        if width < 2 && first < 2 {
            continue;
        }
        // The right one cuts every record alike, the first one too, and leaves cells that mean something.
        let share = n as f64 / rows.len() as f64;
        let decimal = if delimiter == b',' { b'.' } else { b',' };
        let cells = || rows.iter().skip(1).take(50).flatten().filter(|s| !cell::is_missing(s));
        let typed = cells().filter(|s| Kind::of(s, b'.') != Kind::Text || cell::number(s, decimal).is_some()).count();
        let typed = typed as f64 / (cells().count().max(1)) as f64;
        let even = if first.abs_diff(width) <= 1 { 0.0 } else { 0.3 };
        let score = share - even + 0.3 * typed + 0.001 * (width as f64).ln();
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    if best.0 == 0.0 && is_aligned(text, quote, last) { b' ' } else { best.1 }
}

/// Whether fields are set apart by spaces alone: every line has as many words, and half of them are no words.
fn is_aligned(text: &str, quote: Option<u8>, last: bool) -> bool {
    let rows = sample(text, Dialect { delimiter: b' ', quote }, last, 200);
    let Some((width, n)) = most_common(rows.iter().map(Vec::len)) else { return false };
    let typed = rows.iter().flatten().filter(|s| s.bytes().all(|b| !b.is_ascii_alphabetic())).count();
    width > 1 && rows.len() > 2 && n * 20 >= rows.len() * 19 && typed * 2 >= rows.iter().map(Vec::len).sum()
}

fn has_decimal_commas(rows: &[Record]) -> bool {
    let (mut commas, mut dots, mut thousands) = (0usize, 0usize, 0usize);
    for cell in rows.iter().flatten() {
        if !cell.bytes().any(|b| b.is_ascii_digit()) {
            continue;
        }
        if cell.contains(',') && cell::number(cell, b',').is_some() {
            let (lead, rest) = cell.split_once(',').unwrap_or((cell, ""));
            commas += 1;
            thousands += usize::from(rest.len() == 3 && lead.trim_start_matches('-') != "0");
        } else if cell.contains('.') && cell::number(cell, b'.').is_some() {
            dots += 1;
        }
    }
    // Three digits behind every comma are thousands.
    commas > dots && thousands < commas
}

fn has_header(rows: &[Record], decimal: u8) -> bool {
    let Some((first, body)) = rows.split_first() else { return false };
    let kind = |s: &String| if cell::is_missing(s) { Kind::Empty } else { Kind::of(s, decimal) };
    if first.iter().all(String::is_empty) {
        return false;
    }
    let mut score = 0i32;
    for (c, name) in first.iter().enumerate() {
        let (mut typed, mut present, mut repeats) = (0usize, 0usize, false);
        for cell in body.iter().filter_map(|r| r.get(c)).filter(|s| !cell::is_missing(s)) {
            present += 1;
            typed += usize::from(kind(cell) != Kind::Text);
            repeats |= cell == name;
        }
        // A few odd cells do not make a column of numbers one of words.
        let typed = present > 0 && typed * 10 >= present * 8;
        score += match kind(name) {
            Kind::Empty => 0,
            // A name over typed cells.
            Kind::Text if typed => 5,
            // A value among its like.
            Kind::Text => -2 * i32::from(repeats),
            _ if typed => -2,
            _ => -1,
        };
    }
    // Nothing tells names and values apart: distinct words that are not too long are names.
    let distinct = first.iter().collect::<BTreeSet<_>>().len() == first.len();
    score > 0 || (score == 0 && distinct && first.iter().all(|s| kind(s) == Kind::Text && s.chars().count() <= 300))
}

fn names(path: &Path, first: &[String], width: usize, header: bool) -> (Vec<String>, Vec<Notice>) {
    let mut warnings = Vec::new();
    let (mut unnamed, mut doubled, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut given: Vec<String> = (0..width)
        .map(|c| first.get(c).map_or("", String::as_str).chars().map(|x| if x.is_control() { ' ' } else { x }).collect())
        .map(|name: String| name.trim().to_owned())
        .collect();
    let originals: BTreeSet<String> = given.iter().cloned().collect();
    for (c, name) in given.iter_mut().enumerate() {
        if name.is_empty() {
            *name = format!("column_{}", c + 1);
            unnamed.push(name.clone());
        }
        if !taken.insert(name.clone()) {
            let old = name.clone();
            let mut k = 2;
            while taken.contains(name.as_str()) || originals.contains(name.as_str()) {
                *name = format!("{old}_{k}");
                k += 1;
            }
            taken.insert(name.clone());
            doubled.push((old, name.clone()));
        }
    }
    if let (true, Some(one)) = (header, unnamed.first()) {
        warnings.push(note!("data.unnamed_columns", file = path, count = unnamed.len(), column = one));
    }
    if let Some((old, new)) = doubled.first() {
        warnings.push(note!("data.renamed_columns", file = path, count = doubled.len(), column = old, new = new));
    }
    if header && width > first.len() && !first.is_empty() {
        warnings.push(note!("data.more_fields_than_names", file = path, names = first.len(), fields = width));
    }
    if width >= 1_000 {
        warnings.push(note!("data.very_wide", file = path, columns = width));
    }
    (given, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> (char, bool, char, Vec<String>) {
        let s = sniff(Path::new("a.csv"), text, true, &ReadOptions::default()).unwrap();
        (char::from(s.dialect.delimiter), s.header, char::from(s.decimal), s.names)
    }

    #[test]
    fn shapes_are_found() {
        for (text, delimiter, header, decimal, names) in [
            ("a,b\n1,2\n", ',', true, '.', "a b"),
            ("1,2\n3,4\n", ',', false, '.', "column_1 column_2"),
            ("a;b\n1,5;2\n2,25;3\n", ';', true, ',', "a b"),
            ("1,5;2,5;3,5\n2,5;4,1;5,25\n", ';', false, ',', "column_1 column_2 column_3"),
            ("a\tb\n1.5\t2\n", '\t', true, '.', "a b"),
            ("a|b|c\nx|y, z|1\nu|v, w|2\n", '|', true, '.', "a b c"),
            ("name,city\nAnn,Rome\nBob,Oslo\n", ',', true, '.', "name city"),
            ("39, State-gov, <=50K\n50, Private, >50K\n", ',', false, '.', "column_1 column_2 column_3"),
            ("Ann\nBob\nAnn\n", ',', false, '.', "column_1"),
            ("\"x, y\",b\n1,2\n", ',', true, '.', "x, y|b"),
            (",ts,item\n0,2019-11-24,3\n1,2019-11-25,4\n", ',', true, '.', "column_1 ts item"),
            ("a,a,a_2,\n1,2,3,4\n", ',', true, '.', "a a_3 a_2 column_4"),
            ("'a','b'\n'x','1'\n'y','2'\n", ',', true, '.', "a b"),
            ("date;amount\n01.02.2024;1.234\n02.02.2024;2.345\n", ';', true, '.', "date amount"),
            ("id  day n value\n00001 19970101  1   11.77\n 00002 19970112  1   12.00 \n", ' ', true, '.', "id day n value"),
            ("plain words here\nand some more words\n", ',', true, '.', "plain words here|"),
            ("click,101,102\n1,5,6\n0,7,8\n", ',', true, '.', "click 101 102"),
            ("city;people\nA;1,234\nB;2,345\n", ';', true, '.', "city people"),
        ] {
            let split = if names.contains('|') { '|' } else { ' ' };
            let names: Vec<String> = names.split(split).filter(|n| !n.is_empty()).map(str::to_owned).collect();
            assert_eq!(look(text), (delimiter, header, decimal, names), "{text:?}");
        }
    }

    #[test]
    fn what_is_given_is_not_detected() {
        let options = ReadOptions { delimiter: Some(';'), header: Header::No, decimal: Some(','), ..ReadOptions::default() };
        let s = sniff(Path::new("a.csv"), "a,b;c\n", true, &options).unwrap();
        assert_eq!(s.names.len(), 2);
        assert_eq!(s.detected, ["quote"]);
        let odd = ReadOptions { delimiter: Some('，'), ..ReadOptions::default() };
        assert_eq!(sniff(Path::new("a.csv"), "a", true, &odd).unwrap_err().0.code, "data.bad_delimiter");
    }
}
