//! Preparation: a visible list of steps, fitted on the train rows only, each saying what it changes.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::features::quantile;
use super::split::Part;
use super::table::{ColumnType, Table};
use crate::base::{JobCtx, Notice, Result};
use crate::{fault, note};
pub use parts::DatePart;

/// One step of the recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Keeps the first of rows that agree in all columns (or in those named).
    Deduplicate {
        /// Columns compared; all if empty.
        #[serde(default)]
        columns: Vec<String>,
    },
    /// Fills missing cells.
    Fill {
        /// Which columns.
        columns: Vec<String>,
        /// With what.
        with: FillWith,
        /// The constant, for `with = "constant"`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Sets values beyond fixed limits to those limits.
    Clip {
        /// Which columns.
        columns: Vec<String>,
        /// Smallest value kept as it is; smaller ones become it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lower: Option<f64>,
        /// Largest value kept as it is; larger ones become it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upper: Option<f64>,
    },
    /// Sets values beyond train quantiles to those quantiles.
    Winsorise {
        /// Which columns.
        columns: Vec<String>,
        /// Lower quantile, 0 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lower: Option<f64>,
        /// Upper quantile, 1 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upper: Option<f64>,
    },
    /// Rescales numbers with train summaries.
    Normalise {
        /// Which columns.
        columns: Vec<String>,
        /// To what.
        #[serde(default)]
        method: Normalisation,
    },
    /// Adds the parts of dates that seasons hang on: `NAME_month`, `NAME_weekday`, and `NAME_hour` where there is a time.
    Calendar {
        /// Which columns.
        columns: Vec<String>,
    },
    /// Removes columns.
    Drop {
        /// Which columns.
        columns: Vec<String>,
    },
}

/// What fills a missing cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FillWith {
    /// The train median (numbers).
    Median,
    /// The most frequent train value.
    Mode,
    /// A constant.
    Constant,
    /// Nothing is filled; a true/false column `NAME_missing` is added instead.
    Flag,
}

/// How numbers are rescaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Mean 0, standard deviation 1.
    #[default]
    ZScore,
    /// From 0 to 1.
    MinMax,
}

/// A step with what it learned from the train rows; applies to rows it has never seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedStep {
    /// The step.
    pub step: Step,
    /// What it learned, one entry per column: a fill value as written, or the numbers it needs.
    pub learned: BTreeMap<String, Learned>,
}

/// What a step learned about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Learned {
    /// Two numbers: limits, or centre and scale.
    Pair(f64, f64),
    /// A value to fill.
    Value(String),
}

/// All fitted steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FittedPrepare {
    /// The steps.
    pub steps: Vec<FittedStep>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepEffect {
    /// The step.
    pub step: Step,
    /// In words.
    pub title: Notice,
    /// Rows before and after.
    pub rows: (usize, usize),
    /// Cells it changed.
    pub cells: usize,
    /// Rows in which it changed a cell, or that it removed.
    pub rows_changed: usize,
    /// Columns that it added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Per column: name, missing, mean, min and max before and after.
    pub columns: Vec<ColumnChange>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// A column before and after a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnChange {
    /// Column.
    pub name: String,
    /// Cells changed.
    pub cells: usize,
    /// Before: missing cells, mean, min, max.
    pub before: (usize, Option<f64>, Option<f64>, Option<f64>),
    /// After.
    pub after: (usize, Option<f64>, Option<f64>, Option<f64>),
}

/// What fitting a list of steps gives.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The steps with what they learned.
    pub fitted: FittedPrepare,
    /// The prepared table.
    pub table: Table,
    /// The same rows with their cells untouched.
    pub raw: Table,
    /// The part of each of these rows.
    pub parts: Vec<Part>,
    /// What each step did.
    pub effects: Vec<StepEffect>,
}

