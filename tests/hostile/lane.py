"""One connection to one organisation: sends sessions, judges answers, looks at what became of the tables."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import quote

from pydantic import ValidationError
from scim2_models import Context

from scimserver.scim.provider import provider
from tests.hostile import judging
from tests.hostile.ground import STRANGER, House, Ledger, read
from tests.hostile.judging import document
from tests.hostile.places import BASE
from tests.hostile.plan import Mark, Request, Session
from tests.hostile.wire import Answer, NoAnswer

_WRITES = (b"POST", b"PUT", b"PATCH", b"DELETE")
_READ_BACK = 3
"""How many of the users, of the groups and of the cases that a session made are looked for again."""
_LONGEST_CONDITION = 6_000
_SLOWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A session in which something was wrong."""

    session: Session
    index: int
    """Which request of the session; one past the last where reading back went wrong."""
    request: Request
    """The same with the ids that it was sent with."""
    complaints: tuple[str, ...]
    answer: str

    @property
    def kind(self) -> str:
        """The first complaint without its particulars."""
        return self.complaints[0].partition(":")[0]

    @property
    def is_slowness(self) -> bool:
        """Whether nothing is wrong but the time that it took."""
        return all(each.removeprefix("afterwards ").startswith("slow") for each in self.complaints)

    def cut(self) -> "Finding":
        """Without the requests after the one that was wrong."""
        return replace(self, session=self.session[: self.index + 1])

    def __str__(self) -> str:
        return f"{'; '.join(self.complaints)}\n  {self.request}\n  -> {self.answer}"


@dataclass(slots=True)
class Tally:
    """What was sent, and how it was answered."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """By verb and endpoint, and status; 0 is no answer."""
    slowest: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def saw(self, request: Request, status: int, seconds: float = 0.0) -> None:
        """Count an answer."""
        name = f"{_verb(request)} {_endpoint(request)}"
        self.answers[name, status] += 1
        if len(self.slowest) < _SLOWEST or seconds > self.slowest[-1][0]:
            self._keep([(seconds, f"{name}, {len(request.body)} bytes: {request.body[:80]!r}")])

    def add(self, other: "Tally") -> None:
        """Take over what another has counted."""
        self.answers += other.answers
        self._keep(other.slowest)

    def _keep(self, more: Sequence[tuple[float, str]]) -> None:
        self.slowest = sorted([*self.slowest, *more], reverse=True)[:_SLOWEST]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    complaints: list[str]
    answer: str


class Exchange(Protocol):
    """Sends requests, as a `Wire` does."""

    async def exchange(self, request: Request) -> Answer:
        """The answer. Raises `NoAnswer`."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...


