//! The peers, each driven as its documentation tells its users.

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(any(feature = "russe", feature = "tokio-sse-codec"))]
mod codec;
#[cfg(feature = "poem")]
mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "russe")]
mod russe;
#[cfg(feature = "salvo")]
mod salvo;
#[cfg(feature = "sse-stream")]
mod sse_stream;
#[cfg(feature = "tokio-sse-codec")]
mod tokio_sse_codec;
#[cfg(feature = "warp")]
mod warp;

#[cfg(feature = "actix")]
pub use self::actix::ActixWebLab;
#[cfg(feature = "axum")]
pub use self::axum::Axum;
#[cfg(feature = "poem")]
pub use self::poem::Poem;
#[cfg(feature = "rocket")]
pub use self::rocket::Rocket;
#[cfg(feature = "russe")]
pub use self::russe::{Russe, RusseCodec};
#[cfg(feature = "salvo")]
pub use self::salvo::Salvo;
#[cfg(feature = "sse-stream")]
pub use self::sse_stream::SseStream;
#[cfg(feature = "tokio-sse-codec")]
pub use self::tokio_sse_codec::TokioSseCodec;
#[cfg(feature = "warp")]
pub use self::warp::Warp;

use futures_core::Stream;
use serde::Serialize;

use crate::body::Body;

/// The fields of an event beside its data. Nobody but us counts ids, so a peer's user does.
#[derive(Clone, Copy)]
pub struct Head {
    pub id: Option<u64>,
    pub event_type: Option<&'static str>,
}

impl Head {
    /// Only data.
    pub const BARE: Self = Self { id: None, event_type: None };
}

/// A crate whose users send events, too.
pub trait Peer: 'static {
    const NAME: &'static str;

    type Event: Send + Sync + 'static;

    /// The form in which a text costs this peer least: each gets it in that form, made before the
    /// clock runs.
    type Text: Send + Sync + 'static;

    fn prepare(text: &'static str) -> Self::Text;

    /// An event with this value as JSON.
    fn json(head: Head, value: &impl Serialize) -> Self::Event;

    /// An event with this text.
    fn text(head: Head, text: Self::Text) -> Self::Event;

    /// The body of a response with these events.
    fn body(events: impl Stream<Item = Self::Event> + Send + Sync + 'static)
    -> impl Body + 'static;
}

/// Calls `$each` with every peer that this build has.
#[macro_export]
macro_rules! for_each_peer {
    ($each:ident) => {
        #[cfg(feature = "axum")]
        $each!($crate::peers::Axum);
        #[cfg(feature = "actix")]
        $each!($crate::peers::ActixWebLab);
        #[cfg(feature = "warp")]
        $each!($crate::peers::Warp);
        #[cfg(feature = "poem")]
        $each!($crate::peers::Poem);
        #[cfg(feature = "salvo")]
        $each!($crate::peers::Salvo);
        #[cfg(feature = "rocket")]
        $each!($crate::peers::Rocket);
        #[cfg(feature = "sse-stream")]
        $each!($crate::peers::SseStream);
        #[cfg(feature = "russe")]
        $each!($crate::peers::Russe);
        #[cfg(feature = "russe")]
        $each!($crate::peers::RusseCodec);
        #[cfg(feature = "tokio-sse-codec")]
        $each!($crate::peers::TokioSseCodec);
    };
}
