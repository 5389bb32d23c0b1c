//! Shapley values on the scale shown: the game v(S) = σ(m(S)) (for amounts whose logarithm is modelled, exp(m(S))), m(S) the expected margin when only the features S are
//! known. Not a rescaling of the margin's values, which would credit a feature for what σ does to the others.
//!
//! Up to [`MOST_EXACT`] features every subset is tried: the Möbius coefficients of all leaves go into one table of 2^M
//! numbers, one zeta transform makes m(S) of it. Above, orders are sampled in antithetic pairs until the 95 % intervals
//! are narrow.
//!
//! - [`classes`] plays the same game for the probability of one class among several.

pub mod classes;

use rayon::prelude::*;

use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::ml::ensemble::{Link, Node, TreeEnsemble};
use crate::ml::model::sigmoid;

use super::players::Players;
use super::tree_shap::{base as tree_base, shares};
use super::trees::leaf::Group;

/// Most features for which every subset is tried.
pub const MOST_EXACT: usize = 20;
/// Most sampled orders per row, in pairs.
pub const MOST_ORDERS: usize = 2_000;
/// Coefficients of all leaves together above which trying every subset costs more than sampling.
const MOST_COEFFICIENTS: usize = 1 << 26;
/// A tenth of a point is finer than anything shown of a probability; an amount has no such size.
const PROBABILITY_FINEST: f64 = 0.001;
/// Rows between two looks at the stop button.
const BATCH: usize = 16;

/// Attributions of many rows on the probability scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// `rows × players`.
    pub values: Vec<f64>,
    /// 95 % half-widths, same layout; empty when every value is exact.
    pub half_width: Vec<f64>,
    /// σ(m(∅)), or exp(m(∅)).
    pub base: f64,
    /// Players in the game.
    pub players: usize,
}

/// Shapley values of a game given by its table `v[S]`, which is used up.
///
/// φ_j = Σ_{S∋j} (w(|S|−1) + w(|S|)) v(S) − Σ_S w(|S|) v(S): the second sum is common, the first is folded half by half.
pub fn shapley_of_table(v: &mut [f64]) -> Vec<f64> {
    let m = v.len().trailing_zeros() as usize;
    if m == 0 {
        return Vec::new();
    }
    // w(s) = s! (m − s − 1)! / m!
    let mut w = vec![1.0 / m as f64; m];
    for s in 1..m {
        w[s] = w[s - 1] * s as f64 / (m - s) as f64;
    }
    let with: Vec<f64> = (0..=m).map(|s| if s > 0 { w[s - 1] } else { 0.0 } + if s < m { w[s] } else { 0.0 }).collect();
    // The empty set's value is taken off first, so that equal values cancel to zero.
    let empty = v[0];
    let mut without = 0.0;
    for (s, v) in v.iter_mut().enumerate() {
        let size = s.count_ones() as usize;
        let value = *v - empty;
        if size < m {
            without += w[size] * value;
        }
        *v = with[size] * value;
    }
    let mut phi = vec![0.0; m];
    let mut v = v;
    for j in (0..m).rev() {
        let (low, high) = v.split_at_mut(1 << j);
        let mut sum = 0.0;
        for (l, h) in low.iter_mut().zip(high.iter()) {
            sum += *h;
            *l += *h;
        }
        phi[j] = sum - without;
        v = low;
    }
    phi
}

/// m(S) for all S from its Möbius coefficients: half by half, so that most of the work stays in the cache.
fn zeta(table: &mut [f64]) {
    const CACHED: usize = 1 << 12;
    if table.len() > CACHED {
        let (low, high) = table.split_at_mut(table.len() / 2);
        zeta(low);
        zeta(high);
        high.iter_mut().zip(low.iter()).for_each(|(h, l)| *h += *l);
        return;
    }
    let mut half = 1;
    while half < table.len() {
        for block in table.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (l, h) in low.iter().zip(high) {
                *h += *l;
            }
        }
        half *= 2;
    }
}

