//! How well a ranking by expected effect finds the people in whom the treatment works, on rows that it did not see.
//!
//! Several figures go by the same names. Here they are, with their definitions:
//!
//! - incremental gain of the first k people: g(k) = Yt − Yc·Nt/Nc (outcomes and people, treated and control, among the k).
//! - `qini_per_capita`: area between g(k)/n and its chord, x from 0 to 1, trapezoids at every rank, ties in file order.
//! - `qini`: scikit-uplift's Qini coefficient: the area between g and its chord over that of a perfect ranking with negative
//!   effects, thresholds at distinct scores. `auuc`: its AUUC, the same for (Yt/Nt − Yc/Nc)·k.
//! - `auuc_causalml`: CausalML's: the mean of (Yt/Nt − Yc/Nc)·k over its last value, without a chord taken off.
//! - `autoc`: mean over k of the mean doubly robust score of the first k people, less that of all (Yadlowsky and others).
//! - `uplift_at_k`: Yt/Nt − Yc/Nc among the first ⌊k·n⌋ people of both groups together.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result, rng};
use crate::data::features::quantile;

/// Points of the curve that is shown, and of its band.
pub const POINTS: usize = 100;
/// Replicates between two looks at the cancel flag.
const BATCH: u32 = 64;

/// People of the held-out part in the order of their expected effect, the largest first.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Expected effect.
    pub score: Vec<f64>,
    /// Outcome.
    pub y: Vec<f64>,
    /// Whether treated.
    pub treated: Vec<bool>,
    /// What a person counts for: 1 in a randomised test, inverse propensity where it is adjusted.
    pub weight: Vec<f64>,
    /// Doubly robust score.
    pub robust: Vec<f64>,
    /// Place of each person in the list that was ranked.
    pub order: Vec<usize>,
}

/// Figures of one ranking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Unscaled per-capita Qini.
    pub qini: f64,
    /// AUTOC.
    pub autoc: f64,
    /// Uplift among the first share.
    pub at_k: f64,
    /// Incremental gain per person at every hundredth.
    pub gains: Vec<f64>,
    /// The figures by the definitions of other programs, where these are asked for.
    pub named: Named,
}

/// Figures as other programs define them; 0 where they are not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Named {
    /// scikit-uplift's Qini coefficient.
    pub qini: f64,
    /// scikit-uplift's AUUC.
    pub auuc: f64,
    /// CausalML's AUUC.
    pub auuc_causalml: f64,
}

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Share of people contacted, best first.
    pub share: f64,
    /// Incremental outcome per person of the whole.
    pub gain: f64,
    /// Lower end of its 95 % interval at this point alone.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The same share picked at random.
    pub random: f64,
}

/// A figure with its percentile bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Banded {
    /// The figure.
    pub value: f64,
    /// 2.5 % of the replicates.
    pub low: f64,
    /// 97.5 %.
    pub high: f64,
}

