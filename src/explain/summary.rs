//! Many rows at once: importance bars, beeswarm, dependence. All drawn from bins and samples whose size does not grow
//! with the rows.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use crate::base::rng;
use crate::data::Feature;

/// Replicates of the bootstrap.
const REPLICATES: usize = 200;
/// Rows above which the interval is the normal one: the two no longer differ by anything one could see.
const MOST_BOOTSTRAP: usize = 20_000;
/// Most dots of a beeswarm.
const DOTS: usize = 300;
/// Most bins of a dependence curve, without the one of missing values.
const BINS: usize = 12;

/// What a set of explained rows looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows summarised.
    pub rows: usize,
    /// Features by mean |attribution|, largest first.
    pub importance: Vec<Importance>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Index of the feature.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Mean absolute attribution.
    pub mean_abs: f64,
    /// 95 % interval of that mean (bootstrap over rows).
    pub interval: (f64, f64),
    /// Whether the rows do not say that the bar before it is longer: the paired differences row by row, drawn anew, turn
    /// the two round in more than 2.5 % of the draws.
    #[serde(default)]
    pub tied: bool,
    /// Mean signed attribution.
    pub mean: f64,
    /// Rank correlation of value and attribution: does more of it push up? `None` for categories and constants.
    pub direction: Option<f64>,
    /// Beeswarm: up to 300 sampled dots.
    pub dots: Vec<Dot>,
    /// Dependence: bins of the value (or levels), with mean attribution and a 10–90 % band.
    pub dependence: Vec<DependenceBin>,
}

/// One row in a beeswarm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dot {
    /// Line in the file.
    pub row: u32,
    /// Attribution.
    pub value: f64,
    /// Position of the feature's value among all rows, 0 to 1 (colour); NaN for missing.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub rank: f64,
    /// Vertical place within the swarm, −1 to 1.
    pub offset: f64,
    /// The feature's value.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub input: f64,
}

/// One bin of a dependence curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependenceBin {
    /// The level or the range, as shown.
    pub label: String,
    /// Middle of the bin (numeric) or the level's index.
    #[serde(deserialize_with = "crate::base::nan::one")]
    pub x: f64,
    /// Smallest value in it; NaN where it is no range of values.
    #[serde(default = "nowhere", deserialize_with = "crate::base::nan::one")]
    pub from: f64,
    /// Largest value in it.
    #[serde(default = "nowhere", deserialize_with = "crate::base::nan::one")]
    pub to: f64,
    /// Rows in it.
    pub rows: usize,
    /// Mean attribution.
    pub mean: f64,
    /// 95 % interval of that mean; none of a single row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// 10 % quantile.
    pub low: f64,
    /// 90 % quantile.
    pub high: f64,
}

fn nowhere() -> f64 {
    f64::NAN
}

impl DependenceBin {
    /// Whether a value lies in it; the bin of missing values has no place.
    pub fn holds(&self, value: f64) -> bool {
        if value.is_nan() { self.x.is_nan() } else { self.from <= value && value <= self.to }
    }
}

/// Ranks from 0, ties at their mean; NaN for NaN.
pub(super) fn ranks(v: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..v.len()).filter(|&i| !v[i].is_nan()).collect();
    order.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
    let mut out = vec![f64::NAN; v.len()];
    let mut from = 0;
    while from < order.len() {
        let same = order[from..].iter().take_while(|&&i| v[i] == v[order[from]]).count();
        for &i in &order[from..from + same] {
            out[i] = from as f64 + (same - 1) as f64 / 2.0;
        }
        from += same;
    }
    out
}

