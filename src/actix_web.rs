//! The body of a response in actix-web.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::{BodySize, BoxBody, MessageBody},
    dev::Payload,
    http::{
        Method, StatusCode, Version,
        header::{HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::{Error, LastEventId, SseEncoder, StopReconnecting, header};

/// The stream need not be `Send`. To a `HEAD` it answers with the head alone, and is dropped at
/// once.
impl<S, T, Q, P, L, G> Responder for SseEncoder<S, T, Q, P, L, G>
where
    Self: Stream<Item = Result<Bytes, Error>> + 'static,
{
    type Body = StreamBody<Self>;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        let stream = (request.method() != Method::HEAD).then_some(self);
        let mut response = HttpResponse::with_body(StatusCode::OK, StreamBody { stream });
        let headers = response.headers_mut();
        for (name, value) in header::RESPONSE {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if request.version() < Version::HTTP_11 {
            // It does not know chunks, and actix-web would send them all the same.
            response.head_mut().no_chunking(true);
        }
        response
    }
}

pin_project! {
    /// The body of a response: an event stream; or none, where a request asks for the head alone.
    pub struct StreamBody<E> {
        #[pin]
        stream: Option<E>,
    }
}

impl<E> fmt::Debug for StreamBody<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBody").finish_non_exhaustive()
    }
}

impl<S, T, Q, P, L, G> MessageBody for StreamBody<SseEncoder<S, T, Q, P, L, G>>
where
    SseEncoder<S, T, Q, P, L, G>: Stream<Item = Result<Bytes, Error>>,
{
    type Error = Error;

    fn size(&self) -> BodySize {
        if self.stream.is_some() { BodySize::Stream } else { BodySize::None }
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match self.project().stream.as_pin_mut() {
            Some(stream) => stream.poll_body(cx),
            None => Poll::Ready(None),
        }
    }
}

impl Responder for StopReconnecting {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// For streams of `Result<_, actix_web::Error>`, which cannot cross threads and so cannot be kept:
/// the text of it. `stream.map_err(sse_encoder::Error::from)`.
impl From<actix_web::Error> for Error {
    fn from(error: actix_web::Error) -> Self {
        Self::other(error.to_string())
    }
}

/// From the header `Last-Event-ID`, then from the query parameter `lastEventId`.
impl FromRequest for LastEventId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers().get_all(header::LAST_EVENT_ID);
        let query = request.uri().query();
        ready(Ok(Self::from_request(headers.map(HeaderValue::as_bytes), query)))
    }
}
