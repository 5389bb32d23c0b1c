//! What do I tell others? One [`Report`] value → a self-contained HTML page or JSON.
//!
//! [`content`] gathers results that already exist; [`html`], [`chart`] and [`svg`] print them. Nothing is computed here.

pub mod chart;
pub mod content;
pub mod html;
pub mod studies;
pub mod svg;

pub use content::Report;

#[cfg(test)]
pub(crate) mod tests;
