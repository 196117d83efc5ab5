"""Limits of `scimserver serve`: one for all its workers, whoever dies."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from threading import Event
from urllib.parse import urlsplit

from tests.processes import PUBLIC_URL, ask, program, provision, until
from tests.served import Serving, two_workers

HOURLY = 1 / 3600
"""So low a rate that nothing comes back during a test."""
RATE, BURST, SECONDS = 60, 120, 3.0
CLIENTS_OF_A_WORKER = 3


@contextmanager
def server(dsn: str, **limits: float) -> Generator[Serving]:
    """Two workers with these limits."""
    token = asyncio.run(provision(dsn))
    given = {name: str(limit) for name, limit in limits.items()}
    with program("serve", port=0, workers=2, database_url=dsn, public_url=PUBLIC_URL, **given) as running:
        yield Serving(running, dsn, token)


@contextmanager
def without(worker: int) -> Generator[None]:
    """A worker stands still: the other one answers."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def statuses(serving: Serving, times: int, token: str | None = None) -> Counter[int]:
    """What so many requests in a row are answered."""
    sent = token or serving.token
    return Counter(ask(f"{serving.url}/scim/v2/Schemas", token=sent).status for _ in range(times))


def test_workers_have_one_limit_between_them(database_dsn: str):
    with server(database_dsn, rate_limit=HOURLY, rate_burst=20) as serving:
        first, second = two_workers(serving)
        with without(first):
            assert statuses(serving, 8) == {200: 8}
        with without(second):
            assert statuses(serving, 15) == {200: 12, 429: 3}
        with without(first):
            assert statuses(serving, 3) == {429: 3}


def test_limit_outlives_the_workers(database_dsn: str):
    with server(database_dsn, rate_limit=HOURLY, rate_burst=10) as serving:
        assert statuses(serving, 6) == {200: 6}
        killed = set(two_workers(serving))
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        until(lambda: len(serving.running.workers() - killed) == 2, "the workers were not replaced")
        until(lambda: is_ready(serving), "the new workers do not answer")
        assert statuses(serving, 6) == {200: 4, 429: 2}
        first, second = two_workers(serving)
        for stopped in (first, second):
            with without(stopped):
                assert statuses(serving, 2) == {429: 2}


def test_failures_count_for_all_workers_and_a_credential_that_was_good_passes(database_dsn: str):
    with server(database_dsn, failure_burst=6, failure_seconds=3600) as serving:
        first, second = two_workers(serving)
        with without(first):
            assert statuses(serving, 4, "wrong") == {401: 4}
            assert statuses(serving, 1) == {200: 1}
        with without(second):
            assert statuses(serving, 4, "wrong") == {401: 2, 429: 2}
            assert statuses(serving, 1) == {200: 1}


def is_ready(serving: Serving) -> bool:
    try:
        return ask(f"{serving.url}/readyz").status == 200
    except (OSError, HTTPException):
        return False


# --- Under load -----------------------------------------------------------------------------------


def test_limit_holds_within_a_tenth_over_all_workers(database_dsn: str):
    with server(database_dsn, rate_limit=RATE, rate_burst=BURST) as serving:
        clients: list[Client] = []
        begun = time.monotonic()
        for worker in two_workers(serving):
            with without(worker):
                clients += [Client(serving) for _ in range(CLIENTS_OF_A_WORKER)]
        answered = all_together(clients)
        allowed = BURST + RATE * (time.monotonic() - begun)
    assert answered.keys() == {200, 429}
    assert 0.9 * allowed <= answered[200] <= 1.1 * allowed


class Client:
    """Sends one request after the other on a connection that stays open, so to one worker."""

    def __init__(self, serving: Serving) -> None:
        parts = urlsplit(serving.url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {serving.token}"}
        self.answered: Counter[int] = Counter()
        self.ask()

    def ask(self) -> None:
        """One request."""
        self._connection.request("GET", "/scim/v2/Users?count=0", headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        self.answered[response.status] += 1

    def ask_until(self, over: Event) -> None:
        """As many as there is time for."""
        while not over.is_set():
            self.ask()
        self._connection.close()


def all_together(clients: list[Client]) -> Counter[int]:
    """What clients that send as fast as they can are answered."""
    over = Event()
    with ThreadPoolExecutor(len(clients)) as threads:
        asking = [threads.submit(client.ask_until, over) for client in clients]
        over.wait(SECONDS)
        over.set()
    for each in asking:
        each.result()
    return sum((client.answered for client in clients), Counter[int]())


def test_nothing_limits_what_operators_watch(database_dsn: str):
    with server(database_dsn, rate_limit=HOURLY, rate_burst=1, failure_burst=1) as serving:
        statuses(serving, 2)
        statuses(serving, 2, "wrong")
        for path in ("/healthz", "/readyz", "/metrics"):
            assert {ask(serving.url + path, token="wrong").status for _ in range(5)} == {200}
