//! Values of many rows through trees: one lookup per small subtree where the tables are small, the rule itself elsewhere.
//!
//! A unit is a subtree of at most [`UNIT`] splits, as large as that allows. What its leaves give depends on the pattern at
//! its root and on the turns of its splits only: a number of a few bits. So a complete tree of depth 6 needs 16 lookups of
//! 7 numbers for a row, not 64 leaves of 6. Tables are built for some trees at a time, to stay small in memory.

use rayon::prelude::*;

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;

use super::leaf::Rule;
use super::paths::{Bits, LANES, Paths, columns};

/// Most splits of a unit.
const UNIT: usize = 3;
/// Most bits of a table's index.
const MOST_BITS: usize = 11;
/// Numbers in the tables that exist at once.
const MOST_NUMBERS: usize = 24 << 20;
/// Rows per piece of work.
const PIECE: usize = 32 * LANES;

/// Part of a tree that is looked up at once, or a single leaf that asks the rule.
pub(super) struct Unit {
    /// The split at its root, or `!leaf`.
    pub root: i32,
    /// Bits of the pattern at its root.
    pub above: u32,
    /// Its splits, in preorder.
    pub splits: Vec<u32>,
    pub leaves: Vec<u32>,
    /// What it adds to.
    pub targets: Vec<u32>,
    /// Values per index, one after the other; empty where the rule is asked.
    pub table: Vec<f64>,
}

/// One tree with its units.
pub(super) struct Plan<'a> {
    pub paths: &'a Paths,
    place: usize,
    /// In preorder.
    pub units: Vec<Unit>,
    /// Whether every unit has, or will have, a table.
    pub tabled: bool,
    /// Numbers in its tables.
    pub numbers: usize,
}

fn gather(paths: &Paths, at: i32, splits: &mut Vec<u32>, leaves: &mut Vec<u32>) {
    if at < 0 {
        leaves.push(!at as u32);
        return;
    }
    splits.push(at as u32);
    let s = &paths.splits[at as usize];
    gather(paths, s.left, splits, leaves);
    gather(paths, s.right, splits, leaves);
}

impl<'a> Plan<'a> {
    /// Cuts a tree into units; with `tables`, into units that have tables, if all can.
    pub fn new(paths: &'a Paths, place: usize, rule: &dyn Rule, tables: bool) -> Self {
        let top = if paths.splits.is_empty() { !0 } else { 0 };
        // Sizes from the leaves up; children stand behind their parents.
        let mut below = vec![0usize; paths.splits.len()];
        for (i, s) in paths.splits.iter().enumerate().rev() {
            below[i] = 1 + [s.left, s.right].iter().map(|c| if *c < 0 { 0 } else { below[*c as usize] }).sum::<usize>();
        }
        let fits = |at: i32| at < 0 || below[at as usize] <= if tables { UNIT } else { 0 };
        let mut units = Vec::new();
        let mut todo = vec![(top, 0u32)];
        while let Some((at, above)) = todo.pop() {
            if !fits(at) {
                let s = &paths.splits[at as usize];
                let above = s.above + u32::from(s.first);
                todo.extend([(s.right, above), (s.left, above)]);
                continue;
            }
            let (mut splits, mut leaves) = (Vec::new(), Vec::new());
            gather(paths, at, &mut splits, &mut leaves);
            let mut targets: Vec<u32> = leaves.iter().flat_map(|l| rule.targets(&paths.leaves[*l as usize].players)).collect();
            if tables {
                targets.sort_unstable();
                targets.dedup();
            }
            units.push(Unit { root: at, above, splits, leaves, targets, table: Vec::new() });
        }
        let bits = |u: &Unit| u.above as usize + u.splits.len();
        let tabled = tables && units.iter().all(|u| bits(u) <= MOST_BITS);
        let numbers = if tabled { units.iter().map(|u| u.targets.len() << bits(u)).sum() } else { 0 };
        if tables && !tabled {
            return Self::new(paths, place, rule, false);
        }
        Self { paths, place, units, tabled, numbers }
    }

