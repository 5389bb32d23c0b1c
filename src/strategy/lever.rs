//! Levers: the columns that a scenario may move, and the ones it must not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Notice, Result, numbers, rng};
use crate::data::{Part, Role, Roles};
use crate::ml::metrics::Figures;
use crate::ml::train::{TrainData, train};
use crate::ml::{Model, ModelKind, ModelSpec};
use crate::note;

/// AUC (or R²) that a column may be worth before it looks like the outcome in disguise.
const MOST_WORTH: f64 = 0.05;
/// The same, as a share of what all columns together are worth.
const MOST_SHARE: f64 = 1.0 / 3.0;
/// Rows that the check looks at.
const CHECK_ROWS: usize = 20_000;
/// Boosting rounds of the check.
const CHECK_ROUNDS: u32 = 60;

/// A column that a scenario may move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lever {
    /// Column name.
    pub column: String,
    /// Index of the feature.
    pub feature: usize,
    /// Free, or locked as an outcome proxy.
    pub status: LeverStatus,
    /// Why it is locked, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Notice>,
    /// AUC (or R²) that the model loses without it, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<f64>,
}

/// Whether a lever may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeverStatus {
    /// May be moved.
    Free,
    /// An outcome proxy: locked until the analyst overrides it.
    Locked,
    /// Locked, and overridden by the analyst; every result then says so.
    Overridden,
}

/// What the model loses without each candidate feature: small boosted trees with and without it, on the same rows.
/// The entry `""` holds what all features together are worth over guessing.
pub fn measure_drops(data: &TrainData, candidates: &[usize], ctx: &JobCtx) -> Result<BTreeMap<String, f64>> {
    let mut rows: Vec<usize> = (0..data.parts.len()).collect();
    if rows.len() > CHECK_ROWS {
        rng::shuffle(&mut rng::rng(1, "proxy-check"), &mut rows);
        rows.truncate(CHECK_ROWS);
        rows.sort_unstable();
    }
    let parts: Vec<Part> = rows.iter().map(|&r| data.parts[r]).collect();
    let x = data.x.select(&rows);
    let y: Vec<Vec<f64>> = data.y.iter().take(1).map(|y| rows.iter().map(|&r| y[r]).collect()).collect();
    let mut spec = ModelSpec::new("check", ModelKind::Gbdt);
    spec.epochs = Some(CHECK_ROUNDS);
    // What the features are worth over guessing, and how far chance alone may move that.
    let worth = |without: Option<usize>| -> Result<Option<(f64, f64)>> {
        let keep: Vec<usize> = (0..x.n_features).filter(|j| Some(*j) != without).collect();
        if keep.is_empty() {
            return Ok(Some((0.0, 0.0)));
        }
        let mut encoder = data.encoder.clone();
        encoder.features = keep.iter().map(|&j| data.encoder.features[j].clone()).collect();
        let values = (0..x.n_rows()).flat_map(|i| keep.iter().map(move |&j| (i, j))).map(|(i, j)| x.row(i)[j]).collect();
        let part = TrainData {
            x: crate::data::FeatureMatrix { n_features: keep.len(), values },
            y: y.clone(),
            parts: parts.clone(),
            outcomes: data.outcomes.iter().take(1).cloned().collect(),
            encoder,
            data: data.data.clone(),
            warnings: Vec::new(),
        };
        let model = train(&spec, &part, &ctx.without_stage())?;
        Ok(model.card().evaluation.first().and_then(|e| match &e.figures {
            Figures::Binary(f) => f.auc.map(|a| (a - 0.5, f.auc_interval.map_or(0.0, |(low, high)| (high - low) / 2.0))),
            Figures::Number(f) => f.r2.map(|r| (r, 0.0)),
        }))
    };
    ctx.stage("strategy.stage_proxies", candidates.len() as u64 + 1);
    let mut out = BTreeMap::new();
    let Some((whole, chance)) = worth(None)? else { return Ok(out) };
    out.insert(String::new(), whole);
    for (k, &j) in candidates.iter().enumerate() {
        ctx.check()?;
        ctx.at(k as u64 + 1);
        if let (Some((rest, _)), Some(f)) = (worth(Some(j))?, data.encoder.features.get(j)) {
            // A loss within what chance moves (46 clicks, say) accuses nobody.
            out.insert(f.name.clone(), if whole - rest > chance { whole - rest } else { 0.0 });
        }
    }
    Ok(out)
}

