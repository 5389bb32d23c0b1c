//! What a JSON or UBJSON file holds, in little memory: lists of numbers lie as numbers, and a file that would unfold to many
//! times its size is refused while it is read.

use std::cell::Cell;
use std::ops::Index;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value. Truth values are the numbers 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, or no such field.
    Null,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list of numbers only.
    Numbers(Vec<f64>),
    /// Any other list.
    List(Vec<Self>),
    /// Fields in the file's order.
    Map(Vec<(String, Self)>),
}

impl Value {
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Map(fields) = self { fields.iter().find(|(n, _)| n == name).map(|(_, v)| v) } else { None }
    }
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(t) = self { Some(t) } else { None }
    }
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(x) = self { Some(*x) } else { None }
    }
    /// The members of a list that holds more than numbers; an empty list has none.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            Self::Numbers(n) if n.is_empty() => Some(&[]),
            _ => None,
        }
    }
    pub fn as_numbers(&self) -> Option<&[f64]> {
        if let Self::Numbers(n) = self { Some(n) } else { None }
    }
}

impl Index<&str> for Value {
    type Output = Self;
    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&Self::Null)
    }
}

/// A list while it is read: of numbers for as long as there are only those.
pub enum List {
    Numbers(Vec<f64>),
    Mixed(Vec<Value>),
}

impl List {
    pub fn push(&mut self, value: Value) {
        match (&mut *self, value) {
            (Self::Numbers(list), Value::Number(x)) => list.push(x),
            (Self::Numbers(list), other) => {
                let mut mixed: Vec<Value> = std::mem::take(list).into_iter().map(Value::Number).collect();
                mixed.push(other);
                *self = Self::Mixed(mixed);
            }
            (Self::Mixed(list), value) => list.push(value),
        }
    }
    pub fn done(self) -> Value {
        match self {
            Self::Numbers(mut list) => {
                list.shrink_to_fit();
                Value::Numbers(list)
            }
            Self::Mixed(mut list) => {
                list.shrink_to_fit();
                Value::List(list)
            }
        }
    }
}

/// Bytes that the values of one file may still take.
pub struct Budget(Cell<usize>);

/// What a member of a list or map takes that is no number, beside its text.
const MEMBER: usize = 64;

impl Budget {
    /// Enough for any model in a file of `bytes`. Models of a megabyte may grow eightfold; large ones hold numbers of many
    /// digits and take about what they weigh, so twice that is enough.
    pub fn for_file(bytes: usize) -> Self {
        let small = bytes.saturating_mul(8).saturating_add(16 << 20);
        Self(Cell::new(small.min(bytes.saturating_mul(2).max(256 << 20))))
    }
    fn take(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
    /// Whether there is room for one more value.
    pub fn allows(&self, value: &Value) -> bool {
        self.take(match value {
            Value::Number(_) => 8,
            Value::Text(t) => MEMBER + t.len(),
            _ => MEMBER,
        })
    }
    /// Whether there is room for the name of a field.
    pub fn allows_name(&self, name: &str) -> bool {
        self.take(MEMBER + name.len())
    }
}

/// Reads JSON.
pub fn json(bytes: &[u8], budget: &Budget) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Seed(budget).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct Seed<'a>(&'a Budget);

impl Seed<'_> {
    fn made<E: Error>(&self, value: Value) -> Result<Value, E> {
        if self.0.allows(&value) { Ok(value) } else { Err(E::custom("it unfolds to more memory than any model needs")) }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E: Error>(self, b: bool) -> Result<Value, E> {
        self.made(Value::Number(f64::from(u8::from(b))))
    }
    fn visit_i64<E: Error>(self, x: i64) -> Result<Value, E> {
        self.made(Value::Number(x as f64))
    }
    fn visit_u64<E: Error>(self, x: u64) -> Result<Value, E> {
        self.made(Value::Number(x as f64))
    }
    fn visit_f64<E: Error>(self, x: f64) -> Result<Value, E> {
        self.made(Value::Number(x))
    }
    fn visit_str<E: Error>(self, t: &str) -> Result<Value, E> {
        self.made(Value::Text(t.to_owned()))
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.made(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = List::Numbers(Vec::new());
        while let Some(value) = seq.next_element_seed(Seed(self.0))? {
            list.push(value);
        }
        self.made(list.done())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !self.0.allows_name(&name) {
                return Err(A::Error::custom("it unfolds to more memory than any model needs"));
            }
            fields.push((name, map.next_value_seed(Seed(self.0))?));
        }
        fields.shrink_to_fit();
        self.made(Value::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_the_text_says() {
        let text = br#"{"a": [1, 2.5, -3e2, true], "b": [], "c": ["x", 1, null], "d": {"e": "y"}, "f": false}"#;
        let v = json(text, &Budget::for_file(text.len())).unwrap();
        assert_eq!(v["a"].as_numbers(), Some([1.0, 2.5, -300.0, 1.0].as_slice()));
        assert_eq!((v["b"].as_numbers().map(<[f64]>::len), v["b"].as_list().map(<[Value]>::len)), (Some(0), Some(0)));
        assert_eq!(v["c"].as_list(), Some([Value::Text("x".to_owned()), Value::Number(1.0), Value::Null].as_slice()));
        assert_eq!((v["d"]["e"].as_str(), v["f"].as_f64(), &v["d"]["no"]["such"]), (Some("y"), Some(0.0), &Value::Null));
        for wrong in ["[1,", "{\"a\" 1}", "1 2", "nul"] {
            assert!(json(wrong.as_bytes(), &Budget::for_file(0)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_unfolds_too_far_is_refused() {
        let many = |piece: &str, n: usize| format!("[{}0]", piece.repeat(n));
        // As numbers it is fine; as empty maps or lists it is not.
        assert!(json(many("0,", 2_000_000).as_bytes(), &Budget::for_file(4_000_000)).is_ok());
        // A large file of nothing but small numbers is no model.
        let text = many("0,", 40 << 20);
        assert!(json(text.as_bytes(), &Budget::for_file(text.len())).is_err());
        for piece in ["{},", "[],", "\"\",", "{\"\":0},"] {
            let text = many(piece, 8 << 20);
            let found = json(text.as_bytes(), &Budget::for_file(text.len()));
            assert!(found.is_err(), "{piece}");
        }
    }
}
