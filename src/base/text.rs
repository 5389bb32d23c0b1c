//! Words: the message catalogue in English and Simplified Chinese, and errors and warnings as codes with fields.
//!
//! Nothing else in the program holds a sentence for people. A [`Notice`] is a code and its fields; the catalogue
//! (`assets/lang/*.toml`, both languages side by side in one entry) turns it into a sentence in the reader's language.
//! JSON and Parquet carry the code and the fields, so they are free of locale.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// The language of everything on screen and in reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// From a locale such as `zh_CN.UTF-8`, `en-US` or `zh`; anything else is English.
    pub fn from_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// The language of the system (`LANG` and its kin on Unix).
    pub fn of_system() -> Self {
        sys_locale::get_locale().map_or(Self::En, |l| Self::from_locale(&l))
    }
}

/// One value in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// A count or an index.
    Int(i64),
    /// A measured number.
    Num(f64),
    /// A name, a path, an excerpt.
    Text(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(i) => f.write_str(&super::numbers::count(*i)),
            Self::Num(x) => f.write_str(&super::numbers::plain(*x)),
            Self::Text(s) => f.write_str(s),
        }
    }
}

macro_rules! field_from {
    ($($t:ty => $v:ident as $as:ty),* $(,)?) => { $(impl From<$t> for Field { fn from(x: $t) -> Self { Self::$v(x as $as) } })* };
}
field_from!(i64 => Int as i64, i32 => Int as i64, u32 => Int as i64, u64 => Int as i64, usize => Int as i64, f64 => Num as f64, f32 => Num as f64);
impl From<&str> for Field {
    fn from(s: &str) -> Self {
        Self::Text(s.to_owned())
    }
}
impl From<String> for Field {
    fn from(s: String) -> Self {
        Self::Text(s)
    }
}
impl From<&String> for Field {
    fn from(s: &String) -> Self {
        Self::Text(s.clone())
    }
}
impl From<char> for Field {
    fn from(c: char) -> Self {
        Self::Text(c.to_string())
    }
}
impl From<&std::path::Path> for Field {
    fn from(p: &std::path::Path) -> Self {
        Self::Text(p.display().to_string())
    }
}
impl From<&std::path::PathBuf> for Field {
    fn from(p: &std::path::PathBuf) -> Self {
        Self::Text(p.display().to_string())
    }
}

/// A warning or an explanation: a catalogue key and its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Key in the catalogue, `area.name`.
    pub code: String,
    /// Named values of the sentence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Field>,
}

impl Notice {
    /// A notice without fields; see also the [`note!`](crate::note) macro.
    pub fn new(code: &str) -> Self {
        Self { code: code.to_owned(), fields: BTreeMap::new() }
    }

    /// Adds one field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Field>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The sentence in a language.
    pub fn say(&self, lang: Lang) -> String {
        fill(tr(lang, &self.code), |name| self.fields.get(name).map(ToString::to_string))
    }
}

/// An error that the analyst sees: what happened, where, what to do. Handled exactly once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault(pub Notice);

impl Fault {
    /// The code that says the analyst stopped the work; never shown as an error.
    pub const CANCELLED: &'static str = "base.cancelled";

    /// The work was stopped on request.
    pub fn cancelled() -> Self {
        Self(Notice::new(Self::CANCELLED))
    }

    /// Whether the analyst stopped it.
    pub fn is_cancelled(&self) -> bool {
        self.0.code == Self::CANCELLED
    }

    /// The sentence in a language.
    pub fn say(&self, lang: Lang) -> String {
        self.0.say(lang)
    }

    /// A fault of the file system, with the path and the plain reason.
    pub fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        let code = match error.kind() {
            K::NotFound => "base.file_not_found",
            K::PermissionDenied => "base.no_permission",
            K::IsADirectory => "base.is_a_directory",
            K::StorageFull | K::QuotaExceeded => "base.disk_full",
            _ => "base.io",
        };
        Self(Notice::new(code).with("file", path).with("reason", error.to_string()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.say(Lang::En))
    }
}
impl std::error::Error for Fault {}
impl From<Notice> for Fault {
    fn from(n: Notice) -> Self {
        Self(n)
    }
}

