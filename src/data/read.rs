//! Opening files: CSV/TSV with detected and changeable delimiter, quote, header, encoding and decimal sign; Parquet; Arrow IPC.
//!
//! A file is read in blocks: while one block becomes columns, the next is read, hashed, decoded and cut into records. Memory
//! holds the columns and two blocks, never the file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::base::{Fault, Fingerprint, JobCtx, Notice, Result};
use crate::fault;

mod binary;
mod cell;
mod checks;
mod column;
mod encoding;
mod records;
mod sniff;
mod text;

/// Whether the first line names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// Detected.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It does not: columns are `column_1`, `column_2`, …
    No,
}

/// How to read; everything absent is detected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadOptions {
    /// Between fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// First line.
    #[serde(default)]
    pub header: Header,
    /// Encoding label (`utf-8`, `gb18030`, `windows-1252`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// `.` or `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// Around fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// Whether 3/4/2024 is the third of April or the fourth of March, where a column does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<Dates>,
}

/// What stands around a field that holds the delimiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quote {
    /// `"`
    Double,
    /// `'`
    Single,
    /// Nothing: quotes are part of the text.
    None,
}

/// Which comes first in a date whose year comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dates {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// How the file was read, and what of that was detected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// `csv`, `parquet` or `ipc`.
    pub format: String,
    /// Between fields (text formats).
    pub delimiter: Option<char>,
    /// Around fields (text formats).
    pub quote: Option<char>,
    /// Whether the first line named the columns (text formats).
    pub header: bool,
    /// Encoding (text formats).
    pub encoding: Option<String>,
    /// Whether it began with a byte-order mark.
    pub byte_order_mark: bool,
    /// Decimal sign (text formats).
    pub decimal: Option<char>,
    /// Names of the above that were detected, not given.
    pub detected: Vec<String>,
}

/// A file in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where it came from.
    pub path: PathBuf,
    /// The rows.
    pub table: Table,
    /// How it was read.
    pub reading: Reading,
    /// Exactly these bytes (SHA-256 of the file); empty for a preview.
    pub fingerprint: Fingerprint,
    /// Whether these are only the first rows.
    pub preview: bool,
    /// Ragged rows, renamed columns, numbers as text …
    pub warnings: Vec<Notice>,
}

/// What a file is by its first and last bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Parquet,
    Ipc,
}

/// Opens a whole file, with progress in bytes; may be stopped between blocks.
pub fn open(path: &Path, options: &ReadOptions, ctx: &JobCtx) -> Result<Loaded> {
    match format(path)? {
        Format::Text => text::read(path, options, None, ctx),
        Format::Parquet => binary::parquet(path, None, ctx),
        Format::Ipc => binary::ipc(path, None, ctx),
    }
}

/// Opens the first rows, fast. Types and warnings are those of these rows.
pub fn preview(path: &Path, options: &ReadOptions, rows: usize) -> Result<Loaded> {
    let ctx = JobCtx::quiet();
    match format(path)? {
        Format::Text => text::read(path, options, Some(rows), &ctx),
        Format::Parquet => binary::parquet(path, Some(rows), &ctx),
        Format::Ipc => binary::ipc(path, Some(rows), &ctx),
    }
}

/// Files that are no tables, by how they begin, with the catalogue key that says what to do.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "data.is_workbook"),
    (b"\xD0\xCF\x11\xE0", "data.is_workbook"),
    (b"\x1F\x8B", "data.is_compressed"),
    (b"\x28\xB5\x2F\xFD", "data.is_compressed"),
    (b"BZh", "data.is_compressed"),
    (b"\xFD7zXZ", "data.is_compressed"),
    (b"%PDF-", "data.not_text"),
    (b"SQLite format 3", "data.not_text"),
];

fn format(path: &Path) -> Result<Format> {
    let io = |e: std::io::Error| Fault::io(path, &e);
    let about = std::fs::metadata(path).map_err(io)?;
    if about.is_dir() {
        return Err(io(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    let mut file = File::open(path).map_err(io)?;
    let mut head = Vec::with_capacity(16);
    file.by_ref().take(16).read_to_end(&mut head).map_err(io)?;
    if head.is_empty() {
        return Err(fault!("data.empty_file", file = path));
    }
    let named = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let ends_with = |magic: &[u8]| -> Result<bool> {
        use std::io::{Seek as _, SeekFrom};
        let back = magic.len() as u64;
        if about.len() < 2 * back {
            return Ok(false);
        }
        let mut file = File::open(path).map_err(io)?;
        file.seek(SeekFrom::Start(about.len() - back)).map_err(io)?;
        let mut tail = Vec::new();
        file.take(back).read_to_end(&mut tail).map_err(io)?;
        Ok(tail == magic)
    };
    for (magic, name, format) in [(b"PAR1".as_slice(), "Parquet", Format::Parquet), (b"ARROW1", "Arrow IPC", Format::Ipc)] {
        if head.starts_with(magic) {
            return if ends_with(magic)? { Ok(format) } else { Err(fault!("data.cut_off", file = path, format = name)) };
        }
    }
    if let Some((_, code)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(fault!(code, file = path));
    }
    match named.as_deref() {
        Some("parquet") => Err(fault!("data.not_the_format", file = path, format = "Parquet")),
        Some("arrow" | "feather" | "ipc") => Err(fault!("data.not_the_format", file = path, format = "Arrow IPC")),
        _ => Ok(Format::Text),
    }
}

#[cfg(test)]
mod tests;
