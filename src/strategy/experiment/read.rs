//! A whole experiment read from a table: one row a person, or several rows a person that are added up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use super::bayes::{self, Belief, Prior, Rates};
use super::daily::{self, Path};
use super::decide::{Decision, Seen, decide};
use super::effect::{self, Effect, TUNING, Way};
use super::many::{Correction, adjust};
use super::moments::{self, Moments, Together};
use super::plan::{Plan, Srm, srm};
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers};
use crate::data::features::quantile;
use crate::data::{ColumnType, Table};
use crate::strategy::Grade;
use crate::strategy::scenario::Scenario;
use crate::strategy::tested::Tested;
use crate::{fault, note};

/// Most arms; a column with more levels is no assignment.
const MOST_ARMS: usize = 50;
/// Below this corrected p-value people differed before the start.
const BALANCE_ALARM: f64 = 0.01;
/// Share of people seen in several arms above which the assignment is broken.
const MOST_SHARED: f64 = 0.01;

/// A metric that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its column.
    pub column: String,
    /// Whether it must only not become worse.
    #[serde(default)]
    pub guardrail: bool,
    /// Whether less is better.
    #[serde(default)]
    pub lower_is_better: bool,
}

/// What is asked of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// Column that says which arm.
    pub variant: String,
    /// The arm that the others are compared with.
    pub control: String,
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// Column known before the start that goes with the metrics (CUPED).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariate: Option<String>,
    /// Share of people below the cap of the winsorised metric, such as 0.99.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winsorise: Option<f64>,
    /// Columns known before the start, for the test of balance.
    pub before: Vec<String>,
    /// Column that names the person, where rows are not people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Day of each row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Planned shares of the arms, by name; equal ones if empty.
    pub shares: BTreeMap<String, f64>,
    /// Chance of a false alarm.
    pub alpha: f64,
    /// People at which the anytime interval is narrowest.
    pub tuning: f64,
    /// How many comparisons are corrected for.
    pub correction: Correction,
    /// Prior of the relative effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// Relative effect that the experiment was planned to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mde: Option<f64>,
    /// Chance to see it.
    pub power: f64,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            variant: String::new(),
            control: String::new(),
            metrics: Vec::new(),
            covariate: None,
            winsorise: None,
            before: Vec::new(),
            id: None,
            date: None,
            shares: BTreeMap::new(),
            alpha: 0.05,
            tuning: TUNING,
            correction: Correction::Holm,
            prior: None,
            mde: None,
            power: 0.8,
        }
    }
}

/// An arm of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// People.
    pub n: u64,
    /// Mean per person.
    pub mean: f64,
    /// Deviation per person.
    pub sd: f64,
}

/// A variant against the control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The variant.
    pub variant: String,
    /// Difference of the means, read once.
    pub absolute: Option<Effect>,
    /// Relative difference, read once.
    pub relative: Option<Effect>,
    /// Difference of the means, at any time.
    pub anytime_absolute: Option<Effect>,
    /// Relative difference, at any time.
    pub anytime: Option<Effect>,
    /// The Bayesian reading of the relative difference.
    pub bayes: Option<Belief>,
    /// The exact reading of two rates.
    pub rates: Option<Rates>,
    /// p of the absolute difference, corrected for all variants and goal metrics.
    pub p_adjusted: Option<f64>,
}

/// How a metric was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// As it is.
    Raw,
    /// Adjusted by what was known before.
    Cuped,
    /// With the largest amounts cut off: another metric, named as such.
    Winsorised,
}

/// One metric in one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricReading {
    /// Column.
    pub metric: String,
    /// How it was made.
    pub version: Version,
    /// Whether it is a rate.
    pub rate: bool,
    /// Where amounts were cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<f64>,
    /// Share of variance that the adjustment took away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance_removed: Option<f64>,
    /// Whether the decision looks at this version.
    pub decides: bool,
    /// The arms, the control first.
    pub arms: Vec<Arm>,
    /// The variants against the control.
    pub comparisons: Vec<Comparison>,
}

