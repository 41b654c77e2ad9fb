/*
 * Forebay's generic data service: the public contract.
 *
 * A client generated from this file runs parameterised SQL on named MySQL
 * shards. One TCP port (9090 by default) answers framed and unframed
 * transports, binary and compact protocols, and the TMultiplexed service name
 * "Forebay".
 *
 * Rules that hold everywhere:
 *
 * - Every function takes one request struct, returns one result struct and
 *   throws one exception, DataError. No field is `required`, so that a later
 *   field breaks nobody. Unknown struct fields are skipped; an unknown member
 *   of the union Value is refused.
 * - In every request, field 1 is the shard's name and field 15 the options.
 *   (multi has no field 1: each of its items names its own shard.)
 * - Times are lengths in the unit that ends their name: `_ms` milliseconds,
 *   `_us` microseconds. Sizes are bytes.
 * - Text is UTF-8. Outside of begin_transaction and an atomic batch, a MySQL
 *   statement runs with autocommit on, in its own transaction, so that a read
 *   sees what others have committed.
 * - A request of one session (one connected client) is answered before the
 *   next one of the same session is begun.
 * - A request is answered within its timeout_ms and a grace (250 ms, unless
 *   Limits.reply_grace_ms says otherwise), or its session is closed. So give
 *   the client's socket a timeout longer than both together, and close the
 *   socket if that passes all the same.
 * - A client that sends a request before the last one is answered must give it
 *   another sequence id, as clients do that can have several under way. The
 *   same id again (the clients of Python, PHP and others never change it) means
 *   that the first is given up: the server stops it, answers neither, and closes
 *   the session. What no server can see is an answer that crosses with the next
 *   request of a client whose socket's timeout is shorter than its timeout_ms:
 *   such a client must close its socket when that passes.
 * - Who closes the connection, or its sending side, gives up what is under way.
 * - Messages of more than Limits.request_max_bytes, containers nested deeper than 60,
 *   more than 1,500,000 elements in lists and maps together and, in a reply,
 *   results over the server's limits (see Limits) are refused.
 */

namespace py forebay_thrift
namespace rs forebay
namespace java forebay.thrift
namespace go forebay
namespace js forebay
namespace php Forebay
namespace cpp forebay
namespace rb Forebay
namespace perl Forebay

/** Version of this contract, as `major.minor`; a new major number may break callers. */
const string API_VERSION = "1.3"

// ---------------------------------------------------------------- values

/**
 * One parameter of a statement. Exactly one member is set; a Value with none,
 * or with one that this contract does not name, is refused.
 *
 * Every member is escaped (MySQL) or bound (SQLite) by the server: no text in
 * a Value can become part of a statement.
 */
union Value {
  /** SQL NULL, whichever boolean it holds. */
  1: bool is_null
  /** TRUE or FALSE; MySQL has them as 1 and 0. */
  2: bool boolean
  /** A signed integer of 64 bits. */
  3: i64 int64
  /** An unsigned integer of 64 bits, as the signed number with the same bits: 2^64-1 is -1. */
  4: i64 uint64
  /** A double. NaN and the infinities have no SQL value and are INVALID_ARGUMENT. */
  5: double float64
  /** An exact number as text: sign, digits, point, digits. At most 65 digits, 38 of them after the point. */
  6: string decimal
  /** Text, in any characters, NUL among them. */
  7: string text
  /** Bytes: BINARY, VARBINARY, BLOB, BIT, GEOMETRY. Never changed, never read as text. */
  8: binary bytes
  /**
   * A date, a time or both in MySQL's own text: `2024-02-29`, `-838:59:59.999999`,
   * `2024-02-29 23:59:59.5` (a `T` for the space is taken as well).
   */
  9: string temporal
  /**
   * Several values, for `IN (?)`: written one after the other, with commas
   * between. An empty list has no SQL form and is INVALID_ARGUMENT, and so is
   * a list in a list. At most 65,535 items; in SQLite at most 32,766 values in
   * a whole statement.
   */
  10: list<Value> items
  /**
   * In a batch only: the insert id that the step of this number, from 0, has
   * made. It must be an earlier step; if that one was not run, or has made no
   * id, the step that asks for it fails with INVALID_ARGUMENT.
   */
  11: i32 insert_id_of_step
}

