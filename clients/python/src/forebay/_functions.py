"""Whether a SELECT may change something by a function that it calls: a stored function
writes what it likes, and NEXTVAL takes a number. The service would run such a statement
as a read, which is run again when its answer is lost.

Nothing here does I/O.
"""

from __future__ import annotations

import re

#: The functions of MariaDB and MySQL that read at most. One that is missing here costs
#: its statement the second attempt, and nothing else.
_FUNCTIONS = frozenset(
    """
    abs acos adddate addtime add_months aes_decrypt aes_encrypt any_value ascii asin atan atan2
    avg bin binlog_gtid_pos bin_to_uuid bit_and bit_count bit_length bit_or bit_xor cast ceil
    ceiling char character_length charset char_length chr coalesce coercibility collation
    column_check column_exists column_json column_list compress concat concat_operator_oracle
    concat_ws connection_id conv convert convert_tz cos cot count crc32 crc32c cume_dist curdate
    current_date current_time current_timestamp current_user curtime database date datediff
    date_add date_format date_sub day dayname dayofmonth dayofweek dayofyear decode
    decode_histogram decode_oracle degrees dense_rank des_decrypt des_encrypt elt encode encrypt
    exp export_set extract extractvalue field find_in_set first_value floor format found_rows
    from_base64 from_days from_unixtime get_format greatest grouping group_concat hex hour if
    ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr interval isnull is_free_lock
    is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_used_lock is_uuid json_array json_arrayagg
    json_array_append json_array_insert json_compact json_contains json_contains_path json_depth
    json_detailed json_equals json_exists json_extract json_insert json_keys json_length
    json_loose json_merge json_merge_patch json_merge_preserve json_normalize json_object
    json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace
    json_search json_set json_table json_type json_unquote json_valid json_value lag last_day
    last_value lcase lead least left length lengthb ln load_file localtime localtimestamp locate
    log log10 log2 lower lpad lpad_oracle ltrim ltrim_oracle makedate maketime make_set max md5
    median microsecond mid min minute mod month monthname name_const natural_sort_key now
    nth_value ntile nullif nvl nvl2 oct octet_length old_password ord password percentile_cont
    percentile_disc percent_rank period_add period_diff pi position pow power quarter quote
    radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr repeat
    replace replace_oracle reverse right round row_count row_number rpad rpad_oracle rtrim
    rtrim_oracle schema schemas second sec_to_time session_user sformat sha sha1 sha2 sign sin
    sleep benchmark soundex space sqrt std stddev stddev_pop stddev_samp strcmp str_to_date subdate substr
    substring substring_index substr_oracle subtime sum sysdate system_user sys_guid tan time
    timediff timestamp timestampadd timestampdiff time_format time_to_sec to_base64 to_char
    to_days to_seconds trim trim_oracle truncate ucase uncompress uncompressed_length unhex
    unix_timestamp updatexml upper user utc_date utc_time utc_timestamp uuid uuid_short
    uuid_to_bin value values variance var_pop var_samp version week weekday weekofyear
    weight_string wsrep_last_seen_gtid wsrep_last_written_gtid wsrep_sync_wait_upto_gtid year
    yearweek
    """.split()
)
#: Words of SQL that stand before a parenthesis.
_WORDS = frozenset(
    """
    against all and any as between binary by case character cross datetime decimal distinct div
    double else except exists float from having in index inner intersect is join key lateral like
    limit match not numeric on or order over partition recursive regexp rlike select some then
    union using values varbinary varchar when where with xor
    """.split()
)
_KNOWN = _FUNCTIONS | _WORDS
#: Longer names are none of the server's.
_NAME_MAX_CHARS = 64
#: A name at the end of a text, and a point before it.
_NAME = re.compile(r"(\.\s*)?(?<![\w$])([\w$]+)\Z")
_SEQUENCE = re.compile(r"\bNEXT\s+VALUE\s+FOR\b", re.IGNORECASE)


def may_write(sql: str) -> bool:
    """Whether the statement calls what may change something. In doubt it does."""
    pieces = sql.split("(")
    pieces.pop()
    has_line_comment = bool(pieces) and ("#" in sql or "--" in sql)
    if any(_ends_doubtfully(piece, has_line_comment) for piece in pieces):
        return True
    return "NEXT" in sql.upper() and _SEQUENCE.search(sql) is not None


def _ends_doubtfully(before: str, has_line_comment: bool) -> bool:
    """Whether a parenthesis after this text begins the arguments of a function that is
    not the server's own: of a quoted name, or after a point; or of what is not seen, with
    a comment between."""
    text = before.rstrip()
    if has_line_comment and "\n" in before[len(text) :]:
        return True
    if text.endswith(("`", "*/")):
        return True
    if not text or not (text[-1].isalnum() or text[-1] in "_$"):
        return False
    found = _NAME.search(text[-2 * _NAME_MAX_CHARS :])
    return found is None or bool(found.group(1)) or found.group(2).lower() not in _KNOWN
