//! All rows as a density: for the strongest features, how many rows have which value and which effect. Rows are taken piece
//! after piece, so that memory is that of the bins, whatever the number of rows; what a bin says of its rows is exact.
//!
//! Columns of values hold about equally many rows (levels: one each; missing has its own). Bins of effects are as high as a
//! power of two, the smallest with which all effects fit: so bins merge in pairs without a row changing sides, and the order
//! of the pieces does not matter.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use super::everyone::{Adder, Everyone};
use crate::base::Result;
use crate::data::Feature;

/// Features that are binned.
pub const MOST: usize = 20;
/// Features that are gathered: those that a sample ranks just behind may turn out stronger.
const CANDIDATES: usize = 24;
/// Most columns of values, without those of missing and other ones.
pub const COLUMNS: usize = 48;
/// Most bins of effects.
pub const BINS: usize = 64;
/// Bins are never less high than two to this power.
const LOWEST: i32 = -40;

/// What a column of values holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Numbers from a range.
    Numbers,
    /// One level.
    Level,
    /// All levels without a column of their own.
    OtherLevels,
    /// Levels that training never saw.
    Unseen,
    /// No value.
    Missing,
}

/// A column of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// What it holds.
    pub holds: Holds,
    /// Its value or range as the analyst would write it.
    pub label: String,
    /// Rows in it.
    pub rows: u64,
    /// Smallest value in it.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub low: f64,
    /// Largest value in it.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub high: f64,
}

/// The rows with like values and like effects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Which column of values.
    pub column: u32,
    /// Which bin of effects, from the lowest up.
    pub bin: u32,
    /// How many rows.
    pub rows: u64,
    /// Their smallest value.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub value_low: f64,
    /// Their largest value.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub value_high: f64,
    /// Their smallest effect.
    pub effect_low: f64,
    /// Their largest effect.
    pub effect_high: f64,
    /// The first of them: line in the file.
    pub row: u32,
}

impl Cell {
    const NONE: Self = Self {
        column: 0,
        bin: 0,
        rows: 0,
        value_low: f64::NAN,
        value_high: f64::NAN,
        effect_low: f64::INFINITY,
        effect_high: f64::NEG_INFINITY,
        row: u32::MAX,
    };

    /// With the rows of another one.
    pub fn and(self, other: &Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            // A number wins over none.
            value_low: self.value_low.min(other.value_low),
            value_high: self.value_high.max(other.value_high),
            effect_low: self.effect_low.min(other.effect_low),
            effect_high: self.effect_high.max(other.effect_high),
            row: self.row.min(other.row),
            ..self
        }
    }
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfFeature {
    /// Index of the feature.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Mean size of its effect.
    pub mean_abs: f64,
    /// How high a bin is.
    pub step: f64,
    /// The lowest bin holds effects from this many steps on.
    pub lowest: i64,
    /// Number of bins from the lowest to the highest that holds a row.
    pub bins: u32,
    /// Columns of values that hold a row, in the order of the values.
    pub columns: Vec<Column>,
    /// Cells that hold a row, column after column, from the lowest bin up.
    pub cells: Vec<Cell>,
    /// Rows whose effect is no number; they are in no cell.
    pub no_effect: u64,
}

/// How bright so many rows are, of at most so many: by the logarithm, so that a single row is seen beside a crowd.
pub fn share(rows: u64, most: u64) -> f64 {
    if most <= 1 { 1.0 } else { ((rows.max(1) as f64).ln() / (most as f64).ln()).clamp(0.0, 1.0) }
}

impl OfFeature {
    /// Rows in the fullest cell.
    pub fn most(&self) -> u64 {
        self.cells.iter().map(|c| c.rows).max().unwrap_or(1)
    }
    /// Where a bin begins.
    pub fn bin_from(&self, bin: u32) -> f64 {
        (self.lowest + i64::from(bin)) as f64 * self.step
    }
    /// The cell at a place, if it holds rows.
    pub fn cell(&self, column: u32, bin: u32) -> Option<&Cell> {
        self.cells.binary_search_by_key(&(column, bin), |c| (c.column, c.bin)).ok().map(|i| &self.cells[i])
    }
}

