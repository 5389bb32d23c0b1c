//! What the model would see for each item: the person's newest row with the item's own values put in its place.
//!
//! A column belongs to the *item* if it says the same wherever that item was logged (or stands in the items file), to the
//! *pair* if its name speaks of user and item, and to the *person* and moment otherwise. Rows are put together after
//! encoding, feature by feature, so that every value has passed through the same preparation as in training.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Notice, Result};
use crate::data::features::UNSEEN;
use crate::data::table::Values;
use crate::data::{ColumnType, FeatureMatrix, Role, Roles, Segment, Table};
use crate::ml::Model;
use crate::{fault, note};

/// Most items that are ranked at once.
const MOST_ITEMS: usize = 20_000;

/// The items with the rows that the model would see.
pub struct Candidates {
    /// Item identifiers; numbers in the order of numbers.
    pub items: Vec<String>,
    /// One encoded row per item.
    pub x: FeatureMatrix,
    /// Values as written, one list per item in the order of the model's features.
    pub shown: Vec<Vec<Option<String>>>,
    /// Which features tell items apart by themselves (the item, its own columns, pair columns).
    pub of_item: Vec<bool>,
    /// Columns of the items file that the model does not read, per item.
    pub extra: Vec<Vec<(String, String)>>,
    /// Rows of the log in which each item was shown.
    pub shows: Vec<Vec<usize>>,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// The rows of one item, in the log and in the items file.
struct Item {
    id: String,
    shows: Vec<usize>,
    listed: Option<usize>,
}

/// Where the value of a feature comes from.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// The item's own columns in the items file (or its identifier).
    Listed,
    /// Any logged row of the item.
    Logged,
    /// The logged row of this person with this item, if there is one.
    Pair,
    /// The person's newest row.
    Person,
}

