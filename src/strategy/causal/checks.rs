//! The checks of one arm as traffic lights, each with its number, its threshold and a sentence.

use serde::{Deserialize, Serialize};

use super::balance::{self, Independence, SRM_ALPHA};
use super::base::{Base, Space};
use super::distance::{self, Distance};
use super::nuisance::{CLIP, fold_of};
use super::refute::{self, placebo_outcomes};
use super::space::Design;
use super::stats::shown;
use super::study::{Aside, Pair, Study};
use super::weights::{self, Weights};
use crate::base::{JobCtx, Notice, Result, numbers, rng};
use crate::note;

/// Rows that the checks look at, at most.
const MOST_ROWS: usize = 200_000;
/// Standardised mean differences up to here are small; twice as much is large.
pub const SMALL_DIFFERENCE: f64 = 0.1;
/// Share of rows with people alike in both groups: below the first the light turns, below the second nothing is supported.
pub const OVERLAP: (f64, f64) = (0.98, 0.9);

/// Colour of a light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// As it should be.
    Ok,
    /// Doubtful.
    Warn,
    /// Wrong.
    Bad,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// What came out.
    pub value: f64,
    /// Where the light turns.
    pub threshold: f64,
    /// The light.
    pub status: Light,
    /// What it means.
    pub sentence: Notice,
}

/// What the grade needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Tests of independence.
    pub independence: Independence,
    /// P of the group sizes, and the share they were compared with.
    pub ratio: (f64, f64),
    /// Whether the outcome is missing as often in both groups.
    pub attrition: f64,
    /// Whether confounders were declared.
    pub adjusted: bool,
    /// Share of rows for which both groups hold people alike.
    pub overlap: f64,
    /// Largest difference after weighting, and its column.
    pub after: (f64, String),
    /// What that difference may be, chance included.
    pub small: f64,
    /// Smallest corrected p among the negative controls.
    pub negative: Option<(String, f64)>,
}

/// Checks of one arm, and what they say together.
pub struct Checked {
    /// The lights.
    pub checks: Vec<Check>,
    /// For the grade.
    pub facts: Facts,
}

fn light(value: f64, warn: f64, bad: f64) -> Light {
    // Both bounds on the same side tell whether large or small values are bad.
    let beyond = |bound: f64| if bad >= warn { value > bound } else { value < bound };
    match (beyond(bad), beyond(warn) || value.is_nan()) {
        (true, _) => Light::Bad,
        (_, true) => Light::Warn,
        _ => Light::Ok,
    }
}

/// The key of a sentence that has one wording for green and one for the rest.
fn key(name: &str, status: Light) -> String {
    format!("uplift.check_{name}_{}", if status == Light::Ok { "ok" } else { "bad" })
}

