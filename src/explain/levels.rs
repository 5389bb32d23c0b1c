//! Levels: what each value of a category does, from the rows explained. Of a category, of a yes or no, or of a one-hot set
//! that the analyst made one group. Rows, share, mean effect with its interval; levels of few rows are marked.

use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use super::summary::{self, DependenceBin};
use crate::data::segment::quoted;
use crate::data::{Feature, FeatureMatrix, features::FeatureKind};
use crate::ml::model::Scale;

/// A level of fewer rows is marked: its mean may be chance.
pub const FEW: usize = 30;

/// What a level stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A value.
    Value,
    /// A value that training never saw.
    Unseen,
    /// No value.
    Missing,
    /// None of a one-hot set.
    NoneOf,
}

/// One level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// What it stands for.
    pub kind: Kind,
    /// Rows, mean effect, its interval, the middle of the rows.
    pub bin: DependenceBin,
    /// Share of the rows.
    pub share: f64,
    /// Whether it has few rows.
    pub few: bool,
    /// The rows of this level, as a condition on the data; none where no condition says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// All levels of a feature, the one that raises most first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The feature or group.
    pub feature: String,
    /// Which outcome.
    pub outcome: String,
    /// Scale of the effects.
    pub scale: Scale,
    /// Rows explained.
    pub rows: usize,
    /// The levels.
    pub levels: Vec<Level>,
}

/// Whether a feature has levels: a category, or yes and no.
pub fn has_levels(feature: &Feature) -> bool {
    matches!(feature.kind, FeatureKind::Categorical { .. } | FeatureKind::Numeric { boolean: true, .. })
}

/// The levels of what stands at `at` in an attribution, if it has some. `matrix` holds the rows' features, for one-hot sets.
pub fn levels(a: &Attribution, matrix: &FeatureMatrix, features: &[Feature], at: usize) -> Option<Levels> {
    let n = a.rows.len();
    if n == 0 || at >= a.n_features() {
        return None;
    }
    let places = places(a, matrix, features, at)?;
    let names: Vec<&str> = a.group(at).iter().filter_map(|f| features.get(*f)).map(|f| f.name.as_str()).collect();
    let from = beginning(&names);
    let named: Vec<Named> = names.iter().map(|name| ((name[from..]).to_owned(), format!("{} = 1", quoted(name)))).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|x, y| places[*x].total_cmp(&places[*y]).then(x.cmp(y)));
    let same = |x: &usize, y: &usize| places[*x] == places[*y] || (places[*x].is_nan() && places[*y].is_nan());
    let lone = a.feature(at, features);
    let mut found: Vec<Level> = order
        .chunk_by(same)
        .map(|rows| {
            let place = places[rows[0]];
            let (kind, label, condition) = match lone {
                Some(f) => of_feature(f, place),
                None => match named.get(place as usize).filter(|_| !place.is_nan()) {
                    Some((label, condition)) => (Kind::Value, label.clone(), Some(condition.clone())),
                    None => (Kind::NoneOf, "–".to_owned(), None),
                },
            };
            let bin = summary::bin(label, place, (place, place), rows.iter().map(|i| a.row(*i)[at]).collect());
            Level { kind, share: rows.len() as f64 / n as f64, few: rows.len() < FEW, bin, condition }
        })
        .collect();
    found.sort_by(|x, y| y.bin.mean.total_cmp(&x.bin.mean).then(x.bin.label.cmp(&y.bin.label)));
    Some(Levels { feature: a.features[at].clone(), outcome: a.outcome.clone(), scale: a.scale, rows: n, levels: found })
}

/// Lines in the file of the rows that have a level, sorted.
pub fn rows(a: &Attribution, matrix: &FeatureMatrix, features: &[Feature], at: usize, level: &Level) -> Vec<u32> {
    let Some(places) = places(a, matrix, features, at) else { return Vec::new() };
    let has = |p: f64| p == level.bin.x || (p.is_nan() && level.bin.x.is_nan());
    let mut rows: Vec<u32> = (0..a.rows.len()).filter(|i| has(places[*i])).map(|i| a.rows[i]).collect();
    rows.sort_unstable();
    rows
}

