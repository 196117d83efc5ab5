"""Whether the process is alive, and whether it can serve."""

from aiohttp import web

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.http.requestid import ROUTE
from scimserver.kernel.errors import Unavailable

_PING = load("health")["ping"]


def add_routes(application: web.Application, database: Database) -> None:
    """Serve `/healthz` (the process answers) and `/readyz` (its database does too)."""

    async def healthz(request: web.Request) -> web.Response:
        request[ROUTE] = "/healthz"
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        request[ROUTE] = "/readyz"
        try:
            await database.fetchval(_PING)
        except Unavailable:
            return web.json_response({"status": "the database does not answer"}, status=503)
        return web.json_response({"status": "ok"})

    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
