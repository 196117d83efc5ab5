"""`scimserver settings`: every setting there is, from the declarations themselves.

Proven by tests/database/test_cli_settings.py.
"""

import click

from scimserver.cli import show
from scimserver.config import documented


@click.command()
@click.option("--markdown", is_flag=True, help="Print a table for the documentation.")
@show.json_option
def settings(*, markdown: bool, as_json: bool) -> None:
    """The settings: environment variables, defaults and what each is for."""
    if as_json:
        show.document(
            [
                {"variable": name, "default": default, "description": text}
                for name, default, text in documented()
            ]
        )
    elif markdown:
        click.echo(as_markdown())
    else:
        show.table(("variable", "default", "what it is for"), documented(), empty="There are no settings.")


def as_markdown() -> str:
    """The table of settings in Markdown."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {text.replace('|', chr(92) + '|')} |"
        for name, default, text in documented()
    ]
    return "\n".join(("| variable | default | what it is for |", "| --- | --- | --- |", *rows))