/** How a statement marks the places of its parameters. */
enum ParamStyle {
  /** The default: `?` takes the next of `params`, `:name` takes `named_params[name]`. */
  NATIVE = 1
  /**
   * PyMySQL's: `%s` takes the next of `params`, `%(name)s` takes
   * `named_params[name]`. When either of them is set, even to nothing, `%%`
   * stands for `%` everywhere in the statement; when neither is, the statement
   * is sent as it is written.
   */
  PYFORMAT = 2
}

/**
 * One SQL statement and its parameters.
 *
 * A placeholder counts only outside string literals, quoted identifiers and
 * comments, as the shard's own sql_mode reads them. Anything but blanks and
 * comments after a `;` is refused. A statement uses either `params` or
 * `named_params`; too few, too many, unknown and unused ones are
 * INVALID_ARGUMENT before anything is sent to the database. What tells of the
 * connection's last statement, which may be another caller's, is refused:
 * LAST_INSERT_ID() without an argument, ROW_COUNT(), FOUND_ROWS(), SHOW WARNINGS …
 */
struct Statement {
  /** The text. Not empty; at most what the shard's max_allowed_packet takes once parameters are in. */
  1: optional string sql
  /** Values for `?` or `%s`, in order. At most 65,535. */
  2: optional list<Value> params
  /** Values for `:name` or `%(name)s`. Every one must be used; one may be used many times. */
  3: optional map<string, Value> named_params
  /** Default: NATIVE. */
  4: optional ParamStyle param_style = ParamStyle.NATIVE
}

// --------------------------------------------------------------- options

/** How the vectors of a result's columns are written; the values are the same. */
enum ResultLayout {
  /** Typed lists, which every generated client has decoded when it has read them: Column's fields 8 to 11. */
  LISTS = 1
  /** Blobs, for drivers that decode them themselves: Column's fields 12 to 16. */
  PACKED = 2
}

/** What a caller may ask of any request. Fields 8 to 14 are kept for later. */
struct Options {
  /**
   * How long the caller waits, from the moment the request has arrived:
   * queue, connecting, execution and encoding together. Default and maximum
   * are the server's (Limits); a larger number means the maximum, and one
   * below 1 is INVALID_ARGUMENT. The timeout of the client's socket must be
   * longer by more than the grace: see the rules at the top.
   */
  1: optional i32 timeout_ms
  /** A name for this request, echoed in the reply and in the log. At most 128 bytes; default: empty. */
  2: optional string request_id
  /**
   * Run within this transaction: the token that begin_transaction gave, in the
   * session that it was given to. The request's shard must then be the
   * transaction's, or unset. Refused in info, begin_transaction and multi.
   */
  3: optional string transaction
  /** Refuse a result of more rows than this. Default and maximum are the server's (Limits). */
  4: optional i32 max_rows
  /**
   * How many of each statement's warnings to give (SHOW WARNINGS), which costs
   * a round trip if there are any. Default: 0, the count alone; at most 1,000.
   */
  5: optional i32 warnings_max
  /**
   * Nothing is lost if this request is applied more than once: an UPDATE that
   * sets values, a DELETE by key, an INSERT … ON DUPLICATE KEY UPDATE. Then it is
   * treated as a read is: when its connection is lost, or the database turned
   * read-only because another has taken over, the server sends it again, all of
   * a batch from its first step, as long as its deadline and the shard's
   * retry_budget_percent allow; a single statement and an insert after a
   * deadlock too. If it fails after all, `outcome` takes every attempt into
   * account. Reads (query, ping) and what was not sent need no such leave.
   * Default: false, and nothing that may have been applied is sent again. In a
   * multi it holds for all items. Refused within a transaction.
   */
  6: optional bool idempotent
  /**
   * The layout of all columns of the reply. One that is unknown is
   * INVALID_ARGUMENT; a server before API 1.3 answers with LISTS whatever is
   * asked, so look which of Column's fields are set. Default: LISTS.
   */
  7: optional ResultLayout result_layout
}

