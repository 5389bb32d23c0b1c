//! What a treatment changes: in a randomised test the arms are alike in everything that was there before, so a column that
//! differs between them came after the treatment.

use crate::strategy::causal::balance::compare;
use crate::strategy::causal::stats::holm;

/// P, corrected for the number of columns, below which arms differ.
const SURE: f64 = 0.001;
/// Share of columns that may differ before nobody believes in a randomised test any more.
const MOST_DIFFERENT: f64 = 0.5;
/// People that an arm needs.
const FEWEST: usize = 50;

/// A column as the arms are compared by it.
pub(super) struct Compared {
    /// Values; codes of a category.
    pub(super) values: Vec<f64>,
    /// Levels of a category.
    pub(super) levels: Option<usize>,
}

/// What comparing the arms gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arms {
    /// Corrected p of each column, the smallest over the arms; NaN where it could not be compared.
    pub(super) p: Vec<f64>,
    /// Columns that differ.
    pub(super) differ: usize,
    /// Columns compared.
    pub(super) of: usize,
}

impl Arms {
    /// Whether so few columns differ that the arms may have been drawn by lot.
    pub(super) fn randomised(&self) -> bool {
        self.of > 0 && (self.differ as f64) < MOST_DIFFERENT * self.of as f64
    }

    /// Whether this column differs.
    pub(super) fn differs(&self, column: usize) -> bool {
        self.p[column] < SURE
    }
}

/// Compares every arm with the largest one. `None` where there are no two arms of some size.
pub(super) fn arms(treatment: &[i32], columns: &[Compared]) -> Option<Arms> {
    let most = treatment.iter().max().copied().filter(|m| *m >= 1)?;
    let rows: Vec<Vec<usize>> = (0..=most).map(|a| (0..treatment.len()).filter(|&r| treatment[r] == a).collect()).collect();
    let largest = (0..rows.len()).max_by_key(|a| (rows[*a].len(), std::cmp::Reverse(*a)))?;
    let others: Vec<usize> = (0..rows.len()).filter(|a| *a != largest && rows[*a].len() >= FEWEST).collect();
    if others.is_empty() || rows[largest].len() < FEWEST {
        return None;
    }
    let least = |c: &Compared| {
        let p = others.iter().map(|a| {
            let (all, treated): (Vec<usize>, Vec<bool>) =
                rows[largest].iter().map(|r| (*r, false)).chain(rows[*a].iter().map(|r| (*r, true))).unzip();
            let values: Vec<f64> = all.iter().map(|&r| c.values[r]).collect();
            compare(&values, c.levels, &treated)
        });
        // As many tries as arms.
        p.fold(f64::NAN, f64::min) * others.len() as f64
    };
    let p = holm(&columns.iter().map(least).collect::<Vec<_>>());
    let (differ, of) = (p.iter().filter(|p| **p < SURE).count(), p.iter().filter(|p| !p.is_nan()).count());
    Some(Arms { p, differ, of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    #[test]
    fn what_the_treatment_changes_differs_and_what_was_before_does_not() {
        let (n, mut wrong, mut found) = (900, 0, 0);
        for seed in 0..60 {
            let mut r = rng::rng(seed, "arms");
            let arm: Vec<i32> = (0..n).map(|_| rng::below(&mut r, 3) as i32).collect();
            let mut columns: Vec<Compared> =
                (0..5).map(|_| Compared { values: (0..n).map(|_| rng::normal(&mut r)).collect(), levels: None }).collect();
            columns.push(Compared { values: (0..n).map(|_| rng::below(&mut r, 4) as f64).collect(), levels: Some(4) });
            columns.push(Compared { values: arm.iter().map(|a| f64::from(*a > 0) + rng::normal(&mut r)).collect(), levels: None });
            let arms = arms(&arm, &columns).unwrap();
            assert!(arms.randomised() && arms.of == 7);
            wrong += (0..6).filter(|c| arms.differs(*c)).count();
            found += usize::from(arms.differs(6));
        }
        assert!(wrong <= 1 && found == 60, "{wrong} {found}");
    }

    #[test]
    fn arms_that_differ_in_most_are_no_test() {
        let arm: Vec<i32> = (0..400).map(|i| i % 2).collect();
        let column = |shift: i32| Compared {
            values: arm.iter().enumerate().map(|(i, a)| f64::from(a * shift) + (i % 7) as f64).collect(),
            levels: None,
        };
        assert!(!arms(&arm, &[column(5), column(9), column(0)]).unwrap().randomised());
        assert!(arms(&arm, &[column(5), column(0), column(0)]).unwrap().randomised());
        assert!(arms(&[0; 400], &[column(0)]).is_none() && arms(&arm[..40], &[]).is_none());
    }
}
