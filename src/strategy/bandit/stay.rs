//! People who come back, or do not: each enters on some day, is shown things on every visit, and returns as the log's model of
//! returns says, given what was rewarded.

use serde::{Deserialize, Serialize};

use super::play::{Tastes, leaves};
use super::policies::{Learner, Policy};
use super::returns::{self, Returns};
use super::run::{Settings, Spread};
use super::world::World;
use crate::base::{Result, rng};

/// What comes of people within the days that they are followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// Rewards a person.
    pub reward: Spread,
    /// Rewards a person more than showing everything equally often, run by run.
    pub lift: Spread,
    /// Visits a person.
    pub visits: Spread,
    /// Share of people back within some days of their first visit.
    pub back: Vec<Kept>,
    /// Share of people who visited in the last days that they were followed, as many as the shortest of those.
    pub active: Spread,
}

/// A share of people who came back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Within how many days of their first visit.
    pub days: u32,
    /// Share of people.
    pub share: Spread,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub(super) struct Lived {
    pub reward: f64,
    pub visits: f64,
    pub back: Vec<f64>,
    pub active: f64,
}

/// The days that people are followed: what was asked for, but never longer than the log.
pub(super) fn horizon(s: &Settings, r: &Returns) -> u32 {
    s.horizon.min(r.span)
}

/// Windows of [`Lived::back`]: those that were checked against the log.
pub(super) fn windows(s: &Settings, r: &Returns) -> Vec<u32> {
    let mut days: Vec<u32> = r.check.iter().map(|b| b.days).filter(|d| *d <= horizon(s, r)).collect();
    days.dedup();
    days
}

/// Lets people live with one policy in one model. Days of return fall by person and visit, the same for every policy.
pub(super) fn live(world: &World, r: &Returns, model: usize, policy: Policy, s: &Settings, seed: u64) -> Result<Lived> {
    let (people, days, hazard) = (world.people(), horizon(s, r), &r.models[model]);
    let windows = windows(s, r);
    let last = windows.first().copied().unwrap_or(days);
    let mut entry = rng::rng(seed, "stay-entry");
    let entered: Vec<u32> = (0..people).map(|_| rng::below(&mut entry, days.max(1) as usize) as u32).collect();
    let mut due: Vec<Vec<usize>> = vec![Vec::new(); 2 * days as usize + 1];
    (0..people).for_each(|i| due[entered[i] as usize].push(i));
    let (mut order, mut luck, mut random) = (rng::rng(seed, "stay-order"), rng::rng(seed, "stay-luck"), rng::rng(seed, policy.name()));
    let mut tastes = Tastes::new(world, model, s);
    // A policy cannot know how many visits are to come; people times things a visit is what it can count on.
    let mut learner = Learner::new(policy, world.actions.len(), world.seen.n_features, people * r.shown, seed)?;
    let mut number = vec![0u32; people];
    let mut latest = entered.clone();
    let mut back = vec![0.0; windows.len()];
    let mut out = Lived::default();
    for day in 0..due.len() {
        let mut today = std::mem::take(&mut due[day]);
        rng::shuffle(&mut order, &mut today);
        for person in today {
            number[person] += 1;
            latest[person] = day as u32;
            out.visits += 1.0;
            let mut rewarded = None;
            for _ in 0..r.shown {
                let view = world.seen.row(person);
                let action = learner.choose(view, &mut random);
                let p = tastes.chance(person, action, day as f64 / due.len() as f64);
                let won = rng::unit(&mut luck) < p;
                learner.learn(view, action, f64::from(u8::from(won)))?;
                tastes.shown(person, action);
                out.reward += p;
                if won && rewarded.is_none() {
                    rewarded = Some(action);
                }
            }
            if leaves(s, rewarded.is_some(), &mut luck) {
                continue;
            }
            let drawn = returns::luck(seed, person, number[person]);
            let Some(gap) = hazard.draw(drawn, rewarded, number[person], days) else { continue };
            if number[person] == 1 {
                back.iter_mut().zip(&windows).for_each(|(b, w)| *b += f64::from(u8::from(gap <= *w)));
            }
            if day as u32 + gap <= entered[person] + days {
                due[day + gap as usize].push(person);
            }
        }
    }
    let n = people as f64;
    let active = (0..people).filter(|i| number[*i] > 1 && latest[*i] + last > entered[*i] + days).count();
    out.reward /= n;
    out.visits /= n;
    out.back = back.into_iter().map(|b| b / n).collect();
    out.active = active as f64 / n;
    Ok(out)
}
