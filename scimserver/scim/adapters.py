"""Resource types over the directory: what the protocol core does to a resource, done to a user or group."""

from typing import Any, ClassVar, Protocol, cast
from uuid import UUID

import orjson
from scim2_models import PatchOp, Resource

from scimserver.directory import groups
from scimserver.directory.views import View
from scimserver.kernel.errors import InvalidValue, NotFound
from scimserver.kernel.ids import GroupId, UserId, parse_uuid
from scimserver.scim import bounds
from scimserver.scim.models import Group
from scimserver.scim.plain import PlainPatch
from scimserver.scim.projection import Document
from scimserver.scim.render import Rendered, Renderer
from scimserver.work import Work


class Adapter(Protocol):
    """One resource type. `Current` is the directory's own idea of a stored resource."""

    name: ClassVar[str]
    endpoint: ClassVar[str]
    model: ClassVar[type[Resource[Any]]]

    def render(self, view: View) -> Rendered:
        """The resource as it is answered."""
        ...

    async def current(self, work: Work, resource_id: UUID) -> Any:
        """The stored resource, to be changed. Raises `NotFound`."""
        ...

    def view(self, current: Any) -> View:
        """A stored resource as it is read."""
        ...

    def document(self, current: Any) -> Document:
        """A stored resource with all that a PATCH can reach."""
        ...

    def dumped(self, resource: Resource[Any]) -> Document:
        """A resource that the models made, as a document.

        Raises `InvalidValue` for what dumping hides, `PayloadTooLargeException` for what it takes long for.
        """
        ...

    async def create(self, work: Work, document: Document) -> Any:
        """Store a new resource."""
        ...

    async def update(self, work: Work, current: Any, document: Document, *, replacing: bool = False) -> Any:
        """Store the next state of a resource; `replacing` says that it is all that a client sent."""
        ...

    async def delete(self, work: Work, current: Any) -> None:
        """Delete a resource."""
        ...

    def with_kept(self, current: Any, document: Document) -> Document:
        """The document of a PUT with what it does not mention, where clearing that would do harm."""
        ...

    async def check_patch(self, work: Work, current: Any, asked: "PlainPatch | PatchOp[Any]") -> None:
        """Refuse a PATCH that the resource is not one for."""
        ...

    def before_patch(self, current: Any, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Prepare the resource that a PATCH is applied to."""
        ...


class GroupAdapter:
    """`/Groups` over `directory.groups`."""

    name: ClassVar[str] = "Group"
    endpoint: ClassVar[str] = "Groups"
    model: ClassVar[type[Resource[Any]]] = Group

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render(self, view: View) -> Rendered:
        """The group as it is answered."""
        return self._renderer.group(view)

    async def current(self, work: Work, resource_id: UUID) -> groups.Group:
        """The stored group, to be changed. Raises `NotFound`."""
        return await groups.get(work, GroupId(resource_id))

    def view(self, current: groups.Group) -> View:
        """A stored group as it is read."""
        return View(
            id=current.id,
            version=current.version,
            created=current.created,
            last_modified=current.last_modified,
            stored=current.stored,
            related=current.members,
        )

    def document(self, current: groups.Group) -> Document:
        """A stored group's document, with its members."""
        return {**current.document, "members": [{"value": str(member.id)} for member in current.members]}

    def dumped(self, resource: Resource[Any]) -> Document:
        """The group's document. Raises `InvalidValue` for a member that says nothing."""
        for member in cast(Any, resource).members or ():
            if not (member.value or member.ref):
                raise _no_member()
        bounds.check_schemas(resource)
        return resource.model_dump()

    async def create(self, work: Work, document: Document) -> groups.Group:
        """Add the group."""
        return await groups.create(work, document, _members(document))

    async def update(
        self, work: Work, current: groups.Group, document: Document, *, replacing: bool = False
    ) -> groups.Group:
        """Give the group its next state."""
        return await groups.update(work, current, document, _members(document))

    async def delete(self, work: Work, current: groups.Group) -> None:
        """Delete the group."""
        await groups.delete(work, current)

    def with_kept(self, current: groups.Group, document: Document) -> Document:
        """Nothing more: a PUT without `members` empties the group, as the RFC has it."""
        return document

    async def check_patch(
        self, work: Work, current: groups.Group, asked: "PlainPatch | PatchOp[Any]"
    ) -> None:
        """Nothing."""

    def before_patch(self, current: groups.Group, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Nothing."""


def resource_of(adapter: Adapter, view: View) -> Resource[Any]:
    """A stored resource as the protocol core handles it: its location is the answer's business."""
    resource = adapter.model.model_validate(orjson.loads(adapter.render(view).body))
    assert resource.meta is not None
    resource.meta.location = None
    return resource


def parse_resource_id(adapter: Adapter, text: str) -> UUID:
    """The id that a path names. Raises `NotFound` for what cannot be one of ours."""
    parsed = parse_uuid(text)
    if parsed is None:
        raise NotFound(f"There is no {adapter.name.lower()} with this id.")
    return parsed


def _members(document: Document) -> tuple[UserId, ...]:
    """The members' ids, each once, in the order sent. Raises `InvalidValue`."""
    ids: dict[UserId, None] = {}
    for member in cast("list[dict[str, Any]]", document.get("members") or ()):
        text = member.get("value") or str(member.get("$ref") or "").rpartition("/")[2]
        parsed = parse_uuid(text)
        if parsed is None:
            raise _no_member()
        ids[UserId(parsed)] = None
    return tuple(ids)


def _no_member() -> InvalidValue:
    return InvalidValue("A member's value is the id of a user of the organisation.", attribute="members")
