//! KernelSHAP: what the model says of coalitions in complementary pairs, and a regression that reads the values off.
//!
//! Only what is odd counts for a Shapley value: half the difference between a coalition and its complement, a function of
//! players who are known (+1) or not (−1). Sizes with few coalitions are asked whole, the rest of the budget goes to
//! coalitions drawn evenly from all that are left, none twice. The regression is one by generalised least squares: a line,
//! and around it a remainder that is alike for coalitions that are alike (kriging). Its covariance is a sum over the odd
//! orders of interaction, each order ρ² times as strong as the one below, so that three players who act together are seen
//! where a plain line takes them for noise. The demand that values add up is one more line of the system.
//!
//! The system does not know the row. It is solved once, and every row gets its own names for the players.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::base::{JobCtx, Result, rng};

use super::game::{Game, Meter};
use super::sampling::{One, enough, solve};
use super::tree_shap::gauss_legendre;

/// Groups of the jackknife behind the intervals.
const GROUPS: usize = 12;
/// 97.5 % quantile of Student's t with `GROUPS` − 1 = 11 degrees of freedom.
const QUANTILE: f64 = 2.201;
/// Most pairs of one system; a larger budget is spent on several with other names for the players.
const MOST_PAIRS: usize = 1_024;
/// Most players of the system; with more, a plain weighted line does.
const MOST_PLAYERS: usize = 256;
/// How much stronger the line may be than all that it leaves: as good as free.
const FREE: f64 = 1e6;
/// What is added to the diagonal, as a share of the likeness to oneself, so that pairs that say nothing new do no harm.
const JITTER: f64 = 1e-8;
/// Columns of the factorisation worked on together.
const PANEL: usize = 48;

/// A coalition that stands for itself and its complement.
#[derive(Clone, Debug, PartialEq)]
struct Pair {
    known: Vec<bool>,
    /// Weight of each of the two in a plain regression.
    weight: f64,
    /// Its group of the jackknife; none if it was not drawn by chance.
    group: Option<usize>,
}

/// The coalitions to ask, and how values are read off them.
pub struct Plan {
    players: usize,
    pairs: Vec<Pair>,
    /// How often the pairs are asked under other names.
    rounds: usize,
    system: Option<System>,
}

/// The solved system: values are `map` times the odd worths of the pairs and, last, of everybody.
struct System {
    map: Vec<f64>,
    /// The same without one group of pairs.
    without: Vec<Vec<f64>>,
}

impl Plan {
    /// Draws the coalitions for a number of players and a budget of coalitions per row.
    pub fn new(players: usize, budget: usize, seed: u64, ctx: &JobCtx) -> Result<Self> {
        let budget = budget.max(2 * players);
        let mut rng = rng::rng(seed, &format!("coalitions {players} {budget}"));
        let all = players < 2 || (players < 30 && (1usize << players) - 2 <= budget);
        let plain = all || players > MOST_PLAYERS;
        let rounds = if plain { 1 } else { budget.div_ceil(2 * MOST_PAIRS) };
        let pairs = draw(players, budget / rounds, plain, &mut rng);
        let chance = pairs.iter().any(|p| p.group.is_some());
        let system = if chance && !plain { Some(System::new(players, &pairs, ctx)?) } else { None };
        Ok(Self { players, pairs, rounds, system })
    }

    /// Coalitions asked per row, at most.
    pub fn coalitions(&self) -> usize {
        2 * self.pairs.len() * self.rounds
    }

