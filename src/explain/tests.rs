//! Tests of the entry with small models whose answers are known by hand.

use std::sync::Mutex;

use super::attribution::Method;
use super::method::{ExplainOptions, explain};
use super::summary::tests::feature;
use super::tree_shap::tests::{random_ensemble, random_row};
use super::{attention, gradients};
use crate::base::{Fingerprint, JobCtx, Lang, Result, rng};
use crate::data::{Encoder, FeatureMatrix};
use crate::ml::file::NamedTensor;
use crate::ml::model::{Additive, Attention, Embedded, Network, PartSizes, Scale, Structure, sigmoid};
use crate::ml::{Model, ModelCard, ModelKind, ModelSpec, Outcome, OutcomeKind, TreeEnsemble};

enum Inside {
    Trees(TreeEnsemble),
    Sum(Line),
    Net(Curve),
}
struct Fake {
    card: ModelCard,
    inside: Inside,
}
struct Line(Vec<f64>);
impl Additive for Line {
    fn base(&self, _: usize) -> f64 {
        0.3
    }
    fn contribution(&self, feature: usize, value: f64, _: usize) -> f64 {
        self.0[feature] * value
    }
}

fn fake(inside: Inside, features: usize, kinds: &[bool], kind: ModelKind) -> Fake {
    let features = (0..features).map(|i| feature(&format!("f{i}"), &[])).collect();
    let yes = OutcomeKind::Binary { positive: "yes".into(), negative: "no".into() };
    let kind_of = |binary: bool| if binary { yes.clone() } else { OutcomeKind::Number };
    let outcomes = kinds.iter().enumerate().map(|(i, b)| Outcome { name: format!("y{i}"), kind: kind_of(*b), base_rate: 0.5 });
    let card = ModelCard {
        spec: ModelSpec::new("fake", kind),
        outcomes: outcomes.collect(),
        encoder: Encoder { features, ..Encoder::default() },
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: String::new(),
        seconds: 0.0,
        data: Fingerprint::default(),
        fingerprint: Fingerprint::of(b"fake"),
        curve: Vec::new(),
        conformal: None,
        warnings: Vec::new(),
    };
    Fake { card, inside }
}

impl Model for Fake {
    fn card(&self) -> &ModelCard {
        &self.card
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.card
    }
    fn margins(&self, x: &FeatureMatrix, _: &JobCtx) -> Result<Vec<f64>> {
        Ok((0..x.n_rows())
            .flat_map(|i| match &self.inside {
                Inside::Trees(e) => e.margins(x.row(i)),
                Inside::Sum(a) => vec![a.base(0) + x.row(i).iter().enumerate().map(|(f, v)| a.contribution(f, *v, 0)).sum::<f64>()],
                Inside::Net(n) => vec![n.value(&x.row(i).iter().map(|v| *v as f32).collect::<Vec<_>>()).0],
            })
            .collect())
    }
    fn structure(&self) -> Structure<'_> {
        match &self.inside {
            Inside::Trees(e) => Structure::Trees(e),
            Inside::Sum(a) => Structure::Additive(a),
            Inside::Net(n) => Structure::Network(n),
        }
    }
    fn tensors(&self) -> Vec<NamedTensor> {
        Vec::new()
    }
}

