//! An entry of a Redis stream, which any program may have written: it is an event of one frame with
//! just these lines, or it is rejected.

#![no_main]

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use sse_encoder_fuzz::input::Text;
use sse_hub::fuzzing;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Name {
    Data,
    Type,
    Id,
    Topic,
    Key,
    Retry,
    Comment,
    Ephemeral,
    Other,
}

impl Name {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Type => "type",
            Self::Id => "id",
            Self::Topic => "topic",
            Self::Key => "key",
            Self::Retry => "retry",
            Self::Comment => "comment",
            Self::Ephemeral => "ephemeral",
            Self::Other => "x",
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Value {
    Text(Text),
    Bytes(Vec<u8>),
    Number(u32),
}

impl Value {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.0.into_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => number.to_string().into_bytes(),
        }
    }
}

/// The lines of a text, by the standard.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(str::to_owned).collect()
}

fuzz_target!(|input: Vec<(Name, Value)>| {
    let fields: Vec<_> =
        input.into_iter().map(|(name, value)| (name.as_str(), value.into_bytes())).collect();
    let read = fuzzing::entry(fields.iter().map(|(name, value)| (name.as_bytes(), &value[..])));
    let all = |name: &'static str| fields.iter().filter(move |(other, _)| *other == name);
    let last = |name: &'static str| all(name).next_back().map(|(_, value)| value.as_slice());
    let Ok((frame, topics, key)) = read else {
        // It has a reason: a text that is not UTF-8, a byte that no line can have, a number that is
        // none, nothing to say, a length.
        let is_plain = fields.iter().all(|(name, value)| {
            let text = std::str::from_utf8(value);
            text.is_ok_and(|text| match *name {
                "retry" => text.is_empty(),
                "id" | "type" => !text.contains(['\r', '\n', '\0']) && !text.contains('-'),
                _ => true,
            })
        });
        let is_own = matches!(last("type"), Some(b"gap" | b"checkpoint"));
        assert!(!is_plain || is_own || last("data").is_none());
        return;
    };
    let frame = std::str::from_utf8(&frame).unwrap();
    // One frame, and nothing that a field could have forged.
    assert!(frame.ends_with('\n'));
    let text = frame.trim_end_matches('\n');
    assert!(!text.contains("\n\n") && !text.contains('\r'));
    let written = |name: &str| -> Vec<String> {
        let prefix = format!("{name}:");
        let of_name = text.split('\n').filter_map(|line| line.strip_prefix(&prefix));
        of_name.map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned()).collect()
    };
    if let Some(data) = last("data") {
        assert_eq!(written("data"), lines(std::str::from_utf8(data).unwrap()));
        assert!(written("event").len() <= 1 && written("id").len() <= 1);
    }
    for line in text.split('\n') {
        let (name, _) = line.split_once(':').unwrap();
        assert!(matches!(name, "" | "data" | "event" | "id" | "retry"), "{line}");
    }
    let named: Vec<_> = all("topic").map(|(_, value)| value.clone()).collect();
    let topics: Vec<_> = topics.into_iter().map(String::into_bytes).collect();
    assert_eq!(topics, if named.is_empty() { vec![Vec::new()] } else { named });
    assert_eq!(key.map(String::into_bytes).as_deref(), last("key"));
});
