//! Splits: which rows train, which validate, which test. Test rows are read once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::{ColumnType, Table};
use crate::base::{Result, rng};
use crate::fault;

/// The part a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Fits the model.
    Train,
    /// A share of train that stops training early and calibrates.
    Validation,
    /// Held out.
    Test,
}

/// How to split; written `random:0.3`, `time:COL`, `column:COL`, `group:COL,0.3`, `modulo:10,7`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Split {
    /// A random share tests.
    Random {
        /// Share of rows that test.
        test: f64,
    },
    /// The latest share tests.
    Time {
        /// Column with the moment.
        column: String,
        /// Share of rows that test.
        #[serde(default = "default_test")]
        test: f64,
    },
    /// A column says it: train, validation or test (or true/1 for test).
    Column {
        /// The column.
        column: String,
    },
    /// A random share of the groups tests; a group (a user) is never in both.
    Group {
        /// Column with the group.
        column: String,
        /// Share of groups that test.
        #[serde(default = "default_test")]
        test: f64,
    },
    /// Row i (0-based, file order, before any filter) tests when `i mod of ≥ test_from`.
    Modulo {
        /// The divisor.
        of: u32,
        /// The first remainder that tests.
        test_from: u32,
    },
}

/// The share that tests unless the analyst says otherwise.
pub fn default_test() -> f64 {
    0.3
}

impl Split {
    /// From the way it is written on the command line.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || fault!("data.split_syntax", text = text);
        let (kind, rest) = text.split_once(':').ok_or_else(bad)?;
        let share = |s: &str| s.trim().parse::<f64>().map_err(|_| bad());
        let named = |rest: &str| -> Result<(String, f64)> {
            match rest.rsplit_once(',') {
                Some((column, test)) if test.trim().parse::<f64>().is_ok() => Ok((column.trim().to_owned(), share(test)?)),
                _ => Ok((rest.trim().to_owned(), default_test())),
            }
        };
        let split = match kind {
            "random" => Self::Random { test: share(rest)? },
            "time" => named(rest).map(|(column, test)| Self::Time { column, test })?,
            "column" => Self::Column { column: rest.trim().to_owned() },
            "group" => named(rest).map(|(column, test)| Self::Group { column, test })?,
            "modulo" => {
                let (of, from) = rest.split_once(',').ok_or_else(bad)?;
                let whole = |s: &str| s.trim().parse::<u32>().map_err(|_| bad());
                Self::Modulo { of: whole(of)?, test_from: whole(from)? }
            }
            _ => return Err(bad()),
        };
        split.check()?;
        Ok(split)
    }

    /// The way it is written on the command line.
    pub fn spell(&self) -> String {
        match self {
            Self::Random { test } => format!("random:{test}"),
            Self::Time { column, test } => format!("time:{column},{test}"),
            Self::Column { column } => format!("column:{column}"),
            Self::Group { column, test } => format!("group:{column},{test}"),
            Self::Modulo { of, test_from } => format!("modulo:{of},{test_from}"),
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::Random { test } | Self::Time { test, .. } | Self::Group { test, .. } if !(*test > 0.0 && *test < 1.0) => {
                Err(fault!("data.split_share", share = *test))
            }
            Self::Modulo { of, test_from } if *of < 2 || test_from >= of || *test_from == 0 => {
                Err(fault!("data.split_modulo", of = *of, from = *test_from))
            }
            _ => Ok(()),
        }
    }

    /// The part of every row. The validation part comes only from a column; trainers that need one carve it out of train.
    pub fn assign(&self, seed: u64, table: &Table) -> Result<Vec<Part>> {
        self.check()?;
        let n = table.n_rows();
        let test_if = |yes: bool| if yes { Part::Test } else { Part::Train };
        let parts: Vec<Part> = match self {
            Self::Random { test } => {
                let mut rng = rng::rng(seed, "split");
                let mut order: Vec<usize> = (0..n).collect();
                rng::shuffle(&mut rng, &mut order);
                let mut parts = vec![Part::Train; n];
                for &row in &order[..share_of(n, *test)] {
                    parts[row] = Part::Test;
                }
                parts
            }
            Self::Time { column, test } => {
                let moments = table.numbers(table.column(column)?);
                let mut sorted: Vec<f64> = moments.iter().copied().filter(|x| !x.is_nan()).collect();
                if sorted.is_empty() {
                    return Err(fault!("data.split_no_times", column = column));
                }
                sorted.sort_unstable_by(f64::total_cmp);
                // Rows of one moment stay together, so that nothing of the test's first moment is trained on.
                let from = sorted[(sorted.len() - share_of(sorted.len(), *test)).min(sorted.len() - 1)];
                moments.iter().map(|x| test_if(*x >= from)).collect()
            }
            Self::Column { column } => {
                let i = table.column(column)?;
                let (codes, levels) = table.codes(i);
                let of_level: Vec<Part> = levels
                    .iter()
                    .map(|l| part_named(l).ok_or_else(|| fault!("data.split_value", column = column, value = l)))
                    .collect::<Result<_>>()?;
                codes.iter().map(|c| usize::try_from(*c).map_or(Part::Train, |c| of_level[c])).collect()
            }
            Self::Group { column, test } => {
                let i = table.column(column)?;
                let (codes, levels) = table.codes(i);
                let mut groups: Vec<i32> = (0..levels.len() as i32).collect();
                if codes.contains(&-1) {
                    groups.push(-1);
                }
                rng::shuffle(&mut rng::rng(seed, "split"), &mut groups);
                let tests = &groups[..share_of(groups.len(), *test)];
                let in_test: BTreeMap<i32, ()> = tests.iter().map(|g| (*g, ())).collect();
                codes.iter().map(|c| test_if(in_test.contains_key(c))).collect()
            }
            Self::Modulo { of, test_from } => (0..n).map(|i| test_if(table.file_row(i) % of >= *test_from)).collect(),
        };
        if n > 1 {
            let tests = parts.iter().filter(|p| **p == Part::Test).count();
            let trains = parts.iter().filter(|p| **p == Part::Train).count();
            if tests == 0 || trains == 0 {
                return Err(fault!("data.split_one_sided", split = self.spell(), train = trains, test = tests));
            }
        }
        Ok(parts)
    }

    /// The column that the split reads, if any.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Time { column, .. } | Self::Column { column } | Self::Group { column, .. } => Some(column),
            Self::Random { .. } | Self::Modulo { .. } => None,
        }
    }

    /// Whether the type of a column fits a split by time.
    pub fn is_time(kind: ColumnType) -> bool {
        !matches!(kind, ColumnType::Text | ColumnType::Boolean)
    }
}