/// margin = x0 · x1 + 2 x2 + steep · softplus(k (x0 − 0.37)) / k, each feature its own embedding; reference 0.
struct Curve {
    steep: f64,
    k: f64,
    tokens: bool,
    calls: Mutex<Vec<usize>>,
}
impl Curve {
    fn value(&self, x: &[f32]) -> (f64, [f64; 3]) {
        let (a, b, c) = (f64::from(x[0]), f64::from(x[1]), f64::from(x[2]));
        let at = self.k * (a - 0.37);
        let bend = if at > 30.0 { at } else { at.exp().ln_1p() } / self.k;
        (a * b + 2.0 * c + self.steep * bend, [b + self.steep * sigmoid(at), a, 2.0])
    }
}
impl Network for Curve {
    fn embed(&self, x: &FeatureMatrix) -> Result<Embedded> {
        Ok(Embedded { values: x.values.iter().map(|v| *v as f32).collect(), width: 3, parts: vec![0..1, 1..2, 2..3] })
    }
    fn gradient(&self, embedded: &Embedded, _: usize, scale: Scale) -> Result<(Vec<f64>, Vec<f32>)> {
        self.calls.lock().unwrap().push(embedded.values.len() / 3);
        let (mut out, mut gradient) = (Vec::new(), Vec::new());
        for row in embedded.values.chunks(3) {
            let (m, g) = self.value(row);
            let p = sigmoid(m);
            let probability = scale == Scale::Probability;
            out.push(if probability { p } else { m });
            gradient.extend(g.map(|g| (g * if probability { p * (1.0 - p) } else { 1.0 }) as f32));
        }
        Ok((out, gradient))
    }
    fn tokens(&self) -> Vec<String> {
        if self.tokens { ["[class]", "f0", "f1", "f2"].map(str::to_owned).to_vec() } else { Vec::new() }
    }
    fn attention(&self, x: &FeatureMatrix, _: usize, _: bool) -> Result<Option<Vec<Attention>>> {
        let head = [[0.1, 0.2, 0.3, 0.4], [0.25; 4], [0.25; 4], [0.25; 4]].concat();
        let one = Attention { layers: 2, heads: 1, tokens: 4, weights: [head.clone(), head].concat(), gradients: vec![-2.0; 32] };
        Ok(Some(vec![one; x.n_rows()]))
    }
    fn reference(&self) -> Vec<f32> {
        vec![0.0; 3]
    }
}
fn curve(steep: f64, k: f64, tokens: bool) -> Curve {
    Curve { steep, k, tokens, calls: Mutex::default() }
}

fn run(model: &Fake, x: &FeatureMatrix, options: &ExplainOptions) -> Result<super::Attribution> {
    let rows: Vec<u32> = (0..x.n_rows() as u32).map(|i| i + 100).collect();
    explain(model, x, &rows, &Fingerprint::of(b"data"), options, &JobCtx::quiet())
}

