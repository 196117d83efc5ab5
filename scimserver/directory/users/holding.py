"""What belongs to a user elsewhere, held while the user is changed: groups, and Cases (rule P5)."""

from collections.abc import Sequence

from scimserver.directory import cases, organizations
from scimserver.directory.users import store
from scimserver.directory.users.model import User
from scimserver.directory.views import Reference
from scimserver.kernel.errors import Conflicted
from scimserver.kernel.facts import Change, GroupUpdated
from scimserver.work import Work


async def hold(work: Work, user: User) -> None:
    """Keep a user until the work's transaction ends: nobody changes it, or lets it join a group.

    Raises `Conflicted` where it is no longer as it was read.
    """
    transaction = await work.begin()
    held = await transaction.fetchrow(store.LOCK, work.actor.organization, user.id)
    if held is None or held["version"] != user.version:
        raise Conflicted


async def held_groups(work: Work, user: User) -> Sequence[Reference]:
    """The groups that a user is in, held until the work's transaction ends."""
    await store.groups_of(work, user.id)
    # Again, now that they are held: a group may have let the user go while the first look waited.
    return await store.groups_of(work, user.id)


def join(work: Work, user: User, groups: Sequence[Reference]) -> None:
    """Let a new user join groups that the work holds, which get their next version."""
    ids = [group.id for group in groups]
    work.change(store.JOIN_GROUPS, work.actor.organization, user.id, ids, work.now)
    member = Change(path="members", new=[{"value": str(user.id)}])
    for group in groups:
        work.note(GroupUpdated(target=group.id, display=group.name or "", changes=(member,)))


async def leave_cases(work: Work, user: User) -> None:
    """Make the Cases of who is deactivated nobody's, where the organisation wants it so."""
    if await organizations.unassigns_cases(work):
        await hold(work, user)
        with work.step("cases"):
            await cases.unassign(work, user.id)
