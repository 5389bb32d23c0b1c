//! Roles: what a column is for. Columns have roles, not fixed names, so any table with an outcome works.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::{ColumnType, Table};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The outcome to predict.
    Target,
    /// What a model may use.
    Feature,
    /// Who acted; an identifier, never a feature.
    User,
    /// What was shown or bought.
    Item,
    /// When.
    Time,
    /// What kind of event.
    Event,
    /// What was done to the person (e-mail, discount).
    Treatment,
    /// Probability with which the logged choice was made.
    Propensity,
    /// Money earned; an outcome, never a feature.
    Value,
    /// Money spent.
    Cost,
    /// Free text; used by a named encoder or visibly ignored.
    Text,
    /// About a protected trait; never a feature, never exported unless the analyst says so.
    Sensitive,
    /// Left out.
    Ignore,
}

impl Role {
    /// All roles, in the order of the menu.
    pub const ALL: [Self; 13] = [
        Self::Target,
        Self::Feature,
        Self::User,
        Self::Item,
        Self::Time,
        Self::Event,
        Self::Treatment,
        Self::Propensity,
        Self::Value,
        Self::Cost,
        Self::Text,
        Self::Sensitive,
        Self::Ignore,
    ];
}

/// What moving a column in a what-if would mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeverType {
    /// The analyst can set it in the world.
    Lever,
    /// Describes the person or the situation; nobody sets it.
    Context,
    /// Changes because of the treatment, on the way to the outcome.
    Mediator,
    /// Made of the outcome, or known only after it.
    Proxy,
    /// Names a row, a person, an order.
    Identifier,
}

impl LeverType {
    /// All types, in the order of the menu.
    pub const ALL: [Self; 5] = [Self::Lever, Self::Context, Self::Mediator, Self::Proxy, Self::Identifier];
}

/// The role of every column, and which numeric columns are really codes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roles {
    /// Column name to role.
    pub of: BTreeMap<String, Role>,
    /// Columns whose numbers are codes, not amounts.
    pub categorical: std::collections::BTreeSet<String>,
    /// Columns that a scenario may move.
    pub levers: std::collections::BTreeSet<String>,
    /// Columns that are something else than a lever, and what.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, LeverType>,
}

/// Most distinct values that an item column may have and still be read by a model.
const MOST_ITEMS: usize = 1_000;
/// Detection looks at this many rows at most.
const LOOK: usize = 20_000;

impl Roles {
    /// What each column seems to be for, by its name and its first rows. The analyst may change all of it.
    pub fn detect(table: &Table) -> Self {
        let head: Vec<usize> = (0..table.n_rows().min(LOOK)).collect();
        let head = table.select_rows(&head);
        let mut out = Self::default();
        let mut binary: Vec<(String, bool)> = Vec::new();
        for i in 0..head.n_columns() {
            let name = head.name(i).to_owned();
            let words = words(&name);
            let (codes, levels) = head.codes(i);
            let column =
                Look { name: &name, words: &words, kind: head.column_type(i), rows: head.n_rows(), levels: &levels, codes: &codes };
            let role = column.role();
            if role == Role::Feature && column.is_binary() {
                binary.push((name.clone(), OUTCOMES.iter().any(|o| words.iter().any(|w| w == o))));
            }
            if column.is_code(role) {
                out.categorical.insert(name.clone());
            }
            out.of.insert(name, role);
        }
        // A yes/no column named like an outcome, or the last yes/no column.
        let target = binary.iter().rev().find(|(_, named)| *named).or_else(|| {
            let last = head.n_columns().checked_sub(1).map(|i| head.name(i).to_owned());
            binary.last().filter(|(name, _)| Some(name) == last.as_ref())
        });
        if let Some((name, _)) = target {
            // Other columns named like outcomes know what came after: they are left out until the analyst says otherwise.
            for (other, _) in binary.iter().filter(|(other, named)| *named && other != name) {
                out.of.insert(other.clone(), Role::Ignore);
            }
            out.of.insert(name.clone(), Role::Target);
        }
        out
    }

    /// The role of a column; a column nobody knows (one that preparation added) is a feature.
    pub fn role(&self, name: &str) -> Role {
        self.of.get(name).copied().unwrap_or(Role::Feature)
    }

    /// What the analyst says that moving a column would mean; `None` while nobody said anything.
    pub fn lever_type(&self, name: &str) -> Option<LeverType> {
        if self.levers.contains(name) { Some(LeverType::Lever) } else { self.types.get(name).copied() }
    }

    /// Columns of a role, by name.
    pub fn with_role(&self, role: Role) -> Vec<String> {
        self.of.iter().filter(|(_, r)| **r == role).map(|(n, _)| n.clone()).collect()
    }

