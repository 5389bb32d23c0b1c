//! Gradient-boosted trees: hessboost trains, the neutral [`TreeEnsemble`] predicts and explains.
//!
//! Rounds are counted by early stopping on the validation part; then all rows fit that many rounds again. Covers are the
//! weights of the rows that pass a node, counted anew, so that the base value of an explanation is the mean margin over
//! the rows that fitted.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use hessboost::config::{TrainingParams, TreeMethod};
use hessboost::data::{DMatrix, FeatureType};
use hessboost::metric::EvalMetric;
use hessboost::model::{BoostedModel, Iterations};
use hessboost::objective::{Objective, RegLoss};
use hessboost::training::Trainer;

use super::ensemble::{Link, Missing, Node, Test, Tree, TreeEnsemble};
use super::file::NamedTensor;
use super::model::{Model, ModelCard, Outcome, Structure};
use super::predictor::Predictor;
use super::spec::{ModelSpec, Weighting};
use super::standing::{Changed, Standing, of_rows, pieces};
use super::train::{TrainData, balanced_weights, blank_card, check_width, conformal_quantile};
use crate::base::progress::CurvePoint;
use crate::base::{Fault, JobCtx, Result};
use crate::data::{Feature, FeatureMatrix};
use crate::fault;
use rayon::prelude::*;

/// Least curvature (for a number: rows) that a child must hold, so that no leaf hangs on a single buyer.
const LEAST_CHILD: f64 = 3.0;
/// Rounds without a better validation loss before training stops.
const PATIENCE: usize = 30;

/// Boosted trees, one set per outcome, in one neutral ensemble.
#[derive(Debug)]
pub struct TreeModel {
    card: ModelCard,
    ensemble: TreeEnsemble,
    fast: Option<Predictor>,
}

/// What a trainer's column stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    /// A number as it is.
    Number(usize),
    /// A category, split natively into sets.
    Category(usize),
    /// One level of a category, 0 or 1.
    Level(usize, usize),
}

/// Categories with at most this many levels become one column per level; larger ones are split into sets.
const ONE_HOT: usize = 64;

fn columns(features: &[Feature]) -> Vec<Column> {
    let mut out = Vec::new();
    for (j, f) in features.iter().enumerate() {
        match f.levels().len() {
            _ if !f.is_categorical() => out.push(Column::Number(j)),
            n if n <= ONE_HOT => out.extend((0..n).map(|l| Column::Level(j, l))),
            _ => out.push(Column::Category(j)),
        }
    }
    out
}

fn strange(e: &hessboost::error::HessboostError) -> Fault {
    fault!("ml.trees_failed", reason = e.to_string())
}

/// The trainer's matrix of some rows.
fn matrix(
    columns: &[Column],
    features: &[Feature],
    x: &FeatureMatrix,
    rows: &[usize],
    y: &[f64],
    weights: Option<&[f64]>,
) -> Result<DMatrix> {
    let values: Vec<f32> = rows
        .par_iter()
        .flat_map_iter(|&r| {
            let row = x.row(r);
            columns.iter().map(move |c| match *c {
                // Infinite cells are no numbers to the trainer; the largest finite one goes the same way in every split.
                Column::Number(j) => (row[j] as f32).clamp(f32::MIN, f32::MAX),
                Column::Category(j) if row[j].is_nan() => f32::NAN,
                Column::Category(j) if row[j] < 0.0 => features[j].levels().len() as f32,
                Column::Category(j) => row[j] as f32,
                Column::Level(j, l) => f32::from(u8::from(row[j] == l as f64)),
            })
        })
        .collect();
    let types: Vec<FeatureType> =
        columns.iter().map(|c| if matches!(c, Column::Category(_)) { FeatureType::Categorical } else { FeatureType::Numerical }).collect();
    let labels: Vec<f32> = y.iter().map(|y| *y as f32).collect();
    let out = DMatrix::from_dense_vec(values, rows.len(), columns.len())
        .and_then(|m| m.with_labels(&labels))
        .and_then(|m| m.with_feature_types(&types))
        .map_err(|e| strange(&e))?;
    match weights {
        Some(w) => out.with_weights(&w.iter().map(|w| *w as f32).collect::<Vec<_>>()).map_err(|e| strange(&e)),
        None => Ok(out),
    }
}

