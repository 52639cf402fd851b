use std::{rc::Rc, sync::Arc};

use crate::{
    error::Error,
    wire::{Encoded, Frames},
};

/// An item that can be written as frames of an event stream: an [`Event`](crate::Event), a
/// [`Comment`](crate::Comment), or a type of your own, composed of them.
///
/// Implement it for your own enum or struct: a stream of that type needs no conversion and no
/// boxing.
///
/// ```
/// use sse_encoder::{Encode, Encoder, Error, Event, EventType, Frames};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Price { symbol: &'static str, cents: u64 }
///
/// enum Update {
///     Note(String),
///     Price(Price),
/// }
///
/// const NOTE: EventType = EventType::from_static("note");
/// const PRICE: EventType = EventType::from_static("price");
///
/// impl Encode for Update {
///     fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
///         match self {
///             Self::Note(text) => Event::text(text).event_type(NOTE).encode(frames),
///             Self::Price(price) => Event::json(price).event_type(PRICE).encode(frames),
///         }
///     }
/// }
///
/// let mut stream = bytes::BytesMut::new();
/// let mut encoder = Encoder::new();
/// encoder.encode(&Update::Price(Price { symbol: "ACME", cents: 1250 }), &mut stream)?;
/// encoder.encode(&Update::Note("closed".into()), &mut stream)?;
/// assert_eq!(stream, "id: 1\nevent: price\ndata: {\"symbol\":\"ACME\",\"cents\":1250}\n\n\
///                     id: 2\nevent: note\ndata: closed\n\n");
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an item of an event stream",
    note = "say what its data is, `Event::json(value)` or `Event::text(text)`, or `impl Encode` for it"
)]
pub trait Encode {
    /// Writes any number of frames, usually one, by calling `encode` of an [`Event`](crate::Event).
    ///
    /// # Errors
    ///
    /// Any error that prevents the whole item from being written. Its written part is then removed.
    /// Wrap an error of your own in [`Error::other`].
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error>;

    /// The frames of an item that is already encoded: a stream passes them on.
    #[doc(hidden)]
    #[inline]
    fn take_encoded(&mut self, _: Internal) -> Option<Encoded> {
        None
    }
}

/// Only this crate can make one, which seals the methods that take it.
#[derive(Debug)]
pub struct Internal(pub(crate) ());

macro_rules! encode_by_reference {
    ($($pointer:ty)*) => {$(
        impl<T: ?Sized + Encode> Encode for $pointer {
            #[inline]
            fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
                (**self).encode(frames)
            }
        }
    )*};
}

encode_by_reference!(&T Arc<T> Rc<T>);

impl<T: ?Sized + Encode> Encode for Box<T> {
    #[inline]
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        (**self).encode(frames)
    }

    #[inline]
    fn take_encoded(&mut self, internal: Internal) -> Option<Encoded> {
        (**self).take_encoded(internal)
    }
}

/// `None` writes no frame.
impl<T: Encode> Encode for Option<T> {
    #[inline]
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match self {
            Some(item) => item.encode(frames),
            None => Ok(()),
        }
    }

    #[inline]
    fn take_encoded(&mut self, internal: Internal) -> Option<Encoded> {
        self.as_mut()?.take_encoded(internal)
    }
}

/// Writes the frames of all items, or no frame.
impl<T: Encode> Encode for [T] {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        self.iter().try_for_each(|item| item.encode(frames))
    }
}

/// Writes the frames of all items, or no frame.
impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        self.as_slice().encode(frames)
    }
}

/// Writes the frames of all items, or no frame.
impl<T: Encode, const N: usize> Encode for [T; N] {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        self.as_slice().encode(frames)
    }
}

/// No frame.
impl Encode for () {
    fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Encode for Encoded {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.append(self)
    }

    #[inline]
    fn take_encoded(&mut self, _: Internal) -> Option<Self> {
        Some(std::mem::take(self))
    }
}

macro_rules! encode_tuples {
    ($(($($item:ident $index:tt),+))+) => {$(
        /// Writes the frames of all items, or no frame.
        impl<$($item: Encode),+> Encode for ($($item,)+) {
            fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
                $(self.$index.encode(frames)?;)+
                Ok(())
            }
        }
    )+};
}

encode_tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