/// Builds the rows of all items for one person.
pub fn build(model: &dyn Model, log: &Table, roles: &Roles, person: &str, items: Option<&Table>) -> Result<Candidates> {
    let names = log.names();
    let item_column = names.iter().find(|n| roles.role(n) == Role::Item).cloned().ok_or_else(|| fault!("recommend.no_item_column"))?;
    let rows = Segment::parse(person)?.rows(log)?;
    let mut warnings = Vec::new();
    let newest = newest_of(log, roles, &rows).ok_or_else(|| fault!("recommend.no_such_person", person = person))?;
    warnings.push(note!("recommend.person_rows", rows = rows.len(), row = log.file_row(newest)));

    let all = list(log, &item_column, items)?;
    if all.is_empty() {
        return Err(fault!("recommend.no_items", column = &item_column));
    }
    if all.len() > MOST_ITEMS {
        return Err(fault!("recommend.too_many_items", count = all.len(), most = MOST_ITEMS));
    }

    // Which feature comes from where.
    let features = model.card().features();
    let listed: BTreeSet<String> = items.map(|t| t.names().into_iter().collect()).unwrap_or_default();
    let column = |feature: &str| -> String {
        // A flag that preparation adds follows the column that it is about.
        match feature.strip_suffix("_missing") {
            Some(c) if !names.iter().any(|n| n == feature) && !listed.contains(feature) => c.to_owned(),
            _ => feature.to_owned(),
        }
    };
    let mut person_pairs = Vec::new();
    let mut pairs = Vec::new();
    let sources: Vec<Source> = features
        .iter()
        .map(|f| {
            let c = column(&f.name);
            if c == item_column || listed.contains(&c) {
                return Source::Listed;
            }
            if speaks_of_pair(&c) {
                if is_vector(&c, &names, &all) {
                    person_pairs.push(c);
                    return Source::Person;
                }
                pairs.push(c);
                return Source::Pair;
            }
            match log.index_of(&c) {
                Some(i) if belongs_to_item(log, i, &all) => Source::Logged,
                _ => Source::Person,
            }
        })
        .collect();
    let of_item: Vec<bool> = sources.iter().map(|s| *s != Source::Person).collect();

    // Rows to encode: the person's, one per item, and the pairs that were logged.
    let mine: BTreeSet<usize> = rows.iter().copied().collect();
    let pair_rows: Vec<Option<usize>> = all
        .iter()
        .map(|item| newest_of(log, roles, &item.shows.iter().copied().filter(|r| mine.contains(r)).collect::<Vec<_>>()))
        .collect();
    let base = listed_table(log, newest, &item_column, &all, items)?;
    let logged = log.select_rows(&all.iter().map(|i| i.shows.first().copied().unwrap_or(newest)).collect::<Vec<_>>());
    let paired = log.select_rows(&pair_rows.iter().map(|r| r.unwrap_or(newest)).collect::<Vec<_>>());
    let encoder = &model.card().encoder;
    // A feature that only the items file has must be there in every piece; the item's own values serve.
    let complete = |mut t: Table| -> Result<Table> {
        for name in listed.iter().filter(|n| log.index_of(n).is_none()) {
            if let Some(i) = base.index_of(name) {
                t = t.with_texts(name, &base.cells(0..base.n_rows(), i))?;
            }
        }
        Ok(t)
    };
    let (logged, paired) = (complete(logged)?, complete(paired)?);
    let (x_listed, notices) = encoder.encode_raw(&base)?;
    let x_logged = encoder.encode_raw(&logged)?.0;
    let x_paired = encoder.encode_raw(&paired)?.0;
    // The person's row stands in every line of the table: what is unknown of it is said once.
    for mut notice in notices {
        let about = notice.fields.get("column").map(ToString::to_string);
        if !features.iter().zip(&of_item).any(|(f, own)| *own && about.as_deref() == Some(f.name.as_str())) {
            notice.fields.insert("count".to_owned(), 1.into());
            warnings.push(notice);
        }
    }

    let n = features.len();
    let mut x = FeatureMatrix { n_features: n, values: Vec::with_capacity(n * all.len()) };
    let mut shown = Vec::with_capacity(all.len());
    for k in 0..all.len() {
        let mut cells = Vec::with_capacity(n);
        for (j, source) in sources.iter().enumerate() {
            // The base table holds the person's newest row wherever the items file says nothing.
            let (from, table) = match source {
                Source::Logged if !all[k].shows.is_empty() => (&x_logged, &logged),
                Source::Pair => (&x_paired, &paired),
                _ => (&x_listed, &base),
            };
            x.values.push(from.row(k)[j]);
            let c = column(&features[j].name);
            cells.push(table.index_of(&features[j].name).or_else(|| table.index_of(&c)).and_then(|i| table.cell(k, i)));
        }
        shown.push(cells);
    }

    if !of_item.iter().any(|f| *f) {
        warnings.push(note!("recommend.item_blind", column = &item_column));
    }
    if !person_pairs.is_empty() {
        warnings.push(note!("recommend.pairs_of_person", columns = abridged(&person_pairs)));
    }
    if !pairs.is_empty() {
        let known = pair_rows.iter().flatten().count();
        warnings.push(note!("recommend.pairs_logged", columns = abridged(&pairs), logged = known, others = all.len() - known));
    }
    let unknown = features.iter().position(|f| f.name == item_column && f.is_categorical());
    let unknown = unknown.map_or(0, |j| (0..all.len()).filter(|&k| x.row(k)[j] == UNSEEN).count());
    if unknown > 0 {
        warnings.push(note!("recommend.unknown_items", count = unknown));
    }
    let never = all.iter().filter(|i| i.shows.is_empty()).count();
    if never > 0 {
        warnings.push(note!("recommend.never_shown", count = never));
    }
    Ok(Candidates {
        extra: all.iter().map(|i| extra(items, roles, i.listed, &item_column, &features.iter().map(|f| &f.name).collect())).collect(),
        items: all.iter().map(|i| i.id.clone()).collect(),
        shows: all.into_iter().map(|i| i.shows).collect(),
        x,
        shown,
        of_item,
        warnings,
    })
}

/// The newest of some rows: by the time column if there is one, by the line otherwise.
fn newest_of(log: &Table, roles: &Roles, rows: &[usize]) -> Option<usize> {
    let time = log.names().iter().position(|n| roles.role(n) == Role::Time);
    match time {
        // Levels are sorted, so the code orders dates, moments, numbers and ISO texts alike; missing comes first.
        Some(i) if rows.len() > 1 => {
            let (codes, _) = log.select_rows(rows).codes(i);
            rows.iter().copied().zip(codes).max_by_key(|(r, c)| (*c, *r)).map(|(r, _)| r)
        }
        _ => rows.last().copied(),
    }
}

/// All items: those of the items file if there is one, those of the log otherwise.
fn list(log: &Table, column: &str, items: Option<&Table>) -> Result<Vec<Item>> {
    let (codes, levels) = log.codes(log.column(column)?);
    let mut shows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, c) in codes.iter().enumerate() {
        if let Some(level) = usize::try_from(*c).ok().and_then(|c| levels.get(c)) {
            shows.entry(level.as_str()).or_default().push(row);
        }
    }
    let mut rows_of = |id: &str| shows.remove(id).unwrap_or_default();
    Ok(match items {
        Some(table) => {
            let (codes, ids) = table.codes(table.column(column)?);
            let mut first: Vec<Option<usize>> = vec![None; ids.len()];
            for (row, c) in codes.iter().enumerate() {
                if let Ok(c) = usize::try_from(*c) {
                    first[c].get_or_insert(row);
                }
            }
            ids.into_iter().zip(first).map(|(id, listed)| Item { shows: rows_of(&id), id, listed }).collect()
        }
        None => levels.iter().map(|id| Item { id: id.clone(), shows: rows_of(id), listed: None }).collect(),
    })
}

