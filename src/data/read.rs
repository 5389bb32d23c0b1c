//! Opening files: CSV/TSV with detected and changeable delimiter, quote, header, encoding and decimal sign; Parquet; Arrow IPC.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::base::{Fingerprint, Notice};

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
