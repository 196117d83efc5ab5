"""What the server says of itself at /Schemas and /ResourceTypes: the words that requests are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute, or a sub-attribute."""

    name: str
    type: str
    many: bool
    canonical: tuple[str, ...]
    inner: "tuple[Attribute, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A resource type."""

    name: str
    endpoint: str
    schema: str
    attributes: tuple[Attribute, ...]
    extensions: Mapping[str, tuple[Attribute, ...]]
    paths: tuple[tuple[str, Attribute], ...]
    """Every path of an attribute or sub-attribute, and what it leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """All resource types, and the ids under which discovery knows things."""

    kinds: tuple[Kind, ...]
    discovered: tuple[str, ...]
    """Paths of discovery, below the base."""

    @classmethod
    def of(cls, schemas: Sequence[Mapping[str, Any]], types: Sequence[Mapping[str, Any]]) -> Self:
        """The vocabulary of the `Resources` of the two answers."""
        by_urn = {schema["id"]: _attributes(schema["attributes"]) for schema in schemas}
        return cls(
            kinds=tuple(_kind(each, by_urn) for each in types),
            discovered=(
                "/ServiceProviderConfig",
                "/Schemas",
                "/ResourceTypes",
                *(f"/Schemas/{urn}" for urn in by_urn),
                *(f"/ResourceTypes/{each['name']}" for each in types),
            ),
        )


def _kind(described: Mapping[str, Any], by_urn: Mapping[str, tuple[Attribute, ...]]) -> Kind:
    own = (*by_urn[described["schema"]], *_COMMON)
    extensions = {each["schema"]: by_urn[each["schema"]] for each in described.get("schemaExtensions", ())}
    return Kind(
        name=described["name"],
        endpoint=described["endpoint"],
        schema=described["schema"],
        attributes=own,
        extensions=extensions,
        paths=(
            *_paths("", own),
            *(path for urn, each in extensions.items() for path in _paths(urn + ":", each)),
        ),
    )


def _attributes(described: Sequence[Mapping[str, Any]]) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(
            name=each["name"],
            type=each.get("type", "string"),
            many=each.get("multiValued", False),
            canonical=tuple(each.get("canonicalValues", ())),
            inner=_attributes(each.get("subAttributes", ())),
        )
        for each in described
    )


def _paths(prefix: str, attributes: Sequence[Attribute]) -> Iterator[tuple[str, Attribute]]:
    for each in attributes:
        yield prefix + each.name, each
        for inner in each.inner:
            yield f"{prefix}{each.name}.{inner.name}", inner


def _plain(name: str, kind: str = "string", *inner: Attribute) -> Attribute:
    return Attribute(name=name, type=kind, many=False, canonical=(), inner=inner)


_COMMON = (
    _plain("id"),
    _plain("externalId"),
    _plain(
        "meta",
        "complex",
        _plain("resourceType"),
        _plain("created", "dateTime"),
        _plain("lastModified", "dateTime"),
        _plain("location", "reference"),
        _plain("version"),
    ),
)
"""Of every resource, and in no schema (RFC 7643, section 3.1)."""
