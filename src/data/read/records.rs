//! Records and fields of delimited text (RFC 4180 and what people really write): quotes, doubled quotes, line ends inside
//! quotes, spaces around fields. Knows nothing of types.

/// How fields are set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields. A space stands for any number of spaces.
    pub delimiter: u8,
    /// Around fields.
    pub quote: Option<u8>,
}

/// Where a field lies in its text, without its quotes and the spaces around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    /// The two highest bits say whether it was quoted and whether quotes inside it are doubled.
    end: u32,
}

const QUOTED: u32 = 1 << 31;
const DOUBLED: u32 = 1 << 30;

/// No text may be longer than this, so that a place and two flags fit into 32 bits.
pub const LONGEST: usize = DOUBLED as usize - 1;

impl Span {
    fn new(start: usize, end: usize, flags: u32) -> Self {
        Self { start: start as u32, end: end as u32 | flags }
    }
    /// The field as it stands in the text.
    #[inline]
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start as usize..(self.end & !(QUOTED | DOUBLED)) as usize).unwrap_or_default()
    }
    /// Whether quotes inside are doubled.
    #[inline]
    pub fn is_doubled(&self) -> bool {
        self.end & DOUBLED != 0
    }
    /// The field as meant: doubled quotes are one.
    pub fn meant<'a>(&self, text: &'a str, quote: Option<u8>) -> std::borrow::Cow<'a, str> {
        let raw = self.of(text);
        match quote {
            Some(q) if self.is_doubled() => {
                let q = char::from(q);
                std::borrow::Cow::Owned(raw.replace(&format!("{q}{q}"), &q.to_string()))
            }
            _ => std::borrow::Cow::Borrowed(raw),
        }
    }
    fn is_blank(&self) -> bool {
        self.start == self.end
    }
}

/// What the scan saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Bytes of whole records; the rest waits for more text.
    pub consumed: usize,
    /// Where a quote opens that nothing closes (only in the last piece of text).
    pub unclosed: Option<usize>,
    /// Fields with something behind their closing quote; they are kept as written.
    pub stray: usize,
}

/// Cuts `text` into records and hands each to `record` with the place where it begins; `record` says whether to go on.
/// With `last`, what stands at the end without a line end is a record too. Blank lines are handed on as one blank field.
pub fn scan(text: &str, dialect: Dialect, last: bool, mut record: impl FnMut(&[Span], usize) -> bool) -> Scan {
    let bytes = text.as_bytes();
    let Dialect { delimiter, quote } = dialect;
    let run = delimiter == b' ';
    let spaces_at = |at: usize| bytes[at..].iter().take_while(|b| run && **b == b' ').count();
    let space = |b: u8| (b == b' ' || b == b'\t') && b != delimiter;
    let mut out = Scan::default();
    let mut fields: Vec<Span> = Vec::new();
    let mut at = 0;
    'records: while at < bytes.len() {
        let begin = at;
        at += spaces_at(at);
        let mut stray = 0;
        fields.clear();
        loop {
            let field = at;
            let mut start = at;
            while start < bytes.len() && space(bytes[start]) {
                start += 1;
            }
            let mut span = None;
            if quote.is_some() && bytes.get(start) == quote.as_ref() {
                let (mut i, mut flags) = (start + 1, QUOTED);
                let closed = loop {
                    match bytes[i..].iter().position(|b| Some(*b) == quote) {
                        None => break None,
                        Some(k) if bytes.get(i + k + 1) == quote.as_ref() => {
                            flags |= DOUBLED;
                            i += k + 2;
                        }
                        Some(k) => break Some(i + k),
                    }
                };
                let Some(close) = closed else {
                    if last {
                        out.unclosed = Some(start);
                    }
                    break 'records;
                };
                let mut next = close + 1;
                while next < bytes.len() && (space(bytes[next]) || bytes[next] == b'\r') {
                    next += 1;
                }
                match bytes.get(next) {
                    // Whether this quote closes the field, only the next piece of text can say.
                    None if !last => break 'records,
                    None => span = Some((Span::new(start + 1, close, flags), next)),
                    Some(b) if *b == delimiter || *b == b'\n' => span = Some((Span::new(start + 1, close, flags), next)),
                    Some(_) => stray += 1,
                }
            }
            let (span, next) = span.unwrap_or_else(|| {
                let next = bytes[field..].iter().position(|b| *b == delimiter || *b == b'\n').map_or(bytes.len(), |k| field + k);
                let mut end = next;
                while end > start && (space(bytes[end - 1]) || bytes[end - 1] == b'\r') {
                    end -= 1;
                }
                (Span::new(start.min(end), end, 0), next)
            });
            match bytes.get(next) {
                None if !last => break 'records,
                None => {
                    fields.push(span);
                    at = next;
                    break;
                }
                Some(b) => {
                    fields.push(span);
                    at = next + 1;
                    if *b == b'\n' {
                        break;
                    }
                    at += spaces_at(at);
                    if at == bytes.len() {
                        if !last {
                            break 'records;
                        }
                        if !run {
                            fields.push(Span::new(at, at, 0));
                        }
                        break;
                    }
                    let end = if bytes[at] == b'\r' { at + 1 } else { at };
                    if run && bytes.get(end) == Some(&b'\n') {
                        // Spaces at the end of a line stand before nothing.
                        at = end + 1;
                        break;
                    }
                }
            }
        }
        out.consumed = at;
        out.stray += stray;
        if !record(&fields, begin) {
            break;
        }
    }
    out
}

