//! How much of the outcome something says, judged on rows that taught it nothing.
//!
//! A figure (AUC for yes or no, R² for amounts) is kept with what every judged row adds to it, so that the interval of a
//! difference between two figures on the same rows takes into account that they rise and fall together.

use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result};
use crate::data::{FeatureMatrix, Part};
use crate::ml::train::{TrainData, train};
use crate::ml::{ModelKind, ModelSpec};
use crate::strategy::causal::stats::Z95;

/// Boosting rounds of the models that are asked.
const ROUNDS: u32 = 60;
/// Most features that a model sees; of wider files those that say most alone.
pub(super) const MOST_FEATURES: usize = 200;
/// Most groups that the values of a number are sorted into.
const BINS: usize = 32;
/// Rows that a group needs to be one of its own.
const BIN_ROWS: usize = 20;
/// Rows of the mean that every group starts from, so that few rows say little.
const PRIOR_ROWS: f64 = 5.0;

/// A number with its 95 % interval, which covers the sampling of the judged rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// AUC or R² of scores, with each judged row's share in its error.
#[derive(Clone, Debug)]
pub(in crate::strategy) struct Judged {
    /// AUC or R².
    pub(in crate::strategy) value: f64,
    parts: Vec<f64>,
}

impl Judged {
    /// Scores against the truth. `None` where only one class, or one amount, is among the rows, or too few to say.
    pub(in crate::strategy) fn of(scores: &[f64], y: &[f64], binary: bool) -> Option<Self> {
        if binary { Self::area(scores, y) } else { Self::explained(scores, y) }
    }

