//! The few tests and quantiles that checks and effects share.

use statrs::distribution::{ChiSquared, ContinuousCDF as _, Normal, StudentsT};

/// 97.5 % quantile of the normal distribution: half the width of a 95 % interval in standard errors.
pub const Z95: f64 = 1.959_963_984_540_054;

/// P of a normal score at least as far from 0, both sides.
pub fn two_sided(z: f64) -> f64 {
    if z.is_nan() { f64::NAN } else { 2.0 * Normal::standard().cdf(-z.abs()) }
}

/// A p in a sentence: very small ones as a bound, because their digits mean nothing.
pub fn shown(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { crate::base::numbers::plain(p) }
}

/// P of a normal score at least this large.
pub fn upper(z: f64) -> f64 {
    if z.is_nan() { f64::NAN } else { Normal::standard().cdf(-z) }
}

/// P of a χ² at least this large.
pub fn chi_squared(x: f64, freedom: f64) -> f64 {
    ChiSquared::new(freedom).map_or(f64::NAN, |d| if x.is_finite() { d.sf(x.max(0.0)) } else { f64::NAN })
}

/// Two-sided 95 % quantile of Student's t.
pub fn t95(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |d| d.inverse_cdf(0.975))
}

/// Holm's adjusted p values, in the order given; NaN stays NaN and counts for nothing.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|i| !p[*i].is_nan()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let m = order.len();
    let mut out = vec![f64::NAN; p.len()];
    let mut least = 0.0f64;
    for (k, i) in order.into_iter().enumerate() {
        least = least.max(p[i] * (m - k) as f64).min(1.0);
        out[i] = least;
    }
    out
}

/// What ranks say of two groups: the chance that a value of the first exceeds one of the second (AUC), ties counted half,
/// and its normal score under the hypothesis that the groups do not differ.
pub fn rank_sum(values: &[f64], first: &[bool]) -> (f64, f64) {
    let mut order: Vec<u32> = (0..values.len() as u32).filter(|i| !values[*i as usize].is_nan()).collect();
    order.sort_unstable_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]).then(a.cmp(b)));
    let n = order.len() as f64;
    let n1 = order.iter().filter(|i| first[**i as usize]).count() as f64;
    let n0 = n - n1;
    if n1 == 0.0 || n0 == 0.0 {
        return (f64::NAN, f64::NAN);
    }
    let (mut sum, mut ties, mut at) = (0.0, 0.0, 0usize);
    while at < order.len() {
        let here = values[order[at] as usize];
        let mut end = at + 1;
        while end < order.len() && values[order[end] as usize] == here {
            end += 1;
        }
        let rank = (at + end + 1) as f64 / 2.0;
        sum += rank * order[at..end].iter().filter(|i| first[**i as usize]).count() as f64;
        let t = (end - at) as f64;
        ties += t * (t * t - 1.0);
        at = end;
    }
    let auc = (sum - n1 * (n1 + 1.0) / 2.0) / (n1 * n0);
    let variance = n1 * n0 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)).max(1.0));
    let z = if variance > 0.0 { (auc - 0.5) * n1 * n0 / variance.sqrt() } else { 0.0 };
    (auc, z)
}

/// χ² of a table of two rows: p that the shares over the columns are the same in both.
pub fn same_shares(a: &[f64], b: &[f64]) -> f64 {
    let (na, nb) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    let n = na + nb;
    let (mut x, mut columns) = (0.0, 0);
    for (u, v) in a.iter().zip(b) {
        let total = u + v;
        if total > 0.0 {
            columns += 1;
            x += (u - total * na / n).powi(2) / (total * na / n) + (v - total * nb / n).powi(2) / (total * nb / n);
        }
    }
    if columns < 2 || na == 0.0 || nb == 0.0 { 1.0 } else { chi_squared(x, f64::from(columns - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_p_values_come_out() {
        // Sample-ratio checks of 50,000 / 50,600 and 10,000 / 10,300.
        for (a, b, p) in [(50_000.0, 50_600.0, 0.0585), (10_000.0, 10_300.0, 0.0352)] {
            let half: f64 = (a + b) / 2.0;
            let x = (a - half).powi(2) / half * 2.0;
            assert!((chi_squared(x, 1.0) - p).abs() < 5e-5);
        }
        assert!((two_sided(1.96) - 0.05).abs() < 1e-4 && (t95(10.0) - 2.228_139).abs() < 1e-5);
        assert_eq!(holm(&[0.01, 0.04, 0.03, f64::NAN]).iter().map(|p| (p * 100.0).round()).collect::<Vec<_>>()[..3], [3.0, 6.0, 6.0]);
    }

    #[test]
    fn rank_sums_by_hand() {
        // Of the nine pairs, the first group wins 7 and ties 1.
        let (auc, z) = rank_sum(&[5.0, 4.0, 2.0, 3.0, 2.0, 1.0], &[true, true, true, false, false, false]);
        assert!((auc - 7.5 / 9.0).abs() < 1e-12 && z > 1.2 && z < 1.5, "{auc} {z}");
        assert!(rank_sum(&[1.0, 2.0], &[true, true]).0.is_nan());
        assert_eq!(rank_sum(&[1.0; 4], &[true, false, true, false]), (0.5, 0.0));
        assert!((same_shares(&[10.0, 20.0], &[20.0, 10.0]) - 0.009_823).abs() < 1e-5);
    }
}
