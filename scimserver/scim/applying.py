"""What a PUT or a PATCH makes of a stored resource (RFC 7644, sections 3.5.1 and 3.5.2).

What is plain goes the short way, the rest by the models' rules. The models copy and compare all
that they are given, so a group's members, of which there may be any number, stay aside where no
operation names them.
Proven by tests/api/test_bounds.py, and what they make of it by tests/properties/test_plain.py.
"""

from typing import Any

from scim2_models import PatchOp, Resource

from scimserver.scim import bounds
from scimserver.scim.adapters import Adapter, resource_of
from scimserver.scim.plain import PlainPatch, plain_bodies
from scimserver.scim.projection import Document

_MEMBERS = "members"


def replaced(adapter: Adapter, current: Any, sent: Document | Resource[Any]) -> Document:
    """The document of a PUT. Raises `PayloadTooLargeException` for what the models would take long for."""
    if isinstance(sent, dict):
        return sent
    # No rule about replacing a member depends on who was one before.
    stored, _ = _apart(adapter.document(current))
    bounds.check_looks(adapter.name, stored)
    # Each try replaces anew: applying constraints writes into the replacement.
    wanted = sent.model_copy(deep=True)
    wanted.replace(_resource(adapter, current, whole=adapter.name == "User"))
    return adapter.dumped(wanted)


def patched(adapter: Adapter, current: Any, asked: "PlainPatch | PatchOp[Any]") -> Document:
    """The document of a PATCH. Raises the same, and as `PatchOp.patch` does."""
    stored = adapter.document(current)
    if isinstance(asked, PlainPatch):
        return plain_bodies(adapter.name).applied(stored, asked)
    aside: Document = {}
    if not _names_members(asked):
        stored, aside = _apart(stored)
    bounds.check_looks(adapter.name, stored, asked)
    resource = _resource(adapter, current, whole=not aside)
    adapter.before_patch(current, resource, asked)
    asked.patch(resource)
    return {**adapter.dumped(resource), **aside}


def _names_members(asked: "PatchOp[Any]") -> bool:
    """Whether any path, or any name in a value, could lead to the members."""
    return any(
        _MEMBERS in path.lower()
        for operation in asked.operations or ()
        for path in bounds.paths_of(operation)
    )


def _apart(stored: Document) -> tuple[Document, Document]:
    """The document without its members, and these."""
    rest = {name: value for name, value in stored.items() if name != _MEMBERS}
    return rest, {name: value for name, value in stored.items() if name == _MEMBERS}


def _resource(adapter: Adapter, current: Any, *, whole: bool) -> Resource[Any]:
    view = adapter.view(current)
    return resource_of(adapter, view if whole else view._replace(related=()))
