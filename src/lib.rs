//! Whybench: behaviour data → models → why → what-if → report, in one offline window.
//!
//! The modules in the order of the layers: each may use the ones above it in this list, never the ones below.
//! `ARCHITECTURE.md` says why; `tests/it/tidy.rs` holds the code to it.

pub mod base;
pub mod data;
pub mod ml;
pub mod explain;
pub mod recommend;
pub mod strategy;
pub mod report;
pub mod session;
pub mod jobs;
pub mod cli;
pub mod ui;
pub mod app;
