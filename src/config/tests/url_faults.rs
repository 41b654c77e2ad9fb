//! Faults of a shard's URL. None of them may repeat what could be a password.

use super::bad;

fn url(url: &str) -> String {
    format!("[shards.a]\nurl = \"{url}\"")
}

bad! { url;
    empty: "" =>
        "2: shards.a.url: is empty; it must be a URL such as mysql://user@host:3306/database, \
         mysql+unix://user@localhost/database?socket=/path or sqlite:path";
    no_scheme: "localhost" =>
        "2: shards.a.url: does not begin with a known scheme; write \
         mysql://user@host:port/database, \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock, sqlite:path or \
         sqlite::memory:";
    another_scheme: "postgres://u:secret@h/d" =>
        "2: shards.a.url: has an unknown scheme (postgres); write \
         mysql://user@host:port/database, \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock, sqlite:path or \
         sqlite::memory:";
    one_slash: "mysql:/u@h/d" =>
        "2: shards.a.url: does not begin with a known scheme; write \
         mysql://user@host:port/database, \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock, sqlite:path or \
         sqlite::memory:";
    a_space: "mysql://u@h/my db" =>
        "2: shards.a.url: has a space or a control character in it; percent-encode it (%20)";
    a_newline: "mysql://u@h/db\\n" =>
        "2: shards.a.url: has a space or a control character in it; percent-encode it (%20)";
    no_user: "mysql://db/users" =>
        "2: shards.a.url: has no user; write mysql://user@host:port/database, and any of : / ? # \
         @ % in the user's name percent-encoded (%3A %2F %3F %23 %40 %25)";
    an_empty_user: "mysql://@db/users" =>
        "2: shards.a.url: must have a user's name of 1 to 128 characters; write \
         mysql://user@host:port/database";
    a_long_user: &format!("mysql://{}@h", "u".repeat(129)) =>
        "2: shards.a.url: must have a user's name of 1 to 128 characters; write \
         mysql://user@host:port/database";
    a_password: "mysql://u:secret@h/d" =>
        "2: shards.a.url: has a password in it; remove it, and keep it in a file named by \
         password_file, or in an environment variable named by password_env";
    an_empty_password: "mysql://u:@h/d" =>
        "2: shards.a.url: has a password in it; remove it, and keep it in a file named by \
         password_file, or in an environment variable named by password_env";
    a_password_with_a_slash: "mysql://u:sec/ret@h/d" =>
        "2: shards.a.url: has a password in it; remove it, and keep it in a file named by \
         password_file, or in an environment variable named by password_env";
    a_second_at: "mysql://u@v@h/d" =>
        "2: shards.a.url: has a second @; write %40 where one is part of the user's name";
    no_host: "mysql://u@/d" =>
        "2: shards.a.url: has no valid host: a name of letters, digits, - and dots, or an \
         address; write mysql://user@host:port/database";
    a_bad_host: "mysql://u@my_host!/d" =>
        "2: shards.a.url: has no valid host: a name of letters, digits, - and dots, or an \
         address; write mysql://user@host:port/database";
    a_bad_ipv4: "mysql://u@10.0.0/d" =>
        "2: shards.a.url: has no valid host: a name of letters, digits, - and dots, or an \
         address; write mysql://user@host:port/database";
    a_bare_ipv6: "mysql://u@::1/d" =>
        "2: shards.a.url: has a bare IPv6 address or a second port; write IPv6 as [::1]:3306";
    a_bad_ipv6: "mysql://u@[::g]/d" =>
        "2: shards.a.url: has no IPv6 address between its brackets; write it as [::1]";
    an_open_bracket: "mysql://u@[::1/d" =>
        "2: shards.a.url: has a [ without its ]; write an IPv6 address as [::1]";
    text_after_a_bracket: "mysql://u@[::1]3306/d" =>
        "2: shards.a.url: has no valid port; it must be from 1 to 65535, or left out for 3306";
    port_zero: "mysql://u@h:0/d" =>
        "2: shards.a.url: has no valid port; it must be from 1 to 65535, or left out for 3306";
    a_port_too_large: "mysql://u@h:65536/d" =>
        "2: shards.a.url: has no valid port; it must be from 1 to 65535, or left out for 3306";
    a_port_that_is_no_number: "mysql://u@h:port/d" =>
        "2: shards.a.url: has no valid port; it must be from 1 to 65535, or left out for 3306";
    no_port_after_the_colon: "mysql://u@h:/d" =>
        "2: shards.a.url: has no valid port; it must be from 1 to 65535, or left out for 3306";
    two_databases: "mysql://u@h/a/b" =>
        "2: shards.a.url: has more than a database after the host; write %2F for a / in its name";
    a_long_database: &format!("mysql://u@h/{}", "d".repeat(65)) =>
        "2: shards.a.url: has a database's name of more than 64 characters; MySQL has no such \
         database";
    a_bad_percent: "mysql://u@h/100%" =>
        "2: shards.a.url: has a % in the database's name without two hexadecimal digits after \
         it; write %25 for a plain %";
    bytes_that_are_not_utf8: "mysql://u@h/%ff" =>
        "2: shards.a.url: has bytes in the database's name that are not printable UTF-8 text; \
         percent-encode UTF-8";
    an_encoded_nul: "mysql://u%00@h/d" =>
        "2: shards.a.url: has bytes in the user's name that are not printable UTF-8 text; \
         percent-encode UTF-8";
    parameters: "mysql://u@h/d?charset=utf8mb4" =>
        "2: shards.a.url: has parameters after a ?; give them as keys of the shard: charset, \
         collation, sql_mode, time_zone, tls, connect_timeout_ms (a ? in a name is written %3F)";
    a_fragment: "mysql://u@h/d#x" =>
        "2: shards.a.url: has a #; write %23 where one is part of a name";
    a_socket_missing: "mysql+unix://u@localhost/d" =>
        "2: shards.a.url: must have the socket's path as its only parameter; write \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock";
    a_socket_as_the_path: "mysql+unix://u@/run/mysqld.sock" =>
        "2: shards.a.url: must have the host localhost, where a Unix socket always is; write \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock";
    a_socket_that_is_relative: "mysql+unix://u@localhost/d?socket=mysqld.sock" =>
        "2: shards.a.url: has a socket whose path is not absolute; write \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock";
    a_socket_with_a_long_path:
        &format!("mysql+unix://u@localhost/?socket=/{}", "x".repeat(107)) =>
        "2: shards.a.url: has a socket whose path is longer than 107 bytes; no program can \
         connect to it";
    a_socket_and_more: "mysql+unix://u@localhost/d?socket=/s&charset=utf8" =>
        "2: shards.a.url: must have the socket's path as its only parameter; write \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock";
    a_socket_on_another_host: "mysql+unix://u@db/d?socket=/s" =>
        "2: shards.a.url: must have the host localhost, where a Unix socket always is; write \
         mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock";
    sqlite_without_a_path: "sqlite:" =>
        "2: shards.a.url: has no path; write sqlite:path or sqlite::memory:";
    sqlite_with_slashes: "sqlite:///var/a.db" =>
        "2: shards.a.url: has no plain path; write sqlite:/absolute/path, sqlite:relative/path \
         or sqlite::memory:";
    sqlite_with_parameters: "sqlite:a.db?mode=ro" =>
        "2: shards.a.url: has a ?, a # or a control character in its path; an SQLite URL takes \
         no parameters: write sqlite:path alone";
    sqlite_with_its_own_uri: "sqlite:file:a.db" =>
        "2: shards.a.url: has no plain path; write sqlite:/absolute/path, sqlite:relative/path \
         or sqlite::memory:";
    sqlite_that_is_nearly_in_memory: "sqlite::memory" =>
        "2: shards.a.url: has no plain path; write sqlite:/absolute/path, sqlite:relative/path \
         or sqlite::memory:";
}
