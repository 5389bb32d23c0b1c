//! Which leaf every row stands in, in every tree: what a change of some features then makes of it is looked up for most rows
//! and walked only from where the change parts the ways.

use rayon::prelude::*;

use super::{BLOCK, Coding, LANES, Predictor, Step, Walk};
use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::standing::Changed;

/// Bytes that the leaves of all rows may take: a million rows in 500 trees.
const MOST: usize = 512 << 20;
/// Most leaves of a tree.
const NARROW: usize = 256;
/// Start of a row whose way the change does not part.
const STAYS: u32 = u32::MAX;

/// Codes of all rows, and their leaves.
pub(in crate::ml) struct Leaves {
    /// `rows × features`.
    codes: Vec<u16>,
    /// Per block of rows one tree after the other, with `BLOCK` places each: the number of the leaf.
    leaves: Vec<u8>,
    /// Per tree the step of each leaf.
    steps: Vec<Vec<u32>>,
}

/// What a feature becomes.
enum Moved {
    /// The same code for every row.
    To(u16),
    /// A code for each row.
    Each(Vec<u16>),
}

/// A row on its way.
#[derive(Clone, Copy)]
struct Walker {
    row: u32,
    at: u32,
}

/// Where rows whose way is parted walk on, by the number of the leaf they stand in.
struct Parting {
    tree: usize,
    starts: [u32; NARROW],
    /// Most steps from a start to a leaf.
    depth: usize,
}

impl Predictor {
    /// Adds the trees' values to `out` like [`Predictor::add_to`] and says where each row stands; `None` where that takes too
    /// much memory (`out` is then as it was).
    pub(in crate::ml) fn stand(&self, x: &FeatureMatrix, out: &mut [f64], ctx: &JobCtx) -> Result<Option<Leaves>> {
        let (k, n, trees) = (self.outputs, x.n_features, self.trees.len());
        let blocks = x.n_rows().div_ceil(BLOCK);
        let steps: Vec<Vec<u32>> = (0..trees).map(|t| self.leaf_steps(t)).collect();
        if n == 0 || trees == 0 || blocks * trees * BLOCK > MOST || steps.iter().any(|s| s.len() > NARROW) {
            return Ok(None);
        }
        let mut number = vec![0u8; self.steps.len()];
        for tree in &steps {
            tree.iter().enumerate().for_each(|(i, step)| number[*step as usize] = i as u8);
        }
        let mut found = Leaves { codes: vec![0; x.n_rows() * n], leaves: vec![0; blocks * trees * BLOCK], steps };
        let parts =
            out.par_chunks_mut(BLOCK * k).zip(found.codes.par_chunks_mut(BLOCK * n)).zip(found.leaves.par_chunks_mut(BLOCK * trees));
        parts.enumerate().try_for_each(|(b, ((out, codes), leaves))| -> Result<()> {
            if b % 64 == 0 {
                ctx.check()?;
            }
            codes.copy_from_slice(&self.codes(x, b * BLOCK, b * BLOCK + out.len() / k));
            for (tree, leaves) in self.trees.iter().zip(leaves.chunks_exact_mut(BLOCK)) {
                let hit = |row: usize, leaf: usize| {
                    out[row * k + tree.output] += self.values[leaf];
                    leaves[row] = number[leaf];
                };
                if self.wide { self.walk::<true>(tree, codes, n, hit) } else { self.walk::<false>(tree, codes, n, hit) }
            }
            Ok(())
        })?;
        Ok(Some(found))
    }

