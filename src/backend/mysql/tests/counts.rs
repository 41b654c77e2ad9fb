//! What an answer says beside its rows.

use super::*;

/// Statement, affected, matched, added; with `Changed` and with `Matched`.
const COUNTS: &[(&str, [u64; 3], [u64; 3])] = &[
    ("INSERT INTO t VALUES (1, 1)", [1, 1, 1], [1, 1, 1]),
    ("insert into t values (2, 1), (3, 1)", [2, 2, 2], [2, 2, 2]),
    ("INSERT IGNORE INTO t VALUES (1, 9)", [0, 0, 0], [0, 0, 0]),
    (
        "INSERT /* ? */ LOW_PRIORITY IGNORE t VALUES (1, 9), (4, 1), (5, 1)",
        [2, 2, 2],
        [2, 2, 2],
    ),
    ("UPDATE t SET v = 1", [0, 5, 0], [5, 5, 0]),
    ("UPDATE t SET v = 2 WHERE id < 4", [3, 3, 0], [3, 3, 0]),
    ("UPDATE t SET v = 2", [2, 5, 0], [5, 5, 0]),
    (
        "INSERT INTO t VALUES (1, 3) ON DUPLICATE KEY UPDATE v = 3",
        [2, 2, 0],
        [2, 2, 0],
    ),
    (
        "INSERT INTO t VALUES (6, 3) ON DUPLICATE KEY UPDATE v = 3",
        [1, 1, 1],
        [1, 1, 1],
    ),
    // One is new, one changes, two stay as they are.
    (
        "INSERT INTO t VALUES (7, 3), (2, 3), (1, 3), (6, 3) ON DUPLICATE KEY UPDATE v = 3",
        [3, 3, 1],
        [5, 5, 1],
    ),
    (
        "INSERT INTO t SELECT id + 10, v FROM t",
        [7, 7, 7],
        [7, 7, 7],
    ),
    (
        "INSERT IGNORE INTO t SELECT id + 14, v FROM t WHERE id < 10",
        [4, 4, 4],
        [4, 4, 4],
    ),
    (
        "INSERT INTO t SELECT 100, 1 FROM t WHERE id = 0",
        [0, 0, 0],
        [0, 0, 0],
    ),
    ("REPLACE INTO t VALUES (1, 5)", [2, 2, 1], [2, 2, 1]),
    ("REPLACE INTO t VALUES (50, 5)", [1, 1, 1], [1, 1, 1]),
    (
        "REPLACE INTO t VALUES (1, 6), (51, 6), (2, 6)",
        [5, 5, 3],
        [5, 5, 3],
    ),
    (
        "INSERT INTO t VALUES (60, 1), (61, 1) RETURNING id",
        [2, 2, 2],
        [2, 2, 2],
    ),
    ("DELETE FROM t WHERE id IN (60, 61)", [2, 2, 0], [2, 2, 0]),
    (
        "CREATE TABLE u AS SELECT 1 AS n UNION SELECT 2",
        [2, 2, 0],
        [2, 2, 0],
    ),
    ("ALTER TABLE u ADD c INT", [0, 0, 0], [0, 0, 0]),
    ("DROP TABLE u", [0, 0, 0], [0, 0, 0]),
];

#[test]
fn rows_are_counted_as_the_contract_says() {
    for (counting, index) in [(AffectedRows::Changed, 0), (AffectedRows::Matched, 1)] {
        let mut target = target();
        target.affected_rows = counting;
        for path in [StatementPath::Escaped, StatementPath::Prepared] {
            target.statements = path;
            let mut connection = connect_to(&target);
            run(
                &mut connection,
                "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
            );
            for (sql, changed, matched) in COUNTS {
                let answer = run(&mut connection, sql);
                let seen = [
                    answer.affected_rows,
                    answer.matched_rows,
                    answer.insert_count,
                ];
                assert_eq!(
                    seen,
                    [changed, matched][index].to_owned(),
                    "{counting:?}: {sql}"
                );
            }
            let update = "UPDATE t SET v = ? WHERE id = ?";
            for expected in [1, u64::from(counting == AffectedRows::Matched)] {
                let params = vec![Value::Int(77), Value::Int(1)];
                let answer = run_with(&mut connection, BEGUN, update, params, &limits()).unwrap();
                assert_eq!((answer.affected_rows, answer.matched_rows), (expected, 1));
            }
            run(&mut connection, "DROP TABLE t");
        }
    }
}

#[test]
fn warnings_come_as_many_as_are_asked_for() {
    let mut connection = connect();
    run(&mut connection, "CREATE TABLE t (v VARCHAR(2))");
    for (asked, given) in [(0, 0), (2, 2), (10, 3)] {
        let mut limits = limits();
        limits.warnings_max = asked;
        let sql = "INSERT IGNORE INTO t VALUES ('long'), ('longer'), ('longest'), ('ok')";
        let answer = run_with(&mut connection, Setting::Shared, sql, vec![], &limits).unwrap();
        assert_eq!((answer.warning_count, answer.warnings.len()), (3, given));
        assert_eq!((answer.affected_rows, answer.insert_count), (4, 4));
        for warning in answer.warnings {
            assert_eq!((warning.level.as_str(), warning.code), ("Warning", 1265));
            assert!(warning.message.contains("truncated"), "{}", warning.message);
        }
        assert!(connection.is_ready());
    }
}
