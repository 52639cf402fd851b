//! What one item is encoded as: the rules, a row each, with the exact bytes.

#[path = "../support/mod.rs"]
mod support;

mod comment;
mod containers;
mod encoder;
mod event;
mod limit;
mod merge;
mod reference;
mod shapes;
mod spread;
mod tagged;

use sse_encoder::Encode;
use support::encode;

/// Rows of a rule, an item, and its frames from a new encoder.
pub(crate) fn assert_rows(rows: &[(&str, &dyn Encode, &str)]) {
    for (rule, item, expected) in rows {
        assert_eq!(encode(*item).unwrap(), *expected, "{rule}");
    }
}