/// A column known before the start, compared between the arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Column.
    pub column: String,
    /// Largest standardised difference between an arm and the control; of a category, Cramér's V.
    pub difference: f64,
    /// p-value.
    pub p: f64,
    /// p-value, corrected (Holm) for all columns.
    pub p_adjusted: f64,
}

/// Everything an experiment says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// What was asked.
    pub asked: Asked,
    /// On which data.
    pub data: Fingerprint,
    /// People read.
    pub people: u64,
    /// The evidence grade.
    pub grade: Grade,
    /// Why this grade.
    pub reason: Notice,
    /// The split.
    pub srm: Srm,
    /// Arms, in the order of the split's counts.
    pub arms: Vec<String>,
    /// What was known before, compared.
    pub balance: Vec<Balance>,
    /// Days from the first to the last row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// Metrics.
    pub metrics: Vec<MetricReading>,
    /// How the answer grew, where the rows have days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub daily: Vec<Path>,
    /// One a variant.
    pub decisions: Vec<Decision>,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// People, the arm of each (an index into the arms), and the row that speaks for each.
struct People {
    arms: Vec<String>,
    arm: Vec<usize>,
    /// Rows of each person; one row a person if no identifier is given.
    rows: Vec<Vec<u32>>,
    shared: usize,
    unassigned: usize,
}

impl People {
    fn of(table: &Table, asked: &Asked) -> Result<Self> {
        let (codes, levels) = table.codes(table.column(&asked.variant)?);
        let control = levels.iter().position(|l| *l == asked.control).ok_or_else(|| {
            let near = levels.iter().min_by_key(|l| crate::data::table::distance(l, &asked.control));
            fault!("experiment.no_control", column = &asked.variant, value = &asked.control, nearest = near.map_or("–", String::as_str))
        })?;
        if levels.len() > MOST_ARMS {
            return Err(fault!("experiment.many_arms", column = &asked.variant, arms = levels.len(), most = MOST_ARMS));
        }
        if levels.len() < 2 {
            return Err(fault!("experiment.one_arm", column = &asked.variant, value = &asked.control));
        }
        // The control comes first.
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.swap(0, control);
        order[1..].sort_unstable();
        let place: Vec<usize> = (0..levels.len()).map(|l| order.iter().position(|o| *o == l).unwrap_or_default()).collect();
        let arms = order.iter().map(|l| levels[*l].clone()).collect();
        let mut out = Self { arms, arm: Vec::new(), rows: Vec::new(), shared: 0, unassigned: 0 };
        let arm_of = |r: usize| usize::try_from(codes[r]).ok().map(|c| place[c]);
        let Some(id) = &asked.id else {
            for r in 0..codes.len() {
                match arm_of(r) {
                    Some(a) => {
                        out.arm.push(a);
                        out.rows.push(vec![r as u32]);
                    }
                    None => out.unassigned += 1,
                }
            }
            return Ok(out);
        };
        let (ids, names) = table.codes(table.column(id)?);
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
        for (r, i) in ids.iter().enumerate() {
            match usize::try_from(*i) {
                Ok(i) => rows_of[i].push(r as u32),
                Err(_) => out.unassigned += 1,
            }
        }
        for rows in rows_of {
            let mut seen: Vec<usize> = rows.iter().filter_map(|r| arm_of(*r as usize)).collect();
            seen.sort_unstable();
            seen.dedup();
            match seen.as_slice() {
                [] => out.unassigned += 1,
                [a] => {
                    out.arm.push(*a);
                    out.rows.push(rows);
                }
                _ => out.shared += 1,
            }
        }
        Ok(out)
    }

