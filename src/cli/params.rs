//! Parameters as they are typed.

use crate::value::Value;

/// The value of one argument; the error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let bad = |kind: &str, example: &str| {
        Err(format!(
            "parameter {text:?} is not {kind}; write for instance {example}"
        ))
    };
    let Some((prefix, rest)) = text.split_once(':') else {
        return Ok(bare(text));
    };
    match prefix {
        "int" => rest
            .parse()
            .map(Value::Int)
            .or(bad("a 64-bit integer", "int:-7")),
        "uint" => rest
            .parse()
            .map(Value::UInt)
            .or(bad("an unsigned 64-bit integer", "uint:7")),
        "double" => rest
            .parse()
            .map(Value::Double)
            .or(bad("a number", "double:0.5")),
        "decimal" => Ok(Value::Decimal(rest.to_owned())),
        "text" => Ok(Value::Text(rest.to_owned())),
        "time" => Ok(Value::Temporal(rest.to_owned())),
        "bool" => rest
            .parse()
            .map(Value::Bool)
            .or(bad("true or false", "bool:true")),
        "hex" => unhex(rest)
            .map(Value::Bytes)
            .map_or(bad("hexadecimal", "hex:ff00"), Ok),
        "null" if rest.is_empty() => Ok(Value::Null),
        // A colon in a text, such as a time or a URL.
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// An integer if it is written as one would be printed, so that 007 stays text.
fn bare(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Value::Int(number),
        _ => Value::Text(text.to_owned()),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_typed_as_they_are_written() {
        let cases = [
            ("7", Value::Int(7)),
            ("-7", Value::Int(-7)),
            ("007", Value::Text("007".to_owned())),
            (
                "99999999999999999999",
                Value::Text("99999999999999999999".to_owned()),
            ),
            ("uint:18446744073709551615", Value::UInt(u64::MAX)),
            ("text:7", Value::Text("7".to_owned())),
            ("text:", Value::Text(String::new())),
            ("12:30", Value::Text("12:30".to_owned())),
            ("http://x", Value::Text("http://x".to_owned())),
            ("null:", Value::Null),
            ("hex:ff00", Value::Bytes(vec![255, 0])),
            ("bool:true", Value::Bool(true)),
            ("double:0.5", Value::Double(0.5)),
            ("decimal:1.50", Value::Decimal("1.50".to_owned())),
            ("time:2024-02-29", Value::Temporal("2024-02-29".to_owned())),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_bad_parameter_is_told_with_an_example() {
        for (text, example) in [
            ("int:x", "int:-7"),
            ("hex:f", "hex:ff00"),
            ("bool:1", "bool:true"),
        ] {
            assert!(parse(text).unwrap_err().contains(example), "{text}");
        }
    }
}
