//! The events of the hub itself: checkpoint, gap, last reconnection time.

use serde::{Serialize, Serializer, ser::SerializeStruct};
use sse_encoder::{Encoded, Encoder, Event, EventId, EventType, ReconnectionTime, data::Data};

use crate::log::{self, PositionId};

/// The default [type](crate::HubBuilder::notice_types) of the checkpoint event, which carries a
/// position: the first event of every stream. Pages need not listen to it, unless their stream
/// [begins with the newest events](crate::Subscriber::begin_with_latest): there the first one marks
/// the beginning of the state, and a second one its end.
///
/// ```
/// assert_eq!(sse_hub::CHECKPOINT, "checkpoint");
/// ```
pub const CHECKPOINT: EventType = EventType::from_static("checkpoint");

/// The default [type](crate::HubBuilder::notice_types) of the gap event, which tells the client
/// that events are missing. Its data is a JSON object: `requested` is the id after which something
/// is missing (`null` if it is no longer known, cannot be read, or is longer than 128 bytes),
/// `resumed_after` the position after which the stream continues.
///
/// ```
/// assert_eq!(sse_hub::GAP, "gap");
/// ```
pub const GAP: EventType = EventType::from_static("gap");

/// Type of an event that removes its [key](crate::Hub::key): subscribers get it like any other, and
/// [a state of the newest events](crate::Subscriber::begin_with_latest) has nothing of that key
/// from then on.
///
/// ```
/// use sse_encoder::Event;
/// use sse_hub::{Hub, REMOVED};
///
/// let hub = Hub::new();
/// let acme = hub.to("prices").key("ACME");
/// acme.try_publish(&Event::json(1250))?;
/// acme.try_publish(&Event::json("ACME").event_type(REMOVED))?;
/// # Ok::<(), sse_hub::Error>(())
/// ```
pub const REMOVED: EventType = EventType::from_static(log::REMOVED);

/// An event for its id and reconnection time. The data is `{}`: some clients parse the data of
/// every event as JSON, others drop an event without data.
pub(crate) fn checkpoint(
    types: &[EventType; 2],
    id: Option<&PositionId>,
    retry: Option<ReconnectionTime>,
) -> Encoded {
    with_data("{}", types, id, retry)
}

/// The checkpoint before a state of the newest events: a page forgets the state that it has.
pub(crate) fn state_begins(types: &[EventType; 2], retry: ReconnectionTime) -> Encoded {
    with_data(r#"{"state":"begins"}"#, types, None, Some(retry))
}

/// The checkpoint after it.
pub(crate) fn state_is_whole(types: &[EventType; 2], id: Option<&PositionId>) -> Encoded {
    with_data(r#"{"state":"whole"}"#, types, id, None)
}

fn with_data(
    data: &'static str,
    [event_type, _]: &[EventType; 2],
    id: Option<&PositionId>,
    retry: Option<ReconnectionTime>,
) -> Encoded {
    let event = Event::text(data).event_type(event_type);
    let event = match id {
        Some(id) => event.id(id.get()),
        None => event.no_id(),
    };
    encode(match retry {
        Some(retry) => event.retry(retry),
        None => event,
    })
}

/// Announces missing events; the stream continues after `resumed_after`.
pub(crate) fn gap(
    [_, event_type]: &[EventType; 2],
    requested: Option<&EventId>,
    resumed_after: &PositionId,
) -> Encoded {
    let id = resumed_after.get();
    let data = Gap { requested: requested.map(EventId::as_str), resumed_after: id.as_str() };
    encode(Event::json(data).event_type(event_type).id(id))
}

/// The data of a gap event.
struct Gap<'a> {
    requested: Option<&'a str>,
    resumed_after: &'a str,
}

impl Serialize for Gap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut data = serializer.serialize_struct("Gap", 2)?;
        data.serialize_field("requested", &self.requested)?;
        data.serialize_field("resumed_after", self.resumed_after)?;
        data.end()
    }
}

/// The last event of a stream: when to reconnect. Some clients ignore a reconnection time without
/// data.
pub(crate) fn retry(types: &[EventType; 2], time: ReconnectionTime) -> Encoded {
    checkpoint(types, None, Some(time))
}

fn encode<D: Data>(event: Event<D>) -> Encoded {
    // Texts and ids without a limit cannot fail.
    Encoder::bare().encode_once(&event).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &Encoded) -> &str {
        str::from_utf8(frame.as_bytes()).unwrap()
    }

    #[test]
    fn checkpoints_and_gaps_have_these_bytes() {
        let types = [CHECKPOINT, GAP];
        let id = PositionId::of_a_test(EventId::from_static("5-7"));
        let retry_time = ReconnectionTime::from_millis(1_234);
        for (frame, expected) in [
            (checkpoint(&types, None, None), "event: checkpoint\ndata: {}\n\n"),
            (
                checkpoint(&types, Some(&id), retry_time),
                "id: 5-7\nevent: checkpoint\nretry: 1234\ndata: {}\n\n",
            ),
            (
                gap(&types, Some(&EventId::from_static("a\"\u{1}")), &id),
                "id: 5-7\nevent: gap\n\
                 data: {\"requested\":\"a\\\"\\u0001\",\"resumed_after\":\"5-7\"}\n\n",
            ),
            (
                gap(&types, None, &id),
                "id: 5-7\nevent: gap\ndata: {\"requested\":null,\"resumed_after\":\"5-7\"}\n\n",
            ),
            (
                state_begins(&types, retry_time.unwrap()),
                "event: checkpoint\nretry: 1234\ndata: {\"state\":\"begins\"}\n\n",
            ),
            (
                state_is_whole(&types, Some(&id)),
                "id: 5-7\nevent: checkpoint\ndata: {\"state\":\"whole\"}\n\n",
            ),
            (retry(&types, retry_time.unwrap()), "event: checkpoint\nretry: 1234\ndata: {}\n\n"),
        ] {
            assert_eq!(text(&frame), expected);
        }
    }
}
