"""`/forgot`: for those who cannot sign in. It answers everybody alike.

Proven by tests/console/test_forgot_page.py.
"""

from aiohttp import web

from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.mail_facts import PasswordResetRequested


class ForgotPage:
    """Has a link mailed to whoever has an address."""

    path = "/forgot"
    fields = ("address", "organization")
    attempt = PasswordResetRequested
    needs_session = False
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The form, or that the request was taken."""
        return visit.page("forgot.html", form, sent="sent" in visit.request.query)

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """Take the request; what becomes of it is told to nobody but the owner of the address."""
        login = visit.services.login
        try:
            organization = await login.organization_named(form["organization"])
            await visit.services.requests.ask(visit.origin, form["address"].strip(), organization)
        except InvalidValue as refused:
            return await self.show(visit, form.refused(address=refused.detail))
        return visit.redirect("/forgot?sent")
