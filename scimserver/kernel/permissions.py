"""The vocabulary of permissions (rule P9), and the scopes that a machine's credential carries.

A permission names one thing that somebody may do. Roles bundle them for people; scopes bundle
them for connections. Actions require permissions, never roles or scopes.
"""

from collections.abc import Iterable
from enum import StrEnum


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
    GROUPS_READ = "groups.read"
    GROUPS_WRITE = "groups.write"
    DOMAINS_MANAGE = "domains.manage"
    CONNECTIONS_MANAGE = "connections.manage"
    TOKENS_MANAGE = "tokens.manage"
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


_READ = frozenset({Permission.USERS_READ, Permission.GROUPS_READ})

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
    },
    Scope.ROLES_ASSIGN: frozenset({Permission.USERS_ASSIGN_ROLE}),
    Scope.SESSIONS_INTROSPECT: frozenset({Permission.SESSIONS_INTROSPECT}),
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
