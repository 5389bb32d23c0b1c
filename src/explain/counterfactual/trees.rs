//! Branch and bound over what the trees can tell apart. A node of the search allows a set of choices per feature. Its bound
//! comes from Lagrange: spreading each feature's cost over the trees that ask for it, every tree picks the leaf with the
//! best value minus λ times the cost of getting there; for every λ that gives a cost below which the wish cannot be met.
//! Nodes are opened in the order of their bounds, so the first whose cheapest row is as wished is the minimum. Where the wish
//! is about one class of several, the same is done along straight lines that every row which is as wished must pass.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::base::{JobCtx, Result};
use crate::ml::TreeEnsemble;
use crate::ml::ensemble::Node;

use super::choices::Choices;
use super::goal::{Goal, Line};
use super::{Answer, Rules, Wish};

/// Nodes kept open at most; beyond that the search stops with what it has.
const MOST_OPEN: usize = 200_000;

type Mask = Vec<u64>;

/// Lines that touch the condition of a class, each where the trees would go by the one before.
const TANGENTS: usize = 3;

/// A leaf: its value, and per feature on its path the choices that lead to it.
struct Leaf {
    value: f64,
    needs: Vec<(usize, Mask)>,
}

/// A tree: which of the goal's outputs it adds to, and its leaves.
struct Part {
    output: usize,
    leaves: Vec<Leaf>,
}

struct Problem {
    trees: Vec<Part>,
    /// Costs of the choices, per feature.
    costs: Vec<Vec<f64>>,
    /// Per output and feature, the number of trees that ask for the feature.
    asks: Vec<Vec<usize>>,
    goal: Goal,
}

struct Open {
    bound: f64,
    allowed: Vec<Mask>,
    id: usize,
}
impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Open {}
impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Open {
    /// The heap's top is the lowest bound, the newest among equals.
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound).then(self.id.cmp(&other.id))
    }
}

fn first(mask: &[u64]) -> Option<usize> {
    mask.iter().enumerate().find(|(_, w)| **w != 0).map(|(i, w)| i * 64 + w.trailing_zeros() as usize)
}

fn and(a: &[u64], b: &[u64]) -> Mask {
    a.iter().zip(b).map(|(x, y)| x & y).collect()
}

/// The first choice that both allow; choices stand in the order of their cost.
fn first_of_both(a: &[u64], b: &[u64]) -> Option<usize> {
    a.iter().zip(b).enumerate().find(|(_, (x, y))| *x & *y != 0).map(|(i, (x, y))| i * 64 + (x & y).trailing_zeros() as usize)
}

/// What a node's bound says, and where to split it.
struct Bound {
    cost: f64,
    /// Feature and the choices that the trees would like it to have.
    split: Option<(usize, Mask)>,
}

/// The leaves of a node that can be reached, tree by tree, and what each costs beyond the cheapest choices.
#[derive(Default)]
struct Reach {
    leaves: Vec<usize>,
    /// Where a leaf's own part of `needs` ends.
    needs_end: Vec<usize>,
    /// Feature and cost.
    needs: Vec<(usize, f64)>,
    /// Where a tree's leaves end.
    ends: Vec<usize>,
    /// Per leaf, its needs shared out among the trees of a line.
    extra: Vec<f64>,
    cheapest: Vec<usize>,
    fixed: f64,
}

/// What a line says of a node.
struct Along {
    cost: f64,
    lambda: f64,
}

