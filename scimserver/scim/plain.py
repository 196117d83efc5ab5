"""The short way of bodies: resources and PATCHes of the forms that clients send nearly always.

A body is plain when each name is spelled as its schema spells it, each value has its attribute's
JSON type, and nothing in it needs a rule of RFC 7643 to be looked up: no null, no empty value, no
attribute that only the server writes. The models would make exactly the same of it, fifteen times
slower; they are the oracle, and everything that is not plain is theirs.
Proven by tests/properties/test_plain.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias, cast

from scim2_models import Attribute, Mutability, Resource

from scimserver.scim.json_body import JsonObject, JsonValue
from scimserver.scim.members import MemberChange
from scimserver.scim.provider import provider

_PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_VERBS: Final = frozenset({"add", "replace", "remove"})

Location: TypeAlias = tuple[str, ...]
"""Where a value stands in a document: the keys that lead to it."""

_Check: TypeAlias = Callable[[JsonValue], JsonValue]
"""Gives the value as the models would; nothing for what they drop; raises `_NotPlain`."""


class _NotPlain(Exception):
    """The models have to look at it."""


@dataclass(frozen=True, slots=True)
class Write:
    """One value of a plain PATCH, and where it goes."""

    location: Location
    value: JsonValue


@dataclass(frozen=True, slots=True)
class PlainPatch:
    """What a plain PATCH asks for."""

    writes: list[Write]
    members: MemberChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainBodies:
    """What is plain for one resource type."""

    main_schema: str
    extensions: frozenset[str]
    object: "Outline"
    writable: Mapping[str, tuple[Location, _Check]]
    """By the path in lower case: single values, of which one is written without looking at others."""

    def document(self, body: JsonObject) -> "JsonObject | None":
        """The resource in the order of the models, without `schemas`; None if the body is not plain."""
        try:
            self._require_schemas(body)
            return self.object.check(body, others=1)
        except _NotPlain:
            return None

    def patch(self, body: JsonObject, *, strict: bool) -> PlainPatch | None:
        """What a PATCH asks for; None if it is not plain.

        `strict` is whether only what the standard has is plain, and only with a path.
        """
        operations = body.get("Operations")
        if len(body) != 2 or body.get("schemas") != [_PATCH_OP] or not isinstance(operations, list):
            return None
        members = MemberChange(tolerant=not strict) if "members" in self.object.checks else None
        writes: list[Write] = []
        try:
            for operation in operations:
                for verb, path, value in _steps(operation, strict=strict):
                    if members is None or not members.take(verb, path, value):
                        writes.append(self._write(verb, path, value))
        except _NotPlain:
            return None
        if not operations:
            return None
        return PlainPatch(writes, members if members is not None and members.is_any else None)

    def applied(self, document: Mapping[str, JsonValue], patch: PlainPatch) -> JsonObject:
        """A copy of the document with what is asked for, in the order of the models."""
        changed: JsonObject = dict(document)
        for write in patch.writes:
            inner = changed
            for key in write.location[:-1]:
                held = inner.get(key)
                inner[key] = inner = dict(cast(JsonObject, held)) if held else {}
            inner[write.location[-1]] = write.value
        if patch.members is not None:
            changed["members"] = patch.members.applied(changed.get("members"))
        return self.object.ordered(changed)

    def _require_schemas(self, body: JsonObject) -> None:
        listed = body.get("schemas")
        if not isinstance(listed, list) or self.main_schema not in listed:
            raise _NotPlain
        named = {schema for schema in listed if isinstance(schema, str)}
        named.discard(self.main_schema)
        if len(named) != len(listed) - 1 or not named <= self.extensions:
            raise _NotPlain
        if any(urn in body for urn in self.extensions - named):
            raise _NotPlain

    def _write(self, verb: str, path: str, value: JsonValue) -> Write:
        found = self.writable.get(path.lower())
        if found is None or verb == "remove":
            raise _NotPlain
        location, check = found
        return Write(location, check(value))


def _steps(operation: JsonValue, *, strict: bool) -> Iterable[tuple[str, str, JsonValue]]:
    """Verb in lower case, path and value of each thing that an operation does."""
    if not isinstance(operation, dict):
        raise _NotPlain
    verb, path, value = operation.get("op"), operation.get("path"), operation.get("value")
    verb = verb.lower() if isinstance(verb, str) else ""
    known = 2 + ("value" in operation)
    if verb not in _VERBS or (known == 2 and verb != "remove"):
        raise _NotPlain
    if isinstance(path, str) and len(operation) == known:
        return ((verb, path, value),)
    if not strict and len(operation) == 2 and verb != "remove" and isinstance(value, dict) and value:
        return [(verb, name, item) for name, item in value.items()]
    raise _NotPlain


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole resource, a complex value or an entry: a check for each attribute, in the models' order."""

    checks: Mapping[str, _Check]
    required: frozenset[str] = frozenset()

    def __call__(self, value: JsonValue) -> JsonValue:
        """The value of an attribute as the models would give it."""
        if not isinstance(value, dict) or not value:
            raise _NotPlain
        return self.check(value)

    def check(self, value: JsonObject, *, others: int = 0) -> JsonObject:
        """The object as the models would give it; `others` is how many keys are checked elsewhere."""
        checked: JsonObject = {}
        dropped = 0
        for name, check in self.checks.items():
            if name in value:
                item = check(value[name])
                if item is None:
                    dropped += 1
                else:
                    checked[name] = item
        if len(checked) + dropped + others != len(value) or not self.required <= checked.keys():
            raise _NotPlain
        return checked

    def ordered(self, value: JsonObject) -> JsonObject:
        """The object in the models' order; keys that are no attribute's come first."""
        placed: JsonObject = {name: item for name, item in value.items() if name not in self.checks}
        for name, check in self.checks.items():
            if name in value:
                item = value[name]
                placed[name] = check.ordered(cast(JsonObject, item)) if isinstance(check, Outline) else item
        return placed


