"""Reading: answers are the same whether another organisation is there or not (RFC 7644, section 6).

The other organisation has resources of the same ids (tests/twins.py). Every filterable attribute of
`/Schemas` is asked for with every operator, sorted by, paged over and projected, and all of it once
more where there is no other organisation.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import pytest_asyncio
from scim2_models.path import CompareOperator
from structlog.testing import capture_logs

from scimserver.scim.models import DIRECTORY_USER_SCHEMA
from scimserver.scim.provider import provider
from tests.conftest import Administration
from tests.discovered import Kind, literal
from tests.serving import Answer, ScimClient
from tests.twins import THEIRS, Twins, serving
from tests.twins import twins as twins

KINDS: Final = [str(kind.name) for kind in provider(strict=False).resource_types]
ROOT: Final = "/"
pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE: Final = 4
SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PAGES: Final = [{}, {"count": "0"}, {"startIndex": "2", "count": "1"}, {"startIndex": "4"}, {"cursor": ""}]
NOT_STORED: Final = {
    "User": {"meta.location", "meta.version", "groups.$ref", "manager.$ref"},
    "Group": {"meta.location", "meta.version", "members.$ref"},
    "Role": {"meta.location", "meta.version"},
    "Case": {"meta.location", "meta.version", "owner.$ref"},
}
"""What is made for each answer: a search for it is refused, whatever there is."""

Form = Callable[[Kind, Answer], Iterator["Question"]]
_SEALED: Final = re.compile(r'"(nextCursor|previousCursor)":"[^"]*"')
_OF_THE_REQUEST: Final = {"x-request-id", "date"}


@dataclass(frozen=True, slots=True)
class Question:
    """A read."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def asked(self, scim: ScimClient) -> Answer:
        method = "GET" if self.body is None else "POST"
        return await scim.request(
            method, self.path, self.body, params=self.params or None, headers=self.headers
        )


@dataclass(frozen=True, slots=True)
class Worlds:
    """The application over two databases that differ by theirs alone; ours is a client of each."""

    twins: Twins
    beside: ScimClient
    alone: ScimClient
    theirs: ScimClient

    def kind(self, name: str) -> tuple[Kind, Answer]:
        """A resource type, and their resource of it."""
        [found] = [kind for kind in self.twins.kinds if kind.name == name]
        return found, self.twins.made[name]

    async def differing(self, questions: Iterable[Question]) -> list[Question]:
        """The questions that are answered otherwise beside theirs, or with anything of theirs."""
        asked = list(questions)
        assert asked
        # A line for each request would take a fifth of the time to print.
        with capture_logs():
            beside, alone = [await answers(asked, scim) for scim in (self.beside, self.alone)]
        return [
            question
            for question, one, other in zip(asked, beside, alone, strict=True)
            if said(one) != said(other) or (one.status == 200 and THEIRS in one.text.lower())
        ]


def said(answer: Answer) -> tuple[object, ...]:
    """All that an answer says, but for what differs from request to request."""
    headers = sorted(
        (name, value) for name, value in answer.headers.items() if name.lower() not in _OF_THE_REQUEST
    )
    return answer.status, headers, _SEALED.sub(r'"\1":""', answer.text)


