use std::{
    borrow::{Borrow, Cow},
    fmt, hash,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::text::{INLINE, Rule, Text, from_integers, text_value, try_from_text};
use crate::error::Error;

/// An event type: the value of the `event` field, which selects the client's listener.
///
/// It is any text without CR and LF, which would end the field, or any integer. Clients treat an
/// empty type as `message`.
///
/// Avoid `error` and `open`: in a browser an event of that type calls `onerror` or `onopen`, which
/// the `EventSource` also calls for other reasons.
///
/// ```
/// use sse_encoder::EventType;
///
/// const PRICE: EventType = EventType::from_static("price");
/// assert_eq!(EventType::new(String::from("price"))?, PRICE);
/// assert_eq!(EventType::new("a\rb").unwrap_err().position(), Some(1));
/// # Ok::<(), sse_encoder::Error>(())
/// ```
///
/// An invalid literal does not compile:
///
/// ```compile_fail
/// const FORGED: sse_encoder::EventType = sse_encoder::EventType::from_static("a\rdata: forged");
/// # let _ = FORGED;
/// ```
#[derive(Clone)]
pub struct EventType(Text);

const RULE: Rule = Rule { field: "type", nul_is_forbidden: false, max_len: usize::MAX };

text_value!(EventType, RULE, "an event type may not have CR or LF");
from_integers!(EventType: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl EventType {
    /// `message`, the default type.
    pub const MESSAGE: Self = Self::from_static("message");
}
