"""The SCIM face: from an aiohttp request to the protocol core, and back.

Authenticate, read, serve, answer. A request that tried to change something and was refused is
logged here, because most refusals happen before any unit of work begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import orjson
import structlog
from aiohttp import web
from scim2_models import InvalidSyntaxException, PayloadTooLargeException, SCIMException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from scimserver.access.credentials import Caller, Ended
from scimserver.access.gate import Gate
from scimserver.access.refusals import Refusals
from scimserver.audit.entry import Entry
from scimserver.directory.passwords import PasswordDesk
from scimserver.http.caller import Network, bearer_token, origin
from scimserver.http.hardening import BodyEncoded, BodyTooLarge, BodyTooSlow, read_body
from scimserver.http.rejections import go_on
from scimserver.http.requestid import ROUTE
from scimserver.kernel.actor import NOBODY, Actor, Origin
from scimserver.kernel.errors import Conflicted, RateLimited, TooManyFailures, Unauthenticated, Unavailable
from scimserver.scim.adapters import Adapter, GroupAdapter
from scimserver.scim.answers import RawResponse
from scimserver.scim.attempts import attempt_of, refusal, route_of
from scimserver.scim.cases import CaseAdapter
from scimserver.scim.direct import DirectReads
from scimserver.scim.errors import (
    ComeBackLater,
    ManagedElsewhere,
    ServiceUnavailable,
    TooSlow,
    UnsupportedEncoding,
    scim_error,
)
from scimserver.scim.handler import ProvisioningHandler
from scimserver.scim.models import MANAGED_ELSEWHERE_SCHEMA
from scimserver.scim.reads import Reads
from scimserver.scim.render import BASE_PATH, Renderer
from scimserver.scim.roles import RoleAdapter
from scimserver.scim.service import ProvisioningService
from scimserver.scim.storage import DirectoryStorage
from scimserver.scim.trying import Tries, put_on_record
from scimserver.scim.users import Treatment, UserAdapter
from scimserver.work import Operation, OutcomeUnknown, Trace, WorkRoom

BODY_LIMIT: Final = 1024 * 1024
"""The most bytes of a body; group writes may have more, because a group may be large."""

GROUP_BODY_LIMIT: Final = 16 * 1024 * 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimFace:
    """Everything that serving SCIM takes. `base_url` is what clients see, without a slash at its end."""

    room: WorkRoom
    gate: Gate
    body_seconds: float
    """How long a body may take to arrive."""
    reads: Reads
    desk: PasswordDesk
    refusals: Refusals
    base_url: str
    trusted_proxies: Sequence[Network]
    tolerant: ProvisioningService
    strict: ProvisioningService
    renderer: Renderer = field(init=False)
    direct: Mapping[bool, DirectReads] = field(init=False)
    """The short way of reads, by whether the connection is strict."""

    def __post_init__(self) -> None:
        renderer = Renderer(self.base_url)
        object.__setattr__(self, "renderer", renderer)
        services = (self.tolerant, self.strict)
        direct = {each.strict: DirectReads(each, self.reads, renderer) for each in services}
        object.__setattr__(self, "direct", direct)

    def add_routes(self, application: web.Application) -> None:
        """Serve everything below the base path: unknown paths get SCIM errors too."""
        below = BASE_PATH + r"{tail:(?:/[\s\S]*)?}"
        application.router.add_route("*", below, self.handle, expect_handler=go_on)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        path = request.match_info["tail"]
        route = route_of(path)
        request[ROUTE] = BASE_PATH + route
        exchange = _Exchange(request, path, route, self.trusted_proxies)
        try:
            caller = await self._authenticated(exchange)
            return _response(await self._answer(exchange, caller))
        except Exception as failure:  # noqa: BLE001 - every failure is answered in SCIM's form
            return _response(self._error_response(await self._recorded(exchange, failure)))

    async def _authenticated(self, exchange: "_Exchange") -> Caller:
        with exchange.trace.step("authenticate"):
            secret = bearer_token(exchange.request)
            caller = await self.gate.recognise(secret, lambda: exchange.origin.client_address)
        exchange.actor = caller.actor
        self.gate.admit(caller)
        return caller

    async def _answer(self, exchange: "_Exchange", caller: Caller) -> ScimResponse:
        direct = self.direct[caller.connection.strict]
        answer = await direct.answer(exchange.request, exchange.path, caller)
        return await self._serve(exchange, caller) if answer is None else answer

    async def _serve(self, exchange: "_Exchange", caller: Caller) -> ScimResponse:
        request = exchange.request
        with exchange.trace.step("receive"):
            limit = _body_limit(exchange.path)
            body = await read_body(request, limit, self.body_seconds) if request.can_read_body else b""
        return await self._handler(exchange, caller).handle(
            ScimRequest(
                # RFC 9110, section 9.3.2: HEAD is GET whose body stays here; aiohttp keeps it.
                method="GET" if request.method == "HEAD" else request.method,
                base_url=self.base_url,
                path=exchange.path,
                query=dict(request.query),
                headers=list(request.headers.items()),
                body=body,
                subject=caller,
            )
        )

    def _handler(self, exchange: "_Exchange", caller: Caller) -> ProvisioningHandler:
        connection = caller.connection
        treatment = Treatment(passwords=connection.passwords, revive=connection.revive)
        adapters: dict[str, Adapter] = {
            "User": UserAdapter(self.renderer, self.desk, treatment),
            "Group": GroupAdapter(self.renderer),
            "Role": RoleAdapter(self.renderer),
            "Case": CaseAdapter(self.renderer),
        }
        trace = exchange.trace
        operation = exchange.operation
        storage = DirectoryStorage(
            self.room, self.reads, adapters, caller.actor, exchange.origin, trace, operation
        )
        tries = Tries(
            storage.operation, self.room, caller.actor.organization, operation, partial(self._entry, exchange)
        )
        service = self.strict if connection.strict else self.tolerant
        return ProvisioningHandler(service, storage, self.reads, adapters, trace, tries)

    async def _recorded(self, exchange: "_Exchange", failure: Exception) -> SCIMException | None:
        """Put a failure on record; the SCIM error to answer, None for a broken promise of our own."""
        error = _known(failure)
        if error is None:
            _log.error("request.failed", request_id=exchange.origin.request_id, exc_info=failure)
        if exchange.operation.decided:
            return self._decided(exchange, failure, error)
        entry = self._entry(exchange, failure)
        try:
            if entry is not None:
                await put_on_record(self.room, entry, failure)
        except (Conflicted, Unavailable):
            # The answer must not promise a record: without the log, nothing was decided.
            return ServiceUnavailable()
        return error

    def _decided(
        self, exchange: "_Exchange", failure: Exception, error: SCIMException | None
    ) -> SCIMException | None:
        """The answer to a failure that is on record already, or that the log could not be told of."""
        if isinstance(failure, OutcomeUnknown):
            _log.error("request.outcome_unknown", request_id=exchange.origin.request_id)
        return error

    def _entry(self, exchange: "_Exchange", failure: Exception) -> Entry | None:
        """The entry that a failure leaves: none for a read, or for one credential's repeated refusals."""
        now = self.room.clock()
        if isinstance(failure, Unauthenticated):
            whose = failure.actor if isinstance(failure, Ended) else exchange.actor
            return self.refusals.seen(whose, exchange.origin, reason=failure.reason, now=now)
        if isinstance(failure, TooManyFailures):
            return self.refusals.seen(
                exchange.actor, exchange.origin, reason=failure.reason, now=now, status=429
            )
        attempt = attempt_of(exchange.request.method, exchange.path, exchange.operation.event)
        if attempt is None:
            return None
        if isinstance(failure, RateLimited):
            return self.refusals.seen(
                exchange.actor,
                exchange.origin,
                reason=failure.reason,
                now=now,
                status=429,
                event=attempt.event,
            )
        return refusal(
            attempt,
            failure,
            _known(failure),
            entry_id=exchange.operation.id,
            actor=exchange.actor,
            origin=exchange.origin,
            now=now,
            trace=exchange.trace,
        )

    def _error_response(self, error: SCIMException | None) -> ScimResponse:
        response = self.tolerant.error_response(error or Exception())
        if isinstance(error, ManagedElsewhere):
            body = cast("dict[str, Any]", response.body)
            body["schemas"] = [*body["schemas"], MANAGED_ELSEWHERE_SCHEMA]
            body[MANAGED_ELSEWHERE_SCHEMA] = error.members
        if isinstance(error, ComeBackLater):
            response.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, UnsupportedEncoding):
            response.headers["Accept-Encoding"] = "identity"
        return response


