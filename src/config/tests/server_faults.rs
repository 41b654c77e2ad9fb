//! Faults of the syntax, the top level, `[server]` and `[log]`.

use super::bad;

/// A shard first, in two lines.
fn with_shard(text: &str) -> String {
    format!("[shards.a]\nurl = \"sqlite::memory:\"\n{text}")
}

fn server(line: &str) -> String {
    with_shard(&format!("[server]\n{line}"))
}

fn log(line: &str) -> String {
    with_shard(&format!("[log]\n{line}"))
}

bad! { with_shard;
    not_toml: "[log\n" =>
        "3: column 5 is not valid TOML: unclosed table, expected `]`; write key = value, with \
         strings in quotes, and tables as [name]";
    a_value_without_quotes: "[log]\nlevel = debug\n" =>
        "4: column 9 is not valid TOML: string values must be quoted, expected literal string; \
         write key = value, with strings in quotes, and tables as [name]";
    an_unknown_table: "[sever]\n" => "3: sever: unknown key; the nearest known one is server";
    a_table_like_no_other: "[metrics]\n" =>
        "3: metrics: unknown key; the known ones are server, log, shard_defaults, shards";
    a_server_that_is_no_table: "[[server]]\nio_threads = 1" =>
        "3: server: is a list; it must be a table, written [server]";
    a_table_twice: "[log]\nlevel = \"info\"\n[log]\nformat = \"json\"\n" =>
        "5: log: is there twice (first on line 3); put everything under one of them";
    a_shard_twice: "[shards.a]\nurl = \"sqlite:x\"\n" =>
        "3: shards.a: is there twice (first on line 1); give one of the two shards another name, \
         or remove it";
    a_key_twice_in_a_line: "[shards]\nb = { url = \"sqlite:secret\", url = \"sqlite:x\" }\n" =>
        "4: shards.b.url: is there twice; remove one of them";
    a_key_twice: "[log]\nlevel = \"info\"\nlevel = \"warn\"\n" =>
        "5: log.level: is there twice; remove one of them";
}