    /// The values of one row, whose output is `whole` above the base.
    pub(super) fn row(&self, game: &Game<'_>, row: &[f64], whole: f64, rng: &mut rng::Rng, meter: &Meter<'_>) -> Result<One> {
        let m = self.players;
        if m < 2 {
            return Ok(One { values: vec![whole; m], width: vec![0.0; m], calls: 1 });
        }
        let mut names: Vec<usize> = (0..m).collect();
        let (mut values, mut variance, mut asked) = (vec![0.0; m], vec![0.0; m], 0);
        // Sizes that are asked whole are the same coalitions under any names: what they said is kept.
        let mut said: BTreeMap<Vec<bool>, f64> = BTreeMap::new();
        let (mut rounds, mut width) = (0.0, Vec::new());
        for _ in 0..self.rounds {
            if self.system.is_some() {
                rng::shuffle(rng, &mut names);
            }
            let named: Vec<Vec<bool>> = self
                .pairs
                .iter()
                .map(|p| {
                    let mut known = vec![false; m];
                    names.iter().zip(&p.known).for_each(|(name, k)| known[*name] = *k);
                    known
                })
                .collect();
            let new: Vec<usize> = (0..named.len()).filter(|&i| !said.contains_key(&named[i])).collect();
            let before = Meter { ctx: meter.ctx, before: meter.before + (asked * game.reference.n_rows()) as u64 };
            let v = game.worths_told(row, 2 * new.len(), |c, p| named[new[c / 2]][p] == (c % 2 == 0), &before)?;
            asked += v.len();
            let mut odd = vec![0.0; named.len() + 1];
            odd[named.len()] = 0.5 * whole;
            for (i, v) in new.iter().zip(v.chunks_exact(2)) {
                odd[*i] = 0.5 * (v[0] - v[1]);
                if self.pairs[*i].group.is_none() && self.rounds > 1 {
                    said.insert(named[*i].clone(), odd[*i]);
                    said.insert(named[*i].iter().map(|k| !k).collect(), -odd[*i]);
                }
            }
            (0..named.len()).filter(|i| new.binary_search(i).is_err()).for_each(|i| odd[i] = said[&named[i]]);
            let (one, spread) = self.read(&odd, whole);
            for (name, (v, s)) in names.iter().zip(one.iter().zip(&spread)) {
                values[*name] += v;
                variance[*name] += s;
            }
            rounds += 1.0;
            // The interval of one round, not of their mean: rounds average chance away, but not what a regression on so few
            // pairs misses every time, and the jackknife cannot tell the two apart.
            width = variance.iter().map(|v| QUANTILE * (v / rounds).sqrt()).collect();
            // Every round adds up by itself, so it may be the last.
            if enough(&width, whole) {
                break;
            }
        }
        values.iter_mut().for_each(|v| *v /= rounds);
        Ok(One { values, width, calls: (asked + 1) * game.reference.n_rows() })
    }

    /// Values and their variance by the jackknife, in the plan's own names.
    fn read(&self, odd: &[f64], whole: f64) -> (Vec<f64>, Vec<f64>) {
        let m = self.players;
        let of = |group: Option<usize>| -> Vec<f64> {
            let Some(system) = &self.system else { return regress(m, &self.pairs, odd, whole, group) };
            let map = group.map_or(&system.map, |g| &system.without[g]);
            let mut values: Vec<f64> = map.chunks_exact(odd.len()).map(|line| dot(line, odd)).collect();
            // The jitter leaves a little; everybody takes the same share of it.
            let rest = (whole - values.iter().sum::<f64>()) / m as f64;
            values.iter_mut().for_each(|v| *v += rest);
            values
        };
        let values = of(None);
        if self.pairs.iter().all(|p| p.group.is_none()) {
            return (values, vec![0.0; m]);
        }
        let out: Vec<Vec<f64>> = (0..GROUPS).map(|g| of(Some(g))).collect();
        let spread = |j: usize| {
            let mean = out.iter().map(|o| o[j]).sum::<f64>() / GROUPS as f64;
            out.iter().map(|o| (o[j] - mean).powi(2)).sum::<f64>() * (GROUPS as f64 - 1.0) / GROUPS as f64
        };
        let variance = (0..m).map(spread).collect();
        (values, variance)
    }
}

