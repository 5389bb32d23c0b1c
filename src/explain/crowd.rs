//! Pictures of many rows as plain numbers: a crowd (the strongest features by rows), decision paths from the base to each
//! output, and a map of two features. The window paints them, the report prints them.

use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use super::effect::{EffectCurve, Kind};
use super::summary::Summary;

/// Lines of the crowd's picture.
const CROWD: usize = 14;
/// Paths at most; the others would only blacken the picture.
pub const MOST: usize = 150;
/// Features in their own step of a path; the others share the first.
pub const FEATURES: usize = 12;

/// Signed numbers: rows run along x, columns (lines of the picture) along y.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// Names of the lines, top to bottom.
    pub lines: Vec<String>,
    /// Names along x; empty where they are too many to name.
    pub places: Vec<String>,
    /// Number of places along x.
    pub across: usize,
    /// `lines × across`.
    #[serde(deserialize_with = "crate::base::nan::many")]
    pub values: Vec<f64>,
    /// Share of the data behind a cell, 0 to 1, which fades it; empty for none.
    pub weight: Vec<f64>,
    /// The largest size of a number.
    pub most: f64,
}

/// In which order a crowd stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By output.
    #[default]
    Output,
    /// By the selected feature's value.
    Value,
    /// Rows that are explained alike stand together.
    Alike,
}

/// The matrix of the strongest features (lines) by rows (along x), and which explained row stands where. `by` is the feature
/// whose values order the rows.
pub fn crowd(a: &Attribution, summary: &Summary, order: Order, by: Option<&str>) -> (Matrix, Vec<usize>) {
    let features: Vec<usize> = summary.importance.iter().take(CROWD).map(|i| i.feature).collect();
    let mut rows: Vec<usize> = (0..a.rows.len()).collect();
    let output = |x: &usize, y: &usize| a.predictions[*x].total_cmp(&a.predictions[*y]);
    match order {
        Order::Output => rows.sort_by(output),
        Order::Value => {
            let f = by.and_then(|n| a.features.iter().position(|f| f == n)).or(features.first().copied()).unwrap_or(0);
            rows.sort_by(|x, y| a.input(*x)[f].total_cmp(&a.input(*y)[f]).then(output(x, y)));
        }
        // Rows whose strongest pushes agree come together: by the sign pattern of the strongest features, then by output.
        Order::Alike => {
            let key = |i: usize| -> Vec<i8> { features.iter().take(4).map(|f| a.row(i)[*f].total_cmp(&0.0) as i8).collect() };
            rows.sort_by(|x, y| key(*x).cmp(&key(*y)).then(output(x, y)));
        }
    }
    let values: Vec<f64> = features.iter().flat_map(|f| rows.iter().map(move |i| a.row(*i)[*f])).collect();
    let mut sizes: Vec<f64> = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
    sizes.sort_by(f64::total_cmp);
    // Colours reach to the 99 % quantile, so that one odd row does not bleach the others.
    let most = sizes.get(sizes.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0.0);
    let lines = features.iter().map(|f| a.features[*f].clone()).collect();
    (Matrix { lines, places: Vec::new(), across: rows.len(), values, weight: Vec::new(), most }, rows)
}

/// A crowd by output, and what its tenths have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Crowd {
    /// The picture.
    pub matrix: Matrix,
    /// Line in the file of each place along x.
    pub rows: Vec<u32>,
    /// Groups of neighbours, lowest outputs first; tenths where the rows suffice.
    pub groups: Vec<Neighbours>,
}

/// Rows that stand together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    /// How many.
    pub rows: usize,
    /// Their mean output.
    pub output: f64,
    /// Mean effect of each line.
    pub effects: Vec<f64>,
}

/// Groups of a crowd, each of rows that stand together.
const GROUPS: usize = 10;

impl Crowd {
    /// From attributions, by output.
    pub fn of(a: &Attribution, summary: &Summary) -> Self {
        let (matrix, order) = crowd(a, summary, Order::Output, None);
        let n = matrix.across;
        let count = GROUPS.min(n);
        let groups = (0..count).map(|g| {
            let (from, to) = (g * n / count, (g + 1) * n / count);
            let mean = |of: &dyn Fn(usize) -> f64| (from..to).map(of).sum::<f64>() / (to - from) as f64;
            let effects = (0..matrix.lines.len()).map(|l| mean(&|x| matrix.values[l * n + x])).collect();
            Neighbours { rows: to - from, output: mean(&|x| a.predictions[order[x]]), effects }
        });
        Self { groups: groups.collect(), rows: order.iter().map(|i| a.rows[*i]).collect(), matrix }
    }
}

