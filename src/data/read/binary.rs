//! Parquet and Arrow IPC: polars reads them, their many types become the six of a [`Table`].

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::{
    ArrowDataType, ArrowField, ArrowSchema, DataFrame, DataType, Float64Chunked, IpcReader, ParquetReader, ParquetWriter, PolarsResult,
    Series, StringChunked, TimeUnit,
};
use polars::prelude::{IntoColumn as _, IntoSeries as _, SerReader as _};
use sha2::{Digest as _, Sha256};

use super::{Loaded, Reading, checks};
use crate::base::{Fault, Fingerprint, JobCtx, Notice, Result};
use crate::data::table::{Table, polars_fault};
use crate::{fault, note};

fn file(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Fault::io(path, &e))
}

/// A damaged file makes some decoders panic; that is the file's fault, and said as such.
fn guarded<T>(path: &Path, work: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| polars_fault(path, &e)),
        Err(panic) => {
            let reason = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(fault!("data.damaged", file = path, reason = reason.unwrap_or("unreadable pages")))
        }
    }
}

/// Which columns of a file can become ours.
struct Plan {
    /// By position.
    keep: Vec<usize>,
    /// Whether some are whole numbers of 8 or 16 bits, which this build of polars does not know.
    narrow: bool,
    /// Columns that are left out.
    warnings: Vec<Notice>,
}

fn plan(path: &Path, schema: &ArrowSchema, can_widen: bool) -> Plan {
    use ArrowDataType as A;
    let mut plan = Plan { keep: Vec::new(), narrow: false, warnings: Vec::new() };
    for (i, field) in schema.iter_values().enumerate() {
        let fits = match &field.dtype {
            A::Int8 | A::Int16 | A::UInt8 | A::UInt16 => {
                plan.narrow |= can_widen;
                can_widen
            }
            A::Null | A::Boolean | A::Int32 | A::Int64 | A::UInt32 | A::UInt64 | A::Float32 | A::Float64 => true,
            A::Utf8 | A::LargeUtf8 | A::Utf8View | A::Date32 | A::Date64 => true,
            A::Timestamp(..) | A::Time32(_) | A::Time64(_) | A::Duration(_) => true,
            A::Dictionary(_, inner, _) => matches!(**inner, A::Utf8 | A::LargeUtf8 | A::Utf8View),
            _ => false,
        };
        if fits {
            plan.keep.push(i);
        } else {
            let kind: String = format!("{:?}", field.dtype).to_lowercase().chars().take_while(char::is_ascii_alphanumeric).collect();
            plan.warnings.push(note!("data.unsupported_column", file = path, column = field.name.as_str(), kind = kind));
        }
    }
    plan
}

/// The file's description of itself with narrow whole numbers called wide: Parquet stores them as 32 bits anyway. The words of
/// such a description are those that polars writes for an empty table of that shape.
fn widened(metadata: &FileMetadataRef, schema: &ArrowSchema, plan: &Plan) -> PolarsResult<FileMetadataRef> {
    use ArrowDataType as A;
    let column = |(i, field): (usize, &ArrowField)| {
        let kind = match &field.dtype {
            A::Int8 | A::Int16 | A::UInt8 | A::UInt16 => DataType::Int32,
            A::Dictionary(..) => DataType::String,
            _ if plan.keep.contains(&i) => DataType::from_arrow_field(field),
            // Never read.
            _ => DataType::String,
        };
        Series::new_empty(field.name.clone(), &kind).into_column()
    };
    let mut empty = DataFrame::new(0, schema.iter_values().enumerate().map(column).collect())?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut empty)?;
    let described = ParquetReader::new(Cursor::new(bytes)).get_metadata()?.key_value_metadata.clone();
    let mut changed = (**metadata).clone();
    changed.key_value_metadata = described;
    Ok(std::sync::Arc::new(changed))
}

