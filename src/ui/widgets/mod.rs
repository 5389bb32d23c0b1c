//! Widgets that more than one room uses. A widget has a name for screen readers, and takes its colours from the tokens.

pub mod basic;
pub mod cells;
pub mod histogram;