fn params(spec: &ModelSpec, outcome: &Outcome) -> Result<TrainingParams> {
    let builder = TrainingParams::builder()
        .tree_method(TreeMethod::Hist)
        .seed(spec.seed)
        .max_depth(spec.depth.unwrap_or(spec.kind.defaults().depth) as usize)
        .eta(spec.learning_rate.unwrap_or(spec.kind.defaults().learning_rate))
        .min_child_weight(LEAST_CHILD)
        .lambda(1.0);
    let builder = if outcome.is_binary() {
        builder.objective(Objective::BinaryLogistic(RegLoss::default())).eval_metric(EvalMetric::LogLoss)
    } else {
        builder.objective(Objective::SquaredError(RegLoss::default())).eval_metric(EvalMetric::Rmse)
    };
    builder.build().map_err(|e| strange(&e))
}

/// Trains at most `rounds`; with a validation matrix it stops early.
fn boost(
    params: &TrainingParams,
    train: &DMatrix,
    validation: Option<&DMatrix>,
    rounds: u32,
    ctx: &JobCtx,
    mut seen: impl FnMut(u32, &[f64]) + Send,
) -> Result<BoostedModel> {
    let mut trainer = Trainer::new(params, train, rounds as usize);
    if let Some(v) = validation {
        trainer = trainer.eval(train, "train").eval(v, "validation");
        if let Some(patience) = NonZeroUsize::new(PATIENCE) {
            trainer = trainer.early_stopping_rounds(patience);
        }
    }
    let mut stopped = None;
    let result = trainer
        .on_round(|round| {
            seen(round.iteration() as u32 + 1, round.values());
            match ctx.check() {
                Ok(()) => ControlFlow::Continue(()),
                Err(fault) => {
                    stopped = Some(fault);
                    ControlFlow::Break(())
                }
            }
        })
        .train();
    match (stopped, result) {
        (Some(fault), _) => Err(fault),
        (None, Ok(r)) => Ok(r.model),
        (None, Err(e)) => Err(strange(&e)),
    }
}

/// Those of the rows where outcome `k` is known, with their weights and as the trainer reads them.
fn known_rows(
    data: &TrainData,
    k: usize,
    columns: &[Column],
    rows: &[usize],
    balanced: bool,
    own: Option<&[f64]>,
) -> Result<(Vec<usize>, Vec<f64>, DMatrix)> {
    let known: Vec<usize> = rows.iter().copied().filter(|&r| data.y[k][r].is_finite()).collect();
    let y: Vec<f64> = known.iter().map(|&r| data.y[k][r]).collect();
    let mut weights = if balanced { balanced_weights(&y) } else { vec![1.0; y.len()] };
    if let Some(own) = own {
        weights.iter_mut().zip(&known).for_each(|(w, r)| *w *= own[*r]);
    }
    let m = matrix(columns, &data.encoder.features, &data.x, &known, &y, (balanced || own.is_some()).then_some(&weights[..]))?;
    Ok((known, weights, m))
}

/// Fits on `train`, counting rounds on `validation` where there is one; each outcome on the rows where it is known.
pub fn fit(spec: &ModelSpec, data: &TrainData, train: &[usize], validation: &[usize], ctx: &JobCtx) -> Result<TreeModel> {
    fit_weighted(spec, data, (train, validation), None, ctx)
}

