//! Tests of the entry with small models whose answers are known by hand.

mod planted;

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
    Decoy(Decoy),
    Formula(Line, fn(&[f64]) -> f64),
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

/// A model that computes a formula of `features` numbers, for methods that only ask for predictions.
pub(super) fn formula(features: usize, f: fn(&[f64]) -> f64) -> impl Model {
    fake(Inside::Formula(Line(vec![0.0; features]), f), features, &[false], ModelKind::Logistic)
}

/// A yes/no model that adds up.
pub(super) fn line_model(weights: Vec<f64>) -> impl Model {
    let m = weights.len();
    fake(Inside::Sum(Line(weights)), m, &[true], ModelKind::Logistic)
}

/// A yes/no model of trees.
pub(super) fn trees_model(e: TreeEnsemble) -> impl Model {
    let m = e.n_features;
    fake(Inside::Trees(e), m, &[true], ModelKind::Gbdt)
}

/// Lines 0, 1, 2, …
pub(super) fn lines(n: u32) -> Vec<u32> {
    (0..n).collect()
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
                Inside::Decoy(_) => vec![0.0],
                Inside::Formula(_, f) => vec![f(x.row(i))],
                Inside::Net(n) => vec![n.value(&x.row(i).iter().map(|v| *v as f32).collect::<Vec<_>>()).0],
            })
            .collect())
    }
    fn structure(&self) -> Structure<'_> {
        match &self.inside {
            Inside::Trees(e) => Structure::Trees(e),
            Inside::Sum(a) => Structure::Additive(a),
            Inside::Net(n) => Structure::Network(n),
            Inside::Decoy(n) => Structure::Network(n),
            Inside::Formula(a, _) => Structure::Additive(a),
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
    let none = attention::maps(&line, &x, &[0], 0, &[], &JobCtx::quiet()).unwrap_err();
    assert_eq!(none.0.code, "explain.no_attention");
    let dnn = fake(Inside::Net(curve(0.0, 1.0, false)), 3, &[true], ModelKind::Dnn);
    assert_eq!(attention::maps(&dnn, &x, &[0], 0, &[], &JobCtx::quiet()).unwrap_err().0.code, "explain.no_attention");
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
    // What taking a feature out does grows f1 = f0 < f2 in the first row and falls in the second.
    let x = FeatureMatrix { n_features: 3, values: vec![0.1, 0.2, 2.0, 3.0, 3.0, 0.1] };
    let maps = attention::maps(&model, &x, &[7, 9], 0, &[], &JobCtx::quiet()).unwrap();
    assert_eq!((maps[0].row, maps[1].row, maps[0].layers, maps[0].heads), (7, 9, 2, 1));
    assert_eq!(maps[0].tokens, ["[class]", "f0 = 0.1", "f1 = 0.2", "f2 = 2"]);
    assert!(maps[0].head(1, 0)[..4] == [0.1, 0.2, 0.3, 0.4] && maps[0].head_gradient(0, 0)[1] == 0.4);
    assert!(maps[0].agreement.unwrap() > 0.8 && maps[1].agreement.unwrap() < -0.8, "{:?} {:?}", maps[0].agreement, maps[1].agreement);
}

