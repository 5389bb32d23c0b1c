//! The leak scan: which columns give the outcome away, and what moving each would mean.
//!
//! It trains small models, so it lives above `ml`; *Data* shows what it finds. Every finding is a proposal with its reasons
//! and numbers. Names never prove anything; at most they are a hint. Test rows stay unread: the scan splits the others.

pub(in crate::strategy) mod judge;
pub(in crate::strategy) mod losses;
pub(in crate::strategy) mod marks;
mod mediator;
pub mod say;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use judge::Measured;

use super::causal::Light;
use crate::base::{Fingerprint, JobCtx, Notice, Result, rng};
use crate::data::{ColumnType, Encoder, FeatureMatrix, FittedPrepare, LeverType, Part, Role, Roles, Table};
use crate::ml::Outcome;
use crate::ml::train::TrainData;
use crate::note;
use judge::Court;
use losses::Worths;
use mediator::{Arms, Compared};

/// Rows that the scan looks at.
const MOST_ROWS: usize = 20_000;
/// Cells of the models' matrix: wide files are looked at in fewer rows.
const MOST_CELLS: usize = 10_000_000;
/// Share of the rows that judge.
const JUDGE: f64 = 0.4;
/// Rows of people with several rows.
const PERSON_ROWS: usize = 20_000;

/// What the scan found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeakScan {
    /// The outcome.
    pub outcome: String,
    /// `auc` for yes or no, `r2` for amounts.
    pub metric: Metric,
    /// What all features together reach; `None` where nothing could be judged.
    pub whole: Option<Measured>,
    /// Columns, in file order.
    pub columns: Vec<ColumnFinding>,
    /// Rows looked at, of how many, and how many of them judged.
    pub rows: usize,
    /// Rows that could have been looked at.
    pub of: usize,
    /// Rows that judged and taught nothing.
    pub judged: usize,
    /// The treatment whose arms were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<String>,
    /// Seed of the sample and of the split.
    pub seed: u64,
    /// On which data.
    pub data: Fingerprint,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Area under the ROC curve.
    Auc,
    /// Share of variance explained.
    R2,
}

/// What was found of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnFinding {
    /// The column.
    pub column: String,
    /// Its role.
    pub role: Role,
    /// What it seems to be.
    pub proposed: LeverType,
    /// Whether the data or its role say so; otherwise nothing speaks against what the analyst says.
    pub firm: bool,
    /// Red where it gives the outcome away, yellow where the analyst has to judge.
    pub light: Light,
    /// What it says of the outcome alone.
    pub alone: Option<Measured>,
    /// What the whole model loses without it, and without the columns of `with`.
    pub loss: Option<Measured>,
    /// Columns that say the same and went with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// Why, the main reason first.
    pub reasons: Vec<Notice>,
}

impl ColumnFinding {
    /// What it should be, beside what the analyst says it is: the analyst is contradicted only where something speaks for it.
    pub fn proposal(&self, declared: Option<LeverType>) -> LeverType {
        declared.filter(|_| !self.firm).unwrap_or(self.proposed)
    }

    /// Whether the proposal would change what the analyst says.
    pub fn is_new(&self, declared: Option<LeverType>) -> bool {
        declared != Some(self.proposal(declared))
    }
}

/// What the scan reads.
pub struct Input<'a> {
    /// Rows as they come from the file.
    pub raw: &'a Table,
    /// The same rows, prepared.
    pub table: &'a Table,
    /// What columns are for.
    pub roles: &'a Roles,
    /// Columns that models may use.
    pub features: &'a [String],
    /// The outcome.
    pub outcome: &'a Outcome,
    /// Its values; NaN is missing.
    pub y: &'a [f64],
    /// Part of each row.
    pub parts: &'a [Part],
    /// The data.
    pub data: &'a Fingerprint,
    /// Seed of the sample and of the split.
    pub seed: u64,
}

