"""How much one request may ask for: nobody's request holds up everybody's for seconds.

What is plain (scimserver/scim/plain.py) costs little for each value. The models read a path anew for
each operation, and compare every entry of a list with every other state of it: what goes their way is
bounded by how often they would look at an entry, about a tenth of a millisecond each.
Proven by tests/unit/test_bounds.py and tests/api/test_bounds.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from scim2_models import PatchOp, PatchOperation, PayloadTooLargeException, Resource

from scimserver.scim import shapes
from scimserver.scim.filter_text import terms
from scimserver.scim.json_body import JsonObject, JsonValue, check_entries

MAX_OPERATIONS: Final = 100
"""The most operations in a PATCH: clients send one for each attribute. Those of a group are not counted
where all are plain: there may be one for each member."""

MAX_NAMES: Final = 500
"""The most names in the values of a PATCH that is not plain, without those in lists: each is a path."""

MAX_ENTRIES: Final[Mapping[str, int]] = {"User": 1_000, "Group": 20_000, "Role": 1_000, "Case": 1_000}
"""How many values all lists of a body may have together, by resource type; for a group's PATCH, also how
many operations."""

MAX_MODEL_ENTRIES: Final[Mapping[str, int]] = {"User": 1_000, "Group": 10_000, "Role": 1_000, "Case": 1_000}
"""The same for a body that is not plain: validating an entry takes longer than reading it."""

MAX_MODEL_NAMES: Final[Mapping[str, int]] = {"User": 5_000, "Group": 50_000, "Role": 5_000, "Case": 5_000}
"""The most names in all objects of such a body: on a strict connection each unknown one is an error."""

MAX_PATHS_LENGTH: Final = 20_000
"""Characters of all paths of a PATCH that is not plain together, names in its values included."""

MAX_PATHS_TERMS: Final = 200
"""Comparisons and presence tests in all filters of these paths together: each costs a parse."""

MAX_SORT_LENGTH: Final = 1_000
"""Characters of `sortBy`."""

MAX_SCHEMAS: Final = 100
"""URNs that a resource may list in `schemas`: the models compare each with each other."""

_UNCOUNTED_SCHEMAS: Final = 2
"""How many schemas are not counted among them."""

MAX_LOOKS: Final = 20_000
"""How often the models may look at the entries of lists, stored and sent, in one request."""


def check_body(resource_type: str, body: bytes, value: JsonObject) -> None:
    """Refuse a body whose lists are too long. Raises PayloadTooLargeException."""
    check_entries(body, value, MAX_ENTRIES[resource_type], beside=_UNCOUNTED_SCHEMAS)


def check_body_for_models(resource_type: str, body: bytes, value: JsonObject) -> None:
    """Refuse a body that is not plain and whose lists are too long. Raises the same."""
    check_entries(body, value, MAX_MODEL_ENTRIES[resource_type], beside=_UNCOUNTED_SCHEMAS)
    _check_all_names(resource_type, body, value)


def check_patch(resource_type: str, body: bytes, value: JsonObject) -> None:
    """Refuse the body of a PATCH that asks for too much. Raises the same."""
    operations = _operations(value)
    _check_count(operations, MAX_ENTRIES[resource_type] if resource_type == "Group" else MAX_OPERATIONS)
    check_entries(body, value, MAX_ENTRIES[resource_type], beside=_UNCOUNTED_SCHEMAS + len(operations))


def check_patch_for_models(resource_type: str, body: bytes, value: JsonObject) -> None:
    """Refuse the body of a PATCH that is not plain and asks for too much. Raises the same.

    `value` is normalised: a name with a filter in it has become an operation of its own.
    """
    operations = _operations(value)
    _check_count(operations, MAX_OPERATIONS)
    check_entries(body, value, MAX_MODEL_ENTRIES[resource_type], beside=_UNCOUNTED_SCHEMAS + len(operations))
    _check_all_names(resource_type, body, value)
    # An operation's own names are not among them, whatever their case.
    values = [item for each in operations if isinstance(each, dict) for item in each.values()]
    if sum(1 for item in values for _ in _names_in(item)) > MAX_NAMES:
        raise _too_large(f"The values hold more than {MAX_NAMES} names")
    _check_paths([path for each in operations if isinstance(each, dict) for path in _sent_paths(each)])


def check_looks(
    resource_type: str, stored: Mapping[str, JsonValue], asked: "PatchOp[Any] | None" = None
) -> None:
    """Refuse a PATCH or, without one, a PUT that the models would take long for. Raises the same.

    `stored` is the document that it would change.
    """
    operations = (asked.operations if asked is not None else None) or ()
    entries = sum(len(value) for value in stored.values() if isinstance(value, list))
    entries += sum(_entries(operation.value) for operation in operations)
    known = shapes.paths(resource_type)
    reaching = [path for each in operations for path in paths_of(each) if _reaches(known, path)]
    looks = sum(map(_terms, reaching))
    # An operation may make an entry, and one that reaches into no list still copies and checks them all.
    if (entries + len(reaching) // 2) * (1 + 2 * looks) > MAX_LOOKS:
        raise PayloadTooLargeException(
            detail=f"The {resource_type.lower()} has too many entries to compare them so often:"
            " send fewer operations, or name members by their value alone."
        )


def check_schemas(resource: "Resource[Any]") -> None:
    """Refuse a resource that lists too many schemas. Raises the same."""
    if len(resource.schemas or ()) > MAX_SCHEMAS:
        raise PayloadTooLargeException(
            detail=f"schemas lists more than {MAX_SCHEMAS} URNs: leave unknown ones out."
        )


def paths_of(operation: "PatchOperation[Any]") -> Iterator[str]:
    """The path of an operation, and the names in its value, which are paths where it has none."""
    yield str(operation.path or "")
    yield from _names_in(operation.value)


def _operations(value: JsonObject) -> list[JsonValue]:
    operations = next((item for name, item in value.items() if name.lower() == "operations"), None)
    return operations if isinstance(operations, list) else []


def _check_count(operations: list[JsonValue], most: int) -> None:
    if len(operations) > most:
        raise _too_large(f"There are more than {most} operations")


def _entries(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_entries, cast("dict[str, Any]", value).values()))
    return len(cast("list[Any]", value)) if isinstance(value, list) else 0


def _sent_paths(operation: JsonObject) -> Iterator[str]:
    """The same of an operation as it was sent."""
    for name, item in operation.items():
        if name.lower() == "path" and isinstance(item, str):
            yield item
        elif name.lower() == "value":
            yield from _names_in(item)


def _names_in(value: Any) -> Iterator[str]:
    """The names in an object and the objects in it, but for those in lists."""
    inside = [value]
    for item in inside:
        if isinstance(item, dict):
            names = cast("dict[str, Any]", item)
            yield from names
            inside.extend(names.values())


def _check_all_names(resource_type: str, body: bytes, value: JsonObject) -> None:
    most = MAX_MODEL_NAMES[resource_type]
    # A name takes six characters: most bodies are too short to hold as many.
    if len(body) > 6 * most and _all_names(value) > most:
        raise _too_large(f"The body holds more than {most} names")


def _all_names(value: JsonValue) -> int:
    """How many names there are, those in lists included."""
    if isinstance(value, dict):
        return len(value) + sum(map(_all_names, value.values()))
    return sum(map(_all_names, value)) if isinstance(value, list) else 0


def _terms(path: str) -> int:
    """How many terms the filter in a path has; one where there is none."""
    return terms(path.rpartition("]")[0] or path)


def _check_paths(paths: list[str]) -> None:
    if sum(map(len, paths)) > MAX_PATHS_LENGTH:
        raise _too_large(f"The paths have more than {MAX_PATHS_LENGTH} characters together")
    if sum(_terms(path) for path in paths if "[" in path) > MAX_PATHS_TERMS:
        raise _too_large(f"The filters in the paths have more than {MAX_PATHS_TERMS} terms together")


def _reaches(known: shapes.Paths, path: str) -> bool:
    """Whether a path leads to a list or into one."""
    target, filtered = known.find(path)
    return filtered or (target is not None and (target.shape.many or target.in_entries))


def _too_large(what: str) -> PayloadTooLargeException:
    return PayloadTooLargeException(detail=f"{what}: send them in several requests.")
