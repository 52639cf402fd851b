use std::borrow::Cow;

use crate::value::EventId;

/// The last event ID that a reconnecting client has seen, if any.
///
/// A browser sends it in the header `Last-Event-ID`. Polyfills, and pages that create a new
/// `EventSource`, cannot set headers and send it in the query instead. Reading it never refuses a
/// request, because after a refusal a browser never reconnects. An invalid id counts as none; so do
/// an empty id and one of more than [4 KiB](EventId::MAX_LEN).
///
/// In axum and actix-web it is an extractor; warp has a filter. Both read the header, then the
/// query parameter [`PARAMETER`](Self::PARAMETER).
///
/// The client chooses the value: it can be any id, even one of another stream or another user.
///
/// ```
/// use sse_encoder::LastEventId;
///
/// let last = LastEventId::from_header(b"41").or_query("lastEventId=40", &[LastEventId::PARAMETER]);
/// assert_eq!(last.get().unwrap(), "41");
///
/// let last = LastEventId::none().or_query("a=1&last_event_id=caf%C3%A9", &["last_event_id"]);
/// assert_eq!(last.get().unwrap(), "café");
///
/// assert!(LastEventId::from_header(b"\xFF").get().is_none());
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct LastEventId(Option<EventId>);

impl LastEventId {
    /// `lastEventId`, the query parameter that most polyfills use.
    pub const PARAMETER: &'static str = "lastEventId";

    /// No last event ID: a new client.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Reads the value of the header `Last-Event-ID`. It is UTF-8, not only ASCII, by the
    /// [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header).
    pub fn from_header(value: &[u8]) -> Self {
        Self::checked(str::from_utf8(value).ok())
    }

    /// Reads a URL's query, without its `?`, unless there is an id already. Takes the first of the
    /// named parameters, in the order of the query, that holds an id.
    #[must_use]
    pub fn or_query(self, query: &str, names: &[&str]) -> Self {
        if self.0.is_some() {
            return self;
        }
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| decoded(name).is_some_and(|name| names.contains(&&*name)))
            .map(|(_, value)| Self::checked(decoded(value).as_deref()))
            .find(|last| last.0.is_some())
            .unwrap_or_default()
    }

    /// The id; `None` for a new client or an invalid id.
    pub const fn get(&self) -> Option<&EventId> {
        self.0.as_ref()
    }

    /// The id, by value; `None` as for [`get`](Self::get).
    pub fn into_inner(self) -> Option<EventId> {
        self.0
    }

    /// The id as the number of an automatic id, or of a database's sequence: see
    /// [`EventId::as_u64`].
    pub fn as_u64(&self) -> Option<u64> {
        self.get()?.as_u64()
    }

    /// Reads the values of all `Last-Event-ID` headers, and takes the last valid id.
    ///
    /// A proxy can send several such headers.
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    ///
    /// let last = LastEventId::from_headers([&b"40"[..], b"41", b""]);
    /// assert_eq!(last.get().unwrap(), "41");
    /// ```
    pub fn from_headers<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        values
            .into_iter()
            .map(Self::from_header)
            .filter(|last| last.0.is_some())
            .last()
            .unwrap_or_default()
    }

    /// Reads the values of the headers and the query, as the frameworks have them.
    #[cfg(any(feature = "actix-web", feature = "axum", feature = "http-body", feature = "warp"))]
    pub(crate) fn from_request<'a>(
        headers: impl IntoIterator<Item = &'a [u8]>,
        query: Option<&str>,
    ) -> Self {
        Self::from_headers(headers).or_query(query.unwrap_or_default(), &[Self::PARAMETER])
    }

    fn checked(text: Option<&str>) -> Self {
        Self(text.filter(|text| !text.is_empty()).and_then(|text| EventId::new(text).ok()))
    }
}

impl From<EventId> for LastEventId {
    fn from(id: EventId) -> Self {
        Some(id).into()
    }
}

