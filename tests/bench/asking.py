"""The requests that are measured: their bytes, made before the clock runs.

Proven by tests/unit/test_bench_figures.py for what must hold of them; that the server answers them as
expected is checked with each answer.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final
from urllib.parse import quote

from scimserver.directory.users.model import Document
from scimserver.kernel.facts import Json
from tests.bench.database import Organization
from tests.bench.load import SERIAL
from tests.bench.loading import Loaded
from tests.bench.people import Population

_SAMPLE: Final = 20_000
_SEED: Final = 7643
_TEMPLATES: Final = 500
_TAGS: Final = 1_000
_USERS: Final = "/scim/v2/Users"
_PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What requests are made for: an organisation, the server, and which of how many windows."""

    organization: Organization
    port: int
    window: int = 0
    windows: int = 1

    def request(self, method: str, target: str, body: Document | None = None, **headers: str) -> bytes:
        """A request as an identity provider sends it."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: scim.example.com",
            f"Authorization: Bearer {self.organization.token}",
            "Accept: application/scim+json",
            "User-Agent: Okta SCIM Client 1.0.0",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        if content:
            lines += ["Content-Type: application/scim+json; charset=utf-8", f"Content-Length: {len(content)}"]
        return "\r\n".join([*lines, "", ""]).encode() + content

    def numbers(self) -> list[int]:
        """People to ask for, the same in each run, spread over the whole organisation."""
        chosen = random.Random(_SEED)  # noqa: S311 - a sample, no secret
        size = self.organization.size
        return chosen.sample(range(size), min(size, _SAMPLE))

    def own_numbers(self) -> list[int]:
        """The part of them that no other window of the row touches."""
        return self.numbers()[self.window :: self.windows]

    def user(self, number: int) -> str:
        """The path of a person."""
        return f"{_USERS}/{self.organization.people.ids[number]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a server is asked during a window, and how it has to answer."""

    ask: Callable[[Scene], Sequence[bytes]]
    """Makes the requests; they are sent in turn, again and again."""
    status: int = 200
    is_fresh: bool = False
    """Whether each window needs requests of its own."""
    once: bool = False
    """Whether a request can be sent once only."""


def by_id(scene: Scene) -> Sequence[bytes]:
    """GET of a user."""
    return [scene.request("GET", scene.user(number)) for number in scene.numbers()]


def by_id_projected(scene: Scene) -> Sequence[bytes]:
    """GET of a few attributes of a user."""
    query = "?attributes=userName,name.familyName,emails.value"
    return [scene.request("GET", scene.user(number) + query) for number in scene.numbers()]


def unchanged(scene: Scene) -> Sequence[bytes]:
    """GET of a user whom the client knows already."""
    return [
        scene.request("GET", target, If_None_Match=tag)
        for target, tag in _tags(scene, scene.numbers()[:_TAGS])
    ]


def unknown_token(scene: Scene) -> Sequence[bytes]:
    """GET with a token that nobody issued."""
    right = scene.organization.token.encode()
    wrong = right[:-8] + b"AAAAAAAA"
    return [request.replace(right, wrong) for request in by_id(scene)[:_TAGS]]


def by_user_name(scene: Scene) -> Sequence[bytes]:
    """Okta's look-up before it creates."""
    return _filtered(scene, lambda people, number: f'userName eq "{people.user_name(number)}"')


def by_external_id(scene: Scene) -> Sequence[bytes]:
    """A look-up by what the identity provider calls the user."""
    return _filtered(scene, lambda people, number: f'externalId eq "{people.external_id(number)}"')


def by_work_mail(scene: Scene) -> Sequence[bytes]:
    """Entra's look-up by e-mail."""
    return _filtered(
        scene, lambda people, number: f'emails[type eq "work"].value eq "{people.user_name(number)}"'
    )


def first_page(scene: Scene) -> Sequence[bytes]:
    """The first hundred users."""
    return [page(scene)]


def create(scene: Scene) -> Sequence[bytes]:
    """Okta's POST."""
    return [scene.request("POST", _USERS, body) for body in _newcomers(scene)]


def create_unlogged(scene: Scene) -> Sequence[bytes]:
    """The same, to the bare reference's handler that writes the user alone."""
    return [scene.request("POST", "/scim/v2/Unlogged", body) for body in _newcomers(scene)]


def replace(scene: Scene) -> Sequence[bytes]:
    """PUT of the whole user, with another title."""
    people = scene.organization.people.population
    title: Document = {"title": f"Engineer {SERIAL.decode()}"}
    return [
        scene.request("PUT", scene.user(number), people.okta_body(number) | title)
        for number in scene.own_numbers()
    ]


def patch_title(scene: Scene) -> Sequence[bytes]:
    """PATCH of one attribute by its path."""
    operation: Document = {"op": "replace", "path": "title", "value": f"Engineer {SERIAL.decode()}"}
    return [scene.request("PATCH", scene.user(number), _patch(operation)) for number in scene.numbers()]


def patch_active(scene: Scene) -> Sequence[bytes]:
    """Okta's path-less PATCH: deactivated all, then activated all, in turn."""
    return [
        scene.request("PATCH", scene.user(number), _patch({"op": "replace", "value": {"active": active}}))
        for active in (False, True)
        for number in scene.own_numbers()
    ]


def delete(scene: Scene, leavers: Loaded) -> Sequence[bytes]:
    """DELETE of each of these people."""
    return [scene.request("DELETE", f"{_USERS}/{user}") for user in leavers.ids]


def page(scene: Scene, *, cursor: str | None = None, start: int = 1, count: int = 100) -> bytes:
    """A page by cursor, where one is given (an empty one is the first page's), else by index."""
    where = f"startIndex={start}" if cursor is None else f"cursor={cursor}"
    return scene.request("GET", f"{_USERS}?{where}&count={count}")


def _patch(operation: Document) -> Document:
    return {"schemas": [_PATCH_OP], "Operations": [operation]}


def _filtered(scene: Scene, text: Callable[[Population, int], str]) -> Sequence[bytes]:
    people = scene.organization.people.population
    return [
        scene.request("GET", f"{_USERS}?filter={quote(text(people, number))}&startIndex=1&count=100")
        for number in scene.numbers()
    ]


def _newcomers(scene: Scene) -> Iterator[Document]:
    """Bodies of people who are not there yet: their number is put in when they are sent."""
    population = Population(domain=scene.organization.people.population.domain, series="n")
    for number in range(_TEMPLATES):
        text = json.dumps(population.okta_body(number), ensure_ascii=False)
        body: dict[str, Json] = json.loads(text.replace(f"{number:010}", SERIAL.decode()))
        yield body


def _tags(scene: Scene, numbers: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Paths and entity tags of people, as the server gives them."""
    connection = HTTPConnection("127.0.0.1", scene.port)
    for number in numbers:
        target = scene.user(number)
        connection.request("GET", target, headers={"Authorization": f"Bearer {scene.organization.token}"})
        answer = connection.getresponse()
        answer.read()
        yield target, answer.headers["ETag"]
    connection.close()
