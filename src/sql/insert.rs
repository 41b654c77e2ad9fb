//! Makes the statements of a bulk insert from a table's name, its columns and
//! the rows. Names are quoted and checked here; whether they exist is for the
//! database to say, and making several statements one transaction for the
//! backend.

use std::collections::HashSet;

use super::literal::{self, Fault};
use super::mode::SqlMode;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Insert, InsertMode};
use crate::value::Value;

/// Columns of an insert: MySQL's own limit for a table.
pub const COLUMNS_MAX: usize = 4_096;

/// Characters of a name (MySQL Reference Manual, "Identifier Length Limits").
pub const NAME_CHARS_MAX: usize = 64;

/// The fewest statements of at most `max_statement_bytes` each that insert the
/// rows in order. All are made before any is given, so that a bad row is found
/// before the first is sent; together they are little longer than the rows.
///
/// INVALID_ARGUMENT names the row and the column; REQUEST_TOO_LARGE if one row
/// alone is over the limit.
pub fn for_mysql(
    insert: &Insert,
    mode: SqlMode,
    max_statement_bytes: usize,
) -> Result<Vec<String>> {
    check_form(insert)?;
    let verb = match insert.mode {
        InsertMode::Insert => "INSERT INTO ",
        InsertMode::Ignore => "INSERT IGNORE INTO ",
        InsertMode::Replace => "REPLACE INTO ",
    };
    let opening = opening(insert, verb, '`');
    let mut statements = Vec::new();
    let mut statement = opening.clone();
    let mut row_text = String::new();
    for (number, row) in insert.rows.iter().enumerate() {
        row_text.clear();
        push_row(&mut row_text, insert, number, row, mode)?;
        let alone = opening.len() + row_text.len();
        if alone > max_statement_bytes {
            return Err(Error::new(
                ErrorKind::RequestTooLarge,
                format!(
                    "rows: row {} takes a statement of {alone} bytes, and the limit is \
                     {max_statement_bytes}",
                    number + 1
                ),
            )
            .with_limit(max_statement_bytes as u64, alone as u64));
        }
        let is_first = statement.len() == opening.len();
        if !is_first && statement.len() + 1 + row_text.len() > max_statement_bytes {
            statements.push(std::mem::replace(&mut statement, opening.clone()));
        } else if !is_first {
            statement.push(',');
        }
        statement.push_str(&row_text);
    }
    statements.push(statement);
    Ok(statements)
}

/// The statement that inserts one row in SQLite, a `?` for each column: to be
/// run for every row, with what the row holds. Names and values are held to
/// MySQL's rules too.
pub fn for_sqlite(insert: &Insert) -> Result<String> {
    check_form(insert)?;
    let verb = match insert.mode {
        InsertMode::Insert => "INSERT INTO ",
        InsertMode::Ignore => "INSERT OR IGNORE INTO ",
        InsertMode::Replace => "REPLACE INTO ",
    };
    for (number, row) in insert.rows.iter().enumerate() {
        for (column, value) in insert.columns.iter().zip(row) {
            let checked = refuse_list(value).and_then(|()| literal::check(value));
            checked.map_err(|fault| at_fault(number, column, &fault))?;
        }
    }
    let more_columns = ",?".repeat(insert.columns.len() - 1);
    Ok(format!("{}(?{more_columns})", opening(insert, verb, '"')))
}

/// Everything but the values. After it there is at least one column and one
/// row, and every row is as long as the columns.
fn check_form(insert: &Insert) -> Result<()> {
    if let Some(database) = &insert.database {
        check_name("database", database)?;
    }
    check_name("table", &insert.table)?;
    if insert.columns.is_empty() {
        return Err(Error::invalid("columns: at least one is needed"));
    }
    if insert.columns.len() > COLUMNS_MAX {
        return Err(Error::invalid(format!(
            "columns: there are {}, and at most {COLUMNS_MAX} are allowed",
            insert.columns.len()
        ))
        .with_limit(COLUMNS_MAX as u64, insert.columns.len() as u64));
    }
    let mut seen = HashSet::with_capacity(insert.columns.len());
    for column in &insert.columns {
        check_name("columns", column)?;
        if !seen.insert(column.to_lowercase()) {
            return Err(Error::invalid(format!(
                "columns: `{column}` is there twice (case does not matter)"
            )));
        }
    }
    if insert.rows.is_empty() {
        return Err(Error::invalid("rows: at least one is needed"));
    }
    let width = insert.columns.len();
    for (number, row) in insert.rows.iter().enumerate() {
        if row.len() != width {
            return Err(Error::invalid(format!(
                "rows: row {} has {} values for {width} columns",
                number + 1,
                row.len()
            )));
        }
    }
    Ok(())
}

/// What MySQL takes as a quoted name ("Schema Object Names").
fn check_name(field: &str, name: &str) -> Result<()> {
    let chars = name.chars().count();
    let fault = if name.is_empty() {
        "a name is empty".to_owned()
    } else if chars > NAME_CHARS_MAX {
        format!("a name has {chars} characters, and at most {NAME_CHARS_MAX} are allowed")
    } else if name.contains('\0') {
        "a name has a NUL in it".to_owned()
    } else if name.ends_with(' ') {
        format!("the name `{name}` ends in a space")
    } else if name.chars().any(|c| c > '\u{ffff}') {
        format!("the name `{name}` has a character above U+FFFF, which MySQL's names cannot have")
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("{field}: {fault}")))
}

fn opening(insert: &Insert, verb: &str, quote: char) -> String {
    let mut out = String::from(verb);
    if let Some(database) = &insert.database {
        push_name(&mut out, database, quote);
        out.push('.');
    }
    push_name(&mut out, &insert.table, quote);
    out.push_str(" (");
    for (index, column) in insert.columns.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_name(&mut out, column, quote);
    }
    out.push_str(") VALUES ");
    out
}

/// In quotes, a quote in it doubled; a backslash means nothing there.
fn push_name(out: &mut String, name: &str, quote: char) {
    out.push(quote);
    for character in name.chars() {
        if character == quote {
            out.push(quote);
        }
        out.push(character);
    }
    out.push(quote);
}

fn push_row(
    out: &mut String,
    insert: &Insert,
    number: usize,
    row: &[Value],
    mode: SqlMode,
) -> Result<()> {
    for (index, (column, value)) in insert.columns.iter().zip(row).enumerate() {
        out.push(if index == 0 { '(' } else { ',' });
        let pushed = refuse_list(value).and_then(|()| literal::push(out, value, mode));
        pushed.map_err(|fault| at_fault(number, column, &fault))?;
    }
    out.push(')');
    Ok(())
}

fn refuse_list(value: &Value) -> Result<(), Fault> {
    match value {
        Value::List(_) => Err("a list is no value of a column: pass one value".into()),
        _ => Ok(()),
    }
}

fn at_fault(number: usize, column: &str, fault: &str) -> Error {
    Error::invalid(format!(
        "rows: row {}, column `{column}`: {fault}",
        number + 1
    ))
}

// A row always fits a statement.
const _: () = assert!(COLUMNS_MAX <= super::SQLITE_PARAMS_MAX);
