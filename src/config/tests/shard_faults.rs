//! Faults of `[shards.NAME]` and `[shard_defaults]` other than in a URL.

use super::*;

/// As it stands.
fn whole(text: &str) -> String {
    text.to_owned()
}

fn mysql(line: &str) -> String {
    format!("[shards.a]\nurl = \"mysql://u@h/d\"\n{line}")
}

fn sqlite(line: &str) -> String {
    format!("[shards.a]\nurl = \"sqlite:a.db\"\n{line}")
}

fn socket(line: &str) -> String {
    format!("[shards.a]\nurl = \"mysql+unix://u@localhost/?socket=/s\"\n{line}")
}

fn defaults(line: &str) -> String {
    format!("[shards.a]\nurl = \"mysql://u@h/d\"\n[shard_defaults]\n{line}")
}

bad! { whole;
    nothing_at_all: "" =>
        " shards: no shard is configured; add a table such as [shards.users] with a url in it";
    no_shard_in_the_table: "[shards]" =>
        "1: shards: no shard is configured; add a table such as [shards.users] with a url in it";
    shards_that_are_a_list: "[[shards]]\nurl = \"sqlite:x\"" =>
        "1: shards: is a list; it must be a table, written [shards.NAME]";
    shards_that_are_a_number: "shards = 1" =>
        "1: shards: is a whole number; it must be a table, written [shards.NAME]";
    a_shard_that_is_a_string: "[shards]\na = \"sqlite:x\"" =>
        "2: shards.a: is a string; it must be a table, written [shards.NAME]";
    no_url: "[shards.a]\npool_max_connections = 1" =>
        "1: shards.a.url: is missing; it must be a URL such as mysql://user@host:3306/database, \
         mysql+unix://user@localhost/database?socket=/path or sqlite:path";
    a_url_that_is_a_number: "[shards.a]\nurl = 1" =>
        "2: shards.a.url: is a whole number; it must be a URL such as \
         mysql://user@host:3306/database, mysql+unix://user@localhost/database?socket=/path or \
         sqlite:path";
    an_empty_name: "[shards.\"\"]\nurl = \"sqlite:x\"" =>
        "1: shards.\"\": is not a shard's name; it must have from 1 to 64 of the characters A-Z \
         a-z 0-9 _ . -";
    a_name_with_a_space: "[shards.\"a b\"]\nurl = \"sqlite:x\"" =>
        "1: shards.\"a b\": is not a shard's name; it must have from 1 to 64 of the characters \
         A-Z a-z 0-9 _ . -";
    a_name_not_in_ascii: "[shards.\"é\"]\nurl = \"sqlite:x\"" =>
        "1: shards.\"é\": is not a shard's name; it must have from 1 to 64 of the characters A-Z \
         a-z 0-9 _ . -";
    a_long_name: &format!("[shards.{}]\nurl = \"sqlite:x\"", "n".repeat(65)) =>
        "1: shards.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…: is not a \
         shard's name; it must have from 1 to 64 of the characters A-Z a-z 0-9 _ . -";
    a_name_with_a_dot_and_no_quotes: "[shards.eu.users]\nurl = \"sqlite:x\"" =>
        "1: shards.eu.users: unknown key; a shard's name with a dot in it stands in quotes: \
         [shards.\"a.b\"]";
    names_that_differ_only_in_case:
        "[shards.users]\nurl = \"sqlite:x\"\n[shards.Users]\nurl = \"sqlite:x\"" =>
        "3: shards.Users: differs only in case from shards.users (line 1); rename one of them";
}

