"""`scimserver role`: Roles & Permissions (rule P9).

Proven by tests/database/test_cli_role.py.
"""

from collections.abc import Iterable
from dataclasses import replace

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations, roles, users
from scimserver.directory.roles import Role, Wanted, parse_permission
from scimserver.kernel.errors import NotFound
from scimserver.kernel.facts import Json, RoleAssigned, RoleCloned, RoleCreated, RoleDeleted, RoleUpdated
from scimserver.kernel.permissions import Permission

_allow = click.option(
    "--allow",
    multiple=True,
    metavar="PERMISSION",
    help="A permission to give; those that it needs come with it.",
)
_start_page = click.option(
    "--start-page", metavar="URL", help="Where its users begin: a path, or an https URL."
)


@click.group()
def role() -> None:
    """Roles: what the users of an organisation may do."""


@role.command("list")
@click.argument("org")
@show.json_option
def list_all(org: str, *, as_json: bool) -> None:
    """The roles of ORG, and how many users have each."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await roles.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(each, count) for each, count in found])
            return
        show.table(
            ("role", "built in", "users", "permissions", "start page"),
            [
                (
                    each.name,
                    show.yes_no(each.built_in),
                    str(count),
                    str(len(each.permissions)),
                    each.start_page or show.NOTHING,
                )
                for each, count in found
            ],
            empty=f'"{org}" has no roles.',
        )

    run(command)


@role.command("show")
@click.argument("org")
@click.argument("name", metavar="ROLE")
@show.json_option
def show_one(org: str, name: str, *, as_json: bool) -> None:
    """A role of ORG: its permissions, and which of them need which."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        key = roles.role_key(name)
        for each, count in await roles.every(session.database, organization.id):
            if key == roles.role_key(each.name) or name == str(each.id):
                return _print(each, count, as_json=as_json)
        raise NotFound(f'There is no role "{name}": see `scimserver role list`.')

    run(command)


@role.command()
@click.argument("org")
@click.argument("name", metavar="ROLE")
@_allow
@_start_page
@show.json_option
def create(org: str, name: str, *, allow: tuple[str, ...], start_page: str | None, as_json: bool) -> None:
    """Add a role to ORG."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, RoleCreated, name, organization.id) as work:
            wanted = Wanted(name=name, start_page=start_page, permissions=_permissions(allow))
            made = await roles.create(work, wanted)
        _tell(
            made, f'Added the role "{made.name}" with {len(made.permissions)} permissions.', as_json=as_json
        )

    run(command)


@role.command()
@click.argument("org")
@click.argument("source", metavar="ROLE")
@click.argument("name", metavar="NEW")
@show.json_option
def clone(org: str, source: str, name: str, *, as_json: bool) -> None:
    """Add a role NEW to ORG that is like ROLE."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, RoleCloned, name, organization.id) as work:
            made = await roles.clone(work, await roles.find(work, source), name)
        _tell(made, f'Cloned "{source}" as "{made.name}".', as_json=as_json)

    run(command)


@role.command()
@click.argument("org")
@click.argument("name", metavar="ROLE")
@click.option("--name", "new_name", metavar="NAME", help="What it is to be called.")
@_start_page
@_allow
@click.option("--deny", multiple=True, metavar="PERMISSION", help="A permission to take away.")
@show.json_option
def update(
    org: str,
    name: str,
    *,
    new_name: str | None,
    start_page: str | None,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change a role of ORG; an empty --start-page takes the page away."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, RoleUpdated, name, organization.id) as work:
            current = await roles.find(work, name)
            wanted = replace(
                current.wanted,
                name=current.name if new_name is None else new_name,
                start_page=current.start_page if start_page is None else start_page,
                permissions=(current.permissions | _permissions(allow)) - _permissions(deny),
            )
            made = await roles.update(work, current, wanted)
        changed = "is as it was" if made == current else "was changed"
        _tell(made, f'The role "{made.name}" {changed}.', as_json=as_json)

    run(command)


@role.command()
@click.argument("org")
@click.argument("name", metavar="ROLE")
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
def delete(org: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Delete a role of ORG; its users fall to Minimal Permissions."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, RoleDeleted, name, organization.id) as work:
            current = await roles.find(work, name)
            if not yes:
                users_of = {
                    each.id: count for each, count in await roles.every(session.database, organization.id)
                }
                click.confirm(
                    f'Users who fall to "{roles.MINIMAL_PERMISSIONS}": {users_of[current.id]}.'
                    f' Delete the role "{show.plain(current.name)}"?',
                    abort=True,
                    err=True,
                )
            moved = await roles.delete(work, current)
        if as_json:
            show.document({"id": str(current.id), "displayName": current.name, "movedUsers": moved})
        else:
            show.sentence(f'Deleted the role "{current.name}"; users who fell to the least role: {moved}.')

    run(command)


@role.command()
@click.argument("org")
@click.argument("name", metavar="ROLE")
@click.argument("named", metavar="USER...", nargs=-1, required=True)
@show.json_option
def assign(org: str, name: str, named: tuple[str, ...], *, as_json: bool) -> None:
    """Give a role of ORG to users, named by address or id: to all of them or, if one is refused, to none."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, RoleAssigned, name, organization.id) as work:
            found = [await users.find(work, each) for each in named]
            given = await roles.give(work, await roles.find(work, name), {each.id for each in found})
        if as_json:
            show.document({"displayName": name, "assignedUsers": given})
        else:
            show.sentence(f'Users who were given the role "{name}": {given}.')

    run(command)


def _permissions(names: Iterable[str]) -> frozenset[Permission]:
    return frozenset(map(parse_permission, names))


def _tell(made: Role, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show.document(_as_object(made))
    else:
        show.sentence(sentence)


def _print(each: Role, count: int, *, as_json: bool) -> None:
    if as_json:
        show.document(_as_object(each, count))
        return
    show.fields(
        {
            "role": each.name,
            "id": str(each.id),
            "built in": show.yes_no(each.built_in),
            "start page": each.start_page or show.NOTHING,
            "users": str(count),
            "changed": show.moment(each.last_modified),
        }
    )
    show.table(
        ("permission", "needed by"),
        [
            (held.permission, ", ".join(sorted(held.required_by)) or show.NOTHING)
            for held in roles.explained(each.permissions)
        ],
        empty="It has no permissions.",
    )


def _as_object(each: Role, count: int | None = None) -> dict[str, Json]:
    counted: dict[str, Json] = {} if count is None else {"users": count}
    return {
        "id": str(each.id),
        "displayName": each.name,
        "builtIn": each.built_in,
        "startPage": each.start_page,
        "permissions": [
            {"value": held.permission.value, "requiredBy": sorted(held.required_by)}
            for held in roles.explained(each.permissions)
        ],
        "created": show.stamp(each.created),
        "lastModified": show.stamp(each.last_modified),
        **counted,
    }