@dataclass(frozen=True, slots=True)
class _Entries:
    """The entries of a multi-valued attribute, of which one may be the primary one."""

    entry: Outline

    def __call__(self, value: JsonValue) -> JsonValue:
        if not isinstance(value, list) or not value:
            raise _NotPlain
        entries = [self.entry(item) for item in value]
        if sum(1 for entry in entries if cast(JsonObject, entry).get("primary") is True) > 1:
            raise _NotPlain
        return cast(JsonValue, entries)


@dataclass(frozen=True, slots=True)
class _Word:
    """A string that may be one of some words, which the models spell in their own way."""

    words: frozenset[str]

    def __call__(self, value: JsonValue) -> JsonValue:
        text = _text(value)
        if text not in self.words and text.lower() in {word.lower() for word in self.words}:
            raise _NotPlain
        return text


def _text(value: JsonValue) -> str:
    if not isinstance(value, str) or not value:
        raise _NotPlain
    return value


def _flag(value: JsonValue) -> JsonValue:
    if not isinstance(value, bool):
        raise _NotPlain
    return value


def _no_groups(value: JsonValue) -> None:
    """Okta sends an empty list of what only the server writes."""
    if value != []:
        raise _NotPlain


def _only_type(value: JsonValue) -> None:
    """Entra says in `meta` what type of resource it makes."""
    if not (isinstance(value, dict) and len(value) == 1 and isinstance(value.get("resourceType"), str)):
        raise _NotPlain


@cache
def plain_bodies(resource_type: str) -> PlainBodies:
    """What is plain for a resource type. Raises KeyError for one that is not served."""
    model = provider(strict=False).model_for(resource_type)
    if model is None or not issubclass(model, Resource):
        raise KeyError(resource_type)
    own = [*(model.to_schema().attributes or ())]
    extensions = {
        urn: [*(extension.to_schema().attributes or ())]
        for urn, extension in model.get_extension_models().items()
    }
    inner = {urn: _object(attributes) for urn, attributes in extensions.items()}
    main = str(model.__schema__)
    return PlainBodies(
        main_schema=main,
        extensions=frozenset(inner),
        object=Outline(
            {"externalId": _text, "meta": _only_type, **_object(own).checks, **inner},
            frozenset(each.name or "" for each in own if each.required),
        ),
        writable={
            "externalid": (("externalId",), _text),
            **dict(_writable("", (), own)),
            **dict(_writable(f"{main}:", (), own)),
            **{
                path: target
                for urn, attributes in extensions.items()
                for path, target in _writable(f"{urn}:", (urn,), attributes)
            },
        },
    )


def _object(attributes: Iterable[Attribute]) -> Outline:
    checks = {each.name or "": check for each in attributes if (check := _check_of(each)) is not None}
    return Outline(checks, frozenset(each.name or "" for each in attributes if each.required))


def _check_of(attribute: Attribute) -> _Check | None:
    """None for an attribute that is never plain."""
    if attribute.name == "groups" and attribute.mutability is Mutability.read_only:
        return _no_groups
    if attribute.mutability is Mutability.read_only:
        return None
    if attribute.type is Attribute.Type.complex:
        inner = _object(attribute.sub_attributes or ())
        return _Entries(inner) if attribute.multi_valued else inner
    return None if attribute.multi_valued else _simple(attribute)


def _simple(attribute: Attribute) -> _Check | None:
    match attribute.type:
        case Attribute.Type.string:
            words = frozenset(map(str, attribute.canonical_values or ()))
            return _Word(words) if words else _text
        case Attribute.Type.boolean:
            return _flag
        case Attribute.Type.reference if attribute.name == "$ref":
            return _text
        case _:
            return None


def _writable(
    prefix: str, home: Location, attributes: Iterable[Attribute]
) -> Iterator[tuple[str, tuple[Location, _Check]]]:
    """Single values that are read and written, by their paths; not those of references, as a manager is."""
    for attribute in attributes:
        name = attribute.name or ""
        if attribute.multi_valued or attribute.mutability is not Mutability.read_write:
            continue
        if attribute.type is Attribute.Type.complex:
            inner = attribute.sub_attributes or ()
            if all(each.name != "value" for each in inner):
                yield from _writable(f"{prefix}{name}.", (*home, name), inner)
        elif (check := _simple(attribute)) is not None:
            yield f"{prefix}{name}".lower(), ((*home, name), check)
