//! Exact path-dependent Shapley values of trees, on the margin.
//!
//! On the way from the root to a leaf of value v every distinct feature k has a pair: o = 1 if the row follows all splits
//! on k along the path, else 0, and z = the product of the cover ratios of those splits. The leaf's game is
//! v · Π (k known ? o : z), and its Shapley values are φ_j = v ∫₀¹ (o_j − z_j) Π_{k≠j} (z_k + t (o_k − z_k)) dt. With d
//! features the integrand is a polynomial of degree d − 1, so ⌈d/2⌉ Gauss–Legendre nodes give it exactly: no path is
//! ever unwound. Products run down the tree, sums over leaves run up, one pass each, for [`LANES`] rows at a time.

use rayon::prelude::*;

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::ensemble::{Node, TreeEnsemble};

/// Rows worked on together.
pub const LANES: usize = 16;
type Lanes = [f64; LANES];

/// Nodes and weights of the n-point Gauss–Legendre rule on [0, 1].
pub fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let n = n.max(1);
    let size = n as f64;
    let mut rule = vec![(0.5, 1.0); n];
    for i in 0..n.div_ceil(2) {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (size + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            let (mut p, mut before) = (1.0, 0.0);
            for k in 1..=n {
                let k = k as f64;
                (p, before) = (((2.0 * k - 1.0) * x * p - (k - 1.0) * before) / k, p);
            }
            slope = size * (x * p - before) / (x * x - 1.0);
            let step = p / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        let weight = 1.0 / ((1.0 - x * x) * slope * slope);
        rule[i] = ((1.0 - x) / 2.0, weight);
        rule[n - 1 - i] = ((1.0 + x) / 2.0, weight);
    }
    rule
}

/// Shares of a split's training weight that went left and right; half and half where none passed.
pub(crate) fn shares(left: f64, right: f64) -> (f64, f64) {
    let (left, right) = (left.max(0.0), right.max(0.0));
    let all = left + right;
    if all > 0.0 && all.is_finite() { (left / all, right / all) } else { (0.5, 0.5) }
}

/// One edge of a tree, from a split to its child, with everything that does not depend on the row.
struct Edge {
    /// Position of the parent among the edges, or `NONE` under the root.
    parent: u32,
    /// The edge above on the path that splits on the same feature, or `NONE`.
    same: u32,
    /// Which split decides; its right edge stands at an even place, its left edge behind it.
    split: u32,
    feature: u32,
    /// Weighted value of the leaf below, or NaN for an inner child.
    leaf: f64,
    /// Product of the shares of this feature's splits up to here.
    z: f64,
}

const NONE: u32 = u32::MAX;
const ONES: Lanes = [1.0; LANES];

/// Per quadrature node of an edge: factors of the path product and terms of the attribution.
#[derive(Clone, Copy)]
struct Terms {
    /// Path product's factor when the row follows; when it left the path here; when it had left it before.
    follows: f64,
    leaves: f64,
    left: f64,
    /// d ln(z + t(o − z)) / dt for o = 1 here and for o = 1 at the `same` edge.
    now: f64,
    before: f64,
}

/// A tree without what depends on the row; a tree of one leaf has no edges and attributes nothing.
struct Compiled {
    tree: usize,
    edges: Vec<Edge>,
    nodes: usize,
    /// `edges × nodes`.
    terms: Vec<Terms>,
    /// Per node: weight and −1/(1 − t).
    rule: Vec<(f64, f64)>,
}