/// The same with a weight for every row of the data.
pub fn fit_weighted(
    spec: &ModelSpec,
    data: &TrainData,
    (train, validation): (&[usize], &[usize]),
    weights: Option<&[f64]>,
    ctx: &JobCtx,
) -> Result<TreeModel> {
    let features = &data.encoder.features;
    let columns = columns(features);
    let mut card = blank_card(spec, data);
    let most = spec.epochs.unwrap_or(spec.kind.defaults().epochs);
    let mut ensemble = TreeEnsemble {
        n_features: features.len(),
        n_outputs: data.outcomes.len(),
        intercept: Vec::new(),
        link: if data.outcomes.iter().all(Outcome::is_binary) { Link::Logit } else { Link::Identity },
        trees: Vec::new(),
    };
    for (k, outcome) in data.outcomes.iter().enumerate() {
        ctx.stage("ml.stage_boosting", u64::from(most));
        let params = params(spec, outcome)?;
        let balanced = spec.weight == Weighting::Balanced && outcome.is_binary();
        let part = |rows: &[usize]| known_rows(data, k, &columns, rows, balanced, weights);
        let (mut known, mut counted, fitting) = part(train)?;
        let stopper = if validation.iter().any(|&r| data.y[k][r].is_finite()) { Some(part(validation)?) } else { None };
        let mut points: Vec<CurvePoint> = Vec::new();
        let loss = |v: f64| if outcome.is_binary() { v } else { v * v };
        let report = |round: u32, values: &[f64]| {
            let point =
                CurvePoint { step: round, train: values.first().copied().map_or(0.0, loss), validation: values.get(1).copied().map(loss) };
            ctx.at(u64::from(round));
            if k == 0 {
                ctx.curve(point);
            }
            points.push(point);
        };
        let mut model = boost(&params, &fitting, stopper.as_ref().map(|s| &s.2), most, ctx, report)?;
        let rounds = model.best_iteration().map_or(model.num_boost_rounds(), |b| b + 1);
        if k == 0 {
            card.curve = points;
        }
        if let Some((held, _, m)) = stopper {
            if k == 0 && !outcome.is_binary() {
                // Measured before the refit, which sees these rows.
                let p = model.predict(&m, Iterations::from(0..rounds)).map_err(|e| strange(&e))?;
                let residuals = held.iter().zip(p.as_slice()).map(|(&r, p)| (data.y[k][r] - f64::from(*p)).abs());
                card.conformal = conformal_quantile(residuals.collect());
            }
            drop(fitting);
            ctx.stage("ml.stage_refitting", rounds as u64);
            let mut all: Vec<usize> = train.iter().chain(validation).copied().collect();
            all.sort_unstable();
            let whole = part(&all)?;
            model = boost(&params, &whole.2, None, rounds as u32, ctx, |round, _| ctx.at(u64::from(round)))?;
            (known, counted) = (whole.0, whole.1);
        }
        add(&mut ensemble, &model, rounds, k, &columns, features, &data.x, &known, &counted)?;
    }
    Ok(TreeModel::new(card, ensemble))
}

