//! From facts to a finding: what a column is proposed to be, its light, and the sentences with their numbers.

use super::losses::{Worth, Worths};
use super::mediator::Arms;
use super::{ColumnFinding, Input, LeakScan, Measured, Metric, judge::Court, marks};
use crate::base::{Lang, Notice, numbers, tr_with};
use crate::data::{LeverType, Role, Table, roles};
use crate::note;
use crate::strategy::causal::{Light, stats};

/// AUC, and R², that a column surely reaches alone when its cliff is beyond doubt.
const GIVES_AWAY: (f64, f64) = (0.8, 0.6);
/// The same, when nothing else need be asked.
const IS_THE_ANSWER: (f64, f64) = (0.97, 0.95);

impl ColumnFinding {
    /// All reasons as one text.
    pub fn sentence(&self, lang: Lang) -> String {
        let mut out = String::new();
        for reason in &self.reasons {
            let asks = out.ends_with(['?', '？']);
            match lang {
                _ if out.is_empty() => {}
                Lang::En => out += if asks { " " } else { ". " },
                Lang::Zh => out += if asks { "" } else { "。" },
            }
            out += &reason.say(lang);
        }
        out
    }
}

impl LeakScan {
    /// What all features together reach, and on how many rows, in words.
    pub fn sentence(&self, lang: Lang) -> String {
        let metric = self.metric.name();
        let rows = numbers::count(self.judged as i64);
        let at = |l: Light| self.columns.iter().filter(|c| c.light == l).count();
        let counts = [("bad", at(Light::Bad)), ("warn", at(Light::Warn))];
        let [bad, warn] = &counts;
        match &self.whole {
            Some(w) => tr_with(
                lang,
                "scan.says",
                &[
                    ("outcome", &self.outcome),
                    ("metric", &metric),
                    ("value", &shown(w)),
                    ("rows", &rows),
                    (bad.0, &bad.1),
                    (warn.0, &warn.1),
                    ("of", &self.columns.len()),
                ],
            ),
            None => tr_with(
                lang,
                "scan.says_less",
                &[("outcome", &self.outcome), (bad.0, &bad.1), (warn.0, &warn.1), ("of", &self.columns.len())],
            ),
        }
    }

    /// The findings with the worst first, else in file order.
    pub fn worst_first(&self) -> Vec<&ColumnFinding> {
        let mut all: Vec<&ColumnFinding> = self.columns.iter().collect();
        all.sort_by_key(|c| std::cmp::Reverse(c.light));
        all
    }
}

impl Metric {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auc => "AUC",
            Self::R2 => "R²",
        }
    }
}

/// Catalogue key of a type's name.
pub fn type_key(kind: LeverType) -> &'static str {
    match kind {
        LeverType::Lever => "scan.type_lever",
        LeverType::Context => "scan.type_context",
        LeverType::Mediator => "scan.type_mediator",
        LeverType::Proxy => "scan.type_proxy",
        LeverType::Identifier => "scan.type_identifier",
    }
}

/// Catalogue key of what a type means.
pub fn type_help(kind: LeverType) -> &'static str {
    match kind {
        LeverType::Lever => "scan.type_lever_help",
        LeverType::Context => "scan.type_context_help",
        LeverType::Mediator => "scan.type_mediator_help",
        LeverType::Proxy => "scan.type_proxy_help",
        LeverType::Identifier => "scan.type_identifier_help",
    }
}

/// Catalogue key of a light.
pub fn light_key(light: Light) -> &'static str {
    match light {
        Light::Ok => "scan.light_ok",
        Light::Warn => "scan.light_warn",
        Light::Bad => "scan.light_bad",
    }
}

/// A figure with its interval.
pub fn shown(m: &Measured) -> String {
    format!("{} ({} – {})", fixed(m.value), fixed(m.low), fixed(m.high))
}

/// Everything that is known of all columns.
pub(super) struct Facts<'a> {
    pub(super) input: &'a Input<'a>,
    /// Rows looked at, as they come from the file.
    pub(super) raw: &'a Table,
    /// Their outcome.
    pub(super) y: &'a [f64],
    pub(super) worths: &'a Worths,
    pub(super) court: Option<(&'a Court, &'a [String])>,
    pub(super) treatment: Option<&'a str>,
    pub(super) arms: Option<(&'a Arms, &'a [String])>,
    pub(super) outcome_time: Option<(String, Vec<f64>)>,
    pub(super) people: Option<(Table, Vec<i32>)>,
}

