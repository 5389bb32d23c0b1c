//! What a number of an explanation or a scenario is measured in, and how it is written: levels, effects, exact values.

use crate::base::{Lang, numbers, tr};
use crate::ml::Outcome;
use crate::ml::model::Scale;

/// The unit of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A probability; effects are percentage points.
    Probability,
    /// Log-odds.
    LogOdds,
    /// The amount that the outcome is.
    Amount,
}

impl Unit {
    /// Of an outcome on a scale.
    pub fn of(outcome: Option<&Outcome>, scale: Scale) -> Self {
        match (outcome.is_none_or(Outcome::is_binary), scale) {
            (false, _) => Self::Amount,
            (true, Scale::Probability) => Self::Probability,
            (true, Scale::Margin) => Self::LogOdds,
        }
    }
    /// A level: `31.2 %`, `−0.79`.
    pub fn level(self, x: f64) -> String {
        match self {
            Self::Probability => numbers::percent(x),
            _ => numbers::plain(x),
        }
    }
    /// A change of level, signed: `+3.1 pp`, `−0.4`.
    pub fn effect(self, x: f64) -> String {
        match self {
            Self::Probability => numbers::points(x),
            _ => numbers::signed(x),
        }
    }
    /// A tick of an axis of effects around zero.
    pub fn tick(self, x: f64) -> String {
        match self {
            Self::Probability => numbers::plain(round(x * 100.0)),
            _ => numbers::plain(round(x)),
        }
    }
    /// Every digit that means something, for a tooltip.
    pub fn exact(self, x: f64) -> String {
        let sign = if x > 0.0 { "+" } else { "" };
        match self {
            Self::Probability => format!("{sign}{} pp", numbers::fixed(x * 100.0, 4)),
            _ => format!("{sign}{}", numbers::fixed(x, 6)),
        }
    }
    /// The unit's name for an axis of effects.
    pub fn effect_name(self, lang: Lang) -> &'static str {
        tr(
            lang,
            match self {
                Self::Probability => "why.unit_points",
                Self::LogOdds => "why.unit_log_odds",
                Self::Amount => "why.unit_amount",
            },
        )
    }
    /// The unit's name for an axis of levels.
    pub fn level_name(self, lang: Lang) -> &'static str {
        match self {
            Self::Probability => tr(lang, "why.unit_percent"),
            _ => self.effect_name(lang),
        }
    }
}

/// Ticks are multiples of a round step; this takes the dust of the multiplication away.
fn round(x: f64) -> f64 {
    let rounded = (x * 1e9).round() / 1e9;
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_their_unit() {
        assert_eq!(Unit::Probability.effect(0.031), "+3.1 pp");
        assert_eq!(Unit::Probability.level(0.155), "15.5 %");
        assert_eq!(Unit::Probability.exact(-0.031_234_56), "−3.1235 pp");
        assert_eq!(Unit::LogOdds.effect(-0.5), "−0.5");
        assert_eq!(Unit::Probability.tick(0.300_000_000_000_000_04), "30");
        assert_eq!(Unit::Probability.tick(-0.0), "0");
    }
}