/// The orders of one row: `step(None)` forgets all and gives v(∅), `step(Some(j))` makes j known and gives v. Half-widths
/// need not be finer than `finest`. Returns values and half-widths.
fn sample(m: usize, rng: &mut rng::Rng, finest: f64, mut step: impl FnMut(Option<usize>) -> f64) -> (Vec<f64>, Vec<f64>) {
    let (mut sum, mut squares) = (vec![0.0; m], vec![0.0; m]);
    let mut order: Vec<usize> = (0..m).collect();
    let mut pair = vec![0.0; m];
    let mut pairs = 0;
    loop {
        rng::shuffle(rng, &mut order);
        pair.fill(0.0);
        let mut whole = 0.0;
        for _ in 0..2 {
            let first = step(None);
            let mut last = first;
            for &j in &order {
                let v = step(Some(j));
                pair[j] += 0.5 * (v - last);
                last = v;
            }
            whole = last - first;
            order.reverse();
        }
        for j in 0..m {
            sum[j] += pair[j];
            squares[j] += pair[j] * pair[j];
        }
        pairs += 1;
        if pairs % 16 != 0 && pairs * 2 < MOST_ORDERS {
            continue;
        }
        let n = f64::from(pairs as u32);
        let width = |j: usize| 1.96 * ((squares[j] / n - (sum[j] / n).powi(2)).max(0.0) / (n - 1.0)).sqrt();
        let widths: Vec<f64> = (0..m).map(width).collect();
        // Or one per cent of the whole difference.
        let enough = widths.iter().all(|w| *w <= (0.01 * f64::abs(whole)).max(finest));
        if (enough && pairs >= 32) || pairs * 2 >= MOST_ORDERS {
            return (sum.iter().map(|s| s / n).collect(), widths);
        }
    }
}

/// Runs one row after the other on all threads; each row alone decides its numbers.
fn each_row<W: Send>(
    x: &FeatureMatrix,
    m: usize,
    sampled: bool,
    ctx: &JobCtx,
    new: impl Fn() -> W + Sync,
    one: impl Fn(&mut W, usize, &mut [f64], &mut [f64]) + Sync,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let rows = x.n_rows();
    let mut values = vec![0.0; rows * m];
    let mut widths = vec![0.0; if sampled { rows * m } else { 0 }];
    ctx.stage("explain.stage_probability", rows as u64);
    for from in (0..rows).step_by(BATCH) {
        ctx.check()?;
        let to = rows.min(from + BATCH);
        let none: &mut [f64] = &mut [];
        let widths = if sampled { &mut widths[from * m..to * m] } else { none };
        let mut jobs: Vec<(usize, &mut [f64], &mut [f64])> = Vec::with_capacity(BATCH);
        let mut widths = widths.chunks_mut(m.max(1));
        for (i, v) in values[from * m..to * m].chunks_mut(m.max(1)).enumerate() {
            jobs.push((from + i, v, widths.next().unwrap_or_default()));
        }
        jobs.into_par_iter().for_each_init(&new, |work, (row, values, widths)| one(work, row, values, widths));
        ctx.at(to as u64);
    }
    Ok((values, widths))
}

/// Name of a row's random stream: by its line, so that a row's numbers do not depend on the rows beside it.
fn stream(rows: &[u32], i: usize) -> String {
    format!("shapley {}", rows.get(i).copied().unwrap_or(i as u32))
}

/// What the trees' game is played with: who plays, and from whom the unknown come.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Who plays.
    pub players: &'a Players,
    /// The group, and the expected margin over it; the training rows if absent.
    pub group: Option<(&'a Group, f64)>,
    /// Seed where sampling is needed.
    pub seed: u64,
}

/// Attributions of trees. `rows` are lines in the file and name the random streams.
pub fn trees(e: &TreeEnsemble, x: &FeatureMatrix, rows: &[u32], output: usize, setting: Setting<'_>, ctx: &JobCtx) -> Result<Explained> {
    trees_up_to(MOST_EXACT, e, x, rows, output, setting, ctx)
}

