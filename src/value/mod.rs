//! Values of fields. They are checked on construction, so that writing them cannot fail.

mod event_id;
mod event_type;
mod reconnection_time;
mod text;

pub use self::{event_id::EventId, event_type::EventType, reconnection_time::ReconnectionTime};

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, sync::Arc, time::Duration};

    use super::*;

    #[test]
    fn text_of_any_length_comes_back() {
        for len in [0, 1, 21, 22, 23, 1_000] {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            assert_eq!(EventId::new(&text).unwrap().as_str(), text);
            assert_eq!(EventType::new(text.clone()).unwrap(), text.as_str());
            assert_eq!(EventId::from_static(text.clone().leak()), text);
        }
    }

    #[test]
    fn values_are_compared_with_text_on_either_side() {
        let (id, text) = (EventId::from_static("a"), String::from("a"));
        assert_eq!(id, *"a");
        assert_eq!(*"a", id);
        assert_eq!(id, "a");
        assert_eq!("a", id);
        assert_eq!(id, text);
        assert_eq!(text, id);
        assert_ne!(String::from("b"), id);
        assert_eq!([text], [EventType::from_static("a")]);
    }

    #[test]
    fn integers_are_their_digits() {
        assert_eq!(EventId::from(u64::MAX), "18446744073709551615");
        assert_eq!(EventId::from(i128::MIN), "-170141183460469231731687303715884105728");
        assert_eq!(EventType::from(-1_i8), "-1");
    }

    #[test]
    fn forbidden_bytes_are_named_with_their_place() {
        for (text, byte, position) in
            [("a\nb", 10, 1), ("\r", 13, 0), ("abc\r\n", 13, 3), ("é\0", 0, 2)]
        {
            let error = EventId::new(text).unwrap_err();
            assert_eq!(error.position(), Some(position), "{text:?}");
            assert!(error.to_string().contains(&format!("0x{byte:02X}")), "{error}");
        }
        assert!(EventType::new("a\0b").is_ok());
        assert!(EventType::new("a\nb").unwrap_err().is_forbidden_byte());
    }

    /// Proxies refuse a request with a longer one.
    #[test]
    fn an_id_of_more_than_four_kibibytes_is_refused() {
        let longest = "x".repeat(EventId::MAX_LEN);
        assert_eq!(EventId::new(&longest).unwrap(), *longest);
        let error = EventId::new(longest + "x").unwrap_err();
        assert!(error.is_too_large());
        assert_eq!((error.field(), error.position()), (Some("id"), Some(4096)));
        assert!(EventType::new("x".repeat(5_000)).is_ok());
    }

    #[test]
    fn unicode_line_separators_are_ordinary() {
        let text = "\u{85}\u{2028}\u{2029}\u{b}\u{c}\u{feff}";
        assert_eq!(EventId::new(text).unwrap(), text);
    }

    #[test]
    fn equal_texts_are_equal_however_they_were_made() {
        use std::collections::HashSet;
        let ids: HashSet<_> =
            [EventId::from(7), EventId::from_static("7"), EventId::new("7").unwrap()].into();
        assert_eq!(ids.len(), 1);
        assert!(ids.contains("7"));
    }

    #[test]
    fn text_of_every_kind_is_checked() {
        let text = String::from("a");
        assert_eq!(EventId::try_from(&text).unwrap(), "a");
        assert_eq!(EventId::try_from(Cow::from(&text)).unwrap(), "a");
        assert_eq!(EventType::try_from(Box::<str>::from("a")).unwrap(), "a");
        assert!(EventType::try_from(Arc::<str>::from("\n")).is_err());
    }

    #[test]
    fn ids_and_types_are_text_in_json() {
        let id: EventId = serde_json::from_str(r#""caf\u00e9""#).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"café\"");
        let error = serde_json::from_str::<EventType>(r#""a\nb""#).unwrap_err();
        assert!(error.to_string().contains("`type` has a line feed"), "{error}");
    }

    #[test]
    fn reconnection_time_keeps_its_bounds() {
        assert!(ReconnectionTime::new(Duration::from_micros(999)).is_err());
        assert_eq!(ReconnectionTime::new(Duration::from_micros(1_999)).unwrap().as_millis(), 1);
        assert_eq!(ReconnectionTime::from_millis(1 << 31), None);
        let max = ReconnectionTime::from_millis((1 << 31) - 1);
        assert_eq!(max, Some(ReconnectionTime::MAX));
        assert_eq!(max.map(Duration::from), Some(Duration::from_millis((1 << 31) - 1)));
        assert_eq!(ReconnectionTime::from_secs(0), None);
        assert_eq!(ReconnectionTime::from_secs(2_147_484), None);
        assert_eq!(ReconnectionTime::from_secs(u32::MAX), None);
        assert_eq!(ReconnectionTime::from_secs(2_147_483).unwrap().as_millis(), 2_147_483_000);
        assert!(ReconnectionTime::new(Duration::MAX).is_err());
        assert_eq!(ReconnectionTime::MAX.as_millis(), 2_147_483_647);
    }

    #[test]
    fn a_reconnection_time_is_milliseconds_in_text_and_in_json() {
        let time = ReconnectionTime::from_secs(2).unwrap();
        assert_eq!(format!("{time:>6}"), "  2000");
        assert_eq!(serde_json::to_string(&time).unwrap(), "2000");
        assert_eq!(serde_json::from_str::<ReconnectionTime>("2000").unwrap(), time);
        for (json, reason) in
            [("0", "not between 1 and"), ("2147483648", "not between 1 and"), ("-1", "invalid")]
        {
            let error = serde_json::from_str::<ReconnectionTime>(json).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn jitter_stays_within_its_range_and_reaches_its_ends() {
        let [one, two] = [1, 2].map(|millis| ReconnectionTime::from_millis(millis).unwrap());
        let drawn: std::collections::HashSet<_> =
            (0..200).map(|_| ReconnectionTime::jittered(one..=two)).collect();
        assert_eq!(drawn, [one, two].into());
        assert_eq!(ReconnectionTime::jittered(two..=two), two);
        // An inverted range gives its first bound.
        assert_eq!(ReconnectionTime::jittered(two..=one), two);
        assert!(ReconnectionTime::jittered(one..=ReconnectionTime::MAX) <= ReconnectionTime::MAX);
    }
}
