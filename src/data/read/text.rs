//! Delimited text from the file to a table: blocks in, columns out, one block ahead.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8};
use polars::prelude::IntoColumn as _;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::cell::Kind;
use super::column::Builder;
use super::encoding::{self, Guess, Transcoder};
use super::records::{self, Block, Span};
use super::sniff::{self, Shape};
use super::{Loaded, ReadOptions, Reading, checks};
use crate::base::{Fault, Fingerprint, JobCtx, Notice, Result};
use crate::data::table::Table;
use crate::data::table::calendar::Order;
use crate::{fault, note};

/// Bytes of a block; fixed, because type detection goes block by block and must not depend on the machine.
const BLOCK: usize = 8 << 20;
/// Bytes of a block of a preview.
const SMALL: usize = 1 << 19;
/// Bytes that the first look takes.
const SAMPLE: usize = 1 << 20;
/// No record is longer; a quote that nothing closes would otherwise swallow the file.
const LONGEST_RECORD: usize = 64 << 20;

/// Why a pass over the file ended early.
enum Stop {
    Fault(Fault),
    /// The file looked like ASCII up to here and is in this encoding.
    Encoding(&'static Encoding),
}
impl From<Fault> for Stop {
    fn from(f: Fault) -> Self {
        Self::Fault(f)
    }
}

/// How often something odd was seen, and where first.
#[derive(Clone, Copy, Debug, Default)]
struct Oddity {
    count: usize,
    line: u64,
    /// What was seen there.
    seen: usize,
}
impl Oddity {
    fn add(&mut self, count: usize, seen: usize, line: impl FnOnce() -> u64) {
        if self.count == 0 && count > 0 {
            *self = Self { count: 0, line: line(), seen };
        }
        self.count += count;
    }
}

/// Reads the file block by block.
struct Source<'a> {
    path: &'a Path,
    file: File,
    shape: &'a Shape,
    encoding: &'static Encoding,
    /// Whether a wrong encoding may still be found out.
    doubtful: bool,
    transcoder: Transcoder,
    block: usize,
    limit: Option<usize>,
    hash: Option<Sha256>,
    /// Text after the last whole record.
    carry: String,
    /// Line ends before `carry`.
    lines: u64,
    bytes: u64,
    rows: usize,
    header_pending: bool,
    old_mac: bool,
    ended: bool,
    ragged: Oddity,
    nuls: Oddity,
    bad: Oddity,
    stray: Oddity,
}

impl<'a> Source<'a> {
    fn new(path: &'a Path, shape: &'a Shape, look: &Look, limit: Option<usize>, hash: bool) -> Result<Self> {
        Ok(Self {
            path,
            file: File::open(path).map_err(|e| Fault::io(path, &e))?,
            shape,
            encoding: look.guess.encoding,
            doubtful: look.detected && look.guess.encoding == UTF_8 && look.guess.mark == 0,
            transcoder: Transcoder::new(look.guess),
            block: if limit.is_some() { SMALL } else { BLOCK },
            limit,
            hash: hash.then(Sha256::new),
            carry: String::new(),
            lines: 0,
            bytes: 0,
            rows: 0,
            header_pending: shape.header,
            old_mac: look.old_mac,
            ended: false,
            ragged: Oddity::default(),
            nuls: Oddity::default(),
            bad: Oddity::default(),
            stray: Oddity::default(),
        })
    }

    fn line_at(&self, place: usize) -> u64 {
        self.lines + 1 + line_ends(self.carry.get(..place).unwrap_or_default())
    }

    /// Adds the next bytes of the file to `carry`.
    fn refill(&mut self) -> std::result::Result<(), Stop> {
        let mut raw = Vec::with_capacity(self.block);
        self.file.by_ref().take(self.block as u64).read_to_end(&mut raw).map_err(|e| Fault::io(self.path, &e))?;
        self.ended = raw.len() < self.block;
        self.bytes += raw.len() as u64;
        if let Some(h) = &mut self.hash {
            h.update(&raw);
        }
        let before = self.carry.len();
        let bad = self.transcoder.feed(&raw, self.ended, &mut self.carry);
        if self.doubtful && !raw.is_ascii() {
            self.doubtful = false;
            if bad {
                let better = encoding::guess(&raw, self.ended).encoding;
                if better != self.encoding {
                    return Err(Stop::Encoding(better));
                }
            }
        }
        if bad {
            let new = self.carry.get(before..).unwrap_or_default();
            let (count, first) = (new.matches('\u{FFFD}').count(), new.find('\u{FFFD}').unwrap_or(0));
            let line = self.line_at(before + first);
            self.bad.add(count, 0, || line);
        }
        if let Some(first) = self.carry.as_bytes()[before..].iter().position(|b| *b == 0) {
            let count = self.carry.as_bytes()[before..].iter().filter(|b| **b == 0).count();
            let line = self.line_at(before + first);
            self.nuls.add(count, 0, || line);
            self.carry.retain(|c| c != '\0');
        }
        if self.old_mac {
            self.carry = self.carry.replace('\r', "\n");
        }
        Ok(())
    }