    /// Adds to `out` (`rows × outputs`) what the change adds for some rows.
    pub(in crate::ml) fn move_from(
        &self,
        stand: &Leaves,
        rows: &[usize],
        changed: &[Changed],
        out: &mut [f64],
        ctx: &JobCtx,
    ) -> Result<()> {
        let (n, k) = (self.coding.len(), self.outputs);
        let mut moved: Vec<Option<Moved>> = (0..n).map(|_| None).collect();
        for c in changed.iter().filter(|c| !matches!(self.coding[c.feature], Coding::Unused)) {
            let first = c.values.first().copied().unwrap_or_default().to_bits();
            moved[c.feature] = Some(if c.values.par_iter().all(|v| v.to_bits() == first) {
                Moved::To(self.code(c.feature, f64::from_bits(first)))
            } else {
                Moved::Each(c.values.par_iter().map(|v| self.code(c.feature, *v)).collect())
            });
        }
        let partings: Vec<Parting> = (0..self.trees.len()).filter_map(|t| self.parting(t, stand, &moved)).collect();
        let sets: Vec<(usize, &Moved)> = moved.iter().enumerate().filter_map(|(j, m)| Some((j, m.as_ref()?))).collect();
        if partings.is_empty() {
            return Ok(());
        }
        let trees = self.trees.len();
        out.par_chunks_mut(BLOCK * k).zip(rows.par_chunks(BLOCK)).enumerate().try_for_each(|(b, (out, rows))| {
            if b % 64 == 0 {
                ctx.check()?;
            }
            let mut codes: Vec<u16> = Vec::with_capacity(rows.len() * n);
            rows.iter().for_each(|r| codes.extend_from_slice(&stand.codes[r * n..(r + 1) * n]));
            for (j, set) in &sets {
                for i in 0..rows.len() {
                    codes[i * n + j] = match set {
                        Moved::To(code) => *code,
                        Moved::Each(all) => all[b * BLOCK + i],
                    };
                }
            }
            let places: Vec<usize> = rows.iter().map(|r| r / BLOCK * BLOCK * trees + r % BLOCK).collect();
            // A whole block's leaves stand side by side.
            let whole = rows.len() == BLOCK && rows[0] % BLOCK == 0 && rows[BLOCK - 1] == rows[0] + BLOCK - 1;
            let mut gathered = [0u8; BLOCK];
            let mut walkers = [Walker { row: 0, at: 0 }; BLOCK + LANES];
            for parting in &partings {
                let leaves = &stand.leaves[parting.tree * BLOCK..];
                let leaves = if whole {
                    &leaves[places[0]..places[0] + BLOCK]
                } else {
                    gathered.iter_mut().zip(&places).for_each(|(l, place)| *l = leaves[*place]);
                    &gathered[..rows.len()]
                };
                // Rows whose way is parted, side by side, without a branch.
                let mut parted = 0;
                for (i, leaf) in leaves.iter().enumerate() {
                    let at = parting.starts[usize::from(*leaf)];
                    walkers[parted] = Walker { row: i as u32, at };
                    parted += usize::from(at != STAYS);
                }
                // A short last group repeats its first row in the idle lanes.
                let full = parted.next_multiple_of(LANES);
                let first = walkers[full.saturating_sub(LANES)];
                walkers[parted..full].fill(first);
                for group in walkers[..full].chunks_exact_mut(LANES) {
                    self.walk_on(group, parting.depth, &codes, n);
                }
                let (output, steps) = (self.trees[parting.tree].output, &stand.steps[parting.tree]);
                for Walker { row, at } in &walkers[..parted] {
                    let was = steps[usize::from(leaves[*row as usize])];
                    out[*row as usize * k + output] += self.values[*at as usize] - self.values[was as usize];
                }
            }
            Ok(())
        })
    }

    #[inline]
    fn walk_on(&self, group: &mut [Walker], depth: usize, codes: &[u16], n: usize) {
        for _ in 0..depth {
            for w in &mut *group {
                let step = &self.steps[w.at as usize];
                w.at = self.goes(step, codes[w.row as usize * n + step.feature as usize]);
            }
        }
    }

    #[inline]
    fn goes(&self, step: &Step, code: u16) -> u32 {
        step.next + if self.wide { self.goes_right::<true>(step, code) } else { self.goes_right::<false>(step, code) }
    }

    /// The steps of a tree.
    fn span(&self, tree: usize) -> std::ops::Range<usize> {
        self.trees[tree].from..self.trees.get(tree + 1).map_or(self.steps.len(), |next: &Walk| next.from)
    }

    /// A leaf leads to itself.
    fn is_leaf(&self, step: usize) -> bool {
        self.steps[step].next as usize == step
    }

    fn leaf_steps(&self, tree: usize) -> Vec<u32> {
        self.span(tree).filter(|s| self.is_leaf(*s)).map(|s| s as u32).collect()
    }

    /// Where the change parts the ways in a tree; `None` if nowhere.
    fn parting(&self, tree: usize, stand: &Leaves, moved: &[Option<Moved>]) -> Option<Parting> {
        let span = self.span(tree);
        let asks = |s: usize| moved[self.steps[s].feature as usize].as_ref().filter(|_| !self.is_leaf(s));
        if !span.clone().any(|s| asks(s).is_some()) {
            return None;
        }
        let goes = |s: usize, code: u16| self.goes(&self.steps[s], code) as usize;
        // Children stand behind their parents: heights from the back, starts from the front.
        let mut height = vec![0; span.len()];
        for s in span.clone().rev().filter(|s| !self.is_leaf(*s)) {
            let next = self.steps[s].next as usize - span.start;
            height[s - span.start] = 1 + height[next].max(height[next + 1]);
        }
        let mut starts = vec![STAYS; span.len()];
        for s in span.clone().filter(|s| !self.is_leaf(*s)) {
            let (here, next) = (starts[s - span.start], self.steps[s].next as usize);
            for child in [next, next + 1] {
                starts[child - span.start] = match asks(s) {
                    _ if here != STAYS => here,
                    Some(Moved::To(code)) if goes(s, *code) != child => {
                        // The way that the new value takes, as far as it is the same for every row.
                        let mut to = goes(s, *code);
                        while let Some(Moved::To(code)) = asks(to) {
                            to = goes(to, *code);
                        }
                        to as u32
                    }
                    Some(Moved::Each(_)) => s as u32,
                    _ => STAYS,
                };
            }
        }
        let mut of_leaf = [STAYS; NARROW];
        of_leaf.iter_mut().zip(&stand.steps[tree]).for_each(|(start, s)| *start = starts[*s as usize - span.start]);
        let depth = of_leaf.iter().filter(|s| **s != STAYS).map(|s| height[*s as usize - span.start]).max()?;
        Some(Parting { tree, starts: of_leaf, depth })
    }
}
