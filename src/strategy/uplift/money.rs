//! What contacting people earns: nobody, everybody, or those in whom it pays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::curve::{Banded, Ranked, band};
use crate::base::{JobCtx, Notice, Result, rng};
use crate::note;
use crate::strategy::causal::stats::Z95;

/// What the analyst assumes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// Earned per conversion (per unit of an amount).
    pub value: f64,
    /// Spent per person contacted.
    pub contact: f64,
    /// Spent per conversion.
    pub conversion: f64,
}

impl Money {
    /// The same with what contacting by one arm costs, where that was said.
    pub fn of_arm(self, arm: &str, contacts: &BTreeMap<String, f64>) -> Self {
        Self { contact: contacts.get(arm).copied().unwrap_or(self.contact), ..self }
    }

    /// What an effect of one person is worth, the contact paid.
    pub fn profit(self, effect: f64) -> f64 {
        (self.value - self.conversion) * effect - self.contact
    }
}

/// One way of contacting people, valued on the held-out rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// Share of people contacted.
    pub share: f64,
    /// Profit per person of the whole, over contacting nobody.
    pub profit: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What contacting earns, per person of the held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earnings {
    /// The assumptions.
    pub assumptions: Money,
    /// Everybody.
    pub everybody: Worth,
    /// The first so many, the share chosen on one half of the held-out rows and valued on the other, and the other way round.
    pub best_share: Worth,
    /// Share at which the curve of profit is highest, with its bootstrap interval.
    pub optimum: Banded,
    /// Those for whom the learner expects a profit.
    pub expected: Worth,
    /// What this says.
    pub advice: Notice,
}

fn worth(profits: &[f64], chosen: &[bool]) -> Worth {
    let n = profits.len().max(1) as f64;
    let earned: Vec<f64> = profits.iter().zip(chosen).map(|(p, c)| if *c { *p } else { 0.0 }).collect();
    let mean = earned.iter().sum::<f64>() / n;
    let se = (earned.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n).sqrt() / n.sqrt();
    let share = chosen.iter().filter(|c| **c).count() as f64 / n;
    Worth { share, profit: mean, low: mean - Z95 * se, high: mean + Z95 * se }
}

/// Rank at which the running sum of `profits` is highest; 0 is nobody.
fn peak(profits: impl Iterator<Item = f64>) -> (usize, usize) {
    let (mut sum, mut best, mut at, mut n) = (0.0, 0.0, 0, 0);
    for p in profits {
        sum += p;
        n += 1;
        if sum > best {
            (best, at) = (sum, n);
        }
    }
    (at, n)
}

/// Values a ranking with money.
pub fn earnings(ranked: &Ranked, money: Money, replicates: u32, seed: u64, ctx: &JobCtx) -> Result<Earnings> {
    let n = ranked.len();
    let profits: Vec<f64> = ranked.robust.iter().map(|r| money.profit(*r)).collect();
    let everybody = worth(&profits, &vec![true; n]);
    let expected = worth(&profits, &ranked.score.iter().map(|s| money.profit(*s) > 0.0).collect::<Vec<_>>());
    // Every second person chooses the share for the others.
    let mut chosen = vec![false; n];
    for half in 0..2 {
        let (at, of) = peak(profits.iter().skip(half).step_by(2).copied());
        let share = at as f64 / of.max(1) as f64;
        let other = (0..n).skip(1 - half).step_by(2);
        let count = ((n + half) / 2) as f64;
        other.enumerate().for_each(|(k, i)| chosen[i] = (k as f64 + 0.5) / count < share);
    }
    let best_share = worth(&profits, &chosen);
    let (at, of) = peak(profits.iter().copied());
    let mut shares = Vec::with_capacity(replicates as usize);
    let mut random = rng::rng(seed, "uplift-optimum");
    let mut counts = vec![0u32; n];
    // A peak moves far from draw to draw, so a few hundred draws say as much as thousands.
    for _ in 0..replicates.min(400) {
        ctx.check()?;
        counts.fill(0);
        (0..n).for_each(|_| counts[rng::below(&mut random, n)] += 1);
        let redrawn = profits.iter().zip(&counts).flat_map(|(p, c)| std::iter::repeat_n(*p, *c as usize));
        let (at, of) = peak(redrawn);
        shares.push(at as f64 / of.max(1) as f64);
    }
    let optimum = band(at as f64 / of.max(1) as f64, shares.into_iter());
    let best = if best_share.profit > everybody.profit { best_share } else { everybody };
    let advice = if everybody.high < 0.0 && best_share.low <= 0.0 {
        note!("uplift.money_nobody", loss = -everybody.profit)
    } else if best.low <= 0.0 {
        note!("uplift.money_unclear", profit = best.profit, low = best.low, high = best.high)
    } else if best_share.profit > everybody.profit {
        note!(
            "uplift.money_share",
            share = crate::base::numbers::percent(optimum.value),
            low = crate::base::numbers::percent(optimum.low),
            high = crate::base::numbers::percent(optimum.high),
            profit = best_share.profit,
            everybody = everybody.profit
        )
    } else {
        note!("uplift.money_everybody", profit = everybody.profit)
    };
    Ok(Earnings { assumptions: money, everybody, best_share, optimum, expected, advice })
}
