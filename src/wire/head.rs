//! The fields before an event's data: id, type and reconnection time.

use std::mem;

use crate::{
    error::Error,
    value::{EventId, EventType, ReconnectionTime},
};

/// The fields before `data`.
#[derive(Clone, Debug)]
pub struct Head {
    pub(crate) id: IdField,
    pub(crate) event_type: EventTypeField,
    pub(crate) retry: Option<Result<ReconnectionTime, Error>>,
}

#[derive(Clone, Debug)]
pub(crate) enum IdField {
    Absent,
    Automatic,
    Explicit(EventId),
    /// A value that cannot be an id.
    Invalid(Error),
}

#[derive(Clone, Debug)]
pub(crate) enum EventTypeField {
    Absent,
    Default,
    Explicit(EventType),
    /// A value that cannot be an event type.
    Invalid(Error),
}

impl EventTypeField {
    /// Fails if the value cannot be an event type.
    #[cold]
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Invalid(error) => Err(error.clone()),
            Self::Absent | Self::Default | Self::Explicit(_) => Ok(()),
        }
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        let retry = match (&self.retry, &other.retry) {
            (Some(Err(a)), Some(Err(b))) => a.is_clone_of(b),
            (Some(Ok(a)), Some(Ok(b))) => a == b,
            (None, None) => true,
            _ => false,
        };
        retry && self.id == other.id && self.event_type == other.event_type
    }
}

impl Eq for Head {}

impl PartialEq for IdField {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Explicit(a), Self::Explicit(b)) => a == b,
            (Self::Invalid(a), Self::Invalid(b)) => a.is_clone_of(b),
            _ => mem::discriminant(self) == mem::discriminant(other),
        }
    }
}

impl PartialEq for EventTypeField {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Explicit(a), Self::Explicit(b)) => a == b,
            (Self::Invalid(a), Self::Invalid(b)) => a.is_clone_of(b),
            _ => mem::discriminant(self) == mem::discriminant(other),
        }
    }
}

/// The fields of an event that sets none of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) automatic_ids: bool,
    pub(crate) default_type: bool,
}
