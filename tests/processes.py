"""The program as operators run it: processes of its own, their signals, ports, output and files."""

import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import asyncpg
import pytest

from scimserver.access import connections, tokens
from scimserver.db import embedded, programs
from scimserver.db.cluster import DataDirectory
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory import domains, organizations
from scimserver.kernel.actor import Origin, operator
from scimserver.work import WorkRoom

ROOT = Path(__file__).resolve().parents[1]
PUBLIC_URL = "https://scim.test"
DEADLINE_S = 30.0
_POLL_S = 0.02
_ORIGIN = Origin(request_id="tests")
_T = TypeVar("_T")


def until(condition: Callable[[], _T | None], what: str, *, seconds: float = DEADLINE_S) -> _T:
    """The condition's first answer that is true; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds:.0f} s: {what}")
        time.sleep(_POLL_S)
    return answer


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP, read whole."""

    status: int
    headers: HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


def ask(
    url: str,
    *,
    method: str = "GET",
    token: str | None = None,
    body: Any = None,
    form: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> Reply:
    """One request on a connection of its own, `body` as JSON. Raises `OSError` when nobody answers."""
    parts = urlsplit(url)
    assert parts.hostname
    if tls is None:
        connection = HTTPConnection(parts.hostname, parts.port, timeout=DEADLINE_S)
    else:
        connection = HTTPSConnection(parts.hostname, parts.port, timeout=DEADLINE_S, context=tls)
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Connection": "close"}
    if token is not None:
        sent |= {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    data = None if body is None else json.dumps(body)
    if form is not None:
        sent |= {"Content-Type": "application/x-www-form-urlencoded"}
        data = urlencode(form)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, data, sent)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A running `scimserver`, in a process group of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        return (self.folder / "stderr").read_text("utf-8")

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return (self.folder / "stdout").read_text("utf-8")

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log lines of an event."""
        written = [json.loads(line) for line in self.stderr.splitlines() if line.startswith("{")]
        return [line for line in written if line["event"] == event]

    def url(self, *, scheme: str = "http") -> str:
        """Where it answers, as soon as it does."""
        started = until(
            lambda: self._has_ended() or self.lines("serve.started"), "the server has not started"
        )
        assert isinstance(started, list), self.stderr
        url = f"{scheme}://127.0.0.1:{started[0]['port']}"
        tls = _trusting_everybody() if scheme == "https" else None
        until(lambda: _status(f"{url}/healthz", tls) == 200, "the server does not answer")
        return url

    def workers(self) -> set[int]:
        """The processes that serve."""
        return {pid for pid in children(self.process.pid) if "\0serve\0" in _command(pid) + "\0"}

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the first process."""
        self.process.send_signal(number)

    def kill_group(self) -> None:
        """Kill every process of the group at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self, *, seconds: float = DEADLINE_S) -> int:
        """The exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {seconds:.0f} s: {self.stderr}")

    def _has_ended(self) -> bool:
        return self.process.poll() is not None


@contextmanager
def program(*arguments: str | Path, **settings: str | Path | int) -> Generator[Program]:
    """`scimserver` with these arguments, and these settings as variables; ended after the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCIMSERVER_")}
    # Most tests ask more than a client may.
    settings = {"rate_limit": 0, "failure_burst": 0, **settings}
    given = {f"SCIMSERVER_{name.upper()}": str(value) for name, value in settings.items()}
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    folder = Path(tempfile.mkdtemp(prefix="scimserver-process-"))
    # What a killed server leaves behind goes with the folder.
    own = {"PYTHONPATH": python_path, "PYTHONWARNINGS": "error", "TMPDIR": str(folder)}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "scimserver", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=kept | given | own,
            start_new_session=True,
        )
    running = Program(process=process, folder=folder)
    try:
        yield running
    finally:
        _end(running)
        shutil.rmtree(folder)


def _end(running: Program) -> None:
    if running.process.poll() is None:
        running.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(DEADLINE_S)
    running.kill_group()
    running.process.wait()


def children(parent: int) -> set[int]:
    """The processes that a process has started and not yet buried."""
    try:
        return {int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()}
    except FileNotFoundError:
        return set()


def is_alive(pid: int) -> bool:
    """Whether a process is there and still does something."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _status(url: str, tls: ssl.SSLContext | None) -> int:
    try:
        return ask(url, tls=tls).status
    except (OSError, HTTPException):
        return 0


def _trusting_everybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def temporary_data_dir() -> Generator[Path]:
    """An empty data directory, which the account that runs PostgreSQL can enter."""
    made = Path(tempfile.mkdtemp(prefix="scimserver-data-"))
    try:
        yield made
        until(lambda: not is_postgres_alive(made), "PostgreSQL still runs")
    finally:
        shutil.rmtree(made)


@pytest.fixture
def data_dir() -> Generator[Path]:
    """An empty data directory that only this test uses."""
    with temporary_data_dir() as made:
        yield made


@pytest.fixture(scope="module")
def used_data_dir() -> Generator[Path]:
    """A data directory that is filled already; the module's tests use it one after the other."""
    with temporary_data_dir() as made:
        embedded.start(made, fast=True).stop()
        yield made


def dsn_of(data_dir: Path) -> str:
    """How to connect to the embedded server of a data directory."""
    return DataDirectory(root=data_dir.resolve(), owner=programs.account()).dsn


def postgres_pid(data_dir: Path) -> int:
    """The embedded server's first process; 0 where none is on record."""
    try:
        return int((data_dir / "cluster" / "postmaster.pid").read_text("ascii").splitlines()[0])
    except (FileNotFoundError, IndexError):
        return 0


def is_postgres_alive(data_dir: Path) -> bool:
    """Whether the embedded server's first process is there."""
    pid = postgres_pid(data_dir)
    return pid != 0 and is_alive(pid)


async def provision(
    dsn: str, *, organization: str = "acme", connection: str = "connection", strict: bool = False
) -> str:
    """An organisation with the Email Domain example.com and a connection; a token of the connection."""
    async with Database.open(DatabaseSettings(dsn=dsn, points_size=1, searches_size=1)) as database:
        room = WorkRoom(database)
        async with room.open(operator("tests"), _ORIGIN) as work:
            made = await organizations.create(work, name=organization)
        who = operator("tests", made.id)
        async with room.open(who, _ORIGIN) as work:
            await domains.add(work, "example.com")
        async with room.open(who, _ORIGIN) as work:
            caller = await connections.create(work, name=connection, strict=strict)
        async with room.open(who, _ORIGIN) as work:
            _, secret = await tokens.issue(work, caller)
        return secret


async def column(dsn: str, sql: str) -> list[Any]:
    """The first column of all rows."""
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def asked(dsn: str, sql: str) -> list[Any]:
    """The same for a test without an event loop."""
    return asyncio.run(column(dsn, sql))