/** What every result begins with. */
struct ReplyHeader {
  /** The request's `request_id`; empty if it had none. */
  1: string request_id
  /** The shard that answered; empty where none was asked. */
  2: string shard
  /** Microseconds from the request's arrival to a worker taking it. */
  3: i64 queue_us
  /** Microseconds from there to the result being complete: checkout, execution and fetch. */
  4: i64 execute_us
  /**
   * How often the request was given to the database: usually 1, more after the
   * server has sent it again, 0 where no database was asked. A multi has 0, its
   * items have their own.
   */
  5: i32 attempts
}

// --------------------------------------------------------------- results

/** A column's type: MySQL's protocol numbers. SQLite's values use LONGLONG, DOUBLE, VAR_STRING, BLOB and NULL_TYPE. */
enum ColumnType {
  DECIMAL = 0
  TINY = 1
  SHORT = 2
  LONG = 3
  FLOAT = 4
  DOUBLE = 5
  NULL_TYPE = 6
  TIMESTAMP = 7
  LONGLONG = 8
  INT24 = 9
  DATE = 10
  TIME = 11
  DATETIME = 12
  YEAR = 13
  VARCHAR = 15
  BIT = 16
  VECTOR = 242
  JSON = 245
  NEWDECIMAL = 246
  ENUM = 247
  SET = 248
  TINY_BLOB = 249
  MEDIUM_BLOB = 250
  LONG_BLOB = 251
  BLOB = 252
  VAR_STRING = 253
  STRING = 254
  GEOMETRY = 255
}

/**
 * One column of a result, all its rows together.
 *
 * Exactly one of the vectors `int64s`, `doubles`, `strings`, `blobs` is set,
 * with one element for each row; where a row is NULL the element is 0 or empty
 * and its bit in `nulls` is set.
 *
 * With ResultLayout.PACKED all four are unset, and the one of `packed_int64s`,
 * `packed_doubles`, `packed_strings`, `packed_blobs` that stands for it is set:
 * the same elements, those of NULLs too, in the rows' order with nothing between.
 * With the latter two comes `packed_lengths`: the first element begins at byte 0,
 * every other one where the one before it ends, and the last one ends with the
 * blob. Without rows what is set is empty. All of it is the same bytes in every
 * protocol.
 *
 * | MySQL type                                        | vector  |
 * |---------------------------------------------------|---------|
 * | integers, YEAR                                    | int64s  |
 * | BIGINT UNSIGNED, if a value is over 2^63-1        | strings |
 * | FLOAT, DOUBLE                                     | doubles |
 * | DECIMAL, DATE, TIME, DATETIME, TIMESTAMP          | strings, in MySQL's own text (`0000-00-00`, `-838:59:59`) |
 * | CHAR, VARCHAR, TEXT, ENUM, SET, JSON              | strings |
 * | BINARY, VARBINARY, BLOB, BIT, GEOMETRY, VECTOR    | blobs   |
 * | NULL                                              | strings |
 *
 * In SQLite types belong to values: a column of integers is int64s, one with
 * reals among them is doubles if no integer loses digits by it, one with text
 * is strings, one with a blob is blobs.
 */
struct Column {
  /** The column's name or alias as the statement gave it; not always unique. */
  1: string name
  2: ColumnType type
  /** MySQL's column flags: 1 NOT_NULL, 2 PRI_KEY, 4 UNIQUE_KEY, 16 BLOB, 32 UNSIGNED, 64 ZEROFILL, 128 BINARY, 256 ENUM, 512 AUTO_INCREMENT, 2048 SET … */
  3: i32 flags
  /** MySQL's collation number of the column; 63 is `binary`. 0 from SQLite. */
  4: i32 collation
  /** Digits after the point; 31 where it varies, 39 for a DECIMAL-free expression. 0 from SQLite. */
  5: i32 decimals
  /** MySQL's display length in bytes. 0 from SQLite. */
  6: i64 length
  /** Bitmap of NULLs: row r is NULL if bit r%8 (least significant first) of byte r/8 is set. Empty: nothing is NULL. */
  7: binary nulls
  8: optional list<i64> int64s
  9: optional list<double> doubles
  10: optional list<string> strings
  11: optional list<binary> blobs
  /** `int64s`, 8 bytes for each row: two's complement, little-endian. */
  12: optional binary packed_int64s
  /** `doubles`, 8 bytes for each row: IEEE 754 binary64, little-endian. */
  13: optional binary packed_doubles
  /** `strings`, each in UTF-8, one after the other. */
  14: optional binary packed_strings
  /** `blobs`, one after the other. */
  15: optional binary packed_blobs
  /** How many bytes (not characters) each of `packed_strings` or `packed_blobs` takes, 4 bytes for each row: unsigned, little-endian. */
  16: optional binary packed_lengths
  /** The alias, or else the name, of the column's table in the statement. Empty for an expression, from SQLite, and from a server before API 1.3. */
  17: string table
}