/// Scans every column. The same seed gives the same bits. Long files take as long as their sample: one small model per column
/// on at most 20,000 rows.
pub fn scan(input: &Input<'_>, ctx: &JobCtx) -> Result<LeakScan> {
    let known: Vec<usize> = (0..input.y.len()).filter(|&r| input.y[r].is_finite() && input.parts[r] != Part::Test).collect();
    let binary = input.outcome.is_binary();
    let rows = sample(&known, input.y, binary, input.features.len(), input.seed);
    let raw = input.raw.select_rows(&rows);
    let y: Vec<f64> = rows.iter().map(|&r| input.y[r]).collect();
    let person = raw.names().into_iter().find(|n| input.roles.role(n) == Role::User).and_then(|n| raw.index_of(&n));
    let parts = halves(rows.len(), person.map(|i| raw.codes(i).0), input.seed);
    let court = court(input, &rows, &y, &parts)?;
    let candidates: Vec<usize> = (0..input.features.len()).collect();
    let worths = match &court {
        Some((court, _)) => losses::worths(court, &candidates, losses::Out::Strongest, ctx)?,
        None => Worths { whole: None, of: Default::default(), cut: false },
    };
    ctx.stage("scan.stage_cells", 1);
    let mut warnings = Vec::new();
    if known.len() > rows.len() {
        warnings.push(note!("scan.sampled", rows = rows.len(), of = known.len(), seed = input.seed));
    }
    let chance = if binary { 0.5 } else { 0.0 };
    match &worths.whole {
        None => warnings.push(note!("scan.few", outcome = &input.outcome.name)),
        Some(whole) if whole.measured().low <= chance => warnings.push(note!("scan.whole_chance", outcome = &input.outcome.name)),
        Some(_) if input.features.len() > judge::MOST_FEATURES => {
            warnings.push(note!("scan.wide", most = judge::MOST_FEATURES, of = input.features.len()));
        }
        Some(_) if worths.cut => warnings.push(note!("scan.strongest_only", most = losses::MOST_SINGLE)),
        Some(_) => {}
    }
    let treatment = raw.names().into_iter().find(|n| input.roles.role(n) == Role::Treatment);
    let arms = treatment.as_deref().and_then(|t| compared(input, &raw, t));
    if let (Some(treatment), Some((arms, _))) = (&treatment, &arms)
        && !arms.randomised()
    {
        warnings.push(note!("scan.not_randomised", treatment = treatment, differ = arms.differ, of = arms.of));
    }
    ctx.check()?;
    let facts = say::Facts {
        input,
        raw: &raw,
        y: &y,
        worths: &worths,
        court: court.as_ref().map(|(c, names)| (c, names.as_slice())),
        treatment: treatment.as_deref(),
        arms: arms.as_ref().map(|(a, names)| (a, names.as_slice())),
        outcome_time: outcome_time(input, &raw, &y),
        people: people(input),
    };
    let mut columns = Vec::new();
    for name in names(input) {
        ctx.check()?;
        columns.push(facts.finding(&name));
    }
    ctx.at(1);
    Ok(LeakScan {
        outcome: input.outcome.name.clone(),
        metric: if binary { Metric::Auc } else { Metric::R2 },
        whole: worths.whole.as_ref().map(|w| w.measured()),
        columns,
        rows: rows.len(),
        of: known.len(),
        judged: parts.iter().filter(|p| **p == Part::Test).count(),
        treatment: facts.treatment.filter(|_| facts.arms.is_some()).map(str::to_owned),
        seed: input.seed,
        data: input.data.clone(),
        warnings,
    })
}

/// Every column but the outcomes: those of the file, then those that preparation made.
fn names(input: &Input<'_>) -> Vec<String> {
    let mut all = input.raw.names();
    all.extend(input.table.names().into_iter().filter(|n| input.raw.index_of(n).is_none()));
    all.retain(|n| input.roles.role(n) != Role::Target && *n != input.outcome.name);
    all
}

/// Rows to look at, in file order. Of a rare answer as many as there are, because what ranks them does not ask how rare it is.
fn sample(known: &[usize], y: &[f64], binary: bool, features: usize, seed: u64) -> Vec<usize> {
    let most = MOST_ROWS.min(MOST_CELLS / features.max(1)).max(200);
    if known.len() <= most {
        return known.to_vec();
    }
    let mut r = rng::rng(seed, "leak scan");
    let mut take = |mut rows: Vec<usize>, n: usize| {
        rng::shuffle(&mut r, &mut rows);
        rows.truncate(n);
        rows
    };
    let mut chosen = if binary {
        let (yes, no): (Vec<usize>, Vec<usize>) = known.iter().partition(|r| y[**r] > 0.5);
        let n1 = yes.len().min((most / 2).max(most.saturating_sub(no.len())));
        let no = take(no, most - n1);
        [take(yes, n1), no].concat()
    } else {
        take(known.to_vec(), most)
    };
    chosen.sort_unstable();
    chosen
}

