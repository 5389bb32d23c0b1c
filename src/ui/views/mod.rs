//! One file per room.

pub mod data;
pub mod experiments;
pub mod models;
pub mod prepare;
pub mod recommend;
pub mod report;
pub mod start;
pub mod whatif;
pub mod why;
