"""`scimserver user list`, `show` and `permissions`: who there is, and what they may do.

Proven by tests/database/test_cli_user_looking.py and tests/database/test_cli_user.py.
"""

from collections.abc import Mapping

import click

from scimserver.cli import show
from scimserver.cli.runtime import Session, run
from scimserver.directory import cases, organizations, passwords, roles, users
from scimserver.directory.passwords import Credential
from scimserver.directory.users import Listed
from scimserver.kernel.facts import Json

_MOST = 1000


@click.command("list")
@click.argument("org")
@click.option("--search", metavar="TEXT", default="", help="Only addresses that begin with it.")
@click.option("--after", metavar="ADDRESS", default="", help="Go on after the last one of a list before.")
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="How many at most."
)
@show.json_option
def list_some(org: str, *, search: str, after: str, limit: int, as_json: bool) -> None:
    """Users of ORG by address. All of them, with all that is stored: `scimserver export`."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await users.beginning(session.database, organization.id, search, after, limit + 1)
        listed, more = found[:limit], len(found) > limit
        if as_json:
            show.document([_as_object(each) for each in listed])
            return
        show.table(
            ("address", "name", "role", "active", "changed", "id"),
            [
                (
                    each.user_name,
                    each.display_name or show.NOTHING,
                    each.role,
                    show.yes_no(each.active),
                    show.moment(each.last_modified),
                    str(each.id),
                )
                for each in listed
            ],
            empty="There is no such user.",
        )
        if more:
            show.sentence(f'There are more: --after "{listed[-1].user_name}".')

    run(command)


@click.command("show")
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def show_one(org: str, name: str, *, as_json: bool) -> None:
    """USER of ORG, an address or id: role, Teams, Cases, and how they sign in."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with session.work(organization.id) as work:
            found = await users.find(work, name)
            role = await roles.get(work, found.role)
            credential = await passwords.find(work, found.id)
        owned = await cases.count_owned(session.database, organization.id, found.id)
        teams = [team.name or str(team.id) for team in found.groups]
        if as_json:
            show.document(
                {
                    **found.document,
                    "active": found.active,
                    "role": {"value": str(role.id), "display": role.name},
                    "teams": [{"value": str(team.id), "display": team.name} for team in found.groups],
                    "ownedCases": owned,
                    "identityProvider": found.provider.name if found.provider else None,
                    "password": _password(credential),
                    "created": show.stamp(found.created),
                    "lastModified": show.stamp(found.last_modified),
                }
            )
            return
        show.fields(
            {
                "address": found.user_name,
                "id": str(found.id),
                "name": _called(found.document) or show.NOTHING,
                "active": show.yes_no(found.active),
                "role": role.name,
                "time zone": str(found.document.get("timezone") or show.NOTHING),
                "Teams": ", ".join(teams) or show.NOTHING,
                "Cases": str(owned),
                "signs in by": found.provider.name if found.provider else "a password",
                "password": _password_in_words(credential),
                "added": show.moment(found.created),
                "changed": show.moment(found.last_modified),
            }
        )

    run(command)


def _as_object(each: Listed) -> dict[str, Json]:
    return {
        "id": str(each.id),
        "userName": each.user_name,
        "displayName": each.display_name,
        "role": each.role,
        "active": each.active,
        "lastModified": show.stamp(each.last_modified),
    }


def _called(document: Mapping[str, Json]) -> str:
    """What a user is called: as a client says, else the given and the family name; nothing for nobody's."""
    name = document.get("name")
    parts = [name.get(part) for part in ("givenName", "familyName")] if isinstance(name, dict) else []
    return str(document.get("displayName") or " ".join(str(part) for part in parts if part))


def _password(credential: Credential | None) -> dict[str, Json] | None:
    if credential is None:
        return None
    return {
        "changed": show.stamp(credential.changed),
        "setBy": credential.set_by.value,
        "mustChange": credential.must_change,
        "expires": show.stamp(credential.expires),
    }


def _password_in_words(credential: Credential | None) -> str:
    if credential is None:
        return "none"
    words = [f"set {show.moment(credential.changed)} ({credential.set_by.value})"]
    if credential.must_change:
        words.append("to be changed")
    if credential.expires is not None:
        words.append(f"good until {show.moment(credential.expires)} unless it is used")
    return ", ".join(words)


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def permissions(org: str, name: str, *, as_json: bool) -> None:
    """What USER of ORG, an address or id, may do, and by what."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with session.work(organization.id) as work:
            found = await users.find(work, name)
            role = await roles.get(work, found.role)
        held = roles.explained(role.permissions if found.active else ())
        if as_json:
            show.document(
                {
                    "id": str(found.id),
                    "userName": found.user_name,
                    "active": found.active,
                    "role": {"value": str(role.id), "display": role.name},
                    "permissions": [
                        {"value": each.permission.value, "requiredBy": sorted(each.required_by)}
                        for each in held
                    ],
                }
            )
            return
        show.table(
            ("permission", "by the role", "needed by"),
            [
                (each.permission, role.name, ", ".join(sorted(each.required_by)) or show.NOTHING)
                for each in held
            ],
            empty=f'"{found.user_name}" may do nothing: '
            + (f'the role "{role.name}" has no permissions.' if found.active else "deactivated."),
        )

    run(command)
