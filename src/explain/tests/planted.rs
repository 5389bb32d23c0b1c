//! Signals planted in rows of the product's own Transformer, with weights written by hand: one head looks at a decoy that
//! is worth nothing, the other gathers what the events are worth. Raw attention must be taken in, the tested view must not.

use std::collections::BTreeMap;

use super::*;
use crate::ml::file::TensorData;
use crate::ml::net::NetModel;
use crate::ml::spec::DeviceChoice;

const EVENTS: usize = 12;
const WIDTH: usize = 8;
const LEVELS: [&str; 6] = ["nothing", "decoy", "raises", "lowers", "raises a little", "lowers a little"];
const ROWS: usize = 200;

/// Patterns of ±1 with mean 0 and variance 1, each at right angles to the others: layer normalisation leaves them as they are.
fn pattern(k: usize) -> [f32; WIDTH] {
    std::array::from_fn(|i| if (k & i).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 })
}

/// How strongly a vector holds a pattern, as a column of weights.
fn column(k: usize, strength: f32) -> [f32; WIDTH] {
    pattern(k).map(|v| strength * v / WIDTH as f32)
}

/// The token of a level: what draws the eye is one pattern, what counts another.
fn token(level: usize) -> [f32; WIDTH] {
    let (idle, worth) = (pattern(1), pattern(3));
    let mixed = |w: f32| std::array::from_fn(|i| (1.0 - w * w).sqrt() * idle[i] + w * worth[i]);
    match level {
        0 => idle,
        1 => pattern(2),
        2 => worth,
        3 => worth.map(|v| -v),
        4 => mixed(0.15),
        _ => mixed(-0.15),
    }
}

/// One layer, two heads of four numbers.
fn transformer() -> NetModel {
    let f64s = |name: &str, shape: Vec<usize>, v: Vec<f64>| NamedTensor { name: name.into(), shape, data: TensorData::F64(v) };
    let f32s = |name: String, shape: Vec<usize>, v: Vec<f32>| NamedTensor { name, shape, data: TensorData::F32(v) };
    let sizes = vec![1.0, 1.0, EVENTS as f64, WIDTH as f64, 1.0, 2.0, 8.0, 1.0, 1.0, 1.0];
    let mut out = vec![
        f64s("net.sizes", vec![10], sizes),
        f64s("net.targets", vec![1, 2], vec![0.0, 1.0]),
        f32s("net.reference".into(), vec![EVENTS, WIDTH], (0..EVENTS).flat_map(|_| token(0)).collect()),
    ];
    for j in 0..EVENTS {
        out.push(f64s(&format!("net.input.{j:05}"), vec![2], vec![0.0, LEVELS.len() as f64]));
    }
    let mut weights: BTreeMap<&str, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    // Per event a bias of nothing, what is missing, and the levels.
    let table = || [[0.0; WIDTH], token(0)].into_iter().chain((0..LEVELS.len()).map(token)).flatten();
    weights.insert("embed", (vec![EVENTS * (2 + LEVELS.len()), WIDTH], (0..EVENTS).flat_map(|_| table()).collect()));
    weights.insert("class", (vec![WIDTH], pattern(5).to_vec()));
    for (gain, bias) in
        [("layer0.norm1.gain", "layer0.norm1.bias"), ("layer0.norm2.gain", "layer0.norm2.bias"), ("final.gain", "final.bias")]
    {
        weights.insert(gain, (vec![WIDTH], vec![1.0; WIDTH]));
        weights.insert(bias, (vec![WIDTH], vec![0.0; WIDTH]));
    }
    let square = |cells: &[(usize, usize, f32)]| {
        let mut v = vec![0.0; WIDTH * WIDTH];
        cells.iter().for_each(|(from, to, w)| v[from * WIDTH + to] = *w);
        (vec![WIDTH, WIDTH], v)
    };
    let down = |to: usize, column: [f32; WIDTH]| column.iter().enumerate().map(|(from, w)| (from, to, *w)).collect::<Vec<_>>();
    let nothing = || (vec![WIDTH], vec![0.0; WIDTH]);
    // The first head asks everybody for the decoy's pattern and takes nothing along; the second looks at all alike and takes
    // along what counts, which goes into a pattern of its own.
    weights.insert("layer0.query.weight", square(&[]));
    weights.insert("layer0.query.bias", (vec![WIDTH], [8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].to_vec()));
    weights.insert("layer0.key.weight", square(&down(0, column(2, 1.0))));
    weights.insert("layer0.key.bias", nothing());
    weights.insert("layer0.value.weight", square(&down(4, column(3, 1.0))));
    weights.insert("layer0.value.bias", nothing());
    weights.insert("layer0.out.weight", square(&pattern(6).iter().enumerate().map(|(to, w)| (4, to, *w)).collect::<Vec<_>>()));
    weights.insert("layer0.out.bias", nothing());
    weights.insert("layer0.up.weight", square(&[]));
    weights.insert("layer0.up.bias", nothing());
    weights.insert("layer0.down.weight", square(&[]));
    weights.insert("layer0.down.bias", nothing());
    weights.insert("head.weight", (vec![WIDTH, 1], column(6, (EVENTS + 1) as f32).to_vec()));
    weights.insert("head.bias", (vec![1], vec![0.0]));
    out.extend(weights.into_iter().map(|(name, (shape, v))| f32s(format!("net.weight.{name}"), shape, v)));
    let Fake { mut card, .. } = fake(Inside::Decoy(Decoy), 0, &[false], ModelKind::Transformer);
    card.encoder.features = (0..EVENTS).map(|i| feature(&format!("event {i}"), &LEVELS)).collect();
    NetModel::from_tensors(card, &out, &DeviceChoice::Cpu).unwrap()
}

