"""tests/corpus.json: every MySQL column type with the ends of its range, for the
tests of every language."""

import dataclasses
import decimal
import json

from forebay_thrift.ttypes import Value
from service import ROOT

TABLE_OPTIONS = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4"


@dataclasses.dataclass(frozen=True)
class Column:
    type: str
    vector: str
    # For each value: as it is sent, and as it comes back.
    sent: tuple
    expected: tuple
    param: str


def columns():
    described = json.loads((ROOT / "tests" / "corpus.json").read_text(encoding="utf-8"))["columns"]
    return [column(one) for one in described]


def column(described):
    pairs = [value if isinstance(value, list) else [value, value] for value in described["values"]]
    return Column(
        described["type"],
        described["vector"],
        tuple(decoded(described["vector"], sent) for sent, _ in pairs),
        tuple(decoded(described["vector"], back) for _, back in pairs),
        described["param"],
    )


def decoded(vector, written):
    if isinstance(written, dict):
        written = written["repeat"] * written["times"]
    return {"int64s": int, "doubles": float, "strings": str, "blobs": bytes.fromhex}[vector](written)


COLUMNS = columns()
ROW_COUNT = max(len(one.sent) for one in COLUMNS)
DEFINITION = "n INT PRIMARY KEY, " + ", ".join(f"c{i} {one.type}" for i, one in enumerate(COLUMNS))
NAMES = ["n", *(f"c{i}" for i in range(len(COLUMNS)))]


def rows_of(per_column, missing):
    """Rows that begin with their number; `missing` stands where a column has no more values."""
    return [
        (number, *(values[number] if number < len(values) else missing for values in per_column))
        for number in range(ROW_COUNT)
    ]


EXPECTED_ROWS = rows_of([one.expected for one in COLUMNS], None)


def param_rows():
    """The rows as `Value`s."""
    null = Value(is_null=True)
    rows = rows_of([[param(one, sent) for sent in one.sent] for one in COLUMNS], null)
    return [[Value(int64=row[0]), *row[1:]] for row in rows]


def param(column, sent):
    if column.param == "uint64":
        number = int(sent)
        return Value(uint64=number - (1 << 64) if number >= 1 << 63 else number)
    return Value(**{column.param: sent})


def pymysql_rows():
    """The rows as PyMySQL takes them."""
    return rows_of([[pymysql_param(one, sent) for sent in one.sent] for one in COLUMNS], None)


def pymysql_param(column, sent):
    if column.param == "decimal":
        return decimal.Decimal(sent)
    if column.param == "uint64":
        return int(sent)
    return sent
