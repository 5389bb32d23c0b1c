//! Evaluation on held-out rows: how good, how well calibrated, where the threshold lies.

use serde::{Deserialize, Serialize};

/// Figures of one outcome on one part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Target column.
    pub target: String,
    /// Rows evaluated.
    pub rows: usize,
    /// Positives among them (yes/no).
    pub positives: usize,
    /// The figures.
    pub figures: Figures,
    /// For a movable threshold: counts at each of the distinct thresholds, thinned to at most 1,001 points (yes/no).
    pub thresholds: Vec<ThresholdPoint>,
    /// Calibration bins (yes/no).
    pub calibration: Vec<CalibrationBin>,
    /// Cumulative gain: share of rows contacted, share of positives reached; 101 points (yes/no).
    pub gain: Vec<(f64, f64)>,
}

/// The headline figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figures {
    /// Of a yes/no outcome.
    Binary(BinaryFigures),
    /// Of an amount.
    Number(NumberFigures),
}

/// Of a yes/no outcome; `None` where it is not defined (one class only).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinaryFigures {
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Its 95 % interval (DeLong).
    pub auc_interval: Option<(f64, f64)>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Mean log-loss.
    #[serde(with = "nullable")]
    pub log_loss: f64,
    /// Share of right answers at the threshold.
    #[serde(with = "nullable")]
    pub accuracy: f64,
    /// F1 at the threshold.
    #[serde(with = "nullable")]
    pub f1: f64,
    /// Expected calibration error, 10 equal-width bins.
    #[serde(with = "nullable")]
    pub ece: f64,
    /// The threshold.
    pub threshold: f64,
}

/// Of an amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberFigures {
    /// Root mean squared error.
    #[serde(with = "nullable")]
    pub rmse: f64,
    /// Mean absolute error.
    #[serde(with = "nullable")]
    pub mae: f64,
    /// Share of variance explained; `None` for a constant target.
    pub r2: Option<f64>,
}

/// The confusion matrix at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPoint {
    /// Predicted positive when p ≥ this.
    pub threshold: f64,
    /// Right yes.
    pub true_positives: usize,
    /// Wrong yes.
    pub false_positives: usize,
    /// Right no.
    pub true_negatives: usize,
    /// Wrong no.
    pub false_negatives: usize,
}

/// One bin of the calibration curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
    /// 95 % interval of that share (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Rows in the bin.
    pub rows: usize,
}

/// One row's score and truth.
type Pair = (f64, f64);

/// z of a two-sided 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;
/// Most points of the threshold table.
const MOST_THRESHOLDS: usize = 1001;
/// Bins of the calibration curve and of the ECE.
const BINS: usize = 10;

/// Figures of a yes/no outcome from probabilities `p` and answers `y` (1 = yes).
///
/// Rows whose answer or probability is missing (NaN) are left out. Where no row is left, log-loss, accuracy, F1 and ECE
/// are NaN (null in JSON); where only one class is present, AUC, its interval and average precision are `None`.
pub fn binary(target: &str, p: &[f64], y: &[f64], threshold: f64) -> Evaluation {
    let mut pairs: Vec<Pair> = p.iter().copied().zip(y.iter().copied()).filter(|(p, y)| !p.is_nan() && !y.is_nan()).collect();
    // The stable sort keeps file order among ties, so sums have one order everywhere.
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows = pairs.len();
    let positives = pairs.iter().filter(|r| r.1 > 0.5).count();
    let groups = tie_groups(&pairs);
    let at = confusion(&pairs, threshold);
    let calibration = calibration(&pairs);
    let figures = BinaryFigures {
        auc: auc(&groups),
        auc_interval: delong(&groups),
        average_precision: average_precision(&groups),
        log_loss: log_loss(&pairs),
        accuracy: share(at.true_positives + at.true_negatives, rows),
        f1: if rows == 0 { f64::NAN } else { f1(&at) },
        ece: if rows == 0 {
            f64::NAN
        } else {
            calibration.iter().map(|b| b.rows as f64 / rows as f64 * (b.predicted - b.observed).abs()).sum()
        },
        threshold,
    };
    Evaluation {
        target: target.to_owned(),
        rows,
        positives,
        thresholds: threshold_table(&groups, threshold),
        gain: gain(&groups),
        figures: Figures::Binary(figures),
        calibration,
    }
}

