//! What a scenario does to the expected outcome, beside the baseline.
//!
//! - [`result`](mod@result) what is said; `plan` checks what is asked, `season` what its first day moves; `world` moves people; `answer` counts one scenario's
//!   people, conversions and money; [`between`](mod@between) says what drives the difference of two scenarios,
//!   [`frontier`](mod@frontier) what each amount of money earns, `versions` how sure the model itself is.

pub(super) mod answer;
pub mod between;
pub mod frontier;
mod plan;
pub mod result;
mod season;
mod tested;
mod versions;
mod world;

use serde::Serialize;

pub use between::{Between, between};
pub use frontier::{Frontier, Spent, frontier};
pub use result::{Covers, Difference, Estimate, Pair, Placed, ScenarioResult, Simulation, Unanswered};
pub use versions::widen;

use self::answer::{Answered, Side, answer, baseline_result};
use self::plan::Plan;
use self::world::World;
use super::baseline::Baseline;
use super::evidence::{self, Grade};
use super::lever::Lever;
use super::news::{self, News};
use super::scenario::Scenario;
use super::sensitivity::sensitivity;
use super::terms::{Channel, Terms};
use super::tested::Measured;
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers};
use crate::data::Table;
use crate::ml::Model;
use crate::{fault, note};

/// Settings of a simulation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulateOptions {
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Replicates of the bootstrap.
    pub replicates: u32,
    /// Which outcome of the model.
    pub outcome: usize,
    /// Where people are reached.
    pub channels: Vec<Channel>,
    /// Days that the data cover, where that is known.
    pub period: Option<f64>,
    /// Whether the outcome is good news.
    pub news: News,
    /// Whether nobody said so and its name was asked.
    pub guessed: bool,
    /// Whether what drives a change is left out: of a model that was trained again only its figures are wanted.
    pub figures_only: bool,
}

impl Default for SimulateOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            replicates: 400,
            outcome: 0,
            channels: Vec::new(),
            period: None,
            news: News::Good,
            guessed: false,
            figures_only: false,
        }
    }
}

/// A second outcome that scenarios are also judged by, and the model that knows it.
#[derive(Clone, Copy)]
pub struct Also<'a> {
    /// Whether people stay, or how satisfied they are.
    pub what: AlsoWhat,
    /// The model.
    pub model: &'a dyn Model,
    /// The rows as it reads them.
    pub baseline: &'a Baseline,
    /// Which of its outcomes.
    pub outcome: usize,
}

/// What a second outcome says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum AlsoWhat {
    /// Whether people stay.
    Retention,
    /// How satisfied they are.
    Satisfaction,
}

/// What scenarios are judged by besides the model that is asked.
#[derive(Clone, Copy, Default)]
pub struct Besides<'a> {
    /// Second outcomes.
    pub also: &'a [Also<'a>],
    /// Effects of the scenarios that take theirs from a study, in the order of the scenarios; or why nothing was measured.
    pub measured: &'a [Option<Result<Measured>>],
}

