"""The doors by which users leave: each does the same to what they owned, and says so in the log."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.commands import Commands
from tests.serving import Installation, ScimClient, replace

NAME = "acme"
"""What commands call the organisation."""


@dataclass(frozen=True, slots=True)
class House:
    """An organisation that is reached over SCIM and by commands."""

    installation: Installation
    scim: ScimClient
    commands: Commands

    async def command(self, *arguments: str) -> bool:
        """Run a command about the organisation; whether it was done."""
        group, verb, *rest = arguments
        result = await asyncio.to_thread(self.commands, group, verb, NAME, *rest)
        return result.exit_code == 0

    async def wanting(self, deactivation: str) -> None:
        """Have the organisation treat the Cases of the deactivated so."""
        assert await self.command("org", "update", "--deactivation", deactivation)

    async def events(self) -> Counter[tuple[str, str]]:
        """How many entries there are of each event and outcome."""
        entries = await self.installation.log(self.scim.organization)
        return Counter((each.entry["event"], each.entry["outcome"]) for each in entries)


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


DELETING: tuple[Door, ...] = (deleted_over_scim, deleted_by_command)
DEACTIVATING: tuple[Door, ...] = (
    patched,
    patched_without_path,
    patched_by_a_string,
    put,
    deactivated_by_command,
)
