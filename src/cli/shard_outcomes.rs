//! What came of one statement on many shards, as text. Nothing here calls the
//! service.

use serde_json::json;

use super::args::Format;
use super::output::{self, Answer};

/// Why a statement brought nothing on a shard.
#[derive(Debug)]
pub(super) struct ShardError {
    /// Its name in the IDL; None: there was no answer.
    pub code: Option<String>,
    /// The service's words alone.
    pub message: String,
    /// Both of them, and what else a person should know.
    pub line: String,
}

impl ShardError {
    /// The service has said nothing of the shard.
    pub fn without_answer(message: &str) -> ShardError {
        ShardError {
            code: None,
            message: message.to_owned(),
            line: message.to_owned(),
        }
    }
}

/// A shard and what came of it.
#[derive(Debug)]
pub(super) struct ShardOutcome {
    pub shard: String,
    pub result: Result<Answer, ShardError>,
}

impl ShardOutcome {
    /// `NAME: CODE: message`, if it is an error.
    pub fn error_line(&self) -> Option<String> {
        let error = self.result.as_ref().err()?;
        Some(format!("{}: {}", self.shard, error.line))
    }
}

/// All of them in the format asked for, with a newline at the end. The error says
/// why they cannot be written so, and what to do.
pub(super) fn format(outcomes: &[ShardOutcome], format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Table => Ok(format_tables(outcomes)),
        Format::Json => Ok(format_json(outcomes)),
        Format::Csv => format_csv(outcomes),
    }
}

/// For each shard its name and, under it, what one shard alone would print.
fn format_tables(outcomes: &[ShardOutcome]) -> Vec<u8> {
    let mut text = Vec::new();
    for ShardOutcome { shard, result } in outcomes {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(format!("{shard}:\n").as_bytes());
        match result {
            Ok(answer) => text.extend(output::format_answer(answer, Format::Table)),
            Err(error) => text.extend_from_slice(format!("{}\n", error.line).as_bytes()),
        }
    }
    text
}

fn format_json(outcomes: &[ShardOutcome]) -> Vec<u8> {
    let value = |outcome: &ShardOutcome| match &outcome.result {
        Ok(answer) => output::json(answer),
        Err(error) => json!({"error": {"code": error.code, "message": error.message}}),
    };
    let values = outcomes
        .iter()
        .map(|outcome| (outcome.shard.clone(), value(outcome)));
    let object = serde_json::Value::Object(values.collect());
    format!("{object:#}\n").into_bytes()
}

