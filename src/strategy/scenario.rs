//! A scenario: for whom, which levers to which values, and the money assumptions that the analyst entered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::terms::First;
use super::tested::Tested;
use crate::base::Result;
use crate::data::{Feature, FeatureKind};
use crate::fault;

/// A value that a lever is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// True or false.
    Flag(bool),
    /// An amount.
    Number(f64),
    /// A level, or a change such as `+10%`, `*1.2`, `+3`.
    Text(String),
}

/// One named what-if.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// For whom: a condition such as `VisitorType = 'Returning_Visitor'`; everybody if absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// One line of the file instead of a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// Which model answers; the recipe's first if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Lever to value.
    #[serde(default)]
    pub set: BTreeMap<String, Setting>,
    /// Money earned per conversion, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_per_conversion: Option<f64>,
    /// Money spent per person reached, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_contact: Option<f64>,
    /// Money spent once, as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_cost: Option<f64>,
    /// Money spent on every conversion of a person who got the offer (a voucher, a commission), as the analyst assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_conversion: Option<f64>,
    /// Share of the value that is left once the goods are paid, as the analyst assumes; all of it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Most money that may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Most people who can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// Who is reached where not everybody can be.
    #[serde(default, skip_serializing_if = "First::is_chance")]
    pub first: First,
    /// Through which of the recipe's channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// First day, as `2026-11-27`: where the model knows parts of a date, everybody is asked about as on that day; else it is
    /// for the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Days that it runs; as long as the data cover if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<f64>,
    /// The study that measured its effect, instead of levers that a model is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// Outcome proxies that the analyst unlocked for this scenario.
    #[serde(default, rename = "override", skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
}

/// A setting as it acts on one raw number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Move {
    /// Becomes this value (a level's index for a category).
    To(f64),
    /// Is multiplied.
    Times(f64),
    /// Is added to.
    Plus(f64),
}

impl Move {
    /// The number after the move; a missing one stays missing under a relative move.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::To(v) => v,
            Self::Times(k) => x * k,
            Self::Plus(d) => x + d,
        }
    }
}

impl Setting {
    /// What it does to a feature, or a fault that says why it does not fit.
    pub fn read(&self, feature: &Feature) -> Result<Move> {
        let text = self.to_string();
        let bad = || fault!("strategy.bad_setting", column = &feature.name, value = &text);
        match &feature.kind {
            FeatureKind::Categorical { levels } => {
                let wanted = text.trim();
                levels.iter().position(|l| l == wanted).map(|i| Move::To(i as f64)).ok_or_else(|| {
                    let near = levels.iter().min_by_key(|l| crate::data::table::distance(l, wanted));
                    fault!("strategy.no_level", column = &feature.name, value = wanted, nearest = near.map_or("", String::as_str))
                })
            }
            FeatureKind::Numeric { boolean: true, .. } => match feature.parse(&text) {
                Some(v) if !v.is_nan() => Ok(Move::To(v)),
                _ => Err(bad()),
            },
            FeatureKind::Numeric { .. } => match self {
                Self::Number(x) if x.is_finite() => Ok(Move::To(*x)),
                Self::Text(t) => {
                    let t = t.trim().replace('−', "-");
                    let number = |s: &str| s.trim().parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(bad);
                    if let Some(percent) = t.strip_suffix('%') {
                        return Ok(Move::Times(1.0 + number(percent)? / 100.0));
                    }
                    if let Some(k) = t.strip_prefix(['*', '×']) {
                        return Ok(Move::Times(number(k)?));
                    }
                    if t.starts_with(['+', '-']) {
                        return Ok(Move::Plus(number(t.strip_prefix('+').unwrap_or(&t))?));
                    }
                    Ok(Move::To(number(t.strip_prefix('=').unwrap_or(&t))?))
                }
                _ => Err(bad()),
            },
        }
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(b) => write!(f, "{b}"),
            Self::Number(x) => write!(f, "{x}"),
            Self::Text(t) => f.write_str(t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(kind: FeatureKind) -> Feature {
        Feature { name: "f".into(), kind, mean: 0.0, sd: 1.0, range: (0.0, 1.0), quantiles: vec![], shares: vec![], missing: 0.0 }
    }

    #[test]
    fn settings_are_read_as_written() {
        let number = feature(FeatureKind::Numeric { integer: false, boolean: false });
        for (text, x, y) in [
            ("+10%", 50.0, 55.0),
            ("-10%", 50.0, 45.0),
            ("*1.2", 50.0, 60.0),
            ("+3", 50.0, 53.0),
            ("-3", 50.0, 47.0),
            ("7", 50.0, 7.0),
            ("=-7", 50.0, -7.0),
        ] {
            let moved = Setting::Text(text.into()).read(&number).unwrap().apply(x);
            assert!((moved - y).abs() < 1e-9, "{text}: {moved}");
        }
        assert!(Setting::Text("much".into()).read(&number).is_err());
        assert!(Setting::Number(f64::NAN).read(&number).is_err());
        let level = feature(FeatureKind::Categorical { levels: vec!["Nov".into(), "Oct".into()] });
        assert_eq!(Setting::Text("Oct".into()).read(&level).unwrap(), Move::To(1.0));
        assert!(Setting::Text("Okt".into()).read(&level).unwrap_err().to_string().contains("Oct"));
        let flag = feature(FeatureKind::Numeric { integer: false, boolean: true });
        assert_eq!(Setting::Flag(true).read(&flag).unwrap(), Move::To(1.0));
    }
}
