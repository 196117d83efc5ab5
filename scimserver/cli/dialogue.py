"""A dialogue: the requests that an identity provider sends, in order, and the answers it needs.

Dialogues are JSON files; the shipped ones are `okta` and `entra`. Reading one checks it whole:
unknown keys, two steps of one name and placeholders that nothing defines are refused.
Proven by tests/unit/test_dialogue.py; tests/conformance/test_dialogue_data.py reads all the data.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path as FilePath

from scimserver.cli.expectation import FLAGS, JSON_TYPES, Check, Expectation, Kind, Path, Pick, parse_path
from scimserver.cli.placeholders import Json, has_stray_braces, names_in

PROVIDED = frozenset({"base_url", "domain", "guid", "run"})
"""Variables that the player gives to every dialogue."""

PEERS = ("okta", "entra")
"""The identity providers whose dialogues are shipped."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class DialogueError(ValueError):
    """A dialogue does not keep the format; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the provider sends. Placeholders are still in it."""

    method: str
    path: str
    query: str | Mapping[str, Json] = ""
    """Text goes over the wire as it is written; an object is percent-encoded."""

    headers: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Replaces the dialogue's headers by name; None takes one away."""

    body: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, what its answer must be, and what to remember of the answer."""

    id: str
    title: str
    quirks: tuple[str, ...]
    request: Request
    expect: Expectation
    save: Mapping[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A provider's whole conversation with a server."""

    peer: str
    title: str
    description: str
    headers: Mapping[str, str | None]
    variables: Mapping[str, Json]
    steps: tuple[Step, ...]


def load(peer: str) -> Dialogue:
    """The shipped dialogue of a provider, one of `PEERS`; raises FileNotFoundError for another."""
    packaged = resources.files("scimserver") / "dialogues"
    if packaged.is_dir():
        return parse((packaged / f"{peer}.json").read_text("utf-8"))
    # An editable checkout has the data where the tests keep it.
    folder = FilePath(__file__).resolve().parents[2] / "tests" / "conformance" / "dialogues"
    return parse((folder / f"{peer}.json").read_text("utf-8"))


def parse(text: str) -> Dialogue:
    """The dialogue that the text holds; raises `DialogueError`."""
    try:
        document: Json = json.loads(text)
    except ValueError as error:
        raise DialogueError(f"not JSON: {error}") from error
    _refuse_stray_braces(document)
    fields = _fields(
        document, "dialogue", ("peer", "title", "description", "steps"), ("headers", "variables")
    )
    dialogue = Dialogue(
        peer=_text(fields["peer"], "peer"),
        title=_text(fields["title"], "title"),
        description=_text(fields["description"], "description"),
        headers=_headers(fields.get("headers", {}), "headers"),
        variables=_object(fields.get("variables", {}), "variables"),
        steps=tuple(_step(item, f"steps[{n}]") for n, item in enumerate(_list(fields["steps"], "steps"))),
    )
    _check_names(dialogue)
    return dialogue


def needs(dialogue: Dialogue, step: Step) -> frozenset[str]:
    """The variables that have to be known before it makes sense to send the step."""
    return _used_in_request(dialogue, step) | (_used_in_expectation(step) - step.save.keys())


def _step(value: Json, where: str) -> Step:
    fields = _fields(value, where, ("id", "title", "request", "expect"), ("quirks", "save"))
    where = f"{where} {_text(fields['id'], where)}"
    saved = _object(fields.get("save", {}), f"{where}.save")
    return Step(
        id=_text(fields["id"], where),
        title=_text(fields["title"], f"{where}.title"),
        quirks=tuple(_text(item, f"{where}.quirks") for item in _list(fields.get("quirks", []), where)),
        request=_request(fields["request"], f"{where}.request"),
        expect=_expectation(fields["expect"], f"{where}.expect"),
        save={name: _path(path, f"{where}.save.{name}") for name, path in saved.items()},
    )


def _request(value: Json, where: str) -> Request:
    fields = _fields(value, where, ("method", "path"), ("query", "headers", "body"))
    method = _text(fields["method"], f"{where}.method")
    path = _text(fields["path"], f"{where}.path")
    if method not in _METHODS:
        raise DialogueError(f"{where}.method: not one of {', '.join(sorted(_METHODS))}")
    if not path.startswith("/") or "?" in path:
        raise DialogueError(f"{where}.path: must begin with / and hold no query")
    query = fields.get("query", "")
    return Request(
        method=method,
        path=path,
        query=query if isinstance(query, str) else _object(query, f"{where}.query"),
        headers=_headers(fields.get("headers", {}), f"{where}.headers"),
        body=fields.get("body"),
    )


