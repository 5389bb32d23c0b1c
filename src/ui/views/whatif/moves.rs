//! Moving a lever: in which units, from where, to what. Pure functions over the session; both Why and What-if use them.
//!
//! A scenario sets cells as the file writes them. A model's features are summarised after preparation, so their range is
//! taken back through the fitted steps first.

use crate::data::features::FeatureKind;
use crate::data::{Feature, FittedPrepare};
use crate::session::Session;
use crate::strategy::Scenario;
use crate::strategy::scenario::Setting;
use crate::ui::Cx;
use crate::ui::widgets::waterfall::layout::dragged_value;
use std::cmp::Ordering;

/// The feature with its range, mean and quantiles in the units of the file.
pub fn raw_feature(feature: &Feature, prepare: &FittedPrepare) -> Feature {
    if feature.is_categorical() || prepare.steps.is_empty() {
        return feature.clone();
    }
    let fixed = |v: &f64| (prepare.apply_value(&feature.name, *v) - v).abs() <= 1e-12 * v.abs().max(1.0);
    if [feature.range.0, feature.range.1, feature.mean].iter().chain(&feature.quantiles).all(fixed) {
        // Nothing rescales it; clipping leaves what is within its limits.
        return feature.clone();
    }
    let mut raw = feature.clone();
    let back = |v: f64, highest: bool| inverse(|x| prepare.apply_value(&feature.name, x), v, highest);
    raw.mean = back(feature.mean, false);
    raw.range = (back(feature.range.0, true), back(feature.range.1, false));
    let middle = feature.quantiles.len() / 2;
    raw.quantiles = feature.quantiles.iter().enumerate().map(|(i, q)| back(*q, i < middle)).collect();
    raw
}

/// The input that a growing function maps to `target`; where many do (beyond a clip), the highest or the lowest of them.
fn inverse(forward: impl Fn(f64) -> f64, target: f64, highest: bool) -> f64 {
    if !target.is_finite() {
        return target;
    }
    let (mut low, mut high) = (-1.0, 1.0);
    while !matches!(forward(low).partial_cmp(&target), Some(Ordering::Less)) && low > -1e15 {
        low *= 4.0;
    }
    while !matches!(forward(high).partial_cmp(&target), Some(Ordering::Greater)) && high < 1e15 {
        high *= 4.0;
    }
    let reached = |x: f64| if highest { forward(x) > target } else { forward(x) >= target };
    for _ in 0..128 {
        let middle = f64::midpoint(low, high);
        if reached(middle) { high = middle } else { low = middle }
    }
    // The steps work in floats; dust of the search is taken away.
    let found = f64::midpoint(low, high);
    let rounded = (found * 1e9).round() / 1e9;
    if (forward(rounded) - target).abs() <= 1e-9 * target.abs().max(1.0) { rounded } else { found }
}

/// What a row's cell holds now, in the file's units; NaN if it is missing or not there.
pub fn value_now(session: &Session, feature: &Feature, row: u32) -> f64 {
    let Some(loaded) = &session.loaded else { return f64::NAN };
    let table = &loaded.value.table;
    let column = table.index_of(&feature.name).filter(|_| (row as usize) < table.n_rows());
    column.and_then(|c| table.cell(row as usize, c)).and_then(|text| feature.parse(&text)).unwrap_or(f64::NAN)
}

/// Where a lever stands before it is moved: the row's value, else the train mean or the most frequent level.
pub fn standing(session: &Session, feature: &Feature, row: Option<u32>) -> f64 {
    let now = row.map_or(f64::NAN, |r| value_now(session, feature, r));
    if now.is_finite() {
        return now;
    }
    if feature.is_categorical() {
        let most = feature.shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        return most.map_or(0.0, |(i, _)| i as f64);
    }
    match feature.kind {
        FeatureKind::Numeric { boolean: true, .. } => f64::from(u8::from(feature.mean > 0.5)),
        _ => feature.mean,
    }
}

/// A matrix value as a setting of a scenario.
pub fn setting(feature: &Feature, value: f64) -> Setting {
    match &feature.kind {
        FeatureKind::Categorical { .. } => Setting::Text(feature.show(value)),
        FeatureKind::Numeric { boolean: true, .. } => Setting::Flag(value > 0.5),
        FeatureKind::Numeric { integer: true, .. } => Setting::Number(value.round()),
        FeatureKind::Numeric { .. } => Setting::Number(value),
    }
}

/// A setting as a matrix value, where it is one; a relative change is applied to `now`.
pub fn value_of(feature: &Feature, setting: &Setting, now: f64) -> f64 {
    match setting {
        Setting::Flag(yes) => f64::from(u8::from(*yes)),
        Setting::Number(x) => *x,
        Setting::Text(text) => match percent_change(text) {
            Some(p) => now * (1.0 + p / 100.0),
            None => feature.parse(text).unwrap_or(f64::NAN),
        },
    }
}

/// The per cent of a change such as `+10%` or `-5 %`.
pub fn percent_change(text: &str) -> Option<f64> {
    let text = text.trim();
    if !text.starts_with(['+', '-', '−']) {
        return None;
    }
    text.strip_suffix('%')?.trim().replace('−', "-").parse().ok().filter(|p: &f64| p.is_finite())
}

