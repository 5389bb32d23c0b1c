//! The parts of a date that seasons hang on: month, day of the week, and the hour where there is a time. Their values are
//! categories, so that a line may give every month its own weight, and codes, so that a file holds no language.

use crate::base::Result;
use crate::data::table::calendar::{self, DAY};
use crate::data::table::{ColumnType, Table};

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// `01` to `12`.
    Month,
    /// `1` (Monday) to `7`.
    Weekday,
    /// `00` to `23`.
    Hour,
}

impl DatePart {
    /// The column that holds this part of a date column.
    pub fn column(self, date: &str) -> String {
        let part = match self {
            Self::Month => "month",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        };
        format!("{date}_{part}")
    }

    /// Its value at so many seconds since 1970.
    fn at(self, seconds: i64) -> String {
        let days = seconds.div_euclid(DAY);
        match self {
            Self::Month | Self::Weekday => self.on(days).unwrap_or_default(),
            Self::Hour => format!("{:02}", seconds.rem_euclid(DAY) / 3_600),
        }
    }

    /// Its value on a day since 1970; `None` for the hour, of which a day has many.
    pub fn on(self, days: i64) -> Option<String> {
        match self {
            Self::Month => Some(format!("{:02}", calendar::civil(days).1)),
            Self::Weekday => Some(calendar::weekday(days).to_string()),
            Self::Hour => None,
        }
    }
}

/// Adds the parts of a date column. A column that holds no dates here has no part that is known.
pub(super) fn add(table: Table, name: &str) -> Result<Table> {
    let i = table.column(name)?;
    let kind = table.column_type(i);
    let per = if kind == ColumnType::Date { DAY as f64 } else { 1.0 };
    let dated = matches!(kind, ColumnType::Date | ColumnType::Datetime);
    let seconds: Vec<Option<i64>> = if dated {
        table.numbers(i).into_iter().map(|v| v.is_finite().then_some((v * per).floor() as i64)).collect()
    } else {
        vec![None; table.n_rows()]
    };
    let hour = (kind == ColumnType::Datetime).then_some(DatePart::Hour);
    [DatePart::Month, DatePart::Weekday].into_iter().chain(hour).try_fold(table, |out, part| {
        let values: Vec<Option<String>> = seconds.iter().map(|s| s.map(|s| part.at(s))).collect();
        out.with_texts(&part.column(name), &values)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::JobCtx;
    use crate::data::prepare::{Step, fit};
    use crate::data::split::Part;
    use crate::data::table::Values;

    /// The seconds of a day and a time.
    fn micros(days: i64, hour: i64) -> Option<i64> {
        Some((days * DAY + hour * 3_600 + 59 * 60) * 1_000_000)
    }

    #[test]
    fn the_parts_are_those_of_the_calendar() {
        // Outside: `date -d 2024-02-29 +%u` is 4, 2026-11-27 is a Friday, 1969-12-31 was a Wednesday.
        let day = |y, m, d| calendar::days(y, m, d).unwrap();
        let all = [day(2024, 2, 29), day(2026, 11, 27), day(1969, 12, 31)];
        let table = Table::from_columns(vec![
            ("day".into(), Values::Dates(all.iter().map(|d| Some(*d as i32)).chain([None]).collect())),
            ("at".into(), Values::Moments(vec![micros(all[0], 0), micros(all[1], 23), micros(all[2], 7), None])),
            ("x".into(), Values::Integers(vec![Some(1); 4])),
        ])
        .unwrap();
        let step = Step::Calendar { columns: vec!["day".into(), "at".into()] };
        let parts = [Part::Train; 4];
        let fitted = fit(std::slice::from_ref(&step), &table, &parts, &JobCtx::quiet()).unwrap();
        let cells = |name: &str| fitted.table.cells(0..4, fitted.table.column(name).unwrap());
        let some = |v: [&str; 3]| v.iter().map(|t| Some((*t).to_owned())).chain([None]).collect::<Vec<_>>();
        for date in ["day", "at"] {
            assert_eq!(cells(&format!("{date}_month")), some(["02", "11", "12"]));
            assert_eq!(cells(&format!("{date}_weekday")), some(["4", "5", "3"]));
        }
        assert_eq!(cells("at_hour"), some(["00", "23", "07"]));
        assert_eq!(fitted.effects[0].added, ["day_month", "day_weekday", "at_month", "at_weekday", "at_hour"]);
        // A day has no hour, the date itself stays, and new rows get the same parts.
        assert!(fitted.table.index_of("day_hour").is_none() && fitted.table.index_of("day").is_some());
        assert_eq!(fitted.fitted.apply(&table).unwrap().names(), fitted.table.names());
        assert!(fitted.raw.index_of("day_month").is_none());
        // Numbers are no dates.
        let fault = fit(&[Step::Calendar { columns: vec!["x".into()] }], &table, &parts, &JobCtx::quiet()).unwrap_err();
        assert_eq!(fault.0.code, "data.step_needs_dates");
        for lang in [crate::base::Lang::En, crate::base::Lang::Zh] {
            assert!(!step.title().say(lang).contains('{') && !fault.say(lang).contains('{'));
        }
        assert_eq!(serde_json::to_string(&step).unwrap(), r#"{"step":"calendar","columns":["day","at"]}"#);
    }
}
