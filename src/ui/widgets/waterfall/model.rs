//! What a waterfall shows: from the base value over the largest effects to the prediction.

use crate::data::Feature;
use crate::explain::Attribution;

/// What a step stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One feature, by its index.
    Feature(usize),
    /// This many features with small effects, together.
    Others(usize),
    /// What the method could not explain.
    Unexplained,
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it stands for.
    pub kind: Kind,
    /// Name of the feature; empty for the others.
    pub name: String,
    /// Its value as the analyst would write it; empty for the others.
    pub value: String,
    /// How far it moves the output.
    pub amount: f64,
    /// Half of its 95 % interval, where sampling was used.
    pub half_width: Option<f64>,
    /// Output before it.
    pub from: f64,
    /// Output after it.
    pub to: f64,
}

/// A whole waterfall. The steps tile the way from `base` to `prediction`.
#[derive(Clone, Debug, PartialEq)]
pub struct Waterfall {
    /// Output where nothing is known.
    pub base: f64,
    /// Output of the row.
    pub prediction: f64,
    /// Largest effect first, then the others, then what is unexplained.
    pub steps: Vec<Step>,
}

impl Waterfall {
    /// Of another explanation of the same row, the steps where they stand in this one: a bar that is being dragged must not
    /// leave the pointer.
    pub fn like(&self, a: &Attribution, features: &[Feature]) -> Self {
        let values = if a.rows.is_empty() { &[][..] } else { a.row(0) };
        let amount = |f: usize| values.get(f).copied().filter(|v| v.is_finite()).unwrap_or(0.0);
        let alone = |f: &usize| self.steps.iter().any(|s| s.kind == Kind::Feature(*f));
        let prediction = a.predictions.first().copied().unwrap_or(a.base);
        let mut at = a.base;
        let mut steps = Vec::with_capacity(self.steps.len());
        for s in &self.steps {
            let (amount, value) = match s.kind {
                Kind::Feature(f) => (amount(f), if values.is_empty() { String::new() } else { a.input_shown(0, f, features) }),
                Kind::Others(_) => ((0..values.len()).filter(|f| !alone(f)).map(amount).sum(), String::new()),
                Kind::Unexplained => (prediction - at, String::new()),
            };
            steps.push(Step { amount, value, half_width: None, from: at, to: at + amount, ..s.clone() });
            at += amount;
        }
        Self { base: a.base, prediction, steps }
    }
}

/// A gap below this share of the way is rounding, not worth a bar.
const DUST: f64 = 1e-6;

impl Waterfall {
    /// Of the i-th explained row, with at most `most` single features. Effects that are no numbers count as nothing.
    pub fn of_row(a: &Attribution, i: usize, features: &[Feature], most: usize) -> Self {
        let (base, prediction) = (a.base, a.predictions.get(i).copied().unwrap_or(a.base));
        let values = if i < a.rows.len() { a.row(i) } else { &[][..] };
        let amount = |f: usize| Some(values[f]).filter(|v| v.is_finite()).unwrap_or(0.0);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&x, &y| amount(y).abs().total_cmp(&amount(x).abs()).then(x.cmp(&y)));
        // One feature more is better than “1 other”.
        let single = if order.len() <= most + 1 { order.len() } else { most };
        let mut at = base;
        let mut steps: Vec<Step> = Vec::with_capacity(single + 2);
        let mut add = |kind, name, value, amount: f64, half_width| {
            steps.push(Step { kind, name, value, amount, half_width, from: at, to: at + amount });
            at += amount;
        };
        for &f in &order[..single] {
            let name = a.features.get(f).cloned().unwrap_or_default();
            let value = a.input_shown(i, f, features);
            let half_width = a.half_width.get(i * values.len() + f).copied();
            add(Kind::Feature(f), name, value, amount(f), half_width);
        }
        let rest = &order[single..];
        if !rest.is_empty() {
            add(Kind::Others(rest.len()), String::new(), String::new(), rest.iter().map(|&f| amount(f)).sum(), None);
        }
        let left = prediction - at;
        let way = (prediction - base).abs().max(steps.iter().map(|s| s.amount.abs()).fold(0.0, f64::max));
        if left.is_finite() && left.abs() > DUST * way.max(1e-9) {
            steps.push(Step {
                kind: Kind::Unexplained,
                name: String::new(),
                value: String::new(),
                amount: left,
                half_width: None,
                from: prediction - left,
                to: prediction,
            });
        }
        Self { base, prediction, steps }
    }
}
