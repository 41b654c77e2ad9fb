//! Each type of MySQL's, and values at its edges.

use forebay::value::Value;

use crate::support::*;

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| text(value)).collect()
}

fn ints(values: &[i64]) -> Vec<Value> {
    values.iter().map(|&value| Value::Int(value)).collect()
}

fn doubles(values: &[f64]) -> Vec<Value> {
    values.iter().map(|&value| Value::Double(value)).collect()
}

fn decimals(values: &[&str]) -> Vec<Value> {
    let decimal = |value: &&str| Value::Decimal((*value).to_owned());
    values.iter().map(decimal).collect()
}

fn temporals(values: &[&str]) -> Vec<Value> {
    let temporal = |value: &&str| Value::Temporal((*value).to_owned());
    values.iter().map(temporal).collect()
}

fn blobs(values: &[&[u8]]) -> Vec<Value> {
    values
        .iter()
        .map(|value| Value::Bytes(value.to_vec()))
        .collect()
}

pub(super) fn of_integers() -> Vec<(&'static str, Vec<Value>)> {
    let mut edges = ints(&[0, 1, -1, 42, i64::MIN, i64::MAX]);
    for bits in [7, 8, 15, 16, 23, 24, 31, 32] {
        edges.extend(ints(&[1 << bits, (1 << bits) - 1, -(1 << bits)]));
    }
    edges.extend([Value::UInt(1 << 63), Value::UInt(u64::MAX), text("17")]);
    let types = [
        "TINYINT",
        "TINYINT UNSIGNED",
        "SMALLINT",
        "SMALLINT UNSIGNED ZEROFILL",
        "MEDIUMINT",
        "MEDIUMINT UNSIGNED",
        "INT",
        "INT(7) UNSIGNED ZEROFILL",
        "BIGINT",
        "BIGINT UNSIGNED",
        "BIGINT UNSIGNED ZEROFILL",
        "BOOLEAN",
    ];
    types.map(|of| (of, edges.clone())).to_vec()
}

pub(super) fn of_reals() -> Vec<(&'static str, Vec<Value>)> {
    let mut edges = doubles(&[
        0.0,
        -0.0,
        0.1,
        1.005,
        2.5,
        -1.5,
        0.125,
        1_234_567.5,
        16_777_217.0,
        99_999.95,
        999_999.5,
        1e15,
        1e16,
        123_456_789_012_345_680.0,
        f64::from(f32::MAX),
        f64::from(f32::MIN_POSITIVE),
        1e-45,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        0.1 + 0.2,
        1.0 / 3.0,
    ]);
    // Numbers without a pattern, and some that lie between two of six digits.
    let mut state = 1_u64;
    for _ in 0..100 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let part = (state >> 11) as f64 / (1_u64 << 53) as f64;
        let scale = 10_f64.powi((state % 37) as i32 - 18);
        edges.push(Value::Double(part * scale));
        edges.push(Value::Double((state % 1_000_000) as f64 * 10.0 + 5.0));
        edges.push(Value::Double((state % 10_000) as f64 / 8.0));
    }
    let types = [
        "FLOAT",
        "FLOAT(10,2)",
        "FLOAT(20,0)",
        "FLOAT ZEROFILL",
        "DOUBLE",
        "DOUBLE(20,3)",
        "DOUBLE(15,0) ZEROFILL",
    ];
    let mut all = types.map(|of| (of, edges.clone())).to_vec();
    let exact = decimals(&[
        "0",
        "-0.0",
        "1.50",
        "-99999999999999999999999999999999999.999999999999999999999999999999",
        "99999999999999999999999999999999999.999999999999999999999999999999",
        "0.000000000000000000000000000001",
    ]);
    for of in [
        "DECIMAL(65,30)",
        "DECIMAL(65,0)",
        "DECIMAL(8,2) ZEROFILL",
        "DECIMAL(10,4) UNSIGNED",
    ] {
        all.push((of, exact.clone()));
    }
    all
}