impl Ranked {
    /// Ranks people by `score`, stably, the largest first; NaN last.
    pub fn new(score: &[f64], y: &[f64], treated: &[bool], weight: &[f64], robust: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..score.len()).collect();
        let key = |i: usize| if score[i].is_nan() { f64::NEG_INFINITY } else { score[i] };
        order.sort_by(|a, b| key(*b).total_cmp(&key(*a)).then(a.cmp(b)));
        let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect();
        Self {
            score: order.iter().map(|&i| key(i)).collect(),
            y: pick(y),
            treated: order.iter().map(|&i| treated[i]).collect(),
            weight: pick(weight),
            robust: pick(robust),
            order,
        }
    }

    /// People.
    pub fn len(&self) -> usize {
        self.y.len()
    }
    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Figures with each person standing there as often as `counts` says; once each without.
    pub fn figures(&self, counts: Option<&[u8]>, k: f64) -> Figures {
        let times = |i: usize| counts.map_or(1, |c| c[i]);
        let n: usize = counts.map_or(self.len(), |c| c.iter().map(|c| usize::from(*c)).sum());
        let mut out = Figures { gains: Vec::with_capacity(POINTS + 1), ..Figures::default() };
        let top = (n as f64 * k).floor() as usize;
        let mut sums = Sums::default();
        let (mut area, mut gain, mut robust, mut toc) = (0.0, 0.0, 0.0, 0.0);
        let (mut rank, mut next) = (0usize, 0usize);
        out.gains.push(0.0);
        for i in 0..self.len() {
            for _ in 0..times(i) {
                sums.add(self.y[i], self.treated[i], self.weight[i]);
                rank += 1;
                gain = sums.gain();
                area += gain;
                robust += self.robust[i];
                toc += robust / rank as f64;
                if rank == top {
                    out.at_k = sums.difference();
                }
                while next < POINTS && rank * POINTS >= (next + 1) * n {
                    next += 1;
                    out.gains.push(gain);
                }
            }
        }
        let all = n.max(1) as f64;
        out.gains.iter_mut().for_each(|g| *g /= all);
        out.gains.resize(POINTS + 1, gain / all);
        out.qini = (area - gain / 2.0) / (all * all) - gain / (2.0 * all);
        out.autoc = (toc - robust) / all;
        out
    }

    /// Figures as other programs define them, with each person standing there as often as `counts` says. Two of them are
    /// defined for yes/no outcomes, and all for people who count alike.
    pub fn named(&self, counts: Option<&[u8]>, binary: bool) -> Named {
        let (qini, auuc) = if binary { scikit_uplift(self, counts) } else { (0.0, 0.0) };
        Named { qini, auuc, auuc_causalml: causalml_auuc(self, counts) }
    }

    /// Bootstrap over people: the figures of `replicates` redrawn lists, in order; those of other programs where `named`
    /// says for which kind of outcome.
    pub fn bootstrap(&self, k: f64, named: Option<bool>, replicates: u32, seed: u64, ctx: &JobCtx) -> Result<Vec<Figures>> {
        ctx.stage("uplift.stage_bootstrap", u64::from(replicates));
        let mut out = Vec::with_capacity(replicates as usize);
        for from in (0..replicates).step_by(BATCH as usize) {
            ctx.check()?;
            let batch = from..(from + BATCH).min(replicates);
            out.par_extend(batch.into_par_iter().map_init(
                || vec![0u8; self.len()],
                |counts, b| {
                    redraw(counts, seed, b);
                    let named = named.map_or_else(Named::default, |binary| self.named(Some(counts), binary));
                    Figures { named, ..self.figures(Some(counts), k) }
                },
            ));
            ctx.at(out.len() as u64);
        }
        Ok(out)
    }

    /// P that a ranking by chance does as well: the share of shuffles whose Qini is at least this one's, this one counted.
    pub fn permutation(&self, shuffles: u32, seed: u64, ctx: &JobCtx) -> Result<f64> {
        ctx.stage("uplift.stage_permutation", u64::from(shuffles));
        let own = self.qini_of(|i| i);
        let mut as_good = 0usize;
        for from in (0..shuffles).step_by(BATCH as usize) {
            ctx.check()?;
            let batch = from..(from + BATCH).min(shuffles);
            as_good += batch
                .into_par_iter()
                .map_init(
                    || (0..self.len() as u32).collect::<Vec<u32>>(),
                    |places, s| {
                        // From the same start each time, so that it does not matter which thread did which shuffle.
                        places.iter_mut().enumerate().for_each(|(i, p)| *p = i as u32);
                        rng::shuffle(&mut rng::rng(seed, &format!("uplift-shuffle-{s}")), places);
                        usize::from(self.qini_of(|i| places[i] as usize) >= own)
                    },
                )
                .sum::<usize>();
            ctx.at(u64::from(from));
        }
        Ok((as_good + 1) as f64 / (f64::from(shuffles) + 1.0))
    }

    fn qini_of(&self, place: impl Fn(usize) -> usize) -> f64 {
        let mut sums = Sums::default();
        let (mut area, mut gain) = (0.0, 0.0);
        for i in 0..self.len() {
            let p = place(i);
            sums.add(self.y[p], self.treated[p], self.weight[p]);
            gain = sums.gain();
            area += gain;
        }
        let n = self.len().max(1) as f64;
        (area - gain / 2.0) / (n * n) - gain / (2.0 * n)
    }

    /// The curve with pointwise bands from bootstrap replicates.
    pub fn points(&self, own: &Figures, replicates: &[Figures]) -> Vec<Point> {
        let last = own.gains.last().copied().unwrap_or(0.0);
        (0..=POINTS)
            .map(|i| {
                let share = i as f64 / POINTS as f64;
                let band = band(own.gains[i], replicates.iter().map(|f| f.gains[i]));
                Point { share, gain: own.gains[i], low: band.low, high: band.high, random: last * share }
            })
            .collect()
    }
}