/// Each row as a line from the base value, feature after feature, to its output. Where lines part, a feature decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paths {
    /// Names of the steps, bottom to top: the least important first. That of the features together is empty.
    pub steps: Vec<String>,
    /// Per line: its row, and its output after each step; the first is the base.
    pub lines: Vec<(u32, Vec<f64>)>,
    /// The base.
    pub base: f64,
    /// Features that share the first step; none if zero.
    pub others: usize,
}

impl Paths {
    /// From attributions: `order` names the features from the most important on.
    pub fn of(a: &Attribution, order: &[usize]) -> Self {
        let named: Vec<usize> = order.iter().copied().take(FEATURES).collect();
        let rest: Vec<usize> = order.iter().copied().skip(FEATURES).collect();
        let mut steps: Vec<String> = Vec::new();
        if !rest.is_empty() {
            steps.push(String::new());
        }
        steps.extend(named.iter().rev().map(|f| a.features[*f].clone()));
        let n = a.rows.len();
        // Spread over the outputs, so that all kinds of rows are seen.
        let mut by: Vec<usize> = (0..n).collect();
        by.sort_by(|x, y| a.predictions[*x].total_cmp(&a.predictions[*y]));
        let every = n.div_ceil(MOST).max(1);
        let lines = by
            .into_iter()
            .step_by(every)
            .map(|i| {
                let phi = a.row(i);
                let mut at = a.base;
                let mut line = vec![at];
                if !rest.is_empty() {
                    at += rest.iter().map(|f| phi[*f]).sum::<f64>();
                    line.push(at);
                }
                for f in named.iter().rev() {
                    at += phi[*f];
                    line.push(at);
                }
                (a.rows[i], line)
            })
            .collect();
        Self { steps, lines, base: a.base, others: rest.len() }
    }

    /// The same, once it is known what the features together are called.
    pub fn calling(mut self, others: &str) -> Self {
        if let Some(first) = self.steps.first_mut().filter(|_| self.others > 0) {
            others.clone_into(first);
        }
        self
    }
}

