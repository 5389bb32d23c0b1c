//! Models that other programs trained: XGBoost JSON and UBJSON, LightGBM text. Each becomes the neutral tree form, with a
//! card of what came in; what cannot be read exactly is refused with the reason.
//!
//! - [`xgboost`] and [`lightgbm`] read one format each; [`ubjson`] is XGBoost's binary form of JSON.

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
struct Source {
    /// The program that wrote it.
    program: &'static str,
    /// Its word for what is predicted, such as `binary:logistic`.
    objective: String,
    /// The trees.
    ensemble: TreeEnsemble,
    /// Feature names, in the model's order.
    names: Vec<String>,
    /// Levels of the features that are categories.
    levels: Vec<Option<Vec<String>>>,
}

/// Opens a model file of ours, or imports one of another program.
pub fn open(path: &Path) -> Result<Arc<dyn Model>> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("whymodel")) { super::file::load(path) } else { import(path, None) }
}

/// Imports a model of another program; `outcome` names what it predicts, which such files do not say.
pub fn import(path: &Path, outcome: Option<&str>) -> Result<Arc<dyn Model>> {
    let bytes = std::fs::read(path).map_err(|e| Fault::io(path, &e))?;
    let source = match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        None => return Err(fault!("ml.import_unknown", file = path)),
        Some(b'{') => {
            let value = match serde_json::from_slice(&bytes) {
                Ok(value) => value,
                Err(text) => ubjson::parse(&bytes).ok_or_else(|| fault!("ml.import_damaged", file = path, reason = text.to_string()))?,
            };
            xgboost::read(path, &value)?
        }
        Some(_) if bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n") => {
            let text = std::str::from_utf8(&bytes).map_err(|e| fault!("ml.import_damaged", file = path, reason = e.to_string()))?;
            lightgbm::read(path, text)?
        }
        Some(_) => return Err(fault!("ml.import_unknown", file = path)),
    };
    let stem = path.file_stem().map_or_else(|| source.program.to_owned(), |s| s.to_string_lossy().into_owned());
    let kind = match source.ensemble.link {
        super::ensemble::Link::Logit => OutcomeKind::Binary { positive: "1".to_owned(), negative: "0".to_owned() },
        _ => OutcomeKind::Number,
    };
    let outcome = Outcome { name: outcome.unwrap_or("outcome").to_owned(), kind, base_rate: 0.0 };
    let trees = source.ensemble.trees.len();
    let card = ModelCard {
        spec: ModelSpec { epochs: Some(trees as u32), ..ModelSpec::new(&stem, ModelKind::Gbdt) },
        outcomes: vec![outcome],
        encoder: Encoder { prepare: FittedPrepare::default(), features: features(&source) },
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: "CPU".to_owned(),
        seconds: 0.0,
        data: Fingerprint::default(),
        fingerprint: Fingerprint::of(&bytes),
        curve: Vec::new(),
        conformal: None,
        warnings: vec![imported(&source, path)],
    };
    Ok(Arc::new(TreeModel::new(card, source.ensemble)))
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
fn in_order(root: usize, size: usize, node: impl Fn(usize) -> Option<(Node, Option<(usize, usize)>)>) -> Option<Vec<Node>> {
    let mut out: Vec<Node> = Vec::new();
    // A place in the file's order, and the parent's field that waits for its new number.
    let mut open = vec![(root, None::<(usize, bool)>)];
    while let Some((old, parent)) = open.pop() {
        let new = out.len();
        if new > size {
            return None;
        }
        if let Some((p, is_left)) = parent
            && let Node::Split { left, right, .. } = &mut out[p]
        {
            *(if is_left { left } else { right }) = u32::try_from(new).ok()?;
        }
        let (made, children) = node(old)?;
        out.push(made);
        if let Some((left, right)) = children {
            open.push((right, Some((new, false))));
            open.push((left, Some((new, true))));
        }
    }
    Some(out)
}

/// A bitset of category codes.
fn set_of(codes: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut set: Vec<u64> = Vec::new();
    for c in codes {
        if set.len() <= c / 64 {
            set.resize(c / 64 + 1, 0);
        }
        set[c / 64] |= 1 << (c % 64);
    }
    set
}

/// Names that the file lacks: `f0`, `f1`, …, as the programs themselves call them.
fn names_or_numbers(names: Vec<String>, n: usize) -> Vec<String> {
    if names.len() == n { names } else { (0..n).map(|i| format!("f{i}")).collect() }
}

#[cfg(test)]
mod tests;
