"""The operations of RFC 7644, section 3: the protocol core's handler over our storage and reads.

Reads go past the storage: stored bytes, no transaction. Writes follow the core's steps inside one
unit of work, first without holding anything; only a writer that met another one does its work
again, holding the rows.
"""

from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Any, cast

from scim2_models import Context, NotFoundException, Resource, ResourceType
from scim2_server.conditions import Conditions
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target

from scimserver.access.connections import Passwords
from scimserver.access.credentials import Caller
from scimserver.directory.views import View
from scimserver.http.place import HELP_PATH
from scimserver.kernel.facts import PasswordLinkOrdered
from scimserver.kernel.permissions import Permission
from scimserver.scim.actions import (
    Action,
    Asked,
    MailLink,
    action_of,
    read_clone_request,
    read_password_request,
)
from scimserver.scim.adapters import Adapter, parse_resource_id
from scimserver.scim.answers import list_answer, projected, resource_answer
from scimserver.scim.applying import patched, replaced
from scimserver.scim.projection import Document, Projector
from scimserver.scim.reads import Found, Reads
from scimserver.scim.render import BASE_PATH
from scimserver.scim.service import ProvisioningService
from scimserver.scim.storage import DirectoryStorage
from scimserver.scim.trying import Tries
from scimserver.work import Trace


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
        tries: Tries,
    ) -> None:
        super().__init__(service, storage)
        self._trace = trace
        self._tries = tries
        self._reads = reads
        self._adapters = adapters

    async def handle(self, request: ScimRequest) -> ScimResponse:
        """Serve a request with the method of its operation (section 3.2)."""
        match action_of(request):
            case Asked(action=Action.CLONE, user=user):
                return await self.clone(request, user)
            case Asked(action=Action.PASSWORD, user=user):
                return await self.give_password(request, user)
            case _:
                serve = getattr(self, self.service.match(request).operation.value)
                return await cast("Awaitable[ScimResponse]", serve(request))

    # -- reads ---------------------------------------------------------------

    async def query(self, request: ScimRequest) -> ScimResponse:
        """Read a resource (section 3.4.1): one statement, stored bytes, 304 where nothing changed."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.query)
            projector = self.service.projector(resource_type, request.query)
            adapter = self._adapters[str(resource_type.name)]
            organization = _caller(request).actor.organization
            resource_id = parse_resource_id(adapter, cast(str, target.resource_id))
            view = await self._reads.one(organization, adapter.name, resource_id, projector)
            if view is None:
                raise NotFoundException(detail=f"There is no {adapter.name.lower()} with this id.")
            unless = request.header("If-None-Match")
            return resource_answer(HTTPStatus.OK, adapter.render(view), projector, unless=unless)

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
            if search.cursor is None:
                return list_answer(bodies, found.total, start=search.start_index)
            return list_answer(bodies, found.total, cursors=self._cursors(types, search, found))

    def _search_projector(self, kind: ResourceType, parameters: Mapping[str, Any]) -> Projector:
        named = {
            key: ",".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)
            for key, value in parameters.items()
            if key.casefold() in ("attributes", "excludedattributes") and value is not None
        }
        return self.service.projector(kind, named)

    def _listed(self, kind: str, view: View, projector: Projector) -> bytes:
        return projected(self._adapters[kind].render(view), projector)

    def _cursors(self, types: list[ResourceType], search: Any, found: Found) -> dict[str, str]:
        if search.count == 0:
            return {}
        sealed = {
            "nextCursor": self.service.seal(types, search, found.next),
            "previousCursor": self.service.seal(types, search, found.previous),
        }
        return {name: cursor for name, cursor in sealed.items() if cursor is not None}

    async def service_provider_config(self, request: ScimRequest) -> ScimResponse:
        """What is implemented (section 4); who asks, and of whom, decides on passwords."""
        response = await super().service_provider_config(request)
        assert response.body is not None
        caller = _caller(request)
        is_able = (
            caller.connection.passwords is Passwords.ACCEPT
            and Permission.USERS_SET_PASSWORD in caller.actor.permissions
            and await self._reads.may_have_passwords(caller.actor.organization)
        )
        response.body["changePassword"] = {"supported": is_able}
        response.body["documentationUri"] = request.base_url.removesuffix(BASE_PATH) + HELP_PATH
        return response

    # -- writes --------------------------------------------------------------

    async def create(self, request: ScimRequest) -> ScimResponse:
        """Create a resource (section 3.3): 201, `Location`, the whole resource or what is asked for."""
        with self.service.provider:
            _, resource_type = self._accepted(request, Operation.create)
            projector = self.service.projector(resource_type, request.query)
            adapter = self._adapters[str(resource_type.name)]
            with self._trace.step("read"):
                sent = self._document(resource_type, request, Context.RESOURCE_CREATION_REQUEST)
                document = sent if isinstance(sent, dict) else adapter.dumped(sent)
            view = await self._tries.run(lambda: self.storage.create_view(resource_type, document))
            return self._created(adapter, view, projector)

    async def clone(self, request: ScimRequest, source: str) -> ScimResponse:
        """Make a user from another one (P6): answered as a new user is."""
        with self.service.provider:
            users = self.service.resource_type_at("Users")
            with self._trace.step("authorize"):
                self.service.require(Permission.USERS_CLONE, _caller(request))
            projector = self.service.projector(users, request.query)
            with self._trace.step("read"):
                user_name = read_clone_request(self.service, request)
            conditions = self.service.read_conditions(request)

            async def work() -> View:
                await self._met(users, source, conditions)
                return await self.storage.clone_view(source, user_name)

            return self._created(self._adapters["User"], await self._tries.run(work), projector)

    async def give_password(self, request: ScimRequest, user: str) -> ScimResponse:
        """Give a user a password, or have a link mailed (P7): nothing is answered but that it is done."""
        with self.service.provider:
            users = self.service.resource_type_at("Users")
            with self._trace.step("authorize"):
                # Each scope that gives one of the two permissions gives the other; the actions ask again.
                self.service.require(Permission.USERS_SET_PASSWORD, _caller(request))
            with self._trace.step("read"):
                asked = read_password_request(self.service, request, self.storage.users.take)
                if isinstance(asked, MailLink):
                    self._tries.attempting(PasswordLinkOrdered)
            conditions = self.service.read_conditions(request)

            async def work() -> None:
                await self._met(users, user, conditions)
                await self.storage.give_password(user, asked)

            await self._tries.run(work)
            is_mailed = isinstance(asked, MailLink)
            return ScimResponse(HTTPStatus.ACCEPTED if is_mailed else HTTPStatus.NO_CONTENT)

    async def replace(self, request: ScimRequest) -> ScimResponse:
        """Replace a resource (section 3.5.1)."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.replace)
            projector = self.service.projector(resource_type, request.query)
            adapter = self._adapters[str(resource_type.name)]
            with self._trace.step("read"):
                sent = self._document(resource_type, request, Context.RESOURCE_REPLACEMENT_REQUEST)
            conditions = self.service.read_conditions(request)
            resource_id = cast(str, target.resource_id)

            async def work() -> View:
                current = await self._met(resource_type, resource_id, conditions)
                with self._trace.step("apply"):
                    document = adapter.with_kept(current, replaced(adapter, current, sent))
                return await self.storage.update_view(resource_type, resource_id, document, replacing=True)

            view = await self._tries.run(work)
            return resource_answer(HTTPStatus.OK, adapter.render(view), projector)

    async def patch(self, request: ScimRequest) -> ScimResponse:
        """Modify a resource (section 3.5.2): a user is answered, a group only where asked for (D6)."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.patch)
            projector = self.service.projector(resource_type, request.query)
            adapter = self._adapters[str(resource_type.name)]
            with self._trace.step("read"):
                asked = self.service.read_writes(resource_type, request.body, request.header("Content-Type"))
            conditions = self.service.read_conditions(request)
            resource_id = cast(str, target.resource_id)

            async def work() -> View:
                current = await self._met(resource_type, resource_id, conditions)
                with self._trace.step("apply"):
                    await self.storage.check_patch(adapter, current, asked)
                    document = patched(adapter, current, asked)
                return await self.storage.update_view(resource_type, resource_id, document)

            rendered = adapter.render(await self._tries.run(work))
            if resource_type.name == "Group" and projector.is_identity:
                return ScimResponse(HTTPStatus.NO_CONTENT, None, {"ETag": rendered.etag})
            return resource_answer(HTTPStatus.OK, rendered, projector)

    def _created(self, adapter: Adapter, view: View, projector: Projector) -> ScimResponse:
        rendered = adapter.render(view)
        response = resource_answer(HTTPStatus.CREATED, rendered, projector)
        response.headers["Location"] = rendered.location
        return response

    def _document(
        self, resource_type: ResourceType, request: ScimRequest, context: Context
    ) -> Document | Resource[Any]:
        return self.service.read_document(
            resource_type, request.body, request.header("Content-Type"), context
        )

    async def _met(self, resource_type: ResourceType, resource_id: str, conditions: Conditions) -> Any:
        """The stored resource, to be changed, if it is as the client expects it."""
        with self._trace.step("match"):
            current = await self.storage.current(resource_type, resource_id)
        if conditions.if_match is not None or conditions.if_none_match is not None:
            adapter = self.storage.adapter(resource_type)
            self.service.check_conditions(adapter.render(adapter.view(current)).etag, conditions)
        return current

    async def delete(self, request: ScimRequest) -> ScimResponse:
        """Delete a resource (section 3.6)."""
        with self.service.provider:
            target, resource_type = self._accepted(request, Operation.delete)
            conditions = self.service.read_conditions(request)
            resource_id = cast(str, target.resource_id)

            async def work() -> None:
                await self._met(resource_type, resource_id, conditions)
                await self.storage.delete(resource_type, resource_id)

            await self._tries.run(work)
            return self.service.deletion_response()

    def _accepted(self, request: ScimRequest, operation: Operation) -> tuple[Target, ResourceType]:
        target = self.service.route(request, operation)
        resource_type = self.service.resource_type_at(cast(str, target.endpoint))
        with self._trace.step("authorize"):
            self.service.authorize(request, target, resource_type)
        return target, resource_type


def _caller(request: ScimRequest) -> Caller:
    return cast(Caller, request.subject)