impl EffectCurve {
    /// A map of two features as a matrix: the first feature across, the second upwards; differences from the average.
    pub fn map(&self) -> Matrix {
        let mut lines: Vec<(f64, String)> = Vec::new();
        let mut places: Vec<(f64, String)> = Vec::new();
        for p in &self.points {
            let (b, label) = (p.value_2.unwrap_or(f64::NAN), p.label_2.clone().unwrap_or_default());
            if !lines.iter().any(|l| l.0 == b) {
                lines.push((b, label));
            }
            if !places.iter().any(|x| x.0 == p.value) {
                places.push((p.value, p.label.clone()));
            }
        }
        // Small values below, as on an axis.
        lines.reverse();
        let (across, down) = (places.len(), lines.len());
        let middle = if self.kind == Kind::Ale { 0.0 } else { self.mean };
        let (mut values, mut weight) = (vec![f64::NAN; across * down], vec![0.0; across * down]);
        for (i, p) in self.points.iter().enumerate() {
            // Points go through the second feature first.
            let (x, l) = (i / down.max(1), down - 1 - i % down.max(1));
            values[l * across + x] = p.effect - middle;
            weight[l * across + x] = p.density;
        }
        let most = values.iter().zip(&weight).filter(|(_, w)| **w > 0.0).fold(0.0f64, |m, (v, _)| m.max(v.abs()));
        let names = |v: Vec<(f64, String)>| v.into_iter().map(|x| x.1).collect();
        Matrix { lines: names(lines), places: names(places), across, values, weight, most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::effect::Point;
    use crate::explain::summary::summarise;
    use crate::explain::summary::tests::{attribution, feature};
    use crate::ml::model::Scale;

    #[test]
    fn lines_end_at_the_outputs() {
        let f: Vec<_> = (0..15).map(|i| feature(&format!("f{i}"), &[])).collect();
        let values: Vec<f64> = (0..15 * 400).map(|i| f64::from(i % 13) / 400.0 - 0.01).collect();
        let a = attribution(&f, vec![1.0; 15 * 400], values, 0.2, Scale::Probability);
        let order: Vec<usize> = (0..15).collect();
        let p = Paths::of(&a, &order).calling("others");
        assert!(p.steps.len() == FEATURES + 1 && p.steps[0] == "others" && p.steps[FEATURES] == "f0" && p.lines.len() <= MOST);
        assert_eq!(p.others, 3);
        for (row, line) in &p.lines {
            let i = a.rows.iter().position(|r| r == row).unwrap();
            assert!(line[0] == 0.2 && (line.last().unwrap() - a.predictions[i]).abs() < 1e-12 && line.len() == FEATURES + 2);
        }
    }

    #[test]
    fn a_crowd_holds_every_row_once_in_its_order() {
        let f = [feature("a", &[]), feature("b", &[])];
        let n = 40;
        let inputs: Vec<f64> = (0..n).flat_map(|i| [f64::from((i * 7) % n), 1.0]).collect();
        let values: Vec<f64> = (0..n).flat_map(|i| [f64::from((i * 11) % n) - 20.0, 0.1]).collect();
        let a = attribution(&f, inputs, values, 0.0, Scale::Margin);
        let s = summarise(&a, &f, 1);
        for (order, by) in [(Order::Output, None), (Order::Value, Some("a")), (Order::Alike, None)] {
            let (m, rows) = crowd(&a, &s, order, by);
            let mut all = rows.clone();
            all.sort_unstable();
            assert_eq!(all, (0..n as usize).collect::<Vec<_>>());
            assert_eq!((m.lines.as_slice(), m.across), (&["a".to_owned(), "b".to_owned()][..], n as usize));
            assert!(rows.iter().enumerate().all(|(x, i)| m.values[x] == a.row(*i)[0] && m.values[m.across + x] == a.row(*i)[1]));
            let key = |i: usize| match order {
                Order::Output => a.predictions[i],
                Order::Value => a.input(i)[0],
                Order::Alike => a.row(i)[0].signum(),
            };
            assert!(rows.windows(2).all(|w| key(w[0]) <= key(w[1])), "{order:?}");
        }
        let c = Crowd::of(&a, &s);
        assert_eq!((c.groups.len(), c.groups.iter().map(|g| g.rows).sum::<usize>(), c.rows.len()), (10, 40, 40));
        // The four lowest outputs, by brute force.
        let mut by: Vec<usize> = (0..40).collect();
        by.sort_by(|x, y| a.predictions[*x].total_cmp(&a.predictions[*y]));
        let mean = by[..4].iter().map(|i| a.row(*i)[0]).sum::<f64>() / 4.0;
        assert!((c.groups[0].effects[0] - mean).abs() < 1e-12 && c.groups.windows(2).all(|w| w[0].output <= w[1].output));
        assert_eq!(Crowd::of(&attribution(&f, vec![1.0, 1.0], vec![2.0, 0.0], 0.0, Scale::Margin), &s).groups.len(), 1);
    }

    #[test]
    fn a_map_has_small_values_below_and_to_the_left() {
        let point = |a: f64, b: f64| Point {
            value: a,
            label: format!("a{a}"),
            value_2: Some(b),
            label_2: Some(format!("b{b}")),
            effect: 10.0 * a + b,
            density: if a == 2.0 { 0.0 } else { 0.25 },
            ..Point::default()
        };
        let points: Vec<Point> = [0.0, 1.0, 2.0].into_iter().flat_map(|a| [0.0, 1.0].map(|b| point(a, b))).collect();
        let c = EffectCurve {
            feature: "a".into(),
            feature_2: Some("b".into()),
            kind: Kind::Pdp,
            scale: Scale::Margin,
            outcome: "y".into(),
            categorical: false,
            points,
            also: None,
            rows: 8,
            mean: 3.0,
            seed: 1,
            model: crate::base::Fingerprint::default(),
            warnings: Vec::new(),
        };
        let m = c.map();
        assert_eq!((m.lines.join(","), m.places.join(","), m.across), ("b1,b0".into(), "a0,a1,a2".into(), 3));
        // Differences from the mean of 3; where no data lie nothing stretches the colours.
        assert_eq!(m.values, [-2.0, 8.0, 18.0, -3.0, 7.0, 17.0]);
        assert_eq!(m.most, 8.0);
        let ale = EffectCurve { kind: Kind::Ale, ..c }.map();
        assert_eq!((ale.values[0], ale.most), (1.0, 11.0));
    }
}
