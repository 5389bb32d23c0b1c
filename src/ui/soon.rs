//! Shapes of functions of other layers as agreed, for as long as their own files do not hold them yet. The rooms name
//! them through here; this file goes away when they land.

use crate::base::Lang;
use crate::data::Feature;
use crate::explain::{Attribution, Summary};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::waterfall::{self, Waterfall};

/// The sentence of one row.
pub fn sentence(a: &Attribution, i: usize, features: &[Feature], lang: Lang) -> String {
    waterfall::summary(&Waterfall::of_row(a, i, features, 3), Unit::of(None, a.scale), lang)
}

/// The sentence of many rows.
pub fn overview(summary: &Summary, a: &Attribution, lang: Lang) -> String {
    crate::ui::widgets::bars::summary(&summary.importance[..summary.importance.len().min(3)], Unit::of(None, a.scale), lang)
}