    /// Whether a column is read as a code: words always, numbers when they are marked as codes.
    pub fn is_categorical(&self, table: &Table, name: &str) -> bool {
        table.index_of(name).is_some_and(|i| table.column_type(i) == ColumnType::Text)
            || self.categorical.contains(name)
            || self.role(name) == Role::Item
    }

    /// What a model may use, in file order: features, and the item itself where there are few enough to learn each.
    pub fn features(&self, table: &Table) -> Vec<String> {
        let few = |name: &str| table.index_of(name).is_some_and(|i| table.codes(i).1.len() <= MOST_ITEMS);
        table
            .names()
            .into_iter()
            .filter(|n| match self.role(n) {
                Role::Feature => true,
                Role::Item => few(n),
                _ => false,
            })
            .collect()
    }
}

/// Words of yes/no columns that are outcomes.
const OUTCOMES: [&str; 26] = [
    "revenue",
    "click",
    "clicked",
    "clicks",
    "conversion",
    "converted",
    "convert",
    "purchase",
    "purchased",
    "buy",
    "bought",
    "churn",
    "churned",
    "target",
    "label",
    "y",
    "response",
    "responded",
    "subscribed",
    "subscribe",
    "visit",
    "visited",
    "outcome",
    "exited",
    "default",
    "income",
];
/// Whether a column is named like something that is known only afterwards.
pub fn named_like_outcome(name: &str) -> bool {
    words(name).iter().any(|w| OUTCOMES.contains(&w.as_str()))
}

/// Words of columns whose numbers are codes.
const CODES: [&str; 27] = [
    "type",
    "types",
    "code",
    "codes",
    "category",
    "categories",
    "zip",
    "postcode",
    "position",
    "browser",
    "browsers",
    "system",
    "systems",
    "region",
    "regions",
    "channel",
    "channels",
    "segment",
    "class",
    "group",
    "cluster",
    "store",
    "brand",
    "country",
    "city",
    "device",
    "os",
];
/// Words of protected traits.
const PROTECTED: [&str; 12] = [
    "race",
    "sex",
    "gender",
    "religion",
    "ethnicity",
    "ethnic",
    "orientation",
    "disability",
    "nationality",
    "sexuality",
    "native",
    "marital",
];

/// What detection sees of one column.
struct Look<'a> {
    name: &'a str,
    words: &'a [String],
    kind: ColumnType,
    rows: usize,
    levels: &'a [String],
    codes: &'a [i32],
}

impl Look<'_> {
    fn has(&self, any: &[&str]) -> bool {
        self.words.iter().any(|w| any.contains(&w.as_str()))
    }

    fn is_binary(&self) -> bool {
        self.levels.len() == 2 && (self.kind != ColumnType::Number || self.levels == ["0", "1"])
    }

    fn is_unique(&self) -> bool {
        self.rows > 1 && self.levels.len() == self.codes.iter().filter(|c| **c >= 0).count()
    }

    /// Row numbers: 0, 1, 2 … or 1, 2, 3 … .
    fn is_running(&self) -> bool {
        self.kind == ColumnType::Integer
            && self.rows > 2
            && self.is_unique()
            && self.levels.first().is_some_and(|l| l == "0" || l == "1")
            && self.codes.windows(2).all(|w| w[0] < w[1])
            && self.levels.last().and_then(|l| l.parse::<usize>().ok()).is_some_and(|l| l <= self.rows)
    }

    fn role(&self) -> Role {
        let w = self.words;
        let ends_in_id = w.last().is_some_and(|x| ["id", "ids", "uuid", "guid", "key", "number", "no"].contains(&x.as_str()))
            || self.name.to_ascii_lowercase().ends_with("userid");
        let joined = w.join("_");
        if self.has(&["propensity", "pscore"]) {
            return Role::Propensity;
        }
        if matches!(self.kind, ColumnType::Date | ColumnType::Datetime)
            || (self.has(&["timestamp", "datetime"]) && self.kind != ColumnType::Boolean)
        {
            return Role::Time;
        }
        if self.has(&PROTECTED) && self.levels.len() <= 200 {
            return Role::Sensitive;
        }
        if self.is_running() && (self.name.starts_with("column_") || ends_in_id || ["index", "row", "nr", "idx"].contains(&joined.as_str()))
        {
            return Role::Ignore;
        }
        if ends_in_id || ["userid", "customerid", "uid"].contains(&joined.as_str()) {
            if self.has(&["user", "customer", "visitor", "client", "person", "member", "uid", "userid", "customerid", "account"]) {
                return Role::User;
            }
            if self.has(&["item", "product", "article", "sku", "ad", "content", "offer", "creative", "movie", "campaign"]) {
                return Role::Item;
            }
            if self.is_unique() || self.levels.len() > 1_000 {
                return Role::Ignore;
            }
        }
        if joined == "sku" {
            return Role::Item;
        }
        if ["event", "event_type", "event_name", "action", "action_type"].contains(&joined.as_str()) && self.levels.len() <= 100 {
            return Role::Event;
        }
        if self.has(&["treatment", "treated", "treat", "variant"]) && self.levels.len() <= 10 {
            return Role::Treatment;
        }
        let money = matches!(self.kind, ColumnType::Number | ColumnType::Integer) && self.levels.len() > 2;
        if money
            && ["spend", "sales", "revenue", "turnover", "order_value", "purchase_value", "basket_value", "gmv"].contains(&joined.as_str())
        {
            return Role::Value;
        }
        if money && self.has(&["cost", "costs", "spent"]) {
            return Role::Cost;
        }
        if self.kind == ColumnType::Text {
            let shown = self.levels.len().clamp(1, 200);
            let length: usize = self.levels.iter().take(shown).map(|l| l.chars().count()).sum();
            let spaced = self.levels.iter().take(shown).filter(|l| l.contains(' ') || !l.is_ascii()).count();
            let mostly_different = self.levels.len() * 2 > self.rows && self.rows > 20;
            if length / shown >= 24 && spaced * 2 > shown && mostly_different {
                return Role::Text;
            }
            if self.is_unique() && self.rows > 20 {
                return Role::Ignore;
            }
        }
        Role::Feature
    }

    fn is_code(&self, role: Role) -> bool {
        match role {
            Role::Item => true,
            Role::Feature => self.kind == ColumnType::Integer && self.has(&CODES) && self.levels.len() <= 500 && self.levels.len() > 2,
            _ => false,
        }
    }
}