    /// The area under the ROC curve by placements (DeLong).
    fn area(scores: &[f64], y: &[f64]) -> Option<Self> {
        let mut order: Vec<usize> = (0..y.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let yes = y.iter().filter(|y| **y > 0.5).count();
        let no = y.len() - yes;
        if yes < 2 || no < 2 {
            return None;
        }
        let (n1, n0) = (yes as f64, no as f64);
        let mut placed = vec![0.0; y.len()];
        let (mut below_yes, mut below_no, mut at) = (0.0, 0.0, 0);
        while at < order.len() {
            let tie: Vec<usize> = order[at..].iter().copied().take_while(|i| scores[*i] == scores[order[at]]).collect();
            let own_yes = tie.iter().filter(|i| y[**i] > 0.5).count() as f64;
            let own_no = tie.len() as f64 - own_yes;
            for &i in &tie {
                placed[i] = if y[i] > 0.5 { (below_no + 0.5 * own_no) / n0 } else { (n1 - below_yes - 0.5 * own_yes) / n1 };
            }
            below_yes += own_yes;
            below_no += own_no;
            at += tie.len();
        }
        let value = y.iter().zip(&placed).filter(|(y, _)| **y > 0.5).map(|(_, p)| p).sum::<f64>() / n1;
        let parts = y.iter().zip(&placed).map(|(y, p)| (p - value) / if *y > 0.5 { n1 } else { n0 }).collect();
        Some(Self { value, parts })
    }

    /// The share of variance explained, as a ratio of two means.
    fn explained(scores: &[f64], y: &[f64]) -> Option<Self> {
        let n = y.len() as f64;
        let mean = y.iter().sum::<f64>() / n;
        let total: f64 = y.iter().map(|y| (y - mean) * (y - mean)).sum();
        if y.len() < 10 || total <= 0.0 || !total.is_finite() {
            return None;
        }
        let lost: f64 = y.iter().zip(scores).map(|(y, s)| (y - s) * (y - s)).sum();
        let ratio = lost / total;
        let part = |(y, s): (&f64, &f64)| -((y - s) * (y - s) - ratio * (y - mean) * (y - mean)) / total;
        Some(Self { value: 1.0 - ratio, parts: y.iter().zip(scores).map(part).collect() })
    }

    /// The figure with its interval.
    pub(in crate::strategy) fn measured(&self) -> Measured {
        let half = Z95 * self.parts.iter().map(|p| p * p).sum::<f64>().sqrt();
        Measured { value: self.value, low: self.value - half, high: (self.value + half).min(1.0) }
    }

    /// How much more this says than the other, on the same rows.
    pub(in crate::strategy) fn less(&self, other: &Self) -> Measured {
        let half = Z95 * self.parts.iter().zip(&other.parts).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        let value = self.value - other.value;
        Measured { value, low: value - half, high: value + half }
    }
}

/// What one column alone says of the judged rows: the values of the fitting rows are sorted into groups (the leaves of a
/// one-feature tree), and every row gets the mean outcome of its group. `levels` is the number of levels of a category.
pub(super) fn alone(values: &[f64], levels: Option<usize>, y: &[f64], fit: &[usize], judge: &[usize]) -> Vec<f64> {
    let mean = fit.iter().map(|&r| y[r]).sum::<f64>() / fit.len().max(1) as f64;
    let cuts = match levels {
        Some(_) => Vec::new(),
        None => {
            let mut present: Vec<f64> = fit.iter().map(|&r| values[r]).filter(|v| v.is_finite()).collect();
            present.sort_unstable_by(f64::total_cmp);
            let bins = (present.len() / BIN_ROWS).clamp(2, BINS);
            let mut cuts: Vec<f64> = (1..bins).filter_map(|k| present.get(k * present.len() / bins).copied()).collect();
            cuts.dedup();
            cuts
        }
    };
    let groups = levels.unwrap_or(cuts.len() + 1);
    // The last group holds what is missing.
    let group = |v: f64| match levels {
        _ if !v.is_finite() => Some(groups),
        None => Some(cuts.partition_point(|c| *c < v)),
        Some(n) if v >= 0.0 && (v as usize) < n => Some(v as usize),
        // A level that the fitting rows never showed.
        Some(_) => None,
    };
    let mut sums = vec![(PRIOR_ROWS * mean, PRIOR_ROWS); groups + 1];
    for &r in fit {
        if let Some(g) = group(values[r]) {
            sums[g].0 += y[r];
            sums[g].1 += 1.0;
        }
    }
    judge.iter().map(|&r| group(values[r]).map_or(mean, |g| sums[g].0 / sums[g].1)).collect()
}

/// Rows on which models are fitted and judged.
pub(in crate::strategy) struct Court {
    data: TrainData,
    /// Features that the models see.
    pub(super) seen: Vec<usize>,
    /// Rows that fit.
    pub(super) fit: Vec<usize>,
    /// Rows that judge.
    pub(super) judge: Vec<usize>,
    /// The truth of the judged rows.
    pub(super) truth: Vec<f64>,
    /// Whether the outcome is yes or no.
    pub(super) binary: bool,
}

impl Court {
    /// The first outcome of these rows; the test part judges. Rows without an outcome are in neither. Of a wide file the
    /// models see `asked`, where these are few, and the features that say most alone.
    pub(in crate::strategy) fn new(mut data: TrainData, asked: &[usize]) -> Self {
        data.y.truncate(1);
        data.outcomes.truncate(1);
        data.warnings.clear();
        let binary = data.outcomes.first().is_some_and(|o| o.is_binary());
        let y = data.y.first().cloned().unwrap_or_default();
        let of = |judges: bool| (0..y.len()).filter(|&r| y[r].is_finite() && (data.parts[r] == Part::Test) == judges).collect::<Vec<_>>();
        let (fit, judge) = (of(false), of(true));
        let truth = judge.iter().map(|&r| y[r]).collect();
        let features = data.encoder.features.len();
        let mut court = Self { data, seen: (0..features).collect(), fit, judge, truth, binary };
        if features > MOST_FEATURES {
            court.seen = court.strongest(asked);
        }
        court
    }

