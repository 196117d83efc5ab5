"""Forms as browsers send them, and what keeps other sites from sending them (OWASP ASVS 5.0, 3.5).

A form is taken from our own pages only: the browser says where it comes from, and it carries a token that
belongs to the session, or to the browser where nobody is signed in.
Proven by tests/console/test_face.py and tests/unit/test_forms.py.
"""

import base64
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from scimserver.http.hardening import read_body
from scimserver.http.place import Place

BODY_LIMIT: Final = 16 * 1024
"""The most bytes of a form."""

TOKEN: Final = "token"  # noqa: S105 - the name of a field, not a secret
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20


class BadForm(Exception):
    """What came is no form of ours; nothing was done."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What somebody filled in, and what is wrong with it: a sentence for each field, "" for the whole."""

    values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    status: int = 200

    def __getitem__(self, name: str) -> str:
        """What stands in a field; nothing where it was not sent."""
        return self.values.get(name, "")

    def refused(self, errors: Mapping[str, str], *, status: int = 422) -> "Form":
        """The same form with errors."""
        return Form(values=self.values, errors=errors, status=status)


def token_for(binding: str) -> str:
    """The token of forms that belong to a cookie's secret; it does not tell the secret."""
    tag = hmac.digest(binding.encode(), b"scimserver form", "sha256")
    return base64.urlsafe_b64encode(tag).decode().rstrip("=")


def is_token_for(binding: str | None, token: str) -> bool:
    """Whether a form belongs to a cookie's secret."""
    return binding is not None and hmac.compare_digest(token_for(binding).encode(), token.encode())


def require_host(request: web.Request, place: Place) -> None:
    """Raise `BadForm` for a request that is meant for another host."""
    if request.host.lower() not in place.hosts:
        raise BadForm(421, f"These pages are at {place.url(request.path)}.")


def require_same_site(request: web.Request, place: Place) -> None:
    """Raise `BadForm` where the browser says that another site sends the request.

    A page without referrer has the origin "null"; then, and where a client says nothing, the token decides.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if site not in ("same-origin", "none") or not set(origins) <= {place.origin, "null"}:
        raise BadForm(403, f"This form was sent by another site. Go to {place.origin} and fill it in there.")


async def read_form(
    request: web.Request, seconds: float, names: Collection[str], *, limit: int = BODY_LIMIT
) -> Form:
    """The form that a request carries, of these fields and at most `limit` bytes.

    Raises `BadForm`, and what `read_body` raises.
    """
    if request.content_type != _MEDIA_TYPE:
        raise BadForm(415, f"Send the form as {_MEDIA_TYPE}, as browsers do.")
    body = await read_body(request, limit, seconds)
    values = dict[str, str]()
    for name, value in _fields(body):
        if name in values:
            raise BadForm(400, f'The field "{name}" came twice: send each once.')
        if name in names or name == TOKEN:
            values[name] = value
    return Form(values=values)


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise BadForm(400, "The form cannot be read: send it as browsers do, in UTF-8.") from error
