//! Trees, by patterns: which players of a leaf's path a row follows is a small number, and everything that Shapley values
//! need of the row at that leaf.
//!
//! - [`paths`]: trees taken apart into splits and leaves, and the patterns of sixteen rows at once.
//! - [`tables`]: one table per small subtree, looked up instead of computed; for shallow trees and many rows.
//! - [`leaf`]: what a pattern is worth: path-dependent values, values against a reference group, interactions.

pub mod leaf;
pub mod paths;
pub mod tables;
#[cfg(test)]
mod tests;
