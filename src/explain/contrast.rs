//! Why A and not B? The difference between two outputs, shared fairly among the features: of two rows, of two groups of
//! rows, or of two versions of a model on the same rows. What the features get sums to the difference.

mod chances;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, JobCtx, Notice, Result};
use crate::data::FeatureMatrix;
use crate::ml::Model;
use crate::ml::ensemble::Link;
use crate::ml::model::{Scale, Structure};
use crate::{fault, note};

use super::attribution::{Attribution, Method};
use super::game::Game;
use super::method::{ExplainOptions, explain, predictions};
use super::players::Players;
use super::reference::Reference;
use super::sampling;

/// What is set against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Two rows, or two items.
    Rows,
    /// Two groups of rows.
    Groups,
    /// Two models.
    Models,
}

/// A difference, feature by feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// What is set against what.
    pub kind: Kind,
    /// Name of the one.
    pub a: String,
    /// Name of the other.
    pub b: String,
    /// Which outcome.
    pub outcome: String,
    /// Scale of all outputs.
    pub scale: Scale,
    /// Whether the outputs are log-odds, not amounts or scores: then the sentence says so.
    #[serde(default)]
    pub log_odds: bool,
    /// Features, in file order.
    pub features: Vec<String>,
    /// Values of A as shown, where A is one row.
    pub to: Vec<Option<String>>,
    /// Values of B as shown, where B is one row.
    pub from: Vec<Option<String>>,
    /// What each feature makes of the difference.
    pub values: Vec<f64>,
    /// 95 % half-widths where values were sampled; empty when exact.
    pub half_width: Vec<f64>,
    /// Output of A (a mean for groups).
    pub value: f64,
    /// Output of B.
    pub base: f64,
    /// What is left: value − base − Σ values. For models it holds what their bases differ by besides.
    pub gap: f64,
    /// For models: what their bases differ by, which is the part of the gap that no feature has to answer for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bases: Option<f64>,
    /// Rows of A and of B, where they are groups; rows that both models were asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<(usize, usize)>,
    /// How the shares were computed.
    pub method: Method,
    /// Which model (A's, where there are two).
    pub model: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Whether a row's outputs are log-odds: neither amounts nor scores of classes.
fn log_odds(a: &Attribution) -> bool {
    a.scale == Scale::Margin && !a.amount && a.class.is_empty()
}

/// The method that shares a difference between rows of a model, where few players differ.
fn method(model: &dyn Model, scale: Scale, differing: usize) -> Method {
    match model.structure() {
        Structure::Trees(e) if scale == Scale::Margin && e.link != Link::Log => Method::TreeShapReference,
        Structure::Additive(_) if scale == Scale::Margin => Method::LinearShap,
        // The game between two rows, on the scale shown: exact while few features differ.
        _ if differing <= sampling::MOST_EXACT => Method::ExactShap,
        _ => Method::PermutationShap,
    }
}