/// All rows of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// All of them added up.
    pub all: Everyone,
    /// The strongest features, strongest first.
    pub features: Vec<OfFeature>,
}

/// Gathers one feature.
struct Gathered {
    feature: usize,
    /// First values of the columns, for a number; kept levels in their order, for a category.
    firsts: Vec<f64>,
    categorical: bool,
    /// Bins are two to this power high.
    power: i32,
    lowest: i64,
    bins: usize,
    ends: (f64, f64),
    cells: Vec<Cell>,
    no_effect: u64,
}

/// The bin of an effect, counted from zero.
fn index(effect: f64, power: i32) -> f64 {
    (effect * 2f64.powi(-power)).floor()
}

impl Gathered {
    fn new(sample: &Attribution, feature: usize, of: Option<&Feature>) -> Self {
        let m = sample.n_features().max(1);
        let mut values: Vec<f64> = sample.inputs.iter().skip(feature).step_by(m).copied().filter(|v| !v.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let categorical = of.is_some_and(Feature::is_categorical);
        let firsts = if categorical { levels(&values, of.map_or(0, |f| f.levels().len())) } else { ranges(&values) };
        Self {
            feature,
            firsts,
            categorical,
            power: LOWEST,
            lowest: 0,
            bins: 0,
            ends: (f64::INFINITY, f64::NEG_INFINITY),
            cells: Vec::new(),
            no_effect: 0,
        }
    }

    /// Other levels, unseen ones and missing stand behind the others.
    fn columns(&self) -> usize {
        self.firsts.len() + 3
    }

    fn column(&self, value: f64) -> usize {
        let n = self.firsts.len();
        if value.is_nan() {
            return n + 2;
        }
        if !self.categorical {
            return self.firsts.partition_point(|f| *f <= value).saturating_sub(1);
        }
        if value < 0.0 {
            return n + 1;
        }
        self.firsts.binary_search_by(|f| f.total_cmp(&value)).unwrap_or(n)
    }

    fn holds(&self, column: usize) -> Holds {
        match column.checked_sub(self.firsts.len()) {
            None if self.categorical => Holds::Level,
            None => Holds::Numbers,
            // Numbers without one in the sample have no column of their own.
            Some(0) => {
                if self.categorical {
                    Holds::OtherLevels
                } else {
                    Holds::Numbers
                }
            }
            Some(1) => Holds::Unseen,
            Some(_) => Holds::Missing,
        }
    }

    /// Makes room for effects between these.
    fn cover(&mut self, low: f64, high: f64) {
        self.ends = (self.ends.0.min(low), self.ends.1.max(high));
        let fits = |power: i32| {
            let (a, b) = (index(self.ends.0, power), index(self.ends.1, power));
            b - a < BINS as f64 && a.abs().max(b.abs()) < 2f64.powi(52)
        };
        let mut power = self.power;
        while !fits(power) && power < 1_000 {
            power += 1;
        }
        let (lowest, highest) = (index(self.ends.0, power) as i64, index(self.ends.1, power) as i64);
        let bins = (highest - lowest + 1).max(1) as usize;
        if (power, lowest, bins) == (self.power, self.lowest, self.bins) {
            return;
        }
        let mut cells = vec![Cell::NONE; self.columns() * bins];
        for (i, cell) in self.cells.iter().enumerate().filter(|(_, c)| c.rows > 0) {
            let (column, bin) = (i / self.bins, i % self.bins);
            let at = ((self.lowest + bin as i64) >> (power - self.power).min(63)) - lowest;
            let new = &mut cells[column * bins + at as usize];
            *new = new.and(cell);
        }
        (self.power, self.lowest, self.bins, self.cells) = (power, lowest, bins, cells);
    }

    fn take(&mut self, a: &Attribution) {
        let m = a.n_features().max(1);
        let effects = || a.values.iter().skip(self.feature).step_by(m).copied();
        let (low, high) =
            effects().filter(|e| e.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), e| (low.min(e), high.max(e)));
        self.no_effect += effects().filter(|e| !e.is_finite()).count() as u64;
        if low > high {
            return;
        }
        self.cover(low, high);
        for (i, row) in a.rows.iter().enumerate() {
            let (effect, value) = (a.values[i * m + self.feature], a.inputs[i * m + self.feature]);
            if !effect.is_finite() {
                continue;
            }
            let bin = (index(effect, self.power) as i64 - self.lowest) as usize;
            let one =
                Cell { rows: 1, value_low: value, value_high: value, effect_low: effect, effect_high: effect, row: *row, ..Cell::NONE };
            let at = self.column(value) * self.bins + bin;
            self.cells[at] = self.cells[at].and(&one);
        }
    }

