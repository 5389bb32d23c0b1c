//! Inside a group of features: what each of its members does when they play for themselves while the other groups stay
//! together. Members need not sum to the group: what they do together with other features is shared anew.

use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use crate::base::Result;
use crate::data::Feature;
use crate::fault;
use crate::ml::model::Scale;

/// One member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its value as shown, where one row is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// What it does to the row, or to the rows on average.
    pub value: f64,
    /// Mean size of that over the rows.
    pub size: f64,
}

/// A group, opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inside {
    /// The group.
    pub group: String,
    /// The outcome.
    pub outcome: String,
    /// Scale of all of it.
    pub scale: Scale,
    /// The line, where one row is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// Rows.
    pub rows: usize,
    /// What the group does as one player; a mean over the rows.
    pub whole: f64,
    /// Mean size of that.
    pub size: f64,
    /// The members, the strongest first.
    pub members: Vec<Member>,
    /// What the members sum to.
    pub sum: f64,
    /// The group less that sum.
    pub rest: f64,
}

/// Opens a group: `whole` has it as one player, `opened` its members one by one, for the same rows; one row of them, or
/// their mean.
pub fn inside(whole: &Attribution, opened: &Attribution, group: &str, row: Option<u32>, features: &[Feature]) -> Result<Inside> {
    let none = || fault!("explain.inside_none", group = group);
    let at = whole.features.iter().position(|f| f == group).filter(|at| !whole.group(*at).is_empty()).ok_or_else(none)?;
    let same = whole.model == opened.model
        && whole.scale == opened.scale
        && whole.outcome_index == opened.outcome_index
        && whole.reference == opened.reference
        && whole.method == opened.method;
    let place = |a: &Attribution, line: u32| a.rows.iter().position(|r| *r == line);
    let (rows, theirs): (Vec<usize>, Vec<usize>) = match row {
        Some(line) => (vec![place(whole, line).ok_or_else(none)?], vec![place(opened, line).ok_or_else(none)?]),
        None if whole.rows == opened.rows => ((0..whole.rows.len()).collect(), (0..whole.rows.len()).collect()),
        None => return Err(none()),
    };
    if !same || rows.is_empty() {
        return Err(none());
    }
    let n = rows.len() as f64;
    let mean = |a: &Attribution, rows: &[usize], at: usize, of: fn(f64) -> f64| rows.iter().map(|i| of(a.row(*i)[at])).sum::<f64>() / n;
    let (value, size): (fn(f64) -> f64, fn(f64) -> f64) = (|v| v, f64::abs);
    let mut members = Vec::new();
    for feature in whole.group(at).iter().filter_map(|f| features.get(*f)) {
        let p = opened.features.iter().position(|f| *f == feature.name).ok_or_else(none)?;
        members.push(Member {
            name: feature.name.clone(),
            shown: row.map(|_| opened.input_shown(theirs[0], p, features)),
            value: mean(opened, &theirs, p, value),
            size: mean(opened, &theirs, p, size),
        });
    }
    let key = |m: &Member| if row.is_some() { m.value.abs() } else { m.size };
    members.sort_by(|a, b| key(b).total_cmp(&key(a)));
    let (whole_value, sum) = (mean(whole, &rows, at, value), members.iter().map(|m| m.value).sum::<f64>());
    Ok(Inside {
        group: group.to_owned(),
        outcome: whole.outcome.clone(),
        scale: whole.scale,
        row,
        rows: rows.len(),
        whole: whole_value,
        size: mean(whole, &rows, at, size),
        members,
        sum,
        rest: whole_value - sum,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::tests::{line_model, trees_model};
    use super::super::tree_shap::tests::{random_ensemble, random_row};
    use super::*;
    use crate::base::coalition::shapley;
    use crate::base::{Fingerprint, JobCtx, rng};
    use crate::data::FeatureMatrix;
    use crate::explain::game::Game;
    use crate::explain::{ExplainOptions, Method, Players, Reference, explain};
    use crate::ml::Model;

    fn groups(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs.iter().map(|(n, m)| ((*n).to_owned(), m.iter().map(ToString::to_string).collect())).collect()
    }

    fn of(model: &dyn Model, x: &FeatureMatrix, players: &Players, reference: &FeatureMatrix, method: Method) -> Attribution {
        let options = ExplainOptions {
            method: Some(method),
            scale: Scale::Margin,
            players: Some(Arc::new(players.clone())),
            reference: Some(Arc::new(Reference { label: String::new(), x: reference.clone(), of: reference.n_rows() })),
            ..ExplainOptions::default()
        };
        let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
        explain(model, x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap()
    }

    #[test]
    fn members_are_the_game_with_one_group_opened() {
        let mut rng = rng::rng(61, "inside");
        let mut apart = 0;
        for seed in 0..10 {
            let model = trees_model(random_ensemble(seed, 5, 8, 4, 1));
            let draw =
                |rng: &mut rng::Rng, n: usize| FeatureMatrix { n_features: 5, values: (0..n).flat_map(|_| random_row(rng, 5)).collect() };
            let (x, reference) = (draw(&mut rng, 3), draw(&mut rng, 6));
            let features = model.card().features();
            let players = Players::grouped(features, &groups(&[("g", &["f0", "f2"]), ("h", &["f1", "f4"])])).unwrap();
            let opened = players.opened(0, features);
            let (whole, singly) = (
                of(&model, &x, &players, &reference, Method::TreeShapReference),
                of(&model, &x, &opened, &reference, Method::TreeShapReference),
            );
            for i in 0..3 {
                let found = inside(&whole, &singly, "g", Some(i), features).unwrap();
                // By brute force over every coalition of the opened players.
                let game = Game { model: &model, reference: &reference, players: &opened, outcome: 0, scale: Scale::Margin, less: None };
                let n = opened.count();
                let worth = game.worths(x.row(i as usize), 1 << n, |c, p| c >> p & 1 == 1, &JobCtx::quiet()).unwrap();
                let phi = shapley(n, &worth);
                for m in &found.members {
                    let p = opened.names.iter().position(|name| *name == m.name).unwrap();
                    assert!((m.value - phi[p]).abs() < 1e-9, "{} {} {}", m.name, m.value, phi[p]);
                }
                assert!((found.whole - found.sum - found.rest).abs() < 1e-12);
                apart += usize::from(found.rest.abs() > 1e-6);
            }
            let mean = inside(&whole, &singly, "g", None, features).unwrap();
            let by_hand = (0..3).map(|i| whole.row(i)[0]).sum::<f64>() / 3.0;
            assert!((mean.whole - by_hand).abs() < 1e-12 && mean.rows == 3 && mean.members.len() == 2);
        }
        assert!(apart > 0, "where features act together, members do not sum to the group");
    }

    #[test]
    fn what_adds_up_leaves_nothing_and_strangers_are_refused() {
        let model = line_model(vec![2.0, -3.0, 1.0]);
        let x = FeatureMatrix { n_features: 3, values: vec![1.0, 1.0, 4.0] };
        let reference = FeatureMatrix { n_features: 3, values: vec![0.0, 3.0, 4.0, 1.0, 1.0, 1.0] };
        let features = model.card().features();
        let names: Vec<&str> = features.iter().map(|f| f.name.as_str()).collect();
        let players = Players::grouped(features, &groups(&[("g", &[names[0], names[1]])])).unwrap();
        let whole = of(&model, &x, &players, &reference, Method::LinearShap);
        let singly = of(&model, &x, &players.opened(0, features), &reference, Method::LinearShap);
        let found = inside(&whole, &singly, "g", Some(0), features).unwrap();
        assert!(found.rest.abs() < 1e-12 && found.members.iter().all(|m| m.shown.is_some()), "{found:?}");
        assert_eq!(inside(&whole, &singly, "h", Some(0), features).unwrap_err().0.code, "explain.inside_none");
        assert!(inside(&whole, &singly, "g", Some(9), features).is_err());
        let mut other = singly.clone();
        other.scale = Scale::Probability;
        assert!(inside(&whole, &other, "g", Some(0), features).is_err());
    }
}
