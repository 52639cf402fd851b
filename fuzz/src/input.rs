//! Inputs that are hostile more often than chance would have them.

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};

use crate::json::{Json, units};

/// A text with ends of line and what is taken for one.
#[derive(Clone, Debug, Default)]
pub struct Text(pub String);

const PIECES: [&str; 16] = [
    "\r",
    "\n",
    "\r\n",
    "\0",
    " ",
    ":",
    "data: x\n\n",
    "id: 9",
    "event: e",
    "retry: 1",
    "\u{85}",
    "\u{2028}",
    "\u{FEFF}",
    "é",
    "😀",
    "\"\\",
];

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut text = String::new();
        for _ in 0..u.int_in_range(0..=8)? {
            match u.int_in_range(0..=PIECES.len() + 2)? {
                piece if piece < PIECES.len() => text.push_str(PIECES[piece]),
                _ => text.push_str(&u.arbitrary::<String>()?.chars().take(20).collect::<String>()),
            }
        }
        Ok(Self(text))
    }
}

const KEYS: [&str; 14] =
    ["a", "b", "A", "aa", "0", "1", "10", "", "é", "😀", "\"\\", "\n", "__proto__", "length"];

impl<'a> Arbitrary<'a> for Json {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        json(u, 0)
    }
}

fn json(u: &mut Unstructured<'_>, depth: usize) -> arbitrary::Result<Json> {
    Ok(match u.int_in_range(0..=if depth < 4 { 9 } else { 5 })? {
        0 => Json::Null,
        1 => Json::Bool(u.arbitrary()?),
        2 => Json::Number(u.arbitrary::<i64>()?.to_string()),
        3 => {
            let float = u.arbitrary::<f64>()?;
            let float = if float.is_finite() { float } else { -0.0 };
            Json::Number(serde_json::to_string(&float).expect("it is finite"))
        }
        4 => Json::Number(u.int_in_range(0..=1)?.to_string()),
        5 => Json::String(units(&u.arbitrary::<Text>()?.0)),
        6 => {
            let len = u.int_in_range(0..=4)?;
            Json::Array((0..len).map(|_| json(u, depth + 1)).collect::<Result<_, _>>()?)
        }
        _ => {
            let len = u.int_in_range(0..=6)?;
            let member = |u: &mut Unstructured<'_>| Ok((units(&key(u)?), json(u, depth + 1)?));
            Json::Object((0..len).map(|_| member(u)).collect::<Result<_, _>>()?)
        }
    })
}

fn key(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    Ok(match u.int_in_range(0..=KEYS.len())? {
        key if key < KEYS.len() => KEYS[key].into(),
        _ => u.arbitrary::<Text>()?.0,
    })
}