/// Which of the rows judge; a person is never in both.
fn halves(rows: usize, person: Option<Vec<i32>>, seed: u64) -> Vec<Part> {
    let mut r = rng::rng(seed, "leak scan halves");
    let part = |u: f64| if u < JUDGE { Part::Test } else { Part::Train };
    let mut of = std::collections::BTreeMap::new();
    (0..rows)
        .map(|i| match person.as_ref().map(|p| p[i]).filter(|p| *p >= 0) {
            Some(p) => *of.entry(p).or_insert_with(|| part(rng::unit(&mut r))),
            None => part(rng::unit(&mut r)),
        })
        .collect()
}

/// The rows as models read them, with the names of the features; `None` where no column is a feature.
fn court(input: &Input<'_>, rows: &[usize], y: &[f64], parts: &[Part]) -> Result<Option<(Court, Vec<String>)>> {
    if input.features.is_empty() || rows.is_empty() {
        return Ok(None);
    }
    let table = input.table.select_rows(rows);
    let train: Vec<usize> = (0..rows.len()).filter(|&i| parts[i] == Part::Train).collect();
    let encoder = Encoder::fit(&table, input.features, input.roles, &train, FittedPrepare::default())?;
    let x: FeatureMatrix = encoder.encode(&table)?.0;
    let names = encoder.features.iter().map(|f| f.name.clone()).collect();
    let data = TrainData {
        x,
        y: vec![y.to_vec()],
        parts: parts.to_vec(),
        outcomes: vec![input.outcome.clone()],
        encoder,
        data: input.data.clone(),
        warnings: Vec::new(),
    };
    Ok(Some((Court::new(data, &[]), names)))
}

/// The arms of the treatment, compared by every column that may describe people.
fn compared(input: &Input<'_>, raw: &Table, treatment: &str) -> Option<(Arms, Vec<String>)> {
    let describes = |n: &String| matches!(input.roles.role(n), Role::Feature | Role::Sensitive | Role::Item | Role::Ignore);
    let names: Vec<String> = raw.names().into_iter().filter(describes).collect();
    let columns: Vec<Compared> = names
        .iter()
        .filter_map(|n| raw.index_of(n))
        .map(|i| {
            if !input.roles.is_categorical(raw, raw.name(i)) {
                return Compared { values: raw.numbers(i), levels: None };
            }
            let (codes, levels) = raw.codes(i);
            Compared { values: codes.iter().map(|c| if *c < 0 { f64::NAN } else { f64::from(*c) }).collect(), levels: Some(levels.len()) }
        })
        .collect();
    let arms = mediator::arms(&raw.codes(raw.index_of(treatment)?).0, &columns)?;
    Some((arms, names))
}

/// The moment of the outcome: a time that is filled for one answer only, and its column.
fn outcome_time(input: &Input<'_>, raw: &Table, y: &[f64]) -> Option<(String, Vec<f64>)> {
    if !input.outcome.is_binary() {
        return None;
    }
    let time = |i: &usize| {
        matches!(raw.column_type(*i), ColumnType::Date | ColumnType::Datetime) && marks::filled_after(&raw.missing(*i), y).is_some()
    };
    (0..raw.n_columns()).find(time).map(|i| (raw.name(i).to_owned(), raw.numbers(i)))
}

/// Rows of people who have several, with who each is of.
fn people(input: &Input<'_>) -> Option<(Table, Vec<i32>)> {
    let user = input.raw.names().into_iter().find(|n| input.roles.role(n) == Role::User)?;
    let (codes, levels) = input.raw.codes(input.raw.index_of(&user)?);
    let mut count = vec![0usize; levels.len()];
    codes.iter().filter_map(|c| usize::try_from(*c).ok()).for_each(|c| count[c] += 1);
    // The first people, until there are rows enough.
    let mut room = PERSON_ROWS;
    let keep: Vec<bool> = count
        .iter()
        .map(|n| {
            let fits = *n > 1 && *n <= room;
            room -= if fits { *n } else { 0 };
            fits
        })
        .collect();
    let rows: Vec<usize> = (0..codes.len()).filter(|&r| usize::try_from(codes[r]).is_ok_and(|c| keep[c])).collect();
    let table = input.raw.select_rows(&rows);
    let person = rows.iter().map(|&r| codes[r]).collect();
    (!rows.is_empty()).then_some((table, person))
}
