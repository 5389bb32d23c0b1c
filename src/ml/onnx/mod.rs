//! ONNX models with a tabular input, run by tract: a black box that answers. What it is made of is not looked into, so it is
//! explained by asking it.
//!
//! [`graph`] decides what of the file is asked, and refuses what could do harm; [`trees`] takes over what is trees.

mod graph;
mod trees;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use tract_onnx::prelude::*;

use super::file::{NamedTensor, TensorData, take};
use super::model::{Model, ModelCard, Outcome, OutcomeKind, PartSizes, Structure};
use super::spec::{ModelKind, ModelSpec};
use super::train::check_width;
use crate::base::{Fault, Fingerprint, JobCtx, Result, rng};
use crate::data::{Encoder, Feature, FeatureKind, FeatureMatrix, FittedPrepare};
use crate::{fault, note};
use graph::{Asked, DOUBLE, INT64, Input};

/// Rows that go in at once, where the file leaves it open.
const BATCH: usize = 128;
/// Most outputs.
const MOST_OUTPUTS: usize = 1_000;
/// A probability is never nearer to 0 or 1 than so much, so that its log-odds are numbers.
const NEAR: f64 = 1e-12;

type Plan = Arc<TypedRunnableModel>;

/// What the numbers of the output are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shows {
    Number,
    /// One column: the probability of yes.
    Yes,
    /// Two columns: of no, and of yes.
    NoYes,
    /// One column per class.
    Classes,
}

/// A model that is asked and not looked into.
pub struct OnnxModel {
    card: ModelCard,
    bytes: Vec<u8>,
    inputs: Vec<Input>,
    batch: usize,
    width: usize,
    shows: Shows,
    plan: Plan,
}

/// Runs foreign code that may panic on a damaged file; whatever it says becomes one sentence.
fn guarded<T>(run: impl FnOnce() -> TractResult<T>) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(out)) => Ok(out),
        Ok(Err(e)) => Err(e.chain().last().map_or_else(|| e.to_string(), ToString::to_string)),
        Err(_) => Err("the engine gave up".to_owned()),
    }
}

struct Opened {
    asked: Asked,
    batch: usize,
    plan: Plan,
    width: usize,
    shows: Shows,
}

/// Makes a file ready to be asked, and finds out what its output is by asking.
fn open(bytes: &[u8], refused: &dyn Fn(String) -> Fault, damaged: &dyn Fn(String) -> Fault) -> Result<Opened> {
    let proto = guarded(|| tract_onnx::onnx().proto_model_for_read(&mut &*bytes)).map_err(damaged)?;
    let asked = graph::asked(proto).map_err(refused)?;
    let batch = asked.batch.unwrap_or(BATCH);
    let plan = guarded(|| {
        let onnx = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_output_types(true).with_ignore_value_info(true);
        let mut model = onnx.parse(&asked.proto, None)?.model;
        for (i, input) in asked.inputs.iter().enumerate() {
            let kind = match input.kind {
                DOUBLE => f64::datum_type(),
                INT64 => i64::datum_type(),
                _ => f32::datum_type(),
            };
            let shape: TVec<usize> = if input.flat { tvec![batch] } else { tvec![batch, input.columns] };
            model.set_input_fact(i, InferenceFact::dt_shape(kind, shape))?;
        }
        model.into_optimized()?.into_runnable()
    })
    .map_err(refused)?;
    let features = asked.inputs.iter().map(|i| i.columns).sum();
    // Rows of ordinary numbers; levels and whole numbers from the lower end.
    let mut rng = rng::rng(1, "onnx");
    let kinds: Vec<&Input> = asked.inputs.iter().flat_map(|i| std::iter::repeat_n(i, i.columns)).collect();
    let values =
        (0..batch).flat_map(|_| kinds.iter().map(|i| if i.levels.is_some() { 0.0 } else { rng::normal(&mut rng) }).collect::<Vec<_>>());
    let tried = FeatureMatrix { n_features: features, values: values.collect() };
    let out = guarded(|| ask(&plan, &asked.inputs, batch, &tried, 0..batch)).map_err(refused)?;
    let width = out.len() / batch;
    if width == 0 || width > MOST_OUTPUTS || out.len() != batch * width {
        return Err(refused(format!("output of {} numbers for {batch} rows", out.len())));
    }
    let shares =
        out.chunks(width).all(|r| r.iter().all(|p| (-1e-6..=1.0 + 1e-6).contains(p)) && (r.iter().sum::<f64>() - 1.0).abs() < 1e-4);
    let shows = match width {
        1 if asked.probability => Shows::Yes,
        1 => Shows::Number,
        2 if shares => Shows::NoYes,
        _ if shares => Shows::Classes,
        n => return Err(refused(format!("{n} outputs that are no probabilities"))),
    };
    Ok(Opened { asked, batch, plan, width, shows })
}

