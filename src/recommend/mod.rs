//! Why was this content recommended? All items ranked for one person, the first explained against the second.

pub mod rank;

pub use rank::{RankedItem, Ranking};