bad! { mysql;
    an_unknown_key: "pool_max_conections = 3" =>
        "3: shards.a.pool_max_conections: unknown key; the nearest known one is \
         pool_max_connections";
    a_part_of_a_known_key: "max_connections = 3" =>
        "3: shards.a.max_connections: unknown key; the nearest known one is pool_max_connections";
    a_part_of_the_url: "host = \"db\"" =>
        "3: shards.a.host: unknown key; it is a part of url: mysql://user@host:port/database";
    a_plain_password: "password = \"secret\"" =>
        "3: shards.a.password: unknown key; a password does not belong in this file; keep it in \
         a file named by password_file, or in an environment variable named by password_env";
    a_servers_key_in_a_shard: "sessions_max = 3" =>
        "3: shards.a.sessions_max: unknown key; it belongs in [server]";
    an_empty_pool: "pool_max_connections = 0" =>
        "3: shards.a.pool_max_connections: 0 is too small; it must be from 1 to 1000 (default 8)";
    a_pool_too_large: "pool_max_connections = 1001" =>
        "3: shards.a.pool_max_connections: 1001 is too large; it must be from 1 to 1000 (default \
         8)";
    more_connections_than_workers_by_default: "pool_max_connections = 1000" =>
        "3: shards.a.pool_max_connections: 1000 is more than the default of \
         server.worker_threads_max, which is 512, and each connection in use takes one worker; \
         lower it, or raise worker_threads_max";
    more_connections_than_workers:
        "pool_max_connections = 17\n[server]\nworker_threads_max = 16" =>
        "3: shards.a.pool_max_connections: 17 is more than server.worker_threads_max, which is \
         16, and each connection in use takes one worker; lower it, or raise worker_threads_max";
    faulty_workers_are_not_compared_with:
        "pool_max_connections = 1000\n[server]\nworker_threads_max = 0" =>
        "5: server.worker_threads_max: 0 is too small; it must be from 1 to 4096 (default 512)";
    no_queue: "queue_max_requests = 0" =>
        "3: shards.a.queue_max_requests: 0 is too small; it must be from 1 to 100000 (default \
         1000)";
    transactions_that_are_negative: "transactions_max = -1" =>
        "3: shards.a.transactions_max: -1 is too small; it must be from 0 to 999 (default half \
         of pool_max_connections)";
    too_many_transactions: "transactions_max = 1000" =>
        "3: shards.a.transactions_max: 1000 is too large; it must be from 0 to 999 (default half \
         of pool_max_connections)";
    transactions_that_take_the_whole_pool: "pool_max_connections = 2\ntransactions_max = 2" =>
        "4: shards.a.transactions_max: 2 is not less than shards.a.pool_max_connections, which is \
         2, and each transaction keeps a connection; lower it, or raise pool_max_connections";
    transactions_in_a_pool_of_one: "transactions_max = 1\npool_max_connections = 1" =>
        "3: shards.a.transactions_max: 1 is not less than shards.a.pool_max_connections, which is \
         1, and each transaction keeps a connection; lower it, or raise pool_max_connections";
    transactions_that_take_the_default_pool: "transactions_max = 8" =>
        "3: shards.a.transactions_max: 8 is not less than the default of pool_max_connections, \
         which is 8, and each transaction keeps a connection; lower it, or raise \
         pool_max_connections";
    transactions_that_take_all_workers: "transactions_max = 4\n[server]\nworker_threads_max = 4" =>
        "3: shards.a.transactions_max: 4 is not less than the default of pool_max_connections, \
         which is 4, and each transaction keeps a connection; lower it, or raise \
         pool_max_connections";
    transactions_are_not_compared_with_a_faulty_pool:
        "pool_max_connections = 0\ntransactions_max = 900" =>
        "3: shards.a.pool_max_connections: 0 is too small; it must be from 1 to 1000 (default 8)";
    a_long_time_that_is_negative: "long_statement_ms = -1" =>
        "3: shards.a.long_statement_ms: -1 is too small; it must be from 0 to 3600000 (default \
         100)";
    a_long_time_that_is_too_long: "long_statement_ms = 3600001" =>
        "3: shards.a.long_statement_ms: 3600001 is too large; it must be from 0 to 3600000 \
         (default 100)";
    no_long_statements: "long_statements_max = 0" =>
        "3: shards.a.long_statements_max: 0 is too small; it must be from 1 to 1000 (default \
         three quarters of pool_max_connections)";
    more_long_statements_than_connections:
        "pool_max_connections = 2\nlong_statements_max = 3" =>
        "4: shards.a.long_statements_max: 3 is more than shards.a.pool_max_connections, which is \
         2, and each statement takes a connection; lower it, or raise pool_max_connections";
    more_long_statements_than_the_default_pool: "long_statements_max = 9" =>
        "3: shards.a.long_statements_max: 9 is more than the default of pool_max_connections, \
         which is 8, and each statement takes a connection; lower it, or raise \
         pool_max_connections";
    long_statements_are_not_compared_with_a_faulty_pool:
        "pool_max_connections = 0\nlong_statements_max = 900" =>
        "3: shards.a.pool_max_connections: 0 is too small; it must be from 1 to 1000 (default 8)";
    no_connect_time: "connect_timeout_ms = 0" =>
        "3: shards.a.connect_timeout_ms: 0 is too small; it must be from 1 to 60000 (default \
         2000)";
    patience_without_end: "outage_patience_ms = 600001" =>
        "3: shards.a.outage_patience_ms: 600001 is too large; it must be from 0 to 600000 \
         (default 5000)";
    more_retries_than_requests: "retry_budget_percent = 101" =>
        "3: shards.a.retry_budget_percent: 101 is too large; it must be from 0 to 100 (default \
         20)";
    an_idle_time_too_short: "idle_timeout_ms = 999" =>
        "3: shards.a.idle_timeout_ms: 999 is too small; it must be from 1000 to 86400000 \
         (default 600000)";
    a_lifetime_too_short: "max_lifetime_ms = 0" =>
        "3: shards.a.max_lifetime_ms: 0 is too small; it must be from 1000 to 604800000 (default \
         1800000)";
    inverted_ages: "idle_timeout_ms = 5000\nmax_lifetime_ms = 4000" =>
        "3: shards.a.idle_timeout_ms: 5000 is more than shards.a.max_lifetime_ms, which is 4000; \
         lower it, or raise max_lifetime_ms";
    an_unsafe_charset: "charset = \"gbk\"" =>
        "3: shards.a.charset: \"gbk\" is refused: statements and results are UTF-8, and escaping \
         is not safe in some other character sets; it must be \"utf8mb4\" or \"utf8mb3\"";
    an_unsafe_charset_is_one_fault_with_its_collation:
        "charset = \"gbk\"\ncollation = \"gbk_bin\"" =>
        "3: shards.a.charset: \"gbk\" is refused: statements and results are UTF-8, and escaping \
         is not safe in some other character sets; it must be \"utf8mb4\" or \"utf8mb3\"";
    a_collation_of_another_charset: "collation = \"latin1_bin\"" =>
        "3: shards.a.collation: \"latin1_bin\" is not a collation of the character set utf8mb4 \
         (the default); it must begin with utf8mb4_";
    a_collation_of_the_other_charset: "charset = \"utf8mb3\"\ncollation = \"utf8mb4_bin\"" =>
        "4: shards.a.collation: \"utf8mb4_bin\" is not a collation of the character set utf8mb3 \
         (of shards.a.charset); it must begin with utf8mb3_";
    a_collation_with_quotes: "collation = \"utf8mb4_bin'\"" =>
        "3: shards.a.collation: \"utf8mb4_bin'\" is not a collation; it must be from 1 to 64 of \
         the characters a-z 0-9 _, such as \"utf8mb4_bin\"";
    a_bad_sql_mode: "sql_mode = \"ANSI; DROP\"" =>
        "3: shards.a.sql_mode: \"ANSI; DROP\" is not a mode; it must be a list of modes, such as \
         [\"STRICT_TRANS_TABLES\"], or a string of them with commas between";
    an_empty_word_in_the_sql_mode: "sql_mode = \"ANSI,,\"" =>
        "3: shards.a.sql_mode: \"\" is not a mode; it must be a list of modes, such as \
         [\"STRICT_TRANS_TABLES\"], or a string of them with commas between";
    a_bad_sql_mode_in_a_list: "sql_mode = [\"ANSI\", \"a'b\"]" =>
        "3: shards.a.sql_mode[1]: \"a'b\" is not a mode; it must be a list of modes, such as \
         [\"STRICT_TRANS_TABLES\"], or a string of them with commas between";
    a_sql_mode_that_is_a_number: "sql_mode = 1" =>
        "3: shards.a.sql_mode: is a whole number; it must be a list of modes, such as \
         [\"STRICT_TRANS_TABLES\"], or a string of them with commas between";
    a_time_zone_with_quotes: "time_zone = \"UTC'\"" =>
        "3: shards.a.time_zone: \"UTC'\" is not a time zone; it must be \"SYSTEM\", an offset \
         from \"-13:59\" to \"+14:00\", or a name that the server knows, such as \"Europe/Rome\"";
    a_time_zone_beyond_the_range: "time_zone = \"+14:01\"" =>
        "3: shards.a.time_zone: \"+14:01\" is not a time zone; it must be \"SYSTEM\", an offset \
         from \"-13:59\" to \"+14:00\", or a name that the server knows, such as \"Europe/Rome\"";
    a_time_zone_below_the_range: "time_zone = \"-14:00\"" =>
        "3: shards.a.time_zone: \"-14:00\" is not a time zone; it must be \"SYSTEM\", an offset \
         from \"-13:59\" to \"+14:00\", or a name that the server knows, such as \"Europe/Rome\"";
    a_time_zone_with_one_digit: "time_zone = \"+1:00\"" =>
        "3: shards.a.time_zone: \"+1:00\" is not a time zone; it must be \"SYSTEM\", an offset \
         from \"-13:59\" to \"+14:00\", or a name that the server knows, such as \"Europe/Rome\"";
    an_empty_time_zone: "time_zone = \"\"" =>
        "3: shards.a.time_zone: is empty; it must be \"SYSTEM\", an offset from \"-13:59\" to \
         \"+14:00\", or a name that the server knows, such as \"Europe/Rome\"";
    tls_that_is_true: "tls = true" =>
        "3: shards.a.tls: is a boolean; it must be one of \"disabled\", \"required\", \
         \"verify_ca\", \"verify_identity\"";
    tls_that_is_unknown: "tls = \"on\"" =>
        "3: shards.a.tls: \"on\" is unknown; it must be one of \"disabled\", \"required\", \
         \"verify_ca\", \"verify_identity\"";
    a_ca_without_tls: "tls_ca_file = \"/dev/null\"" =>
        "3: shards.a.tls_ca_file: has no effect while tls is \"disabled\"; set tls = \
         \"verify_identity\", or remove it";
    a_ca_that_is_not_used: "tls = \"required\"\ntls_ca_file = \"/dev/null\"" =>
        "4: shards.a.tls_ca_file: has no effect with tls = \"required\", which checks no \
         certificate; set tls = \"verify_ca\" or \"verify_identity\", or remove it";
    a_ca_that_is_missing: "tls = \"verify_ca\"\ntls_ca_file = \"ca.pem\"" =>
        "4: shards.a.tls_ca_file: /srv/forebay/ca.pem cannot be read (No such file or directory \
         (os error 2)); name a PEM file that the service may read";
    a_ca_that_is_a_folder: "tls = \"verify_ca\"\ntls_ca_file = \"/dev\"" =>
        "4: shards.a.tls_ca_file: /dev cannot be read (is a directory); name a PEM file that the \
         service may read";
    a_certificate_without_its_key: "tls = \"required\"\ntls_cert_file = \"/dev/null\"" =>
        "4: shards.a.tls_cert_file: is given without tls_key_file; give both or none";
    a_key_without_its_certificate: "tls = \"required\"\ntls_key_file = \"/dev/null\"" =>
        "4: shards.a.tls_key_file: is given without tls_cert_file; give both or none";
    an_unknown_path: "statements = \"text\"" =>
        "3: shards.a.statements: \"text\" is unknown; it must be one of \"escaped\", \"prepared\"";
    a_path_that_is_a_boolean: "statements = true" =>
        "3: shards.a.statements: is a boolean; it must be one of \"escaped\", \"prepared\"";
    no_prepared_statements: "statements = \"prepared\"\nprepared_statements_max = 0" =>
        "4: shards.a.prepared_statements_max: 0 is too small; it must be from 1 to 10000 (default \
         64)";
    too_many_prepared_statements: "statements = \"prepared\"\nprepared_statements_max = 10001" =>
        "4: shards.a.prepared_statements_max: 10001 is too large; it must be from 1 to 10000 \
         (default 64)";
    prepared_statements_that_are_never_used: "prepared_statements_max = 64" =>
        "3: shards.a.prepared_statements_max: has no effect while statements is \"escaped\"; set \
         statements = \"prepared\", or remove it";
    a_faulty_path_is_one_fault: "statements = \"\"\nprepared_statements_max = 64" =>
        "3: shards.a.statements: is empty; it must be one of \"escaped\", \"prepared\"";
    an_unknown_count_of_rows: "affected_rows = \"found\"" =>
        "3: shards.a.affected_rows: \"found\" is unknown; it must be one of \"changed\", \
         \"matched\"";
    a_misspelt_key_of_mysql: "prepared_statement_max = 64" =>
        "3: shards.a.prepared_statement_max: unknown key; the nearest known one is \
         prepared_statements_max";
    a_password_file_that_is_missing: "password_file = \"none\"" =>
        "3: shards.a.password_file: /srv/forebay/none cannot be read (No such file or directory \
         (os error 2)); name a file that holds the password, and that the service may read";
    a_password_file_that_is_a_folder: "password_file = \"/dev\"" =>
        "3: shards.a.password_file: /dev cannot be read (Is a directory (os error 21)); name a \
         file that holds the password, and that the service may read";
    a_password_file_that_is_empty: "password_file = \"/dev/null\"" =>
        "3: shards.a.password_file: /dev/null is empty; put the password in it, or remove the \
         key if there is none";
    a_password_file_without_end: "password_file = \"/dev/zero\"" =>
        "3: shards.a.password_file: /dev/zero has more than 4096 bytes; name a file that holds \
         the password alone";
    a_variable_that_is_not_set: "password_env = \"UNSET\"" =>
        "3: shards.a.password_env: the environment variable UNSET is not set; set it to the \
         password before the start, or use password_file";
    a_variable_that_is_empty: "password_env = \"EMPTY\"" =>
        "3: shards.a.password_env: the environment variable EMPTY is empty; set it to the \
         password, or remove the key if there is none";
    a_variable_that_is_not_utf8: "password_env = \"NOT_UTF8\"" =>
        "3: shards.a.password_env: the environment variable NOT_UTF8 is not UTF-8 text";
    a_variable_that_is_no_name: "password_env = \"secret!\"" =>
        "3: shards.a.password_env: is not the name of an environment variable; it must be of \
         letters, digits and _, and it is the variable that holds the password";
    a_password_env_that_is_empty: "password_env = \"\"" =>
        "3: shards.a.password_env: is empty; it must be the name of a variable";
}

