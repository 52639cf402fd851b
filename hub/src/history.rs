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
    log::{ClientPosition, Loss, Next, Resumed},
    position::Position,
    resumption::{Resumption, is_new},
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
        let exact = |position: ClientPosition| {
            let missed = log.count_after(topics.clone(), position.seq());
            (position.seq(), Resumption::Exact { missed })
        };
        let told = |loss: Loss, is_unknown, had: &mut Option<Position>| {
            *had = loss.had();
            let loss = log.tell(loss, false);
            (loss.position.seq(), Resumption::inexact(is_unknown, last, &loss))
        };
        let mut had = None;
        let (mut cursor, resumption) = if is_new(last) {
            (log.place_of_newest(topics.clone(), limit), Resumption::Fresh)
        } else {
            match log.resume(topics.clone(), last.get()) {
                Resumed::Exact(position) => exact(position),
                Resumed::Returned(position, later) => {
                    had = Some(later);
                    exact(position)
                }
                Resumed::Lost(loss) => told(loss, false, &mut had),
                Resumed::Unknown(loss) => told(loss, true, &mut had),
            }
        };
        // Ephemeral events are not replayed.
        let live_from = log.newest().seq();
        let mut frames = Vec::new();
        let mut position = None;
        while let Next::Entry(seq, frame) = log.next(topics.clone(), cursor, live_from) {
            if frames.len() == limit {
                position = frames.last().and_then(Encoded::id);
                break;
            }
            cursor = seq;
            frames.push(frame);
        }
        let position = position.unwrap_or_else(|| {
            // A frame moves the client beyond that position.
            let had = had.filter(|_| frames.is_empty());
            log.newest_id(had).get().clone()
        });
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
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let start = hub.position();
    /// for n in 0..5 {
    ///     hub.to("room:7").try_publish(&Event::json(n))?;
    /// }
    /// let page = hub.history(["room:7"], &start.into(), 3);
    /// let next = hub.history(["room:7"], &page.position().clone().into(), 3);
    /// assert_eq!((page.len(), next.len()), (3, 2));
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
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
