//! Polling a subscriber, and dropping it.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use futures_core::{FusedStream, Stream};

use sse_encoder::{Encoded, EventType};

use super::{FirstState, Inexact, Seats, Stage, Start, Subscriber};
use crate::{
    ending::Reconnect,
    log::{ClientPosition, Next, PositionId, ToldLoss},
    mutant, notice,
    position::Position,
    resumption::Resumption,
    settings::OnGap,
    wait::Report,
};

/// After how many events a subscriber that is behind shows its progress.
const NOTE_EVERY: u64 = 32;

impl Subscriber {
    #[inline]
    fn is_due(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the stream was ended, if there was an ending since this was asked last.
    #[inline]
    fn ended_meanwhile(&mut self) -> Option<Reconnect> {
        let endings = self.feed.owners.endings();
        if endings == self.endings || (self.stage == Stage::Checkpoint && mutant::lacks(51)) {
            return None;
        }
        self.endings = endings;
        self.ended()
    }

    /// The last words of a stream that was ended: the same as when the hub is closed, or nothing.
    #[inline(never)]
    fn end(&mut self, reconnect: Reconnect) -> Option<Encoded> {
        self.stage = Stage::Ended;
        let time = match reconnect {
            Reconnect::Soon => self.feed.settings.jittered_retry(),
            Reconnect::After(time) => time,
            Reconnect::Never => return None,
        };
        Some(notice::retry(self.notice_types(), time))
    }

    /// The first two frames. The client's position must not move before it has the gap or the
    /// state: if it were cut off in between, it would never get them.
    #[inline(never)]
    fn open(&mut self) -> Option<Encoded> {
        if self.stage == Stage::Newest {
            return self.take_newest();
        }
        let is_exact = self.state().is_none() && !matches!(self.start, Start::Inexact(_));
        if mem::replace(&mut self.stage, Stage::Opening) == Stage::Checkpoint {
            let had = if let Start::Returned(start) = &self.start { Some(start.had) } else { None };
            let id = if is_exact { self.id_of(self.client, had) } else { None };
            let retry = self.feed.settings.jittered_retry();
            if matches!(self.state(), Some(FirstState::Newest { .. })) {
                return Some(notice::state_begins(self.notice_types(), retry));
            }
            return Some(notice::checkpoint(self.notice_types(), id.as_ref(), Some(retry)));
        }
        if matches!(self.state(), Some(FirstState::Newest { .. })) {
            self.stage = Stage::Newest;
            return None;
        }
        self.stage = Stage::Live;
        if let Some(FirstState::Given(state)) = self.take_state() {
            // If events were lost since, the gap that follows has the id.
            let Some(id) = self.id_of(self.live_from, None) else { return Some(state) };
            self.client = self.live_from;
            return state.with_id(id.get());
        }
        let Start::Inexact(inexact) = &self.start else { return None };
        let Inexact { resumption, loss: ToldLoss { position, id } } = &**inexact;
        self.client = *position;
        match resumption {
            Resumption::Gap { requested, .. } | Resumption::Unknown { requested, .. } => {
                Some(notice::gap(self.notice_types(), requested.as_ref(), id))
            }
            Resumption::Fresh | Resumption::Exact { .. } => None,
        }
    }

    /// The next one of the newest events of each key; at their end a checkpoint.
    fn take_newest(&mut self) -> Option<Encoded> {
        let Some(FirstState::Newest { losses }) = self.state() else {
            self.stage = Stage::Live;
            return None;
        };
        let losses = *losses;
        let state = self.feed.read();
        let log = &state.retained;
        let next = log.next_newest(self.seats.topics(), self.cursor, self.live_from, losses);
        if let Ok(Some((seq, frame))) = next {
            drop(state);
            return Some(self.give(seq, frame));
        }
        let frame = match next {
            Err(loss) => {
                let ToldLoss { position, id } = log.tell(loss, false);
                self.client = position;
                self.feed.count_gap();
                Some(notice::gap(self.notice_types(), None, &id))
            }
            // If events were lost since, the gap that follows has the id.
            Ok(_) if log.lost_after(self.seats.topics(), self.live_from.seq()).is_some() => None,
            Ok(_) => {
                let id = log.id_of(self.seats.topics(), self.live_from, self.client, None);
                if id.is_some() {
                    self.client = self.live_from;
                }
                Some(notice::state_is_whole(&self.feed.settings.notice_types, id.as_ref()))
            }
        };
        drop(state);
        self.take_state();
        (self.stage, self.cursor) = (Stage::Live, self.live_from.seq());
        frame
    }

    fn notice_types(&self) -> &[EventType; 2] {
        &self.feed.settings.notice_types
    }

    /// The id of a position of this client; `None` if it lacks later events that the log has lost,
    /// or has a newer id than those that are known.
    fn id_of(&self, position: ClientPosition, had: Option<Position>) -> Option<PositionId> {
        self.feed.read().retained.id_of(self.seats.topics(), position, self.has(), had)
    }

    /// The position whose id the client has: a new one has none.
    const fn has(&self) -> ClientPosition {
        if matches!(self.start, Start::Fresh) { ClientPosition::NOTHING } else { self.client }
    }

    #[inline]
    fn has_news(&self) -> bool {
        let Seats { first, more } = &self.seats;
        first.0.last() > self.cursor || more.iter().any(|(list, _)| list.last() > self.cursor)
    }

    /// The next frame, if there is one.
    #[inline(always)]
    fn take_next(&mut self) -> Option<Encoded> {
        let has_news = self.has_news();
        let needs_checkpoint = self.feed.needs_checkpoint(self.client.seq());
        if !has_news && !needs_checkpoint {
            return None;
        }
        if self.seats.more.is_empty() && self.cursor >= self.live_from.seq() {
            let (list, waiter) = &self.seats.first;
            if let Some((seq, frame)) = list.newest_after(*waiter, self.cursor) {
                return Some(self.give(seq, frame));
            }
        }
        self.take_from_log(needs_checkpoint)
    }

    /// The next frame of the log, for a subscriber more than one event behind.
    #[inline(never)]
    fn take_from_log(&mut self, needs_checkpoint: bool) -> Option<Encoded> {
        let state = self.feed.read();
        let log = &state.retained;
        match log.next(self.seats.topics(), self.cursor, self.live_from.seq()) {
            Next::Entry(seq, frame) => {
                drop(state);
                let frame = self.give(seq, frame);
                if self.delivered.is_multiple_of(NOTE_EVERY) {
                    self.seats.iter().for_each(|(list, waiter)| list.note(*waiter, seq));
                }
                Some(frame)
            }
            Next::Lost(loss) => {
                let skips_rest = self.feed.settings.on_gap == OnGap::Newest;
                let ToldLoss { position, id } = log.tell(loss, skips_rest);
                let requested = log.past_id_at(self.client.seq());
                let frame = notice::gap(self.notice_types(), requested.as_ref(), &id);
                drop(state);
                self.feed.count_gap();
                (self.cursor, self.client) = (position.seq(), position);
                Some(frame)
            }
            Next::Nothing(position) => {
                let id = if needs_checkpoint {
                    log.id_of(self.seats.topics(), position, ClientPosition::NOTHING, None)
                } else {
                    None
                };
                drop(state);
                self.cursor = position.seq();
                let id = id?;
                self.client = position;
                Some(notice::checkpoint(self.notice_types(), Some(&id), None))
            }
        }
    }

    #[inline(always)]
    fn give(&mut self, seq: u64, frame: Encoded) -> Encoded {
        self.cursor = seq;
        // An ephemeral event has no id, and so does not move the client.
        if frame.has_id() {
            self.client = self.client.given(seq);
        }
        self.delivered += 1;
        frame
    }

    /// Parks the waker in every list, unless one of them has a new entry.
    fn park(&mut self, cx: &Context<'_>) -> bool {
        let (feed, cursor) = (&self.feed, self.cursor);
        let report = Report { client: self.client.seq(), cursor };
        let parked = self.seats.iter().all(|(list, waiter)| {
            // The clone is user code: outside the lock.
            let waker = cx.waker().clone();
            let is_news = || list.last() > cursor || feed.is_closed();
            list.park(*waiter, &report, waker, is_news)
        });
        if parked {
            self.count_delivered();
        }
        parked
    }

    fn count_delivered(&mut self) {
        let delivered = mem::take(&mut self.delivered);
        if delivered > 0 {
            self.feed.count_delivered(self.seats.first.1, delivered);
        }
    }
}

impl Stream for Subscriber {
    type Item = Encoded;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Encoded>> {
        let this = self.get_mut();
        if this.stage == Stage::Ended || this.is_due() {
            this.stage = Stage::Ended;
            return Poll::Ready(None);
        }
        if let Some(reconnect) = this.ended_meanwhile() {
            return Poll::Ready(this.end(reconnect));
        }
        while this.stage != Stage::Live {
            if let Some(frame) = this.open() {
                return Poll::Ready(Some(frame));
            }
        }
        loop {
            // Asked first: nothing can be published after it.
            let is_closed = this.feed.is_closed();
            if let Some(frame) = this.take_next() {
                return Poll::Ready(Some(frame));
            }
            if is_closed {
                return Poll::Ready(this.end(Reconnect::Soon));
            }
            if this.park(cx) {
                return Poll::Pending;
            }
            if let Some(reconnect) = this.ended() {
                return Poll::Ready(this.end(reconnect));
            }
        }
    }
}

impl FusedStream for Subscriber {
    fn is_terminated(&self) -> bool {
        self.stage == Stage::Ended
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.count_delivered();
        // Before its slot can be another subscriber's.
        for membership in self.extra.iter().flat_map(|extra| &extra.owners) {
            self.feed.owners.leave(membership);
        }
        let names = self.feed.names_to_tell(self.seats.topics());
        for (list, waiter) in self.seats.iter() {
            list.leave(*waiter);
        }
        for (list, _) in self.seats.iter() {
            if list.is_empty() {
                self.feed.release(list.topic);
            }
        }
        self.feed.subscribers().remove();
        self.feed.tell_listeners(names);
    }
}
