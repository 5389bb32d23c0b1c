//! Studies: questions to the data that need no model of the recipe — an experiment, spending curves, a budget. A recipe
//! holds them by name; window, run and report ask them the same way.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::bandit;
use super::budget::{self, Allocation, Budget, Fit, Series, fit};
use super::causal::{self, Base};
use super::customers::{self, Valuation, summary};
use super::experiment;
use super::feedback::Feedback;
use super::news::News;
use super::policy::{self, Columns, Log, Mapping, PolicyValue, Wanted, mapping};
use super::uplift::learner::Learner;
use super::uplift::money::Money;
use super::uplift::{self, UpliftResult};
use crate::base::{JobCtx, Notice, Result};
use crate::data::{Loaded, Split};
use crate::ml::ModelKind;

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
    /// Whom a treatment helps.
    Uplift(UpliftAsked),
    /// What another policy would have earned.
    Policy(PolicyAsked),
    /// What customers are worth.
    Customers(CustomersAsked),
    /// New rows beside a model of the recipe.
    Feedback(FeedbackAsked),
}

/// Whom a treatment helps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpliftAsked {
    /// Column that says what was done to a person.
    pub treatment: String,
    /// Value of it that means nothing was done.
    pub control: String,
    /// Column that says what came of it.
    pub outcome: String,
    /// Whether it is good news; guessed from its name if absent. Of bad news the advice points at less of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_is: Option<News>,
    /// Value of the outcome that is counted, where it is a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Most questions in a row of the policy tree, 0 to 3; 0 leaves the policy out.
    #[serde(skip_serializing_if = "is_usual_depth")]
    pub depth: usize,
    /// Columns that may tell people apart; all that look like features if empty.
    pub features: Vec<String>,
    /// Columns left out of those.
    pub ignore: Vec<String>,
    /// What decided who was treated.
    pub adjust: Vec<String>,
    /// What the treatment cannot have changed.
    pub negative: Vec<String>,
    /// How effects of persons are learned.
    pub learner: Learner,
    /// What stands behind it.
    pub base: Base,
    /// Money earned per conversion, as the analyst assumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_per_conversion: Option<f64>,
    /// Money spent per person contacted, as the analyst assumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_contact: Option<f64>,
    /// Money spent per person contacted by single arms, where they differ, as the analyst assumes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub costs: BTreeMap<String, f64>,
    /// Money spent per conversion, as the analyst assumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_conversion: Option<f64>,
    /// Only rows that meet this condition.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Number columns that are codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<String>,
    /// Columns by whose values effects are shown apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Planned sizes of the arms, the control among them; equal sizes, or the nearest plain split, if empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ratio: BTreeMap<String, f64>,
    /// Columns with the moments of treatment and outcome, both or neither; an outcome before its treatment is refused.
    #[serde(skip_serializing_if = "Times::is_empty")]
    pub times: Times,
    /// Which rows test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Share of people at which uplift is shown.
    #[serde(skip_serializing_if = "is_usual_k")]
    pub k: f64,
    /// Seed.
    pub seed: u64,
}

/// The moments of treatment and outcome, by column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Times {
    /// When people were treated.
    pub treated: String,
    /// When the outcome happened.
    pub outcome: String,
}

impl Times {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// Whether one of the two is named alone.
    pub fn is_half(&self) -> bool {
        self.treated.is_empty() != self.outcome.is_empty()
    }
}

/// Share of people at which uplift is shown, unless asked otherwise.
pub const K: f64 = 0.3;

fn is_usual_k(k: &f64) -> bool {
    *k == K
}

/// Questions in a row of a policy tree, unless asked otherwise.
const DEPTH: usize = 2;

fn is_usual_depth(depth: &usize) -> bool {
    *depth == DEPTH
}

impl Default for UpliftAsked {
    fn default() -> Self {
        Self {
            treatment: String::new(),
            control: String::new(),
            outcome: String::new(),
            outcome_is: None,
            positive: None,
            depth: DEPTH,
            features: Vec::new(),
            ignore: Vec::new(),
            adjust: Vec::new(),
            negative: Vec::new(),
            learner: Learner::T,
            base: Base::Logistic,
            value_per_conversion: None,
            cost_per_contact: None,
            costs: BTreeMap::new(),
            cost_per_conversion: None,
            filter: None,
            categorical: Vec::new(),
            by: Vec::new(),
            ratio: BTreeMap::new(),
            times: Times::default(),
            split: None,
            k: K,
            seed: 1,
        }
    }
}

impl UpliftAsked {
    /// Whether the outcome is good news: what the analyst said, else what its name sounds like.
    pub fn news(&self) -> News {
        self.outcome_is.unwrap_or_else(|| News::of_words(&self.outcome, self.positive.as_deref().unwrap_or_default()))
    }
}