/// Figures of an amount. Rows whose truth or prediction is missing are left out; with no row left RMSE and MAE are NaN
/// (null in JSON) and R² is `None`.
pub fn number(target: &str, p: &[f64], y: &[f64]) -> Evaluation {
    let pairs: Vec<Pair> = p.iter().copied().zip(y.iter().copied()).filter(|(p, y)| !p.is_nan() && !y.is_nan()).collect();
    let n = pairs.len() as f64;
    let squares: f64 = pairs.iter().map(|(p, y)| (y - p) * (y - p)).sum();
    let absolute: f64 = pairs.iter().map(|(p, y)| (y - p).abs()).sum();
    let mean = pairs.iter().map(|r| r.1).sum::<f64>() / n;
    let total: f64 = pairs.iter().map(|r| (r.1 - mean) * (r.1 - mean)).sum();
    let constant = pairs.windows(2).all(|w| w[0].1 == w[1].1);
    Evaluation {
        target: target.to_owned(),
        rows: pairs.len(),
        positives: 0,
        figures: Figures::Number(NumberFigures {
            rmse: (squares / n).sqrt(),
            mae: absolute / n,
            r2: (!constant && total > 0.0).then(|| 1.0 - squares / total),
        }),
        thresholds: Vec::new(),
        calibration: Vec::new(),
        gain: Vec::new(),
    }
}

impl Evaluation {
    /// The confusion matrix when `p ≥ t` is a yes, read from the stored table: the smallest stored threshold that is not
    /// below `t`. A higher `t` never predicts more positives. All zero where nothing was evaluated.
    pub fn at_threshold(&self, t: f64) -> ThresholdPoint {
        let i = self.thresholds.partition_point(|p| p.threshold < t);
        let empty = ThresholdPoint {
            threshold: t,
            true_positives: 0,
            false_positives: 0,
            true_negatives: self.rows - self.positives,
            false_negatives: self.positives,
        };
        self.thresholds.get(i).map_or(empty, |p| ThresholdPoint { threshold: t, ..*p })
    }

    /// The area under the ROC curve, if this is a yes/no outcome with both classes.
    pub fn auc(&self) -> Option<f64> {
        match &self.figures {
            Figures::Binary(b) => b.auc,
            Figures::Number(_) => None,
        }
    }
}

impl ThresholdPoint {
    /// Share of predicted yes that are yes; NaN if nothing is predicted yes.
    pub fn precision(&self) -> f64 {
        share(self.true_positives, self.true_positives + self.false_positives)
    }
    /// Share of yes that are found; NaN if there is none.
    pub fn recall(&self) -> f64 {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }
    /// Share of right answers.
    pub fn accuracy(&self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        share(right, right + self.false_positives + self.false_negatives)
    }
    /// F1; 0 where nothing is right.
    pub fn f1(&self) -> f64 {
        f1(self)
    }
}

/// Rows that share a score, in ascending order of the score.
#[derive(Clone, Copy)]
struct Ties {
    score: f64,
    positives: usize,
    negatives: usize,
}

fn tie_groups(sorted: &[Pair]) -> Vec<Ties> {
    let mut out: Vec<Ties> = Vec::new();
    for &(score, y) in sorted {
        if out.last().is_none_or(|t| t.score != score) {
            out.push(Ties { score, positives: 0, negatives: 0 });
        }
        if let Some(last) = out.last_mut() {
            *if y > 0.5 { &mut last.positives } else { &mut last.negatives } += 1;
        }
    }
    out
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 { f64::NAN } else { part as f64 / of as f64 }
}

fn totals(groups: &[Ties]) -> (usize, usize) {
    groups.iter().fold((0, 0), |(p, n), g| (p + g.positives, n + g.negatives))
}

fn auc(groups: &[Ties]) -> Option<f64> {
    let (p, n) = totals(groups);
    if p == 0 || n == 0 {
        return None;
    }
    // Twice the number of (yes, no) pairs in the right order, ties counting half: whole numbers, so exact.
    let (mut below, mut twice) = (0u128, 0u128);
    for g in groups {
        twice += g.positives as u128 * (2 * below + g.negatives as u128);
        below += g.negatives as u128;
    }
    Some(twice as f64 / (2.0 * p as f64 * n as f64))
}

