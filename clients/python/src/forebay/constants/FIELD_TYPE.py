"""Types of columns (MySQL Source Code Documentation, `enum_field_types`), by
PyMySQL's names: the type codes of `Cursor.description`."""

(
    DECIMAL, TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, TIMESTAMP, LONGLONG, INT24, DATE, TIME,
    DATETIME, YEAR, NEWDATE, VARCHAR, BIT,
) = range(17)  # fmt: skip

(
    JSON, NEWDECIMAL, ENUM, SET, TINY_BLOB, MEDIUM_BLOB, LONG_BLOB, BLOB, VAR_STRING, STRING,
    GEOMETRY,
) = range(245, 256)  # fmt: skip

CHAR = TINY
INTERVAL = ENUM