/// Two rows: what it takes to get from B's output to A's.
pub fn rows(model: &dyn Model, a: (&[f64], &str), b: (&[f64], &str), options: &ExplainOptions, ctx: &JobCtx) -> Result<Contrast> {
    let features = model.card().features();
    let one = |row: &[f64]| FeatureMatrix { n_features: row.len(), values: row.to_vec() };
    if a.0.len() != features.len() || b.0.len() != features.len() {
        return Err(fault!("explain.shape", model = &model.card().spec.name, features = a.0.len(), expected = features.len(), rows = 2));
    }
    let players = options.players.as_deref().cloned().unwrap_or_else(|| Players::single(features));
    if players.of.len() != features.len() {
        return Err(fault!(
            "explain.shape",
            model = &model.card().spec.name,
            features = players.of.len(),
            expected = features.len(),
            rows = 2
        ));
    }
    // Players in which the rows agree move nothing, so they play as one with the first that differs.
    let same = |f: &usize| a.0[*f] == b.0[*f] || (a.0[*f].is_nan() && b.0[*f].is_nan());
    let members: Vec<Vec<usize>> = (0..players.count()).map(|p| players.members(p)).collect();
    let differing: Vec<usize> = (0..players.count()).filter(|&p| !members[p].iter().all(same)).collect();
    let reference = Reference { label: b.1.to_owned(), x: one(b.0), of: 1 };
    let scale =
        if model.card().outcomes.get(options.outcome).is_some_and(crate::ml::Outcome::is_binary) { options.scale } else { Scale::Margin };
    let method = method(model, scale, differing.len());
    let mut options = ExplainOptions { method: Some(method), reference: Some(Arc::new(reference)), scale, ..options.clone() };
    let folded = method == Method::ExactShap && !differing.is_empty();
    if folded {
        let of = players.of.iter().map(|p| differing.iter().position(|d| d == p).unwrap_or(0)).collect();
        let names = differing.iter().map(|p| players.names[*p].clone()).collect();
        options.players = Some(Arc::new(Players { names, of }));
    } else if method == Method::ExactShap {
        options.method = Some(Method::PermutationShap);
    }
    let found = explain(model, &one(a.0), &[0], &Fingerprint::default(), &options, ctx)?;
    let spread = |v: &[f64]| -> Vec<f64> {
        if !folded || v.is_empty() {
            return v.to_vec();
        }
        let mut out = vec![0.0; players.count()];
        differing.iter().zip(v).for_each(|(f, v)| out[*f] = *v);
        out
    };
    let one_of = |row: &[f64], m: &[usize]| if let [f] = m { features[*f].show(row[*f]) } else { "…".to_owned() };
    let shown = |row: &[f64]| members.iter().map(|m| Some(one_of(row, m))).collect();
    Ok(Contrast {
        kind: Kind::Rows,
        a: a.1.to_owned(),
        b: b.1.to_owned(),
        outcome: found.outcome.clone(),
        scale: found.scale,
        log_odds: log_odds(&found),
        features: players.names.clone(),
        to: shown(a.0),
        from: shown(b.0),
        values: spread(&found.values),
        half_width: spread(&found.half_width),
        value: found.predictions[0],
        base: found.base,
        gap: found.gaps[0],
        bases: None,
        rows: None,
        method: options.method.unwrap_or(method),
        model: found.model,
        warnings: found.warnings,
    })
}

/// Two groups: mean attribution of A's rows against B as the reference group.
pub fn groups(model: &dyn Model, a: &Reference, b: &Reference, options: &ExplainOptions, ctx: &JobCtx) -> Result<Contrast> {
    // On the scale shown: a difference of log-odds is none of chances. What has a shortcut on the score takes it there only.
    let binary = model.card().outcomes.get(options.outcome).is_some_and(crate::ml::Outcome::is_binary);
    let scale = if binary { options.scale } else { Scale::Margin };
    let method = match model.structure() {
        Structure::Trees(e) if scale == Scale::Margin && e.link != Link::Log => Method::TreeShapReference,
        Structure::Additive(_) if scale == Scale::Margin => Method::LinearShap,
        _ => Method::PermutationShap,
    };
    if a.x.n_rows() == 0 || b.x.n_rows() == 0 {
        return Err(fault!("explain.no_rows"));
    }
    if method == Method::PermutationShap && matches!(model.structure(), Structure::Trees(_) | Structure::Additive(_)) {
        return quick(model, a, b, scale, options, ctx);
    }
    let options = ExplainOptions { method: Some(method), reference: Some(Arc::new(b.clone())), scale, ..options.clone() };
    let lines: Vec<u32> = (0..a.x.n_rows() as u32).collect();
    let found = explain(model, &a.x, &lines, &Fingerprint::default(), &options, ctx)?;
    let (n, m) = (lines.len() as f64, found.n_features());
    let mean = |v: &[f64], f: usize| v.iter().skip(f).step_by(m).sum::<f64>() / n;
    let name = |r: &Reference| if r.label.is_empty() { "–".to_owned() } else { r.label.clone() };
    let width = |f: usize| (found.half_width.iter().skip(f).step_by(m).map(|w| w * w).sum::<f64>()).sqrt() / n;
    Ok(Contrast {
        kind: Kind::Groups,
        a: name(a),
        b: name(b),
        outcome: found.outcome.clone(),
        scale: found.scale,
        log_odds: log_odds(&found),
        features: found.features.clone(),
        to: vec![None; m],
        from: vec![None; m],
        values: (0..m).map(|f| mean(&found.values, f)).collect(),
        half_width: if found.half_width.is_empty() { Vec::new() } else { (0..m).map(width).collect() },
        value: found.predictions.iter().sum::<f64>() / n,
        base: found.base,
        gap: found.gaps.iter().sum::<f64>() / n,
        bases: None,
        rows: Some((a.x.n_rows(), b.x.n_rows())),
        method,
        model: found.model,
        warnings: found.warnings,
    })
}