/// One table of all the shards that answered; a shard without rows adds none.
fn format_csv(outcomes: &[ShardOutcome]) -> Result<Vec<u8>, String> {
    let answers: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some((&outcome.shard, outcome.result.as_ref().ok()?)))
        .collect();
    let Some((first_shard, first)) = answers.first() else {
        return Ok(Vec::new());
    };
    let names = output::csv_names(first);
    let differs = |(_, answer): &&(&String, &Answer)| output::csv_names(answer) != names;
    if let Some((shard, answer)) = answers.iter().find(differs) {
        let (first_names, other_names) = (names.join(", "), output::csv_names(answer).join(", "));
        return Err(format!(
            "the statement ran, but its columns are not the same on every shard, and CSV has one \
             line of names: `{first_shard}` has {first_names}; `{shard}` has {other_names}; use \
             --format json"
        ));
    }
    let header = [&["shard"][..], &names].concat();
    let header = header.into_iter().map(str::to_owned).collect();
    let records = answers.into_iter().flat_map(|(shard, answer)| {
        output::csv_records(answer).map(move |mut record| {
            record.insert(0, shard.clone());
            record
        })
    });
    Ok(output::write_csv(std::iter::once(header).chain(records)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Column, ColumnData, Rows};

    fn column(name: &str, data: ColumnData, nulls: &[u8]) -> Column {
        Column {
            name: name.to_owned(),
            table: "".into(),
            column_type: 0,
            flags: 0,
            collation: 0,
            decimals: 0,
            length: 0,
            nulls: nulls.to_vec(),
            data,
        }
    }

    fn rows(shard: &str, ids: &[i64], names: &[&str], nulls: &[u8]) -> ShardOutcome {
        let ids_column = column("id", ColumnData::Int64s(ids.to_vec()), &[]);
        let names = ColumnData::Strings(names.iter().collect());
        let rows = Rows {
            row_count: ids.len(),
            columns: vec![ids_column, column("name", names, nulls)],
        };
        outcome(shard, Some(rows), 0, 0)
    }

    fn outcome(
        shard: &str,
        rows: Option<Rows>,
        affected_rows: i64,
        insert_id: u64,
    ) -> ShardOutcome {
        ShardOutcome {
            shard: shard.to_owned(),
            result: Ok(Answer {
                rows,
                affected_rows,
                insert_id,
            }),
        }
    }

    fn error(shard: &str) -> ShardOutcome {
        ShardOutcome {
            shard: shard.to_owned(),
            result: Err(ShardError {
                code: Some("SQL_ERROR".to_owned()),
                message: "no such \"table\"".to_owned(),
                line: "SQL_ERROR (1146): no such \"table\"".to_owned(),
            }),
        }
    }

    fn text(outcomes: &[ShardOutcome], format: Format) -> String {
        let bytes = super::format(outcomes, format).expect("formatted");
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn some_rows() -> Vec<ShardOutcome> {
        vec![
            rows("a", &[1, 20], &["x,y", ""], &[0b10]),
            error("b"),
            rows("c", &[], &[], &[]),
        ]
    }

    #[test]
    fn tables_have_the_shards_names_above_them() {
        let expected = "\
a:
| id | name |
|----|------|
|  1 | x,y  |
| 20 | NULL |
2 rows

b:
SQL_ERROR (1146): no such \"table\"

c:
| id | name |
|----|------|
0 rows
";
        assert_eq!(text(&some_rows(), Format::Table), expected);
        let written = [outcome("a", None, 3, 0), outcome("b", None, 1, 7)];
        assert_eq!(
            text(&written, Format::Table),
            "a:\naffected rows: 3\n\nb:\naffected rows: 1, insert id: 7\n"
        );
    }

    #[test]
    fn json_is_one_object_by_shard() {
        let mut outcomes = some_rows();
        outcomes.push(outcome("d", None, 3, u64::MAX));
        outcomes.push(ShardOutcome {
            shard: "e".to_owned(),
            result: Err(ShardError::without_answer("lost")),
        });
        let shown: serde_json::Value =
            serde_json::from_str(&text(&outcomes, Format::Json)).expect("JSON");
        let expected = json!({
            "a": [{"id": 1, "name": "x,y"}, {"id": 20, "name": null}],
            "b": {"error": {"code": "SQL_ERROR", "message": "no such \"table\""}},
            "c": [],
            "d": {"affected_rows": 3, "insert_id": u64::MAX},
            "e": {"error": {"code": null, "message": "lost"}},
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn csv_begins_each_line_with_the_shard() {
        assert_eq!(
            text(&some_rows(), Format::Csv),
            "shard,id,name\r\na,1,\"x,y\"\r\na,20,\r\n"
        );
        let written = [outcome("a", None, 3, 0), outcome("b", None, 1, 7)];
        assert_eq!(
            text(&written, Format::Csv),
            "shard,affected_rows,insert_id\r\na,3,0\r\nb,1,7\r\n"
        );
        assert_eq!(text(&[error("b")], Format::Csv), "");
    }

    #[test]
    fn csv_of_different_columns_is_refused_with_the_remedy() {
        let outcomes = [
            error("a"),
            rows("b", &[1], &["x"], &[]),
            rows("c", &[1], &["x"], &[]),
            outcome("d", None, 1, 0),
        ];
        let refused = super::format(&outcomes, Format::Csv).expect_err("columns differ");
        assert_eq!(
            refused,
            "the statement ran, but its columns are not the same on every shard, and CSV has one \
             line of names: `b` has id, name; `d` has affected_rows, insert_id; use --format json"
        );
    }

    #[test]
    fn only_errors_have_a_line_of_their_own() {
        let lines: Vec<_> = some_rows().iter().map(ShardOutcome::error_line).collect();
        let expected = "b: SQL_ERROR (1146): no such \"table\"".to_owned();
        assert_eq!(lines, [None, Some(expected), None]);
    }
}
