//! The one integration binary: linking polars, burn and wgpu once is enough.

mod bad_input;