/// Adds trees to an ensemble that says `margins` of all rows of `data` already: as many as the validation rows ask for, none if
/// none helps. Returns the larger ensemble and the curve of the first outcome.
pub(super) fn go_on(
    spec: &ModelSpec,
    old: &TreeEnsemble,
    margins: &[f64],
    data: &TrainData,
    train: &[usize],
    validation: &[usize],
    ctx: &JobCtx,
) -> Result<(TreeEnsemble, Vec<CurvePoint>)> {
    let features = &data.encoder.features;
    let columns = columns(features);
    let most = spec.epochs.unwrap_or(spec.kind.defaults().epochs);
    let mut ensemble = old.clone();
    let (n, mut curve) = (data.outcomes.len(), Vec::new());
    for (k, outcome) in data.outcomes.iter().enumerate() {
        ctx.stage("ml.stage_boosting", u64::from(most));
        let params = params(spec, outcome)?;
        let balanced = spec.weight == Weighting::Balanced && outcome.is_binary();
        let part = |rows: &[usize]| -> Result<(Vec<usize>, Vec<f64>, DMatrix)> {
            let (known, weights, m) = known_rows(data, k, &columns, rows, balanced, None)?;
            let said: Vec<f32> = known.iter().map(|&r| margins[r * n + k] as f32).collect();
            Ok((known, weights, m.with_base_margin(&said).map_err(|e| strange(&e))?))
        };
        let (known, weights, fitting) = part(train)?;
        if known.is_empty() {
            continue;
        }
        let stopper = if validation.iter().any(|&r| data.y[k][r].is_finite()) { Some(part(validation)?) } else { None };
        // Without a new tree the held rows lose this much; trees that lose more are not added.
        let as_it_was = stopper.as_ref().map(|(held, _, _)| {
            let of = |r: &usize| point_loss(margins[r * n + k], data.y[k][*r], outcome.is_binary());
            held.iter().map(of).sum::<f64>() / held.len().max(1) as f64
        });
        let mut least = f64::INFINITY;
        let mut points: Vec<CurvePoint> = Vec::new();
        let report = |round: u32, values: &[f64]| {
            let loss = |v: f64| if outcome.is_binary() { v } else { v * v };
            let held = values.get(1).copied().map(loss);
            least = least.min(held.unwrap_or(f64::INFINITY));
            ctx.at(u64::from(round));
            points.push(CurvePoint { step: round, train: values.first().copied().map_or(0.0, loss), validation: held });
        };
        let model = boost(&params, &fitting, stopper.as_ref().map(|s| &s.2), most, ctx, report)?;
        let rounds = model.best_iteration().map_or(model.num_boost_rounds(), |b| b + 1);
        if k == 0 {
            curve = points;
        }
        if as_it_was.is_none_or(|was| least < was) {
            let mut own = TreeEnsemble { intercept: Vec::new(), trees: Vec::new(), ..ensemble.clone() };
            add(&mut own, &model, rounds, k, &columns, features, &data.x, &known, &weights)?;
            ensemble.trees.extend(own.trees);
        }
    }
    Ok((ensemble, curve))
}

/// Log-loss of a margin, or its squared error.
fn point_loss(m: f64, y: f64, binary: bool) -> f64 {
    if binary { m.max(0.0) + (-m.abs()).exp().ln_1p() - y * m } else { (m - y).powi(2) }
}

/// Appends a trained booster's first `rounds` trees to output `k`, in the neutral form on input features.
fn add(
    ensemble: &mut TreeEnsemble,
    model: &BoostedModel,
    rounds: usize,
    k: usize,
    columns: &[Column],
    features: &[Feature],
    x: &FeatureMatrix,
    rows: &[usize],
    weights: &[f64],
) -> Result<()> {
    let intercept = f64::from(model.base_scores().first().copied().unwrap_or_default());
    ensemble.intercept.push(intercept);
    let trees: Vec<Tree> = model
        .trees()
        .iter()
        .take(rounds)
        .map(|t| neutral(t, k as u32, columns, features))
        .collect::<Option<_>>()
        .ok_or_else(|| fault!("ml.trees_failed", reason = "the trained trees do not match the features"))?;
    let sizes: Vec<usize> = trees.iter().map(|t| t.nodes.len()).collect();
    let mut own =
        TreeEnsemble { n_features: ensemble.n_features, n_outputs: ensemble.n_outputs, intercept: Vec::new(), link: ensemble.link, trees };
    if let Some(fast) = Predictor::new(&own, |_| true) {
        let covers = fast.covers(&x.select(rows), weights, &sizes);
        for (tree, leaves) in own.trees.iter_mut().zip(&covers) {
            set_covers(&mut tree.nodes, leaves);
        }
    }
    ensemble.trees.extend(own.trees);
    Ok(())
}

/// Leaf weights to node covers: a split's is the sum of its children, which stand behind it.
fn set_covers(nodes: &mut [Node], leaves: &[f64]) {
    let mut sums = leaves.to_vec();
    for at in (0..nodes.len()).rev() {
        if let Node::Split { left, right, .. } = &nodes[at] {
            sums[at] = sums[*left as usize] + sums[*right as usize];
        }
        match &mut nodes[at] {
            Node::Split { cover, .. } | Node::Leaf { cover, .. } => *cover = sums[at],
        }
    }
}

