//! Tables out: Parquet in batches, so that a million explained rows never stand in memory at once, and small CSV files.
//! Both are atomic: the target is whole or as it was.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::IntoColumn as _;
use polars::prelude::{Column, DataFrame, NamedFrom as _, ParquetWriter, PolarsError, Series};

use crate::base::file::{Draft, write_atomic_with};
use crate::base::{Fault, Result};
use crate::fault;

/// The cells of one column of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Row numbers, counts.
    U32(Vec<u32>),
    /// Small whole numbers; −1 where a column says so.
    I32(Vec<i32>),
    /// Whole numbers.
    I64(Vec<i64>),
    /// Measured numbers.
    F64(Vec<f64>),
    /// Measured numbers in single precision.
    F32(Vec<f32>),
    /// Measured numbers, some missing.
    OptF64(Vec<Option<f64>>),
    /// Words.
    Text(Vec<String>),
    /// Words, some missing.
    OptText(Vec<Option<String>>),
}

impl Out {
    fn len(&self) -> usize {
        match self {
            Self::U32(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::OptF64(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::OptText(v) => v.len(),
        }
    }
    fn into_column(self, name: &str) -> Column {
        let name = name.into();
        match self {
            Self::U32(v) => Series::new(name, v),
            Self::I32(v) => Series::new(name, v),
            Self::I64(v) => Series::new(name, v),
            Self::F64(v) => Series::new(name, v),
            Self::F32(v) => Series::new(name, v),
            Self::OptF64(v) => Series::new(name, v),
            Self::Text(v) => Series::new(name, v),
            Self::OptText(v) => Series::new(name, v),
        }
        .into_column()
    }
}

/// Writes a Parquet file batch by batch. Nothing is at `path` before [`TableWriter::finish`]; dropped unfinished, it leaves no trace.
pub struct TableWriter {
    path: PathBuf,
    draft: Draft,
    /// The writer, once the first batch has named the columns. The lock only makes the whole thing shareable; nobody waits on it.
    writer: Option<Mutex<BatchedWriter<BufWriter<File>>>>,
    names: Vec<String>,
}

impl std::fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").field("path", &self.path).field("names", &self.names).finish_non_exhaustive()
    }
}

impl TableWriter {
    /// Begins a file; a place that cannot be written is said at once.
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), draft: Draft::begin(path)?, writer: None, names: Vec::new() })
    }

    /// Adds a batch. Every batch has the same columns in the same order.
    pub fn append(&mut self, columns: Vec<(&str, Out)>) -> Result<()> {
        let rows = columns.first().map_or(0, |(_, v)| v.len());
        if let Some((name, v)) = columns.iter().find(|(_, v)| v.len() != rows) {
            return Err(fault!("data.wrong_length", column = *name, rows = rows, given = v.len()));
        }
        let names: Vec<&str> = columns.iter().map(|(n, _)| *n).collect();
        if self.writer.is_some() && self.names != names {
            let odd = names.iter().zip(&self.names).find(|(a, b)| *a != b).map_or("", |(a, _)| *a);
            return Err(fault!("data.other_columns", file = &self.path, column = odd));
        }
        let path = self.path.clone();
        let fail = |e: PolarsError| write_fault(&path, &e);
        let frame = DataFrame::new(rows, columns.into_iter().map(|(n, v)| v.into_column(n)).collect()).map_err(fail)?;
        if self.writer.is_none() {
            self.names = frame.columns().iter().map(|c| c.name().to_string()).collect();
            let file = self.draft.file().try_clone().map_err(|e| Fault::io(&path, &e))?;
            let writer = ParquetWriter::new(BufWriter::with_capacity(1 << 18, file)).batched(frame.schema()).map_err(fail)?;
            self.writer = Some(Mutex::new(writer));
        }
        match &mut self.writer {
            Some(writer) => writer.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).write_batch(&frame).map_err(fail),
            None => Ok(()),
        }
    }

    /// Ends the file and puts it in its place.
    pub fn finish(mut self) -> Result<()> {
        if self.writer.is_none() {
            self.append(Vec::new())?;
        }
        if let Some(writer) = self.writer.take() {
            let writer = writer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            // The footer's end flushes the buffer, so a full disk is seen here.
            writer.finish().map_err(|e| write_fault(&self.path, &e))?;
        }
        self.draft.finish()
    }
}

