"""The command as a whole: what it lists, what it loads, how it ends when it cannot begin."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from scimserver import __version__
from scimserver.cli import main
from scimserver.cli.show import plain

NAMES = main.list_commands(click.Context(main)) if isinstance(main, click.Group) else []
OPERATORS = ("org", "domain", "connection", "token", "audit", "migrate", "settings", "health")


def after(code: str) -> Any:
    """What a fresh interpreter prints as JSON after running the code."""
    answer = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"], capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout.splitlines()[-1])


def test_help_lists_every_command_and_loads_none():
    code = """
from click.testing import CliRunner
from scimserver.cli import main
text = CliRunner().invoke(main, ["--help"]).stdout
print(json.dumps([text, [name for name in sys.modules if name.startswith("scimserver.cli.")]]))
"""
    text, loaded = after(code)
    listed = text.partition("Commands:")[2]
    assert [name for name in NAMES if f"\n  {name} " not in listed] == []
    assert loaded == []


def test_operators_commands_do_without_the_models():
    code = f"""
from importlib import import_module
for name in {OPERATORS}:
    import_module("scimserver.cli." + name)
print(json.dumps([name for name in ("scim2_models", "scim2_server", "aiohttp") if name in sys.modules]))
"""
    assert after(code) == []


@pytest.mark.parametrize("name", NAMES)
def test_command_is_where_the_table_says(name: str):
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert (command.name, bool(command.help)) == (name, True)


@pytest.mark.parametrize("name", OPERATORS)
def test_command_prints_json_on_demand(name: str):
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), name)
    assert command is not None
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    assert [leaf.name for leaf in leaves if "as_json" not in {each.name for each in leaf.params}] == []


def test_unknown_command_is_wrong_usage():
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2


def test_module_runs_as_the_command():
    answer = subprocess.run(
        [sys.executable, "-m", "scimserver", "--version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout == f"scimserver, version {__version__}\n"


def test_command_ends_with_3_when_no_database_answers(clean_settings: Callable[..., None]):
    clean_settings(SCIMSERVER_DATABASE_URL="postgresql://postgres@127.0.0.1:1/none")
    result = CliRunner().invoke(main, ["org", "list"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert "does not answer" in result.stderr


def test_command_ends_with_3_when_the_schema_is_older(
    clean_settings: Callable[..., None], bare_database_dsn: str
):
    clean_settings(SCIMSERVER_DATABASE_URL=bare_database_dsn)
    result = CliRunner().invoke(main, ["org", "list"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert "run `scimserver migrate`" in result.stderr


def test_command_ends_with_2_and_tells_all_mistakes_when_settings_are_wrong(
    clean_settings: Callable[..., None],
):
    clean_settings(SCIMSERVER_PORT="99999", SCIMSERVER_NONSENSE="1")
    result = CliRunner().invoke(main, ["org", "list"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert ("SCIMSERVER_PORT" in result.stderr, "SCIMSERVER_NONSENSE" in result.stderr) == (True, True)


@pytest.mark.parametrize(
    "text,shown",
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Bücher 書籍", "Bücher 書籍"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("two\r\nlines\t", "two��lines�"),
        ("\x9b31m\u202eabc\u2028", "�31m�abc�"),
    ],
)
def test_plain_lets_no_control_character_through(text: str, shown: str):
    assert plain(text) == shown