impl Problem {
    fn new(e: &TreeEnsemble, output: usize, choices: &Choices, wish: Wish) -> Self {
        let goal = Goal::new(e, output, wish);
        let mut asks = vec![vec![0usize; choices.of.len()]; goal.outputs.len()];
        let mut trees = Vec::new();
        for tree in &e.trees {
            let Some(output) = goal.outputs.iter().position(|k| *k == tree.output as usize) else { continue };
            let mut leaves = Vec::new();
            let full: Vec<Mask> = choices.of.iter().map(|c| ones(c.len())).collect();
            let mut todo = vec![(0usize, Vec::<(usize, Mask)>::new())];
            while let Some((at, needs)) = todo.pop() {
                match &tree.nodes[at] {
                    Node::Leaf { value, .. } => leaves.push(Leaf { value: tree.weight * value, needs }),
                    node @ Node::Split { feature, left, right, .. } => {
                        let f = *feature as usize;
                        let mut goes_left = vec![0u64; full[f].len()];
                        for (k, (v, _)) in choices.of[f].iter().enumerate() {
                            goes_left[k / 64] |= u64::from(node.goes_left(*v)) << (k % 64);
                        }
                        let goes_right: Mask = goes_left.iter().zip(&full[f]).map(|(l, all)| !l & all).collect();
                        for (child, mask) in [(*right, goes_right), (*left, goes_left)] {
                            let mut needs = needs.clone();
                            match needs.iter_mut().find(|n| n.0 == f) {
                                Some(n) => n.1 = and(&n.1, &mask),
                                None => needs.push((f, mask)),
                            }
                            // A cell that no choice reaches is no leaf.
                            if needs.iter().all(|n| first(&n.1).is_some()) {
                                todo.push((child as usize, needs));
                            }
                        }
                    }
                }
            }
            for leaf in &mut leaves {
                // Where every choice will do, nothing is asked.
                leaf.needs.retain(|(f, m)| *m != full[*f]);
            }
            let mut used: Vec<usize> = leaves.iter().flat_map(|l| l.needs.iter().map(|n| n.0)).collect();
            used.sort_unstable();
            used.dedup();
            used.iter().for_each(|f| asks[output][*f] += 1);
            trees.push(Part { output, leaves });
        }
        Self { trees, costs: choices.of.iter().map(|c| c.iter().map(|x| x.1).collect()).collect(), asks, goal }
    }

    /// What one choice per feature is worth.
    fn value(&self, chosen: &[usize]) -> f64 {
        self.goal.value(&self.scores(chosen))
    }

    fn scores(&self, chosen: &[usize]) -> Vec<f64> {
        let mut scores = self.goal.intercepts.clone();
        for tree in &self.trees {
            scores[tree.output] += tree.leaves.iter().find(|l| fits(l, chosen)).map_or(0.0, |l| l.value);
        }
        scores
    }

    /// The bound of a node: no row within it that is as wished costs less. Infinite if none is.
    fn bound(&self, allowed: &[Mask], lambdas: &[f64], reach: &mut Reach) -> Bound {
        self.gather(allowed, reach);
        let scores = self.scores(&reach.cheapest);
        // The line that says most, and what it says.
        let mut best: Option<(Along, Line)> = None;
        let mut keep = |along: Along, line: Line| {
            if best.as_ref().is_none_or(|(b, _)| along.cost > b.cost) {
                best = Some((along, line));
            }
        };
        if self.goal.is_straight() {
            let line = self.goal.tangent(&scores);
            keep(self.along(&line, lambdas, reach), line);
        } else if self.goal.is_down() {
            // One of the rivals must hold, and the secant must.
            let rivals = self.goal.rivals().into_iter().map(|line| (self.along(&line, lambdas, reach), line));
            if let Some((along, line)) = rivals.collect::<Vec<_>>().into_iter().min_by(|a, b| a.0.cost.total_cmp(&b.0.cost)) {
                keep(along, line);
            }
            let (low, high) = self.ends(reach);
            if let Some(line) = self.goal.secant(&low, &high) {
                keep(self.along(&line, lambdas, reach), line);
            }
        } else {
            let mut at = scores;
            for _ in 0..TANGENTS {
                let line = self.goal.tangent(&at);
                let along = self.along(&line, lambdas, reach);
                at = self.picked(&line, along.lambda, reach);
                let out = along.cost.is_infinite();
                keep(along, line);
                if out {
                    break;
                }
            }
        }
        let Some((along, line)) = best else { return Bound { cost: reach.fixed, split: self.anything(reach) } };
        if along.cost.is_infinite() {
            return Bound { cost: along.cost, split: None };
        }
        self.share_out(&line, reach);
        // Where the trees agree with the cheapest row at this λ, they disagree without one, or the bound would be infinite;
        // unless a line is not all that there is to say.
        let split = self.disagreement(&line, along.lambda, reach).or_else(|| self.disagreement(&line, 0.0, reach));
        let split = if self.goal.is_straight() { split } else { split.or_else(|| self.anything(reach)) };
        Bound { cost: along.cost, split }
    }

