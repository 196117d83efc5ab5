"""The doors by which users leave: each does the same to what they owned, and says so in the log."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest_asyncio
from click.testing import Result

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.audit.store import Logged
from scimserver.kernel.permissions import Scope
from tests.commands import Commands
from tests.serving import Installation, ScimClient, replace

ALL = DEFAULT_SCOPES | {Scope.ADMINISTER}
NAME = "acme"
"""What commands call the organisation."""


@dataclass(frozen=True, slots=True)
class House:
    """An organisation that is reached over SCIM and by commands."""

    installation: Installation
    scim: ScimClient
    commands: Commands
    scopes: frozenset[Scope] = ALL
    """What whoever asks over SCIM may do; commands may do everything."""

    async def ran(self, *arguments: str) -> Result:
        """What came of a command about the organisation."""
        group, verb, *rest = arguments
        return await asyncio.to_thread(self.commands, group, verb, NAME, *rest)

    async def command(self, *arguments: str) -> bool:
        """Run a command about the organisation; whether it was done."""
        return (await self.ran(*arguments)).exit_code == 0

    async def imported(self, text: str, written: str) -> Result:
        """What came of importing a file of that format."""
        arguments = ("import", NAME, "-", "--format", written, "--json")
        return await asyncio.to_thread(self.commands, *arguments, answer=text)

    async def wanting(self, deactivation: str) -> None:
        """Have the organisation treat the Cases of the deactivated so."""
        assert await self.command("org", "update", "--deactivation", deactivation)

    async def limited(self, scopes: frozenset[Scope]) -> "House":
        """The same organisation, for whom may do less."""
        client = await self.installation.client(self.scim.organization, scopes=scopes)
        return House(self.installation, client, self.commands, scopes)

    async def events(self) -> Counter[tuple[str, str]]:
        """How many entries there are of each event and outcome."""
        entries = await self.installation.log(self.scim.organization)
        return Counter((each.entry["event"], each.entry["outcome"]) for each in entries)

    async def latest(self) -> Logged:
        """The last entry of the log."""
        return (await self.installation.log(self.scim.organization))[-1]


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    installation: Installation, process_database_dsn: str, clean_settings: Callable[..., None]
) -> House:
    """An organisation in the application of one test."""
    clean_settings(SCIMSERVER_DATABASE_URL=process_database_dsn)
    organization = await installation.organization(NAME)
    scim = await installation.client(organization, scopes=ALL)
    return House(installation, scim, Commands(process_database_dsn))


Door = Callable[[House, str], Awaitable[bool]]
"""Has a user leave, by id; whether that was done."""


async def deleted_over_scim(house: House, user: str) -> bool:
    return (await house.scim.delete(f"/Users/{user}")).status == 204


async def deleted_by_command(house: House, user: str) -> bool:
    return await house.command("user", "delete", user, "--yes")


async def patched(house: House, user: str) -> bool:
    return (await house.scim.patch(f"/Users/{user}", replace("active", False))).status == 200


async def patched_without_path(house: House, user: str) -> bool:
    operation = {"op": "replace", "value": {"active": False}}
    return (await house.scim.patch(f"/Users/{user}", operation)).status == 200


async def patched_by_a_string(house: House, user: str) -> bool:
    # As Entra does; the models look at it.
    return (await house.scim.patch(f"/Users/{user}", replace("active", "False"))).status == 200


async def put(house: House, user: str) -> bool:
    body = {**(await house.scim.get(f"/Users/{user}")).json, "active": False}
    return (await house.scim.put(f"/Users/{user}", body)).status == 200


async def deactivated_by_command(house: House, user: str) -> bool:
    return await house.command("user", "deactivate", user)


async def deactivated_by_a_file(house: House, user: str) -> bool:
    return (await house.imported(json.dumps({"id": user, "active": False}), "jsonl")).exit_code == 0


DELETING: tuple[Door, ...] = (deleted_over_scim, deleted_by_command)
DEACTIVATING: tuple[Door, ...] = (
    patched,
    patched_without_path,
    patched_by_a_string,
    put,
    deactivated_by_command,
    deactivated_by_a_file,
)