/// Fits the steps in order on the train rows, and applies them to all.
pub fn fit(steps: &[Step], table: &Table, parts: &[Part], ctx: &JobCtx) -> Result<Fitted> {
    ctx.stage("data.stage_preparing", steps.len() as u64);
    let mut out =
        Fitted { fitted: FittedPrepare::default(), table: table.clone(), raw: table.clone(), parts: parts.to_vec(), effects: Vec::new() };
    for (k, step) in steps.iter().enumerate() {
        ctx.check()?;
        let before = out.table.clone();
        let mut warnings = Vec::new();
        let mut fitted = FittedStep { step: step.clone(), learned: BTreeMap::new() };
        if let Step::Deduplicate { columns } = step {
            let which: Vec<usize> = if columns.is_empty() {
                (0..before.n_columns()).collect()
            } else {
                columns.iter().map(|c| before.column(c)).collect::<Result<_>>()?
            };
            let mut seen = std::collections::HashSet::with_capacity(before.n_rows());
            let keep: Vec<usize> =
                before.row_keys(&which).into_iter().enumerate().filter(|(_, key)| seen.insert(*key)).map(|(i, _)| i).collect();
            if keep.len() < before.n_rows() {
                out.table = out.table.select_rows(&keep);
                out.raw = out.raw.select_rows(&keep);
                out.parts = keep.iter().map(|&i| out.parts[i]).collect();
            }
        } else {
            let train: Vec<usize> = out.parts.iter().enumerate().filter(|(_, p)| **p == Part::Train).map(|(i, _)| i).collect();
            fitted.learned = learn(step, &before, &train, &mut warnings)?;
            out.table = fitted.apply(&before)?;
        }
        out.effects.push(effect(step, &before, &out.table, warnings));
        out.fitted.steps.push(fitted);
        ctx.at(k as u64 + 1);
    }
    Ok(out)
}

impl Step {
    /// The columns that it names.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Deduplicate { columns }
            | Self::Fill { columns, .. }
            | Self::Clip { columns, .. }
            | Self::Winsorise { columns, .. }
            | Self::Normalise { columns, .. }
            | Self::Calendar { columns }
            | Self::Drop { columns } => columns,
        }
    }

    /// The step in words.
    pub fn title(&self) -> Notice {
        let names = self.columns().join(", ");
        let limit = |x: &Option<f64>| x.map_or_else(|| "–".to_owned(), crate::base::numbers::plain);
        match self {
            Self::Deduplicate { columns } if columns.is_empty() => note!("data.step_deduplicate"),
            Self::Deduplicate { .. } => note!("data.step_deduplicate_by", columns = names),
            Self::Fill { with: FillWith::Median, .. } => note!("data.step_fill_median", columns = names),
            Self::Fill { with: FillWith::Mode, .. } => note!("data.step_fill_mode", columns = names),
            Self::Fill { with: FillWith::Flag, .. } => note!("data.step_fill_flag", columns = names),
            Self::Fill { with: FillWith::Constant, value, .. } => {
                note!("data.step_fill_constant", columns = names, value = value.clone().unwrap_or_default())
            }
            Self::Clip { lower, upper, .. } => note!("data.step_clip", columns = names, lower = limit(lower), upper = limit(upper)),
            Self::Winsorise { lower, upper, .. } => note!(
                "data.step_winsorise",
                columns = names,
                lower = crate::base::numbers::percent(lower.unwrap_or(0.0)),
                upper = crate::base::numbers::percent(upper.unwrap_or(1.0))
            ),
            Self::Normalise { method: Normalisation::ZScore, .. } => note!("data.step_z_score", columns = names),
            Self::Normalise { method: Normalisation::MinMax, .. } => note!("data.step_min_max", columns = names),
            Self::Calendar { .. } => note!("data.step_calendar", columns = names),
            Self::Drop { .. } => note!("data.step_drop", columns = names),
        }
    }
}

/// A number column of a step, or a fault that says what it holds.
fn number_column(table: &Table, name: &str) -> Result<usize> {
    let i = table.column(name)?;
    match table.column_type(i) {
        ColumnType::Integer | ColumnType::Number => Ok(i),
        _ => Err(fault!("data.step_needs_numbers", column = name)),
    }
}

