//! Ranking of items for one person by predicted outcome, and why the first stands before the second.

use serde::{Deserialize, Serialize};

use super::candidates::{self, Candidates};
use super::game;
use crate::base::coalition::shapley;
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers};
use crate::data::{FeatureMatrix, Roles, Table};
use crate::explain::ExplainOptions;
use crate::ml::{Model, Outcome, model::OutcomeKind};
use crate::{fault, note};

/// Items for one person, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The person, as asked for.
    pub person: String,
    /// The outcome ranked by.
    pub outcome: String,
    /// All items, best first.
    pub items: Vec<RankedItem>,
    /// Features that differ in effect between the first and the second item: name, effect on the gap in probability
    /// (first − second); they sum to the gap of the predictions up to `gap`.
    pub against_second: Vec<Contrast>,
    /// What is left unexplained of that difference.
    pub gap: f64,
    /// The reason in words (English and Chinese rendered from it).
    pub reason: Vec<Notice>,
    /// Which model.
    pub model: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedItem {
    /// 1 is best; ties share the better rank.
    pub rank: usize,
    /// The item's identifier.
    pub item: String,
    /// Predicted probability or amount.
    pub predicted: f64,
    /// Times it was shown in the log.
    pub impressions: usize,
    /// Observed rate in the log, where it was shown.
    pub observed: Option<f64>,
    /// Its features as shown, name and value.
    pub features: Vec<(String, String)>,
}

/// One reason why A stands before B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// Feature name.
    pub feature: String,
    /// Its value for the first.
    pub first: String,
    /// Its value for the second.
    pub second: String,
    /// Effect on the difference of the predictions.
    pub effect: f64,
}

/// Most differing features for which every combination is tried.
const EXACT: usize = 12;
/// Predictions spent on random orders beyond that.
const BUDGET: usize = 20_000;
/// Seed of those orders.
const SEED: u64 = 1;
/// Features named in the reason.
const REASONS: usize = 3;
/// Below this many positives in the log, the ranking is called shaky.
const FEW_POSITIVES: usize = 100;

/// Ranks all items for one person by the model's first outcome, and explains the first against the second.
///
/// `person` is a condition on the log (`COL=VALUE`); its newest row stands for the person. `items` may hold the items with
/// columns of their own, joined by the item column; without it the items and their columns are those of the log.
pub fn rank(
    model: &dyn Model,
    log: &Table,
    roles: &Roles,
    person: &str,
    items: Option<&Table>,
    data: &Fingerprint,
    ctx: &JobCtx,
) -> Result<Ranking> {
    ctx.stage("recommend.stage_ranking", 3);
    let card = model.card();
    let outcome = card.outcomes.first().ok_or_else(|| fault!("recommend.no_outcome", model = &card.spec.name))?;
    let Candidates { items: ids, x, shown, of_item, extra, shows, mut warnings } = candidates::build(model, log, roles, person, items)?;
    ctx.at(1);
    let predicted = first_outcome(model, &x, ctx)?;
    ctx.at(2);

    let answers = answers(log, outcome);
    if let Some(y) = answers.as_ref().filter(|_| outcome.is_binary()) {
        let positives = y.iter().filter(|v| **v > 0.5).count();
        if positives < FEW_POSITIVES {
            warnings.push(note!("recommend.few", count = positives));
        }
    }
    if card.data != *data {
        warnings.push(note!("recommend.other_data", model = &card.spec.name));
    }

    // The stable sort keeps the order of the identifiers among ties; a missing prediction goes last.
    let key = |i: &usize| if predicted[*i].is_nan() { f64::NEG_INFINITY } else { predicted[*i] };
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by(|a, b| key(b).total_cmp(&key(a)));
    let mut ranked: Vec<RankedItem> = Vec::with_capacity(order.len());
    for (place, &i) in order.iter().enumerate() {
        let rank = ranked.last().filter(|before| before.predicted == predicted[i]).map_or(place + 1, |before| before.rank);
        let known: Vec<f64> = answers.iter().flat_map(|y| shows[i].iter().map(|r| y[*r])).filter(|v| !v.is_nan()).collect();
        let named = card.features().iter().zip(&shown[i]).zip(&of_item).filter(|(_, own)| **own);
        ranked.push(RankedItem {
            rank,
            item: ids[i].clone(),
            predicted: predicted[i],
            impressions: shows[i].len(),
            observed: (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64),
            features: named
                .map(|((f, cell), _)| (f.name.clone(), cell.clone().unwrap_or_else(|| "–".to_owned())))
                .chain(extra[i].iter().cloned())
                .collect(),
        });
    }

    let mut against_second = Vec::new();
    let mut gap = 0.0;
    let mut reason = Vec::new();
    if let (Some(&a), Some(&b)) = (order.first(), order.get(1)) {
        let (effects, sampled) = contrast(model, x.row(a), x.row(b), ctx)?;
        if let Some(orders) = sampled {
            warnings.push(note!("recommend.sampled", features = effects.len(), orders = orders));
        }
        let cell = |i: usize, j: usize| shown[i][j].clone().unwrap_or_else(|| "–".to_owned());
        against_second = effects
            .iter()
            .map(|&(j, effect)| Contrast { feature: card.features()[j].name.clone(), first: cell(a, j), second: cell(b, j), effect })
            .collect();
        gap = (predicted[a] - predicted[b]) - effects.iter().map(|e| e.1).sum::<f64>();
        reason = reasons(&ranked, &against_second, outcome);
    } else if let Some(only) = ranked.first() {
        reason.push(note!("recommend.only_item", item = &only.item));
    }
    ctx.at(3);
    Ok(Ranking {
        person: person.to_owned(),
        outcome: outcome.name.clone(),
        items: ranked,
        against_second,
        gap,
        reason,
        model: card.fingerprint.clone(),
        warnings,
    })
}