#[test]
fn the_tested_view_of_a_transformer_finds_what_was_planted() {
    let mut rng = rng::rng(22, "planted");
    let (mut signals, mut decoys, mut signs, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let signal = rng::below(&mut rng, EVENTS);
        let decoy = (signal + 1 + rng::below(&mut rng, EVENTS - 1)) % EVENTS;
        let up = rng::unit(&mut rng) < 0.5;
        for i in 0..EVENTS {
            let level = if i == decoy {
                1
            } else if i == signal {
                if up { 2 } else { 3 }
            } else {
                [0, 4, 5][rng::below(&mut rng, 3)]
            };
            values.push(level as f64);
        }
        signals.push(signal);
        decoys.push(decoy);
        signs.push(up);
    }
    let x = FeatureMatrix { n_features: EVENTS, values };
    let model = transformer();
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let maps = attention::maps(&model, &x, &rows, 0, &[], &JobCtx::quiet()).unwrap();
    let largest = |v: &[f64]| (1..v.len()).max_by(|a, b| v[*a].abs().total_cmp(&v[*b].abs())).unwrap() - 1;
    let (mut solved, mut fooled, mut right_sign, mut warned, mut heads) = (0, 0, 0, 0, 0);
    for (i, m) in maps.iter().enumerate() {
        fooled += usize::from(largest(&m.looked()) == decoys[i]);
        solved += usize::from(largest(&m.tested) == signals[i]);
        right_sign += usize::from((m.tested[signals[i] + 1] > 0.0) == signs[i]);
        warned += usize::from(m.agreement.is_some_and(|a| a < 0.3));
        // The head that looks at the decoy moves nothing; the other moves all there is.
        heads += usize::from(m.tested_heads[0].abs() < 1e-5 && m.tested_heads[1].abs() > 0.01);
    }
    assert_eq!(fooled, ROWS, "raw attention is taken in");
    assert!(solved * 100 >= 95 * ROWS && right_sign * 100 >= 95 * ROWS, "{solved} solved, {right_sign} signs");
    assert!(warned * 100 >= 75 * ROWS && heads * 100 >= 95 * ROWS, "{warned} warned, {heads} heads");
}
