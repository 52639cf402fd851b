//! `Event::spread`: `{ ...data, ...other }` by JavaScript's rules.

use serde_json::json;
use sse_encoder::{Encode, Event};

use crate::{
    shapes::{DATA, Octets, Pair, Variants, merged, raw},
    support::encode,
};

#[test]
fn values_without_members_are_spread_as_in_javascript() {
    let rows: &[(&str, &dyn Encode, &str)] = &[
        ("text", &Event::spread("a😀", ()), r#"{"0":"a","1":"\ud83d","2":"\ude00"}"#),
        ("char", &Event::spread('é', ()), r#"{"0":"é"}"#),
        (
            "unit variant",
            &Event::spread(Variants::Unit, ()),
            r#"{"0":"U","1":"n","2":"i","3":"t"}"#,
        ),
        ("empty text", &Event::spread("", json!({"b": 2})), r#"{"b":2}"#),
        ("array", &Event::spread([true, false], json!({"1": 0})), r#"{"0":true,"1":0}"#),
        ("tuple", &Event::spread((1, "x"), ()), r#"{"0":1,"1":"x"}"#),
        ("tuple struct", &Event::spread(Pair(1, "x"), ()), r#"{"0":1,"1":"x"}"#),
        ("number", &Event::spread(5, json!({"b": 2})), r#"{"b":2}"#),
        ("zero", &Event::spread(0, ()), "{}"),
        ("float", &Event::spread(1.5, ()), "{}"),
        ("wide integer", &Event::spread(u128::MAX, ()), "{}"),
        ("value number", &Event::spread(json!(5), ()), "{}"),
        ("true", &Event::spread(true, ()), "{}"),
        ("object", &Event::spread(DATA, json!({"b": 2})), r#"{"a":1,"b":2}"#),
        ("raw array", &Event::spread(raw("[1,\n[2]]"), ()), r#"{"0":1,"1":[2]}"#),
        ("raw string", &Event::spread(raw(r#" "a\ud83d" "#), ()), r#"{"0":"a","1":"\ud83d"}"#),
        ("raw number", &Event::spread(raw("1e400"), ()), "{}"),
    ];
    for (rule, event, expected) in rows {
        assert_eq!(merged(*event), *expected, "{rule}");
    }
}

#[test]
fn scalars_of_every_width_have_no_members() {
    macro_rules! scalars {
        ($($value:expr => $found:literal, $spread:literal;)*) => {$(
            let error = encode(&Event::merge($value, &DATA)).unwrap_err();
            assert_eq!(
                error.to_string(),
                concat!("`data` is ", $found, ", which has no members to merge"),
            );
            assert_eq!(merged(&Event::spread($value, ())), $spread, stringify!($value));
        )*};
    }
    scalars! {
        1_i8 => "a number", "{}";
        1_i16 => "a number", "{}";
        1_i32 => "a number", "{}";
        1_i64 => "a number", "{}";
        1_i128 => "a number", "{}";
        1_u8 => "a number", "{}";
        1_u16 => "a number", "{}";
        1_u32 => "a number", "{}";
        1_u64 => "a number", "{}";
        1_u128 => "a number", "{}";
        1_f32 => "a number", "{}";
        1_f64 => "a number", "{}";
        true => "a boolean", "{}";
        'c' => "a string", r#"{"0":"c"}"#;
        Octets => "an array", r#"{"0":7,"1":8}"#;
    }
}
