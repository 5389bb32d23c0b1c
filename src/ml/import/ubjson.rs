//! UBJSON, as XGBoost writes it: read into the same value as JSON. Typed arrays are its one speciality.

use super::document::{Budget, List, Value};

/// The value that the bytes hold; `None` if they are damaged, hold more, or would unfold to more than the budget.
pub fn parse(bytes: &[u8], budget: &Budget) -> Option<Value> {
    let mut r = Reader { bytes, at: 0, budget };
    let marker = r.marker()?;
    let value = r.value(marker, 0)?;
    (r.at == bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    budget: &'a Budget,
}

/// Deeper than any model is nested.
const DEEPEST: usize = 64;

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let piece = self.bytes.get(self.at..self.at.checked_add(N)?)?.try_into().ok()?;
        self.at += N;
        Some(piece)
    }
    /// The next marker; no-ops are passed over.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let [m] = self.take()?;
            if m != b'N' {
                return Some(m);
            }
        }
    }
    fn whole(&mut self, marker: u8) -> Option<i64> {
        Some(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?),
            _ => return None,
        })
    }
    fn length(&mut self) -> Option<usize> {
        let marker = self.marker()?;
        usize::try_from(self.whole(marker)?).ok()
    }
    fn text(&mut self) -> Option<String> {
        let n = self.length()?;
        let piece = self.bytes.get(self.at..self.at.checked_add(n)?)?;
        self.at += n;
        String::from_utf8(piece.to_vec()).ok()
    }
    /// Type and count that may stand before the members of a container.
    fn head(&mut self) -> Option<(Option<u8>, Option<usize>)> {
        let (mut kind, mut count) = (None, None);
        if self.bytes.get(self.at) == Some(&b'$') {
            self.at += 1;
            let [k] = self.take()?;
            kind = Some(k);
        }
        if self.bytes.get(self.at) == Some(&b'#') {
            self.at += 1;
            // Every member takes a byte at least: types that take none would let a few bytes stand for any number of them.
            let n = self.length()?;
            if n > self.bytes.len() - self.at || (n > 0 && matches!(kind, Some(b'Z' | b'T' | b'F' | b'N'))) {
                return None;
            }
            count = Some(n);
        }
        // A type without a count has no end.
        (kind.is_none() || count.is_some()).then_some((kind, count))
    }
    fn value(&mut self, marker: u8, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let value = match marker {
            b'Z' => Value::Null,
            b'T' => Value::Number(1.0),
            b'F' => Value::Number(0.0),
            b'd' => Value::Number(f64::from(f32::from_be_bytes(self.take()?))),
            b'D' => Value::Number(f64::from_be_bytes(self.take()?)),
            b'C' => Value::Text(char::from(self.take::<1>()?[0]).to_string()),
            b'S' | b'H' => Value::Text(self.text()?),
            b'[' => {
                let (kind, count) = self.head()?;
                let (mut out, mut read) = (List::Numbers(Vec::new()), 0);
                loop {
                    if count.is_some_and(|c| read >= c) {
                        break;
                    }
                    let marker = match kind {
                        Some(k) => k,
                        None => self.marker()?,
                    };
                    if count.is_none() && marker == b']' {
                        break;
                    }
                    out.push(self.value(marker, depth + 1)?);
                    read += 1;
                }
                out.done()
            }
            b'{' => {
                let (kind, count) = self.head()?;
                let mut out = Vec::new();
                loop {
                    if count.is_some_and(|c| out.len() >= c) {
                        break;
                    }
                    if count.is_none() && self.bytes.get(self.at) == Some(&b'}') {
                        self.at += 1;
                        break;
                    }
                    let name = self.text()?;
                    let marker = match kind {
                        Some(k) => k,
                        None => self.marker()?,
                    };
                    if !self.budget.allows_name(&name) {
                        return None;
                    }
                    out.push((name, self.value(marker, depth + 1)?));
                }
                out.shrink_to_fit();
                Value::Map(out)
            }
            whole => Value::Number(self.whole(whole)? as f64),
        };
        self.budget.allows(&value).then_some(value)
    }
}
