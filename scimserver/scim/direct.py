"""The short way of reads: a resource by its id, a page by a plain query (RFC 7644, section 3.4).

Most requests of identity providers have one of a few forms. Those are answered here without the
protocol core, from the same statements and the same bytes; whatever has another form goes through
the core, which is the oracle. Proven by tests/api/test_direct.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web
from scim2_models import NotFoundException, ResourceType, SCIMException
from scim2_server.responses import ScimResponse

from scimserver.access.credentials import Caller
from scimserver.scim.answers import list_answer, projected, resource_answer
from scimserver.scim.filter_dialect import normalise_filter
from scimserver.scim.projection import Projector
from scimserver.scim.provider import DEFAULT_PAGE_SIZE, MAX_RESULTS
from scimserver.scim.reads import Reads
from scimserver.scim.render import Renderer
from scimserver.scim.search_sql import Search, SearchStatement
from scimserver.scim.service import ProvisioningService

_BY_ID: Final = re.compile("/(Users|Groups|Roles|Cases)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_START: Final = re.compile("[1-9][0-9]{0,8}")
_COUNT: Final = re.compile("[0-9]{1,9}")
_OF_RESOURCES: Final = frozenset({"attributes", "excludedAttributes"})
_OF_PAGES: Final = _OF_RESOURCES | {"filter", "startIndex", "count"}

_Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A resource type, and what leaves its resources whole: looked up once."""

    name: str
    resource_type: ResourceType
    whole: Projector


class DirectReads:
    """Answers plain reads of one service, tolerant or strict."""

    def __init__(self, service: ProvisioningService, reads: Reads, renderer: Renderer) -> None:
        self._service = service
        self._reads = reads
        self._renderer = renderer
        self._kinds = {name: _kind(service, name) for name in ("Users", "Groups", "Roles", "Cases")}

    async def answer(self, request: web.Request, path: str, caller: Caller) -> ScimResponse | None:
        """The answer to a plain read; None for what the protocol core has to look at.

        Raises as the core does.
        """
        if request.method != "GET" or request.can_read_body:
            return None
        by_id = _BY_ID.fullmatch(path)
        if by_id is None:
            return await self._page(path, request, caller)
        query = _plain(request, _OF_RESOURCES)
        if query is None:
            return None
        unless = request.headers.get("If-None-Match")
        return await self._resource(self._kinds[by_id[1]], by_id[2], query, unless, caller)

    async def _resource(
        self, kind: _Kind, resource: str, query: _Query, unless: str | None, caller: Caller
    ) -> ScimResponse:
        self._service.require_read(kind.name, caller)
        projector = self._projector(kind, query)
        view = await self._reads.one(caller.actor.organization, kind.name, resource, projector)
        if view is None:
            raise NotFoundException(detail=f"There is no {kind.name.lower()} with this id.")
        return resource_answer(HTTPStatus.OK, self._renderer.view(kind.name, view), projector, unless=unless)

    async def _page(self, path: str, request: web.Request, caller: Caller) -> ScimResponse | None:
        kind = self._kinds.get(path[1:])
        query = None if kind is None else _plain(request, _OF_PAGES)
        search = None if query is None else self._search(query)
        if kind is None or query is None or search is None:
            return None
        self._service.require_read(kind.name, caller)
        projector = self._projector(kind, query)
        planned = self._planned(kind, search, projector, caller)
        if planned is None:
            return None
        found = await self._reads.run(planned)
        resources = [projected(self._renderer.view(kind.name, view), projector) for _, view in found.views]
        return list_answer(resources, found.total, start=search.start + 1)

    def _projector(self, kind: _Kind, query: _Query) -> Projector:
        if _OF_RESOURCES.isdisjoint(query):
            return kind.whole
        return self._service.projector(kind.resource_type, query)

    def _planned(
        self, kind: _Kind, search: Search, projector: Projector, caller: Caller
    ) -> SearchStatement | None:
        """What to run, where there is no filter, or one of the few forms that an index answers."""
        try:
            planned = self._reads.plan(caller.actor.organization, [kind.name], search, {kind.name: projector})
        except SCIMException:
            return None
        return planned if search.filter is None or planned.hot else None

    def _search(self, query: _Query) -> Search | None:
        start, count = query.get("startIndex", "1"), query.get("count", str(DEFAULT_PAGE_SIZE))
        condition = query.get("filter")
        if not (_START.fullmatch(start) and _COUNT.fullmatch(count)) or condition == "":
            return None
        if query.keys() >= _OF_RESOURCES:
            return None
        if condition is not None and not self._service.strict:
            condition = normalise_filter(condition)
        return Search(filter=condition, start=int(start) - 1, count=min(int(count), MAX_RESULTS))


def _kind(service: ProvisioningService, endpoint: str) -> _Kind:
    resource_type = service.resource_type_at(endpoint)
    return _Kind(str(resource_type.name), resource_type, service.projector(resource_type, {}))


def _plain(request: web.Request, known: frozenset[str]) -> _Query | None:
    """The query parameters, if each is a known one in its own spelling, and none comes twice."""
    url = request.rel_url
    if not url.raw_query_string:
        return _NO_QUERY
    query = url.query
    return dict(query) if query.keys() <= known and len(query) == len(set(query)) else None


_NO_QUERY: Final[_Query] = {}