/// Simulates the baseline and every scenario. `raw` holds the rows before preparation, `baseline` the same rows as the
/// model reads them. What was answered before on this baseline is not computed again. A scenario that cannot be answered
/// says why, and the others are answered.
pub fn simulate(
    model: &dyn Model,
    raw: &Table,
    baseline: &Baseline,
    scenarios: &[Scenario],
    levers: &[Lever],
    besides: Besides<'_>,
    data: &Fingerprint,
    options: &SimulateOptions,
    ctx: &JobCtx,
) -> Result<Simulation> {
    let Besides { also, measured } = besides;
    let card = model.card();
    let world = world(model, raw, baseline, options, ctx)?;
    let (mut asked_for, mut plans, mut unanswered) = (Vec::new(), Vec::new(), Vec::new());
    for (at, s) in scenarios.iter().enumerate() {
        let found = measured.get(at).and_then(Option::as_ref).map(Result::as_ref).transpose().map_err(Clone::clone);
        let read = found.and_then(|found| {
            found.map_or(Ok(()), |found| tested::fits(&world, s, found))?;
            Ok((found, plan(s, model, raw, levers, options)?))
        });
        match read {
            Ok((found, plan)) => {
                asked_for.push((at, s, found));
                plans.push(plan);
            }
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => unanswered.push(Unanswered { at, name: s.name.clone(), fault: fault.0 }),
        }
    }
    ctx.stage("strategy.stage_simulating", scenarios.len() as u64 + 1);
    let sides: Vec<Side<'_>> = also.iter().map(|a| Side::of(a, raw, ctx)).collect::<Result<_>>()?;

    // The baseline is everybody of the first scenario's segment: what the scenarios are compared with. Each difference is
    // taken within its own scenario's segment.
    let n = baseline.x.n_rows();
    let shared = plans.first().map_or_else(|| (0..n).collect(), |p| p.rows.clone());
    let idle = plans.first().map_or_else(Terms::default, |p| p.terms).idle();
    let mut results = vec![baseline_result(&world, &sides, &shared, idle, options)];
    let mut differences = Vec::new();
    let mut blocks = Vec::new();
    let asked = Fingerprint::of_value(&(
        levers,
        options,
        also.iter().map(|a| (a.what, &a.model.card().fingerprint, a.outcome)).collect::<Vec<_>>(),
    ));
    let blind = evidence::blind(card, options.outcome);
    for (k, ((at, scenario, found), plan)) in asked_for.iter().zip(&plans).enumerate() {
        ctx.check()?;
        let question = Fingerprint::of_value(&(scenario, &asked, plan.rows != shared, found));
        let answered = match baseline.answered(&question) {
            Some(answered) => answered,
            None => {
                let answered = match found {
                    Some(found) => Ok(tested::answer(&world, scenario, plan, found, !sides.is_empty(), options)),
                    None => answer(&world, &sides, scenario, plan, plan.rows != shared, options),
                };
                match answered {
                    Ok(answered) => {
                        baseline.keep(question, answered.clone());
                        answered
                    }
                    Err(fault) if fault.is_cancelled() => return Err(fault),
                    Err(fault) => {
                        unanswered.push(Unanswered { at: *at, name: scenario.name.clone(), fault: fault.0 });
                        continue;
                    }
                }
            }
        };
        let Answered { mut result, difference, sums } = answered;
        if let Some(reason) = blind.as_ref().filter(|_| found.is_none() && !plan.moves.is_empty()) {
            (result.grade, result.reason) = (Grade::D, reason.clone());
        }
        results.push(result);
        differences.push(difference);
        blocks.push(sums);
        ctx.at(k as u64 + 2);
    }
    unanswered.sort_by_key(|u| u.at);
    let mut warnings = Vec::new();
    if asked_for.iter().any(|(_, s, _)| s.tested.is_none()) {
        warnings.push(note!("strategy.not_causal"));
    }
    if !levers.is_empty() && levers.iter().all(|l| l.drop.is_none()) {
        warnings.push(note!("strategy.proxies_unchecked"));
    }
    if card.spec.weight == crate::ml::Weighting::Balanced {
        warnings.push(note!("strategy.balanced"));
    }
    let outcome = &card.outcomes[options.outcome];
    let mut out = Simulation {
        model_name: card.spec.name.clone(),
        model: card.fingerprint.clone(),
        data: data.clone(),
        outcome: outcome.name.clone(),
        class: outcome.class().to_owned(),
        amount: !outcome.is_binary(),
        case: news::case(outcome),
        news: options.news,
        between: None,
        frontier: None,
        sensitivity: Vec::new(),
        pairs: answer::pairs(&world, &results[1..], &differences, &blocks, options),
        assumptions: assumptions(outcome, options, asked_for.iter().map(|(_, s, _)| *s).zip(&plans), &results[0], also),
        scenarios: results,
        unanswered,
        differences,
        seed: options.seed,
        replicates: options.replicates,
        retrained: 0,
        warnings,
    };
    out.sensitivity = scenarios.iter().filter_map(|s| sensitivity(&out, &s.name)).collect();
    Ok(out)
}

