//! A tree taken apart: its splits in preorder, its leaves with the players on their way, and, for sixteen rows at once,
//! the pattern of every node: bit k says whether the row follows all splits so far on the path's k-th player.

use crate::ml::ensemble::{Missing, Node, Test, TreeEnsemble};

use super::super::tree_shap::shares;

/// Rows worked on together.
pub const LANES: usize = 16;
/// One number per row worked on.
pub type Bits = [u64; LANES];
/// Most players on a path.
pub const MOST_PLAYERS: usize = 63;

/// A leaf and the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Its value times the tree's weight.
    pub value: f64,
    /// Distinct players on the path, in the order in which they come.
    pub players: Vec<u32>,
    /// Per player, the share of training weight that follows its splits.
    pub z: Vec<f64>,
}

/// An inner node. Children stand behind their parent.
#[derive(Clone, Debug)]
pub struct Split {
    /// What it asks for.
    pub(super) feature: usize,
    pub(super) cut: Cut,
    /// Bit of the split's player on this path.
    pub bit: u32,
    /// Whether the player comes here for the first time on the path.
    pub first: bool,
    /// Number of distinct players above.
    pub above: u32,
    /// Children: an inner node by its place, or a leaf by `!place`.
    pub left: i32,
    /// The other child.
    pub right: i32,
}

/// A comparison with what it needs only.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    /// Goes left below a threshold in f32; NaN by default.
    Less(f32, bool),
    /// Goes left up to a threshold in f64; NaN by default.
    UpTo(f64, bool),
    /// Everything else asks the node.
    Node(Box<Node>),
}

/// One tree.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Its place in the ensemble.
    pub tree: usize,
    /// Inner nodes in preorder; none for a tree of one leaf.
    pub splits: Vec<Split>,
    /// Leaves from left to right.
    pub leaves: Vec<Leaf>,
}

impl Paths {
    /// Takes a tree apart; `None` if a path has too many players for a pattern.
    pub fn new(ensemble: &TreeEnsemble, tree: usize, player_of: &[usize]) -> Option<Self> {
        let mut out = Self { tree, splits: Vec::new(), leaves: Vec::new() };
        // A node, the field of its parent that waits for its place, and the players and shares on the way to it.
        let mut todo = vec![(0usize, None::<(usize, bool)>, Vec::<u32>::new(), Vec::<f64>::new())];
        let t = &ensemble.trees[tree];
        while let Some((at, parent, players, z)) = todo.pop() {
            let place = match &t.nodes[at] {
                Node::Leaf { value, .. } => {
                    out.leaves.push(Leaf { value: value * t.weight, players, z });
                    !(out.leaves.len() as i32 - 1)
                }
                node @ Node::Split { feature, test, missing, default_left, left, right, .. } => {
                    let player = player_of[*feature as usize] as u32;
                    let known = players.iter().position(|p| *p == player);
                    let bit = known.unwrap_or(players.len());
                    if bit >= MOST_PLAYERS {
                        return None;
                    }
                    let cut = match (test, missing) {
                        (Test::LessF32(t), Missing::Nan) => Cut::Less(*t as f32, *default_left),
                        (Test::LessEqual(t), Missing::Nan) => Cut::UpTo(*t, *default_left),
                        _ => Cut::Node(Box::new(node.clone())),
                    };
                    let here = out.splits.len();
                    let above = players.len() as u32;
                    let feature = *feature as usize;
                    out.splits.push(Split { feature, cut, bit: bit as u32, first: known.is_none(), above, left: 0, right: 0 });
                    let (zl, zr) = shares(t.nodes[*left as usize].cover(), t.nodes[*right as usize].cover());
                    for (child, share, is_left) in [(*right, zr, false), (*left, zl, true)] {
                        let (mut players, mut z) = (players.clone(), z.clone());
                        if known.is_none() {
                            players.push(player);
                            z.push(share);
                        } else {
                            z[bit] *= share;
                        }
                        todo.push((child as usize, Some((here, is_left)), players, z));
                    }
                    here as i32
                }
            };
            if let Some((p, is_left)) = parent {
                *(if is_left { &mut out.splits[p].left } else { &mut out.splits[p].right }) = place;
            }
        }
        Some(out)
    }

    /// Whether each row goes left at each split: 1 or 0. `columns` holds the rows' values feature by feature.
    pub fn turns(&self, columns: &[[f64; LANES]], out: &mut Vec<Bits>) {
        out.clear();
        out.extend(self.splits.iter().map(|s| {
            let v = &columns[s.feature];
            match &s.cut {
                Cut::Less(t, to_left) => v.map(|v| u64::from(((v as f32) < *t) | (v.is_nan() & to_left))),
                Cut::UpTo(t, to_left) => v.map(|v| u64::from((v <= *t) | (v.is_nan() & to_left))),
                Cut::Node(node) => v.map(|v| u64::from(node.goes_left(v))),
            }
        }));
    }

    /// A child's pattern from its parent's: `goes` says whether the rows go there.
    #[inline]
    pub fn follow(split: &Split, parent: &Bits, goes: &Bits) -> Bits {
        let mut out = *parent;
        if split.first {
            for (o, g) in out.iter_mut().zip(goes) {
                *o |= g << split.bit;
            }
        } else {
            for (o, g) in out.iter_mut().zip(goes) {
                *o &= !((1 - g) << split.bit);
            }
        }
        out
    }

    /// Patterns of all leaves: `leaf(place, patterns)`, from the turns of the rows.
    pub fn patterns(&self, turns: &[Bits], work: &mut Vec<Bits>, mut leaf: impl FnMut(usize, &Bits)) {
        if self.splits.is_empty() {
            leaf(0, &[0; LANES]);
            return;
        }
        work.clear();
        work.resize(self.splits.len(), [0; LANES]);
        for (i, split) in self.splits.iter().enumerate() {
            let (parent, right) = (work[i], turns[i].map(|g| 1 - g));
            for (child, goes) in [(split.left, &turns[i]), (split.right, &right)] {
                let pattern = Self::follow(split, &parent, goes);
                if child < 0 {
                    leaf(!child as usize, &pattern);
                } else {
                    work[child as usize] = pattern;
                }
            }
        }
    }
}

/// The values of up to sixteen rows, feature by feature; idle lanes repeat the first row.
pub fn columns(rows: &[&[f64]], features: usize, out: &mut Vec<[f64; LANES]>) {
    out.clear();
    out.extend((0..features).map(|f| std::array::from_fn(|l| rows[if l < rows.len() { l } else { 0 }][f])));
}
