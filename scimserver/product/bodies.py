"""Bodies of this face: small JSON objects of strings, and the one form of RFC 7662.

What two readers could read differently is refused. Proven by tests/api/test_session_api.py.
"""

import json
from collections.abc import Sequence
from typing import Final, NoReturn, cast
from urllib.parse import parse_qsl

from aiohttp import web

from scimserver.http.hardening import read_body
from scimserver.product.problems import malformed

BODY_LIMIT: Final = 16 * 1024
"""The most bytes of a body."""

_Pairs = list[tuple[str, object]]


async def read_object(
    request: web.Request, seconds: float, *, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, str]:
    """The members of a JSON object, all strings. Raises `Problem`, and what `read_body` raises."""
    if request.content_type != "application/json":
        raise malformed("Send a JSON object, as application/json.", status=415)
    body = await read_body(request, BODY_LIMIT, seconds)
    members = _parsed(body)
    unknown = sorted(members.keys() - {*required, *optional})
    if unknown:
        raise malformed(f"These members are not known: {', '.join(unknown)[:100]}.", status=422)
    strings = {name: value for name, value in members.items() if isinstance(value, str)}
    wrong = [name for name in members if name not in strings]
    missing = [name for name in required if not strings.get(name)]
    if wrong or missing:
        raise malformed(f"These members have to be strings: {', '.join(wrong or missing)}.", status=422)
    return strings


async def read_token(request: web.Request, seconds: float) -> str:
    """The token of a form that asks about one (RFC 7662, 2.1). Raises as `read_object` does."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise malformed("Send the field `token`, as application/x-www-form-urlencoded.", status=415)
    body = await read_body(request, BODY_LIMIT, seconds)
    try:
        fields = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=10)
    except ValueError:
        raise malformed("The form cannot be read.") from None
    tokens = [value for name, value in fields if name == "token"]
    if len(tokens) != 1:
        raise malformed("Send the field `token`, once.")
    return tokens[0]


def _parsed(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise malformed("The body is not sound JSON: an object, in UTF-8, no name twice.") from None
    if not isinstance(parsed, dict):
        raise malformed("The body has to be a JSON object.")
    return cast(dict[str, object], parsed)


def _unique(pairs: _Pairs) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError
