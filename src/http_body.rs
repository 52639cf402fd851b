use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};

use crate::{Error, LastEventId, SseEncoder, StopReconnecting, header};

impl<S, T, Q, P> Body for SseEncoder<S, T, Q, P>
where
    Self: Stream<Item = Result<Bytes, Error>>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.poll_next(cx).map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        self.is_terminated()
    }
}

impl<S, T, Q, P> SseEncoder<S, T, Q, P>
where
    Self: Stream<Item = Result<Bytes, Error>>,
{
    /// The stream as a response: status 200, the headers of [`header::RESPONSE`], and
    /// [`header::CONNECTION`], which servers of hyper take out again on HTTP/2.
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let response = SseEncoder::new(futures_util::stream::iter([Event::text("hello")])).into_http_response();
    /// assert_eq!(response.headers()["content-type"], "text/event-stream");
    /// ```
    pub fn into_http_response(self) -> Response<Self> {
        let mut response = Response::new(self);
        for (name, value) in header::RESPONSE.iter().chain([&header::CONNECTION]) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl StopReconnecting {
    /// The response with an empty body.
    pub fn into_http_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }
}

impl LastEventId {
    /// Reads the header `Last-Event-ID`, then the query parameter `lastEventId`.
    ///
    /// ```
    /// let request = http::Request::get("/events?lastEventId=41").body(()).unwrap();
    /// let last = sse_encoder::LastEventId::from_http_request(&request);
    /// assert_eq!(last.get().unwrap(), "41");
    /// ```
    pub fn from_http_request<B>(request: &Request<B>) -> Self {
        let header = request.headers().get(header::LAST_EVENT_ID).map(HeaderValue::as_bytes);
        Self::from_request(header, request.uri().query())
    }
}
