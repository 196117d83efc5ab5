"""A filter's operand as the argument of a statement (RFC 7644, section 3.4.2.2; RFC 7643, section 2.3).

A `Reader` is made once per shape and reads the argument from the strings of each filter of that
shape, in the form in which the row's own value is stored: comparison key, instant, identifier.
Proven by tests/properties/test_filter_sql.py.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from inspect import isclass
from typing import Any, TypeAlias, cast

import orjson
from scim2_models import AttributeBinding, Reference
from scim2_models.path import CompareOperator, coerce_value

from scimserver.directory.shadow import exact
from scimserver.kernel.ids import parse_uuid
from scimserver.scim.filter_text import Lifted
from scimserver.scim.provider import comparison_key

Reader: TypeAlias = Callable[[Sequence[str]], object]
"""The argument, given the strings of the filter. Raises InvalidFilterException for one that is no value."""

_PATTERNS = {CompareOperator.co: "%{}%", CompareOperator.sw: "{}%", CompareOperator.ew: "%{}"}
_WILDCARD = re.compile(r"([\\%_])")


def operand(binding: AttributeBinding, op: CompareOperator, value: Any, kind: str) -> Reader:
    """The argument that compares `value` by `op` with the attribute, stored as SQL type `kind`.

    A value that none of that type can equal, such as a dateTime without time zone, becomes NULL.
    """
    form = _FORMS[kind]
    if isinstance(value, Lifted) and _takes_any_string(binding.target_type):
        return _reader(value, lambda raw: form(binding, raw))
    return _reader(value, lambda raw: form(binding, coerce_value(binding, raw, op)))


def pattern(binding: AttributeBinding, op: CompareOperator, value: Lifted) -> Reader:
    """The `LIKE` pattern that compares a text by `co`, `sw` or `ew`."""
    template = _PATTERNS[op]
    return _reader(value, lambda raw: template.format(_escaped(comparison_key(binding, raw))))


def entry(readers: Mapping[str, Reader]) -> Reader:
    """The JSON array that an array contains if one of its entries has all these values."""

    def argument(literals: Sequence[str]) -> object:
        return orjson.dumps([{name: read(literals) for name, read in readers.items()}]).decode()

    return argument


def entry_value(binding: AttributeBinding, value: Any) -> Reader:
    """A value as an entry's sub-attribute holds it in the shadow."""
    kind = "boolean" if _is(binding.target_type, bool) else "text"
    return operand(binding, CompareOperator.eq, value, kind)


def _takes_any_string(declared: type | None) -> bool:
    # Also the enumerations, which are open (RFC 7643, section 7): coercing costs 100 µs, changes nothing.
    return _is(declared, str) and not _is(declared, Reference)


def _is(declared: type | None, kind: type) -> bool:
    return isclass(declared) and issubclass(declared, kind)


def _reader(value: Any, argument: Callable[[Any], object]) -> Reader:
    if isinstance(value, Lifted):
        index = value.index
        return lambda literals: argument(literals[index])
    fixed = argument(value)
    return lambda literals: fixed


def _escaped(text: str) -> str:
    return _WILDCARD.sub(r"\\\1", text)


def _text(binding: AttributeBinding, value: Any) -> object:
    if isinstance(value, str):
        return comparison_key(binding, str(value))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    assert isinstance(value, bool), binding.urn
    return "true" if value else "false"


def _boolean(_: AttributeBinding, value: Any) -> object:
    return cast(bool, value)


def _instant(_: AttributeBinding, value: datetime) -> object:
    if value.tzinfo is None:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)


def _identifier(_: AttributeBinding, value: str) -> object:
    return parse_uuid(exact(value))


_FORMS: Mapping[str, Callable[[AttributeBinding, Any], object]] = {
    "text": _text,
    "boolean": _boolean,
    "timestamptz": _instant,
    "uuid": _identifier,
}
