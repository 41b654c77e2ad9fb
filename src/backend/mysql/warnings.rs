//! What MySQL has to say of a statement that went well.

use mysql::Row;

use super::connection::Connection;
use super::exchange;
use crate::operation::{Answer, Limits, Warning};

/// Of one message; what is longer is cut.
const MESSAGE_MAX_BYTES: usize = 1_024;

/// Beside its message, in a reply and in memory.
const WARNING_BYTES: usize = 64;

/// Adds as many as were asked for, of those that the server kept
/// (`max_error_count`). The statement has been run, whatever becomes of these: if
/// they cannot be had there are none.
pub(super) fn read(connection: &mut Connection, answer: &mut Answer, limits: &Limits) {
    if limits.warnings_max == 0 || answer.warning_count == 0 {
        return;
    }
    let text = format!("SHOW WARNINGS LIMIT {}", limits.warnings_max);
    let rows = match exchange::ask(connection, &text, limits) {
        Ok(rows) => rows,
        Err(failure) => {
            *connection.loss() = Some(exchange::told(failure));
            return;
        }
    };
    let warnings: Vec<Warning> = rows.into_iter().filter_map(warning).collect();
    let bytes = warnings
        .iter()
        .map(|warning| warning.level.len() + warning.message.len() + WARNING_BYTES);
    let bytes = bytes.sum();
    if limits.budget.take(bytes).is_ok() {
        answer.taken += bytes;
        answer.warnings = warnings;
    }
}

fn warning(row: Row) -> Option<Warning> {
    let (level, code, message): (String, u32, Vec<u8>) = mysql::from_row_opt(row).ok()?;
    let mut message = String::from_utf8_lossy(&message).into_owned();
    message.truncate(message.floor_char_boundary(MESSAGE_MAX_BYTES));
    Some(Warning {
        level,
        code,
        message,
    })
}
