//! An event as the fields of an entry, and back. Entries are open to other programs, so they name
//! their fields: a frame is [scanned](Lines::scan) for them.

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher},
};

use bytes::Bytes;
use sse_encoder::{Comment, Encode, Event, Frames, ReconnectionTime, data::Data};

use super::source::{Entry, Hash};
use crate::{
    ending::{Ending, Kind, MAX_NAME, Reconnect, Time},
    error::Error,
    frame::{Rules, encode},
    lines::Lines,
    log::{Draft, Names},
    position::Check,
    random,
};

/// The greatest number of topics of an event.
pub(super) const MAX_TOPICS: usize = 256;

const DATA: &str = "data";
const TYPE: &str = "type";
const ID: &str = "id";
const TOPIC: &str = "topic";
const KEY: &str = "key";
const RETRY: &str = "retry";
const COMMENT: &str = "comment";
const EPHEMERAL: &str = "ephemeral";

/// The fields of an ending of streams.
const ENDS: &str = "ends";
const NAME: &str = "name";
const AT: &str = "at";
const RECONNECT: &str = "reconnect";
const OWNER: &str = "owner";
const SOON: &str = "soon";
const NEVER: &str = "never";

const MARK: &str = "mark";
const NONCE: &str = "nonce";

/// The field of a new mark.
pub(super) fn mark() -> Field {
    (MARK, random_text(random::number()))
}

/// A field that tells two entries apart even if they have the same content and the log gave them
/// the same numbers. `number` differs for each event.
pub(super) fn nonce(number: u64) -> Field {
    (NONCE, random_text(number))
}

/// Short, as each entry has one.
fn random_text(number: u64) -> Bytes {
    let hash = Hash::default().number(number).finish();
    Check::of_entry(hash).to_string().into()
}

/// Whether the entry is a mark: a place in the log, and not an event.
pub(super) fn is_mark(entry: &Entry) -> bool {
    entry.fields.len() == 1 && entry.fields[0].0 == MARK.as_bytes()
}

/// The end of some streams as an entry. It has no field of an event's.
pub(super) fn ending_fields(Ending { kind, name, at, reconnect }: &Ending) -> Vec<Field> {
    let kind = if *kind == Kind::Owner { OWNER } else { TOPIC };
    let reconnect = match reconnect {
        Reconnect::Soon => Bytes::from_static(SOON.as_bytes()),
        Reconnect::Never => Bytes::from_static(NEVER.as_bytes()),
        Reconnect::After(time) => time.as_millis().to_string().into(),
    };
    let at = at.0.to_string().into();
    vec![
        (ENDS, Bytes::from_static(kind.as_bytes())),
        (NAME, copied(name)),
        (AT, at),
        (RECONNECT, reconnect),
    ]
}

/// The entry as an ending of streams; `None` if it is to be an event.
///
/// # Errors
///
/// One of its fields cannot be read.
pub(super) fn ending(entry: &Entry) -> Option<Result<Ending, Error>> {
    let field = |name: &str| {
        let mut values = entry.fields.iter().rev().filter(|(field, _)| field == name.as_bytes());
        values.next().map(|(_, value)| value.as_slice())
    };
    let is_event = [DATA, COMMENT, RETRY].iter().any(|name| field(name).is_some());
    let kind = field(ENDS).filter(|_| !is_event)?;
    let read = || {
        let kind = match kind {
            b"owner" => Kind::Owner,
            b"topic" => Kind::Topic,
            _ => return Err(Error::invalid_entry(ENDS, "is neither an owner nor a topic")),
        };
        let text = |name| {
            let value = field(name).ok_or_else(|| Error::invalid_entry(name, "is missing"))?;
            str::from_utf8(value).map_err(|_| Error::invalid_entry(name, "is not UTF-8"))
        };
        let micros = text(AT)?.parse();
        let micros =
            micros.map_err(|_| Error::invalid_entry(AT, "is not a number of microseconds"))?;
        let reconnect = match text(RECONNECT)? {
            SOON => Reconnect::Soon,
            NEVER => Reconnect::Never,
            millis => Reconnect::After(time(RECONNECT, millis)?),
        };
        Ok(Ending { kind, name: short(NAME, text(NAME)?)?.into(), at: Time(micros), reconnect })
    };
    Some(read())
}

