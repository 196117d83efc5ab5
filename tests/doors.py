"""Every door by which a user is made or changed, as data: what a rule forbids is refused at each.

A door is given attributes that a user is to have, and says how it answered. One that is added later
is one more row here, and every table of rules has it.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from click.testing import Result

from scimserver.audit.store import Logged
from scimserver.directory import cloning, users
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact, UserCloned, UserCreated, UserUpdated
from scimserver.kernel.ids import UserId, new_uuid
from scimserver.kernel.permissions import permissions_of
from scimserver.work import Trace, Work, refusal
from tests.leaving import House
from tests.serving import PATCH_OP, USER, Answer, ScimClient, fresh_address

Wanted = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a door answered."""

    done: bool
    code: tuple[int, str | None] | int | type[Refused] | None
    """Status and `scimType`, an exit code, or what an action raised."""
    text: str


class Face(Enum):
    """What a door belongs to."""

    SCIM = auto()
    COMMAND = auto()
    IMPORT = auto()
    ACTION = auto()


@dataclass(frozen=True, slots=True)
class Door:
    """A way to make a user of attributes, or to give them to one who is there."""

    name: str
    call: Callable[[House, Answer, Wanted], Awaitable[Told]]
    event: str
    """What the attempt is called in the log."""
    face: Face = Face.SCIM
    is_change: bool = False
    """Whether a user who was there has them afterwards, so that the log holds what was before."""
    takes: frozenset[str] = frozenset({"userName", "roles", "timezone", "active"})

    def __str__(self) -> str:
        return self.name


# -- SCIM ------------------------------------------------------------------------------


def told(answer: Answer) -> Told:
    """What an answer over SCIM says."""
    done = answer.status < 300
    return Told(done, None if done else answer.error, "" if done else answer.json["detail"])


async def _strict(house: House) -> ScimClient:
    return await house.installation.client(house.scim.organization, strict=True, scopes=house.scopes)


async def _tolerant(house: House) -> ScimClient:
    return house.scim


async def _reviving(house: House) -> ScimClient:
    return await house.installation.client(house.scim.organization, revive=True, scopes=house.scopes)


Client = Callable[[House], Awaitable[ScimClient]]


def _post(name: str, client: Client) -> Door:
    async def call(house: House, user: Answer, wanted: Wanted) -> Told:
        body = {"schemas": [USER], "userName": fresh_address(), **wanted}
        return told(await (await client(house)).post("/Users", body))

    return Door(name, call, UserCreated.attempt)


def _put(name: str, client: Client) -> Door:
    async def call(house: House, user: Answer, wanted: Wanted) -> Told:
        body = {"schemas": [USER], "userName": user.json["userName"], **wanted}
        return told(await (await client(house)).put(f"/Users/{user.id}", body))

    return Door(name, call, UserUpdated.attempt, is_change=True)


Form = Callable[[str, Any], dict[str, Any]]


def _patch(name: str, form: Form, client: Client = _tolerant) -> Door:
    async def call(house: House, user: Answer, wanted: Wanted) -> Told:
        operations = [form(attribute, value) for attribute, value in wanted.items()]
        body = {"schemas": [PATCH_OP], "Operations": operations}
        return told(await (await client(house)).request("PATCH", f"/Users/{user.id}", body))

    return Door(f"PATCH {name}", call, UserUpdated.attempt, is_change=True)


def _at(op: str, path: str = "{}") -> Form:
    return lambda attribute, value: {"op": op, "path": path.format(attribute), "value": value}


def _whole(op: str, name: str = "{}") -> Form:
    return lambda attribute, value: {"op": op, "value": {name.format(attribute): value}}


FORMS: Final[dict[str, Form]] = {
    "replace": _at("replace"),
    "add": _at("add"),
    "replace in capitals": lambda attribute, value: {
        "op": "Replace",
        "path": attribute.upper(),
        "value": value,
    },
    "replace by its whole name": _at("replace", USER + ":{}"),
    "replace without a path": _whole("replace"),
    "add without a path": _whole("add"),
    "replace of a whole name without a path": _whole("replace", USER + ":{}"),
    "replace inside the schema": lambda attribute, value: {
        "op": "replace",
        "value": {USER: {attribute: value}},
    },
    "replace of the schema": lambda attribute, value: {
        "op": "replace",
        "path": USER,
        "value": {attribute: value},
    },
}
"""The forms of a PATCH operation that gives a value to an attribute."""


def _listed(attribute: str, value: Any) -> dict[str, Any]:
    # Microsoft Entra ID writes single values so.
    return {"op": "replace", "path": attribute, "value": [{"value": value}]}


STRICT_FORMS: Final = ("replace", "add", "replace by its whole name")
"""Those that a strict connection takes: it wants a path."""


async def _cloned(house: House, user: Answer, wanted: Wanted) -> Told:
    return told(await house.scim.post(f"/Users/{user.id}/.clone", dict(wanted)))


# -- commands --------------------------------------------------------------------------


def ran(result: Result) -> Told:
    """What came of a command."""
    return Told(result.exit_code == 0, result.exit_code or None, result.stderr)


async def _cloned_by_command(house: House, user: Answer, wanted: Wanted) -> Told:
    return ran(await house.ran("user", "clone", user.id, "--user-name", wanted["userName"]))


