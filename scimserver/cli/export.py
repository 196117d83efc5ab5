"""`scimserver export`: the users of an organisation to a file, which is in the log.

Proven by tests/database/test_cli_export.py.
"""

from pathlib import Path

import click

from scimserver.cli import files
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations, transfer
from scimserver.directory.transfer import COLUMNS, Column, Format
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import UsersExported

_EACH = 500
"""Users after which the bar moves."""


@click.command()
@click.argument("org")
@files.format_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file to write; else standard output.",
)
@click.option("--columns", metavar="NAMES", help="Only these columns, separated by commas.")
def export(org: str, *, written: str | None, output: Path | None, columns: str | None) -> None:
    """Write the users of ORG, in the form that `import` reads. That it was done is logged."""
    form = files.format_of(output, written, Format.CSV)
    chosen = _chosen(columns)

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        # First of all: what cannot be written at all is no export, and not on record as one.
        with files.written_to(output) as write:
            async with attempt(session, UsersExported, organization.name, organization.id) as work:
                total = await transfer.begin(work, organization.name)
            how = transfer.writing(form, chosen)
            with files.progress("Exporting", total) as tell:
                write(how.head)
                number = 0
                async for values in transfer.users(session.database, organization.id):
                    write(how.row(number, values))
                    number += 1
                    if number % _EACH == 0:
                        tell(number)
                write(how.foot)

    run(command)


def _chosen(names: str | None) -> tuple[Column, ...]:
    if names is None:
        return COLUMNS
    try:
        return transfer.chosen(names.split(","))
    except InvalidValue as wrong:
        raise click.BadParameter(wrong.detail, param_hint="--columns") from wrong
