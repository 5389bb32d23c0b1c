//! Networks that others trained: weights in a safetensors file, as burn's own store writes them, with a recipe that says what
//! they are. Every tensor is checked by name, shape and number; one that is missing, too many or misshapen is named.
//!
//! The other way, a network that was trained here is written as such a pair.

mod recipe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use self::recipe::{Layout, NetRecipe, Plan, UNCLIPPED, Way};
use super::inputs::{Input, Inputs};
use super::params::{CLASS, EMBED, Params};
use super::{Net, NetModel, first_params};
use crate::base::{Fault, Fingerprint, Result};
use crate::data::{Encoder, FittedPrepare};
use crate::ml::device;
use crate::ml::file::{NamedTensor, TensorData, fingerprint};
use crate::ml::model::{Model, ModelCard, PartSizes};
use crate::{fault, note};

/// Name of the metadata entry that may hold the recipe.
const KEY: &str = "whybench.recipe";
/// Name of the tensor of mean tokens, which a file may lack.
const REFERENCE: &str = "reference";
/// Largest recipe; longer ones are damaged.
const LARGEST_RECIPE: u64 = 16 << 20;
/// Most numbers of a network.
const MOST_NUMBERS: usize = 1 << 26;

/// Reads weights and recipe (`outcome` may rename the one thing that is predicted); `recipe` is the file that was named, else one beside the weights, else their metadata.
pub fn import(path: &Path, bytes: &[u8], outcome: Option<&str>, recipe: Option<&Path>) -> Result<Arc<dyn Model>> {
    let damaged = |reason: String| fault!("ml.import_damaged", file = path, reason = reason);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
    let inside = header.metadata().as_ref().and_then(|m| m.get(KEY)).cloned();
    let (text, from) = recipe_of(path, recipe, inside)?;
    let stem = path.file_stem().map_or_else(|| "network".to_owned(), |s| s.to_string_lossy().into_owned());
    let said = NetRecipe::parse(&text, &from)?;
    let mut plan = said.plan(&from, &stem)?;
    if let Some(name) = outcome.filter(|_| plan.outcomes.iter().all(|o| o.name == plan.outcomes[0].name)) {
        plan.outcomes.iter_mut().for_each(|o| name.clone_into(&mut o.name));
    }
    let whole = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
    let tensors: BTreeMap<String, TensorView<'_>> = whole.tensors().into_iter().collect();
    let net = Reader { path, said: &said, tensors, taken: Vec::new() }.net(&plan)?;
    let numbers = net.params.values.len();
    let card = ModelCard {
        spec: plan.spec,
        outcomes: plan.outcomes,
        encoder: Encoder { prepare: FittedPrepare::default(), features: plan.features },
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: net.place.name.clone(),
        seconds: 0.0,
        data: Fingerprint::default(),
        fingerprint: fingerprint(&super::stored::tensors(&net)),
        curve: Vec::new(),
        conformal: None,
        warnings: vec![note!("ml.imported_net", numbers = crate::base::numbers::count(numbers as i64), file = path)],
    };
    Ok(Arc::new(NetModel { card, net }))
}

