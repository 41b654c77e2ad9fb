"""Work at the same time, whose failures are the test's."""

import threading


def run_in_threads(works, seconds=60):
    """Runs the functions at the same time; a failure of one is a failure here."""
    failures = []

    def run(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001: whatever it is, the test tells
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "it hangs"
    if failures:
        raise failures[0]
