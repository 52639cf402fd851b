use crate::{
    error::{BoxError, Error},
    event::Encode,
};

/// What a stream for [`SseEncoder`](crate::SseEncoder) may yield: anything that is [`Encode`], or a
/// `Result` of it with an error that is `Into<Box<dyn Error + Send + Sync>>`. It is sealed: make
/// your own type an item by [`Encode`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an item of an event stream",
    note = "say what its data is, `Event::json(value)` or `Event::text(text)`, or `impl Encode` for it",
    note = "a `Result` needs an error that is `Into<Box<dyn Error + Send + Sync>>`; \
            for one that is not, such as `actix_web::Error`, map it: `.map_err(sse_encoder::Error::from)`"
)]
pub trait Item: sealed::Item {}

impl<T: sealed::Item> Item for T {}

pub(super) mod sealed {
    use super::{BoxError, Encode, Error};

    pub trait Item {
        type Encode: Encode;

        /// What is to be encoded.
        fn into_encode(self) -> Result<Self::Encode, Error>;

        /// Hands over what is to be encoded, without moving it again.
        fn with(
            self,
            write: impl FnOnce(&mut Self::Encode) -> Result<(), Error>,
        ) -> Result<(), Error>;
    }

    impl<T: Encode> Item for T {
        type Encode = T;

        fn into_encode(self) -> Result<T, Error> {
            Ok(self)
        }

        #[inline(always)]
        fn with(mut self, write: impl FnOnce(&mut T) -> Result<(), Error>) -> Result<(), Error> {
            write(&mut self)
        }
    }

    impl<T: Encode, E: Into<BoxError>> Item for Result<T, E> {
        type Encode = T;

        fn into_encode(self) -> Result<T, Error> {
            self.map_err(Error::other)
        }

        #[inline(always)]
        fn with(self, write: impl FnOnce(&mut T) -> Result<(), Error>) -> Result<(), Error> {
            match self {
                Ok(mut item) => write(&mut item),
                Err(error) => Err(Error::other(error)),
            }
        }
    }
}
