//! The effect of a scenario as a test measured it, instead of what a model expects: in the scenario's segment, with the
//! checks and the grade of the study. This is how a scenario comes to grade A or B; a model alone never gets there.

use serde::{Deserialize, Serialize};

use super::causal::base::Space;
use super::causal::effect::difference;
use super::causal::nuisance::{aipw, nuisances};
use super::causal::{self, Base, checks, grade};
use super::evidence::Grade;
use crate::base::{JobCtx, Notice, Result};
use crate::data::Table;
use crate::fault;

/// Which study a scenario takes its effect from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// The study by name; it has to be one of uplift.
    pub study: String,
    /// What is done to people.
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
    })
}
