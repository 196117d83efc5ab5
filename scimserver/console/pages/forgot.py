"""`/forgot`: for those who cannot sign in. It answers everybody alike.

Proven by tests/console/test_forgot_page.py.
"""

from aiohttp import web

from scimserver.console.attempts import count
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.kernel.errors import InvalidValue, RateLimited
from scimserver.kernel.facts import PasswordResetRequested
from scimserver.kernel.ids import INSTALLATION


class ForgotPage:
    """Has a link mailed to whoever has an address."""

    path = "/forgot"
    fields = ("address", "organization")
    fact = PasswordResetRequested
    needs_session = False
    referrer = "same-origin"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The form, or that the request was taken."""
        return visit.page("forgot.html", form, sent="sent" in visit.request.query)

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Take the request; what becomes of it is told to nobody but the owner of the address."""
        services, address, name = visit.services, form["address"].strip(), form["organization"]
        # Without a name, whoever has the address is meant, in whichever organisation.
        organization = await services.candidates.organization_of("", name) if name.strip() else INSTALLATION
        try:
            await services.requests.ask(visit.origin, address, organization)
        except InvalidValue as refused:
            await count(visit, PasswordResetRequested, refused.reason, 422)
            return await self.show(visit, form.refused({"address": refused.detail}))
        except RateLimited as refused:
            await count(visit, PasswordResetRequested, refused.reason, 429)
            raise
        return visit.redirect("/forgot?sent")