/// What everything that can fail returns.
pub type Result<T> = std::result::Result<T, Fault>;

/// `note!("data.ragged", file = path, row = 3)` makes a [`Notice`].
#[macro_export]
macro_rules! note {
    ($code:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::base::Notice::new($code)$(.with(stringify!($name), $value))*
    };
}

/// `fault!("data.empty_file", file = path)` makes a [`Fault`].
#[macro_export]
macro_rules! fault {
    ($($t:tt)*) => { $crate::base::Fault($crate::note!($($t)*)) };
}

/// The text of a key. A missing key shows itself, and a test fails on it.
pub fn tr(lang: Lang, key: &str) -> &'static str {
    match catalogue().get(key) {
        Some(e) => match lang {
            Lang::En => &e.en,
            Lang::Zh => &e.zh,
        },
        None => missing(key),
    }
}

/// The text of a key with its `{name}` places filled.
pub fn tr_with(lang: Lang, key: &str, fields: &[(&str, &dyn fmt::Display)]) -> String {
    fill(tr(lang, key), |name| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
}

fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + close];
        match value(name) {
            Some(v) => out.push_str(&v),
            None => out.push_str(&rest[open..=open + close]),
        }
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out
}

/// One entry of the catalogue.
#[derive(Debug, Deserialize)]
pub struct Entry {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

/// The whole catalogue, for the tests that compare its two languages.
pub fn catalogue() -> &'static BTreeMap<String, Entry> {
    static ALL: OnceLock<BTreeMap<String, Entry>> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = [
            include_str!("../../assets/lang/base.toml"),
            include_str!("../../assets/lang/data.toml"),
            include_str!("../../assets/lang/ml.toml"),
            include_str!("../../assets/lang/explain.toml"),
            include_str!("../../assets/lang/strategy.toml"),
            include_str!("../../assets/lang/experiment.toml"),
            include_str!("../../assets/lang/uplift.toml"),
            include_str!("../../assets/lang/policy.toml"),
            include_str!("../../assets/lang/value.toml"),
            include_str!("../../assets/lang/budget.toml"),
            include_str!("../../assets/lang/experiments.toml"),
            include_str!("../../assets/lang/bandit.toml"),
            include_str!("../../assets/lang/studies.toml"),
            include_str!("../../assets/lang/feedback.toml"),
            include_str!("../../assets/lang/scan.toml"),
            include_str!("../../assets/lang/session.toml"),
            include_str!("../../assets/lang/report.toml"),
            include_str!("../../assets/lang/cli.toml"),
            include_str!("../../assets/lang/ui.toml"),
            include_str!("../../assets/lang/ui_why.toml"),
        ];
        let mut all = BTreeMap::new();
        for text in files {
            let parsed: BTreeMap<String, BTreeMap<String, Entry>> =
                toml::from_str(text).unwrap_or_else(|e| panic!("a language file does not parse: {e}"));
            for (area, entries) in parsed {
                for (name, entry) in entries {
                    let twin = all.insert(format!("{area}.{name}"), entry);
                    assert!(twin.is_none(), "{area}.{name} stands twice in the language files");
                }
            }
        }
        all
    })
}

fn missing(key: &str) -> &'static str {
    static KEYS: std::sync::Mutex<BTreeMap<String, &'static str>> = std::sync::Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    keys.entry(key.to_owned()).or_insert_with(|| Box::leak(key.to_owned().into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(s: &str) -> Vec<&str> {
        let mut v: Vec<_> = s.split('{').skip(1).filter_map(|p| p.split('}').next()).collect();
        v.sort_unstable();
        v.dedup();
        v
    }

    #[test]
    fn both_languages_have_the_same_places() {
        for (key, e) in catalogue() {
            assert!(!e.en.is_empty() && !e.zh.is_empty(), "{key} is empty in one language");
            assert_eq!(places(&e.en), places(&e.zh), "{key}");
        }
    }

    #[test]
    fn fields_are_filled_and_unknown_places_stay() {
        let n = Notice::new("base.io").with("file", "a.csv").with("reason", "broken");
        let s = n.say(Lang::En);
        assert!(s.contains("a.csv") && s.contains("broken"), "{s}");
        assert_eq!(fill("a {b} c", |_| None), "a {b} c");
    }
}
