"""Clients' deviations turned into what the standard says, before the models look (RFC 7644, 3.3-3.5).

Pure functions on parsed bodies, only for tolerant connections. What is not understood here stays as
it is, for the models to judge. Each deviation has its name and source in scimserver/scim/dialects.py.
Proven by tests/unit/test_{dialects,normalise}.py and tests/properties/test_normalise.py.
"""

from collections.abc import Iterator, Mapping
from operator import is_

from scim2_models import Attribute, InvalidSyntaxException

from scimserver.scim import json_body, shapes
from scimserver.scim.json_body import JsonObject, JsonValue
from scimserver.scim.models import ENTERPRISE_SCHEMA
from scimserver.scim.shapes import MANAGER_PATHS, Paths, Shape, Target

_STRING, _BOOLEAN, _COMPLEX = Attribute.Type.string, Attribute.Type.boolean, Attribute.Type.complex
_TRUTH = {"true": True, "false": False}


def normalise_resource(resource_type: str, body: JsonObject) -> JsonObject:
    """The body of a POST or PUT as the models take it; the argument is not changed.

    Raises KeyError for a resource type that is not served.
    """
    root = shapes.root(resource_type)
    return _object(root, _with_manager_at_home(body) if ENTERPRISE_SCHEMA in root else body)


def normalise_patch(resource_type: str, body: JsonObject) -> JsonObject:
    """The body of a PATCH as the models take it; the argument is not changed.

    One operation may become several, in the order in which its keys were sent.
    Raises KeyError for a resource type that is not served.
    """
    paths = shapes.paths(resource_type)
    key = next((key for key in body if key.lower() == "operations"), "")
    operations = body.get(key)
    if not isinstance(operations, list):
        return body
    return {**body, key: [normal for sent in operations for normal in _operations(paths, sent)]}


# --- Values ---------------------------------------------------------------------------------------


def _object(known: Mapping[str, Shape], value: JsonObject) -> JsonObject:
    changed: JsonObject = {}
    for name, item in value.items():
        shape = known.get(name) or known.get(name.lower())
        if shape is None or (isinstance(item, str) and shape.is_text):
            continue
        if (normal := _value(shape, item)) is not item:
            changed[name] = normal
    return {**value, **changed} if changed else value


def _value(shape: Shape, value: JsonValue) -> JsonValue:
    if value is None:
        return None
    if shape.many:
        return _entries(shape, value)
    if shape.type is not _COMPLEX:
        return _scalar(shape, value)
    if shape.is_reference:
        return _reference(shape, value)
    return _object(shape.inner, value) if isinstance(value, dict) else value


def _scalar(shape: Shape, value: JsonValue) -> JsonValue:
    # Only whole numbers: a decimal has lost the digits that the client wrote (1.10 is 1.1).
    if shape.type is _STRING and type(value) is int:
        return str(value)
    if shape.type is _BOOLEAN and isinstance(value, str):
        return _TRUTH.get(value.lower(), value)
    return value


def _reference(shape: Shape, value: JsonValue) -> JsonValue:
    value = _only(value) if value != [] else None
    if type(value) is int:
        value = str(value)
    if isinstance(value, str):
        return {"value": value} if value else None
    return _identified(_object(shape.inner, value)) if isinstance(value, dict) else value


def _identified(reference: JsonObject) -> "JsonObject | None":
    """The reference with the id that its `$ref` ends in, if it came without; None if it names nobody."""
    value, uri = _field(reference, "value"), _field(reference, "$ref")
    if value is not None and value != "":
        return reference
    if isinstance(uri, str) and (segment := _last_segment(uri)):
        return {**_without(reference, "value"), "value": segment}
    return None if value == "" else reference


def _last_segment(uri: str) -> str:
    path = uri.partition("#")[0].partition("?")[0]
    return path.rstrip("/").rpartition("/")[2]


