//! What drives the difference between two scenarios: exact Shapley values over everything in which they differ — each lever,
//! or where the effect is known from if a study measured one of them, for whom, and each of the terms. They sum to the
//! difference.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::world::World;
use super::{SimulateOptions, plan, tested, world};
use crate::base::coalition::shapley;
use crate::base::{JobCtx, Result};
use crate::data::Table;
use crate::fault;
use crate::ml::Model;
use crate::strategy::baseline::Baseline;
use crate::strategy::lever::Lever;
use crate::strategy::scenario::{Move, Scenario};
use crate::strategy::terms::{Book, First, Terms};
use crate::strategy::tested::{Measured, Tested};

/// Most things in which two scenarios may differ: 2^12 mixtures.
const MOST: usize = 12;
/// Most of them that need the model: 2^8 predictions of everybody.
const MOST_MOVES: usize = 8;

/// Something in which two scenarios differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "column")]
pub enum Player {
    /// The setting of a lever.
    Lever(String),
    /// Where the effect is known from: what a study measured, or the levers that a model is asked about.
    Source,
    /// For whom.
    Segment,
    /// Value per conversion.
    Value,
    /// Margin.
    Margin,
    /// Cost per contact.
    Contact,
    /// Cost per conversion.
    Offer,
    /// Fixed cost.
    Fixed,
    /// Budget.
    Budget,
    /// Capacity.
    Capacity,
    /// Who is reached first.
    First,
    /// Share of contacts that arrive.
    Delivered,
    /// How long it runs.
    Days,
}

impl Player {
    /// Catalogue key of its name; a lever is called by its column.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Lever(_) => "strategy.player_lever",
            Self::Source => "strategy.player_source",
            Self::Segment => "strategy.player_segment",
            Self::Value => "strategy.assume_name_value",
            Self::Margin => "strategy.assume_name_margin",
            Self::Contact => "strategy.assume_name_contact",
            Self::Offer => "strategy.assume_name_offer",
            Self::Fixed => "strategy.assume_name_fixed",
            Self::Budget => "strategy.assume_name_budget",
            Self::Capacity => "strategy.assume_name_capacity",
            Self::First => "strategy.player_first",
            Self::Delivered => "strategy.assume_name_delivered",
            Self::Days => "strategy.assume_name_days",
        }
    }
}

/// One driver's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What differs.
    pub player: Player,
    /// Its part of the difference in conversions added.
    pub conversions: f64,
    /// Its part of the difference in profit, where both have a value per conversion.
    pub profit: Option<f64>,
}

/// The difference of two scenarios and what drives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// The one.
    pub name: String,
    /// The other.
    pub against: String,
    /// Conversions added beyond the other's.
    pub conversions: f64,
    /// Profit beyond the other's.
    pub profit: Option<f64>,
    /// The parts, the largest first.
    pub parts: Vec<Part>,
}

type Change = fn(&mut Terms, &Terms);

/// The terms, one by one, and how each is taken over from the other scenario.
const TERMS: [(Player, Change); 10] = [
    (Player::Value, |t, o| t.value_per_conversion = o.value_per_conversion),
    (Player::Margin, |t, o| t.margin = o.margin),
    (Player::Contact, |t, o| t.cost_per_contact = o.cost_per_contact),
    (Player::Offer, |t, o| t.cost_per_conversion = o.cost_per_conversion),
    (Player::Fixed, |t, o| t.fixed_cost = o.fixed_cost),
    (Player::Budget, |t, o| t.budget = o.budget),
    (Player::Capacity, |t, o| t.capacity = o.capacity),
    (Player::First, |t, o| t.first = o.first),
    (Player::Delivered, |t, o| t.delivered = o.delivered),
    (Player::Days, |t, o| t.share_of_period = o.share_of_period),
];

/// Measures what a study says of the people of a condition, for the scenario that is named.
pub type Measure<'a> = &'a dyn Fn(&str, &Tested, Option<&str>) -> Result<Measured>;

