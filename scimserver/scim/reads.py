"""What clients read: resources and pages of them, from stored bytes, in one statement each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from scim2_models import ResourceType, SearchRequest

from scimserver.db.pool import Database
from scimserver.directory import views
from scimserver.directory.views import View, view_of
from scimserver.kernel.ids import OrganizationId
from scimserver.scim.projection import Projector


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of resources, each with the name of its type; positions are for cursors."""

    views: Sequence[tuple[str, View]]
    total: int | None
    next: Any = None
    previous: Any = None


_WHOLE = {"User": views.VIEW_USER, "Group": views.VIEW_GROUP}
_PLAIN = {"User": views.VIEW_USER_PLAIN, "Group": views.VIEW_GROUP_PLAIN}


class Reads:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(
        self, organization: OrganizationId, kind: ResourceType, resource: UUID, projector: Projector
    ) -> View | None:
        """A resource, or None; what the answer does not carry is not read."""
        name = str(kind.name)
        query = (_WHOLE if _needs_derived(name, projector) else _PLAIN)[name]
        row = await self._database.fetchrow(query, organization, resource)
        return view_of(row) if row else None

    async def search(
        self,
        organization: OrganizationId,
        types: Sequence[ResourceType],
        search: SearchRequest[Any],
        position: Any,
        projectors: Mapping[str, Projector] | None = None,
    ) -> Found:
        """A page of the resources that match."""
        raise NotImplementedError


def _needs_derived(name: str, projector: Projector) -> bool:
    if name == "Group":
        return projector.needs("members")
    return projector.needs("groups") or projector.needs(
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    )
