//! Words that tell what a statement does.

/// Functions whose effect outlives the statement (MySQL Reference Manual,
/// "Locking Functions", "The Locking Service").
pub(super) const LOCK_FUNCTIONS: [&str; 6] = [
    "GET_LOCK",
    "RELEASE_LOCK",
    "RELEASE_ALL_LOCKS",
    "SERVICE_GET_READ_LOCKS",
    "SERVICE_GET_WRITE_LOCKS",
    "SERVICE_RELEASE_LOCKS",
];

/// Words that make another statement of one: in a `/*! … */` comment it would
/// depend on the server which of the two it is.
pub(super) const TURNING: [&str; 7] = [
    "TEMPORARY",
    "LOCAL",
    "PREPARE",
    "TRANSACTION",
    "ANALYZE",
    "LOCK",
    "EXPORT",
];

/// What SHOW shows of the last statement; COUNT(*) is of these alone.
pub(super) const DIAGNOSTICS: [&str; 3] = ["WARNINGS", "ERRORS", "COUNT"];

pub(super) const READS: [&str; 3] = ["SELECT", "VALUES", "TABLE"];
pub(super) const WRITES: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"];

/// First words of what defines or tends, in MySQL, MariaDB and SQLite.
pub(super) const DEFINES: [&str; 13] = [
    "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "OPTIMIZE", "REPAIR",
    "CHECK", "ANALYZE", "VACUUM", "REINDEX",
];

/// First words of what changes the session or its transaction.
pub(super) const SESSION: [&str; 11] = [
    "SET",
    "USE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "LOCK",
    "UNLOCK",
    "HANDLER",
    "GET",
];

/// First words after which another statement follows.
pub(super) const WRAPS: [&str; 5] = ["WITH", "EXPLAIN", "DESCRIBE", "DESC", "ANALYZE"];

