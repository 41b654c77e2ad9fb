//! What the table of digests says of statements that clients have sent.

use std::collections::BTreeMap;

use forebay::config::ServerConfig;
use forebay::operation::{Batch, BatchMode, Operation, ParamStyle, Params, Statement, Step};
use forebay::rpc::Policy;
use forebay::value::Value;

use crate::support::*;

fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Params::Absent,
        style: ParamStyle::Native,
    }
}

/// Each digest on a shard with its count, its errors and its rows.
fn counts(service: &Running, shard: &str) -> BTreeMap<String, (u64, u64, u64)> {
    let rows = service.digests().into_iter();
    rows.filter(|row| row.shard == shard)
        .map(|row| (row.digest, (row.count, row.errors, row.rows)))
        .collect()
}

#[test]
fn every_way_of_running_a_statement_is_counted() {
    let service = Running::new(vec![mysql_shard("a"), sqlite_shard("b")]);
    let mut client = service.client();
    for shard in ["a", "b"] {
        client.run(shard, "CREATE TABLE t (id INT PRIMARY KEY)", &[]);
        client.run(shard, "INSERT INTO t VALUES (1), (2)", &[]);
        client.run(shard, "insert into t values (3)", &[]);
        client.fails(shard, "INSERT INTO t VALUES (1)", &[]);
        client.run(shard, "SELECT id FROM t WHERE id > ?", &[Value::Int(1)]);
        client.fails(shard, "SELECT id FROM t WHERE id > ?", &[]);
        let begun = client.execute(
            shard,
            "SELECT id FROM t WHERE id > 0",
            vec![],
            ParamStyle::Native,
        );
        begun.unwrap();
        let step = |sql: &str| Step {
            statement: statement(sql),
            rows: None,
            condition: None,
        };
        let batch = Batch {
            mode: BatchMode::StopOnError,
            steps: vec![
                step("INSERT INTO t VALUES (7)"),
                step("DELETE FROM t WHERE id = 7"),
                step("SELECT * FROM missing"),
                step("DELETE FROM t WHERE id = 8"),
            ],
        };
        let items = vec![
            (shard, Operation::Batch(batch)),
            (
                shard,
                Operation::Query(statement("SELECT id FROM t WHERE id > 7")),
            ),
        ];
        client.multi(items, Policy::TakeWhatCame).unwrap();
        let counts = counts(&service, shard);
        // The one without its parameter was never sent.
        assert_eq!(counts["SELECT id FROM t WHERE id > ?"], (3, 0, 2 + 3));
        assert_eq!(counts["INSERT INTO t VALUES (?)"], (4, 1, 2 + 1 + 1));
        assert_eq!(counts["DELETE FROM t WHERE id = ?"], (1, 0, 1));
        assert_eq!(counts["SELECT * FROM missing"], (1, 1, 0));
        assert_eq!(counts.len(), 5, "{counts:?}");
    }
}

#[test]
fn the_table_may_be_off() {
    let server = ServerConfig {
        digests_max: 0,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("main")]);
    service.client().run("main", "SELECT 1", &[]);
    assert!(service.digests().is_empty());
}
