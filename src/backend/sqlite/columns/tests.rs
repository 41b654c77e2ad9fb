use rusqlite::Connection;

use super::*;
use crate::budget::Memory;

fn limits(result_max_rows: usize, result_max_bytes: usize) -> Limits {
    Limits {
        deadline: std::time::Instant::now() + std::time::Duration::from_secs(10),
        result_max_rows,
        warnings_max: 0,
        budget: Memory::new(1 << 30).budget(result_max_bytes),
        cancel: None,
        idempotent: false,
        meter: None,
    }
}

fn read_all(sql: &str, limits: &Limits) -> Result<Counted> {
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    read(&mut statement, limits).map_err(|failure| failure.into_error(limits))
}

/// The one column that these values make, one for each row.
fn column(values: &[&str]) -> Column {
    let rows: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
    let sql = format!("VALUES {}", rows.join(","));
    let limits = limits(1000, 1 << 20);
    let Counted { mut rows, taken } = read_all(&sql, &limits).unwrap();
    assert_eq!(rows.row_count, values.len());
    // What is held is what was taken, and no more of it.
    let nulls: usize = rows.columns.iter().map(|column| column.nulls.len()).sum();
    limits
        .budget
        .take((1 << 20) + nulls - rows.size_bytes())
        .expect("no more is taken than what is held");
    assert!(limits.budget.take(1).is_err(), "less is taken than is held");
    limits.budget.give_back(taken);
    assert!(limits.budget.take(taken).is_ok() && limits.budget.take(1).is_err());
    rows.columns.remove(0)
}

#[track_caller]
fn check(values: &[&str], column_type: u8, data: ColumnData) {
    let column = column(values);
    assert_eq!(column.column_type, column_type, "{values:?}");
    assert_eq!(column.data, data, "{values:?}");
    for (row, value) in values.iter().enumerate() {
        assert_eq!(column.is_null(row), *value == "NULL", "{values:?}");
    }
}

fn strings(items: &[&str]) -> ColumnData {
    ColumnData::Strings(items.iter().collect())
}

fn blobs(items: &[&str]) -> ColumnData {
    ColumnData::Blobs(items.iter().collect())
}

#[test]
fn one_type_alone() {
    check(&["NULL", "NULL"], NULL, strings(&["", ""]));
    check(&["1", "-2"], LONGLONG, ColumnData::Int64s(vec![1, -2]));
    check(
        &["1.5", "-2.0"],
        DOUBLE,
        ColumnData::Doubles(vec![1.5, -2.0]),
    );
    check(&["'a'", "''"], VAR_STRING, strings(&["a", ""]));
    check(&["x'6162'", "x''"], BLOB, blobs(&["ab", ""]));
}

#[test]
fn nulls_stand_before_between_and_after() {
    let ints = ColumnData::Int64s(vec![0, 1, 0, 2, 0]);
    check(&["NULL", "1", "NULL", "2", "NULL"], LONGLONG, ints);
    let doubles = ColumnData::Doubles(vec![0.0, 1.5, 0.0]);
    check(&["NULL", "1.5", "NULL"], DOUBLE, doubles);
    check(
        &["NULL", "'a'", "NULL"],
        VAR_STRING,
        strings(&["", "a", ""]),
    );
    check(&["NULL", "x'61'", "NULL"], BLOB, blobs(&["", "a", ""]));
    let mixed = strings(&["", "1", "", "2.5", "a", ""]);
    check(
        &["NULL", "1", "NULL", "2.5", "'a'", "NULL"],
        VAR_STRING,
        mixed,
    );
}

#[test]
fn integers_and_reals_are_doubles_where_no_digit_is_lost() {
    check(&["1", "2.5"], DOUBLE, ColumnData::Doubles(vec![1.0, 2.5]));
    check(&["2.5", "1"], DOUBLE, ColumnData::Doubles(vec![2.5, 1.0]));
    let edge = (1_i64 << 53) as f64;
    let exact = ColumnData::Doubles(vec![edge, 0.5, -edge]);
    check(
        &["9007199254740992", "0.5", "-9007199254740992"],
        DOUBLE,
        exact,
    );
    let lost = strings(&["9007199254740993", "0.5"]);
    check(&["9007199254740993", "0.5"], VAR_STRING, lost);
    let late = strings(&["0.5", "7", "", "2.0", "9007199254740993", "3.0"]);
    let values = ["0.5", "7", "NULL", "2.0", "9007199254740993", "3.0"];
    check(&values, VAR_STRING, late);
}

#[test]
fn what_was_an_integer_is_written_as_one() {
    let values = ["1", "2.0", "3", "'a'", "4", "5.0"];
    let texts = ["1", "2.0", "3", "a", "4", "5.0"];
    check(&values, VAR_STRING, strings(&texts));
    let values = ["2.0", "3", "x'61'", "4", "5.5", "'b'"];
    check(&values, BLOB, blobs(&["2.0", "3", "a", "4", "5.5", "b"]));
    check(&["'b'", "x'61'"], BLOB, blobs(&["b", "a"]));
    check(&["1", "x'61'"], BLOB, blobs(&["1", "a"]));
    let least = "-9223372036854775808";
    check(&[least, "'a'"], VAR_STRING, strings(&[least, "a"]));
}

#[test]
fn the_order_of_values_plays_no_part() {
    let values = ["NULL", "3", "2.5", "'a'", "x'62'"];
    for shift in 0..values.len() {
        let mut turned = values;
        turned.rotate_left(shift);
        let mut texts = ["", "3", "2.5", "a", "b"];
        texts.rotate_left(shift);
        check(&turned, BLOB, blobs(&texts));
    }
}

#[test]
fn a_limit_gives_everything_back() {
    let series = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT 5000) \
                  SELECT n, 'some text' FROM s";
    for (rows, bytes, says) in [
        (4999, 1 << 20, "more than 4999 rows"),
        (5000, 50_000, "result_max_bytes of 50000"),
    ] {
        let limits = limits(rows, bytes);
        let error = read_all(series, &limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResultTooLarge);
        assert!(error.message().contains(says), "{}", error.message());
        limits.budget.take(bytes).expect("all of it is there again");
    }
    let size = 5000 * (8 + 4 + "some text".len());
    read_all(series, &limits(5000, size)).expect("it fits to the byte");
    read_all(series, &limits(5000, size - 1)).unwrap_err();
}

#[test]
fn a_value_too_long_is_not_copied() {
    let limits = limits(10, 1000);
    let error = read_all("SELECT zeroblob(1000000)", &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultTooLarge);
    assert!(error.limit_met().unwrap().seen >= 1_000_000);
}

#[test]
fn text_that_is_none_is_told_with_its_place() {
    let limits = limits(10, 1000);
    let sql = "SELECT x'ff' AS t UNION ALL SELECT CAST(x'ff' AS TEXT)";
    let error = read_all(sql, &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataError);
    assert!(error.message().contains("column `t`, row 1"));
}
