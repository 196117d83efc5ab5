"""`/Cases` over `directory.cases`: a resource type of our own (RFC 7643, section 6).

Proven by tests/api/test_cases.py and tests/unit/test_case_owner.py.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from scim2_models import PatchOp, Resource

from scimserver.directory import cases
from scimserver.directory.views import View
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.ids import CaseId, UserId, parse_uuid
from scimserver.scim import bounds
from scimserver.scim.models import Case
from scimserver.scim.plain import PlainPatch, plain_bodies
from scimserver.scim.projection import Document
from scimserver.scim.render import Rendered, Renderer
from scimserver.work import Work


class CaseAdapter:
    """`/Cases` over `directory.cases`."""

    name: ClassVar[str] = "Case"
    endpoint: ClassVar[str] = "Cases"
    model: ClassVar[type[Resource[Any]]] = Case

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render(self, view: View) -> Rendered:
        """The case as it is answered."""
        return self._renderer.case(view)

    async def current(self, work: Work, resource_id: UUID) -> cases.Case:
        """The stored case, to be changed. Raises `NotFound`."""
        return await cases.get(work, CaseId(resource_id))

    def view(self, current: cases.Case) -> View:
        """A stored case as it is read."""
        return View(
            id=current.id,
            version=current.version,
            created=current.created,
            last_modified=current.last_modified,
            stored=current.stored,
            related=(current.owner,) if current.owner else (),
        )

    def document(self, current: cases.Case) -> Document:
        """A stored case's document, with its owner."""
        if current.owner is None:
            return current.document
        return {**current.document, "owner": {"value": str(current.owner.id)}}

    def dumped(self, resource: Resource[Any]) -> Document:
        """The case's document."""
        bounds.check_schemas(resource)
        return resource.model_dump()

    async def create(self, work: Work, document: Document) -> cases.Case:
        """Register the case."""
        return await cases.create(work, document, named_owner(document, None))

    async def update(
        self, work: Work, current: cases.Case, document: Document, *, replacing: bool = False
    ) -> cases.Case:
        """Give the case its next state."""
        owner = UserId(current.owner.id) if current.owner else None
        return await cases.update(work, current, document, named_owner(document, owner))

    async def delete(self, work: Work, current: cases.Case) -> None:
        """Delete the case."""
        await cases.delete(work, current)

    def with_kept(self, current: cases.Case, document: Document) -> Document:
        """Keep `status`: a PUT without it must not open a closed case. One without `owner` unassigns."""
        status: Document = {name: item for name, item in current.document.items() if name == "status"}
        return plain_bodies(self.name).object.ordered({**status, **document})

    async def check_patch(self, work: Work, current: cases.Case, asked: "PlainPatch | PatchOp[Any]") -> None:
        """Nothing."""

    def before_patch(self, current: cases.Case, resource: Resource[Any], patch: "PatchOp[Any]") -> None:
        """Take away what derives from the owner, so that a `$ref` afterwards is one that a client sent."""
        owner = cast(Any, resource).owner
        if owner is not None:
            owner.ref = owner.display = None


def named_owner(document: Mapping[str, Any], before: UserId | None) -> UserId | None:
    """Who is to own a case: whom `value` names, or `$ref` where only that one says something new. Pure.

    A client that sends back what it read may change either of the two. `before` is who owns it now.
    Raises `InvalidValue` for what is no id.
    """
    owner = cast("Mapping[str, Any]", document.get("owner") or {})
    reference = str(owner.get("$ref") or "").partition("#")[0].partition("?")[0].rstrip("/")
    value, last = owner.get("value"), reference.rpartition("/")[2]
    named = last if last and value in (None, "", str(before)) else value
    if named is None:
        return None
    parsed = parse_uuid(str(named))
    if parsed is None:
        raise InvalidValue(
            "The owner of a case is a user of the organisation: send its id as owner.value.",
            attribute="owner",
        )
    return UserId(parsed)