#[test]
fn every_kind_adds_up_on_both_scales() {
    let mut rng = rng::rng(1, "rows");
    let x = FeatureMatrix { n_features: 5, values: (0..9).flat_map(|_| random_row(&mut rng, 5)).collect() };
    let plain = FeatureMatrix { n_features: 5, values: (0..45).map(|i| f64::from(i % 7) / 4.0).collect() };
    let trees = fake(Inside::Trees(random_ensemble(3, 5, 8, 5, 2)), 5, &[true, false], ModelKind::Gbdt);
    let line = fake(Inside::Sum(Line(vec![1.0, -0.5, 0.0, 0.2, 0.7])), 5, &[true], ModelKind::Logistic);
    for (model, x, method, outcomes) in [(&trees, &x, Method::TreeShap, 2), (&line, &plain, Method::LinearShap, 1)] {
        for outcome in 0..outcomes {
            for scale in [Scale::Margin, Scale::Probability] {
                let a = run(model, x, &ExplainOptions { scale, outcome, ..ExplainOptions::default() }).unwrap();
                assert!(a.method == method && a.exact && a.half_width.is_empty() && a.rows[2] == 102 && a.inputs.len() == 45);
                assert!(a.gaps.iter().all(|g| g.abs() < 1e-10), "{:?}", a.gaps);
                let number = outcome == 1;
                assert_eq!(a.scale, if number { Scale::Margin } else { scale });
                assert_eq!(a.warnings.iter().any(|w| w.code == "explain.number_margin"), number && scale == Scale::Probability);
                assert!(!a.base_note.say(Lang::Zh).contains('{'));
                assert_eq!(a.outcome, format!("y{outcome}"));
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let x = FeatureMatrix { n_features: 3, values: vec![0.5; 3] };
    let line = fake(Inside::Sum(Line(vec![1.0; 3])), 3, &[true], ModelKind::Logistic);
    let wrong = run(&line, &x, &ExplainOptions { method: Some(Method::TreeShap), ..ExplainOptions::default() }).unwrap_err();
    assert!(wrong.say(Lang::En).contains("tree-shap") && wrong.say(Lang::En).contains("Use linear-shap"), "{wrong}");
    let wrong = run(&line, &x, &ExplainOptions { outcome: 4, ..ExplainOptions::default() }).unwrap_err();
    assert_eq!(wrong.0.code, "explain.no_outcome");
    let narrow = FeatureMatrix { n_features: 2, values: vec![0.5; 4] };
    assert_eq!(run(&line, &narrow, &ExplainOptions::default()).unwrap_err().0.code, "explain.shape");
    let none = attention::maps(&line, &x, &[0], 0, &JobCtx::quiet()).unwrap_err();
    assert_eq!(none.0.code, "explain.no_attention");
    let dnn = fake(Inside::Net(curve(0.0, 1.0, false)), 3, &[true], ModelKind::Dnn);
    assert_eq!(attention::maps(&dnn, &x, &[0], 0, &JobCtx::quiet()).unwrap_err().0.code, "explain.no_attention");
    let empty = FeatureMatrix { n_features: 3, values: Vec::new() };
    assert_eq!(run(&line, &empty, &ExplainOptions::default()).unwrap().values.len(), 0);
}

#[test]
fn integrated_gradients_by_hand() {
    let model = fake(Inside::Net(curve(0.0, 1.0, false)), 3, &[true], ModelKind::Dnn);
    let x = FeatureMatrix { n_features: 3, values: vec![2.0, 3.0, -1.0, 0.0, 1.0, 0.5] };
    let a = run(&model, &x, &ExplainOptions { scale: Scale::Margin, ..ExplainOptions::default() }).unwrap();
    // Half of the product each, twice the third.
    for (v, want) in a.values.iter().zip([3.0, 3.0, -2.0, 0.0, 0.0, 1.0]) {
        assert!((v - want).abs() < 1e-5, "{:?}", a.values);
    }
    assert!(a.base == 0.0 && !a.exact && a.warnings.is_empty() && a.base_note.code == "explain.base_reference");
    let p = run(&model, &x, &ExplainOptions::default()).unwrap();
    assert!(p.base == 0.5 && p.gaps.iter().all(|g| g.abs() < 0.01 * 0.4));
}

#[test]
fn only_hard_rows_get_more_nodes() {
    // The bend at x0 = 0.37 lies on the way of the first row alone.
    let net = curve(4.0, 300.0, false);
    let x = FeatureMatrix { n_features: 3, values: vec![1.0, 0.0, 0.0, 0.2, 1.0, 1.0, 0.1, 2.0, 0.5] };
    let found = gradients::integrated(&net, &x, 0, Scale::Margin, 0.002, &JobCtx::quiet()).unwrap();
    assert!(found.nodes[0] > 16 && found.nodes[1] == 8 && found.nodes[2] == 8 && found.open == 0, "{:?}", found.nodes);
    let rest = found.outputs[0] - found.base - found.values[..3].iter().sum::<f64>();
    assert!(rest.abs() <= 0.002 * (found.outputs[0] - found.base));
    // An impossible limit ends at the most nodes, and the reader is told.
    let model = fake(Inside::Net(curve(4.0, 1e6, false)), 3, &[false], ModelKind::Dnn);
    let a = run(&model, &x, &ExplainOptions { gap: 1e-7, ..ExplainOptions::default() }).unwrap();
    assert!(a.warnings.iter().any(|w| w.code == "explain.gap_open"));
    assert!(net.calls.lock().unwrap().iter().all(|c| *c <= 512));
}

#[test]
fn attention_is_shown_with_its_doubt() {
    let model = fake(Inside::Net(curve(0.0, 1.0, true)), 3, &[true], ModelKind::Transformer);
    // Attributions on the margin grow f1 = f0 < f2 in the first row and fall in the second.
    let x = FeatureMatrix { n_features: 3, values: vec![0.1, 0.2, 2.0, 3.0, 3.0, 0.1] };
    let maps = attention::maps(&model, &x, &[7, 9], 0, &JobCtx::quiet()).unwrap();
    assert_eq!((maps[0].row, maps[1].row, maps[0].layers, maps[0].heads), (7, 9, 2, 1));
    assert_eq!(maps[0].tokens, ["[class]", "f0 = 0.1", "f1 = 0.2", "f2 = 2"]);
    assert!(maps[0].head(1, 0)[..4] == [0.1, 0.2, 0.3, 0.4] && maps[0].head_gradient(0, 0)[1] == 0.4);
    assert!(maps[0].agreement.unwrap() > 0.8 && maps[1].agreement.unwrap() < -0.8, "{:?} {:?}", maps[0].agreement, maps[1].agreement);
}
