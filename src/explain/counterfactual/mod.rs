//! The smallest change of one row that brings the outcome where it is wished, under the analyst's rules.
//!
//! - [`rules`]: what may change and how.
//! - [`choices`]: what each feature may become, and what that costs.
//! - [`goal`]: what the scores must reach, one score or those of several classes.
//! - [`trees`]: the proven minimum for tree ensembles, or the proven gap when time runs out.
//! - [`search`]: for any other model: a search whose answer is verified, not proven.

mod choices;
mod goal;
mod rules;
mod search;
#[cfg(test)]
mod tests;
mod trees;

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::{Feature, FeatureMatrix};
use crate::ml::Model;
use crate::ml::model::{Scale, Structure};
use crate::{fault, note};

use super::method::{check, predictions};
use choices::Choices;
pub use rules::Rules;

/// Where the output shall be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// At least so high.
    AtLeast(f64),
    /// Below.
    Below(f64),
}

impl Wish {
    /// The other side of the threshold from where an output is.
    pub fn flip(output: f64, threshold: f64) -> Self {
        if output >= threshold { Self::Below(threshold) } else { Self::AtLeast(threshold) }
    }
    /// Whether an output is as wished.
    pub fn met(self, output: f64) -> bool {
        match self {
            Self::AtLeast(t) => output >= t,
            Self::Below(t) => output < t,
        }
    }
}

/// One feature's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The feature.
    pub feature: String,
    /// Its place among the features.
    pub index: usize,
    /// Its value now, as in the matrix.
    pub from: f64,
    /// Its value then.
    pub to: f64,
    /// Both as shown.
    pub from_shown: String,
    /// The new value as shown.
    pub to_shown: String,
    /// What it costs.
    pub cost: f64,
}

/// A row that exists and is as wished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealRow {
    /// Its place in the reference rows.
    pub at: usize,
    /// Its output.
    pub output: f64,
    /// Cost of becoming like it, by the same measure (rules aside).
    pub cost: f64,
    /// Features in which it differs.
    pub differs: usize,
}

/// How the answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Best-first branch and bound over the cells of the trees.
    BranchAndBound,
    /// Greedy steps and shrinking; every answer verified by the model.
    GreedyVerified,
}

/// The smallest change that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// Which outcome.
    pub outcome: String,
    /// Scale of the outputs: a probability, or the amount.
    pub scale: Scale,
    /// Output now.
    pub from: f64,
    /// Output after the change, as the model says it.
    pub to: f64,
    /// What was wished.
    pub wish: Wish,
    /// The changes, dearest first.
    pub changes: Vec<Change>,
    /// Their cost: spans between the 5 % and the 95 % quantile of each number, 1 for a category, each times its price.
    pub cost: f64,
    /// No allowed change costs less than this.
    pub lower_bound: f64,
    /// Whether the cost is the proven minimum.
    pub certified: bool,
    /// How it was found.
    pub search: Search,
    /// Parts of the space looked at.
    pub nodes: usize,
    /// The nearest real row that is as wished.
    pub real: Option<RealRow>,
    /// The rules that were in force.
    #[serde(default, skip_serializing_if = "Rules::is_free")]
    pub rules: Rules,
    /// Which model.
    pub model: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// What a search found: the chosen place of every feature's choices, the proven bound, and how much it looked at.
struct Answer {
    row: Option<Vec<f64>>,
    lower_bound: f64,
    nodes: usize,
}

