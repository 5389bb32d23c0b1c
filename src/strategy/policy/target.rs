//! The policy in question: for every row of the log, the probability of each action.
//!
//! Uniform, or a table in one of four shapes: `action, probability` (the same for everybody); the same with further columns
//! of the log, such as `position, action, probability` (by context); `row, action, probability` (row by row, counted
//! from 0); or one column per action, with one line for everybody or one per row of the log. Or a trained model, which takes
//! the action it expects most of.

use std::collections::BTreeMap;

use super::log::Log;
use crate::base::{Fault, JobCtx, Notice, Result, numbers};
use crate::data::{ColumnType, Table};
use crate::ml::Model;
use crate::{fault, note};

/// How far the probabilities of a row may be from summing to 1; what is within is scaled to 1.
const SUM: f64 = 0.01;
/// Names of a column of probabilities.
const PROBABILITY: [&str; 6] = ["probability", "prob", "p", "pi", "share", "target_probability"];

/// A target policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What it is called.
    pub label: String,
    /// Actions: those of the log, then those that only the target knows.
    pub names: Vec<String>,
    /// Distribution of each row; empty while there is one for all.
    of: Vec<u32>,
    /// Where each distribution begins in `entries`; one more than there are.
    starts: Vec<usize>,
    /// Action and probability, by action.
    entries: Vec<(u32, f64)>,
    /// What the reader should know of it.
    pub notices: Vec<Notice>,
}

impl Target {
    /// Every action that the log shows, equally often.
    pub fn uniform(log: &Log) -> Self {
        let p = 1.0 / log.names.len() as f64;
        Self::same("uniform", log, (0..log.names.len()).map(|a| (a as u32, p)).collect())
    }

    /// One distribution for every row.
    pub fn same(label: &str, log: &Log, entries: Vec<(u32, f64)>) -> Self {
        let starts = vec![0, entries.len()];
        Self { label: label.to_owned(), names: log.names.clone(), of: Vec::new(), starts, entries, notices: Vec::new() }
    }

    /// One distribution per row.
    pub fn by_row(label: &str, log: &Log, rows: impl Iterator<Item = Vec<(u32, f64)>>) -> Self {
        let mut out = Self::same(label, log, Vec::new());
        out.starts = vec![0];
        for (i, mut row) in rows.enumerate() {
            row.sort_by_key(|(a, _)| *a);
            out.entries.extend(row);
            out.starts.push(out.entries.len());
            out.of.push(i as u32);
        }
        out
    }

    /// Which distribution row `i` has.
    pub fn distribution(&self, i: usize) -> usize {
        self.of.get(i).map_or(0, |d| *d as usize)
    }
    /// How many distributions there are.
    pub fn distributions(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
    /// The actions of a distribution with their probabilities.
    pub fn entries(&self, distribution: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[distribution]..self.starts[distribution + 1]]
    }
    /// The actions that row `i` may get, with their probabilities.
    pub fn row(&self, i: usize) -> &[(u32, f64)] {
        self.entries(self.distribution(i))
    }
    /// Probability of an action in row `i`.
    pub fn probability(&self, i: usize, action: u32) -> f64 {
        let row = self.row(i);
        match row.get(action as usize) {
            // Where every action has its place, it is found at once.
            Some((a, p)) if *a == action => *p,
            _ => row.binary_search_by_key(&action, |(a, _)| *a).map_or(0.0, |k| row[k].1),
        }
    }

    /// The action that a trained model expects most of, in every row; `data` is the table of the log. The first of equals.
    pub fn greedy(label: &str, model: &dyn Model, log: &Log, data: &Table, ctx: &JobCtx) -> Result<Self> {
        let card = model.card();
        let Some(j) = card.features().iter().position(|f| f.name == log.columns.action) else {
            return Err(fault!("policy.model_blind", model = &card.spec.name, column = &log.columns.action));
        };
        let (mut x, _) = card.encoder.encode_raw(data)?;
        let (n, m, outcomes) = (x.n_rows(), x.n_features, card.outcomes.len());
        if n != log.rows() {
            return Err(fault!("policy.model_rows", model = &card.spec.name, rows = n, expected = log.rows()));
        }
        let mut best: Vec<(u32, f64)> = vec![(0, f64::NEG_INFINITY); n];
        let mut unknown = Vec::new();
        ctx.stage("policy.stage_greedy", log.names.len() as u64);
        for (a, name) in log.names.iter().enumerate() {
            ctx.check()?;
            // A model that never saw an action has no opinion of it.
            let Some(value) = card.features()[j].parse(name) else {
                unknown.push(name.as_str());
                continue;
            };
            x.values.iter_mut().skip(j).step_by(m).for_each(|v| *v = value);
            let p = model.predict(&x, ctx)?;
            for (b, p) in best.iter_mut().zip(p.into_iter().step_by(outcomes)) {
                if p > b.1 {
                    *b = (a as u32, p);
                }
            }
            ctx.at(a as u64 + 1);
        }
        if unknown.len() == log.names.len() {
            let column = &log.columns.action;
            return Err(fault!("policy.model_no_action", model = &card.spec.name, column = column, actions = listed(&unknown)));
        }
        let mut out = Self::chosen(label, log, best.into_iter().map(|(a, _)| a).collect());
        if !unknown.is_empty() {
            let rows = log.action.iter().filter(|a| unknown.contains(&log.names[**a as usize].as_str())).count();
            let share = numbers::percent(rows as f64 / n.max(1) as f64);
            out.notices.push(note!("policy.model_some_actions", model = &card.spec.name, actions = listed(&unknown), share = share));
        }
        Ok(out)
    }