/** The rows of a statement. */
struct ResultSet {
  /** Number of rows; every column's vector has this many elements. */
  1: i64 row_count
  /** The columns in the statement's order. */
  2: list<Column> columns
}

/** A note, warning or error that MySQL has to a statement that went well. */
struct Warning {
  /** `Note`, `Warning` or `Error`. */
  1: string level
  /** MySQL's error number. */
  2: i32 code
  /** MySQL's words, which may quote values. */
  3: string message
}

// ---------------------------------------------------------------- errors

/** What went wrong: the one thing to branch on. */
enum ErrorCode {
  /** The request is wrong in itself; `message` names the field and the remedy. */
  INVALID_ARGUMENT = 1
  /** No shard has that name. */
  UNKNOWN_SHARD = 2
  /** Kept for later; not sent yet. */
  UNAUTHENTICATED = 3
  PERMISSION_DENIED = 4
  /** The statement is of a kind that this function, or this service, does not run. */
  STATEMENT_NOT_ALLOWED = 5
  /** The database refused the statement; see `mysql_errno`, `sqlstate`. */
  SQL_ERROR = 6
  /** A unique key has that value already. */
  DUPLICATE_KEY = 7
  /** A foreign key, NOT NULL or CHECK constraint forbids it. */
  CONSTRAINT = 8
  /** A value does not fit its column (range, length, form), or cannot be sent as it is. */
  DATA_ERROR = 9
  DEADLOCK = 10
  LOCK_TIMEOUT = 11
  /** The shard's queue is full; nothing was begun. */
  QUEUE_FULL = 12
  /** The deadline passed, or was certain to pass, in the queue; nothing was begun. */
  QUEUE_TIMEOUT = 13
  /** The deadline passed while the statement ran; the database is told to stop it. */
  DEADLINE_EXCEEDED = 14
  /**
   * Another item of the same multi failed, and its policy is FAIL_ON_FIRST_ERROR;
   * or the client has closed its sending side.
   */
  CANCELLED = 15
  /**
   * The request, or the statement made from it, is over `limit`; or all requests
   * of the service together would be (then `retry_hint` is AFTER_PAUSE).
   */
  REQUEST_TOO_LARGE = 16
  /**
   * The result is over `limit`, which `message` names: rows or bytes of this
   * request, or what all results of the service may take together (then
   * `retry_hint` is AFTER_PAUSE).
   */
  RESULT_TOO_LARGE = 17
  /**
   * No connection to the shard's database can be had: it was waited for until the
   * deadline, or it has been gone for longer than the server waits
   * (outage_patience_ms), or it will not have us. `message` says why.
   */
  SHARD_UNAVAILABLE = 18
  /** The shard's database takes no writes now. */
  SHARD_READ_ONLY = 19
  /** The connection was lost while the statement ran. */
  CONNECTION_LOST = 20
  /** This session has begun no such transaction on this instance of the service, or it has ended. */
  TRANSACTION_NOT_FOUND = 21
  /** An earlier error has ended the transaction; `message` has the first cause. Roll it back to be rid of it. */
  TRANSACTION_ABORTED = 22
  /** The transaction was over its idle or its total limit and has been rolled back. */
  TRANSACTION_EXPIRED = 23
  /** This server is about to stop; another one takes the request. */
  DRAINING = 24
  /** A fault of the server's own; its log says more. */
  INTERNAL = 25
}

/**
 * Whether the statement took effect. In a table whose engine has no
 * transactions, such as MyISAM, the rows before the one that failed stay,
 * whatever is said here.
 */
enum Outcome {
  /** Certainly not: nothing has changed. */
  NOT_APPLIED = 1
  /** It did, though the result could not be given. */
  APPLIED = 2
  /** It may have. */
  UNKNOWN = 3
}