/// Runs every check on one arm of a study.
pub fn run(study: &Study, arm: usize, pair: &Pair, seed: u64, ctx: &JobCtx) -> Result<Checked> {
    let rows = sample(pair, seed);
    let columns: Vec<usize> = (0..pair.features.len()).collect();
    let design = Design::fit(&pair.features, &columns, &pair.x, &pair.train)?;
    let line = Space::of(pair, &columns, Base::Logistic, seed)?;
    let z = &line.x;
    let independence = balance::independence(pair, &columns, &rows, &line, seed, ctx)?;

    // Weights come from the declared confounders; without any, from everything that is known.
    let adjusted = !study.adjust.is_empty();
    let own = if adjusted { Some(Space::of(pair, &study.adjust, Base::Logistic, seed)?) } else { None };
    let e = cross_fitted(pair, &rows, own.as_ref().unwrap_or(&line), ctx)?;
    let found = weights::weights(pair, &rows, &e);
    // Overlap is asked of everything known, whatever was declared.
    let overlap = if adjusted {
        weights::weights(pair, &rows, &cross_fitted(pair, &rows, &line, ctx)?).overlap.min(found.overlap)
    } else {
        found.overlap
    };
    let before = balance::largest_difference(&pair.features, &design, z, pair, &rows, None);
    let after = balance::largest_difference(&pair.features, &design, z, pair, &rows, Some(&found.weight));
    let planned = study.ratio.as_ref().map(|r| r[arm] / (r[0] + r[arm]));
    let ratio = balance::sample_ratio(study.assigned[0], study.assigned[arm], planned);
    let attrition = attrition(study, arm);

    let mut checks = Vec::new();
    let mut add = |name: &str, value: f64, threshold: f64, status: Light, sentence: Notice| {
        checks.push(Check { name: name.to_owned(), value, threshold, status, sentence });
    };
    let status = if independence.p < balance::ALPHA {
        Light::Bad
    } else if independence.powerful {
        Light::Ok
    } else {
        Light::Warn
    };
    let code = match status {
        Light::Ok => "uplift.check_independence_ok",
        Light::Warn => "uplift.check_independence_few",
        Light::Bad => "uplift.check_independence_bad",
    };
    let worst = independence.worst.as_ref().map_or("–", |w| w.0.as_str());
    add("independence", independence.p, balance::ALPHA, status, note!(code, p = shown(independence.p), column = worst));
    ratio_check(&mut add, study, arm, ratio, planned.is_some());
    if study.dropped > 0 {
        let status = light(attrition, 0.05, 0.001);
        add("attrition", attrition, 0.05, status, note!(&key("attrition", status), p = shown(attrition)));
    }
    let status = light(independence.auc, 0.55, 0.65);
    add("propensity_auc", independence.auc, 0.55, status, note!(&key("auc", status), auc = numbers::fixed(independence.auc, 3)));
    // Few rows differ by chance: two standard errors of a difference are let pass.
    let treated = rows.iter().filter(|r| pair.treated(**r)).count() as f64;
    let small = SMALL_DIFFERENCE + 2.0 * (1.0 / treated + 1.0 / (rows.len() as f64 - treated)).sqrt();
    for (name, (value, column)) in [("smd_before", &before), ("smd_after", &after)] {
        let status = light(*value, small, small + SMALL_DIFFERENCE);
        let sentence = note!(&key(name, status), value = numbers::fixed(*value, 3), column = column);
        add(name, *value, small, status, sentence);
    }
    weight_checks(&mut add, overlap, &found);
    distance_check(&mut add, distance::distance(z, &rows, |r| pair.treated(r), seed));

    let placebo = refute::placebo_treatment(pair, &rows, z, seed, ctx)?;
    let status = light(placebo, 0.1, 0.2);
    add("placebo_treatment", placebo, 0.1, status, note!(&key("placebo_treatment", status), share = numbers::percent(placebo)));
    let weight = adjusted.then_some(&found.weight[..]);
    if let Some(j) = refute::strongest(pair, &rows, z) {
        let values = (0..pair.y.len()).map(|r| z.row(r)[j]).collect();
        let column = Aside { name: design.names(&pair.features)[j].clone(), values, levels: None };
        for p in placebo_outcomes(pair, &rows, &[column], weight) {
            let status = light(p.p, 0.05, 0.01);
            let sentence = note!(&key("placebo_outcome", status), column = &p.column, p = shown(p.p));
            add("placebo_outcome", p.p, 0.05, status, sentence);
        }
    }
    let negative = of_pair(&study.negative, pair);
    let mut worst: Option<(String, f64)> = None;
    for p in placebo_outcomes(pair, &rows, &negative, weight) {
        let status = light(p.p, 0.05, 0.01);
        let sentence = note!(&key("negative", status), column = &p.column, p = shown(p.p), value = numbers::fixed(p.value, 3));
        if worst.as_ref().is_none_or(|w| p.p < w.1) {
            worst = Some((p.column.clone(), p.p));
        }
        add(&format!("negative_control:{}", p.column), p.p, 0.05, status, sentence);
    }
    let r = refute::robustness(pair, &rows, z);
    let status = if r.clear > r.strongest { Light::Ok } else { Light::Warn };
    let names = design.names(&pair.features);
    let column = r.feature.map_or("–", |f| names[f].as_str());
    let code = match (status, r.clear > 0.0) {
        (Light::Ok, _) => "uplift.check_robustness_ok",
        (_, true) => "uplift.check_robustness_bad",
        _ => "uplift.check_robustness_none",
    };
    let sentence = note!(
        code,
        value = numbers::percent(r.value),
        clear = numbers::percent(r.clear),
        strongest = numbers::percent(r.strongest),
        column = column
    );
    add("robustness_value", r.clear, r.strongest, status, sentence);
    let odd = differing(study, pair, &rows);
    if !odd.is_empty() {
        let sentence = note!("uplift.check_left_out", columns = odd.join(", "));
        add("left_out_columns", odd.len() as f64, 0.0, Light::Warn, sentence);
    }
    let facts = Facts { independence, ratio, attrition, adjusted, overlap, after, small, negative: worst };
    Ok(Checked { checks, facts })
}

