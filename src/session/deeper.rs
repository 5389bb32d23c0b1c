//! Questions that go deeper than *why this row*: what a feature does along its way, what would have to change, why this one
//! and not that one, how far an explanation may be trusted. Plain values in, plain values out, as in the pipeline.

use std::collections::BTreeMap;

use super::pipeline::{self, Prepared, Why, WhyRows};
use crate::base::{JobCtx, Result, rng};
use crate::data::{ColumnType, FeatureMatrix, Part, Segment};
use crate::explain::cohorts::{self, Cohorts};
use crate::explain::contrast::{self, Contrast};
use crate::explain::counterfactual::{self, Counterfactual, Rules, Wish};
use crate::explain::density::{Density, Gatherer};
use crate::explain::effect::{self, EffectCurve, Kind};
use crate::explain::everyone::{Adder, Everyone};
use crate::explain::importance::{self, PermutationImportance};
use crate::explain::pairs::{self, Pairs};
use crate::explain::redraw;
use crate::explain::segments::{self, Segments};
use crate::explain::surrogate::{self, Surrogate};
use crate::explain::trust::{self, Stability, Trust};
use crate::explain::typical::{self, Typical};
use crate::explain::{Attribution, ExplainOptions, Players, Reference};
use crate::fault;
use crate::ml::model::{Scale, Structure};
use crate::ml::train::TrainData;
use crate::ml::{Model, ModelSpec};
use crate::strategy::scenario::{Move, Setting};

/// Rows that a curve is made of, in the window.
const EFFECT_ROWS: usize = 2_000;
/// Real rows among which the nearest is looked for.
const REAL_ROWS: usize = 10_000;
/// The same for a network, whose every answer costs.
const REAL_ROWS_NETWORK: usize = 1_000;
/// Rows and questions of the small tree that stands for a model.
pub const SURROGATE_ROWS: usize = 6_000;
/// Questions from its root to an end.
pub const SURROGATE_DEPTH: usize = 3;
/// Rows that say which features are strong, before all rows are gone through.
const DENSITY_ROWS: usize = 10_000;
/// The same for a network.
const DENSITY_ROWS_NETWORK: usize = 500;
/// Rows whose reasons are compared, and of how many features.
const REASON_ROWS: usize = 1_500;
/// The strongest features stand for the reasons.
const REASONS: usize = 6;
/// Rows that stand in for what is taken out, when trust is tested.
const STAND_INS: usize = 500;

