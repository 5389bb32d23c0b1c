//! The support map: which actions of the target policy the log never took, or hardly ever.

use serde::Serialize;

use super::log::Log;
use super::target::Target;

/// Rows below which an action counts as hardly taken.
const FEW: usize = 10;
/// Effective rows below which it does.
const FEW_EFFECTIVE: f64 = 5.0;
/// Actions listed; of more, those that the target wants most and the log knows least.
pub const LISTED: usize = 1_000;

/// How well the log knows an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The log never took it.
    Never,
    /// A handful of rows.
    Hardly,
    /// Enough to say something.
    Enough,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionSupport {
    /// The action.
    pub action: String,
    /// Rows in which the log took it.
    pub rows: usize,
    /// Mean probability that the target policy gives it.
    pub target: f64,
    /// Smallest probability with which the log took it.
    pub least_propensity: Option<f64>,
    /// Largest weight of one of its rows.
    pub most_weight: f64,
    /// Effective rows of its weights.
    pub ess: f64,
    /// How well the log knows it.
    pub known: Known,
}

/// The map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Support {
    /// Probability that the target gives to actions the log never took.
    pub never: f64,
    /// Probability that it gives to actions the log hardly took.
    pub hardly: f64,
    /// The actions, least known first.
    pub actions: Vec<ActionSupport>,
    /// Actions not listed.
    pub left_out: usize,
    /// Where the actions are set apart by place.
    pub by_place: ByPlace,
}

/// The actions that the target wants most, by where they were shown or by the first column known of the person.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ByPlace {
    /// The column; none where there is no position and no category.
    pub column: Option<String>,
    /// Its values; one without a name where there is no column.
    pub places: Vec<String>,
    /// The actions.
    pub actions: Vec<String>,
    /// Action by action, place by place.
    pub cells: Vec<PlaceSupport>,
}

/// An action in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct PlaceSupport {
    /// Rows of the log.
    pub rows: usize,
    /// Share of the place's rows that got the action.
    pub logged: f64,
    /// Mean probability that the target gives it there.
    pub wanted: f64,
}

/// Actions and places of the picture.
const MOST_ACTIONS: usize = 12;
const MOST_PLACES: usize = 8;

fn by_place(log: &Log, target: &Target, actions: &[ActionSupport]) -> ByPlace {
    let few = |f: &&(usize, &crate::data::Feature)| f.1.is_categorical() && (2..=MOST_PLACES).contains(&f.1.levels().len());
    let found = log.features.iter().enumerate().collect::<Vec<_>>();
    let column = found.iter().find(few);
    let places = column.map_or_else(|| vec![String::new()], |(_, f)| f.levels().to_vec());
    let place = |i: usize| match column {
        None => Some(0),
        Some((j, _)) => Some(log.context.row(i)[*j]).filter(|v| *v >= 0.0 && (*v as usize) < places.len()).map(|v| v as usize),
    };
    let mut shown: Vec<&ActionSupport> = actions.iter().collect();
    shown.sort_by(|a, b| b.target.total_cmp(&a.target).then(a.known.cmp(&b.known)).then(b.rows.cmp(&a.rows)));
    shown.truncate(MOST_ACTIONS);
    let of: std::collections::BTreeMap<&str, usize> = shown.iter().enumerate().map(|(i, a)| (a.action.as_str(), i)).collect();
    let line: Vec<Option<usize>> = target.names.iter().map(|n| of.get(n.as_str()).copied()).collect();
    let across = places.len();
    let mut cells = vec![PlaceSupport::default(); shown.len() * across];
    let mut rows = vec![0usize; across];
    // How often each distribution is asked for in each place, so that one shared by all rows is walked once.
    let mut asked = vec![0usize; target.distributions() * across];
    for i in 0..log.rows() {
        let Some(p) = place(i) else { continue };
        rows[p] += 1;
        asked[target.distribution(i) * across + p] += 1;
        if let Some(l) = line[log.action[i] as usize] {
            cells[l * across + p].rows += 1;
        }
    }
    for (k, times) in asked.iter().enumerate().filter(|(_, t)| **t > 0) {
        let (d, p) = (k / across, k % across);
        for (a, chance) in target.entries(d) {
            if let Some(l) = line[*a as usize] {
                cells[l * across + p].wanted += chance * *times as f64 / rows[p] as f64;
            }
        }
    }
    for (k, c) in cells.iter_mut().enumerate() {
        c.logged = c.rows as f64 / rows[k % across].max(1) as f64;
    }
    ByPlace { column: column.map(|(_, f)| f.name.clone()), places, actions: shown.iter().map(|a| a.action.clone()).collect(), cells }
}

