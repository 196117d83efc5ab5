"""The SCIM face: from an aiohttp request to the protocol core, and back.

Authenticate, read, serve, answer. A request that tried to change something and was refused is
logged here, because most refusals happen before any unit of work begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
import structlog
from aiohttp import web
from scim2_models import PayloadTooLargeException, SCIMException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from scimserver.access import tokens
from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.directory.passwords import PasswordHasher
from scimserver.http.caller import Network, bearer_token, origin
from scimserver.http.hardening import BodyTooLarge, read_body
from scimserver.http.requestid import ROUTE
from scimserver.kernel.actor import NOBODY, Actor, Origin
from scimserver.kernel.clock import monotonic_ns
from scimserver.kernel.errors import Unauthenticated, Unavailable
from scimserver.scim.adapters import Adapter, GroupAdapter, Treatment, UserAdapter
from scimserver.scim.attempts import attempt_of, refusal, route_of
from scimserver.scim.errors import ServiceUnavailable, scim_error
from scimserver.scim.handler import ProvisioningHandler, RawResponse
from scimserver.scim.reads import Reads
from scimserver.scim.render import Renderer
from scimserver.scim.service import ProvisioningService
from scimserver.scim.storage import DirectoryStorage
from scimserver.work import WorkRoom

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
        came_from = origin(request, route, self.trusted_proxies)
        begun = monotonic_ns()
        actor = NOBODY
        try:
            caller = await tokens.authenticate(self.room.database, bearer_token(request), self.room.clock())
            actor = caller.actor
            self.usage.saw(actor, self.room.clock())
            return _response(await self._serve(request, path, caller, came_from))
        except Exception as failure:  # noqa: BLE001 - every failure is answered in SCIM's form
            microseconds = (monotonic_ns() - begun) // 1000
            error = await self._recorded(request.method, path, failure, actor, came_from, microseconds)
            return _response(self._error_response(error))

    async def _serve(
        self, request: web.Request, path: str, caller: tokens.Caller, came_from: Origin
    ) -> ScimResponse:
        body = await read_body(request, _body_limit(path)) if request.can_read_body else b""
        connection = caller.connection
        treatment = Treatment(passwords=connection.passwords, revive=connection.revive)
        adapters = self._adapters(treatment)
        storage = DirectoryStorage(self.room, self.reads, adapters, caller.actor, came_from)
        service = self.strict if connection.strict else self.tolerant
        handler = ProvisioningHandler(service, storage, self.reads, adapters)
        return await handler.handle(
            ScimRequest(
                method=request.method,
                base_url=self.base_url,
                path=path,
                query=dict(request.query),
                headers=list(request.headers.items()),
                body=body,
                subject=caller,
            )
        )

    def _adapters(self, treatment: Treatment) -> Mapping[str, Adapter]:
        renderer = Renderer(self.base_url)
        return {
            "User": UserAdapter(renderer, self.hasher, treatment),
            "Group": GroupAdapter(renderer),
        }

    async def _recorded(
        self,
        method: str,
        path: str,
        failure: Exception,
        actor: Actor,
        came_from: Origin,
        microseconds: int,
    ) -> SCIMException | None:
        """Put a failure on record; the SCIM error to answer, None for a broken promise of our own."""
        error = _known(failure)
        if error is None:
            _log.error("request.failed", request_id=came_from.request_id, exc_info=failure)
        try:
            await self._record(method, path, failure, error, actor, came_from, microseconds)
        except Unavailable:
            # The answer must not promise a record: without the log, nothing was decided.
            return ServiceUnavailable()
        return error

    async def _record(
        self,
        method: str,
        path: str,
        failure: Exception,
        error: SCIMException | None,
        actor: Actor,
        came_from: Origin,
        microseconds: int,
    ) -> None:
        now = self.room.clock()
        if isinstance(failure, Unauthenticated):
            whose = failure.actor if isinstance(failure, tokens.Ended) else actor
            entry = self.refusals.seen(whose, came_from, reason=failure.reason, now=now)
        else:
            attempt = attempt_of(method, path)
            entry = attempt and refusal(
                attempt, failure, error, actor=actor, origin=came_from, now=now, microseconds=microseconds
            )
        if entry is not None:
            await self.room.record(entry)

    def _error_response(self, error: SCIMException | None) -> ScimResponse:
        response = self.tolerant.error_response(error or Exception())
        if isinstance(error, ServiceUnavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        return response


def _known(failure: Exception) -> SCIMException | None:
    if isinstance(failure, BodyTooLarge):
        return PayloadTooLargeException(
            detail=f"The body is larger than {failure.limit} bytes: send it in smaller parts."
        )
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