    /// The next rows; none at the end of the file or of the rows asked for.
    fn next(&mut self) -> std::result::Result<Option<Block>, Stop> {
        let width = self.shape.names.len();
        loop {
            if self.ended && self.carry.is_empty() {
                return Ok(None);
            }
            if !self.ended {
                self.refill()?;
            }
            let mut block = Block { width, ..Block::default() };
            let mut left = self.limit.map_or(usize::MAX, |l| l.saturating_sub(self.rows));
            let (mut ragged, mut first_ragged, mut header) = (0usize, None, self.header_pending);
            let scan = records::scan(&self.carry, self.shape.dialect, self.ended, |fields, place| {
                if records::is_blank(fields) && (width > 1 || header) {
                    return true;
                }
                if header {
                    header = false;
                    return left > 0;
                }
                if fields.len() == width {
                    block.spans.extend_from_slice(fields);
                } else {
                    let kept = fields.len().min(width);
                    block.spans.extend_from_slice(&fields[..kept]);
                    block.spans.extend(std::iter::repeat_n(Span::default(), width - kept));
                    // A delimiter too many at the end of a line loses nothing.
                    if fields.len() < width || fields[width..].iter().any(|s| !s.of(&self.carry).is_empty()) {
                        ragged += 1;
                        first_ragged.get_or_insert((place, fields.len()));
                    }
                }
                block.rows += 1;
                left -= 1;
                left > 0
            });
            self.header_pending = header;
            if let Some(place) = scan.unclosed {
                return Err(fault!("data.unclosed_quote", file = self.path, line = self.line_at(place)).into());
            }
            if let Some((place, fields)) = first_ragged {
                let line = self.line_at(place);
                self.ragged.add(ragged, fields, || line);
            }
            if scan.stray > 0 {
                let line = self.line_at(0);
                self.stray.add(scan.stray, 0, || line);
            }
            if scan.consumed == 0 && !self.ended {
                if self.carry.len() > LONGEST_RECORD.min(records::LONGEST) {
                    return Err(fault!("data.record_too_long", file = self.path, line = self.line_at(0)).into());
                }
                // Larger pieces, so that a very long record is not looked through over and over.
                self.block = (self.block * 2).min(LONGEST_RECORD);
                continue;
            }
            if left == 0 {
                self.ended = true;
                self.carry.truncate(scan.consumed);
            }
            let rest = self.carry.split_off(scan.consumed);
            block.text = std::mem::replace(&mut self.carry, rest);
            self.lines += line_ends(&block.text);
            self.rows += block.rows;
            if self.rows > u32::MAX as usize {
                return Err(fault!("data.too_many_rows", file = self.path, rows = self.rows).into());
            }
            if block.rows > 0 {
                return Ok(Some(block));
            }
        }
    }

    fn warnings(&self) -> Vec<Notice> {
        let mut out = Vec::new();
        let (file, line) = (self.path, |o: Oddity| o.line as i64);
        let Self { ragged, nuls, bad, stray, .. } = *self;
        if ragged.count > 0 {
            let expected = self.shape.names.len();
            let (count, found) = (ragged.count, ragged.seen);
            out.push(note!("data.ragged", file = file, count = count, line = line(ragged), found = found, expected = expected));
        }
        if bad.count > 0 {
            let encoding = encoding::name(self.encoding);
            out.push(note!("data.bad_characters", file = file, count = bad.count, line = line(bad), encoding = encoding));
        }
        if nuls.count > 0 {
            out.push(note!("data.nul_bytes", file = file, count = nuls.count, line = line(nuls)));
        }
        if stray.count > 0 {
            out.push(note!("data.stray_quotes", file = file, count = stray.count, line = line(stray)));
        }
        out
    }
}

fn line_ends(text: &str) -> u64 {
    text.as_bytes().iter().filter(|b| **b == b'\n').count() as u64
}

/// What the first look said.
struct Look {
    guess: Guess,
    detected: bool,
    /// Lines end with a carriage return alone.
    old_mac: bool,
    text: String,
    whole: bool,
}

fn look(path: &Path, options: &ReadOptions, most: usize) -> Result<Look> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| Fault::io(path, &e))?;
    file.take(most as u64).read_to_end(&mut bytes).map_err(|e| Fault::io(path, &e))?;
    let whole = bytes.len() < most;
    let guess = match &options.encoding {
        Some(label) => encoding::named(label, &bytes).ok_or_else(|| fault!("data.unknown_encoding", file = path, encoding = label))?,
        None => encoding::guess(&bytes, whole),
    };
    let mut text = String::new();
    Transcoder::new(guess).feed(&bytes, whole, &mut text);
    let odd = text.bytes().filter(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0C)).count();
    if odd * 20 > text.len() {
        return Err(fault!("data.not_text", file = path));
    }
    if odd > 0 {
        text.retain(|c| c != '\0');
    }
    let old_mac = !text.contains('\n') && text.contains('\r');
    if old_mac {
        text = text.replace('\r', "\n");
    }
    Ok(Look { guess, detected: options.encoding.is_none(), old_mac, text, whole })
}