def _only(value: JsonValue) -> JsonValue:
    """The one value that a list holds; everything else as it is."""
    alone = isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list)
    return value[0] if isinstance(value, list) and alone else value


def _entries(shape: Shape, value: JsonValue) -> JsonValue:
    sent = value if isinstance(value, list) else [value]
    entries = [_entry(shape, entry) for entry in sent if entry is not None]
    if shape.name == "members":
        entries = _distinct(entries)
    untouched = len(entries) == len(sent) and all(map(is_, entries, sent))
    return value if untouched and not isinstance(value, dict) else entries


def _entry(shape: Shape, entry: JsonValue) -> JsonValue:
    if isinstance(entry, str) and entry and "value" in shape.inner:
        entry = {"value": entry}
    if not isinstance(entry, dict):
        return entry
    entry = _object(shape.inner, entry)
    if shape.name == "members" and any(name.lower() == "display" for name in entry):
        return _without(entry, "display")
    return _unpacked(entry) if shape.name == "roles" else entry


def _distinct(entries: list[JsonValue]) -> list[JsonValue]:
    """The entries without those whose `value` came before: one user is one member."""
    seen: set[str] = set()
    distinct: list[JsonValue] = []
    for entry in entries:
        value = _field(entry, "value")
        if isinstance(value, str):
            if value in seen:
                continue
            seen.add(value)
        distinct.append(entry)
    return distinct


def _unpacked(role: JsonObject) -> JsonObject:
    """The role with the `value` and `display` that came as JSON text in its `value`, if they did."""
    text = _field(role, "value")
    if not isinstance(text, str) or not text.startswith("{"):
        return role
    try:
        packed = json_body.parse(text.encode())
    except InvalidSyntaxException:
        return role
    value, display = packed.get("value"), _field(role, "display") or packed.get("displayName")
    if not isinstance(value, str) or value.startswith("{"):
        return role
    shown: JsonObject = {"display": display} if isinstance(display, str) else {}
    return {**_without(role, "value", "display"), **shown, "value": value}


def _with_manager_at_home(body: JsonObject) -> JsonObject:
    """The body with a manager that came beside the enterprise extension put inside."""
    strays = [name for name in body if name.lower() in MANAGER_PATHS]
    if not strays:
        return body
    home = next((name for name in body if name.lower() == ENTERPRISE_SCHEMA.lower()), ENTERPRISE_SCHEMA)
    extension = body.get(home) or {}
    if not isinstance(extension, dict) or _field(extension, "manager") is not None:
        return body
    manager: JsonObject = {"manager": body[strays[-1]]}
    return {**_without(body, *strays), home: {**_without(extension, "manager"), **manager}}


def _field(value: JsonValue, name: str, absent: JsonValue = None) -> JsonValue:
    """What an object holds under a name in any case."""
    if not isinstance(value, dict):
        return absent
    if name in value:
        return value[name]
    return next((item for key, item in value.items() if key.lower() == name), absent)


def _without(value: JsonObject, *names: str) -> JsonObject:
    dropped = {name.lower() for name in names}
    return {name: item for name, item in value.items() if name.lower() not in dropped}


# --- PATCH operations -----------------------------------------------------------------------------


def _operations(paths: Paths, sent: JsonValue) -> list[JsonValue]:
    """What one operation becomes, its own keys in lower case."""
    if not isinstance(sent, dict):
        return [sent]
    operation = {name.lower(): item for name, item in sent.items()}
    verb, path, value = operation.get("op"), operation.get("path"), operation.get("value")
    path = "" if path is None else path
    if not isinstance(verb, str) or not isinstance(path, str):
        return [sent]
    if verb.lower() == "remove":
        return [_removal(paths, path, operation)]
    prefix = paths.prefix(path) if path else ""
    if prefix is not None and isinstance(value, dict):
        return list(_pathless(paths, verb, _pairs(paths, prefix, value)))
    return [_write(paths, path, operation)]


