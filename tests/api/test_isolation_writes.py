"""Writing: a resource of another organisation stays as it is, even where ids are the same.

Ours has resources with the ids of theirs (tests/twins.py). Every write that the protocol core routes
is done to ours; not a row of theirs may change, and no answer may hold a word of theirs.
"""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from scim2_server.routing import ROUTES

from tests.conftest import Administration
from tests.discovered import Kind
from tests.houses import ENDPOINTS
from tests.serving import PATCH_OP, Answer, ScimClient, replace
from tests.twins import THEIRS, Twins, rows_of, serving
from tests.twins import twins as twins

pytestmark = pytest.mark.asyncio(loop_scope="session")

Sides = tuple[ScimClient, ScimClient, asyncpg.Connection]

NEW = "camel"
WRITES = [
    (route.method, route.pattern.replace("/{endpoint}", endpoint), kind)
    for route in ROUTES
    for endpoint, kind in ENDPOINTS.items()
    if "{endpoint}" in route.pattern and route.method != "GET" and not route.pattern.endswith(".search")
]


@pytest.fixture
def database_of_twins(database_administration: Administration, twins: Twins) -> Generator[str]:
    """A database of the two that only this test uses."""
    clone = f"TEMPLATE {twins.database} STRATEGY file_copy"
    with database_administration.database(clone) as dsn:
        yield dsn


@pytest_asyncio.fixture(loop_scope="session")
async def sides(database_of_twins: str, twins: Twins) -> AsyncGenerator[Sides]:
    """Clients of ours and theirs, and a connection past the application."""
    connection = await asyncpg.connect(database_of_twins)
    async with serving(database_of_twins) as installation:
        yield twins.ours.client(installation), twins.theirs.client(installation), connection
    await connection.close()


def body_of(method: str, kind: Kind, user: Answer) -> Any:
    """A next state of a resource: another value for everything, and the user in each reference."""
    references = {
        each.name: {"value": user.id} for each in kind.attributes if each.refers and not each.is_list
    }
    document = kind.filled(NEW, password="seventeen blue socks", **references)
    if method == "PATCH":
        changed = [name for name in document if name != "schemas" and ":" not in name]
        operations = [replace(name, document[name]) for name in changed]
        return {"schemas": [PATCH_OP], "Operations": operations}
    return None if method == "DELETE" else document


@pytest.mark.parametrize("method,path,name", WRITES)
async def test_write_to_ours_leaves_theirs_of_the_same_id_alone(
    sides: Sides, twins: Twins, method: str, path: str, name: str
):
    ours, _, connection = sides
    [kind] = [each for each in twins.kinds if each.name == name]
    organizations = (twins.ours.organization, twins.theirs.organization)
    before = [await rows_of(connection, each) for each in organizations]
    path = path.replace("{resource_id}", twins.made[name].id)
    answer = await ours.request(method, path, body_of(method, kind, twins.made["User"]))
    assert 200 <= answer.status < 300, answer.text
    assert THEIRS not in answer.text
    after = [await rows_of(connection, each) for each in organizations]
    assert after[0] != before[0]
    assert after[1] == before[1]


async def test_credential_speaks_for_the_connection_of_its_own_organization(sides: Sides):
    ours, theirs, _ = sides
    unknown = {"userName": "deer", "nothing": "of the schema"}
    assert (await ours.post("/Users", unknown)).error == (400, "invalidSyntax")
    assert (await theirs.post("/Users", unknown)).status == 201
