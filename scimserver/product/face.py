"""Sessions for the product's programs: begun, ended, asked about (RFC 7662).

Whoever has an address and a password gets a session's secret in the body; it goes into no cookie, and no
cookie is looked at. Whether it is alive, only a connection with a scope of its own may ask.
Proven by tests/api/test_session_api.py.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
import structlog
from aiohttp import hdrs, web

from scimserver.access import sessions
from scimserver.access.candidates import Attempt
from scimserver.access.credentials import Ended
from scimserver.access.gate import Gate
from scimserver.access.login import Login
from scimserver.access.refusals import Refusals
from scimserver.access.sessions import Caller
from scimserver.directory import sessions as directory
from scimserver.directory.sessions import Method
from scimserver.http.caller import Network, bearer_token, origin
from scimserver.http.rejections import go_on
from scimserver.http.requestid import ROUTE
from scimserver.kernel.actor import NOBODY, Actor, Origin
from scimserver.kernel.errors import NotFound, NotPermitted, TooManyFailures, Unauthenticated
from scimserver.kernel.facts import Json
from scimserver.kernel.permissions import Permission, Scope
from scimserver.product.bodies import read_object, read_token
from scimserver.product.problems import Problem, problem_of
from scimserver.work import WorkRoom

SESSION_PATH: Final = "/session"
INTROSPECTION_PATH: Final = "/session/introspect"

_ENDED: Final = "The session has ended, or never was one: sign in again."
_METHODS: Final = {Method.PASSWORD: ["pwd"], Method.SAML: ["saml"], Method.RECOVERY: ["pwd", "otp"]}
"""Of a session, as authentication method references (RFC 8176, which has none for identity providers)."""

_log = structlog.get_logger(__name__)

_Handler = Callable[[web.Request, Origin], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFace:
    """Serves the product's programs. `issuer` is the public URL."""

    room: WorkRoom
    login: Login
    gate: Gate
    refusals: Refusals
    issuer: str
    trusted_proxies: Sequence[Network]
    body_seconds: float

    def add_routes(self, application: web.Application) -> None:
        """Serve both paths."""
        table: dict[str, dict[str, _Handler]] = {
            SESSION_PATH: {"POST": self._sign_in, "DELETE": self._sign_out},
            INTROSPECTION_PATH: {"POST": self._introspect},
        }
        for path, handlers in table.items():
            application.router.add_route("*", path, self._served(path, handlers), expect_handler=go_on)

    def _served(
        self, path: str, handlers: dict[str, _Handler]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            request[ROUTE] = path
            came_from = origin(request, path, self.trusted_proxies)
            try:
                return await _chosen(handlers, request.method)(request, came_from)
            except Exception as failure:  # noqa: BLE001 - every failure is answered in this face's form
                return self._told(failure, came_from)

        return handle

    async def _sign_in(self, request: web.Request, came_from: Origin) -> web.Response:
        given = await read_object(
            request, self.body_seconds, required=("address", "password"), optional=("organization",)
        )
        admitted = await self.login.sign_in(Attempt(**given), came_from, may_change=False)
        started = admitted.started
        return _answer(
            {
                "token": started.secret,
                "expires": _stamp(started.expires),
                "user": {"id": str(admitted.actor.user), "userName": admitted.user_name},
                "organization": {"id": str(admitted.actor.organization)},
            },
            status=201,
        )

    async def _sign_out(self, request: web.Request, came_from: Origin) -> web.Response:
        caller = await sessions.caller(self.room.database, bearer_token(request), self.room.clock())
        if caller is None:
            await self._count_unauthenticated(NOBODY, came_from, Unauthenticated.reason)
            raise Unauthenticated(_ENDED)
        session = caller.signed_in.session
        try:
            async with self.room.open(caller.actor, came_from) as work:
                await directory.end(work, session.user, session.id)
        except NotFound as ended:
            # Somebody else was faster: what was wanted is so.
            raise Unauthenticated(_ENDED) from ended
        return web.Response(status=204)

    async def _introspect(self, request: web.Request, came_from: Origin) -> web.Response:
        asking = await self._connection(request, came_from)
        if Permission.SESSIONS_INTROSPECT not in asking.permissions:
            raise NotPermitted(
                f"This needs a token with the scope {Scope.SESSIONS_INTROSPECT}:"
                " `scimserver token create` issues one."
            )
        token = await read_token(request, self.body_seconds)
        caller = await sessions.caller(self.room.database, token, self.room.clock())
        ours = caller is not None and caller.actor.organization == asking.organization
        if caller is None or not ours or caller.must_change:
            return _answer({"active": False})
        return _answer(self._told_of(caller))

    async def _connection(self, request: web.Request, came_from: Origin) -> Actor:
        """The connection that asks, counted."""
        try:
            found = await self.gate.recognise(bearer_token(request), lambda: came_from.client_address)
        except (Unauthenticated, TooManyFailures) as refused:
            whose = refused.actor if isinstance(refused, Ended) else NOBODY
            status = 401 if isinstance(refused, Unauthenticated) else 429
            await self._count_unauthenticated(whose, came_from, refused.reason, status)
            raise
        self.gate.admit(found)
        return found.actor

    async def _count_unauthenticated(
        self, whose: Actor, came_from: Origin, reason: str, status: int = 401
    ) -> None:
        entry = self.refusals.seen(whose, came_from, reason=reason, now=self.room.clock(), status=status)
        if entry is not None:
            await self.room.record(entry)

    def _told_of(self, caller: Caller) -> dict[str, Json]:
        """What a session's owner may do, and who it is (RFC 7662, 2.2)."""
        signed_in, session = caller.signed_in, caller.signed_in.session
        return {
            "active": True,
            "iss": self.issuer,
            "sub": str(session.user),
            "username": signed_in.user_name,
            "iat": int(session.created.timestamp()),
            "exp": int(session.ends.timestamp()),
            "sid": str(session.id),
            "amr": _METHODS[session.method],
            "organization": {"id": str(signed_in.organization), "name": signed_in.organization_name},
            "role": {"id": str(signed_in.role), "name": signed_in.role_name},
            "permissions": sorted(caller.actor.permissions),
        }

    def _told(self, failure: Exception, came_from: Origin) -> web.Response:
        problem = problem_of(failure)
        if problem is None:
            _log.error("session.failed", request_id=came_from.request_id, exc_info=failure)
            problem = Problem(status=500, reason="internal_error", detail="The server made a mistake.")
        return problem.response()


def _chosen(handlers: Mapping[str, _Handler], method: str) -> _Handler:
    """What answers such a request. Raises `Problem` where nothing does."""
    if method in handlers:
        return handlers[method]
    methods = ", ".join(sorted(handlers))
    raise Problem(
        status=405,
        reason="malformed",
        detail=f"This path answers {methods}.",
        headers={hdrs.ALLOW: methods},
    )


def _answer(body: dict[str, Json], *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
