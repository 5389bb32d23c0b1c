//! Any model as a game: what it predicts on average when some players keep the row's values and the others take those of
//! the reference group, row by row of the group. Needs nothing of the model but its predictions.

use crate::base::{JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::fault;
use crate::ml::Model;
use crate::ml::model::Scale;

use super::players::Players;

/// Rows predicted in one call.
const CALL: usize = 16_384;

/// Says how many predictions of a stage are made.
pub struct Meter<'a> {
    /// Where to say it.
    pub ctx: &'a JobCtx,
    /// Predictions made, or spared, before this row.
    pub before: u64,
}

impl Meter<'_> {
    /// So many predictions for this row by now.
    pub fn at(&self, calls: usize) {
        self.ctx.at(self.before + calls as u64);
    }
}

/// The game of one model, outcome and scale against a group.
#[derive(Clone, Copy)]
pub struct Game<'a> {
    /// The model.
    pub model: &'a dyn Model,
    /// The group.
    pub reference: &'a FeatureMatrix,
    /// Who plays.
    pub players: &'a Players,
    /// Which outcome.
    pub outcome: usize,
    /// On which scale.
    pub scale: Scale,
    /// A model of a single number that is taken off what the model says; then the game is about what that one misses.
    pub less: Option<&'a dyn Model>,
}

impl Game<'_> {
    /// Outputs of rows on the game's scale.
    pub fn outputs(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        let all = if self.scale == Scale::Margin { self.model.margins(x, ctx)? } else { self.model.predict(x, ctx)? };
        let k = self.model.card().outcomes.len();
        let mut out: Vec<f64> = all.into_iter().skip(self.outcome).step_by(k.max(1)).collect();
        if let Some(less) = self.less {
            out.iter_mut().zip(less.margins(x, ctx)?).for_each(|(v, l)| *v -= l);
        }
        Ok(out)
    }

    /// A row with some players kept and the others from one row of the group, written to `out`.
    pub fn mix(&self, row: &[f64], theirs: usize, known: impl Fn(usize) -> bool, out: &mut Vec<f64>) {
        let other = self.reference.row(theirs);
        out.extend(row.iter().zip(other).zip(&self.players.of).map(|((mine, theirs), p)| if known(*p) { *mine } else { *theirs }));
    }

    /// Worth of coalitions for one row: the mean over the group. `known(c, p)` says whether coalition `c` holds player `p`.
    pub fn worths(&self, row: &[f64], coalitions: usize, known: impl Fn(usize, usize) -> bool, ctx: &JobCtx) -> Result<Vec<f64>> {
        self.worths_told(row, coalitions, known, &Meter { ctx: &ctx.without_stage(), before: 0 })
    }

    /// The same, telling how many predictions are made.
    pub fn worths_told(&self, row: &[f64], coalitions: usize, known: impl Fn(usize, usize) -> bool, meter: &Meter<'_>) -> Result<Vec<f64>> {
        let n = self.reference.n_rows();
        if n == 0 {
            return Err(fault!("explain.no_reference"));
        }
        let per_call = (CALL / n).max(1);
        let mut out = Vec::with_capacity(coalitions);
        let quiet = meter.ctx.without_stage();
        for from in (0..coalitions).step_by(per_call) {
            meter.ctx.check()?;
            let to = coalitions.min(from + per_call);
            let mut values = Vec::with_capacity((to - from) * n * row.len());
            for c in from..to {
                for b in 0..n {
                    self.mix(row, b, |p| known(c, p), &mut values);
                }
            }
            let outputs = self.outputs(&FeatureMatrix { n_features: row.len(), values }, &quiet)?;
            out.extend(outputs.chunks_exact(n).map(|o| o.iter().sum::<f64>() / n as f64));
            meter.at(to * n);
        }
        Ok(out)
    }

    /// Mean output of the group: the worth of knowing nothing.
    pub fn base(&self, ctx: &JobCtx) -> Result<f64> {
        let n = self.reference.n_rows();
        if n == 0 {
            return Err(fault!("explain.no_reference"));
        }
        Ok(self.outputs(self.reference, ctx)?.iter().sum::<f64>() / n as f64)
    }
}