/// Reads a Parquet file, or its first rows, by row groups.
pub fn parquet(path: &Path, limit: Option<usize>, ctx: &JobCtx) -> Result<Loaded> {
    let fingerprint = fingerprint(path, limit, ctx)?;
    let (plan, metadata) = guarded(path, || {
        let mut reader = ParquetReader::new(File::open(path)?);
        let metadata = reader.get_metadata()?.clone();
        let schema = reader.schema()?;
        let plan = plan(path, &schema, true);
        let metadata = if plan.narrow { widened(&metadata, &schema, &plan)? } else { metadata };
        Ok((plan, metadata))
    })?;
    let total = metadata.num_rows;
    if total > u32::MAX as usize {
        return Err(fault!("data.too_many_rows", file = path, rows = total));
    }
    let wanted = limit.map_or(total, |l| l.min(total));
    ctx.stage("data.stage_reading", wanted as u64);
    let mut frame: Option<DataFrame> = None;
    let mut at = 0;
    let groups: Vec<usize> = metadata.row_groups.iter().map(|g| g.num_rows()).collect();
    for rows in groups.into_iter().chain([0]) {
        // The last turn reads nothing; it makes the columns of a file without row groups.
        ctx.check()?;
        let rows = rows.min(wanted - at);
        if plan.keep.is_empty() || (rows == 0 && frame.is_some()) {
            continue;
        }
        let source = file(path)?;
        let part = guarded(path, || {
            let mut reader = ParquetReader::new(source);
            reader.set_metadata(metadata.clone());
            reader.with_projection(Some(plan.keep.clone())).with_slice(Some((at, rows))).finish()
        })?;
        match &mut frame {
            None => frame = Some(part),
            Some(whole) => {
                whole.vstack_mut_owned(part).map_err(|e| polars_fault(path, &e))?;
            }
        }
        at += rows;
        ctx.at(at as u64);
    }
    loaded(path, "parquet", frame.unwrap_or_default(), fingerprint, limit, plan.warnings)
}

/// Reads an Arrow IPC file, or its first rows.
pub fn ipc(path: &Path, limit: Option<usize>, ctx: &JobCtx) -> Result<Loaded> {
    let fingerprint = fingerprint(path, limit, ctx)?;
    let source = file(path)?;
    ctx.stage("data.stage_reading", 0);
    let (frame, warnings) = guarded(path, || {
        let mut reader = IpcReader::new(source);
        let schema = reader.schema()?;
        let plan = plan(path, &schema, false);
        if plan.keep.is_empty() {
            return Ok((DataFrame::default(), plan.warnings));
        }
        // Without need no projection: it would copy.
        let chosen = (plan.keep.len() < schema.len()).then_some(plan.keep);
        Ok((reader.with_n_rows(limit).with_projection(chosen).finish()?, plan.warnings))
    })?;
    ctx.check()?;
    loaded(path, "ipc", frame, fingerprint, limit, warnings)
}

fn fingerprint(path: &Path, limit: Option<usize>, ctx: &JobCtx) -> Result<Fingerprint> {
    if limit.is_some() {
        return Ok(Fingerprint::default());
    }
    let io = |e: std::io::Error| Fault::io(path, &e);
    let mut source = file(path)?;
    ctx.stage("data.stage_fingerprint", source.metadata().map_err(io)?.len());
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 4 << 20];
    let mut done = 0u64;
    loop {
        ctx.check()?;
        let n = source.read(&mut buffer).map_err(io)?;
        if n == 0 {
            return Ok(Fingerprint(hash.finalize().iter().map(|b| format!("{b:02x}")).collect()));
        }
        hash.update(&buffer[..n]);
        done += n as u64;
        ctx.at(done);
    }
}

