//! The fast walk through many trees for many rows.
//!
//! A row's values are first replaced by small codes: the number of the ensemble's thresholds that lie at or below them, or
//! the category itself. A split then is one comparison of small integers, or one bit of a mask, without a branch. Rows go
//! through a tree side by side, so that the processor waits for none of them. Sums are taken tree after tree in f64,
//! which gives the bits of [`TreeEnsemble::margins`] at any thread count.

use rayon::prelude::*;

pub(super) use self::leaves::Leaves;
use super::ensemble::{Missing, Node, Test, TreeEnsemble};
use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;

mod leaves;

/// Rows that share one pass over the trees.
const BLOCK: usize = 128;
/// Rows that walk side by side.
const LANES: usize = 8;
/// Code of a missing number; present numbers begin at 1.
const MISSING: u16 = 0;

/// How one feature's values become codes.
#[derive(Clone, Debug)]
enum Coding {
    /// No tree looks at it.
    Unused,
    /// 1 + thresholds at or below the value (f32 comparison).
    Ranks(Vec<f32>),
    /// 1 + thresholds below the value.
    Ends(Vec<f64>),
    /// The category; `levels` is missing, `levels + 1` is everything unseen.
    Levels(u16),
}

/// A node: where to go next is `next + (not left)`; a leaf goes to itself.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Bits of the categories that go left (up to 64), or where its words begin in the pool.
    mask: u64,
    feature: u32,
    next: u32,
    /// Codes in `low .. low + span` go left.
    low: u16,
    span: u16,
    category: bool,
}

#[derive(Clone, Debug)]
struct Walk {
    from: usize,
    depth: usize,
    output: usize,
}

/// A compiled ensemble, or some of its trees.
#[derive(Clone, Debug)]
pub(super) struct Predictor {
    coding: Vec<Coding>,
    /// What counts as missing in each feature.
    missing: Vec<Missing>,
    steps: Vec<Step>,
    /// Weighted leaf value at each step (0 at splits).
    values: Vec<f64>,
    /// Node of the neutral tree that the step stands for.
    nodes: Vec<u32>,
    trees: Vec<Walk>,
    pool: Vec<u64>,
    wide: bool,
    outputs: usize,
}

impl Predictor {
    /// Compiles the trees that `chosen` names; `None` where a tree uses a test that has no code (imported models).
    pub(super) fn new(ensemble: &TreeEnsemble, chosen: impl Fn(usize) -> bool) -> Option<Self> {
        let picked: Vec<usize> = (0..ensemble.trees.len()).filter(|t| chosen(*t)).collect();
        let (coding, missing) = codings(ensemble, &picked)?;
        let wide = coding.iter().any(|c| matches!(c, Coding::Levels(n) if *n > 62));
        let mut out = Self {
            coding,
            missing,
            steps: Vec::new(),
            values: Vec::new(),
            nodes: Vec::new(),
            trees: Vec::new(),
            pool: vec![0],
            wide,
            outputs: ensemble.n_outputs,
        };
        for t in picked {
            let tree = &ensemble.trees[t];
            let from = out.steps.len();
            // Breadth first, so that the two children of a split stand side by side.
            let mut queue = vec![(0u32, 0usize)];
            let mut at = 0;
            let mut depth = 0;
            while at < queue.len() {
                let (node, level) = queue[at];
                depth = depth.max(level);
                let here = (from + at) as u32;
                out.nodes.push(node);
                match &tree.nodes[node as usize] {
                    Node::Leaf { value, .. } => {
                        out.steps.push(Step { mask: 0, feature: 0, next: here, low: 0, span: u16::MAX, category: false });
                        out.values.push(tree.weight * value);
                    }
                    split @ Node::Split { feature, left, right, .. } => {
                        let next = (from + queue.len()) as u32;
                        queue.extend([(*left, level + 1), (*right, level + 1)]);
                        let step = out.split(split, *feature, next)?;
                        out.steps.push(step);
                        out.values.push(0.0);
                    }
                }
                at += 1;
                if at > 1 << 24 {
                    return None;
                }
            }
            out.trees.push(Walk { from, depth, output: tree.output as usize });
        }
        Some(out)
    }

