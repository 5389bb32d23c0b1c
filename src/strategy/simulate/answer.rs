//! One scenario counted: who is reached, what they do, what it costs; on the same draws of people as everything else.

use std::sync::Arc;

use super::plan::Plan;
use super::result::{Covers, Difference, Estimate, Pair, ScenarioResult};
use super::season::season;
use super::world::{Moved, World};
use super::{Also, AlsoWhat, SimulateOptions};
use crate::base::coalition::shapley;
use crate::base::{JobCtx, Notice, Result, numbers};
use crate::data::Table;
use crate::note;
use crate::strategy::evidence::grade;
use crate::strategy::resample::Resample;
use crate::strategy::scenario::{Move, Scenario};
use crate::strategy::terms::{Book, First, Terms};

/// Most levers that drivers are computed for: 2^10 coalitions.
const MOST_DRIVERS: usize = 10;

/// What was answered about a scenario, and its sums by block of people for comparisons with others.
#[derive(Clone)]
pub(in crate::strategy) struct Answered {
    pub result: ScenarioResult,
    pub difference: Difference,
    pub sums: Sums,
}

/// What a scenario adds, by block of all people of the data.
#[derive(Clone)]
pub(in crate::strategy) struct Sums {
    pub conversions: Vec<f64>,
    /// What is spent on conversions; empty where nothing is.
    pub offers: Vec<f64>,
    /// What is spent besides, whoever the people are.
    pub known: f64,
    /// Revenue of one conversion more.
    pub value: Option<f64>,
    /// What one conversion more leaves before costs.
    pub worth: Option<f64>,
    /// Change in retention and in satisfaction, a share of everybody in the data; empty where nobody asked.
    pub also: [Vec<f64>; 2],
    /// Whether a test measured the effect: then what the test does not know adds to who is in the data.
    pub measured: bool,
}

/// A second outcome, ready to be asked.
pub(super) struct Side<'a> {
    what: AlsoWhat,
    world: World<'a>,
}

impl<'a> Side<'a> {
    pub fn of(also: &Also<'a>, raw: &'a Table, ctx: &'a JobCtx) -> Result<Self> {
        let options = SimulateOptions { outcome: also.outcome, ..SimulateOptions::default() };
        Ok(Self { what: also.what, world: super::world(also.model, raw, also.baseline, &options, ctx)? })
    }

    /// The scenario's moves as this model knows them, its season among them, and the columns that it does not know.
    fn moves(&self, scenario: &Scenario) -> Result<(Vec<(usize, Move)>, Vec<String>)> {
        let features = self.world.model.card().features();
        let (mut moves, mut unknown) = (Vec::new(), Vec::new());
        for (column, setting) in &scenario.set {
            match features.iter().position(|f| f.name == *column) {
                Some(j) => moves.push((j, setting.read(&features[j])?)),
                None => unknown.push(column.clone()),
            }
        }
        moves.extend(season(scenario, self.world.model).moves);
        Ok((moves, unknown))
    }
}

/// How much of the offer each person gets: all, nothing, or a chance of it.
struct Given {
    /// Share of every person; or one for each.
    all: f64,
    each: Vec<f64>,
}

impl Given {
    /// The first `rows` of the order, or as many by chance.
    fn new(n: usize, order: &[u32], rows: f64) -> Self {
        if order.is_empty() {
            return Self { all: if rows >= n as f64 { 1.0 } else { rows / (n as f64).max(1.0) }, each: Vec::new() };
        }
        let mut each = vec![0.0; n];
        for (place, i) in order.iter().enumerate() {
            each[*i as usize] = (rows - place as f64).clamp(0.0, 1.0);
        }
        Self { all: 0.0, each }
    }
    fn of(&self, i: usize) -> f64 {
        self.each.get(i).copied().unwrap_or(self.all)
    }
}

fn draws(world: &World<'_>, people: usize, options: &SimulateOptions) -> Arc<Resample> {
    world.baseline.resample(people, options.replicates, options.seed)
}

fn total(draws: &Resample, values: &[f64]) -> Estimate {
    let (value, low, high) = draws.total(values);
    Estimate { value, low, high, covers: Covers::Sample }
}

