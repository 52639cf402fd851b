use std::convert::Infallible;

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use http::{StatusCode, request::Parts};

use super::body::BodyStream;
use crate::{Encode, LastEventId, SseEncoder, StopReconnecting, header};

/// Status 200, with the headers of [`header::RESPONSE`].
impl<S: Stream<Item: Encode> + Send + 'static> IntoResponse for SseEncoder<S> {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from_stream(BodyStream { stream: self }));
        header::insert(response.headers_mut());
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
        let headers = parts.headers.get_all(header::LAST_EVENT_ID);
        Ok(Self::from_request(headers, parts.uri.query()))
    }
}

/// `None` where the client is new.
impl<S: Sync> OptionalFromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Infallible> {
        let last = <Self as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok((last != Self::none()).then_some(last))
    }
}
