use serde::Serialize;

use super::{Data, Owned, sealed::Sealed};
use crate::{
    error::Error,
    field::Fields,
    json::{self, PartName},
};

/// A value as JSON, as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub(crate) T);

impl<T: Serialize> Data for Json<T> {}

impl<T: Serialize> Sealed for Json<T> {
    #[inline]
    fn write(&self, fields: &mut Fields<'_>) -> Result<(), Error> {
        json::write(fields.data_line(), &self.0, PartName::Data)
    }

    fn into_owned(self) -> Owned {
        Owned::json(|buffer| json::write(buffer, &self.0, PartName::Data))
    }
}
