//! What the fuzz targets compare the crate with: none of it uses the crate's code.

#[path = "../../tests/support/decoder.rs"]
pub mod decoder;
pub mod input;
pub mod json;
pub mod model;
