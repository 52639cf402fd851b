use std::convert::Infallible;

use axum_core::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, StatusCode, request::Parts};

use crate::{Error, LastEventId, SseEncoder, StopReconnecting, header};

impl<S, T, Q, P> IntoResponse for SseEncoder<S, T, Q, P>
where
    Self: Stream<Item = Result<Bytes, Error>> + Send + 'static,
{
    fn into_response(self) -> Response {
        let mut response = Body::from_stream(self).into_response();
        // On HTTP/2 the server takes the header for HTTP/1.1 out again.
        for (name, value) in header::RESPONSE.iter().chain([&header::CONNECTION]) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl IntoResponse for StopReconnecting {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// From the header `Last-Event-ID`, then from the query parameter `lastEventId`.
impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::LAST_EVENT_ID).map(HeaderValue::as_bytes);
        Ok(Self::from_request(header, parts.uri.query()))
    }
}