    /// One number a person: the sum of the rows (of a yes/no column: whether any row says yes); NaN where none is known.
    fn values(&self, table: &Table, column: &str) -> Result<Vec<f64>> {
        let at = table.column(column)?;
        if table.column_type(at) == ColumnType::Text {
            return Err(fault!("experiment.not_a_number", column = column));
        }
        let cells = table.numbers(at);
        let yes_no = cells.iter().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0);
        let of = |rows: &Vec<u32>| {
            let known = rows.iter().map(|r| cells[*r as usize]).filter(|v| v.is_finite());
            known.fold(f64::NAN, |s, v| {
                if s.is_nan() {
                    v
                } else if yes_no {
                    s.max(v)
                } else {
                    s + v
                }
            })
        };
        Ok(self.rows.iter().map(of).collect())
    }

    fn counts(&self) -> Vec<u64> {
        let mut out = vec![0; self.arms.len()];
        self.arm.iter().for_each(|a| out[*a] += 1);
        out
    }

    /// The people of each arm whose number is known, as numbers.
    fn by_arm(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let mut out = vec![Vec::new(); self.arms.len()];
        for (a, v) in self.arm.iter().zip(values) {
            if v.is_finite() {
                out[*a].push(*v);
            }
        }
        out
    }
}

/// Reads an experiment.
pub fn read(table: &Table, asked: &Asked, data: &Fingerprint, ctx: &JobCtx) -> Result<Reading> {
    check(asked)?;
    ctx.stage("experiment.stage_reading", asked.metrics.len() as u64 + 1);
    let people = People::of(table, asked)?;
    let counts = people.counts();
    if let Some(empty) = counts.iter().position(|c| *c < 2) {
        return Err(fault!("experiment.empty_arm", arm = &people.arms[empty], n = counts[empty]));
    }
    let srm = srm(&counts, weights(asked, &people.arms)?.as_deref())?;
    let mut warnings = Vec::new();
    if people.unassigned > 0 {
        warnings.push(note!("experiment.unassigned", rows = people.unassigned));
    }
    if people.shared > 0 {
        warnings.push(note!("experiment.shared", people = people.shared));
    }
    let balance = balance(table, asked, &people)?;
    ctx.at(1);
    let covariate = asked.covariate.as_ref().map(|c| people.values(table, c)).transpose()?;
    let mut metrics = Vec::new();
    for (k, metric) in asked.metrics.iter().enumerate() {
        ctx.check()?;
        let values = people.values(table, &metric.column)?;
        let unknown = values.iter().filter(|v| !v.is_finite()).count();
        if unknown > 0 {
            warnings.push(note!("experiment.unknown", metric = &metric.column, people = unknown));
        }
        versions(&people, metric, &values, covariate.as_deref(), asked, &mut metrics, &mut warnings)?;
        ctx.at(k as u64 + 2);
    }
    correct(asked, &mut metrics);
    let days = asked.date.as_ref().map(|d| days(table, d)).transpose()?;
    let daily = daily(table, asked, &people, &metrics, ctx)?;
    let ill = illness(&people, &srm, &balance);
    let decisions = decisions(asked, &people, &counts, &metrics, days, ill.clone());
    let (grade, reason) = match (ill, balance.is_empty()) {
        (Some(reason), _) => (Grade::D, reason),
        // Nobody can see from the outcome alone that people were assigned and did not choose.
        (None, true) => (Grade::C, note!("experiment.grade_split", p = numbers::fixed(srm.p, 3))),
        (None, false) => (Grade::A, note!("experiment.grade_balanced", p = numbers::fixed(srm.p, 3), columns = balance.len())),
    };
    Ok(Reading {
        asked: asked.clone(),
        data: data.clone(),
        people: people.arm.len() as u64,
        grade,
        reason,
        srm,
        arms: people.arms,
        balance,
        days,
        metrics,
        daily,
        decisions,
        warnings,
    })
}

