//! Hashes of cells, for duplicates and distinct counts: 128 bits, the same on every machine and in every run.

/// Two independent 64-bit states.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    a: u64,
    b: u64,
}

const K: [u64; 4] = [0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3, 0x5899_65CC_7537_4CC3];

/// A missing cell: no value hashes like it.
const MISSING: u64 = 0x6D69_7373_696E_67FF;

fn fold(x: u64, y: u64) -> u64 {
    let wide = u128::from(x) * u128::from(y);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl Key {
    /// Of nothing yet.
    pub const START: Self = Self { a: K[2], b: K[3] };

    /// Takes in one word.
    pub fn word(&mut self, x: u64) {
        self.a = fold(self.a ^ x, K[0]).wrapping_add(K[3]) ^ self.a.rotate_left(23);
        self.b = fold(self.b ^ x.rotate_left(32), K[1]).wrapping_add(K[2]) ^ self.b.rotate_left(41);
    }
    /// Takes in a missing cell.
    pub fn missing(&mut self) {
        self.word(MISSING);
        self.word(0);
    }
    /// Takes in a number or code by its bits.
    pub fn bits(&mut self, x: u64) {
        self.word(1);
        self.word(x);
    }
    /// Takes in a number; 0 and −0 are the same.
    pub fn number(&mut self, x: f64) {
        self.bits(if x == 0.0 { 0 } else { x.to_bits() });
    }
    /// Takes in a text with its length, so that `ab`,`c` differs from `a`,`bc`.
    pub fn text(&mut self, s: &str) {
        self.word(2 + s.len() as u64);
        let mut chunks = s.as_bytes().chunks_exact(8);
        for c in &mut chunks {
            let mut word = [0u8; 8];
            word.copy_from_slice(c);
            self.word(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0u8; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(word));
        }
    }
    /// The key.
    pub fn finish(self) -> u128 {
        let a = fold(self.a ^ self.b.rotate_left(17), K[1]);
        let b = fold(self.b ^ self.a.rotate_left(29), K[0]);
        (u128::from(a) << 64) | u128::from(b)
    }
}

/// A hasher for keys that are already hashed: takes the low half as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Already(u64);

impl std::hash::Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = fold(self.0 ^ x ^ K[0], K[1]);
    }
    fn write_u128(&mut self, x: u128) {
        self.0 = x as u64;
    }
    fn write_i64(&mut self, x: i64) {
        self.write_u64(x as u64);
    }
}

/// Makes [`Already`] hashers.
pub type Hashed = std::hash::BuildHasherDefault<Already>;

/// How many keys there are more than once: the rows that repeat an earlier one.
pub fn repeats(mut keys: Vec<u128>) -> usize {
    keys.sort_unstable();
    keys.windows(2).filter(|w| w[0] == w[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn different_cells_have_different_keys() {
        let mut seen = BTreeSet::new();
        let mut n = 0;
        for i in 0..20_000u64 {
            let mut k = Key::START;
            k.bits(i);
            seen.insert(k.finish());
            let mut k = Key::START;
            k.text(&format!("{i}"));
            seen.insert(k.finish());
            let mut k = Key::START;
            k.text(&format!("{}", i / 100));
            k.text(&format!("{}", i % 100));
            seen.insert(k.finish());
            n += 3;
        }
        assert_eq!(seen.len(), n);
        let mut a = Key::START;
        a.number(0.0);
        let mut b = Key::START;
        b.number(-0.0);
        assert_eq!(a.finish(), b.finish());
        assert_eq!(repeats(vec![3, 1, 3, 3, 2]), 2);
    }
}
