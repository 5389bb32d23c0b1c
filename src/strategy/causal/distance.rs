//! How far people of one group are from the nearest people of the other, against what is usual within one group.
//!
//! In standardised columns (as linear learners see them), every person of one group has a distance to the nearest of m people
//! of the other group, and these m have their own distances to the nearest among themselves, leaving each one out. The
//! statistic is the share of people whose distance is beyond the 99th percentile of the latter; where groups were made by
//! chance both distances have one distribution and the share is 1 %. The same the other way round; the larger share counts.
//! Both sides are nearest-of-m for the same m, since the nearest of more people is nearer. Large studies are sampled, so the
//! cost has a bound whatever the rows.

use rayon::prelude::*;

use crate::base::rng;
use crate::data::FeatureMatrix;

/// Percentile of distances within a group that is still usual.
const USUAL: f64 = 0.99;
/// Share beyond the usual from which the light turns, and from which it is red; chance comes on top.
pub const BEYOND: (f64, f64) = (0.05, 0.1);
/// People of each group that are compared, at most.
const MOST: usize = 2_000;
/// Differences of cells that are computed, at most, about.
const WORK: f64 = 4e8;
/// Fewest people of a group of which anything is said.
const FEWEST: usize = 20;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Share of the treated that are farther from the others than is usual among the others.
    pub treated: f64,
    /// The same the other way round.
    pub control: f64,
    /// What a share may differ by chance: two standard errors of the first bound.
    pub chance: f64,
}

impl Distance {
    /// The larger share.
    pub fn worst(&self) -> f64 {
        self.treated.max(self.control)
    }
}

/// Compares the groups; nothing where one is too small or there is no column.
pub fn distance(z: &FeatureMatrix, rows: &[usize], treated: impl Fn(usize) -> bool, seed: u64) -> Option<Distance> {
    let p = z.n_features;
    let most = MOST.min((WORK / 4.0 / p.max(1) as f64).sqrt() as usize);
    let pick = |side: bool, label: &str| {
        let mut own: Vec<usize> = rows.iter().copied().filter(|r| treated(*r) == side).collect();
        rng::shuffle(&mut rng::rng(seed, label), &mut own);
        own.truncate(most);
        own
    };
    let (a, b) = (pick(true, "distance-treated"), pick(false, "distance-control"));
    let m = a.len().min(b.len());
    if m < FEWEST || p == 0 {
        return None;
    }
    // m people and one more, so that everybody has m others to be near to.
    let m = m - 1;
    let beyond = |from: &[usize], to: &[usize]| {
        let to = &to[..=m];
        let mut own: Vec<f64> = to.par_iter().map(|&r| nearest(z, r, to)).collect();
        own.sort_unstable_by(f64::total_cmp);
        let usual = own[((own.len() as f64 * USUAL).ceil() as usize).clamp(1, own.len()) - 1];
        let far = from.par_iter().filter(|&&r| nearest(z, r, &to[..m]) > usual + 1e-12).count();
        far as f64 / from.len() as f64
    };
    let chance = 2.0 * (BEYOND.0 * (1.0 - BEYOND.0) / (m + 1) as f64).sqrt();
    Some(Distance { treated: beyond(&a, &b), control: beyond(&b, &a), chance })
}

/// Squared distance to the nearest of the others that is not the row itself.
fn nearest(z: &FeatureMatrix, row: usize, others: &[usize]) -> f64 {
    let here = z.row(row);
    let mut best = f64::INFINITY;
    for &o in others.iter().filter(|o| **o != row) {
        let mut sum = 0.0;
        for (a, b) in here.iter().zip(z.row(o)) {
            sum += (a - b) * (a - b);
        }
        best = best.min(sum);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People with `p` columns, half of them treated by chance; the first `odd` treated are moved far away.
    fn people(n: usize, p: usize, seed: u64, levels: bool, odd: f64) -> (FeatureMatrix, Vec<bool>) {
        let mut r = rng::rng(seed, "distance-test");
        let treated: Vec<bool> = (0..n).map(|_| rng::unit(&mut r) < 0.5).collect();
        let draw = |r: &mut rng::Rng| if levels { rng::below(r, 3) as f64 } else { rng::normal(r) };
        let mut values: Vec<f64> = (0..n * p).map(|_| draw(&mut r)).collect();
        let all = treated.iter().filter(|t| **t).count() as f64;
        for r in (0..n).filter(|r| treated[*r]).take((all * odd).round() as usize) {
            values[r * p] += 8.0;
        }
        (FeatureMatrix { n_features: p, values }, treated)
    }

    fn asked(n: usize, p: usize, seed: u64, levels: bool, odd: f64) -> Distance {
        let (z, treated) = people(n, p, seed, levels, odd);
        distance(&z, &(0..n).collect::<Vec<_>>(), |r| treated[r], seed).unwrap()
    }

    #[test]
    fn chance_alone_is_green_and_people_like_nobody_are_red() {
        for (n, p, levels) in [(80, 2, false), (300, 4, false), (300, 3, true)] {
            let green = (0..100).map(|s| asked(n, p, s, levels, 0.0)).filter(|d| d.worst() <= BEYOND.0 + d.chance).count();
            assert!(green >= 95, "{n} × {p}: {green}");
        }
        for seed in 0..20 {
            let d = asked(400, 4, seed, false, 0.25);
            assert!(d.treated > BEYOND.1 + d.chance && d.control < BEYOND.0 + d.chance, "{seed}: {d:?}");
            assert!((d.treated - 0.25).abs() < 0.06, "the share of those moved away: {d:?}");
        }
    }

    #[test]
    fn the_share_is_counted_as_defined() {
        // Brute force: everybody against everybody, by hand.
        let (z, treated) = people(60, 2, 3, false, 0.2);
        let d = distance(&z, &(0..60).collect::<Vec<_>>(), |r| treated[r], 3).unwrap();
        let side = |t: bool| (0..60).filter(|r| treated[*r] == t).collect::<Vec<_>>();
        let gap = |a: usize, b: usize| (z.row(a)[0] - z.row(b)[0]).hypot(z.row(a)[1] - z.row(b)[1]);
        let (a, b) = (side(true), side(false));
        let (from, to, share) = if a.len() >= b.len() { (&a, &b, d.treated) } else { (&b, &a, d.control) };
        // The smaller group is whole on the far side, but for the one person who is left out.
        let near = |r: usize| to.iter().filter(|o| **o != r).map(|o| gap(r, *o)).fold(f64::INFINITY, f64::min);
        let usual = to.iter().map(|r| near(*r)).fold(0.0, f64::max);
        let far = from.iter().filter(|r| near(**r) > usual).count() as f64 / from.len() as f64;
        assert!((share - far).abs() <= 1.5 / from.len() as f64, "{share} {far}");
    }

    #[test]
    fn too_few_people_are_not_judged_and_many_cost_no_more() {
        let (z, treated) = people(30, 2, 1, false, 0.0);
        assert_eq!(distance(&z, &(0..30).collect::<Vec<_>>(), |r| treated[r] && r < 20, 1), None);
        let (z, treated) = people(60_000, 2, 1, false, 0.0);
        let d = distance(&z, &(0..60_000).collect::<Vec<_>>(), |r| treated[r], 1).unwrap();
        assert!((d.chance - 2.0 * (0.05 * 0.95 / MOST as f64).sqrt()).abs() < 1e-12 && d.worst() < 0.03, "{d:?}");
    }
}