/// What drives the difference of the second scenario to the first. What a study measured is asked anew for the other one's
/// people, so that no mixture is made up.
pub fn between(
    model: &dyn Model,
    raw: &Table,
    baseline: &Baseline,
    two: [&Scenario; 2],
    levers: &[Lever],
    options: &SimulateOptions,
    measure: Measure<'_>,
    ctx: &JobCtx,
) -> Result<Between> {
    let world = world(model, raw, baseline, options, ctx)?;
    let (a, b) = (plan(two[0], model, raw, levers, options)?, plan(two[1], model, raw, levers, options)?);
    // What differs: first the levers, then for whom, then the terms.
    let of = |p: &Plan| p.moves.iter().copied().collect::<BTreeMap<usize, Move>>();
    let (moves_a, moves_b) = (of(&a), of(&b));
    let source = two[0].tested != two[1].tested;
    let any_tested = two.iter().any(|s| s.tested.is_some());
    let mut moved: Vec<usize> = moves_a.keys().chain(moves_b.keys()).copied().filter(|j| moves_a.get(j) != moves_b.get(j)).collect();
    moved.sort_unstable();
    moved.dedup();
    // The levers of a model come and go with it: a test knows none of them.
    moved.retain(|_| !source);
    // A study measures what the condition says, in rows that preparation may have taken out.
    let who = a.rows != b.rows || (any_tested && condition(two[0]) != condition(two[1]));
    let terms: Vec<&(Player, Change)> = TERMS
        .iter()
        .filter(|(_, take)| {
            let mut t = a.terms;
            take(&mut t, &b.terms);
            t != a.terms
        })
        .collect();
    let m = moved.len() + usize::from(source) + usize::from(who) + terms.len();
    if m > MOST || moved.len() > MOST_MOVES {
        return Err(fault!("strategy.too_different", name = &two[1].name, other = &two[0].name, count = m, most = MOST));
    }
    ctx.stage("strategy.stage_between", 1 << (moved.len() + usize::from(source) + usize::from(who)));
    let tests = tests(&world, two, [a.rows.len(), b.rows.len()], (source, who), measure)?;
    let game = Game { world: &world, a: &a, b: &b, moves: (moves_a, moves_b), moved: &moved, source, tests, who, terms: &terms };
    let (added, profit) = game.worth(m)?;
    let (phi, psi) = (shapley(m, &added), profit.as_ref().map(|p| shapley(m, p)));
    let player = |i: usize| match i {
        i if i < moved.len() => Player::Lever(model.card().features()[moved[i]].name.clone()),
        i if source && i == moved.len() => Player::Source,
        i if who && i == moved.len() + usize::from(source) => Player::Segment,
        i => terms[i - moved.len() - usize::from(source) - usize::from(who)].0.clone(),
    };
    let mut parts: Vec<Part> =
        (0..m).map(|i| Part { player: player(i), conversions: phi[i], profit: psi.as_ref().map(|p| p[i]) }).collect();
    let size = |p: &Part| p.profit.unwrap_or(p.conversions).abs();
    parts.sort_by(|x, y| size(y).total_cmp(&size(x)));
    let last = (1 << m) - 1;
    Ok(Between {
        name: two[1].name.clone(),
        against: two[0].name.clone(),
        conversions: added[last] - added[0],
        profit: profit.map(|p| p[last] - p[0]),
        parts,
    })
}

/// The condition of a scenario's people.
fn condition(s: &Scenario) -> Option<&str> {
    s.segment.as_deref().map(str::trim).filter(|t| !t.is_empty())
}

