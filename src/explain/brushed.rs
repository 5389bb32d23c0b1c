//! Some of the explained rows beside all of them: what matters to those that were picked in a picture, and which levels
//! they have. Computed once when the pick changes, from attributions that are there already.

use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use super::everyone::Adder;
use super::levels::{self, Level, Levels};
use crate::base::Result;
use crate::data::{Feature, FeatureMatrix};
use crate::ml::model::Scale;

/// One feature: to the picked rows, and to all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Its name.
    pub name: String,
    /// Mean size of its effect on the picked rows.
    pub size: f64,
    /// 95 % interval of that mean; none of a single row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Mean signed effect on the picked rows.
    pub mean: f64,
    /// Mean size of its effect on all rows.
    pub size_of_all: f64,
}

/// The picked rows beside all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Brushed {
    /// Which outcome.
    pub outcome: String,
    /// Scale of the effects.
    pub scale: Scale,
    /// Picked rows.
    pub rows: usize,
    /// All rows, the picked ones among them.
    pub of: usize,
    /// Mean output of the picked rows.
    pub output: f64,
    /// Mean output of all rows.
    pub output_of_all: f64,
    /// The features, in the order of the attribution.
    pub features: Vec<Beside>,
}

/// The rows at these places, as an attribution of their own.
pub fn only(a: &Attribution, at: &[usize]) -> Attribution {
    let per_row = |v: &[f64]| if v.len() == a.rows.len() { at.iter().map(|i| v[*i]).collect() } else { Vec::new() };
    Attribution {
        rows: at.iter().map(|i| a.rows[*i]).collect(),
        inputs: at.iter().flat_map(|i| a.input(*i).iter().copied()).collect(),
        values: at.iter().flat_map(|i| a.row(*i).iter().copied()).collect(),
        predictions: per_row(&a.predictions),
        gaps: per_row(&a.gaps),
        half_width: Vec::new(),
        ..a.clone()
    }
}

/// Sets the rows at these places beside all rows; a fault where there are none.
pub fn beside(a: &Attribution, at: &[usize]) -> Result<Brushed> {
    let summed = |a: &Attribution| {
        let mut sums = Adder::default();
        sums.add(a);
        sums.finish_in_order()
    };
    let (some, all) = (summed(&only(a, at))?, summed(a)?);
    let features = some.features.iter().zip(&all.features).map(|(s, t)| Beside {
        name: s.name.clone(),
        size: s.mean_abs,
        interval: (some.rows > 1).then_some((s.low, s.high)),
        mean: s.mean,
        size_of_all: t.mean_abs,
    });
    Ok(Brushed {
        outcome: a.outcome.clone(),
        scale: a.scale,
        rows: at.len(),
        of: a.rows.len(),
        output: some.mean,
        output_of_all: all.mean,
        features: features.collect(),
    })
}

/// The levels of the picked rows alone; nothing where the feature has no levels, or no row was picked.
pub fn levels_of(a: &Attribution, matrix: &FeatureMatrix, features: &[Feature], feature: usize, at: &[usize]) -> Option<Levels> {
    let rows = if matrix.n_rows() == a.rows.len() { at.iter().flat_map(|i| matrix.row(*i).iter().copied()).collect() } else { Vec::new() };
    levels::levels(&only(a, at), &FeatureMatrix { n_features: matrix.n_features, values: rows }, features, feature)
}

impl Levels {
    /// The same level among other rows.
    pub fn like(&self, other: &Level) -> Option<&Level> {
        self.levels.iter().find(|l| l.kind == other.kind && l.bin.label == other.bin.label)
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::*;

    #[test]
    fn picked_rows_stand_beside_all() {
        let f = [feature("Month", &["Feb", "Nov"]), feature("b", &[])];
        let a = attribution(
            &f,
            vec![0.0, 1.0, 1.0, 2.0, 1.0, 3.0, 0.0, 4.0],
            vec![0.1, -0.4, -0.3, 0.2, 0.5, 0.0, 0.1, 0.0],
            0.3,
            Scale::Margin,
        );
        let found = beside(&a, &[1, 2]).unwrap();
        assert_eq!((found.rows, found.of), (2, 4));
        // By hand: Month is .3 and .5 in size, +.1 on average; of all .25. The outputs are .2 and .8, of all .3 + .2/4.
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let month = &found.features[0];
        close(month.size, 0.4);
        close(month.mean, 0.1);
        close(month.size_of_all, 0.25);
        close(found.output, 0.5);
        close(found.output_of_all, 0.35);
        close(found.features[1].size, 0.1);
        let (low, high) = month.interval.unwrap();
        assert!(low < month.size && month.size < high);
        // All rows are as themselves; a single row has no interval; none is a fault.
        let every = beside(&a, &[0, 1, 2, 3]).unwrap();
        assert!(every.features.iter().all(|f| f.size == f.size_of_all) && every.output == every.output_of_all);
        assert!(beside(&a, &[3]).unwrap().features.iter().all(|f| f.interval.is_none()));
        assert!(beside(&a, &[]).is_err());
    }

    #[test]
    fn picked_rows_have_levels_of_their_own() {
        let f = [feature("Month", &["Feb", "Nov"]), feature("b", &[])];
        let a = attribution(
            &f,
            vec![0.0, 1.0, 1.0, 2.0, 1.0, 3.0, 0.0, 4.0],
            vec![0.1, 0.0, -0.3, 0.0, 0.5, 0.0, 0.3, 0.0],
            0.3,
            Scale::Margin,
        );
        let matrix = FeatureMatrix::default();
        let all = levels::levels(&a, &matrix, &f, 0).unwrap();
        let some = levels_of(&a, &matrix, &f, 0, &[0, 2, 3]).unwrap();
        let of = |l: &Levels, label: &str| l.levels.iter().find(|x| x.bin.label == label).map(|x| (x.bin.rows, x.bin.mean));
        assert_eq!((of(&some, "Nov"), of(&some, "Feb")), (Some((1, 0.5)), Some((2, 0.2))));
        let feb = all.levels.iter().find(|l| l.bin.label == "Feb").unwrap();
        assert!((some.like(feb).unwrap().share - 2.0 / 3.0).abs() < 1e-12);
        assert!(levels_of(&a, &matrix, &f, 0, &[1]).unwrap().like(feb).is_none(), "nobody picked has it");
        assert!(levels_of(&a, &matrix, &f, 0, &[]).is_none() && levels_of(&a, &matrix, &f, 1, &[0]).is_none());
    }

    #[test]
    fn one_hot_sets_keep_their_rows() {
        let f = [feature("c=Phone", &[]), feature("c=Web", &[])];
        let x = FeatureMatrix { n_features: 2, values: vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0] };
        let mut a = attribution(&[feature("c", &[])], vec![f64::NAN; 3], vec![0.2, -0.1, 0.5], 0.3, Scale::Margin);
        a.members = vec![vec![0, 1]];
        let some = levels_of(&a, &x, &f, 0, &[1, 2]).unwrap();
        assert_eq!(some.levels.len(), 1);
        assert!(some.levels[0].bin.label == "Web" && (some.levels[0].bin.mean - 0.2).abs() < 1e-12);
    }
}
