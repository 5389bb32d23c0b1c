//! LightGBM's text format: binary, class, number and count objectives, ranking scores, random forests, categories with their names as
//! pandas wrote them, and its three rules for missing values. Everything is f64, as LightGBM computes; covers are row counts,
//! as its Shapley values use.

use std::collections::BTreeMap;
use std::path::Path;

use super::document::{self, Value};
use super::{MOST_CLASSES, MOST_CODES, MOST_FEATURES, Missing, Node, Source, Test, Tree, TreeEnsemble, in_order, names_or_numbers, set_of};
use crate::base::Result;
use crate::fault;
use crate::ml::ensemble::Link;

type Block<'a> = BTreeMap<&'a str, &'a str>;

/// Most trees.
const MOST_TREES: usize = 1 << 20;
/// What is asked for of a model and of its trees.
const KEYS: [&str; 18] = [
    "objective",
    "num_tree_per_iteration",
    "num_class",
    "max_feature_idx",
    "feature_infos",
    "feature_names",
    "is_linear",
    "num_leaves",
    "leaf_value",
    "leaf_count",
    "split_feature",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_count",
    "cat_boundaries",
    "cat_threshold",
];

/// Reads a whole model.
pub fn read(path: &Path, text: &str) -> Result<Source> {
    let damaged = |what: &str| fault!("ml.import_damaged", file = path, reason = what);
    let refused = |what: String| fault!("ml.import_refused", file = path, program = "LightGBM", reason = what);
    if !text.contains("end of trees") {
        return Err(damaged("end of trees"));
    }
    let mut head = Block::new();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut averages = false;
    let mut categories = "";
    for line in text.lines().map(str::trim) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        match key {
            "Tree" if blocks.len() >= MOST_TREES => return Err(damaged("Tree")),
            "Tree" => blocks.push(Block::new()),
            "average_output" => averages = true,
            // What is not asked for is not kept.
            _ if !KEYS.contains(&key) => {}
            _ => drop(blocks.last_mut().unwrap_or(&mut head).insert(key, value)),
        }
        if let Some(rest) = line.strip_prefix("pandas_categorical:") {
            categories = rest;
        }
    }
    if text.contains("\nparameters:") && !text.contains("end of parameters") {
        return Err(damaged("end of parameters"));
    }
    let lists = match categories {
        "" | "null" => Some(Vec::new()),
        some => names_of(some),
    };
    let lists = lists.ok_or_else(|| damaged("pandas_categorical"))?;
    let objective = head.get("objective").copied().unwrap_or("regression").to_owned();
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or_default();
    let whole = |key: &str| head.get(key).map_or(Ok(1), |n| n.parse::<usize>()).ok().filter(|n| (1..=MOST_CLASSES).contains(n));
    let n_outputs = whole("num_tree_per_iteration").ok_or_else(|| damaged("num_tree_per_iteration"))?;
    if n_outputs != whole("num_class").ok_or_else(|| damaged("num_class"))? || (n_outputs > 1) != name.starts_with("multiclass") {
        return Err(refused(objective.clone()));
    }
    // Scores are stretched by this before they become probabilities.
    let steepness = match words.find_map(|w| w.strip_prefix("sigmoid:")).map_or(Ok(1.0), str::parse::<f64>) {
        Ok(s) if s > 0.0 && s.is_finite() => s,
        _ => return Err(damaged("sigmoid")),
    };
    let link = match name {
        "binary" | "multiclassova" => Link::Logit,
        "multiclass" => Link::Softmax,
        "cross_entropy" => Link::Logit,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg" => Link::Identity,
        "poisson" | "gamma" | "tweedie" => Link::Log,
        _ => return Err(refused(objective.clone())),
    };
    if objective.contains("sqrt") {
        return Err(refused(objective.clone()));
    }
    let n_features = head
        .get("max_feature_idx")
        .and_then(|n| n.parse::<usize>().ok())
        .filter(|n| *n < MOST_FEATURES)
        .ok_or_else(|| damaged("max_feature_idx"))?
        + 1;
    let mut levels: Vec<Option<usize>> = vec![None; n_features];
    // A category's codes stand as 1:2:5, a number's range as [1:5].
    for (slot, info) in levels.iter_mut().zip(head.get("feature_infos").copied().unwrap_or_default().split_whitespace()) {
        if !info.starts_with('[') && info != "none" {
            let most = info.split(':').filter_map(|c| c.parse::<i64>().ok()).max().and_then(|c| usize::try_from(c).ok());
            if most.is_some_and(|c| c >= MOST_CODES) {
                return Err(damaged("feature_infos"));
            }
            *slot = Some(most.map_or(0, |c| c + 1));
        }
    }
    let weight = steepness * if averages { n_outputs as f64 / blocks.len().max(1) as f64 } else { 1.0 };
    let mut trees = Vec::with_capacity(blocks.len());
    for (t, block) in blocks.iter().enumerate() {
        if block.get("is_linear").is_some_and(|l| *l == "1") {
            return Err(fault!("ml.import_linear", file = path));
        }
        let nodes = read_tree(block, n_features, &mut levels).ok_or_else(|| damaged(&format!("Tree={t}")))?;
        trees.push(Tree { nodes, output: (t % n_outputs) as u32, weight });
    }
    let names = names_or_numbers(
        head.get("feature_names").copied().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        n_features,
    );
    let levels = named(levels, lists);
    let ensemble = TreeEnsemble { n_features, n_outputs, intercept: vec![0.0; n_outputs], link, trees };
    Ok(Source { program: "LightGBM", objective, ensemble, names, levels, classes: Vec::new(), notices: Vec::new() })
}

