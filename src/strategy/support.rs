//! Support: whether people such as a scenario makes up occur in the data at all.
//!
//! A value may lie well inside the range of its column and still never occur beside another value: a special day in a
//! month without one. Every feature is cut into a few bins; a moved value and another value of the same person are *apart*
//! if no row of the data has both although, by their shares, at least ten would be expected to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::base::{Notice, numbers};
use crate::data::{Feature, FeatureMatrix};
use crate::ml::Changed;
use crate::note;

/// Rows in which a pair must be expected before its absence counts; chance alone leaves such a pair out once in 20,000.
const EXPECTED: f64 = 10.0;
/// Bins of a feature; a category with more levels is not looked at.
const MOST_BINS: usize = 64;
/// Cells looked at: of the data for one lever, and of the people.
const CELLS: usize = 40_000_000;

/// People whose changed values never occur together.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    /// Share of the people reached.
    pub share: f64,
    /// The pair that parts most of them, in words.
    pub example: Notice,
}

/// The bins of one feature.
struct Bins {
    /// Levels of a category.
    levels: Option<usize>,
    cuts: Vec<f64>,
}

impl Bins {
    fn of(feature: &Feature) -> Option<Self> {
        if feature.is_categorical() {
            let levels = feature.levels().len();
            return (levels + 2 <= MOST_BINS).then_some(Self { levels: Some(levels), cuts: Vec::new() });
        }
        // 5, 25, 50, 75, 95 %: a value that many rows share makes a bin of its own.
        let mut cuts: Vec<f64> = feature.quantiles.get(2..7)?.to_vec();
        cuts.dedup();
        Some(Self { levels: None, cuts })
    }
    fn count(&self) -> usize {
        self.levels.unwrap_or(self.cuts.len()) + 2
    }
    fn bin(&self, v: f64) -> u8 {
        let bin = match (self.levels, v.is_nan()) {
            (Some(levels), true) => levels,
            (Some(levels), false) if v < 0.0 => levels + 1,
            (Some(levels), false) => (v as usize).min(levels + 1),
            (None, true) => self.cuts.len() + 1,
            (None, false) => self.cuts.partition_point(|c| *c < v),
        };
        bin as u8
    }
}

/// Every row there is, each value in its bin.
pub struct Binned {
    bins: Vec<Option<Bins>>,
    /// One column after the other; empty where a feature has no bins.
    columns: Vec<Vec<u8>>,
    rows: usize,
    /// For two features which of their bins never meet although they should, once that was asked.
    never: Mutex<BTreeMap<(usize, usize), Option<Arc<Vec<bool>>>>>,
}

impl Binned {
    /// Puts every value in its bin.
    pub fn of(features: &[Feature], data: &FeatureMatrix) -> Self {
        let (rows, width) = (data.n_rows(), data.n_features);
        let bins: Vec<Option<Bins>> = features.iter().map(Bins::of).collect();
        let column = |(k, bins): (usize, &Option<Bins>)| match bins {
            Some(b) => data.values.iter().skip(k).step_by(width.max(1)).map(|v| b.bin(*v)).collect(),
            None => Vec::new(),
        };
        let columns = bins.par_iter().enumerate().map(column).collect();
        Self { bins, columns, rows, never: Mutex::default() }
    }

    /// Which bins of two features never meet although, by their shares, they should; `None` if they all do.
    fn never(&self, j: usize, k: usize) -> Option<Arc<Vec<bool>>> {
        if let Some(known) = self.never.lock().unwrap_or_else(PoisonError::into_inner).get(&(j, k)) {
            return known.clone();
        }
        let (of_j, of_k) = (self.bins.get(j)?.as_ref()?, self.bins.get(k)?.as_ref()?);
        let width = of_k.count();
        let step = step(self.rows, self.bins.len());
        let n = self.rows.div_ceil(step) as f64;
        let mut met = vec![0u32; of_j.count() * width];
        let (a, b) = (self.columns[j].iter().step_by(step), self.columns[k].iter().step_by(step));
        for (a, b) in a.zip(b) {
            met[usize::from(*a) * width + usize::from(*b)] += 1;
        }
        let of_row: Vec<f64> = met.chunks(width).map(|c| c.iter().map(|x| f64::from(*x)).sum()).collect();
        let of_column: Vec<f64> = (0..width).map(|c| met.iter().skip(c).step_by(width).map(|x| f64::from(*x)).sum()).collect();
        let lost = |(i, m): (usize, &u32)| *m == 0 && of_row[i / width] * of_column[i % width] / n >= EXPECTED;
        let never: Vec<bool> = met.iter().enumerate().map(lost).collect();
        let found = never.contains(&true).then(|| Arc::new(never));
        self.never.lock().unwrap_or_else(PoisonError::into_inner).insert((j, k), found.clone());
        found
    }
}

/// One row in so many is looked at.
fn step(rows: usize, cells_a_row: usize) -> usize {
    (rows * cells_a_row).div_ceil(CELLS).max(1)
}

/// Two features, and which of their bins never meet in the data although they should.
struct Pair {
    moved: usize,
    other: usize,
    width: usize,
    never: Arc<Vec<bool>>,
}