/// How each metric grew day by day, as it is.
fn daily(table: &Table, asked: &Asked, people: &People, metrics: &[MetricReading], ctx: &JobCtx) -> Result<Vec<Path>> {
    let Some(date) = &asked.date else { return Ok(Vec::new()) };
    let of_row = day_numbers(table, date)?;
    let mut out = Vec::new();
    for m in metrics.iter().filter(|m| m.version == Version::Raw) {
        let cells = table.numbers(table.column(&m.metric)?);
        let yes_no = cells.iter().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0);
        let known = |(person, rows): (usize, &Vec<u32>)| {
            let row = |r: &u32| {
                let (day, v) = (of_row[*r as usize], cells[*r as usize]);
                (day.is_finite() && v.is_finite()).then_some((day as i64, person, v))
            };
            rows.iter().filter_map(row).collect::<Vec<_>>()
        };
        let entries: Vec<daily::Entry> = people.rows.iter().enumerate().flat_map(known).collect();
        let metric = daily::Metric { name: &m.metric, yes_no, rate: m.rate };
        out.extend(daily::paths(&metric, entries, &people.arm, &people.arms, asked.tuning, asked.alpha, ctx)?);
    }
    Ok(out)
}

fn check(asked: &Asked) -> Result<()> {
    if asked.metrics.is_empty() {
        return Err(fault!("experiment.no_metric"));
    }
    if let Some(m) = asked.metrics.iter().find(|m| m.column == asked.variant || Some(&m.column) == asked.covariate.as_ref()) {
        return Err(fault!("experiment.metric_twice", metric = &m.column));
    }
    let winsorise = asked.winsorise.unwrap_or(0.99);
    for (what, share) in [("alpha", asked.alpha), ("power", asked.power), ("winsorise", winsorise)] {
        if !(share > 0.0 && share < 1.0) {
            return Err(fault!("experiment.bad_share", what = what, share = share));
        }
    }
    if asked.prior.is_some_and(|p| !(p.sd > 0.0 && p.sd.is_finite() && p.mean.is_finite())) {
        return Err(fault!("experiment.bad_prior"));
    }
    if asked.mde.is_some_and(|m| !(m > 0.0 && m.is_finite())) || asked.tuning.is_nan() || asked.tuning < 1.0 {
        return Err(fault!("experiment.bad_mde"));
    }
    Ok(())
}

/// Planned shares in the order of the arms.
fn weights(asked: &Asked, arms: &[String]) -> Result<Option<Vec<f64>>> {
    if asked.shares.is_empty() {
        return Ok(None);
    }
    if let Some(unknown) = asked.shares.keys().find(|k| !arms.contains(k)) {
        return Err(fault!("experiment.no_arm", arm = unknown, arms = arms.join(", ")));
    }
    let of = |a: &String| asked.shares.get(a).copied().ok_or_else(|| fault!("experiment.no_share", arm = a));
    arms.iter().map(of).collect::<Result<Vec<f64>>>().map(Some)
}

/// Raw, adjusted and winsorised readings of one metric.
fn versions(
    people: &People,
    metric: &Metric,
    values: &[f64],
    covariate: Option<&[f64]>,
    asked: &Asked,
    out: &mut Vec<MetricReading>,
    warnings: &mut Vec<Notice>,
) -> Result<()> {
    let arms = people.by_arm(values);
    if let Some(empty) = arms.iter().position(|a| a.len() < 2) {
        return Err(fault!("experiment.empty_arm_metric", arm = &people.arms[empty], metric = &metric.column, n = arms[empty].len()));
    }
    let rate = arms.iter().flatten().all(|v| *v == 0.0 || *v == 1.0);
    let raw: Vec<Moments> = arms.iter().map(|a| Moments::of_values(a, rate)).collect();
    if raw.iter().all(|m| m.variance == 0.0) {
        warnings.push(note!("experiment.constant", metric = &metric.column));
    }
    let reading = |version, moments: &[Moments], rate| reading(people, &metric.column, version, moments, rate, asked);
    let mut first = reading(Version::Raw, &raw, rate);
    let adjusted = covariate.and_then(|x| {
        // Who has no value from before gets the mean: no adjustment, and no loss of the person.
        let known: Vec<f64> = x.iter().zip(values).filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(x, _)| *x).collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let filled: Vec<f64> = x
            .iter()
            .zip(values)
            .map(|(x, y)| {
                if y.is_nan() {
                    f64::NAN
                } else if x.is_finite() {
                    *x
                } else {
                    mean
                }
            })
            .collect();
        let together: Vec<Together> = arms.iter().zip(people.by_arm(&filled)).map(|(y, x)| Together::of_values(y, &x)).collect();
        moments::cuped(&together)
    });
    match adjusted {
        Some((moments, removed)) => {
            let cuped = MetricReading { variance_removed: Some(removed), ..reading(Version::Cuped, &moments, false) };
            first.decides = false;
            out.extend([first, cuped]);
        }
        None => {
            if covariate.is_some() {
                warnings.push(note!("experiment.no_cuped", metric = &metric.column));
            }
            out.push(first);
        }
    }
    if let Some(share) = asked.winsorise.filter(|_| !rate) {
        let mut all: Vec<f64> = arms.iter().flatten().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        let cap = quantile(&all, share);
        let cut: Vec<Moments> = arms.iter().map(|a| Moments::of_values(&a.iter().map(|v| v.min(cap)).collect::<Vec<_>>(), false)).collect();
        out.push(MetricReading { cap: Some(cap), decides: false, ..reading(Version::Winsorised, &cut, false) });
    }
    Ok(())
}

