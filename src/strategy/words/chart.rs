//! Pictures of studies as plain numbers: lines with bands, grids of cells, dots with whiskers. The window paints them, the
//! report prints them, and each is a table as well.

use super::Sheet;
use crate::base::{Lang, numbers, tr};
use crate::data::table::calendar;

/// How numbers of an axis are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// As they are.
    #[default]
    Plain,
    /// As a share.
    Percent,
    /// As a share with its sign.
    SignedPercent,
    /// As percentage points.
    Points,
    /// As they are, with their sign.
    Signed,
    /// Days since 1970-01-01 as a date.
    Date,
}

impl Show {
    /// A number in words; none for what is no number.
    pub fn of(self, v: f64) -> String {
        // Ticks carry the dust of a multiplication.
        let v = if v.is_finite() { (v * 1e12).round() / 1e12 } else { v };
        match self {
            _ if v.is_nan() => "–".to_owned(),
            Self::Plain => numbers::plain(v),
            Self::Percent => numbers::percent(v),
            Self::SignedPercent => super::signed_percent(v),
            Self::Points => numbers::points(v),
            Self::Signed => numbers::signed(v),
            Self::Date => calendar::show_date(v.round() as i64),
        }
    }
}

/// What part a curve plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// What the picture is about; its band is drawn.
    #[default]
    Main,
    /// One of many, thin; its band shows under the pointer.
    Other,
    /// What the others are compared with, dashed.
    Reference,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// How much.
    pub value: f64,
    /// Both ends of its interval.
    pub band: Option<(f64, f64)>,
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// What part it plays.
    pub part: Part,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// Curves over a common axis; zero is always on the upright one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// Name of the axis along.
    pub x_name: String,
    /// Name of the axis upright.
    pub y_name: String,
    /// How places are written.
    pub x: Show,
    /// How amounts are written.
    pub y: Show,
    /// Whether an amount holds until the next one.
    pub steps: bool,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// A cell of a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// How strong its colour is, 0 to 1.
    pub level: f64,
    /// What is written in it, one or two short lines.
    pub lines: Vec<String>,
    /// What its tooltip says.
    pub help: String,
}

/// A grid of cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// What the lines are.
    pub row_name: String,
    /// What the columns are.
    pub column_name: String,
    /// Names of the lines, from the top.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Line after line; none where nobody is.
    pub cells: Vec<Option<Cell>>,
    /// The same numbers as a table.
    pub sheet: Sheet,
}

/// Values with whiskers, one line per name and one mark per series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dots {
    /// Name of the axis.
    pub axis: String,
    /// How values are written.
    pub show: Show,
    /// Names of the series; one without a name if there is only one.
    pub series: Vec<String>,
    /// Name of a line and its marks: value, lower and upper end (not numbers where there are none).
    pub rows: Vec<(String, Vec<(f64, f64, f64)>)>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Curves.
    Lines(Lines),
    /// Cells.
    Grid(Grid),
    /// Dots.
    Dots(Dots),
}

impl Chart {
    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Lines(l) => l.curves.iter().all(|c| c.points.is_empty()),
            Self::Grid(g) => g.cells.iter().all(Option::is_none),
            Self::Dots(d) => d.rows.is_empty(),
        }
    }

    /// Its numbers as a table, as shown or with every digit.
    pub fn sheet(&self, lang: Lang, every_digit: bool) -> Sheet {
        let shown = |show: Show, v: f64| {
            if !every_digit || show == Show::Date {
                show.of(v)
            } else if v.is_finite() {
                v.to_string()
            } else {
                String::new()
            }
        };
        let (low, high) = (tr(lang, "why.low_column").to_owned(), tr(lang, "why.high_column").to_owned());
        match self {
            Self::Lines(l) => {
                let row = |c: &Curve, p: &Point| {
                    let (a, b) = p.band.unwrap_or((f64::NAN, f64::NAN));
                    vec![c.name.clone(), shown(l.x, p.x), shown(l.y, p.value), shown(l.y, a), shown(l.y, b)]
                };
                Sheet {
                    head: vec![tr(lang, "studies.line").to_owned(), l.x_name.clone(), l.y_name.clone(), low, high],
                    rows: l.curves.iter().flat_map(|c| c.points.iter().map(move |p| row(c, p))).collect(),
                }
            }
            Self::Grid(g) => g.sheet.clone(),
            Self::Dots(d) => {
                let mut head = vec![String::new()];
                let mut rows: Vec<Vec<String>> = d.rows.iter().map(|r| vec![r.0.clone()]).collect();
                for (k, name) in d.series.iter().enumerate() {
                    let all = || d.rows.iter().filter_map(move |r| r.1.get(k));
                    head.push(if name.is_empty() { d.axis.clone() } else { name.clone() });
                    all().zip(&mut rows).for_each(|(m, row)| row.push(shown(d.show, m.0)));
                    if all().any(|m| m.1.is_finite()) {
                        head.extend([low.clone(), high.clone()]);
                        all().zip(&mut rows).for_each(|(m, row)| row.extend([shown(d.show, m.1), shown(d.show, m.2)]));
                    }
                }
                Sheet { head, rows }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_a_table() {
        let point = |x: f64| Point { x, value: x / 3.0, band: (x > 1.0).then_some((0.0, 1.0)) };
        let curve = Curve { name: "all".into(), part: Part::Main, points: vec![point(1.0), point(2.0)] };
        let lines = Chart::Lines(Lines { y: Show::Percent, curves: vec![curve], ..Lines::default() });
        let sheet = lines.sheet(Lang::En, false);
        assert_eq!(sheet.rows[0], ["all", "1", "33.3 %", "–", "–"]);
        assert_eq!(sheet.rows[1][3..], ["0.0 %", "100.0 %"]);
        assert_eq!(lines.sheet(Lang::En, true).rows[0][2], (1.0f64 / 3.0).to_string());
        let nan = f64::NAN;
        let rows = vec![("a".to_owned(), vec![(1.0, nan, nan), (2.0, 1.5, 2.5)]), ("b".to_owned(), vec![(3.0, nan, nan), (4.0, nan, nan)])];
        let dots = Chart::Dots(Dots { series: vec!["x".into(), "y".into()], rows, ..Dots::default() });
        let sheet = dots.sheet(Lang::En, false);
        assert_eq!(sheet.head.len(), 5);
        assert_eq!(sheet.rows, [["a", "1", "2", "1.5", "2.5"], ["b", "3", "4", "–", "–"]]);
        assert!(!dots.is_empty() && Chart::Lines(Lines::default()).is_empty());
    }
}
