//! A column while it is read: typed as narrowly as the cells so far allow, widened when one disagrees.
//!
//! Widening to text (or to another order of day and month) makes what was read before useless, because the text is gone by then:
//! the column remembers up to which block, and the file is read once more for those blocks alone.

use polars::prelude::{
    BooleanChunkedBuilder, ChunkedBuilder as _, DataType, Float64Type, Int64Type, PolarsError, PrimitiveChunkedBuilder, Series,
    StringChunkedBuilder, TimeUnit,
};
use polars::prelude::{IntoSeries as _, PlSmallStr};

use super::cell::{self, Kind, Whole};
use super::records::Block;
use crate::data::table::calendar::{DAY, Order, Written};

/// The cells of one block.
enum Piece {
    /// All missing, or to be read again.
    Missing(usize),
    /// Moments are microseconds as whole numbers until the end.
    Cells(Series),
}

/// A column that grows block by block.
pub struct Builder {
    name: PlSmallStr,
    decimal: u8,
    quote: Option<u8>,
    /// The orders of a date that the analyst allows where a cell does not tell.
    dates: u8,
    kind: Kind,
    pieces: Vec<Piece>,
    /// Blocks before this one must be read again.
    stale: usize,
    /// Cells that say "not a number".
    pub not_numbers: usize,
}

impl Builder {
    /// An empty column.
    pub fn new(name: &str, decimal: u8, quote: Option<u8>, dates: u8) -> Self {
        Self { name: name.into(), decimal, quote, dates, kind: Kind::Empty, pieces: Vec::new(), stale: 0, not_numbers: 0 }
    }

    /// How many blocks, from the first, must be handed to [`Builder::repair`].
    pub fn stale(&self) -> usize {
        self.stale
    }

    /// What the column has turned out to hold.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes in column `c` of the next block.
    pub fn push(&mut self, block: &Block, c: usize) {
        let before = self.kind;
        let piece = self.read(block, c);
        let seen = self.pieces.len();
        let orders = |k: Kind| if let Kind::Time { orders, .. } = k { Order::first_of(orders) } else { None };
        match (before, self.kind) {
            (a, b) if a == b => {}
            (Kind::Empty, _) => {}
            (Kind::Integer, Kind::Number) => {
                for p in &mut self.pieces {
                    if let Piece::Cells(s) = p
                        && let Ok(wide) = s.cast(&DataType::Float64)
                    {
                        *s = wide;
                    }
                }
            }
            (Kind::Time { .. }, Kind::Time { .. }) if orders(before) == orders(self.kind) => {}
            _ => {
                self.stale = seen;
                for p in &mut self.pieces {
                    if let Piece::Cells(s) = p {
                        *p = Piece::Missing(s.len());
                    }
                }
            }
        }
        self.pieces.push(piece);
    }

    /// Takes in block `k` again, now that the type is known.
    pub fn repair(&mut self, k: usize, block: &Block, c: usize) {
        if k < self.stale && k < self.pieces.len() {
            let nans = self.not_numbers;
            self.pieces[k] = self.read(block, c);
            self.not_numbers = nans;
        }
    }

