"""What a figure depends on, as far as this machine can tell it."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import proxies
import servers


def setting(database, options):
    """Everything that a figure depends on."""
    known = database.variables(
        "version", "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit",
        "innodb_doublewrite", "thread_handling", "query_cache_type")
    shown = subprocess.run([os.environ["FOREBAY_BENCH_SERVER"], "--version"],
                           capture_output=True, text=True, check=True)
    pinned = "no" if options.core is None else f"everything on core {options.core}"
    return {
        "pinned": pinned,
        "cores": os.cpu_count(),
        "processor": processor(),
        "kernel": platform.release(),
        "rows": servers.ROWS,
        "pool": servers.POOL_MAX_CONNECTIONS,
        "pool_of_peers": servers.PEER_POOL,
        "protocol": "binary",
        "transport": "framed, TCP loopback",
        "database_link": "Unix socket" if database.link == "socket" else "TCP loopback, no TLS",
        "statement_path": "escaped text",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "forebay": shown.stdout.split()[-1],
        "mariadb": known["version"],
        "buffer_pool_mb": known["innodb_buffer_pool_size"] >> 20,
        "flush_log_at_trx_commit": known["innodb_flush_log_at_trx_commit"],
        "doublewrite": known["innodb_doublewrite"],
        "thread_handling": known["thread_handling"],
        "query_cache": known["query_cache_type"],
        "python": platform.python_version(),
        "pymysql": version("pymysql"),
        "thrift": version("thrift"),
        "gevent": version("gevent"),
    } | proxies.versions()


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
