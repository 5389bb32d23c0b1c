//! The calendar: days and moments since 1970 to and from what people write. Proleptic Gregorian, no time zones, no leap seconds.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Days since 1970-01-01 of a date; `None` if there is no such day.
pub fn days(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
        return None;
    }
    // Years begin in March, so that the leap day is the last one (Howard Hinnant's algorithm).
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Year, month and day of days since 1970-01-01.
pub fn civil(days: i64) -> (i64, u32, u32) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Day of the week of days since 1970-01-01: 1 is Monday, 7 is Sunday.
pub fn weekday(days: i64) -> u32 {
    (days.saturating_add(3)).rem_euclid(7) as u32 + 1
}

/// A day as `2024-03-01`.
pub fn show_date(days: i64) -> String {
    let (y, m, d) = civil(days);
    format!("{y:04}-{m:02}-{d:02}")
}

/// A moment in microseconds since 1970 as `2024-03-01 10:20:30`, with a fraction only if there is one.
pub fn show_moment(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let of_day = seconds.rem_euclid(DAY);
    let mut text = format!("{} {:02}:{:02}:{:02}", show_date(seconds.div_euclid(DAY)), of_day / 3600, of_day / 60 % 60, of_day % 60);
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// In which order a date is written. Each is one bit, so that a set of orders that still fit is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `2024-03-01`, `2024/3/1`, `2024.03.01`, `2024年3月1日`.
    YearFirst,
    /// `01.03.2024`, `1/3/2024`.
    DayFirst,
    /// `03/01/2024`.
    MonthFirst,
}

impl Order {
    /// All, in the order of preference where more than one fits.
    pub const ALL: [Self; 3] = [Self::YearFirst, Self::DayFirst, Self::MonthFirst];
    /// The set of all orders.
    pub const EVERY: u8 = 7;
    /// Its bit in a set.
    pub fn bit(self) -> u8 {
        match self {
            Self::YearFirst => 1,
            Self::DayFirst => 2,
            Self::MonthFirst => 4,
        }
    }
    /// The preferred order of a set.
    pub fn first_of(set: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|o| set & o.bit() != 0)
    }
}

/// A date or moment as written, before it is known whether the day or the month comes first.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    parts: [u32; 3],
    /// Which orders make it a real day.
    pub orders: u8,
    /// Whether a time of day stands behind the date.
    pub has_time: bool,
    /// Time of day in microseconds, less the offset to UTC.
    micros: i64,
}

impl Written {
    /// Reads a date with or without a time; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 8 || bytes.len() > 40 || !bytes[0].is_ascii_digit() {
            return None;
        }
        let (a, la, rest) = digits(bytes)?;
        let (s1, rest) = separator(rest, "年")?;
        let (b, lb, rest) = digits(rest)?;
        let (s2, rest) = separator(rest, "月")?;
        let (c, lc, mut rest) = digits(rest)?;
        if s1 != s2 || lb > 2 {
            return None;
        }
        let orders = if la == 4 && lc <= 2 {
            Order::YearFirst.bit()
        } else if la <= 2 && lc == 4 {
            // A dot is used where the day comes first.
            if s1 == b'.' { Order::DayFirst.bit() } else { Order::DayFirst.bit() | Order::MonthFirst.bit() }
        } else {
            return None;
        };
        if s1 == 0 {
            rest = rest.strip_prefix("日".as_bytes())?;
        }
        let mut written = Self { parts: [a, b, c], orders, has_time: false, micros: 0 };
        if !rest.is_empty() {
            written.has_time = true;
            written.micros = time_of_day(rest)?;
        }
        for order in Order::ALL {
            if written.orders & order.bit() != 0 && written.days(order).is_none() {
                written.orders &= !order.bit();
            }
        }
        (written.orders != 0).then_some(written)
    }
    /// Days since 1970 if read in this order.
    pub fn days(&self, order: Order) -> Option<i64> {
        let [a, b, c] = self.parts;
        match order {
            Order::YearFirst => days(i64::from(a), b, c),
            Order::DayFirst => days(i64::from(c), b, a),
            Order::MonthFirst => days(i64::from(c), a, b),
        }
    }
    /// Microseconds since 1970 if read in this order.
    pub fn moment(&self, order: Order) -> Option<i64> {
        Some(self.days(order)? * DAY * 1_000_000 + self.micros)
    }
}

fn digits(bytes: &[u8]) -> Option<(u32, usize, &[u8])> {
    let n = bytes.iter().take(5).take_while(|b| b.is_ascii_digit()).count();
    if n == 0 || n > 4 {
        return None;
    }
    let value = bytes[..n].iter().fold(0u32, |v, b| v * 10 + u32::from(b - b'0'));
    Some((value, n, &bytes[n..]))
}