    /// Leaves that can be reached, with what getting there costs beyond the cheapest choices.
    fn gather(&self, allowed: &[Mask], reach: &mut Reach) {
        let Reach { leaves, needs_end, needs, ends, .. } = reach;
        needs.clear();
        [&mut *leaves, &mut *needs_end, &mut *ends].into_iter().for_each(Vec::clear);
        let cheapest: Vec<usize> = allowed.iter().map(|m| first(m).unwrap_or(0)).collect();
        for tree in &self.trees {
            for (l, leaf) in tree.leaves.iter().enumerate() {
                let from = needs.len();
                let mut open = true;
                for (f, mask) in &leaf.needs {
                    match first_of_both(&allowed[*f], mask) {
                        Some(k) if k == cheapest[*f] => {}
                        Some(k) => needs.push((*f, self.costs[*f][k] - self.costs[*f][cheapest[*f]])),
                        None => {
                            open = false;
                            break;
                        }
                    }
                }
                if open {
                    leaves.push(l);
                    needs_end.push(needs.len());
                } else {
                    needs.truncate(from);
                }
            }
            ends.push(leaves.len());
        }
        reach.fixed = cheapest.iter().zip(&self.costs).map(|(k, c)| c[*k]).sum();
        reach.cheapest = cheapest;
    }

    /// Spreads each feature's cost over the trees that ask for it, by how much the line counts them.
    fn share_out(&self, line: &Line, reach: &mut Reach) {
        let whole: Vec<f64> = (0..self.costs.len())
            .map(|f| line.slopes.iter().zip(&self.asks).map(|(s, asks)| s.abs() * asks[f] as f64).sum::<f64>())
            .collect();
        let Reach { needs_end, needs, ends, extra, .. } = reach;
        extra.clear();
        let (mut leaf, mut from) = (0, 0);
        for (tree, end) in self.trees.iter().zip(ends) {
            let slope = line.slopes[tree.output].abs();
            while leaf < *end {
                let to = needs_end[leaf];
                extra.push(if slope > 0.0 { needs[from..to].iter().map(|(f, c)| c * slope / whole[*f]).sum() } else { 0.0 });
                (leaf, from) = (leaf + 1, to);
            }
        }
    }

    /// What a line says: for every λ a cost below which it cannot be passed.
    fn along(&self, line: &Line, lambdas: &[f64], reach: &mut Reach) -> Along {
        self.share_out(line, reach);
        let slack = 1e-9 * line.target.abs().max(1.0);
        let base: f64 = line.slopes.iter().zip(&self.goal.intercepts).map(|(a, i)| a * i).sum();
        let (mut cost, mut at) = (reach.fixed, 0.0);
        for &lambda in lambdas {
            let mut from = 0;
            let mut best = base;
            for (tree, &end) in self.trees.iter().zip(&reach.ends) {
                let slope = line.slopes[tree.output];
                let of = |i: usize| slope * tree.leaves[reach.leaves[i]].value - lambda * reach.extra[i];
                best += (from..end).map(of).fold(f64::NEG_INFINITY, f64::max);
                from = end;
            }
            if lambda == 0.0 {
                if best + slack < line.target {
                    return Along { cost: f64::INFINITY, lambda };
                }
                continue;
            }
            let needed = reach.fixed + (line.target - best - slack) / lambda;
            if needed > cost {
                (cost, at) = (needed, lambda);
            }
        }
        Along { cost, lambda: at }
    }