    /// Fills the tables.
    pub fn fill(&mut self, rule: &dyn Rule) {
        if !self.tabled {
            return;
        }
        let paths = self.paths;
        for unit in &mut self.units {
            let (t, bits) = (unit.targets.len(), unit.above as usize + unit.splits.len());
            unit.table = vec![0.0; t << bits];
            for &l in &unit.leaves {
                let leaf = &paths.leaves[l as usize];
                let targets: Vec<usize> =
                    rule.targets(&leaf.players).iter().map(|p| unit.targets.binary_search(p).unwrap_or_default()).collect();
                // Every pattern of the leaf once; many indices share it.
                let d = leaf.players.len();
                let mut values = vec![0.0; targets.len() << d];
                for pattern in 0..1usize << d {
                    let out = &mut values[pattern * targets.len()..][..targets.len()];
                    rule.fill(self.place, l as usize, leaf, pattern as u64, out);
                }
                for index in 0..1usize << bits {
                    let pattern = leaf_pattern(paths, unit, l, index as u64) as usize;
                    let from = &values[pattern * targets.len()..][..targets.len()];
                    let to = &mut unit.table[index * t..][..t];
                    for (k, v) in targets.iter().zip(from) {
                        to[*k] += v;
                    }
                }
            }
        }
    }

    /// Adds the values of up to sixteen rows to `out` (`rows × width`).
    fn add(&self, rule: &dyn Rule, columns: &[[f64; LANES]], width: usize, work: &mut Work, out: &mut [f64]) {
        let Work { turns, todo, buffer } = work;
        let rows = out.len() / width;
        self.paths.turns(columns, turns);
        let none = [0; LANES];
        let mut next = 0;
        // Units stand in preorder, as the splits above them do.
        todo.clear();
        todo.push((if self.paths.splits.is_empty() { !0 } else { 0 }, none));
        while let Some((at, pattern)) = todo.pop() {
            let unit = &self.units[next];
            if unit.root != at {
                let split = &self.paths.splits[at as usize];
                let left = &turns[at as usize];
                let right = left.map(|g| 1 - g);
                todo.push((split.right, Paths::follow(split, &pattern, &right)));
                todo.push((split.left, Paths::follow(split, &pattern, left)));
                continue;
            }
            next += 1;
            let t = unit.targets.len();
            if t == 0 {
                continue;
            }
            if self.tabled {
                let mut index = pattern;
                for (s, split) in unit.splits.iter().enumerate() {
                    for (i, g) in index.iter_mut().zip(&turns[*split as usize]) {
                        *i |= g << (unit.above as usize + s);
                    }
                }
                for (index, out) in index[..rows].iter().zip(out.chunks_exact_mut(width)) {
                    let values = &unit.table[*index as usize * t..][..t];
                    for (target, v) in unit.targets.iter().zip(values) {
                        out[*target as usize] += v;
                    }
                }
            } else {
                let leaf = unit.leaves[0] as usize;
                buffer.resize(t, 0.0);
                let mut last = None;
                for (pattern, out) in pattern[..rows].iter().zip(out.chunks_exact_mut(width)) {
                    if last != Some(*pattern) {
                        rule.fill(self.place, leaf, &self.paths.leaves[leaf], *pattern, &mut buffer[..t]);
                        last = Some(*pattern);
                    }
                    for (target, v) in unit.targets.iter().zip(buffer.iter()) {
                        out[*target as usize] += v;
                    }
                }
            }
        }
    }

    /// What filling costs, and what asking the rule for one row costs, in the same measure.
    fn costs(&self) -> (usize, usize) {
        let one = |l: &u32| {
            let d = self.paths.leaves[*l as usize].players.len();
            d * d.div_ceil(2).max(1)
        };
        let fill = self.units.iter().map(|u| {
            let entries = 1usize << (u.above as usize + u.splits.len()).min(40);
            u.leaves
                .iter()
                .map(|l| (one(l) << self.paths.leaves[*l as usize].players.len().min(40)) + entries * u.targets.len())
                .sum::<usize>()
        });
        (fill.sum(), self.paths.leaves.len() * 12)
    }
}