    fn read(&mut self, block: &Block, c: usize) -> Piece {
        let text = block.text.as_str();
        let cells = || block.column(c).map(|s| s.of(text));
        loop {
            let decimal = self.decimal;
            let read = match self.kind {
                Kind::Empty => match cells().find(|s| !cell::is_missing(s)) {
                    None => {
                        self.not_numbers += cells().filter(|s| cell::is_nan(s)).count();
                        return Piece::Missing(block.rows);
                    }
                    Some(first) => Err(first),
                },
                Kind::Boolean => {
                    let mut b = BooleanChunkedBuilder::new(self.name.clone(), block.rows);
                    fill(cells(), cell::boolean, |x| match x {
                        Some(x) => b.append_value(x),
                        None => b.append_null(),
                    })
                    .map(|()| b.finish().into_series())
                }
                Kind::Integer => {
                    let mut b = PrimitiveChunkedBuilder::<Int64Type>::new(self.name.clone(), block.rows);
                    let parse = |s: &str| if let Whole::Value(x) = cell::integer(s) { Some(x) } else { None };
                    fill(cells(), parse, |x| b.append_option(x)).map(|()| b.finish().into_series())
                }
                Kind::Number => {
                    let mut b = PrimitiveChunkedBuilder::<Float64Type>::new(self.name.clone(), block.rows);
                    fill(cells(), |s| cell::number(s, decimal), |x| b.append_option(x)).map(|()| b.finish().into_series())
                }
                Kind::Time { orders, .. } => {
                    let mut b = PrimitiveChunkedBuilder::<Int64Type>::new(self.name.clone(), block.rows);
                    let order = Order::first_of(orders).unwrap_or(Order::YearFirst);
                    let mut moment = false;
                    let parse = |s: &str| {
                        // A cell that leaves fewer orders than are known shows itself here and narrows the set.
                        let w = Written::parse(s).filter(|w| w.orders & orders == orders)?;
                        moment |= w.has_time;
                        w.moment(order)
                    };
                    let done = fill(cells(), parse, |x| b.append_option(x)).map(|()| b.finish().into_series());
                    if moment && done.is_ok() {
                        self.kind = Kind::Time { orders, moment: true };
                    }
                    done
                }
                Kind::Text => {
                    let mut b = StringChunkedBuilder::new(self.name.clone(), block.rows);
                    for s in block.column(c) {
                        let raw = s.of(text);
                        if cell::is_missing(raw) {
                            b.append_null();
                        } else if s.is_doubled() {
                            b.append_value(s.meant(text, self.quote));
                        } else {
                            b.append_value(raw);
                        }
                    }
                    Ok(b.finish().into_series())
                }
            };
            match read {
                Ok(series) => {
                    if self.kind == Kind::Number || self.kind == Kind::Integer {
                        self.not_numbers += cells().filter(|s| cell::is_nan(s)).count();
                    }
                    return Piece::Cells(series);
                }
                Err(odd) => {
                    let of_cell = match Kind::of(odd, decimal) {
                        // A date that tells its own order keeps it, whatever was asked for: the column then shows the conflict.
                        Kind::Time { orders, moment } if orders & self.dates != 0 => Kind::Time { orders: orders & self.dates, moment },
                        kind => kind,
                    };
                    let wider = self.kind.join(of_cell);
                    // A type that already claims to hold the cell cannot fail on it twice.
                    self.kind = if wider == self.kind { Kind::Text } else { wider };
                }
            }
        }
    }

    /// The whole column in one piece.
    pub fn finish(self) -> Result<Series, PolarsError> {
        let inner = match self.kind {
            Kind::Boolean => DataType::Boolean,
            Kind::Integer | Kind::Time { .. } => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Text | Kind::Empty => DataType::String,
        };
        let mut whole = Series::new_empty(self.name.clone(), &inner);
        for piece in self.pieces {
            match piece {
                Piece::Missing(n) => whole.append_owned(Series::full_null(self.name.clone(), n, &inner))?,
                Piece::Cells(s) => whole.append_owned(s)?,
            };
        }
        let whole = whole.rechunk();
        match self.kind {
            Kind::Time { moment: true, .. } => Ok(whole.i64()?.clone().into_datetime(TimeUnit::Microseconds, None).into_series()),
            Kind::Time { .. } => {
                let days = whole.i64()?.iter().map(|x| x.map(|x| x.div_euclid(DAY * 1_000_000) as i32));
                let mut days: polars::prelude::Int32Chunked = days.collect();
                days.rename(self.name);
                Ok(days.into_date().into_series())
            }
            _ => Ok(whole),
        }
    }
}

/// Reads every cell; the first that does not fit stops it.
fn fill<'a, T>(
    cells: impl Iterator<Item = &'a str>,
    mut parse: impl FnMut(&str) -> Option<T>,
    mut put: impl FnMut(Option<T>),
) -> Result<(), &'a str> {
    for s in cells {
        match parse(s) {
            Some(x) => put(Some(x)),
            None if cell::is_missing(s) => put(None),
            None => return Err(s),
        }
    }
    Ok(())
}
