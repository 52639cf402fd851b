use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};

use crate::{Encode, Error, LastEventId, SseEncoder, StopReconnecting, header};

impl<S: Stream<Item: Encode>> Body for SseEncoder<S> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.poll_body(cx).map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        self.is_terminated()
    }
}

impl<S: Stream<Item: Encode>> SseEncoder<S> {
    /// The stream as a response: status 200 and the headers of [`header::RESPONSE`].
    ///
    /// For a request that is known not to be a `HEAD`; otherwise use
    /// [`into_http_response_to`](Self::into_http_response_to).
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let stream = SseEncoder::new(futures_util::stream::iter([Event::text("hello")]));
    /// let response = stream.into_http_response();
    /// assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    /// ```
    pub fn into_http_response(self) -> Response<Self> {
        let mut response = Response::new(self);
        header::insert(response.headers_mut());
        response
    }

    /// The stream as the response to this request: to `HEAD` the head alone, with the source
    /// dropped at once.
    ///
    /// A server of hyper sends any body that it is given, on HTTP/2 in answer to `HEAD` as well,
    /// which violates the protocol.
    ///
    /// ```
    /// use http_body::Body;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let stream = SseEncoder::new(futures_util::stream::iter([Event::text("hello")]));
    /// let request = http::Request::head("/events").body(()).unwrap();
    /// assert!(stream.into_http_response_to(&request).into_body().is_end_stream());
    /// ```
    pub fn into_http_response_to<B>(self, request: &Request<B>) -> Response<Self> {
        let stream = if request.method() == Method::HEAD { self.into_empty() } else { self };
        stream.into_http_response()
    }
}

impl StopReconnecting {
    /// The response, with an empty body of any type that has a default.
    ///
    /// ```
    /// use sse_encoder::StopReconnecting;
    ///
    /// let response: http::Response<String> = StopReconnecting.into_http_response();
    /// assert_eq!(response.status(), StopReconnecting::STATUS);
    /// ```
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
        let headers = request.headers().get_all(header::LAST_EVENT_ID);
        Self::from_request(headers, request.uri().query())
    }
}
