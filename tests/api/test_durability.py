"""What was acknowledged is stored, with its log entry, whatever is killed at whatever moment."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import aiohttp

from tests.processes import PUBLIC_URL, Program, ask, column, dsn_of, postgres_pid, program, provision
from tests.processes import data_dir as data_dir

PLANNED = 1000
KILLED_AFTER = 500
CLIENTS = 8

USERS = "SELECT id FROM users"
LOGGED = "SELECT target_id FROM log_entries WHERE event = 'user.create' AND outcome = 'success'"
ANNOUNCED = "SELECT (payload::jsonb ->> 'id')::uuid FROM outbox WHERE topic = 'user.created'"


def kill_server(running: Program, _data_dir: Path) -> None:
    running.kill_group()


def kill_server_and_postgres(running: Program, data_dir: Path) -> None:
    os.kill(postgres_pid(data_dir), signal.SIGKILL)
    running.kill_group()


async def test_users_are_stored_with_their_log_entries_when_everything_is_killed_meanwhile(data_dir: Path):
    acknowledged: set[UUID] = set()
    dsn, token = dsn_of(data_dir), ""
    for number, kill in enumerate((kill_server, kill_server_and_postgres)):
        with program("serve", port=0, data_dir=data_dir, public_url=PUBLIC_URL) as running:
            url = running.url() + "/scim/v2/Users"
            token = token or await provision(dsn)
            names = [f"round-{number}-user-{user}@example.com" for user in range(PLANNED)]
            created = await create_users(url, token, names, partial(kill, running, data_dir))
            running.wait()
        assert KILLED_AFTER <= len(created) < PLANNED
        acknowledged |= created

    with program("serve", port=0, data_dir=data_dir, public_url=PUBLIC_URL) as restarted:
        total = ask(restarted.url() + "/scim/v2/Users?count=0", token=token).json["totalResults"]
        users = set(await column(dsn, USERS))
        assert acknowledged <= users
        assert users == set(await column(dsn, LOGGED)) == set(await column(dsn, ANNOUNCED))
        assert total == len(users)


async def create_users(url: str, token: str, names: list[str], kill: Callable[[], None]) -> set[UUID]:
    """Clients create one user after the other until all connections break; who was acknowledged."""
    acknowledged: set[UUID] = set()
    left = iter(names)

    async def create_until_broken() -> None:
        try:
            for name in left:
                async with client.post(url, json={"userName": name}) as response:
                    if response.status == 503 and len(acknowledged) >= KILLED_AFTER:
                        return  # The database was killed a moment before its worker: nothing is acknowledged.
                    assert response.status == 201
                    acknowledged.add(UUID((await response.json(content_type=None))["id"]))
                if len(acknowledged) == KILLED_AFTER:
                    kill()
        except aiohttp.ClientError:
            return

    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(CLIENTS):
            group.create_task(create_until_broken())
    return acknowledged
