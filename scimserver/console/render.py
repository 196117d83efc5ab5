"""From templates to answers: pages, and the one style sheet, known by its content.

Every page is under one policy without exceptions: no script, no frame, nothing from elsewhere.
Proven by tests/console/test_pages.py.
"""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import aiohttp_jinja2
from aiohttp import hdrs, web
from jinja2 import PackageLoader, StrictUndefined

from scimserver.http.place import Place

STATIC: Final = "/static/"

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:;"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Styles:
    """The style sheet: its name changes with its content, so that browsers may keep it for ever."""

    def __init__(self) -> None:
        self._body = files("scimserver.console").joinpath("static/console.css").read_bytes()
        self.name = f"console.{hashlib.sha256(self._body).hexdigest()[:12]}.css"

    def answer(self) -> web.Response:
        """The style sheet."""
        response = web.Response(body=self._body, content_type="text/css", charset="utf-8")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def add_templates(application: web.Application) -> None:
    """Let pages of an application be rendered."""
    aiohttp_jinja2.setup(
        application,
        filters={"moment": moment},
        loader=PackageLoader("scimserver.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def moment(value: Any) -> str:
    """A time as people read it, to the minute."""
    return f"{value:%Y-%m-%d %H:%M} UTC"


def page(
    request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
) -> web.Response:
    """A page."""
    return protected(aiohttp_jinja2.render_template(template, request, context, status=status))


def redirect(place: Place, path: str) -> web.Response:
    """Send the browser on to a page of ours (RFC 9110, 15.4.4)."""
    response = web.Response(status=303)
    response.headers[hdrs.LOCATION] = place.prefix + path
    return protected(response)


def protected(response: web.Response) -> web.Response:
    """An answer with the policy of pages."""
    response.headers.update(_HEADERS)
    return response
