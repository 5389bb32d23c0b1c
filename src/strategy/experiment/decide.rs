//! What to do next: wait so many days, look, ship, roll back, or mend the experiment first.
//!
//! Two readings may end an experiment, and the chance of a false alarm is shared between them: the one that holds at any
//! time, and one look at the planned number of people. The look is open for one day's people only: whoever reads every day
//! takes it once, and what is read later must hold at any time.

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use crate::base::{Notice, numbers};
use crate::note;

/// Share of the chance of a false alarm that the planned look may use; what is left is for all other days together.
const LOOK: f64 = 0.8;
/// How long the look is open where people a day are unknown, as a share of the planned number.
const OPEN: f64 = 0.05;

/// The word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The split or the measuring is broken: no number of this experiment may be believed.
    Unhealthy,
    /// A guardrail or the goal is clearly worse.
    RollBack,
    /// The goal is clearly better, and nothing is clearly worse.
    Ship,
    /// The planned number of people is there, and nothing is clear: smaller than what the plan could see.
    Ready,
    /// More people are needed.
    DaysLeft,
}

/// What to do about one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The variant.
    pub variant: String,
    /// The word.
    pub word: Word,
    /// Days until the planned number of people is there, where people a day are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_left: Option<u64>,
    /// People an arm that are still missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_left: Option<u64>,
    /// Why.
    pub reason: Notice,
}

/// A metric as the decision sees it: signed so that more is better.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub metric: String,
    /// Whether it must only not become worse.
    pub guardrail: bool,
    /// The interval that holds at any time.
    pub anytime: Option<Effect>,
    /// The interval that holds once, at the planned size.
    pub fixed: Option<Effect>,
    /// p-value of the fixed reading, corrected for all comparisons.
    pub p: f64,
    /// Comparisons that share the chance of a false alarm.
    pub among: usize,
    /// People an arm that the plan needs; `None` without a plan.
    pub needed: Option<u64>,
    /// People in the smaller of the two arms.
    pub have: u64,
    /// People a day and arm, where known.
    pub per_day: Option<f64>,
}

/// Where the planned look stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    None,
    Ahead,
    Now,
    Past,
}

impl Seen {
    /// Whether the planned number of people has just been reached, and how far beyond it the data are if not just now.
    fn look(&self) -> Look {
        let Some(needed) = self.needed else { return Look::None };
        let open = self.per_day.unwrap_or(OPEN * needed as f64).max(1.0);
        match self.have.checked_sub(needed) {
            None => Look::Ahead,
            Some(beyond) if (beyond as f64) < open => Look::Now,
            Some(_) => Look::Past,
        }
    }
    /// +1 clearly better, −1 clearly worse, 0 not clear; by the interval that may be read now.
    fn verdict(&self, alpha: f64) -> i8 {
        let sign = |e: &Effect| {
            if e.ci.0 > 0.0 {
                1
            } else if e.ci.1 < 0.0 {
                -1
            } else {
                0
            }
        };
        if let Some(e) = self.clear_at_any_time(alpha) {
            return if e.effect > 0.0 { 1 } else { -1 };
        }
        match &self.fixed {
            Some(e) if self.look() == Look::Now && self.p < LOOK * alpha => sign(e),
            _ => 0,
        }
    }

    /// The reading that holds at any time, where it is clear.
    fn clear_at_any_time(&self, alpha: f64) -> Option<&Effect> {
        let any = if self.needed.is_some() { (1.0 - LOOK) * alpha } else { alpha };
        self.anytime.as_ref().filter(|e| e.p * (self.among as f64) < any)
    }

    /// Whether the verdict reads the interval that holds at any time: always but at the planned look, and there, too, where
    /// that interval is clear already.
    pub(super) fn reads_at_any_time(&self, alpha: f64) -> bool {
        self.clear_at_any_time(alpha).is_some() || self.fixed.is_none() || self.look() != Look::Now
    }
}

/// Decides about a variant. `per_day` are people a day and arm; `ill` says what is broken.
pub(super) fn decide(variant: &str, seen: &[Seen], alpha: f64, per_day: Option<f64>, ill: Option<Notice>) -> Decision {
    let word = |word, reason| Decision { variant: variant.to_owned(), word, days_left: None, people_left: None, reason };
    if let Some(reason) = ill {
        return word(Word::Unhealthy, reason);
    }
    let shown = |s: &Seen| s.fixed.map_or_else(String::new, |e| numbers::percent(e.effect));
    if let Some(worse) = seen.iter().find(|s| s.verdict(alpha) < 0) {
        return word(Word::RollBack, note!("experiment.roll_back", metric = &worse.metric, effect = shown(worse)));
    }
    let goals = || seen.iter().filter(|s| !s.guardrail);
    if let Some(better) = goals().find(|s| s.verdict(alpha) > 0) {
        return word(Word::Ship, note!("experiment.ship", metric = &better.metric, effect = shown(better)));
    }
    let left = goals().filter_map(|s| s.needed.map(|n| n.saturating_sub(s.have))).max();
    match left {
        None => word(Word::Ready, note!("experiment.ready_no_plan")),
        Some(0) => {
            // Past the look, what it would have said is not known any more: more people are among the rows.
            let past = goals().filter(|s| s.look() == Look::Past).max_by_key(|s| s.needed);
            let reason =
                past.and_then(|s| s.needed).map_or_else(|| note!("experiment.ready"), |n| note!("experiment.ready_past", needed = n));
            word(Word::Ready, reason)
        }
        Some(people) => {
            let days = per_day.filter(|d| *d > 0.0).map(|d| (people as f64 / d).ceil() as u64);
            let reason = match days {
                Some(d) => note!("experiment.days_left", days = d, people = people),
                None => note!("experiment.people_left", people = people),
            };
            Decision { days_left: days, people_left: Some(people), ..word(Word::DaysLeft, reason) }
        }
    }
}
