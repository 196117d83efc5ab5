"""Answers made of JSON bytes: a resource, and a list of them (RFC 7644, sections 3.4.1 and 3.4.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson
from scim2_server.conditions import EntityTags
from scim2_server.responses import ScimResponse

from scimserver.scim.projection import Projector
from scimserver.scim.render import Rendered

_LIST: Final = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]}


@dataclass
class RawResponse(ScimResponse):
    """An answer whose body is JSON bytes already."""

    raw: bytes = field(default=b"")


def resource_answer(
    status: HTTPStatus, rendered: Rendered, projector: Projector, *, unless: str | None = None
) -> ScimResponse:
    """A resource, or what the projector leaves of it; 304 where it is what `unless` (If-None-Match) says."""
    if unless is not None:
        known = EntityTags.parse(unless)
        if known is not None and known.matches(rendered.etag):
            return ScimResponse(HTTPStatus.NOT_MODIFIED, None, {"ETag": rendered.etag})
    headers = {"ETag": rendered.etag, "Content-Location": rendered.location}
    return RawResponse(status, headers=headers, raw=projected(rendered, projector))


def list_answer(
    resources: Sequence[bytes],
    total: int | None,
    *,
    start: int | None = None,
    cursors: Mapping[str, str] | None = None,
) -> ScimResponse:
    """A page of resources: by index from `start`, or with the `cursors` of the pages around it."""
    head: dict[str, Any] = {**_LIST, "itemsPerPage": len(resources)}
    if total is not None:
        head["totalResults"] = total
    if start is not None:
        head["startIndex"] = start
    head |= cursors or {}
    raw = orjson.dumps(head)[:-1] + b',"Resources":[' + b",".join(resources) + b"]}"
    return RawResponse(HTTPStatus.OK, raw=raw)


def projected(rendered: Rendered, projector: Projector) -> bytes:
    """The bytes of what the projector leaves of a resource."""
    if projector.is_identity:
        return rendered.body
    return orjson.dumps(projector.apply(orjson.loads(rendered.body)))
