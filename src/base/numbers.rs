//! Numbers for people: counts, shares, percentage points, money and time, each with its unit.
//!
//! English and Chinese write digits alike (`1,234.5`), so these need no language; units in words come from the catalogue.

/// A whole number with thousands separators: `12,330`.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('−');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A measured number with about four significant digits: `0.0123`, `12.35`, `1,235`.
pub fn plain(x: f64) -> String {
    if x.is_nan() {
        return "–".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-6..15).contains(&magnitude) {
        return format!("{x:.3e}");
    }
    let decimals = (3 - magnitude).clamp(0, 9) as usize;
    trim(&fixed(x, decimals))
}

/// A number with a fixed count of decimals and thousands separators.
pub fn fixed(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return plain(x);
    }
    let text = format!("{:.decimals$}", x.abs());
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(w, r)| (w, r));
    let negative = x < 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0');
    let whole = whole.parse::<i64>().map_or_else(|_| whole.to_owned(), count);
    let sign = if negative { "−" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

fn trim(s: &str) -> String {
    if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
}

/// Decimals of a share in per cent: one, and more where one would hide the number.
fn decimals(share: f64) -> usize {
    match share.abs() {
        0.0 => 1,
        x if x < 0.000_01 => 5,
        x if x < 0.001 => 3,
        x if x < 0.01 => 2,
        _ => 1,
    }
}

/// A share as per cent: `15.5 %`.
pub fn percent(p: f64) -> String {
    if p.is_nan() { "–".to_owned() } else { format!("{} %", fixed(p * 100.0, decimals(p))) }
}

/// A difference of shares in percentage points, signed: `+3.1 pp`.
pub fn points(d: f64) -> String {
    if d.is_nan() {
        return "–".to_owned();
    }
    // Nobody acts on a thousandth of a point: what is less is said to be nothing.
    let text = fixed(d * 100.0, decimals(d).min(3));
    if d != 0.0 && text.chars().all(|c| matches!(c, '0' | '.' | '−')) {
        "≈ 0 pp".to_owned()
    } else if d > 0.0 {
        format!("+{text} pp")
    } else {
        format!("{text} pp")
    }
}

/// A signed number: `+12.3`, `−0.5`, `0`.
pub fn signed(x: f64) -> String {
    if x > 0.0 { format!("+{}", plain(x)) } else { plain(x) }
}

/// Seconds as `0.4 s`, `12 s`, `3 min 20 s`.
pub fn duration(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (x, s) in [(12330, "12,330"), (-5, "−5"), (999, "999"), (1_000_000, "1,000,000")] {
            assert_eq!(count(x), s);
        }
        for (x, s) in [(0.0, "0"), (0.012_345, "0.01235"), (12.345, "12.35"), (1235.4, "1,235"), (-0.5, "−0.5"), (f64::NAN, "–")] {
            assert_eq!(plain(x), s);
        }
        assert_eq!(percent(0.154_745), "15.5 %");
        assert_eq!(percent(0.004_92), "0.49 %");
        assert_eq!(points(0.031), "+3.1 pp");
        assert_eq!(points(-0.031), "−3.1 pp");
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!(duration(200.0), "3 min 20 s");
    }
}
