//! What will happen? Models behind plain traits: train, predict, evaluate, save, load, and what explanation needs of each.
//! The only layer that names burn, linfa, hessboost and tract.
//!
//! - [`model`]: the traits and the card; [`spec`]: what to train; [`train`]: the entry that trains any kind.
//! - [`logistic`] (linfa), [`trees`] (hessboost → the neutral [`ensemble::TreeEnsemble`]), [`net`] (burn: deep network and Transformer).
//! - [`standing`]: what a model keeps about people as they are, to be quick about changes.
//! - [`linear`]: plain fits on a dense matrix, for those who estimate effects.
//! - [`import`]: models of other programs; [`onnx`]: those that are only asked (tract).
//! - [`further`]: training that goes on from a model with new rows.
//! - [`metrics`]: evaluation on held-out rows; [`mod@file`]: `.whymodel`; [`device`]: CPU and GPU by choice at run time;
//!   [`gpu`]: sums of tables on a GPU.

pub mod device;
pub mod ensemble;
pub mod file;
pub mod further;
pub mod gpu;
pub mod import;
pub mod linear;
pub mod logistic;
pub mod metrics;
pub mod model;
pub mod net;
pub mod onnx;
mod predictor;
pub mod spec;
pub mod standing;
pub mod surrogate;
pub mod train;
pub mod trees;

pub use ensemble::TreeEnsemble;
pub use metrics::Evaluation;
pub use model::{Model, ModelCard, Outcome, OutcomeKind};
pub use spec::{DeviceChoice, ModelKind, ModelSpec, Weighting};
pub use standing::{Changed, Standing};
