//! Segments in which rows are unlike the others: where the model errs most, or where its reasons differ most. Every
//! candidate is a condition that an analyst could have written; what is found is tested against chance by dealing the
//! scores out anew and searching again, so that looking in many places is paid for.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result, rng};
use crate::data::segment::quoted;
use crate::data::{Feature, FeatureMatrix};
use crate::fault;

/// Rows that are searched; more are sampled.
pub const MOST_ROWS: usize = 5_000;
/// Fewest rows of a segment, and its smallest share.
const LEAST: (usize, f64) = (30, 0.02);
/// Deals of the scores.
const DEALS: usize = 200;
/// Features whose coarse conditions are tried in pairs: the first ones, so that the choice does not depend on the scores.
const PAIRED: usize = 24;
/// Most levels of a category that are tried.
const LEVELS: usize = 12;
/// Segments named.
const NAMED: usize = 5;
/// A found segment may share so much with one named before.
const OVERLAP: f64 = 0.5;

/// One segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The condition, as segments are written.
    pub condition: String,
    /// Rows of it among those searched.
    pub rows: usize,
    /// Mean of the first score within it.
    pub mean: f64,
    /// Mean of the first score over the others.
    pub rest: f64,
    /// 95 % interval of the difference, wide enough for the most extreme of all conditions that were tried.
    pub low: f64,
    /// Its other end.
    pub high: f64,
    /// Chance that the best of all candidates is so far off if there is nothing to find.
    pub p: f64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segments {
    /// Segments that chance does not explain (p ≤ 0.05), strongest first; they overlap little.
    pub found: Vec<Segment>,
    /// Rows searched.
    pub rows: usize,
    /// Conditions tried.
    pub tried: usize,
    /// Mean of the first score over all rows.
    pub mean: f64,
    /// Seed of the deals.
    pub seed: u64,
}

struct Candidate {
    condition: String,
    rows: Vec<u32>,
}

/// The rows in which a feature is so, for every way that is tried: fine conditions, then coarse ones for pairs.
fn of_feature(feature: &Feature, x: &FeatureMatrix, f: usize, rows: &[usize], fine: bool) -> Vec<Candidate> {
    let name = quoted(&feature.name);
    let members = |is: &dyn Fn(f64) -> bool| -> Vec<u32> { (0..rows.len() as u32).filter(|i| is(x.row(rows[*i as usize])[f])).collect() };
    let mut out = Vec::new();
    if feature.is_categorical() {
        let mut levels: Vec<(usize, Vec<u32>)> = (0..feature.levels().len()).map(|l| (l, members(&|v| v == l as f64))).collect();
        levels.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
        for (l, rows) in levels.into_iter().take(if fine { LEVELS } else { 4 }) {
            let level = feature.levels()[l].replace('\'', "");
            if level == feature.levels()[l] {
                out.push(Candidate { condition: format!("{name} = '{level}'"), rows });
            }
        }
        return out;
    }
    let mut values: Vec<f64> = rows.iter().map(|r| x.row(*r)[f]).filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        return out;
    }
    let parts = if fine { 4 } else { 2 };
    let mut cuts: Vec<f64> = (1..parts).map(|k| values[k * values.len() / parts]).collect();
    cuts.dedup();
    // The lowest value alone is often a kind of its own: no visit, no purchase.
    cuts.retain(|c| *c > values[0]);
    if cuts.is_empty() && values[0] < values[values.len() - 1] {
        cuts.extend(values.iter().copied().find(|v| *v > values[0]));
    }
    let Some((&first, &last)) = cuts.first().zip(cuts.last()) else { return out };
    out.push(Candidate { condition: format!("{name} < {first}"), rows: members(&|v| v < first) });
    for pair in cuts.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        out.push(Candidate { condition: format!("{name} >= {a} and {name} < {b}"), rows: members(&|v| v >= a && v < b) });
    }
    out.push(Candidate { condition: format!("{name} >= {last}"), rows: members(&|v| v >= last) });
    out
}

fn both(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                out.push(a[i]);
                i += 1;
                j += 1;
            }
        }
    }
    out
}

/// How far a segment's means are from those of all rows, in standard errors: of one score upwards only, of several as the
/// length of the whole.
fn distance(rows: &[u32], scores: &[f64], k: usize, mean: &[f64], sd: &[f64], n: usize) -> f64 {
    let m = rows.len() as f64;
    let scale = (1.0 / m - 1.0 / n as f64).max(1e-12).sqrt();
    let mut sum = vec![0.0; k];
    for r in rows {
        for (s, v) in sum.iter_mut().zip(&scores[*r as usize * k..]) {
            *s += v;
        }
    }
    let t = |j: usize| if sd[j] > 0.0 { (sum[j] / m - mean[j]) / (sd[j] * scale) } else { 0.0 };
    if k == 1 { t(0) } else { (0..k).map(|j| t(j).powi(2)).sum::<f64>().sqrt() }
}