    fn split(&mut self, node: &Node, feature: u32, next: u32) -> Option<Step> {
        let Node::Split { test, default_left, .. } = node else { return None };
        // Left are the codes 1 ..= rank of the threshold, and missing (0) if it goes left by default.
        let up_to = |before: usize| {
            let rank = u16::try_from(before).ok()? + 1;
            let low = if *default_left { MISSING } else { 1 };
            Some(Step { mask: 0, feature, next, low, span: rank + 1 - low, category: false })
        };
        match (&self.coding[feature as usize], test) {
            (Coding::Ranks(cuts), Test::LessF32(t)) => up_to(cuts.partition_point(|c| *c < *t as f32)),
            (Coding::Ends(cuts), Test::LessEqual(t)) => up_to(cuts.partition_point(|c| *c < *t)),
            (Coding::Levels(levels), Test::In(set)) => {
                let levels = usize::from(*levels);
                let mut words = set.clone();
                words.resize(levels / 64 + 1, 0);
                // A set may name categories beyond the levels that occur; those bits are free for missing and unseen.
                for bit in [levels, levels + 1] {
                    if bit / 64 >= words.len() {
                        words.push(0);
                    }
                    words[bit / 64] &= !(1 << (bit % 64));
                }
                if *default_left {
                    words[levels / 64] |= 1 << (levels % 64);
                }
                let mask = if self.wide {
                    let at = self.pool.len() as u64;
                    self.pool.extend(&words);
                    at
                } else {
                    words[0]
                };
                Some(Step { mask, feature, next, low: 0, span: 0, category: true })
            }
            _ => None,
        }
    }

    fn code(&self, feature: usize, value: f64) -> u16 {
        let value = match self.missing[feature] {
            Missing::Nan => value,
            Missing::None if value.is_nan() => 0.0,
            Missing::Zero if value == 0.0 => f64::NAN,
            _ => value,
        };
        match &self.coding[feature] {
            Coding::Unused => 0,
            Coding::Ranks(_) | Coding::Ends(_) if value.is_nan() => MISSING,
            Coding::Ranks(cuts) => {
                let value = value as f32;
                1 + cuts.partition_point(|c| *c <= value) as u16
            }
            Coding::Ends(cuts) => 1 + cuts.partition_point(|c| *c < value) as u16,
            Coding::Levels(levels) if value.is_nan() => *levels,
            Coding::Levels(levels) => {
                if value >= 0.0 && value < f64::from(*levels) {
                    value as u16
                } else {
                    levels + 1
                }
            }
        }
    }

    /// Codes of some rows, row-major.
    fn codes(&self, x: &FeatureMatrix, from: usize, to: usize) -> Vec<u16> {
        let n = x.n_features;
        let mut out = vec![0; (to - from) * n];
        for (j, coding) in self.coding.iter().enumerate() {
            if !matches!(coding, Coding::Unused) {
                for i in from..to {
                    out[(i - from) * n + j] = self.code(j, x.values[i * n + j]);
                }
            }
        }
        out
    }

    #[inline]
    fn goes_right<const WIDE: bool>(&self, step: &Step, code: u16) -> u32 {
        let mask = if WIDE {
            let word = if step.category { step.mask as usize + usize::from(code >> 6) } else { 0 };
            self.pool[word]
        } else {
            step.mask
        };
        let in_set = mask >> (code & 63) & 1 == 1;
        let in_span = code.wrapping_sub(step.low) < step.span;
        u32::from(!(if step.category { in_set } else { in_span }))
    }

    /// Calls `hit(row, leaf step)` for the leaf that each coded row reaches in one tree, in row order.
    #[inline]
    fn walk<const WIDE: bool>(&self, tree: &Walk, codes: &[u16], n: usize, mut hit: impl FnMut(usize, usize)) {
        let rows = codes.len() / n;
        let mut first = 0;
        while first < rows {
            let lanes = LANES.min(rows - first);
            let mut at = [tree.from as u32; LANES];
            // A short last group repeats its first row in the idle lanes.
            let base: [usize; LANES] = std::array::from_fn(|l| (first + if l < lanes { l } else { 0 }) * n);
            for _ in 0..tree.depth {
                for l in 0..LANES {
                    let step = &self.steps[at[l] as usize];
                    let code = codes[base[l] + step.feature as usize];
                    at[l] = step.next + self.goes_right::<WIDE>(step, code);
                }
            }
            for (l, leaf) in at.iter().enumerate().take(lanes) {
                hit(first + l, *leaf as usize);
            }
            first += lanes;
        }
    }