    /// The features that say most alone, on fitting rows only: the judging rows choose nobody.
    fn strongest(&self, asked: &[usize]) -> Vec<usize> {
        let (half, other): (Vec<usize>, Vec<usize>) = self.fit.iter().partition(|r| *r % 2 == 0);
        let truth: Vec<f64> = other.iter().map(|&r| self.data.y[0][r]).collect();
        let value = |j: usize| {
            let scores = alone(&self.column(j), self.levels(j), &self.data.y[0], &half, &other);
            Judged::of(&scores, &truth, self.binary).map_or(f64::NEG_INFINITY, |v| v.value)
        };
        let mut all: Vec<(bool, f64, usize)> =
            (0..self.features()).map(|j| (asked.len() <= MOST_FEATURES && asked.contains(&j), value(j), j)).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
        let mut seen: Vec<usize> = all.into_iter().take(MOST_FEATURES).map(|f| f.2).collect();
        seen.sort_unstable();
        seen
    }

    fn column(&self, feature: usize) -> Vec<f64> {
        (0..self.data.x.n_rows()).map(|r| self.data.x.row(r)[feature]).collect()
    }

    fn levels(&self, feature: usize) -> Option<usize> {
        let f = &self.data.encoder.features[feature];
        f.is_categorical().then(|| f.levels().len())
    }

    /// What guessing reaches.
    pub(in crate::strategy) fn chance(&self) -> f64 {
        if self.binary { 0.5 } else { 0.0 }
    }

    /// Name of the feature.
    pub(super) fn name(&self, feature: usize) -> &str {
        &self.data.encoder.features[feature].name
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.data.encoder.features.len()
    }

    /// Scores of one feature alone.
    pub(super) fn alone(&self, feature: usize) -> Vec<f64> {
        alone(&self.column(feature), self.levels(feature), &self.data.y[0], &self.fit, &self.judge)
    }

    /// The verdict on scores of the judged rows.
    pub(super) fn verdict(&self, scores: &[f64]) -> Option<Judged> {
        Judged::of(scores, &self.truth, self.binary)
    }

