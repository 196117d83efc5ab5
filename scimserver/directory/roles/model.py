"""What a role is, and the rules that need no database (rule P9). Pure.

A role is a name, an optional page to start on and a set of permissions. With a permission come those
it is of no use without, so that a role never holds one that does nothing.
Proven by tests/unit/test_roles.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from scimserver.directory.limits import require_short, shown
from scimserver.directory.shadow import comparable
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Change, Json
from scimserver.kernel.ids import RoleId
from scimserver.kernel.permissions import (
    OF_ORGANIZATION,
    Permission,
    required_by,
    with_prerequisites,
)

ADMIN_ROLE: Final = "Admin Role"
MINIMAL_PERMISSIONS: Final = "Minimal Permissions"

BUILT_IN: Final[dict[str, frozenset[Permission]]] = {
    ADMIN_ROLE: OF_ORGANIZATION,
    MINIMAL_PERMISSIONS: frozenset(),
}

MAX_NAME: Final = 100
MAX_START_PAGE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants a role to be."""

    name: str
    start_page: str | None = None
    """Where its users begin: an https URL, or a path of the product."""
    permissions: frozenset[Permission] = frozenset()
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as committed."""

    id: RoleId
    name: str
    start_page: str | None
    permissions: frozenset[Permission]
    external_id: str | None
    built_in: bool
    version: int
    created: datetime
    last_modified: datetime

    @property
    def wanted(self) -> Wanted:
        """What would leave the role as it is."""
        return Wanted(
            name=self.name,
            start_page=self.start_page,
            permissions=self.permissions,
            external_id=self.external_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A permission that a role gives, and why."""

    permission: Permission
    required_by: frozenset[Permission]
    """The other permissions of the role that are of no use without it."""


def role_key(name: str) -> str:
    """What a role's name is compared by: letter case and outer spaces do not count."""
    return comparable(name.strip())


def entries_of(name: str) -> list[dict[str, Json]]:
    """The `roles` of a user to whom we give a role: one entry (RFC 7643, section 4.1.2)."""
    return [{"value": name, "primary": True}]


def parse_permission(text: str) -> Permission:
    """The permission of that name, which a role may hold. Raises `InvalidValue`."""
    for permission in OF_ORGANIZATION:
        if permission.value == text:
            return permission
    known = ", ".join(sorted(OF_ORGANIZATION))
    raise InvalidValue(
        f'"{shown(text)}" is no permission that a role can have: these are {known}.', attribute="permissions"
    )


def settled(wanted: Wanted, held: frozenset[Permission] = frozenset()) -> Wanted:
    """What a role becomes: with all prerequisites; `held` is what it holds so far.

    Raises `InvalidValue`, also where a permission was taken away that another one needs.
    """
    name = wanted.name.strip()
    if not name:
        raise InvalidValue("displayName is required and may not be blank.", attribute="displayName")
    if len(name) > MAX_NAME or not name.isprintable():
        raise InvalidValue(
            f"A role's displayName has at most {MAX_NAME} characters, all of them printable.",
            attribute="displayName",
        )
    require_short({"externalId": wanted.external_id})
    return Wanted(
        name=name,
        start_page=_start_page(wanted.start_page),
        permissions=_completed(wanted.permissions, held),
        external_id=wanted.external_id or None,
    )


def _completed(wanted: frozenset[Permission], held: frozenset[Permission]) -> frozenset[Permission]:
    complete = with_prerequisites(wanted)
    for taken in sorted((held - wanted) & complete):
        needing = ", ".join(sorted(required_by(taken, wanted)))
        raise InvalidValue(
            f"{taken} cannot be taken away while the role has {needing}, of no use without it:"
            " take that away too.",
            attribute="permissions",
        )
    return complete


def _start_page(page: str | None) -> str | None:
    """The page, if it leads to the product or over https. A script or another host by a trick does not."""
    if not page:
        return None
    is_plain = page.isascii() and page.isprintable() and not set(page) & set(' "<>\\^`{|}')
    if len(page) <= MAX_START_PAGE and is_plain and _leads_somewhere(page):
        return page
    raise InvalidValue(
        "startPage is a path that begins with one slash, or an https URL without user or password,"
        f" of at most {MAX_START_PAGE} ASCII characters.",
        attribute="startPage",
    )


def _leads_somewhere(page: str) -> bool:
    if page.startswith("/"):
        return not page.startswith("//")
    try:
        parts = urlsplit(page)
        # Reading it is what finds a port that is none.
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc


def explained(permissions: Iterable[Permission]) -> tuple[Held, ...]:
    """Each permission with those that need it, in the order of the vocabulary."""
    held = frozenset(permissions)
    return tuple(
        Held(permission=each, required_by=required_by(each, held)) for each in Permission if each in held
    )


def difference(old: Wanted | None, new: Wanted | None) -> tuple[Change, ...]:
    """What changed, by the names that SCIM has for it."""
    before, after = _values(old), _values(new)
    return tuple(
        Change(path=path, old=before.get(path), new=after.get(path))
        for path in dict.fromkeys((*before, *after))
        if before.get(path) != after.get(path)
    )


def _values(role: Wanted | None) -> dict[str, Json]:
    if role is None:
        return {}
    values: dict[str, Json] = {
        "displayName": role.name,
        "externalId": role.external_id,
        "startPage": role.start_page,
        "permissions": [permission.value for permission in sorted(role.permissions)] or None,
    }
    return {path: value for path, value in values.items() if value is not None}
