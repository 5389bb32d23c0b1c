//! Branch and bound over what the trees can tell apart. A node of the search allows a set of choices per feature. Its bound
//! comes from Lagrange: spreading each feature's cost over the trees that ask for it, every tree picks the leaf with the
//! best value minus λ times the cost of getting there; for every λ that gives a cost below which the wish cannot be met.
//! Nodes are opened in the order of their bounds, so the first whose cheapest row is as wished is the minimum.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::base::{JobCtx, Result};
use crate::ml::TreeEnsemble;
use crate::ml::ensemble::{Link, Node};

use super::choices::Choices;
use super::{Answer, Rules, Wish};

/// Nodes kept open at most; beyond that the search stops with what it has.
const MOST_OPEN: usize = 200_000;

type Mask = Vec<u64>;

/// A leaf: its value, turned so that more is better, and per feature on its path the choices that lead to it.
struct Leaf {
    value: f64,
    needs: Vec<(usize, Mask)>,
}

struct Problem {
    /// Per tree.
    trees: Vec<Vec<Leaf>>,
    /// Features with more than one choice that some tree asks for.
    costs: Vec<Vec<f64>>,
    /// 1 / number of trees that ask for the feature.
    share: Vec<f64>,
    /// What the sum of the leaves must reach.
    target: f64,
    /// Whether reaching it exactly is not enough.
    strict: bool,
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

impl Problem {
    fn new(e: &TreeEnsemble, output: usize, choices: &Choices, wish: Wish) -> Self {
        let (threshold, sign, strict) = match wish {
            Wish::AtLeast(t) => (t, 1.0, false),
            Wish::Below(t) => (t, -1.0, true),
        };
        let margin = match e.link {
            Link::Logit => (threshold / (1.0 - threshold)).ln(),
            // No amount below zero can be wished for: every row is above, none below.
            Link::Log => threshold.max(0.0).ln(),
            Link::Identity | Link::Softmax => threshold,
        };
        let intercept = e.intercept.get(output).copied().unwrap_or(0.0);
        let mut asks = vec![0usize; choices.of.len()];
        let mut trees = Vec::new();
        for tree in e.trees.iter().filter(|t| t.output as usize == output) {
            let mut leaves = Vec::new();
            let full: Vec<Mask> = choices.of.iter().map(|c| ones(c.len())).collect();
            let mut todo = vec![(0usize, Vec::<(usize, Mask)>::new())];
            while let Some((at, needs)) = todo.pop() {
                match &tree.nodes[at] {
                    Node::Leaf { value, .. } => leaves.push(Leaf { value: sign * tree.weight * value, needs }),
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
            used.iter().for_each(|f| asks[*f] += 1);
            trees.push(leaves);
        }
        Self {
            trees,
            costs: choices.of.iter().map(|c| c.iter().map(|x| x.1).collect()).collect(),
            share: asks.iter().map(|n| 1.0 / (*n).max(1) as f64).collect(),
            target: sign * (margin - intercept),
            strict,
        }
    }

    fn reached(&self, sum: f64) -> bool {
        if self.strict { sum > self.target } else { sum >= self.target - 1e-12 * self.target.abs().max(1.0) }
    }

    /// The sum of the leaves for one choice per feature.
    fn sum(&self, chosen: &[usize]) -> f64 {
        let fits = |l: &&Leaf| l.needs.iter().all(|(f, m)| m[chosen[*f] / 64] >> (chosen[*f] % 64) & 1 == 1);
        self.trees.iter().map(|t| t.iter().find(fits).map_or(0.0, |l| l.value)).sum()
    }

    /// The bound of a node: no row within it that is as wished costs less. Infinite if none is.
    fn bound(&self, allowed: &[Mask], lambdas: &[f64], work: &mut Vec<(f64, f64, usize)>) -> Bound {
        let cheapest: Vec<usize> = allowed.iter().map(|m| first(m).unwrap_or(0)).collect();
        let fixed: f64 = cheapest.iter().zip(&self.costs).map(|(k, c)| c[*k]).sum();
        // Reachable leaves with the cost of getting there beyond the cheapest choice, spread over the trees.
        work.clear();
        let mut ends = Vec::with_capacity(self.trees.len());
        for tree in &self.trees {
            for (l, leaf) in tree.iter().enumerate() {
                let mut extra = 0.0;
                let mut open = true;
                for (f, mask) in &leaf.needs {
                    match first_of_both(&allowed[*f], mask) {
                        Some(k) => extra += (self.costs[*f][k] - self.costs[*f][cheapest[*f]]) * self.share[*f],
                        None => {
                            open = false;
                            break;
                        }
                    }
                }
                if open {
                    work.push((leaf.value, extra, l));
                }
            }
            ends.push(work.len());
        }
        let (mut cost, mut at) = (fixed, 0.0);
        for &lambda in lambdas {
            let mut from = 0;
            let mut best = 0.0;
            for &end in &ends {
                best += work[from..end].iter().map(|(v, c, _)| v - lambda * c).fold(f64::NEG_INFINITY, f64::max);
                from = end;
            }
            if lambda == 0.0 {
                if !self.reached(best + 1e-9) {
                    return Bound { cost: f64::INFINITY, split: None };
                }
                continue;
            }
            let needed = fixed + (self.target - best - 1e-9) / lambda;
            if needed > cost {
                (cost, at) = (needed, lambda);
            }
        }
        // Where the trees agree with the cheapest row at this λ, they disagree without one, or the bound would be infinite.
        let split = self.disagreement(&cheapest, work, &ends, at).or_else(|| self.disagreement(&cheapest, work, &ends, 0.0));
        Bound { cost, split }
    }

    /// The feature whose cheapest choice most of the gain goes against, and the choices that the trees would like.
    fn disagreement(&self, cheapest: &[usize], work: &[(f64, f64, usize)], ends: &[usize], lambda: f64) -> Option<(usize, Mask)> {
        let mut against: std::collections::BTreeMap<(usize, &[u64]), f64> = std::collections::BTreeMap::new();
        let mut from = 0;
        for (tree, &end) in self.trees.iter().zip(ends) {
            let of = |k: usize| work[k].0 - lambda * work[k].1;
            let best = (from..end).max_by(|i, j| of(*i).total_cmp(&of(*j))).map(|i| work[i]);
            // What the cheapest row gets from this tree.
            let now = tree.iter().find(|l| l.needs.iter().all(|(f, m)| m[cheapest[*f] / 64] >> (cheapest[*f] % 64) & 1 == 1));
            if let (Some((value, _, l)), Some(now)) = (best, now) {
                for (f, mask) in &tree[l].needs {
                    if mask[cheapest[*f] / 64] >> (cheapest[*f] % 64) & 1 == 0 {
                        *against.entry((*f, mask)).or_default() += (value - now.value).max(1e-9);
                    }
                }
            }
            from = end;
        }
        against.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|((f, m), _)| (f, m.to_vec()))
    }
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
    let mut sum = p.sum(&chosen);
    while !p.reached(sum) {
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
                let now = p.sum(&chosen);
                let gain = now.min(p.target + 1e-9) - sum;
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
                if p.reached(p.sum(&chosen)) {
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
    let scale = (p.target - p.sum(&vec![0; p.costs.len()])).abs().max(1e-6) / if best_cost.is_finite() { best_cost.max(1e-6) } else { 1.0 };
    let lambdas: Vec<f64> = [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0].iter().map(|k| k * scale).collect();
    let mut work = Vec::new();
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
        let sum = p.sum(&cheapest);
        if p.reached(sum) {
            if fixed < best_cost {
                (best_cost, best) = (fixed, Some(cheapest));
            }
            // Within this node nothing is cheaper.
            continue;
        }
        let bound = p.bound(&allowed, &lambdas, &mut work);
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
