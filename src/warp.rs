//! What warp has no trait for: a filter for the last event ID, and a reply that knows the method.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use warp::{
    Filter,
    http::{
        HeaderMap, Method, StatusCode,
        header::{HeaderName, HeaderValue},
    },
    reply::{Reply, Response},
};

use crate::{Error, LastEventId, SseEncoder, StopReconnecting, header, response::BodyStream};

/// To a request that is known to be no `HEAD`: see [`reply_to`].
impl<S, T, Q, P, L, G> Reply for SseEncoder<S, T, Q, P, L, G>
where
    Self: Stream<Item = Result<Bytes, Error>> + Send + 'static,
{
    fn into_response(self) -> Response {
        let stream = Shared(Mutex::new(Box::pin(BodyStream { stream: self })));
        with_headers(warp::reply::stream(stream).into_response())
    }
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in header::RESPONSE {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

impl Reply for StopReconnecting {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// A filter for the last event ID: from the header `Last-Event-ID`, then from the query parameter
/// `lastEventId`. It never rejects.
///
/// ```
/// use sse_encoder::{LastEventId, SseEncoder};
/// use warp::Filter;
/// # use sse_encoder::Event;
/// # fn events_after(last: &LastEventId) -> futures_util::stream::Iter<std::vec::IntoIter<Event>> {
/// #     futures_util::stream::iter(Vec::new())
/// # }
///
/// let events = warp::path("events")
///     .and(warp::method())
///     .and(sse_encoder::warp::last_event_id())
///     .map(|method, last: LastEventId| {
///         let stream = SseEncoder::new(events_after(&last)).resume_after(&last);
///         sse_encoder::warp::reply_to(&method, stream)
///     });
/// # let _ = events;
/// ```
pub fn last_event_id() -> impl Filter<Extract = (LastEventId,), Error = Infallible> + Copy {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::header::headers_cloned().and(query).map(|headers: HeaderMap, query: String| {
        let headers = headers.get_all(header::LAST_EVENT_ID);
        LastEventId::from_request(headers.iter().map(HeaderValue::as_bytes), Some(&query))
    })
}

/// The reply to a request with this method: to `HEAD` the head alone, with the stream dropped at
/// once.
///
/// A [`Reply`] does not see the request, and on HTTP/2 warp would send a body where none may be.
/// With `warp::get()` before it, which answers `HEAD` with status 405, the stream itself is a sound
/// reply.
///
/// See [`last_event_id`] for an example.
pub fn reply_to<S, T, Q, P, L, G>(method: &Method, stream: SseEncoder<S, T, Q, P, L, G>) -> Response
where
    SseEncoder<S, T, Q, P, L, G>: Reply,
{
    if method == Method::HEAD { with_headers(Response::default()) } else { stream.into_response() }
}

/// warp wants streams that are `Sync`, though it never polls one from two threads. A mutex that is
/// only ever reached through `&mut` makes one so, and never locks.
struct Shared<S>(Mutex<Pin<Box<S>>>);

impl<S: Stream> Stream for Shared<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let stream = self.get_mut().0.get_mut();
        stream.unwrap_or_else(PoisonError::into_inner).as_mut().poll_next(cx)
    }
}
