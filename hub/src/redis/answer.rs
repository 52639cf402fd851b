//! Redis' answers as values of the hub.

use redis::Value;

use super::source::Entry;
use crate::{
    error::Error,
    position::{Check, Position},
};

pub(super) fn unexpected() -> Error {
    Error::connection("the answer is not one to this command")
}

/// `[[id, [name, value, ..]], ..]`.
pub(super) fn entries(value: Value) -> Result<Vec<Entry>, Error> {
    let Value::Array(entries) = value else { return Err(unexpected()) };
    // An entry that was deleted while it was read is nil.
    entries.into_iter().filter(|entry| *entry != Value::Nil).map(entry).collect()
}

fn entry(value: Value) -> Result<Entry, Error> {
    let Value::Array(parts) = value else { return Err(unexpected()) };
    let mut parts = parts.into_iter();
    let (Some(id), Some(Value::Array(values))) = (parts.next(), parts.next()) else {
        return Err(unexpected());
    };
    let numbers = numbers(&id).ok_or_else(unexpected)?;
    let mut fields = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        let (Value::BulkString(name), Value::BulkString(value)) = (name, value) else {
            return Err(unexpected());
        };
        fields.push((name, value));
    }
    Ok(Entry::new(numbers, fields))
}

/// The id of an entry, which is two numbers.
pub(super) fn numbers(id: &Value) -> Option<(u64, u64)> {
    let Value::BulkString(id) = id else { return None };
    let position: Position = str::from_utf8(id).ok()?.parse().ok()?;
    (position.check == Check::NONE).then(|| position.numbers())
}
