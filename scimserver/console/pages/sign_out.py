"""`/signout`: ends the session in which one is.

Proven by tests/console/test_sign_out_page.py.
"""

from aiohttp import web

from scimserver.console.attempts import attempt
from scimserver.console.cookies import Cookie
from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.directory import sessions
from scimserver.kernel.facts import SessionEnded


class SignOutPage:
    """Lets people leave."""

    path = "/signout"
    fields = ()
    fact = SessionEnded
    needs_session = True
    referrer = "same-origin"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """A button: whoever follows a link is not signed out by it."""
        return visit.page("sign_out.html", form)

    async def submit(self, visit: Visit, form: Form) -> web.Response:
        """End the session."""
        assert visit.caller is not None
        session = visit.caller.signed_in.session
        async with attempt(visit, SessionEnded, visit.actor) as work:
            await sessions.end(work, session.user, session.id)
        response = visit.redirect("/signin?done=signed-out")
        visit.services.cookies.remove(response, Cookie.SESSION)
        return response
