"""`scimserver user`: what an operator does to users, a module for what belongs together."""

import click

from scimserver.cli.user.adding import add, clone
from scimserver.cli.user.bin import list_bin, purge, restore
from scimserver.cli.user.leaving import activate, deactivate, delete
from scimserver.cli.user.looking import list_some, permissions, show_one
from scimserver.cli.user.marking import mark, unmark
from scimserver.cli.user.password import password, reset_link
from scimserver.cli.user.sessions import list_sessions, sign_out


@click.group()
def user() -> None:
    """Users of an organisation."""


for _command in (
    add,
    list_some,
    show_one,
    permissions,
    clone,
    deactivate,
    activate,
    delete,
    list_bin,
    restore,
    purge,
    password,
    reset_link,
    mark,
    unmark,
    list_sessions,
    sign_out,
):
    user.add_command(_command)
