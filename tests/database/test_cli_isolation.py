"""Commands about one organisation show nothing of another, and take what is another's for unknown.

The commands are found in the program: one that names an organisation and is not in the table fails.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import click
import pytest
from click.testing import Result

from scimserver.cli import main
from tests.commands import Commands, put_user
from tests.metadata import metadata

THEIRS, NOBODYS = "zebra", "koala"
USERS = {THEIRS: UUID(int=7), NOBODYS: UUID(int=8), "ours-too": UUID(int=9)}
"""The id of a user of theirs, and of nobody."""

OWN: dict[str, tuple[str, ...]] = {
    "audit list": (),
    "connection create": ("{word}",),
    "connection list": (),
    "domain list": (),
    "mail list": (),
    "export": ("--format", "json"),
    "import": ("-", "--format", "csv"),
    "recovery list": (),
    "role create": ("{word}",),
    "role list": (),
    "saml create": ("{word}", "--metadata", "-"),
    "saml list": (),
    "org show": (),
    "org update": ("--title", "{word}"),
    "token list": (),
    "user add": ("{word}@ours.example", "--given-name", "{word}", "--family-name", "{word}"),
    "user bin": (),
    "user list": ("--search", "{word}"),
}
"""Commands that name nothing beside the organisation but what is to be made."""

NAMING: dict[str, tuple[str, ...]] = {
    "audit list --connection": ("--connection", "{word}"),
    "audit list --request": ("--request", "{word}-request"),
    "connection resume": ("{word}",),
    "connection update": ("{word}", "--strict"),
    "import ID": ("-", "--format", "csv", "--dry-run"),
    "import TEAM": ("-", "--format", "csv", "--dry-run"),
    "domain enforce": ("{word}.example", "--connection", "{word}"),
    "domain release": ("{word}.example",),
    "domain remove": ("{word}.example", "--yes"),
    "domain verify": ("{word}.example",),
    "recovery enrol": ("{word}@{word}.example",),
    "recovery enrol --code": ("{word}@{word}.example", "--code", "123456"),
    "recovery withdraw": ("{word}@{word}.example",),
    "role assign": ("Minimal Permissions", "{word}@{word}.example"),
    "role assign ROLE": ("{word}", "{word}@{word}.example"),
    "role clone": ("{word}", "{word} too"),
    "role delete": ("{word}", "--yes"),
    "role show": ("{word}",),
    "role update": ("{word}", "--allow", "users.read"),
    "saml keys": ("{word}",),
    "saml keys publish": ("{word}", "publish"),
    "saml refresh": ("{word}",),
    "saml show": ("{word}",),
    "saml switch": ("{word}", "testing"),
    "saml update": ("{word}", "--unsolicited"),
    "token create": ("{word}",),
    "token revoke": ("{token}",),
    "token rotate": ("{token}",),
    "user activate": ("{word}@{word}.example",),
    "user clone": ("{word}@{word}.example",),
    "user mark": ("{word}@{word}.example",),
    "user unmark": ("{word}@{word}.example",),
    "user password": ("{word}@{word}.example", "--generate"),
    "user reset-link": ("{word}@{word}.example",),
    "user reset-link --withdraw": ("{word}@{word}.example", "--withdraw"),
    "user deactivate": ("{word}@{word}.example",),
    "user delete": ("{word}@{word}.example", "--yes"),
    "user purge": ("{word}-gone@{word}.example", "--yes"),
    "user restore": ("{word}-gone@{word}.example",),
    "user permissions": ("{word}@{word}.example",),
    "user show": ("{word}@{word}.example",),
    "user sessions": ("{word}@{word}.example",),
    "user sign-out": ("{word}@{word}.example",),
}
"""Commands that name something by a word or an id."""

TELLING: dict[str, str] = {
    "domain add": "a domain belongs to one organisation of the installation: an operator is told",
    "org create": "an organisation's name is the installation's",
    "org list": "an operator's list of the installation",
}
"""Commands that look past one organisation, and why each may."""

OF_NOBODY = {"serve", "demo", "migrate", "simulate", "settings", "health"}
"""Commands that are about no organisation."""


FILES: dict[str, str] = {
    "import": "userName,title\n{word}@ours.example,Agent\n",
    "import ID": "id,title\n{user},Agent\n",
    "import TEAM": "userName,teams\nada@ours.example,{word}\n",
    "saml create": metadata(),
}
"""What a command reads from standard input."""


def every_command() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


@pytest.fixture
def both(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> tuple[Commands, str]:
    """Commands where there are `ours` and theirs, which has one of everything; the id of their token."""
    monkeypatch.setenv("SCIMSERVER_SECRET", "s" * 32)
    commands.done("org", "create", "ours", "--domain", "ours.example")
    commands.done("connection", "create", "ours", "Ours")
    commands.done("token", "create", "ours", "Ours")
    commands.done("org", "create", THEIRS, "--domain", f"{THEIRS}.example")
    commands.done("connection", "create", THEIRS, THEIRS)
    commands.done("role", "create", THEIRS, THEIRS)
    put_user(commands.dsn, THEIRS, USERS[THEIRS], f"{THEIRS}@{THEIRS}.example")
    commands.done("user", "reset-link", THEIRS, f"{THEIRS}@{THEIRS}.example")
    put_user(commands.dsn, THEIRS, UUID(int=8), f"{THEIRS}-gone@{THEIRS}.example")
    commands.done("user", "delete", THEIRS, str(UUID(int=8)), "--yes")
    return commands, commands.json("token", "create", THEIRS, THEIRS)["id"]


def run(commands: Commands, name: str, arguments: tuple[str, ...], word: str, token: str) -> Result:
    """A command about ours that names what the word and the id say."""
    filled = [each.format(word=word, token=token) for each in arguments]
    file = FILES.get(name, "").format(word=word, user=USERS[word]) if name in FILES else None
    own_words = command_of(name).split()
    printing = () if name == "export" else ("--json",)
    return commands(*own_words, "ours", *filled, *printing, answer=file)


def command_of(name: str) -> str:
    """The command of a case: the longest beginning of its name that is one."""
    words = name.split()
    known = {each for each, _ in every_command()}
    return next(" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in known)


def masked(output: str, word: str, token: str) -> str:
    """What a command printed, without what was asked for."""
    for known in (word, token, str(USERS[word])):
        output = output.replace(known, "~")
    return output


def all_of(commands: Commands, organization: str) -> list[Any]:
    """What there is of an organisation, and its log but for readings of it."""
    shown = [commands.json(what, "list", organization) for what in ("connection", "domain", "token")]
    shown.append(commands.json("user", "bin", organization))
    return [*shown, commands.json("org", "show", organization), commands.log(organization)]


def test_every_command_is_accounted_for():
    known = {command_of(name) for name in (*OWN, *NAMING, *TELLING)} | OF_NOBODY
    assert {name for name, _ in every_command()} == known


@pytest.mark.parametrize("name", OWN)
def test_command_about_ours_shows_nothing_of_theirs(both: tuple[Commands, str], name: str):
    commands, token = both
    before = all_of(commands, THEIRS)
    ids = {each["id"] for listed in before for each in listed if isinstance(each, dict) and "id" in each}
    answer = run(commands, name, OWN[name], "ours-too", token)
    assert answer.exit_code == 0, answer.output
    assert [each for each in (THEIRS, token, *ids) if each in answer.output] == []
    assert all_of(commands, THEIRS) == before


@pytest.mark.parametrize("name", NAMING)
def test_command_takes_what_is_theirs_for_unknown(both: tuple[Commands, str], name: str):
    commands, token = both
    before = all_of(commands, THEIRS)
    nobodys = token[:-4] + ("0000" if token[-4:] != "0000" else "1111")
    theirs = run(commands, name, NAMING[name], THEIRS, token)
    unknown = run(commands, name, NAMING[name], NOBODYS, nobodys)
    assert theirs.exit_code == unknown.exit_code
    assert masked(theirs.output, THEIRS, token) == masked(unknown.output, NOBODYS, nobodys)
    assert all_of(commands, THEIRS) == before


def test_audit_list_by_target_finds_nothing_of_theirs(both: tuple[Commands, str]):
    commands, token = both
    assert commands.log(THEIRS, "--target", token)
    assert commands.log("ours", "--target", token) == []
