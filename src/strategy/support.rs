//! Support: whether people such as a scenario makes up occur in the data at all.
//!
//! A value may lie well inside the range of its column and still never occur beside another value: a special day in a
//! month without one. Every feature is cut into a few bins; a moved value and another value of the same person are *apart*
//! if no row of the data has both although, by their shares, at least ten would be expected to.

use crate::base::{Notice, numbers};
use crate::data::{Feature, FeatureMatrix};
use crate::note;

/// Rows in which a pair must be expected before its absence counts; chance alone leaves such a pair out once in 20,000.
const EXPECTED: f64 = 10.0;
/// Bins of a feature; a category with more levels is not looked at.
const MOST_BINS: usize = 64;
/// Cells looked at, data and people each.
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
struct Bins<'a> {
    feature: &'a Feature,
    cuts: Vec<f64>,
}

impl<'a> Bins<'a> {
    fn of(feature: &'a Feature) -> Option<Self> {
        if feature.is_categorical() {
            return (feature.levels().len() + 2 <= MOST_BINS).then_some(Self { feature, cuts: Vec::new() });
        }
        // 5, 25, 50, 75, 95 %: a value that many rows share makes a bin of its own.
        let mut cuts: Vec<f64> = feature.quantiles.get(2..7)?.to_vec();
        cuts.dedup();
        Some(Self { feature, cuts })
    }
    fn count(&self) -> usize {
        if self.feature.is_categorical() { self.feature.levels().len() + 2 } else { self.cuts.len() + 2 }
    }
    fn bin(&self, v: f64) -> usize {
        match (self.feature.is_categorical(), v.is_nan()) {
            (true, true) => self.feature.levels().len(),
            (true, false) if v < 0.0 => self.feature.levels().len() + 1,
            (true, false) => (v as usize).min(self.feature.levels().len() + 1),
            (false, true) => self.cuts.len() + 1,
            (false, false) => self.cuts.partition_point(|c| *c < v),
        }
    }
}

/// The people of `after` whose `moved` features lie apart from another of their values; `data` is every row there is.
pub fn apart(features: &[Feature], data: &FeatureMatrix, after: &FeatureMatrix, moved: &[usize]) -> Option<Apart> {
    let step = |x: &FeatureMatrix| (x.values.len() * moved.len().max(1)).div_ceil(CELLS).max(1);
    let known: Vec<usize> = (0..data.n_rows()).step_by(step(data)).collect();
    let people: Vec<usize> = (0..after.n_rows()).step_by(step(after)).collect();
    let n = known.len() as f64;
    if known.is_empty() || people.is_empty() {
        return None;
    }
    let mut flagged = vec![false; people.len()];
    // People, moved feature, other feature, one of them as an example.
    let mut worst: Option<(usize, usize, usize, usize)> = None;
    for &j in moved {
        let Some(of_j) = features.get(j).and_then(Bins::of) else { continue };
        let bins_j: Vec<usize> = known.iter().map(|&r| of_j.bin(data.row(r)[j])).collect();
        let now_j: Vec<usize> = people.iter().map(|&r| of_j.bin(after.row(r)[j])).collect();
        for (k, feature) in features.iter().enumerate().filter(|(k, _)| *k != j) {
            let Some(of_k) = Bins::of(feature) else { continue };
            let width = of_k.count();
            let mut pairs = vec![0u32; of_j.count() * width];
            for (b, &r) in bins_j.iter().zip(&known) {
                pairs[b * width + of_k.bin(data.row(r)[k])] += 1;
            }
            let of_row: Vec<f64> = pairs.chunks(width).map(|c| c.iter().map(|x| f64::from(*x)).sum()).collect();
            let of_column: Vec<f64> = (0..width).map(|c| pairs.iter().skip(c).step_by(width).map(|x| f64::from(*x)).sum()).collect();
            let (mut count, mut example) = (0, 0);
            for ((flag, b), &r) in flagged.iter_mut().zip(&now_j).zip(&people) {
                let c = of_k.bin(after.row(r)[k]);
                if pairs[b * width + c] == 0 && of_row[*b] * of_column[c] / n >= EXPECTED {
                    *flag = true;
                    count += 1;
                    example = r;
                }
            }
            if count > worst.map_or(0, |w| w.0) {
                worst = Some((count, j, k, example));
            }
        }
    }
    let (_, j, k, r) = worst?;
    let share = flagged.iter().filter(|f| **f).count() as f64 / people.len() as f64;
    let shown = |f: usize| features[f].show(after.row(r)[f]);
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
        let people = FeatureMatrix { n_features: 2, values: vec![0.8, 1.0, 0.9, 1.0, 0.8, 0.0, 0.0, 1.0] };
        let found = apart(&features(), &data(), &people, &[0]).unwrap();
        assert_eq!(found.share, 0.5, "the two with a special day in November");
        assert_eq!(found.example.fields["beside"].to_string(), "Nov");
        // What occurs is no fault, and nobody is apart from himself.
        assert_eq!(apart(&features(), &data(), &data(), &[0, 1]), None);
    }

    #[test]
    fn what_is_rare_anyway_is_not_held_against_it() {
        // Half a February special day would be expected among ten rows.
        let few = data().select(&(0..10).collect::<Vec<_>>());
        let people = FeatureMatrix { n_features: 2, values: vec![0.8, 1.0] };
        assert_eq!(apart(&features(), &few, &people, &[0]), None);
    }
}
