//! One way to do a workload, and the checks that it does it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    decoder::{self, Message},
    fan_out::Pass,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What no encoder can be faster than.
    Floor,
    Ours,
    Peer,
}

pub struct Contender {
    pub name: String,
    pub role: Role,
    /// The `memcpy` floor only copies what another one wrote; the hub's ids are its own.
    pub checked: bool,
    prepare: Box<dyn Fn(usize) -> Pass>,
}

impl Contender {
    pub fn new(
        role: Role,
        name: impl Into<String>,
        prepare: impl Fn(usize) -> Pass + 'static,
    ) -> Self {
        Self { name: name.into(), role, checked: true, prepare: Box::new(prepare) }
    }

    /// One whose output is not compared.
    pub fn unchecked(
        role: Role,
        name: impl Into<String>,
        prepare: impl Fn(usize) -> Pass + 'static,
    ) -> Self {
        Self { checked: false, ..Self::new(role, name, prepare) }
    }

    /// Makes what a pass over this many events needs.
    pub fn prepare(&self, events: usize) -> Pass {
        (self.prepare)(events)
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The events that every contender's output must give.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub id: fn(usize) -> String,
    pub event_type: &'static str,
    pub data: Data,
}

#[derive(Clone, Copy, Debug)]
pub enum Data {
    /// An object with these members, in whatever order and spelling.
    Json(fn(usize) -> Value),
    /// This text, each of its ends of line being LF to a client.
    Text(fn(usize) -> &'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// `JSON.parse` makes the same of it, but a key stands there twice.
    KeyTwice,
    Other(String),
}

impl Expected {
    /// What a client makes of this output, which should be of this many events.
    pub fn judge(&self, output: &[u8], events: usize) -> Verdict {
        match decoder::decode(output).map(|client| client.messages) {
            Err(error) => Verdict::Other(error.to_string()),
            Ok(got) if got.len() != events => {
                Verdict::Other(format!("{} events of {events}", got.len()))
            }
            Ok(got) => {
                got.iter().enumerate().fold(
                    Verdict::Same,
                    |verdict, (index, event)| match verdict {
                        Verdict::Other(_) => verdict,
                        _ => self.judge_event(index, event),
                    },
                )
            }
        }
    }

    fn judge_event(&self, index: usize, event: &Message) -> Verdict {
        if event.event_type != self.event_type {
            return Verdict::Other(format!("type {:?}", event.event_type));
        }
        if event.last_event_id != (self.id)(index) {
            return Verdict::Other(format!("id {:?}", event.last_event_id));
        }
        match self.data {
            Data::Text(text) => {
                let text = text(index).replace("\r\n", "\n").replace('\r', "\n");
                if event.data == text { Verdict::Same } else { Verdict::Other("other text".into()) }
            }
            Data::Json(value) => match serde_json::from_str::<Members>(&event.data) {
                Err(error) => Verdict::Other(error.to_string()),
                Ok(members) => members.judge(&value(index)),
            },
        }
    }
}

/// The members of an object as they stand there.
struct Members(Vec<(String, Value)>);

impl Members {
    fn judge(self, expected: &Value) -> Verdict {
        let count = self.0.len();
        let members: serde_json::Map<_, _> = self.0.into_iter().collect();
        let twice = members.len() < count;
        if Value::Object(members) != *expected {
            Verdict::Other("other data".into())
        } else if twice {
            Verdict::KeyTwice
        } else {
            Verdict::Same
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_output_is_found() {
        let expected = Expected {
            id: |index| (index + 1).to_string(),
            event_type: "tick",
            data: Data::Json(|_| json!({"a": 1})),
        };
        let right =
            "id: 1\nevent: tick\ndata: {\"a\":1}\n\nid: 2\nevent: tick\ndata: {\"a\":1}\n\n";
        assert_eq!(expected.judge(right.as_bytes(), 2), Verdict::Same);
        let twice = right.replace("{\"a\":1}", "{\"a\":2,\"a\":1}");
        assert_eq!(expected.judge(twice.as_bytes(), 2), Verdict::KeyTwice);
        assert!(matches!(expected.judge(right.as_bytes(), 3), Verdict::Other(_)));
        for (from, to) in
            [("id: 2", "id: 3"), ("tick", "tock"), ("1}", "2}"), ("1}", "1"), ("\n\n", "\n")]
        {
            let wrong = right.replace(from, to);
            assert!(matches!(expected.judge(wrong.as_bytes(), 2), Verdict::Other(_)), "{wrong}");
        }
    }
}
