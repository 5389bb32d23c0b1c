//! Why? Exact attributions, attention, and what they look like summed over many rows. Works on the plain views of
//! [`crate::ml::model::Structure`]; never names a backend.
//!
//! - [`attribution`]: the result type; [`explain`]: the entry that picks the method for a model.
//! - [`tree_shap`] path-dependent Shapley values on the margin; [`probability`] the game σ(m(S)) on the scale shown;
//!   [`additive`] exact values of an additive model; [`gradients`] Integrated Gradients; [`attention`] maps.
//! - [`players`] groups of features as one, [`suggest`] which, [`inside`] what is in one; [`levels`] of a category.
//! - [`beside`]: several methods on the same rows. [`brushed`]: rows picked in a picture, beside all.
//! - [`crowd`]: many rows, paths and maps as pictures.
//! - [`summary`]: importance, beeswarm, dependence; [`words`]: the sentence, generated from the numbers.

pub mod additive;
mod ale;
pub mod attention;
pub mod attribution;
pub mod beside;
pub mod brushed;
pub mod cohorts;
pub mod contrast;
pub mod counterfactual;
pub mod crowd;
pub mod density;
pub mod effect;
pub mod everyone;
pub mod game;
pub mod gradients;
pub mod importance;
pub mod inside;
mod kernel;
pub mod levels;
pub mod lime;
pub mod method;
pub mod pairs;
pub mod players;
pub mod probability;
pub mod proxy;
pub mod redraw;
pub mod reference;
pub mod sampling;
pub mod segments;
pub mod suggest;
pub mod summary;
pub mod surrogate;
#[cfg(test)]
mod tests;
pub mod tree_shap;
pub mod trees;
pub mod trust;
pub mod typical;
pub mod words;

pub use attention::AttentionMap;
pub use attribution::{Attribution, Method};
pub use method::{ExplainOptions, explain};
pub use players::Players;
pub use reference::Reference;
pub use summary::Summary;
