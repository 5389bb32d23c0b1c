//! Explanations in words: for every result a sentence in plain words, made from its numbers, in English and Chinese.
//!
//! [`row`] one row; [`many`] many rows at once; [`pairs`] features together; [`groups`] rows and groups set side by side; [`inside`] a group of
//! features or the levels of one;
//! `effect` along a feature; [`change`] what would have to change, and why not the other; [`trust`] how far it holds;
//! [`attention`] where a Transformer looked; [`density`] every row of the data; [`brushed`] rows picked in a picture; [`crowd`] many rows beside one another, and methods. The tests read every sentence back and hold its names, numbers, signs and
//! order against the numbers, with patterns of their own and not those of the catalogue.

mod attention;
mod brushed;
mod change;
mod crowd;
mod density;
mod effect;
mod groups;
mod inside;
mod many;
mod pairs;
mod row;
#[cfg(test)]
mod scan;
mod trust;

use crate::base::numbers::{percent, plain, points, signed};
use crate::base::{Lang, tr};
use crate::ml::model::Scale;

pub use attention::{attention, heads, silenced};
pub use brushed::{brushed, brushed_levels};
pub use change::{change, contrast, rules};
pub use crowd::{beside, crowd, paths};
pub use density::{density, density_column};
pub use effect::curve;
pub use groups::{cohorts, segment, typical};
pub use inside::{inside, levels};
pub use many::{everyone, overview, shuffled, ties};
pub use pairs::{pairs, parted};
pub use row::sentence;
pub use trust::{stability, surrogate, trust};

/// Most features named for something.
const FOR: usize = 3;

/// A signed effect with its unit.
fn effect(x: f64, scale: Scale, lang: Lang) -> String {
    match scale {
        Scale::Margin => signed(x),
        Scale::Probability => points(x).replace("pp", tr(lang, "explain.point_unit")),
    }
}

/// An effect's size: it has no sign.
fn size(x: f64, scale: Scale, lang: Lang) -> String {
    effect(x.abs(), scale, lang).trim_start_matches('+').to_owned()
}

/// A level of the output.
fn level(x: f64, scale: Scale) -> String {
    if scale == Scale::Margin { plain(x) } else { percent(x) }
}

/// Whether a number as written is nothing: it must not be called more or less.
fn is_nothing(shown: &str) -> bool {
    shown.chars().all(|c| !c.is_ascii_digit() || c == '0')
}

/// “a, b and c”.
fn list(items: &[String], lang: Lang) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{}{}{last}", first.join(tr(lang, "explain.comma")), tr(lang, "explain.and")),
    }
}
