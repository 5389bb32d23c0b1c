//! Groups that an analyst would make anyway, found by the names of the columns: the parts of a date, the columns of a
//! one-hot set, columns of one family such as `Administrative` and `Administrative_Duration`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why columns belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Parts of a date.
    Calendar,
    /// `channel=Phone`, `channel=Web`.
    OneHot,
    /// Names that begin alike.
    Family,
}

/// Columns that may be one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Why.
    pub kind: Kind,
    /// What the names have in common: the date, for its parts; empty for a calendar without one.
    pub name: String,
    /// The columns, in file order.
    pub columns: Vec<String>,
}

/// Words of the calendar, without signs and in small letters.
const CALENDAR: [&str; 21] = [
    "year",
    "quarter",
    "month",
    "week",
    "weekofyear",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "weekday",
    "weekend",
    "isweekend",
    "hour",
    "minute",
    "season",
    "holiday",
    "年",
    "月",
    "日",
    "星期",
    "季度",
];
/// What preparation calls the parts of a date, behind its name.
const PARTS: [&str; 3] = ["month", "weekday", "hour"];
/// Signs at which a name is divided.
const SIGNS: [char; 7] = ['=', '_', '.', '-', ' ', '/', ':'];
/// A beginning shorter than this says nothing.
const SHORTEST: usize = 3;

/// What stands before the first sign; the whole name without one.
fn stem(name: &str) -> &str {
    name.find(SIGNS).filter(|at| *at > 0).map_or(name, |at| &name[..at])
}

/// The first word of a name such as `StreamingMovies`.
fn first_word(name: &str) -> &str {
    let mut before = None;
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && before.is_some_and(char::is_lowercase) {
            return &name[..at];
        }
        before = Some(c);
    }
    name
}

/// Groups that the names of columns suggest; columns in `taken` are in a group already. No column is in two.
pub fn suggest(columns: &[String], taken: &[String]) -> Vec<Suggestion> {
    let mut left: Vec<&String> = columns.iter().filter(|c| !taken.contains(c)).collect();
    let mut out = Vec::new();
    let found = |kind: Kind, left: &mut Vec<&String>, key: &dyn Fn(&str) -> Option<String>| -> Vec<Suggestion> {
        let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in left.iter() {
            if let Some(k) = key(name) {
                families.entry(k).or_default().push((*name).clone());
            }
        }
        // All columns together would leave nothing to tell apart; a name that another column has would be ambiguous.
        let clash = |k: &String, own: &[String]| columns.contains(k) && !own.contains(k);
        families.retain(|k, own| own.len() > 1 && own.len() < columns.len() && !clash(k, own));
        left.retain(|name| !families.values().any(|own| own.contains(name)));
        families.into_iter().map(|(name, columns)| Suggestion { kind, name, columns }).collect()
    };
    out.extend(found(Kind::OneHot, &mut left, &|n| n.split_once('=').map(|(a, _)| a.to_owned()).filter(|a| !a.is_empty())));
    // The parts that preparation adds to a date belong to that date.
    let dated =
        |n: &str| n.rsplit_once('_').filter(|(date, part)| !date.is_empty() && PARTS.contains(part)).map(|(date, _)| date.to_owned());
    out.extend(found(Kind::Calendar, &mut left, &dated));
    let calendar = |n: &str| {
        let bare: String = n.chars().filter(|c| !SIGNS.contains(c)).flat_map(char::to_lowercase).collect();
        CALENDAR.contains(&bare.as_str()).then(String::new)
    };
    out.extend(found(Kind::Calendar, &mut left, &calendar));
    let long = |t: &str| t.chars().count() >= SHORTEST || !t.is_ascii();
    out.extend(found(Kind::Family, &mut left, &|n| Some(stem(n).to_owned()).filter(|s| long(s))));
    // What begins with the same word, where nothing divides the name: one letter more than a syllable, so that chance is rare.
    let word = |n: &str| Some(first_word(n)).filter(|w| w.len() < n.len() && w.chars().count() > SHORTEST).map(str::to_owned);
    out.extend(found(Kind::Family, &mut left, &word));
    let first = |s: &Suggestion| columns.iter().position(|c| Some(c) == s.columns.first());
    out.sort_by_key(first);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str], taken: &[&str]) -> String {
        let own = |v: &[&str]| v.iter().map(ToString::to_string).collect::<Vec<_>>();
        let line = |s: Suggestion| format!("{:?} {}: {}", s.kind, s.name, s.columns.join("+"));
        suggest(&own(names), &own(taken)).into_iter().map(line).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn families_dates_and_one_hot_sets_are_found() {
        let shop =
            ["Administrative", "Administrative_Duration", "BounceRates", "ExitRates", "Month", "ProductRelated", "ProductRelated_Duration"];
        assert_eq!(
            of(&[&shop[..], &["Weekend"]].concat(), &[]),
            "Family Administrative: Administrative+Administrative_Duration; Calendar : Month+Weekend; \
             Family ProductRelated: ProductRelated+ProductRelated_Duration"
        );
        let telco = ["tenure", "OnlineSecurity", "OnlineBackup", "StreamingTV", "StreamingMovies", "PaymentMethod", "TotalCharges"];
        assert_eq!(of(&telco, &[]), "Family Online: OnlineSecurity+OnlineBackup; Family Streaming: StreamingTV+StreamingMovies");
        assert_eq!(of(&["channel=Phone", "age", "channel=Web", "zip=1"], &[]), "OneHot channel: channel=Phone+channel=Web");
        assert_eq!(of(&["capital.gain", "age", "capital.loss"], &[]), "Family capital: capital.gain+capital.loss");
        // The parts of each date stand together, apart from those of another date and from a column that begins alike.
        let dates = ["signup_date_month", "signup_date_weekday", "visit_month", "visit_hour", "visit_weekday", "visit_pages", "age"];
        assert_eq!(
            of(&dates, &[]),
            "Calendar signup_date: signup_date_month+signup_date_weekday; Calendar visit: visit_month+visit_hour+visit_weekday"
        );
        // What is in a group already is not offered again, nor one column alone, nor all of them.
        assert_eq!(of(&telco, &["OnlineBackup"]), "Family Streaming: StreamingTV+StreamingMovies");
        assert_eq!(of(&["x_1", "x_2"], &[]), "");
        assert_eq!(of(&["x_1", "x_2", "y"], &[]), "", "one letter says nothing");
        // A name that another column has already.
        assert_eq!(of(&["web_a", "web_b", "c", "web"], &["web"]), "");
        assert_eq!(of(&[], &[]), "");
    }
}
