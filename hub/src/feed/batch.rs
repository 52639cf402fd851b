//! Several events recorded as one.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use sse_encoder::Encoded;

use super::Feed;
use crate::{
    log::{Draft, Outcomes},
    position::Position,
    sync::Ordering,
    topic::{EVERYTHING, TopicId},
    wait::{WaitList, wake_each_once},
};

/// The newest of the events on a list, and the list's last entry before that.
struct Newest {
    list: Arc<WaitList<Encoded>>,
    before: u64,
    seq: u64,
    frame: Encoded,
}

impl Feed {
    /// Records these events as the next ones of the log, or none of them, and wakes each subscriber
    /// once. No two of them share an id of their own.
    ///
    /// # Errors
    ///
    /// The hub is closed, or the log has no slot for one of the events.
    pub(crate) fn record_all(&self, drafts: Vec<Draft<'_>>) -> Outcomes {
        self.record_each(drafts.into_iter().map(|draft| (draft, None)).collect())
    }

    /// [Records](Self::record_all) these events, each with its position in a log elsewhere, if it
    /// has one.
    ///
    /// # Errors
    ///
    /// As [`record_all`](Self::record_all).
    pub(crate) fn record_each(&self, drafts: Vec<(Draft<'_>, Option<Position>)>) -> Outcomes {
        let mut ids = Vec::with_capacity(drafts.len());
        // In the order in which a single event of several topics is announced.
        let (mut newest, mut wakers) = (BTreeMap::<TopicId, Newest>::new(), Vec::new());
        {
            let mut state = self.write_open()?;
            let now = state.retained.ages().then(Instant::now);
            state.trim(now);
            for (Draft { topics, event, .. }, _) in &drafts {
                event.id().map_or(Ok(()), |id| state.check_id(&id, *topics))?;
            }
            for (draft, given) in drafts {
                // It cannot fail: positions ascend, and the ids have been checked.
                let slot = state.retained.slot(&draft.event, given)?;
                let (id, seq) = (slot.id.clone(), slot.seq);
                let topics = state.ids(draft.topics);
                let frame = state.append(slot, &topics, now, draft);
                for topic in topics.into_iter().chain([EVERYTHING]) {
                    if let Some((list, before)) = state.announce(topic, seq) {
                        let this = Newest { list, before, seq, frame: frame.clone() };
                        newest.insert(topic, this);
                    }
                }
                ids.push(id);
            }
            self.renew(&mut state, &mut wakers);
        }
        self.published.fetch_add(ids.len() as u64, Ordering::Relaxed);
        for Newest { list, before, seq, frame } in newest.into_values() {
            list.announce_to(before, seq, &frame, &mut wakers);
        }
        wake_each_once(&mut wakers);
        Ok(ids)
    }
}
