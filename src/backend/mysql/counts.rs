//! How many rows a write has met and added. MySQL tells in its answer's text:
//! `Rows matched: 40  Changed: 38  Warnings: 0` of an UPDATE, and `Records: 3
//! Duplicates: 1  Warnings: 0` of an INSERT of several rows. The words are in
//! the server's language; the numbers and their order are not.

use crate::config::AffectedRows;
use crate::operation::Answer;

/// The first two numbers of the answer's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted(Option<(u64, u64)>);

/// What a statement does with rows, by its first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Insert,
    InsertIgnore,
    Replace,
    Update,
    Other,
}

impl Counted {
    pub(super) fn of(info: &[u8]) -> Counted {
        let mut numbers = info
            .split(|byte| !byte.is_ascii_digit())
            .filter(|digits| !digits.is_empty())
            .map(|digits| str::from_utf8(digits).ok()?.parse().ok());
        let first = numbers.next().flatten();
        Counted(first.zip(numbers.next().flatten()))
    }
}

/// Fills in what the answer does not say by itself. `text` is the statement's.
pub(super) fn settle(answer: &mut Answer, counted: Counted, text: &str, counting: AffectedRows) {
    let verb = verb(text);
    let returned = answer.rows.as_ref().map(|rows| rows.row_count as u64);
    if let (Some(returned), true) = (returned, answer.affected_rows == 0 && is_write(text)) {
        // INSERT … RETURNING gives rows where others give a count.
        answer.affected_rows = returned;
    }
    answer.matched_rows = match (verb, counted.0) {
        (Verb::Update, Some((matched, _))) => matched,
        _ => answer.affected_rows,
    };
    answer.insert_count = match (verb, returned) {
        (Verb::Update | Verb::Other, _) => 0,
        // ON DUPLICATE KEY UPDATE … RETURNING does not tell the rows apart.
        (_, Some(returned)) => returned,
        (verb, None) => insert_count(verb, answer.affected_rows, counted, counting),
    };
}

/// MySQL counts a new row as 1, and one that ON DUPLICATE KEY UPDATE has changed
/// as 2; with `Matched` one that had its values already as 1, else as 0.
/// `Duplicates` are those rows, or with IGNORE those that were left out.
fn insert_count(verb: Verb, affected: u64, counted: Counted, counting: AffectedRows) -> u64 {
    match (verb, counted.0, counting) {
        (Verb::Replace, Some((records, _)), _) => records,
        (Verb::InsertIgnore, Some((records, left_out)), _) => {
            let written = records.saturating_sub(left_out);
            (2 * written).saturating_sub(affected)
        }
        (_, Some((_, updated)), AffectedRows::Changed) => affected.saturating_sub(2 * updated),
        (_, Some((records, met)), AffectedRows::Matched) => records.saturating_sub(met),
        // A single row. With `Matched`, one that was there as it is looks new.
        (Verb::Replace, None, _) => affected.min(1),
        (_, None, _) => u64::from(affected == 1),
    }
}

fn is_write(text: &str) -> bool {
    let first = words(text).next().unwrap_or_default();
    ["INSERT", "REPLACE", "UPDATE", "DELETE"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(first))
}

fn verb(text: &str) -> Verb {
    let mut words = words(text);
    let first = words.next().unwrap_or_default();
    let is = |word: &str, known: &str| word.eq_ignore_ascii_case(known);
    if is(first, "INSERT") {
        // LOW_PRIORITY, HIGH_PRIORITY or DELAYED may stand between.
        match words.take(2).any(|word| is(word, "IGNORE")) {
            true => Verb::InsertIgnore,
            false => Verb::Insert,
        }
    } else if is(first, "REPLACE") {
        Verb::Replace
    } else if is(first, "UPDATE") || is(first, "WITH") {
        // Of the statements that WITH begins, only UPDATE has such a text.
        Verb::Update
    } else {
        Verb::Other
    }
}

/// The words that a statement begins with, up to anything else.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = after_blanks(rest);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = rest.bytes().take_while(|byte| is_part(byte)).count();
        let (word, after) = rest.split_at(length);
        rest = after;
        (length > 0).then_some(word)
    })
}

/// Without the blanks and comments at its beginning.
fn after_blanks(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let end = if rest.starts_with('#') || rest.starts_with("--") {
            "\n"
        } else if rest.starts_with("/*") {
            "*/"
        } else {
            return rest;
        };
        rest = match rest.split_once(end) {
            Some((_, after)) => after,
            None => "",
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_found_behind_comments() {
        for (text, expected) in [
            ("insert into t", Verb::Insert),
            (
                " /* a */ -- b\n# c\nINSERT/**/LOW_PRIORITY ignore t",
                Verb::InsertIgnore,
            ),
            ("INSERT INTO t (a, `IGNORE`)", Verb::Insert),
            ("replace t", Verb::Replace),
            ("WITH a AS (SELECT 1) UPDATE t", Verb::Update),
            ("(SELECT 1)", Verb::Other),
            ("/* INSERT", Verb::Other),
            ("", Verb::Other),
        ] {
            assert_eq!(verb(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_in_any_language() {
        let german = "Datens\u{e4}tze gefunden: 40  Ge\u{e4}ndert: 38  Warnungen: 0";
        assert_eq!(Counted::of(german.as_bytes()), Counted(Some((40, 38))));
        assert_eq!(Counted::of(b""), Counted(None));
        assert_eq!(
            Counted::of(b"Records: 99999999999999999999 1"),
            Counted(None)
        );
    }
}