/// Pairs of coalitions: whole sizes first, as far as the budget allows, then pairs by chance; `by_size` draws every size
/// alike, as a plain regression wants them, else every coalition alike.
fn draw(m: usize, budget: usize, by_size: bool, rng: &mut rng::Rng) -> Vec<Pair> {
    let mut out = Vec::new();
    // Sizes s and m − s go together; the weight of all coalitions of a size.
    let of_size = |s: usize| (m as f64 - 1.0) / (s as f64 * (m - s) as f64);
    let both = |s: usize| if 2 * s == m { 1.0 } else { 2.0 };
    let mut left: Vec<usize> = (1..=m / 2).collect();
    let total = |sizes: &[usize]| sizes.iter().map(|s| both(*s) * of_size(*s)).sum::<f64>();
    let mut budget = budget;
    while let Some(&s) = left.first() {
        let count = both(s) * binomial(m, s);
        // A size is worth trying whole when chance would draw at least half as many coalitions of it.
        if count > budget as f64 || count > 2.0 * budget as f64 * both(s) * of_size(s) / total(&left) {
            break;
        }
        let weight = both(s) * of_size(s) / count;
        subsets(m, s, &mut |chosen| {
            // Of a coalition of half the players and its complement one is enough.
            if 2 * s != m || chosen[0] == 0 {
                out.push(Pair { known: (0..m).map(|p| chosen.contains(&p)).collect(), weight, group: None });
            }
        });
        budget -= count as usize;
        left.remove(0);
    }
    let pairs = budget / 2;
    if left.is_empty() || pairs == 0 {
        return out;
    }
    let smallest = left[0];
    let mut players: Vec<usize> = (0..m).collect();
    let mut seen: std::collections::BTreeSet<Vec<bool>> = std::collections::BTreeSet::new();
    let mut of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut chosen: Vec<(usize, Vec<bool>)> = Vec::with_capacity(pairs);
    while chosen.len() < pairs {
        let mut known = vec![false; m];
        let mut s = 0;
        // The same coalition again says nothing new; where few are left it may come again.
        for _ in 0..8 {
            if by_size {
                s = left[rng::below(rng, left.len())];
                rng::shuffle(rng, &mut players);
                known.fill(false);
                players[..s].iter().for_each(|p| known[*p] = true);
            } else {
                // Fair coins, until the size is one that was not asked whole.
                loop {
                    known.iter_mut().for_each(|k| *k = rng::below(rng, 2) == 1);
                    let size = known.iter().filter(|k| **k).count();
                    s = size.min(m - size);
                    if s >= smallest {
                        break;
                    }
                }
            }
            if seen.insert(known.clone()) {
                break;
            }
        }
        seen.insert(known.iter().map(|k| !k).collect());
        *of.entry(s).or_default() += 1;
        chosen.push((s, known));
    }
    for (k, (s, known)) in chosen.into_iter().enumerate() {
        // The coalitions drawn of a size share the weight of all of that size.
        let weight = both(s) * of_size(s) / (2 * of[&s]) as f64;
        out.push(Pair { known, weight, group: Some(k % GROUPS) });
    }
    out
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>().round()
}

fn subsets(m: usize, s: usize, found: &mut impl FnMut(&[usize])) {
    let mut chosen: Vec<usize> = (0..s).collect();
    loop {
        found(&chosen);
        let Some(at) = (0..s).rev().find(|&i| chosen[i] < m - s + i) else { return };
        chosen[at] += 1;
        for i in at + 1..s {
            chosen[i] = chosen[i - 1] + 1;
        }
    }
}

