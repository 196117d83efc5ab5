"""The bare reference: what aiohttp, asyncpg and PostgreSQL take by themselves.

One process on uvloop, a pool without resets, no access log; no authentication, no entity tags, no
validation. GET is one indexed SELECT of stored bytes; POST is one statement that inserts a user, a
log entry and a message into the server's own tables, with all their indexes.

Run as `python -m tests.bench.bare DSN ORGANIZATION ROLE`; prints its port.
"""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiohttp import web

from scimserver.kernel.ids import new_uuid

_POOL_SIZE: Final = 10
_MEDIA_TYPE: Final = "application/scim+json"

_SELECT: Final = "SELECT document FROM users WHERE org_id = $1 AND id = $2"
_INSERT_USER: Final = """
    INSERT INTO users (org_id, id, version, created, last_modified, user_name, user_name_key, mail_domain,
                       external_id, display_name, display_name_key, family_name_key, active, role_id,
                       manager_id, mail_stand_in, document, shadow)
    VALUES ($1, $2, 1, $3, $3, $4, $5, $6, $7, $8, $9, $10, true, $11, NULL, false, $12, $13)"""
_INSERT_ALL: Final = f"""
WITH entry AS (
    INSERT INTO log_entries (org_id, id, occurred, event, outcome, request_id, target_id, entry)
    VALUES ($1, $14, $3, 'user.create', 'success', 'bare', $2, $15)
), message AS (
    INSERT INTO outbox (org_id, id, topic, payload, created)
    VALUES ($1, $14, 'user.created', $16, $3)
) {_INSERT_USER}"""


class Bare:
    """The two handlers of one organisation."""

    def __init__(self, pool: asyncpg.Pool, organization: UUID, role: UUID) -> None:
        self._pool = pool
        self._organization = organization
        self._role = role

    async def read(self, request: web.Request) -> web.Response:
        """One indexed SELECT of stored bytes."""
        user = UUID(request.match_info["id"])
        async with self._pool.acquire() as connection:
            document = await connection.fetchval(_SELECT, self._organization, user)
        if document is None:
            return web.Response(status=404)
        return web.Response(body=document, content_type=_MEDIA_TYPE)

    async def create(self, request: web.Request) -> web.Response:
        """One statement: a user, its log entry, its message."""
        body = await request.read()
        user, entry = new_uuid(), new_uuid()
        text = f'{{"event":"user.create","target":"{user}"}}'
        async with self._pool.acquire() as connection:
            await connection.execute(_INSERT_ALL, *self._row(body, user), entry, text, text)
        return web.Response(status=201, body=body, content_type=_MEDIA_TYPE)

    async def create_unlogged(self, request: web.Request) -> web.Response:
        """One statement: a user alone."""
        body = await request.read()
        async with self._pool.acquire() as connection:
            await connection.execute(_INSERT_USER, *self._row(body, new_uuid()))
        return web.Response(status=201, body=body, content_type=_MEDIA_TYPE)

    def _row(self, body: bytes, user: UUID) -> tuple[object, ...]:
        document = orjson.loads(body)
        name, display = document["userName"], document["displayName"]
        return (
            self._organization,
            user,
            datetime.now(UTC),
            name,
            name.lower(),
            name.partition("@")[2],
            document["externalId"],
            display,
            display.lower(),
            document["name"]["familyName"].lower(),
            self._role,
            body,
            body.decode().lower(),
        )


async def _serve(dsn: str, organization: UUID, role: UUID) -> None:
    async with asyncpg.create_pool(
        dsn, min_size=_POOL_SIZE, max_size=_POOL_SIZE, reset=_leave_as_it_is
    ) as pool:
        bare = Bare(pool, organization, role)
        app = web.Application()
        app.router.add_get("/scim/v2/Users/{id}", bare.read)
        app.router.add_post("/scim/v2/Users", bare.create)
        app.router.add_post("/scim/v2/Unlogged", bare.create_unlogged)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        # Until the process that started this one closes our standard input.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await runner.cleanup()


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """No round trip when a connection goes back."""


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], UUID(sys.argv[2]), UUID(sys.argv[3])))