/// The words of a column name: `OperatingSystems`, `user-item_affinity_0` and `PAGE VIEWS` are split and lowered.
fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() {
            out.push(String::new());
        } else {
            if (c.is_uppercase() && last.is_lowercase())
                || (c.is_ascii_digit() != last.is_ascii_digit() && last.is_alphanumeric())
                || out.is_empty()
            {
                out.push(String::new());
            }
            if let Some(word) = out.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        last = c;
    }
    out.retain(|w| !w.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::Values;
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(words("OperatingSystems"), ["operating", "systems"]);
        assert_eq!(words("user-item_affinity_0"), ["user", "item", "affinity", "0"]);
        assert_eq!(words("PAGE VIEWS"), ["page", "views"]);
    }

    #[test]
    fn roles_are_found_by_name_and_content() {
        let n = 60;
        let int = |f: fn(i64) -> i64| Values::Integers((0..n).map(|i| Some(f(i))).collect());
        let text = |f: fn(i64) -> String| Values::Texts((0..n).map(|i| Some(f(i))).collect());
        let table = Table::from_columns(vec![
            ("column_1".into(), int(|i| i)),
            ("user_id".into(), int(|i| i / 2 + 1000)),
            ("item_id".into(), int(|i| i % 5)),
            ("gender".into(), text(|i| if i % 2 == 0 { "f" } else { "m" }.into())),
            ("Browser".into(), int(|i| i % 4)),
            ("age".into(), int(|i| i % 40 + 20)),
            ("review".into(), text(|i| format!("a long sentence about order {i} and its delivery"))),
            ("propensity_score".into(), Values::Numbers((0..n).map(|i| Some(0.1 + i as f64 / 1e3)).collect())),
            ("click".into(), int(|i| i64::from(i % 7 == 0))),
            ("weekend".into(), Values::Booleans((0..n).map(|i| Some(i % 3 == 0)).collect())),
        ])
        .unwrap();
        let roles = Roles::detect(&table);
        for (name, role) in [
            ("column_1", Role::Ignore),
            ("user_id", Role::User),
            ("item_id", Role::Item),
            ("gender", Role::Sensitive),
            ("Browser", Role::Feature),
            ("age", Role::Feature),
            ("review", Role::Text),
            ("propensity_score", Role::Propensity),
            ("click", Role::Target),
            ("weekend", Role::Feature),
        ] {
            assert_eq!(roles.role(name), role, "{name}");
        }
        assert!(roles.is_categorical(&table, "Browser") && !roles.is_categorical(&table, "age"));
        assert_eq!(roles.features(&table), ["item_id", "Browser", "age", "weekend"]);
    }
}