/// Whether the entry counts as retained, for a reader that goes from the newest entry backwards: it
/// is neither a mark nor ephemeral, nor replaced by one of those before, whose keys these are.
pub(super) fn is_retained(entry: &Entry, keys: &mut HashSet<u64>) -> bool {
    let Ok(record) = Record::read(entry) else { return false };
    if is_mark(entry) || record.is_ephemeral() {
        return false;
    }
    let Some(key) = record.key else { return true };
    let mut hasher = DefaultHasher::new();
    (key, &record.topics).hash(&mut hasher);
    keys.insert(hasher.finish())
}

/// A field's name and value.
pub(super) type Field = (&'static str, Bytes);

/// The fields of an event, in the order in which they are written.
///
/// # Errors
///
/// A topic or the key is too long, there are too many topics, or the event has nothing that an
/// entry can hold.
pub(super) fn fields(draft: &Draft<'_>) -> Result<Vec<Field>, Error> {
    let Draft { topics, key, event } = draft;
    topics.iter().try_for_each(|topic| short(TOPIC, topic).map(drop))?;
    few(topics.iter().count())?;
    key.map(|key| short(KEY, key)).transpose()?;
    let frame = event.as_bytes();
    let Lines { event_type, data, comment, retry, .. } = Lines::scan(frame);
    let shared = |text: Cow<'_, [u8]>| match text {
        Cow::Borrowed(text) => frame.slice_ref(text),
        Cow::Owned(text) => text.into(),
    };
    let event_type = event_type.filter(|text| !matches!(*text, b"" | b"message"));
    if data.is_none() && comment.is_none() && retry.is_none() {
        return Err(Error::invalid_entry(DATA, "is missing"));
    }
    let mut fields = Vec::with_capacity(4);
    fields.extend(event_type.map(|text| (TYPE, frame.slice_ref(text))));
    fields.extend(data.map(|text| (DATA, shared(text))));
    fields.extend(comment.map(|text| (COMMENT, shared(text))));
    fields.extend(retry.map(|text| (RETRY, frame.slice_ref(text))));
    match event.id() {
        Some(id) => fields.push((ID, copied(id.as_str()))),
        None if event.lacks_id() => {}
        None => fields.push((EPHEMERAL, Bytes::from_static(b"1"))),
    }
    if !matches!(topics, Names::One("") | Names::Several([] | [""])) {
        fields.extend(topics.iter().map(|topic| (TOPIC, copied(topic))));
    }
    fields.extend(key.map(|key| (KEY, copied(key))));
    Ok(fields)
}

fn copied(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// The fields of an entry.
#[derive(Default)]
pub(super) struct Record<'a> {
    data: Option<&'a str>,
    event_type: Option<&'a str>,
    id: Option<&'a str>,
    topics: Vec<&'a str>,
    key: Option<&'a str>,
    retry: Option<ReconnectionTime>,
    comment: Option<&'a str>,
    is_ephemeral: bool,
}

impl<'a> Record<'a> {
    /// Reads the fields. Unknown ones are ignored; each `topic` counts, and of several others with
    /// one name the last one, as in JSON; an empty one counts as absent, but for `data` and `key`,
    /// and for `topic` beside others.
    ///
    /// # Errors
    ///
    /// The entry cannot be a frame.
    pub(super) fn read(entry: &'a Entry) -> Result<Self, Error> {
        let mut record = Self::default();
        for (name, value) in &entry.fields {
            let text = |field| {
                str::from_utf8(value).map_err(|_| Error::invalid_entry(field, "is not UTF-8"))
            };
            let some = |field| text(field).map(|text| Some(text).filter(|text| !text.is_empty()));
            match name.as_slice() {
                b"data" => record.data = Some(text(DATA)?),
                b"type" => record.event_type = some(TYPE)?,
                b"id" => record.id = some(ID)?,
                b"topic" => {
                    record.topics.push(short(TOPIC, text(TOPIC)?)?);
                    few(record.topics.len())?;
                }
                b"key" => record.key = Some(short(KEY, text(KEY)?)?),
                b"comment" => record.comment = Some(text(COMMENT)?),
                b"retry" => {
                    record.retry = some(RETRY)?.map(|text| time(RETRY, text)).transpose()?
                }
                b"ephemeral" => {
                    let text = some(EPHEMERAL)?;
                    record.is_ephemeral = !matches!(text, None | Some("0" | "false"));
                }
                _ => {}
            }
        }
        if record.data.is_none() && record.comment.is_none() && record.retry.is_none() {
            return Err(Error::invalid_entry(DATA, "is missing"));
        }
        Ok(record)
    }

