//! Studies: questions to the data that need no model of the recipe — an experiment, spending curves, a budget. A recipe
//! holds them by name; window, run and report ask them the same way.

use serde::{Deserialize, Serialize};

use super::bandit;
use super::budget::{self, Allocation, Budget, Fit, Series, fit};
use super::experiment;
use crate::base::{JobCtx, Notice, Result};
use crate::data::Loaded;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Study {
    /// An experiment is read.
    Experiment(experiment::Asked),
    /// Spending curves are found in a weekly series.
    Curves(fit::Asked),
    /// A budget is shared out.
    Budget(Budget),
    /// Policies are tried on simulated users.
    Bandit(bandit::Trial),
}

/// A study of the recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedStudy {
    /// The analyst's name for it.
    pub name: String,
    /// What is asked.
    pub ask: Study,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Finding {
    /// An experiment.
    Experiment(Box<experiment::Reading>),
    /// Spending curves, and a plan that starts from them.
    Curves {
        /// The curves.
        fit: Box<Fit>,
        /// What an average week spent, with these curves.
        plan: Box<Budget>,
    },
    /// A budget.
    Budget(Box<Allocation>),
    /// Policies tried on simulated users.
    Bandit(Box<bandit::Tried>),
}

impl Study {
    /// Whether it reads the data file; a budget stands by itself.
    pub fn needs_data(&self) -> bool {
        !matches!(self, Self::Budget(_))
    }
}

/// A study with what it found, or why it found nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Studied {
    /// The study's name.
    pub name: String,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Why nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Notice>,
}

/// Answers every study; one that cannot be answered says why, and the others go on.
pub fn all(studies: &[NamedStudy], loaded: &Loaded, ctx: &JobCtx) -> Result<Vec<Studied>> {
    let mut out = Vec::new();
    for s in studies {
        let (finding, fault) = match answer(&s.ask, loaded, ctx) {
            Ok(found) => (Some(found), None),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => (None, Some(fault.0)),
        };
        out.push(Studied { name: s.name.clone(), finding, fault });
    }
    Ok(out)
}

/// Answers a study.
pub fn answer(study: &Study, loaded: &Loaded, ctx: &JobCtx) -> Result<Finding> {
    match study {
        Study::Experiment(asked) => {
            experiment::read(&loaded.table, asked, &loaded.fingerprint, ctx).map(|r| Finding::Experiment(Box::new(r)))
        }
        Study::Curves(asked) => {
            let series = Series::of(&loaded.table, asked, &loaded.fingerprint)?;
            let found = fit::fit(&series, &asked.options, ctx)?;
            let plan = fit::plan(&found, &series);
            Ok(Finding::Curves { fit: Box::new(found), plan: Box::new(plan) })
        }
        Study::Bandit(t) => bandit::run(&loaded.table, &t.log, &t.settings, &loaded.fingerprint, ctx).map(|f| Finding::Bandit(Box::new(f))),
        Study::Budget(plan) => budget::allocate(plan, ctx).map(|a| Finding::Budget(Box::new(a))),
    }
}
