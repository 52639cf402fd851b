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

/// The automatic id that comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextId<'a> {
    Number(u64),
    /// [`u64::MAX`] has been used.
    Exhausted,
    /// One that was not counted here: the hub's.
    #[cfg_attr(not(feature = "hub"), allow(dead_code))]
    Given {
        id: &'a EventId,
        used: bool,
    },
}

impl NextId<'_> {
    /// The one after this, once this has been used.
    #[inline]
    pub(crate) fn advance(&mut self) {
        match self {
            Self::Number(number) => {
                *self = number.checked_add(1).map_or(Self::Exhausted, Self::Number);
            }
            Self::Exhausted => {}
            Self::Given { used, .. } => *used = true,
        }
    }
}

impl Head {
    /// Writes the fields. Whether the automatic id was used.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        fields: &mut Fields<'_>,
        defaults: Defaults,
        next: &NextId<'_>,
    ) -> Result<bool, Error> {
        let mut used = false;
        match &self.id {
            IdField::Automatic if defaults.automatic_ids => {
                used = true;
                match next {
                    NextId::Number(number) => fields.name(field::ID).put_number(*number),
                    NextId::Exhausted => return Err(Kind::IdsExhausted.into()),
                    NextId::Given { id, .. } => id.write(fields.name(field::ID)),
                }
            }
            IdField::Automatic | IdField::Absent => {}
            IdField::Explicit(id) => id.write(fields.name(field::ID)),
            IdField::Invalid(error) => return Err(error.clone()),
        }
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
        Ok(used)
    }
}

#[cold]
fn write_retry(fields: &mut Fields<'_>, time: ReconnectionTime) {
    fields.name(field::RETRY).put_number(time.as_millis().into());
}