/// DeLong's 95 % interval from the placement values of both classes; needs two rows of each.
fn delong(groups: &[Ties]) -> Option<(f64, f64)> {
    let (p, n) = totals(groups);
    if p < 2 || n < 2 {
        return None;
    }
    let area = auc(groups)?;
    let (mut below_p, mut below_n) = (0.0, 0.0);
    let (mut var_p, mut var_n) = (0.0, 0.0);
    for g in groups {
        let placed_p = (below_n + 0.5 * g.negatives as f64) / n as f64;
        let placed_n = (p as f64 - below_p - 0.5 * g.positives as f64) / p as f64;
        var_p += g.positives as f64 * (placed_p - area) * (placed_p - area);
        var_n += g.negatives as f64 * (placed_n - area) * (placed_n - area);
        below_p += g.positives as f64;
        below_n += g.negatives as f64;
    }
    let variance = var_p / ((p - 1) as f64 * p as f64) + var_n / ((n - 1) as f64 * n as f64);
    let half = Z95 * variance.sqrt();
    Some(((area - half).max(0.0), (area + half).min(1.0)))
}

/// Σ (Rₙ − Rₙ₋₁)·Pₙ over the distinct scores, from the highest.
fn average_precision(groups: &[Ties]) -> Option<f64> {
    let (p, n) = totals(groups);
    if p == 0 || n == 0 {
        return None;
    }
    let (mut tp, mut all, mut sum) = (0usize, 0usize, 0.0);
    for g in groups.iter().rev() {
        tp += g.positives;
        all += g.positives + g.negatives;
        sum += g.positives as f64 / p as f64 * (tp as f64 / all as f64);
    }
    Some(sum)
}

fn log_loss(pairs: &[Pair]) -> f64 {
    let sum: f64 = pairs
        .iter()
        .map(|&(p, y)| {
            let p = p.clamp(1e-15, 1.0 - 1e-15);
            -(y * p.ln() + (1.0 - y) * (-p).ln_1p())
        })
        .sum();
    if pairs.is_empty() { f64::NAN } else { sum / pairs.len() as f64 }
}

fn confusion(sorted: &[Pair], threshold: f64) -> ThresholdPoint {
    let cut = sorted.partition_point(|r| r.0 < threshold);
    let yes = |rows: &[Pair]| rows.iter().filter(|r| r.1 > 0.5).count();
    let (fn_, tp) = (yes(&sorted[..cut]), yes(&sorted[cut..]));
    ThresholdPoint {
        threshold,
        true_positives: tp,
        false_positives: sorted.len() - cut - tp,
        true_negatives: cut - fn_,
        false_negatives: fn_,
    }
}

fn f1(at: &ThresholdPoint) -> f64 {
    let wrong = at.false_positives + at.false_negatives;
    if at.true_positives == 0 { 0.0 } else { 2.0 * at.true_positives as f64 / (2 * at.true_positives + wrong) as f64 }
}

/// Counts at the distinct scores, ascending; thinned evenly, but never without the point that answers for `keep`.
fn threshold_table(groups: &[Ties], keep: f64) -> Vec<ThresholdPoint> {
    let (p, n) = totals(groups);
    let (mut below_p, mut below_n) = (0, 0);
    let mut all = Vec::with_capacity(groups.len());
    for g in groups {
        all.push(ThresholdPoint {
            threshold: g.score,
            true_positives: p - below_p,
            false_positives: n - below_n,
            true_negatives: below_n,
            false_negatives: below_p,
        });
        below_p += g.positives;
        below_n += g.negatives;
    }
    if all.len() <= MOST_THRESHOLDS {
        return all;
    }
    let steps = MOST_THRESHOLDS - 2;
    let mut chosen: Vec<usize> = (0..=steps).map(|i| i * (all.len() - 1) / steps).collect();
    let kept = all.partition_point(|t| t.threshold < keep);
    if kept < all.len() {
        chosen.push(kept);
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|i| all[i]).collect()
}

fn calibration(pairs: &[Pair]) -> Vec<CalibrationBin> {
    let mut bins = [(0usize, 0usize, 0.0f64); BINS];
    for &(p, y) in pairs {
        let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += 1;
        bin.1 += usize::from(y > 0.5);
        bin.2 += p;
    }
    bins.iter()
        .filter(|b| b.0 > 0)
        .map(|&(rows, yes, sum)| {
            let (low, high) = wilson(yes, rows);
            CalibrationBin { predicted: sum / rows as f64, observed: yes as f64 / rows as f64, low, high, rows }
        })
        .collect()
}

