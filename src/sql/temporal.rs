//! The form of dates and times as MySQL writes them (MySQL Reference Manual,
//! "Date and Time Literals"), without looking at the calendar: `0000-00-00` and
//! `2024-02-31` are the server's to judge.

/// `2024-02-29`, `23:59:59.5`, `-838:59:59` or `2024-02-29 23:59:59`; a `T` may
/// stand for the space. At most six digits of a second's fraction, no zone.
pub(super) fn is_temporal(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.get(10) {
        Some(b' ' | b'T') => is_date(&bytes[..10]) && is_time_of_day(&bytes[11..]),
        _ => is_date(bytes) || is_time(bytes),
    }
}

fn is_date(bytes: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *bytes else {
        return false;
    };
    let is_year = [y1, y2, y3, y4].iter().all(u8::is_ascii_digit);
    is_year && is_number(&[m1, m2], 12) && is_number(&[d1, d2], 31)
}

fn is_time_of_day(bytes: &[u8]) -> bool {
    bytes.get(2) == Some(&b':') && is_number(&bytes[..2], 23) && is_after_hours(&bytes[3..])
}

/// A length of time: a sign, and hours to 838.
fn is_time(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let Some(hours) = bytes.iter().position(|&byte| byte == b':') else {
        return false;
    };
    (1..=3).contains(&hours)
        && is_number(&bytes[..hours], 838)
        && is_after_hours(&bytes[hours + 1..])
}

/// `59:59` or `59:59.999999`.
fn is_after_hours(bytes: &[u8]) -> bool {
    let Some((clock, fraction)) = bytes.split_at_checked(5) else {
        return false;
    };
    let is_fraction = match fraction {
        [] => true,
        [b'.', digits @ ..] => {
            (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    clock[2] == b':' && is_number(&clock[..2], 59) && is_number(&clock[3..], 59) && is_fraction
}

/// Digits alone, at most three of them, and no more than `max`.
fn is_number(digits: &[u8], max: u32) -> bool {
    let all_digits = digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit);
    let number = digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u32::from(digit & 15));
    all_digits && number <= max
}
