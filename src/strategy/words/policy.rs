//! What another policy would have earned, as tables.

use super::{Sheet, sheet};
use crate::base::{Lang, numbers};
use crate::strategy::policy::estimators::METHODS;
use crate::strategy::policy::{Estimate, PolicyValue};

/// The estimates by method, in the order in which they are shown, the log's own first.
pub fn estimates(v: &PolicyValue) -> Vec<(String, Estimate)> {
    let logged = ("log".to_owned(), v.logged.clone());
    let of = |m: &str| v.estimators.get(m).map(|e| (m.to_uppercase().replace('_', "-"), e.clone()));
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
    sheet(lang, &head.each_ref().map(String::as_str), estimates(v).into_iter().map(row).collect())
}
