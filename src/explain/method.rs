//! The entry: which method explains which model, for which rows, on which scale.

use std::sync::Arc;

use crate::base::numbers::{percent, plain, points};
use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::FeatureMatrix;
use crate::ml::DeviceChoice;
use crate::ml::Model;
use crate::ml::ensemble::Link;
use crate::ml::model::{Scale, Structure};
use crate::{fault, note};

use super::attribution::{Attribution, Method};
use super::game::Game;
use super::players::Players;
use super::reference::{MOST_PREDICTED, MOST_TREES, Reference};
use super::sampling::{self, Way};
use super::{additive, gradients, probability, tree_shap, trees};

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
    /// The group to compare with, for methods that compare.
    pub reference: Option<Arc<Reference>>,
    /// Who plays; every feature for itself if absent.
    pub players: Option<Arc<Players>>,
    /// Coalitions asked per row by methods that draw them.
    pub budget: usize,
    /// Where tables of trees are summed; the other methods compute where the model does.
    pub device: DeviceChoice,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            method: None,
            scale: Scale::Probability,
            outcome: 0,
            seed: 1,
            gap: 0.01,
            reference: None,
            players: None,
            budget: 2_048,
            device: DeviceChoice::Cpu,
        }
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

impl Found {
    fn exact(values: Vec<f64>, base: f64, note: &'static str) -> Self {
        Self { values, base, note, half_width: Vec::new(), exact: true, warnings: Vec::new() }
    }
}

