//! One cell: is it missing, and what is the narrowest type that holds it?

use crate::data::table::calendar::Written;

/// Whether a cell says that there is no value.
pub fn is_missing(s: &str) -> bool {
    match s.len() {
        0 => true,
        2 => s == "NA",
        3 => matches!(s, "N/A" | "n/a" | "NaN" | "nan" | "NAN"),
        4 => matches!(s, "null" | "NULL" | "Null" | "None" | "#N/A"),
        _ => false,
    }
}

/// Whether a missing cell says so by "not a number".
pub fn is_nan(s: &str) -> bool {
    s.len() == 3 && s.eq_ignore_ascii_case("nan")
}

/// What a type narrower than text knows about a column so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: every cell is missing.
    Empty,
    /// `true`, `FALSE` …
    Boolean,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Dates or moments.
    Time {
        /// Set of orders that still fit (see [`crate::data::table::calendar::Order`]).
        orders: u8,
        /// Whether any cell has a time of day.
        moment: bool,
    },
    /// Anything.
    Text,
}

impl Kind {
    /// The narrowest type that holds both.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, k) | (k, Self::Empty) => k,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            (Self::Time { orders: a, moment: m }, Self::Time { orders: b, moment: n }) => {
                if a & b == 0 {
                    Self::Text
                } else {
                    Self::Time { orders: a & b, moment: m || n }
                }
            }
            (a, b) if a == b => a,
            _ => Self::Text,
        }
    }
    /// The narrowest type of one present cell.
    pub fn of(s: &str, decimal: u8) -> Self {
        match integer(s) {
            Whole::Value(_) => return Self::Integer,
            Whole::Code => return Self::Text,
            Whole::No => {}
        }
        if number(s, decimal).is_some() {
            Self::Number
        } else if boolean(s).is_some() {
            Self::Boolean
        } else if let Some(w) = Written::parse(s) {
            Self::Time { orders: w.orders, moment: w.has_time }
        } else {
            Self::Text
        }
    }
}

/// A cell read as a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It is one.
    Value(i64),
    /// All digits, but a number would lose some: `00123`, or more than 18 digits.
    Code,
    /// It is not.
    No,
}

/// Reads a whole number.
#[inline]
pub fn integer(s: &str) -> Whole {
    let bytes = s.as_bytes();
    let (negative, digits) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        Some(b'+') => (false, &bytes[1..]),
        Some(_) => (false, bytes),
        None => return Whole::No,
    };
    if digits.is_empty() {
        return Whole::No;
    }
    let long = digits.len() > 18;
    let mut value = 0i64;
    for b in digits {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return Whole::No;
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(d));
    }
    if long || (digits.len() > 1 && digits[0] == b'0') { Whole::Code } else { Whole::Value(if negative { -value } else { value }) }
}

/// Reads a number written with this decimal sign; codes such as `00123` are not numbers.
#[inline]
pub fn number(s: &str, decimal: u8) -> Option<f64> {
    let bytes = s.as_bytes();
    match bytes.first()? {
        b'0'..=b'9' | b'-' | b'+' | b'.' | b',' => {}
        b'i' | b'I' => return infinity(s),
        _ => return None,
    }
    match integer(s) {
        Whole::Value(x) => return Some(x as f64),
        Whole::Code => return None,
        Whole::No => {}
    }
    if bytes.iter().any(|b| matches!(b, b'n' | b'N')) {
        return infinity(s);
    }
    if decimal == b',' {
        if bytes.len() > 64 || bytes.contains(&b'.') {
            return None;
        }
        let mut copy = [0u8; 64];
        for (to, from) in copy.iter_mut().zip(bytes) {
            *to = if *from == b',' { b'.' } else { *from };
        }
        return std::str::from_utf8(&copy[..bytes.len()]).ok()?.parse().ok();
    }
    s.parse().ok()
}