/// Half-width of the band in which one person's amount falls nine times out of ten, where the model measured it.
fn band(world: &World<'_>, people: usize) -> Option<f64> {
    let card = world.model.card();
    card.conformal.filter(|_| people == 1 && !card.outcomes[world.outcome].is_binary() && world.outcome == 0)
}

/// Conversions of some people, with their interval.
fn conversions(world: &World<'_>, draws: &Resample, values: &[f64]) -> Estimate {
    let found = total(draws, values);
    match band(world, values.len()) {
        Some(half) => Estimate { low: found.value - half, high: found.value + half, covers: Covers::Outcome, ..found },
        None => found,
    }
}

/// People as they are.
pub(super) fn baseline_result(
    world: &World<'_>,
    sides: &[Side<'_>],
    rows: &[usize],
    idle: Terms,
    options: &SimulateOptions,
) -> ScenarioResult {
    let draws = draws(world, rows.len(), options);
    let shown = world.shown(rows);
    let per_row = idle.people_per_row();
    let people = shown.len() as f64 * per_row;
    let found = conversions(world, &draws, &shown).scaled(per_row, 0.0);
    // Of bad news only what is avoided is counted in money, and doing nothing avoids nothing.
    let avoided = idle.value_per_conversion.filter(|_| !idle.news.is_good()).map(|_| Estimate::exact(0.0));
    let revenue = avoided.or(idle.value_per_conversion.map(|v| found.scaled(v, 0.0)));
    let (grade, reason) = grade(0.0, None, false, &[]);
    let side = |what: AlsoWhat| {
        let side = sides.iter().find(|s| s.what == what)?;
        Some(total(&draws, &side.world.shown(rows)).scaled(1.0 / (rows.len() as f64).max(1.0), 0.0))
    };
    ScenarioResult {
        name: String::new(),
        grade,
        reason,
        people,
        reach: Estimate::exact(people),
        conversions: found,
        rate: found.scaled(1.0 / people.max(f64::MIN_POSITIVE), 0.0),
        revenue,
        cost: idle.costs().then(|| Estimate::exact(0.0)),
        profit: avoided.or(idle.worth().map(|w| found.scaled(w, 0.0))),
        retention: side(AlsoWhat::Retention),
        satisfaction: side(AlsoWhat::Satisfaction),
        roi: None,
        money: idle,
        book: None,
        outside: 0.0,
        warnings: single(world, rows.len()),
    }
}

fn single(world: &World<'_>, people: usize) -> Vec<Notice> {
    if people != 1 {
        return Vec::new();
    }
    vec![if band(world, 1).is_some() { note!("strategy.one_row_band") } else { note!("strategy.one_row") }]
}

/// One scenario beside the same people as they are.
pub(super) fn answer(
    world: &World<'_>,
    sides: &[Side<'_>],
    scenario: &Scenario,
    plan: &Plan,
    other_people: bool,
    options: &SimulateOptions,
) -> Result<Answered> {
    let draws = draws(world, plan.rows.len(), options);
    let before = world.shown(&plan.rows);
    let after = world.after(&plan.rows, &plan.moves, true)?;
    let n = before.len();
    let t = plan.terms;
    let limited = t.capacity.is_some() || t.budget.is_some();
    let (book, order) = Book::new(&before, &after.shown, if limited { t.first } else { First::Chance });
    let rows = book.reached(&t, 1.0);
    let given = Given::new(n, &order, rows);

    let (per_row, arrives, offer) = (t.people_per_row(), t.arrives(), t.cost_per_conversion.unwrap_or(0.0));
    let people = n as f64 * per_row;
    let gap: Vec<f64> = (0..n).map(|i| given.of(i) * arrives * (after.shown[i] - before[i])).collect();
    let then: Vec<f64> = before.iter().zip(&gap).map(|(b, g)| b + g).collect();
    let found = conversions(world, &draws, &then).scaled(per_row, 0.0);
    let added = total(&draws, &gap).scaled(per_row, 0.0);
    // What is spent on contacts and once is known; what is spent on conversions moves with them.
    let known = rows * per_row * t.cost_per_contact.unwrap_or(0.0) + t.fixed_cost.unwrap_or(0.0);
    let offers: Vec<f64> =
        if offer > 0.0 { (0..n).map(|i| given.of(i) * arrives * t.takers(1.0, after.shown[i]) * offer).collect() } else { Vec::new() };
    let cost = t.costs().then(|| if offers.is_empty() { Estimate::exact(known) } else { total(&draws, &offers).scaled(per_row, known) });
    // Profit of so many conversions a person, offers paid.
    let left = |of: &[f64], sum: Estimate, worth: f64| {
        if offers.is_empty() {
            return sum.scaled(worth, -known);
        }
        let each: Vec<f64> = of.iter().zip(&offers).map(|(c, o)| worth * c - o).collect();
        total(&draws, &each).scaled(per_row, -known)
    };
    let extra = t.worth_added().map(|w| left(&gap, added, w));
    let good = t.news.is_good();
    let (grade, reason) = grade(after.outside, after.apart.as_ref(), after.any, &plan.overridden);
    let mut warnings = single(world, n);
    warnings.extend(said(plan, &after, n as f64 * per_row, rows * per_row, other_people));
    let mut result = ScenarioResult {
        name: scenario.name.clone(),
        grade,
        reason,
        people,
        reach: Estimate::exact(rows * per_row),
        conversions: found,
        rate: found.scaled(1.0 / people.max(f64::MIN_POSITIVE), 0.0),
        revenue: t.value_per_conversion.map(|v| if good { found.scaled(v, 0.0) } else { added.scaled(-v, 0.0) }),
        cost,
        profit: if good { t.worth().map(|w| left(&then, found, w)) } else { extra },
        retention: None,
        satisfaction: None,
        roi: roi(extra, cost).map(|r| match t.worth_added() {
            // What is spent on conversions moves with what they leave, so both come from the same draw.
            Some(w) if !offers.is_empty() => {
                let each: Vec<f64> = gap.iter().zip(&offers).map(|(c, o)| w * c - o).collect();
                let (value, low, high) = draws.ratio((&each, -known / per_row), (&offers, known / per_row));
                Estimate { value, low, high, ..r }
            }
            _ => r,
        }),
        money: t,
        book: Some(book.brief(rows)),
        outside: after.outside,
        warnings,
    };
    let mut difference = Difference {
        name: scenario.name.clone(),
        conversions: added,
        rate: added.scaled(1.0 / people.max(f64::MIN_POSITIVE), 0.0),
        revenue: t.value_added().map(|v| added.scaled(v, 0.0)),
        // Doing nothing costs nothing, so the campaign has to earn its whole cost.
        profit: extra,
        retention: None,
        satisfaction: None,
        drivers: if options.figures_only { Vec::new() } else { drivers(world, plan, &before, book.outcome(&t, 1.0).0, limited)? },
    };
    let all = world.baseline.resample(world.baseline.x.n_rows(), options.replicates, options.seed);
    let mut also = [Vec::new(), Vec::new()];
    for side in sides {
        let (moves, unknown) = side.moves(scenario)?;
        let was = side.world.shown(&plan.rows);
        let is = side.world.after(&plan.rows, &moves, false)?;
        let gap: Vec<f64> = (0..n).map(|i| given.of(i) * arrives * (is.shown[i] - was[i])).collect();
        let then: Vec<f64> = was.iter().zip(&gap).map(|(b, g)| b + g).collect();
        let (level, change) = (total(&draws, &then).scaled(1.0 / n as f64, 0.0), total(&draws, &gap).scaled(1.0 / n as f64, 0.0));
        also[usize::from(side.what == AlsoWhat::Satisfaction)] =
            all.sums(&plan.rows, &gap, 1.0 / (world.baseline.x.n_rows() as f64).max(1.0));
        match side.what {
            AlsoWhat::Retention => (result.retention, difference.retention) = (Some(level), Some(change)),
            AlsoWhat::Satisfaction => (result.satisfaction, difference.satisfaction) = (Some(level), Some(change)),
        }
        if !unknown.is_empty() {
            let model = &side.world.model.card().spec.name;
            result.warnings.push(note!("strategy.also_unknown", model = model, columns = unknown.join(", ")));
        }
    }
    let sums = Sums {
        conversions: all.sums(&plan.rows, &gap, per_row),
        offers: if offers.is_empty() { Vec::new() } else { all.sums(&plan.rows, &offers, per_row) },
        known,
        value: t.value_added(),
        worth: t.worth_added(),
        also,
        measured: false,
    };
    Ok(Answered { result, difference, sums })
}

/// That not everybody is reached, and what ends before the people do.
pub(super) fn ends(terms: &Terms, people: f64, reached: f64) -> Option<Notice> {
    let nearly = 1.0 - 1e-9;
    if reached >= people * nearly {
        return None;
    }
    let by_budget = terms.capacity.is_none_or(|c| reached < c.min(people) * nearly);
    let code = if by_budget { "strategy.reach_budget" } else { "strategy.reach_capacity" };
    Some(Notice::new(code).with("reached", numbers::fixed(reached, 0)).with("people", numbers::fixed(people, 0)))
}

/// Return on what is spent, where anything is.
pub(super) fn roi(extra: Option<Estimate>, cost: Option<Estimate>) -> Option<Estimate> {
    let spent = cost?.value;
    extra.filter(|_| spent > 0.0).map(|e| e.scaled(1.0 / spent, 0.0))
}

/// What costs nothing although money is counted: a profit without costs, a budget that nothing is taken from.
pub(super) fn unpriced(terms: &Terms) -> Option<Notice> {
    let spends = terms.cost_per_contact.unwrap_or(0.0) > 0.0 || terms.cost_per_conversion.unwrap_or(0.0) > 0.0;
    match terms.budget {
        Some(_) if !spends => Some(note!("strategy.budget_free")),
        _ if terms.value_per_conversion.is_some() && !terms.costs() => Some(note!("strategy.no_costs")),
        _ => None,
    }
}

/// What a reader should know of a scenario.
fn said(plan: &Plan, after: &Moved, people: f64, reached: f64, other_people: bool) -> Vec<Notice> {
    let mut out = Vec::new();
    if !plan.overridden.is_empty() {
        out.push(note!("strategy.overridden", columns = plan.overridden.join(", ")));
    }
    if plan.moves.len() > MOST_DRIVERS {
        out.push(note!("strategy.many_levers", count = plan.moves.len(), most = MOST_DRIVERS));
    }
    if other_people {
        out.push(note!("strategy.other_segment"));
    }
    out.extend(plan.season.notes.iter().cloned());
    out.extend(unpriced(&plan.terms).filter(|_| after.any));
    if let Some(ends) = ends(&plan.terms, people, reached) {
        out.push(ends);
        if !plan.terms.first.is_chance() && after.any {
            out.push(Notice::new(plan.terms.news.word("strategy.best_first")));
        }
    }
    out
}

/// Exact Shapley values over the moved levers; the game is the conversions added with a subset of the moves made, `all` of
/// them the ones with every move.
fn drivers(world: &World<'_>, plan: &Plan, before: &[f64], all: f64, limited: bool) -> Result<Vec<(String, f64)>> {
    let m = plan.moves.len();
    let name = |i: usize| world.model.card().features()[plan.moves[i].0].name.clone();
    if m == 0 || m > MOST_DRIVERS {
        return Ok(Vec::new());
    }
    let full = (1usize << m) - 1;
    let mut v = vec![0.0; full + 1];
    let first = if limited { plan.terms.first } else { First::Chance };
    v[full] = all;
    for (set, slot) in v.iter_mut().enumerate().take(full).skip(1) {
        let moves: Vec<(usize, Move)> = plan.moves.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, m)| *m).collect();
        let after = world.after(&plan.rows, &moves, false)?.shown;
        *slot = Book::new(before, &after, first).0.outcome(&plan.terms, 1.0).0;
    }
    Ok(shapley(m, &v).into_iter().enumerate().map(|(i, phi)| (name(i), phi)).collect())
}