/// The separator (0 for the Chinese words) and what follows.
fn separator<'a>(bytes: &'a [u8], word: &str) -> Option<(u8, &'a [u8])> {
    match bytes.first()? {
        b @ (b'-' | b'/' | b'.') => Some((*b, &bytes[1..])),
        _ => bytes.strip_prefix(word.as_bytes()).map(|rest| (0, rest)),
    }
}

/// ` 10:20`, `T10:20:30.5`, with `Z`, `+08:00`, ` UTC`, ` AM`/` PM`; microseconds less the offset.
fn time_of_day(bytes: &[u8]) -> Option<i64> {
    let rest = match bytes.first()? {
        b' ' | b'T' | b't' => &bytes[1..],
        _ => return None,
    };
    let (hour, lh, rest) = digits(rest)?;
    let (minute, lm, mut rest) = digits(rest.strip_prefix(b":")?)?;
    if lh > 2 || lm != 2 || hour > 23 || minute > 59 {
        return None;
    }
    let (mut second, mut micros) = (0u32, 0i64);
    if let Some(after) = rest.strip_prefix(b":") {
        let (s, ls, after) = digits(after)?;
        if ls != 2 || s > 60 {
            return None;
        }
        second = s.min(59);
        rest = after;
        if let Some(after) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
            let n = after.iter().take_while(|b| b.is_ascii_digit()).count();
            if n == 0 {
                return None;
            }
            let digits = after[..n].iter().map(|b| i64::from(b - b'0')).chain(std::iter::repeat(0));
            micros = digits.take(6).fold(0, |m, d| m * 10 + d);
            rest = &after[n..];
        }
    }
    let mut hour = i64::from(hour);
    let mut offset = 0i64;
    match rest.trim_ascii_start() {
        b"" | b"Z" | b"z" | b"UTC" => {}
        b"AM" | b"am" if (1..=12).contains(&hour) => hour %= 12,
        b"PM" | b"pm" if (1..=12).contains(&hour) => hour = hour % 12 + 12,
        zone => {
            let sign = match zone.first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (h, m) = match zone[1..] {
                [a, b] => ([a, b], [b'0', b'0']),
                [a, b, c, d] | [a, b, b':', c, d] => ([a, b], [c, d]),
                _ => return None,
            };
            let two = |p: [u8; 2]| p.iter().all(u8::is_ascii_digit).then(|| i64::from(p[0] - b'0') * 10 + i64::from(p[1] - b'0'));
            offset = sign * (two(h)? * 3600 + two(m)? * 60);
        }
    }
    Some((hour * 3600 + i64::from(minute) * 60 + i64::from(second) - offset) * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_go_round() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(1900, 2, 29), None);
        for d in (-800_000..800_000).step_by(97) {
            let (y, m, day) = civil(d);
            assert_eq!(days(y, m, day), Some(d));
        }
        assert_eq!(show_date(11_016), "2000-02-29");
        assert_eq!(show_moment(-1), "1969-12-31 23:59:59.999999");
    }

    #[test]
    fn written_dates() {
        let day = |s: &str| Written::parse(s).and_then(|w| w.days(Order::first_of(w.orders).unwrap())).map(show_date);
        for (s, expected) in [
            ("2024-03-01", "2024-03-01"),
            ("2024/3/1", "2024-03-01"),
            ("1.3.2024", "2024-03-01"),
            ("2024年3月1日", "2024-03-01"),
            ("03/25/2024", "2024-03-25"),
            ("25/03/2024", "2024-03-25"),
        ] {
            assert_eq!(day(s).as_deref(), Some(expected), "{s}");
        }
        for s in ["2024-13-01", "2024-02-30", "20240301", "1.2.3", "2024-03", "2024-03/01", "192.168.1.1", "2024-03-01x"] {
            assert!(Written::parse(s).is_none(), "{s}");
        }
        let both = Written::parse("03/04/2024").unwrap();
        assert_eq!(both.orders, 6);
        let moment = |s: &str| Written::parse(s).and_then(|w| w.moment(Order::YearFirst)).map(show_moment);
        assert_eq!(moment("2024-03-01T10:20:30.5+08:00").as_deref(), Some("2024-03-01 02:20:30.5"));
        assert_eq!(moment("2019-11-24 00:00:00.000000+00:00").as_deref(), Some("2019-11-24 00:00:00"));
        assert_eq!(moment("2024-03-01 12:05 AM").as_deref(), Some("2024-03-01 00:05:00"));
        assert_eq!(moment("2024-03-01 25:05"), None);
    }
}