/// Weighted least squares under the demand that the values sum to `whole`: the last player is what the others leave.
fn regress(m: usize, pairs: &[Pair], odd: &[f64], whole: f64, without: Option<usize>) -> Vec<f64> {
    let n = m - 1;
    let (mut a, mut b) = (vec![0.0; n * n], vec![0.0; n]);
    let mut line = vec![0.0; n];
    for (d, odd) in pairs.iter().zip(odd) {
        if without.is_some() && d.group == without {
            continue;
        }
        let last = f64::from(u8::from(d.known[n]));
        for j in 0..n {
            line[j] = f64::from(u8::from(d.known[j])) - last;
        }
        let y = odd - (last - 0.5) * whole;
        for i in 0..n {
            if line[i] == 0.0 {
                continue;
            }
            let w = d.weight * line[i];
            b[i] += w * y;
            for j in 0..=i {
                a[i * n + j] += w * line[j];
            }
        }
    }
    let mut values = solve(n, &mut a, &b);
    values.push(whole - values.iter().sum::<f64>());
    values
}

impl System {
    fn new(m: usize, pairs: &[Pair], ctx: &JobCtx) -> Result<Self> {
        let n = pairs.len() + 1;
        let everybody = vec![true; m];
        let points: Vec<[u64; MOST_PLAYERS / 64]> = pairs
            .iter()
            .map(|p| &p.known)
            .chain([&everybody])
            .map(|known| {
                let mut bits = [0; MOST_PLAYERS / 64];
                known.iter().enumerate().filter(|(_, k)| **k).for_each(|(p, _)| bits[p / 64] |= 1 << (p % 64));
                bits
            })
            .collect();
        // Every odd order k of interaction counts ρ^k: the odd part of Π (1 + ρ z z′).
        let rho = 1.0 / m as f64;
        let power = |up: usize, down: usize, t: f64| (1.0 + t).powi(up as i32) * (1.0 - t).powi(down as i32);
        let alike = |agree: usize| 0.5 * (power(agree, m - agree, rho) - power(m - agree, agree, rho));
        let line = FREE * (alike(m) - rho * m as f64) / m as f64;
        let covariance: Vec<f64> = (0..=m).map(|a| alike(a) + line * (2.0 * a as f64 - m as f64)).collect();
        let differ = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones() as usize).sum::<usize>();
        let mut a = vec![0.0; n * n];
        a.par_chunks_mut(n).enumerate().for_each(|(i, out)| {
            for j in 0..=i {
                out[j] = covariance[m - differ(&points[i], &points[j])];
            }
            out[i] += JITTER * alike(m);
        });
        let inverse = inverse_factor(n, a, 0.1 * JITTER * alike(m), ctx)?;
        // Shapley value of player j of the covariance with a point: an interaction of k players that holds j gives 2/k of
        // itself, and ρ^k / k is an integral of t^(k−1).
        let rule = gauss_legendre(m / 2 + 1);
        let value = |up: usize, down: usize| -> f64 {
            rule.iter().map(|(t, w)| w * rho * (power(up, down, t * rho) + power(down, up, t * rho))).sum::<f64>() + 2.0 * line
        };
        let ups: Vec<usize> = points.iter().map(|p| p.iter().map(|w| w.count_ones() as usize).sum()).collect();
        let table: Vec<(f64, f64)> = (0..=m)
            .map(|up| (if up > 0 { value(up - 1, m - up) } else { 0.0 }, if up < m { -value(up, m - up - 1) } else { 0.0 }))
            .collect();
        let with: Vec<f64> = (0..m)
            .flat_map(|j| {
                let (points, ups, table) = (&points, &ups, &table);
                (0..n).map(move |i| if points[i][j / 64] >> (j % 64) & 1 == 1 { table[ups[i]].0 } else { table[ups[i]].1 })
            })
            .collect();
        let map: Vec<f64> = with.par_chunks(n).flat_map_iter(|with| times_inverse(&inverse, with)).collect();
        let without = (0..GROUPS)
            .map(|g| {
                ctx.check()?;
                let of: Vec<usize> = (0..pairs.len()).filter(|&i| pairs[i].group == Some(g)).collect();
                Ok(leave_out(n, &map, &inverse, &of))
            })
            .collect::<Result<_>>()?;
        Ok(Self { map, without })
    }
}

