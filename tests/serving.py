"""The whole application over HTTP, as tests of the faces meet it: organisations, connections, clients."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDictProxy

from scimserver.access import connections, tokens
from scimserver.access.connections import Connection, Dialect, Passwords
from scimserver.access.throttle import Accounts
from scimserver.app import Surroundings, application
from scimserver.audit import store
from scimserver.audit.store import Filter, Logged
from scimserver.config import Settings
from scimserver.db.pool import Database
from scimserver.directory import domains, organizations
from scimserver.directory.organizations import Addresses
from scimserver.directory.removals import USUAL_LIMIT, RemovalLimit
from scimserver.http.rejections import Runner
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.clock import Clock, utc_now
from scimserver.kernel.ids import INSTALLATION, OrganizationId
from scimserver.kernel.permissions import Scope
from scimserver.work import WorkRoom

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CASE = "urn:ietf:params:scim:schemas:scimserver:2.0:Case"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

PUBLIC_URL = "https://scim.test"
BASE_URL = PUBLIC_URL + "/scim/v2"
SECRET = b"s" * 32
_ORIGIN = Origin(request_id="tests")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)

    @property
    def id(self) -> str:
        """The id of the resource that was answered."""
        return self.json["id"]

    @property
    def error(self) -> tuple[int, str | None]:
        """The status and `scimType` of a SCIM error; fails for what is not one."""
        body = self.json
        assert body["schemas"] == [ERROR]
        assert body["status"] == str(self.status)
        assert body["detail"]
        return self.status, body.get("scimType")

    @property
    def ids(self) -> list[str]:
        """The ids of the resources of a list."""
        assert self.status == 200, self.text
        return [resource["id"] for resource in self.json["Resources"]]


@dataclass(frozen=True, slots=True)
class ScimClient:
    """A connection's client: paths are below the SCIM base."""

    http: TestClient[web.Request, web.Application]
    token: str
    organization: OrganizationId
    connection: Connection

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send one request. `raw` is sent as it is; `body` as JSON."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/scim+json")
        async with self.http.request(
            method, "/scim/v2" + path, data=data, params=params, headers=sent
        ) as response:
            return Answer(response.status, response.headers, await response.text())

    async def get(self, path: str, **params: str) -> Answer:
        """GET with query parameters."""
        return await self.request("GET", path, params=params or None)

    async def find(self, condition: str, path: str = "/Users", **params: str) -> Answer:
        """GET a list by a filter."""
        return await self.get(path, filter=condition, **params)

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        """POST a JSON body."""
        return await self.request("POST", path, body, headers=headers)

    async def put(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
        """PUT a JSON body."""
        return await self.request("PUT", path, body, headers=headers)

    async def patch(
        self, path: str, *operations: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """PATCH with operations."""
        return await self.request(
            "PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)}, headers=headers
        )

    async def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """DELETE."""
        return await self.request("DELETE", path, headers=headers)

    async def make_user(self, user_name: str = "", **attributes: Any) -> Answer:
        """A user who was created; `user_name` defaults to a fresh address in example.com."""
        body = {"schemas": [USER], "userName": user_name or fresh_address(), **attributes}
        answer = await self.post("/Users", body)
        assert answer.status == 201, answer.text
        return answer

    async def make_group(self, name: str, *members: str) -> Answer:
        """A group that was created with these members."""
        body = {"displayName": name, "members": [{"value": member} for member in members]}
        answer = await self.post("/Groups", body)
        assert answer.status == 201, answer.text
        return answer

    async def make_case(
        self, subject: str = "Broken link", owner: str | None = None, **attributes: Any
    ) -> Answer:
        """A case that was created, owned by that user or by nobody."""
        owned = {"owner": {"value": owner}} if owner else {}
        answer = await self.post("/Cases", {"schemas": [CASE], "subject": subject, **owned, **attributes})
        assert answer.status == 201, answer.text
        return answer


def fresh_address(domain: str = "example.com") -> str:
    """An address that nobody has."""
    return f"user-{uuid4().hex[:12]}@{domain}"


def replace(path: str, value: Any) -> dict[str, Any]:
    """A PATCH operation that replaces."""
    return {"op": "replace", "path": path, "value": value}


def add(path: str, value: Any) -> dict[str, Any]:
    """A PATCH operation that adds."""
    return {"op": "add", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    """A PATCH operation that removes."""
    return {"op": "remove", "path": path}


@dataclass(slots=True)
class Installation:
    """A running application, and an operator beside it."""

    database: Database
    http: TestClient[web.Request, web.Application]
    room: WorkRoom
    _names: set[str] = field(default_factory=set[str])

    async def organization(
        self,
        name: str = "",
        *,
        domain: str = "example.com",
        addresses: Addresses = Addresses.REQUIRED,
        timezone: str = "Europe/Berlin",
        subdomains: bool = False,
    ) -> OrganizationId:
        """An organisation with one Email Domain."""
        name = name or f"org-{uuid4().hex[:8]}"
        async with self.room.open(operator("tests"), _ORIGIN) as work:
            made = await organizations.create(work, name=name, addresses=addresses, timezone=timezone)
        async with self.room.open(operator("tests", made.id), _ORIGIN) as work:
            await domains.add(work, domain, subdomains=subdomains)
        return made.id

    async def client(
        self,
        organization: OrganizationId,
        *,
        dialect: Dialect = Dialect.GENERIC,
        strict: bool = False,
        passwords: Passwords = Passwords.IGNORE,
        revive: bool = False,
        scopes: frozenset[Scope] = tokens.DEFAULT_SCOPES,
        removal_limit: RemovalLimit = USUAL_LIMIT,
    ) -> ScimClient:
        """A client of a fresh connection of the organisation."""
        who = operator("tests", organization)
        async with self.room.open(who, _ORIGIN) as work:
            connection = await connections.create(
                work,
                name=f"connection-{uuid4().hex[:8]}",
                dialect=dialect,
                strict=strict,
                passwords=passwords,
                revive=revive,
                removal_limit=removal_limit,
            )
        async with self.room.open(who, _ORIGIN) as work:
            _, secret = await tokens.issue(work, connection, scopes=scopes)
        return ScimClient(self.http, secret, organization, connection)

    async def log(self, organization: OrganizationId = INSTALLATION, **narrow: Any) -> list[Logged]:
        """The organisation's log, oldest first, without what made the organisation itself."""
        entries = await store.page(
            self.database, organization, Filter(**narrow), after=store.OLDEST, count=1000
        )
        return [entry for entry in entries if entry.entry["request"].get("id") != "tests"]


class _Server(TestServer):
    """As in operation, what is no HTTP is refused in our words, and no body is decoded."""

    async def _make_runner(self, **options: Any) -> Runner:
        return Runner(self.app, auto_decompress=False, **options)


@asynccontextmanager
async def running(
    database: Database,
    *,
    clock: Clock = utc_now,
    public_url: str = PUBLIC_URL,
    accounts: Accounts | None = None,
    **settings: Any,
) -> AsyncIterator[Installation]:
    """The application over a database, in this process; `accounts` is what it counts with others."""
    surroundings = Surroundings(public_url=public_url, secret=SECRET, clock=clock, accounts=accounts)
    # Tests end credentials and expect it to be noticed at once; most ask more than a client may.
    settings = {"credential_seconds": 0, "rate_limit": 0, "failure_burst": 0, **settings}
    with TemporaryDirectory() as folder:
        # Mail is written there.
        own = Settings(**{"data_dir": Path(folder), **settings})
        async with application(own, database, surroundings) as app, TestClient(_Server(app)) as http:
            yield Installation(database, http, WorkRoom(database, clock=clock))


@pytest.fixture
async def installation(database: Database) -> AsyncGenerator[Installation]:
    """The application over a database of this test's own."""
    async with running(database) as installation:
        yield installation


@pytest.fixture
async def scim(installation: Installation) -> ScimClient:
    """A tolerant connection of an organisation whose only Email Domain is example.com."""
    return await installation.client(await installation.organization())


@pytest.fixture
async def strict_scim(installation: Installation, scim: ScimClient) -> ScimClient:
    """A strict connection of the organisation of `scim`."""
    return await installation.client(scim.organization, strict=True)
