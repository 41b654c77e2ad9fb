"""PyMySQL's drop-in for Forebay: DB-API 2.0 (PEP 249) over a service that runs
SQL on a few pooled connections per named MySQL shard."""

__version__ = "0.1.0"