fn reading(people: &People, metric: &str, version: Version, moments: &[Moments], rate: bool, asked: &Asked) -> MetricReading {
    let control = &moments[0];
    let comparison = |(a, m): (usize, &Moments)| {
        let both = |way| {
            let of = |e| effect::judge(control, m, e, way, asked.alpha);
            (of(effect::absolute(control, m)), effect::relative(control, m).and_then(of))
        };
        let (absolute, relative) = both(Way::Fixed);
        let (anytime_absolute, anytime) = both(Way::Sequential { tuning: asked.tuning });
        let conversions = |m: &Moments| ((m.mean * m.n).round(), m.n);
        Comparison {
            variant: people.arms[a].clone(),
            absolute,
            relative,
            anytime_absolute,
            anytime,
            bayes: bayes::relative(control, m, asked.prior, asked.alpha),
            rates: if rate { bayes::rates(conversions(control), conversions(m)).ok() } else { None },
            p_adjusted: None,
        }
    };
    let arm = |(a, m): (usize, &Moments)| Arm { name: people.arms[a].clone(), n: m.n as u64, mean: m.mean, sd: m.variance.sqrt() };
    MetricReading {
        metric: metric.to_owned(),
        version,
        rate,
        cap: None,
        variance_removed: None,
        decides: true,
        arms: moments.iter().enumerate().map(arm).collect(),
        comparisons: moments.iter().enumerate().skip(1).map(comparison).collect(),
    }
}

/// p-values corrected over all variants and goal metrics that decide; guardrails stay uncorrected, so that harm is not hidden.
fn correct(asked: &Asked, metrics: &mut [MetricReading]) {
    let goal = |m: &MetricReading| m.decides && asked.metrics.iter().any(|g| g.column == m.metric && !g.guardrail);
    let p = |c: &Comparison| c.absolute.as_ref().map_or(1.0, |e| e.p);
    let all: Vec<f64> = metrics.iter().filter(|m| goal(m)).flat_map(|m| m.comparisons.iter().map(p)).collect();
    let mut adjusted = adjust(&all, asked.correction).into_iter();
    for m in metrics {
        let corrected = goal(m);
        for c in &mut m.comparisons {
            c.p_adjusted = if corrected { adjusted.next() } else { None };
        }
    }
}

