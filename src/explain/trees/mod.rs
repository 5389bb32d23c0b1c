//! Trees, by patterns: which players of a leaf's path a row follows is a small number, and everything that Shapley values
//! need of the row at that leaf.
//!
//! - [`paths`]: trees taken apart into splits and leaves, and the patterns of sixteen rows at once.
//! - [`tables`]: one table per small subtree, looked up instead of computed; for shallow trees and many rows.
//! - [`gpu`]: the same tables summed on a GPU, where one is asked for or pays.
//! - [`leaf`]: what a pattern is worth: path-dependent values, values against a reference group, interactions.

pub mod gpu;
pub mod leaf;
pub mod paths;
pub mod tables;
#[cfg(test)]
mod tests;

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::fault;
use crate::ml::ensemble::TreeEnsemble;

use super::players::Players;
use super::tree_shap;
use gpu::On;
use leaf::{Against, Group, Pairs, PathDependent};
use paths::Paths;

/// The trees of one output taken apart.
fn taken_apart(e: &TreeEnsemble, output: usize, players: &Players) -> Result<Vec<Paths>> {
    let mine = (0..e.trees.len()).filter(|&t| e.trees[t].output as usize == output);
    mine.map(|t| Paths::new(e, t, &players.of).ok_or_else(|| fault!("explain.path_too_long", most = paths::MOST_PLAYERS))).collect()
}

/// Path-dependent Shapley values on the margin, `rows × players`: by tables where that pays, else by quadrature down the trees.
pub fn path_dependent(e: &TreeEnsemble, x: &FeatureMatrix, output: usize, players: &Players, ctx: &JobCtx) -> Result<Vec<f64>> {
    path_dependent_on(e, x, output, players, &On::cpu(), ctx)
}

/// The same on a device of choice.
pub fn path_dependent_on(e: &TreeEnsemble, x: &FeatureMatrix, output: usize, players: &Players, on: &On, ctx: &JobCtx) -> Result<Vec<f64>> {
    let rule = PathDependent::new(paths::MOST_PLAYERS + 1);
    let paths = taken_apart(e, output, players);
    if let Ok(paths) = &paths
        && let Some(values) = on.sum(paths, &rule, x, players.count(), ctx)?
    {
        return Ok(values);
    }
    if players.is_single() {
        return match paths.ok().filter(|p| tables::pays(p, &rule, x.n_rows())) {
            Some(paths) => tables::sum(&paths, &rule, x, players.count(), true, ctx),
            None => tree_shap::shapley_rows(e, x, output, ctx),
        };
    }
    let paths = paths?;
    let pays = tables::pays(&paths, &rule, x.n_rows());
    tables::sum(&paths, &rule, x, players.count(), pays, ctx)
}

/// Trees ready to be explained against a group.
pub struct AgainstGroup {
    paths: Vec<Paths>,
    players: usize,
    /// Where the group's rows end.
    pub group: Group,
    /// The group's mean margin.
    pub base: f64,
}

impl AgainstGroup {
    /// Runs the group through the trees of one output.
    pub fn new(e: &TreeEnsemble, output: usize, players: &Players, group: &FeatureMatrix, ctx: &JobCtx) -> Result<Self> {
        if group.n_rows() == 0 {
            return Err(fault!("explain.no_reference"));
        }
        ctx.check()?;
        let paths = taken_apart(e, output, players)?;
        let group = Group::new(&paths, group);
        let mut base = e.intercept.get(output).copied().unwrap_or(0.0);
        for (t, p) in paths.iter().enumerate() {
            base += p.leaves.iter().enumerate().map(|(l, leaf)| leaf.value * group.follows(t, l, leaf.players.len(), 0)).sum::<f64>();
        }
        Ok(Self { paths, players: players.count(), group, base })
    }

    /// Shapley values on the margin, `rows × players`.
    pub fn values(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        self.values_on(x, &On::cpu(), ctx)
    }

    /// The same on a device of choice.
    pub fn values_on(&self, x: &FeatureMatrix, on: &On, ctx: &JobCtx) -> Result<Vec<f64>> {
        let rule = Against { group: &self.group };
        if let Some(values) = on.sum(&self.paths, &rule, x, self.players, ctx)? {
            return Ok(values);
        }
        let pays = tables::pays(&self.paths, &rule, x.n_rows());
        tables::sum(&self.paths, &rule, x, self.players, pays, ctx)
    }
}

/// Interactions of every pair of players on the margin: `rows × players × players`, symmetric, the main effects on the
/// diagonal, so that a row sums to the player's Shapley value.
pub fn interactions(e: &TreeEnsemble, x: &FeatureMatrix, output: usize, players: &Players, ctx: &JobCtx) -> Result<Vec<f64>> {
    interactions_on(e, x, output, players, &On::cpu(), ctx)
}

/// The same on a device of choice.
pub fn interactions_on(e: &TreeEnsemble, x: &FeatureMatrix, output: usize, players: &Players, on: &On, ctx: &JobCtx) -> Result<Vec<f64>> {
    let m = players.count();
    let paths = taken_apart(e, output, players)?;
    let rule = Pairs::new(m, paths::MOST_PLAYERS + 1);
    let mut out = match on.sum(&paths, &rule, x, m * m, ctx)? {
        Some(values) => values,
        None => tables::sum(&paths, &rule, x, m * m, tables::pays(&paths, &rule, x.n_rows()), ctx)?,
    };
    let phi = path_dependent_on(e, x, output, players, on, ctx)?;
    for (square, phi) in out.chunks_exact_mut((m * m).max(1)).zip(phi.chunks_exact(m.max(1))) {
        for i in 0..m {
            for j in i + 1..m {
                square[j * m + i] = square[i * m + j];
            }
        }
        for i in 0..m {
            let others: f64 = (0..m).filter(|j| *j != i).map(|j| square[i * m + j]).sum();
            square[i * m + i] = phi[i] - others;
        }
    }
    Ok(out)
}