fn share_of(n: usize, share: f64) -> usize {
    if n < 2 { 0 } else { ((n as f64 * share).round() as usize).clamp(1, n - 1) }
}

fn part_named(value: &str) -> Option<Part> {
    match value.to_ascii_lowercase().as_str() {
        "train" | "training" | "false" | "0" => Some(Part::Train),
        "validation" | "valid" | "val" | "dev" => Some(Part::Validation),
        "test" | "testing" | "holdout" | "true" | "1" => Some(Part::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::table::Values;
    use super::*;

    fn table(values: Vec<i64>) -> Table {
        Table::from_columns(vec![("g".into(), Values::Integers(values.into_iter().map(Some).collect()))]).unwrap()
    }

    #[test]
    fn written_and_read_alike() {
        for text in ["random:0.3", "time:when,0.2", "column:part", "group:user,0.3", "modulo:10,7"] {
            assert_eq!(Split::parse(text).unwrap().spell(), text);
        }
        for text in ["", "random", "random:2", "modulo:10", "modulo:10,10", "other:1"] {
            assert!(Split::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modulo_follows_the_file_not_the_filter() {
        let t = table((0..30).collect());
        let parts = Split::parse("modulo:10,7").unwrap().assign(1, &t).unwrap();
        assert!(parts.iter().enumerate().all(|(i, p)| (*p == Part::Test) == (i % 10 >= 7)));
        let odd = t.select_rows(&[7, 8, 10, 11, 19]);
        let parts = Split::parse("modulo:10,7").unwrap().assign(1, &odd).unwrap();
        assert_eq!(parts, [Part::Test, Part::Test, Part::Train, Part::Train, Part::Test]);
    }

    proptest! {
        #[test]
        fn a_group_is_never_on_both_sides(values in proptest::collection::vec(0i64..12, 20..200), seed in 0u64..1000) {
            prop_assume!(values.iter().any(|v| *v != values[0]));
            let parts = Split::Group { column: "g".into(), test: 0.4 }.assign(seed, &table(values.clone())).unwrap();
            for (i, a) in values.iter().enumerate() {
                for (j, b) in values.iter().enumerate() {
                    if a == b { prop_assert_eq!(parts[i], parts[j]); }
                }
            }
        }

        #[test]
        fn time_never_trains_on_the_future(values in proptest::collection::vec(0i64..50, 20..200)) {
            prop_assume!(values.iter().any(|v| *v != values[0]));
            if let Ok(parts) = (Split::Time { column: "g".into(), test: 0.3 }).assign(1, &table(values.clone())) {
                let last_train = values.iter().zip(&parts).filter(|(_, p)| **p == Part::Train).map(|(v, _)| *v).max().unwrap();
                let first_test = values.iter().zip(&parts).filter(|(_, p)| **p == Part::Test).map(|(v, _)| *v).min().unwrap();
                prop_assert!(last_train < first_test);
            }
        }
    }
}