/// Draws how often each person is in a replicate: Poisson(1), two people from one random word.
fn redraw(counts: &mut [u8], seed: u64, replicate: u32) {
    use rand_chacha::rand_core::Rng as _;
    let mut random = rng::rng(seed, &format!("uplift-bootstrap-{replicate}"));
    // Upper ends of P(count ≤ c) in 32 bits.
    let mut ends = [u32::MAX; 10];
    let (mut p, mut sum) = ((-1.0f64).exp(), 0.0);
    for (c, end) in ends.iter_mut().enumerate() {
        sum += p;
        *end = (sum * 4_294_967_296.0).min(4_294_967_295.0) as u32;
        p /= (c + 1) as f64;
    }
    for pair in counts.chunks_mut(2) {
        let word = random.next_u64();
        for (slot, bits) in pair.iter_mut().zip([word as u32, (word >> 32) as u32]) {
            *slot = ends.iter().position(|e| bits < *e).unwrap_or(ends.len()) as u8;
        }
    }
}

/// A value with the 95 % percentile interval of its replicates.
pub fn band(value: f64, replicates: impl Iterator<Item = f64>) -> Banded {
    let mut all: Vec<f64> = replicates.filter(|v| v.is_finite()).collect();
    all.sort_unstable_by(f64::total_cmp);
    if all.is_empty() {
        return Banded { value, low: value, high: value };
    }
    Banded { value, low: quantile(&all, 0.025), high: quantile(&all, 0.975) }
}

/// Outcomes and people among the first ranks.
#[derive(Clone, Copy, Default)]
struct Sums {
    yt: f64,
    nt: f64,
    yc: f64,
    nc: f64,
}

impl Sums {
    fn add(&mut self, y: f64, treated: bool, weight: f64) {
        if treated {
            self.yt += weight * y;
            self.nt += weight;
        } else {
            self.yc += weight * y;
            self.nc += weight;
        }
    }
    /// Incremental gain. Before the first control row there is nothing to take off.
    fn gain(self) -> f64 {
        if self.nc > 0.0 { self.yt - self.yc * self.nt / self.nc } else { self.yt }
    }
    fn difference(self) -> f64 {
        let mean = |y: f64, n: f64| if n > 0.0 { y / n } else { 0.0 };
        mean(self.yt, self.nt) - mean(self.yc, self.nc)
    }
}

/// Which curve an area is under.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Qini,
    Uplift,
}

/// Area between a curve and its chord, thresholds at distinct scores, of people from the highest score down: score, place in
/// the list, what one counts for, and how far one goes along the axis.
fn area(ranked: &Ranked, people: impl Iterator<Item = (f64, usize, f64, f64)>, kind: Kind) -> f64 {
    let mut steps = Steps::default();
    let mut now = None;
    let mut sums = Sums::default();
    let mut k = 0.0;
    for (score, i, weight, step) in people {
        if now.is_some_and(|n| n != score) {
            steps.add(k, sums, kind);
        }
        now = Some(score);
        sums.add(ranked.y[i], ranked.treated[i], weight);
        k += step;
    }
    steps.add(k, sums, kind);
    steps.area - steps.last * steps.last_k / 2.0
}

/// A curve's area, step by step.
#[derive(Default)]
struct Steps {
    area: f64,
    last_k: f64,
    last: f64,
}

