//! The one integration binary: linking polars, burn and wgpu once is enough.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bad_input;
mod drive;
mod headless;
mod ledger;
mod levers;
mod logs;
mod oracles;
mod published;
mod report;
mod strategy;
mod tidy;
mod uplift;
mod window;
