"""Answers from stored bytes: what is stored is sent, with what derives from elsewhere spliced in.

`groups`, the manager's `$ref` and `displayName`, how a user signs in, `members` and `meta` are no part of
the stored document (RFC 7643, section 3.1; RFC 7644, section 3.14). The manager stands last in the document,
so that a cut at its end is enough; nothing is parsed.
Proven by tests/unit/test_render.py and tests/properties/test_render.py.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from scimserver.access.saml.place import addresses_of
from scimserver.directory.views import Reference, View
from scimserver.kernel.providers import IdentityProvider
from scimserver.scim.models import DIRECTORY_USER_SCHEMA

BASE_PATH: Final = "/scim/v2"

_WRITTEN: Final = len('["2026-01-02T03:04:05.678000Z","2026-01-02T03:04:05.678000Z"]')

_MANAGER_END: Final = b"}}}"
"""How a document ends whose last value is a manager: the manager, its extension, the document."""


_SCHEMA: Final = f',"{DIRECTORY_USER_SCHEMA}"'.encode()
_EXTENSION: Final = f',"{DIRECTORY_USER_SCHEMA}":'.encode()


class Rendered(NamedTuple):
    """A resource as it is answered: its JSON bytes, and what the headers say of it."""

    body: bytes
    etag: str
    location: str


def resource_version(etag: str) -> str:
    """The part of an entity tag that If-Match compares: the row's version, not what derives."""
    return etag.removeprefix("W/").strip('"').partition("-")[0]


def timestamp(moment: datetime) -> str:
    """A dateTime of RFC 7643, section 2.3.5, to the millisecond, in UTC."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def _timestamps(created: datetime, modified: datetime) -> tuple[str, str]:
    """Two of them. orjson takes a third of the time, but writes microseconds, or none where they are 0."""
    written = orjson.dumps((created, modified), option=orjson.OPT_UTC_Z).decode()
    if len(written) == _WRITTEN:
        return f"{written[2:25]}Z", f"{written[32:55]}Z"
    return timestamp(created), timestamp(modified)


class Renderer:
    """Renders views under the base URL at which clients see the SCIM endpoints."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._public_url = base_url.removesuffix(BASE_PATH)

    def location(self, endpoint: str, resource: UUID) -> str:
        """The absolute URL of a resource."""
        return f"{self.base_url}/{endpoint}/{resource}"

    def view(self, kind: str, view: View) -> Rendered:
        """A resource of that type."""
        match kind:
            case "User":
                return self.user(view)
            case "Group":
                return self.group(view)
            case "Role":
                return self.role(view)
            case _:
                return self.case(view)

    def user(self, view: View) -> Rendered:
        """A user with the groups and the manager of the view, and how it says the user signs in."""
        stored = view.stored
        if not view.related and view.manager is None and view.provider is None and view.mark is None:
            return self._whole(view, "User", "Users", stored)
        groups = self._entries(view.related, "Groups", "direct")
        manager = self._manager(view.manager)
        if manager and stored.endswith(_MANAGER_END):
            stored = stored[:-3] + manager + _MANAGER_END
        tail = b',"groups":' + groups if groups else b""
        signing = self._signing(view)
        if signing:
            stored, tail = _with_schema(stored), tail + _EXTENSION + signing
        return self._whole(view, "User", "Users", stored, tail, _digest(groups + manager + signing))

    def group(self, view: View) -> Rendered:
        """A group with the members of the view."""
        members = self._entries(view.related, "Users", "User")
        tail = b',"members":' + members if members else b""
        return self._whole(view, "Group", "Groups", view.stored, tail, _digest(members))

    def role(self, view: View) -> Rendered:
        """A role."""
        return self._whole(view, "Role", "Roles", view.stored)

    def case(self, view: View) -> Rendered:
        """A case with the owner of the view."""
        owner = orjson.dumps(self._reference(view.related[0], "Users")) if view.related else b""
        tail = b',"owner":' + owner if owner else b""
        return self._whole(view, "Case", "Cases", view.stored, tail, _digest(owner))

    def _entries(self, references: Sequence[Reference], endpoint: str, kind: str) -> bytes:
        if not references:
            return b""
        return orjson.dumps([self._entry(reference, endpoint, kind) for reference in references])

    def _entry(self, reference: Reference, endpoint: str, kind: str) -> dict[str, str]:
        return {**self._reference(reference, endpoint), "type": kind}

    def _reference(self, reference: Reference, endpoint: str) -> dict[str, str]:
        named = {"value": str(reference.id), "$ref": self.location(endpoint, reference.id)}
        return named if reference.name is None else {**named, "display": reference.name}

    def _manager(self, manager: Reference | None) -> bytes:
        if manager is None:
            return b""
        spliced = {"$ref": self.location("Users", manager.id)}
        if manager.name is not None:
            spliced["displayName"] = manager.name
        return b"," + orjson.dumps(spliced)[1:-1]

    def _signing(self, view: View) -> bytes:
        """How a user signs in who does so by an identity provider; of others, what a client said of it.

        No more is said of these: what is written into the extension as a whole is read again as it was.
        """
        if view.provider is not None:
            return orjson.dumps(self._by_provider(view.provider))
        return b"" if view.mark is None else orjson.dumps({"samlManaged": view.mark})

    def _by_provider(self, provider: IdentityProvider) -> dict[str, object]:
        ours = addresses_of(self._public_url, provider.organization, provider.id).entity_id
        management = {"managedBy": "identityProvider"}
        if provider.reset_uri:
            management["resetUri"] = provider.reset_uri
        if provider.contact:
            management["contact"] = provider.contact
        signing: dict[str, object] = {
            "samlManaged": True,
            "authenticationMethod": "saml",
            "identityProvider": {"value": str(provider.id), "display": provider.name, "$ref": ours},
            "passwordManagement": management,
        }
        if provider.subject is not None:
            name_id, form, linked = provider.subject
            named = {"format": form} if form else {}
            signing["samlSubject"] = {"nameId": name_id, **named, "linkedAt": linked}
        return signing

    def _whole(
        self, view: View, kind: str, endpoint: str, stored: bytes, tail: bytes = b"", digest: str = ""
    ) -> Rendered:
        version = f"{view.version}-{digest}" if digest else str(view.version)
        location = f"{self.base_url}/{endpoint}/{view.id}"
        created, modified = _timestamps(view.created, view.last_modified)
        # Nothing in these needs escaping but the quotes of the tag: a page renders them a hundred times.
        meta = (
            f',"meta":{{"resourceType":"{kind}","created":"{created}","lastModified":"{modified}",'
            f'"location":"{location}","version":"W/\\"{version}\\""}}}}'
        )
        return Rendered(stored[:-1] + tail + meta.encode(), f'W/"{version}"', location)


def _with_schema(stored: bytes) -> bytes:
    """A user's document that lists the extension, which is no part of it, at the end of its first list."""
    end = stored.index(b"]")
    return stored[:end] + _SCHEMA + stored[end:]


def _digest(derived: bytes) -> str:
    """Eight hexadecimal digits that change when what derives from elsewhere does."""
    return hashlib.sha256(derived).hexdigest()[:8] if derived else ""
