//! Why was this content recommended? All items ranked for one person, the first explained against the second.
//!
//! [`candidates`] builds what the model would see for each item; [`rank`] orders them and gives the reason; [`game`]
//! shares the gap between two items among many features.

pub mod candidates;
pub mod game;
pub mod rank;

pub use rank::{RankedItem, Ranking};