/// A Transformer of one layer and two heads in plain arithmetic, made to mislead: the first head stares at a decoy, and
/// nothing of what it gathers goes on; the second looks at every event alike and passes on what they are worth.
struct Decoy;
const EVENTS: usize = 12;
impl Decoy {
    /// Where the first head looks (the class token last), and what each event is worth.
    fn heads(row: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let (draw, worth): (Vec<f64>, Vec<f64>) = row.chunks(2).map(|e| (f64::from(e[0]), f64::from(e[1]))).unzip();
        let all: f64 = 1.0 + draw.iter().map(|d| d.exp()).sum::<f64>();
        (draw.iter().map(|d| d.exp() / all).collect(), worth)
    }
}
impl Network for Decoy {
    fn embed(&self, x: &FeatureMatrix) -> Result<Embedded> {
        // An event's number is worth + 100 · draw, so that one feature holds both.
        let values = x.values.iter().flat_map(|v| [(v / 100.0).round() as f32, (v - (v / 100.0).round() * 100.0) as f32]).collect();
        Ok(Embedded { values, width: 2 * EVENTS, parts: (0..EVENTS).map(|i| 2 * i..2 * i + 2).collect() })
    }
    fn gradient(&self, e: &Embedded, _: usize, _: Scale) -> Result<(Vec<f64>, Vec<f32>)> {
        let out: Vec<f64> = e
            .values
            .chunks(e.width)
            .map(|row| {
                let worth = Self::heads(row).1;
                worth.iter().sum::<f64>() / (EVENTS + 1) as f64
            })
            .collect();
        Ok((out, vec![0.0; e.values.len()]))
    }
    fn tokens(&self) -> Vec<String> {
        (0..=EVENTS).map(|i| format!("t{i}")).collect()
    }
    fn attention(&self, x: &FeatureMatrix, _: usize, _: bool) -> Result<Option<Vec<Attention>>> {
        let e = self.embed(x)?;
        let n = EVENTS + 1;
        let one = |row: &[f32]| {
            let (a, _) = Self::heads(row);
            let mut weights = vec![1.0 / n as f32; 2 * n * n];
            weights[0] = (1.0 - a.iter().sum::<f64>()) as f32;
            weights[1..n].iter_mut().zip(&a).for_each(|(w, a)| *w = *a as f32);
            Attention { layers: 1, heads: 2, tokens: n, gradients: vec![0.0; 2 * n * n], weights }
        };
        Ok(Some(e.values.chunks(e.width).map(one).collect()))
    }
    fn silenced(&self, x: &FeatureMatrix, _: usize, _: Scale, heads: &[(usize, usize)]) -> Result<Vec<f64>> {
        // Only the second head passes anything on.
        let out = self.gradient(&self.embed(x)?, 0, Scale::Margin)?.0;
        Ok(out.into_iter().map(|v| if heads.contains(&(0, 1)) { 0.0 } else { v }).collect())
    }
    fn reference(&self) -> Vec<f32> {
        vec![0.0; 2 * EVENTS]
    }
}

#[test]
fn silent_heads_are_left_out_of_the_rollout_and_asked_about_together() {
    let model = fake(Inside::Decoy(Decoy), EVENTS, &[false], ModelKind::Transformer);
    let x = FeatureMatrix { n_features: EVENTS, values: (0..EVENTS).map(|i| i as f64 + if i == 2 { 300.0 } else { 0.0 }).collect() };
    let ask = |silent: &[(usize, usize)]| attention::maps(&model, &x, &[4], 0, silent, &JobCtx::quiet()).map(|m| m[0].clone());
    let all = ask(&[]).unwrap();
    assert!(all.silenced.is_none() && all.tested_heads[0] == 0.0 && (all.tested_heads[1] - all.output).abs() < 1e-12);
    let n = EVENTS + 1;
    // Rollout of one layer is half of each token and half of the mean look of the heads that sound.
    for (silent, heard) in [(vec![], vec![0, 1]), (vec![(0, 0)], vec![1]), (vec![(0, 1)], vec![0]), (vec![(0, 0), (0, 1)], vec![])] {
        let map = ask(&silent).unwrap();
        for i in 0..n * n {
            let own = f64::from(u8::from(i / n == i % n));
            let mean = heard.iter().map(|h| f64::from(map.head(0, *h)[i])).sum::<f64>() / heard.len().max(1) as f64;
            let want = if heard.is_empty() { own } else { 0.5 * own + 0.5 * mean };
            assert!((f64::from(map.rollout[i]) - want).abs() < 1e-6, "{silent:?}");
        }
        assert_eq!((map.silent.clone(), map.tested_heads.clone()), (silent.clone(), all.tested_heads.clone()));
        let want = if silent.contains(&(0, 1)) { 0.0 } else { map.output };
        assert_eq!(map.silenced, (!silent.is_empty()).then_some(want));
        assert!((map.one_by_one() - silent.iter().map(|h| all.tested_heads[h.1]).sum::<f64>()).abs() < 1e-12);
        // The single heads are shown as they are, silent or not.
        assert_eq!(map.weights, all.weights);
    }
    assert!((all.looked().iter().sum::<f64>() - 1.0).abs() < 1e-6);
    assert_eq!(ask(&[(0, 2)]).unwrap_err().0.code, "explain.no_such_head");
    assert_eq!(ask(&[(1, 0)]).unwrap_err().0.code, "explain.no_such_head");
}