/// Spearman's rank correlation over the pairs without NaN; `None` if one side is constant.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b): (Vec<f64>, Vec<f64>) = a.iter().zip(b).filter(|(x, y)| !x.is_nan() && !y.is_nan()).map(|(x, y)| (*x, *y)).unzip();
    let (a, b) = (ranks(&a), ranks(&b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b) {
        ab += (x - mean) * (y - mean);
        aa += (x - mean).powi(2);
        bb += (y - mean).powi(2);
    }
    (aa > 0.0 && bb > 0.0).then(|| (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

/// The p-quantile of sorted numbers, between neighbours by straight line.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = p * last as f64;
    let low = at.floor() as usize;
    sorted[low] + (at - at.floor()) * (sorted[(low + 1).min(last)] - sorted[low])
}

/// Sums up many explained rows: same seed, same summary.
pub fn summarise(a: &Attribution, features: &[Feature], seed: u64) -> Summary {
    let (n, m) = (a.rows.len(), a.n_features());
    let weights = replicates(n, seed);
    let mut chosen: Vec<usize> = (0..n).collect();
    if n > DOTS {
        rng::shuffle(&mut rng::rng(seed, "beeswarm"), &mut chosen);
        chosen.truncate(DOTS);
        chosen.sort_unstable();
    }
    let mut importance: Vec<Importance> = (0..m)
        .into_par_iter()
        .map(|f| {
            let values: Vec<f64> = (0..n).map(|i| a.values[i * m + f]).collect();
            let inputs: Vec<f64> = (0..n).map(|i| a.inputs[i * m + f]).collect();
            let sizes: Vec<f64> = values.iter().map(|v| v.abs()).collect();
            let feature = a.feature(f, features);
            let categorical = feature.is_some_and(Feature::is_categorical);
            Importance {
                feature: f,
                name: a.features[f].clone(),
                mean_abs: mean(&sizes),
                interval: interval(&sizes, &weights),
                tied: false,
                mean: mean(&values),
                direction: if categorical { None } else { spearman(&inputs, &values) },
                dots: dots(a, &values, &inputs, &chosen),
                dependence: dependence(&values, &inputs, feature),
            }
        })
        .collect();
    importance.sort_by(|x, y| y.mean_abs.total_cmp(&x.mean_abs).then(x.feature.cmp(&y.feature)));
    let order: Vec<usize> = importance.iter().map(|i| i.feature).collect();
    importance.iter_mut().skip(1).zip(neighbours(a, &order, &weights)).for_each(|(i, tied)| i.tied = tied);
    Summary { rows: n, importance }
}

/// For each bar but the first, largest first: whether it cannot be told from the one before it.
pub(super) fn ties(a: &Attribution, seed: u64) -> Vec<bool> {
    let (n, m) = (a.rows.len(), a.n_features());
    let sizes: Vec<f64> = (0..m).map(|f| mean(&(0..n).map(|i| a.row(i)[f].abs()).collect::<Vec<_>>())).collect();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|x, y| sizes[*y].total_cmp(&sizes[*x]).then(x.cmp(y)));
    neighbours(a, &order, &replicates(n, seed))
}

/// The same for bars in a given order. The differences are taken within each row, so that what lifts both bars in some rows
/// does not hide which of them is longer; every pair sees the same draws.
fn neighbours(a: &Attribution, order: &[usize], weights: &[Vec<u16>]) -> Vec<bool> {
    let n = a.rows.len();
    let tied = |w: &[usize]| {
        let gaps: Vec<f64> = (0..n).map(|i| a.row(i)[w[0]].abs() - a.row(i)[w[1]].abs()).collect();
        if n < 2 {
            return true;
        }
        if weights.is_empty() {
            let middle = mean(&gaps);
            let variance = gaps.iter().map(|g| (g - middle).powi(2)).sum::<f64>() / (n as f64 - 1.0);
            return middle <= 1.96 * (variance / n as f64).sqrt();
        }
        let drawn = |w: &Vec<u16>| w.iter().zip(&gaps).map(|(k, g)| f64::from(*k) * g).sum::<f64>();
        let turned = weights.iter().filter(|w| drawn(w) <= 0.0).count();
        turned as f64 > 0.025 * weights.len() as f64
    };
    order.windows(2).collect::<Vec<_>>().into_par_iter().map(tied).collect()
}

fn mean(v: &[f64]) -> f64 {
    if v.is_empty() { 0.0 } else { v.iter().sum::<f64>() / v.len() as f64 }
}

/// How often every row is drawn in each replicate; the same draws for all features.
fn replicates(n: usize, seed: u64) -> Vec<Vec<u16>> {
    if !(2..=MOST_BOOTSTRAP).contains(&n) {
        return Vec::new();
    }
    let mut rng = rng::rng(seed, "importance");
    let one = |_| {
        let mut counts = vec![0u16; n];
        for _ in 0..n {
            counts[rng::below(&mut rng, n)] += 1;
        }
        counts
    };
    (0..REPLICATES).map(one).collect()
}

fn interval(sizes: &[f64], weights: &[Vec<u16>]) -> (f64, f64) {
    let n = sizes.len() as f64;
    let middle = mean(sizes);
    if weights.is_empty() {
        let variance = sizes.iter().map(|s| (s - middle).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let half = 1.96 * (variance / n.max(1.0)).sqrt();
        return ((middle - half).max(0.0), middle + half);
    }
    let mut means: Vec<f64> = weights.iter().map(|w| w.iter().zip(sizes).map(|(k, s)| f64::from(*k) * s).sum::<f64>() / n).collect();
    means.sort_by(f64::total_cmp);
    (quantile(&means, 0.025), quantile(&means, 0.975))
}

/// Dots of one feature: near values pile up on alternating sides of the middle line.
fn dots(a: &Attribution, values: &[f64], inputs: &[f64], chosen: &[usize]) -> Vec<Dot> {
    const COLUMNS: f64 = 60.0;
    let places = ranks(inputs);
    let most = places.iter().copied().filter(|p| !p.is_nan()).fold(0.0, f64::max).max(1.0);
    let widest = a.values.iter().fold(0.0f64, |w, v| w.max(v.abs())).max(f64::MIN_POSITIVE);
    let column = |i: usize| (values[i] / widest * COLUMNS / 2.0).round() as i32;
    let mut filled: std::collections::BTreeMap<i32, usize> = std::collections::BTreeMap::new();
    for &i in chosen {
        *filled.entry(column(i)).or_default() += 1;
    }
    // Thin swarms stay thin: the full height is for 12 dots in a column and more.
    let height = filled.values().copied().max().unwrap_or(1).max(12) as f64 / 2.0;
    filled.clear();
    let mut dots = Vec::with_capacity(chosen.len());
    for &i in chosen {
        let k = filled.entry(column(i)).or_default();
        let side = if (*k).is_multiple_of(2) { 1.0 } else { -1.0 };
        let offset = side * k.div_ceil(2) as f64 / height;
        *k += 1;
        dots.push(Dot { row: a.rows[i], value: values[i], rank: places[i] / most, offset: offset.clamp(-1.0, 1.0), input: inputs[i] });
    }
    dots
}

/// Rows of like values, summed up.
pub(super) fn bin(label: String, x: f64, (from, to): (f64, f64), mut values: Vec<f64>) -> DependenceBin {
    values.sort_by(f64::total_cmp);
    let (rows, mean) = (values.len(), mean(&values));
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (rows as f64 - 1.0).max(1.0);
    let half = 1.96 * (variance / rows as f64).sqrt();
    let interval = (rows > 1 && half.is_finite()).then_some((mean - half, mean + half));
    DependenceBin { label, x, from, to, rows, mean, interval, low: quantile(&values, 0.1), high: quantile(&values, 0.9) }
}

fn dependence(values: &[f64], inputs: &[f64], feature: Option<&Feature>) -> Vec<DependenceBin> {
    let mut order: Vec<usize> = (0..inputs.len()).filter(|&i| !inputs[i].is_nan()).collect();
    order.sort_by(|&i, &j| inputs[i].total_cmp(&inputs[j]).then(i.cmp(&j)));
    let show = |x: f64| feature.map_or_else(|| crate::base::numbers::plain(x), |f| f.show(x));
    // Runs of one value are never cut.
    let mut runs: Vec<Vec<usize>> = order.chunk_by(|&i, &j| inputs[i] == inputs[j]).map(<[usize]>::to_vec).collect();
    let of = |rows: &[usize]| rows.iter().map(|&i| values[i]).collect::<Vec<f64>>();
    let mut out = Vec::new();
    if feature.is_some_and(Feature::is_categorical) {
        let mut others = Vec::new();
        if runs.len() > BINS {
            let mut sizes: Vec<usize> = runs.iter().map(Vec::len).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let least = sizes[BINS - 2];
            let mut kept = 0;
            runs.retain(|run| {
                let keep = run.len() >= least && kept < BINS - 1;
                if keep {
                    kept += 1;
                } else {
                    others.extend(of(run));
                }
                keep
            });
        }
        out.extend(runs.iter().map(|run| bin(show(inputs[run[0]]), inputs[run[0]], (inputs[run[0]], inputs[run[0]]), of(run))));
        if !others.is_empty() {
            let x = feature.map_or(0, |f| f.levels().len()) as f64;
            out.push(bin("…".to_owned(), x, (f64::NAN, f64::NAN), others));
        }
    } else {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        if runs.len() <= BINS {
            groups = runs;
        } else {
            let mut left = order.len();
            let mut now: Vec<usize> = Vec::new();
            for run in runs {
                now.extend(run);
                let bins = (BINS - groups.len()).max(1);
                if bins > 1 && now.len() * bins >= left {
                    left -= now.len();
                    groups.push(std::mem::take(&mut now));
                }
            }
            if !now.is_empty() {
                groups.push(now);
            }
        }
        for group in groups {
            let sorted: Vec<f64> = group.iter().map(|&i| inputs[i]).collect();
            let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
            let label = if first == last { show(first) } else { format!("{} – {}", show(first), show(last)) };
            out.push(bin(label, quantile(&sorted, 0.5), (first, last), of(&group)));
        }
    }
    let missing: Vec<f64> = (0..inputs.len()).filter(|&i| inputs[i].is_nan()).map(|i| values[i]).collect();
    if !missing.is_empty() {
        // Missing has no place on the axis.
        out.push(bin("–".to_owned(), f64::NAN, (f64::NAN, f64::NAN), missing));
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::{Fingerprint, Notice};
    use crate::data::FeatureKind;
    use crate::explain::Method;
    use crate::ml::model::Scale;

    pub fn feature(name: &str, levels: &[&str]) -> Feature {
        let levels: Vec<String> = levels.iter().map(ToString::to_string).collect();
        let kind =
            if levels.is_empty() { FeatureKind::Numeric { integer: false, boolean: false } } else { FeatureKind::Categorical { levels } };
        let (quantiles, shares) = (Vec::new(), Vec::new());
        Feature { name: name.to_owned(), kind, mean: 0.0, sd: 1.0, range: (0.0, 1.0), quantiles, shares, missing: 0.0 }
    }

    /// An attribution from inputs and values, row-major.
    pub fn attribution(features: &[Feature], inputs: Vec<f64>, values: Vec<f64>, base: f64, scale: Scale) -> Attribution {
        let m = features.len();
        let predictions: Vec<f64> = values.chunks(m).map(|v| base + v.iter().sum::<f64>()).collect();
        Attribution {
            method: Method::TreeShap,
            scale,
            outcome: "Revenue".into(),
            class: String::new(),
            outcome_index: 0,
            amount: false,
            exact: true,
            features: features.iter().map(|f| f.name.clone()).collect(),
            members: Vec::new(),
            reference: None,
            rows: (0..predictions.len() as u32).map(|i| i * 10).collect(),
            inputs,
            values,
            base,
            base_note: Notice::new("explain.base_trees"),
            gaps: vec![0.0; predictions.len()],
            predictions,
            half_width: Vec::new(),
            seed: 1,
            model: Fingerprint::default(),
            data: Fingerprint::default(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn rank_correlation_by_hand() {
        let r = ranks(&[3.0, f64::NAN, 1.0, 3.0]);
        assert!(r[0] == 1.5 && r[1].is_nan() && r[2] == 0.0 && r[3] == 1.5);
        assert_eq!(spearman(&[1.0, 2.0, 3.0, f64::NAN], &[10.0, 100.0, 1000.0, 0.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        // Σd² = 8 of n = 5: 1 − 6·8/120.
        let rho = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[3.0, 2.0, 1.0, 5.0, 4.0]).unwrap();
        assert!((rho - 0.5).abs() < 1e-12, "{rho}");
        assert_eq!(spearman(&[], &[]), None);
    }

    #[test]
    fn importance_dots_and_dependence() {
        let features = [feature("a", &[]), feature("b", &[]), feature("c", &["x", "y"])];
        let n = 1000;
        let mut rng = rng::rng(2, "summary");
        let (mut inputs, mut values) = (Vec::new(), Vec::new());
        for i in 0..n {
            let a = if i % 50 == 0 { f64::NAN } else { rng::unit(&mut rng) };
            let c = f64::from(u8::from(i % 4 == 0));
            inputs.extend([a, 1.0, c]);
            values.extend([if a.is_nan() { 0.0 } else { 0.3 * (0.5 - a) }, 0.0, 0.2 * (c - 0.25)]);
        }
        let a = attribution(&features, inputs, values, 0.2, Scale::Probability);
        let s = summarise(&a, &features, 7);
        assert!(s.importance.windows(2).all(|w| w[0].mean_abs >= w[1].mean_abs) && s.importance[2].feature == 1);
        assert_eq!(s.importance[0].dots.len(), summarise(&a, &features, 7).importance[0].dots.len());
        let by = |f: usize| s.importance.iter().find(|i| i.feature == f).unwrap();
        let a0 = by(0);
        assert_eq!((a0.direction, by(1).direction, by(2).direction), (Some(-1.0), None, None));
        assert!((a0.mean_abs - 0.0735).abs() < 0.005 && a0.interval.0 < a0.mean_abs && a0.mean_abs < a0.interval.1);
        // The normal interval of the same mean is ± 1.96 · 0.0433 · .3/.3 / √1000.
        assert!((a0.interval.1 - a0.interval.0 - 2.0 * 1.96 * 0.0441 / 1000f64.sqrt()).abs() < 0.0012, "{:?}", a0.interval);
        assert_eq!((by(1).mean_abs, by(1).interval), (0.0, (0.0, 0.0)));
        assert_eq!(a0.dots.len(), 300);
        assert!(a0.dots.iter().all(|d| d.offset.abs() <= 1.0 && (d.rank.is_nan() == d.input.is_nan()) && d.row % 10 == 0));
        assert_eq!(a0.dependence.len(), 13);
        assert_eq!(a0.dependence.iter().map(|b| b.rows).sum::<usize>(), n);
        assert!(a0.dependence[..12].windows(2).all(|w| w[0].mean > w[1].mean && w[0].x < w[1].x));
        assert!(a0.dependence[..12].iter().all(|b| b.rows.abs_diff(82) <= 2 && b.low <= b.mean && b.mean <= b.high));
        let c = &by(2).dependence;
        assert_eq!((c.len(), c[0].label.as_str(), c[0].rows, c[1].label.as_str(), c[1].rows), (2, "x", 750, "y", 250));
        assert!((c[1].mean - 0.15).abs() < 1e-12);
    }

    /// Attributions of n rows: features 0 and 1 weigh alike but row by row differently, 2 clearly less; `both` moves the
    /// sizes of 0 and 1 up and down together, which widens each bar's own interval and says nothing of their order.
    fn planted(seed: u64, n: usize, gap: f64, both: f64) -> Attribution {
        let features = [feature("a", &[]), feature("b", &[]), feature("c", &[])];
        let mut rng = rng::rng(seed, "planted ties");
        let mut values = Vec::new();
        for _ in 0..n {
            let level = 1.0 + both * rng::unit(&mut rng);
            let sign = if rng::unit(&mut rng) < 0.5 { -1.0 } else { 1.0 };
            let (u, v) = (0.2 * rng::unit(&mut rng), 0.2 * rng::unit(&mut rng));
            values.extend([sign * (level + gap + u), -sign * (level + v), 0.3 * rng::unit(&mut rng)]);
        }
        attribution(&features, vec![0.0; 3 * n], values, 0.0, Scale::Margin)
    }

    #[test]
    fn equal_bars_are_tied_and_different_ones_are_not() {
        let features = [feature("a", &[]), feature("b", &[]), feature("c", &[])];
        let (mut equal, mut different) = (0, 0);
        for seed in 0..50 {
            let s = summarise(&planted(seed, 300, 0.0, 3.0), &features, seed);
            assert!(!s.importance[0].tied && !s.importance[2].tied, "c is clearly less");
            equal += usize::from(s.importance[1].tied);
            // A tenth of what both vary by together: the bars' own intervals overlap widely, row by row there is no doubt.
            let s = summarise(&planted(seed, 300, 0.05, 3.0), &features, seed);
            assert!(s.importance[0].interval.0 < s.importance[1].mean_abs && s.importance[1].interval.1 > s.importance[0].mean_abs);
            different += usize::from(!s.importance[1].tied && s.importance[0].feature == 0);
        }
        assert!(equal >= 45, "{equal} of 50 equal pairs are tied");
        assert_eq!(different, 50, "different pairs stand in their order");
        // The same beyond the rows that are drawn anew, by the normal interval.
        let n = MOST_BOOTSTRAP + 1;
        for seed in 0..3 {
            assert!(!summarise(&planted(seed, n, 0.01, 3.0), &features, 1).importance[1].tied);
        }
        let tied = (0..10).filter(|seed| summarise(&planted(*seed, n, 0.0, 3.0), &features, 1).importance[1].tied).count();
        assert!(tied >= 8, "{tied} of 10");
        // The check of trust says the same as the bars.
        let a = planted(3, 200, 0.0, 1.0);
        let bars: Vec<bool> = summarise(&a, &features, 7).importance.iter().skip(1).map(|i| i.tied).collect();
        assert_eq!(ties(&a, 7), bars);
    }

    #[test]
    fn nothing_and_one_row_do_no_harm() {
        let features = [feature("a", &[])];
        let empty = attribution(&features, vec![], vec![], 0.2, Scale::Margin);
        assert_eq!(summarise(&empty, &features, 1).importance[0].mean_abs, 0.0);
        let one = attribution(&features, vec![f64::NAN], vec![0.5], 0.2, Scale::Margin);
        let s = summarise(&one, &features, 1);
        assert_eq!((s.importance[0].interval, s.importance[0].dependence.len()), ((0.5, 0.5), 1));
    }

    #[test]
    fn many_levels_are_gathered() {
        let names: Vec<String> = (0..40).map(|i| format!("l{i}")).collect();
        let f = [feature("c", &names.iter().map(String::as_str).collect::<Vec<_>>())];
        let inputs: Vec<f64> = (0..400).map(|i| f64::from(i * i % 40)).collect();
        let a = attribution(&f, inputs, vec![0.1; 400], 0.0, Scale::Margin);
        let d = &summarise(&a, &f, 1).importance[0].dependence;
        assert!(d.len() <= BINS && d.iter().map(|b| b.rows).sum::<usize>() == 400);
    }
}
