//! Finds the tag of an enum, and serializes no more of the value than that.

use std::ptr;

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::{
    buffer::Buffer,
    data::item,
    error::{Error, Kind},
    json::{self, PartName},
    merge::{Failure, not_here},
    value::EventType,
    wire::{EventTypeField, IdField},
};

/// The tag of a value, and the members around it.
pub(super) struct Tag {
    pub(super) form: Form,
    pub(super) event_type: EventTypeField,
    /// The member `id`.
    pub(super) id: Option<IdField>,
}

/// Where the tag stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    External,
    Adjacent,
    Internal,
    /// Not in a serde enum: the members are found by their names.
    Named,
}

/// The most bytes of an `id` in JSON.
const MAX_ID: usize = 64 * 1024;

/// The tag of a serde enum; `None` for a value that does not serialize as one.
///
/// Leaves `scratch` as it was, unless it fails.
#[inline]
pub(super) fn find<T: ?Sized + Serialize>(
    value: &T,
    scratch: &mut Buffer,
) -> Result<Option<Tag>, Error> {
    let mut found = Found(None);
    match value.serialize(TagSerializer { found: &mut found, scratch }) {
        Ok(()) | Err(Failure::NotHere) => found.0.transpose(),
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::Message(error)) => {
            Err(Kind::Serialize { part: PartName::Data.as_str(), error }.into())
        }
    }
}

/// The tag, once it is found. The serializers below then end with [`Failure::NotHere`].
struct Found(Option<Result<Tag, Error>>);

impl Found {
    #[inline]
    fn set(&mut self, form: Form, name: &str, id: Option<IdField>) -> Failure {
        self.0 = Some(EventType::new(name).map(|event_type| {
            let event_type = EventTypeField::Explicit(event_type);
            Tag { form, event_type, id }
        }));
        Failure::NotHere
    }
}

/// Takes a variant, or a struct or a map that may begin with a tag.
struct TagSerializer<'a> {
    found: &'a mut Found,
    scratch: &'a mut Buffer,
}

impl<'a> Serializer for TagSerializer<'a> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Impossible<(), Failure>;
    type SerializeTuple = Impossible<(), Failure>;
    type SerializeTupleStruct = Impossible<(), Failure>;
    type SerializeTupleVariant = Impossible<(), Failure>;
    type SerializeStructVariant = Impossible<(), Failure>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Fields<'a>;

    not_here!(@scalars ());
    not_here!(@lists ());
    not_here!(@wrappers ());

    not_here! { serialize_str(&str) -> (); }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failure> {
        Err(self.found.set(Form::External, variant, None))
    }

    #[inline]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), Failure> {
        Err(self.found.set(Form::External, variant, None))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        Err(self.found.set(Form::External, variant, None))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failure> {
        Err(self.found.set(Form::External, variant, None))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Failure> {
        Ok(Entries { found: self.found, scratch: self.scratch, id: None })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'a>, Failure> {
        if json::is_stand_in(name) {
            return Err(Failure::NotHere);
        }
        Ok(Fields { found: self.found, name: (len <= 2).then_some(name) })
    }
}

/// The fields of a struct, of which the first may be a tag.
struct Fields<'a> {
    found: &'a mut Found,
    /// The name of a struct that can be an adjacently tagged enum.
    name: Option<&'static str>,
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Failure;

    #[inline]
    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        let Fields { found, name } = self;
        value.serialize(ValueSerializer {
            place: place_if_unsized(value),
            adjacent: *name,
            found,
            id: None,
        })
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The entries of a map: a tag, or an `id` and then a tag.
struct Entries<'a> {
    found: &'a mut Found,
    scratch: &'a mut Buffer,
    id: Option<IdField>,
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, _: &T) -> Result<(), Failure> {
        // serde writes the entries of an enum as a whole.
        Err(Failure::NotHere)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, _: &T) -> Result<(), Failure> {
        Err(Failure::NotHere)
    }

    fn serialize_entry<K, T>(&mut self, key: &K, value: &T) -> Result<(), Failure>
    where
        K: ?Sized + Serialize,
        T: ?Sized + Serialize,
    {
        if self.id.is_none() && is_id(key) {
            self.id = Some(self.read_id(value)?);
            return Ok(());
        }
        value.serialize(ValueSerializer {
            place: place_if_unsized(value),
            adjacent: None,
            found: self.found,
            id: self.id.take(),
        })
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Entries<'_> {
    fn read_id<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<IdField, Error> {
        let start = self.scratch.len();
        self.scratch
            .with_raised_limit(MAX_ID, |scratch| json::write(scratch, value, PartName::Data))?;
        let id = item::id_from_json(&self.scratch.as_slice()[start..])?;
        self.scratch.truncate(start);
        Ok(id)
    }
}

/// Where a value of an unsized type lies. serde hands over a name as a `str`, and a field of text
/// as a `String`, a `&str`, or whatever else its type is.
#[inline(always)]
fn place_if_unsized<T: ?Sized>(value: &T) -> Option<(*const u8, usize)> {
    let is_unsized = size_of::<&T>() > size_of::<usize>();
    is_unsized.then(|| (ptr::from_ref(value).cast(), size_of_val(value)))
}

/// Takes the value of a tag.
struct ValueSerializer<'a> {
    place: Option<(*const u8, usize)>,
    /// The enum's name, if it can be adjacently tagged.
    adjacent: Option<&'static str>,
    found: &'a mut Found,
    id: Option<IdField>,
}

impl Serializer for ValueSerializer<'_> {
    type SerializeMap = Impossible<(), Failure>;
    type SerializeStruct = Impossible<(), Failure>;

    not_here!(@types ());
    not_here!(@scalars ());
    not_here!(@lists ());
    not_here!(@maps ());
    not_here!(@no_wrappers ());
    not_here!(@variants ());

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failure> {
        match self.adjacent {
            Some(adjacent) if adjacent == name => {
                Err(self.found.set(Form::Adjacent, variant, self.id))
            }
            _ => Err(Failure::NotHere),
        }
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Failure> {
        if self.place == Some((text.as_ptr(), text.len())) {
            return Err(self.found.set(Form::Internal, text, self.id));
        }
        Err(Failure::NotHere)
    }
}

/// Whether a key is `id`.
fn is_id<K: ?Sized + Serialize>(key: &K) -> bool {
    matches!(key.serialize(KeySerializer), Ok(true))
}

struct KeySerializer;

impl Serializer for KeySerializer {
    type SerializeMap = Impossible<bool, Failure>;
    type SerializeStruct = Impossible<bool, Failure>;

    not_here!(@types bool);
    not_here!(@scalars bool);
    not_here!(@lists bool);
    not_here!(@maps bool);
    not_here!(@wrappers bool);
    not_here!(@variants bool);

    not_here! { serialize_unit_variant(&'static str, u32, &'static str) -> bool; }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<bool, Failure> {
        Ok(text == "id")
    }
}
