//! Which column is what: proposed by names and contents, so that an analyst confirms rather than searches.

use serde::Serialize;

use super::log::Columns;
use crate::data::{ColumnType, Table};

/// Rows looked at.
const LOOK: usize = 20_000;

/// A proposal for one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// The column.
    pub column: String,
    /// Whether its name speaks for it.
    pub by_name: bool,
    /// Whether its contents do.
    pub by_content: bool,
}

/// Proposals for all parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mapping {
    /// What was shown.
    pub action: Option<Proposal>,
    /// What came of it.
    pub reward: Option<Proposal>,
    /// The probability of the choice.
    pub propensity: Option<Proposal>,
    /// Where it was shown.
    pub position: Option<Proposal>,
    /// What was known of the person.
    pub context: Vec<String>,
}

const ACTION: [&str; 17] = [
    "action",
    "item",
    "item_id",
    "arm",
    "offer",
    "treatment",
    "variant",
    "creative",
    "ad",
    "ad_id",
    "banner",
    "content",
    "campaign",
    "product",
    "coupon",
    "segment",
    "recommendation",
];
const REWARD: [&str; 17] = [
    "reward",
    "click",
    "clicked",
    "clicks",
    "conversion",
    "converted",
    "purchase",
    "purchased",
    "visit",
    "buy",
    "bought",
    "response",
    "outcome",
    "revenue",
    "spend",
    "order",
    "label",
];
const PROPENSITY: [&str; 9] =
    ["propensity", "propensity_score", "pscore", "prob", "probability", "action_prob", "action_probability", "logging_probability", "p"];
const POSITION: [&str; 6] = ["position", "pos", "slot", "rank", "place", "placement"];

/// How well a name fits a list: 3 the whole name, 2 one of its words, 0 neither.
fn fit(name: &str, list: &[&str]) -> u32 {
    let lower = name.trim().to_lowercase();
    if list.contains(&lower.as_str()) {
        return 3;
    }
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    if words.any(|w| w.len() > 1 && list.contains(&w)) { 2 } else { 0 }
}

/// What the contents of a column say.
struct Look {
    name: String,
    kind: ColumnType,
    levels: usize,
    numbers: Option<(f64, f64)>,
    whole: bool,
    rows: usize,
    complete: bool,
}

impl Look {
    fn of(table: &Table, i: usize) -> Self {
        let (codes, levels) = table.codes(i);
        let kind = table.column_type(i);
        let numeric = matches!(kind, ColumnType::Integer | ColumnType::Number | ColumnType::Boolean);
        let values = if numeric { table.numbers(i) } else { Vec::new() };
        let range = values.iter().filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        Self {
            name: table.name(i).to_owned(),
            kind,
            levels: levels.len(),
            numbers: (numeric && range.0 <= range.1).then_some(range),
            whole: values.iter().all(|v| v.is_nan() || v.fract() == 0.0),
            rows: table.n_rows(),
            complete: codes.iter().all(|c| *c >= 0),
        }
    }
    fn is_action(&self) -> bool {
        self.levels >= 2
            && self.levels * 5 <= self.rows.max(10)
            && self.kind != ColumnType::Number
            && !matches!(self.kind, ColumnType::Date | ColumnType::Datetime)
    }
    fn is_reward(&self) -> bool {
        self.complete && self.levels >= 2 && (self.kind == ColumnType::Boolean || self.numbers.is_some_and(|(low, _)| low >= 0.0))
    }
    fn is_propensity(&self) -> bool {
        self.complete && !self.whole && self.numbers.is_some_and(|(low, high)| low > 0.0 && high <= 1.0)
    }
    fn is_position(&self) -> bool {
        self.complete
            && (2..=50).contains(&self.levels)
            && self.whole
            && self.numbers.is_some_and(|(low, high)| low >= 0.0 && high <= 100.0)
    }
}

/// Looks at every column and proposes.
pub fn propose(table: &Table) -> Mapping {
    let head: Vec<usize> = (0..table.n_rows().min(LOOK)).collect();
    let head = table.select_rows(&head);
    let looks: Vec<Look> = (0..head.n_columns()).map(|i| Look::of(&head, i)).collect();
    let mut taken: Vec<String> = Vec::new();
    // A name alone is not enough, and contents alone are enough only for probabilities and yes/no answers.
    let mut best = |list: &[&str], content: &dyn Fn(&Look) -> bool, alone: &dyn Fn(&Look) -> bool| {
        let free = looks.iter().filter(|l| !taken.contains(&l.name));
        let scored = free.filter_map(|l| {
            let (name, content) = (fit(&l.name, list), content(l));
            (content && (name > 0 || alone(l))).then_some((name, l))
        });
        let found = scored.fold(None::<(u32, &Look)>, |best, next| match best {
            Some(b) if b.0 >= next.0 => Some(b),
            _ => Some(next),
        })?;
        taken.push(found.1.name.clone());
        Some(Proposal { column: found.1.name.clone(), by_name: found.0 > 0, by_content: true })
    };
    let propensity = best(&PROPENSITY, &Look::is_propensity, &|_| true);
    let reward = best(&REWARD, &Look::is_reward, &|l| l.levels == 2 && l.numbers == Some((0.0, 1.0)));
    let position = best(&POSITION, &Look::is_position, &|_| false);
    let action = best(&ACTION, &Look::is_action, &|l| l.kind == ColumnType::Text);
    let context = looks.iter().filter(|l| !taken.contains(&l.name) && context(l)).map(|l| l.name.clone()).collect();
    Mapping { action, reward, propensity, position, context }
}

/// Columns of people: named so, and with few enough values to learn from.
fn context(l: &Look) -> bool {
    let words = ["user", "customer", "context", "person", "age", "gender", "region", "city", "device", "history", "recency"];
    let named = fit(&l.name, &words) > 0 && !l.name.to_lowercase().ends_with("id");
    named && l.levels >= 2 && l.levels * 20 <= l.rows.max(40) && !l.name.to_lowercase().contains("affinity")
}

impl Mapping {
    /// All of it, as if an analyst had named it.
    pub fn columns(&self) -> Columns {
        let of = |p: &Option<Proposal>| p.as_ref().map(|p| p.column.clone());
        Columns {
            action: of(&self.action).unwrap_or_default(),
            reward: of(&self.reward).unwrap_or_default(),
            propensity: of(&self.propensity),
            position: of(&self.position),
            context: self.context.clone(),
        }
    }

    /// Fills what was not named; what was named stays.
    pub fn fill(&self, named: Columns) -> Columns {
        let own = |given: String, proposed: &Option<Proposal>| {
            if given.is_empty() { proposed.as_ref().map(|p| p.column.clone()).unwrap_or_default() } else { given }
        };
        Columns { action: own(named.action, &self.action), reward: own(named.reward, &self.reward), ..named }
    }
}