/// Whether a record is an empty line.
pub fn is_blank(fields: &[Span]) -> bool {
    matches!(fields, [only] if only.is_blank())
}

/// A piece of text with whole records, all of one width.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The text.
    pub text: String,
    /// Row by row.
    pub spans: Vec<Span>,
    /// Fields of a row.
    pub width: usize,
    /// Rows.
    pub rows: usize,
}

impl Block {
    /// The fields of one column.
    pub fn column(&self, c: usize) -> impl Iterator<Item = Span> + '_ {
        self.spans.iter().skip(c).step_by(self.width.max(1)).take(self.rows).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Dialect = Dialect { delimiter: b',', quote: Some(b'"') };

    fn all(text: &str, last: bool) -> (Vec<Vec<String>>, Scan) {
        let mut rows = Vec::new();
        let scan = scan(text, COMMA, last, |f, _| {
            rows.push(f.iter().map(|s| s.meant(text, COMMA.quote).into_owned()).collect());
            true
        });
        (rows, scan)
    }

    #[test]
    fn fields_and_records() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a,b\r\n1,2", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("\"x,\ny\",2\n", vec![vec!["x,\ny", "2"]]),
            ("\"say \"\"hi\"\"\",2\n", vec![vec!["say \"hi\"", "2"]]),
            ("  a , \"b\" ,c \n", vec![vec!["a", "b", "c"]]),
            ("5\" screen,b\n", vec![vec!["5\" screen", "b"]]),
            ("\"a\"b,c\n", vec![vec!["\"a\"b", "c"]]),
            ("a,\n,\n", vec![vec!["a", ""], vec!["", ""]]),
            ("a,", vec![vec!["a", ""]]),
            ("\n\na\n", vec![vec![""], vec![""], vec!["a"]]),
            ("\"\"\n", vec![vec![""]]),
            ("\"a\"\r\n\"b\"\r\n", vec![vec!["a"], vec!["b"]]),
        ] {
            let (rows, scan) = all(text, true);
            assert_eq!(rows, expected, "{text:?}");
            assert_eq!(scan.consumed, text.len());
        }
        assert_eq!(all("a,\"b\nc\n", true).1.unclosed, Some(2));
        assert_eq!(all("\"a\"b,c\n", true).1.stray, 1);
    }

    #[test]
    fn spaces_in_any_number() {
        let text = "  a  b c  \n1 2   3\r\n4 5 6 \r\n7 8 9  ";
        let mut rows = Vec::new();
        scan(text, Dialect { delimiter: b' ', quote: Some(b'"') }, true, |f, _| {
            rows.push(f.iter().map(|s| s.of(text)).collect::<Vec<_>>().join("|"));
            true
        });
        assert_eq!(rows, ["a|b|c", "1|2|3", "4|5|6", "7|8|9"]);
    }

    proptest! {
        /// Wherever the text is cut, the records are the same: nothing before a whole record is decided too early.
        #[test]
        fn cutting_does_not_matter(cells in proptest::collection::vec("[ab\",\n\r ]{0,4}", 1..12), width in 1usize..4, cut in 0usize..60) {
            let text: String = cells.chunks(width).map(|r| {
                r.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n"
            }).collect();
            let whole = all(&text, true).0;
            let expected: Vec<Vec<String>> = cells.chunks(width).map(<[String]>::to_vec).collect();
            prop_assert_eq!(&whole, &expected);
            let cut = cut.min(text.len());
            let (mut rows, scan) = all(&text[..cut], false);
            rows.extend(all(&text[scan.consumed..], true).0);
            prop_assert_eq!(rows, whole);
        }
    }
}
