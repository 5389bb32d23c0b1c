//! Effects of functions whose effects are known.

use super::super::tests::{formula, lines};
use super::*;
use crate::explain::Players;
use crate::explain::importance::permutation;

fn rows(n: usize, m: usize, seed: u64) -> FeatureMatrix {
    let mut rng = rng::rng(seed, "effects");
    FeatureMatrix { n_features: m, values: (0..n * m).map(|_| rng::unit(&mut rng)).collect() }
}

fn margin() -> Options {
    Options { scale: Scale::Margin, ..Options::default() }
}

#[test]
fn a_sum_has_the_effects_of_its_terms() {
    let model = formula(3, |x| 3.0 * x[0] + x[1] * x[1]);
    let x = rows(3_000, 3, 1);
    let of = |f: usize, kind| effect(&model, &x, &lines(3_000), &[f], kind, &margin(), &JobCtx::quiet()).unwrap();
    let ale = of(0, Kind::Ale);
    assert!(ale.points.iter().all(|p| (p.effect - 3.0 * (p.value - 0.5)).abs() < 0.03), "{ale:?}");
    assert!(ale.points.iter().all(|p| p.low <= p.effect && p.effect <= p.high) && ale.warnings.is_empty());
    let square = of(1, Kind::Ale);
    assert!(square.points.iter().all(|p| (p.effect - (p.value * p.value - 1.0 / 3.0)).abs() < 0.03));
    let pdp = of(1, Kind::Pdp);
    assert!(pdp.points.iter().all(|p| (p.effect - (p.value * p.value + 1.5)).abs() < 0.05));
    assert!((pdp.points.iter().map(|p| p.density).sum::<f64>() - 1.0).abs() < 1e-9);
    let none = of(2, Kind::Ale);
    assert!(none.points.iter().all(|p| p.effect == 0.0));
    let ice = of(0, Kind::Ice);
    assert!(ice.points.len() == 100 * 20 && ice.points.iter().all(|p| p.row.is_some()));
}

#[test]
fn local_effects_stay_where_the_data_are() {
    // Two twins: the model falls off a cliff where they differ, which no row does. PDP sees the cliff, ALE does not.
    let model = formula(2, |x| if (x[0] - x[1]).abs() > 0.3 { -50.0 } else { x[0] });
    let mut x = rows(2_000, 2, 2);
    let mut rng = rng::rng(3, "twin");
    for row in x.values.chunks_mut(2) {
        row[1] = row[0] + 0.02 * (rng::unit(&mut rng) - 0.5);
    }
    let of = |kind| effect(&model, &x, &lines(2_000), &[0], kind, &margin(), &JobCtx::quiet()).unwrap();
    assert!(of(Kind::Ale).points.iter().all(|p| (p.effect - (p.value - 0.5)).abs() < 0.05));
    assert!(of(Kind::Pdp).points.iter().any(|p| p.effect < -5.0));
}

#[test]
fn a_product_is_all_in_the_second_order() {
    let model = formula(2, |x| 4.0 * x[0] * x[1] + 5.0 * x[0]);
    let x = rows(4_000, 2, 4);
    let map = effect(&model, &x, &lines(4_000), &[0, 1], Kind::Ale, &margin(), &JobCtx::quiet()).unwrap();
    for p in &map.points {
        let want = 4.0 * (p.value - 0.5) * (p.value_2.unwrap() - 0.5);
        assert!((p.effect - want).abs() < 0.06, "{p:?} {want}");
    }
    // Without a product there is nothing.
    let sum = formula(2, |x| x[0].exp() + x[1]);
    let map = effect(&sum, &x, &lines(4_000), &[0, 1], Kind::Ale, &margin(), &JobCtx::quiet()).unwrap();
    assert!(map.points.iter().all(|p| p.effect.abs() < 1e-9));
    let pdp = effect(&model, &x, &lines(4_000), &[0, 1], Kind::Pdp, &margin(), &JobCtx::quiet()).unwrap();
    assert!(pdp.points.iter().all(|p| (p.effect - (4.0 * p.value * p.value_2.unwrap() + 5.0 * p.value)).abs() < 1e-9));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let model = formula(2, |x| x[0]);
    let mut x = rows(50, 2, 5);
    x.values.iter_mut().skip(1).step_by(2).for_each(|v| *v = 7.0);
    let of = |f: &[usize], kind| effect(&model, &x, &lines(50), f, kind, &margin(), &JobCtx::quiet()).map(|_| ()).unwrap_err().0.code;
    assert_eq!(of(&[1], Kind::Ale), "explain.effect_constant");
    assert_eq!(of(&[0, 0], Kind::Ale), "explain.effect_features");
    assert_eq!(of(&[0, 1], Kind::Ice), "explain.effect_ice_two");
    let empty = FeatureMatrix { n_features: 2, values: Vec::new() };
    assert_eq!(effect(&model, &empty, &[], &[0], Kind::Pdp, &margin(), &JobCtx::quiet()).unwrap_err().0.code, "explain.no_rows");
    x.values[0] = f64::NAN;
    let said = effect(&model, &x, &lines(50), &[0], Kind::Ale, &margin(), &JobCtx::quiet()).unwrap().warnings;
    assert_eq!(said[0].code, "explain.effect_missing");
}