class Lane:
    """One connection to one organisation, which nobody else calls."""

    def __init__(self, wire: Exchange, ledger: Ledger, house: House, stranger: House, tally: Tally) -> None:
        self.wire = wire
        self.ledger = ledger
        self.house = house
        self.stranger = stranger
        self._tally = tally
        self._secrets = (*(token.encode() for token in house.tokens), STRANGER.encode())
        self._state: tuple[str, ...] | None = None
        """The organisation's rows as far as they are known to be unchanged since."""
        self._forget()

    async def close(self) -> None:
        """End the connection."""
        await self.wire.close()

    async def play(self, planned: Session) -> Finding | None:
        """Send a session's requests one after the other; the first that is answered wrongly ends it."""
        self._forget()
        try:
            for index, each in enumerate(planned):
                request = each.resolved(self._meaning)
                if wrong := await self._asked(request):
                    return _finding(planned, index, request, wrong)
            return await self._aftermath(planned)
        finally:
            await self.ledger.restore(self.house)
            self._state = None

    def _forget(self) -> None:
        self._made: dict[str, list[str]] = {"Users": [], "Groups": [], "Roles": [], "Cases": []}
        self._cursor = ""
        self._etag = 'W/"1"'

    async def _asked(self, request: Request) -> _Wrong | None:
        """Send one request; what is wrong with the answer."""
        writes = request.method in _WRITES
        if writes and self._state is None:
            self._state = await self.ledger.state(self.house)
        try:
            answer = await self.wire.exchange(request)
        except NoAnswer as none:
            self._tally.saw(request, 0)
            self._state = None
            return _Wrong(complaints=[f"no answer: {none}"], answer="") if request.is_http else None
        self._tally.saw(request, answer.status, answer.seconds)
        complaints = list(judging.complaints(request, answer, self._secrets))
        if writes:
            complaints += await self._effects(answer)
        if 200 <= answer.status < 300:
            complaints += self._understood(request, answer)
        return _Wrong(complaints=complaints, answer=_shown(answer)) if complaints else None

    async def _effects(self, answer: Answer) -> list[str]:
        """What a write did to the tables though it was refused, as a complaint."""
        before, self._state = self._state, None
        if answer.status < 400:
            return []
        self._state = await self.ledger.state(self.house)
        if self._state == before or before is None:
            return []
        return [f"{answer.status} changed something: {sorted(set(before) ^ set(self._state))}"]

    def _understood(self, request: Request, answer: Answer) -> Iterator[str]:
        """Take from a success what later requests speak of; complaints about resources in it."""
        body = document(answer) if answer.body.startswith(b"{") else None
        if not isinstance(body, dict):
            return
        self._etag = answer.headers.get("etag", self._etag)
        self._cursor = body.get("nextCursor", self._cursor)
        if answer.status == 201:
            kind, made = answer.headers.get("location", "/").rsplit("/", 2)[-2:]
            self._made[kind].append(made)
        # What was asked for by `attributes` need not be whole.
        is_partial = b"ttributes" in request.target + request.body
        for each in body["Resources"][:1] if "Resources" in body else [body]:
            yield from _faults(each, is_partial=is_partial)

    async def _aftermath(self, planned: Session) -> Finding | None:
        """Read back what the session left: nothing that is stored may break a read."""
        paths = [f"/{kind}?count=1000" for kind in self._made]
        paths += [f"/{kind}/{each}" for kind, made in self._made.items() for each in made[-_READ_BACK:]]
        for path in paths:
            check = read(self.house.tokens[0], path)
            wrong = await self._asked(check) or (await self._listed(check) if "?" in path else None)
            if wrong:
                afterwards = [f"afterwards {each}" for each in wrong.complaints]
                return _finding(planned, len(planned), check, replace(wrong, complaints=afterwards))
        return None

    async def _listed(self, check: Request) -> _Wrong | None:
        """Whether a list is whole, and what was made can be found by its name."""
        answer = await self.wire.exchange(check)
        body = document(answer)
        if body["totalResults"] != len(body["Resources"]):
            return _Wrong(complaints=["the list is not whole"], answer=_shown(answer))
        made = {each for ids in self._made.values() for each in ids[-_READ_BACK:]}
        for each in body["Resources"]:
            if each["id"] in made and (wrong := await self._found_again(each)):
                return wrong
        return None

    async def _found_again(self, resource: Mapping[str, Any]) -> _Wrong | None:
        if faults := list(_faults(resource, is_partial=False)):
            return _Wrong(complaints=faults, answer=json.dumps(resource)[:1500])
        kind = resource["meta"]["resourceType"]
        name = _NAMES.get(kind, "displayName")
        condition = quote(f"{name} eq {json.dumps(resource[name])}", safe="")
        if len(condition) > _LONGEST_CONDITION:
            return None
        check = read(self.house.tokens[0], f"/{kind}s?count=1000&filter={condition}")
        answer = await self.wire.exchange(check)
        body = document(answer)
        if answer.status == 200 and resource["id"] in [each["id"] for each in body["Resources"]]:
            return None
        return _Wrong(complaints=[f"not found by {name}: {resource[name]!r}"], answer=_shown(answer))

    def _meaning(self, mark: Mark, number: int) -> str:
        """What a mark stands for, at this moment."""
        match mark:
            case Mark.DOMAIN:
                return self.house.domain
            case Mark.TOKEN:
                return _one(self.house.tokens, number)
            case Mark.CURSOR:
                return self._cursor
            case Mark.ETAG:
                return self._etag
            case Mark.STRANGER:
                return (self.stranger.users[0], self.stranger.groups[0], self.stranger.roles[0])[number % 3]
            case _:
                return self._resource(mark, number)

    def _resource(self, mark: Mark, number: int) -> str:
        """The id of a resource of our own."""
        there = {
            Mark.USER: self.house.users,
            Mark.GROUP: self.house.groups,
            Mark.ROLE: self.house.roles,
            Mark.CASE: self.house.cases,
        }
        if mark in there:
            return _one(there[mark], number)
        kind, instead = _MADE[mark]
        return _youngest(self._made[kind], number) or _one(there[instead], number)


_MADE = {
    Mark.MADE_USER: ("Users", Mark.USER),
    Mark.MADE_GROUP: ("Groups", Mark.GROUP),
    Mark.MADE_ROLE: ("Roles", Mark.ROLE),
    Mark.MADE_CASE: ("Cases", Mark.CASE),
}
"""What a session made, and what stands for it before there is any."""


def _one(them: Sequence[str], number: int) -> str:
    return them[number % len(them)]


def _finding(planned: Session, index: int, request: Request, wrong: _Wrong) -> Finding:
    return Finding(
        session=planned,
        index=index,
        request=request,
        complaints=tuple(wrong.complaints),
        answer=wrong.answer,
    )


def _faults(resource: Mapping[str, Any], *, is_partial: bool) -> Iterator[str]:
    """Why a resource does not keep to its schema, as scim2-models reads it."""
    kind = (resource.get("meta") or {}).get("resourceType")
    model = provider(strict=False).model_for(kind) if kind in ("User", "Group", "Role", "Case") else None
    if model is None:
        return
    try:
        context = None if is_partial else Context.RESOURCE_QUERY_RESPONSE
        model.model_validate(resource, scim_ctx=context)
    except ValidationError as error:
        yield f"no valid resource: {error.errors()[:3]}"


def _youngest(made: Sequence[str], number: int) -> str:
    return made[-1 - number % len(made)] if made else ""


def _shown(answer: Answer) -> str:
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "server")}
    return f"{answer.status} {headers} {answer.body[:1500]!r}"


_NAMES = {"User": "userName", "Case": "subject"}
"""What resources are looked for by, where it is not `displayName`."""

_VERBS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_ENDPOINTS = {
    "Users",
    "Groups",
    "Roles",
    "Cases",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "Me",
    "Bulk",
    ".search",
    "",
}


def _verb(request: Request) -> str:
    method = request.method.decode("latin-1")
    return method if method in _VERBS else "(other)"


def _endpoint(request: Request) -> str:
    if not judging.is_below_base(request):
        return "(outside)"
    path = request.target.partition(b"?")[0].decode("latin-1")
    segments = path[len(BASE) :].strip("/").split("/")
    if segments[0] == "Users" and len(segments) == 3 and segments[2] in (".clone", ".password"):
        return f"/Users/{{id}}/{segments[2]}"
    if segments[0] not in _ENDPOINTS or len(segments) > 2:
        return "(unknown)"
    last = "" if len(segments) == 1 else "/.search" if segments[1] == ".search" else "/{id}"
    return f"/{segments[0]}{last}"
