"""`scimserver import`: a verdict on each row, the exit code of all of them, and the log."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Commands

HEAD = "userName,title\n"
FILE = HEAD + "ada@acme.example,Dr\nbo@acme.example,\neve@evil.example,\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two users who may come in and one who may not."""
    path = tmp_path / "users.csv"
    path.write_text(FILE)
    return path


def exported(acme: Commands) -> list[dict[str, Any]]:
    return [json.loads(line) for line in acme.done("export", "acme", "--format", "jsonl").splitlines()]


def names(acme: Commands) -> list[str]:
    return [user["userName"] for user in exported(acme)]


def test_import_says_what_became_of_each_row(acme: Commands, file: Path):
    result = acme("import", "acme", str(file))
    assert result.exit_code == 4
    created, also, refused, summary = result.stdout.splitlines()
    assert created == "row 2: created  ada@acme.example"
    assert also == "row 3: created  bo@acme.example"
    assert refused.startswith("row 4: error  eve@evil.example  The domain")
    assert summary.startswith("Rows: created 2, updated 0, unchanged 0, skipped 0, error 1.")
    assert names(acme) == ["ada@acme.example", "bo@acme.example"]


def test_import_of_rows_that_are_all_well_ends_with_0(acme: Commands, file: Path):
    file.write_text(HEAD + "ada@acme.example,Dr\n")
    acme.done("import", "acme", str(file))
    file.write_text(HEAD + "ada@acme.example,Prof\n\n")
    printed = acme.done("import", "acme", str(file))
    assert "row 2: updated  ada@acme.example" in printed
    assert "created 0, updated 1, unchanged 0, skipped 1, error 0" in printed


def test_import_again_changes_nothing(acme: Commands, file: Path):
    file.write_text(HEAD + "ada@acme.example,Dr\nbo@acme.example,\n")
    acme.done("import", "acme", str(file))
    before = exported(acme)
    assert acme.done("import", "acme", str(file)).startswith("Rows: created 0, updated 0, unchanged 2,")
    assert exported(acme) == before


def test_import_prints_json_lines(acme: Commands, file: Path):
    result = acme("import", "acme", str(file), "--json")
    *rows, summary = map(json.loads, result.stdout.splitlines())
    assert [(row["row"], row["outcome"], row["userName"]) for row in rows] == [
        (2, "created", "ada@acme.example"),
        (3, "created", "bo@acme.example"),
        (4, "error", "eve@evil.example"),
    ]
    assert [user["id"] for user in exported(acme)] == [row["id"] for row in rows[:2]]
    assert rows[2]["reason"] == "domain_not_allowed"
    assert (summary["dryRun"], summary["created"], summary["error"]) == (False, 2, 1)
    assert len(acme.log("acme", "--request", summary["request"])) == 4


def test_dry_run_says_the_same_and_changes_nothing(acme: Commands, file: Path):
    before = acme.log("acme")
    dry = acme("import", "acme", str(file), "--dry-run", "--json")
    assert (acme.log("acme"), names(acme)) == (before, [])
    real = acme("import", "acme", str(file), "--json")
    assert dry.exit_code == real.exit_code == 4
    *rows, summary = map(json.loads, dry.stdout.splitlines())
    done = [json.loads(line) for line in real.stdout.splitlines()][:-1]
    assert rows == [{name: value for name, value in row.items() if name != "id"} for row in done]
    assert (summary["dryRun"], summary["request"]) == (True, None)
    assert "nothing was changed" in acme("import", "acme", str(file), "--dry-run").stdout


def test_import_is_on_record_with_each_user(acme: Commands, file: Path):
    acme("import", "acme", str(file))
    logged = [entry for entry in acme.log("acme") if entry["event"].startswith("user.")]
    assert [(entry["event"], entry["outcome"]) for entry in logged] == [
        ("user.create", "success"),
        ("user.create", "success"),
        ("user.create", "failure"),
        ("user.import", "success"),
    ]
    assert {entry["request"]["id"] for entry in logged} == {logged[0]["request"]["id"]}
    assert [change["path"] for change in logged[3]["changes"]] == [
        "created",
        "updated",
        "unchanged",
        "skipped",
        "error",
    ]


def test_row_that_is_refused_is_on_record_with_how_far_it_came(acme: Commands, file: Path):
    acme("import", "acme", str(file))
    [refused] = acme.log("acme", "--outcome", "failure")
    assert [step[:2] for step in refused["steps"]] == [["rules", "failure"]]


@pytest.mark.parametrize(
    "content,said",
    [
        ("", "is empty"),
        ("ada@acme.example,Dr\n", "is the header missing?"),
        ("userName,shoeSize\n", '"shoeSize"'),
        ('userName,"title\n', "header cannot be read"),
    ],
)
def test_file_that_is_none_of_users_is_refused_and_on_record(
    acme: Commands, file: Path, content: str, said: str
):
    file.write_text(content)
    assert said in acme.refused("import", "acme", str(file))
    [entry] = acme.log("acme", "--event", "user.import")
    assert (entry["outcome"], entry["reason"]) == ("failure", "invalid_value")
    assert said in acme.refused("import", "acme", str(file), "--dry-run")
    assert len(acme.log("acme", "--event", "user.import")) == 1


