//! Boosted trees and forests of amounts in ONNX files: taken over as trees, so that they are explained exactly and not by
//! asking. The format knows no covers: such trees are compared with a group, never with what they learned from.
//!
//! Forests of classifiers add up probabilities, which is no score; they are run by the engine like everything else.

use std::collections::BTreeMap;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use super::graph::{attribute, kind_of, labels_of, size_of};
use crate::ml::ensemble::{Link, Missing, Node, Test, Tree, TreeEnsemble};
use crate::ml::import::{MOST_CLASSES, MOST_FEATURES, Source, in_order, names_or_numbers};

/// What is passed on without being changed.
const PASSED: &[&str] = &["Cast", "Identity", "ZipMap"];

fn ints<'a>(n: &'a NodeProto, name: &str) -> &'a [i64] {
    attribute(n, name).map_or(&[], |a| &a.ints)
}

fn floats<'a>(n: &'a NodeProto, name: &str) -> &'a [f32] {
    attribute(n, name).map_or(&[], |a| &a.floats)
}

fn word<'a>(n: &'a NodeProto, name: &str, default: &'a str) -> &'a str {
    attribute(n, name).map_or(Some(default), |a| std::str::from_utf8(&a.s).ok()).unwrap_or_default()
}

/// The trees, where the file holds nothing but trees whose sum is a score; `None` for any other file.
pub fn read(proto: &ModelProto) -> Option<Result<Source, String>> {
    let graph = proto.graph.as_ref()?;
    let node = only_trees(graph)?;
    let regressor = node.op_type == "TreeEnsembleRegressor";
    let prefix = if regressor { "target" } else { "class" };
    let of = ints(node, &format!("{prefix}_ids"));
    let labels = labels_of(node);
    let most = of.iter().copied().max().and_then(|m| usize::try_from(m).ok())?;
    let n_outputs = match (regressor, labels.len()) {
        (true, _) => attribute(node, "n_targets").map_or(1, |a| a.i).max(1) as usize,
        // One score decides between two, whichever class it is written under.
        (false, 2) if of.iter().all(|c| *c == of[0]) => 1,
        (false, n) => n,
    };
    let link = match (word(node, "post_transform", "NONE"), regressor, n_outputs) {
        ("NONE", true, 1) => Link::Identity,
        ("LOGISTIC", _, 1) => Link::Logit,
        ("SOFTMAX", false, n) if n > 2 && n <= MOST_CLASSES => Link::Softmax,
        _ => return None,
    };
    if n_outputs > 1 && most >= n_outputs {
        return Some(Err(format!("{prefix}_ids")));
    }
    let average = match word(node, "aggregate_function", "SUM") {
        "SUM" => false,
        "AVERAGE" => true,
        _ => return None,
    };
    Some(whole(graph, node, prefix, n_outputs, link, average, labels).ok_or_else(|| node.op_type.clone()))
}

/// Whether the engine may run a node of trees: it walks them without looking whether a child, a column or a class is there,
/// and without an end if a child leads back.
pub fn sound(node: &NodeProto) -> bool {
    let (trees, ids, features) = (ints(node, "nodes_treeids"), ints(node, "nodes_nodeids"), ints(node, "nodes_featureids"));
    let (yes, no) = (ints(node, "nodes_truenodeids"), ints(node, "nodes_falsenodeids"));
    let modes = attribute(node, "nodes_modes").map_or(&[][..], |a| &a.strings);
    let n = trees.len();
    if [ids.len(), features.len(), yes.len(), no.len(), modes.len()].iter().any(|l| *l != n) {
        return false;
    }
    let mut size = BTreeMap::<i64, i64>::new();
    trees.iter().for_each(|t| *size.entry(*t).or_default() += 1);
    let place: BTreeMap<(i64, i64), usize> = (0..n).map(|i| ((trees[i], ids[i]), i)).collect();
    let numbered = (0..n).all(|i| (0..size[&trees[i]]).contains(&ids[i]) && (0..MOST_FEATURES as i64).contains(&features[i]));
    // Every node but the first is the child of at most one: no walk from the first comes back.
    let mut seen = vec![false; n];
    let once = |child: &(i64, i64), seen: &mut Vec<bool>| {
        child.1 != 0 && place.get(child).is_some_and(|i| !std::mem::replace(&mut seen[*i], true))
    };
    let tree = (0..n).filter(|i| modes[*i] != b"LEAF").all(|i| once(&(trees[i], yes[i]), &mut seen) && once(&(trees[i], no[i]), &mut seen));
    let classes = labels_of(node).len() as i64;
    let (of_tree, of_node, of_class) = (ints(node, "class_treeids"), ints(node, "class_nodeids"), ints(node, "class_ids"));
    let whole = of_node.len() == of_tree.len() && of_class.len() == of_tree.len();
    let is_leaf = |k: usize| place.get(&(of_tree[k], of_node[k])).is_some_and(|i| modes[*i] == b"LEAF");
    let leaves = whole && (0..of_tree.len()).all(|k| is_leaf(k) && (0..classes).contains(&of_class[k]));
    place.len() == n && numbered && tree && leaves
}

/// The one node of trees that everything else only leads to or passes on.
fn only_trees(graph: &GraphProto) -> Option<&NodeProto> {
    let mut found = None;
    for n in &graph.node {
        match n.op_type.as_str() {
            "TreeEnsembleRegressor" | "TreeEnsembleClassifier" if found.is_none() => found = Some(n),
            op if PASSED.contains(&op) => {}
            _ => return None,
        }
    }
    let node = found?;
    // Numbers in f64 would be compared otherwise.
    let doubles = node.attribute.iter().any(|a| a.name.ends_with("_as_tensor"));
    let mut input = node.input.first()?;
    for _ in 0..graph.node.len() {
        match graph.node.iter().find(|n| n.output.contains(input) && n.op_type != "ZipMap") {
            Some(n) => input = n.input.first()?,
            None => break,
        }
    }
    let columns = graph.input.iter().filter(|i| graph.initializer.iter().all(|t| t.name != i.name));
    (!doubles && columns.map(|i| &i.name).eq([input])).then_some(node)
}