#[test]
fn the_desk_mutes_and_solos() {
    use super::attention::{Desk, Standing};
    let mut desk = Desk::default();
    assert!(desk.is_clear() && desk.silent(2, 3).is_empty());
    desk.mute((0, 1));
    assert_eq!(desk.silent(2, 3), [(0, 1)]);
    desk.solo((1, 0));
    assert_eq!(desk.silent(2, 3), [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]);
    assert_eq!([(0, 0), (0, 1), (1, 0)].map(|h| desk.standing(h)), [Standing::Aside, Standing::Muted, Standing::Solo]);
    // A second solo joins the first; one head is never muted and solo at once.
    desk.solo((0, 1));
    assert_eq!((desk.silent(2, 3), desk.standing((0, 1))), (vec![(0, 0), (0, 2), (1, 1), (1, 2)], Standing::Solo));
    desk.mute((0, 1));
    assert_eq!(desk.standing((0, 1)), Standing::Muted);
    desk.solo((1, 0));
    assert_eq!(desk.silent(2, 3), [(0, 1)]);
    desk.mute((0, 1));
    assert!(desk.is_clear() && desk.standing((0, 1)) == Standing::Sounds);
}

#[test]
fn the_tested_view_is_not_taken_in_by_a_decoy() {
    let mut rng = rng::rng(21, "decoy");
    let (mut signals, mut decoys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..200 {
        let signal = rng::below(&mut rng, EVENTS);
        let decoy = (signal + 1 + rng::below(&mut rng, EVENTS - 1)) % EVENTS;
        for i in 0..EVENTS {
            // The decoy draws the eye and is worth next to nothing; the signal is worth much and little looked at.
            let (draw, worth) = if i == decoy {
                (3.0, 0.0)
            } else if i == signal {
                (0.0, 20.0)
            } else {
                (0.0, rng::normal(&mut rng))
            };
            values.push(draw * 100.0 + worth);
        }
        signals.push(signal);
        decoys.push(decoy);
    }
    let x = FeatureMatrix { n_features: EVENTS, values };
    let model = fake(Inside::Decoy(Decoy), EVENTS, &[false], ModelKind::Transformer);
    let rows: Vec<u32> = (0..200).collect();
    let maps = attention::maps(&model, &x, &rows, 0, &[], &JobCtx::quiet()).unwrap();
    let largest = |v: &[f64]| (1..v.len()).max_by(|a, b| v[*a].abs().total_cmp(&v[*b].abs())).unwrap() - 1;
    let raw = |m: &super::AttentionMap| largest(&m.head(0, 0)[..=EVENTS].iter().map(|w| f64::from(*w)).collect::<Vec<_>>());
    let solved = maps.iter().zip(&signals).filter(|(m, s)| largest(&m.tested) == **s).count();
    let fooled = maps.iter().zip(&decoys).filter(|(m, d)| raw(m) == **d).count();
    assert!(solved >= 190 && fooled == 200, "{solved} {fooled}");
    assert!(maps.iter().filter(|m| m.agreement.is_some_and(|a| a < 0.3)).count() >= 150);
}

#[test]
fn rollout_by_hand() {
    // Two layers, one head: ½(A₂ + I) · ½(A₁ + I), written out for the curve's weights.
    let model = fake(Inside::Net(curve(0.0, 1.0, true)), 3, &[true], ModelKind::Transformer);
    let x = FeatureMatrix { n_features: 3, values: vec![0.1, 0.2, 2.0] };
    let map = &attention::maps(&model, &x, &[0], 0, &[], &JobCtx::quiet()).unwrap()[0];
    assert!(map.rollout.chunks(4).all(|r| (r.iter().sum::<f32>() - 1.0).abs() < 1e-6), "{:?}", map.rollout);
    // First row: .55 · (.55, .1, .15, .2) + (.1 + .15 + .2) · the others' halves, and .5 for each of them.
    let want = [0.55 * 0.55 + 0.45 * 0.125, 0.55 * 0.1 + 0.45 * 0.125 + 0.05, 0.55 * 0.15 + 0.45 * 0.125 + 0.075];
    assert!(map.rollout.iter().zip(want).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{:?} {want:?}", map.rollout);
    // Negative gradients raise nothing.
    assert!(map.gradient_rollout.iter().all(|v| *v == 0.0));
}

/// Any-model methods against exact values of trees on the same group.
#[test]
fn sampled_values_agree_with_exact_ones() {
    use super::{Players, Reference};
    use std::sync::Arc;
    let mut rng = rng::rng(31, "sampled");
    let m = 6;
    let trees = fake(Inside::Trees(random_ensemble(7, m, 10, 4, 1)), m, &[true], ModelKind::Gbdt);
    let draw = |rng: &mut rng::Rng, n: usize| FeatureMatrix { n_features: m, values: (0..n).flat_map(|_| random_row(rng, m)).collect() };
    let (x, group) = (draw(&mut rng, 20), draw(&mut rng, 12));
    let reference = Some(Arc::new(Reference { label: "f0 = 1".into(), x: group, of: 12 }));
    let with =
        |method| ExplainOptions { method: Some(method), scale: Scale::Margin, reference: reference.clone(), ..ExplainOptions::default() };
    let exact = run(&trees, &x, &with(Method::TreeShapReference)).unwrap();
    assert!(exact.gaps.iter().all(|g| g.abs() < 1e-9) && exact.exact);
    assert_eq!(exact.reference.as_ref().map(|r| (r.label.as_str(), r.rows)), Some(("f0 = 1", 12)));
    let all = run(&trees, &x, &with(Method::ExactShap)).unwrap();
    assert!(all.values.iter().zip(&exact.values).all(|(a, b)| (a - b).abs() < 1e-9) && (all.base - exact.base).abs() < 1e-9);
    // Few players: every coalition fits the budget, and KernelSHAP is exact too.
    let kernel = run(&trees, &x, &with(Method::KernelShap)).unwrap();
    assert!(kernel.values.iter().zip(&exact.values).all(|(a, b)| (a - b).abs() < 1e-9) && kernel.half_width.is_empty());
    for (method, budget) in [(Method::PermutationShap, 0), (Method::ProxyShap, 0), (Method::KernelShap, 40)] {
        let a = run(&trees, &x, &ExplainOptions { budget, ..with(method) }).unwrap();
        assert!(a.gaps.iter().all(|g| g.abs() < 1e-9), "{method:?} adds up");
        let near =
            |k: f64| a.values.iter().zip(&exact.values).zip(&a.half_width).filter(|((a, b), w)| (*a - *b).abs() <= k * **w + 1e-9).count();
        assert!(near(1.0) * 100 >= 85 * a.values.len() && near(3.0) * 100 >= 98 * a.values.len(), "{method:?} {} {}", near(1.0), near(3.0));
        assert!(a.warnings.iter().any(|w| w.code == "explain.sampled_any"));
    }
    // Groups play as one, whoever computes.
    let players = Arc::new(Players { names: vec!["a".into(), "b".into(), "c".into()], of: vec![0, 1, 1, 2, 0, 2] });
    let grouped = |method| ExplainOptions { players: Some(players.clone()), ..with(method) };
    let a = run(&trees, &x, &grouped(Method::TreeShapReference)).unwrap();
    let b = run(&trees, &x, &grouped(Method::ExactShap)).unwrap();
    assert!(a.values.len() == 60 && a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() < 1e-9));
    assert_eq!((a.features.join(" "), a.members[1].clone()), ("a b c".to_owned(), vec![1, 2]));
    // A local line is not exact, and says so.
    let lime = run(&trees, &x.select(&[0]), &with(Method::Lime)).unwrap();
    assert!(!lime.exact && lime.half_width.len() == m);
}

/// A budget is the most that is asked: once every interval is narrow, no more questions are.
#[test]
fn kernel_shap_stops_when_it_knows_enough() {
    use super::Reference;
    let m = 20;
    let mut rng = rng::rng(9, "enough");
    let trees = fake(Inside::Trees(random_ensemble(5, m, 12, 4, 1)), m, &[true], ModelKind::Gbdt);
    let draw = |rng: &mut rng::Rng, n: usize| FeatureMatrix { n_features: m, values: (0..n).flat_map(|_| random_row(rng, m)).collect() };
    let (x, group) = (draw(&mut rng, 2), draw(&mut rng, 3));
    let reference = Some(std::sync::Arc::new(Reference { label: String::new(), x: group, of: 3 }));
    let with = |method, budget| ExplainOptions {
        method: Some(method),
        scale: Scale::Margin,
        reference: reference.clone(),
        budget,
        ..ExplainOptions::default()
    };
    let exact = run(&trees, &x, &with(Method::TreeShapReference, 0)).unwrap();
    let (most, group) = (400_000, 3);
    let a = run(&trees, &x, &with(Method::KernelShap, most)).unwrap();
    let said = &a.warnings.iter().find(|w| w.code == "explain.sampled_any").unwrap().fields["calls"];
    let calls: usize = said.to_string().replace(',', "").parse().unwrap();
    assert!(calls * 4 < most * group, "{calls} of {}", most * group);
    for i in 0..2 {
        let way = (a.predictions[i] - a.base).abs();
        let wide = a.half_width[i * m..(i + 1) * m].iter().all(|w| *w <= (0.01 * way).max(1e-3));
        assert!(wide, "{:?} of {way}", &a.half_width[i * m..(i + 1) * m]);
        for j in 0..m {
            assert!((a.row(i)[j] - exact.row(i)[j]).abs() <= 0.03 * way.max(0.1), "row {i}, f{j}");
        }
    }
    // Few questions are all asked.
    let few = run(&trees, &x, &with(Method::KernelShap, 600)).unwrap();
    assert!(few.half_width.iter().sum::<f64>() > a.half_width.iter().sum::<f64>());
}

#[test]
fn expected_gradients_of_a_product_by_hand() {
    use super::Reference;
    // margin = x0 · x1 + 2 x2: from (a, b, c) the share of x0 is (x0 − a)(x1 + b) / 2.
    let model = fake(Inside::Net(curve(0.0, 1.0, false)), 3, &[true], ModelKind::Dnn);
    let group = FeatureMatrix { n_features: 3, values: vec![0.0, 0.0, 0.0, 1.0, 2.0, 3.0] };
    let reference = Some(std::sync::Arc::new(Reference { label: String::new(), x: group, of: 2 }));
    let x = FeatureMatrix { n_features: 3, values: vec![2.0, 3.0, -1.0] };
    let options = ExplainOptions { method: Some(Method::ExpectedGradients), scale: Scale::Margin, reference, ..ExplainOptions::default() };
    let a = run(&model, &x, &options).unwrap();
    for (v, want) in a.values.iter().zip([(3.0 + 2.5) / 2.0, (3.0 + 1.5) / 2.0, (-2.0 - 8.0) / 2.0]) {
        assert!((v - want).abs() < 1e-5, "{:?}", a.values);
    }
    assert!((a.base - 4.0).abs() < 1e-6 && a.base_note.code == "explain.base_everyone");
}
