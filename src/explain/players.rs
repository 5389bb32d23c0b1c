//! Players: what an attribution speaks of. Usually every feature is one; features that belong together (the columns of a
//! one-hot set, the parts of a date, the numbers of an embedding) can be one player, and then get one exact Shapley value
//! of the game among groups, not a sum of sizes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Fault, Result};
use crate::data::Feature;
use crate::fault;

/// Which features play together.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Players {
    /// Names, in the order of each player's first feature.
    pub names: Vec<String>,
    /// Player of each feature.
    pub of: Vec<usize>,
}

/// The groups alone: what plays for itself is the same for every game of a model, and may be thousands of names, which
/// would be written in every frame that asks whether an answer is still good.
impl std::fmt::Debug for Players {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        self.of.iter().enumerate().for_each(|(feature, p)| members.entry(*p).or_default().push(feature));
        let groups = members.into_iter().filter(|(_, m)| m.len() > 1).map(|(p, m)| (&self.names[p], m));
        f.debug_map().entry(&"features", &self.of.len()).entries(groups).finish()
    }
}

/// A file of groups: a table `groups` of names with the features in each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    groups: BTreeMap<String, Vec<String>>,
}

impl Players {
    /// Every feature for itself.
    pub fn single(features: &[Feature]) -> Self {
        Self { names: features.iter().map(|f| f.name.clone()).collect(), of: (0..features.len()).collect() }
    }

    /// Named groups; features in none play for themselves.
    pub fn grouped(features: &[Feature], groups: &BTreeMap<String, Vec<String>>) -> Result<Self> {
        let mut group: Vec<Option<&str>> = vec![None; features.len()];
        for (name, members) in groups {
            for member in members {
                let at = features.iter().position(|f| f.name == *member).ok_or_else(|| {
                    let known: Vec<&str> = features.iter().map(|f| f.name.as_str()).collect();
                    fault!("explain.group_unknown", group = name, feature = member, known = known.join(", "))
                })?;
                if let Some(other) = group[at].filter(|g| g != name) {
                    return Err(fault!("explain.group_twice", feature = member, group = name, other = other));
                }
                group[at] = Some(name);
            }
        }
        // Two players of one name could not be told apart.
        let outside = |name: &str| features.iter().zip(&group).any(|(f, g)| f.name == name && *g != Some(name));
        if let Some(name) = groups.keys().find(|name| outside(name)) {
            return Err(fault!("explain.group_name", group = name));
        }
        let (mut names, mut of): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (feature, group) in features.iter().zip(&group) {
            let next = names.len();
            let player = group.map_or(next, |g| *seen.entry(g).or_insert(next));
            if player == next {
                names.push(group.unwrap_or(&feature.name).to_owned());
            }
            of.push(player);
        }
        Ok(Self { names, of })
    }