fn write_fault(path: &Path, error: &PolarsError) -> Fault {
    match error {
        PolarsError::IO { error, .. } => Fault::io(path, error),
        other => {
            // Inside the Parquet encoder the kind of a file error is lost, not its words.
            let text = other.to_string();
            let Some((_, reason)) = text.split_once("underlying IO error: ") else {
                return fault!("data.not_written", file = path, reason = text);
            };
            let full = reason.contains("No space left");
            Fault(crate::base::Notice::new(if full { "base.disk_full" } else { "base.io" }).with("file", path).with("reason", reason))
        }
    }
}

/// Writes a CSV file (UTF-8, commas, quotes only where needed).
pub fn write_csv(path: &Path, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    write_atomic_with(path, |file| {
        let io = |e: std::io::Error| Fault::io(path, &e);
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let mut line = String::new();
        record(&mut line, header.iter().copied());
        out.write_all(line.as_bytes()).map_err(io)?;
        for row in rows {
            line.clear();
            record(&mut line, row.iter().map(String::as_str));
            out.write_all(line.as_bytes()).map_err(io)?;
        }
        out.flush().map_err(io)
    })
}

fn record<'a>(line: &mut String, cells: impl Iterator<Item = &'a str>) {
    let start = line.len();
    let mut n = 0;
    for cell in cells {
        if n > 0 {
            line.push(',');
        }
        n += 1;
        if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    if n == 1 && line.len() == start {
        // One empty cell alone would be an empty line, which readers skip.
        line.push_str("\"\"");
    }
    line.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::JobCtx;
    use crate::data::read::{self, ReadOptions};

    #[test]
    fn parquet_in_batches_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.parquet");
        let mut w = TableWriter::create(&path).unwrap();
        for k in 0..3u32 {
            w.append(vec![
                ("row", Out::U32(vec![2 * k, 2 * k + 1])),
                ("value", Out::F64(vec![f64::from(k), -0.5])),
                ("class", Out::OptText(vec![Some(format!("c{k}")), None])),
                ("weight", Out::F32(vec![0.25, 0.5])),
                ("layer", Out::I32(vec![-1, 2])),
                ("p", Out::OptF64(vec![None, Some(1.5)])),
            ])
            .unwrap();
        }
        assert!(!path.exists(), "nothing is there before the end");
        assert!(w.append(vec![("row", Out::U32(vec![1]))]).unwrap_err().0.code == "data.other_columns");
        w.finish().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let t = read::open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap().table;
        assert_eq!(t.names(), ["row", "value", "class", "weight", "layer", "p"]);
        assert_eq!(t.numbers(0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(t.cell(2, 2).as_deref(), Some("c1"));
        assert_eq!(t.cell(3, 2), None);
        assert_eq!(t.numbers(3)[5], 0.5);
        assert!(t.numbers(5)[0].is_nan());
    }

    #[test]
    fn an_unfinished_file_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.parquet");
        std::fs::write(&path, b"old").unwrap();
        let mut w = TableWriter::create(&path).unwrap();
        w.append(vec![("a", Out::I64(vec![1]))]).unwrap();
        drop(w);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(TableWriter::create(dir.path()).unwrap_err().0.code.starts_with("base."));
    }

    #[test]
    fn csv_quotes_what_needs_it_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let rows = vec![vec!["1".to_owned(), "a, \"b\"\nc".to_owned()], vec!["2".to_owned(), " x".to_owned()]];
        write_csv(&path, &["n", "text"], rows.clone().into_iter()).unwrap();
        let t = read::open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap().table;
        assert_eq!(t.n_rows(), 2);
        for (r, row) in rows.iter().enumerate() {
            assert_eq!(t.cell(r, 1).as_deref(), Some(row[1].as_str()));
        }
    }
}