    /// What boosted trees say that see every feature (of a wide file, the strongest) but these; with nothing left they guess.
    pub(super) fn without(&self, left_out: &[usize], ctx: &JobCtx) -> Result<Option<Judged>> {
        let keep: Vec<usize> = self.seen.iter().copied().filter(|j| !left_out.contains(j)).collect();
        if keep.is_empty() {
            let mean = self.fit.iter().map(|&r| self.data.y[0][r]).sum::<f64>() / self.fit.len().max(1) as f64;
            return Ok(self.verdict(&vec![mean; self.judge.len()]));
        }
        let TrainData { x, y, parts, outcomes, encoder, data, .. } = &self.data;
        let mut encoder = encoder.clone();
        encoder.features = keep.iter().map(|&j| self.data.encoder.features[j].clone()).collect();
        let values = (0..x.n_rows()).flat_map(|i| keep.iter().map(move |&j| x.row(i)[j])).collect();
        let part = TrainData {
            x: FeatureMatrix { n_features: keep.len(), values },
            y: y.clone(),
            parts: parts.clone(),
            outcomes: outcomes.clone(),
            encoder,
            data: data.clone(),
            warnings: Vec::new(),
        };
        let mut spec = ModelSpec::new("check", ModelKind::Gbdt);
        spec.epochs = Some(ROUNDS);
        let ctx = ctx.without_stage();
        let model = match train(&spec, &part, &ctx) {
            Ok(model) => model,
            Err(fault) if fault.is_cancelled() => return Err(fault),
            // Too few rows, or one class only: nothing can be judged, which is said where the scan is told.
            Err(_) => return Ok(None),
        };
        Ok(self.verdict(&model.predict(&part.x.select(&self.judge), &ctx)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;
    use crate::ml::metrics::{Figures, binary, number};

    #[test]
    fn figures_are_those_of_the_metrics_and_areas_have_delongs_interval() {
        let mut r = rng::rng(4, "judge");
        let y: Vec<f64> = (0..300).map(|i| f64::from(i % 4 == 0)).collect();
        let p: Vec<f64> = y.iter().map(|y| (20.0 * (0.3 * y + rng::unit(&mut r))).round()).collect();
        let own = Judged::of(&p, &y, true).unwrap().measured();
        let Figures::Binary(f) = binary("y", &p, &y, 0.5).figures else { panic!() };
        let (low, high) = f.auc_interval.unwrap();
        assert!((own.value - f.auc.unwrap()).abs() < 1e-12);
        // DeLong divides by one less.
        assert!((own.low - low).abs() < 1e-3 && (own.high - high).abs() < 1e-3, "{own:?} {low} {high}");
        let z: Vec<f64> = y.iter().map(|y| 3.0 * y + rng::normal(&mut r)).collect();
        let own = Judged::of(&p, &z, false).unwrap();
        let Figures::Number(f) = number("z", &p, &z).figures else { panic!() };
        assert!((own.value - f.r2.unwrap()).abs() < 1e-12);
        // A figure less itself is nothing, exactly.
        let none = own.less(&own);
        assert_eq!((none.value, none.low, none.high), (0.0, 0.0, 0.0));
        assert!(Judged::of(&[1.0; 4], &[1.0, 1.0, 1.0, 0.0], true).is_none() && Judged::of(&[1.0; 20], &[2.0; 20], false).is_none());
    }

    #[test]
    fn intervals_cover() {
        // Of 200 samples of a known R² and a known AUC, about 95 % of the intervals hold it.
        let (mut held, mut held_area) = (0, 0);
        for seed in 0..200 {
            let mut r = rng::rng(seed, "cover");
            let x: Vec<f64> = (0..200).map(|_| rng::normal(&mut r)).collect();
            let y: Vec<f64> = x.iter().map(|x| x + rng::normal(&mut r)).collect();
            let m = Judged::of(&x, &y, false).unwrap().measured();
            held += usize::from(m.low <= 0.5 && 0.5 <= m.high);
            // Normal scores one apart: Φ(1/√2) of the pairs are in order.
            let yes: Vec<f64> = (0..200).map(|i| f64::from(i % 2 == 0)).collect();
            let s: Vec<f64> = yes.iter().zip(&x).map(|(y, x)| y + x).collect();
            let m = Judged::of(&s, &yes, true).unwrap().measured();
            held_area += usize::from(m.low <= 0.760_25 && 0.760_25 <= m.high);
        }
        assert!((180..=198).contains(&held) && (180..=198).contains(&held_area), "{held} {held_area}");
    }

    #[test]
    fn a_column_alone_says_what_its_groups_say() {
        let n = 400;
        let y: Vec<f64> = (0..n).map(|i| (i % 2) as f64).collect();
        let (fit, judge): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| i % 4 < 2);
        let verdict = |values: &[f64], levels| {
            let truth: Vec<f64> = judge.iter().map(|&r| y[r]).collect();
            Judged::of(&alone(values, levels, &y, &fit, &judge), &truth, true).unwrap().value
        };
        // A gap tells, a valley tells, a level tells; a level that nobody saw guesses.
        assert_eq!(verdict(&(0..n).map(|i| if i % 2 == 1 { 7.0 } else { f64::NAN }).collect::<Vec<_>>(), None), 1.0);
        assert_eq!(
            verdict(&(0..n).map(|i| if i % 2 == 1 { 0.0 } else { f64::from(u8::from(i % 8 < 4)) * 8.0 - 4.0 }).collect::<Vec<_>>(), None),
            1.0
        );
        assert_eq!(verdict(&(0..n).map(|i| (i % 2) as f64).collect::<Vec<_>>(), Some(2)), 1.0);
        assert_eq!(verdict(&vec![crate::data::features::UNSEEN; n], Some(2)), 0.5);
    }
}