/// What another policy would have earned on a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyAsked {
    /// Which column is what; proposed where neither the action nor the reward is named.
    pub columns: Columns,
    /// The policy in question.
    #[serde(skip_serializing_if = "is_uniform")]
    pub target: Wanted,
    /// Weights above this are cut down to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// What predicts rewards: a line, or trees.
    #[serde(skip_serializing_if = "is_usual_model")]
    pub model: Base,
    /// Seed.
    #[serde(skip_serializing_if = "is_first_seed")]
    pub seed: u64,
}

impl Default for PolicyAsked {
    fn default() -> Self {
        Self { columns: Columns::default(), target: Wanted::Uniform, clip: None, model: Base::Logistic, seed: 1 }
    }
}

fn is_usual_model(model: &Base) -> bool {
    *model == Base::Logistic
}

fn is_first_seed(seed: &u64) -> bool {
    *seed == 1
}

fn is_uniform(wanted: &Wanted) -> bool {
    *wanted == Wanted::Uniform
}

/// What customers are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CustomersAsked {
    /// Who bought.
    pub id: String,
    /// When.
    pub date: String,
    /// For how much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Where a row is a customer and no purchase: columns with repeat purchases, time of the last, age, and perhaps the
    /// average spend, in units of time. Then nobody asks when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub summary: Vec<String>,
    /// Unit of time.
    #[serde(skip_serializing_if = "is_usual_unit")]
    pub unit: summary::Unit,
    /// Decimals to which average spends are rounded half up, as published summaries do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    /// Units ahead; a year if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<f64>,
    /// Last day that the models see, as 1997-09-30; what comes after it is compared with what they expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Discount a year.
    pub discount: f64,
    /// Share of spend that is earned.
    pub margin: f64,
}

fn is_usual_unit(unit: &summary::Unit) -> bool {
    *unit == summary::Unit::Week
}

impl Default for CustomersAsked {
    fn default() -> Self {
        Self {
            id: String::new(),
            date: String::new(),
            amount: None,
            summary: Vec::new(),
            unit: summary::Unit::Week,
            decimals: None,
            horizon: None,
            until: None,
            discount: 0.1,
            margin: 1.0,
        }
    }
}

/// New rows, or the outcome of an experiment, beside a model of the recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedbackAsked {
    /// The new rows; relative to the recipe. Read as the recipe's own data are.
    pub file: PathBuf,
    /// Model of the recipe; the first if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Name of the new version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Share of the new rows that the new version does not learn from.
    pub held: f64,
    /// Seed.
    pub seed: u64,
    /// Whether the new version stands beside the old one in the project. It changes nothing of the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

impl Default for FeedbackAsked {
    fn default() -> Self {
        Self { file: PathBuf::new(), model: None, version: None, held: 0.5, seed: 1, keep: false }
    }
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
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// Whom a treatment helps.
    Uplift(Box<UpliftResult>),
    /// What another policy would have earned.
    Policy(Box<PolicyValue>),
    /// Which column of a log is what, before anybody has said so.
    Mapping(Box<Mapping>),
    /// What customers are worth.
    Customers(Box<Valuation>),
    /// New rows beside a model.
    Feedback(Box<Feedback>),
}

impl Study {
    /// Whether it reads the data file; a budget stands by itself.
    pub fn needs_data(&self) -> bool {
        !matches!(self, Self::Budget(_))
    }

    /// The part of it that its answer hangs on.
    pub fn question(&self) -> Self {
        match self {
            Self::Feedback(asked) => Self::Feedback(FeedbackAsked { keep: false, ..asked.clone() }),
            other => other.clone(),
        }
    }
}

/// A study with what it found, or why it found nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Studied {
    /// The study's name.
    pub name: String,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Why nothing was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Notice>,
}

/// Answers every study by `answer`; one that cannot be answered says why, and the others go on.
pub fn all(studies: &[NamedStudy], answer: impl Fn(&Study) -> Result<Finding>) -> Result<Vec<Studied>> {
    let mut out = Vec::new();
    for s in studies {
        let (finding, fault) = match answer(&s.ask) {
            Ok(found) => (Some(found), None),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => (None, Some(fault.0)),
        };
        out.push(Studied { name: s.name.clone(), finding, fault });
    }
    Ok(out)
}

/// Answers a study that needs no model; new rows are set beside one by the session.
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
        Study::Uplift(asked) => uplift_of(asked, loaded, ctx).map(|r| Finding::Uplift(Box::new(r))),
        Study::Policy(asked) => {
            if asked.columns.action.is_empty() && asked.columns.reward.is_empty() {
                return Ok(Finding::Mapping(Box::new(mapping::propose(&loaded.table))));
            }
            let log = Log::read(&loaded.table, &asked.columns, &loaded.fingerprint)?;
            let model = if asked.model == Base::Gbdt { ModelKind::Gbdt } else { ModelKind::Logistic };
            let settings = policy::Settings { clip: asked.clip, model, seed: asked.seed, ..policy::Settings::default() };
            asked.target.value(&log, loaded, &settings, ctx).map(|v| Finding::Policy(Box::new(v)))
        }
        Study::Customers(asked) => customers_of(asked, loaded, ctx).map(|v| Finding::Customers(Box::new(v))),
        Study::Bandit(t) => bandit::run(&loaded.table, &t.log, &t.settings, &loaded.fingerprint, ctx).map(|f| Finding::Bandit(Box::new(f))),
        Study::Feedback(_) => Err(crate::fault!("session.no_models")),
        Study::Budget(plan) => budget::allocate(plan, ctx).map(|a| Finding::Budget(Box::new(a))),
    }
}

