//! Writes values into a statement's text so that MySQL reads the same values
//! back, whatever they hold: MySQL Reference Manual, "Literal Values". Where
//! PyMySQL has a form, it is the same one, so that answers are the same.

use std::borrow::Cow;
use std::fmt::Write;

use super::PARAMS_MAX;
use super::mode::SqlMode;
use crate::value::Value;

/// Why a value cannot be written. Never holds the value.
pub(super) type Fault = Cow<'static, str>;

const DECIMAL_DIGITS_MAX: usize = 65;
const DECIMAL_SCALE_MAX: usize = 38;

/// Appends the literal of a value; a list's items with commas between.
pub(super) fn push(out: &mut String, value: &Value, mode: SqlMode) -> Result<(), Fault> {
    match value {
        Value::List(items) => {
            check_list(items)?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_scalar(out, item, mode).map_err(|fault| in_item(index, &fault))?;
            }
            Ok(())
        }
        scalar => push_scalar(out, scalar, mode),
    }
}

/// Whether a value, were it for MySQL, could be written: what is bound is held
/// to the same rules.
pub(super) fn check(value: &Value) -> Result<(), Fault> {
    match value {
        Value::List(items) => {
            check_list(items)?;
            for (index, item) in items.iter().enumerate() {
                check_scalar(item).map_err(|fault| in_item(index, &fault))?;
            }
            Ok(())
        }
        scalar => check_scalar(scalar),
    }
}

fn in_item(index: usize, fault: &Fault) -> Fault {
    format!("item {}: {fault}", index + 1).into()
}

fn check_list(items: &[Value]) -> Result<(), Fault> {
    match items.len() {
        0 => Err(
            "the list is empty, and IN () is no SQL: leave the condition out, or make it \
                  false, when there is nothing to look for"
                .into(),
        ),
        1..=PARAMS_MAX => Ok(()),
        count => {
            Err(format!("the list has {count} items, and at most {PARAMS_MAX} are allowed").into())
        }
    }
}

fn check_scalar(value: &Value) -> Result<(), Fault> {
    match value {
        Value::Double(number) if !number.is_finite() => {
            Err("NaN and the infinities have no SQL value: pass NULL or a number".into())
        }
        Value::Decimal(text) if !is_decimal(text) => Err(format!(
            "it is no decimal number: write digits, with a sign before and a point and digits \
             after if need be; at most {DECIMAL_DIGITS_MAX} digits, {DECIMAL_SCALE_MAX} of them \
             after the point"
        )
        .into()),
        Value::Temporal(text) if !super::temporal::is_temporal(text) => Err(
            "it is no date or time: write 2024-02-29, -838:59:59.999999 or \
                 2024-02-29 23:59:59.5"
                .into(),
        ),
        Value::List(_) => Err("a list in a list has no SQL form".into()),
        Value::InsertIdOf(_) => Err("insert_id_of_step is for the steps of a batch only".into()),
        _ => Ok(()),
    }
}

fn push_scalar(out: &mut String, value: &Value, mode: SqlMode) -> Result<(), Fault> {
    check_scalar(value)?;
    let start = out.len();
    match value {
        Value::Null => out.push_str("NULL"),
        // Not 1 and 0: JSON functions tell them apart.
        Value::Bool(true) => out.push_str("TRUE"),
        Value::Bool(false) => out.push_str("FALSE"),
        Value::Int(number) => put(out, format_args!("{number}")),
        Value::UInt(number) => put(out, format_args!("{number}")),
        // The exponent makes it a double for the server; the digits are the
        // shortest that give the same double.
        Value::Double(number) => put(out, format_args!("{number:e}")),
        Value::Decimal(text) => out.push_str(text.strip_prefix('+').unwrap_or(text)),
        Value::Text(text) => push_text(out, text, mode),
        Value::Bytes(bytes) => push_bytes(out, bytes, mode),
        Value::Temporal(text) => push_text(out, text, mode),
        Value::List(_) | Value::InsertIdOf(_) => {}
    }
    // After a minus a second one would make `--`, which may open a comment.
    if out[start..].starts_with('-') && out[..start].ends_with('-') {
        out.insert(start, '(');
        out.push(')');
    }
    Ok(())
}

fn put(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A String takes whatever is written to it.
    let _ = out.write_fmt(arguments);
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let scale = fraction.map_or(0, str::len);
    is_number(whole)
        && fraction.is_none_or(is_number)
        && scale <= DECIMAL_SCALE_MAX
        && whole.len() + scale <= DECIMAL_DIGITS_MAX
}

/// `'…'`. With backslash escapes the same characters are escaped as PyMySQL
/// does (MySQL Reference Manual, "String Literals"); without them a quote is
/// the only one that needs anything.
fn push_text(out: &mut String, text: &str, mode: SqlMode) {
    out.push('\'');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match (byte, mode.no_backslash_escapes) {
            (b'\'', true) => "''",
            (_, true) => continue,
            (b'\'', _) => "\\'",
            (b'"', _) => "\\\"",
            (b'\\', _) => "\\\\",
            (b'\n', _) => "\\n",
            (b'\r', _) => "\\r",
            (0, _) => "\\0",
            (0x1a, _) => "\\Z",
            _ => continue,
        };
        out.push_str(&text[copied..at]);
        out.push_str(escaped);
        copied = at + 1;
    }
    out.push_str(&text[copied..]);
    out.push('\'');
}

/// A string of the binary character set. Bytes that are no UTF-8 go as
/// hexadecimal digits; the introducer keeps that a string, where a bare X'…'
/// is a number in some contexts ("Hexadecimal Literals").
fn push_bytes(out: &mut String, bytes: &[u8], mode: SqlMode) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    out.push_str("_binary");
    if let Ok(text) = std::str::from_utf8(bytes) {
        return push_text(out, text, mode);
    }
    out.reserve(bytes.len() * 2 + 4);
    out.push_str(" X'");
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out.push('\'');
}
