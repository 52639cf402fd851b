//! What warp has no trait for: a filter.

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
        HeaderMap, StatusCode,
        header::{HeaderName, HeaderValue},
    },
    reply::{Reply, Response},
};

use crate::{Error, LastEventId, SseEncoder, StopReconnecting, header};

impl<S, T, Q, P> Reply for SseEncoder<S, T, Q, P>
where
    Self: Stream<Item = Result<Bytes, Error>> + Send + 'static,
{
    fn into_response(self) -> Response {
        let mut response = warp::reply::stream(Shared(Mutex::new(Box::pin(self)))).into_response();
        let headers = response.headers_mut();
        // On HTTP/2 the server takes the header for HTTP/1.1 out again.
        for (name, value) in header::RESPONSE.iter().chain([&header::CONNECTION]) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
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
/// let events = warp::path("events").and(sse_encoder::warp::last_event_id()).map(|last: LastEventId| {
///     SseEncoder::new(events_after(&last)).resume_after(&last)
/// });
/// # let _ = events;
/// ```
pub fn last_event_id() -> impl Filter<Extract = (LastEventId,), Error = Infallible> + Copy {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::header::headers_cloned().and(query).map(|headers: HeaderMap, query: String| {
        let header = headers.get(header::LAST_EVENT_ID).map(HeaderValue::as_bytes);
        LastEventId::from_request(header, Some(&query))
    })
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
