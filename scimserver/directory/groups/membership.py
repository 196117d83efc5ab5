"""Which groups one user is in: written by what the user joins and leaves, whatever the size of the groups."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from scimserver.directory.groups import store
from scimserver.directory.limits import require_short, shown
from scimserver.directory.shadow import comparable
from scimserver.directory.views import Reference
from scimserver.kernel.errors import Conflicted, InvalidValue
from scimserver.kernel.facts import Change, GroupUpdated
from scimserver.kernel.ids import UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

MOST_NAMED: Final = 1000
"""Groups that one user can be put into at once."""

_BROKEN: Final = {"group_members_user_id_fkey": Conflicted}
"""The user has gone meanwhile. The groups cannot: they are held."""


async def named(work: Work, names: Sequence[str]) -> dict[UUID, Reference]:
    """The groups that somebody calls by their names (letter case does not count) or ids.

    Raises `InvalidValue` for a name that no group has, or several have.
    """
    if len(names) > MOST_NAMED:
        raise InvalidValue(f"More than {MOST_NAMED} Teams are named.", attribute="groups")
    for name in names:
        require_short({"groups": name})
    ids = {name: parsed for name in names if (parsed := parse_uuid(name))}
    keys = {name: comparable(name) for name in names}
    found = await store.named(work, set(keys.values()), set(ids.values())) if names else []
    chosen: dict[UUID, Reference] = {}
    for name in names:
        fitting = [group for group, _ in found if group.id == ids.get(name)] or [
            group for group, key in found if key == keys[name]
        ]
        group = _one(name, fitting)
        chosen[group.id] = group
    return chosen


def _one(name: str, fitting: Sequence[Reference]) -> Reference:
    if not fitting:
        raise InvalidValue(f'There is no Team "{shown(name)}": make it first.', attribute="groups")
    if len(fitting) > 1:
        ids = ", ".join(str(group.id) for group in fitting[:3])
        raise InvalidValue(
            f'Several Teams are called "{shown(name)}": name one by its id, such as {ids}.',
            attribute="groups",
        )
    return fitting[0]


async def move(work: Work, user: UserId, *, joining: Collection[UUID], leaving: Collection[UUID]) -> None:
    """Let a user join groups and leave others; each group's change is in the log.

    Raises `Conflicted` where one of them has gone meanwhile; when the work ends, where the user has.
    A new user has to be staged before.
    """
    work.require(Permission.GROUPS_WRITE)
    groups = await store.hold(work, {*joining, *leaving})
    if {group.id for group in groups} < {*joining, *leaving}:
        raise Conflicted
    organization = work.actor.organization
    if joining:
        work.change(store.ENTER, organization, user, sorted(joining), work.now, broken=_BROKEN)
    if leaving:
        work.change(store.QUIT, organization, user, sorted(leaving), work.now)
    listed = [{"value": str(user)}]
    for group in groups:
        is_joined = group.id in joining
        change = Change(path="members", old=None if is_joined else listed, new=listed if is_joined else None)
        work.note(GroupUpdated(target=group.id, display=group.name or "", changes=(change,)))
