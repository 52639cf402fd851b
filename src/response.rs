//! An event stream as the body of a response.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::{error::Error, stream::SseEncoder};

pin_project! {
    /// The stream, polled as a body: its first poll is a turn in which the server writes the head.
    #[derive(Debug)]
    pub(crate) struct BodyStream<E> {
        #[pin]
        pub(crate) stream: E,
    }
}

impl<S, T, Q, P, L, G> Stream for BodyStream<SseEncoder<S, T, Q, P, L, G>>
where
    SseEncoder<S, T, Q, P, L, G>: Stream<Item = Result<Bytes, Error>>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().stream.poll_body(cx)
    }
}