fn whole(
    graph: &GraphProto,
    node: &NodeProto,
    prefix: &str,
    n_outputs: usize,
    link: Link,
    average: bool,
    classes: Vec<String>,
) -> Option<Source> {
    let input = graph.input.iter().find(|i| graph.initializer.iter().all(|t| t.name != i.name))?;
    let (_, dims) = kind_of(input)?;
    let [_, columns] = dims else { return None };
    let (trees, ids) = (ints(node, "nodes_treeids"), ints(node, "nodes_nodeids"));
    let (features, values) = (ints(node, "nodes_featureids"), floats(node, "nodes_values"));
    let (yes, no) = (ints(node, "nodes_truenodeids"), ints(node, "nodes_falsenodeids"));
    let modes = attribute(node, "nodes_modes").map_or(&[][..], |a| &a.strings);
    let tracks = ints(node, "nodes_missing_value_tracks_true");
    let n = trees.len();
    if [ids.len(), features.len(), values.len(), yes.len(), no.len(), modes.len()].iter().any(|l| *l != n) {
        return None;
    }
    let asked = features.iter().copied().max().and_then(|f| usize::try_from(f).ok())? + 1;
    let n_features = size_of(columns).and_then(|c| usize::try_from(c).ok()).filter(|c| *c > 0).unwrap_or(asked);
    if n_features < asked || n_features > MOST_FEATURES {
        return None;
    }
    let at: BTreeMap<(i64, i64), usize> = (0..n).map(|i| ((trees[i], ids[i]), i)).collect();
    let leaf = |what: &str| format!("{prefix}_{what}");
    let (of_tree, of_node, of_class) = (ints(node, &leaf("treeids")), ints(node, &leaf("nodeids")), ints(node, &leaf("ids")));
    let weights = floats(node, &leaf("weights"));
    if at.len() != n || [of_node.len(), of_class.len(), weights.len()].iter().any(|l| *l != of_tree.len()) {
        return None;
    }
    let leaves: BTreeMap<usize, usize> =
        (0..of_tree.len()).map(|k| Some((*at.get(&(of_tree[k], of_node[k]))?, k))).collect::<Option<_>>()?;
    // A leaf that feeds several classes is no tree of one score.
    if leaves.len() != of_tree.len() {
        return None;
    }
    let mut size = BTreeMap::<i64, usize>::new();
    let mut root = BTreeMap::<i64, usize>::new();
    let mut is_child = vec![false; n];
    for i in (0..n).filter(|i| modes[*i] != b"LEAF") {
        for child in [yes[i], no[i]] {
            *is_child.get_mut(*at.get(&(trees[i], child))?)? = true;
        }
    }
    for i in 0..n {
        *size.entry(trees[i]).or_default() += 1;
        if !is_child[i] && root.insert(trees[i], i).is_some() {
            return None;
        }
    }
    let weight = if average { 1.0 / size.len().max(1) as f64 } else { 1.0 };
    let mut out = Vec::with_capacity(size.len());
    for (tree, size) in &size {
        let output = std::cell::Cell::new(None);
        let nodes = in_order(*root.get(tree)?, *size, |i| {
            if modes[i] == b"LEAF" {
                let k = *leaves.get(&i)?;
                let class = if n_outputs == 1 { 0 } else { u32::try_from(of_class[k]).ok()? };
                if output.replace(Some(class)).is_some_and(|before| before != class) {
                    return None;
                }
                return Some((Node::Leaf { value: f64::from(weights[k]), cover: 0.0 }, None));
            }
            let t = values[i];
            // Every comparison as “less than” in f32, where need be with the sides changed.
            let (threshold, turned) = match modes[i].as_slice() {
                b"BRANCH_LT" => (t, false),
                b"BRANCH_LEQ" => (t.next_up(), false),
                b"BRANCH_GTE" => (t, true),
                b"BRANCH_GT" => (t.next_up(), true),
                _ => return None,
            };
            let (mut left, mut right) = (*at.get(&(*tree, yes[i]))?, *at.get(&(*tree, no[i]))?);
            // A gap fails every comparison, unless it is told to pass.
            let mut default_left = tracks.get(i).is_some_and(|t| *t != 0);
            if turned {
                (left, right, default_left) = (right, left, !default_left);
            }
            let feature = u32::try_from(features[i]).ok()?;
            let test = Test::LessF32(f64::from(threshold));
            let node = Node::Split { feature, test, missing: Missing::Nan, default_left, left: 0, right: 0, cover: 0.0 };
            Some((node, Some((left, right))))
        })?;
        out.push(Tree { nodes, output: output.get()?, weight });
    }
    let base = floats(node, "base_values");
    let intercept: Vec<f64> = match base.len() {
        0 => vec![0.0; n_outputs],
        l if l == n_outputs => base.iter().map(|b| f64::from(*b)).collect(),
        _ => return None,
    };
    if intercept.iter().any(|b| !b.is_finite()) {
        return None;
    }
    let ensemble = TreeEnsemble { n_features, n_outputs, intercept, link, trees: out };
    let objective = format!("{} {}", node.op_type, word(node, "post_transform", "NONE"));
    let names = names_or_numbers(Vec::new(), n_features);
    Some(Source { program: "ONNX", objective, ensemble, names, levels: vec![None; n_features], classes, notices: Vec::new() })
}
