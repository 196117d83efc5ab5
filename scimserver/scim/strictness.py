"""What a strict connection's PATCH must look like, beyond RFC 7644: the interoperability profile.

Two points of draft-zollner-scim-interop-profile that the RFC leaves open or has otherwise: an
operation names its path (D2), and replacing a complex attribute replaces the whole of it (D8).
Proven by tests/unit/test_strictness.py.
"""

from collections.abc import Iterator
from typing import Any

from scim2_models import ComplexAttribute, InvalidPathException, InvalidSyntaxException, Path, Resource

from scimserver.scim.json_body import JsonObject, JsonValue


def strict_patch(model: type[Resource[Any]], body: JsonObject) -> JsonObject:
    """The body of a strict connection's PATCH, with whole replacements spelled out.

    Raises `InvalidSyntaxException` for an operation without a path.
    """
    key = next((name for name in body if name.lower() == "operations"), "")
    operations = body.get(key)
    if not isinstance(operations, list):
        return body
    return {**body, key: [each for sent in operations for each in _spelled_out(model, sent)]}


def _spelled_out(model: type[Resource[Any]], sent: JsonValue) -> Iterator[JsonValue]:
    if not isinstance(sent, dict):
        yield sent
        return
    operation = {name.lower(): item for name, item in sent.items()}
    verb, path = operation.get("op"), operation.get("path")
    if path is None:
        raise InvalidSyntaxException(
            detail="Every operation needs a path: this connection is strict. Name the attribute in path."
        )
    replaces = isinstance(verb, str) and verb.lower() == "replace"
    if replaces and isinstance(path, str) and _is_complex(model, path):
        yield {"op": "remove", "path": path}
        yield {**operation, "op": "add"}
    else:
        yield sent


def _is_complex(model: type[Resource[Any]], path: str) -> bool:
    """Whether the path names a complex attribute with a single value, as a whole."""
    try:
        binding = Path.__class_getitem__(model)(path).resolve()
    except InvalidPathException:
        return False
    if binding is None or binding.is_multivalued or binding.sub_field_name is not None:
        return False
    return isinstance(binding.target_type, type) and issubclass(binding.target_type, ComplexAttribute)
