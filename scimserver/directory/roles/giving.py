"""Giving a role to many users at once, and taking a deleted one from those who have it.

Users are looked at and written in blocks, in the order of their ids: no query per user, and what is
kept in memory does not grow with their number. Each user's change is in the log by itself.
Proven by tests/database/test_roles.py and tests/database/test_cli_role.py.
"""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import orjson

from scimserver.directory import recovery
from scimserver.directory.roles import store
from scimserver.directory.roles.model import Role, entries_of, role_key
from scimserver.directory.roles.store import Holder
from scimserver.kernel.errors import InvalidValue, LastAdministrator, Refused
from scimserver.kernel.facts import Change, RoleAssigned, UserUpdated
from scimserver.kernel.ids import UserId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_FIRST: Final = UUID(int=0)
_MOST_NAMED: Final = 5


async def give(work: Work, role: Role, users: Collection[UserId]) -> int:
    """Give users a role, all or none; answers how many did not have it.

    Raises `InvalidValue` for an id that is no user's, `NotPermitted` where the role, or one that a user
    has, holds what the actor does not, and `LastAdministrator`.
    """
    work.require(Permission.USERS_ASSIGN_ROLE)
    try:
        work.require_holding(role.permissions, "The role")
        is_owners = role.permissions >= recovery.OWNER
        # In this order, as where a user or a role is changed: two that cross wait, and neither is broken off.
        await store.lock_managers(work)
        if not is_owners:
            await recovery.hold(work)
        await store.hold(work, role)
        given, managers = await _given_in_blocks(work, role, sorted(users))
        if managers and Permission.USERS_UPDATE not in role.permissions:
            await _require_manager(work)
        if not is_owners:
            await recovery.require_left(work)
    except Refused as refused:
        refused.display, refused.target = refused.display or role.name, role.id
        raise
    work.note(
        RoleAssigned(target=role.id, display=role.name, changes=(Change(path="assignedUsers", new=given),))
    )
    return given


async def _given_in_blocks(work: Work, role: Role, ids: Sequence[UserId]) -> tuple[int, int]:
    """How many were given the role, and how many of them were active and could manage users before."""
    given = managers = 0
    for start in range(0, len(ids), store.MOST_AT_ONCE):
        block = ids[start : start + store.MOST_AT_ONCE]
        found = await store.users(work, block)
        _require_known(block, found)
        changing = [user for user in found if user.role != role.id]
        for permissions in {user.permissions for user in changing}:
            work.require_holding(permissions, "A role that would be taken away")
        managers += sum(user.active and Permission.USERS_UPDATE in user.permissions for user in changing)
        given += await _given(work, role, changing)
    return given, managers


def _require_known(ids: Sequence[UserId], found: Sequence[Holder]) -> None:
    unknown = sorted(set(ids) - {user.id for user in found})
    if unknown:
        named = ", ".join(map(str, unknown[:_MOST_NAMED]))
        raise InvalidValue(f"There is no user {named}: nobody was given the role.", attribute="users")


async def _require_manager(work: Work) -> None:
    """Raise `LastAdministrator` where, with the role given, nobody can manage users any more (P5)."""
    if not await store.managers_beside(work):
        raise LastAdministrator(
            "The last active users who may manage users are among these: leave one of them as they are."
        )


async def move_to_least(work: Work, role: Role, least: Role) -> int:
    """Give everybody who has a role the least one; answers how many. For a role that is being deleted."""
    moved, after = 0, _FIRST
    while users := await store.holders(work, role.id, after):
        moved += await _given(work, least, users)
        after = users[-1].id
    return moved


async def _given(work: Work, role: Role, users: Sequence[Holder]) -> int:
    if not users:
        return 0
    organization = work.actor.organization
    is_free = await store.has_free_names(work)
    new = entries_of(role.name)
    shadow = entries_of(role_key(role.name))
    await work.run(
        store.GIVE,
        organization,
        role.id,
        [user.id for user in users],
        None if is_free else orjson.dumps(new).decode(),
        orjson.dumps(shadow).decode(),
        work.now,
    )
    for user in users:
        # Where roles are stored as they come, those of the document say nothing of the user's role.
        change = (
            Change(path="role", old=str(user.role), new=str(role.id))
            if is_free
            else Change(path="roles", old=user.roles, new=new)
        )
        work.note(UserUpdated(target=user.id, display=user.user_name, changes=(change,)))
    await work.flush()
    return len(users)