    /// Adds the trees' values to `out` (`rows × outputs`, what is there stays).
    pub(super) fn add_to(&self, x: &FeatureMatrix, out: &mut [f64], ctx: &JobCtx) -> Result<()> {
        let (k, n) = (self.outputs, x.n_features);
        if n == 0 || self.trees.is_empty() {
            return Ok(());
        }
        out.par_chunks_mut(BLOCK * k).enumerate().try_for_each(|(b, out)| {
            if b % 64 == 0 {
                ctx.check()?;
            }
            let codes = self.codes(x, b * BLOCK, b * BLOCK + out.len() / k);
            for tree in &self.trees {
                let add = |row: usize, leaf: usize| out[row * k + tree.output] += self.values[leaf];
                if self.wide { self.walk::<true>(tree, &codes, n, add) } else { self.walk::<false>(tree, &codes, n, add) }
            }
            Ok(())
        })
    }

    /// Weight of the rows that reach each node of each tree: the trees' covers, by neutral node index.
    pub(super) fn covers(&self, x: &FeatureMatrix, weights: &[f64], sizes: &[usize]) -> Vec<Vec<f64>> {
        let n = x.n_features;
        let codes = self.codes(x, 0, x.n_rows());
        self.trees
            .par_iter()
            .zip(sizes)
            .map(|(tree, size)| {
                let mut covers = vec![0.0; *size];
                let add = |row: usize, leaf: usize| covers[self.nodes[leaf] as usize] += weights[row];
                if self.wide {
                    self.walk::<true>(tree, &codes, n, add)
                } else {
                    self.walk::<false>(tree, &codes, n, add)
                }
                covers
            })
            .collect()
    }
}

fn codings(ensemble: &TreeEnsemble, picked: &[usize]) -> Option<(Vec<Coding>, Vec<Missing>)> {
    let mut gaps: Vec<Option<Missing>> = vec![None; ensemble.n_features];
    let mut out = vec![Coding::Unused; ensemble.n_features];
    for t in picked {
        for node in &ensemble.trees[*t].nodes {
            let Node::Split { feature, test, missing, .. } = node else { continue };
            // A value has one code, whichever node asks.
            if *gaps.get_mut(*feature as usize)?.get_or_insert(*missing) != *missing {
                return None;
            }
            let coding = out.get_mut(*feature as usize)?;
            match (test, &mut *coding) {
                (Test::LessF32(t), Coding::Unused) => *coding = Coding::Ranks(vec![*t as f32]),
                (Test::LessF32(t), Coding::Ranks(cuts)) => cuts.push(*t as f32),
                (Test::LessEqual(t), Coding::Unused) => *coding = Coding::Ends(vec![*t]),
                (Test::LessEqual(t), Coding::Ends(cuts)) => cuts.push(*t),
                (Test::In(set), Coding::Unused | Coding::Levels(_)) => {
                    let last =
                        set.iter().enumerate().rev().find(|(_, w)| **w != 0).map_or(0, |(i, w)| i * 64 + 64 - w.leading_zeros() as usize);
                    let levels = u16::try_from(last).ok().filter(|l| *l < u16::MAX - 2)?;
                    let before = if let Coding::Levels(n) = coding { *n } else { 0 };
                    *coding = Coding::Levels(before.max(levels));
                }
                _ => return None,
            }
        }
    }
    for coding in &mut out {
        let sound = match coding {
            Coding::Ranks(cuts) => ranked(cuts, f32::total_cmp, f32::is_nan),
            Coding::Ends(cuts) => ranked(cuts, f64::total_cmp, f64::is_nan),
            _ => true,
        };
        if !sound {
            return None;
        }
    }
    Some((out, gaps.into_iter().map(|m| m.unwrap_or(Missing::Nan)).collect()))
}

