//! Levers: the columns that a scenario may move, and the ones it must not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scan::judge::Court;
use super::scan::losses;
use crate::base::{JobCtx, Notice, Result, numbers, rng};
use crate::data::{LeverType, Part, Role, Roles};
use crate::ml::Model;
use crate::ml::train::TrainData;
use crate::{fault, note};

/// Rows that the check looks at.
const CHECK_ROWS: usize = 20_000;

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
    /// Nobody sets it: context, mediator, identifier. It moves only after the analyst calls it a lever.
    Fixed,
}

impl Lever {
    /// Whether a scenario moves it against its lock; a lock that it does not override, and what nobody sets, are faults.
    pub fn is_opened(&self, scenario: &str, overridden: &[String]) -> Result<bool> {
        let column = &self.column;
        match (self.status, &self.reason) {
            (LeverStatus::Free, _) => Ok(false),
            (LeverStatus::Fixed, reason) => {
                let code = reason.as_ref().map_or("strategy.fixed_context", |r| r.code.as_str());
                Err(fault!(code, column = column))
            }
            _ if overridden.contains(column) => Ok(true),
            _ => Err(fault!("strategy.locked", name = scenario, column = column)),
        }
    }
}

/// What the model loses without a feature.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drop {
    /// AUC (or R²) lost; 0 where chance may have done it, or where it says too little by itself to be asked.
    pub loss: f64,
    /// Features that say the same and were taken out with it.
    pub with: Vec<String>,
    /// Whether it looks like the outcome in disguise.
    pub proxy: bool,
}

/// What the model loses without each candidate feature, and which of them look like the outcome in disguise: the leak scan's
/// question, asked of these features on these rows.
pub fn measure_drops(data: &TrainData, candidates: &[usize], ctx: &JobCtx) -> Result<BTreeMap<String, Drop>> {
    let mut rows: Vec<usize> = (0..data.parts.len()).collect();
    if rows.len() > CHECK_ROWS {
        rng::shuffle(&mut rng::rng(1, "proxy-check"), &mut rows);
        rows.truncate(CHECK_ROWS);
        rows.sort_unstable();
    }
    let parts: Vec<Part> = rows.iter().map(|&r| data.parts[r]).collect();
    let sample = TrainData {
        x: data.x.select(&rows),
        y: data.y.iter().take(1).map(|y| rows.iter().map(|&r| y[r]).collect()).collect(),
        parts,
        outcomes: data.outcomes.iter().take(1).cloned().collect(),
        encoder: data.encoder.clone(),
        data: data.data.clone(),
        warnings: Vec::new(),
    };
    let court = Court::new(sample, candidates);
    let found = losses::worths(&court, candidates, losses::Out::Suspects, ctx)?;
    if found.whole.is_none() {
        return Ok(BTreeMap::new());
    }
    let name = |j: &usize| data.encoder.features[*j].name.clone();
    let drop = |w: losses::Worth| {
        let loss = w.loss.filter(|l| l.low > 0.0).map_or(0.0, |l| l.value);
        Drop { loss, with: w.with, proxy: w.cliff }
    };
    Ok(found.of.into_iter().map(|(j, w)| (name(&j), drop(w))).collect())
}

