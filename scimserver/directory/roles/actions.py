"""What can be done to roles. Every action requires its permission first, and notes what happened."""

from dataclasses import replace

from scimserver.directory import recovery
from scimserver.directory.limits import shown
from scimserver.directory.roles import store
from scimserver.directory.roles.giving import move_to_least
from scimserver.directory.roles.model import (
    BUILT_IN,
    MINIMAL_PERMISSIONS,
    Role,
    Wanted,
    difference,
    role_key,
    settled,
)
from scimserver.kernel.errors import Conflicted, Immutable, LastAdministrator, NotFound
from scimserver.kernel.facts import Change, RoleCloned, RoleCreated, RoleDeleted, RoleUnchanged, RoleUpdated
from scimserver.kernel.ids import OrganizationId, RoleId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, telling


async def create_built_in(work: Work, organization: OrganizationId) -> None:
    """Give a new organisation its built-in roles; part of creating it, so it needs no permission."""
    for name, permissions in BUILT_IN.items():
        role, wanted = RoleId(new_uuid()), Wanted(name=name, permissions=permissions)
        await work.run(store.INSERT, organization, role, *_columns(wanted), True, work.now)


async def get(work: Work, role: RoleId) -> Role:
    """The role as committed, to be changed. Raises `NotFound`."""
    found = await store.get(work, role)
    if found is None:
        raise NotFound(f"There is no role {role}.")
    return found


async def find(work: Work, name: str) -> Role:
    """The role that somebody names by its name (letter case does not count) or id. Raises `NotFound`."""
    found = await store.find(work, name)
    if found is None:
        raise NotFound(f'There is no role "{shown(name)}".')
    return found


async def create(work: Work, wanted: Wanted) -> Role:
    """Add a role, with all that its permissions need.

    Raises `InvalidValue`, `AlreadyTaken`, and `NotPermitted` for a permission that the actor lacks.
    """
    work.require(Permission.ROLES_MANAGE)
    with telling(wanted.name, *difference(None, wanted)):
        role = await _made(work, wanted)
    work.note(RoleCreated(target=role.id, display=role.name, changes=difference(None, role.wanted)))
    return role


async def clone(work: Work, source: Role, name: str) -> Role:
    """Add a role like another one, under a name of its own. Raises as `create` does."""
    work.require(Permission.ROLES_MANAGE)
    cloned_from = Change(path="clonedFrom", new=str(source.id))
    wanted = replace(source.wanted, name=name, external_id=None)
    with telling(name, cloned_from, *difference(None, wanted), target=source.id):
        role = await _made(work, wanted)
    changes = (cloned_from, *difference(None, role.wanted))
    work.note(RoleCloned(target=role.id, display=role.name, changes=changes))
    return role


async def _made(work: Work, wanted: Wanted) -> Role:
    wanted = settled(wanted)
    work.require_holding(wanted.permissions, "The role")
    role = RoleId(new_uuid())
    organization = work.actor.organization
    await work.run(store.INSERT, organization, role, *_columns(wanted), False, work.now, broken=store.BROKEN)
    return Role(
        id=role,
        name=wanted.name,
        start_page=wanted.start_page,
        permissions=wanted.permissions,
        external_id=wanted.external_id,
        built_in=False,
        version=1,
        created=work.now,
        last_modified=work.now,
    )


async def update(work: Work, current: Role, wanted: Wanted) -> Role:
    """Make a role what is wanted; users who name it by its name get the new one.

    What changes nothing leaves version and time alone. Raises `InvalidValue`, `AlreadyTaken`; `Immutable`
    for a built-in role; `NotPermitted` where the role holds or would hold what the actor does not;
    `LastAdministrator`; `Conflicted` if `current` is no longer current.
    """
    work.require(Permission.ROLES_MANAGE)
    with telling(current.name, *difference(current.wanted, wanted), target=current.id):
        wanted = settled(wanted, current.permissions)
        if wanted == current.wanted:
            work.note(RoleUnchanged(target=current.id, display=current.name))
            return current
        _require_custom(current)
        work.require_holding(current.permissions | wanted.permissions, "The role")
        await _require_managers_beside(work, current, wanted)
        await _require_recovery_beside(work, current, wanted)
        await _written(work, current, wanted)
    changes = difference(current.wanted, wanted)
    work.note(RoleUpdated(target=current.id, display=wanted.name, changes=changes))
    return replace(
        current,
        name=wanted.name,
        start_page=wanted.start_page,
        permissions=wanted.permissions,
        external_id=wanted.external_id,
        version=current.version + 1,
        last_modified=work.now,
    )


async def _written(work: Work, current: Role, wanted: Wanted) -> None:
    organization = work.actor.organization
    columns = _columns(wanted)
    if (
        await work.run(
            store.UPDATE, organization, current.id, *columns, current.version, work.now, broken=store.BROKEN
        )
        == 0
    ):
        raise Conflicted
    if wanted.name != current.name and not await store.has_free_names(work):
        names = (role_key(current.name), wanted.name, role_key(wanted.name))
        await work.run(store.RENAME_IN_USERS, organization, current.id, *names, work.now)
    await work.run(store.RENEW_RULES, organization)


async def delete(work: Work, current: Role) -> int:
    """Delete a role: its users fall to *Minimal Permissions*; answers how many.

    Raises `Immutable` for a built-in role, `NotPermitted` where the role holds what the actor does not,
    `LastAdministrator`, `Conflicted` if `current` is no longer current.
    """
    work.require(Permission.ROLES_MANAGE)
    with telling(current.name, *difference(current.wanted, None), target=current.id):
        _require_custom(current)
        work.require_holding(current.permissions, "The role")
        await _require_managers_beside(work, current, None)
        await _require_recovery_beside(work, current, None)
    await store.hold(work, current)
    moved = await move_to_least(work, current, await find(work, MINIMAL_PERMISSIONS))
    organization = work.actor.organization
    if await work.run(store.DELETE, organization, current.id, current.version, new_uuid()) == 0:
        raise Conflicted
    await work.run(store.RENEW_RULES, organization)
    changes = (*difference(current.wanted, None), Change(path="movedUsers", new=moved))
    work.note(RoleDeleted(target=current.id, display=current.name, changes=changes))
    return moved


def _columns(wanted: Wanted) -> tuple[object, ...]:
    return (
        wanted.name,
        role_key(wanted.name),
        wanted.start_page,
        wanted.external_id,
        sorted(wanted.permissions),
    )


def _require_custom(role: Role) -> None:
    if role.built_in:
        raise Immutable(
            f'"{role.name}" is built in and cannot be changed: clone it, and change the clone.',
            attribute="displayName",
        )


async def _require_managers_beside(work: Work, current: Role, wanted: Wanted | None) -> None:
    """Raise `LastAdministrator` where nobody could manage users any more (P5)."""
    left = wanted.permissions if wanted else frozenset[Permission]()
    if Permission.USERS_UPDATE not in current.permissions - left:
        return
    await store.lock_managers(work)
    if await store.is_held(work, current.id) and not await store.managers_beside(work, current.id):
        raise LastAdministrator(
            "The last active users who may manage users have this role:"
            " make somebody else an administrator first."
        )


async def _require_recovery_beside(work: Work, current: Role, wanted: Wanted | None) -> None:
    """Raise `LastRecoveryAccount` where nobody could get in without the identity provider any more (P8)."""
    left = wanted.permissions if wanted else frozenset[Permission]()
    if current.permissions >= recovery.OWNER and not left >= recovery.OWNER:
        await recovery.require_beside_role(work, current.id)