fn read_tree(block: &Block<'_>, n_features: usize, levels: &mut [Option<usize>]) -> Option<Vec<Node>> {
    let leaves = block.get("num_leaves")?.parse::<usize>().ok()?;
    let of = |key: &str| -> Option<Vec<f64>> { block.get(key)?.split_whitespace().map(|x| x.parse().ok()).collect() };
    let values = of("leaf_value").filter(|v| v.len() == leaves)?;
    let counts = of("leaf_count").filter(|v| v.len() == leaves);
    let cover = |l: usize| counts.as_ref().map_or(1.0, |c| c[l]);
    if leaves == 1 {
        return in_order(0, 1, |_| Some((Node::Leaf { value: values[0], cover: cover(0) }, None)));
    }
    let inner = leaves.checked_sub(1)?;
    let all = |key: &str| of(key).filter(|v| v.len() == inner);
    let (feature, threshold, decision) = (all("split_feature")?, all("threshold")?, all("decision_type")?);
    let (left, right, passed) = (all("left_child")?, all("right_child")?, all("internal_count")?);
    let (bounds, words) = (of("cat_boundaries").unwrap_or_default(), of("cat_threshold").unwrap_or_default());
    // Sets of codes: words of 32 bits between two boundaries.
    let codes = |i: usize| -> Option<Vec<usize>> {
        let k = threshold[i] as usize;
        let piece = words.get(*bounds.get(k)? as usize..*bounds.get(k + 1)? as usize)?;
        if piece.len() * 32 > MOST_CODES {
            return None;
        }
        let bits = |(w, bits): (usize, &f64)| {
            let bits = *bits as u32;
            (0..32).filter(move |b| bits >> b & 1 == 1).map(move |b| w * 32 + b)
        };
        Some(piece.iter().enumerate().flat_map(bits).collect())
    };
    for i in 0..inner {
        if decision[i] as u32 & 1 == 1 {
            let most = codes(i)?.into_iter().max()?;
            let slot = levels.get_mut(feature[i] as usize)?;
            *slot = Some(slot.unwrap_or(0).max(most + 1));
        }
    }
    // Inner nodes are 0, 1, …; leaf l is written as −l − 1. Here leaves stand behind the inner nodes.
    let place = |c: f64| if c < 0.0 { inner.saturating_add((-1.0 - c) as usize) } else { c as usize };
    in_order(0, inner + leaves, |i| {
        if i >= inner {
            let l = i - inner;
            return Some((Node::Leaf { value: *values.get(l)?, cover: cover(l) }, None));
        }
        let kind = decision[i] as u32;
        let feature = Some(feature[i] as usize).filter(|f| *f < n_features)? as u32;
        let (test, missing, default_left) = if kind & 1 == 1 {
            // A category that is missing is in no set.
            (Test::In(set_of(codes(i)?.into_iter())), Missing::Nan, false)
        } else {
            let missing = match kind >> 2 & 3 {
                0 => Missing::None,
                1 => Missing::Zero,
                _ => Missing::Nan,
            };
            (Test::LessEqual(threshold[i]), missing, kind & 2 != 0)
        };
        let node = Node::Split { feature, test, missing, default_left, left: 0, right: 0, cover: passed[i] };
        Some((node, Some((place(left[i]), place(right[i])))))
    })
}

/// One list of names for each column that pandas held as categories.
fn names_of(text: &str) -> Option<Vec<Vec<String>>> {
    let value = document::json(text.as_bytes(), &document::Budget::for_file(text.len())).ok()?;
    let word = |v: &Value| match v {
        Value::Text(t) => Some(t.clone()),
        Value::Number(x) => Some(x.to_string()),
        _ => None,
    };
    let list = |v: &Value| match v {
        Value::Numbers(n) => Some(n.iter().map(f64::to_string).collect()),
        other => other.as_list()?.iter().map(word).collect(),
    };
    value.as_list()?.iter().map(list).collect()
}

/// Names of the codes: pandas wrote one list per categorical column, in the order of the columns.
fn named(levels: Vec<Option<usize>>, lists: Vec<Vec<String>>) -> Vec<Option<Vec<String>>> {
    let fits = lists.len() == levels.iter().flatten().count();
    let mut lists = lists.into_iter();
    levels
        .into_iter()
        .map(|codes| {
            let n = codes?;
            let names: Vec<String> = if fits { lists.next()? } else { Vec::new() };
            Some(if names.len() >= n { names } else { (0..n).map(|c| c.to_string()).collect() })
        })
        .collect()
}
