//! Values of every MySQL type, written and read by either path: as escaped text
//! and prepared. Whichever it was, the answer is the same.

mod statements;
mod types;

use forebay::config::{ShardConfig, StatementPath};
use forebay::operation::ParamStyle;
use forebay::rpc::{Client, Executed};
use forebay::value::{ColumnData, Rows, Value};

use self::types::{of_bytes, of_integers, of_reals, of_texts, of_times};
use crate::support::*;

/// Two shards on one database.
fn both_paths() -> Vec<ShardConfig> {
    let mut escaped = mysql_shard("escaped");
    // Zero dates and what does not fit are taken.
    target(&mut escaped).sql_mode = Some(String::new());
    let mut prepared = escaped.clone();
    prepared.name = "prepared".to_owned();
    target(&mut prepared).statements = StatementPath::Prepared;
    vec![escaped, prepared]
}

/// All that came back, doubles to the last bit.
fn shown(rows: Rows) -> String {
    format!("{rows:?}")
}

fn read(client: &mut Client, shard: &str, table: usize, writer: &str) -> String {
    let sql = format!("SELECT v, id FROM t{table} WHERE writer = ? ORDER BY id");
    let executed = client.run(shard, &sql, &[text(writer)]);
    shown(executed.rows.unwrap())
}

fn check(client: &mut Client, table: usize, of: &str, values: &[Value]) {
    let create = format!(
        "CREATE TABLE t{table} (writer CHAR(8) CHARACTER SET ascii, id INT, v {of}, \
         PRIMARY KEY (writer, id))"
    );
    client.run("escaped", &create, &[]);
    let insert = format!("INSERT INTO t{table} (writer, id, v) VALUES (?, ?, ?)");
    for (id, value) in values.iter().chain([&Value::Null]).enumerate() {
        let outcomes = ["escaped", "prepared"].map(|shard| {
            let params = vec![text(shard), Value::Int(id as i64), value.clone()];
            match client.execute(shard, &insert, params, ParamStyle::Native) {
                Ok(done) => format!("{} {}", done.affected_rows, done.warning_count),
                Err(error) => error.to_string(),
            }
        });
        assert_eq!(outcomes[0], outcomes[1], "{of}: {value:?}");
    }
    let expected = read(client, "escaped", table, "escaped");
    for (reader, writer) in [
        ("prepared", "escaped"),
        ("escaped", "prepared"),
        ("prepared", "prepared"),
    ] {
        let seen = read(client, reader, table, writer);
        assert_same(
            &seen,
            &expected,
            &format!("{of}: read {reader}, written {writer}"),
        );
    }
}

#[track_caller]
fn assert_same(seen: &str, expected: &str, what: &str) {
    if seen != expected {
        let same = seen.bytes().zip(expected.bytes());
        let at = same.take_while(|(a, b)| a == b).count();
        let part = |text: &str| {
            let start = text.floor_char_boundary(at.saturating_sub(200));
            let end = text.floor_char_boundary(at + 80);
            text[start..end].to_owned()
        };
        panic!("{what}:\n{}\n{}", part(seen), part(expected));
    }
}

#[test]
fn every_type_is_the_same_by_both_paths() {
    let service = Running::new(both_paths());
    let mut client = service.client();
    let all = [
        of_integers(),
        of_reals(),
        of_times(),
        of_texts(),
        of_bytes(),
    ];
    for (table, (of, values)) in all.iter().flatten().enumerate() {
        check(&mut client, table, of, values);
    }
}

/// Without the columns' descriptions.
fn values_of(executed: Executed) -> Vec<(ColumnData, Vec<u8>)> {
    let columns = executed.rows.unwrap().columns.into_iter();
    columns.map(|column| (column.data, column.nulls)).collect()
}

