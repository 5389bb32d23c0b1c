//! Ranking of items for one person by predicted outcome, and why the first stands before the second.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::coalition::shapley;
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers};
use crate::data::{FeatureMatrix, Role, Roles, Segment, Table};
use crate::ml::Model;
use crate::{fault, note};

/// Most features whose order of change is enumerated exactly.
const MOST_EXACT: usize = 12;

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

/// Ranks every item for the person that `person` (a condition on the log) describes. `items` holds item features beyond
/// the log's, joined by the item column's name.
pub fn rank(
    model: &dyn Model,
    log: &Table,
    roles: &Roles,
    person: &str,
    items: Option<&Table>,
    data: &Fingerprint,
    ctx: &JobCtx,
) -> Result<Ranking> {
    let _ = data;
    let card = model.card();
    let item_column = roles.with_role(Role::Item).into_iter().next().ok_or_else(|| fault!("recommend.no_item_column"))?;
    let at = log.column(&item_column)?;
    let rows = Segment::parse(person)?.rows(log)?;
    let moments = roles.with_role(Role::Time).first().and_then(|t| log.index_of(t)).map(|i| log.numbers(i));
    // The person as last seen; without a time column, the last row of the file.
    let newest = rows
        .iter()
        .copied()
        .max_by(|a, b| moments.as_ref().map_or(std::cmp::Ordering::Equal, |m| m[*a].total_cmp(&m[*b])).then(a.cmp(b)))
        .ok_or_else(|| fault!("recommend.no_such_person", person = person))?;

    let (codes, mut names) = log.codes(at);
    let joined = match items {
        Some(table) => {
            let key = table.column(&item_column)?;
            let (codes, levels) = table.codes(key);
            for level in &levels {
                if !names.contains(level) {
                    names.push(level.clone());
                }
            }
            let row_of: BTreeMap<String, usize> =
                codes.iter().enumerate().filter(|(_, c)| **c >= 0).map(|(r, c)| (levels[*c as usize].clone(), r)).collect();
            Some((table, row_of))
        }
        None => None,
    };
    if names.len() < 2 {
        return Err(fault!("recommend.one_item", column = &item_column));
    }

    // What belongs to the item alone: columns that never differ between two rows of one item.
    let features = card.features();
    let mut of_item = vec![None; features.len()];
    for (j, f) in features.iter().enumerate() {
        let Some(i) = log.index_of(&f.name) else { continue };
        let (values, levels) = log.codes(i);
        let mut seen: Vec<Option<i32>> = vec![None; names.len()];
        let constant = codes.iter().zip(&values).filter(|(c, _)| **c >= 0).all(|(c, v)| match seen[*c as usize] {
            None => {
                seen[*c as usize] = Some(*v);
                true
            }
            Some(s) => s == *v,
        });
        if constant && levels.len() > 1 && f.name != item_column {
            of_item[j] = Some(i);
        }
    }

    // One row per item: the person's newest row with the item's own values put in.
    ctx.stage("recommend.stage_ranking", 2);
    let (first_row, _) = card.encoder.encode_raw(&log.select_rows(&[newest]))?;
    let mut any_row = vec![None; names.len()];
    for (r, c) in codes.iter().enumerate().filter(|(_, c)| **c >= 0) {
        any_row[*c as usize].get_or_insert(r);
    }
    let mut values = Vec::with_capacity(names.len() * features.len());
    let mut unknown = 0usize;
    for (k, name) in names.iter().enumerate() {
        let mut row = first_row.row(0).to_vec();
        if let Some(r) = any_row[k] {
            let (own, _) = card.encoder.encode_raw(&log.select_rows(&[r]))?;
            for (j, i) in of_item.iter().enumerate() {
                if i.is_some() {
                    row[j] = own.row(0)[j];
                }
            }
        }
        for (j, f) in features.iter().enumerate() {
            if f.name == item_column {
                row[j] = f.parse(name).unwrap_or(crate::data::features::UNSEEN);
                unknown += usize::from(row[j] == crate::data::features::UNSEEN);
            } else if let Some((table, row_of)) = &joined
                && log.index_of(&f.name).is_none()
                && let (Some(i), Some(r)) = (table.index_of(&f.name), row_of.get(name))
            {
                row[j] = table.cell(*r, i).and_then(|c| f.parse(&c)).unwrap_or(f64::NAN);
            }
        }
        values.extend(row);
        ctx.check()?;
    }
    let x = FeatureMatrix { n_features: features.len(), values };
    let outcomes = card.outcomes.len();
    let predicted: Vec<f64> = model.predict(&x, ctx)?.into_iter().step_by(outcomes).collect();
    ctx.at(1);

    // Impressions and the observed rate of each item in the log.
    let outcome = &card.outcomes[0];
    let target = log.index_of(&outcome.name).map(|i| observed(log, i, &outcome.kind));
    let mut shown = vec![0usize; names.len()];
    let mut sums = vec![0.0; names.len()];
    for (r, c) in codes.iter().enumerate().filter(|(_, c)| **c >= 0) {
        shown[*c as usize] += 1;
        sums[*c as usize] += target.as_ref().map_or(0.0, |t| if t[r].is_nan() { 0.0 } else { t[r] });
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| predicted[*b].total_cmp(&predicted[*a]).then_with(|| natural(&names[*a], &names[*b])));
    let describe = |k: usize| -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = features
            .iter()
            .enumerate()
            .filter(|(j, _)| of_item[*j].is_some())
            .map(|(j, f)| (f.name.clone(), f.show(x.row(k)[j])))
            .collect();
        if let Some((table, row_of)) = &joined
            && let Some(r) = row_of.get(&names[k])
        {
            let more = (0..table.n_columns()).filter(|i| table.name(*i) != item_column && !table.name(*i).starts_with("column_"));
            out.extend(more.map(|i| (table.name(i).to_owned(), table.cell(*r, i).unwrap_or_default())));
        }
        out
    };
    let mut ranked = Vec::with_capacity(order.len());
    for (place, &k) in order.iter().enumerate() {
        let tied = place > 0 && predicted[order[place - 1]] == predicted[k];
        let rank = if tied { ranked.last().map_or(1, |r: &RankedItem| r.rank) } else { place + 1 };
        let observed = (shown[k] > 0 && target.is_some()).then(|| sums[k] / shown[k] as f64);
        ranked.push(RankedItem {
            rank,
            item: names[k].clone(),
            predicted: predicted[k],
            impressions: shown[k],
            observed,
            features: describe(k),
        });
    }

    let (a, b) = (x.row(order[0]), x.row(order[1]));
    let (against_second, gap) = contrast(model, a, b, ctx)?;
    let mut reason = vec![note!(
        "recommend.reason_first",
        item = &ranked[0].item,
        predicted = show(outcome.is_binary(), ranked[0].predicted),
        second = &ranked[1].item,
        other = show(outcome.is_binary(), ranked[1].predicted)
    )];
    for c in against_second.iter().filter(|c| c.effect != 0.0).take(3) {
        let size = if outcome.is_binary() { numbers::points(c.effect) } else { numbers::signed(c.effect) };
        reason.push(note!("recommend.reason", feature = &c.feature, first = &c.first, second = &c.second, effect = size));
    }
    let mut warnings = vec![note!("recommend.person_rows", rows = rows.len(), row = log.file_row(newest))];
    if unknown > 0 {
        warnings.push(note!("recommend.unknown_items", count = unknown));
    }
    if !features.iter().enumerate().any(|(j, f)| f.name == item_column || of_item[j].is_some()) {
        warnings.push(note!("recommend.item_blind", column = &item_column));
    }
    let clicks = sums.iter().sum::<f64>();
    if outcome.is_binary() && clicks < 100.0 {
        warnings.push(note!("recommend.few", count = clicks.round() as i64));
    }
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

