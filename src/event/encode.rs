use std::{collections::VecDeque, fmt, rc::Rc, sync::Arc};

use crate::{
    error::{BoxError, Error},
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
    note = "name the kind of its data, `Event::json(value)` or `Event::text(text)`, or `impl Encode` for it"
)]
pub trait Encode {
    /// Writes any number of frames, usually one, by calling `encode` of an [`Event`](crate::Event).
    ///
    /// # Errors
    ///
    /// Any error that prevents the whole item from being written. Its written part is then removed.
    /// Wrap an error of your own in [`Error::other`].
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error>;

    /// Whether the item can hold an error of the caller's, which a stream passes on as it is.
    #[doc(hidden)]
    #[inline(always)]
    fn can_fail(_: Internal) -> bool
    where
        Self: Sized,
    {
        false
    }

    /// Writes the frames of an item, and passes on an error in it as it is.
    #[doc(hidden)]
    #[inline(always)]
    fn encode_owned(self, frames: &mut Frames<'_>, _: Internal) -> Result<(), Error>
    where
        Self: Sized,
    {
        self.encode(frames)
    }

    /// The frames of an item that is already encoded: a stream passes them on.
    #[doc(hidden)]
    #[inline]
    fn take_encoded(&mut self, _: Internal) -> Option<Encoded> {
        None
    }
}

/// Only this crate can make one, which seals the methods that take it.
#[derive(Clone, Copy, Debug)]
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
        self.as_ref().map_or(Ok(()), |item| item.encode(frames))
    }

    #[inline(always)]
    fn can_fail(internal: Internal) -> bool {
        T::can_fail(internal)
    }

    #[inline]
    fn encode_owned(self, frames: &mut Frames<'_>, internal: Internal) -> Result<(), Error> {
        self.map_or(Ok(()), |item| item.encode_owned(frames, internal))
    }

    #[inline]
    fn take_encoded(&mut self, internal: Internal) -> Option<Encoded> {
        self.as_mut()?.take_encoded(internal)
    }
}

/// `Err` is the item's error.
///
/// [`get_ref`](Error::get_ref) shows the error itself where the item is given away, as to a stream,
/// and a copy of its text where it is borrowed.
impl<T: Encode, E: Cause> Encode for Result<T, E> {
    #[inline]
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match self {
            Ok(item) => item.encode(frames),
            Err(error) => Err(Error::other(error.to_string())),
        }
    }

    #[inline(always)]
    fn can_fail(_: Internal) -> bool {
        true
    }

    #[inline(always)]
    fn encode_owned(self, frames: &mut Frames<'_>, internal: Internal) -> Result<(), Error> {
        match self {
            Ok(item) if !T::can_fail(internal) => item.encode(frames),
            Ok(item) => item.encode_owned(frames, internal),
            Err(error) => Err(error.into_error()),
        }
    }

    #[inline]
    fn take_encoded(&mut self, internal: Internal) -> Option<Encoded> {
        self.as_mut().ok()?.take_encoded(internal)
    }
}

/// The error of a `Result` item.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of an item",
    label = "not `Display` and `Into<Box<dyn Error + Send + Sync>>`",
    note = "map it: `.map_err(|error| sse_encoder::Error::other(error.to_string()))`"
)]
pub trait Cause: fmt::Display {
    #[doc(hidden)]
    fn into_error(self) -> Error;
}

// The advice names a remedy; the bounds do not.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + fmt::Display> Cause for E {
    #[cold]
    fn into_error(self) -> Error {
        Error::other(self)
    }
}

/// Writes the frames of all items, or no frame.
impl<T: Encode> Encode for [T] {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        self.iter().try_for_each(|item| item.encode(frames))
    }
}

macro_rules! encode_lists {
    ($([$($parameter:tt)*] $list:ty;)*) => {$(
        /// Writes the frames of all items, or no frame.
        impl<T: Encode $($parameter)*> Encode for $list {
            fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
                self.iter().try_for_each(|item| item.encode(frames))
            }

            #[inline(always)]
            fn can_fail(internal: Internal) -> bool {
                T::can_fail(internal)
            }

            fn encode_owned(
                self,
                frames: &mut Frames<'_>,
                internal: Internal,
            ) -> Result<(), Error> {
                self.into_iter().try_for_each(|item| item.encode_owned(frames, internal))
            }
        }
    )*};
}

encode_lists! {
    [] Vec<T>;
    [] VecDeque<T>;
    [, const N: usize] [T; N];
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

            #[inline(always)]
            fn can_fail(internal: Internal) -> bool {
                false $(|| $item::can_fail(internal))+
            }

            fn encode_owned(
                self,
                frames: &mut Frames<'_>,
                internal: Internal,
            ) -> Result<(), Error> {
                $(self.$index.encode_owned(frames, internal)?;)+
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
