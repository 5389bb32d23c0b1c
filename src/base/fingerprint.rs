//! Fingerprints: a short name for exactly these bytes, carried by every result so that a reader can re-check it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&Sha256::digest(bytes))
    }
    /// Of a serialisable value, by its JSON.
    pub fn of_value<T: Serialize>(value: &T) -> Self {
        Self::of(&serde_json::to_vec(value).unwrap_or_default())
    }
    /// Of a reader's bytes, read in pieces.
    pub fn of_reader(mut reader: impl std::io::Read) -> std::io::Result<Self> {
        let mut h = Sha256::new();
        let mut buffer = vec![0u8; 1 << 20];
        loop {
            let n = reader.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            h.update(&buffer[..n]);
        }
        Ok(Self::from_digest(&h.finalize()))
    }
    fn from_digest(digest: &[u8]) -> Self {
        Self(digest.iter().map(|b| format!("{b:02x}")).collect())
    }
    /// The first twelve digits, enough to compare by eye.
    pub fn short(&self) -> &str {
        &self.0[..self.0.len().min(12)]
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
