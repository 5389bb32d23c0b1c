//! What the analyst allows: which features may change, which way, how far and at what price.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Fault, Result};
use crate::data::Feature;
use crate::fault;

/// Seconds of a search where nobody says how long it may take.
const SECONDS: f64 = 10.0;

/// What may change and how. Everything is allowed that no rule forbids; missing values stay missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Features that stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<String>,
    /// Features that may only grow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_up: Vec<String>,
    /// Features that may only shrink.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_down: Vec<String>,
    /// Levels that a category may take.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub one_of: BTreeMap<String, Vec<String>>,
    /// Numbers that move in steps from where they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub step: BTreeMap<String, f64>,
    /// Lowest and highest value; the range seen in training if absent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub range: BTreeMap<String, (f64, f64)>,
    /// How much dearer (or cheaper) a feature's change is than the others'.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub price: BTreeMap<String, f64>,
    /// Most features that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_changes: Option<usize>,
    /// Most cost in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Seconds before the search stops with its best answer; what suits the place where it is asked if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Rules {
    /// Reads a file of rules.
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Fault::io(path, &e))?;
        toml::from_str(&text).map_err(|e| fault!("explain.rules_file", file = path, reason = e.message()))
    }

    /// Whether nothing is forbidden or priced.
    pub fn is_free(&self) -> bool {
        *self == Self { seconds: self.seconds, ..Self::default() }
    }

    /// The same, with the time that suits a place where none is said.
    pub fn within(self, seconds: f64) -> Self {
        Self { seconds: self.seconds.or(Some(seconds)), ..self }
    }

    /// When a search stops.
    pub(super) fn time(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.seconds.unwrap_or(SECONDS).clamp(0.01, 3_600.0))
    }

    /// Every rule of a feature taken away.
    pub fn free(&mut self, feature: &str) {
        self.keep(|name| name != feature);
    }

    /// Only what is about the features of a model: rules are written once for several.
    pub fn for_features(mut self, features: &[Feature]) -> Self {
        self.keep(|name| features.iter().any(|f| f.name == name));
        self
    }

    fn keep(&mut self, stays: impl Fn(&str) -> bool) {
        for list in [&mut self.locked, &mut self.only_up, &mut self.only_down] {
            list.retain(|name| stays(name));
        }
        self.one_of.retain(|name, _| stays(name));
        self.range.retain(|name, _| stays(name));
        for numbers in [&mut self.step, &mut self.price] {
            numbers.retain(|name, _| stays(name));
        }
    }

    /// Every feature that a rule is about.
    pub fn features(&self) -> std::collections::BTreeSet<&str> {
        let lists = self.locked.iter().chain(&self.only_up).chain(&self.only_down);
        lists
            .chain(self.one_of.keys())
            .chain(self.step.keys())
            .chain(self.range.keys())
            .chain(self.price.keys())
            .map(String::as_str)
            .collect()
    }

    /// Faults if a number makes no sense, whatever the features are.
    pub fn check_numbers(&self) -> Result<()> {
        let positive = self.step.iter().chain(&self.price);
        if let Some((name, value)) = positive.clone().find(|(_, v)| !v.is_finite() || **v <= 0.0) {
            return Err(fault!("explain.rules_number", feature = name, value = *value));
        }
        if let Some((name, (low, high))) = self.range.iter().find(|(_, (l, h))| !l.is_finite() || !h.is_finite() || l > h) {
            return Err(fault!("explain.rules_range", feature = name, low = *low, high = *high));
        }
        let limits = [("budget", self.budget), ("seconds", self.seconds)];
        if let Some((key, value)) = limits.iter().find_map(|(k, v)| v.filter(|v| !v.is_finite() || *v <= 0.0).map(|v| (k, v))) {
            return Err(fault!("explain.rules_limit", key = *key, value = value));
        }
        Ok(())
    }

    /// Faults if a rule names what none of the models has; each is given by its features.
    pub fn check_known<'a>(&self, models: impl Iterator<Item = &'a [Feature]>) -> Result<()> {
        let known: std::collections::BTreeSet<&str> = models.flatten().map(|f| f.name.as_str()).collect();
        match self.features().iter().find(|name| !known.contains(*name)) {
            Some(name) => Err(fault!("explain.rules_feature", feature = *name, known = known.into_iter().collect::<Vec<_>>().join(", "))),
            None => Ok(()),
        }
    }

    /// Faults if a rule cannot be kept by this model: a feature that it lacks, a level that is none, a way to go for a
    /// category. A rule that would be passed over in silence is refused.
    pub(super) fn check(&self, features: &[Feature]) -> Result<()> {
        self.check_known(std::iter::once(features))?;
        self.check_numbers()?;
        let of = |name: &str| features.iter().find(|f| f.name == name);
        for (name, levels) in &self.one_of {
            let feature = of(name);
            if feature.is_some_and(|f| !f.is_categorical()) {
                return Err(fault!("explain.rules_no_levels", feature = name));
            }
            if let Some(level) = levels.iter().find(|l| feature.is_some_and(|f| !f.levels().contains(l))) {
                let known = feature.map(|f| f.levels().join(", ")).unwrap_or_default();
                return Err(fault!("explain.rules_level", feature = name, level = level, known = known));
            }
        }
        let numbers = self.only_up.iter().chain(&self.only_down).chain(self.step.keys()).chain(self.range.keys());
        match numbers.into_iter().find(|name| of(name).is_some_and(Feature::is_categorical)) {
            Some(name) => Err(fault!("explain.rules_category", feature = name)),
            None => Ok(()),
        }
    }
}
