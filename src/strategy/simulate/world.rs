//! People after a scenario's moves: what the model expects of them, and whether such people occur at all.

use rayon::prelude::*;

use crate::base::{JobCtx, Result};
use crate::data::prepare::FillWith;
use crate::data::{FeatureKind, Step, Table};
use crate::ml::{Changed, Model};
use crate::strategy::baseline::Baseline;
use crate::strategy::scenario::Move;
use crate::strategy::support::{self, Apart};

/// People after some moves.
#[derive(Default)]
pub(super) struct Moved {
    /// Probabilities or amounts.
    pub shown: Vec<f64>,
    /// Whether any lever moved.
    pub any: bool,
    /// Share of people with a value outside what training saw.
    pub outside: f64,
    /// People with values that never occur together.
    pub apart: Option<Apart>,
}

/// A model, the rows it is asked about, and what it says of them as they are.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub model: &'a dyn Model,
    pub raw: &'a Table,
    pub baseline: &'a Baseline,
    pub outcome: usize,
    pub ctx: &'a JobCtx,
}

impl World<'_> {
    /// Probabilities or amounts of some rows as they are.
    pub fn shown(&self, rows: &[usize]) -> Vec<f64> {
        let k = self.model.card().outcomes.len();
        let card = self.model.card();
        rows.par_iter().map(|&r| card.shown(&self.baseline.standing.margins[r * k..(r + 1) * k], self.outcome)).collect()
    }

    /// People after the moves; `look` also asks whether such people occur.
    pub fn after(&self, rows: &[usize], moves: &[(usize, Move)], before: &[f64], look: bool) -> Result<Moved> {
        if moves.is_empty() {
            return Ok(Moved { shown: before.to_vec(), ..Moved::default() });
        }
        let (changed, outside) = self.changes(rows, moves)?;
        let card = self.model.card();
        let margins = self.model.margins_moved(&self.baseline.x, &self.baseline.standing, rows, &changed, self.ctx)?;
        let shown = margins.par_chunks_exact(card.outcomes.len()).map(|m| card.shown(m, self.outcome)).collect();
        let moved: Vec<usize> = moves.iter().map(|(j, _)| *j).collect();
        let apart = if look { support::apart(card.features(), &self.baseline.binned, rows, &changed, &moved, &self.baseline.x) } else { None };
        Ok(Moved { shown, any: true, outside, apart })
    }

    /// What the moves make of the people's features, and the share of people who leave what training saw.
    fn changes(&self, rows: &[usize], moves: &[(usize, Move)]) -> Result<(Vec<Changed>, f64)> {
        let card = self.model.card();
        let prepare = &card.encoder.prepare;
        let touched = prepare.touched();
        let mut leaves = vec![false; rows.len()];
        let mut changed: Vec<Changed> = Vec::new();
        let mut change = |feature: usize, values: Vec<f64>| {
            changed.retain(|c: &Changed| c.feature != feature);
            changed.push(Changed { feature, values });
        };
        for (j, step) in moves {
            let feature = &card.features()[*j];
            // A cell that is set is not missing any more: its flag goes with it.
            if let Some(flag) = self.flag_of(&feature.name).filter(|_| matches!(step, Move::To(_))) {
                change(flag, vec![0.0; rows.len()]);
            }
            if feature.is_categorical() {
                if let Move::To(level) = step {
                    change(*j, vec![*level; rows.len()]);
                }
                continue;
            }
            let slack = (feature.range.1 - feature.range.0).abs() * 1e-9;
            let is_out = |now: f64| now < feature.range.0 - slack || now > feature.range.1 + slack;
            let values: Vec<f64> = if let Move::To(_) = step {
                vec![prepare.apply_value(&feature.name, step.apply(f64::NAN)); rows.len()]
            } else {
                let raw = self.raw.numbers(self.raw.column(&feature.name)?);
                // Counts stay whole numbers unless preparation rescaled them.
                let whole = matches!(feature.kind, FeatureKind::Numeric { integer: true, .. }) && !touched.contains(feature.name.as_str());
                let moved = |r: &usize| {
                    let now = prepare.apply_value(&feature.name, step.apply(raw[*r]));
                    if whole { now.round() } else { now }
                };
                rows.par_iter().map(moved).collect()
            };
            leaves.iter_mut().zip(&values).for_each(|(l, v)| *l |= is_out(*v));
            change(*j, values);
        }
        Ok((changed, leaves.iter().filter(|l| **l).count() as f64 / leaves.len().max(1) as f64))
    }

    /// The feature that says where a column is missing, if preparation added one.
    fn flag_of(&self, column: &str) -> Option<usize> {
        let name = format!("{column}_missing");
        let card = self.model.card();
        let added = card
            .encoder
            .prepare
            .steps
            .iter()
            .any(|s| matches!(&s.step, Step::Fill { columns, with: FillWith::Flag, .. } if columns.iter().any(|c| c == column)));
        card.features().iter().position(|f| added && f.name == name)
    }
}
