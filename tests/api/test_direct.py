"""The short way of reads answers, byte by byte, what the protocol core does.

A parameter that nobody knows says nothing (RFC 7644, section 3.4.2), but it is not plain: with one,
the same request goes through the core.
"""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from scimserver.access.credentials import Credentials
from scimserver.db.pool import Database
from scimserver.kernel.clock import utc_now
from scimserver.kernel.secrets import digest
from scimserver.scim.direct import DirectReads
from scimserver.scim.reads import Reads
from scimserver.scim.render import Renderer
from scimserver.scim.service import ProvisioningService
from tests.serving import ENTERPRISE, Answer, ScimClient

NAMES = ["ada@example.com", "Ada.B@Example.com", "o'hara@example.com", "zoë@example.com"]
EXTERNAL = ["E-1", "e-1", 'a"b', "back\\slash"]


@pytest_asyncio.fixture(loop_scope="session")
async def people(scim: ScimClient) -> list[Answer]:
    """Users of one organisation, one of them the manager of the others, in a group."""
    manager = await scim.make_user("boss@example.com", displayName="The Boss")
    made = [
        await scim.make_user(
            name,
            externalId=external,
            displayName=f"Person {number}",
            emails=[{"value": name.upper(), "type": "work"}, {"value": "Home@x.example", "type": "home"}],
            **{ENTERPRISE: {"department": "Sales", "manager": {"value": manager.id}}},
        )
        for number, (name, external) in enumerate(zip(NAMES, EXTERNAL, strict=True))
    ]
    await scim.make_group("Support", *(user.id for user in made[:2]))
    return [manager, *made]


def seen(answer: Answer) -> tuple[Any, ...]:
    """All that a client sees but for the request's own id and time."""
    told = {
        name: value for name, value in answer.headers.items() if name.lower() not in ("x-request-id", "date")
    }
    return answer.status, told, answer.text


async def both(client: ScimClient, path: str, **params: str) -> tuple[Answer, Answer]:
    """The answer on the short way, and the core's."""
    return await client.get(path, **params), await client.get(path, **params, unheardOf="1")


PROJECTIONS = [
    {},
    {"attributes": "userName,groups"},
    {"excludedAttributes": "members,emails"},
    {"attributes": "x"},
]
BROKEN = [
    {"attributes": "a b"},
    {"attributes": "userName", "excludedAttributes": "title"},
    {"attributes": ""},
]


@pytest.mark.parametrize("params", PROJECTIONS + BROKEN)
async def test_resource_by_id_is_what_the_core_answers(
    scim: ScimClient, people: list[Answer], params: dict[str, str]
):
    group = (await scim.get("/Groups")).ids[0]
    unknown = "0190b4f0-0000-7000-8000-000000000000"
    for path in (*(f"/Users/{user.id}" for user in people), f"/Groups/{group}", f"/Users/{unknown}"):
        short, core = await both(scim, path, **params)
        assert seen(short) == seen(core)


async def test_unchanged_resource_is_what_the_core_answers(scim: ScimClient, people: list[Answer]):
    for tag in (people[0].headers["ETag"], "*", '"x"', f'"x", {people[0].headers["ETag"]}', "garbage"):
        headers = {"If-None-Match": tag}
        short = await scim.request("GET", f"/Users/{people[0].id}", headers=headers)
        core = await scim.request("GET", f"/Users/{people[0].id}?unheardOf=1", headers=headers)
        assert seen(short) == seen(core)


PLAIN = [
    *("/Users/{id}", "/Groups/{id}", "/Users/{id}?attributes=userName", "/Users"),
    *("/Groups?startIndex=2&count=7", '/Users?filter=userName eq "a"'),
    '/Users?filter=emails[type eq "work"].value eq "a"&count=1',
]
UNUSUAL = [
    *("/Users/x", "/users/{id}", "/Users/{id}?unheardOf=1", "/Users?sortBy=userName", "/Users?cursor="),
    *("/Users?count=1&count=2", "/Users?startIndex=0", '/Users?filter=title eq "a"', "/Users?filter=x"),
    *("/Me", "/Schemas"),
]
CHOICES = [*((each, True) for each in PLAIN), *((each, False) for each in UNUSUAL)]


@pytest.mark.parametrize("target,is_plain", CHOICES)
async def test_short_way_is_taken_by_plain_reads_alone(
    database: Database, scim: ScimClient, people: list[Answer], target: str, is_plain: bool
):
    group = (await scim.get("/Groups")).ids[0]
    path, _, query = target.format(id=group if "Groups" in target else people[0].id).partition("?")
    caller = await Credentials(database, trusted_for=timedelta(0)).caller(digest(scim.token), utc_now())
    service = ProvisioningService(strict=False, secret=b"s" * 32)
    short = DirectReads(service, Reads(database), Renderer("https://scim.test/scim/v2"))
    request = make_mocked_request("GET", str(URL(path).with_query(query)), payload=EMPTY_PAYLOAD)
    with service.provider:
        answer = await short.answer(request, path, caller)
    assert (answer is not None) is is_plain


FILTERS = [
    *(f'userName eq "{name}"' for name in [*NAMES, "ADA@EXAMPLE.COM", "nobody@example.com", "", "\\u0061da"]),
    *(f'externalId eq "{value}"' for value in ["E-1", "e-1", 'a\\"b', "back\\\\slash", "\\ud800", "\\u0000"]),
    *(f'emails[type eq "{kind}"].value eq "ada@example.com"' for kind in ("work", "home", "WORK", "")),
    *('emails.value eq "ADA@example.com"', 'emails eq "ada@example.com"', 'displayName eq "person 1"'),
    *('userName eq "ada@example.com" and active eq true', 'id eq "x"', 'manager eq "x"', "", "userName"),
    *(
        'userName eq "ada@example.com" and meta.created gt "never"',
        "userName eq 1",
        'USERNAME EQ "ada@example.com"',
    ),
    *('userName eq "ada@example.com" and password eq "x"', 'userName eq "a" or title pr', "(((", 'x eq "y"'),
]
PAGES = [
    {},
    {"startIndex": "1", "count": "100"},
    {"startIndex": "2", "count": "1"},
    {"count": "0"},
    {"startIndex": "0"},
    {"startIndex": "-1"},
    {"startIndex": "99"},
    {"count": "-1"},
    {"count": "x"},
    {"count": "999999999999"},
    {"startIndex": "\u0661"},
    {"sortBy": "userName"},
    {"cursor": ""},
]


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
async def test_page_is_what_the_core_answers(scim: ScimClient, people: list[Answer], path: str):
    chosen = list(product(FILTERS, PAGES))[::5]
    for condition, page in [*((text, {}) for text in FILTERS), *((None, each) for each in PAGES), *chosen]:
        narrow = {} if condition is None else {"filter": condition}
        short, core = await both(scim, path, **narrow, **page)
        assert seen(short) == seen(core), (condition, page)


@pytest.mark.parametrize("params", PROJECTIONS + BROKEN)
async def test_projected_page_is_what_the_core_answers(
    scim: ScimClient, people: list[Answer], params: dict[str, str]
):
    for path in ("/Users", "/Groups"):
        short, core = await both(scim, path, **params)
        assert seen(short) == seen(core)


async def test_strict_connection_gets_what_the_core_answers(
    scim: ScimClient, strict_scim: ScimClient, people: list[Answer]
):
    for condition in FILTERS:
        short, core = await both(strict_scim, "/Users", filter=condition)
        assert seen(short) == seen(core), condition