    /// One action per row; rows that get the same one share a distribution.
    pub fn chosen(label: &str, log: &Log, actions: Vec<u32>) -> Self {
        let mut out = Self::same(label, log, Vec::new());
        out.entries = (0..log.names.len()).map(|a| (a as u32, 1.0)).collect();
        out.starts = (0..=log.names.len()).collect();
        out.of = actions;
        out
    }

    /// Reads a target table; `data` is the table of the log.
    pub fn read(label: &str, table: &Table, log: &Log, data: &Table) -> Result<Self> {
        let lower: Vec<String> = table.names().iter().map(|n| n.trim().to_lowercase()).collect();
        let action = table.index_of(&log.columns.action).or_else(|| lower.iter().position(|n| n == "action"));
        let probability = lower.iter().position(|n| PROBABILITY.contains(&n.as_str()));
        if table.n_rows() == 0 {
            return Err(fault!("policy.target_empty", file = label));
        }
        let mut reader = Reader::new(label, log);
        match (action, probability) {
            (Some(a), Some(p)) => reader.long(table, data, (a, p), &lower)?,
            _ => reader.wide(table, &lower)?,
        }
        reader.finish()
    }
}

/// The first few of some names.
fn listed(names: &[&str]) -> String {
    let more = if names.len() > 5 { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(5)].join(", "))
}

/// Distributions as they are read.
struct Reader<'a> {
    label: &'a str,
    log: &'a Log,
    index: BTreeMap<String, u32>,
    names: Vec<String>,
    /// Entries of each distribution, and what the distribution is called in a message.
    lists: Vec<(String, Vec<(u32, f64)>)>,
    of: Vec<u32>,
}

impl<'a> Reader<'a> {
    fn new(label: &'a str, log: &'a Log) -> Self {
        let index = log.names.iter().enumerate().map(|(i, n)| (n.clone(), i as u32)).collect();
        Self { label, log, index, names: log.names.clone(), lists: Vec::new(), of: Vec::new() }
    }

