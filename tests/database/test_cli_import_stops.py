"""An import that stops half-way says where, what became of the rows before, and has its own exit code."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.commands import Commands

ROWS = 400
BROKEN = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON users FOR EACH ROW
WHEN (NEW.user_name = 'user-7@acme.example') EXECUTE FUNCTION fail()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of many users."""
    path = tmp_path / "many.csv"
    path.write_text("userName\n" + "".join(f"user-{number}@acme.example\n" for number in range(ROWS)))
    return path


@contextmanager
def importing(acme: Commands, file: Path, *options: str) -> Generator[subprocess.Popen[str]]:
    """An import of which a few rows are done, as in a terminal; ended after the block, whatever happened."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running = subprocess.Popen(
            [sys.executable, "-m", "scimserver", "import", "acme", str(file), *options],
            env={**os.environ, "SCIMSERVER_DATABASE_URL": acme.dsn},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        try:
            assert running.stdout is not None
            for _ in range(20):
                running.stdout.readline()
            yield running
        finally:
            running.kill()


def made(acme: Commands) -> int:
    """How many users there are."""
    return len(acme.done("export", "acme", "--columns", "userName").splitlines()) - 1


def go_on(acme: Commands, file: Path, said: str) -> None:
    """Do what is said of how to go on, after which all users are there."""
    [first] = re.findall(r"^Stopped at row (\d+): whatever was done before stays.*go on", said, re.MULTILINE)
    assert made(acme) < ROWS
    acme.done("import", "acme", str(file), "--from", first)
    assert made(acme) == ROWS


def test_import_that_is_interrupted_says_where_to_go_on(acme: Commands, file: Path):
    with importing(acme, file) as running:
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    go_on(acme, file, said)


def test_import_that_nobody_reads_says_where_to_go_on(acme: Commands, file: Path):
    with importing(acme, file) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
    assert running.returncode == 130
    assert said.count("\n") == 1
    go_on(acme, file, said)


def test_dry_run_that_is_interrupted_says_that_nothing_was_changed(acme: Commands, file: Path):
    with importing(acme, file, "--dry-run") as running:
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert re.fullmatch(r"The dry run stopped at row \d+\. Nothing was changed\.\n", said)
    assert made(acme) == 0


@pytest.mark.parametrize(
    "options,said,users",
    [
        ((), "Stopped at row 9: whatever was done before stays. Import the file again", 7),
        (("--from", "9"), "Stopped at row 9: whatever was done before stays. Import the file again", 0),
        (("--dry-run",), "The dry run stopped at row 9. Nothing was changed.", 0),
    ],
)
def test_import_whose_database_fails_says_where_to_go_on(
    acme: Commands, file: Path, options: tuple[str, ...], said: str, users: int
):
    async def put() -> None:
        connection = await asyncpg.connect(acme.dsn)
        await connection.execute(BROKEN)
        await connection.close()

    asyncio.run(put())
    result = acme("import", "acme", str(file), *options)
    assert result.exit_code == 3
    assert said in result.stderr
    assert "no space left" in result.stderr
    assert made(acme) == users
