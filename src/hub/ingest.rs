//! The way in for a log that is kept elsewhere: it gives the positions, and says when it has lost
//! something.

#![cfg_attr(not(any(test, feature = "redis")), expect(dead_code, reason = "a log on a server's"))]

use super::{
    Hub, Remote, Shared,
    log::{Address, Numbering},
    position::Position,
    settings::Settings,
    sync::write,
};
use crate::{
    encoder::Encoded,
    error::{Error, Kind, Refusal},
    value::EventId,
};

impl Hub {
    /// A hub that only mirrors a log: what is in it comes by [`ingest`](Shared::ingest).
    pub(super) fn mirror(settings: Settings, remote: Option<Remote>) -> Self {
        Self::with_numbering(settings, Numbering::Given, remote)
    }
}

impl Shared {
    /// Appends what the log has at this position, which is beyond all that came before.
    ///
    /// # Errors
    ///
    /// As [`Hub::publish`]; and where the position is not beyond the newest one.
    pub(super) fn ingest(
        &self,
        position: Position,
        address: Address<'_>,
        published: Encoded,
    ) -> Result<Option<EventId>, Error> {
        self.append(address, published, Some(position))
    }

    /// The log has lost what came after the newest entry here; it goes on after this position.
    /// Every subscriber is told of the gap, and so is whoever comes back with an earlier position.
    ///
    /// # Errors
    ///
    /// The hub is closed.
    pub(super) fn lose(&self, resumed_after: Position) -> Result<(), Error> {
        let rooms: Vec<_> = {
            let mut log = write(&self.log);
            if log.is_closed {
                return Err(Kind::Refused(Refusal::Closed).into());
            }
            log.lose_all(resumed_after);
            log.rooms.all().cloned().collect()
        };
        rooms.iter().for_each(|room| room.wake_all());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use futures_util::{FutureExt, StreamExt};

    use super::{super::settings::HubBuilder, *};
    use crate::{
        event::Event, hub::publish::encode, hub::resumption::Resumption, last_event_id::LastEventId,
    };

    fn position(n: u64) -> Position {
        Position { epoch: 1_795_333_614_958, n }
    }

    fn ingest(hub: &Hub, n: u64, text: &str) -> Result<Option<EventId>, Error> {
        let published = encode(&Event::text(text), 1_000)?;
        hub.shared.ingest(position(n), Address::default(), published)
    }

    fn last(n: u64) -> LastEventId {
        position(n).to_id().into()
    }

    fn next(subscriber: &mut crate::hub::Subscriber) -> Option<String> {
        let frame = subscriber.next().now_or_never()??;
        Some(String::from_utf8(frame.as_bytes().to_vec()).unwrap())
    }

    fn hub() -> Hub {
        let hub = Hub::mirror(HubBuilder::new().retain_events(3).settings(), None);
        for n in [2, 3, 5, 8, 13] {
            ingest(&hub, n, &n.to_string()).unwrap();
        }
        hub
    }

    #[test]
    fn positions_are_the_logs_own_and_only_those_that_are_here_are_known() {
        let hub = hub();
        for (n, missed) in [(3, 3), (5, 2), (8, 1), (13, 0)] {
            let exact = Resumption::Exact { missed };
            assert_eq!(hub.subscribe(&last(n)).resumption(), exact, "{n}");
        }
        for n in [0, 1, 2, 4, 6, 12, 14, u64::MAX] {
            let resumption = hub.subscribe(&last(n)).resumption();
            assert!(matches!(resumption, Resumption::Unknown { .. }), "{n}: {resumption:?}");
        }
        let mut subscriber = hub.subscribe(&last(8));
        let checkpoint = next(&mut subscriber).unwrap();
        assert!(checkpoint.starts_with(&format!("id: {}\n", position(8))), "{checkpoint}");
        let frame = format!("id: {}\nevent: message\ndata: 13\n\n", position(13));
        assert_eq!(next(&mut subscriber), Some(frame));
        assert_eq!(next(&mut subscriber), None);
    }

    #[test]
    fn a_position_that_is_not_beyond_the_newest_is_refused() {
        let hub = hub();
        for n in [1, 8, 13] {
            assert!(ingest(&hub, n, "again").unwrap_err().is_duplicate_id(), "{n}");
        }
        assert!(ingest(&hub, 14, "new").is_ok());
    }

    #[test]
    fn what_the_log_has_lost_is_a_gap_for_all() {
        let hub = hub();
        let mut subscriber = hub.subscribe(&LastEventId::none());
        assert!(next(&mut subscriber).is_some());
        assert_eq!(next(&mut subscriber), None);
        hub.shared.lose(position(20)).unwrap();
        ingest(&hub, 21, "21").unwrap();
        assert_eq!(
            next(&mut subscriber).unwrap(),
            format!(
                "id: {0}\nevent: gap\ndata: {{\"requested\":null,\"resumed_after\":\"{0}\"}}\n\n",
                position(20)
            )
        );
        assert!(next(&mut subscriber).unwrap().ends_with("data: 21\n\n"));
        assert!(matches!(hub.subscribe(&last(13)).resumption(), Resumption::Unknown { .. }));
        assert_eq!(hub.subscribe(&last(20)).resumption(), Resumption::Exact { missed: 1 });
        hub.close();
        assert!(hub.shared.lose(position(30)).unwrap_err().is_closed());
        drop(subscriber);
        block_on(hub.drained());
    }
}