/// Rows that are shuffled, and how often.
const SHUFFLED: usize = 5_000;
const SHUFFLED_NETWORK: usize = 1_000;
const SHUFFLES: usize = 8;
/// Times that a model is trained again, and rows explained by each.
const VERSIONS: u64 = 3;
const VERSION_ROWS: usize = 200;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// What the outcome does as one or two features change.
    Effect {
        /// Name of the model.
        model: String,
        /// Index of the outcome.
        outcome: usize,
        /// Scale.
        scale: Scale,
        /// The feature, by name.
        feature: String,
        /// The second one.
        second: Option<String>,
        /// Which effect.
        kind: Kind,
        /// The line of a row that gets a curve of its own beside the sample's, where the curves are of single rows.
        row: Option<u32>,
    },
    /// The smallest change of a row.
    Change {
        /// Name of the model.
        model: String,
        /// Line in the file.
        line: u32,
        /// Index of the outcome.
        outcome: usize,
        /// The level on whose other side the outcome shall be; one half, or the mean of an amount, if absent.
        level: Option<f64>,
        /// What may change.
        rules: Rules,
    },
    /// Why the one and not the other.
    Contrast {
        /// Name of the model.
        model: String,
        /// What is set against what.
        sides: Sides,
        /// Outcome, scale and players; the method is the one that fits the sides.
        options: ExplainOptions,
        /// The group that two models are both compared with, by its condition.
        against: Option<String>,
    },
    /// The model in a few questions.
    Surrogate {
        /// Name of the model.
        model: String,
        /// Index of the outcome.
        outcome: usize,
    },
    /// Where the model errs most, or where its reasons differ most.
    Segments {
        /// Name of the model.
        model: String,
        /// Index of the outcome.
        outcome: usize,
        /// Reasons instead of errors.
        reasons: bool,
    },
    /// What the features do to every row of the data.
    Everyone {
        /// Name of the model.
        model: String,
        /// How they are explained.
        options: ExplainOptions,
        /// The group compared with, by its condition.
        against: Option<String>,
    },
    /// How the values and effects of the strongest features spread over every row of the data.
    Density {
        /// Name of the model.
        model: String,
        /// How they are explained.
        options: ExplainOptions,
        /// The group compared with, by its condition.
        against: Option<String>,
    },
    /// Why one row would come out as it would, if some of its cells were others.
    Moved {
        /// Name of the model.
        model: String,
        /// Line in the file.
        line: u32,
        /// What its cells would hold, by column.
        set: BTreeMap<String, Setting>,
        /// How it is explained.
        options: ExplainOptions,
        /// The group compared with, by its condition.
        against: Option<String>,
    },
    /// Which features act together.
    Pairs {
        /// Name of the model.
        model: String,
        /// Index of the outcome.
        outcome: usize,
    },
    /// How much worse the model predicts without the values of a feature.
    Shuffled {
        /// Name of the model.
        model: String,
        /// Index of the outcome.
        outcome: usize,
    },
    /// A few rows that stand for all, by their reasons.
    Typical {
        /// Name of the model.
        model: String,
        /// Which rows.
        rows: WhyRows,
        /// How they are explained.
        options: ExplainOptions,
        /// The group compared with, by its condition.
        against: Option<String>,
    },
    /// Groups side by side.
    Cohorts {
        /// Name of the model.
        model: String,
        /// How they are explained.
        options: ExplainOptions,
        /// The group compared with, by its condition.
        against: Option<String>,
        /// The groups, by their conditions; empty for everyone.
        conditions: Vec<String>,
        /// Rows that were picked in a picture, as one more group, the last one.
        picked: Option<std::sync::Arc<[u32]>>,
    },
    /// Whether the reasons stay when the model is trained again.
    Stability {
        /// Name of the model.
        model: String,
        /// Index of the outcome.
        outcome: usize,
        /// Scale.
        scale: Scale,
    },
    /// How far the explanation of many rows may be trusted.
    Trust {
        /// Name of the model.
        model: String,
        /// Which rows.
        rows: WhyRows,
        /// How they are explained.
        options: ExplainOptions,
        /// The group compared with, by its condition.
        against: Option<String>,
    },
}

/// What is set against what.
#[derive(Clone, Debug, PartialEq)]
pub enum Sides {
    /// Two lines of the file.
    Rows(u32, u32),
    /// Two groups, by their conditions; `all` is everyone.
    Groups(String, String),
    /// The model and another one, on the same rows.
    Models(String, WhyRows),
    /// Two items for one person, given as a condition on the log.
    Items(String, String, String),
}

/// Its answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A curve or a map.
    Effect(EffectCurve),
    /// The smallest change, and the line of the nearest real row.
    Change(Box<Counterfactual>, Option<u32>),
    /// A difference, feature by feature.
    Contrast(Contrast),
    /// What the checks say.
    Trust(Box<Trust>),
    /// Pairs of features.
    Pairs(Pairs),
    /// All rows added up.
    Everyone(Everyone),
    /// All rows, binned.
    Density(Box<Density>),
    /// One row with other cells.
    Moved(Box<Attribution>),
    /// Loss added per feature.
    Shuffled(PermutationImportance),
    /// Typical rows.
    Typical(Typical),
    /// Groups side by side.
    Cohorts(Box<Cohorts>),
    /// How much the reasons change from training to training.
    Stability(Box<Stability>),
    /// Segments.
    Segments(Segments),
    /// A small tree in words.
    Surrogate(Surrogate),
}

