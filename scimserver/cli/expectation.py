"""What a dialogue expects of an answer: statuses, headers, and checks on paths into the JSON body.

A path is written `Resources[0].name.familyName`; `[type=work]` picks the first element of a list
whose `type` is `work`, and `['urn:…:2.0:User']` names a key that holds dots. A value that is null
or an empty list counts as unassigned, as if it were not there (RFC 7643, section 2.5).
Proven by tests/unit/test_dialogue.py.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, TypeAlias, assert_never

from scimserver.cli.placeholders import Json, Unfilled, as_text, fill, fill_text

_SHOWN = 120


class Missing(Enum):
    """The one value that says: there is nothing here."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The first element of a list whose `key` holds `value`."""

    key: str
    value: str


Path: TypeAlias = tuple[str | int | Pick, ...]
"""Steps into a JSON value: a key, an index, or a pick. None at all means the value itself."""


class Kind(StrEnum):
    """How a check looks at what it finds. Values are the keys of the data format."""

    IS = "is"
    PRESENT = "present"
    ABSENT = "absent"
    CONTAINS = "contains"
    LACKS = "lacks"
    TYPE = "type"
    MATCHES = "matches"


FLAGS = (Kind.PRESENT, Kind.ABSENT)
"""Kinds that ask for no value: the data says `true`."""

_TYPES: Mapping[type, tuple[str, ...]] = {
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    list: ("array",),
    dict: ("object",),
}

