"""The operations of RFC 7644, section 3: the protocol core's handler over our storage and reads.

Reads go past the storage: stored bytes, no transaction. Writes follow the core's steps inside one
unit of work, first without holding anything; only a writer that met another one does its work
again, holding the rows.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import orjson
from scim2_models import NotFoundException, PatchOp, Resource, ResourceType
from scim2_server.conditions import Conditions, EntityTags
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target

from scimserver.access.tokens import Caller
from scimserver.directory.views import View
from scimserver.kernel.errors import Conflicted
from scimserver.scim.adapters import Adapter, parse_resource_id
from scimserver.scim.projection import Projector
from scimserver.scim.reads import Found, Reads
from scimserver.scim.render import Rendered
from scimserver.scim.service import ProvisioningService
from scimserver.scim.storage import DirectoryStorage
from scimserver.work import Trace

_T = TypeVar("_T")

ATTEMPTS: Final = (False, True, True)
"""Whether each try of a write holds its rows. A third is for deadlocks, which end one of two writers."""


@dataclass
class RawResponse(ScimResponse):
    """An answer whose body is JSON bytes already."""

    raw: bytes = field(default=b"")


class ProvisioningHandler(AsyncScimHandler):
    """Serves the requests of one caller."""

    service: ProvisioningService
    storage: DirectoryStorage

    def __init__(
        self,
        service: ProvisioningService,
        storage: DirectoryStorage,
        reads: Reads,
        adapters: Mapping[str, Adapter],
        trace: Trace,
    ) -> None:
        super().__init__(service, storage)
        self._trace = trace
        self._reads = reads
        self._adapters = adapters

    # -- reads ---------------------------------------------------------------

    async def query(self, request: ScimRequest) -> ScimResponse:
        """Read a resource (section 3.4.1): one statement, stored bytes, 304 where nothing changed."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.query)
            projector = self.service.projector(resource_type, request.query)
            adapter = self._adapters[str(resource_type.name)]
            organization = _caller(request).actor.organization
            resource_id = parse_resource_id(adapter, cast(str, target.resource_id))
            view = await self._reads.one(organization, resource_type, resource_id, projector)
            if view is None:
                raise NotFoundException(detail=f"There is no {adapter.name.lower()} with this id.")
            rendered = adapter.render(view)
            unchanged = EntityTags.parse(request.header("If-None-Match"))
            if unchanged is not None and unchanged.matches(rendered.etag):
                return ScimResponse(HTTPStatus.NOT_MODIFIED, None, {"ETag": rendered.etag})
            return _answer(HTTPStatus.OK, rendered, projector)

    async def search(self, request: ScimRequest) -> ScimResponse:
        """Search with GET (section 3.4.2)."""
        return await self._search(request, Operation.search)

    async def search_with_body(self, request: ScimRequest) -> ScimResponse:
        """Search with POST on `.search` (section 3.4.3)."""
        return await self._search(request, Operation.search_with_body)

    async def _search(self, request: ScimRequest, operation: Operation) -> ScimResponse:
        with self.service.provider:
            target = self.service.route(request, operation)
            types = self.service.searched_types(target.endpoint)
            allowed = self.service.authorized_types(request, target, types)
            if operation is Operation.search:
                parameters: Mapping[str, Any] = request.query
                search, position = self.service.read_search_query(types, parameters)
            else:
                parameters = self.service.decode_body(request.body, request.header("Content-Type"))
                search, position = self.service.read_search(types, parameters)
            organization = _caller(request).actor.organization
            projectors = {str(kind.name): self._search_projector(kind, parameters) for kind in allowed}
            found = await self._reads.search(organization, allowed, search, position, projectors)
            bodies = [self._listed(kind, view, projectors[kind]) for kind, view in found.views]
            head: dict[str, Any] = {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "itemsPerPage": len(bodies),
            }
            if found.total is not None:
                head["totalResults"] = found.total
            if search.cursor is None:
                head["startIndex"] = search.start_index
            else:
                head |= self._cursors(types, search, found)
            raw = orjson.dumps(head)[:-1] + b',"Resources":[' + b",".join(bodies) + b"]}"
            return RawResponse(HTTPStatus.OK, raw=raw)

    def _search_projector(self, kind: ResourceType, parameters: Mapping[str, Any]) -> Projector:
        named = {
            key: ",".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)
            for key, value in parameters.items()
            if key.casefold() in ("attributes", "excludedattributes") and value is not None
        }
        return self.service.projector(kind, named)

    def _listed(self, kind: str, view: View, projector: Projector) -> bytes:
        return _projected(self._adapters[kind].render(view), projector)

    def _cursors(self, types: list[ResourceType], search: Any, found: Found) -> dict[str, str]:
        if search.count == 0:
            return {}
        sealed = {
            "nextCursor": self.service.seal(types, search, found.next),
            "previousCursor": self.service.seal(types, search, found.previous),
        }
        return {name: cursor for name, cursor in sealed.items() if cursor is not None}

    # -- writes --------------------------------------------------------------

    async def create(self, request: ScimRequest) -> ScimResponse:
        """Create a resource (section 3.3): 201, `Location`, the whole resource or what is asked for."""
        with self.service.provider:
            _, resource_type = self._accepted(request, Operation.create)
            projector = self.service.projector(resource_type, request.query)
            with self._trace.step("read"):
                resource = self.service.read_creation(
                    resource_type, request.body, request.header("Content-Type")
                )
            view = await self._attempt(lambda: self.storage.create_view(resource_type, resource))
            rendered = self._adapters[str(resource_type.name)].render(view)
            response = _answer(HTTPStatus.CREATED, rendered, projector)
            response.headers["Location"] = rendered.location
            return response

    async def replace(self, request: ScimRequest) -> ScimResponse:
        """Replace a resource (section 3.5.1)."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.replace)
            projector = self.service.projector(resource_type, request.query)
            with self._trace.step("read"):
                replacement = self.service.read_replacement(
                    resource_type, request.body, request.header("Content-Type")
                )
            conditions = self.service.read_conditions(request)

            async def work() -> View:
                return await self._replaced(resource_type, target, replacement, conditions)

            view = await self._attempt(work)
            return _answer(HTTPStatus.OK, self._adapters[str(resource_type.name)].render(view), projector)

    async def _replaced(
        self,
        resource_type: ResourceType,
        target: Target,
        replacement: Resource[Any],
        conditions: Conditions,
    ) -> View:
        with self._trace.step("match"):
            current = await self.storage.get(resource_type, cast(str, target.resource_id))
        # Each try replaces anew: applying constraints writes into the replacement.
        wanted = replacement.model_copy(deep=True)
        self.storage.adapter(resource_type).keep_omitted(current, wanted)
        self.service.check_preconditions(current, "PUT", conditions)
        with self._trace.step("apply"):
            wanted.replace(current)
        return await self.storage.update_view(resource_type, wanted, replacing=True)

    async def patch(self, request: ScimRequest) -> ScimResponse:
        """Modify a resource (section 3.5.2): a user is answered, a group only where asked for (D6)."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.patch)
            projector = self.service.projector(resource_type, request.query)
            with self._trace.step("read"):
                patch = self.service.read_patch(resource_type, request.body, request.header("Content-Type"))
            conditions = self.service.read_conditions(request)

            async def work() -> View:
                return await self._patched(resource_type, target, patch, conditions)

            view = await self._attempt(work)
            rendered = self._adapters[str(resource_type.name)].render(view)
            if resource_type.name == "Group" and projector.is_identity:
                return ScimResponse(HTTPStatus.NO_CONTENT, None, {"ETag": rendered.etag})
            return _answer(HTTPStatus.OK, rendered, projector)

    async def _patched(
        self, resource_type: ResourceType, target: Target, patch: "PatchOp[Any]", conditions: Conditions
    ) -> View:
        resource_id = cast(str, target.resource_id)
        with self._trace.step("match"):
            resource = await self.storage.get(resource_type, resource_id)
        self.service.check_preconditions(resource, "PATCH", conditions)
        adapter = self.storage.adapter(resource_type)
        adapter.before_patch(await self.storage.current(resource_type, resource_id), resource, patch)
        with self._trace.step("apply"):
            patch.patch(resource)
        return await self.storage.update_view(resource_type, resource)

    async def delete(self, request: ScimRequest) -> ScimResponse:
        """Delete a resource (section 3.6)."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.delete)
            conditions = self.service.read_conditions(request)

            async def work() -> None:
                await self.delete_resource(resource_type, cast(str, target.resource_id), conditions)

            await self._attempt(work)
            return self.service.deletion_response()

    async def _attempt(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do a unit of work; raises `Conflicted` where even holding the rows did not help."""
        for lock in ATTEMPTS[:-1]:
            try:
                async with self.storage.operation(lock=lock):
                    return await work()
            except Conflicted:
                continue
        async with self.storage.operation(lock=ATTEMPTS[-1]):
            return await work()

    def _accepted(self, request: ScimRequest, operation: Operation) -> tuple[Target, ResourceType]:
        target = self.service.route(request, operation)
        resource_type = self.service.resource_type_at(cast(str, target.endpoint))
        with self._trace.step("authorize"):
            self.service.authorize(request, target, resource_type)
        return target, resource_type


def _caller(request: ScimRequest) -> Caller:
    return cast(Caller, request.subject)


def _projected(rendered: Rendered, projector: Projector) -> bytes:
    if projector.is_identity:
        return rendered.body
    return orjson.dumps(projector.apply(orjson.loads(rendered.body)))


def _answer(status: HTTPStatus, rendered: Rendered, projector: Projector) -> RawResponse:
    headers = {"ETag": rendered.etag, "Content-Location": rendered.location}
    return RawResponse(status, headers=headers, raw=_projected(rendered, projector))
