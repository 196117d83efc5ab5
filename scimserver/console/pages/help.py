"""`/help/passwords`: what becomes of passwords over SCIM, for who sets up an identity provider.

`/ServiceProviderConfig` names it: `changePassword` says whether somebody may have one, and not who (RFC 7643,
section 5). Proven by tests/console/test_help_page.py.
"""

from aiohttp import web

from scimserver.console.forms import Form
from scimserver.console.visit import Visit
from scimserver.http.place import HELP_PATH


class HelpPage:
    """Tells everybody the same, and knows nothing of any organisation."""

    path = HELP_PATH
    needs_session = False
    referrer = "same-origin"
    while_must_change = True

    async def show(self, visit: Visit, form: Form) -> web.Response:
        """The page."""
        return visit.page("help_passwords.html", form)