/// The words that may stand before a parenthesis without calling anything of the
/// user's: built-in functions of MySQL and MariaDB (MariaDB's own list is
/// information_schema.SQL_FUNCTIONS), types, and keywords. Any other name there
/// may be a stored function, which may do what its caller does not show.
///
/// Lower case and sorted, for a binary search. What is missing here costs a
/// reset of the connection, no more.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "abs", "acos", "add_months", "adddate", "addtime", "aes_decrypt", "aes_encrypt", "all",
    "and", "any", "any_value", "as", "asin", "atan", "atan2", "avg", "benchmark", "between",
    "bin", "bin_to_uuid", "binary", "binlog_gtid_pos", "bit", "bit_and", "bit_count",
    "bit_length", "bit_or", "bit_xor", "by", "case", "cast", "ceil", "ceiling", "char",
    "char_length", "character_length", "chr", "coalesce", "coercibility", "collation",
    "column_check", "column_exists", "column_json", "column_list", "columns", "compress",
    "concat", "concat_ws", "connection_id", "conv", "convert_tz", "cos", "cot", "count",
    "crc32", "crc32c", "cross", "cume_dist", "curdate", "current_date", "current_time",
    "current_timestamp", "current_user", "curtime", "database", "date", "date_add",
    "date_format", "date_sub", "datediff", "datetime", "day", "dayname", "dayofmonth",
    "dayofweek", "dayofyear", "decimal", "decode", "degrees", "dense_rank", "des_decrypt",
    "des_encrypt", "distinct", "div", "double", "else", "elt", "encode", "encrypt", "end",
    "escape", "except", "exists", "exp", "export_set", "extract", "extractvalue", "field",
    "fields", "find_in_set", "first_value", "float", "floor", "for", "force", "format",
    "format_bytes", "found_rows", "from", "from_base64", "from_days", "from_unixtime",
    "geomfromtext", "greatest", "group_concat", "grouping", "having", "hex", "hour", "if",
    "ifnull", "ignore", "in", "index", "inet6_aton", "inet6_ntoa", "inet_aton", "inet_ntoa",
    "inner", "insert", "instr", "int", "integer", "intersect", "interval", "into", "is",
    "is_free_lock", "is_ipv4", "is_ipv4_compat", "is_ipv4_mapped", "is_ipv6", "is_used_lock",
    "is_uuid", "isnull", "join", "json_array", "json_array_append", "json_array_insert",
    "json_arrayagg", "json_compact", "json_contains", "json_contains_path", "json_depth",
    "json_detailed", "json_equals", "json_exists", "json_extract", "json_insert", "json_keys",
    "json_length", "json_loose", "json_merge", "json_merge_patch", "json_merge_preserve",
    "json_normalize", "json_object", "json_objectagg", "json_overlaps", "json_pretty",
    "json_query", "json_quote", "json_remove", "json_replace", "json_schema_valid",
    "json_search", "json_set", "json_storage_size", "json_table", "json_type", "json_unquote",
    "json_valid", "json_value", "key", "lag", "last_day", "last_insert_id", "lcase",
    "lead", "least", "left", "length", "lengthb", "like", "limit", "linestring", "ln",
    "load_file", "localtime", "localtimestamp", "locate", "log", "log10", "log2", "lower",
    "lpad", "ltrim", "make_set", "makedate", "maketime", "master_gtid_wait", "master_pos_wait",
    "max", "md5", "median", "microsecond", "mid", "min", "minute", "mod", "month", "monthname",
    "name_const", "natural", "natural_sort_key", "nchar", "nested", "nextval", "not", "now",
    "nth_value", "ntile", "nullif", "numeric", "nvl", "nvl2", "oct", "octet_length", "offset",
    "old_password", "on", "or", "ord", "order", "outer", "over", "partition", "password",
    "path", "percent_rank", "percentile_cont", "percentile_disc", "period_add", "period_diff",
    "pi", "point", "polygon", "position", "pow", "power", "primary", "quarter", "quote",
    "radians", "rand", "random_bytes", "range", "rank", "regexp", "regexp_instr",
    "regexp_like", "regexp_replace", "regexp_substr", "repeat", "replace", "returning",
    "reverse", "right", "rlike", "round", "row", "row_count", "row_number", "rows", "rpad",
    "rtrim", "schema", "schemas", "sec_to_time", "second", "select", "session_user", "set",
    "setval", "sformat", "sha", "sha1", "sha2", "sign", "signed", "sin", "sleep", "some",
    "soundex", "space", "sqrt", "st_area", "st_asbinary", "st_asgeojson", "st_astext",
    "st_aswkb", "st_aswkt", "st_buffer", "st_centroid", "st_contains", "st_distance",
    "st_distance_sphere", "st_equals", "st_geomfromgeojson", "st_geomfromtext",
    "st_geomfromwkb", "st_intersects", "st_isvalid", "st_latitude", "st_length",
    "st_longitude", "st_pointfromtext", "st_srid", "st_touches", "st_within", "st_x", "st_y",
    "std", "stddev", "stddev_pop", "stddev_samp", "str_to_date", "straight_join", "strcmp",
    "subdate", "substr", "substring", "substring_index", "subtime", "sum", "sys_guid",
    "system_user", "table", "tan", "then", "time", "time_format", "time_to_sec", "timediff",
    "timestamp", "timestampadd", "timestampdiff", "to_base64", "to_char", "to_days",
    "to_seconds", "trim", "truncate", "ucase", "uncompress", "uncompressed_length", "unhex",
    "union", "unique", "unix_timestamp", "unsigned", "update", "updatexml", "upper", "use",
    "user", "using", "utc_date", "utc_time", "utc_timestamp", "uuid", "uuid_short",
    "uuid_to_bin", "value", "values", "var_pop", "var_samp", "varbinary", "varchar",
    "variance", "version", "week", "weekday", "weekofyear", "when", "where", "with",
    "wsrep_last_seen_gtid", "wsrep_last_written_gtid", "wsrep_sync_wait_upto_gtid", "xor",
    "year", "yearweek",
];

/// The longest of them, in bytes.
const WORD_MAX: usize = 32;

/// Whether `name(` may call a stored function.
pub(super) fn may_be_stored(name: &str) -> bool {
    let mut lower = [0; WORD_MAX];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return true;
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    WORDS
        .binary_search_by(|word| word.as_bytes().cmp(lower))
        .is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_lower_case_and_short() {
        assert!(WORDS.is_sorted());
        for word in WORDS {
            assert!(word.len() <= WORD_MAX && !may_be_stored(word), "{word}");
        }
    }

    #[test]
    fn other_names_may_be_stored_functions() {
        for name in ["f", "", "my_function", "COUNTS", "übung", &"x".repeat(100)] {
            assert!(may_be_stored(name), "{name}");
        }
        assert!(!may_be_stored("CoUnT"));
    }
}
