"""Placeholders in a dialogue's data: `{{name}}` stands for a value known only while it is played.

A text that is exactly one placeholder becomes the value itself, whatever its JSON type; inside a
longer text the value is written as text.
Proven by tests/unit/test_dialogue.py.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""Any JSON value (RFC 8259)."""

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


class Unfilled(LookupError):
    """Placeholders have no value yet. `names` says which, in alphabetical order."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(", ".join(self.names))


def names_in(value: Json) -> frozenset[str]:
    """The names of all placeholders anywhere in the value."""
    match value:
        case str():
            return frozenset(_PLACEHOLDER.findall(value))
        case list():
            return frozenset[str]().union(*map(names_in, value))
        case dict():
            return frozenset[str]().union(*map(names_in, value.values()))
        case _:
            return frozenset()


def has_stray_braces(text: str) -> bool:
    """Whether braces are left that look like a placeholder but are none, such as `{{ name }}`."""
    rest = _PLACEHOLDER.sub("", text)
    return "{{" in rest or "}}" in rest


def fill(value: Json, variables: Mapping[str, Json]) -> Json:
    """The value with its placeholders replaced; raises `Unfilled` when one has no value."""
    match value:
        case str():
            whole = _PLACEHOLDER.fullmatch(value)
            if whole and whole[1] in variables:
                return variables[whole[1]]
            return fill_text(value, variables)
        case list():
            return [fill(item, variables) for item in value]
        case dict():
            return {key: fill(item, variables) for key, item in value.items()}
        case _:
            return value


def fill_text(text: str, variables: Mapping[str, Json], *, quote: Callable[[str], str] | None = None) -> str:
    """The text with its placeholders replaced, each value passed through `quote` first.

    Raises `Unfilled` when a placeholder has no value.
    """
    missing = names_in(text) - variables.keys()
    if missing:
        raise Unfilled(missing)

    def written(found: re.Match[str]) -> str:
        plain = as_text(variables[found[1]])
        return quote(plain) if quote else plain

    return _PLACEHOLDER.sub(written, text)


def as_text(value: Json) -> str:
    """A text as it is, any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
