"""Two organisations, one of which asks about the other: each question is asked about nobody, too.

Whoever asks may not learn whether what is asked about is there. So a question has blanks for ids,
words and tags, which an `Aim` fills in: at theirs, or at what never existed. Answers are then
compared whole, with what differs by nature taken out: what was asked for, fresh ids, times.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest_asyncio
from aiohttp import hdrs
from scim2_server.routing import ROUTES

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.directory.organizations import Addresses
from scimserver.kernel.permissions import Scope
from scimserver.scim.provider import provider
from tests.discovered import Kind, kinds
from tests.serving import BASE_URL, Answer, Installation, ScimClient

THEIRS: Final = "zebra"
NOBODYS: Final = "koala"
"""As long as the other, so that nothing is told by a length."""

SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
METHODS: Final = sorted(hdrs.METH_ALL - {"CONNECT"})
CONDITIONAL: Final = {"GET", "HEAD", "PUT", "PATCH", "DELETE"}
ENDPOINTS: Final = {str(kind.endpoint): str(kind.name) for kind in provider(strict=False).resource_types}
PATHS: Final = sorted(
    {
        route.pattern.replace("/{endpoint}", endpoint)
        for route in ROUTES
        for endpoint in (ENDPOINTS if "{endpoint}" in route.pattern else ("",))
    }
)
"""Every path below the base, by the routes of the protocol core and the resource types of ours."""

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_DIGEST = re.compile(r'(W/\\?"\d+)-[0-9a-f]{8}')
_OF_THE_REQUEST: Final = {"x-request-id", "date"}


@dataclass(frozen=True, slots=True)
class Aim:
    """What a question is about."""

    word: str
    ids: Mapping[str, str]
    """By the name of the resource type."""
    tags: Mapping[str, str]

    def at(self, value: Any) -> Any:
        """The value, its blanks filled in."""
        if isinstance(value, str):
            for name, known in self.ids.items():
                value = value.replace(f"<{name}>", known)
            for name, known in self.tags.items():
                value = value.replace(f"<tag of {name}>", known)
            return value.replace("<word>", self.word)
        if isinstance(value, list):
            return [self.at(item) for item in value]
        if isinstance(value, dict):
            return {key: self.at(item) for key, item in value.items()}
        return value

    def masked(self, text: str) -> str:
        """The text without what was asked for, and without what is new in every answer."""
        for known in (*self.ids.values(), self.word):
            text = text.replace(known, "~")
        return _DIGEST.sub(r"\1-#", _TIME.sub("#", UUID_TEXT.sub("#", text)))


@dataclass(frozen=True, slots=True)
class Question:
    """A request with blanks."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def about(self, aim: Aim, scim: ScimClient, **headers: str) -> Answer:
        return await scim.request(
            self.method,
            aim.at(self.path),
            aim.at(self.body),
            headers={**aim.at(dict(self.headers)), **headers},
        )


@dataclass(frozen=True, slots=True)
class Houses:
    """Ours asks; theirs has a resource of each type, with a value in every attribute."""

    ours: list[ScimClient]
    """Connections of ours: tolerant, strict, and one that revives; each may give roles."""
    theirs: ScimClient
    kinds: list[Kind]
    aims: tuple[Aim, Aim]
    """At theirs, and at nobody's."""

    async def differing(self, *questions: Question) -> list[tuple[object, ...]]:
        """The questions whose answers tell whether what is asked about is there; tolerant and strict."""
        assert questions
        asked = [
            (question, *[said(aim, await question.about(aim, scim)) for aim in self.aims])
            for question in questions
            for scim in self.ours[:2]
        ]
        return [row for row in asked if row[1] != row[2]]


def said(aim: Aim, answer: Answer) -> tuple[object, ...]:
    """All that an answer says, in a form that does not hold what was asked for."""
    headers = tuple(
        sorted(
            (name.lower(), aim.masked(value))
            for name, value in answer.headers.items()
            if name.lower() not in _OF_THE_REQUEST
        )
    )
    return answer.status, headers, aim.masked(answer.text)


