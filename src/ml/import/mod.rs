//! Models that other programs trained: XGBoost JSON and UBJSON, LightGBM text, ONNX, and networks' weights as safetensors. Trees
//! become the neutral form, with a card of what came in; what cannot be read exactly is refused with the reason.
//!
//! - [`xgboost`] and [`lightgbm`] read one format each; [`document`] is what JSON holds, [`ubjson`] XGBoost's binary form of it.

mod document;
mod lightgbm;
mod ubjson;
mod xgboost;

use std::path::Path;
use std::sync::Arc;

use super::ensemble::{Missing, Node, Test, Tree, TreeEnsemble};
use super::model::{Model, ModelCard, Outcome, OutcomeKind, PartSizes};
use super::spec::{ModelKind, ModelSpec};
use super::trees::TreeModel;
use crate::base::{Fault, Fingerprint, Notice, Result};
use crate::data::features::{QUANTILES, quantile};
use crate::data::{Encoder, Feature, FeatureKind, FittedPrepare};
use crate::{fault, note};

/// What a reader makes of a file.
pub(super) struct Source {
    /// The program that wrote it.
    pub program: &'static str,
    /// Its word for what is predicted, such as `binary:logistic`.
    pub objective: String,
    /// The trees.
    pub ensemble: TreeEnsemble,
    /// Feature names, in the model's order.
    pub names: Vec<String>,
    /// Levels of the features that are categories.
    pub levels: Vec<Option<Vec<String>>>,
    /// Names of the classes, where the file has them.
    pub classes: Vec<String>,
    /// What to know of it.
    pub notices: Vec<Notice>,
}

/// Largest file that is read: what is beyond is no model that this program could show.
const LARGEST: u64 = 512 << 20;
/// The same for ONNX, whose weights are held several times while it is made ready.
const LARGEST_ONNX: u64 = 256 << 20;
/// The same for a network's weights.
const LARGEST_WEIGHTS: u64 = 512 << 20;
/// Most features, most codes of a category: files that name more are damaged.
pub(super) const MOST_FEATURES: usize = 1 << 20;
const MOST_CODES: usize = 1 << 16;
/// Most splits from a root to a leaf.
const DEEPEST: usize = 512;
/// Most classes.
pub(super) const MOST_CLASSES: usize = 1_000;

/// The bytes of a file that is no larger than a model can be.
fn bounded(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(|e| Fault::io(path, &e))?.len();
    if size > LARGEST_ONNX {
        return Err(fault!("ml.import_too_large", file = path, size = size >> 20, most = LARGEST_ONNX >> 20));
    }
    std::fs::read(path).map_err(|e| Fault::io(path, &e))
}

/// The bytes of a file that begins as a model does; anything else is refused before it is read.
fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let io = |e: &std::io::Error| Fault::io(path, e);
    let mut file = std::fs::File::open(path).map_err(|e| io(&e))?;
    let size = file.metadata().map_err(|e| io(&e))?.len();
    if size > LARGEST {
        return Err(fault!("ml.import_too_large", file = path, size = size >> 20, most = LARGEST >> 20));
    }
    let mut bytes = vec![0; 64.min(size as usize)];
    file.read_exact(&mut bytes).map_err(|e| io(&e))?;
    let begins = bytes.iter().find(|b| !b.is_ascii_whitespace());
    if begins != Some(&b'{') && !bytes.starts_with(b"tree\n") && !bytes.starts_with(b"tree\r\n") {
        return Err(fault!("ml.import_unknown", file = path));
    }
    file.read_to_end(&mut bytes).map_err(|e| io(&e))?;
    Ok(bytes)
}