/** Whether to send the same request again. */
enum Retry {
  /** No: it would fail again, or might be applied twice. */
  NO = 1
  /** Yes, at once. */
  AT_ONCE = 2
  /** Yes, after a pause. */
  AFTER_PAUSE = 3
}

/** Where the request was when it failed. */
enum Phase {
  /** Being read and checked. */
  REQUEST = 1
  /** Waiting for its turn on the shard. */
  QUEUE = 2
  /** Waiting for a connection to the database. */
  CONNECT = 3
  /** Being run by the database. */
  EXECUTE = 4
  /** Its rows being read. */
  FETCH = 5
  /** Its reply being written. */
  ENCODE = 6
}

/**
 * The one exception. (The annotation at its end is for Python, whose context
 * managers and tracebacks write to an exception that passes through them.)
 */
exception DataError {
  1: ErrorCode code
  2: Outcome outcome
  3: Retry retry_hint
  /** What is wrong and what to do about it, for a person. Never holds a parameter's value unless the database's own message does. */
  4: string message
  /** MySQL's error number, or SQLite's extended result code negated; 0: the error is not the database's. */
  5: i32 mysql_errno
  /** Five characters; empty: the error is not the database's. */
  6: string sqlstate
  7: string shard
  8: Phase phase
  9: string request_id
  /**
   * The limit that was met, in the unit that the message names, and what was
   * seen; for a deadline the milliseconds that were allowed and that passed.
   */
  10: optional i64 limit
  11: optional i64 seen
  /** Which step of a batch, or item of a multi, failed, from 0. */
  12: optional i32 item
  13: i64 queue_us
  14: i64 execute_us
  /** As in ReplyHeader: how often the request was given to the database before it failed; 0: nothing was sent. */
  15: i32 attempts
} (python.immutable = "false")

// ---------------------------------------------------------- info and ping

struct InfoRequest {
  15: optional Options options
}

/** Limits in force on this server. */
struct Limits {
  /** Bytes of a request. */
  1: i32 request_max_bytes
  /** Bytes of a result. */
  2: i32 result_max_bytes
  /** Rows of a result: default and maximum of Options.max_rows. */
  3: i32 result_max_rows
  /** Options.timeout_ms if it is not set. */
  4: i32 default_timeout_ms
  /** The largest Options.timeout_ms that counts. */
  5: i32 max_timeout_ms
  /** Items of a multi. */
  6: i32 multi_items_max
  /** Items of one multi that run on one shard at the same time; less where the pool is small. */
  7: i32 multi_parallel_max
  /** Steps of a batch. */
  8: i32 batch_steps_max
  /** A transaction that is not used for so long is rolled back. */
  9: i32 transaction_idle_timeout_ms
  /** A transaction that is open for so long is rolled back. */
  10: i32 transaction_timeout_ms
  /** So long after a request's timeout_ms its session is closed rather than answered. */
  11: i32 reply_grace_ms
}

/** A database behind a shard. */
enum ShardKind {
  MYSQL = 1
  SQLITE = 2
}

/** What ExecuteResult.affected_rows counts for an UPDATE. */
enum AffectedRows {
  /** Rows that have other values than before. */
  CHANGED = 1
  /** Rows that the condition met, changed or not. */
  MATCHED = 2
}

struct ShardInfo {
  1: string name
  2: ShardKind kind
  /** False while its database cannot be connected to. */
  3: bool available
  /** Why it is not available; empty if it is. */
  4: string reason
  /** The most connections that this server opens to it. */
  5: i32 pool_max_connections
  /** Requests that may wait for one of them; one more is refused with QUEUE_FULL. */
  6: i32 queue_max_requests
  /** Transactions that may be open at once; one more waits in a queue of its own. */
  7: i32 transactions_max
  /** As the shard is configured; SQLite counts MATCHED. */
  8: AffectedRows affected_rows
}

struct InfoResult {
  1: ReplyHeader header
  /** API_VERSION of the server. */
  2: string api_version
  /** The server's own version. */
  3: string server_version
  /** Names of the functions and options that this server has beyond API 1.0. */
  4: list<string> capabilities
  5: Limits limits
  /** The shards that this caller may use, by name. */
  6: list<ShardInfo> shards
}

