"""scim2-server's own contract for storages, with ours in an organisation of free user names.

The contract's users have plain names; the Email Domain rule looks at their primary addresses (P1).
"""

import asyncio
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from scim2_models import Resource, ResourceType, ScimProvider, SearchRequest
from scim2_server.testing import AsyncScimStorageContract, BlockingStorage

from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory import domains, organizations
from scimserver.directory.organizations import Addresses
from scimserver.directory.passwords import PasswordDesk, PasswordHasher
from scimserver.kernel.actor import Actor, Origin, operator
from scimserver.kernel.errors import Refused
from scimserver.scim.adapters import GroupAdapter
from scimserver.scim.errors import scim_error
from scimserver.scim.provider import provider
from scimserver.scim.reads import Reads
from scimserver.scim.render import Renderer
from scimserver.scim.storage import DirectoryStorage
from scimserver.scim.users import Treatment, UserAdapter
from scimserver.work import WorkRoom
from tests.conftest import Administration
from tests.serving import BASE_URL

T = TypeVar("T")

DOMAIN = "work.example"
"""The domain of the contract's primary addresses."""

ORIGIN = Origin(request_id="contract")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database, and the one event loop on which it may be used."""

    database: Database
    runner: asyncio.Runner


class SpeakingScim(BlockingStorage):
    """Tells refusals as the face does: the contract wants the exceptions of SCIM."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return super().run(coroutine)
        except Refused as refused:
            error = scim_error(refused)
            assert error is not None
            raise error from refused


@pytest.fixture(scope="module")
def opened(database_administration: Administration, database_template: str) -> Generator[Opened]:
    how = f"TEMPLATE {database_template} STRATEGY file_copy"
    with (
        database_administration.database(how) as dsn,
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
    ):
        opening = Database.open(DatabaseSettings(dsn=dsn, points_size=2, searches_size=2))
        database = runner.run(opening.__aenter__())
        try:
            yield Opened(database, runner)
        finally:
            runner.run(opening.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def desk() -> Generator[PasswordDesk]:
    hasher = PasswordHasher()
    yield PasswordDesk(hasher)
    hasher.close()


async def made_organization(room: WorkRoom, name: str) -> Actor:
    async with room.open(operator("contract"), ORIGIN) as work:
        made = await organizations.create(work, name=name, addresses=Addresses.FREE)
    actor = operator("contract", made.id)
    async with room.open(actor, ORIGIN) as work:
        await domains.add(work, DOMAIN)
    return actor


async def give_domain_back(room: WorkRoom, actor: Actor) -> None:
    """A domain belongs to one organisation, and the next test's wants it."""
    async with room.open(actor, ORIGIN) as work:
        await domains.remove(work, DOMAIN)


class TestDirectoryStorage(AsyncScimStorageContract):
    """Every rule of the contract."""

    @pytest.fixture
    def provider(self) -> ScimProvider:
        return provider(strict=False)

    @pytest.fixture
    def storage(self, opened: Opened, desk: PasswordDesk) -> Generator[SpeakingScim]:
        room = WorkRoom(opened.database)
        actor = opened.runner.run(made_organization(room, f"contract-{uuid4().hex}"))
        renderer = Renderer(BASE_URL)
        adapters = {
            "User": UserAdapter(renderer, desk, Treatment()),
            "Group": GroupAdapter(renderer),
        }
        storage = DirectoryStorage(room, Reads(opened.database), adapters, actor, ORIGIN)
        yield SpeakingScim(storage, opened.runner)
        opened.runner.run(give_domain_back(room, actor))

    # Where the contract would skip, ours fails: it announces everything and refuses none of the searches.

    @staticmethod
    def require(supported: bool, feature: str) -> None:
        assert supported, feature

    def search_request_or_skip(
        self, models: list[type[Resource[Any]]], **parameters: Any
    ) -> SearchRequest[Any]:
        return self.search_request(models, **parameters)

    def search_or_skip(
        self, storage: Any, resource_types: list[ResourceType], search_request: SearchRequest[Any]
    ) -> Any:
        return self.search(storage, resource_types, search_request)
