//! A value that is bound to a prepared statement does what its literal does: for
//! every type of column, every value and every place that `prepare` takes.

use super::*;
use forebay::sql::prepare;
use forebay::value::Value;

/// Each column's name and type.
const COLUMNS: [(&str, &str); 16] = [
    ("i", "INT"),
    ("n", "BIGINT UNSIGNED"),
    ("d", "DECIMAL(12,3)"),
    ("f", "DOUBLE"),
    ("r", "FLOAT"),
    ("v", "VARCHAR(40)"),
    (
        "l",
        "VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
    ),
    ("c", "CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    ("a", "DATE"),
    ("t", "DATETIME(3)"),
    ("m", "TIME"),
    ("y", "YEAR"),
    ("e", "ENUM('a', 'b', '1')"),
    ("s", "SET('a', 'b')"),
    ("b", "BIT(8)"),
    ("k", "VARBINARY(40)"),
];

/// What is in the table: a row for each, in the order of the columns.
const ROWS: [&str; 5] = [
    "0, 0, 0, 0, 0, '', '', '', '2024-02-29', '2024-02-29 00:00:00', '00:00:00', 1970, 'a', '', 0, ''",
    "1, 1, 1.5, 1.5, 1.5, '1', '1', '1', '2024-01-01', '2024-01-01 12:00:00.5', '12:00:00', 2024, \
     '1', 'a', 1, '1'",
    "-1, 70, -1, -1, 0.1, 'a', 'A', 'a', '2070-01-01', '1970-01-01', '-01:00:00', 2070, 'b', 'b', \
     70, 'a'",
    "70, 9223372036854775807, 70.5, 0.1, 70, 'é', 'é', 'é', '1999-12-31', '1999-12-31 23:59:59', \
     '838:59:59', 2001, 'a', 'a,b', 97, 'é'",
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
];

fn values() -> Vec<Value> {
    let mut values = vec![Value::Null, Value::Bool(true)];
    let ints = [0, 1, -1, 70, 97, 2024, 20_240_229, i64::MAX, i64::MIN + 1];
    values.extend(ints.map(Value::Int));
    values.push(Value::UInt(70));
    values.extend([0.0, -0.0, 0.1, 1.5, -1.0, 70.5, 1e300].map(Value::Double));
    let decimals = [
        "1.5",
        "001.500",
        "-1.0",
        "70.50000",
        "0.1",
        "70",
        "99999999999.9999",
    ];
    values.extend(decimals.map(|text| Value::Decimal(text.to_owned())));
    let texts = [
        "",
        " ",
        "1",
        "1abc",
        "1.5",
        " 70",
        "-1",
        "a",
        "A",
        "a ",
        "b",
        "a,b",
        "é",
        "É",
        "日",
        "a'\\\"%_",
        "%",
        "2024-02-29",
        "2024-2-29",
        "2024-02-30",
        "20240229",
        "12:00:00",
        "-1:0:0",
        "1970-01-01 00:00:00",
        "2024-01-01T12:00:00.500",
        "70",
        "1e0",
        "99999999999999999999",
    ];
    values.extend(texts.map(|text| Value::Text(text.to_owned())));
    let temporals = [
        "2024-02-29",
        "0000-00-00",
        "12:00:00",
        "2024-01-01 12:00:00.5",
    ];
    values.extend(temporals.map(|text| Value::Temporal(text.to_owned())));
    values
}

impl Server {
    /// The rows of a statement as text, or the number of its error.
    fn ask_text(&mut self, sql: &str, params: &Params) -> Result<Vec<String>, u16> {
        let text = self.render(sql, params).unwrap();
        let rows: mysql::Result<Vec<Row>> = self.conn.query(text);
        shown(rows)
    }

    /// The same through the prepared protocol; None if `prepare` leaves it as text.
    fn ask_bound(&mut self, sql: &str, params: &Params) -> Option<Result<Vec<String>, u16>> {
        let dialect = Dialect::MySql(self.mode);
        let template = analyze(sql, ParamStyle::Native, true, dialect).unwrap();
        let prepared = prepare(&template, params, 100_000).unwrap()?;
        let values: Vec<mysql::Value> = prepared.values.iter().map(|value| bound(value)).collect();
        let statement = match self.conn.prep(&prepared.text) {
            Ok(statement) => statement,
            Err(error) => panic!("{}: {error}", prepared.text),
        };
        let rows: mysql::Result<Vec<Row>> =
            self.conn.exec(statement, mysql::Params::Positional(values));
        Some(shown(rows))
    }
}

fn bound(value: &Value) -> mysql::Value {
    match value {
        Value::Null => mysql::Value::NULL,
        Value::Int(number) => mysql::Value::Int(*number),
        Value::Double(number) => mysql::Value::Double(*number),
        Value::Text(text) | Value::Temporal(text) => mysql::Value::Bytes(text.clone().into_bytes()),
        other => panic!("{other:?} is bound"),
    }
}

fn shown(rows: mysql::Result<Vec<Row>>) -> Result<Vec<String>, u16> {
    match rows {
        Ok(rows) => Ok(rows
            .into_iter()
            .map(|row| format!("{:?}", row.unwrap()))
            .collect()),
        Err(mysql::Error::MySqlError(error)) => Err(error.code),
        Err(error) => panic!("{error}"),
    }
}

fn with_table(sql_mode: &str) -> Server {
    let mut server = Server::connect(sql_mode);
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, kind)| format!("`{name}` {kind}"))
        .collect();
    let columns = columns.join(", ");
    for table in ["bound", "bound_new"] {
        server
            .conn
            .query_drop(format!(
                "CREATE TEMPORARY TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, {columns})"
            ))
            .unwrap();
    }
    for row in ROWS {
        let insert = format!("INSERT INTO bound VALUES (NULL, {row})");
        server.conn.query_drop(insert).unwrap();
    }
    server
}

