"""The vocabulary of permissions (rule P9), and the scopes that a machine's credential carries.

A permission names one thing that somebody may do. Roles bundle them for people; scopes bundle
them for connections. Actions require permissions, never roles or scopes. Some permissions are of no
use without others: whoever is given one is given those too.
Proven by tests/unit/test_permissions.py.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """One thing that an actor may do. Values are stored and logged: never rename one."""

    USERS_READ = "users.read"
    USERS_CREATE = "users.create"
    USERS_UPDATE = "users.update"
    USERS_DELETE = "users.delete"
    USERS_CLONE = "users.clone"
    USERS_SET_PASSWORD = "users.set_password"
    USERS_MAIL_RESET_LINK = "users.mail_reset_link"
    USERS_ASSIGN_ROLE = "users.assign_role"
    USERS_EXPORT = "users.export"
    GROUPS_READ = "groups.read"
    GROUPS_WRITE = "groups.write"
    CASES_READ = "cases.read"
    CASES_WRITE = "cases.write"
    ROLES_READ = "roles.read"
    ROLES_MANAGE = "roles.manage"
    DOMAINS_MANAGE = "domains.manage"
    CONNECTIONS_MANAGE = "connections.manage"
    TOKENS_MANAGE = "tokens.manage"
    SAML_MANAGE = "saml.manage"
    SESSIONS_MANAGE = "sessions.manage"
    SESSIONS_INTROSPECT = "sessions.introspect"
    LOG_READ = "log.read"
    ORGANIZATIONS_MANAGE = "organizations.manage"


class Scope(StrEnum):
    """What an operator grants to a connection's token."""

    SCIM_READ = "scim.read"
    SCIM_WRITE = "scim.write"
    ROLES_ASSIGN = "roles.assign"
    SESSIONS_INTROSPECT = "sessions.introspect"
    ADMINISTER = "administer"


OF_INSTALLATION: Final = frozenset({Permission.ORGANIZATIONS_MANAGE})
"""What nobody of an organisation may do: an operator does."""

OF_ORGANIZATION: Final = frozenset(Permission) - OF_INSTALLATION
"""What a role may hold."""

OF_RECOVERY: Final = frozenset({Permission.SAML_MANAGE, Permission.DOMAINS_MANAGE})
"""What is left of a role in a session by a recovery account: what it takes to repair how people sign in."""

PREREQUISITES: Final[Mapping[Permission, frozenset[Permission]]] = {
    Permission.USERS_CREATE: frozenset({Permission.USERS_READ}),
    Permission.USERS_UPDATE: frozenset({Permission.USERS_READ}),
    Permission.USERS_DELETE: frozenset({Permission.USERS_READ}),
    Permission.USERS_CLONE: frozenset({Permission.USERS_CREATE}),
    Permission.USERS_SET_PASSWORD: frozenset({Permission.USERS_READ}),
    Permission.USERS_MAIL_RESET_LINK: frozenset({Permission.USERS_READ}),
    Permission.USERS_ASSIGN_ROLE: frozenset({Permission.USERS_READ, Permission.ROLES_READ}),
    Permission.USERS_EXPORT: frozenset({Permission.USERS_READ, Permission.GROUPS_READ}),
    Permission.GROUPS_WRITE: frozenset({Permission.GROUPS_READ, Permission.USERS_READ}),
    Permission.CASES_WRITE: frozenset({Permission.CASES_READ, Permission.USERS_READ}),
    Permission.ROLES_MANAGE: frozenset({Permission.ROLES_READ}),
    Permission.TOKENS_MANAGE: frozenset({Permission.CONNECTIONS_MANAGE}),
    Permission.SESSIONS_MANAGE: frozenset({Permission.USERS_READ}),
}
"""What a permission is of no use without, step by step."""

_READ = frozenset(
    {Permission.USERS_READ, Permission.GROUPS_READ, Permission.CASES_READ, Permission.ROLES_READ}
)

SCOPE_PERMISSIONS: dict[Scope, frozenset[Permission]] = {
    Scope.SCIM_READ: _READ,
    Scope.SCIM_WRITE: _READ
    | {
        Permission.USERS_CREATE,
        Permission.USERS_UPDATE,
        Permission.USERS_DELETE,
        Permission.USERS_CLONE,
        Permission.USERS_SET_PASSWORD,
        Permission.USERS_MAIL_RESET_LINK,
        Permission.GROUPS_WRITE,
        Permission.CASES_WRITE,
    },
    Scope.ROLES_ASSIGN: frozenset({Permission.USERS_ASSIGN_ROLE}),
    Scope.SESSIONS_INTROSPECT: frozenset({Permission.SESSIONS_INTROSPECT}),
    Scope.ADMINISTER: OF_ORGANIZATION,
}

_NAMES = frozenset(Permission)

OPERATOR_PERMISSIONS = frozenset(Permission)
"""An operator on the machine may do everything; every act is logged all the same."""


def known_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """Those of the names that are permissions here: a newer version of the server may have stored others."""
    return frozenset(Permission(name) for name in names if name in _NAMES)


def permissions_of(scopes: frozenset[Scope]) -> frozenset[Permission]:
    """All that the scopes grant together."""
    return frozenset(permission for scope in scopes for permission in SCOPE_PERMISSIONS[scope])


def with_prerequisites(permissions: Iterable[Permission]) -> frozenset[Permission]:
    """The permissions and all that they need."""
    held: set[Permission] = set()
    wanted = list(permissions)
    while wanted:
        permission = wanted.pop()
        if permission not in held:
            held.add(permission)
            wanted.extend(PREREQUISITES.get(permission, ()))
    return frozenset(held)


def required_by(permission: Permission, held: Iterable[Permission]) -> frozenset[Permission]:
    """Those of the held permissions that need this one, directly or by way of another."""
    return frozenset(
        other for other in held if other != permission and permission in with_prerequisites((other,))
    )
