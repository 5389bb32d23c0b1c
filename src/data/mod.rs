//! What do I have? Files in, a typed table with roles and a profile, a visible preparation recipe, a split, and the
//! feature matrix that models read. The only layer that names polars.
//!
//! - [`read`] opens CSV/TSV, Parquet and Arrow IPC; [`table`] holds the result; [`mod@write`] streams tables out.
//! - [`roles`] says what a column is for; [`profile`] what is in it.
//! - [`prepare`] is the list of steps; [`split`] cuts train, validation and test; [`features`] encodes.

pub mod features;
pub mod prepare;
pub mod profile;
pub mod read;
pub mod roles;
pub mod segment;
pub mod split;
pub mod table;
pub mod write;

pub use features::{Encoder, Feature, FeatureKind, FeatureMatrix};
pub use prepare::{FittedPrepare, Step, StepEffect};
pub use profile::{ColumnProfile, Profile};
pub use read::{Loaded, ReadOptions, Reading};
pub use roles::{LeverType, Role, Roles};
pub use segment::Segment;
pub use split::{Part, Split};
pub use table::{ColumnType, Table};
