//! The log: one row per decision, with the action shown, what came of it, and (best) the probability with which it was
//! chosen. Everything that makes a number meaningless is said here, in one sentence, before anything is computed.

use serde::{Deserialize, Serialize};

use crate::base::{Fingerprint, Result};
use crate::data::{ColumnType, Encoder, Feature, FeatureMatrix, FittedPrepare, Roles, Table};
use crate::fault;

/// Actions from which a column with few rows per action is taken for an identifier.
const MANY: usize = 50;
/// Rows per action below which it is.
const FEW_ROWS: usize = 3;

/// Which column is what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// What was shown.
    pub action: String,
    /// What came of it.
    pub reward: String,
    /// Probability with which it was chosen.
    pub propensity: Option<String>,
    /// Where it was shown.
    pub position: Option<String>,
    /// What was known when it was chosen.
    #[serde(default)]
    pub context: Vec<String>,
}

/// A log that can be evaluated.
#[derive(Clone, Debug)]
pub struct Log {
    /// Action of each row, an index into `names`.
    pub action: Vec<u32>,
    /// The actions that occur, sorted.
    pub names: Vec<String>,
    /// Reward of each row, finite.
    pub reward: Vec<f64>,
    /// Probability of the logged action, in (0, 1], where the log says it.
    pub propensity: Option<Vec<f64>>,
    /// Context and position as features.
    pub features: Vec<Feature>,
    /// Their values.
    pub context: FeatureMatrix,
    /// Which column is what.
    pub columns: Columns,
    /// The file's fingerprint.
    pub data: Fingerprint,
}

impl Log {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.action.len()
    }

    /// Whether every reward is 0 or 1.
    pub fn is_binary(&self) -> bool {
        self.reward.iter().all(|r| *r == 0.0 || *r == 1.0)
    }

    /// Some rows of it; the actions keep their numbers.
    pub fn subset(&self, rows: &[usize]) -> Self {
        Self {
            action: rows.iter().map(|r| self.action[*r]).collect(),
            reward: rows.iter().map(|r| self.reward[*r]).collect(),
            propensity: self.propensity.as_ref().map(|p| rows.iter().map(|r| p[*r]).collect()),
            context: if self.features.is_empty() { FeatureMatrix::default() } else { self.context.select(rows) },
            names: self.names.clone(),
            features: self.features.clone(),
            columns: self.columns.clone(),
            data: self.data.clone(),
        }
    }

    /// Reads the named columns of a table.
    pub fn read(table: &Table, columns: &Columns, data: &Fingerprint) -> Result<Self> {
        let named = [Some(&columns.action), Some(&columns.reward), columns.propensity.as_ref(), columns.position.as_ref()];
        let named: Vec<&String> = named.into_iter().flatten().chain(&columns.context).collect();
        for (k, name) in named.iter().enumerate() {
            table.column(name)?;
            if named[..k].contains(name) {
                return Err(fault!("policy.column_twice", column = *name));
            }
        }
        if table.n_rows() == 0 {
            return Err(fault!("policy.no_rows", action = &columns.action));
        }
        let (codes, names) = table.codes(table.column(&columns.action)?);
        if let Some(row) = codes.iter().position(|c| *c < 0) {
            return Err(fault!("policy.action_missing", column = &columns.action, row = table.file_row(row)));
        }
        let action = codes.iter().map(|c| (*c).max(0) as u32).collect();
        let reward = rewards(table, &columns.reward)?;
        let propensity = columns.propensity.as_ref().map(|p| propensities(table, p)).transpose()?;
        let mut context: Vec<String> = columns.position.iter().cloned().collect();
        context.extend(columns.context.iter().cloned());
        let (features, matrix) = encoded(table, columns, &context)?;
        let log = Self { action, names, reward, propensity, features, context: matrix, columns: columns.clone(), data: data.clone() };
        log.check()?;
        Ok(log)
    }

    /// Refuses what no method could evaluate.
    pub fn check(&self) -> Result<()> {
        let (n, k) = (self.rows(), self.names.len());
        if n == 0 {
            return Err(fault!("policy.no_rows", action = &self.columns.action));
        }
        if k == 1 {
            return Err(fault!("policy.one_action", column = &self.columns.action, value = &self.names[0]));
        }
        if k > MANY && n < FEW_ROWS * k {
            return Err(fault!("policy.too_many_actions", column = &self.columns.action, actions = k, rows = n));
        }
        if self.reward.iter().all(|r| *r == self.reward[0]) {
            return Err(fault!("policy.constant_reward", column = &self.columns.reward, value = self.reward[0]));
        }
        Ok(())
    }
}

fn rewards(table: &Table, name: &str) -> Result<Vec<f64>> {
    let i = table.column(name)?;
    let values = if table.column_type(i) == ColumnType::Text {
        let (codes, levels) = table.codes(i);
        let yes = ["true", "yes", "y", "t", "1", "是"];
        let no = ["false", "no", "n", "f", "0", "否"];
        let worth: Option<Vec<f64>> = levels
            .iter()
            .map(|l| {
                let l = l.trim().to_lowercase();
                if yes.contains(&l.as_str()) { Some(1.0) } else { no.contains(&l.as_str()).then_some(0.0) }
            })
            .collect();
        let Some(worth) = worth else {
            return Err(fault!("policy.reward_words", column = name, value = levels.first().map_or("", String::as_str)));
        };
        codes.iter().map(|c| usize::try_from(*c).map_or(f64::NAN, |c| worth[c])).collect()
    } else {
        table.numbers(i)
    };
    if let Some(row) = values.iter().position(|v| !v.is_finite()) {
        return Err(fault!("policy.reward_missing", column = name, row = table.file_row(row)));
    }
    Ok(values)
}

fn propensities(table: &Table, name: &str) -> Result<Vec<f64>> {
    let values = table.numbers(table.column(name)?);
    let bad = |v: f64| !(v > 0.0 && v <= 1.0);
    if let Some(row) = values.iter().position(|v| bad(*v)) {
        let (v, row) = (values[row], table.file_row(row));
        let count = values.iter().filter(|v| bad(**v)).count();
        return Err(if v.is_nan() {
            fault!("policy.propensity_missing", column = name, row = row, count = count)
        } else if v <= 0.0 {
            fault!("policy.propensity_zero", column = name, row = row, value = v, count = count)
        } else {
            fault!("policy.propensity_above_one", column = name, row = row, value = v, count = count)
        });
    }
    Ok(values)
}

fn encoded(table: &Table, columns: &Columns, context: &[String]) -> Result<(Vec<Feature>, FeatureMatrix)> {
    if context.is_empty() {
        return Ok((Vec::new(), FeatureMatrix::default()));
    }
    let mut roles = Roles::detect(table);
    roles.categorical.extend(columns.position.iter().cloned());
    let all: Vec<usize> = (0..table.n_rows()).collect();
    let encoder = Encoder::fit(table, context, &roles, &all, FittedPrepare::default())?;
    let (matrix, _) = encoder.encode(table)?;
    Ok((encoder.features, matrix))
}
