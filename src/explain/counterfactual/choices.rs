//! What each feature may become, and what that costs.

use crate::data::{Feature, FeatureKind};
use crate::ml::TreeEnsemble;
use crate::ml::ensemble::{Link, Missing, Node, Test};

use super::Rules;

/// So much each changed feature costs besides, so that fewer changes win where sizes tie.
const EACH: f64 = 1e-3;

/// Values that every feature may take, cheapest first; the first is the value it has, unless that is forbidden.
pub struct Choices {
    /// Per feature, value and cost.
    pub of: Vec<Vec<(f64, f64)>>,
}

/// The span that a number's change is measured by.
fn span(feature: &Feature) -> f64 {
    let q = &feature.quantiles;
    let wide = if q.len() == 9 { q[6] - q[2] } else { 0.0 };
    if wide > 0.0 {
        wide
    } else if feature.range.1 > feature.range.0 {
        feature.range.1 - feature.range.0
    } else {
        1.0
    }
}

/// Cost of one feature's change.
pub fn cost(feature: &Feature, from: f64, to: f64, rules: &Rules) -> f64 {
    if from.to_bits() == to.to_bits() || from == to || (from.is_nan() && to.is_nan()) {
        return 0.0;
    }
    let price = rules.price.get(&feature.name).copied().unwrap_or(1.0);
    let size = if feature.is_categorical() || from.is_nan() || to.is_nan() { 1.0 } else { (to - from).abs() / span(feature) };
    size * price + EACH
}

impl Choices {
    /// For trees: the value itself, and the nearest value in every cell between thresholds; every level of a category.
    pub fn of_trees(features: &[Feature], e: &TreeEnsemble, output: usize, row: &[f64], rules: &Rules) -> Self {
        let mut cuts: Vec<Vec<(f64, bool)>> = vec![Vec::new(); features.len()];
        let mut zeros = vec![false; features.len()];
        // The chance of a class hangs on the trees of all.
        let all = e.link == Link::Softmax;
        for tree in e.trees.iter().filter(|t| all || t.output as usize == output) {
            for node in &tree.nodes {
                if let Node::Split { feature, missing: Missing::Zero, .. } = node {
                    zeros[*feature as usize] = true;
                }
                match node {
                    // Cells begin at the threshold itself, or right behind it.
                    Node::Split { feature, test: Test::LessF32(t), .. } => cuts[*feature as usize].push((f64::from(*t as f32), true)),
                    Node::Split { feature, test: Test::LessEqual(t), .. } => cuts[*feature as usize].push((*t, false)),
                    _ => {}
                }
            }
        }
        let of = features
            .iter()
            .enumerate()
            .map(|(f, feature)| {
                let here = row[f];
                let mut cuts = std::mem::take(&mut cuts[f]);
                cuts.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                cuts.dedup();
                let mut values = Vec::new();
                for (t, at) in cuts {
                    // The lowest value of the cell above, and the highest of the cell below.
                    let above = if at { t } else { t.next_up() };
                    let below = if at { f64::from((t as f32).next_down()) } else { t };
                    values.push(if here < above { upward(feature, above) } else { downward(feature, below) });
                }
                if zeros[f] {
                    // Where nothing counts as missing, zero is a cell of its own between two others.
                    let near = [upward(feature, f64::MIN_POSITIVE), downward(feature, -f64::MIN_POSITIVE)];
                    values.extend(near.into_iter().chain([0.0]).filter(|v| *v != here));
                }
                allowed(feature, here, values, rules)
            })
            .collect();
        Self { of }
    }

    /// For other models: the quantiles of training, every level of a category.
    pub fn of_quantiles(features: &[Feature], row: &[f64], rules: &Rules) -> Self {
        // A feature without quantiles is tried at ten places of its range.
        let places = |f: &Feature| match f.quantiles.is_empty() {
            true => (0..=10).map(|k| f.range.0 + (f.range.1 - f.range.0) * f64::from(k) / 10.0).collect(),
            false => f.quantiles.clone(),
        };
        let of = features.iter().enumerate().map(|(f, feature)| allowed(feature, row[f], places(feature), rules)).collect();
        Self { of }
    }
}

/// The first value at or above `v` that the feature can have.
fn upward(feature: &Feature, v: f64) -> f64 {
    if matches!(feature.kind, FeatureKind::Numeric { integer: true, .. } | FeatureKind::Numeric { boolean: true, .. }) {
        v.ceil()
    } else {
        v
    }
}

fn downward(feature: &Feature, v: f64) -> f64 {
    if matches!(feature.kind, FeatureKind::Numeric { integer: true, .. } | FeatureKind::Numeric { boolean: true, .. }) {
        v.floor()
    } else {
        v
    }
}

/// The value itself and those that the rules allow, cheapest first.
fn allowed(feature: &Feature, here: f64, values: Vec<f64>, rules: &Rules) -> Vec<(f64, f64)> {
    let name = &feature.name;
    let mut out = vec![(here, 0.0)];
    if rules.locked.contains(name) || here.is_nan() {
        return out;
    }
    if feature.is_categorical() {
        let only = rules.one_of.get(name);
        for (l, level) in feature.levels().iter().enumerate() {
            if l as f64 != here && only.is_none_or(|o| o.contains(level)) {
                out.push((l as f64, cost(feature, here, l as f64, rules)));
            }
        }
        return out;
    }
    let (low, high) = rules.range.get(name).copied().unwrap_or(feature.range);
    // A value that is outside goes to the end that it is nearest to, if it goes at all.
    let ends = [low].into_iter().filter(|l| here < *l).chain([high].into_iter().filter(|h| here > *h));
    for v in values.into_iter().chain(ends) {
        let v = match rules.step.get(name) {
            // The first whole step that reaches the value.
            Some(step) => {
                let steps = (v - here) / step;
                here + (if steps > 0.0 { steps.ceil() } else { steps.floor() }) * step
            }
            None => v,
        };
        let way = (v > here && !rules.only_down.contains(name)) || (v < here && !rules.only_up.contains(name));
        if way && v >= low && v <= high {
            out.push((v, cost(feature, here, v, rules)));
        }
    }
    out.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
    out.dedup_by(|a, b| a.0 == b.0);
    out
}
