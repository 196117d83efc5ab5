"""`scimserver export`: all users in the form that import reads, and on record."""

import asyncio
import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import orjson
import pytest

from scimserver.directory.transfer import COLUMNS
from tests.commands import Commands

PEOPLE = "userName,title,teams\nada@acme.example,=1,\nbo@acme.example,Zoë,\n"


@pytest.fixture
def peopled(acme: Commands) -> Commands:
    """Commands where `acme` has two users."""
    acme.done("import", "acme", "-", "--format", "csv", answer=PEOPLE)
    return acme


def test_export_writes_csv(peopled: Commands):
    printed = peopled.done("export", "acme")
    head, ada, bo = csv.reader(io.StringIO(printed))
    assert head == [column.name for column in COLUMNS]
    assert [row[head.index("userName")] for row in (ada, bo)] == ["ada@acme.example", "bo@acme.example"]
    assert [row[head.index("title")] for row in (ada, bo)] == ["'=1", "Zoë"]


def test_export_writes_json_and_json_lines(peopled: Commands):
    listed = json.loads(peopled.done("export", "acme", "--format", "json"))
    lines = peopled.done("export", "acme", "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == listed
    assert [user["title"] for user in listed] == ["=1", "Zoë"]
    assert list(listed[0]) == [column.name for column in COLUMNS]


def test_export_of_nobody_is_a_file_too(acme: Commands):
    assert acme.done("export", "acme").count("\n") == 1
    assert json.loads(acme.done("export", "acme", "--format", "json")) == []


@pytest.mark.parametrize(
    "name,first", [("out.csv", "id,"), ("out.json", "["), ("out.jsonl", "{"), ("out", "id,")]
)
def test_export_writes_a_file_for_its_owner_alone(peopled: Commands, tmp_path: Path, name: str, first: str):
    path = tmp_path / name
    assert peopled.done("export", "acme", "--output", str(path)) == ""
    assert path.read_text().startswith(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_export_to_a_pipe_is_written_into_it(peopled: Commands, tmp_path: Path):
    path = tmp_path / "out.csv"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        peopled.done("export", "acme", "--output", str(path), "--columns", "userName")
        assert path.is_fifo()
        assert reader.read().split() == ["userName", "ada@acme.example", "bo@acme.example"]


@pytest.mark.parametrize("content", ["before", None])
def test_export_to_a_symbolic_link_is_written_where_it_leads(
    peopled: Commands, tmp_path: Path, content: str | None
):
    path, link = tmp_path / "out.csv", tmp_path / "elsewhere" / "link.csv"
    link.parent.mkdir()
    link.symlink_to(path)
    if content is not None:
        path.write_text(content)
    peopled.done("export", "acme", "--output", str(link))
    assert link.is_symlink()
    assert path.read_text().startswith("id,")


@pytest.mark.parametrize("content", ["before", None])
def test_export_that_fails_leaves_the_file_of_before(peopled: Commands, tmp_path: Path, content: str | None):
    path = tmp_path / "out.csv"
    if content is not None:
        path.write_text(content)

    async def lose_users() -> None:
        connection = await asyncpg.connect(peopled.dsn)
        await connection.execute("UPDATE users SET document = 'no JSON'")
        await connection.close()

    asyncio.run(lose_users())
    with pytest.raises(orjson.JSONDecodeError):
        peopled("export", "acme", "--output", str(path))
    assert {each: each.read_text() for each in tmp_path.iterdir()} == ({path: content} if content else {})


def test_export_that_cannot_be_written_is_none(peopled: Commands, tmp_path: Path):
    said = peopled.refused("export", "acme", "--output", str(tmp_path / "nowhere" / "out.csv"), code=3)
    assert said.endswith("nowhere/out.csv cannot be written: No such file or directory.\n")
    assert peopled.log("acme", "--event", "user.export") == []


def test_export_that_cannot_be_written_further_says_so(peopled: Commands):
    said = peopled.refused("export", "acme", "--output", "/dev/full", code=3)
    assert said == "/dev/full cannot be written: No space left on device.\n"
    assert len(peopled.log("acme", "--event", "user.export")) == 1


def ended(commands: Commands, output: int) -> tuple[int, bytes]:
    """How an export to a standard output ends: its exit code, and what it says."""
    with os.fdopen(output, "wb") as taken:
        result = subprocess.run(
            [sys.executable, "-m", "scimserver", "export", "acme"],
            env={**os.environ, "SCIMSERVER_DATABASE_URL": commands.dsn},
            stdout=taken,
            stderr=subprocess.PIPE,
            check=False,
        )
    return result.returncode, result.stderr


def test_export_to_a_full_standard_output_says_so_once(peopled: Commands):
    said = b"Standard output cannot be written: No space left on device.\n"
    assert ended(peopled, os.open("/dev/full", os.O_WRONLY)) == (3, said)


def test_export_that_nobody_reads_is_interrupted(peopled: Commands):
    reading, writing = os.pipe()
    os.close(reading)
    assert ended(peopled, writing) == (130, b"")


def test_export_comes_in_without_a_change(peopled: Commands, tmp_path: Path):
    path = tmp_path / "out.csv"
    peopled.done("export", "acme", "--output", str(path))
    assert peopled.done("import", "acme", str(path)).startswith("Rows: created 0, updated 0, unchanged 2,")


def test_export_of_some_columns(peopled: Commands):
    printed = peopled.done("export", "acme", "--columns", "userName, TITLE")
    assert printed.splitlines() == ["userName,title", "ada@acme.example,'=1", "bo@acme.example,Zoë"]


@pytest.mark.parametrize("columns", ["shoeSize", "password", "title,title", ""])
def test_export_of_no_column_is_wrong_usage(peopled: Commands, columns: str):
    peopled.refused("export", "acme", "--columns", columns, code=2)
    assert peopled.log("acme", "--event", "user.export") == []


def test_export_is_on_record_with_the_number_of_users(peopled: Commands):
    peopled.done("export", "acme", "--format", "json")
    [entry] = peopled.log("acme", "--event", "user.export")
    assert (entry["outcome"], entry["actor"]["kind"]) == ("success", "operator")
    assert [change["path"] for change in entry["changes"]] == ["users"]
    assert entry["personal"]["changes.0.new"] == 2


def test_export_of_no_organisation_is_refused(acme: Commands):
    assert "no organisation" in acme.refused("export", "none")