struct PingRequest {
  /** Also ask this shard's database. Default: the service only. */
  1: optional string shard
  15: optional Options options
}

struct PingResult {
  1: ReplyHeader header
}

// ------------------------------------------------------ query and execute

struct QueryRequest {
  1: optional string shard
  /** One that reads: SELECT, WITH … SELECT, VALUES, TABLE, SHOW, DESCRIBE, EXPLAIN. */
  2: optional Statement statement
  15: optional Options options
}

struct QueryResult {
  1: ReplyHeader header
  2: ResultSet rows
  /** MySQL's count of warnings, at most 65,535. 0 from SQLite. */
  3: i32 warning_count
  /** As many as Options.warnings_max asked for. */
  4: list<Warning> warnings
}

struct ExecuteRequest {
  1: optional string shard
  /**
   * One of any kind but those that change the session (SET, USE, LOCK TABLES,
   * CREATE TEMPORARY TABLE …). Within a transaction these are allowed too, and
   * what they change ends with it; refused there is what would end it (BEGIN,
   * COMMIT, CREATE TABLE …).
   */
  2: optional Statement statement
  15: optional Options options
}

struct ExecuteResult {
  1: ReplyHeader header
  /**
   * Rows that the statement changed. Whether an UPDATE's rows that had their
   * new values already count is the shard's choice: see ShardInfo.affected_rows.
   */
  2: i64 affected_rows
  /**
   * The AUTO_INCREMENT value of the first row inserted (SQLite: the last
   * row's rowid); 0 if there is none. Above 2^63-1: see Value.uint64.
   */
  3: i64 insert_id
  /** MySQL's count of warnings, at most 65,535. 0 from SQLite. */
  4: i32 warning_count
  /** The rows, if the statement returns any. */
  5: optional ResultSet rows
  /** As many as Options.warnings_max asked for. */
  6: list<Warning> warnings
  /** The result sets after the first, which a CALL may have. At most 1,000 result sets in all. */
  7: list<ResultSet> more_rows
  /**
   * Rows that the condition of an UPDATE met, however affected_rows is
   * configured; of other statements the same as affected_rows.
   */
  8: i64 matched_rows
  /**
   * Rows that an INSERT or REPLACE has added: where the engine gives their ids
   * one after the other (InnoDB does, for rows whose number is known), these
   * are insert_id and the next, auto_increment_increment apart. 0 for others.
   */
  9: i64 insert_count
}

// ---------------------------------------------------------------- insert

/** What an insert does with a row whose key is there already. */
enum InsertMode {
  /** Fail with DUPLICATE_KEY. */
  INSERT = 1
  /** Leave the old row and drop the new one (INSERT IGNORE, which also bends values that do not fit). */
  IGNORE = 2
  /** Delete the old row (REPLACE). */
  REPLACE = 3
}

/**
 * Many rows of one table. The server quotes the names, escapes the values and
 * sends multi-row statements of up to 1 MiB, or of what max_allowed_packet
 * allows if that is less or a row is longer; several are one transaction, and
 * an error leaves nothing behind (in tables of an engine that has them).
 */
struct InsertRequest {
  1: optional string shard
  /** Its name only: a dot in it is part of the name. At most 64 characters. */
  2: optional string table
  /** The columns' names, each at most 64 characters. At least one, at most 4,096, none twice. */
  3: optional list<string> columns
  /** For each row a Value for each column. At least one row. `items` is refused here. */
  4: optional list<list<Value>> rows
  /** Default: INSERT. */
  5: optional InsertMode mode = InsertMode.INSERT
  /** The table's database. Default: the shard's own. */
  6: optional string database
  15: optional Options options
}

struct InsertResult {
  1: ReplyHeader header
  /** Rows inserted; with REPLACE also those deleted. */
  2: i64 affected_rows
  /** The AUTO_INCREMENT value of the first row; 0 if there is none. Above 2^63-1: see Value.uint64. */
  3: i64 first_insert_id
  /** How many statements it took; 1 in SQLite, which runs one for each row. */
  4: i32 statements
  /** MySQL's count of warnings over all statements. 0 from SQLite. */
  5: i32 warning_count
  /** As many as Options.warnings_max asked for. */
  6: list<Warning> warnings
  /** Rows added; see ExecuteResult.insert_count. */
  7: i64 insert_count
}