impl From<Option<EventId>> for LastEventId {
    fn from(id: Option<EventId>) -> Self {
        Self(id.filter(|id| *id != EventId::EMPTY))
    }
}

/// Percent-decodes a part of a query, with `+` for a space; `None` if the result is not UTF-8.
fn decoded(part: &str) -> Option<Cow<'_, str>> {
    if !part.contains(['%', '+']) {
        return Some(Cow::Borrowed(part));
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                // Not an escape: a literal `%`.
                _ => (b'%', &rest[1..]),
            },
            (b'+', tail) => (b' ', tail),
            (byte, tail) => (*byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_utf_8_or_none() {
        for (header, expected) in [
            (&b"7"[..], Some("7")),
            ("é😀".as_bytes(), Some("é😀")),
            (b" 7", Some(" 7")),
            (b"", None),
            (b"\xE9", None),
            (b"a\nb", None),
            (b"a\0", None),
        ] {
            let last = LastEventId::from_header(header);
            assert_eq!(last.get().map(EventId::as_str), expected, "{header:?}");
        }
    }

    #[test]
    fn query_is_decoded_or_none() {
        for (query, expected) in [
            ("", None),
            ("lastEventId", None),
            ("lastEventId=", None),
            ("lastEventId=7", Some("7")),
            ("a=1&lastEventId=7&b=2", Some("7")),
            ("lastEventId=&lastEventId=8", Some("8")),
            ("last%45ventId=a%20b+c", Some("a b c")),
            ("lastEventId=%F0%9F%98%80", Some("😀")),
            ("lastEventId=%c3%a9%4A", Some("éJ")),
            ("lastEventId=a=b", Some("a=b")),
            ("lastEventId=100%", Some("100%")),
            ("lastEventId=%zz%4", Some("%zz%4")),
            ("lastEventId=%00", None),
            ("lastEventId=7%0Aevent:%20forged", None),
            ("lastEventId=7%0D", None),
            ("lastEventId=%FF", None),
            ("lasteventid=7", None),
            ("x=7", None),
        ] {
            let last = LastEventId::none().or_query(query, &[LastEventId::PARAMETER]);
            assert_eq!(last.get().map(EventId::as_str), expected, "{query}");
        }
    }

    #[test]
    fn an_id_goes_in_and_comes_out_but_the_empty_one_is_none() {
        let id = || EventId::from(7);
        for (last, expected) in [
            (LastEventId::from(id()), Some(id())),
            (Some(id()).into(), Some(id())),
            (None.into(), None),
            (EventId::EMPTY.into(), None),
            (Some(EventId::EMPTY).into(), None),
            (LastEventId::none(), None),
        ] {
            assert_eq!(last.get(), expected.as_ref());
            assert_eq!(last.into_inner(), expected);
        }
    }

    #[test]
    fn of_several_headers_the_last_that_is_an_id_counts() {
        let long = vec![b'x'; 4097];
        for (headers, expected) in [
            (vec![], None),
            (vec![&b""[..], b""], None),
            (vec![b"1", b"2"], Some("2")),
            (vec![b"1", b""], Some("1")),
            (vec![b"", b"2"], Some("2")),
            (vec![b"1", b"\xFF", b"\0"], Some("1")),
            (vec![b"1", &long], Some("1")),
        ] {
            let last = LastEventId::from_headers(headers.iter().copied());
            assert_eq!(last.get().map(EventId::as_str), expected, "{headers:?}");
        }
    }

    #[test]
    fn header_comes_before_query() {
        let last = LastEventId::from_header(b"1").or_query("lastEventId=2", &["lastEventId"]);
        assert_eq!(last.as_u64(), Some(1));
        let last = LastEventId::from_header(b"\xFF").or_query("lastEventId=2", &["lastEventId"]);
        assert_eq!(last.as_u64(), Some(2));
    }
}
