//! Values of the binary protocol as the text protocol has them, so that an
//! answer does not tell which of the two it came by (MySQL Internals, "Binary
//! Protocol Value"; the text is made by the server's `my_gcvt`, `my_fcvt` and
//! `my_datetime_to_str`).

use mysql::Value;
use mysql::consts::ColumnType;

/// More decimals than this stand for "as many as it takes".
const FLOAT_DECIMALS_MAX: u8 = 30;

/// More decimals than this stand for "six, or none if they are all zero".
const TIME_DECIMALS_MAX: u8 = 6;

/// What MySQL shows of a FLOAT (`FLT_DIG`), one of them before the point.
const FLOAT_DIGITS_AFTER_FIRST: usize = 5;

/// Types that the driver reads in the binary protocol; it panics at others, which
/// no server sends.
pub(super) fn is_readable(column_type: ColumnType) -> bool {
    use ColumnType::*;
    !matches!(
        column_type,
        MYSQL_TYPE_TIMESTAMP2
            | MYSQL_TYPE_DATETIME2
            | MYSQL_TYPE_TIME2
            | MYSQL_TYPE_TYPED_ARRAY
            | MYSQL_TYPE_UNKNOWN
    )
}

/// The number that MySQL's text of a FLOAT reads as: it shows six digits, or those
/// of FLOAT(M,D).
pub(super) fn float(value: f32, decimals: u8) -> Option<f64> {
    let value = f64::from(value);
    if decimals > FLOAT_DECIMALS_MAX {
        format!("{value:.FLOAT_DIGITS_AFTER_FIRST$e}").parse().ok()
    } else {
        fixed(value, decimals)
    }
}

/// The number that MySQL's text of a DOUBLE reads as: itself, or for
/// DOUBLE(M,D), and the average of one, with that many digits after the point.
pub(super) fn double(value: f64, decimals: u8) -> Option<f64> {
    if decimals > FLOAT_DECIMALS_MAX {
        Some(value)
    } else {
        fixed(value, decimals)
    }
}

fn fixed(value: f64, decimals: u8) -> Option<f64> {
    format!("{value:.*}", usize::from(decimals)).parse().ok()
}

/// MySQL's text of a date, a time or both; None for any other value.
pub(super) fn temporal(value: &Value, column_type: ColumnType, decimals: u8) -> Option<String> {
    use ColumnType::{MYSQL_TYPE_DATE, MYSQL_TYPE_NEWDATE};
    match *value {
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let mut text = format!("{year:04}-{month:02}-{day:02}");
            if !matches!(column_type, MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE) {
                text.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
                push_fraction(&mut text, micros, decimals);
            }
            Some(text)
        }
        Value::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let sign = if is_negative { "-" } else { "" };
            let hours = u64::from(days) * 24 + u64::from(hours);
            let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
            push_fraction(&mut text, micros, decimals);
            Some(text)
        }
        _ => None,
    }
}

fn push_fraction(text: &mut String, micros: u32, decimals: u8) {
    let digits = match decimals {
        0..=TIME_DECIMALS_MAX => decimals,
        _ if micros == 0 => 0,
        _ => TIME_DECIMALS_MAX,
    };
    if digits > 0 {
        let fraction = format!("{micros:06}");
        text.push('.');
        text.push_str(&fraction[..usize::from(digits)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_digits_of_their_column() {
        let time = Value::Time(true, 34, 22, 59, 59, 120_000);
        let text = |decimals| temporal(&time, ColumnType::MYSQL_TYPE_TIME, decimals).unwrap();
        assert_eq!(text(0), "-838:59:59");
        assert_eq!(text(3), "-838:59:59.120");
        assert_eq!(text(39), "-838:59:59.120000");
        let zero = Value::Date(0, 0, 0, 0, 0, 0, 0);
        let text = |column_type| temporal(&zero, column_type, 0).unwrap();
        assert_eq!(text(ColumnType::MYSQL_TYPE_DATE), "0000-00-00");
        assert_eq!(text(ColumnType::MYSQL_TYPE_DATETIME), "0000-00-00 00:00:00");
    }

    #[test]
    fn floats_have_the_digits_that_mysql_shows() {
        assert_eq!(float(16_777_216.0, 31), Some(16_777_200.0));
        assert_eq!(float(1.1, 31), Some(1.1));
        assert_eq!(float(1.1, 2), Some(1.1));
        assert_eq!(float(f32::MAX, 31), Some(3.40282e38));
        assert_eq!(double(0.1 + 0.2, 31), Some(0.1 + 0.2));
        assert_eq!(double(0.1 + 0.2, 2), Some(0.3));
    }
}