    /// The leaf that every tree picks at some λ.
    fn picks<'a>(&'a self, line: &'a Line, lambda: f64, reach: &'a Reach) -> impl Iterator<Item = Option<&'a Leaf>> {
        let starts = std::iter::once(0).chain(reach.ends.iter().copied());
        self.trees.iter().zip(starts.zip(&reach.ends)).map(move |(tree, (from, &end))| {
            let slope = line.slopes[tree.output];
            let of = |i: &usize| slope * tree.leaves[reach.leaves[*i]].value - lambda * reach.extra[*i];
            (from..end).max_by(|i, j| of(i).total_cmp(&of(j))).map(|i| &tree.leaves[reach.leaves[i]])
        })
    }

    /// The scores of those leaves.
    fn picked(&self, line: &Line, lambda: f64, reach: &Reach) -> Vec<f64> {
        let mut scores = self.goal.intercepts.clone();
        for (tree, leaf) in self.trees.iter().zip(self.picks(line, lambda, reach)) {
            scores[tree.output] += leaf.map_or(0.0, |l| l.value);
        }
        scores
    }

    /// Between which ends every score lies.
    fn ends(&self, reach: &Reach) -> (Vec<f64>, Vec<f64>) {
        let (mut low, mut high) = (self.goal.intercepts.clone(), self.goal.intercepts.clone());
        let mut from = 0;
        for (tree, &end) in self.trees.iter().zip(&reach.ends) {
            let of =
                |least: f64, better: fn(f64, f64) -> f64| reach.leaves[from..end].iter().map(|l| tree.leaves[*l].value).fold(least, better);
            low[tree.output] += of(f64::INFINITY, f64::min);
            high[tree.output] += of(f64::NEG_INFINITY, f64::max);
            from = end;
        }
        (low, high)
    }

    /// The feature whose cheapest choice most of the gain goes against, and the choices that the trees would like.
    fn disagreement(&self, line: &Line, lambda: f64, reach: &Reach) -> Option<(usize, Mask)> {
        let mut against: std::collections::BTreeMap<(usize, &[u64]), f64> = std::collections::BTreeMap::new();
        for (tree, best) in self.trees.iter().zip(self.picks(line, lambda, reach)) {
            let slope = line.slopes[tree.output];
            // What the cheapest row gets from this tree.
            let now = tree.leaves.iter().find(|l| fits(l, &reach.cheapest));
            if let (Some(best), Some(now)) = (best, now) {
                for (f, mask) in best.needs.iter().filter(|n| !has(&n.1, reach.cheapest[n.0])) {
                    *against.entry((*f, mask)).or_default() += (slope * (best.value - now.value)).max(1e-9);
                }
            }
        }
        against.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|((f, m), _)| (f, m.to_vec()))
    }

    /// Any leaf that is not the cheapest row's own; where there is none, all rows of a node have the same scores.
    fn anything(&self, reach: &Reach) -> Option<(usize, Mask)> {
        let trees = reach.ends.iter().enumerate().flat_map(|(t, &end)| {
            let from = if t == 0 { 0 } else { reach.ends[t - 1] };
            reach.leaves[from..end].iter().map(move |l| &self.trees[t].leaves[*l])
        });
        trees.flat_map(|leaf| &leaf.needs).find(|(f, m)| !has(m, reach.cheapest[*f])).map(|(f, m)| (*f, m.clone()))
    }
}

fn has(mask: &[u64], choice: usize) -> bool {
    mask[choice / 64] >> (choice % 64) & 1 == 1
}

fn fits(leaf: &Leaf, chosen: &[usize]) -> bool {
    leaf.needs.iter().all(|(f, m)| has(m, chosen[*f]))
}

fn ones(n: usize) -> Mask {
    let mut mask = vec![u64::MAX; n / 64];
    if !n.is_multiple_of(64) {
        mask.push((1 << (n % 64)) - 1);
    }
    mask
}

/// Steps that gain most for their cost, then cheaper choices one by one: a first answer to beat.
fn greedy(p: &Problem, most: usize) -> Option<Vec<usize>> {
    let n = p.costs.len();
    let mut chosen = vec![0usize; n];
    let mut sum = p.value(&chosen);
    while !p.goal.reached(sum) {
        let mut best: Option<(f64, usize, usize, f64)> = None;
        for f in 0..n {
            if chosen[f] == 0 && chosen.iter().filter(|c| **c > 0).count() >= most {
                continue;
            }
            let before = chosen[f];
            for k in 0..p.costs[f].len() {
                if k == before {
                    continue;
                }
                chosen[f] = k;
                let now = p.value(&chosen);
                let gain = now.min(p.goal.target + 1e-9) - sum;
                let rate = gain / (p.costs[f][k] - p.costs[f][before]).max(1e-6);
                if gain > 1e-12 && best.is_none_or(|b| rate > b.0) {
                    best = Some((rate, f, k, now));
                }
            }
            chosen[f] = before;
        }
        let (_, f, k, now) = best?;
        (chosen[f], sum) = (k, now);
    }
    loop {
        let mut changed = false;
        for f in 0..n {
            let before = chosen[f];
            for k in 0..before {
                chosen[f] = k;
                if p.goal.reached(p.value(&chosen)) {
                    changed = true;
                    break;
                }
                chosen[f] = before;
            }
        }
        if !changed {
            return Some(chosen);
        }
    }
}