/// A change of so many per cent as a setting.
pub fn change_by(percent: f64) -> Setting {
    Setting::Text(format!("{}{percent}%", if percent >= 0.0 { "+" } else { "" }))
}

/// What a bar dragged by a share of the picture's width sets its feature to: the whole width is the whole range.
pub fn dragged(feature: &Feature, start: f64, share: f32) -> Setting {
    let range = match &feature.kind {
        FeatureKind::Categorical { levels } => (0.0, levels.len().saturating_sub(1) as f64),
        FeatureKind::Numeric { boolean: true, .. } => (0.0, 1.0),
        FeatureKind::Numeric { .. } => feature.range,
    };
    let value = dragged_value(start, share, 1.0, range);
    let whole = feature.is_categorical();
    setting(feature, if whole { value.round() } else { rounded(value, range) })
}

/// To a thousandth of the range, so that a dragged value reads well.
fn rounded(value: f64, range: (f64, f64)) -> f64 {
    let step = (range.1 - range.0) / 1000.0;
    if step.is_nan() || step <= 0.0 {
        return value;
    }
    let power = 10f64.powf(-step.log10().floor()).min(1e12);
    (value * power).round() / power
}

/// A setting in words.
pub fn show(setting: &Setting) -> String {
    match setting {
        Setting::Flag(yes) => if *yes { "true" } else { "false" }.to_owned(),
        Setting::Number(x) => crate::base::numbers::plain(*x),
        Setting::Text(text) => text.clone(),
    }
}

/// A scenario without settings, with a name that is free.
pub fn blank(cx: &Cx<'_>, model: &str) -> Scenario {
    let taken: Vec<&str> = cx.session.recipe.iter().flat_map(|r| &r.scenarios).map(|s| s.name.as_str()).collect();
    let base = cx.t("why.scenario_name");
    Scenario {
        name: free_name(base, &taken),
        segment: cx.session.selection.segment.clone(),
        model: Some(model.to_owned()),
        ..Scenario::default()
    }
}

/// `base 1`, `base 2`, … the first that nobody has.
pub fn free_name(base: &str, taken: &[&str]) -> String {
    (1..=taken.len() + 1).map(|i| format!("{base} {i}")).find(|n| !taken.contains(&n.as_str())).unwrap_or_else(|| base.to_owned())
}

/// The scenario being edited for one row; a new one if another row or a segment is being edited.
pub fn draft_for_row(cx: &Cx<'_>, model: &str, row: u32) -> Scenario {
    match &cx.session.draft {
        Some(draft) if draft.row == Some(row) => draft.clone(),
        draft => {
            let mut fresh = blank(cx, model);
            if let Some(d) = draft {
                // The terms of the draft stay; limits and days are about many people.
                let (name, model) = (fresh.name, fresh.model);
                fresh = Scenario { name, model, set: Default::default(), overridden: Vec::new(), ..d.clone() };
                (fresh.budget, fresh.capacity, fresh.days) = (None, None, None);
            }
            fresh.segment = None;
            fresh.row = Some(row);
            fresh
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::examples::features;

    #[test]
    fn the_way_back_through_steps() {
        assert!((inverse(|x| (x - 3.0) / 2.0, 1.0, false) - 5.0).abs() < 1e-9);
        assert!((inverse(|x| x, 0.7, false) - 0.7).abs() < 1e-9);
        let clip_then_scale = |x: f64| (x.clamp(0.0, 10.0) - 5.0) / 5.0;
        assert!((inverse(clip_then_scale, -1.0, true) - 0.0).abs() < 1e-9, "the highest that is clipped to the lower end");
        assert!((inverse(clip_then_scale, 1.0, false) - 10.0).abs() < 1e-9);
        assert!(inverse(|_| 7.0, 1.0, false).is_finite());
        assert!(inverse(|x| x * 2.0, f64::NAN, false).is_nan());
    }

    #[test]
    fn settings_and_values_are_inverse() {
        let all = features(3);
        let numeric = &all[0];
        let category = &all[2];
        assert_eq!(setting(category, 1.0), Setting::Text("Yes".into()));
        assert_eq!(value_of(category, &Setting::Text("Yes".into()), 0.0), 1.0);
        assert!(value_of(category, &Setting::Text("Perhaps".into()), 0.0).is_nan());
        assert_eq!(value_of(numeric, &Setting::Number(3.5), 0.0), 3.5);
        assert_eq!(value_of(numeric, &change_by(10.0), 4.0), 4.4);
        assert_eq!(value_of(numeric, &change_by(-50.0), 4.0), 2.0);
        assert_eq!(percent_change("10%"), None, "without a sign it is not a change");
        assert_eq!(percent_change("+x%"), None);
    }

    #[test]
    fn a_drag_steps_through_levels_and_reads_well() {
        let all = features(3);
        assert_eq!(dragged(&all[2], 0.0, 0.4), Setting::Text("No".into()));
        assert_eq!(dragged(&all[2], 0.0, 0.6), Setting::Text("Yes".into()));
        assert_eq!(dragged(&all[0], 5.0, 0.123_456_7), Setting::Number(6.23));
    }

    #[test]
    fn names_are_free() {
        assert_eq!(free_name("S", &[]), "S 1");
        assert_eq!(free_name("S", &["S 1", "S 3", "other"]), "S 2");
    }
}