impl Compiled {
    fn new(ensemble: &TreeEnsemble, at: usize) -> Self {
        let tree = &ensemble.trees[at];
        let mut edges: Vec<Edge> = Vec::new();
        let mut most = 1;
        // Preorder, so that parents stand before their children.
        let mut todo = vec![(0usize, NONE, 0usize)];
        while let Some((node, above, distinct)) = todo.pop() {
            let Some(Node::Split { feature, left, right, .. }) = tree.nodes.get(node) else { continue };
            let (zl, zr) = shares(tree.nodes[*left as usize].cover(), tree.nodes[*right as usize].cover());
            let mut same = above;
            while same != NONE && edges[same as usize].feature != *feature {
                same = edges[same as usize].parent;
            }
            let distinct = distinct + usize::from(same == NONE);
            most = most.max(distinct);
            let z = if same == NONE { 1.0 } else { edges[same as usize].z };
            for (child, share) in [(*right, zr), (*left, zl)] {
                let leaf = match &tree.nodes[child as usize] {
                    Node::Leaf { value, .. } => value * tree.weight,
                    Node::Split { .. } => f64::NAN,
                };
                let id = edges.len() as u32;
                edges.push(Edge { parent: above, same, split: node as u32, feature: *feature, leaf, z: z * share });
                todo.push((child as usize, id, distinct));
            }
        }
        let rule = gauss_legendre(most.div_ceil(2));
        let mut terms = Vec::with_capacity(edges.len() * rule.len());
        for e in &edges {
            let z0 = if e.same == NONE { 1.0 } else { edges[e.same as usize].z };
            let share = if z0 > 0.0 { e.z / z0 } else { 0.0 };
            for &(t, _) in &rule {
                let (was, is) = (z0 + t * (1.0 - z0), e.z + t * (1.0 - e.z));
                let before = if e.same == NONE { 0.0 } else { (1.0 - z0) / was };
                terms.push(Terms { follows: is / was, leaves: e.z * (1.0 - t) / was, left: share, now: (1.0 - e.z) / is, before });
            }
        }
        let nodes = rule.len();
        Self { tree: at, edges, nodes, terms, rule: rule.iter().map(|&(t, w)| (w, -1.0 / (1.0 - t))).collect() }
    }

    /// Adds this tree's attributions of up to [`LANES`] rows to `phi` (`features × lanes`).
    fn add(&self, ensemble: &TreeEnsemble, rows: &[&[f64]], work: &mut Work, phi: &mut [Lanes]) {
        // The count of nodes as a constant where it is small: the loops then unroll.
        match self.nodes {
            1 => self.add_with::<1>(ensemble, rows, work, phi),
            2 => self.add_with::<2>(ensemble, rows, work, phi),
            3 => self.add_with::<3>(ensemble, rows, work, phi),
            4 => self.add_with::<4>(ensemble, rows, work, phi),
            _ => self.add_with::<0>(ensemble, rows, work, phi),
        }
    }

