"""`scimserver user bin`, `restore` and `purge`: deleted users, who can be had back for thirty days.

Proven by tests/database/test_cli_user.py and tests/api/test_bin.py.
"""

import click

from scimserver.cli import show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import Session, run
from scimserver.directory import bin, organizations
from scimserver.kernel.facts import Json, UserPurged, UserRestored


@click.command("bin")
@click.argument("org")
@show.json_option
def list_bin(org: str, *, as_json: bool) -> None:
    """The deleted users of ORG who can be restored."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        found = await bin.every(session.database, organization.id)
        if as_json:
            show.document([_as_object(each) for each in found])
            return
        show.table(
            ("address", "id", "role", "deleted", "until", "request"),
            [
                (
                    each.user_name,
                    str(each.id),
                    each.role or show.NOTHING,
                    show.moment(each.deleted),
                    show.moment(each.until),
                    each.request_id,
                )
                for each in found
            ],
            empty=f'The bin of "{org}" is empty.',
        )

    run(command)


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@show.json_option
def restore(org: str, name: str, *, as_json: bool) -> None:
    """Have USER, the former address or the id, back from the bin of ORG: role and Teams as they are there."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserRestored, name, organization.id) as work:
            found = await bin.restore(work, await bin.find(work, name))
        if as_json:
            groups: list[Json] = [str(group.id) for group in found.groups]
            show.document({"id": str(found.id), "userName": found.user_name, "groups": groups})
        else:
            show.sentence(f'Restored "{found.user_name}"; Teams: {len(found.groups)}. There is no password.')

    run(command)


@click.command()
@click.argument("org")
@click.argument("name", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@show.json_option
def purge(org: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Forget USER, the former address or the id, in the bin of ORG at once."""

    async def command(session: Session) -> None:
        organization = await organizations.find(session.database, org)
        async with attempt(session, UserPurged, name, organization.id) as work:
            found = await bin.find(work, name)
            if not yes:
                question = f'Nobody can restore "{show.plain(found.user_name)}" afterwards. Purge?'
                click.confirm(question, abort=True, err=True)
            await bin.purge(work, found)
        if as_json:
            show.document({"id": str(found.id)})
        else:
            show.sentence(f'Purged "{found.user_name}".')

    run(command)


def _as_object(deleted: bin.Deleted) -> dict[str, Json]:
    return {
        "id": str(deleted.id),
        "userName": deleted.user_name,
        "role": deleted.role,
        "deleted": show.stamp(deleted.deleted),
        "until": show.stamp(deleted.until),
        "requestId": deleted.request_id,
    }
