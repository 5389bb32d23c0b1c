//! Reads sentences back: patterns with holes, numbers as people write them, random names. The patterns stand in the tests,
//! word by word, so that a sentence that says “above” for what is below is found out.

use crate::base::Lang;
use crate::base::rng::{self, Rng};
use crate::ml::model::Scale;

/// Both languages.
pub const LANGS: [Lang; 2] = [Lang::En, Lang::Zh];

/// What stands in the holes `{}` of a pattern, if the whole text is such; each hole ends where what follows it first stands.
pub fn scan(pattern: &str, text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = pattern.split("{}").collect();
    let mut rest = text.strip_prefix(parts[0])?;
    let mut out = Vec::new();
    for (i, part) in parts.iter().enumerate().skip(1) {
        let at = if i + 1 == parts.len() { rest.len().checked_sub(part.len()).filter(|_| rest.ends_with(part))? } else { rest.find(part)? };
        out.push(rest[..at].to_owned());
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(out)
}

/// The same, and the text is said where it does not fit.
#[track_caller]
pub fn must(pattern: &str, text: &str) -> Vec<String> {
    scan(pattern, text).unwrap_or_else(|| panic!("“{text}” is not “{pattern}”"))
}

/// Items of a list: “a, b and c”, “a、b和 c”. Names must hold no such separators.
pub fn items(text: &str, lang: Lang) -> Vec<String> {
    let (comma, and) = if lang == Lang::En { (", ", " and ") } else { ("、", "和 ") };
    let Some((first, last)) = text.rsplit_once(and) else { return vec![text.to_owned()] };
    first.split(comma).chain([last]).map(str::to_owned).collect()
}

/// A number as it is written, its unit apart: per cent and points count as they stand.
pub fn number(text: &str) -> f64 {
    let bare = text.trim().trim_end_matches("个百分点").trim_end_matches("pp").trim_end_matches('%').trim();
    let digits: String = bare.replace('−', "-").chars().filter(|c| !matches!(c, ',' | '+' | '≈' | ' ')).collect();
    digits.parse().unwrap_or_else(|_| panic!("“{text}” is no number"))
}

/// Whether a number as written is a value on a scale: to four digits, per cent to the decimal shown, with its sign.
#[track_caller]
pub fn is(text: &str, value: f64, scale: Scale) {
    let (times, unit) = if scale == Scale::Probability { (100.0, true) } else { (1.0, false) };
    assert_eq!(text.contains('%') || text.contains("pp") || text.contains("百分点"), unit, "unit of “{text}”");
    let (said, meant) = (number(text), value * times);
    let slack = 6e-4 * meant.abs() + if unit { 0.0501 } else { 1e-9 };
    assert!((said - meant).abs() <= slack, "“{text}” is not {meant}");
    assert!(said == 0.0 || said.signum() == meant.signum(), "“{text}” has another sign than {meant}");
}

/// The same for an effect: a sign stands before it unless it is nothing.
#[track_caller]
pub fn is_signed(text: &str, value: f64, scale: Scale) {
    is(text, value, scale);
    assert!(number(text) == 0.0 || text.starts_with(['+', '−']), "“{text}” has no sign");
}

/// The same for a size: never a sign.
#[track_caller]
pub fn is_size(text: &str, value: f64, scale: Scale) {
    is(text, value.abs(), scale);
    assert!(!text.starts_with(['+', '−']), "“{text}” is a size");
}

/// Both scales.
pub fn scale(rng: &mut Rng) -> Scale {
    if rng::below(rng, 2) == 0 { Scale::Margin } else { Scale::Probability }
}

/// A signed number of the size that effects have on a scale.
pub fn value(rng: &mut Rng, scale: Scale) -> f64 {
    let size = if scale == Scale::Probability { 0.3 } else { 10f64.powi(rng::below(rng, 5) as i32 - 2) };
    size * rng::normal(rng).clamp(-3.0, 3.0)
}

/// Different names, some of several words, some Chinese.
pub fn names(rng: &mut Rng, n: usize) -> Vec<String> {
    const POOL: [&str; 7] = ["Page values", "访问量", "f", "Exit-rate", "x_", "Días", "价格 "];
    (0..n).map(|i| format!("{}{}", POOL[rng::below(rng, POOL.len())], i + 1)).collect()
}

#[test]
fn it_reads_what_people_write() {
    assert_eq!(scan("a {} b {}.", "a 1 b 2.").unwrap(), ["1", "2"]);
    assert!(scan("a {} b {}.", "a 1 c 2.").is_none() && scan("a {}", "b 1").is_none());
    assert_eq!((number("−1,234.5"), number("+3.1 pp"), number("≈ 0 pp"), number("15.5 %")), (-1234.5, 3.1, 0.0, 15.5));
    assert_eq!(items("a, b and c", Lang::En), ["a", "b", "c"]);
    assert_eq!(items("a、b和 c", Lang::Zh), ["a", "b", "c"]);
    is("+3.1 pp", 0.031, Scale::Probability);
    assert!(std::panic::catch_unwind(|| is("+3.1 pp", -0.031, Scale::Probability)).is_err());
    assert!(std::panic::catch_unwind(|| is_signed("3.1", 3.1, Scale::Margin)).is_err());
}