/// The levers of a model: the declared columns, or every feature while none is declared. An outcome proxy, found or declared,
/// is locked until the analyst overrides it; what nobody sets stays where it is.
pub fn levers(model: &dyn Model, roles: &Roles, overridden: &[String], drops: &BTreeMap<String, Drop>) -> Vec<Lever> {
    model
        .card()
        .features()
        .iter()
        .enumerate()
        .filter(|(_, f)| roles.levers.is_empty() || roles.levers.contains(&f.name) || roles.types.contains_key(&f.name))
        .map(|(feature, f)| {
            let found = drops.get(&f.name);
            let drop = found.map(|d| d.loss);
            let fixed = match roles.lever_type(&f.name) {
                Some(LeverType::Context) => Some(note!("strategy.fixed_context", column = &f.name)),
                Some(LeverType::Mediator) => Some(note!("strategy.fixed_mediator", column = &f.name)),
                Some(LeverType::Identifier) => Some(note!("strategy.fixed_identifier", column = &f.name)),
                _ => None,
            };
            if fixed.is_some() {
                return Lever { column: f.name.clone(), feature, status: LeverStatus::Fixed, reason: fixed, drop };
            }
            let late = matches!(roles.role(&f.name), Role::Value | Role::Event);
            let reason = if late {
                Some(note!("strategy.proxy_late", column = &f.name))
            } else {
                let measured = found.filter(|d| d.proxy).map(|d| {
                    let lost = numbers::fixed(d.loss, 3);
                    if d.with.is_empty() {
                        return note!("strategy.proxy", column = &f.name, drop = lost);
                    }
                    note!("strategy.proxy_together", column = &f.name, with = d.with.join(", "), drop = lost)
                });
                let said = roles.types.get(&f.name) == Some(&LeverType::Proxy);
                measured.or_else(|| said.then(|| note!("strategy.proxy_said", column = &f.name)))
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
    use crate::ml::train::train;
    use crate::ml::{ModelKind, ModelSpec, Outcome, OutcomeKind};

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
        assert!(drops["proxy"].proxy && drops["proxy"].loss > 0.05 && !drops["noise"].proxy && drops["noise"].loss < 0.02, "{drops:?}");
        let spec = ModelSpec { epochs: Some(5), ..ModelSpec::new("m", ModelKind::Gbdt) };
        let model = train(&spec, &data, &ctx).unwrap();
        let mut roles = Roles::default();
        let status = |l: &[Lever]| l.iter().map(|l| l.status).collect::<Vec<_>>();
        use LeverStatus::{Free, Locked, Overridden};
        let found = levers(model.as_ref(), &roles, &[], &drops);
        assert_eq!(status(&found), [Free, Free, Locked]);
        assert!(
            found[2].reason.as_ref().is_some_and(|r| r.code == "strategy.proxy") && found[2].drop == drops.get("proxy").map(|d| d.loss)
        );
        assert_eq!(status(&levers(model.as_ref(), &roles, &["proxy".to_owned()], &drops)), [Free, Free, Overridden]);
        // Known only afterwards, whatever it is worth; and only declared levers once any is declared.
        roles.of.insert("noise".into(), Role::Value);
        roles.levers.extend(["noise".to_owned(), "proxy".to_owned()]);
        let found = levers(model.as_ref(), &roles, &[], &drops);
        assert_eq!(found.iter().map(|l| (l.feature, l.status)).collect::<Vec<_>>(), [(1, Locked), (2, Locked)]);
        assert_eq!(found[0].reason.as_ref().map(|r| r.code.as_str()), Some("strategy.proxy_late"));
    }

    #[test]
    fn what_the_analyst_says_a_column_is_decides_what_may_move() {
        let data = data();
        let ctx = JobCtx::quiet();
        let model = train(&ModelSpec { epochs: Some(5), ..ModelSpec::new("m", ModelKind::Gbdt) }, &data, &ctx).unwrap();
        use LeverStatus::{Fixed, Free, Locked, Overridden};
        let of = |kind: LeverType, overridden: &[String]| {
            let roles = Roles { types: [("noise".to_owned(), kind)].into(), ..Roles::default() };
            let found = levers(model.as_ref(), &roles, overridden, &BTreeMap::new());
            (found[1].status, found[1].reason.as_ref().map(|r| r.code.clone()).unwrap_or_default())
        };
        let noise = ["noise".to_owned()];
        for (kind, status, code) in [
            (LeverType::Lever, Free, ""),
            (LeverType::Proxy, Locked, "strategy.proxy_said"),
            (LeverType::Context, Fixed, "strategy.fixed_context"),
            (LeverType::Mediator, Fixed, "strategy.fixed_mediator"),
            (LeverType::Identifier, Fixed, "strategy.fixed_identifier"),
        ] {
            assert_eq!(of(kind, &[]), (status, code.to_owned()));
            // An override opens a proxy, and nothing that nobody sets.
            let opened = if status == Locked { Overridden } else { status };
            assert_eq!(of(kind, &noise).0, opened);
        }
        // Beside declared levers, columns of another type are still listed, so that their reason can be read.
        let roles =
            Roles { levers: ["cause".to_owned()].into(), types: [("noise".to_owned(), LeverType::Context)].into(), ..Roles::default() };
        let found = levers(model.as_ref(), &roles, &[], &BTreeMap::new());
        assert_eq!(found.iter().map(|l| (l.column.as_str(), l.status)).collect::<Vec<_>>(), [("cause", Free), ("noise", Fixed)]);
    }
}
