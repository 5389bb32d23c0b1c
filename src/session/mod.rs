//! What the analyst has: the recipe, the project, results that belong to it, commands and undo. No window, no threads.
//!
//! - [`recipe`] is the schema that recipe and project share; [`project`] the file, autosave and recovery.
//! - [`command`] is everything that edits the recipe, with undo; [`pipeline`] executes a recipe, for window and headless alike.

pub mod command;
pub mod pipeline;
pub mod project;
pub mod recipe;

pub use recipe::Recipe;
