//! What another policy would have earned, as tables.

use super::chart::{Cell, Chart, Dots, Grid, Show};
use super::{Sheet, sheet};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::policy::estimators::METHODS;
use crate::strategy::policy::{Estimate, Mapping, PolicyValue, Wanted};

/// The estimates by method, in the order in which they are shown, the log's own first.
pub fn estimates(v: &PolicyValue, lang: Lang) -> Vec<(String, Estimate)> {
    let logged = (tr(lang, "policy.log_itself").to_owned(), v.logged.clone());
    let of = |m: &str| v.estimators.get(m).map(|e| (method(m).to_owned(), e.clone()));
    std::iter::once(logged).chain(METHODS.iter().filter_map(|m| of(m))).collect()
}

/// All estimates as a table.
pub fn policy_values(v: &PolicyValue, lang: Lang) -> Sheet {
    let dash = || "–".to_owned();
    let band = |b: Option<(f64, f64)>| b.map_or_else(dash, |(l, h)| format!("{} … {}", numbers::plain(l), numbers::plain(h)));
    let row = |(name, e): (String, Estimate)| {
        vec![
            name,
            e.value.map_or_else(dash, numbers::plain),
            e.se.map_or_else(dash, numbers::plain),
            band(e.ci),
            band(e.ci_bernstein),
            e.refused.as_ref().map_or_else(String::new, |n| n.say(lang)),
        ]
    };
    let head = ["method", "value_head", "error", "interval", "bernstein", "note"].map(|h| format!("experiments.policy_{h}"));
    sheet(lang, &head.each_ref().map(String::as_str), estimates(v, lang).into_iter().map(row).collect())
}

/// Methods by the names that the literature gives them, in any language.
pub fn method(name: &str) -> &str {
    match name {
        "ips" => "IPS",
        "snips" => "SNIPS",
        "dm" => "DM",
        "dr" => "DR",
        "sndr" => "SNDR",
        "switch_dr" => "Switch-DR",
        "dr_os" => "DR-OS",
        "mrdr" => "MRDR",
        other => other,
    }
}

/// The policy in question, in words.
pub fn wanted(w: &Wanted, lang: Lang) -> String {
    match w {
        Wanted::Uniform => tr(lang, "studies.wanted_uniform").to_owned(),
        Wanted::Always(action) => tr_with(lang, "studies.wanted_always", &[("action", action)]),
        Wanted::Best => tr(lang, "studies.wanted_best").to_owned(),
        Wanted::File(path) => {
            let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
            tr_with(lang, "studies.wanted_file", &[("file", &name)])
        }
    }
}

/// What the policy would have earned beside what the log earned, in a sentence; why no number is given where that is so.
pub fn policy_says(v: &PolicyValue, lang: Lang) -> String {
    let policy = wanted(&Wanted::parse(&v.target), lang);
    let best = ["dr", "snips", "ips", "dm"].iter().find_map(|m| v.estimators.get(*m).filter(|e| e.value.is_some()).map(|e| (*m, e)));
    let Some((name, e)) = best.filter(|_| !v.refused) else {
        return tr_with(lang, "studies.policy_refused", &[("policy", &policy)]);
    };
    let (value, logged) = (e.value.unwrap_or(f64::NAN), v.logged.value.unwrap_or(f64::NAN));
    let Some((low, high)) = e.ci else {
        let fields: [(&str, &dyn std::fmt::Display); 4] =
            [("policy", &policy), ("value", &numbers::plain(value)), ("logged", &numbers::plain(logged)), ("method", &method(name))];
        return tr_with(lang, "studies.policy_no_interval", &fields);
    };
    let key = match (low > logged, high < logged) {
        (true, _) => "studies.policy_more",
        (_, true) => "studies.policy_less",
        _ => "studies.policy_unclear",
    };
    let fields: [(&str, &dyn std::fmt::Display); 7] = [
        ("policy", &policy),
        ("value", &numbers::plain(value)),
        ("low", &numbers::plain(low)),
        ("high", &numbers::plain(high)),
        ("logged", &numbers::plain(logged)),
        ("change", &super::signed_percent(if logged > 0.0 { value / logged - 1.0 } else { f64::NAN })),
        ("method", &method(name)),
    ];
    tr_with(lang, key, &fields)
}

/// All estimates with their intervals.
pub fn estimate_picture(v: &PolicyValue, lang: Lang) -> Chart {
    let row = |(name, e): (String, Estimate)| {
        let (low, high) = e.ci.or(e.ci_normal).unwrap_or((f64::NAN, f64::NAN));
        Some((name, vec![(e.value?, low, high)]))
    };
    Chart::Dots(Dots {
        axis: tr(lang, "experiments.reward_axis").to_owned(),
        show: Show::Plain,
        series: vec![String::new()],
        rows: estimates(v, lang).into_iter().filter_map(row).collect(),
    })
}