fn loaded(
    path: &Path,
    format: &str,
    frame: DataFrame,
    fingerprint: Fingerprint,
    limit: Option<usize>,
    mut warnings: Vec<Notice>,
) -> Result<Loaded> {
    let rows = frame.height();
    let mut columns = Vec::with_capacity(frame.width());
    for (i, column) in frame.columns().iter().enumerate() {
        if let Some(mut series) = ours(path, column.as_materialized_series(), &mut warnings)? {
            if series.name().is_empty() {
                series.rename(format!("column_{}", i + 1).into());
                warnings.push(note!("data.unnamed_columns", file = path, count = 1, column = series.name().as_str()));
            }
            columns.push(series.into_column());
        }
    }
    if rows == 0 {
        warnings.push(note!("data.no_rows", file = path, columns = columns.len()));
    }
    if columns.len() >= 1_000 {
        warnings.push(note!("data.very_wide", file = path, columns = columns.len()));
    }
    let table = Table::from_polars(rows, columns)?;
    warnings.extend(checks::warnings(path, &table));
    let reading = Reading {
        format: format.to_owned(),
        delimiter: None,
        quote: None,
        header: true,
        encoding: None,
        byte_order_mark: false,
        decimal: None,
        detected: vec!["format".to_owned()],
    };
    Ok(Loaded { path: path.to_owned(), table, reading, fingerprint, preview: limit.is_some(), warnings })
}

/// A column in one of our types; none, with a warning, if it is a list or the like.
fn ours(path: &Path, series: &Series, warnings: &mut Vec<Notice>) -> Result<Option<Series>> {
    let fail = |e| polars_fault(path, &e);
    let cast = |to: DataType| series.cast(&to).map_err(fail);
    let name = series.name().clone();
    let made = match series.dtype() {
        DataType::Int64 | DataType::Boolean | DataType::Date => series.clone(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            cast(DataType::Int64)?
        }
        DataType::UInt64 | DataType::UInt128 | DataType::Int128 => {
            let whole = cast(DataType::Int64)?;
            // Numbers that do not fit are identifiers; as text they keep every digit.
            if whole.null_count() == series.null_count() { whole } else { cast(DataType::String)? }
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let numbers = cast(DataType::Float64)?;
            let array = numbers.f64().map_err(fail)?;
            let nans = array.iter().filter(|x| x.is_some_and(f64::is_nan)).count();
            if nans == 0 {
                numbers
            } else {
                warnings.push(note!("data.not_a_number", file = path, column = name.as_str(), count = nans));
                let mut clean: Float64Chunked = array.iter().map(|x| x.filter(|x| !x.is_nan())).collect();
                clean.rename(name);
                clean.into_series()
            }
        }
        DataType::String => {
            let array = series.str().map_err(fail)?;
            if array.iter().any(|s| s.is_some_and(str::is_empty)) {
                let mut clean: StringChunked = array.iter().map(|s| s.filter(|s| !s.is_empty())).collect();
                clean.rename(name);
                clean.into_series()
            } else {
                series.clone()
            }
        }
        DataType::Datetime(unit, _) => {
            let array = series.datetime().map_err(fail)?;
            let micros = |x: i64| match unit {
                TimeUnit::Nanoseconds => x.div_euclid(1_000),
                TimeUnit::Microseconds => x,
                TimeUnit::Milliseconds => x.saturating_mul(1_000),
            };
            let mut clean: polars::prelude::Int64Chunked = array.phys.iter().map(|x| x.map(micros)).collect();
            clean.rename(name);
            clean.into_datetime(TimeUnit::Microseconds, None).into_series()
        }
        DataType::Duration(_) => series.to_physical_repr().cast(&DataType::Int64).map_err(fail)?,
        DataType::Null => Series::full_null(name, series.len(), &DataType::String),
        other => match series.cast(&DataType::String) {
            Ok(text) if text.null_count() == series.null_count() => text,
            _ => {
                let kind = other.to_string();
                warnings.push(note!("data.unsupported_column", file = path, column = name.as_str(), kind = kind));
                return Ok(None);
            }
        },
    };
    Ok(Some(made.rechunk()))
}