@dataclass(slots=True)
class _Exchange:
    """One request on its way: who it turned out to come from, and what it went through."""

    request: web.Request
    path: str
    route: str
    trusted_proxies: Sequence[Network]
    actor: Actor = NOBODY
    trace: Trace = field(default_factory=Trace)
    operation: Operation = field(default_factory=Operation)
    _origin: Origin | None = None

    @property
    def origin(self) -> Origin:
        """Where the request came from, looked at once; a read that is answered needs none."""
        if self._origin is None:
            self._origin = origin(self.request, self.route, self.trusted_proxies)
        return self._origin


def _known(failure: Exception) -> SCIMException | None:
    if isinstance(failure, BodyTooLarge):
        return PayloadTooLargeException(
            detail=f"The body is larger than {failure.limit} bytes: send it in smaller parts."
        )
    if isinstance(failure, BodyEncoded):
        return UnsupportedEncoding()
    if isinstance(failure, BodyTooSlow):
        seconds = f"{failure.seconds:g} seconds"
        return TooSlow(detail=f"The body did not arrive within {seconds}; nothing was changed.")
    if isinstance(failure, web.RequestPayloadError | ConnectionResetError):
        return InvalidSyntaxException(detail="The body is cut off.")
    return scim_error(failure)


def _body_limit(path: str) -> int:
    path = path.lower()
    is_write = path.startswith("/groups") and not path.endswith("/.search")
    return GROUP_BODY_LIMIT if is_write else BODY_LIMIT


def _response(response: ScimResponse) -> web.Response:
    body = response.raw if isinstance(response, RawResponse) else None
    if body is None and response.body is not None:
        body = orjson.dumps(response.body)
    headers = dict(response.headers)
    if body is None:
        headers.pop("Content-Type", None)
    return web.Response(status=int(response.status), body=body, headers=headers)
