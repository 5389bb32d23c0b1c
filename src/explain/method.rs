//! The entry: which method explains which model, for which rows, on which scale.

use crate::base::numbers::{percent, plain, points};
use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::FeatureMatrix;
use crate::ml::Model;
use crate::ml::model::{Scale, Structure};
use crate::{fault, note};

use super::attribution::{Attribution, Method};
use super::{additive, gradients, probability, tree_shap};

/// What to explain and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainOptions {
    /// The method; the model's own exact or default one if `None`.
    pub method: Option<Method>,
    /// Log-odds or probability.
    pub scale: Scale,
    /// Which outcome.
    pub outcome: usize,
    /// Seed where sampling is needed.
    pub seed: u64,
    /// Largest accepted completeness gap of Integrated Gradients, as a share of max(|Δp|, 0.01).
    pub gap: f64,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self { method: None, scale: Scale::Probability, outcome: 0, seed: 1, gap: 0.01 }
    }
}

/// What a method gave, before it is wrapped.
struct Found {
    values: Vec<f64>,
    base: f64,
    note: &'static str,
    half_width: Vec<f64>,
    exact: bool,
    warnings: Vec<Notice>,
}

/// Explains rows `x` (whose lines in the file are `rows`) of `model`.
pub fn explain(
    model: &dyn Model,
    x: &FeatureMatrix,
    rows: &[u32],
    data: &Fingerprint,
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<Attribution> {
    let card = model.card();
    check(model, x, rows, options.outcome)?;
    let outcome = &card.outcomes[options.outcome];
    let mut warnings = Vec::new();
    // An amount has one scale only: its own.
    let scale = if outcome.is_binary() { options.scale } else { Scale::Margin };
    if scale != options.scale {
        warnings.push(note!("explain.number_margin", outcome = &outcome.name));
    }
    let structure = model.structure();
    let own = match &structure {
        Structure::Additive(_) => Method::LinearShap,
        Structure::Trees(_) => Method::TreeShap,
        Structure::Network(_) => Method::IntegratedGradients,
    };
    let method = options.method.unwrap_or(own);
    if method != own {
        let kind = card.spec.kind.name();
        return Err(fault!("explain.unsupported", method = method.name(), kind = kind, fits = own.name()));
    }
    let all = if scale == Scale::Margin { model.margins(x, ctx)? } else { model.predict(x, ctx)? };
    let predictions: Vec<f64> = all.iter().skip(options.outcome).step_by(card.outcomes.len()).copied().collect();
    let found = match structure {
        Structure::Trees(e) if scale == Scale::Margin => Found {
            values: tree_shap::shapley_rows(e, x, options.outcome, ctx)?,
            base: tree_shap::base(e, options.outcome),
            note: "explain.base_trees",
            half_width: Vec::new(),
            exact: true,
            warnings: Vec::new(),
        },
        Structure::Trees(e) => {
            let found = probability::trees(e, x, rows, options.outcome, options.seed, ctx)?;
            of_game(found, "explain.base_trees_probability", options.seed)
        }
        Structure::Additive(a) if scale == Scale::Margin => Found {
            values: additive::margins(a, x, options.outcome, ctx)?,
            base: a.base(options.outcome),
            note: "explain.base_mean",
            half_width: Vec::new(),
            exact: true,
            warnings: Vec::new(),
        },
        Structure::Additive(a) => {
            let found = probability::additive(a, x, rows, options.outcome, options.seed, ctx)?;
            of_game(found, "explain.base_mean", options.seed)
        }
        Structure::Network(net) => {
            let found = gradients::integrated(net, x, options.outcome, scale, options.gap, ctx)?;
            Found {
                values: found.values,
                base: found.base,
                note: "explain.base_reference",
                half_width: Vec::new(),
                exact: false,
                warnings: Vec::new(),
            }
        }
    };
    let m = x.n_features;
    let gaps: Vec<f64> =
        predictions.iter().enumerate().map(|(i, p)| p - found.base - found.values[i * m..(i + 1) * m].iter().sum::<f64>()).collect();
    warnings.extend(found.warnings);
    let limit = |i: usize| options.gap * (predictions[i] - found.base).abs().max(0.01);
    let open: Vec<f64> = (0..gaps.len()).filter(|&i| gaps[i].is_nan() || gaps[i].abs() > limit(i)).map(|i| gaps[i].abs()).collect();
    if !open.is_empty() {
        let worst = open.iter().copied().fold(0.0, f64::max);
        warnings.push(note!("explain.gap_open", rows = open.len(), limit = percent(options.gap), worst = shown(worst, scale)));
    }
    let base = if scale == Scale::Margin { plain(found.base) } else { percent(found.base) };
    Ok(Attribution {
        method,
        scale,
        outcome: outcome.name.clone(),
        outcome_index: options.outcome,
        exact: found.exact,
        features: card.features().iter().map(|f| f.name.clone()).collect(),
        rows: rows.to_vec(),
        inputs: x.values.clone(),
        values: found.values,
        base: found.base,
        base_note: Notice::new(found.note).with("base", base),
        predictions,
        gaps,
        half_width: found.half_width,
        seed: options.seed,
        model: card.fingerprint.clone(),
        data: data.clone(),
        warnings,
    })
}

/// Whether rows and outcome fit the model.
pub(super) fn check(model: &dyn Model, x: &FeatureMatrix, rows: &[u32], outcome: usize) -> Result<()> {
    let card = model.card();
    let name = &card.spec.name;
    if outcome >= card.outcomes.len() {
        return Err(fault!("explain.no_outcome", model = name, outcomes = card.outcomes.len(), outcome = outcome));
    }
    let expected = card.features().len();
    if x.n_features != expected || x.n_rows() != rows.len() {
        return Err(fault!("explain.shape", model = name, features = x.n_features, expected = expected, rows = rows.len()));
    }
    Ok(())
}

fn of_game(found: probability::Explained, note: &'static str, seed: u64) -> Found {
    let mut warnings = Vec::new();
    if !found.half_width.is_empty() {
        let width = found.half_width.iter().copied().fold(0.0, f64::max);
        warnings.push(note!(
            "explain.sampled",
            features = found.players,
            most = probability::MOST_ORDERS,
            seed = seed.to_string(),
            width = shown(width, Scale::Probability)
        ));
    }
    let exact = found.half_width.is_empty();
    Found { values: found.values, base: found.base, note, half_width: found.half_width, exact, warnings }
}

/// A size of difference on a scale, without sign.
fn shown(x: f64, scale: Scale) -> String {
    if scale == Scale::Margin { plain(x) } else { points(x).trim_start_matches('+').to_owned() }
}
