//! Games with too many players for every coalition: Shapley values by paired random orders. Exact ones on few players are
//! [`crate::base::coalition::shapley`].

use crate::base::{Result, rng};

/// Shapley values by random orders, each taken forwards and backwards (so that pair effects come out exactly). `worth`
/// gives the worth of many coalitions at once. Every order sums to the whole, so the estimate does too.
pub fn sampled(players: usize, pairs: usize, seed: u64, mut worth: impl FnMut(&[Vec<bool>]) -> Result<Vec<f64>>) -> Result<Vec<f64>> {
    let mut rng = rng::rng(seed, "shapley orders");
    let mut sum = vec![0.0; players];
    if players == 0 {
        return Ok(sum);
    }
    for _ in 0..pairs.max(1) {
        let mut order: Vec<usize> = (0..players).collect();
        rng::shuffle(&mut rng, &mut order);
        for _ in 0..2 {
            let mut inside = vec![false; players];
            let mut steps = vec![inside.clone()];
            for &p in &order {
                inside[p] = true;
                steps.push(inside.clone());
            }
            let v = worth(&steps)?;
            for (k, &p) in order.iter().enumerate() {
                sum[p] += v[k + 1] - v[k];
            }
            order.reverse();
        }
    }
    let n = 2.0 * pairs.max(1) as f64;
    Ok(sum.into_iter().map(|s| s / n).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_is_exact_for_pairs_and_always_adds_up() {
        // x0·x1 + 2·x2: paired orders give ½, ½, 2 exactly, whatever the draw.
        let worth = |s: &[Vec<bool>]| Ok(s.iter().map(|v| f64::from(u8::from(v[0] && v[1])) + 2.0 * f64::from(u8::from(v[2]))).collect());
        let phi = sampled(3, 1, 9, worth).unwrap();
        assert_eq!(phi, [0.5, 0.5, 2.0]);
        let three = |s: &[Vec<bool>]| Ok(s.iter().map(|v| f64::from(u8::from(v.iter().all(|x| *x)))).collect());
        let phi = sampled(4, 400, 9, three).unwrap();
        assert!((phi.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(phi.iter().all(|p| (p - 0.25).abs() < 0.08), "{phi:?}");
    }
}