/// Which level every row has: its index, −1 for one never seen, NaN for none.
fn places(a: &Attribution, matrix: &FeatureMatrix, features: &[Feature], at: usize) -> Option<Vec<f64>> {
    let (n, group) = (a.rows.len(), a.group(at));
    if group.is_empty() {
        a.feature(at, features).filter(|f| has_levels(f))?;
        return Some((0..n).map(|i| a.input(i)[at]).map(|x| if x < 0.0 { -1.0 } else { x }).collect());
    }
    if matrix.n_rows() != n || matrix.n_features != features.len() {
        return None;
    }
    let places = (0..n).map(|i| hot(matrix.row(i), group)).collect::<Option<Vec<f64>>>()?;
    places.iter().any(|p| !p.is_nan()).then_some(places)
}

/// Label and condition of a member.
type Named = (String, String);

/// The member that is set; NaN if none is, nothing if these are not the columns of a one-hot set.
fn hot(row: &[f64], group: &[usize]) -> Option<f64> {
    let mut at = f64::NAN;
    for (k, f) in group.iter().enumerate() {
        match row.get(*f)? {
            x if *x == 0.0 || x.is_nan() => {}
            x if *x == 1.0 && at.is_nan() => at = k as f64,
            _ => return None,
        }
    }
    Some(at)
}

/// How much all names have in common at their beginning, up to and with a sign.
fn beginning(names: &[&str]) -> usize {
    let Some(first) = names.first() else { return 0 };
    let common = first.char_indices().take_while(|(at, c)| names.iter().all(|n| n[*at..].starts_with(*c))).map(|(at, c)| at + c.len_utf8());
    let end = common.last().unwrap_or(0);
    first[..end].rfind(|c: char| !c.is_alphanumeric()).map_or(0, |at| at + first[at..].chars().next().map_or(0, char::len_utf8))
}