/// The levers of a model: the declared columns, or every feature while none is declared. An outcome proxy is locked until
/// the analyst overrides it.
pub fn levers(model: &dyn Model, roles: &Roles, overridden: &[String], drops: &BTreeMap<String, f64>) -> Vec<Lever> {
    let whole = drops.get("").copied().unwrap_or(0.0);
    model
        .card()
        .features()
        .iter()
        .enumerate()
        .filter(|(_, f)| roles.levers.is_empty() || roles.levers.contains(&f.name))
        .map(|(feature, f)| {
            let drop = drops.get(&f.name).copied();
            let late = matches!(roles.role(&f.name), Role::Value | Role::Event);
            let reason = if late {
                Some(note!("strategy.proxy_late", column = &f.name))
            } else {
                drop.filter(|d| *d >= MOST_WORTH || (whole > 0.0 && *d > whole * MOST_SHARE && *d > 0.01))
                    .map(|d| note!("strategy.proxy", column = &f.name, drop = numbers::fixed(d, 3)))
            };
            let status = match &reason {
                None => LeverStatus::Free,
                Some(_) if overridden.contains(&f.name) => LeverStatus::Overridden,
                Some(_) => LeverStatus::Locked,
            };
            Lever { column: f.name.clone(), feature, status, reason, drop }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::Values;
    use crate::data::{Encoder, FittedPrepare, Table};
    use crate::ml::{Outcome, OutcomeKind};

    /// A weak cause, noise, and a column that all but says the answer.
    fn data() -> TrainData {
        let mut r = rng::rng(2, "levers");
        let n = 1_500;
        let cause: Vec<f64> = (0..n).map(|_| rng::normal(&mut r)).collect();
        let y: Vec<f64> = cause.iter().map(|c| f64::from(u8::from(0.7 * c + rng::normal(&mut r) > 0.8))).collect();
        let noise: Vec<f64> = (0..n).map(|_| rng::normal(&mut r)).collect();
        let proxy: Vec<f64> = y.iter().map(|y| y * 4.0 + rng::normal(&mut r)).collect();
        let some = |v: &[f64]| Values::Numbers(v.iter().map(|x| Some(*x)).collect());
        let names = ["cause", "noise", "proxy"].map(str::to_owned);
        let table = Table::from_columns(names.iter().cloned().zip([some(&cause), some(&noise), some(&proxy)]).collect()).unwrap();
        let train: Vec<usize> = (0..n).filter(|i| i % 10 < 7).collect();
        let encoder = Encoder::fit(&table, &names, &Roles::default(), &train, FittedPrepare::default()).unwrap();
        TrainData {
            x: encoder.encode(&table).unwrap().0,
            y: vec![y],
            parts: (0..n).map(|i| if i % 10 < 7 { Part::Train } else { Part::Test }).collect(),
            outcomes: vec![Outcome {
                name: "y".into(),
                kind: OutcomeKind::Binary { positive: "1".into(), negative: "0".into() },
                base_rate: 0.3,
            }],
            encoder,
            data: crate::base::Fingerprint::default(),
            warnings: vec![],
        }
    }

    #[test]
    fn a_column_that_says_the_answer_is_locked() {
        let data = data();
        let ctx = JobCtx::quiet();
        let drops = measure_drops(&data, &[0, 1, 2], &ctx).unwrap();
        assert!(drops["proxy"] > MOST_WORTH && drops["noise"] < 0.02, "{drops:?}");
        let spec = ModelSpec { epochs: Some(5), ..ModelSpec::new("m", ModelKind::Gbdt) };
        let model = train(&spec, &data, &ctx).unwrap();
        let mut roles = Roles::default();
        let status = |l: &[Lever]| l.iter().map(|l| l.status).collect::<Vec<_>>();
        use LeverStatus::{Free, Locked, Overridden};
        let found = levers(model.as_ref(), &roles, &[], &drops);
        assert_eq!(status(&found), [Free, Free, Locked]);
        assert!(found[2].reason.as_ref().is_some_and(|r| r.code == "strategy.proxy") && found[2].drop == drops.get("proxy").copied());
        assert_eq!(status(&levers(model.as_ref(), &roles, &["proxy".to_owned()], &drops)), [Free, Free, Overridden]);
        // Known only afterwards, whatever it is worth; and only declared levers once any is declared.
        roles.of.insert("noise".into(), Role::Value);
        roles.levers.extend(["noise".to_owned(), "proxy".to_owned()]);
        let found = levers(model.as_ref(), &roles, &[], &drops);
        assert_eq!(found.iter().map(|l| (l.feature, l.status)).collect::<Vec<_>>(), [(1, Locked), (2, Locked)]);
        assert_eq!(found[0].reason.as_ref().map(|r| r.code.as_str()), Some("strategy.proxy_late"));
    }
}
