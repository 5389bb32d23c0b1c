//! The cliff: what the whole model loses when a column is taken out, alone or together with those that say the same.
//!
//! Taking out one of two copies of the outcome costs nothing, because the other is still there. So a column goes together
//! with its near copies (columns whose verdict on every row is the same), and columns that each say most of what there is
//! to say are taken out together; each that alone brings back most of what then is lost stands for the others.

use std::collections::BTreeMap;

use super::judge::{Court, Judged, Measured};
use crate::base::{JobCtx, Result};

/// AUC (or R²) that a column may be worth before it looks like the outcome in disguise.
const MOST_WORTH: f64 = 0.05;
/// The same, as a share of what all columns together are worth.
const MOST_SHARE: f64 = 1.0 / 3.0;
/// A smaller loss accuses nobody.
const LEAST_WORTH: f64 = 0.01;
/// Share of what all columns are worth that an accused column is worth alone: a leak needs no company.
const LEAST_ALONE: f64 = 0.5;
/// AUC, and R², that an accused column reaches alone: the strongest of weak causes says little by itself.
const LEAST: (f64, f64) = (0.7, 0.25);
/// Correlation of verdicts from which two columns say the same.
const SAME: f64 = 0.95;
/// AUC, and R², that a column surely reaches alone before it is taken out together with its like.
const STRONG: (f64, f64) = (0.75, 0.4);
/// Most columns that are taken out together.
const MOST_TOGETHER: usize = 8;
/// Most columns that are taken out one by one; the strongest alone go first.
pub(super) const MOST_SINGLE: usize = 60;

/// What a column is worth.
#[derive(Clone, Debug)]
pub(in crate::strategy) struct Worth {
    /// What it says alone.
    pub(in crate::strategy) alone: Option<Measured>,
    /// What the model loses without it; `None` where that was not asked.
    pub(in crate::strategy) loss: Option<Measured>,
    /// The columns that went with it.
    pub(in crate::strategy) with: Vec<String>,
    /// Whether it looks like the outcome in disguise.
    pub(in crate::strategy) cliff: bool,
}

/// What every column is worth beside all of them.
pub(in crate::strategy) struct Worths {
    /// All columns together; `None` where nothing can be judged.
    pub(in crate::strategy) whole: Option<Judged>,
    /// By feature.
    pub(in crate::strategy) of: BTreeMap<usize, Worth>,
    /// Whether only the strongest were taken out.
    pub(super) cut: bool,
}

/// Which columns are taken out of the model to see what it loses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::strategy) enum Out {
    /// The strongest, to tell what each is worth.
    Strongest,
    /// Those only that say enough alone to be accused: a wide table has few of them.
    Suspects,
}