/// Sorts thresholds, each once; whether every value has a code among them.
fn ranked<T: PartialEq + Copy>(cuts: &mut Vec<T>, order: impl FnMut(&T, &T) -> std::cmp::Ordering, nan: impl Fn(T) -> bool) -> bool {
    cuts.sort_by(order);
    cuts.dedup();
    cuts.len() <= usize::from(u16::MAX) - 3 && !cuts.iter().any(|c| nan(*c))
}

#[cfg(test)]
mod tests {
    use super::super::ensemble::{Link, Tree};
    use super::*;
    use crate::base::rng::{self, Rng};

    /// A tree of random splits: thresholds and sets of either program, with what counts as missing there.
    fn grow(random: &mut Rng, depth: usize, kinds: &[(Test, Missing)]) -> Tree {
        let mut nodes = Vec::new();
        let mut open = vec![0usize];
        let mut at = 0;
        while at < open.len() {
            let level = open[at];
            at += 1;
            if level == depth || rng::unit(random) < 0.2 {
                nodes.push(Node::Leaf { value: rng::normal(random), cover: 1.0 });
                continue;
            }
            let feature = rng::below(random, kinds.len());
            let (test, missing) = &kinds[feature];
            let cut = (rng::normal(random) * 4.0).round() / 2.0;
            let test = match test {
                Test::LessF32(_) => Test::LessF32(cut),
                Test::LessEqual(_) => Test::LessEqual(cut),
                Test::In(_) => Test::In(vec![rng::below(random, 64) as u64]),
            };
            let left = open.len() as u32;
            open.extend([level + 1, level + 1]);
            let (missing, default_left) = (*missing, rng::unit(random) < 0.5);
            nodes.push(Node::Split { feature: feature as u32, test, missing, default_left, left, right: left + 1, cover: 1.0 });
        }
        Tree { nodes, output: 0, weight: 1.0 }
    }

    #[test]
    fn codes_go_where_the_values_go_whatever_counts_as_missing() {
        let tests = [Test::LessF32(0.0), Test::LessEqual(0.0), Test::In(vec![0])];
        let kinds: Vec<(Test, Missing)> =
            tests.iter().flat_map(|t| [Missing::None, Missing::Nan, Missing::Zero].map(|m| (t.clone(), m))).collect();
        let mut random = rng::rng(8, "fast walk");
        let n = kinds.len();
        let trees: Vec<Tree> = (0..60).map(|_| grow(&mut random, 5, &kinds)).collect();
        let e = TreeEnsemble { n_features: n, n_outputs: 1, intercept: vec![0.0], link: Link::Identity, trees };
        let odd = [f64::NAN, 0.0, -0.0, -1.0, 0.5, 1.0, 2.0, 5.0, 63.0, 1e9, f64::INFINITY, f64::NEG_INFINITY, 0.5 + 1e-12];
        let values = (0..400 * n).map(|_| odd[rng::below(&mut random, odd.len())]).collect();
        let x = FeatureMatrix { n_features: n, values };
        let fast = Predictor::new(&e, |_| true).unwrap();
        let mut out = vec![0.0; 400];
        fast.add_to(&x, &mut out, &JobCtx::quiet()).unwrap();
        for (r, v) in out.iter().enumerate() {
            assert_eq!(v.to_bits(), e.margins(x.row(r))[0].to_bits(), "row {r}: {:?}", x.row(r));
        }
        // Two programs in one feature are no code.
        let mut mixed = e;
        mixed.trees.push(Tree {
            nodes: vec![
                Node::Split {
                    feature: 0,
                    test: Test::LessF32(0.0),
                    missing: Missing::Zero,
                    default_left: true,
                    left: 1,
                    right: 2,
                    cover: 1.0,
                },
                Node::Leaf { value: 0.0, cover: 1.0 },
                Node::Leaf { value: 1.0, cover: 1.0 },
            ],
            output: 0,
            weight: 1.0,
        });
        assert!(Predictor::new(&mixed, |_| true).is_none());
    }
}