fn of_feature(f: &Feature, place: f64) -> (Kind, String, Option<String>) {
    let name = quoted(&f.name);
    if place.is_nan() {
        return (Kind::Missing, f.show(place), Some(format!("{name} is missing")));
    }
    if place < 0.0 {
        return (Kind::Unseen, "?".to_owned(), None);
    }
    let label = f.show(place);
    let quote = ['\'', '"'].into_iter().find(|q| !label.contains(*q));
    let condition = match quote {
        _ if !f.is_categorical() => Some(format!("{name} = {}", u8::from(place != 0.0))),
        quote => quote.map(|q| format!("{name} = {q}{label}{q}")),
    };
    (Kind::Value, label, condition)
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::*;
    use crate::data::Segment;

    #[test]
    fn every_level_with_its_rows_mean_and_interval() {
        let f = [feature("Month", &["Feb", "Nov", "O'Neill"]), feature("b", &[])];
        // 40 times February, 3 times November, one of the others, one missing, one never seen.
        let mut inputs = Vec::new();
        let mut values = Vec::new();
        for i in 0..46 {
            let (x, v) = match i {
                0..40 => (0.0, -0.02 + 0.01 * f64::from(i % 2)),
                40..43 => (1.0, [0.1, 0.2, 0.3][i as usize - 40]),
                43 => (2.0, 0.05),
                44 => (f64::NAN, 0.0),
                _ => (-1.0, -0.3),
            };
            inputs.extend([x, 1.0]);
            values.extend([v, 0.0]);
        }
        let a = attribution(&f, inputs, values, 0.3, Scale::Probability);
        let found = levels(&a, &FeatureMatrix::default(), &f, 0).unwrap();
        let line = |l: &Level| format!("{:?} {} {} {}", l.kind, l.bin.label, l.bin.rows, l.few);
        assert_eq!(
            found.levels.iter().map(line).collect::<Vec<_>>(),
            ["Value Nov 3 true", "Value O'Neill 1 true", "Missing – 1 true", "Value Feb 40 false", "Unseen ? 1 true"]
        );
        let nov = &found.levels[0];
        // By hand: mean .2, sd .1, 1.96 · .1/√3.
        let half = 1.96 * 0.1 / 3f64.sqrt();
        let (low, high) = nov.bin.interval.unwrap();
        assert!((nov.bin.mean - 0.2).abs() < 1e-12 && (low - 0.2 + half).abs() < 1e-12 && (high - 0.2 - half).abs() < 1e-12);
        assert_eq!(found.levels[1].bin.interval, None, "one row has no interval");
        assert!((found.levels.iter().map(|l| l.share).sum::<f64>() - 1.0).abs() < 1e-12);
        let conditions: Vec<Option<&str>> = found.levels.iter().map(|l| l.condition.as_deref()).collect();
        assert_eq!(conditions, [Some("Month = 'Nov'"), Some("Month = \"O'Neill\""), Some("Month is missing"), Some("Month = 'Feb'"), None]);
        assert!(conditions.iter().flatten().all(|c| Segment::parse(c).is_ok()));
        assert!(levels(&a, &FeatureMatrix::default(), &f, 1).is_none(), "a number has no levels");
        // Every row has one level; the example's rows are lines 0, 10, 20 …
        let of = |l: &Level| rows(&a, &FeatureMatrix::default(), &f, 0, l);
        assert_eq!((of(nov), of(&found.levels[2]), of(&found.levels[4])), (vec![400, 410, 420], vec![440], vec![450]));
        assert!(found.levels.iter().all(|l| of(l).len() == l.bin.rows));
    }

    #[test]
    fn a_one_hot_set_has_the_levels_of_its_columns() {
        let f = [feature("channel=Phone", &[]), feature("age", &[]), feature("channel=Web", &[])];
        let x = FeatureMatrix { n_features: 3, values: vec![1.0, 30.0, 0.0, 0.0, 40.0, 1.0, 0.0, 50.0, 0.0, 1.0, 20.0, 0.0] };
        let two = [feature("channel", &[]), feature("age", &[])];
        let mut a = attribution(&two, vec![f64::NAN; 8], vec![0.2, 0.0, -0.1, 0.0, 0.0, 0.0, 0.4, 0.0], 0.3, Scale::Margin);
        a.members = vec![vec![0, 2], vec![1]];
        let found = levels(&a, &x, &f, 0).unwrap();
        let line = |l: &Level| format!("{:?} {} {} {}", l.kind, l.bin.label, l.bin.rows, l.condition.clone().unwrap_or_default());
        assert_eq!(
            found.levels.iter().map(line).collect::<Vec<_>>(),
            ["Value Phone 2 `channel=Phone` = 1", "NoneOf – 1 ", "Value Web 1 `channel=Web` = 1"]
        );
        assert!((found.levels[0].bin.mean - 0.3).abs() < 1e-12);
        assert_eq!(rows(&a, &x, &f, 0, &found.levels[0]), [0, 30]);
        assert_eq!(rows(&a, &x, &f, 0, &found.levels[1]), [20], "the one without any");
        // Two that are set at once are no one-hot set; nor are amounts.
        let both = FeatureMatrix { values: x.values.iter().map(|v| if *v == 0.0 { 1.0 } else { *v }).collect(), n_features: 3 };
        assert!(levels(&a, &both, &f, 0).is_none());
        assert!(levels(&a, &FeatureMatrix::default(), &f, 0).is_none());
        assert_eq!((beginning(&["a_b_x", "a_b_yy"]), beginning(&["ax", "ay"]), beginning(&["渠道=x", "渠道=y"])), (4, 0, 7));
    }
}