/// How many were compared, and what differed.
#[derive(Default)]
struct Tally {
    compared: usize,
    differing: Vec<String>,
}

impl Tally {
    fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        value: &Value,
        text: T,
        bound: T,
    ) {
        self.compared += 1;
        if text != bound {
            self.differing.push(format!(
                "{what} with {value:?}: {text:?} as text, {bound:?} bound"
            ));
        }
    }

    #[track_caller]
    fn check(&self, least: usize) {
        assert!(self.differing.is_empty(), "{:#?}", self.differing);
        assert!(
            self.compared >= least,
            "only {} were compared",
            self.compared
        );
    }
}

#[test]
fn a_bound_value_finds_what_its_literal_finds() {
    let mut tally = Tally::default();
    let mut server = with_table("STRICT_TRANS_TABLES");
    for (column, _) in COLUMNS {
        for test in [
            "= ?",
            "<> ?",
            "< ?",
            ">= ?",
            "<=> ?",
            "LIKE ?",
            "IN (?)",
            "IN (?, 1, 'a')",
            "BETWEEN ? AND ?",
            "= i + ?",
            "= `a` - INTERVAL ? DAY",
        ] {
            let sql = format!("SELECT id FROM bound WHERE `{column}` {test} ORDER BY id");
            for value in values() {
                let count = test.matches('?').count();
                let params = Params::Positional(vec![value.clone(); count]);
                let Some(bound) = server.ask_bound(&sql, &params) else {
                    continue;
                };
                let text = server.ask_text(&sql, &params);
                let sorted = |rows: Result<Vec<String>, u16>| {
                    rows.map(|rows| {
                        rows.iter()
                            .filter_map(|row| digits(row))
                            .collect::<Vec<_>>()
                    })
                };
                tally.compare(&sql, &value, sorted(text), sorted(bound));
            }
        }
    }
    tally.check(5_000);
}

/// The number in a row, however it was sent.
fn digits(row: &str) -> Option<String> {
    let digits: String = row.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[test]
fn a_bound_value_is_kept_as_its_literal_is() {
    let mut tally = Tally::default();
    for sql_mode in ["STRICT_TRANS_TABLES", ""] {
        let mut server = with_table(sql_mode);
        for (column, _) in COLUMNS {
            for sql in [
                format!("INSERT INTO bound_new (id, `{column}`) VALUES (1, ?)"),
                format!("UPDATE bound_new SET `{column}` = ?"),
                format!("UPDATE bound_new SET `{column}` = `{column}` + ?"),
                format!(
                    "INSERT INTO bound_new (id) VALUES (2) ON DUPLICATE KEY UPDATE `{column}` = ?"
                ),
            ] {
                for value in values() {
                    let params = Params::Positional(vec![value.clone()]);
                    let mut kept = [true, false].map(|is_bound| {
                        server.conn.query_drop("DELETE FROM bound_new").unwrap();
                        let one_row = "INSERT INTO bound_new SELECT * FROM bound WHERE id = 2";
                        server.conn.query_drop(one_row).unwrap();
                        let answer = match is_bound {
                            true => server.ask_bound(&sql, &params)?,
                            false => server.ask_text(&sql, &params),
                        };
                        let look = format!(
                            "SELECT id, HEX(`{column}`), `{column}` + 0e0 FROM bound_new ORDER BY id"
                        );
                        let rows: mysql::Result<Vec<Row>> = server.conn.query(look);
                        Some((answer.err(), shown(rows)))
                    });
                    let text = kept[1].take();
                    if let Some(bound) = kept[0].take() {
                        tally.compare(&sql, &value, text, Some(bound));
                    }
                }
            }
        }
    }
    tally.check(5_000);
}