/// What the server computes is described by it as it likes; the values are the same.
#[test]
fn expressions_are_the_same_by_both_paths() {
    let service = Running::new(both_paths());
    let mut client = service.client();
    let create = "CREATE TABLE t (f FLOAT, g FLOAT(9,3), d DOUBLE, e DOUBLE(9,2), n DECIMAL(9,4), \
                  b BIGINT UNSIGNED, i INT UNSIGNED ZEROFILL, t TIME(3), dt DATETIME(6), y YEAR)";
    client.run("escaped", create, &[]);
    let insert = "INSERT INTO t VALUES (1.1, 2.2, 0.1, 3.14, 5.5, 18446744073709551615, 7, \
                  '-100:00:00.25', '2024-02-29 12:34:56.789', 1999), \
                  (3.3333333, 1e5, 1e-5, 0.1, -1.25, 1, 70, '00:00:00', '0000-00-00', 0)";
    client.run("escaped", insert, &[]);
    for expressions in [
        "f + 1, g * 3, d / 3, e / 7, n / 3, b - 1, i + 1, f * f, g + d",
        "ROUND(d, 3), ROUND(e, 1), ROUND(f, 2), TRUNCATE(d, 1), FLOOR(e), CEIL(n)",
        "AVG(e), AVG(f), AVG(g), SUM(e), SUM(f), STD(d), AVG(n), SUM(b), MAX(g), MIN(e)",
        "IFNULL(f, 0), COALESCE(g, d), IF(1, e, d), GREATEST(f, g), CASE WHEN 1 THEN f ELSE n END",
        "MAX(t), SEC_TO_TIME(3661.5), TIMEDIFF(dt, dt), ADDTIME(t, '1:1:1.1'), CAST(t AS TIME(6))",
        "DATE(dt), DATE_ADD(dt, INTERVAL 1 MICROSECOND), CAST(dt AS DATETIME(2)), MAX(dt), TIME(dt)",
        "UNIX_TIMESTAMP(dt), MICROSECOND(dt), FROM_UNIXTIME(1.5), STR_TO_DATE('1:2', '%H:%i')",
        "y + 0, MAX(y), 1 = 1, NULL, BIT_OR(i), HEX(i), CONCAT(f, g, d, e), CAST(f AS CHAR)",
        "CAST(f AS DOUBLE), CAST(d AS FLOAT), PI(), RAND(1), SQRT(2), -f, ABS(g), 1e0, 1.5e300",
        "JSON_OBJECT('a', 1), COMPRESS('a'), UUID() = '', GROUP_CONCAT(t), _latin1'a', b'101', x'ff'",
    ] {
        for (group, last) in [
            ("GROUP BY ?", text("all")),
            ("WHERE i > ? GROUP BY i", Value::Int(0)),
        ] {
            let sql = format!("SELECT {expressions} FROM t {group}");
            let [expected, seen] = ["escaped", "prepared"].map(|shard| {
                let rows = client
                    .run(shard, &sql, std::slice::from_ref(&last))
                    .rows
                    .unwrap();
                shown(rows)
            });
            assert_same(&seen, &expected, &sql);
        }
    }
    let bare = "SELECT ?, ?, ?, ?, ?, ?";
    let params = [
        Value::Int(-5),
        Value::UInt(u64::MAX),
        Value::Double(0.1),
        text("\u{4e2d} '"),
        Value::Null,
        Value::Temporal("2024-02-29".to_owned()),
    ];
    let [expected, seen] = ["escaped", "prepared"]
        .map(|shard| format!("{:?}", values_of(client.run(shard, bare, &params))));
    assert_same(&seen, &expected, bare);
}

/// Where a value becomes a column of the server's own making, of whatever length
/// or type the statement was first executed with.
#[test]
fn values_keep_their_length_and_type_by_both_paths() {
    let service = Running::new(both_paths());
    let mut client = service.client();
    client.run(
        "escaped",
        "CREATE TABLE t (n INT, v TEXT, PRIMARY KEY (n))",
        &[],
    );
    client.run("escaped", "INSERT INTO t VALUES (1, 'a'), (2, NULL)", &[]);
    let mut values: Vec<Value> = [
        1, 0, 5, 100, 255, 256, 600, 1023, 1024, 4095, 4096, 9000, 16_383, 16_384, 16_385,
    ]
    .iter()
    .chain(&[
        21_844, 21_846, 30_000, 65_535, 65_536, 65_537, 131_075, 200_000, 1, 70_000,
    ])
    .map(|&length| Value::Text("\u{e9}".repeat(length)))
    .collect();
    values.extend([
        Value::Int(5),
        Value::Double(0.5),
        Value::Null,
        text("5"),
        Value::UInt(u64::MAX),
    ]);
    values.extend([
        Value::Int(i64::MIN),
        text(""),
        Value::Int(0),
        text("b"),
        Value::Double(1e300),
    ]);
    for sql in [
        "SELECT ?",
        "SELECT ? UNION ALL SELECT 'b'",
        "SELECT 'b' UNION ALL SELECT ?",
        "SELECT ? UNION SELECT 7",
        "SELECT DISTINCT ? AS v FROM t",
        "SELECT ? AS v, COUNT(*) FROM t GROUP BY v",
        "SELECT MAX(?), MIN(?) FROM t",
        "SELECT n, ? AS v FROM t ORDER BY v, n DESC",
        "SELECT v FROM (SELECT ? AS v UNION ALL SELECT v FROM t) d ORDER BY v",
        "SELECT CONCAT(?, v), COALESCE(v, ?), IFNULL(v, ?), IF(n = 1, ?, v), LEFT(?, 3) FROM t",
        "SELECT GROUP_CONCAT(?) FROM t GROUP BY n ORDER BY n",
        "SELECT LENGTH(?), CHAR_LENGTH(?), HEX(LEFT(?, 9)), UPPER(?), REPLACE(?, 'a', ?)",
        "WITH c AS (SELECT ? AS v) SELECT * FROM c UNION ALL SELECT * FROM c",
        "SELECT CASE n WHEN 1 THEN ? ELSE ? END FROM t",
        "SELECT n FROM t WHERE v = ? OR n = ? OR v LIKE ? OR v > ? ORDER BY n",
        "SELECT n + ?, n * ?, n - ? FROM t",
        "SELECT CONCAT(?, ?, ?, ?, ?, ?, ?, ?, ?) UNION SELECT 'b'",
        "SELECT DISTINCT CONCAT_WS(?, ?, n, ?, ?, ?, ?), REPEAT(?, 9), RPAD(?, 70000, 'p') FROM t",
        "SELECT IF(n = 1, ?, ?) AS v FROM t UNION SELECT COALESCE(NULL, ?)",
        "SELECT JSON_OBJECT('k', ?), JSON_ARRAY(?, ?), QUOTE(?)",
    ] {
        for value in &values {
            let params = vec![value.clone(); sql.matches('?').count()];
            let outcomes = ["escaped", "prepared"].map(|shard| {
                let done = client.execute(shard, sql, params.clone(), ParamStyle::Native);
                done.map(values_of).map_err(|error| error.to_string())
            });
            let short: String = format!("{value:?}").chars().take(30).collect();
            // Not shown: it may be long.
            assert!(outcomes[1] == outcomes[0], "{sql}: {short}");
        }
    }
}
