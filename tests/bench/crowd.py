"""Two hundred people who sign in, over and over, while something else is measured.

A process of its own. Each has a password and a connection; who is told to come back later does so after
the time that is said. Only loopback.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from threading import Event
from typing import Final

import uvloop
from argon2 import PasswordHasher as Argon2

from tests.bench import database
from tests.bench.database import Organization
from tests.bench.load import UnexpectedAnswerError

SIZE: Final = 200
PASSWORD: Final = "seventeen blue socks in a drawer"
_PUT: Final = """
INSERT INTO credentials (org_id, user_id, password_hash, changed, set_by)
SELECT $1, id, $3, now(), 'owner' FROM unnest($2::uuid[]) AS person (id)
ON CONFLICT (org_id, user_id) DO UPDATE SET password_hash = excluded.password_hash
"""
_TAKE: Final = "DELETE FROM credentials WHERE org_id = $1 AND user_id = ANY ($2::uuid[])"
_SIGNED_IN, _LATER = 201, 503
_PATIENCE_S: Final = 60.0


@dataclass(slots=True)
class Crowd:
    """What came of it: how many answers there were of each status."""

    statuses: Counter[int] = field(default_factory=Counter[int])


@contextmanager
def signing_in(dsn: str, port: int, organization: Organization) -> Generator[Crowd]:
    """The crowd at the door of a server for the time of the block; what came of it is known afterwards.

    The server has to trust this machine to say from which address each of them comes.
    """
    people = organization.people
    numbers = range(SIZE)
    asyncio.run(_give_passwords(dsn, organization, [people.ids[number] for number in numbers]))
    bodies = [
        json.dumps({"address": people.population.document(number)["userName"], "password": PASSWORD})
        for number in numbers
    ]
    crowd, context = Crowd(), get_context("spawn")
    with context.Manager() as shared, ProcessPoolExecutor(max_workers=1, mp_context=context) as executor:
        stop = shared.Event()
        came_of = executor.submit(_run, port, bodies, stop)
        try:
            yield crowd
        finally:
            stop.set()
            crowd.statuses = came_of.result()
            asyncio.run(_take_passwords(dsn, organization, [people.ids[number] for number in numbers]))


async def _give_passwords(dsn: str, organization: Organization, ids: Sequence[object]) -> None:
    """One digest for all: what verifying takes does not depend on the salt."""
    hasher = Argon2(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    async with database.connected(dsn) as connection:
        await connection.execute(_PUT, organization.id, ids, hasher.hash(PASSWORD))


async def _take_passwords(dsn: str, organization: Organization, ids: Sequence[object]) -> None:
    async with database.connected(dsn) as connection:
        await connection.execute(_TAKE, organization.id, ids)


def _run(port: int, bodies: Sequence[str], stop: Event) -> Counter[int]:
    return uvloop.run(_at_the_door(port, bodies, stop))


async def _at_the_door(port: int, bodies: Sequence[str], stop: Event) -> Counter[int]:
    statuses: Counter[int] = Counter()
    stopped = asyncio.Event()
    people = [
        asyncio.create_task(_person(port, f"10.0.0.{number}", body, statuses, stopped))
        for number, body in enumerate(bodies)
    ]
    told = asyncio.create_task(asyncio.to_thread(stop.wait))
    await asyncio.wait({*people, told}, return_when=asyncio.FIRST_COMPLETED)
    stopped.set()
    await asyncio.gather(*people)
    await told
    return statuses


async def _person(port: int, address: str, body: str, statuses: Counter[int], stopped: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = body.encode()
    head = (
        "POST /session HTTP/1.1\r\nHost: scim.example.com\r\nContent-Type: application/json\r\n"
        f"X-Forwarded-For: {address}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    while not stopped.is_set():
        writer.write(head.encode() + content)
        status, wait = await asyncio.wait_for(_answer(reader), _PATIENCE_S)
        statuses[status] += 1
        if wait:
            await asyncio.sleep(wait)
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, float]:
    """The status, and for how long to stay away. Raises `UnexpectedAnswerError`."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    status = int(lines[0].split()[1])
    if status not in (_SIGNED_IN, _LATER):
        raise UnexpectedAnswerError(f"{head}{body[:500]!r}")
    return status, float(headers["retry-after"]) if status == _LATER else 0.0