/// The recipe's text and where it stands.
fn recipe_of(path: &Path, named: Option<&Path>, inside: Option<String>) -> Result<(String, PathBuf)> {
    let beside = path.with_extension("toml");
    let file = match named {
        Some(file) => file.to_owned(),
        None if beside.is_file() => beside,
        None => return inside.map(|text| (text, path.to_owned())).ok_or_else(|| fault!("ml.net_no_recipe", file = path, beside = &beside)),
    };
    let io = |e: &std::io::Error| Fault::io(&file, e);
    let mut bytes = Vec::new();
    // What has no end has no length either.
    std::fs::File::open(&file).map_err(|e| io(&e))?.take(LARGEST_RECIPE + 1).read_to_end(&mut bytes).map_err(|e| io(&e))?;
    let size = bytes.len() as u64;
    if size > LARGEST_RECIPE {
        return Err(fault!("ml.import_too_large", file = &file, size = size >> 20, most = LARGEST_RECIPE >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|e| fault!("ml.net_recipe", file = &file, reason = e.to_string()))?;
    Ok((text, file))
}

struct Reader<'a> {
    path: &'a Path,
    said: &'a NetRecipe,
    tensors: BTreeMap<String, TensorView<'a>>,
    taken: Vec<String>,
}

impl Reader<'_> {
    fn net(mut self, plan: &Plan) -> Result<Net> {
        let shape = &plan.shape;
        let inputs = Inputs::new(plan.inputs.clone());
        let columns = self.said.inputs == Way::Columns;
        // What the recipe asks for must not take more memory than the file could fill.
        let table_numbers = inputs.table_rows().saturating_mul(shape.width);
        let deep = |first: usize| first.saturating_mul(shape.hidden) + (shape.layers - 1) * shape.hidden * shape.hidden;
        let made = table_numbers
            + if shape.transformer {
                shape.layers * (4 * shape.width * shape.width + 2 * shape.width * shape.hidden)
            } else {
                deep(shape.features * shape.width)
            };
        let asked = if columns { deep(plan.inputs.iter().map(columns_of).sum()) } else { made };
        let held: usize = self.tensors.values().map(|t| t.shape().iter().product::<usize>()).sum();
        if made > MOST_NUMBERS || asked > held {
            let most = crate::base::numbers::count(MOST_NUMBERS as i64);
            return Err(fault!("ml.net_too_few", file = self.path, needed = made.max(asked), held = held, most = most));
        }
        let mut params = Params::default();
        first_params(&mut params, shape, &inputs, 0);
        for piece in params.pieces.clone() {
            let values = match piece.name.as_str() {
                EMBED if columns => table(&plan.inputs, shape.width),
                "layer0.weight" if columns => {
                    let from: Vec<usize> = plan.inputs.iter().map(columns_of).collect();
                    let plain = self.take(&piece.name, &[from.iter().sum(), shape.hidden])?;
                    spread(&plain, &from, shape.width, shape.hidden)
                }
                name => self.take(name, &piece.shape)?,
            };
            params.values[piece.range()].copy_from_slice(&values);
        }
        let reference = if !columns && self.tensors.contains_key(REFERENCE) {
            self.take(REFERENCE, &[shape.features, shape.width])?
        } else {
            reference(plan, &params)
        };
        let extra: Vec<&str> = self.tensors.keys().filter(|n| !self.taken.contains(n)).map(String::as_str).collect();
        if !extra.is_empty() {
            return Err(fault!("ml.net_extra", file = self.path, count = extra.len(), names = extra[..extra.len().min(5)].join(", ")));
        }
        let place = device::open(&plan.spec.device)?;
        Ok(Net {
            shape: shape.clone(),
            inputs,
            params,
            targets: plan.targets.clone(),
            reference,
            replicas: super::optimise::REPLICAS,
            place,
        })
    }

    /// The numbers of a piece, by the name that the file gives it.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let known = names(name, &self.said.names);
        let turned = self.said.weights == Layout::OutIn && shape.len() == 2 && name.ends_with(".weight");
        let wanted: Vec<usize> = if turned { shape.iter().rev().copied().collect() } else { shape.to_vec() };
        let Some(found) = known.iter().find(|n| self.tensors.contains_key(*n)) else {
            return Err(fault!("ml.net_missing", file = self.path, name = &known[0], shape = shown(&wanted)));
        };
        let tensor = &self.tensors[found];
        if tensor.shape() != wanted {
            let (is, wanted) = (shown(tensor.shape()), shown(&wanted));
            return Err(fault!("ml.net_shape", file = self.path, name = found, is = is, wanted = wanted));
        }
        let Some(values) = floats(tensor.dtype(), tensor.data()) else {
            return Err(fault!("ml.net_type", file = self.path, name = found, is = format!("{:?}", tensor.dtype())));
        };
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(fault!("ml.net_no_number", file = self.path, name = found, at = at));
        }
        self.taken.push(found.clone());
        if !turned {
            return Ok(values);
        }
        let (rows, wide) = (shape[0], shape[1]);
        Ok((0..rows * wide).map(|i| values[i % wide * rows + i / wide]).collect())
    }
}

fn shown(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// Names that a piece may have in a file, ours first: as the recipe says, layers in a list, and burn's words for a norm.
fn names(name: &str, said: &BTreeMap<String, String>) -> Vec<String> {
    let theirs =
        said.iter().filter(|(ours, _)| name == *ours || name.strip_prefix(ours.as_str()).is_some_and(|rest| rest.starts_with('.')));
    if let Some((ours, theirs)) = theirs.max_by_key(|(ours, _)| ours.len()) {
        let whole = format!("{theirs}{}", &name[ours.len()..]);
        let norm = burn_words(&whole, name);
        return std::iter::once(whole).chain(norm).collect();
    }
    let mut out = vec![name.to_owned()];
    if let Some(rest) = name.strip_prefix("layer").filter(|r| r.starts_with(|c: char| c.is_ascii_digit())) {
        out.extend([format!("layers.{rest}"), format!("layer.{rest}")]);
    }
    match name {
        EMBED => out.push("embed.weight".to_owned()),
        CLASS => out.push("class_token".to_owned()),
        _ => {
            let more: Vec<String> = out.iter().filter_map(|n| burn_words(n, name)).collect();
            out.extend(more);
        }
    }
    out
}

/// A normalisation's gain and bias are gamma and beta to burn.
fn burn_words(theirs: &str, ours: &str) -> Option<String> {
    if !ours.contains("norm") && !ours.starts_with("final.") {
        return None;
    }
    let gain = theirs.strip_suffix(".gain").map(|n| format!("{n}.gamma"));
    gain.or_else(|| theirs.strip_suffix(".bias").map(|n| format!("{n}.beta")))
}

/// Numbers of a type that single precision holds exactly or nearly so.
fn floats(kind: Dtype, raw: &[u8]) -> Option<Vec<f32>> {
    Some(match kind {
        Dtype::F32 => raw.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => raw.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::BF16 => raw.as_chunks::<2>().0.iter().map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16)).collect(),
        Dtype::F16 => raw.as_chunks::<2>().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
        _ => return None,
    })
}

