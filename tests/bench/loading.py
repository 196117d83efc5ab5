"""Users by the ten thousand: the rows that the server would have written, through COPY.

Documents, keys and shadows come from the server's own functions. No log entries are made: loading
is no provisioning.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import asyncpg

from scimserver.directory.roles import MINIMAL_PERMISSIONS, role_key
from scimserver.directory.users.model import arranged, columns, encoded
from scimserver.kernel.ids import OrganizationId, RoleId, UserId, new_uuid
from tests.bench.people import Population

_BATCH: Final = 5_000
_COLUMNS: Final = (
    "org_id", "id", "version", "created", "last_modified", "user_name", "user_name_key", "mail_domain",
    "external_id", "display_name", "display_name_key", "family_name_key", "active", "role_id", "manager_id",
    "mail_stand_in", "document", "shadow", "saml_connection_id", "saml_mark",
)  # fmt: skip
_ROLE: Final = "SELECT id FROM roles WHERE org_id = $1 AND name_key = $2"
_COUNTED: Final = "INSERT INTO total_deltas (org_id, kind, id, delta) VALUES ($1, 'User', $2, $3)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading gave: the person of each number, and how long it took."""

    population: Population
    ids: tuple[UserId, ...]
    seconds: float


async def load(
    connection: asyncpg.Connection, organization: OrganizationId, population: Population, count: int
) -> Loaded:
    """Add the first `count` people of a population to an organisation."""
    begun = time.monotonic()
    role = RoleId(await connection.fetchval(_ROLE, organization, role_key(MINIMAL_PERMISSIONS)))
    ids: list[UserId] = []
    for start in range(0, count, _BATCH):
        batch = [UserId(new_uuid()) for _ in range(start, min(start + _BATCH, count))]
        rows = _rows(organization, role, population, batch, start)
        await connection.copy_records_to_table("users", records=rows, columns=_COLUMNS)
        ids.extend(batch)
    await connection.execute(_COUNTED, organization, new_uuid(), count)
    return Loaded(population=population, ids=tuple(ids), seconds=time.monotonic() - begun)


def _rows(
    organization: OrganizationId, role: RoleId, population: Population, ids: list[UserId], start: int
) -> Iterator[tuple[object, ...]]:
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    for number, user in enumerate(ids, start):
        document = arranged(population.document(number), user)
        held = columns(
            document,
            encoded(document),
            active=True,
            role=role,
            mail_stand_in=False,
            mail_domain=population.domain,
            provider=None,
            mark=None,
        )
        yield (organization, user, 1, now, now, *held)