/// Lines of the inverse of a lower factor, turned: line k holds column k from its diagonal on.
struct InverseFactor {
    n: usize,
    turned: Vec<f64>,
}

impl InverseFactor {
    fn column(&self, k: usize) -> &[f64] {
        &self.turned[k * self.n + k..(k + 1) * self.n]
    }
    /// `Σ_k v_k column_k`.
    fn spread(&self, columns: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        for (k, v) in columns {
            out[k..].iter_mut().zip(self.column(k)).for_each(|(o, x)| *o += v * x);
        }
        out
    }
    /// Every column times a vector.
    fn gather(&self, v: &[f64]) -> Vec<f64> {
        (0..self.n).map(|k| dot(&v[k..], self.column(k))).collect()
    }
}

fn times_inverse(inverse: &InverseFactor, line: &[f64]) -> Vec<f64> {
    inverse.gather(&inverse.spread(line.iter().copied().enumerate()))
}

/// The map as it were if some points had never been asked: from the inverse, without solving again.
fn leave_out(n: usize, map: &[f64], inverse: &InverseFactor, of: &[usize]) -> Vec<f64> {
    let k = of.len();
    let mut own = vec![0.0; k * k];
    for (a, i) in of.iter().enumerate() {
        for (b, j) in of[..=a].iter().enumerate() {
            own[a * k + b] = dot(inverse.column(*i), &inverse.column(*j)[i - j..]);
        }
    }
    map.par_chunks(n)
        .flat_map_iter(|line| {
            let theirs: Vec<f64> = of.iter().map(|i| line[*i]).collect();
            let shares = solve(k, &mut own.clone(), &theirs);
            let back = inverse.gather(&inverse.spread(of.iter().copied().zip(shares)));
            let mut out: Vec<f64> = line.iter().zip(&back).map(|(l, b)| l - b).collect();
            of.iter().for_each(|i| out[*i] = 0.0);
            out
        })
        .collect()
}

/// Factors a symmetric positive matrix given by its lower half and inverts the factor; the same bits at any thread count.
/// No pivot is taken for smaller than `least`.
fn inverse_factor(n: usize, mut a: Vec<f64>, least: f64, ctx: &JobCtx) -> Result<InverseFactor> {
    for from in (0..n).step_by(PANEL) {
        ctx.check()?;
        let to = n.min(from + PANEL);
        // The panel's own triangle first, then the lines below it, then what it takes off the rest.
        let (above, below) = a.split_at_mut(to * n);
        for i in from..to {
            let (done, line) = above.split_at_mut(i * n);
            let line = &mut line[..n];
            for j in from..i {
                let other = &done[j * n..j * n + n];
                line[j] = (line[j] - dot(&line[from..j], &other[from..j])) / other[j];
            }
            line[i] = (line[i] - dot(&line[from..i], &line[from..i])).max(least).sqrt();
        }
        let above = &*above;
        below.par_chunks_mut(n).for_each(|line| {
            for j in from..to {
                let other = &above[j * n..j * n + n];
                line[j] = (line[j] - dot(&line[from..j], &other[from..j])) / other[j];
            }
        });
        let width = to - from;
        let panel: Vec<f64> = below.chunks(n).flat_map(|line| line[from..to].iter().copied()).collect();
        below.par_chunks_mut(n).enumerate().for_each(|(i, line)| {
            let mine = &panel[i * width..(i + 1) * width];
            for (out, theirs) in line[to..=to + i].iter_mut().zip(panel.chunks(width)) {
                *out -= dot(mine, theirs);
            }
        });
    }
    ctx.check()?;
    let mut turned = vec![0.0; n * n];
    turned.par_chunks_mut(n).enumerate().for_each(|(j, x)| {
        x[j] = 1.0 / a[j * n + j];
        for i in j + 1..n {
            x[i] = -dot(&a[i * n + j..i * n + i], &x[j..i]) / a[i * n + i];
        }
    });
    Ok(InverseFactor { n, turned })
}