/// The bytes of a safetensors file, which begins with the length of its header and the header's brace.
fn weights(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let io = |e: &std::io::Error| Fault::io(path, e);
    let mut file = std::fs::File::open(path).map_err(|e| io(&e))?;
    let size = file.metadata().map_err(|e| io(&e))?.len();
    if size > LARGEST_WEIGHTS {
        return Err(fault!("ml.import_too_large", file = path, size = size >> 20, most = LARGEST_WEIGHTS >> 20));
    }
    let mut begin = [0; 9];
    let whole = file.read_exact(&mut begin).is_ok();
    let header = begin.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    if !whole || begin[8] != b'{' || header > size.saturating_sub(8) {
        return Err(fault!("ml.import_damaged", file = path, reason = "safetensors"));
    }
    let mut bytes = begin.to_vec();
    file.take(size).read_to_end(&mut bytes).map_err(|e| io(&e))?;
    Ok(bytes)
}

/// Opens a model file of ours, or imports one of another program.
pub fn open(path: &Path) -> Result<Arc<dyn Model>> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("whymodel")) { super::file::load(path) } else { import(path, None) }
}

/// Imports a model of another program; `outcome` names what it predicts, which such files do not say.
pub fn import(path: &Path, outcome: Option<&str>) -> Result<Arc<dyn Model>> {
    import_with(path, outcome, None)
}

/// The same with the recipe of a network whose weights the file holds.
pub fn import_with(path: &Path, outcome: Option<&str>, recipe: Option<&Path>) -> Result<Arc<dyn Model>> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors")) {
        return super::net::import(path, &weights(path)?, outcome, recipe);
    }
    if let Some(recipe) = recipe {
        return Err(fault!("ml.recipe_not_needed", file = path, recipe = recipe));
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
        return super::onnx::import(path, bounded(path)?, outcome.unwrap_or("outcome"));
    }
    let bytes = bytes_of(path)?;
    let source = match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        None => return Err(fault!("ml.import_unknown", file = path)),
        Some(b'{') => {
            let budget = || document::Budget::for_file(bytes.len());
            let value = match document::json(&bytes, &budget()) {
                Ok(value) => value,
                Err(text) => {
                    ubjson::parse(&bytes, &budget()).ok_or_else(|| fault!("ml.import_damaged", file = path, reason = text.to_string()))?
                }
            };
            xgboost::read(path, &value)?
        }
        Some(_) if bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n") => {
            let text = std::str::from_utf8(&bytes).map_err(|e| fault!("ml.import_damaged", file = path, reason = e.to_string()))?;
            lightgbm::read(path, text)?
        }
        Some(_) => return Err(fault!("ml.import_unknown", file = path)),
    };
    Ok(made(path, &bytes, source, outcome.unwrap_or("outcome")))
}

/// A model of what was read.
pub(super) fn made(path: &Path, bytes: &[u8], source: Source, outcome: &str) -> Arc<dyn Model> {
    let stem = path.file_stem().map_or_else(|| source.program.to_owned(), |s| s.to_string_lossy().into_owned());
    let outcomes = outcomes(&source, outcome);
    let trees = source.ensemble.trees.len();
    let card = ModelCard {
        spec: ModelSpec { epochs: Some(trees as u32), ..ModelSpec::new(&stem, ModelKind::Gbdt) },
        outcomes,
        encoder: Encoder { prepare: FittedPrepare::default(), features: features(&source) },
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: "CPU".to_owned(),
        seconds: 0.0,
        data: Fingerprint::default(),
        fingerprint: Fingerprint::of(bytes),
        curve: Vec::new(),
        conformal: None,
        warnings: std::iter::once(imported(&source, path)).chain(source.notices.iter().cloned()).collect(),
    };
    Arc::new(TreeModel::new(card, source.ensemble))
}

/// What the ensemble predicts. Where a file does not name classes, they are called by their numbers.
fn outcomes(source: &Source, name: &str) -> Vec<Outcome> {
    use super::ensemble::Link;
    let e = &source.ensemble;
    let class = |k: usize| source.classes.get(k).cloned().unwrap_or_else(|| k.to_string());
    let several = e.n_outputs > 1;
    (0..e.n_outputs)
        .map(|k| {
            let kind = match e.link {
                Link::Softmax => OutcomeKind::Class { class: class(k) },
                Link::Logit if several => OutcomeKind::Binary { positive: k.to_string(), negative: String::new() },
                Link::Logit => OutcomeKind::Binary { positive: class(1), negative: class(0) },
                Link::Identity | Link::Log => OutcomeKind::Number,
            };
            // Classes that are asked one against the rest are outcomes of their own.
            let name = if several && e.link == Link::Logit { format!("{name} = {k}") } else { name.to_owned() };
            Outcome { name, kind, base_rate: 0.0 }
        })
        .collect()
}

