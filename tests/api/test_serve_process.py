"""`scimserver serve` as processes: workers that are replaced, requests that may end, nothing left behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.processes import (
    PUBLIC_URL,
    ROOT,
    Reply,
    ask,
    asked,
    is_alive,
    is_postgres_alive,
    postgres_pid,
    program,
    until,
)
from tests.processes import used_data_dir as used_data_dir
from tests.served import Serving, two_workers
from tests.served import serving as serving
from tests.served import shared as shared

GIVING_UP = """
import socket, sys
from scimserver.cli.supervisor import Supervisor
def die(lifeline):
    raise ValueError("cannot start")
sys.exit(Supervisor(
    workers=2, listening=socket.socket(), work=die, database_answers=lambda: True, drain_s=1
).run())
"""

REFUSED_CREDENTIALS = """
    SELECT coalesce((entry::jsonb ->> 'count')::int, 1) FROM log_entries WHERE event = 'credential.refuse'
"""


def test_worker_that_is_killed_is_replaced_and_its_counts_stay(shared: Serving):
    shared.scim("/ResourceTypes")
    before = shared.metric("scimserver_requests_total", route="/scim/v2/ResourceTypes")
    killed = two_workers(shared)
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    until(lambda: two_workers_other_than(shared, killed), "the workers were not replaced")
    until(lambda: answers(shared), "the new workers do not answer")
    assert shared.metric("scimserver_requests_total", route="/scim/v2/ResourceTypes") == before


def two_workers_other_than(serving: Serving, former: tuple[int, int]) -> bool:
    return len(serving.running.workers() - set(former)) == 2


def answers(serving: Serving) -> bool:
    try:
        return ask(f"{serving.url}/readyz").status == 200
    except (OSError, HTTPException):
        return False


def test_serve_gives_up_when_no_worker_lives():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", GIVING_UP], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 3, ended.stderr
    assert "serve.gave_up" in ended.stdout + ended.stderr


def test_sigterm_lets_a_running_request_end_and_refuses_new_connections(serving: Serving):
    with ThreadPoolExecutor(1) as threads:
        waiting = asyncio.run(create_while_locked(serving, threads))
        assert waiting.result().status == 201
    assert serving.running.wait() == 0
    assert len(asked(serving.dsn, "SELECT id FROM users")) == 1


async def create_while_locked(serving: Serving, threads: ThreadPoolExecutor) -> Future[Reply]:
    """A request that began before SIGTERM, and could only go on when nobody listened any more."""
    connection = await asyncpg.connect(serving.dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE users")
            waiting = threads.submit(serving.create_user, "ada@example.com")
            while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not waiting.done()
            serving.running.signal(signal.SIGTERM)
            until(lambda: not is_listening(serving.url), "the server still listens")
            assert not waiting.done()
    finally:
        await connection.close()
    return waiting


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=5):
            return True
    except ConnectionRefusedError:
        return False


def test_refused_credentials_that_were_only_counted_are_logged_when_the_server_stops(serving: Serving):
    for _ in range(7):
        assert serving.scim("/Users", token="scim_unknown").status == 401
    serving.running.signal(signal.SIGINT)
    assert serving.running.wait() == 0
    assert sum(asked(serving.dsn, REFUSED_CREDENTIALS)) == 7


def test_workers_and_postgres_end_when_the_first_process_is_killed(used_data_dir: Path):
    with program("serve", port=0, data_dir=used_data_dir, public_url=PUBLIC_URL) as running:
        running.url()
        workers = running.workers()
        assert len(workers) == 2
        running.process.kill()
        until(lambda: not any(map(is_alive, workers)), "workers live on")
        until(lambda: not is_postgres_alive(used_data_dir), "PostgreSQL lives on")


def test_serve_ends_when_its_own_postgres_does(used_data_dir: Path):
    with program("serve", port=0, data_dir=used_data_dir, public_url=PUBLIC_URL) as running:
        running.url()
        os.kill(postgres_pid(used_data_dir), signal.SIGKILL)
        assert running.wait() == 3
        assert running.lines("serve.database_ended")
