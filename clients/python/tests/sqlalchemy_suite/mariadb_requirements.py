"""What SQLAlchemy's compliance suite may ask of MariaDB by `mysql+pymysql`.

SQLAlchemy keeps this for its own dialects in its tests, which its package does not
contain; the base class in the package is careful, and skips a third of the suite.
Here is what MariaDB 10.11 has and has not, in those terms. Both runs
use it, so a mistake here costs tests and never hides a difference.
"""

from __future__ import annotations

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

OPEN = """
autocommit
check_constraint_reflection
comment_reflection
computed_columns
computed_columns_reflect_persisted
computed_columns_stored
computed_columns_virtual
create_or_replace_view
create_table_as
create_temp_table_as
cross_schema_fk_reflection
ctes
ctes_with_values
datetime_literals
dbapi_lastrowid
expression_server_defaults
fetch_first
fetch_no_order_by
fetch_offset_with_options
fetch_ties
fk_constraint_option_reflection_ondelete_noaction
foreign_key_constraint_name_reflection
foreign_key_constraint_option_reflection_ondelete
foreign_key_constraint_option_reflection_onupdate
foreign_keys_reflect_as_index
has_temp_table
index_ddl_if_exists
indexes_check_column_order
isolation_level
json_array_indexes
json_type
legacy_unconditional_json_extract
nvarchar_types
order_by_collation
percent_schema_names
precision_numerics_many_significant_digits
precision_numerics_retains_significant_digits
reflect_table_options
regexp_match
regexp_replace
savepoints
schema_create_delete
server_defaults
skip_autocommit_rollback
supports_bitwise_and
supports_bitwise_or
supports_bitwise_shift
supports_bitwise_xor
table_ddl_if_exists
temp_table_comment_reflection
tuple_in
tuple_in_w_empty
unicode_ddl
unique_constraints_reflect_as_index
unique_index_reflect_as_unique_constraints
update_from
uuid_data_type
view_column_reflection
view_reflection
views
window_functions
window_range
window_range_numeric
""".split()

CLOSED = """
date_implicit_bound
datetime_implicit_bound
datetime_microseconds
json_index_supplementary_unicode_element
precision_generic_float_type
sql_expression_limit_offset
time_implicit_bound
time_microseconds
unbounded_varchar
""".split()


class Requirements(SuiteRequirements):
    """The base's answers but for the names above."""

    def get_isolation_levels(self, config):
        return {
            "default": "REPEATABLE READ",
            "supported": [
                "SERIALIZABLE",
                "READ UNCOMMITTED",
                "READ COMMITTED",
                "REPEATABLE READ",
                "AUTOCOMMIT",
            ],
        }

    def get_order_by_collation(self, config):
        return "utf8mb4_bin"


def _answer(name, rule):
    # A name that the base does not know would silently be no answer at all.
    if not isinstance(getattr(SuiteRequirements, name, None), property):
        raise AttributeError(f"SQLAlchemy's SuiteRequirements has no requirement {name!r}")
    setattr(Requirements, name, property(lambda self: rule()))


def close(*names):
    """What the driver that runs the suite has not, whatever the database has."""
    for name in names:
        _answer(name, exclusions.closed)


for _name in OPEN:
    _answer(_name, exclusions.open)
close(*CLOSED)
