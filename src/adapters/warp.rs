use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use warp::{
    Filter,
    http::{
        HeaderMap, Method, StatusCode,
        header::{HeaderName, HeaderValue},
    },
    reply::{Reply, Response},
};

use super::body::BodyStream;
use crate::{Encode, LastEventId, SseEncoder, StopReconnecting, header, stream::Exclusive};

/// For a request that is known not to be a `HEAD`: see [`SseEncoder::into_reply_to`].
impl<S: Stream<Item: Encode> + Send + 'static> Reply for SseEncoder<S> {
    fn into_response(self) -> Response {
        let stream = Shared(Exclusive::new(Box::pin(BodyStream { stream: self })));
        with_headers(warp::reply::stream(stream).into_response())
    }
}

impl<S: Stream<Item: Encode> + Send + 'static> SseEncoder<S> {
    /// The stream as warp's reply to a request with this method: to `HEAD` the head alone, with the
    /// source dropped at once.
    ///
    /// A [`Reply`] does not see the request, and on HTTP/2 warp would send a body that is not
    /// allowed. Behind `warp::get()`, which answers `HEAD` with status 405, the stream itself is a
    /// correct reply.
    ///
    /// See [`LastEventId::warp_filter`] for an example.
    pub fn into_reply_to(self, method: &Method) -> Response {
        if method == Method::HEAD {
            with_headers(Response::default())
        } else {
            self.into_response()
        }
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

impl LastEventId {
    /// A filter of warp that reads the header `Last-Event-ID`, then the query parameter
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
    ///     .and(LastEventId::warp_filter())
    ///     .map(|method, last: LastEventId| {
    ///         let stream = SseEncoder::new(events_after(&last)).resume_after(&last);
    ///         stream.into_reply_to(&method)
    ///     });
    /// # let _ = events;
    /// ```
    pub fn warp_filter() -> impl Filter<Extract = (Self,), Error = Infallible> + Copy {
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        warp::header::headers_cloned().and(query).map(|headers: HeaderMap, query: String| {
            let headers = headers.get_all(header::LAST_EVENT_ID);
            Self::from_request(headers, Some(&query))
        })
    }
}

/// warp wants streams that are `Sync`, though it never polls one from two threads.
struct Shared<S>(Exclusive<Pin<Box<BodyStream<S>>>>);

impl<S: Stream<Item: Encode>> Stream for Shared<S> {
    type Item = <BodyStream<S> as Stream>::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.get_mut().as_mut().poll_next(cx)
    }
}