/// Two groups by pairs of their rows: for models that answer so quickly that all rows of both can be asked about.
fn quick(model: &dyn Model, a: &Reference, b: &Reference, scale: Scale, options: &ExplainOptions, ctx: &JobCtx) -> Result<Contrast> {
    let card = model.card();
    let players = options.players.as_deref().cloned().unwrap_or_else(|| Players::single(card.features()));
    for x in [&a.x, &b.x] {
        super::method::check(model, x, &(0..x.n_rows() as u32).collect::<Vec<_>>(), options.outcome)?;
    }
    let game = Game { model, reference: &b.x, players: &players, outcome: options.outcome, scale, less: None };
    let quiet = ctx.without_stage();
    let outputs = game.outputs(&a.x, &quiet)?;
    let (value, base) = (outputs.iter().sum::<f64>() / outputs.len() as f64, game.base(&quiet)?);
    let found = chances::shares(&game, &a.x, options.seed, ctx)?;
    let name = |r: &Reference| if r.label.is_empty() { "–".to_owned() } else { r.label.clone() };
    let (m, outcome) = (players.count(), &card.outcomes[options.outcome]);
    Ok(Contrast {
        kind: Kind::Groups,
        a: name(a),
        b: name(b),
        outcome: outcome.label(),
        scale,
        log_odds: scale == Scale::Margin && outcome.is_binary() && !outcome.is_class(),
        features: players.names.clone(),
        to: vec![None; m],
        from: vec![None; m],
        gap: value - base - found.values.iter().sum::<f64>(),
        values: found.values,
        half_width: found.half_width,
        value,
        base,
        bases: None,
        rows: Some((a.x.n_rows(), b.x.n_rows())),
        method: Method::PermutationShap,
        model: card.fingerprint.clone(),
        warnings: vec![note!("explain.sampled_pairs", calls = found.calls, seed = options.seed)],
    })
}

/// Two models on the same rows: how each feature's mean attribution differs. The gap is what their bases differ by.
pub fn models(a: (&dyn Model, &Attribution), b: (&dyn Model, &Attribution)) -> Result<Contrast> {
    let (x, y) = (a.1, b.1);
    if x.features != y.features || x.rows != y.rows || x.scale != y.scale || x.rows.is_empty() {
        return Err(fault!("explain.contrast_features"));
    }
    let (n, m) = (x.rows.len() as f64, x.n_features());
    let values: Vec<f64> = (0..m).map(|f| (0..x.rows.len()).map(|i| x.row(i)[f] - y.row(i)[f]).sum::<f64>() / n).collect();
    let mean = |a: &Attribution| a.predictions.iter().sum::<f64>() / n;
    let (value, base) = (mean(x), mean(y));
    Ok(Contrast {
        kind: Kind::Models,
        a: a.0.card().spec.name.clone(),
        b: b.0.card().spec.name.clone(),
        outcome: x.outcome.clone(),
        scale: x.scale,
        log_odds: log_odds(x),
        features: x.features.clone(),
        to: vec![None; m],
        from: vec![None; m],
        gap: value - base - values.iter().sum::<f64>(),
        values,
        half_width: Vec::new(),
        value,
        base,
        bases: Some(x.base - y.base),
        rows: Some((x.rows.len(), x.rows.len())),
        method: x.method,
        model: x.model.clone(),
        warnings: Vec::new(),
    })
}

