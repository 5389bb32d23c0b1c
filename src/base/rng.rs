//! Seeded randomness: the same seed gives the same numbers on every machine and at any thread count.
//!
//! Streams keep independent uses apart: `rng(seed, "split")` and `rng(seed, "init")` never share draws.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The generator that the whole program uses.
pub type Rng = ChaCha8Rng;

/// A generator for one named purpose.
pub fn rng(seed: u64, purpose: &str) -> Rng {
    let mut h = Sha256::new();
    h.update(seed.to_le_bytes());
    h.update(purpose.as_bytes());
    let mut key = [0u8; 32];
    key.copy_from_slice(&h.finalize());
    Rng::from_seed(key)
}

/// A number in [0, 1) with 53 random bits.
pub fn unit(rng: &mut Rng) -> f64 {
    use rand_chacha::rand_core::Rng as _;
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// An index below `n` (n > 0), without modulo bias worth the name.
pub fn below(rng: &mut Rng, n: usize) -> usize {
    use rand_chacha::rand_core::Rng as _;
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// A standard normal number (Box–Muller, one of the pair).
pub fn normal(rng: &mut Rng) -> f64 {
    let u = 1.0 - unit(rng);
    let v = unit(rng);
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Fisher–Yates.
pub fn shuffle<T>(rng: &mut Rng, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i + 1));
    }
}
