//! Distance from the data: whether everybody in one group has somebody near in the other.
//!
//! Some people of each group look for their nearest neighbour twice: among people of their own group, and among equally
//! many of the other, in z-scored columns. Where the groups differ by the draw only, the two distances are alike, and one in
//! a hundred is farther from the other group than 99 in a hundred are from their own. A hole that no single column shows,
//! and that a model of the chance of treatment smooths over, makes that share grow.

use rayon::prelude::*;

use crate::base::rng;
use crate::data::FeatureMatrix;

/// People of each group who look.
const LOOKING: usize = 1_000;
/// People of each group among whom they look.
const POOL: usize = 4_000;
/// Fewest people of a group among whom a neighbour can be near.
const LEAST: usize = 50;
/// Numbers compared, at most.
const MOST: usize = 800_000_000;
/// Share of people who are as near to their own as counts for near.
const USUAL: f64 = 0.99;

/// Share of the people of either group who are farther from the other group than is usual in their own: of those who are
/// treated, and of those who are not. `None` where a group is too small to say.
pub fn apart(z: &FeatureMatrix, rows: &[usize], treated: impl Fn(usize) -> bool, seed: u64) -> Option<[f64; 2]> {
    let mut groups = [Vec::new(), Vec::new()];
    rows.iter().for_each(|&r| groups[usize::from(!treated(r))].push(r));
    let mut random = rng::rng(seed, "distance");
    groups.iter_mut().for_each(|g| rng::shuffle(&mut random, g));
    let smaller = groups[0].len().min(groups[1].len());
    let looking = LOOKING.min(smaller / 3);
    let fits = MOST / (4 * looking * z.n_features).max(1);
    // Equally many of both: among more people somebody is nearer by chance.
    let pool = POOL.min(smaller - looking).min(fits);
    if pool < LEAST || z.n_features == 0 {
        return None;
    }
    let mut out = [0.0; 2];
    for (own, share) in out.iter_mut().enumerate() {
        let near = |from: usize, among: &[usize]| among.iter().map(|&r| between(z.row(from), z.row(r))).fold(f64::INFINITY, f64::min);
        let distances: Vec<(f64, f64)> = groups[own][..looking]
            .par_iter()
            .map(|&r| (near(r, &groups[own][looking..looking + pool]), near(r, &groups[1 - own][looking..looking + pool])))
            .collect();
        let mut usual: Vec<f64> = distances.iter().map(|d| d.0).collect();
        usual.sort_unstable_by(f64::total_cmp);
        let limit = usual[((looking as f64 * USUAL) as usize).min(looking - 1)];
        *share = distances.iter().filter(|d| d.1 > limit).count() as f64 / looking as f64;
    }
    Some(out)
}

fn between(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: usize = 6;

    fn people(n: usize, seed: u64, place: impl Fn(bool, &mut [f64])) -> (FeatureMatrix, Vec<bool>) {
        let mut random = rng::rng(seed, "distance test");
        let (mut values, mut treated) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let t = rng::unit(&mut random) < 0.4;
            let mut row: Vec<f64> = (0..P).map(|_| rng::normal(&mut random)).collect();
            place(t, &mut row);
            values.extend(row);
            treated.push(t);
        }
        (FeatureMatrix { n_features: P, values }, treated)
    }

    fn found(n: usize, seed: u64, place: impl Fn(bool, &mut [f64])) -> [f64; 2] {
        let (z, treated) = people(n, seed, place);
        apart(&z, &(0..n).collect::<Vec<_>>(), |r| treated[r], seed).unwrap()
    }

    #[test]
    fn groups_that_differ_by_the_draw_have_each_other_near() {
        let calm = (0..100).filter(|s| found(1_500, *s, |_, _| ()).iter().all(|a| *a <= 0.05)).count();
        assert!(calm >= 95, "{calm} of 100");
    }

    #[test]
    fn people_unlike_anybody_in_the_other_group_are_seen() {
        // A third of the treated live where nobody else does; no column by itself has a hole there.
        let corner = |t: bool, row: &mut [f64]| {
            if t && row[5] > 0.43 {
                row[0] = row[0].abs() + 2.0;
                row[1] = -row[0];
            } else {
                row[1] = row[0] + 0.1 * row[1];
            }
        };
        let [treated, others] = found(4_000, 3, corner);
        assert!(treated > 0.2 && others < 0.05, "{treated} {others}");
    }

    #[test]
    fn too_few_people_say_nothing_and_copies_are_near() {
        let (z, treated) = people(60, 1, |_, _| ());
        assert_eq!(apart(&z, &(0..60).collect::<Vec<_>>(), |r| treated[r], 1), None);
        let [a, b] = found(2_000, 2, |_, row| row.iter_mut().for_each(|v| *v = f64::from(u8::from(*v > 0.0))));
        assert!(a <= 0.05 && b <= 0.05, "{a} {b}");
    }
}