/// Outputs of two rows differ by this much: for callers that want to know before they ask.
pub fn difference(model: &dyn Model, a: &[f64], b: &[f64], outcome: usize, scale: Scale, ctx: &JobCtx) -> Result<f64> {
    let x = FeatureMatrix { n_features: a.len(), values: [a, b].concat() };
    let p = predictions(model, &x, outcome, scale, ctx)?;
    Ok(p[0] - p[1])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line_model, trees_model};
    use super::super::tree_shap::tests::{random_ensemble, random_row};
    use super::*;
    use crate::base::{Lang, rng};
    use crate::explain::words;

    fn on(scale: Scale) -> ExplainOptions {
        ExplainOptions { scale, ..ExplainOptions::default() }
    }

    #[test]
    fn it_sums_to_the_gap_and_turns_with_its_sides() {
        let mut rng = rng::rng(51, "contrast");
        for seed in 0..20 {
            let m = 3 + seed as usize % 4;
            let model = trees_model(random_ensemble(seed, m, 6, 4, 1));
            let (a, b) = (random_row(&mut rng, m), random_row(&mut rng, m));
            for scale in [Scale::Margin, Scale::Probability] {
                let one = rows(&model, (&a, "A"), (&b, "B"), &on(scale), &JobCtx::quiet()).unwrap();
                let other = rows(&model, (&b, "B"), (&a, "A"), &on(scale), &JobCtx::quiet()).unwrap();
                assert!(one.gap.abs() < 1e-9 && one.half_width.is_empty(), "{one:?}");
                let gap = difference(&model, &a, &b, 0, scale, &JobCtx::quiet()).unwrap();
                assert!((one.values.iter().sum::<f64>() - gap).abs() < 1e-9);
                assert!(one.values.iter().zip(&other.values).all(|(x, y)| (x + y).abs() < 1e-9), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_line_gives_its_slopes() {
        let model = line_model(vec![2.0, -3.0, 1.0]);
        let (a, b) = ([1.0, 1.0, 4.0], [0.0, 3.0, 4.0]);
        let c = rows(&model, (&a, "row 1"), (&b, "row 2"), &on(Scale::Margin), &JobCtx::quiet()).unwrap();
        assert!((c.value - c.base - 8.0).abs() < 1e-12 && c.gap.abs() < 1e-12, "{c:?}");
        assert!(c.values.iter().zip([2.0, 6.0, 0.0]).all(|(v, w)| (v - w).abs() < 1e-12), "{c:?}");
    }

    #[test]
    fn groups_and_models() {
        let mut rng = rng::rng(52, "groups");
        let (one, two) = (trees_model(random_ensemble(1, 4, 6, 4, 1)), trees_model(random_ensemble(2, 4, 6, 4, 1)));
        let draw =
            |rng: &mut rng::Rng, n: usize| FeatureMatrix { n_features: 4, values: (0..n).flat_map(|_| random_row(rng, 4)).collect() };
        let a = Reference { label: "A".into(), x: draw(&mut rng, 30), of: 30 };
        let b = Reference { label: "B".into(), x: draw(&mut rng, 20), of: 20 };
        let c = groups(&one, &a, &b, &on(Scale::Margin), &JobCtx::quiet()).unwrap();
        assert!(c.gap.abs() < 1e-9 && (c.value - c.base - c.values.iter().sum::<f64>()).abs() < 1e-9);
        let back = groups(&one, &b, &a, &on(Scale::Margin), &JobCtx::quiet()).unwrap();
        assert!(c.values.iter().zip(&back.values).all(|(x, y)| (x + y).abs() < 1e-9));
        let lines: Vec<u32> = (0..30).collect();
        let of = |m: &dyn Model| explain(m, &a.x, &lines, &Fingerprint::default(), &on(Scale::Margin), &JobCtx::quiet()).unwrap();
        let c = models((&one, &of(&one)), (&two, &of(&two))).unwrap();
        let bases = of(&one).base - of(&two).base;
        assert!((c.gap - bases).abs() < 1e-9 && c.kind == Kind::Models);
        assert!((c.bases.unwrap() - bases).abs() < 1e-12, "what no feature has to answer for is said");
    }

    #[test]
    fn groups_are_told_apart_on_the_scale_shown() {
        let mut rng = rng::rng(55, "groups chance");
        let model = trees_model(random_ensemble(3, 4, 6, 4, 1));
        let draw = |rng: &mut rng::Rng| FeatureMatrix { n_features: 4, values: (0..12).flat_map(|_| random_row(rng, 4)).collect() };
        let group = |x: FeatureMatrix, label: &str| Reference { label: label.into(), x, of: 12 };
        let (a, b) = (group(draw(&mut rng), "A"), group(draw(&mut rng), "B"));
        let c = groups(&model, &a, &b, &on(Scale::Probability), &JobCtx::quiet()).unwrap();
        let chances = |r: &Reference| predictions(&model, &r.x, 0, Scale::Probability, &JobCtx::quiet()).unwrap();
        let mean = |r: &Reference| chances(r).iter().sum::<f64>() / 12.0;
        assert_eq!(c.scale, Scale::Probability);
        assert!((c.value - mean(&a)).abs() < 1e-12 && (c.base - mean(&b)).abs() < 1e-12, "chances, as the window shows them: {c:?}");
        assert!((c.value - c.base - c.values.iter().sum::<f64>() - c.gap).abs() < 1e-12 && c.gap.abs() < 1e-9);
        // By brute force: the mean over A's rows of the game in which a feature that is out is drawn from B.
        let mut want = [0.0; 4];
        for i in 0..12 {
            let players = Players::single(model.card().features());
            let game = crate::explain::game::Game {
                model: &model,
                reference: &b.x,
                players: &players,
                outcome: 0,
                scale: Scale::Probability,
                less: None,
            };
            let worth = game.worths(a.x.row(i), 16, |s, p| s >> p & 1 == 1, &JobCtx::quiet()).unwrap();
            crate::base::coalition::shapley(4, &worth).iter().zip(&mut want).for_each(|(v, w)| *w += v / 12.0);
        }
        for (f, w) in want.iter().enumerate() {
            assert!((c.values[f] - w).abs() <= 3.0 * c.half_width[f] + 1e-9, "{f}: {} is not {w} ± {}", c.values[f], c.half_width[f]);
        }
    }

    #[test]
    fn groups_of_features_are_one_player_of_a_difference() {
        let mut rng = rng::rng(54, "grouped contrast");
        let of = |pairs: &[(&str, &[&str])]| -> std::collections::BTreeMap<String, Vec<String>> {
            pairs.iter().map(|(n, m)| ((*n).to_owned(), m.iter().map(ToString::to_string).collect())).collect()
        };
        for seed in 0..10 {
            let model = trees_model(random_ensemble(seed, 5, 6, 4, 1));
            let features = model.card().features();
            let players = Players::grouped(features, &of(&[("g", &["f1", "f3"])])).unwrap();
            let (a, mut b) = (random_row(&mut rng, 5), random_row(&mut rng, 5));
            b[4] = a[4];
            for scale in [Scale::Margin, Scale::Probability] {
                let options = ExplainOptions { players: Some(Arc::new(players.clone())), ..on(scale) };
                let c = rows(&model, (&a, "A"), (&b, "B"), &options, &JobCtx::quiet()).unwrap();
                assert_eq!((c.features.join(" "), c.to[1].as_deref()), ("f0 g f2 f4".to_owned(), Some("…")));
                assert!(c.gap.abs() < 1e-9 && c.values[3] == 0.0, "{c:?}");
                // By brute force: the game of four players that take A's values or B's.
                let game = crate::explain::game::Game {
                    model: &model,
                    reference: &FeatureMatrix { n_features: 5, values: b.clone() },
                    players: &players,
                    outcome: 0,
                    scale,
                    less: None,
                };
                let worth = game.worths(&a, 16, |s, p| s >> p & 1 == 1, &JobCtx::quiet()).unwrap();
                let phi = crate::base::coalition::shapley(4, &worth);
                assert!(c.values.iter().zip(&phi).all(|(v, w)| (v - w).abs() < 1e-9), "{:?} {phi:?}", c.values);
            }
        }
    }

    #[test]
    fn the_sentence_names_the_strongest_first() {
        let mut rng = rng::rng(53, "said");
        let mut said = 0;
        for seed in 0..40 {
            let model = trees_model(random_ensemble(seed, 5, 6, 4, 1));
            let (a, b) = (random_row(&mut rng, 5), random_row(&mut rng, 5));
            let c = rows(&model, (&a, "A"), (&b, "B"), &on(Scale::Probability), &JobCtx::quiet()).unwrap();
            for lang in [Lang::En, Lang::Zh] {
                let text = words::contrast(&c, lang);
                let mut order: Vec<usize> = (0..5).filter(|&f| c.values[f] != 0.0).collect();
                order.sort_by(|x, y| c.values[*y].abs().total_cmp(&c.values[*x].abs()).then(x.cmp(y)));
                if (c.value - c.base).abs() > 0.001 {
                    let opens = if lang == Lang::En { " (" } else { "（" };
                    let place = |f: &usize| text.find(&format!("f{f} ")).into_iter().chain(text.find(&format!("f{f}{opens}"))).min();
                    let places: Vec<Option<usize>> = order.iter().take(3).map(place).collect();
                    assert!(places.iter().all(Option::is_some) && places.windows(2).all(|w| w[0] < w[1]), "{text} {:?}", c.values);
                    said += 1;
                }
            }
        }
        assert!(said >= 40, "{said}");
    }
}
