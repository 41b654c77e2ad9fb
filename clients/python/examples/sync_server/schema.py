"""Makes the tables of the sync server, where they are not there: `python schema.py`."""

from __future__ import annotations

import os

import forebay

TABLES = {
    "users": (
        """CREATE TABLE IF NOT EXISTS users (
            id BIGINT AUTO_INCREMENT PRIMARY KEY,
            name VARCHAR(64) NOT NULL,
            password CHAR(128) CHARACTER SET ascii NOT NULL,
            token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
            UNIQUE KEY (name),
            UNIQUE KEY (token)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin""",
        """CREATE TABLE IF NOT EXISTS follow_user (
            user_id BIGINT NOT NULL,
            follows_id BIGINT NOT NULL,
            PRIMARY KEY (user_id, follows_id),
            KEY (follows_id, user_id)
        ) ENGINE=InnoDB""",
    ),
    "slave001": (
        """CREATE TABLE IF NOT EXISTS versions (
            user_id BIGINT PRIMARY KEY,
            version BIGINT NOT NULL
        ) ENGINE=InnoDB""",
        """CREATE TABLE IF NOT EXISTS records (
            id BIGINT AUTO_INCREMENT PRIMARY KEY,
            user_id BIGINT NOT NULL,
            version BIGINT NOT NULL,
            guid VARCHAR(64) NOT NULL,
            body MEDIUMTEXT,
            UNIQUE KEY (user_id, guid),
            KEY (user_id, version)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin""",
    ),
}


def main() -> None:
    host = os.environ.get("FOREBAY_HOST", "127.0.0.1:9090")
    for shard, statements in TABLES.items():
        with forebay.connect(host=host, database=shard, autocommit=True) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
    print("The tables are there.")


if __name__ == "__main__":
    main()