    fn add_with<const N: usize>(&self, ensemble: &TreeEnsemble, rows: &[&[f64]], work: &mut Work, phi: &mut [Lanes]) {
        let n = if N == 0 { self.nodes } else { N };
        let tree = &ensemble.trees[self.tree];
        work.on.resize(self.edges.len(), [0.0; LANES]);
        work.product.resize(self.edges.len() * n, [0.0; LANES]);
        work.sum.clear();
        work.sum.resize(self.edges.len() * n, [0.0; LANES]);
        // Down, the two edges of a split together: does the row follow, and the path's product at every node of the rule.
        for (pair, e) in self.edges.iter().step_by(2).enumerate() {
            let split = &tree.nodes[e.split as usize];
            let first = e.same == NONE;
            let before = if first { [1.0; LANES] } else { work.on[e.same as usize] };
            let (mut right, mut left) = ([0.0; LANES], [0.0; LANES]);
            for (lane, row) in rows.iter().enumerate() {
                let to_left = split.goes_left(row[e.feature as usize]);
                (left[lane], right[lane]) = if to_left { (before[lane], 0.0) } else { (0.0, before[lane]) };
            }
            for (i, on) in [(2 * pair, right), (2 * pair + 1, left)] {
                work.on[i] = on;
                let leaf = self.edges[i].leaf;
                let (done, rest) = work.product.split_at_mut(i * n);
                let terms = &self.terms[i * n..i * n + n];
                for q in 0..n {
                    let above = if e.parent == NONE { &ONES } else { &done[e.parent as usize * n + q] };
                    let terms = &terms[q];
                    let product = &mut rest[q];
                    if first {
                        for lane in 0..LANES {
                            product[lane] = above[lane] * (terms.leaves + on[lane] * (terms.follows - terms.leaves));
                        }
                    } else {
                        for lane in 0..LANES {
                            let gone = (before[lane] - on[lane]) * terms.leaves + (1.0 - before[lane]) * terms.left;
                            product[lane] = above[lane] * (on[lane] * terms.follows + gone);
                        }
                    }
                    if !leaf.is_nan() {
                        let scale = self.rule[q].0 * leaf;
                        work.sum[i * n + q] = product.map(|p| p * scale);
                    }
                }
            }
        }
        // Up: what hangs below every edge, and what its feature takes of it.
        for (i, e) in self.edges.iter().enumerate().rev() {
            let on = work.on[i];
            let phi = &mut phi[e.feature as usize];
            let terms = &self.terms[i * n..i * n + n];
            let (above, sums) = work.sum.split_at_mut(i * n);
            let mut take = [0.0; LANES];
            for q in 0..n {
                let (now, off, sum) = (terms[q].now, self.rule[q].1, &sums[q]);
                for lane in 0..LANES {
                    take[lane] += (off + on[lane] * (now - off)) * sum[lane];
                }
            }
            if e.same != NONE {
                // What the feature took before, without this split, is given back.
                let before = work.on[e.same as usize];
                for q in 0..n {
                    let (then, off, sum) = (terms[q].before, self.rule[q].1, &sums[q]);
                    for lane in 0..LANES {
                        take[lane] -= (off + before[lane] * (then - off)) * sum[lane];
                    }
                }
            }
            for lane in 0..LANES {
                phi[lane] += take[lane];
            }
            if e.parent != NONE {
                for (above, sum) in above[e.parent as usize * n..][..n].iter_mut().zip(sums.iter()) {
                    for lane in 0..LANES {
                        above[lane] += sum[lane];
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Work {
    on: Vec<Lanes>,
    product: Vec<Lanes>,
    sum: Vec<Lanes>,
}

/// The trees of one output, prepared once for many rows.
pub struct Prepared<'a> {
    ensemble: &'a TreeEnsemble,
    trees: Vec<Compiled>,
}

impl<'a> Prepared<'a> {
    /// Prepares the trees of one output.
    pub fn new(ensemble: &'a TreeEnsemble, output: usize) -> Self {
        let of_output = (0..ensemble.trees.len()).filter(|&t| ensemble.trees[t].output as usize == output);
        Self { ensemble, trees: of_output.map(|t| Compiled::new(ensemble, t)).collect() }
    }

    /// Attributions of a few rows (`rows × features`, row-major), written to `out`.
    fn rows(&self, rows: &[&[f64]], work: &mut Work, out: &mut [f64]) {
        let m = self.ensemble.n_features;
        for (rows, out) in rows.chunks(LANES).zip(out.chunks_mut(LANES * m.max(1))) {
            let mut phi = vec![[0.0; LANES]; m];
            for tree in &self.trees {
                tree.add(self.ensemble, rows, work, &mut phi);
            }
            for (lane, out) in out.chunks_mut(m.max(1)).enumerate() {
                for (o, phi) in out.iter_mut().zip(&phi) {
                    *o = phi[lane];
                }
            }
        }
    }
}

/// Shapley values of one row for one output, on the margin; they sum to margin − [`base`].
pub fn shapley(ensemble: &TreeEnsemble, row: &[f64], output: usize) -> Vec<f64> {
    let mut out = vec![0.0; ensemble.n_features];
    Prepared::new(ensemble, output).rows(&[row], &mut Work::default(), &mut out);
    out
}

/// Expected margin of an output where nothing is known: the cover-weighted mean of every tree, plus the intercept.
pub fn base(ensemble: &TreeEnsemble, output: usize) -> f64 {
    let mut sum = ensemble.intercept.get(output).copied().unwrap_or(0.0);
    for tree in ensemble.trees.iter().filter(|t| t.output as usize == output) {
        let mut todo = vec![(0usize, 1.0)];
        let mut mean = 0.0;
        while let Some((at, reach)) = todo.pop() {
            match tree.nodes.get(at) {
                Some(Node::Leaf { value, .. }) => mean += reach * value,
                Some(Node::Split { left, right, .. }) => {
                    let (zl, zr) = shares(tree.nodes[*left as usize].cover(), tree.nodes[*right as usize].cover());
                    todo.extend([(*right as usize, reach * zr), (*left as usize, reach * zl)]);
                }
                None => {}
            }
        }
        sum += tree.weight * mean;
    }
    sum
}

/// Shapley values of many rows (`rows × features`): the same bits at any number of threads.
pub fn shapley_rows(ensemble: &TreeEnsemble, x: &FeatureMatrix, output: usize, ctx: &JobCtx) -> Result<Vec<f64>> {
    /// Rows per piece of work, and pieces between two looks at the stop button.
    const PIECE: usize = 4 * LANES;
    const PIECES: usize = 32;
    let (rows, m) = (x.n_rows(), x.n_features);
    let prepared = Prepared::new(ensemble, output);
    let mut out = vec![0.0; rows * m];
    ctx.stage("explain.stage_trees", rows as u64);
    let mut done = 0;
    for batch in out.chunks_mut(PIECE * PIECES * m.max(1)) {
        ctx.check()?;
        let first = done;
        done += batch.len() / m.max(1);
        batch.par_chunks_mut(PIECE * m.max(1)).enumerate().for_each_init(Work::default, |work, (i, out)| {
            let from = first + i * PIECE;
            let rows: Vec<&[f64]> = (from..from + out.len() / m.max(1)).map(|r| x.row(r)).collect();
            prepared.rows(&rows, work, out);
        });
        ctx.at(done as u64);
    }
    Ok(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::rng::{self, Rng};
    use crate::ml::ensemble::{Link, Missing, Test, Tree};

    /// A random tree; features repeat, some values are missing, some splits are sets, some covers are zero.
    pub fn random_tree(rng: &mut Rng, features: usize, depth: usize, output: u32) -> Tree {
        fn grow(rng: &mut Rng, nodes: &mut Vec<Node>, features: usize, depth: usize, cover: f64) -> u32 {
            let at = nodes.len();
            nodes.push(Node::Leaf { value: rng::normal(rng), cover });
            if depth > 0 && rng::unit(rng) < 0.9 {
                let share = if rng::unit(rng) < 0.08 { 0.0 } else { rng::unit(rng) };
                let left = grow(rng, nodes, features, depth - 1, cover * share);
                let right = grow(rng, nodes, features, depth - 1, cover * (1.0 - share));
                let feature = rng::below(rng, features) as u32;
                let test = match rng::below(rng, 3) {
                    0 => Test::LessF32(rng::unit(rng) * 4.0),
                    1 => Test::LessEqual(rng::below(rng, 4) as f64),
                    _ => Test::In(vec![rng::below(rng, 16) as u64]),
                };
                let missing = [Missing::Nan, Missing::Zero, Missing::None][rng::below(rng, 3)];
                let default_left = rng::unit(rng) < 0.5;
                nodes[at] = Node::Split { feature, test, missing, default_left, left, right, cover };
            }
            at as u32
        }
        let mut nodes = Vec::new();
        grow(rng, &mut nodes, features, depth, 100.0);
        Tree { nodes, output, weight: 0.5 + rng::unit(rng) }
    }

    pub fn random_ensemble(seed: u64, features: usize, trees: usize, depth: usize, outputs: usize) -> TreeEnsemble {
        let mut rng = rng::rng(seed, "trees");
        let trees = (0..trees).map(|i| random_tree(&mut rng, features, depth, (i % outputs) as u32)).collect();
        let intercept = (0..outputs).map(|_| rng::normal(&mut rng)).collect();
        TreeEnsemble { n_features: features, n_outputs: outputs, intercept, link: Link::Logit, trees }
    }

    pub fn random_row(rng: &mut Rng, features: usize) -> Vec<f64> {
        let cell = |rng: &mut Rng| match rng::below(rng, 8) {
            0 => f64::NAN,
            1 => 0.0,
            2 => -1.0,
            _ => rng::below(rng, 5) as f64,
        };
        (0..features).map(|_| cell(rng)).collect()
    }

    /// m(S) straight from its definition.
    pub fn game(e: &TreeEnsemble, row: &[f64], output: usize, known: usize) -> f64 {
        fn walk(tree: &Tree, at: usize, row: &[f64], known: usize) -> f64 {
            match &tree.nodes[at] {
                Node::Leaf { value, .. } => *value,
                node @ Node::Split { feature, left, right, .. } => {
                    if known >> feature & 1 == 1 {
                        return walk(tree, if node.goes_left(row[*feature as usize]) { *left } else { *right } as usize, row, known);
                    }
                    let (l, r) = shares(tree.nodes[*left as usize].cover(), tree.nodes[*right as usize].cover());
                    l * walk(tree, *left as usize, row, known) + r * walk(tree, *right as usize, row, known)
                }
            }
        }
        let trees = e.trees.iter().filter(|t| t.output as usize == output);
        e.intercept[output] + trees.map(|t| t.weight * walk(t, 0, row, known)).sum::<f64>()
    }

    /// Shapley values straight from their definition.
    pub fn brute(m: usize, v: impl Fn(usize) -> f64) -> Vec<f64> {
        let table: Vec<f64> = (0..1 << m).map(v).collect();
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let weight = |s: usize| factorial(s) * factorial(m - s - 1) / factorial(m);
        let term = |j: usize, s: usize| weight(s.count_ones() as usize) * (table[s | 1 << j] - table[s]);
        (0..m).map(|j| (0..1 << m).filter(|s| s >> j & 1 == 0).map(|s| term(j, s)).sum()).collect()
    }

    fn split(feature: u32, left: u32, right: u32, cover: f64) -> Node {
        Node::Split { feature, test: Test::LessEqual(0.5), missing: Missing::Nan, default_left: true, left, right, cover }
    }
    fn leaf(value: f64, cover: f64) -> Node {
        Node::Leaf { value, cover }
    }
    fn one(trees: Vec<Tree>, features: usize) -> TreeEnsemble {
        TreeEnsemble { n_features: features, n_outputs: 1, intercept: vec![0.0], link: Link::Identity, trees }
    }
    fn hand(value: f64) -> TreeEnsemble {
        let nodes = vec![split(1, 1, 2, 4.0), leaf(0.0, 2.0), split(0, 3, 4, 2.0), leaf(0.0, 1.0), leaf(value, 1.0)];
        one(vec![Tree { nodes, output: 0, weight: 1.0 }], 2)
    }
    fn near(a: &[f64], b: &[f64], within: f64) {
        assert_eq!(a.len(), b.len());
        for (x, y) in a.iter().zip(b) {
            assert!((x - y).abs() <= within, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_rule_integrates_polynomials() {
        for n in 1..40 {
            for power in 0..2 * n as i32 {
                let sum: f64 = gauss_legendre(n).iter().map(|(t, w)| w * t.powi(power)).sum();
                assert!((sum - 1.0 / f64::from(power + 1)).abs() < 1e-14, "{n} {power}");
            }
        }
    }

    #[test]
    fn values_by_hand() {
        near(&shapley(&hand(1.0), &[1.0, 1.0], 0), &[0.375, 0.375], 1e-15);
        assert_eq!(base(&hand(1.0), 0), 0.25);
        let rows = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
        let expected = [[-10.0, -10.0], [-30.0, 10.0], [10.0, -30.0], [30.0, 30.0]];
        for (row, expected) in rows.iter().zip(&expected) {
            near(&shapley(&hand(80.0), row, 0), expected, 1e-13);
        }
    }

    #[test]
    fn all_subsets_agree() {
        for seed in 0..60 {
            let features = 1 + seed as usize % 8;
            let e = random_ensemble(seed, features, 6, 1 + seed as usize % 9, 1 + seed as usize % 2);
            let mut rng = rng::rng(seed, "rows");
            for _ in 0..4 {
                let row = random_row(&mut rng, features);
                for output in 0..e.n_outputs {
                    let phi = shapley(&e, &row, output);
                    near(&phi, &brute(features, |s| game(&e, &row, output, s)), 1e-9);
                    let sum = base(&e, output) + phi.iter().sum::<f64>();
                    assert!((sum - e.margins(&row)[output]).abs() < 1e-9);
                    assert!((base(&e, output) - game(&e, &row, output, 0)).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn dummies_twins_and_sums() {
        let mut a = random_ensemble(3, 5, 4, 5, 1);
        a.n_features = 6;
        let mut b = random_ensemble(4, 5, 4, 5, 1);
        b.n_features = 6;
        let both = one(a.trees.iter().chain(&b.trees).cloned().collect(), 6);
        let row = [1.0, 3.0, f64::NAN, 2.0, 0.0, 7.0];
        let (pa, pb) = (shapley(&a, &row, 0), shapley(&b, &row, 0));
        assert_eq!(pa[5].to_bits(), 0.0f64.to_bits());
        near(&shapley(&both, &row, 0), &pa.iter().zip(&pb).map(|(x, y)| x + y).collect::<Vec<_>>(), 1e-12);
        let twins = shapley(&hand(80.0), &[1.0, 1.0], 0);
        assert!((twins[0] - twins[1]).abs() < 1e-13);
        let stump = one(vec![Tree { nodes: vec![leaf(3.0, 5.0)], output: 0, weight: 2.0 }], 6);
        assert_eq!((shapley(&stump, &row, 0), base(&stump, 0)), (vec![0.0; 6], 6.0));
    }

    #[test]
    fn deep_trees_still_add_up() {
        // A chain of 60 splits on 60 features.
        let mut nodes = Vec::new();
        for i in 0..60u32 {
            nodes.push(split(i, 2 * i + 1, 2 * i + 2, f64::from(61 - i)));
            nodes.push(leaf(f64::from(i % 7), 1.0));
        }
        nodes.push(leaf(9.0, 1.0));
        let e = one(vec![Tree { nodes, output: 0, weight: 1.0 }], 60);
        for row in [vec![1.0; 60], (0..60).map(|i| f64::from(u8::from(i != 40))).collect()] {
            let phi = shapley(&e, &row, 0);
            assert!((base(&e, 0) + phi.iter().sum::<f64>() - e.margins(&row)[0]).abs() < 1e-10);
        }
    }

    #[test]
    fn the_same_bits_at_any_number_of_threads() {
        let e = random_ensemble(9, 7, 10, 6, 1);
        let mut rng = rng::rng(9, "rows");
        let rows: Vec<Vec<f64>> = (0..333).map(|_| random_row(&mut rng, 7)).collect();
        let x = FeatureMatrix { n_features: 7, values: rows.concat() };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let values = pool.install(|| shapley_rows(&e, &x, 0, &JobCtx::quiet())).unwrap();
            values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let single: Vec<u64> = rows.iter().flat_map(|r| shapley(&e, r, 0)).map(f64::to_bits).collect();
        assert!(run(1) == run(2) && run(2) == single);
    }

    #[test]
    fn stops_when_asked() {
        let ctx = JobCtx::quiet();
        ctx.token().cancel();
        let e = random_ensemble(9, 3, 2, 3, 1);
        let x = FeatureMatrix { n_features: 3, values: vec![1.0; 30] };
        assert!(shapley_rows(&e, &x, 0, &ctx).is_err_and(|f| f.is_cancelled()));
    }
}