/// Draws the map.
pub fn map(log: &Log, target: &Target, propensity: &[f64], weights: &[f64]) -> Support {
    let k = target.names.len();
    let mut rows = vec![0usize; k];
    let mut least = vec![f64::INFINITY; k];
    let (mut most, mut sum, mut squares) = (vec![0.0f64; k], vec![0.0; k], vec![0.0; k]);
    for (i, a) in log.action.iter().enumerate() {
        let a = *a as usize;
        rows[a] += 1;
        least[a] = least[a].min(propensity[i]);
        most[a] = most[a].max(weights[i]);
        sum[a] += weights[i];
        squares[a] += weights[i] * weights[i];
    }
    // How often each distribution is asked for, so that a policy shared by all rows is walked once.
    let mut asked = vec![0usize; target.distributions()];
    (0..log.rows()).for_each(|i| asked[target.distribution(i)] += 1);
    let mut wanted = vec![0.0; k];
    for (d, times) in asked.iter().enumerate().filter(|(_, t)| **t > 0) {
        let share = *times as f64 / log.rows() as f64;
        target.entries(d).iter().for_each(|(a, p)| wanted[*a as usize] += share * p);
    }
    let mut actions: Vec<ActionSupport> = (0..k)
        .map(|a| {
            let ess = if squares[a] > 0.0 { sum[a] * sum[a] / squares[a] } else { 0.0 };
            let known = match rows[a] {
                0 => Known::Never,
                // An action that the target does not want needs no weight.
                r if r < FEW || (wanted[a] > 0.0 && ess < FEW_EFFECTIVE) => Known::Hardly,
                _ => Known::Enough,
            };
            ActionSupport {
                action: target.names[a].clone(),
                rows: rows[a],
                target: wanted[a],
                least_propensity: (rows[a] > 0).then_some(least[a]),
                most_weight: most[a],
                ess,
                known,
            }
        })
        .collect();
    let of = |known: Known| actions.iter().filter(|a| a.known == known).fold(0.0, |sum, a| sum + a.target);
    let (never, hardly) = (of(Known::Never), of(Known::Hardly));
    actions.sort_by(|a, b| a.known.cmp(&b.known).then(b.target.total_cmp(&a.target)).then(a.rows.cmp(&b.rows)));
    let by_place = by_place(log, target, &actions);
    let left_out = actions.len().saturating_sub(LISTED);
    actions.truncate(LISTED);
    Support { never, hardly, actions, left_out, by_place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::policy::generator::TwoSided;

    #[test]
    fn places_hold_every_row_once_and_what_is_wanted_adds_up() {
        let log = TwoSided { rows: 500, actions: 4, ..TwoSided::default() }.log(2);
        let target = Target::uniform(&log);
        let map = map(&log, &target, &[1.0; 500], &[1.0; 500]);
        let b = &map.by_place;
        assert_eq!((b.column.as_deref(), b.places.len(), b.actions.len()), (Some("place"), 3, 4));
        assert_eq!(b.cells.iter().map(|c| c.rows).sum::<usize>(), 500);
        for p in 0..3 {
            let of = |get: fn(&PlaceSupport) -> f64| (0..4).map(|a| get(&b.cells[a * 3 + p])).sum::<f64>();
            assert!((of(|c| c.wanted) - 1.0).abs() < 1e-9 && (of(|c| c.logged) - 1.0).abs() < 1e-9);
        }
        let at = |row: usize| (log.names[log.action[row] as usize].clone(), log.context.row(row)[0] as usize);
        let (name, place) = at(7);
        let line = b.actions.iter().position(|a| *a == name).unwrap();
        let by_hand = (0..500).filter(|r| at(*r) == (name.clone(), place)).count();
        assert_eq!(b.cells[line * 3 + place].rows, by_hand);
    }
}