/// The cheapest row that is as wished.
pub(super) fn smallest(
    e: &TreeEnsemble,
    output: usize,
    row: &[f64],
    choices: &Choices,
    wish: Wish,
    rules: &Rules,
    ctx: &JobCtx,
) -> Result<Answer> {
    let p = Problem::new(e, output, choices, wish);
    let most = rules.most_changes.unwrap_or(usize::MAX);
    let limit = rules.budget.unwrap_or(f64::INFINITY);
    let cost = |chosen: &[usize]| -> f64 { chosen.iter().zip(&p.costs).map(|(k, c)| c[*k]).sum() };
    let as_row = |chosen: &[usize]| -> Vec<f64> { chosen.iter().zip(&choices.of).map(|(k, c)| c[*k].0).collect() };
    debug_assert_eq!(row.len(), choices.of.len());
    let mut best = greedy(&p, most).filter(|c| cost(c) <= limit);
    let mut best_cost = best.as_ref().map_or(f64::INFINITY, |c| cost(c));
    let started = Instant::now();
    // λ in units of output per cost: around what the first answer paid.
    let scale =
        (p.goal.target - p.value(&vec![0; p.costs.len()])).abs().max(1e-6) / if best_cost.is_finite() { best_cost.max(1e-6) } else { 1.0 };
    let lambdas: Vec<f64> = [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0].iter().map(|k| k * scale).collect();
    let mut reach = Reach::default();
    let mut heap = BinaryHeap::new();
    heap.push(Open { bound: 0.0, allowed: choices.of.iter().map(|c| ones(c.len())).collect(), id: 0 });
    let (mut nodes, mut id) = (0usize, 0usize);
    let (mut lower, mut over) = (f64::INFINITY, f64::INFINITY);
    while let Some(open) = heap.pop() {
        if open.bound >= best_cost - 1e-9 || open.bound > limit {
            // Everything still open costs at least as much.
            lower = lower.min(open.bound);
            break;
        }
        nodes += 1;
        if nodes.is_multiple_of(64) {
            ctx.check()?;
            ctx.at(nodes as u64);
            if started.elapsed() > rules.time() || heap.len() > MOST_OPEN {
                lower = lower.min(open.bound);
                break;
            }
        }
        let mut allowed = open.allowed;
        let cheapest: Vec<usize> = allowed.iter().map(|m| first(m).unwrap_or(0)).collect();
        let forced = cheapest.iter().filter(|k| **k > 0).count();
        if forced > most {
            continue;
        }
        if forced == most {
            // No other feature may change.
            for (m, k) in allowed.iter_mut().zip(&cheapest) {
                if *k == 0 {
                    m.iter_mut().for_each(|w| *w = 0);
                    m[0] = 1;
                }
            }
        }
        let fixed = cost(&cheapest);
        // Choices that cost more than the best answer leaves are out.
        let left = best_cost.min(limit) - fixed;
        for (f, m) in allowed.iter_mut().enumerate() {
            let most = p.costs[f][cheapest[f]] + left;
            let keep = p.costs[f].partition_point(|c| *c <= most);
            // What the budget alone rules out may do it; it is not looked at, so the bound must not pass it.
            if let Some(k) = (keep..p.costs[f].len()).find(|k| m[k / 64] >> (k % 64) & 1 == 1).filter(|_| limit < best_cost) {
                over = over.min(fixed + p.costs[f][k] - p.costs[f][cheapest[f]]);
            }
            for k in keep..p.costs[f].len() {
                m[k / 64] &= !(1 << (k % 64));
            }
        }
        let sum = p.value(&cheapest);
        if p.goal.reached(sum) {
            if fixed < best_cost {
                (best_cost, best) = (fixed, Some(cheapest));
            }
            // Within this node nothing is cheaper.
            continue;
        }
        let bound = p.bound(&allowed, &lambdas, &mut reach);
        let cost = bound.cost.max(open.bound);
        if cost >= best_cost - 1e-9 || cost > limit {
            if cost > limit && cost.is_finite() && best.is_none() {
                lower = lower.min(cost);
            }
            continue;
        }
        let Some((f, wanted)) = bound.split else { continue };
        let (inside, outside): (Mask, Mask) = allowed[f].iter().zip(&wanted).map(|(a, w)| (a & w, a & !w)).unzip();
        for part in [outside, inside] {
            if first(&part).is_some() {
                let mut child = allowed.clone();
                child[f] = part;
                id += 1;
                heap.push(Open { bound: cost, allowed: child, id });
            }
        }
    }
    let lower_bound = if best.is_some() { lower.min(best_cost) } else { lower.min(over) };
    Ok(Answer { row: best.map(|c| as_row(&c)), lower_bound, nodes })
}