/// Pattern of a leaf from the index of its unit.
fn leaf_pattern(paths: &Paths, unit: &Unit, leaf: u32, index: u64) -> u64 {
    let mut pattern = index & ((1 << unit.above) - 1);
    let mut at = unit.root;
    // The way down to the leaf: each split's subtree either holds it on its left or on its right.
    while at >= 0 {
        let split = &paths.splits[at as usize];
        let s = unit.splits.iter().position(|x| *x == at as u32).unwrap_or_default();
        let turned_left = index >> (unit.above as usize + s) & 1 == 1;
        let to_left = holds(paths, split.left, leaf);
        let follows = turned_left == to_left;
        if split.first {
            pattern |= u64::from(follows) << split.bit;
        } else {
            pattern &= !(u64::from(!follows) << split.bit);
        }
        at = if to_left { split.left } else { split.right };
    }
    pattern
}

fn holds(paths: &Paths, at: i32, leaf: u32) -> bool {
    if at < 0 {
        return !at as u32 == leaf;
    }
    let s = &paths.splits[at as usize];
    holds(paths, s.left, leaf) || holds(paths, s.right, leaf)
}

#[derive(Default)]
struct Work {
    turns: Vec<Bits>,
    todo: Vec<(i32, Bits)>,
    buffer: Vec<f64>,
}

/// Whether tables pay for a number of rows: their making costs less than what asking the rule row by row would.
pub fn pays(paths: &[Paths], rule: &dyn Rule, rows: usize) -> bool {
    let (mut fill, mut ask) = (0usize, 0usize);
    for (i, p) in paths.iter().enumerate() {
        let plan = Plan::new(p, i, rule, true);
        if !plan.tabled {
            return false;
        }
        let (f, a) = plan.costs();
        fill += f;
        ask += a;
    }
    fill < ask.saturating_mul(rows)
}

/// Sums a rule over all trees for every row: `rows × width`, the same bits at any number of threads.
pub fn sum(paths: &[Paths], rule: &dyn Rule, x: &FeatureMatrix, width: usize, tables: bool, ctx: &JobCtx) -> Result<Vec<f64>> {
    let (n, m) = (x.n_rows(), x.n_features);
    let mut out = vec![0.0; n * width];
    if width == 0 || n == 0 {
        return Ok(out);
    }
    let mut plans: Vec<Plan<'_>> = paths.iter().enumerate().map(|(i, p)| Plan::new(p, i, rule, tables)).collect();
    // Trees whose tables exist together.
    let mut from = 0;
    ctx.stage("explain.stage_trees", (n * plans.len().max(1)) as u64);
    let mut done = 0;
    while from < plans.len() {
        let mut to = from;
        let mut numbers = 0;
        while to < plans.len() && (to == from || numbers + plans[to].numbers <= MOST_NUMBERS) {
            numbers += plans[to].numbers;
            to += 1;
        }
        plans[from..to].par_iter_mut().for_each(|p| p.fill(rule));
        let group = &plans[from..to];
        // Pieces between two looks at the stop button.
        for (b, batch) in out.chunks_mut(PIECE * width * 16).enumerate() {
            ctx.check()?;
            batch.par_chunks_mut(PIECE * width).enumerate().for_each_init(Work::default, |work, (i, out)| {
                let first = (b * 16 + i) * PIECE;
                let rows = out.len() / width;
                let blocks: Vec<Vec<[f64; LANES]>> = (0..rows)
                    .step_by(LANES)
                    .map(|k| {
                        let rows: Vec<&[f64]> = (first + k..first + rows.min(k + LANES)).map(|r| x.row(r)).collect();
                        let mut cells = Vec::new();
                        columns(&rows, m, &mut cells);
                        cells
                    })
                    .collect();
                for plan in group {
                    for (cells, out) in blocks.iter().zip(out.chunks_mut(LANES * width)) {
                        plan.add(rule, cells, width, work, out);
                    }
                }
            });
            done += (batch.len() / width * group.len()) as u64;
            ctx.at(done);
        }
        for plan in &mut plans[from..to] {
            plan.units.iter_mut().for_each(|u| u.table = Vec::new());
        }
        from = to;
    }
    Ok(out)
}
