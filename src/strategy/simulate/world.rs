//! People after a scenario's moves: what the model expects of them, and whether such people occur at all.

use std::sync::Arc;

use rayon::prelude::*;

use crate::base::{JobCtx, Result};
use crate::data::features::UNSEEN;
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
    pub shown: Arc<Vec<f64>>,
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
    pub fn shown(&self, rows: &[usize]) -> Arc<Vec<f64>> {
        let card = self.model.card();
        let (k, margins) = (card.outcomes.len(), &self.baseline.standing.margins);
        self.known(rows, &[]).unwrap_or_else(|| {
            let shown = rows.par_iter().map(|&r| card.shown(&margins[r * k..(r + 1) * k], self.outcome)).collect();
            self.keep(rows, &[], shown)
        })
    }

    /// People after the moves; `look` also asks whether such people occur.
    pub fn after(&self, rows: &[usize], moves: &[(usize, Move)], look: bool) -> Result<Moved> {
        if moves.is_empty() {
            return Ok(Moved { shown: self.shown(rows), ..Moved::default() });
        }
        let known = self.known(rows, moves);
        if let (Some(shown), false) = (&known, look) {
            return Ok(Moved { shown: shown.clone(), any: true, ..Moved::default() });
        }
        let (changed, outside) = self.changes(rows, moves)?;
        let card = self.model.card();
        let shown = match known {
            Some(shown) => shown,
            None => {
                let margins = self.model.margins_moved(&self.baseline.x, &self.baseline.standing, rows, &changed, self.ctx)?;
                self.keep(rows, moves, margins.par_chunks_exact(card.outcomes.len()).map(|m| card.shown(m, self.outcome)).collect())
            }
        };
        let moved: Vec<usize> = moves.iter().map(|(j, _)| *j).collect();
        let apart =
            if look { support::apart(card.features(), &self.baseline.binned, rows, &changed, &moved, &self.baseline.x) } else { None };
        Ok(Moved { shown, any: true, outside, apart })
    }

    /// What was found before of these rows, or of everybody: a person's answer does not hang on who else is asked about.
    fn known(&self, rows: &[usize], moves: &[(usize, Move)]) -> Option<Arc<Vec<f64>>> {
        let everybody = self.baseline.after(self.outcome, moves)?;
        let all = rows.len() == everybody.len();
        Some(if all { everybody } else { Arc::new(rows.iter().map(|r| everybody[*r]).collect()) })
    }

    fn keep(&self, rows: &[usize], moves: &[(usize, Move)], shown: Vec<f64>) -> Arc<Vec<f64>> {
        let shown = Arc::new(shown);
        if rows.len() == self.baseline.x.n_rows() {
            self.baseline.keep_after(self.outcome, moves, shown.clone());
        }
        shown
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
                    // A level that training never saw, such as a month, is outside for everybody.
                    if *level == UNSEEN {
                        leaves.fill(true);
                    }
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