/// Searches. `scores` holds `k` numbers per row of `x`; of one score (a loss) segments where it is high are sought, of
/// several (attributions) those where they differ. `usable` says of which features a condition can be written that means the
/// same on the data.
pub fn find(
    features: &[Feature],
    x: &FeatureMatrix,
    (scores, k): (&[f64], usize),
    usable: &[bool],
    seed: u64,
    ctx: &JobCtx,
) -> Result<Segments> {
    if k == 0 || scores.len() != x.n_rows() * k || x.n_features != features.len() || usable.len() != features.len() {
        return Err(fault!("explain.no_rows"));
    }
    let mut rows: Vec<usize> = (0..x.n_rows()).filter(|i| scores[i * k..(i + 1) * k].iter().all(|s| s.is_finite())).collect();
    let mut rng = rng::rng(seed, "segments");
    if rows.len() > MOST_ROWS {
        rng::shuffle(&mut rng, &mut rows);
        rows.truncate(MOST_ROWS);
        rows.sort_unstable();
    }
    let n = rows.len();
    if n == 0 {
        return Err(fault!("explain.no_rows"));
    }
    let s: Vec<f64> = rows.iter().flat_map(|r| scores[r * k..(r + 1) * k].iter().copied()).collect();
    let least = LEAST.0.max((LEAST.1 * n as f64).ceil() as usize);
    let fits = |c: &Candidate| c.rows.len() >= least && c.rows.len() + least <= n;
    let usable: Vec<usize> = (0..features.len()).filter(|f| usable[*f]).collect();
    let mut all: Vec<Candidate> = usable.iter().flat_map(|f| of_feature(&features[*f], x, *f, &rows, true)).filter(fits).collect();
    // Pairs of coarse conditions on different features; which features does not depend on the scores.
    let coarse: Vec<Vec<Candidate>> = usable.iter().take(PAIRED).map(|f| of_feature(&features[*f], x, *f, &rows, false)).collect();
    for i in 0..coarse.len() {
        for j in i + 1..coarse.len() {
            for a in &coarse[i] {
                for b in &coarse[j] {
                    let c = Candidate { condition: format!("{} and {}", a.condition, b.condition), rows: both(&a.rows, &b.rows) };
                    if fits(&c) {
                        all.push(c);
                    }
                }
            }
        }
    }
    let column = |j: usize| s.iter().skip(j).step_by(k).copied();
    let mean: Vec<f64> = (0..k).map(|j| column(j).sum::<f64>() / n as f64).collect();
    let sd: Vec<f64> = (0..k).map(|j| (column(j).map(|v| (v - mean[j]).powi(2)).sum::<f64>() / n as f64).sqrt()).collect();
    let far: Vec<f64> = all.iter().map(|c| distance(&c.rows, &s, k, &mean, &sd, n)).collect();
    ctx.stage("explain.stage_segments", DEALS as u64);
    let deals: Vec<Vec<usize>> = (0..DEALS)
        .map(|_| {
            let mut order: Vec<usize> = (0..n).collect();
            rng::shuffle(&mut rng, &mut order);
            order
        })
        .collect();
    let best: Vec<f64> = deals
        .par_iter()
        .map(|order| {
            ctx.check()?;
            let dealt: Vec<f64> = order.iter().flat_map(|r| s[r * k..(r + 1) * k].iter().copied()).collect();
            Ok(all.iter().map(|c| distance(&c.rows, &dealt, k, &mean, &sd, n)).fold(f64::NEG_INFINITY, f64::max))
        })
        .collect::<Result<_>>()?;
    // The interval of what was picked out of many is as wide as picking makes it: by what the best of a deal reaches.
    let mut reach = best.clone();
    reach.sort_by(f64::total_cmp);
    let reach = reach[(DEALS * 95).div_ceil(100) - 1].max(1.96);
    let p = |d: f64| (1 + best.iter().filter(|b| **b >= d).count()) as f64 / (DEALS + 1) as f64;
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| far[*b].total_cmp(&far[*a]).then(all[*a].condition.len().cmp(&all[*b].condition.len())));
    let mut named: Vec<usize> = Vec::new();
    for c in order {
        if named.len() >= NAMED || p(far[c]) > 0.05 {
            break;
        }
        let shared = |o: &usize| both(&all[*o].rows, &all[c].rows).len() as f64 / all[c].rows.len().min(all[*o].rows.len()) as f64;
        if named.iter().all(|o| shared(o) <= OVERLAP) {
            named.push(c);
        }
    }
    let found = named
        .into_iter()
        .map(|c| {
            let m = all[c].rows.len() as f64;
            let within: Vec<f64> = all[c].rows.iter().map(|r| s[*r as usize * k]).collect();
            let inside = within.iter().sum::<f64>() / m;
            let rest = (mean[0] * n as f64 - inside * m) / (n as f64 - m);
            let spread = within.iter().map(|v| (v - inside).powi(2)).sum::<f64>() / (m - 1.0).max(1.0);
            let half = reach * (spread / m + sd[0].powi(2) / (n as f64 - m)).sqrt();
            Segment {
                condition: all[c].condition.clone(),
                rows: all[c].rows.len(),
                mean: inside,
                rest,
                low: inside - rest - half,
                high: inside - rest + half,
                p: p(far[c]),
            }
        })
        .collect();
    Ok(Segments { found, rows: n, tried: all.len(), mean: mean[0], seed })
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::feature;
    use super::*;

    fn table(rng: &mut rng::Rng, n: usize) -> (Vec<Feature>, FeatureMatrix) {
        let features = vec![feature("a", &[]), feature("b c", &[]), feature("kind", &["x", "y", "z"]), feature("d", &[])];
        let values =
            (0..n).flat_map(|_| [rng::unit(rng), (rng::unit(rng) * 10.0).floor(), rng::below(rng, 3) as f64, rng::normal(rng)]).collect();
        (features, FeatureMatrix { n_features: 4, values })
    }

    #[test]
    fn a_planted_segment_is_found_as_it_is_written() {
        let mut rng = rng::rng(71, "planted");
        let (features, x) = table(&mut rng, 2_000);
        let mut sorted: Vec<f64> = (0..2_000).map(|i| x.row(i)[1]).collect();
        sorted.sort_by(f64::total_cmp);
        let half = sorted[1_000];
        let is = |i: usize| x.row(i)[2] == 1.0 && x.row(i)[1] >= half;
        let loss: Vec<f64> = (0..2_000).map(|i| rng::normal(&mut rng) + if is(i) { 1.0 } else { 0.0 }).collect();
        let found = find(&features, &x, (&loss, 1), &[true; 4], 1, &JobCtx::quiet()).unwrap();
        let first = &found.found[0];
        assert_eq!(first.condition, format!("`b c` >= {half} and kind = 'y'"));
        assert!(first.p < 0.01 && first.low < 1.0 && first.high > 1.0 && first.rows == (0..2_000).filter(|i| is(*i)).count(), "{first:?}");
        // Where only categories may be named, the category is.
        let found = find(&features, &x, (&loss, 1), &[false, false, true, false], 1, &JobCtx::quiet()).unwrap();
        assert_eq!(found.found[0].condition, "kind = 'y'");
        // Reasons that differ without a mean that does in the first score.
        let reasons: Vec<f64> =
            (0..2_000).flat_map(|i| [0.0, if x.row(i)[2] == 2.0 { 1.0 } else { -0.5 } + 0.1 * rng::normal(&mut rng)]).collect();
        let found = find(&features, &x, (&reasons, 2), &[true; 4], 1, &JobCtx::quiet()).unwrap();
        assert_eq!(found.found[0].condition, "kind = 'z'");
    }

    #[test]
    fn chance_is_seldom_taken_for_a_segment() {
        let mut alarms = 0;
        for seed in 0..200 {
            let mut rng = rng::rng(seed, "null");
            let (features, x) = table(&mut rng, 400);
            let loss: Vec<f64> = (0..400).map(|_| rng::normal(&mut rng).exp()).collect();
            alarms += usize::from(!find(&features, &x, (&loss, 1), &[true; 4], seed, &JobCtx::quiet()).unwrap().found.is_empty());
        }
        assert!(alarms <= 16, "{alarms} of 200");
    }

    #[test]
    fn nothing_to_search_is_no_harm() {
        let mut rng = rng::rng(1, "small");
        let (features, x) = table(&mut rng, 20);
        assert!(find(&features, &x, (&[1.0; 20], 1), &[true; 4], 1, &JobCtx::quiet()).unwrap().found.is_empty());
        assert!(find(&features, &x, (&[f64::NAN; 20], 1), &[true; 4], 1, &JobCtx::quiet()).is_err());
    }
}