/// Wilson's 95 % interval of a share; (0, 1) without rows.
pub fn wilson(yes: usize, rows: usize) -> (f64, f64) {
    if rows == 0 {
        return (0.0, 1.0);
    }
    let (n, p, zz) = (rows as f64, yes as f64 / rows as f64, Z95 * Z95);
    let centre = (p + zz / (2.0 * n)) / (1.0 + zz / n);
    let half = Z95 / (1.0 + zz / n) * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Share of positives reached when the best-scored share of rows is contacted; rows that tie are met in proportion.
fn gain(groups: &[Ties]) -> Vec<(f64, f64)> {
    let (p, n) = totals(groups);
    if p == 0 {
        return Vec::new();
    }
    let rows = (p + n) as f64;
    let mut out = Vec::with_capacity(101);
    let mut left = groups.iter().rev();
    let mut group = left.next();
    let (mut before_rows, mut before_yes) = (0.0, 0.0);
    for i in 0..=100u32 {
        let wanted = f64::from(i) / 100.0 * rows;
        while let Some(g) = group {
            let size = (g.positives + g.negatives) as f64;
            if before_rows + size >= wanted {
                break;
            }
            before_rows += size;
            before_yes += g.positives as f64;
            group = left.next();
        }
        let part = group.map_or(0.0, |g| (wanted - before_rows) / (g.positives + g.negatives) as f64 * g.positives as f64);
        out.push((f64::from(i) / 100.0, ((before_yes + part) / p as f64).min(1.0)));
    }
    out
}

/// Figures that may be undefined: NaN here, null in JSON.
mod nullable {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
        if x.is_finite() { s.serialize_some(x) } else { s.serialize_none() }
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(e: &Evaluation) -> &BinaryFigures {
        match &e.figures {
            Figures::Binary(b) => b,
            Figures::Number(_) => panic!("not a yes/no outcome"),
        }
    }

    #[test]
    fn hand_values_with_ties() {
        // Scores .1 .4 .4 .8, answers no no yes yes: pairs .1<.4 ✓ .1<.8 ✓ .4=.4 ½ .4<.8 ✓ → 3.5 of 4.
        let e = binary("y", &[0.1, 0.4, 0.4, 0.8], &[0.0, 0.0, 1.0, 1.0], 0.5);
        let f = figures(&e);
        assert_eq!(f.auc, Some(0.875));
        // Recall ½ at precision 1, then 1 at precision ⅔ (the tie enters as one group).
        assert!((f.average_precision.unwrap() - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
        assert_eq!((f.accuracy, f.f1), (0.75, 2.0 / 3.0));
        let loss = -((0.9f64).ln() + (0.6f64).ln() + (0.4f64).ln() + (0.8f64).ln()) / 4.0;
        assert!((f.log_loss - loss).abs() < 1e-15);
        // Bins 1, 4 and 8: |.1−0|·¼ + |.4−.5|·½ + |.8−1|·¼.
        assert!((f.ece - (0.025 + 0.05 + 0.05)).abs() < 1e-15);
        assert_eq!(e.calibration.len(), 3);
        assert_eq!((e.gain[0], e.gain[50].1, e.gain[100]), ((0.0, 0.0), 0.75, (1.0, 1.0)));
    }

    #[test]
    fn auc_is_the_share_of_ordered_pairs_and_its_interval_is_delongs() {
        let mut rng = crate::base::rng::rng(3, "auc");
        let y: Vec<f64> = (0..60).map(|i| f64::from(i % 3 == 0)).collect();
        let p: Vec<f64> = y.iter().map(|y| (10.0 * (0.3 * y + 0.7 * crate::base::rng::unit(&mut rng))).round() / 10.0).collect();
        let kernel = |a: f64, b: f64| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        };
        let yes: Vec<f64> = (0..60).filter(|&i| y[i] == 1.0).map(|i| p[i]).collect();
        let no: Vec<f64> = (0..60).filter(|&i| y[i] == 0.0).map(|i| p[i]).collect();
        let v10: Vec<f64> = yes.iter().map(|a| no.iter().map(|b| kernel(*a, *b)).sum::<f64>() / no.len() as f64).collect();
        let v01: Vec<f64> = no.iter().map(|b| yes.iter().map(|a| kernel(*a, *b)).sum::<f64>() / yes.len() as f64).collect();
        let area = v10.iter().sum::<f64>() / v10.len() as f64;
        let var = |v: &[f64]| v.iter().map(|x| (x - area) * (x - area)).sum::<f64>() / (v.len() - 1) as f64;
        let half = Z95 * (var(&v10) / v10.len() as f64 + var(&v01) / v01.len() as f64).sqrt();
        let e = binary("y", &p, &y, 0.5);
        assert!((figures(&e).auc.unwrap() - area).abs() < 1e-12);
        let (low, high) = figures(&e).auc_interval.unwrap();
        assert!((low - (area - half)).abs() < 1e-12 && (high - (area + half).min(1.0)).abs() < 1e-12);
    }

    #[test]
    fn nothing_and_one_class_are_said_not_invented() {
        let e = binary("y", &[], &[], 0.5);
        let f = figures(&e);
        assert!(e.rows == 0 && f.auc.is_none() && f.log_loss.is_nan() && f.ece.is_nan() && f.f1.is_nan());
        assert!(e.thresholds.is_empty() && e.gain.is_empty());
        let back: Evaluation = serde_json::from_str(&serde_json::to_string(&e).unwrap()).unwrap();
        assert!(figures(&back).log_loss.is_nan() && figures(&back).auc.is_none());
        let e = binary("y", &[0.2, 0.6, f64::NAN, 0.1], &[0.0, 0.0, 1.0, f64::NAN], 0.5);
        let f = figures(&e);
        assert_eq!((e.rows, e.positives, f.auc, f.average_precision, f.auc_interval), (2, 0, None, None, None));
        assert_eq!((f.accuracy, f.f1), (0.5, 0.0));
        assert!(f.log_loss.is_finite() && e.gain.is_empty());
        let e = number("v", &[], &[]);
        let back: Evaluation = serde_json::from_str(&serde_json::to_string(&e).unwrap()).unwrap();
        assert!(matches!(back.figures, Figures::Number(NumberFigures { rmse, r2: None, .. }) if rmse.is_nan()));
    }

    #[test]
    fn certainty_that_is_wrong_costs_a_finite_amount() {
        let e = binary("y", &[1.0, 0.0], &[0.0, 1.0], 0.5);
        assert!((figures(&e).log_loss - 34.54).abs() < 0.01);
    }

    #[test]
    fn amounts_by_hand() {
        let e = number("v", &[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0]);
        let Figures::Number(f) = e.figures else { panic!() };
        assert!((f.rmse - (5.0f64 / 3.0).sqrt()).abs() < 1e-15 && f.mae == 1.0 && (f.r2.unwrap() + 1.5).abs() < 1e-15);
        let Figures::Number(f) = number("v", &[1.0, 2.0], &[5.0, 5.0]).figures else { panic!() };
        assert_eq!(f.r2, None);
    }

    #[test]
    fn the_table_answers_for_every_threshold() {
        let mut rng = crate::base::rng::rng(5, "table");
        let p: Vec<f64> = (0..5000).map(|_| crate::base::rng::unit(&mut rng)).collect();
        let y: Vec<f64> = p.iter().map(|p| f64::from(crate::base::rng::unit(&mut rng) < *p)).collect();
        let e = binary("y", &p, &y, 0.37);
        assert!(e.thresholds.len() <= MOST_THRESHOLDS);
        let exact = e.at_threshold(0.37);
        assert_eq!(exact.true_positives, (0..5000).filter(|&i| p[i] >= 0.37 && y[i] == 1.0).count());
        assert_eq!(exact.f1(), figures(&e).f1);
        assert_eq!(exact.accuracy(), figures(&e).accuracy);
        let mut last = usize::MAX;
        for i in 0..=110 {
            let t = e.at_threshold(f64::from(i) / 100.0);
            let yes = t.true_positives + t.false_positives;
            assert!(yes <= last);
            assert_eq!(yes + t.true_negatives + t.false_negatives, 5000);
            last = yes;
        }
        assert_eq!(last, 0);
        let small = binary("y", &p[..300], &y[..300], 0.5);
        for t in [0.0, 0.123, 0.5, 0.99, 1.5] {
            let brute = (0..300).filter(|&i| p[i] >= t && y[i] == 0.0).count();
            assert_eq!(small.at_threshold(t).false_positives, brute);
        }
    }

    #[test]
    fn wilson_by_hand() {
        let (low, high) = wilson(10, 100);
        assert!((low - 0.055_23).abs() < 1e-4 && (high - 0.174_37).abs() < 1e-4, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }
}
