"""The command `scimserver`: each sub-command is a module that is imported when it is called.

Importing the SCIM models takes longer than most commands run, so even the list of commands is
printed without importing one.
Proven by tests/database/test_cli_main.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Final

import click

from scimserver import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    module: str
    attribute: str
    summary: str


def _places(**summaries: str) -> Mapping[str, _Place]:
    """The commands by their names; a module whose name Python keeps for itself ends with an underscore."""
    places = {
        name.rstrip("_"): _Place(module=f"scimserver.cli.{name}", attribute=name, summary=summary)
        for name, summary in summaries.items()
    }
    return MappingProxyType(places)


_COMMANDS: Final = _places(
    serve="Serve SCIM until SIGTERM, which lets running requests end.",
    demo="Show the server at work: a database, an organisation, two identity providers.",
    migrate="Bring the database's schema up to date.",
    org="Organisations.",
    domain="Email Domains: which addresses an organisation's users may have.",
    user="Users of an organisation.",
    import_="Add and change users from a file: CSV, JSON or JSON Lines.",
    export="Write an organisation's users to a file.",
    role="Roles: what the users of an organisation may do.",
    mail="Mail that waits, and mail that could not be sent.",
    connection="Connections: the identity providers of an organisation.",
    token="Bearer tokens of connections.",  # noqa: S106 - a summary, not a secret
    saml="SAML: identity providers that sign the people of an organisation in.",
    recovery="Recovery accounts: who gets in when the identity provider lets nobody in.",
    audit="The provisioning log.",
    simulate="Send a server what an identity provider sends, and check its answers.",
    settings="The settings there are, with their defaults.",
    health="Ask a running server whether it can serve.",
)


class _LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None for an unknown one."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        command = getattr(import_module(place.module), place.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in _COMMANDS.items()])


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scimserver")
def main() -> None:
    """A SCIM 2.0 provisioning endpoint.

    Exit codes: 0 done, 1 refused (nothing was changed), 2 wrong usage or settings, 3 something
    outside did not answer, 4 done in part. Settings are environment variables: see `scimserver settings`.
    """
