use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::{BodyStream, BoxBody},
    dev::Payload,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use futures_core::Stream;

use crate::{Error, LastEventId, SseEncoder, StopReconnecting, header};

/// The stream need not be `Send`.
impl<S, T, Q, P> Responder for SseEncoder<S, T, Q, P>
where
    Self: Stream<Item = Result<Bytes, Error>> + 'static,
{
    type Body = BodyStream<Self>;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<Self::Body> {
        let mut response = HttpResponse::with_body(StatusCode::OK, BodyStream::new(self));
        let headers = response.headers_mut();
        for (name, value) in header::RESPONSE {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}

impl Responder for StopReconnecting {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// From the header `Last-Event-ID`, then from the query parameter `lastEventId`.
impl FromRequest for LastEventId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(header::LAST_EVENT_ID).map(HeaderValue::as_bytes);
        ready(Ok(Self::from_request(header, request.uri().query())))
    }
}
