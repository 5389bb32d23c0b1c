//! The effect of a scenario as a test measured it, instead of what a model expects: in the scenario's segment, with the
//! checks and the grade of the study. This is how a scenario comes to grade A or B; a model alone never gets there.

use serde::{Deserialize, Serialize};

use super::causal::base::Space;
use super::causal::effect::difference;
use super::causal::nuisance::{aipw, nuisances};
use super::causal::{self, Base, checks, grade};
use super::evidence::Grade;
use super::experiment;
use super::experiment::read::Version;
use crate::base::{JobCtx, Notice, Result, numbers};
use crate::data::{Loaded, Segment, Table};
use crate::fault;
use crate::ml::{Outcome, OutcomeKind};

/// Which study a scenario takes its effect from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// The study by name; it has to be one of uplift or an experiment.
    pub study: String,
    /// What is done to people; the value that a lever of the scenario gives the study's column if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arm: String,
}

/// What a study says about the people of a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The outcome that was measured.
    pub outcome: String,
    /// Mean outcome of the untreated, and its standard error.
    pub before: (f64, f64),
    /// What the treatment adds per person.
    pub effect: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// People of the segment in the test, treated and not.
    pub people: (usize, usize),
    /// Grade of the evidence.
    pub grade: Grade,
    /// Why this grade.
    pub reason: Notice,
    /// How it was read, where that has to be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Notice>,
}

/// Measures an arm beside the control among the people who meet a condition.
pub fn measure(table: &Table, ask: &causal::Ask, base: Base, arm: &str, segment: Option<&str>, ctx: &JobCtx) -> Result<Measured> {
    // People of the segment who were in the study.
    let both: Vec<&str> = [segment, ask.filter.as_deref()].into_iter().flatten().map(str::trim).filter(|s| !s.is_empty()).collect();
    let filter = match both[..] {
        [] => None,
        [one] => Some(one.to_owned()),
        [..] => Some(format!("({})", both.join(") and ("))),
    };
    let study = causal::Study::of(table, &causal::Ask { filter, ..ask.clone() })?;
    let at = study
        .arms
        .iter()
        .skip(1)
        .position(|a| a == arm)
        .map(|i| i + 1)
        .ok_or_else(|| fault!("strategy.tested_arm", arm = arm, column = &ask.treatment, known = study.arms[1..].join(", ")))?;
    let pair = study.pair(at);
    let checked = checks::run(&study, at, &pair, ask.seed, &ctx.without_stage())?;
    let (grade, reason) = grade::grade(&checked.facts);
    let all: Vec<usize> = (0..pair.y.len()).collect();
    let plain = difference(&pair.y, &pair.w, &all, pair.binary);
    let (effect, low, high) = if grade == Grade::B {
        let space = Space::of(&pair, &study.usable, base, ask.seed)?;
        let confounders = if study.adjust.is_empty() { None } else { Some(Space::of(&pair, &study.adjust, base, ask.seed)?) };
        let found = aipw(&nuisances(&pair, &space, confounders.as_ref(), &ctx.without_stage())?.scores(&pair, &all));
        (found.value, found.low, found.high)
    } else {
        (plain.ate, plain.low, plain.high)
    };
    let mean = plain.mean_control;
    let square: f64 = all.iter().filter(|r| !pair.treated(**r)).map(|r| (pair.y[*r] - mean).powi(2)).sum();
    let n = plain.control as f64;
    Ok(Measured {
        outcome: study.outcome.clone(),
        before: (mean, (square / (n - 1.0).max(1.0) / n.max(1.0)).sqrt()),
        effect,
        low,
        high,
        people: (plain.treated, plain.control),
        grade,
        reason,
        notes: Vec::new(),
    })
}

/// What an experiment says of an arm beside its control among the people who meet a condition: the difference that its
/// verdict reads, unchanged, with its grade. `outcome` is what the scenarios count; it has to be a metric of the experiment.
pub fn of_experiment(
    loaded: &Loaded,
    asked: &experiment::Asked,
    (name, arm): (&str, &str),
    outcome: &Outcome,
    segment: Option<&str>,
    ctx: &JobCtx,
) -> Result<Measured> {
    let metric = &outcome.name;
    let others = || asked.metrics.iter().map(|m| m.column.as_str()).collect::<Vec<_>>().join(", ");
    if !asked.metrics.iter().any(|m| m.column == *metric) {
        return Err(fault!("strategy.tested_outcome", name = name, measured = others(), outcome = metric));
    }
    // A metric counts ones, so yes has to be 1 for the model as well.
    let counts_ones = match &outcome.kind {
        OutcomeKind::Binary { positive, .. } => positive.parse() == Ok(1.0) || positive.eq_ignore_ascii_case("true"),
        _ => false,
    };
    if !counts_ones {
        return Err(fault!("strategy.tested_yes_no", name = name, outcome = outcome.label()));
    }
    let table = &loaded.table;
    let part = match segment.map(str::trim).filter(|s| !s.is_empty()) {
        Some(text) => &table.select_rows(&Segment::parse(text)?.rows(table)?),
        None => table,
    };
    if let Some(id) = &asked.id {
        let at = part.column(id)?;
        let people = part.codes(at).1.len();
        let rows = part.missing(at).iter().filter(|m| !**m).count();
        if people < rows {
            return Err(fault!("strategy.tested_rows", name = name, column = id, rows = rows, people = people));
        }
    }
    let read = experiment::read(part, asked, &loaded.fingerprint, &ctx.without_stage())?;
    if !read.arms[1..].iter().any(|a| a == arm) {
        return Err(fault!("strategy.tested_arm", arm = arm, column = &asked.variant, known = read.arms[1..].join(", ")));
    }
    let raw = read.metrics.iter().find(|m| m.metric == *metric && m.version == Version::Raw);
    let of = |arm: &str| raw.and_then(|m| m.arms.iter().find(|a| a.name == arm));
    let (Some(control), Some(variant), Some((effect, any))) = (of(&asked.control), of(arm), read.verdict_of(metric, arm)) else {
        return Err(fault!("strategy.tested_flat", name = name, outcome = metric));
    };
    let level = format!("{} %", numbers::plain(100.0 * (1.0 - asked.alpha)));
    let how = if any { "strategy.tested_any_time" } else { "strategy.tested_once" };
    Ok(Measured {
        outcome: metric.clone(),
        before: (control.mean, control.sd / (control.n as f64).sqrt()),
        effect: effect.effect,
        low: effect.ci.0,
        high: effect.ci.1,
        people: (variant.n as usize, control.n as usize),
        grade: read.grade,
        reason: read.reason,
        notes: vec![Notice::new(how).with("level", level)],
    })
}