// ----------------------------------------------------------------- batch

/** What the steps of a batch are to each other. */
enum BatchMode {
  /** Each commits itself; one that fails does not keep the others from running. */
  EACH = 1
  /** Each commits itself; after one that fails none is run. */
  STOP_ON_ERROR = 2
  /**
   * All are one transaction. If one fails it is rolled back and the call throws
   * its error, with its number in `item`. Of a deadlock, the server runs the
   * whole batch again, up to 5 times within the deadline. Statements that would
   * commit (CREATE TABLE …) are refused; in SQLite they do not commit, and run.
   */
  ATOMIC = 3
}

/** What an earlier step must have come to for this one to run. */
enum StepCondition {
  /** It affected rows (an UPDATE: met rows, changed or not) or returned some. */
  HAD_ROWS = 1
  /** It ran and did neither. */
  HAD_NO_ROWS = 2
}

/** One statement of a batch, perhaps with many rows of parameters. */
struct BatchStep {
  /** As in ExecuteRequest. */
  1: optional Statement statement
  /**
   * Run the statement once for each of these, as DB-API's executemany does;
   * then the statement's own params must be unset. An INSERT or REPLACE … VALUES
   * is sent as few statements of many rows: in these, without a strict
   * sql_mode, a NULL for a NOT NULL column becomes the type's default, where a
   * single one is refused. All or nothing in every mode; statements that return
   * rows are refused. At least one row; an error's message counts them from 0
   * (insert's from 1).
   */
  2: optional list<list<Value>> param_rows
  /** The same with names. */
  3: optional list<map<string, Value>> named_param_rows
  /** Run only then; if not, or if the other step was not run itself, SKIPPED. Default: run. */
  4: optional StepCondition condition
  /** Which step `condition` asks about, from 0: an earlier one. Default: the one before. */
  5: optional i32 condition_step
}

/** Several statements on one shard, one after the other, in one call. */
struct BatchRequest {
  1: optional string shard
  /** At least one, at most Limits.batch_steps_max. */
  2: optional list<BatchStep> steps
  /** Default: ATOMIC. Within a transaction, ATOMIC is a savepoint. */
  3: optional BatchMode mode = BatchMode.ATOMIC
  15: optional Options options
}

enum StepStatus {
  /** It ran, and `result` is set. */
  DONE = 1
  /** It ran, or could not be run, and `error` is set. */
  FAILED = 2
  /** Its condition was not met. */
  SKIPPED = 3
  /** An earlier step failed. */
  NOT_RUN = 4
}

struct StepResult {
  1: StepStatus status
  /** Without a header. Over many rows of parameters: the sums, and the first id. */
  2: optional ExecuteResult result
  3: optional DataError error
}

struct BatchResult {
  1: ReplyHeader header
  /** One for each step, in their order. */
  2: list<StepResult> steps
  /** How often the batch was run on its connection: more than 1 after deadlocks. Not what ReplyHeader.attempts counts. */
  3: i32 attempts
}

// ----------------------------------------------------------------- multi

/** What a multi does when an item fails. */
enum MultiPolicy {
  /** Gives every item's own outcome. */
  TAKE_WHAT_CAME = 1
  /**
   * Stops the items that still run, begins no other, and throws the first
   * error, with its item's number in `item`. Items that were done stay done:
   * `outcome` is that of all of them together.
   */
  FAIL_ON_FIRST_ERROR = 2
}

/**
 * One item: exactly one of the requests, with a shard of its own. Of its
 * options `timeout_ms` may shorten its time, `transaction` must be unset.
 */
struct MultiItem {
  1: optional QueryRequest query
  2: optional ExecuteRequest execute
  3: optional InsertRequest insert
  4: optional BatchRequest batch
}

/**
 * Independent items on any shards, run in parallel under one deadline. Of one
 * shard's items no more than Limits.multi_parallel_max run at once; the others
 * follow in order.
 */
struct MultiRequest {
  /** At least one, at most Limits.multi_items_max. */
  2: optional list<MultiItem> items
  /** Default: TAKE_WHAT_CAME. */
  3: optional MultiPolicy policy = MultiPolicy.TAKE_WHAT_CAME
  /** `timeout_ms` is that of the whole; the others hold for the items that do not set them. */
  15: optional Options options
}