/// The world of a model, or why it cannot be asked.
fn world<'a>(
    model: &'a dyn Model,
    raw: &'a Table,
    baseline: &'a Baseline,
    options: &SimulateOptions,
    ctx: &'a JobCtx,
) -> Result<World<'a>> {
    let card = model.card();
    if options.outcome >= card.outcomes.len() {
        return Err(fault!("strategy.no_outcome", number = options.outcome));
    }
    if raw.n_rows() != baseline.x.n_rows() || baseline.standing.margins.len() != raw.n_rows() * card.outcomes.len() {
        return Err(fault!("strategy.other_rows", model = &card.spec.name));
    }
    Ok(World { model, raw, baseline, outcome: options.outcome, ctx })
}

fn plan(s: &Scenario, model: &dyn Model, raw: &Table, levers: &[Lever], options: &SimulateOptions) -> Result<Plan> {
    let outcome = &model.card().outcomes[options.outcome];
    let terms = Terms::of(s, &options.channels, options.period)?.facing(options.news, &s.name, outcome)?;
    Plan::read(s, terms, model, raw, levers)
}

/// What the analyst assumed, in words.
fn assumptions<'a>(
    outcome: &crate::ml::Outcome,
    options: &SimulateOptions,
    scenarios: impl Iterator<Item = (&'a Scenario, &'a Plan)>,
    idle: &ScenarioResult,
    also: &[Also<'_>],
) -> Vec<Notice> {
    let mut out = Vec::new();
    if outcome.is_class() {
        let code = options.news.word("strategy.class_counted");
        out.push(Notice::new(code).with("class", outcome.class()).with("outcome", &outcome.name));
    }
    let news = match (options.news, options.guessed) {
        (News::Good, false) => None,
        (News::Bad, false) => Some("strategy.news_bad"),
        (News::Bad, true) => Some("strategy.news_bad_guessed"),
        (News::Good, true) => Some("strategy.news_good_guessed"),
    };
    out.extend(news.map(|code| Notice::new(code).with("case", news::case(outcome)).with("listed", news::listed(outcome))));
    for a in also {
        let card = a.model.card();
        let code = match a.what {
            AlsoWhat::Retention => "strategy.also_retention",
            AlsoWhat::Satisfaction => "strategy.also_satisfaction",
        };
        out.push(Notice::new(code).with("model", &card.spec.name).with("outcome", card.outcomes[a.outcome].label()));
    }
    if idle.cost.is_some() {
        out.push(note!("strategy.assume_idle"));
    }
    for (s, p, t) in scenarios.map(|(s, p)| (s, p, p.terms)) {
        let (plain, share) = (numbers::plain as fn(f64) -> String, numbers::percent as fn(f64) -> String);
        let entered = [
            ("strategy.assume_value", t.value_per_conversion, plain),
            ("strategy.assume_margin", t.margin, share),
            ("strategy.assume_cost", t.cost_per_contact, plain),
            ("strategy.assume_offer", t.cost_per_conversion, plain),
            ("strategy.assume_fixed", t.fixed_cost, plain),
            ("strategy.assume_delivered", t.delivered, share),
            ("strategy.assume_capacity", t.capacity, plain),
            ("strategy.assume_budget", t.budget, plain),
            ("strategy.assume_days", t.share_of_period, share),
        ];
        for (code, amount, show) in entered {
            if let Some(amount) = amount {
                out.push(Notice::new(t.news.word(code)).with("name", &s.name).with("amount", show(amount)));
            }
        }
        if let Some(channel) = s.channel.as_ref().filter(|c| !c.is_empty()) {
            out.push(note!("strategy.assume_channel", name = &s.name, channel = channel));
        }
        if let Some(start) = s.start.as_ref().filter(|c| !c.is_empty()) {
            out.push(match p.season.words.as_str() {
                "" if p.season.lacks_parts => note!("strategy.assume_start_parts", name = &s.name, start = start),
                "" => note!("strategy.assume_start", name = &s.name, start = start),
                parts => note!("strategy.assume_season", name = &s.name, start = start, parts = parts),
            });
        }
    }
    out
}

#[cfg(test)]
mod between_tests;
#[cfg(test)]
mod news_tests;
#[cfg(test)]
mod tests;
