"""What commands print: tables and sentences for people, one JSON document for programs.

Stored text is a stranger's: no control character of it reaches a terminal.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scimserver.kernel.facts import Json

NOTHING: Final = "—"
_UNBOUNDED: Final = 10_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
"""The option that every command takes."""


def plain(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def moment(when: datetime | None) -> str:
    """A moment as people read it, in UTC, to the second."""
    return NOTHING if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def yes_no(value: bool) -> str:
    """A truth value in words."""
    return "yes" if value else "no"


def stamp(when: datetime | None) -> str | None:
    """A moment as JSON has it: RFC 3339."""
    return None if when is None else when.isoformat()


def sentence(text: str) -> None:
    """Print a sentence."""
    click.echo(plain(text))


def document(value: Json) -> None:
    """Print one JSON document, in ASCII."""
    click.echo(json.dumps(value, indent=2))


def line(value: Json) -> None:
    """Print one line of JSON Lines, in ASCII."""
    click.echo(json.dumps(value))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print rows below headings, or the sentence `empty` if there is none."""
    made = Table()
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(plain(cell)) for cell in row))
    if made.row_count:
        _print(made)
    else:
        sentence(empty)


def fields(named: Mapping[str, str]) -> None:
    """Print one thing, a line for each of its fields."""
    made = Table.grid(padding=(0, 2))
    for name, value in named.items():
        made.add_row(Text(name, style="bold"), Text(plain(value)))
    _print(made)


def _print(made: Table) -> None:
    """A file gets lines as long as they are; a terminal gets them as wide as it is."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_UNBOUNDED)
    console.print(made)
