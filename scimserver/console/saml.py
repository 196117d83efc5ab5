"""`/saml/{connection}/…`: where identity providers send people, and what they have to know of us.

By a connection in use people sign in. One that is not yet is tried out by whoever manages SAML: what its
identity provider asserts is shown, with each check and what came of it, and nobody is signed in by it.
Proven by tests/console/test_saml_sign_in.py, test_saml_hostile_sign_in.py and test_saml_trial.py.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid5

from aiohttp import web

from scimserver.access.refusals import Aim
from scimserver.access.saml.checks import REMEMBERED, Expected
from scimserver.access.saml.desk import SamlDesk
from scimserver.access.saml.guard import MAX_RESPONSE, Guarded, guard
from scimserver.access.saml.judgement import Judgement
from scimserver.access.saml.login import SamlLogin, Vouched
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.access.saml.trust import Trust, trust_of
from scimserver.access.throttle import Throttle
from scimserver.console import faults, forms, render
from scimserver.console.attempts import attempt, count, require_own_link
from scimserver.console.cookies import Cookie
from scimserver.console.entering import HOME, leave, let_in, our_path
from scimserver.console.forms import BadForm, Form
from scimserver.console.visit import Services, Visit
from scimserver.directory import saml
from scimserver.directory.saml import Asked, SamlConnection, State
from scimserver.http.caller import origin
from scimserver.http.requestid import ROUTE
from scimserver.kernel.actor import NOBODY, Actor, ActorKind
from scimserver.kernel.errors import NotFound, RateLimited, Refused
from scimserver.kernel.facts import SamlTried, SessionStarted
from scimserver.kernel.ids import OrganizationId, UserId
from scimserver.kernel.secrets import new_secret

BODY_LIMIT: Final = 2 * MAX_RESPONSE
"""The most bytes of a form with a response: in base64, with signs that a form writes in three characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A connection, and how it is reached."""

    organization: OrganizationId
    connection: SamlConnection
    trust: Trust


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
        place = await self._place(visit, {State.DRAFT, *_IN_USE})
        written = self._desk.metadata_of(place.trust, self._services.room.clock())
        response = web.Response(body=written, content_type="application/samlmetadata+xml")
        return render.protected(response)

    # -- going there -------------------------------------------------------------

    async def _begin(self, visit: Visit) -> web.Response:
        """Send somebody to the identity provider, to come back signed in. Anybody may ask for that."""
        place = await self._place(visit, {State.ACTIVE})
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
        browser, request, address = await self._request(visit, place)
        async with self._services.room.open(nobody, visit.origin) as work:
            await saml.begin_sign_in(work, place.connection, request, browser, wanted)
        return _sent_there(visit, address, browser)

    async def _request(self, visit: Visit, place: _Place) -> tuple[str, str, str]:
        """The browser's secret, a request's id, and where it goes; what is sent along tells nothing."""
        # One secret for all that wait in a browser: what ties an answer to one of them is the request's id.
        browser = visit.cookie(Cookie.SAML) or new_secret()
        return browser, *await self._desk.request_to(place.trust, new_secret())

    async def _try(self, visit: Visit) -> web.Response:
        """Send whoever manages SAML to the identity provider, to come back with what it asserts."""
        place = await self._place(visit, _IN_USE)
        await visit.recognise()
        if visit.caller is None:
            return visit.redirect(f"/signin?next={visit.request.path}")
        if place.organization != visit.actor.organization:
            raise NotFound(_NOWHERE)
        if "go" not in visit.request.query:
            # A browser that has just sent a form is let go to other sites by a link alone (form-action).
            return visit.page(
                "saml_try.html", connection=place.connection.wanted.name, sso=place.trust.sso_url
            )
        await require_own_link(visit, SamlTried)
        browser, request, address = await self._request(visit, place)
        async with attempt(visit, SamlTried, visit.actor, target=place.connection.id) as work:
            await saml.begin_trial(work, place.connection, request, browser)
        return _sent_there(visit, address, browser)

    # -- coming back -------------------------------------------------------------

    async def _consume(self, visit: Visit) -> web.Response:
        """Take a response, which another site sends: what ties it to this browser is a cookie of its own."""
        place = await self._place(visit, _IN_USE)
        try:
            response = guard(await _sent(visit))
            asked = await self._asked(visit, place, response)
            judgement = await self._judged(visit, place, asked, response)
            if asked is None or asked.tried_by is None:
                return await self._signed_in(visit, place, asked, judgement)
        except Refused as refused:
            return await self._refused(visit, place, refused)
        return await self._tried(visit, place, asked, judgement)

    async def _asked(self, visit: Visit, place: _Place, response: Guarded) -> Asked | None:
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

    async def _judged(self, visit: Visit, place: _Place, asked: Asked | None, response: Guarded) -> Judgement:
        """What came of a response; a request of this browser may get some refused ones."""
        room = self._services.room
        now = room.clock()
        expected, address = _expected(place, asked), visit.origin.client_address
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
        self, visit: Visit, place: _Place, asked: Asked | None, judgement: Judgement
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

    async def _tried(self, visit: Visit, place: _Place, asked: Asked, judgement: Judgement) -> web.Response:
        """Show whoever tries a connection out what came of it, and sign nobody in."""
        now = self._services.room.clock()
        who = Actor(
            kind=ActorKind.USER,
            organization=place.organization,
            permissions=asked.permissions,
            user=asked.tried_by,
        )
        said = ""
        try:
            async with attempt(visit, SamlTried, who, target=place.connection.id) as work:
                refusal = judgement.refusal
                if refusal is not None:
                    raise refusal
                assert judgement.asserted is not None
                used = judgement.asserted.id
                await saml.finish_trial(work, place.connection, asked, used, now + REMEMBERED)
        except Refused as refused:
            said = refused.detail
        return visit.page(
            "saml_trial.html",
            Form(status=422 if said else 200),
            connection=place.connection.wanted.name,
            steps=judgement.steps,
            asserted=judgement.asserted,
            said=said,
        )

    # -- shared ------------------------------------------------------------------

    async def _place(self, visit: Visit, states: Collection[State]) -> _Place:
        """The connection that the address names, if it is in one of the states. Raises `NotFound`."""
        named = saml.parse_path_id(visit.request.match_info["connection"])
        if named is None:
            raise NotFound(_NOWHERE)
        organization, identity = named
        found = await saml.get(self._services.room.database, organization, identity)
        if found is None or found.state not in states:
            raise NotFound(_NOWHERE)
        now = self._services.room.clock()
        trust = trust_of(self._services.place.url(""), organization, found, now)
        return _Place(organization=organization, connection=found, trust=trust)

    async def _refused(self, visit: Visit, place: _Place, refused: Refused) -> web.Response:
        """One page for every reason; the reason is in the log, under the number that the page shows."""
        services, connection = self._services, place.connection
        why = refused.why if isinstance(refused, ResponseRefused) else None
        status = 400 if why is Why.MALFORMED else 403
        fact = SessionStarted if connection.state is State.ACTIVE else SamlTried
        entry = services.refusals.seen(
            replace(NOBODY, organization=place.organization, name=connection.wanted.name),
            visit.origin,
            reason=refused.reason if why is None else why.value,
            now=services.room.clock(),
            status=status,
            event=fact.attempt,
            aim=_aim(connection, refused),
        )
        if entry is not None:
            await services.room.record(entry)
        return faults.told(visit, BadForm(status, _REFUSED.format(number=visit.origin.request_id)))


def _aim(connection: SamlConnection, refused: Refused) -> Aim | None:
    """Whom an identity provider named who was refused, once it was believed."""
    if not refused.display:
        return None
    account = refused.target or uuid5(connection.id, refused.display)
    user = UserId(refused.target) if refused.target else None
    return Aim(account=account, user=user, user_name=refused.display)


def _sent_there(visit: Visit, address: str, browser: str) -> web.Response:
    """Send the browser to the identity provider; a cookie of its own ties the answer to it."""
    response = web.Response(status=303, headers={"Location": address})
    visit.services.cookies.write(response, Cookie.SAML, browser)
    return render.protected(response)


_IN_USE: Final = frozenset({State.TESTING, State.ACTIVE})
_NOWHERE: Final = "There is no such page, or not any more."
_REFUSED: Final = (
    "What your identity provider sent lets nobody in. Begin again; if it happens again, tell your"
    " organisation's systems administrator the number {number}."
)


async def _sent(visit: Visit) -> str:
    """The one response in the form. Raises `ResponseRefused`, and what reading a form raises."""
    names = ("SAMLResponse", "RelayState")
    form = await forms.read_form(visit.request, visit.services.body_seconds, names, limit=BODY_LIMIT)
    if not form["SAMLResponse"]:
        raise ResponseRefused(Why.MALFORMED, "The form holds no SAMLResponse.")
    return form["SAMLResponse"]


def _expected(place: _Place, asked: Asked | None) -> Expected:
    return Expected(
        entity_id=place.trust.entity_id,
        acs_url=place.trust.acs_url,
        idp_entity_id=place.trust.idp_entity_id,
        request=asked.id if asked else None,
        authenticated_within=place.connection.wanted.authenticated_within,
    )
