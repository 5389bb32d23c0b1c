//! What weighting by the propensity costs: overlap, effective sample size, concentration, calibration.

use super::study::Pair;

/// A person is comparable if the other group holds at least this share of the people like him that it would hold by chance.
const COMPARABLE: f64 = 0.1;
/// Groups of equal size into which propensities are cut to see whether they are right.
const BINS: usize = 10;

/// What the weights look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Share of rows for which both groups hold people alike.
    pub overlap: f64,
    /// Effective sample size as a share of the rows, the smaller of both groups'.
    pub effective: f64,
    /// Share of a group's weight on its heaviest hundredth, the larger of both groups'.
    pub heaviest: f64,
    /// Mean distance between propensity and truth over ten groups of equal size.
    pub off: f64,
    /// The distance that chance alone would make.
    pub off_by_chance: f64,
    /// Inverse-propensity weights, one per row, each group's mean 1.
    pub weight: Vec<f64>,
}

/// Looks at propensities `e`, one per entry of `rows`.
pub fn weights(pair: &Pair, rows: &[usize], e: &[f64]) -> Weights {
    let n = rows.len().max(1) as f64;
    let share = rows.iter().map(|&r| pair.w[r]).sum::<f64>() / n;
    let alike = |e: f64| (e / share).min((1.0 - e) / (1.0 - share)) >= COMPARABLE;
    let overlap = e.iter().filter(|e| alike(**e)).count() as f64 / n;
    let raw: Vec<f64> = rows.iter().zip(e).map(|(&r, e)| if pair.treated(r) { share / e } else { (1.0 - share) / (1.0 - e) }).collect();
    let (mut effective, mut heaviest) = (1.0f64, 0.0f64);
    let mut mean = [1.0; 2];
    for group in [false, true] {
        let mut own: Vec<f64> = rows.iter().zip(&raw).filter(|(r, _)| pair.treated(**r) == group).map(|(_, w)| *w).collect();
        let (sum, squares) = own.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
        if own.is_empty() || sum <= 0.0 {
            continue;
        }
        mean[usize::from(group)] = sum / own.len() as f64;
        effective = effective.min(sum * sum / squares / own.len() as f64);
        own.sort_unstable_by(|a, b| b.total_cmp(a));
        let top = own.len().div_ceil(100);
        heaviest = heaviest.max(own[..top].iter().sum::<f64>() / sum);
    }
    let weight = rows.iter().zip(&raw).map(|(&r, w)| w / mean[usize::from(pair.treated(r))]).collect();
    let (off, off_by_chance) = calibration(pair, rows, e);
    Weights { overlap, effective, heaviest, off, off_by_chance, weight }
}

fn calibration(pair: &Pair, rows: &[usize], e: &[f64]) -> (f64, f64) {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| e[*a].total_cmp(&e[*b]));
    let (mut off, mut chance) = (0.0, 0.0);
    for bin in order.chunks(rows.len().div_ceil(BINS).max(1)) {
        let n = bin.len() as f64;
        let guess = bin.iter().map(|i| e[*i]).sum::<f64>() / n;
        let truth = bin.iter().map(|i| pair.w[rows[*i]]).sum::<f64>() / n;
        let share = n / rows.len() as f64;
        off += share * (guess - truth).abs();
        // The mean of |z| is √(2/π).
        chance += share * (2.0 / std::f64::consts::PI * guess * (1.0 - guess) / n).sqrt();
    }
    (off, chance)
}
