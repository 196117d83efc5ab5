"""Roles (rule P9): for now the two built-in ones, which cannot be changed."""

from typing import Final

from scimserver.db.queries import load
from scimserver.kernel.ids import OrganizationId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_INSERT = load("roles").change("insert_role")

ADMIN_ROLE: Final = "Admin Role"
MINIMAL_PERMISSIONS: Final = "Minimal Permissions"

BUILT_IN: Final[dict[str, frozenset[Permission]]] = {
    ADMIN_ROLE: frozenset(Permission) - {Permission.ORGANIZATIONS_MANAGE},
    MINIMAL_PERMISSIONS: frozenset(),
}


def role_key(name: str) -> str:
    """What a role's name is compared by: case and outer spaces do not count."""
    return name.strip().casefold()


async def create_built_in(work: Work, organization: OrganizationId) -> None:
    """Give a new organisation its built-in roles; part of creating it, so it needs no permission."""
    for name, permissions in BUILT_IN.items():
        await work.run(
            _INSERT,
            organization,
            new_uuid(),
            name,
            role_key(name),
            True,
            sorted(permissions),
            work.now,
        )
