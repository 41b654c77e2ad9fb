//! How values are written, and which ones cannot be.

use super::*;

#[track_caller]
fn check(value: Value, expected: &str) {
    let shown = format!("{value:?}");
    let written = render("SELECT ?", ParamStyle::Native, &positional([value])).unwrap();
    assert_eq!(written, format!("SELECT {expected}"), "{shown}");
}

#[test]
fn scalars() {
    check(Value::Null, "NULL");
    check(Value::Bool(true), "TRUE");
    check(Value::Bool(false), "FALSE");
    check(Value::Int(0), "0");
    check(Value::Int(i64::MIN), "-9223372036854775808");
    check(Value::UInt(u64::MAX), "18446744073709551615");
    check(
        Value::Temporal("2024-02-29T23:59:59.5".into()),
        "'2024-02-29T23:59:59.5'",
    );
    for (number, expected) in [
        (0.0, "0e0"),
        (-0.0, "-0e0"),
        (1.5, "1.5e0"),
        (0.1, "1e-1"),
        (1e300, "1e300"),
        (f64::MAX, "1.7976931348623157e308"),
        (5e-324, "5e-324"),
        (-1234567.0, "-1.234567e6"),
    ] {
        check(Value::Double(number), expected);
    }
    for (decimal, expected) in [("1", "1"), ("-0.50", "-0.50"), ("+7.1", "7.1")] {
        check(Value::Decimal(decimal.into()), expected);
    }
}

#[test]
fn text_is_escaped_as_the_mode_reads_it() {
    const TEXT: &str = "a'b\"c\\d\0e\nf\rg\u{1a}h\ti%_é😀";
    for (mode, expected) in [
        (DEFAULT, "'a\\'b\\\"c\\\\d\\0e\\nf\\rg\\Zh\ti%_é😀'"),
        (ANSI, "'a\\'b\\\"c\\\\d\\0e\\nf\\rg\\Zh\ti%_é😀'"),
        (NO_BACKSLASH, "'a''b\"c\\d\0e\nf\rg\u{1a}h\ti%_é😀'"),
    ] {
        let params = positional([text(TEXT), text("")]);
        let written = render_in("? , ?", ParamStyle::Native, &params, mode).unwrap();
        assert_eq!(written, format!("{expected} , ''"));
        let params = positional([Value::Bytes(TEXT.into())]);
        let written = render_in("?", ParamStyle::Native, &params, mode).unwrap();
        assert_eq!(written, format!("_binary{expected}"));
    }
}

#[test]
fn bytes_stay_bytes() {
    check(Value::Bytes(vec![]), "_binary''");
    check(Value::Bytes(b"a'".to_vec()), r"_binary'a\''");
    check(Value::Bytes(vec![0xbf, 0x27]), "_binary X'BF27'");
    check(Value::Bytes(vec![0x00, 0xff, 0x5c]), "_binary X'00FF5C'");
}

#[test]
fn lists_are_written_one_after_the_other() {
    let list = Value::List(vec![Value::Int(1), text("a"), Value::Null]);
    check(list, "1,'a',NULL");
    check(Value::List(vec![Value::Int(1)]), "1");
}

#[test]
fn two_minus_signs_never_meet() {
    for (sql, value, expected) in [
        ("1-?", Value::Int(-1), "1-(-1)"),
        ("1--?", Value::Double(-1.5), "1--(-1.5e0)"),
        ("1 - ?", Value::Int(-1), "1 - -1"),
        ("1-?", Value::Decimal("-1".into()), "1-(-1)"),
        ("1-?", Value::Int(1), "1-1"),
        (
            "-?",
            Value::List(vec![Value::Int(-1), Value::Int(-2)]),
            "-(-1),-2",
        ),
        ("(?)", Value::Int(-1), "(-1)"),
    ] {
        let written = render(sql, ParamStyle::Native, &positional([value])).unwrap();
        assert_eq!(written, expected);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    const DECIMAL: &str = "parameter 1: it is no decimal number: write digits, with a sign before \
                           and a point and digits after if need be; at most 65 digits, 38 of them \
                           after the point";
    const TEMPORAL: &str = "parameter 1: it is no date or time: write 2024-02-29, \
                            -838:59:59.999999 or 2024-02-29 23:59:59.5";
    const NUMBER: &str =
        "parameter 1: NaN and the infinities have no SQL value: pass NULL or a number";
    let decimal = |text: &str| (Value::Decimal(text.into()), DECIMAL);
    let temporal = |text: &str| (Value::Temporal(text.into()), TEMPORAL);
    let list = |items: Vec<Value>| Value::List(items);
    for (value, expected) in [
        (Value::Double(f64::NAN), NUMBER),
        (Value::Double(f64::NEG_INFINITY), NUMBER),
        decimal(""),
        decimal("-"),
        decimal(".5"),
        decimal("5."),
        decimal("1.2.3"),
        decimal("1e5"),
        decimal("--1"),
        decimal("1 "),
        decimal("１"),
        decimal("1) OR (1"),
        decimal(&"1".repeat(66)),
        decimal(&format!("1.{}", "1".repeat(39))),
        temporal(""),
        temporal("now"),
        temporal("2024-02-29'"),
        temporal("2024-13-01"),
        temporal("2024-2-1"),
        temporal("839:00:00"),
        temporal("--1:00:00"),
        temporal("1234:00:00"),
        temporal("24:60:00"),
        temporal("12:00"),
        temporal("12:00:00."),
        temporal("12:00:00.1234567"),
        temporal("2024-02-29 24:00:00"),
        temporal("2024-02-29 -1:00:00"),
        temporal("2024-02-29 23:59:59Z"),
        temporal("2024-02-29 23:59:59+01:00"),
        temporal("é024-02-29 23:59:59"),
        (
            list(vec![]),
            "parameter 1: the list is empty, and IN () is no SQL: leave the condition out, or \
             make it false, when there is nothing to look for",
        ),
        (
            list(vec![Value::Null, list(vec![Value::Null])]),
            "parameter 1: item 2: a list in a list has no SQL form",
        ),
        (
            list(vec![Value::Null; 65_536]),
            "parameter 1: the list has 65536 items, and at most 65535 are allowed",
        ),
    ] {
        let params = positional([value]);
        assert_eq!(
            invalid(render("SELECT ?", ParamStyle::Native, &params)),
            expected
        );
        let template = analyze("SELECT ?", ParamStyle::Native, true, Dialect::Sqlite).unwrap();
        assert_eq!(invalid(crate::sql::bind(&template, &params)), expected);
    }
}

#[test]
fn times_and_dates_that_are_taken() {
    for temporal in [
        "0000-00-00",
        "2024-02-31",
        "9999-12-31 23:59:59.999999",
        "0000-00-00 00:00:00",
        "2024-02-29T00:00:00",
        "838:59:59.999999",
        "-838:59:59",
        "00:00:00",
        "1:02:03",
        "-12:00:00.5",
    ] {
        check(Value::Temporal(temporal.into()), &format!("'{temporal}'"));
    }
}