    fn finish(self, name: String, mean_abs: f64, of: Option<&Feature>) -> OfFeature {
        let (mut columns, mut cells): (Vec<Column>, Vec<Cell>) = (Vec::new(), Vec::new());
        let show = |v: f64| of.map_or_else(|| crate::base::numbers::plain(v), |f| f.show(v));
        for (c, bins) in self.cells.chunks(self.bins.max(1)).enumerate() {
            let all = bins.iter().fold(Cell::NONE, |sum, b| sum.and(b));
            if all.rows == 0 {
                continue;
            }
            let (low, high, holds) = (all.value_low, all.value_high, self.holds(c));
            let label = match holds {
                Holds::Missing => "–".to_owned(),
                Holds::OtherLevels => "…".to_owned(),
                Holds::Numbers if low < high => format!("{} – {}", show(low), show(high)),
                _ => show(low),
            };
            let column = columns.len() as u32;
            cells.extend(bins.iter().enumerate().filter(|(_, b)| b.rows > 0).map(|(bin, b)| Cell { column, bin: bin as u32, ..*b }));
            columns.push(Column { holds, label, rows: all.rows, low, high });
        }
        OfFeature {
            feature: self.feature,
            name,
            mean_abs,
            step: 2f64.powi(self.power),
            lowest: self.lowest,
            bins: self.bins as u32,
            columns,
            cells,
            no_effect: self.no_effect,
        }
    }
}

/// The most frequent levels, in their order; all, where they are few.
fn levels(sorted: &[f64], all: usize) -> Vec<f64> {
    if all <= COLUMNS {
        return (0..all).map(|l| l as f64).collect();
    }
    let mut runs: Vec<(usize, f64)> = sorted.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])).filter(|r| r.1 >= 0.0).collect();
    runs.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
    runs.truncate(COLUMNS);
    let mut kept: Vec<f64> = runs.into_iter().map(|r| r.1).collect();
    kept.sort_by(f64::total_cmp);
    kept
}

/// First values of columns that hold about equally many of these; equal values stay together.
fn ranges(sorted: &[f64]) -> Vec<f64> {
    let runs: Vec<&[f64]> = sorted.chunk_by(|a, b| a == b).collect();
    if runs.len() <= COLUMNS {
        return runs.iter().map(|r| r[0]).collect();
    }
    let mut firsts: Vec<f64> = Vec::new();
    let (mut left, mut now, mut open) = (sorted.len(), 0, false);
    for run in runs {
        if !open {
            firsts.push(run[0]);
            open = true;
        }
        now += run.len();
        let columns = COLUMNS + 1 - firsts.len();
        if columns > 1 && now * columns >= left {
            (left, now, open) = (left - now, 0, false);
        }
    }
    firsts
}

/// Takes pieces of rows.
pub struct Gatherer {
    sums: Adder,
    of: Vec<Gathered>,
}

