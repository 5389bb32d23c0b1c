//! Widgets that more than one room uses. A widget has a name for screen readers, and takes its colours from the tokens.

pub mod all_rows;
pub mod axis;
pub mod bars;
pub mod basic;
pub mod beeswarm;
pub mod brush;
pub mod cells;
pub mod chart;
pub mod density;
pub mod dependence;
pub mod dots;
pub mod fan;
pub mod figure;
pub mod grid;
pub mod heatmap;
pub mod histogram;
pub mod ink;
pub mod lever_slider;
pub mod lines;
pub mod matrix;
pub mod paths;
pub mod scatter;
pub mod scenario_card;
pub mod sheet;
pub mod signed_bars;
pub mod tornado;
pub mod units;
pub mod waterfall;

#[cfg(test)]
pub(crate) mod examples;