/// Arms compared by what was known before the start.
fn balance(table: &Table, asked: &Asked, people: &People) -> Result<Vec<Balance>> {
    let mut out = Vec::new();
    let columns = asked.before.iter().chain(&asked.covariate);
    for column in columns {
        let at = table.column(column)?;
        let (difference, p) = if table.column_type(at) == ColumnType::Text {
            let (codes, levels) = table.codes(at);
            category(people, &codes, levels.len())
        } else {
            let values = people.by_arm(&people.values(table, column)?);
            let arms: Vec<Moments> = values.iter().map(|a| Moments::of_values(a, false)).collect();
            let mut worst: (f64, f64) = (0.0, 1.0);
            for m in &arms[1..] {
                let (d, v) = effect::absolute(&arms[0], m);
                let sd = f64::midpoint(arms[0].variance, m.variance).sqrt();
                let p = (effect::normal_p(d, v) * (arms.len() - 1) as f64).min(1.0);
                worst = (worst.0.max(if sd > 0.0 { d.abs() / sd } else { 0.0 }), worst.1.min(p));
            }
            worst
        };
        out.push(Balance { column: column.clone(), difference, p, p_adjusted: p });
    }
    let adjusted = adjust(&out.iter().map(|b| b.p).collect::<Vec<_>>(), Correction::Holm);
    out.iter_mut().zip(adjusted).for_each(|(b, p)| b.p_adjusted = p);
    Ok(out)
}

/// Cramér's V and the χ² test of a category against the arms, over levels that are not too rare for the test.
fn category(people: &People, codes: &[i32], levels: usize) -> (f64, f64) {
    let k = people.arms.len();
    let mut cells = vec![0.0; levels * k];
    for (arm, rows) in people.arm.iter().zip(&people.rows) {
        if let Some(level) = rows.first().and_then(|r| usize::try_from(codes[*r as usize]).ok()) {
            cells[level * k + arm] += 1.0;
        }
    }
    let of_arm: Vec<f64> = (0..k).map(|a| cells.iter().skip(a).step_by(k).sum()).collect();
    let n: f64 = of_arm.iter().sum();
    let smallest = of_arm.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut chi2, mut used) = (0.0, 0usize);
    for level in cells.chunks(k) {
        let of_level: f64 = level.iter().sum();
        // Fewer than five expected in a cell, and χ² says little.
        if of_level * smallest / n < 5.0 {
            continue;
        }
        used += 1;
        chi2 += level.iter().zip(&of_arm).map(|(c, a)| (c - of_level * a / n).powi(2) / (of_level * a / n)).sum::<f64>();
    }
    if used < 2 || n == 0.0 {
        return (0.0, 1.0);
    }
    let degrees = ((used - 1) * (k - 1)) as f64;
    let v = (chi2 / (n * ((used - 1).min(k - 1)) as f64)).sqrt();
    (v, ChiSquared::new(degrees).map_or(1.0, |d| d.sf(chi2)))
}

/// What makes every number of the experiment doubtful.
fn illness(people: &People, srm: &Srm, balance: &[Balance]) -> Option<Notice> {
    if !srm.ok {
        return Some(note!("experiment.ill_split", p = numbers::plain(srm.p)));
    }
    let all = people.arm.len() + people.shared;
    let shared = people.shared as f64 / all.max(1) as f64;
    if shared > MOST_SHARED {
        return Some(note!("experiment.ill_shared", share = numbers::percent(shared)));
    }
    let worst = balance.iter().filter(|b| b.p_adjusted < BALANCE_ALARM).min_by(|a, b| a.p_adjusted.total_cmp(&b.p_adjusted))?;
    Some(note!("experiment.ill_balance", column = &worst.column, p = numbers::plain(worst.p_adjusted)))
}

/// Days that a column spans, the first and the last included.
fn days(table: &Table, column: &str) -> Result<u64> {
    let days = day_numbers(table, column)?.into_iter().filter(|d| d.is_finite());
    let (low, high) = days.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| (l.min(d), h.max(d)));
    if low > high { Err(fault!("experiment.not_a_date", column = column)) } else { Ok((high - low) as u64 + 1) }
}

/// The day of each row, as days since 1970.
fn day_numbers(table: &Table, column: &str) -> Result<Vec<f64>> {
    let at = table.column(column)?;
    let per = match table.column_type(at) {
        ColumnType::Date => 1.0,
        ColumnType::Datetime => 86_400.0,
        _ => return Err(fault!("experiment.not_a_date", column = column)),
    };
    Ok(table.numbers(at).into_iter().map(|v| (v / per).floor()).collect())
}

