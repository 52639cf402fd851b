//! The fields before an event's data: id, type and reconnection time.

use crate::{
    error::{Error, Kept},
    value::{EventId, EventType, ReconnectionTime},
};

/// The fields before `data`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    pub(crate) id: IdField,
    pub(crate) event_type: EventTypeField,
    pub(crate) retry: Option<Result<ReconnectionTime, Kept>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum IdField {
    Absent,
    Automatic,
    Explicit(EventId),
    /// A value that cannot be an id.
    Invalid(Kept),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum EventTypeField {
    Absent,
    Default,
    Explicit(EventType),
    /// A value that cannot be an event type.
    Invalid(Kept),
}

impl EventTypeField {
    /// Fails if the value cannot be an event type.
    #[cold]
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Invalid(Kept(error)) => Err(error.clone()),
            Self::Absent | Self::Default | Self::Explicit(_) => Ok(()),
        }
    }
}

/// The fields that an event gets if it does not set them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) automatic_ids: bool,
    pub(crate) default_type: bool,
}
