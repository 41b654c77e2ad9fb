//! Every kind of value comes back as it was given, in its own type.

use super::*;
use forebay::value::Value;
use mysql::from_value;
use proptest::prelude::*;

/// What the server says of one value: bytes as hexadecimal digits, and the
/// character set of the literal.
fn hex_and_charset(server: &mut Server, value: &Value) -> (Option<String>, String) {
    let params = Params::Positional(vec![value.clone(), value.clone()]);
    let sql = server.render("SELECT HEX(?), CHARSET(?)", &params).unwrap();
    mysql::from_row(server.row(&sql))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn check_text(server: &mut Server, text: &str) {
    let (seen, charset) = hex_and_charset(server, &Value::Text(text.to_owned()));
    assert_eq!(
        seen.as_deref(),
        Some(hex(text.as_bytes()).as_str()),
        "{text:?}"
    );
    assert_eq!(charset, "utf8mb4");
}

fn check_bytes(server: &mut Server, bytes: &[u8]) {
    let (seen, charset) = hex_and_charset(server, &Value::Bytes(bytes.to_vec()));
    assert_eq!(seen.as_deref(), Some(hex(bytes).as_str()), "{bytes:?}");
    assert_eq!(charset, "binary");
}

/// The value as the server prints it, and as a column's type.
fn printed_and_type(server: &mut Server, value: Value) -> (Option<String>, String) {
    let params = Params::Positional(vec![value]);
    let select = server.render("SELECT ? AS v", &params).unwrap();
    let row = server.row(&select);
    let kind = format!("{:?}", row.columns_ref()[0].column_type());
    let printed: Option<String> = from_value(row.unwrap().remove(0));
    (printed, kind)
}

#[test]
fn hostile_texts_and_bytes_come_back() {
    let texts = [
        "",
        "'",
        "''",
        "\\",
        "\\'",
        "'\\",
        "\"",
        "`",
        "\0",
        "\u{1a}",
        "\n\r\t\u{8}",
        "%_\\%\\_",
        "a' OR 1=1 -- ",
        "\\' OR 1=1 -- ",
        "*/",
        "/*!",
        ";",
        "é",
        "😀'",
        "\u{ffff}\\",
        "\u{10ffff}'",
        "\u{a0}",
        "\u{feff}",
        "N'",
        "_gbk'",
    ];
    // Ends of characters in gbk, big5 and sjis that are quotes or backslashes in UTF-8.
    let byte_strings: [&[u8]; 9] = [
        b"\xbf\x27",
        b"\xbf\x5c",
        b"\xa5\x5c",
        b"\x83\x5c",
        b"\x95\x5c\x27",
        b"\xff",
        b"\xc3",
        b"\xe6\x27",
        b"\xf0\x9f\x98\x5c",
    ];
    for server in &mut Server::all() {
        for text in texts {
            check_text(server, text);
            check_bytes(server, text.as_bytes());
        }
        for bytes in byte_strings {
            check_bytes(server, bytes);
        }
        let every: Vec<u8> = (0..=255).collect();
        check_bytes(server, &every);
        let ascii: String = (0..128u8).map(char::from).collect();
        check_text(server, &ascii);
    }
}

#[test]
fn any_text_and_bytes_come_back() {
    let servers = std::cell::RefCell::new(Server::all());
    let hostile = "['\"\\\\\0\u{1a}\n;%_éa😀]{0,20}";
    let texts = prop_oneof![hostile, ".{0,40}"];
    let bytes = prop::collection::vec(
        prop_oneof![
            any::<u8>(),
            Just(0x27),
            Just(0x5c),
            Just(0x00),
            Just(0xbf),
            Just(0xe5)
        ],
        0..24,
    );
    runner(400)
        .run(&(texts, bytes), |(text, bytes)| {
            for server in servers.borrow_mut().iter_mut() {
                check_text(server, &text);
                check_bytes(server, &bytes);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn bytes_are_strings_in_numbers_too() {
    for server in &mut Server::all() {
        let params = Params::Positional(vec![
            Value::Bytes(b"31".to_vec()),
            Value::Bytes(b"31\xff".to_vec()),
            Value::Bytes(vec![]),
        ]);
        let sql = server.render("SELECT ? +0, ? +0, ? +0", &params).unwrap();
        let sums: (f64, f64, f64) = mysql::from_row(server.row(&sql));
        assert_eq!(sums, (31.0, 31.0, 0.0));
    }
}

#[test]
fn scalars_come_back_in_their_types() {
    let decimal = |text: &str| Value::Decimal(text.to_owned());
    let longest = format!("-{}.{}", "9".repeat(27), "8".repeat(38));
    for server in &mut Server::all() {
        for (value, printed, kind) in [
            (
                Value::Int(i64::MIN),
                "-9223372036854775808",
                "MYSQL_TYPE_LONGLONG",
            ),
            (
                Value::Int(i64::MAX),
                "9223372036854775807",
                "MYSQL_TYPE_LONGLONG",
            ),
            (
                Value::UInt(u64::MAX),
                "18446744073709551615",
                "MYSQL_TYPE_LONGLONG",
            ),
            (
                Value::UInt(1 << 63),
                "9223372036854775808",
                "MYSQL_TYPE_LONGLONG",
            ),
            (Value::Double(1e300), "1e300", "MYSQL_TYPE_DOUBLE"),
            (Value::Double(5e-324), "5e-324", "MYSQL_TYPE_DOUBLE"),
            (Value::Double(1.0), "1", "MYSQL_TYPE_DOUBLE"),
            (decimal("-0.50"), "-0.50", "MYSQL_TYPE_NEWDECIMAL"),
            (decimal(&longest), &longest, "MYSQL_TYPE_NEWDECIMAL"),
            (decimal("+1.0"), "1.0", "MYSQL_TYPE_NEWDECIMAL"),
            (
                Value::Temporal("-838:59:59".into()),
                "-838:59:59",
                "MYSQL_TYPE_VAR_STRING",
            ),
        ] {
            let seen = printed_and_type(server, value);
            assert_eq!(seen, (Some(printed.to_owned()), kind.to_owned()));
        }
        assert_eq!(printed_and_type(server, Value::Null).0, None);
        let truth = Params::Positional(vec![Value::Bool(true), Value::Bool(false)]);
        let sql = server
            .render(
                "SELECT JSON_ARRAY(?, ?), ?+0".trim_end_matches(", ?+0"),
                &truth,
            )
            .unwrap();
        let json: String = mysql::from_row(server.row(&sql));
        assert_eq!(json, "[true, false]");
    }
}

#[test]
fn any_number_comes_back() {
    let server = std::cell::RefCell::new(Server::connect(""));
    let doubles = prop_oneof![
        any::<f64>(),
        prop::num::f64::SUBNORMAL,
        prop::sample::select(vec![
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            1e308,
            0.0,
            5e-324
        ]),
    ]
    .prop_filter("finite", |number| number.is_finite());
    runner(2000)
        .run(
            &(any::<i64>(), any::<u64>(), doubles),
            |(int, uint, double)| {
                let mut server = server.borrow_mut();
                let values = vec![
                    Value::Int(int),
                    Value::UInt(uint),
                    Value::Double(double),
                    Value::Int(int),
                ];
                let params = Params::Positional(values);
                let sql = server.render("SELECT ?,?,?,0-(0-?)", &params).unwrap();
                let row: (i64, u64, f64, String) = mysql::from_row(server.row(&sql));
                prop_assert_eq!((row.0, row.1, row.2), (int, uint, double));
                prop_assert_eq!(row.3, int.to_string());
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn temporals_are_taken_by_their_columns() {
    let mut server = Server::connect("");
    server
        .conn
        .query_drop(
            "CREATE TEMPORARY TABLE temporals (d DATE, t TIME(6), a DATETIME(6), b DATETIME(6))",
        )
        .unwrap();
    let given = [
        "0000-00-00",
        "-838:59:59.999999",
        "9999-12-31 23:59:59.5",
        "2024-02-29T01:02:03",
    ];
    let values = given.map(|text| Value::Temporal(text.to_owned())).to_vec();
    let sql = server
        .render(
            "INSERT INTO temporals VALUES (?,?,?,?)",
            &Params::Positional(values),
        )
        .unwrap();
    server.conn.query_drop(sql).unwrap();
    let row = server.row("SELECT * FROM temporals");
    let seen: Vec<String> = row.unwrap().into_iter().map(from_value).collect();
    assert_eq!(
        seen,
        [
            "0000-00-00",
            "-838:59:59.999999",
            "9999-12-31 23:59:59.500000",
            "2024-02-29 01:02:03.000000",
        ]
    );
}

#[test]
fn inserted_rows_come_back() {
    use forebay::operation::{Insert, InsertMode};
    for server in &mut Server::all() {
        let table = "t`a\"b\\";
        let quoted = "`t``a\"b\\`";
        server
            .conn
            .query_drop(format!(
                "CREATE OR REPLACE TEMPORARY TABLE {quoted} (`i``d` INT, `v\\` VARBINARY(99))"
            ))
            .unwrap();
        let rows = (0..500).map(|number| {
            let bytes = vec![number as u8, b'\'', b'\\', (number >> 8) as u8];
            vec![Value::Int(number), Value::Bytes(bytes)]
        });
        let insert = Insert {
            database: None,
            table: table.to_owned(),
            columns: vec!["i`d".to_owned(), "v\\".to_owned()],
            rows: rows.collect(),
            mode: InsertMode::Insert,
        };
        let statements = forebay::sql::insert::for_mysql(&insert, server.mode, 1000).unwrap();
        assert!(statements.len() > 5);
        for statement in statements {
            assert!(statement.len() <= 1000);
            server.conn.query_drop(statement).unwrap();
        }
        let seen: Vec<(i64, Vec<u8>)> = server
            .conn
            .query(format!("SELECT * FROM {quoted} ORDER BY 1"))
            .unwrap();
        let seen: Vec<Vec<Value>> = seen
            .into_iter()
            .map(|(number, bytes)| vec![Value::Int(number), Value::Bytes(bytes)])
            .collect();
        assert_eq!(seen, insert.rows);
    }
}