fn trees_up_to(
    most: usize,
    e: &TreeEnsemble,
    x: &FeatureMatrix,
    rows: &[u32],
    output: usize,
    setting: Setting<'_>,
    ctx: &JobCtx,
) -> Result<Explained> {
    let game = TreeGame::new(e, output, setting, occurring(e, |o| o == output, &setting.players.of));
    let m = game.players.len();
    let exact = m <= most && game.coefficients() <= MOST_COEFFICIENTS;
    let finest = if e.link == Link::Log { 0.0 } else { PROBABILITY_FINEST };
    let link = if e.link == Link::Log { Link::Log } else { Link::Logit };
    let (values, half_width) = each_row(x, setting.players.count(), !exact, ctx, TreeWork::default, |work, i, values, widths| {
        game.enter(x.row(i), work);
        if exact {
            game.table(work);
            for v in &mut work.table {
                *v = link.shown(*v);
            }
            for (player, phi) in game.players.iter().zip(shapley_of_table(&mut work.table)) {
                values[*player] = phi;
            }
        } else {
            let mut rng = rng::rng(setting.seed, &stream(rows, i));
            let (phi, wide) = sample(m, &mut rng, finest, |step| link.shown(game.step(work, step)));
            for (k, player) in game.players.iter().enumerate() {
                (values[*player], widths[*player]) = (phi[k], wide[k]);
            }
        }
    })?;
    let base = setting.group.map_or_else(|| tree_base(e, output), |g| g.1);
    Ok(Explained { values, half_width, base: link.shown(base), players: m })
}

/// The leaves of an output's trees, each with the distinct features of its path.
struct TreeGame<'a> {
    ensemble: &'a TreeEnsemble,
    intercept: f64,
    /// Who plays as what, and the group.
    setting: Setting<'a>,
    /// Players that occur in the trees.
    players: Vec<usize>,
    /// Tree and node of every split.
    splits: Vec<(usize, usize)>,
    leaves: Vec<Leaf>,
    elements: Vec<Element>,
    /// Split and side.
    conditions: Vec<(u32, bool)>,
    /// Per player, the leaves whose path it is on and its element there.
    of_player: Vec<Vec<(u32, u32)>>,
}

struct Leaf {
    value: f64,
    first: usize,
    count: usize,
    /// Its tree's place among the output's trees, and its own place in it.
    place: (usize, usize),
}

/// A player on the path to a leaf.
struct Element {
    player: usize,
    z: f64,
    conditions: std::ops::Range<usize>,
}

#[derive(Default)]
struct TreeWork {
    goes_left: Vec<bool>,
    /// Per element: 1 if the row follows.
    on: Vec<f64>,
    table: Vec<f64>,
    coefficients: Vec<(usize, f64)>,
    /// Sampling: what is known, every element's factor now, every leaf's product, their sum.
    factor: Vec<f64>,
    product: Vec<f64>,
    margin: f64,
    /// Against a group: per leaf, which of its players are known.
    known: Vec<u64>,
}

/// The players that occur in the trees of some outputs, ascending.
fn occurring(e: &TreeEnsemble, chosen: impl Fn(usize) -> bool, of: &[usize]) -> Vec<usize> {
    let nodes = e.trees.iter().filter(|t| chosen(t.output as usize)).flat_map(|t| &t.nodes);
    let players: std::collections::BTreeSet<usize> = nodes
        .filter_map(|n| match n {
            Node::Split { feature, .. } => Some(of[*feature as usize]),
            Node::Leaf { .. } => None,
        })
        .collect();
    players.into_iter().collect()
}

impl<'a> TreeGame<'a> {
    /// `players` are those that occur in the output's trees, and perhaps more.
    fn new(ensemble: &'a TreeEnsemble, output: usize, setting: Setting<'a>, players: Vec<usize>) -> Self {
        let mine: Vec<usize> = (0..ensemble.trees.len()).filter(|&t| ensemble.trees[t].output as usize == output).collect();
        let intercept = ensemble.intercept.get(output).copied().unwrap_or(0.0);
        let of_player = vec![Vec::new(); players.len()];
        let (splits, leaves, elements, conditions) = Default::default();
        let mut game = Self { ensemble, intercept, setting, players, splits, leaves, elements, conditions, of_player };
        for (place, t) in mine.into_iter().enumerate() {
            let mut path = Vec::new();
            let before = game.leaves.len();
            game.walk(t, 0, &mut path);
            for (i, leaf) in game.leaves[before..].iter_mut().enumerate() {
                leaf.place = (place, i);
            }
        }
        game
    }

