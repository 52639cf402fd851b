//! JSON as JavaScript has it: strings of UTF-16 code units, members in order, of members with the
//! same key the last value at the first place. Numbers keep their text.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

pub type Units = Vec<u16>;

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(Units),
    Array(Vec<Json>),
    Object(Vec<(Units, Json)>),
}

#[derive(Debug, PartialEq)]
pub enum Fault {
    /// Deeper than this recursive parser should go.
    Deep,
    Syntax,
}

pub fn units(text: &str) -> Units {
    text.encode_utf16().collect()
}

/// Sets a member as JavaScript does.
pub fn set(members: &mut Vec<(Units, Json)>, key: Units, value: Json) {
    match members.iter_mut().find(|(other, _)| *other == key) {
        Some((_, place)) => *place = value,
        None => members.push((key, value)),
    }
}

pub fn parse(text: &str) -> Result<Json, Fault> {
    let mut parser = Parser { rest: text };
    let value = parser.value(0)?;
    parser.space();
    if parser.rest.is_empty() { Ok(value) } else { Err(Fault::Syntax) }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn need(&mut self, token: &str) -> Result<(), Fault> {
        if self.eat(token) { Ok(()) } else { Err(Fault::Syntax) }
    }

    fn value(&mut self, depth: usize) -> Result<Json, Fault> {
        if depth > 100 {
            return Err(Fault::Deep);
        }
        self.space();
        if self.eat("null") {
            Ok(Json::Null)
        } else if self.eat("true") {
            Ok(Json::Bool(true))
        } else if self.eat("false") {
            Ok(Json::Bool(false))
        } else if self.eat("\"") {
            self.string().map(Json::String)
        } else if self.eat("[") {
            let mut elements = Vec::new();
            self.space();
            if !self.eat("]") {
                loop {
                    elements.push(self.value(depth + 1)?);
                    self.space();
                    if self.eat("]") {
                        break;
                    }
                    self.need(",")?;
                }
            }
            Ok(Json::Array(elements))
        } else if self.eat("{") {
            let mut members = Vec::new();
            self.space();
            if !self.eat("}") {
                loop {
                    self.space();
                    self.need("\"")?;
                    let key = self.string()?;
                    self.space();
                    self.need(":")?;
                    let value = self.value(depth + 1)?;
                    set(&mut members, key, value);
                    self.space();
                    if self.eat("}") {
                        break;
                    }
                    self.need(",")?;
                }
            }
            Ok(Json::Object(members))
        } else {
            self.number()
        }
    }

    /// What follows the opening quote.
    fn string(&mut self) -> Result<Units, Fault> {
        let mut string = Units::new();
        loop {
            let char = self.rest.chars().next().ok_or(Fault::Syntax)?;
            self.rest = &self.rest[char.len_utf8()..];
            match char {
                '"' => return Ok(string),
                '\0'..='\x1F' => return Err(Fault::Syntax),
                '\\' => {
                    let escape = self.rest.chars().next().ok_or(Fault::Syntax)?;
                    self.rest = &self.rest[escape.len_utf8()..];
                    string.push(match escape {
                        '"' | '\\' | '/' => escape as u16,
                        'b' => 8,
                        'f' => 12,
                        'n' => 10,
                        'r' => 13,
                        't' => 9,
                        'u' => {
                            let digits = self.rest.get(..4).ok_or(Fault::Syntax)?;
                            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                                return Err(Fault::Syntax);
                            }
                            self.rest = &self.rest[4..];
                            u16::from_str_radix(digits, 16).expect("four hexadecimal digits")
                        }
                        _ => return Err(Fault::Syntax),
                    });
                }
                char => string.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let rest = self.rest.trim_start_matches(|char: char| char.is_ascii_digit());
        if rest.len() == self.rest.len() {
            return Err(Fault::Syntax);
        }
        self.rest = rest;
        Ok(())
    }

    fn number(&mut self) -> Result<Json, Fault> {
        let text = self.rest;
        self.eat("-");
        if !self.eat("0") {
            self.digits()?;
        }
        if self.eat(".") {
            self.digits()?;
        }
        if self.eat("e") || self.eat("E") {
            if !self.eat("+") {
                self.eat("-");
            }
            self.digits()?;
        }
        Ok(Json::Number(text[..text.len() - self.rest.len()].into()))
    }
}

/// As a type of a user's: its strings are those of Rust, its numbers integers and floats.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => match text.parse::<i64>() {
                Ok(integer) => serializer.serialize_i64(integer),
                Err(_) => serializer.serialize_f64(text.parse().expect("a number")),
            },
            Self::String(units) => serializer.serialize_str(&String::from_utf16_lossy(units)),
            Self::Array(elements) => {
                let mut seq = serializer.serialize_seq(None)?;
                elements.iter().try_for_each(|element| seq.serialize_element(element))?;
                seq.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(&String::from_utf16_lossy(key), value)?;
                }
                map.end()
            }
        }
    }
}
