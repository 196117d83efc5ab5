"""`/password/managed`: to whom people turn whose password an identity provider manages (rule P8).

Nobody is sent there without a word: the address of the provider's page is an administrator's to set, so it
is shown, and followed by whoever wants to.
Proven by tests/console/test_managed_page.py.
"""

from aiohttp import web

from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.directory import users


class ManagedPage:
    """Names the identity provider that manages somebody's password."""

    path = "/password/managed"
    needs_session = True
    referrer = "no-referrer"
    while_must_change = False

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """Who manages the password; whoever has one here is sent to where it is changed."""
        assert visit.caller is not None
        work = visit.services.room.open(visit.actor, visit.origin)
        user = await users.get(work, visit.caller.signed_in.session.user)
        if user.provider is None:
            return visit.redirect("/password")
        return visit.page("managed.html", form, provider=user.provider)