fn neutral(tree: &hessboost::tree::RegTree, output: u32, columns: &[Column], features: &[Feature]) -> Option<Tree> {
    let mut nodes = Vec::with_capacity(tree.num_nodes());
    let mut queue = vec![0usize];
    let mut at = 0;
    while at < queue.len() {
        let id = queue[at];
        let node = tree.node(id);
        let cover = f64::from(node.sum_hess);
        at += 1;
        if node.is_leaf() {
            nodes.push(Node::Leaf { value: f64::from(node.leaf_value), cover });
            continue;
        }
        let (yes, no) = (usize::try_from(node.left).ok()?, usize::try_from(node.right).ok()?);
        let first = queue.len() as u32;
        let (feature, test, default_left, children) = match *columns.get(node.split_feature as usize)? {
            Column::Number(j) => (j, Test::LessF32(f64::from(node.split_cond)), node.default_left, [yes, no]),
            Column::Category(j) => {
                let set = tree.split_categories(id);
                let seen = set.iter().filter(|c| (**c as usize) < features[j].levels().len());
                (j, Test::In(bits(seen.map(|c| *c as usize), features[j].levels().len())), node.default_left, [yes, no])
            }
            // “0 < cut” goes left: everything but the level. Turned round, the level alone goes left; missing is no level.
            Column::Level(j, l) => (j, Test::In(bits(std::iter::once(l), features[j].levels().len())), false, [no, yes]),
        };
        queue.extend(children);
        nodes.push(Node::Split {
            feature: feature as u32,
            test,
            missing: Missing::Nan,
            default_left,
            left: first,
            right: first + 1,
            cover,
        });
    }
    Some(Tree { nodes, output, weight: 1.0 })
}

fn bits(members: impl Iterator<Item = usize>, levels: usize) -> Vec<u64> {
    let mut words = vec![0u64; levels.div_ceil(64).max(1)];
    for c in members {
        words[c / 64] |= 1 << (c % 64);
    }
    words
}

impl TreeModel {
    /// A model from its card and trees.
    pub fn new(card: ModelCard, ensemble: TreeEnsemble) -> Self {
        let fast = Predictor::new(&ensemble, |_| true);
        Self { card, ensemble, fast }
    }

    /// Restores a model from its file.
    pub fn from_tensors(card: ModelCard, tensors: &[NamedTensor]) -> Result<Self> {
        let ensemble = TreeEnsemble::from_tensors(tensors)?;
        if ensemble.n_features != card.features().len() || ensemble.n_outputs != card.outcomes.len() {
            return Err(fault!("ml.model_tensor", tensor = "trees.shape"));
        }
        Ok(Self::new(card, ensemble))
    }

    /// The trees.
    pub fn ensemble(&self) -> &TreeEnsemble {
        &self.ensemble
    }

    fn slow(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        let parts: Result<Vec<Vec<f64>>> = (0..x.n_rows().div_ceil(1024))
            .into_par_iter()
            .map(|c| {
                ctx.check()?;
                Ok((c * 1024..((c + 1) * 1024).min(x.n_rows())).flat_map(|r| self.ensemble.margins(x.row(r))).collect())
            })
            .collect();
        Ok(self.in_its_unit(parts?.concat()))
    }

    /// An amount has one scale, its own, also where the trees add up its logarithm.
    fn in_its_unit(&self, mut scores: Vec<f64>) -> Vec<f64> {
        if self.ensemble.link == Link::Log {
            scores.iter_mut().for_each(|s| *s = s.exp());
        }
        scores
    }
}