bad! { sqlite;
    sqlite_with_a_charset: "charset = \"utf8mb4\"" =>
        "3: shards.a.charset: has no meaning for an SQLite shard; remove it";
    sqlite_with_tls: "tls = \"disabled\"" =>
        "3: shards.a.tls: has no meaning for an SQLite shard; remove it";
    sqlite_with_a_path_of_statements: "statements = \"escaped\"" =>
        "3: shards.a.statements: has no meaning for an SQLite shard; remove it";
    sqlite_with_prepared_statements: "prepared_statements_max = 64" =>
        "3: shards.a.prepared_statements_max: has no meaning for an SQLite shard; remove it";
    sqlite_with_a_count_of_rows: "affected_rows = \"matched\"" =>
        "3: shards.a.affected_rows: has no meaning for an SQLite shard; remove it";
    sqlite_with_too_many_transactions: "transactions_max = 8" =>
        "3: shards.a.transactions_max: 8 is not less than the default of pool_max_connections, \
         which is 8, and each transaction keeps a connection; lower it, or raise \
         pool_max_connections";
    sqlite_with_a_password: "password_env = \"USERS_PASSWORD\"" =>
        "3: shards.a.password_env: has no meaning for an SQLite shard; remove it";
}

bad! { socket;
    a_socket_with_tls: "tls = \"required\"" =>
        "3: shards.a.tls: has no meaning on a Unix socket, where nothing is encrypted; remove it";
    a_socket_with_a_ca: "tls_ca_file = \"/dev/null\"" =>
        "3: shards.a.tls_ca_file: has no meaning on a Unix socket, where nothing is encrypted; \
         remove it";
}

