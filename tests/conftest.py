"""Fixtures that several tiers of tests share: a database of its own for each test that asks.

One embedded server serves the whole run, over all of its processes; a template is migrated once
and cloned for each test. SCIMSERVER_TEST_DATABASE_URL names a server to use instead: its account
must be allowed to create databases.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from scimserver.db import embedded
from scimserver.db.migrate import migrate
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import sql_folder

_DATA_PREFIX = "scimserver-tests-"
_TEMPLATE_LOCK = 0x7E57_7E57


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Generator[str]:
    """The DSN of a server on which tests may create databases."""
    given = os.environ.get("SCIMSERVER_TEST_DATABASE_URL")
    if given:
        yield given
        return
    own = tmp_path_factory.getbasetemp()
    with _server_of_the_run(own if worker_id == "master" else own.parent) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def database_administration(database_server: str) -> Generator["Administration"]:
    """What makes and drops databases on the server."""
    with Administration(database_server) as administration:
        yield administration


@pytest.fixture(scope="session")
def database_template(database_administration: "Administration") -> str:
    """The name of a migrated, empty database to clone."""
    return database_administration.make_template()


@pytest.fixture
def database_dsn(database_administration: "Administration", database_template: str) -> Generator[str]:
    """The DSN of a migrated database that only this test uses."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        yield dsn


@pytest.fixture
def bare_database_dsn(database_administration: "Administration") -> Generator[str]:
    """The DSN of a database without any table, that only this test uses."""
    with database_administration.database() as dsn:
        yield dsn


@pytest.fixture
async def database(database_dsn: str) -> AsyncGenerator[Database]:
    """A migrated database, opened."""
    settings = DatabaseSettings(dsn=database_dsn, points_size=5, searches_size=2)
    async with Database.open(settings) as opened:
        yield opened


class Administration:
    """Makes and drops databases over one connection, on an event loop that no test sees."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def __enter__(self) -> Self:
        self._connection = self._runner.run(asyncpg.connect(self._server))
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()

    def make_template(self) -> str:
        """The template's name; made by whoever comes first, and another one for other migrations."""
        digest = hashlib.sha256()
        for path in sorted((sql_folder() / "migrations").glob("*.sql")):
            digest.update(path.read_bytes())
        name = f"scimserver_template_{digest.hexdigest()[:16]}"
        self._runner.run(self._make_once(name))
        return name

    @contextmanager
    def database(self, how: str = "") -> Generator[str]:
        """The DSN of a new database, dropped after the block; `how` ends its CREATE statement."""
        name = f"scimserver_test_{uuid4().hex}"
        self._runner.run(self._connection.execute(f"CREATE DATABASE {name} {how}"))
        try:
            yield self._at(name)
        finally:
            self._runner.run(self._connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _make_once(self, name: str) -> None:
        run, ask = self._connection.execute, self._connection.fetchval
        await run("SELECT pg_advisory_lock($1)", _TEMPLATE_LOCK)
        try:
            if not await ask("SELECT count(*) FROM pg_database WHERE datname = $1", name):
                await run(f"DROP DATABASE IF EXISTS {name}_unfinished")
                await run(f"CREATE DATABASE {name}_unfinished")
                await migrate(self._at(f"{name}_unfinished"))
                await run(f"ALTER DATABASE {name}_unfinished RENAME TO {name}")
        finally:
            await run("SELECT pg_advisory_unlock($1)", _TEMPLATE_LOCK)

    def _at(self, database: str) -> str:
        parts = urlsplit(self._server)
        return f"{parts.scheme}://{parts.netloc}/{database}?{parts.query}"


@contextmanager
def _server_of_the_run(shared: Path) -> Generator[str]:
    """The one server of all processes of the run: its owner stops it when the last one is done."""
    with (shared / "database-users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        data = _data_directory(shared)
        server = embedded.start(data, fast=True)
        try:
            yield server.dsn
        finally:
            if isinstance(server, embedded.Running):
                fcntl.flock(users, fcntl.LOCK_EX)
                server.stop()
                shutil.rmtree(data)


def _data_directory(shared: Path) -> Path:
    """The same for all processes; not inside pytest's folder, which the server's account cannot enter."""
    note = shared / "database-directory"
    with (shared / "database-directory.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if note.exists() and Path(note.read_text("utf-8")).is_dir():
            return Path(note.read_text("utf-8"))
        _remove_leftovers()
        made = Path(tempfile.mkdtemp(prefix=_DATA_PREFIX))
        note.write_text(str(made), "utf-8")
        return made


def _remove_leftovers() -> None:
    """Take away what runs that were killed have left: nobody holds its lock any more."""
    for left in Path(tempfile.gettempdir()).glob(f"{_DATA_PREFIX}*/lock"):
        try:
            with left.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A server that is still shutting down makes this fail: keep the lock for the next try.
                for part in left.parent.glob("cluster*"):
                    shutil.rmtree(part)
                shutil.rmtree(left.parent)
        except OSError:
            continue  # Another run holds it, or it belongs to another account.
