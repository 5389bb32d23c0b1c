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
        let coding = codings(ensemble, &picked)?;
        let wide = coding.iter().any(|c| matches!(c, Coding::Levels(n) if *n > 62));
        let mut out = Self {
            coding,
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
        match (&self.coding[feature as usize], test) {
            (Coding::Ranks(cuts), Test::LessF32(t)) => {
                // Left are the codes 1 ..= rank of the threshold, and missing (0) if it goes left by default.
                let rank = u16::try_from(cuts.partition_point(|c| *c < *t as f32)).ok()? + 1;
                let low = if *default_left { MISSING } else { 1 };
                Some(Step { mask: 0, feature, next, low, span: rank + 1 - low, category: false })
            }
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
        match &self.coding[feature] {
            Coding::Unused => 0,
            Coding::Ranks(_) if value.is_nan() => MISSING,
            Coding::Ranks(cuts) => {
                let value = value as f32;
                1 + cuts.partition_point(|c| *c <= value) as u16
            }
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

fn codings(ensemble: &TreeEnsemble, picked: &[usize]) -> Option<Vec<Coding>> {
    let mut out = vec![Coding::Unused; ensemble.n_features];
    for t in picked {
        for node in &ensemble.trees[*t].nodes {
            let Node::Split { feature, test, missing, .. } = node else { continue };
            if *missing != Missing::Nan {
                return None;
            }
            let coding = out.get_mut(*feature as usize)?;
            match (test, &mut *coding) {
                (Test::LessF32(t), Coding::Unused) => *coding = Coding::Ranks(vec![*t as f32]),
                (Test::LessF32(t), Coding::Ranks(cuts)) => cuts.push(*t as f32),
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
        if let Coding::Ranks(cuts) = coding {
            cuts.sort_by(f32::total_cmp);
            cuts.dedup();
            if cuts.len() > usize::from(u16::MAX) - 3 || cuts.iter().any(|c| c.is_nan()) {
                return None;
            }
        }
    }
    Some(out)
}
