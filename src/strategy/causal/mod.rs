//! Is it an effect? What has to hold before a difference between groups may be read as one, with the numbers.
//!
//! - [`study`]: who was treated, what came of it, what was known before; faults for data that cannot answer.
//! - [`base`] fits what stands behind a learner, on [`space`]'s columns; [`nuisance`] the cross-fitted outcomes and
//!   propensities and doubly robust scores.
//! - [`effect`]: plain differences with their intervals. [`checks`] the traffic lights ([`balance`], [`weights`],
//!   [`refute`]), and [`grade`] what they are worth together.

pub mod balance;
pub mod base;
pub mod checks;
pub mod distance;
pub mod effect;
pub mod grade;
pub mod nuisance;
pub mod refute;
pub mod space;
pub mod stats;
pub mod study;
pub mod weights;

pub use base::Base;
pub use checks::{Check, Light};
pub use study::{Ask, Pair, Study};