impl Model for TreeModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.card
    }
    fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        check_width(&self.card, x)?;
        let Some(fast) = &self.fast else { return self.slow(x, ctx) };
        let mut out = self.ensemble.intercept.repeat(x.n_rows());
        fast.add_to(x, &mut out, ctx)?;
        Ok(self.in_its_unit(out))
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Trees(&self.ensemble)
    }
    fn tensors(&self) -> Vec<NamedTensor> {
        self.ensemble.to_tensors()
    }

    fn standing(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Standing> {
        check_width(&self.card, x)?;
        let mut margins = self.ensemble.intercept.repeat(x.n_rows());
        let fast = self.fast.as_ref().filter(|_| self.ensemble.link != Link::Log);
        match fast.map(|f| f.stand(x, &mut margins, ctx)).transpose()?.flatten() {
            Some(leaves) => Ok(Standing { margins, leaves: Some(leaves) }),
            None => Ok(self.margins(x, ctx)?.into()),
        }
    }

    /// Rows whose leaves stay the same keep their bits. Where it is not known which leaves they stand in, only trees that
    /// split on a changed feature are walked, unless those are so many that a fresh start is cheaper (the difference needs
    /// two walks).
    fn margins_moved(&self, x: &FeatureMatrix, standing: &Standing, rows: &[usize], changed: &[Changed], ctx: &JobCtx) -> Result<Vec<f64>> {
        check_width(&self.card, x)?;
        let mut out = of_rows(&standing.margins, self.ensemble.n_outputs, rows);
        if let (Some(fast), Some(leaves)) = (&self.fast, &standing.leaves) {
            fast.move_from(leaves, rows, changed, &mut out, ctx)?;
            return Ok(out);
        }
        let asks = |n: &Node| matches!(n, Node::Split { feature, .. } if changed.iter().any(|c| c.feature == *feature as usize));
        let touches: Vec<bool> = self.ensemble.trees.iter().map(|t| t.nodes.iter().any(asks)).collect();
        let few = touches.iter().filter(|t| **t).count() * 2 <= touches.len();
        let fast = self.fast.as_ref().filter(|_| few && self.ensemble.link != Link::Log);
        let part = fast.and_then(|_| Predictor::new(&self.ensemble, |t| touches[t]));
        let mut at = 0;
        for (some, before, after) in pieces(x, rows, changed) {
            let here = &mut out[at..at + some.len() * self.ensemble.n_outputs];
            at += here.len();
            let Some(part) = &part else {
                here.copy_from_slice(&self.margins(&after, ctx)?);
                continue;
            };
            let (mut then, mut was) = (vec![0.0; here.len()], vec![0.0; here.len()]);
            part.add_to(&after, &mut then, ctx)?;
            part.add_to(&before, &mut was, ctx)?;
            here.iter_mut().zip(then.iter().zip(&was)).for_each(|(h, (t, w))| *h += t - w);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::train::{sample, train};
    use super::*;
    use crate::data::Part;
    use crate::ml::spec::ModelKind;
    use crate::ml::train::training_parts;

    fn spec(rounds: u32) -> ModelSpec {
        ModelSpec { epochs: Some(rounds), ..ModelSpec::new("t", ModelKind::Gbdt) }
    }
    fn fitted(d: &TrainData, rounds: u32) -> TreeModel {
        let (train, held) = training_parts(&spec(rounds), d);
        fit(&spec(rounds), d, &train, &held, &JobCtx::quiet()).unwrap()
    }

    #[test]
    fn rows_count_by_their_weights() {
        // Half of the amounts are 0 and half are 1; those of 0 count three times.
        let mut d = sample::only(sample::data(200, 20), 1);
        d.y = vec![(0..200).map(|r| f64::from(r % 2)).collect()];
        d.x.values.fill(0.0);
        let rows: Vec<usize> = (0..200).collect();
        let weights: Vec<f64> = rows.iter().map(|r| if r % 2 == 0 { 3.0 } else { 1.0 }).collect();
        let of = |weights| {
            let m = fit_weighted(&spec(100), &d, (&rows, &[]), weights, &JobCtx::quiet()).unwrap();
            m.margins(&d.x.select(&[0]), &JobCtx::quiet()).unwrap()[0]
        };
        assert!((of(None) - 0.5).abs() < 1e-3 && (of(Some(&weights)) - 0.25).abs() < 1e-3, "{} {}", of(None), of(Some(&weights)));
        let line = ModelSpec::new("line", ModelKind::Logistic);
        let fault = super::super::train::train_weighted(&line, &d, Some(&weights), &JobCtx::quiet()).err().unwrap();
        assert_eq!(fault.0.code, "ml.no_row_weights");
    }

    #[test]
    fn the_neutral_trees_predict_what_the_trainer_predicts() {
        for outcome in [0, 1] {
            let d = sample::only(sample::data(1500, 20), outcome);
            let features = &d.encoder.features;
            let columns = columns(features);
            assert!(columns.contains(&Column::Category(4)) && columns.contains(&Column::Level(3, 0)), "both kinds are tested");
            let rows: Vec<usize> = (0..1500).filter(|&r| d.y[0][r].is_finite()).collect();
            let y: Vec<f64> = rows.iter().map(|&r| d.y[0][r]).collect();
            let m = matrix(&columns, features, &d.x, &rows, &y, None).unwrap();
            let model = boost(&params(&spec(40), &d.outcomes[0]).unwrap(), &m, None, 40, &JobCtx::quiet(), |_, _| ()).unwrap();
            let mut e = TreeEnsemble { n_features: 5, n_outputs: 1, intercept: vec![], link: Link::Logit, trees: vec![] };
            add(&mut e, &model, 40, 0, &columns, features, &d.x, &rows, &vec![1.0; rows.len()]).unwrap();
            // Rows with gaps and unseen levels too.
            let mut x = d.x.select(&rows);
            for (i, v) in x.values.iter_mut().enumerate() {
                if i % 23 == 0 {
                    *v = if i % 5 >= 3 { if i % 2 == 0 { f64::NAN } else { -1.0 } } else { f64::NAN };
                }
            }
            let all: Vec<usize> = (0..rows.len()).collect();
            let theirs = model.predict_margin(&matrix(&columns, features, &x, &all, &y, None).unwrap(), Iterations::from(0..40)).unwrap();
            let largest = theirs.as_slice().iter().fold(1.0f32, |m, v| m.max(v.abs()));
            for (r, t) in theirs.as_slice().iter().enumerate() {
                let ours = e.margins(x.row(r))[0];
                assert!((ours - f64::from(*t)).abs() < 1e-5 * f64::from(largest), "row {r}: {ours} {t}");
            }
        }
    }

    #[test]
    fn the_fast_walk_has_the_same_bits_at_any_thread_count() {
        let d = sample::data(700, 21);
        let m = fitted(&d, 30);
        let mut x = d.x.clone();
        for (i, v) in x.values.iter_mut().enumerate() {
            match i % 41 {
                0 => *v = f64::NAN,
                1 => *v = -1.0,
                2 => *v = f64::INFINITY,
                3 => *v = 500.0,
                _ => (),
            }
        }
        let plain: Vec<u64> = (0..700).flat_map(|r| m.ensemble.margins(x.row(r))).map(f64::to_bits).collect();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let fast = pool.install(|| m.margins(&x, &JobCtx::quiet()).unwrap());
            assert_eq!(fast.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), plain);
            assert_eq!(pool.install(|| fitted(&d, 30).tensors()), m.tensors(), "training at {threads} threads");
        }
        assert!(m.fast.as_ref().is_some(), "the fast walk is what was tested");
    }

    #[test]
    fn covers_count_the_rows_that_fitted() {
        let d = sample::only(sample::data(600, 22), 0);
        let m = fitted(&d, 10);
        let rows: Vec<usize> = (0..600).filter(|&r| d.parts[r] == Part::Train).collect();
        for tree in &m.ensemble.trees {
            let mut counts = vec![0.0; tree.nodes.len()];
            for &r in &rows {
                let mut at = 0;
                loop {
                    counts[at] += 1.0;
                    let node = &tree.nodes[at];
                    let Node::Split { feature, left, right, .. } = node else { break };
                    at = if node.goes_left(d.x.row(r)[*feature as usize]) { *left } else { *right } as usize;
                }
            }
            assert_eq!(tree.nodes.iter().map(Node::cover).collect::<Vec<_>>(), counts);
        }
    }

    /// Every set of up to two features, moved to one value or to one for each row, among all rows or some.
    #[test]
    fn moved_margins_equal_new_ones_and_rows_that_stay_keep_their_bits() {
        for outcomes in [1, 2] {
            let all = sample::data(500, 23);
            let d = if outcomes == 1 { sample::only(all, 0) } else { all };
            let m = fitted(&d, 60);
            let ctx = JobCtx::quiet();
            let kept = m.standing(&d.x, &ctx).unwrap();
            assert!(kept.leaves.is_some(), "the quick way is what is tested");
            let base = m.margins(&d.x, &ctx).unwrap();
            assert_eq!(kept.margins, base);
            let value = |j: usize, i: usize| match (j, i % 7) {
                (_, 5) => f64::NAN,
                (3.., 6) => -1.0,
                (0..3, i) => 0.3 * i as f64 - 0.5,
                (_, i) => i as f64,
            };
            let everybody: Vec<usize> = (0..500).collect();
            let some: Vec<usize> = (0..500).filter(|r| r % 3 == 1 || *r > 480).collect();
            for (one, other, same) in (0..5).flat_map(|a| (a..5).flat_map(move |b| [0, 1, 5, 6, 9].map(|s| (a, b, s)))) {
                for rows in [&everybody, &some] {
                    let new = |j: usize, r: usize| match same {
                        9 if r % 2 == 1 => d.x.row(r)[j],
                        9 => value(j, r),
                        same => value(j, same),
                    };
                    let features = if one == other { vec![one] } else { vec![one, other] };
                    let changed: Vec<Changed> =
                        features.iter().map(|j| Changed { feature: *j, values: rows.iter().map(|r| new(*j, *r)).collect() }).collect();
                    let mut x = d.x.select(rows);
                    for (i, r) in rows.iter().enumerate() {
                        features.iter().for_each(|j| x.values[i * 5 + j] = new(*j, *r));
                    }
                    let fresh = m.margins(&x, &ctx).unwrap();
                    let quick = m.margins_moved(&d.x, &kept, rows, &changed, &ctx).unwrap();
                    let slow = m.margins_moved(&d.x, &base.clone().into(), rows, &changed, &ctx).unwrap();
                    for (at, fresh) in fresh.iter().enumerate() {
                        assert!((fresh - quick[at]).abs() < 1e-12 && (fresh - slow[at]).abs() < 1e-12, "{features:?} {same} {at}");
                        let (row, k) = (rows[at / outcomes], at % outcomes);
                        if same == 9 && row % 2 == 1 {
                            assert_eq!(quick[at].to_bits(), base[row * outcomes + k].to_bits());
                        }
                    }
                    assert!(rows.len() < 500 || same != 0 || one != other || fresh != base, "{features:?} moves something");
                }
            }
        }
    }

    #[test]
    fn trees_learn_and_balance() {
        let d = sample::data(4000, 24);
        let m = train(&spec(200), &d, &JobCtx::quiet()).unwrap();
        assert!(m.card().evaluation[0].auc().unwrap() > 0.8);
        let super::super::metrics::Figures::Number(n) = &m.card().evaluation[1].figures else { panic!() };
        assert!(n.r2.unwrap() > 0.8, "{n:?}");
        let d = sample::only(d, 0);
        let mean = |weight| {
            let mut d = d.clone();
            for r in (0..4000).filter(|r| r % 3 != 0) {
                d.y[0][r] = 0.0;
            }
            let m = train(&ModelSpec { weight, ..spec(50) }, &d, &JobCtx::quiet()).unwrap();
            m.predict(&d.x, &JobCtx::quiet()).unwrap().iter().sum::<f64>() / 4000.0
        };
        assert!(mean(Weighting::None) < 0.25 && mean(Weighting::Balanced) > 0.4);
    }
}