    /// Reads a file of groups.
    pub fn open(path: &Path, features: &[Feature]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Fault::io(path, &e))?;
        let file: GroupFile = toml::from_str(&text).map_err(|e| fault!("explain.group_file", file = path, reason = e.message()))?;
        Self::grouped(features, &file.groups)
    }

    /// Named groups of columns, of which a model may use only some: what it lacks is passed over, and a group of which
    /// fewer than two remain is none. `None` where every feature plays for itself.
    pub fn of_columns(features: &[Feature], groups: &BTreeMap<String, Vec<String>>) -> Result<Option<Self>> {
        let has = |column: &&String| features.iter().any(|f| f.name == **column);
        let known: BTreeMap<String, Vec<String>> = groups
            .iter()
            .map(|(name, columns)| (name.clone(), columns.iter().filter(has).cloned().collect::<Vec<_>>()))
            .filter(|(_, columns)| columns.len() > 1)
            .collect();
        let players = Self::grouped(features, &known)?;
        Ok((!players.is_single()).then_some(players))
    }

    /// The same players with one group opened: its features play for themselves, the other groups stay together.
    pub fn opened(&self, player: usize, features: &[Feature]) -> Self {
        let (mut names, mut of): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        for (feature, p) in features.iter().zip(&self.of) {
            let next = names.len();
            let place = if *p == player { next } else { *seen.entry(*p).or_insert(next) };
            if place == next {
                names.push(if *p == player { feature.name.clone() } else { self.names[*p].clone() });
            }
            of.push(place);
        }
        Self { names, of }
    }

    /// Number of players.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Whether every feature plays for itself.
    pub fn is_single(&self) -> bool {
        self.names.len() == self.of.len()
    }

    /// The features of one player.
    pub fn members(&self, player: usize) -> Vec<usize> {
        (0..self.of.len()).filter(|f| self.of[*f] == player).collect()
    }

    /// Sums per feature to sums per player, row by row.
    pub fn sum(&self, per_feature: Vec<f64>) -> Vec<f64> {
        if self.is_single() {
            return per_feature;
        }
        let (m, n) = (self.of.len(), self.count());
        let mut out = vec![0.0; per_feature.len() / m.max(1) * n];
        for (row, out) in per_feature.chunks(m.max(1)).zip(out.chunks_mut(n.max(1))) {
            for (v, p) in row.iter().zip(&self.of) {
                out[*p] += v;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::summary::tests::feature;

    #[test]
    fn groups_by_name() {
        let features = [feature("a", &[]), feature("b", &[]), feature("c", &[]), feature("d", &[])];
        let groups = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            pairs.iter().map(|(n, m)| ((*n).to_owned(), m.iter().map(ToString::to_string).collect())).collect()
        };
        let p = Players::grouped(&features, &groups(&[("pages", &["d", "b"])])).unwrap();
        assert_eq!((p.names.join(" "), p.of.clone(), p.members(1)), ("a pages c".to_owned(), vec![0, 1, 2, 1], vec![1, 3]));
        assert_eq!(p.sum(vec![1.0, 2.0, 3.0, 4.0, 0.0, 1.0, 0.0, 1.0]), [1.0, 6.0, 3.0, 0.0, 2.0, 0.0]);
        let unknown = Players::grouped(&features, &groups(&[("g", &["x"])])).unwrap_err();
        assert_eq!(unknown.0.code, "explain.group_unknown");
        let twice = Players::grouped(&features, &groups(&[("g", &["a"]), ("h", &["a"])])).unwrap_err();
        assert_eq!(twice.0.code, "explain.group_twice");
        // A group may be named like one of its own features, not like another.
        assert!(Players::grouped(&features, &groups(&[("a", &["a", "b"])])).is_ok());
        let name = Players::grouped(&features, &groups(&[("c", &["a", "b"])])).unwrap_err();
        assert_eq!(name.0.code, "explain.group_name");
    }

    #[test]
    fn a_model_takes_the_columns_it_has_and_groups_open_one_by_one() {
        let features = [feature("a", &[]), feature("b", &[]), feature("c", &[]), feature("d", &[])];
        let groups: BTreeMap<String, Vec<String>> = [("g", vec!["a", "c", "gone"]), ("h", vec!["b", "d"]), ("i", vec!["gone", "lost"])]
            .into_iter()
            .map(|(n, m)| (n.to_owned(), m.into_iter().map(str::to_owned).collect()))
            .collect();
        let p = Players::of_columns(&features, &groups).unwrap().unwrap();
        assert_eq!((p.names.join(" "), p.of.clone()), ("g h".to_owned(), vec![0, 1, 0, 1]));
        let open = p.opened(0, &features);
        assert_eq!((open.names.join(" "), open.of.clone()), ("a h c".to_owned(), vec![0, 1, 2, 1]));
        assert!(open.opened(1, &features).is_single());
        assert!(Players::of_columns(&features[..1], &groups).unwrap().is_none(), "one feature alone is no group");
    }
}
