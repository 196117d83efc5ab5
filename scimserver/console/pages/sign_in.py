"""`/signin`: with an address and a password (rule P4), or on to the identity provider of its domain.

Proven by tests/console/test_sign_in_page.py and test_saml_discovery.py.
"""

from typing import Final

from aiohttp import web

from scimserver.access.candidates import Attempt
from scimserver.access.login import SignInRefused
from scimserver.console.cookies import Cookie
from scimserver.console.entering import leave, let_in, our_path
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.directory import saml
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

    async def show(self, visit: Visit, form: Form, elsewhere: str | None = None) -> web.Response:
        """The form; whoever is signed in already is sent on. `elsewhere` is where others of a domain go."""
        asked = visit.request.query
        if visit.caller is not None and not form.errors:
            return visit.redirect(our_path(asked.get("next", "")))
        return visit.page(
            "sign_in.html",
            form,
            notice=NOTICES.get(asked.get("done", "")),
            next=our_path(asked.get("next", "")),
            organization=asked.get("organization", ""),
            elsewhere=elsewhere,
        )

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Sign somebody in, and take them where they wanted to go.

        Where all of a domain sign in by an identity provider, nobody looks whether there is such a user, and
        at no password.
        """
        elsewhere, enforced = await _elsewhere(visit, form)
        if elsewhere is not None and enforced:
            return visit.redirect(elsewhere)
        missing = {
            name: sentence
            for name, sentence in (
                ("address", "Enter your e-mail address."),
                ("password", "Enter your password."),
            )
            if not form[name].strip()
        }
        if missing:
            return await self.show(visit, form.refused(missing), elsewhere)
        asked = Attempt(
            address=form["address"],
            password=form["password"],
            organization=form["organization"],
            device=visit.cookie(Cookie.DEVICE),
        )
        try:
            admitted = await visit.services.login.sign_in(asked, visit.origin, may_change=True)
        except SignInRefused as refused:
            return await self.show(visit, form.refused({"": refused.detail}), elsewhere)
        await leave(visit)
        return let_in(visit, admitted.started, our_path(form["next"]), device=admitted.device)


async def _elsewhere(visit: Visit, form: Form) -> tuple[str | None, bool]:
    """Where people of an address's domain sign in, if not here, and whether all of them do."""
    services = visit.services
    organization = await services.candidates.organization_of(form["address"], form["organization"])
    found = await saml.elsewhere(services.room.database, organization, form["address"])
    if found is None:
        return None, False
    connection = saml.path_id(organization, found.connection)
    return f"/saml/{connection}/login?ask&next={our_path(form['next'])}", found.enforced