/// What can be set against another scenario's, in the order of a [`Pair`]: people reached, then what is drawn.
fn figures(r: &ScenarioResult, d: &Difference) -> [Option<Estimate>; 5] {
    [Some(d.conversions), d.revenue, r.cost, d.profit, r.roi]
}

/// The same in every replicate; what a scenario does not have is never asked for.
fn drawn(conversions: &[f64], offers: Option<&Vec<f64>>, of: &Sums) -> [Vec<f64>; 5] {
    let spent: Vec<f64> = (0..conversions.len()).map(|k| of.known + offers.map_or(0.0, |o| o[k])).collect();
    let times = |by: Option<f64>| conversions.iter().map(|c| c * by.unwrap_or(0.0)).collect::<Vec<f64>>();
    let profit: Vec<f64> = times(of.worth).iter().zip(&spent).map(|(p, s)| p - s).collect();
    let roi = profit.iter().zip(&spent).map(|(p, s)| p / s).collect();
    [conversions.to_vec(), times(of.value), spent, profit, roi]
}

/// Every scenario against every one before it: the subtraction of the two answers, and its band from the subtraction in every
/// replicate, so that what both have in common cancels out.
pub(super) fn pairs(
    world: &World<'_>,
    results: &[ScenarioResult],
    differences: &[Difference],
    sums: &[Sums],
    options: &SimulateOptions,
) -> Vec<Pair> {
    if sums.len() < 2 {
        return Vec::new();
    }
    let rest = |s: &'_ Sums| -> Vec<Vec<f64>> {
        let some = [&s.offers, &s.also[0], &s.also[1]].into_iter().filter(|o| !o.is_empty());
        std::iter::once(&s.conversions).chain(some).cloned().collect()
    };
    let wanted: Vec<Vec<f64>> = sums.iter().flat_map(rest).collect();
    let draws = world.baseline.resample(world.baseline.x.n_rows(), options.replicates, options.seed);
    let mut totals = draws.drawn(&wanted).into_iter();
    let mut judged: Vec<[Option<Vec<f64>>; 2]> = Vec::new();
    let all: Vec<[Vec<f64>; 5]> = sums
        .iter()
        .map(|s| {
            let conversions = totals.next().unwrap_or_default();
            let mut next = |of: &Vec<f64>| if of.is_empty() { None } else { totals.next() };
            let offers = next(&s.offers);
            judged.push([next(&s.also[0]), next(&s.also[1])]);
            drawn(&conversions, offers.as_ref(), s)
        })
        .collect();
    let of = |k: usize| figures(&results[k], &differences[k]);
    let half = |k: usize, f: usize| of(k)[f].filter(|_| sums[k].measured).map_or(0.0, |e| (e.value - e.low).max(e.high - e.value));
    let mut out = Vec::new();
    for j in 0..sums.len() {
        for i in 0..j {
            let less = |f: usize| {
                let value = of(j)[f]?.value - of(i)[f]?.value;
                let each = all[j][f].iter().zip(&all[i][f]).map(|(b, a)| b - a).collect();
                let (value, low, high) = draws.ends(value, each);
                let besides = half(i, f).hypot(half(j, f));
                let (low, high) = (value - (value - low).hypot(besides), value + (high - value).hypot(besides));
                Some(Estimate { value, low, high, covers: Covers::Sample })
            };
            let also = |f: usize| {
                let (one, other) = (judged[j][f].as_ref()?, judged[i][f].as_ref()?);
                let sum = |k: usize| sums[k].also[f].iter().sum::<f64>();
                let each = one.iter().zip(other).map(|(b, a)| b - a).collect();
                let (value, low, high) = draws.ends(sum(j) - sum(i), each);
                Some(Estimate { value, low, high, covers: Covers::Sample })
            };
            out.push(Pair {
                name: results[j].name.clone(),
                against: results[i].name.clone(),
                reach: Estimate::exact(results[j].reach.value - results[i].reach.value),
                conversions: less(0).unwrap_or(Estimate::exact(0.0)),
                revenue: less(1),
                cost: less(2),
                profit: less(3),
                roi: less(4),
                retention: also(0),
                satisfaction: also(1),
            });
        }
    }
    out
}