@pytest_asyncio.fixture(loop_scope="session")
async def houses(installation: Installation) -> Houses:
    """The two, in the application of one test."""
    return await built(installation)


async def built(installation: Installation) -> Houses:
    """Two organisations that take any user name; theirs is older, so its rows would be met first."""
    older, younger = [
        await installation.organization(domain=domain, addresses=Addresses.FREE)
        for domain in (f"{THEIRS}.example", "ours.example")
    ]
    scopes = DEFAULT_SCOPES | {Scope.ADMINISTER}
    theirs = await installation.client(older, scopes=scopes)
    ours = [
        await installation.client(younger, scopes=scopes, strict=strict, revive=revive)
        for strict, revive in ((False, False), (True, False), (False, True))
    ]
    found = await kinds(theirs)
    made: dict[str, Answer] = {}
    await theirs.make_user(f"{THEIRS}-gone", active=False)
    for kind in found:
        refers = {"Group": "members", "Case": "owner"}.get(kind.name)
        references = {refers: {"value": made["User"].id}} if refers else {}
        made[kind.name] = await theirs.post(kind.endpoint, kind.filled(THEIRS, **references))
        assert made[kind.name].status == 201, made[kind.name].text
    return Houses(ours, theirs, found, aims_at(made))


def aims_at(made: Mapping[str, Answer]) -> tuple[Aim, Aim]:
    """Theirs, and what is as long as theirs but not there."""
    ids = {name: answer.id for name, answer in made.items()}
    tags = {name: answer.headers["ETag"] for name, answer in made.items()}
    nobodys = {name: known[:-4] + ("0000" if known[-4:] != "0000" else "1111") for name, known in ids.items()}
    return Aim(THEIRS, ids, tags), Aim(
        NOBODYS, nobodys, {name: tag.replace("1", "7") for name, tag in tags.items()}
    )


def questions_at(path: str, found: list[Kind]) -> Iterator[Question]:
    """Every verb at a path, with bodies of theirs where one is read; and with conditions where they count."""
    endpoint = next((each for each in ENDPOINTS if path.startswith(each)), None)
    about = ENDPOINTS[endpoint] if endpoint else "User"
    kind = next(each for each in found if each.name == about)
    aimed = path.replace("{resource_id}", f"<{about}>")
    for method in METHODS:
        bodies = list(_bodies(method, path, kind))
        yield from (Question(method, aimed, body) for body in bodies)
        if endpoint and aimed != path and method in CONDITIONAL:
            yield from (Question(method, aimed, bodies[0], headers) for headers in _conditions(about))


def _conditions(about: str) -> Iterator[dict[str, str]]:
    for name in ("If-Match", "If-None-Match"):
        for tag in (f"<tag of {about}>", "*"):
            yield {name: tag}


def _bodies(method: str, path: str, kind: Kind) -> Iterator[Any]:
    document = kind.filled("<word>")
    if path.endswith("/.search"):
        conditions = (f'id eq "<{kind.name}>"', 'externalId eq "<word>-externalId"')
        yield from ({"schemas": [SEARCH], "filter": condition} for condition in conditions)
    elif method == "PATCH":
        yield {"Operations": [{"op": "replace", "value": _without_schemas(document)}]}
    elif method in ("POST", "PUT"):
        yield document
        yield from (body for _, body in referring(kind))
    else:
        yield None


def _without_schemas(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "schemas"}


def referring(kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each attribute that refers to other resources, with documents that refer by it to a user."""
    for attribute in kind.attributes:
        if attribute.refers and attribute.is_writable:
            for value in ({"value": "<User>"}, {"$ref": f"{BASE_URL}/Users/<User>"}):
                yield attribute.path, kind.filled("<word>", **{attribute.name: value})
