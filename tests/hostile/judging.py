"""What every answer must be, whatever was asked: complaints, a sentence each.

RFC 7644, section 3.12 for errors; RFC 9110 for the headers that a status asks for.
Proven by tests/hostile/test_judging.py.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

import orjson

from tests.hostile.places import BASE
from tests.hostile.plan import Request
from tests.hostile.values import PASSWORD
from tests.hostile.wire import Answer

LIMIT_S = 2.0
"""Seconds from the last byte of a request to the last byte of its answer."""

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MEDIA_TYPE = "application/scim+json"

SCIM_TYPES = {
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
}
"""RFC 7644, table 9, and RFC 9865, section 2.1."""

_NEEDS = {401: "www-authenticate", 405: "allow", 429: "retry-after", 503: "retry-after"}
_INTERNALS = re.compile(
    r"Traceback|File \"|pydantic|asyncpg|aiohttp|scim2_|<class|object at 0x|\bNoneType\b|SELECT |INSERT "
)
_NOT_IMPLEMENTED = re.compile(rb"/bulk(?:[/?#]|$)", re.IGNORECASE)


def complaints(request: Request, answer: Answer, secrets: Collection[bytes]) -> Iterator[str]:
    """What is wrong with an answer; `secrets` may stand in none."""
    if answer.status >= 500 and not _is_unserved(request, answer):
        yield f"a failure: {answer.status}"
    if answer.seconds > LIMIT_S:
        yield f"slow: {answer.seconds:.1f} s"
    if any(secret in answer.body for secret in (*secrets, PASSWORD.encode())):
        yield "a secret is repeated"
    if is_below_base(request) and request.is_http:
        yield from _scim(request, answer)


def is_below_base(request: Request) -> bool:
    """Whether the path is one of the SCIM face's."""
    path = request.target.partition(b"?")[0]
    return path == BASE.encode() or path.startswith(BASE.encode() + b"/")


def document(answer: Answer) -> Any:
    """The body, parsed; None where it is no JSON."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None


def _is_unserved(request: Request, answer: Answer) -> bool:
    return answer.status == 501 and _NOT_IMPLEMENTED.search(request.target) is not None


def _scim(request: Request, answer: Answer) -> Iterator[str]:
    if (needed := _NEEDS.get(answer.status)) and needed not in answer.headers:
        yield f"{answer.status} without {needed}"
    if request.method == b"HEAD" or answer.status in (202, 204, 304):
        return
    if answer.headers.get("content-type", "").partition(";")[0] != MEDIA_TYPE:
        yield f"{answer.status} as {answer.headers.get('content-type')!r}"
        return
    body = document(answer)
    if not isinstance(body, dict):
        yield f"{answer.status} without a JSON object"
    elif answer.status >= 400:
        yield from _error(answer, body)
    elif answer.status >= 300:
        yield f"an answer that nobody asked for: {answer.status}"


def _error(answer: Answer, body: dict[str, Any]) -> Iterator[str]:
    if body.get("schemas") != [ERROR]:
        yield f"an error of schemas {body.get('schemas')!r}"
    if body.get("status") != str(answer.status):
        yield f"status {body.get('status')!r} in the body of {answer.status}"
    kind = body.get("scimType")
    if kind not in SCIM_TYPES and (answer.status == 400 or kind is not None):
        yield f"{answer.status} with scimType {kind!r}"
    detail = body.get("detail")
    if not isinstance(detail, str) or len(detail.split()) < 3:
        yield f"detail is no sentence: {detail!r}"
    elif "\n" in detail or len(detail) > 1_000:
        yield f"detail runs over a line or over all bounds: {detail[:200]!r}"
    elif found := _INTERNALS.search(detail):
        yield f"detail shows internals ({found[0]}): {detail[:300]!r}"