impl Steps {
    fn add(&mut self, k: f64, sums: Sums, kind: Kind) {
        let here = match kind {
            Kind::Qini => sums.gain(),
            Kind::Uplift => sums.difference() * k,
        };
        self.area += (k - self.last_k) * (here + self.last) / 2.0;
        (self.last_k, self.last) = (k, here);
    }
}

/// The same of a ranking that knows everything: `levels` values of a key, the highest first.
fn perfect(ranked: &Ranked, times: impl Fn(usize) -> f64, levels: usize, key: impl Fn(usize) -> usize, kind: Kind) -> f64 {
    let mut groups = vec![(0.0, Sums::default()); levels];
    for i in 0..ranked.len() {
        let (k, sums) = &mut groups[key(i)];
        sums.add(ranked.y[i], ranked.treated[i], times(i));
        *k += times(i);
    }
    let mut steps = Steps::default();
    let (mut k, mut all) = (0.0, Sums::default());
    for (people, sums) in groups.into_iter().rev().filter(|g| g.0 > 0.0) {
        k += people;
        all = Sums { yt: all.yt + sums.yt, nt: all.nt + sums.nt, yc: all.yc + sums.yc, nc: all.nc + sums.nc };
        steps.add(k, all, kind);
    }
    steps.area - steps.last * steps.last_k / 2.0
}

/// Qini coefficient and AUUC as scikit-uplift defines them; they are defined for yes/no outcomes.
pub fn scikit_uplift(ranked: &Ranked, counts: Option<&[u8]>) -> (f64, f64) {
    let times = |i: usize| counts.map_or(1.0, |c| f64::from(c[i]));
    let own = || (0..ranked.len()).map(|i| (ranked.score[i], i, times(i), times(i)));
    let yes = |i: usize| ranked.y[i] > 0.5;
    // Bought when treated, did not buy, bought untreated.
    let sign = |i: usize| match (yes(i), ranked.treated[i]) {
        (true, true) => 2,
        (false, _) => 1,
        (true, false) => 0,
    };
    let bought_untreated: f64 = (0..ranked.len()).filter(|&i| yes(i) && !ranked.treated[i]).map(times).sum();
    let treated_in_vain: f64 = (0..ranked.len()).filter(|&i| !yes(i) && ranked.treated[i]).map(times).sum();
    let best = |i: usize| {
        let first = if bought_untreated > treated_in_vain { yes(i) } else { ranked.treated[i] };
        2 * usize::from(yes(i) == ranked.treated[i]) + usize::from(first)
    };
    let qini = area(ranked, own(), Kind::Qini) / perfect(ranked, times, 3, sign, Kind::Qini);
    let auuc = area(ranked, own(), Kind::Uplift) / perfect(ranked, times, 4, best, Kind::Uplift);
    (qini, auuc)
}

/// AUUC as CausalML defines it: the mean of the cumulative gain over its last value. Before both groups are met, the
/// difference of means is interpolated from 0, as there.
pub fn causalml_auuc(ranked: &Ranked, counts: Option<&[u8]>) -> f64 {
    let mut sums = Sums::default();
    let (mut unknown, mut k, mut sum, mut last) = (0u32, 0.0, 0.0, 0.0);
    for i in 0..ranked.len() {
        for _ in 0..counts.map_or(1, |c| c[i]) {
            sums.add(ranked.y[i], ranked.treated[i], 1.0);
            if sums.nt == 0.0 || sums.nc == 0.0 {
                unknown += 1;
                continue;
            }
            last = sums.difference();
            for j in 1..=unknown {
                k += 1.0;
                sum += last * f64::from(j) / f64::from(unknown + 1) * k;
            }
            unknown = 0;
            k += 1.0;
            sum += last * k;
        }
    }
    sum / (last * k).abs() / (k + 1.0)
}

/// The per-capita Qini with people who tie kept together: where it is far from the other, the order of the file spoke.
pub fn qini_ties_together(ranked: &Ranked) -> f64 {
    let people = (0..ranked.len()).map(|i| (ranked.score[i], i, ranked.weight[i], 1.0));
    let n = ranked.len().max(1) as f64;
    area(ranked, people, Kind::Qini) / (n * n)
}
