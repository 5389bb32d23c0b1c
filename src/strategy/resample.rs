//! The bootstrap over people: which people happened to be in the data.
//!
//! Up to a thousand people are resampled one by one. More are dealt at random into a thousand blocks of equal size, which
//! are resampled instead, so that a million rows cost no more than a thousand. Blocks must be of equal size: blocks of
//! random size would add the chance of the block to that of the people, and make every interval too wide.

use crate::base::rng;
use crate::data::features::quantile;

/// Most blocks.
const MOST: usize = 1_000;

/// People dealt into blocks, and the draws of all replicates; the same for every figure, so that differences are paired.
pub struct Resample {
    people: usize,
    /// Block of each person; empty while everybody is a block.
    of: Vec<u32>,
    sizes: Vec<f64>,
    replicates: u32,
    seed: u64,
}

impl Resample {
    /// For so many people.
    pub fn new(people: usize, replicates: u32, seed: u64) -> Self {
        let blocks = people.min(MOST);
        let mut of = Vec::new();
        let mut sizes = vec![1.0; blocks];
        if blocks < people {
            of = (0..people).map(|i| (i % blocks) as u32).collect();
            rng::shuffle(&mut rng::rng(seed, "bootstrap-blocks"), &mut of);
            sizes.fill(0.0);
            for b in &of {
                sizes[*b as usize] += 1.0;
            }
        }
        Self { people, of, sizes, replicates: replicates.max(1), seed }
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.sizes.len()
    }

    /// The block of a person.
    pub fn block(&self, person: usize) -> usize {
        self.of.get(person).map_or(person, |b| *b as usize)
    }

    /// The sum of `values` (one per person) and its 95 % percentile interval.
    pub fn total(&self, values: &[f64]) -> (f64, f64, f64) {
        let value: f64 = values.iter().sum();
        if self.people < 2 {
            return (value, value, value);
        }
        let mut sums = vec![0.0; self.sizes.len()];
        if self.of.is_empty() {
            sums.copy_from_slice(&values[..self.sizes.len()]);
        } else {
            for (b, v) in self.of.iter().zip(values) {
                sums[*b as usize] += v;
            }
        }
        let (_, low, high) = self.totals(&[sums]).swap_remove(0);
        (value, low.min(value), high.max(value))
    }

    /// What one total is of another, each with something added that is the same for whoever is drawn; both from the same draw.
    pub fn ratio(&self, (over, and): (&[f64], f64), (under, beside): (&[f64], f64)) -> (f64, f64, f64) {
        let value = (over.iter().sum::<f64>() + and) / (under.iter().sum::<f64>() + beside);
        let everybody: Vec<usize> = (0..self.people).collect();
        let drawn = self.drawn(&[self.sums(&everybody, over, 1.0), self.sums(&everybody, under, 1.0)]);
        self.ends(value, drawn[0].iter().zip(&drawn[1]).map(|(a, b)| (a + and) / (b + beside)).collect())
    }

    /// Sums by block of what some of the people have, times `by`; the others have nothing.
    pub fn sums(&self, people: &[usize], values: &[f64], by: f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.sizes.len()];
        for (i, v) in people.iter().zip(values) {
            sums[self.block(*i)] += v * by;
        }
        sums
    }

    /// Totals of several sums by block and their 95 % percentile intervals, all on the same draws.
    pub fn totals(&self, sums: &[Vec<f64>]) -> Vec<(f64, f64, f64)> {
        self.drawn(sums).into_iter().zip(sums).map(|(totals, sums)| self.ends(sums.iter().sum(), totals)).collect()
    }

    /// A number and the 95 % percentile interval of what it was in every replicate; it never lies outside. Replicates in which
    /// there is no such number are left out.
    pub fn ends(&self, value: f64, mut drawn: Vec<f64>) -> (f64, f64, f64) {
        drawn.retain(|v| v.is_finite());
        if self.people < 2 || drawn.is_empty() {
            return (value, value, value);
        }
        drawn.sort_unstable_by(f64::total_cmp);
        (value, quantile(&drawn, 0.025).min(value), quantile(&drawn, 0.975).max(value))
    }

    /// What several sums by block come to in every replicate, all on the same draws: what is computed from several of them is
    /// computed replicate by replicate.
    pub fn drawn(&self, sums: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let blocks = self.sizes.len();
        let n = self.people as f64;
        let mut random = rng::rng(self.seed, "bootstrap");
        let mut all = vec![Vec::with_capacity(self.replicates as usize); sums.len()];
        let mut times = vec![0.0f64; blocks];
        for _ in 0..self.replicates {
            times.fill(0.0);
            let mut size = 0.0;
            for _ in 0..blocks {
                let b = rng::below(&mut random, blocks);
                times[b] += 1.0;
                size += self.sizes[b];
            }
            for (kept, sums) in all.iter_mut().zip(sums) {
                let sum: f64 = times.iter().zip(sums).map(|(t, s)| t * s).sum();
                kept.push(sum * (n / size));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half-width that theory gives: 1.96 · √n · sd.
    fn theory(values: &[f64]) -> f64 {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        1.96 * (n * values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
    }

    #[test]
    fn the_interval_has_the_width_that_theory_gives_with_and_without_blocks() {
        let mut r = rng::rng(5, "people");
        for n in [400usize, 1_000, 1_001, 30_000] {
            // A mean far from zero against a small spread: blocks of random size would be several times too wide.
            let values: Vec<f64> = (0..n).map(|_| 0.5 + 0.1 * rng::normal(&mut r)).collect();
            let (value, low, high) = Resample::new(n, 2_000, 1).total(&values);
            let half = (high - low) / 2.0;
            assert!((half / theory(&values) - 1.0).abs() < 0.1, "{n}: {half} against {}", theory(&values));
            assert!(low < value && value < high);
        }
    }

    #[test]
    fn the_same_change_for_everybody_is_certain() {
        for n in [50usize, 5_500] {
            let (value, low, high) = Resample::new(n, 300, 1).total(&vec![0.25; n]);
            assert!((value - low).abs() < 1e-9 * n as f64 && (high - value).abs() < 1e-9 * n as f64, "{low} {value} {high}");
        }
        assert_eq!(Resample::new(1, 300, 1).total(&[0.3]), (0.3, 0.3, 0.3));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let values: Vec<f64> = (0..3_000).map(|i| f64::from(i % 7)).collect();
        let total = |seed| Resample::new(3_000, 200, seed).total(&values);
        assert_eq!(total(3), total(3));
        assert_ne!(total(3), total(4));
    }
}