/// Asks what the candidates are worth. Stage `strategy.stage_proxies`.
pub(in crate::strategy) fn worths(court: &Court, candidates: &[usize], which: Out, ctx: &JobCtx) -> Result<Worths> {
    ctx.stage("strategy.stage_proxies", (court.features() + candidates.len().min(MOST_SINGLE) + 1) as u64);
    let mut step = 0;
    let mut tick = || {
        step += 1;
        ctx.at(step);
        ctx.check()
    };
    let chance = court.chance();
    let mut scores = Vec::with_capacity(court.features());
    for j in 0..court.features() {
        scores.push(court.alone(j));
        tick()?;
    }
    let alone: Vec<Option<Measured>> = scores.iter().map(|s| court.verdict(s).map(|v| v.measured())).collect();
    let whole = court.without(&[], ctx)?;
    tick()?;
    let none = |j: usize| Worth { alone: alone[j], loss: None, with: Vec::new(), cliff: false };
    let mut of: BTreeMap<usize, Worth> = candidates.iter().map(|&j| (j, none(j))).collect();
    let Some(all) = &whole else { return Ok(Worths { whole, of, cut: false }) };
    let worth = all.value - chance;
    // Where the whole model is not surely better than guessing, there is nothing to fall from.
    if all.measured().low <= chance {
        return Ok(Worths { whole, of, cut: false });
    }
    let value = |j: usize| alone[j].map_or(f64::NEG_INFINITY, |m| m.value);
    let mut order: Vec<usize> = candidates.iter().copied().filter(|j| court.seen.contains(j)).collect();
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)).then(a.cmp(b)));
    let least = if court.binary { LEAST.0 } else { LEAST.1 };
    let tells = |j: usize| value(j) >= least && value(j) - chance >= LEAST_ALONE * worth;
    if which == Out::Suspects {
        order.retain(|j| tells(*j));
    }
    let cut = order.len() > MOST_SINGLE;
    order.truncate(MOST_SINGLE);
    let mut asked: BTreeMap<Vec<usize>, Option<Measured>> = BTreeMap::new();
    for &j in &order {
        let mut out: Vec<usize> = court.seen.iter().copied().filter(|&k| k == j || same(&scores[j], &scores[k])).collect();
        out.sort_unstable();
        let loss = match asked.get(&out) {
            Some(known) => *known,
            None => court.without(&out, ctx)?.map(|rest| all.less(&rest)),
        };
        asked.insert(out.clone(), loss);
        if let Some(w) = of.get_mut(&j) {
            w.with = out.iter().filter(|k| **k != j).map(|k| court.name(*k).to_owned()).collect();
            w.loss = loss;
            w.cliff = loss.is_some_and(|l| is_cliff(&l, worth)) && tells(j);
        }
        tick()?;
    }
    together(court, all, &alone, &mut of, ctx)?;
    Ok(Worths { whole, of, cut })
}

/// Takes out all columns together that each say most of what there is to say.
fn together(court: &Court, all: &Judged, alone: &[Option<Measured>], of: &mut BTreeMap<usize, Worth>, ctx: &JobCtx) -> Result<()> {
    let (chance, strong) = (court.chance(), if court.binary { STRONG.0 } else { STRONG.1 });
    let worth = all.value - chance;
    let mut group: Vec<usize> = court
        .seen
        .iter()
        .copied()
        .filter(|&j| alone[j].is_some_and(|m| m.low >= strong && m.value - chance >= LEAST_ALONE * worth))
        .collect();
    group.sort_by(|a, b| alone[*b].map(|m| m.value).partial_cmp(&alone[*a].map(|m| m.value)).unwrap_or(std::cmp::Ordering::Equal));
    group.truncate(MOST_TOGETHER);
    let accused = |j: &usize| of.get(j).is_some_and(|w| w.cliff);
    if group.len() < 2 || group.iter().all(accused) {
        return Ok(());
    }
    let Some(rest) = court.without(&group, ctx)? else { return Ok(()) };
    let loss = all.less(&rest);
    if !is_cliff(&loss, worth) {
        return Ok(());
    }
    // Who alone brings back most of it says what they all say.
    let mut stand = Vec::new();
    for &j in &group {
        ctx.check()?;
        let others: Vec<usize> = group.iter().copied().filter(|k| *k != j).collect();
        if court.without(&others, ctx)?.is_some_and(|back| back.value - rest.value >= LEAST_ALONE * loss.value) {
            stand.push(j);
        }
    }
    for &j in &stand {
        if let Some(w) = of.get_mut(&j).filter(|w| !w.cliff) {
            w.with = stand.iter().filter(|k| **k != j).map(|k| court.name(*k).to_owned()).collect();
            (w.loss, w.cliff) = (Some(loss), true);
        }
    }
    Ok(())
}

/// Whether a loss is a cliff, and surely one.
fn is_cliff(loss: &Measured, worth: f64) -> bool {
    loss.low > 0.0 && (loss.value >= MOST_WORTH || (loss.value > worth * MOST_SHARE && loss.value > LEAST_WORTH))
}

/// Whether two columns give the same verdict on every row.
fn same(a: &[f64], b: &[f64]) -> bool {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    aa > 0.0 && bb > 0.0 && ab / (aa * bb).sqrt() >= SAME
}