fn decisions(
    asked: &Asked,
    people: &People,
    counts: &[u64],
    metrics: &[MetricReading],
    days: Option<u64>,
    ill: Option<Notice>,
) -> Vec<Decision> {
    let of_variant = |v: usize| {
        let seen: Vec<Seen> = metrics.iter().filter(|m| m.decides).filter_map(|m| seen(asked, m, v, counts, days)).collect();
        decide(&people.arms[v + 1], &seen, asked.alpha, per_day(counts, days), ill.clone())
    };
    (0..counts.len() - 1).map(of_variant).collect()
}

/// People a day and arm, where the days are known.
fn per_day(counts: &[u64], days: Option<u64>) -> Option<f64> {
    let smallest = counts.iter().copied().min().unwrap_or(0);
    days.map(|d| smallest as f64 / d.max(1) as f64)
}

/// A metric of a variant as the decision sees it.
fn seen(asked: &Asked, m: &MetricReading, v: usize, counts: &[u64], days: Option<u64>) -> Option<Seen> {
    let goals = asked.metrics.iter().filter(|m| !m.guardrail).count();
    // Harm to a guardrail is not corrected for: it must not be missed.
    let among = |m: &Metric| if m.guardrail || asked.correction == Correction::None { 1 } else { goals * (counts.len() - 1) };
    let turned =
        |e: Option<Effect>, lower: bool| e.map(|e| if lower { Effect { effect: -e.effect, ci: (-e.ci.1, -e.ci.0), ..e } } else { e });
    let of = asked.metrics.iter().find(|a| a.column == m.metric)?;
    let c = m.comparisons.get(v)?;
    let (control, variant) = (m.arms.first()?, m.arms.get(v + 1)?);
    let needed = asked.mde.and_then(|mde| {
        let plan = Plan {
            baseline: control.mean,
            sd: (!m.rate).then_some(control.sd),
            alpha: asked.alpha,
            power: asked.power,
            arms: counts.len() as u32,
            per_day: None,
        };
        let target = control.mean * (1.0 + mde);
        plan.size(if m.rate { target.min(1.0) } else { target }).ok().map(|s| s.per_arm)
    });
    Some(Seen {
        metric: m.metric.clone(),
        guardrail: of.guardrail,
        anytime: turned(c.anytime.or(c.anytime_absolute), of.lower_is_better),
        fixed: turned(c.relative.or(c.absolute), of.lower_is_better),
        p: c.p_adjusted.or(c.absolute.as_ref().map(|e| e.p)).unwrap_or(1.0),
        among: among(of),
        needed,
        have: control.n.min(variant.n),
        per_day: per_day(counts, days),
    })
}

impl Reading {
    /// One scenario a variant, whose effect is what this experiment measured.
    pub fn scenarios(&self, study: &str) -> Vec<Scenario> {
        let of = |arm: &String| Scenario {
            name: format!("{study}: {arm}"),
            tested: Some(Tested { study: study.to_owned(), arm: arm.clone() }),
            ..Scenario::default()
        };
        self.arms.iter().skip(1).map(of).collect()
    }

    /// The absolute difference of a metric between a variant and the control as the verdict reads it, and whether that is the
    /// interval that holds at any time; `None` where nothing varies or nothing of that name was read.
    pub fn verdict_of(&self, metric: &str, variant: &str) -> Option<(Effect, bool)> {
        let v = self.arms.iter().skip(1).position(|a| a == variant)?;
        let m = self.metrics.iter().find(|m| m.decides && m.metric == metric)?;
        let any = seen(&self.asked, m, v, &self.srm.counts, self.days)?.reads_at_any_time(self.asked.alpha);
        let c = m.comparisons.get(v)?;
        Some((if any { c.anytime_absolute? } else { c.absolute? }, any))
    }
}