/// What the log knows of what is wanted: its share of each action beside the policy's, by place.
pub fn support_map(v: &PolicyValue, lang: Lang) -> Chart {
    let b = &v.support.by_place;
    let most = b.cells.iter().map(|c| c.rows).max().unwrap_or(1).max(1) as f64;
    let across = b.places.len();
    let whole = |name: &String| if name.is_empty() { tr(lang, "studies.everywhere").to_owned() } else { name.clone() };
    let cell = |(k, c): (usize, &crate::strategy::policy::support::PlaceSupport)| {
        let share = if c.wanted > 0.0 { numbers::percent(c.wanted) } else { "0".to_owned() };
        let wanted = tr_with(lang, "studies.support_wanted", &[("share", &share)]);
        let logged = match c.rows {
            0 => tr(lang, "studies.support_never").to_owned(),
            _ => numbers::percent(c.logged),
        };
        let fields: [(&str, &dyn std::fmt::Display); 5] = [
            ("action", &b.actions[k / across]),
            ("place", &whole(&b.places[k % across])),
            ("rows", &numbers::count(c.rows as i64)),
            ("logged", &numbers::percent(c.logged)),
            ("wanted", &numbers::percent(c.wanted)),
        ];
        // Neither shown nor wanted is nothing to see.
        let seen = c.rows > 0 || c.wanted > 0.0;
        let help = tr_with(lang, "studies.support_help", &fields);
        seen.then(|| Cell { level: (c.rows as f64 / most).sqrt(), lines: vec![logged, wanted], help })
    };
    let row = |(k, c): (usize, &crate::strategy::policy::support::PlaceSupport)| {
        vec![
            b.actions[k / across].clone(),
            whole(&b.places[k % across]),
            numbers::count(c.rows as i64),
            numbers::percent(c.logged),
            numbers::percent(c.wanted),
        ]
    };
    let head =
        ["studies.support_action", "studies.support_place", "studies.support_rows", "studies.support_logged", "studies.support_asked"];
    Chart::Grid(Grid {
        row_name: v.columns.action.clone(),
        column_name: b.column.clone().unwrap_or_default(),
        rows: b.actions.clone(),
        columns: b.places.iter().map(whole).collect(),
        cells: b.cells.iter().enumerate().map(cell).collect(),
        sheet: sheet(lang, &head, b.cells.iter().enumerate().map(row).collect()),
    })
}

/// The pictures of a policy's value, with the keys of their titles and their captions.
pub fn policy_pictures(v: &PolicyValue, lang: Lang) -> Vec<(&'static str, String, Chart)> {
    let weights = tr_with(
        lang,
        "experiments.policy_caption",
        &[
            ("n", &numbers::count(v.rows as i64)),
            ("ess", &numbers::fixed(v.ess, 1)),
            ("max", &numbers::plain(v.max_weight)),
            ("mean", &numbers::fixed(v.mean_weight, 3)),
        ],
    );
    let shown = v.support.by_place.actions.len();
    let support = tr_with(lang, "studies.support_caption", &[("shown", &shown), ("actions", &v.actions)]);
    vec![("experiments.policy_value", weights, estimate_picture(v, lang)), ("studies.support", support, support_map(v, lang))]
}

/// Which column is proposed for what, and why.
pub fn proposals(m: &Mapping, lang: Lang) -> Sheet {
    let why = |p: &crate::strategy::policy::mapping::Proposal| {
        let key = match (p.by_name, p.by_content) {
            (true, true) => "studies.by_both",
            (true, false) => "studies.by_name",
            _ => "studies.by_content",
        };
        tr(lang, key).to_owned()
    };
    let parts = [
        ("experiments.action", &m.action),
        ("experiments.reward", &m.reward),
        ("experiments.propensity", &m.propensity),
        ("experiments.position", &m.position),
    ];
    let row = |(key, p): (&str, &Option<crate::strategy::policy::mapping::Proposal>)| {
        let (column, reason) =
            p.as_ref().map_or_else(|| ("–".to_owned(), tr(lang, "studies.by_nothing").to_owned()), |p| (p.column.clone(), why(p)));
        vec![tr(lang, key).to_owned(), column, reason]
    };
    let mut rows: Vec<Vec<String>> = parts.into_iter().map(row).collect();
    let known = if m.context.is_empty() { "–".to_owned() } else { m.context.join(", ") };
    let reason = if m.context.is_empty() { "studies.by_nothing" } else { "studies.by_name" };
    rows.push(vec![tr(lang, "experiments.context").to_owned(), known, tr(lang, reason).to_owned()]);
    sheet(lang, &["studies.mapping_part", "studies.mapping_column", "studies.mapping_reason"], rows)
}