fn imported(source: &Source, path: &Path) -> Notice {
    note!("ml.imported", program = source.program, objective = &source.objective, trees = source.ensemble.trees.len(), file = path)
}

/// The features; such files carry no data, so ranges are those of the values that the trees ask about.
fn features(source: &Source) -> Vec<Feature> {
    let mut asked: Vec<Vec<f64>> = vec![Vec::new(); source.names.len()];
    for node in source.ensemble.trees.iter().flat_map(|t| &t.nodes) {
        if let Node::Split { feature, test: Test::LessF32(t) | Test::LessEqual(t), .. } = node
            && t.is_finite()
        {
            asked[*feature as usize].push(*t);
        }
    }
    let one = |((name, levels), mut asked): ((&String, &Option<Vec<String>>), Vec<f64>)| {
        asked.sort_unstable_by(f64::total_cmp);
        let at = |q: f64| if asked.is_empty() { 0.0 } else { quantile(&asked, q) };
        let n = levels.as_ref().map_or(0, Vec::len);
        Feature {
            name: name.clone(),
            kind: match levels {
                Some(levels) => FeatureKind::Categorical { levels: levels.clone() },
                None => FeatureKind::Numeric { integer: false, boolean: false },
            },
            mean: at(0.5),
            sd: 0.0,
            range: (at(0.0), at(1.0)),
            quantiles: if levels.is_some() { Vec::new() } else { QUANTILES.iter().map(|q| at(*q)).collect() },
            shares: vec![1.0 / n.max(1) as f64; n],
            missing: 0.0,
        }
    };
    source.names.iter().zip(&source.levels).zip(asked).map(one).collect()
}

/// Numbers the nodes so that children stand behind their parent, whatever the file's order, and refuses circles.
pub(super) fn in_order(root: usize, size: usize, node: impl Fn(usize) -> Option<(Node, Option<(usize, usize)>)>) -> Option<Vec<Node>> {
    let mut out: Vec<Node> = Vec::new();
    // A place in the file's order, and the parent's field that waits for its new number.
    let mut open = vec![(root, None::<(usize, bool)>, 0)];
    while let Some((old, parent, depth)) = open.pop() {
        let new = out.len();
        if new > size || depth > DEEPEST {
            return None;
        }
        if let Some((p, is_left)) = parent
            && let Node::Split { left, right, .. } = &mut out[p]
        {
            *(if is_left { left } else { right }) = u32::try_from(new).ok()?;
        }
        let (made, children) = node(old)?;
        let fine = match &made {
            Node::Leaf { value, cover } => value.is_finite() && cover.is_finite(),
            Node::Split { test: Test::LessF32(t) | Test::LessEqual(t), cover, .. } => !t.is_nan() && cover.is_finite(),
            Node::Split { cover, .. } => cover.is_finite(),
        };
        if !fine {
            return None;
        }
        out.push(made);
        if let Some((left, right)) = children {
            open.push((right, Some((new, false)), depth + 1));
            open.push((left, Some((new, true)), depth + 1));
        }
    }
    Some(out)
}

/// A bitset of category codes, which were checked to be small.
fn set_of(codes: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut set: Vec<u64> = Vec::new();
    for c in codes.filter(|c| *c < MOST_CODES) {
        if set.len() <= c / 64 {
            set.resize(c / 64 + 1, 0);
        }
        set[c / 64] |= 1 << (c % 64);
    }
    set
}

/// Names that the file lacks: `f0`, `f1`, …, as the programs themselves call them.
pub(super) fn names_or_numbers(names: Vec<String>, n: usize) -> Vec<String> {
    if names.len() == n { names } else { (0..n).map(|i| format!("f{i}")).collect() }
}

#[cfg(test)]
mod tests;
