"""`/signin`: with an address and a password (rule P4).

Proven by tests/console/test_sign_in_page.py.
"""

from typing import Final

from aiohttp import web

from scimserver.access.candidates import Attempt
from scimserver.access.login import SignInRefused
from scimserver.console.cookies import Cookie
from scimserver.console.entering import leave, let_in, our_path
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.kernel.facts import SessionStarted

NOTICES: Final = {
    "signed-out": "You are signed out.",
    "password-set": "Your password is set. Sign in with it.",
}


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
        await leave(visit)
        return let_in(visit, admitted.started, our_path(form["next"]), device=admitted.device)