    /// Möbius coefficients of all leaves together.
    fn coefficients(&self) -> usize {
        self.leaves.iter().map(|l| 1usize << l.count.min(40)).sum()
    }

    /// `path` holds player, split, side and share of every edge above.
    fn walk(&mut self, t: usize, at: usize, path: &mut Vec<(u32, u32, bool, f64)>) {
        let tree = &self.ensemble.trees[t];
        match &tree.nodes[at] {
            Node::Leaf { value, .. } => {
                let first = self.elements.len();
                let mut seen: Vec<u32> = Vec::new();
                for i in 0..path.len() {
                    let player = path[i].0;
                    if seen.contains(&player) {
                        continue;
                    }
                    seen.push(player);
                    let from = self.conditions.len();
                    let mut z = 1.0;
                    for &(_, split, left, share) in path[i..].iter().filter(|e| e.0 == player) {
                        z *= share;
                        self.conditions.push((split, left));
                    }
                    let player = self.players.binary_search(&(player as usize)).unwrap_or_default();
                    self.of_player[player].push((self.leaves.len() as u32, self.elements.len() as u32));
                    self.elements.push(Element { player, z, conditions: from..self.conditions.len() });
                }
                self.leaves.push(Leaf { value: value * tree.weight, first, count: seen.len(), place: (0, 0) });
            }
            Node::Split { feature, left, right, .. } => {
                let split = self.splits.len() as u32;
                self.splits.push((t, at));
                let (zl, zr) = shares(tree.nodes[*left as usize].cover(), tree.nodes[*right as usize].cover());
                for (child, is_left, share) in [(*left, true, zl), (*right, false, zr)] {
                    path.push((self.setting.players.of[*feature as usize] as u32, split, is_left, share));
                    self.walk(t, child as usize, path);
                    path.pop();
                }
            }
        }
    }

    /// Which way the row goes at every split.
    fn enter(&self, row: &[f64], work: &mut TreeWork) {
        work.goes_left.clear();
        work.goes_left.extend(self.splits.iter().map(|&(t, n)| match &self.ensemble.trees[t].nodes[n] {
            node @ Node::Split { feature, .. } => node.goes_left(row[*feature as usize]),
            Node::Leaf { .. } => true,
        }));
        work.on.clear();
        let follows = |e: &Element| self.conditions[e.conditions.clone()].iter().all(|&(s, left)| work.goes_left[s as usize] == left);
        work.on.extend(self.elements.iter().map(|e| f64::from(u8::from(follows(e)))));
    }

    /// m(S) for every S.
    fn table(&self, work: &mut TreeWork) {
        work.table.clear();
        work.table.resize(1 << self.players.len(), 0.0);
        work.table[0] = self.intercept;
        for leaf in &self.leaves {
            let c = &mut work.coefficients;
            c.clear();
            if let Some((group, _)) = self.setting.group {
                self.against(group, leaf, &work.on, c);
            } else {
                c.push((0, leaf.value));
                for e in leaf.first..leaf.first + leaf.count {
                    let Element { player, z, .. } = self.elements[e];
                    let gain = work.on[e] - z;
                    for i in 0..c.len() {
                        let (mask, value) = c[i];
                        c.push((mask | 1 << player, value * gain));
                        c[i].1 = value * z;
                    }
                }
            }
            for &(mask, value) in c.iter() {
                work.table[mask] += value;
            }
        }
        zeta(&mut work.table);
    }

