//! What SET may set within a transaction, however it is written.

use super::transactions::{BEGUN, FIRST, check_refused};
use super::*;

#[test]
fn some_settings_are_nobodys() {
    for (expected, statements) in [
        (
            "the connection's character set is the shard's `charset` option",
            &[
                "SET NAMES utf8mb4",
                "SET a = 1, NAMES gbk",
                "SET CHARACTER SET gbk",
                "SET CHARSET 'gbk'",
                "SET CHAR SET gbk",
                "SET character_set_client = gbk",
                "SET @@session.Character_Set_Results = NULL",
                "SET @a = 1, `collation_connection` = gbk_chinese_ci",
                "SET SESSION character_set_connection := gbk",
            ][..],
        ),
        (
            "SET GLOBAL or SET PERSIST is not allowed: it would reach every user",
            &[
                "SET GLOBAL max_connections = 1",
                "SET @a = 1, global max_connections = 1",
                "SET @@GLOBAL.max_connections = 1",
                "SET PERSIST max_connections = 1",
                "SET @@persist_only . max_connections = 1",
            ],
        ),
        (
            "what the service's user may do is not a transaction's to change",
            &[
                "SET PASSWORD = 'a'",
                "SET PASSWORD FOR a@b = 'c'",
                "SET ROLE admin",
                "SET DEFAULT ROLE NONE TO a",
                "SET RESOURCE GROUP g",
            ],
        ),
        (
            "leave it as it is",
            &[
                "SET session_track_schema = OFF",
                "SET SESSION sql_log_bin = 0",
                "SET @@pseudo_thread_id = 5",
                "SET `pseudo_slave_mode`=1",
            ],
        ),
        (
            "set the variable in a statement of its own",
            &[
                "SET STATEMENT max_statement_time=1 FOR SELECT 1",
                "SET /* a */ statement a=1 FOR COMMIT",
            ],
        ),
        (
            "no variable of the server has such a name",
            &["SET autocommít = 1", "SET @@session.`ｓql_log_bin` = 0"],
        ),
        (
            "some servers run its content and some skip it",
            &[
                "SET /*!50000 autocommit = 1, */ a = 1",
                "SET a = 1 /*!50000 , autocommit = 1 */",
                "/*!50000 SET autocommit = 1 */",
                "START /*!50000 TRANSACTION */",
                "CREATE /*!50000 TEMPORARY */ TABLE t (a INT)",
                "DROP /*!50000 TEMPORARY */ TABLE t",
            ],
        ),
    ] {
        check_refused(MYSQL, &[FIRST, BEGUN], expected, statements);
    }
}