/// Reads a text file, or its first `limit` rows.
pub fn read(path: &Path, options: &ReadOptions, limit: Option<usize>, ctx: &JobCtx) -> Result<Loaded> {
    let mut first = look(path, options, SAMPLE)?;
    let mut shape = sniff::sniff(path, &first.text, first.whole, options);
    if !first.whole && shape.is_err() {
        first = look(path, options, LONGEST_RECORD)?;
        shape = sniff::sniff(path, &first.text, first.whole, options);
    }
    let mut shape = shape?;
    first.text = String::new();
    let limit = limit.map(|l| l.max(1));
    loop {
        match pass(path, &shape, &first, limit, ctx) {
            Ok(loaded) => return Ok(loaded),
            Err(Stop::Fault(f)) => return Err(f),
            Err(Stop::Encoding(better)) => {
                // Everything before was ASCII, so the shape stands; names cannot change.
                first.guess = Guess { encoding: better, mark: 0 };
                shape.detected.retain(|d| d != "encoding");
            }
        }
    }
}

fn pass(path: &Path, shape: &Shape, look: &Look, limit: Option<usize>, ctx: &JobCtx) -> std::result::Result<Loaded, Stop> {
    let size = std::fs::metadata(path).map_err(|e| Fault::io(path, &e))?.len();
    ctx.stage("data.stage_reading", size);
    let mut builders: Vec<Builder> = shape.names.iter().map(|n| Builder::new(n, shape.decimal, shape.dialect.quote, shape.dates)).collect();
    let mut source = Source::new(path, shape, look, limit, limit.is_none())?;
    let mut current = source.next()?;
    while let Some(block) = current {
        ctx.check()?;
        ctx.at(source.bytes);
        let ((), next) = rayon::join(|| builders.par_iter_mut().enumerate().for_each(|(c, b)| b.push(&block, c)), || source.next());
        current = next?;
    }
    let stale = builders.iter().map(Builder::stale).max().unwrap_or(0);
    if stale > 0 {
        reread(path, shape, look, limit, stale, &mut builders, ctx)?;
    }
    ctx.check()?;
    let rows = source.rows;
    let fingerprint = source.hash.take().map(|h| Fingerprint(h.finalize().iter().map(|b| format!("{b:02x}")).collect()));
    let mut warnings = shape.warnings.clone();
    warnings.extend(source.warnings());
    if rows == 0 {
        warnings.push(note!("data.no_rows", file = path, columns = shape.names.len()));
    }
    for (b, name) in builders.iter().zip(&shape.names) {
        let both = Order::DayFirst.bit() | Order::MonthFirst.bit();
        if matches!(b.kind(), Kind::Time { orders, .. } if orders == both) {
            warnings.push(note!("data.day_or_month", file = path, column = name));
        }
        if b.not_numbers > 0 {
            warnings.push(note!("data.not_a_number", file = path, column = name, count = b.not_numbers));
        }
    }
    let columns: std::result::Result<Vec<_>, _> = builders.into_par_iter().map(|b| b.finish().map(|s| s.into_column())).collect();
    let columns = columns.map_err(|e| fault!("data.inside", reason = e.to_string()))?;
    let table = Table::from_polars(rows, columns)?;
    warnings.extend(checks::warnings(path, &table));
    let mut detected = shape.detected.clone();
    if look.detected {
        detected.push("encoding".to_owned());
    }
    let reading = Reading {
        format: "csv".to_owned(),
        delimiter: Some(char::from(shape.dialect.delimiter)),
        quote: shape.dialect.quote.map(char::from),
        header: shape.header,
        encoding: Some(encoding::name(look.guess.encoding)),
        byte_order_mark: look.guess.mark > 0,
        decimal: Some(char::from(shape.decimal)),
        detected,
    };
    let fingerprint = fingerprint.unwrap_or_default();
    Ok(Loaded { path: path.to_owned(), table, reading, fingerprint, preview: limit.is_some(), warnings })
}

/// Reads the first blocks once more for the columns that turned out to be wider than they began.
fn reread(
    path: &Path,
    shape: &Shape,
    look: &Look,
    limit: Option<usize>,
    stale: usize,
    builders: &mut [Builder],
    ctx: &JobCtx,
) -> std::result::Result<(), Stop> {
    ctx.stage("data.stage_rereading", stale as u64);
    let mut source = Source::new(path, shape, look, limit, false)?;
    for k in 0..stale {
        ctx.check()?;
        let Some(block) = source.next()? else {
            return Err(fault!("data.changed_while_reading", file = path).into());
        };
        builders.par_iter_mut().enumerate().for_each(|(c, b)| b.repair(k, &block, c));
        ctx.at(k as u64 + 1);
    }
    Ok(())
}