/// Scalar product in eight strands, always added in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const STRANDS: usize = 8;
    let mut sums = [0.0; STRANDS];
    let (a, b) = (&a[..a.len().min(b.len())], &b[..a.len().min(b.len())]);
    let (left, right) = (a.chunks_exact(STRANDS), b.chunks_exact(STRANDS));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for (s, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *s += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::coalition;
    use crate::data::FeatureMatrix;
    use crate::ml::Model as _;
    use crate::ml::model::Scale;

    /// Worths of all coalitions of a game with lines, pairs and triples.
    fn game(m: usize, seed: u64, orders: &[(usize, f64)]) -> Vec<f64> {
        let mut rng = rng::rng(seed, "game");
        let mut v = vec![0.0; 1 << m];
        for &(order, scale) in orders {
            subsets(m, order, &mut |chosen| {
                let (worth, all) = (scale * rng::normal(&mut rng), chosen.iter().map(|p| 1usize << p).sum::<usize>());
                (0..1usize << m).filter(|s| s & all == all).for_each(|s| v[s] += worth);
            });
        }
        v
    }

    fn odd(pairs: &[Pair], v: &[f64]) -> (Vec<f64>, f64) {
        let at = |known: &[bool], is: bool| known.iter().enumerate().filter(|(_, k)| **k == is).map(|(p, _)| 1usize << p).sum::<usize>();
        let whole = v[v.len() - 1] - v[0];
        let of = |p: &Pair| 0.5 * (v[at(&p.known, true)] - v[at(&p.known, false)]);
        (pairs.iter().map(of).chain([0.5 * whole]).collect(), whole)
    }

    fn error(a: &[f64], b: &[f64]) -> f64 {
        (a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
    }

    #[test]
    fn pairs_and_whole_budgets_are_exact() {
        // Interactions of two cancel between a coalition and its complement: any budget gets them right.
        let m = 10;
        let v = game(m, 1, &[(1, 1.0), (2, 1.0)]);
        let exact = coalition::shapley(m, &v);
        for budget in [64, 200, 600] {
            let plan = Plan::new(m, budget, 3, &JobCtx::quiet()).unwrap();
            let (odd, whole) = odd(&plan.pairs, &v);
            let (values, variance) = plan.read(&odd, whole);
            assert!(error(&values, &exact) < 1e-6 && variance.iter().all(|v| v.sqrt() < 1e-6), "{budget} {values:?} {exact:?}");
        }
        let v = game(8, 2, &[(1, 1.0), (3, 1.0), (5, 1.0), (8, 1.0)]);
        let plan = Plan::new(8, 254, 3, &JobCtx::quiet()).unwrap();
        let (odd, whole) = odd(&plan.pairs, &v);
        let (values, variance) = plan.read(&odd, whole);
        assert!(plan.pairs.len() == 127 && error(&values, &coalition::shapley(8, &v)) < 1e-10 && variance.iter().all(|v| *v == 0.0));
    }

    #[test]
    fn the_remainder_helps_and_its_interval_holds() {
        let m = 12;
        let (mut smooth, mut plain, mut within, mut all) = (0.0, 0.0, 0, 0);
        for seed in 0..12 {
            let v = game(m, seed, &[(1, 1.0), (2, 0.5), (3, 0.3), (4, 0.1), (5, 0.05)]);
            let exact = coalition::shapley(m, &v);
            for budget in [96, 400] {
                let plan = Plan::new(m, budget, seed, &JobCtx::quiet()).unwrap();
                let (odd, whole) = odd(&plan.pairs, &v);
                assert!(2 * plan.pairs.len() <= budget && (plan.coalitions() + 2 > budget));
                let (values, variance) = plan.read(&odd, whole);
                assert!((values.iter().sum::<f64>() - whole).abs() < 1e-9);
                smooth += error(&values, &exact);
                plain += error(&regress(m, &plan.pairs, &odd, whole, None), &exact);
                within += values.iter().zip(&exact).zip(&variance).filter(|((a, b), v)| (*a - *b).abs() <= QUANTILE * v.sqrt()).count();
                all += m;
            }
        }
        assert!(smooth < 0.6 * plain, "{smooth} {plain}");
        assert!(within * 100 >= 88 * all, "{within} of {all}");
    }

    /// Coalitions drawn anew again and again, of games drawn anew: as many intervals hold as their name says, not many more
    /// and not many fewer.
    #[test]
    fn as_many_intervals_hold_as_they_say() {
        let m = 12;
        let (mut within, mut all) = (0, 0);
        for seed in 0..150 {
            let v = game(m, 100 + seed, &[(1, 1.0), (3, 0.4), (4, 0.2), (5, 0.1)]);
            let exact = coalition::shapley(m, &v);
            let plan = Plan::new(m, 160, seed, &JobCtx::quiet()).unwrap();
            let (odd, whole) = odd(&plan.pairs, &v);
            let (values, variance) = plan.read(&odd, whole);
            within += values.iter().zip(&exact).zip(&variance).filter(|((a, b), v)| (*a - *b).abs() <= QUANTILE * v.sqrt()).count();
            all += m;
        }
        let share = within as f64 / all as f64;
        eprintln!("{share:.4} of {all} intervals hold");
        assert!((0.93..0.975).contains(&share), "{share}");
    }

    /// Tukey's pseudo-values, from systems solved again on what is left: the textbook's jackknife beside ours.
    #[test]
    fn the_interval_is_the_textbooks() {
        let m = 9;
        let plan = Plan::new(m, 120, 5, &JobCtx::quiet()).unwrap();
        let (odd, whole) = odd(&plan.pairs, &game(m, 7, &[(1, 1.0), (3, 0.6), (5, 0.2)]));
        let (values, variance) = plan.read(&odd, whole);
        let groups = plan.pairs.iter().filter_map(|p| p.group).collect::<std::collections::BTreeSet<_>>();
        let k = groups.len() as f64;
        let pseudo: Vec<Vec<f64>> = groups
            .iter()
            .map(|g| {
                let kept: Vec<usize> = (0..plan.pairs.len()).filter(|i| plan.pairs[*i].group != Some(*g)).collect();
                let left: Vec<Pair> = kept.iter().map(|i| plan.pairs[*i].clone()).collect();
                let system = Some(System::new(m, &left, &JobCtx::quiet()).unwrap());
                // Nothing of this plan is by chance, so it only reads.
                let left = left.into_iter().map(|p| Pair { group: None, ..p }).collect();
                let odd: Vec<f64> = kept.iter().map(|i| odd[*i]).chain([odd[plan.pairs.len()]]).collect();
                let one = Plan { players: m, pairs: left, rounds: 1, system }.read(&odd, whole).0;
                values.iter().zip(one).map(|(all, one)| k * all - (k - 1.0) * one).collect()
            })
            .collect();
        for j in 0..m {
            let mean = pseudo.iter().map(|p| p[j]).sum::<f64>() / k;
            let want = pseudo.iter().map(|p| (p[j] - mean).powi(2)).sum::<f64>() / (k * (k - 1.0));
            assert!((variance[j] / want - 1.0).abs() < 1e-3, "{j}: {} and {want}", variance[j]);
        }
    }

    fn wavy(x: &[f64]) -> f64 {
        let all: f64 = x.iter().enumerate().map(|(j, v)| (0.5 + 0.1 * j as f64) * v).sum();
        (2.0 * all).sin() + 0.5 * x[0] * x[1] * x[2] + x[3]
    }

    fn threes(x: &[f64]) -> f64 {
        0.005 * (x[0] * x[1] * x[2] + x[3] * x[4] * x[5] - x[6] * x[7] * x[8] + x[9] * x[10] * x[11]) + x[0] * x[4] + x[3]
    }

    /// Rounds end when the intervals are as fine as anything shown, or the budget is spent; and where every round misses
    /// the same (a function that bends too much for so few pairs), intervals do not close around what is wrong.
    #[test]
    fn rounds_stop_when_it_is_enough_and_not_before() {
        const ROUNDS: usize = 40;
        let m = 12;
        for (f, smooth) in [(wavy as fn(&[f64]) -> f64, false), (threes, true)] {
            let model = super::super::tests::formula(m, f);
            let mut r = rng::rng(4, "rows");
            let group = FeatureMatrix { n_features: m, values: (0..3 * m).map(|_| rng::normal(&mut r)).collect() };
            let row: Vec<f64> = group.row(0).iter().enumerate().map(|(j, v)| if j == 3 { 2.0 } else { v + 1.0 }).collect();
            let players = super::super::Players::single(model.card().features());
            let game = Game { model: &model, reference: &group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
            let ctx = JobCtx::quiet();
            let v = game.worths(&row, 1 << m, |c, p| c >> p & 1 == 1, &ctx).unwrap();
            let (whole, exact) = (v[v.len() - 1] - v[0], coalition::shapley(m, &v));
            // A plan asked in many rounds, as a large budget asks a large one.
            let ask = |rounds: usize| {
                let plan = Plan { rounds, ..Plan::new(m, 600, 1, &ctx).unwrap() };
                let meter = Meter { ctx: &ctx, before: 0 };
                plan.row(&game, &row, whole, &mut rng::rng(3, "names"), &meter).unwrap()
            };
            let widest = |one: &One| one.width.iter().copied().fold(0.0, f64::max);
            let far = |one: &One| one.values.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let (first, all) = (ask(1), ask(ROUNDS));
            let within = all.values.iter().zip(&exact).zip(&all.width).filter(|((a, b), w)| (*a - *b).abs() <= **w).count();
            eprintln!("{smooth}: {} to {}, {within} of 12 hold, off by {} to {}", widest(&first), widest(&all), far(&first), far(&all));
            assert!((all.values.iter().sum::<f64>() - whole).abs() < 1e-9);
            assert!(within >= 11, "{smooth}: {within} of 12 hold");
            assert_eq!(enough(&all.width, whole), smooth, "{}", widest(&all));
            assert_eq!(all.calls < 2 * first.calls, smooth, "{} and {}", first.calls, all.calls);
            assert!(smooth || far(&all) < 0.5 * far(&first), "more rounds are nearer");
        }
    }

    #[test]
    fn leaving_out_is_solving_again() {
        let plan = Plan::new(9, 120, 5, &JobCtx::quiet()).unwrap();
        let system = plan.system.as_ref().unwrap();
        let (n, kept): (usize, Vec<Pair>) = (plan.pairs.len() + 1, plan.pairs.iter().filter(|p| p.group != Some(4)).cloned().collect());
        let again = System::new(9, &kept, &JobCtx::quiet()).unwrap();
        for j in 0..9 {
            let of: Vec<f64> =
                (0..n).filter(|&i| plan.pairs.get(i).is_none_or(|p| p.group != Some(4))).map(|i| system.without[4][j * n + i]).collect();
            let want = &again.map[j * (kept.len() + 1)..(j + 1) * (kept.len() + 1)];
            assert!(of.len() == want.len() && of.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5), "{of:?} {want:?}");
        }
    }

    #[test]
    fn the_same_bits_at_any_number_of_threads() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let plan = pool.install(|| Plan::new(15, 300, 1, &JobCtx::quiet())).unwrap();
            plan.system.unwrap().map.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        assert!(run(1) == run(3));
    }
}
