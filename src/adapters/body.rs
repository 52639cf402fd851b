//! An event stream as the body of a response.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::{Encode, Error, SseEncoder};

pin_project! {
    /// The stream, polled as a body.
    #[derive(Debug)]
    pub(super) struct BodyStream<S> {
        #[pin]
        pub(super) stream: SseEncoder<S>,
    }
}

impl<S: Stream<Item: Encode>> Stream for BodyStream<S> {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().stream.poll_body(cx)
    }
}