def _write(paths: Paths, path: str, operation: JsonObject) -> JsonObject:
    """An add or a replace with a path."""
    target, filtered = paths.find(path)
    if target is None or "value" not in operation:
        return operation
    value = _written(target, operation["value"], entry=filtered and target.shape.many)
    at, value = _addressed(target, path, value)
    if value is None and (target.shape.is_reference or target.reference):
        # An add may carry no null; a remove says the same for both.
        return {"op": "remove", "path": at}
    return {**operation, "path": at, "value": value}


def _written(target: Target, value: JsonValue, *, entry: bool) -> JsonValue:
    """The value to write, free of what PATCH may not write."""
    shape = target.shape
    if entry:
        return _entry(shape, _only(value))
    if not shape.many and not shape.inner:
        return _scalar(shape, _unwrapped(value))
    value = _value(shape, value)
    if shape.many or not isinstance(value, dict):
        return value
    return _without(value, *(name for name, inner in shape.inner.items() if inner.read_only))


def _unwrapped(value: JsonValue) -> JsonValue:
    """The X of `[{"value": X}]`, whatever stands beside it."""
    wrapping = _only(value)
    if not isinstance(value, list) or not isinstance(wrapping, dict):
        return value
    item = _field(wrapping, "value", value)
    return value if isinstance(item, dict | list) else item


def _addressed(target: Target, path: str, value: JsonValue) -> tuple[str, JsonValue]:
    """Where to write the value: in full if the client left out the schema; all of an emptied reference."""
    if target.reference and value in (None, ""):
        return target.reference, None
    return (target.path if path.lower() in MANAGER_PATHS else path), value


def _removal(paths: Paths, path: str, operation: JsonObject) -> JsonObject:
    target, filtered = paths.find(path)
    if target is None:
        return operation
    removal: JsonObject = {**operation, "path": _addressed(target, path, "-")[0]}
    value = operation.get("value")
    if value is None or target.prefix is not None:
        return removal
    if target.shape.many:
        return {**removal, "value": _selectors(target.shape, value)}
    # The path names one value: nothing is left to select. Not so where it crosses entries.
    return removal if target.in_entries and not filtered else _without(removal, "value")


def _selectors(shape: Shape, value: JsonValue) -> JsonValue:
    """What says which entries to remove. Without nulls: `$ref` null would select every entry."""
    entries = _entries(shape, value)
    if not isinstance(entries, list):
        return entries
    return [_selector(shape, entry) if isinstance(entry, dict) else entry for entry in entries]


def _selector(shape: Shape, entry: JsonObject) -> JsonObject:
    value = _field(entry, "value")
    if shape.name == "members" and value is not None:
        return {"value": value}
    return {name: item for name, item in entry.items() if item is not None}


def _pairs(paths: Paths, prefix: str, value: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    """The paths and values that an operation without a path writes, extensions' objects taken apart."""
    for name, item in value.items():
        path = prefix + name
        inner = paths.prefix(path)
        if inner is not None and isinstance(item, dict):
            yield from _pairs(paths, inner, item)
        else:
            yield path, item


def _pathless(paths: Paths, verb: str, pairs: Iterator[tuple[str, JsonValue]]) -> Iterator[JsonObject]:
    """Operations without a path, and between them one for each key that holds a filter."""
    plain: JsonObject = {}
    written = False
    for path, item in pairs:
        target, filtered = paths.find(path)
        if target is not None and target.shape.read_only:
            continue
        at, value = path, item
        if target is not None and not filtered:
            at, value = _addressed(target, path, _written(target, item, entry=False))
        if plain and (filtered or at in plain):
            yield {"op": verb, "value": plain}
            plain, written = {}, True
        if filtered:
            yield _write(paths, path, {"op": verb, "path": path, "value": item})
            written = True
        else:
            plain[at] = value
    if plain or not written:
        yield {"op": verb, "value": plain}