pub(super) fn of_times() -> Vec<(&'static str, Vec<Value>)> {
    let dates = temporals(&[
        "0000-00-00",
        "1000-01-01",
        "2024-02-29",
        "2024-00-00",
        "9999-12-31",
    ]);
    let moments = temporals(&[
        "0000-00-00 00:00:00",
        "1970-01-02 00:00:01",
        "2024-02-29 23:59:59",
        "2024-02-29 00:00:00",
        "2024-02-29 00:00:00.5",
        "2024-02-29 23:59:59.000001",
        "2038-01-18 03:14:07.999999",
        "9999-12-31 23:59:59.99",
    ]);
    let times = temporals(&[
        "00:00:00",
        "-00:00:01",
        "-00:00:00.1",
        "838:59:59",
        "-838:59:59",
        "838:59:58.999999",
        "-25:00:00.000001",
        "23:59:59.5",
        "24:00:00",
        "100:00:00",
    ]);
    let mut all = vec![("DATE", dates)];
    for of in ["DATETIME", "DATETIME(1)", "DATETIME(3)", "DATETIME(6)"] {
        all.push((of, moments.clone()));
    }
    for of in ["TIMESTAMP NULL", "TIMESTAMP(4) NULL", "TIMESTAMP(6) NULL"] {
        all.push((of, moments.clone()));
    }
    for of in ["TIME", "TIME(2)", "TIME(6)"] {
        all.push((of, times.clone()));
    }
    all.push(("YEAR", ints(&[0, 1901, 1999, 2155, 70])));
    all
}

pub(super) fn of_texts() -> Vec<(&'static str, Vec<Value>)> {
    let hostile = "it's \"quoted\" \\ \0 \n \r \x1a % _ ; -- ? :name";
    let long = "long ".repeat(50_000);
    let mut all = Vec::new();
    for (of, words) in [
        ("VARCHAR(200) CHARACTER SET latin1", "na\u{ef}ve \u{20ac}"),
        ("VARCHAR(200) CHARACTER SET utf8mb3", "\u{3b1}\u{4e2d}"),
        ("VARCHAR(200) CHARACTER SET utf8mb4", "\u{1f600}\u{10ffff}"),
        ("VARCHAR(200) CHARACTER SET ucs2", "\u{ffee}\u{4e2d}"),
        ("VARCHAR(200) CHARACTER SET utf16", "\u{1f600}\u{4e2d}"),
        ("VARCHAR(200) CHARACTER SET cp1251", "\u{416}\u{438}\u{432}"),
        ("VARCHAR(200) CHARACTER SET gbk", "\u{4e2d}\u{6587}\u{8a97}"),
        (
            "VARCHAR(200) CHARACTER SET big5",
            "\u{529f}\u{8a31}\u{84cb}",
        ),
        ("CHAR(30) COLLATE utf8mb4_bin", "padded  "),
        ("ENUM('', 'a', '\u{4e2d}')", "\u{4e2d}"),
        ("SET('a', 'b', '\u{4e2d}')", "a,\u{4e2d}"),
        ("TINYTEXT", "tiny"),
        ("VARCHAR(0)", ""),
    ] {
        all.push((of, texts(&["", "a", "b", "NULL", "0", words, hostile])));
    }
    for of in ["TEXT", "MEDIUMTEXT", "LONGTEXT CHARACTER SET latin1"] {
        all.push((of, texts(&["", hostile, &long])));
    }
    all.push((
        "JSON",
        texts(&["{\"a\": [1, \"\u{4e2d}\", null]}", "1", "\"\\u0000\""]),
    ));
    all
}

pub(super) fn of_bytes() -> Vec<(&'static str, Vec<Value>)> {
    let every: Vec<u8> = (0..=255).collect();
    let mut all = Vec::new();
    for of in [
        "BINARY(4)",
        "VARBINARY(300)",
        "TINYBLOB",
        "BLOB",
        "MEDIUMBLOB",
        "LONGBLOB",
    ] {
        all.push((of, blobs(&[b"", b"\0", b"'\\\"", &every[..200], &every])));
    }
    for of in ["BIT(1)", "BIT(9)", "BIT(64)"] {
        let edges = [&[0][..], &[1], &[1, 255], &[255; 8]];
        let mut values = blobs(&edges);
        values.extend([Value::Int(1), Value::Bool(true), Value::UInt(u64::MAX)]);
        all.push((of, values));
    }
    let point = b"\0\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40";
    all.push(("GEOMETRY", blobs(&[point])));
    all.push(("INET6", texts(&["::1", "2001:db8::ff"])));
    all.push(("UUID", texts(&["123e4567-e89b-12d3-a456-426655440000"])));
    all
}
