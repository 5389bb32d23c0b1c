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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Players {
    /// Names, in the order of each player's first feature.
    pub names: Vec<String>,
    /// Player of each feature.
    pub of: Vec<usize>,
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
    }
}
