"""`/recovery`: with an address, a password and a code, when the identity provider lets nobody in (rule P8).

Proven by tests/console/test_recovery_page.py.
"""

from typing import Final

from aiohttp import web

from scimserver.access.candidates import Attempt
from scimserver.access.login import SignInRefused
from scimserver.console.cookies import Cookie
from scimserver.console.entering import HOME, leave, let_in
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.kernel.facts import SessionStarted

REFUSED: Final = (
    "These do not go together, or there were too many tries. Check all three, and wait for the next code:"
    " each counts once. After several tries wait up to half an hour."
)
"""What everybody is told who is refused, whatever was wrong."""

_MISSING: Final = {
    "address": "Enter your e-mail address.",
    "password": "Enter your password.",
    "code": "Enter the code that your app shows.",
}


class RecoveryPage:
    """Lets owners in by their recovery accounts."""

    path = "/recovery"
    fields = ("address", "password", "code", "organization")
    fact = SessionStarted
    needs_session = False
    referrer = "same-origin"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The form, also for whoever is signed in already: perhaps by something that may do less."""
        organization = visit.request.query.get("organization", "")
        return visit.page("recovery.html", form, organization=organization)

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Sign somebody in, for sign-in settings."""
        missing = {name: sentence for name, sentence in _MISSING.items() if not form[name].strip()}
        if missing:
            return await self.show(visit, form.refused(missing))
        asked = Attempt(
            address=form["address"],
            password=form["password"],
            organization=form["organization"],
            device=visit.cookie(Cookie.DEVICE),
        )
        try:
            admitted = await visit.services.login.recover(asked, form["code"], visit.origin)
        except SignInRefused:
            return await self.show(visit, form.refused({"": REFUSED}))
        await leave(visit)
        return let_in(visit, admitted.started, HOME, device=admitted.device)