/// The methods that explain a model, its own first.
pub fn methods(structure: &Structure<'_>) -> Vec<Method> {
    let mut out = match structure {
        Structure::Additive(_) => vec![Method::LinearShap],
        Structure::Opaque => Vec::new(),
        Structure::Trees(e) if !e.has_covers() => vec![Method::TreeShapReference],
        // Interactions add up on the score, which is no amount where the trees add up its logarithm.
        Structure::Trees(e) if e.link == Link::Log => vec![Method::TreeShap, Method::TreeShapReference],
        Structure::Trees(_) => vec![Method::TreeShap, Method::TreeShapReference, Method::Interactions],
        Structure::Network(net) if net.tokens().is_empty() => vec![Method::IntegratedGradients, Method::ExpectedGradients],
        Structure::Network(_) => vec![
            Method::IntegratedGradients,
            Method::ExpectedGradients,
            Method::Attention,
            Method::AttentionGradient,
            Method::AttentionRollout,
            Method::AttentionTested,
        ],
    };
    out.extend([Method::PermutationShap, Method::KernelShap, Method::ProxyShap, Method::ExactShap, Method::Lime]);
    out
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
    let fitting = methods(&structure);
    let method = options.method.unwrap_or(fitting[0]);
    if !fitting.contains(&method) || method.is_attention() || method == Method::Interactions {
        let names: Vec<&str> = fitting.iter().map(|m| m.name()).collect();
        return Err(fault!("explain.unsupported", method = method.name(), kind = card.spec.kind.name(), fits = names.join(", ")));
    }
    let players = options.players.as_deref().cloned().unwrap_or_else(|| Players::single(card.features()));
    if players.of.len() != x.n_features {
        return Err(fault!(
            "explain.shape",
            model = &card.spec.name,
            features = players.of.len(),
            expected = x.n_features,
            rows = rows.len()
        ));
    }
    let predictions = predictions(model, x, options.outcome, scale, ctx)?;
    let reference = match (&options.reference, method) {
        (Some(r), Method::LinearShap | Method::TreeShapReference) => Some(r.limited(MOST_TREES, options.seed)),
        (Some(r), m) if m.needs_reference() => Some(r.limited(MOST_PREDICTED, options.seed)),
        (None, m) if m.needs_reference() => return Err(fault!("explain.no_reference")),
        _ => None,
    };
    let everyone = reference.as_ref().is_none_or(|r| r.label.is_empty());
    let of_group = if everyone { "explain.base_everyone" } else { "explain.base_group" };
    let group_odds = if everyone { "explain.base_everyone_odds" } else { "explain.base_group_odds" };
    let on = trees::gpu::On::new(options.device.clone());
    let found = match (structure, method, &reference) {
        (Structure::Trees(e), Method::TreeShap, _) if scale == Scale::Margin && e.link != Link::Log => {
            let values = trees::path_dependent_on(e, x, options.outcome, &players, &on, ctx)?;
            Found::exact(values, tree_shap::base(e, options.outcome), "explain.base_trees")
        }
        (Structure::Trees(e), Method::TreeShap, _) if e.link == Link::Softmax => {
            let found = probability::classes::trees(e, x, rows, options.outcome, (&players, options.seed), &[], ctx)?;
            of_game(found, "explain.base_trees_class", scale, options.seed)
        }
        (Structure::Trees(e), Method::TreeShap, _) => {
            let setting = probability::Setting { players: &players, group: None, seed: options.seed };
            let found = probability::trees(e, x, rows, options.outcome, setting, ctx)?;
            of_game(
                found,
                if e.link == Link::Log { "explain.base_trees_log" } else { "explain.base_trees_probability" },
                scale,
                options.seed,
            )
        }
        (Structure::Trees(e), Method::TreeShapReference, Some(r)) => {
            let against = trees::AgainstGroup::new(e, options.outcome, &players, &r.x, ctx)?;
            if scale == Scale::Margin && e.link != Link::Log {
                Found::exact(against.values_on(x, &on, ctx)?, against.base, of_group)
            } else if e.link == Link::Softmax {
                let all: Vec<trees::AgainstGroup> =
                    (0..e.n_outputs).map(|k| trees::AgainstGroup::new(e, k, &players, &r.x, ctx)).collect::<Result<_>>()?;
                let groups: Vec<_> = all.iter().map(|a| (&a.group, a.base)).collect();
                let found = probability::classes::trees(e, x, rows, options.outcome, (&players, options.seed), &groups, ctx)?;
                of_game(found, if everyone { "explain.base_everyone_class" } else { "explain.base_group_class" }, scale, options.seed)
            } else {
                let setting = probability::Setting { players: &players, group: Some((&against.group, against.base)), seed: options.seed };
                let found = probability::trees(e, x, rows, options.outcome, setting, ctx)?;
                let group_log = if everyone { "explain.base_everyone_log" } else { "explain.base_group_log" };
                of_game(found, if e.link == Link::Log { group_log } else { group_odds }, scale, options.seed)
            }
        }
        (Structure::Additive(a), Method::LinearShap, r) => {
            let (terms, base) = additive::margins(a, x, r.as_ref().map(|r| &r.x), options.outcome, ctx)?;
            let terms = players.sum(terms);
            let note = if r.is_none() {
                "explain.base_mean"
            } else if scale == Scale::Margin {
                of_group
            } else {
                group_odds
            };
            if scale == Scale::Margin {
                Found::exact(terms, base, note)
            } else {
                of_game(probability::additive(&terms, base, players.count(), rows, options.seed, ctx)?, note, scale, options.seed)
            }
        }
        (Structure::Network(net), Method::IntegratedGradients, _) => {
            let found = gradients::integrated(net, x, options.outcome, scale, options.gap, ctx)?;
            Found { exact: false, ..Found::exact(players.sum(found.values), found.base, "explain.base_reference") }
        }
        (Structure::Network(net), Method::ExpectedGradients, Some(r)) => {
            let found = gradients::expected(net, x, &r.x, options.outcome, scale, options.gap, ctx)?;
            Found { exact: false, ..Found::exact(players.sum(found.values), found.base, of_group) }
        }
        (_, method, Some(r)) => {
            let game = Game { model, reference: &r.x, players: &players, outcome: options.outcome, scale, less: None };
            let way = match method {
                Method::ExactShap => Way::Exact,
                Method::KernelShap => Way::Kernel(options.budget),
                Method::Lime => Way::Local(options.budget),
                // The proxy learns from the whole group, not from the few rows of it that are asked.
                Method::ProxyShap => Way::Proxy(options.reference.as_ref().map_or(&r.x, |all| &all.x)),
                _ => Way::Orders,
            };
            let found = sampling::explain(&game, x, rows, way, options.seed, ctx)?;
            let mut warnings = Vec::new();
            if !found.half_width.is_empty() {
                let width = found.half_width.iter().copied().fold(0.0, f64::max);
                let (calls, seed) = (found.calls, options.seed.to_string());
                warnings.push(note!("explain.sampled_any", calls = calls, seed = seed, width = shown(width, scale)));
            }
            let exact = found.half_width.is_empty() && method != Method::Lime;
            Found { values: found.values, base: found.base, note: of_group, half_width: found.half_width, exact, warnings }
        }
        _ => return Err(fault!("explain.no_reference")),
    };
    let m = players.count();
    let gaps: Vec<f64> =
        predictions.iter().enumerate().map(|(i, p)| p - found.base - found.values[i * m..(i + 1) * m].iter().sum::<f64>()).collect();
    warnings.extend(found.warnings);
    warnings.extend(on.notices());
    let limit = |i: usize| options.gap * (predictions[i] - found.base).abs().max(0.01);
    let open: Vec<f64> = (0..gaps.len()).filter(|&i| gaps[i].is_nan() || gaps[i].abs() > limit(i)).map(|i| gaps[i].abs()).collect();
    if !open.is_empty() {
        let worst = open.iter().copied().fold(0.0, f64::max);
        warnings.push(note!("explain.gap_open", rows = open.len(), limit = percent(options.gap), worst = shown(worst, scale)));
    }
    let base = if scale == Scale::Margin { plain(found.base) } else { percent(found.base) };
    let note = reference.as_ref().map(Reference::note);
    let mut base_note = Notice::new(found.note).with("base", base);
    if let Some(n) = &note {
        base_note = base_note.with("group", &n.label).with("rows", n.rows);
    }
    let single = players.is_single();
    let members: Vec<Vec<usize>> = if single { Vec::new() } else { (0..m).map(|p| players.members(p)).collect() };
    let inputs = if single { x.values.clone() } else { of_players(x, &members) };
    Ok(Attribution {
        method,
        scale,
        outcome: outcome.label(),
        class: outcome.class().to_owned(),
        outcome_index: options.outcome,
        amount: !outcome.is_binary(),
        exact: found.exact,
        features: players.names,
        members,
        reference: note,
        rows: rows.to_vec(),
        inputs,
        values: found.values,
        base: found.base,
        base_note,
        predictions,
        gaps,
        half_width: found.half_width,
        seed: options.seed,
        model: card.fingerprint.clone(),
        data: data.clone(),
        warnings,
    })
}

