use std::{
    convert::Infallible,
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
use futures_core::{FusedStream, Stream};

use crate::{Encode, Error, LastEventId, SseEncoder, StopReconnecting, header};

/// The stream need not be `Send`. The response to `HEAD` is the head alone, and the stream is
/// dropped at once.
impl<S: Stream<Item: Encode> + 'static> Responder for SseEncoder<S> {
    type Body = Self;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self> {
        let stream = if request.method() == Method::HEAD { self.into_empty() } else { self };
        let mut response = HttpResponse::with_body(StatusCode::OK, stream);
        let headers = response.headers_mut();
        for (name, value) in header::RESPONSE.iter().chain([&header::CONTENT_ENCODING]) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if request.version() < Version::HTTP_11 {
            // HTTP/1.0 has no chunks, but actix-web would send them.
            response.head_mut().no_chunking(true);
        }
        response
    }
}

impl<S: Stream<Item: Encode>> MessageBody for SseEncoder<S> {
    type Error = Error;

    fn size(&self) -> BodySize {
        if self.is_terminated() { BodySize::None } else { BodySize::Stream }
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.poll_body(cx)
    }
}

impl Responder for StopReconnecting {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// The text of the error, which itself cannot cross threads: for streams of
/// `Result<_, actix_web::Error>`, `stream.map_err(sse_encoder::Error::from)`.
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
        ready(Ok(Self::from_request(headers, query)))
    }
}