/// Of each scenario whose effect a study measured: what it says of its own people and of the other one's, as books.
fn tests(
    world: &World<'_>,
    two: [&Scenario; 2],
    people: [usize; 2],
    (source, who): (bool, bool),
    measure: Measure<'_>,
) -> Result<[[Option<Book>; 2]; 2]> {
    let mut out = [[None, None], [None, None]];
    for (from, s) in two.iter().enumerate().filter(|(from, _)| source || *from == 0) {
        let Some(t) = &s.tested else { continue };
        for (of, whose) in two.iter().enumerate().filter(|(of, _)| who || *of == 0) {
            if whose.row.is_some() {
                return Err(fault!("strategy.tested_row", name = &s.name, other = &whose.name));
            }
            let found = measure(&s.name, t, condition(whose))?;
            tested::fits(world, s, &found)?;
            out[from][of] = Some(tested::book(people[of] as f64, &found));
        }
    }
    Ok(out)
}

struct Game<'a> {
    world: &'a World<'a>,
    a: &'a Plan,
    b: &'a Plan,
    moves: (BTreeMap<usize, Move>, BTreeMap<usize, Move>),
    moved: &'a [usize],
    /// Whether they know their effects from elsewhere.
    source: bool,
    /// Books of what studies measured: of whose effect, among whose people.
    tests: [[Option<Book>; 2]; 2],
    who: bool,
    terms: &'a [&'a (Player, Change)],
}

impl Game<'_> {
    /// Conversions added, and profit, of every mixture of the two scenarios.
    fn worth(&self, m: usize) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
        let (levers, source, who) = (self.moved.len(), usize::from(self.source), usize::from(self.who));
        let (mut added, mut profit) = (vec![0.0; 1 << m], vec![0.0; 1 << m]);
        let mut priced = true;
        let before = [self.world.shown(&self.a.rows), if self.who { self.world.shown(&self.b.rows) } else { Arc::default() }];
        for mixture in 0..1usize << (levers + source + who) {
            self.world.ctx.check()?;
            let theirs = source == 1 && mixture >> levers & 1 == 1;
            let other = who == 1 && mixture >> (levers + source) & 1 == 1;
            let (rows, before) = if other { (&self.b.rows, &before[1]) } else { (&self.a.rows, &before[0]) };
            let (fair, best) = match &self.tests[usize::from(theirs)][usize::from(other)] {
                // A test knows nobody's own gain, so all are reached by chance.
                Some(book) => (book.clone(), None),
                None => {
                    let moves: Vec<(usize, Move)> = if source == 0 {
                        self.mixed(mixture)
                    } else if theirs {
                        self.b.moves.clone()
                    } else {
                        self.a.moves.clone()
                    };
                    let after = self.world.after(rows, &moves, false)?.shown;
                    // An order of people is only looked for where somebody may ask for it.
                    let asks = [self.a.terms, self.b.terms].into_iter().find(|t| !t.first.is_chance());
                    (Book::new(before, &after, First::Chance).0, asks.map(|t| Book::new(before, &after, t.first).0))
                }
            };
            for chosen in 0..1usize << self.terms.len() {
                let mut t = self.a.terms;
                for (i, (_, take)) in self.terms.iter().enumerate() {
                    if chosen >> i & 1 == 1 {
                        take(&mut t, &self.b.terms);
                    }
                }
                let limited = t.capacity.is_some() || t.budget.is_some();
                let book = best.as_ref().filter(|_| limited && !t.first.is_chance()).unwrap_or(&fair);
                let (c, p) = book.outcome(&t, 1.0);
                let set = mixture | chosen << (levers + source + who);
                added[set] = c;
                match p {
                    Some(p) => profit[set] = p,
                    None => priced = false,
                }
            }
            self.world.ctx.at(mixture as u64 + 1);
        }
        Ok((added, priced.then_some(profit)))
    }

    /// The moves of a mixture: those that both make, and of the others the one's or the other's.
    fn mixed(&self, mixture: usize) -> Vec<(usize, Move)> {
        let mut out: BTreeMap<usize, Move> = self.moves.0.clone();
        for (_, j) in self.moved.iter().enumerate().filter(|(i, _)| mixture >> i & 1 == 1) {
            match self.moves.1.get(j) {
                Some(m) => out.insert(*j, *m),
                None => out.remove(j),
            };
        }
        out.into_iter().collect()
    }
}
