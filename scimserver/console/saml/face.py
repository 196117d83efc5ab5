"""`/saml/{connection}/…`: by a connection in use people sign in; one that is not yet is tried out (`trial`).

Proven by tests/console/test_saml_sign_in.py and test_saml_hostile_sign_in.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from aiohttp import web

from scimserver.access.saml.desk import SamlDesk
from scimserver.access.saml.guard import MAX_RESPONSE, Guarded, guard
from scimserver.access.saml.judgement import Judgement
from scimserver.access.saml.login import SamlLogin, Vouched
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.access.throttle import Throttle
from scimserver.console import faults, forms, render
from scimserver.console.attempts import count
from scimserver.console.cookies import Cookie
from scimserver.console.entering import HOME, leave, let_in, our_path
from scimserver.console.saml import refusing, trial
from scimserver.console.saml.going import journey
from scimserver.console.saml.place import IN_USE, SamlPlace, place_of
from scimserver.console.visit import Services, Visit
from scimserver.directory import saml
from scimserver.directory.saml import Asked, State
from scimserver.http.caller import origin
from scimserver.http.requestid import ROUTE
from scimserver.kernel.actor import NOBODY
from scimserver.kernel.errors import RateLimited, Refused
from scimserver.kernel.facts import SessionStarted

BODY_LIMIT: Final = 2 * MAX_RESPONSE
"""The most bytes of a form with a response: in base64, with signs that a form writes in three characters."""


class SamlFace:
    """Serves the addresses of SAML connections."""

    def __init__(self, services: Services, desk: SamlDesk, throttle: Throttle) -> None:
        self._services = services
        self._desk = desk
        self._throttle = throttle
        self._login = SamlLogin(services.room)

    def add_routes(self, application: web.Application) -> None:
        """Serve metadata, sign-in, trials and what comes back from identity providers."""
        for path, handle in (
            ("/saml/{connection}/metadata", self._metadata),
            ("/saml/{connection}/login", self._begin),
            ("/saml/{connection}/try", self._try),
        ):
            application.router.add_get(path, self._handler(path, handle))
        path = "/saml/{connection}/acs"
        application.router.add_post(path, self._handler(path, self._consume))

    def _handler(
        self, path: str, handle: Callable[[Visit], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            request[ROUTE] = path
            services = self._services
            came_from = origin(request, path, services.trusted_proxies)
            visit = Visit(services=services, request=request, origin=came_from, ties_forms=False)
            try:
                forms.require_host(request, services.place)
                response = await handle(visit)
            except Exception as failure:  # noqa: BLE001 - every failure is answered with a page
                response = faults.told(visit, failure)
            response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return answer

    # -- what an identity provider has to know -----------------------------------

    async def _metadata(self, visit: Visit) -> web.Response:
        place = await place_of(visit, {State.DRAFT, *IN_USE})
        written = self._desk.metadata_of(place.trust, self._services.room.clock())
        response = web.Response(body=written, content_type="application/samlmetadata+xml")
        return render.protected(response)

    # -- going there -------------------------------------------------------------

    async def _begin(self, visit: Visit) -> web.Response:
        """Send somebody to the identity provider, to come back signed in. Anybody may ask for that."""
        place = await place_of(visit, {State.ACTIVE})
        wanted = our_path(visit.request.query.get("next", ""))
        if wanted.endswith("/login"):
            # It would lead there again, and again.
            wanted = HOME
        if "ask" in visit.request.query:
            # A browser that has just sent a form is let go to other sites by a page alone (form-action).
            return visit.page("saml_login.html", connection=place.connection.wanted.name, next=wanted)
        nobody = replace(NOBODY, organization=place.organization)
        try:
            self._throttle.begin(visit.origin.client_address)
        except RateLimited as limited:
            await count(visit, SessionStarted, limited.reason, 429, actor=nobody)
            raise
        there = await journey(visit, self._desk, place)
        async with self._services.room.open(nobody, visit.origin) as work:
            await saml.begin_sign_in(work, place.connection, there.request, there.browser, wanted)
        return there.sent(visit)

    async def _try(self, visit: Visit) -> web.Response:
        """Let whoever manages SAML try the connection out."""
        return await trial.begin(visit, await place_of(visit, IN_USE), self._desk)

    # -- coming back -------------------------------------------------------------

    async def _consume(self, visit: Visit) -> web.Response:
        """Take a response, which another site sends: what ties it to this browser is a cookie of its own."""
        place = await place_of(visit, IN_USE)
        try:
            response = guard(await _sent(visit))
            asked = await self._asked(visit, place, response)
            judgement = await self._judged(visit, place, asked, response)
            if asked is None or asked.tried_by is None:
                return await self._signed_in(visit, place, asked, judgement)
        except Refused as refused:
            return await refusing.told(visit, place, refused)
        return await trial.shown(visit, place, asked, judgement)

    async def _asked(self, visit: Visit, place: SamlPlace, response: Guarded) -> Asked | None:
        """The request that a response answers; None where it need answer none. Raises `ResponseRefused`."""
        room, is_active = self._services.room, place.connection.state is State.ACTIVE
        if response.in_response_to is None and is_active and place.connection.wanted.allow_unsolicited:
            return None
        asked = await saml.asked(
            room.database,
            place.organization,
            place.connection.id,
            response.in_response_to,
            visit.cookie(Cookie.SAML),
            room.clock(),
        )
        if asked is None or (asked.tried_by is None and not is_active):
            raise ResponseRefused(Why.REQUEST, "Nobody asked for it in this browser.")
        return asked

    async def _judged(
        self, visit: Visit, place: SamlPlace, asked: Asked | None, response: Guarded
    ) -> Judgement:
        """What came of a response; a request of this browser may get some refused ones."""
        room = self._services.room
        now = room.clock()
        expected, address = place.expected(asked), visit.origin.client_address
        judgement = await self._desk.judge(response, place.trust, expected, now, address)
        refusal = judgement.refusal
        if refusal is None:
            return judgement
        if asked is not None:
            nobody = replace(NOBODY, organization=place.organization)
            async with room.open(nobody, visit.origin) as work:
                await saml.count_refused(work, place.connection, asked)
        if refusal.why is Why.SIGNATURE:
            # It may be a new key, which the metadata tells of: somebody else looks, and not now.
            await saml.want_look(room.database, place.organization, place.connection.id, now)
        return judgement

    async def _signed_in(
        self, visit: Visit, place: SamlPlace, asked: Asked | None, judgement: Judgement
    ) -> web.Response:
        """Let whoever is asserted in, and take them where they wanted to go. Raises what refuses them."""
        if judgement.refusal is not None:
            raise judgement.refusal
        assert judgement.asserted is not None
        await visit.recognise()
        vouched = Vouched(
            organization=place.organization,
            connection=place.connection,
            asserted=judgement.asserted,
            asked=asked,
        )
        started = await self._login.sign_in(vouched, visit.origin)
        await leave(visit)
        return let_in(visit, started, our_path(asked.return_to) if asked else HOME)


async def _sent(visit: Visit) -> str:
    """The one response in the form. Raises `ResponseRefused`, and what reading a form raises."""
    names = ("SAMLResponse", "RelayState")
    form = await forms.read_form(visit.request, visit.services.body_seconds, names, limit=BODY_LIMIT)
    if not form["SAMLResponse"]:
        raise ResponseRefused(Why.MALFORMED, "The form holds no SAMLResponse.")
    return form["SAMLResponse"]