bad! { defaults;
    a_default_url: "url = \"sqlite:x\"" =>
        "4: shard_defaults.url: unknown key; it belongs in [shards.NAME]";
    a_default_password: "password_file = \"x\"" =>
        "4: shard_defaults.password_file: unknown key; it belongs in [shards.NAME]";
    an_unknown_default: "pool_max = 1" =>
        "4: shard_defaults.pool_max: unknown key; the nearest known one is pool_max_connections";
    a_default_out_of_range: "pool_max_connections = 0" =>
        "4: shard_defaults.pool_max_connections: 0 is too small; it must be from 1 to 1000 \
         (default 8)";
    a_default_of_more_connections_than_workers: "pool_max_connections = 513" =>
        "4: shard_defaults.pool_max_connections: 513 is more than the default of \
         server.worker_threads_max, which is 512, and each connection in use takes one worker; \
         lower it, or raise worker_threads_max";
    a_default_of_too_many_transactions: "pool_max_connections = 4\ntransactions_max = 4" =>
        "5: shard_defaults.transactions_max: 4 is not less than \
         shard_defaults.pool_max_connections, which is 4, and each transaction keeps a \
         connection; lower it, or raise pool_max_connections";
    a_default_of_an_unknown_path: "statements = \"binary\"" =>
        "4: shard_defaults.statements: \"binary\" is unknown; it must be one of \"escaped\", \
         \"prepared\"";
    a_default_certificate_without_its_key: "tls = \"required\"\ntls_cert_file = \"/dev/null\"" =>
        "5: shard_defaults.tls_cert_file: is given without tls_key_file; give both or none";
}

#[test]
fn both_sources_of_a_password() {
    let text = mysql("password_file = \"none\"\npassword_env = \"USERS_PASSWORD\"");
    let errors = parse_text(&text).expect_err("both");
    let messages: Vec<_> = errors.faults().iter().map(|fault| &fault.message).collect();
    assert_eq!(messages.len(), 2, "{errors}");
    assert_eq!(
        messages[1],
        "is given beside password_file; remove one of the two"
    );
}

#[test]
fn a_password_file_with_two_lines() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("password");
    std::fs::write(&path, "one\nsecret\n").expect("written");
    let errors = parse_in(&mysql("password_file = \"password\""), folder.path());
    let shown = errors.expect_err("two lines").to_string();
    assert!(shown.contains("more than one line"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn too_many_shards() {
    let shard = |number| format!("[shards.s{number}]\nurl = \"sqlite::memory:\"\n");
    let text: String = (0..=4096).map(shard).collect();
    assert_eq!(
        faults_of(&text),
        "forebay.toml:1: shards: 4097 shards are configured; there must be at most 4096"
    );
}
