"""SQLAlchemy's dialects for this package: `mysql+forebay://host:9090/SHARD`, and
`mariadb+forebay`.

SQLAlchemy finds them by itself where this package is installed. They are its own
dialects for PyMySQL, on this package.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.util import memoized_property, parse_version_string

import forebay


class ForebayDialect(MySQLDialect_pymysql):
    """`mysql+forebay`: for MySQL, and for MariaDB as far as it is MySQL."""

    driver = "forebay"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """The package, in PEP 249's words."""
        return forebay

    @classmethod
    def load_provisioning(cls) -> None:
        """What SQLAlchemy's own tests need of a MySQL dialect."""
        import sqlalchemy.dialects.mysql.provision  # noqa: F401

    def retrieve_dbapi_version(self, dbapi: Any) -> Any:
        """This package's version."""
        return parse_version_string(forebay.__version__)

    @memoized_property
    def supports_server_side_cursors(self) -> bool:
        """`stream_results` goes by an `SSCursor`."""
        self._sscursor = forebay.cursors.SSCursor
        return True

    @memoized_property
    def _send_false_to_ping(self) -> bool:
        return True


class MariaDBForebayDialect(MariaDBDialect, ForebayDialect):
    """`mariadb+forebay`: with what MariaDB alone has."""

    supports_statement_cache = True
