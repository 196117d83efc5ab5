"""`/signin`: with an address and a password (rule P4).

Proven by tests/console/test_sign_in_page.py.
"""

import re
from typing import Final

from aiohttp import web

from scimserver.access.candidates import Attempt
from scimserver.access.login import Admitted, SignInRefused
from scimserver.console.attempts import attempt
from scimserver.console.cookies import Cookie
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.directory import sessions
from scimserver.kernel.errors import NotFound
from scimserver.kernel.facts import SessionEnded, SessionStarted

HOME: Final = "/sessions"
"""Where people go who are signed in, unless they wanted to go somewhere else."""

NOTICES: Final = {
    "signed-out": "You are signed out.",
    "password-set": "Your password is set. Sign in with it.",
}
_OUR_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)?")


class SignInPage:
    """Lets people in."""

    path = "/signin"
    fields = ("address", "password", "organization", "next")
    fact = SessionStarted
    needs_session = False
    referrer = "same-origin"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The form; whoever is signed in already is sent on."""
        asked = visit.request.query
        if visit.caller is not None and not form.errors:
            return visit.redirect(our_path(asked.get("next", "")))
        return visit.page(
            "sign_in.html",
            form,
            notice=NOTICES.get(asked.get("done", "")),
            next=our_path(asked.get("next", "")),
            organization=asked.get("organization", ""),
        )

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Sign somebody in, and take them where they wanted to go."""
        missing = {
            name: sentence
            for name, sentence in (
                ("address", "Enter your e-mail address."),
                ("password", "Enter your password."),
            )
            if not form[name].strip()
        }
        if missing:
            return await self.show(visit, form.refused(missing))
        asked = Attempt(
            address=form["address"],
            password=form["password"],
            organization=form["organization"],
            device=visit.cookie(Cookie.DEVICE),
        )
        try:
            admitted = await visit.services.login.sign_in(asked, visit.origin, may_change=True)
        except SignInRefused as refused:
            return await self.show(visit, form.refused({"": refused.detail}))
        await _leave(visit)
        return _let_in(visit, admitted, our_path(form["next"]))


def our_path(text: str) -> str:
    """A page of ours that somebody wanted to see; the first one where it is none."""
    return text if text != "/" and _OUR_PATH.fullmatch(text) else HOME


async def _leave(visit: Visit) -> None:
    """End the session in which somebody was signed in here before: its cookie is overwritten."""
    before = visit.caller
    if before is None:
        return
    try:
        async with attempt(visit, SessionEnded, before.actor) as work:
            await sessions.end(work, before.signed_in.session.user, before.signed_in.session.id)
    except NotFound:
        return


def _let_in(visit: Visit, admitted: Admitted, path: str) -> web.Response:
    response = visit.redirect(path)
    cookies = visit.services.cookies
    cookies.write(response, Cookie.SESSION, admitted.started.secret)
    cookies.write(response, Cookie.DEVICE, admitted.device)
    cookies.remove(response, Cookie.FORM)
    return response