/// The person's newest row once per item, with the item's identifier and its columns of the items file put in.
fn listed_table(log: &Table, person: usize, item_column: &str, all: &[Item], items: Option<&Table>) -> Result<Table> {
    let mut base = log.select_rows(&vec![person; all.len()]);
    let put = |base: &Table, name: &str, cells: Vec<Option<String>>| -> Result<Table> {
        let kind = base.index_of(name).map(|i| base.column_type(i));
        let numbers: Option<Vec<Option<f64>>> =
            cells.iter().map(|c| c.as_ref().map_or(Some(None), |c| c.trim().parse().ok().map(Some))).collect();
        match (kind, numbers) {
            (Some(ColumnType::Integer | ColumnType::Number), Some(v)) => {
                base.with_numbers(name, &v.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<_>>())
            }
            (Some(ColumnType::Boolean), _) => {
                let flag = |c: &String| match c.to_ascii_lowercase().as_str() {
                    "true" | "1" => Some(true),
                    "false" | "0" => Some(false),
                    _ => None,
                };
                base.with_values(name, Values::Booleans(cells.iter().map(|c| c.as_ref().and_then(flag)).collect()))
            }
            (None, Some(v)) => base.with_values(name, Values::Numbers(v)),
            _ => base.with_texts(name, &cells),
        }
    };
    base = put(&base, item_column, all.iter().map(|i| Some(i.id.clone())).collect())?;
    if let Some(table) = items {
        for (i, name) in table.names().into_iter().enumerate().filter(|(_, n)| n != item_column && !n.is_empty()) {
            let cells = all.iter().map(|item| item.listed.and_then(|r| table.cell(r, i))).collect();
            base = put(&base, &name, cells)?;
        }
    }
    Ok(base)
}

/// Whether a column says the same wherever an item was logged, and not the same everywhere. Most items must have been
/// logged twice at least, or the question cannot be asked.
fn belongs_to_item(log: &Table, i: usize, all: &[Item]) -> bool {
    let often = all.iter().filter(|item| item.shows.len() > 1).count();
    if often == 0 || often * 2 < all.iter().filter(|item| !item.shows.is_empty()).count() {
        return false;
    }
    let (codes, _) = log.codes(i);
    let constant = all.iter().all(|item| item.shows.windows(2).all(|w| codes[w[0]] == codes[w[1]]));
    let mut seen = all.iter().filter_map(|item| item.shows.first()).map(|r| codes[*r]);
    let first = seen.next();
    constant && seen.any(|c| Some(c) != first)
}

fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

/// Whether a name speaks of a user and an item together.
fn speaks_of_pair(name: &str) -> bool {
    let has = |wanted: &[&str]| words(name).any(|w| wanted.contains(&w.as_str()));
    has(&["affinity"]) || (has(&["user", "customer", "person", "member"]) && has(&["item", "product", "content", "article"]))
}

/// Whether a column is one of a family with a column for each item (`affinity_0`, `affinity_1`, …): such a family is one
/// vector of the person, the same whichever item is shown.
fn is_vector(name: &str, names: &[String], all: &[Item]) -> bool {
    let Some((stem, last)) = name.rsplit_once(['_', '.', '-']) else { return false };
    if !all.iter().any(|i| i.id == last) {
        return false;
    }
    let ending: BTreeSet<&str> = names.iter().filter_map(|n| n.strip_prefix(stem)).filter_map(|r| r.get(1..)).collect();
    all.iter().all(|i| ending.contains(i.id.as_str()))
}

fn extra(items: Option<&Table>, roles: &Roles, row: Option<usize>, item: &str, read: &BTreeSet<&String>) -> Vec<(String, String)> {
    let (Some(table), Some(row)) = (items, row) else { return Vec::new() };
    let names = table.names();
    let wanted = names.iter().enumerate().filter(|(_, n)| *n != item && !read.contains(n) && roles.role(n) != Role::Sensitive);
    // The running number that some tools write in front has no name.
    wanted
        .filter(|(i, n)| !(*i == 0 && (n.is_empty() || n.as_str() == "column_1")))
        .filter_map(|(i, n)| table.cell(row, i).map(|c| (n.clone(), c)))
        .collect()
}

/// A few names, and how many more.
fn abridged(names: &[String]) -> String {
    match names {
        [a, b, .., z] if names.len() > 3 => format!("{a}, {b}, … {z}"),
        _ => names.join(", "),
    }
}
