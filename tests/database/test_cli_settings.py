"""`scimserver settings`: every setting, as declared."""

import json

from click.testing import CliRunner

from scimserver.cli import main
from scimserver.config import documented


def printed(*options: str) -> str:
    result = CliRunner().invoke(main, ["settings", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_settings_are_all_in_the_table():
    table = printed()
    assert [name for name, _, _ in documented() if name not in table] == []


def test_settings_are_one_document():
    assert [tuple(each.values()) for each in json.loads(printed("--json"))] == list(documented())


def test_settings_in_markdown_are_a_row_each():
    heading, rule, *rows = printed("--markdown").splitlines()
    assert (heading.count("|"), rule) == (4, "| --- | --- | --- |")
    assert [row.split("`")[1] for row in rows] == [name for name, _, _ in documented()]
    assert [row for row in rows if row.count("|") - row.count("\\|") != 4] == []


def test_settings_in_markdown_show_defaults_as_code():
    assert "| `SCIMSERVER_PORT` | `8080` |" in printed("--markdown")
