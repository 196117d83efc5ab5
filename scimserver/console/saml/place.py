"""Which connection an address of ours names, and how it is reached."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from scimserver.access.saml.checks import Expected
from scimserver.access.saml.trust import Trust, trust_of
from scimserver.console.visit import Visit
from scimserver.directory import saml
from scimserver.directory.saml import Asked, SamlConnection, State
from scimserver.kernel.errors import NotFound
from scimserver.kernel.ids import OrganizationId

IN_USE: Final = frozenset({State.TESTING, State.ACTIVE})
"""The states in which somebody may come back from an identity provider."""

NOWHERE: Final = "There is no such page, or not any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlPlace:
    """A connection, and how it is reached."""

    organization: OrganizationId
    connection: SamlConnection
    trust: Trust

    def expected(self, asked: Asked | None) -> Expected:
        """What a response has to be that answers a request; one that nobody asked for, where it is None."""
        return Expected(
            entity_id=self.trust.entity_id,
            acs_url=self.trust.acs_url,
            idp_entity_id=self.trust.idp_entity_id,
            request=asked.id if asked else None,
            authenticated_within=self.connection.wanted.authenticated_within,
        )


async def place_of(visit: Visit, states: Collection[State]) -> SamlPlace:
    """The connection that the address names, if it is in one of the states. Raises `NotFound`."""
    named = saml.parse_path_id(visit.request.match_info["connection"])
    if named is None:
        raise NotFound(NOWHERE)
    organization, identity = named
    room = visit.services.room
    found = await saml.get(room.database, organization, identity)
    if found is None or found.state not in states:
        raise NotFound(NOWHERE)
    trust = trust_of(visit.services.place.url(""), organization, found, room.clock())
    return SamlPlace(organization=organization, connection=found, trust=trust)