/// The people (`rows` of the data) whose values, once `changed`, lie apart from another of their values. `moved` are the
/// levers; `changed` may hold more than them.
pub fn apart(
    features: &[Feature],
    data: &Binned,
    rows: &[usize],
    changed: &[Changed],
    moved: &[usize],
    x: &FeatureMatrix,
) -> Option<Apart> {
    if data.rows == 0 || rows.is_empty() {
        return None;
    }
    let pairs: Vec<(usize, usize)> =
        moved.iter().flat_map(|&j| (0..features.len()).filter(move |&k| k != j).map(move |k| (j, k))).collect();
    let pair = |(j, k)| Some(Pair { moved: j, other: k, width: data.bins[k].as_ref()?.count(), never: data.never(j, k)? });
    let pairs: Vec<Pair> = pairs.into_par_iter().filter_map(pair).collect();
    let of_people = step(rows.len(), features.len() * moved.len().max(1));
    if pairs.is_empty() {
        return None;
    }
    // New bins of what changed; everything else is where it was.
    let new: Vec<Option<Vec<u8>>> = (0..features.len())
        .map(|f| {
            let c = changed.iter().find(|c| c.feature == f)?;
            let bins = data.bins[f].as_ref()?;
            Some(c.values.par_iter().map(|v| bins.bin(*v)).collect())
        })
        .collect();
    let bin = |f: usize, i: usize| usize::from(new[f].as_ref().map_or_else(|| data.columns[f][rows[i]], |n| n[i]));
    let people: Vec<usize> = (0..rows.len()).step_by(of_people).collect();
    // Per pair: how many people it parts, and the last of them.
    let parted = |chunk: &[usize]| {
        let mut found = vec![(0usize, 0usize); pairs.len()];
        let mut flagged = 0usize;
        for &i in chunk {
            let mut any = false;
            for (slot, p) in found.iter_mut().zip(&pairs) {
                if p.never[bin(p.moved, i) * p.width + bin(p.other, i)] {
                    *slot = (slot.0 + 1, i);
                    any = true;
                }
            }
            flagged += usize::from(any);
        }
        (found, flagged)
    };
    let parts: Vec<_> = people.par_chunks(16_384).map(parted).collect();
    let flagged: usize = parts.iter().map(|p| p.1).sum();
    let mut worst: Option<(usize, usize, usize)> = None;
    for p in 0..pairs.len() {
        let count: usize = parts.iter().map(|(found, _)| found[p].0).sum();
        if count > worst.map_or(0, |w| w.0) {
            let example = parts.iter().map(|(found, _)| found[p]).filter(|(c, _)| *c > 0).map(|(_, i)| i).max().unwrap_or(0);
            worst = Some((count, p, example));
        }
    }
    let (_, p, i) = worst?;
    let share = flagged as f64 / people.len() as f64;
    let shown = |f: usize| {
        let now = changed.iter().find(|c| c.feature == f).map_or_else(|| x.row(rows[i])[f], |c| c.values[i]);
        features[f].show(now)
    };
    let (j, k) = (pairs[p].moved, pairs[p].other);
    Some(Apart {
        share,
        example: note!(
            "strategy.grade_apart",
            share = numbers::percent(share),
            column = &features[j].name,
            value = shown(j),
            other = &features[k].name,
            beside = shown(k)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::FeatureKind;

    fn features() -> Vec<Feature> {
        let blank = |name: &str, kind, quantiles: Vec<f64>| Feature {
            name: name.into(),
            kind,
            mean: 0.0,
            sd: 1.0,
            range: (0.0, 1.0),
            quantiles,
            shares: vec![],
            missing: 0.0,
        };
        vec![
            blank("special", FeatureKind::Numeric { integer: false, boolean: false }, vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 1.0, 1.0, 1.0]),
            blank("month", FeatureKind::Categorical { levels: vec!["Feb".into(), "Nov".into()] }, vec![]),
        ]
    }

    /// 400 rows: special days fall in February only.
    fn data() -> FeatureMatrix {
        let values = (0..400).flat_map(|i| if i % 4 == 0 { [0.8, 0.0] } else { [0.0, f64::from(i % 2)] }).collect();
        FeatureMatrix { n_features: 2, values }
    }

    #[test]
    fn values_that_never_meet_are_found() {
        let (data, f) = (data(), features());
        let of = |rows: &[usize], special: &[f64]| {
            apart(&f, &Binned::of(&f, &data), rows, &[Changed { feature: 0, values: special.to_vec() }], &[0], &data)
        };
        // Rows 1 and 3 are in November, row 0 in February.
        let found = of(&[1, 3, 0, 1], &[0.8, 0.9, 0.8, 0.0]).unwrap();
        assert_eq!(found.share, 0.5, "the two with a special day in November");
        assert_eq!(found.example.fields["beside"].to_string(), "Nov");
        assert_eq!(found.example.fields["value"].to_string(), "0.9");
        // What occurs is no fault, and nobody is apart from himself.
        let all: Vec<usize> = (0..400).collect();
        let as_they_are: Vec<f64> = (0..400).map(|i| data.row(i)[0]).collect();
        assert_eq!(of(&all, &as_they_are), None);
    }

    #[test]
    fn what_is_rare_anyway_is_not_held_against_it() {
        // Half a February special day would be expected among ten rows.
        let few = data().select(&(0..10).collect::<Vec<_>>());
        let f = features();
        let changed = [Changed { feature: 0, values: vec![0.8] }];
        assert_eq!(apart(&f, &Binned::of(&f, &few), &[1], &changed, &[0], &few), None);
    }
}
