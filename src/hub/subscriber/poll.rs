//! What a subscriber does when it is polled, and when it goes.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use futures_core::{FusedStream, Stream};

use super::{
    super::{
        Delivery,
        log::Next,
        notice,
        resumption::Resumption,
        room::Report,
        rooms::{EVERYTHING, NOTHING, UNTITLED},
        settings::OnGap,
        sync::{Ordering, read, write},
    },
    Resumed, Seats, Stage, Subscriber,
};
use crate::{encoder::Encoded, value::EventId};

impl Subscriber {
    #[inline]
    fn is_due(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The first two frames. The client's position must not move before it has heard of a gap, or
    /// has the state: cut off in between, it would never hear of it.
    #[inline(never)]
    fn open(&mut self) -> Option<Encoded> {
        let is_exact = self.state.is_none() && !matches!(self.resumption, Resumed::No(_));
        if mem::replace(&mut self.stage, Stage::Opening) == Stage::Checkpoint {
            let id = is_exact.then(|| self.id());
            return Some(notice::checkpoint(id, self.hub.settings.jittered_retry()));
        }
        self.stage = Stage::Live;
        self.client = self.cursor;
        if let Some(state) = self.state.take() {
            return Some(*state);
        }
        let Resumed::No(resumption) = &self.resumption else { return None };
        match &**resumption {
            Resumption::Gap { requested, resumed_after }
            | Resumption::Unknown { requested, resumed_after } => {
                Some(notice::gap(Some(requested), resumed_after.clone()))
            }
            Resumption::Fresh | Resumption::Exact { .. } => None,
        }
    }

    fn id(&self) -> EventId {
        read(&self.hub.log).id_at(self.cursor)
    }

    #[inline]
    fn has_news(&self) -> bool {
        let Seats { first, more } = &self.seats;
        first.0.last() > self.cursor || more.iter().any(|(room, _)| room.last() > self.cursor)
    }

    /// The next frame, if there is one.
    #[inline(always)]
    fn take_next(&mut self) -> Option<Encoded> {
        let has_news = self.has_news();
        let needs_checkpoint = self.client < self.hub.renew.load(Ordering::Relaxed);
        if !has_news && !needs_checkpoint {
            return None;
        }
        if self.seats.more.is_empty() && self.cursor >= self.live_from {
            let (room, seat) = &self.seats.first;
            if let Some((seq, delivery)) = room.newest_after(*seat, self.cursor) {
                return Some(self.give(seq, delivery));
            }
        }
        self.take_from_log(needs_checkpoint)
    }

    /// The next frame for who is not next to the newest one.
    #[inline(never)]
    fn take_from_log(&mut self, needs_checkpoint: bool) -> Option<Encoded> {
        let log = read(&self.hub.log);
        match log.next(self.seats.rooms(), self.cursor, self.live_from) {
            Next::Entry(seq, delivery) => {
                drop(log);
                Some(self.give(seq, delivery))
            }
            Next::Lost(lost) => {
                let is_oldest = self.hub.settings.on_gap == OnGap::Oldest;
                let seq = if is_oldest { lost } else { log.tip() };
                let frame = notice::gap(log.past_id_at(self.client).as_ref(), log.id_at(seq));
                drop(log);
                self.hub.gaps.fetch_add(1, Ordering::Relaxed);
                (self.cursor, self.client) = (seq, seq);
                Some(frame)
            }
            Next::Nothing(tip) => {
                let id = needs_checkpoint.then(|| log.id_at(tip));
                drop(log);
                self.cursor = tip;
                let id = id?;
                self.client = tip;
                Some(notice::checkpoint(Some(id), None))
            }
        }
    }

    #[inline(always)]
    fn give(&mut self, seq: u64, delivery: Delivery) -> Encoded {
        self.cursor = seq;
        if !delivery.is_ephemeral {
            self.client = seq;
        }
        self.delivered += 1;
        delivery.frame
    }

    /// Leaves the waker in every room, unless there is something new.
    fn park(&mut self, cx: &Context<'_>) -> bool {
        let (hub, cursor) = (&self.hub, self.cursor);
        let mut report =
            Report { client: self.client, cursor, delivered: mem::take(&mut self.delivered) };
        self.seats.iter().all(|(room, seat)| {
            // The clone is a user's code: outside the lock.
            let waker = cx.waker().clone();
            let is_news = || room.last() > cursor || hub.is_closed();
            let parked = room.park(*seat, &report, waker, is_news);
            if parked {
                report.delivered = 0;
            } else {
                self.delivered = report.delivered;
            }
            parked
        })
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
        while this.stage != Stage::Live {
            if let Some(frame) = this.open() {
                return Poll::Ready(Some(frame));
            }
        }
        loop {
            // Asked first: nothing can be published after it.
            let is_closed = this.hub.is_closed();
            if let Some(frame) = this.take_next() {
                return Poll::Ready(Some(frame));
            }
            if is_closed {
                this.stage = Stage::Ended;
                let retry = this.hub.settings.jittered_retry();
                return Poll::Ready(retry.map(notice::retry));
            }
            if this.park(cx) {
                return Poll::Pending;
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
        let mut delivered = mem::take(&mut self.delivered);
        for (room, seat) in self.seats.iter() {
            room.leave(*seat, mem::take(&mut delivered));
        }
        for (room, _) in self.seats.iter() {
            let is_kept = matches!(room.id, UNTITLED | EVERYTHING | NOTHING);
            if !is_kept && room.is_empty() {
                write(&self.hub.log).rooms.remove_if_unused(room.id);
            }
        }
        self.hub.exits.leave();
    }
}