#[test]
fn shuffling_hurts_where_the_model_looks() {
    // Loss added for an amount is twice the variance of what the feature gives: 2 · 9 / 12.
    let model = formula(3, |x| 3.0 * x[0] + x[1]);
    let x = rows(4_000, 3, 6);
    let y: Vec<f64> = (0..4_000).map(|i| 3.0 * x.row(i)[0] + x.row(i)[1]).collect();
    let players = Players::single(model.card().features());
    let found = permutation(&model, &x, &y, 0, &players, 5, 1, &JobCtx::quiet()).unwrap();
    assert_eq!(found.features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["f0", "f1", "f2"]);
    assert!((found.features[0].mean - 1.5).abs() < 0.06 && (found.features[1].mean - 1.0 / 6.0).abs() < 0.02, "{found:?}");
    assert!(found.base < 1e-12 && found.features[2].high.abs() < 1e-12);
}

#[test]
fn single_rows_fan_out_where_a_mean_hides_them() {
    // Half of the rows rise and half fall: the mean is flat, the fan is not.
    let model = formula(2, |x| if x[1] > 0.5 { x[0] } else { -x[0] });
    let mut x = rows(400, 2, 9);
    let n = x.n_rows();
    x.values.chunks_mut(2).enumerate().for_each(|(i, r)| r[1] = if i % 2 == 0 { 0.9 } else { 0.1 });
    let own = vec![0.5, 0.9];
    let options = Options { also: Some((7_000, own.clone())), ..margin() };
    let ice = effect(&model, &x, &lines(n as u32), &[0], Kind::Ice, &options, &JobCtx::quiet()).unwrap();
    assert_eq!(ice.also, Some(7_000));
    let plain = effect(&model, &x, &lines(n as u32), &[0], Kind::Ice, &margin(), &JobCtx::quiet()).unwrap();
    let told = |c: &EffectCurve| -> Vec<_> { c.points.iter().map(|p| (p.row, p.value, p.effect, p.density)).collect() };
    assert!(told(&ice)[..plain.points.len()] == told(&plain)[..], "the row asked for changes nothing about the others");
    let fan = ice.fan(false).unwrap();
    assert!(fan.sampled == 100 && fan.lines.len() == 101 && fan.up + fan.down == 100 && fan.up.abs_diff(50) < 25, "{fan:?}");
    assert!(fan.mean == plain.fan(false).unwrap().mean, "nor about their mean");
    // The row that was asked for is the model's own answer at every place.
    let (line, values) = fan.lines.last().unwrap();
    assert!(*line == 7_000 && fan.places.iter().zip(values).all(|(p, v)| (p.0 - v).abs() < 1e-12));
    let way = fan.places.last().unwrap().0 - fan.places[0].0;
    assert!((fan.spread - way).abs() < 1e-9, "every row moves by the whole way, up or down: {}", fan.spread);
    let centred = ice.fan(true).unwrap();
    assert!(centred.lines.iter().all(|(_, v)| v[0] == 0.0));
    for ((_, a), (_, b)) in fan.lines.iter().zip(&centred.lines) {
        assert!(a.windows(2).zip(b.windows(2)).all(|(a, b)| (a[1] - a[0] - b[1] + b[0]).abs() < 1e-12));
    }
    assert!((centred.places.iter().map(|p| p.2).sum::<f64>() - 1.0).abs() < 1e-9);
    let pdp = effect(&model, &x, &lines(n as u32), &[0], Kind::Pdp, &margin(), &JobCtx::quiet()).unwrap();
    assert!(pdp.fan(false).is_none());
    // A row among the sample is not drawn twice.
    let again = Options { also: Some((fan.lines[0].0, own)), ..margin() };
    let ice = effect(&model, &x, &lines(n as u32), &[0], Kind::Ice, &again, &JobCtx::quiet()).unwrap();
    assert!(ice.also.is_none() && ice.fan(false).unwrap().lines.len() == 100);
}
