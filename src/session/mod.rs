//! What the analyst has: the recipe, the project, results that belong to it, commands and undo. No window, no threads.
//!
//! - [`recipe`] is the schema that recipe and project share; [`project`] the file, autosave and recovery.
//! - [`command`] is everything that edits the recipe, with undo; [`pipeline`] executes a recipe, for window and headless alike;
//!   [`ledger`] answers its scenarios.
//! - [`feedback`] reads new rows back in beside the project's own.
//! - [`state`] is all of it together, with every result and the inputs it belongs to.

pub mod asked;
pub mod command;
pub mod deeper;
pub mod feedback;
pub mod files;
mod flow;
pub mod imported;
pub mod ledger;
pub mod pipeline;
pub mod project;
pub mod recipe;
pub mod run;
pub mod state;
pub mod task;

pub use recipe::Recipe;
pub use state::Session;
