"""Sending a browser to an identity provider."""

from dataclasses import dataclass

from aiohttp import web

from scimserver.access.saml.desk import SamlDesk
from scimserver.console import render
from scimserver.console.cookies import Cookie
from scimserver.console.saml.place import SamlPlace
from scimserver.console.visit import Visit
from scimserver.kernel.secrets import new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A way there, which is written down before the browser goes."""

    browser: str
    """The browser's secret, which ties the answer to it."""
    request: str
    """The request's id."""
    address: str

    def sent(self, visit: Visit) -> web.Response:
        """Send the browser off, with a cookie of its own."""
        response = web.Response(status=303, headers={"Location": self.address})
        visit.services.cookies.write(response, Cookie.SAML, self.browser)
        return render.protected(response)


async def journey(visit: Visit, desk: SamlDesk, place: SamlPlace) -> Journey:
    """A way to the identity provider; what is sent along tells nothing. Raises `Unavailable`."""
    request, address = await desk.request_to(place.trust, new_secret())
    # One secret for all that wait in a browser: what ties an answer to one of them is the request's id.
    return Journey(browser=visit.cookie(Cookie.SAML) or new_secret(), request=request, address=address)
