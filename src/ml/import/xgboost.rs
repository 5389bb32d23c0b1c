//! XGBoost's model schema (JSON, and UBJSON once read): binary, class, number and count objectives, ranking margins, DART, categories,
//! missing values. Comparisons are in f32, as XGBoost compares; covers are the sums of hessians, as its Shapley values use.

use std::path::Path;

use super::document::Value;
use super::{MOST_CLASSES, MOST_CODES, MOST_FEATURES, Missing, Node, Source, Test, Tree, TreeEnsemble, in_order, names_or_numbers, set_of};
use crate::base::{Notice, Result};
use crate::ml::ensemble::Link;
use crate::{fault, note};

/// Reads a whole model.
pub fn read(path: &Path, value: &Value) -> Result<Source> {
    let damaged = |what: &str| fault!("ml.import_damaged", file = path, reason = what);
    let refused = |what: String| fault!("ml.import_refused", file = path, program = "XGBoost", reason = what);
    let learner = value.get("learner").ok_or_else(|| fault!("ml.import_unknown", file = path))?;
    let objective = learner["objective"]["name"].as_str().ok_or_else(|| damaged("objective"))?.to_owned();
    let params = &learner["learner_model_param"];
    let count = |key: &str| number(&params[key]).map_or(0, |v| v as usize);
    if count("num_target") > 1 {
        return Err(refused(format!("{objective}, {} outputs", count("num_target"))));
    }
    let n_outputs = count("num_class").max(1);
    if n_outputs > MOST_CLASSES {
        return Err(damaged("num_class"));
    }
    let scores = base_scores(&params["base_score"]).ok_or_else(|| damaged("base_score"))?;
    if scores.len() != 1 && scores.len() != n_outputs {
        return Err(damaged("base_score"));
    }
    let base = scores[0];
    let (link, intercept) = match objective.as_str() {
        "multi:softprob" | "multi:softmax" if n_outputs > 1 => (Link::Softmax, base),
        o if n_outputs > 1 => return Err(refused(format!("{o}, {n_outputs} outputs"))),
        "binary:logistic" | "reg:logistic" if base > 0.0 && base < 1.0 => (Link::Logit, (base / (1.0 - base)).ln()),
        "binary:logistic" | "reg:logistic" => return Err(damaged("base_score")),
        "binary:logitraw" => (Link::Logit, base),
        "reg:squarederror" | "reg:linear" | "reg:absoluteerror" | "reg:pseudohubererror" | "reg:squaredlogerror" | "reg:quantileerror" => {
            (Link::Identity, base)
        }
        "count:poisson" | "reg:gamma" | "reg:tweedie" if base > 0.0 => (Link::Log, base.ln()),
        "count:poisson" | "reg:gamma" | "reg:tweedie" => return Err(damaged("base_score")),
        o if o.starts_with("rank:") => (Link::Identity, base),
        o => return Err(refused(o.to_owned())),
    };
    let booster = &learner["gradient_booster"];
    // DART's weights stand beside the trees, and since version 3.4 among them.
    let (model, drops) = match booster["name"].as_str() {
        Some("gbtree") => (&booster["model"], &booster["model"]["weight_drop"]),
        Some("dart") => (&booster["gbtree"]["model"], &booster["weight_drop"]),
        Some(other) => return Err(refused(other.to_owned())),
        None => return Err(damaged("gradient_booster")),
    };
    let drops = match drops {
        Value::Null => None,
        drops => Some(drops.as_numbers().ok_or_else(|| damaged("weight_drop"))?),
    }
    .filter(|d| !d.is_empty());
    let n_features = Some(count("num_feature")).filter(|n| *n <= MOST_FEATURES).ok_or_else(|| damaged("num_feature"))?;
    let mut levels: Vec<Option<usize>> = vec![None; n_features];
    let kinds = texts(&learner["feature_types"]);
    for (slot, _) in levels.iter_mut().zip(&kinds).filter(|(_, k)| k.starts_with('c')) {
        *slot = Some(0);
    }
    let list = model["trees"].as_list().ok_or_else(|| damaged("trees"))?;
    // Which class each tree speaks of.
    let outputs = model["tree_info"].as_numbers().unwrap_or_default();
    let mut trees = Vec::with_capacity(list.len());
    for (t, tree) in list.iter().enumerate() {
        let weight = drops.as_ref().map_or(Some(1.0), |d| d.get(t).copied()).ok_or_else(|| damaged("weight_drop"))?;
        let nodes = read_tree(tree, n_features, &mut levels).ok_or_else(|| damaged(&format!("tree {t}")))?;
        let output = if n_outputs > 1 { outputs.get(t).copied().unwrap_or(f64::NAN) } else { 0.0 };
        if !(0.0..n_outputs as f64).contains(&output) {
            return Err(damaged("tree_info"));
        }
        trees.push(Tree { nodes, output: output as u32, weight });
    }
    let notices = stopped_early(learner, model, &mut trees).into_iter().collect();
    let named = carried(&model["cats"], n_features);
    let levels = levels
        .into_iter()
        .zip(named)
        .map(|(codes, named)| codes.map(|n| named.unwrap_or_else(|| (0..n).map(|c| c.to_string()).collect())))
        .collect();
    let names = names_or_numbers(texts(&learner["feature_names"]), n_features);
    let intercept = if n_outputs == 1 { vec![intercept] } else { (0..n_outputs).map(|k| *scores.get(k).unwrap_or(&base)).collect() };
    let ensemble = TreeEnsemble { n_features, n_outputs, intercept, link, trees };
    Ok(Source { program: "XGBoost", objective, ensemble, names, levels, classes: Vec::new(), notices })
}