/// Outputs of one outcome on a scale.
pub(super) fn predictions(model: &dyn Model, x: &FeatureMatrix, outcome: usize, scale: Scale, ctx: &JobCtx) -> Result<Vec<f64>> {
    let all = if scale == Scale::Margin { model.margins(x, ctx)? } else { model.predict(x, ctx)? };
    Ok(all.into_iter().skip(outcome).step_by(model.card().outcomes.len().max(1)).collect())
}

/// Inputs of players: the value of a lone feature, nothing for a group.
fn of_players(x: &FeatureMatrix, members: &[Vec<usize>]) -> Vec<f64> {
    let one = |row: &[f64], m: &[usize]| if let [f] = m { row[*f] } else { f64::NAN };
    (0..x.n_rows()).flat_map(|i| members.iter().map(move |m| one(x.row(i), m))).collect()
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

fn of_game(found: probability::Explained, note: &'static str, scale: Scale, seed: u64) -> Found {
    let mut warnings = Vec::new();
    if !found.half_width.is_empty() {
        let width = found.half_width.iter().copied().fold(0.0, f64::max);
        warnings.push(note!(
            "explain.sampled",
            features = found.players,
            most = probability::MOST_ORDERS,
            seed = seed.to_string(),
            width = shown(width, scale)
        ));
    }
    let exact = found.half_width.is_empty();
    Found { values: found.values, base: found.base, note, half_width: found.half_width, exact, warnings }
}

/// A size of difference on a scale, without sign.
fn shown(x: f64, scale: Scale) -> String {
    if scale == Scale::Margin { plain(x) } else { points(x).trim_start_matches('+').to_owned() }
}
