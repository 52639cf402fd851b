//! The file of the endings of streams, which a restart must not forget.
//!
//! After a first line come records, each with a checksum. New ones are appended and synced; a file
//! that has grown is written anew with those that are still kept. A damaged file makes all
//! authorizations from before the start invalid.

use std::{io, sync::Arc};

use super::{files::Files, record};
use crate::{
    ending::{Ending, Kind, Reconnect, Time},
    error::Error,
    feed::Feed,
    owners::When,
};

pub(super) const NAME: &str = "endings";
const UNFINISHED: &str = "endings.unfinished";
const DAMAGED: &str = "endings.damaged";
const MAGIC: &[u8] = b"sse-hub endings 1\n";

/// How many bytes are appended, beyond as many as were kept, before the file is written anew.
const SPARE: usize = if cfg!(test) { 256 } else { 64 << 10 };

/// The kinds of records.
const OWNER: u8 = 1;
const TOPIC: u8 = 2;
/// All authorizations up to its time are invalid.
const FORGOTTEN: u8 = 3;

pub(super) struct Endings {
    /// Where the next record goes, and where there is no more room; `None`: to a new file.
    at: Option<(usize, usize)>,
}

impl Endings {
    /// Reads the file, if there is one, into the feed.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn open(files: &mut impl Files, feed: &Feed) -> Result<Self, Error> {
        let failed = |error| Error::io("the endings of streams cannot be read", error);
        let names = files.list().map_err(failed)?;
        if names.iter().any(|name| name == UNFINISHED) {
            let _ = files.remove(UNFINISHED);
        }
        if !names.iter().any(|name| name == NAME) {
            return Ok(Self { at: None });
        }
        let bytes = files.read(NAME, usize::MAX).map_err(failed)?;
        if read(&bytes, feed).is_some() {
            let limit = bytes.len().saturating_add(SPARE);
            return Ok(Self { at: Some((bytes.len(), limit)) });
        }
        feed.forget_endings(Time::now());
        let mut endings = Self { at: None };
        // Kept, as it may be another program's; but no later start may read it, and reject the
        // authorizations since this one.
        files.rename(NAME, DAMAGED).and_then(|()| endings.rewrite(files, feed)).map_err(failed)?;
        Ok(endings)
    }

    /// Keeps these, which the feed has already.
    pub(super) fn append(
        &mut self,
        files: &mut impl Files,
        feed: &Feed,
        new: &[Ending],
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        new.iter().for_each(|ending| write_ending(&mut bytes, ending));
        match self.at.take() {
            Some((at, limit)) if at + bytes.len() <= limit => {
                files.write(NAME, at as u64, &bytes)?;
                files.sync(NAME)?;
                self.at = Some((at + bytes.len(), limit));
                Ok(())
            }
            // Also after a failure: it is unknown how much was written.
            _ => self.rewrite(files, feed),
        }
    }

    /// Writes a file of all that are kept.
    fn rewrite(&mut self, files: &mut impl Files, feed: &Feed) -> io::Result<()> {
        let (kept, forgotten) = feed.owners.kept();
        let mut bytes = MAGIC.to_vec();
        if forgotten > Time::NEVER {
            write(&mut bytes, FORGOTTEN, forgotten, Reconnect::Soon.code(), "");
        }
        kept.iter().for_each(|ending| write_ending(&mut bytes, ending));
        files.create(UNFINISHED)?;
        files.write(UNFINISHED, 0, &bytes)?;
        files.sync(UNFINISHED)?;
        files.rename(UNFINISHED, NAME)?;
        files.sync_folder()?;
        self.at = Some((bytes.len(), 2 * bytes.len() + SPARE));
        Ok(())
    }
}

fn write_ending(bytes: &mut Vec<u8>, Ending { kind, name, at, reconnect }: &Ending) {
    let kind = match kind {
        Kind::Owner => OWNER,
        Kind::Topic => TOPIC,
    };
    write(bytes, kind, *at, reconnect.code(), name);
}

/// A record: its length and checksum, then kind, time, code and name.
fn write(bytes: &mut Vec<u8>, kind: u8, at: Time, code: u32, name: &str) {
    let start = bytes.len() + 8;
    // Names are bounded: the length fits.
    bytes.extend_from_slice(&(13 + name.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.push(kind);
    bytes.extend_from_slice(&at.0.to_le_bytes());
    bytes.extend_from_slice(&code.to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    let checksum = crc32fast::hash(&bytes[start..]);
    bytes[start - 4..start].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads all records; `None` if one of them is damaged.
fn read(bytes: &[u8], feed: &Feed) -> Option<()> {
    let mut bytes = bytes.strip_prefix(MAGIC)?;
    while !bytes.is_empty() {
        let len = record::number(&mut bytes)? as usize;
        let checksum = record::number(&mut bytes)?;
        let mut payload = bytes.split_off(..len)?;
        if crc32fast::hash(payload) != checksum {
            return None;
        }
        let (kind, rest) = payload.split_first()?;
        payload = rest;
        let at = Time(u64::from_le_bytes(*payload.split_off(..8)?.first_chunk()?));
        let reconnect = Reconnect::from_code(record::number(&mut payload)?)?;
        let name: Arc<str> = str::from_utf8(payload).ok()?.into();
        let kind = match *kind {
            OWNER => Kind::Owner,
            TOPIC => Kind::Topic,
            FORGOTTEN => {
                feed.forget_endings(at);
                continue;
            }
            _ => return None,
        };
        feed.end(&Ending { kind, name, at, reconnect }, When::Before);
    }
    Some(())
}
