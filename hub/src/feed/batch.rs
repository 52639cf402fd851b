//! Several events recorded as one.

use std::{sync::Arc, time::Instant};

use sse_encoder::Encoded;

use super::Feed;
use crate::{
    log::{Draft, Outcomes},
    sync::Ordering,
    topic::EVERYTHING,
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
    /// once. No two of them have one id of their own.
    ///
    /// # Errors
    ///
    /// The hub is closed, or the log has no slot for one of the events.
    pub(crate) fn record_all(&self, drafts: Vec<Draft<'_>>) -> Outcomes {
        let mut ids = Vec::with_capacity(drafts.len());
        let (mut newest, mut wakers) = (Vec::<Newest>::new(), Vec::new());
        {
            let mut state = self.write_open()?;
            let now = state.retained.ages().then(Instant::now);
            state.trim(now);
            for Draft { topics, event, .. } in &drafts {
                event.id().map_or(Ok(()), |id| state.check_id(&id, *topics))?;
            }
            for Draft { topics: names, key, event } in drafts {
                // It cannot fail: the hub counts, and the ids have been checked.
                let slot = state.retained.slot(&event, None)?;
                let (id, seq) = (slot.id.clone(), slot.seq);
                let topics = state.ids(names);
                let names_len = names.iter().map(str::len).sum();
                let is_heard = id.is_some() || state.is_heard(&topics);
                let place = (&topics[..], names_len);
                let frame = state.retained.append(slot, place, key, now, event, is_heard);
                if is_heard {
                    state.trim(None);
                } else {
                    topics.iter().for_each(|topic| state.release(*topic));
                }
                for topic in topics.into_iter().chain([EVERYTHING]) {
                    let Some((list, before)) = state.announce(topic, seq) else { continue };
                    let frame = frame.clone();
                    let known = newest.iter_mut().find(|known| Arc::ptr_eq(&known.list, &list));
                    let this = Newest { list, before, seq, frame };
                    match known {
                        Some(known) => *known = this,
                        None => newest.push(this),
                    }
                }
                ids.push(id);
            }
            let renew = state.retained.renew_below();
            self.renew.store(renew, Ordering::Relaxed);
            state.visit(renew, self.subscribers.get(), &mut wakers);
        }
        self.published.fetch_add(ids.len() as u64, Ordering::Relaxed);
        for Newest { list, before, seq, frame } in newest {
            list.announce_to(before, seq, &frame, &mut wakers);
        }
        wake_each_once(&mut wakers);
        Ok(ids)
    }
}
