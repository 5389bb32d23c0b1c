//! Simulated users: several ways of choosing what to show, tried against people fitted from a log before anybody is shown
//! anything.
//!
//! - [`world`] fits an ensemble of response models to the log; it must give the log's own rate back before it may be used.
//! - [`policies`] A/B, ε-greedy, UCB, Thompson, LinUCB, linear Thompson, and [`deep`] linear Thompson on a network. [`play`] is one run; [`run`](mod@run) lets
//!   them all meet the same people.
//! - [`returns`] fits when people come back, where the log says who came and when, and checks it; [`stay`] follows them.
//!
//! What comes out is the opinion of models about people who never existed: grade C, whatever the intervals say.

mod deep;
mod play;
pub mod policies;
pub mod returns;
pub mod run;
pub mod stay;
#[cfg(test)]
mod stay_tests;
#[cfg(test)]
mod tests;
pub mod world;

pub use policies::Policy;
pub use returns::Returns;
pub use run::{Live, Outcome, Settings, Trial, Tried, run};
pub use stay::Stay;
pub use world::{Asked, Replay, World, fit};