def _expectation(value: Json, where: str) -> Expectation:
    fields = _fields(value, where, ("status",), ("headers", "assert", "max_ms"))
    statuses = [_integer(item, f"{where}.status") for item in _list(fields["status"], f"{where}.status")]
    if not statuses:
        raise DialogueError(f"{where}.status: at least one is needed")
    headers = _object(fields.get("headers", {}), f"{where}.headers")
    checks = _list(fields.get("assert", []), f"{where}.assert")
    limit = fields.get("max_ms")
    return Expectation(
        statuses=tuple(statuses),
        headers=tuple(_header_check(name, item, f"{where}.headers.{name}") for name, item in headers.items()),
        checks=tuple(_body_check(item, f"{where}.assert[{n}]") for n, item in enumerate(checks)),
        max_ms=None if limit is None else _integer(limit, f"{where}.max_ms"),
    )


def _body_check(value: Json, where: str) -> Check:
    fields = dict(_object(value, where))
    path = fields.pop("path", None)
    return _check(fields, _text(path, f"{where}.path"), _path(path, f"{where}.path"), where)


def _header_check(name: str, value: Json, where: str) -> Check:
    return _check(_object(value, where), name, (), where)


def _check(fields: Mapping[str, Json], name: str, path: Path, where: str) -> Check:
    kinds = [kind for kind in Kind if kind in fields]
    if len(kinds) != 1 or fields.keys() - {kinds[0], "caseless"}:
        raise DialogueError(f"{where}: needs exactly one of {', '.join(Kind)}")
    (kind,) = kinds
    caseless = fields.get("caseless", False)
    if not isinstance(caseless, bool):
        raise DialogueError(f"{where}.caseless: must be true or false")
    _check_value(kind, fields[kind], where)
    return Check(where=name, path=path, kind=kind, value=fields[kind], caseless=caseless)


def _check_value(kind: Kind, value: Json, where: str) -> None:
    if kind in FLAGS and value is not True:
        raise DialogueError(f"{where}.{kind}: must be true")
    if kind is Kind.TYPE and value not in JSON_TYPES:
        raise DialogueError(f"{where}.type: not one of {', '.join(JSON_TYPES)}")
    if kind is Kind.MATCHES:
        try:
            re.compile(_text(value, f"{where}.matches"))
        except re.error as error:
            raise DialogueError(f"{where}.matches: {error}") from error


def _check_names(dialogue: Dialogue) -> None:
    """Refuses what is used before it is known, and what is defined twice."""
    known = set(PROVIDED)
    for name, value in dialogue.variables.items():
        _define(known, name, names_in(value), f"variables.{name}")
    seen: set[str] = set()
    for step in dialogue.steps:
        if step.id in seen:
            raise DialogueError(f"steps: {step.id} is there twice")
        seen.add(step.id)
        _use(known, _used_in_request(dialogue, step), f"{step.id}.request")
        for name, path in step.save.items():
            picked = names_in([part.value for part in path if isinstance(part, Pick)])
            _define(known, name, picked, f"{step.id}.save.{name}")
        _use(known, _used_in_expectation(step), f"{step.id}.expect")


def _define(known: set[str], name: str, used: frozenset[str], where: str) -> None:
    _use(known, used, where)
    if name in known:
        raise DialogueError(f"{where}: already defined")
    known.add(name)


def _use(known: set[str], used: frozenset[str], where: str) -> None:
    if used - known:
        raise DialogueError(f"{where}: undefined {', '.join(sorted(used - known))}")


def _used_in_request(dialogue: Dialogue, step: Step) -> frozenset[str]:
    request = step.request
    query = request.query if isinstance(request.query, str) else dict(request.query)
    headers: dict[str, Json] = {**dialogue.headers, **request.headers}
    return names_in([request.path, query, headers, request.body])


def _used_in_expectation(step: Step) -> frozenset[str]:
    """An expectation may use what the same step saves: it is checked after saving."""
    checks = step.expect.headers + step.expect.checks
    return names_in([item for check in checks for item in (check.where, check.value)])


def _refuse_stray_braces(value: Json) -> None:
    match value:
        case str() if has_stray_braces(value):
            raise DialogueError(f"not a placeholder: {value}")
        case list():
            for item in value:
                _refuse_stray_braces(item)
        case dict():
            for item in value.values():
                _refuse_stray_braces(item)
        case _:
            pass


def _fields(value: Json, where: str, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Json]:
    found = _object(value, where)
    unknown = found.keys() - {*required, *optional}
    missing = set(required) - found.keys()
    if unknown or missing:
        problem, names = ("unknown", unknown) if unknown else ("missing", missing)
        raise DialogueError(f"{where}: {problem} {', '.join(sorted(names))}")
    return found


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise DialogueError(f"{where}: must be an object")
    return value


def _list(value: Json, where: str) -> list[Json]:
    if not isinstance(value, list):
        raise DialogueError(f"{where}: must be a list")
    return value


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise DialogueError(f"{where}: must be text")
    return value


def _integer(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise DialogueError(f"{where}: must be an integer")
    return value


def _headers(value: Json, where: str) -> dict[str, str | None]:
    return {
        name: None if item is None else _text(item, f"{where}.{name}")
        for name, item in _object(value, where).items()
    }


def _path(value: Json, where: str) -> Path:
    try:
        return parse_path(_text(value, where))
    except ValueError as error:
        raise DialogueError(f"{where}: {error}") from error