    fn action(&mut self, name: &str) -> u32 {
        if let Some(i) = self.index.get(name) {
            return *i;
        }
        let new = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), new);
        new
    }

    fn probability(&self, p: f64, row: usize) -> Result<f64> {
        if (0.0..=1.0 + 1e-9).contains(&p) {
            Ok(p)
        } else {
            Err(fault!("policy.target_probability", file = self.label, row = row, value = numbers::plain(p)))
        }
    }

    /// Action and probability, one per line.
    fn long(&mut self, table: &Table, data: &Table, (action, probability): (usize, usize), lower: &[String]) -> Result<()> {
        let keys: Vec<usize> = (0..table.n_columns()).filter(|c| *c != action && *c != probability).collect();
        let by_row = keys.iter().position(|c| lower[*c] == "row");
        let (codes, levels) = table.codes(action);
        let p = table.numbers(probability);
        let known: Vec<u32> = levels.iter().map(|l| self.action(l)).collect();
        if levels.iter().all(|l| !self.log.names.contains(l)) {
            return Err(self.other_actions(&levels));
        }
        let n = self.log.rows();
        let mut list_of: BTreeMap<String, u32> = BTreeMap::new();
        let mut rows_of: Vec<u32> = Vec::new();
        if by_row.is_some() {
            self.lists = (0..n).map(|i| (i.to_string(), Vec::new())).collect();
            self.of = (0..n as u32).collect();
        } else if keys.is_empty() {
            self.lists.push((String::new(), Vec::new()));
        } else {
            for c in &keys {
                if data.index_of(table.name(*c)).is_none() {
                    return Err(fault!("policy.target_column", file = self.label, column = table.name(*c)));
                }
            }
            rows_of = joined(table, &keys).into_iter().map(|k| self.list(&mut list_of, k)).collect();
        }
        let line = by_row.map(|k| table.numbers(keys[k]));
        for r in 0..table.n_rows() {
            let p = self.probability(p[r], r)?;
            let Ok(code) = usize::try_from(codes[r]) else {
                return Err(fault!("policy.target_probability", file = self.label, row = r, value = "–"));
            };
            let list = match &line {
                Some(l) if l[r] >= 0.0 && l[r] < n as f64 && l[r].fract() == 0.0 => l[r] as usize,
                Some(l) => return Err(fault!("policy.target_row", file = self.label, row = numbers::plain(l[r]), rows = n)),
                None => rows_of.get(r).map_or(0, |l| *l as usize),
            };
            self.lists[list].1.push((known[code], p));
        }
        if !rows_of.is_empty() {
            let at: Vec<usize> = keys.iter().map(|c| data.column(table.name(*c))).collect::<Result<_>>()?;
            self.of = Vec::with_capacity(n);
            for key in joined(data, &at) {
                match list_of.get(&key) {
                    Some(l) => self.of.push(*l),
                    None => return Err(fault!("policy.target_context", file = self.label, context = shown(&key))),
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, list_of: &mut BTreeMap<String, u32>, key: String) -> u32 {
        let next = self.lists.len() as u32;
        let found = *list_of.entry(key.clone()).or_insert(next);
        if found == next {
            self.lists.push((shown(&key), Vec::new()));
        }
        found
    }

    /// One column per action.
    fn wide(&mut self, table: &Table, lower: &[String]) -> Result<()> {
        let shape = || fault!("policy.target_shape", file = self.label, action = &self.log.columns.action);
        let columns: Vec<usize> = (0..table.n_columns()).filter(|c| lower[*c] != "row").collect();
        let numeric = |c: &usize| matches!(table.column_type(*c), ColumnType::Integer | ColumnType::Number);
        let names: Vec<String> = columns.iter().map(|c| table.name(*c).to_owned()).collect();
        if !columns.iter().all(numeric) {
            return Err(shape());
        }
        if names.iter().all(|n| !self.log.names.contains(n)) {
            return Err(self.other_actions(&names));
        }
        let n = self.log.rows();
        let lines = table.n_rows();
        if lines != 1 && lines != n {
            return Err(fault!("policy.target_rows", file = self.label, lines = lines, rows = n));
        }
        let mut order: Vec<usize> = (0..lines).collect();
        if let (Some(c), true) = (lower.iter().position(|l| l == "row"), lines > 1) {
            let line = table.numbers(c);
            for (r, l) in line.iter().enumerate() {
                if !(*l >= 0.0 && *l < n as f64 && l.fract() == 0.0) {
                    return Err(fault!("policy.target_row", file = self.label, row = numbers::plain(*l), rows = n));
                }
                order[r] = *l as usize;
            }
        }
        let actions: Vec<u32> = names.iter().map(|a| self.action(a)).collect();
        self.lists = (0..lines).map(|i| (i.to_string(), Vec::new())).collect();
        for (k, c) in columns.iter().enumerate() {
            for (r, p) in table.numbers(*c).into_iter().enumerate() {
                let p = self.probability(p, r)?;
                if p > 0.0 {
                    self.lists[order[r]].1.push((actions[k], p));
                }
            }
        }
        if lines > 1 {
            self.of = (0..n as u32).collect();
        }
        Ok(())
    }

    fn other_actions(&self, theirs: &[String]) -> Fault {
        let some = |names: &[String]| names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        fault!("policy.other_actions", file = self.label, theirs = some(theirs), ours = some(&self.log.names))
    }

    fn finish(self) -> Result<Target> {
        let (entries, notices) = (Vec::new(), Vec::new());
        let mut out = Target { label: self.label.to_owned(), names: self.names, of: self.of, starts: vec![0], entries, notices };
        for (name, mut list) in self.lists {
            list.sort_by_key(|(a, _)| *a);
            if let Some(twice) = list.windows(2).find(|w| w[0].0 == w[1].0) {
                let action = &out.names[twice[0].0 as usize];
                return Err(fault!("policy.target_twice", file = self.label, action = action, context = name));
            }
            let sum: f64 = list.iter().map(|(_, p)| p).sum();
            if (sum - 1.0).abs() > SUM {
                let sum = numbers::plain(sum);
                return Err(if name.is_empty() {
                    fault!("policy.target_sum_all", file = self.label, sum = sum)
                } else {
                    fault!("policy.target_sum", file = self.label, context = name, sum = sum)
                });
            }
            out.entries.extend(list.into_iter().map(|(a, p)| (a, p / sum)));
            out.starts.push(out.entries.len());
        }
        Ok(out)
    }
}

/// The cells of some columns as one text per row.
fn joined(table: &Table, columns: &[usize]) -> Vec<String> {
    let mut out = vec![String::new(); table.n_rows()];
    for (k, c) in columns.iter().enumerate() {
        let (codes, levels) = table.codes(*c);
        for (text, code) in out.iter_mut().zip(codes) {
            if k > 0 {
                text.push('\u{1f}');
            }
            text.push_str(usize::try_from(code).map_or("", |c| &levels[c]));
        }
    }
    out
}

fn shown(key: &str) -> String {
    key.replace('\u{1f}', ", ")
}
