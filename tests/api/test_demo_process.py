"""`scimserver demo` as a process: what it shows, whom it tells, and that nothing is left of it."""

import asyncio
import json
import signal
import socket
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from scimserver.db.embedded import EmbeddedPostgres
from scimserver.db.migrate import migrate
from tests.processes import (
    Program,
    Reply,
    ask,
    asked,
    dsn_of,
    is_postgres_alive,
    program,
    provision,
    temporary_data_dir,
    until,
)
from tests.processes import data_dir as data_dir
from tests.processes import used_data_dir as used_data_dir


def ready(path: Path, running: Program) -> dict[str, str | None]:
    """What the ready file says, read as soon as it is there."""
    until(lambda: path.exists() or running.process.poll() is not None, "the ready file does not appear")
    return json.loads(path.read_text("utf-8"))


def create_user(said: dict[str, str | None], name: str) -> Reply:
    return ask(f"{said['scim_base_url']}/Users", method="POST", token=said["token"], body={"userName": name})


def test_demo_plays_both_providers_and_stops_when_told_to_exit(data_dir: Path):
    for _ in ("first run", "second run on the same data"):
        with program("demo", "--exit", "--port", "0", "--data-dir", data_dir) as running:
            assert running.wait(seconds=60) == 0, running.stdout + running.stderr
            assert "Okta" in running.stdout
            assert "Entra" in running.stdout
            assert running.stderr == ""
            assert not is_postgres_alive(data_dir)


def test_demo_shows_the_steps_and_ends_with_one_when_some_failed(data_dir: Path):
    with EmbeddedPostgres(data_dir, fast=True) as server:
        asyncio.run(migrate(server.dsn))
        # Strict: it refuses what the dialogue expects to be accepted.
        asyncio.run(provision(server.dsn, organization="demo", connection="okta", strict=True))
    with program("demo", "--exit", "--port", "0", "--data-dir", data_dir) as running:
        assert running.wait(seconds=60) == 1
        assert "FAILED" in running.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_demo_stops_with_its_database_when_told_to(
    used_data_dir: Path, tmp_path: Path, number: signal.Signals
):
    file = tmp_path / "ready.json"
    arguments = ("--empty", "--port", "0", "--data-dir", used_data_dir, "--ready-file", file)
    with program("demo", *arguments) as running:
        ready(file, running)
        assert is_postgres_alive(used_data_dir)
        running.signal(number)
        assert running.wait() == 0
        assert running.stderr == ""
        assert not is_postgres_alive(used_data_dir)


def test_demo_stops_in_the_middle_of_a_dialogue_when_told_to(used_data_dir: Path, tmp_path: Path):
    file = tmp_path / "ready.json"
    with program("demo", "--port", "0", "--data-dir", used_data_dir, "--ready-file", file) as running:
        ready(file, running)
        until(lambda: asked(dsn_of(used_data_dir), "SELECT id FROM users"), "no dialogue has begun")
        running.signal(signal.SIGINT)
        assert running.wait() == 0
        assert "Paste into" not in running.stdout


@pytest.fixture(scope="module")
def empty() -> Generator[Path]:
    """The ready file of a running demonstration without dialogues, whose organisation has two domains."""
    with (
        temporary_data_dir() as data,
        tempfile.TemporaryDirectory() as folder,
        program(
            *("demo", "--empty", "--port", "0", "--data-dir", data),
            *("--domain", "one.example", "--domain", "bücher.example", "--domain", "one.example"),
            *("--ready-file", (file := Path(folder, "ready.json"))),
        ) as running,
    ):
        ready(file, running)
        yield file


def test_ready_file_holds_all_that_a_program_needs(empty: Path):
    said = json.loads(empty.read_text("utf-8"))
    assert ask(f"{said['scim_base_url']}/Users", token=said["token"]).status == 200
    assert said["organization"] == "demo"
    assert said.keys() == {
        "scim_base_url", "token", "organization", "console_url", "admin_email", "admin_password",
        "saml_acs_url", "saml_entity_id", "saml_login_url",
    }  # fmt: skip


def test_ready_file_can_be_read_by_its_owner_only(empty: Path):
    assert stat.S_IMODE(empty.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name, status", [("a@one.example", 201), ("a@bücher.example", 201), ("a@example.com", 400)]
)
def test_demo_accepts_addresses_of_the_given_domains_only(empty: Path, name: str, status: int):
    assert create_user(json.loads(empty.read_text("utf-8")), name).status == status


def test_demo_says_when_its_port_is_taken(used_data_dir: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with program("demo", "--port", port, "--data-dir", used_data_dir) as running:
            assert running.wait() == 2
            assert running.stderr == (
                f"cannot listen on 127.0.0.1:{port}: Address already in use;"
                " choose another --port, or 0 for a free one\n"
            )


def test_demo_removes_the_ready_file_of_an_earlier_run_before_it_starts(used_data_dir: Path, tmp_path: Path):
    file = tmp_path / "ready.json"
    file.write_text("{}", "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with program("demo", "--port", port, "--data-dir", used_data_dir, "--ready-file", file) as running:
            assert running.wait() == 2
            assert list(tmp_path.iterdir()) == []


def test_demo_says_when_the_ready_file_cannot_be_written(used_data_dir: Path, tmp_path: Path):
    nowhere = tmp_path / "missing" / "ready.json"
    with program("demo", "--port", "0", "--data-dir", used_data_dir, "--ready-file", nowhere) as running:
        assert running.wait() == 2
        assert running.stderr == f"cannot write {nowhere}: No such file or directory\n"