impl Question {
    /// Name of the model that is asked.
    pub fn model(&self) -> &str {
        match self {
            Self::Surrogate { model, .. }
            | Self::Effect { model, .. }
            | Self::Change { model, .. }
            | Self::Stability { model, .. }
            | Self::Everyone { model, .. }
            | Self::Density { model, .. }
            | Self::Moved { model, .. }
            | Self::Pairs { model, .. }
            | Self::Shuffled { model, .. }
            | Self::Typical { model, .. }
            | Self::Cohorts { model, .. }
            | Self::Contrast { model, .. }
            | Self::Trust { model, .. }
            | Self::Segments { model, .. } => model,
        }
    }

    /// Name of the other model, where two are asked.
    pub fn other(&self) -> Option<&str> {
        match self {
            Self::Contrast { sides: Sides::Models(other, _), .. } => Some(other),
            _ => None,
        }
    }

    /// Whether both are of one kind, so that the newer one makes the older pointless.
    pub(super) fn like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Answers a question; `known` is the explanation that is to be tested, where it is there already.
pub fn answer(question: &Question, prepared: &Prepared, model: &dyn Model, known: Option<&Why>, ctx: &JobCtx) -> Result<Answer> {
    let raw = &prepared.raw;
    let all = |most: usize| effect::sample(raw.n_rows(), most, 1);
    let one = |line: u32| -> Result<Vec<f64>> { Ok(pipeline::matrix(raw, &[pipeline::position(raw, line)?], model)?.0.values) };
    match question {
        Question::Effect { outcome, scale, feature, second, kind, row, .. } => {
            let features = model.card().features();
            let of =
                |name: &String| features.iter().position(|f| f.name == *name).ok_or_else(|| fault!("session.no_feature", feature = name));
            let mut chosen = vec![of(feature)?];
            if let Some(second) = second {
                chosen.push(of(second)?);
            }
            let (x, lines, _) = pipeline::matrix(raw, &all(EFFECT_ROWS), model)?;
            let also = row.map(|line| one(line).map(|values| (line, values))).transpose()?;
            let options = effect::Options { outcome: *outcome, scale: *scale, also, ..effect::Options::default() };
            Ok(Answer::Effect(effect::effect(model, &x, &lines, &chosen, *kind, &options, ctx)?))
        }
        Question::Change { line, outcome, level, rules, .. } => {
            let row = one(*line)?;
            let x = crate::data::FeatureMatrix { n_features: row.len(), values: row.clone() };
            let outcomes = &model.card().outcomes;
            let now = model.predict(&x, ctx)?.get(*outcome).copied().unwrap_or(f64::NAN);
            let threshold = outcomes.get(*outcome).map_or(0.5, |o| if o.is_binary() { 0.5 } else { o.base_rate });
            let wish = Wish::flip(now, level.unwrap_or(threshold));
            let most = if matches!(model.structure(), Structure::Network(_) | Structure::Opaque) { REAL_ROWS_NETWORK } else { REAL_ROWS };
            let (reference, lines, _) = pipeline::matrix(raw, &all(most), model)?;
            let found = counterfactual::counterfactual(model, &row, *outcome, wish, rules, Some(&reference), ctx)?;
            let real = found.real.as_ref().and_then(|r| lines.get(r.at)).copied();
            Ok(Answer::Change(Box::new(found), real))
        }
        Question::Contrast { sides, options, .. } => Ok(Answer::Contrast(match sides {
            Sides::Rows(line, against) => {
                let (a, b) = (one(*line)?, one(*against)?);
                // People count rows from 1.
                let name = |l: &u32| format!("#{}", u64::from(*l) + 1);
                contrast::rows(model, (&a, &name(line)), (&b, &name(against)), options, ctx)?
            }
            Sides::Groups(a, b) => {
                let of = |condition: &String| pipeline::group(raw, model, condition, options.seed);
                contrast::groups(model, &of(a)?, &of(b)?, options, ctx)?
            }
            // Two models are answered by `contrast_models`, which gets both; two items by the pipeline, which knows the recipe.
            Sides::Models(other, _) | Sides::Items(other, ..) => return Err(fault!("session.no_model", name = other)),
        })),
        Question::Surrogate { outcome, .. } => {
            let (x, _, _) = pipeline::matrix(raw, &all(SURROGATE_ROWS), model)?;
            Ok(Answer::Surrogate(surrogate::surrogate(model, &x, *outcome, SURROGATE_DEPTH, 1, ctx)?))
        }
        Question::Pairs { outcome, .. } => {
            let (Structure::Trees(e), true) = (model.structure(), pairs::known(model)) else { return Err(fault!("explain.pairs_trees")) };
            let (x, _, _) = pipeline::matrix(raw, &all(pairs::MOST_ROWS), model)?;
            Ok(Answer::Pairs(pairs::pairs(e, model.card().features(), &x, *outcome, ctx)?))
        }
        Question::Everyone { options, against, .. } => Ok(Answer::Everyone(everyone(prepared, model, options, against.as_deref(), ctx)?)),
        Question::Density { options, against, .. } => {
            Ok(Answer::Density(Box::new(density(prepared, model, options, against.as_deref(), ctx)?)))
        }
        Question::Moved { line, set, options, against, .. } => {
            let (row, options) = (moved(&one(*line)?, set, model)?, pipeline::compared(raw, model, options, against.as_deref())?);
            let x = FeatureMatrix { n_features: row.len(), values: row };
            let found = crate::explain::explain(model, &x, &[*line], &prepared.loaded.fingerprint, &options, ctx)?;
            Ok(Answer::Moved(Box::new(found)))
        }
        Question::Shuffled { outcome, .. } => Ok(Answer::Shuffled(shuffled(prepared, model, *outcome, ctx)?)),
        Question::Typical { rows, options, against, .. } => {
            let made;
            let why = match known {
                Some(why) => why,
                None => {
                    made = pipeline::why(prepared, model, rows, options, against.as_deref(), ctx)?;
                    &made
                }
            };
            Ok(Answer::Typical(typical::typical(&why.attribution, typical::TYPICAL, ctx)?))
        }
        Question::Cohorts { options, against, conditions, picked, .. } => {
            let mut of = Vec::new();
            let named = conditions.iter().map(|c| (c, if c.is_empty() { WhyRows::All } else { WhyRows::Segment(c.clone()) }));
            let condition = String::new();
            let picked = picked.iter().map(|rows| (&condition, WhyRows::These(rows.clone())));
            for (c, rows) in named.chain(picked) {
                let why = pipeline::why(prepared, model, &rows, options, against.as_deref(), &ctx.without_stage())?;
                of.push((c.clone(), why.attribution));
                ctx.check()?;
            }
            Ok(Answer::Cohorts(Box::new(cohorts::cohorts(&of)?)))
        }
        Question::Stability { outcome, scale, .. } => Ok(Answer::Stability(Box::new(stability(prepared, model, *outcome, *scale, ctx)?))),
        Question::Segments { outcome, reasons, .. } => Ok(Answer::Segments(segments(prepared, model, *outcome, *reasons, ctx)?)),
        Question::Trust { rows, options, against, .. } => {
            let made;
            let why = match known {
                Some(why) => why,
                None => {
                    made = pipeline::why(prepared, model, rows, options, against.as_deref(), ctx)?;
                    &made
                }
            };
            let stand_ins: Reference = pipeline::group(raw, model, against.as_deref().unwrap_or("all"), options.seed)?;
            let stand_ins = stand_ins.limited(STAND_INS, options.seed);
            let mut found = trust::check(model, &why.matrix, &why.attribution, &stand_ins.x, options.seed, ctx)?;
            let (data, options) = (&prepared.loaded.fingerprint, pipeline::compared(raw, model, options, against.as_deref())?);
            found.checks.extend(redraw::stays(model, &why.matrix, &why.attribution, data, &options, ctx)?);
            Ok(Answer::Trust(Box::new(found)))
        }
    }
}

/// Two models on the same rows: how what each feature does differs between them.
pub fn contrast_models(question: &Question, prepared: &Prepared, a: &dyn Model, b: &dyn Model, ctx: &JobCtx) -> Result<Contrast> {
    let Question::Contrast { sides: Sides::Models(_, rows), options, against, .. } = question else {
        return Err(fault!("explain.no_rows"));
    };
    // Each model is explained by its own method; players are those of its own features.
    let of = |model: &dyn Model| -> Result<Why> {
        let fits = options.players.as_ref().is_none_or(|p| p.of.len() == model.card().features().len());
        if !fits {
            return Err(fault!("explain.contrast_features"));
        }
        let own = ExplainOptions { method: None, ..options.clone() };
        pipeline::why(prepared, model, rows, &own, against.as_deref(), ctx)
    };
    let (x, y) = (of(a)?, of(b)?);
    let mut found = contrast::models((a, &x.attribution), (b, &y.attribution))?;
    for notice in x.attribution.warnings.into_iter().chain(y.attribution.warnings) {
        if !found.warnings.contains(&notice) {
            found.warnings.push(notice);
        }
    }
    Ok(found)
}

/// How all rows are explained: trees and additive models where that is exact and quick at any number of rows, on the score.
fn for_all(prepared: &Prepared, model: &dyn Model, options: &ExplainOptions, against: Option<&str>) -> Result<ExplainOptions> {
    let mut options = pipeline::compared(&prepared.raw, model, options, against)?;
    if matches!(model.structure(), Structure::Trees(_) | Structure::Additive(_)) {
        options.scale = Scale::Margin;
    }
    Ok(options)
}

/// Goes through all rows, piece after piece.
fn every_piece(
    prepared: &Prepared,
    model: &dyn Model,
    options: &ExplainOptions,
    ctx: &JobCtx,
    mut take: impl FnMut(&Attribution),
) -> Result<()> {
    let n = prepared.raw.n_rows();
    let piece = pipeline::piece(&model.structure()).min(n.div_ceil(20).max(1_000));
    ctx.stage("explain.stage_everyone", n as u64);
    for from in (0..n).step_by(piece) {
        ctx.check()?;
        let rows: Vec<usize> = (from..n.min(from + piece)).collect();
        take(&explained(prepared, model, &rows, options, ctx)?);
        ctx.at((from + rows.len()) as u64);
    }
    Ok(())
}

/// Some rows, explained.
fn explained(prepared: &Prepared, model: &dyn Model, rows: &[usize], options: &ExplainOptions, ctx: &JobCtx) -> Result<Attribution> {
    let (x, lines, _) = pipeline::matrix(&prepared.raw, rows, model)?;
    crate::explain::explain(model, &x, &lines, &prepared.loaded.fingerprint, options, &ctx.without_stage())
}

/// All rows added up.
fn everyone(prepared: &Prepared, model: &dyn Model, options: &ExplainOptions, against: Option<&str>, ctx: &JobCtx) -> Result<Everyone> {
    let options = for_all(prepared, model, options, against)?;
    let mut sums = Adder::default();
    every_piece(prepared, model, &options, ctx, |a| sums.add(a))?;
    sums.finish()
}

/// All rows binned; a sample says first which features are strong.
fn density(prepared: &Prepared, model: &dyn Model, options: &ExplainOptions, against: Option<&str>, ctx: &JobCtx) -> Result<Density> {
    let options = for_all(prepared, model, options, against)?;
    let most = if matches!(model.structure(), Structure::Network(_) | Structure::Opaque) { DENSITY_ROWS_NETWORK } else { DENSITY_ROWS };
    let rows = effect::sample(prepared.raw.n_rows(), most, options.seed);
    let sample = explained(prepared, model, &rows, &options, ctx)?;
    let features = model.card().features();
    let mut all = Gatherer::new(&sample, features);
    every_piece(prepared, model, &options, ctx, |a| all.add(a))?;
    all.finish(&sample, features)
}

/// A row as the model would read it with other cells.
fn moved(row: &[f64], set: &BTreeMap<String, Setting>, model: &dyn Model) -> Result<Vec<f64>> {
    let encoder = &model.card().encoder;
    let mut row = row.to_vec();
    for (column, setting) in set {
        let f = encoder.feature(column)?;
        let feature = &encoder.features[f];
        // A cell that is set is not missing any more: its flag goes with it.
        if let Ok(flag) = encoder.feature(&format!("{column}_missing")) {
            row[flag] = 0.0;
        }
        let to = match setting.read(feature)? {
            Move::To(v) => v,
            // What a bar is dragged to is a value, never a relative change.
            Move::Times(_) | Move::Plus(_) => return Err(fault!("strategy.bad_setting", column = column, value = setting.to_string())),
        };
        row[f] = if feature.is_categorical() { to } else { encoder.prepare.apply_value(column, to) };
    }
    Ok(row)
}

/// Held-out rows are shuffled, where there are any.
fn shuffled(prepared: &Prepared, model: &dyn Model, outcome: usize, ctx: &JobCtx) -> Result<PermutationImportance> {
    let card = model.card();
    let of = card.outcomes.get(outcome).ok_or_else(|| fault!("session.no_feature", feature = outcome))?;
    let known = pipeline::known_outcome(&prepared.raw, of)?;
    let held = pipeline::positions(&prepared.parts, Part::Test);
    let among = if held.is_empty() { (0..prepared.raw.n_rows()).collect() } else { held };
    let among: Vec<usize> = among.into_iter().filter(|r| !known[*r].is_nan()).collect();
    let most = if matches!(model.structure(), Structure::Network(_) | Structure::Opaque) { SHUFFLED_NETWORK } else { SHUFFLED };
    let rows: Vec<usize> = effect::sample(among.len(), most, 1).into_iter().map(|i| among[i]).collect();
    let (x, _, _) = pipeline::matrix(&prepared.raw, &rows, model)?;
    let y: Vec<f64> = rows.iter().map(|r| known[*r]).collect();
    importance::permutation(model, &x, &y, outcome, &Players::single(card.features()), SHUFFLES, 1, ctx)
}

/// Trains the model again, each time with another seed and on rows drawn anew with replacement, and compares the reasons.
fn stability(prepared: &Prepared, model: &dyn Model, outcome: usize, scale: Scale, ctx: &JobCtx) -> Result<Stability> {
    let card = model.card();
    if card.data != prepared.loaded.fingerprint || prepared.outcomes.is_empty() {
        return Err(fault!("session.cannot_train_again", model = &card.spec.name));
    }
    let held = pipeline::positions(&prepared.parts, Part::Test);
    let among: Vec<usize> = if held.is_empty() { (0..prepared.raw.n_rows()).collect() } else { held };
    let rows: Vec<usize> = effect::sample(among.len(), VERSION_ROWS, 1).into_iter().map(|i| among[i]).collect();
    let explained = |model: &dyn Model| {
        let (x, lines, _) = pipeline::matrix(&prepared.raw, &rows, model)?;
        let options = ExplainOptions { scale, outcome, ..ExplainOptions::default() };
        let options = pipeline::compared(&prepared.raw, model, &options, None)?;
        crate::explain::explain(model, &x, &lines, &prepared.loaded.fingerprint, &options, &ctx.without_stage())
    };
    let mut versions = vec![explained(model)?];
    let data = pipeline::train_data(prepared)?;
    ctx.stage("session.stage_again", VERSIONS);
    for k in 1..=VERSIONS {
        let spec = ModelSpec { seed: card.spec.seed + k, ..card.spec.clone() };
        let again = crate::ml::train::train(&spec, &redrawn(&data, spec.seed), &ctx.without_stage())?;
        versions.push(explained(&*again)?);
        ctx.at(k);
        ctx.check()?;
    }
    trust::stability(&versions)
}

/// The same data with its train rows drawn anew, with replacement.
pub(super) fn redrawn(data: &TrainData, seed: u64) -> TrainData {
    let train = pipeline::positions(&data.parts, Part::Train);
    let mut rng = rng::rng(seed, "again");
    let draw = |(i, p): (usize, &Part)| if *p == Part::Train { train[rng::below(&mut rng, train.len())] } else { i };
    let rows: Vec<usize> = data.parts.iter().enumerate().map(draw).collect();
    let x = FeatureMatrix { n_features: data.x.n_features, values: rows.iter().flat_map(|r| data.x.row(*r).iter().copied()).collect() };
    TrainData { x, y: data.y.iter().map(|y| rows.iter().map(|r| y[*r]).collect()).collect(), ..data.clone() }
}

/// Held-out rows are searched, where there are any: what was learned by heart is no error.
fn segments(prepared: &Prepared, model: &dyn Model, outcome: usize, reasons: bool, ctx: &JobCtx) -> Result<Segments> {
    let card = model.card();
    let of = card.outcomes.get(outcome).ok_or_else(|| fault!("session.no_feature", feature = outcome))?;
    let held = pipeline::positions(&prepared.parts, Part::Test);
    let rows = if held.is_empty() { (0..prepared.raw.n_rows()).collect() } else { held };
    let known = pipeline::known_outcome(&prepared.raw, of)?;
    let rows: Vec<usize> = rows.into_iter().filter(|r| reasons || !known[*r].is_nan()).collect();
    let most = if reasons { REASON_ROWS } else { segments::MOST_ROWS };
    let rows: Vec<usize> = effect::sample(rows.len(), most, 1).into_iter().map(|i| rows[i]).collect();
    if rows.is_empty() {
        return Err(fault!("explain.no_rows"));
    }
    let (x, lines, _) = pipeline::matrix(&prepared.raw, &rows, model)?;
    // A condition on a prepared number would not be one on the data; a date is a number to the model and a day to the table.
    let number = |name: &str| {
        let of = prepared.raw.column(name).map(|c| prepared.raw.column_type(c));
        matches!(of, Ok(ColumnType::Integer | ColumnType::Number | ColumnType::Boolean))
    };
    let prepares = !card.encoder.prepare.steps.is_empty();
    let usable: Vec<bool> = card.features().iter().map(|f| f.is_categorical() || (!prepares && number(&f.name))).collect();
    if !reasons {
        let p = model.predict(&x, ctx)?;
        let k = card.outcomes.len();
        let loss = |(i, r): (usize, &usize)| {
            let (p, y) = (p[i * k + outcome], known[*r]);
            if of.is_binary() {
                let p = p.clamp(1e-6, 1.0 - 1e-6);
                -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
            } else {
                (p - y).powi(2)
            }
        };
        let loss: Vec<f64> = rows.iter().enumerate().map(loss).collect();
        return segments::find(card.features(), &x, (&loss, 1), &usable, 1, ctx).map(|s| readable(s, prepared));
    }
    let options = ExplainOptions { scale: Scale::Margin, outcome, ..ExplainOptions::default() };
    let options = pipeline::compared(&prepared.raw, model, &options, None)?;
    let a = crate::explain::explain(model, &x, &lines, &prepared.loaded.fingerprint, &options, ctx)?;
    let summary = crate::explain::summary::summarise(&a, card.features(), 1);
    let strongest: Vec<usize> = summary.importance.iter().take(REASONS).map(|i| i.feature).collect();
    let scores: Vec<f64> = (0..lines.len()).flat_map(|i| strongest.iter().map(|f| a.row(i)[*f]).collect::<Vec<_>>()).collect();
    segments::find(card.features(), &x, (&scores, strongest.len().max(1)), &usable, 1, ctx).map(|s| readable(s, prepared))
}

/// Only conditions that the data understand: a level that a step made, say, is none of theirs.
fn readable(mut s: Segments, prepared: &Prepared) -> Segments {
    s.found.retain(|f| Segment::parse(&f.condition).and_then(|c| c.rows(&prepared.raw)).is_ok_and(|rows| !rows.is_empty()));
    s
}