    /// Möbius coefficients of a leaf's game against a group: what the leaf is worth for every set of its players that are
    /// known, turned into sums of parts.
    fn against(&self, group: &Group, leaf: &Leaf, on: &[f64], c: &mut Vec<(usize, f64)>) {
        let d = leaf.count;
        let mine = (0..d).filter(|k| on[leaf.first + k] > 0.0).fold(0u64, |m, k| m | 1 << k);
        let worth = |s: u64| if s & !mine == 0 { leaf.value * group.follows(leaf.place.0, leaf.place.1, d, s) } else { 0.0 };
        let mut table: Vec<f64> = (0..1u64 << d).map(worth).collect();
        for k in 0..d {
            for s in 0..1usize << d {
                if s >> k & 1 == 1 {
                    table[s] -= table[s ^ 1 << k];
                }
            }
        }
        let spread = |s: usize| (0..d).filter(|k| s >> k & 1 == 1).fold(0, |m, k| m | 1 << self.elements[leaf.first + k].player);
        c.extend(table.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(s, v)| (spread(s), *v)));
    }

    fn step(&self, work: &mut TreeWork, step: Option<usize>) -> f64 {
        if let Some((group, base)) = self.setting.group {
            return self.step_against(group, base, work, step);
        }
        let product = |factor: &[f64], leaf: &Leaf| leaf.value * factor[leaf.first..leaf.first + leaf.count].iter().product::<f64>();
        match step {
            None => {
                work.factor.clear();
                work.factor.extend(self.elements.iter().map(|e| e.z));
                work.product.clear();
                work.product.extend(self.leaves.iter().map(|l| product(&work.factor, l)));
                work.margin = self.intercept + work.product.iter().sum::<f64>();
            }
            Some(j) => {
                for &(leaf, element) in &self.of_player[j] {
                    let (leaf, element) = (leaf as usize, element as usize);
                    work.factor[element] = work.on[element];
                    let now = product(&work.factor, &self.leaves[leaf]);
                    work.margin += now - work.product[leaf];
                    work.product[leaf] = now;
                }
            }
        }
        work.margin
    }
}

impl TreeGame<'_> {
    fn step_against(&self, group: &Group, base: f64, work: &mut TreeWork, step: Option<usize>) -> f64 {
        let Some(j) = step else {
            work.known.clear();
            work.known.resize(self.leaves.len(), 0);
            work.product.clear();
            work.product.extend(self.leaves.iter().map(|l| l.value * group.follows(l.place.0, l.place.1, l.count, 0)));
            work.margin = base;
            return base;
        };
        for &(leaf, element) in &self.of_player[j] {
            let (l, e) = (&self.leaves[leaf as usize], element as usize);
            let known = work.known[leaf as usize] | 1 << (e - l.first);
            work.known[leaf as usize] = known;
            let before = work.product[leaf as usize];
            // Once a known player leaves the path, the leaf is out of reach.
            let now = if self.lost(l, work, known) { 0.0 } else { l.value * group.follows(l.place.0, l.place.1, l.count, known) };
            work.margin += now - before;
            work.product[leaf as usize] = now;
        }
        work.margin
    }

    /// Whether a known player does not follow the path to a leaf.
    fn lost(&self, leaf: &Leaf, work: &TreeWork, known: u64) -> bool {
        (0..leaf.count).any(|k| known >> k & 1 == 1 && work.on[leaf.first + k] == 0.0)
    }
}

/// Attributions of an additive model from what each player adds to the margin (`rows × m`).
pub fn additive(terms: &[f64], base: f64, m: usize, rows: &[u32], seed: u64, ctx: &JobCtx) -> Result<Explained> {
    let x = FeatureMatrix { n_features: m, values: terms.to_vec() };
    // Whether values are sampled is one answer for all rows, so that half-widths have one layout.
    let most = (0..x.n_rows()).map(|i| x.row(i).iter().filter(|v| **v != 0.0).count()).max().unwrap_or(0);
    let exact = most <= MOST_EXACT;
    let (values, half_width) = each_row(&x, m, !exact, ctx, Vec::new, |table: &mut Vec<f64>, i, values, widths| {
        let terms: Vec<(usize, f64)> = x.row(i).iter().copied().enumerate().filter(|t| t.1 != 0.0).collect();
        if terms.len() <= MOST_EXACT {
            table.clear();
            table.push(base);
            for &(_, c) in &terms {
                table.extend_from_within(..);
                let half = table.len() / 2;
                table[half..].iter_mut().for_each(|v| *v += c);
            }
            table.iter_mut().for_each(|v| *v = sigmoid(*v));
            for (t, phi) in terms.iter().zip(shapley_of_table(table)) {
                values[t.0] = phi;
            }
        } else {
            let mut rng = rng::rng(seed, &stream(rows, i));
            let mut margin = base;
            let (phi, wide) = sample(terms.len(), &mut rng, PROBABILITY_FINEST, |step| {
                margin = step.map_or(base, |j| margin + terms[j].1);
                sigmoid(margin)
            });
            for (k, t) in terms.iter().enumerate() {
                (values[t.0], widths[t.0]) = (phi[k], wide[k]);
            }
        }
    })?;
    Ok(Explained { values, half_width, base: sigmoid(base), players: if exact { m.min(MOST_EXACT) } else { most } })
}