    /// The event of the entry.
    ///
    /// # Errors
    ///
    /// As the encoder's: other programs' entries are checked like all input.
    pub(super) fn draft(&self, rules: Rules<'_>) -> Result<Draft<'_>, Error> {
        Ok(Draft { topics: self.topics(), key: self.key, event: encode(self, rules)? })
    }

    /// Whether missing it is not a gap.
    pub(super) const fn is_ephemeral(&self) -> bool {
        self.id.is_none() && (self.is_ephemeral || self.data.is_none())
    }

    pub(super) fn topics(&self) -> Names<'_> {
        match self.topics[..] {
            [topic] => Names::One(topic),
            _ => Names::Several(&self.topics),
        }
    }
}

fn short<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Error> {
    let is_short = text.len() <= MAX_NAME;
    is_short.then_some(text).ok_or_else(|| Error::name_too_long(field, MAX_NAME))
}

fn few(topics: usize) -> Result<(), Error> {
    let error = || Error::invalid_entry(TOPIC, "is given too often");
    (topics <= MAX_TOPICS).then_some(()).ok_or_else(error)
}

fn time(field: &'static str, text: &str) -> Result<ReconnectionTime, Error> {
    let number = text.parse();
    let time = number.clone().ok().and_then(ReconnectionTime::from_millis);
    let reason = match number {
        Ok(_) => "is not a reconnection time: it is 0 or too long",
        Err(_) => "is not a number of milliseconds",
    };
    time.ok_or_else(|| Error::invalid_entry(field, reason))
}

impl Encode for Record<'_> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), sse_encoder::Error> {
        match (self.data, self.comment) {
            (Some(data), _) => self.finish(Event::text(data)).encode(frames),
            (None, Some(comment)) => Comment::new(comment).encode(frames),
            (None, None) => self.finish(Event::new()).encode(frames),
        }
    }
}

