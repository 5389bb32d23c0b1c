//! What drives the difference between two scenarios: exact Shapley values over everything in which they differ — each lever,
//! for whom, and each of the terms. They sum to the difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::world::World;
use super::{SimulateOptions, plan, world};
use crate::base::coalition::shapley;
use crate::base::{JobCtx, Result};
use crate::data::Table;
use crate::fault;
use crate::ml::Model;
use crate::strategy::baseline::Baseline;
use crate::strategy::lever::Lever;
use crate::strategy::scenario::{Move, Scenario};
use crate::strategy::terms::{Book, First, Terms};

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

/// What drives the difference of the second scenario to the first.
pub fn between(
    model: &dyn Model,
    raw: &Table,
    baseline: &Baseline,
    two: [&Scenario; 2],
    levers: &[Lever],
    options: &SimulateOptions,
    ctx: &JobCtx,
) -> Result<Between> {
    if let Some(s) = two.iter().find(|s| s.tested.is_some()) {
        return Err(fault!("strategy.tested_between", name = &s.name));
    }
    let world = world(model, raw, baseline, options, ctx)?;
    let (a, b) = (plan(two[0], model, raw, levers, options)?, plan(two[1], model, raw, levers, options)?);
    // What differs: first the levers, then for whom, then the terms.
    let of = |p: &Plan| p.moves.iter().copied().collect::<BTreeMap<usize, Move>>();
    let (moves_a, moves_b) = (of(&a), of(&b));
    let mut moved: Vec<usize> = moves_a.keys().chain(moves_b.keys()).copied().filter(|j| moves_a.get(j) != moves_b.get(j)).collect();
    moved.sort_unstable();
    moved.dedup();
    let who = a.rows != b.rows;
    let terms: Vec<&(Player, Change)> = TERMS
        .iter()
        .filter(|(_, take)| {
            let mut t = a.terms;
            take(&mut t, &b.terms);
            t != a.terms
        })
        .collect();
    let m = moved.len() + usize::from(who) + terms.len();
    if m > MOST || moved.len() > MOST_MOVES {
        return Err(fault!("strategy.too_different", name = &two[1].name, other = &two[0].name, count = m, most = MOST));
    }
    ctx.stage("strategy.stage_between", 1 << (moved.len() + usize::from(who)));
    let game = Game { world: &world, a: &a, b: &b, moves: (moves_a, moves_b), moved: &moved, who, terms: &terms };
    let (added, profit) = game.worth(m)?;
    let (phi, psi) = (shapley(m, &added), profit.as_ref().map(|p| shapley(m, p)));
    let player = |i: usize| match i {
        i if i < moved.len() => Player::Lever(model.card().features()[moved[i]].name.clone()),
        i if who && i == moved.len() => Player::Segment,
        i => terms[i - moved.len() - usize::from(who)].0.clone(),
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

struct Game<'a> {
    world: &'a World<'a>,
    a: &'a Plan,
    b: &'a Plan,
    moves: (BTreeMap<usize, Move>, BTreeMap<usize, Move>),
    moved: &'a [usize],
    who: bool,
    terms: &'a [&'a (Player, Change)],
}

impl Game<'_> {
    /// Conversions added, and profit, of every mixture of the two scenarios.
    fn worth(&self, m: usize) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
        let (levers, who) = (self.moved.len(), usize::from(self.who));
        let (mut added, mut profit) = (vec![0.0; 1 << m], vec![0.0; 1 << m]);
        let mut priced = true;
        let before = [self.world.shown(&self.a.rows), if self.who { self.world.shown(&self.b.rows) } else { Vec::new() }];
        for mixture in 0..1usize << (levers + who) {
            self.world.ctx.check()?;
            let other = mixture >> levers & 1 == 1;
            let (rows, before) = if other { (&self.b.rows, &before[1]) } else { (&self.a.rows, &before[0]) };
            let moves: Vec<(usize, Move)> = self.mixed(mixture);
            let after = self.world.after(rows, &moves, before, false)?.shown;
            // An order of people is only looked for where somebody may ask for it.
            let fair = Book::new(before, &after, First::Chance).0;
            let best =
                [self.a.terms, self.b.terms].iter().find(|t| !t.first.is_chance()).map(|t| Book::new(before, &after, t.first).0);
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
                let set = mixture | chosen << (levers + who);
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