#[cfg(test)]
mod tests {
    use super::super::super::summary::tests::feature;
    use super::super::super::tree_shap::tests::random_ensemble;
    use super::*;
    use crate::base::rng;
    use crate::ml::ensemble::Link;

    /// Parts of the space at random: no row within one that is as wished costs less than its bound says, and where the
    /// bound is split, both halves hold something. Few trees, so that bounds are close to what they bound.
    #[test]
    fn no_row_of_a_part_costs_less_than_its_bound() {
        let mut rng = rng::rng(46, "parts");
        let (mut close, mut none, mut seen) = (0, 0, 0);
        for seed in 0..300u64 {
            let (classes, up) = (seed % 3 > 0, seed % 2 == 0);
            let outputs = if classes { 3 } else { 1 };
            let mut e = random_ensemble(seed, 2, (1 + seed as usize % 3) * outputs, 2, outputs);
            e.link = if classes { Link::Softmax } else { Link::Logit };
            let row = [4.0 * rng::unit(&mut rng), 4.0 * rng::unit(&mut rng)];
            let features = [feature("f0", &[]), feature("f1", &[])];
            let range = [("f0".to_owned(), (-5.0, 9.0)), ("f1".to_owned(), (-5.0, 9.0))].into();
            let choices = Choices::of_trees(&features, &e, 0, &row, &Rules { range, ..Rules::default() });
            let level = 0.1 + 0.8 * rng::unit(&mut rng);
            let p = Problem::new(&e, 0, &choices, if up { Wish::AtLeast(level) } else { Wish::Below(level) });
            for _ in 0..6 {
                let allowed: Vec<Mask> = choices
                    .of
                    .iter()
                    .map(|c| {
                        let mut mask = vec![0u64; c.len().div_ceil(64)];
                        (0..c.len()).filter(|k| *k + 1 == c.len() || rng::unit(&mut rng) < 0.7).for_each(|k| mask[k / 64] |= 1 << (k % 64));
                        mask
                    })
                    .collect();
                let rows = (0..choices.of[0].len()).flat_map(|a| (0..choices.of[1].len()).map(move |b| [a, b]));
                let rows = rows.filter(|r| has(&allowed[0], r[0]) && has(&allowed[1], r[1]) && p.goal.reached(p.value(r)));
                let least = rows.map(|r| p.costs[0][r[0]] + p.costs[1][r[1]]).fold(f64::INFINITY, f64::min);
                let lambdas: Vec<f64> = std::iter::once(0.0).chain((-8..8).map(|k| 1.6f64.powi(k))).collect();
                let mut reach = Reach::default();
                let bound = p.bound(&allowed, &lambdas, &mut reach);
                assert!(bound.cost <= least + 1e-9, "seed {seed}: {} but {least}", bound.cost);
                if p.goal.reached(p.value(&reach.cheapest)) {
                    continue;
                }
                seen += 1;
                close += usize::from(least.is_finite() && bound.cost > reach.fixed + 0.25 * (least - reach.fixed));
                none += usize::from(least.is_infinite());
                match bound.split {
                    Some((f, wanted)) => assert!(
                        has(&allowed[f], reach.cheapest[f])
                            && !has(&wanted, reach.cheapest[f])
                            && first_of_both(&allowed[f], &wanted).is_some()
                    ),
                    // Nothing to split where something would do is an answer lost.
                    None => assert!(least.is_infinite(), "seed {seed}: {least}"),
                }
            }
        }
        assert!(close >= 60 && none >= 50, "{close} close, {none} impossible of {seen}");
    }
}