def values(kind: Kind, resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every path that a filter may name, and theirs' value there, as a filter writes it."""
    for path, attribute, part in kind.places():
        value = attribute.of(resource)
        if part is not None and isinstance(value, Mapping):
            value = value.get(part)
        if value is not None:
            yield path, literal(value)


def whole(kind: Kind, resource: Answer) -> Iterator[tuple[str, str]]:
    """The same without sub-attributes: for what does not depend on where an attribute lives."""
    names = {attribute.path for attribute in kind.attributes}
    return ((path, value) for path, value in values(kind, resource.json) if path in names)


def compared(kind: Kind, resource: Answer, operator: str) -> Iterator[Question]:
    """Every attribute with an operator and theirs' value."""
    for path, value in values(kind, resource.json):
        yield Question(kind.endpoint, {"filter": f"{path} {operator} {value}"})


def present(kind: Kind, _resource: Answer) -> Iterator[Question]:
    for path, _, _ in kind.places():
        yield Question(kind.endpoint, {"filter": f"{path} pr"})


def negated(kind: Kind, resource: Answer) -> Iterator[Question]:
    for path, value in whole(kind, resource):
        yield Question(kind.endpoint, {"filter": f"not ({path} eq {value})"})


def bracketed(kind: Kind, resource: Answer) -> Iterator[Question]:
    for attribute in kind.attributes:
        entry = attribute.of(resource.json)
        if isinstance(entry, Mapping):
            for name, value in entry.items():
                condition = f"{attribute.path}[{name} eq {literal(value)}]"
                yield Question(kind.endpoint, {"filter": condition})


def by_body(kind: Kind, resource: Answer) -> Iterator[Question]:
    for path, value in whole(kind, resource):
        body = {"schemas": [SEARCH], "filter": f"{path} eq {value}"}
        yield Question(f"{kind.endpoint}/.search", body=body)


def from_the_root(kind: Kind, resource: Answer) -> Iterator[Question]:
    for path, value in whole(kind, resource):
        yield Question(ROOT, {"filter": f"{path} eq {value}"})


def ordered(kind: Kind, _resource: Answer) -> Iterator[Question]:
    """Every attribute to sort by, downwards by cursor; whole ones upwards by index, too."""
    for path, _, part in kind.places():
        order = {"sortBy": path, "sortOrder": "descending", "cursor": "", "count": "1"}
        yield Question(kind.endpoint, order)
        if part is None:
            yield Question(kind.endpoint, {"sortBy": path})


def projected(kind: Kind, resource: Answer) -> Iterator[Question]:
    """A resource by its id, each attribute alone and left out, and the condition that theirs would meet."""
    path = f"{kind.endpoint}/{resource.id}"
    yield Question(path, headers={"If-None-Match": resource.headers["ETag"]})
    for attribute in kind.attributes:
        yield Question(path, {"attributes": attribute.path})
        yield Question(kind.endpoint, {"excludedAttributes": attribute.path})


def comparable(kind: Kind) -> set[str]:
    """The paths that can equal something."""
    return {path for path, attribute, part in kind.places() if part is not None or attribute.is_compared}


async def answers(questions: Sequence[Question], scim: ScimClient) -> list[Answer]:
    """What a client is answered, in the order of the questions; a few are asked at once."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(question: Question) -> Answer:
        async with turns:
            return await question.asked(scim)

    return await asyncio.gather(*map(ask, questions))


@pytest.fixture(scope="module")
def databases(database_administration: Administration, twins: Twins) -> Generator[tuple[str, str]]:
    """Two clones; theirs is gone from the second."""
    clone = f"TEMPLATE {twins.database} STRATEGY file_copy"
    with database_administration.database(clone) as beside, database_administration.database(clone) as alone:
        asyncio.run(twins.remove_theirs(alone))
        yield beside, alone


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worlds(databases: tuple[str, str], twins: Twins) -> AsyncGenerator[Worlds]:
    async with serving(databases[0]) as beside, serving(databases[1]) as alone:
        yield Worlds(
            twins,
            beside=twins.ours.client(beside),
            alone=twins.ours.client(alone),
            theirs=twins.theirs.client(beside),
        )


@pytest.mark.parametrize("operator", [operator.value for operator in CompareOperator])
@pytest.mark.parametrize("kind", KINDS)
async def test_filter_finds_the_same_beside_the_other_organization(worlds: Worlds, kind: str, operator: str):
    assert await worlds.differing(compared(*worlds.kind(kind), operator)) == []


@pytest.mark.parametrize("form", [present, negated, bracketed, by_body, from_the_root, ordered, projected])
@pytest.mark.parametrize("kind", KINDS)
async def test_answer_is_the_same_beside_the_other_organization(worlds: Worlds, kind: str, form: Form):
    assert await worlds.differing(form(*worlds.kind(kind))) == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Cases", "/"])
async def test_pages_and_totals_are_the_same_beside_the_other_organization(
    worlds: Worlds, path: str, page: dict[str, str]
):
    assert await worlds.differing([Question(path, page)]) == []


# --- That the walk would find something -----------------------------------------------------------


# Of nobody there an identity provider is known: tests/api/test_saml_managed.py asks about those.
@pytest.mark.parametrize("kind", KINDS)
async def test_every_attribute_has_a_value_to_ask_for(worlds: Worlds, kind: str):
    found, resource = worlds.kind(kind)
    asked = {path for path, _ in values(found, resource.json)}
    silent = {path for path in comparable(found) if path.startswith(DIRECTORY_USER_SCHEMA)}
    assert comparable(found) - asked - silent <= {"password"}


@pytest.mark.parametrize("kind", KINDS)
async def test_value_that_is_asked_for_is_found_by_its_owner(worlds: Worlds, kind: str):
    found, resource = worlds.kind(kind)
    asked = [
        (path, Question(found.endpoint, {"filter": f"{path} eq {value}"}))
        for path, value in values(found, resource.json)
        if path in comparable(found)
    ]
    with capture_logs():
        told = await answers([question for _, question in asked], worlds.theirs)
    missed = {path for (path, _), answer in zip(asked, told, strict=True) if not _finds(answer)}
    assert {path.rpartition(":")[2] for path in missed} == NOT_STORED[kind]


def _finds(answer: Answer) -> bool:
    return answer.status == 200 and answer.json["totalResults"] > 0
