//! A scenario checked against the model, the data and the locks, before anything is computed.

use super::season::{Season, season};
use crate::base::Result;
use crate::data::{Segment, Table};
use crate::fault;
use crate::ml::Model;
use crate::strategy::lever::Lever;
use crate::strategy::scenario::{Move, Scenario};
use crate::strategy::terms::Terms;

/// A scenario checked against the model, the data and the locks.
pub(super) struct Plan {
    pub rows: Vec<usize>,
    pub moves: Vec<(usize, Move)>,
    pub overridden: Vec<String>,
    pub terms: Terms,
    /// What the first day of the scenario moves; its moves stand among the others.
    pub season: Season,
}

impl Plan {
    pub fn read(scenario: &Scenario, terms: Terms, model: &dyn Model, raw: &Table, levers: &[Lever]) -> Result<Self> {
        if scenario.tested.is_some() && !scenario.set.is_empty() {
            return Err(fault!("strategy.tested_set", name = &scenario.name));
        }
        let rows = match (&scenario.row, &scenario.segment) {
            (Some(line), _) => {
                // Lines ascend, so a bisection finds it.
                let (mut low, mut high) = (0, raw.n_rows());
                while low < high {
                    let middle = usize::midpoint(low, high);
                    if raw.file_row(middle) < *line { low = middle + 1 } else { high = middle }
                }
                if low >= raw.n_rows() || raw.file_row(low) != *line {
                    return Err(fault!("strategy.no_row", name = &scenario.name, row = *line));
                }
                vec![low]
            }
            (None, Some(text)) if !text.trim().is_empty() => Segment::parse(text)?.rows(raw)?,
            _ => (0..raw.n_rows()).collect(),
        };
        if rows.is_empty() {
            return Err(fault!("strategy.empty_segment", name = &scenario.name, segment = scenario.segment.clone().unwrap_or_default()));
        }
        let mut moves = Vec::new();
        let mut overridden = Vec::new();
        for (column, setting) in &scenario.set {
            let lever = levers.iter().find(|l| l.column == *column).ok_or_else(|| {
                let near = levers.iter().min_by_key(|l| crate::data::table::distance(&l.column, column));
                fault!("strategy.no_lever", name = &scenario.name, column = column, nearest = near.map_or("–", |l| l.column.as_str()))
            })?;
            if lever.is_opened(&scenario.name, &scenario.overridden)? {
                overridden.push(column.clone());
            }
            moves.push((lever.feature, setting.read(&model.card().features()[lever.feature])?));
        }
        let season = season(scenario, model);
        moves.extend(&season.moves);
        Ok(Self { rows, moves, overridden, terms, season })
    }
}