/// Finds the smallest change of `row`; `reference` holds real rows to compare with.
pub fn counterfactual(
    model: &dyn Model,
    row: &[f64],
    outcome: usize,
    wish: Wish,
    rules: &Rules,
    reference: Option<&FeatureMatrix>,
    ctx: &JobCtx,
) -> Result<Counterfactual> {
    let card = model.card();
    let features = card.features();
    let x = FeatureMatrix { n_features: row.len(), values: row.to_vec() };
    check(model, &x, &[0], outcome)?;
    rules.check(features)?;
    let quiet = ctx.without_stage();
    let output = |row: &[f64]| -> Result<f64> {
        let x = FeatureMatrix { n_features: row.len(), values: row.to_vec() };
        Ok(predictions(model, &x, outcome, Scale::Probability, &quiet)?[0])
    };
    let from = output(row)?;
    let scale = if card.outcomes[outcome].is_binary() { Scale::Probability } else { Scale::Margin };
    if wish.met(from) {
        return Err(fault!("explain.already_so", outcome = &card.outcomes[outcome].name));
    }
    ctx.stage("explain.stage_counterfactual", 0);
    let mut warnings = Vec::new();
    let (answer, search) = match model.structure() {
        Structure::Trees(e) => {
            let choices = Choices::of_trees(features, e, outcome, row, rules);
            (trees::smallest(e, outcome, row, &choices, wish, rules, ctx)?, Search::BranchAndBound)
        }
        _ => {
            let choices = Choices::of_quantiles(features, row, rules);
            let many = |x: &FeatureMatrix| predictions(model, x, outcome, Scale::Probability, &quiet);
            (search::smallest(row, features, &choices, wish, rules, &many, ctx)?, Search::GreedyVerified)
        }
    };
    let Some(found) = answer.row else {
        // Proven impossible, too dear, or not found in time: three different things.
        return Err(if search == Search::GreedyVerified {
            fault!("explain.no_change_found")
        } else if answer.lower_bound.is_infinite() {
            fault!("explain.no_change_exists")
        } else {
            fault!("explain.no_change_in_time", bound = crate::base::numbers::plain(answer.lower_bound))
        });
    };
    let to = output(&found)?;
    // The model has the last word, asked for this row alone: what it said in passing of many rows at once is not enough.
    if search == Search::GreedyVerified && !wish.met(to) {
        return Err(fault!("explain.no_change_found"));
    }
    let mut changes: Vec<Change> = (0..row.len())
        .filter(|&f| found[f].to_bits() != row[f].to_bits())
        .map(|f| {
            let (from_shown, to_shown) = apart(&features[f], row[f], found[f]);
            Change {
                feature: features[f].name.clone(),
                index: f,
                from: row[f],
                to: found[f],
                from_shown,
                to_shown,
                cost: choices::cost(&features[f], row[f], found[f], rules),
            }
        })
        .collect();
    changes.sort_by(|a, b| b.cost.total_cmp(&a.cost));
    let cost: f64 = changes.iter().map(|c| c.cost).sum();
    let certified = search == Search::BranchAndBound && answer.lower_bound >= cost - 1e-9;
    if search == Search::BranchAndBound && !certified {
        let (found, bound) = (crate::base::numbers::plain(cost), crate::base::numbers::plain(answer.lower_bound));
        warnings.push(note!("explain.change_gap", cost = found, bound = bound));
    }
    let real = match reference {
        Some(reference) => {
            nearest(row, features, reference, &predictions(model, reference, outcome, Scale::Probability, &quiet)?, wish, rules)
        }
        None => None,
    };
    Ok(Counterfactual {
        outcome: card.outcomes[outcome].label(),
        scale,
        from,
        to,
        wish,
        changes,
        cost,
        lower_bound: answer.lower_bound.min(cost),
        certified,
        search,
        nodes: answer.nodes,
        real,
        rules: rules.clone(),
        model: card.fingerprint.clone(),
        warnings,
    })
}

/// Both values as shown; with as many decimals as it takes where a change is smaller than what is usually shown.
fn apart(feature: &Feature, from: f64, to: f64) -> (String, String) {
    let usual = (feature.show(from), feature.show(to));
    if usual.0 != usual.1 || feature.is_categorical() {
        return usual;
    }
    let with = |digits: usize| (format!("{from:.digits$}"), format!("{to:.digits$}"));
    (0..17).map(with).find(|(a, b)| a != b).unwrap_or_else(|| (format!("{from:e}"), format!("{to:e}")))
}

fn nearest(row: &[f64], features: &[Feature], x: &FeatureMatrix, outputs: &[f64], wish: Wish, rules: &Rules) -> Option<RealRow> {
    let cost = |i: usize| -> f64 { (0..row.len()).map(|f| choices::cost(&features[f], row[f], x.row(i)[f], rules)).sum() };
    let at = (0..x.n_rows()).filter(|&i| wish.met(outputs[i])).min_by(|a, b| cost(*a).total_cmp(&cost(*b)).then(a.cmp(b)))?;
    let differs = (0..row.len()).filter(|&f| choices::cost(&features[f], row[f], x.row(at)[f], rules) > 0.0).count();
    Some(RealRow { at, output: outputs[at], cost: cost(at), differs })
}