impl Gatherer {
    /// A sample says which features are strong, and where the columns of their values begin.
    pub fn new(sample: &Attribution, features: &[Feature]) -> Self {
        let m = sample.n_features();
        let size = |f: usize| sample.values.iter().skip(f).step_by(m).filter(|v| v.is_finite()).map(|v| v.abs()).sum::<f64>();
        let sizes: Vec<f64> = (0..m).map(size).collect();
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]).then(a.cmp(b)));
        let of = order.into_iter().take(CANDIDATES).map(|f| Gathered::new(sample, f, sample.feature(f, features))).collect();
        Self { sums: Adder::default(), of }
    }

    /// One more piece of rows, explained as the sample was.
    pub fn add(&mut self, a: &Attribution) {
        self.sums.add(a);
        self.of.par_iter_mut().for_each(|g| g.take(a));
    }

    /// The density.
    pub fn finish(self, sample: &Attribution, features: &[Feature]) -> Result<Density> {
        let all = self.sums.finish()?;
        let named = |g: Gathered| {
            let name = sample.features.get(g.feature).cloned().unwrap_or_default();
            let mean_abs = all.features.iter().find(|f| f.name == name).map_or(0.0, |f| f.mean_abs);
            let of = sample.feature(g.feature, features);
            g.finish(name, mean_abs, of)
        };
        let mut of: Vec<OfFeature> = self.of.into_iter().map(named).collect();
        of.sort_by(|a, b| b.mean_abs.total_cmp(&a.mean_abs).then(a.feature.cmp(&b.feature)));
        of.truncate(MOST);
        Ok(Density { all, features: of })
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::*;
    use crate::base::rng;
    use crate::ml::model::Scale;
    use proptest::prelude::*;

    /// Rows of three features: a skewed number, one with many ties and gaps, a category.
    fn rows(n: usize, seed: u64) -> (Vec<Feature>, Attribution) {
        let names: Vec<String> = (0..70).map(|i| format!("level {i}")).collect();
        let f = [feature("skewed", &[]), feature("ties", &[]), feature("level", &names.iter().map(String::as_str).collect::<Vec<_>>())];
        let mut rng = rng::rng(seed, "density");
        let (mut x, mut phi) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let u = rng::unit(&mut rng);
            x.extend([
                (9.0 * u).exp(),
                if u < 0.1 { f64::NAN } else { (u * 7.0).floor() },
                if u > 0.98 { -1.0 } else { (70.0 * rng::unit(&mut rng).powi(2)).floor() },
            ]);
            phi.extend([rng::unit(&mut rng) - 0.3, 1e-7 * u, if u < 0.01 { f64::NAN } else { 40.0 * u * u - 5.0 }]);
        }
        (f.to_vec(), attribution(&f, x, phi, 0.1, Scale::Margin))
    }

    #[test]
    fn few_numbers_have_a_column_each() {
        let (f, a) = rows(800, 5);
        let d = gather(&a, &f, &[100], 400);
        let ties = d.features.iter().find(|f| f.name == "ties").unwrap();
        let numbers: Vec<&Column> = ties.columns.iter().filter(|c| c.holds == Holds::Numbers).collect();
        let lows: Vec<f64> = numbers.iter().map(|c| c.low).collect();
        assert_eq!(lows, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "seven values, seven columns");
        for c in numbers {
            let of_value = (0..a.rows.len()).filter(|i| a.input(*i)[ties.feature] == c.low).count() as u64;
            assert!(c.low == c.high && c.rows == of_value, "{c:?} holds one value and all its rows");
        }
    }

    fn part(a: &Attribution, from: usize, to: usize) -> Attribution {
        let m = a.n_features();
        Attribution {
            rows: a.rows[from..to].to_vec(),
            inputs: a.inputs[from * m..to * m].to_vec(),
            values: a.values[from * m..to * m].to_vec(),
            predictions: a.predictions[from..to].to_vec(),
            gaps: a.gaps[from..to].to_vec(),
            ..a.clone()
        }
    }

    fn gather(a: &Attribution, f: &[Feature], cuts: &[usize], sample: usize) -> Density {
        let first = part(a, 0, sample);
        let mut g = Gatherer::new(&first, f);
        let mut from = 0;
        for to in cuts.iter().copied().chain([a.rows.len()]) {
            g.add(&part(a, from, to));
            from = to;
        }
        g.finish(&first, f).unwrap()
    }

    /// Every cell says of its rows exactly what a walk through all rows says.
    fn check(d: &Density, a: &Attribution) {
        let m = a.n_features();
        for of in &d.features {
            let at = |i: usize| (a.inputs[i * m + of.feature], a.values[i * m + of.feature]);
            let odd = (0..a.rows.len()).filter(|i| !at(*i).1.is_finite()).count() as u64;
            assert_eq!(of.no_effect, odd);
            assert_eq!(of.cells.iter().map(|c| c.rows).sum::<u64>() + odd, a.rows.len() as u64, "{}", of.name);
            assert_eq!(of.columns.iter().map(|c| c.rows).sum::<u64>() + odd, a.rows.len() as u64);
            assert!(of.bins as usize <= BINS && of.columns.len() <= COLUMNS + 3);
            assert!(of.cells.windows(2).all(|w| (w[0].column, w[0].bin) < (w[1].column, w[1].bin)));
            for c in &of.cells {
                let column = &of.columns[c.column as usize];
                let (low, high) = (of.bin_from(c.bin), of.bin_from(c.bin + 1));
                let within = |v: f64| match column.holds {
                    Holds::Missing => v.is_nan(),
                    Holds::Unseen => v < 0.0,
                    Holds::OtherLevels => v >= 0.0 && !of.columns.iter().any(|k| k.holds == Holds::Level && k.low == v),
                    Holds::Level | Holds::Numbers => v >= column.low && v <= column.high,
                };
                let inside: Vec<usize> = (0..a.rows.len()).filter(|i| within(at(*i).0) && at(*i).1 >= low && at(*i).1 < high).collect();
                let ends = |f: &dyn Fn(usize) -> f64| {
                    inside.iter().fold((f64::NAN, f64::NAN), |(x, y): (f64, f64), i| (x.min(f(*i)), y.max(f(*i))))
                };
                let (values, effects) = (ends(&|i| at(i).0), ends(&|i| at(i).1));
                assert_eq!(c.rows, inside.len() as u64, "{} {c:?}", of.name);
                assert_eq!((c.effect_low, c.effect_high), effects);
                assert!(values.0.is_nan() && c.value_low.is_nan() || (c.value_low, c.value_high) == values, "{c:?} {values:?}");
                assert_eq!(c.row, a.rows[inside[0]], "the first of them stands for them");
            }
        }
    }

    #[test]
    fn bins_say_exactly_what_is_in_them() {
        let (f, a) = rows(3_000, 1);
        let d = gather(&a, &f, &[700, 701, 2_500], 500);
        check(&d, &a);
        let by = |name: &str| d.features.iter().find(|o| o.name == name).unwrap();
        assert!(by("ties").columns.iter().any(|c| c.holds == Holds::Missing && c.label == "–" && c.rows > 200));
        assert!(by("level").columns.iter().any(|c| c.holds == Holds::Unseen) && by("level").no_effect > 0);
        assert!(by("level").columns.iter().any(|c| c.holds == Holds::OtherLevels), "70 levels do not all get a column");
        assert!(by("ties").bins > BINS as u32 / 4, "tiny effects are told apart, too");
        // Columns of a number are about equally full, as far as the sample knew.
        let full: Vec<u64> = by("skewed").columns.iter().map(|c| c.rows).collect();
        assert!(full.len() == COLUMNS && full.iter().all(|r| (15..200).contains(r)), "{full:?}");
        assert_eq!(d.features[0].name, "level", "the strongest first");
        assert_eq!(d.all.rows, 3_000);
    }

    #[test]
    fn it_comes_back_from_json_and_odd_rows_are_no_panic() {
        let (f, mut a) = rows(50, 3);
        a.values.iter_mut().chain(&mut a.predictions).filter(|v| v.is_nan()).for_each(|v| *v = 0.0);
        let d = gather(&a, &f, &[], 50);
        let back: Density = serde_json::from_str(&serde_json::to_string(&d).unwrap()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{d:?}"));
        let f = [feature("x", &[])];
        for effects in
            [vec![0.0; 4], vec![f64::NAN; 4], vec![1e300, -1e300, 1e299, 0.0], vec![1e300; 4], vec![1e-300, 0.0, -1e-300, 2e-300]]
        {
            let a = attribution(&f, vec![f64::NAN, 1.0, 1.0, -3.0], effects, 0.0, Scale::Margin);
            check(&gather(&a, &f, &[2], 1), &a);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn pieces_do_not_matter(n in 1usize..300, cut in 0usize..300, seed in 0u64..50) {
            let (f, a) = rows(n, seed);
            let sample = n.min(40);
            let (whole, parts) = (gather(&a, &f, &[], sample), gather(&a, &f, &[cut.min(n)], sample));
            prop_assert_eq!(format!("{:?}", whole.features.iter().map(|o| &o.cells).collect::<Vec<_>>()), format!("{:?}", parts.features.iter().map(|o| &o.cells).collect::<Vec<_>>()));
            check(&whole, &a);
        }
    }
}
