//! JavaScript's spelling of numbers.

/// Spells a JSON number as JavaScript's `String(JSON.parse(number))`.
pub(crate) fn javascript_number(json: &str) -> String {
    // Every JSON number parses; one that is too large becomes infinite, as in JavaScript.
    let number = json.parse::<f64>().unwrap_or(f64::NAN);
    if number == 0.0 {
        return "0".into();
    }
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .into();
    }
    // The shortest digits that round-trip. Between two equally short and near ones, these are even,
    // as in JavaScript; those of `format!` are not.
    let shortest = serde_json::to_string(&number.abs()).unwrap_or_default();
    let (mantissa, exponent) = shortest.split_once(['e', 'E']).unwrap_or((&shortest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = [whole, fraction].concat();
    let digits = all_digits.trim_start_matches('0');
    // The position of the decimal point, counted from the first digit.
    let zeros = (all_digits.len() - digits.len()) as i32;
    let point = whole.len() as i32 - zeros + exponent.parse::<i32>().unwrap_or_default();
    let digits = digits.trim_end_matches('0');
    let count = digits.len() as i32;
    let sign = if number < 0.0 { "-" } else { "" };
    match point {
        _ if (count..=21).contains(&point) => {
            format!("{sign}{digits}{}", "0".repeat((point - count) as usize))
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{sign}{whole}.{fraction}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", "0".repeat(-point as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_javascript_spells_them() {
        for (json, expected) in [
            ("7", "7"),
            ("-7", "-7"),
            ("7.0", "7"),
            ("-0", "0"),
            ("1e-400", "0"),
            ("1.5", "1.5"),
            ("-1.25e-3", "-0.00125"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("1.5e-7", "1.5e-7"),
            ("123456789012345680000", "123456789012345680000"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("1.5e300", "1.5e+300"),
            ("5e-324", "5e-324"),
            ("9007199254740993", "9007199254740992"),
            ("123456.789", "123456.789"),
            ("0.5", "0.5"),
            ("100.25e-1", "10.025"),
            ("1000000000000000.25", "1000000000000000.2"),
            ("0.5505142211914062", "0.5505142211914062"),
            ("-14.815994262695312", "-14.815994262695312"),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
        ] {
            assert_eq!(javascript_number(json), expected, "{json}");
        }
    }
}
