"""Who acts: an actor is made once per request from a credential; nobody looks at headers again."""

from dataclasses import dataclass
from enum import StrEnum

from scimserver.kernel.ids import INSTALLATION, ConnectionId, OrganizationId, SessionId, TokenId, UserId
from scimserver.kernel.permissions import OPERATOR_PERMISSIONS, Permission


class ActorKind(StrEnum):
    """What kind of somebody acts. Values are stored in the log: never rename one."""

    CONNECTION = "connection"
    USER = "user"
    OPERATOR = "operator"
    SYSTEM = "system"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody in one organisation, with what they may do."""

    kind: ActorKind
    organization: OrganizationId
    permissions: frozenset[Permission]
    connection: ConnectionId | None = None
    credential: TokenId | None = None
    user: UserId | None = None
    """The person, where the actor is one."""
    session: SessionId | None = None
    """In which session the person acts."""
    confined: bool = False
    """Whether that session is one for sign-in settings alone, by a recovery account."""
    name: str = ""
    """A name for the log: the connection's, or the operating system's user. Never a user's."""


def operator(name: str, organization: OrganizationId = INSTALLATION) -> Actor:
    """Whoever runs commands on the machine, acting in an organisation."""
    return Actor(
        kind=ActorKind.OPERATOR,
        organization=organization,
        permissions=OPERATOR_PERMISSIONS,
        name=name,
    )


def system(organization: OrganizationId, permissions: frozenset[Permission]) -> Actor:
    """The server itself, doing in an organisation what nobody asked for just then."""
    return Actor(
        kind=ActorKind.SYSTEM, organization=organization, permissions=permissions, name="housekeeping"
    )


NOBODY = Actor(kind=ActorKind.NOBODY, organization=INSTALLATION, permissions=frozenset(), name="unknown")
"""A caller whose credential said nothing: what it does is logged with the installation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from: what the log says beside the actor."""

    request_id: str
    client_address: str | None = None
    method: str | None = None
    path: str | None = None
    user_agent: str | None = None