/**
 * What came of one item: `error`, or the result of its request. An item that
 * missed the deadline has the error DEADLINE_EXCEEDED, or QUEUE_TIMEOUT if it
 * was not begun.
 */
struct MultiOutcome {
  1: optional DataError error
  2: optional QueryResult query
  3: optional ExecuteResult execute
  4: optional InsertResult insert
  5: optional BatchResult batch
}

struct MultiResult {
  1: ReplyHeader header
  /** One for each item, in their order. */
  2: list<MultiOutcome> outcomes
}

// ---------------------------------------------------------- transactions

/** SQL's isolation levels; SQLite has SERIALIZABLE only. */
enum Isolation {
  READ_UNCOMMITTED = 1
  READ_COMMITTED = 2
  REPEATABLE_READ = 3
  SERIALIZABLE = 4
}

struct BeginRequest {
  1: optional string shard
  /** Default: the database's own. */
  2: optional Isolation isolation
  /** Default: false. Writes are then SQL_ERROR (MySQL 1792). */
  3: optional bool read_only
  15: optional Options options
}

struct BeginResult {
  1: ReplyHeader header
  /**
   * For Options.transaction of the requests that belong to it, and of
   * commit_transaction or rollback_transaction at its end. Of use in this
   * session only, with whose end the transaction is rolled back.
   */
  2: string transaction
  /** Limits.transaction_idle_timeout_ms. */
  3: i32 idle_timeout_ms
  /** Limits.transaction_timeout_ms. */
  4: i32 timeout_ms
}

struct CommitRequest {
  /** `transaction` says which. */
  15: optional Options options
}

struct CommitResult {
  1: ReplyHeader header
}

struct RollbackRequest {
  /** `transaction` says which. */
  15: optional Options options
}

struct RollbackResult {
  1: ReplyHeader header
}

// --------------------------------------------------------------- service

service Forebay {
  /** What this server is, its limits, and its shards. */
  InfoResult info(1: InfoRequest request) throws (1: DataError error)

  /** Nothing but an answer; with a shard, from its database too. */
  PingResult ping(1: PingRequest request) throws (1: DataError error)

  /** Runs one statement that reads. It may be sent to the database again after a lost connection. */
  QueryResult query(1: QueryRequest request) throws (1: DataError error)

  /** Runs one statement of any kind. It is sent once, unless Options.idempotent allows more. */
  ExecuteResult execute(1: ExecuteRequest request) throws (1: DataError error)

  /** Inserts many rows. */
  InsertResult insert(1: InsertRequest request) throws (1: DataError error)

  /** Runs several statements on one shard, which may depend on each other. */
  BatchResult batch(1: BatchRequest request) throws (1: DataError error)

  /** Runs independent requests on any shards in parallel, under one deadline. */
  MultiResult multi(1: MultiRequest request) throws (1: DataError error)

  /**
   * Opens a transaction, which keeps a connection until it ends: prefer an
   * atomic batch where one will do. It is rolled back when its session ends; a
   * server that is about to stop lets it go on for a while.
   *
   * A statement that fails is undone alone, and the transaction goes on. What
   * ends it is a DEADLOCK, a lost connection and, in MySQL, a statement that is
   * stopped at its deadline: all that follows but rollback_transaction is then
   * TRANSACTION_ABORTED. In SQLite a transaction that may write keeps others
   * from writing, and from beginning one, from its start to its end; in an
   * in-memory database it keeps them from reading, too (LOCK_TIMEOUT).
   */
  BeginResult begin_transaction(1: BeginRequest request) throws (1: DataError error)

  /**
   * Makes the transaction's changes last. After an error they do not;
   * `outcome` is UNKNOWN if the connection was lost meanwhile. One that was
   * aborted or has expired says so until it is rolled back; where the error is
   * INVALID_ARGUMENT, QUEUE_FULL or QUEUE_TIMEOUT nothing was begun, and the
   * transaction is as it was; after any other error it has ended.
   */
  CommitResult commit_transaction(1: CommitRequest request) throws (1: DataError error)

  /** Undoes the transaction's changes, also if it was aborted or has expired. */
  RollbackResult rollback_transaction(1: RollbackRequest request) throws (1: DataError error)
}