/// Outputs of some rows; the last rows of a piece that is not full are asked again.
fn ask(plan: &Plan, inputs: &[Input], batch: usize, x: &FeatureMatrix, rows: std::ops::Range<usize>) -> TractResult<Vec<f64>> {
    let n = rows.len();
    let mut given: TVec<TValue> = tvec![];
    let mut from = 0;
    for input in inputs {
        let c = input.columns;
        let cells = (0..batch).flat_map(|i| x.row(rows.start + i.min(n - 1))[from..from + c].iter().copied());
        let shape: &[usize] = &if input.flat { vec![batch] } else { vec![batch, c] };
        let tensor = match input.kind {
            DOUBLE => Tensor::from_shape(shape, &cells.collect::<Vec<f64>>())?,
            INT64 => Tensor::from_shape(shape, &cells.map(|v| v as i64).collect::<Vec<i64>>())?,
            _ => Tensor::from_shape(shape, &cells.map(|v| v as f32).collect::<Vec<f32>>())?,
        };
        given.push(tensor.into());
        from += c;
    }
    let out = plan.run(given)?;
    let first = out.first().ok_or_else(|| TractError::msg("no output"))?;
    let numbers = first.cast_to::<f64>()?;
    let all = numbers.try_as_plain_ram()?.as_slice::<f64>()?;
    let width = all.len() / batch;
    Ok(all[..n * width].to_vec())
}

/// Imports a file.
pub fn import(path: &Path, bytes: Vec<u8>, outcome: &str) -> Result<Arc<dyn Model>> {
    let refused = |reason: String| fault!("ml.import_refused_onnx", file = path, reason = reason);
    let damaged = |reason: String| fault!("ml.import_damaged", file = path, reason = reason);
    let proto = guarded(|| tract_onnx::onnx().proto_model_for_read(&mut &*bytes)).map_err(damaged)?;
    if let Some(source) = trees::read(&proto) {
        return Ok(super::import::made(path, &bytes, source.map_err(damaged)?, outcome));
    }
    let opened = open(&bytes, &refused, &damaged)?;
    let stem = path.file_stem().map_or_else(|| "ONNX".to_owned(), |s| s.to_string_lossy().into_owned());
    let labels = &opened.asked.labels;
    let label = |k: usize| labels.get(k).filter(|_| labels.len() == opened.width.max(2)).cloned().unwrap_or_else(|| k.to_string());
    let kind = |k: usize| match opened.shows {
        Shows::Number => OutcomeKind::Number,
        Shows::Yes | Shows::NoYes => OutcomeKind::Binary { positive: label(1), negative: label(0) },
        Shows::Classes => OutcomeKind::Class { class: label(k) },
    };
    let n = if opened.shows == Shows::Classes { opened.width } else { 1 };
    let card = ModelCard {
        spec: ModelSpec::new(&stem, ModelKind::Onnx),
        outcomes: (0..n).map(|k| Outcome { name: outcome.to_owned(), kind: kind(k), base_rate: 0.0 }).collect(),
        encoder: Encoder { prepare: FittedPrepare::default(), features: features(&opened.asked.inputs) },
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: "CPU".to_owned(),
        seconds: 0.0,
        data: Fingerprint::default(),
        fingerprint: Fingerprint::of(&bytes),
        curve: Vec::new(),
        conformal: None,
        warnings: vec![note!("ml.imported_onnx", nodes = opened.asked.proto.graph.as_ref().map_or(0, |g| g.node.len()), file = path)],
    };
    Ok(Arc::new(made(card, bytes, opened)))
}

fn made(card: ModelCard, bytes: Vec<u8>, o: Opened) -> OnnxModel {
    OnnxModel { card, bytes, inputs: o.asked.inputs, batch: o.batch, width: o.width, shows: o.shows, plan: o.plan }
}