/// Why one item's prediction differs from another's, for one person: the difference, shared among the features.
pub fn between(
    model: &dyn Model,
    (log, roles): (&Table, &Roles),
    person: &str,
    items: Option<&Table>,
    (a, b): (&str, &str),
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<crate::explain::contrast::Contrast> {
    let found = candidates::build(model, log, roles, person, items)?;
    let row = |item: &str| {
        let at = found.items.iter().position(|i| i == item);
        at.map(|at| found.x.row(at)).ok_or_else(|| fault!("recommend.no_such_item", item = item, person = person))
    };
    // An item's identifier alone, often a number, would say nothing.
    let column = roles.of.iter().find(|(_, r)| **r == crate::data::Role::Item).map(|(c, _)| c.as_str());
    let name = |item: &str| column.map_or_else(|| item.to_owned(), |c| format!("{c} = {item}"));
    let mut contrast = crate::explain::contrast::rows(model, (row(a)?, &name(a)), (row(b)?, &name(b)), options, ctx)?;
    contrast.warnings.extend(found.warnings.iter().cloned());
    Ok(contrast)
}

fn first_outcome(model: &dyn Model, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
    let k = model.card().outcomes.len().max(1);
    Ok(model.predict(x, ctx)?.into_iter().step_by(k).collect())
}

/// The logged outcome as numbers (1 = yes), NaN where it is missing; `None` if the log has no such column.
fn answers(log: &Table, outcome: &Outcome) -> Option<Vec<f64>> {
    let i = log.index_of(&outcome.name)?;
    Some(match &outcome.kind {
        OutcomeKind::Number => log.numbers(i),
        OutcomeKind::Binary { positive, .. } | OutcomeKind::Class { class: positive } => {
            let (codes, levels) = log.codes(i);
            let same = |level: &String| {
                level.eq_ignore_ascii_case(positive)
                    || matches!((level.trim().parse::<f64>(), positive.trim().parse::<f64>()), (Ok(a), Ok(b)) if a == b)
            };
            let yes: Vec<f64> = levels.iter().map(|l| f64::from(u8::from(same(l)))).collect();
            codes.into_iter().map(|c| usize::try_from(c).map_or(f64::NAN, |c| yes[c])).collect()
        }
    })
}

/// Effect of each differing feature on prediction(a) − prediction(b), largest first, and the number of random orders if
/// there were too many features for every combination. The game: features of the coalition as in a, the others as in b.
fn contrast(model: &dyn Model, a: &[f64], b: &[f64], ctx: &JobCtx) -> Result<(Vec<(usize, f64)>, Option<usize>)> {
    let same = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan());
    let differing: Vec<usize> = (0..a.len()).filter(|&j| !same(a[j], b[j])).collect();
    let d = differing.len();
    let mix = |take: &dyn Fn(usize) -> bool| -> Vec<f64> {
        let mut row = b.to_vec();
        for (k, &j) in differing.iter().enumerate() {
            if take(k) {
                row[j] = a[j];
            }
        }
        row
    };
    let (phi, orders) = if d <= EXACT {
        let mut x = FeatureMatrix { n_features: a.len(), values: Vec::with_capacity(a.len() << d) };
        for mask in 0..1usize << d {
            x.values.extend(mix(&|k| mask >> k & 1 == 1));
        }
        (shapley(d, &first_outcome(model, &x, ctx)?), None)
    } else {
        let pairs = (BUDGET / (2 * (d + 1))).clamp(8, 500);
        let worth = |coalitions: &[Vec<bool>]| {
            ctx.check()?;
            let mut x = FeatureMatrix { n_features: a.len(), values: Vec::with_capacity(a.len() * coalitions.len()) };
            for c in coalitions {
                x.values.extend(mix(&|k| c[k]));
            }
            first_outcome(model, &x, ctx)
        };
        (game::sampled(d, pairs, SEED, worth)?, Some(2 * pairs))
    };
    let mut effects: Vec<(usize, f64)> = differing.into_iter().zip(phi).collect();
    effects.sort_by(|x, y| y.1.abs().total_cmp(&x.1.abs()).then(x.0.cmp(&y.0)));
    Ok((effects, orders))
}

/// The reason in words: the two predictions, then the features that weigh most.
fn reasons(ranked: &[RankedItem], against: &[Contrast], outcome: &Outcome) -> Vec<Notice> {
    let [first, second, ..] = ranked else { return Vec::new() };
    let show = |p: f64| if outcome.is_binary() { format!("{} %", numbers::fixed(p * 100.0, 2)) } else { numbers::plain(p) };
    let change = |d: f64| if outcome.is_binary() { numbers::points(d) } else { numbers::signed(d) };
    let gap = first.predicted - second.predicted;
    if gap == 0.0 {
        return vec![note!("recommend.tie", first = &first.item, second = &second.item, value = show(first.predicted))];
    }
    let mut out = vec![note!(
        "recommend.reason_first",
        item = &first.item,
        predicted = show(first.predicted),
        second = &second.item,
        other = show(second.predicted)
    )];
    for c in against.iter().filter(|c| c.effect != 0.0).take(REASONS) {
        let code = if c.effect > 0.0 { "recommend.reason_for" } else { "recommend.reason_against" };
        out.push(note!(code, feature = &c.feature, first = &c.first, second = &c.second, effect = change(c.effect)));
    }
    if against.is_empty() {
        out.push(note!("recommend.nothing_differs"));
    }
    out
}

#[cfg(test)]
pub(crate) mod tests;