fn infinity(s: &str) -> Option<f64> {
    let (sign, word) = match s.as_bytes().first()? {
        b'-' => (-1.0, &s[1..]),
        b'+' => (1.0, &s[1..]),
        _ => (1.0, s),
    };
    (word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")).then_some(sign * f64::INFINITY)
}

/// Reads true or false.
#[inline]
pub fn boolean(s: &str) -> Option<bool> {
    match s {
        "true" | "TRUE" | "True" => Some(true),
        "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Whether a text is a number to a person: as it is, or with a currency or per cent sign, spaces or thousands separators.
pub fn reads_as_number(s: &str) -> bool {
    if s.trim().parse::<f64>().is_ok_and(|x| !x.is_nan()) {
        return true;
    }
    let bare: String = s.chars().filter(|c| !matches!(c, '$' | '€' | '£' | '¥' | '￥' | '%' | '\u{a0}' | '\u{202f}' | '\'')).collect();
    let bare = bare.trim();
    if let (Some(dot), Some(comma)) = (bare.find('.'), bare.rfind(','))
        && dot < comma
    {
        // 1.234,56
        return bare.matches(',').count() == 1 && bare.replace('.', "").replace(',', ".").parse::<f64>().is_ok_and(f64::is_finite);
    }
    let mut parts = bare.split(',');
    let first = parts.next().unwrap_or_default();
    let lead = first.trim_start_matches(['-', '+']);
    let grouped = (1..=3).contains(&lead.len())
        && lead.bytes().all(|b| b.is_ascii_digit())
        && bare.contains(',')
        && parts.all(|p| p.split_once('.').map_or(p, |(w, _)| w).len() == 3);
    let plain = if grouped { bare.replace(',', "") } else { bare.replace(',', ".") };
    plain.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowest_types() {
        let time = |orders| Kind::Time { orders, moment: false };
        for (s, kind) in [
            ("1", Kind::Integer),
            ("-12", Kind::Integer),
            ("0", Kind::Integer),
            ("00123", Kind::Text),
            ("1234567890123456789", Kind::Text),
            ("1.5", Kind::Number),
            (".5", Kind::Number),
            ("1e-3", Kind::Number),
            ("-inf", Kind::Number),
            ("Infinity", Kind::Number),
            ("TRUE", Kind::Boolean),
            ("yes", Kind::Text),
            ("2024-01-05", time(1)),
            ("05/01/2024", time(6)),
            ("25/01/2024", time(2)),
            ("1.5.3", Kind::Text),
            ("1,5", Kind::Text),
            ("-", Kind::Text),
            ("+", Kind::Text),
            (".", Kind::Text),
            ("e5", Kind::Text),
            ("India", Kind::Text),
            ("12n", Kind::Text),
        ] {
            assert_eq!(Kind::of(s, b'.'), kind, "{s}");
        }
        assert_eq!(Kind::of("1,5", b','), Kind::Number);
        assert_eq!(Kind::of("1.5", b','), Kind::Text);
        assert_eq!(number("-1,25", b','), Some(-1.25));
        for s in ["", "NA", "N/A", "null", "NULL", "NaN", "None"] {
            assert!(is_missing(s));
        }
        for s in ["-", "nil", "Na", "0", "Nancy"] {
            assert!(!is_missing(s));
        }
    }

    #[test]
    fn types_join_upwards() {
        use Kind as K;
        assert_eq!(K::Empty.join(K::Boolean), K::Boolean);
        assert_eq!(K::Integer.join(K::Number), K::Number);
        assert_eq!(K::Boolean.join(K::Integer), K::Text);
        let (a, b) = (K::Time { orders: 6, moment: false }, K::Time { orders: 2, moment: true });
        assert_eq!(a.join(b), K::Time { orders: 2, moment: true });
        assert_eq!(b.join(K::Time { orders: 4, moment: false }), K::Text);
    }

    #[test]
    fn numbers_for_people() {
        for s in ["12", "1,234", "1,234,567.5", "$5", "12 %", "€ 3,50", "¥1200", "-4", "1.234,56"] {
            assert!(reads_as_number(s), "{s}");
        }
        for s in ["abc", "1-2", "", "12 apples", "nan", "1 2 3", "1.2,3,4"] {
            assert!(!reads_as_number(s), "{s}");
        }
    }
}