/// A half-precision number, exactly.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        e => (1024.0 + fraction) * 2f32.powi(e - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Columns that a feature has where features enter as they are.
fn columns_of(input: &Input) -> usize {
    if let Input::Category { levels } = input { *levels } else { 1 }
}

/// The table with which tokens are the columns themselves: a number's z-score in the first place, a category's level in its own;
/// missing and unseen are zeros, which is the mean and none of the levels.
fn table(inputs: &[Input], width: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for input in inputs {
        out.resize(out.len() + 2 * width, 0.0);
        for k in 0..columns_of(input) {
            let at = out.len() + k;
            out.resize(out.len() + width, 0.0);
            out[at] = if matches!(input, Input::Number { .. }) { UNCLIPPED as f32 } else { 1.0 };
        }
    }
    out
}

/// The first layer's rows, each at its feature's place in the tokens.
fn spread(plain: &[f32], columns: &[usize], width: usize, hidden: usize) -> Vec<f32> {
    let mut out = vec![0.0; columns.len() * width * hidden];
    let mut rows = plain.chunks_exact(hidden);
    for (j, n) in columns.iter().enumerate() {
        for (k, row) in rows.by_ref().take(*n).enumerate() {
            let at = (j * width + k) * hidden;
            out[at..at + hidden].copy_from_slice(row);
        }
    }
    out
}

/// Mean tokens by what the recipe knows: a number at its mean, a category's levels by their shares.
fn reference(plan: &Plan, params: &Params) -> Vec<f32> {
    let width = plan.shape.width;
    let table = params.get(EMBED);
    let mut out = Vec::with_capacity(plan.shape.features * width);
    let mut first = 0;
    for (input, feature) in plan.inputs.iter().zip(&plan.features) {
        let mut token = vec![0.0f64; width];
        let mut add = |row: usize, by: f64| {
            let from = (first + row) * width;
            token.iter_mut().zip(&table[from..from + width]).for_each(|(t, v)| *t += by * f64::from(*v));
        };
        add(0, 1.0);
        let rows = match input {
            Input::Category { levels } => {
                feature.shares.iter().enumerate().for_each(|(l, share)| add(2 + l, *share));
                2 + levels
            }
            Input::Number { mean, edges, .. } => {
                for (t, w) in edges.windows(2).enumerate() {
                    add(3 + t, ((mean - w[0]) / (w[1] - w[0])).clamp(0.0, 1.0));
                }
                3 + edges.len().saturating_sub(1)
            }
        };
        first += rows;
        out.extend(token.iter().map(|t| *t as f32));
    }
    out
}

/// Writes a network as weights with their recipe beside them; the recipe's path.
pub fn export(model: &dyn Model, path: &Path) -> Result<PathBuf> {
    let card = model.card();
    let kind = card.spec.kind;
    if !matches!(kind, crate::ml::ModelKind::Dnn | crate::ml::ModelKind::Transformer) {
        return Err(fault!("ml.export_no_net", model = &card.spec.name, kind = kind.name()));
    }
    if !card.encoder.prepare.steps.is_empty() {
        return Err(fault!("ml.export_prepared", model = &card.spec.name));
    }
    let net = NetModel::from_tensors(card.clone(), &model.tensors(), &crate::ml::DeviceChoice::Cpu)?.net;
    let beside = path.with_extension("toml");
    let text = NetRecipe::of(card, &net).to_toml(&beside)?;
    let named = |name: &str, shape: &[usize], values: &[f32]| NamedTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        data: TensorData::F32(values.to_vec()),
    };
    let mut tensors: Vec<NamedTensor> = net.params.pieces.iter().map(|p| named(&p.name, &p.shape, &net.params.values[p.range()])).collect();
    tensors.push(named(REFERENCE, &[net.shape.features, net.shape.width], &net.reference));
    let bytes = safetensors::serialize(tensors.iter().map(|t| (t.name.as_str(), t)), None)
        .map_err(|e| fault!("ml.cannot_save", file = path, reason = e.to_string()))?;
    crate::base::file::write_atomic(path, &bytes)?;
    crate::base::file::write_atomic(&beside, text.as_bytes())?;
    Ok(beside)
}
