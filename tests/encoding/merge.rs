//! `Event::merge`: two values as one object.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;
use sse_encoder::{Encode, Event};

use crate::{
    shapes::{DATA, Data, MapInHalves, Newtype, Octets, Pair, Unit, Variants, merged, raw},
    support::encode,
};

#[test]
fn values_of_every_shape_are_merged() {
    let b = json!({"b": 2});
    let integers = BTreeMap::from([(-1, 'x'), (10, 'y')]);
    let rows: &[(&str, &dyn Encode, &str)] = &[
        ("struct", &Event::merge(DATA, &b), r#"{"a":1,"b":2}"#),
        ("reference", &Event::merge(&DATA, ()), r#"{"a":1,"b":"x"}"#),
        ("newtype", &Event::merge(Newtype(DATA), &b), r#"{"a":1,"b":2}"#),
        ("some", &Event::merge(Some(DATA), &b), r#"{"a":1,"b":2}"#),
        ("none", &Event::merge(None::<Data>, &b), r#"{"b":2}"#),
        ("unit", &Event::merge((), &b), r#"{"b":2}"#),
        ("unit struct", &Event::merge(Unit, &b), r#"{"b":2}"#),
        ("other none", &Event::merge(DATA, None::<Data>), r#"{"a":1,"b":"x"}"#),
        ("both nothing", &Event::merge((), ()), "{}"),
        ("map", &Event::merge(BTreeMap::from([("b", 1), ("c", 3)]), &b), r#"{"b":2,"c":3}"#),
        ("map in halves", &Event::merge(MapInHalves, &b), r#"{"a":1,"b":2}"#),
        ("other in halves", &Event::merge(DATA, MapInHalves), r#"{"a":1,"b":2}"#),
        ("integer keys", &Event::merge(&integers, ()), r#"{"-1":"x","10":"y"}"#),
        (
            "integer keys overridden",
            &Event::merge(&integers, BTreeMap::from([("10", 0)])),
            r#"{"-1":"x","10":0}"#,
        ),
        ("char keys", &Event::merge(BTreeMap::from([('b', 1)]), &b), r#"{"b":2}"#),
        ("bool keys", &Event::merge(BTreeMap::from([(true, 1)]), ()), r#"{"true":1}"#),
        ("value", &Event::merge(json!({"b": [1]}), &b), r#"{"b":2}"#),
        ("newtype variant", &Event::merge(Variants::Newtype(1), &b), r#"{"Newtype":1,"b":2}"#),
        ("tuple variant", &Event::merge(Variants::Tuple(1, 2), &b), r#"{"Tuple":[1,2],"b":2}"#),
        (
            "struct variant",
            &Event::merge(Variants::Struct { x: 1, y: "}" }, &b),
            r#"{"Struct":{"x":1,"y":"}"},"b":2}"#,
        ),
        (
            "struct variant overridden",
            &Event::merge(Variants::Struct { x: 1, y: "" }, json!({"Struct": 0})),
            r#"{"Struct":0}"#,
        ),
        (
            "struct variant overrides",
            &Event::merge(json!({"Tuple": 0, "b": 2}), Variants::Tuple(1, 2)),
            r#"{"Tuple":[1,2],"b":2}"#,
        ),
        (
            "raw object",
            &Event::merge(raw("{\r\n  \"a\": 1,\n  \"b\": [ 1,\r2 ]\n}"), json!({"a": 9})),
            r#"{"a":9,"b":[ 1,2 ]}"#,
        ),
        ("raw null", &Event::merge(raw(" null "), &b), r#"{"b":2}"#),
        (
            "raw with a key twice",
            &Event::merge(raw(r#"{"a":1,"a":2}"#), &b),
            r#"{"a":1,"a":2,"b":2}"#,
        ),
        (
            "raw other with a key twice",
            &Event::merge(DATA, raw(r#"{"a":7,"c":3,"a":8}"#)),
            r#"{"a":8,"b":"x","c":3}"#,
        ),
        ("raw inside", &Event::merge(BTreeMap::from([("r", raw("[\n1\r]"))]), ()), r#"{"r":[1]}"#),
        (
            "wide integers",
            &Event::merge(BTreeMap::from([("i", i128::MIN)]), ()),
            r#"{"i":-170141183460469231731687303715884105728}"#,
        ),
        (
            "floats that are none",
            &Event::merge(BTreeMap::from([("f", f64::NAN), ("i", f64::INFINITY)]), ()),
            r#"{"f":null,"i":null}"#,
        ),
        ("keys are escaped", &Event::merge(BTreeMap::from([("\n\"é", 1)]), ()), r#"{"\n\"é":1}"#),
        (
            "keys are escaped whatever it is that needs it",
            &Event::merge(
                BTreeMap::from([("\0", 1), ("\x1F", 2), (" ", 3), ("\"", 4), ("\\", 5)]),
                (),
            ),
            r#"{"\u0000":1,"\u001f":2," ":3,"\"":4,"\\":5}"#,
        ),
    ];
    for (rule, event, expected) in rows {
        assert_eq!(merged(*event), *expected, "{rule}");
    }
}

#[test]
fn values_without_members_are_refused() {
    let rows: &[(&dyn Encode, &str)] = &[
        (&Event::merge("a", &DATA), "`data` is a string, which has no members to merge"),
        (&Event::merge("", &DATA), "`data` is a string, which has no members to merge"),
        (&Event::merge(Variants::Unit, &DATA), "`data` is a string, which has no members to merge"),
        (&Event::merge(5, &DATA), "`data` is a number, which has no members to merge"),
        (&Event::merge(json!(5), &DATA), "`data` is a number, which has no members to merge"),
        (&Event::merge(false, &DATA), "`data` is a boolean, which has no members to merge"),
        (&Event::merge([1], &DATA), "`data` is an array, which has no members to merge"),
        (&Event::merge((1, 2), &DATA), "`data` is an array, which has no members to merge"),
        (&Event::merge(raw("[1]"), &DATA), "`data` is an array, which has no members to merge"),
        (&Event::merge(raw("1"), &DATA), "`data` is a number, which has no members to merge"),
        (&Event::merge(&DATA, "a"), "`other` is a string, which has no members to merge"),
        (&Event::spread(&DATA, [1]), "`other` is an array, which has no members to merge"),
    ];
    for (event, message) in rows {
        let error = encode(*event).unwrap_err();
        assert_eq!(error.to_string(), *message);
        assert!(error.is_wrong_type());
    }
}

#[test]
fn a_large_other_is_merged_like_a_small_one() {
    for count in [31, 32, 33, 200] {
        let data: BTreeMap<_, _> = (0..count).step_by(2).map(|n| (format!("k{n:03}"), n)).collect();
        let other: BTreeMap<_, _> = (0..count).map(|n| (format!("k{n:03}"), -n)).collect();
        let even = (0..count).step_by(2);
        let odd = (1..count).step_by(2);
        let members: Vec<_> = even.chain(odd).map(|n| format!("\"k{n:03}\":{}", -n)).collect();
        assert_eq!(merged(&Event::merge(&data, &other)), format!("{{{}}}", members.join(",")));
    }
    let twice: Vec<_> = (0..40).map(|n| format!("\"k{n}\":{n},\"k{n}\":-1")).collect();
    let other = raw(&format!("{{{}}}", twice.join(",")));
    let merged = merged(&Event::merge(json!({"k3": 0}), other));
    assert!(merged.starts_with(r#"{"k3":-1,"k0":-1,"k1":-1,"k2":-1,"k4":-1,"#), "{merged}");
}

/// A map with this key, whose entry comes in one piece or in two.
struct Keyed<K>(K, bool);

impl<K: Serialize> Serialize for Keyed<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.1 {
            map.serialize_entry(&self.0, &3)?;
        } else {
            map.serialize_key(&self.0)?;
            map.serialize_value(&3)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Wrapped<T>(T);

#[test]
fn keys_are_spelled_as_in_json() {
    macro_rules! keys {
        ($($key:expr => $expected:literal;)*) => {$(
            for whole in [true, false] {
                let object = concat!("{\"", $expected, "\":3}");
                let key = stringify!($key);
                assert_eq!(merged(&Event::json(Keyed($key, whole))), object, "{key}");
                assert_eq!(merged(&Event::merge(Keyed($key, whole), ())), object, "{key}");
                assert_eq!(merged(&Event::merge((), Keyed($key, whole))), object, "{key}");
            }
        )*};
    }
    keys! {
        "a\"b" => r#"a\"b"#;
        'c' => "c";
        true => "true";
        false => "false";
        -8_i8 => "-8";
        -16_i16 => "-16";
        -32_i32 => "-32";
        -64_i64 => "-64";
        i128::MIN => "-170141183460469231731687303715884105728";
        8_u8 => "8";
        16_u16 => "16";
        32_u32 => "32";
        64_u64 => "64";
        u128::MAX => "340282366920938463463374607431768211455";
        0.1_f32 => "0.1";
        1_f32 => "1.0";
        0.1_f64 => "0.1";
        1e-7_f64 => "1e-7";
        Variants::Unit => "Unit";
        Wrapped("a") => "a";
        Wrapped(1) => "1";
        Some("a") => "a";
    }
}

#[test]
fn keys_that_are_not_strings_are_errors() {
    macro_rules! keys {
        ($($key:expr;)*) => {$(
            for whole in [true, false] {
                for event in [
                    &Event::json(Keyed($key, whole)) as &dyn Encode,
                    &Event::merge(Keyed($key, whole), ()),
                    &Event::merge((), Keyed($key, whole)),
                ] {
                    assert!(encode(event).unwrap_err().is_serialize(), "{}", stringify!($key));
                }
            }
        )*};
    }
    keys! {
        (1, 2);
        vec![1];
        BTreeMap::from([("a", 1)]);
        None::<i32>;
        ();
        Unit;
        Octets;
        DATA;
        Pair(1, "b");
        Variants::Newtype(1);
        Variants::Tuple(1, 2);
        Variants::Struct { x: 1, y: "y" };
        f32::NAN;
        f64::INFINITY;
    }
}