@pytest.mark.parametrize("head", ["userName,password\n", "userName,shoeSize\n", ""])
def test_secret_of_what_is_refused_is_in_no_record(acme: Commands, file: Path, head: str):
    file.write_text(f"{head}ada@acme.example,hunter2hunter2\n")
    result = acme("import", "acme", str(file))
    assert result.exit_code in (1, 4)
    assert "hunter2" not in result.output + acme.done("audit", "list", "acme", "--json")


def test_row_that_cannot_be_read_further_ends_the_import_with_what_was_done(acme: Commands, file: Path):
    file.write_text(HEAD + 'ada@acme.example,Dr\nbo@acme.example,"Dr\neve@acme.example,\n')
    result = acme("import", "acme", str(file))
    assert result.exit_code == 4
    assert "not closed" in result.stdout
    assert names(acme) == ["ada@acme.example"]


def test_import_goes_on_from_a_row(acme: Commands, file: Path):
    file.write_text(HEAD + "ada@acme.example,Dr\nbo@acme.example,\n")
    printed = acme.done("import", "acme", str(file), "--from", "3")
    assert "created 1, updated 0, unchanged 0, skipped 1, error 0" in printed
    assert names(acme) == ["bo@acme.example"]


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    "name,content,first",
    [
        ("users.csv", "userName\nada@acme.example\nbo@acme.example\n", "3"),
        ("users.json", '[{"userName":"ada@acme.example"},{"userName":"bo@acme.example"}]', "2"),
        ("users.jsonl", '{"userName":"ada@acme.example"}\n{"userName":"bo@acme.example"}\n', "2"),
    ],
)
def test_row_to_go_on_from_is_counted_as_the_rows_are(
    acme: Commands, tmp_path: Path, name: str, content: str, first: str, options: tuple[str, ...]
):
    (tmp_path / name).write_text(content)
    printed = acme.done("import", "acme", str(tmp_path / name), "--from", first, *options)
    assert printed.startswith(f"row {first}: created  bo@acme.example\n")
    assert "created 1, updated 0, unchanged 0, skipped 1, error 0" in printed


@pytest.mark.parametrize("first", ["2", "102"])
def test_bar_on_a_terminal_says_how_far_the_file_is_read(acme: Commands, file: Path, first: str):
    file.write_text("userName\n" + "".join(f"user-{number}@acme.example\n" for number in range(100)))
    reading, terminal = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "scimserver", "import", "acme", str(file), "--from", first],
        env={**os.environ, "SCIMSERVER_DATABASE_URL": acme.dsn, "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        check=True,
    )
    shown = os.read(reading, 65_536).decode()
    os.close(reading)
    os.close(terminal)
    assert "Importing" in shown
    assert "100%" in shown


@pytest.mark.parametrize(
    "name,content",
    [
        ("users.json", '[{"userName": "ada@acme.example", "title": null}]'),
        ("users.JSONL", '{"userName": "ada@acme.example"}\n'),
        ("users.ndjson", '{"userName": "ada@acme.example"}\n'),
    ],
)
def test_import_reads_json(acme: Commands, tmp_path: Path, name: str, content: str):
    (tmp_path / name).write_text(content)
    assert "row 1: created" in acme.done("import", "acme", str(tmp_path / name))


def test_import_reads_standard_input(acme: Commands):
    printed = acme.done("import", "acme", "-", "--format", "csv", answer=HEAD + "ada@acme.example,Zoë\n")
    assert "row 2: created" in printed
    assert exported(acme)[0]["title"] == "Zoë"


@pytest.mark.parametrize(
    "arguments", [("users.txt",), ("-",), ("users.csv", "--from", "0"), ("nowhere.csv",)]
)
def test_import_that_does_not_say_what_it_reads_is_wrong_usage(
    acme: Commands, tmp_path: Path, arguments: tuple[str, ...]
):
    (tmp_path / "users.txt").write_text(FILE)
    (tmp_path / "users.csv").write_text(FILE)
    where, *options = arguments
    path = where if where == "-" else str(tmp_path / where)
    acme.refused("import", "acme", path, *options, code=2)


def test_import_into_no_organisation_is_refused(acme: Commands, file: Path):
    assert "no organisation" in acme.refused("import", "none", str(file))


def test_import_that_was_killed_is_done_again_harmlessly(acme: Commands, tmp_path: Path):
    path = tmp_path / "many.csv"
    path.write_text(HEAD + "".join(f"user-{number}@acme.example,Dr\n" for number in range(400)))
    environment = {**os.environ, "SCIMSERVER_DATABASE_URL": acme.dsn}
    command = [sys.executable, "-m", "scimserver", "import", "acme", str(path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for _ in range(20):
            running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    made = len(names(acme))
    assert 20 <= made < 400
    printed = acme.done("import", "acme", str(path))
    assert f"created {400 - made}, updated 0, unchanged {made}, skipped 0, error 0" in printed
    assert len(set(names(acme))) == 400
