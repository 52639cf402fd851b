//! The retained events, read at once.

use std::{
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures_core::{FusedStream, Stream};
use sse_encoder::{Encoded, EventId, LastEventId};

use crate::{
    feed::Feed,
    log::{Next, Resumed},
    resumption::{self, Resumption},
};

/// Some of the retained events, from [`Hub::history`](crate::Hub::history): a stream that ends, and
/// an iterator, of their frames.
///
/// ```
/// use sse_encoder::SseEncoder;
/// use sse_hub::History;
///
/// // In a handler, as a response.
/// fn response(history: History) -> SseEncoder<History> {
///     SseEncoder::new(history)
/// }
/// ```
#[derive(Debug)]
pub struct History {
    frames: vec::IntoIter<Encoded>,
    resumption: Resumption,
    position: EventId,
}

impl History {
    pub(crate) fn read<'a>(
        feed: &Feed,
        names: impl Iterator<Item = &'a str> + Clone,
        last: &LastEventId,
        limit: usize,
    ) -> Self {
        let limit = limit.max(1);
        let (state, ids) = feed.watch(Some(names));
        let (log, topics) = (&state.retained, ids.iter().copied());
        let is_new = last.get().is_none() && !last.is_unreadable();
        let start = match log.resume(topics.clone(), last.get()) {
            _ if is_new => Ok(log.place_of_newest(topics.clone(), limit)),
            Resumed::Exact(position) => Ok(position.seq()),
            Resumed::Lost(loss) => Err((loss, false)),
            Resumed::Unknown(loss) => Err((loss, true)),
        };
        let (mut cursor, resumption) = match start {
            Ok(cursor) if is_new => (cursor, Resumption::Fresh),
            Ok(cursor) => {
                (cursor, Resumption::Exact { missed: log.count_after(topics.clone(), cursor) })
            }
            Err((loss, is_unknown)) => {
                let told = log.tell(loss, false);
                let resumed_after = told.id.get().clone();
                let requested = resumption::kept(last.get());
                let resumption = if is_unknown {
                    Resumption::Unknown { requested, resumed_after }
                } else {
                    Resumption::Gap { requested, resumed_after }
                };
                (told.position.seq(), resumption)
            }
        };
        // Ephemeral events are not replayed.
        let live_from = log.newest().seq();
        let mut frames = Vec::new();
        let mut position = log.newest_id().get().clone();
        while let Next::Entry(seq, frame) = log.next(topics.clone(), cursor, live_from) {
            if frames.len() == limit {
                position = frames.last().and_then(Encoded::id).unwrap_or(position);
                break;
            }
            cursor = seq;
            frames.push(frame);
        }
        drop(state);
        ids.into_iter().for_each(|topic| feed.release(topic));
        Self { frames: frames.into_iter(), resumption, position }
    }

    /// Whether events are missing before these, as for a
    /// [subscription](crate::Subscriber::resumption).
    pub const fn resumption(&self) -> &Resumption {
        &self.resumption
    }

    /// The position after these events: to read on, or to subscribe from, without a gap in between.
    pub const fn position(&self) -> &EventId {
        &self.position
    }
}

impl Iterator for History {
    type Item = Encoded;

    fn next(&mut self) -> Option<Encoded> {
        self.frames.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.frames.size_hint()
    }
}

impl ExactSizeIterator for History {}

impl Stream for History {
    type Item = Encoded;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Encoded>> {
        Poll::Ready(self.get_mut().frames.next())
    }
}

impl FusedStream for History {
    fn is_terminated(&self) -> bool {
        self.frames.len() == 0
    }
}
