"""The SCIM face: from an aiohttp request to the protocol core, and back.

Authenticate, read, serve, answer. A request that tried to change something and was refused is
logged here, because most refusals happen before any unit of work begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
import structlog
from aiohttp import web
from scim2_models import InvalidSyntaxException, PayloadTooLargeException, SCIMException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from scimserver.access import tokens
from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.audit.entry import Entry
from scimserver.directory.passwords import PasswordHasher
from scimserver.http.caller import Network, bearer_token, origin
from scimserver.http.hardening import BodyTooLarge, read_body
from scimserver.http.requestid import ROUTE
from scimserver.kernel.actor import NOBODY, Actor, Origin
from scimserver.kernel.errors import Conflicted, Unauthenticated, Unavailable
from scimserver.scim.adapters import Adapter, GroupAdapter, Treatment, UserAdapter
from scimserver.scim.attempts import attempt_of, refusal, route_of
from scimserver.scim.errors import ServiceUnavailable, scim_error
from scimserver.scim.handler import ProvisioningHandler, RawResponse
from scimserver.scim.reads import Reads
from scimserver.scim.render import Renderer
from scimserver.scim.service import ProvisioningService
from scimserver.scim.storage import DirectoryStorage
from scimserver.work import Trace, WorkRoom

BASE_PATH: Final = "/scim/v2"
BODY_LIMIT: Final = 1024 * 1024
"""The most bytes of a body; group writes may have more, because a group may be large."""

GROUP_BODY_LIMIT: Final = 16 * 1024 * 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimFace:
    """Everything that serving SCIM takes. `base_url` is what clients see, without a slash at its end."""

    room: WorkRoom
    reads: Reads
    hasher: PasswordHasher
    refusals: Refusals
    usage: Usage
    base_url: str
    trusted_proxies: Sequence[Network]
    tolerant: ProvisioningService
    strict: ProvisioningService

    def add_routes(self, application: web.Application) -> None:
        """Serve everything below the base path: unknown paths get SCIM errors too."""
        application.router.add_route("*", BASE_PATH + "{tail:(?:/.*)?}", self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        path = request.match_info["tail"]
        route = route_of(path)
        request[ROUTE] = BASE_PATH + route
        exchange = _Exchange(request, path, origin(request, route, self.trusted_proxies))
        try:
            return _response(await self._serve(exchange, await self._authenticated(exchange)))
        except Exception as failure:  # noqa: BLE001 - every failure is answered in SCIM's form
            return _response(self._error_response(await self._recorded(exchange, failure)))

    async def _authenticated(self, exchange: "_Exchange") -> tokens.Caller:
        with exchange.trace.step("authenticate"):
            now = self.room.clock()
            secret = bearer_token(exchange.request)
            caller = await tokens.authenticate(self.room.database, secret, now)
        exchange.actor = caller.actor
        self.usage.saw(caller.actor, now)
        return caller

    async def _serve(self, exchange: "_Exchange", caller: tokens.Caller) -> ScimResponse:
        request = exchange.request
        with exchange.trace.step("receive"):
            body = await read_body(request, _body_limit(exchange.path)) if request.can_read_body else b""
        return await self._handler(exchange, caller).handle(
            ScimRequest(
                method=request.method,
                base_url=self.base_url,
                path=exchange.path,
                query=dict(request.query),
                headers=list(request.headers.items()),
                body=body,
                subject=caller,
            )
        )

    def _handler(self, exchange: "_Exchange", caller: tokens.Caller) -> ProvisioningHandler:
        connection = caller.connection
        treatment = Treatment(passwords=connection.passwords, revive=connection.revive)
        renderer = Renderer(self.base_url)
        adapters: dict[str, Adapter] = {
            "User": UserAdapter(renderer, self.hasher, treatment),
            "Group": GroupAdapter(renderer),
        }
        trace = exchange.trace
        storage = DirectoryStorage(self.room, self.reads, adapters, caller.actor, exchange.origin, trace)
        service = self.strict if connection.strict else self.tolerant
        return ProvisioningHandler(service, storage, self.reads, adapters, trace)

    async def _recorded(self, exchange: "_Exchange", failure: Exception) -> SCIMException | None:
        """Put a failure on record; the SCIM error to answer, None for a broken promise of our own."""
        error = _known(failure)
        if error is None:
            _log.error("request.failed", request_id=exchange.origin.request_id, exc_info=failure)
        entry = self._entry(exchange, failure, error)
        try:
            if entry is not None:
                await self.room.record(entry)
        except (Conflicted, Unavailable):
            # The answer must not promise a record: without the log, nothing was decided.
            return ServiceUnavailable()
        return error

    def _entry(self, exchange: "_Exchange", failure: Exception, error: SCIMException | None) -> Entry | None:
        """The entry that a failure leaves: none for a read, or for one credential's repeated refusals."""
        now = self.room.clock()
        if isinstance(failure, Unauthenticated):
            whose = failure.actor if isinstance(failure, tokens.Ended) else exchange.actor
            return self.refusals.seen(whose, exchange.origin, reason=failure.reason, now=now)
        attempt = attempt_of(exchange.request.method, exchange.path)
        if attempt is None:
            return None
        return refusal(
            attempt,
            failure,
            error,
            actor=exchange.actor,
            origin=exchange.origin,
            now=now,
            trace=exchange.trace,
        )

    def _error_response(self, error: SCIMException | None) -> ScimResponse:
        response = self.tolerant.error_response(error or Exception())
        if isinstance(error, ServiceUnavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        return response


@dataclass(slots=True)
class _Exchange:
    """One request on its way: who it turned out to come from, and what it went through."""

    request: web.Request
    path: str
    origin: Origin
    actor: Actor = NOBODY
    trace: Trace = field(default_factory=Trace)


def _known(failure: Exception) -> SCIMException | None:
    if isinstance(failure, BodyTooLarge):
        return PayloadTooLargeException(
            detail=f"The body is larger than {failure.limit} bytes: send it in smaller parts."
        )
    if isinstance(failure, web.RequestPayloadError):
        return InvalidSyntaxException(detail="The body is cut off, or not in the encoding that was said.")
    return scim_error(failure)


def _body_limit(path: str) -> int:
    return GROUP_BODY_LIMIT if path.lower().startswith("/groups") else BODY_LIMIT


def _response(response: ScimResponse) -> web.Response:
    body = response.raw if isinstance(response, RawResponse) else None
    if body is None and response.body is not None:
        body = orjson.dumps(response.body)
    headers = dict(response.headers)
    if body is None:
        headers.pop("Content-Type", None)
    return web.Response(status=int(response.status), body=body, headers=headers)