fn show(binary: bool, value: f64) -> String {
    if binary { format!("{} %", numbers::fixed(value * 100.0, 2)) } else { numbers::plain(value) }
}

fn observed(log: &Table, i: usize, kind: &crate::ml::OutcomeKind) -> Vec<f64> {
    match kind {
        crate::ml::OutcomeKind::Number => log.numbers(i),
        crate::ml::OutcomeKind::Binary { positive, .. } => {
            let (codes, levels) = log.codes(i);
            codes
                .iter()
                .map(|c| if *c < 0 { f64::NAN } else { f64::from(u8::from(levels[*c as usize].eq_ignore_ascii_case(positive))) })
                .collect()
        }
    }
}

/// Numbers by size, other names by their letters.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y),
        _ => a.cmp(b),
    }
}

/// Exact Shapley values of the difference f(a) − f(b) over the features in which they differ: the game is the model's
/// output with a subset of them taken from a and the rest from b. Beyond twelve, the last ones change together.
fn contrast(model: &dyn Model, a: &[f64], b: &[f64], ctx: &JobCtx) -> Result<(Vec<Contrast>, f64)> {
    let features = model.card().features();
    let differ: Vec<usize> = (0..a.len()).filter(|&j| a[j] != b[j] && !(a[j].is_nan() && b[j].is_nan())).collect();
    let mut groups: Vec<Vec<usize>> = differ.iter().take(MOST_EXACT - 1).map(|&j| vec![j]).collect();
    match differ.len() {
        n if n > MOST_EXACT => groups.push(differ[MOST_EXACT - 1..].to_vec()),
        n if n == MOST_EXACT => groups.push(vec![differ[n - 1]]),
        _ => {}
    }
    let m = groups.len();
    let mut values = Vec::with_capacity((1 << m) * a.len());
    for set in 0..1usize << m {
        let mut row = b.to_vec();
        for (g, group) in groups.iter().enumerate() {
            if set >> g & 1 == 1 {
                group.iter().for_each(|&j| row[j] = a[j]);
            }
        }
        values.extend(row);
    }
    let x = FeatureMatrix { n_features: a.len(), values };
    let v: Vec<f64> = model.predict(&x, ctx)?.into_iter().step_by(model.card().outcomes.len()).collect();
    let phi = shapley(m, &v);
    let gap = v.last().copied().unwrap_or(0.0) - v.first().copied().unwrap_or(0.0) - phi.iter().sum::<f64>();
    let join = |group: &[usize], show: &dyn Fn(usize) -> String| group.iter().map(|&j| show(j)).collect::<Vec<_>>().join(", ");
    let mut out: Vec<Contrast> = groups
        .iter()
        .zip(phi)
        .map(|(g, effect)| Contrast {
            feature: join(g, &|j| features[j].name.clone()),
            first: join(g, &|j| features[j].show(a[j])),
            second: join(g, &|j| features[j].show(b[j])),
            effect,
        })
        .collect();
    out.sort_by(|p, q| q.effect.abs().total_cmp(&p.effect.abs()));
    Ok((out, gap))
}
