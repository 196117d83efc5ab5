"""Letting a browser in: the same from every page on which people sign in.

Proven by tests/console/test_sign_in_page.py.
"""

import re
from typing import Final

from aiohttp import web

from scimserver.console.attempts import attempt
from scimserver.console.cookies import Cookie
from scimserver.console.visit import Visit
from scimserver.directory import sessions
from scimserver.directory.sessions import Started
from scimserver.kernel.errors import NotFound
from scimserver.kernel.facts import SessionEnded

HOME: Final = "/sessions"
"""Where people go who are signed in, unless they wanted to go somewhere else."""

_LONGEST_PATH: Final = 200
"""Characters of a path of ours, three times what any has: anybody may have one kept for some minutes."""
_OUR_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)?")


def our_path(text: str) -> str:
    """A page of ours that somebody wanted to see; the first one where it is none."""
    is_ours = text != "/" and len(text) <= _LONGEST_PATH and _OUR_PATH.fullmatch(text)
    return text if is_ours else HOME


async def leave(visit: Visit) -> None:
    """End the session in which somebody was signed in here before: its cookie is overwritten."""
    before = visit.caller
    if before is None:
        return
    try:
        async with attempt(visit, SessionEnded, before.actor) as work:
            await sessions.end(work, before.signed_in.session.user, before.signed_in.session.id)
    except NotFound:
        return


def let_in(visit: Visit, started: Started, path: str, *, device: str | None = None) -> web.Response:
    """Send somebody on in their new session; `device` is by what a password's tries know the browser."""
    response = visit.redirect(path)
    cookies = visit.services.cookies
    cookies.write(response, Cookie.SESSION, started.secret)
    if device is not None:
        cookies.write(response, Cookie.DEVICE, device)
    cookies.remove(response, Cookie.FORM)
    return response