impl Record<'_> {
    fn finish<D: Data>(&self, event: Event<D>) -> Event<D> {
        let event = match (self.id, self.is_ephemeral) {
            (Some(id), _) => event.id(id),
            (None, true) => event.no_id(),
            (None, false) => event,
        };
        let event = match self.event_type {
            Some(event_type) => event.event_type(event_type),
            None => event,
        };
        match self.retry {
            Some(retry) => event.retry(retry),
            None => event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{builder::HubBuilder, log::Outcome};

    fn entry(fields: &[(&str, &str)]) -> Entry {
        let owned = |text: &str| text.as_bytes().to_vec();
        Entry::new((1, 1), fields.iter().map(|(name, value)| (owned(name), owned(value))).collect())
    }

    #[test]
    fn each_topic_of_an_entry_counts() {
        for topics in [&[][..], &["a"], &["a", "b", "a"], &["", "a"], &[""]] {
            let mut fields = vec![("data", "x")];
            fields.extend(topics.iter().map(|topic| ("topic", *topic)));
            let entry = entry(&fields);
            let record = Record::read(&entry).unwrap();
            let expected = if topics.is_empty() { &[""][..] } else { topics };
            assert_eq!(record.topics().iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn an_event_is_the_same_after_its_way_through_an_entry() {
        let settings = HubBuilder::default().settings();
        for topics in [&[][..], &[""], &["a"], &["a", "b"], &["", "a"]] {
            let event = encode(&Event::text("x\ny"), settings.rules()).unwrap();
            let draft = Draft { topics: Names::Several(topics), key: Some("k"), event };
            let fields = fields(&draft).unwrap();
            let fields =
                fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
            let entry = Entry::new((1, 1), fields.collect());
            let record = Record::read(&entry).unwrap();
            let again = record.draft(settings.rules()).unwrap();
            assert!(again.topics.iter().eq(draft.topics.iter()), "{topics:?}");
            assert_eq!((again.key, again.event), (draft.key, draft.event));
        }
    }

    #[test]
    fn an_entry_has_the_fields_that_its_event_sets() {
        let settings = HubBuilder::default().settings();
        let event = || Event::text("x");
        let rows: [(Event<_>, &[&str]); 5] = [
            (event(), &["data=x"]),
            (event().event_type("message"), &["data=x"]),
            (event().event_type("price"), &["type=price", "data=x"]),
            (event().id("row 7"), &["data=x", "id=row 7"]),
            (event().no_id(), &["data=x", "ephemeral=1"]),
        ];
        for (event, expected) in rows {
            let event = encode(&event, settings.rules()).unwrap();
            let fields = fields(&Draft { topics: Names::One(""), key: None, event }).unwrap();
            let text = |value| String::from_utf8_lossy(value).into_owned();
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
            assert_eq!(fields, expected);
        }
    }

    #[test]
    fn marks_and_nonces_tell_entries_apart() {
        let ((name, first), (_, second)) = (mark(), mark());
        let text = str::from_utf8(&first).unwrap();
        assert!(is_mark(&entry(&[(name, text)])));
        assert_ne!(first, second);
        assert_eq!(nonce(1), nonce(1));
        assert_ne!(nonce(1), nonce(2));
        assert_eq!(nonce(1).0, "nonce");
    }

    #[test]
    fn an_ending_is_the_same_after_its_way_through_an_entry() {
        let times = [1, 60_000].map(|time| ReconnectionTime::from_millis(time).unwrap());
        for reconnect in
            [Reconnect::Soon, Reconnect::Never].into_iter().chain(times.map(Reconnect::After))
        {
            for kind in [Kind::Owner, Kind::Topic] {
                let before = Ending::new(kind, "user:7 ö", reconnect).unwrap();
                let fields = ending_fields(&before);
                let fields =
                    fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
                let entry = Entry::new((1, 1), fields.collect());
                assert_eq!(ending(&entry).unwrap().unwrap(), before);
                // A program that knows no endings takes it for no event.
                assert!(Record::read(&entry).is_err_and(|error| error.is_invalid_entry()));
                assert!(!is_mark(&entry) && !is_retained(&entry, &mut HashSet::new()));
            }
        }
    }

    #[test]
    fn another_program_s_entry_that_looks_like_an_ending_harms_nobody() {
        let long = "x".repeat(MAX_NAME + 1);
        let good = [("ends", "owner"), ("name", "a"), ("at", "1"), ("reconnect", "soon")];
        assert!(ending(&entry(&good)).unwrap().is_ok());
        for (field, value) in [
            ("ends", "everything"),
            ("ends", ""),
            ("name", &long),
            ("at", "-1"),
            ("at", "99999999999999999999"),
            ("reconnect", "0"),
            ("reconnect", "tomorrow"),
        ] {
            let mut fields = good.to_vec();
            fields.push((field, value));
            assert!(ending(&entry(&fields)).unwrap().is_err(), "{field}: {value}");
        }
        for n in 1..good.len() {
            assert!(ending(&entry(&good[..n])).unwrap().is_err(), "{n}");
            assert!(ending(&entry(&good[n..])).is_none(), "{n}");
        }
        // An event with fields of its own stays one.
        for field in ["data", "comment", "retry"] {
            let mut fields = good.to_vec();
            fields.push((field, "7"));
            assert!(ending(&entry(&fields)).is_none());
            assert!(Record::read(&entry(&fields)).is_ok());
        }
    }

    #[test]
    fn topics_and_names_are_bounded() {
        let settings = HubBuilder::default().settings();
        let outcome = |topics: &[&str], key| -> Outcome {
            let event = encode(&Event::text("x"), settings.rules())?;
            fields(&Draft { topics: Names::Several(topics), key, event })?;
            let mut all = vec![("data", "x")];
            all.extend(topics.iter().map(|topic| ("topic", *topic)));
            all.extend(key.map(|key| ("key", key)));
            Record::read(&entry(&all)).map(|_| None)
        };
        let long = "x".repeat(MAX_NAME + 1);
        assert!(outcome(&["a"; MAX_TOPICS], Some(&long[1..])).is_ok());
        assert!(outcome(&["a"; MAX_TOPICS + 1], None).unwrap_err().is_invalid_entry());
        assert!(outcome(&["a", &long], None).unwrap_err().is_name_too_long());
        assert!(outcome(&["a"], Some(&long)).unwrap_err().is_name_too_long());
        // Read alone, without the writing side.
        let many: Vec<_> =
            (0..=MAX_TOPICS).map(|_| ("topic", "a")).chain([("data", "x")]).collect();
        assert!(Record::read(&entry(&many)).is_err());
    }
}