fn ratio_check(add: &mut impl FnMut(&str, f64, f64, Light, Notice), study: &Study, arm: usize, (share, p): (f64, f64), planned: bool) {
    let counts = (study.assigned[arm], study.assigned[0]);
    let even = (share - 0.5).abs() < 1e-12;
    let (status, code) = match (p < SRM_ALPHA, planned || even) {
        (true, true) => (Light::Bad, "uplift.check_ratio_bad"),
        (true, false) => (Light::Bad, "uplift.check_ratio_none"),
        (false, true) => (Light::Ok, "uplift.check_ratio_ok"),
        (false, false) => (Light::Warn, "uplift.check_ratio_guess"),
    };
    let sentence = note!(code, treated = counts.0, control = counts.1, share = numbers::percent(share), p = shown(p));
    add("sample_ratio", p, SRM_ALPHA, status, sentence);
}

fn weight_checks(add: &mut impl FnMut(&str, f64, f64, Light, Notice), overlap: f64, w: &Weights) {
    let status = light(overlap, OVERLAP.0, OVERLAP.1);
    add("overlap", overlap, OVERLAP.0, status, note!(&key("overlap", status), share = numbers::percent(overlap)));
    let status = light(w.effective, 0.5, 0.2);
    add("effective_sample", w.effective, 0.5, status, note!(&key("effective", status), share = numbers::percent(w.effective)));
    let status = light(w.heaviest, 0.05, 0.15);
    add("weight_concentration", w.heaviest, 0.05, status, note!(&key("heaviest", status), share = numbers::percent(w.heaviest)));
    let most = 0.02 + 1.5 * w.off_by_chance;
    let status = light(w.off, most, 0.06 + 1.5 * w.off_by_chance);
    add("propensity_calibration", w.off, most, status, note!(&key("calibration", status), off = numbers::percent(w.off)));
}

/// A light of its own beside overlap, which asks a model of the chance of treatment: here nothing is fitted.
fn distance_check(add: &mut impl FnMut(&str, f64, f64, Light, Notice), found: Option<Distance>) {
    let Some(d) = found else { return };
    let (warn, bad) = (distance::BEYOND.0 + d.chance, distance::BEYOND.1 + d.chance);
    let status = light(d.worst(), warn, bad);
    let sentence = note!(&key("distance", status), treated = numbers::percent(d.treated), control = numbers::percent(d.control));
    add("distance", d.worst(), warn, status, sentence);
}

/// Rows of the pair that are checked, in order.
fn sample(pair: &Pair, seed: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..pair.y.len()).collect();
    if rows.len() > MOST_ROWS {
        rng::shuffle(&mut rng::rng(seed, "checks"), &mut rows);
        rows.truncate(MOST_ROWS);
        rows.sort_unstable();
    }
    rows
}

/// The chance of treatment of every row, from the half that does not hold it.
fn cross_fitted(pair: &Pair, rows: &[usize], space: &Space, ctx: &JobCtx) -> Result<Vec<f64>> {
    let mut e = vec![0.0; pair.y.len()];
    for fold in 0..2 {
        let (own, other) = fold_of(rows, fold);
        let model = space.fit(&other, &pair.w, None, true, ctx)?;
        for (r, p) in own.iter().zip(model.predict(space, &own, ctx)?) {
            e[*r] = p.clamp(CLIP * 0.1, 1.0 - CLIP * 0.1);
        }
    }
    Ok(rows.iter().map(|&r| e[r]).collect())
}

/// P that outcomes are missing as often among the treated as among the others.
fn attrition(study: &Study, arm: usize) -> f64 {
    let known = |a: usize| study.arm.iter().filter(|x| **x == a).count() as f64;
    let (k0, k1) = (known(0), known(arm));
    super::stats::same_shares(&[k0, study.assigned[0] as f64 - k0], &[k1, study.assigned[arm] as f64 - k1])
}

fn of_pair(columns: &[Aside], pair: &Pair) -> Vec<Aside> {
    let of = |c: &Aside| Aside { name: c.name.clone(), values: pair.rows.iter().map(|&r| c.values[r]).collect(), levels: c.levels };
    columns.iter().map(of).collect()
}

/// Columns that nobody uses and that differ between the groups.
fn differing(study: &Study, pair: &Pair, rows: &[usize]) -> Vec<String> {
    let treated: Vec<bool> = rows.iter().map(|&r| pair.treated(r)).collect();
    let p: Vec<f64> = of_pair(&study.left_out, pair)
        .iter()
        .map(|c| balance::compare(&rows.iter().map(|&r| c.values[r]).collect::<Vec<_>>(), c.levels, &treated))
        .collect();
    let adjusted = super::stats::holm(&p);
    study.left_out.iter().zip(adjusted).filter(|(_, p)| *p < balance::ALPHA).map(|(c, _)| c.name.clone()).collect()
}