bad! { server;
    an_unknown_key: "worker_thread_max = 3" =>
        "4: server.worker_thread_max: unknown key; the nearest known one is worker_threads_max";
    a_key_like_no_other: "zzz = 3" =>
        "4: server.zzz: unknown key; the known ones are listen, http_listen, io_threads, \
         worker_threads_max, request_max_bytes, request_memory_max_bytes, result_max_bytes, \
         result_max_rows, \
         result_memory_max_bytes, multi_items_max, multi_parallel_max, batch_steps_max, digests_max, \
         default_timeout_ms, max_timeout_ms, transaction_idle_timeout_ms, \
         transaction_timeout_ms, sessions_max, sessions_per_peer_max, \
         session_idle_timeout_ms, message_timeout_ms, write_timeout_ms, reply_grace_ms, \
         drain_timeout_ms";
    a_key_of_another_table: "level = \"info\"" =>
        "4: server.level: unknown key; it belongs in [log]";
    a_shards_key_in_the_server: "queue_max_requests = 10" =>
        "4: server.queue_max_requests: unknown key; it belongs in [shards.NAME] or \
         [shard_defaults]";
    no_io_threads: "io_threads = 0" =>
        "4: server.io_threads: 0 is too small; it must be from 1 to 16 (default 1 or 2, by the \
         number of processors)";
    a_negative_number: "io_threads = -1" =>
        "4: server.io_threads: -1 is too small; it must be from 1 to 16 (default 1 or 2, by the \
         number of processors)";
    no_workers: "worker_threads_max = 0" =>
        "4: server.worker_threads_max: 0 is too small; it must be from 1 to 4096 (default 512)";
    too_many_workers: "worker_threads_max = 4097" =>
        "4: server.worker_threads_max: 4097 is too large; it must be from 1 to 4096 (default 512)";
    a_number_beyond_all_ranges: "sessions_max = 999999999999999999999999999999999999999999999" =>
        "4: server.sessions_max: 999999999999999999999999999999999999999999999 is too large; it \
         must be from 1 to 1000000 (default 15000)";
    a_number_below_all_ranges: "sessions_max = -999999999999999999999999999999999999999999999" =>
        "4: server.sessions_max: -999999999999999999999999999999999999999999999 is too small; it \
         must be from 1 to 1000000 (default 15000)";
    a_number_in_quotes: "sessions_max = \"100\"" =>
        "4: server.sessions_max: is a string; it must be a whole number from 1 to 1000000 \
         (default 15000), without quotes";
    a_number_with_a_fraction: "sessions_max = 1.5" =>
        "4: server.sessions_max: is a number with a fraction; it must be a whole number from 1 \
         to 1000000 (default 15000)";
    a_number_that_is_a_list: "sessions_max = [1]" =>
        "4: server.sessions_max: is a list; it must be a whole number from 1 to 1000000 (default \
         15000)";
    a_request_too_large: "request_max_bytes = 16384000" =>
        "4: server.request_max_bytes: 16384000 is too large; it must be from 1024 to 16383999 \
         (default 16000000)";
    a_result_too_small: "result_max_bytes = 0" =>
        "4: server.result_max_bytes: 0 is too small; it must be from 1024 to 16383999 (default \
         16000000)";
    no_rows: "result_max_rows = 0" =>
        "4: server.result_max_rows: 0 is too small; it must be from 1 to 100000000 (default \
         1000000)";
    a_result_memory_too_small: "result_memory_max_bytes = 1048575" =>
        "4: server.result_memory_max_bytes: 1048575 is too small; it must be from 1048576 to \
         1099511627776 (default 512000000)";
    a_result_memory_too_large: "result_memory_max_bytes = 1099511627777" =>
        "4: server.result_memory_max_bytes: 1099511627777 is too large; it must be from 1048576 \
         to 1099511627776 (default 512000000)";
    a_result_memory_less_than_twice_a_result:
        "result_max_bytes = 1000000\nresult_memory_max_bytes = 1999999" =>
        "5: server.result_memory_max_bytes: 1999999 is less than twice server.result_max_bytes, \
         which is 1000000, and a result is in memory twice while it is encoded; raise it to \
         2000000 or more, or lower result_max_bytes";
    a_result_memory_less_than_twice_the_default: "result_memory_max_bytes = 31999999" =>
        "4: server.result_memory_max_bytes: 31999999 is less than twice the default of \
         result_max_bytes, which is 16000000, and a result is in memory twice while it is \
         encoded; raise it to 32000000 or more, or lower result_max_bytes";
    a_request_memory_less_than_twice_a_request:
        "request_max_bytes = 1000000\nrequest_memory_max_bytes = 1999999" =>
        "5: server.request_memory_max_bytes: 1999999 is less than twice \
         server.request_max_bytes, which is 1000000, and a buffer may be twice as large as the \
         request that it is filled with; raise it to 2000000 or more, or lower request_max_bytes";
    no_sessions_of_a_peer: "sessions_per_peer_max = 0" =>
        "4: server.sessions_per_peer_max: 0 is too small; it must be from 1 to 1000000 (default \
         4000)";
    no_grace_for_replies: "reply_grace_ms = 0" =>
        "4: server.reply_grace_ms: 0 is too small; it must be from 1 to 600000 (default 250)";
    a_faulty_result_is_not_compared_with:
        "result_max_bytes = 0\nresult_memory_max_bytes = 1048576" =>
        "4: server.result_max_bytes: 0 is too small; it must be from 1024 to 16383999 (default \
         16000000)";
    no_items: "multi_items_max = 0" =>
        "4: server.multi_items_max: 0 is too small; it must be from 1 to 10000 (default 256)";
    too_many_items: "multi_items_max = 10001" =>
        "4: server.multi_items_max: 10001 is too large; it must be from 1 to 10000 (default 256)";
    no_parallel_items: "multi_parallel_max = 0" =>
        "4: server.multi_parallel_max: 0 is too small; it must be from 1 to 1000 (default 4)";
    too_many_parallel_items: "multi_parallel_max = 1001" =>
        "4: server.multi_parallel_max: 1001 is too large; it must be from 1 to 1000 (default 4)";
    no_steps: "batch_steps_max = 0" =>
        "4: server.batch_steps_max: 0 is too small; it must be from 1 to 10000 (default 1000)";
    too_many_steps: "batch_steps_max = \"many\"" =>
        "4: server.batch_steps_max: is a string; it must be a whole number from 1 to 10000 \
         (default 1000), without quotes";
    a_misspelt_limit: "batch_step_max = 3" =>
        "4: server.batch_step_max: unknown key; the nearest known one is batch_steps_max";
    too_many_digests: "digests_max = 100001" =>
        "4: server.digests_max: 100001 is too large; it must be from 0 to 100000 (default 1000)";
    no_transaction_idle_time: "transaction_idle_timeout_ms = 0" =>
        "4: server.transaction_idle_timeout_ms: 0 is too small; it must be from 1 to 3600000 \
         (default 10000)";
    no_transaction_time: "transaction_timeout_ms = 0" =>
        "4: server.transaction_timeout_ms: 0 is too small; it must be from 1 to 3600000 (default \
         60000)";
    a_transaction_too_long: "transaction_timeout_ms = 3600001" =>
        "4: server.transaction_timeout_ms: 3600001 is too large; it must be from 1 to 3600000 \
         (default 60000)";
    inverted_transaction_timeouts:
        "transaction_idle_timeout_ms = 5001\ntransaction_timeout_ms = 5000" =>
        "4: server.transaction_idle_timeout_ms: 5001 is more than server.transaction_timeout_ms, \
         which is 5000; lower it, or raise transaction_timeout_ms";
    a_transaction_idle_longer_than_the_default: "transaction_idle_timeout_ms = 60001" =>
        "4: server.transaction_idle_timeout_ms: 60001 is more than the default of \
         transaction_timeout_ms, which is 60000; lower it, or raise transaction_timeout_ms";
    a_pools_key_in_the_server: "transactions_max = 3" =>
        "4: server.transactions_max: unknown key; it belongs in [shards.NAME] or [shard_defaults]";
    no_idle_time: "session_idle_timeout_ms = 0" =>
        "4: server.session_idle_timeout_ms: 0 is too small; it must be from 1000 to 604800000 \
         (default 28800000)";
    no_message_time: "message_timeout_ms = 0" =>
        "4: server.message_timeout_ms: 0 is too small; it must be from 1 to 600000 (default \
         10000)";
    no_write_time: "write_timeout_ms = 0" =>
        "4: server.write_timeout_ms: 0 is too small; it must be from 1 to 600000 (default 10000)";
    no_drain_time: "drain_timeout_ms = 0" =>
        "4: server.drain_timeout_ms: 0 is too small; it must be from 1 to 600000 (default 10000)";
    inverted_timeouts: "max_timeout_ms = 1000\ndefault_timeout_ms = 2000" =>
        "5: server.default_timeout_ms: 2000 is more than server.max_timeout_ms, which is 1000; \
         lower it, or raise max_timeout_ms";
    a_timeout_above_the_default_maximum: "default_timeout_ms = 60001" =>
        "4: server.default_timeout_ms: 60001 is more than the default of max_timeout_ms, which \
         is 60000; lower it, or raise max_timeout_ms";
    a_faulty_maximum_is_not_compared_with: "default_timeout_ms = 70000\nmax_timeout_ms = 0" =>
        "5: server.max_timeout_ms: 0 is too small; it must be from 1 to 86400000 (default 60000)";
    listen_that_is_a_number: "listen = 9090" =>
        "4: server.listen: is a whole number; it must be a list of addresses, such as \
         [\"127.0.0.1:9090\"]";
    listen_with_a_number: "listen = [9090]" =>
        "4: server.listen[0]: is a whole number; it must be a string";
    no_address: "listen = []" =>
        "4: server.listen: is empty; it must be a list of addresses, such as [\"127.0.0.1:9090\"]";
    too_many_addresses: &format!("listen = [{}]", "\":1\",".repeat(65)) =>
        "4: server.listen: has 65 addresses; it must have at most 64";
    an_address_twice: "listen = [\":9090\", \"[::]:9090\"]" =>
        "4: server.listen[1]: [::]:9090 is there twice; remove one of them";
    an_address_without_a_port: "listen = \"localhost\"" =>
        "4: server.listen: \"localhost\" has no port; write host:port, [ipv6]:port, :port for \
         every interface, or unix:/path";
    an_address_with_a_port_too_large: "listen = [\"localhost:65536\"]" =>
        "4: server.listen[0]: \"localhost:65536\" has no port from 0 to 65535; write host:port, \
         [ipv6]:port, :port for every interface, or unix:/path";
    an_address_with_a_signed_port: "listen = [\"localhost:+1\"]" =>
        "4: server.listen[0]: \"localhost:+1\" has no port from 0 to 65535; write host:port, \
         [ipv6]:port, :port for every interface, or unix:/path";
    an_address_that_is_a_url: "listen = [\"tcp://localhost:1\"]" =>
        "4: server.listen[0]: \"tcp://localhost:1\" is a URL, not an address; write host:port, \
         [ipv6]:port, :port for every interface, or unix:/path";
    an_address_of_ipv6_without_brackets: "listen = [\"::1:9090\"]" =>
        "4: server.listen[0]: \"::1:9090\" has an IPv6 address without brackets; write \
         host:port, [ipv6]:port, :port for every interface, or unix:/path";
    an_address_of_no_ipv6: "listen = [\"[localhost]:9090\"]" =>
        "4: server.listen[0]: \"[localhost]:9090\" has no IPv6 address between its brackets; \
         write host:port, [ipv6]:port, :port for every interface, or unix:/path";
    an_address_of_no_ipv4: "listen = [\"127.0.0.256:9090\"]" =>
        "4: server.listen[0]: \"127.0.0.256:9090\" has no valid host; write host:port, \
         [ipv6]:port, :port for every interface, or unix:/path";
    an_address_with_a_space: "listen = [\"my host:9090\"]" =>
        "4: server.listen[0]: \"my host:9090\" has no valid host; write host:port, [ipv6]:port, \
         :port for every interface, or unix:/path";
    http_on_two_addresses: "http_listen = [\"127.0.0.1:9091\"]" =>
        "4: server.http_listen: is a list; it must be an address, such as \"127.0.0.1:9091\"";
    http_without_a_port: "http_listen = \"localhost\"" =>
        "4: server.http_listen: \"localhost\" has no port; write host:port, [ipv6]:port, :port for \
         every interface, or unix:/path";
    http_where_thrift_is: "http_listen = \"127.0.0.1:9090\"" =>
        "4: server.http_listen: 127.0.0.1:9090 is in listen as well; give it one of its own";
    a_socket_without_a_path: "listen = [\"unix:\"]" =>
        "4: server.listen[0]: the path of the Unix socket is missing; write unix:/path";
    a_socket_with_a_long_path: &format!("listen = [\"unix:/{}\"]", "x".repeat(107)) =>
        "4: server.listen[0]: the path of the Unix socket has 108 bytes; it must have at most 107";
}

bad! { log;
    an_unknown_level: "level = \"loud\"" =>
        "4: log.level: \"loud\" is unknown; it must be one of \"error\", \"warn\", \"info\", \
         \"debug\", \"trace\"";
    a_level_that_is_no_string: "level = true" =>
        "4: log.level: is a boolean; it must be one of \"error\", \"warn\", \"info\", \"debug\", \
         \"trace\"";
    an_empty_format: "format = \"\"" =>
        "4: log.format: is empty; it must be one of \"human\", \"json\"";
    an_unknown_log_key: "formt = \"json\"" =>
        "4: log.formt: unknown key; the nearest known one is format";
}