fn learn(step: &Step, table: &Table, train: &[usize], warnings: &mut Vec<Notice>) -> Result<BTreeMap<String, Learned>> {
    let mut learned = BTreeMap::new();
    let sorted = |i: usize| {
        let all = table.numbers(i);
        let mut v: Vec<f64> = train.iter().map(|&r| all[r]).filter(|x| x.is_finite()).collect();
        v.sort_unstable_by(f64::total_cmp);
        v
    };
    if step.columns().is_empty() {
        return Err(fault!("data.step_no_columns"));
    }
    for name in step.columns() {
        let what = match step {
            Step::Deduplicate { .. } => continue,
            Step::Drop { .. } => {
                table.column(name)?;
                continue;
            }
            Step::Calendar { .. } => {
                if !matches!(table.column_type(table.column(name)?), ColumnType::Date | ColumnType::Datetime) {
                    return Err(fault!("data.step_needs_dates", column = name));
                }
                continue;
            }
            Step::Clip { lower, upper, .. } => {
                number_column(table, name)?;
                let (low, high) = (lower.unwrap_or(f64::MIN), upper.unwrap_or(f64::MAX));
                if low > high || low.is_nan() || high.is_nan() {
                    return Err(fault!("data.step_limits", column = name, lower = low, upper = high));
                }
                Learned::Pair(low, high)
            }
            Step::Winsorise { lower, upper, .. } => {
                let v = sorted(number_column(table, name)?);
                let (low, high) = (lower.unwrap_or(0.0), upper.unwrap_or(1.0));
                if !(0.0..=1.0).contains(&low) || !(0.0..=1.0).contains(&high) || low >= high {
                    return Err(fault!("data.step_quantiles", column = name, lower = low, upper = high));
                }
                if v.is_empty() {
                    warnings.push(note!("data.step_nothing_to_learn", column = name));
                    continue;
                }
                Learned::Pair(quantile(&v, low), quantile(&v, high))
            }
            Step::Normalise { method, .. } => {
                let v = sorted(number_column(table, name)?);
                let (Some(&first), Some(&last)) = (v.first(), v.last()) else {
                    warnings.push(note!("data.step_nothing_to_learn", column = name));
                    continue;
                };
                let (centre, scale) = match method {
                    Normalisation::ZScore => {
                        let mean = v.iter().sum::<f64>() / v.len() as f64;
                        (mean, (v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt())
                    }
                    Normalisation::MinMax => (first, last - first),
                };
                if scale <= 0.0 {
                    warnings.push(note!("data.step_constant", column = name));
                }
                Learned::Pair(centre, if scale > 0.0 { scale } else { 1.0 })
            }
            Step::Fill { with, value, .. } => {
                let i = table.column(name)?;
                let kind = table.column_type(i);
                let text = match with {
                    FillWith::Flag => continue,
                    FillWith::Constant => {
                        let value = value.clone().ok_or_else(|| fault!("data.step_no_constant", column = name))?;
                        let fits = match kind {
                            ColumnType::Integer | ColumnType::Number => value.trim().parse::<f64>().is_ok_and(f64::is_finite),
                            ColumnType::Boolean => boolean(&value).is_some(),
                            _ => true,
                        };
                        if !fits {
                            return Err(fault!("data.step_constant_does_not_fit", column = name, value = value));
                        }
                        value
                    }
                    FillWith::Median => {
                        let v = sorted(number_column(table, name)?);
                        if v.is_empty() {
                            warnings.push(note!("data.step_nothing_to_learn", column = name));
                            continue;
                        }
                        quantile(&v, 0.5).to_string()
                    }
                    FillWith::Mode => {
                        let (codes, levels) = table.codes(i);
                        let mut counts = vec![0usize; levels.len()];
                        for &r in train {
                            if let Ok(c) = usize::try_from(codes[r]) {
                                counts[c] += 1;
                            }
                        }
                        match (0..levels.len()).max_by_key(|c| (counts[*c], std::cmp::Reverse(*c))).filter(|c| counts[*c] > 0) {
                            Some(c) => levels[c].clone(),
                            None => {
                                warnings.push(note!("data.step_nothing_to_learn", column = name));
                                continue;
                            }
                        }
                    }
                };
                Learned::Value(text)
            }
        };
        learned.insert(name.clone(), what);
    }
    Ok(learned)
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

impl FittedStep {
    /// One number through this step.
    fn value(&self, column: &str, x: f64) -> f64 {
        match (&self.step, self.learned.get(column)) {
            (Step::Fill { .. }, Some(Learned::Value(v))) if x.is_nan() => {
                v.trim().parse().ok().or_else(|| boolean(v).map(|b| f64::from(u8::from(b)))).unwrap_or(x)
            }
            (Step::Clip { .. } | Step::Winsorise { .. }, Some(Learned::Pair(low, high))) if !x.is_nan() => x.clamp(*low, *high),
            (Step::Normalise { .. }, Some(Learned::Pair(centre, scale))) => (x - centre) / scale,
            _ => x,
        }
    }

    fn apply(&self, table: &Table) -> Result<Table> {
        let mut out = table.clone();
        match &self.step {
            Step::Deduplicate { .. } => {}
            Step::Drop { columns } => {
                let there: Vec<String> = columns.iter().filter(|c| out.index_of(c).is_some()).cloned().collect();
                out = out.drop_columns(&there);
            }
            Step::Calendar { columns } => out = columns.iter().try_fold(out, |t, name| parts::add(t, name))?,
            Step::Fill { columns, with: FillWith::Flag, .. } => {
                for name in columns {
                    let missing = out.missing(out.column(name)?);
                    out = out.with_booleans(&format!("{name}_missing"), &missing)?;
                }
            }
            _ => {
                for name in self.learned.keys() {
                    let i = out.column(name)?;
                    match (out.column_type(i), self.learned.get(name)) {
                        (ColumnType::Integer | ColumnType::Number, _) => {
                            let values: Vec<f64> = out.numbers(i).into_iter().map(|x| self.value(name, x)).collect();
                            out = out.with_numbers(name, &values)?;
                        }
                        (ColumnType::Boolean, Some(Learned::Value(v))) => {
                            let fill = boolean(v).unwrap_or(false);
                            let values: Vec<bool> = out.numbers(i).into_iter().map(|x| if x.is_nan() { fill } else { x > 0.5 }).collect();
                            out = out.with_booleans(name, &values)?;
                        }
                        (_, Some(Learned::Value(v))) => {
                            let values: Vec<Option<String>> =
                                out.cells(0..out.n_rows(), i).into_iter().map(|c| c.or_else(|| Some(v.clone()))).collect();
                            out = out.with_texts(name, &values)?;
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(out)
    }
}

impl FittedPrepare {
    /// The steps on rows that they may never have seen: cells and columns change, no row is removed.
    pub fn apply(&self, table: &Table) -> Result<Table> {
        let mut out = table.clone();
        for step in &self.steps {
            out = step.apply(&out)?;
        }
        Ok(out)
    }

    /// One number of a column through all steps; NaN is a missing cell.
    pub fn apply_value(&self, column: &str, value: f64) -> f64 {
        self.steps.iter().fold(value, |x, step| step.value(column, x))
    }

    /// Date columns whose parts the steps add.
    pub fn dates(&self) -> Vec<&str> {
        let of = |s: &FittedStep| matches!(s.step, Step::Calendar { .. });
        let mut out: Vec<&str> = self.steps.iter().filter(|s| of(s)).flat_map(|s| s.step.columns().iter().map(String::as_str)).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Columns whose cells the steps change.
    pub fn touched(&self) -> BTreeSet<&str> {
        self.steps.iter().flat_map(|s| s.learned.keys().map(String::as_str)).collect()
    }
}

fn effect(step: &Step, before: &Table, after: &Table, warnings: Vec<Notice>) -> StepEffect {
    let rows = (before.n_rows(), after.n_rows());
    let mut out = StepEffect {
        step: step.clone(),
        title: step.title(),
        rows,
        cells: 0,
        rows_changed: rows.0 - rows.1,
        added: after.names().into_iter().filter(|n| before.index_of(n).is_none()).collect(),
        columns: Vec::new(),
        warnings,
    };
    if matches!(step, Step::Deduplicate { .. }) {
        return out;
    }
    let mut changed = vec![false; rows.0];
    for name in step.columns() {
        let Some(i) = before.index_of(name) else { continue };
        let summary = |t: &Table, j: usize| {
            let missing = t.missing(j).iter().filter(|m| **m).count();
            if !matches!(t.column_type(j), ColumnType::Integer | ColumnType::Number | ColumnType::Boolean) {
                return (missing, None, None, None);
            }
            let v: Vec<f64> = t.numbers(j).into_iter().filter(|x| x.is_finite()).collect();
            if v.is_empty() {
                return (missing, None, None, None);
            }
            let mean = v.iter().sum::<f64>() / v.len() as f64;
            let (low, high) = v.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
            (missing, Some(mean), Some(low), Some(high))
        };
        let was = summary(before, i);
        let mut cells = 0;
        let now = match after.index_of(name) {
            None => (0, None, None, None),
            Some(j) => {
                let numbers = before.column_type(i) != ColumnType::Text;
                let mut mark = |row: usize| {
                    cells += 1;
                    changed[row] = true;
                };
                if numbers && before.column_type(i) != ColumnType::Date && before.column_type(i) != ColumnType::Datetime {
                    for (row, (a, b)) in before.numbers(i).into_iter().zip(after.numbers(j)).enumerate() {
                        if a != b && !(a.is_nan() && b.is_nan()) {
                            mark(row);
                        }
                    }
                } else {
                    for (row, (a, b)) in before.missing(i).into_iter().zip(after.missing(j)).enumerate() {
                        if a != b {
                            mark(row);
                        }
                    }
                }
                summary(after, j)
            }
        };
        out.cells += cells;
        out.columns.push(ColumnChange { name: name.clone(), cells, before: was, after: now });
    }
    out.rows_changed = changed.iter().filter(|c| **c).count();
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::Values;
    use super::*;

    fn table() -> Table {
        Table::from_columns(vec![
            ("x".into(), Values::Numbers(vec![Some(1.0), Some(2.0), None, Some(2.0), Some(3.0), Some(900.0)])),
            ("c".into(), Values::Texts(["a", "b", "", "b", "b", "z"].map(|s| (!s.is_empty()).then(|| s.to_owned())).to_vec())),
        ])
        .unwrap()
    }

    fn run(steps: &[Step]) -> Fitted {
        let mut parts = vec![Part::Train; 6];
        parts[5] = Part::Test;
        fit(steps, &table(), &parts, &JobCtx::quiet()).unwrap()
    }

    fn names(v: &[&str]) -> Vec<String> {
        v.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn steps_learn_from_train_rows_only_and_count_what_they_change() {
        let out = run(&[
            Step::Deduplicate { columns: vec![] },
            Step::Fill { columns: names(&["x"]), with: FillWith::Median, value: None },
            Step::Fill { columns: names(&["c"]), with: FillWith::Mode, value: None },
            Step::Winsorise { columns: names(&["x"]), lower: None, upper: Some(1.0) },
        ]);
        assert_eq!(out.effects[0].rows, (6, 5), "rows 1 and 3 agree");
        assert_eq!(out.parts.len(), 5);
        assert_eq!(out.table.numbers(0), [1.0, 2.0, 2.0, 3.0, 3.0], "the test row's 900 is limited by the train maximum");
        assert_eq!(out.table.cell(2, 1).as_deref(), Some("b"), "mode of a, b, b");
        assert_eq!((out.effects[1].cells, out.effects[3].cells), (1, 1));
        assert_eq!(out.effects[3].columns[0].before.3, Some(900.0));
        assert!(out.raw.numbers(0)[2].is_nan(), "raw cells stay");
        assert_eq!(out.table.file_row(4), 5);
        let again = out.fitted.apply(&out.raw).unwrap();
        assert_eq!(again.numbers(0), out.table.numbers(0));
        for (i, x) in out.raw.numbers(0).into_iter().enumerate() {
            assert_eq!(out.fitted.apply_value("x", x), out.table.numbers(0)[i]);
        }
    }

    #[test]
    fn flag_and_normalise() {
        let out = run(&[
            Step::Fill { columns: names(&["x"]), with: FillWith::Flag, value: None },
            Step::Clip { columns: names(&["x"]), lower: Some(1.5), upper: Some(3.5) },
            Step::Normalise { columns: names(&["x"]), method: Normalisation::MinMax },
        ]);
        let flag = out.table.index_of("x_missing").unwrap();
        assert_eq!(out.table.numbers(flag), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        let x = out.table.numbers(0);
        assert_eq!((x[0], x[4]), (0.0, 1.0));
        assert!((x[5] - 2.0 / 1.5).abs() < 1e-12, "3.5 lies beyond the train range");
    }

    #[test]
    fn steps_refuse_what_they_cannot_do() {
        let parts = vec![Part::Train; 6];
        for step in [
            Step::Winsorise { columns: names(&["c"]), lower: None, upper: None },
            Step::Winsorise { columns: names(&["x"]), lower: Some(0.9), upper: Some(0.1) },
            Step::Fill { columns: names(&["x"]), with: FillWith::Constant, value: Some("many".into()) },
            Step::Fill { columns: names(&["nope"]), with: FillWith::Mode, value: None },
            Step::Drop { columns: vec![] },
        ] {
            assert!(fit(std::slice::from_ref(&step), &table(), &parts, &JobCtx::quiet()).is_err(), "{step:?}");
        }
    }
}