fn customers_of(asked: &CustomersAsked, loaded: &Loaded, ctx: &JobCtx) -> Result<Valuation> {
    let read = if asked.summary.is_empty() {
        let until = asked.until.as_deref().map(summary::day).transpose()?;
        let columns = summary::Columns {
            id: &asked.id,
            date: &asked.date,
            amount: asked.amount.as_deref(),
            until,
            // Nothing here reads a clock: a date that lies ahead is seen in the profile.
            today: i64::MAX / 2,
            unit: asked.unit,
            decimals: asked.decimals,
        };
        summary::from_log(&loaded.table, &columns)?
    } else {
        summary::from_summary(&loaded.table, &asked.summary, Some(asked.id.as_str()).filter(|id| !id.is_empty()))?
    };
    let horizon = asked.horizon.unwrap_or_else(|| asked.unit.per_year().round());
    let settings =
        customers::Settings { unit: asked.unit, horizon, discount: asked.discount, margin: asked.margin, ..customers::Settings::default() };
    customers::value(&read, &loaded.fingerprint, &settings, ctx)
}

/// What is asked of the data by a study of uplift, the outcome as it stands there.
pub fn ask_of(asked: &UpliftAsked) -> causal::Ask {
    causal::Ask {
        treatment: asked.treatment.clone(),
        outcome: asked.outcome.clone(),
        control: asked.control.clone(),
        positive: asked.positive.clone(),
        features: (!asked.features.is_empty()).then(|| asked.features.clone()),
        ignore: asked.ignore.clone(),
        adjust: asked.adjust.clone(),
        negative: asked.negative.clone(),
        categorical: asked.categorical.clone(),
        filter: asked.filter.clone(),
        split: asked.split.clone(),
        ratio: asked.ratio.iter().map(|(arm, size)| (arm.clone(), *size)).collect(),
        times: (!asked.times.is_empty()).then(|| (asked.times.treated.clone(), asked.times.outcome.clone())),
        seed: asked.seed,
        ..causal::Ask::default()
    }
}

fn uplift_of(asked: &UpliftAsked, loaded: &Loaded, ctx: &JobCtx) -> Result<UpliftResult> {
    if asked.times.is_half() {
        return Err(crate::fault!("uplift.two_moments"));
    }
    let ask = causal::Ask { news: asked.news(), ..ask_of(asked) };
    let read = causal::Study::of(&loaded.table, &ask)?;
    let money = money_of(asked, &read.arms[1..])?;
    let options = uplift::Options {
        learner: asked.learner,
        base: asked.base,
        depth: asked.depth,
        money,
        contacts: if money.is_some() { asked.costs.clone() } else { BTreeMap::new() },
        k: asked.k,
        by: asked.by.clone(),
        seed: asked.seed,
        ..uplift::Options::default()
    };
    let mut found = uplift::analyse(&read, &options, ctx)?;
    if asked.outcome_is.is_none() && !read.news.is_good() {
        found.warnings.push(crate::note!("uplift.bad_news_guessed", outcome = &asked.outcome));
    }
    if let Some(filter) = asked.filter.as_deref().filter(|f| !f.trim().is_empty()) {
        found.assumptions.push(crate::note!("uplift.only_rows", condition = filter));
    }
    if money.is_none()
        && (asked.value_per_conversion.is_some()
            || asked.cost_per_contact.is_some()
            || asked.cost_per_conversion.is_some()
            || !asked.costs.is_empty())
    {
        let code = if asked.value_per_conversion.is_some() { "uplift.money_no_cost" } else { "uplift.money_no_value" };
        found.warnings.push(crate::base::Notice::new(code));
    }
    Ok(found)
}

/// The money assumptions, where both the value and what each of `arms` costs are known.
fn money_of(asked: &UpliftAsked, arms: &[String]) -> Result<Option<Money>> {
    for amount in [asked.value_per_conversion, asked.cost_per_contact, asked.cost_per_conversion].into_iter().flatten() {
        if !(amount.is_finite() && amount >= 0.0) {
            return Err(crate::fault!("uplift.bad_amount", amount = amount));
        }
    }
    let conversion = asked.cost_per_conversion.unwrap_or(0.0);
    let every = arms.iter().all(|a| asked.costs.contains_key(a));
    Ok(match (asked.value_per_conversion, asked.cost_per_contact) {
        (Some(value), Some(contact)) => Some(Money { value, contact, conversion }),
        (Some(value), None) if every => Some(Money { value, contact: 0.0, conversion }),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