#[cfg(test)]
mod tests {
    use super::super::tree_shap::tests::{brute, game, random_ensemble, random_row};
    use super::*;

    use crate::explain::trees::AgainstGroup;

    pub fn players(m: usize) -> Players {
        Players { names: vec![String::new(); m], of: (0..m).collect() }
    }

    fn plain(e: &TreeEnsemble, x: &FeatureMatrix, rows: &[u32], output: usize, most: usize, seed: u64) -> Explained {
        let players = players(e.n_features);
        let setting = Setting { players: &players, group: None, seed };
        trees_up_to(most, e, x, rows, output, setting, &JobCtx::quiet()).unwrap()
    }

    pub fn rows(seed: u64, n: usize, m: usize) -> FeatureMatrix {
        let mut rng = rng::rng(seed, "rows");
        FeatureMatrix { n_features: m, values: (0..n).flat_map(|_| random_row(&mut rng, m)).collect() }
    }

    #[test]
    fn every_subset_by_brute_force() {
        for seed in 0..30 {
            let m = 1 + seed as usize % 7;
            let e = random_ensemble(seed, m, 5, 1 + seed as usize % 6, 2);
            let x = rows(seed, 3, m);
            for output in 0..2 {
                let got = plain(&e, &x, &[0, 1, 2], output, 20, 1);
                assert!(got.half_width.is_empty());
                for i in 0..3 {
                    let want = brute(m, |s| sigmoid(game(&e, x.row(i), output, s)));
                    let values = &got.values[i * m..(i + 1) * m];
                    assert!(values.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-11), "{values:?} {want:?}");
                    let sum = got.base + values.iter().sum::<f64>();
                    assert!((sum - sigmoid(e.margins(x.row(i))[output])).abs() < 1e-11);
                }
            }
        }
    }

    #[test]
    fn it_is_not_the_margin_rescaled() {
        let e = random_ensemble(5, 4, 5, 4, 1);
        let x = rows(5, 6, 4);
        let p = plain(&e, &x, &[0, 1, 2, 3, 4, 5], 0, 20, 1);
        let worst = (0..6)
            .flat_map(|i| {
                let margin = super::super::tree_shap::shapley(&e, x.row(i), 0);
                let sum: f64 = margin.iter().sum();
                let change = sigmoid(e.margins(x.row(i))[0]) - p.base;
                (0..4).map(|f| (margin[f] / sum * change - p.values[i * 4 + f]).abs()).collect::<Vec<_>>()
            })
            .fold(0.0, f64::max);
        assert!(worst > 1e-3, "{worst}");
    }

    #[test]
    fn logarithms_become_amounts_by_brute_force() {
        let m = 5;
        for seed in 0..4 {
            let mut e = random_ensemble(seed, m, 6, 3, 1);
            e.link = Link::Log;
            let x = rows(seed, 3, m);
            let lines: Vec<u32> = (0..3).collect();
            let exact = plain(&e, &x, &lines, 0, MOST_EXACT, 1);
            let drawn = plain(&e, &x, &lines, 0, 0, 1);
            for i in 0..3 {
                let want = brute(m, |s| game(&e, x.row(i), 0, s).exp());
                for f in 0..m {
                    let at = i * m + f;
                    assert!((exact.values[at] - want[f]).abs() < 1e-9 * want[f].abs().max(1.0), "{} {}", exact.values[at], want[f]);
                    assert!((drawn.values[at] - want[f]).abs() <= 4.0 * drawn.half_width[at] + 1e-9);
                }
            }
        }
    }

    #[test]
    fn sampling_finds_the_exact_values_within_its_intervals() {
        let e = random_ensemble(8, 6, 8, 4, 1);
        let x = rows(8, 12, 6);
        let lines: Vec<u32> = (0..12).collect();
        let exact = plain(&e, &x, &lines, 0, 20, 1);
        let guess = plain(&e, &x, &lines, 0, 2, 1);
        let within = |factor: f64| {
            let near = |i: &usize| (exact.values[*i] - guess.values[*i]).abs() <= factor * guess.half_width[*i] + 1e-12;
            (0..exact.values.len()).filter(near).count()
        };
        assert!(within(1.0) >= 62 && within(2.5) == 72, "{} {}", within(1.0), within(2.5));
        for i in 0..12 {
            let sum = |v: &[f64]| v[i * 6..i * 6 + 6].iter().sum::<f64>();
            assert!((sum(&exact.values) - sum(&guess.values)).abs() < 1e-10);
        }
        // A row's numbers do not depend on the rows beside it.
        let alone = plain(&e, &x.select(&[7]), &[7], 0, 2, 1);
        assert_eq!(alone.values, guess.values[42..48]);
    }

    #[test]
    fn additive_models_too() {
        let c = [0.5, 0.0, -0.5, -2.0, 0.3];
        let got = additive(&c, -0.7, 5, &[0], 1, &JobCtx::quiet()).unwrap();
        let want = brute(5, |s| sigmoid(-0.7 + (0..5).filter(|f| s >> f & 1 == 1).map(|f| c[f]).sum::<f64>()));
        assert!(got.values.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-14));
        assert_eq!(got.values[1], 0.0);
        let wide: Vec<f64> = (0..30).map(|i| f64::from(i) / 30.0 - 0.4).collect();
        let got = additive(&wide, -0.7, 30, &[0], 1, &JobCtx::quiet()).unwrap();
        let output = sigmoid(-0.7 + wide.iter().sum::<f64>());
        assert!((got.base + got.values.iter().sum::<f64>() - output).abs() < 1e-12);
        assert!(got.half_width.iter().all(|w| *w <= 0.01) && got.players == 29, "{}", got.players);
    }

    #[test]
    fn against_a_group_by_brute_force_and_by_sampling() {
        for seed in 0..12 {
            let m = 2 + seed as usize % 5;
            let e = random_ensemble(seed + 40, m, 4, 4, 1);
            let (x, group) = (rows(seed, 3, m), rows(seed + 99, 7, m));
            let players = players(m);
            let against = AgainstGroup::new(&e, 0, &players, &group, &JobCtx::quiet()).unwrap();
            let setting = Setting { players: &players, group: Some((&against.group, against.base)), seed };
            let got = trees(&e, &x, &[0, 1, 2], 0, setting, &JobCtx::quiet()).unwrap();
            let guess = trees_up_to(1, &e, &x, &[0, 1, 2], 0, setting, &JobCtx::quiet()).unwrap();
            for i in 0..3 {
                let mean = |s: usize| {
                    let mixed =
                        |b: usize| -> Vec<f64> { (0..m).map(|f| if s >> f & 1 == 1 { x.row(i)[f] } else { group.row(b)[f] }).collect() };
                    (0..7).map(|b| e.margins(&mixed(b))[0]).sum::<f64>() / 7.0
                };
                let want = brute(m, |s| sigmoid(mean(s)));
                for f in 0..m {
                    let at = i * m + f;
                    assert!((got.values[at] - want[f]).abs() < 1e-10, "{:?} {want:?}", &got.values[i * m..][..m]);
                    assert!((guess.values[at] - want[f]).abs() <= 3.0 * guess.half_width[at] + 1e-9);
                }
            }
        }
    }

    #[test]
    fn the_same_bits_at_any_number_of_threads() {
        let e = random_ensemble(9, 7, 10, 5, 1);
        let x = rows(9, 40, 7);
        let lines: Vec<u32> = (0..40).collect();
        let run = |threads, most| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let got = pool.install(|| plain(&e, &x, &lines, 0, most, 3));
            got.values.iter().chain(&got.half_width).map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        assert!(run(1, 20) == run(2, 20) && run(1, 3) == run(2, 3));
    }
}