/// Training that stopped early keeps the rounds after the best one in the file. scikit-learn's wrapper, which leaves its name
/// there, predicts without them, and so do we; XGBoost's own booster predicts with all of them.
fn stopped_early(learner: &Value, model: &Value, trees: &mut Vec<Tree>) -> Option<Notice> {
    let known = &learner["attributes"];
    let (best, starts) = (number(&known["best_iteration"])?, model["iteration_indptr"].as_numbers()?);
    let rounds = starts.len().checked_sub(1)?;
    let used = (best >= 0.0 && best < rounds as f64).then_some(best as usize + 1).filter(|used| *used < rounds)?;
    if matches!(known["scikit_learn"], Value::Null) {
        return Some(note!("ml.import_all_rounds", used = used, rounds = rounds));
    }
    trees.truncate(starts[used] as usize);
    Some(note!("ml.import_best_rounds", used = used, rounds = rounds))
}

fn read_tree(tree: &Value, n_features: usize, levels: &mut [Option<usize>]) -> Option<Vec<Node>> {
    let size = number(&tree["tree_param"]["num_nodes"])? as usize;
    if number(&tree["tree_param"]["size_leaf_vector"]).is_some_and(|n| n > 1.0) {
        return None;
    }
    let of = |key: &str| tree[key].as_numbers().filter(|v| v.len() >= size);
    let (left, right) = (of("left_children")?, of("right_children")?);
    let (condition, index, defaults, cover) = (of("split_conditions")?, of("split_indices")?, of("default_left")?, of("sum_hessian")?);
    let kinds = tree["split_type"].as_numbers().unwrap_or_default();
    // The categories that go right, node by node.
    let (nodes, from, sizes, all) = (
        tree["categories_nodes"].as_numbers().unwrap_or_default(),
        tree["categories_segments"].as_numbers().unwrap_or_default(),
        tree["categories_sizes"].as_numbers().unwrap_or_default(),
        tree["categories"].as_numbers().unwrap_or_default(),
    );
    let goes_right = |i: usize| -> Option<Vec<usize>> {
        let k = nodes.iter().position(|n| *n as usize == i)?;
        let (from, n) = (*from.get(k)? as usize, *sizes.get(k)? as usize);
        let codes: Vec<usize> = all.get(from..from.checked_add(n)?)?.iter().map(|c| *c as usize).collect();
        codes.iter().all(|c| *c < MOST_CODES).then_some(codes)
    };
    for i in 0..size {
        if left[i] >= 0.0 && kinds.get(i) == Some(&1.0) {
            let most = goes_right(i)?.into_iter().max()?;
            let slot = levels.get_mut(index[i] as usize)?;
            *slot = Some(slot.unwrap_or(0).max(most + 1));
        }
    }
    in_order(0, size, |i| {
        if i >= size {
            return None;
        }
        let cover = cover[i];
        if left[i] < 0.0 {
            return Some((Node::Leaf { value: condition[i], cover }, None));
        }
        let (mut l, mut r) = (left[i] as usize, right[i] as usize);
        let feature = Some(index[i] as usize).filter(|f| *f < n_features)? as u32;
        let mut default_left = defaults[i] != 0.0;
        let test = if kinds.get(i) == Some(&1.0) {
            // Our set goes left; theirs goes right, and whatever is not in it, left.
            (l, r, default_left) = (r, l, !default_left);
            Test::In(set_of(goes_right(i)?.into_iter()))
        } else {
            Test::LessF32(condition[i])
        };
        Some((Node::Split { feature, test, missing: Missing::Nan, default_left, left: 0, right: 0, cover }, Some((l, r))))
    })
}

/// Category names that newer versions store, one list per feature.
fn carried(cats: &Value, n_features: usize) -> Vec<Option<Vec<String>>> {
    let mut out = vec![None; n_features];
    for (slot, one) in out.iter_mut().zip(cats["enc"].as_list().into_iter().flatten()) {
        // Texts lie end to end, cut at the offsets; numbers stand as they are.
        let (offsets, values) = (one["offsets"].as_numbers(), one["values"].as_numbers());
        *slot = match (offsets, values) {
            (Some(offsets), Some(bytes)) if offsets.len() > 1 => {
                let bytes: Vec<u8> = bytes.iter().map(|b| *b as i64 as u8).collect();
                let piece = |w: &[f64]| Some(String::from_utf8_lossy(bytes.get(w[0] as usize..w[1] as usize)?).into_owned());
                offsets.windows(2).map(piece).collect()
            }
            (None, Some(values)) if !values.is_empty() => Some(values.iter().map(|v| v.to_string()).collect()),
            _ => None,
        };
    }
    out
}

/// A number, also one that is written as text.
fn number(v: &Value) -> Option<f64> {
    v.as_f64().or_else(|| v.as_str()?.trim().parse().ok())
}

/// `5E-1`, or since version 3.1 `[5E-1]`, one for each class.
fn base_scores(v: &Value) -> Option<Vec<f64>> {
    let of = |x: f64| x.is_finite().then_some(x);
    if let Some(one) = number(v) {
        return Some(vec![of(one)?]);
    }
    let inside = v.as_str()?.trim().strip_prefix('[')?.strip_suffix(']')?;
    inside.split(',').map(|x| of(x.trim().parse().ok()?)).collect()
}

fn texts(v: &Value) -> Vec<String> {
    v.as_list().into_iter().flatten().filter_map(|x| x.as_str().map(str::to_owned)).collect()
}
