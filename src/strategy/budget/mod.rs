//! Budgets: what spending gives, channel by channel, and how to share it out.
//!
//! - [`curve`] shapes of diminishing returns; [`fit`] finds them, and how long spending echoes (adstock), in a weekly series.
//! - [`plan`] what the analyst wants: a budget, a target return or a target marginal return, with floors, caps, groups and
//!   conditions; [`allocate`](mod@allocate) the best split, what binds and what it would be worth to let go.
//! - [`solver`] the convex step, by clarabel.

pub mod allocate;
pub mod curve;
pub mod fit;
pub mod plan;
mod solver;
#[cfg(test)]
mod tests;

pub use allocate::{Allocation, allocate};
pub use curve::{Curve, Shape};
pub use fit::{Fit, Series};
pub use plan::{Budget, Channel};