/// The columns; several of one input are numbered. Such files say nothing of ranges.
fn features(inputs: &[Input]) -> Vec<Feature> {
    let single = inputs.len() == 1;
    let one = |input: &Input, k: usize| Feature {
        name: match (single, input.columns) {
            (true, c) if c > 1 => format!("f{k}"),
            (_, 1) => input.name.clone(),
            _ => format!("{}_{k}", input.name),
        },
        kind: match &input.levels {
            Some(levels) => FeatureKind::Categorical { levels: levels.clone() },
            None => FeatureKind::Numeric { integer: input.kind == INT64, boolean: false },
        },
        mean: 0.0,
        sd: 0.0,
        range: (0.0, 0.0),
        quantiles: Vec::new(),
        shares: input.levels.as_ref().map_or_else(Vec::new, |l| vec![1.0 / l.len().max(1) as f64; l.len()]),
        missing: 0.0,
    };
    inputs.iter().flat_map(|i| (0..i.columns).map(move |k| one(i, k))).collect()
}

impl OnnxModel {
    /// From the tensors of a model file: the ONNX file itself, eight bytes a number.
    pub fn from_tensors(card: ModelCard, tensors: &[NamedTensor]) -> Result<Self> {
        let wrong = |reason: String| fault!("ml.model_tensor", tensor = format!("onnx.bytes ({reason})"));
        let length = take::i64s(tensors, "onnx.length")?.first().copied().unwrap_or(-1);
        let words = take::i64s(tensors, "onnx.bytes")?;
        let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        if !usize::try_from(length).is_ok_and(|n| n <= bytes.len() && bytes.len() - n < 8) {
            return Err(wrong(length.to_string()));
        }
        bytes.truncate(length as usize);
        let opened = open(&bytes, &wrong, &wrong)?;
        let features: usize = opened.asked.inputs.iter().map(|i| i.columns).sum();
        let outcomes = if opened.shows == Shows::Classes { opened.width } else { 1 };
        if features != card.features().len() || outcomes != card.outcomes.len() {
            return Err(wrong(features.to_string()));
        }
        Ok(made(card, bytes, opened))
    }

    /// Numbers of the output to margins.
    fn margins_of(&self, row: &[f64], out: &mut Vec<f64>) {
        let odds = |p: f64| {
            let p = p.clamp(NEAR, 1.0 - NEAR);
            (p / (1.0 - p)).ln()
        };
        match self.shows {
            Shows::Number => out.push(row[0]),
            Shows::Yes => out.push(odds(row[0])),
            Shows::NoYes => out.push(odds(row[1])),
            Shows::Classes => out.extend(row.iter().map(|p| p.max(NEAR).ln())),
        }
    }
}

impl Model for OnnxModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.card
    }
    fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
        check_width(&self.card, x)?;
        let pieces: Vec<usize> = (0..x.n_rows()).step_by(self.batch).collect();
        let parts: Result<Vec<Vec<f64>>> = pieces
            .into_par_iter()
            .map(|from| {
                ctx.check()?;
                let rows = from..(from + self.batch).min(x.n_rows());
                let found = guarded(|| ask(&self.plan, &self.inputs, self.batch, x, rows))
                    .map_err(|reason| fault!("ml.onnx_failed", model = &self.card.spec.name, reason = reason))?;
                let mut out = Vec::with_capacity(found.len());
                found.chunks(self.width).for_each(|row| self.margins_of(row, &mut out));
                Ok(out)
            })
            .collect();
        Ok(parts?.concat())
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Opaque
    }
    fn tensors(&self) -> Vec<NamedTensor> {
        let word = |c: &[u8]| {
            let mut w = [0; 8];
            w[..c.len()].copy_from_slice(c);
            i64::from_le_bytes(w)
        };
        let words: Vec<i64> = self.bytes.chunks(8).map(word).collect();
        let tensor = |name: &str, v: Vec<i64>| NamedTensor { name: name.to_owned(), shape: vec![v.len()], data: TensorData::I64(v) };
        vec![tensor("onnx.bytes", words), tensor("onnx.length", vec![self.bytes.len() as i64])]
    }
}

#[cfg(test)]
mod tests;
