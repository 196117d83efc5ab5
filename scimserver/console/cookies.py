"""The cookies of the pages. Each belongs to this host alone, and no script reads it (RFC 6265bis, 4.1.3.2).

Proven by tests/console/test_cookies.py.
"""

from enum import StrEnum
from typing import Final, Literal

from aiohttp import web

from scimserver.http.place import Place

_MOST: Final = 100
"""The most characters of a value: what is longer is none of ours."""


class Cookie(StrEnum):
    """What a cookie holds."""

    SESSION = "session"
    """The secret of a session."""

    DEVICE = "device"
    """The secret by which a device is known to have signed in."""

    FORM = "form"
    """What ties forms to a browser in which nobody is signed in."""

    LINK = "link"
    """The token of a link that was followed, so that it stands in no address."""

    SAML = "saml"
    """The secret of a browser that was sent to an identity provider, and comes back from there."""


LASTS: Final = {Cookie.DEVICE: 90 * 24 * 3600, Cookie.LINK: 900, Cookie.SAML: 600}
"""Seconds; the others end with the browser."""

_CROSS_SITE: Final = frozenset({Cookie.SAML})
"""What has to come back with a form that another site sends: an identity provider's response."""


class Cookies:
    """Reads and writes them for clients that reach the server at a place."""

    def __init__(self, place: Place) -> None:
        self._is_secure = place.is_secure

    def name(self, cookie: Cookie) -> str:
        """What a cookie is called. Without https no browser takes the prefix, which keeps neighbours out."""
        return f"__Host-{cookie}" if self._is_secure else f"scimserver-{cookie}"

    def read(self, request: web.Request, cookie: Cookie) -> str | None:
        """A cookie's value, if there is one that may be ours."""
        value = request.cookies.get(self.name(cookie))
        return value if value and len(value) <= _MOST and value.isascii() else None

    def write(self, response: web.StreamResponse, cookie: Cookie, value: str) -> None:
        """Let the browser keep a value."""
        response.set_cookie(
            self.name(cookie),
            value,
            path="/",
            max_age=LASTS.get(cookie),
            secure=self._is_secure,
            httponly=True,
            samesite=self._same_site(cookie),
        )

    def _same_site(self, cookie: Cookie) -> Literal["Lax", "None"]:
        # Browsers take None with https alone; without it, all of this machine is one site.
        return "None" if cookie in _CROSS_SITE and self._is_secure else "Lax"

    def remove(self, response: web.StreamResponse, cookie: Cookie) -> None:
        """Let the browser forget a value."""
        response.del_cookie(
            self.name(cookie),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite=self._same_site(cookie),
        )
