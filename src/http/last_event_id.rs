use std::{borrow::Cow, str::FromStr};

use crate::value::EventId;

/// The last event ID that a reconnecting client has seen.
///
/// A browser sends it in the header `Last-Event-ID`. Polyfills, and pages that create a new
/// `EventSource`, cannot set headers and send it in the query instead. Reading it never refuses a
/// request, because after a refusal a browser never reconnects.
///
/// Three cases are told apart: the client sent no id (or an empty one, which is the same), it sent
/// one, or it sent a value that [cannot be read](Self::is_unreadable): not UTF-8, with a byte that
/// no id has, or longer than [4 KiB](EventId::MAX_LEN).
///
/// In axum and actix-web it is an extractor; warp has a filter. All read the header, then the query
/// parameter [`PARAMETER`](Self::PARAMETER).
///
/// The client chooses the value: it can be any id, even one of another stream or another user.
///
/// ```
/// use sse_encoder::LastEventId;
///
/// let last = LastEventId::from_headers([b"41"]);
/// assert_eq!(last.as_str(), Some("41"));
///
/// let last = LastEventId::none().or_query("a=1&last_event_id=caf%C3%A9", &["last_event_id"]);
/// assert_eq!(last.as_str(), Some("café"));
///
/// let last = LastEventId::from_headers([b"\xFF"]);
/// assert_eq!((last.as_str(), last.is_unreadable()), (None, true));
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct LastEventId(Sent);

#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
enum Sent {
    #[default]
    Nothing,
    Id(EventId),
    Unreadable,
}

impl LastEventId {
    /// `lastEventId`, the query parameter that most polyfills use.
    pub const PARAMETER: &'static str = "lastEventId";

    /// No last event ID: a new client.
    pub const fn none() -> Self {
        Self(Sent::Nothing)
    }

    /// Reads the values of all `Last-Event-ID` headers, of which a proxy can send several, and
    /// takes the last valid id. A value is UTF-8, not only ASCII, by the
    /// [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header).
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    ///
    /// let last = LastEventId::from_headers(["40", "41", ""]);
    /// assert_eq!(last.as_str(), Some("41"));
    /// ```
    pub fn from_headers<T: AsRef<[u8]>>(values: impl IntoIterator<Item = T>) -> Self {
        let values =
            values.into_iter().map(|value| Self::read(str::from_utf8(value.as_ref()).ok()));
        values.fold(Self::none(), |before, last| last.or(before))
    }

    /// Reads the header `Last-Event-ID`, then the query parameter [`PARAMETER`](Self::PARAMETER):
    /// for frameworks with request types of their own. The query has no `?`.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use sse_encoder::LastEventId;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("last-event-id", "41".parse().unwrap());
    /// let last = LastEventId::from_request_parts(&headers, Some("lastEventId=40"));
    /// assert_eq!(last.as_str(), Some("41"));
    /// ```
    #[cfg(any(feature = "axum", feature = "http-body"))]
    pub fn from_request_parts(headers: &http::HeaderMap, query: Option<&str>) -> Self {
        Self::from_request(headers.get_all(super::header::LAST_EVENT_ID), query)
    }

