//! Whybench: behaviour data → models → why → what-if → report, in one offline window.
//!
//! The modules in the order of the layers: each may use the ones above it in this list, never the ones below.
//! `ARCHITECTURE.md` says why; `tests/it/tidy.rs` holds the code to it.

pub mod app;
pub mod base;
pub mod cli;
pub mod data;
pub mod explain;
pub mod jobs;
pub mod ml;
pub mod recommend;
pub mod report;
pub mod session;
pub mod strategy;
pub mod ui;