JSON_TYPES = tuple(dict.fromkeys(name for names in _TYPES.values() for name in names))
"""What a check of kind `type` may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that has to hold at one place of an answer."""

    where: str
    """The path or the header, as the data writes it."""

    path: Path
    kind: Kind
    value: Json
    caseless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the identity provider needs of an answer to go on."""

    statuses: tuple[int, ...]
    headers: tuple[Check, ...] = ()
    checks: tuple[Check, ...] = ()
    max_ms: int | None = None
    """The milliseconds that the provider likes to see; for information, never a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are in lower case; a body that is no JSON is `MISSING`."""

    status: int
    headers: Mapping[str, str]
    body: Json | Missing
    text: str = ""


_SEGMENT = re.compile(
    r"\['(?P<quoted>[^']+)'\]"
    r"|\[(?P<index>\d+)\]"
    r"|\[(?P<key>[\w$]+)=(?P<value>[^\]]+)\]"
    r"|(?P<dot>\.?)(?P<name>[\w$-]+)"
)


def parse_path(text: str) -> Path:
    """The steps of a path; raises ValueError when the text is none."""
    steps: list[str | int | Pick] = []
    position = 0
    while position < len(text):
        found = _SEGMENT.match(text, position)
        if found is None or (found["name"] and bool(found["dot"]) == (position == 0)):
            raise ValueError(f"not a path at character {position}: {text}")
        steps.append(_step(found))
        position = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> str | int | Pick:
    if found["index"]:
        return int(found["index"])
    if found["key"]:
        return Pick(key=found["key"], value=found["value"])
    return str(found["quoted"] or found["name"])


def find(document: Json | Missing, path: Path, variables: Mapping[str, Json]) -> Json | Missing:
    """What stands at the path, or `MISSING`; raises `Unfilled` for a pick without its value."""
    here = document
    for step in path:
        here = _descend(here, step, variables)
    return here


def _descend(here: Json | Missing, step: str | int | Pick, variables: Mapping[str, Json]) -> Json | Missing:
    match step:
        case str():
            return here.get(step, MISSING) if isinstance(here, dict) else MISSING
        case int():
            return here[step] if isinstance(here, list) and step < len(here) else MISSING
        case Pick():
            wanted = fill_text(step.value, variables)
            elements = here if isinstance(here, list) else []
            return next((item for item in elements if _is_picked(item, step.key, wanted)), MISSING)


def _is_picked(item: Json, key: str, wanted: str) -> bool:
    return isinstance(item, dict) and key in item and as_text(item[key]) == wanted


def judge(expectation: Expectation, answer: Answer, variables: Mapping[str, Json]) -> tuple[str, ...]:
    """Every expectation that the answer fails, a sentence each.

    After another status than expected, nothing else is looked at: it would only echo the first.
    """
    if answer.status not in expectation.statuses:
        wanted = " or ".join(map(str, expectation.statuses))
        return (f"status: expected {wanted}, found {answer.status}{_detail(answer)}",)
    failures: list[str] = []
    for check in expectation.headers:
        found = answer.headers.get(check.where.lower(), MISSING)
        failures += _failure(check, found, variables, where=f"header {check.where}")
    if expectation.checks and answer.body is MISSING:
        return (*failures, "body: expected JSON, found none")
    for check in expectation.checks:
        failures += _failure(check, answer.body, variables, where=check.where or "body")
    return tuple(failures)


def _detail(answer: Answer) -> str:
    """What a SCIM error says of itself (RFC 7644, section 3.12)."""
    if not isinstance(answer.body, dict):
        return ""
    said = [answer.body[name] for name in ("scimType", "detail") if name in answer.body]
    return "".join(f", {_shown(part)}" for part in said)


def _failure(
    check: Check, document: Json | Missing, variables: Mapping[str, Json], *, where: str
) -> list[str]:
    """One sentence, or none when the check holds."""
    try:
        found = find(document, check.path, variables)
        wanted = _wanted(check, variables)
        where = fill_text(where, variables)
    except Unfilled as unfilled:
        return [f"{where}: cannot be checked without {unfilled}"]
    if holds(check.kind, wanted, found, caseless=check.caseless):
        return []
    asked = check.kind if check.kind in FLAGS else f"{check.kind} {_shown(wanted)}"
    return [f"{where}: expected {asked}, found {_shown(found)}"]


def _wanted(check: Check, variables: Mapping[str, Json]) -> Json:
    if check.kind is Kind.MATCHES:
        # A value inside a pattern stands for itself: an address holds dots.
        return fill_text(as_text(check.value), variables, quote=re.escape)
    return fill(check.value, variables)


def holds(kind: Kind, wanted: Json, found: Json | Missing, *, caseless: bool = False) -> bool:
    """Whether what was found meets a check of this kind."""
    match kind:
        case Kind.PRESENT:
            met = is_assigned(found) and found != ""
        case Kind.ABSENT:
            met = not is_assigned(found)
        case Kind.IS:
            met = found is not MISSING and _same(found, wanted, caseless)
        case Kind.CONTAINS:
            met = _contains(found, wanted, caseless)
        case Kind.LACKS:
            met = not _contains(found, wanted, caseless)
        case Kind.TYPE:
            met = wanted in _TYPES.get(type(found), ())
        case Kind.MATCHES:
            flags = re.IGNORECASE if caseless else re.NOFLAG
            met = isinstance(found, str) and re.search(as_text(wanted), found, flags) is not None
        case _:
            assert_never(kind)
    return met


def is_assigned(found: Json | Missing) -> bool:
    """Whether there is a value: neither null nor an empty list (RFC 7643, section 2.5)."""
    return found is not MISSING and found is not None and found != []


def _same(left: Json, right: Json, caseless: bool) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left == right or (caseless and left.casefold() == right.casefold())
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(_same(*pair, caseless) for pair in pairs)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and _covers(left, right, caseless)
    # In JSON true is not 1, though Python says so.
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _covers(found: Json, wanted: Json, caseless: bool) -> bool:
    """Whether an object has all that is wanted of it, and perhaps more."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and _same(found[key], value, caseless) for key, value in wanted.items())
    return _same(found, wanted, caseless)


def _contains(found: Json | Missing, wanted: Json, caseless: bool) -> bool:
    if isinstance(found, list):
        return any(_covers(item, wanted, caseless) for item in found)
    if isinstance(found, str) and isinstance(wanted, str):
        return wanted in found or (caseless and wanted.casefold() in found.casefold())
    return False


def _shown(value: Json | Missing) -> str:
    if value is MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