impl Facts<'_> {
    /// What is found of one column.
    pub(super) fn finding(&self, name: &str) -> ColumnFinding {
        let role = self.input.roles.role(name);
        let worth = self.worth(name);
        let (mut proposed, mut light, mut firm, mut reasons) = (LeverType::Context, Light::Ok, true, Vec::new());
        let mut found = |kind: LeverType, colour: Light, reason: Notice| {
            // The first fact decides what it is; the worst colour stays.
            if reasons.is_empty() {
                proposed = kind;
            }
            light = light.max(colour);
            reasons.push(reason);
        };
        if let Some(reason) = self.afterwards(name, role) {
            found(LeverType::Proxy, Light::Bad, reason);
        }
        if let Some(reason) = self.identifier(name, role) {
            found(LeverType::Identifier, Light::Ok, reason);
        }
        let cliff = worth.and_then(|w| self.cliff(name, w));
        let mediator = self.mediator(name, worth);
        // What an experiment says of a doubtful column weighs more than that it is strong.
        let doubtful = mediator.is_some() && cliff.as_ref().is_some_and(|c| c.0 < Light::Bad);
        if let Some((colour, reason)) = cliff.filter(|_| !doubtful) {
            found(LeverType::Proxy, colour, reason);
        }
        if let Some(reason) = mediator {
            found(LeverType::Mediator, Light::Warn, reason);
        }
        match role {
            Role::Treatment | Role::Item | Role::Cost => found(LeverType::Lever, Light::Ok, note!("scan.role_lever", column = name)),
            Role::Sensitive => found(LeverType::Context, Light::Ok, note!("scan.role_sensitive", column = name)),
            Role::Time => found(LeverType::Context, Light::Ok, note!("scan.role_time", column = name)),
            _ => {}
        }
        if reasons.is_empty() {
            match self.steady(name) {
                Some(reason) => reasons.push(reason),
                None => {
                    firm = false;
                    reasons.push(note!("scan.context", column = name));
                }
            }
        }
        let unread = !matches!(role, Role::Value | Role::Event);
        if roles::named_like_outcome(name) && unread && light != Light::Bad {
            // A hint, no more: the light is not moved by a name.
            reasons.push(note!("scan.named_so", column = name));
        }
        let (alone, loss, with) = worth.map_or((None, None, Vec::new()), |w| (w.alone, w.loss, w.with.clone()));
        ColumnFinding { column: name.to_owned(), role, proposed, firm, light, alone, loss, with, reasons }
    }

    fn worth(&self, name: &str) -> Option<&Worth> {
        let at = self.court?.1.iter().position(|n| n == name)?;
        self.worths.of.get(&at)
    }

    /// Whether it is known only after the outcome: by its role, by when it is filled, by its time.
    fn afterwards(&self, name: &str, role: Role) -> Option<Notice> {
        let outcome = &self.input.outcome;
        if matches!(role, Role::Value | Role::Event) {
            return Some(note!("scan.role_after", column = name));
        }
        let column = self.raw.index_of(name)?;
        if outcome.is_binary()
            && let Some(f) = marks::filled_after(&self.raw.missing(column), self.y)
        {
            let (yes, no) = (numbers::percent(f.yes), numbers::percent(f.no));
            return Some(note!("scan.filled_after", column = name, outcome = &outcome.name, yes = yes, no = no));
        }
        let (time, when) = self.outcome_time.as_ref().filter(|t| t.0 != name && role == Role::Time)?;
        let (share, rows) = marks::later(&self.raw.numbers(column), when)?;
        Some(note!("scan.later", column = name, time = time, share = numbers::percent(share), rows = numbers::count(rows as i64)))
    }

    /// Whether it names rows or people.
    fn identifier(&self, name: &str, role: Role) -> Option<Notice> {
        if role == Role::User {
            return Some(note!("scan.role_user", column = name));
        }
        if matches!(role, Role::Text | Role::Time) {
            return None;
        }
        let column = self.raw.index_of(name)?;
        let (distinct, filled) = marks::names_rows(self.raw, column, self.input.roles.categorical.contains(name))?;
        let count = |n: usize| numbers::count(n as i64);
        Some(note!("scan.identifier", column = name, distinct = count(distinct), rows = count(filled)))
    }

    /// Whether the model falls without it.
    fn cliff(&self, name: &str, worth: &Worth) -> Option<(Light, Notice)> {
        let (alone, whole) = (worth.alone?, self.worths.whole.as_ref()?);
        let binary = self.input.outcome.is_binary();
        let of = |pair: (f64, f64)| if binary { pair.0 } else { pair.1 };
        let metric = if binary { "AUC" } else { "R²" };
        if let Some(loss) = worth.loss.filter(|_| worth.cliff) {
            let colour = if alone.low >= of(GIVES_AWAY) { Light::Bad } else { Light::Warn };
            let key = match (colour, worth.with.is_empty()) {
                (Light::Bad, true) => "scan.cliff",
                (_, true) => "scan.cliff_maybe",
                (_, false) => "scan.cliff_together",
            };
            let reason = note!(
                key,
                column = name,
                metric = metric,
                alone = shown(&alone),
                whole = fixed(whole.value),
                rest = fixed(whole.value - loss.value),
                low = fixed(loss.low),
                high = fixed(loss.high),
                with = worth.with.join(", ")
            );
            return Some((colour, reason));
        }
        (alone.low >= of(IS_THE_ANSWER)).then(|| (Light::Bad, note!("scan.answer", column = name, metric = metric, alone = shown(&alone))))
    }

    /// Whether the treatment changes it on its way to the outcome.
    fn mediator(&self, name: &str, worth: Option<&Worth>) -> Option<Notice> {
        let (arms, names) = self.arms.filter(|(a, _)| a.randomised())?;
        let at = names.iter().position(|n| n == name).filter(|at| arms.differs(*at))?;
        let chance = if self.input.outcome.is_binary() { 0.5 } else { 0.0 };
        // A column that says nothing of the outcome is on the way to nothing; one that no model reads is not asked.
        if worth.is_some_and(|w| w.alone.is_none_or(|a| a.low <= chance)) {
            return None;
        }
        let p = stats::shown(arms.p[at]);
        let treatment = self.treatment.unwrap_or_default();
        Some(note!("scan.mediator", column = name, treatment = treatment, p = p, same = arms.of - arms.differ, of = arms.of))
    }

    /// Whether it stays with the person.
    fn steady(&self, name: &str) -> Option<Notice> {
        let (table, person) = self.people.as_ref()?;
        let (share, people) = marks::steady(person, &table.codes(table.index_of(name)?).0)?;
        Some(note!("scan.person", column = name, share = numbers::percent(share), people = numbers::count(people as i64)))
    }
}

fn fixed(x: f64) -> String {
    numbers::fixed(x, 3)
}
