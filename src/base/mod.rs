//! What every layer may use: words in two languages, faults and notices, progress and cancel, seeded
//! randomness, numbers with units, fingerprints, atomic files. Knows nobody.

pub mod clock;
pub mod coalition;
pub mod file;
pub mod fingerprint;
pub mod nan;
pub mod numbers;
pub mod progress;
pub mod rng;
pub mod text;

pub use fingerprint::Fingerprint;
pub use progress::{CancelToken, JobCtx};
pub use text::{Fault, Field, Lang, Notice, Result, tr, tr_with};
