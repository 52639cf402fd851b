//! The rules of `{ data, type, id, ...other }`, as the table of the reference says them.

use crate::json::{Json, Units, set, units};

/// Which values have members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Objects, and `null`.
    Object,
    /// JavaScript's `{ ...value }`.
    Spread,
}

/// The members that a value contributes; `None` where the rule refuses it.
pub fn members(value: &Json, rule: Rule) -> Option<Vec<(Units, Json)>> {
    let index = |index: usize| units(&index.to_string());
    match value {
        Json::Null => Some(Vec::new()),
        Json::Object(members) => {
            let mut unique = Vec::new();
            for (key, value) in members {
                set(&mut unique, key.clone(), value.clone());
            }
            Some(unique)
        }
        _ if rule == Rule::Object => None,
        Json::Bool(_) | Json::Number(_) => Some(Vec::new()),
        Json::Array(elements) => {
            Some(elements.iter().cloned().enumerate().map(|(at, it)| (index(at), it)).collect())
        }
        Json::String(text) => Some(
            text.iter()
                .enumerate()
                .map(|(at, unit)| (index(at), Json::String(vec![*unit])))
                .collect(),
        ),
    }
}

pub fn merge(data: &Json, rule: Rule, other: &Json) -> Option<Json> {
    let mut merged = members(data, rule)?;
    for (key, value) in members(other, Rule::Object)? {
        set(&mut merged, key, value);
    }
    Some(Json::Object(merged))
}

/// An item of the reference.
#[derive(Debug)]
pub struct Item {
    /// `None`: the next automatic one.
    pub id: Option<Text>,
    /// `None`: `message`.
    pub event_type: Option<Text>,
    pub data: Json,
}

/// A field's value.
#[derive(Debug)]
pub enum Text {
    Exact(String),
    Number(f64),
}

impl Text {
    fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Bool(value) => Some(Self::Exact(value.to_string())),
            Json::Number(text) => Some(Self::Number(text.parse().expect("a number"))),
            Json::String(units) => Some(Self::Exact(String::from_utf16_lossy(units))),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// Whether JavaScript's `String(value)` would be this text.
    pub fn is(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Number(number) => is_javascripts(*number, text),
        }
    }
}

/// Not by making the text, but by asking of it what the standard demands: the same number, the
/// shortest digits, and an exponent only where it belongs.
fn is_javascripts(number: f64, text: &str) -> bool {
    if number == 0.0 {
        return text == "0";
    }
    if number.is_infinite() {
        return text == if number > 0.0 { "Infinity" } else { "-Infinity" };
    }
    let digits = |text: &str| {
        let mantissa = text.split('e').next().unwrap_or_default();
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        digits.trim_matches('0').len()
    };
    let size = number.abs();
    let exponent = match text.split_once('e') {
        None => (1e-6..1e21).contains(&size) && !text.ends_with(".0") && !text.starts_with('.'),
        Some((mantissa, exponent)) => {
            !(1e-6..1e21).contains(&size)
                && exponent.starts_with(['+', '-'])
                && exponent[1..].trim_start_matches('0') == &exponent[1..]
                && mantissa
                    .trim_start_matches('-')
                    .split('.')
                    .next()
                    .is_some_and(|it| it.len() == 1)
        }
    };
    exponent && text.parse() == Ok(number) && digits(text) == digits(&format!("{number:e}"))
}

/// `None` where the crate refuses the item.
pub fn item(value: &Json) -> Option<Item> {
    let Json::Object(all) = value else { return None };
    let find = |name: &str| all.iter().find(|(key, _)| *key == units(name)).map(|(_, value)| value);
    let id = match find("id") {
        None | Some(Json::Null | Json::Bool(false)) => None,
        Some(Json::Number(text)) if text.parse() == Ok(0.0) => None,
        Some(Json::String(units)) if units.is_empty() => None,
        Some(value) => Some(Text::of(value)?),
    };
    let event_type = match find("type") {
        None | Some(Json::Null) => None,
        Some(value) => Some(Text::of(value)?),
    };
    if matches!(&id, Some(Text::Exact(id)) if id.contains(['\r', '\n', '\0']))
        || matches!(&event_type, Some(Text::Exact(name)) if name.contains(['\r', '\n']))
    {
        return None;
    }
    let own = ["data", "id", "type"].map(units);
    let other = all.iter().filter(|(key, _)| !own.contains(key)).cloned().collect();
    let data = find("data").unwrap_or(&Json::Null);
    Some(Item { id, event_type, data: merge(data, Rule::Spread, &Json::Object(other))? })
}

/// The lines of a text.
pub fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut after_cr = false;
    for char in text.chars() {
        match char {
            '\n' if after_cr => {}
            '\r' | '\n' => lines.push(String::new()),
            char => lines.last_mut().expect("there is one").push(char),
        }
        after_cr = char == '\r';
    }
    lines
}
