"""A walk through what Django does with a database. Every stop prints what it sees,
so that two drivers can be compared line by line."""

from bookshop.tour import errors, queries, schema, transactions, values

STOPS = [
    values.every_kind_of_column,
    values.odd_texts,
    queries.creating,
    queries.bulk_writes,
    queries.reading,
    queries.aggregates,
    queries.json_documents,
    queries.raw_sql,
    transactions.atomic_blocks,
    transactions.savepoints,
    transactions.on_commit,
    transactions.by_hand,
    transactions.row_locks,
    errors.integrity,
    errors.others,
    schema.introspection,
    schema.changes,
    # Last, for it leaves something in the shop.
    queries.relations,
]
