//! The fields that stand before an event's data: id, type and reconnection time.

use crate::{
    error::{Error, Kind},
    field::{self, Fields},
    value::{EventId, EventType, ReconnectionTime},
};

/// What an event says of itself.
#[derive(Clone, Debug)]
pub struct Head {
    pub(crate) id: IdField,
    pub(crate) event_type: EventTypeField,
    pub(crate) retry: Option<ReconnectionTime>,
}

#[derive(Clone, Debug)]
pub(crate) enum IdField {
    Absent,
    Automatic,
    Explicit(EventId),
    /// What cannot be an id, and why.
    Invalid(Error),
}

#[derive(Clone, Debug)]
pub(crate) enum EventTypeField {
    Absent,
    Default,
    Explicit(EventType),
    /// What cannot be a type, and why.
    Invalid(Error),
}

/// What is written for an event that does not say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) automatic_ids: bool,
    pub(crate) default_type: bool,
}

/// The id line of a frame, which is the first one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum IdLine {
    /// The event has no id.
    #[default]
    Absent,
    /// The event asked for an automatic id, and the encoder assigns none.
    Unassigned,
    /// An automatic id, of this length.
    Automatic(u16),
    /// The event's own id, of this length.
    Explicit(u16),
}

impl Head {
    /// Writes the fields; `next_id` is the automatic id.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        fields: &mut Fields<'_>,
        defaults: Defaults,
        next_id: Option<u64>,
    ) -> Result<IdLine, Error> {
        let id_line = match &self.id {
            IdField::Automatic if defaults.automatic_ids => {
                let Some(number) = next_id else { return Err(Kind::IdsExhausted.into()) };
                let buffer = fields.name(field::ID);
                let start = buffer.len();
                buffer.put_number(number);
                IdLine::Automatic((buffer.len() - start) as u16)
            }
            IdField::Automatic => IdLine::Unassigned,
            IdField::Absent => IdLine::Absent,
            IdField::Explicit(id) => {
                id.write(fields.name(field::ID));
                // At most `EventId::MAX_LEN`.
                IdLine::Explicit(id.as_str().len() as u16)
            }
            IdField::Invalid(error) => return Err(error.clone()),
        };
        match &self.event_type {
            EventTypeField::Default if defaults.default_type => {
                fields.name(field::EVENT_MESSAGE);
            }
            EventTypeField::Default | EventTypeField::Absent => {}
            EventTypeField::Explicit(event_type) => {
                event_type.write(fields.name(field::EVENT));
            }
            EventTypeField::Invalid(error) => return Err(error.clone()),
        }
        if let Some(time) = self.retry {
            write_retry(fields, time);
        }
        Ok(id_line)
    }
}

#[cold]
fn write_retry(fields: &mut Fields<'_>, time: ReconnectionTime) {
    fields.name(field::RETRY).put_number(time.as_millis().into());
}