    /// Reads the values of the headers and the query, as the frameworks have them.
    #[cfg(any(feature = "actix-web", feature = "axum", feature = "http-body", feature = "warp"))]
    pub(crate) fn from_request<T: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = T>,
        query: Option<&str>,
    ) -> Self {
        Self::from_headers(headers).or_query(query.unwrap_or_default(), &[Self::PARAMETER])
    }

    /// Reads a URL's query, without its `?`, unless there is an id already. Takes the first of the
    /// named parameters, in the order of the query, that holds an id.
    #[must_use]
    pub fn or_query(self, query: &str, names: &[&str]) -> Self {
        let values = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| decoded(name).is_some_and(|name| names.contains(&&*name)))
            .map(|(_, value)| Self::read(decoded(value).as_deref()));
        values.fold(self, Self::or)
    }

    /// The id; `None` for a new client, and for an id that cannot be read.
    pub const fn get(&self) -> Option<&EventId> {
        match &self.0 {
            Sent::Id(id) => Some(id),
            Sent::Nothing | Sent::Unreadable => None,
        }
    }

    /// The id as text; `None` as for [`get`](Self::get).
    pub fn as_str(&self) -> Option<&str> {
        self.get().map(EventId::as_str)
    }

    /// The id as the number of an automatic id, or of a database's sequence: see
    /// [`EventId::as_u64`].
    pub fn as_u64(&self) -> Option<u64> {
        self.get()?.as_u64()
    }

    /// The id as a value of another type, such as an `i64` or a UUID of a database: by its
    /// `FromStr`; `None` as for [`get`](Self::get), and for an id that does not parse.
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    ///
    /// assert_eq!(LastEventId::from_headers(["-7"]).parse::<i64>(), Some(-7));
    /// assert_eq!(LastEventId::none().parse::<i64>(), None);
    /// ```
    pub fn parse<T: FromStr>(&self) -> Option<T> {
        self.as_str()?.parse().ok()
    }

    /// The id, by value; `None` as for [`get`](Self::get).
    pub fn into_inner(self) -> Option<EventId> {
        match self.0 {
            Sent::Id(id) => Some(id),
            Sent::Nothing | Sent::Unreadable => None,
        }
    }

    /// Whether the client sent a value that cannot be an id: it is not new, and its position is
    /// unknown.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.0, Sent::Unreadable)
    }

    /// The value if it can be an id; unreadable otherwise, as for `None`.
    fn read(text: Option<&str>) -> Self {
        match text.map(EventId::new) {
            Some(Ok(id)) => id.into(),
            None | Some(Err(_)) => Self(Sent::Unreadable),
        }
    }

    /// An id before an unreadable value, and that before nothing; of two alike, this one.
    fn or(self, other: Self) -> Self {
        match (&self.0, &other.0) {
            (Sent::Nothing, _) | (Sent::Unreadable, Sent::Id(_)) => other,
            _ => self,
        }
    }
}

impl From<EventId> for LastEventId {
    fn from(id: EventId) -> Self {
        Some(id).into()
    }
}

impl From<Option<EventId>> for LastEventId {
    fn from(id: Option<EventId>) -> Self {
        Self(id.filter(|id| *id != EventId::EMPTY).map_or(Sent::Nothing, Sent::Id))
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

    /// The id, or `unreadable`.
    fn sent(last: &LastEventId) -> Option<&str> {
        if last.is_unreadable() { Some("unreadable") } else { last.as_str() }
    }

    #[test]
    fn a_header_is_utf_8_or_unreadable() {
        for (header, expected) in [
            (&b"7"[..], Some("7")),
            ("é😀".as_bytes(), Some("é😀")),
            (b" 7", Some(" 7")),
            (b"", None),
            (b"\xE9", Some("unreadable")),
            (b"a\nb", Some("unreadable")),
            (b"a\0", Some("unreadable")),
        ] {
            let last = LastEventId::from_headers([header]);
            assert_eq!(sent(&last), expected, "{header:?}");
        }
    }

    #[test]
    fn a_query_is_decoded_or_unreadable() {
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
            ("lastEventId=%00", Some("unreadable")),
            ("lastEventId=7%0Aevent:%20forged", Some("unreadable")),
            ("lastEventId=7%0D", Some("unreadable")),
            ("lastEventId=%FF", Some("unreadable")),
            ("lastEventId=%FF&lastEventId=8&lastEventId=%00", Some("8")),
            ("lasteventid=7", None),
            ("x=7", None),
        ] {
            let last = LastEventId::none().or_query(query, &[LastEventId::PARAMETER]);
            assert_eq!(sent(&last), expected, "{query}");
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
            (vec![&long], Some("unreadable")),
            (vec![b"\0", b""], Some("unreadable")),
        ] {
            let last = LastEventId::from_headers(headers.iter().copied());
            assert_eq!(sent(&last), expected, "{headers:?}");
        }
    }

    #[test]
    fn header_comes_before_query() {
        let last = LastEventId::from_headers([b"1"]).or_query("lastEventId=2", &["lastEventId"]);
        assert_eq!(last.as_u64(), Some(1));
        let last = LastEventId::from_headers([b"\xFF"]).or_query("lastEventId=2", &["lastEventId"]);
        assert_eq!(last.as_u64(), Some(2));
        let last = LastEventId::from_headers([b"\xFF"]).or_query("lastEventId=", &["lastEventId"]);
        assert!(last.is_unreadable());
    }
}