async def _added_by_command(house: House, user: Answer, wanted: Wanted) -> Told:
    given = {
        "roles": ("--role", _cell(wanted.get("roles", []))),
        "timezone": ("--timezone", wanted.get("timezone")),
    }
    options = [part for name, option in given.items() if name in wanted for part in option]
    names = ("--given-name", "Grace", "--family-name", "Hopper")
    return ran(await house.ran("user", "add", wanted.get("userName", fresh_address()), *names, *options))


PARTLY: Final = 4
"""How an import ends of which a row was refused."""


async def imported(house: House, row: dict[str, Any], written: str) -> Told:
    """What became of a file with that one row."""
    result = await house.imported(_file(written, row), written)
    verdict = json.loads(result.stdout.splitlines()[0])
    return Told(result.exit_code == 0, result.exit_code or None, verdict.get("detail", ""))


def _imported(written: str, *, is_change: bool) -> Door:
    async def call(house: House, user: Answer, wanted: Wanted) -> Told:
        row = {"id": user.id} if is_change else {"id": "", "userName": fresh_address()}
        row |= {_COLUMN.get(name, name): _cell(value) for name, value in wanted.items()}
        return await imported(house, row, written)

    name = f"import of {written}, " + ("a user who is there" if is_change else "a new user")
    fact = UserUpdated if is_change else UserCreated
    return Door(name, call, fact.attempt, Face.IMPORT, is_change=is_change)


_COLUMN: Final = {"roles": "role"}


def _cell(value: Any) -> Any:
    """A value of an attribute, as a file has it."""
    if isinstance(value, list):
        return ";".join(entry["value"] for entry in value)
    return str(value).lower() if isinstance(value, bool) else value


def _file(written: str, row: dict[str, Any]) -> str:
    if written == "csv":
        cells = ['"{}"'.format(cell.replace('"', '""')) for cell in row.values()]
        return f"{','.join(row)}\n{','.join(cells)}\n"
    return json.dumps([row] if written == "json" else row)


# -- actions ---------------------------------------------------------------------------


def _acted(action: Callable[[Work, User, Wanted], Awaitable[Any]], fact: type[Fact]) -> Door:
    async def call(house: House, user: Answer, wanted: Wanted) -> Told:
        # Whoever stands between people and the directory records what it hears, as is done here.
        room, trace = house.installation.room, Trace()
        work = room.open(_person(house), Origin(request_id="of a person"), trace=trace)
        try:
            async with work:
                await action(work, await users.find(work, user.id), wanted)
        except Refused as refused:
            entry = refusal(
                fact,
                refused,
                trace,
                actor=work.actor,
                origin=work.origin,
                now=room.clock(),
                target=UUID(user.id),
            )
            await room.record(entry)
            return Told(done=False, code=type(refused), text=refused.detail)
        return Told(done=True, code=None, text="")

    name = f"{action.__name__.strip('_')} by a person"
    return Door(name, call, fact.attempt, Face.ACTION, is_change=fact is UserUpdated)


def _person(house: House) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        organization=house.scim.organization,
        permissions=permissions_of(house.scopes),
        user=UserId(new_uuid()),
    )


async def _create(work: Work, user: User, wanted: Wanted) -> None:
    await users.create(work, {"userName": fresh_address(), **wanted})


async def _add(work: Work, user: User, wanted: Wanted) -> None:
    name = {"givenName": "Grace", "familyName": "Hopper"}
    await users.add(work, {"userName": fresh_address(), "name": name, **wanted})


async def _update(work: Work, user: User, wanted: Wanted) -> None:
    await users.update(work, user, {**user.document, **wanted})


async def _clone(work: Work, user: User, wanted: Wanted) -> None:
    await cloning.clone(work, user, wanted["userName"])


# -- all of them -----------------------------------------------------------------------


_ADDRESS: Final = frozenset({"userName"})

DOORS: Final[tuple[Door, ...]] = (
    _post("POST", _tolerant),
    _post("POST, strict", _strict),
    _post("POST, reviving", _reviving),
    _put("PUT", _tolerant),
    _put("PUT, strict", _strict),
    *(_patch(name, form) for name, form in FORMS.items()),
    *(_patch(f"{name}, strict", FORMS[name], _strict) for name in STRICT_FORMS),
    replace(_patch("replace by a list of one", _listed), takes=frozenset({"userName", "timezone"})),
    Door("POST .clone", _cloned, UserCloned.attempt, takes=_ADDRESS),
    Door("user clone", _cloned_by_command, UserCloned.attempt, Face.COMMAND, takes=_ADDRESS),
    Door("user add", _added_by_command, UserCreated.attempt, Face.COMMAND),
    *(_imported(written, is_change=each) for written in ("csv", "json", "jsonl") for each in (False, True)),
    _acted(_create, UserCreated),
    _acted(_add, UserCreated),
    _acted(_update, UserUpdated),
    replace(_acted(_clone, UserCloned), takes=_ADDRESS),
)


def changed(logged: Logged, path: str) -> tuple[Any, Any]:
    """What an entry of the log says that an attribute was, and was to be."""
    [at] = [at for at, change in enumerate(logged.entry["changes"]) if change["path"] == path]
    return logged.personal.get(f"changes.{at}.old"), logged.personal.get(f"changes.{at}.new")


def doors_to(attributes: Iterable[str]) -> list[Door]:
    """The doors that give a user all of these attributes."""
    return [door for door in DOORS if door.takes >= set(attributes)]
