"""scim2-server's storage over the directory: where the protocol core's writes arrive.

One storage serves one request: it carries the actor. A call inside `operation` shares its unit of
work; a call outside opens one of its own. Reads of clients do not come here (`reads`), except
through the contract that the core's own test suite checks.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

from scim2_models import PatchOp, Resource, ResourceType, ResponseParameters, SearchRequest
from scim2_server.storage import AsyncScimStorage, SearchPage

from scimserver.directory.views import View
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.errors import NotFound, VersionMismatch
from scimserver.scim.actions import MailLink, SetPassword
from scimserver.scim.adapters import Adapter, parse_resource_id, resource_of
from scimserver.scim.plain import PlainPatch
from scimserver.scim.projection import Document
from scimserver.scim.reads import Reads
from scimserver.scim.render import resource_version
from scimserver.scim.users import UserAdapter
from scimserver.work import Operation, Trace, Work, WorkRoom


class DirectoryStorage(AsyncScimStorage):
    """The resources of one actor's organisation."""

    supports_cursors = True

    def __init__(
        self,
        room: WorkRoom,
        reads: Reads,
        adapters: Mapping[str, Adapter],
        actor: Actor,
        origin: Origin,
        trace: Trace | None = None,
        operation: Operation | None = None,
    ) -> None:
        self._room = room
        self._reads = reads
        self._adapters = adapters
        self._actor = actor
        self._origin = origin
        self._trace = trace
        self._operation = operation
        self._work: Work | None = None
        self._current: dict[tuple[str, UUID], Any] = {}

    @asynccontextmanager
    async def operation(self, *, lock: bool = False) -> AsyncGenerator[None]:
        """One unit of work; what it changes is committed when the block ends.

        `lock` holds the rows that are read to be changed, so that no other writer comes between.
        All blocks of a storage with an `Operation` are tries of it: one of them can be committed.
        """
        self._current.clear()
        try:
            async with self._room.open(
                self._actor, self._origin, lock=lock, trace=self._trace, operation=self._operation
            ) as work:
                self._work = work
                yield
        finally:
            self._work = None

    @asynccontextmanager
    async def _working(self) -> AsyncGenerator[Work]:
        if self._work is not None:
            yield self._work
            return
        async with self.operation():
            assert self._work is not None
            yield self._work

    @property
    def users(self) -> UserAdapter:
        """The adapter of users, who can do more than other resources."""
        return cast(UserAdapter, self._adapters["User"])

    def adapter(self, resource_type: ResourceType) -> Adapter:
        """The adapter of a resource type."""
        return self._adapters[str(resource_type.name)]

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """The stored resource, to be changed. Raises `NotFound`."""
        adapter = self.adapter(resource_type)
        async with self._working() as work:
            current = await self._stored(adapter, work, resource_id)
        return resource_of(adapter, adapter.view(current))

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Store a new resource. Raises `InvalidValue`, `AlreadyTaken`."""
        adapter = self.adapter(resource_type)
        return resource_of(adapter, await self.create_view(resource_type, adapter.dumped(resource)))

    async def create_view(self, resource_type: ResourceType, document: Document) -> View:
        """Store a new resource; how it is read."""
        adapter = self.adapter(resource_type)
        async with self._working() as work:
            return self._written(adapter, await adapter.create(work, document))

    async def clone_view(self, source: str, user_name: str | None) -> View:
        """Store a user made from another one, under that address or the next placeholder; how it is read."""
        async with self._working() as work:
            current = await self._stored(self.users, work, source)
            return self._written(self.users, await self.users.clone(work, current, user_name))

    async def give_password(self, user: str, asked: SetPassword | MailLink) -> None:
        """Give a user a password, or have a link mailed. Raises `NotFound`, and as the actions do."""
        async with self._working() as work:
            current = await self._stored(self.users, work, user)
            match asked:
                case SetPassword(password=password, must_change=must_change):
                    await self.users.set_password(work, current, password, must_change=must_change)
                case MailLink():
                    await self.users.mail_link(work, current)

    async def check_patch(self, adapter: Adapter, current: Any, asked: "PlainPatch | PatchOp[Any]") -> None:
        """Refuse a PATCH that the resource is not one for. Raises as the adapter does."""
        async with self._working() as work:
            await adapter.check_patch(work, current, asked)

    async def update(
        self,
        resource_type: ResourceType,
        resource: Resource[Any],
        *,
        expected_version: str | None = None,
    ) -> Resource[Any]:
        """Store the next state of a resource. Raises `NotFound`, `VersionMismatch`, `InvalidValue`."""
        adapter = self.adapter(resource_type)
        view = await self.update_view(
            resource_type, str(resource.id), adapter.dumped(resource), expected_version=expected_version
        )
        return resource_of(adapter, view)

    async def update_view(
        self,
        resource_type: ResourceType,
        resource_id: str,
        document: Document,
        *,
        expected_version: str | None = None,
        replacing: bool = False,
    ) -> View:
        """Store the next state of a resource; how it is read. `replacing`: it is all that was sent."""
        adapter = self.adapter(resource_type)
        async with self._working() as work:
            current = await self._stored(adapter, work, resource_id)
            _expect(adapter.view(current), expected_version)
            return self._written(adapter, await adapter.update(work, current, document, replacing=replacing))

    async def delete(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        expected_version: str | None = None,
    ) -> None:
        """Delete a resource. Raises `NotFound`, `VersionMismatch`."""
        adapter = self.adapter(resource_type)
        async with self._working() as work:
            current = await self._stored(adapter, work, resource_id)
            _expect(adapter.view(current), expected_version)
            await adapter.delete(work, current)
            self._current[adapter.name, current.id] = None

    async def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        """A page of the matching resources, as the core's contract wants it."""
        found = await self._reads.search(self._actor.organization, resource_types, search_request, position)
        resources = [resource_of(self._adapters[kind], view) for kind, view in found.views]
        return SearchPage(found.total, resources, found.next, found.previous)

    async def current(self, resource_type: ResourceType, resource_id: str) -> Any:
        """The directory's own idea of a stored resource, read once per unit of work."""
        adapter = self.adapter(resource_type)
        async with self._working() as work:
            return await self._stored(adapter, work, resource_id)

    async def _stored(self, adapter: Adapter, work: Work, text: str) -> Any:
        key = (adapter.name, parse_resource_id(adapter, text))
        if key not in self._current:
            self._current[key] = await adapter.current(work, key[1])
        if self._current[key] is None:
            raise NotFound(f"There is no {adapter.name.lower()} with this id.")
        return self._current[key]

    def _written(self, adapter: Adapter, current: Any) -> View:
        """How a resource is read; later calls of the operation meet it, though nothing is written yet."""
        self._current[adapter.name, current.id] = current
        return adapter.view(current)


def _expect(view: View, version: str | None) -> None:
    if version is not None and resource_version(version) != str(view.version):
        raise VersionMismatch("The resource was changed meanwhile: read it again.")
